/*
 * tell.c - what somebody tells the machine without a model, and what is believed when somebody asks: ops `tell`, `goal`
 * and `read` of spec/control.md.
 *
 * A claim is told with its source; what contradicts it stays (journal/state.h).  An answer says of which record it is,
 * and -ESTALE says that there is none that is new enough, rather than an old one.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include "base/err.h"
#include "runtime/core_priv.h"

#define FUTURE_MS 1000u /* by so much another clock may be ahead */

/* ---- writing down ---- */

static bool text_is(struct body_text a, struct body_text b) {
	return a.bytes == b.bytes && (a.bytes == 0 || memcmp(a.at, b.at, a.bytes) == 0);
}

/*
 * How far they are trusted is no part of what they say.  What derives is no surer, and no younger, than its sources:
 * where those cannot be looked at any more, a claim that was surer at first is taken for the same.
 */
static bool same_fact(const struct body_fact *a, const struct body_fact *b, bool held) {
	bool same = text_is(a->key, b->key) && text_is(a->value, b->value) && text_is(a->source, b->source) &&
			a->from.count == b->from.count &&
			memcmp(a->from.at, b->from.at, a->from.count * sizeof(a->from.at[0])) == 0;
	if (!held)
		return same && a->confidence_ppm >= b->confidence_ppm;
	return same && a->confidence_ppm == b->confidence_ppm && a->seen_ms == b->seen_ms;
}

static bool same_goal(const struct body_goal *a, const struct body_goal *b) {
	return text_is(a->id, b->id) && text_is(a->text, b->text) && a->what == b->what &&
	       a->weight_ppm == b->weight_ppm && a->due_ms == b->due_ms;
}

/* Is what was asked with this request before the same? */
static int compare(void *user, const struct journal_record *r) {
	const struct note *n = user;
	struct body_fact f;
	struct body_goal g;
	bool same = false;
	if (r->kind == n->kind && n->kind == JOURNAL_FACT)
		same = body_parse_fact(r->body, r->body_bytes, &f) == 0 && same_fact(&n->fact, &f, n->held);
	else if (r->kind == n->kind)
		same = body_parse_goal(r->body, r->body_bytes, &g) == 0 && same_goal(&n->goal, &g);
	return same ? 1 : -EEXIST;
}

/* Its source has claimed something of a later time before: the fold leaves that. */
static bool is_late(const struct core *c, const struct note *n, uint64_t seq) {
	char source[CDM_NAME_MAX];
	if (n->kind != JOURNAL_FACT || !n->fact.seen_ms || n->fact.from.count || !forget_is_exact(c))
		return false;
	snprintf(source, sizeof(source), "%.*s", (int)n->fact.source.bytes, n->fact.source.at);
	const struct state_fact *f = state_fact(c->state, n->key, n->owner, source);
	return f && f->seq != seq;
}

static void settled(struct core *c, void *who, int rc, uint64_t seq) {
	struct note *n = who;
	struct mp_out o;
	n->used = false;
	int before = rc == -EEXIST && c->reader ? journal_one(c->reader, seq, compare, n) : 0;
	bool repeat = before == 1;
	if (rc == -EEXIST && !repeat)
		return session_used(c, &n->to, seq);
	if (rc < 0 && !repeat)
		return session_error(c, &n->to, rc, "it could not be written down: %s", err_text(rc));
	bool late = !repeat && is_late(c, n, seq);
	session_begin(c, &o, &n->to, "done", 2u + late);
	mp_kv_uint(&o, "seq", seq);
	mp_kv_bool(&o, "repeat", repeat);
	if (late)
		mp_kv_bool(&o, "late", true);
	session_send(c, &o, &n->to);
}

static const char *owner_of(const struct core *c, const struct asked *r) {
	return view_is_part(c, r->speaker.entity) ? "" : view_owner(c, &r->speaker);
}

static struct note *begin(struct core *c, const struct asked *r) {
	for (size_t i = 0; i < COUNT_OF(c->notes); i++) {
		struct note *n = &c->notes[i];
		if (n->used)
			continue;
		*n = (struct note){ .used = true, .to = r->to };
		n->owner = owner_of(c, r);
		snprintf(n->key, sizeof(n->key), "%s", r->q->key);
		CHECK(strlen(r->q->text) < sizeof(n->value)); /* looked at before */
		memcpy(n->value, r->q->text, strlen(r->q->text) + 1);
		return n;
	}
	return NULL;
}

static void submit(struct core *c, const struct asked *r, struct note *n, const uint8_t *body, int bytes) {
	struct journal_entry e = { n->kind, view_visibility(c, &r->speaker), core_entity_name(c, 0), n->owner,
		body, bytes < 0 ? 0 : (size_t)bytes, r->q->request };
	int rc = bytes < 0 ? bytes : ledger_submit(c, &e, 1, settled, n);
	if (rc < 0)
		settled(c, n, rc, 0);
}

/* Is something of that name on its way to the disk? */
static bool is_coming(const struct core *c, enum journal_kind kind, const char *key, const char *owner) {
	for (size_t i = 0; i < COUNT_OF(c->notes); i++) {
		const struct note *n = &c->notes[i];
		if (n->used && n->kind == kind && strcmp(n->key, key) == 0 && strcmp(n->owner, owner) == 0)
			return true;
	}
	return false;
}

/*
 * There is nothing of that name that could end: who misspelt it would think that it has.  What made room in the state
 * is still found, and can be taken back.
 */
static bool has_nothing(const struct core *c, const struct asked *r, enum journal_kind kind) {
	const char *key = r->q->key, *owner = owner_of(c, r);
	if (kind == JOURNAL_FACT && c->state->dropped)
		return false;
	bool known = kind == JOURNAL_GOAL ? state_goal(c->state, key, owner) != NULL
			: state_fact(c->state, key, owner, core_entity_name(c, r->speaker.entity)) != NULL;
	return !known && forget_is_exact(c) && !is_coming(c, kind, key, owner);
}

/* ---- facts ---- */

/* What it is worth, held to what it derives from.  The first of its sources that is not known now; 0: all are. */
static uint64_t hold(struct core *c, const struct asked *r, struct state_worth *w) {
	*w = (struct state_worth){ body_ppm(act_told_trust(c, &r->speaker)), body_ppm(r->q->confidence), clock_wall() };
	if (r->q->seen_ms)
		w->seen.ns = (int64_t)r->q->seen_ms * NS_PER_MS;
	for (uint32_t i = 0; i < r->q->from.count; i++)
		if (forget_takes(c, r->q->from.at[i]) || !state_hold(c->state, r->q->from.at[i], w))
			return r->q->from.at[i];
	return 0;
}

/* Is it within bounds?  No: who asks is told. */
static bool can_be(struct core *c, const struct asked *r) {
	uint64_t now_ms = (uint64_t)(clock_wall().ns / NS_PER_MS);
	if (r->q->seen_ms > now_ms + FUTURE_MS)
		return session_error(c, &r->to, -EINVAL, "seen_ms is in the future"), false;
	if (strlen(r->q->text) > BODY_VALUE_MAX)
		return session_error(c, &r->to, -E2BIG, "a value has at most %d bytes", BODY_VALUE_MAX), false;
	return true;
}

/* Not later than it; 0 would be now. */
static uint64_t ms_of(struct cdm_wall seen) {
	return seen.ns < NS_PER_MS ? 1 : (uint64_t)(seen.ns / NS_PER_MS);
}

/* What it is worth is written down, as the next sample may take the place of a source before the fold comes to look. */
void tell_fact(struct core *c, const struct asked *r) {
	uint8_t body[1024];
	struct state_worth w;
	if (!can_be(c, r))
		return;
	uint64_t before = r->q->request[0] ? recall_request(c, owner_of(c, r), r->q->request) : 0;
	if (!before && !r->q->text[0] && has_nothing(c, r, JOURNAL_FACT))
		return session_error(c, &r->to, -ENOENT, "%s claims nothing of '%s' that could be taken back",
				core_entity_name(c, r->speaker.entity), r->q->key);
	uint64_t lost = hold(c, r, &w);
	if (lost && !before)
		return session_stale(c, &r->to, "record %llu is not what is known now: `from` names facts and samples "
				"that the state holds", (unsigned long long)lost);
	struct note *n = begin(c, r);
	if (!n)
		return session_error(c, &r->to, -EBUSY, "too many requests wait already");
	n->kind = JOURNAL_FACT;
	n->held = lost == 0;
	n->fact = (struct body_fact){ .request = body_text(r->q->request),
		.key = body_text(n->key),
		.value = body_text(n->value),
		.source = body_text(core_entity_name(c, r->speaker.entity)),
		.trust_ppm = w.trust_ppm,
		.confidence_ppm = w.confidence_ppm,
		.seen_ms = r->q->from.count ? ms_of(w.seen) : r->q->seen_ms,
		.from = r->q->from,
		.held_at = r->q->from.count ? c->state->seq : 0 };
	if (before)
		return settled(c, n, -EEXIST, before);
	submit(c, r, n, body, body_build_fact(&n->fact, body, sizeof(body)));
}

/* ---- goals ---- */

static int what_of(const char *word) {
	for (int what = BODY_OPEN; what <= BODY_DROPPED; what++)
		if (strcmp(word, body_what_name((unsigned)what)) == 0)
			return what;
	return word[0] ? -EINVAL : BODY_OPEN;
}

void tell_goal(struct core *c, const struct asked *r) {
	uint8_t body[1024];
	int what = what_of(r->q->what);
	if (what < 0)
		return session_error(c, &r->to, what, "`what` of a goal is open, done or dropped");
	if (strlen(r->q->text) > BODY_VALUE_MAX)
		return session_error(c, &r->to, -E2BIG, "a goal has at most %u bytes", (unsigned)BODY_VALUE_MAX);
	uint64_t before = r->q->request[0] ? recall_request(c, owner_of(c, r), r->q->request) : 0;
	if (!before && what != BODY_OPEN && has_nothing(c, r, JOURNAL_GOAL))
		return session_error(c, &r->to, -ENOENT, "there is no open goal '%s'; `cadmus goal` shows them",
				r->q->key);
	struct note *n = begin(c, r);
	if (!n)
		return session_error(c, &r->to, -EBUSY, "too many requests wait already");
	n->kind = JOURNAL_GOAL;
	n->goal = (struct body_goal){ .request = body_text(r->q->request),
		.id = body_text(n->key),
		.text = body_text(n->value),
		.what = (uint64_t)what,
		.weight_ppm = body_ppm(r->q->weight),
		.due_ms = r->q->due_ms };
	submit(c, r, n, body, body_build_goal(&n->goal, body, sizeof(body)));
}

/* ---- reading ---- */

/* Is this state new enough for who asks, and ours to speak of?  True, or it was told why not. */
static bool is_current(struct core *c, const struct asked *r) {
	if (r->q->level > TELL_LINEARIZABLE)
		return session_error(c, &r->to, -EINVAL, "`level` is 0, 1, 2 or 3"), false;
	if (r->q->level == TELL_CAUSAL && r->q->after == 0)
		return session_error(c, &r->to, -EINVAL, "`level` 2 is of what you have seen: give `after`"), false;
	if (!forget_is_exact(c) && (r->q->level > TELL_LATEST || r->q->after))
		return session_refused(c, &r->to, -ESTALE, "erasing",
				       "something is being erased, and what stands then is not known yet: "
				       "ask again in a moment"),
		       false;
	if (r->q->after > c->state->seq)
		return session_refused(c, &r->to, -ESTALE, "after", "record %llu is not here: the last one is %llu",
				       (unsigned long long)r->q->after, (unsigned long long)c->state->seq),
		       false;
	if (r->q->level == TELL_LINEARIZABLE && journal_in_place(c->journal) < 0)
		return session_refused(c, &r->to, -ESTALE, "file", "nobody knows what is written down now%s",
				       session_what_to_do(-ESTALE)),
		       false;
	return true;
}

struct reading {
	struct view_belief b;
	const char *cause; /* there is none that was asked for: a word for programs, */
	char why[192];     /* and a sentence */
};

/* In a full state what was said may have made room: nobody can say that nothing was. */
static int nothing_held(const struct core *c, const char *key, struct reading *out) {
	bool full = c->state->fact_count == STATE_FACTS_MAX;
	out->cause = full ? "room" : "nothing";
	if (full)
		snprintf(out->why, sizeof(out->why),
				"nothing is held of '%s': nothing was said, or it made room, as the state is full",
				key);
	else
		snprintf(out->why, sizeof(out->why), "nothing is %s of '%s'", c->state->dropped ? "held" : "known",
				key);
	return full ? -ESTALE : -ENOENT;
}

static int too_old(const char *key, uint64_t age_ms, uint64_t max_ms, struct reading *out) {
	out->cause = "age";
	snprintf(out->why, sizeof(out->why), "what is known of '%s' is %llu.%03llu s old, older than %llu.%03llu s",
			key, (unsigned long long)age_ms / 1000, (unsigned long long)age_ms % 1000,
			(unsigned long long)max_ms / 1000, (unsigned long long)max_ms % 1000);
	return -ESTALE;
}

static int too_weak(const char *key, double degree, double min, struct reading *out) {
	out->cause = "trust";
	snprintf(out->why, sizeof(out->why), "what is known of '%s' is supported %.4g only, less than %.4g", key,
			degree, min);
	return -EACCES;
}

/* What is believed of a key, as new and as well supported as was asked for; else an errno, and why. */
static int read_one(const struct core *c, const struct asked *r, const char *key, struct cdm_wall now,
		struct reading *out) {
	struct view_belief *b = &out->b;
	if (view_believed(c, &r->speaker, key, b) < 0)
		return nothing_held(c, key, out);
	int64_t age_ms = (now.ns - b->fact->seen.ns) / NS_PER_MS;
	if (age_ms > 0 && (uint64_t)age_ms > r->q->max_age_ms)
		return too_old(key, (uint64_t)age_ms, r->q->max_age_ms, out);
	if (b->support.degree < r->q->min_trust)
		return too_weak(key, b->support.degree, r->q->min_trust, out);
	return 0;
}

static void put_claim(struct mp_out *o, const struct state_fact *f, double degree, struct cdm_wall now) {
	mp_kv_str(o, "value", f->value);
	mp_kv_str(o, "source", f->source);
	mp_kv_str(o, "via", f->via);
	mp_kv_uint(o, "seq", f->seq);
	mp_kv_int(o, "age_ms", (now.ns - f->seen.ns) / NS_PER_MS);
	mp_kv_f64(o, "trust", f->trust_ppm / 1e6);
	mp_kv_f64(o, "confidence", f->confidence_ppm / 1e6);
	mp_kv_f64(o, "degree", degree);
}
#define CLAIM_PAIRS 8u

static unsigned belief_pairs(const struct view_belief *b) {
	return 2 + CLAIM_PAIRS + (b->against ? 1 : 0);
}

static void put_belief(struct mp_out *o, const struct view_belief *b, struct cdm_wall now) {
	mp_kv_str(o, "key", b->fact->key);
	mp_kv_uint(o, "witnesses", b->support.witnesses);
	put_claim(o, b->fact, b->support.degree, now);
	if (b->against) {
		mp_str(o, "against");
		mp_map(o, CLAIM_PAIRS);
		put_claim(o, b->against, b->support.against_degree, now);
	}
}

static void begin_answer(struct core *c, struct mp_out *o, const struct asked *r, unsigned pairs) {
	session_begin(c, o, &r->to, "done", 2 + pairs);
	mp_kv_uint(o, "at", c->state->seq);
	mp_kv_uint(o, "epoch", c->state->epoch);
}

/* All of one state, which nothing changes meanwhile; each as if it had been asked for alone. */
static void read_several(struct core *c, const struct asked *r, struct cdm_wall now) {
	struct mp_out o;
	begin_answer(c, &o, r, 1);
	mp_str(&o, "beliefs");
	mp_array(&o, r->q->key_count);
	for (unsigned i = 0; i < r->q->key_count; i++) {
		struct reading reading;
		int rc = read_one(c, r, r->q->keys[i], now, &reading);
		mp_map(&o, rc == 0 ? belief_pairs(&reading.b) : 4);
		if (rc == 0) {
			put_belief(&o, &reading.b, now);
			continue;
		}
		mp_kv_str(&o, "key", r->q->keys[i]);
		mp_kv_str(&o, "code", err_name(rc));
		mp_kv_str(&o, "cause", reading.cause);
		mp_kv_str(&o, "text", reading.why);
	}
	session_send(c, &o, &r->to);
}

void tell_read(struct core *c, const struct asked *r) {
	struct cdm_wall now = clock_wall();
	struct reading reading;
	struct mp_out o;
	if (!is_current(c, r))
		return;
	if (r->q->key_count)
		return read_several(c, r, now);
	int rc = read_one(c, r, r->q->key, now, &reading);
	if (rc < 0)
		return session_refused(c, &r->to, rc, reading.cause, "%s", reading.why);
	begin_answer(c, &o, r, belief_pairs(&reading.b));
	put_belief(&o, &reading.b, now);
	session_send(c, &o, &r->to);
}
