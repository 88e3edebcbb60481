/* request.c - see request.h. */
#include "runtime/request.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include "base/msgpack.h"
#include "base/utf8.h"
#include "schema/plan.h"

static const struct {
	const char *name;
	unsigned right, keys;
} ops[] = {
#define REQUEST(name, right, keys) { #name, right, keys },
#include "runtime/request.def"
#undef REQUEST
};

const char *request_op_name(enum request_op op) {
	return (unsigned)op < REQUEST_OP_COUNT ? ops[op].name : "?";
}

unsigned request_op_right(enum request_op op) {
	return (unsigned)op < REQUEST_OP_COUNT ? ops[op].right : 0;
}

struct source {
	const void *message;
	size_t bytes;
	struct request *out;
	int rc; /* first thing that was wrong with a key that is there */
	const char *wrong; /* that key */
};

static void note(struct source *s, enum request_key key, const char *name, int rc) {
	if (rc == 0)
		s->out->has |= key;
	if (rc == 0 || rc == -ENOENT || s->rc < 0)
		return;
	s->rc = rc;
	s->wrong = name;
}

static void take_text(struct source *s, enum request_key key, const char *name, char *out, size_t capacity) {
	int rc = mp_find_str(s->message, s->bytes, name, out, capacity);
	if (rc == 0 && !utf8_valid(out, strlen(out)))
		rc = -EILSEQ;
	if (rc < 0)
		out[0] = 0;
	note(s, key, name, rc);
}

/*
 * What is said is looked at for stop words whatever else is wrong with it: so what comes behind a zero byte stays in
 * `text`, and the request is refused all the same.
 */
static void take_said(struct source *s) {
	struct request *r = s->out;
	struct mp_in in;
	const char *text;
	size_t n;
	take_text(s, REQUEST_TEXT, "text", r->text, sizeof(r->text));
	if (r->has & REQUEST_TEXT || mp_find(s->message, s->bytes, "text", &in) < 0 || mp_get_str(&in, &text, &n) < 0 ||
			n >= sizeof(r->text))
		return;
	for (size_t i = 0; i < n; i++)
		r->text[i] = text[i] ? text[i] : ' ';
	r->text[n] = 0;
	if (!utf8_valid(r->text, n))
		r->text[0] = 0;
}

static void take_fraction(struct source *s, const char *name, double *out) {
	int rc = mp_find_f64(s->message, s->bytes, name, out);
	note(s, 0, name, rc == 0 && !(*out >= 0 && *out <= 1) ? -EINVAL : rc);
}

static void take_number(struct source *s, enum request_key key, const char *name, uint64_t *out) {
	note(s, key, name, mp_find_uint(s->message, s->bytes, name, out));
}

/* Records by their numbers; the first is 1. */
static void take_seqs(struct source *s, const char *name, struct body_seqs *out) {
	struct mp_in in;
	int rc = mp_find(s->message, s->bytes, name, &in);
	if (rc == 0)
		rc = mp_get_array(&in, &out->count);
	if (rc == 0 && out->count > COUNT_OF(out->at))
		rc = -E2BIG;
	for (uint32_t i = 0; rc == 0 && i < out->count; i++)
		rc = mp_get_uint(&in, &out->at[i]) < 0 ? -EPROTO : out->at[i] ? 0 : -EINVAL;
	out->count = rc == 0 ? out->count : 0;
	note(s, 0, name, rc);
}

static bool is_blank(const char *text) {
	return text[strspn(text, " \t\r\n")] == 0;
}

static int get_key(struct mp_in *in, char out[BODY_KEY_MAX + 1]) {
	const char *text;
	size_t n;
	int rc = mp_get_str(in, &text, &n);
	if (rc < 0 || n > BODY_KEY_MAX)
		return rc < 0 ? rc : -E2BIG;
	memcpy(out, text, n);
	out[n] = 0;
	body_fold_key(out);
	return memchr(text, 0, n) || !utf8_valid(text, n) ? -EILSEQ : is_blank(out) ? -EINVAL : 0;
}

static void take_key_list(struct source *s, struct request *r) {
	struct mp_in in;
	uint32_t count = 0;
	int rc = mp_find(s->message, s->bytes, "keys", &in);
	if (rc == 0)
		rc = mp_get_array(&in, &count);
	if (rc == 0 && (count == 0 || count > REQUEST_KEYS_MAX))
		rc = count ? -E2BIG : -EINVAL;
	for (uint32_t i = 0; rc == 0 && i < count; i++)
		rc = get_key(&in, r->keys[i]);
	r->key_count = rc == 0 ? count : 0;
	note(s, REQUEST_KEYS, "keys", rc);
}

/* What is remembered, and how it is read. */
static void take_memory(struct source *s) {
	struct request *r = s->out;
	r->confidence = r->weight = 1.0;
	r->max_age_ms = UINT64_MAX;
	take_text(s, REQUEST_KEY, "key", r->key, sizeof(r->key));
	body_fold_key(r->key);
	take_text(s, 0, "session", r->session, sizeof(r->session));
	take_text(s, 0, "what", r->what, sizeof(r->what));
	take_fraction(s, "confidence", &r->confidence);
	take_fraction(s, "weight", &r->weight);
	take_fraction(s, "min_trust", &r->min_trust);
	take_number(s, REQUEST_SEQ, "seq", &r->seq);
	take_number(s, 0, "after", &r->after);
	take_number(s, 0, "level", &r->level);
	take_number(s, 0, "seen_ms", &r->seen_ms);
	take_number(s, 0, "due_ms", &r->due_ms);
	take_number(s, 0, "max_age_ms", &r->max_age_ms);
	take_seqs(s, "from", &r->from);
	take_key_list(s, r);
}

static int find_op(const char *name) {
	for (unsigned i = 0; i < REQUEST_OP_COUNT; i++)
		if (strcmp(ops[i].name, name) == 0)
			return (int)i;
	return -ENOTSUP;
}

static void take_keys(struct source *s) {
	struct request *r = s->out;
	uint64_t max = 0;
	take_said(s);
	take_text(s, REQUEST_SYMBOLS, "symbols", r->symbols, sizeof(r->symbols));
	take_text(s, REQUEST_FIELD, "field", r->field, sizeof(r->field));
	take_text(s, REQUEST_MODEL, "model", r->model, sizeof(r->model));
	take_text(s, REQUEST_AS, "as", r->as, sizeof(r->as));
	take_text(s, 0, "request", r->request, sizeof(r->request));
	note(s, REQUEST_VALUE, "value", mp_find_f64(s->message, s->bytes, "value", &r->value));
	take_number(s, REQUEST_TARGET, "target", &r->target);
	take_memory(s);
	note(s, 0, "blind", mp_find_bool(s->message, s->bytes, "blind", &r->blind));
	note(s, 0, "max", mp_find_uint(s->message, s->bytes, "max", &max));
	r->has_max = max > 0;
	r->max = max == 0 ? REQUEST_TOKENS_DEFAULT : max > REQUEST_TOKENS_MAX ? REQUEST_TOKENS_MAX : (unsigned)max;
}

/* Several keys do for one. */
static unsigned needed(const struct request *r) {
	return r->op == REQUEST_OP_read && r->has & REQUEST_KEYS ? 0 : ops[r->op].keys;
}

static const char *what_is_wrong(int rc) {
	return rc == -E2BIG ? "is too long" : rc == -EILSEQ ? "has a zero byte, or is not valid UTF-8"
		: "has a wrong type, or is out of its range";
}

int request_parse(const void *message, size_t bytes, struct request *out, const char **why) {
	char op[16];
	struct source s = { .message = message, .bytes = bytes, .out = out };
	struct mp_in whole;
	memset(out, 0, sizeof(*out));
	*why = "";
	mp_open(&whole, message, bytes);
	if (mp_peek(&whole) != MP_MAP || mp_skip(&whole) < 0 || whole.at != whole.end)
		return -EPROTO;
	if (mp_find_uint(message, bytes, "id", &out->id) < 0 || mp_find_str(message, bytes, "op", op, sizeof(op)) < 0) {
		*why = "a request needs `op`, a word, and `id`, an unsigned number";
		return -EINVAL;
	}
	int found = find_op(op);
	*why = "there is no such op";
	if (found < 0)
		return found;
	out->op = (enum request_op)found;
	take_keys(&s);
	if (s.rc < 0 || !isfinite(out->value)) {
		snprintf(out->wrong, sizeof(out->wrong), "`%s` %s", s.rc < 0 ? s.wrong : "value", what_is_wrong(s.rc));
		*why = out->wrong;
		return -EINVAL;
	}
	*why = "a key that this op needs is missing";
	if ((out->has & needed(out)) != needed(out))
		return -EINVAL;
	*why = "there is nothing in it but blanks";
	bool text = needed(out) & REQUEST_TEXT, key = needed(out) & REQUEST_KEY;
	if ((text && is_blank(out->text)) || (key && is_blank(out->key)))
		return -EINVAL;
	*why = "";
	return 0;
}
