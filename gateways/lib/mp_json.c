/* mp_json.c - see mp_json.h. */
#include "gateways/lib/mp_json.h"

#include <math.h>
#include "base/msgpack.h"

static json_t *value(struct mp_in *i, unsigned depth);

static json_t *or_null(json_t *j) {
	return j ? j : json_null();
}

static json_t *map(struct mp_in *i, unsigned depth) {
	uint32_t pairs;
	const char *text;
	size_t bytes;
	if (mp_get_map(i, &pairs) < 0)
		return NULL;
	json_t *o = json_object();
	while (o && pairs--) {
		json_t *v = mp_get_str(i, &text, &bytes) == 0 ? value(i, depth + 1) : NULL;
		json_t *key = v ? json_stringn(text, bytes) : NULL; /* zero terminated, and UTF-8 */
		bool good = key && json_object_set(o, json_string_value(key), v) == 0;
		json_decref(key);
		json_decref(v);
		if (good)
			continue;
		json_decref(o);
		return NULL;
	}
	return o;
}

static json_t *array(struct mp_in *i, unsigned depth) {
	uint32_t count;
	if (mp_get_array(i, &count) < 0)
		return NULL;
	json_t *a = json_array();
	while (a && count--) {
		json_t *v = value(i, depth + 1);
		if (v && json_array_append_new(a, v) == 0)
			continue;
		json_decref(a);
		return NULL;
	}
	return a;
}

static json_t *string(struct mp_in *i) {
	const char *text;
	size_t bytes;
	return mp_get_str(i, &text, &bytes) < 0 ? NULL : or_null(json_stringn(text, bytes));
}

static json_t *boolean(struct mp_in *i) {
	bool v;
	return mp_get_bool(i, &v) < 0 ? NULL : json_boolean(v);
}

static json_t *number(struct mp_in *i, enum mp_type type) {
	uint64_t u;
	int64_t s;
	double f;
	if (type == MP_UINT)
		return mp_get_uint(i, &u) < 0 ? NULL : u > INT64_MAX ? json_null() : json_integer((json_int_t)u);
	if (type == MP_INT)
		return mp_get_int(i, &s) < 0 ? NULL : json_integer(s);
	return mp_get_f64(i, &f) < 0 ? NULL : isfinite(f) ? json_real(f) : json_null();
}

static json_t *value(struct mp_in *i, unsigned depth) {
	enum mp_type type = mp_peek(i);
	if (depth >= MP_DEPTH_MAX - 1 && (type == MP_ARRAY || type == MP_MAP))
		return NULL; /* no deeper than mp_skip() goes */
	switch (type) {
	case MP_BOOL: return boolean(i);
	case MP_UINT:
	case MP_INT:
	case MP_F64: return number(i, type);
	case MP_STR: return string(i);
	case MP_ARRAY: return array(i, depth);
	case MP_MAP: return map(i, depth);
	default: return mp_skip(i) == 0 ? json_null() : NULL;
	}
}

json_t *mp_json(const void *message, size_t bytes) {
	struct mp_in i;
	mp_open(&i, message, bytes);
	json_t *j = value(&i, 0);
	if (j && i.at == i.end && !i.bad)
		return j;
	json_decref(j);
	return NULL;
}
