/* arena.c - see arena.h. */
#include "lang/arena.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

int arena_init(struct arena *a, size_t bytes) {
	*a = (struct arena){ .bytes = calloc(1, bytes), .size = bytes };
	return a->bytes ? 0 : -ENOMEM;
}

void *arena_take(struct arena *a, size_t bytes) {
	size_t at = (a->used + 15) & ~(size_t)15;
	CHECK(at <= a->size && bytes <= a->size - at);
	a->used = at + bytes;
	return a->bytes + at;
}

const char *arena_copy(struct arena *a, const char *text, size_t bytes) {
	CHECK(bytes < a->size - a->used);
	char *copy = a->bytes + a->used;
	a->used += bytes + 1;
	if (bytes)
		memcpy(copy, text, bytes);
	return copy;
}

void arena_fini(struct arena *a) {
	free(a->bytes);
	*a = (struct arena){ 0 };
}
