/*
 * cost.c - what a call costs the one process that makes it: reads, leases, publishes that nobody waits for.
 *
 *     bench-cost        commands on stdin: `costs N`, then `quiet N`
 *
 * A call is shorter than a look at the clock, so each sample is the mean of a batch of BATCH calls.  `quiet` proves
 * that a publish without waiters makes no system call: a filter traps every one that this thread makes, and they are
 * counted; the filter is seen to work by calling the kernel once on purpose.
 */
#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>
#include "cadmus/client.h"
#include "bench/lib/must.h"
#include "bench/lib/ticks.h"

#define BATCH 128
#define BYTES_MAX 1024

static struct cdm_machine *as_client, *as_copy, *as_lease;
static struct cdm_writer *out;
static struct cdm_reader *in;
static unsigned char buffer[BYTES_MAX];
static uint32_t bytes;

/* ---- the calls ----------------------------------------------------------------------------------- */

static void call_read(void) {
	struct cdm_info info;
	must(cdm_read(in, buffer, bytes, &info), "cdm_read");
	__asm__ volatile("" : : "r"(buffer) : "memory");
}

static void call_lease(void) {
	struct cdm_sample s;
	must(cdm_lease(in, &s), "cdm_lease");
	cdm_release(&s);
}

static void call_write(void) {
	must(cdm_write(out, buffer, bytes, NULL), "cdm_write");
}

static void call_publish(void) {
	if (!cdm_loan(out))
		must(-EAGAIN, "cdm_loan");
	must(cdm_publish(out, bytes, NULL), "cdm_publish");
}

static void call_copy(void) {
	static unsigned char from[BYTES_MAX];
	__asm__ volatile("" : : "r"(from), "r"(buffer) : "memory");
	memcpy(buffer, from, bytes);
	__asm__ volatile("" : : "r"(buffer) : "memory");
}

/* What a batch costs besides the call. */
static void call_nothing(void) {
	__asm__ volatile("" : : "r"(buffer) : "memory");
}

static void call_clock(void) {
	(void)mono_ns();
}

static const struct {
	const char *name;
	void (*call)(void);
	bool lease; /* of which sort its field is */
} calls[] = {
	{ "(nothing)", call_nothing, false },
	{ "clock", call_clock, false },
	{ "memcpy", call_copy, false },
	{ "cdm_read", call_read, false },
	{ "cdm_lease + release", call_lease, true },
	{ "cdm_write", call_write, false },
	{ "cdm_loan + publish", call_publish, true },
};

/* ---- measuring ----------------------------------------------------------------------------------- */

static void open_field(bool lease) {
	char name[CDM_NAME_MAX];
	snprintf(name, sizeof(name), "self_%s_%u", lease ? "lease" : "copy", bytes);
	must(cdm_writer_open(lease ? as_lease : as_copy, name, &out), name);
	must(cdm_open(as_client, name, &in), name);
	must(cdm_write(out, buffer, bytes, NULL), name);
}

static void close_field(void) {
	cdm_close(in);
	cdm_writer_close(out);
}

static void await_lease(void) {
	struct cdm_sample s;
	uint64_t until_ns = mono_ns() + 10000000000u;
	while (cdm_lease(in, &s) == -EAGAIN && mono_ns() < until_ns)
		; /* the writer has yet to hear of this client: no call tells when it has */
	cdm_release(&s);
}

static void measure(unsigned which, uint32_t count, double tick) {
	double *samples = calloc(count, sizeof(*samples));
	if (!samples)
		must(-ENOMEM, "samples");
	open_field(calls[which].lease);
	if (calls[which].call == call_lease)
		await_lease();
	for (uint32_t i = 0; i < count + count / 10; i++) { /* the first tenth warms up */
		uint64_t from = ticks();
		for (unsigned k = 0; k < BATCH; k++)
			calls[which].call();
		samples[i % count] = (double)(ticks() - from) * tick / BATCH;
	}
	close_field();
	printf("samples %u\n", count);
	fwrite(samples, sizeof(*samples), count, stdout);
	free(samples);
}

static void costs(uint32_t count) {
	static const uint32_t sizes[] = { 8, 16, 24, 32, 48, 64, 88, 1024 };
	static unsigned first; /* another one each time: what disturbs the beginning disturbs all */
	const unsigned n = sizeof(sizes) / sizeof(*sizes);
	double tick = tick_ns();
	first++;
	for (unsigned s = 0; s < n; s++)
		for (unsigned c = 0; c < sizeof(calls) / sizeof(*calls); c++) {
			bytes = sizes[(first + s) % n];
			printf("ok %u %s\n", bytes, calls[c].name);
			measure(c, count, tick);
		}
	printf("ok end\n");
}

/* ---- system calls -------------------------------------------------------------------------------- */

static volatile sig_atomic_t trapped;

static void on_trap(int signal) {
	(void)signal;
	trapped++;
}

/* From here on every call of this thread to the kernel is a SIGSYS, but for the return from that, and the end. */
static void trap_all(void) {
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_rt_sigreturn, 3, 0),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_write, 2, 0), /* of the answer */
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_exit_group, 1, 0),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_TRAP),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog program = { .len = sizeof(code) / sizeof(*code), .filter = code };
	struct sigaction a = { .sa_handler = on_trap };
	sigaction(SIGSYS, &a, NULL);
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 || prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) < 0)
		must(-errno, "seccomp");
}

static void quiet(uint32_t count) {
	char answer[80];
	bytes = 64;
	open_field(false);
	trap_all();
	for (uint32_t i = 0; i < count; i++)
		call_write();
	int in_loop = trapped;
	syscall(SYS_getppid);
	int n = snprintf(answer, sizeof(answer), "ok %u %d %d\n", count, in_loop, trapped - in_loop);
	if (write(1, answer, (size_t)n) != n)
		_exit(1);
	_exit(0);
}

int main(void) {
	char line[64];
	uint32_t n;
	must(cdm_attach("bench", &as_client, NULL), "attach");
	must(cdm_attach_as("bench", "self_copy", 0, &as_copy, NULL), "attach as self_copy");
	must(cdm_attach_as("bench", "self_lease", 0, &as_lease, NULL), "attach as self_lease");
	printf("ok\n");
	fflush(stdout);
	while (fgets(line, sizeof(line), stdin)) {
		if (sscanf(line, "costs %u", &n) == 1)
			costs(n);
		else if (sscanf(line, "quiet %u", &n) == 1)
			quiet(n);
		fflush(stdout);
	}
	return 0;
}
