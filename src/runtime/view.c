/*
 * view.c - what a model is shown: facts the speaker may see, and what is perceived at this moment.
 *
 * Perception becomes a fact `seen = one face` from every field of detections ([n, 6]: x, y, w, h,
 * score, 0) whose model has the option `sees`.  What is STALE or an ORPHAN is not shown at all: no
 * answer is better than an old one.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/hash.h"
#include "base/log.h"
#include "journal/claims.h"
#include "runtime/core_priv.h"
#include "sem/briefing.h"
#include "sem/support.h"

_Static_assert(TURN_TEXT_MAX <= BELIEF_QUESTION_MAX, "of a question each word counts");

#define DETECTIONS_MAX 64
#define DETECTION_NUMBERS 6
#define DETECTION_SCORE 4
#define PERCEIVED_MAX_AGE_NS (2 * NS_PER_S)

static const char *count_word(unsigned n) {
	static const char *const words[] = { "no", "one", "two", "three", "four", "five", "six", "seven" };
	return n < COUNT_OF(words) ? words[n] : "many";
}

const char *view_things(const struct core *c, const struct plan_field *f) {
	bool detections = f->dims == 2 && f->shape[1] == DETECTION_NUMBERS && f->dtype == CDM_F32 &&
			  f->shape[0] <= DETECTIONS_MAX;
	return detections ? plan_find_option(c->plan, f->entity, "sees") : NULL;
}

/* The fields that have something to show; called once. */
static int open_seen(struct core *c) {
	uint32_t n = c->plan->fields.count;
	c->seen = calloc(n ? n : 1, sizeof(*c->seen));
	if (!c->seen)
		return -ENOMEM;
	for (uint16_t f = 0; f < n; f++)
		if (view_things(c, &plan_fields(c->plan)[f]) && field_open(&c->seen[c->seen_count], c->peers, f) == 0)
			c->seen_count++;
	return 0;
}

bool view_perceive(struct core *c, struct field *f, char *out, size_t capacity, struct cdm_info *info) {
	static float found[DETECTIONS_MAX * DETECTION_NUMBERS];
	struct cdm_mono now = clock_mono();
	unsigned n = 0;
	if (field_read(f, found, sizeof(found), now, info) < 0 || info->status == CDM_ORPHAN ||
			mono_since(info->source_time, now) > PERCEIVED_MAX_AGE_NS)
		return false;
	for (uint32_t i = 0; i < info->bytes / (DETECTION_NUMBERS * sizeof(float)); i++)
		n += found[i * DETECTION_NUMBERS + DETECTION_SCORE] > 0.0f;
	if (n == 0)
		snprintf(out, capacity, "nothing");
	else
		snprintf(out, capacity, "%s %s%s", count_word(n), view_things(c, f->plan), n == 1 ? "" : "s");
	return true;
}

static bool perceive(struct core *c, struct field *f, struct belief_fact *out) {
	struct cdm_info info;
	*out = (struct belief_fact){ .key = "seen" };
	if (!view_perceive(c, f, out->value, sizeof(out->value), &info))
		return false;
	out->age_ns = mono_since(info.source_time, clock_mono());
	out->trust = (double)info.trust;
	return true;
}

const char *view_owner(const struct core *c, const struct speaker *s) {
	return core_entity_name(c, s->entity == c->plan->operator_entity ? s->principal : s->entity);
}

enum journal_visibility view_visibility(const struct core *c, const struct speaker *s) {
	bool operator = s->principal == c->plan->operator_entity && s->entity == s->principal;
	return operator || view_is_part(c, s->entity) ? JOURNAL_MACHINE : JOURNAL_PRIVATE;
}

bool view_is_part(const struct core *c, uint16_t entity) {
	unsigned class = plan_entities(c->plan)[entity].class;
	return class == PLAN_RUNTIME || class == PLAN_MODEL || class == PLAN_SENSOR || class == PLAN_ACTUATOR;
}

/* What is believed, of claims of one key. */
static void settle(const struct core *c, const struct state_fact *const *claims, unsigned n, struct view_belief *out) {
	struct support_claim of[CLAIMS_MAX];
	struct cdm_wall now = clock_wall();
	for (unsigned i = 0; i < n; i++) {
		const struct state_fact *f = claims[i];
		double weight = act_trust_weight(c, plan_find_entity(c->plan, f->source), now);
		of[i] = (struct support_claim){ f->value, f->trust_ppm / 1e6, f->confidence_ppm / 1e6, weight,
			f->seen.ns, f->seq };
	}
	support_of(of, n, &out->support);
	out->fact = claims[out->support.best];
	out->against = out->support.contested ? claims[out->support.against] : NULL;
}

struct claims_asker view_asker(const struct core *c, const struct speaker *s) {
	return (struct claims_asker){ view_owner(c, s),
		{ core_entity_name(c, s->principal), core_entity_name(c, s->entity) } };
}

int view_believed(const struct core *c, const struct speaker *s, const char *key, struct view_belief *out) {
	const struct claims_asker asker = view_asker(c, s);
	const struct state_fact *claims[CLAIMS_MAX];
	unsigned next;
	if (state_claims(c->state, key, &next) == 0)
		return -ENOENT;
	unsigned n = claims_next(c->state, &asker, &next, claims);
	if (n == 0)
		return -ENOENT;
	settle(c, claims, n, out);
	return 0;
}

bool view_next_belief(const struct core *c, const struct speaker *s, unsigned *next, struct view_belief *out) {
	const struct claims_asker asker = view_asker(c, s);
	const struct state_fact *claims[CLAIMS_MAX];
	unsigned n = claims_next(c->state, &asker, next, claims);
	if (n)
		settle(c, claims, n, out);
	return n > 0;
}

static void show(const struct core *c, const struct state_fact *const *claims, unsigned n, struct cdm_wall now,
		struct belief_fact *out) {
	struct view_belief b;
	settle(c, claims, n, &b);
	const struct state_fact *f = b.fact;
	*out = (struct belief_fact){ .age_ns = now.ns - f->seen.ns, .trust = f->trust_ppm / 1e6 };
	snprintf(out->key, sizeof(out->key), "%.*s", BELIEF_KEY_MAX - 1, f->key);
	snprintf(out->value, sizeof(out->value), "%.*s", BELIEF_VALUE_MAX - 1, f->value);
}

unsigned view_facts(struct core *c, const struct speaker *s, struct belief_fact *out, unsigned max) {
	const struct claims_asker asker = view_asker(c, s);
	const struct state_fact *claims[CLAIMS_MAX];
	struct cdm_wall now = clock_wall();
	unsigned n = 0, next = 0;
	if (!c->seen && open_seen(c) < 0)
		return 0;
	for (unsigned i = 0; i < c->seen_count && n < max; i++)
		n += perceive(c, &c->seen[i], &out[n]);
	while (next < c->state->fact_count && n < max) {
		unsigned seen = claims_next(c->state, &asker, &next, claims);
		if (seen)
			show(c, claims, seen, now, &out[n++]);
	}
	return n;
}

/* Of all facts, those the question needs, in the words that small models were made for. */
static int render_compact(struct core *c, struct turn *t) {
	static struct belief_fact all[STATE_FACTS_MAX + 16];
	static char quiet[TURN_TEXT_MAX];
	struct belief_fact shown[BELIEF_VIEW_FACTS];
	uint16_t chosen[BELIEF_VIEW_FACTS];
	unsigned n = t->blind ? 0 : view_facts(c, &t->speaker, all, COUNT_OF(all));
	belief_quiet(t->user, quiet, sizeof(quiet));
	unsigned k = belief_choose(all, n, t->user, chosen);
	for (unsigned i = 0; i < k; i++)
		shown[i] = all[chosen[i]];
	belief_lower_keys(quiet, shown, k);
	return belief_render_view(t->view, sizeof(t->view), shown, k, quiet);
}

/* All that is known and fits, with age and trust; the question last. */
static int render_talk(struct core *c, struct turn *t, const struct memory_hit *hits, unsigned hit_count) {
	static char known[TURN_TEXT_MAX / 2];
	struct brief_ask ask = { &t->speaker, t->session, t->user, brief_budget(c, t->model), 0, { 0 },
		hits, hit_count };
	struct briefing_account account;
	int rc = t->blind ? -E2BIG : brief_render(c, &ask, known, sizeof(known), &account);
	if (rc < 0 && !t->blind)
		log_error("%s is shown nothing of what is known: %s", core_entity_name(c, t->model), strerror(-rc));
	if (rc < 0)
		known[0] = 0;
	return belief_render_talk(t->view, sizeof(t->view), known, t->user);
}

static bool is_compact(const struct core *c, const struct turn *t) {
	const char *style = plan_find_option(c->plan, t->model, "prompt");
	return style && strcmp(style, "compact") == 0;
}

bool view_recalls(const struct core *c, const struct turn *t) {
	return !t->blind && !is_compact(c, t);
}

int view_render(struct core *c, struct turn *t, const struct memory_hit *hits, unsigned hit_count) {
	int rc = is_compact(c, t) ? render_compact(c, t) : render_talk(c, t, hits, hit_count);
	t->view_hash = hash_of(t->view, strlen(t->view));
	t->view_trust = 1.0; /* facts inform; they do not instruct: only the speaker and the model do */
	return rc < 0 ? rc : 0;
}
