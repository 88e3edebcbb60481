/* rules.c - see rules.h. */
#include "rules/rules.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include "base/clock.h"
#include "rules/rule.h"
#include "store/wait.h"

#define BROKEN_PAUSE_NS (10 * NS_PER_MS)
#define TURN_MAX 64 /* steps of one target before others have their turn */

/* One source of a rule: the sample that waits for its turn. */
struct feed {
	struct field field;
	bool waits;
	struct cdm_info info;
	uint8_t bytes[RULE_SAMPLE_MAX];
	uint64_t missed; /* and not told */
	struct cdm_mono told_at;
};

struct runner {
	struct rule rule;
	struct feed feeds[PLAN_SOURCES_MAX];
	bool apart, told;        /* its sources are; and an event said so */
	uint64_t degraded;       /* samples since they are */
	struct cdm_mono told_at;
	struct runner *company;  /* the next one of the same target */
};

/* What rules make: several may make one thing, and then their samples go in in one row. */
struct target {
	struct field_writer writer;
	struct rule_target state;
	struct runner *runners;
};

/* The next sample of a target's sources. */
struct turn {
	struct runner *runner; /* NULL: none has one */
	unsigned source;
};

struct rules {
	struct peers *peers;
	struct event_writer *events;
	struct cdm_mono began;
	pthread_t thread;
	atomic_bool quit;
	unsigned count, target_count;
	struct runner *at;
	struct target *targets;
	unsigned wait_count;
	struct field *waits[PLAN_WAITS_MAX];
};

_Static_assert(PLAN_WAITS_MAX <= WAIT_FIELDS_MAX, "one thread can sleep on the sources of all rules");

/* ---- events ---- */

static bool is_due(struct cdm_mono told_at, struct cdm_mono now) {
	return told_at.ns == 0 || mono_since(told_at, now) >= NS_PER_S;
}

static void tell(struct rules *rs, struct cdm_mono now, enum event_kind kind, uint64_t a, uint64_t b,
		const char *text) {
	if (rs->events)
		(void)event_write(rs->events, now, kind, PLAN_NONE, a, b, text);
}

static void tell_rule(struct rules *rs, struct runner *r, struct cdm_mono now, enum event_kind kind, uint64_t b) {
	tell(rs, now, kind, (uint64_t)(r->rule.plan - plan_rules(rs->peers->plan)), b, r->rule.field->name);
	r->told_at = now;
}

static void tell_missed(struct rules *rs, struct feed *f, struct cdm_mono now) {
	if (!is_due(f->told_at, now))
		return;
	tell(rs, now, EVENT_LAPPED, f->field.index, f->missed, f->field.plan->name);
	f->missed = 0;
	f->told_at = now;
}

/* Together and apart: what changes is told. */
static void tell_skew(struct rules *rs, struct runner *r, struct cdm_mono now, const struct rule_result *x) {
	if (!x->apart) {
		if (r->told)
			tell_rule(rs, r, now, EVENT_COHERENT, r->degraded);
		r->apart = r->told = false;
		r->degraded = 0;
		return;
	}
	counter_add(&rs->peers->own, COUNTER_incoherent, 1);
	r->degraded++;
	if (!r->apart && is_due(r->told_at, now)) {
		tell_rule(rs, r, now, EVENT_INCOHERENT, x->skew_ns);
		r->told = true;
	}
	r->apart = true;
}

/* ---- running ---- */

/* As of time 0 nothing is STALE: the rule finds that out by itself.  true: there is a new one. */
static bool fetch(struct rules *rs, struct feed *f) {
	const struct cdm_mono no_time = { 0 };
	int missed = field_next(&f->field, f->bytes, sizeof(f->bytes), no_time, &f->info);
	if (missed < 0 && missed != -EAGAIN)
		field_skip(&f->field); /* what cannot be read is not looked at again */
	f->waits = missed >= 0;
	f->missed += missed > 0 ? (unsigned)missed : 0;
	if (f->missed)
		tell_missed(rs, f, clock_mono());
	return f->waits;
}

/* Those of one commit come in the order of the plan. */
static bool is_before(const struct feed *a, const struct feed *b) {
	int64_t x = a->info.publish_time.ns, y = b->info.publish_time.ns;
	return x != y ? x < y : a->field.index < b->field.index;
}

/* Something new of a source that had nothing; true: there is. */
static bool fetch_all(struct rules *rs, const struct target *t) {
	bool any = false;
	for (struct runner *r = t->runners; r; r = r->company)
		for (unsigned i = 0; i < r->rule.plan->source_count; i++)
			any |= !r->feeds[i].waits && fetch(rs, &r->feeds[i]);
	return any;
}

/*
 * The sample that was published first.  One may come between two looks that is of the same commit as the next one, or
 * of the same field for another rule: so who sees something new looks again, until there is nothing.
 */
static struct turn find_first(struct rules *rs, const struct target *t) {
	struct turn first = { NULL, 0 };
	while (fetch_all(rs, t))
		;
	for (struct runner *r = t->runners; r; r = r->company)
		for (unsigned i = 0; i < r->rule.plan->source_count; i++) {
			const struct feed *f = &r->feeds[i];
			if (f->waits && (!first.runner || is_before(f, &first.runner->feeds[first.source])))
				first = (struct turn){ r, i };
		}
	return first;
}

static bool is_orphan(const struct rules *rs, const struct feed *f, const struct cdm_info *i) {
	return directory_is_orphan(&rs->peers->directory, f->field.plan->process, i->epoch);
}

/*
 * Who is dead just now.  Asked with each step, for a parent that is gone makes orphans of all until the next one.  The
 * sample whose turn it is counts, for its writer lived when he said it; unless it was there before us, and so what
 * somebody left who may be dead for long.
 */
static void look_for_the_dead(const struct rules *rs, struct runner *r, unsigned source) {
	for (unsigned i = 0; i < r->rule.plan->source_count; i++)
		rule_gone(&r->rule, i, is_orphan(rs, &r->feeds[i], &r->rule.sources[i].info));
	const struct cdm_info *now = &r->feeds[source].info;
	rule_gone(&r->rule, source, now->publish_time.ns < rs->began.ns && is_orphan(rs, &r->feeds[source], now));
}

static void step(struct rules *rs, struct target *t, struct turn turn) {
	struct runner *r = turn.runner;
	struct feed *f = &r->feeds[turn.source];
	struct rule_result out;
	look_for_the_dead(rs, r, turn.source);
	f->waits = false;
	if (!rule_step(&r->rule, turn.source, f->bytes, &f->info, &out))
		return;
	struct cdm_mono now = clock_mono();
	tell_skew(rs, r, now, &out);
	if (field_write(&t->writer, &out.value, sizeof(out.value), &out.meta, now) < 0)
		return; /* every slot leased: counted by the store */
}

/* true: there is more. */
static bool run(struct rules *rs, struct target *t) {
	for (unsigned i = 0; i < TURN_MAX; i++) {
		struct turn first = find_first(rs, t);
		if (!first.runner)
			return false;
		step(rs, t, first);
	}
	return true;
}

/* All of them, so that a fast source does not keep a slow one waiting. */
static bool run_all(struct rules *rs) {
	bool more = false;
	for (unsigned i = 0; i < rs->target_count; i++)
		more |= run(rs, &rs->targets[i]);
	return more;
}

static void *thread_main(void *arg) {
	static const struct timespec pause = { 0, BROKEN_PAUSE_NS };
	struct rules *rs = arg;
	while (!atomic_load(&rs->quit)) {
		int rc = wait_any(rs->waits, rs->wait_count, -1);
		while (run_all(rs) && !atomic_load(&rs->quit))
			continue;
		if (rc < 0 && rc != -ECANCELED && rc != -EOWNERDEAD)
			nanosleep(&pause, NULL); /* a source is broken, and would not let us sleep on the others */
	}
	return NULL;
}

/* ---- start and end ---- */

/* The one that another rule makes, too, or a new one. */
static int open_target(struct rules *rs, uint16_t field, struct target **out) {
	for (unsigned i = 0; i < rs->target_count; i++)
		if (rs->targets[i].writer.index == field) {
			*out = &rs->targets[i];
			return 0;
		}
	*out = &rs->targets[rs->target_count];
	int rc = field_writer_open(&(*out)->writer, rs->peers, field);
	rs->target_count += rc == 0;
	return rc;
}

/* Behind those of the target that come before it in the plan. */
static void join(struct target *t, struct runner *r) {
	struct runner **at = &t->runners;
	while (*at)
		at = &(*at)->company;
	*at = r;
}

static int open_runner(struct rules *rs, const struct plan_rule *p) {
	struct runner *r = &rs->at[rs->count];
	struct target *t;
	int rc = open_target(rs, p->target, &t);
	if (rc == 0)
		rc = rule_open(&r->rule, rs->peers->plan, p, &t->state);
	if (rc == 0)
		join(t, r);
	for (unsigned i = 0; rc == 0 && i < p->source_count; i++) {
		rc = field_open(&r->feeds[i].field, rs->peers, p->sources[i]);
		CHECK(rs->wait_count < PLAN_WAITS_MAX);
		rs->waits[rs->wait_count++] = &r->feeds[i].field;
	}
	rs->count++;
	return rc;
}

static void close_all(struct rules *rs) {
	for (unsigned i = 0; i < rs->count; i++)
		for (unsigned s = 0; s < PLAN_SOURCES_MAX; s++)
			field_close(&rs->at[i].feeds[s].field);
	for (unsigned i = 0; i < rs->target_count; i++)
		field_writer_close(&rs->targets[i].writer);
	free(rs->targets);
	free(rs->at);
	free(rs);
}

int rules_start(struct rules **out, struct peers *peers, struct event_writer *events) {
	const struct plan *plan = peers->plan;
	struct rules *rs = calloc(1, sizeof(*rs));
	*out = NULL;
	if (!rs)
		return -ENOMEM;
	rs->peers = peers;
	rs->events = events;
	rs->began = clock_mono();
	rs->at = calloc(plan->rules.count + 1, sizeof(*rs->at));
	rs->targets = calloc(plan->rules.count + 1, sizeof(*rs->targets));
	int rc = rs->at && rs->targets ? 0 : -ENOMEM;
	for (uint32_t i = 0; rc == 0 && i < plan->rules.count; i++)
		if (rule_is_run(&plan_rules(plan)[i]))
			rc = open_runner(rs, &plan_rules(plan)[i]);
	if (rc == 0 && rs->wait_count > 0)
		rc = -pthread_create(&rs->thread, NULL, thread_main, rs);
	if (rc == 0 && rs->wait_count > 0) {
		*out = rs;
		return 0;
	}
	close_all(rs);
	return rc;
}

void rules_stop(struct rules **r) {
	struct rules *rs = *r;
	if (!rs)
		return;
	atomic_store(&rs->quit, true);
	peers_interrupt(rs->peers);
	pthread_join(rs->thread, NULL);
	close_all(rs);
	*r = NULL;
}
