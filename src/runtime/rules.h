/*
 * rules.h - the data thread: coherence rules, run as their sources change.
 *
 * It sleeps on all source fields at once, and for each one with news runs the rules that name it:
 * take the latest sample of every source, leave out what is trusted too little, check the skew,
 * compute the evidence, and add it to the decaying target.  The target's sample names the oldest
 * source time and the lowest trust of what went in.  No allocation, lock or log after the start.
 *
 * Sources that are further apart in time than the rule allows are no evidence.  The target is
 * published all the same, as what is left of it, with the source time and trust that it had, and
 * DEGRADED: whoever reads it knows that nothing came.  Counted for the field (field_counts) and the
 * process; the events INCOHERENT and COHERENT tell the change, at most once a second for each rule.
 */
#ifndef RUNTIME_RULES_H
#define RUNTIME_RULES_H

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
