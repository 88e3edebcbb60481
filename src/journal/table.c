/* table.c - see table_priv.h. */
#include "journal/table_priv.h"

#include <string.h>
#include "base/check.h"

static void *item(const struct table *t, unsigned slot) {
	return (char *)t->items + slot * t->item_bytes;
}

static uint64_t seq_of(const struct table *t, unsigned slot) {
	uint64_t seq;
	memcpy(&seq, (char *)item(t, slot) + t->seq_at, sizeof(seq));
	return seq;
}

/* Where the key stands in `order`, or would be inserted. */
static unsigned position(const struct table *t, const void *key, bool *found) {
	unsigned low = 0, high = *t->count;
	*found = false;
	while (low < high) {
		unsigned middle = (low + high) / 2;
		int c = t->compare(t->ctx, key, item(t, t->order[middle]));
		if (c == 0) {
			*found = true;
			return middle;
		}
		if (c < 0)
			high = middle;
		else
			low = middle + 1;
	}
	return low;
}

void *table_find(const struct table *t, const void *key) {
	bool found;
	unsigned at = position(t, key, &found);
	return found ? item(t, t->order[at]) : NULL;
}

/* The last item moves into its slot. */
void table_remove_at(const struct table *t, unsigned at) {
	unsigned slot = t->order[at], last = --*t->count;
	memmove(&t->order[at], &t->order[at + 1], (last - at) * sizeof(t->order[0]));
	if (slot != last) {
		memcpy(item(t, slot), item(t, last), t->item_bytes);
		for (unsigned i = 0; i < last; i++)
			if (t->order[i] == last)
				t->order[i] = (uint16_t)slot;
	}
	memset(item(t, last), 0, t->item_bytes); /* what was taken out is gone */
}

static unsigned oldest_of(const struct table *t) {
	unsigned oldest = 0;
	for (unsigned i = 1; i < *t->count; i++)
		if (seq_of(t, t->order[i]) < seq_of(t, t->order[oldest]))
			oldest = i;
	return oldest;
}

void *table_put(const struct table *t, const void *key, bool *evicted) {
	bool found;
	unsigned at = position(t, key, &found);
	*evicted = false;
	if (found)
		return item(t, t->order[at]);
	if (*t->count == t->max) {
		table_remove_at(t, t->makes_room ? t->makes_room(t, key) : oldest_of(t));
		*evicted = true;
		at = position(t, key, &found);
	}
	unsigned slot = (*t->count)++;
	CHECK(slot < t->max && at <= slot);
	memmove(&t->order[at + 1], &t->order[at], (slot - at) * sizeof(t->order[0]));
	t->order[at] = (uint16_t)slot;
	memset(item(t, slot), 0, t->item_bytes);
	return item(t, slot);
}

void table_remove(const struct table *t, const void *key) {
	bool found;
	unsigned at = position(t, key, &found);
	if (found)
		table_remove_at(t, at);
}
