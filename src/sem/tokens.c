/* tokens.c - one walk over the characters; a word of ASCII letters is added up in sixths of a token. */
#include "sem/tokens.h"

#include <stdbool.h>
#include "base/check.h"
#include "base/utf8.h"

enum { SIXTHS = 6, SMALL = 2, CAPITAL = 3 };

static bool is_small(char c) {
	return (uint8_t)(c - 'a') < 26;
}

static bool is_capital(char c) {
	return (uint8_t)(c - 'A') < 26;
}

static uint32_t weight_of(uint32_t code, size_t width) {
	if (width == 2)
		return code < 0x100 || (code >= 0x400 && code < 0x530) ? 1 : 2;
	if (width == 3)
		return code >= 0x3000 && code < 0xa000 ? 2 : 3;
	return (uint32_t)width;
}

/* A sign or a letter takes the space before it into its token; a digit, another space and the end do not. */
static bool is_joined(const char *text, size_t bytes, size_t space) {
	uint8_t next = space + 1 < bytes ? (uint8_t)text[space + 1] : ' ';
	return next > ' ' && !(next >= '0' && next <= '9');
}

/* A word that begins at `at`: its bytes into *width. */
static uint32_t word(const char *text, size_t bytes, size_t at, size_t *width) {
	uint32_t sixths = 0;
	size_t i = at;
	for (; i < bytes && (is_small(text[i]) || is_capital(text[i])); i++)
		sixths += is_small(text[i]) ? SMALL : CAPITAL;
	*width = i - at;
	return (sixths + SIXTHS - 1) / SIXTHS;
}

uint32_t tokens_most(const char *text, size_t bytes) {
	uint32_t sum = 0, code;
	CHECK(bytes <= UINT32_MAX);
	for (size_t at = 0, width; at < bytes; at += width) {
		width = 1;
		if (is_small(text[at]) || is_capital(text[at]))
			sum += word(text, bytes, at, &width);
		else if (text[at] == ' ')
			sum += !is_joined(text, bytes, at);
		else if ((uint8_t)text[at] < 0x80 || (width = utf8_next(text + at, bytes - at, &code)) == 0)
			sum++, width = 1;
		else
			sum += weight_of(code, width);
	}
	return sum;
}
