/*
 * children.h - the processes of a machine as their parent sees them.
 *
 * One struct child per seat of the plan.  A child lives through
 *
 *      FREE -> STARTING -> LIVE -> ENDING -> FREE          asked to end, or refused to start
 *                 |          |
 *                 +----------+-> FREE (dead; DEAD in the directory), started again if wanted
 *
 * Every start gives it a fresh segment and the next epoch.  Only the parent's single thread is here.
 */
#ifndef RUNTIME_CHILDREN_H
#define RUNTIME_CHILDREN_H

#include <stdbool.h>
#include <sys/types.h>
#include "base/check.h"
#include "base/clock.h"
#include "client/seat.h"
#include "runtime/doors.h"
#include "runtime/legacy.h"
#include "schema/plan.h"
#include "store/directory.h"

enum child_state { CHILD_FREE, CHILD_STARTING, CHILD_LIVE, CHILD_ENDING };

struct child {
	enum child_state state;
	bool wanted;     /* by the plan or by core: start it again when it dies */
	bool hopeless;   /* it died too often and is left alone */
	bool behind;     /* its socket was full: it misses messages, see children_catch_up() */
	bool apart;      /* it and core should have a channel and have none yet */
	bool has_doors;  /* nothing of core's or the guard's doors is due */
	bool has_directory; /* it knows ours, and not only that of the parent before us */
	bool core_knows; /* core was told that it is gone and stays so */
	bool suspect;    /* LIVE, but stopped by somebody */
	bool has_left;   /* an outsider that said so: its end is no death */
	pid_t pid;       /* 0: not a child of ours, but an outsider, or a child of the parent before us */
	int pidfd;       /* of its process; -1 also where the kernel gave none for an outsider */
	int socket;      /* its seat socket, our end */
	struct segment_files segment; /* its memory, kept after its death until the next start */
	bool published;  /* others have, or may have, that segment */
	uint32_t epoch;
	struct cdm_mono started;
	int64_t end_by_ns;    /* ENDING: when patience ends; 0 else */
	int64_t retry_at_ns;  /* FREE and wanted: not before */
	unsigned quick_deaths; /* in a row, each within CHILDREN_QUICK_NS of its start */
};

#define CHILDREN_QUICK_NS (2 * NS_PER_S)
#define CHILDREN_PATIENCE_NS (3 * NS_PER_S)
#define CHILDREN_GIVE_UP 6u /* quick deaths in a row after which a child is left alone */

struct children {
	const struct plan *plan;
	int plan_fd;      /* the plan as a sealed memory file */
	int directory_fd;
	struct directory directory;
	int64_t look_at_ns; /* when outsiders are looked at next; 0: there are none */
	int doors[DOORS_COUNT]; /* listening sockets that outlive core, the guard, and us */
	int epoll;        /* where our caller watches sockets and handles; -1: nowhere */
	int starter;      /* a handle of the program with which the machine ends; -1: none */
	struct child at[PLAN_PROCESSES_MAX];
};

/* Create the directory; `plan`, `plan_fd`, the doors and `starter` are borrowed. */
MUST_CHECK int children_init(struct children *c, const struct plan *plan, int plan_fd, const int doors[DOORS_COUNT],
		int starter);
/*
 * Seat p as the last parent left it: its descriptors are taken.  Who lives goes on; who does not is started again
 * if the machine wants it.  For core, `left` has what core says of itself.
 */
void children_adopt(struct children *c, uint16_t p, const struct legacy_seat *left);
/* All seats are adopted: core counts as ready, and everybody hears of us with the next children_catch_up(). */
void children_adopted(struct children *c);
void children_fini(struct children *c);

/* Fork and exec process p; it is STARTING until its READY comes.  -errno. */
MUST_CHECK int children_start(struct children *c, uint16_t p);
/* Is p a seat for programs that we do not start: a client's, or that of an external entity? */
bool children_outsider(const struct children *c, uint16_t p);
/* A client's seat that is free, or -EBUSY. */
MUST_CHECK int children_free_seat(const struct children *c);
/* The seat of an external entity; -ENOENT: no such entity; -EACCES: it is not left to programs. */
MUST_CHECK int children_seat_of(const struct children *c, const char *entity);
/* Give the free seat p to a connected socket (taken on success).  0, -errno. */
MUST_CHECK int children_seat(struct children *c, uint16_t p, int socket, pid_t pid);
/* It said READY: publish its segment, connect it with core, hand it its doors. */
MUST_CHECK int children_ready(struct children *c, uint16_t p);
/* Doors were made anew (borrowed): core and the guard get theirs, now or when they are live. */
void children_doors(struct children *c, const int doors[DOORS_COUNT]);
/* Hang up on it, whoever else holds our end of its seat. */
void children_hang_up(struct children *c, uint16_t p);
/*
 * Ask it to end; killed when its patience runs out (see children_tick).  An outsider is told and hung up on, and stays
 * ENDING, and alive in the directory, until its end: what it borrowed is nobody's to write on.
 */
void children_end(struct children *c, uint16_t p);
/*
 * Its process is gone: reap, mark it in the directory, plan the next start.  Nothing happens when it lives:
 * an event may be older than the process.
 */
void children_died(struct children *c, uint16_t p);
/* Some child was stopped or goes on (SIGCHLD): it is suspect, or live again.  Nobody is dead by this. */
void children_look_for_stopped(struct children *c);
/* The same for outsiders, of whom no signal tells; every CHILDREN_LOOK_NS while there are any. */
#define CHILDREN_LOOK_NS NS_PER_S
/* Core wants it: start it, or start it again once it has ended.  Core hears when that cannot be. */
void children_ask(struct children *c, uint16_t p);
/* What time brings: retries and the end of patience. */
void children_tick(struct children *c, struct cdm_mono now);
/* A message of that kind did not reach it as a whole: it is sent again with the next children_catch_up(). */
void children_repeat(struct children *c, uint16_t p, uint32_t kind);
/* Send again what a full socket could not take. */
void children_catch_up(struct children *c, uint16_t p);
/* Nanoseconds until children_tick() has something to do, -1: nothing. */
int64_t children_next_ns(const struct children *c, struct cdm_mono now);

#endif
