/* guard_hear.c - what the bus says: positions, where the body is, stops, and strangers. */
#include "guard/guard_priv.h"

#include <errno.h>

/* The first of a row is refused like one out of order, but nothing is wrong with it. */
static bool is_next(struct guard *g, struct cdm_can_order *o, uint8_t counter) {
	bool heard_before = o->known, good = cdm_can_in_order(o, counter);
	g->bad += heard_before && !good;
	return good;
}

static void hear_position(struct guard *g, const struct cdm_can *m) {
	unsigned j = (unsigned)m->node - g->node_base;
	if (m->node < g->node_base || j >= g->limits.joint_count || m->field != 0)
		return;
	struct guard_joint *joint = &g->joints[j];
	if (!is_next(g, &joint->order, m->counter))
		return;
	joint->seen_cdeg = m->value;
	joint->seen = g->now;
	joint->speed = m->rate;
	joint->fresh = true;
}

static void hear_odometry(struct guard *g, const struct cdm_can *m) {
	if (m->node != g->node_base + g->limits.joint_count || m->field != 0)
		return;
	struct guard_body *b = &g->body;
	if (!is_next(g, &b->order, m->counter))
		return;
	struct cdm_can_pose p = cdm_can_get_pose(m);
	b->x_mm += (int16_t)(p.x_mm - b->last.x_mm); /* the bus counts modulo 2^16 */
	b->y_mm += (int16_t)(p.y_mm - b->last.y_mm);
	b->heading_cdeg += (int16_t)(p.heading_cdeg - b->last.heading_cdeg);
	b->last = p;
}

/*
 * A bus never gives us our own frames back, so these set-points are somebody else's.  After a stop they are answered
 * with one, at most each 50 ms: the joints, which begin anew for whoever has another motion number, hold again.
 */
static void hear_setpoint(struct guard *g, const struct cdm_can *m) {
	if (m->node < g->node_base || m->node >= g->node_base + g->limits.joint_count)
		return;
	g->foreign++;
	if (g->phase == PHASE_MOVING)
		guard_enter_safe(g, REASON_FOREIGN);
	else if (g->phase == PHASE_ESTOP && g->stop_frames == 0)
		g->stop_frames = 1;
}

/* Nor does a heartbeat with our id come from us: another machine drives the same bus. */
static void hear_heartbeat(struct guard *g, const struct cdm_can *m) {
	g->foreign += m->node == g->node_base - 1;
}

static void hear_stop(struct guard *g) {
	if (g->phase != PHASE_ESTOP)
		guard_stop(g, g->now, REASON_STOP_BUS);
	else if (g->barrier_ns < g->now.ns) /* no answer to a repetition: two guards would never end */
		g->barrier_ns = g->now.ns;
}

void guard_hear(struct guard *g, const struct cdm_frame *f) {
	struct cdm_can m;
	if (cdm_can_is_estop(f)) {
		hear_stop(g);
		return;
	}
	int rc = cdm_can_decode(f, &m);
	if (rc == -EBADMSG)
		g->bad++;
	if (rc < 0)
		return; /* others may use the bus too */
	if (m.kind == CDM_CAN_FEEDBACK)
		hear_position(g, &m);
	else if (m.kind == CDM_CAN_ODOMETRY)
		hear_odometry(g, &m);
	else if (m.kind == CDM_CAN_SETPOINT)
		hear_setpoint(g, &m);
	else if (m.kind == CDM_CAN_HEARTBEAT)
		hear_heartbeat(g, &m);
}
