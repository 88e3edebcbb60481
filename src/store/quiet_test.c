/*
 * quiet_test.c - what is done with a sample makes no system call and allocates nothing: a child does it under a filter
 * that kills it at the first call.  The filter is seen to work by children that make one on purpose, or wake a sleeper;
 * so is the count of allocations, for which this test is linked with --wrap.
 */
#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
#include "store/desk.h"
#include "store/field.h"
#include "test/lib/watched.h"
#include "test/lib/world.h"

enum { CORE, GUARD, CAM, READER };

static struct world w;
static uint16_t level, frame;
static struct field reader; /* of what is written */
static unsigned allocations;

void *__real_malloc(size_t bytes);
void *__wrap_malloc(size_t bytes);
void *__real_calloc(size_t n, size_t bytes);
void *__wrap_calloc(size_t n, size_t bytes);

void *__wrap_malloc(size_t bytes) {
	allocations++;
	return __real_malloc(bytes);
}

void *__wrap_calloc(size_t n, size_t bytes) {
	allocations++;
	return __real_calloc(n, bytes);
}

static void fresh(void) {
	static struct plan_builder b;
	plan_builder_begin(&b, "robot");
	CHECK(plan_builder_process(&b, "camera", PLAN_HOST, 4) == CAM);
	CHECK(plan_builder_process(&b, "reader", PLAN_WORKER, 2) == READER);
	level = plan_builder_field(&b, "level", CDM_U64, 1, 8, 0, CAM, 1u << READER);
	frame = plan_builder_field(&b, "frame", CDM_U64, 1000, 5, 2, CAM, 1u << READER);
	world_open(&w, &b);
}

/* From here on this process may end, and do nothing else. */
static void forbid_calls(void) {
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_exit_group, 1, 0),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog program = { .len = sizeof(code) / sizeof(*code), .filter = code };
	CHECK(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0);
	CHECK(prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0);
}

/* Whether a child that does this lives to its end without the kernel, and without the allocator. */
static bool is_quiet(void (*what)(struct field_writer *), uint16_t field) {
	struct field_writer writer;
	int status;
	CHECK(field_writer_open(&writer, &w.at[CAM], field) == 0);
	CHECK(field_open(&reader, &w.at[READER], field) == 0);
	pid_t pid = fork();
	CHECK(pid >= 0);
	if (pid == 0) {
		forbid_calls();
		allocations = 0;
		what(&writer);
		syscall(SYS_exit_group, allocations != 0);
	}
	CHECK(waitpid(pid, &status, 0) == pid);
	field_close(&reader);
	field_writer_close(&writer);
	if (WIFEXITED(status))
		return WEXITSTATUS(status) == 0;
	CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS);
	return false;
}

static void publish(struct field_writer *writer) {
	struct field_meta m = field_meta_of(0);
	for (uint64_t i = 1; i <= 1000; i++)
		CHECK(field_write(writer, &i, sizeof(i), &m, (struct cdm_mono){ (int64_t)i }) == 0);
}

static void lend(struct field_writer *writer) {
	struct field_meta m = field_meta_of(0);
	for (int64_t i = 1; i <= 1000; i++) {
		uint64_t *loan = field_loan(writer);
		CHECK(loan);
		*loan = (uint64_t)i;
		field_publish(writer, sizeof(*loan), &m, (struct cdm_mono){ i });
	}
}

/* Every way to take a sample. */
static void take(struct field_writer *writer) {
	struct field_meta m = field_meta_of(0);
	struct cdm_info info;
	struct field_lease l;
	const struct cdm_mono now = { 1000 };
	bool lends = writer->plan->leases > 0;
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

static void ask_the_kernel(struct field_writer *writer) {
	(void)writer;
	syscall(SYS_getppid);
}

static void allocate(struct field_writer *writer) {
	(void)writer;
	void *volatile p = malloc(1); /* or the compiler leaves both out */
	free(p);
}

int main(void) {
	if (IS_WATCHED) {
		puts("skipped: ThreadSanitizer itself makes system calls");
		return 77;
	}
	fresh();
	CHECK(!is_quiet(ask_the_kernel, level));
	CHECK(is_quiet(publish, level));
	CHECK(is_quiet(publish, frame));
	CHECK(!is_quiet(allocate, level));
	CHECK(is_quiet(lend, level) && is_quiet(lend, frame));
	CHECK(is_quiet(take, level) && is_quiet(take, frame));
	desk_wait_begin(&w.at[READER], level);
	CHECK(!is_quiet(publish, level));
	CHECK(is_quiet(publish, frame));
	desk_wait_end(&w.at[READER], level);
	CHECK(is_quiet(publish, level));
	world_close(&w);
	return 0;
}
