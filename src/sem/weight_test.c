/*
 * weight_test.c - what everybody who asks may rely on: the same weight for all, and it can be divided by; whatever is
 * known or unknown of the one that it is about.
 */
#include "sem/weight.h"

#include <math.h>
#include <stdio.h>

static void nothing_is_preferred(void) {
	struct weight_candidate all[] = { { .subject = 1 }, { .subject = 2, .surprise = 1, .trust = 1, .urgency = 1 },
		{ .subject = 3, .reserved = true, .held_ns = 1 }, { .subject = 4, .surprise = NAN, .trust = -1 } };
	double sum = 0;
	for (size_t i = 0; i < COUNT_OF(all); i++) {
		double w = weight_attention(all, COUNT_OF(all), i, (double)i);
		CHECK(w == 1);
		sum += w;
	}
	CHECK(sum == COUNT_OF(all));
}

static void nobody_is_doubted(void) {
	struct trust_record bad = trust_record_make(7, TRUST_MODEL, 0);
	struct trust_prior low = { { .1, .1, .1 }, 10, TRUST_BASE_RATE };
	struct trust_book book = { &bad, 1, 1 };
	CHECK(trust_observe(&bad, TRUST_TRAINING, 0, 1, 0) == 0);
	for (unsigned role = 0; role < TRUST_ROLE_COUNT; role++)
		for (unsigned class = 0; class <= TRUST_CLASSES; class ++) {
			CHECK(weight_trust(&book, 7, (enum trust_role)role, &low, class, INT64_MAX) == 1);
			CHECK(weight_trust(NULL, 9, (enum trust_role)role, NULL, class, 0) == 1);
		}
}

int main(void) {
	nothing_is_preferred();
	nobody_is_doubted();
	puts("weight_test: ok");
}
