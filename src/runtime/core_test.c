/*
 * core_test.c - what the parent of a real machine does only now and then is done here on purpose: a channel that is
 * replaced before its end was seen, a model that stays gone, requests that meet.
 */
#include "runtime/core_testing.h"
#include "journal/state.h"

/* The parent starts a model again; core hears of the new channel before it sees the end of the old one. */
static void a_channel_is_replaced(void) {
	begin();
	model_comes(LARK);
	ask(1, "say", "hello", "lark", "");
	generate(LARK);
	int old = models[0];
	models[0] = -1;
	model_comes(LARK);
	CHECK(hear("again") == 1);
	uint64_t id = generate(LARK);
	model_says(LARK, id, "yes");
	CHECK(hear("done") == 1 && answer_is("yes"));
	close(old);
	over();
}

/* What the old model said last still counts. */
static void last_words(void) {
	begin();
	model_comes(LARK);
	ask(1, "say", "hello", "lark", "");
	model_says(LARK, generate(LARK), "farewell");
	int old = models[0];
	models[0] = -1;
	model_comes(LARK);
	CHECK(hear("done") == 1 && answer_is("farewell"));
	close(old);
	over();
}

static void one_that_stays_gone(void) {
	begin();
	model_comes(LARK);
	ask(1, "say", "hello", "lark", "");
	generate(LARK);
	model_ends(LARK); /* it died too often */
	CHECK(hear("again") == 1 && hear("error") == 1);
	ask(2, "say", "hello", "lark", "");
	asked_of_parent(SEAT_START, LARK);
	model_comes(LARK);
	model_says(LARK, generate(LARK), "back");
	CHECK(hear("done") == 2 && answer_is("back"));
	over();
}

static void no_exchange_under_an_answer(void) {
	begin();
	model_comes(LARK);
	ask(1, "say", "one", "lark", "");
	uint64_t id = generate(LARK);
	ask(2, "load", "", "finch", "");
	ask(3, "unload", "", "finch", "");
	ask(4, "ping", "", "", "");
	CHECK(hear("done") == 4); /* so the others were heard, too */
	asks_nothing_of_parent();
	model_says(LARK, id, "first");
	CHECK(hear("done") == 1 && answer_is("first"));
	asked_of_parent(SEAT_STOP, LARK);
	model_ends(LARK);
	asked_of_parent(SEAT_START, FINCH);
	model_comes(FINCH);
	CHECK(hear("done") == 2); /* not before it can answer */
	asked_of_parent(SEAT_STOP, FINCH);
	io_close(&models[1]);
	ask(5, "ping", "", "", "");
	CHECK(hear("done") == 5); /* hung up is not gone: the parent says when it is */
	CHECK(seat_send_stopped(parent, FINCH) == 0);
	CHECK(hear("done") == 3);
	over();
}

/* A model that dies while it loads, and is told to end before the parent has started it again. */
static void ended_between_two_lives(void) {
	begin();
	ask(1, "load", "", "finch", "");
	asked_of_parent(SEAT_START, FINCH);
	close(channel(FINCH, NULL, 0));
	close(channel(FINCH, NULL, 0));
	close(channel(FINCH, NULL, 0));
	CHECK(hear("error") == 1);
	ask(2, "say", "hello", "lark", "");
	asked_of_parent(SEAT_STOP, FINCH);
	CHECK(seat_send_stopped(parent, FINCH) == 0);
	asked_of_parent(SEAT_START, LARK);
	model_comes(LARK);
	model_says(LARK, generate(LARK), "here");
	CHECK(hear("done") == 2 && answer_is("here"));
	over();
}

/* The same request while the first one is in the works, and again from the core after that. */
static void a_request_twice(void) {
	uint64_t first, second;
	bool repeat = false;
	begin();
	model_comes(LARK);
	ask(1, "say", "hello", "lark", "same");
	ask(2, "say", "hello", "lark", "same");
	model_says(LARK, generate(LARK), "once");
	CHECK(hear("done") == 1 && answer_is("once"));
	CHECK(mp_find_uint(message, message_bytes, "seq", &first) == 0);
	CHECK(hear("done") == 2 && answer_is("once"));
	CHECK(mp_find_uint(message, message_bytes, "seq", &second) == 0 && first == second);
	CHECK(mp_find_bool(message, message_bytes, "repeat", &repeat) == 0 && repeat);
	core_dies();
	start();
	ask(3, "say", "hello", "lark", "same");
	CHECK(hear("done") == 3 && answer_is("once"));
	over();
}

/* However many were answered since: more than the live state remembers. */
static void a_request_of_old(void) {
	char name[16];
	bool repeat = false;
	begin();
	model_comes(LARK);
	for (uint64_t id = 1; id <= STATE_REQUESTS_MAX + 2; id++) {
		snprintf(name, sizeof(name), "r%llu", (unsigned long long)id);
		ask(id, "say", "hello", "lark", name);
		model_says(LARK, generate(LARK), name);
		CHECK(hear("done") == id);
	}
	for (uint64_t id = 1000; id < 1004; id += 2) {
		ask(id, "say", "hello", "lark", "r1");
		CHECK(hear("done") == id && answer_is("r1") && heard_number("seq") > 0);
		CHECK(mp_find_bool(message, message_bytes, "repeat", &repeat) == 0 && repeat);
		ask(id + 1, "say", "hello you", "lark", "r1");
		CHECK(hear("error") == id + 1 && is("code", "EEXIST"));
		core_dies();
		start();
	}
	over();
}

/* Nothing begins any more; what has no answer gets none; a stop is still heard. */
static void when_the_machine_goes_down(void) {
	begin();
	model_comes(LARK);
	ask(1, "say", "hello", "lark", "");
	generate(LARK);
	ask(2, "say", "and hello", "finch", "");
	ask(3, "ping", "", "", "");
	CHECK(hear("done") == 3); /* so the others were heard, too */
	CHECK(seat_send_down(parent) == 0);
	CHECK(hear("error") == 2 && is("code", "ESHUTDOWN"));
	CHECK(hear("error") == 1 && is("code", "ESHUTDOWN"));
	ask(4, "say", "hello", "lark", "");
	CHECK(hear("error") == 4 && is("code", "ESHUTDOWN"));
	ask(5, "load", "", "finch", "");
	CHECK(hear("error") == 5 && is("code", "ESHUTDOWN"));
	asks_nothing_of_parent();
	ask(6, "say", "stop", "lark", "");
	CHECK(hear("done") == 6 && is("verdict", "stopped") && is_stopped());
	over();
}

/* A client that does not read while a model speaks much gets all of it afterwards. */
static void a_slow_reader(void) {
	char text[16];
	size_t told = 0;
	begin();
	model_comes(LARK);
	ask(1, "say", "hello", "lark", "");
	uint64_t id = generate(LARK);
	for (int i = 0; i < 1000; i++)
		model_sends(LARK, &(struct wire_message){ .kind = WIRE_TOKEN, .id = id,
				.text = wire_text_of("seven--") });
	model_sends(LARK, &(struct wire_message){ .kind = WIRE_DONE, .id = id });
	ask(2, "say", "hello", "lark", "");
	id = generate(LARK); /* so the first one is answered, and nobody has read it */
	char piece[8192];
	for (;;) {
		ssize_t n = control_receive(gate, message, sizeof(message), PATIENCE_MS * NS_PER_MS);
		CHECK(n > 0 && mp_find_str(message, (size_t)n, "ev", text, sizeof(text)) == 0);
		if (strcmp(text, "done") == 0)
			break;
		CHECK(mp_find_str(message, (size_t)n, "text", piece, sizeof(piece)) == 0);
		told += strlen(piece);
	}
	CHECK(told == 7000);
	model_says(LARK, id, "short");
	CHECK(hear("done") == 2 && answer_is("short"));
	over();
}

int main(void) {
	static void (*const tests[])(void) = { a_channel_is_replaced, last_words, one_that_stays_gone,
		no_exchange_under_an_answer, ended_between_two_lives, a_request_twice, a_request_of_old,
		when_the_machine_goes_down, a_slow_reader };
	return core_tests(tests, COUNT_OF(tests));
}
