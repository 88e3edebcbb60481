/*
 * fuzz_bus.c - any bytes from a bus, and any commands from a broken core: nothing unsafe comes out.
 *
 * The input is a script for one guard in virtual time: each step has a kind, and bytes that become a
 * datagram, a frame, a command, or an event.  After each step the set-points that the guard
 * sends are held against the plan, and against the rule that only motions that were decided after
 * the last stop may move anything.
 */
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include "bus/bus_priv.h"
#include "guard/guard.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct plan_actuator actuator = {
	.lease_ns = 200 * NS_PER_MS, .safe_verb = PLAN_VERB_STAND, .joint_count = 18, .node_base = 10,
	.safety_class = 1, .joint_min_cdeg = { -6000, -9000, -14000 }, .joint_max_cdeg = { 6000, 9000, 4000 },
	.joint_rate_cdeg_s = { 20000, 20000, 20000 },
};

struct input {
	const uint8_t *at, *end;
};

struct world {
	struct guard guard;
	struct cdm_mono now;
	int64_t stopped_ns;   /* 0: not stopped */
	int32_t joints[18];
	uint8_t counters[18];
	uint64_t seq;
};

static void take(struct input *in, void *out, size_t bytes) {
	size_t left = (size_t)(in->end - in->at), n = left < bytes ? left : bytes;
	memset(out, 0, bytes);
	memcpy(out, in->at, n);
	in->at += n;
}

/* Within the limits, or on the way back in from where the joint was found. */
static void check_setpoint(struct world *w, const struct cdm_can *m) {
	unsigned j = (unsigned)m->node - actuator.node_base;
	CHECK(j < 18 && m->rate <= 50 && m->lease <= 20);
	CHECK(w->guard.phase == PHASE_MOVING || w->guard.phase == PHASE_SAFE);
	int32_t min = actuator.joint_min_cdeg[j % 3], max = actuator.joint_max_cdeg[j % 3];
	CHECK(m->value >= (w->joints[j] < min ? w->joints[j] : min));
	CHECK(m->value <= (w->joints[j] > max ? w->joints[j] : max));
	w->joints[j] = m->value;
}

static void step(struct world *w, const struct motion_command *c, const struct cdm_frame *rx, unsigned n) {
	struct cdm_frame tx[GUARD_FRAMES_MAX];
	unsigned out = guard_step(&w->guard, w->now, c, rx, n, tx);
	CHECK(out <= GUARD_FRAMES_MAX);
	for (unsigned i = 0; i < out; i++) {
		struct cdm_can m;
		CHECK(cdm_can_decode(&tx[i], &m) == 0);
		if (m.kind == CDM_CAN_SETPOINT)
			check_setpoint(w, &m);
	}
	if (w->guard.phase == PHASE_MOVING)
		w->stopped_ns = 0;
}

/* The joints report where they are, as honest nodes do. */
static void report(struct world *w) {
	struct cdm_frame rx[18];
	for (unsigned j = 0; j < 18; j++) {
		struct cdm_can m = { .kind = CDM_CAN_FEEDBACK, .node = (uint8_t)(actuator.node_base + j),
				.value = (int16_t)w->joints[j], .counter = w->counters[j] };
		w->counters[j] = (uint8_t)((w->counters[j] + 1) % 16);
		CHECK(cdm_can_encode(&m, &rx[j]) == 0);
	}
	step(w, NULL, rx, 18);
}

static void hear_datagram(struct world *w, struct input *in) {
	uint8_t n, bytes[256];
	struct cdm_frame f;
	take(in, &n, 1);
	take(in, bytes, n);
	if (bus_udp_decode(bytes, n, &f) < 0)
		return;
	uint8_t again[BUS_UDP_DATAGRAM_MAX];
	struct cdm_frame same;
	CHECK(bus_udp_decode(again, bus_udp_encode(&f, again), &same) == 0 && memcmp(&f, &same, sizeof(f)) == 0);
	step(w, NULL, &f, 1);
}

static void hear_message(struct world *w, struct input *in) {
	struct cdm_can m;
	struct cdm_frame f;
	take(in, &m, sizeof(m));
	m.kind %= CDM_CAN_KINDS;
	if (m.kind == CDM_CAN_FEEDBACK || cdm_can_encode(&m, &f) < 0)
		return; /* joints do not lie here: check_setpoint() knows where they are */
	step(w, NULL, &f, 1);
}

/* Any command; sealed and plausible as often as not. */
static void command(struct world *w, struct input *in) {
	struct motion_command c;
	uint8_t how;
	take(in, &how, 1);
	take(in, &c, sizeof(c));
	if (how & 1)
		c.valid_until_mono_ns = w->now.ns + c.valid_until_mono_ns % (250 * NS_PER_MS);
	if (how & 2)
		c.issued_ns = w->now.ns - (int64_t)(uint8_t)c.issued_ns;
	if (how & 4)
		c.seq = ++w->seq;
	if (how & 8)
		c.actuator = 0, c.joint_count = 18, c.trust = 0.9f, c.deadline_ns = 0;
	for (unsigned j = 0; how & 16 && j < 18; j++)
		c.joint_cdeg[j] %= 9500, c.rate_cdeg_s[j] &= 16383;
	if (how & 32)
		c.command_id &= 255;
	if (how & 64)
		c.kind = (uint16_t)(c.kind % 5);
	if (how & 128)
		motion_command_seal(&c);
	bool stopped = w->stopped_ns && c.issued_ns <= w->stopped_ns;
	step(w, &c, NULL, 0);
	CHECK(!stopped || w->guard.phase != PHASE_MOVING);
}

static void event(struct world *w, struct input *in) {
	uint8_t which;
	take(in, &which, 1);
	if (which % 4 == 0) {
		guard_stop(&w->guard, w->now, REASON_STOP_DOOR);
		w->stopped_ns = w->now.ns;
		step(w, NULL, NULL, 0);
	} else if (which % 4 == 1) {
		guard_core_lost(&w->guard, w->now);
		w->stopped_ns = w->now.ns;
	} else if (which % 4 == 2) {
		guard_core_started(&w->guard, w->now);
		w->stopped_ns = w->now.ns;
		w->seq = 0;
	} else if (which == 255) {
		guard_quit(&w->guard, w->now);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
	struct input in = { data, data + size };
	struct world w = { .now.ns = 1000 * NS_PER_S };
	CHECK(guard_init(&w.guard, &actuator, 0, w.now, 1, NULL) == 0);
	report(&w);
	report(&w);
	while (in.at < in.end) {
		uint8_t op;
		take(&in, &op, 1);
		w.now.ns += (op >> 3) * NS_PER_MS;
		switch (op & 7) {
		case 0: hear_datagram(&w, &in); break;
		case 1: hear_message(&w, &in); break;
		case 2: event(&w, &in); break;
		case 3:
		case 4: report(&w); break;
		default: command(&w, &in); break;
		}
	}
	return 0;
}
