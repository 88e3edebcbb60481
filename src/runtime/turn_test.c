/* turn_test.c - models that are silent, and clients that are gone. */
#include <sqlite3.h>
#include "runtime/core_testing.h"
#include "sem/belief.h"

static void patience(const char *lark, const char *finch) {
	plan_builder_option(&b, b.processes[LARK].entity, "patience_s", lark);
	plan_builder_option(&b, b.processes[FINCH].entity, "patience_s", finch);
}

static void short_patience(void) {
	patience("0.2", "0.02");
}

static void some_patience(void) {
	patience("1", "1");
}

/* The next message to the model that is no ping; its id. */
static uint64_t model_hears(uint16_t process, enum wire_kind kind) {
	struct wire_message m;
	do {
		CHECK(readable(models[process - LARK]));
		ssize_t n = io_receive(models[process - LARK], message, sizeof(message), NULL, NULL, 0);
		CHECK(n > 0 && wire_read(message, (size_t)n, &m) == 0);
	} while (m.kind == WIRE_PING && kind != WIRE_PING);
	CHECK(m.kind == kind);
	return m.id;
}

static uint64_t turns_written(void) {
	put(77, (struct question){ .op = "state" });
	CHECK(hear("done") == 77);
	return heard_number("turns");
}

/* ---- silence ---- */

/* It says nothing, not even that it lives: the parent is asked to end it, and the turn is tried with a new one. */
static void a_silent_model_is_exchanged(void) {
	core_more = short_patience;
	begin();
	model_comes(LARK);
	ask(1, "say", "hello", "lark", "");
	generate(LARK);
	CHECK(hear("again") == 1);
	asked_of_parent(SEAT_STOP, LARK);
	model_ends(LARK);
	asked_of_parent(SEAT_START, LARK);
	model_comes(LARK);
	model_says(LARK, model_hears(LARK, WIRE_GENERATE), "awake");
	CHECK(hear("done") == 1 && answer_is("awake"));
	over();
}

static void silent_each_time(void) {
	core_more = short_patience;
	begin();
	model_comes(LARK);
	ask(1, "say", "hello", "lark", "");
	for (int i = 0; i < 3; i++) {
		model_hears(LARK, WIRE_GENERATE);
		CHECK(hear(i < 2 ? "again" : "error") == 1);
		asked_of_parent(SEAT_STOP, LARK);
		model_ends(LARK);
		if (i == 2)
			break;
		asked_of_parent(SEAT_START, LARK);
		model_comes(LARK);
	}
	CHECK(is("code", "ETIMEDOUT") && strstr(heard("text"), "silent"));
	CHECK(turns_written() == 0);
	ask(2, "say", "hello", "lark", ""); /* and the next one gets a new model */
	asked_of_parent(SEAT_START, LARK);
	model_comes(LARK);
	model_says(LARK, model_hears(LARK, WIRE_GENERATE), "awake");
	CHECK(hear("done") == 2 && answer_is("awake"));
	over();
}

/* One that reads a long prompt says nothing for long, but answers when it is asked whether it lives. */
static void a_slow_model_is_waited_for(void) {
	core_more = some_patience;
	begin();
	model_comes(LARK);
	ask(1, "say", "hello", "lark", "");
	uint64_t id = generate(LARK);
	for (int i = 0; i < 3; i++) {
		uint64_t ping = model_hears(LARK, WIRE_PING);
		CHECK(ping != id);
		model_sends(LARK, &(struct wire_message){ .kind = WIRE_PONG, .id = ping });
	}
	model_says(LARK, id, "at last");
	CHECK(hear("done") == 1 && answer_is("at last"));
	over();
}

/* But not for ever: an engine that runs in circles may well answer pings. */
static void one_that_only_pongs(void) {
	core_more = short_patience;
	begin();
	model_comes(LARK);
	ask(1, "say", "hello", "lark", "");
	generate(LARK);
	for (;;) {
		struct pollfd p[2] = { { .fd = models[0], .events = POLLIN }, { .fd = gate, .events = POLLIN } };
		CHECK(poll(p, 2, PATIENCE_MS) > 0);
		if (p[1].revents)
			break;
		model_sends(LARK, &(struct wire_message){ .kind = WIRE_PONG, .id = model_hears(LARK, WIRE_PING) });
	}
	CHECK(hear("again") == 1);
	asked_of_parent(SEAT_STOP, LARK);
	over();
}

/* It was core that slept: what the model said meanwhile counts, though nobody has read it in time. */
static void core_oversleeps(void) {
	core_more = short_patience;
	begin();
	model_comes(LARK);
	ask(1, "say", "hello", "lark", "");
	uint64_t id = model_hears(LARK, WIRE_GENERATE);
	CHECK(kill(pid, SIGSTOP) == 0);
	struct pollfd p = { .fd = gate, .events = POLLIN };
	CHECK(poll(&p, 1, 400) == 0); /* twice the patience */
	ask(2, "ping", "", "", "");
	model_says(LARK, id, "in time");
	CHECK(kill(pid, SIGCONT) == 0);
	CHECK(hear("done") + hear("done") == 3);
	asks_nothing_of_parent();
	over();
}

static void one_that_never_loads(void) {
	core_more = short_patience;
	begin();
	ask(1, "say", "hello", "finch", "");
	ask(2, "load", "", "finch", "");
	asked_of_parent(SEAT_START, FINCH);
	models[1] = channel(FINCH, NULL, 0);
	CHECK(hear("error") == 1 && is("code", "ETIMEDOUT") && strstr(heard("text"), "load"));
	asked_of_parent(SEAT_STOP, FINCH);
	model_ends(FINCH);
	asked_of_parent(SEAT_START, FINCH); /* the second request has its own try */
	model_comes(FINCH);
	CHECK(hear("done") == 2);
	over();
}

/* ---- hang-ups ---- */

/* Who asked is gone: the model is told to end, nothing is written, and the next one has the place. */
static void an_answer_for_nobody(void) {
	begin();
	model_comes(LARK);
	int other = channel(GATE, NULL, 0), first = gate;
	ask(1, "say", "tell me a long story", "lark", "");
	uint64_t id = generate(LARK);
	gate = other;
	close(first);
	CHECK(model_hears(LARK, WIRE_CANCEL) == id);
	ask(2, "say", "hello", "lark", "");
	uint64_t next = model_hears(LARK, WIRE_GENERATE);
	CHECK(next != id);
	model_sends(LARK, &(struct wire_message){ .kind = WIRE_TOKEN, .id = id, .text = wire_text_of("late") });
	model_sends(LARK, &(struct wire_message){ .kind = WIRE_DONE, .id = id,
			.result = { .finish = CDM_FINISH_CANCELLED } });
	model_says(LARK, next, "yes");
	CHECK(hear("done") == 2 && answer_is("yes") && turns_written() == 1);
	over();
}

/* All places wait, and their client goes: all places are free again. */
static void a_queue_of_nobody(void) {
	begin();
	model_comes(LARK);
	ask(1, "say", "first", "lark", "");
	uint64_t id = generate(LARK);
	int first = gate;
	gate = channel(GATE, NULL, 0);
	for (uint64_t i = 2; i <= CORE_TURNS; i++)
		ask(i, "say", "behind", "lark", "");
	ask(CORE_TURNS + 1, "say", "one too many", "lark", "");
	CHECK(hear("error") == CORE_TURNS + 1 && is("code", "EBUSY"));
	close(gate);
	gate = channel(GATE, NULL, 0);
	for (;;) { /* until core has seen the hang-up */
		ask(10, "load", "", "lark", "");
		ask(11, "ping", "", "", "");
		ssize_t n = control_receive(gate, message, sizeof(message), PATIENCE_MS * NS_PER_MS);
		CHECK(n > 0);
		message_bytes = (size_t)n;
		if (strcmp(heard("ev"), "done") == 0)
			break;
		CHECK(hear("done") == 11);
	}
	CHECK(heard_number("id") == 11);
	int second = gate;
	gate = first;
	model_says(LARK, id, "yes");
	CHECK(hear("done") == 1 && answer_is("yes") && turns_written() == 1);
	gate = second;
	CHECK(hear("done") == 10);
	close(first);
	over();
}

static void cancel(uint64_t id, uint64_t target) {
	uint8_t room[64];
	struct mp_out o;
	mp_begin(&o, room, sizeof(room));
	mp_map(&o, 3);
	mp_kv_str(&o, "op", "cancel");
	mp_kv_uint(&o, "id", id);
	mp_kv_uint(&o, "target", target);
	CHECK(io_send(gate, room, (size_t)mp_done(&o), NULL, 0, 0) == 0);
}
/* Taken back by who asked, on a connection that stays; of others nobody can take anything back. */
static void taken_back(void) {
	begin();
	model_comes(LARK);
	ask(1, "say", "a long story", "lark", "");
	uint64_t id = generate(LARK);
	ask(2, "say", "hello", "lark", "");
	ask(3, "say", "behind", "lark", "");
	int first = gate;
	gate = channel(GATE, NULL, 0);
	cancel(1, 1);
	CHECK(hear("done") == 1);
	close(gate);
	gate = first;
	cancel(4, 3);
	CHECK(hear("error") == 3 && is("code", "ECANCELED"));
	CHECK(hear("done") == 4);
	cancel(5, 1);
	CHECK(model_hears(LARK, WIRE_CANCEL) == id);
	CHECK(hear("error") == 1 && is("code", "ECANCELED"));
	CHECK(hear("done") == 5);
	model_says(LARK, model_hears(LARK, WIRE_GENERATE), "yes");
	CHECK(hear("done") == 2 && answer_is("yes") && turns_written() == 1);
	cancel(6, 2); /* too late, and no harm */
	CHECK(hear("done") == 6 && turns_written() == 1);
	over();
}
/* It hangs up and the model is gone as well: then there is nobody to tell, and nothing to do. */
static void both_are_gone(void) {
	begin();
	model_comes(LARK);
	int first = gate;
	ask(1, "say", "hello", "lark", "");
	generate(LARK);
	gate = channel(GATE, NULL, 0);
	close(models[0]);
	models[0] = -1;
	close(first);
	model_comes(LARK);
	ask(2, "say", "hello", "lark", "");
	model_says(LARK, model_hears(LARK, WIRE_GENERATE), "yes");
	CHECK(hear("done") == 2 && answer_is("yes"));
	over();
}

/* ---- what is told ---- */

/* The tokens until the answer is done, put together. */
static const char *told(void) {
	static char text[16384];
	text[0] = 0;
	for (;;) {
		ssize_t n = control_receive(gate, message, sizeof(message), PATIENCE_MS * NS_PER_MS);
		CHECK(n > 0);
		message_bytes = (size_t)n;
		if (strcmp(heard("ev"), "done") == 0)
			return text;
		CHECK(is("ev", "token") && strlen(text) + strlen(heard("text")) < sizeof(text));
		strcat(text, heard("text"));
	}
}

static const char *said_in_pieces(const char *const *pieces) {
	static uint64_t id;
	ask(++id, "say", "the door is locked, and room #5 is free", "lark", "");
	uint64_t request = model_hears(LARK, WIRE_GENERATE);
	for (; *pieces; pieces++)
		model_sends(LARK, &(struct wire_message){ .kind = WIRE_TOKEN, .id = request,
				.text = wire_text_of(*pieces) });
	model_sends(LARK, &(struct wire_message){ .kind = WIRE_DONE, .id = request });
	return told();
}

static bool has_facts(unsigned n) {
	struct mp_in in;
	uint32_t count;
	return mp_find(message, message_bytes, "facts", &in) == 0 && mp_get_array(&in, &count) == 0 && count == n;
}

/* A clause is told as a fact, when it is on the disk, and never as a token; what is none is told at last. */
static void clauses_are_no_tokens(void) {
	static const char *const noted[] = { "Noted,", " the door", " is locked.", " ", "#", "door", " =",
			" locked", NULL };
	static const char *const room[] = { " It is", " room", " #", "5.", NULL },
			*const end[] = { "It is room", " #5", NULL };
	static const char *const middle[] = { "One. #door = locked", "\n", "Two.", NULL },
			*const only[] = { "#door = locked", NULL };
	begin();
	model_comes(LARK);
	CHECK(strcmp(said_in_pieces(noted), "Noted, the door is locked.") == 0 &&
			answer_is("Noted, the door is locked."));
	CHECK(has_facts(1) && heard_number("unheard") == 0);
	CHECK(strcmp(said_in_pieces(room), "It is room #5.") == 0 && answer_is("It is room #5.") && has_facts(0));
	CHECK(strcmp(said_in_pieces(end), "It is room #5") == 0 && answer_is("It is room #5"));
	CHECK(strcmp(said_in_pieces(middle), "One.\nTwo.") == 0 && answer_is("One.\nTwo.") && has_facts(1));
	CHECK(strcmp(said_in_pieces(only), "") == 0 && answer_is("") && has_facts(1));
	over();
}

/* What a model states and nobody said is no fact; the turn goes on without it. */
static void what_nobody_said_is_no_fact(void) {
	static const char *const lie[] = { "Sure. #door = open", NULL },
			*const half[] = { "#room = 5 #owner = Mallory", NULL };
	begin();
	model_comes(LARK);
	CHECK(strcmp(said_in_pieces(lie), "Sure.") == 0 && has_facts(0) && heard_number("unheard") == 1);
	put(90, (struct question){ .op = "state" });
	CHECK(hear("done") == 90 && heard_number("facts") == 0 && heard_number("turns") == 1);
	said_in_pieces(half);
	CHECK(has_facts(1) && heard_number("unheard") == 1);
	put(91, (struct question){ .op = "state" });
	CHECK(hear("done") == 91 && heard_number("facts") == 1);
	over();
}

/* The same request gets the same answer, whole, however long it is; by the next core, too. */
static void a_long_answer_again(void) {
	char piece[1001];
	bool repeat = false, cut = true;
	memset(piece, 'x', sizeof(piece) - 1);
	piece[sizeof(piece) - 1] = 0;
	begin();
	model_comes(LARK);
	ask(1, "say", "hello", "lark", "long");
	uint64_t id = model_hears(LARK, WIRE_GENERATE);
	for (int i = 0; i < 7; i++)
		model_sends(LARK, &(struct wire_message){ .kind = WIRE_TOKEN, .id = id, .text = wire_text_of(piece) });
	model_sends(LARK, &(struct wire_message){ .kind = WIRE_DONE, .id = id });
	told();
	CHECK(strlen(heard("answer")) == 7000);
	for (uint64_t n = 2; n < 4; n++) {
		ask(n, "say", "hello", "lark", "long");
		CHECK(hear("done") == n && strlen(heard("answer")) == 7000);
		CHECK(mp_find_bool(message, message_bytes, "repeat", &repeat) == 0 && repeat);
		CHECK(mp_find_bool(message, message_bytes, "cut", &cut) == 0 && !cut);
		if (n == 2) {
			core_dies();
			start();
		}
	}
	char path[96];
	sqlite3 *db;
	snprintf(path, sizeof(path), "%s/robot.journal", folder);
	CHECK(sqlite3_open(path, &db) == SQLITE_OK); /* where it cannot be had whole, that is said */
	sqlite3_busy_timeout(db, PATIENCE_MS); /* core may be writing */
	CHECK(sqlite3_exec(db, "DROP TRIGGER record_delete; DELETE FROM record WHERE kind = 'turn'", NULL,
			NULL, NULL) == SQLITE_OK);
	sqlite3_close(db);
	ask(4, "say", "hello", "lark", "long");
	CHECK(hear("done") == 4 && strlen(heard("answer")) == 2047);
	CHECK(mp_find_bool(message, message_bytes, "cut", &cut) == 0 && cut);
	over();
}

/* What was asked, and what was answered, is not known any more: it is no answer to anything. */
static void an_erased_turn_answers_nobody(void) {
	begin();
	model_comes(LARK);
	ask(1, "say", "my code is 77", "lark", "r1");
	model_says(LARK, model_hears(LARK, WIRE_GENERATE), "noted");
	told();
	uint64_t seq = heard_number("seq");
	put(2, (struct question){ .op = "erase", .seq = seq });
	CHECK(hear("done") == 2);
	for (uint64_t n = 3; n < 7; n++) {
		ask(n, "say", n % 2 ? "my code is 77" : "call the doctor", "lark", "r1");
		CHECK(hear("error") == n && is("code", "EEXIST") && strstr(heard("text"), "was erased"));
		if (n == 4) {
			core_dies();
			start();
		}
	}
	ask(7, "say", "call the doctor", "lark", "r2");
	model_comes(LARK);
	model_says(LARK, model_hears(LARK, WIRE_GENERATE), "yes");
	told();
	over();
}

static bool again(uint64_t id, const char *text, const char *request, const char *verdict, uint64_t command) {
	ask(id, "say", text, "lark", request);
	return hear("done") == id && is("verdict", verdict) && heard_number("command") == command;
}

/* With the answer comes what was decided of it, by the next core, too. */
static void a_verdict_again(void) {
	begin();
	model_comes(LARK);
	ask(1, "say", "walk", "lark", "refused");
	model_says(LARK, model_hears(LARK, WIRE_GENERATE), "𐤌𐤟𐤖");
	CHECK(hear("done") == 1 && is("verdict", "refused") && is("reason", "UNKNOWN_SYMBOL"));
	ask(2, "say", "all is well", "lark", "none");
	model_says(LARK, model_hears(LARK, WIRE_GENERATE), "good");
	CHECK(hear("done") == 2 && is("verdict", "none"));
	put(3, (struct question){ .op = "act", .symbols = "𐤕" }); /* its record is the next one */
	CHECK(hear("done") == 3 && heard_number("command") == 1);
	ask(4, "say", "something is wrong", "lark", "stopped");
	model_says(LARK, model_hears(LARK, WIRE_GENERATE), "I stop: 𐤕");
	CHECK(hear("done") == 4 && is("verdict", "stopped") && heard_number("command") == 2);
	for (uint64_t id = 5; id < 15; id += 5) {
		CHECK(again(id, "walk", "refused", "refused", 0) && is("reason", "UNKNOWN_SYMBOL") &&
				strstr(heard("detail"), "no symbol table"));
		CHECK(again(id + 1, "all is well", "none", "none", 0) && is("reason", ""));
		CHECK(again(id + 2, "something is wrong", "stopped", "stopped", 2));
		core_dies();
		start();
	}
	over();
}

/* Small models do not read capitals; the journal has what was said. */
static void a_loud_question(void) {
	begin();
	model_comes(LARK);
	ask(1, "say", "WHERE IS MY HAT?", "lark", "");
	model_says(LARK, model_hears(LARK, WIRE_GENERATE), "here");
	CHECK(hear("done") == 1 && is("view", "[]\n> where is my hat?\n< "));
	ask(2, "say", "Where is Ana?", "lark", "");
	model_says(LARK, model_hears(LARK, WIRE_GENERATE), "here");
	CHECK(hear("done") == 2 && is("view", "[]\n> Where is Ana?\n< "));
	over();
}

static void no_compact_prompts(void) {
	for (uint32_t i = 0; i < b.head.options.count; i++)
		if (strcmp(b.options[i].key, "prompt") == 0)
			strcpy(b.options[i].value, "chat");
}

/* A model of any other make is told what to do, what is known, and what was asked. */
static void a_chat_model(void) {
	core_more = no_compact_prompts;
	begin();
	model_comes(LARK);
	ask(1, "say", "the door is locked", "lark", "");
	model_says(LARK, model_hears(LARK, WIRE_GENERATE), " Noted. #door = locked");
	CHECK(hear("done") == 1 && answer_is("Noted.") && has_facts(1));
	ask(2, "say", "WHERE is the door?", "lark", "");
	model_says(LARK, model_hears(LARK, WIRE_GENERATE), " Locked.");
	CHECK(hear("done") == 2 && strstr(heard("view"), belief_preamble()) == heard("view"));
	CHECK(strstr(heard("view"), "- door = locked ("));
	CHECK(strstr(heard("view"), "\nUser: WHERE is the door?\nAnswer:"));
	over();
}

int main(void) {
	static void (*const tests[])(void) = { a_silent_model_is_exchanged, silent_each_time,
		a_slow_model_is_waited_for, one_that_only_pongs, core_oversleeps, one_that_never_loads,
		an_answer_for_nobody, a_queue_of_nobody, both_are_gone, taken_back, clauses_are_no_tokens,
		what_nobody_said_is_no_fact, a_long_answer_again, an_erased_turn_answers_nobody,
		a_verdict_again, a_loud_question, a_chat_model };
	return core_tests(tests, COUNT_OF(tests));
}
