/*
 * scribe.c - what core writes into the journal as it begins, before anybody is heard:
 *
 *      plan 1 .. plan n-1   | plan n, epoch, gap "time" |   dictionary ...
 *
 * The parts of a plan that the state does not know yet come first; the last of them, which makes it known, and the
 * epoch that names it are one transaction.  So at any moment the plan in force, that of the last epoch, is the one that
 * ends at the state's plan_seq.  Who begins again with the same plan writes none.
 *
 * The last transaction is waited for: whoever meets this core meets a journal that takes records.  But a core that
 * takes the place of another one in the life of a machine comes up on a full disk, too: what moves, or reads, or wants
 * to stop is not to wait for whoever makes room.  Nothing is written until the epoch is; that is tried each second.
 */
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include "base/err.h"
#include "base/log.h"
#include "runtime/core_priv.h"

#define DOWN_NS NS_PER_S /* less than so long without a record is no gap */
#define DOWN_WHY "core began; nothing had been written down since the record before"
#define DICTIONARIES_AT_ONCE 16u
#define DICTIONARY_BYTES 256u

/* What is on its way to the disk, and what became of it. */
struct way {
	unsigned left;
	int rc;
};

static void settled(struct core *c, void *who, int rc, uint64_t seq) {
	struct way *w = who;
	(void)c;
	(void)seq;
	w->left--;
	w->rc = w->rc < 0 ? w->rc : rc;
}

static void wait_for_disk(struct core *c) {
	struct pollfd p = { .fd = journal_event_fd(c->journal), .events = POLLIN };
	if (poll(&p, 1, -1) > 0)
		ledger_readable(c);
}

static int wait_for_all(struct core *c, const struct way *w) {
	while (w->left > 0)
		wait_for_disk(c);
	return w->rc;
}

static int submit(struct core *c, const struct journal_entry *e, unsigned n, struct way *w) {
	int rc;
	while ((rc = ledger_submit_first(c, e, n, settled, w)) == -EAGAIN && w->left > 0)
		wait_for_disk(c);
	w->left += rc == 0;
	return rc;
}

static struct journal_entry entry(const struct core *c, enum journal_kind kind, const uint8_t *body, int bytes) {
	return (struct journal_entry){ kind, JOURNAL_MACHINE, core_entity_name(c, 0), "", body, (size_t)bytes, NULL };
}

/* ---- the plan ---- */

static int same_plan(void *user, const struct journal_record *r) {
	const struct plan *plan = user;
	struct body_plan b;
	return r->kind == JOURNAL_PLAN && !r->erased && body_parse_plan(r->body, r->body_bytes, &b) == 0 &&
	       hash_equal(&b.hash, &plan->hash);
}

/* The state says where the last one is; the record there, whose it is. */
static bool plan_is_known(struct core *c) {
	return c->state->plan_seq > 0 && hash_equal(&c->state->plan_hash, &c->plan->hash) &&
	       journal_each(c->reader, c->state->plan_seq, 1, same_plan, (void *)(uintptr_t)c->plan) == 1;
}

static unsigned plan_parts(const struct plan *p) {
	return (p->bytes + BODY_PART_MAX - 1) / BODY_PART_MAX;
}

static int plan_part(const struct plan *p, unsigned part, uint8_t *room, size_t capacity) {
	size_t at = (size_t)(part - 1) * BODY_PART_MAX, left = p->bytes - at;
	struct body_plan b = { p->hash, part, plan_parts(p),
		{ (const char *)p + at, left < BODY_PART_MAX ? left : BODY_PART_MAX } };
	return body_build_plan(&b, room, capacity);
}

/* All parts but the last one. */
static int write_parts(struct core *c, uint8_t *room, size_t capacity) {
	struct way w = { 0, 0 };
	int rc = 0;
	for (unsigned part = 1; rc == 0 && part < plan_parts(c->plan); part++) {
		int n = plan_part(c->plan, part, room, capacity);
		struct journal_entry e = entry(c, JOURNAL_PLAN, room, n);
		rc = n < 0 ? n : submit(c, &e, 1, &w);
	}
	int all = wait_for_all(c, &w);
	return rc < 0 ? rc : all;
}

/* ---- how long nothing was written ---- */

static uint64_t down_ms(const struct core *c) {
	const struct journal_record *tail = journal_tail(c->journal);
	int64_t ns = clock_wall().ns - record_hlc_wall(tail->hlc).ns;
	return tail->seq > 0 && ns >= DOWN_NS ? (uint64_t)(ns / NS_PER_MS) : 0;
}

/* ---- all of it ---- */

static int write_epoch(struct core *c, uint64_t epoch, uint8_t *room, size_t capacity) {
	uint8_t more[128], gap[256];
	struct journal_entry e[3];
	struct way w = { 0, 0 };
	struct body_epoch b = { epoch, c->plan->hash };
	struct body_gap g = { body_text(GAP_TIME), down_ms(c), body_text(DOWN_WHY) };
	unsigned n = 0;
	bool known = plan_is_known(c);
	int rc = known ? 0 : write_parts(c, room, capacity);
	int part = known ? 1 : plan_part(c->plan, plan_parts(c->plan), room, capacity);
	int bytes = body_build_epoch(&b, more, sizeof(more)), time = body_build_gap(&g, gap, sizeof(gap));
	if (rc < 0 || part < 0 || bytes < 0 || time < 0)
		return rc < 0 ? rc : -E2BIG;
	if (!known)
		e[n++] = entry(c, JOURNAL_PLAN, room, part);
	e[n++] = entry(c, JOURNAL_EPOCH, more, bytes);
	if (g.count)
		e[n++] = entry(c, JOURNAL_GAP, gap, time);
	rc = submit(c, e, n, &w);
	return rc < 0 ? rc : wait_for_all(c, &w);
}

/* Each symbol table of the plan that is new, or not the text that it was. */
static void write_dictionaries(struct core *c) {
	static uint8_t room[DICTIONARIES_AT_ONCE][DICTIONARY_BYTES];
	struct journal_entry e[DICTIONARIES_AT_ONCE];
	unsigned n = 0;
	for (uint32_t i = 0; i < c->plan->tables.count; i++) {
		const struct plan_table *t = &plan_tables(c->plan)[i];
		const struct state_dictionary *d = state_dictionary(c->state, t->name);
		if (d && hash_equal(&d->hash, &t->hash))
			continue;
		struct body_dictionary b = { .table = body_text(t->name), .what = BODY_ADOPTED,
			.version = d ? d->version + 1 : 1, .hash = t->hash };
		int bytes = body_build_dictionary(&b, room[n], DICTIONARY_BYTES);
		CHECK(bytes > 0);
		e[n] = entry(c, JOURNAL_DICTIONARY, room[n], bytes);
		if (++n == DICTIONARIES_AT_ONCE) {
			ledger_note(c, e, n);
			n = 0;
		}
	}
	if (n)
		ledger_note(c, e, n);
}

static int begin(struct core *c) {
	size_t capacity = JOURNAL_BODY_MAX;
	uint8_t *room = malloc(capacity);
	if (!room)
		return -ENOMEM;
	uint64_t epoch = c->state->epoch + 1;
	journal_set_epoch(c->journal, epoch);
	c->unwritten = true;
	int rc = write_epoch(c, epoch, room, capacity);
	free(room);
	if (rc < 0)
		return rc;
	c->unwritten = false;
	write_dictionaries(c);
	recall_interrupted(c);
	return 0;
}

int scribe_begin(struct core *c) {
	int rc = begin(c);
	if (rc != -ENOSPC || !core_follows_another(c))
		return rc;
	log_error("there is no room on the disk of %s: core reads, stops what moves, and writes nothing; make room, "
		  "and it goes on by itself", c->journal_path);
	return 0;
}

/* Control waits for one transaction more than usual; nothing can be moving. */
void scribe_retry(struct core *c) {
	int rc = begin(c);
	if (rc == 0) {
		log_info("there is room on the disk again: core writes");
		gap_room(c);
	} else if (rc != -ENOSPC) {
		log_error("core cannot write that it has begun: %s", err_text(rc));
		c->quit = c->failed = true;
	}
}

/* ---- symbols ---- */

unsigned scribe_symbols(const struct core *c, const char *symbols, uint16_t by, double trust, struct journal_entry *e,
		uint8_t room[SCRIBE_SYMBOLS_BYTES]) {
	struct body_symbol b = { body_text(symbols), body_text(core_entity_name(c, by)), body_ppm(trust) };
	if (ledger_class(c, JOURNAL_SYMBOL) == JOURNAL_D0)
		return 0;
	int n = body_build_symbol(&b, room, SCRIBE_SYMBOLS_BYTES);
	if (n < 0)
		return 0; /* empty, or longer than anything that is recognised */
	*e = entry(c, JOURNAL_SYMBOL, room, n);
	return 1;
}
