/*
 * weigh_test.c - whoever chooses asks sem/weight.h and follows it: here other rules stand in the place of weight.c's,
 * under which a machine says, orders and leaves out something else.
 */
#include "runtime/core_testing.h"
#include "sem/briefing.h"
#include "sem/weight.h"

static enum { EVEN, LAST_FIRST, BY_TRUST, BY_SECTION } rule;
static unsigned heavy; /* BY_SECTION: the one that weighs more */
static uint16_t radar; /* BY_TRUST: whose word counts little */

double weight_attention(const struct weight_candidate *candidates, size_t count, size_t which, double load) {
	(void)load;
	CHECK(which < count);
	switch (rule) {
	case LAST_FIRST: return which + 1 == count ? 2 : 1;
	case BY_TRUST: return candidates[which].trust;
	case BY_SECTION:
		return count == BRIEFING_SECTION_COUNT && candidates[which].subject == heavy ? 1000 : 1;
	default: return 1;
	}
}

double weight_trust(const struct trust_book *book, uint32_t subject, enum trust_role role,
		const struct trust_prior *prior, unsigned safety_class, int64_t now_ns) {
	(void)book;
	(void)safety_class;
	if (rule != BY_TRUST || subject != radar)
		return 1;
	CHECK(role == TRUST_SENSOR && prior && now_ns > 0);
	return 0.1;
}

static uint64_t next_id = 1;

static void add_sensors(void) {
	uint16_t e = plan_builder_entity(&b, "camera", PLAN_SENSOR);
	plan_builder_grant(&b, e, PLAN_MAY_SAY, PLAN_NONE);
	radar = plan_builder_entity(&b, "radar", PLAN_SENSOR);
	plan_builder_grant(&b, radar, PLAN_MAY_SAY, PLAN_NONE);
}

static void start_with_sensors(void) {
	core_more = add_sensors;
	begin();
}

static void tell(const char *op, const char *as, const char *key, const char *text) {
	put(++next_id, (struct question){ .op = op, .as = as, .key = key, .text = text });
	CHECK(hear("done") == next_id);
}

/* What is shown within so many tokens, by other rules than before. */
static const char *view(uint64_t max) {
	core_dies();
	start();
	put(++next_id, (struct question){ .op = "view", .max = max });
	CHECK(hear("done") == next_id);
	return heard("view");
}

static bool stand_so(const char *text, const char *first, const char *second) {
	const char *x = strstr(text, first), *y = strstr(text, second);
	CHECK(x && y);
	return x < y;
}

static unsigned times(const char *text, const char *what) {
	unsigned n = 0;
	for (const char *at = text; (at = strstr(at, what)); at++)
		n++;
	return n;
}

/* Attention is one sum that is shared out: all goals are weighed together. */
static void all_of_a_kind_at_once(void) {
	start_with_sensors();
	tell("goal", "camera", "a", "be quiet");
	tell("goal", "camera", "b", "find Ana");
	rule = EVEN;
	CHECK(stand_so(view(1024), "- be quiet (", "- find Ana ("));
	rule = LAST_FIRST;
	CHECK(stand_so(view(1024), "- find Ana (", "- be quiet ("));
	over();
}

static bool believes(const char *value) {
	put(++next_id, (struct question){ .op = "read", .key = "door" });
	return hear("done") == next_id && is("value", value);
}

/* Of two who say otherwise the newest is believed, unless the word of that one counts less; and is shown first. */
static void by_whose_word_it_is(void) {
	start_with_sensors();
	tell("tell", "radar", "attic", "empty");
	tell("tell", "camera", "cellar", "empty");
	tell("tell", "camera", "door", "open");
	tell("tell", "radar", "door", "shut");
	rule = EVEN;
	CHECK(stand_so(view(1024), "- attic = ", "- cellar = ") && strstr(heard("view"), "- door = shut ("));
	CHECK(believes("shut"));
	rule = BY_TRUST;
	CHECK(stand_so(view(1024), "- cellar = ", "- attic = ") && strstr(heard("view"), "- door = open ("));
	CHECK(believes("open"));
	over();
}

static void sections_by_their_weight(void) {
	enum { EACH = 7, TOKENS = 512 };
	start_with_sensors();
	for (unsigned i = 0; i < EACH; i++) {
		char name[32];
		snprintf(name, sizeof(name), "thing %u", i);
		tell("tell", "camera", name, "as it was before");
		snprintf(name, sizeof(name), "wish %u", i);
		tell("goal", "camera", name, "look after what is there and what is not");
	}
	rule = BY_SECTION;
	heavy = BRIEFING_GOALS;
	CHECK(times(view(TOKENS), "- look after") == EACH && times(heard("view"), "- thing") < EACH);
	heavy = BRIEFING_BELIEVED;
	CHECK(times(view(TOKENS), "- thing") == EACH && times(heard("view"), "- look after") < EACH);
	over();
}

int main(void) {
	static void (*const tests[])(void) = { all_of_a_kind_at_once, by_whose_word_it_is, sections_by_their_weight };
	return core_tests(tests, COUNT_OF(tests));
}
