/* json.c - see json.h. */
#include "bin/cadmus/json.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/msgpack.h"
#include "bin/cadmus/output.h"
#include "bin/cadmus/verb.h"

/* 15 digits: every decimal number of that length comes back as it was written. */
#define FORM (JSON_ENCODE_ANY | JSON_REAL_PRECISION(15))

/* Nothing comes of a text that is not UTF-8, and that is said: an empty line would be no JSON. */
static int print(json_t *j, size_t form) {
	char *text = j ? json_dumps(j, form | FORM) : NULL;
	json_decref(j);
	if (!text)
		return verb_failed(NULL, -EILSEQ, "there is a text in it that JSON cannot hold");
	printf("%s\n", text);
	free(text);
	return 0;
}

int json_print(json_t *j) {
	return print(j, JSON_INDENT(2));
}

int json_print_line(json_t *j) {
	if (print(j, JSON_COMPACT))
		return -EILSEQ;
	return output_flush();
}

json_t *json_text(const char *s) {
	json_t *j = json_string(s);
	return j ? j : json_string("?");
}

static void clean_text(json_t *j) {
	char *text = strdup(json_string_value(j));
	for (char *c = text; c && *c; c++)
		*c = *c == '\n' || *c == '\t' ? ' ' : *c;
	json_string_set(j, text ? output_clean(text, false) : "?");
	free(text);
}

void json_clean(json_t *j) {
	const char *key;
	json_t *v;
	size_t i;
	if (json_is_string(j))
		clean_text(j);
	json_object_foreach(j, key, v)
		json_clean(v);
	json_array_foreach(j, i, v)
		json_clean(v);
}

json_t *json_f32(float v) {
	char text[32];
	for (int digits = 6; digits <= 9; digits++) {
		snprintf(text, sizeof(text), "%.*g", digits, (double)v);
		if (strtof(text, NULL) == v)
			break;
	}
	return json_real(strtod(text, NULL));
}

static json_t *value(struct mp_in *i, unsigned depth);

static json_t *map(struct mp_in *i, unsigned depth) {
	uint32_t n;
	const char *k;
	size_t bytes;
	if (mp_get_map(i, &n) < 0)
		return NULL;
	json_t *o = json_object();
	for (uint32_t m = 0; m < n && !i->bad; m++) {
		if (mp_get_str(i, &k, &bytes) < 0)
			break;
		json_t *key = json_stringn(k, bytes), *v = value(i, depth + 1);
		if (key && v)
			json_object_set_new(o, json_string_value(key), v);
		json_decref(key);
	}
	return o;
}

static json_t *array(struct mp_in *i, unsigned depth) {
	uint32_t n;
	if (mp_get_array(i, &n) < 0)
		return NULL;
	json_t *a = json_array();
	for (uint32_t m = 0; m < n && !i->bad; m++) {
		json_t *v = value(i, depth + 1);
		if (v)
			json_array_append_new(a, v);
	}
	return a;
}

static json_t *hex(struct mp_in *i) {
	static const char digits[] = "0123456789abcdef";
	char text[2 * 64 + 1];
	const void *data;
	size_t n;
	if (mp_get_bin(i, &data, &n) < 0)
		return NULL;
	size_t shown = n < 64 ? n : 64;
	for (size_t k = 0; k < shown; k++) {
		text[2 * k] = digits[((const uint8_t *)data)[k] >> 4];
		text[2 * k + 1] = digits[((const uint8_t *)data)[k] & 15];
	}
	return json_stringn(text, 2 * shown);
}

/* Depth is bounded, so recursion over input is. */
static json_t *value(struct mp_in *i, unsigned depth) {
	uint64_t u = 0;
	int64_t s = 0;
	double f = 0;
	bool b = false;
	const char *text;
	size_t n;
	if (depth > MP_DEPTH_MAX)
		return NULL;
	switch (mp_peek(i)) {
	case MP_BOOL: return mp_get_bool(i, &b) == 0 ? json_boolean(b) : NULL;
	case MP_UINT: return mp_get_uint(i, &u) == 0 ? json_integer((json_int_t)u) : NULL;
	case MP_INT: return mp_get_int(i, &s) == 0 ? json_integer(s) : NULL;
	case MP_F64: return mp_get_f64(i, &f) == 0 ? json_real(f) : NULL;
	case MP_STR: return mp_get_str(i, &text, &n) == 0 ? json_stringn(text, n) : NULL;
	case MP_BIN: return hex(i);
	case MP_ARRAY: return array(i, depth);
	case MP_MAP: return map(i, depth);
	default: return mp_skip(i) == 0 ? json_null() : NULL;
	}
}

json_t *json_from_msgpack(const void *bytes, size_t count) {
	struct mp_in i;
	mp_open(&i, bytes, count);
	return value(&i, 0);
}

double json_element(enum cdm_dtype t, const void *data, size_t index) {
	const uint8_t *at = (const uint8_t *)data + index * cdm_dtype_size(t);
	union {
		uint8_t u8; int8_t i8; uint16_t u16; int16_t i16; uint32_t u32; int32_t i32;
		uint64_t u64; int64_t i64; float f32; double f64;
	} v;
	memcpy(&v, at, cdm_dtype_size(t));
	switch (t) {
	case CDM_I8: return v.i8;
	case CDM_U16: return v.u16;
	case CDM_I16: return v.i16;
	case CDM_U32: return v.u32;
	case CDM_I32: return v.i32;
	case CDM_U64: return (double)v.u64;
	case CDM_I64: return (double)v.i64;
	case CDM_F32: return (double)v.f32;
	case CDM_F64: return v.f64;
	default: return v.u8;
	}
}

static json_t *number(enum cdm_dtype t, const void *data, size_t index) {
	double v = json_element(t, data, index);
	if (t == CDM_F32)
		return json_f32((float)v);
	return t == CDM_F64 ? json_real(v) : json_integer((json_int_t)v);
}

json_t *json_of_sample(enum cdm_dtype t, const void *data, size_t bytes, size_t max) {
	size_t size = cdm_dtype_size(t), n = size ? bytes / size : 0;
	if (n == 1)
		return number(t, data, 0);
	if (n > max || t == CDM_BYTES || t == CDM_F16 || t == CDM_BF16)
		return json_pack("{s:I}", "bytes", (json_int_t)bytes);
	json_t *a = json_array();
	for (size_t i = 0; i < n; i++)
		json_array_append_new(a, number(t, data, i));
	return a;
}
