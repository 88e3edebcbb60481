/*
 * rules.h - the data thread: coherence rules, run as their sources change.
 *
 * It sleeps on all source fields at once and takes every sample of each, in order; where several sources of a rule, or
 * of the rules of one target, have news, the sample that was published first goes first.  Each is a step of the rule
 * (rule.h), so what a rule says does not depend on when this thread runs.  No allocation, lock or log after the start.
 *
 * What it was too late for is missing: counted for the field, and told by the event LAPPED, at most once a second for
 * each source.  Sources that are further apart in time than the rule allows: counted for the field (field_counts) and
 * the process; the events INCOHERENT and COHERENT tell the change, at most once a second for each rule.
 */
#ifndef RULES_RULES_H
#define RULES_RULES_H

#include "base/check.h"
#include "store/event.h"
#include "store/peers.h"

struct rules;

/*
 * Start the thread; `peers` and `events` (NULL: none) are borrowed and outlive it.  *r is NULL when
 * the plan has no such rule.
 */
MUST_CHECK int rules_start(struct rules **r, struct peers *peers, struct event_writer *events);
/* Ends the thread and waits for it; accepts NULL; sets *r NULL. */
void rules_stop(struct rules **r);

#endif
