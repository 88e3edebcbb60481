/*
 * halt.c - see halt.h.  The line is read once, word by word, clause by clause; at a word that stops, all
 * that is looked at is what its clause held before it, and one word ahead.
 */
#include "sem/halt.h"

#include <string.h>
#include "base/check.h"

#define IS_ONE_OF(words, word) line_is_one_of((words), COUNT_OF(words), (word))

/* Letters that stand three times or more in a row stand once in what is looked up: "freeeze". */
static const char *const stops[] = { "stop", "stopp", "halt", "freeze", "freze", "estop", "whoa", "woah", "abort",
	/* and the plain word of some other languages, for whoever shouts in their own */
	"стоп", "СТОП", "Стоп", "стой", "СТОЙ", "Стой", "stój", "stoj", "halte", "arrête", "arrêtez", "arrete",
	"anhalten", "alto", "deténgase", "detente", "pare", "fermati", "停", "停止", "停下", "止まれ", "ストップ", "정지",
	"멈춰", "멈추어", "توقف", "قف", "עצור", "ｓｔｏｐ", "ＳＴＯＰ" };

/* Signs that stop whatever stands around them. */
static const char *const signs[] = { "𐤕", "🛑", "✋", "⛔" };

/* Stops where its clause says nothing else: "enough!", and not "the box is big enough". */
static const char *const weak_stops[] = { "basta", "cancel", "cease", "enough", "hold", "pause", "quit", "still",
	"wait" };

/* Not to be done, that is a stop, where the clause says nothing else: "don't move". */
static const char *const motions[] = { "advance", "go", "march", "move", "moving", "step", "turn", "walk",
	"walking" };

static const char *const fillers[] = { "a", "all", "and", "any", "at", "away", "be", "can", "completely",
	"could", "do", "e", "emergency", "everything", "full", "go", "going", "hey", "here", "i", "immediately",
	"instantly", "is", "it", "it's", "just", "keep", "legs", "machine", "motion", "move", "movement",
	"moving", "must", "my", "need", "no", "now", "of", "oh", "ok", "okay", "on", "once", "please", "pls",
	"quick", "quickly", "right", "robot", "running", "said", "say", "stand", "stay", "stepping", "straight",
	"that", "that's", "the", "there", "this", "to", "turning", "walking", "want", "will", "would", "yes",
	"you", "your" };

/* What may stand before the first word of a wish. */
static const char *const greetings[] = { "ah", "emergency", "full", "hello", "hey", "hi", "just", "machine", "no",
	"now", "oh", "ok", "okay", "please", "pls", "quick", "robot", "wait", "yes" };

/* Words that begin another clause without a comma. */
static const char *const openers[] = { "and", "because", "but", "i", "so", "then" };

/* A negation reaches over these: "don't you ever stop". */
static const char *const light[] = { "a", "again", "all", "any", "be", "ever", "even", "going", "have", "he", "her",
	"him", "it", "just", "let", "make", "me", "must", "need", "please", "robot", "say", "she", "should", "tell",
	"the", "them", "they", "to", "want", "we", "you" };

static const char *const asking[] = { "how", "what", "when", "where", "which", "who", "whose", "why" };
static const char *const helping[] = { "can", "could", "did", "do", "does", "should", "will", "would" };
static const char *const being[] = { "are", "has", "have", "is", "was", "were" };

/* A stop behind one of these, or before one of those, is a thing. */
static const char *const owners[] = { "a", "an", "another", "any", "bus", "coach", "each", "every", "its", "metro",
	"my", "next", "our", "pit", "rest", "taxi", "the", "their", "train", "tram", "truck", "your" };
static const char *const tails[] = { "are", "button", "buttons", "has", "is", "light", "mean", "means", "sign", "signs",
	"was", "watch", "were" };

struct clause {
	bool stop;         /* holds a word that stops */
	bool plain;        /* and so far nothing else but fillers */
	bool fresh;        /* so far nothing but greetings */
	bool asks, asked;  /* began with a word that asks; holds one */
	bool helped;       /* holds a word that questions are made with */
	bool near, negated; /* a negation reaches here; holds one */
	bool only_negated;  /* before that negation it held nothing but fillers */
	char last[LINE_WORD_MAX];
};

static const struct clause nothing = { .plain = true, .fresh = true };

static size_t sign_at(const char *word) {
	for (size_t i = 0; i < COUNT_OF(signs); i++)
		if (strncmp(word, signs[i], strlen(signs[i])) == 0)
			return strlen(signs[i]);
	return 0;
}

/* They may stand without a gap: "🛑🛑". */
static bool is_sign(const char *word) {
	size_t n = 0, at;
	while ((at = sign_at(word + n)) > 0)
		n += at;
	return n > 0 && !word[n];
}

/* The bus stop, the door stop in the hall, a stop sign: things.  At the beginning of a clause it is none. */
static bool is_thing(const struct line *l, const struct clause *c) {
	struct line ahead = *l;
	if (c->fresh)
		return false;
	bool more = !(l->after & LINE_PART) && line_next(&ahead);
	return IS_ONE_OF(owners, c->last) || (more && (IS_ONE_OF(tails, ahead.word) || strcmp(c->last, "door") == 0));
}

/* "what does stop mean", "when did it stop?"; but "what is that stop", "what did you do stop!" are wishes. */
static bool is_question(const struct line *l, const struct clause *c) {
	if (l->after & LINE_SHOUT)
		return false;
	if (l->after & LINE_QUESTION)
		return c->asked;
	return (c->asks && (c->helped || IS_ONE_OF(asking, c->last))) || (c->asked && strcmp(c->last, "to") == 0);
}

static bool is_denied(const struct line *l, const struct clause *c) {
	bool negated = c->near || (c->negated && strcmp(c->last, "to") == 0);
	return negated || is_question(l, c) || is_thing(l, c);
}

/* "why don't you stop" and "can't you stop" ask for it. */
static void negate(struct clause *c, const char *word) {
	static const char *const pleading[] = { "can't", "cant", "couldn't", "won't", "wont", "wouldn't" };
	if (line_is_negation(word)) {
		c->only_negated = c->plain;
		c->near = c->negated = strcmp(c->last, "why") != 0;
		c->asks = c->asked = c->asks && c->negated;
	} else if (strcmp(word, "you") == 0 && IS_ONE_OF(pleading, c->last)) {
		c->near = c->negated = false;
	} else {
		c->near = c->near && IS_ONE_OF(light, word);
	}
}

static void take(struct clause *c, const char *word, bool stop, bool name) {
	bool asks = IS_ONE_OF(asking, word), helps = IS_ONE_OF(helping, word);
	bool first_asks = asks || strcmp(word, "does") == 0 || strcmp(word, "did") == 0;
	bool held = c->near && c->only_negated && IS_ONE_OF(motions, word);
	negate(c, word);
	c->plain = c->plain || held;
	stop = stop || held;
	c->asks = c->asks || (c->fresh && first_asks);
	c->asked = c->asked || asks || (c->fresh && (first_asks || IS_ONE_OF(being, word)));
	c->helped = c->helped || helps;
	c->stop = c->stop || stop;
	c->plain = c->plain && (stop || name || IS_ONE_OF(fillers, word));
	c->fresh = c->fresh && (stop || name || IS_ONE_OF(greetings, word) || IS_ONE_OF(openers, word));
	memcpy(c->last, word, strlen(word) + 1);
}

bool halt_is_asked(const char *text, size_t bytes, line_name *is_name, void *self) {
	struct line l;
	struct clause c = nothing;
	line_begin(&l, text, bytes);
	while (line_next(&l)) {
		bool stop = IS_ONE_OF(stops, l.word), weak = IS_ONE_OF(weak_stops, l.word);
		bool parts = (l.before & LINE_PART) != 0;
		if (parts && c.stop && c.plain)
			return true;
		if (parts)
			c = nothing;
		else if (IS_ONE_OF(openers, l.word))
			c = (struct clause){ .stop = c.stop, .plain = c.plain, .fresh = true };
		if (is_sign(l.word) || (stop && !is_denied(&l, &c)))
			return true;
		bool known = stop || weak || IS_ONE_OF(fillers, l.word);
		take(&c, l.word, stop || weak, !known && l.word[0] && is_name && is_name(self, l.word));
	}
	return c.stop && c.plain;
}
