/*
 * state.c - how each kind of record changes the state; see state.h.
 *
 * Everything a record says is bounded by body.c before it comes here, so texts fit where they are
 * copied, except those of a turn, which are cut between characters.
 */
#include "journal/state.h"

#include <errno.h>
#include <string.h>
#include "base/utf8.h"
#include "journal/table_priv.h"

/* ---- keys and tables ---- */

static int compare_facts(const void *key, const void *item) {
	const struct state_fact *a = key, *b = item;
	int c = strcmp(a->key, b->key);
	return c ? c : strcmp(a->principal, b->principal);
}

static int compare_evidence(const void *key, const void *item) {
	const struct state_evidence *a = key, *b = item;
	int c = strcmp(a->subject, b->subject);
	c = c ? c : strcmp(a->role, b->role);
	return c ? c : strcmp(a->dim, b->dim);
}

static int compare_settings(const void *key, const void *item) {
	const struct state_setting *a = key, *b = item;
	return strcmp(a->field, b->field);
}

static struct table facts_of(struct journal_state *s) {
	return (struct table){ s->fact_order, &s->fact_count, s->facts, sizeof(s->facts[0]),
		offsetof(struct state_fact, seq), STATE_FACTS_MAX, compare_facts };
}

static struct table evidence_of(struct journal_state *s) {
	return (struct table){ s->evidence_order, &s->evidence_count, s->evidence,
		sizeof(s->evidence[0]), offsetof(struct state_evidence, seq), STATE_EVIDENCE_MAX,
		compare_evidence };
}

static struct table settings_of(struct journal_state *s) {
	return (struct table){ s->setting_order, &s->setting_count, s->settings,
		sizeof(s->settings[0]), offsetof(struct state_setting, seq), STATE_SETTINGS_MAX,
		compare_settings };
}

static void *put(struct journal_state *s, struct table t, const void *key) {
	bool evicted;
	void *item = table_put(&t, key, &evicted);
	s->dropped += evicted;
	return item;
}

/* ---- texts ---- */

/* Copy and terminate; what does not fit is cut where a character ends.  Was it cut? */
static bool copy_text(char *out, size_t capacity, struct body_text t) {
	size_t n = utf8_cut(t.at, t.bytes, capacity - 1);
	if (n)
		memcpy(out, t.at, n);
	out[n] = 0;
	return n < t.bytes;
}

/* The same where the bound of the body says that it fits. */
#define COPY(member, text) CHECK(!copy_text(member, sizeof(member), text))
#define COPY_NAME(member, name) COPY(member, body_text(name))

/* A request as 32 bits: FNV-1a of principal and id. */
static uint32_t tag_of(const char *principal, const char *id) {
	uint32_t h = 2166136261u;
	for (const char *c = principal; *c; c++)
		h = (h ^ (uint8_t)*c) * 16777619u;
	h *= 16777619u;
	for (const char *c = id; *c; c++)
		h = (h ^ (uint8_t)*c) * 16777619u;
	return h;
}

/* ---- decay ---- */

/* 2^(-2^-k) in units of 2^-32, k = 1..16. */
static const uint32_t roots[16] = { 0xb504f333, 0xd744fcca, 0xeac0c6e7, 0xf5257d15, 0xfa83b2db,
	0xfd3e0c0c, 0xfe9e115c, 0xff4ecb59, 0xffa75652, 0xffd3a751, 0xffe9d2b2, 0xfff4e91b,
	0xfffa747e, 0xfffd3a3b, 0xfffe9d1c, 0xffff4e8e };

/* sum * 2^(-passed / half_life), in integers: whole halvings shift, the rest multiplies roots of 1/2. */
static uint64_t decay(uint64_t sum, uint64_t passed, uint64_t half_life) {
	if (half_life == 0)
		return sum;
	uint64_t halvings = passed / half_life, rest = passed % half_life;
	if (halvings > 63)
		return 0;
	for (; half_life >> 32; half_life >>= 1)
		rest >>= 1;
	uint64_t fraction = (rest << 32) / half_life;
	if (fraction > UINT32_MAX) /* the shifts have made them equal */
		fraction = UINT32_MAX;
	sum >>= halvings;
	for (unsigned k = 0; k < COUNT_OF(roots); k++)
		if (fraction >> (31 - k) & 1)
			sum = (sum >> 32) * roots[k] + ((sum & UINT32_MAX) * roots[k] >> 32);
	return sum;
}

static uint64_t add(uint64_t a, uint64_t b) {
	uint64_t sum;
	return __builtin_add_overflow(a, b, &sum) ? UINT64_MAX : sum;
}

/* ---- the kinds ---- */

static int fold_epoch(struct journal_state *s, const struct journal_record *r) {
	struct body_epoch b;
	if (body_parse_epoch(r->body, r->body_bytes, &b) < 0)
		return -EPROTO;
	s->plan_hash = b.plan_hash;
	return 0;
}

static void fold_fact(struct journal_state *s, const struct journal_record *r,
		const struct body_turn *turn, const struct body_fact *said) {
	struct state_fact key;
	struct table t = facts_of(s);
	COPY(key.key, said->key);
	COPY_NAME(key.principal, r->principal);
	if (said->value.bytes == 0) {
		table_remove(&t, &key);
		return;
	}
	struct state_fact *f = put(s, t, &key);
	COPY(f->key, said->key);
	COPY_NAME(f->principal, r->principal);
	COPY(f->value, said->value);
	if (turn->model.bytes)
		COPY(f->source, turn->model);
	else
		COPY_NAME(f->source, r->entity);
	f->visibility = r->visibility;
	f->trust_ppm = said->trust_ppm;
	f->seq = r->seq;
	f->wall = r->wall;
}

static void keep_turn(struct journal_state *s, const struct journal_record *r,
		const struct body_turn *b) {
	struct state_turn *t = &s->turns[s->turns_end++ % STATE_TURNS_MAX];
	t->seq = r->seq;
	t->wall = r->wall;
	COPY_NAME(t->principal, r->principal);
	COPY(t->speaker, b->speaker);
	COPY(t->model, b->model);
	bool cut = copy_text(t->user, sizeof(t->user), b->user);
	t->cut = copy_text(t->answer, sizeof(t->answer), b->answer) || cut;
	COPY(t->symbols, b->symbols);
	t->visibility = r->visibility;
	t->trust_ppm = b->trust_ppm;
	t->view_hash = b->view_hash;
}

static void keep_request(struct journal_state *s, const struct journal_record *r,
		const struct body_turn *b) {
	unsigned at = s->requests_end++ % STATE_REQUESTS_MAX;
	struct state_request *q = &s->requests[at];
	COPY(q->id, b->request);
	COPY_NAME(q->principal, r->principal);
	q->seq = r->seq;
	q->cut = copy_text(q->answer, sizeof(q->answer), b->answer);
	s->request_tags[at] = tag_of(q->principal, q->id);
}

static int fold_turn(struct journal_state *s, const struct journal_record *r) {
	struct body_turn b;
	char request[BODY_REQUEST_MAX + 1];
	if (body_parse_turn(r->body, r->body_bytes, &b) < 0)
		return -EPROTO;
	COPY(request, b.request);
	if (request[0] && state_request(s, r->principal, request)) {
		s->duplicates++;
		return 0;
	}
	keep_turn(s, r, &b);
	if (request[0])
		keep_request(s, r, &b);
	for (uint32_t i = 0; i < b.fact_count; i++)
		fold_fact(s, r, &b, &b.facts[i]);
	return 0;
}

static int fold_set(struct journal_state *s, const struct journal_record *r) {
	struct body_set b;
	struct state_setting key;
	if (body_parse_set(r->body, r->body_bytes, &b) < 0)
		return -EPROTO;
	COPY(key.field, b.field);
	struct state_setting *e = put(s, settings_of(s), &key);
	COPY(e->field, b.field);
	COPY(e->value, b.value);
	COPY_NAME(e->principal, r->principal);
	e->seq = r->seq;
	e->wall = r->wall;
	return 0;
}

static int fold_model(struct journal_state *s, const struct journal_record *r) {
	struct body_model b;
	if (body_parse_model(r->body, r->body_bytes, &b) < 0)
		return -EPROTO;
	if (b.what == BODY_ACTIVE)
		COPY(s->active_model, b.name);
	return 0;
}

static int fold_evidence(struct journal_state *s, const struct journal_record *r) {
	struct body_evidence b;
	struct state_evidence key;
	if (body_parse_evidence(r->body, r->body_bytes, &b) < 0)
		return -EPROTO;
	COPY(key.subject, b.subject);
	COPY(key.role, b.role);
	COPY(key.dim, b.dim);
	struct state_evidence *e = put(s, evidence_of(s), &key);
	uint64_t now = r->hlc >> 16, passed = now > e->at_ms ? now - e->at_ms : 0;
	COPY(e->subject, b.subject);
	COPY(e->role, b.role);
	COPY(e->dim, b.dim);
	e->p_ppm = add(decay(e->p_ppm, passed, b.half_life_ms), b.p_ppm);
	e->n_ppm = add(decay(e->n_ppm, passed, b.half_life_ms), b.n_ppm);
	e->at_ms = now;
	e->count++;
	e->seq = r->seq;
	return 0;
}

static int fold_command(struct journal_state *s, const struct journal_record *r) {
	struct body_command b;
	if (body_parse_command(r->body, r->body_bytes, &b) < 0)
		return -EPROTO;
	if (b.id > s->command_id_max)
		s->command_id_max = b.id;
	return 0;
}

/* Kinds that are counted only; their bodies must still be what they say. */
static int fold_outcome(struct journal_state *s, const struct journal_record *r) {
	struct body_outcome b;
	(void)s;
	return body_parse_outcome(r->body, r->body_bytes, &b);
}

static int fold_refusal(struct journal_state *s, const struct journal_record *r) {
	struct body_refusal b;
	(void)s;
	return body_parse_refusal(r->body, r->body_bytes, &b);
}

static int fold_erase(struct journal_state *s, const struct journal_record *r) {
	struct body_erase b;
	(void)s;
	return body_parse_erase(r->body, r->body_bytes, &b);
}

static int (*const folds[JOURNAL_KIND_COUNT])(
		struct journal_state *, const struct journal_record *) = {
#define JOURNAL_KIND(NAME, name, class, text) fold_##name,
#include "journal/kind.def"
#undef JOURNAL_KIND
};

/* Of a young state most pages are never used: what is zero already stays untouched, and takes no memory. */
void state_init(struct journal_state *s) {
	static const unsigned char zeros[4096];
	unsigned char *at = (unsigned char *)s, *end = (unsigned char *)(s + 1);
	while (at < end) {
		size_t n = (size_t)(end - at) < sizeof(zeros) ? (size_t)(end - at) : sizeof(zeros);
		if (memcmp(at, zeros, n) != 0)
			memset(at, 0, n);
		at += n;
	}
}

int state_apply(struct journal_state *s, const struct journal_record *r) {
	if (r->seq <= s->seq)
		return -ESTALE;
	bool known = r->kind < JOURNAL_KIND_COUNT;
	s->seq = r->seq;
	s->epoch = r->epoch;
	s->hlc = r->hlc;
	s->head = r->hash;
	s->kinds[known ? r->kind : JOURNAL_KIND_COUNT]++;
	if (r->erased) {
		s->erased++;
		return 0;
	}
	int rc = known ? folds[r->kind](s, r) : 0;
	if (rc < 0)
		s->broken++;
	return rc;
}

/* ---- looking up ---- */

/* Put a name of the caller's where a key is built; a longer one than any key matches nothing. */
static bool key_text(char *out, size_t capacity, const char *text) {
	size_t n = strlen(text);
	if (n >= capacity)
		return false;
	memcpy(out, text, n + 1);
	return true;
}

#define KEY(member, text) key_text(member, sizeof(member), text)

/* The tables take a mutable state; looking up changes nothing. */
static struct journal_state *as_mutable(const struct journal_state *s) {
	return (struct journal_state *)(uintptr_t)s;
}

const struct state_fact *state_fact(
		const struct journal_state *s, const char *principal, const char *key) {
	struct state_fact k;
	struct table t = facts_of(as_mutable(s));
	return KEY(k.key, key) && KEY(k.principal, principal) ? table_find(&t, &k) : NULL;
}

const struct state_evidence *state_evidence(const struct journal_state *s, const char *subject,
		const char *role, const char *dim) {
	struct state_evidence k;
	struct table t = evidence_of(as_mutable(s));
	bool fits = KEY(k.subject, subject) && KEY(k.role, role) && KEY(k.dim, dim);
	return fits ? table_find(&t, &k) : NULL;
}

const struct state_setting *state_setting(const struct journal_state *s, const char *field) {
	struct state_setting k;
	struct table t = settings_of(as_mutable(s));
	return KEY(k.field, field) ? table_find(&t, &k) : NULL;
}

const struct state_request *state_request(
		const struct journal_state *s, const char *principal, const char *id) {
	uint32_t tag = tag_of(principal, id);
	unsigned count = s->requests_end < STATE_REQUESTS_MAX ? (unsigned)s->requests_end
							      : STATE_REQUESTS_MAX;
	for (unsigned i = 0; i < count; i++) {
		const struct state_request *q = &s->requests[i];
		if (s->request_tags[i] == tag && strcmp(q->id, id) == 0 &&
				strcmp(q->principal, principal) == 0)
			return q;
	}
	return NULL;
}

const struct state_fact *state_fact_at(const struct journal_state *s, unsigned i) {
	return i < s->fact_count ? &s->facts[s->fact_order[i]] : NULL;
}

const struct state_evidence *state_evidence_at(const struct journal_state *s, unsigned i) {
	return i < s->evidence_count ? &s->evidence[s->evidence_order[i]] : NULL;
}

const struct state_setting *state_setting_at(const struct journal_state *s, unsigned i) {
	return i < s->setting_count ? &s->settings[s->setting_order[i]] : NULL;
}

const struct state_turn *state_turn(const struct journal_state *s, unsigned back) {
	if (back >= STATE_TURNS_MAX || back >= s->turns_end)
		return NULL;
	return &s->turns[(s->turns_end - 1 - back) % STATE_TURNS_MAX];
}
