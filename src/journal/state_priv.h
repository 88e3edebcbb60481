/*
 * state_priv.h - what stands in a state, as data: one shape for each of its tables and rings.
 *
 * The first `keys` members of a table's items are their key.  Members that are of the calendar do not
 * go into the hash.
 */
#ifndef JOURNAL_STATE_PRIV_H
#define JOURNAL_STATE_PRIV_H

#include "journal/state.h"
#include "journal/table_priv.h"

enum member_type {
	MEMBER_TEXT,       /* char[], zero terminated */
	MEMBER_U64,
	MEMBER_U32,
	MEMBER_BOOL,       /* uint8_t */
	MEMBER_VISIBILITY, /* uint8_t, as its name */
	MEMBER_HASH,
	MEMBER_WALL,       /* struct cdm_wall, in nanoseconds */
	MEMBER_SEQS,       /* struct body_seqs */
	MEMBER_DATA,       /* uint8_t[], behind a uint16_t with its length */
};

struct member {
	enum member_type type;
	bool calendar;  /* not in the hash */
	uint16_t at;    /* in the item */
	uint16_t bytes; /* of a text or of data: room for it */
};

enum state_part { /* in the order of the encoding */
	PART_FACTS, PART_EVIDENCE, PART_SETTINGS, PART_GOALS, PART_SAMPLES, PART_DICTIONARIES, PART_MODELS,
	PART_COMMANDS, PART_SESSIONS, PART_GAPS, /* tables */
	PART_TURNS, PART_REQUESTS, PART_SYMBOLS, PART_ERASED, /* rings */
	PART_COUNT,
	PART_RINGS = PART_TURNS
};

#define SHAPE_HOLDERS 2u

struct shape {
	const struct member *members;
	uint16_t count, keys;
	uint16_t item_bytes, seq_at, max;
	uint32_t items_at, order_at, count_at; /* in the state; a ring has no order, and its end for a count */
	uint16_t holder_at[SHAPE_HOLDERS];     /* whose an item is: texts, the wider first; 0: no more of them */
	uint16_t trust_at;                     /* a uint32_t; 0: it has none */
};

extern const struct shape state_shapes[PART_COUNT];

/* A table of a state, for table_priv.h. */
struct table state_table(struct journal_state *s, enum state_part part);
/* How many items a part has, and the i-th in the order of the encoding: by key, or from the oldest. */
unsigned state_items(const struct journal_state *s, enum state_part part);
const void *state_item(const struct journal_state *s, enum state_part part, unsigned i);
/* Which item makes room for `key` in a full table of items that are somebody's. */
unsigned share_makes_room(const struct table *t, const void *key);
/* A request as 32 bits: FNV-1a of principal and id. */
uint32_t state_tag(const char *principal, const char *id);

#endif
