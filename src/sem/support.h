/*
 * support.h - several sources say different things of one key: what is believed, how far, and against whom.
 *
 * A claim supports its value with
 *
 *      s = trust * confidence * weight * 2^(-(t - t_i) / h)
 *
 * where t_i is when it was seen and t when the newest claim of the key was: a thing may have changed since an older
 * claim, and the chance that it did halves what that claim is worth every h = 5 minutes that the newest one is newer.
 * A claim that nothing newer speaks against loses nothing by its age alone; its age is shown instead.  Several sources
 * with one value support each other as independent witnesses:
 *
 *      S(value) = 1 - product over its claims of (1 - s)
 *
 * The value with the largest S is believed; of equal ones that with the newest claim, then that with the highest seq.
 *
 * How far several sources agree is the share of the believed value in what all claims are worth together; it is 0 where
 * one source alone says so: that nobody else does is no agreement.
 *
 *      G = sum of s over the claims of the believed value / sum of s over all
 *
 * Pure; any thread.  The same claims give the same answer, in whatever order they come.
 */
#ifndef SEM_SUPPORT_H
#define SEM_SUPPORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SUPPORT_HALF_LIFE_NS INT64_C(300000000000)
#define SUPPORT_CLAIMS_MAX 32 /* of one key; further ones are not looked at */

struct support_claim {
	const char *value;
	double trust;      /* in its source, now: 0..1; what is no number counts as 0 */
	double confidence; /* of the source: 0..1 */
	double weight;     /* what else it is worth: 0..1 */
	int64_t seen_ns;   /* on any one axis */
	uint64_t seq;      /* of its record */
};

struct support {
	unsigned best;      /* the claim that stands for the believed value: the newest of those that say so */
	double degree;      /* S of it */
	unsigned witnesses; /* claims with that value */
	bool contested;     /* somebody says otherwise */
	unsigned against;   /* then: the claim that stands for the value believed next */
	double against_degree;
};

/* s of one claim, where the newest of its key was seen at newest_ns. */
double support_worth(const struct support_claim *c, int64_t newest_ns);

/* count >= 1. */
void support_of(const struct support_claim *claims, size_t count, struct support *out);

/* G of claims by different sources.  False: with fewer than two it is not known, and *agreement 0. */
bool support_agreement(const struct support_claim *claims, size_t count, double *agreement);

#endif
