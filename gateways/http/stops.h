/*
 * stops.h - where an answer is cut for a client that named stop sequences.
 *
 * The machine remembers the whole answer; only what this client is shown ends before the first of its sequences.
 * Pure.  Any thread.
 */
#ifndef HTTP_STOPS_H
#define HTTP_STOPS_H

#include <stdbool.h>
#include <stddef.h>
#include "base/check.h"

#define STOPS_MAX 8
#define STOPS_BYTES 64 /* of one, with its zero */

struct stops {
	unsigned count;
	char words[STOPS_MAX][STOPS_BYTES];
};

/* -EINVAL: empty, too long, or one too many. */
MUST_CHECK int stops_add(struct stops *s, const char *word);
/*
 * How many bytes of the text may be shown: those before the first sequence.  While more may come (`ended` false),
 * an end that could become one is held back.
 */
size_t stops_sure(const struct stops *s, const char *text, bool ended);

#endif
