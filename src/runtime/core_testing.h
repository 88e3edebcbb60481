/*
 * core_testing.h - a real core process; the test is its parent, its guard, its models and its gateway.
 *
 * One machine at a time: core_begin() ... core_over().  `core_more` may add to the plan before it is built.
 * All waiting is for events, and ends with a CHECK after PATIENCE_MS.  For tests only.
 */
#ifndef RUNTIME_CORE_TESTING_H
#define RUNTIME_CORE_TESTING_H

#include "runtime/core.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include "base/io.h"
#include "base/log.h"
#include "base/msgpack.h"
#include "client/control.h"
#include "client/run_dir.h"
#include "model/wire.h"
#include "test/lib/world.h"

enum { CORE, GUARD, LARK, FINCH, GATE };
enum { PATIENCE_MS = 20000 };

static char folder[64];
static struct plan_builder b;
static struct world w;
static pid_t pid;
static int parent = -1, models[2] = { -1, -1 }, gate = -1, stop_door = -1;
static void (*core_more)(void); /* what else stands in the plan */
static uint32_t core_dims;      /* of the vectors that a model says it makes */
static void (*core_born)(void); /* called by the core that is being born */
static uint8_t message[WIRE_MESSAGE_MAX];
static size_t message_bytes;

/* ---- the machine ---- */

static inline void model(uint16_t process, const char *name) {
	CHECK(plan_builder_process(&b, name, PLAN_WORKER, 0) == process);
	uint16_t e = plan_builder_entity(&b, name, PLAN_MODEL);
	b.entities[e].sort = PLAN_LINGUISTIC;
	b.entities[e].process = process;
	b.processes[process].entity = e;
	if (process == LARK)
		b.head.first_model = e;
	plan_builder_option(&b, e, "prompt", "compact");
}

static inline void describe(void) {
	plan_builder_begin(&b, "robot");
	model(LARK, "lark");
	model(FINCH, "finch");
	CHECK(plan_builder_process(&b, "gate", PLAN_GATEWAY, 0) == GATE);
	uint16_t e = plan_builder_entity(&b, "web", PLAN_COMMUNICATION);
	b.entities[e].process = GATE;
	b.processes[GATE].entity = e;
	plan_builder_grant(&b, e, PLAN_MAY_SAY | PLAN_MAY_CONTROL, PLAN_NONE);
	if (core_more)
		core_more();
}

static inline _Noreturn void become_core(int fd) {
	struct seat seat = { .fd = -1 };
	struct cdm_diag diag = { .count = 0 };
	char text[SEAT_ENV_TEXT_MAX];
	seat_env(CORE, fd, text);
	putenv(text);
	log_init("core");
	if (core_born)
		core_born();
	CHECK(seat_open_inherited(&seat, &diag) == 0);
	int code = core_main(&seat);
	seat_close(&seat);
	_exit(code);
}

static inline bool readable(int fd) {
	struct pollfd p = { .fd = fd, .events = POLLIN };
	return poll(&p, 1, PATIENCE_MS) == 1;
}

/* Core's next word to its parent, which must be this one. */
static inline void asked_of_parent(enum seat_kind kind, uint16_t process) {
	struct seat_message m;
	int fds[SEAT_FDS_MAX];
	unsigned n = 0;
	CHECK(readable(parent) && seat_receive(parent, &m, fds, &n) == 1);
	CHECK(m.kind == kind && (kind == SEAT_READY || m.process == process));
}

static inline void asks_nothing_of_parent(void) {
	struct seat_message m;
	int fds[SEAT_FDS_MAX];
	unsigned n = 0;
	CHECK(seat_receive(parent, &m, fds, &n) == 0);
}

/* A channel from core to process; our end.  What is in it is there before core has it. */
static inline int channel(uint16_t process, const void *first, size_t bytes) {
	int pair[2];
	CHECK(io_pair(pair) == 0);
	if (bytes)
		CHECK(io_send(pair[0], first, bytes, NULL, 0, 0) == 0);
	CHECK(seat_send_channel(parent, process, pair[1]) == 0);
	close(pair[1]);
	return pair[0];
}

static inline void start_core(void) {
	int pair[2], plan = seat_plan_file(w.plan);
	CHECK(plan >= 0 && io_pair(pair) == 0);
	segment_close_files(&w.files[CORE]);
	CHECK(segment_create(w.plan, CORE, &w.files[CORE]) == 0);
	uint32_t epoch = directory_starting(&w.directory, CORE, 0, clock_mono());
	fflush(stdout);
	CHECK((pid = fork()) >= 0);
	if (pid == 0) {
		close(pair[0]);
		become_core(pair[1]);
	}
	close(pair[1]);
	parent = pair[0];
	CHECK(seat_send_hello(parent, CORE, epoch, plan, w.directory_fd, &w.files[CORE]) == 0);
	close(plan);
}

static inline void comes_up(void) {
	asked_of_parent(SEAT_READY, CORE);
	directory_set(&w.directory, CORE, DIRECTORY_LIVE, clock_mono());
	gate = channel(GATE, NULL, 0);
}

static inline void start(void) {
	start_core();
	comes_up();
}

/* Core dies at once, and its clients with their channel. */
static inline void core_dies(void) {
	io_close(&gate);
	CHECK(kill(pid, SIGKILL) == 0 && waitpid(pid, NULL, 0) == pid);
	io_close(&parent);
	io_close(&models[0]);
	io_close(&models[1]);
}

static inline void begin(void) {
	char path[RUN_DIR_PATH_MAX];
	describe();
	world_open(&w, &b);
	world_stop(&w, CORE);
	CHECK(run_dir_make(w.plan->machine, path) == 0 && run_dir_path(w.plan->machine, RUN_DIR_STOP, path) == 0);
	stop_door = io_listen(path);
	CHECK(stop_door >= 0);
	start();
}

static inline void over(void) {
	int status;
	CHECK(seat_send_quit(parent) == 0);
	CHECK(waitpid(pid, &status, 0) == pid && WIFEXITED(status) && WEXITSTATUS(status) == 0);
	io_close(&parent);
	io_close(&gate);
	io_close(&models[0]);
	io_close(&models[1]);
	io_close(&stop_door);
	world_close(&w);
}

/* Has core knocked at the guard's stop door?  Takes one knock away. */
static inline bool is_stopped(void) {
	int fd = io_accept(stop_door);
	bool knocked = fd >= 0;
	io_close(&fd);
	return knocked;
}

/* Another process of the machine lives, and core knows where it writes. */
static inline void neighbour_comes(uint16_t process) {
	uint32_t epoch = directory_get(&w.directory, CORE).epoch;
	CHECK(peers_replace(&w.at[process], CORE, epoch, &w.files[CORE]) == 0);
	CHECK(seat_send_peer(parent, process, w.at[process].own.epoch, &w.files[process],
			segment_parts_for(w.plan, process, CORE)) == 0);
}

/* ---- a model ---- */

static inline size_t loaded(uint8_t out[WIRE_TEXT_MAX]) {
	struct wire_message m = { .kind = WIRE_LOADED, .backend = wire_text_of("test"),
			.architecture = wire_text_of("test"),
		.description = wire_text_of("test"), .quantization = wire_text_of(""), .engine = wire_text_of(""),
		.dims = core_dims };
	int n = wire_write(&m, out, WIRE_TEXT_MAX);
	CHECK(n > 0);
	return (size_t)n;
}

static inline void model_comes(uint16_t process) {
	uint8_t room[WIRE_TEXT_MAX];
	size_t n = loaded(room);
	int *at = &models[process - LARK], fd = channel(process, room, n);
	io_close(at);
	*at = fd;
}

/* The request that reaches the model; its id. */
static inline uint64_t generate(uint16_t process) {
	struct wire_message m;
	int fd = models[process - LARK];
	CHECK(readable(fd));
	ssize_t n = io_receive(fd, message, sizeof(message), NULL, NULL, 0);
	CHECK(n > 0 && wire_read(message, (size_t)n, &m) == 0 && m.kind == WIRE_GENERATE);
	return m.id;
}

static inline void model_sends(uint16_t process, const struct wire_message *m) {
	uint8_t room[WIRE_TEXT_MAX * 2];
	int n = wire_write(m, room, sizeof(room));
	CHECK(n > 0 && io_send(models[process - LARK], room, (size_t)n, NULL, 0, 0) == 0);
}

static inline void model_says(uint16_t process, uint64_t id, const char *text) {
	model_sends(process, &(struct wire_message){ .kind = WIRE_TOKEN, .id = id, .text = wire_text_of(text) });
	model_sends(process, &(struct wire_message){ .kind = WIRE_DONE, .id = id });
}

/* The parent says that it is gone for good, after its channel has hung up. */
static inline void model_ends(uint16_t process) {
	io_close(&models[process - LARK]);
	CHECK(seat_send_stopped(parent, process) == 0);
}

/* ---- the journal ---- */

static inline const char *journal_path(void) {
	static char path[96];
	snprintf(path, sizeof(path), "%s/robot.journal", folder);
	return path;
}

/* ---- a client ---- */

struct question {
	const char *op, *text, *model, *request, *as, *symbols, *field, *key, *what, *session;
	double value, confidence; /* confidence 0: it is not said */
	uint64_t seq, after, level, seen_ms, max_age_ms, max;
	double min_trust;
	uint64_t from; /* one record; 0: none */
	const char *const *keys; /* ending with NULL */
	bool blind;
};

static inline void put_question(struct mp_out *o, uint64_t id, const struct question *q) {
	const struct {
		const char *key, *value;
	} texts[] = { { "op", q->op }, { "text", q->text }, { "model", q->model }, { "request", q->request },
			{ "as", q->as },
		{ "symbols", q->symbols }, { "field", q->field }, { "key", q->key }, { "what", q->what },
		{ "session", q->session } };
	const struct {
		const char *key;
		uint64_t value;
	} numbers[] = { { "seq", q->seq }, { "after", q->after }, { "level", q->level }, { "seen_ms", q->seen_ms },
		{ "max_age_ms", q->max_age_ms }, { "max", q->max } };
	unsigned n = 4 + (q->confidence > 0) + (q->from > 0) + (q->keys != NULL);
	for (size_t i = 0; i < COUNT_OF(texts); i++)
		n += texts[i].value != NULL;
	for (size_t i = 0; i < COUNT_OF(numbers); i++)
		n += numbers[i].value > 0;
	mp_map(o, n);
	mp_kv_f64(o, "min_trust", q->min_trust);
	if (q->confidence > 0)
		mp_kv_f64(o, "confidence", q->confidence);
	if (q->from) {
		mp_str(o, "from");
		mp_array(o, 1);
		mp_uint(o, q->from);
	}
	unsigned keys = 0;
	while (q->keys && q->keys[keys])
		keys++;
	if (q->keys) {
		mp_str(o, "keys");
		mp_array(o, keys);
	}
	for (unsigned i = 0; i < keys; i++)
		mp_str(o, q->keys[i]);
	for (size_t i = 0; i < COUNT_OF(numbers); i++)
		if (numbers[i].value)
			mp_kv_uint(o, numbers[i].key, numbers[i].value);
	mp_kv_uint(o, "id", id);
	mp_kv_bool(o, "blind", q->blind);
	mp_kv_f64(o, "value", q->value);
	for (size_t i = 0; i < COUNT_OF(texts); i++)
		if (texts[i].value)
			mp_kv_str(o, texts[i].key, texts[i].value);
}

static inline void put(uint64_t id, struct question q) {
	static uint8_t room[16384];
	struct mp_out o;
	mp_begin(&o, room, sizeof(room));
	put_question(&o, id, &q);
	int n = mp_done(&o);
	CHECK(n > 0 && control_send(gate, room, (size_t)n, -1) == 0);
}

static inline void ask(uint64_t id, const char *op, const char *text, const char *name, const char *request) {
	put(id, (struct question){ .op = op, .text = text, .model = name, .request = request });
}

/* The next reply that is no token: its id, and whether its kind is `ev`. */
static inline uint64_t hear(const char *ev) {
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

/* A key of the last reply; "" when it is not there. */
static inline const char *heard(const char *key) {
	static char text[16384];
	return mp_find_str(message, message_bytes, key, text, sizeof(text)) == 0 ? text : "";
}

static inline uint64_t heard_number(const char *key) {
	uint64_t n;
	return mp_find_uint(message, message_bytes, key, &n) == 0 ? n : UINT64_MAX;
}

static inline bool is(const char *key, const char *want) {
	if (strcmp(heard(key), want) == 0)
		return true;
	fprintf(stderr, "%s is '%s', not '%s'\n", key, heard(key), want);
	return false;
}

static inline bool answer_is(const char *want) {
	return is("answer", want);
}

/* Each test in folders of its own. */
static inline int core_tests(void (*const tests[])(void), size_t count) {
	for (size_t i = 0; i < count; i++) {
		char command[96];
		snprintf(folder, sizeof(folder), "/tmp/cadmus-core-test.XXXXXX");
		CHECK(mkdtemp(folder) && setenv("CADMUS_STATE_DIR", folder, 1) == 0 &&
				setenv("CADMUS_RUN_DIR", folder, 1) == 0);
		core_more = core_born = NULL;
		core_dims = 0;
		tests[i]();
		snprintf(command, sizeof(command), "rm -rf %s", folder);
		CHECK(system(command) == 0);
	}
	return 0;
}

#endif
