/*
 * msgpack.h - MessagePack in fixed buffers: no allocation on either side.
 *
 * Writer: append values; an overflow is remembered and reported once, by mp_done().  Integers
 * and lengths always take their shortest form, so equal values have equal bytes (hashes rely on
 * it); maps keep the order in which the caller wrote them.
 *
 * Reader: a cursor over bytes that a hostile peer may have written.  Strings are borrowed from
 * the input.  The first thing that does not fit makes the cursor bad for good and every later
 * call return -EPROTO, so callers may check once at the end.
 */
#ifndef BASE_MSGPACK_H
#define BASE_MSGPACK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "base/check.h"

#define MP_DEPTH_MAX 16

struct mp_out {
	uint8_t *bytes;
	size_t capacity, length;
	bool overflow;
};

void mp_begin(struct mp_out *o, void *buffer, size_t capacity);
/* Bytes written, or -E2BIG when they did not fit. */
MUST_CHECK int mp_done(const struct mp_out *o);

void mp_nil(struct mp_out *o);
void mp_bool(struct mp_out *o, bool v);
void mp_uint(struct mp_out *o, uint64_t v);
void mp_int(struct mp_out *o, int64_t v);
void mp_f64(struct mp_out *o, double v);
void mp_str(struct mp_out *o, const char *s); /* zero terminated */
void mp_strn(struct mp_out *o, const char *s, size_t bytes);
void mp_bin(struct mp_out *o, const void *data, size_t bytes);
void mp_array(struct mp_out *o, uint32_t count);
void mp_map(struct mp_out *o, uint32_t pairs);
/* Raw, already encoded bytes: one value of its own. */
void mp_raw(struct mp_out *o, const void *data, size_t bytes);

/* A key and its value, as most messages want them. */
void mp_kv_str(struct mp_out *o, const char *key, const char *value);
void mp_kv_uint(struct mp_out *o, const char *key, uint64_t value);
void mp_kv_int(struct mp_out *o, const char *key, int64_t value);
void mp_kv_f64(struct mp_out *o, const char *key, double value);
void mp_kv_bool(struct mp_out *o, const char *key, bool value);

enum mp_type { MP_NIL, MP_BOOL, MP_UINT, MP_INT, MP_F64, MP_STR, MP_BIN, MP_ARRAY, MP_MAP, MP_EXT, MP_BAD };

struct mp_in {
	const uint8_t *at, *end;
	bool bad;
};

void mp_open(struct mp_in *i, const void *data, size_t bytes);
/* Type of the next value; MP_INT only for negative numbers; MP_BAD at the end. */
enum mp_type mp_peek(const struct mp_in *i);
MUST_CHECK int mp_get_bool(struct mp_in *i, bool *v);
MUST_CHECK int mp_get_uint(struct mp_in *i, uint64_t *v); /* -EPROTO for negative ones */
MUST_CHECK int mp_get_int(struct mp_in *i, int64_t *v);   /* -EPROTO if it does not fit */
MUST_CHECK int mp_get_f64(struct mp_in *i, double *v);    /* integers are converted */
MUST_CHECK int mp_get_str(struct mp_in *i, const char **s, size_t *bytes);
MUST_CHECK int mp_get_bin(struct mp_in *i, const void **data, size_t *bytes);
MUST_CHECK int mp_get_array(struct mp_in *i, uint32_t *count);
MUST_CHECK int mp_get_map(struct mp_in *i, uint32_t *pairs);
/* Step over one value, nested ones included; -EPROTO deeper than MP_DEPTH_MAX. */
MUST_CHECK int mp_skip(struct mp_in *i);

/*
 * Look a string key up in a message that is one map, and leave `value` before its value.
 * -ENOENT: no such key.  -EPROTO: not a map, or broken.  First match wins.
 */
MUST_CHECK int mp_find(const void *message, size_t bytes, const char *key, struct mp_in *value);
/*
 * The same with the value taken: copied and zero terminated, or a number.  -E2BIG: too long.  -EILSEQ: there is a zero
 * byte in it, which would end it early.
 */
MUST_CHECK int mp_find_str(const void *message, size_t bytes, const char *key, char *out, size_t capacity);
MUST_CHECK int mp_find_uint(const void *message, size_t bytes, const char *key, uint64_t *out);
MUST_CHECK int mp_find_int(const void *message, size_t bytes, const char *key, int64_t *out);
MUST_CHECK int mp_find_f64(const void *message, size_t bytes, const char *key, double *out);
MUST_CHECK int mp_find_bool(const void *message, size_t bytes, const char *key, bool *out);

#endif
