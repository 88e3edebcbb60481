/*
 * line.h - a line that a person said, word by word, and the marks around each word.
 *
 * A word is a row of letters and digits of any script, in small letters as far as ASCII goes; a letter
 * that stands three times or more in a row stands once ("stooop").  Any apostrophe within a word is
 * written as "'".  Everything else parts words; some of it is a mark.
 *
 * Pure: no allocation, time linear in the bytes, any bytes.  Any thread.
 */
#ifndef SEM_LINE_H
#define SEM_LINE_H

#include <stdbool.h>
#include <stddef.h>

#define LINE_WORD_MAX 64 /* bytes with the zero; a longer word is read as "" */

enum line_mark {
	LINE_PART = 1,     /* comma, stop, dash, line feed ...: a clause ends */
	LINE_QUESTION = 2, /* '?' of any script; parts as well */
	LINE_SHOUT = 4,    /* '!' likewise */
	LINE_MINUS = 8,    /* right before a digit: "-3" */
	LINE_POINT = 16,   /* right before a digit: "0.5", "1/2", ".5" */
};

struct line {
	const char *begin, *at, *end;
	char word[LINE_WORD_MAX];
	unsigned before, after; /* sets of enum line_mark: what stands between this word and those beside it */
};

/* The text is borrowed; NULL with 0 bytes is empty. */
void line_begin(struct line *l, const char *text, size_t bytes);
/* The next word; false at the end, and then `before` holds what stood there. */
bool line_next(struct line *l);

/* Is `word`, in small letters as far as ASCII goes, a name that the machine may be called by? */
typedef bool line_name(void *self, const char *word);

bool line_is_one_of(const char *const *words, size_t count, const char *word);
/* "not", "never", "don't", "dont" ...: a word that takes back what follows.  "no" is none of them. */
bool line_is_negation(const char *word);

#endif
