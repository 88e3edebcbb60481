/*
 * rerun_test.c - rules run again on recordings: of a machine that ran here, and made by hand.
 *
 *      first  --max-->  made  --max-->  chained
 *      first, second  --max-->  both  <--max-- second
 */
#include "replay/rerun.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include "base/clock.h"
#include "replay/replay_testing.h"
#include "rules/rules.h"
#include "sem/awareness.h"
#include "store/wait.h"
#include "test/lib/world.h"

enum { CORE, GUARD, CAMERA, READER };
enum { FIRST, SECOND, MADE, BOTH, CHAINED, FIELDS };

#define ALL ((1u << FIELDS) - 1)

static struct plan_builder b;
static struct world w;
static struct cdm_diag diag;
static unsigned apart_until; /* samples of `second` before that are too far from those of `first` */
static bool all_apart;       /* all of them are */

static void rule(const char *name, uint16_t target, uint16_t a, uint16_t second) {
	struct plan_rule *r = &b.rules[b.head.rules.count++];
	*r = (struct plan_rule){ .operation = PLAN_OP_MAX, .source_count = second == PLAN_NONE ? 1 : 2,
		.target = target, .actuator = PLAN_NONE, .gain = 1.0 };
	snprintf(r->name, sizeof(r->name), "%s", name);
	memset(r->sources, 0xff, sizeof(r->sources));
	r->sources[0] = a;
	r->sources[1] = second;
	b.fields[target].kind = PLAN_AWARENESS;
	b.fields[target].half_life_ns = 50 * NS_PER_MS;
}

static void begin(void) {
	static const char *const names[FIELDS] = { "first", "second", "made", "both", "chained" };
	plan_builder_begin(&b, "robot");
	CHECK(plan_builder_process(&b, "camera", PLAN_HOST, 0) == CAMERA);
	CHECK(plan_builder_process(&b, "reader", PLAN_CLIENT, 0) == READER);
	for (unsigned i = 0; i < FIELDS; i++)
		plan_builder_field(&b, names[i], CDM_F32, 1, 16, 0, i < MADE ? CAMERA : CORE, PLAN_BUILDER_ALL);
	b.head.rules.count = 0;
	rule("chained", CHAINED, MADE, PLAN_NONE);
	rule("made", MADE, FIRST, PLAN_NONE);
	rule("both", BOTH, FIRST, SECOND);
	b.rules[2].max_skew_ns = 30 * NS_PER_MS;
	rule("more", BOTH, SECOND, PLAN_NONE);
}

static struct cdm_info info_of(uint64_t version, int64_t ns) {
	return (struct cdm_info){ .version = version, .epoch = 1, .source_time = { ns }, .publish_time = { ns + 10 },
		.trust = 0.9f, .bytes = sizeof(float) };
}

/* ---- of a machine that ran ---- */

/* What is there by now of one field, into the recording (NULL: it has not begun). */
static unsigned record(struct testing_recording *r, struct field *f) {
	struct cdm_info info;
	float v;
	unsigned n = 0;
	for (int rc; (rc = field_next(f, &v, sizeof(v), clock_mono(), &info)) >= 0; n++)
		if (r)
			testing_sample(r, f->index, &info, (uint32_t)rc, &v, clock_mono().ns);
	return n;
}

/* Rules in their thread, with readers that record all they say from sample `from` on; `samples` of the two, in turn. */
static struct testing_recording run_machine(unsigned samples, unsigned from) {
	struct testing_recording rec;
	struct field_writer out[2];
	struct field fields[FIELDS];
	struct rules *rules;
	world_open(&w, &b);
	testing_begin(&rec, w.plan, w.plan, ALL);
	for (uint16_t i = 0; i < FIELDS; i++)
		CHECK(field_open(&fields[i], &w.at[READER], i) == 0);
	for (uint16_t i = 0; i < 2; i++)
		CHECK(field_writer_open(&out[i], &w.at[CAMERA], i) == 0);
	CHECK(rules_start(&rules, &w.at[CORE], NULL) == 0);
	for (unsigned i = 0; i < samples; i++) {
		float v = (float)(i * 37 % 100) / 100;
		struct field_meta m = { .source_time = clock_mono(), .trust = 0.6f + (float)(i % 4) / 10 };
		bool far = (i % 7 == 0 && i % 28 != 14) || (i % 2 && i < apart_until); /* from the other */
		int64_t by = all_apart || i < apart_until ? 5 * NS_PER_S : 40 * NS_PER_MS; /* 5 s: also if busy */
		m.source_time.ns -= (all_apart ? i % 2 : far) ? by : 0;
		CHECK(field_write(&out[i % 2], &v, sizeof(v), &m, clock_mono()) == 0);
		unsigned made = 0;
		struct testing_recording *to = i < from ? NULL : &rec;
		for (uint16_t f = 0; f < MADE; f++)
			record(to, &fields[f]);
		while (made < (i % 2 ? b.head.rules.count - 2 : 3u)) /* of `second`, by `both` and `more` */
			for (uint16_t f = MADE; f < FIELDS; f++)
				made += record(to, &fields[f]);
	}
	rules_stop(&rules);
	for (unsigned i = 0; i < FIELDS; i++)
		field_close(&fields[i]);
	testing_end(&rec, "COMPLETE");
	return rec;
}

static struct recording *open_recording(int fd) {
	struct recording *r;
	int rc = recording_open(fd, &r, &diag);
	if (rc < 0)
		fprintf(stderr, "%s\n", diag.count ? diag.at[0].text : "?");
	CHECK(rc == 0);
	return r;
}

static struct rerun *run_all(struct recording *r, const struct plan *plan, const struct rerun_stretch *s,
		const struct rerun_hooks *hooks) {
	struct rerun *x;
	int rc;
	CHECK(rerun_open(&x, r, plan, s, hooks) == 0);
	while ((rc = rerun_step(x)) >= 0)
		;
	CHECK(rc == -ENODATA);
	return x;
}

static const struct rerun_target *target(const struct rerun *x, const char *name) {
	for (unsigned i = 0; i < rerun_targets(x); i++)
		if (strcmp(rerun_target(x, i)->field->name, name) == 0)
			return rerun_target(x, i);
	return NULL;
}

/* The set of fields that it reads, and the recording has not. */
static unsigned lacks(const struct rerun *x, const char *name) {
	unsigned fields = 0, count = 0;
	for (unsigned i = 0; i < rerun_targets(x); i++)
		for (uint16_t f = 0; f < FIELDS && rerun_target(x, i) == target(x, name); f++)
			fields |= (unsigned)rerun_lacks(x, i, f) << f;
	for (uint16_t f = 0; f < FIELDS; f++)
		count += fields >> f & 1;
	CHECK(target(x, name)->lacks == count);
	return fields;
}

static void expect_all_identical(const struct rerun *x, const char *name, uint64_t count) {
	const struct rerun_target *t = target(x, name);
	CHECK(t && t->made == count && t->count[RERUN_IDENTICAL] == count && !t->differs && t->lives == 0);
}

/* When the sample of that version of field `first` was published. */
static struct cdm_mono first_of(struct recording *r, uint64_t version) {
	struct recording_sample x;
	recording_select(r, FIRST, true);
	recording_seek(r, (struct cdm_mono){ 0 });
	do
		CHECK(recording_next(r, &x) == 0);
	while (x.field != FIRST || x.sample.info.version < version);
	return x.sample.info.publish_time;
}

/* What ran is run again: every byte, and twice the same. */
static void what_ran(void) {
	begin();
	struct testing_recording rec = run_machine(600, 0);
	struct recording *r = open_recording(rec.fd);
	struct rerun *x = run_all(r, recording_plan(r), NULL, NULL);
	expect_all_identical(x, "made", 300);
	expect_all_identical(x, "chained", 300);
	CHECK(lacks(x, "made") == 0 && lacks(x, "both") == 0 && lacks(x, "chained") == 0);
	expect_all_identical(x, "both", 900); /* one at a time was published, so their order is known */
	struct hash once = rerun_hash(x), twice;
	rerun_close(&x);
	x = run_all(r, recording_plan(r), NULL, NULL);
	twice = rerun_hash(x);
	CHECK(hash_equal(&once, &twice));
	uint64_t orphans;
	CHECK(rerun_taken(x, &orphans) == 600 && orphans == 0 && recording_faults(r)->late == 0);
	CHECK(rerun_is_source(x, FIRST) && rerun_is_source(x, SECOND) && !rerun_is_source(x, MADE));
	rerun_close(&x);

	/* a stretch from the middle: what was before goes in, and is not told */
	struct rerun_stretch middle = { first_of(r, 100), first_of(r, 200) };
	x = run_all(r, recording_plan(r), &middle, NULL);
	expect_all_identical(x, "made", 100);
	expect_all_identical(x, "chained", 100);
	expect_all_identical(x, "both", 300);
	CHECK(rerun_taken(x, &orphans) == 200);
	rerun_close(&x);
	recording_close(&r);
	CHECK(r == NULL);
	recording_close(&r);
	world_close(&w);
	close(rec.fd);
}

/* A recording that begins in the middle: but for the first ones, which say what the levels were, every byte. */
static void from_mid_decay(void) {
	for (unsigned from = 20; from < 60; from++) {
		begin();
		struct testing_recording rec = run_machine(160, from);
		struct recording *r = open_recording(rec.fd);
		struct rerun *x = run_all(r, recording_plan(r), NULL, NULL);
		for (unsigned i = 0; i < rerun_targets(x); i++) {
			const struct rerun_target *t = rerun_target(x, i);
			CHECK(t->count[RERUN_IDENTICAL] == t->made && t->made >= 40 && t->count[RERUN_GIVEN] >= 1);
			CHECK(t->count[RERUN_MISSING] == 0 && !t->differs);
		}
		rerun_close(&x);
		recording_close(&r);
		world_close(&w);
		close(rec.fd);
	}
}

/* What is left of a level while its sources are apart is not that level: one that is is waited for.  And what was made
   before all sources were there has left no time behind. */
static void from_amid_what_is_apart(void) {
	begin();
	b.head.rules.count = 3;
	apart_until = 100;
	struct testing_recording rec = run_machine(160, 30);
	apart_until = 0;
	struct recording *r = open_recording(rec.fd);
	struct rerun *x = run_all(r, recording_plan(r), NULL, NULL);
	const struct rerun_target *t = target(x, "both");
	CHECK(t->count[RERUN_GIVEN] > 20 && t->made > 100 && t->count[RERUN_IDENTICAL] == t->made);
	rerun_close(&x);
	recording_close(&r);
	world_close(&w);
	close(rec.fd);
}

/* All of it apart, from its begin in the middle: no sample shows what the level was, so it is never run again, which is
   known from that of which there are a few samples alone. */
static void from_nothing_to_go_on_from(void) {
	begin();
	b.head.rules.count = 3;
	all_apart = true;
	struct testing_recording rec = run_machine(160, 30);
	all_apart = false;
	struct recording *r = open_recording(rec.fd);
	struct rerun *x = run_all(r, recording_plan(r), NULL, NULL);
	const struct rerun_target *t = target(x, "both");
	CHECK(t->made == 0 && t->count[RERUN_GIVEN] > RERUN_TRIES_MAX && !t->lacks && rerun_never_began(t));
	CHECK(!rerun_never_began(target(x, "made")) && target(x, "made")->began);
	rerun_close(&x);
	recording_close(&r);
	struct rerun_target few = { .count = { [RERUN_GIVEN] = 2 * RERUN_TRIES_MAX }, .lives = 1 };
	CHECK(!rerun_never_began(&few)); /* as many as may be given, in either life */
	few.count[RERUN_GIVEN]++;
	CHECK(rerun_never_began(&few));
	few.began = true;
	CHECK(!rerun_never_began(&few));
	world_close(&w);
	close(rec.fd);
}

/* Another half-life and another gain give something else, and it is said what. */
static void an_edited_plan(void) {
	begin();
	struct testing_recording rec = run_machine(100, 0);
	struct recording *r = open_recording(rec.fd);
	b.fields[MADE].half_life_ns = NS_PER_MS;
	b.rules[2].gain = 0.5;
	struct plan *edited = plan_builder_finish(&b);
	struct rerun *x = run_all(r, edited, NULL, NULL);
	const struct rerun_target *made = target(x, "made"), *both = target(x, "both");
	CHECK(made->made == 50 && made->count[RERUN_DIFFERENT] > 20 && made->differs);
	CHECK(made->first_made.source_time.ns == made->first_recorded.source_time.ns);
	CHECK(made->first_made.value != made->first_recorded.value);
	CHECK(both->count[RERUN_DIFFERENT] > 50 && both->count[RERUN_MISSING] == 0);
	struct hash h = rerun_hash(x);
	rerun_close(&x);
	x = run_all(r, recording_plan(r), NULL, NULL);
	struct hash own = rerun_hash(x);
	CHECK(!hash_equal(&h, &own));
	rerun_close(&x);
	recording_close(&r);
	free(edited);
	world_close(&w);
	close(rec.fd);
}

/* ---- by hand ---- */

static void put(struct testing_recording *r, unsigned field, uint64_t version, int64_t ns, float v, int64_t taken_ns) {
	struct cdm_info i = info_of(version, ns);
	testing_sample(r, field, &i, 0, &v, taken_ns);
}

struct tally {
	unsigned took, made, settled[RERUN_VERDICTS];
	int64_t order[16];
};

static void on_took(void *ctx, const struct plan_field *f, const struct recording_sample *x) {
	struct tally *t = ctx;
	CHECK(strcmp(f->name, "first") == 0 || strcmp(f->name, "second") == 0);
	t->order[t->took++ % 16] = x->sample.info.source_time.ns;
}

static void on_made(void *ctx, const struct rerun_target *t, const struct rerun_value *v, struct cdm_mono published) {
	struct tally *y = ctx;
	y->made++;
	CHECK(t->made > 0 && v->source_time.ns <= published.ns);
}

static void on_settled(void *ctx, const struct rerun_target *t, enum rerun_verdict v, const struct rerun_value *made,
		const struct rerun_value *recorded) {
	struct tally *y = ctx;
	y->settled[v]++;
	CHECK(t->field->kind == PLAN_AWARENESS && (made || recorded));
	CHECK(!(v == RERUN_IDENTICAL || v == RERUN_DIFFERENT) || (made && recorded));
}

/* Recorded in another order than published; a source that was not recorded at all; a target that was not, either. */
static void in_the_order_of_publication(void) {
	struct testing_recording rec;
	struct tally y = { .took = 0 };
	const struct rerun_hooks hooks = { &y, on_took, on_made, on_settled };
	begin();
	struct plan *plan = plan_builder_finish(&b);
	testing_begin(&rec, plan, plan, 1u << FIRST | 1u << MADE);
	put(&rec, FIRST, 2, 2000, 0.2f, 9000);
	put(&rec, FIRST, 1, 1000, 0.1f, 9001);
	put(&rec, FIRST, 3, 3000, 0.3f, 9002);
	testing_end(&rec, "INCOMPLETE");
	struct recording *r = open_recording(rec.fd);
	CHECK(strcmp(recording_result(r), "INCOMPLETE") == 0 && recording_offset_ns(r) == TESTING_OFFSET_NS);
	struct rerun *x = run_all(r, plan, NULL, &hooks);
	CHECK(y.took == 3 && y.order[0] == 1000 && y.order[1] == 2000 && y.order[2] == 3000);
	CHECK(target(x, "both")->recorded == UINT_MAX && target(x, "both")->count[RERUN_UNCOMPARED] == 3);
	CHECK(target(x, "made")->made == 0); /* it was never recorded where it began, so nobody knows where to begin */
	CHECK(y.settled[RERUN_UNCOMPARED] == 6 && y.made == 6); /* chained, too */
	CHECK(lacks(x, "made") == 0 && lacks(x, "chained") == 0 && lacks(x, "both") == 1u << SECOND);
	rerun_close(&x);
	recording_close(&r);
	free(plan);
	close(rec.fd);
}

/* Whose source was not recorded is not run again, and no sample of it is one from which that goes on; nor is what hangs
   on it. */
static void a_source_that_is_not_there(void) {
	struct testing_recording rec;
	begin();
	struct plan *plan = plan_builder_finish(&b);
	testing_begin(&rec, plan, plan, 1u << MADE | 1u << CHAINED | 1u << BOTH | 1u << SECOND);
	for (uint64_t i = 1; i <= 40; i++) {
		int64_t t = (int64_t)i * 100000;
		put(&rec, MADE, i, t, 0.1f, t + 20);
		put(&rec, CHAINED, i, t, 0.1f, t + 30);
	}
	testing_end(&rec, "COMPLETE");
	struct recording *r = open_recording(rec.fd);
	struct rerun *x = run_all(r, plan, NULL, NULL);
	CHECK(lacks(x, "made") == 1u << FIRST && lacks(x, "chained") == 1u << FIRST && lacks(x, "both") == 1u << FIRST);
	CHECK(target(x, "made")->count[RERUN_UNCOMPARED] == 40 && target(x, "made")->count[RERUN_GIVEN] == 0);
	CHECK(target(x, "chained")->count[RERUN_UNCOMPARED] == 40 && target(x, "chained")->count[RERUN_GIVEN] == 0);
	CHECK(!rerun_never_began(target(x, "made")));
	rerun_close(&x);
	recording_close(&r);
	free(plan);
	close(rec.fd);
}

/* What the rule of `made` says of evidence 0.1 at that time. */
static float level(struct awareness_cell *c, int64_t ns) {
	(void)awareness_add(c, 50 * NS_PER_MS, (struct cdm_mono){ ns }, 1.0, (double)0.9f, 1.0, (double)0.1f);
	return awareness_settle(c);
}

static void missing_additional_beyond(void) {
	struct testing_recording rec;
	begin();
	struct plan *plan = plan_builder_finish(&b);
	testing_begin(&rec, plan, plan, 1u << FIRST | 1u << MADE);
	int64_t t = 1000;
	struct awareness_cell cell = { .level = 0 };
	for (uint64_t i = 1; i <= 10; i++, t += 100000) {
		put(&rec, FIRST, i, t, 0.1f, t + 20);
		float v = level(&cell, t), said = i == 6 ? 0.25f : v;
		if (i == 4)
			continue; /* its writer had no slot */
		if (i < 10)
			put(&rec, MADE, i, i == 5 ? t + 1 : t, said, t + 40); /* the fifth is of something else */
	}
	testing_end(&rec, "COMPLETE");
	struct recording *r = open_recording(rec.fd);
	struct rerun *x = run_all(r, plan, NULL, NULL);
	const struct rerun_target *m = target(x, "made");
	CHECK(m->made == 10 && m->count[RERUN_ADDITIONAL] == 2 && m->count[RERUN_MISSING] == 1);
	CHECK(m->count[RERUN_DIFFERENT] == 1 && m->first_recorded.value == 0.25f);
	CHECK(m->count[RERUN_BEYOND] == 1 && m->count[RERUN_IDENTICAL] == 6);
	rerun_close(&x);
	recording_close(&r);
	free(plan);
	close(rec.fd);
}

/* Core is restarted: what its rule says first is where the re-run goes on. */
static void another_life(void) {
	struct testing_recording rec;
	begin();
	struct plan *plan = plan_builder_finish(&b);
	testing_begin(&rec, plan, plan, 1u << FIRST | 1u << MADE);
	struct awareness_cell cell = { .level = 0 };
	for (uint64_t i = 1; i <= 6; i++) {
		int64_t t = (int64_t)i * 100000;
		put(&rec, FIRST, i, t, 0.1f, t + 20);
		if (i == 4)
			cell = (struct awareness_cell){ .level = 0 };
		float v = level(&cell, t);
		struct cdm_info info = info_of(i < 4 ? i : i - 3, t);
		info.epoch = i < 4 ? 1 : 2;
		testing_sample(&rec, MADE, &info, 0, &v, t + 40);
	}
	testing_end(&rec, "COMPLETE");
	struct recording *r = open_recording(rec.fd);
	struct rerun *x = run_all(r, plan, NULL, NULL);
	const struct rerun_target *m = target(x, "made");
	CHECK(m->lives == 1 && m->count[RERUN_GIVEN] == 1 && m->count[RERUN_BEYOND] == 1);
	CHECK(m->count[RERUN_IDENTICAL] == 5 && !m->differs);
	rerun_close(&x);
	recording_close(&r);
	free(plan);
	close(rec.fd);
}

/* What was recorded after its writer's death was said while it lived. */
static void what_the_dead_said(void) {
	struct testing_recording rec;
	float v = 0.5f;
	uint64_t orphans;
	begin();
	struct plan *plan = plan_builder_finish(&b);
	testing_begin(&rec, plan, plan, 1u << FIRST);
	struct cdm_info i = info_of(1, 1000);
	i.status = CDM_ORPHAN;
	testing_sample(&rec, FIRST, &i, 3, &v, 2000);
	testing_end(&rec, "COMPLETE");
	struct recording *r = open_recording(rec.fd);
	struct rerun *x = run_all(r, plan, NULL, NULL);
	CHECK(rerun_taken(x, &orphans) == 1 && orphans == 1);
	CHECK(target(x, "made")->made == 1 && recording_at(r, 0)->missed == 3);
	rerun_close(&x);
	recording_close(&r);
	free(plan);
	close(rec.fd);
}

/* Rules that make themselves do not come out of the compiler, but may come out of a file. */
static void a_ring_of_rules(void) {
	struct testing_recording rec;
	struct rerun *x;
	float v = 0.5f;
	begin();
	b.rules[2].sources[1] = BOTH;
	struct plan *plan = plan_builder_finish(&b);
	testing_begin(&rec, plan, plan, 1u << FIRST);
	put(&rec, FIRST, 1, 1000, v, 2000);
	testing_end(&rec, "COMPLETE");
	struct recording *r = open_recording(rec.fd);
	CHECK(rerun_open(&x, r, plan, NULL, NULL) == 0);
	CHECK(lacks(x, "both") == 1u << SECOND && lacks(x, "made") == 0);
	CHECK(rerun_step(x) == -ELOOP);
	rerun_close(&x);
	recording_close(&r);
	free(plan);
	close(rec.fd);
}

/* A field of the same name that is another sort of thing has no place. */
static void what_does_not_fit(void) {
	struct testing_recording rec;
	begin();
	struct plan *plan = plan_builder_finish(&b);
	testing_begin(&rec, plan, plan, ALL);
	put(&rec, FIRST, 1, 1000, 0.5f, 2000);
	testing_end(&rec, "COMPLETE");
	b.fields[FIRST].shape[0] = 2;
	b.fields[FIRST].bytes = 8;
	snprintf(b.fields[SECOND].name, CDM_NAME_MAX, "renamed");
	struct plan *edited = plan_builder_finish(&b);
	struct recording *r = open_recording(rec.fd);
	CHECK(!recording_fits(recording_at(r, FIRST), &plan_fields(edited)[FIRST]));
	CHECK(recording_fits(recording_at(r, MADE), &plan_fields(edited)[MADE]));
	CHECK(recording_find(r, "renamed") == UINT_MAX && recording_find(r, "second") == SECOND);
	struct rerun *x = run_all(r, edited, NULL, NULL);
	uint64_t orphans;
	CHECK(rerun_taken(x, &orphans) == 0);
	CHECK(lacks(x, "made") == 1u << FIRST && lacks(x, "both") == (1u << FIRST | 1u << SECOND));
	rerun_close(&x);
	recording_close(&r);
	free(plan);
	free(edited);
	close(rec.fd);
}

/* A recorder that was too late, a message that is none, a file that is cut: each is counted, and the rest is there. */
static void what_is_doubtful(void) {
	struct testing_recording rec;
	struct recording_sample s;
	struct cdm_info none = info_of(0, 5); /* there is no version 0 */
	float v = 0.5f;
	int rc, n = 0;
	begin();
	struct plan *plan = plan_builder_finish(&b);
	testing_begin(&rec, plan, plan, ALL);
	put(&rec, FIRST, 1, 1000, v, 2000);
	put(&rec, FIRST, 2, 5 * NS_PER_S, v, 6 * NS_PER_S);
	put(&rec, FIRST, 3, 9 * NS_PER_S, v, 10 * NS_PER_S); /* by then the one before is given */
	put(&rec, SECOND, 1, 4 * NS_PER_S, v, 11 * NS_PER_S);
	testing_sample(&rec, SECOND, &none, 0, &v, 12 * NS_PER_S);
	put(&rec, FIRST, 4, 10 * NS_PER_S, v, 12 * NS_PER_S);
	testing_end(&rec, "COMPLETE");
	struct recording *r = open_recording(rec.fd);
	CHECK(strcmp(recording_result(r), "COMPLETE") == 0);
	recording_select(r, FIRST, true);
	recording_select(r, SECOND, true);
	recording_seek(r, (struct cdm_mono){ 0 });
	while ((rc = recording_next(r, &s)) == 0)
		n++;
	CHECK(rc == -ENODATA && n == 5 && recording_next(r, &s) == -ENODATA);
	CHECK(recording_faults(r)->late == 1 && recording_faults(r)->broken == 1 && recording_faults(r)->damaged == 0);
	recording_seek(r, (struct cdm_mono){ 11 * NS_PER_S });
	CHECK(recording_next(r, &s) == 0 && s.field == SECOND && recording_faults(r)->late == 0);
	recording_close(&r);
	CHECK(pwrite(rec.fd, "sum", 3, lseek(rec.fd, 0, SEEK_END) - 12) == 3);
	r = open_recording(rec.fd);
	CHECK(strcmp(recording_result(r), "INCOMPLETE") == 0 && !mcap_read_info(recording_file(r))->cut);
	recording_close(&r);
	CHECK(ftruncate(rec.fd, lseek(rec.fd, 0, SEEK_END) - 30) == 0);
	r = open_recording(rec.fd);
	CHECK(strcmp(recording_result(r), "INCOMPLETE") == 0);
	recording_close(&r);
	free(plan);
	close(rec.fd);
}

static void no_recordings(void) {
	struct testing_recording rec;
	struct recording *r;
	begin();
	struct plan *plan = plan_builder_finish(&b);
	testing_begin(&rec, plan, NULL, ALL);
	testing_end(&rec, "COMPLETE");
	CHECK(recording_open(rec.fd, &r, &diag) == -ENOENT && r == NULL);
	close(rec.fd);
	plan->hash.bytes[0] ^= 1; /* another plan than it says */
	testing_begin(&rec, plan, plan, ALL);
	testing_end(&rec, "COMPLETE");
	CHECK(recording_open(rec.fd, &r, NULL) == -EPROTO);
	close(rec.fd);
	int fd = memfd_create("x", MFD_CLOEXEC);
	CHECK(write(fd, "no MCAP", 7) == 7 && recording_open(fd, &r, NULL) == -EPROTO);
	close(fd);
	free(plan);
}

int main(void) {
	what_ran();
	from_mid_decay();
	from_amid_what_is_apart();
	from_nothing_to_go_on_from();
	an_edited_plan();
	in_the_order_of_publication();
	a_source_that_is_not_there();
	missing_additional_beyond();
	another_life();
	what_the_dead_said();
	a_ring_of_rules();
	what_does_not_fit();
	what_is_doubtful();
	no_recordings();
	return 0;
}
