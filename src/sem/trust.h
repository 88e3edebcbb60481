/*
 * trust.h - how far somebody may be relied on, from counted evidence.
 *
 * Per (subject, role) and for each of three dimensions - talent, training, temperament - a pair (p,
 * n) counts what went well and what did not, failures kappa-fold.  Evidence halves with each
 * half-life; a prior, the word of an anchor in the CDL, counts as evidence that does not.  With P =
 * s t + p and N = s (1 - t) + n of one dimension:
 *
 *      T = (P + a c) / (P + N + c)         expectation; c = 2, base rate a
 *      sigma = sqrt(T (1 - T) / (P + N + c + 1))
 *      lower bound = min over the dimensions of T - z sigma
 *
 * Decisions use the lower bound.  spec/trust.md has the table of worked numbers.
 *
 * Times are nanoseconds on any one axis; the fold of the journal uses that of its records.  All
 * arithmetic is binary64 without contraction in a fixed order: equal records in equal order give
 * equal bytes on every machine.  A struct trust_record has no padding, so its bytes may be hashed.
 * Pure; one thread a record.
 */
#ifndef SEM_TRUST_H
#define SEM_TRUST_H

#include <stddef.h>
#include <stdint.h>
#include "base/check.h"

#define TRUST_DIMS 3
#define TRUST_KAPPA 4.0
#define TRUST_PRIOR_WEIGHT 2.0 /* c */
#define TRUST_BASE_RATE 0.5    /* a of those whom an anchor vouches for: everyone in the plan */
#define TRUST_BASE_RATE_NEWCOMER 0.3
#define TRUST_STRENGTH_DEFAULT 10.0
#define TRUST_STRENGTH_OPERATOR 50.0
#define TRUST_CLASSES 4 /* safety classes 0..3 */

enum trust_dim { TRUST_TALENT, TRUST_TRAINING, TRUST_TEMPERAMENT };

enum trust_role {
#define TRUST_ROLE(name, text, half_life_s) TRUST_##name,
#include "sem/role.def"
#undef TRUST_ROLE
	TRUST_ROLE_COUNT
};

/* What an anchor says beforehand. */
struct trust_prior {
	double expectation[TRUST_DIMS]; /* 0..1 */
	double strength;                /* evidence it is worth; 0: nobody said anything */
	double base_rate;
};

struct trust_record {
	uint32_t subject;
	uint32_t role;        /* enum trust_role */
	int64_t half_life_ns; /* 0: evidence does not decay */
	int64_t at_ns;        /* the counts are of this time */
	double p[TRUST_DIMS], n[TRUST_DIMS];
};

struct trust_opinion {
	double positive, negative; /* P and N, prior included */
	double expectation, sigma;
};

/* A book of records in the caller's memory, in order of first appearance. */
struct trust_book {
	struct trust_record *records;
	uint32_t count, capacity;
};

/* An empty record with the half-life of its role. */
struct trust_record trust_record_make(uint32_t subject, enum trust_role role, int64_t now_ns);
/* Its record, or NULL. */
struct trust_record *trust_find(const struct trust_book *b, uint32_t subject, enum trust_role role);
/* Its record, made when there is none; NULL when the book is full. */
struct trust_record *trust_open(
		struct trust_book *b, uint32_t subject, enum trust_role role, int64_t now_ns);

/*
 * One observation: how well it went (0..1) with weight 0 < m <= 1 (see trust_weight) in one
 * dimension.  An observation older than the record counts as of now: time does not go back.
 * -EINVAL when outcome or weight are outside their range or no number; nothing is changed then.
 */
MUST_CHECK int trust_observe(struct trust_record *r, enum trust_dim dim, double outcome,
		double weight, int64_t now_ns);

/*
 * Weight of an observation: stake of the act against the stake that counts in full (so that many
 * cheap good acts do not pay for one expensive bad one), times 0.8 for each earlier observation by
 * the same rater in the same epoch (not below 0.1), times the weight of the rater, 0..1.
 */
double trust_weight(double stake, double stake_full, unsigned earlier, double rater);

/* Bring the counts to `now_ns`.  Reading does this by itself; compaction wants it done. */
void trust_decay(struct trust_record *r, int64_t now_ns);

/* Opinion in one dimension; record NULL: the prior alone.  prior is required. */
struct trust_opinion trust_opinion(const struct trust_prior *prior, const struct trust_record *r,
		enum trust_dim dim, int64_t now_ns);
/* The least lower bound over the dimensions, in 0..1. */
double trust_lower(const struct trust_prior *prior, const struct trust_record *r, double z,
		int64_t now_ns);
/*
 * The same for a single pair of counts without prior: a sense's success (plan_sense.evidence_p,
 * _n).
 */
double trust_lower_of(double p, double n, double z);

/* 0, 1, 1, 2 and .3, .5, .7, .85 for safety classes 0..3; a higher class counts as 3. */
double trust_z(unsigned safety_class);
double trust_threshold(unsigned safety_class);

/* "commander"; "?" outside.  Static. */
const char *trust_role_text(unsigned role);
int64_t trust_half_life_ns(enum trust_role role);

#endif
