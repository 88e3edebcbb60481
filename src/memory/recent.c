/* recent.c - see recent_priv.h. */
#include "memory/recent_priv.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "memory/bag_priv.h"

static size_t place(int64_t id) {
	return (size_t)((uint64_t)id % RECENT);
}

static void wipe(struct recent_bag *b) {
	if (b->room > 0)
		explicit_bzero(b->bag, (size_t)b->room);
	b->id = 0;
	b->bytes = 0;
}

static void let_go(struct recent_bag *b) {
	wipe(b);
	free(b->bag);
	*b = (struct recent_bag){ .bag = NULL };
}

void recent_clear(struct recent *r) {
	for (size_t i = 0; i < RECENT; i++)
		let_go(&r->at[i]);
	r->first = r->end = 0;
}

/* In the place of one that is too old. */
static int fill(struct recent_bag *b, int64_t id, const void *bag, int bytes) {
	wipe(b);
	if (b->room < bytes) {
		let_go(b);
		b->bag = malloc((size_t)bytes);
		if (!b->bag)
			return -ENOMEM;
		b->room = bytes;
	}
	if (bytes > 0)
		memcpy(b->bag, bag, (size_t)bytes);
	b->id = id;
	b->bytes = bytes;
	return 0;
}

int recent_put(struct recent *r, int64_t id, const void *bag, int bytes) {
	int rc = fill(&r->at[place(id)], id, bag, bytes);
	if (rc < 0) {
		recent_clear(r); /* of what is in between nobody knows */
		return rc;
	}
	if (r->first == r->end)
		r->first = id;
	r->end = id + 1;
	if (r->first < r->end - RECENT)
		r->first = r->end - RECENT;
	return 0;
}

void recent_forget(struct recent *r, int64_t id) {
	struct recent_bag *b = &r->at[place(id)];
	if (b->id == id)
		wipe(b);
}

bool recent_has(const struct recent *r, int64_t id, uint32_t tag) {
	const struct recent_bag *b = &r->at[place(id)];
	return b->id == id && bag_times(b->bag, b->bytes, tag) > 0;
}
