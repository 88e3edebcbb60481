/*
 * evidence.c - records that may wait for company: what a submit costs, how many fit into a second.
 *
 *     bench-evidence DIR        commands on stdin, answers as in keep.c:
 *
 *     d1 MS MAX    evidence of class D1, a record a batch, as fast as the queue takes it, until that time is over and
 *                  all of it is on the disk; what each submit took
 *     sum          of that: records, ns until the last was on the disk, submits answered "full", commits, ns of the
 *                  slowest commit
 *     d0 COUNT     records that are counted only; each sample is the mean of 64
 */
#include <errno.h>
#include <signal.h>
#include <sys/prctl.h>
#include "bench/lib/must.h"
#include "bench/lib/samples.h"
#include "bench/lib/ticks.h"
#include "bench/state/ours.h"

#define D0_BATCH 64

static struct ours ours;
static struct {
	uint64_t records, ns, full, commits, commit_ns_max;
} sum;

/* One submit, timed; when the queue is full, room is made. */
static void submit(uint64_t number, double tick, uint64_t *last, uint64_t *settled) {
	struct journal_entry e = ours_evidence(number);
	uint64_t from = ticks();
	int rc = journal_submit(ours.journal, &e, 1, JOURNAL_D1, last);
	double ns = (double)(ticks() - from) * tick;
	if (rc == 0) {
		samples[sample_count++] = ns;
		return;
	}
	must(rc == -EAGAIN ? 0 : rc, "submit");
	sum.full++;
	if (!ours_take(&ours, settled))
		ours_sleep(&ours);
}

static void d1(uint32_t ms, uint32_t max) {
	struct journal_stats before, after;
	uint64_t last = 0, settled = 0;
	double tick = tick_ns();
	samples_begin(max);
	journal_stats(ours.journal, &before);
	uint64_t begin = mono_ns(), until = begin + ms * UINT64_C(1000000);
	sum.full = 0;
	while (sample_count < max && (sample_count % 64 || mono_ns() < until))
		submit(sample_count, tick, &last, &settled);
	ours_await(&ours, last);
	sum.ns = mono_ns() - begin;
	journal_stats(ours.journal, &after);
	sum.records = after.records - before.records;
	sum.commits = after.commits - before.commits;
	sum.commit_ns_max = after.commit_ns_max;
}

static void d0(uint32_t count) {
	double tick = tick_ns();
	struct journal_entry e = ours_evidence(1);
	samples_begin(count);
	while (sample_count < count) {
		uint64_t from = ticks();
		for (unsigned i = 0; i < D0_BATCH; i++)
			must(journal_submit(ours.journal, &e, 1, JOURNAL_D0, NULL), "submit");
		samples[sample_count++] = (double)(ticks() - from) * tick / D0_BATCH;
	}
}

static void do_line(const char *line) {
	uint32_t ms, max;
	if (sscanf(line, "d1 %u %u", &ms, &max) == 2) {
		d1(ms, max);
		samples_out();
	} else if (sscanf(line, "d0 %u", &max) == 1) {
		d0(max);
		samples_out();
	} else if (strcmp(line, "sum\n") == 0) {
		printf("ok %llu %llu %llu %llu %llu\n", (unsigned long long)sum.records, (unsigned long long)sum.ns,
				(unsigned long long)sum.full, (unsigned long long)sum.commits,
				(unsigned long long)sum.commit_ns_max);
	} else {
		die("not understood: %s", line);
	}
}

int main(int argc, char **argv) {
	char line[256], path[512];
	if (argc < 2) {
		fprintf(stderr, "usage: %s DIR; bench/run starts it\n", argv[0]);
		return 2;
	}
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	snprintf(path, sizeof(path), "%s/evidence.journal", argv[1]);
	ours_open(&ours, path);
	printf("ok -\n");
	fflush(stdout);
	while (fgets(line, sizeof(line), stdin)) {
		do_line(line);
		fflush(stdout);
	}
	journal_stop(&ours.journal);
	return 0;
}
