/*
 * legacy.h - what a parent that is killed leaves behind, so that another one goes on and nobody notices.
 *
 *      parent                          core                              the next parent
 *        | KEEP, KEEP_DOORS             |                                  |
 *        |----------------------------->|  copies of all that it holds     |
 *        x killed                       |                                  |
 *                                       |  spawn cadmusd --legacy-fd       |
 *                                       |--------------------------------->|  the same sockets, pidfds, memory, doors
 *                                       |                        DIRECTORY |  the same lives in a new directory
 *                                       |<---------------------------------|  (to everybody)
 *
 * The others' seats are sockets whose far end core holds too, so they do not hang up; what was said over them
 * meanwhile waits.  Only core's own seat hangs up, which is how core knows.  The descriptors go to the next parent by
 * exec, under their numbers; one memory file says which is which.
 *
 * One thread.
 */
#ifndef RUNTIME_LEGACY_H
#define RUNTIME_LEGACY_H

#include <spawn.h>
#include <stdbool.h>
#include "base/check.h"
#include "cadmus/diag.h"
#include "client/seat.h"
#include "runtime/doors.h"
#include "store/directory.h"

/* A seat of the plan.  Descriptors are -1 where there is none. */
struct legacy_seat {
	uint32_t epoch; /* of the process that these belong to */
	uint32_t joined; /* core has a channel to it */
	int32_t socket, end; /* our end of its seat; a handle of its process */
	struct segment_files segment;
	struct directory_entry life; /* as it stood in the directory */
};

/* Written as it is into a memory file, from one program to the same one. */
struct legacy {
	uint32_t magic, abi;
	int32_t plan, starter; /* `starter`: a handle of the program with which the machine ends; -1: none */
	int32_t doors[DOORS_COUNT];
	struct legacy_seat seats[PLAN_PROCESSES_MAX];
};

/* Nothing was left yet. */
void legacy_init(struct legacy *l);
/* Close all of it. */
void legacy_fini(struct legacy *l);
/* Take the descriptors of a KEEP or KEEP_DOORS event, in the place of what was there. */
void legacy_keep(struct legacy *l, const struct seat_event *e);
/* Was enough left for another parent? */
bool legacy_is_whole(const struct legacy *l);

/* A memory file that says all this to whoever inherits the descriptors; -errno. */
MUST_CHECK int legacy_write(const struct legacy *l);
/* All of it stays open in the program that is spawned with these actions.  -errno. */
MUST_CHECK int legacy_pass_on(const struct legacy *l, posix_spawn_file_actions_t *actions);
/*
 * What such a file says, when all of it was inherited; the descriptors are the caller's, close-on-exec again.
 * -EPROTO, explained in diag.
 */
MUST_CHECK int legacy_read(struct legacy *l, int fd, struct cdm_diag *diag);

#endif
