/*
 * journal.c - ours: turns of class D2, submitted, awaited and folded as core does it.
 *
 *     (nothing)    records that are kept together are as many batches, each with its own acknowledgement
 *     batch        they are one batch, which is one transaction
 */
#include "bench/lib/must.h"
#include "bench/state/keeper.h"
#include "bench/state/ours.h"

static struct ours ours;
static uint32_t record_bytes;
static bool one_batch;

static void begin(const char *dir, uint32_t bytes, const char *variant) {
	record_bytes = bytes;
	one_batch = strcmp(variant, "batch") == 0;
	ours_open(&ours, keeper_path(dir, "bench.journal"));
}

static uint64_t submit(const struct journal_entry *e, uint32_t n) {
	uint64_t ticket;
	must(journal_submit(ours.journal, e, n, JOURNAL_D2, &ticket), "submit");
	return ticket;
}

static uint64_t number;

/* Bodies of one batch must all be there: ours_turn() lends one at a time. */
static uint64_t submit_batch(uint32_t n) {
	static uint8_t *bodies[KEEPER_TOGETHER_MAX];
	struct journal_entry e[KEEPER_TOGETHER_MAX];
	for (uint32_t i = 0; i < n; i++) {
		e[i] = ours_turn(record_bytes, ++number);
		e[i].request = NULL; /* one of a batch may have one */
		bodies[i] = realloc(bodies[i], e[i].body_bytes);
		if (!bodies[i])
			die("no memory for a body");
		e[i].body = memcpy(bodies[i], e[i].body, e[i].body_bytes);
	}
	return submit(e, n);
}

static void keep(uint32_t n) {
	uint64_t ticket = 0;
	if (one_batch)
		ticket = submit_batch(n);
	for (uint32_t i = 0; i < n && !one_batch; i++) {
		struct journal_entry e = ours_turn(record_bytes, ++number);
		ticket = submit(&e, 1);
	}
	ours_await(&ours, ticket);
}

static uint64_t commits(void) {
	struct journal_stats s;
	journal_stats(ours.journal, &s);
	return s.commits;
}

static void end(void) {
	journal_stop(&ours.journal);
}

const struct keeper keeper = { .version = "-", .begin = begin, .keep = keep, .commits = commits, .end = end };
