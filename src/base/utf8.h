/* utf8.h - is a text what it says it is?  Any thread. */
#ifndef BASE_UTF8_H
#define BASE_UTF8_H

#include <stdbool.h>
#include <stddef.h>

/* Strict (RFC 3629): no overlong form, no surrogate, nothing above U+10FFFF, nothing cut off. */
bool utf8_valid(const char *text, size_t bytes);

#endif
