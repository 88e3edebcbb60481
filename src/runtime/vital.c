/*
 * vital.c - how much of the machine's state hangs together, and what the machine is about: sem/level.h and
 * sem/lifecycle.h, fed from what core has at hand.
 *
 * Both are volatile: they stand beside the state, never in its hash.  They are computed when somebody asks; nothing
 * wakes core for them, but for a DREAM, when there are chores (dream.c).
 */
#include <math.h>
#include <stdio.h>
#include <string.h>
#include "base/load.h"
#include "runtime/core_priv.h"
#include "sem/coherence.h"
#include "sem/level.h"
#include "sem/lifecycle.h"

#define ACTIVE 0.05f /* an awareness above that is a change */
#define INPUTS_MAX 64u

/* ---- what is live ---- */

static bool process_lives(const struct core *c, uint16_t process) {
	if (process == PLAN_NONE || !c->peers->directory.shared)
		return false;
	return directory_get(&c->peers->directory, process).state == DIRECTORY_LIVE;
}

/* Sensors and models are inputs, and so are the joints of an actuator. */
static void count_modalities(const struct core *c, struct level_input *in) {
	for (uint16_t e = 0; e < c->plan->entities.count; e++) {
		const struct plan_entity *p = &plan_entities(c->plan)[e];
		bool input = p->class == PLAN_SENSOR || p->class == PLAN_MODEL || p->class == PLAN_ACTUATOR;
		uint16_t process = p->class == PLAN_ACTUATOR ? c->plan->guard : p->process;
		if (input && p->sort < PLAN_SORT_COUNT && process_lives(c, process))
			in->live[p->sort]++;
	}
}

/* Claims of the machine's parts about the key of the n-th fact, and where those of the next key begin. */
static unsigned claims_of(const struct core *c, unsigned n, unsigned *next, struct support_claim *out) {
	const struct journal_state *s = c->state;
	const struct state_fact *first = state_fact_at(s, n), *f;
	struct cdm_wall now = clock_wall();
	unsigned count = 0;
	for (; n < s->fact_count && strcmp((f = state_fact_at(s, n))->key, first->key) == 0; n++)
		if (!f->principal[0] && count < SUPPORT_CLAIMS_MAX)
			out[count++] = (struct support_claim){ f->value, f->trust_ppm / 1e6,
				f->confidence_ppm / 1e6,
				act_trust_weight(c, plan_find_entity(c->plan, f->source), now), f->seen.ns, f->seq };
	*next = n;
	return count;
}

/* G: the least of all keys of which two parts of the machine claim something.  False: there is none. */
static bool look_at_claims(const struct core *c, double *agreement) {
	struct support_claim claims[SUPPORT_CLAIMS_MAX];
	bool known = false;
	double g;
	*agreement = 1.0;
	for (unsigned i = 0; i < c->state->fact_count;) {
		unsigned count = claims_of(c, i, &i, claims);
		if (!support_agreement(claims, count, &g))
			continue;
		known = true;
		*agreement = g < *agreement ? g : *agreement;
	}
	return known;
}

/* An actuator was commanded, and since then its joints were heard of. */
static bool loop_is_closed(struct core *c) {
	struct cdm_mono now = clock_mono();
	struct cdm_info info;
	for (uint16_t i = 0; i < c->plan->actuators.count; i++) {
		struct limb *l = &c->limbs[i];
		bool heard = process_lives(c, c->plan->guard) && field_peek(&l->feedback, now, &info) == 0 &&
			     info.status != CDM_ORPHAN && info.status != CDM_STALE;
		if (heard && l->commanded.ns && info.source_time.ns > l->commanded.ns)
			return true;
	}
	return false;
}

/* ---- coherence of what rules are made of ---- */

struct health {
	struct coherence_input inputs[INPUTS_MAX];
	unsigned count, fresh;
	float most; /* of all awareness fields */
	bool remembers; /* one of them decays: a window of the past is in it */
};

static void look_at_field(struct core *c, uint16_t f, struct health *h) {
	const struct plan_field *p = &plan_fields(c->plan)[f];
	struct field field;
	struct cdm_info info;
	struct cdm_mono now = clock_mono();
	float level = 0;
	if (field_open(&field, c->peers, f) < 0)
		return;
	if (p->kind == PLAN_AWARENESS && p->bytes == sizeof(level) && p->dtype == CDM_F32) {
		bool got = field_read(&field, &level, sizeof(level), now, &info) == 0;
		h->remembers = h->remembers || (got && p->half_life_ns > 0);
		h->most = got && level > h->most ? level : h->most;
		return;
	}
	bool is_source = false;
	for (uint32_t r = 0; r < c->plan->rules.count && !is_source; r++)
		for (unsigned i = 0; i < plan_rules(c->plan)[r].source_count; i++)
			is_source = is_source || plan_rules(c->plan)[r].sources[i] == f;
	if (!is_source || h->count == INPUTS_MAX)
		return;
	struct coherence_input *in = &h->inputs[h->count++];
	bool got = field_peek(&field, now, &info) == 0 && info.status != CDM_ORPHAN;
	*in = (struct coherence_input){ .age_ns = got ? mono_since(info.source_time, now) : 0,
		.half_life_ns = p->max_age_ns,
		.missing = !got,
		.intact = got };
	h->fresh += got && info.status != CDM_STALE;
}

static void look_at_fields(struct core *c, struct health *h) {
	*h = (struct health){ .count = 0 };
	for (uint16_t f = 0; f < c->plan->fields.count; f++)
		look_at_field(c, f, h);
}

static double completeness(const struct health *h) {
	return h->count ? (double)h->fresh / h->count : 0.0;
}

/* ---- the lifecycle ---- */

/* A model that has made room for another ended in good order, and is not required until it is asked again. */
static bool is_missing(const struct core *c, uint16_t process) {
	const struct plan_process *p = &plan_processes(c->plan)[process];
	if (p->start != PLAN_WITH_MACHINE || process_lives(c, process))
		return false;
	bool made_room = p->role == PLAN_WORKER && c->peers->directory.shared &&
			 directory_get(&c->peers->directory, process).state == DIRECTORY_STOPPED;
	return !made_room;
}

static bool any_is_missing(const struct core *c) {
	for (uint16_t p = 0; p < c->plan->processes.count; p++)
		if (is_missing(c, p))
			return true;
	return false;
}

static unsigned turns_in_works(const struct core *c) {
	unsigned n = 0;
	for (size_t i = 0; i < CORE_TURNS; i++)
		n += c->turns[i].step != TURN_FREE;
	return n;
}

/* By its own clock: a minute of rest is a moment where a test says so. */
static int64_t passed(const struct vital *v, struct cdm_mono since, struct cdm_mono now) {
	return (int64_t)((double)mono_since(since, now) * v->pace);
}

static void step(struct core *c, const struct health *h, double coherence) {
	struct vital *v = &c->vital;
	struct cdm_mono now = clock_mono();
	struct lifecycle_input in = { .folded = true,
		.ready = v->was_ready,
		.process_gone = v->was_ready && any_is_missing(c),
		.stop_latched = v->stopped,
		.disk_refuses = c->refused < 0,
		.actuator_live = c->plan->actuators.count > 0 && process_lives(c, c->plan->guard),
		.coherence = h->count ? coherence : 1.0, /* nothing is made of anything that could be wrong */
		.turns = turns_in_works(c),
		.motions = c->motion.moving,
		.chores = dream_chores(c),
		.budget = dream_budget(c),
		.load = v->load < 0 ? load_now() : v->load,
		.quiet_ns = passed(v, v->changed, now),
		.dwell_ns = passed(v, v->entered, now) };
	enum lifecycle_state next = lifecycle_next(v->state, &in);
	v->causes = lifecycle_causes(next, &in);
	if (next == v->state)
		return;
	v->state = next;
	int64_t quiet = (int64_t)(LIFECYCLE_QUIET_NS / v->pace);
	v->entered = next == LIFECYCLE_REST ? (struct cdm_mono){ v->changed.ns + quiet } : now;
}

/* ---- for all of core ---- */

/* lifecycle_pace and lifecycle_load, in percent, are for tests. */
void vital_open(struct core *c) {
	c->vital.changed = c->vital.entered = clock_mono();
	c->vital.pace = (double)core_option(c, "lifecycle.pace", 100) / 100;
	c->vital.load = (double)core_option(c, "lifecycle.load", -100) / 100;
}

void vital_changed(struct core *c) {
	c->vital.changed = clock_mono();
	dream_end(c);
}

int64_t vital_until_dream_ns(const struct core *c) {
	int64_t rested = passed(&c->vital, c->vital.changed, clock_mono());
	int64_t left = LIFECYCLE_QUIET_NS + LIFECYCLE_REST_NS - rested;
	return (int64_t)((double)(left > 0 ? left : LIFECYCLE_REST_NS) / c->vital.pace) + 1;
}

void vital_look(struct core *c, struct level *out) {
	struct health h;
	struct level_input in = { .goals = c->state->goal_count };
	look_at_fields(c, &h);
	c->vital.was_ready = c->vital.was_ready || !any_is_missing(c);
	if (h.most > ACTIVE)
		vital_changed(c);
	struct coherence k = coherence_of(h.inputs, h.count, 1.0);
	count_modalities(c, &in);
	in.agreement_known = look_at_claims(c, &in.agreement);
	in.history_used = h.remembers;
	in.completeness = completeness(&h);
	double p = in.agreement * COHERENCE_ALPHA; /* which gives just this G */
	in.coherence = coherence_of(h.inputs, h.count, p).score;
	in.loop_closed = loop_is_closed(c);
	*out = level_of(&in);
	for (unsigned i = 0; i < LIFECYCLE_STATE_COUNT; i++) /* as many moves as there were while nobody looked */
		step(c, &h, k.score);
}

const char *vital_why(const struct core *c, char *out, size_t room) {
	size_t n = 0;
	out[0] = 0;
	for (unsigned bit = 1; bit <= LIFECYCLE_INCOHERENT && n < room; bit <<= 1)
		if (c->vital.causes & bit)
			n += (size_t)snprintf(out + n, room - n, "%s%s", n ? ", " : "", lifecycle_cause_text(bit));
	return out;
}
