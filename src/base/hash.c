/* hash.c - see hash.h. */
#include "base/hash.h"

#include <sodium.h>
#include <string.h>
#include "base/check.h"

struct hash hash_of(const void *data, size_t bytes) {
	return hash_pair(data, bytes, NULL, 0);
}

struct hash hash_pair(const void *a, size_t a_bytes, const void *b, size_t b_bytes) {
	struct hash h;
	crypto_generichash_state s;
	CHECK(crypto_generichash_init(&s, NULL, 0, HASH_BYTES) == 0);
	if (a_bytes)
		crypto_generichash_update(&s, a, a_bytes);
	if (b_bytes)
		crypto_generichash_update(&s, b, b_bytes);
	CHECK(crypto_generichash_final(&s, h.bytes, HASH_BYTES) == 0);
	return h;
}

int hash_equal(const struct hash *a, const struct hash *b) {
	return memcmp(a->bytes, b->bytes, HASH_BYTES) == 0;
}

const char *hash_text(const struct hash *h, unsigned digits, char out[HASH_TEXT_MAX]) {
	static const char hex[] = "0123456789abcdef";
	unsigned n = digits < 2 * HASH_BYTES ? digits : 2 * HASH_BYTES;
	for (unsigned i = 0; i < n; i++)
		out[i] = hex[(h->bytes[i / 2] >> (i % 2 ? 0 : 4)) & 15];
	out[n] = 0;
	return out;
}
