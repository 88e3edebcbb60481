/* hash.h - BLAKE2b-256 (libsodium): identities, plans, states, journal chains, symbol tables. */
#ifndef BASE_HASH_H
#define BASE_HASH_H

#include <stddef.h>
#include <stdint.h>

#define HASH_BYTES 32
#define HASH_TEXT_MAX (2 * HASH_BYTES + 1)

struct hash {
	uint8_t bytes[HASH_BYTES];
};

struct hash hash_of(const void *data, size_t bytes);
/* Hash of the concatenation a || b, as used by chains. */
struct hash hash_pair(const void *a, size_t a_bytes, const void *b, size_t b_bytes);
/* The hash of what comes in pieces: hash_begin(), hash_add() ..., hash_end(). */
struct hash_pieces {
	_Alignas(64) unsigned char state[384];
};
void hash_begin(struct hash_pieces *p);
void hash_add(struct hash_pieces *p, const void *data, size_t bytes);
struct hash hash_end(struct hash_pieces *p);
int hash_equal(const struct hash *a, const struct hash *b);
/* Lower-case hex; `digits` of it (at most 64), zero terminated.  Returns out. */
const char *hash_text(const struct hash *h, unsigned digits, char out[HASH_TEXT_MAX]);

#endif
