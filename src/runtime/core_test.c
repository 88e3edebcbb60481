/*
 * core_test.c - a real core process; this test is its parent, its guard, its models and its gateway.
 *
 * What the parent of a real machine does only now and then is done here on purpose: a channel that is
 * replaced before its end was seen, a model that stays gone, requests that meet.
 */
#include "runtime/core.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include "base/io.h"
#include "base/log.h"
#include "base/msgpack.h"
#include "client/control.h"
#include "model/wire.h"
#include "test/lib/world.h"

enum { CORE, GUARD, LARK, FINCH, GATE };
enum { PATIENCE_MS = 20000 };

static char folder[64];
static struct plan_builder b;
static struct world w;
static pid_t pid;
static int parent = -1, models[2] = { -1, -1 }, gate = -1;
static uint8_t message[WIRE_MESSAGE_MAX];
static size_t message_bytes;

/* ---- the machine ---- */

static void model(uint16_t process, const char *name) {
	CHECK(plan_builder_process(&b, name, PLAN_WORKER, 0) == process);
	uint16_t e = plan_builder_entity(&b, name, PLAN_MODEL);
	b.entities[e].sort = PLAN_LINGUISTIC;
	b.entities[e].process = process;
	b.processes[process].entity = e;
	if (process == LARK)
		b.head.first_model = e;
	plan_builder_option(&b, e, "prompt", "compact");
}

static void describe(void) {
	plan_builder_begin(&b, "robot");
	model(LARK, "lark");
	model(FINCH, "finch");
	CHECK(plan_builder_process(&b, "gate", PLAN_GATEWAY, 0) == GATE);
	uint16_t e = plan_builder_entity(&b, "web", PLAN_COMMUNICATION);
	b.entities[e].process = GATE;
	b.processes[GATE].entity = e;
	plan_builder_grant(&b, e, PLAN_MAY_SAY | PLAN_MAY_CONTROL, PLAN_NONE);
}

static _Noreturn void become_core(int fd) {
	struct seat seat = { .fd = -1 };
	struct cdm_diag diag = { .count = 0 };
	char text[SEAT_ENV_TEXT_MAX];
	seat_env(CORE, fd, text);
	putenv(text);
	log_init("core");
	CHECK(seat_open_inherited(&seat, &diag) == 0);
	int code = core_main(&seat);
	seat_close(&seat);
	_exit(code);
}

static bool readable(int fd) {
	struct pollfd p = { .fd = fd, .events = POLLIN };
	return poll(&p, 1, PATIENCE_MS) == 1;
}

/* Core's next word to its parent, which must be this one. */
static void asked_of_parent(enum seat_kind kind, uint16_t process) {
	struct seat_message m;
	int fds[SEAT_FDS_MAX];
	unsigned n = 0;
	CHECK(readable(parent) && seat_receive(parent, &m, fds, &n) == 1);
	CHECK(m.kind == kind && (kind == SEAT_READY || m.process == process));
}

static void asks_nothing_of_parent(void) {
	struct seat_message m;
	int fds[SEAT_FDS_MAX];
	unsigned n = 0;
	CHECK(seat_receive(parent, &m, fds, &n) == 0);
}

/* A channel from core to process; our end.  What is in it is there before core has it. */
static int channel(uint16_t process, const void *first, size_t bytes) {
	int pair[2];
	CHECK(io_pair(pair) == 0);
	if (bytes)
		CHECK(io_send(pair[0], first, bytes, NULL, 0, 0) == 0);
	CHECK(seat_send_channel(parent, process, pair[1]) == 0);
	close(pair[1]);
	return pair[0];
}

static void start(void) {
	int pair[2], plan = seat_plan_file(w.plan);
	CHECK(plan >= 0 && io_pair(pair) == 0);
	io_close(&w.fd[CORE]);
	w.fd[CORE] = segment_create(w.plan, CORE);
	uint32_t epoch = directory_starting(&w.directory, CORE, 0, clock_mono());
	fflush(stdout);
	CHECK((pid = fork()) >= 0);
	if (pid == 0) {
		close(pair[0]);
		become_core(pair[1]);
	}
	close(pair[1]);
	parent = pair[0];
	CHECK(seat_send_hello(parent, CORE, epoch, plan, w.fd[CORE], w.directory_fd) == 0);
	close(plan);
	asked_of_parent(SEAT_READY, CORE);
	directory_set(&w.directory, CORE, DIRECTORY_LIVE, clock_mono());
	gate = channel(GATE, NULL, 0);
}

static void begin(void) {
	describe();
	world_open(&w, &b);
	world_stop(&w, CORE);
	start();
}

static void over(void) {
	int status;
	CHECK(seat_send_quit(parent) == 0);
	CHECK(waitpid(pid, &status, 0) == pid && WIFEXITED(status) && WEXITSTATUS(status) == 0);
	io_close(&parent);
	io_close(&gate);
	io_close(&models[0]);
	io_close(&models[1]);
	world_close(&w);
}

/* ---- a model ---- */

static size_t loaded(uint8_t out[WIRE_TEXT_MAX]) {
	struct wire_message m = { .kind = WIRE_LOADED, .backend = wire_text_of("test"), .architecture = wire_text_of("test"),
		.description = wire_text_of("test"), .quantization = wire_text_of(""), .engine = wire_text_of("") };
	int n = wire_write(&m, out, WIRE_TEXT_MAX);
	CHECK(n > 0);
	return (size_t)n;
}

static void model_comes(uint16_t process) {
	uint8_t room[WIRE_TEXT_MAX];
	size_t n = loaded(room);
	int *at = &models[process - LARK], fd = channel(process, room, n);
	io_close(at);
	*at = fd;
}

/* The request that reaches the model; its id. */
static uint64_t generate(uint16_t process) {
	struct wire_message m;
	int fd = models[process - LARK];
	CHECK(readable(fd));
	ssize_t n = io_receive(fd, message, sizeof(message), NULL, NULL, 0);
	CHECK(n > 0 && wire_read(message, (size_t)n, &m) == 0 && m.kind == WIRE_GENERATE);
	return m.id;
}

static void model_sends(uint16_t process, const struct wire_message *m) {
	uint8_t room[WIRE_TEXT_MAX * 2];
	int n = wire_write(m, room, sizeof(room));
	CHECK(n > 0 && io_send(models[process - LARK], room, (size_t)n, NULL, 0, 0) == 0);
}

static void model_says(uint16_t process, uint64_t id, const char *text) {
	model_sends(process, &(struct wire_message){ .kind = WIRE_TOKEN, .id = id, .text = wire_text_of(text) });
	model_sends(process, &(struct wire_message){ .kind = WIRE_DONE, .id = id });
}

/* The parent says that it is gone for good, after its channel has hung up. */
static void model_ends(uint16_t process) {
	io_close(&models[process - LARK]);
	CHECK(seat_send_stopped(parent, process) == 0);
}

/* ---- a client ---- */

static void ask(uint64_t id, const char *op, const char *text, const char *name, const char *request) {
	uint8_t room[1024];
	struct mp_out o;
	mp_begin(&o, room, sizeof(room));
	mp_map(&o, 5);
	mp_kv_str(&o, "op", op);
	mp_kv_uint(&o, "id", id);
	mp_kv_str(&o, "text", text);
	mp_kv_str(&o, "model", name);
	mp_kv_str(&o, "request", request);
	int n = mp_done(&o);
	CHECK(n > 0 && control_send(gate, room, (size_t)n, -1) == 0);
}

/* The next reply that is no token: its id, and whether its kind is `ev`. */
static uint64_t hear(const char *ev) {
	char kind[16];
	uint64_t id;
	do {
		ssize_t n = control_receive(gate, message, sizeof(message), PATIENCE_MS * NS_PER_MS);
		CHECK(n > 0);
		message_bytes = (size_t)n;
		CHECK(mp_find_str(message, message_bytes, "ev", kind, sizeof(kind)) == 0);
		CHECK(mp_find_uint(message, message_bytes, "id", &id) == 0);
	} while (strcmp(kind, "token") == 0);
	if (strcmp(kind, ev) != 0)
		fprintf(stderr, "reply %llu is '%s', not '%s'\n", (unsigned long long)id, kind, ev);
	CHECK(strcmp(kind, ev) == 0);
	return id;
}

static bool answer_is(const char *want) {
	char text[256];
	return mp_find_str(message, message_bytes, "answer", text, sizeof(text)) == 0 && strcmp(text, want) == 0;
}

/* ---- tests ---- */

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
	io_close(&gate);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	io_close(&parent);
	start();
	ask(3, "say", "hello", "lark", "same");
	CHECK(hear("done") == 3 && answer_is("once"));
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
		model_sends(LARK, &(struct wire_message){ .kind = WIRE_TOKEN, .id = id, .text = wire_text_of("seven--") });
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
		no_exchange_under_an_answer, ended_between_two_lives, a_request_twice, a_slow_reader };
	for (size_t i = 0; i < COUNT_OF(tests); i++) {
		char command[96];
		snprintf(folder, sizeof(folder), "/tmp/cadmus-core-test.XXXXXX");
		CHECK(mkdtemp(folder) && setenv("CADMUS_STATE_DIR", folder, 1) == 0 && setenv("CADMUS_RUN_DIR", folder, 1) == 0);
		tests[i]();
		snprintf(command, sizeof(command), "rm -rf %s", folder);
		CHECK(system(command) == 0);
	}
	return 0;
}
