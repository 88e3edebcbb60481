/*
 * limits_test.c - one good command, and every single way to spoil it.
 *
 * Each row changes one thing and names the refusal that must follow; a row that is not refused, or
 * refused for another reason, fails.
 */
#include "guard/limits.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include "guard/guard_test.h"

static struct limits limits;
static struct limits_now now;
static struct motion_command good;

static void fresh(void) {
	CHECK(limits_init(&limits, &actuator_example, EXAMPLE_INDEX, NULL) == 0);
	now = (struct limits_now){ .now.ns = T0, .barrier_ns = T0 - 100, .command_id = 5, .seq = 70,
			.feedback = true };
	good = (struct motion_command){ .command_id = 6, .seq = 71, .issued_ns = T0 - 99,
			.valid_until_mono_ns = T0 + 200 * NS_PER_MS, .deadline_ns = T0 + 1,
			.actuator = EXAMPLE_INDEX, .joint_count = 18, .kind = MOTION_MOVE, .trust = 0.5f };
	for (unsigned j = 0; j < 18; j++) {
		good.joint_cdeg[j] = j % 3 == 2 ? -14000 : 6000;
		good.rate_cdeg_s[j] = 20000;
	}
}

static enum guard_refusal judge(void) {
	motion_command_seal(&good);
	return limits_check(&limits, &now, &good);
}

#define REFUSED(change, why)                    \
	do {                                    \
		fresh();                        \
		change;                         \
		CHECK(judge() == REFUSE_##why); \
	} while (0)

static void refuses_the_wrong_origin(void) {
	REFUSED((void)0, NONE);
	REFUSED(good.kind = 0, KIND);
	REFUSED(good.kind = 5, KIND);
	REFUSED(good.actuator = 2, ACTUATOR);
	REFUSED(good.seq = 70, SEQUENCE);
	REFUSED(good.seq = 0, SEQUENCE);
	REFUSED(now.quitting = true, QUITTING);
	REFUSED(good.command_id = 5, ENDED);
	REFUSED(good.command_id = 4, ENDED);
	REFUSED((good.command_id = 5, now.moving = true), NONE);
	REFUSED((good.command_id = 4, now.moving = true), ENDED);
	REFUSED(good.issued_ns = T0 - 100, STOPPED);
	REFUSED(now.barrier_ns = INT64_MAX, STOPPED);
	REFUSED(good.issued_ns = T0 + 1, ISSUED);
}

static void refuses_the_wrong_terms(void) {
	REFUSED(good.valid_until_mono_ns = T0, LEASE);
	REFUSED(good.valid_until_mono_ns = T0 + 200 * NS_PER_MS + 1, LEASE);
	REFUSED(good.valid_until_mono_ns = INT64_MAX, LEASE);
	REFUSED(good.valid_until_mono_ns = INT64_MIN, LEASE);
	REFUSED(good.deadline_ns = T0, DEADLINE);
	REFUSED(good.deadline_ns = -1, DEADLINE);
	REFUSED(good.deadline_ns = 0, NONE);
	REFUSED(good.trust = 0.499f, TRUST);
	REFUSED(good.trust = 1.01f, TRUST);
	REFUSED(good.trust = NAN, TRUST);
	REFUSED(good.trust = -INFINITY, TRUST);
	REFUSED(good.joint_count = 17, JOINTS);
	REFUSED(good.joint_count = 65535, JOINTS);
	REFUSED(now.feedback = false, FEEDBACK);
}

static void refuses_every_joint_beyond_its_limits(void) {
	for (unsigned j = 0; j < 18; j++) {
		REFUSED(good.joint_cdeg[j] = actuator_example.joint_max_cdeg[j % 3] + 1, ANGLE);
		REFUSED(good.joint_cdeg[j] = actuator_example.joint_min_cdeg[j % 3] - 1, ANGLE);
		REFUSED(good.joint_cdeg[j] = INT32_MIN, ANGLE);
		REFUSED(good.joint_cdeg[j] = INT32_MAX, ANGLE);
		REFUSED(good.rate_cdeg_s[j] = 20001, RATE);
		REFUSED(good.rate_cdeg_s[j] = -1, RATE);
		REFUSED(good.rate_cdeg_s[j] = INT32_MIN, RATE);
		REFUSED(good.rate_cdeg_s[j] = 0, NONE);
		REFUSED(now.at_cdeg[j] = good.joint_cdeg[j] + 40001, STEP);
		REFUSED(now.at_cdeg[j] = good.joint_cdeg[j] - 40001, STEP);
		REFUSED(now.at_cdeg[j] = good.joint_cdeg[j] + 40000, NONE);
	}
}

static void asks_less_of_the_others(void) {
	REFUSED((good.kind = MOTION_RELEASE, good.command_id = 5, now.moving = true, good.joint_count = 0), NONE);
	REFUSED(good.kind = MOTION_RELEASE, ENDED);
	REFUSED((good.kind = MOTION_SAFE, good.trust = 0, good.valid_until_mono_ns = 0, good.joint_count = 0), NONE);
	REFUSED((good.kind = MOTION_SAFE, now.feedback = false), FEEDBACK);
	REFUSED((good.kind = MOTION_SAFE, good.issued_ns = 0), STOPPED);
	/* A stop is a stop, however old, repeated or untrusted. */
	REFUSED((good.kind = MOTION_STOP, good.seq = 0, good.command_id = 0, good.trust = NAN,
			now.quitting = true, now.feedback = false, now.barrier_ns = INT64_MAX), NONE);
	REFUSED((good.kind = MOTION_STOP, good.actuator = 0), ACTUATOR);
}

static void refuses_every_broken_seal(void) {
	fresh();
	motion_command_seal(&good);
	unsigned char *bytes = (unsigned char *)&good;
	for (size_t bit = 0; bit < 8 * sizeof(good); bit++) {
		bytes[bit / 8] ^= (unsigned char)(1u << bit % 8);
		CHECK(limits_check(&limits, &now, &good) == REFUSE_SEAL);
		bytes[bit / 8] ^= (unsigned char)(1u << bit % 8);
	}
	CHECK(limits_check(&limits, &now, &good) == REFUSE_NONE);
	struct motion_command zero = { 0 };
	CHECK(limits_check(&limits, &now, &zero) != REFUSE_NONE);
}

static void wants_more_trust_for_more_danger(void) {
	static const float least[] = { 0.3f, 0.5f, 0.7f, 0.85f };
	for (unsigned c = 0; c < 4; c++) {
		fresh();
		limits.safety_class = (uint8_t)c;
		good.trust = least[c];
		CHECK(judge() == REFUSE_NONE);
		good.trust = least[c] - 0.001f;
		CHECK(judge() == REFUSE_TRUST);
	}
}

static void refuses_plans_that_cannot_be(void) {
	struct cdm_diag diag = { 0 };
	struct plan_actuator a;
#define UNFIT(change) \
	do { \
		a = actuator_example; \
		change; \
		diag.count = diag.errors = 0; \
		CHECK(limits_init(&limits, &a, 0, &diag) == -EINVAL && diag.errors == 1); \
	} while (0)
	UNFIT(a.joint_count = 0);
	UNFIT(a.joint_count = 19);
	UNFIT(a.safety_class = 4);
	UNFIT(a.lease_ns = 0);
	UNFIT(a.lease_ns = 2551 * NS_PER_MS);
	UNFIT(a.joint_min_cdeg[1] = 9001);
	UNFIT(a.joint_min_cdeg[0] = -32768);
	UNFIT(a.joint_max_cdeg[2] = 32768);
	UNFIT(a.joint_rate_cdeg_s[0] = 399);
	UNFIT(a.joint_rate_cdeg_s[2] = 102001);
}

static void knows_which_refusals_are_violations(void) {
	for (unsigned r = 0; r < REFUSE_COUNT; r++) {
		bool expected = r == REFUSE_JOINTS || r == REFUSE_ANGLE || r == REFUSE_RATE || r == REFUSE_STEP;
		CHECK(limits_is_violation((enum guard_refusal)r) == expected);
		CHECK(strcmp(limits_refusal_text(r), "?") != 0);
	}
	CHECK(strcmp(limits_refusal_text(REFUSE_COUNT), "?") == 0);
	CHECK(strcmp(limits_refusal_text(REFUSE_STEP), "step") == 0);
}

int main(void) {
	refuses_the_wrong_origin();
	refuses_the_wrong_terms();
	refuses_every_joint_beyond_its_limits();
	asks_less_of_the_others();
	refuses_every_broken_seal();
	wants_more_trust_for_more_danger();
	refuses_plans_that_cannot_be();
	knows_which_refusals_are_violations();
	puts("limits_test: ok");
}
