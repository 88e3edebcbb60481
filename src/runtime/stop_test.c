/* stop_test.c - stop words reach the guard's door whatever the models, the rights and the rest of the request are. */
#include "runtime/core_testing.h"

static void stopped_by(uint64_t id) {
	CHECK(hear("done") == id && is("answer", "𐤕") && is("symbols", "𐤕") && is("verdict", "stopped"));
	CHECK(is("model", "") && is_stopped());
}

/* Nobody answers the first turn; the stop and its answer wait for nothing. */
static void under_a_model_that_hangs(void) {
	begin();
	model_comes(LARK);
	ask(1, "say", "hello", "lark", "");
	uint64_t id = generate(LARK);
	ask(2, "say", "Stop!", "lark", "");
	stopped_by(2);
	uint64_t seq = heard_number("seq");
	CHECK(seq > 0 && heard_number("command") == 1);
	model_says(LARK, id, "hello to you");
	CHECK(hear("done") == 1 && answer_is("hello to you") && heard_number("seq") > seq);
	over();
}

static void without_a_model(void) {
	begin();
	ask(1, "say", "stop", "lark", ""); /* it never comes */
	stopped_by(1);
	asks_nothing_of_parent();
	ask(2, "say", "please stop now", "nobody", "");
	stopped_by(2);
	ask(3, "say", "emergency stop", "web", ""); /* no model, but a name */
	stopped_by(3);
	ask(4, "say", "lark, halt!", "", "");
	stopped_by(4);
	ask(5, "say", "stop lark, there is a child", "", "");
	stopped_by(5);
	over();
}

static void while_a_model_loads(void) {
	begin();
	ask(1, "say", "hello", "finch", "");
	asked_of_parent(SEAT_START, FINCH);
	ask(2, "say", "FREEZE", "finch", "");
	stopped_by(2);
	model_comes(FINCH);
	model_says(FINCH, generate(FINCH), "late");
	CHECK(hear("done") == 1 && answer_is("late"));
	over();
}

static void add_people(void) {
	plan_builder_entity(&b, "stranger", PLAN_PERSON);
}

/* No right is needed, and an error in the rest of the request comes after the stop. */
static void by_anybody(void) {
	core_more = add_people;
	begin();
	put(1, (struct question){ .op = "say", .text = "stop", .as = "stranger" });
	stopped_by(1);
	put(2, (struct question){ .op = "say", .text = "hello", .as = "stranger" });
	CHECK(hear("error") == 2 && is("code", "EACCES") && !is_stopped());
	put(3, (struct question){ .op = "say", .text = "stop", .as = "nobody" });
	CHECK(hear("error") == 3 && is("code", "ENOENT") && strstr(heard("text"), "it is stopped") && is_stopped());
	put(4, (struct question){ .op = "say", .text = "stop",
			.model = "a name that is much longer than any name in any plan is ever" });
	CHECK(hear("error") == 4 && is("code", "EINVAL") && strstr(heard("text"), "it is stopped") && is_stopped());
	over();
}

/* A client's slip must not make a stop look as if there was none. */
static void with_an_id_of_other_words(void) {
	begin();
	model_comes(LARK);
	ask(1, "say", "hello", "lark", "same");
	model_says(LARK, generate(LARK), "hello to you");
	CHECK(hear("done") == 1);
	ask(2, "say", "stop", "lark", "same");
	stopped_by(2);
	CHECK(heard_number("seq") > 0 && heard_number("command") == 1);
	ask(3, "say", "hello", "lark", "same");
	CHECK(hear("done") == 3 && answer_is("hello to you"));
	over();
}

static void blind_leaves_no_trace(void) {
	begin();
	put(1, (struct question){ .op = "say", .text = "stop", .blind = true });
	stopped_by(1);
	CHECK(heard_number("seq") == 0);
	put(2, (struct question){ .op = "state" });
	CHECK(hear("done") == 2 && heard_number("turns") == 0);
	put(3, (struct question){ .op = "say", .text = "stop" });
	stopped_by(3);
	put(4, (struct question){ .op = "state" });
	CHECK(hear("done") == 4 && heard_number("turns") == 1);
	over();
}

/* A model that was shown nothing and says stop is obeyed, too. */
static void by_a_model_blind(void) {
	begin();
	model_comes(LARK);
	put(1, (struct question){ .op = "say", .text = "something is wrong", .model = "lark", .blind = true });
	model_says(LARK, generate(LARK), "𐤕");
	CHECK(hear("done") == 1 && answer_is("𐤕") && is("verdict", "stopped"));
	CHECK(heard_number("seq") == 0 && is_stopped());
	put(2, (struct question){ .op = "say", .text = "walk", .model = "lark", .blind = true });
	model_says(LARK, generate(LARK), "𐤌𐤟𐤖");
	CHECK(hear("done") == 2 && is("verdict", "none") && !is_stopped()); /* nothing else that it says is done */
	over();
}

/* This machine has no symbol table; a bare TAU needs none. */
static void by_the_sign(void) {
	begin();
	model_comes(LARK);
	put(1, (struct question){ .op = "act", .symbols = "𐤕" });
	CHECK(hear("done") == 1 && is("verdict", "stopped") && is_stopped());
	put(2, (struct question){ .op = "act", .symbols = "𐤌𐤟𐤖" });
	CHECK(hear("done") == 2 && is("verdict", "refused") && !is_stopped());
	ask(3, "say", "something is wrong", "lark", "");
	model_says(LARK, generate(LARK), "I stop: 𐤕");
	CHECK(hear("done") == 3 && is("verdict", "stopped") && is_stopped());
	over();
}

static void other_texts_are_for_models(void) {
	begin();
	model_comes(LARK);
	ask(1, "say", "do not stop", "lark", "");
	model_says(LARK, generate(LARK), "I go on");
	CHECK(hear("done") == 1 && answer_is("I go on") && !is_stopped());
	ask(3, "say", "the bus stop is in the street", "lark", "");
	model_says(LARK, generate(LARK), "noted");
	CHECK(hear("done") == 3 && answer_is("noted") && !is_stopped());
	put(2, (struct question){ .op = "set", .text = "stop", .field = "x", .value = 1 });
	CHECK(hear("error") == 2 && !is_stopped()); /* not said */
	over();
}

/* The same request stops again, and is written down once; so it is after core's death. */
static void a_stop_said_twice(void) {
	bool repeat = false;
	begin();
	ask(1, "say", "stop", "", "same");
	stopped_by(1);
	uint64_t seq = heard_number("seq");
	for (uint64_t id = 2; id < 4; id++) {
		ask(id, "say", "stop", "", "same");
		CHECK(hear("done") == id && answer_is("𐤕") && is("verdict", "stopped") && is_stopped());
		CHECK(heard_number("command") == 1);
		CHECK(mp_find_bool(message, message_bytes, "repeat", &repeat) == 0 && repeat &&
				heard_number("seq") == seq);
		if (id == 2) {
			core_dies();
			start();
		}
	}
	over();
}

/* Far more at once than there is room for, here or before a slow disk: each stops, and each is answered. */
static void a_crowd(void) {
	enum { CROWD = CORE_TURNS + 20 };
	unsigned done = 0, busy = 0;
	begin();
	for (uint64_t id = 1; id <= CROWD; id++)
		ask(id, "say", "stop", "", "");
	for (unsigned i = 0; i < CROWD; i++) {
		ssize_t n = control_receive(gate, message, sizeof(message), PATIENCE_MS * NS_PER_MS);
		CHECK(n > 0);
		message_bytes = (size_t)n;
		if (strcmp(heard("ev"), "done") == 0) {
			done++;
		} else {
			bool full = strcmp(heard("code"), "EAGAIN") == 0 || is("code", "EBUSY");
			CHECK(is("ev", "error") && full && strstr(heard("text"), "it is stopped"));
			busy++;
		}
	}
	CHECK(done > 0 && done + busy == CROWD && is_stopped());
	over();
}

int main(void) {
	static void (*const tests[])(void) = { under_a_model_that_hangs, without_a_model, while_a_model_loads,
		by_anybody, with_an_id_of_other_words, blind_leaves_no_trace, by_a_model_blind, by_the_sign,
		other_texts_are_for_models, a_stop_said_twice, a_crowd };
	return core_tests(tests, COUNT_OF(tests));
}
