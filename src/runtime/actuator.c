/* actuator.c - see actuator.h. */
#include "runtime/actuator.h"

#include <stdio.h>
#include "base/check.h"

static bool is_named(const struct plan *p, uint16_t entity, bool *any) {
	bool named = false;
	for (uint32_t i = 0; i < p->rules.count; i++) {
		const struct plan_rule *r = &plan_rules(p)[i];
		if (r->operation != PLAN_OP_SYMBOL_TO_MOTION)
			continue;
		*any = true;
		named |= r->actuator == entity;
	}
	return named;
}

static bool is_commanded(const struct plan *p, uint16_t actuator) {
	bool any = false;
	return is_named(p, plan_actuators(p)[actuator].entity, &any) || !any;
}

static bool offers(const struct plan_actuator *a, unsigned verb) {
	return verb < COUNT_OF(a->verb_max) && a->verb_max[verb] != 0;
}

struct refusal actuator_refusal(const struct plan *p, uint16_t one, uint16_t other) {
	char names[2 * CDM_NAME_MAX + 4];
	snprintf(names, sizeof(names), "%s, %s", plan_entities(p)[plan_actuators(p)[one].entity].name,
			plan_entities(p)[plan_actuators(p)[other].entity].name);
	return refusal_make(REFUSAL_WHICH_ACTUATOR, REFUSAL_NOWHERE, 0, 0, names);
}

uint16_t actuator_for(const struct plan *p, unsigned verb, struct refusal *why) {
	uint16_t first = PLAN_NONE, found = PLAN_NONE;
	for (uint16_t a = 0; a < p->actuators.count; a++) {
		if (!is_commanded(p, a))
			continue;
		if (first == PLAN_NONE)
			first = a;
		if (!offers(&plan_actuators(p)[a], verb))
			continue;
		if (found != PLAN_NONE) {
			*why = actuator_refusal(p, found, a);
			return PLAN_NONE;
		}
		found = a;
	}
	return found != PLAN_NONE ? found : first;
}
