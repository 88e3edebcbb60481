/* coherence_test.c - each part alone, all together, and that no fault ever raises the score. */
#include "sem/coherence.h"

#include <math.h>
#include <stdio.h>
#include <string.h>
#include "base/check.h"

#define MS INT64_C(1000000)

static bool near(double a, double b) {
	return fabs(a - b) < 1e-12;
}

static const struct coherence_input well = { 0, 500 * MS, 0, 10, true };

static void a_healthy_state_is_coherent(void) {
	struct coherence c = coherence_of(&well, 1, 1);
	CHECK(c.score == 1 && c.state == COHERENCE_IS_COHERENT && c.limiting == COHERENCE_NOTHING);
	c = coherence_of(&well, 1, 0.05);
	CHECK(c.score == 1);
}

static void each_part_counts_and_is_named(void) {
	struct coherence_input i = well;
	i.age_ns = 500 * MS;
	struct coherence c = coherence_of(&i, 1, 1);
	CHECK(near(c.freshness, 0.5) && near(c.score, cbrt(0.5)) &&
			c.limiting == COHERENCE_FRESHNESS);
	CHECK(c.state == COHERENCE_IS_DEGRADED);
	i = well;
	i.missing = 4;
	c = coherence_of(&i, 1, 1);
	CHECK(near(c.completeness, 0.6) && near(c.score, cbrt(0.6)) &&
			c.limiting == COHERENCE_COMPLETENESS);
	c = coherence_of(&well, 1, 0.01);
	CHECK(near(c.agreement, 0.2) && near(c.score, cbrt(0.2)) &&
			c.limiting == COHERENCE_AGREEMENT);
	i = well;
	i.intact = false;
	c = coherence_of(&i, 1, 1);
	CHECK(c.integrity == 0 && c.score == 0 && c.limiting == COHERENCE_INTEGRITY &&
			c.state == COHERENCE_IS_INCOHERENT);
	i = (struct coherence_input){ 500 * MS, 500 * MS, 2, 10, true };
	c = coherence_of(&i, 1, 0.035);
	CHECK(near(c.score, cbrt(0.5 * 0.8 * 0.7)) && c.limiting == COHERENCE_FRESHNESS);
}

static void the_worst_input_counts(void) {
	struct coherence_input in[3] = { well, well, well };
	in[1].age_ns = 1000 * MS;
	in[2].missing = 9;
	struct coherence c = coherence_of(in, 3, 1);
	CHECK(near(c.freshness, 0.25) && near(c.completeness, 0.1) &&
			c.limiting == COHERENCE_COMPLETENESS);
	in[2] = well;
	in[2].intact = false;
	CHECK(coherence_of(in, 3, 1).score == 0);
}

static void edges(void) {
	struct coherence c = coherence_of(NULL, 0, 1);
	CHECK(c.score == 0 && c.limiting == COHERENCE_FRESHNESS &&
			c.state == COHERENCE_IS_INCOHERENT);
	struct coherence_input i = well;
	i.missing = UINT32_MAX;
	CHECK(coherence_of(&i, 1, 1).completeness == 0);
	i.missing_max = 0;
	i.missing = 1;
	CHECK(coherence_of(&i, 1, 1).completeness == 0);
	i.missing = 0;
	CHECK(coherence_of(&i, 1, 1).completeness == 1);
	i.age_ns = INT64_MAX;
	CHECK(coherence_of(&i, 1, 1).score == 0);
	i.half_life_ns = 0;
	CHECK(coherence_of(&i, 1, 1).score == 1);
	CHECK(coherence_of(&well, 1, NAN).agreement == 0 &&
			coherence_of(&well, 1, -1).agreement == 0);
	CHECK(coherence_of(&well, 1, 7).agreement == 1);
	CHECK(coherence_state(0.8) == COHERENCE_IS_COHERENT &&
			coherence_state(0.79) == COHERENCE_IS_DEGRADED);
	CHECK(coherence_state(0.5) == COHERENCE_IS_DEGRADED &&
			coherence_state(0.49) == COHERENCE_IS_INCOHERENT);
	CHECK(coherence_state(NAN) == COHERENCE_IS_INCOHERENT);
	CHECK(strcmp(coherence_state_text(COHERENCE_IS_COHERENT), "COHERENT") == 0);
	CHECK(strcmp(coherence_part_text(COHERENCE_AGREEMENT), "agreement") == 0);
	CHECK(strcmp(coherence_part_text(9), "?") == 0 &&
			strcmp(coherence_state_text(3), "?") == 0);
}

/* More delay, more missing, less agreement: never a higher score. */
static void no_fault_raises_it(void) {
	for (int age = 0; age < 40; age++) {
		for (uint32_t missing = 0; missing < 12; missing++) {
			for (int p = 0; p <= 10; p++) {
				struct coherence_input i = { age * 50 * MS, 500 * MS, missing, 10,
					true },
						       older = i, emptier = i;
				older.age_ns += 50 * MS;
				emptier.missing++;
				double now = coherence_of(&i, 1, p * 0.01).score;
				CHECK(now >= 0 && now <= 1);
				CHECK(coherence_of(&older, 1, p * 0.01).score <= now);
				CHECK(coherence_of(&emptier, 1, p * 0.01).score <= now);
				CHECK(coherence_of(&i, 1, p * 0.01 - 0.005).score <= now);
			}
		}
	}
}

int main(void) {
	a_healthy_state_is_coherent();
	each_part_counts_and_is_named();
	the_worst_input_counts();
	edges();
	no_fault_raises_it();
	puts("coherence_test: ok");
}
