/*
 * gate.c - each condition is one line of holds(); the refusal of each, with its numbers, one case
 * of explain(). A condition reads `x >= limit`, so that what is no number does not hold.
 */
#include "sem/gate.h"

#include "base/clock.h"
#include "sem/coherence.h"
#include "sem/trust.h"

static const struct {
	const char *name, *text;
	uint8_t refusal;
} conditions[] = {
#define GATE(name, refusal, text) { #name, text, REFUSAL_##refusal },
#include "sem/gate.def"
#undef GATE
};

const char *gate_condition_name(unsigned condition) {
	return condition < COUNT_OF(conditions) ? conditions[condition].name : "?";
}

const char *gate_condition_text(unsigned condition) {
	return condition < COUNT_OF(conditions) ? conditions[condition].text : "?";
}

double gate_coherence(unsigned safety_class) {
	static const double least[TRUST_CLASSES] = { 0, COHERENCE_DEGRADED, COHERENCE_DEGRADED,
		COHERENCE_COHERENT };
	return least[safety_class < TRUST_CLASSES ? safety_class : TRUST_CLASSES - 1];
}

unsigned gate_class(const struct utterance_intent *intent, const struct plan_actuator *actuator) {
	unsigned c = intent->safety_class;
	if (actuator && actuator->safety_class > c)
		c = actuator->safety_class;
	return c < TRUST_CLASSES ? c : TRUST_CLASSES - 1;
}

/*
 * The actuator's word on the verb: 0 not offered, -1 offered without a number, else the largest
 * one.
 */
static int32_t offer(const struct gate_request *r) {
	unsigned verb = r->intent.verb;
	return r->actuator && verb < COUNT_OF(r->actuator->verb_max) ? r->actuator->verb_max[verb]
								     : 0;
}

static bool unambiguous(const struct gate_request *r, unsigned class) {
	return r->parse_count == 1 ||
	       (r->parse_count > 1 && class == 0 && r->margin >= UTTERANCE_MARGIN_MIN);
}

/* How long ago; for ever when the times are beyond all reason. */
static int64_t since(struct cdm_mono then, struct cdm_mono now) {
	int64_t ns;
	return __builtin_sub_overflow(now.ns, then.ns, &ns) ? INT64_MAX : ns;
}

/* Heard of lately: neither long ago nor, by a clock gone wrong, in the future. */
static bool fresh(const struct gate_request *r) {
	int64_t age = since(r->feedback_time, r->now);
	return age <= GATE_FEEDBACK_MAX_NS && age >= -GATE_FEEDBACK_MAX_NS;
}

static bool holds(const struct gate_request *r, enum gate_condition c, unsigned class) {
	double theta = trust_threshold(class);
	int32_t most = offer(r);
	switch (c) {
	case GATE_ACTION:
		return r->intent.verb > PLAN_VERB_NONE && r->intent.verb < PLAN_VERB_COUNT;
	case GATE_POSITIVE:
		return !r->intent.negated;
	case GATE_ASKED:
		return r->wished;
	case GATE_UNAMBIGUOUS:
		return unambiguous(r, class);
	case GATE_COMMITTED:
		return r->committed;
	case GATE_OFFERED:
		return most != 0;
	case GATE_NUMBER:
		return most > 0 ? r->intent.number >= 1 : !r->intent.has_number;
	case GATE_LIMIT:
		return most <= 0 || r->intent.number <= most;
	case GATE_GRANT:
		return (r->rights & PLAN_MAY_ACTUATE) != 0;
	case GATE_OPERATOR:
		return class < 3 || r->operator_present;
	case GATE_SPEAKER:
		return r->speaker_trust >= theta;
	case GATE_MODEL:
		return r->model_trust >= theta;
	case GATE_INSTRUCTION:
		return r->instruction_trust >= theta;
	case GATE_SENSE:
		return r->sense_trust >= GATE_SENSE_MIN;
	case GATE_COHERENCE:
		return r->coherence >= gate_coherence(class);
	case GATE_LEASE:
		return r->lease_held;
	case GATE_DEADLINE:
		return r->now.ns <= r->deadline.ns;
	case GATE_FEEDBACK:
		return fresh(r);
	case GATE_CURRENT:
		return r->asked.ns > r->stopped.ns;
	case GATE_CONDITION_COUNT:
		break;
	}
	return false;
}

struct numbers {
	double asked, allowed;
	const char *what;
};

static struct numbers explain(const struct gate_request *r, enum gate_condition c, unsigned class) {
	double theta = trust_threshold(class);
	switch (c) {
	case GATE_ASKED:
		return (struct numbers){ 0, 0, r->unasked };
	case GATE_UNAMBIGUOUS:
		return (struct numbers){ r->margin, UTTERANCE_MARGIN_MIN, "" };
	case GATE_NUMBER:
	case GATE_LIMIT:
		return (struct numbers){ r->intent.number, offer(r) > 0 ? offer(r) : 0, "" };
	case GATE_GRANT:
		return (struct numbers){ PLAN_MAY_ACTUATE, r->rights, "actuate" };
	case GATE_OPERATOR:
		return (struct numbers){ class, 2, "speaker" };
	case GATE_SPEAKER:
		return (struct numbers){ r->speaker_trust, theta, "speaker" };
	case GATE_MODEL:
		return (struct numbers){ r->model_trust, theta, "model" };
	case GATE_INSTRUCTION:
		return (struct numbers){ r->instruction_trust, theta, "instruction" };
	case GATE_SENSE:
		return (struct numbers){ r->sense_trust, GATE_SENSE_MIN, "sense" };
	case GATE_COHERENCE:
		return (struct numbers){ r->coherence, gate_coherence(class), "state" };
	case GATE_DEADLINE:
		return (struct numbers){ ns_to_ms(since(r->deadline, r->now)), 0,
			"after the deadline" };
	case GATE_FEEDBACK:
		return (struct numbers){ ns_to_ms(since(r->feedback_time, r->now)),
			ns_to_ms(GATE_FEEDBACK_MAX_NS), "age of feedback" };
	default:
		return (struct numbers){ 0, 0, "" };
	}
}

struct gate_verdict gate_decide(const struct gate_request *r) {
	unsigned class = gate_class(&r->intent, r->actuator);
	struct gate_verdict v = { .safety_class = (uint8_t) class };
	if (r->intent.verb == PLAN_VERB_STOP && !r->intent.negated) {
		v.allowed = true;
		v.refusal.at = REFUSAL_NOWHERE;
		return v;
	}
	for (unsigned c = 0; c < GATE_CONDITION_COUNT; c++)
		if (!holds(r, (enum gate_condition)c, class))
			v.failed |= 1u << c;
	v.allowed = v.failed == 0;
	v.refusal.at = REFUSAL_NOWHERE;
	if (v.allowed)
		return v;
	unsigned first = (unsigned)__builtin_ctz(v.failed);
	struct numbers n = explain(r, (enum gate_condition)first, class);
	v.refusal = refusal_make((enum refusal_code)conditions[first].refusal, r->intent.at,
			n.asked, n.allowed, n.what);
	return v;
}
