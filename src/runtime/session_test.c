/* session_test.c - who asks what of core, and how each is answered or hung up on. */
#include "runtime/core_testing.h"

static bool refused(uint64_t id, const char *code) {
	return hear("error") == id && is("code", code) && heard("text")[0];
}

/* The next message is the end of the session. */
static bool hung_up(int fd) {
	return readable(fd) && control_receive(fd, message, sizeof(message), PATIENCE_MS * NS_PER_MS) == -EPIPE;
}

static void add_people(void) {
	plan_builder_entity(&b, "stranger", PLAN_PERSON);
	uint16_t friend = plan_builder_entity(&b, "friend", PLAN_PERSON);
	plan_builder_grant(&b, friend, PLAN_MAY_SAY, PLAN_NONE);
}

/* What is no request ends the session; the others have theirs. */
static void what_is_no_message(void) {
	static const char *const bad[] = { "\x93\x01\x02\x03", "\xff", "\x81\xa2id", "text" };
	begin();
	int good = gate;
	for (size_t i = 0; i < COUNT_OF(bad); i++) {
		gate = channel(GATE, NULL, 0);
		CHECK(io_send(gate, bad[i], strlen(bad[i]), NULL, 0, 0) == 0 && hung_up(gate));
		close(gate);
	}
	gate = good;
	ask(1, "ping", "", "", "");
	CHECK(hear("done") == 1);
	over();
}

static void what_cannot_be_asked(void) {
	core_more = add_people;
	begin();
	ask(1, "dance", "", "", "");
	CHECK(refused(1, "ENOTSUP"));
	put(2, (struct question){ .op = "say" });
	CHECK(refused(2, "EINVAL"));
	ask(3, "say", "hello", "nobody", "");
	CHECK(refused(3, "ENOENT") && is("text", "there is no language model 'nobody'; there are: lark, finch"));
	ask(4, "load", "", "web", ""); /* an entity, and no model */
	CHECK(refused(4, "ENOENT"));
	put(5, (struct question){ .op = "say", .text = "hello", .as = "stranger" });
	CHECK(refused(5, "EACCES"));
	put(6, (struct question){ .op = "load", .model = "lark", .as = "friend" });
	CHECK(refused(6, "EACCES"));
	put(7, (struct question){ .op = "act", .symbols = "𐤌𐤟𐤖" });
	CHECK(hear("done") == 7 && is("verdict", "refused") && is("reason", "UNKNOWN_SYMBOL")); /* there is no table */
	put(8, (struct question){ .op = "set", .field = "nothing", .value = 1 });
	CHECK(refused(8, "ENOENT") && is("text", "there is no setting 'nothing'; there are: none"));
	put(10, (struct question){ .op = "say", .text = "hello", .as = "freind" });
	CHECK(refused(10, "ENOENT") && is("text", "`as` names nobody: there is no 'freind' in the plan; "
			"there are: operator, stranger, friend"));
	put(9, (struct question){ .op = "stop" });
	CHECK(hear("done") == 9 && is_stopped());
	over();
}

static void act(uint64_t id, const char *symbols, const char *as, const char *request) {
	put(id, (struct question){ .op = "act", .symbols = symbols, .as = as, .request = request });
}

static bool again(uint64_t id, const char *verdict, uint64_t seq) {
	bool repeat = false;
	return hear("done") == id && is("verdict", verdict) && heard_number("seq") == seq &&
	       mp_find_bool(message, message_bytes, "repeat", &repeat) == 0 && repeat;
}

/* What is asked for with the same request is decided once; with other words, or by somebody else, it is refused. */
static void symbols_that_come_again(void) {
	core_more = add_people;
	begin();
	act(1, "𐤌𐤟𐤖", NULL, "r1");
	CHECK(hear("done") == 1 && is("verdict", "refused"));
	uint64_t first = heard_number("seq");
	for (uint64_t id = 2; id < 4; id++) {
		act(id, "𐤌𐤟𐤖", NULL, "r1");
		CHECK(again(id, "refused", first) && is("reason", "UNKNOWN_SYMBOL"));
		CHECK(strstr(heard("detail"), "this machine has no symbol table"));
		core_dies();
		start();
	}
	act(4, "𐤌𐤟𐤗", NULL, "r1");
	CHECK(refused(4, "EEXIST"));
	act(5, "𐤌𐤟𐤖", "friend", "r1");
	CHECK(refused(5, "EEXIST"));
	put(6, (struct question){ .op = "tell", .key = "cat", .text = "Tom", .request = "r1" });
	CHECK(refused(6, "EEXIST"));
	model_comes(LARK);
	ask(7, "say", "hello", "lark", "r1");
	CHECK(refused(7, "EEXIST"));
	put(10, (struct question){ .op = "erase", .seq = first });
	CHECK(hear("done") == 10);
	act(11, "𐤌𐤟𐤖", NULL, "r1");
	CHECK(refused(11, "EEXIST") && strstr(heard("text"), "was erased: use another one"));
	act(8, "𐤌𐤟𐤖", NULL, "r2"); /* both before the disk has answered; whoever is answered first */
	act(9, "𐤌𐤟𐤖", NULL, "r2");
	uint64_t one = hear("done");
	first = heard_number("seq");
	CHECK(is("verdict", "refused") && one + hear("done") == 8 + 9);
	CHECK(is("verdict", "refused") && heard_number("seq") == first);
	over();
}

/* A stop is carried out each time, and written down once; a client's slip does not stand in its way. */
static void a_stop_that_comes_again(void) {
	begin();
	act(1, "𐤕", NULL, "r1");
	CHECK(hear("done") == 1 && is("verdict", "stopped") && heard_number("command") == 1 && is_stopped());
	uint64_t first = heard_number("seq");
	for (uint64_t id = 2; id < 4; id++) {
		act(id, "𐤕", NULL, "r1");
		CHECK(again(id, "stopped", first) && heard_number("command") == 1 && is_stopped());
		core_dies();
		start();
	}
	act(4, "𐤕𐤕", NULL, "r1");
	CHECK(hear("done") == 4 && is("verdict", "stopped") && heard_number("seq") > first && is_stopped());
	act(5, "𐤌𐤟𐤖", NULL, "r1");
	CHECK(refused(5, "EEXIST") && !is_stopped());
	over();
}

static void add_crowd(void) {
	char name[CDM_NAME_MAX];
	for (char letter = 'a'; letter < 'i'; letter++) {
		memset(name, letter, sizeof(name) - 1);
		name[sizeof(name) - 1] = 0;
		plan_builder_entity(&b, name, PLAN_PERSON);
	}
}

/* Of the names that may be meant so many are said as there is room for. */
static void more_names_than_fit(void) {
	core_more = add_crowd;
	begin();
	put(1, (struct question){ .op = "say", .text = "hello", .as = "nobody" });
	CHECK(refused(1, "ENOENT") && strstr(heard("text"), ": operator, aaa") && strstr(heard("text"), "ddd, ..."));
	CHECK(!strstr(heard("text"), "eee"));
	over();
}

/* Places for turns are counted, for loading as well; who comes too late hears that. */
static void too_many_turns(void) {
	begin();
	uint64_t id = 1;
	for (; id <= CORE_TURNS; id++)
		ask(id, id % 2 ? "say" : "load", "hello", "lark", "");
	ask(id, "say", "hello", "lark", "");
	ask(id + 1, "unload", "", "lark", "");
	ask(id + 2, "ping", "", "", "");
	CHECK(refused(id, "EBUSY") && refused(id + 1, "EBUSY") && hear("done") == id + 2);
	over();
}

/* Sessions are counted, too: the 33rd is hung up on, and there is room again when one ends. */
static void too_many_sessions(void) {
	int others[31];
	begin();
	for (size_t i = 0; i < COUNT_OF(others); i++)
		others[i] = channel(GATE, NULL, 0);
	int late = channel(GATE, NULL, 0);
	CHECK(hung_up(late));
	close(late);
	close(others[0]);
	for (bool in = false; !in; close(late)) { /* until core has seen that */
		int first = gate;
		gate = late = channel(GATE, NULL, 0);
		uint8_t ping[] = "\x82\xa2op\xa4ping\xa2id\x05";
		int rc = io_send(gate, ping, sizeof(ping) - 1, NULL, 0, 0);
		in = rc == 0 && control_receive(gate, message, sizeof(message), PATIENCE_MS * NS_PER_MS) > 0;
		gate = first;
	}
	ask(1, "ping", "", "", "");
	CHECK(hear("done") == 1);
	for (size_t i = 1; i < COUNT_OF(others); i++)
		close(others[i]);
	over();
}

/* ---- clients at the control door ---- */

enum { CLIENTS = 30 }; /* of 32 places one is the gateway's, and one is kept for it to come again */

static int door = -1;

static void empower_operator(void) {
	plan_builder_grant(&b, b.head.operator_entity, PLAN_MAY_CONTROL, PLAN_NONE);
}

static void open_door(void) {
	char path[RUN_DIR_PATH_MAX];
	core_more = empower_operator;
	begin();
	CHECK(run_dir_path(w.plan->machine, RUN_DIR_CONTROL, path) == 0);
	door = io_listen(path);
	CHECK(door >= 0 && seat_send_door(parent, SEAT_DOOR_CONTROL, door) == 0);
}

static int comes(void) {
	char path[RUN_DIR_PATH_MAX];
	CHECK(run_dir_path(w.plan->machine, RUN_DIR_CONTROL, path) == 0);
	int fd = io_connect(path);
	CHECK(fd >= 0);
	return fd;
}

/* From here on this one asks, and is told; who did before. */
static int speaks(int fd) {
	int before = gate;
	gate = fd;
	return before;
}

static void is_served(int fd) {
	int before = speaks(fd);
	ask(1, "ping", "", "", "");
	CHECK(hear("done") == 1);
	speaks(before);
}

/* So many, each served. */
static void crowd(int *fds, unsigned count) {
	for (unsigned i = 0; i < count; i++)
		is_served(fds[i] = comes());
}

static void all_go(const int *fds, unsigned count) {
	for (unsigned i = 0; i < count; i++)
		close(fds[i]);
	io_close(&door);
	over();
}

/* Whoever comes is served, however many are silent; who was so longest makes place, and the gateway keeps its own. */
static void silence_makes_place(void) {
	int fds[CLIENTS + 10];
	open_door();
	crowd(fds, CLIENTS);
	is_served(fds[0]); /* not silent */
	crowd(fds + CLIENTS, 10);
	for (unsigned i = 1; i <= 10; i++)
		CHECK(hung_up(fds[i]));
	is_served(fds[0]);
	for (unsigned i = 11; i < COUNT_OF(fds); i++)
		is_served(fds[i]);
	is_served(gate);
	int again = channel(GATE, NULL, 0); /* there is still room for the gateway */
	is_served(again);
	close(again);
	all_go(fds, COUNT_OF(fds));
}

/* Who has a turn open is not silent. */
static void who_waits_stays(void) {
	int fds[CLIENTS + 10];
	open_door();
	int asker = comes(), before = speaks(asker);
	ask(7, "load", "", "finch", "");
	asked_of_parent(SEAT_START, FINCH);
	speaks(before);
	crowd(fds, CLIENTS + 10);
	model_comes(FINCH);
	before = speaks(asker);
	CHECK(hear("done") == 7);
	speaks(before);
	close(asker);
	all_go(fds, COUNT_OF(fds));
}

/* Nor who has said what core, which was slow, did not read yet; and who is gone makes place before all. */
static void who_was_not_heard_stays(void) {
	int fds[CLIENTS];
	open_door();
	crowd(fds, CLIENTS);
	CHECK(kill(pid, SIGSTOP) == 0);
	int before = speaks(fds[0]);
	put(7, (struct question){ .op = "stop" });
	int late = comes();
	CHECK(kill(pid, SIGCONT) == 0);
	CHECK(hear("done") == 7 && is_stopped());
	speaks(before);
	is_served(late);
	CHECK(hung_up(fds[1]));
	CHECK(kill(pid, SIGSTOP) == 0);
	close(fds[9]);
	fds[9] = comes();
	CHECK(kill(pid, SIGCONT) == 0);
	is_served(fds[9]);
	is_served(fds[2]);
	close(late);
	all_go(fds, COUNT_OF(fds));
}

/* Its place is given to another; the answer that was for it is not. */
static void answers_are_for_who_asked(void) {
	begin();
	int first = gate;
	ask(1, "load", "", "finch", "");
	asked_of_parent(SEAT_START, FINCH);
	close(first);
	gate = channel(GATE, NULL, 0);
	ask(2, "ping", "", "", "");
	CHECK(hear("done") == 2);
	model_comes(FINCH);
	ask(3, "load", "", "finch", "");
	CHECK(hear("done") == 3); /* and not 1 */
	over();
}

/* Who asks much and reads nothing is hung up on; the next one is served. */
static void who_never_reads(void) {
	begin();
	int deaf = gate;
	bool gone = false;
	for (uint64_t id = 1; !gone; id++) {
		uint8_t room[64];
		struct mp_out o;
		mp_begin(&o, room, sizeof(room));
		mp_map(&o, 2);
		mp_kv_str(&o, "op", "state");
		mp_kv_uint(&o, "id", id);
		int rc = control_send(deaf, room, (size_t)mp_done(&o), PATIENCE_MS * NS_PER_MS);
		CHECK(rc == 0 || rc == -EPIPE);
		gone = rc == -EPIPE;
	}
	gate = channel(GATE, NULL, 0);
	ask(1, "ping", "", "", "");
	CHECK(hear("done") == 1);
	close(deaf);
	over();
}

static void the_machine_goes_down(void) {
	begin();
	ask(1, "down", "", "", "");
	CHECK(hear("done") == 1);
	asked_of_parent(SEAT_DOWN, 0);
	over();
}

int main(void) {
	static void (*const tests[])(void) = { what_is_no_message, what_cannot_be_asked,
		symbols_that_come_again, a_stop_that_comes_again, more_names_than_fit, too_many_turns,
		too_many_sessions, silence_makes_place, who_waits_stays, who_was_not_heard_stays,
		answers_are_for_who_asked, who_never_reads, the_machine_goes_down };
	return core_tests(tests, COUNT_OF(tests));
}
