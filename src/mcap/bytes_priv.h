/*
 * bytes_priv.h - the numbers and texts of MCAP records: a cursor over bytes that anybody may have written, and a
 * buffer that grows.
 *
 * The first thing that does not fit makes a cursor bad for good, and everything it gives from then on is zero or
 * empty; a buffer without memory takes nothing more.  So callers may look once, at the end.
 */
#ifndef MCAP_BYTES_PRIV_H
#define MCAP_BYTES_PRIV_H

#include <endian.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* ---- reading ---- */

struct bytes_in {
	const uint8_t *at, *end;
	bool bad;
};

static inline size_t bytes_left(const struct bytes_in *i) {
	return (size_t)(i->end - i->at);
}

/* The next `count` bytes; NULL: there are not so many. */
static inline const uint8_t *bytes_take(struct bytes_in *i, uint64_t count) {
	if (i->bad || count > bytes_left(i)) {
		i->bad = true;
		return NULL;
	}
	const uint8_t *p = i->at;
	i->at += count;
	return p;
}

static inline uint16_t bytes_u16(struct bytes_in *i) {
	uint16_t v = 0;
	const uint8_t *p = bytes_take(i, sizeof(v));
	if (p)
		memcpy(&v, p, sizeof(v));
	return le16toh(v);
}

static inline uint32_t bytes_u32(struct bytes_in *i) {
	uint32_t v = 0;
	const uint8_t *p = bytes_take(i, sizeof(v));
	if (p)
		memcpy(&v, p, sizeof(v));
	return le32toh(v);
}

static inline uint64_t bytes_u64(struct bytes_in *i) {
	uint64_t v = 0;
	const uint8_t *p = bytes_take(i, sizeof(v));
	if (p)
		memcpy(&v, p, sizeof(v));
	return le64toh(v);
}

/* What a 32-bit length stands before, as a cursor of its own: a text, a blob, a map, an array. */
static inline struct bytes_in bytes_part(struct bytes_in *i) {
	uint32_t count = bytes_u32(i);
	const uint8_t *p = bytes_take(i, count);
	return (struct bytes_in){ p, p ? p + count : NULL, !p };
}

/* ---- writing ---- */

struct bytes_out {
	uint8_t *bytes;
	size_t length, capacity;
	bool failed; /* there was no memory: what it holds is not whole */
};

/* Room for `count` more; NULL: no memory. */
uint8_t *bytes_room(struct bytes_out *o, size_t count);
void bytes_put(struct bytes_out *o, const void *data, size_t count);
void bytes_put_u16(struct bytes_out *o, uint16_t v);
void bytes_put_u32(struct bytes_out *o, uint32_t v);
void bytes_put_u64(struct bytes_out *o, uint64_t v);
/* A text, or a blob, behind its 32-bit length. */
void bytes_put_text(struct bytes_out *o, const char *s);
void bytes_put_blob(struct bytes_out *o, const void *data, uint32_t count);
/* Put `v` at a place that was written before. */
void bytes_set_u32(struct bytes_out *o, size_t at, uint32_t v);
void bytes_set_u64(struct bytes_out *o, size_t at, uint64_t v);
/* Frees it; empty again. */
void bytes_fini(struct bytes_out *o);

#endif
