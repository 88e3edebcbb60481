/* state_shape.c - see state_priv.h: the members of each item, in the order in which they are written. */
#include "journal/state_priv.h"

#include <string.h>

#define TEXT(item, member) { MEMBER_TEXT, false, offsetof(struct item, member), sizeof(((struct item *)0)->member) }
#define HERE(TYPE, item, member) { MEMBER_##TYPE, false, offsetof(struct item, member), 0 }
#define CALENDAR(TYPE, item, member) { MEMBER_##TYPE, true, offsetof(struct item, member), 0 }

static const struct member fact[] = {
	TEXT(state_fact, key),
	TEXT(state_fact, principal),
	TEXT(state_fact, source),
	TEXT(state_fact, via),
	TEXT(state_fact, value),
	HERE(VISIBILITY, state_fact, visibility),
	HERE(U32, state_fact, trust_ppm),
	HERE(U32, state_fact, confidence_ppm),
	HERE(U64, state_fact, seq),
	HERE(SEQS, state_fact, from),
	CALENDAR(WALL, state_fact, seen),
};

static const struct member evidence[] = {
	TEXT(state_evidence, subject),
	TEXT(state_evidence, role),
	TEXT(state_evidence, dim),
	HERE(U64, state_evidence, p_ppm),
	HERE(U64, state_evidence, n_ppm),
	HERE(U64, state_evidence, count),
	HERE(U64, state_evidence, seq),
	CALENDAR(U64, state_evidence, at_ms),
};

static const struct member setting[] = {
	TEXT(state_setting, field),
	TEXT(state_setting, value),
	TEXT(state_setting, principal),
	HERE(U64, state_setting, seq),
	CALENDAR(WALL, state_setting, wall),
};

static const struct member goal[] = {
	TEXT(state_goal, id),
	TEXT(state_goal, principal),
	TEXT(state_goal, text),
	HERE(VISIBILITY, state_goal, visibility),
	HERE(U32, state_goal, weight_ppm),
	HERE(U64, state_goal, due_ms),
	HERE(U64, state_goal, seq),
	CALENDAR(WALL, state_goal, wall),
};

static const struct member sample[] = {
	TEXT(state_sample, field),
	TEXT(state_sample, status),
	HERE(U64, state_sample, version),
	HERE(U64, state_sample, epoch),
	HERE(U64, state_sample, seq),
	HERE(U32, state_sample, trust_ppm),
	HERE(U64, state_sample, bytes),
	HERE(HASH, state_sample, hash),
	{ MEMBER_DATA, false, offsetof(struct state_sample, kept), STATE_SAMPLE_MAX },
	CALENDAR(WALL, state_sample, seen),
};

static const struct member dictionary[] = {
	TEXT(state_dictionary, table),
	HERE(HASH, state_dictionary, hash),
	HERE(U64, state_dictionary, version),
	HERE(U64, state_dictionary, changes),
	HERE(U64, state_dictionary, seq),
};

static const struct member model[] = {
	TEXT(state_model, name),
	HERE(BOOL, state_model, loaded),
	HERE(U64, state_model, loads),
	HERE(U64, state_model, seq),
};

static const struct member command[] = {
	HERE(U64, state_command, id),
	TEXT(state_command, principal),
	HERE(U64, state_command, seq),
};

static const struct member session[] = {
	TEXT(state_session, principal),
	TEXT(state_session, id),
	HERE(U64, state_session, first_seq),
	HERE(U64, state_session, turns),
	HERE(U64, state_session, seq),
	CALENDAR(WALL, state_session, wall),
};

static const struct member gap[] = {
	TEXT(state_gap, what),
	HERE(U64, state_gap, count),
	HERE(U64, state_gap, times),
	HERE(U64, state_gap, seq),
};

static const struct member turn[] = {
	HERE(U64, state_turn, seq),
	TEXT(state_turn, principal),
	TEXT(state_turn, speaker),
	TEXT(state_turn, model),
	TEXT(state_turn, session),
	TEXT(state_turn, user),
	TEXT(state_turn, answer),
	TEXT(state_turn, symbols),
	HERE(VISIBILITY, state_turn, visibility),
	HERE(BOOL, state_turn, cut),
	HERE(U32, state_turn, trust_ppm),
	HERE(HASH, state_turn, view_hash),
	CALENDAR(WALL, state_turn, wall),
};

static const struct member request[] = {
	TEXT(state_request, id),
	TEXT(state_request, principal),
	HERE(U64, state_request, seq),
	HERE(BOOL, state_request, cut),
	TEXT(state_request, answer),
};

static const struct member symbol[] = {
	HERE(U64, state_symbol, seq),
	TEXT(state_symbol, text),
	TEXT(state_symbol, source),
	HERE(U32, state_symbol, trust_ppm),
	CALENDAR(WALL, state_symbol, wall),
};

static const struct member erased[] = {
	HERE(U64, state_erased, seq),
};

#define SHAPE(PART, item, keys, items, order, count, MAX, ...)                                                      \
	[PART_##PART] = { item, COUNT_OF(item), keys, sizeof(struct state_##item), offsetof(struct state_##item, seq), \
		MAX, offsetof(struct journal_state, items), order, offsetof(struct journal_state, count), __VA_ARGS__ }
#define SHARED(PART, item, keys, items, MAX, ...) \
	SHAPE(PART, item, keys, items, offsetof(struct journal_state, item##_order), item##_count, MAX, __VA_ARGS__)
#define TABLE(PART, item, keys, items, MAX) SHARED(PART, item, keys, items, MAX, { 0 }, 0)
#define RING(PART, item, items, end, MAX) SHAPE(PART, item, 0, items, 0, end, MAX, { 0 }, 0)

const struct shape state_shapes[PART_COUNT] = {
	SHARED(FACTS, fact, 3, facts, STATE_FACTS_MAX, { offsetof(struct state_fact, principal),
			offsetof(struct state_fact, source) }, offsetof(struct state_fact, trust_ppm)),
	TABLE(EVIDENCE, evidence, 3, evidence, STATE_EVIDENCE_MAX),
	TABLE(SETTINGS, setting, 1, settings, STATE_SETTINGS_MAX),
	SHARED(GOALS, goal, 2, goals, STATE_GOALS_MAX, { offsetof(struct state_goal, principal) }, 0),
	TABLE(SAMPLES, sample, 1, samples, STATE_SAMPLES_MAX),
	TABLE(DICTIONARIES, dictionary, 1, dictionaries, STATE_DICTIONARIES_MAX),
	TABLE(MODELS, model, 1, models, STATE_MODELS_MAX),
	TABLE(COMMANDS, command, 1, commands, STATE_COMMANDS_MAX),
	TABLE(SESSIONS, session, 2, sessions, STATE_SESSIONS_MAX),
	TABLE(GAPS, gap, 1, gaps, STATE_GAPS_MAX),
	RING(TURNS, turn, turns, turns_end, STATE_TURNS_MAX),
	RING(REQUESTS, request, requests, requests_end, STATE_REQUESTS_MAX),
	RING(SYMBOLS, symbol, symbols, symbols_end, STATE_SYMBOLS_MAX),
	RING(ERASED, erased, erased_seqs, erased_end, STATE_ERASED_MAX),
};

_Static_assert(sizeof(struct state_turn) < UINT16_MAX, "places in an item have 16 bits");

static int compare(const void *ctx, const void *key, const void *item) {
	const struct shape *shape = ctx;
	for (unsigned i = 0; i < shape->keys; i++) {
		const struct member *m = &shape->members[i];
		const char *a = (const char *)key + m->at, *b = (const char *)item + m->at;
		uint64_t x, y;
		int c = 0;
		if (m->type == MEMBER_TEXT) {
			c = strcmp(a, b);
		} else {
			memcpy(&x, a, sizeof(x));
			memcpy(&y, b, sizeof(y));
			c = x < y ? -1 : x > y;
		}
		if (c)
			return c;
	}
	return 0;
}

struct table state_table(struct journal_state *s, enum state_part part) {
	const struct shape *shape = &state_shapes[part];
	char *base = (char *)s;
	CHECK(part < PART_RINGS);
	return (struct table){ .order = (uint16_t *)(void *)(base + shape->order_at),
		.count = (uint16_t *)(void *)(base + shape->count_at),
		.items = base + shape->items_at,
		.item_bytes = shape->item_bytes,
		.seq_at = shape->seq_at,
		.max = shape->max,
		.compare = compare,
		.makes_room = shape->holder_at[0] ? share_makes_room : NULL,
		.ctx = shape };
}

static uint64_t end_of(const struct journal_state *s, const struct shape *shape) {
	return *(const uint64_t *)(const void *)((const char *)s + shape->count_at);
}

unsigned state_items(const struct journal_state *s, enum state_part part) {
	const struct shape *shape = &state_shapes[part];
	if (part < PART_RINGS)
		return *(const uint16_t *)(const void *)((const char *)s + shape->count_at);
	uint64_t end = end_of(s, shape);
	return end < shape->max ? (unsigned)end : shape->max;
}

const void *state_item(const struct journal_state *s, enum state_part part, unsigned i) {
	const struct shape *shape = &state_shapes[part];
	const char *base = (const char *)s;
	if (i >= state_items(s, part))
		return NULL;
	uint64_t slot;
	if (part < PART_RINGS)
		slot = ((const uint16_t *)(const void *)(base + shape->order_at))[i];
	else
		slot = (end_of(s, shape) - state_items(s, part) + i) % shape->max;
	return base + shape->items_at + slot * shape->item_bytes;
}

uint32_t state_tag(const char *principal, const char *id) {
	uint32_t h = 2166136261u;
	for (const char *c = principal; *c; c++)
		h = (h ^ (uint8_t)*c) * 16777619u;
	h *= 16777619u;
	for (const char *c = id; *c; c++)
		h = (h ^ (uint8_t)*c) * 16777619u;
	return h;
}
