/*
 * decay_test.c - against libm for accuracy, and against written-down bits so that no machine
 * differs.
 */
#include "sem/decay.h"

#include <math.h>
#include <stdio.h>
#include <string.h>
#include "base/check.h"

static uint64_t bits(double x) {
	uint64_t b;
	memcpy(&b, &x, sizeof(b));
	return b;
}

static double error_of(double got, double want) {
	return fabs(got - want) / want;
}

static void agrees_with_libm(void) {
	double worst = 0;
	for (int i = 0; i <= 2000000; i++) {
		double x = -i * 0.0004999;
		if (x > -999)
			worst = fmax(worst, error_of(decay_exp2(x), exp2(x)));
	}
	for (int64_t age = 1; age < INT64_C(20000000000); age = age * 5 / 4 + 1)
		worst = fmax(worst,
				error_of(decay_factor(age, 300000000), exp2(-(double)age / 3e8)) /
						(1 + (double)age / 3e8));
	fprintf(stderr, "decay_test: exp2 within %.2g of libm\n", worst);
	CHECK(worst < 5e-16);
}

static void keeps_its_edges(void) {
	CHECK(decay_exp2(0) == 1 && decay_exp2(1) == 1 && decay_exp2(NAN) == 1 &&
			decay_exp2(-INFINITY) == 0);
	CHECK(decay_exp2(-1) == 0.5 && decay_exp2(-10) == 0x1p-10 && decay_exp2(-999) == 0x1p-999);
	CHECK(decay_exp2(-1000) == 0 && decay_exp2(-1e300) == 0);
	CHECK(decay_factor(0, 5) == 1 && decay_factor(-5, 5) == 1 && decay_factor(5, 0) == 1 &&
			decay_factor(5, -1) == 1);
	CHECK(decay_factor(5, 5) == 0.5 && decay_factor(50, 5) == 0x1p-10);
	CHECK(decay_factor(INT64_MAX, 1) == 0);
	CHECK(fabs(decay_factor(INT64_MAX - 1, INT64_MAX) - 0.5) < 1e-15);
	CHECK(decay_factor(1, INT64_MAX) == 1);
}

static void never_grows(void) {
	double before = 1;
	for (int64_t age = 0; age < 3000000; age += 7) {
		double now = decay_factor(age, 100003);
		CHECK(now <= before && now > 0);
		before = now;
	}
}

/* The same numbers on every machine and compiler: taken once, and checked against exp2 above. */
static void has_the_same_bytes_everywhere(void) {
	CHECK(bits(decay_factor(1, 3)) == UINT64_C(0x3fe965fea53d6e3c));
	CHECK(bits(decay_factor(123456789, 300000000)) == bits(decay_exp2(-123456789 / 3e8)));
	uint64_t all = 0;
	for (int i = 1; i < 100000; i++)
		all = all * 31 + bits(decay_factor(i, 7919)) + bits(decay_tanh(i * 1e-4)) +
		      bits(decay_root3(i * 1e-5));
	fprintf(stderr, "decay_test: fold %016llx\n", (unsigned long long)all);
	CHECK(all == UINT64_C(0x7f16cfcb7855f6eb));
}

static void saturates_like_tanh(void) {
	for (int i = -200000; i <= 200000; i++) {
		double x = i * 1e-4;
		CHECK(fabs(decay_tanh(x) - tanh(x)) < 1e-15);
	}
	CHECK(decay_tanh(0) == 0 && decay_tanh(1e9) == 1 && decay_tanh(-1e9) == -1);
}

static void takes_cube_roots(void) {
	for (int i = 1; i <= 100000; i++) {
		double x = i * 1e-5;
		CHECK(fabs(decay_root3(x) - cbrt(x)) < 1e-15);
	}
	CHECK(fabs(decay_root3(1e-30) - 1e-10) < 1e-24);
	CHECK(decay_root3(0) == 0 && decay_root3(-1) == 0 && decay_root3(NAN) == 0 &&
			decay_root3(2) == 1);
}

int main(void) {
	agrees_with_libm();
	keeps_its_edges();
	never_grows();
	has_the_same_bytes_everywhere();
	saturates_like_tanh();
	takes_cube_roots();
	puts("decay_test: ok");
}
