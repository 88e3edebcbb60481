/* segment_test.c - one writer, and only those readers that may be, as facts of the kernel; what is not as planned. */
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
static uint16_t cam, reader, stranger, frame, level, secret;

static void make_plan(void) {
	static struct plan_builder b;
	plan_builder_begin(&b, "robot");
	cam = plan_builder_process(&b, "camera", PLAN_HOST, 4);
	reader = plan_builder_process(&b, "reader", PLAN_WORKER, 4);
	stranger = plan_builder_process(&b, "stranger", PLAN_WORKER, 4);
	frame = plan_builder_field(&b, "frame", CDM_U8, 10000, 4, 2, cam, PLAN_BUILDER_ALL);
	secret = plan_builder_field(&b, "secret", CDM_F32, 1, 3, 0, cam, 1u << reader);
	level = plan_builder_field(&b, "level", CDM_F32, 1, 3, 0, cam, PLAN_BUILDER_ALL);
	plan = plan_builder_finish(&b);
}

static const struct plan_field *field(uint16_t i) {
	return &plan_fields(plan)[i];
}

/* Camera's memory, mapped by itself. */
static struct segment_files born(struct segment *w) {
	struct segment_files files;
	CHECK(segment_create(plan, cam, &files) == 0 && !segment_is_frozen(plan, cam, &files));
	CHECK(segment_map_writer(w, plan, cam, 1, &files) == 0 && segment_is_frozen(plan, cam, &files));
	return files;
}

static int map_as(struct segment *s, const struct segment_files *files) {
	return segment_map_reader(s, plan, cam, 1, files, reader);
}

static void has_one_writer(void) {
	struct segment w, r, again;
	struct segment_files files;
	CHECK(segment_create(plan, cam, &files) == 0);
	CHECK(map_as(&r, &files) == -EPROTO); /* not formatted, not frozen */
	segment_close_files(&files);
	files = born(&w);
	CHECK(segment_map_writer(&again, plan, cam, 1, &files) == -EPERM && !again.base);
	for (unsigned k = 0; k < plan_processes(plan)[cam].part_count; k++) {
		size_t bytes = plan_part_bytes(&plan_processes(plan)[cam], k);
		CHECK(mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, files.fd[k], 0) == MAP_FAILED);
		CHECK(pwrite(files.fd[k], "x", 1, 0) < 0);
		CHECK(ftruncate(files.fd[k], 0) < 0);
	}
	CHECK(map_as(&r, &files) == 0);
	CHECK(mprotect(r.base, LAYOUT_PAGE, PROT_READ | PROT_WRITE) < 0);
	CHECK(segment_map_reader(&again, plan, cam, 2, &files, reader) == -EPROTO); /* another epoch */
	CHECK(segment_map_reader(&again, plan, cam, 0, &files, reader) == -EPROTO);
	CHECK(segment_map_reader(&again, plan, reader, 1, &files, cam) == -EPROTO); /* another process */
	segment_unmap(&w);
	segment_unmap(&w); /* none: nothing to do */
	segment_unmap(&r);
	segment_close_files(&files);
}

/* What may a child do with that address?  The signal that ends it, or 0. */
static int try(unsigned char *at, bool to_write) {
	int status;
	pid_t pid = fork();
	CHECK(pid >= 0);
	if (pid == 0) {
		volatile unsigned char *p = at;
		signal(SIGSEGV, SIG_DFL);
		if (to_write)
			*p = 1;
		else
			(void)*p;
		_exit(0);
	}
	CHECK(waitpid(pid, &status, 0) == pid);
	return WIFSIGNALED(status) ? WTERMSIG(status) : 0;
}

/* Rights are a boundary in memory: the MMU stops who writes, and who reads what the plan does not let him. */
static void rights_are_in_the_hardware(void) {
	struct segment w, r, s;
	struct segment_files files = born(&w), some = segment_no_files();
	uint32_t rights = segment_parts_for(plan, cam, reader), strangers = segment_parts_for(plan, cam, stranger);
	CHECK(field(frame)->part == field(level)->part && field(secret)->part != field(frame)->part);
	CHECK(rights == 7 && strangers == (1u << field(frame)->part | 1) && segment_parts_for(plan, cam, cam) == 7);
	for (unsigned k = 0; k < PLAN_PARTS_MAX; k++) /* what the parent gives him, and no more */
		some.fd[k] = strangers >> k & 1 ? files.fd[k] : -1;
	CHECK(map_as(&r, &some) == -EPROTO && !r.base); /* some of what a reader must get is not there */
	CHECK(map_as(&r, &files) == 0);
	CHECK(segment_map_reader(&s, plan, cam, 1, &some, stranger) == 0 && s.parts == strangers);
	CHECK(try(r.base, true) == SIGSEGV && try(r.base + field(secret)->offset, true) == SIGSEGV);
	CHECK(try(r.base + field(secret)->offset, false) == 0 && try(s.base + field(frame)->offset, false) == 0);
	CHECK(try(s.base + field(secret)->offset, false) == SIGSEGV);
	CHECK(segment_empty(&s) == 0 && s.base[field(frame)->offset] == 0 && s.base[0] == 0);
	segment_unmap(&w);
	segment_unmap(&r);
	segment_unmap(&s);
	segment_close_files(&files);
}

static void refuses_another_plan(void) {
	static struct plan_builder b;
	plan_builder_begin(&b, "robot");
	b.head.first_model = PLAN_NONE;
	plan_builder_process(&b, "camera", PLAN_HOST, 4);
	plan_builder_process(&b, "reader", PLAN_WORKER, 4);
	plan_builder_process(&b, "stranger", PLAN_WORKER, 4);
	plan_builder_field(&b, "frame", CDM_U8, 10000, 4, 2, cam, PLAN_BUILDER_ALL);
	plan_builder_field(&b, "other", CDM_F32, 1, 3, 0, cam, 1u << reader); /* the same sizes */
	plan_builder_field(&b, "level", CDM_F32, 1, 3, 0, cam, PLAN_BUILDER_ALL);
	struct plan *other = plan_builder_finish(&b);
	struct segment w, r;
	struct segment_files files;
	CHECK(segment_create(other, cam, &files) == 0);
	CHECK(segment_map_writer(&w, other, cam, 1, &files) == 0);
	CHECK(map_as(&r, &files) == -EPROTO && !r.base);
	CHECK(segment_map_reader(&r, other, cam, 1, &files, reader) == 0);
	segment_unmap(&w);
	segment_unmap(&r);
	segment_close_files(&files);
	free(other);
}

/* Each part in turn is something else. */
static void refuses_files_that_are_no_segments(void) {
	struct segment w, s;
	struct segment_files files = born(&w);
	int fds[2];
	CHECK(pipe(fds) == 0);
	for (unsigned k = 0; k < plan_processes(plan)[cam].part_count; k++) {
		struct segment_files wrong = files, fresh;
		size_t bytes = plan_part_bytes(&plan_processes(plan)[cam], k);
		int small = io_memory("small", bytes - 1);
		int loose = memfd_create("loose", MFD_CLOEXEC | MFD_ALLOW_SEALING);
		CHECK(ftruncate(loose, (off_t)bytes) == 0);
		const int others[] = { small, loose /* it could shrink under us */, fds[0], -1 };
		for (size_t i = 0; i < COUNT_OF(others); i++) {
			wrong.fd[k] = others[i];
			CHECK(map_as(&s, &wrong) == -EPROTO && !s.base);
			CHECK(segment_create(plan, cam, &fresh) == 0);
			int right = fresh.fd[k];
			fresh.fd[k] = others[i];
			CHECK(segment_map_writer(&s, plan, cam, 1, &fresh) == -EPROTO && !s.base);
			fresh.fd[k] = right;
			segment_close_files(&fresh);
		}
		close(small);
		close(loose);
	}
	close(fds[0]);
	close(fds[1]);
	segment_unmap(&w);
	segment_close_files(&files);
}

/* Whatever stands in any word that a reader relies on: right, or refused. */
static void refuses_each_wrong_word(void) {
	const size_t places[] = { 0, plan_processes(plan)[cam].desk_offset, field(frame)->offset,
		field(secret)->offset, field(level)->offset };
	const size_t lengths[] = { offsetof(struct layout_head, formatted_ns), 8, 24, 24, 24 };
	const size_t pid = offsetof(struct layout_head, pid);
	struct segment w, r;
	struct segment_files files = born(&w);
	for (size_t p = 0; p < COUNT_OF(places); p++) {
		for (size_t i = places[p]; i < places[p] + lengths[p]; i++) {
			if (i >= pid && i < pid + 4)
				continue;
			w.base[i] ^= 0x40;
			CHECK(map_as(&r, &files) == -EPROTO);
			w.base[i] ^= 0x40;
		}
	}
	w.base[field(secret)->offset] ^= 0x40; /* which a stranger cannot see */
	CHECK(segment_map_reader(&r, plan, cam, 1, &files, stranger) == 0);
	segment_unmap(&r);
	w.base[field(secret)->offset] ^= 0x40;
	CHECK(map_as(&r, &files) == 0);
	segment_unmap(&r);
	segment_unmap(&w);
	segment_close_files(&files);
}

/* All bytes right, but its owner could still hand out writable mappings of it. */
static void refuses_what_is_not_frozen(void) {
	struct segment w, r;
	struct segment_files files = born(&w);
	for (unsigned k = 0; k < plan_processes(plan)[cam].part_count; k++) {
		struct segment_files loose = files;
		size_t bytes = plan_part_bytes(&plan_processes(plan)[cam], k);
		loose.fd[k] = io_memory("loose", bytes);
		CHECK(loose.fd[k] >= 0);
		CHECK(pwrite(loose.fd[k], w.base + plan_processes(plan)[cam].parts[k].at, bytes, 0) == (ssize_t)bytes);
		CHECK(map_as(&r, &loose) == -EPROTO);
		CHECK(io_memory_freeze_writers(loose.fd[k]) == 0);
		CHECK(map_as(&r, &loose) == 0);
		segment_unmap(&r);
		close(loose.fd[k]);
	}
	segment_unmap(&w);
	segment_close_files(&files);
}

static void counts(void) {
	struct segment w, r, none = { 0 };
	struct segment_files files = born(&w);
	CHECK(map_as(&r, &files) == 0);
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
	segment_close_files(&files);
}

int main(void) {
	make_plan();
	has_one_writer();
	rights_are_in_the_hardware();
	refuses_another_plan();
	refuses_files_that_are_no_segments();
	refuses_each_wrong_word();
	refuses_what_is_not_frozen();
	counts();
	free(plan);
	puts("segment_test: ok");
}
