/*
 * decay.c - 2^-y = 2^-k * 2^-(j/16) * 2^-g with integer k, j in 0..15 and g in 0..1/16: a power of
 * two made from its bits, a table, and a polynomial of degree 8 (its remainder is below 2e-18).
 */
#include "sem/decay.h"

#include <float.h>
#include <string.h>

/* Wider registers would round differently (32-bit x86: build with -msse2 -mfpmath=sse). */
_Static_assert(FLT_EVAL_METHOD == 0, "binary64 arithmetic, nothing wider");

static const double sixteenths[16] = {
	0x1.0000000000000p+0,
	0x1.ea4afa2a490dap-1,
	0x1.d5818dcfba487p-1,
	0x1.c199bdd85529cp-1,
	0x1.ae89f995ad3adp-1,
	0x1.9c49182a3f090p-1,
	0x1.8ace5422aa0dbp-1,
	0x1.7a11473eb0187p-1,
	0x1.6a09e667f3bcdp-1,
	0x1.5ab07dd485429p-1,
	0x1.4bfdad5362a27p-1,
	0x1.3dea64c123422p-1,
	0x1.306fe0a31b715p-1,
	0x1.2387a6e756238p-1,
	0x1.172b83c7d517bp-1,
	0x1.0b5586cf9890fp-1,
};

/* (-ln 2)^n / n! for n = 1..8 */
static const double terms[8] = {
	-0x1.62e42fefa39efp-1,
	0x1.ebfbdff82c58fp-3,
	-0x1.c6b08d704a0c0p-5,
	0x1.3b2ab6fba4e77p-7,
	-0x1.5d87fe78a6731p-10,
	0x1.430912f86c787p-13,
	-0x1.ffcbfc588b0c7p-17,
	0x1.62c0223a5c824p-20,
};

#define DEEPEST 1000

/* 2^-(whole + part), part in 0..1. */
static double power(int64_t whole, double part) {
	if (whole >= DEEPEST)
		return 0;
	int j = (int)(part * 16);
	if (j > 15)
		j = 15;
	double g = part - j * 0.0625, sum = 0;
	for (int n = 7; n >= 0; n--)
		sum = (sum + terms[n]) * g;
	uint64_t bits = (uint64_t)(1023 - whole) << 52;
	double scale;
	memcpy(&scale, &bits, sizeof(scale));
	return (sixteenths[j] + sixteenths[j] * sum) * scale;
}

double decay_exp2(double x) {
	if (!(x < 0))
		return 1;
	if (x <= -DEEPEST)
		return 0;
	int64_t whole = (int64_t)-x;
	return power(whole, -x - (double)whole);
}

double decay_factor(int64_t age_ns, int64_t half_life_ns) {
	if (age_ns <= 0 || half_life_ns <= 0)
		return 1;
	return power(age_ns / half_life_ns, (double)(age_ns % half_life_ns) / (double)half_life_ns);
}

double decay_tanh(double x) {
	double a = x < 0 ? -x : x, t;
	if (a < 0.05) {
		double q = a * a;
		t = a *
		    (1 + q * (-1.0 / 3 + q * (2.0 / 15 + q * (-17.0 / 315 + q * (62.0 / 2835)))));
	} else {
		double e = decay_exp2(-2.8853900817779268 * a);
		t = (1 - e) / (1 + e);
	}
	return x < 0 ? -t : t;
}

double decay_root3(double x) {
	double scale = 1, y = 1;
	if (!(x > 1e-300))
		return 0;
	if (x >= 1)
		return 1;
	while (x < 0.125) {
		x *= 8;
		scale *= 0.5;
	}
	for (int i = 0; i < 8; i++)
		y = (2 * y + x / (y * y)) / 3;
	return y * scale;
}
