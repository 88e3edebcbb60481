/*
 * fly_witness.c - the actuator's bus, watched from outside.
 *
 * What moved, and when the first set-point was sent, is not core's word but what stands on the bus,
 * so a flight also sees legs that hold with core and guard both dead.
 */
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include "bin/cadmus/fly.h"

#define STILL_CDEG 50

int fly_witness_open(struct flight *f) {
	static struct cdm_diag diag;
	const struct plan_actuator *a = fly_actuator(f);
	if (!a || !a->bus[0])
		return 0;
	if (cdm_bus_open(&f->witness.bus, a->bus, f->source.plan->machine, &diag) == 0)
		return 0;
	return fly_fail(f, "cannot listen to the bus: %s", diag.count ? diag.at[0].text : "?");
}

static void hear_position(struct fly_witness *w, const struct cdm_can *m, struct cdm_mono now) {
	w->heard = now;
	int moved = w->known[m->node] ? abs(m->value - w->still_at[m->node]) : 0;
	if (!w->known[m->node])
		w->still_at[m->node] = m->value;
	w->known[m->node] = true;
	w->holding[m->node] = (m->flags & CDM_CAN_HOLDING) != 0;
	w->position[m->node] = m->value;
	if (w->still_since.ns != 0 && moved <= STILL_CDEG)
		return;
	w->still_since = now;
	memcpy(w->still_at, w->position, sizeof(w->still_at));
}

void fly_witness_look(struct flight *f) {
	struct fly_witness *w = &f->witness;
	struct cdm_frame frame;
	struct cdm_can m;
	while (w->bus && cdm_bus_receive(w->bus, &frame) == 0) {
		struct cdm_mono now = clock_mono();
		if (cdm_can_decode(&frame, &m) < 0)
			continue;
		if (m.kind == CDM_CAN_FEEDBACK && m.field == 0)
			hear_position(w, &m, now);
		if (m.kind == CDM_CAN_SETPOINT) {
			w->setpoints++;
			if (w->first_setpoint.ns == 0)
				w->first_setpoint = now;
		}
	}
}

bool fly_witness_holds(const struct flight *f) {
	unsigned joints = 0, held = 0;
	for (unsigned n = 0; n < FLY_NODES; n++) {
		joints += f->witness.known[n];
		held += f->witness.known[n] && f->witness.holding[n];
	}
	return joints > 0 && held == joints;
}

void fly_witness_wait(struct flight *f, int64_t timeout_ns) {
	struct pollfd p = { .fd = f->witness.bus ? cdm_bus_fd(f->witness.bus) : -1, .events = POLLIN };
	poll(&p, 1, (int)(timeout_ns / NS_PER_MS) + 1);
	fly_witness_look(f);
}

int64_t fly_witness_still_ns(struct flight *f) {
	fly_witness_look(f);
	const struct fly_witness *w = &f->witness;
	struct cdm_mono now = clock_mono();
	if (w->still_since.ns == 0 || mono_since(w->heard, now) > 500 * NS_PER_MS)
		return 0; /* who hears nothing knows nothing */
	return mono_since(w->still_since, now);
}
