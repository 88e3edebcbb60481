/*
 * halt.c - see halt.h.  The text is read once, word by word; the first word that is neither of the two
 * tables nor a name settles that it is no stop.
 */
#include "sem/halt.h"

#include <stdint.h>
#include <string.h>
#include "base/check.h"

/* Letters that stand three times or more in a row stand once in what is looked up: "freeeze". */
static const char *const stops[] = { "stop", "stopp", "halt", "freeze", "freze", "estop", "𐤕", "🛑" };

static const char *const fillers[] = { "a", "all", "and", "at", "away", "can", "completely", "could", "do", "e",
	"emergency", "everything", "full", "go", "going", "hey", "here", "i", "immediately", "instantly", "is", "it",
	"just", "legs", "machine", "motion", "move", "movement", "moving", "must", "my", "need", "no", "now", "of",
	"oh", "ok", "okay", "once", "please", "pls", "quick", "quickly", "right", "robot", "running", "said", "say",
	"stepping", "straight", "that", "the", "there", "this", "to", "turning", "wait", "walking", "want", "whoa",
	"will", "would", "yes", "you", "your" };

struct reader {
	const char *at, *end;
	char word[HALT_WORD_MAX];
	bool too_long;
};

static bool starts(const struct reader *r, const char *bytes) {
	size_t n = strlen(bytes);
	return (size_t)(r->end - r->at) >= n && memcmp(r->at, bytes, n) == 0;
}

static bool is_letter(uint8_t c) {
	return ((c | 32) >= 'a' && (c | 32) <= 'z') || (c >= '0' && c <= '9');
}

/* Bytes of an apostrophe. */
static size_t apostrophe(const struct reader *r) {
	return *r->at == '\'' ? 1 : starts(r, "\u2019") ? 3 : 0;
}

/* Bytes of what parts words here: what is neither letter nor digit in ASCII, and the punctuation of Unicode. */
static size_t gap(const struct reader *r) {
	static const char *const wide[] = { "\u00a0", "\u00a1", "\u00ab", "\u00b7", "\u00bb", "\u00bf", "\ufe0f",
			"\uff01",
		"\uff0c", "\uff0e", "\uff1f", "\u3000", "\u3001", "\u3002", "\ufeff", "\u203c" };
	uint8_t c = (uint8_t)*r->at;
	size_t quote = apostrophe(r);
	if (quote) /* within a word it is a part of that: "don't" */
		return r->at + quote < r->end && is_letter((uint8_t)r->at[quote]) ? 0 : quote;
	if (c < 0x80)
		return !is_letter(c);
	if (c == 0xe2 && r->end - r->at >= 3 && ((uint8_t)r->at[1] == 0x80 || (uint8_t)r->at[1] == 0x81))
		return 3; /* U+2000..207F */
	for (size_t i = 0; i < COUNT_OF(wide); i++)
		if (starts(r, wide[i]))
			return strlen(wide[i]);
	return 0;
}

/* What stands before a word: gaps, and an apostrophe that is none. */
static size_t leading(const struct reader *r) {
	size_t n = gap(r);
	return n ? n : apostrophe(r);
}

/* A third letter in a row, and those after it, take the first two away but one. */
static size_t add(char *word, size_t n, char c, unsigned row) {
	if (row == 3)
		return n - 1;
	if (row < 3)
		word[n++] = c;
	return n;
}

/* The next word, in small letters; false at the end. */
static bool next_word(struct reader *r) {
	size_t n = 0, skip;
	unsigned row = 0;
	char last = 0;
	while (r->at < r->end && (skip = leading(r)) > 0)
		r->at += skip;
	if (r->at == r->end)
		return false;
	for (; r->at < r->end && gap(r) == 0 && n + 1 < sizeof(r->word); r->at++) {
		char c = (char)(*r->at >= 'A' && *r->at <= 'Z' ? *r->at + 32 : *r->at);
		row = c == last ? row + 1 : 1;
		last = c;
		n = (uint8_t)c < 0x80 ? add(r->word, n, c, row) : add(r->word, n, c, 1);
	}
	r->too_long = n + 1 == sizeof(r->word);
	r->word[n] = 0;
	return true;
}

static bool is_one_of(const char *const *words, size_t count, const char *word) {
	for (size_t i = 0; i < count; i++)
		if (strcmp(words[i], word) == 0)
			return true;
	return false;
}

/* Signs may stand without a gap: "🛑🛑". */
static bool is_stop(const char *word) {
	if (is_one_of(stops, COUNT_OF(stops), word))
		return true;
	size_t n = strlen("🛑");
	while (strncmp(word, "🛑", n) == 0 || strncmp(word, "𐤕", n) == 0)
		if (!*(word += n))
			return true;
	return false;
}

bool halt_is_asked(const char *text, size_t bytes, halt_name *is_name, void *self) {
	struct reader r = { .at = text, .end = bytes ? text + bytes : text };
	bool stop = false;
	while (next_word(&r)) {
		if (r.too_long)
			return false;
		if (is_stop(r.word))
			stop = true;
		else if (!is_one_of(fillers, COUNT_OF(fillers), r.word) && !(is_name && is_name(self, r.word)))
			return false;
	}
	return stop;
}
