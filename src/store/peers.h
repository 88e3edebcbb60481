/*
 * peers.h - all segments that this process has mapped, its own among them.
 *
 * The control thread replaces a peer's segment when that peer was restarted; data threads read on
 * without a lock.  They may go on using the mapping they have found until the replacement after
 * the next one; what they lease lives until they release it, however long that takes.
 *
 *                     | init, fini | own, replace, directory | get, interrupt
 *      init, fini     |     x      |           x             |      x     x  the caller keeps them apart
 *      own, replace.. |     x      |           x             |      -     -  any threads at the same time
 *      get, interrupt |     x      |           -             |      -
 */
#ifndef STORE_PEERS_H
#define STORE_PEERS_H

#include "store/directory.h"
#include "store/segment.h"

/* One process's place in the table. */
struct peer {
	struct segment *now;     /* atomic: data threads load it */
	struct segment *retired; /* newest first; control thread only */
};

struct peers {
	const struct plan *plan; /* verified, private; outlives this */
	uint16_t self;
	struct directory directory;
	struct segment own;      /* base NULL until peers_own() */
	uint32_t generation;     /* atomic futex word: grows with each replacement and interrupt */
	bool plain_futex;        /* do not use futex_waitv (old kernels; set by tests) */
	uint32_t spin;           /* looks at a field before going to sleep; 0 where there are two cores or fewer */
	struct peer at[PLAN_PROCESSES_MAX];
};

void peers_init(struct peers *t, const struct plan *p, uint16_t self);
/* Unmap everything; all fields, leases and waits of this process have ended. */
void peers_fini(struct peers *t);

/* Map, format and freeze one's own segment; fd is borrowed.  As segment_map_writer(). */
MUST_CHECK int peers_own(struct peers *t, uint32_t epoch, int fd);
/* Map the directory; fd is borrowed. */
MUST_CHECK int peers_directory(struct peers *t, int fd);
/*
 * Map a peer's (new) segment in the place of the old one; fd is borrowed.  Wakes all threads that
 * wait in wait_field().  -ESTALE: it is not newer than the one we have; -EPROTO, -errno as
 * segment_map_reader(); the old one stays then.
 */
MUST_CHECK int peers_replace(struct peers *t, uint16_t process, uint32_t epoch, int fd);

/* The newest segment of a process, or NULL. */
const struct segment *peers_get(const struct peers *t, uint16_t process);
/* Make all waits of this process return -ECANCELED once, so that threads look around. */
void peers_interrupt(struct peers *t);
/* Mappings held, one's own and retired ones among them.  Control thread. */
unsigned peers_mappings(const struct peers *t);

#endif
