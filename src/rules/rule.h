/*
 * rule.h - one coherence rule as a function of its sources' samples: no clock, no thread, no memory of others.
 *
 *     rule_open(&r, plan, p, &target);
 *     while (a sample of some source comes)
 *             if (rule_step(&r, source, sample, &info, &out))
 *                     ... out.value, out.meta: the next sample of the target
 *
 * A step takes one sample of one source, in the order in which that source was published.  The others count with the
 * last sample that was stepped, those that are trusted too little or whose writer is gone are left out, what is left
 * must lie within the rule's skew, and the evidence is added to the decaying target.  All is as of the newest source
 * time that went in (never earlier than the target is already): so the same samples in the same order give the same
 * bytes, whoever steps them, and whenever.
 *
 * The target's sample names the oldest source time and the lowest trust of what went in.  Sources that are further
 * apart than the rule allows are no evidence: the target is then what is left of it, with the source time and trust
 * that it had, and DEGRADED.
 *
 * Pure; one thread for each struct rule.  No allocation, no system call.
 */
#ifndef RULES_RULE_H
#define RULES_RULE_H

#include <stdbool.h>
#include "sem/awareness.h"
#include "store/field.h"

#define RULE_SAMPLE_MAX 4096 /* bytes of a source sample: rules read small things; large ones are for models */

struct rule_source {
	const struct plan_field *plan;
	struct cdm_info info;  /* of `bytes` */
	unsigned samples;      /* stepped in this life of the writer, up to 2: in `bytes`, and in `before` */
	bool gone;             /* its writer is */
	bool have;             /* inside rule_step(): it went in */
	uint8_t bytes[RULE_SAMPLE_MAX], before[RULE_SAMPLE_MAX];
};

/* What is known of a target; zeros at first.  Rules that have one target have one of these. */
struct rule_target {
	struct awareness_cell cell; /* its level is the float that was said */
	struct field_meta said; /* of the newest result that was not degraded; trust 0 before the first */
};

struct rule {
	const struct plan_rule *plan;
	const struct plan_field *field; /* the target */
	struct rule_target *target;
	struct rule_source sources[PLAN_SOURCES_MAX];
};

struct rule_result {
	float value;
	struct field_meta meta;
	bool apart;       /* the sources are: meta.status is DEGRADED */
	uint64_t skew_ns; /* how far */
};

/* Is it a rule that is run here?  (symbol_to_motion is not: its target is a body.) */
bool rule_is_run(const struct plan_rule *p);
/* plan, target: borrowed.  -E2BIG: samples of a source are larger than RULE_SAMPLE_MAX. */
MUST_CHECK int rule_open(struct rule *r, const struct plan *plan, const struct plan_rule *p,
		struct rule_target *target);

/* From the next step on: the writer of that source is gone, and what it said last is left out; or it is there. */
void rule_gone(struct rule *r, unsigned source, bool gone);
/*
 * Take a sample of that source; `bytes` are info->bytes of it, at most as many as its plan says.  Of info->status
 * counts what the writer says of itself: whether a sample is STALE, the rule finds out as of its own time, and ORPHAN
 * is what rule_gone() tells.  false: it says nothing, for nothing went in.
 */
bool rule_step(struct rule *r, unsigned source, const void *bytes, const struct cdm_info *info,
		struct rule_result *out);
/*
 * Go on from a sample of the target that the same rule has made of the last step's samples, somewhere else: its level,
 * as of the newest source time so far, and what is said of it.  What follows is the same to the byte, for that is all
 * that a rule keeps; but for a step whose sources were apart, which leaves the level of before untold.
 */
void rule_continue(struct rule *r, float level, const struct cdm_info *info);

#endif
