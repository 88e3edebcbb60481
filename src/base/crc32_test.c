/* crc32_test.c - known sums, every length and alignment against the plain way, and sums in parts. */
#include "base/crc32.h"

#include <string.h>
#include "base/check.h"

static void known(void) {
	static const uint8_t zeros[32], ones[32] = { [0 ... 31] = 0xff };
	CHECK(crc32_of(0, "", 0) == 0);
	CHECK(crc32_of(0, "123456789", 9) == 0xcbf43926u); /* the check value of the CRC catalogues */
	CHECK(crc32_of(0, "a", 1) == 0xe8b7be43u);
	CHECK(crc32_of(0, "The quick brown fox jumps over the lazy dog", 43) == 0x414fa339u);
	CHECK(crc32_of(0, zeros, 32) == 0x190a55adu && crc32_of(0, ones, 32) == 0xff6cab0bu);
}

/* Bit by bit, as the polynomial says. */
static uint32_t plain(const uint8_t *p, size_t bytes) {
	uint32_t c = 0xffffffffu;
	for (; bytes > 0; bytes--) {
		c ^= *p++;
		for (int bit = 0; bit < 8; bit++)
			c = c & 1 ? c >> 1 ^ 0xedb88320u : c >> 1;
	}
	return ~c;
}

static void every_length(void) {
	uint8_t data[96];
	for (unsigned i = 0; i < sizeof(data); i++)
		data[i] = (uint8_t)(i * 37 + 11);
	for (size_t from = 0; from < 8; from++)
		for (size_t bytes = 0; from + bytes <= sizeof(data); bytes++) {
			uint32_t whole = crc32_of(0, data + from, bytes);
			CHECK(whole == plain(data + from, bytes));
			for (size_t cut = 0; cut <= bytes; cut += 5)
				CHECK(crc32_of(crc32_of(0, data + from, cut), data + from + cut, bytes - cut) == whole);
		}
}

int main(void) {
	known();
	every_length();
	return 0;
}
