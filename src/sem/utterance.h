/*
 * utterance.h - what a row of signs asks for: tokens -> parses -> senses of the pinned table ->
 * intents.
 *
 * A word (a token of letters) that is a compound of the table means exactly that.  Otherwise it is
 * cut into the table's compounds, longest first from the left, and read by the first of these that
 * fits, whose operands are read the same way:
 *
 *      BET X BET, BET X BET Y BET   within(X), contains(X,Y)
 *      X GAML WAU Y                 causes(X,Y)
 *      X GAML Y                     becomes(X,Y)
 *      X NUN Y                      emerges(X,Y)
 *      X MEM Y                      flows(X,Y)
 *      X WAU Y                      and(X,Y)
 *      X Y ...                      modify(X,Y,...)
 *
 * A TAU at the end of a word negates it, not(X); so does the long form ALF X TAU.  Where that and
 * an operator both fit, there are two parses, and an entry with two senses makes two as well.
 *
 * Only senses that the table binds to a verb move anything, alone or joined by and(): one intent
 * each.  A number belongs to the word before it.  A word WAU between two others only joins them.
 * Scores are hundredths: 100 a compound of the table, 90 a negation, 80 an operator, 50
 * a modification; a whole is worth as much as its weakest part.
 *
 * A text that holds a bare TAU is a stop, whatever else it is (architecture 9): `stop` is set even
 * when it cannot be decoded, and a stop is all that it then does.
 *
 * Pure: no allocation; time linear in bytes times entries.  Any thread; a lexicon is immutable once
 * built.
 */
#ifndef SEM_UTTERANCE_H
#define SEM_UTTERANCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "base/check.h"
#include "schema/plan.h"
#include "sem/refusal.h"

#define UTTERANCE_SENSES_MAX 512
#define UTTERANCE_FORM_MAX 15 /* signs of a compound: plan_sense.form holds no more */
#define UTTERANCE_PARSES_MAX 4
#define UTTERANCE_INTENTS_MAX 16
#define UTTERANCE_DEPTH_MAX 8
#define UTTERANCE_SHAPE_MAX 96
#define UTTERANCE_MARGIN_MIN 20 /* hundredths between the best parse and the next */

struct utterance_entry {
	uint8_t signs[UTTERANCE_FORM_MAX];
	uint8_t length;
	uint16_t sense; /* index in the plan's senses */
	uint16_t next;  /* entry that begins with the same sign, or PLAN_NONE */
};

/* One symbol table, ready to be looked up. */
struct utterance_lexicon {
	const struct plan_sense *senses; /* borrowed: all of the plan's */
	uint16_t count;
	uint16_t head[32]; /* by first sign */
	struct utterance_entry entries[UTTERANCE_SENSES_MAX];
};

struct utterance_intent {
	uint8_t verb;         /* enum plan_verb */
	uint8_t safety_class; /* of the sense */
	bool negated;
	bool has_number; /* written, not the default */
	uint16_t sense;  /* index in the plan's senses; PLAN_NONE for a bare stop */
	int32_t number;  /* as written, else the sense's default */
	uint32_t at;     /* byte offset of its word */
};

struct utterance_parse {
	uint8_t score; /* hundredths */
	bool acts;     /* each of its words asks for motion */
	uint8_t count;
	struct utterance_intent intents[UTTERANCE_INTENTS_MAX];
	char shape[UTTERANCE_SHAPE_MAX]; /* "and(m,T) 3", transliterated; cut when longer */
};

struct utterance {
	bool stop;
	struct refusal refusal; /* code REFUSAL_NONE when `intents` may go to the gate */
	uint8_t margin;         /* hundredths; 100 when there is one parse */
	uint8_t count;          /* intents, in order; 0 when refused; a single stop when `stop` */
	struct utterance_intent intents[UTTERANCE_INTENTS_MAX];
	uint8_t parse_count; /* best first */
	struct utterance_parse parses[UTTERANCE_PARSES_MAX];
};

/*
 * Build from senses[first .. first + count), the span of one plan_table.  -E2BIG: too many;
 * -EPROTO: *bad (NULL allowed) is a sense whose form is not one compound of letters.
 */
MUST_CHECK int utterance_lexicon_init(struct utterance_lexicon *l, const struct plan_sense *senses,
		uint32_t first, uint32_t count, uint32_t *bad);

/* Resolve a text; flags of phoenician.h.  What cannot be resolved is said in out->refusal. */
void utterance_resolve(const struct utterance_lexicon *l, const char *text, size_t bytes,
		unsigned flags, struct utterance *out);

#endif
