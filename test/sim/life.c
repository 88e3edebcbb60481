/* life.c - see life.h. */
#include "test/sim/life.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/clock.h"
#include "base/err.h"
#include "env/env_sim.h"
#include "test/sim/batch.h"

enum { OWNER, RIVAL, KEEPER, PASSER, NOBODY };
enum { NO_RECORD = 1 << 30 }; /* a seq that there is not */

static const char path[] = "state";

struct life {
	uint64_t seed, dice, number;
	bool told;
	struct life_report *report;
	struct env_sim *world;
	struct model model;

	struct journal *owner;
	bool failed;        /* it has said that the disk failed */
	bool was_read;      /* it has had its turn in the middle of somebody's walk */
	uint64_t born_hits, born_failures; /* what had gone wrong when it was opened; the latter: but for full disks */
	struct journal_state *live, *other, *third;
	bool live_is_known;
	struct journal_reader *keeper;

	unsigned inside; /* who is in the middle of a call; NOBODY */
	unsigned planned;
	bool is_made;    /* the file is there for good: a record was acknowledged, or found by an owner */
	bool has_lied;   /* the disk: what is there must be judged */

	/* Habits of this life: */
	bool crowded, lying, heavy, forgetful;
	unsigned trouble; /* faults in a hundred turns */
};

/* ---- telling ---- */

static void note(struct life *l, const char *format, ...) PRINTF_LIKE(2, 3);

static void note(struct life *l, const char *format, ...) {
	char text[200];
	va_list args;
	va_start(args, format);
	int n = vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	for (int i = 0; i < n && i < (int)sizeof(text) - 1; i++)
		l->report->trace = (l->report->trace ^ (uint8_t)text[i]) * UINT64_C(1099511628211);
	if (l->told)
		printf("%8llu %s\n", (unsigned long long)env_sim_operations(l->world), text);
}

static uint64_t dice(struct life *l, uint64_t below) {
	return batch_dice(&l->dice) % below;
}

static const char *said(int rc) {
	return rc < 0 ? err_name(rc) : "0";
}

static const struct env *env_of(const struct life *l, unsigned process) {
	return env_sim_env(l->world, process);
}

/* A batch that met trouble may have been refused, so a later one may be there without it. */
static void mark_what_may_be_passed(struct life *l) {
	for (unsigned i = 0; i < l->model.waiting_count; i++) {
		struct model_batch *b = l->model.waiting[i];
		b->may_be_passed = b->may_be_passed || l->crowded || env_sim_hits(l->world) > b->hits ||
				   b->erase == NO_RECORD || b->compact_upto || b->again;
	}
}

/* ---- readers ---- */

/* May a reader have failed with rc?  `hits`: of the world before. */
static bool is_excused(const struct life *l, int rc, unsigned process, uint64_t hits) {
	if (env_sim_hits(l->world) > hits || env_sim_is_dead(l->world, process))
		return true;
	if (rc == -EBUSY)
		return l->crowded;
	return rc == -ENOENT && !l->is_made;
}

static int read_open(struct life *l, unsigned process, struct journal_reader **r) {
	uint64_t hits = env_sim_hits(l->world);
	struct cdm_diag d = { .count = 0 };
	int rc = journal_read_open_in(env_of(l, process), path, r, &d);
	if (rc < 0)
		note(l, "process %u cannot open it: %s: %s", process, said(rc), d.count ? d.at[0].text : "");
	CHECK(rc == 0 || is_excused(l, rc, process, hits));
	return rc;
}

static void turn_of_owner(struct life *l);

static void meanwhile(void *user) {
	struct life *l = user;
	if (!l->owner || l->inside != NOBODY || dice(l, 20) != 0)
		return;
	l->was_read = true;
	turn_of_owner(l);
}

static void look_around(struct life *l, struct journal_reader *r, unsigned process) {
	uint64_t seq, hits = env_sim_hits(l->world), before = l->model.count;
	struct journal_report report;
	int rc = 0;
	mark_what_may_be_passed(l);
	switch (dice(l, 4)) {
	case 0:
		rc = journal_verify(r, &report, NULL);
		CHECK(rc < 0 || report.records + report.removed >= before);
		break;
	case 1:
		rc = journal_last(r, &seq);
		CHECK(rc < 0 || seq >= before);
		break;
	case 2:
		rc = journal_seq_at(r, (struct cdm_wall){ INT64_MAX }, &seq);
		CHECK(rc < 0 || seq >= before);
		break;
	default:
		rc = model_walk(&l->model, r, MODEL_LOOK, process == KEEPER ? meanwhile : NULL, l, &seq);
		break;
	}
	l->report->reads++;
	note(l, "process %u looks around: %s", process, said(rc));
	CHECK(rc == 0 || is_excused(l, rc, process, hits));
}

/* The same at an earlier record; what is gone is said to be. */
static void compare_earlier(struct life *l, struct journal_reader *r) {
	uint64_t seq = 1 + dice(l, l->model.count), hits = env_sim_hits(l->world);
	int rc = journal_state_at(r, seq, l->other, NULL);
	if (seq < model_may_be_compacted(&l->model)) {
		CHECK(rc == 0 || rc == -ESTALE || is_excused(l, rc, PASSER, hits));
		return;
	}
	CHECK(rc == 0 || is_excused(l, rc, PASSER, hits));
	if (rc < 0)
		return;
	model_fold(&l->model, seq, l->third);
	struct hash read = state_hash(l->other), listed = state_hash(l->third);
	CHECK(hash_equal(&read, &listed));
}

/* What is live is what is read, and what the plain list says. */
static void compare_states(struct life *l) {
	struct journal_reader *r;
	uint64_t hits = env_sim_hits(l->world);
	env_sim_on_visit(l->world, NULL, NULL); /* both as they are now */
	if (!l->owner || !l->live_is_known || model_has_waiting_erasure(&l->model) || read_open(l, PASSER, &r) < 0)
		return;
	int rc = journal_state_at(r, l->model.count, l->other, NULL);
	CHECK(rc == 0 || is_excused(l, rc, PASSER, hits));
	if (rc == 0) {
		struct hash live = state_hash(l->live), read = state_hash(l->other);
		CHECK(hash_equal(&live, &read));
		model_check_state(&l->model, l->live);
		model_fold(&l->model, l->model.count, l->other);
		read = state_hash(l->other);
		CHECK(hash_equal(&live, &read));
	}
	if (rc == 0 && l->forgetful && l->model.count)
		compare_earlier(l, r);
	journal_read_close(&r);
}

static void turn_of_passer(struct life *l) {
	struct journal_reader *r;
	if (read_open(l, PASSER, &r) == 0) {
		look_around(l, r, PASSER);
		journal_read_close(&r);
	}
	if (env_sim_is_dead(l->world, PASSER) && !env_sim_is_out(l->world))
		env_sim_reap(l->world, PASSER);
}

static void turn_of_keeper(struct life *l) {
	if (!l->keeper) {
		(void)read_open(l, KEEPER, &l->keeper);
		return;
	}
	switch (dice(l, 5)) {
	case 0:
		journal_read_close(&l->keeper);
		break;
	case 1:
		note(l, "the reader is killed");
		env_sim_kill(l->world, KEEPER);
		break;
	default:
		look_around(l, l->keeper, KEEPER);
	}
}

/* ---- the owner ---- */

static void submit(struct life *l, uint64_t erase) {
	struct journal_entry entries[MODEL_BATCH_MAX];
	struct model_batch *b = model_batch(&l->model);
	size_t bytes = 0;
	if (erase)
		batch_erase(b, &l->dice, &l->number, erase);
	else
		batch_fill(b, &l->dice, &l->number, l->heavy);
	batch_entries(b, entries);
	for (unsigned i = 0; i < b->count; i++)
		bytes += b->entries[i].bytes + 512;
	if (!erase && dice(l, 20) == 0)
		b->class = JOURNAL_D0;
	b->after_failure = l->failed;
	b->hits = env_sim_hits(l->world);
	int rc = erase ? journal_erase(l->owner, erase, entries, &b->ticket)
		       : journal_submit(l->owner, entries, b->count, b->class, &b->ticket);
	note(l, "submit %llu: %u entries, D%d, erase %llu: %s", (unsigned long long)b->ticket, b->count, b->class,
			(unsigned long long)erase, said(rc));
	CHECK(rc == 0 || rc == -EAGAIN || (rc == -E2BIG && bytes > 16 << 10));
	if (rc == 0 && b->class != JOURNAL_D0)
		model_waits(&l->model, b);
	else
		model_drop(b);
}

static const struct model_entry *entry_at(const struct life *l, uint64_t seq) {
	const struct model_record *r = &l->model.records[seq - 1];
	return &r->batch->entries[r->index];
}

/*
 * A request that was answered is asked again, with whatever words: nothing is stored, however long ago it was, and the
 * answer names its record.
 */
static void submit_again(struct life *l) {
	struct journal_entry entries[MODEL_BATCH_MAX];
	uint64_t seq = dice(l, l->model.count + 1);
	while (seq > 0 && !entry_at(l, seq)->request[0])
		seq--;
	if (seq == 0)
		return;
	struct model_batch *b = model_batch(&l->model);
	batch_again(b, &l->dice, &l->number, entry_at(l, seq), seq);
	batch_entries(b, entries);
	b->after_failure = l->failed;
	b->hits = env_sim_hits(l->world);
	int rc = journal_submit(l->owner, entries, 1, b->class, &b->ticket);
	note(l, "submit %llu: as record %llu: %s", (unsigned long long)b->ticket, (unsigned long long)seq, said(rc));
	CHECK(rc == 0 || rc == -EAGAIN || (rc == -E2BIG && b->entries[0].bytes > 15 << 10));
	if (rc == 0)
		model_waits(&l->model, b);
	else
		model_drop(b);
}

/* A later fold may begin with it; what an erasure is about to take away must not be in it. */
static void submit_snapshot(struct life *l) {
	if (!l->live_is_known || model_has_waiting_erasure(&l->model))
		return;
	struct model_batch *b = model_batch(&l->model);
	batch_snapshot(b, &l->number);
	b->after_failure = l->failed;
	b->hits = env_sim_hits(l->world);
	int rc = journal_snapshot(l->owner, l->live, b->entries[0].entity, &b->ticket);
	note(l, "snapshot %llu: %s", (unsigned long long)b->ticket, said(rc));
	CHECK(rc == 0 || rc == -EAGAIN);
	if (rc == 0)
		model_waits(&l->model, b);
	else
		model_drop(b);
}

/* What core lets go by what its plan says is kept, or anything that may go. */
static uint64_t pick_kinds(struct life *l) {
	const uint64_t usual = UINT64_C(1) << JOURNAL_EVIDENCE | UINT64_C(1) << JOURNAL_SAMPLE |
			       UINT64_C(1) << JOURNAL_GAP | UINT64_C(1) << JOURNAL_SYMBOL |
			       UINT64_C(1) << JOURNAL_MODEL | UINT64_C(1) << JOURNAL_SET;
	const uint64_t stay = UINT64_C(1) << JOURNAL_EPOCH | UINT64_C(1) << JOURNAL_ERASE |
			      UINT64_C(1) << JOURNAL_SNAPSHOT | UINT64_C(1) << JOURNAL_COMPACT;
	uint64_t any = batch_dice(&l->dice) & ((UINT64_C(1) << JOURNAL_KIND_COUNT) - 1) & ~stay;
	return dice(l, 3) && any ? any : usual;
}

/* By size, all that may go; or by age. */
static int plan_compaction(struct life *l, uint64_t kinds, struct journal_compaction *plan) {
	struct journal_reader *r;
	uint64_t upto = UINT64_MAX;
	int64_t age = dice(l, 2) ? (int64_t)dice(l, 3000000000) : 0;
	int rc = journal_read_open_in(env_of(l, OWNER), path, &r, NULL);
	if (rc < 0)
		return rc;
	if (age)
		rc = journal_seq_at(r, (struct cdm_wall){ env_of(l, OWNER)->wall(env_of(l, OWNER)).ns - age }, &upto);
	if (rc == 0)
		rc = journal_plan_compaction(r, upto, kinds, plan);
	journal_read_close(&r);
	return rc;
}

static void submit_compaction(struct life *l) {
	static struct journal_compaction plan;
	for (unsigned i = 0; i < l->model.waiting_count; i++)
		if (l->model.waiting[i]->compact_upto && l->model.waiting[i]->fate == MODEL_WAITS)
			return; /* a plan is good until the next one */
	uint64_t kinds = pick_kinds(l), hits = env_sim_hits(l->world);
	int rc = plan_compaction(l, kinds, &plan);
	note(l, "compaction planned: %s, up to %llu", said(rc), (unsigned long long)plan.body.upto);
	CHECK(rc == 0 || rc == -ENOENT || rc == -EBUSY || is_excused(l, rc, OWNER, hits));
	if (rc < 0 || env_sim_is_dead(l->world, OWNER))
		return;
	struct journal_entry entries[MODEL_BATCH_MAX];
	struct model_batch *b = model_batch(&l->model);
	batch_compact(b, &l->number, &plan.body, kinds);
	batch_entries(b, entries);
	b->after_failure = l->failed;
	b->hits = env_sim_hits(l->world);
	rc = journal_compact(l->owner, entries, &b->ticket);
	note(l, "compact %llu: %s", (unsigned long long)b->ticket, said(rc));
	CHECK(rc == 0 || rc == -EAGAIN);
	if (rc == 0)
		model_waits(&l->model, b);
	else
		model_drop(b);
}

/* Which body is to go; a snapshot or a compaction says nothing of anybody, and stays. */
static uint64_t pick_erasure(struct life *l) {
	if (!dice(l, 8) || !l->model.count)
		return NO_RECORD;
	uint64_t seq = 1 + dice(l, l->model.count);
	enum journal_kind kind = entry_at(l, seq)->kind;
	return kind == JOURNAL_SNAPSHOT || kind == JOURNAL_COMPACT ? NO_RECORD : seq;
}

/* The state after an erasure is what a new replay says. */
static void fold_anew(struct life *l) {
	struct journal_reader *r;
	uint64_t hits = env_sim_hits(l->world);
	l->live_is_known = false;
	int rc = journal_read_open_in(env_of(l, OWNER), path, &r, NULL);
	if (rc == 0) {
		rc = journal_state_at(r, l->model.count, l->live, NULL);
		l->live_is_known = rc == 0;
		journal_read_close(&r);
	}
	CHECK(rc == 0 || is_excused(l, rc, OWNER, hits));
}

/* What was erased and wiped is in no file any more. */
static void check_wiped(struct life *l, const struct model_batch *b, int wiped) {
	const char *mark = entry_at(l, b->erase)->mark;
	bool had_trouble = env_sim_hits(l->world) > l->born_hits;
	l->report->erased++;
	CHECK(wiped == 0 || had_trouble || (wiped == -EBUSY && (l->was_read || l->crowded)));
	if (wiped == 0)
		CHECK(!env_sim_holds(l->world, mark, strlen(mark)));
}

/* What may make a journal refuse everything; a full disk may not. */
static uint64_t failures(const struct life *l) {
	return env_sim_hits(l->world) - env_sim_hits_of(l->world, ENV_SIM_FULL);
}

static void settled(struct life *l, const struct journal_result *r) {
	const struct model_batch *b = model_settle(&l->model, r);
	uint64_t hits = env_sim_hits(l->world);
	bool excused = r->rc == 0 || (r->rc == -ENOSPC && hits > b->hits) || (r->rc == -EBUSY && l->crowded) ||
		       (r->rc == -EIO && failures(l) > l->born_failures) ||
		       (r->rc == -ENOENT && b->erase == NO_RECORD) ||
		       (b->compact_upto && (r->rc == -ENOENT || r->rc == -EBUSY));
	note(l, "settled %llu: %s, seq %llu, wiped %s", (unsigned long long)r->ticket, said(r->rc),
			(unsigned long long)r->records[0].seq, said(r->wiped));
	if (b->again) {
		CHECK(r->rc < 0 && (r->rc != -EEXIST || r->existing == b->again));
		l->report->retries += r->rc == -EEXIST;
	}
	CHECK(excused || (b->again && r->rc == -EEXIST));
	l->failed = l->failed || r->rc == -EIO;
	if (r->rc < 0) {
		l->report->refused++;
		return;
	}
	l->is_made = true;
	l->report->acknowledged += r->count;
	l->report->compacted += b->compact_upto > 0;
	for (unsigned i = 0; l->live_is_known && i < r->count; i++)
		CHECK(state_apply(l->live, &r->records[i]) == 0);
	if (b->erase) {
		check_wiped(l, b, r->wiped);
		fold_anew(l);
	}
}

static void take(struct life *l) {
	struct journal_result r;
	while (l->owner && !env_sim_is_dead(l->world, OWNER) && journal_take(l->owner, &r) == 0) {
		settled(l, &r);
		if (dice(l, 8) == 0)
			return;
	}
}

/* After its window nothing waits any more. */
static void wait_long_enough(struct life *l) {
	struct journal_result r;
	env_sim_advance(l->world, 2 * JOURNAL_WINDOW_NS);
	while (journal_step(l->owner))
		;
	while (!env_sim_is_dead(l->world, OWNER) && journal_take(l->owner, &r) == 0)
		settled(l, &r);
	if (env_sim_is_dead(l->world, OWNER))
		return;
	for (unsigned i = 0; i < l->model.waiting_count; i++)
		CHECK(l->model.waiting[i]->fate != MODEL_WAITS);
}

static void turn_of_owner(struct life *l) {
	if (l->forgetful && dice(l, 3) == 0 && l->model.waiting_count < MODEL_WAITING_MAX - 8)
		return dice(l, 2) ? submit_compaction(l) : submit_snapshot(l);
	switch (dice(l, 14)) {
	case 0:
	case 1:
	case 2:
	case 3:
		if (l->model.waiting_count < MODEL_WAITING_MAX - 8)
			submit(l, 0);
		break;
	case 4:
	case 5:
	case 6:
		note(l, "step: %d", journal_step(l->owner));
		break;
	case 7:
	case 8:
		take(l);
		break;
	case 9:
		env_sim_advance(l->world, (int64_t)dice(l, 30000000));
		break;
	case 10:
		wait_long_enough(l);
		break;
	case 11:
		if (l->model.waiting_count < MODEL_WAITING_MAX - 8)
			submit_snapshot(l);
		break;
	case 12:
		if (l->model.waiting_count < MODEL_WAITING_MAX - 8)
			submit_again(l);
		break;
	default:
		if (dice(l, 2) && l->model.waiting_count < MODEL_WAITING_MAX - 8)
			submit(l, pick_erasure(l));
		break;
	}
}

/* ---- owners come and go ---- */

static void go_right(struct life *l) {
	env_sim_unplan(l->world);
	l->planned = 0;
}

static void begin_life(struct life *l) {
	struct journal_reader *r;
	const struct journal_record *tail = journal_tail(l->owner);
	uint64_t seq, before = l->model.count;
	CHECK(tail->seq >= l->model.count);
	mark_what_may_be_passed(l);
	CHECK(journal_read_open_in(env_of(l, OWNER), path, &r, NULL) == 0);
	CHECK(model_walk(&l->model, r, MODEL_ADOPT, NULL, NULL, &seq) == 0 && seq == tail->seq);
	CHECK(journal_state_at(r, UINT64_MAX, l->live, NULL) == 0);
	journal_read_close(&r);
	model_fold(&l->model, seq, l->other);
	struct hash read = state_hash(l->live), listed = state_hash(l->other);
	CHECK(hash_equal(&read, &listed));
	model_check_state(&l->model, l->live);
	l->report->in_doubt_found += seq - before;
	l->model.epoch = tail->epoch;
	if (dice(l, 3))
		journal_set_epoch(l->owner, ++l->model.epoch);
	l->live_is_known = true;
	l->is_made = l->is_made || seq > 0;
	l->failed = l->was_read = false;
	l->born_hits = env_sim_hits(l->world);
	l->born_failures = failures(l);
	note(l, "an owner, who found %llu records", (unsigned long long)seq);
}

static void come(struct life *l) {
	const struct journal_options o = { .queue_bytes = l->heavy ? 256 << 10 : 64 << 10, .env = env_of(l, OWNER),
		.stepped = true, .let_go = l->forgetful ? 1 + (unsigned)dice(l, 6) : 0 };
	uint64_t hits = env_sim_hits(l->world);
	int rc = journal_open(path, &o, &l->owner, NULL);
	note(l, "open: %s", said(rc));
	if (rc < 0) {
		CHECK(env_sim_hits(l->world) > hits || env_sim_is_dead(l->world, OWNER) ||
				(rc == -EBUSY && l->keeper && l->crowded));
		if (dice(l, 3) == 0)
			env_sim_unplan(l->world); /* what hinders it may be over only when something is done */
		return;
	}
	if (env_sim_is_dead(l->world, OWNER))
		return;
	env_sim_on_visit(l->world, NULL, NULL);
	go_right(l);
	begin_life(l);
}

static void come_as_rival(struct life *l) {
	const struct journal_options o = { .env = env_of(l, RIVAL), .stepped = true };
	struct journal *j;
	uint64_t hits = env_sim_hits(l->world);
	int rc = journal_open(path, &o, &j, NULL);
	note(l, "a rival: %s", said(rc));
	CHECK(j == NULL && (rc == -EBUSY || env_sim_hits(l->world) > hits || env_sim_is_dead(l->world, RIVAL)));
	if (env_sim_is_dead(l->world, RIVAL) && !env_sim_is_out(l->world))
		env_sim_reap(l->world, RIVAL);
}

/* In good order: what waits is committed, though nobody takes its results any more. */
static void stop(struct life *l) {
	journal_stop(&l->owner);
	bool sound = env_sim_hits(l->world) == l->born_hits && !l->crowded;
	for (unsigned i = 0; i < l->model.waiting_count; i++) {
		struct model_batch *b = l->model.waiting[i];
		b->promised = sound && b->fate == MODEL_WAITS && b->erase != NO_RECORD &&
			      !b->compact_upto && !b->again && !env_sim_is_dead(l->world, OWNER);
	}
	note(l, "stopped, sound: %d", sound);
}

/* ---- death, and what comes after it ---- */

static void let_go(struct life *l) {
	journal_stop(&l->owner);
	l->live_is_known = false;
}

static void lights_on(struct life *l) {
	let_go(l);
	journal_read_close(&l->keeper);
	bool kept = env_sim_lights_on(l->world);
	l->has_lied = l->has_lied || !kept;
	l->planned = 0;
	l->report->cuts++;
	note(l, "lights on, kept: %d", kept);
}

static void bury(struct life *l) {
	if (l->inside != NOBODY)
		return;
	if (env_sim_is_out(l->world)) {
		lights_on(l);
		return;
	}
	if (env_sim_is_dead(l->world, OWNER)) {
		let_go(l);
		env_sim_reap(l->world, OWNER);
		l->report->kills++;
	}
	if (env_sim_is_dead(l->world, KEEPER)) {
		journal_read_close(&l->keeper);
		env_sim_reap(l->world, KEEPER);
	}
}

/* Somebody removes the file, and may leave what stood beside it: the next one must not take it for its own. */
static void forget_the_file(struct life *l) {
	static const char *const names[] = { "state", "state-wal", "state-journal", "state.new", "state.new-wal" };
	const struct env *e = env_of(l, PASSER);
	journal_read_close(&l->keeper);
	for (size_t i = 0; i < COUNT_OF(names); i++)
		if (i == 0 || dice(l, 2))
			(void)e->remove(e, names[i]);
	/* For good: what makes one name durable does so for all. */
	CHECK(e->make(e, "other.new") == 0 && e->move(e, "other.new", "other") == 0 && e->remove(e, "other") == 0);
	note(l, "the file is removed");
	model_forget(&l->model);
	l->is_made = false;
	l->report->files_lost++;
}

static void remove_the_file(struct life *l) {
	env_sim_unplan(l->world);
	env_sim_on_visit(l->world, NULL, NULL);
	forget_the_file(l);
}

/* After a disk has lied: what can be read is a prefix, or the journal says that it is none. */
static void judge(struct life *l) {
	const struct journal_options o = { .env = env_of(l, OWNER), .stepped = true };
	struct journal_reader *r;
	struct journal_report report = { 0 };
	struct journal *j;
	uint64_t seq = 0;
	env_sim_unplan(l->world);
	env_sim_on_visit(l->world, NULL, NULL);
	journal_read_close(&l->keeper);
	int rc = journal_read_open_in(env_of(l, PASSER), path, &r, NULL);
	if (rc == 0) {
		rc = journal_verify(r, &report, NULL);
		int walked = model_walk(&l->model, r, MODEL_JUDGE, NULL, NULL, &seq);
		CHECK(rc < 0 || walked == -ESTALE || (walked == 0 && seq == report.records + report.removed));
		journal_read_close(&r);
	}
	note(l, "judged: %s, %llu records", said(rc), (unsigned long long)seq);
	l->report->lies_judged++;
	l->has_lied = false;
	if (rc == 0 && l->model.compaction_count == 0)
		return; /* else nobody can tell what it must hold from now on: what was let go was of before the lie */
	(void)!journal_open(path, &o, &j, NULL);
	journal_stop(&j);
	forget_the_file(l);
}

static void go_wrong(struct life *l) {
	static const struct {
		enum env_sim_fault fault;
		unsigned length;
	} faults[] = { { ENV_SIM_POWER, 1 }, { ENV_SIM_KILL, 1 }, { ENV_SIM_FULL, 40 }, { ENV_SIM_FAIL, 2 },
		{ ENV_SIM_UNREADABLE, 3 }, { ENV_SIM_FORGET, 10 }, { ENV_SIM_INDEX, 40 }, { ENV_SIM_LIE, 30 } };
	enum { LIE = COUNT_OF(faults) - 1 };
	size_t i = l->lying && dice(l, 2) ? LIE : dice(l, LIE);
	if (l->planned >= 4)
		go_right(l);
	l->planned++;
	uint64_t in = 1 + dice(l, dice(l, 2) ? 12 : 40), length = 1 + dice(l, faults[i].length);
	note(l, "planned: fault %d in %llu for %llu", faults[i].fault, (unsigned long long)in,
			(unsigned long long)length);
	env_sim_plan(l->world, faults[i].fault, in, length);
}

/* ---- turns ---- */

/* Somebody else runs while process i is on its way to the disk, or it dies there. */
static void visited(void *user, unsigned i) {
	struct life *l = user;
	if (l->inside != NOBODY || dice(l, 60) != 0 || l->has_lied)
		return;
	l->inside = i;
	if (dice(l, 15) == 0) {
		note(l, "process %u is killed on its way to the disk", i);
		env_sim_kill(l->world, i);
	} else if (i == OWNER) {
		turn_of_passer(l);
	} else if (i >= KEEPER && l->owner) {
		turn_of_owner(l);
		if (env_sim_is_dead(l->world, OWNER) && !env_sim_is_out(l->world)) {
			let_go(l);
			env_sim_reap(l->world, OWNER);
		}
	}
	l->inside = NOBODY;
}

static void end_of_an_owner(struct life *l) {
	if (l->planned > 5)
		go_right(l);
	switch (dice(l, 3)) {
	case 0:
		if (l->trouble > 0 && dice(l, 4) == 0) { /* in the middle of the last checkpoint */
			env_sim_plan(l->world, ENV_SIM_POWER, 1 + dice(l, 12), 1);
			l->planned++;
		}
		stop(l);
		break;
	case 1:
		note(l, "killed");
		env_sim_kill(l->world, OWNER);
		if (l->trouble > 0 && dice(l, 3) == 0) { /* misfortunes come together */
			env_sim_plan(l->world, ENV_SIM_FAIL, 1 + dice(l, 3), 1);
			env_sim_plan(l->world, ENV_SIM_POWER, 2 + dice(l, 12), 1);
			l->planned += 2;
		}
		break;
	default:
		note(l, "lights out");
		env_sim_lights_out(l->world);
	}
}

static void turn(struct life *l) {
	env_sim_on_visit(l->world, l->crowded ? visited : NULL, l);
	if (dice(l, 100) < l->trouble)
		go_wrong(l);
	uint64_t d = dice(l, 100);
	if (d < 6)
		turn_of_keeper(l);
	else if (d < 10)
		turn_of_passer(l);
	else if (d < 12)
		env_sim_set_calendar(l->world, (int64_t)dice(l, 7200) * NS_PER_S - 3600 * NS_PER_S);
	else if (!l->owner && dice(l, 100) == 0)
		remove_the_file(l);
	else if (!l->owner)
		come(l);
	else if (d < 14)
		come_as_rival(l);
	else if (d < 17)
		compare_states(l);
	else if (d < 20)
		end_of_an_owner(l);
	else
		turn_of_owner(l);
	bury(l);
	if (l->has_lied && !l->owner)
		judge(l);
}

/* Once nothing waits, all that was let go is gone, and nothing else. */
static void check_what_is_gone(struct life *l) {
	struct journal_reader *r;
	struct journal_report report;
	CHECK(journal_read_open_in(env_of(l, PASSER), path, &r, NULL) == 0);
	CHECK(journal_verify(r, &report, NULL) == 0 && report.removed == model_gone(&l->model));
	journal_read_close(&r);
	l->report->removed += report.removed;
}

static void check_marks(struct life *l) {
	for (uint64_t seq = 1; seq <= l->model.count; seq++) {
		const char *mark = entry_at(l, seq)->mark;
		CHECK(!l->model.records[seq - 1].erased || !mark[0] || !env_sim_holds(l->world, mark, strlen(mark)));
	}
}

/* Of all that was ever erased nothing is left, whoever was to take it out: neither for programs, nor on the disk. */
static void check_what_is_wiped(struct life *l) {
	for (unsigned tries = 0; tries < 4 && journal_wiped(l->owner) != 0; tries++) {
		env_sim_advance(l->world, 20 * NS_PER_S);
		while (journal_step(l->owner))
			;
	}
	CHECK(journal_wiped(l->owner) == 0);
	check_marks(l);
	env_sim_lights_out(l->world);
	bury(l);
	if (l->has_lied)
		judge(l); /* a sync that was none */
	else
		check_marks(l);
	come(l);
	CHECK(l->owner);
}

/* On a sound disk, with nobody else: all is there, and the next owner can go on. */
static void last_turns(struct life *l) {
	struct journal_result r;
	env_sim_on_visit(l->world, NULL, NULL);
	env_sim_unplan(l->world);
	journal_read_close(&l->keeper);
	l->crowded = false;
	if (l->owner)
		end_of_an_owner(l);
	bury(l);
	env_sim_unplan(l->world);
	if (l->has_lied)
		judge(l);
	come(l);
	CHECK(l->owner);
	submit(l, 0);
	wait_long_enough(l);
	while (journal_take(l->owner, &r) == 0)
		settled(l, &r);
	CHECK(!l->failed);
	compare_states(l);
	check_what_is_gone(l);
	check_what_is_wiped(l);
	stop(l);
	CHECK(!l->owner);
	come(l);
	stop(l);
}

/* What it left, for others to read. */
static void keep_file(struct life *l, const char *to) {
	struct journal_reader *r;
	char hash[HASH_TEXT_MAX];
	size_t bytes;
	CHECK(journal_read_open_in(env_of(l, PASSER), path, &r, NULL) == 0);
	CHECK(journal_state_at(r, UINT64_MAX, l->other, NULL) == 0);
	journal_read_close(&r);
	struct hash state = state_hash(l->other);
	printf("state %s\n", hash_text(&state, 2 * HASH_BYTES, hash));
	const uint8_t *at = env_sim_bytes(l->world, path, &bytes);
	FILE *f = at ? fopen(to, "wb") : NULL;
	CHECK(f && fwrite(at, 1, bytes, f) == bytes && fclose(f) == 0);
}

static void habits(struct life *l) {
	static const unsigned troubles[] = { 0, 2, 5, 10, 20 };
	l->crowded = dice(l, 2);
	l->lying = dice(l, 5) == 0;
	l->heavy = dice(l, 40) == 0;
	l->forgetful = l->seed % 4 == 0;
	l->trouble = l->lying ? 10 : troubles[dice(l, COUNT_OF(troubles))];
	note(l, "crowded %d, lying %d, heavy %d, trouble %u", l->crowded, l->lying, l->heavy, l->trouble);
}

static struct journal_state *a_state(unsigned number) {
	static struct journal_state *kept[3];
	if (!kept[number])
		kept[number] = calloc(1, sizeof(*kept[number]));
	CHECK(kept[number] != NULL);
	return kept[number];
}

void life_run(uint64_t seed, bool told, const char *keep, struct life_report *report) {
	struct life l = { .seed = seed, .dice = seed, .told = told, .report = report, .inside = NOBODY,
		.live = a_state(0), .other = a_state(1), .third = a_state(2) };
	report->trace = seed;
	l.world = env_sim_create(batch_dice(&l.dice));
	habits(&l);
	unsigned turns = l.heavy ? 500 : 30 + (unsigned)dice(&l, 120);
	for (unsigned i = 0; i < turns; i++)
		turn(&l);
	last_turns(&l);
	if (keep)
		keep_file(&l, keep);
	report->faults += env_sim_hits(l.world);
	report->trace ^= env_sim_trace(l.world);
	model_fini(&l.model);
	env_sim_destroy(&l.world);
}
