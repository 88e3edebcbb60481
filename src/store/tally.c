/* tally.c - see tally.h.  Which tallies have a handle is known to the process alone: a hostile one miscounts itself. */
#include "store/tally.h"

#define IDENTITY UINT64_C(0xffffffff) /* schema/layout.h: what it is the tally of */
#define OPEN (UINT64_C(1) << 32)

static bool claim(struct peers *t, uint32_t i) {
	uint64_t bit = UINT64_C(1) << (i % 64);
	return (__atomic_fetch_or(&t->tallied[i / 64], bit, __ATOMIC_ACQUIRE) & bit) == 0;
}

static void leave(struct peers *t, uint32_t i) {
	__atomic_fetch_and(&t->tallied[i / 64], ~(UINT64_C(1) << (i % 64)), __ATOMIC_RELEASE);
}

/* One of which that is said; NULL: there is none that no handle has. */
static struct layout_tally *find(struct peers *t, uint64_t what) {
	for (uint32_t i = 0; i < t->own.tally_count; i++) {
		struct layout_tally *tally = &t->own.tallies[i];
		if ((word_peek(&tally->what) & IDENTITY) != what || !claim(t, i))
			continue;
		if ((word_peek(&tally->what) & IDENTITY) == what)
			return tally;
		leave(t, i);
	}
	return NULL;
}

struct layout_tally *tally_take(struct peers *t, enum layout_doing doing, uint16_t index) {
	uint64_t what = (uint64_t)doing << 16 | index;
	if (!t->own.base)
		return &t->unseen;
	struct layout_tally *tally = find(t, what);
	if (!tally && !(tally = find(t, 0))) {
		counter_add(&t->own, COUNTER_untallied, 1);
		return &t->unseen;
	}
	word_poke(&tally->cursor, 0);
	word_store(&tally->what, what | OPEN);
	return tally;
}

void tally_begin_life(struct layout_tally *tally, uint32_t epoch, uint64_t cursor) {
	uint64_t what = word_peek(&tally->what);
	word_poke(&tally->cursor, cursor);
	word_store(&tally->what, (what & (IDENTITY | OPEN)) | (uint64_t)(epoch & 0xffff) << 48);
}

void tally_leave(struct peers *t, struct layout_tally *tally) {
	if (!tally || tally == &t->unseen)
		return;
	word_store(&tally->what, word_peek(&tally->what) & ~OPEN);
	leave(t, (uint32_t)(tally - t->own.tallies));
}

bool tally_get(const struct segment *s, uint32_t i, struct layout_tally *out) {
	if (i >= s->tally_count)
		return false;
	const struct layout_tally *t = &s->tallies[i];
	*out = (struct layout_tally){ .what = word_peek(&t->what), .taken = word_peek(&t->taken),
		.leased = word_peek(&t->leased), .missed = word_peek(&t->missed), .laps = word_peek(&t->laps),
		.retries = word_peek(&t->retries), .waits = word_peek(&t->waits), .cursor = word_peek(&t->cursor) };
	return out->what != 0;
}
