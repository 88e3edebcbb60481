/*
 * belief.h - what models say becomes evidence, and what is known becomes what models see.
 *
 * Reply -> text and candidate facts.  A model states a fact by a clause at the end of a line:
 *
 *      Noted, the door is locked. #door = locked
 *
 * A clause is '#' at the start of the reply or after white space, a key of 1..47 bytes of
 * letters of any script, digits and [ _.-], '=', and a value of 1..95 bytes of UTF-8 up to the end of
 * the line or the next clause.  The key is kept in small letters as far as ASCII goes.  What is not such
 * a clause stays in the text.  A candidate is evidence, never truth: its trust is for the caller to say.
 *
 * Facts -> view.  The compact view, for small models that were trained on it, is
 *
 *      [name = Ana; door = locked]
 *      > where is the door?
 *      <
 *
 * (with one space after '<' and no line feed).  Whatever values and question contain, the frame is
 * ours: control characters, brackets, ';' and '=' in facts are replaced, so that splitting the view
 * at "; " and " = " gives back exactly the facts that were put in; a question holds no line
 * break and no square bracket.
 *
 * Pure: no clock, no allocation.  Any thread.
 */
#ifndef SEM_BELIEF_H
#define SEM_BELIEF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "base/check.h"

#define BELIEF_KEY_MAX 48 /* bytes with the terminating zero */
#define BELIEF_VALUE_MAX 96
#define BELIEF_CLAUSES_MAX 8 /* candidate facts of one reply; further ones stay in its text */
#define BELIEF_VIEW_FACTS 8
#define BELIEF_QUESTION_MAX 8192 /* bytes with the terminating zero */
#define BELIEF_VIEW_MIN 64 /* smallest capacity that any view fits */

struct belief_fact {
	char key[BELIEF_KEY_MAX];
	char value[BELIEF_VALUE_MAX];
	int64_t age_ns; /* now - when it was learnt; the smaller the more recent */
	double trust;   /* 0..1: lower bound of its source */
};

struct belief_reply {
	bool utterance; /* nothing but signs: to be resolved, not shown as prose */
	bool stop;      /* holds a bare TAU, whatever else it is */
	uint8_t count;
	size_t text_bytes;
	struct belief_fact facts[BELIEF_CLAUSES_MAX]; /* age 0, trust 0: for the caller to fill */
};

/*
 * Take a reply apart.  `text` gets what is not a clause, trimmed at both ends and zero
 * terminated; it needs bytes + 1 and may be `reply` itself.  0, or -E2BIG (nothing written).
 */
MUST_CHECK int belief_parse(const char *reply, size_t bytes, char *text, size_t capacity,
		struct belief_reply *out);

/*
 * Of an answer that is still being written: where the part ends that will surely stand in its text.  Everything
 * before `from` is known to be sure.  Not sure are white space at the end, and all from a '#' on that is, or
 * may become, a clause.
 */
size_t belief_sure(const char *reply, size_t bytes, size_t from);

/*
 * Models state facts that nobody told them.  Heard is a fact all of whose words, of the value (at least one)
 * and of the key, stand in what the user said, as whole words, small or capital, and which holds nothing
 * that could be taken for our frames: no control character, no '#', '=', ';' or square bracket, no broken
 * UTF-8.  The key "name" alone need not be said: "I am Ana".
 */
bool belief_is_heard(const struct belief_fact *fact, const char *user);
/* Keep the heard ones, in order; how many were dropped. */
unsigned belief_keep_heard(struct belief_reply *r, const char *user);

/* What a question asks about: its words that say something, each with its zero. */
struct belief_asked {
	size_t bytes;
	char words[BELIEF_QUESTION_MAX / 4 * 5]; /* one of three letters (who) may become one of four */
};

void belief_ask(struct belief_asked *asked, const char *question);
/* Words of the question that a fact holds; those in its key count twice.  BELIEF_VALUE_MAX bytes of each are read. */
unsigned belief_overlap(const struct belief_asked *asked, const char *key, const char *value);

/*
 * The facts a model should see: those that share most words with the question (less than BELIEF_QUESTION_MAX bytes of
 * it) first, then the most recent; of several with one key the most recent alone.  At most 16384 facts.  Indices into
 * `facts`; their count <= 8.
 */
unsigned belief_choose(const struct belief_fact *facts, size_t count, const char *question,
		uint16_t chosen[BELIEF_VIEW_FACTS]);

/*
 * The words of the line that stand in a key of these facts, in small letters as far as ASCII goes, as keys are: a model
 * that copies by letters finds "PIN" in `pin = 1234`.
 */
void belief_lower_keys(char *line, const struct belief_fact *facts, size_t count);

/*
 * Small models have not learnt to read capitals: a line of nothing but capitals (two or more) in
 * small letters, any other as it is, so that names keep theirs.  ASCII; letters of other scripts
 * count as small.  Cut at a character.
 */
void belief_quiet(const char *said, char *out, size_t capacity);

/*
 * The compact view of the chosen facts.  Facts that do not fit are left out, last ones first; then
 * the question is cut at a character.  Bytes without the zero; -E2BIG below BELIEF_VIEW_MIN.
 */
MUST_CHECK int belief_render_view(char *out, size_t capacity, const struct belief_fact *facts,
		size_t count, const char *question);

/*
 * All that a chat model is shown: what is `known` as our frame has it (sem/briefing.h, which begins with the preamble;
 * "": the preamble alone), and the question, as one line after "User: ", cut at a character.  Bytes without the zero;
 * -E2BIG below the first and BELIEF_VIEW_MIN.
 */
MUST_CHECK int belief_render_talk(char *out, size_t capacity, const char *known, const char *question);

/* What does not change: how to state a fact and how to command.  Static. */
const char *belief_preamble(void);

#endif
