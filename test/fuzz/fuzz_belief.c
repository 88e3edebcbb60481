/*
 * fuzz_belief.c - any bytes as a reply, as a question and as facts: bounds hold, and a view is one
 * frame with as many facts as were put in.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include "base/check.h"
#include "sem/belief.h"
#include "sem/halt.h"
#include "sem/wish.h"

/* Whatever was said: it asks for the walk, or the reason is told. */
static void check_wish(const char *said, size_t bytes) {
	char why[WISH_WHY_MAX];
	struct utterance walk = { .count = 1,
		.intents = { { .verb = PLAN_VERB_WALK, .has_number = true, .number = 3 } } };
	CHECK(wish_asks_for(said, bytes, NULL, NULL, &walk, why) == !why[0]);
	CHECK(strlen(why) < sizeof(why));
}

/* However the answer comes in pieces: what is sure stays sure, and stands at the beginning of its text. */
static void check_sure(const char *reply, size_t bytes, const char *text, size_t text_bytes) {
	size_t told = 0, lead = 0;
	while (lead < bytes && memchr(" \t\r\n", reply[lead], 4))
		lead++;
	for (size_t n = 0; n <= bytes; n++) {
		size_t now = belief_sure(reply, n, told);
		CHECK(now >= told && now <= n);
		told = now;
	}
	CHECK(told <= lead || (told - lead <= text_bytes && memcmp(text, reply + lead, told - lead) == 0));
}

/* What is left was said, and could stand in any frame. */
static void check_heard(struct belief_reply *r, const char *user) {
	unsigned had = r->count;
	CHECK(belief_keep_heard(r, user) + r->count == had);
	for (unsigned i = 0; i < r->count; i++) {
		char both[BELIEF_KEY_MAX + BELIEF_VALUE_MAX];
		snprintf(both, sizeof(both), "%s %s", r->facts[i].key, r->facts[i].value);
		CHECK(belief_is_heard(&r->facts[i], user) && !strpbrk(r->facts[i].value, "#=[];\n\r") &&
				belief_is_heard(&r->facts[i], both) && !belief_is_heard(&r->facts[i], ""));
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define ROOM 8192

/*
 * Cut the input at line feeds into the strings of up to 4 facts and a question; line feeds inside
 * are '\r' here.
 */
static size_t build(const char *text, size_t size, struct belief_fact facts[4], char *question) {
	size_t count = 0, field = 0;
	char *to = facts[0].key;
	size_t n = 0, room = BELIEF_KEY_MAX - 1;
	memset(facts, 0, 4 * sizeof(*facts));
	for (size_t i = 0; i < size; i++) {
		if (text[i] == '\n' && field < 8) {
			field++;
			count = field / 2;
			to = field == 8  ? question
			     : field % 2 ? facts[field / 2].value
					 : facts[field / 2].key;
			room = field == 8  ? 255
			       : field % 2 ? BELIEF_VALUE_MAX - 1
					   : BELIEF_KEY_MAX - 1;
			n = 0;
		} else if (n < room && text[i]) {
			to[n++] = text[i];
		}
	}
	for (size_t i = 0; i < count; i++) /* keys differ */
		facts[i].key[0] = (char)('a' + i);
	return count;
}

static void check_view(const char *view, size_t bytes, size_t most) {
	size_t breaks = 0, opens = 0, closes = 0, equals = 0, parts = 0;
	for (size_t i = 0; i < bytes; i++) {
		breaks += view[i] == '\n';
		opens += view[i] == '[';
		closes += view[i] == ']';
	}
	CHECK(breaks == 2 && opens == 1 && closes == 1 && view[0] == '[' &&
			memcmp(view + bytes - 3, "\n< ", 3) == 0);
	for (const char *p = view; *p != ']'; p++) {
		equals += *p == '=';
		parts += *p == ';';
	}
	CHECK(equals <= most && (equals == 0 ? parts == 0 : parts == equals - 1));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
	static char text[ROOM], view[ROOM];
	static struct belief_reply r;
	struct belief_fact facts[4];
	char question[256] = "";
	if (size >= ROOM)
		return 0;
	CHECK(belief_parse((const char *)data, size, text, sizeof(text), &r) == 0);
	CHECK(r.text_bytes <= size && text[r.text_bytes] == 0 && r.count <= BELIEF_CLAUSES_MAX);
	for (unsigned i = 0; i < r.count; i++)
		CHECK(strlen(r.facts[i].key) - 1 < BELIEF_KEY_MAX - 1 &&
				strlen(r.facts[i].value) - 1 < BELIEF_VALUE_MAX - 1);
	check_sure((const char *)data, size, text, r.text_bytes);
	size_t count = build((const char *)data, size, facts, question);
	for (size_t capacity = BELIEF_VIEW_MIN; capacity <= ROOM; capacity *= 2) {
		int n = belief_render_view(view, capacity, facts, count, question);
		CHECK(n > 0 && (size_t)n < capacity);
		check_view(view, (size_t)n, count);
		if (capacity >= strlen(belief_preamble()) + BELIEF_VIEW_MIN) {
			n = belief_render_talk(view, capacity, "", question);
			CHECK(n > 0 && (size_t)n < capacity && strlen(view) == (size_t)n);
		}
	}
	check_heard(&r, question[0] ? question : text);
	halt_is_asked((const char *)data, size, NULL, NULL);
	check_wish((const char *)data, size);
	belief_quiet(text, view, 1 + size / 2);
	CHECK(strlen(view) <= size / 2);
	return 0;
}
