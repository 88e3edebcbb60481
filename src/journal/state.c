/*
 * state.c - how each kind of record changes the state; see state.h.
 *
 * Everything a record says is bounded by body.c before it comes here, so texts fit where they are
 * copied, except those of a turn, which are cut between characters.
 */
#include "journal/state_priv.h"

#include <errno.h>
#include <string.h>
#include "base/utf8.h"

static void *put(struct journal_state *s, enum state_part part, const void *key) {
	struct table t = state_table(s, part);
	bool evicted;
	void *item = table_put(&t, key, &evicted);
	s->dropped += evicted;
	return item;
}

static void *find(const struct journal_state *s, enum state_part part, const void *key) {
	struct table t = state_table((struct journal_state *)(uintptr_t)s, part); /* looking up changes nothing */
	return table_find(&t, key);
}

static void forget(struct journal_state *s, enum state_part part, const void *key) {
	struct table t = state_table(s, part);
	table_remove(&t, key);
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

static void lower(struct state_worth *w, uint32_t trust_ppm, uint32_t confidence_ppm, struct cdm_wall seen) {
	w->trust_ppm = trust_ppm < w->trust_ppm ? trust_ppm : w->trust_ppm;
	w->confidence_ppm = confidence_ppm < w->confidence_ppm ? confidence_ppm : w->confidence_ppm;
	w->seen = seen.ns < w->seen.ns ? seen : w->seen;
}

bool state_hold(const struct journal_state *s, uint64_t seq, struct state_worth *w) {
	bool found = false;
	for (unsigned n = 0; n < s->fact_count; n++) {
		const struct state_fact *of = &s->facts[n];
		if (of->seq != seq)
			continue;
		found = true;
		lower(w, of->trust_ppm, of->confidence_ppm, of->seen);
	}
	for (unsigned n = 0; n < s->sample_count; n++) {
		const struct state_sample *of = &s->samples[n];
		if (of->seq != seq)
			continue;
		found = true;
		lower(w, of->trust_ppm, BODY_PPM, of->seen);
	}
	return found;
}

/* What nobody knows any more vouches for nothing, but where it was looked at while it was known. */
static void hold_to_sources(const struct journal_state *s, struct state_fact *f, uint64_t held_at) {
	struct state_worth w = { f->trust_ppm, f->confidence_ppm, f->seen };
	for (uint32_t i = 0; i < f->from.count; i++)
		if (!state_hold(s, f->from.at[i], &w) && (f->from.at[i] == 0 || f->from.at[i] > held_at))
			w.trust_ppm = 0;
	f->trust_ppm = w.trust_ppm;
	f->confidence_ppm = w.confidence_ppm;
	f->seen = w.seen;
}

static bool derives_from_erased(const struct journal_state *s, const struct body_seqs *from) {
	for (uint32_t i = 0; i < from->count; i++)
		for (unsigned n = 0; n < state_items(s, PART_ERASED); n++)
			if (s->erased_seqs[n].seq == from->at[i])
				return true;
	return false;
}

/* Late news: its source says when it was so, and has claimed something of a later millisecond before. */
static bool is_overtaken(const struct journal_state *s, const struct state_fact *f, uint64_t given_ms) {
	const struct state_fact *known = given_ms && f->from.count == 0 ? find(s, PART_FACTS, f) : NULL;
	return known && known->seen.ns - f->seen.ns >= 1000000;
}

/* A claim takes the place of what the same source said of the same key, for the same principal, unless it is late. */
static void claim(struct journal_state *s, struct state_fact *f, uint64_t given_ms, uint64_t held_at) {
	if (is_overtaken(s, f, given_ms))
		return;
	if (f->value[0] == 0)
		return forget(s, PART_FACTS, f);
	hold_to_sources(s, f, held_at);
	memcpy(put(s, PART_FACTS, f), f, sizeof(*f));
}

/* A time that a record gives; the record's own where it gives none, or a later one: nothing is seen before it is so. */
static struct cdm_wall wall_of_ms(uint64_t ms, struct cdm_wall told) {
	if (ms == 0 || ms > INT64_MAX / 1000000 || (int64_t)ms * 1000000 > told.ns)
		return told;
	return (struct cdm_wall){ (int64_t)ms * 1000000 };
}

static void fold_said(struct journal_state *s, const struct journal_record *r, const struct body_turn *turn,
		const struct body_said *said) {
	struct state_fact f = { .visibility = r->visibility,
		.trust_ppm = said->trust_ppm,
		.confidence_ppm = BODY_PPM,
		.seq = r->seq,
		.seen = wall_of_ms(turn->said_ms, r->wall) };
	COPY(f.key, said->key);
	COPY(f.value, said->value);
	COPY(f.source, turn->speaker.bytes ? turn->speaker : body_text(r->entity));
	COPY(f.via, turn->model);
	COPY_NAME(f.principal, r->principal);
	claim(s, &f, turn->said_ms, 0);
}

static int fold_fact(struct journal_state *s, const struct journal_record *r) {
	struct body_fact b;
	if (body_parse_fact(r->body, r->body_bytes, &b) < 0)
		return -EPROTO;
	if (derives_from_erased(s, &b.from))
		return 0;
	struct state_fact f = { .visibility = r->visibility,
		.trust_ppm = b.trust_ppm,
		.confidence_ppm = b.confidence_ppm,
		.seq = r->seq,
		.from = b.from,
		.seen = wall_of_ms(b.seen_ms, r->wall) };
	COPY(f.key, b.key);
	COPY(f.value, b.value);
	COPY(f.source, b.source.bytes ? b.source : body_text(r->entity));
	COPY(f.via, b.via);
	COPY_NAME(f.principal, r->principal);
	claim(s, &f, b.seen_ms, b.held_at);
	return 0;
}

static void keep_turn(struct journal_state *s, const struct journal_record *r, const struct body_turn *b) {
	struct state_turn *t = &s->turns[s->turns_end++ % STATE_TURNS_MAX];
	t->seq = r->seq;
	t->wall = wall_of_ms(b->said_ms, r->wall);
	COPY_NAME(t->principal, r->principal);
	COPY(t->speaker, b->speaker);
	COPY(t->model, b->model);
	COPY(t->session, b->session);
	bool cut = copy_text(t->user, sizeof(t->user), b->user);
	t->cut = copy_text(t->answer, sizeof(t->answer), b->answer) || cut;
	COPY(t->symbols, b->symbols);
	t->visibility = r->visibility;
	t->trust_ppm = b->trust_ppm;
	t->view_hash = b->view_hash;
}

static void keep_request(struct journal_state *s, const struct journal_record *r, const struct body_turn *b) {
	unsigned at = s->requests_end++ % STATE_REQUESTS_MAX;
	struct state_request *q = &s->requests[at];
	COPY(q->id, b->request);
	COPY_NAME(q->principal, r->principal);
	q->seq = r->seq;
	q->cut = copy_text(q->answer, sizeof(q->answer), b->answer);
	s->request_tags[at] = state_tag(q->principal, q->id);
}

static void keep_session(struct journal_state *s, const struct journal_record *r, const struct body_turn *b) {
	struct state_session key = { .turns = 0 };
	COPY_NAME(key.principal, r->principal);
	COPY(key.id, b->session);
	struct state_session *e = put(s, PART_SESSIONS, &key);
	memcpy(e->principal, key.principal, sizeof(key.principal));
	memcpy(e->id, key.id, sizeof(key.id));
	e->first_seq = e->turns ? e->first_seq : r->seq;
	e->turns++;
	e->seq = r->seq;
	e->wall = wall_of_ms(b->said_ms, r->wall);
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
	if (b.session.bytes)
		keep_session(s, r, &b);
	for (uint32_t i = 0; i < b.fact_count; i++)
		fold_said(s, r, &b, &b.facts[i]);
	return 0;
}

static int fold_set(struct journal_state *s, const struct journal_record *r) {
	struct body_set b;
	struct state_setting key = { .seq = r->seq, .wall = r->wall };
	if (body_parse_set(r->body, r->body_bytes, &b) < 0)
		return -EPROTO;
	COPY(key.field, b.field);
	COPY(key.value, b.value);
	COPY_NAME(key.principal, r->principal);
	memcpy(put(s, PART_SETTINGS, &key), &key, sizeof(key));
	return 0;
}

static int fold_model(struct journal_state *s, const struct journal_record *r) {
	struct body_model b;
	struct state_model key = { .seq = 0 };
	if (body_parse_model(r->body, r->body_bytes, &b) < 0)
		return -EPROTO;
	COPY(key.name, b.name);
	struct state_model *e = put(s, PART_MODELS, &key);
	memcpy(e->name, key.name, sizeof(key.name));
	e->loaded = b.what != BODY_UNLOADED;
	e->loads += b.what == BODY_LOADED;
	e->seq = r->seq;
	if (b.what == BODY_ACTIVE)
		memcpy(s->active_model, key.name, sizeof(key.name));
	return 0;
}

static int fold_evidence(struct journal_state *s, const struct journal_record *r) {
	struct body_evidence b;
	struct state_evidence key = { .seq = 0 };
	if (body_parse_evidence(r->body, r->body_bytes, &b) < 0)
		return -EPROTO;
	COPY(key.subject, b.subject);
	COPY(key.role, b.role);
	COPY(key.dim, b.dim);
	struct state_evidence *e = put(s, PART_EVIDENCE, &key);
	uint64_t now = r->hlc >> 16, passed = now > e->at_ms ? now - e->at_ms : 0;
	memcpy(e->subject, key.subject, sizeof(key.subject));
	memcpy(e->role, key.role, sizeof(key.role));
	memcpy(e->dim, key.dim, sizeof(key.dim));
	e->p_ppm = add(decay(e->p_ppm, passed, b.half_life_ms), b.p_ppm);
	e->n_ppm = add(decay(e->n_ppm, passed, b.half_life_ms), b.n_ppm);
	e->at_ms = now;
	e->count++;
	e->seq = r->seq;
	return 0;
}

/* Open until an outcome says how it ended; a stop is its own outcome. */
static int fold_command(struct journal_state *s, const struct journal_record *r) {
	static const char stop[] = "stop";
	struct body_command b;
	struct state_command key = { .seq = r->seq };
	if (body_parse_command(r->body, r->body_bytes, &b) < 0)
		return -EPROTO;
	if (b.id > s->command_id_max)
		s->command_id_max = b.id;
	if (b.verb.bytes == strlen(stop) && memcmp(b.verb.at, stop, b.verb.bytes) == 0)
		return 0;
	key.id = b.id;
	COPY_NAME(key.principal, r->principal);
	memcpy(put(s, PART_COMMANDS, &key), &key, sizeof(key));
	return 0;
}

static int fold_outcome(struct journal_state *s, const struct journal_record *r) {
	struct body_outcome b;
	if (body_parse_outcome(r->body, r->body_bytes, &b) < 0)
		return -EPROTO;
	forget(s, PART_COMMANDS, &(struct state_command){ .id = b.id });
	return 0;
}

static int fold_goal(struct journal_state *s, const struct journal_record *r) {
	struct body_goal b;
	struct state_goal key = { .seq = r->seq, .wall = r->wall, .visibility = r->visibility };
	if (body_parse_goal(r->body, r->body_bytes, &b) < 0)
		return -EPROTO;
	COPY(key.id, b.id);
	COPY(key.text, b.text);
	COPY_NAME(key.principal, r->principal);
	key.weight_ppm = b.weight_ppm;
	key.due_ms = b.due_ms;
	if (b.what == BODY_OPEN)
		memcpy(put(s, PART_GOALS, &key), &key, sizeof(key));
	else
		forget(s, PART_GOALS, &key);
	return 0;
}

static int fold_symbol(struct journal_state *s, const struct journal_record *r) {
	struct body_symbol b;
	if (body_parse_symbol(r->body, r->body_bytes, &b) < 0)
		return -EPROTO;
	struct state_symbol *e = &s->symbols[s->symbols_end++ % STATE_SYMBOLS_MAX];
	e->seq = r->seq;
	e->wall = r->wall;
	e->trust_ppm = b.trust_ppm;
	COPY(e->text, b.text);
	COPY(e->source, b.source.bytes ? b.source : body_text(r->entity));
	return 0;
}

static int fold_dictionary(struct journal_state *s, const struct journal_record *r) {
	struct body_dictionary b;
	struct state_dictionary key = { .seq = 0 };
	if (body_parse_dictionary(r->body, r->body_bytes, &b) < 0)
		return -EPROTO;
	COPY(key.table, b.table);
	struct state_dictionary *e = put(s, PART_DICTIONARIES, &key);
	memcpy(e->table, key.table, sizeof(key.table));
	e->hash = b.hash;
	e->version = b.version;
	e->changes++;
	e->seq = r->seq;
	return 0;
}

static int fold_plan(struct journal_state *s, const struct journal_record *r) {
	struct body_plan b;
	if (body_parse_plan(r->body, r->body_bytes, &b) < 0)
		return -EPROTO;
	if (b.part == b.parts)
		s->plan_seq = r->seq;
	return 0;
}

static int fold_sample(struct journal_state *s, const struct journal_record *r) {
	struct body_sample b;
	struct state_sample key = { .seq = r->seq };
	if (body_parse_sample(r->body, r->body_bytes, &b) < 0)
		return -EPROTO;
	COPY(key.field, b.field);
	COPY(key.status, b.status);
	key.version = b.version;
	key.epoch = b.epoch;
	key.trust_ppm = b.trust_ppm;
	key.bytes = b.bytes;
	key.hash = b.hash;
	key.seen = wall_of_ms(b.seen_ms, r->wall);
	if (b.data.bytes && b.data.bytes <= sizeof(key.data)) {
		key.kept = (uint16_t)b.data.bytes;
		memcpy(key.data, b.data.at, b.data.bytes);
	}
	memcpy(put(s, PART_SAMPLES, &key), &key, sizeof(key));
	return 0;
}

static int fold_gap(struct journal_state *s, const struct journal_record *r) {
	struct body_gap b;
	struct state_gap key = { .seq = 0 };
	if (body_parse_gap(r->body, r->body_bytes, &b) < 0)
		return -EPROTO;
	COPY(key.what, b.what);
	struct state_gap *e = put(s, PART_GAPS, &key);
	memcpy(e->what, key.what, sizeof(key.what));
	e->count = add(e->count, b.count);
	e->times++;
	e->seq = r->seq;
	return 0;
}

static int fold_erase(struct journal_state *s, const struct journal_record *r) {
	struct body_erase b;
	if (body_parse_erase(r->body, r->body_bytes, &b) < 0)
		return -EPROTO;
	s->erased_seqs[s->erased_end++ % STATE_ERASED_MAX].seq = b.seq;
	return 0;
}

static int fold_compact(struct journal_state *s, const struct journal_record *r) {
	struct body_compact b;
	if (body_parse_compact(r->body, r->body_bytes, &b) < 0)
		return -EPROTO;
	s->compacted = b.upto;
	return 0;
}

/* Kinds that are counted only; their bodies must still be what they say. */
static int fold_refusal(struct journal_state *s, const struct journal_record *r) {
	struct body_refusal b;
	(void)s;
	return body_parse_refusal(r->body, r->body_bytes, &b);
}

static int fold_snapshot(struct journal_state *s, const struct journal_record *r) {
	struct body_snapshot b;
	(void)s;
	return body_parse_snapshot(r->body, r->body_bytes, &b);
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
	if (!s->touched)
		return;
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
	s->touched = true;
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

/* ---- scrubbing ---- */

static bool is_of(const void *item, const struct shape *shape, uint64_t seq) {
	uint64_t of;
	memcpy(&of, (const char *)item + shape->seq_at, sizeof(of));
	return of == seq;
}

/* Of a ring the place stays: later numbers keep theirs. */
static void scrub_part(struct journal_state *s, enum state_part part, uint64_t seq) {
	const struct shape *shape = &state_shapes[part];
	for (unsigned i = state_items(s, part); i-- > 0;) {
		void *item = (void *)(uintptr_t)state_item(s, part, i);
		if (!is_of(item, shape, seq))
			continue;
		struct table t;
		if (part < PART_RINGS)
			t = state_table(s, part), table_remove_at(&t, i);
		else
			memset(item, 0, shape->item_bytes);
	}
}

/* The active one stands beside the table: whom nobody knows any more is not. */
static void scrub_active_model(struct journal_state *s) {
	struct state_model key = { .seq = 0 };
	memcpy(key.name, s->active_model, sizeof(key.name));
	if (!find(s, PART_MODELS, &key))
		memset(s->active_model, 0, sizeof(s->active_model));
}

void state_scrub(struct journal_state *s, uint64_t seq) {
	for (unsigned part = 0; part < PART_ERASED; part++)
		scrub_part(s, (enum state_part)part, seq);
	scrub_active_model(s);
	for (unsigned i = 0; i < state_items(s, PART_REQUESTS); i++)
		s->request_tags[i] = state_tag(s->requests[i].principal, s->requests[i].id);
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

const struct state_fact *state_fact(const struct journal_state *s, const char *key, const char *principal,
		const char *source) {
	struct state_fact k;
	bool fits = KEY(k.key, key) && KEY(k.principal, principal) && KEY(k.source, source);
	return fits ? find(s, PART_FACTS, &k) : NULL;
}

unsigned state_claims(const struct journal_state *s, const char *key, unsigned *first) {
	unsigned low = 0, high = s->fact_count, n = 0;
	while (low < high) {
		unsigned middle = (low + high) / 2;
		if (strcmp(state_fact_at(s, middle)->key, key) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	*first = low;
	while (low + n < s->fact_count && strcmp(state_fact_at(s, low + n)->key, key) == 0)
		n++;
	return n;
}

const struct state_evidence *state_evidence(const struct journal_state *s, const char *subject,
		const char *role, const char *dim) {
	struct state_evidence k;
	bool fits = KEY(k.subject, subject) && KEY(k.role, role) && KEY(k.dim, dim);
	return fits ? find(s, PART_EVIDENCE, &k) : NULL;
}

const struct state_setting *state_setting(const struct journal_state *s, const char *field) {
	struct state_setting k;
	return KEY(k.field, field) ? find(s, PART_SETTINGS, &k) : NULL;
}

const struct state_goal *state_goal(const struct journal_state *s, const char *id, const char *principal) {
	struct state_goal k;
	return KEY(k.id, id) && KEY(k.principal, principal) ? find(s, PART_GOALS, &k) : NULL;
}

const struct state_sample *state_sample(const struct journal_state *s, const char *field) {
	struct state_sample k;
	return KEY(k.field, field) ? find(s, PART_SAMPLES, &k) : NULL;
}

const struct state_dictionary *state_dictionary(const struct journal_state *s, const char *table) {
	struct state_dictionary k;
	return KEY(k.table, table) ? find(s, PART_DICTIONARIES, &k) : NULL;
}

const struct state_session *state_session(const struct journal_state *s, const char *principal, const char *id) {
	struct state_session k;
	return KEY(k.principal, principal) && KEY(k.id, id) ? find(s, PART_SESSIONS, &k) : NULL;
}

const struct state_request *state_request(
		const struct journal_state *s, const char *principal, const char *id) {
	uint32_t tag = state_tag(principal, id);
	for (unsigned i = 0; i < state_items(s, PART_REQUESTS); i++) {
		const struct state_request *q = &s->requests[i];
		if (s->request_tags[i] == tag && strcmp(q->id, id) == 0 &&
				strcmp(q->principal, principal) == 0)
			return q;
	}
	return NULL;
}

#define AT(one, PART) \
	const struct state_##one *state_##one##_at(const struct journal_state *s, unsigned i) { \
		return state_item(s, PART_##PART, i); \
	}
AT(fact, FACTS)
AT(evidence, EVIDENCE)
AT(setting, SETTINGS)
AT(goal, GOALS)
AT(sample, SAMPLES)
AT(dictionary, DICTIONARIES)
AT(model, MODELS)
AT(command, COMMANDS)
AT(session, SESSIONS)
AT(gap, GAPS)
#undef AT

const struct state_turn *state_turn(const struct journal_state *s, unsigned back) {
	return state_item(s, PART_TURNS, state_items(s, PART_TURNS) - 1 - back);
}

const struct state_symbol *state_symbol(const struct journal_state *s, unsigned back) {
	return state_item(s, PART_SYMBOLS, state_items(s, PART_SYMBOLS) - 1 - back);
}
