/*
 * quiet_test.c - what is done with a sample makes no system call, allocates nothing and locks nothing: see
 * test/lib/quiet.h, which is seen to work by what makes a call on purpose, or allocates, or wakes a sleeper.
 */
#include <errno.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <unistd.h>
#include "store/desk.h"
#include "store/field.h"
#include "test/lib/quiet.h"
#include "test/lib/watched.h"
#include "test/lib/world.h"

enum { CORE, GUARD, CAM, READER };

static struct world w;
static uint16_t level, frame;
static struct field reader; /* of what is written */

static void fresh(void) {
	static struct plan_builder b;
	plan_builder_begin(&b, "robot");
	CHECK(plan_builder_process(&b, "camera", PLAN_HOST, 4) == CAM);
	CHECK(plan_builder_process(&b, "reader", PLAN_WORKER, 2) == READER);
	level = plan_builder_field(&b, "level", CDM_U64, 1, 8, 0, CAM, 1u << READER);
	frame = plan_builder_field(&b, "frame", CDM_U64, 1000, 5, 2, CAM, 1u << READER);
	world_open(&w, &b);
}

/* What is seen of one who does this with the writer of a field. */
static unsigned seen_of(void (*what)(void *), uint16_t field) {
	struct field_writer writer;
	CHECK(field_writer_open(&writer, &w.at[CAM], field) == 0);
	CHECK(field_open(&reader, &w.at[READER], field) == 0);
	unsigned seen = quiet_seen(NULL, what, &writer);
	field_close(&reader);
	field_writer_close(&writer);
	return seen;
}

static void publish(void *writer) {
	struct field_meta m = field_meta_of(0);
	for (uint64_t i = 1; i <= 1000; i++)
		CHECK(field_write(writer, &i, sizeof(i), &m, (struct cdm_mono){ (int64_t)i }) == 0);
}

static void lend(void *writer) {
	struct field_meta m = field_meta_of(0);
	for (int64_t i = 1; i <= 1000; i++) {
		uint64_t *loan = field_loan(writer);
		CHECK(loan);
		*loan = (uint64_t)i;
		field_publish(writer, sizeof(*loan), &m, (struct cdm_mono){ i });
	}
}

/* Every way to take a sample. */
static void take(void *writer) {
	struct field_meta m = field_meta_of(0);
	struct cdm_info info;
	struct field_lease l;
	const struct cdm_mono now = { 1000 };
	bool lends = ((struct field_writer *)writer)->plan->leases > 0;
	struct field_counts counts;
	uint64_t v;
	for (uint64_t i = 1; i <= 100; i++) {
		CHECK(field_write(writer, &i, sizeof(i), &m, now) == 0 && field_news(&reader) == 1);
		CHECK(field_peek(&reader, now, &info) == 0 && field_next(&reader, &v, sizeof(v), now, &info) == 0);
		CHECK(field_read(&reader, &v, sizeof(v), now, &info) == 0 && v == i);
		CHECK(field_read_at(&reader, now, &v, sizeof(v), now, &info) == 0);
		CHECK(field_lease(&reader, now, &l) == (lends ? 0 : -ENOTSUP));
		field_release(&l);
		CHECK(field_lease_next(&reader, now, &l) == -EAGAIN && field_counts(&reader, &counts) == 0);
	}
}

static void ask_the_kernel(void *writer) {
	(void)writer;
	syscall(SYS_getppid);
}

static void allocate(void *of) {
	(void)of;
	void *volatile p = malloc(1); /* or the compiler leaves both out */
	free(p);
}

int main(void) {
	if (IS_WATCHED) {
		puts("skipped: ThreadSanitizer itself makes system calls");
		return 77;
	}
	fresh();
	CHECK(seen_of(ask_the_kernel, level) == CALLS);
	CHECK(seen_of(publish, level) == QUIET);
	CHECK(seen_of(publish, frame) == QUIET);
	CHECK(quiet_seen(allocate, allocate, NULL) == ALLOCATES); /* a sanitizer's allocator asks the kernel at first */
	CHECK(seen_of(lend, level) == QUIET && seen_of(lend, frame) == QUIET);
	CHECK(seen_of(take, level) == QUIET && seen_of(take, frame) == QUIET);
	desk_wait_begin(&w.at[READER], level);
	CHECK(seen_of(publish, level) == CALLS);
	CHECK(seen_of(publish, frame) == QUIET);
	desk_wait_end(&w.at[READER], level);
	CHECK(seen_of(publish, level) == QUIET);
	world_close(&w);
	return 0;
}
