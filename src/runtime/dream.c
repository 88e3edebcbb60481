/*
 * dream.c - what core does while nothing is asked of it: consolidation.
 *
 * Chores are a snapshot, so that the next start, or a look at the past, folds little; and to let go what the plan says
 * need not be kept.  They come up as records do, or as forget.c's hour passes:
 *
 *      a chore -> timer, for when the lifecycle may be DREAM -> one chore after the other -> none is left
 *                   ^                                             |
 *                   '---- somebody stirs: what is begun ends -----'
 *
 * Without chores there is no timer, and core sleeps.  What is overdue does not wait for it: ledger.c and forget.c.
 */
#include <errno.h>
#include <sys/timerfd.h>
#include <unistd.h>
#include "base/io.h"
#include "runtime/core_priv.h"

#define SNAPSHOT_AT_REST 256u /* records, of which a start would fold each */

int dream_open(struct core *c) {
	struct dream *d = &c->dream;
	d->timer = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	d->open = d->timer >= 0;
	return d->open ? core_watch(c, d->timer, CORE_ON_DREAM, 0) : -errno;
}

void dream_close(struct core *c) {
	if (c->dream.open)
		io_close(&c->dream.timer);
	c->dream.open = false;
}

static bool is_at_work(const struct core *c) {
	return c->snapping || c->erasure.step != ERASURE_NONE;
}

unsigned dream_chores(const struct core *c) {
	return (unsigned)ledger_is_long(c, SNAPSHOT_AT_REST) + c->keep_due + is_at_work(c);
}

double dream_budget(const struct core *c) {
	unsigned free = 0;
	for (size_t i = 0; i < CORE_PENDING; i++)
		free += c->pending[i].ticket == 0;
	return (double)free / CORE_PENDING;
}

/* When the lifecycle may be there at the earliest; where something else is in the way, after another minute. */
void dream_wait(struct core *c) {
	struct dream *d = &c->dream;
	int64_t ns = vital_until_dream_ns(c);
	if (!d->open || d->armed || d->on || dream_chores(c) == 0)
		return;
	struct itimerspec t = { .it_value = { ns / NS_PER_S, ns % NS_PER_S } };
	CHECK(ns > 0 && timerfd_settime(d->timer, 0, &t, NULL) == 0);
	d->armed = true;
}

static void begin_one(struct core *c) {
	if (is_at_work(c))
		return; /* its end comes by here */
	if (ledger_is_long(c, SNAPSHOT_AT_REST))
		ledger_snapshot(c);
	else if (c->keep_due)
		forget_keep(c);
}

void dream_go_on(struct core *c) {
	struct level level;
	vital_look(c, &level);
	c->dream.on = c->vital.state == LIFECYCLE_DREAM;
	if (c->dream.on)
		begin_one(c);
	c->dream.on = c->dream.on && is_at_work(c); /* else nothing could be begun, or all is done */
	dream_wait(c);
}

void dream_due(struct core *c) {
	if (!io_timer_read(c->dream.timer))
		return;
	c->dream.armed = false;
	dream_go_on(c);
}

void dream_end(struct core *c) {
	if (!c->dream.on)
		return;
	c->dream.on = false;
	forget_yield(c);
	dream_wait(c);
}
