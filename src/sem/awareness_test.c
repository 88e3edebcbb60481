/* awareness_test.c - decay against libm, saturation, the step response, and clocks that go back. */
#include "sem/awareness.h"

#include <float.h>
#include <math.h>
#include <stdio.h>
#include "base/check.h"
#include "base/clock.h"

static struct cdm_mono at(double s) {
	return (struct cdm_mono){ (int64_t)llround(s * 1e9) };
}

static void decays_exactly(void) {
	static const double half_s[] = { 0.1, 0.3, 0.5, 2, 10, 60 };
	double worst = 0;
	for (size_t i = 0; i < COUNT_OF(half_s); i++) {
		struct awareness_cell c = { 0.75, at(1) };
		int64_t h = at(half_s[i]).ns;
		for (int k = 0; k < 4000; k++) {
			double t = k * half_s[i] / 97,
			       want = 0.75 * exp2(-(double)at(t).ns / (double)h);
			double got = awareness_level(
					&c, h, (struct cdm_mono){ at(1).ns + at(t).ns });
			worst = fmax(worst, fabs(got - want) / want);
		}
	}
	printf("awareness_test: decay within %.2g of libm\n", worst);
	CHECK(worst <= 1e-6);
}

/* Reading in between changes nothing: there is no tick. */
static void is_lazy(void) {
	struct awareness_cell a = { 0, at(0) }, b = a;
	for (int i = 0; i < 50; i++) {
		double t = i * 0.037;
		for (int k = 0; k < 3; k++)
			CHECK(awareness_level(&a, NS_PER_S, at(t - 0.01 * k)) >= 0);
		CHECK(awareness_add(&a, NS_PER_S, at(t), 0.2, 0.9, 1, 0.5) ==
				awareness_add(&b, NS_PER_S, at(t), 0.2, 0.9, 1, 0.5));
	}
	CHECK(a.level == b.level && a.at.ns == b.at.ns);
}

static void adds_and_saturates(void) {
	struct awareness_cell c = { 0, at(0) };
	CHECK(fabs(awareness_add(&c, NS_PER_S, at(0), 0.5, 0.8, 0.5, 1) - tanh(0.2)) < 1e-12);
	CHECK(fabs(awareness_add(&c, NS_PER_S, at(1), 1, 1, 1, 0.3) - tanh(tanh(0.2) / 2 + 0.3)) <
			1e-12);
	for (int i = 0; i < 1000; i++)
		CHECK(fabs(awareness_add(&c, NS_PER_S, at(1), 10, 1, 1, 1)) <= AWARENESS_CEILING);
	CHECK(c.level > 0.999);
	for (int i = 0; i < 1000; i++)
		awareness_add(&c, NS_PER_S, at(1), 10, 1, 1, -1);
	CHECK(c.level < -0.999 && c.level >= -AWARENESS_CEILING);
	awareness_clear(&c, at(9));
	CHECK(c.level == 0 && c.at.ns == at(9).ns);
}

static void leaves_out_what_is_no_evidence(void) {
	struct awareness_cell c = { 0.5, at(0) };
	static const double bad[] = { NAN, INFINITY, -INFINITY };
	for (size_t i = 0; i < COUNT_OF(bad); i++) {
		awareness_add(&c, NS_PER_S, at(0), 1, 1, 1, bad[i]);
		CHECK(c.level == 0.5);
		awareness_add(&c, NS_PER_S, at(0), 1, bad[i], 1, 0);
		CHECK(c.level == 0.5);
	}
}

static void time_does_not_go_back(void) {
	struct awareness_cell c = { 0.5, at(10) };
	CHECK(awareness_level(&c, NS_PER_S, at(3)) == 0.5);
	awareness_add(&c, NS_PER_S, at(3), 1, 1, 1, 0.1);
	CHECK(c.at.ns == at(10).ns && fabs(c.level - tanh(0.6)) < 1e-12);
}

/*
 * Steady evidence at 100 Hz: 90 % of the final level is reached when a plain iteration with libm
 * says so.
 */
static void step_response_is_the_analytic_one(void) {
	struct awareness_cell c = { 0, at(0) };
	double want = 0, level = 0;
	int t90 = -1, want90 = -1;
	double keep = exp2(-0.01 / 0.5), final = 0;
	for (int i = 0; i < 20000; i++)
		final = tanh(final * keep + 0.01);
	for (int i = 0; i < 2000; i++) {
		want = tanh(want * keep + 0.01);
		level = awareness_add(&c, 500 * NS_PER_MS, at((i + 1) * 0.01), 0.01, 1, 1, 1);
		CHECK(i == 0 || fabs(level - want) < 1e-9);
		want90 = want90 < 0 && want >= 0.9 * final ? i : want90;
		t90 = t90 < 0 && level >= 0.9 * final ? i : t90;
	}
	CHECK(t90 == want90 && t90 > 0);
}

static void settles_on_a_float(void) {
	struct awareness_cell c = { 0.1, at(1) };
	float said = awareness_settle(&c);
	CHECK(c.level == (double)said && fabs((double)said - 0.1) < 1e-8 && awareness_settle(&c) == said);
	struct awareness_cell less = { -0.1, at(1) };
	CHECK(awareness_settle(&less) == -said);
	for (int i = 0; i < 1000; i++) {
		struct awareness_cell x = { 1.0 - 1e-12, at(i) };
		CHECK(awareness_settle(&x) <= 1.0f && x.level > 0.9999999);
	}
	struct awareness_cell next_to_nothing = { (double)FLT_MIN * 0.999, at(1) }, least = { (double)FLT_MIN, at(1) };
	CHECK(awareness_settle(&next_to_nothing) == 0.0f && next_to_nothing.level == 0.0);
	CHECK(awareness_settle(&least) == FLT_MIN);
}

/* The slowest that a plan may have, at 1 kHz: a tenth of a unit in the last place from one to the next. */
static void settled_it_still_decays(void) {
	const int64_t day_ns = INT64_C(86400) * NS_PER_S;
	struct awareness_cell c = { 1e-4, { 0 } }, exact = c;
	double worst = 0;
	for (int64_t ns = 0; ns < 2000 * NS_PER_S; ns += NS_PER_MS) {
		awareness_add(&exact, day_ns, (struct cdm_mono){ ns }, 1, 1, 1, 0);
		awareness_add(&c, day_ns, (struct cdm_mono){ ns }, 1, 1, 1, 0);
		awareness_settle(&c);
		worst = fmax(worst, fabs(c.level - exact.level) / exact.level);
	}
	printf("awareness_test: as floats, after 2 million steps, within %.2g of doubles\n", worst);
	CHECK(exact.level < 0.985e-4 && worst < 1e-3);
}

static void fields_and_deltas(void) {
	struct awareness_cell cells[3] = { { 1, at(0) }, { 0.5, at(1) }, { -0.25, at(2) } };
	float out[3];
	awareness_read(cells, 3, NS_PER_S, at(2), out);
	CHECK(out[0] == 0.25f && out[1] == 0.25f && out[2] == -0.25f);
	CHECK(!awareness_changed(0.5, 0.45, 0.1, at(1), at(1.9)));
	CHECK(awareness_changed(0.5, 0.35, 0.1, at(1), at(1.9)) &&
			awareness_changed(0.35, 0.5, 0.1, at(1), at(1.9)));
	CHECK(awareness_changed(0.5, 0.5, 0.1, at(1), at(2)));
}

int main(void) {
	decays_exactly();
	is_lazy();
	adds_and_saturates();
	leaves_out_what_is_no_evidence();
	time_does_not_go_back();
	step_response_is_the_analytic_one();
	settles_on_a_float();
	settled_it_still_decays();
	fields_and_deltas();
	puts("awareness_test: ok");
}
