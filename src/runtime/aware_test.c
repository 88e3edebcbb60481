/*
 * aware_test.c - which fields an answer is evidence for, how much, and how it fades.
 */
#include "runtime/aware.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include "test/lib/world.h"

enum { CORE, GUARD, READER };

#define HALF_LIFE_NS (10 * NS_PER_S)

static struct plan_builder b;
static struct world w;
static struct aware *aware;
static uint16_t scribe, oracle, camera;
static struct cdm_mono t0;

static uint16_t awareness(const char *name) {
	uint16_t f = plan_builder_field(&b, name, CDM_F32, 1, 4, 0, CORE, PLAN_BUILDER_ALL);
	b.fields[f].kind = PLAN_AWARENESS;
	b.fields[f].half_life_ns = HALF_LIFE_NS;
	return f;
}

static void model(uint16_t *entity, const char *name, enum plan_sort sort, const char *fields) {
	*entity = plan_builder_entity(&b, name, PLAN_MODEL);
	b.entities[*entity].sort = (uint8_t)sort;
	if (fields)
		plan_builder_option(&b, *entity, "awareness_fields", fields);
}

static void fresh(void) {
	plan_builder_begin(&b, "robot");
	CHECK(plan_builder_process(&b, "reader", PLAN_CLIENT, 0) == READER);
	model(&scribe, "scribe", PLAN_LINGUISTIC, "semantic,temporal,made");
	model(&oracle, "oracle", PLAN_LINGUISTIC, NULL);
	model(&camera, "camera", PLAN_VISUAL, "temporal");
	awareness("semantic");
	awareness("temporal");
	awareness("linguistic_consciousness");
	awareness("linguistic_other");
	awareness("semantic_of_others");
	uint16_t made = awareness("made");
	uint16_t source = plan_builder_field(&b, "source", CDM_F32, 1, 4, 0, CORE, PLAN_BUILDER_ALL);
	b.head.rules.count = 1;
	b.rules[0] = (struct plan_rule){ .name = "rule", .operation = PLAN_OP_MAX, .source_count = 1, .target = made,
		.actuator = PLAN_NONE, .gain = 1.0 };
	memset(b.rules[0].sources, 0xff, sizeof(b.rules[0].sources));
	b.rules[0].sources[0] = source;
	world_open(&w, &b);
	CHECK(aware_open(&aware, &w.at[CORE]) == 0 && aware);
	t0 = clock_mono();
}

static void over(void) {
	aware_close(&aware);
	CHECK(!aware);
	aware_close(&aware);
	world_close(&w);
}

/* The level of a field, -1: nobody has written it. */
static double level(const char *name, struct cdm_info *info) {
	struct field f;
	float seen;
	CHECK(field_open(&f, &w.at[READER], plan_find_field(w.plan, name)) == 0);
	int rc = field_read(&f, &seen, sizeof(seen), clock_mono(), info);
	CHECK(rc == 0 || rc == -EAGAIN);
	return rc == 0 ? (double)seen : -1.0;
}

static bool is(const char *name, double expected) {
	struct cdm_info info;
	return fabs(level(name, &info) - expected) < 1e-5;
}

static void feeds_what_the_model_lists_and_is(void) {
	struct cdm_info info;
	fresh();
	CHECK(is("semantic", -1.0) && is("linguistic_consciousness", -1.0));
	aware_heard(aware, scribe, 0.6, t0);
	double once = tanh(0.6);
	CHECK(is("semantic", once) && is("temporal", once) && is("linguistic_consciousness", once));
	CHECK(is("linguistic_other", -1.0) && is("semantic_of_others", -1.0));
	CHECK(is("made", -1.0)); /* a rule makes it, in another thread */
	(void)level("semantic", &info);
	CHECK(info.source_time.ns == t0.ns && info.source == scribe && info.trust == 0.6f && info.status == CDM_OK);
	aware_heard(aware, oracle, 0.5, t0);
	CHECK(is("linguistic_consciousness", tanh(once + 0.5)) && is("semantic", once));
	aware_heard(aware, camera, 0.4, t0);
	CHECK(is("temporal", tanh(once + 0.4)) && is("linguistic_consciousness", tanh(once + 0.5)));
	over();
}

static void fades_with_the_half_life(void) {
	fresh();
	aware_heard(aware, scribe, 1.0, t0);
	aware_heard(aware, scribe, 0.0, (struct cdm_mono){ t0.ns + HALF_LIFE_NS });
	CHECK(is("temporal", tanh(tanh(1.0) / 2.0)));
	over();
}

static void nobody_and_nothing(void) {
	fresh();
	aware_heard(aware, PLAN_NONE, 1.0, t0);
	aware_heard(aware, scribe, NAN, t0);
	CHECK(is("linguistic_consciousness", 0.0));
	aware_heard(NULL, scribe, 1.0, t0);
	over();
	plan_builder_begin(&b, "robot");
	world_open(&w, &b);
	CHECK(aware_open(&aware, &w.at[CORE]) == 0 && !aware);
	over();
}

int main(void) {
	feeds_what_the_model_lists_and_is();
	fades_with_the_half_life();
	nobody_and_nothing();
	puts("aware_test: ok");
	return 0;
}
