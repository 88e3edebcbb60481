/* ledger.c - what waits for the disk, and the live state folded from what came back from it. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include "base/err.h"
#include "base/log.h"
#include "runtime/core_priv.h"

#define BIT(kind) (UINT64_C(1) << JOURNAL_##kind)
/* Where the CDL has a choice; and where it may be that nothing is written: no belief depends on it. */
#define CHOOSABLE (BIT(TURN) | BIT(FACT) | BIT(GOAL) | BIT(SET) | BIT(MODEL) | BIT(EVIDENCE) | BIT(SYMBOL) | \
		BIT(SAMPLE) | BIT(DICTIONARY) | BIT(GAP))
#define MAY_BE_LOST (BIT(SYMBOL) | BIT(SAMPLE))

static int class_find(const char *word) {
	static const char *const words[] = { "volatile", "group", "full" };
	for (int i = 0; i < (int)COUNT_OF(words); i++)
		if (word && strcmp(word, words[i]) == 0)
			return i;
	return -1;
}

void ledger_policy(struct core *c) {
	c->all_at_once = class_find(plan_find_option(c->plan, 0, "durability")) == JOURNAL_D2;
	for (unsigned k = 0; k < JOURNAL_KIND_COUNT; k++) {
		char key[32];
		snprintf(key, sizeof(key), "journal.%s", record_kind_name(k));
		int class = class_find(plan_find_option(c->plan, 0, key));
		bool allowed = class > 0 ? CHOOSABLE >> k & 1 : class == 0 && (MAY_BE_LOST >> k & 1);
		c->class_said[k] = allowed ? (uint8_t)(1 + class) : 0;
	}
}

enum journal_class ledger_class(const struct core *c, enum journal_kind kind) {
	if (kind >= JOURNAL_KIND_COUNT)
		return JOURNAL_D1; /* which the journal refuses */
	if (c->class_said[kind])
		return (enum journal_class)(c->class_said[kind] - 1);
	return c->all_at_once ? JOURNAL_D2 : record_kind_class(kind);
}

/* The highest class among the entries: a transaction is on the disk whole. */
static enum journal_class class_of(const struct core *c, const struct journal_entry *e, unsigned n) {
	enum journal_class highest = JOURNAL_D1;
	for (unsigned i = 0; i < n; i++)
		if (ledger_class(c, e[i].kind) > highest)
			highest = ledger_class(c, e[i].kind);
	return highest;
}

/* What the journal counts, for `top` and /metrics. */
static void report(struct core *c) {
	struct journal_stats now, *told = &c->journal_told;
	const struct segment *own = &c->peers->own;
	journal_stats(c->journal, &now);
	counter_add(own, COUNTER_journal_records, now.records - told->records);
	counter_add(own, COUNTER_journal_commits, now.commits - told->commits);
	counter_add(own, COUNTER_journal_refused, now.refused - told->refused);
	counter_add(own, COUNTER_journal_full, now.queue_full - told->queue_full);
	*told = now;
}

static struct pending *free_pending(struct core *c) {
	for (size_t i = 0; i < CORE_PENDING; i++)
		if (!c->pending[i].ticket)
			return &c->pending[i];
	return NULL;
}

/* Nothing comes before our epoch, but what makes that. */
static int may_be_written(const struct core *c, const struct pending *place) {
	return c->unwritten ? -ENOSPC : place ? 0 : -EAGAIN;
}

int ledger_submit_first(struct core *c, const struct journal_entry *e, unsigned n, ledger_done *done, void *who) {
	struct pending *p = free_pending(c);
	uint64_t ticket;
	int rc = p ? journal_submit(c->journal, e, n, JOURNAL_D2, &ticket) : -EAGAIN;
	if (rc == 0)
		*p = (struct pending){ ticket, done, who };
	return rc;
}

int ledger_submit_as(struct core *c, const struct journal_entry *e, unsigned n, enum journal_class class,
		ledger_done *done, void *who) {
	struct pending *p = free_pending(c);
	uint64_t ticket;
	int rc = may_be_written(c, p);
	if (rc == 0 && (rc = journal_submit(c->journal, e, n, class, &ticket)) == 0)
		*p = (struct pending){ ticket, done, who };
	return rc;
}

int ledger_submit(struct core *c, const struct journal_entry *e, unsigned n, ledger_done *done, void *who) {
	return ledger_submit_as(c, e, n, class_of(c, e, n), done, who);
}

void ledger_note(struct core *c, const struct journal_entry *e, unsigned n) {
	int rc = ledger_submit(c, e, n, NULL, NULL);
	for (unsigned i = 0; rc < 0 && i < n; i++)
		gap_add(c, record_kind_name(e[i].kind), 1, rc);
}

int ledger_erase(struct core *c, uint64_t seq, const struct journal_entry *note, ledger_done *done, void *who) {
	struct pending *p = free_pending(c);
	uint64_t ticket;
	int rc = may_be_written(c, p);
	if (rc == 0 && (rc = journal_erase(c->journal, seq, note, &ticket)) == 0)
		*p = (struct pending){ ticket, done, who };
	return rc;
}

int ledger_compact(struct core *c, const struct journal_entry *note, ledger_done *done, void *who) {
	struct pending *p = free_pending(c);
	uint64_t ticket;
	int rc = may_be_written(c, p);
	if (rc == 0 && (rc = journal_compact(c->journal, note, &ticket)) == 0)
		*p = (struct pending){ ticket, done, who };
	return rc;
}

uint64_t ledger_newest(const struct core *c) {
	uint64_t newest = 0;
	for (size_t i = 0; i < CORE_PENDING; i++)
		if (c->pending[i].ticket > newest)
			newest = c->pending[i].ticket;
	return newest;
}

bool ledger_owes(const struct core *c, uint64_t ticket) {
	for (size_t i = 0; i < CORE_PENDING; i++)
		if (c->pending[i].ticket && c->pending[i].ticket <= ticket)
			return true;
	return false;
}

static void settle(struct core *c, const struct journal_result *r, uint64_t seq) {
	for (size_t i = 0; i < CORE_PENDING; i++) {
		struct pending p = c->pending[i];
		if (p.ticket != r->ticket)
			continue;
		c->pending[i].ticket = 0; /* first: `done` may submit again */
		if (p.done)
			p.done(c, p.who, r->rc, seq);
		for (unsigned k = 0; !p.done && r->rc < 0 && k < r->count; k++)
			gap_add(c, record_kind_name(r->records[k].kind), 1, r->rc);
		return;
	}
}

/* So much behind the newest snapshot, and there is another one: a start, or a look back, folds little more. */
#define SNAPSHOT_RECORDS 4096u
#define SNAPSHOT_BYTES (8u << 20)
#define SNAPSHOT_AT_END 256u

bool ledger_is_long(const struct core *c, uint64_t records) {
	return forget_is_exact(c) && !c->unwritten &&
	       (c->state->seq - c->snapped >= records || c->unsnapped >= SNAPSHOT_BYTES);
}

/* What cannot be stored now will be, later. */
void ledger_snapshot(struct core *c) {
	const struct journal_state *s = c->state;
	if (journal_snapshot(c->journal, s, core_entity_name(c, 0), NULL) < 0)
		return;
	c->snapped = s->seq;
	c->unsnapped = 0;
	c->snapping = true;
}

void ledger_close(struct core *c) {
	if (!c->journal || c->failed)
		return;
	gap_write(c);
	if (ledger_is_long(c, SNAPSHOT_AT_END))
		ledger_snapshot(c);
}

static void fold(struct core *c, const struct journal_record *r) {
	uint64_t dropped = c->state->dropped;
	gone_look(&c->gone, c->state, r);
	if (state_apply(c->state, r) < 0)
		log_error("record %llu does not fit the state", (unsigned long long)r->seq);
	gone_note(&c->gone, c->state, r, dropped);
	c->unsnapped += r->body_bytes;
}

/* Said once, until something is taken again.  What there is nothing wrong with, who asked is told alone. */
static void note_refusal(struct core *c, const struct journal_result *r) {
	unsigned kind = r->count ? r->records[0].kind : JOURNAL_KIND_COUNT;
	bool sound = r->rc == -EEXIST || kind == JOURNAL_COMPACT || kind == JOURNAL_ERASE;
	if (sound && (r->rc == -EEXIST || r->rc == -EBUSY || r->rc == -ENOENT))
		return;
	if (r->rc < 0 && r->rc != c->refused)
		log_error("the journal refused a transaction: %s", err_text(r->rc));
	c->refused = r->rc;
	if (r->rc == -ENOSPC)
		gap_full(c);
}

void ledger_readable(struct core *c) {
	struct journal_result r;
	bool stored = false;
	while (journal_take(c->journal, &r) == 0) {
		uint64_t seq = r.rc == -EEXIST ? r.existing : r.count ? r.records[0].seq : 0;
		int rc = r.rc;
		bool snapshot = r.count && r.records[0].kind == JOURNAL_SNAPSHOT;
		for (unsigned i = 0; rc == 0 && i < r.count; i++)
			fold(c, &r.records[i]);
		note_refusal(c, &r);
		if (rc == 0)
			remind_stored(c, &r); /* first: who is told may ask for it */
		settle(c, &r, seq);
		stored = stored || rc == 0;
		c->snapping = c->snapping && !snapshot;
		if (snapshot && rc == 0)
			forget_snapped(c);
		if (snapshot && c->dream.on)
			dream_go_on(c);
		if (rc == -EIO && !c->quit) {
			log_error("nobody knows what the disk holds now: core ends, and the next one reads it anew");
			c->quit = c->failed = true;
		}
	}
	if (ledger_is_long(c, SNAPSHOT_RECORDS)) /* overdue, whatever else there is to do */
		ledger_snapshot(c);
	if (stored)
		gap_write(c); /* there may be room again */
	forget_settled(c);
	forget_indexed(c); /* the log may be without what was erased */
	dream_wait(c);
	report(c);
}
