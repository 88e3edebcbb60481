/*
 * tally.h - what each handle of a process counts, in the process's own segment, for everybody to see.
 *
 *      field_open()     tally_take(): the tally that a handle like it has left, or one that nobody had
 *      ... reads ...    tally_add()
 *      field_close()    tally_leave(): it stays, with all it has counted
 *
 * A tally has one handle at a time, so its words are stored, not added to under a lock.  take, leave: any threads.
 */
#ifndef STORE_TALLY_H
#define STORE_TALLY_H

#include "store/peers.h"
#include "store/word.h"

/* `index` is a field, or of LAYOUT_LISTENS a process.  Never NULL: without a segment of our own, or a free one, it is
   one that nobody sees. */
struct layout_tally *tally_take(struct peers *t, enum layout_doing doing, uint16_t index);
/* What is taken from now on is of that life of the writer, and comes behind `cursor`. */
void tally_begin_life(struct layout_tally *tally, uint32_t epoch, uint64_t cursor);
/* NULL: none was taken. */
void tally_leave(struct peers *t, struct layout_tally *tally);

/* Tally i of anybody, copied; false: no handle has had it, or there is none. */
bool tally_get(const struct segment *s, uint32_t i, struct layout_tally *out);

static inline enum layout_doing tally_doing(uint64_t what) {
	return (enum layout_doing)(what >> 16 & 0xffff);
}

static inline bool tally_is_open(uint64_t what) {
	return what >> 32 & 1;
}

/* Of a copy. */
static inline void tally_mark_closed(struct layout_tally *t) {
	t->what &= ~(UINT64_C(1) << 32);
}

static inline uint16_t tally_epoch(uint64_t what) {
	return (uint16_t)(what >> 48);
}

static inline void tally_add(uint64_t *word, uint64_t n) {
	word_poke(word, word_peek(word) + n);
}

#endif
