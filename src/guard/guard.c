/*
 * guard.c - phases, commands and the watchdog.  See guard.h.
 *
 * The barrier is how "issued after it" is enforced.  It is the time of the newest thing that ended
 * motion against core's will; while a stop is not on the bus yet it is the end of time.
 */
#include "guard/guard_priv.h"

#include <errno.h>
#include "guard/pose.h"

#define SAFE_RATE_PART 2 /* the way to the safe pose takes 1/2 of the permitted rate */

static int choose_pose(struct guard *g, const struct plan_actuator *a, struct cdm_diag *diag) {
	const int32_t *pose = pose_of((enum plan_verb)a->safe_verb);
	g->pose_is_hold = pose == NULL;
	for (unsigned j = 0; pose && j < g->limits.joint_count; j++) {
		g->pose_cdeg[j] = pose[j % 3];
		if (pose[j % 3] >= g->limits.min_cdeg[j] && pose[j % 3] <= g->limits.max_cdeg[j])
			continue;
		cdm_diag_add(diag, CDM_ERROR, "G0103", "actuator %u: its safe pose '%s' is outside its joint limits",
				g->limits.actuator, plan_verb_text(a->safe_verb));
		return -EINVAL;
	}
	return 0;
}

int guard_init(struct guard *g, const struct plan_actuator *a, uint32_t index, struct cdm_mono now,
		uint16_t first_motion, struct cdm_diag *diag) {
	*g = (struct guard){ .node_base = a->node_base, .phase = PHASE_IDLE, .reason = REASON_START,
			.now = now, .barrier_ns = now.ns, .motion = first_motion };
	g->next_heartbeat_ns = g->next_stop_ns = g->next_setpoint_ns = g->stepped_ns = now.ns;
	int rc = limits_init(&g->limits, a, index, diag);
	if (rc < 0)
		return rc;
	if (a->node_base == 0 || a->node_base + a->joint_count > 255) {
		cdm_diag_add(diag, CDM_ERROR, "G0102", "actuator %u: its nodes must be 1 to 254, and its body's "
				"is the one after its joints", index);
		return -EINVAL;
	}
	return choose_pose(g, a, diag);
}

void guard_enter(struct guard *g, enum guard_phase to, enum guard_reason why) {
	CHECK(phase_may(g->phase, to));
	if (to == PHASE_SAFE && g->barrier_ns < g->now.ns)
		g->barrier_ns = g->now.ns;
	g->phase = to;
	g->reason = why;
}

static bool is_fresh(const struct guard *g, unsigned j) {
	struct cdm_mono seen = g->joints[j].seen;
	return seen.ns != 0 && mono_since(seen, g->now) <= GUARD_FEEDBACK_MAX_NS;
}

bool guard_feedback_is_fresh(const struct guard *g) {
	for (unsigned j = 0; j < g->limits.joint_count; j++)
		if (!is_fresh(g, j))
			return false;
	return true;
}

/* Set-points begin where the joints are, and the next step() sends the first. */
static void begin_setpoints(struct guard *g) {
	g->motion++;
	g->next_setpoint_ns = g->stepped_ns = g->now.ns;
}

/* A joint that has fallen silent is believed to be where its last set-point was. */
static void place_at_feedback(struct guard *g) {
	for (unsigned j = 0; j < g->limits.joint_count; j++) {
		struct guard_joint *joint = &g->joints[j];
		ramp_place(&joint->ramp, is_fresh(g, j) ? joint->seen_cdeg : ramp_cdeg(&joint->ramp));
	}
}

void guard_enter_safe(struct guard *g, enum guard_reason why) {
	guard_enter(g, PHASE_SAFE, why);
	place_at_feedback(g);
	begin_setpoints(g);
	for (unsigned j = 0; j < g->limits.joint_count; j++) {
		struct ramp *r = &g->joints[j].ramp;
		if (!g->pose_is_hold)
			r->target_cdeg = g->pose_cdeg[j];
		r->rate_cdeg_s = g->limits.rate_cdeg_s[j] / SAFE_RATE_PART;
	}
}

void guard_stop(struct guard *g, struct cdm_mono now, enum guard_reason reason) {
	guard_enter(g, PHASE_ESTOP, reason);
	g->now = now;
	g->stops++;
	g->barrier_ns = INT64_MAX;
	g->stop_frames = GUARD_STOP_FRAMES;
	g->next_stop_ns = now.ns;
}

/* ---- commands -------------------------------------------------------------------------------- */

static void look_around(const struct guard *g, struct limits_now *n) {
	*n = (struct limits_now){ .now = g->now, .barrier_ns = g->barrier_ns, .command_id = g->command_id,
			.seq = g->seq, .moving = g->phase == PHASE_MOVING, .quitting = g->quitting,
			.feedback = guard_feedback_is_fresh(g) };
	bool controlled = g->phase == PHASE_MOVING || g->phase == PHASE_SAFE;
	for (unsigned j = 0; j < g->limits.joint_count; j++)
		n->at_cdeg[j] = controlled ? ramp_cdeg(&g->joints[j].ramp) : g->joints[j].seen_cdeg;
}

static void begin_motion(struct guard *g, const struct motion_command *c) {
	if (g->phase != PHASE_MOVING && g->phase != PHASE_SAFE)
		place_at_feedback(g);
	if (g->phase != PHASE_MOVING || c->command_id != g->command_id)
		begin_setpoints(g);
	guard_enter(g, PHASE_MOVING, REASON_NONE);
	g->stop_frames = 0;
}

static void obey_move(struct guard *g, const struct motion_command *c) {
	begin_motion(g, c);
	g->valid_until_ns = c->valid_until_mono_ns;
	g->deadline_ns = c->deadline_ns;
	for (unsigned j = 0; j < g->limits.joint_count; j++) {
		g->joints[j].ramp.target_cdeg = c->joint_cdeg[j];
		g->joints[j].ramp.rate_cdeg_s = c->rate_cdeg_s[j];
	}
}

static void obey(struct guard *g, const struct motion_command *c) {
	switch ((enum motion_kind)c->kind) {
	case MOTION_MOVE:
		obey_move(g, c);
		break;
	case MOTION_RELEASE:
		guard_enter(g, PHASE_IDLE, REASON_NONE);
		break;
	case MOTION_SAFE:
		if (g->phase != PHASE_SAFE)
			guard_enter_safe(g, REASON_ASKED);
		break;
	case MOTION_STOP:
		guard_stop(g, g->now, REASON_STOP_CORE);
		return; /* its ids are not asked for, so they are not believed either */
	}
	g->command_id = c->command_id;
}

static enum guard_refusal check(struct guard *g, const struct motion_command *c) {
	struct limits_now n;
	look_around(g, &n);
	enum guard_refusal r = limits_check(&g->limits, &n, c);
	if (r == REFUSE_NONE && c->kind == MOTION_SAFE && g->phase == PHASE_ESTOP)
		r = REFUSE_STOPPED; /* the safe pose is a motion too */
	return r;
}

static void take_command(struct guard *g, const struct motion_command *c) {
	enum guard_refusal r = check(g, c);
	bool in_order = r == REFUSE_NONE || r > REFUSE_SEQUENCE; /* the checks come in the order of refuse.def */
	if (in_order && c->kind != MOTION_STOP)
		g->seq = c->seq;
	if (r == REFUSE_NONE) {
		obey(g, c);
		return;
	}
	g->refusals++;
	g->last_refusal = r;
	if (limits_is_violation(r) && g->phase == PHASE_MOVING)
		guard_enter_safe(g, REASON_LIMIT);
}

/* ---- time and deaths ------------------------------------------------------------------------- */

static void watch(struct guard *g) {
	if (g->phase != PHASE_MOVING)
		return;
	if (g->now.ns >= g->valid_until_ns)
		guard_enter_safe(g, REASON_LEASE);
	else if (g->deadline_ns != 0 && g->now.ns >= g->deadline_ns)
		guard_enter_safe(g, REASON_DEADLINE);
	else if (!guard_feedback_is_fresh(g))
		guard_enter_safe(g, REASON_FEEDBACK);
}

unsigned guard_step(struct guard *g, struct cdm_mono now, const struct motion_command *command,
		const struct cdm_frame *rx, unsigned rx_count, struct cdm_frame tx[GUARD_FRAMES_MAX]) {
	CHECK(now.ns >= g->now.ns);
	g->now = now;
	for (unsigned i = 0; i < rx_count; i++)
		guard_hear(g, &rx[i]);
	if (command)
		take_command(g, command);
	watch(g);
	return guard_speak(g, tx);
}

void guard_core_lost(struct guard *g, struct cdm_mono now) {
	g->now = now;
	if (g->barrier_ns < now.ns)
		g->barrier_ns = now.ns;
	if (g->phase == PHASE_MOVING)
		guard_enter_safe(g, REASON_CORE);
}

void guard_core_started(struct guard *g, struct cdm_mono now) {
	guard_core_lost(g, now);
	g->command_id = g->seq = 0;
}

void guard_quit(struct guard *g, struct cdm_mono now) {
	g->now = now;
	g->quitting = true;
	if (g->phase == PHASE_MOVING || (g->phase == PHASE_IDLE && guard_feedback_is_fresh(g)))
		guard_enter_safe(g, REASON_QUIT);
}

bool guard_is_settled(const struct guard *g) {
	for (unsigned j = 0; g->phase == PHASE_SAFE && j < g->limits.joint_count; j++)
		if (!ramp_is_there(&g->joints[j].ramp))
			return false;
	return g->phase != PHASE_MOVING;
}

/* ---- what is published ----------------------------------------------------------------------- */

bool guard_take_feedback(struct guard *g, float out[FEEDBACK_COUNT], struct cdm_mono *source) {
	int64_t oldest = g->now.ns;
	unsigned speed = 0;
	for (unsigned j = 0; j < g->limits.joint_count; j++) {
		const struct guard_joint *joint = &g->joints[j];
		if (!joint->fresh)
			return false;
		oldest = joint->seen.ns < oldest ? joint->seen.ns : oldest;
		speed = joint->speed > speed ? joint->speed : speed;
	}
	for (unsigned j = 0; j < FEEDBACK_COUNT; j++)
		out[j] = 0;
	for (unsigned j = 0; j < g->limits.joint_count; j++) {
		out[FEEDBACK_JOINT + j] = (float)g->joints[j].seen_cdeg / 100;
		g->joints[j].fresh = false;
	}
	out[FEEDBACK_X_M] = (float)g->body.x_mm / 1000;
	out[FEEDBACK_Y_M] = (float)g->body.y_mm / 1000;
	out[FEEDBACK_HEADING_DEG] = (float)g->body.heading_cdeg / 100;
	out[FEEDBACK_SPEED_DEG_S] = (float)(speed * CDM_CAN_RATE_UNIT_CDEG_S) / 100;
	out[FEEDBACK_AGE_MS] = (float)(g->now.ns - oldest) / (float)NS_PER_MS;
	out[FEEDBACK_PHASE] = (float)g->phase;
	source->ns = oldest;
	return true;
}

void guard_get_state(const struct guard *g, uint32_t out[STATE_COUNT]) {
	out[STATE_PHASE] = g->phase;
	out[STATE_REASON] = g->reason;
	out[STATE_COMMAND_LOW] = (uint32_t)g->command_id;
	out[STATE_COMMAND_HIGH] = (uint32_t)(g->command_id >> 32);
	out[STATE_REFUSALS] = g->refusals;
	out[STATE_SENT] = g->sent;
	out[STATE_BAD] = g->bad;
	out[STATE_STOPS] = g->stops;
	out[STATE_FOREIGN] = g->foreign;
}
