/* segment_test.c - one writer as a fact of the kernel; and a segment that is not what the plan says. */
#include "store/segment.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>
#include "base/io.h"
#include "test/lib/plan_builder.h"

static struct plan *plan;
static uint16_t cam, reader;

static void make_plan(void) {
	static struct plan_builder b;
	plan_builder_begin(&b, "robot");
	cam = plan_builder_process(&b, "camera", PLAN_HOST, 4);
	reader = plan_builder_process(&b, "reader", PLAN_WORKER, 4);
	plan_builder_field(&b, "frame", CDM_U8, 10000, 4, 2, cam, PLAN_BUILDER_ALL);
	plan_builder_field(&b, "level", CDM_F32, 1, 3, 0, cam, PLAN_BUILDER_ALL);
	plan = plan_builder_finish(&b);
}

static void *map_raw(int fd, int protection) {
	return mmap(NULL, plan_processes(plan)[cam].segment_bytes, protection, MAP_SHARED, fd, 0);
}

static void has_one_writer(void) {
	struct segment w, r, again;
	int fd = segment_create(plan, cam);
	CHECK(fd >= 0 && !segment_is_frozen(fd));
	CHECK(segment_map_reader(&r, plan, cam, 1, fd) == -EPROTO); /* not formatted, not frozen */
	CHECK(segment_map_writer(&w, plan, cam, 1, fd) == 0);
	CHECK(segment_is_frozen(fd));
	CHECK(segment_map_writer(&again, plan, cam, 1, fd) == -EPERM && !again.base);
	CHECK(map_raw(fd, PROT_READ | PROT_WRITE) == MAP_FAILED);
	CHECK(pwrite(fd, "x", 1, 0) < 0);
	CHECK(ftruncate(fd, 0) < 0);
	CHECK(segment_map_reader(&r, plan, cam, 1, fd) == 0);
	CHECK(mprotect(r.base, r.bytes, PROT_READ | PROT_WRITE) < 0);
	CHECK(segment_map_reader(&again, plan, cam, 2, fd) == -EPROTO);    /* another epoch */
	CHECK(segment_map_reader(&again, plan, cam, 0, fd) == -EPROTO);
	CHECK(segment_map_reader(&again, plan, reader, 1, fd) == -EPROTO); /* another process */
	segment_unmap(&w);
	segment_unmap(&w); /* none: nothing to do */
	segment_unmap(&r);
	close(fd);
}

static void refuses_another_plan(void) {
	static struct plan_builder b;
	plan_builder_begin(&b, "robot");
	b.head.first_model = PLAN_NONE;
	plan_builder_process(&b, "camera", PLAN_HOST, 4);
	plan_builder_process(&b, "reader", PLAN_WORKER, 4);
	plan_builder_field(&b, "frame", CDM_U8, 10000, 4, 2, cam, PLAN_BUILDER_ALL);
	plan_builder_field(&b, "other", CDM_F32, 1, 3, 0, cam, PLAN_BUILDER_ALL); /* the same size */
	struct plan *other = plan_builder_finish(&b);
	struct segment w, r;
	int fd = segment_create(other, cam);
	CHECK(segment_map_writer(&w, other, cam, 1, fd) == 0);
	CHECK(segment_map_reader(&r, plan, cam, 1, fd) == -EPROTO && !r.base);
	CHECK(segment_map_reader(&r, other, cam, 1, fd) == 0);
	segment_unmap(&w);
	segment_unmap(&r);
	close(fd);
	free(other);
}

static void refuses_files_that_are_no_segments(void) {
	struct segment s;
	size_t bytes = plan_processes(plan)[cam].segment_bytes;
	int small = io_memory("small", bytes - LAYOUT_PAGE);
	CHECK(segment_map_writer(&s, plan, cam, 1, small) == -EPROTO && !s.base);
	int loose = memfd_create("loose", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	CHECK(ftruncate(loose, (off_t)bytes) == 0);
	CHECK(segment_map_writer(&s, plan, cam, 1, loose) == -EPROTO); /* it could shrink under us */
	CHECK(segment_map_reader(&s, plan, cam, 1, loose) == -EPROTO);
	int fds[2];
	CHECK(pipe(fds) == 0);
	CHECK(segment_map_reader(&s, plan, cam, 1, fds[0]) == -EPROTO);
	CHECK(segment_map_reader(&s, plan, cam, 1, -1) == -EPROTO);
	close(fds[0]);
	close(fds[1]);
	close(small);
	close(loose);
}

/* Whatever stands in any word that a reader relies on: right, or refused. */
static void refuses_each_wrong_word(void) {
	const struct plan_field *f = plan_fields(plan);
	const size_t places[] = { 0, plan_processes(plan)[cam].desk_offset, f[0].offset, f[1].offset };
	const size_t lengths[] = { offsetof(struct layout_head, formatted_ns), 8, 24, 24 };
	const size_t pid = offsetof(struct layout_head, pid);
	struct segment w, r;
	int fd = segment_create(plan, cam);
	CHECK(segment_map_writer(&w, plan, cam, 1, fd) == 0);
	for (size_t p = 0; p < COUNT_OF(places); p++) {
		for (size_t i = places[p]; i < places[p] + lengths[p]; i++) {
			if (i >= pid && i < pid + 4)
				continue;
			w.base[i] ^= 0x40;
			CHECK(segment_map_reader(&r, plan, cam, 1, fd) == -EPROTO);
			w.base[i] ^= 0x40;
		}
	}
	CHECK(segment_map_reader(&r, plan, cam, 1, fd) == 0);
	segment_unmap(&r);
	segment_unmap(&w);
	close(fd);
}

/* All bytes right, but its owner could still hand out writable mappings of it. */
static void refuses_what_is_not_frozen(void) {
	struct segment w, r;
	size_t bytes = plan_processes(plan)[cam].segment_bytes;
	int fd = segment_create(plan, cam), loose = segment_create(plan, cam);
	CHECK(segment_map_writer(&w, plan, cam, 1, fd) == 0);
	CHECK(pwrite(loose, w.base, bytes, 0) == (ssize_t)bytes);
	CHECK(segment_map_reader(&r, plan, cam, 1, loose) == -EPROTO);
	CHECK(io_memory_freeze_writers(loose) == 0);
	CHECK(segment_map_reader(&r, plan, cam, 1, loose) == 0);
	segment_unmap(&r);
	segment_unmap(&w);
	close(fd);
	close(loose);
}

static void counts(void) {
	struct segment w, r, none = { 0 };
	int fd = segment_create(plan, cam);
	CHECK(segment_map_writer(&w, plan, cam, 1, fd) == 0);
	CHECK(segment_map_reader(&r, plan, cam, 1, fd) == 0);
	counter_add(&w, COUNTER_drops, 2);
	counter_add(&w, COUNTER_drops, 3);
	counter_add(&r, COUNTER_drops, 1); /* not ours to count in */
	counter_add(&none, COUNTER_drops, 1);
	CHECK(counter_get(&r, COUNTER_drops) == 5 && counter_get(&w, COUNTER_laps) == 0);
	CHECK(counter_get(&none, COUNTER_drops) == 0);
	CHECK(strcmp(counter_name(COUNTER_drops), "drops") == 0 && strcmp(counter_name(COUNTER_COUNT), "?") == 0);
	CHECK(counter_text(COUNTER_drops)[0] && strcmp(counter_text(999), "?") == 0);
	segment_unmap(&w);
	segment_unmap(&r);
	close(fd);
}

/* A reader that tries to write is stopped by the MMU. */
static void readers_cannot_write(void) {
	struct segment w, r;
	int status, fd = segment_create(plan, cam);
	CHECK(segment_map_writer(&w, plan, cam, 1, fd) == 0);
	CHECK(segment_map_reader(&r, plan, cam, 1, fd) == 0);
	pid_t pid = fork();
	CHECK(pid >= 0);
	if (pid == 0) {
		signal(SIGSEGV, SIG_DFL);
		*(volatile unsigned char *)r.base = 1;
		_exit(0);
	}
	CHECK(waitpid(pid, &status, 0) == pid);
	CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGSEGV);
	segment_unmap(&w);
	segment_unmap(&r);
	close(fd);
}

int main(void) {
	make_plan();
	has_one_writer();
	refuses_another_plan();
	refuses_files_that_are_no_segments();
	refuses_each_wrong_word();
	refuses_what_is_not_frozen();
	counts();
	readers_cannot_write();
	free(plan);
	puts("segment_test: ok");
}
