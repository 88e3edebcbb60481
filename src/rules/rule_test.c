/* rule_test.c - rules by hand: no memory that is shared, no thread, no clock. */
#include "rules/rule.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "test/lib/plan_builder.h"

enum { CORE };

static struct plan_builder b;
static struct plan *plan;
static struct rule rule;
static struct rule_target state;
static struct rule_result out;

/* A rule over two scalars, then what the test changes of it. */
static struct plan_rule *begin(enum plan_operation operation) {
	plan_builder_begin(&b, "robot");
	for (int i = 0; i < 2; i++)
		plan_builder_field(&b, i ? "second" : "first", CDM_F32, 1, 4, 0, CORE, PLAN_BUILDER_ALL);
	uint16_t made = plan_builder_field(&b, "made", CDM_F32, 1, 4, 0, CORE, PLAN_BUILDER_ALL);
	b.fields[made].kind = PLAN_AWARENESS;
	b.fields[made].half_life_ns = 1000;
	b.head.rules.count = 1;
	b.rules[0] = (struct plan_rule){ .name = "rule", .operation = (uint8_t)operation, .source_count = 2,
		.target = made, .actuator = PLAN_NONE, .gain = 1.0 };
	memset(b.rules[0].sources, 0xff, sizeof(b.rules[0].sources));
	b.rules[0].sources[0] = 0;
	b.rules[0].sources[1] = 1;
	return &b.rules[0];
}

static void go(void) {
	plan = plan_builder_finish(&b);
	CHECK(rule_is_run(plan_rules(plan)));
	state = (struct rule_target){ .cell = { .level = 0 } };
	CHECK(rule_open(&rule, plan, plan_rules(plan), &state) == 0);
}

static void over(void) {
	free(plan);
}

static struct cdm_info at(int64_t source_ns, float trust) {
	return (struct cdm_info){ .source_time = { source_ns }, .trust = trust, .epoch = 1, .bytes = sizeof(float) };
}

static bool step(unsigned source, float value, float trust, int64_t source_ns) {
	struct cdm_info info = at(source_ns, trust);
	return rule_step(&rule, source, &value, &info, &out);
}

static void expect(double value, float trust, int64_t source_ns, enum cdm_status status) {
	CHECK(fabs((double)out.value - value) < 1e-6);
	CHECK(out.meta.trust == trust && out.meta.source_time.ns == source_ns && out.meta.status == status);
}

static void two_sources(void) {
	begin(PLAN_OP_MAX);
	go();
	CHECK(step(0, 0.5f, 1.0f, 1000));
	expect(tanh(0.5), 1.0f, 1000, CDM_OK);
	CHECK(step(1, 0.8f, 0.5f, 2000)); /* as of 2000: the level of before is half */
	expect(tanh(tanh(0.5) / 2 + 0.5 * 0.8), 0.5f, 1000, CDM_OK);
	double before = (double)out.value;
	CHECK(step(0, 0.1f, 1.0f, 1500)); /* late, and no older than the target is; the other one counts as before */
	expect(tanh(before + 0.5 * 0.8), 0.5f, 1500, CDM_OK);
	over();
}

static void too_little_trust(void) {
	begin(PLAN_OP_MAX)->min_trust = 0.7;
	go();
	CHECK(!step(0, 0.9f, 0.69f, 1));
	CHECK(!step(1, 0.9f, 0.5f, 2));
	CHECK(step(0, 0.2f, 0.7f, 3)); /* 0.7 is not less than 0.7, whatever a float makes of it */
	expect(tanh(0.2 * 0.7), 0.7f, 3, CDM_OK);
	over();
}

static void apart(void) {
	begin(PLAN_OP_MAX)->max_skew_ns = 100;
	go();
	CHECK(step(0, 0.5f, 0.9f, 1000) && !out.apart);
	double level = (double)out.value;
	CHECK(step(1, 0.9f, 0.8f, 2000) && out.apart && out.skew_ns == 1000);
	expect(level / 2, 0.9f, 1000, CDM_DEGRADED); /* what is left, as old and as trusted as it was */
	CHECK(step(1, 0.9f, 0.8f, 1500) && out.apart); /* each as of its own time: the target was not touched */
	expect(level * exp2(-0.5), 0.9f, 1000, CDM_DEGRADED);
	CHECK(step(0, 0.0f, 1.0f, 1400) && !out.apart); /* a gap of 100 is allowed */
	expect(tanh(level * exp2(-0.5) + 0.8 * 0.9), 0.8f, 1400, CDM_OK);
	over();
}

/* Nothing was said yet that could be held to. */
static void apart_of_no_trust(void) {
	begin(PLAN_OP_MAX)->max_skew_ns = 100;
	go();
	CHECK(step(0, 0.5f, 0.0f, 1000) && !out.apart);
	CHECK(step(1, 0.5f, 0.6f, 9000) && out.apart);
	expect(0.0, 0.0f, 1000, CDM_DEGRADED);
	over();
}

static void the_gone(void) {
	begin(PLAN_OP_MAX);
	go();
	CHECK(step(0, 0.9f, 0.5f, 1000));
	rule_gone(&rule, 0, true);
	CHECK(step(1, 0.1f, 1.0f, 100000));
	expect(tanh(0.1), 1.0f, 100000, CDM_OK);
	rule_gone(&rule, 1, true);
	CHECK(!step(1, 0.1f, 1.0f, 100001)); /* what it left when it died */
	rule_gone(&rule, 0, false); /* a parent was gone, and everybody with it, for a moment */
	rule_gone(&rule, 1, false);
	CHECK(step(1, 0.1f, 1.0f, 200000));
	expect(tanh(0.5 * 0.9), 0.5f, 1000, CDM_OK);
	over();
}

/* How old the others are is as of the rule's time, not of its reader's. */
static void the_stale(void) {
	begin(PLAN_OP_MAX);
	b.fields[0].max_age_ns = 500;
	go();
	CHECK(step(0, 0.1f, 1.0f, 1000));
	CHECK(step(1, 0.1f, 1.0f, 1500) && out.meta.status == CDM_OK);
	CHECK(step(1, 0.1f, 1.0f, 1501) && out.meta.status == CDM_STALE);
	struct cdm_info info = at(1502, 1.0f);
	float v = 0.1f;
	info.status = CDM_DEGRADED; /* a source says so of itself */
	CHECK(rule_step(&rule, 0, &v, &info, &out) && out.meta.status == CDM_DEGRADED);
	info.status = CDM_ORPHAN; /* which rule_gone() tells */
	CHECK(rule_step(&rule, 0, &v, &info, &out) && out.meta.status == CDM_OK);
	over();
}

/* A restarted writer continues nothing: where it stands is no motion against where the last one stood. */
static void another_life(void) {
	struct plan_rule *p = begin(PLAN_OP_MOTION);
	p->source_count = 1;
	p->sources[1] = PLAN_NONE;
	go();
	CHECK(step(0, 10.0f, 1.0f, 1000));
	expect(0.0, 1.0f, 1000, CDM_OK);
	CHECK(step(0, 10.5f, 1.0f, 1000));
	expect(tanh(0.5), 1.0f, 1000, CDM_OK);
	struct cdm_info info = at(1000000, 1.0f);
	float far = 90.0f;
	info.epoch = 2;
	CHECK(rule_step(&rule, 0, &far, &info, &out));
	expect(0.0, 1.0f, 1000000, CDM_OK);
	far = 90.25f;
	CHECK(rule_step(&rule, 0, &far, &info, &out));
	expect(tanh(0.25), 1.0f, 1000000, CDM_OK);
	over();
}

static uint32_t noise(uint32_t *seed) {
	*seed = *seed * 1664525u + 1013904223u;
	return *seed >> 8;
}

/* Some thousand steps of any sort, folded into one number. */
static uint64_t fold_noise(uint32_t seed) {
	uint64_t h = 0;
	state = (struct rule_target){ .cell = { .level = 0 } };
	CHECK(rule_open(&rule, plan, plan_rules(plan), &state) == 0);
	for (int i = 0; i < 5000; i++) {
		struct cdm_info info = at((int64_t)(noise(&seed) % 4000) + i * 10, (float)(noise(&seed) % 101) / 100);
		float v = (float)(noise(&seed) % 1000) / 700;
		info.epoch = noise(&seed) % 50 == 0;
		rule_gone(&rule, noise(&seed) & 1, noise(&seed) % 8 == 0);
		if (!rule_step(&rule, noise(&seed) & 1, &v, &info, &out))
			continue;
		uint32_t bits;
		memcpy(&bits, &out.value, sizeof(bits));
		h = (h ^ bits ^ (uint64_t)out.meta.source_time.ns << 8 ^ out.meta.status) * UINT64_C(0x100000001b3);
		CHECK(out.value >= 0.0f && out.value <= 1.0f);
	}
	return h;
}

static void the_same_again(void) {
	struct plan_rule *p = begin(PLAN_OP_WEIGHTED_MEAN);
	p->max_skew_ns = 2000;
	p->min_trust = 0.2;
	b.fields[1].max_age_ns = 700;
	go();
	uint64_t once = fold_noise(7);
	CHECK(fold_noise(7) == once && fold_noise(8) != once);
	over();
}

static void what_is_too_large(void) {
	begin(PLAN_OP_MAX);
	plan_builder_field(&b, "picture", CDM_U8, RULE_SAMPLE_MAX + 1, 4, 0, CORE, PLAN_BUILDER_ALL);
	b.rules[0].sources[1] = 3;
	plan = plan_builder_finish(&b);
	CHECK(rule_open(&rule, plan, plan_rules(plan), &state) == -E2BIG);
	over();
	struct plan_rule moves = { .operation = PLAN_OP_SYMBOL_TO_MOTION, .source_count = 1, .target = PLAN_NONE };
	CHECK(!rule_is_run(&moves));
	moves.operation = PLAN_OP_COUNT;
	CHECK(!rule_is_run(&moves));
}

int main(void) {
	two_sources();
	too_little_trust();
	apart();
	apart_of_no_trust();
	the_gone();
	the_stale();
	another_life();
	the_same_again();
	what_is_too_large();
	return 0;
}
