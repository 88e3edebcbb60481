/*
 * act.c - from symbols to a verdict: resolve, gather what the gate asks for, decide, and put it in words.
 *
 * Symbols that a model made of a person's words are done only when these words can ask for it (sem/wish.h);
 * symbols that a person wrote are what that person asks for.
 *
 * A command is trusted as the least of its speaker and the model that wrote it.  A stop is carried
 * out here and now; everything else only after its verdict is on the disk.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include "base/log.h"
#include "runtime/actuator.h"
#include "runtime/core_priv.h"
#include "sem/coherence.h"
#include "sem/phoenician.h"
#include "sem/trust.h"
#include "sem/weight.h"
#include "sem/wish.h"

#define ACT_DEADLINE_NS (10 * NS_PER_S) /* from the asking to the gate: what was meant for then is not done now */
#define ACT_HALF_LIFE_NS (500 * NS_PER_MS) /* of feedback, where no awareness field says otherwise */

/* ---- trust ---- */

static struct trust_prior prior_of(const struct plan_entity *e) {
	struct trust_prior p = { .strength = e->trust_strength, .base_rate = TRUST_BASE_RATE };
	memcpy(p.expectation, e->trust, sizeof(p.expectation));
	return p;
}

/* Evidence that the journal holds about somebody in a role. */
static struct trust_record evidence_of(const struct core *c, uint16_t entity, enum trust_role role) {
	static const char *const dims[TRUST_DIMS] = { "talent", "training", "temperament" };
	struct trust_record r = trust_record_make(entity, role, 0);
	for (int d = 0; d < TRUST_DIMS; d++) {
		const struct state_evidence *e = state_evidence(c->state, core_entity_name(c, entity),
				trust_role_text(role), dims[d]);
		if (!e)
			continue;
		r.p[d] = (double)e->p_ppm / 1e6;
		r.n[d] = (double)e->n_ppm / 1e6;
		r.at_ns = (int64_t)e->at_ms * NS_PER_MS;
	}
	return r;
}

static double lower(const struct core *c, uint16_t entity, enum trust_role role, unsigned safety_class) {
	const struct plan_entity *e = &plan_entities(c->plan)[entity];
	struct trust_prior p = prior_of(e);
	struct trust_record r = evidence_of(c, entity, role);
	return trust_lower(&p, &r, trust_z(safety_class), clock_wall().ns);
}

static double speaker_trust(const struct core *c, const struct speaker *s, unsigned safety_class) {
	double a = lower(c, s->principal, TRUST_COMMANDER, safety_class);
	double b = lower(c, s->entity, TRUST_COMMANDER, safety_class);
	return a < b ? a : b;
}

double act_trust(const struct core *c, const struct speaker *s, uint16_t model, unsigned safety_class) {
	double a = speaker_trust(c, s, safety_class);
	double b = model == PLAN_NONE ? 1.0 : lower(c, model, TRUST_MODEL, safety_class);
	return a < b ? a : b;
}

/* Everybody is trusted in the role that the plan gives him. */
static enum trust_role role_of(const struct core *c, uint16_t entity) {
	switch (plan_entities(c->plan)[entity].class) {
	case PLAN_MODEL: return TRUST_MODEL;
	case PLAN_SENSOR: return TRUST_SENSOR;
	case PLAN_ACTUATOR: return TRUST_DRIVER;
	default: return TRUST_COMMANDER;
	}
}

double act_told_trust(const struct core *c, const struct speaker *s) {
	double a = lower(c, s->principal, role_of(c, s->principal), 1);
	double b = lower(c, s->entity, role_of(c, s->entity), 1);
	return a < b ? a : b;
}

double act_trust_weight(const struct core *c, uint16_t entity, struct cdm_wall now) {
	if (entity == PLAN_NONE)
		return weight_trust(NULL, PLAN_NONE, TRUST_COMMANDER, NULL, 1, now.ns);
	enum trust_role role = role_of(c, entity);
	struct trust_prior p = prior_of(&plan_entities(c->plan)[entity]);
	struct trust_record r = evidence_of(c, entity, role);
	const struct trust_book book = { &r, 1, 1 };
	return weight_trust(&book, entity, role, &p, 1, now.ns);
}

/* ---- the gate ---- */

static double coherence_now(struct field *feedback, struct cdm_mono now, struct cdm_mono *heard) {
	struct cdm_info info;
	struct coherence_input in = { .half_life_ns = ACT_HALF_LIFE_NS };
	*heard = (struct cdm_mono){ 0 };
	if (!feedback->plan || field_peek(feedback, now, &info) < 0 || info.status == CDM_ORPHAN)
		return 0.0;
	*heard = info.source_time;
	in.age_ns = mono_since(info.source_time, now);
	in.intact = true;
	return coherence_of(&in, 1, 1.0).score;
}

/* Why what was said does not ask for these symbols; "" when it does, or when a person wrote them. */
static void read_wish(struct core *c, uint16_t model, const struct utterance *u, char unasked[WISH_WHY_MAX]) {
	unasked[0] = 0;
	if (model == PLAN_NONE)
		return;
	CHECK(c->current && c->current->model == model);
	(void)wish_asks_for(c->current->user, strlen(c->current->user), stop_is_name, c, u, unasked);
}

static struct gate_request request_of(struct core *c, const struct speaker *s, double view_trust,
		uint16_t model, struct cdm_mono asked, const struct utterance *u, const struct utterance_intent *i,
		uint16_t actuator, const char *unasked) {
	const struct plan_actuator *a = actuator == PLAN_NONE ? NULL : &plan_actuators(c->plan)[actuator];
	struct cdm_mono now = clock_mono();
	unsigned class = gate_class(i, a);
	struct gate_request r = { .intent = *i,
		.parse_count = u->parse_count,
		.margin = u->margin,
		.wished = !unasked[0],
		.unasked = unasked,
		.committed = i->sense != PLAN_NONE,
		.operator_present = s->principal == c->plan->operator_entity && s->entity == s->principal,
		.rights = s->rights,
		.speaker_trust = speaker_trust(c, s, class),
		.model_trust = model == PLAN_NONE ? 1.0 : lower(c, model, TRUST_MODEL, class),
		.instruction_trust = view_trust,
		.actuator = a,
		.lease_held = !c->going_down && !c->motion.moving && !c->promised && c->guard_channel >= 0,
		.now = now,
		.deadline = { asked.ns + ACT_DEADLINE_NS },
		.asked = asked,
		.stopped = c->stopped };
	if (i->sense != PLAN_NONE) {
		const struct plan_sense *sense = &plan_senses(c->plan)[i->sense];
		r.sense_trust = trust_lower_of(sense->evidence_p, sense->evidence_n, trust_z(class));
	}
	if (a)
		r.coherence = coherence_now(&c->limbs[actuator].feedback, now, &r.feedback_time);
	return r;
}

/* The actuator that all of it is for; PLAN_NONE and *why when there are several. */
static uint16_t whom_it_moves(const struct core *c, const struct utterance *u, struct refusal *why) {
	uint16_t one = PLAN_NONE;
	for (unsigned i = 0; i < u->count && why->code == REFUSAL_NONE; i++) {
		uint16_t a = actuator_for(c->plan, u->intents[i].verb, why);
		if (i > 0 && why->code == REFUSAL_NONE && a != one)
			*why = actuator_refusal(c->plan, one, a);
		one = a;
	}
	return one;
}

struct verdict act_judge(struct core *c, const struct speaker *s, double view_trust, uint16_t model,
		struct cdm_mono asked, const char *symbols, size_t bytes, struct utterance *u) {
	char unasked[WISH_WHY_MAX];
	struct verdict v = { .what = VERDICT_REFUSED, .at = clock_mono(), .deadline = { asked.ns + ACT_DEADLINE_NS } };
	memset(u, 0, sizeof(*u));
	if (c->has_lexicon)
		utterance_resolve(&c->lexicon, symbols, bytes, 0, u);
	else if (!(u->stop = phoenician_has_stop(symbols, bytes, 0)))
		u->refusal = refusal_make(REFUSAL_UNKNOWN_SYMBOL, REFUSAL_NOWHERE, 0, 0,
				"this machine has no symbol table");
	if (u->stop) {
		motion_estop(c);
		v.what = VERDICT_STOPPED;
		v.command = ++c->last_command;
		return v;
	}
	v.refusal = u->refusal;
	read_wish(c, model, u, unasked);
	if (v.refusal.code == REFUSAL_NONE)
		v.actuator = whom_it_moves(c, u, &v.refusal);
	for (unsigned i = 0; v.refusal.code == REFUSAL_NONE && i < u->count; i++) {
		struct gate_request r = request_of(c, s, view_trust, model, asked, u, &u->intents[i], v.actuator,
				unasked);
		v.refusal = gate_decide(&r).refusal;
	}
	if (v.refusal.code == REFUSAL_NONE && u->count > 0) {
		v.what = VERDICT_STARTED;
		v.command = c->promised = ++c->last_command;
	}
	event_write(&c->events, clock_mono(), EVENT_GATE, s->entity, v.command, v.refusal.code,
			v.what == VERDICT_STARTED ? "allowed" : refusal_name(v.refusal.code));
	return v;
}

void act_dropped(struct core *c, const struct verdict *v) {
	if (c->promised && c->promised == v->command)
		c->promised = 0;
}

/* ---- words ---- */

static const struct act_asked nothing = { "", "" };

static int command_body(const struct core *c, const struct speaker *s, const struct verdict *v, double trust,
		enum plan_verb verb, int32_t number, const struct act_asked *asked, uint8_t *room, size_t capacity) {
	struct body_command b = { .id = v->command,
		.verb = body_text(plan_verb_text(verb)),
		.number = number,
		.source = body_text(core_entity_name(c, s->entity)),
		.trust_ppm = body_ppm(trust),
		.request = body_text(asked->request),
		.symbols = body_text(asked->symbols) };
	return body_build_command(&b, room, capacity);
}

static int refusal_body(const struct core *c, const struct speaker *s, const struct verdict *v,
		const struct act_asked *asked, uint8_t *room, size_t capacity) {
	char line[REFUSAL_TEXT_MAX];
	struct body_refusal b = { .reason = body_text(refusal_name(v->refusal.code)),
		.detail = body_text(refusal_line(&v->refusal, line)),
		.request = body_text(asked->request),
		.source = body_text(asked->request[0] ? core_entity_name(c, s->entity) : ""),
		.symbols = body_text(asked->symbols) };
	return body_build_refusal(&b, room, capacity);
}

/* The n-th record of a verdict: a refusal, a stop, or one primitive of a command. */
static int entry_body(const struct core *c, const struct speaker *s, const struct utterance *u,
		const struct verdict *v, double trust, unsigned n, const struct act_asked *asked, uint8_t *room,
		size_t capacity) {
	if (v->what == VERDICT_REFUSED)
		return refusal_body(c, s, v, asked, room, capacity);
	if (v->what == VERDICT_STOPPED)
		return command_body(c, s, v, trust, PLAN_VERB_STOP, 0, asked, room, capacity);
	return command_body(c, s, v, trust, (enum plan_verb)u->intents[n].verb, u->intents[n].number, asked, room,
			capacity);
}

unsigned act_entries(struct core *c, const struct speaker *s, const struct utterance *u, struct verdict *v,
		double trust, const struct act_asked *asked, struct journal_entry *e, uint8_t *room, size_t capacity) {
	unsigned count = v->what == VERDICT_NONE ? 0 : v->what == VERDICT_STARTED ? u->count : 1;
	enum journal_kind kind = v->what == VERDICT_REFUSED ? JOURNAL_REFUSAL : JOURNAL_COMMAND;
	size_t used = 0;
	if (!asked || !asked->request[0])
		asked = &nothing;
	for (unsigned i = 0; i < count; i++) {
		const struct act_asked *of = i == 0 ? asked : &nothing;
		int n = entry_body(c, s, u, v, trust, i, of, room + used, capacity - used);
		if (n < 0) {
			log_error("a verdict does not fit its records");
			return 0;
		}
		e[i] = (struct journal_entry){ kind, JOURNAL_MACHINE, core_entity_name(c, 0),
			core_entity_name(c, s->principal), room + used, (size_t)n, of->request };
		used += (size_t)n;
	}
	return count;
}

static const char *const verdicts[] = { "none", "started", "refused", "stopped" }; /* as in struct verdict */

void act_reply(struct mp_out *o, const struct verdict *v) {
	char line[REFUSAL_TEXT_MAX];
	bool refused = v->what == VERDICT_REFUSED;
	mp_kv_str(o, "verdict", verdicts[v->what]);
	mp_kv_str(o, "reason", refused ? refusal_name(v->refusal.code) : "");
	mp_kv_str(o, "detail", refused ? refusal_line(&v->refusal, line) : "");
	mp_kv_uint(o, "command", v->command);
}

void act_reply_again(struct mp_out *o, const struct recalled *r) {
	mp_kv_str(o, "verdict", verdicts[r->what]);
	mp_kv_str(o, "reason", r->reason);
	mp_kv_str(o, "detail", r->detail);
	mp_kv_uint(o, "command", r->command);
}
