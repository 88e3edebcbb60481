/*
 * guard_test.c - every phase meets every event; then the promises of guard.h, one by one, in virtual time.
 */
#include "guard/guard_test.h"

#include <errno.h>

/* ---- the whole table ------------------------------------------------------------------------- */

enum event { NOTHING, MOVE_NEW, MOVE_SAME, MOVE_OLD, RELEASE, RELEASE_OTHER, GO_SAFE, LEASE_OUT, DEADLINE,
	DEAF, TOO_FAR, FOREIGN, CORE_LOST, CORE_BACK, QUIT, STOP_CORE, STOP_DOOR, STOP_BUS, EVENTS };

/* Where each event leads from IDLE, MOVING, SAFE, ESTOP: written down from phase.h, not from guard.c. */
static const enum guard_phase expected[EVENTS][PHASE_COUNT] = {
#define I PHASE_IDLE
#define M PHASE_MOVING
#define S PHASE_SAFE
#define E PHASE_ESTOP
	[NOTHING] = { I, M, S, E },
	[MOVE_NEW] = { M, M, M, M },
	[MOVE_SAME] = { I, M, S, E },
	[MOVE_OLD] = { I, M, S, E },
	[RELEASE] = { I, I, S, E },
	[RELEASE_OTHER] = { I, M, S, E },
	[GO_SAFE] = { S, S, S, E },
	[LEASE_OUT] = { I, S, S, E },
	[DEADLINE] = { I, S, S, E },
	[DEAF] = { I, S, S, E },
	[TOO_FAR] = { I, S, S, E },
	[FOREIGN] = { I, S, S, E },
	[CORE_LOST] = { I, S, S, E },
	[CORE_BACK] = { I, S, S, E },
	[QUIT] = { S, S, S, E },
	[STOP_CORE] = { E, E, E, E },
	[STOP_DOOR] = { E, E, E, E },
	[STOP_BUS] = { E, E, E, E },
#undef I
#undef M
#undef S
#undef E
};

/* A rig in that phase; motion 7 is, or was, the newest. */
static void arrive(struct rig *r, enum guard_phase phase) {
	rig_init(r);
	struct motion_command c = rig_move(r, 7);
	if (phase == PHASE_IDLE) {
		c.seq = ++r->seq;
		c.kind = MOTION_RELEASE;
		rig_give(r, c);
	} else if (phase == PHASE_SAFE) {
		guard_core_lost(&r->guard, r->now);
	} else if (phase == PHASE_ESTOP) {
		guard_stop(&r->guard, r->now, REASON_STOP_DOOR);
	}
	rig_step(r, NS_PER_MS, NULL); /* a stop is on the bus now ... */
	rig_step(r, 1, NULL);         /* ... and whatever comes was issued after that */
	CHECK(r->guard.phase == phase);
}

static void hear(struct rig *r, struct cdm_frame f) {
	r->sent = guard_step(&r->guard, r->now, NULL, &f, 1, r->tx);
	rig_look(r);
}

static struct cdm_frame stranger(void) {
	struct cdm_can m = { .kind = CDM_CAN_SETPOINT, .node = 12, .lease = 20 };
	struct cdm_frame f;
	CHECK(cdm_can_encode(&m, &f) == 0);
	return f;
}

static void give_kind(struct rig *r, uint64_t id, enum motion_kind kind, int32_t angle) {
	struct motion_command c = rig_command(r, id, kind);
	c.joint_cdeg[4] = angle;
	rig_give(r, c);
}

/* Let `ns` pass in steps, renewing motion 7 on the way if it moves. */
static void pass(struct rig *r, int64_t ns, bool renew) {
	for (int64_t end = r->now.ns + ns; r->now.ns < end;) {
		struct motion_command c = rig_command(r, 7, MOTION_MOVE);
		rig_step(r, 10 * NS_PER_MS, renew && r->guard.phase == PHASE_MOVING ? &c : NULL);
	}
}

static void happen(struct rig *r, enum event e) {
	static const struct cdm_frame stop = { .flags = CDM_FRAME_EXTENDED };
	struct motion_command c;
	switch (e) {
	case NOTHING: rig_step(r, NS_PER_MS, NULL); break;
	case MOVE_NEW: give_kind(r, 8, MOTION_MOVE, 0); break;
	case MOVE_SAME: give_kind(r, 7, MOTION_MOVE, 0); break;
	case MOVE_OLD: give_kind(r, 6, MOTION_MOVE, 0); break;
	case RELEASE: give_kind(r, 7, MOTION_RELEASE, 0); break;
	case RELEASE_OTHER: give_kind(r, 8, MOTION_RELEASE, 0); break;
	case GO_SAFE: give_kind(r, 8, MOTION_SAFE, 0); break;
	case LEASE_OUT: pass(r, 210 * NS_PER_MS, false); break;
	case DEADLINE:
		c = rig_command(r, 7, MOTION_MOVE);
		c.deadline_ns = r->now.ns + 30 * NS_PER_MS;
		rig_give(r, c);
		pass(r, 40 * NS_PER_MS, false);
		break;
	case DEAF:
		r->deaf = true;
		pass(r, 120 * NS_PER_MS, true);
		break;
	case TOO_FAR: give_kind(r, 8, MOTION_MOVE, 9001); break;
	case FOREIGN: hear(r, stranger()); break;
	case CORE_LOST: guard_core_lost(&r->guard, r->now); break;
	case CORE_BACK: guard_core_started(&r->guard, r->now); break;
	case QUIT: guard_quit(&r->guard, r->now); break;
	case STOP_CORE: give_kind(r, 0, MOTION_STOP, 0); break;
	case STOP_DOOR: guard_stop(&r->guard, r->now, REASON_STOP_DOOR); break;
	case STOP_BUS: hear(r, stop); break;
	case EVENTS: CHECK(false);
	}
}

static void goes_only_where_the_drawing_says(void) {
	for (unsigned e = 0; e < EVENTS; e++)
		for (unsigned p = 0; p < PHASE_COUNT; p++) {
			struct rig r;
			arrive(&r, (enum guard_phase)p);
			happen(&r, (enum event)e);
			if (r.guard.phase != expected[e][p])
				fprintf(stderr, "event %u in %s led to %s\n", e, phase_text(p),
						phase_text(r.guard.phase));
			CHECK(r.guard.phase == expected[e][p]);
			CHECK(r.guard.phase == (enum guard_phase)p || phase_may((enum guard_phase)p, r.guard.phase));
			CHECK(r.speeding == 0 && r.outside == 0);
		}
}

/* After every pair of events, too, no command issued before the last end of motion moves anything. */
static void never_obeys_the_past(void) {
	for (unsigned first = 0; first < EVENTS; first++)
		for (unsigned second = 0; second < EVENTS; second++) {
			struct rig r;
			arrive(&r, PHASE_MOVING);
			struct motion_command old = rig_command(&r, 99, MOTION_MOVE);
			rig_step(&r, NS_PER_MS, NULL);
			happen(&r, (enum event)first);
			happen(&r, (enum event)second);
			bool ended = r.guard.phase == PHASE_SAFE || r.guard.phase == PHASE_ESTOP;
			old.seq = ++r.seq;
			old.valid_until_mono_ns = r.now.ns + 100 * NS_PER_MS;
			uint32_t refusals = r.guard.refusals;
			rig_give(&r, old);
			if (ended)
				CHECK(r.guard.phase != PHASE_MOVING && r.guard.refusals == refusals + 1);
			CHECK(r.speeding == 0 && r.outside == 0);
		}
}

static void lists_the_moves_it_allows(void) {
	static const char *const rows[PHASE_COUNT] = { "-xxx", "xxxx", "-x-x", "-x-x" }; /* I M S E */
	for (unsigned from = 0; from < PHASE_COUNT; from++)
		for (unsigned to = 0; to < PHASE_COUNT; to++)
			CHECK(phase_may((enum guard_phase)from, (enum guard_phase)to) == (rows[from][to] == 'x'));
	CHECK(strcmp(phase_text(PHASE_COUNT), "?") == 0 && strcmp(phase_reason_text(REASON_COUNT), "?") == 0);
	for (unsigned r = 0; r < REASON_COUNT; r++)
		CHECK(strcmp(phase_reason_text(r), "?") != 0);
}

/* ---- moving ---------------------------------------------------------------------------------- */

static void moves_at_the_rate_it_was_told(void) {
	struct rig r;
	rig_init(&r);
	rig_move(&r, 7);
	CHECK(r.setpoints == 18 && r.last.value == 0); /* the first set-point is where the joint is */
	CHECK(r.last.lease == 20 && r.last.rate == 50 && r.last.flags == 0);
	int64_t began = r.now.ns;
	unsigned setpoints = 0, heartbeats = 0;
	while (r.joints[0] != 1000) {
		struct motion_command c = rig_command(&r, 7, MOTION_MOVE);
		rig_step(&r, 10 * NS_PER_MS, &c);
		setpoints += r.setpoints, heartbeats += r.heartbeats;
	}
	CHECK(r.now.ns - began == 100 * NS_PER_MS); /* 1000 at 10000 a second */
	CHECK(setpoints == 5 * 18 && heartbeats == 2);
	CHECK(r.speeding == 0 && r.guard.command_id == 7);

	give_kind(&r, 7, MOTION_RELEASE, 0);
	pass(&r, 200 * NS_PER_MS, false);
	CHECK(r.guard.phase == PHASE_IDLE && r.setpoints == 0 && r.guard.refusals == 0);
}

static void does_not_leap_after_a_late_tick(void) {
	struct rig r;
	rig_init(&r);
	rig_move(&r, 7);
	struct motion_command c = rig_command(&r, 7, MOTION_MOVE);
	c.valid_until_mono_ns += 90 * NS_PER_MS;
	rig_step(&r, 90 * NS_PER_MS, &c); /* 900 would be the rate; 40 ms of it are given */
	CHECK(r.joints[3] == 400);
}

static void says_less_lease_when_less_is_left(void) {
	struct rig r;
	rig_init(&r);
	rig_move(&r, 7);
	for (unsigned expect = 18; expect > 0; expect -= 2) {
		rig_step(&r, 20 * NS_PER_MS, NULL);
		CHECK(r.setpoints == 18 && r.last.lease == expect);
	}
	rig_step(&r, 20 * NS_PER_MS, NULL);
	CHECK(r.guard.phase == PHASE_SAFE && r.guard.reason == REASON_LEASE);
	CHECK(r.last.lease == 20 && r.last.flags == CDM_CAN_SAFE);
}

static void numbers_what_it_says(void) {
	struct rig r;
	rig_init(&r);
	rig_move(&r, 7);
	uint16_t first = r.last.motion;
	uint8_t counter = r.last.counter;
	for (int i = 0; i < 40; i++) {
		struct motion_command c = rig_command(&r, 7, MOTION_MOVE);
		rig_step(&r, 20 * NS_PER_MS, &c);
		counter = (uint8_t)((counter + 1) % 16);
		CHECK(r.setpoints == 18 && r.last.counter == counter && r.last.motion == first);
	}
	rig_move(&r, 8);
	rig_step(&r, 20 * NS_PER_MS, NULL);
	CHECK(r.last.motion == (uint16_t)(first + 1));
}

static void never_starts_blind(void) {
	struct rig r;
	rig_init(&r);
	r.deaf = true;
	rig_step(&r, GUARD_FEEDBACK_MAX_NS, NULL);
	give_kind(&r, 7, MOTION_MOVE, 0); /* the last report is 100 ms old: just good enough */
	CHECK(r.guard.phase == PHASE_MOVING);
	rig_init(&r);
	r.deaf = true;
	rig_step(&r, GUARD_FEEDBACK_MAX_NS + 1, NULL);
	give_kind(&r, 7, MOTION_MOVE, 0);
	CHECK(r.guard.phase == PHASE_IDLE && r.guard.last_refusal == REFUSE_FEEDBACK);

	rig_init(&r); /* one silent joint is enough */
	r.guard.joints[11].seen.ns = 0;
	r.deaf = true;
	give_kind(&r, 7, MOTION_MOVE, 0);
	CHECK(r.guard.phase == PHASE_IDLE && r.guard.last_refusal == REFUSE_FEEDBACK);
}

/* ---- the safe pose --------------------------------------------------------------------------- */

static void goes_to_the_safe_pose_and_stays(void) {
	struct rig r;
	rig_init(&r);
	rig_move(&r, 7);
	pass(&r, 60 * NS_PER_MS, true);
	r.joints[0] = 5900; /* a joint that is not where it was told to be: the pose starts from there */
	rig_step(&r, NS_PER_MS, NULL);
	guard_core_lost(&r.guard, r.now);
	rig_step(&r, 0, NULL);
	CHECK(r.guard.reason == REASON_CORE && r.joints[0] == 5900);
	CHECK(!guard_is_settled(&r.guard));
	int64_t began = r.now.ns;
	while (!guard_is_settled(&r.guard))
		rig_step(&r, 10 * NS_PER_MS, NULL);
	CHECK(r.now.ns - began >= 5900 * NS_PER_S / 10000); /* half of 200 degrees a second */
	for (unsigned j = 0; j < 18; j++)
		CHECK(r.joints[j] == (j % 3 == 0 ? 0 : j % 3 == 1 ? 1446 : -10325));
	pass(&r, NS_PER_S, false);
	rig_step(&r, 20 * NS_PER_MS, NULL);
	CHECK(r.guard.phase == PHASE_SAFE && r.setpoints == 18 && r.last.flags == CDM_CAN_SAFE);
	CHECK(r.speeding == 0);
}

static void knows_the_other_safe_poses(void) {
	static const struct { enum plan_verb verb; int32_t femur; } rows[] = { { PLAN_VERB_STAND, 1446 },
			{ PLAN_VERB_RISE, 1446 }, { PLAN_VERB_CROUCH, 4595 }, { PLAN_VERB_STOP, 3000 },
			{ PLAN_VERB_NONE, 3000 } };
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct plan_actuator a = actuator_example;
		struct rig r;
		rig_init(&r);
		a.safe_verb = (uint8_t)rows[i].verb;
		CHECK(guard_init(&r.guard, &a, EXAMPLE_INDEX, r.now, 1, NULL) == 0);
		for (unsigned j = 0; j < 18; j++)
			r.joints[j] = 3000;
		rig_step(&r, NS_PER_MS, NULL);
		rig_step(&r, NS_PER_MS, NULL);
		guard_quit(&r.guard, r.now);
		CHECK(r.guard.phase == PHASE_SAFE && r.guard.reason == REASON_QUIT);
		pass(&r, 3 * NS_PER_S, false);
		CHECK(guard_is_settled(&r.guard) && r.joints[4] == rows[i].femur);
	}
}

static void comes_back_from_outside_its_limits(void) {
	struct rig r;
	rig_init(&r);
	r.joints[0] = 7000; /* beyond 60 degrees: someone turned it by hand */
	rig_step(&r, NS_PER_MS, NULL);
	rig_move(&r, 7);
	int32_t before = r.joints[0];
	pass(&r, 500 * NS_PER_MS, true);
	CHECK(before == 7000 && r.joints[0] == 2000 && r.speeding == 0);
	CHECK(r.outside > 0); /* it cannot but pass there, inwards */
}

static void leaves_a_blind_robot_alone(void) {
	struct rig r;
	rig_init(&r);
	r.deaf = true;
	rig_step(&r, NS_PER_S, NULL);
	guard_quit(&r.guard, r.now);
	CHECK(r.guard.phase == PHASE_IDLE && guard_is_settled(&r.guard));
	give_kind(&r, 9, MOTION_MOVE, 0);
	CHECK(r.guard.phase == PHASE_IDLE && r.guard.last_refusal == REFUSE_QUITTING);
}

/* ---- stops ----------------------------------------------------------------------------------- */

static void stops_in_mid_motion(void) {
	struct rig r;
	int32_t where[18];
	rig_init(&r);
	rig_move(&r, 7);
	pass(&r, 50 * NS_PER_MS, true);
	memcpy(where, r.joints, sizeof(where));
	CHECK(where[0] > 0 && where[0] < 1000);
	guard_stop(&r.guard, r.now, REASON_STOP_DOOR);
	rig_step(&r, 0, NULL);
	CHECK(r.estops == 1 && r.setpoints == 0); /* on the bus with the very next step */
	CHECK(r.tx[0].id == 0);                   /* and it wins every arbitration */
	unsigned estops = 1;
	for (int i = 0; i < 200; i++) {
		struct motion_command c = rig_command(&r, 7, MOTION_MOVE); /* core goes on, deaf to it */
		rig_step(&r, 10 * NS_PER_MS, &c);
		estops += r.estops;
		CHECK(r.guard.phase == PHASE_ESTOP && r.setpoints == 0);
	}
	CHECK(estops == GUARD_STOP_FRAMES && r.guard.stops == 1);
	CHECK(memcmp(where, r.joints, sizeof(where)) == 0);
}

static void resumes_only_when_asked_anew(void) {
	struct rig r;
	rig_init(&r);
	rig_move(&r, 7);
	struct motion_command before = rig_command(&r, 8, MOTION_MOVE);
	rig_step(&r, NS_PER_MS, NULL);
	guard_stop(&r.guard, r.now, REASON_STOP_DOOR);

	/* Issued after the stop, but it is not on the bus yet: even that does not count. */
	r.now.ns += NS_PER_MS;
	struct motion_command hasty = rig_command(&r, 9, MOTION_MOVE);
	rig_give(&r, hasty);
	CHECK(r.guard.phase == PHASE_ESTOP && r.guard.last_refusal == REFUSE_STOPPED && r.estops == 1);
	before.seq = ++r.seq;
	rig_give(&r, before);
	CHECK(r.guard.phase == PHASE_ESTOP && r.guard.last_refusal == REFUSE_STOPPED);
	rig_step(&r, NS_PER_MS, NULL);
	give_kind(&r, 10, MOTION_SAFE, 0); /* the safe pose is motion, too */
	CHECK(r.guard.phase == PHASE_ESTOP && r.guard.last_refusal == REFUSE_STOPPED);

	struct motion_command anew = rig_command(&r, 11, MOTION_MOVE);
	rig_give(&r, anew);
	CHECK(r.guard.phase == PHASE_MOVING && r.guard.reason == REASON_NONE);
	rig_step(&r, 200 * NS_PER_MS - 1, NULL);
	CHECK(r.estops == 0); /* nothing of the old stop comes after */
}

static void a_second_stop_moves_the_barrier(void) {
	static const struct cdm_frame stop = { .flags = CDM_FRAME_EXTENDED | CDM_FRAME_REMOTE };
	struct rig r;
	arrive(&r, PHASE_ESTOP);
	rig_step(&r, NS_PER_MS, NULL);
	struct motion_command between = rig_command(&r, 8, MOTION_MOVE);
	rig_step(&r, NS_PER_MS, NULL);
	hear(&r, stop);
	between.valid_until_mono_ns = r.now.ns + NS_PER_MS;
	rig_give(&r, between);
	CHECK(r.guard.phase == PHASE_ESTOP && r.guard.last_refusal == REFUSE_STOPPED && r.guard.stops == 1);
	rig_step(&r, NS_PER_MS, NULL);
	between = rig_command(&r, 9, MOTION_MOVE);
	rig_step(&r, NS_PER_MS, NULL);
	guard_stop(&r.guard, r.now, REASON_STOP_DOOR);
	rig_step(&r, 0, NULL);
	CHECK(r.estops == 1 && r.guard.stops == 2);
	rig_give(&r, between);
	CHECK(r.guard.phase == PHASE_ESTOP);
}

/* Two guards on one bus: a stop of one stops both, and they do not keep each other stopped. */
static void two_guards_do_not_stop_each_other_for_ever(void) {
	struct rig a, b;
	rig_init(&a);
	rig_init(&b);
	rig_move(&a, 7);
	rig_move(&b, 7);
	guard_stop(&a.guard, a.now, REASON_STOP_DOOR);
	unsigned stops_a = 0, stops_b = 0;
	for (int i = 0; i < 100; i++) {
		rig_step(&a, 10 * NS_PER_MS, NULL);
		stops_a += a.estops;
		struct cdm_frame from_a = a.tx[0];
		bool heard = a.estops;
		rig_step(&b, 10 * NS_PER_MS, NULL);
		stops_b += b.estops;
		if (heard)
			hear(&b, from_a), stops_b += b.estops;
		if (b.estops)
			hear(&a, b.tx[0]), stops_a += a.estops;
	}
	CHECK(a.guard.phase == PHASE_ESTOP && b.guard.phase == PHASE_ESTOP);
	CHECK(b.guard.reason == REASON_STOP_BUS);
	CHECK(stops_a == GUARD_STOP_FRAMES && stops_b == GUARD_STOP_FRAMES);
	CHECK(rig_move(&a, 8).command_id == 8 && rig_move(&b, 8).command_id == 8);
}

/* Somebody plays an old motion to the joints of a stopped robot: each 50 ms they are told to hold. */
static void says_stop_again_to_a_stranger(void) {
	struct rig r;
	struct cdm_frame f = stranger();
	rig_init(&r);
	rig_move(&r, 7);
	guard_stop(&r.guard, r.now, REASON_STOP_DOOR);
	pass(&r, 300 * NS_PER_MS, false);
	CHECK(r.guard.stop_frames == 0);
	int64_t barrier = r.guard.barrier_ns, last = 0;
	unsigned estops = 0;
	for (int i = 0; i < 100; i++) { /* a second of them */
		r.now.ns += 10 * NS_PER_MS;
		hear(&r, f);
		if (r.estops) {
			CHECK(cdm_can_is_estop(&r.tx[0]) && r.now.ns - last >= 50 * NS_PER_MS);
			last = r.now.ns;
			estops++;
		}
		CHECK(i > 0 || r.estops == 1); /* the first at once */
		CHECK(r.guard.phase == PHASE_ESTOP && r.guard.reason == REASON_STOP_DOOR && r.setpoints == 0);
	}
	CHECK(estops == 20 && r.guard.foreign == 100 && r.guard.stops == 1);
	CHECK(r.guard.barrier_ns == barrier && guard_stop_is_said(&r.guard)); /* it is the same stop */
	pass(&r, 200 * NS_PER_MS, false);
	CHECK(r.guard.stop_frames == 0 && r.estops == 0);
	hear(&r, f);
	CHECK(r.estops == 1);
	guard_unsent(&r.guard, &r.tx[0]); /* the bus has no room */
	CHECK(guard_stop_is_said(&r.guard));
	rig_step(&r, 10 * NS_PER_MS, NULL);
	CHECK(r.estops == 1 && guard_stop_is_said(&r.guard));
	rig_move(&r, 8); /* it keeps nobody from a motion that was asked for since */
	pass(&r, 100 * NS_PER_MS, true);
	CHECK(r.estops == 0);
}

/* Its own stop counts three frames and no more, whatever else is heard meanwhile. */
static void a_stranger_adds_nothing_to_a_stop(void) {
	struct rig r;
	unsigned estops = 0;
	rig_init(&r);
	rig_move(&r, 7);
	guard_stop(&r.guard, r.now, REASON_STOP_DOOR);
	hear(&r, stranger());
	CHECK(r.estops == 1 && r.guard.stop_frames == GUARD_STOP_FRAMES - 1);
	guard_unsent(&r.guard, &r.tx[0]);
	CHECK(!guard_stop_is_said(&r.guard));
	for (int i = 0; i < 30; i++, estops += r.estops)
		rig_step(&r, 10 * NS_PER_MS, NULL);
	CHECK(estops == GUARD_STOP_FRAMES);
}

/* ---- restarts -------------------------------------------------------------------------------- */

/* Another machine drives the same bus: its heartbeats say so long before anything moves. */
static void notices_another_that_speaks_as_we_do(void) {
	struct rig r;
	struct guard twin, neighbour;
	struct plan_actuator a = actuator_example;
	struct cdm_frame tx[GUARD_FRAMES_MAX];
	uint32_t state[STATE_COUNT], heard = 0;
	rig_init(&r);
	CHECK(guard_init(&twin, &a, 0, r.now, 1, NULL) == 0);
	a.node_base += 100;
	CHECK(guard_init(&neighbour, &a, 0, r.now, 1, NULL) == 0);
	for (int i = 0; i < 20; i++) {
		r.now.ns += 10 * NS_PER_MS;
		for (unsigned n = guard_step(&neighbour, r.now, NULL, NULL, 0, tx); n > 0; n--)
			hear(&r, tx[n - 1]);
		guard_get_state(&r.guard, state);
		CHECK(state[STATE_FOREIGN] == 0); /* whoever has other nodes may share the bus */
	}
	for (int i = 0; i < 20; i++) {
		r.now.ns += 10 * NS_PER_MS;
		for (unsigned n = guard_step(&twin, r.now, NULL, NULL, 0, tx); n > 0; n--, heard++)
			hear(&r, tx[n - 1]);
		guard_get_state(&r.guard, state);
		CHECK(state[STATE_FOREIGN] == heard);
	}
	CHECK(heard == 4 && r.guard.phase == PHASE_IDLE);
	hear(&r, stranger()); /* nor does a set-point go uncounted */
	guard_get_state(&r.guard, state);
	CHECK(state[STATE_FOREIGN] == heard + 1);
	rig_move(&r, 7);
	r.now.ns += 50 * NS_PER_MS;
	CHECK(guard_step(&twin, r.now, NULL, NULL, 0, tx) == 1);
	hear(&r, tx[0]);
	CHECK(r.guard.phase == PHASE_MOVING); /* to be there is no command */
}

static void a_restarted_guard_moves_nothing(void) {
	struct rig r;
	rig_init(&r);
	rig_move(&r, 7);
	struct motion_command c = rig_command(&r, 7, MOTION_MOVE);
	rig_step(&r, NS_PER_MS, NULL);
	CHECK(guard_init(&r.guard, &actuator_example, EXAMPLE_INDEX, r.now, 300, NULL) == 0);
	for (int i = 0; i < 10; i++) { /* core has noticed nothing and goes on renewing */
		c.seq = ++r.seq;
		c.valid_until_mono_ns = r.now.ns + 200 * NS_PER_MS;
		motion_command_seal(&c);
		rig_step(&r, 10 * NS_PER_MS, &c);
		CHECK(r.guard.phase == PHASE_IDLE && r.setpoints == 0);
	}
	CHECK(r.guard.refusals == 10 && r.guard.last_refusal == REFUSE_STOPPED);
	rig_move(&r, 8);
	CHECK(r.last.motion == 301);
}

static void a_restarted_core_begins_anew(void) {
	struct rig r;
	rig_init(&r);
	rig_move(&r, 1000);
	guard_core_lost(&r.guard, r.now);
	rig_step(&r, NS_PER_MS, NULL);
	CHECK(r.guard.phase == PHASE_SAFE && r.guard.reason == REASON_CORE);
	guard_core_started(&r.guard, r.now);
	r.seq = 0; /* and its journal may have begun anew, too */
	rig_move(&r, 1);
	CHECK(r.guard.command_id == 1);
}

/* ---- the bus --------------------------------------------------------------------------------- */

static struct cdm_frame position(unsigned node, int16_t value, uint8_t counter) {
	struct cdm_can m = { .kind = CDM_CAN_FEEDBACK, .node = (uint8_t)node, .value = value, .counter = counter,
			.rate = 10 };
	struct cdm_frame f;
	CHECK(cdm_can_encode(&m, &f) == 0);
	return f;
}

static void believes_only_whole_frames_in_order(void) {
	struct rig r;
	rig_init(&r);
	r.deaf = true;
	const struct guard_joint *j = &r.guard.joints[5];
	uint8_t n = r.counters[5];
	hear(&r, position(15, 111, n));
	CHECK(j->seen_cdeg == 111 && r.guard.bad == 0); /* the first of each row is none */
	hear(&r, position(15, 222, n)); /* said twice */
	CHECK(j->seen_cdeg == 111 && r.guard.bad == 1);
	hear(&r, position(15, 333, (uint8_t)((n + 5) % 16))); /* jumped */
	CHECK(j->seen_cdeg == 111 && r.guard.bad == 2);
	hear(&r, position(15, 444, (uint8_t)((n + 6) % 16))); /* goes on */
	CHECK(j->seen_cdeg == 444 && r.guard.bad == 2);
	struct cdm_frame f = position(15, 555, (uint8_t)((n + 7) % 16));
	f.data[2] ^= 4;
	hear(&r, f);
	CHECK(j->seen_cdeg == 444 && r.guard.bad == 3);
	hear(&r, position(9, 1, 0)); /* nodes that are not ours, on both sides */
	hear(&r, position(28, 1, 0));
	CHECK(r.guard.bad == 3 && r.guard.joints[0].seen_cdeg == 0 && r.guard.joints[17].seen_cdeg == 0);
}

static void survives_any_frame(void) {
	struct rig r;
	uint32_t seed = 7;
	rig_init(&r);
	rig_move(&r, 7);
	for (int i = 0; i < 300000; i++) {
		struct cdm_frame f;
		uint8_t *bytes = (uint8_t *)&f;
		for (size_t k = 0; k < sizeof(f); k++) {
			seed = seed * 1664525u + 1013904223u;
			bytes[k] = (uint8_t)(seed >> 24);
		}
		if (i % 4 == 0)
			f.flags = CDM_FRAME_EXTENDED, f.length = 8, f.id %= 1u << 24;
		r.now.ns += 1000;
		r.sent = guard_step(&r.guard, r.now, NULL, &f, 1, r.tx);
		CHECK(r.sent <= GUARD_FRAMES_MAX && r.guard.phase < PHASE_COUNT);
		rig_look(&r);
	}
	CHECK(r.speeding == 0 && r.guard.phase == PHASE_ESTOP); /* some garbage has the form of a stop */
}

/* ---- what is published ----------------------------------------------------------------------- */

static void odometry(struct rig *r, uint8_t counter, struct cdm_can_pose p) {
	struct cdm_can m = { .kind = CDM_CAN_ODOMETRY, .node = 28, .counter = counter };
	struct cdm_frame f;
	cdm_can_set_pose(&m, p);
	CHECK(cdm_can_encode(&m, &f) == 0);
	hear(r, f);
}

static void publishes_whole_sets(void) {
	struct rig r;
	float out[FEEDBACK_COUNT];
	struct cdm_mono source = { 0 };
	rig_init(&r);
	CHECK(guard_take_feedback(&r.guard, out, &source) && source.ns == r.now.ns);
	CHECK(!guard_take_feedback(&r.guard, out, &source)); /* nothing new */
	r.deaf = true;
	struct cdm_mono first = { r.now.ns + NS_PER_MS };
	for (unsigned j = 0; j < 18; j++) {
		CHECK(!guard_take_feedback(&r.guard, out, &source));
		r.now.ns += NS_PER_MS;
		hear(&r, position(10 + j, (int16_t)(-100 * (int)j), r.counters[j]));
	}
	CHECK(guard_take_feedback(&r.guard, out, &source));
	CHECK(source.ns == first.ns); /* as old as its oldest part */
	CHECK(out[FEEDBACK_JOINT + 17] == -17 && out[FEEDBACK_SPEED_DEG_S] == 40);
	CHECK(out[FEEDBACK_AGE_MS] == 17 && out[FEEDBACK_PHASE] == (float)PHASE_IDLE);
}

static void adds_the_way_up(void) {
	struct rig r;
	float out[FEEDBACK_COUNT];
	struct cdm_mono source;
	rig_init(&r);
	odometry(&r, 4, (struct cdm_can_pose){ 30000, 0, 0 }); /* first of its row */
	odometry(&r, 5, (struct cdm_can_pose){ 32000, -5, 100 });
	odometry(&r, 6, (struct cdm_can_pose){ -32000, -10, -100 }); /* past 32.767 m */
	CHECK(guard_take_feedback(&r.guard, out, &source));
	CHECK(out[FEEDBACK_X_M] > 33.5359f && out[FEEDBACK_X_M] < 33.5361f);
	CHECK(out[FEEDBACK_Y_M] == -0.010f && out[FEEDBACK_HEADING_DEG] == -1);
}

static void tells_its_state(void) {
	struct rig r;
	uint32_t s[STATE_COUNT];
	rig_init(&r);
	rig_move(&r, UINT64_C(0x100000002));
	give_kind(&r, 1, MOTION_MOVE, 0);
	guard_get_state(&r.guard, s);
	CHECK(s[STATE_PHASE] == PHASE_MOVING && s[STATE_REASON] == REASON_NONE);
	CHECK(s[STATE_COMMAND_LOW] == 2 && s[STATE_COMMAND_HIGH] == 1 && s[STATE_REFUSALS] == 1);
	CHECK(s[STATE_SENT] == 18 + 1 && s[STATE_BAD] == 0 && s[STATE_STOPS] == 0);
}

static void refuses_plans_that_cannot_be(void) {
	struct guard g;
	struct cdm_diag diag = { 0 };
	struct cdm_mono now = { T0 };
	struct plan_actuator a = actuator_example;
	a.node_base = 0; /* its own node is the one before */
	CHECK(guard_init(&g, &a, 0, now, 1, &diag) == -EINVAL && diag.errors == 1);
	a.node_base = 238;
	CHECK(guard_init(&g, &a, 0, now, 1, &diag) == -EINVAL && diag.errors == 2);
	a.node_base = 237;
	CHECK(guard_init(&g, &a, 0, now, 1, NULL) == 0);
	a.joint_min_cdeg[2] = -9000; /* it could not stand */
	CHECK(guard_init(&g, &a, 0, now, 1, &diag) == -EINVAL && diag.errors == 3);
	a.joint_count = 0;
	CHECK(guard_init(&g, &a, 0, now, 1, &diag) == -EINVAL && diag.errors == 4);
}

int main(void) {
	goes_only_where_the_drawing_says();
	never_obeys_the_past();
	lists_the_moves_it_allows();
	moves_at_the_rate_it_was_told();
	does_not_leap_after_a_late_tick();
	says_less_lease_when_less_is_left();
	numbers_what_it_says();
	never_starts_blind();
	goes_to_the_safe_pose_and_stays();
	knows_the_other_safe_poses();
	comes_back_from_outside_its_limits();
	leaves_a_blind_robot_alone();
	stops_in_mid_motion();
	resumes_only_when_asked_anew();
	a_second_stop_moves_the_barrier();
	two_guards_do_not_stop_each_other_for_ever();
	says_stop_again_to_a_stranger();
	a_stranger_adds_nothing_to_a_stop();
	notices_another_that_speaks_as_we_do();
	a_restarted_guard_moves_nothing();
	a_restarted_core_begins_anew();
	believes_only_whole_frames_in_order();
	survives_any_frame();
	publishes_whole_sets();
	adds_the_way_up();
	tells_its_state();
	refuses_plans_that_cannot_be();
	puts("guard_test: ok");
}
