/*
 * unit_test.c - a bus that has no room, and one that is down, between the guard and the legs.
 *
 * The unit, its fields and the bus are the real ones.  __wrap_cdm_bus_send stands where the kernel
 * would say no: it lets `room` frames pass, and answers the rest with `full`.
 */
#include "unit.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <unistd.h>
#include "base/err.h"
#include "base/io.h"
#include "test/lib/world.h"

enum { CORE, GUARD, JOINTS = 18, NODE = 10, ENDLESS = 1 << 20 };

static int room = ENDLESS, full = -EAGAIN;
static struct plan_builder b;
static struct world w;
static struct seat seat;
static struct event_writer events;
static struct field_writer command;
static struct unit unit;
static struct cdm_bus *robot;
static uint8_t counters[JOINTS];
static uint64_t seq;

int __real_cdm_bus_send(struct cdm_bus *bus, const struct cdm_frame *f);
int __wrap_cdm_bus_send(struct cdm_bus *bus, const struct cdm_frame *f);

int __wrap_cdm_bus_send(struct cdm_bus *bus, const struct cdm_frame *f) {
	if (bus == robot)
		return __real_cdm_bus_send(bus, f);
	return room-- > 0 ? __real_cdm_bus_send(bus, f) : full;
}

/* ---- the machine ---- */

static void make_plan(const char *machine) {
	plan_builder_begin(&b, machine);
	uint16_t legs = plan_builder_entity(&b, "legs", PLAN_ACTUATOR);
	(void)plan_builder_field(&b, "legs.command", CDM_U8, sizeof(struct motion_command), 8, 0, CORE, 1u << GUARD);
	uint16_t feedback = plan_builder_field(&b, "legs.feedback", CDM_F32, FEEDBACK_COUNT, 8, 0, GUARD, 1u << CORE);
	(void)plan_builder_field(&b, "legs.state", CDM_U32, STATE_COUNT, 8, 0, GUARD, 1u << CORE);
	struct plan_actuator *a = &b.actuators[b.head.actuators.count++];
	*a = (struct plan_actuator){ .entity = legs, .process = GUARD, .feedback = feedback, .awareness = PLAN_NONE,
			.driver = "hexapod_can", .bus = "udp:auto", .lease_ns = 2 * NS_PER_S,
			.safe_verb = PLAN_VERB_STAND, .joint_count = JOINTS, .node_base = NODE, .safety_class = 1,
			.joint_min_cdeg = { -9000, -9000, -14000 }, .joint_max_cdeg = { 9000, 9000, 4000 },
			.joint_rate_cdeg_s = { 20000, 20000, 20000 }, .verb_max = { [PLAN_VERB_STAND] = -1 } };
}

/* The guard's seat, in its own memory: a table of peers cannot be moved. */
static void take_seat(void) {
	world_stop(&w, GUARD);
	segment_close_files(&w.files[GUARD]);
	CHECK(segment_create(w.plan, GUARD, &w.files[GUARD]) == 0);
	uint32_t epoch = directory_starting(&w.directory, GUARD, 2, clock_mono());
	seat = (struct seat){ .fd = -1, .process = GUARD, .epoch = epoch, .plan = w.plan };
	peers_init(&seat.peers, w.plan, GUARD);
	CHECK(peers_own(&seat.peers, epoch, &w.files[GUARD]) == 0);
	CHECK(peers_directory(&seat.peers, w.directory_fd) == 0);
	directory_set(&w.directory, GUARD, DIRECTORY_LIVE, clock_mono());
	CHECK(peers_replace(&seat.peers, CORE, w.at[CORE].own.epoch, &w.files[CORE]) == 0);
	CHECK(peers_replace(&w.at[CORE], GUARD, epoch, &w.files[GUARD]) == 0);
}

static void begin(void) {
	static struct cdm_diag diag;
	char machine[CDM_NAME_MAX];
	snprintf(machine, sizeof(machine), "unit_test.%d", (int)getpid());
	make_plan(machine);
	world_open(&w, &b);
	take_seat();
	event_writer_open(&events, &seat.peers);
	CHECK(field_writer_open(&command, &w.at[CORE], 0) == 0);
	CHECK(cdm_bus_open(&robot, "udp:auto", machine, NULL) == 0);
	room = ENDLESS;
	full = -EAGAIN;
	seq = 0;
	int rc = unit_open(&unit, &seat, 0, &events, &diag);
	if (rc < 0)
		fputs(diag.count ? diag.at[0].text : err_text(rc), stderr);
	CHECK(rc == 0);
}

static void over(void) {
	unit_close(&unit);
	cdm_bus_close(&robot);
	peers_fini(&seat.peers);
	world_close(&w);
}

/* ---- the legs ---- */

static void report(void) {
	for (unsigned j = 0; j < JOINTS; j++) {
		struct cdm_can m = { .kind = CDM_CAN_FEEDBACK, .node = (uint8_t)(NODE + j), .counter = counters[j] };
		struct cdm_frame f;
		counters[j] = (uint8_t)((counters[j] + 1) % CDM_CAN_COUNTERS);
		CHECK(cdm_can_encode(&m, &f) == 0 && cdm_bus_send(robot, &f) == 0);
	}
}

/* The next stop or set-point on the bus; heartbeats are passed over.  false: nothing more is there. */
static bool hear(struct cdm_can *m) {
	struct cdm_frame f;
	while (cdm_bus_receive(robot, &f) == 0) {
		if (cdm_can_is_estop(&f)) {
			m->kind = CDM_CAN_ESTOP;
			return true;
		}
		if (cdm_can_decode(&f, m) == 0 && m->kind == CDM_CAN_SETPOINT)
			return true;
	}
	return false;
}

static unsigned heard(enum cdm_can_kind kind) {
	struct cdm_can m;
	unsigned n = 0;
	while (hear(&m))
		n += m.kind == kind;
	return n;
}

static void move(void) {
	struct cdm_mono now = clock_mono();
	struct motion_command c = { .command_id = 7, .seq = ++seq, .issued_ns = now.ns,
			.valid_until_mono_ns = now.ns + 2 * NS_PER_S, .joint_count = JOINTS, .kind = MOTION_MOVE,
			.trust = 0.9f };
	for (unsigned j = 0; j < JOINTS; j++) {
		c.joint_cdeg[j] = 1000;
		c.rate_cdeg_s[j] = 6000;
	}
	motion_command_seal(&c);
	struct field_meta m = field_meta_of(0);
	CHECK(field_write(&command, &c, sizeof(c), &m, now) == 0);
}

/* The joints say where they are, and the unit hears all of it. */
static void reports_come_in(void) {
	struct pollfd p = { cdm_bus_fd(unit.bus), POLLIN, 0 };
	report();
	do {
		CHECK(poll(&p, 1, 10000) == 1);
		unit_step(&unit);
	} while (unit.guard.joints[JOINTS - 1].order.next != counters[JOINTS - 1]);
}

/* Steps until the unit controls the legs; its bus takes `frames` in the last one, and no more. */
static void until_it_moves(int frames) {
	for (int i = 0; i < 3; i++) /* the first of a row does not count */
		reports_come_in();
	(void)heard(CDM_CAN_SETPOINT);
	move();
	room = frames;
	unit_step(&unit);
	CHECK(unit.guard.phase == PHASE_MOVING);
}

/* ---- tests ---- */

static void a_stop_is_said_when_the_bus_has_it(void) {
	begin();
	full = -EIO;
	room = 0;
	unit_stop(&unit);
	CHECK(unit.guard.phase == PHASE_ESTOP && !unit_stop_is_said(&unit) && unit.guard.sent == 0);
	unit_step(&unit);
	CHECK(!unit_stop_is_said(&unit) && heard(CDM_CAN_ESTOP) == 0);
	room = ENDLESS;
	unit_step(&unit);
	CHECK(unit_stop_is_said(&unit) && heard(CDM_CAN_ESTOP) == 1);
	over();
}

/* Ten frames fit, as into the queue that Linux gives a CAN interface: the other joints come next, not never. */
static void all_joints_are_heard(void) {
	struct cdm_can m;
	unsigned node = NODE;
	begin();
	until_it_moves(10);
	CHECK(unit.pending_count >= JOINTS - 10);
	for (int i = 0; i < 4 && unit.pending_count > 0; i++) {
		room = 10;
		unit_step(&unit);
	}
	CHECK(unit.pending_count == 0);
	for (unsigned j = 0; j < JOINTS; j++, node++)
		CHECK(hear(&m) && m.kind == CDM_CAN_SETPOINT && m.node == node);
	over();
}

static void a_stop_goes_before_what_waits(void) {
	struct cdm_can m;
	begin();
	until_it_moves(4);
	CHECK(unit.pending_count > 0 && heard(CDM_CAN_SETPOINT) == 4);
	room = ENDLESS;
	unit_stop(&unit);
	CHECK(unit_stop_is_said(&unit) && unit.pending_count == 0);
	CHECK(hear(&m) && m.kind == CDM_CAN_ESTOP && heard(CDM_CAN_SETPOINT) == 0);
	over();
}

/* The bus is full in mid-motion, and core dies: what was meant for that motion is not said after it. */
static void nothing_of_a_motion_comes_after_it(void) {
	struct cdm_can m;
	unsigned safe = 0;
	begin();
	until_it_moves(4);
	CHECK(unit.pending_count > 0 && heard(CDM_CAN_SETPOINT) == 4);
	unit_core_lost(&unit);
	room = ENDLESS;
	unit_step(&unit);
	CHECK(unit.guard.phase == PHASE_SAFE);
	while (hear(&m)) {
		CHECK(m.kind == CDM_CAN_SETPOINT && m.flags & CDM_CAN_SAFE);
		safe++;
	}
	CHECK(safe > 0);
	over();
}

/* A bus that takes nothing for long: what is old is forgotten, and the queue stays as it is. */
static void what_is_too_old_is_forgotten(void) {
	begin();
	until_it_moves(0);
	for (int i = 0; i < 2000 && !unit.bus_is_full; i++) {
		reports_come_in();
		CHECK(heard(CDM_CAN_SETPOINT) == 0);
	}
	CHECK(unit.bus_is_full && unit.pending_count == UNIT_PENDING);
	room = ENDLESS;
	unit_step(&unit);
	CHECK(!unit.bus_is_full && unit.pending_count == 0 && heard(CDM_CAN_SETPOINT) > 0);
	over();
}

int main(void) {
	a_stop_is_said_when_the_bus_has_it();
	all_joints_are_heard();
	a_stop_goes_before_what_waits();
	nothing_of_a_motion_comes_after_it();
	what_is_too_old_is_forgotten();
	puts("unit_test: ok");
}
