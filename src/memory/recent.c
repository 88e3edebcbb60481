/* recent.c - see recent_priv.h. */
#include "memory/recent_priv.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "memory/bag_priv.h"

static size_t place(int64_t id) {
	return (size_t)((uint64_t)id % RECENT);
}

void recent_clear(struct recent *r) {
	for (size_t i = 0; i < RECENT; i++)
		free(r->at[i].bag);
	*r = (struct recent){ .first = 0 };
}

int recent_put(struct recent *r, int64_t id, const void *bag, int bytes) {
	struct recent_bag *b = &r->at[place(id)];
	if (b->room < bytes) {
		void *more = realloc(b->bag, (size_t)bytes);
		if (!more)
			return -ENOMEM;
		b->bag = more;
		b->room = bytes;
	}
	if (bytes > 0)
		memcpy(b->bag, bag, (size_t)bytes);
	b->id = id;
	b->bytes = bytes;
	if (r->first == r->end)
		r->first = id;
	r->end = id + 1;
	if (r->first < r->end - RECENT)
		r->first = r->end - RECENT;
	return 0;
}

void recent_forget(struct recent *r, int64_t id) {
	struct recent_bag *b = &r->at[place(id)];
	if (b->id != id)
		return;
	if (b->room > 0)
		memset(b->bag, 0, (size_t)b->room);
	b->id = 0;
	b->bytes = 0;
}

bool recent_has(const struct recent *r, int64_t id, uint32_t tag) {
	const struct recent_bag *b = &r->at[place(id)];
	return b->id == id && bag_times(b->bag, b->bytes, tag) > 0;
}
