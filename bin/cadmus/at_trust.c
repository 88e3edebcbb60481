/*
 * at_trust.c - evidence about somebody as it was: sums for each role and dimension, decayed to that moment.
 *
 * A state has the sums as they were when the last evidence came; the half-life is that of the role.  Where the plan of
 * then is known, its word counts as well, and the expectation is the one that a decision of that moment had.  Without
 * evidence that word alone is what counts.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "base/clock.h"
#include "bin/cadmus/at.h"
#include "bin/cadmus/old_plan.h"
#include "bin/cadmus/output.h"
#include "lang/near.h"
#include "sem/decay.h"
#include "sem/trust.h"

static const char *const dims[TRUST_DIMS] = { "talent", "training", "temperament" };

/* -1: of a role that this program does not know, evidence is shown as it was. */
static int64_t half_life_of(const char *role) {
	for (unsigned r = 0; r < TRUST_ROLE_COUNT; r++)
		if (strcmp(trust_role_text(r), role) == 0)
			return trust_half_life_ns((enum trust_role)r);
	return -1;
}

struct sum {
	const struct state_evidence *e;
	double p, n, age_s;
	bool decays;
	double expectation; /* with the word of the plan; < 0: not known */
};

static struct trust_prior prior_of(const struct plan_entity *e) {
	struct trust_prior p = { .strength = e->trust_strength, .base_rate = TRUST_BASE_RATE };
	memcpy(p.expectation, e->trust, sizeof(p.expectation));
	return p;
}

/* NULL: the plan is not known, or does not name it. */
static const struct plan_entity *named(const struct plan *plan, const char *name) {
	uint16_t who = plan ? plan_find_entity(plan, name) : PLAN_NONE;
	return who == PLAN_NONE ? NULL : &plan_entities(plan)[who];
}

static struct sum decayed(const struct at *a, const struct state_evidence *e, const struct plan *plan) {
	int64_t half_life = half_life_of(e->role), at_ms = e->at_ms < (uint64_t)(INT64_MAX / NS_PER_MS)
			? (int64_t)e->at_ms : 0;
	int64_t age_ns = at_ns(a) - at_ms * NS_PER_MS;
	double f = half_life > 0 ? decay_factor(age_ns, half_life) : 1.0;
	struct sum s = { e, f * (double)e->p_ppm / 1e6, f * (double)e->n_ppm / 1e6, (double)age_ns / 1e9, half_life > 0,
			-1.0 };
	const struct plan_entity *who = named(plan, e->subject);
	for (unsigned d = 0; who && d < TRUST_DIMS; d++) {
		struct trust_prior prior = prior_of(who);
		struct trust_record r = { .subject = 0 };
		r.p[d] = s.p;
		r.n[d] = s.n;
		if (strcmp(dims[d], e->dim) == 0)
			s.expectation = trust_opinion(&prior, &r, (enum trust_dim)d, 0).expectation;
	}
	return s;
}

static json_t *sum_json(const struct sum *s) {
	return json_pack("{s:s,s:s,s:f,s:f,s:I,s:f,s:b,s:o,s:I}", "role", s->e->role, "dim", s->e->dim, "p", s->p, "n",
			s->n,
			"count", (json_int_t)s->e->count, "age_s", s->age_s, "decays", s->decays, "expectation",
			s->expectation < 0 ? json_null() : json_real(s->expectation), "seq", (json_int_t)s->e->seq);
}

static void sum_print(const struct sum *s) {
	char role[sizeof(s->e->role)], dim[sizeof(s->e->dim)];
	printf("  %-12s %-12s for %.3f, against %.3f, of %llu observations, the last %.0f s before, record %llu%s",
			output_text(s->e->role, role, sizeof(role)), output_text(s->e->dim, dim, sizeof(dim)), s->p,
			s->n, (unsigned long long)s->e->count, s->age_s,
			(unsigned long long)s->e->seq, s->decays ? "" : ", not decayed");
	if (s->expectation >= 0)
		printf("; with the plan's word %.3f", s->expectation);
	printf("\n");
}

/* ---- the word of the plan ---- */

static double expected(const struct plan_entity *who, unsigned dim) {
	struct trust_prior prior = prior_of(who);
	return trust_opinion(&prior, NULL, (enum trust_dim)dim, 0).expectation;
}

static json_t *word_json(const struct plan_entity *who) {
	json_t *out = json_pack("{s:f}", "strength", who->trust_strength);
	for (unsigned d = 0; d < TRUST_DIMS; d++)
		json_object_set_new(out, dims[d], json_pack("{s:f,s:f}", "word", who->trust[d], "expectation",
				expected(who, d)));
	return out;
}

static void word_print(const struct at *a, const struct plan_entity *who) {
	if (!at_begin(a))
		return;
	printf("no evidence about %s by then: the plan's word alone, worth %g observations\n", who->name,
			who->trust_strength);
	for (unsigned d = 0; d < TRUST_DIMS; d++)
		printf("  %-12s %.3f, expectation %.3f\n", dims[d], who->trust[d], expected(who, d));
}

static int unknown(const struct at *a, const struct plan *plan, const char *name) {
	struct near n = { .word = name };
	char hint[128] = "`cadmus log --kind evidence` shows about whom there is";
	for (unsigned i = 0; i < a->state->evidence_count; i++)
		near_offer(&n, state_evidence_at(a->state, i)->subject);
	for (uint16_t i = 0; plan && i < plan->entities.count; i++)
		near_offer(&n, plan_entities(plan)[i].name);
	if (n.best)
		snprintf(hint, sizeof(hint), "did you mean '%s'?", n.best);
	return verb_failed_hint("at", -ENOENT, hint, "there was no evidence about '%s' by then, and %s", name,
			plan ? "the plan does not name it" : "the plan of then is not known");
}

int at_trust(const struct at *a, const char *name) {
	json_t *list = json_array();
	struct plan *plan = old_plan(a->past, a->state);
	const struct plan_entity *who = named(plan, name);
	unsigned found = 0;
	int code = 0;
	char subject[CDM_NAME_MAX];
	for (unsigned i = 0; i < a->state->evidence_count; i++) {
		const struct state_evidence *e = state_evidence_at(a->state, i);
		if (strcmp(e->subject, name) != 0)
			continue;
		struct sum s = decayed(a, e, plan);
		if (found++ == 0 && at_begin(a))
			printf("evidence about %s, decayed to then\n", output_text(name, subject, sizeof(subject)));
		if (a->into)
			json_array_append_new(list, sum_json(&s));
		else
			sum_print(&s);
	}
	if (!found && !who)
		code = unknown(a, plan, name);
	else if (a->into) {
		json_object_set(a->into, "trust", list);
		json_object_set_new(a->into, "prior", who ? word_json(who) : json_null());
	} else if (!found)
		word_print(a, who);
	json_decref(list);
	free(plan);
	return code;
}
