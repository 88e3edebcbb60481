/*
 * table_priv.h - a bounded table of plain structs, kept in the order of their keys.
 *
 * The items stand densely in the caller's array, `order` lists them by key.  In a full table the item
 * with the lowest seq makes room; among equals the one with the lowest key; or the one that the table's
 * `makes_room` names.  So what a table holds depends on what was put in, and when, never on where it stands.
 */
#ifndef JOURNAL_TABLE_PRIV_H
#define JOURNAL_TABLE_PRIV_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct table {
	uint16_t *order, *count; /* of the caller */
	void *items;
	size_t item_bytes, seq_at; /* offset of a uint64_t seq in an item */
	uint16_t max;
	/* as strcmp; a key is an item with its key members set */
	int (*compare)(const void *ctx, const void *key, const void *item);
	/* Which one, in the order of keys, makes room for `key` in a full table; NULL: the oldest. */
	unsigned (*makes_room)(const struct table *t, const void *key);
	const void *ctx;
};

/* The item with this key, or NULL. */
void *table_find(const struct table *t, const void *key);
/* The item with this key, or a new one whose first item_bytes are zero; *evicted: another made room. */
void *table_put(const struct table *t, const void *key, bool *evicted);
void table_remove(const struct table *t, const void *key);
/* The i-th in the order of keys, i < count, out of it. */
void table_remove_at(const struct table *t, unsigned i);

#endif
