/* utf8.c - see utf8.h. */
#include "base/utf8.h"

#include <stdint.h>

/* Bytes of the code point that starts with `lead`, and the least value that may take so many; 0: none does. */
static unsigned length_of(uint8_t lead, uint32_t *least) {
	*least = lead < 0x80 ? 0 : lead < 0xe0 ? 0x80 : lead < 0xf0 ? 0x800 : 0x10000;
	return lead < 0x80 ? 1 : lead < 0xc2 ? 0 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : lead < 0xf5 ? 4 : 0;
}

bool utf8_valid(const char *text, size_t bytes) {
	const uint8_t *at = (const uint8_t *)text, *end = at + bytes;
	while (at < end) {
		uint32_t least, code = *at;
		unsigned n = length_of(*at, &least);
		if (n == 0 || (size_t)(end - at) < n)
			return false;
		if (n > 1)
			code &= 0x7fu >> n;
		for (unsigned i = 1; i < n; i++) {
			if ((at[i] & 0xc0) != 0x80)
				return false;
			code = code << 6 | (at[i] & 0x3fu);
		}
		if (code < least || code > 0x10ffff || (code >= 0xd800 && code <= 0xdfff))
			return false;
		at += n;
	}
	return true;
}

size_t utf8_cut(const char *text, size_t bytes, size_t room) {
	size_t n = room;
	if (bytes <= room)
		return bytes;
	for (int i = 0; i < 3 && n > 0 && ((uint8_t)text[n] & 0xc0) == 0x80; i++)
		n--;
	return n;
}
