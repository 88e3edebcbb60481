/*
 * crc32.c - see crc32.h.
 *
 * Eight bytes at a time: table k says what a byte does to the sum when k more bytes follow it, so the eight
 * look-ups of a step do not wait for each other.  The tables are computed once, by whoever comes first.
 */
#include "base/crc32.h"

#include <endian.h>
#include <pthread.h>
#include <string.h>

#define POLYNOMIAL 0xedb88320u

static uint32_t table[8][256];

static void fill(void) {
	for (uint32_t i = 0; i < 256; i++) {
		uint32_t c = i;
		for (int bit = 0; bit < 8; bit++)
			c = c >> 1 ^ (c & 1 ? POLYNOMIAL : 0);
		table[0][i] = c;
	}
	for (uint32_t i = 0; i < 256; i++)
		for (int k = 1; k < 8; k++)
			table[k][i] = table[k - 1][i] >> 8 ^ table[0][table[k - 1][i] & 0xff];
}

static uint32_t eight(uint32_t c, const uint8_t *p) {
	uint32_t a, b;
	memcpy(&a, p, 4);
	memcpy(&b, p + 4, 4);
	a = le32toh(a) ^ c;
	b = le32toh(b);
	return table[7][a & 0xff] ^ table[6][a >> 8 & 0xff] ^ table[5][a >> 16 & 0xff] ^ table[4][a >> 24] ^
		table[3][b & 0xff] ^ table[2][b >> 8 & 0xff] ^ table[1][b >> 16 & 0xff] ^ table[0][b >> 24];
}

uint32_t crc32_of(uint32_t crc, const void *data, size_t bytes) {
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	const uint8_t *p = data;
	uint32_t c = ~crc;
	pthread_once(&once, fill);
	for (; bytes >= 8; bytes -= 8, p += 8)
		c = eight(c, p);
	for (; bytes > 0; bytes--, p++)
		c = c >> 8 ^ table[0][(c ^ *p) & 0xff];
	return ~c;
}
