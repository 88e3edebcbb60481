/*
 * peers.h - all segments that this process has mapped, its own among them.
 *
 * The control thread replaces a peer's segment when that peer was restarted; data threads read on
 * without a lock.  Each handle (a reader, a writer, a reader of events) holds the mappings that it uses, and
 * goes on to a new one with its next call.  The memory of a mapping that was replaced is kept as long as something
 * in it is leased, however long that takes; its addresses as long as a handle holds it.  Between the two they read as
 * zeros.
 *
 *                     | init, fini | own, replace, directory, tidy | hold, drop, interrupt
 *      init, fini     |     x      |              x                |      x     x  the caller keeps
 *      own, replace.. |     x      |              x                |      -        them apart
 *      hold, drop ..  |     x      |              -                |      -     -  any threads at once
 */
#ifndef STORE_PEERS_H
#define STORE_PEERS_H

#include "store/directory.h"
#include "store/segment.h"

/* Mappings that need no memory of the allocator: every process, and what is retired for a moment.  Those who hold
   more old memory than that allocate. */
#define PEERS_SPARES (PLAN_PROCESSES_MAX + 32)

/* One process's place in the table. */
struct peer {
	struct segment *now;     /* atomic: data threads load it */
	struct segment *retired; /* control thread only */
};

struct peers {
	const struct plan *plan; /* verified, private; outlives this */
	uint16_t self;
	struct directory directory;
	struct segment own;      /* base NULL until peers_own() */
	uint32_t generation;     /* atomic futex word: grows with each replacement and interrupt */
	bool plain_futex;        /* do not use futex_waitv (old kernels; set by tests) */
	uint32_t spin;           /* looks at a field before going to sleep; 0 where there are two cores or fewer */
	uint64_t mapped;         /* atomic: set of the processes that are mapped, less those known to be over */
	uint64_t tallied[PLAN_TALLIES_MAX / 64]; /* atomic: tallies of ours that a handle has */
	struct layout_tally unseen; /* where handles count that have none */
	uint64_t ahead[(UINT16_MAX + 1) / 64]; /* atomic: lease words of ours that hold nothing yet; see desk.h */
	struct peer at[PLAN_PROCESSES_MAX];
	struct segment *free;    /* by next; control thread only.  What was a segment once stays one: peers_hold() */
	struct segment spares[PEERS_SPARES];
};

void peers_init(struct peers *t, const struct plan *p, uint16_t self);
/* Unmap everything; all fields, leases and waits of this process have ended. */
void peers_fini(struct peers *t);

/* Map, format and freeze one's own segment; the files are borrowed.  As segment_map_writer(). */
MUST_CHECK int peers_own(struct peers *t, uint32_t epoch, const struct segment_files *files);
/* Map the directory, or another one in the place of what is mapped (as directory_follow()); fd is borrowed. */
MUST_CHECK int peers_directory(struct peers *t, int fd);
/*
 * Map a peer's (new) segment in the place of the old one; the files are borrowed.  Wakes all threads that
 * wait in wait_field().  Allocates only when PEERS_SPARES are in use.  -ESTALE: it is not newer than
 * the one we have; -EPROTO, -errno as segment_map_reader(); the old one stays then.
 */
MUST_CHECK int peers_replace(struct peers *t, uint16_t process, uint32_t epoch, const struct segment_files *files);

/* The newest segment of a process, or NULL.  For the control thread: good until peers_replace(). */
const struct segment *peers_get(const struct peers *t, uint16_t process);
/* Let *held go, if any, and hold the newest segment of the process instead; NULL: there is none. */
const struct segment *peers_hold(const struct peers *t, uint16_t process, const struct segment **held);
/* No-op on NULL. */
void peers_drop(const struct segment **held);

/* The newest one again, where it seldom changes: a load and a comparison. */
static inline const struct segment *peers_now(const struct peers *t, uint16_t process, const struct segment **held) {
	const struct segment *now = __atomic_load_n(&t->at[process].now, __ATOMIC_SEQ_CST);
	return now == *held ? now : peers_hold(t, process, held);
}

/*
 * Is that what one would hold now?  If so, what was read in it before this call was there, and what was leased in it
 * before this call stays.
 */
static inline bool peers_is_now(const struct peers *t, uint16_t process, const struct segment *held) {
	return __atomic_load_n(&t->at[process].now, __ATOMIC_SEQ_CST) == held; /* H5 */
}

/* Let go of what is not used any more; peers_replace() does it.  How many that were replaced keep memory, for a lease
   in them: for those it is called again. */
unsigned peers_tidy(struct peers *t);
/* Make all waits of this process return -ECANCELED once, so that threads look around. */
void peers_interrupt(struct peers *t);
/* Mappings held, one's own and retired ones among them.  Control thread. */
unsigned peers_mappings(const struct peers *t);

#endif
