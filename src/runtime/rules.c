/*
 * rules.c - see rules.h.
 *
 * One operation is one function from the samples of a rule to its evidence, in the table `operations`;
 * to add one, add a row to schema/operation.def and a function here (or in ops/ when it needs more
 * than arithmetic).
 */
#include "runtime/rules.h"

#include <errno.h>
#include <math.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include "base/clock.h"
#include "sem/awareness.h"
#include "store/wait.h"

#define BROKEN_PAUSE_NS (10 * NS_PER_MS)
#define SAMPLE_MAX 4096 /* bytes of a source sample: rules read small things; large ones are for models */

struct source {
	struct field field;
	struct cdm_info info;
	bool have; /* a sample that the rule may use */
	unsigned samples; /* different ones taken, up to 2: in `bytes`, and in `before` */
	uint8_t bytes[SAMPLE_MAX], before[SAMPLE_MAX];
};

struct rule {
	const struct plan_rule *plan;
	struct source sources[PLAN_SOURCES_MAX];
	struct field_writer target;
	struct awareness_cell cell;
	struct field_meta said;  /* of the newest sample that was not degraded; trust 0 before the first */
	bool apart, told;        /* its sources are; and an event said so */
	uint64_t degraded;       /* samples since they are */
	struct cdm_mono told_at;
};

struct rules {
	struct peers *peers;
	struct event_writer *events;
	pthread_t thread;
	atomic_bool quit;
	unsigned count;
	struct rule *at;
	unsigned wait_count;
	struct field *waits[PLAN_WAITS_MAX];
	struct rule *wait_rule[PLAN_WAITS_MAX];
};

_Static_assert(PLAN_WAITS_MAX <= WAIT_FIELDS_MAX, "one thread can sleep on the sources of all rules");

/* ---- operations: evidence 0..1 ---- */

#define ELEMENT(type) \
	do { \
		type v; \
		memcpy(&v, bytes + i * sizeof(v), sizeof(v)); \
		return (double)v; \
	} while (0)

/* What has no number (halves, raw bytes) counts as nothing. */
static double element(const struct source *s, const uint8_t *bytes, uint32_t i) {
	switch ((enum cdm_dtype)s->field.plan->dtype) {
	case CDM_F32: ELEMENT(float);
	case CDM_F64: ELEMENT(double);
	case CDM_U8:
	case CDM_BOOL: ELEMENT(uint8_t);
	case CDM_I8: ELEMENT(int8_t);
	case CDM_U16: ELEMENT(uint16_t);
	case CDM_I16: ELEMENT(int16_t);
	case CDM_U32: ELEMENT(uint32_t);
	case CDM_I32: ELEMENT(int32_t);
	case CDM_U64: ELEMENT(uint64_t);
	case CDM_I64: ELEMENT(int64_t);
	default: return 0.0;
	}
}

static uint32_t elements(const struct source *s) {
	size_t size = cdm_dtype_size(s->field.plan->dtype);
	return size ? (uint32_t)(s->info.bytes / size) : 0;
}

/* Of detections [n, 6] the scores count; of anything else every element. */
static double largest(const struct source *s) {
	bool detections = s->field.plan->dims == 2 && s->field.plan->shape[1] == 6;
	double most = 0.0;
	for (uint32_t i = detections ? 4 : 0; i < elements(s); i += detections ? 6 : 1)
		most = fmax(most, element(s, s->bytes, i));
	return fmin(most, 1.0);
}

static double op_max(const struct rule *r) {
	double most = 0.0;
	for (unsigned i = 0; i < r->plan->source_count; i++)
		if (r->sources[i].have)
			most = fmax(most, largest(&r->sources[i]));
	return most;
}

static double op_weighted_mean(const struct rule *r) {
	double sum = 0.0, weight = 0.0;
	for (unsigned i = 0; i < r->plan->source_count; i++) {
		const struct source *s = &r->sources[i];
		if (!s->have)
			continue;
		sum += (double)s->info.trust * largest(s);
		weight += (double)s->info.trust;
	}
	return weight > 0.0 ? sum / weight : 0.0;
}

/* How far the fastest joint (degrees) went since the last sample, against 1 degree: 50 degrees a second at 50 Hz. */
static double op_motion(const struct rule *r) {
	const struct source *s = &r->sources[0];
	double most = 0.0;
	uint32_t joints = elements(s) < 18 ? elements(s) : 18;
	if (!s->have || s->samples < 2)
		return 0.0; /* where a joint is says nothing of whether it moves */
	for (uint32_t i = 0; i < joints; i++)
		most = fmax(most, fabs(element(s, s->bytes, i) - element(s, s->before, i)));
	return fmin(most, 1.0);
}

/* Both views must agree: the lesser of what they see. */
static double op_stereo(const struct rule *r) {
	double least = 1.0;
	for (unsigned i = 0; i < r->plan->source_count; i++)
		least = fmin(least, r->sources[i].have ? largest(&r->sources[i]) : 0.0);
	return least;
}

static double (*const operations[PLAN_OP_COUNT])(const struct rule *r) = {
	[PLAN_OP_MAX] = op_max,
	[PLAN_OP_WEIGHTED_MEAN] = op_weighted_mean,
	[PLAN_OP_MOTION] = op_motion,
	[PLAN_OP_STEREO] = op_stereo,
};

/* ---- running ---- */

static bool take(struct rule *r, unsigned i, struct cdm_mono now) {
	struct source *s = &r->sources[i];
	uint8_t fresh[SAMPLE_MAX];
	uint32_t epoch = s->field.epoch;
	uint64_t version = s->field.version;
	int rc = field_read(&s->field, fresh, sizeof(fresh), now, &s->info);
	if (rc < 0 && rc != -EAGAIN)
		field_skip(&s->field); /* what cannot be read is not looked at again */
	if (rc < 0)
		return false;
	if (s->field.epoch != epoch) { /* a writer that was restarted continues nothing */
		s->samples = 0;
		version = 0;
	}
	if (s->field.version != version) {
		memcpy(s->before, s->bytes, sizeof(s->before));
		memcpy(s->bytes, fresh, s->info.bytes);
		s->samples += s->samples < 2;
	}
	/* in float, as it was written: 0.7 is not less than 0.7 */
	return s->info.status != CDM_ORPHAN && s->info.trust >= (float)r->plan->min_trust;
}

/* Merge what went in; their number, and how far apart they are. */
static unsigned gather(struct rule *r, struct cdm_mono now, struct field_meta *m, uint64_t *skew_ns) {
	struct cdm_mono oldest = { INT64_MAX }, newest = { INT64_MIN };
	unsigned n = 0;
	for (unsigned i = 0; i < r->plan->source_count; i++) {
		struct source *s = &r->sources[i];
		s->have = take(r, i, now);
		if (!s->have)
			continue;
		n++;
		field_meta_merge(m, &s->info);
		oldest.ns = s->info.source_time.ns < oldest.ns ? s->info.source_time.ns : oldest.ns;
		newest.ns = s->info.source_time.ns > newest.ns ? s->info.source_time.ns : newest.ns;
	}
	/* of samples: each within 0 and its publishing, or the store refuses it; of none: a number that nobody reads */
	*skew_ns = (uint64_t)newest.ns - (uint64_t)oldest.ns;
	return n;
}

static void publish(struct rule *r, double level, const struct field_meta *m) {
	float value = (float)level;
	if (field_write(&r->target, &value, sizeof(value), m, clock_mono()) < 0)
		return; /* every slot leased: counted by the store */
}

static void tell(struct rules *rs, struct rule *r, struct cdm_mono now, enum event_kind kind, uint64_t b) {
	uint64_t index = (uint64_t)(r->plan - plan_rules(rs->peers->plan));
	if (rs->events)
		(void)event_write(rs->events, now, kind, PLAN_NONE, index, b, r->target.plan->name);
	r->told_at = now;
}

/* No evidence: what is left of the target, as old and as trusted as it was, and a reason. */
static void run_apart(struct rules *rs, struct rule *r, struct cdm_mono now,
		const struct field_meta *gathered, uint64_t skew_ns) {
	struct field_meta m = r->said.trust > 0.0f ? r->said : *gathered;
	counter_add(&rs->peers->own, COUNTER_incoherent, 1);
	r->degraded++;
	if (!r->apart && (r->told_at.ns == 0 || mono_since(r->told_at, now) >= NS_PER_S)) {
		tell(rs, r, now, EVENT_INCOHERENT, skew_ns);
		r->told = true;
	}
	r->apart = true;
	m.status = CDM_DEGRADED;
	publish(r, awareness_level(&r->cell, r->target.plan->half_life_ns, now), &m);
}

static void run_together(struct rules *rs, struct rule *r, struct cdm_mono now, const struct field_meta *m) {
	if (r->told)
		tell(rs, r, now, EVENT_COHERENT, r->degraded);
	r->apart = r->told = false;
	r->degraded = 0;
	r->said = *m;
	double evidence = operations[r->plan->operation](r);
	publish(r, awareness_add(&r->cell, r->target.plan->half_life_ns, now, r->plan->gain,
			(double)m->trust, 1.0, evidence), m);
}

static void run(struct rules *rs, struct rule *r) {
	struct cdm_mono now = clock_mono();
	struct field_meta m = field_meta_of(0);
	uint64_t skew_ns;
	if (gather(r, now, &m, &skew_ns) == 0)
		return;
	if (r->plan->max_skew_ns > 0 && skew_ns > (uint64_t)r->plan->max_skew_ns)
		run_apart(rs, r, now, &m, skew_ns);
	else
		run_together(rs, r, now, &m);
}

/* All of them, so that a fast source does not keep a slow one waiting. */
static void run_those_with_news(struct rules *rs) {
	for (unsigned i = 0; i < rs->wait_count; i++)
		if (field_news(rs->waits[i]) > 0)
			run(rs, rs->wait_rule[i]);
}

static void *thread_main(void *arg) {
	static const struct timespec pause = { 0, BROKEN_PAUSE_NS };
	struct rules *rs = arg;
	while (!atomic_load(&rs->quit)) {
		int rc = wait_any(rs->waits, rs->wait_count, -1);
		run_those_with_news(rs);
		if (rc < 0 && rc != -ECANCELED && rc != -EOWNERDEAD)
			nanosleep(&pause, NULL); /* a source is broken, and would not let us sleep on the others */
	}
	return NULL;
}

/* ---- start and end ---- */

static int open_rule(struct rules *rs, const struct plan_rule *p) {
	struct rule *r = &rs->at[rs->count];
	r->plan = p;
	int rc = field_writer_open(&r->target, rs->peers, p->target);
	for (unsigned i = 0; rc == 0 && i < p->source_count; i++) {
		struct source *s = &r->sources[i];
		rc = field_open(&s->field, rs->peers, p->sources[i]);
		if (rc == 0 && s->field.plan->bytes > SAMPLE_MAX)
			rc = -E2BIG;
		if (rc < 0)
			break;
		CHECK(rs->wait_count < PLAN_WAITS_MAX);
		rs->waits[rs->wait_count] = &s->field;
		rs->wait_rule[rs->wait_count++] = r;
	}
	rs->count += rc == 0;
	return rc;
}

static bool is_ours(const struct plan_rule *p) {
	return p->operation < PLAN_OP_COUNT && operations[p->operation] && p->target != PLAN_NONE &&
	       p->source_count > 0;
}

int rules_start(struct rules **out, struct peers *peers, struct event_writer *events) {
	const struct plan *plan = peers->plan;
	struct rules *rs = calloc(1, sizeof(*rs));
	*out = NULL;
	if (!rs)
		return -ENOMEM;
	rs->peers = peers;
	rs->events = events;
	rs->at = calloc(plan->rules.count + 1, sizeof(*rs->at));
	int rc = rs->at ? 0 : -ENOMEM;
	for (uint32_t i = 0; rc == 0 && i < plan->rules.count; i++)
		if (is_ours(&plan_rules(plan)[i]))
			rc = open_rule(rs, &plan_rules(plan)[i]);
	if (rc == 0 && rs->wait_count > 0)
		rc = -pthread_create(&rs->thread, NULL, thread_main, rs);
	if (rc == 0 && rs->wait_count > 0) {
		*out = rs;
		return 0;
	}
	free(rs->at);
	free(rs);
	return rc;
}

void rules_stop(struct rules **r) {
	struct rules *rs = *r;
	if (!rs)
		return;
	atomic_store(&rs->quit, true);
	peers_interrupt(rs->peers);
	pthread_join(rs->thread, NULL);
	free(rs->at);
	free(rs);
	*r = NULL;
}
