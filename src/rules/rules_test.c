/*
 * rules_test.c - rules run in their thread over real memory: core's own fields and a camera's.
 *
 * Each test writes one sample at a time and waits for what the rule says of it, so nothing depends on
 * how fast anybody is.  Half-lives are so long that nothing decays meanwhile: a level is then
 * tanh of the level before plus trust times evidence.
 */
#include "rules/rules.h"

#include <errno.h>
#include <math.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include "test/lib/world.h"

enum { CORE, GUARD, CAMERA, READER };

#define PATIENCE_NS (20 * NS_PER_S)
#define NO_DECAY_NS (INT64_C(1000000) * NS_PER_S)

static struct plan_builder b;
static struct world w;
static struct rules *rules;
static struct event_writer events;
static struct field target;
static struct field_writer out[2];
static double level; /* what the target must hold */

/* A machine with one rule over two sources: the first one is core's, the second one the camera's. */
static struct plan_rule *begin(enum plan_operation operation, enum cdm_dtype dtype, uint32_t count) {
	plan_builder_begin(&b, "robot");
	CHECK(plan_builder_process(&b, "camera", PLAN_HOST, 0) == CAMERA);
	CHECK(plan_builder_process(&b, "reader", PLAN_CLIENT, 0) == READER);
	uint16_t first = plan_builder_field(&b, "first", dtype, count, 4, 0, CORE, PLAN_BUILDER_ALL);
	uint16_t second = plan_builder_field(&b, "second", dtype, count, 4, 0, CAMERA, PLAN_BUILDER_ALL);
	uint16_t made = plan_builder_field(&b, "made", CDM_F32, 1, 4, 0, CORE, PLAN_BUILDER_ALL);
	b.fields[made].half_life_ns = NO_DECAY_NS;
	b.head.rules.count = 1;
	b.fields[made].kind = PLAN_AWARENESS;
	b.rules[0] = (struct plan_rule){ .name = "rule", .operation = (uint8_t)operation, .source_count = 2,
		.target = made, .actuator = PLAN_NONE, .gain = 1.0 };
	memset(b.rules[0].sources, 0xff, sizeof(b.rules[0].sources));
	b.rules[0].sources[0] = first;
	b.rules[0].sources[1] = second;
	level = 0.0;
	return &b.rules[0];
}

static void go(void) {
	world_open(&w, &b);
	CHECK(field_writer_open(&out[0], &w.at[CORE], 0) == 0);
	CHECK(field_writer_open(&out[1], &w.at[CAMERA], 1) == 0);
	CHECK(field_open(&target, &w.at[READER], 2) == 0);
	event_writer_open(&events, &w.at[CORE]);
	CHECK(rules_start(&rules, &w.at[CORE], &events) == 0 && rules != NULL);
}

static void over(void) {
	rules_stop(&rules);
	CHECK(rules == NULL);
	rules_stop(&rules);
	world_close(&w);
}

static void write_at(unsigned which, const void *data, uint32_t bytes, float trust, int64_t source_ns) {
	struct field_meta m = { .source_time = { source_ns }, .trust = trust };
	CHECK(field_write(&out[which], data, bytes, &m, clock_mono()) == 0);
}

static void write_one(unsigned which, float value, float trust, int64_t source_ns) {
	write_at(which, &value, sizeof(value), trust, source_ns);
}

/* The rule's next sample in order. */
static void expect_next(enum cdm_status status, double value, float trust, int64_t source_ns) {
	struct cdm_info info;
	float seen;
	int rc;
	while ((rc = field_next(&target, &seen, sizeof(seen), clock_mono(), &info)) == -EAGAIN)
		if ((rc = wait_field(&target, PATIENCE_NS)) != -ECANCELED)
			CHECK(rc == 0);
	CHECK(rc == 0 && info.bytes == sizeof(seen) && fabs((double)seen - value) < 1e-4);
	CHECK(info.trust == trust && info.source_time.ns == source_ns && info.status == status);
}

/* The rule's newest sample, a new one. */
static void expect_as(enum cdm_status status, double value, float trust, int64_t source_ns) {
	struct cdm_info info;
	float seen;
	int rc;
	while ((rc = wait_field(&target, PATIENCE_NS)) == -ECANCELED) /* a peer came back */
		continue;
	CHECK(rc == 0);
	CHECK(field_read(&target, &seen, sizeof(seen), clock_mono(), &info) == 0 && info.bytes == sizeof(seen));
	CHECK(fabs((double)seen - value) < 1e-4);
	CHECK(info.trust == trust && info.source_time.ns == source_ns && info.status == status);
}

/* It adds `evidence` at `trust`, and is of `source_ns`. */
static void expect(double evidence, float trust, int64_t source_ns) {
	level = tanh(level + (double)trust * evidence);
	expect_as(CDM_OK, level, trust, source_ns);
}

/*
 * The rule has looked at everything so far and said nothing: what it says next is of what comes next.
 * (Were it to say something of what came before, expect() would find that instead.)
 */
static void silent_then(float value, double evidence) {
	write_one(0, value, 1.0f, 5000);
	expect(evidence, 1.0f, 5000);
}

static void the_largest(void) {
	const float four[4] = { 0.1f, 0.6f, 0.2f, 0.3f };
	begin(PLAN_OP_MAX, CDM_F32, 4);
	go();
	write_at(0, four, sizeof(four), 0.9f, 700);
	expect(0.6, 0.9f, 700);
	write_at(1, four, 4, 0.5f, 900); /* one element of four */
	expect(0.6, 0.5f, 700);          /* the oldest and the least trusted of what went in */
	const float wild[4] = { NAN, -1.0f, 40.0f, 0.0f };
	write_at(1, wild, sizeof(wild), 0.8f, 600);
	expect(1.0, 0.8f, 600);
	over();
}

static void the_mean_by_trust(void) {
	begin(PLAN_OP_WEIGHTED_MEAN, CDM_F32, 1);
	go();
	write_one(0, 1.0f, 0.8f, 100);
	expect(1.0, 0.8f, 100);
	write_one(1, 0.25f, 0.4f, 200);
	expect(0.75, 0.4f, 100);
	write_one(0, 1.0f, 0.0f, 300); /* no weight, and all that follows is as little trusted */
	expect(0.25, 0.0f, 200);
	over();
}

static void what_moves(void) {
	struct plan_rule *r = begin(PLAN_OP_MOTION, CDM_F32, 20);
	float joints[20] = { 40.0f, -60.0f };
	r->source_count = 1;
	r->sources[1] = PLAN_NONE;
	go();
	joints[19] = 9.0f; /* not a joint */
	write_at(0, joints, sizeof(joints), 1.0f, 1);
	expect(0.0, 1.0f, 1); /* standing at 40 degrees is no motion */
	joints[1] += 0.5f;
	joints[19] = 0.0f;
	write_at(0, joints, sizeof(joints), 1.0f, 2);
	expect(0.5, 1.0f, 2);
	joints[0] -= 3.0f;
	write_at(0, joints, sizeof(joints), 0.5f, 3);
	expect(1.0, 0.5f, 3);
	over();
}

/* News of another source is no news of the joints. */
static void moves_beside_another(void) {
	float joints[1] = { 10.0f };
	begin(PLAN_OP_MOTION, CDM_F32, 1);
	go();
	write_at(0, joints, 4, 1.0f, 1);
	expect(0.0, 1.0f, 1);
	joints[0] = 10.5f;
	write_at(0, joints, 4, 1.0f, 2);
	expect(0.5, 1.0f, 2);
	write_one(1, 0.0f, 1.0f, 3);
	expect(0.5, 1.0f, 2); /* the last step stays the last step */
	over();
}

static void what_both_see(void) {
	begin(PLAN_OP_STEREO, CDM_F32, 12);
	for (int f = 0; f < 2; f++) {
		b.fields[f].dims = 2;
		b.fields[f].shape[0] = 2;
		b.fields[f].shape[1] = 6;
	}
	go();
	float found[12] = { 90, 90, 90, 90, 0.7f, 90, 90, 90, 90, 90, 0.4f, 90 }; /* scores, and places */
	write_at(0, found, sizeof(found), 1.0f, 10);
	expect(0.0, 1.0f, 10); /* one eye alone */
	found[4] = 0.3f;
	found[10] = 0.2f;
	write_at(1, found, sizeof(found), 0.9f, 20);
	expect(0.3, 0.9f, 10);
	over();
}

static void whole_numbers(void) {
	const int16_t values[2] = { -300, 0 };
	const uint16_t one = 256; /* its low byte is 0 */
	begin(PLAN_OP_MAX, CDM_I16, 2);
	go();
	write_at(0, values, sizeof(values), 1.0f, 1);
	expect(0.0, 1.0f, 1);
	write_at(1, &one, sizeof(one), 1.0f, 2);
	expect(1.0, 1.0f, 1);
	over();
}

static void too_little_trust(void) {
	begin(PLAN_OP_MAX, CDM_F32, 1)->min_trust = 0.7;
	go();
	write_one(1, 0.9f, 0.69f, 1);
	silent_then(0.2f, 0.2);
	write_one(1, 0.9f, 0.7f, 2); /* 0.7 is not less than 0.7, whatever a float makes of it */
	expect(0.9, 0.7f, 2);
	over();
}

/* A first sample, while the rule looks in vain for one: every other time it finds none, then skips to that one. */
static void a_first_sample_counts(void) {
	for (unsigned i = 0; i < 60; i++) {
		begin(PLAN_OP_MAX, CDM_F32, 1)->min_trust = 0.7;
		go();
		for (unsigned n = 0; n < 400 + 7 * i; n++)
			write_one(1, 0.9f, 0.5f, 1); /* which keeps the rule looking */
		silent_then(0.2f, 0.2);
		over();
	}
}

/* The next event of core, which must be this one. */
static void expect_event(struct event_reader *r, enum event_kind kind, uint64_t number) {
	struct event e;
	CHECK(event_next(r, &e) == 0);
	CHECK(e.kind == kind && e.a == 0 && e.b == number && strcmp(e.text, "made") == 0);
}

static void too_far_apart(void) {
	struct event_reader told;
	struct field_counts counts;
	struct event none;
	begin(PLAN_OP_MAX, CDM_F32, 1)->max_skew_ns = 1000;
	go();
	event_reader_open(&told, &w.at[READER], CORE);
	write_one(1, 0.9f, 0.8f, 4000);
	expect(0.9, 0.8f, 4000);
	write_one(0, 0.5f, 1.0f, 5001);
	expect_as(CDM_DEGRADED, level, 0.8f, 4000); /* no fresher, and no more trusted, than what it was made from */
	expect_event(&told, EVENT_INCOHERENT, 1001);
	write_one(1, 0.9f, 1.0f, INT64_MIN); /* 0 to the store: as far apart as can be */
	expect_as(CDM_DEGRADED, level, 0.8f, 4000);
	write_one(1, 0.8f, 0.9f, 4500); /* and together again */
	expect(0.8, 0.9f, 4500);
	expect_event(&told, EVENT_COHERENT, 2);
	CHECK(field_counts(&target, &counts) == 0 && counts.degraded == 2);
	CHECK(counter_get(&w.at[CORE].own, COUNTER_incoherent) == 2);
	for (unsigned i = 0; i < 50; i++) { /* to and fro: counted, and not told each time */
		write_one(0, 0.0f, 1.0f, 9000);
		expect_as(CDM_DEGRADED, level, 0.9f, 4500);
		write_one(0, 0.0f, 1.0f, 5000);
		expect(0.8, 0.9f, 4500);
	}
	CHECK(field_counts(&target, &counts) == 0 && counts.degraded == 52);
	unsigned told_again = 0;
	while (event_next(&told, &none) >= 0)
		told_again++;
	CHECK(told_again < 100);
	over();
}

/* What was there before the rule: in the order in which it was published, as if the rule had been there, too. */
static void there_before_the_rule(void) {
	begin(PLAN_OP_MAX, CDM_F32, 1)->max_skew_ns = 1000;
	world_open(&w, &b);
	CHECK(field_writer_open(&out[0], &w.at[CORE], 0) == 0 && field_writer_open(&out[1], &w.at[CAMERA], 1) == 0);
	CHECK(field_open(&target, &w.at[READER], 2) == 0);
	write_one(1, 0.9f, 0.6f, 100);
	write_one(0, 0.9f, 0.7f, 9000);
	CHECK(rules_start(&rules, &w.at[CORE], NULL) == 0 && rules != NULL); /* nobody is told, either */
	expect_next(CDM_OK, tanh(0.54), 0.6f, 100);
	expect_next(CDM_DEGRADED, tanh(0.54), 0.6f, 100);
	over();
}

/* Two samples before the rule looks are two steps: nothing is left out for being followed by another. */
static void every_sample_in_order(void) {
	begin(PLAN_OP_MAX, CDM_F32, 1);
	world_open(&w, &b);
	CHECK(field_writer_open(&out[0], &w.at[CORE], 0) == 0 && field_writer_open(&out[1], &w.at[CAMERA], 1) == 0);
	CHECK(field_open(&target, &w.at[READER], 2) == 0);
	write_one(0, 0.5f, 1.0f, 10);
	write_one(1, 0.1f, 1.0f, 20);
	write_one(0, 0.2f, 1.0f, 30);
	CHECK(rules_start(&rules, &w.at[CORE], NULL) == 0);
	expect_next(CDM_OK, level = tanh(0.5), 1.0f, 10);
	expect_next(CDM_OK, level = tanh(level + 0.5), 1.0f, 10);
	expect_next(CDM_OK, level = tanh(level + 0.2), 1.0f, 20);
	over();
}

/* Two rules make one thing: one level, one row of versions. */
static void two_rules_of_one_target(void) {
	struct cdm_info info;
	float seen;
	struct plan_rule *r = begin(PLAN_OP_MAX, CDM_F32, 1);
	r->source_count = 1;
	r->sources[1] = PLAN_NONE;
	b.rules[b.head.rules.count++] = *r;
	b.rules[1].sources[0] = 1;
	b.rules[1].gain = 0.5;
	go();
	for (int64_t i = 1; i <= 40; i += 2) {
		write_one(0, 0.1f, 1.0f, i);
		expect(0.1, 1.0f, i);
		write_one(1, 0.1f, 1.0f, i + 1);
		expect(0.05, 1.0f, i + 1);
	}
	CHECK(field_read(&target, &seen, sizeof(seen), clock_mono(), &info) == 0 && info.version == 40);
	over();
}

/* A level decays with the time of the world, not with that of the rule. */
static void as_of_its_sources(void) {
	begin(PLAN_OP_MAX, CDM_F32, 1);
	b.fields[2].half_life_ns = 1000;
	go();
	write_one(0, 0.5f, 1.0f, 5000);
	expect_next(CDM_OK, tanh(0.5), 1.0f, 5000);
	write_one(0, 0.0f, 1.0f, 6000);
	expect_next(CDM_OK, tanh(tanh(0.5) / 2), 1.0f, 6000);
	write_one(0, 0.5f, 1.0f, 100); /* the world does not go back, whatever a source says */
	expect_next(CDM_OK, tanh(tanh(tanh(0.5) / 2) + 0.5), 1.0f, 100);
	over();
}

/* More than a lap before the rule comes to look: it goes on with what is there, and says what it missed. */
static void too_late(void) {
	struct event_reader told;
	struct event e;
	struct plan_rule *r = begin(PLAN_OP_MAX, CDM_F32, 1);
	r->source_count = 1;
	r->sources[1] = PLAN_NONE;
	go();
	event_reader_open(&told, &w.at[READER], CORE);
	write_one(0, 0.1f, 1.0f, 1);
	expect(0.1, 1.0f, 1);
	uint64_t missed = 0;
	for (int64_t n = 2; missed == 0; n++) { /* until the rule is too late once */
		write_one(0, 0.0f, 1.0f, n);
		if (event_next(&told, &e) == 0) {
			CHECK(e.kind == EVENT_LAPPED && e.a == 0 && e.b > 0 && strcmp(e.text, "first") == 0);
			missed = e.b;
		}
	}
	over();
}

/* What a dead writer left is not used; what the next one says is. */
static void an_orphan(void) {
	begin(PLAN_OP_MAX, CDM_F32, 1);
	go();
	write_one(1, 0.9f, 0.5f, 100);
	expect(0.9, 0.5f, 100);
	directory_set(&w.directory, CAMERA, DIRECTORY_DEAD, clock_mono());
	write_one(0, 0.2f, 1.0f, 200);
	expect(0.2, 1.0f, 200);
	world_stop(&w, CAMERA);
	world_start(&w, CAMERA, true);
	CHECK(field_writer_open(&out[1], &w.at[CAMERA], 1) == 0);
	write_one(1, 0.4f, 0.6f, 300);
	expect(0.4, 0.6f, 200);
	over();
}

/* What a writer said before it died, while the rule was busy, counts; what a new rule finds of the dead does not. */
static void last_words(void) {
	begin(PLAN_OP_MAX, CDM_F32, 1);
	go();
	for (int i = 0; i < 200; i++) {
		write_one(1, 0.3f, 0.5f, 100 + i);
		directory_set(&w.directory, CAMERA, DIRECTORY_DEAD, clock_mono());
		expect(0.3, 0.5f, 100 + i);
		directory_set(&w.directory, CAMERA, DIRECTORY_LIVE, clock_mono());
	}
	directory_set(&w.directory, CAMERA, DIRECTORY_DEAD, clock_mono());
	rules_stop(&rules);
	CHECK(rules_start(&rules, &w.at[CORE], &events) == 0);
	level = 0.0;
	silent_then(0.2f, 0.2);
	over();
}

static void *write_on(void *quit) {
	for (int64_t n = 1; !atomic_load((atomic_bool *)quit); n++)
		write_one(0, 0.5f, 1.0f, n);
	return NULL;
}

/* However the end falls: before the sleep, in it, in the middle of a rule. */
static void ends_at_any_time(void) {
	begin(PLAN_OP_MAX, CDM_F32, 1);
	go();
	for (int i = 0; i < 300; i++) {
		rules_stop(&rules);
		CHECK(rules_start(&rules, &w.at[CORE], &events) == 0);
	}
	rules_stop(&rules);
	atomic_bool quit = false;
	pthread_t writer;
	CHECK(pthread_create(&writer, NULL, write_on, &quit) == 0);
	for (int i = 0; i < 100; i++) {
		CHECK(rules_start(&rules, &w.at[CORE], &events) == 0);
		rules_stop(&rules);
	}
	atomic_store(&quit, true);
	pthread_join(writer, NULL);
	CHECK(rules_start(&rules, &w.at[CORE], &events) == 0);
	over();
}

/* The camera's memory is scribbled over: the rule goes on with core's own field. */
static void a_broken_source(void) {
	begin(PLAN_OP_MAX, CDM_F32, 1);
	go();
	const struct plan_field *f = &plan_fields(w.plan)[1];
	memset(w.at[CAMERA].own.base + f->offset, 0xee, 64);
	for (int i = 1; i < 4; i++) {
		write_one(0, 0.1f * (float)i, 1.0f, i);
		expect(0.1 * i, 1.0f, i);
	}
	over();
}

/* All the sources that a plan may have are waited for: the last of them, too, makes its rule run. */
static void all_that_may_be(void) {
	begin(PLAN_OP_MAX, CDM_F32, 1);
	enum { RULES = (PLAN_WAITS_MAX + PLAN_SOURCES_MAX - 1) / PLAN_SOURCES_MAX };
	_Static_assert((int)RULES <= (int)PLAN_BUILDER_RECORDS, "the builder has room");
	for (unsigned i = 0; i < RULES; i++) {
		b.rules[i] = b.rules[0];
		b.rules[i].source_count = i + 1 < RULES ? PLAN_SOURCES_MAX : PLAN_WAITS_MAX % PLAN_SOURCES_MAX;
		for (unsigned s = 0; s < PLAN_SOURCES_MAX; s++)
			b.rules[i].sources[s] = s < b.rules[i].source_count ? (uint16_t)(s % 2) : PLAN_NONE;
		b.rules[i].target = plan_builder_field(&b, i ? (char[]){ 't', (char)('a' + i), 0 } : "t", CDM_F32,
				1, 4, 0, CORE, PLAN_BUILDER_ALL);
		b.fields[b.rules[i].target].kind = PLAN_AWARENESS;
		b.fields[b.rules[i].target].half_life_ns = NO_DECAY_NS;
	}
	b.head.rules.count = RULES;
	world_open(&w, &b);
	CHECK(rules_start(&rules, &w.at[CORE], &events) == 0);
	over();
}

static void nothing_to_do(void) {
	begin(PLAN_OP_MAX, CDM_F32, 1);
	b.head.rules.count = 0;
	world_open(&w, &b);
	CHECK(rules_start(&rules, &w.at[CORE], &events) == 0 && rules == NULL);
	world_close(&w);
}

int main(void) {
	the_largest();
	the_mean_by_trust();
	what_moves();
	moves_beside_another();
	what_both_see();
	whole_numbers();
	too_little_trust();
	a_first_sample_counts();
	too_far_apart();
	there_before_the_rule();
	every_sample_in_order();
	as_of_its_sources();
	two_rules_of_one_target();
	too_late();
	an_orphan();
	last_words();
	ends_at_any_time();
	a_broken_source();
	all_that_may_be();
	nothing_to_do();
	return 0;
}
