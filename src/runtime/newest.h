/*
 * newest.h - the facts of a state from the newest to the oldest, for who wants a few of many: what is not taken is not
 * sorted.  Borrows the state, which stays as it is meanwhile.
 */
#ifndef RUNTIME_NEWEST_H
#define RUNTIME_NEWEST_H

#include "journal/state.h"

struct newest {
	const struct journal_state *state;
	unsigned count;
	struct newest_fact {
		uint64_t seq;
		uint16_t fact; /* of state->facts */
	} heap[STATE_FACTS_MAX]; /* none is older than those at 2i + 1 and 2i + 2 */
	bool skipped[STATE_FACTS_MAX];
};

void newest_begin(struct newest *n, const struct journal_state *s);
/* The next one; NULL: there are no more. */
const struct state_fact *newest_take(struct newest *n);
/* No more claims of this key, of which there is one: the first of them as an index for claims_next(). */
unsigned newest_skip(struct newest *n, const char *key);

#endif
