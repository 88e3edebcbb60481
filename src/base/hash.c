/* hash.c - see hash.h. */
#include "base/hash.h"

#include <sodium.h>
#include <string.h>
#include "base/check.h"

struct hash hash_of(const void *data, size_t bytes) {
	return hash_pair(data, bytes, NULL, 0);
}

_Static_assert(sizeof(crypto_generichash_state) <= sizeof(((struct hash_pieces *)0)->state) &&
		_Alignof(crypto_generichash_state) <= _Alignof(struct hash_pieces), "the state of the hash has room");

static crypto_generichash_state *state_of(struct hash_pieces *p) {
	return (crypto_generichash_state *)(void *)p->state;
}

void hash_begin(struct hash_pieces *p) {
	CHECK(crypto_generichash_init(state_of(p), NULL, 0, HASH_BYTES) == 0);
}

void hash_add(struct hash_pieces *p, const void *data, size_t bytes) {
	if (bytes)
		crypto_generichash_update(state_of(p), data, bytes);
}

struct hash hash_end(struct hash_pieces *p) {
	struct hash h;
	CHECK(crypto_generichash_final(state_of(p), h.bytes, HASH_BYTES) == 0);
	return h;
}

struct hash hash_pair(const void *a, size_t a_bytes, const void *b, size_t b_bytes) {
	struct hash_pieces p;
	hash_begin(&p);
	hash_add(&p, a, a_bytes);
	hash_add(&p, b, b_bytes);
	return hash_end(&p);
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
