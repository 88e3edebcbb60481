/* wire.c - see wire.h.  One table of keys and one of messages; a codec per type. */
#include "model/wire.h"

#include <errno.h>
#include <math.h>
#include <string.h>
#include "base/err.h"
#include "base/msgpack.h"
#include "base/utf8.h"

enum type { U64, U32, I64, F64, TEXT, TEXTS, CODE, FINISH, FLOATS };

static const struct key {
	const char *name;
	enum type type;
	size_t offset;
} keys[] = {
#define WIRE_KEY(key, text, type, member) { text, type, offsetof(struct wire_message, member) },
#include "model/wire.def"
#undef WIRE_KEY
};

#define K(key) (UINT64_C(1) << WIRE_KEY_##key)

static const struct kind {
	const char *name;
	uint64_t keys;
} kinds[] = {
#define WIRE(kind, text, set) { text, set },
#include "model/wire.def"
#undef WIRE
};

_Static_assert(WIRE_KEY_COUNT <= 64, "a set of keys is one word");

static const char *const finishes[] = {
	[CDM_FINISH_END] = "end", [CDM_FINISH_STOP] = "stop", [CDM_FINISH_LENGTH] = "length",
	[CDM_FINISH_CONTEXT] = "context", [CDM_FINISH_CANCELLED] = "cancelled",
};

/* The only codes that may be named: those of our list. */
static const int codes[] = {
#define ERR(e, text) -e,
#include "base/err.def"
#undef ERR
};

const char *wire_finish_text(unsigned finish) {
	return finish < COUNT_OF(finishes) ? finishes[finish] : "?";
}

struct wire_text wire_text_of(const char *s) {
	return (struct wire_text){ s, strlen(s) };
}

void wire_text_copy(struct wire_text t, char *out, size_t capacity) {
	size_t n = utf8_cut(t.at, t.bytes, capacity - 1);
	if (n)
		memcpy(out, t.at, n);
	out[n] = 0;
}

float wire_float(const struct wire_floats *f, uint32_t i) {
	const uint8_t *b = f->at + 4 * (size_t)i;
	uint32_t bits = b[0] | (uint32_t)b[1] << 8 | (uint32_t)b[2] << 16 | (uint32_t)b[3] << 24;
	float v;
	memcpy(&v, &bits, sizeof(v));
	return v;
}

void wire_put_float(float v, uint8_t out[4]) {
	uint32_t bits;
	memcpy(&bits, &v, sizeof(bits));
	for (unsigned i = 0; i < 4; i++)
		out[i] = (uint8_t)(bits >> 8 * i);
}

/* ---- writing ---- */

static void put_texts(struct mp_out *o, const struct wire_texts *t) {
	uint32_t count = t->count <= CDM_STOPS_MAX ? t->count : CDM_STOPS_MAX;
	mp_array(o, count);
	for (uint32_t i = 0; i < count; i++)
		mp_strn(o, t->at[i].at, t->at[i].bytes);
}

static void put_value(struct mp_out *o, enum type type, const void *at) {
	switch (type) {
	case U64: mp_uint(o, *(const uint64_t *)at); break;
	case U32: mp_uint(o, *(const uint32_t *)at); break;
	case I64: mp_int(o, *(const int64_t *)at); break;
	case F64: mp_f64(o, *(const double *)at); break;
	case TEXT:
		mp_strn(o, ((const struct wire_text *)at)->at,
				((const struct wire_text *)at)->bytes);
		break;
	case TEXTS: put_texts(o, at); break;
	case CODE: mp_str(o, err_name(*(const int *)at)); break;
	case FINISH: mp_str(o, wire_finish_text(*(const enum cdm_finish *)at)); break;
	case FLOATS:
		mp_bin(o, ((const struct wire_floats *)at)->at, 4 * (size_t)((const struct wire_floats *)at)->count);
		break;
	}
}

int wire_write(const struct wire_message *m, void *out, size_t capacity) {
	struct mp_out o;
	CHECK(m->kind < WIRE_KIND_COUNT);
	uint64_t set = kinds[m->kind].keys;
	mp_begin(&o, out, capacity);
	mp_map(&o, 1 + (uint32_t)__builtin_popcountll(set));
	mp_kv_str(&o, "m", kinds[m->kind].name);
	for (unsigned k = 0; k < WIRE_KEY_COUNT; k++) {
		if (!(set >> k & 1))
			continue;
		mp_str(&o, keys[k].name);
		put_value(&o, keys[k].type, (const char *)m + keys[k].offset);
	}
	return mp_done(&o);
}

/* ---- reading ---- */

static int get_text(struct mp_in *i, size_t most, struct wire_text *t) {
	int rc = mp_get_str(i, &t->at, &t->bytes);
	return rc < 0 ? rc : t->bytes <= most ? 0 : -EPROTO;
}

static int get_texts(struct mp_in *i, struct wire_texts *t) {
	uint32_t count;
	int rc = mp_get_array(i, &count);
	if (rc < 0 || count > CDM_STOPS_MAX)
		return -EPROTO;
	for (uint32_t k = 0; k < count; k++)
		if (get_text(i, WIRE_TEXT_MAX, &t->at[k]) < 0 || t->at[k].bytes == 0)
			return -EPROTO;
	t->count = count;
	return 0;
}

static bool text_is(struct wire_text t, const char *word) {
	return strlen(word) == t.bytes && memcmp(t.at, word, t.bytes) == 0;
}

static int get_code(struct mp_in *i, int *code) {
	struct wire_text t;
	if (get_text(i, WIRE_TEXT_MAX, &t) < 0)
		return -EPROTO;
	for (size_t k = 0; k < COUNT_OF(codes); k++)
		if (text_is(t, err_name(codes[k]))) {
			*code = codes[k];
			return 0;
		}
	return -EPROTO;
}

static int get_finish(struct mp_in *i, enum cdm_finish *finish) {
	struct wire_text t;
	if (get_text(i, WIRE_TEXT_MAX, &t) < 0)
		return -EPROTO;
	for (unsigned k = 0; k < COUNT_OF(finishes); k++)
		if (text_is(t, finishes[k])) {
			*finish = (enum cdm_finish)k;
			return 0;
		}
	return -EPROTO;
}

static int get_u32(struct mp_in *i, uint32_t *v) {
	uint64_t wide;
	if (mp_get_uint(i, &wide) < 0 || wide > UINT32_MAX)
		return -EPROTO;
	*v = (uint32_t)wide;
	return 0;
}

static int get_i64(struct mp_in *i, int64_t *v) {
	return mp_get_int(i, v) == 0 && *v >= 0 ? 0 : -EPROTO;
}

static int get_f64(struct mp_in *i, double *v) {
	return mp_get_f64(i, v) == 0 && isfinite(*v) && *v >= 0 ? 0 : -EPROTO;
}

static int get_floats(struct mp_in *i, struct wire_floats *f) {
	const void *at;
	size_t bytes;
	if (mp_get_bin(i, &at, &bytes) < 0 || bytes == 0 || bytes % 4 || bytes / 4 > CDM_EMBED_DIMS_MAX)
		return -EPROTO;
	*f = (struct wire_floats){ at, (uint32_t)(bytes / 4) };
	for (uint32_t k = 0; k < f->count; k++)
		if (!isfinite(wire_float(f, k)))
			return -EPROTO;
	return 0;
}

static int get_value(struct mp_in *i, unsigned key, struct wire_message *m) {
	void *at = (char *)m + keys[key].offset;
	switch (keys[key].type) {
	case U64: return mp_get_uint(i, at);
	case U32: return get_u32(i, at);
	case I64: return get_i64(i, at);
	case F64: return get_f64(i, at);
	case TEXT: return get_text(i, key == WIRE_KEY_PROMPT ? WIRE_PROMPT_MAX : WIRE_TEXT_MAX, at);
	case TEXTS: return get_texts(i, at);
	case CODE: return get_code(i, at);
	case FINISH: return get_finish(i, at);
	case FLOATS: return get_floats(i, at);
	}
	return -EPROTO;
}

static int read_kind(const void *message, size_t bytes, enum wire_kind *kind) {
	char word[24];
	if (mp_find_str(message, bytes, "m", word, sizeof(word)) < 0)
		return -EPROTO;
	for (unsigned k = 0; k < WIRE_KIND_COUNT; k++)
		if (strcmp(word, kinds[k].name) == 0) {
			*kind = (enum wire_kind)k;
			return 0;
		}
	return -EPROTO;
}

/* A key of the kind that was not there before; WIRE_KEY_COUNT for "m" itself. */
static int read_key(struct mp_in *i, uint64_t missing, unsigned *key) {
	struct wire_text t;
	if (get_text(i, WIRE_TEXT_MAX, &t) < 0)
		return -EPROTO;
	for (*key = 0; *key < WIRE_KEY_COUNT; (*key)++)
		if ((missing >> *key & 1) && text_is(t, keys[*key].name))
			return 0;
	return text_is(t, "m") ? 0 : -EPROTO;
}

int wire_read(const void *message, size_t bytes, struct wire_message *m) {
	struct mp_in i;
	uint32_t pairs;
	unsigned key;
	memset(m, 0, sizeof(*m));
	if (read_kind(message, bytes, &m->kind) < 0)
		return -EPROTO;
	uint64_t missing = kinds[m->kind].keys;
	mp_open(&i, message, bytes);
	if (mp_get_map(&i, &pairs) < 0 || pairs != 1 + (uint32_t)__builtin_popcountll(missing))
		return -EPROTO;
	for (uint32_t n = 0; n < pairs; n++) {
		if (read_key(&i, missing, &key) < 0)
			return -EPROTO;
		int rc = key == WIRE_KEY_COUNT ? mp_skip(&i) : get_value(&i, key, m);
		if (rc < 0)
			return -EPROTO;
		if (key < WIRE_KEY_COUNT)
			missing &= ~(UINT64_C(1) << key);
	}
	return missing == 0 && i.at == i.end && !i.bad ? 0 : -EPROTO;
}
