/* guard_speak.c - what the guard says on the bus: stops, set-points, heartbeats. */
#include "guard/guard_priv.h"

/* A late tick must not become a leap. */
#define STEP_NS_MAX (2 * GUARD_SETPOINT_NS)

static uint8_t flags(const struct guard *g) {
	return (uint8_t)((g->phase == PHASE_SAFE ? CDM_CAN_SAFE : 0) |
			(g->phase == PHASE_ESTOP ? CDM_CAN_STOPPED : 0));
}

static uint8_t count(uint8_t *counter) {
	uint8_t n = *counter;
	*counter = (uint8_t)((n + 1u) % CDM_CAN_COUNTERS);
	return n;
}

static void put(struct guard *g, struct cdm_frame *f, const struct cdm_can *m) {
	int rc = cdm_can_encode(m, f);
	CHECK(rc == 0);
	g->sent++;
}

/* Is it time?  Keeps the rhythm, but does not make up for what was missed. */
static bool is_due(int64_t *next_ns, int64_t now_ns, int64_t period_ns) {
	if (now_ns < *next_ns)
		return false;
	*next_ns += period_ns;
	if (*next_ns <= now_ns)
		*next_ns = now_ns + period_ns;
	return true;
}

/* From the first such frame on the stop is acknowledged: a motion issued later may end it. */
static unsigned speak_stop(struct guard *g, struct cdm_frame *tx) {
	if (g->stop_frames == 0 || !is_due(&g->next_stop_ns, g->now.ns, GUARD_HEARTBEAT_NS))
		return 0;
	struct cdm_can m = { .kind = CDM_CAN_ESTOP, .motion = g->motion, .counter = count(&g->stop_counter),
			.flags = flags(g) };
	put(g, tx, &m);
	g->stop_frames--;
	if (g->barrier_ns == INT64_MAX)
		g->barrier_ns = g->now.ns;
	return 1;
}

void guard_unsent(struct guard *g, const struct cdm_frame *f) {
	g->sent--;
	if (!cdm_can_is_estop(f))
		return;
	g->next_stop_ns = g->now.ns;
	if (++g->stop_frames == GUARD_STOP_FRAMES)
		g->barrier_ns = INT64_MAX;
}

bool guard_stop_is_said(const struct guard *g) {
	return g->barrier_ns != INT64_MAX;
}

static uint8_t lease_units(const struct guard *g) {
	int64_t left = g->phase == PHASE_MOVING ? g->valid_until_ns - g->now.ns : g->limits.lease_ns;
	int64_t units = left / CDM_CAN_LEASE_UNIT_NS;
	return (uint8_t)(units < 0 ? 0 : units > 255 ? 255 : units);
}

static unsigned speak_setpoints(struct guard *g, struct cdm_frame *tx) {
	if (g->phase != PHASE_MOVING && g->phase != PHASE_SAFE)
		return 0;
	if (!is_due(&g->next_setpoint_ns, g->now.ns, GUARD_SETPOINT_NS))
		return 0;
	int64_t elapsed = g->now.ns - g->stepped_ns;
	g->stepped_ns = g->now.ns;
	for (unsigned j = 0; j < g->limits.joint_count; j++) {
		struct guard_joint *joint = &g->joints[j];
		ramp_step(&joint->ramp, elapsed < STEP_NS_MAX ? elapsed : STEP_NS_MAX);
		struct cdm_can m = { .kind = CDM_CAN_SETPOINT, .node = (uint8_t)(g->node_base + j),
				.motion = g->motion, .value = (int16_t)ramp_cdeg(&joint->ramp),
				.rate = (uint8_t)(g->limits.rate_cdeg_s[j] / CDM_CAN_RATE_UNIT_CDEG_S),
				.lease = lease_units(g), .counter = count(&joint->counter), .flags = flags(g) };
		put(g, &tx[j], &m);
	}
	return g->limits.joint_count;
}

static unsigned speak_heartbeat(struct guard *g, struct cdm_frame *tx) {
	if (!is_due(&g->next_heartbeat_ns, g->now.ns, GUARD_HEARTBEAT_NS))
		return 0;
	struct cdm_can m = { .kind = CDM_CAN_HEARTBEAT, .node = (uint8_t)(g->node_base - 1),
			.motion = g->motion, .value = (int16_t)g->phase,
			.counter = count(&g->heartbeat_counter), .flags = flags(g) };
	put(g, tx, &m);
	return 1;
}

unsigned guard_speak(struct guard *g, struct cdm_frame tx[GUARD_FRAMES_MAX]) {
	unsigned n = speak_stop(g, tx);
	n += speak_setpoints(g, tx + n);
	n += speak_heartbeat(g, tx + n);
	return n;
}
