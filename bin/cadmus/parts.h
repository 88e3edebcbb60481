/*
 * parts.h - what stands in a state, as lists of JSON objects: one list for each part, for `state`, `at` and `diff`.
 *
 * parts.def says of each part which members are its key, and which is its value; the others explain.  So a line for
 * people, a value for programs and the difference of two states all come from one function a part.  One thread.
 */
#ifndef CADMUS_PARTS_H
#define CADMUS_PARTS_H

#include <jansson.h>
#include "journal/claims.h"

#define PARTS_KEY_MAX 256
#define PARTS_LINE_MAX 1536

enum parts_id {
#define PART(ID, ...) PARTS_##ID,
#include "bin/cadmus/parts.def"
#undef PART
	PARTS_COUNT
};

struct part {
	const char *name;    /* "settings": what it is called in JSON, and its heading */
	const char *keys[3]; /* members that name an item; NULL: no more */
	const char *value;   /* the member behind "=", or NULL */
	json_t *(*list)(const struct journal_state *s, const struct claims_asker *a); /* in the order of the state */
};

extern const struct part parts[PARTS_COUNT];

/* The members that name it, with blanks between. */
const char *parts_key(const struct part *p, const json_t *item, char out[PARTS_KEY_MAX]);
/* "door = locked  (support 0.62, source ana, seq 17)", cleaned and cut. */
const char *parts_line(const struct part *p, const json_t *item, char out[PARTS_LINE_MAX]);

/* All of it, as `state` and `at` show it: for people, and as members of `into`. */
void parts_print(const struct journal_state *s, const struct claims_asker *a);
void parts_json(const struct journal_state *s, const struct claims_asker *a, json_t *into);

#endif
