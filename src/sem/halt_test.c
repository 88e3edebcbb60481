/* halt_test.c - what stops, what does not, and that no text of any kind does harm to the reader. */
#include "sem/halt.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include "base/check.h"

static bool is(const char *text) {
	return halt_is_asked(text, strlen(text), NULL, NULL);
}

static void stops(void) {
	static const char *const texts[] = { "stop", "Stop", "STOP", "stop!", "Stop.", "STOP!!!", "  stop \n",
			"halt", "Halt!",
		"freeze", "FREEZE!", "emergency stop", "Emergency-Stop!", "e-stop", "estop", "stop now",
		"please stop", "Stop, please!", "stop it", "stop everything right now", "stop moving",
		"Stop walking immediately!", "robot, stop", "stop the robot", "stop the legs at once",
		"STOP STOP STOP", "No! Stop!", "do stop", "can you stop?", "i said stop", "you must stop now",
		"Stopp!", "stooop", "STOPPPP",
		"sssstop", "freeeeze", "haaalt", "𐤕", " 𐤕 ", "𐤕!", "𐤕𐤕", "stop 𐤕", "🛑", "🛑🛑🛑", "🛑 stop",
		"“stop”", "stop…", "¡stop!", "stop！", "stop\u00a0now", "stop,now", "(stop)", "stop\tnow\r\n",
		"'stop'", "‘stop’", "''stop''", "\"stop\"",
		"stop and turn left", "walk three steps and stop", "stop at the door", "stop the cat",
		"stop, there is a child", "STOP THE ROBOT IT IS BURNING", "Stop it, Ana is hurt",
		"stop robot, stop, the cat is under you", "stop before you hit the wall", "Stop or I pull the plug",
		"whoa", "Whoaaa!", "abort", "abort the mission", "enough", "Enough!",
		"that's enough, the cat is there", "oh no, please stop that thing", "there is a child, stop",
		"the cat is under you stop", "what are you doing stop",
		"what did you do stop!", "do not walk, stop", "do not walk stop now", "why don't you stop",
		"can't you stop",
		"can you stop before the wall?", "if you see a cat, stop", "Ana said stop",
		"there is a fire, emergency stop",
		"make her stop", "I want it to stop", "stop don't walk", "where is the cat? stop",
		"hey robot stop that",
		"what does 𐤕 mean", "do not 𐤕", "✋", "✋✋", "⛔", "ｓｔｏｐ", "стоп", "Стой!", "정지", "멈춰", "停", "توقف",
		"alto", "¡alto!", "cancel", "quit", "Pause.", "cease", "cease walking", "hold still", "stand still",
		"keep still", "hold on", "hold it!", "wait", "wait!", "please wait", "don't move", "do not move",
		"DON'T MOVE!", "don't you move", "please don't move now", "never walk", "do not walk",
		"emergency! don't move", "no no no stop the thing", "I did not see you and want you to stop",
		"stop never" };
	for (size_t i = 0; i < COUNT_OF(texts); i++) {
		if (!is(texts[i]))
			fprintf(stderr, "no stop: %s\n", texts[i]);
		CHECK(is(texts[i]));
	}
}

static void does_not_stop(void) {
	static const char *const texts[] = { "", " ", "!!!", "please", "now", "do not stop", "don't stop",
		"Don’t stop!", "dont stop", "never stop", "what does stop mean?", "what does stop mean",
		"is there a bus stop here?", "non-stop", "nonstop", "why stop", "cannot stop",
		"can't stop", "stops", "stopped", "unstoppable", "stoop", "hall", "free", "freezer", "the stop sign",
		"not halt", "s t o p", "without a stop", "𐤌𐤟𐤖", "𐤌𐤕", "do n't stop", "you should not stop",
		"neither stop", "d'ont stop", "stop's", "schtopp", "when did it stop?", "when did it stop",
		"the bus stop is near", "the bus stop is in the street", "my stop is at the church",
		"the door stop is red", "there is a door stop in the kitchen", "I did not tell you to stop",
		"don't you ever stop", "we do not want you to stop", "tell me how to stop", "the box is big enough",
		"do not, I repeat, do not stop", "does it ever stop", "are they going to stop?",
		"remember that my stop is far",
		"I left my hat at the bus stop", "the halt is near", "the emergency stop is red", "don`t stop" };
	for (size_t i = 0; i < COUNT_OF(texts); i++) {
		if (is(texts[i]))
			fprintf(stderr, "a stop: %s\n", texts[i]);
		CHECK(!is(texts[i]));
	}
}

static bool is_parrot(void *self, const char *word) {
	++*(int *)self;
	return strcmp(word, "parrot") == 0 || strcmp(word, "hexapod_2") == 0;
}

static void knows_names(void) {
	int asked = 0;
	CHECK(halt_is_asked("Parrot, stop!", 13, is_parrot, &asked) && asked == 1);
	CHECK(halt_is_asked("parrot, parrot stop, that is enough", 35, is_parrot, &asked) && is("Parrot, stop!"));
	CHECK(halt_is_asked("enough, parrot", 14, is_parrot, &asked) && !is("enough parrot"));
	CHECK(halt_is_asked("parrot stop the cat", 19, is_parrot, &asked));
	CHECK(!halt_is_asked("parrot", 6, is_parrot, &asked)); /* a name alone stops nothing */
}

static void reads_no_further_than_told(void) {
	CHECK(halt_is_asked("stop it", 4, NULL, NULL) && !halt_is_asked("stop", 3, NULL, NULL));
	CHECK(!halt_is_asked("stop\xe2\x80\x99", 5, NULL, NULL) && halt_is_asked("stop\xe2\x80\x99", 7, NULL, NULL));
	CHECK(!halt_is_asked("\xe2", 1, NULL, NULL));
	CHECK(!halt_is_asked(NULL, 0, NULL, NULL));
	CHECK(halt_is_asked("stop\0now", 8, NULL, NULL)); /* a zero parts words like any other control character */
}

static void is_not_led_astray_by_length(void) {
	char text[4096];
	memset(text, 'o', sizeof(text));
	memcpy(text, "st", 2);
	text[sizeof(text) - 1] = 'p';
	CHECK(halt_is_asked(text, sizeof(text), NULL, NULL)); /* screamed */
	for (size_t i = 2; i < sizeof(text); i++)
		text[i] = (char)('a' + i % 25);
	CHECK(!halt_is_asked(text, sizeof(text), NULL, NULL));
	for (size_t n = 60; n < 70; n++)
		CHECK(!halt_is_asked(text, n, NULL, NULL));
	memcpy(text + sizeof(text) - 5, " stop", 5);
	CHECK(halt_is_asked(text, sizeof(text), NULL, NULL)); /* behind a word of any length */
	for (size_t i = 0; i + 5 <= sizeof(text); i += 5)
		memcpy(text + i, "stop ", 5);
	CHECK(halt_is_asked(text, sizeof(text) - 1, NULL, NULL));
}

/* Right before the word that stops, a negation takes it back; behind it, nothing does. */
static void a_negation_reaches_forward(void) {
	static const char *const no[] = { "not", "don't", "dont", "never", "without", "neither", "nor", "cannot",
	"won't" };
	static const char *const forms[] = { "%s stop", "please %s stop now", "%s halt", "do %s freeze",
		"you %s ever stop", "%s let the robot stop" };
	for (size_t i = 0; i < COUNT_OF(no); i++)
		for (size_t k = 0; k < COUNT_OF(forms); k++) {
			char text[64];
			const char *at = strstr(forms[k], "%s");
			snprintf(text, sizeof(text), "%.*s%s%s", (int)(at - forms[k]), forms[k], no[i], at + 2);
			if (is(text))
				fprintf(stderr, "a stop: %s\n", text);
			CHECK(!is(text));
			snprintf(text, sizeof(text), "stop %s", no[i]);
			CHECK(is(text));
		}
}

static void survives_any_bytes(void) {
	static const char *const pieces[] = { "stop", " ", "\xe2\x80", "\xe2", "𐤕", "🛑", "\xf0\x9f", "now", "'",
			"\xff", "ooo", "\n" };
	uint64_t seed = 5;
	char text[128];
	for (int i = 0; i < 200000; i++) {
		size_t n = 0;
		for (int k = 0; k < 8; k++) {
			seed = seed * UINT64_C(6364136223846793005) + 1442695040888963407u;
			const char *p = pieces[(seed >> 33) % COUNT_OF(pieces)];
			memcpy(text + n, p, strlen(p));
			n += strlen(p);
		}
		bool stop = halt_is_asked(text, n, NULL, NULL);
		CHECK(!stop || memmem(text, n, "st", 2) || memmem(text, n, "𐤕", 4) || memmem(text, n, "🛑", 4));
	}
}

int main(void) {
	stops();
	does_not_stop();
	knows_names();
	reads_no_further_than_told();
	is_not_led_astray_by_length();
	a_negation_reaches_forward();
	survives_any_bytes();
	puts("halt_test: ok");
}
