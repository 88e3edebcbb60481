/*
 * weight.h - the only door through which attention and trust weigh anything.
 *
 * Whoever chooses among things (what a model is shown, who gets the processor, whose word is believed) asks
 * here and nowhere else.  Both weights are 1: nothing is preferred, nobody is doubted beyond what the gate asks
 * (gate.h).  The arguments are what a weight may depend on, so that a rule changes this file alone.
 *
 * A weight is finite and >= 0; it says how much of something there is beside the others, and whoever shares
 * something out divides by the sum.  Pure; any thread.
 */
#ifndef SEM_WEIGHT_H
#define SEM_WEIGHT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "sem/trust.h"

/* One that asks for attention.  All shares are 0..1. */
struct weight_candidate {
	uint32_t subject;      /* entity or field of the plan: stays the same from one choice to the next */
	double surprise;       /* how improbable the newest value is by what was expected */
	double novelty;        /* how unlike the recent ones */
	double urgency;        /* e^(-slack / tau) of its deadline */
	double reward;         /* how much it matters to an open goal */
	double conflict;       /* 1 - agreement with those that should say the same */
	double freshness;      /* 2^(-age / half-life) */
	double trust;          /* weight_trust() of its source; of what the journal has, what it was trusted */
	bool reserved;         /* a channel of safety: has its share whatever the others are */
	int64_t held_ns;       /* for how long it has been in the workspace; 0: it is not */
};

/*
 * Of all candidates together, because attention is one sum that is shared out, the weight of number `which`.
 * `load`: demand by capacity of the busiest device, 0..; the higher, the fewer things can be attended to.
 */
double weight_attention(const struct weight_candidate *candidates, size_t count, size_t which, double load);

/*
 * How much the word of `subject` (of the plan; UINT32_MAX: no plan is at hand, as where a journal is read after the
 * machine) counts in this role, for an act of this safety class.  `book` is the evidence of all
 * raters, NULL: there is none; `prior` the word of the plan, NULL: nobody vouches for it.
 */
double weight_trust(const struct trust_book *book, uint32_t subject, enum trust_role role,
		const struct trust_prior *prior, unsigned safety_class, int64_t now_ns);

#endif
