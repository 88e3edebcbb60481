/*
 * arena.h - the memory of one compilation: one zeroed piece, taken from the front, dropped as a whole.
 *
 * The sizes of everything follow from the length of the text and from the bounds in lang_priv.h, so it
 * is asked for once; that it then suffices is an invariant and not a case to handle.
 */
#ifndef LANG_ARENA_H
#define LANG_ARENA_H

#include <stddef.h>
#include "base/check.h"

struct arena {
	char *bytes;
	size_t size, used;
};

/* 0 or -ENOMEM. */
MUST_CHECK int arena_init(struct arena *a, size_t bytes);
/* Zeroed and 16-aligned; never NULL. */
void *arena_take(struct arena *a, size_t bytes);
/* A zero terminated copy. */
const char *arena_copy(struct arena *a, const char *text, size_t bytes);
void arena_fini(struct arena *a);

#endif
