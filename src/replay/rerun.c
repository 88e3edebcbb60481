/* rerun.c - see rerun.h. */
#include "replay/rerun.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include "base/array.h"
#include "rules/rule.h"

#define STEPS_MAX 4096 /* of rules, for one sample: more makes itself */
#define OPEN_MAX 65536 /* made, and not recorded yet: what is older never will be */

struct open_value {
	struct rerun_value v;
	bool quiet; /* of before the stretch: not told, and not counted */
};

/* Samples that were made and are not settled, the oldest first. */
struct queue {
	struct open_value *at;
	size_t first, count, room;
};

struct target {
	struct rerun_target about;
	struct queue open;
	uint32_t epoch;     /* of the last recorded one; 0: none yet */
	uint64_t version;   /* of the last one made */
	bool from_begin;    /* the recording has the first one that its rule made */
	struct rule_target state;
	bool fed;             /* its rules are, with anything */
	bool begun;           /* what they say counts */
	struct runner *last;  /* that said something */
	bool apart;           /* which was no evidence, and is not all that the rule knows */
	struct cdm_mono said, before; /* of which times it and the sample before it were; before: -1: there is none */
	unsigned tries;       /* recorded samples that were not of that */
};

struct runner {
	struct rule rule;
	unsigned target;
	unsigned sound[PLAN_SOURCES_MAX]; /* samples of late that were those of then, up to 2 */
	bool timed[PLAN_SOURCES_MAX];     /* the last one is of the time that it was then */
};

/* A field of the plan: where it is in the recording, and what becomes of it. */
struct place {
	unsigned recorded; /* UINT_MAX: it is not there, or is another sort of thing */
	unsigned target;   /* UINT_MAX: no rule makes it */
	bool source;
	bool stood;        /* it said something before the recording began */
};

/* Is a sample what it was then?  One that a rule makes, where it does not know its level yet, is only of the right
   time; where it lacks a source, not even that. */
struct worth {
	bool sound, timed;
};

/* What a rule has said, on its way to those that read it. */
struct said {
	uint16_t field;
	float value;
	struct cdm_info info;
	struct worth worth;
};

struct rerun {
	struct recording *rec;
	const struct plan *plan;
	struct rerun_hooks hooks;
	struct rerun_stretch stretch;
	struct place *places;     /* by field of the plan */
	uint16_t *field_of;       /* by place in the recording; PLAN_NONE */
	struct runner *runners;
	unsigned runner_count;
	struct target *targets;
	unsigned target_count;
	bool *lacks;              /* by target, and field of the plan */
	struct said *said;        /* STEPS_MAX */
	unsigned said_count;
	struct hash hash;
	uint64_t taken, orphans;
	bool over;                /* the stretch is: only what is open is waited for */
};

/* ---- verdicts ---- */

const char *rerun_verdict_text(enum rerun_verdict v) {
	static const char *const texts[RERUN_VERDICTS] = { "uncompared", "given", "identical", "different", "missing",
		"additional", "beyond" };
	return v < RERUN_VERDICTS ? texts[v] : "?";
}

static void settle(struct rerun *x, struct target *t, enum rerun_verdict v, const struct rerun_value *made,
		const struct rerun_value *recorded, bool quiet) {
	if (quiet)
		return;
	t->about.count[v]++;
	if (v == RERUN_DIFFERENT && !t->about.differs) {
		t->about.differs = true;
		t->about.first_made = *made;
		t->about.first_recorded = *recorded;
	}
	if (x->hooks.settled)
		x->hooks.settled(x->hooks.ctx, &t->about, v, made, recorded);
}

static void settle_first(struct rerun *x, struct target *t, enum rerun_verdict v, const struct rerun_value *recorded) {
	struct open_value made = t->open.at[t->open.first];
	t->open.first = (t->open.first + 1) % t->open.room;
	t->open.count--;
	settle(x, t, v, &made.v, recorded, made.quiet);
}

static void settle_all(struct rerun *x, struct target *t, enum rerun_verdict v) {
	while (t->open.count > 0)
		settle_first(x, t, v, NULL);
}

static int open_one(struct rerun *x, struct target *t, const struct open_value *v) {
	struct queue *q = &t->open;
	if (q->count == OPEN_MAX)
		settle_first(x, t, RERUN_ADDITIONAL, NULL);
	if (q->count == q->room) {
		size_t before = q->room;
		struct open_value *more = array_grow(q->at, q->count, &q->room, sizeof(*more));
		if (!more)
			return -ENOMEM;
		if (q->first) /* those that stand before the first come behind the last */
			memcpy(&more[before], more, q->first * sizeof(*more));
		q->at = more;
	}
	q->at[(q->first + q->count++) % q->room] = *v;
	return 0;
}

static uint32_t bits_of(float v) {
	uint32_t bits;
	memcpy(&bits, &v, sizeof(bits));
	return bits;
}

/* Of the status that was recorded counts what the writer said: that a reader found it too old, or its writer dead, is
   the recorder's. */
static bool is_same(const struct target *t, const struct rerun_value *a, const struct rerun_value *recorded) {
	bool readers = recorded->status == CDM_ORPHAN || (recorded->status == CDM_STALE && t->about.field->max_age_ns);
	return bits_of(a->value) == bits_of(recorded->value) && bits_of(a->trust) == bits_of(recorded->trust) &&
			(readers || a->status == recorded->status);
}

/* Where a recorded one stands among those that are open; their number: nowhere. */
static size_t find_open(const struct queue *q, const struct rerun_value *recorded) {
	size_t i = 0;
	while (i < q->count && q->at[(q->first + i) % q->room].v.source_time.ns != recorded->source_time.ns)
		i++;
	return i;
}

static void compare(struct rerun *x, struct target *t, const struct rerun_value *recorded, bool quiet) {
	size_t at = find_open(&t->open, recorded);
	if (at == t->open.count) {
		settle(x, t, RERUN_MISSING, NULL, recorded, quiet);
		return;
	}
	while (at-- > 0)
		settle_first(x, t, RERUN_ADDITIONAL, NULL);
	bool same = is_same(t, &t->open.at[t->open.first].v, recorded);
	settle_first(x, t, same ? RERUN_IDENTICAL : RERUN_DIFFERENT, recorded);
}

/* ---- what rules say ---- */

static struct rerun_value value_of(float value, const struct cdm_info *i) {
	return (struct rerun_value){ value, i->source_time, i->trust, i->status };
}

/* Is it of before the stretch?  It goes in all the same: what is said later hangs on it. */
static bool is_quiet(const struct rerun *x, const struct cdm_info *i) {
	return i->publish_time.ns < x->stretch.from.ns;
}

/* It is to go to those that read it, too. */
static int queue_said(struct rerun *x, uint16_t field, float value, const struct cdm_info *info,
		struct worth worth) {
	if (x->said_count == STEPS_MAX)
		return -ELOOP;
	x->said[x->said_count++] = (struct said){ field, value, *info, worth };
	return 0;
}

/* In the same bytes on every machine. */
static void fold(struct rerun *x, unsigned target, const struct rerun_value *v) {
	uint8_t bytes[4 + 4 + 8 + 4 + 4] = { 0 };
	const uint32_t words[4] = { target, bits_of(v->value), bits_of(v->trust), v->status };
	for (unsigned i = 0; i < 16; i++)
		bytes[i] = (uint8_t)(words[i / 4] >> (8 * (i % 4)));
	for (unsigned i = 0; i < 8; i++)
		bytes[16 + i] = (uint8_t)((uint64_t)v->source_time.ns >> (8 * i));
	x->hash = hash_pair(&x->hash, sizeof(x->hash), bytes, sizeof(bytes));
}

/* Has a rule of that source what it had then: something, or nothing as the source had said nothing yet?  (Motion is of
   two samples, and another source may come next.) */
static bool has_source(const struct rerun *x, const struct runner *r, unsigned source) {
	const struct plan_rule *p = r->rule.plan;
	const struct place *at = &x->places[p->sources[source]];
	unsigned needed = p->operation == PLAN_OP_MOTION && source == 0 && p->source_count > 1 ? 2 : 1;
	if (!at->stood && r->rule.sources[source].samples < needed)
		needed = r->rule.sources[source].samples;
	return r->sound[source] >= needed;
}

static bool has_sources(const struct rerun *x, unsigned target) {
	for (unsigned i = 0; i < x->runner_count; i++) {
		const struct runner *r = &x->runners[i];
		for (unsigned s = 0; r->target == target && s < r->rule.plan->source_count; s++)
			if (!has_source(x, r, s))
				return false;
	}
	return true;
}

/* Is what they say now of the time that it was then?  (Not without a source that they had.) */
static bool has_times(const struct rerun *x, unsigned target) {
	for (unsigned i = 0; i < x->runner_count; i++) {
		const struct runner *r = &x->runners[i];
		for (unsigned s = 0; r->target == target && s < r->rule.plan->source_count; s++)
			if (!r->timed[s] && (r->rule.sources[s].samples || x->places[r->rule.plan->sources[s]].stood))
				return false;
	}
	return true;
}

static int say(struct rerun *x, struct runner *r, const struct rule_result *out, const struct cdm_info *cause) {
	struct target *t = &x->targets[r->target];
	struct cdm_info info = { .version = ++t->version, .epoch = 1, .source_time = out->meta.source_time,
		.publish_time = cause->publish_time, .trust = out->meta.trust, .status = out->meta.status,
		.bytes = sizeof(out->value) };
	struct rerun_value v = value_of(out->value, &info);
	struct worth worth = { t->begun, t->begun || has_times(x, r->target) };
	int rc = queue_said(x, r->rule.plan->target, out->value, &info, worth);
	bool quiet = is_quiet(x, cause);
	t->before.ns = t->last ? t->said.ns : -1;
	t->said = v.source_time;
	t->last = r;
	t->apart = out->apart;
	if (rc < 0 || !t->begun)
		return rc;
	if (!quiet) {
		t->about.made++;
		fold(x, r->target, &v);
	}
	if (x->hooks.made && !quiet)
		x->hooks.made(x->hooks.ctx, &t->about, &v, info.publish_time);
	if (t->about.recorded != UINT_MAX)
		return open_one(x, t, &(struct open_value){ v, quiet });
	settle(x, t, RERUN_UNCOMPARED, &v, NULL, quiet);
	return 0;
}

static int feed_rule(struct rerun *x, struct runner *r, unsigned source, const void *bytes, const struct cdm_info *i,
		struct worth worth) {
	struct target *t = &x->targets[r->target];
	struct rule_result out;
	if (!t->fed)
		t->begun = t->about.recorded == UINT_MAX || (t->from_begin && i->version == 1);
	t->about.began |= t->begun;
	t->fed = true;
	r->sound[source] = worth.sound ? r->sound[source] + (r->sound[source] < 2) : 0;
	r->timed[source] = worth.timed;
	if (!rule_step(&r->rule, source, bytes, i, &out))
		return 0;
	if (!t->begun && !has_times(x, r->target))
		t->state = (struct rule_target){ .said = { .trust = 0.0f } }; /* of a time that it never had */
	return say(x, r, &out, i);
}

static int feed_field(struct rerun *x, uint16_t field, const void *bytes, const struct cdm_info *info,
		struct worth worth) {
	int rc = 0;
	for (unsigned i = 0; rc == 0 && i < x->runner_count; i++) {
		struct runner *r = &x->runners[i];
		for (unsigned s = 0; rc == 0 && s < r->rule.plan->source_count; s++)
			if (r->rule.plan->sources[s] == field)
				rc = feed_rule(x, r, s, bytes, info, worth);
	}
	return rc;
}

static int feed(struct rerun *x, uint16_t field, const void *bytes, const struct cdm_info *info) {
	x->said_count = 0;
	int rc = feed_field(x, field, bytes, info, (struct worth){ true, true });
	for (unsigned i = 0; rc == 0 && i < x->said_count; i++) {
		struct said s = x->said[i];
		rc = feed_field(x, s.field, &s.value, &s.info, s.worth);
	}
	return rc;
}

/* ---- what was recorded ---- */

/* What its writer said of it, as far as that is known: see is_same(). */
static int take_source(struct rerun *x, uint16_t field, const struct recording_sample *s) {
	const struct plan_field *f = &plan_fields(x->plan)[field];
	struct cdm_info info = s->sample.info;
	if (info.bytes > f->bytes)
		return 0; /* of a plan that it does not fit */
	bool quiet = is_quiet(x, &info);
	x->orphans += !quiet && info.status == CDM_ORPHAN;
	if (info.status == CDM_ORPHAN || (info.status == CDM_STALE && f->max_age_ns && !f->derived))
		info.status = CDM_OK;
	x->taken += !quiet;
	if (x->hooks.took && !quiet)
		x->hooks.took(x->hooks.ctx, f, s);
	return feed(x, field, s->sample.bytes, &info);
}

/* Is a recorded sample of that time what its rules said last, and not what they said before? */
static bool is_last(const struct target *t, struct cdm_mono source_time) {
	return t->said.ns == source_time.ns && t->before.ns >= 0 && t->before.ns != t->said.ns;
}

/* Its rules go on from here, if it is what they said last, of what they had then: they may have taken a sample too
   many, or too few, to go on from another one.  (Of a description in which they read something else nothing is.) */
static void go_on(const struct rerun *x, unsigned target, float value, const struct cdm_info *info) {
	struct target *t = &x->targets[target];
	bool edited = !hash_equal(&recording_plan(x->rec)->hash, &x->plan->hash);
	if (!t->last || !has_sources(x, target) || (t->apart && !edited))
		return;
	if ((t->apart || !is_last(t, info->source_time)) && t->tries++ < RERUN_TRIES_MAX)
		return;
	t->tries = 0;
	rule_continue(&t->last->rule, value, info);
	t->begun = t->about.began = true;
}

static void take_target(struct rerun *x, unsigned target, const struct recording_sample *s) {
	struct target *t = &x->targets[target];
	const struct cdm_info *info = &s->sample.info;
	float value;
	if (info->bytes != sizeof(value))
		return;
	memcpy(&value, s->sample.bytes, sizeof(value));
	struct rerun_value recorded = value_of(value, info);
	if (x->over && find_open(&t->open, &recorded) == t->open.count)
		return; /* made of what comes after the stretch */
	bool restarted = t->epoch && info->epoch != t->epoch, quiet = is_quiet(x, info);
	t->epoch = info->epoch;
	t->about.lives += restarted && !quiet;
	if (!restarted && t->begun) {
		compare(x, t, &recorded, quiet);
		return;
	}
	settle_all(x, t, RERUN_BEYOND);
	t->begun = false;
	go_on(x, target, value, info);
	settle(x, t, t->about.lacks && !t->begun ? RERUN_UNCOMPARED : RERUN_GIVEN, NULL, &recorded, quiet);
}

static bool is_settled(const struct rerun *x) {
	for (unsigned i = 0; i < x->target_count; i++)
		if (x->targets[i].open.count > 0)
			return false;
	return true;
}

static int finish(struct rerun *x, int rc) {
	for (unsigned i = 0; i < x->target_count; i++)
		settle_all(x, &x->targets[i], RERUN_BEYOND);
	return rc;
}

int rerun_step(struct rerun *x) {
	struct recording_sample s;
	int rc = x->over && is_settled(x) ? -ENODATA : recording_next(x->rec, &s);
	if (rc < 0)
		return finish(x, rc);
	uint16_t field = x->field_of[s.field];
	bool source = x->places[field].source;
	if (x->stretch.until.ns && s.sample.info.publish_time.ns >= x->stretch.until.ns)
		x->over = true; /* what was made of what came before may still be recorded */
	if (source && !x->over)
		rc = take_source(x, field, &s);
	else if (!source)
		take_target(x, x->places[field].target, &s);
	return rc < 0 ? rc : source && !is_quiet(x, &s.sample.info);
}

/* ---- begin and end ---- */

static void find_places(struct rerun *x) {
	for (unsigned i = 0; i < recording_count(x->rec); i++)
		x->field_of[i] = PLAN_NONE;
	for (uint16_t f = 0; f < x->plan->fields.count; f++) {
		struct place *p = &x->places[f];
		const struct plan_field *about = &plan_fields(x->plan)[f];
		*p = (struct place){ recording_find(x->rec, about->name), UINT_MAX, false, false };
		if (p->recorded != UINT_MAX && !recording_fits(recording_at(x->rec, p->recorded), about))
			p->recorded = UINT_MAX;
		if (p->recorded != UINT_MAX)
			x->field_of[p->recorded] = f;
	}
}

static unsigned target_of(struct rerun *x, uint16_t field) {
	struct place *p = &x->places[field];
	if (p->target == UINT_MAX) {
		p->target = x->target_count++;
		x->targets[p->target].about = (struct rerun_target){ .field = &plan_fields(x->plan)[field],
			.recorded = p->recorded };
	}
	return p->target;
}

static int open_rules(struct rerun *x) {
	for (uint32_t i = 0; i < x->plan->rules.count; i++) {
		const struct plan_rule *p = &plan_rules(x->plan)[i];
		struct runner *r = &x->runners[x->runner_count];
		if (!rule_is_run(p))
			continue;
		r->target = target_of(x, p->target);
		int rc = rule_open(&r->rule, x->plan, p, &x->targets[r->target].state);
		if (rc < 0)
			return rc;
		x->runner_count++;
	}
	for (unsigned i = 0; i < x->runner_count; i++)
		for (unsigned s = 0; s < x->runners[i].rule.plan->source_count; s++) {
			struct place *p = &x->places[x->runners[i].rule.plan->sources[s]];
			p->source = p->target == UINT_MAX;
		}
	return 0;
}

/* What that target reads, and the recording does not have.  `reached`: room for all targets, the ones it hangs on. */
static void find_lacks(struct rerun *x, unsigned target, unsigned *reached) {
	bool *lacks = &x->lacks[(size_t)target * x->plan->fields.count];
	unsigned count = 1;
	reached[0] = target;
	for (unsigned i = 0; i < count * x->runner_count; i++) {
		const struct plan_rule *p = x->runners[i % x->runner_count].rule.plan;
		if (x->runners[i % x->runner_count].target != reached[i / x->runner_count])
			continue;
		for (unsigned s = 0; s < p->source_count; s++) {
			const struct place *at = &x->places[p->sources[s]];
			unsigned known = 0;
			lacks[p->sources[s]] |= at->source && at->recorded == UINT_MAX;
			while (known < count && reached[known] != at->target)
				known++;
			if (known == count && at->target != UINT_MAX)
				reached[count++] = at->target;
		}
	}
	for (uint16_t f = 0; f < x->plan->fields.count; f++)
		x->targets[target].about.lacks += lacks[f];
}

static int find_all_lacks(struct rerun *x) {
	unsigned *reached = calloc(x->target_count + 1u, sizeof(*reached));
	x->lacks = calloc((size_t)x->target_count * x->plan->fields.count + 1u, sizeof(*x->lacks));
	for (unsigned i = 0; reached && x->lacks && i < x->target_count; i++)
		find_lacks(x, i, reached);
	int rc = reached && x->lacks ? 0 : -ENOMEM;
	free(reached);
	return rc;
}

static void select_fields(struct rerun *x) {
	for (unsigned i = 0; i < recording_count(x->rec); i++) {
		uint16_t f = x->field_of[i];
		bool wanted = f != PLAN_NONE && (x->places[f].target != UINT_MAX || x->places[f].source);
		recording_select(x->rec, i, wanted);
	}
	recording_seek(x->rec, (struct cdm_mono){ 0 });
}

/* Which fields does the recording have from their first sample on? */
static int look_for_begins(struct rerun *x) {
	unsigned left = 0;
	for (unsigned i = 0; i < recording_count(x->rec); i++) {
		const struct place *p = x->field_of[i] == PLAN_NONE ? NULL : &x->places[x->field_of[i]];
		left += p && (p->source || p->target != UINT_MAX) && recording_at(x->rec, i)->messages != 0;
	}
	int rc = 0;
	struct recording_sample s;
	select_fields(x);
	while (left > 0 && (rc = recording_next(x->rec, &s)) == 0) {
		if (recording_at(x->rec, s.field)->given > 1)
			continue;
		struct place *p = &x->places[x->field_of[s.field]];
		p->stood = s.sample.info.version != 1;
		if (p->target != UINT_MAX)
			x->targets[p->target].from_begin = !p->stood;
		left--;
	}
	return rc == -ENODATA ? 0 : rc;
}

int rerun_open(struct rerun **out, struct recording *rec, const struct plan *plan, const struct rerun_stretch *s,
		const struct rerun_hooks *hooks) {
	struct rerun *x = calloc(1, sizeof(*x));
	unsigned rules = 0;
	*out = NULL;
	if (!x)
		return -ENOMEM;
	for (uint32_t i = 0; i < plan->rules.count; i++)
		rules += rule_is_run(&plan_rules(plan)[i]);
	x->rec = rec;
	x->plan = plan;
	x->hooks = hooks ? *hooks : (struct rerun_hooks){ .ctx = NULL };
	x->stretch = s ? *s : (struct rerun_stretch){ .from = { 0 } };
	x->places = calloc(plan->fields.count + 1u, sizeof(*x->places));
	x->field_of = calloc(recording_count(rec) + 1u, sizeof(*x->field_of));
	x->runners = calloc(rules + 1u, sizeof(*x->runners));
	x->targets = calloc(rules + 1u, sizeof(*x->targets));
	x->said = calloc(STEPS_MAX, sizeof(*x->said));
	int rc = x->places && x->field_of && x->runners && x->targets && x->said ? 0 : -ENOMEM;
	if (rc == 0) {
		find_places(x);
		rc = open_rules(x);
	}
	if (rc == 0)
		rc = find_all_lacks(x);
	if (rc == 0)
		rc = look_for_begins(x);
	if (rc < 0) {
		rerun_close(&x);
		return rc;
	}
	select_fields(x);
	*out = x;
	return 0;
}

void rerun_close(struct rerun **out) {
	struct rerun *x = *out;
	*out = NULL;
	if (!x)
		return;
	for (unsigned i = 0; x->targets && i < x->target_count; i++)
		free(x->targets[i].open.at);
	free(x->places);
	free(x->field_of);
	free(x->runners);
	free(x->targets);
	free(x->lacks);
	free(x->said);
	free(x);
}

unsigned rerun_targets(const struct rerun *x) {
	return x->target_count;
}

const struct rerun_target *rerun_target(const struct rerun *x, unsigned i) {
	CHECK(i < x->target_count);
	return &x->targets[i].about;
}

bool rerun_is_source(const struct rerun *x, uint16_t field) {
	CHECK(field < x->plan->fields.count);
	return x->places[field].source;
}

bool rerun_lacks(const struct rerun *x, unsigned target, uint16_t field) {
	CHECK(target < x->target_count && field < x->plan->fields.count);
	return x->lacks[(size_t)target * x->plan->fields.count + field];
}

bool rerun_never_began(const struct rerun_target *t) {
	return !t->began && !t->lacks && t->count[RERUN_GIVEN] > RERUN_TRIES_MAX * (t->lives + 1);
}

uint64_t rerun_taken(const struct rerun *x, uint64_t *orphans) {
	*orphans = x->orphans;
	return x->taken;
}

struct hash rerun_hash(const struct rerun *x) {
	return x->hash;
}
