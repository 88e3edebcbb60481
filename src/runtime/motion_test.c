/*
 * motion_test.c - motions as they begin and end: the test is the guard, the disk and the clock's ticks are real.
 */
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <sys/timerfd.h>
#include "base/io.h"
#include "base/msgpack.h"
#include "client/control.h"
#include "guard/command.h"
#include "guard/guard.h"
#include "guard/pose.h"
#include "journal/journal_testing.h"
#include "runtime/core_priv.h"
#include "sem/trust.h"
#include "test/lib/world.h"

enum { CORE, GUARD };

static struct core c;
static struct plan_builder b;
static struct world w;
static struct testing folder;
static struct field commands[CORE_LIMBS];
static struct field_writer states[CORE_LIMBS], feelings[CORE_LIMBS];
static uint32_t said[CORE_LIMBS][STATE_COUNT]; /* by the guard, which says it again and again */
static unsigned words;   /* how often it will yet speak while the test ticks */
static bool numb, deaf;  /* it says nothing of the joints; it does not hear that it is released */
static int client = -1;
static uint8_t message[4096];
static size_t message_bytes;

/* ---- the machine ---- */

static void add_actuator(const char *name) {
	char field[CDM_NAME_MAX + 16];
	uint16_t e = plan_builder_entity(&b, name, PLAN_ACTUATOR);
	snprintf(field, sizeof(field), "%s.command", name);
	(void)plan_builder_field(&b, field, CDM_U8, sizeof(struct motion_command), 8, 0, CORE, PLAN_BUILDER_ALL);
	snprintf(field, sizeof(field), "%s.state", name);
	(void)plan_builder_field(&b, field, CDM_U32, STATE_COUNT, 8, 0, GUARD, PLAN_BUILDER_ALL);
	snprintf(field, sizeof(field), "%s.feedback", name);
	unsigned index = b.head.actuators.count++;
	struct plan_actuator *a = &b.actuators[index];
	*a = (struct plan_actuator){ .entity = e, .process = GUARD, .awareness = PLAN_NONE, .driver = "d", .bus = "b",
		.feedback = plan_builder_field(&b, field, CDM_F32, FEEDBACK_COUNT, 8, 0, GUARD, PLAN_BUILDER_ALL),
		.lease_ns = NS_PER_S, .safe_verb = PLAN_VERB_STAND, .joint_count = 18,
		.node_base = (uint8_t)(1 + 20 * index),
		.joint_min_cdeg = { -9000, -9000, -9000 }, .joint_max_cdeg = { 9000, 9000, 9000 },
		.joint_rate_cdeg_s = { 20000, 20000, 20000 },
		.verb_max = { [PLAN_VERB_STAND] = -1, [PLAN_VERB_WALK] = 20 } };
}

static void open_client(void) {
	int pair[2];
	CHECK(io_pair(pair) == 0);
	for (unsigned i = 0; i < CORE_SESSIONS; i++)
		c.sessions[i].fd = -1;
	c.sessions[0] = (struct session){ .fd = pair[0], .entity = 1, .serial = 1 };
	client = pair[1];
}

static void open_core(void) {
	memset(&c, 0, sizeof(c));
	c.plan = w.plan;
	c.peers = &w.at[CORE];
	c.guard_channel = -1;
	c.tick = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	folder = testing_begin();
	c.journal = testing_open(&folder);
	c.state = testing_state();
	event_writer_open(&c.events, c.peers);
	open_client();
}

static void begin(unsigned actuators) {
	static const char *const names[] = { "legs", "arms" };
	plan_builder_begin(&b, "motion_test");
	for (unsigned i = 0; i < actuators; i++)
		add_actuator(names[i]);
	world_open(&w, &b);
	open_core();
	CHECK(motion_open(&c) == 0);
	words = UINT_MAX;
	numb = deaf = false;
	for (uint16_t i = 0; i < actuators; i++) {
		CHECK(field_open(&commands[i], &w.at[GUARD], (uint16_t)(3 * i)) == 0);
		CHECK(field_writer_open(&states[i], &w.at[GUARD], (uint16_t)(3 * i + 1)) == 0);
		CHECK(field_writer_open(&feelings[i], &w.at[GUARD], (uint16_t)(3 * i + 2)) == 0);
	}
}

static void close_core(void) {
	journal_stop(&c.journal);
	testing_end(&folder);
	free(c.state);
	io_close(&c.tick);
	io_close(&c.guard_channel);
	io_close(&c.sessions[0].fd);
	io_close(&client);
	world_close(&w);
}

/* ---- the guard ---- */

/* It stands. */
static void speak(uint16_t actuator) {
	float f[FEEDBACK_COUNT] = { 0 };
	for (unsigned j = 0; j < GAIT_JOINTS; j++)
		f[FEEDBACK_JOINT + j] = (float)pose_of(PLAN_VERB_STAND)[j % 3] / 100;
	struct field_meta m = field_meta_of(0);
	CHECK(field_write(&states[actuator], said[actuator], sizeof(said[actuator]), &m, clock_mono()) == 0);
	m = field_meta_of(0);
	if (!numb)
		CHECK(field_write(&feelings[actuator], f, sizeof(f), &m, clock_mono()) == 0);
}

static void guard_says(uint16_t actuator, enum guard_phase phase, uint64_t command, enum guard_reason reason) {
	uint32_t s[STATE_COUNT] = { [STATE_PHASE] = phase, [STATE_REASON] = reason,
			[STATE_COMMAND_LOW] = (uint32_t)command,
		[STATE_COMMAND_HIGH] = (uint32_t)(command >> 32) };
	memcpy(said[actuator], s, sizeof(s));
	speak(actuator);
}

/* The newest command to an actuator is of this kind and motion; kind 0: there is none. */
static bool was_sent(uint16_t actuator, unsigned kind, uint64_t command) {
	struct motion_command k;
	struct cdm_info info;
	if (field_read(&commands[actuator], &k, sizeof(k), clock_mono(), &info) < 0)
		return kind == 0;
	CHECK(motion_command_is_sealed(&k) && k.actuator == actuator && k.joint_count == 18);
	CHECK(k.valid_until_mono_ns > k.issued_ns);
	return k.kind == kind && k.command_id == command;
}

/* ---- what is asked and told ---- */

static struct verdict verdict(uint64_t command, uint16_t actuator) {
	struct cdm_mono now = clock_mono();
	return (struct verdict){ .what = VERDICT_STARTED, .command = command, .actuator = actuator, .at = now,
		.deadline = { now.ns + 10 * NS_PER_S } };
}

static void start(const struct verdict *v, enum plan_verb verb, int32_t number) {
	static const struct speaker operator= { 1, 1, PLAN_MAY_ACTUATE };
	static const struct reply_to to = { 0, 1, 9 };
	struct utterance u = { .count = 1, .intents = { { .verb = (uint8_t)verb, .number = number } } };
	c.promised = v->command;
	motion_start(&c, &operator, &u, v, 0.8, &to);
	CHECK(c.promised == 0);
}

/* One step of the guard: it says again what it said last, and lets go of what is released. */
static void guard_steps(uint16_t actuator) {
	uint32_t *s = said[actuator];
	if (words == 0)
		return;
	words--;
	if (!deaf && s[STATE_PHASE] == PHASE_MOVING && was_sent(actuator, MOTION_RELEASE, s[STATE_COMMAND_LOW]))
		s[STATE_PHASE] = PHASE_IDLE;
	speak(actuator);
}

static void tick(void) {
	struct pollfd p = { .fd = c.tick, .events = POLLIN };
	CHECK(poll(&p, 1, 30000) == 1 && io_timer_read(c.tick));
	guard_steps(c.motion.actuator);
	motion_tick(&c);
}

static void tick_until_over(void) {
	while (c.motion.moving)
		tick();
}

static void tick_until_released(void) {
	while (!c.motion.released.ns) {
		CHECK(c.motion.moving);
		tick();
	}
	CHECK(c.motion.moving);
}

static bool is(const char *key, const char *want) {
	char text[64];
	if (mp_find_str(message, message_bytes, key, text, sizeof(text)) < 0)
		return false;
	bool same = strcmp(text, want) == 0;
	if (!same)
		fprintf(stderr, "%s is '%s', not what was expected\n", key, text);
	return same;
}

static bool outcome(const char *what, const char *reason) {
	ssize_t n = control_receive(client, message, sizeof(message), 20 * NS_PER_S);
	CHECK(n > 0 && !c.motion.moving);
	message_bytes = (size_t)n;
	return is("ev", "outcome") && is("what", what) && is("reason", reason);
}

static void settle(void) {
	struct pollfd p = { .fd = journal_event_fd(c.journal), .events = POLLIN };
	for (size_t i = 0; i < CORE_PENDING; i++)
		while (c.pending[i].ticket) {
			CHECK(poll(&p, 1, 30000) == 1);
			ledger_readable(&c);
		}
}

/* How many outcomes there are, and what they say of the actuator so far. */
static bool written(uint64_t outcomes, double good, double bad, const char *who) {
	settle();
	const struct state_evidence *e = state_evidence(c.state, who, trust_role_text(TRUST_DRIVER), "temperament");
	double p = e ? (double)e->p_ppm / BODY_PPM : 0, n = e ? (double)e->n_ppm / BODY_PPM : 0;
	return c.state->kinds[JOURNAL_OUTCOME] == outcomes && (p > good - 0.01 && p < good + 0.01) &&
	       (bad > 0) == (n > 0);
}

/* ---- tests ---- */

static void without_a_guard(void) {
	begin(1);
	struct verdict v = verdict(1, 0);
	start(&v, PLAN_VERB_WALK, 1);
	CHECK(outcome("aborted", "the guard is gone") && was_sent(0, 0, 0) && written(1, 0, 1, "legs"));
	close_core();
}

static void a_guard_that_does_not_obey(void) {
	begin(1);
	guard_says(0, PHASE_IDLE, 0, REASON_NONE);
	struct verdict v = verdict(2, 0);
	start(&v, PLAN_VERB_WALK, 1);
	CHECK(c.motion.moving && was_sent(0, MOTION_MOVE, 2));
	struct cdm_mono began = c.motion.started;
	CHECK(began.ns > 0 && c.limbs[0].commanded.ns == began.ns);
	tick_until_over();
	CHECK(c.limbs[0].commanded.ns == began.ns); /* each set-point renews it, and is no other command */
	CHECK(outcome("aborted", "the guard refused it") && written(1, 0, 1, "legs"));
	close_core();
}

/* What the guard ends, ends here with its reason; that somebody asked for it is not held against the legs. */
static void a_guard_that_objects(void) {
	static const struct {
		enum guard_reason reason;
		bool counts;
	} rows[] = { { REASON_ASKED, false }, { REASON_STOP_DOOR, false }, { REASON_LEASE, true } };
	begin(1);
	for (unsigned i = 0; i < COUNT_OF(rows); i++) {
		struct verdict v = verdict(10 + i, 0);
		guard_says(0, PHASE_MOVING, v.command, REASON_NONE);
		start(&v, PLAN_VERB_WALK, 20);
		CHECK(c.motion.moving && was_sent(0, MOTION_MOVE, v.command));
		guard_says(0, PHASE_SAFE, v.command, rows[i].reason);
		tick_until_over();
		CHECK(outcome("aborted", phase_reason_text(rows[i].reason)));
		CHECK(written(i + 1, 0, rows[i].counts, "legs"));
	}
	close_core();
}

/* It falls silent in mid-motion, or at its end: nobody knows what the legs do. */
static void a_guard_that_freezes(void) {
	begin(1);
	for (uint64_t i = 0; i < 3; i++) {
		struct verdict v = verdict(50 + i, 0);
		guard_says(0, PHASE_MOVING, v.command, REASON_NONE);
		words = i < 2 ? (unsigned)i * 10 : UINT_MAX;
		start(&v, i < 2 ? PLAN_VERB_WALK : PLAN_VERB_STAND, i < 2 ? 20 : 0);
		if (i == 2) {
			tick_until_released();
			words = 0;
		}
		tick_until_over();
		CHECK(outcome("aborted", "the guard is silent") && written(i + 1, 0, 0, "legs"));
	}
	close_core();
}

static void old_words(uint16_t actuator, int64_t age_ns, bool of_state) {
	struct field_meta m = field_meta_of(0);
	float f[FEEDBACK_COUNT] = { 0 };
	m.source_time.ns = clock_mono().ns - age_ns;
	if (of_state)
		CHECK(field_write(&states[actuator], said[actuator], sizeof(said[0]), &m, clock_mono()) == 0);
	else
		CHECK(field_write(&feelings[actuator], f, sizeof(f), &m, clock_mono()) == 0);
}

/* Nothing begins on old words, whichever of the two they are, nor without any of the joints. */
static void one_that_begins_in_silence(void) {
	begin(1);
	numb = true;
	guard_says(0, PHASE_IDLE, 0, REASON_NONE);
	struct verdict v = verdict(60, 0);
	start(&v, PLAN_VERB_WALK, 1);
	CHECK(outcome("aborted", "the guard is silent") && was_sent(0, 0, 0));
	for (unsigned i = 0; i < 2; i++) {
		numb = false;
		guard_says(0, PHASE_IDLE, 0, REASON_NONE);
		old_words(0, NS_PER_S, i == 0);
		v = verdict(61 + i, 0);
		start(&v, PLAN_VERB_WALK, 1);
		CHECK(outcome("aborted", "the guard is silent") && was_sent(0, 0, 0));
	}
	CHECK(written(3, 0, 0, "legs"));
	close_core();
}

/* It moves and says so, but of the joints nothing is heard. */
static void one_that_is_not_felt(void) {
	begin(1);
	guard_says(0, PHASE_MOVING, 70, REASON_NONE);
	struct verdict v = verdict(70, 0);
	numb = true;
	start(&v, PLAN_VERB_WALK, 20);
	tick_until_over();
	CHECK(outcome("aborted", "the guard is silent") && written(1, 0, 0, "legs"));
	close_core();
}

/* It goes on with what is over, and after that with its own reason. */
static void one_that_is_not_let_go(void) {
	begin(1);
	guard_says(0, PHASE_MOVING, 80, REASON_NONE);
	struct verdict v = verdict(80, 0);
	deaf = true;
	start(&v, PLAN_VERB_STAND, 0);
	tick_until_over();
	CHECK(outcome("aborted", "the guard did not let go") && was_sent(0, MOTION_RELEASE, 80));
	guard_says(0, PHASE_MOVING, 81, REASON_NONE);
	v = verdict(81, 0);
	start(&v, PLAN_VERB_STAND, 0);
	tick_until_released();
	guard_says(0, PHASE_SAFE, 81, REASON_LEASE);
	motion_tick(&c);
	CHECK(outcome("aborted", "lease") && written(2, 0, 1, "legs"));
	close_core();
}

/* Done is what the joints were heard of after it. */
static void one_whose_end_is_not_felt_yet(void) {
	begin(1);
	guard_says(0, PHASE_MOVING, 90, REASON_NONE);
	struct verdict v = verdict(90, 0);
	start(&v, PLAN_VERB_STAND, 0);
	tick_until_released();
	numb = true;
	guard_says(0, PHASE_IDLE, 90, REASON_NONE);
	motion_tick(&c);
	CHECK(c.motion.moving && c.motion.let_go);
	numb = false;
	speak(0);
	motion_tick(&c);
	CHECK(outcome("done", "") && written(1, 1, 0, "legs"));
	close_core();
}

/* Between the verdict and the disk's answer much can happen. */
static void what_is_overtaken(void) {
	begin(1);
	guard_says(0, PHASE_IDLE, 0, REASON_NONE);
	struct verdict v = verdict(20, 0);
	c.stopped = v.at;
	start(&v, PLAN_VERB_WALK, 1);
	CHECK(outcome("aborted", "stopped") && was_sent(0, 0, 0));
	v = verdict(21, 0);
	v.deadline.ns = v.at.ns - 1;
	start(&v, PLAN_VERB_WALK, 1);
	CHECK(outcome("aborted", "deadline") && was_sent(0, 0, 0));
	v = verdict(22, 0);
	start(&v, PLAN_VERB_NONE, 1);
	CHECK(outcome("aborted", "no such motion") && was_sent(0, 0, 0) && written(3, 0, 0, "legs"));
	close_core();
}

/* To its end, on the second of two actuators: nothing is sent to the first. */
static void when_the_machine_goes_down(void) {
	begin(1);
	c.going_down = true;
	struct verdict v = verdict(1, 0);
	start(&v, PLAN_VERB_WALK, 3);
	CHECK(outcome("aborted", "the machine goes down") && !was_sent(0, MOTION_MOVE, 1));
	close_core();
}

static void one_that_is_done(void) {
	begin(2);
	guard_says(1, PHASE_MOVING, 30, REASON_NONE);
	struct verdict v = verdict(30, 1);
	start(&v, PLAN_VERB_WALK, 1);
	CHECK(was_sent(1, MOTION_MOVE, 30));
	tick_until_over();
	CHECK(outcome("done", "") && was_sent(1, MOTION_RELEASE, 30) && was_sent(0, 0, 0));
	CHECK(written(1, 1, 0, "arms") && written(1, 0, 0, "legs"));
	motion_tick(&c); /* nothing moves, nothing happens */
	motion_stop(&c, "again");
	CHECK(written(1, 1, 0, "arms"));
	close_core();
}

/* There is nothing to do; done it is only when the guard has obeyed. */
static void one_that_is_over_at_once(void) {
	begin(1);
	guard_says(0, PHASE_IDLE, 0, REASON_NONE);
	struct verdict v = verdict(35, 0);
	start(&v, PLAN_VERB_STAND, 0);
	CHECK(c.motion.moving && was_sent(0, MOTION_MOVE, 35));
	guard_says(0, PHASE_MOVING, 35, REASON_NONE);
	tick_until_over();
	CHECK(outcome("done", "") && was_sent(0, MOTION_RELEASE, 35) && written(1, 1, 0, "legs"));
	v = verdict(36, 0);
	start(&v, PLAN_VERB_STAND, 0);
	tick_until_over();
	CHECK(outcome("aborted", "the guard refused it") && written(2, 1, 1, "legs"));
	close_core();
}

static void stops(void) {
	begin(2);
	guard_says(0, PHASE_MOVING, 40, REASON_NONE);
	struct verdict v = verdict(40, 0);
	start(&v, PLAN_VERB_WALK, 20);
	motion_stop(&c, "the machine goes down");
	CHECK(outcome("aborted", "the machine goes down") && was_sent(0, MOTION_SAFE, 40));
	v = verdict(41, 0);
	guard_says(0, PHASE_MOVING, 41, REASON_NONE);
	start(&v, PLAN_VERB_WALK, 20);
	motion_estop(&c);
	CHECK(outcome("aborted", "stopped") && was_sent(0, MOTION_STOP, 41) && was_sent(1, MOTION_STOP, 41));
	CHECK(c.stopped.ns > v.at.ns && written(2, 0, 0, "legs"));
	motion_estop(&c); /* with nothing to stop it is said all the same */
	CHECK(written(2, 0, 0, "legs"));
	close_core();
}

/* A machine that has nothing to move can be stopped; one with no field for commands cannot be opened. */
static void nothing_to_move(void) {
	begin(0);
	motion_estop(&c);
	CHECK(c.stopped.ns > 0);
	close_core();
	plan_builder_begin(&b, "motion_test");
	add_actuator("legs");
	strcpy(b.fields[0].name, "legs.commands");
	world_open(&w, &b);
	open_core();
	CHECK(motion_open(&c) < 0);
	close_core();
}

int main(void) {
	CHECK(setenv("CADMUS_RUN_DIR", "/nowhere", 1) == 0);
	without_a_guard();
	a_guard_that_does_not_obey();
	a_guard_that_objects();
	a_guard_that_freezes();
	one_that_begins_in_silence();
	one_that_is_not_felt();
	one_that_is_not_let_go();
	one_whose_end_is_not_felt_yet();
	what_is_overtaken();
	when_the_machine_goes_down();
	one_that_is_done();
	one_that_is_over_at_once();
	stops();
	nothing_to_move();
	puts("motion_test: ok");
	return 0;
}
