/* vital_test.c - level and lifecycle as core tells them: what is live, what is asked, what is stopped. */
#include <sys/mman.h>
#include "guard/command.h"
#include "guard/guard.h"
#include "runtime/core_testing.h"
#include "sem/weight.h"

static uint16_t *doubted; /* in memory that core shares: whose word counts nothing */

/* In the place of sem/weight.c. */
double weight_attention(const struct weight_candidate *candidates, size_t count, size_t which, double load) {
	(void)candidates, (void)count, (void)which, (void)load;
	return 1;
}

double weight_trust(const struct trust_book *book, uint32_t subject, enum trust_role role,
		const struct trust_prior *prior, unsigned safety_class, int64_t now_ns) {
	(void)book, (void)role, (void)prior, (void)safety_class, (void)now_ns;
	return subject == *doubted ? 0 : 1;
}

static uint64_t next_id = 1;

static void look(void) {
	put(++next_id, (struct question){ .op = "state" });
	CHECK(hear("done") == next_id);
}

static void add_goal(void) {
	put(++next_id, (struct question){ .op = "goal", .key = "patrol", .text = "look around" });
	CHECK(hear("done") == next_id);
}

static void models_when_asked(void) {
	b.processes[LARK].start = b.processes[FINCH].start = PLAN_WHEN_ASKED;
}

static void set(uint16_t process, enum directory_state state) {
	directory_set(&w.directory, process, state, clock_mono());
}

static void a_machine_boots_and_is_asked(void) {
	core_more = models_when_asked;
	begin();
	set(GUARD, DIRECTORY_STARTING);
	set(LARK, DIRECTORY_STOPPED);
	set(FINCH, DIRECTORY_STOPPED);
	look();
	CHECK(heard_number("level") == 0 && is("lifecycle", "BOOT"));
	set(GUARD, DIRECTORY_LIVE);
	look();
	CHECK(is("lifecycle", "WAKE") && heard_number("level") == 0 && strstr(heard("level_text"), "level 0"));
	model_comes(LARK);
	set(LARK, DIRECTORY_LIVE);
	look();
	CHECK(heard_number("level") == 1);
	put(++next_id, (struct question){ .op = "say", .text = "hello", .model = "lark" });
	uint64_t said = next_id, id = generate(LARK);
	put(++next_id, (struct question){ .op = "state" });
	CHECK(hear("done") == next_id && is("lifecycle", "FOCUS"));
	model_says(LARK, id, "hi");
	CHECK(hear("done") == said);
	add_goal();
	look();
	CHECK(is("lifecycle", "FOCUS") && heard_number("goals") == 1); /* it is held for a second */
	over();
}

static void a_process_that_is_gone_is_a_crisis(void) {
	begin();
	set(GUARD, DIRECTORY_LIVE);
	look();
	CHECK(is("lifecycle", "WAKE"));
	CHECK(is("lifecycle_why", ""));
	set(GUARD, DIRECTORY_DEAD);
	look();
	CHECK(is("lifecycle", "CRISIS") && is("lifecycle_why", "a required process is gone"));
	over();
}

static void lark_with_the_machine(void) {
	b.processes[LARK].start = PLAN_WITH_MACHINE;
	b.processes[FINCH].start = PLAN_WHEN_ASKED;
}

/* One model at a time: the one that is not there for another's sake is no loss, one that died is. */
static void a_model_that_made_room_is_none(void) {
	core_more = lark_with_the_machine;
	begin();
	set(GUARD, DIRECTORY_LIVE);
	set(LARK, DIRECTORY_STARTING);
	look();
	CHECK(is("lifecycle", "BOOT")); /* it has not been there yet */
	set(LARK, DIRECTORY_STOPPED);
	set(FINCH, DIRECTORY_LIVE);
	look();
	CHECK(is("lifecycle", "WAKE"));
	set(LARK, DIRECTORY_LIVE);
	set(FINCH, DIRECTORY_STOPPED);
	look();
	CHECK(is("lifecycle", "WAKE"));
	set(LARK, DIRECTORY_STOPPED);
	look();
	CHECK(is("lifecycle", "WAKE"));
	set(LARK, DIRECTORY_DEAD);
	look();
	CHECK(is("lifecycle", "CRISIS"));
	over();
}

/* ---- a machine with legs, and what it feels: the test is the guard ---- */

enum { NEAR, TOUCH, COMMAND, LEGS_STATE, FEEDBACK }; /* fields */

static struct field_writer near, touch, feedback;

static void trust_well(uint16_t entity) {
	for (int d = 0; d < 3; d++)
		b.entities[entity].trust[d] = 0.9;
	b.entities[entity].trust_strength = 50;
}

static void add_legs(void) {
	uint16_t e = plan_builder_entity(&b, "legs", PLAN_ACTUATOR);
	b.entities[e].sort = PLAN_KINESTHETIC;
	CHECK(plan_builder_field(&b, "legs.command", CDM_U8, sizeof(struct motion_command), 8, 0, CORE,
			PLAN_BUILDER_ALL) == COMMAND);
	CHECK(plan_builder_field(&b, "legs.state", CDM_U32, STATE_COUNT, 8, 0, GUARD, PLAN_BUILDER_ALL) == LEGS_STATE);
	CHECK(plan_builder_field(&b, "legs.feedback", CDM_F32, FEEDBACK_COUNT, 8, 0, GUARD, PLAN_BUILDER_ALL) ==
			FEEDBACK);
	b.actuators[b.head.actuators.count++] = (struct plan_actuator){ .entity = e, .process = GUARD,
		.awareness = PLAN_NONE, .driver = "d", .bus = "b", .feedback = FEEDBACK, .lease_ns = NS_PER_S,
		.safe_verb = PLAN_VERB_STAND, .joint_count = 18, .node_base = 1,
		.joint_min_cdeg = { -100, -100, -100 }, .joint_max_cdeg = { 100, 100, 100 },
		.joint_rate_cdeg_s = { 100, 100, 100 }, .verb_max = { [PLAN_VERB_STAND] = -1 } };
}

static void with_legs(void) {
	models_when_asked();
	CHECK(plan_builder_field(&b, "near", CDM_F32, 1, 8, 0, GUARD, PLAN_BUILDER_ALL) == NEAR);
	CHECK(plan_builder_field(&b, "touch", CDM_F32, 1, 8, 0, GUARD, PLAN_BUILDER_ALL) == TOUCH);
	b.fields[NEAR].max_age_ns = 1000 * NS_PER_S;
	b.fields[TOUCH].kind = PLAN_AWARENESS;
	b.fields[TOUCH].half_life_ns = 1000 * NS_PER_S;
	add_legs();
	struct plan_rule *r = &b.rules[b.head.rules.count++];
	*r = (struct plan_rule){ .name = "rule", .operation = PLAN_OP_SYMBOL_TO_MOTION, .source_count = 1,
		.target = PLAN_NONE, .actuator = b.actuators[0].entity, .gain = 1 };
	memset(r->sources, 0xff, sizeof(r->sources));
	r->sources[0] = NEAR;
	trust_well(b.processes[LARK].entity);
	trust_well(plan_builder_entity(&b, "camera", PLAN_SENSOR));
}

static void begin_with_legs(void) {
	core_more = with_legs;
	begin();
	neighbour_comes(GUARD);
	CHECK(field_writer_open(&near, &w.at[GUARD], NEAR) == 0 && field_writer_open(&touch, &w.at[GUARD], TOUCH) == 0);
	CHECK(field_writer_open(&feedback, &w.at[GUARD], FEEDBACK) == 0);
	model_comes(LARK);
	set(GUARD, DIRECTORY_LIVE);
	set(LARK, DIRECTORY_LIVE);
	set(FINCH, DIRECTORY_STOPPED);
}

static void over_with_legs(void) {
	field_writer_close(&near);
	field_writer_close(&touch);
	field_writer_close(&feedback);
	over();
}

static void feel(struct field_writer *f, unsigned count) {
	static const float nothing[FEEDBACK_COUNT];
	struct field_meta m = field_meta_of(0);
	CHECK(field_write(f, nothing, count * sizeof(float), &m, clock_mono()) == 0);
}

static void claim(const char *as, const char *value) {
	put(++next_id, (struct question){ .op = "tell", .as = as, .key = "door", .text = value });
	CHECK(hear("done") == next_id);
}

static bool level_is(unsigned level, const char *why) {
	look();
	bool right = heard_number("level") == level && strstr(heard("level_text"), why);
	if (!right)
		fprintf(stderr, "it is %s\n", heard("level_text"));
	return right;
}

static void stop_all(void) {
	put(++next_id, (struct question){ .op = "stop" });
	CHECK(hear("done") == next_id && is_stopped());
}

static void levels_are_reached_and_lost(void) {
	begin_with_legs();
	CHECK(level_is(1, "whether the modalities agree is not known"));
	claim("camera", "open");
	CHECK(level_is(1, "whether the modalities agree is not known"));
	claim("lark", "shut"); /* that they disagree is known now, and is nothing to build on */
	CHECK(level_is(1, "agreement is 0.00"));
	claim("lark", "open");
	CHECK(level_is(2, "no window of history"));
	*doubted = b.processes[LARK].entity; /* whose word is worth nothing now: one alone is no agreement */
	CHECK(level_is(1, "agreement is 0.00"));
	*doubted = PLAN_NONE;
	CHECK(level_is(2, "no window of history"));
	feel(&touch, 1);
	CHECK(level_is(2, "completeness is 0.00"));
	feel(&near, 1);
	feel(&feedback, FEEDBACK_COUNT);
	CHECK(level_is(3, "there is no goal"));
	claim("lark", "shut");
	CHECK(level_is(1, "agreement is 0.00"));
	claim("lark", "open");
	add_goal();
	CHECK(level_is(3, "is not fed back")); /* nothing was commanded yet */
	stop_all();
	CHECK(level_is(3, "is not fed back")); /* and of that nothing was heard */
	feel(&feedback, FEEDBACK_COUNT);
	CHECK(level_is(4, "nothing holds it back"));
	stop_all();
	CHECK(level_is(3, "is not fed back"));
	feel(&feedback, FEEDBACK_COUNT);
	CHECK(level_is(4, "nothing holds it back"));
	set(GUARD, DIRECTORY_DEAD);
	CHECK(level_is(1, "one modality is live"));
	set(GUARD, DIRECTORY_LIVE);
	over_with_legs();
}

int main(void) {
	doubted = mmap(NULL, sizeof(*doubted), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	CHECK(doubted != MAP_FAILED);
	*doubted = PLAN_NONE;
	void (*const tests[])(void) = { a_machine_boots_and_is_asked, a_process_that_is_gone_is_a_crisis,
		a_model_that_made_room_is_none,
		levels_are_reached_and_lost };
	return core_tests(tests, COUNT_OF(tests));
}
