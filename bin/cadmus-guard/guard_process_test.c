/*
 * guard_process_test.c - the real guard process on a real bus.  usage: guard_process_test CADMUS_GUARD [BUS]
 *
 * The test plays everybody else: the parent (seat messages, death and restart), core (its segment and
 * its commands), 18 ideal joints on the bus, and those who come through the stop door.  Nothing
 * sleeps for a time: it goes on when what must happen has happened, or fails after 20 s.
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>
#include "base/io.h"
#include "cadmus/can.h"
#include "client/seat.h"
#include "guard/guard.h"
#include "store/event.h"
#include "store/field.h"
#include "test/lib/plan_builder.h"

#define PATIENCE_NS (20 * NS_PER_S)

enum { CORE, GUARD, JOINTS = 18, NODE = 10 };

static const char *program;
static struct plan *plan;
static struct directory directory;
static int directory_fd, plan_fd, door;
static char door_path[64], machine[40];

static struct {
	pid_t pid;
	int seat;
	struct segment_files segment;
	uint32_t epoch;
} guard = { .seat = -1 };

static struct {
	struct peers peers;
	int bell;
	struct segment_files segment;
	struct field_writer command;
	struct field feedback, state;
	uint64_t seq, id;
	int64_t issued_ns;
	bool renews; /* writes the command of motion `id` at each beat */
	int32_t target;
} core = { .bell = -1 };

static struct {
	struct cdm_bus *bus;
	int32_t at[JOINTS];
	uint8_t counters[JOINTS], flags;
	int64_t next_ns;
	unsigned estops, setpoints;
} robot;

/* ---- the machine ----------------------------------------------------------------------------- */

static void make_plan(const char *bus) {
	static struct plan_builder b;
	plan_builder_begin(&b, machine);
	uint16_t legs = plan_builder_entity(&b, "legs", PLAN_ACTUATOR);
	(void)plan_builder_field(&b, "legs.command", CDM_U8, sizeof(struct motion_command), 8, 0, CORE, 1u << GUARD);
	uint16_t feedback = plan_builder_field(&b, "legs.feedback", CDM_F32, FEEDBACK_COUNT, 8, 0, GUARD, 1u << CORE);
	(void)plan_builder_field(&b, "legs.state", CDM_U32, STATE_COUNT, 8, 0, GUARD, 1u << CORE);
	struct plan_actuator *a = &b.actuators[b.head.actuators.count++];
	*a = (struct plan_actuator){ .entity = legs, .process = GUARD, .feedback = feedback, .awareness = PLAN_NONE,
			.driver = "hexapod_can", .lease_ns = 400 * NS_PER_MS, .safe_verb = PLAN_VERB_STAND,
			.joint_count = JOINTS, .node_base = NODE, .safety_class = 1,
			.joint_min_cdeg = { -9000, -9000, -14000 }, .joint_max_cdeg = { 9000, 9000, 4000 },
			.joint_rate_cdeg_s = { 20000, 20000, 20000 }, .verb_max = { [PLAN_VERB_STAND] = -1 } };
	snprintf(a->bus, sizeof(a->bus), "%s", bus);
	plan = plan_builder_finish(&b);
	plan_fd = seat_plan_file(plan);
	directory_fd = directory_create();
	CHECK(plan_fd >= 0 && directory_fd >= 0 && directory_map_writer(&directory, plan, directory_fd) == 0);
}

static void drop_plan(void) {
	directory_unmap(&directory);
	io_close(&directory_fd);
	io_close(&plan_fd);
	free(plan);
}

static void start_core(void) {
	segment_close_files(&core.segment);
	CHECK(segment_create(plan, CORE, &core.segment) == 0);
	uint32_t epoch = directory_starting(&directory, CORE, 1, clock_mono());
	peers_init(&core.peers, plan, CORE);
	CHECK(peers_own(&core.peers, epoch, &core.segment) == 0);
	CHECK(peers_directory(&core.peers, directory_fd) == 0);
	directory_set(&directory, CORE, DIRECTORY_LIVE, clock_mono());
	CHECK(field_writer_open(&core.command, &core.peers, 0) == 0);
	CHECK(field_open(&core.feedback, &core.peers, 1) == 0 && field_open(&core.state, &core.peers, 2) == 0);
	core.seq = 0;
	core.renews = false;
}

static void stop_core(void) {
	directory_set(&directory, CORE, DIRECTORY_DEAD, clock_mono());
	peers_fini(&core.peers);
	core.peers.own.base = NULL;
	io_close(&core.bell);
}

/* What the parent does when both are there. */
static void introduce(void) {
	int pair[2];
	CHECK(peers_replace(&core.peers, GUARD, guard.epoch, &guard.segment) == 0);
	CHECK(seat_send_peer(guard.seat, CORE, core.peers.own.epoch, &core.segment,
			segment_parts_for(plan, CORE, GUARD)) == 0);
	CHECK(io_pair(pair) == 0);
	CHECK(seat_send_channel(guard.seat, CORE, pair[1]) == 0);
	close(pair[1]);
	io_close(&core.bell);
	core.bell = pair[0];
}

static void spawn(int socket) {
	char env[SEAT_ENV_TEXT_MAX];
	guard.pid = fork();
	CHECK(guard.pid >= 0);
	if (guard.pid > 0)
		return;
	int fd = dup(socket); /* without close-on-exec */
	putenv((char *)(uintptr_t)seat_env(GUARD, fd, env));
	execl(program, program, (char *)NULL);
	_exit(127);
}

static void start_guard(void) {
	int pair[2];
	CHECK(io_pair(pair) == 0);
	spawn(pair[1]);
	close(pair[1]);
	guard.seat = pair[0];
	segment_close_files(&guard.segment);
	CHECK(segment_create(plan, GUARD, &guard.segment) == 0);
	guard.epoch = directory_starting(&directory, GUARD, guard.pid, clock_mono());
	CHECK(seat_send_hello(guard.seat, GUARD, guard.epoch, plan_fd, directory_fd, &guard.segment) == 0);
}

/* The next message of the guard. */
static struct seat_message heard(void) {
	struct seat_message m;
	int fds[SEAT_FDS_MAX];
	unsigned n;
	struct pollfd p = { guard.seat, POLLIN, 0 };
	CHECK(poll(&p, 1, (int)(PATIENCE_NS / NS_PER_MS)) == 1);
	CHECK(seat_receive(guard.seat, &m, fds, &n) == 1 && n == 0);
	return m;
}

static void meet_guard(void) {
	struct seat_message m = heard();
	if (m.kind == SEAT_FAILED)
		fprintf(stderr, "%s\n", m.text);
	CHECK(m.kind == SEAT_READY && m.process == GUARD && m.epoch == guard.epoch);
	CHECK(segment_is_frozen(plan, GUARD, &guard.segment));
	directory_set(&directory, GUARD, DIRECTORY_LIVE, clock_mono());
	CHECK(seat_send_door(guard.seat, SEAT_DOOR_STOP, door) == 0);
	introduce();
}

static int end_of_guard(void) {
	int status;
	CHECK(waitpid(guard.pid, &status, 0) == guard.pid);
	io_close(&guard.seat);
	directory_set(&directory, GUARD, DIRECTORY_DEAD, clock_mono());
	return status;
}

/* ---- core ------------------------------------------------------------------------------------ */

static void write_command(enum motion_kind kind) {
	struct cdm_mono now = clock_mono();
	struct motion_command c = { .command_id = core.id, .seq = ++core.seq, .issued_ns = core.issued_ns,
			.valid_until_mono_ns = now.ns + 400 * NS_PER_MS, .joint_count = JOINTS,
			.kind = (uint16_t)kind, .trust = 0.9f };
	for (unsigned j = 0; j < JOINTS; j++) {
		c.joint_cdeg[j] = core.target;
		c.rate_cdeg_s[j] = 6000;
	}
	motion_command_seal(&c);
	struct field_meta m = field_meta_of(0);
	CHECK(field_write(&core.command, &c, sizeof(c), &m, now) == 0);
	if (core.bell >= 0)
		(void)!io_send(core.bell, "ding", 4, NULL, 0, MSG_DONTWAIT);
}

/* Decide on a new motion, and renew it from now on. */
static void command(int32_t target) {
	core.id++;
	core.issued_ns = clock_mono().ns;
	core.target = target;
	core.renews = true;
}

static enum guard_phase phase(uint32_t state[STATE_COUNT]) {
	struct cdm_info info;
	int rc = field_read(&core.state, state, STATE_COUNT * sizeof(uint32_t), clock_mono(), &info);
	CHECK(rc == 0 || rc == -EAGAIN);
	return rc == 0 && info.epoch == guard.epoch ? (enum guard_phase)state[STATE_PHASE] : PHASE_COUNT;
}

/* ---- the robot ------------------------------------------------------------------------------- */

static void robot_hear(void) {
	struct cdm_frame f;
	struct cdm_can m;
	while (cdm_bus_receive(robot.bus, &f) == 0) {
		if (cdm_can_is_estop(&f))
			robot.estops++;
		if (cdm_can_decode(&f, &m) < 0 || m.kind != CDM_CAN_SETPOINT)
			continue;
		CHECK(m.node >= NODE && m.node < NODE + JOINTS);
		robot.at[m.node - NODE] = m.value;
		robot.flags = m.flags;
		robot.setpoints++;
	}
}

static void robot_report(void) {
	for (unsigned j = 0; j < JOINTS; j++) {
		struct cdm_can m = { .kind = CDM_CAN_FEEDBACK, .node = (uint8_t)(NODE + j),
				.value = (int16_t)robot.at[j], .counter = robot.counters[j] };
		struct cdm_frame f;
		robot.counters[j] = (uint8_t)((robot.counters[j] + 1) % 16);
		CHECK(cdm_can_encode(&m, &f) == 0);
		(void)!cdm_bus_send(robot.bus, &f);
	}
}

/* Let everybody live for a moment. */
static void beat(void) {
	struct pollfd p = { cdm_bus_fd(robot.bus), POLLIN, 0 };
	(void)poll(&p, 1, 5);
	robot_hear();
	if (clock_mono().ns < robot.next_ns)
		return;
	robot.next_ns = clock_mono().ns + 10 * NS_PER_MS;
	robot_report();
	if (core.renews)
		write_command(MOTION_MOVE);
}

static void until(const char *what, bool (*happened)(void)) {
	int64_t end = clock_mono().ns + PATIENCE_NS;
	while (!happened()) {
		beat();
		if (clock_mono().ns > end) {
			uint32_t s[STATE_COUNT] = { 0 };
			enum guard_phase p = phase(s);
			fprintf(stderr, "waited in vain: %s (%s, %s, %u refusals)\n", what, phase_text(p),
					phase_reason_text(s[STATE_REASON]), s[STATE_REFUSALS]);
			CHECK(false);
		}
	}
}

/* ---- what is waited for ---------------------------------------------------------------------- */

static bool is_idle(void) {
	uint32_t s[STATE_COUNT];
	return phase(s) == PHASE_IDLE;
}

static bool is_moving(void) {
	uint32_t s[STATE_COUNT];
	return phase(s) == PHASE_MOVING && s[STATE_COMMAND_LOW] == core.id;
}

static bool is_on_target(void) {
	return robot.at[0] == core.target && robot.at[17] == core.target;
}

static bool is_on_the_way(void) {
	return is_moving() && abs(robot.at[0] - core.target) > 500 && robot.at[0] > 200;
}

static bool is_stopped(void) {
	uint32_t s[STATE_COUNT];
	return phase(s) == PHASE_ESTOP;
}

static bool is_refused(void) {
	uint32_t s[STATE_COUNT];
	static uint32_t before;
	(void)phase(s);
	if (before == 0 || s[STATE_REFUSALS] < before)
		before = s[STATE_REFUSALS];
	if (s[STATE_REFUSALS] < before + 20)
		return false;
	before = 0;
	return true;
}

/* What core decided before the guard had heard of it does not count: it must ask once more. */
static bool is_moving_or_asked_again(void) {
	if (is_moving())
		return true;
	if (is_refused())
		command(core.target);
	return false;
}

static bool is_safe(void) {
	uint32_t s[STATE_COUNT];
	return phase(s) == PHASE_SAFE;
}

static bool is_standing(void) {
	return robot.at[0] == 0 && robot.at[1] == 1446 && robot.at[2] == -10325 && robot.flags == CDM_CAN_SAFE;
}

static bool is_felt(void) {
	float f[FEEDBACK_COUNT];
	struct cdm_info info;
	if (field_read(&core.feedback, f, sizeof(f), clock_mono(), &info) < 0 || info.epoch != guard.epoch)
		return false;
	CHECK(info.bytes == sizeof(f) && info.source_time.ns <= info.publish_time.ns);
	return f[FEEDBACK_JOINT + 17] == (float)robot.at[17] / 100;
}

static bool guard_is_gone(void) {
	siginfo_t how = { 0 };
	CHECK(waitid(P_PID, (id_t)guard.pid, &how, WEXITED | WNOHANG | WNOWAIT) == 0);
	return how.si_pid == guard.pid;
}

static uint32_t reason(void) {
	uint32_t s[STATE_COUNT] = { 0 };
	(void)phase(s);
	return s[STATE_REASON];
}

/* ---- the story ------------------------------------------------------------------------------- */

static void moves_when_it_is_told_to(void) {
	until("idle", is_idle);
	until("feedback", is_felt);
	CHECK(robot.setpoints == 0);
	command(1000);
	until("moving", is_moving);
	until("on target", is_on_target);
	until("felt there", is_felt);
	core.renews = false;
	write_command(MOTION_RELEASE);
	until("released", is_idle);
}

static int knock(void) {
	int fd = io_connect(door_path);
	CHECK(fd >= 0);
	return fd;
}

static int caller;

static bool is_answered(void) {
	char answer[4];
	ssize_t n = recv(caller, answer, sizeof(answer), MSG_DONTWAIT);
	CHECK(n == 1 || (n < 0 && errno == EAGAIN));
	return n == 1;
}

static unsigned estops_before;

static bool has_heard_stop(void) {
	return robot.estops > estops_before;
}

/* The reason is any content, up to far too much of it. */
static void stop_with(const void *text, size_t bytes) {
	unsigned before = robot.estops;
	caller = knock();
	CHECK(send(caller, text, bytes, MSG_NOSIGNAL) == (ssize_t)bytes);
	until("answer", is_answered);
	io_close(&caller);
	estops_before = before;
	until("the stop on the bus", has_heard_stop); /* it was sent before the answer */
}

static void stops_and_resumes(void) {
	static char much[1000];
	command(3500);
	until("on the way", is_on_the_way);
	stop_with("test", 5);
	until("stopped", is_stopped);
	int32_t where = robot.at[0];
	until("core is deaf, and refused", is_refused);
	CHECK(robot.at[0] == where && is_stopped() && reason() == REASON_STOP_DOOR);
	command(0);
	until("moving again", is_moving);
	stop_with(much, sizeof(much));
	until("stopped", is_stopped);
	command(0);
	until("moving again", is_moving);
	until("home", is_on_target);
}

/* The parent hands the door out again, or makes it anew because its path was deleted. */
static void stops_at_a_door_made_anew(void) {
	for (int i = 0; i < 20; i++) {
		if (i % 4 == 3) {
			io_close(&door);
			CHECK(unlink(door_path) == 0);
			door = io_listen(door_path);
			CHECK(door >= 0);
		}
		CHECK(seat_send_door(guard.seat, SEAT_DOOR_STOP, door) == 0);
		stop_with("again", 6);
		until("stopped", is_stopped);
	}
	command(0);
	until("moving again", is_moving);
	until("home", is_on_target);
}

static void is_not_shut_by_silence(void) {
	int fds[30];
	for (int i = 0; i < 30; i++) {
		fds[i] = knock();
		beat();
	}
	CHECK(is_moving() || is_idle());
	stop_with("past them all", 13);
	until("stopped", is_stopped);
	for (int i = 0; i < 30; i++)
		close(fds[i]);
	command(0);
	until("moving again", is_moving);
}

static void survives_garbage_on_the_bus(void) {
	uint32_t seed = 5;
	for (int i = 0; i < 2000; i++) {
		struct cdm_frame f = { .flags = CDM_FRAME_EXTENDED, .length = 8 };
		seed = seed * 1664525u + 1013904223u;
		f.id = (1u << 21) + seed % ((1u << 29) - (1u << 21)); /* anything but a stop */
		memcpy(f.data, &seed, 4);
		(void)!cdm_bus_send(robot.bus, &f);
		if (i % 50 == 0)
			beat();
	}
	until("still moving", is_moving);
}

static void goes_safe_when_core_dies(void) {
	command(3500);
	until("on the way", is_on_the_way);
	stop_core(); /* its last lease would last for 400 ms more */
	core.renews = false;
	start_core(); /* to read with; the guard does not know of it yet */
	CHECK(peers_replace(&core.peers, GUARD, guard.epoch, &guard.segment) == 0);
	until("safe", is_safe);
	CHECK(reason() == REASON_CORE);
	until("standing", is_standing);
	stop_core();
	start_core();
	introduce();
	command(500);
	until("moving for the new core", is_moving_or_asked_again);
	until("on target", is_on_target);
}

static void goes_safe_when_the_lease_ends(void) {
	core.renews = false;
	until("safe", is_safe);
	CHECK(reason() == REASON_LEASE);
	until("standing", is_standing);
}

static void killed_in_mid_motion_nothing_moves(void) {
	command(3500);
	until("on the way", is_on_the_way);
	CHECK(kill(guard.pid, SIGKILL) == 0);
	int status = end_of_guard();
	CHECK(WIFSIGNALED(status));
	start_guard();
	meet_guard();
	until("idle", is_idle);
	int32_t where = robot.at[0];
	until("the old motion is refused", is_refused); /* core goes on renewing it */
	CHECK(is_idle() && reason() == REASON_START && robot.at[0] == where);
	command(0);
	until("moving", is_moving);
}

static void ignores_what_a_terminal_sends(void) {
	static const int signals[] = { SIGINT, SIGTERM, SIGHUP, SIGQUIT };
	for (size_t i = 0; i < COUNT_OF(signals); i++)
		CHECK(kill(guard.pid, signals[i]) == 0);
	command(3000);
	until("moving all the same", is_moving);
	until("on target", is_on_target);
}

static void ends_in_its_safe_state(void) {
	CHECK(seat_send_quit(guard.seat) == 0);
	until("gone", guard_is_gone);
	robot_hear();
	CHECK(is_standing());
	CHECK(end_of_guard() == 0);
	core.renews = false;
}

static void ends_with_its_parent(void) {
	start_guard();
	meet_guard();
	until("idle", is_idle);
	until("feedback", is_felt);
	command(3000);
	until("moving", is_moving);
	until("on target", is_on_target);
	io_close(&guard.seat);
	until("gone", guard_is_gone);
	robot_hear();
	CHECK(is_standing());
	CHECK(end_of_guard() == 0);
	core.renews = false;
}

static bool was_told(enum event_kind kind) {
	struct event_reader r;
	struct event e;
	event_reader_open(&r, &core.peers, GUARD);
	while (event_next(&r, &e) >= 0)
		if (e.kind == kind)
			return true;
	return false;
}

static void explains_why_it_cannot_start(void) {
	drop_plan();
	make_plan("carrier:pigeon");
	start_guard();
	struct seat_message m = heard();
	CHECK(m.kind == SEAT_FAILED && strstr(m.text, "carrier:pigeon"));
	int status = end_of_guard();
	CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 1);

	unsetenv(SEAT_ENV); /* started by hand */
	guard.pid = fork();
	if (guard.pid == 0) {
		execl(program, program, (char *)NULL);
		_exit(127);
	}
	CHECK(waitpid(guard.pid, &status, 0) == guard.pid);
	CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 1);
}

int main(int argc, char **argv) {
	core.segment = guard.segment = segment_no_files();
	CHECK(argc >= 2);
	const char *bus = argc > 2 ? argv[2] : "udp:auto";
	program = argv[1];
	snprintf(machine, sizeof(machine), "guard_process_test.%d", (int)getpid());
	snprintf(door_path, sizeof(door_path), "/tmp/%s.sock", machine);
	door = io_listen(door_path);
	make_plan(bus);
	CHECK(door >= 0 && cdm_bus_open(&robot.bus, bus, machine, NULL) == 0);
	start_core();
	start_guard();
	meet_guard();
	moves_when_it_is_told_to();
	stops_and_resumes();
	stops_at_a_door_made_anew();
	is_not_shut_by_silence();
	survives_garbage_on_the_bus();
	goes_safe_when_core_dies();
	goes_safe_when_the_lease_ends();
	CHECK(was_told(EVENT_STOP) && was_told(EVENT_RELEASED) && was_told(EVENT_SAFE) && was_told(EVENT_LEASE) &&
			was_told(EVENT_COMMAND));
	killed_in_mid_motion_nothing_moves();
	ignores_what_a_terminal_sends();
	ends_in_its_safe_state();
	ends_with_its_parent();
	stop_core();
	explains_why_it_cannot_start();
	drop_plan();
	cdm_bus_close(&robot.bus);
	io_close(&door);
	CHECK(unlink(door_path) == 0);
	puts("guard_process_test: ok");
}
