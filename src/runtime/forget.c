/*
 * forget.c - what is not to be known any more, and what need not be kept: ops `erase` and `compact` of spec/control.md.
 *
 * An erasure takes the body of a record away and those of all facts that were made of it, then what the live state has
 * of them; the state is then folded anew, by the keeper, while life goes on:
 *
 *      SCANNING (until nothing more is found) -> WRITING (each of them) -> FOLDING -> INDEXING -> answered
 *
 * INDEXING until the memory's index has let go of it as well (finder.h), which goes on beside all the others, and the
 * journal's log, or a reader was in the way of that for long (journal_wiped()).
 *
 * A compaction lets go what nobody will ask for, up to a snapshot:
 *
 *      PLANNING -> LETTING_GO -> answered
 *
 * Core does the same by itself, by what the plan says is kept: that is due once after its start, then each hour, and
 * done while nothing else is asked (dream.c); where there was no such time for a day, in between.  Where there is a
 * limit in bytes core looks after each snapshot whether it is exceeded, as it is overdue then.
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

/* Sums, samples and gaps are in the state; what was said and done stays. */
#define MAY_GO (UINT64_C(1) << JOURNAL_EVIDENCE | UINT64_C(1) << JOURNAL_SAMPLE | UINT64_C(1) << JOURNAL_GAP | \
		UINT64_C(1) << JOURNAL_SYMBOL | UINT64_C(1) << JOURNAL_MODEL | UINT64_C(1) << JOURNAL_SET)

#define LOOKS_OVERDUE 24u /* a day, and nobody has been at rest */

static void start(struct core *c);

/* What was asked while core let go by itself has waited. */
static void over(struct core *c) {
	c->erasure.step = ERASURE_NONE;
	if (c->erasure_next.step == ERASURE_NONE) {
		if (c->keep_due && c->looks_missed >= LOOKS_OVERDUE)
			forget_keep(c);
		else if (c->dream.on)
			dream_go_on(c);
		return;
	}
	c->erasure = c->erasure_next;
	c->erasure_next.step = ERASURE_NONE;
	start(c);
}

/* Who asked is told; nobody did, where core keeps what the plan says by itself. */
static void fail(struct core *c, int rc, const char *text) {
	bool another_time = rc == -ECANCELED || rc == -EBUSY;
	if (c->erasure.own && rc != -ENOENT && !another_time)
		log_warn("%s: %s", text, err_text(rc));
	if (c->erasure.own && another_time) {
		c->keep_due = true;
		c->dream.on = false; /* and not at once */
	}
	session_error(c, &c->erasure.to, rc, "%s: %s", text, err_text(rc));
	over(c);
	dream_wait(c);
}

/* The keeper's thread begins when it is first needed. */
static int ask_keeper(struct core *c, const struct keeper_job *job) {
	int rc = 0;
	if (!c->keeper && (rc = keeper_open(&c->keeper, c->journal_path)) == 0)
		rc = core_watch(c, keeper_fd(c->keeper), CORE_ON_KEEPER, 0);
	return rc == 0 ? keeper_begin(c->keeper, job) : rc;
}

/* ---- erasure ---- */

static void write_next(struct core *c);

/* The live state is not that of the file: nobody shall go on with it. */
static void cannot_fold(struct core *c, int rc) {
	log_error("the state cannot be folded anew (%s): core ends, and the next one does it", err_text(rc));
	c->quit = c->failed = true;
	fail(c, rc, "it is erased, but the state could not be folded anew");
}

static void fold_anew(struct core *c) {
	c->erasure.step = ERASURE_FOLDING;
	c->snapped = 0; /* those that knew of it are gone */
	int rc = ask_keeper(c, &(struct keeper_job){ .work = KEEPER_FOLD });
	if (rc < 0)
		cannot_fold(c, rc);
}

/* What is gone is gone, and the state is to be without it before who asked is told. */
static void go_no_further(struct core *c, int rc) {
	if (c->erasure.done == 0)
		return fail(c, rc, "the record could not be erased");
	c->erasure.failed = rc;
	fold_anew(c);
}

static void written(struct core *c, void *who, int rc, uint64_t seq) {
	struct erasure *e = who;
	bool asked_for = e->done == e->count - 1;
	if (rc == -ENOENT && !asked_for)
		rc = 0; /* it has gone meanwhile */
	if (rc < 0)
		return go_no_further(c, rc);
	state_scrub(c->state, e->seqs[e->done]);
	e->note = seq ? seq : e->note;
	e->done++;
	write_next(c);
}

static int write_note(struct core *c, uint64_t seq) {
	uint8_t body[1024];
	struct body_erase b = { seq, body_text(c->erasure.reason) };
	int n = body_build_erase(&b, body, sizeof(body));
	if (n < 0)
		return n;
	struct journal_entry e = { JOURNAL_ERASE, JOURNAL_MACHINE, core_entity_name(c, 0), c->erasure.principal, body,
		(size_t)n, NULL };
	return ledger_erase(c, seq, &e, written, &c->erasure);
}

static void write_next(struct core *c) {
	struct erasure *e = &c->erasure;
	if (e->done == e->count)
		return fold_anew(c);
	e->step = ERASURE_WRITING;
	int rc = write_note(c, e->seqs[e->done]);
	if (rc < 0)
		go_no_further(c, rc);
}

static int catch_up(void *user, const struct journal_record *r) {
	(void)!state_apply(user, r);
	return 0;
}

void forget_indexed(struct core *c) {
	struct erasure *e = &c->erasure;
	struct mp_out o;
	if (e->step != ERASURE_INDEXING)
		return;
	int rc = remind_await(c, e->note);
	if (rc == -EAGAIN)
		return;
	if (e->failed < 0) {
		session_error(c, &e->to, e->failed, "%u of %u records were erased, then no more: %s; ask again",
				e->done, e->count, err_text(e->failed));
		return over(c);
	}
	int wiped = journal_wiped(c->journal);
	if (wiped == -EAGAIN)
		return; /* ledger_readable() is told */
	session_begin(c, &o, &e->to, "done", 3);
	mp_kv_uint(&o, "seq", e->note);
	mp_kv_uint(&o, "erased", e->count);
	mp_kv_bool(&o, "wiped", wiped == 0 && rc == 0);
	session_send(c, &o, &e->to);
	over(c);
}

/* What came meanwhile is folded, too; then the new state takes the place of the old one. */
static void folded(struct core *c, const struct keeper_job *job) {
	struct erasure *e = &c->erasure;
	struct journal_state *s = job->state;
	int rc = job->rc;
	if (rc == 0 && s->seq < c->state->seq)
		rc = journal_each(c->reader, s->seq + 1, c->state->seq - s->seq, catch_up, s);
	if (rc < 0) {
		free(s);
		return cannot_fold(c, rc);
	}
	free(c->state);
	c->state = s;
	settings_follow(c);
	c->gone.from = s->seq + 1; /* a look meanwhile was of a state without what came back now */
	e->step = ERASURE_INDEXING;
	forget_indexed(c);
}

/* ---- what was made of it ---- */

static const char *const not_found_out = "what was made of the record could not be found out";

bool forget_is_exact(const struct core *c) {
	return c->erasure.step != ERASURE_WRITING && c->erasure.step != ERASURE_FOLDING;
}

bool forget_takes(const struct core *c, uint64_t seq) {
	const struct erasure *e = &c->erasure;
	if (e->step != ERASURE_SCANNING && e->step != ERASURE_WRITING)
		return false;
	for (unsigned i = 0; i < e->count; i++)
		if (e->seqs[i] == seq)
			return true;
	return seq == e->seq;
}

static int look_for_more(struct core *c) {
	const struct erasure *e = &c->erasure;
	struct keeper_job job = { .work = KEEPER_SCAN, .upto = e->seq, .after = e->looked, .count = e->count };
	memcpy(job.seqs, e->seqs, e->count * sizeof(e->seqs[0]));
	return ask_keeper(c, &job);
}

static void go_on_looking(struct core *c) {
	c->erasure.await = 0;
	int rc = look_for_more(c);
	if (rc < 0)
		fail(c, rc, not_found_out);
}

void forget_settled(struct core *c) {
	const struct erasure *e = &c->erasure;
	if (e->step == ERASURE_SCANNING && e->await && !ledger_owes(c, e->await))
		go_on_looking(c);
}

/* What was made of another goes before that, so that who ends halfway and is asked again finds the rest. */
static void begin_writing(struct core *c) {
	struct erasure *e = &c->erasure;
	for (unsigned i = 0; i < e->count / 2; i++) {
		uint64_t seq = e->seqs[i];
		e->seqs[i] = e->seqs[e->count - 1 - i];
		e->seqs[e->count - 1 - i] = seq;
	}
	e->seqs[e->count++] = e->seq;
	write_next(c);
}

/*
 * From now on nothing is made of what was found (forget_takes()), but something may have been since the keeper began to
 * read, or be on its way to the disk: it is looked on behind that, until nothing more is found.
 */
static void scanned(struct core *c, const struct keeper_job *job) {
	struct erasure *e = &c->erasure;
	if (job->rc < 0)
		return fail(c, job->rc, not_found_out);
	bool found = job->count > e->count || e->looked == 0;
	memcpy(e->seqs, job->seqs, job->count * sizeof(e->seqs[0]));
	e->count = job->count;
	e->looked = job->last;
	e->await = found ? ledger_newest(c) : 0;
	if (e->await)
		return;
	if (found && c->state->seq > e->looked)
		go_on_looking(c);
	else
		begin_writing(c);
}

/* The first step of what is asked now, or once core has let go what it does by itself. */
static void start(struct core *c) {
	struct erasure *e = &c->erasure;
	bool scan = e->step == ERASURE_SCANNING;
	struct keeper_job job = { .work = KEEPER_PLAN, .upto = e->seq, .kinds = MAY_GO };
	int rc = scan ? look_for_more(c) : ask_keeper(c, &job);
	if (rc < 0)
		fail(c, rc, scan ? not_found_out : "what may go cannot be found out");
}

static void begin(struct core *c, const struct asked *r, bool scan, uint64_t seq) {
	struct erasure *e = &c->erasure;
	bool waits = e->step != ERASURE_NONE && e->own;
	if (waits)
		e = &c->erasure_next;
	if (e->step != ERASURE_NONE)
		return session_error(c, &r->to, -EBUSY, "another erasure or compaction is under way");
	*e = (struct erasure){ .to = r->to, .seq = seq, .step = scan ? ERASURE_SCANNING : ERASURE_PLANNING };
	size_t n = utf8_cut(r->q->text, strlen(r->q->text), sizeof(e->reason) - 1);
	memcpy(e->reason, r->q->text, n); /* the rest is zero */
	snprintf(e->principal, sizeof(e->principal), "%s", core_entity_name(c, r->speaker.principal));
	if (!waits)
		start(c);
}

/* What holds the journal together, and what all that was said stands on. */
#define STAYS (UINT64_C(1) << JOURNAL_EPOCH | UINT64_C(1) << JOURNAL_ERASE | UINT64_C(1) << JOURNAL_DICTIONARY | \
		UINT64_C(1) << JOURNAL_PLAN | UINT64_C(1) << JOURNAL_SNAPSHOT | UINT64_C(1) << JOURNAL_COMPACT)

struct found {
	bool stays, erased;
};

static int look(void *user, const struct journal_record *r) {
	struct found *f = user;
	f->stays = r->kind < JOURNAL_KIND_COUNT && STAYS >> r->kind & 1;
	f->erased = r->erased;
	return 0;
}

/* What was made of it went before it did: there is nothing to do. */
static void erased_before(struct core *c, const struct reply_to *to) {
	struct mp_out o;
	session_begin(c, &o, to, "done", 3);
	mp_kv_uint(&o, "seq", 0);
	mp_kv_uint(&o, "erased", 0);
	mp_kv_bool(&o, "wiped", journal_wiped(c->journal) == 0 && remind_await(c, c->state->seq) == 0);
	session_send(c, &o, to);
}

void forget_erase(struct core *c, const struct asked *r) {
	struct found f = { false, false };
	if (r->q->seq == 0 || r->q->seq > c->state->seq)
		return session_error(c, &r->to, -ENOENT, "there is no record %llu; the last one is %llu",
				(unsigned long long)r->q->seq, (unsigned long long)c->state->seq);
	int rc = c->reader ? journal_one(c->reader, r->q->seq, look, &f) : -ENOENT;
	if (rc == 0 && f.stays)
		return session_error(c, &r->to, -EINVAL, "record %llu is the machine's own: the journal stands on it, "
				"and it stays", (unsigned long long)r->q->seq);
	if (rc == 0 && f.erased)
		return erased_before(c, &r->to);
	begin(c, r, true, r->q->seq);
}

/* ---- compaction ---- */

static void let_go(struct core *c, void *who, int rc, uint64_t seq) {
	struct erasure *e = who;
	struct mp_out o;
	if (rc < 0)
		return fail(c, rc, rc == -EBUSY ? "what went before is still being removed" : "nothing was let go");
	if (e->going)
		log_info("records up to %llu were let go: %llu now, %llu in all, %llu stay", (unsigned long long)e->seq,
				(unsigned long long)e->going, (unsigned long long)e->removed,
				(unsigned long long)e->kept);
	session_begin(c, &o, &e->to, "done", 5);
	mp_kv_uint(&o, "seq", seq);
	mp_kv_uint(&o, "upto", e->seq);
	mp_kv_uint(&o, "now", e->going);
	mp_kv_uint(&o, "removed", e->removed);
	mp_kv_uint(&o, "kept", e->kept);
	session_send(c, &o, &e->to);
	over(c);
}

static void no_snapshot(struct core *c) {
	session_error(c, &c->erasure.to, -ENOENT, "there is no snapshot%s yet that could stand for what would go; "
			"it is made when the machine rests, or with `cadmus down`, after some hundred records: "
			"then ask again",
			c->snapped ? " up to there" : "");
	over(c);
	dream_wait(c);
}

static void planned(struct core *c, const struct keeper_job *job) {
	struct erasure *e = &c->erasure;
	uint8_t body[1024];
	if (job->rc == -ENOENT)
		return no_snapshot(c);
	if (job->rc < 0)
		return fail(c, job->rc, job->rc == -EBUSY ? "what went before is still being removed"
							    : "what may go cannot be found out");
	int n = body_build_compact(&job->plan.body, body, sizeof(body));
	struct journal_entry note = { JOURNAL_COMPACT, JOURNAL_MACHINE, core_entity_name(c, 0), e->principal, body,
		n < 0 ? 0 : (size_t)n, NULL };
	e->step = ERASURE_LETTING_GO;
	e->seq = job->plan.body.upto;
	e->going = job->plan.going;
	e->removed = job->plan.body.removed;
	e->kept = job->plan.body.kept;
	if (e->going == 0)
		return let_go(c, e, 0, 0); /* a record that says so would be all that changed */
	int rc = n < 0 ? n : ledger_compact(c, &note, let_go, e);
	if (rc < 0)
		let_go(c, e, rc, 0);
}

void forget_compact(struct core *c, const struct asked *r) {
	begin(c, r, false, r->q->seq ? r->q->seq : UINT64_MAX);
}

/* ---- what the plan says is kept ---- */

#define FIRST_LOOK_NS (60 * NS_PER_S)
#define LOOK_NS (3600 * NS_PER_S)
#define NS_PER_DAY (24 * 3600 * NS_PER_S)
#define KEEP_DAYS 30

/* look_ms is for tests. */
int forget_open(struct core *c) {
	int64_t first = core_option(c, "journal.look_ms", FIRST_LOOK_NS / NS_PER_MS) * NS_PER_MS;
	int64_t then = core_option(c, "journal.look_ms", LOOK_NS / NS_PER_MS) * NS_PER_MS;
	struct itimerspec t = { { then / NS_PER_S, then % NS_PER_S }, { first / NS_PER_S, first % NS_PER_S } };
	c->keep_days = core_option(c, "journal.keep_days", KEEP_DAYS);
	c->keep_bytes = (uint64_t)core_option(c, "journal.keep_mb", 0) << 20;
	c->look = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	if (c->look < 0 || timerfd_settime(c->look, 0, &t, NULL) < 0)
		return -errno;
	return core_watch(c, c->look, CORE_ON_LOOK, 0);
}

/* What must not go is too much already: said once. */
static void look_at_what_stays(struct core *c, const struct keeper_job *job) {
	if (c->told_stays || !c->keep_bytes || job->stays <= c->keep_bytes)
		return;
	c->told_stays = true;
	log_warn("the journal is to hold %llu KiB, and what is never let go takes %llu: it grows on",
			(unsigned long long)(c->keep_bytes >> 10), (unsigned long long)(job->stays >> 10));
	(void)event_write(&c->events, clock_mono(), EVENT_JOURNAL, 0, job->stays, c->keep_bytes, "keep_mb");
}

static bool has_policy(const struct core *c) {
	return c->keep_days > 0 || c->keep_bytes;
}

/* What is under way comes first. */
void forget_keep(struct core *c) {
	struct erasure *e = &c->erasure;
	struct keeper_job job = { .work = KEEPER_KEEP, .kinds = MAY_GO };
	if (e->step != ERASURE_NONE)
		return;
	c->keep_due = false;
	c->looks_missed = 0;
	if (c->keep_days > 0)
		job.keep.since.ns = clock_wall().ns - c->keep_days * NS_PER_DAY;
	job.keep.bytes = c->keep_bytes;
	job.keep.after = c->state->compacted;
	*e = (struct erasure){ .own = true, .step = ERASURE_PLANNING, .to = { .session = CORE_SESSIONS } };
	int rc = ask_keeper(c, &job);
	if (rc < 0)
		fail(c, rc, "what may go cannot be found out");
}

void forget_look(struct core *c) {
	if (!io_timer_read(c->look) || !has_policy(c))
		return;
	c->keep_due = true;
	if (++c->looks_missed >= LOOKS_OVERDUE)
		forget_keep(c);
	else
		dream_wait(c);
}

/* Only now may more go than before. */
void forget_snapped(struct core *c) {
	if (!c->keep_bytes)
		return;
	c->keep_due = true;
	c->looks_missed = LOOKS_OVERDUE;
	forget_keep(c);
}

void forget_yield(struct core *c) {
	if (c->erasure.own && c->erasure.step == ERASURE_PLANNING)
		keeper_cancel(c->keeper);
}

/* ---- the keeper ---- */

void forget_keeper(struct core *c) {
	static struct keeper_job job; /* large; one thread */
	if (!c->keeper || keeper_take(c->keeper, &job) < 0)
		return;
	if (job.work == KEEPER_SCAN)
		scanned(c, &job);
	else if (job.work == KEEPER_FOLD)
		folded(c, &job);
	else if (job.work == KEEPER_PLAN)
		planned(c, &job);
	else if (job.work == KEEPER_KEEP) {
		look_at_what_stays(c, &job);
		planned(c, &job);
	}
}
