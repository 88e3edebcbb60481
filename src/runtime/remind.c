/*
 * remind.c - what was said that a question is about, of all that was ever said: what the finder finds, in time.
 *
 *      asked -> answered       done() with the hits
 *            -> late           done() without any, when PATIENCE_MS have passed; what comes later is thrown away
 *
 * So a question never waits longer than that, whatever is wrong with the index or its disk.  Where something was erased
 * since it was asked, what was found may be what is gone: then it is asked once more.
 *
 * The finder begins with the machine where there is a language model, else when somebody asks, or something is erased
 * of which an index may know.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/timerfd.h>
#include "base/err.h"
#include "base/io.h"
#include "base/log.h"
#include "base/utf8.h"
#include "runtime/core_priv.h"

#define PATIENCE_MS 20
#define UNFOLLOWED_MAX 256u /* records in which nothing can be found, until the finder passes over them */

/* ---- the finder ---- */

static int open_finder(struct core *c) {
	if (c->remind.finder)
		return 0;
	int rc = finder_open(&c->remind.finder, c->journal_path, embed_name(c));
	if (rc == 0)
		rc = core_watch(c, finder_fd(c->remind.finder), CORE_ON_FINDER, 0);
	if (rc < 0) {
		finder_close(&c->remind.finder);
		log_warn("what was said cannot be searched: %s", err_text(rc));
	} else {
		embed_loaded(c);
	}
	return rc;
}

static bool has_language_model(const struct core *c) {
	for (uint16_t e = 0; e < c->plan->entities.count; e++)
		if (models_process(c, e) != PLAN_NONE)
			return true;
	return false;
}

int remind_open(struct core *c) {
	const char *patience = plan_find_option(c->plan, 0, "memory.patience_ms"); /* of tests, on a busy computer */
	c->remind.patience_ns = (patience ? strtoll(patience, NULL, 10) : PATIENCE_MS) * NS_PER_MS;
	embed_open(c);
	c->remind.timer = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	if (c->remind.timer < 0)
		return -errno;
	if (has_language_model(c))
		(void)open_finder(c); /* a machine without a memory is one, still */
	return core_watch(c, c->remind.timer, CORE_ON_REMIND, 0);
}

void remind_close(struct core *c) {
	finder_close(&c->remind.finder);
	io_close(&c->remind.timer);
}

/* Said once, until it is well again. */
static void look_at_trouble(struct core *c) {
	int rc = finder_trouble(c->remind.finder);
	bool wrong = rc < 0 && rc != -EBUSY;
	if (wrong && !c->remind.told)
		log_warn("what was said of old cannot be searched, or not all of it: %s", err_text(rc));
	c->remind.told = wrong || (c->remind.told && rc < 0);
}

/* ---- what becomes durable ---- */

static bool matters(const struct journal_record *r) {
	return r->kind == JOURNAL_TURN || r->kind == JOURNAL_FACT || r->kind == JOURNAL_ERASE ||
	       r->kind == JOURNAL_COMPACT;
}

void remind_stored(struct core *c, const struct journal_result *stored) {
	struct remind *m = &c->remind;
	bool wake = false;
	for (unsigned i = 0; i < stored->count; i++) {
		wake = wake || matters(&stored->records[i]);
		for (unsigned k = 0; stored->records[i].kind == JOURNAL_ERASE && k < REMINDERS_MAX; k++)
			m->at[k].stale = true;
	}
	m->unfollowed += stored->count;
	if (!m->finder || !(wake || m->unfollowed >= UNFOLLOWED_MAX))
		return;
	m->unfollowed = 0;
	finder_follow(m->finder);
}

int remind_await(struct core *c, uint64_t seq) {
	if (!c->remind.finder && (!memory_exists(c->journal_path) || open_finder(c) < 0))
		return 0;
	return finder_await(c->remind.finder, seq);
}

/* ---- questions ---- */

static void set_timer(struct core *c) {
	int64_t first = INT64_MAX, left;
	for (unsigned i = 0; i < REMINDERS_MAX; i++)
		if (c->remind.at[i].id && c->remind.at[i].due.ns < first)
			first = c->remind.at[i].due.ns;
	left = first == INT64_MAX ? 0 : first - clock_mono().ns;
	if (first != INT64_MAX && left <= 0)
		left = 1;
	struct itimerspec s = { .it_value = { left / NS_PER_S, left % NS_PER_S } };
	CHECK(timerfd_settime(c->remind.timer, 0, &s, NULL) == 0);
}

static struct reminder *find(struct core *c, uint64_t id) {
	for (unsigned i = 0; i < REMINDERS_MAX; i++)
		if (c->remind.at[i].id == id)
			return &c->remind.at[i];
	return NULL;
}

uint64_t remind_ask(struct core *c, const struct speaker *s, const char *text, remind_done *done, void *who) {
	struct reminder *r = find(c, 0);
	if (!text[0] || open_finder(c) < 0)
		return 0;
	if (r) {
		const struct claims_asker asker = view_asker(c, s);
		struct finder_question *q = &r->question;
		*r = (struct reminder){ .done = done, .who = who, .due.ns = clock_mono().ns + c->remind.patience_ns };
		size_t n = utf8_cut(text, strlen(text), sizeof(q->text) - 1);
		memcpy(q->text, text, n); /* the rest is zero */
		snprintf(q->owner, sizeof(q->owner), "%s", asker.owner);
		for (int i = 0; i < 2; i++)
			snprintf(q->sees[i], sizeof(q->sees[i]), "%s", asker.sees[i]);
		q->id = c->remind.last_id + 1;
		q->vector_ns = embed_is_free(c) ? c->remind.patience_ns / 2 : 0;
		counter_add(&c->peers->own, COUNTER_recalls, 1);
	}
	if (!r || finder_ask(c->remind.finder, &r->question) < 0) {
		counter_add(&c->peers->own, COUNTER_recalls_late, 1);
		return 0;
	}
	r->id = ++c->remind.last_id;
	set_timer(c);
	embed_pump(c);
	return r->id;
}

static void over(struct core *c, struct reminder *r, const struct memory_hit *hits, unsigned count) {
	uint64_t id = r->id;
	r->id = 0; /* first: `done` may ask again */
	r->done(c, r->who, id, hits, count);
}

static void answered(struct core *c, const struct finder_answer *a) {
	struct reminder *r = find(c, a->id);
	if (!r || !a->id)
		return; /* it came too late */
	if (r->stale && finder_ask(c->remind.finder, &r->question) == 0) {
		r->stale = false;
		return;
	}
	if (a->rc < 0)
		counter_add(&c->peers->own, COUNTER_recalls_late, 1);
	over(c, r, a->hits, r->stale ? 0 : a->count);
}

void remind_found(struct core *c) {
	const struct finder_answer *a;
	while ((a = finder_answer(c->remind.finder))) {
		answered(c, a);
		finder_taken(c->remind.finder);
	}
	set_timer(c);
	look_at_trouble(c);
	forget_indexed(c);
	embed_pump(c);
}

void remind_late(struct core *c) {
	if (!io_timer_read(c->remind.timer))
		return;
	int64_t now = clock_mono().ns;
	for (unsigned i = 0; i < REMINDERS_MAX; i++) {
		struct reminder *r = &c->remind.at[i];
		if (!r->id || r->due.ns > now)
			continue;
		counter_add(&c->peers->own, COUNTER_recalls_late, 1);
		over(c, r, NULL, 0);
	}
	set_timer(c);
	look_at_trouble(c);
}
