/*
 * line.c - see line.h.  What parts words is found by its bytes: ASCII that is neither letter nor digit,
 * and the punctuation of Unicode that people type.
 */
#include "sem/line.h"

#include <stdint.h>
#include <string.h>
#include "base/check.h"

static bool starts(const struct line *l, const char *bytes) {
	size_t n = strlen(bytes);
	return (size_t)(l->end - l->at) >= n && memcmp(l->at, bytes, n) == 0;
}

/* The one of them that begins here: its bytes, or 0. */
static size_t any_of(const struct line *l, const char *const *texts, size_t count) {
	for (size_t i = 0; i < count; i++)
		if (starts(l, texts[i]))
			return strlen(texts[i]);
	return 0;
}

static bool is_digit(char c) {
	return c >= '0' && c <= '9';
}

static bool is_letter(char c) {
	return ((c | 32) >= 'a' && (c | 32) <= 'z') || is_digit(c);
}

static size_t apostrophe(const struct line *l) {
	static const char *const signs[] = { "'", "\u2019", "\u2018", "\u02bc", "`", "\u00b4", "\u2032", "\uff07" };
	return any_of(l, signs, COUNT_OF(signs));
}

static size_t gap(const struct line *l) {
	static const char *const wide[] = { "\u00a0", "\u00a1", "\u00ab", "\u00b0", "\u00b7", "\u00bb", "\u00bf",
		"\u2212", "\u2753", "\u2757", "\ufe0f", "\uff01", "\uff0c", "\uff0d", "\uff0e", "\uff1f", "\u3000",
		"\u3001", "\u3002", "\ufeff", "\u061f", "\u060c" };
	uint8_t c = (uint8_t)*l->at;
	size_t quote = apostrophe(l);
	if (quote) /* within a word it is a part of that: "don't" */
		return l->at + quote < l->end && is_letter(l->at[quote]) ? 0 : quote;
	if (c < 0x80)
		return !is_letter(*l->at);
	if (c == 0xe2 && l->end - l->at >= 3 && ((uint8_t)l->at[1] == 0x80 || (uint8_t)l->at[1] == 0x81))
		return 3; /* U+2000..207F */
	return any_of(l, wide, COUNT_OF(wide));
}

/* What stands before a word: gaps, and an apostrophe that is none. */
static size_t leading(const struct line *l) {
	size_t n = gap(l);
	return n ? n : apostrophe(l);
}

static size_t dash(const struct line *l) {
	static const char *const signs[] = { "-", "\u2010", "\u2011", "\u2012", "\u2013", "\u2212", "\uff0d" };
	return any_of(l, signs, COUNT_OF(signs));
}

/* What the gap here says; a dash within a word ("e-stop") says nothing. */
static unsigned mark(const struct line *l, const char *from) {
	static const char *const questions[] = { "?", "\uff1f", "\u061f", "\u2753", "\u203d" };
	static const char *const shouts[] = { "!", "\uff01", "\u2757", "\u203c" };
	static const char *const parts[] = { ",", ".", ";", ":", "\n", "\r", "\u2014", "\u2015", "\u2026", "\u2028",
		"\u2029", "\uff0c", "\uff0e", "\u3001", "\u3002", "\u060c" };
	if (any_of(l, questions, COUNT_OF(questions)))
		return LINE_PART | LINE_QUESTION;
	if (any_of(l, shouts, COUNT_OF(shouts)))
		return LINE_PART | LINE_SHOUT;
	return any_of(l, parts, COUNT_OF(parts)) || (l->at > from && dash(l)) ? LINE_PART : 0;
}

/* Of a number that begins here: the gap's last sign began at `last`, the gap itself at `from`. */
static unsigned sign(const struct line *l, const char *from, const char *last) {
	struct line s = { .begin = l->begin, .at = last, .end = l->end };
	bool apart = last > from || last == l->begin, within = last > l->begin && is_digit(last[-1]);
	if (!last || l->at == l->end || !is_digit(*l->at))
		return 0;
	if (dash(&s))
		return apart ? LINE_MINUS : 0;
	if (*last == '.')
		return apart || within ? LINE_POINT : 0;
	return (*last == ',' || *last == '/') && within ? LINE_POINT : 0;
}

static unsigned skip(struct line *l) {
	const char *from = l->at, *last = NULL;
	unsigned marks = 0;
	for (size_t n; l->at < l->end && (n = leading(l)) > 0; l->at += n) {
		marks |= mark(l, from);
		last = l->at;
	}
	return last ? marks | sign(l, from, last) : 0;
}

/* A third letter in a row, and those after it, take the first two away but one. */
static size_t add(char *word, size_t n, char c, unsigned row) {
	if (row == 3)
		return n - 1;
	if (row < 3)
		word[n++] = c;
	return n;
}

static void read_word(struct line *l) {
	size_t n = 0, bytes;
	unsigned row = 0;
	char last = 0;
	bool fits = true;
	for (; l->at < l->end && gap(l) == 0; l->at += bytes) {
		size_t quote = apostrophe(l);
		char c = quote ? '\'' : (char)(*l->at >= 'A' && *l->at <= 'Z' ? *l->at + 32 : *l->at);
		bytes = quote ? quote : 1;
		row = c == last && c >= 'a' && c <= 'z' ? row + 1 : 1;
		last = c;
		fits = fits && n + 1 < sizeof(l->word);
		n = fits ? add(l->word, n, c, row) : 0;
	}
	l->word[n] = 0;
}

void line_begin(struct line *l, const char *text, size_t bytes) {
	*l = (struct line){ .begin = text, .at = text, .end = bytes ? text + bytes : text };
	l->after = bytes ? skip(l) : 0;
}

bool line_next(struct line *l) {
	l->before = l->after;
	if (l->at == l->end)
		return false;
	read_word(l);
	l->after = skip(l);
	return true;
}

bool line_is_one_of(const char *const *words, size_t count, const char *word) {
	for (size_t i = 0; i < count; i++)
		if (strcmp(words[i], word) == 0)
			return true;
	return false;
}

bool line_is_negation(const char *word) {
	static const char *const words[] = { "not", "never", "cannot", "nor", "neither", "nobody", "without", "non",
		"dont", "don", "d'ont", "donot", "doesnt", "didnt", "cant", "wont", "shouldnt", "mustnt", "couldnt",
		"wouldnt", "isnt", "arent", "wasnt", "werent", "aint", "havent", "hasnt", "neednt", "shant" };
	size_t n = strlen(word);
	return (n >= 3 && strcmp(word + n - 3, "n't") == 0) || line_is_one_of(words, COUNT_OF(words), word);
}
