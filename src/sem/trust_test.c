/*
 * trust_test.c - the worked numbers of spec/trust.md, properties of the formulas, attacks on them,
 * and the same bytes for the same observations.
 */
#include "sem/trust.h"

#include <errno.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#define DAY INT64_C(86400000000000)

static bool near(double a, double b, double by) {
	return fabs(a - b) <= by;
}

static struct trust_prior said(
		double talent, double training, double temperament, double strength) {
	return (struct trust_prior){ { talent, training, temperament }, strength, TRUST_BASE_RATE };
}

static void observe(struct trust_record *r, int times, double outcome) {
	for (int i = 0; i < times; i++)
		CHECK(trust_observe(r, TRUST_TRAINING, outcome, 1, r->at_ns) == 0);
}

/* semantics.md 3.2, step 7. */
static void worked_example(void) {
	static const struct {
		int good, bad;
		double p, n, expectation, sigma, lower;
		bool allowed;
	} steps[] = {
		{ 8, 1, 8, 4, .643, .124, .519, false },
		{ 12, 0, 20, 4, .808, .076, .732, true },
		{ 0, 1, 20, 8, .700, .082, .618, true },
		{ 0, 1, 20, 12, .618, .082, .536, false },
	};
	struct trust_prior nobody = said(0, 0, 0, 0);
	struct trust_record r = trust_record_make(1, TRUST_MODEL, 0);
	for (size_t i = 0; i < COUNT_OF(steps); i++) {
		observe(&r, steps[i].good, 1);
		observe(&r, steps[i].bad, 0);
		struct trust_opinion o = trust_opinion(&nobody, &r, TRUST_TRAINING, 0);
		CHECK(o.positive == steps[i].p && o.negative == steps[i].n);
		CHECK(near(o.expectation, steps[i].expectation, 5e-4) &&
				near(o.sigma, steps[i].sigma, 5e-4));
		double lower = o.expectation - o.sigma;
		CHECK(near(lower, steps[i].lower, 1e-3) && (lower >= 0.6) == steps[i].allowed);
		CHECK(trust_lower_of(o.positive, o.negative, 1) == lower);
	}
}

/* The table of spec/trust.md, and what each may do. */
static void priors_of_the_plan(void) {
	static const struct {
		double t[3], strength, lower[3];
		unsigned may;
	} rows[] = {
		{ { .8, .9, .7 }, 10, { .667, .536, .405 }, 1 }, /* the report's phi3_mini */
		{ { .9, .9, .9 }, 10, { .833, .730, .627 }, 2 },
		{ { .95, .95, .95 }, 10, { .875, .783, .692 }, 2 },
		{ { .99, .99, .99 }, 50, { .971, .948, .925 }, 3 }, /* an operator */
		{ { .5, .5, .5 }, 10, { .500, .361, .223 }, 0 },
		{ { .2, .2, .2 }, 10, { .250, .130, .010 }, -1u },
	};
	static const double z[] = { 0, 1, 2 };
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct trust_prior p =
				said(rows[i].t[0], rows[i].t[1], rows[i].t[2], rows[i].strength);
		for (int k = 0; k < 3; k++)
			CHECK(near(trust_lower(&p, NULL, z[k], 0), rows[i].lower[k], 6e-4));
		for (unsigned class = 0; class < TRUST_CLASSES; class ++) {
			bool may = trust_lower(&p, NULL, trust_z(class), 0) >=
				   trust_threshold(class);
			CHECK(may == (rows[i].may != -1u && class <= rows[i].may));
		}
	}
	struct trust_prior phi3 = said(.8, .9, .7, 10), op = said(.99, .99, .99, 50);
	CHECK(near(trust_lower(&phi3, NULL, 1, 0), 0.54, 0.005)); /* architecture.md 9 */
	CHECK(near(trust_lower(&op, NULL, 2, 0), 0.93, 0.005));
	CHECK(near(trust_lower_of(20, 0, 1), 0.911, 1e-3)); /* a committed sense */
	struct trust_prior stranger = { { 0, 0, 0 }, 0, TRUST_BASE_RATE_NEWCOMER };
	CHECK(trust_lower(&stranger, NULL, 0, 0) == TRUST_BASE_RATE_NEWCOMER);
	CHECK(trust_lower(&stranger, NULL, 1, 0) < 0.05);
}

static void classes_have_their_bounds(void) {
	static const double z[] = { 0, 1, 1, 2, 2 }, theta[] = { .3, .5, .7, .85, .85 };
	for (unsigned i = 0; i < COUNT_OF(z); i++)
		CHECK(trust_z(i) == z[i] && trust_threshold(i) == theta[i]);
	CHECK(trust_z(UINT32_MAX) == 2 && trust_threshold(UINT32_MAX) == .85);
}

static void evidence_decays_and_the_prior_does_not(void) {
	struct trust_prior p = said(.8, .8, .8, 10);
	struct trust_record r = trust_record_make(7, TRUST_SENSOR, 5);
	int64_t half = trust_half_life_ns(TRUST_SENSOR);
	observe(&r, 16, 0);
	double fresh = trust_lower(&p, &r, 1, 5), before = fresh;
	CHECK(fresh < trust_lower(&p, NULL, 1, 5));
	struct trust_opinion o = trust_opinion(&p, &r, TRUST_TRAINING, 5 + half);
	CHECK(near(o.negative, 2 + 32, 1e-12)); /* 16 failures count 64, half of it is left */
	for (int i = 1; i < 40; i++) {
		double now = trust_lower(&p, &r, 1, 5 + i * half);
		CHECK(now > before);
		before = now;
	}
	CHECK(near(before, trust_lower(&p, NULL, 1, 0), 1e-9));
	struct trust_record once = r, often = r;
	trust_decay(&once, 5 + 8 * half);
	for (int i = 1; i <= 8; i++)
		trust_decay(&often, 5 + i * half);
	CHECK(memcmp(&once, &often, sizeof(once)) == 0); /* whole half-lives are exact */
	struct trust_record back = r;
	trust_decay(&back, 4);
	CHECK(memcmp(&back, &r, sizeof(r)) == 0);
	CHECK(trust_lower(&p, &r, 1, 0) == fresh);
	back.half_life_ns = 0;
	CHECK(trust_lower(&p, &back, 1, INT64_MAX) == fresh);
}

static void refuses_what_is_no_observation(void) {
	struct trust_record r = trust_record_make(1, TRUST_MODEL, 0), same = r;
	static const double bad[][2] = { { -.1, 1 }, { 1.1, 1 }, { NAN, 1 }, { .5, 0 }, { .5, -1 },
		{ .5, 1.1 }, { .5, NAN }, { INFINITY, 1 } };
	for (size_t i = 0; i < COUNT_OF(bad); i++)
		CHECK(trust_observe(&r, TRUST_TALENT, bad[i][0], bad[i][1], 100) == -EINVAL);
	CHECK(memcmp(&r, &same, sizeof(r)) == 0);
	CHECK(trust_lower_of(NAN, 0, 1) == 0 && trust_lower_of(-1, 0, 1) == 0);
	struct trust_prior broken = said(NAN, .9, .9, 10);
	CHECK(trust_lower(&broken, NULL, 1, 0) == 0);
}

static void weights_are_bounded(void) {
	CHECK(trust_weight(1, 1, 0, 1) == 1 && trust_weight(5, 1, 0, 1) == 1 &&
			trust_weight(1, 4, 0, 1) == .25);
	CHECK(near(trust_weight(1, 1, 2, 1), .64, 1e-12) &&
			near(trust_weight(1, 1, 1000000, 1), .1, 1e-12));
	CHECK(trust_weight(1, 1, 0, 7) == 1 && trust_weight(1, 1, 0, -1) == 0 &&
			trust_weight(-1, 1, 0, 1) == 0);
	CHECK(trust_weight(1, 0, 0, .5) == .5 && trust_weight(NAN, 1, 0, 1) == 0);
}

/*
 * More good never lowers, more bad never raises; bounds stay in 0..1; a larger z is never bolder.
 */
static void bounds_move_the_right_way(void) {
	struct trust_prior p = said(.6, .7, .8, 4);
	for (int good = 0; good < 40; good += 3) {
		for (int bad = 0; bad < 20; bad += 2) {
			struct trust_record a = trust_record_make(1, TRUST_MODEL, 0), b;
			for (int d = 0; d < TRUST_DIMS; d++)
				a.p[d] = good, a.n[d] = bad;
			double lower = trust_lower(&p, &a, 1, 0);
			CHECK(lower >= 0 && lower <= 1 && trust_lower(&p, &a, 2, 0) <= lower);
			for (int d = 0; d < TRUST_DIMS; d++) {
				b = a;
				CHECK(trust_observe(&b, (enum trust_dim)d, 1, 1, 0) == 0);
				CHECK(trust_opinion(&p, &b, (enum trust_dim)d, 0).expectation >
						trust_opinion(&p, &a, (enum trust_dim)d, 0)
								.expectation);
				CHECK(trust_lower(&p, &b, 0, 0) >= trust_lower(&p, &a, 0, 0));
				b = a;
				CHECK(trust_observe(&b, (enum trust_dim)d, 0, 1, 0) == 0);
				CHECK(trust_lower(&p, &b, 0, 0) <= trust_lower(&p, &a, 0, 0));
			}
		}
	}
}

static double expected(const struct trust_record *r, int64_t now_ns) {
	struct trust_prior nobody = said(0, 0, 0, 0);
	return trust_opinion(&nobody, r, TRUST_TEMPERAMENT, now_ns).expectation;
}

/*
 * The sharpest on-off attacker: good while refused, bad whenever it would be trusted (0.6).  Its
 * share of accepted bad acts cannot stay above 1 - r* with r* = kappa theta / (1 - theta + kappa
 * theta) = 6/7 (symmetric evidence would give it 0.4), and an honest one with 5 % errors is hardly
 * ever refused.
 */
static void on_off_attacks_do_not_pay(void) {
	struct trust_record bad = trust_record_make(1, TRUST_MODEL, 0), honest = bad;
	bad.half_life_ns = honest.half_life_ns = 34310; /* 0.98^1000 units */
	unsigned harm = 0, refused = 0, steps = 20000, seed = 1;
	for (unsigned i = 0; i < steps; i++) {
		int64_t now = (int64_t)i * 1000;
		bool trusted = expected(&bad, now) >= 0.6;
		harm += trusted;
		CHECK(trust_observe(&bad, TRUST_TEMPERAMENT, trusted ? 0 : 1, 1, now) == 0);
		seed = seed * 1664525 + 1013904223;
		if (i > 100)
			refused += expected(&honest, now) < 0.6;
		CHECK(trust_observe(&honest, TRUST_TEMPERAMENT, seed >> 16 < 3277 ? 0 : 1, 1,
				      now) == 0);
	}
	fprintf(stderr, "trust_test: on-off %.3f of steps, honest refused %.4f\n",
			harm / (double)steps, refused / (double)steps);
	CHECK(harm / (double)steps <= 1 / 7.0 + 0.01 && refused / (double)steps <= 0.005);
}

static void books_keep_records_apart(void) {
	struct trust_record room[3];
	struct trust_book b = { room, 0, 3 };
	CHECK(!trust_find(&b, 1, TRUST_MODEL));
	struct trust_record *m = trust_open(&b, 1, TRUST_MODEL, 9),
			    *c = trust_open(&b, 1, TRUST_COMMANDER, 9);
	CHECK(m && c && m != c && trust_open(&b, 1, TRUST_MODEL, 10) == m && m->at_ns == 9);
	CHECK(trust_open(&b, 2, TRUST_MODEL, 9) && !trust_open(&b, 3, TRUST_MODEL, 9) &&
			b.count == 3);
	CHECK(trust_find(&b, 1, TRUST_COMMANDER) == c && c->half_life_ns == 30 * DAY);
	CHECK(strcmp(trust_role_text(TRUST_DRIVER), "driver") == 0 &&
			strcmp(trust_role_text(TRUST_ROLE_COUNT), "?") == 0);
}

/*
 * FNV-1a over the record after a thousand odd observations: the same on every machine and compiler.
 */
static void has_the_same_bytes_everywhere(void) {
	struct trust_record r = trust_record_make(3, TRUST_MODEL, 0);
	uint64_t hash = UINT64_C(14695981039346656037);
	unsigned char raw[sizeof(r)];
	for (int i = 0; i < 1000; i++)
		CHECK(trust_observe(&r, (enum trust_dim)(i % 3), (i * 7 % 11) / 10.0,
				      (1 + i % 9) / 9.0, i * INT64_C(7777777777777)) == 0);
	memcpy(raw, &r, sizeof(r));
	for (size_t i = 0; i < sizeof(raw); i++)
		hash = (hash ^ raw[i]) * UINT64_C(1099511628211);
	fprintf(stderr, "trust_test: record %016llx\n", (unsigned long long)hash);
	CHECK(hash == UINT64_C(0x03a261bed724e873));
}

int main(void) {
	worked_example();
	priors_of_the_plan();
	classes_have_their_bounds();
	evidence_decays_and_the_prior_does_not();
	refuses_what_is_no_observation();
	weights_are_bounded();
	bounds_move_the_right_way();
	on_off_attacks_do_not_pay();
	books_keep_records_apart();
	has_the_same_bytes_everywhere();
	puts("trust_test: ok");
}
