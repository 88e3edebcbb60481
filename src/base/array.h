/* array.h - arrays that grow as they are filled. */
#ifndef BASE_ARRAY_H
#define BASE_ARRAY_H

#include <stddef.h>

/*
 * Room for at least one more behind the `count` items there are: `items`, as it is or moved (then it is freed), and
 * *room, for how many.  Room doubles, so that filling it costs the same for each.  Begin with NULL and 0; free() it.
 * NULL: no memory, and all is as it was.
 */
void *array_grow(void *items, size_t count, size_t *room, size_t item_bytes);

#endif
