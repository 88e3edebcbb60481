/*
 * death.c - a writer is killed: when does a reader know, and when is it replaced?
 *
 *     bench-death                commands on stdin: `kernel N`, `orphan N`, `takeover N`, `asleep N`, `woken N`,
 *                                `stop MS`
 *     bench-death write WAIT     the writer: becomes the sensor `mortal`, or stands by for it, and publishes
 *
 * The measuring process starts the writers, kills them, and polls the field meanwhile: cdm_peek() every 50 us.  One
 * that spins would take a core from those who have something to do about the death, and one that yields gets none back
 * while others compute.  Times begin just before kill(2).
 *
 * `kernel`: the floor; until a pidfd tells.  `orphan`: until the last sample is CDM_ORPHAN.  `takeover`: another writer
 * stands by; until its first sample is seen.  `asleep`: the same, with the reader in cdm_wait() instead of polling.
 * `woken`: nobody stands by; until cdm_wait() says -EOWNERDEAD.  `stop`: the writer is stopped for so long; how often
 * its sample was an orphan meanwhile.
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
#include "cadmus/client.h"
#include "bench/lib/must.h"
#include "bench/lib/ticks.h"

#define PATIENCE_NS 10000000000u

static struct cdm_machine *machine;
static struct cdm_reader *beat;

/* ---- the writer ---------------------------------------------------------------------------------- */

/* Says `S` when it is about to stand by, and `W` when its first sample is there; then beats until it is killed. */
static int write_until_killed(int64_t wait_ns) {
	struct cdm_machine *m;
	struct cdm_writer *w;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (write(1, "S", 1) != 1 || cdm_attach_as("bench", "mortal", wait_ns, &m, NULL) < 0 ||
			cdm_writer_open(m, "beat", &w) < 0)
		return 1;
	for (uint64_t n = 1;; n++) {
		if (cdm_write(w, &n, sizeof(n), NULL) < 0 || (n == 1 && write(1, "W", 1) != 1))
			return 1;
		poll(NULL, 0, n == 1 ? 0 : 1);
	}
}

struct writer {
	pid_t pid;
	int said;
};

static struct writer writer_start(const char *self, const char *wait_ns) {
	int pipe_fd[2];
	if (pipe(pipe_fd) < 0)
		must(-errno, "pipe");
	struct writer w = { .pid = fork(), .said = pipe_fd[0] };
	if (w.pid == 0) {
		dup2(pipe_fd[1], 1);
		close(pipe_fd[0]), close(pipe_fd[1]);
		execl(self, self, "write", wait_ns, (char *)NULL);
		_exit(127);
	}
	must(w.pid < 0 ? -errno : 0, "fork");
	close(pipe_fd[1]);
	return w;
}

static void writer_says(const struct writer *w, char what) {
	char c = 0;
	while (read(w->said, &c, 1) == 1 && c != what)
		;
	must(c == what ? 0 : -EPIPE, "a writer has ended by itself");
}

static void writer_bury(struct writer *w) {
	waitpid(w->pid, NULL, 0);
	close(w->said);
}

/* Stands by: it is known to only by being asleep, so wait until it is and the parent has had time to hear of it. */
static void writer_stands_by(const struct writer *w) {
	writer_says(w, 'S');
	poll(NULL, 0, 20);
}

/* ---- the reader ---------------------------------------------------------------------------------- */

static uint32_t epoch_now(void) {
	struct cdm_info i;
	return cdm_peek(beat, &i) == 0 ? i.epoch : 0;
}

/* Until the newest sample is one of a writer that lives; its epoch. */
static uint32_t epoch_alive(void) {
	struct cdm_info i;
	uint64_t until_ns = mono_ns() + PATIENCE_NS;
	while (cdm_peek(beat, &i) < 0 || i.status == CDM_ORPHAN)
		must(mono_ns() > until_ns ? -ETIMEDOUT : 0, "the reader has seen nothing of a new writer");
	return i.epoch;
}

/* Poll until the sample is an orphan (epoch 0), or of another epoch than that. */
static double poll_until(uint64_t from_ns, uint32_t epoch) {
	struct cdm_info i = { 0 };
	uint64_t now_ns;
	do {
		int rc = cdm_peek(beat, &i);
		if (rc < 0 && rc != -EAGAIN)
			must(rc, "cdm_peek");
		now_ns = mono_ns();
		if (now_ns - from_ns > PATIENCE_NS)
			must(-ETIMEDOUT, "the reader has seen nothing of it");
		struct timespec pause = { .tv_nsec = 50000 };
		ppoll(NULL, 0, &pause, NULL);
	} while (epoch ? i.epoch == epoch : i.status != CDM_ORPHAN);
	return (double)(now_ns - from_ns);
}

static double wait_until(uint64_t from_ns, uint32_t epoch) {
	do {
		int rc = cdm_wait(beat, (int64_t)PATIENCE_NS);
		must(rc == -EOWNERDEAD ? 0 : rc, "cdm_wait"); /* the next one is on its way */
		cdm_skip(beat);
	} while (epoch_now() == epoch);
	return (double)(mono_ns() - from_ns);
}

static void samples_out(const double *samples, uint32_t n) {
	printf("samples %u\n", n);
	fwrite(samples, sizeof(*samples), n, stdout);
}

static void kernel(uint32_t n, double *samples) {
	for (uint32_t k = 0; k < n; k++) {
		pid_t pid = fork();
		if (pid == 0)
			for (;;)
				pause();
		struct pollfd p = { .fd = (int)syscall(SYS_pidfd_open, pid, 0), .events = POLLIN };
		must(pid < 0 || p.fd < 0 ? -errno : 0, "pidfd_open");
		poll(NULL, 0, 5); /* it is asleep by then, as a writer is between two samples */
		uint64_t from_ns = mono_ns();
		kill(pid, SIGKILL);
		poll(&p, 1, -1);
		samples[k] = (double)(mono_ns() - from_ns);
		waitpid(pid, NULL, 0);
		close(p.fd);
	}
	samples_out(samples, n);
}

/* When it was killed. */
static uint64_t start_and_kill(const char *self, struct writer *w) {
	*w = writer_start(self, "10000000000");
	writer_says(w, 'W');
	epoch_alive();
	uint64_t from_ns = mono_ns();
	kill(w->pid, SIGKILL);
	return from_ns;
}

static void orphan(const char *self, uint32_t n, double *samples) {
	for (uint32_t k = 0; k < n; k++) {
		struct writer w;
		uint64_t from_ns = start_and_kill(self, &w);
		samples[k] = poll_until(from_ns, 0);
		writer_bury(&w);
	}
	samples_out(samples, n);
}

static void takeover(const char *self, uint32_t n, double *samples, double (*until)(uint64_t, uint32_t)) {
	struct writer w = writer_start(self, "10000000000");
	writer_says(&w, 'W');
	for (uint32_t k = 0; k < n; k++) {
		struct writer next = writer_start(self, "-1");
		writer_stands_by(&next);
		cdm_skip(beat);
		uint32_t epoch = epoch_alive();
		uint64_t from_ns = mono_ns();
		kill(w.pid, SIGKILL);
		samples[k] = until(from_ns, epoch);
		writer_bury(&w);
		w = next;
		writer_says(&w, 'W');
	}
	kill(w.pid, SIGKILL);
	writer_bury(&w);
	samples_out(samples, n);
}

/* It goes to sleep before anybody knows of the death. */
static void woken(const char *self, uint32_t n, double *samples) {
	for (uint32_t k = 0; k < n; k++) {
		struct writer w;
		uint64_t from_ns = start_and_kill(self, &w);
		int rc;
		while ((rc = cdm_wait(beat, (int64_t)PATIENCE_NS)) == 0)
			cdm_skip(beat);
		samples[k] = (double)(mono_ns() - from_ns);
		must(rc == -EOWNERDEAD ? 0 : rc, "cdm_wait");
		writer_bury(&w);
	}
	samples_out(samples, n);
}

/* Orphans seen among how many looks, a millisecond apart. */
static void stop(const char *self, uint32_t ms) {
	struct writer w = writer_start(self, "10000000000");
	writer_says(&w, 'W');
	uint32_t looks = 0, orphans = 0, epoch = epoch_alive();
	kill(w.pid, SIGSTOP);
	for (uint64_t until_ns = mono_ns() + ms * UINT64_C(1000000); mono_ns() < until_ns; looks++) {
		struct cdm_info i;
		must(cdm_peek(beat, &i), "cdm_peek");
		orphans += i.status == CDM_ORPHAN || i.epoch != epoch;
		poll(NULL, 0, 1);
	}
	kill(w.pid, SIGCONT);
	cdm_skip(beat);
	must(cdm_wait(beat, (int64_t)PATIENCE_NS), "it does not go on");
	kill(w.pid, SIGKILL);
	writer_bury(&w);
	printf("ok %u %u\n", looks, orphans);
}

int main(int argc, char **argv) {
	char line[64];
	uint32_t n;
	if (argc == 3 && strcmp(argv[1], "write") == 0)
		return write_until_killed(atoll(argv[2]));
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	prctl(PR_SET_TIMERSLACK, 1); /* so that 50 us are not 100 */
	must(cdm_attach("bench", &machine, NULL), "attach");
	must(cdm_open(machine, "beat", &beat), "beat");
	printf("ok\n");
	fflush(stdout);
	while (fgets(line, sizeof(line), stdin)) {
		double *samples = calloc(100000, sizeof(*samples));
		if (sscanf(line, "kernel %u", &n) == 1)
			kernel(n, samples);
		else if (sscanf(line, "orphan %u", &n) == 1)
			orphan("/proc/self/exe", n, samples);
		else if (sscanf(line, "takeover %u", &n) == 1)
			takeover("/proc/self/exe", n, samples, poll_until);
		else if (sscanf(line, "asleep %u", &n) == 1)
			takeover("/proc/self/exe", n, samples, wait_until);
		else if (sscanf(line, "woken %u", &n) == 1)
			woken("/proc/self/exe", n, samples);
		else if (sscanf(line, "stop %u", &n) == 1)
			stop("/proc/self/exe", n);
		free(samples);
		fflush(stdout);
	}
	return 0;
}
