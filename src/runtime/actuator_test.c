/* actuator_test.c - one is meant, or nothing moves. */
#include "runtime/actuator.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/clock.h"
#include "test/lib/plan_builder.h"

static struct plan_builder b;
static struct refusal why;

static uint16_t add(const char *name, int32_t walk, int32_t scan) {
	char field[CDM_NAME_MAX + 16];
	snprintf(field, sizeof(field), "%s.feedback", name);
	uint16_t e = plan_builder_entity(&b, name, PLAN_ACTUATOR);
	unsigned index = b.head.actuators.count++;
	struct plan_actuator *a = &b.actuators[index];
	*a = (struct plan_actuator){ .entity = e, .process = b.head.guard, .awareness = PLAN_NONE, .driver = "d",
			.bus = "b",
		.feedback = plan_builder_field(&b, field, CDM_F32, 4, 3, 0, b.head.guard, PLAN_BUILDER_ALL),
		.lease_ns = NS_PER_S, .safe_verb = PLAN_VERB_STAND, .joint_count = 18,
		.node_base = (uint8_t)(1 + 20 * index),
		.joint_min_cdeg = { -100, -100, -100 }, .joint_max_cdeg = { 100, 100, 100 },
		.joint_rate_cdeg_s = { 100, 100, 100 }, .verb_max = { [PLAN_VERB_STAND] = -1, [PLAN_VERB_WALK] = walk,
			[PLAN_VERB_SCAN] = scan } };
	return e;
}

static void rule(uint16_t actuator) {
	struct plan_rule *r = &b.rules[b.head.rules.count++];
	*r = (struct plan_rule){ .operation = PLAN_OP_SYMBOL_TO_MOTION, .target = PLAN_NONE, .actuator = actuator,
			.source_count = 1, .gain = 1 };
	for (int i = 1; i < PLAN_SOURCES_MAX; i++)
		r->sources[i] = PLAN_NONE;
	snprintf(r->name, sizeof(r->name), "rule%u", b.head.rules.count);
}

static uint16_t which(unsigned verb) {
	struct plan *p = plan_builder_finish(&b);
	why = (struct refusal){ 0 };
	uint16_t a = actuator_for(p, verb, &why);
	free(p);
	return a;
}

static bool names(const char *text) {
	return why.code == REFUSAL_WHICH_ACTUATOR && strcmp(why.what, text) == 0;
}

static void one_or_none(void) {
	plan_builder_begin(&b, "robot");
	CHECK(which(PLAN_VERB_WALK) == PLAN_NONE && why.code == REFUSAL_NONE);
	add("legs", 20, 0);
	CHECK(which(PLAN_VERB_WALK) == 0 && which(PLAN_VERB_STAND) == 0);
	CHECK(which(PLAN_VERB_SCAN) == 0 && why.code == REFUSAL_NONE); /* the gate says that it is not offered */
	CHECK(which(PLAN_VERB_COUNT) == 0 && which(255) == 0);
}

static void the_one_that_can(void) {
	plan_builder_begin(&b, "robot");
	add("legs", 20, 0);
	add("head", 0, -1);
	CHECK(which(PLAN_VERB_WALK) == 0 && which(PLAN_VERB_SCAN) == 1);
	CHECK(which(PLAN_VERB_STAND) == PLAN_NONE && names("legs, head"));
}

static void the_one_that_a_rule_names(void) {
	plan_builder_begin(&b, "robot");
	add("legs", 20, 0);
	uint16_t wheels = add("wheels", 20, 0);
	CHECK(which(PLAN_VERB_WALK) == PLAN_NONE && names("legs, wheels"));
	rule(wheels);
	CHECK(which(PLAN_VERB_WALK) == 1 && which(PLAN_VERB_STAND) == 1 && which(PLAN_VERB_SCAN) == 1);
	rule(wheels);
	CHECK(which(PLAN_VERB_WALK) == 1); /* named twice is one */
	rule(b.actuators[0].entity);
	CHECK(which(PLAN_VERB_WALK) == PLAN_NONE && names("legs, wheels"));
}

static void long_names_are_cut(void) {
	plan_builder_begin(&b, "robot");
	add("a_name_that_is_quite_long_for_some", 20, 0);
	add("another_name_that_is_as_long_as_it", 20, 0);
	CHECK(which(PLAN_VERB_WALK) == PLAN_NONE && strlen(why.what) == REFUSAL_WHAT_MAX - 1);
}

int main(void) {
	one_or_none();
	the_one_that_can();
	the_one_that_a_rule_names();
	long_names_are_cut();
	puts("actuator_test: ok");
	return 0;
}
