/*
 * limits.h - what is never exceeded, whoever asks.
 *
 * Core has checked every command against the plan before it wrote it.  Here it is checked again, from
 * the guard's own copy of the plan and its own view of the joints: a core that is broken, restarted
 * or overtaken can be refused, not believed.  Pure: any thread.
 */
#ifndef GUARD_LIMITS_H
#define GUARD_LIMITS_H

#include <stdbool.h>
#include "base/clock.h"
#include "guard/command.h"
#include "schema/plan.h"

enum guard_refusal {
#define REFUSE(name, text, meaning) REFUSE_##name,
#include "guard/refuse.def"
#undef REFUSE
	REFUSE_COUNT
};

/* A target farther from the last set-point than its joint can go in this time is a mistake. */
#define LIMITS_REACH_NS (2 * NS_PER_S)

struct limits {
	uint32_t actuator;
	uint16_t joint_count;
	uint8_t safety_class;
	int64_t lease_ns;
	int32_t min_cdeg[MOTION_JOINTS_MAX], max_cdeg[MOTION_JOINTS_MAX], rate_cdeg_s[MOTION_JOINTS_MAX];
};

/* What the guard knows when a command comes. */
struct limits_now {
	struct cdm_mono now;
	int64_t barrier_ns;      /* commands must have been issued after it */
	uint64_t command_id;     /* of the newest motion obeyed; 0: none */
	uint64_t seq;            /* of the newest command; 0: none */
	bool moving;             /* command_id still lasts */
	bool quitting;
	bool feedback;           /* it is known where all joints are */
	int32_t at_cdeg[MOTION_JOINTS_MAX]; /* last set-points; positions where there are none */
};

/* -EINVAL: numbers that cannot be limits (with the reason in diag). */
MUST_CHECK int limits_init(struct limits *l, const struct plan_actuator *a, uint32_t index, struct cdm_diag *diag);
/* The first thing that is wrong with a command, or REFUSE_NONE.  MOTION_STOP is asked for nothing but its seal. */
enum guard_refusal limits_check(const struct limits *l, const struct limits_now *n, const struct motion_command *c);
/* A demand for what the plan forbids: core is broken, and what it asked before is not to be trusted either. */
bool limits_is_violation(enum guard_refusal r);
const char *limits_refusal_text(unsigned r);

#endif
