/*
 * parent.h - a machine for tests of libcadmus: its parent is a thread of the test.
 *
 * The parent does what cadmusd's does for clients: accepts, greets with memory, hands out peers,
 * restarts a process now and then.  It alone touches the world (it is everybody's control thread).
 */
#ifndef TEST_LIB_PARENT_H
#define TEST_LIB_PARENT_H

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>
#include "cadmus/client.h"
#include "client/run_dir.h"
#include "client/seat.h"
#include "test/lib/world.h"

enum { CORE, GUARD, CAM, CLIENT, SECOND, SEATS = 2 };

#define MINUTE (60 * NS_PER_S)

static char base[] = "/tmp/cadmus-client-XXXXXX";
static struct world w;
static uint16_t level, frame, thought;
static struct field_writer level_out, frame_out;

/* ---- the parent ---- */

static struct {
	pthread_t thread;
	int door, quit, sockets[SEATS], plan_fd;
	bool shy; /* tells clients of their peers only after READY */
} parent;

static inline void greet(int fd) {
	for (uint16_t i = 0; i < SEATS; i++) {
		uint16_t p = (uint16_t)(CLIENT + i);
		if (parent.sockets[i] >= 0)
			continue;
		parent.sockets[i] = fd;
		segment_close_files(&w.files[p]);
		CHECK(segment_create(w.plan, p, &w.files[p]) == 0);
		uint32_t epoch = directory_starting(&w.directory, p, getpid(), clock_mono());
		CHECK(seat_send_hello(fd, p, epoch, parent.plan_fd, w.directory_fd, &w.files[p]) == 0);
		for (uint16_t o = 0; o <= CAM && !parent.shy; o++)
			CHECK(seat_send_peer(fd, o, w.at[o].own.epoch, &w.files[o],
					segment_parts_for(w.plan, o, p)) == 0);
		if (!parent.shy)
			CHECK(seat_send_all(fd) == 0);
		return;
	}
	CHECK(seat_send(fd, SEAT_FAILED, 0, 0, 0, "no seat is free", NULL, 0) == 0);
	close(fd);
}

static inline void on_client(uint16_t i) {
	struct seat_message m;
	int fds[SEAT_FDS_MAX], rc;
	unsigned n;
	uint16_t p = (uint16_t)(CLIENT + i);
	while ((rc = seat_receive(parent.sockets[i], &m, fds, &n)) > 0) {
		if (m.kind == SEAT_LEAVE)
			continue; /* its end follows */
		CHECK(m.kind == SEAT_READY && segment_is_frozen(w.plan, p, &w.files[p]));
		directory_set(&w.directory, p, DIRECTORY_LIVE, clock_mono());
		for (uint16_t o = 0; o <= CAM; o++) {
			if (parent.shy)
				CHECK(seat_send_peer(parent.sockets[i], o, w.at[o].own.epoch, &w.files[o],
						segment_parts_for(w.plan, o, p)) == 0);
			/* A camera that was restarted meanwhile has mapped it already. */
			rc = peers_replace(&w.at[o], p, m.epoch, &w.files[p]);
			CHECK(rc == 0 || (rc == -ESTALE && o == CAM));
		}
		if (parent.shy)
			CHECK(seat_send_all(parent.sockets[i]) == 0);
	}
	if (rc == 0)
		return;
	io_close(&parent.sockets[i]);
	directory_set(&w.directory, p, DIRECTORY_FREE, clock_mono());
}

static inline void restart_camera(void) {
	world_stop(&w, CAM);
	world_start(&w, CAM, false);
	for (int i = 0; i < SEATS; i++) {
		if (parent.sockets[i] < 0)
			continue;
		CHECK(peers_replace(&w.at[CAM], (uint16_t)(CLIENT + i),
				directory_get(&w.directory, (uint16_t)(CLIENT + i)).epoch, &w.files[CLIENT + i]) == 0);
		CHECK(seat_send_peer(parent.sockets[i], CAM, w.at[CAM].own.epoch, &w.files[CAM],
				segment_parts_for(w.plan, CAM, (uint16_t)(CLIENT + i))) == 0);
	}
	CHECK(field_writer_open(&level_out, &w.at[CAM], level) == 0);
	CHECK(field_writer_open(&frame_out, &w.at[CAM], frame) == 0);
}

/* Its memory is that of one who said READY and had formatted nothing: the parent cannot know. */
static inline void spoil_camera(void) {
	segment_close_files(&w.files[CAM]);
	CHECK(segment_create(w.plan, CAM, &w.files[CAM]) == 0);
	for (unsigned k = 0; k < PLAN_PARTS_MAX && w.files[CAM].fd[k] >= 0; k++)
		CHECK(io_memory_freeze_writers(w.files[CAM].fd[k]) == 0);
}

/* 1: end.  2: restart the camera.  3: spoil it. */
static inline void *run_parent(void *unused) {
	(void)unused;
	for (;;) {
		struct pollfd p[2 + SEATS] = { { .fd = parent.door, .events = POLLIN },
			{ .fd = parent.quit, .events = POLLIN } };
		uint64_t order = 0;
		for (int i = 0; i < SEATS; i++)
			p[2 + i] = (struct pollfd){ .fd = parent.sockets[i], .events = POLLIN };
		CHECK(poll(p, 2 + SEATS, -1) > 0);
		if (p[1].revents)
			CHECK(read(parent.quit, &order, sizeof(order)) == sizeof(order));
		if (order == 1)
			return NULL;
		if (order == 2)
			restart_camera();
		if (order == 3)
			spoil_camera();
		for (uint16_t i = 0; i < SEATS; i++)
			if (p[2 + i].revents)
				on_client(i);
		int fd = p[0].revents ? io_accept(parent.door) : -1;
		struct seat_attach a;
		struct pollfd q = { .fd = fd, .events = POLLIN };
		if (fd >= 0 && poll(&q, 1, 10000) == 1 && seat_receive_attach(fd, &a) == 1)
			greet(fd);
		else
			io_close(&fd);
	}
}

static inline void order_parent(uint64_t order) {
	CHECK(write(parent.quit, &order, sizeof(order)) == sizeof(order));
}

static inline void begin(bool shy) {
	static struct plan_builder b;
	char path[RUN_DIR_PATH_MAX];
	plan_builder_begin(&b, "robot");
	CHECK(plan_builder_process(&b, "camera", PLAN_HOST, 2) == CAM);
	CHECK(plan_builder_process(&b, "client0", PLAN_CLIENT, 2) == CLIENT);
	CHECK(plan_builder_process(&b, "client1", PLAN_CLIENT, 3) == SECOND);
	level = plan_builder_field(&b, "battery.level", CDM_U64, 1, 8, 0, CAM, 1u << CLIENT | 1u << SECOND);
	strcpy(b.fields[level].unit, "V");
	b.fields[level].max_age_ns = NS_PER_S;
	frame = plan_builder_field(&b, "frame", CDM_U8, 20000, 6, 4, CAM, 1u << CLIENT | 1u << SECOND);
	b.fields[frame].dims = 2;
	b.fields[frame].shape[0] = 100;
	b.fields[frame].shape[1] = 200;
	plan_builder_field(&b, "secret", CDM_U8, 1, 3, 0, CAM, 0);
	thought = plan_builder_field(&b, "thought", CDM_U64, 1, 4, 2, SECOND, 0);
	b.fields[thought].derived = 1;
	b.fields[thought].entity = plan_builder_entity(&b, "thinker", PLAN_MODEL);
	for (int i = 0; i < 3; i++)
		b.entities[b.fields[thought].entity].trust[i] = 0.8 + 0.05 * i;
	world_open(&w, &b);
	world_stop(&w, CLIENT);
	world_stop(&w, SECOND);
	directory_set(&w.directory, CLIENT, DIRECTORY_FREE, clock_mono());
	directory_set(&w.directory, SECOND, DIRECTORY_FREE, clock_mono());
	CHECK(field_writer_open(&level_out, &w.at[CAM], level) == 0);
	CHECK(field_writer_open(&frame_out, &w.at[CAM], frame) == 0);
	CHECK(run_dir_make("robot", path) == 0 && run_dir_path("robot", RUN_DIR_ATTACH, path) == 0);
	parent.door = io_listen(path);
	parent.quit = eventfd(0, EFD_CLOEXEC);
	parent.plan_fd = seat_plan_file(w.plan);
	parent.sockets[0] = parent.sockets[1] = -1;
	parent.shy = shy;
	CHECK(parent.door >= 0 && parent.quit >= 0 && parent.plan_fd >= 0);
	CHECK(pthread_create(&parent.thread, NULL, run_parent, NULL) == 0);
}

/* It does nothing more, as one that was sent SIGSTOP. */
static inline void stop_parent(void) {
	order_parent(1);
	CHECK(pthread_join(parent.thread, NULL) == 0);
}

static inline void end_parent(void) {
	stop_parent();
	for (int i = 0; i < SEATS; i++)
		io_close(&parent.sockets[i]);
	io_close(&parent.door);
}

static inline void end(void) {
	char path[RUN_DIR_PATH_MAX];
	if (parent.door >= 0)
		end_parent();
	io_close(&parent.quit);
	io_close(&parent.plan_fd);
	CHECK(run_dir_path("robot", RUN_DIR_ATTACH, path) == 0 && unlink(path) == 0);
	CHECK(run_dir_path("robot", NULL, path) == 0 && rmdir(path) == 0);
	world_close(&w);
}

static inline void put(uint64_t value) {
	struct field_meta m = field_meta_of(1);
	CHECK(field_write(&level_out, &value, sizeof(value), &m, clock_mono()) == 0);
}

/* ---- the client ---- */

static inline struct cdm_machine *attach(void) {
	static struct cdm_diag diag;
	struct cdm_machine *m;
	memset(&diag, 0, sizeof(diag));
	int rc = cdm_attach("robot", &m, &diag);
	if (rc < 0)
		fprintf(stderr, "%s\n", diag.at[0].text);
	CHECK(rc == 0);
	return m;
}

#endif
