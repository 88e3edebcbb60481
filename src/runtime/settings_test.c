/* settings_test.c - what a person sets, within what the plan allows: now, and after a restart with another plan. */
#include "runtime/core_testing.h"
#include "store/field.h"

enum { GOAL, LEVEL };

static const char *bounds[2] = { "-180", "180" };
static struct peers reader;

static void add_settings(void) {
	uint16_t goal = plan_builder_field(&b, "goal", CDM_F64, 1, 3, 0, CORE, PLAN_BUILDER_ALL);
	uint16_t level = plan_builder_field(&b, "level", CDM_U8, 1, 3, 0, CORE, PLAN_BUILDER_ALL);
	CHECK(goal == GOAL && level == LEVEL);
	b.fields[goal].kind = b.fields[level].kind = PLAN_SETTING;
	plan_builder_option(&b, 0, "goal.default", "7");
	plan_builder_option(&b, 0, "goal.min", bounds[0]);
	plan_builder_option(&b, 0, "goal.max", bounds[1]);
	plan_builder_option(&b, 0, "level.default", "3");
	plan_builder_grant(&b, b.processes[GATE].entity, PLAN_MAY_SET, PLAN_NONE);
	plan_builder_entity(&b, "visitor", PLAN_PERSON);
}

/* What stands in core's memory now. */
static double published(uint16_t field) {
	struct field f;
	struct cdm_info info;
	uint8_t room[8];
	double value;
	peers_init(&reader, w.plan, GUARD);
	CHECK(peers_directory(&reader, w.directory_fd) == 0);
	CHECK(peers_replace(&reader, CORE, directory_get(&w.directory, CORE).epoch, &w.files[CORE]) == 0);
	CHECK(field_open(&f, &reader, field) == 0 && field_read(&f, room, sizeof(room), clock_mono(), &info) == 0);
	peers_fini(&reader);
	if (field == LEVEL)
		return room[0];
	memcpy(&value, room, sizeof(value));
	return value;
}

static void set(uint64_t id, const char *field, double value) {
	put(id, (struct question){ .op = "set", .field = field, .value = value });
}

static bool refused(uint64_t id, const char *code) {
	return hear("error") == id && is("code", code);
}

/* Core dies, and the next one is given a plan with other bounds. */
static void restart_with(const char *low, const char *high) {
	core_dies();
	bounds[0] = low;
	bounds[1] = high;
	world_close(&w);
	describe();
	world_open(&w, &b);
	world_stop(&w, CORE);
	start();
}

static void over_with_bounds(void) {
	over();
	bounds[0] = "-180";
	bounds[1] = "180";
}

static void sets_and_remembers(void) {
	core_more = add_settings;
	begin();
	CHECK(published(GOAL) == 7 && published(LEVEL) == 3);
	set(1, "goal", 100);
	CHECK(hear("done") == 1 && heard_number("seq") > 0 && published(GOAL) == 100);
	set(2, "level", 255);
	CHECK(hear("done") == 2 && published(LEVEL) == 255);
	core_dies();
	start();
	CHECK(published(GOAL) == 100 && published(LEVEL) == 255);
	over_with_bounds();
}

static void refuses(void) {
	core_more = add_settings;
	begin();
	set(1, "goal", 180.5);
	CHECK(refused(1, "EINVAL") && is("text", "180.5 is outside what 'goal' allows: -180 to 180"));
	set(2, "goal", -181);
	CHECK(refused(2, "EINVAL"));
	set(3, "level", 256);
	CHECK(refused(3, "EINVAL"));
	set(4, "level", -1);
	CHECK(refused(4, "EINVAL") && is("text", "-1 is outside what 'level' allows: 0 to 255"));
	set(5, "nothing", 1);
	CHECK(refused(5, "ENOENT"));
	put(6, (struct question){ .op = "set", .field = "goal", .value = 1, .as = "visitor" });
	CHECK(refused(6, "EACCES"));
	CHECK(published(GOAL) == 7 && published(LEVEL) == 3);
	over_with_bounds();
}

static uint64_t set_as(uint64_t id, const char *field, double value, const char *request) {
	put(id, (struct question){ .op = "set", .field = field, .value = value, .request = request });
	CHECK(hear("done") == id);
	return heard_number("seq");
}

/* A client that asks again what it has no answer to sets nothing back. */
static void a_retry_sets_nothing(void) {
	bool repeat = true;
	core_more = add_settings;
	begin();
	uint64_t first = set_as(1, "goal", 100.25, "r1");
	CHECK(mp_find_bool(message, message_bytes, "repeat", &repeat) == 0 && !repeat);
	set_as(2, "goal", 50, "r2");
	for (uint64_t id = 3; id < 5; id++) {
		CHECK(set_as(id, "goal", 100.25, "r1") == first && published(GOAL) == 50);
		CHECK(mp_find_bool(message, message_bytes, "repeat", &repeat) == 0 && repeat);
		core_dies();
		start();
	}
	put(5, (struct question){ .op = "set", .field = "goal", .value = 101, .request = "r1" });
	CHECK(refused(5, "EEXIST"));
	put(6, (struct question){ .op = "set", .field = "level", .value = 100.25, .request = "r1" });
	CHECK(refused(6, "EEXIST") && published(GOAL) == 50 && published(LEVEL) == 3);
	over_with_bounds();
}

/* The journal says 100; the plan of today does not allow that any more. */
static void todays_bounds_count(void) {
	core_more = add_settings;
	begin();
	set(1, "goal", 100);
	CHECK(hear("done") == 1);
	restart_with("-180", "50");
	CHECK(published(GOAL) == 50);
	restart_with("120", "180");
	CHECK(published(GOAL) == 120);
	restart_with("-180", "180"); /* and what was said is not forgotten */
	CHECK(published(GOAL) == 100);
	over_with_bounds();
}

/* What was set before counts again, at once and not with the next core; what was not touched stays as it is. */
static void what_was_set_is_erased(void) {
	core_more = add_settings;
	begin();
	set(1, "goal", 100);
	CHECK(hear("done") == 1);
	set(2, "level", 9);
	CHECK(hear("done") == 2);
	set(3, "goal", 50);
	CHECK(hear("done") == 3 && published(GOAL) == 50);
	uint64_t seq = heard_number("seq");
	put(4, (struct question){ .op = "erase", .seq = seq });
	CHECK(hear("done") == 4 && published(GOAL) == 100 && published(LEVEL) == 9);
	put(5, (struct question){ .op = "erase", .seq = seq - 2 });
	CHECK(hear("done") == 5 && published(GOAL) == 7);
	core_dies();
	start();
	CHECK(published(GOAL) == 7 && published(LEVEL) == 9);
	over();
}

int main(void) {
	static void (*const tests[])(void) = { sets_and_remembers, refuses, a_retry_sets_nothing,
		todays_bounds_count, what_was_set_is_erased };
	return core_tests(tests, COUNT_OF(tests));
}
