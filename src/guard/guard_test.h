/* guard_test.h - a guard, a robot of ideal joints, and virtual time, for the tests of this folder. */
#ifndef GUARD_GUARD_TEST_H
#define GUARD_GUARD_TEST_H

#include <stdio.h>
#include <string.h>
#include "guard/guard.h"

#define T0 (1000 * NS_PER_S)

static const struct plan_actuator actuator_example = {
	.lease_ns = 200 * NS_PER_MS, .safe_verb = PLAN_VERB_STAND, .joint_count = 18, .node_base = 10,
	.safety_class = 1, .joint_min_cdeg = { -6000, -9000, -14000 }, .joint_max_cdeg = { 6000, 9000, 4000 },
	.joint_rate_cdeg_s = { 20000, 20000, 20000 },
};

enum { EXAMPLE_INDEX = 3 };

struct rig {
	struct guard guard;
	struct cdm_mono now;
	int32_t joints[MOTION_JOINTS_MAX]; /* ideal: they are where the last set-point said */
	uint8_t counters[MOTION_JOINTS_MAX];
	struct cdm_frame tx[GUARD_FRAMES_MAX];
	unsigned sent, estops, setpoints, heartbeats; /* of the last step */
	unsigned speeding;   /* set-points that moved faster than the plan permits, ever */
	unsigned outside;    /* set-points outside the plan's angles, ever */
	struct cdm_can last; /* set-point of joint 17 */
	int64_t last_setpoint_ns;
	uint64_t seq;
	bool deaf;           /* its joints say nothing */
};

/* What was sent, as the joints see it. */
static inline void rig_look(struct rig *r) {
	const struct limits *l = &r->guard.limits;
	r->estops = r->setpoints = r->heartbeats = 0;
	int64_t elapsed = r->now.ns - r->last_setpoint_ns;
	for (unsigned i = 0; i < r->sent; i++) {
		struct cdm_can m;
		CHECK(cdm_can_decode(&r->tx[i], &m) == 0);
		r->estops += m.kind == CDM_CAN_ESTOP;
		r->heartbeats += m.kind == CDM_CAN_HEARTBEAT;
		if (m.kind != CDM_CAN_SETPOINT)
			continue;
		unsigned j = (unsigned)m.node - actuator_example.node_base;
		CHECK(j < MOTION_JOINTS_MAX);
		int64_t gone = m.value > r->joints[j] ? m.value - r->joints[j] : r->joints[j] - m.value;
		r->speeding += gone > l->rate_cdeg_s[j] * elapsed / NS_PER_S + 1;
		r->outside += m.value < l->min_cdeg[j] || m.value > l->max_cdeg[j];
		r->joints[j] = m.value;
		r->setpoints++;
		r->last = m;
	}
	if (r->setpoints)
		r->last_setpoint_ns = r->now.ns;
}

static inline unsigned rig_feedback(struct rig *r, struct cdm_frame *rx) {
	for (unsigned j = 0; j < MOTION_JOINTS_MAX; j++) {
		struct cdm_can m = { .kind = CDM_CAN_FEEDBACK, .node = (uint8_t)(actuator_example.node_base + j),
				.value = (int16_t)r->joints[j], .counter = r->counters[j] };
		r->counters[j] = (uint8_t)((r->counters[j] + 1) % 16);
		CHECK(cdm_can_encode(&m, &rx[j]) == 0);
	}
	return MOTION_JOINTS_MAX;
}

/* `ns` later: joints report, then the command, if any. */
static inline void rig_step(struct rig *r, int64_t ns, const struct motion_command *c) {
	struct cdm_frame rx[MOTION_JOINTS_MAX];
	r->now.ns += ns;
	unsigned n = r->deaf ? 0 : rig_feedback(r, rx);
	r->sent = guard_step(&r->guard, r->now, c, rx, n, r->tx);
	rig_look(r);
}

static inline struct motion_command rig_command(struct rig *r, uint64_t id, enum motion_kind kind) {
	struct motion_command c = { .command_id = id, .seq = ++r->seq, .issued_ns = r->now.ns,
			.valid_until_mono_ns = r->now.ns + 200 * NS_PER_MS, .actuator = EXAMPLE_INDEX,
			.joint_count = 18, .kind = (uint16_t)kind, .trust = 0.6f };
	for (unsigned j = 0; j < MOTION_JOINTS_MAX; j++) {
		c.joint_cdeg[j] = 1000;
		c.rate_cdeg_s[j] = 10000;
	}
	motion_command_seal(&c);
	return c;
}

static inline void rig_init(struct rig *r) {
	memset(r, 0, sizeof(*r));
	r->now.ns = T0;
	r->last_setpoint_ns = T0;
	CHECK(guard_init(&r->guard, &actuator_example, EXAMPLE_INDEX, r->now, 100, NULL) == 0);
	rig_step(r, 10 * NS_PER_MS, NULL); /* the first of a row is not believed */
	rig_step(r, 10 * NS_PER_MS, NULL);
	CHECK(r->guard.phase == PHASE_IDLE);
}

static inline void rig_give(struct rig *r, struct motion_command c) {
	motion_command_seal(&c);
	rig_step(r, 0, &c);
}

/* Moving by motion `id`, which was issued a moment ago. */
static inline struct motion_command rig_move(struct rig *r, uint64_t id) {
	rig_step(r, 1, NULL);
	struct motion_command c = rig_command(r, id, MOTION_MOVE);
	rig_give(r, c);
	CHECK(r->guard.phase == PHASE_MOVING);
	return c;
}

#endif
