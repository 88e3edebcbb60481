/* support.c - see support.h. */
#include "sem/support.h"

#include <string.h>
#include "base/check.h"
#include "sem/decay.h"

static double part(double v) {
	return v > 0 ? v < 1 ? v : 1 : 0; /* NaN is nothing */
}

double support_worth(const struct support_claim *c, int64_t newest_ns) {
	return part(c->trust) * part(c->confidence) * part(c->weight) *
	       decay_factor(newest_ns - c->seen_ns, SUPPORT_HALF_LIFE_NS);
}

static bool newer(const struct support_claim *a, const struct support_claim *b) {
	return a->seen_ns != b->seen_ns ? a->seen_ns > b->seen_ns : a->seq > b->seq;
}

struct value { /* all claims that say the same */
	unsigned claim, witnesses;
	double doubt; /* product of 1 - s, in the order of seq */
};

static struct value *value_of(struct value *values, unsigned *count, const struct support_claim *claims,
		unsigned claim) {
	for (unsigned v = 0; v < *count; v++)
		if (strcmp(claims[values[v].claim].value, claims[claim].value) == 0)
			return &values[v];
	values[*count] = (struct value){ .claim = claim, .doubt = 1.0 };
	return &values[(*count)++];
}

/* Indices in the order of seq, so that a product has one order of its factors. */
static void sort_by_seq(const struct support_claim *claims, size_t count, uint8_t order[]) {
	for (size_t i = 0; i < count; i++) {
		size_t at = i;
		for (; at > 0 && claims[order[at - 1]].seq > claims[i].seq; at--)
			order[at] = order[at - 1];
		order[at] = (uint8_t)i;
	}
}

static bool better(const struct support_claim *claims, const struct value *a, const struct value *b) {
	if (a->doubt < b->doubt || a->doubt > b->doubt)
		return a->doubt < b->doubt;
	return newer(&claims[a->claim], &claims[b->claim]);
}

static int64_t newest_of(const struct support_claim *claims, size_t count) {
	int64_t newest = claims[0].seen_ns;
	for (size_t i = 1; i < count; i++)
		newest = claims[i].seen_ns > newest ? claims[i].seen_ns : newest;
	return newest;
}

void support_of(const struct support_claim *claims, size_t count, struct support *out) {
	struct value values[SUPPORT_CLAIMS_MAX];
	uint8_t order[SUPPORT_CLAIMS_MAX];
	unsigned n = 0;
	CHECK(count > 0);
	if (count > SUPPORT_CLAIMS_MAX)
		count = SUPPORT_CLAIMS_MAX;
	int64_t newest = newest_of(claims, count);
	sort_by_seq(claims, count, order);
	for (size_t i = 0; i < count; i++) {
		struct value *v = value_of(values, &n, claims, order[i]);
		v->doubt *= 1.0 - support_worth(&claims[order[i]], newest);
		v->witnesses++;
		v->claim = newer(&claims[order[i]], &claims[v->claim]) ? order[i] : v->claim;
	}
	unsigned best = 0, next = n;
	for (unsigned v = 1; v < n; v++)
		best = better(claims, &values[v], &values[best]) ? v : best;
	for (unsigned v = 0; v < n; v++)
		if (v != best && (next == n || better(claims, &values[v], &values[next])))
			next = v;
	*out = (struct support){ values[best].claim, 1.0 - values[best].doubt, values[best].witnesses, n > 1, 0, 0.0 };
	if (n > 1) {
		out->against = values[next].claim;
		out->against_degree = 1.0 - values[next].doubt;
	}
}

bool support_agreement(const struct support_claim *claims, size_t count, double *agreement) {
	uint8_t order[SUPPORT_CLAIMS_MAX];
	struct support s;
	double all = 0, agreed = 0;
	unsigned who = 0; /* say what is believed, and are worth something */
	*agreement = 0;
	if (count < 2)
		return false;
	if (count > SUPPORT_CLAIMS_MAX)
		count = SUPPORT_CLAIMS_MAX;
	support_of(claims, count, &s);
	int64_t newest = newest_of(claims, count);
	sort_by_seq(claims, count, order);
	for (size_t i = 0; i < count; i++) {
		const struct support_claim *c = &claims[order[i]];
		double worth = support_worth(c, newest);
		bool agrees = strcmp(c->value, claims[s.best].value) == 0;
		all += worth;
		agreed += agrees ? worth : 0;
		who += agrees && worth > 0;
	}
	if (who > 1)
		*agreement = agreed / all;
	return true;
}
