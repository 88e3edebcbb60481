/* utf8.h - is a text what it says it is, and where may it be cut?  Any thread. */
#ifndef BASE_UTF8_H
#define BASE_UTF8_H

#include <stdbool.h>
#include <stddef.h>

/* Strict (RFC 3629): no overlong form, no surrogate, nothing above U+10FFFF, nothing cut off. */
bool utf8_valid(const char *text, size_t bytes);

/*
 * How many of its bytes fit into `room` without half a character at the end.  Looks back at most 3
 * bytes, so what is not UTF-8 is cut somewhere, too.
 */
size_t utf8_cut(const char *text, size_t bytes, size_t room);

#endif
