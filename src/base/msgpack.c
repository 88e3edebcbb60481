/*
 * msgpack.c - see msgpack.h.  The format is https://github.com/msgpack/msgpack/blob/master/spec.md;
 * every length is checked against what is left of the input before anything is touched.
 */
#include "base/msgpack.h"

#include <errno.h>
#include <string.h>

/* ---- writer ---- */

void mp_begin(struct mp_out *o, void *buffer, size_t capacity) {
	*o = (struct mp_out){ .bytes = buffer, .capacity = capacity };
}

int mp_done(const struct mp_out *o) {
	return o->overflow ? -E2BIG : (int)o->length;
}

void mp_raw(struct mp_out *o, const void *data, size_t bytes) {
	if (o->overflow || bytes > o->capacity - o->length) {
		o->overflow = true;
		return;
	}
	if (bytes)
		memcpy(o->bytes + o->length, data, bytes);
	o->length += bytes;
}

/* A tag byte and `n` bytes of v, big-endian. */
static void put(struct mp_out *o, uint8_t tag, uint64_t v, unsigned n) {
	uint8_t b[9] = { tag };
	for (unsigned i = 0; i < n; i++)
		b[1 + i] = (uint8_t)(v >> (8 * (n - 1 - i)));
	mp_raw(o, b, 1 + n);
}

void mp_nil(struct mp_out *o) {
	put(o, 0xc0, 0, 0);
}

void mp_bool(struct mp_out *o, bool v) {
	put(o, v ? 0xc3 : 0xc2, 0, 0);
}

void mp_uint(struct mp_out *o, uint64_t v) {
	if (v < 0x80)
		put(o, (uint8_t)v, 0, 0);
	else if (v <= UINT8_MAX)
		put(o, 0xcc, v, 1);
	else if (v <= UINT16_MAX)
		put(o, 0xcd, v, 2);
	else if (v <= UINT32_MAX)
		put(o, 0xce, v, 4);
	else
		put(o, 0xcf, v, 8);
}

void mp_int(struct mp_out *o, int64_t v) {
	if (v >= 0)
		mp_uint(o, (uint64_t)v);
	else if (v >= -32)
		put(o, (uint8_t)v, 0, 0);
	else if (v >= INT8_MIN)
		put(o, 0xd0, (uint64_t)v, 1);
	else if (v >= INT16_MIN)
		put(o, 0xd1, (uint64_t)v, 2);
	else if (v >= INT32_MIN)
		put(o, 0xd2, (uint64_t)v, 4);
	else
		put(o, 0xd3, (uint64_t)v, 8);
}

void mp_f64(struct mp_out *o, double v) {
	uint64_t bits;
	memcpy(&bits, &v, sizeof(bits));
	put(o, 0xcb, bits, 8);
}

void mp_strn(struct mp_out *o, const char *s, size_t bytes) {
	if (bytes < 32)
		put(o, (uint8_t)(0xa0 | bytes), 0, 0);
	else if (bytes <= UINT8_MAX)
		put(o, 0xd9, bytes, 1);
	else if (bytes <= UINT16_MAX)
		put(o, 0xda, bytes, 2);
	else
		put(o, 0xdb, bytes, 4);
	mp_raw(o, s, bytes);
}

void mp_str(struct mp_out *o, const char *s) {
	mp_strn(o, s, strlen(s));
}

void mp_bin(struct mp_out *o, const void *data, size_t bytes) {
	if (bytes <= UINT8_MAX)
		put(o, 0xc4, bytes, 1);
	else if (bytes <= UINT16_MAX)
		put(o, 0xc5, bytes, 2);
	else
		put(o, 0xc6, bytes, 4);
	mp_raw(o, data, bytes);
}

void mp_array(struct mp_out *o, uint32_t count) {
	if (count < 16)
		put(o, (uint8_t)(0x90 | count), 0, 0);
	else if (count <= UINT16_MAX)
		put(o, 0xdc, count, 2);
	else
		put(o, 0xdd, count, 4);
}

void mp_map(struct mp_out *o, uint32_t pairs) {
	if (pairs < 16)
		put(o, (uint8_t)(0x80 | pairs), 0, 0);
	else if (pairs <= UINT16_MAX)
		put(o, 0xde, pairs, 2);
	else
		put(o, 0xdf, pairs, 4);
}

void mp_kv_str(struct mp_out *o, const char *key, const char *value) {
	mp_str(o, key);
	mp_str(o, value);
}

void mp_kv_uint(struct mp_out *o, const char *key, uint64_t value) {
	mp_str(o, key);
	mp_uint(o, value);
}

void mp_kv_int(struct mp_out *o, const char *key, int64_t value) {
	mp_str(o, key);
	mp_int(o, value);
}

void mp_kv_f64(struct mp_out *o, const char *key, double value) {
	mp_str(o, key);
	mp_f64(o, value);
}

void mp_kv_bool(struct mp_out *o, const char *key, bool value) {
	mp_str(o, key);
	mp_bool(o, value);
}

/* ---- reader ---- */

/* What the next tag says: its type, the bytes of its number or length, and a value in the tag. */
struct head {
	enum mp_type type;
	uint8_t wide;    /* bytes that follow the tag and hold the number or the length */
	uint64_t number; /* the number, or the length, or the count */
};

static struct head read_tag(uint8_t t) {
	if (t < 0x80)
		return (struct head){ MP_UINT, 0, t };
	if (t < 0x90)
		return (struct head){ MP_MAP, 0, t & 15u };
	if (t < 0xa0)
		return (struct head){ MP_ARRAY, 0, t & 15u };
	if (t < 0xc0)
		return (struct head){ MP_STR, 0, t & 31u };
	if (t >= 0xe0)
		return (struct head){ MP_INT, 0, (uint64_t)(int64_t)(int8_t)t };
	switch (t) {
	case 0xc0: return (struct head){ MP_NIL, 0, 0 };
	case 0xc2: return (struct head){ MP_BOOL, 0, 0 };
	case 0xc3: return (struct head){ MP_BOOL, 0, 1 };
	case 0xc4: return (struct head){ MP_BIN, 1, 0 };
	case 0xc5: return (struct head){ MP_BIN, 2, 0 };
	case 0xc6: return (struct head){ MP_BIN, 4, 0 };
	case 0xc7: return (struct head){ MP_EXT, 1, 1 };
	case 0xc8: return (struct head){ MP_EXT, 2, 1 };
	case 0xc9: return (struct head){ MP_EXT, 4, 1 };
	case 0xca: return (struct head){ MP_F64, 4, 0 };
	case 0xcb: return (struct head){ MP_F64, 8, 0 };
	case 0xcc: return (struct head){ MP_UINT, 1, 0 };
	case 0xcd: return (struct head){ MP_UINT, 2, 0 };
	case 0xce: return (struct head){ MP_UINT, 4, 0 };
	case 0xcf: return (struct head){ MP_UINT, 8, 0 };
	case 0xd0: return (struct head){ MP_INT, 1, 0 };
	case 0xd1: return (struct head){ MP_INT, 2, 0 };
	case 0xd2: return (struct head){ MP_INT, 4, 0 };
	case 0xd3: return (struct head){ MP_INT, 8, 0 };
	case 0xd4: return (struct head){ MP_EXT, 0, 2 };
	case 0xd5: return (struct head){ MP_EXT, 0, 3 };
	case 0xd6: return (struct head){ MP_EXT, 0, 5 };
	case 0xd7: return (struct head){ MP_EXT, 0, 9 };
	case 0xd8: return (struct head){ MP_EXT, 0, 17 };
	case 0xd9: return (struct head){ MP_STR, 1, 0 };
	case 0xda: return (struct head){ MP_STR, 2, 0 };
	case 0xdb: return (struct head){ MP_STR, 4, 0 };
	case 0xdc: return (struct head){ MP_ARRAY, 2, 0 };
	case 0xdd: return (struct head){ MP_ARRAY, 4, 0 };
	case 0xde: return (struct head){ MP_MAP, 2, 0 };
	case 0xdf: return (struct head){ MP_MAP, 4, 0 };
	default: return (struct head){ MP_BAD, 0, 0 };
	}
}

static int64_t sign_extend(uint64_t v, unsigned bytes) {
	unsigned shift = 64 - 8 * bytes;
	return (int64_t)(v << shift) >> shift;
}

static struct head bad(struct mp_in *i) {
	i->bad = true;
	i->at = i->end;
	return (struct head){ MP_BAD, 0, 0 };
}

/* Read the tag and what belongs to it; the bytes of strings and elements of maps stay ahead. */
static struct head take_head(struct mp_in *i) {
	if (i->bad || i->at == i->end)
		return bad(i);
	struct head h = read_tag(*i->at);
	if (h.type == MP_BAD || (size_t)(i->end - i->at) < 1u + h.wide)
		return bad(i);
	uint64_t n = 0;
	for (unsigned k = 0; k < h.wide; k++)
		n = n << 8 | i->at[1 + k];
	if (h.wide)
		h.number = h.type == MP_INT ? (uint64_t)sign_extend(n, h.wide)
				: h.type == MP_EXT  ? n + 1
						    : n;
	if (h.type == MP_INT && h.wide && (int64_t)h.number >= 0)
		h.type = MP_UINT; /* another writer's long form of a positive number */
	i->at += 1 + h.wide;
	bool has_bytes = h.type == MP_STR || h.type == MP_BIN || h.type == MP_EXT;
	bool has_items = h.type == MP_ARRAY || h.type == MP_MAP;
	uint64_t least = h.type == MP_MAP ? 2 * h.number : h.number;
	if ((has_bytes || has_items) && least > (uint64_t)(i->end - i->at))
		return bad(i);
	return h;
}

void mp_open(struct mp_in *i, const void *data, size_t bytes) {
	const uint8_t *p = data;
	*i = (struct mp_in){ p, bytes ? p + bytes : p, false };
}

enum mp_type mp_peek(const struct mp_in *i) {
	struct mp_in copy = *i;
	return take_head(&copy).type;
}

static struct head expect(struct mp_in *i, enum mp_type type) {
	struct head h = take_head(i);
	return h.type == type ? h : bad(i);
}

int mp_get_bool(struct mp_in *i, bool *v) {
	struct head h = expect(i, MP_BOOL);
	if (h.type == MP_BAD)
		return -EPROTO;
	*v = h.number != 0;
	return 0;
}

int mp_get_uint(struct mp_in *i, uint64_t *v) {
	struct head h = expect(i, MP_UINT);
	if (h.type == MP_BAD)
		return -EPROTO;
	*v = h.number;
	return 0;
}

int mp_get_int(struct mp_in *i, int64_t *v) {
	struct head h = take_head(i);
	bool fits = h.type == MP_INT || (h.type == MP_UINT && h.number <= INT64_MAX);
	if (!fits)
		return bad(i), -EPROTO;
	*v = (int64_t)h.number;
	return 0;
}

int mp_get_f64(struct mp_in *i, double *v) {
	const uint8_t *start = i->at;
	struct head h = take_head(i);
	if (h.type == MP_UINT)
		*v = (double)h.number;
	else if (h.type == MP_INT)
		*v = (double)(int64_t)h.number;
	else if (h.type == MP_F64 && *start == 0xca) {
		uint32_t bits = (uint32_t)h.number;
		float f;
		memcpy(&f, &bits, sizeof(f));
		*v = (double)f;
	} else if (h.type == MP_F64)
		memcpy(v, &h.number, sizeof(*v));
	else
		return bad(i), -EPROTO;
	return 0;
}

static int get_bytes(struct mp_in *i, enum mp_type type, const void **data, size_t *bytes) {
	struct head h = expect(i, type);
	if (h.type == MP_BAD)
		return -EPROTO;
	*data = i->at;
	*bytes = (size_t)h.number;
	i->at += h.number;
	return 0;
}

int mp_get_str(struct mp_in *i, const char **s, size_t *bytes) {
	const void *data;
	int rc = get_bytes(i, MP_STR, &data, bytes);
	if (rc == 0)
		*s = data;
	return rc;
}

int mp_get_bin(struct mp_in *i, const void **data, size_t *bytes) {
	return get_bytes(i, MP_BIN, data, bytes);
}

static int get_count(struct mp_in *i, enum mp_type type, uint32_t *count) {
	struct head h = expect(i, type);
	if (h.type == MP_BAD)
		return -EPROTO;
	*count = (uint32_t)h.number;
	return 0;
}

int mp_get_array(struct mp_in *i, uint32_t *count) {
	return get_count(i, MP_ARRAY, count);
}

int mp_get_map(struct mp_in *i, uint32_t *pairs) {
	return get_count(i, MP_MAP, pairs);
}

/* Iterative: `left` counts the values still to pass on each open level. */
int mp_skip(struct mp_in *i) {
	uint64_t left[MP_DEPTH_MAX] = { 1 };
	unsigned depth = 0;
	for (;;) {
		while (left[depth] == 0) {
			if (depth == 0)
				return 0;
			depth--;
		}
		left[depth]--;
		struct head h = take_head(i);
		if (h.type == MP_BAD)
			return -EPROTO;
		if (h.type == MP_STR || h.type == MP_BIN || h.type == MP_EXT)
			i->at += h.number;
		if (h.type == MP_ARRAY || h.type == MP_MAP) {
			if (++depth == MP_DEPTH_MAX)
				return bad(i), -EPROTO;
			left[depth] = h.type == MP_MAP ? 2 * h.number : h.number;
		}
	}
}

int mp_find(const void *message, size_t bytes, const char *key, struct mp_in *value) {
	struct mp_in i;
	uint32_t pairs;
	size_t want = strlen(key);
	mp_open(&i, message, bytes);
	if (mp_get_map(&i, &pairs) < 0)
		return -EPROTO;
	for (uint32_t n = 0; n < pairs; n++) {
		const char *k;
		size_t k_bytes;
		if (mp_get_str(&i, &k, &k_bytes) < 0)
			return -EPROTO;
		if (k_bytes == want && memcmp(k, key, want) == 0) {
			*value = i;
			return 0;
		}
		if (mp_skip(&i) < 0)
			return -EPROTO;
	}
	return -ENOENT;
}

int mp_find_str(const void *message, size_t bytes, const char *key, char *out, size_t capacity) {
	struct mp_in v;
	const char *s;
	size_t n;
	int rc = mp_find(message, bytes, key, &v);
	if (rc < 0)
		return rc;
	if ((rc = mp_get_str(&v, &s, &n)) < 0)
		return rc;
	if (n >= capacity)
		return -E2BIG;
	memcpy(out, s, n);
	out[n] = 0;
	return memchr(s, 0, n) ? -EILSEQ : 0;
}

int mp_find_uint(const void *message, size_t bytes, const char *key, uint64_t *out) {
	struct mp_in v;
	int rc = mp_find(message, bytes, key, &v);
	return rc < 0 ? rc : mp_get_uint(&v, out);
}

int mp_find_int(const void *message, size_t bytes, const char *key, int64_t *out) {
	struct mp_in v;
	int rc = mp_find(message, bytes, key, &v);
	return rc < 0 ? rc : mp_get_int(&v, out);
}

int mp_find_f64(const void *message, size_t bytes, const char *key, double *out) {
	struct mp_in v;
	int rc = mp_find(message, bytes, key, &v);
	return rc < 0 ? rc : mp_get_f64(&v, out);
}

int mp_find_bool(const void *message, size_t bytes, const char *key, bool *out) {
	struct mp_in v;
	int rc = mp_find(message, bytes, key, &v);
	return rc < 0 ? rc : mp_get_bool(&v, out);
}
