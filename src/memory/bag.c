/* bag.c - see bag_priv.h. */
#include "memory/bag_priv.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static int collect(void *user, const char *word, size_t bytes) {
	struct bag *b = user;
	if (b->count < BAG_ROOM)
		b->at[b->count++] = bag_tag(word, bytes);
	return 0;
}

static int by_tag(const void *a, const void *b) {
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
	return (x > y) - (x < y);
}

int bag_of(struct bag *b, struct words *w, const char *text, size_t bytes) {
	b->count = 1;
	if (words_each(w, text, bytes, collect, b) != 0)
		return -ENOMEM;
	uint32_t all = b->count, kept = 1;
	qsort(b->at + 1, all - 1, sizeof(b->at[0]), by_tag);
	for (uint32_t i = 1; i < all; i++) {
		if (kept > 1 && b->at[kept - 1] >> 4 == b->at[i] >> 4)
			b->at[kept - 1] += (b->at[kept - 1] & 15) < 15;
		else
			b->at[kept++] = b->at[i] | 1;
	}
	b->at[0] = all - 1;
	b->count = kept;
	return 0;
}

static uint32_t number(const void *bag, uint32_t i) {
	uint32_t v;
	memcpy(&v, (const char *)bag + i * sizeof(v), sizeof(v));
	return v;
}

uint32_t bag_length(const void *bag, int bytes) {
	return bag && bytes >= 4 ? number(bag, 0) : 0;
}

uint32_t bag_times(const void *bag, int bytes, uint32_t tag) {
	uint32_t low = 1, high = bag && bytes >= 4 ? (uint32_t)bytes / 4 : 1;
	while (low < high) {
		uint32_t middle = low + (high - low) / 2, v = number(bag, middle);
		if (v >> 4 == tag >> 4)
			return v & 15;
		if (v < tag)
			low = middle + 1;
		else
			high = middle;
	}
	return 0;
}
