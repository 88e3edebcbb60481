/* node.c - see node.h. */
#include "node.h"

#include <math.h>

/* Set-points come every 20 ms: a joint glides, so that all joints of a leg arrive together. */
#define PERIOD_S 0.02

void node_init(struct node *n, double at_cdeg, double limit_cdeg_s) {
	*n = (struct node){ .at_cdeg = at_cdeg, .target_cdeg = at_cdeg, .reported_cdeg = at_cdeg,
			.limit_cdeg_s = limit_cdeg_s };
}

void node_hear(struct node *n, const struct cdm_can *setpoint, struct cdm_mono now) {
	if (!cdm_can_in_order(&n->order, setpoint->counter) || (n->stopped && setpoint->motion == n->motion)) {
		n->fault = true;
		return;
	}
	n->stopped = false;
	n->motion = setpoint->motion;
	n->target_cdeg = setpoint->value;
	n->rate_cdeg_s = fmin(n->limit_cdeg_s, (double)setpoint->rate * CDM_CAN_RATE_UNIT_CDEG_S);
	n->rate_cdeg_s = fmin(n->rate_cdeg_s, fabs(n->target_cdeg - n->at_cdeg) / PERIOD_S);
	n->lease_until_ns = now.ns + (int64_t)setpoint->lease * CDM_CAN_LEASE_UNIT_NS;
}

void node_stop(struct node *n) {
	n->stopped = true;
	n->lease_until_ns = 0;
}

void node_step(struct node *n, struct cdm_mono then, struct cdm_mono now) {
	int64_t end = now.ns < n->lease_until_ns ? now.ns : n->lease_until_ns;
	if (end <= then.ns)
		return; /* no lease: it holds */
	double step = n->rate_cdeg_s * (double)(end - then.ns) / 1e9;
	n->at_cdeg += fmax(-step, fmin(step, n->target_cdeg - n->at_cdeg));
}

static uint8_t units(double value, double unit) {
	return (uint8_t)fmin(255, fmax(0, value / unit));
}

struct cdm_can node_feedback(struct node *n, uint8_t address, struct cdm_mono now, int64_t elapsed_ns) {
	double way = fabs(n->at_cdeg - n->reported_cdeg);
	double left = (double)(n->lease_until_ns - now.ns);
	struct cdm_can m = { .kind = CDM_CAN_FEEDBACK, .node = address, .motion = n->motion,
			.value = (int16_t)lround(n->at_cdeg), .counter = n->counter,
			.rate = units(ceil(way * 1e9 / (double)elapsed_ns / CDM_CAN_RATE_UNIT_CDEG_S), 1),
			.lease = units(left, CDM_CAN_LEASE_UNIT_NS),
			.flags = (uint8_t)((left <= 0 ? CDM_CAN_HOLDING : 0) | (n->stopped ? CDM_CAN_STOPPED : 0) |
					(n->fault ? CDM_CAN_FAULT : 0)) };
	n->counter = (uint8_t)((n->counter + 1u) % CDM_CAN_COUNTERS);
	n->reported_cdeg = n->at_cdeg;
	n->fault = false;
	return m;
}
