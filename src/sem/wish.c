/*
 * wish.c - see wish.h.  The line is read once, word by word; what settles it is a word of a table, or
 * the word before it together with it.
 */
#include "sem/wish.h"

#include <stdbool.h>
#include <string.h>
#include "base/check.h"
#include "sem/line.h"

#define IS_ONE_OF(words, word) line_is_one_of((words), COUNT_OF(words), (word))

static const char *const denying[] = { "no", "none", "nothing", "nowhere", "except" };

/* Before the word that begins a clause. */
static const char *const greetings[] = { "and", "but", "hello", "hey", "hi", "machine", "now", "oh", "ok", "okay",
	"please", "robot", "so", "then", "well", "yes" };

static const char *const asking[] = { "am", "are", "did", "does", "had", "has", "is", "may", "might", "shall", "should",
	"was", "were", "what", "what's", "where", "where's", "which", "who", "who's", "whom", "whose" };
static const char *const asking_anywhere[] = { "how", "whether", "why" };
static const char *const pleading[] = { "can", "could", "will", "would" };
static const char *const people[] = { "i", "you", "we", "they", "he", "she", "it", "people", "robots" };

/* Of anybody but "I". */
static const char *const saying[] = { "ask", "asked", "order", "ordered", "said", "say", "think", "thought", "told" };
static const char *const reporting[] = { "asks", "believes", "claimed", "claims", "heard", "hopes", "imagine", "mean",
	"means", "meant", "orders", "pretend", "says", "shouted", "shouts", "suppose", "tells", "thinks", "wanted",
	"wants", "whispered", "wrote", "crouched", "looked", "moved", "rotated", "scanned", "stepped", "turned",
	"walked", "went" };

static const char *const conditions[] = { "after", "before", "if", "later", "provided", "till", "tomorrow", "unless",
	"until", "when", "whenever", "yesterday" };

static const char *const parts[] = { "fraction", "half", "halves", "minus", "negative", "nil", "nought", "point",
	"quarter", "quarters", "zero" };

static const char *const units[] = { "zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine",
	"ten", "eleven", "twelve", "thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen",
	"nineteen" };
static const char *const tens[] = { "twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety" };

struct reader {
	struct line line;
	struct wish wish;
	char last[LINE_WORD_MAX]; /* the word before, "" at the beginning of a clause */
	bool fresh;               /* so far nothing of this clause but greetings */
	bool last_began;          /* the word before was the first that counts */
	bool open;                /* the word before was a number in words */
	bool pleads;              /* "can you" */
};

/* ---- numbers ---- */

/* -1: no word of a number. */
static int value_of(const char *word) {
	for (size_t i = 0; i < COUNT_OF(units); i++)
		if (strcmp(word, units[i]) == 0)
			return (int)i;
	for (size_t i = 0; i < COUNT_OF(tens); i++)
		if (strcmp(word, tens[i]) == 0)
			return (int)(20 + 10 * i);
	return strcmp(word, "hundred") == 0 ? 100 : -1;
}

static uint32_t at_most(uint32_t n) {
	return n < WISH_NUMBER_MAX ? n : WISH_NUMBER_MAX;
}

static void count_word(struct reader *r, unsigned v) {
	uint32_t n = r->wish.number;
	bool open = r->open && !(r->line.before & LINE_PART);
	r->open = true;
	if (open && v == 100 && n > 0 && n < 100)
		r->wish.number = n * 100;
	else if (open && ((v < 100 && n >= 100 && n % 100 == 0) || (v > 0 && v < 10 && n % 100 >= 20 && n % 10 == 0)))
		r->wish.number = at_most(n + v);
	else {
		r->wish.number = v;
		r->wish.numbers++;
	}
}

static bool is_digit(char c) {
	return c >= '0' && c <= '9';
}

/* A word that begins with a digit: all digits, more than 0, no sign, no fraction; else it is no amount. */
static bool count_digits(struct reader *r) {
	const char *w = r->line.word;
	uint32_t n = 0;
	for (; is_digit(*w); w++)
		n = at_most(n * 10 + (uint32_t)(*w - '0'));
	r->wish.number = n;
	r->wish.numbers++;
	r->open = false;
	return !*w && n > 0 && !(r->line.before & (LINE_MINUS | LINE_POINT));
}

static bool has_vulgar_fraction(const char *word) {
	return strstr(word, "\u00bd") || strstr(word, "\u00bc") || strstr(word, "\u00be") ||
	       strstr(word, "\u2153") || strstr(word, "\u2154");
}

static bool is_amount(struct reader *r) {
	const char *w = r->line.word;
	int v = value_of(w);
	if (is_digit(*w))
		return count_digits(r);
	if (v >= 0)
		count_word(r, (unsigned)v);
	else if (strcmp(w, "and") != 0 || r->wish.number < 100)
		r->open = false;
	return !IS_ONE_OF(parts, w) && !has_vulgar_fraction(w);
}

/* ---- words ---- */

/* "do you walk", "can the robot walk"; "can you walk" is a wish, and "do three scans" one, too. */
static bool is_asked_of(struct reader *r) {
	const char *w = r->line.word;
	if (strcmp(w, "you") == 0 && IS_ONE_OF(pleading, r->last)) {
		r->pleads = true;
		return false;
	}
	if (!r->last_began)
		return false;
	return IS_ONE_OF(pleading, r->last) ||
	       ((strcmp(r->last, "do") == 0 || strcmp(r->last, "have") == 0) && IS_ONE_OF(people, w));
}

static bool is_report(const struct reader *r) {
	const char *w = r->line.word;
	bool told = strcmp(r->last, "tell") == 0 && strcmp(w, "me") != 0 && strcmp(w, "us") != 0;
	return told || IS_ONE_OF(reporting, w) || (IS_ONE_OF(saying, w) && strcmp(r->last, "i") != 0);
}

static const char *what_of(struct reader *r) {
	const char *w = r->line.word;
	if (line_is_negation(w) || IS_ONE_OF(denying, w))
		return "a negation";
	if (is_asked_of(r) || IS_ONE_OF(asking_anywhere, w) || (r->fresh && IS_ONE_OF(asking, w)))
		return "a question";
	if (IS_ONE_OF(conditions, w))
		return "a condition";
	return is_report(r) ? "what somebody said or did" : NULL;
}

static void read_one(struct reader *r) {
	const char *w = r->line.word, *why;
	if (r->line.before & LINE_PART) {
		r->fresh = true;
		r->last_began = r->open = false;
		r->last[0] = 0;
	}
	bool amount = is_amount(r);
	why = what_of(r);
	if (!why && !amount)
		why = "an amount that is none";
	if (!r->wish.unasked)
		r->wish.unasked = why;
	bool greets = IS_ONE_OF(greetings, w);
	r->last_began = r->fresh && !greets;
	r->fresh = r->fresh && greets;
	memcpy(r->last, w, strlen(w) + 1);
}

struct wish wish_read(const char *text, size_t bytes) {
	struct reader r = { .fresh = true };
	line_begin(&r.line, text, bytes);
	while (line_next(&r.line))
		read_one(&r);
	if (!r.wish.unasked && (r.line.before & LINE_QUESTION) && !r.pleads)
		r.wish.unasked = "a question";
	return r.wish;
}
