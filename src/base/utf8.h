/* utf8.h - is a text what it says it is, and where may it be cut?  Any thread. */
#ifndef BASE_UTF8_H
#define BASE_UTF8_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Bytes of the first character and its code point; 0 when it is broken, cut off, or not there. */
size_t utf8_next(const char *text, size_t bytes, uint32_t *code);
/* Strict (RFC 3629), as above: no overlong form, no surrogate, nothing above U+10FFFF, nothing cut off. */
bool utf8_valid(const char *text, size_t bytes);

/* What a terminal or an editor would obey instead of showing: controls, line ends, changes of direction, no width. */
bool utf8_is_control(uint32_t code);

/*
 * How many of its bytes fit into `room` without half a character at the end.  Looks back at most 3
 * bytes, so what is not UTF-8 is cut somewhere, too.
 */
size_t utf8_cut(const char *text, size_t bytes, size_t room);

#endif
