/*
 * share.c - who makes room in a full table whose items are somebody's: whoever holds the most of it.
 *
 * So what one principal sends, however much, pushes out its own as soon as it holds as much as any other.  Whoever
 * comes is counted with what it brings.  Of one holder the oldest item goes; where several hold as many, the one whose
 * oldest item is trusted least, else is the oldest, else has the first key.  A holder may be parted further, so that of
 * all that the machine itself holds the loudest sensor goes first.
 */
#include "journal/state_priv.h"

#include <string.h>
#include "base/check.h"

#define SLOTS 8192u /* a power of 2, and twice what the largest table has */
_Static_assert(SLOTS >= 2 * STATE_FACTS_MAX, "a search in it ends soon");

struct holder {
	uint16_t count;  /* of items; 0: free */
	uint16_t oldest; /* among them, in the order of keys */
};

static const char *item_at(const struct table *t, unsigned i) {
	return (const char *)t->items + t->order[i] * t->item_bytes;
}

static uint64_t seq_at(const struct table *t, unsigned i) {
	uint64_t seq;
	memcpy(&seq, item_at(t, i) + t->seq_at, sizeof(seq));
	return seq;
}

static uint32_t trust_of(const struct table *t, unsigned i) {
	const struct shape *shape = t->ctx;
	uint32_t trust = 0;
	if (shape->trust_at)
		memcpy(&trust, item_at(t, i) + shape->trust_at, sizeof(trust));
	return trust;
}

/* Where the holder of that name stands, or would. */
static struct holder *find(struct holder *all, const struct table *t, uint16_t at, const char *name) {
	uint32_t slot = state_tag(name, "") % SLOTS;
	while (all[slot].count && strcmp(item_at(t, all[slot].oldest) + at, name) != 0)
		slot = (slot + 1) % SLOTS;
	return &all[slot];
}

/* Does b make room rather than a? */
static bool rather(const struct table *t, const struct holder *a, const struct holder *b) {
	uint32_t x = trust_of(t, a->oldest), y = trust_of(t, b->oldest);
	if (a->count != b->count)
		return a->count < b->count;
	if (x != y)
		return y < x;
	if (seq_at(t, a->oldest) != seq_at(t, b->oldest))
		return seq_at(t, b->oldest) < seq_at(t, a->oldest);
	return b->oldest < a->oldest;
}

/* Of the items `left` those of one holder stay, and `*comes` if it is the same one's; the oldest of them. */
static unsigned narrow(const struct table *t, uint16_t at, uint16_t *left, unsigned *count, const char **comes) {
	struct holder all[SLOTS] = { { 0 } }, *most = NULL;
	for (unsigned i = 0; i < *count; i++) { /* in the order of keys, so among equals the first stays the oldest */
		struct holder *h = find(all, t, at, item_at(t, left[i]) + at);
		if (h->count++ == 0 || seq_at(t, left[i]) < seq_at(t, h->oldest))
			h->oldest = left[i];
	}
	struct holder *own = *comes ? find(all, t, at, *comes + at) : NULL;
	if (own && own->count)
		own->count++;
	for (unsigned i = 0; i < SLOTS; i++)
		if (all[i].count && (!most || rather(t, most, &all[i])))
			most = &all[i];
	CHECK(most); /* somebody holds what is left */
	const char *name = item_at(t, most->oldest) + at;
	unsigned n = 0;
	for (unsigned i = 0; i < *count; i++)
		if (strcmp(item_at(t, left[i]) + at, name) == 0)
			left[n++] = left[i];
	*count = n;
	*comes = own == most ? *comes : NULL;
	return most->oldest;
}

unsigned share_makes_room(const struct table *t, const void *key) {
	const struct shape *shape = t->ctx;
	uint16_t left[STATE_FACTS_MAX];
	unsigned count = *t->count, oldest = 0;
	const char *comes = key;
	CHECK(count > 0 && count <= COUNT_OF(left));
	for (unsigned i = 0; i < count; i++)
		left[i] = (uint16_t)i;
	for (unsigned level = 0; level < SHAPE_HOLDERS && shape->holder_at[level]; level++)
		oldest = narrow(t, shape->holder_at[level], left, &count, &comes);
	return oldest;
}
