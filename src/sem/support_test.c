/* support_test.c - who is believed when sources disagree; worked numbers, order, and nonsense. */
#include "sem/support.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "base/check.h"

#define MINUTE INT64_C(60000000000)

static struct support_claim says(const char *value, double trust, int64_t minute, uint64_t seq) {
	return (struct support_claim){ value, trust, 1, 1, minute * MINUTE, seq };
}

static bool near(double a, double b) {
	return fabs(a - b) < 1e-12;
}

static void one_claim_is_believed_as_far_as_it_is_trusted(void) {
	struct support_claim c = says("locked", 0.8, 2, 1);
	struct support s;
	c.confidence = 0.5;
	support_of(&c, 1, &s);
	CHECK(s.best == 0 && near(s.degree, 0.4) && s.witnesses == 1 && !s.contested);
}

/* "Ana said locked at 10:02, camera saw open at 10:05". */
static void the_newer_of_two_that_are_trusted_alike(void) {
	struct support_claim c[] = { says("locked", 0.99, 602, 1), says("open", 0.9, 605, 2) };
	struct support s;
	support_of(c, 2, &s);
	CHECK(s.best == 1 && s.contested && s.against == 0);
	CHECK(near(s.degree, 0.9) && fabs(s.against_degree - 0.99 * pow(2, -3.0 / 5)) < 1e-9);
	c[1].trust = 0.3; /* a camera that nobody trusts does not win by being last */
	support_of(c, 2, &s);
	CHECK(s.best == 0 && s.against == 1);
}

static void witnesses_support_each_other(void) {
	struct support_claim c[] = { says("open", 0.6, 1, 1), says("shut", 0.8, 1, 2), says("open", 0.6, 1, 3) };
	struct support s;
	support_of(c, 3, &s);
	CHECK(s.best == 2 && s.witnesses == 2 && near(s.degree, 1 - 0.4 * 0.4) && s.against == 1);
}

static void ties_go_to_the_newest_then_to_the_last_record(void) {
	struct support_claim c[] = { says("a", 0.5, 1, 7), says("b", 0.5, 1, 9), says("c", 0.5, 1, 8) };
	struct support s;
	support_of(c, 3, &s);
	CHECK(s.best == 1 && s.against == 2);
	for (int i = 0; i < 3; i++)
		c[i].trust = 0;
	c[0].seen_ns += 1;
	support_of(c, 3, &s);
	CHECK(s.best == 0 && s.degree == 0);
}

static double agreement(const struct support_claim *c, size_t count) {
	double g = 9;
	CHECK(support_agreement(c, count, &g) == (count > 1));
	return g;
}

/* One that says something alone agrees with nobody, whatever it is worth. */
static void sources_agree_as_far_as_they_say_the_same(void) {
	struct support_claim c[] = { says("open", 0.9, 1, 1), says("shut", 0.3, 1, 2), says("open", 0.6, 1, 3),
		says("ajar", 0.2, 1, 4) };
	CHECK(agreement(c, 0) == 0 && agreement(c, 1) == 0 && agreement(c, 2) == 0);
	CHECK(near(agreement(c, 3), 1.5 / 1.8) && near(agreement(c, 4), 1.5 / 2.0));
	c[1].value = "open";
	CHECK(near(agreement(c, 3), 1));
	c[1].trust = c[2].trust = 0; /* whom nobody trusts does not count */
	CHECK(agreement(c, 3) == 0);
	c[2].trust = NAN;
	CHECK(agreement(c, 3) == 0);
	c[0].trust = 0;
	CHECK(agreement(c, 3) == 0);
	struct support_claim old[] = { says("open", 0.8, 0, 1), says("open", 0.8, 5, 2), says("shut", 0.6, 5, 3) };
	CHECK(near(agreement(old, 3), 1.2 / 1.8)); /* what is older counts less */
}

static void the_order_of_claims_changes_nothing(void) {
	struct support_claim c[12], d[12];
	for (unsigned i = 0; i < 12; i++)
		c[i] = says(i % 3 ? i % 3 == 1 ? "x" : "y" : "z", 0.05 + 0.07 * i, (int64_t)(i * 7 % 5), 100 + i);
	struct support want, got;
	support_of(c, 12, &want);
	for (unsigned turn = 1; turn < 12; turn++) {
		for (unsigned i = 0; i < 12; i++)
			d[i] = c[(i * 5 + turn) % 12];
		support_of(d, 12, &got);
		CHECK(d[got.best].seq == c[want.best].seq && d[got.against].seq == c[want.against].seq);
		CHECK(memcmp(&got.degree, &want.degree, sizeof(double)) == 0 && got.witnesses == want.witnesses);
		CHECK(memcmp(&got.against_degree, &want.against_degree, sizeof(double)) == 0);
	}
}

static void nonsense_supports_nothing(void) {
	struct support_claim c[] = { says("a", NAN, -100000000, 1), says("b", 0.1, 1, 2), says("c", -3, 1, 3) };
	struct support s;
	support_of(c, 3, &s);
	CHECK(s.best == 1 && near(s.degree, 0.1) && s.against_degree == 0);
	c[0].trust = 7;
	c[0].seen_ns = MINUTE;
	support_of(c, 3, &s);
	CHECK(s.best == 0 && s.degree == 1);
}

static void more_than_are_looked_at(void) {
	static struct support_claim c[SUPPORT_CLAIMS_MAX + 1];
	struct support s;
	for (unsigned i = 0; i <= SUPPORT_CLAIMS_MAX; i++)
		c[i] = says("a", 0.01, 0, i);
	c[SUPPORT_CLAIMS_MAX] = says("b", 1, 0, 1000);
	support_of(c, SUPPORT_CLAIMS_MAX + 1, &s);
	CHECK(strcmp(c[s.best].value, "a") == 0 && s.witnesses == SUPPORT_CLAIMS_MAX && !s.contested);
}

int main(void) {
	one_claim_is_believed_as_far_as_it_is_trusted();
	the_newer_of_two_that_are_trusted_alike();
	witnesses_support_each_other();
	ties_go_to_the_newest_then_to_the_last_record();
	sources_agree_as_far_as_they_say_the_same();
	the_order_of_claims_changes_nothing();
	nonsense_supports_nothing();
	more_than_are_looked_at();
}
