/*
 * brief.c - gathers what a model, or whoever asks, may be shown of the machine, and has sem/briefing.h write it.
 *
 * Beliefs and goals that the speaker may know, the turns of the conversation, what was said of old that the question is
 * about (remind.c), small fields with their age and trust, and what the machine is about just now.  What is
 * STALE or an ORPHAN is not shown at all: no answer is better than an old one.
 */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/check.h"
#include "base/log.h"
#include "base/utf8.h"
#include "journal/claims.h"
#include "runtime/core_priv.h"
#include "runtime/newest.h"
#include "sem/briefing.h"
#include "sem/decay.h"
#include "sem/weight.h"

#define BELIEFS_MAX 128u
#define FIELDS_MAX 32u
#define TURNS_MAX 16u /* of the conversation */
#define RECALLED_MAX 8u /* turns, and beliefs, that the memory finds */
#define RECALLED_WEIGHT 0.75 /* of the best: between the last turn of the conversation and the one before */
#define NUMBERS_MAX 8u
#define FIELD_BYTES_MAX 64u
#define FRESH_HALF_LIFE_NS (60 * NS_PER_S)
#define RELEVANT 2.0 /* weight of what shares most words with the question; of what shares fewer, less */
#define BUDGET_MOST 1024u
#define BUDGET_DEFAULT 512u

struct brief {
	struct briefing b;
	struct cdm_mono now; /* not later than b.now: all ages are of one moment */
	struct briefing_goal goals[STATE_GOALS_MAX + GONE_MAX];
	struct briefing_belief beliefs[BELIEFS_MAX];
	struct briefing_turn turns[TURNS_MAX + RECALLED_MAX];
	char said[RECALLED_MAX][2 * BRIEFING_TEXT_MAX]; /* more than is shown, so that it shows that it is cut */
	struct briefing_field fields[FIELDS_MAX];
	double numbers[FIELDS_MAX][NUMBERS_MAX];
	char seen[FIELDS_MAX][48];
	struct briefing_focus focus[2];
	char moving[64];
	struct weight_candidate asks[BRIEFING_SECTION_COUNT]; /* for the shares of sections: the most of their items */
};

/* ---- attention ---- */

static uint64_t most_recent(uint64_t a, uint64_t b) {
	return a > b ? a : b;
}

static double most(double a, double b) {
	return a > b ? a : b;
}

/* Items begin with their marks, and have the weights that they have among their own kind. */
static struct briefing_mark *mark_at(void *items, size_t stride, size_t i) {
	return (void *)((char *)items + i * stride);
}

/*
 * All items of one kind share attention, and each weighs by its part besides; what asks most among them asks for
 * the section.  Nobody tells what the devices have to do: a load of 0.
 */
static void attend(struct brief *f, const struct core *c, unsigned section, void *items, size_t count,
		size_t stride) {
	struct weight_candidate all[BRIEFING_ITEMS_MAX], *ask = &f->asks[section];
	CHECK(count <= COUNT_OF(all));
	*ask = (struct weight_candidate){ .subject = section };
	for (size_t i = 0; i < count; i++) {
		const struct briefing_mark *m = mark_at(items, stride, i);
		uint16_t who = plan_find_entity(c->plan, m->who);
		all[i] = (struct weight_candidate){ .subject = who,
			.reward = section == BRIEFING_GOALS ? m->weight : 0.0,
			.freshness = decay_factor(m->age_ns, FRESH_HALF_LIFE_NS),
			.trust = act_trust_weight(c, who, f->b.now) };
		ask->reward = most(ask->reward, all[i].reward);
		ask->freshness = most(ask->freshness, all[i].freshness);
		ask->trust = most(ask->trust, all[i].trust);
	}
	for (size_t i = 0; i < count; i++)
		mark_at(items, stride, i)->weight *= weight_attention(all, count, i, 0.0);
}
#define ATTEND(f, c, section, items, count) attend(f, c, section, items, count, sizeof((items)[0]))

static void share_out(struct brief *f) {
	f->asks[BRIEFING_KNOWN] = f->asks[BRIEFING_BELIEVED]; /* of which each belief is in one */
	f->asks[BRIEFING_KNOWN].subject = BRIEFING_KNOWN;
	f->asks[BRIEFING_WORDS] = (struct weight_candidate){ .subject = BRIEFING_WORDS };
	for (unsigned i = 0; i < BRIEFING_SECTION_COUNT; i++)
		f->b.share[i] = weight_attention(f->asks, BRIEFING_SECTION_COUNT, i, 0.0);
}

/* ---- what is known ---- */

static int64_t age(const struct brief *f, struct cdm_wall then) {
	return f->b.now.ns - then.ns;
}

static bool is_open(const struct core *c, const struct gone_thing *t) {
	for (unsigned i = 0; i < c->state->goal_count; i++) {
		const struct state_goal *g = state_goal_at(c->state, i);
		if (strcmp(g->id, t->key) == 0 && strcmp(g->principal, t->principal) == 0)
			return true;
	}
	return false;
}

static void put_gone_goals(struct brief *f, const struct core *c, const struct claims_asker *asker) {
	const struct gone_thing *t;
	for (unsigned back = 0; f->b.is_delta && (t = gone_back(&c->gone, back, f->b.since_record)); back++)
		if (t->is_goal && claims_may_see(asker, t->principal, t->visibility) && !is_open(c, t))
			f->goals[f->b.goal_count++] = (struct briefing_goal){
				.mark = { t->key, t->who, t->seq, age(f, t->when), 1 }, .over = true };
}

static void put_goals(struct brief *f, const struct core *c, const struct speaker *s) {
	const struct claims_asker asker = view_asker(c, s);
	for (unsigned i = 0; i < c->state->goal_count; i++) {
		const struct state_goal *g = state_goal_at(c->state, i);
		if (!claims_may_see(&asker, g->principal, g->visibility))
			continue;
		f->goals[f->b.goal_count++] = (struct briefing_goal){ .mark = { g->text[0] ? g->text : g->id,
				g->principal, g->seq, age(f, g->wall), g->weight_ppm / 1e6 } };
	}
	put_gone_goals(f, c, &asker);
	ATTEND(f, c, BRIEFING_GOALS, f->goals, f->b.goal_count);
	f->b.goals = f->goals;
}

/* `weight`: before it is known which words the question shares with it. */
static void put_belief(struct brief *f, const struct view_belief *v, double weight) {
	const struct state_fact *s = v->fact, *a = v->against;
	struct briefing_belief *b = &f->beliefs[f->b.belief_count];
	*b = (struct briefing_belief){ .mark = { s->key, s->source, s->seq, age(f, s->seen),
				weight },
		.value = s->value,
		.confidence = v->support.degree,
		.trust = s->trust_ppm / 1e6,
		.rivals = v->support.contested };
	if (a)
		b->rival = (struct briefing_rival){ a->source, a->value, age(f, a->seen), v->support.against_degree,
			a->seq };
	f->b.belief_count++;
}

static bool is_relevant(const struct memory_hit *h, unsigned kind) {
	return h->of.kind == kind && h->score.relevance >= SCORE_CHANCE;
}

static bool is_listed(const struct brief *f, size_t count, const char *key) {
	for (size_t i = 0; i < count; i++)
		if (strcmp(f->beliefs[i].mark.key, key) == 0)
			return true;
	return false;
}

/* What the live state, which is bounded, has let go: as it was claimed. */
static void put_old_claim(struct brief *f, const struct memory_hit *h) {
	f->beliefs[f->b.belief_count++] = (struct briefing_belief){ .mark = { h->of.key, h->of.speaker, h->of.seq,
			age(f, h->of.when), 1 + h->score.total },
		.value = h->text + h->first,
		.confidence = (double)NAN,
		.trust = h->of.trust_ppm / 1e6 };
}

/* Of the claims that the memory found, what is believed of their keys. */
static void put_recalled_beliefs(struct brief *f, const struct core *c, const struct brief_ask *ask) {
	struct view_belief v;
	for (unsigned i = 0; i < ask->hit_count && f->b.belief_count < RECALLED_MAX; i++) {
		const struct memory_hit *h = &ask->hits[i];
		if (!is_relevant(h, PASSAGE_CLAIM) || is_listed(f, f->b.belief_count, h->of.key))
			continue;
		if (view_believed(c, ask->speaker, h->of.key, &v) == 0)
			put_belief(f, &v, 1 + h->score.total);
		else if (c->state->fact_count == STATE_FACTS_MAX)
			put_old_claim(f, h);
	}
}

/* All that is known, by key; there are no more facts than beliefs. */
static void put_all(struct brief *f, const struct core *c, const struct brief_ask *ask, size_t recalled) {
	struct view_belief v;
	unsigned next = 0;
	while (next < c->state->fact_count)
		if (view_next_belief(c, ask->speaker, &next, &v) && !is_listed(f, recalled, v.fact->key))
			put_belief(f, &v, 1);
}

/* Of more facts than that, what is believed of the keys of which somebody said something last. */
static void put_newest(struct brief *f, const struct core *c, const struct brief_ask *ask, size_t recalled) {
	static struct newest n; /* large; one thread */
	const struct claims_asker asker = view_asker(c, ask->speaker);
	const struct state_fact *claim;
	struct view_belief v;
	newest_begin(&n, c->state);
	while (f->b.belief_count < BELIEFS_MAX && (claim = newest_take(&n))) {
		if (!claims_may_see(&asker, claim->principal, claim->visibility))
			continue;
		unsigned next = newest_skip(&n, claim->key);
		if (!is_listed(f, recalled, claim->key) && view_next_belief(c, ask->speaker, &next, &v))
			put_belief(f, &v, 1);
	}
}

/* A claim was taken back: then another's is believed, by that record, or the key is no longer known. */
static void put_gone_belief(struct brief *f, const struct core *c, const struct brief_ask *ask,
		const struct gone_thing *t) {
	struct view_belief v;
	if (view_believed(c, ask->speaker, t->key, &v) == 0) {
		put_belief(f, &v, 1);
		f->beliefs[f->b.belief_count - 1].mark.record = most_recent(v.fact->seq, t->seq);
		return;
	}
	f->beliefs[f->b.belief_count++] = (struct briefing_belief){
		.mark = { t->key, t->who, t->seq, age(f, t->when), 1 },
		.value = "",
		.confidence = (double)NAN,
		.trust = (double)NAN };
}

static void put_gone_beliefs(struct brief *f, const struct core *c, const struct brief_ask *ask) {
	const struct claims_asker asker = view_asker(c, ask->speaker);
	const struct gone_thing *t;
	for (unsigned back = 0; f->b.is_delta && (t = gone_back(&c->gone, back, f->b.since_record)); back++)
		if (!t->is_goal && f->b.belief_count < BELIEFS_MAX && !is_listed(f, f->b.belief_count, t->key) &&
				claims_may_see(&asker, t->principal, t->visibility))
			put_gone_belief(f, c, ask, t);
}

/* Is x more about the question?  By words, then by what the memory found, by what is news, by key. */
static bool is_closer(const struct briefing_mark *x, unsigned overlap_x, const struct briefing_mark *y,
		unsigned overlap_y) {
	if (overlap_x != overlap_y)
		return overlap_x > overlap_y;
	if (x->weight > y->weight || x->weight < y->weight)
		return x->weight > y->weight;
	return x->age_ns < y->age_ns || (x->age_ns == y->age_ns && strcmp(x->key, y->key) < 0);
}

/* What shares words with the question weighs more than it did, by how many; that which shares most is asked for. */
static void weigh_by_words(struct brief *f, const char *question) {
	static struct belief_asked asked; /* large; one thread */
	unsigned overlaps[BELIEFS_MAX], best = 0;
	belief_ask(&asked, question);
	for (unsigned i = 0; i < f->b.belief_count; i++) {
		overlaps[i] = belief_overlap(&asked, f->beliefs[i].mark.key, f->beliefs[i].value);
		if (is_closer(&f->beliefs[i].mark, overlaps[i], &f->beliefs[best].mark, overlaps[best]))
			best = i;
	}
	if (f->b.belief_count == 0 || overlaps[best] == 0)
		return;
	f->b.asked = &f->beliefs[best].mark;
	for (unsigned i = 0; i < f->b.belief_count; i++)
		f->beliefs[i].mark.weight *= 1 + (RELEVANT - 1) * overlaps[i] / overlaps[best];
}

static void put_beliefs(struct brief *f, const struct core *c, const struct brief_ask *ask) {
	put_recalled_beliefs(f, c, ask);
	put_gone_beliefs(f, c, ask);
	bool all = c->state->fact_count + f->b.belief_count <= BELIEFS_MAX;
	(all ? put_all : put_newest)(f, c, ask, f->b.belief_count);
	weigh_by_words(f, ask->question);
	ATTEND(f, c, BRIEFING_BELIEVED, f->beliefs, f->b.belief_count);
	f->b.beliefs = f->beliefs;
}

static void put_turns(struct brief *f, const struct core *c, const struct speaker *s, const char *session) {
	const char *owner = view_owner(c, s);
	for (unsigned back = 0; back < STATE_TURNS_MAX && f->b.turn_count < TURNS_MAX; back++) {
		const struct state_turn *t = state_turn(c->state, back);
		if (!t || !session[0] || strcmp(t->session, session) != 0 || strcmp(t->principal, owner) != 0)
			continue;
		double weight = 1.0 / (1.0 + back); /* the last words first */
		f->turns[f->b.turn_count++] = (struct briefing_turn){ .mark = { "", t->speaker, t->seq,
				age(f, t->wall), weight },
			.user = t->user,
			.answer = t->answer };
	}
}

static bool is_told(const struct brief *f, uint64_t seq) {
	for (size_t i = 0; i < f->b.turn_count; i++)
		if (f->turns[i].mark.record == seq)
			return true;
	return false;
}

/* A turn that the memory found, or the best part of a long one; a part has no more than what was said, or answered. */
static void put_recalled_turn(struct brief *f, const struct memory_hit *h, double weight,
		char said[2 * BRIEFING_TEXT_MAX]) {
	size_t n = utf8_cut(h->text, h->first, 2 * BRIEFING_TEXT_MAX - 1);
	memcpy(said, h->text, n);
	said[n] = 0;
	f->turns[f->b.turn_count++] = (struct briefing_turn){ .mark = { "", h->of.speaker, h->of.seq,
			age(f, h->of.when), weight },
		.user = n ? said : "…",
		.answer = h->text + h->first };
}

/* Was just this said?  Then it is like the question, whatever it is worth as an answer. */
static bool is_question(const struct memory_hit *h, const char *question) {
	size_t n = strlen(question);
	return h->of.kind == PASSAGE_TURN && h->first == n + 1 && memcmp(h->text, question, n) == 0;
}

/* What weighs most of the hits: those that repeat the question weigh no more. */
static double best_score(const struct brief_ask *ask) {
	for (unsigned i = 0; i < ask->hit_count; i++)
		if (!is_question(&ask->hits[i], ask->question))
			return ask->hits[i].score.total;
	return 1;
}

/* Those of the conversation, and what was ever said that the question is about, in one list. */
static void put_said(struct brief *f, const struct core *c, const struct brief_ask *ask) {
	put_turns(f, c, ask->speaker, ask->session);
	double best = best_score(ask);
	unsigned n = 0;
	for (unsigned i = 0; i < ask->hit_count && n < RECALLED_MAX; i++) {
		const struct memory_hit *h = &ask->hits[i];
		double share = h->score.total < best ? h->score.total / best : 1;
		if (is_relevant(h, PASSAGE_TURN) && !is_told(f, h->of.seq))
			put_recalled_turn(f, h, RECALLED_WEIGHT * share, f->said[n++]);
	}
	ATTEND(f, c, BRIEFING_SAID, f->turns, f->b.turn_count);
	f->b.turns = f->turns;
}

/* The item that shows what the memory found; NULL: it is not what the question is about, or not shown. */
static const struct briefing_mark *mark_of(const struct brief *f, const struct memory_hit *h) {
	for (size_t i = 0; is_relevant(h, PASSAGE_TURN) && i < f->b.turn_count; i++)
		if (f->turns[i].mark.record == h->of.seq)
			return &f->turns[i].mark;
	for (size_t i = 0; is_relevant(h, PASSAGE_CLAIM) && i < f->b.belief_count; i++)
		if (strcmp(f->beliefs[i].mark.key, h->of.key) == 0)
			return &f->beliefs[i].mark;
	return NULL;
}

/* The best of what the memory found; what repeats the question only if there is nothing else. */
static const struct briefing_mark *best_found(const struct brief *f, const struct brief_ask *ask) {
	const struct briefing_mark *again = NULL;
	for (unsigned i = 0; i < ask->hit_count; i++) {
		const struct briefing_mark *m = mark_of(f, &ask->hits[i]);
		if (m && !is_question(&ask->hits[i], ask->question))
			return m;
		again = again ? again : m;
	}
	return again;
}

/* ---- what is sensed ---- */

static bool is_shown(const struct core *c, const struct plan_field *f) {
	bool small = f->bytes <= FIELD_BYTES_MAX && f->dtype != CDM_F16 && f->dtype != CDM_BF16;
	return view_things(c, f) || (small && f->kind != PLAN_SETTING);
}

static int open_shown(struct core *c) {
	uint32_t n = c->plan->fields.count;
	c->shown = calloc(FIELDS_MAX, sizeof(*c->shown));
	if (!c->shown)
		return -ENOMEM;
	for (uint16_t f = 0; f < n && c->shown_count < FIELDS_MAX; f++)
		if (is_shown(c, &plan_fields(c->plan)[f]) && field_open(&c->shown[c->shown_count], c->peers, f) == 0)
			c->shown_count++;
	return 0;
}

static double element(unsigned dtype, const uint8_t *bytes, uint32_t i) {
	const uint8_t *at = bytes + i * cdm_dtype_size(dtype);
	union {
		float f32;
		double f64;
		int64_t i64;
		uint64_t u64;
	} v = { .u64 = 0 };
	memcpy(&v, at, cdm_dtype_size(dtype));
	switch ((enum cdm_dtype)dtype) {
	case CDM_F32: return (double)v.f32;
	case CDM_F64: return v.f64;
	case CDM_I8: return (int8_t)v.i64;
	case CDM_I16: return (int16_t)v.i64;
	case CDM_I32: return (int32_t)v.i64;
	case CDM_I64: return (double)v.i64;
	default: return (double)v.u64; /* the rest are unsigned, little-endian as plans are */
	}
}

static void put_field(struct brief *f, struct core *c, struct field *from) {
	const struct plan_field *p = from->plan;
	struct briefing_field *out = &f->fields[f->b.field_count];
	struct cdm_mono now = clock_mono();
	uint8_t bytes[FIELD_BYTES_MAX];
	struct cdm_info info;
	CHECK(p); /* it is open */
	bool things = view_things(c, p) != NULL;
	if (things ? !view_perceive(c, from, f->seen[f->b.field_count], sizeof(f->seen[0]), &info)
		   : field_read(from, bytes, sizeof(bytes), now, &info) < 0)
		return;
	if (info.status == CDM_STALE || info.status == CDM_ORPHAN)
		return;
	*out = (struct briefing_field){ .mark = { p->name, core_entity_name(c, info.source), 0,
			mono_since(info.source_time, f->now), 1.0 },
		.text = things ? f->seen[f->b.field_count] : NULL,
		.unit = p->unit,
		.trust = (double)info.trust,
		.status = info.status };
	uint32_t n = things ? 0 : info.bytes / (uint32_t)cdm_dtype_size(p->dtype);
	for (uint32_t i = 0; i < n && i < NUMBERS_MAX; i++)
		f->numbers[f->b.field_count][i] = element(p->dtype, bytes, i);
	out->numbers = f->numbers[f->b.field_count];
	out->number_count = n;
	f->b.field_count++;
}

static void put_fields(struct brief *f, struct core *c) {
	if (!c->shown && open_shown(c) < 0)
		return;
	for (unsigned i = 0; i < c->shown_count; i++)
		put_field(f, c, &c->shown[i]);
	ATTEND(f, c, BRIEFING_SENSED, f->fields, f->b.field_count);
	f->b.fields = f->fields;
}

/* ---- what it is about ---- */

static void put_focus(struct brief *f, const struct core *c) {
	if (c->motion.moving) {
		snprintf(f->moving, sizeof(f->moving), "moving, by command %llu",
				(unsigned long long)c->motion.command);
		f->focus[f->b.focus_count++] = (struct briefing_focus){ .mark = { f->moving, "", 0, 0, 1.0 } };
	}
	ATTEND(f, c, BRIEFING_FOCUS, f->focus, f->b.focus_count);
	f->b.focus = f->focus;
}

/* ---- all of it ---- */

uint32_t brief_budget(const struct core *c, uint16_t model) {
	const char *context = model == PLAN_NONE ? NULL : plan_find_option(c->plan, model, "context");
	unsigned long tokens = context ? strtoul(context, NULL, 10) / 2 : BUDGET_DEFAULT;
	uint32_t least = briefing_frame_tokens() + BRIEFING_LINES_LEAST;
	return tokens < least ? least : tokens > BUDGET_MOST ? BUDGET_MOST : (uint32_t)tokens;
}

int brief_render(struct core *c, const struct brief_ask *ask, char *out, size_t capacity,
		struct briefing_account *account) {
	static struct brief f; /* large; one thread */
	memset(&f.b, 0, sizeof(f.b));
	f.now = clock_mono(); /* first: who is interrupted between the two shows rather too much than too little */
	f.b.now = clock_wall();
	f.b.budget = ask->budget;
	f.b.is_delta = ask->since > 0 && ask->since >= c->gone.from; /* else nobody knows what is gone: all is shown */
	f.b.since_record = ask->since;
	f.b.since_age_ns = ask->since ? f.b.now.ns - ask->since_wall.ns : 0;
	put_goals(&f, c, ask->speaker);
	put_beliefs(&f, c, ask);
	put_said(&f, c, ask);
	if (!f.b.asked) /* no belief shares a word with the question */
		f.b.asked = best_found(&f, ask);
	put_fields(&f, c);
	put_focus(&f, c);
	share_out(&f);
	return briefing_render(&f.b, out, capacity, account);
}

static uint32_t sum(const uint32_t of[BRIEFING_SECTION_COUNT]) {
	uint32_t n = 0;
	for (unsigned i = 0; i < BRIEFING_SECTION_COUNT; i++)
		n += of[i];
	return n;
}

static void answer(struct core *c, const struct viewing *v, const struct memory_hit *hits, unsigned hit_count) {
	static char text[REQUEST_TEXT_MAX];
	struct brief_ask ask = { &v->speaker, v->session, v->text, v->budget, v->after, { 0 }, hits, hit_count };
	struct briefing_account account;
	struct mp_out o;
	int rc = v->after ? recall_when(c, v->after, &ask.since_wall) : 0;
	if (rc < 0)
		return session_error(c, &v->to, rc, "when record %llu was written cannot be read",
				(unsigned long long)v->after);
	rc = brief_render(c, &ask, text, sizeof(text), &account);
	if (rc < 0)
		return session_error(c, &v->to, rc, "%u tokens are not enough to say anything: give more", ask.budget);
	int64_t took_ns = mono_since(v->began, clock_mono());
	session_begin(c, &o, &v->to, "done", 7);
	mp_kv_str(&o, "view", text);
	mp_kv_uint(&o, "at", c->state->seq);
	mp_kv_uint(&o, "tokens", account.tokens);
	mp_kv_uint(&o, "shown", sum(account.shown));
	mp_kv_uint(&o, "left_out", sum(account.left_out));
	mp_kv_uint(&o, "unchanged", sum(account.unchanged));
	mp_kv_int(&o, "took_ns", took_ns);
	session_send(c, &o, &v->to);
}

static void reminded(struct core *c, void *who, uint64_t id, const struct memory_hit *hits, unsigned count) {
	struct viewing *v = who;
	CHECK(v->reminder == id);
	v->reminder = 0;
	answer(c, v, hits, count);
}

void brief_answer(struct core *c, const struct asked *r) {
	static struct viewing now; /* large; one thread */
	uint16_t model = r->q->model[0] ? plan_find_entity(c->plan, r->q->model) : c->active;
	if (r->q->after > c->state->seq)
		return session_stale(c, &r->to, "record %llu is not here: the last one is %llu",
				(unsigned long long)r->q->after, (unsigned long long)c->state->seq);
	struct viewing *v = NULL;
	for (unsigned i = 0; i < COUNT_OF(c->viewings) && !v; i++)
		v = c->viewings[i].reminder ? NULL : &c->viewings[i];
	v = v ? v : &now;
	*v = (struct viewing){ .to = r->to, .speaker = r->speaker, .after = r->q->after, .began = clock_mono(),
		.budget = r->q->has_max ? r->q->max : brief_budget(c, model) };
	memcpy(v->text, r->q->text, sizeof(v->text));
	memcpy(v->session, r->q->session, sizeof(v->session));
	if (v != &now)
		v->reminder = remind_ask(c, &v->speaker, v->text, reminded, v);
	if (!v->reminder)
		answer(c, v, NULL, 0);
}
