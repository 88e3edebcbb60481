/*
 * bag_priv.h - the words of a passage, each with how often, small enough to be read by the hundred in every search.
 *
 * Numbers of 32 bits: first the words in all, then the different ones in order, 28 bits of their hash and 4 of how
 * often (15: or more).  Of a passage every word fits.  Two words that share 28 bits count as one; it happens.
 */
#ifndef MEMORY_BAG_PRIV_H
#define MEMORY_BAG_PRIV_H

#include "memory/passage.h"
#include "memory/words.h"

#define BAG_ROOM (PASSAGE_BYTES_MAX + 2)

struct bag {
	uint32_t at[BAG_ROOM];
	uint32_t count; /* numbers in it */
};

/* 0, or -ENOMEM. */
MUST_CHECK int bag_of(struct bag *b, struct words *w, const char *text, size_t bytes);

static inline int bag_bytes(const struct bag *b) {
	return (int)(b->count * sizeof(b->at[0]));
}

/* How a word is known in a bag. */
static inline uint32_t bag_tag(const char *word, size_t bytes) {
	return (uint32_t)(words_hash(word, bytes) >> 36) << 4;
}

/* Of bytes as they stand in the index: words in all; how often that one. */
uint32_t bag_length(const void *bag, int bytes);
uint32_t bag_times(const void *bag, int bytes, uint32_t tag);

#endif
