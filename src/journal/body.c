/*
 * body.c - see body.h.  One row per key: its type, where it stands in the struct, and its bounds.
 *
 * A body is a map with the keys of its table in the order of its table.  Building writes all of
 * them; parsing walks the map once, stores what the table knows and steps over the rest.
 */
#include "journal/body.h"

#include <errno.h>
#include "base/msgpack.h"

enum type { TEXT, BYTES, UINT, INT, PPM, HASH, WHAT, FACTS, SEQS };

struct field {
	const char *key;
	enum type type;
	size_t at;
	uint32_t least, most; /* bytes of a TEXT or BYTES; words of a WHAT */
};

#define ROW(kind, key, type, least, most)                                                          \
	{ #key, type, offsetof(struct body_##kind, key), least, most }
/* A key whose member says its unit: p_ppm is written as "p". */
#define UNIT_ROW(kind, key, member, type)                                                          \
	{ key, type, offsetof(struct body_##kind, member), 0, 0 }

static const struct field epoch_fields[] = {
	ROW(epoch, epoch, UINT, 0, 0),
	ROW(epoch, plan_hash, HASH, 0, 0),
};

static const struct field turn_fields[] = {
	ROW(turn, request, TEXT, 0, BODY_REQUEST_MAX),
	ROW(turn, speaker, TEXT, 0, BODY_NAME_MAX),
	ROW(turn, model, TEXT, 0, BODY_NAME_MAX),
	ROW(turn, user, TEXT, 0, BODY_UTTERANCE_MAX),
	ROW(turn, answer, TEXT, 0, BODY_UTTERANCE_MAX),
	ROW(turn, view_hash, HASH, 0, 0),
	UNIT_ROW(turn, "trust", trust_ppm, PPM),
	ROW(turn, facts, FACTS, 0, 0),
	ROW(turn, symbols, TEXT, 0, BODY_SYMBOLS_MAX),
	ROW(turn, session, TEXT, 0, BODY_KEY_MAX),
	ROW(turn, said_ms, UINT, 0, 0),
};

static const struct field set_fields[] = {
	ROW(set, field, TEXT, 1, BODY_NAME_MAX),
	ROW(set, value, TEXT, 0, BODY_VALUE_MAX),
	ROW(set, request, TEXT, 0, BODY_REQUEST_MAX),
};

static const struct field model_fields[] = {
	ROW(model, name, TEXT, 1, BODY_NAME_MAX),
	ROW(model, what, WHAT, BODY_LOADED, BODY_ACTIVE),
};

static const struct field evidence_fields[] = {
	ROW(evidence, subject, TEXT, 1, BODY_NAME_MAX),
	ROW(evidence, role, TEXT, 0, BODY_NAME_MAX),
	ROW(evidence, dim, TEXT, 0, BODY_NAME_MAX),
	UNIT_ROW(evidence, "p", p_ppm, UINT),
	UNIT_ROW(evidence, "n", n_ppm, UINT),
	ROW(evidence, half_life_ms, UINT, 0, 0),
};

static const struct field command_fields[] = {
	ROW(command, id, UINT, 0, 0),
	ROW(command, verb, TEXT, 1, BODY_NAME_MAX),
	ROW(command, number, INT, 0, 0),
	ROW(command, source, TEXT, 0, BODY_NAME_MAX),
	UNIT_ROW(command, "trust", trust_ppm, PPM),
	ROW(command, request, TEXT, 0, BODY_REQUEST_MAX),
	ROW(command, symbols, TEXT, 0, BODY_ASKED_MAX),
};

static const struct field outcome_fields[] = {
	ROW(outcome, id, UINT, 0, 0),
	ROW(outcome, what, TEXT, 1, BODY_NAME_MAX),
	ROW(outcome, reason, TEXT, 0, BODY_VALUE_MAX),
};

static const struct field refusal_fields[] = {
	ROW(refusal, reason, TEXT, 1, BODY_NAME_MAX),
	ROW(refusal, detail, TEXT, 0, BODY_VALUE_MAX),
	ROW(refusal, request, TEXT, 0, BODY_REQUEST_MAX),
	ROW(refusal, source, TEXT, 0, BODY_NAME_MAX),
	ROW(refusal, symbols, TEXT, 0, BODY_ASKED_MAX),
};

static const struct field erase_fields[] = {
	ROW(erase, seq, UINT, 0, 0),
	ROW(erase, reason, TEXT, 0, BODY_VALUE_MAX),
};

static const struct field fact_fields[] = {
	ROW(fact, request, TEXT, 0, BODY_REQUEST_MAX),
	ROW(fact, key, TEXT, 1, BODY_KEY_MAX),
	ROW(fact, value, TEXT, 0, BODY_VALUE_MAX),
	ROW(fact, source, TEXT, 0, BODY_NAME_MAX),
	ROW(fact, via, TEXT, 0, BODY_NAME_MAX),
	UNIT_ROW(fact, "trust", trust_ppm, PPM),
	UNIT_ROW(fact, "confidence", confidence_ppm, PPM),
	ROW(fact, seen_ms, UINT, 0, 0),
	ROW(fact, from, SEQS, 0, 0),
	ROW(fact, held_at, UINT, 0, 0),
};

static const struct field goal_fields[] = {
	ROW(goal, request, TEXT, 0, BODY_REQUEST_MAX),
	ROW(goal, id, TEXT, 1, BODY_KEY_MAX),
	ROW(goal, text, TEXT, 0, BODY_VALUE_MAX),
	ROW(goal, what, WHAT, BODY_OPEN, BODY_DROPPED),
	UNIT_ROW(goal, "weight", weight_ppm, PPM),
	ROW(goal, due_ms, UINT, 0, 0),
};

static const struct field symbol_fields[] = {
	ROW(symbol, text, TEXT, 1, BODY_SYMBOLS_MAX),
	ROW(symbol, source, TEXT, 0, BODY_NAME_MAX),
	UNIT_ROW(symbol, "trust", trust_ppm, PPM),
};

static const struct field dictionary_fields[] = {
	ROW(dictionary, table, TEXT, 1, BODY_NAME_MAX),
	ROW(dictionary, what, WHAT, BODY_ADOPTED, BODY_REMOVED),
	ROW(dictionary, form, TEXT, 0, BODY_KEY_MAX),
	ROW(dictionary, gloss, TEXT, 0, BODY_KEY_MAX),
	ROW(dictionary, version, UINT, 0, 0),
	ROW(dictionary, hash, HASH, 0, 0),
};

static const struct field plan_fields[] = {
	ROW(plan, hash, HASH, 0, 0),
	ROW(plan, part, UINT, 0, 0),
	ROW(plan, parts, UINT, 0, 0),
	ROW(plan, data, BYTES, 1, BODY_PART_MAX),
};

static const struct field sample_fields[] = {
	ROW(sample, field, TEXT, 1, BODY_NAME_MAX),
	ROW(sample, version, UINT, 0, 0),
	ROW(sample, epoch, UINT, 0, 0),
	ROW(sample, seen_ms, UINT, 0, 0),
	ROW(sample, status, TEXT, 0, BODY_NAME_MAX),
	UNIT_ROW(sample, "trust", trust_ppm, PPM),
	ROW(sample, bytes, UINT, 0, 0),
	ROW(sample, hash, HASH, 0, 0),
	ROW(sample, data, BYTES, 0, BODY_SAMPLE_MAX),
};

static const struct field gap_fields[] = {
	ROW(gap, what, TEXT, 1, BODY_NAME_MAX),
	ROW(gap, count, UINT, 0, 0),
	ROW(gap, reason, TEXT, 0, BODY_VALUE_MAX),
};

static const struct field snapshot_fields[] = {
	ROW(snapshot, upto, UINT, 0, 0),
	ROW(snapshot, state, HASH, 0, 0),
	ROW(snapshot, image, HASH, 0, 0),
	ROW(snapshot, bytes, UINT, 0, 0),
};

static const struct field compact_fields[] = {
	ROW(compact, upto, UINT, 0, 0),
	ROW(compact, removed, UINT, 0, 0),
	ROW(compact, kept, UINT, 0, 0),
	ROW(compact, digest, HASH, 0, 0),
	ROW(compact, requests, HASH, 0, 0),
	ROW(compact, kinds, TEXT, 0, BODY_VALUE_MAX),
};

static const char *const whats[BODY_WHAT_COUNT] = { "", "loaded", "unloaded", "active", "open", "done", "dropped",
	"adopted", "added", "changed", "removed" };

const char *body_what_name(unsigned what) {
	return what > 0 && what < BODY_WHAT_COUNT ? whats[what] : "?";
}

void body_fold_key(char *key) {
	size_t skip = strspn(key, " "), n = strlen(key + skip);
	while (n > 0 && key[skip + n - 1] == ' ')
		n--;
	memmove(key, key + skip, n);
	key[n] = 0;
	for (char *k = key; *k; k++)
		*k = (char)(*k >= 'A' && *k <= 'Z' ? *k + ('a' - 'A') : *k);
}

uint32_t body_ppm(double fraction) {
	if (!(fraction > 0))
		return 0;
	return fraction >= 1 ? BODY_PPM : (uint32_t)(fraction * BODY_PPM + 0.5);
}

/* ---- building ---- */

static bool has_zero_byte(struct body_text t) {
	return t.bytes && memchr(t.at, 0, t.bytes);
}

static int put_text(struct mp_out *o, struct body_text t, uint32_t least, uint32_t most) {
	if (t.bytes > most)
		return -E2BIG;
	if (t.bytes < least || has_zero_byte(t))
		return -EINVAL;
	mp_strn(o, t.at, t.bytes);
	return 0;
}

static int put_bytes(struct mp_out *o, struct body_text t, uint32_t least, uint32_t most) {
	if (t.bytes > most)
		return -E2BIG;
	if (t.bytes < least)
		return -EINVAL;
	mp_bin(o, t.at, t.bytes);
	return 0;
}

static int put_seqs(struct mp_out *o, const struct body_seqs *seqs) {
	if (seqs->count > BODY_SOURCES_MAX)
		return -E2BIG;
	mp_array(o, seqs->count);
	for (uint32_t i = 0; i < seqs->count; i++)
		mp_uint(o, seqs->at[i]);
	return 0;
}

static int put_what(struct mp_out *o, uint64_t what, uint32_t least, uint32_t most) {
	if (what < least || what > most)
		return -EINVAL;
	mp_str(o, whats[what]);
	return 0;
}

static int put_facts(struct mp_out *o, const struct body_turn *turn) {
	if (turn->fact_count > BODY_FACTS_MAX)
		return -E2BIG;
	mp_array(o, turn->fact_count);
	for (uint32_t i = 0; i < turn->fact_count; i++) {
		const struct body_said *f = &turn->facts[i];
		mp_map(o, 3);
		mp_str(o, "key");
		int rc = put_text(o, f->key, 1, BODY_KEY_MAX);
		mp_str(o, "value");
		if (rc == 0)
			rc = put_text(o, f->value, 0, BODY_VALUE_MAX);
		if (rc < 0)
			return rc;
		mp_kv_uint(o, "trust", f->trust_ppm < BODY_PPM ? f->trust_ppm : BODY_PPM);
	}
	return 0;
}

static int put(struct mp_out *o, const struct field *f, const void *body) {
	const void *at = (const char *)body + f->at;
	mp_str(o, f->key);
	switch (f->type) {
	case TEXT:
		return put_text(o, *(const struct body_text *)at, f->least, f->most);
	case UINT:
		mp_uint(o, *(const uint64_t *)at);
		return 0;
	case INT:
		mp_int(o, *(const int64_t *)at);
		return 0;
	case PPM:
		mp_uint(o, *(const uint32_t *)at < BODY_PPM ? *(const uint32_t *)at : BODY_PPM);
		return 0;
	case HASH:
		mp_bin(o, at, HASH_BYTES);
		return 0;
	case BYTES:
		return put_bytes(o, *(const struct body_text *)at, f->least, f->most);
	case WHAT:
		return put_what(o, *(const uint64_t *)at, f->least, f->most);
	case FACTS:
		return put_facts(o, body); /* only a turn has them */
	case SEQS:
		return put_seqs(o, at);
	}
	return -EINVAL;
}

static int build(const struct field *fields, size_t count, const void *body, void *out,
		size_t capacity) {
	struct mp_out o;
	mp_begin(&o, out, capacity < JOURNAL_BODY_MAX ? capacity : JOURNAL_BODY_MAX);
	mp_map(&o, (uint32_t)count);
	for (size_t i = 0; i < count; i++) {
		int rc = put(&o, &fields[i], body);
		if (rc < 0)
			return rc;
	}
	return mp_done(&o);
}

/* ---- parsing ---- */

static int get_text(struct mp_in *in, uint32_t least, uint32_t most, struct body_text *t) {
	if (mp_get_str(in, &t->at, &t->bytes) < 0)
		return -EPROTO;
	return t->bytes < least || t->bytes > most || has_zero_byte(*t) ? -EPROTO : 0;
}

static int get_ppm(struct mp_in *in, uint32_t *ppm) {
	uint64_t v;
	if (mp_get_uint(in, &v) < 0 || v > BODY_PPM)
		return -EPROTO;
	*ppm = (uint32_t)v;
	return 0;
}

static int get_hash(struct mp_in *in, struct hash *h) {
	const void *data;
	size_t bytes;
	if (mp_get_bin(in, &data, &bytes) < 0 || bytes != HASH_BYTES)
		return -EPROTO;
	memcpy(h->bytes, data, HASH_BYTES);
	return 0;
}

static int get_bytes(struct mp_in *in, uint32_t least, uint32_t most, struct body_text *t) {
	const void *data;
	if (mp_get_bin(in, &data, &t->bytes) < 0)
		return -EPROTO;
	t->at = data;
	return t->bytes < least || t->bytes > most ? -EPROTO : 0;
}

static int get_seqs(struct mp_in *in, struct body_seqs *seqs) {
	if (mp_get_array(in, &seqs->count) < 0 || seqs->count > BODY_SOURCES_MAX)
		return -EPROTO;
	for (uint32_t i = 0; i < seqs->count; i++)
		if (mp_get_uint(in, &seqs->at[i]) < 0)
			return -EPROTO;
	return 0;
}

static int get_what(struct mp_in *in, uint32_t least, uint32_t most, uint64_t *what) {
	struct body_text t;
	if (get_text(in, 1, BODY_NAME_MAX, &t) < 0)
		return -EPROTO;
	for (*what = least; *what <= most; ++*what)
		if (strlen(whats[*what]) == t.bytes && memcmp(whats[*what], t.at, t.bytes) == 0)
			return 0;
	return -EPROTO;
}

static bool is(const char *key, size_t bytes, const char *want) {
	return strlen(want) == bytes && memcmp(key, want, bytes) == 0;
}

static int get_said(struct mp_in *in, struct body_said *f) {
	uint32_t pairs;
	if (mp_get_map(in, &pairs) < 0)
		return -EPROTO;
	*f = (struct body_said){ .trust_ppm = 0 };
	while (pairs-- > 0) {
		const char *key;
		size_t bytes;
		int rc;
		if (mp_get_str(in, &key, &bytes) < 0)
			return -EPROTO;
		if (is(key, bytes, "key"))
			rc = get_text(in, 1, BODY_KEY_MAX, &f->key);
		else if (is(key, bytes, "value"))
			rc = get_text(in, 0, BODY_VALUE_MAX, &f->value);
		else if (is(key, bytes, "trust"))
			rc = get_ppm(in, &f->trust_ppm);
		else
			rc = mp_skip(in);
		if (rc < 0)
			return -EPROTO;
	}
	return f->key.bytes ? 0 : -EPROTO;
}

static int get_facts(struct mp_in *in, struct body_turn *turn) {
	uint32_t count;
	if (mp_get_array(in, &count) < 0 || count > BODY_FACTS_MAX)
		return -EPROTO;
	for (uint32_t i = 0; i < count; i++)
		if (get_said(in, &turn->facts[i]) < 0)
			return -EPROTO;
	turn->fact_count = count;
	return 0;
}

static int get(struct mp_in *in, const struct field *f, void *body) {
	void *at = (char *)body + f->at;
	switch (f->type) {
	case TEXT:
		return get_text(in, f->least, f->most, at);
	case UINT:
		return mp_get_uint(in, at);
	case INT:
		return mp_get_int(in, at);
	case PPM:
		return get_ppm(in, at);
	case HASH:
		return get_hash(in, at);
	case BYTES:
		return get_bytes(in, f->least, f->most, at);
	case WHAT:
		return get_what(in, f->least, f->most, at);
	case FACTS:
		return get_facts(in, body);
	case SEQS:
		return get_seqs(in, at);
	}
	return -EPROTO;
}

static const struct field *find(
		const struct field *fields, size_t count, const char *key, size_t bytes) {
	for (size_t i = 0; i < count; i++)
		if (is(key, bytes, fields[i].key))
			return &fields[i];
	return NULL;
}

/* What must be there: texts that may not be empty, and what was done. */
static int complete(const struct field *fields, size_t count, const void *body) {
	for (size_t i = 0; i < count; i++) {
		const void *at = (const char *)body + fields[i].at;
		bool text = fields[i].type == TEXT || fields[i].type == BYTES;
		if (text && ((const struct body_text *)at)->bytes < fields[i].least)
			return -EPROTO;
		if (fields[i].type == WHAT && *(const uint64_t *)at == 0)
			return -EPROTO;
	}
	return 0;
}

static int parse(const struct field *fields, size_t count, const void *bytes, size_t length,
		void *body) {
	struct mp_in in;
	uint32_t pairs;
	mp_open(&in, bytes, length);
	if (mp_get_map(&in, &pairs) < 0)
		return -EPROTO;
	while (pairs-- > 0) {
		const char *key;
		size_t key_bytes;
		if (mp_get_str(&in, &key, &key_bytes) < 0)
			return -EPROTO;
		const struct field *f = find(fields, count, key, key_bytes);
		int rc = f ? get(&in, f, body) : mp_skip(&in);
		if (rc < 0)
			return -EPROTO;
	}
	return in.at == in.end ? complete(fields, count, body) : -EPROTO;
}

#define JOURNAL_KIND(NAME, name, class, text)                                                      \
	int body_build_##name(const struct body_##name *b, void *out, size_t capacity) {           \
		return build(name##_fields, COUNT_OF(name##_fields), b, out, capacity);            \
	}                                                                                          \
	int body_parse_##name(const void *bytes, size_t count, struct body_##name *b) {            \
		memset(b, 0, sizeof(*b));                                                          \
		return parse(name##_fields, COUNT_OF(name##_fields), bytes, count, b);             \
	}
#include "journal/kind.def"
#undef JOURNAL_KIND

/* ---- requests ---- */

static bool may_have_request(unsigned kind) {
	static const struct {
		const struct field *fields;
		size_t count;
	} kinds[] = {
#define JOURNAL_KIND(NAME, name, class, text) [JOURNAL_##NAME] = { name##_fields, COUNT_OF(name##_fields) },
#include "journal/kind.def"
#undef JOURNAL_KIND
	};
	return kind >= COUNT_OF(kinds) || /* of a newer program */
	       find(kinds[kind].fields, kinds[kind].count, "request", 7);
}

int body_request(unsigned kind, const void *bytes, size_t count, struct body_text *request) {
	static const struct field only[] = { { "request", TEXT, 0, 0, BODY_REQUEST_MAX } };
	*request = (struct body_text){ NULL, 0 };
	return may_have_request(kind) ? parse(only, COUNT_OF(only), bytes, count, request) : 0;
}
