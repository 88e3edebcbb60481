/* utf8_test.c - every code point is valid in its shortest form alone, and nothing else is. */
#include "base/utf8.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include "base/check.h"

static size_t encode(uint32_t c, unsigned n, char out[4]) {
	static const uint8_t leads[] = { 0, 0, 0xc0, 0xe0, 0xf0 };
	if (n == 1)
		return out[0] = (char)c, 1;
	for (unsigned i = n - 1; i > 0; i--, c >>= 6)
		out[i] = (char)(0x80 | (c & 0x3f));
	out[0] = (char)(leads[n] | c);
	return n;
}

static void shortest_forms(void) {
	char text[4];
	for (uint32_t c = 0; c <= 0x110fff; c++) {
		unsigned n = c < 0x80 ? 1 : c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
		bool right = c <= 0x10ffff && (c < 0xd800 || c > 0xdfff);
		uint32_t code = 0;
		CHECK(utf8_valid(text, encode(c, n, text)) == right);
		CHECK(utf8_next(text, n, &code) == (right ? n : 0) && (!right || code == c));
		CHECK(utf8_next(text, n - 1, &code) == 0);
		if (n < 4)
			CHECK(!utf8_valid(text, encode(c, n + 1, text))); /* overlong */
	}
}

static void what_is_cut_or_stray(void) {
	static const char *const bad[] = { "\x80", "a\xff", "\xc3", "\xe2\x82", "\xf0\x90\xa4", "\xc3(",
		"\xf5\x80\x80\x80" };
	CHECK(utf8_valid("", 0) && utf8_valid("Zo\xc3\xab \xf0\x90\xa4\x8c", 9));
	for (size_t i = 0; i < COUNT_OF(bad); i++)
		CHECK(!utf8_valid(bad[i], strlen(bad[i])));
}

static void cuts_between_characters(void) {
	static const char text[] = "a\xc3\xab\xe2\x82\xac\xf0\x90\xa4\x8cz"; /* of 1, 2, 3, 4 and 1 bytes */
	static const size_t ends[] = { 0, 1, 1, 3, 3, 3, 6, 6, 6, 6, 10, 11, 11 };
	for (size_t room = 0; room < COUNT_OF(ends); room++)
		CHECK(utf8_cut(text, sizeof(text) - 1, room) == ends[room]);
	CHECK(utf8_cut("\x80\x80\x80\x80\x80\x80", 6, 5) == 2 && utf8_cut("", 0, 0) == 0);
}

static void what_moves_a_terminal(void) {
	static const uint32_t control[] = { 0, '\n', 0x1b, 0x7f, 0x9b, 0x61c, 0x200b, 0x200e, 0x200f, 0x2028, 0x202a,
		0x202e, 0x2066, 0x2069, 0xfeff };
	static const uint32_t shown[] = { ' ', 'a', 0xa0, 0xeb, 0x2010, 0x202f, 0x2070, 0x1090c };
	for (size_t i = 0; i < COUNT_OF(control); i++)
		CHECK(utf8_is_control(control[i]));
	for (size_t i = 0; i < COUNT_OF(shown); i++)
		CHECK(!utf8_is_control(shown[i]));
}

int main(void) {
	shortest_forms();
	what_is_cut_or_stray();
	cuts_between_characters();
	what_moves_a_terminal();
	puts("utf8_test: ok");
}
