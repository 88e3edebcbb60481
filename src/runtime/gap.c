/*
 * gap.c - what core could not write down: counted, and written down as a gap once there is room again.
 *
 * A queue that is full, or a disk, refuses a record.  Who asked for something is told so; but what nobody waits for
 * (evidence, outcomes, samples ...) would be missing without a trace.  It is tried again whenever the journal has
 * stored something, and each second besides, as long as something is missing.
 *
 * A disk that was full is asked as often, though nothing be missing: so core knows that there is room again before
 * anybody wants it, and for how long there was none stands in the journal, too.
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

_Static_assert(1 + GAPS_AT_ONCE <= JOURNAL_BATCH_MAX, "they are one transaction");

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

/* Each second, as long as there is anything to be written. */
static void arm(struct gaps *g) {
	bool wanted = g->count > 0 || g->full.ns;
	struct timespec t = { wanted ? RETRY_NS / NS_PER_S : 0, 0 };
	if (g->open && g->armed != wanted)
		CHECK(timerfd_settime(g->timer, 0, &(struct itimerspec){ t, t }, NULL) == 0);
	g->armed = wanted;
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
	arm(g);
}

void gap_full(struct core *c) {
	if (c->gaps.full.ns == 0)
		c->gaps.full = clock_mono();
	arm(&c->gaps);
}

void gap_room(struct core *c) {
	c->gaps.full.ns = 0;
	arm(&c->gaps);
	gap_write(c);
}

/* What was said of those that are written now is done with; what is missing since then is not. */
static void settled(struct core *c, void *who, int rc, uint64_t seq) {
	struct gaps *g = who;
	unsigned kept = 0;
	(void)seq;
	g->writing = false;
	if (g->writing_time && rc == 0)
		g->full.ns = 0;
	for (unsigned i = 0; i < g->count; i++) {
		g->at[i].lost -= rc == 0 ? g->at[i].writing : 0;
		g->at[i].writing = 0;
		if (g->at[i].lost)
			g->at[kept++] = g->at[i];
	}
	g->count = kept;
	arm(g);
	if (kept > 0 && rc == 0)
		gap_write(c);
}

static struct journal_entry entry(const struct core *c, const char *what, uint64_t lost, int why,
		uint8_t room[GAP_BYTES]) {
	struct body_gap b = { body_text(what), lost, body_text(why_text(why)) };
	int bytes = body_build_gap(&b, room, GAP_BYTES);
	CHECK(bytes > 0);
	return (struct journal_entry){ JOURNAL_GAP, JOURNAL_MACHINE, core_entity_name(c, 0), "", room, (size_t)bytes,
		NULL };
}

void gap_write(struct core *c) {
	static uint8_t room[1 + GAPS_AT_ONCE][GAP_BYTES]; /* one thread */
	struct journal_entry e[1 + GAPS_AT_ONCE];
	struct gaps *g = &c->gaps;
	unsigned n = g->count < GAPS_AT_ONCE ? g->count : GAPS_AT_ONCE;
	bool time = g->full.ns > 0;
	if (g->writing || n + time == 0)
		return;
	for (unsigned i = 0; i < n; i++)
		e[i] = entry(c, g->at[i].what, g->at[i].lost, g->at[i].why, room[i]);
	if (time)
		e[n] = entry(c, GAP_TIME, (uint64_t)(mono_since(g->full, clock_mono()) / NS_PER_MS), -ENOSPC, room[n]);
	if (ledger_submit(c, e, n + time, settled, g) < 0)
		return; /* still no room */
	for (unsigned i = 0; i < n; i++)
		g->at[i].writing = g->at[i].lost;
	g->writing = true;
	g->writing_time = time;
}

void gap_retry(struct core *c) {
	if (!io_timer_read(c->gaps.timer))
		return;
	if (c->unwritten)
		scribe_retry(c);
	else
		gap_write(c);
}
