/* trust.c - see trust.h; semantics.md 3.2 has the reasons and the measurements. */
#include "sem/trust.h"

#include <errno.h>
#include <math.h>
#include "sem/decay.h"

_Static_assert(sizeof(struct trust_record) == 24 + 2 * TRUST_DIMS * sizeof(double),
		"no padding: it is hashed");

#define NS_IN_SECOND INT64_C(1000000000)
#define REPEAT 0.8
#define REPEAT_LEAST 0.1

static const struct {
	const char *text;
	int64_t half_life_s;
} roles[] = {
#define TRUST_ROLE(name, text, half_life_s) { text, half_life_s },
#include "sem/role.def"
#undef TRUST_ROLE
};

const char *trust_role_text(unsigned role) {
	return role < COUNT_OF(roles) ? roles[role].text : "?";
}

int64_t trust_half_life_ns(enum trust_role role) {
	CHECK((unsigned)role < COUNT_OF(roles));
	return roles[role].half_life_s * NS_IN_SECOND;
}

struct trust_record trust_record_make(uint32_t subject, enum trust_role role, int64_t now_ns) {
	return (struct trust_record){ .subject = subject,
		.role = role,
		.at_ns = now_ns,
		.half_life_ns = trust_half_life_ns(role) };
}

struct trust_record *trust_find(
		const struct trust_book *b, uint32_t subject, enum trust_role role) {
	for (uint32_t i = 0; i < b->count; i++)
		if (b->records[i].subject == subject && b->records[i].role == (uint32_t)role)
			return &b->records[i];
	return NULL;
}

struct trust_record *trust_open(
		struct trust_book *b, uint32_t subject, enum trust_role role, int64_t now_ns) {
	struct trust_record *r = trust_find(b, subject, role);
	if (r || b->count == b->capacity)
		return r;
	r = &b->records[b->count++];
	*r = trust_record_make(subject, role, now_ns);
	return r;
}

void trust_decay(struct trust_record *r, int64_t now_ns) {
	if (now_ns <= r->at_ns)
		return;
	double f = decay_factor(now_ns - r->at_ns, r->half_life_ns);
	for (int d = 0; d < TRUST_DIMS; d++) {
		r->p[d] *= f;
		r->n[d] *= f;
	}
	r->at_ns = now_ns;
}

int trust_observe(struct trust_record *r, enum trust_dim dim, double outcome, double weight,
		int64_t now_ns) {
	CHECK((unsigned)dim < TRUST_DIMS);
	if (!(outcome >= 0 && outcome <= 1) || !(weight > 0 && weight <= 1))
		return -EINVAL;
	trust_decay(r, now_ns);
	r->p[dim] += weight * outcome;
	r->n[dim] += TRUST_KAPPA * weight * (1 - outcome);
	return 0;
}

static double unit(double x) {
	return x > 1 ? 1 : x > 0 ? x : 0;
}

double trust_weight(double stake, double stake_full, unsigned earlier, double rater) {
	double repeat = 1;
	for (unsigned i = 0; i < earlier && repeat > REPEAT_LEAST; i++)
		repeat *= REPEAT;
	if (repeat < REPEAT_LEAST)
		repeat = REPEAT_LEAST;
	return (stake_full > 0 ? unit(stake / stake_full) : 1) * repeat * unit(rater);
}

static struct trust_opinion opine(double positive, double negative, double base_rate) {
	double whole = positive + negative + TRUST_PRIOR_WEIGHT;
	double t = (positive + base_rate * TRUST_PRIOR_WEIGHT) / whole;
	return (struct trust_opinion){ positive, negative, t, sqrt(t * (1 - t) / (whole + 1)) };
}

struct trust_opinion trust_opinion(const struct trust_prior *prior, const struct trust_record *r,
		enum trust_dim dim, int64_t now_ns) {
	CHECK((unsigned)dim < TRUST_DIMS);
	double p = prior->strength * prior->expectation[dim];
	double n = prior->strength * (1 - prior->expectation[dim]);
	if (r) {
		double f = decay_factor(now_ns - r->at_ns, r->half_life_ns);
		p += f * r->p[dim];
		n += f * r->n[dim];
	}
	return opine(p, n, prior->base_rate);
}

double trust_lower(const struct trust_prior *prior, const struct trust_record *r, double z,
		int64_t now_ns) {
	double least = 1;
	for (int d = 0; d < TRUST_DIMS; d++) {
		struct trust_opinion o = trust_opinion(prior, r, (enum trust_dim)d, now_ns);
		double bound = unit(o.expectation - z * o.sigma);
		if (bound < least)
			least = bound;
	}
	return least;
}

double trust_lower_of(double p, double n, double z) {
	if (!(p >= 0 && n >= 0))
		return 0;
	struct trust_opinion o = opine(p, n, TRUST_BASE_RATE);
	return unit(o.expectation - z * o.sigma);
}

double trust_z(unsigned safety_class) {
	static const double z[TRUST_CLASSES] = { 0, 1, 1, 2 };
	return z[safety_class < TRUST_CLASSES ? safety_class : TRUST_CLASSES - 1];
}

double trust_threshold(unsigned safety_class) {
	static const double theta[TRUST_CLASSES] = { 0.3, 0.5, 0.7, 0.85 };
	return theta[safety_class < TRUST_CLASSES ? safety_class : TRUST_CLASSES - 1];
}
