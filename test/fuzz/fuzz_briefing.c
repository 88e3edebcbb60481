/*
 * fuzz_briefing.c - any bytes as the texts, numbers and orders of a briefing, and as its budget: what comes out fits
 * the grammar, budget and buffer, has each item once or counts it, and does not depend on the order of the items.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include "base/check.h"
#include "base/clock.h"
#include "sem/briefing_testing.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define ROOM 16384
#define EACH 3
#define TEXTS 64

/* The input, taken from its beginning: numbers byte by byte, texts up to the next zero. */
struct input {
	const uint8_t *at, *end;
	char texts[TEXTS][300];
	unsigned count;
};

static unsigned byte_of(struct input *in) {
	return in->at < in->end ? *in->at++ : 0;
}

static const char *text_of(struct input *in) {
	CHECK(in->count < TEXTS);
	char *to = in->texts[in->count++];
	size_t n = 0;
	for (unsigned c; n + 1 < sizeof(in->texts[0]) && (c = byte_of(in)) != 0; n++)
		to[n] = (char)c;
	to[n] = 0;
	return to;
}

/* Eight bytes as they are: any double, NAN and infinities among them. */
static double number_of(struct input *in) {
	uint8_t bytes[8];
	double x;
	for (unsigned i = 0; i < sizeof(bytes); i++)
		bytes[i] = (uint8_t)byte_of(in);
	memcpy(&x, bytes, sizeof(x));
	return x;
}

static int64_t age_of(struct input *in) {
	unsigned exponent = byte_of(in) % 63;
	return (int64_t)((uint64_t)byte_of(in) << exponent);
}

static struct briefing_mark mark_of(struct input *in) {
	const char *key = text_of(in), *who = text_of(in);
	uint64_t record = byte_of(in);
	int64_t age_ns = age_of(in);
	return (struct briefing_mark){ key, who, record, age_ns, byte_of(in) % 4 / 2.0 };
}

struct house {
	struct briefing_goal goals[EACH];
	struct briefing_word words[EACH];
	struct briefing_belief beliefs[EACH];
	struct briefing_turn turns[EACH];
	struct briefing_field fields[EACH];
	struct briefing_focus focus[EACH];
	double numbers[2];
};

static void furnish(struct input *in, struct house *h) {
	h->numbers[0] = number_of(in);
	h->numbers[1] = number_of(in);
	for (unsigned i = 0; i < EACH; i++) {
		h->beliefs[i].mark = mark_of(in);
		h->beliefs[i].value = text_of(in);
		h->beliefs[i].confidence = h->numbers[0];
		h->beliefs[i].trust = h->numbers[1];
		h->beliefs[i].rivals = byte_of(in) % 3;
		h->beliefs[i].rival.who = text_of(in);
		h->beliefs[i].rival.value = text_of(in);
		h->beliefs[i].rival.age_ns = age_of(in);
		h->turns[i] = (struct briefing_turn){ .mark = mark_of(in), .user = text_of(in) };
		h->turns[i].answer = text_of(in);
		h->fields[i] = (struct briefing_field){ .mark = mark_of(in), .numbers = h->numbers };
		h->fields[i].number_count = byte_of(in) % 3;
		h->fields[i].text = byte_of(in) % 2 ? text_of(in) : NULL;
		h->fields[i].unit = text_of(in);
		h->fields[i].status = (uint16_t)byte_of(in);
		h->goals[i].mark = mark_of(in);
		h->focus[i].mark = mark_of(in);
		h->words[i] = (struct briefing_word){ .mark = mark_of(in) };
		h->words[i].meaning = h->goals[i].mark.key;
	}
}

/* The same items from the last to the first. */
static void turn_round(struct house *h) {
	struct house was = *h;
	for (unsigned i = 0; i < EACH; i++) {
		h->goals[i] = was.goals[EACH - 1 - i];
		h->words[i] = was.words[EACH - 1 - i];
		h->beliefs[i] = was.beliefs[EACH - 1 - i];
		h->turns[i] = was.turns[EACH - 1 - i];
		h->fields[i] = was.fields[EACH - 1 - i];
		h->focus[i] = was.focus[EACH - 1 - i];
	}
}

static const struct briefing_mark *asked_of(const struct house *h, unsigned kind, unsigned i) {
	const struct briefing_mark *const marks[] = { &h->goals[i].mark, &h->words[i].mark, &h->beliefs[i].mark,
		&h->turns[i].mark, &h->fields[i].mark, &h->focus[i].mark };
	return kind < COUNT_OF(marks) ? marks[kind] : NULL;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
	static char out[ROOM], again[ROOM];
	static struct input in;
	static struct house h;
	struct briefing_account a, b;
	in.at = data, in.end = data + size, in.count = 0;
	struct briefing view = { .budget = 16 * byte_of(&in), .is_delta = byte_of(&in) % 2, .goals = h.goals,
		.words = h.words, .beliefs = h.beliefs, .turns = h.turns, .fields = h.fields, .focus = h.focus };
	view.goal_count = view.word_count = view.belief_count = EACH;
	view.turn_count = view.field_count = view.focus_count = EACH;
	size_t capacity = 64 * byte_of(&in);
	view.since_record = byte_of(&in);
	view.since_age_ns = age_of(&in);
	view.now.ns = age_of(&in);
	for (unsigned s = 0; s < BRIEFING_SECTION_COUNT; s++)
		view.share[s] = s == 3 ? number_of(&in) : byte_of(&in);
	furnish(&in, &h);
	unsigned kind = byte_of(&in) % 8, place = byte_of(&in) % EACH;
	view.asked = asked_of(&h, kind, place);
	bool fits = briefing_check_render(&view, out, capacity < ROOM ? capacity : ROOM, &a);
	turn_round(&h);
	view.asked = asked_of(&h, kind, EACH - 1 - place);
	CHECK(briefing_check_render(&view, again, capacity < ROOM ? capacity : ROOM, &b) == fits);
	if (fits)
		CHECK(memcmp(&a, &b, sizeof(a)) == 0 && strcmp(out, again) == 0);
	return 0;
}
