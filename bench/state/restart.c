/*
 * restart.c - a long journal: made, written to until somebody kills this process, and opened again as core does it.
 *
 *     bench-restart PATH        commands on stdin, answers as in keep.c:
 *
 *     fill BYTES       records like those of a machine, until the file is so long; how many there are
 *     write            the same, without end: kill it
 *     open             owned, recovered, and the first record of a new life on the disk: what core does before it
 *                      serves (src/runtime/core.c).  ns of each of the three, then of a hash of the state, and the
 *                      number of records that were there
 */
#include <errno.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include "bench/lib/must.h"
#include "bench/lib/ticks.h"
#include "bench/state/ours.h"
#include "journal/body.h"
#include "journal/journal_read.h"

#define TURN_BYTES 512
#define BETWEEN_LOOKS 1024 /* records, at how long the file is */

static const char *path;
static struct ours ours;

static off_t size_now(void) {
	struct stat s;
	must(stat(path, &s) < 0 ? -errno : 0, path);
	return s.st_size;
}

/* Of ten records five are turns, three evidence, one is a command, one its outcome. */
static struct journal_entry record(uint64_t number) {
	switch (number % 10) {
	case 2:
	case 5:
	case 8: return ours_evidence(number);
	case 3: return ours_command(number / 10 + 1);
	case 7: return ours_outcome(number / 10 + 1);
	default: return ours_turn(TURN_BYTES, number);
	}
}

static void settle(void) {
	uint64_t ticket;
	if (!ours_take(&ours, &ticket))
		ours_sleep(&ours);
}

static void submit(uint64_t number) {
	struct journal_entry e = record(number);
	int rc;
	while ((rc = journal_submit(ours.journal, &e, 1, JOURNAL_D1, NULL)) == -EAGAIN)
		settle();
	must(rc, "submit");
}

static uint64_t fill(uint64_t bytes) {
	uint64_t number = 0;
	ours_open(&ours, path);
	while ((uint64_t)size_now() < bytes)
		for (unsigned i = 0; i < BETWEEN_LOOKS; i++)
			submit(number++);
	journal_stop(&ours.journal);
	return number;
}

/* ---- as core does it ---- */

static void recover(struct journal_state *s) {
	struct journal_reader *r;
	must(journal_read_open(path, &r, NULL), "read");
	must(journal_state_at(r, UINT64_MAX, s, NULL), "state");
	must(journal_snapshot_at(r, UINT64_MAX, &ours.snapped), "snapshots");
	journal_read_close(&r);
}

static void write_on(void) {
	ours_open(&ours, path);
	recover(ours.state);
	uint64_t number = journal_tail(ours.journal)->seq;
	printf("ok\n");
	fflush(stdout);
	for (;;)
		submit(number++);
}

static void begin_epoch(void) {
	uint8_t body[128];
	struct body_epoch b = { ours.state->epoch + 1, { { 0 } } };
	int n = body_build_epoch(&b, body, sizeof(body));
	uint64_t ticket;
	must(n, "epoch");
	struct journal_entry e = { JOURNAL_EPOCH, JOURNAL_MACHINE, "core", "", body, (size_t)n, NULL };
	journal_set_epoch(ours.journal, b.epoch);
	must(journal_submit(ours.journal, &e, 1, JOURNAL_D2, &ticket), "epoch");
	ours_await(&ours, ticket);
}

static void open_again(void) {
	uint64_t at[5], records;
	at[0] = mono_ns();
	ours_open(&ours, path);
	at[1] = mono_ns();
	recover(ours.state);
	records = ours.state->seq;
	must(records == journal_tail(ours.journal)->seq ? 0 : -EPROTO, "the state is not that of the last record");
	at[2] = mono_ns();
	begin_epoch();
	at[3] = mono_ns();
	struct hash h = state_hash(ours.state);
	at[4] = mono_ns();
	must(h.bytes[0] || h.bytes[1] || h.bytes[2] || h.bytes[3] ? 0 : -EPROTO, "the hash is zero");
	printf("ok");
	for (unsigned i = 0; i < 4; i++)
		printf(" %llu", (unsigned long long)(at[i + 1] - at[i]));
	printf(" %llu\n", (unsigned long long)records);
}

static void do_line(const char *line) {
	unsigned long long bytes;
	if (sscanf(line, "fill %llu", &bytes) == 1)
		printf("ok %llu\n", (unsigned long long)fill(bytes));
	else if (strcmp(line, "write\n") == 0)
		write_on();
	else if (strcmp(line, "open\n") == 0)
		open_again();
	else
		die("not understood: %s", line);
}

int main(int argc, char **argv) {
	char line[256];
	if (argc < 2) {
		fprintf(stderr, "usage: %s PATH; bench/run starts it\n", argv[0]);
		return 2;
	}
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	path = argv[1];
	printf("ok -\n");
	fflush(stdout);
	while (fgets(line, sizeof(line), stdin)) {
		do_line(line);
		fflush(stdout);
	}
	journal_stop(&ours.journal);
	return 0;
}
