/*
 * actuator.h - which of a plan's actuators a verb is for.
 *
 * Those count that a rule `symbol_to_motion` names, or all where no rule names any.  Of them the one that
 * offers the verb is meant.  Where several do, none is: somebody must say which, and nothing is chosen silently.
 *
 * Pure; any thread.
 */
#ifndef RUNTIME_ACTUATOR_H
#define RUNTIME_ACTUATOR_H

#include "schema/plan.h"
#include "sem/refusal.h"

/*
 * Its index in the plan's actuators.  Where nobody offers the verb, the first one, whom the gate then refuses;
 * PLAN_NONE where there is none.  Where several offer it PLAN_NONE, and *why names them.
 */
uint16_t actuator_for(const struct plan *p, unsigned verb, struct refusal *why);

/* A refusal that names two of them. */
struct refusal actuator_refusal(const struct plan *p, uint16_t one, uint16_t other);

#endif
