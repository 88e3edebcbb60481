/* newest.c - see newest.h: a heap. */
#include "runtime/newest.h"

static void sink(struct newest *n, unsigned at) {
	const struct newest_fact it = n->heap[at];
	for (unsigned child; (child = 2 * at + 1) < n->count; at = child) {
		if (child + 1 < n->count && n->heap[child + 1].seq > n->heap[child].seq)
			child++;
		if (n->heap[child].seq <= it.seq)
			break;
		n->heap[at] = n->heap[child];
	}
	n->heap[at] = it;
}

/* From the back: a table that was never full has its newest there, and then it is a heap already. */
void newest_begin(struct newest *n, const struct journal_state *s) {
	n->state = s;
	n->count = s->fact_count;
	memset(n->skipped, 0, sizeof(n->skipped));
	for (unsigned i = 0; i < n->count; i++) {
		uint16_t fact = (uint16_t)(n->count - 1 - i);
		n->heap[i] = (struct newest_fact){ s->facts[fact].seq, fact };
	}
	for (unsigned i = n->count / 2; i-- > 0;)
		sink(n, i);
}

const struct state_fact *newest_take(struct newest *n) {
	while (n->count > 0) {
		uint16_t fact = n->heap[0].fact;
		n->heap[0] = n->heap[--n->count];
		if (n->count > 0)
			sink(n, 0);
		if (!n->skipped[fact])
			return &n->state->facts[fact];
	}
	return NULL;
}

unsigned newest_skip(struct newest *n, const char *key) {
	unsigned first, count = state_claims(n->state, key, &first);
	CHECK(count > 0);
	for (unsigned i = first; i < first + count; i++)
		n->skipped[state_fact_at(n->state, i) - n->state->facts] = true;
	return first;
}
