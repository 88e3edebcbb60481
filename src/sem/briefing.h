/*
 * briefing.h - what a model is shown of the machine before it answers: within so many tokens, in one order, in our
 * frame.
 *
 * The caller gathers what may be shown; this chooses and writes it (spec/view.md has an example):
 *
 *      the preamble, or "Since you last looked (3 min ago, r1200), ..."
 *      ## Goals, ## Words, ## Known of old                            stable: no age in it
 *      ## Said before, ## Believed, ## Sensed, ## In focus            volatile: with ages
 *      It is 2026-11-23T08:00Z.
 *
 * One item is one line, "- " and what it is, and behind it in round brackets who says so, when, how sure it is and the
 * number of its record.  An item is shown whole or not at all; a text in it that is too long ends in "…".
 * The item that answers the question best has room before all others.  Of the rest of the budget each section gets what
 * it needs, up to its share; what one does not need is shared out among the others, and what whole items leave over
 * goes to the heaviest item that still fits.  Within a section the heavier
 * items come first; of equal weight by key, record, age and line, so that the order in which they are given does not
 * matter: equal items give equal bytes.
 *
 * Whatever texts contain, the frame is ours: no line break, bracket, '=', ';', '"' or '#' of theirs gets through, nor
 * what cannot be seen (controls, direction marks, tag characters).
 *
 * Pure: no clock, no allocation, about 45 KB of stack.  Any thread.
 */
#ifndef SEM_BRIEFING_H
#define SEM_BRIEFING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "base/check.h"
#include "cadmus/types.h"

#define BRIEFING_KEY_MAX 64     /* bytes that are shown of a key, a name, a unit */
#define BRIEFING_TEXT_MAX 240   /* of any other text */
#define BRIEFING_NUMBERS_MAX 8  /* numbers that are shown of a field */
#define BRIEFING_ITEMS_MAX 128  /* items that a section can show: the heaviest */
#define BRIEFING_LINES_LEAST 128 /* tokens for what is known, that a view is worth writing with: some five lines */
#define BRIEFING_OLD_NS INT64_C(3600000000000) /* a belief that has stood so long, uncontested, is known of old */

enum briefing_section {
#define BRIEFING(section, title, stable, order) BRIEFING_##section,
#include "sem/briefing.def"
#undef BRIEFING
	BRIEFING_SECTION_COUNT
};

/* What every item has.  Texts are UTF-8, hostile or not; NULL counts as "". */
struct briefing_mark {
	const char *key;
	const char *who;     /* entity or principal it comes from; "": nobody in particular */
	uint64_t record;     /* number of its journal record; 0: it has none */
	int64_t age_ns;      /* now - when it became what it is; below 0 counts as 0 */
	double weight;       /* attention or relevance; what is no number, or below 0, counts as 0 */
};

struct briefing_goal {
	struct briefing_mark mark; /* the key is its text */
	bool over;                 /* reached or given up: of a delta */
};

struct briefing_word {
	struct briefing_mark mark; /* the key is the form */
	const char *meaning;
};

/* Another who says otherwise. */
struct briefing_rival {
	const char *who, *value;
	int64_t age_ns;
	double confidence;
	uint64_t record;
};

struct briefing_belief {
	struct briefing_mark mark;   /* `who` supports it, most of all */
	const char *value;           /* "": it is no longer known */
	double confidence, trust;    /* 0..1, in the belief and in who supports it; NAN: not shown */
	uint32_t rivals;             /* how many contest it; 0: none does */
	struct briefing_rival rival; /* the strongest of them */
};

struct briefing_turn {
	struct briefing_mark mark;   /* `who` spoke; there is no key */
	const char *user, *answer;
};

struct briefing_field {
	struct briefing_mark mark;   /* the key is its name */
	const char *text;            /* its value; NULL: its numbers are */
	const double *numbers;
	uint32_t number_count;
	const char *unit;            /* "" or "1": none */
	double trust;                /* 0..1; NAN: not shown */
	uint16_t status;             /* enum cdm_status */
};

/* One chunk of the workspace. */
struct briefing_focus {
	struct briefing_mark mark;   /* the key is its text; its weight is shown */
};

struct briefing {
	struct cdm_wall now;
	uint32_t budget;             /* in tokens, by tokens.h */
	/* Weights of the sections (weight.h); what is no number, or below 0, counts as 0; all 0: as all 1. */
	double share[BRIEFING_SECTION_COUNT];
	bool is_delta;               /* show only what became what it is since the model last looked */
	uint64_t since_record;       /* the last record that was folded then; 0: ages alone tell */
	int64_t since_age_ns;        /* how long ago that was */
	const struct briefing_goal *goals;
	const struct briefing_word *words;
	const struct briefing_belief *beliefs;
	const struct briefing_turn *turns;
	const struct briefing_field *fields;
	const struct briefing_focus *focus;
	size_t goal_count, word_count, belief_count, turn_count, field_count, focus_count; /* of each at most 65535 */
	/*
	 * Of these the one that answers the question best, NULL: none does.  Where it fits at all it is shown, if it is
	 * one of the heaviest BRIEFING_ITEMS_MAX of its section, and of a delta, if it is new.
	 */
	const struct briefing_mark *asked;
};

/* What became of the items. */
struct briefing_account {
	size_t bytes;                /* without the zero */
	size_t stable_bytes;         /* the part of it before anything volatile; of a delta 0 */
	uint32_t tokens;             /* what was spent of the budget; the text has no more by tokens.h */
	uint32_t shown[BRIEFING_SECTION_COUNT];
	uint32_t left_out[BRIEFING_SECTION_COUNT];  /* should have been shown, and did not fit */
	uint32_t unchanged[BRIEFING_SECTION_COUNT]; /* of a delta: has not become anything new */
};

/* Writes a text that ends in a line feed, and a zero.  -E2BIG when budget or capacity do not hold the frame alone. */
MUST_CHECK int briefing_render(const struct briefing *b, char *out, size_t capacity, struct briefing_account *account);

/* Tokens that hold the frame of any text that is no delta: with fewer there is -E2BIG. */
uint32_t briefing_frame_tokens(void);

/* "Goals"; "?" outside.  Static. */
const char *briefing_title(unsigned section);

#endif
