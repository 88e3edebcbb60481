/* wish_test.c - which lines can be wishes, which numbers they name, and that no bytes do harm. */
#include "sem/wish.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include "base/check.h"

static struct wish read(const char *text) {
	return wish_read(text, strlen(text));
}

static void wishes(void) {
	static const char *const texts[] = { "walk three steps", "Walk three steps!", "WALK THREE STEPS",
		"can you walk three steps", "Can you walk three steps?", "could you please walk three steps?",
		"Parrot, can you walk three steps?", "hey robot could you take 3 steps", "would you walk two steps?",
		"will you turn left?", "I want you to walk three steps", "you should walk 12 steps", "do 5 scans",
		"do a scan", "make 3 scans", "step forward 4 times", "scan the room two times", "stand up",
		"get on your feet", "come back up", "make yourself small", "walk ninety-nine steps",
		"walk one hundred and five steps", "turn 90 degrees", "turn 90°", "30 degrees turn", "please rise",
		"now walk 10 steps", "ok, 3 steps forward", "walk at once", "I said walk three steps",
		"I told you to walk three steps", "look around and tell me about it", "", "...", "stop",
		"walk, 3 steps",
		"walk 3 steps.", "walk three steps - now", "robot, walk", "hello. walk one step", "take 20 paces",
		"have a look around", "knot", "notice the wall", "walk to the northern wall" };
	for (size_t i = 0; i < COUNT_OF(texts); i++) {
		const char *why = read(texts[i]).unasked;
		if (why)
			fprintf(stderr, "%s: %s\n", texts[i], why);
		CHECK(!why);
	}
}

static void no_wishes(void) {
	static const struct {
		const char *text, *why;
	} rows[] = {
		{ "I said do not walk ten steps", "a negation" }, { "don't walk three steps", "a negation" },
		{ "DON’T WALK THREE STEPS", "a negation" }, { "donʼt walk three steps", "a negation" },
		{ "don`t walk", "a negation" }, { "dont walk", "a negation" }, { "don t walk", "a negation" },
		{ "never walk three steps", "a negation" }, { "the robot must not walk three steps", "a negation" },
		{ "nobody walks three steps", "a negation" }, { "no, walk three steps", "a negation" },
		{ "turn without walking three steps", "a negation" }, { "neither walk nor turn", "a negation" },
		{ "can't you walk three steps?", "a negation" }, { "walk no steps", "a negation" },
		{ "you CANNOT walk three steps", "a negation" }, { "walk three steps? no", "a negation" },
		{ "should I walk three steps?", "a question" }, { "should I walk three steps", "a question" },
		{ "Walk three steps?", "a question" }, { "may I walk three steps", "a question" },
		{ "can I walk three steps", "a question" }, { "could the robot walk three steps", "a question" },
		{ "do you walk three steps", "a question" }, { "did you walk three steps", "a question" },
		{ "is it safe to walk three steps", "a question" }, { "what if you walk", "a question" },
		{ "why walk three steps", "a question" }, { "tell me how to walk three steps", "a question" },
		{ "who can walk three steps", "a question" }, { "hey robot, should you walk three steps",
		"a question" },
		{ "so who walks three steps", "a question" }, { "walk three steps？", "a question" },
		{ "walk three steps?!", "a question" }, { "how far can you walk?", "a question" },
		{ "when should you walk three steps", "a condition" }, { "walk three steps if the door is open",
		"a condition" },
		{ "walk three steps when I say so", "a condition" }, { "unless it rains walk three steps",
		"a condition" },
		{ "walk until you see the wall", "a condition" }, { "before you turn, walk three steps",
		"a condition" },
		{ "walk three steps after lunch", "a condition" }, { "walk three steps tomorrow", "a condition" },
		{ "Ana said walk three steps", "what somebody said or did" },
		{ "Ana says: walk three steps", "what somebody said or did" },
		{ "Ana told you to walk three steps", "what somebody said or did" },
		{ "she wants you to walk three steps", "what somebody said or did" },
		{ "tell Ana to walk three steps", "what somebody said or did" },
		{ "the robot walked three steps", "what somebody said or did" },
		{ "imagine you walk three steps", "what somebody said or did" },
		{ "walk zero steps", "an amount that is none" }, { "walk 0 steps", "an amount that is none" },
		{ "walk 000 steps", "an amount that is none" }, { "walk half a step", "an amount that is none" },
		{ "walk -3 steps", "an amount that is none" }, { "walk −3 steps", "an amount that is none" },
		{ "-3 steps", "an amount that is none" }, { "walk –3 steps", "an amount that is none" },
		{ "walk minus three steps", "an amount that is none" }, { "walk 0.5 steps", "an amount that is none" },
		{ "walk .5 steps", "an amount that is none" }, { "walk 1/2 step", "an amount that is none" },
		{ "walk 2,5 steps", "an amount that is none" }, { "walk ½ step", "an amount that is none" },
		{ "walk three point five steps", "an amount that is none" }, { "walk 3e1 steps",
		"an amount that is none" },
		{ "walk negative three steps", "an amount that is none" },
	};
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		const char *why = read(rows[i].text).unasked;
		if (!why || strcmp(why, rows[i].why) != 0)
			fprintf(stderr, "%s: %s\n", rows[i].text, why ? why : "a wish");
		CHECK(why && strcmp(why, rows[i].why) == 0);
	}
}

static void counts(void) {
	static const struct {
		const char *text;
		unsigned numbers;
		uint32_t number;
	} rows[] = {
		{ "walk", 0, 0 }, { "walk three steps", 1, 3 }, { "walk 12 steps", 1, 12 },
		{ "walk 1000 steps", 1, 1000 },
		{ "walk ninety nine steps", 1, 99 }, { "walk NINETY-NINE steps", 1, 99 }, { "twenty steps", 1, 20 },
		{ "walk one hundred and five steps", 1, 105 }, { "two hundred fifty one", 1, 251 },
		{ "a hundred steps", 1, 100 },
		{ "walk three, two", 2, 2 }, { "two three", 2, 3 }, { "scan 2 times and walk 3 steps", 2, 3 },
		{ "three and two", 2, 2 }, { "twenty twelve", 2, 12 },
		{ "walk 99999999999999999999 steps", 1, WISH_NUMBER_MAX },
		{ "hundred hundred", 2, 100 }, { "one hundred, two", 2, 2 }, { "nineteen", 1, 19 },
	};
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct wish w = read(rows[i].text);
		if (w.numbers != rows[i].numbers || w.number != rows[i].number)
			fprintf(stderr, "%s: %u, %u\n", rows[i].text, w.numbers, w.number);
		CHECK(w.numbers == rows[i].numbers && w.number == rows[i].number);
	}
}

static void reads_no_further_than_told(void) {
	CHECK(!wish_read("walk not", 4).unasked && wish_read("walk not", 8).unasked && !wish_read(NULL, 0).unasked);
	CHECK(!wish_read("walk -3", 6).unasked && !wish_read("\xe2", 1).unasked && !wish_read("-", 1).unasked);
	CHECK(wish_read("do\0not", 6).unasked); /* a zero parts words */
	char text[4096];
	for (size_t i = 0; i < sizeof(text); i++)
		text[i] = (char)('a' + i % 25);
	CHECK(!wish_read(text, sizeof(text)).unasked);
	memcpy(text + sizeof(text) - 4, " not", 4);
	CHECK(wish_read(text, sizeof(text)).unasked); /* behind a word of any length */
}

/* Whatever stands around it, a negation is found; and nothing breaks. */
static void survives_any_bytes(void) {
	static const char *const pieces[] = { "walk", " ", "\xe2\x80", "\xe2", "3", "-", ".", "can you", "'", "\xff",
		"\xc2", "\n", "?", "hundred", "\xf0\x90\xa4\x95", "aaa" };
	uint64_t seed = 5;
	char text[160];
	for (int i = 0; i < 200000; i++) {
		size_t n = 0;
		for (int k = 0; k < 10; k++) {
			seed = seed * UINT64_C(6364136223846793005) + 1442695040888963407u;
			const char *p = pieces[(seed >> 33) % COUNT_OF(pieces)];
			memcpy(text + n, p, strlen(p));
			n += strlen(p);
		}
		struct wish w = wish_read(text, n);
		CHECK(w.number <= WISH_NUMBER_MAX && w.numbers <= n);
		memcpy(text + n, " not", 4);
		CHECK(wish_read(text, n + 4).unasked);
	}
}

int main(void) {
	wishes();
	no_wishes();
	counts();
	reads_no_further_than_told();
	survives_any_bytes();
	puts("wish_test: ok");
}
