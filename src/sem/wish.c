/*
 * wish.c - see wish.h.  The line is read once, word by word; a clause is what calls, perhaps an opening ("can
 * you"), and then words that mean verbs, numbers, and words that add nothing.
 */
#include "sem/wish.h"

#include <stdio.h>
#include <string.h>
#include "base/check.h"

#define VERB_WORDS_MAX 16
#define NUMBER_MAX 1000000 /* a larger one is read as this */

#define IS_ONE_OF(words, word) line_is_one_of((words), COUNT_OF(words), (word))

/* Before an order, in any number. */
static const char *const calls[] = { "and", "hello", "hey", "hi", "just", "machine", "now", "oh", "ok", "okay",
	"please", "robot", "so", "then", "well", "yes" };

/* What an order may open with: rows of words; the first of them make a question of it that is none. */
static const char *const openings[] = { "can you", "could you", "will you", "would you", "i need you to", "i said",
	"i told you to", "i want you to", "i would like you to", "i'd like you to", "you must", "you should" };
enum { PLEADING = 4 };

/* Within an order. */
static const char *const fillers[] = { "a", "again", "an", "another", "and", "around", "at", "by", "come", "do", "for",
	"get", "go", "have", "here", "in", "it", "make", "more", "move", "now", "of", "on", "once", "please", "robot",
	"room", "straight", "take", "the", "then", "there", "times", "time", "your", "yourself" };

#define BIT(verb) (1u << PLAN_VERB_##verb)

/* What a word may mean. */
static const struct meaning {
	const char *word;
	unsigned verbs;
} meanings[] = {
	{ "walk", BIT(WALK) }, { "step", BIT(WALK) }, { "steps", BIT(WALK) }, { "pace", BIT(WALK) },
	{ "paces", BIT(WALK) }, { "march", BIT(WALK) }, { "advance", BIT(WALK) }, { "forward", BIT(WALK) },
	{ "forwards", BIT(WALK) }, { "ahead", BIT(WALK) },
	{ "turn", BIT(TURN) }, { "rotate", BIT(TURN) }, { "spin", BIT(TURN) }, { "degree", BIT(TURN) },
	{ "degrees", BIT(TURN) },
	{ "scan", BIT(SCAN) }, { "scans", BIT(SCAN) }, { "sweep", BIT(SCAN) }, { "sweeps", BIT(SCAN) },
	{ "look", BIT(SCAN) },
	{ "stand", BIT(STAND) }, { "upright", BIT(STAND) }, { "feet", BIT(STAND) }, { "still", BIT(STAND) },
	{ "up", BIT(STAND) | BIT(RISE) },
	{ "rise", BIT(RISE) }, { "raise", BIT(RISE) }, { "lift", BIT(RISE) }, { "back", BIT(RISE) },
	{ "crouch", BIT(CROUCH) }, { "duck", BIT(CROUCH) }, { "down", BIT(CROUCH) }, { "low", BIT(CROUCH) },
	{ "lower", BIT(CROUCH) }, { "small", BIT(CROUCH) },
};

static const char *const units[] = { "zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine",
	"ten", "eleven", "twelve", "thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen",
	"nineteen" };
static const char *const tens[] = { "twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety" };

struct reader {
	struct line line;
	line_name *is_name;
	void *self;
	char *why;        /* WISH_WHY_MAX bytes; not empty: it is no order */
	char opening[32]; /* so far; "" outside of one */
	char last[LINE_WORD_MAX];
	bool begun;  /* this clause is past what calls and opens */
	bool pleads; /* "can you" */
	bool open;   /* the word before was a number in words */
	unsigned verbs[VERB_WORDS_MAX], verb_count; /* what each word may mean */
	uint32_t numbers[UTTERANCE_INTENTS_MAX];
	unsigned number_count;
};

static void fail(struct reader *r, const char *why) {
	if (!r->why[0])
		snprintf(r->why, WISH_WHY_MAX, "%s", why);
}

static void fail_at(struct reader *r, const char *word) {
	char why[WISH_WHY_MAX];
	snprintf(why, sizeof(why), "'%.32s' is no word of an order", word);
	fail(r, word[0] ? why : "a word of more than 63 bytes");
}

/* ---- numbers ---- */

/* -1: no word of a number. */
static int value_of(const char *word) {
	for (size_t i = 0; i < COUNT_OF(units); i++)
		if (strcmp(word, units[i]) == 0)
			return (int)i;
	for (size_t i = 0; i < COUNT_OF(tens); i++)
		if (strcmp(word, tens[i]) == 0)
			return (int)(20 + 10 * i);
	return strcmp(word, "hundred") == 0 ? 100 : strcmp(word, "twice") == 0 ? 2 : -1;
}

static void add_number(struct reader *r, uint32_t n) {
	if (r->number_count == COUNT_OF(r->numbers))
		return fail(r, "too many numbers");
	r->numbers[r->number_count++] = n;
}

/* "one hundred and five" is one number, "three two" are two. */
static void count_word(struct reader *r, uint32_t v) {
	bool open = r->open && !(r->line.before & LINE_PART) && r->number_count > 0;
	uint32_t *last = open ? &r->numbers[r->number_count - 1] : NULL;
	r->open = true;
	if (open && v == 100 && *last > 0 && *last < 100)
		*last *= 100;
	else if (open && ((v < 100 && *last >= 100 && *last % 100 == 0) ||
					 (v > 0 && v < 10 && *last % 100 >= 20 && *last % 10 == 0)))
		*last += v;
	else
		add_number(r, v);
}

static bool is_digit(char c) {
	return c >= '0' && c <= '9';
}

/* A word that begins with a digit: all digits, no sign, no fraction; else it is no amount. */
static void count_digits(struct reader *r) {
	const char *w = r->line.word;
	uint32_t n = 0;
	for (; is_digit(*w); w++)
		n = n < NUMBER_MAX / 10 ? n * 10 + (uint32_t)(*w - '0') : NUMBER_MAX;
	if (*w || (r->line.before & (LINE_MINUS | LINE_POINT)))
		fail(r, "an amount that is none");
	add_number(r, n);
}

/* Was it one? */
static bool read_number(struct reader *r) {
	const char *w = r->line.word;
	int v = value_of(w);
	if (v >= 0)
		count_word(r, (uint32_t)v);
	else if (is_digit(*w))
		count_digits(r);
	r->open = v >= 0 || (r->open && strcmp(w, "and") == 0 && r->numbers[r->number_count - 1] >= 100);
	return v >= 0 || is_digit(*w);
}

/* ---- words ---- */

/* Is this word the next of an opening? */
static bool read_opening(struct reader *r) {
	char so_far[sizeof(r->opening) + LINE_WORD_MAX + 1];
	size_t n = (size_t)snprintf(so_far, sizeof(so_far), "%s%s%s", r->opening, r->opening[0] ? " " : "",
			r->line.word);
	for (size_t i = 0; i < COUNT_OF(openings); i++) {
		if (strncmp(openings[i], so_far, n) != 0 || (openings[i][n] && openings[i][n] != ' '))
			continue;
		bool whole = !openings[i][n];
		CHECK(n < sizeof(r->opening)); /* as long as one of the table */
		r->pleads = r->pleads || (whole && i < PLEADING);
		memcpy(r->opening, so_far, n + 1);
		if (whole)
			r->opening[0] = 0;
		return true;
	}
	return false;
}

static bool read_call(const struct reader *r) {
	const char *w = r->line.word;
	return IS_ONE_OF(calls, w) || (w[0] && r->is_name && r->is_name(r->self, w));
}

static bool read_meaning(struct reader *r) {
	for (size_t i = 0; i < COUNT_OF(meanings); i++) {
		if (strcmp(r->line.word, meanings[i].word) != 0)
			continue;
		if (r->verb_count == VERB_WORDS_MAX)
			fail(r, "too long for an order");
		else
			r->verbs[r->verb_count++] = meanings[i].verbs;
		return true;
	}
	return false;
}

static void read_body(struct reader *r) {
	const char *w = r->line.word;
	bool around_you = strcmp(w, "you") == 0 && strcmp(r->last, "around") == 0;
	r->begun = true;
	if (!read_number(r) && !read_meaning(r) && !IS_ONE_OF(fillers, w) && !around_you)
		fail_at(r, w);
}

static void read_word(struct reader *r) {
	if (r->line.before & LINE_PART) {
		r->begun = r->open = false;
		r->last[0] = 0;
	}
	bool opens = !r->begun && read_opening(r);
	if (!opens && r->opening[0])
		fail_at(r, r->opening); /* half of one: "could the robot" */
	if (!opens && (r->begun || !read_call(r)))
		read_body(r);
	strcpy(r->last, r->line.word);
}

/* ---- what was made of it ---- */

static bool may_mean(const struct reader *r, unsigned verb) {
	for (unsigned i = 0; i < r->verb_count; i++)
		if (r->verbs[i] & 1u << verb)
			return true;
	return false;
}

/* Each verb that is done was said, and each that was said is done. */
static bool has_its_verbs(const struct reader *r, const struct utterance *u) {
	unsigned done = 0;
	for (unsigned i = 0; i < u->count; i++) {
		if (!may_mean(r, u->intents[i].verb))
			return false;
		done |= 1u << u->intents[i].verb;
	}
	for (unsigned i = 0; i < r->verb_count; i++)
		if (!(r->verbs[i] & done))
			return false;
	return true;
}

/* The numbers in their order; a turn counts tens of degrees.  "take a step" is one step. */
static bool has_its_numbers(const struct reader *r, const struct utterance *u) {
	unsigned used = 0;
	for (unsigned i = 0; i < u->count; i++) {
		const struct utterance_intent *n = &u->intents[i];
		uint64_t number = (uint64_t)n->number * (n->verb == PLAN_VERB_TURN ? 10 : 1);
		if (n->has_number && used < r->number_count && r->numbers[used] == number)
			used++;
		else if (n->has_number && (r->number_count > 0 || number != 1))
			return false;
	}
	return used == r->number_count;
}

bool wish_asks_for(const char *said, size_t bytes, line_name *is_name, void *self, const struct utterance *u,
		char why[WISH_WHY_MAX]) {
	struct reader r = { .is_name = is_name, .self = self, .why = why };
	why[0] = 0;
	line_begin(&r.line, said, bytes);
	while (!why[0] && line_next(&r.line))
		read_word(&r);
	for (unsigned i = 0; i < r.number_count; i++)
		if (r.numbers[i] == 0)
			fail(&r, "an amount that is none");
	if ((r.line.before & LINE_QUESTION) && !r.pleads)
		fail(&r, "a question");
	if (r.opening[0])
		fail_at(&r, r.opening);
	if (!has_its_verbs(&r, u))
		fail(&r, "something else was said");
	if (!has_its_numbers(&r, u))
		fail(&r, "another number was said");
	return !why[0];
}
