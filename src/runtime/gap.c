/*
 * gap.c - what core could not write down: counted, and written down as a gap once there is room again.
 *
 * A queue that is full, or a disk, refuses a record.  Who asked for something is told so; but what nobody waits for
 * (evidence, outcomes, samples ...) would be missing without a trace.  It is tried again whenever the journal has
 * stored something, and each second besides, as long as something is missing.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/timerfd.h>
#include "base/err.h"
#include "base/io.h"
#include "base/log.h"
#include "runtime/core_priv.h"

#define RETRY_NS NS_PER_S
#define GAPS_AT_ONCE 16u
#define GAP_BYTES 256u

_Static_assert(GAPS_AT_ONCE <= JOURNAL_BATCH_MAX, "they are one transaction");

int gap_open(struct core *c) {
	struct gaps *g = &c->gaps;
	g->timer = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	g->open = g->timer >= 0;
	return g->open ? core_watch(c, g->timer, CORE_ON_GAPS, 0) : -errno;
}

void gap_close(struct core *c) {
	if (c->gaps.open)
		io_close(&c->gaps.timer);
	c->gaps.open = false;
}

static void retry_each(struct gaps *g, int64_t ns) {
	struct timespec t = { ns / NS_PER_S, ns % NS_PER_S };
	if (g->open && g->armed != (ns > 0))
		CHECK(timerfd_settime(g->timer, 0, &(struct itimerspec){ t, t }, NULL) == 0);
	g->armed = ns > 0;
}

static const char *why_text(int rc) {
	return rc == -EAGAIN ? "too much waited for the disk" : err_text(rc);
}

void gap_add(struct core *c, const char *what, uint64_t count, int rc) {
	struct gaps *g = &c->gaps;
	unsigned i = 0;
	while (i < g->count && strcmp(g->at[i].what, what) != 0)
		i++;
	CHECK(i < GAPS_MAX); /* kinds of records and fields, no more */
	if (i == g->count)
		g->at[g->count++] = (struct gap){ .what = what };
	if (g->at[i].lost == 0)
		log_warn("%s: not written down (%s); a gap will say how many", what, why_text(rc));
	g->at[i].lost += count;
	g->at[i].why = rc;
	retry_each(g, RETRY_NS);
}

/* What was said of those that are written now is done with; what is missing since then is not. */
static void settled(struct core *c, void *who, int rc, uint64_t seq) {
	struct gaps *g = who;
	unsigned kept = 0;
	(void)seq;
	g->writing = false;
	for (unsigned i = 0; i < g->count; i++) {
		g->at[i].lost -= rc == 0 ? g->at[i].writing : 0;
		g->at[i].writing = 0;
		if (g->at[i].lost)
			g->at[kept++] = g->at[i];
	}
	g->count = kept;
	if (kept == 0)
		retry_each(g, 0);
	else if (rc == 0)
		gap_write(c);
}

void gap_write(struct core *c) {
	static uint8_t room[GAPS_AT_ONCE][GAP_BYTES]; /* one thread */
	struct journal_entry e[GAPS_AT_ONCE];
	struct gaps *g = &c->gaps;
	unsigned n = g->count < GAPS_AT_ONCE ? g->count : GAPS_AT_ONCE;
	if (g->writing || n == 0)
		return;
	for (unsigned i = 0; i < n; i++) {
		struct body_gap b = { body_text(g->at[i].what), g->at[i].lost, body_text(why_text(g->at[i].why)) };
		int bytes = body_build_gap(&b, room[i], GAP_BYTES);
		CHECK(bytes > 0);
		e[i] = (struct journal_entry){ JOURNAL_GAP, JOURNAL_MACHINE, core_entity_name(c, 0), "", room[i],
			(size_t)bytes, NULL };
	}
	if (ledger_submit(c, e, n, settled, g) < 0)
		return; /* still no room */
	for (unsigned i = 0; i < n; i++)
		g->at[i].writing = g->at[i].lost;
	g->writing = true;
}

void gap_retry(struct core *c) {
	if (io_timer_read(c->gaps.timer))
		gap_write(c);
}
