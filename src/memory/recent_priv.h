/*
 * recent_priv.h - the words of the newest passages, in memory.
 *
 * Most words of a question are those that most passages have.  To find the newest passages with such a word the full
 * text decodes a page of numbers first, which takes longer than to look for it in the bags (bag_priv.h) of the newest.
 */
#ifndef MEMORY_RECENT_PRIV_H
#define MEMORY_RECENT_PRIV_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "base/check.h"

#define RECENT 256 /* passages; as many as a quick search looks at for one word */

struct recent_bag {
	int64_t id; /* of its passage; 0: none */
	void *bag;
	int bytes, room;
};

struct recent {
	int64_t first; /* id: of all passages from this one on ... */
	int64_t end;   /* ... up to before this one the bag is here; equal: of none */
	struct recent_bag at[RECENT];
};

/* Nothing is in it; a zeroed one is so. */
void recent_clear(struct recent *r);

/* The bag of the next passage; ids grow.  0, or -ENOMEM: then nothing is in it. */
MUST_CHECK int recent_put(struct recent *r, int64_t id, const void *bag, int bytes);

/* Nothing of that passage stays; it may be in there or not. */
void recent_forget(struct recent *r, int64_t id);

/* Does that passage, one from `first` on, have that word (bag_tag())? */
bool recent_has(const struct recent *r, int64_t id, uint32_t tag);

#endif
