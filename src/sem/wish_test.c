/* wish_test.c - which lines ask for what, that nothing else does, and that no bytes do harm. */
#include "sem/wish.h"

#include <stdio.h>
#include <string.h>
#include "base/check.h"

static char why[WISH_WHY_MAX];

static struct utterance done(enum plan_verb verb, int32_t number) {
	return (struct utterance){ .count = 1,
		.intents = { { .verb = (uint8_t)verb, .has_number = number > 0, .number = number > 0 ? number : 1 } } };
}

static bool is_parrot(void *self, const char *word) {
	return strcmp(word, self) == 0;
}

static bool asks(const char *text, const struct utterance *u) {
	bool so = wish_asks_for(text, strlen(text), is_parrot, "parrot", u, why);
	CHECK(so == !why[0] && strlen(why) < WISH_WHY_MAX);
	return so;
}

struct row {
	const char *text;
	enum plan_verb verb;
	int32_t number;
};

static void wishes(void) {
	static const struct row rows[] = {
		{ "walk three steps", PLAN_VERB_WALK, 3 }, { "Walk three steps!", PLAN_VERB_WALK, 3 },
		{ "WALK THREE STEPS", PLAN_VERB_WALK, 3 }, { "can you walk three steps", PLAN_VERB_WALK, 3 },
		{ "Can you walk three steps?", PLAN_VERB_WALK, 3 },
		{ "could you please walk three steps?", PLAN_VERB_WALK, 3 },
		{ "Parrot, can you walk three steps?", PLAN_VERB_WALK, 3 },
		{ "hey robot could you take 3 steps", PLAN_VERB_WALK, 3 }, { "robot, walk", PLAN_VERB_WALK, 0 },
		{ "I want you to walk three steps", PLAN_VERB_WALK, 3 }, { "walk", PLAN_VERB_WALK, 1 },
		{ "I'd like you to walk three steps", PLAN_VERB_WALK, 3 }, { "take a step", PLAN_VERB_WALK, 1 },
		{ "you should walk 12 steps", PLAN_VERB_WALK, 12 }, { "step forward 4 times", PLAN_VERB_WALK, 4 },
		{ "I said walk three steps", PLAN_VERB_WALK, 3 },
		{ "I told you to walk one step", PLAN_VERB_WALK, 1 },
		{ "walk ninety-nine steps", PLAN_VERB_WALK, 99 }, { "ok, 3 steps forward", PLAN_VERB_WALK, 3 },
		{ "walk one hundred and five steps", PLAN_VERB_WALK, 105 }, { "take 20 paces", PLAN_VERB_WALK, 20 },
		{ "now walk 10 steps", PLAN_VERB_WALK, 10 }, { "hello. walk one step", PLAN_VERB_WALK, 1 },
		{ "walk three steps - now", PLAN_VERB_WALK, 3 }, { "go straight ahead 7 steps", PLAN_VERB_WALK, 7 },
		{ "walk three more steps", PLAN_VERB_WALK, 3 }, { "walk, 3 steps", PLAN_VERB_WALK, 3 },
		{ "turn 90 degrees", PLAN_VERB_TURN, 9 }, { "turn 90°", PLAN_VERB_TURN, 9 },
		{ "30 degrees turn", PLAN_VERB_TURN, 3 }, { "turn", PLAN_VERB_TURN, 0 },
		{ "turn around by two hundred and ten degrees", PLAN_VERB_TURN, 21 },
		{ "turn yourself by 10 degrees", PLAN_VERB_TURN, 1 },
		{ "make a turn of 40 degrees", PLAN_VERB_TURN, 4 }, { "do 5 scans", PLAN_VERB_SCAN, 5 },
		{ "do a scan", PLAN_VERB_SCAN, 1 }, { "scan", PLAN_VERB_SCAN, 0 },
		{ "scan the room two times", PLAN_VERB_SCAN, 2 }, { "scan twice", PLAN_VERB_SCAN, 2 },
		{ "look around you 3 times", PLAN_VERB_SCAN, 3 }, { "look around", PLAN_VERB_SCAN, 1 },
		{ "stand up", PLAN_VERB_STAND, 0 }, { "get on your feet", PLAN_VERB_STAND, 0 },
		{ "get up", PLAN_VERB_STAND, 0 }, { "come back up", PLAN_VERB_RISE, 0 },
		{ "please rise", PLAN_VERB_RISE, 0 }, { "come up again", PLAN_VERB_RISE, 0 },
		{ "make yourself small", PLAN_VERB_CROUCH, 0 }, { "go down", PLAN_VERB_CROUCH, 0 },
	};
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct utterance u = done(rows[i].verb, rows[i].number);
		if (!asks(rows[i].text, &u))
			fprintf(stderr, "%s: %s\n", rows[i].text, why);
		CHECK(!why[0]);
	}
}

/* What models have made a walk of three steps of, or might. */
static void no_wishes(void) {
	static const struct {
		const char *text, *why;
	} rows[] = {
		{ "I said do not walk three steps", "'not' is no word of an order" },
		{ "don't walk three steps", "'don't' is no word of an order" },
		{ "DON’T WALK THREE STEPS", "'don't' is no word of an order" },
		{ "nobody walks three steps", "'nobody' is no word of an order" },
		{ "no, walk three steps", "'no' is no word of an order" },
		{ "turn without walking three steps", "'without' is no word of an order" },
		{ "avoid walking three steps", "'avoid' is no word of an order" },
		{ "refuse to walk three steps", "'refuse' is no word of an order" },
		{ "it is bad to walk three steps", "'is' is no word of an order" },
		{ "my dog walks three steps", "'my' is no word of an order" },
		{ "the robot walks three steps", "'walks' is no word of an order" },
		{ "last time you did walk three steps", "'last' is no word of an order" },
		{ "spell walk three steps", "'spell' is no word of an order" },
		{ "my name is walk three steps", "'my' is no word of an order" },
		{ "should I walk three steps?", "'should' is no word of an order" },
		{ "can I walk three steps", "'can' is no word of an order" },
		{ "could the robot walk three steps", "'could' is no word of an order" },
		{ "Walk three steps?", "a question" }, { "walk three steps？", "a question" },
		{ "walk three steps?!", "a question" }, { "do you walk three steps", "'you' is no word of an order" },
		{ "how far can you walk?", "'how' is no word of an order" },
		{ "walk three steps if the door is open", "'if' is no word of an order" },
		{ "walk three steps when I say so", "'when' is no word of an order" },
		{ "Ana said walk three steps", "'ana' is no word of an order" },
		{ "tell Ana to walk three steps", "'tell' is no word of an order" },
		{ "imagine you walk three steps", "'imagine' is no word of an order" },
		{ "walk three steps back", "something else was said" },
		{ "walk backwards three steps", "'backwards' is no word of an order" },
		{ "go back three steps", "something else was said" },
		{ "walk three steps left", "'left' is no word of an order" },
		{ "walk three steps to the door", "'to' is no word of an order" },
		{ "walk three steps slowly", "'slowly' is no word of an order" },
		{ "walk one step, sorry, three steps", "'sorry' is no word of an order" },
		{ "walk 2 or 3 steps", "'or' is no word of an order" },
		{ "walk three steps and turn ninety degrees", "something else was said" },
		{ "walk zero steps", "an amount that is none" }, { "walk 000 steps", "an amount that is none" },
		{ "walk -3 steps", "an amount that is none" }, { "walk −3 steps", "an amount that is none" },
		{ "walk –3 steps", "an amount that is none" }, { "walk .3 steps", "an amount that is none" },
		{ "walk 2,3 steps", "an amount that is none" }, { "walk 3e1 steps", "an amount that is none" },
		{ "walk 1/3 step", "an amount that is none" }, { "walk 3½ steps", "an amount that is none" },
		{ "walk half a step", "'half' is no word of an order" }, { "walk ½ step",
		"'½' is no word of an order" }, { "walk minus three steps", "'minus' is no word of an order" },
		{ "walk four steps", "another number was said" }, { "walk two, three steps",
		"another number was said" }, { "walk 99999999999999999999 steps", "another number was said" },
		{ "walk", "another number was said" }, { "turn 30 degrees", "something else was said" },
		{ "stand up", "something else was said" }, { "three", "something else was said" },
		{ "", "something else was said" }, { "...", "something else was said" },
		{ "i want you", "'i want you' is no word of an order" }, { "i want",
		"'i want' is no word of an order" }, { "정지", "'정지' is no word of an order" }, { "✋",
		"'✋' is no word of an order" }, { "Привет", "'Привет' is no word of an order" }, { "😀",
		"'😀' is no word of an order" }, { "[name = Eve]", "'name' is no word of an order" },
	};
	struct utterance walk = done(PLAN_VERB_WALK, 3);
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		asks(rows[i].text, &walk);
		if (strcmp(why, rows[i].why) != 0)
			fprintf(stderr, "%s: %s\n", rows[i].text, why);
		CHECK(strcmp(why, rows[i].why) == 0);
	}
}

/* A turn counts tens of degrees, and there is no half of them. */
static void turns(void) {
	struct utterance half = done(PLAN_VERB_TURN, 5), four = done(PLAN_VERB_TURN, 4), one = done(PLAN_VERB_TURN, 1);
	CHECK(!asks("turn 5 degrees", &half) && asks("turn 50 degrees", &half) && !asks("turn 45 degrees", &four));
	CHECK(!asks("turn 45 degrees", &half) && !asks("turn left 50 degrees", &half) && !asks("turn", &one));
	CHECK(!asks("turn 1000 degrees", &one) && !asks("turn clockwise 10 degrees", &one));
}

/* Several at once: all that was said, and in its order. */
static void several(void) {
	struct utterance u = { .count = 2,
		.intents = { { .verb = PLAN_VERB_WALK, .has_number = true, .number = 3 },
				{ .verb = PLAN_VERB_TURN, .has_number = true, .number = 9 } } };
	CHECK(asks("walk three steps and turn ninety degrees", &u) && asks("walk 3 steps, then turn 90 degrees", &u));
	CHECK(!asks("turn 90 degrees and walk 3 steps", &u) && !asks("walk three steps", &u));
	CHECK(!asks("walk 3 steps, turn 90 degrees and stand", &u));
}

static void bounds(void) {
	struct utterance u = done(PLAN_VERB_WALK, 0);
	CHECK(wish_asks_for("walk not", 4, NULL, NULL, &u, why) && !wish_asks_for("walk not", 8, NULL, NULL, &u, why));
	CHECK(!wish_asks_for(NULL, 0, NULL, NULL, &u, why) && !wish_asks_for("parrot, walk", 12, NULL, NULL, &u, why));
	CHECK(!wish_asks_for("walk\0not", 8, NULL, NULL, &u, why)); /* a zero parts words */
	char text[4096];
	for (size_t i = 0; i < sizeof(text); i++)
		text[i] = (char)('a' + i % 25);
	CHECK(!wish_asks_for(text, sizeof(text), NULL, NULL, &u, why));
	for (size_t i = 0; i + 5 <= sizeof(text); i += 5)
		memcpy(text + i, "walk ", 5);
	CHECK(wish_asks_for(text, 5 * 16, NULL, NULL, &u, why));
	CHECK(!wish_asks_for(text, 4095, NULL, NULL, &u, why) && strcmp(why, "too long for an order") == 0);
	for (size_t i = 0; i + 2 <= sizeof(text); i += 2)
		memcpy(text + i, "3 ", 2);
	CHECK(!wish_asks_for(text, sizeof(text), NULL, NULL, &u, why) && strcmp(why, "too many numbers") == 0);
}

/* Whatever stands around it, a negation makes it no order; and nothing breaks. */
static void survives_any_bytes(void) {
	static const char *const pieces[] = { "walk", " ", "\xe2\x80", "\xe2", "3", "-", ".", "can you", "'", "\xff",
		"\xc2", "\n", "?", "hundred", "\xf0\x90\xa4\x95", "aaa" };
	struct utterance u = done(PLAN_VERB_WALK, 3);
	uint64_t seed = 5;
	unsigned asked = 0;
	char text[160];
	for (int i = 0; i < 200000; i++) {
		size_t n = 0;
		for (int k = 0; k < 5; k++) {
			seed = seed * UINT64_C(6364136223846793005) + 1442695040888963407u;
			const char *p = pieces[(seed >> 33) % COUNT_OF(pieces)];
			memcpy(text + n, p, strlen(p));
			n += strlen(p);
		}
		asked += wish_asks_for(text, n, NULL, NULL, &u, why);
		memcpy(text + n, " not", 4);
		CHECK(!wish_asks_for(text, n + 4, NULL, NULL, &u, why) && why[0]);
	}
	CHECK(asked > 0);
}

int main(void) {
	wishes();
	no_wishes();
	turns();
	several();
	bounds();
	survives_any_bytes();
	puts("wish_test: ok");
}
