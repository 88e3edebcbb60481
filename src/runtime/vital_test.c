/* vital_test.c - level and lifecycle as core tells them: what is live, what is asked, what is stopped. */
#include "runtime/core_testing.h"

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
	set(GUARD, DIRECTORY_DEAD);
	look();
	CHECK(is("lifecycle", "CRISIS"));
	over();
}

int main(void) {
	void (*const tests[])(void) = { a_machine_boots_and_is_asked, a_process_that_is_gone_is_a_crisis };
	return core_tests(tests, COUNT_OF(tests));
}
