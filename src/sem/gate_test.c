/*
 * gate_test.c - the whole truth table: every combination of every condition true or false, for
 * every class of act; it is allowed if and only if all hold, the mask names exactly those that do
 * not, and the refusal names the first. Then the edges of each condition alone, and that a stop
 * passes through all of it.
 */
#include "sem/gate.h"

#include <math.h>
#include <stdio.h>
#include <string.h>
#include "sem/trust.h"

static struct plan_actuator legs; /* walk 1..99, stand without number, no scan */

static struct gate_request good(unsigned class) {
	return (struct gate_request){
		.intent = { .verb = PLAN_VERB_WALK,
				.safety_class = (uint8_t) class,
				.has_number = true,
				.number = 3,
				.at = 8 },
		.parse_count = 1,
		.margin = 100,
		.wished = true,
		.committed = true,
		.operator_present = true,
		.rights = PLAN_MAY_ACTUATE,
		.speaker_trust = 1,
		.model_trust = 1,
		.instruction_trust = 1,
		.sense_trust = 1,
		.coherence = 1,
		.actuator = &legs,
		.lease_held = true,
		.now = { 5000000000 },
		.deadline = { 5000000001 },
		.feedback_time = { 4990000000 },
		.asked = { 4900000000 },
		.stopped = { 4899999999 },
	};
}

/* Make one condition fail without touching another; false when the class makes that impossible. */
static bool spoil(struct gate_request *r, unsigned condition, unsigned class) {
	switch ((enum gate_condition)condition) {
	case GATE_ACTION:
		return false; /* nobody offers a verb that is none: spoil_verb() does both */
	case GATE_POSITIVE:
		r->intent.negated = true;
		return true;
	case GATE_ASKED:
		r->wished = false;
		return true;
	case GATE_UNAMBIGUOUS:
		r->parse_count = 2;
		r->margin = 19;
		return true;
	case GATE_COMMITTED:
		r->committed = false;
		return true;
	case GATE_OFFERED:
		return false;
	case GATE_NUMBER:
		r->intent.number = 0;
		return true;
	case GATE_LIMIT:
		if (r->intent.number == 0)
			return false; /* too small and too large at once */
		r->intent.number = 100;
		return true;
	case GATE_GRANT:
		r->rights = PLAN_MAY_SAY | PLAN_MAY_SET | PLAN_MAY_CONTROL;
		return true;
	case GATE_OPERATOR:
		r->operator_present = false;
		return class == 3;
	case GATE_SPEAKER:
		r->speaker_trust = trust_threshold(class) - 1e-9;
		return true;
	case GATE_MODEL:
		r->model_trust = trust_threshold(class) - 1e-9;
		return true;
	case GATE_INSTRUCTION:
		r->instruction_trust = trust_threshold(class) - 1e-9;
		return true;
	case GATE_SENSE:
		r->sense_trust = 0.6 - 1e-9;
		return true;
	case GATE_COHERENCE:
		r->coherence = gate_coherence(class) - 1e-9;
		return true;
	case GATE_LEASE:
		r->lease_held = false;
		return true;
	case GATE_DEADLINE:
		r->deadline.ns = r->now.ns - 1;
		return true;
	case GATE_FEEDBACK:
		r->feedback_time.ns = r->now.ns - GATE_FEEDBACK_MAX_NS - 1;
		return true;
	case GATE_CURRENT:
		r->stopped = r->asked;
		return true;
	case GATE_CONDITION_COUNT:
		break;
	}
	return false;
}

static void check_verdict(const struct gate_request *r, uint32_t failed) {
	struct gate_verdict v = gate_decide(r);
	CHECK(v.failed == failed);
	CHECK(v.allowed == (failed == 0));
	CHECK((v.refusal.code == REFUSAL_NONE) == v.allowed);
	if (!v.allowed)
		CHECK(v.refusal.at == r->intent.at);
}

/* Verbs that are refused as such, with everything else in every state. */
static void spoil_verb(struct gate_request *r, unsigned how, uint32_t *failed) {
	if (how == 1) {
		r->intent.verb = PLAN_VERB_SCAN; /* an action that these legs do not offer */
		*failed |= 1u << GATE_OFFERED;
	} else if (how == 2) {
		r->intent.verb = PLAN_VERB_NONE;
		*failed |= 1u << GATE_ACTION | 1u << GATE_OFFERED;
	}
	if (how > 0) { /* without an offer there is no number that could be right, nor a limit */
		*failed &= ~(1u << GATE_NUMBER | 1u << GATE_LIMIT);
		*failed |= 1u << GATE_NUMBER;
	}
}

static void whole_truth_table(void) {
	unsigned long allowed = 0, all = 0;
	for (unsigned class = 0; class < TRUST_CLASSES; class ++) {
		for (uint32_t mask = 0; mask < 1u << GATE_CONDITION_COUNT; mask++) {
			struct gate_request r = good(class);
			uint32_t failed = 0;
			unsigned how = mask >> GATE_ACTION & 1    ? 2
				       : mask >> GATE_OFFERED & 1 ? 1
								  : 0;
			for (unsigned c = 0; c < GATE_CONDITION_COUNT; c++)
				if (mask >> c & 1 && spoil(&r, c, class))
					failed |= 1u << c;
			spoil_verb(&r, how, &failed);
			check_verdict(&r, failed);
			all++;
			allowed += failed == 0;
		}
	}
	/*
	 * nothing spoiled; for classes below 3 also with the operator away, which is no condition
	 * there
	 */
	printf("gate_test: %lu of %lu combinations allowed\n", allowed, all);
	CHECK(allowed == 3 * 2 + 1);
}

static void each_refusal_says_what_and_how_much(void) {
	static const struct {
		enum gate_condition c;
		enum refusal_code code;
		double asked, allowed;
		const char *what;
	} rows[] = {
		{ GATE_POSITIVE, REFUSAL_NEGATED, 0, 0, "" },
		{ GATE_UNAMBIGUOUS, REFUSAL_AMBIGUOUS, 19, 20, "" },
		{ GATE_COMMITTED, REFUSAL_UNKNOWN_SYMBOL, 0, 0, "" },
		{ GATE_NUMBER, REFUSAL_BAD_NUMBER, 0, 99, "" },
		{ GATE_LIMIT, REFUSAL_LIMIT, 100, 99, "" },
		{ GATE_GRANT, REFUSAL_NO_GRANT, 2, 13, "actuate" },
		{ GATE_OPERATOR, REFUSAL_NOT_OPERATOR, 3, 2, "speaker" },
		{ GATE_SPEAKER, REFUSAL_UNTRUSTED, .85, .85, "speaker" },
		{ GATE_MODEL, REFUSAL_UNTRUSTED, .85, .85, "model" },
		{ GATE_INSTRUCTION, REFUSAL_UNTRUSTED, .85, .85, "instruction" },
		{ GATE_SENSE, REFUSAL_UNTRUSTED, .6, .6, "sense" },
		{ GATE_COHERENCE, REFUSAL_INCOHERENT, .8, .8, "state" },
		{ GATE_LEASE, REFUSAL_LEASE, 0, 0, "" },
		{ GATE_DEADLINE, REFUSAL_DEADLINE, 1e-6, 0, "after the deadline" },
		{ GATE_FEEDBACK, REFUSAL_STALE_FEEDBACK, 100, 100, "age of feedback" },
		{ GATE_CURRENT, REFUSAL_STOPPED, 0, 0, "" },
	};
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct gate_request r = good(3);
		CHECK(spoil(&r, rows[i].c, 3));
		struct gate_verdict v = gate_decide(&r);
		CHECK(v.refusal.code == rows[i].code && strcmp(v.refusal.what, rows[i].what) == 0);
		CHECK(fabs(v.refusal.asked - rows[i].asked) < 1e-5 &&
				fabs(v.refusal.allowed - rows[i].allowed) < 1e-5);
		CHECK(v.safety_class == 3);
	}
}

static void verbs_must_be_offered(void) {
	struct gate_request r = good(0);
	r.intent.verb = PLAN_VERB_STAND; /* offered without a number */
	CHECK(gate_decide(&r).refusal.code == REFUSAL_BAD_NUMBER);
	r.intent.has_number = false;
	CHECK(gate_decide(&r).allowed);
	r.intent.verb = PLAN_VERB_SCAN;
	CHECK(gate_decide(&r).refusal.code == REFUSAL_NOT_OFFERED);
	static const unsigned none[] = { PLAN_VERB_NONE, PLAN_VERB_COUNT, 15, 16, 255 };
	for (size_t i = 0; i < COUNT_OF(none); i++) {
		r.intent.verb = (uint8_t)none[i];
		CHECK(gate_decide(&r).refusal.code == REFUSAL_NOT_AN_ACTION);
	}
	r = good(0);
	r.actuator = NULL;
	CHECK(gate_decide(&r).refusal.code == REFUSAL_NOT_OFFERED);
}

static void edges_are_where_they_are_said_to_be(void) {
	struct gate_request r = good(1);
	r.speaker_trust = r.model_trust = r.instruction_trust = trust_threshold(1);
	r.sense_trust = 0.6;
	r.coherence = 0.5;
	r.intent.number = 99;
	r.deadline = r.now;
	r.feedback_time.ns = r.now.ns - GATE_FEEDBACK_MAX_NS;
	CHECK(gate_decide(&r).allowed);
	r.feedback_time.ns = r.now.ns + GATE_FEEDBACK_MAX_NS;
	CHECK(gate_decide(&r).allowed);
	r.feedback_time.ns++; /* a clock gone wrong keeps nothing fresh */
	CHECK(gate_decide(&r).refusal.code == REFUSAL_STALE_FEEDBACK);
	r.feedback_time.ns = INT64_MIN;
	CHECK(gate_decide(&r).refusal.code == REFUSAL_STALE_FEEDBACK);
	r.feedback_time.ns = INT64_MAX;
	CHECK(gate_decide(&r).refusal.code == REFUSAL_STALE_FEEDBACK);
	r = good(0);
	r.coherence = 0;
	r.parse_count = 2;
	r.margin = 20;
	CHECK(gate_decide(&r).allowed); /* class 0 needs neither coherence nor a single parse */
	r.parse_count = 0;
	CHECK(gate_decide(&r).refusal.code == REFUSAL_AMBIGUOUS);
	r = good(1);
	r.parse_count = 2;
	CHECK(gate_decide(&r).refusal.code == REFUSAL_AMBIGUOUS);
	r = good(1);
	r.deadline.ns = INT64_MAX;
	CHECK(gate_decide(&r).allowed);
}

static void the_higher_class_counts(void) {
	legs.safety_class = 3;
	struct gate_request r = good(0);
	r.speaker_trust = 0.84;
	struct gate_verdict v = gate_decide(&r);
	CHECK(v.safety_class == 3 && v.refusal.code == REFUSAL_UNTRUSTED &&
			v.refusal.allowed == 0.85);
	legs.safety_class = 0;
	r.intent.safety_class = 200;
	CHECK(gate_class(&r.intent, NULL) == 3 && gate_decide(&r).safety_class == 3);
}

static void what_is_no_number_does_not_hold(void) {
	static const size_t at[] = { offsetof(struct gate_request, speaker_trust),
		offsetof(struct gate_request, model_trust),
		offsetof(struct gate_request, instruction_trust),
		offsetof(struct gate_request, sense_trust),
		offsetof(struct gate_request, coherence) };
	for (size_t i = 0; i < COUNT_OF(at); i++) {
		struct gate_request r = good(0);
		double nan = NAN;
		memcpy((char *)&r + at[i], &nan, sizeof(nan));
		CHECK(!gate_decide(&r).allowed);
	}
	struct gate_request zero = { .actuator = NULL };
	CHECK(!gate_decide(&zero).allowed);
}

static void a_stop_always_passes(void) {
	for (uint32_t mask = 0; mask < 1u << GATE_CONDITION_COUNT; mask++) {
		struct gate_request r = good(3);
		for (unsigned c = 0; c < GATE_CONDITION_COUNT; c++)
			if (mask >> c & 1 && c != GATE_POSITIVE)
				spoil(&r, c, 3);
		r.intent.verb = PLAN_VERB_STOP;
		struct gate_verdict v = gate_decide(&r);
		CHECK(v.allowed && v.failed == 0 && v.refusal.code == REFUSAL_NONE);
	}
	struct gate_request bare = { .intent = { .verb = PLAN_VERB_STOP } };
	CHECK(gate_decide(&bare).allowed);
	bare.intent.negated = true;
	CHECK(!gate_decide(&bare).allowed);
}

/* The report's model walks, and does no more; an operator may do class 3 (architecture.md 9). */
static void the_first_flight(void) {
	struct trust_prior phi3 = { { .8, .9, .7 }, 10, TRUST_BASE_RATE },
			   op = { { .99, .99, .99 }, 50, TRUST_BASE_RATE };
	for (unsigned class = 0; class < TRUST_CLASSES; class ++) {
		struct gate_request r = good(class);
		r.speaker_trust = trust_lower(&op, NULL, trust_z(class), 0);
		r.sense_trust = trust_lower_of(20, 0, trust_z(class));
		CHECK(gate_decide(&r).allowed);
		r.model_trust = trust_lower(&phi3, NULL, trust_z(class), 0);
		CHECK(gate_decide(&r).allowed == (class <= 1));
	}
}

int main(void) {
	legs.verb_max[PLAN_VERB_WALK] = 99;
	legs.verb_max[PLAN_VERB_STAND] = -1;
	CHECK(strcmp(gate_condition_name(GATE_LEASE), "LEASE") == 0 &&
			strcmp(gate_condition_text(99), "?") == 0);
	whole_truth_table();
	each_refusal_says_what_and_how_much();
	verbs_must_be_offered();
	edges_are_where_they_are_said_to_be();
	the_higher_class_counts();
	what_is_no_number_does_not_hold();
	a_stop_always_passes();
	the_first_flight();
	puts("gate_test: ok");
}
