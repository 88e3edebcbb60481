/* beliefs_test.c - what is believed of a key, lines of a state for people, and the difference of two states. */
#include "bin/cadmus/beliefs.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/clock.h"
#include "base/utf8.h"
#include "bin/cadmus/diff.h"
#include "bin/cadmus/parts.h"

static uint8_t room[JOURNAL_BODY_MAX];

static struct journal_state *state(void) {
	struct journal_state *s = calloc(1, sizeof(*s));
	CHECK(s != NULL);
	state_init(s);
	return s;
}

/* The next record, a second after the one before. */
static void claim(struct journal_state *s, const char *key, const char *value, const char *source, double trust,
		const char *principal, enum journal_visibility visibility) {
	struct body_fact b = { .key = body_text(key), .value = body_text(value), .source = body_text(source),
		.trust_ppm = body_ppm(trust), .confidence_ppm = BODY_PPM };
	int n = body_build_fact(&b, room, sizeof(room));
	CHECK(n > 0);
	struct journal_record r = { .seq = s->seq + 1, .epoch = 1, .hlc = (s->seq + 1) << 16,
		.wall = { (int64_t)(s->seq + 1) * NS_PER_S }, .kind = JOURNAL_FACT, .visibility = (uint8_t)visibility,
		.class = JOURNAL_D2, .entity = "core", .body = room, .body_bytes = (uint32_t)n };
	snprintf(r.principal, sizeof(r.principal), "%s", principal);
	CHECK(state_apply(s, &r) == 0);
}

static void many_against_one(void) {
	struct journal_state *s = state();
	struct belief b;
	unsigned order[CLAIMS_MAX], next = 0;
	claim(s, "door", "open", "a", 0.6, "", JOURNAL_MACHINE);
	claim(s, "door", "open", "b", 0.6, "", JOURNAL_MACHINE);
	claim(s, "door", "shut", "c", 0.7, "", JOURNAL_MACHINE);
	claim(s, "window", "shut", "c", 0.0, "", JOURNAL_MACHINE);
	CHECK(beliefs_of(s, NULL, "door", &b) && b.count == 3 && b.is.witnesses == 2 && b.is.contested);
	CHECK(strcmp(b.claims[b.is.best]->value, "open") == 0 && b.is.degree > 0.8 && b.is.degree < 0.84);
	CHECK(fabs(b.worth[2] - 0.7) < 1e-12 && b.recency[2] >= 1.0 && b.recency[0] < 1.0);
	beliefs_order(&b, order);
	CHECK(order[0] == 1 && order[1] == 0 && order[2] == 2); /* b is newer than a, and c says otherwise */
	CHECK(beliefs_next(s, NULL, &next, &b) && next == 3 && beliefs_next(s, NULL, &next, &b) && next == 4);
	CHECK(b.is.degree <= 0.0 && !b.is.contested && !beliefs_next(s, NULL, &next, &b));
	CHECK(!beliefs_of(s, NULL, "roof", &b) && beliefs_count(s, NULL) == 2);
	free(s);
}

static void who_asks(void) {
	struct journal_state *s = state();
	struct belief b;
	struct claims_asker room_a, room_b;
	const struct claims_asker *ana = beliefs_asker("ana", &room_a), *bob = beliefs_asker("bob", &room_b);
	claim(s, "name", "Ana", "ana", 0.9, "ana", JOURNAL_PRIVATE);
	claim(s, "name", "Bob", "bob", 0.9, "bob", JOURNAL_PRIVATE);
	claim(s, "pin", "1", "ana", 0.9, "ana", JOURNAL_PRIVATE);
	CHECK(beliefs_asker(NULL, &room_a) == NULL);
	claim(s, "sky", "blue", "ana", 0.9, "ana", JOURNAL_PRIVATE);
	claim(s, "sky", "grey", "eye", 0.9, "", JOURNAL_MACHINE);
	CHECK(beliefs_of(s, ana, "sky", &b) && b.count == 2 && !b.mixed);
	CHECK(beliefs_of(s, NULL, "sky", &b) && !b.mixed && beliefs_of(s, NULL, "pin", &b) && !b.mixed);
	CHECK(beliefs_of(s, NULL, "name", &b) && b.mixed); /* nobody's belief */
	CHECK(beliefs_of(s, ana, "name", &b) && !b.mixed && b.count == 1 && strcmp(b.claims[0]->value, "Ana") == 0);
	CHECK(beliefs_of(s, bob, "name", &b) && b.count == 1 && strcmp(b.claims[0]->value, "Bob") == 0);
	CHECK(beliefs_of(s, NULL, "name", &b) && b.count == 2 && !beliefs_of(s, bob, "pin", &b));
	CHECK(beliefs_count(s, NULL) == 3 && beliefs_count(s, bob) == 2);
	json_t *list = parts[PARTS_CLAIMS].list(s, bob);
	CHECK(json_array_size(list) == 2);
	json_decref(list);
	free(s);
}

static void more_than_are_looked_at(void) {
	struct journal_state *s = state();
	struct belief b;
	unsigned order[CLAIMS_MAX];
	char source[16];
	for (unsigned i = 0; i < CLAIMS_MAX + 10; i++) {
		snprintf(source, sizeof(source), "s%u", i);
		claim(s, "door", i % 2 ? "open" : "shut", source, 0.5, "", JOURNAL_MACHINE);
	}
	CHECK(beliefs_of(s, NULL, "door", &b) && b.count == CLAIMS_MAX);
	beliefs_order(&b, order);
	for (unsigned i = 1; i < b.count; i++)
		CHECK(beliefs_agrees(&b, order[i - 1]) >= beliefs_agrees(&b, order[i]));
	free(s);
}

/* The words of others are cut between characters, and none moves the terminal. */
static void lines(void) {
	struct journal_state *s = state();
	char value[BODY_VALUE_MAX + 1], line[PARTS_LINE_MAX];
	memset(value, 0, sizeof(value));
	for (unsigned i = 0; i + 4 < sizeof(value); i += 3)
		memcpy(value + i, "\xe2\x82\xac", 4);
	claim(s, "long", value, "a", 0.5, "", JOURNAL_MACHINE);
	claim(s, "bad\033[2J", "\033]0;x\007 \xc2\x9b", "a", 0.5, "", JOURNAL_MACHINE);
	for (unsigned id = 0; id < PARTS_COUNT; id++) {
		json_t *list = parts[id].list(s, NULL), *item;
		size_t i;
		json_array_foreach(list, i, item) {
			parts_line(&parts[id], item, line);
			CHECK(utf8_valid(line, strlen(line)) && !strpbrk(line, "\033\007\n"));
			CHECK(!strstr(line, "\xc2\x9b"));
		}
		json_decref(list);
	}
	free(s);
}

static json_t *between(const struct journal_state *a, const struct journal_state *b, const char *part) {
	json_t *all = diff_parts(a, b, NULL), *one = json_incref(json_object_get(all, part));
	json_decref(all);
	return one;
}

static void differences(void) {
	struct journal_state *a = state(), *b = state();
	claim(a, "door", "open", "x", 0.5, "", JOURNAL_MACHINE);
	claim(a, "roof", "dry", "x", 0.5, "", JOURNAL_MACHINE);
	state_copy(b, a);
	json_t *same = diff_parts(a, b, NULL), *none = diff_records(a, b);
	CHECK(json_object_size(same) == 0 && json_object_size(none) == 0);
	claim(b, "door", "shut", "y", 0.9, "", JOURNAL_MACHINE);
	claim(b, "roof", "", "x", 0.5, "", JOURNAL_MACHINE);
	claim(b, "attic", "dark", "x", 0.5, "", JOURNAL_MACHINE);
	json_t *beliefs = between(a, b, "beliefs"), *records = diff_records(a, b), *claims = between(a, b, "claims");
	CHECK(json_array_size(beliefs) == 3 && json_integer_value(json_object_get(records, "fact")) == 3);
	CHECK(json_is_null(json_object_get(json_array_get(beliefs, 0), "old"))); /* attic: in the order of keys */
	const char *why = json_string_value(json_object_get(json_array_get(beliefs, 1), "why"));
	CHECK(strcmp(why, "y says so: record 3") == 0);
	CHECK(json_is_null(json_object_get(json_array_get(beliefs, 2), "new")));
	why = json_string_value(json_object_get(json_array_get(beliefs, 2), "why"));
	CHECK(strcmp(why, "x does not say any more what it said in record 2") == 0);
	CHECK(json_array_size(claims) == 3); /* attic and door came, roof went */
	json_decref(beliefs);
	b->dropped++; /* then it may have made room as well */
	beliefs = between(a, b, "beliefs");
	why = json_string_value(json_object_get(json_array_get(beliefs, 2), "why"));
	CHECK(strcmp(why, "x has taken back, or it made room for others, what it said in record 2") == 0);
	json_decref(same), json_decref(none), json_decref(beliefs), json_decref(records), json_decref(claims);
	free(a);
	free(b);
}

int main(void) {
	many_against_one();
	who_asks();
	more_than_are_looked_at();
	lines();
	differences();
	puts("beliefs_test: ok");
}
