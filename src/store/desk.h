/*
 * desk.h - what a reader asks of writers, in its own segment: "I hold this slot", "wake me".
 *
 * Both are Dekker pairs of sequentially consistent words.  A reader posts its lease, then looks at
 * the slot's stamp; a writer makes the stamp odd, then looks at the desks: at least one sees the
 * other and steps back.  A waiter counts itself in, then looks at the field's head; a writer
 * stores the head, then looks at the counts.
 *
 * The writer must know the desk: peers_replace() first puts the reader's segment into the table and
 * then acknowledges it (layout_head.desks); before that desk_is_known() is false and there are
 * neither leases nor unlimited sleeps, unless the writer is over: it overwrites nothing, and wakes nobody.
 * The desk of a process that the directory calls over is void.
 *
 * Any thread, no lock, no system call.
 */
#ifndef STORE_DESK_H
#define STORE_DESK_H

#include <stdbool.h>
#include "store/peers.h"

/* The desks of others as a writer sees them: mappings that it holds, see peers.h. */
struct desk_view {
	const struct peers *peers;
	const struct segment *held[PLAN_PROCESSES_MAX];
};

void desk_view_drop(struct desk_view *v);

/* Does the owner of `writer` respect our desk? */
bool desk_is_known(const struct peers *t, const struct segment *writer);
/* The same, or does it write no more?  Its successor comes with another generation. */
bool desk_is_heard(const struct peers *t, const struct segment *writer);

/*
 * Reader: take a free word of our own desk and say what we hold; NULL: the quota is used up.  The sample need not
 * stand in the slot yet: whatever else does is not held by this.
 */
uint64_t *desk_post(const struct peers *t, uint16_t field, uint32_t epoch, uint32_t slot, uint64_t version);
void desk_clear(uint64_t *lease);
/* Which of our lease words that is: 0 .. lease_quota - 1. */
unsigned desk_index(const struct peers *t, const uint64_t *lease);
/*
 * That word stands for a sample which is not there yet (true), or which one is about to look for (false).  Such a word
 * keeps no memory of a life that was replaced: after false, ask peers_is_now() before the sample is believed.
 */
void desk_mark_ahead(struct peers *t, const uint64_t *lease, bool ahead);
/* Is anything of that generation of the process held by us? */
bool desk_holds(const struct peers *t, uint16_t process, uint32_t epoch);
/* Leases that we hold. */
unsigned desk_count(const struct peers *t);
/* Is more than half of our lease words free, and more than one? */
bool desk_has_plenty(const struct peers *t);

/*
 * What one waits for is a field (by the one whose head it has) or the events of a process: a number, whose low bits
 * choose the wait word.
 */
static inline uint32_t desk_events_of(const struct plan *p, uint16_t process) {
	return p->fields.count + process;
}

/* Reader: from begin to end, its writer makes the wake-up call. */
void desk_wait_begin(const struct peers *t, uint32_t what);
void desk_wait_end(const struct peers *t, uint32_t what);
/* Threads of ours that wait for it, or for what shares its word. */
uint32_t desk_waits(const struct peers *t, uint32_t what);

/* Writer: does any of the living `readers` hold that sample of the field, which stands in that slot? */
bool desk_is_leased(struct desk_view *v, uint64_t readers, uint16_t field, uint32_t slot, uint64_t version);
/* Writer: how far the slowest living listener to our events has come that has taken any; `newest`: there is none. */
uint64_t desk_slowest_listener(struct desk_view *v, uint64_t newest);
/* Writer: does any of them wait for that? */
bool desk_waiting(struct desk_view *v, uint64_t readers, uint32_t what);

#endif
