/*
 * output.h - standard output as the one result of a verb: whole, or an error.
 *
 * What cannot be written (a full disk, a closed descriptor) is a failure like any other; the reader of a
 * pipe may go away, which ends us silently (SIGPIPE).  One thread.
 */
#ifndef CADMUS_OUTPUT_H
#define CADMUS_OUTPUT_H

#include <stdbool.h>
#include <stddef.h>
#include "base/check.h"

/* First of all: descriptors 0 to 2 exist, so that nothing we open takes their place; those that were closed
   cannot be written to. */
void output_open(void);
/* Write out what waits; < 0 when something was lost: who streams ends then. */
int output_flush(void);
/* Last of all: `code`, or 1 after explaining when something was lost. */
MUST_CHECK int output_end(const char *verb, int code);

/* May colours and cursor movements be sent there?  A terminal, not a dumb one, and NO_COLOR is not set. */
bool output_colour(int fd);

/* No control character, no change of direction and nothing but UTF-8 in it afterwards ('?' instead), so that no text of
   others moves the terminal.  Line ends and tabs stay if `lines`.  Returns the text. */
char *output_clean(char *text, bool lines);
/* The same of a copy, on one line; cut to what fits. */
const char *output_text(const char *text, char *out, size_t capacity);

/*
 * From now on Ctrl-C ends the line on the terminal first, then the process as it always does (130 in a shell).
 * `words` (static, or NULL) are said on standard error.
 */
void output_interruptible(const char *words);

#endif
