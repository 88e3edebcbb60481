/*
 * worker_test.c - real worker processes: this test is their parent, their core, and their camera.
 *
 * usage: worker_test MODULE...   the backends that were built; what needs an engine runs if there is one
 */
#include "model/worker.h"

#include <dirent.h>
#include <errno.h>
#include <math.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include "base/io.h"
#include "base/log.h"
#include "model/model_client.h"
#include "test/lib/tiny_gguf.h"
#include "test/lib/world.h"

enum { CORE, GUARD, CAM, WORKER };
enum { PATIENCE_MS = 20000, SIDE = 64 };

static char folder[64];
static struct world w;
static uint16_t entity, frame, result;
static struct field_writer camera;
static struct field reader;
static struct model_client client;
static uint8_t buffer[WIRE_MESSAGE_MAX];
static pid_t pid;
static int parent_end = -1, channel = -1;
static char said[65536];

/* ---- a machine with one worker ---- */

static struct plan_builder builder;

/* A camera, and a model that runs on `backend` from a file with options; frames lent to `leases` readers. */
static void describe(const char *backend, const char *file, uint32_t leases) {
	plan_builder_begin(&builder, "robot");
	CHECK(plan_builder_process(&builder, "camera", PLAN_HOST, 4) == CAM);
	CHECK(plan_builder_process(&builder, "worker", PLAN_WORKER, 2) == WORKER);
	entity = plan_builder_entity(&builder, "model", PLAN_MODEL);
	builder.entities[entity].process = WORKER;
	builder.entities[entity].trust[1] = 0.6;
	builder.processes[WORKER].entity = entity;
	frame = plan_builder_field(&builder, "camera.frame", CDM_U8, SIDE * SIDE * 3, leases ? 5 : 4, leases, CAM,
			1u << WORKER | 1u << CORE);
	builder.fields[frame].dims = 3;
	builder.fields[frame].shape[0] = builder.fields[frame].shape[1] = SIDE;
	builder.fields[frame].shape[2] = 3;
	plan_builder_option(&builder, entity, "backend", backend);
	if (file)
		plan_builder_option(&builder, entity, "file", file);
}

static void option(const char *key, const char *value) {
	plan_builder_option(&builder, entity, key, value);
}

/* The model writes a field of `dtype` and `count` elements. */
static uint16_t writes(enum cdm_dtype dtype, uint32_t count) {
	option("reads", "camera.frame,other");
	return result = plan_builder_field(
			       &builder, "model.result", dtype, count, 4, 0, WORKER, 1u << CORE);
}

static _Noreturn void become_worker(int fd) {
	struct seat seat = { .fd = -1 };
	struct cdm_diag diag = { .count = 0 };
	char text[SEAT_ENV_TEXT_MAX];
	seat_env(WORKER, fd, text);
	putenv(text);
	log_init("worker");
	CHECK(seat_open_inherited(&seat, &diag) == 0);
	int code = worker_main(&seat);
	seat_close(&seat);
	fflush(stderr);
	_exit(code);
}

static void start(void) {
	int pair[2], plan = seat_plan_file(w.plan);
	CHECK(plan >= 0 && io_pair(pair) == 0);
	fflush(stdout);
	segment_close_files(&w.files[WORKER]);
	CHECK(segment_create(w.plan, WORKER, &w.files[WORKER]) == 0);
	uint32_t epoch = directory_starting(&w.directory, WORKER, 0, clock_mono());
	pid = fork();
	CHECK(pid >= 0);
	if (pid == 0) {
		close(pair[0]);
		become_worker(pair[1]);
	}
	close(pair[1]);
	parent_end = pair[0];
	CHECK(seat_send_hello(parent_end, WORKER, epoch, plan, w.directory_fd, &w.files[WORKER]) == 0);
	for (uint16_t p = CORE; p <= CAM; p++) {
		int rc = seat_send_peer(parent_end, p, w.at[p].own.epoch, &w.files[p],
				segment_parts_for(w.plan, p, WORKER));
		CHECK(rc == 0 || rc == -EPIPE); /* it may be dead already */
	}
	close(plan);
}

static int wait_for(int fd) {
	struct pollfd p = { .fd = fd, .events = POLLIN };
	return poll(&p, 1, PATIENCE_MS) == 1;
}

static struct seat_message hear_seat(void) {
	struct seat_message m;
	int fds[SEAT_FDS_MAX];
	unsigned n = 0;
	CHECK(wait_for(parent_end));
	CHECK(seat_receive(parent_end, &m, fds, &n) == 1 && n == 0);
	return m;
}

/* Hand the worker a fresh channel to core, and keep the other end.  It may be dead already. */
static void connect_core(void) {
	int pair[2];
	CHECK(io_pair(pair) == 0);
	int rc = seat_send_channel(parent_end, CORE, pair[1]);
	CHECK(rc == 0 || rc == -EPIPE);
	close(pair[1]);
	io_close(&channel);
	channel = pair[0];
	model_client_open(&client, channel);
}

static void begin(void) {
	world_open(&w, &builder);
	world_stop(&w, WORKER);
	CHECK(field_writer_open(&camera, &w.at[CAM], frame) == 0);
	start();
	CHECK(hear_seat().kind == SEAT_READY);
	uint32_t epoch = directory_get(&w.directory, WORKER).epoch;
	directory_set(&w.directory, WORKER, DIRECTORY_LIVE, clock_mono());
	CHECK(peers_replace(&w.at[CORE], WORKER, epoch, &w.files[WORKER]) == 0);
	CHECK(peers_replace(&w.at[CAM], WORKER, epoch, &w.files[WORKER]) == 0);
	connect_core();
}

/* Wait for the worker's end; what waitpid() says of it. */
static int end(void) {
	int status, handle = io_pidfd(pid);
	CHECK(handle >= 0 && wait_for(handle) && waitpid(pid, &status, 0) == pid);
	close(handle);
	io_close(&parent_end);
	io_close(&channel);
	for (uint16_t p = 0; p <= CAM; p++)
		world_stop(&w, p);
	for (uint16_t p = 0; p <= WORKER; p++)
		segment_close_files(&w.files[p]);
	directory_unmap(&w.directory);
	io_close(&w.directory_fd);
	free(w.plan);
	return status;
}

static void quit(void) {
	CHECK(seat_send_quit(parent_end) == 0);
	int status = end();
	CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

/* ThreadSanitizer has a thread of its own in a process that was forked, and another once it starts one. */
#ifdef __has_feature
#if __has_feature(thread_sanitizer)
#define FOREIGN_THREADS 2u
#endif
#elif defined(__SANITIZE_THREAD__)
#define FOREIGN_THREADS 2u
#endif
#ifndef FOREIGN_THREADS
#define FOREIGN_THREADS 0u
#endif

static unsigned threads_of(pid_t process) {
	char path[64];
	unsigned count = 0;
	snprintf(path, sizeof(path), "/proc/%d/task", process);
	DIR *d = opendir(path);
	CHECK(d != NULL);
	for (struct dirent *e; (e = readdir(d)) != NULL;)
		count += e->d_name[0] != '.';
	closedir(d);
	return count;
}

/* ---- core ---- */

/* The next event, or its -EPIPE. */
static int hear(struct model_event *e) {
	int rc;
	while ((rc = model_client_next(&client, buffer, sizeof(buffer), e)) == 0)
		CHECK(wait_for(channel));
	return rc;
}

static struct model_event hear_kind(enum model_event_kind kind) {
	struct model_event e;
	CHECK(hear(&e) == 1);
	if (e.kind != kind)
		fprintf(stderr, "heard kind %d: %.*s\n", e.kind, (int)e.text.bytes, e.text.at);
	CHECK(e.kind == kind);
	return e;
}

static uint64_t ask(const char *prompt, uint32_t max) {
	struct model_request rq = {
		.prompt = prompt, .prompt_bytes = strlen(prompt), .max_tokens = max
	};
	uint64_t id;
	CHECK(model_client_generate(&client, &rq, &id) == 0);
	said[0] = 0;
	return id;
}

/* Gather tokens of request `id` in `said` until its end, or until `pieces` have come. */
static struct model_event gather(uint64_t id, unsigned pieces) {
	for (;;) {
		struct model_event e;
		CHECK(hear(&e) == 1);
		if (e.kind != MODEL_TOKEN)
			return e;
		CHECK(e.id == id && strlen(said) + e.text.bytes < sizeof(said));
		strncat(said, e.text.at, e.text.bytes);
		if (pieces && --pieces == 0)
			return e;
	}
}

/* ---- a model that talks ---- */

static void answers(void) {
	describe("echo", "/dev/null", 0);
	option("context", "100");
	begin();
	struct model_event e = hear_kind(MODEL_LOADED);
	CHECK(e.id == 0 && strcmp(e.backend, "echo") == 0 && e.facts.context == 100 &&
			e.facts.threads == 1);
	uint64_t id = ask("what is my name", 50);
	e = gather(id, 0);
	CHECK(e.kind == MODEL_DONE && e.id == id && strcmp(said, "what is my name") == 0);
	CHECK(e.result.finish == CDM_FINISH_END && e.result.tokens_in == 4 &&
			e.result.tokens_out == 4);
	CHECK(e.kind == MODEL_DONE && model_client_embed(&client, "a text", 6, &id) == 0);
	e = hear_kind(MODEL_ERROR); /* it makes no vectors */
	CHECK(e.id == id && e.code == -ENOTSUP);
	id = ask("one two three", 2);
	e = gather(id, 0);
	CHECK(e.kind == MODEL_DONE && e.result.finish == CDM_FINISH_LENGTH &&
			strcmp(said, "one two") == 0);
	CHECK(model_client_ping(&client, &id) == 0 && hear_kind(MODEL_PONG).id == id);
	CHECK(model_client_describe(&client, &id) == 0);
	CHECK(hear_kind(MODEL_LOADED).id == id && threads_of(pid) <= 1 + FOREIGN_THREADS);
	char longest[300];
	for (size_t i = 0; i < sizeof(longest); i++)
		longest[i] = i % 2 ? 'x' : ' ';
	longest[sizeof(longest) - 1] = 0;
	id = ask(longest, 5);
	e = gather(id, 0);
	CHECK(e.kind == MODEL_ERROR && e.id == id && e.code == -E2BIG && e.text.bytes > 10);
	quit();
}

static void is_busy_with_one_request(void) {
	uint64_t first, id;
	describe("echo", "/dev/null", 0);
	option("repeat", "1000000000");
	option("context", "1000000");
	begin();
	hear_kind(MODEL_LOADED);
	first = ask("again and", UINT32_MAX);
	gather(first, 5);
	struct model_request rq = { .prompt = "x", .prompt_bytes = 1, .max_tokens = 1 };
	CHECK(model_client_generate(&client, &rq, &id) == 0);
	struct model_event e = gather(first, 0);
	CHECK(e.kind == MODEL_ERROR && e.id == id && e.code == -EBUSY);
	CHECK(model_client_ping(&client, &id) == 0);
	e = gather(first, 0);
	CHECK(e.kind == MODEL_PONG && e.id == id);
	CHECK(model_client_cancel(&client, first + 77) == 0); /* another's: ignored */
	gather(first, 5);
	CHECK(model_client_cancel(&client, first) == 0);
	e = gather(first, 0);
	CHECK(e.kind == MODEL_DONE && e.id == first && e.result.finish == CDM_FINISH_CANCELLED);
	CHECK(model_client_cancel(&client, first) == 0); /* too late: ignored */
	id = ask("and now", 2);
	e = gather(id, 0);
	CHECK(e.kind == MODEL_DONE && e.result.finish == CDM_FINISH_LENGTH &&
			strcmp(said, "and now") == 0);
	quit();
}

/* Core dies in the midst of an answer, and another one comes: the model stays loaded. */
static void outlives_core(void) {
	struct model_event e;
	describe("echo", "/dev/null", 0);
	option("repeat", "1000000000");
	option("context", "1000000");
	begin();
	hear_kind(MODEL_LOADED);
	for (int round = 0; round < 3; round++) {
		gather(ask("on and on", UINT32_MAX), 3);
		if (round != 1)
			io_close(&channel); /* it hangs up before the new one is there; or not */
		connect_core();
		e = hear_kind(MODEL_LOADED);
		CHECK(e.id == 0);
		e = gather(ask("fine", 1), 0);
		CHECK(e.kind == MODEL_DONE && e.result.tokens_out == 1);
	}
	gather(ask("on and on", UINT32_MAX), 3);
	quit(); /* also in the midst of an answer */
}

/* A new core has asked before the worker looks: the answer to the old one is not in its way. */
static void hears_a_hasty_core(void) {
	describe("echo", "/dev/null", 0);
	option("repeat", "1000000000");
	option("context", "1000000");
	begin();
	hear_kind(MODEL_LOADED);
	for (int round = 0; round < 20; round++) {
		int pair[2], old = channel;
		gather(ask("on and on", UINT32_MAX), 3);
		CHECK(io_pair(pair) == 0);
		channel = pair[0];
		model_client_open(&client, channel);
		uint64_t id = ask("fine", 1);
		CHECK(seat_send_channel(parent_end, CORE, pair[1]) == 0);
		close(pair[1]);
		CHECK(hear_kind(MODEL_LOADED).id == 0);
		struct model_event e = gather(id, 0);
		CHECK(e.kind == MODEL_DONE && e.id == id && e.result.tokens_out == 1);
		close(old);
	}
	quit();
}

static void lets_go_of_a_mad_core(void) {
	struct model_event e;
	uint64_t id;
	describe("echo", "/dev/null", 0);
	begin();
	hear_kind(MODEL_LOADED);
	CHECK(io_send(channel, "nonsense", 8, NULL, 0, 0) == 0 && hear(&e) == -EPIPE);
	connect_core();
	hear_kind(MODEL_LOADED);
	struct wire_message pong = { .kind = WIRE_PONG, .id = 1 };
	int n = wire_write(&pong, buffer, sizeof(buffer));
	CHECK(io_send(channel, buffer, (size_t)n, NULL, 0, 0) == 0 && hear(&e) == -EPIPE);
	connect_core();
	hear_kind(MODEL_LOADED);
	CHECK(model_client_ping(&client, &id) == 0 && hear_kind(MODEL_PONG).id == id);
	io_close(&parent_end); /* the parent dies: so does the worker */
	int status = end();
	CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

/* ---- models that cannot be loaded, or fall over ---- */

static void fails(const char *backend, const char *file, const char *key, const char *value,
		const char *why) {
	char text[WIRE_TEXT_MAX];
	describe(backend, file, 0);
	if (key)
		option(key, value);
	begin();
	struct model_event e = hear_kind(MODEL_FAILED);
	wire_text_copy(e.text, text, sizeof(text));
	if (!strstr(text, why))
		fprintf(stderr, "said: %s\n", text);
	CHECK(strstr(text, why) != NULL);
	CHECK(hear_seat().kind == SEAT_FAILED && hear(&e) == -EPIPE);
	int status = end();
	CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 1);
}

static void says_why_it_cannot(void) {
	fails("nonesuch", "/dev/null", NULL, NULL, "no backend nonesuch");
	fails("../echo", "/dev/null", NULL, NULL, "no backend");
	fails("echo", "/nowhere/model", NULL, NULL, "/nowhere/model");
	fails("echo", NULL, NULL, NULL, "names no file");
	fails("echo", "/dev/null", "context", "many", "context must be a number");
	fails("echo", "/dev/null", "context", "0", "context must be a number");
	fails("wrong", "/dev/null", NULL, NULL, "cannot be loaded");
}

static void is_missed_when_it_crashes(void) {
	struct model_event e;
	describe("echo", "/dev/null", 0);
	option("crash", "load");
	begin();
	CHECK(hear(&e) == -EPIPE);
	int status = end();
	CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
	describe("echo", "/dev/null", 0);
	option("crash", "use");
	begin();
	hear_kind(MODEL_LOADED);
	ask("hello", 5);
	CHECK(hear(&e) == -EPIPE);
	status = end();
	CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
}

/* ---- a model between fields ---- */

static unsigned char picture[SIDE * SIDE * 3], got[SIDE * SIDE * 3];

static struct cdm_mono shoot(unsigned char value, float trust, enum cdm_status status) {
	struct field_meta m = field_meta_of(0);
	memset(picture, value, sizeof(picture));
	m.trust = trust;
	m.status = (uint16_t)status;
	m.source_time = (struct cdm_mono){ clock_mono().ns - 5000000 };
	CHECK(field_write(&camera, picture, sizeof(picture), &m, clock_mono()) == 0);
	return m.source_time;
}

/* The model's next sample must be of the picture `value`. */
static struct cdm_info see(unsigned char value) {
	struct cdm_info info;
	int rc;
	do {
		while ((rc = wait_field(&reader, PATIENCE_MS * NS_PER_MS)) == -ECANCELED)
			;
		CHECK(rc == 0 && field_read(&reader, got, sizeof(got), clock_mono(), &info) == 0);
	} while (got[0] != value);
	CHECK(memcmp(got, picture, sizeof(got)) == 0 && info.source == entity);
	return info;
}

static void perceives(uint32_t leases) {
	struct model_event e;
	describe("echo", "/dev/null", leases);
	writes(CDM_U8, sizeof(picture));
	begin();
	hear_kind(MODEL_LOADED);
	CHECK(field_open(&reader, &w.at[CORE], result) == 0);
	struct cdm_mono taken = shoot(1, 0.9f, CDM_OK);
	struct cdm_info info = see(1);
	CHECK(info.source_time.ns == taken.ns && info.status == CDM_OK);
	CHECK(fabsf(info.trust - 0.6f) < 1e-6f); /* not more than the model's own */
	shoot(2, 0.25f, CDM_DEGRADED);
	info = see(2);
	CHECK(fabsf(info.trust - 0.25f) < 1e-6f && info.status == CDM_DEGRADED); /* nor than its source's */
	for (int i = 3; i < 200; i++) {
		shoot((unsigned char)i, 1, CDM_OK);
		if (i % 20 == 0)
			see((unsigned char)i);
	}
	see(199);
	uint64_t id;
	CHECK(model_client_describe(&client, &id) == 0);
	e = hear_kind(MODEL_LOADED);
	CHECK(e.id == id && e.samples > 10 && threads_of(pid) <= 1 + FOREIGN_THREADS);
	id = ask("talk to me", 5);
	e = gather(id, 0); /* echo can do both */
	CHECK(e.kind == MODEL_DONE && strcmp(said, "talk to me") == 0);
	quit();
}

/* The camera dies and comes back with a new segment: the worker goes on with the new one. */
static void follows_its_source(void) {
	describe("echo", "/dev/null", 2);
	writes(CDM_U8, sizeof(picture));
	begin();
	hear_kind(MODEL_LOADED);
	CHECK(field_open(&reader, &w.at[CORE], result) == 0);
	shoot(1, 1, CDM_OK);
	see(1);
	directory_set(&w.directory, CAM, DIRECTORY_DEAD, clock_mono());
	world_stop(&w, CAM);
	io_close(&channel); /* and core is away as well */
	world_start(&w, CAM, false);
	CHECK(peers_replace(&w.at[CAM], WORKER, directory_get(&w.directory, WORKER).epoch,
			      &w.files[WORKER]) == 0);
	CHECK(field_writer_open(&camera, &w.at[CAM], frame) == 0);
	CHECK(seat_send_peer(parent_end, CAM, w.at[CAM].own.epoch, &w.files[CAM],
			segment_parts_for(w.plan, CAM, WORKER)) == 0);
	shoot(2, 1, CDM_OK);
	CHECK(see(2).status == CDM_OK);
	quit();
}

static void keeps_its_pace(void) {
	describe("echo", "/dev/null", 2);
	writes(CDM_U8, sizeof(picture));
	option("rate_hz", "20");
	begin();
	hear_kind(MODEL_LOADED);
	CHECK(field_open(&reader, &w.at[CORE], result) == 0);
	struct cdm_mono start = clock_mono();
	uint64_t last = 0, shots = 0;
	for (unsigned samples = 0; samples < 5; shots++) {
		struct cdm_info info;
		shoot((unsigned char)shots, 1, CDM_OK);
		int rc = wait_field(&reader, NS_PER_MS);
		CHECK(rc == 0 || rc == -ETIMEDOUT || rc == -ECANCELED);
		if (field_read(&reader, got, sizeof(got), clock_mono(), &info) == 0 &&
				info.version != last) {
			samples += (unsigned)(info.version - last);
			last = info.version;
		}
	}
	CHECK(mono_since(start, clock_mono()) >= 4 * 50 * NS_PER_MS && shots > 5); /* never faster */
	quit();
}

static void refuses_fields_that_do_not_fit(void) {
	struct model_event e;
	char text[WIRE_TEXT_MAX];
	describe("echo", "/dev/null", 2);
	writes(CDM_U8, 7);
	begin();
	e = hear_kind(MODEL_FAILED);
	wire_text_copy(e.text, text, sizeof(text));
	CHECK(strstr(text, "must be alike"));
	CHECK(WEXITSTATUS(end()) == 1);
	describe("echo", "/dev/null", 2);
	writes(CDM_U8, sizeof(picture));
	option("source", "nonesuch");
	begin();
	e = hear_kind(MODEL_FAILED);
	wire_text_copy(e.text, text, sizeof(text));
	CHECK(strstr(text, "reads no field") && WEXITSTATUS(end()) == 1);
	describe("echo", "/dev/null", 2);
	writes(CDM_U8, sizeof(picture));
	option("rate_hz", "often");
	begin();
	e = hear_kind(MODEL_FAILED);
	wire_text_copy(e.text, text, sizeof(text));
	CHECK(strstr(text, "rate_hz") && WEXITSTATUS(end()) == 1);
}

/* ---- real engines ---- */

static void report(const char *what, const struct model_event *loaded,
		const struct model_event *done) {
	printf("  %s: loaded in %.1f ms; %u tokens read in %.2f ms, %u written in %.2f ms\n", what,
			ns_to_ms(loaded->load_ns), done->result.tokens_in,
			ns_to_ms(done->result.prompt_ns), done->result.tokens_out,
			ns_to_ms(done->result.eval_ns));
}

static uint64_t wants_vector(const char *text) {
	uint64_t id;
	CHECK(model_client_embed(&client, text, strlen(text), &id) == 0);
	return id;
}

/* What is asked behind a cancel is answered at once; the first vector takes more than a look at the channel. */
static void makes_vectors_by_llama(void) {
	static float first[TINY_GGUF_DIMS];
	struct model_event e;
	uint64_t vector = wants_vector("the key is behind the door"), id;
	CHECK(model_client_cancel(&client, vector) == 0);
	id = ask("[door = locked]\n> go on", 5);
	e = gather(id, 0);
	CHECK(e.id == vector && (e.kind == MODEL_EMBEDDING || (e.kind == MODEL_ERROR && e.code == -ECANCELED)));
	CHECK(gather(id, 0).kind == MODEL_DONE);
	for (unsigned round = 0; round < 2; round++) {
		vector = wants_vector("the key is behind the door");
		e = hear_kind(MODEL_EMBEDDING);
		CHECK(e.id == vector && e.vector.count == TINY_GGUF_DIMS);
		for (uint32_t i = 0; i < TINY_GGUF_DIMS; i++) {
			float v = wire_float(&e.vector, i);
			CHECK(round == 0 || memcmp(&first[i], &v, sizeof(v)) == 0);
			first[i] = v;
		}
	}
	id = ask("[door = locked]\n> go on", 500);
	gather(id, 2);
	vector = wants_vector("the key is behind the door");
	e = gather(id, 0);
	CHECK(e.kind == MODEL_ERROR && e.id == vector && e.code == -EBUSY);
	CHECK(model_client_cancel(&client, id) == 0 && gather(id, 0).kind == MODEL_DONE);
}

static void talks_by_llama(void) {
	size_t bytes;
	char path[160];
	struct model_event e, loaded;
	void *file = tiny_gguf_make(1, &bytes);
	snprintf(path, sizeof(path), "%s/tiny.gguf", folder);
	FILE *f = fopen(path, "wb");
	CHECK(f && fwrite(file, 1, bytes, f) == bytes && fclose(f) == 0);
	free(file);
	for (uint8_t threads = 1; threads <= 2; threads++) {
		describe("llama", path, 0);
		builder.processes[WORKER].threads = threads;
		begin();
		loaded = hear_kind(MODEL_LOADED);
		CHECK(loaded.facts.vocabulary == TINY_GGUF_TOKENS &&
				loaded.facts.threads == threads && loaded.facts.dims == TINY_GGUF_DIMS);
		for (int round = 0; round < 2; round++) {
			uint64_t id = ask("[door = locked]\n> is the door locked?\n< ", 30);
			gather(id, 3);
			CHECK(threads_of(pid) <= threads + FOREIGN_THREADS); /* while it computes */
			e = gather(id, 0);
			CHECK(e.kind == MODEL_DONE && e.id == id && e.result.tokens_out > 0);
			CHECK((e.result.tokens_cached > 0) == (round > 0));
		}
		makes_vectors_by_llama();
		report(threads == 1 ? "llama, one thread" : "llama, two threads", &loaded, &e);
		if (threads == 1)
			quit();
	}
	uint64_t id = ask("[door = locked]\n> go on", 50);
	gather(id, 2);
	connect_core(); /* core dies: the model stays */
	CHECK(hear_kind(MODEL_LOADED).load_ns == loaded.load_ns);
	quit();
	CHECK(unlink(path) == 0);
	fails("llama", "/dev/null", NULL, NULL, "too short");
}

static void sees_by_onnx(const char *models) {
	char path[512];
	static float rows[8][6];
	struct cdm_info info;
	snprintf(path, sizeof(path), "%.400s/face_detection_front_128x128_barracuda.onnx", models);
	if (access(path, R_OK) != 0) {
		printf("  no %s: faces were not looked for\n", path);
		return;
	}
	describe("onnx", path, 2);
	option("adapter", "blazeface");
	writes(CDM_F32, 8 * 6);
	builder.fields[result].dims = 2;
	builder.fields[result].shape[0] = 8;
	builder.fields[result].shape[1] = 6;
	builder.processes[WORKER].threads = 2;
	begin();
	struct model_event e = hear_kind(MODEL_LOADED);
	CHECK(field_open(&reader, &w.at[CORE], result) == 0);
	struct cdm_mono taken = shoot(77, 1, CDM_OK), start = clock_mono();
	CHECK(wait_field(&reader, PATIENCE_MS * NS_PER_MS) == 0);
	double ms = ns_to_ms(mono_since(start, clock_mono()));
	CHECK(field_read(&reader, rows, sizeof(rows), clock_mono(), &info) == 0 &&
			info.source_time.ns == taken.ns);
	CHECK(rows[0][4] >= 0 && rows[0][4] < 0.55f); /* a grey wall has no face */
	CHECK(threads_of(pid) <= 2 + FOREIGN_THREADS);
	printf("  onnx: loaded in %.1f ms; from picture to faces %.2f ms\n", ns_to_ms(e.load_ns),
			ms);
	quit();
}

/* ---- modules ---- */

/* All modules in one folder, where the workers look for them; and one that is none. */
static void gather_modules(int count, char **paths) {
	char link[256];
	strcpy(folder, "/tmp/cadmus-worker-XXXXXX");
	CHECK(mkdtemp(folder) != NULL && setenv("CADMUS_LIBEXEC", folder, 1) == 0);
	for (int i = 0; i < count; i++) {
		char *whole = realpath(paths[i], NULL);
		CHECK(whole != NULL);
		snprintf(link, sizeof(link), "%s/%.100s", folder, strrchr(whole, '/') + 1);
		CHECK(symlink(whole, link) == 0);
		free(whole);
	}
	snprintf(link, sizeof(link), "%s/cadmus-backend-wrong.so", folder);
	CHECK(symlink("/proc/version", link) == 0);
}

static void remove_modules(void) {
	char path[512];
	DIR *d = opendir(folder);
	for (struct dirent *e; d && (e = readdir(d)) != NULL;) {
		snprintf(path, sizeof(path), "%s/%s", folder, e->d_name);
		if (e->d_name[0] != '.')
			unlink(path);
	}
	if (d)
		closedir(d);
	rmdir(folder);
}

static bool have(const char *module, const char *variable) {
	char path[256];
	const char *engine = getenv(variable);
	snprintf(path, sizeof(path), "%s/cadmus-backend-%s.so", folder, module);
	if (access(path, R_OK) == 0 && engine && access(engine, R_OK) == 0)
		return true;
	printf("  %s was not tried: no module, or %s names no engine\n", module, variable);
	return false;
}

int main(int argc, char **argv) {
	signal(SIGPIPE, SIG_IGN);
	gather_modules(argc - 1, argv + 1);
	answers();
	is_busy_with_one_request();
	outlives_core();
	hears_a_hasty_core();
	lets_go_of_a_mad_core();
	says_why_it_cannot();
	is_missed_when_it_crashes();
	perceives(0);
	perceives(2);
	follows_its_source();
	keeps_its_pace();
	refuses_fields_that_do_not_fit();
	if (have("llama", "CADMUS_LLAMA_DIR"))
		talks_by_llama();
	if (have("onnx", "CADMUS_ORT_LIB"))
		sees_by_onnx(getenv("CADMUS_MODELS") ? getenv("CADMUS_MODELS") : "/nowhere");
	remove_modules();
	puts("worker_test: ok");
}
