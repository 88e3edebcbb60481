/* utf8.c - see utf8.h. */
#include "base/utf8.h"

/* Bytes of the code point that starts with `lead`, and the least value that may take so many; 0: none does. */
static unsigned length_of(uint8_t lead, uint32_t *least) {
	*least = lead < 0x80 ? 0 : lead < 0xe0 ? 0x80 : lead < 0xf0 ? 0x800 : 0x10000;
	return lead < 0x80 ? 1 : lead < 0xc2 ? 0 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : lead < 0xf5 ? 4 : 0;
}

size_t utf8_next(const char *text, size_t bytes, uint32_t *code) {
	const uint8_t *at = (const uint8_t *)text;
	uint32_t least, c = bytes ? *at : 0;
	unsigned n = bytes ? length_of(*at, &least) : 0;
	if (n == 0 || bytes < n)
		return 0;
	if (n > 1)
		c &= 0x7fu >> n;
	for (unsigned i = 1; i < n; i++) {
		if ((at[i] & 0xc0) != 0x80)
			return 0;
		c = c << 6 | (at[i] & 0x3fu);
	}
	*code = c;
	return c < least || c > 0x10ffff || (c >= 0xd800 && c <= 0xdfff) ? 0 : n;
}

bool utf8_valid(const char *text, size_t bytes) {
	uint32_t code;
	for (size_t n; bytes > 0; text += n, bytes -= n)
		if ((n = utf8_next(text, bytes, &code)) == 0)
			return false;
	return true;
}

bool utf8_is_control(uint32_t c) {
	return c < 0x20 || (c >= 0x7f && c < 0xa0) || c == 0x61c || (c >= 0x200b && c <= 0x200f) ||
	       (c >= 0x2028 && c <= 0x202e) || (c >= 0x2060 && c <= 0x206f) || c == 0xfeff;
}

size_t utf8_cut(const char *text, size_t bytes, size_t room) {
	size_t n = room;
	if (bytes <= room)
		return bytes;
	for (int i = 0; i < 3 && n > 0 && ((uint8_t)text[n] & 0xc0) == 0x80; i++)
		n--;
	return n;
}
