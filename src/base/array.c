/* array.c - see array.h. */
#include "base/array.h"

#include <stdlib.h>

#define FIRST 64u /* items */

void *array_grow(void *items, size_t count, size_t *room, size_t item_bytes) {
	if (count < *room)
		return items;
	size_t more = *room ? 2 * *room : FIRST, bytes;
	if (__builtin_mul_overflow(more, item_bytes, &bytes))
		return NULL;
	void *moved = realloc(items, bytes);
	if (moved)
		*room = more;
	return moved;
}
