/*
 * seat_test.c - the messages between a parent and its children, right and wrong.
 *
 * The parent is this test itself, at the other end of the same socket pair that a child would
 * inherit; memory comes from a world, so peers are real.
 */
#include "client/seat.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>
#include "store/desk.h"
#include "test/lib/leaks.h"
#include "test/lib/world.h"

enum { CORE, GUARD, CAM, READER };

static uint16_t level;
static struct world w;
static struct cdm_diag diag;
static int plan_fd, parent, child;
static struct segment_files own;
static uint32_t epoch;

/* A seat for READER, whose inherited end is `child`; HELLO is not sent yet. */
static void fresh(void) {
	static struct plan_builder b;
	int pair[2];
	plan_builder_begin(&b, "robot");
	CHECK(plan_builder_process(&b, "camera", PLAN_HOST, 2) == CAM);
	CHECK(plan_builder_process(&b, "reader", PLAN_WORKER, 4) == READER);
	level = plan_builder_field(&b, "level", CDM_U64, 1, 4, 0, CAM, 1u << READER);
	world_open(&w, &b);
	world_stop(&w, READER);
	plan_fd = seat_plan_file(w.plan);
	CHECK(plan_fd >= 0 && io_pair(pair) == 0);
	parent = pair[0];
	child = pair[1];
	CHECK(segment_create(w.plan, READER, &own) == 0);
	epoch = directory_starting(&w.directory, READER, getpid(), clock_mono());
	memset(&diag, 0, sizeof(diag));
}

static void done(void) {
	io_close(&plan_fd);
	io_close(&parent);
	io_close(&child);
	segment_close_files(&own);
	world_close(&w);
}

static int open_seat(struct seat *s) {
	char text[SEAT_ENV_TEXT_MAX];
	seat_env(READER, child, text);
	CHECK(strncmp(text, SEAT_ENV "=", sizeof(SEAT_ENV)) == 0);
	setenv(SEAT_ENV, strchr(text, '=') + 1, 1);
	int rc = seat_open_inherited(s, &diag);
	CHECK(getenv(SEAT_ENV) == NULL && (rc == 0 || diag.errors > 0));
	child = -1; /* it was taken, and closed if that failed */
	return rc;
}

static void hello(void) {
	CHECK(seat_send_hello(parent, READER, epoch, plan_fd, w.directory_fd, &own) == 0);
}

static void takes_its_seat(void) {
	struct seat s;
	struct seat_event e;
	struct seat_message m;
	int fds[SEAT_FDS_MAX];
	unsigned n;
	fresh();
	hello();
	CHECK(open_seat(&s) == 0);
	CHECK(s.process == READER && s.epoch == epoch && seat_fd(&s) >= 0);
	CHECK(fcntl(seat_fd(&s), F_GETFD) & FD_CLOEXEC);
	CHECK(strcmp(seat_process(&s)->name, "reader") == 0 && strcmp(s.plan->machine, "robot") == 0);
	CHECK(segment_is_frozen(w.plan, READER, &own)); /* before READY: the parent may hand it out when that comes */
	CHECK(seat_handle(&s, &e) == 0);
	CHECK(seat_ready(&s) == 0 && seat_ask_start(&s, CAM) == 0 && seat_ask_stop(&s, CAM) == 0);
	CHECK(seat_ask_down(&s) == 0);
	seat_failed(&s, "no %s", "camera");
	static const uint32_t kinds[] = { SEAT_READY, SEAT_START, SEAT_STOP, SEAT_DOWN, SEAT_FAILED };
	for (size_t i = 0; i < COUNT_OF(kinds); i++) {
		CHECK(seat_receive(parent, &m, fds, &n) == 1 && m.kind == kinds[i] && n == 0);
		CHECK((kinds[i] != SEAT_START && kinds[i] != SEAT_STOP) || m.process == CAM);
	}
	CHECK(strcmp(m.text, "no camera") == 0);
	CHECK(seat_receive(parent, &m, fds, &n) == 0);
	seat_close(&s);
	seat_close(&s);
	CHECK(seat_receive(parent, &m, fds, &n) == -EPIPE);
	done();
}

static void handles_what_the_parent_says(void) {
	struct seat s;
	struct seat_event e;
	struct field f;
	struct field_writer out;
	struct field_meta meta = field_meta_of(0);
	uint64_t v;
	int pair[2];
	fresh();
	hello();
	CHECK(open_seat(&s) == 0);
	CHECK(field_open(&f, &s.peers, level) == 0);
	CHECK(seat_send_peer(parent, CAM, 1, &w.files[CAM], 3) == 0);
	CHECK(seat_handle(&s, &e) == 1 && e.kind == SEAT_EVENT_PEER && e.process == CAM && e.fd == -1);
	CHECK(field_writer_open(&out, &w.at[CAM], level) == 0);
	CHECK(field_write(&out, &(uint64_t){ 42 }, 8, &meta, clock_mono()) == 0);
	CHECK(field_read(&f, &v, sizeof(v), clock_mono(), NULL) == 0 && v == 42);

	CHECK(io_pair(pair) == 0 && seat_send_channel(parent, CORE, pair[0]) == 0);
	CHECK(seat_handle(&s, &e) == 1 && e.kind == SEAT_EVENT_CHANNEL && e.process == CORE);
	CHECK(fcntl(e.fd, F_GETFL) & O_NONBLOCK);
	close(e.fd);
	CHECK(seat_send_door(parent, SEAT_DOOR_STOP, pair[0]) == 0);
	CHECK(seat_handle(&s, &e) == 1 && e.kind == SEAT_EVENT_DOOR && e.door == SEAT_DOOR_STOP);
	close(e.fd);
	close(pair[0]);
	close(pair[1]);
	CHECK(seat_send_quit(parent) == 0);
	CHECK(seat_handle(&s, &e) == 1 && e.kind == SEAT_EVENT_QUIT && e.fd == -1);
	CHECK(seat_handle(&s, &e) == 0);
	io_close(&parent);
	CHECK(seat_handle(&s, &e) == -EPIPE);
	CHECK(field_read(&f, &v, sizeof(v), clock_mono(), NULL) == 0 && v == 42); /* what is mapped stays good */
	seat_close(&s);
	CHECK(seat_handle(&s, &e) == -EPIPE);
	done();
}

/* Peers that come and go a thousand times leave no descriptor and no mapping. */
static void leaks_nothing(void) {
	struct seat s;
	struct seat_event e;
	fresh();
	hello();
	CHECK(open_seat(&s) == 0);
	unsigned files = open_files();
	for (int i = 0; i < 1000; i++) {
		CHECK(seat_send_peer(parent, CAM, w.at[CAM].own.epoch, &w.files[CAM], 3) == 0);
		CHECK(seat_handle(&s, &e) == 1 && peers_mappings(&s.peers) == 2);
		world_stop(&w, CAM);
		world_start(&w, CAM, false);
		CHECK(open_files() == files);
	}
	CHECK(counter_get(&s.peers.own, COUNTER_replacements) == 999);
	seat_close(&s);
	done();
}

static void skips_what_makes_no_sense(void) {
	struct seat s;
	struct seat_event e;
	fresh();
	hello();
	CHECK(open_seat(&s) == 0);
	unsigned files = open_files();
	CHECK(seat_send_peer(parent, 60, 1, &w.files[CAM], 3) == 0);           /* no such process */
	CHECK(seat_send_channel(parent, 60, w.files[CAM].fd[0]) == 0);
	CHECK(seat_send(parent, SEAT_DOOR, 0, 0, 99, NULL, &w.files[CAM].fd[0], 1) == 0);
	CHECK(seat_send(parent, SEAT_START, 0, 0, 0, NULL, NULL, 0) == 0); /* not for a child */
	CHECK(seat_send_hello(parent, READER, epoch, plan_fd, w.directory_fd, &own) == 0); /* twice */
	CHECK(seat_handle(&s, &e) == 0);
	CHECK(seat_send_peer(parent, CAM, 1, &w.files[CORE], 1) == 0); /* not what it says */
	CHECK(seat_handle(&s, &e) == 1 && e.kind == SEAT_EVENT_PEER && !peers_get(&s.peers, CAM));
	CHECK(counter_get(&s.peers.own, COUNTER_broken) == 2 && open_files() == files);
	seat_close(&s);
	done();
}

/* The next descriptor would be one too many. */
static void allow_no_more_files(struct rlimit *before) {
	int next = dup(0);
	CHECK(next >= 0 && getrlimit(RLIMIT_NOFILE, before) == 0);
	close(next);
	CHECK(setrlimit(RLIMIT_NOFILE, &(struct rlimit){ (rlim_t)next, before->rlim_max }) == 0);
}

/* What comes without its descriptors, since we have too many, is asked for again; the parent has not died by that. */
static void asks_again_for_what_was_cut(void) {
	struct seat s;
	struct seat_event e;
	struct seat_message m;
	struct rlimit limit;
	int fds[SEAT_FDS_MAX];
	unsigned n;
	fresh();
	hello();
	CHECK(open_seat(&s) == 0);
	unsigned files = open_files();
	CHECK(seat_send_peer(parent, CAM, 1, &w.files[CAM], 3) == 0);
	CHECK(seat_send_directory(parent, w.directory_fd) == 0);
	allow_no_more_files(&limit);
	CHECK(seat_handle(&s, &e) == 0);
	CHECK(setrlimit(RLIMIT_NOFILE, &limit) == 0);
	CHECK(open_files() == files && !peers_get(&s.peers, CAM));
	static const uint32_t kinds[] = { SEAT_PEER, SEAT_DIRECTORY };
	for (size_t i = 0; i < COUNT_OF(kinds); i++)
		CHECK(seat_receive(parent, &m, fds, &n) == 1 && m.kind == SEAT_REPEAT && m.value == kinds[i]);
	CHECK(seat_send_peer(parent, CAM, 1, &w.files[CAM], 3) == 0);
	CHECK(seat_handle(&s, &e) == 1 && peers_get(&s.peers, CAM));
	seat_close(&s);
	done();
}

static void *sleeps(void *field) {
	int rc;
	while ((rc = wait_field(field, 60 * NS_PER_S)) == -ECANCELED) /* there is another directory */
		continue;
	CHECK(rc == -EOWNERDEAD);
	return NULL;
}

/* Another parent has another directory: a death is seen in that one, by who sleeps already, too. */
static void follows_another_parent(void) {
	struct seat s;
	struct seat_event e;
	struct field f;
	struct field_writer out;
	struct field_meta meta = field_meta_of(0);
	struct directory next;
	pthread_t t;
	uint64_t v;
	fresh();
	hello();
	CHECK(open_seat(&s) == 0);
	unsigned files = open_files();
	CHECK(seat_send_peer(parent, CAM, 1, &w.files[CAM], 3) == 0);
	CHECK(seat_handle(&s, &e) == 1 && field_open(&f, &s.peers, level) == 0);
	CHECK(field_writer_open(&out, &w.at[CAM], level) == 0);
	CHECK(field_write(&out, &(uint64_t){ 42 }, 8, &meta, clock_mono()) == 0);
	CHECK(field_read(&f, &v, sizeof(v), clock_mono(), NULL) == 0 && v == 42);
	CHECK(pthread_create(&t, NULL, sleeps, &f) == 0);
	while (desk_waits(&s.peers, level) == 0)
		sched_yield();
	int file = directory_create();
	CHECK(file >= 0 && seat_send_directory(parent, file) == 0); /* not one yet: the old one stays */
	CHECK(seat_handle(&s, &e) == 0 && directory_get(&s.peers.directory, CAM).state == DIRECTORY_LIVE);
	CHECK(directory_map_writer(&next, w.plan, file) == 0);
	for (uint16_t p = 0; p < w.count; p++) {
		struct directory_entry was = directory_get(&w.directory, p);
		directory_restore(&next, p, &was);
	}
	CHECK(seat_send_directory(parent, file) == 0 && seat_handle(&s, &e) == 0);
	directory_set(&next, CAM, DIRECTORY_DEAD, clock_mono());
	CHECK(pthread_join(t, NULL) == 0 && directory_get(&w.directory, CAM).state == DIRECTORY_LIVE);
	/* what only core keeps */
	CHECK(seat_send_keep(parent, CAM, 1, file, -1, &w.files[CAM]) == 0);
	CHECK(seat_send_keep_doors(parent, (int[3]){ file, file, file }, -1) == 0);
	close(file);
	CHECK(seat_handle(&s, &e) == 0 && open_files() == files);
	directory_unmap(&next);
	seat_close(&s);
	done();
}

static void refuses_broken_messages(void) {
	struct seat_message good = { .magic = SEAT_MAGIC, .kind = SEAT_QUIT }, m;
	int fds[SEAT_FDS_MAX], five[5];
	unsigned n;
	fresh();
	for (int i = 0; i < 5; i++)
		five[i] = plan_fd;
	unsigned files = open_files();
	for (int i = 0; i < 8; i++) {
		struct seat_message b = good;
		unsigned fd_count = i == 4 ? 1 : i == 5 ? 5 : 0;
		size_t bytes = i == 6 ? sizeof(b) - 1 : sizeof(b);
		b.magic ^= i == 0;
		b.kind = i == 1 ? SEAT_KIND_COUNT : i == 2 ? 0 : i == 3 ? SEAT_PEER : b.kind;
		if (i == 7)
			memset(b.text, 'x', sizeof(b.text));
		CHECK(io_send(parent, &b, bytes, five, fd_count, 0) == 0);
		CHECK(seat_receive(child, &m, fds, &n) == -EPROTO && n == 0);
		CHECK(open_files() == files); /* what came with it is closed */
	}
	good.process = PLAN_PROCESSES_MAX;
	CHECK(io_send(parent, &good, sizeof(good), NULL, 0, 0) == 0);
	CHECK(seat_receive(child, &m, fds, &n) == -EPROTO);
	char longer[sizeof(m) + 1] = { 0 };
	CHECK(io_send(parent, longer, sizeof(longer), NULL, 0, 0) == 0);
	CHECK(seat_receive(child, &m, fds, &n) == -EPROTO);
	CHECK(strcmp(seat_kind_text(SEAT_PEER), "peer") == 0 && strcmp(seat_kind_text(0), "?") == 0 &&
			strcmp(seat_kind_text(99), "?") == 0);
	done();
}

static void refuses_broken_greetings(void) {
	struct seat s;
	unsetenv(SEAT_ENV);
	CHECK(seat_open_inherited(&s, NULL) == -ENOENT && s.fd == -1);
	static const char *const texts[] = { "", "x", "3", "3:", "3:x", "3:-1", "3:9999" };
	for (size_t i = 0; i < COUNT_OF(texts); i++) {
		setenv(SEAT_ENV, texts[i], 1);
		CHECK(seat_open_inherited(&s, NULL) == -ENOENT);
	}
	for (int i = 0; i < 9; i++) {
		fresh();
		unsigned files = open_files();
		int plan = plan_fd, directory = w.directory_fd, rc, broken = -1;
		struct segment_files segment = own;
		uint16_t process = READER;
		if (i == 0)
			plan = own.fd[0]; /* no plan at all */
		if (i == 1)
			segment = w.files[CAM];
		if (i == 2)
			directory = own.fd[0];
		if (i == 3)
			process = CAM; /* not what the environment said */
		if (i == 4)
			process = 60;
		if (i == 8) { /* one byte of the plan is another */
			char *copy = malloc(w.plan->bytes);
			memcpy(copy, w.plan, w.plan->bytes);
			copy[w.plan->bytes / 2] ^= 1;
			plan = broken = seat_plan_file((struct plan *)(void *)copy);
			free(copy);
		}
		if (i == 5)
			CHECK(seat_send_quit(parent) == 0); /* another message first */
		else if (i == 6)
			CHECK(seat_send(parent, SEAT_FAILED, 0, 0, 0, "all seats are taken", NULL, 0) == 0);
		else if (i == 7)
			io_close(&parent);
		else
			CHECK(seat_send_hello(parent, process, epoch, plan, directory, &segment) == 0);
		rc = open_seat(&s);
		CHECK(rc == (i == 6 ? -EBUSY : i == 7 ? -EPIPE : -EPROTO) || (i == 1 && rc == -EPERM));
		CHECK(s.fd == -1 && s.plan == NULL);
		io_close(&broken);
		CHECK(open_files() == files - 1 - (i == 7)); /* its end of the socket */
		done();
	}
	CHECK(strcmp(diag.at[0].id, "P0001") == 0 || diag.count > 0);
}

static void receives_attach_records(void) {
	struct seat_attach a = { .magic = SEAT_ATTACH_MAGIC, .abi = SEAT_ABI, .entity = "camera" }, got;
	fresh();
	CHECK(seat_receive_attach(parent, &got) == 0);
	CHECK(io_send(child, &a, sizeof(a), NULL, 0, 0) == 0 && seat_receive_attach(parent, &got) == 1);
	CHECK(strcmp(got.entity, "camera") == 0);
	for (int i = 0; i < 5; i++) {
		struct seat_attach b = a;
		b.magic ^= i == 0;
		b.abi += i == 1;
		b.flags = i == 2 ? ~SEAT_ATTACH_STAND_BY : SEAT_ATTACH_STAND_BY;
		if (i == 4)
			memset(b.entity, 'x', sizeof(b.entity)); /* a name without an end */
		CHECK(io_send(child, &b, i == 3 ? 4 : sizeof(b), NULL, 0, 0) == 0);
		CHECK(seat_receive_attach(parent, &got) == -EPROTO);
	}
	char longer[100] = { 0 };
	CHECK(io_send(child, longer, sizeof(longer), &plan_fd, 1, 0) == 0);
	CHECK(seat_receive_attach(parent, &got) == -EPROTO);
	io_close(&child);
	CHECK(seat_receive_attach(parent, &got) == -EPIPE);
	done();
}

static void never_waits(void) {
	int rc;
	fresh();
	while ((rc = seat_send_quit(parent)) == 0) /* a child that does not read */
		;
	CHECK(rc == -EAGAIN);
	io_close(&child);
	CHECK(seat_send_quit(parent) == -EPIPE);
	done();
}

int main(void) {
	takes_its_seat();
	handles_what_the_parent_says();
	leaks_nothing();
	skips_what_makes_no_sense();
	asks_again_for_what_was_cut();
	follows_another_parent();
	refuses_broken_messages();
	refuses_broken_greetings();
	receives_attach_records();
	never_waits();
	puts("seat_test: ok");
}
