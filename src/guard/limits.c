/* limits.c - see limits.h. */
#include "guard/limits.h"

#include <errno.h>
#include "cadmus/can.h"

/* Least trust to move anything, by safety class (semantics 6.4). */
static const float trust_min[] = { 0.3f, 0.5f, 0.7f, 0.85f };
#define TRUST_ROUNDING 1e-6f /* core compares doubles, and sends a float */

static int refuse_plan(struct cdm_diag *diag, uint32_t index, const char *what) {
	cdm_diag_add(diag, CDM_ERROR, "G0101", "actuator %u: %s", index, what);
	return -EINVAL;
}

int limits_init(struct limits *l, const struct plan_actuator *a, uint32_t index, struct cdm_diag *diag) {
	*l = (struct limits){ .actuator = index, .joint_count = a->joint_count,
			.safety_class = a->safety_class, .lease_ns = a->lease_ns };
	if (a->joint_count == 0 || a->joint_count > MOTION_JOINTS_MAX)
		return refuse_plan(diag, index, "it must have 1 to 18 joints");
	if (a->safety_class >= COUNT_OF(trust_min))
		return refuse_plan(diag, index, "its safety class must be 0 to 3");
	if (a->lease_ns < CDM_CAN_LEASE_UNIT_NS || a->lease_ns > 255 * INT64_C(1) * CDM_CAN_LEASE_UNIT_NS)
		return refuse_plan(diag, index, "its lease must be 10 to 2550 ms");
	for (unsigned j = 0; j < a->joint_count; j++) {
		l->min_cdeg[j] = a->joint_min_cdeg[j % 3];
		l->max_cdeg[j] = a->joint_max_cdeg[j % 3];
		l->rate_cdeg_s[j] = a->joint_rate_cdeg_s[j % 3];
		if (l->min_cdeg[j] > l->max_cdeg[j] || l->min_cdeg[j] < -CDM_CAN_VALUE_CDEG_MAX ||
				l->max_cdeg[j] > CDM_CAN_VALUE_CDEG_MAX)
			return refuse_plan(diag, index, "its joint angles must be a range within 327 degrees");
		if (l->rate_cdeg_s[j] < CDM_CAN_RATE_UNIT_CDEG_S ||
				l->rate_cdeg_s[j] > 255 * CDM_CAN_RATE_UNIT_CDEG_S)
			return refuse_plan(diag, index, "its joint rates must be 4 to 1020 degrees per second");
	}
	return 0;
}

/* Who says it, and when: is this a command to look at, at all? */
static enum guard_refusal check_origin(const struct limits *l, const struct limits_now *n,
		const struct motion_command *c) {
	if (!motion_command_is_sealed(c))
		return REFUSE_SEAL;
	if (c->kind < MOTION_MOVE || c->kind > MOTION_STOP)
		return REFUSE_KIND;
	if (c->actuator != l->actuator)
		return REFUSE_ACTUATOR;
	if (c->kind == MOTION_STOP)
		return REFUSE_NONE;
	if (c->seq <= n->seq)
		return REFUSE_SEQUENCE;
	return n->quitting ? REFUSE_QUITTING : REFUSE_NONE;
}

/* Does it belong to a motion that lasts, or may one begin with it? */
static enum guard_refusal check_motion(const struct limits_now *n, const struct motion_command *c) {
	if (n->moving && c->command_id == n->command_id)
		return REFUSE_NONE;
	if (c->kind == MOTION_RELEASE || c->command_id <= n->command_id)
		return REFUSE_ENDED;
	if (c->issued_ns <= n->barrier_ns)
		return REFUSE_STOPPED;
	return c->issued_ns > n->now.ns ? REFUSE_ISSUED : REFUSE_NONE;
}

static enum guard_refusal check_terms(const struct limits *l, const struct limits_now *n,
		const struct motion_command *c) {
	if (c->valid_until_mono_ns <= n->now.ns || c->valid_until_mono_ns > n->now.ns + l->lease_ns)
		return REFUSE_LEASE;
	if (c->deadline_ns != 0 && c->deadline_ns <= n->now.ns)
		return REFUSE_DEADLINE;
	if (!(c->trust >= trust_min[l->safety_class] - TRUST_ROUNDING) || !(c->trust <= 1 + TRUST_ROUNDING))
		return REFUSE_TRUST; /* NaN is neither */
	return c->joint_count == l->joint_count ? REFUSE_NONE : REFUSE_JOINTS;
}

static enum guard_refusal check_joint(const struct limits *l, const struct limits_now *n,
		const struct motion_command *c, unsigned j) {
	if (c->joint_cdeg[j] < l->min_cdeg[j] || c->joint_cdeg[j] > l->max_cdeg[j])
		return REFUSE_ANGLE;
	if (c->rate_cdeg_s[j] < 0 || c->rate_cdeg_s[j] > l->rate_cdeg_s[j])
		return REFUSE_RATE;
	int64_t step = (int64_t)c->joint_cdeg[j] - n->at_cdeg[j];
	int64_t reach = l->rate_cdeg_s[j] * LIMITS_REACH_NS / NS_PER_S;
	return step > reach || step < -reach ? REFUSE_STEP : REFUSE_NONE;
}

enum guard_refusal limits_check(const struct limits *l, const struct limits_now *n,
		const struct motion_command *c) {
	enum guard_refusal r = check_origin(l, n, c);
	if (r != REFUSE_NONE || c->kind == MOTION_STOP)
		return r;
	r = check_motion(n, c);
	if (r != REFUSE_NONE || c->kind == MOTION_RELEASE)
		return r;
	if (c->kind == MOTION_MOVE)
		r = check_terms(l, n, c);
	if (r == REFUSE_NONE && !n->feedback)
		r = REFUSE_FEEDBACK;
	for (unsigned j = 0; r == REFUSE_NONE && c->kind == MOTION_MOVE && j < l->joint_count; j++)
		r = check_joint(l, n, c, j);
	return r;
}

bool limits_is_violation(enum guard_refusal r) {
	return r == REFUSE_JOINTS || r == REFUSE_ANGLE || r == REFUSE_RATE || r == REFUSE_STEP;
}

const char *limits_refusal_text(unsigned r) {
	static const char *const texts[] = {
#define REFUSE(name, text, meaning) text,
#include "guard/refuse.def"
#undef REFUSE
	};
	return r < COUNT_OF(texts) ? texts[r] : "?";
}
