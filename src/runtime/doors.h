/*
 * doors.h - the listening sockets of a machine, in a folder that anybody may delete.
 *
 * Three sockets stand in RUN (client/run_dir.h): attach, control, stop.  A machine whose folder is
 * deleted or moved away could not be reached any more, not even to stop it; so the kernel tells
 * us (inotify), and a moment later what is missing is made anew: the folder, and a fresh socket for each
 * door that is not ours any more.  Connections that exist are not touched.
 *
 * A moment later, because whoever deletes a folder is still at it when we hear of it.  When a door cannot
 * be made (no right, no space, another machine stands there) it is tried again, later and later, and
 * at once when something changes.
 *
 * One thread.  Time comes as an argument.
 */
#ifndef RUNTIME_DOORS_H
#define RUNTIME_DOORS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>
#include "base/check.h"
#include "base/clock.h"
#include "cadmus/diag.h"
#include "client/run_dir.h"

#define DOORS_PAUSE_NS (100 * NS_PER_MS)     /* between the news and the repair, and before the second try */
#define DOORS_PAUSE_MAX_NS (10 * NS_PER_S)   /* between tries */

enum doors_which { DOORS_ATTACH, DOORS_CONTROL, DOORS_STOP, DOORS_COUNT };

/* A place in the file system, so that what stands at a path can be told from what we put there. */
struct doors_place {
	dev_t device;
	ino_t inode;
};

struct doors {
	const char *machine; /* borrowed */
	char folder[RUN_DIR_PATH_MAX];
	int fd[DOORS_COUNT]; /* listening, perhaps at a path that is gone */
	struct doors_place place[DOORS_COUNT];
	int notify;          /* poll it for reading, then doors_heard(); -1: nobody tells us */
	int watching[2];     /* the folder, and the one above it */
	int64_t repair_at_ns, pause_ns; /* 0: nothing to repair */
	bool complained;
};

/*
 * Make the folder and open all doors.  -EADDRINUSE when a machine of that name runs; -errno; explained in diag.
 * On failure doors_close() is still to be called.
 */
MUST_CHECK int doors_open(struct doors *d, const char *machine, struct cdm_diag *diag);
/* The same with the sockets (taken) at which the last parent listened.  What is not at its path is made anew soon. */
void doors_adopt(struct doors *d, const char *machine, const int fds[DOORS_COUNT], struct cdm_mono now);
/* A closed one: doors_close() of it does nothing. */
struct doors doors_none(void);
void doors_close(struct doors *d);
/* Take away what we put into the file system, and nothing of anybody else. */
void doors_remove(struct doors *d);

/* Something happened to the folder: look after it DOORS_PAUSE_NS from now. */
void doors_heard(struct doors *d, struct cdm_mono now);
/* Repair what is due.  The set (1 << enum doors_which) of doors that have a new socket; the old one is closed. */
unsigned doors_tick(struct doors *d, struct cdm_mono now);
/* Nanoseconds until doors_tick() has something to do; -1: nothing. */
int64_t doors_next_ns(const struct doors *d, struct cdm_mono now);

#endif
