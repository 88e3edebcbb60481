/* attention_test.c - what is found is ordered by sem/weight.h: here another rule stands in the place of weight.c's. */
#include "memory/memory_testing.h"
#include "sem/weight.h"

static struct told w;
static double (*rule)(const struct weight_candidate *c);

double weight_attention(const struct weight_candidate *candidates, size_t count, size_t which, double load) {
	CHECK(which < count && load == 0);
	return rule(&candidates[which]);
}

static double even(const struct weight_candidate *c) {
	(void)c;
	return 3; /* shares: it is the same as 1 each */
}

static double the_old(const struct weight_candidate *c) {
	return 5 * (1 - c->freshness);
}

static double nothing(const struct weight_candidate *c) {
	(void)c;
	return 0;
}

static uint64_t said(unsigned days_ago) {
	uint64_t now_ms = (uint64_t)(clock_wall().ns / NS_PER_MS);
	struct body_turn b = { .speaker = body_text("ada"),
		.user = body_text("the key of the shed"),
		.answer = body_text("Noted."),
		.trust_ppm = 800000,
		.said_ms = now_ms - UINT64_C(86400000) * days_ago };
	return told_turn_of(&w, &b, "ada", JOURNAL_MACHINE);
}

int main(void) {
	told_begin(&w);
	uint64_t old = said(60), recent = said(1);
	told_follow(&w);
	rule = even;
	CHECK(told_ask(&w, "key") == 2 && w.hits[0].of.seq == recent && w.hits[0].score.attention == 1);
	rule = the_old;
	CHECK(told_ask(&w, "key") == 2 && w.hits[0].of.seq == old && w.hits[0].score.attention == 1);
	CHECK(w.hits[1].score.attention < 0.1 && w.hits[1].score.total < w.hits[0].score.total);
	rule = nothing;
	CHECK(told_ask(&w, "key") == 2 && w.hits[0].of.seq == recent && w.hits[0].score.attention == 1);
	told_end(&w);
	return 0;
}
