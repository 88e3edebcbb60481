/* talk.c - see talk.h. */
#include "bench/state/talk.h"

#include <stdio.h>
#include <string.h>
#include "base/check.h"

enum { VOCABULARY = 30000, PEOPLE = 20, SESSION_TURNS = 40, BEGAN_MIN = 28333333 /* 2023-11-14, in minutes */ };

static uint64_t dice;
static char vocabulary[VOCABULARY][20];

static uint32_t roll(uint32_t below) {
	dice = dice * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return (uint32_t)((dice >> 33) % below);
}

static void make_word(unsigned number) {
	static const char *const syllables[] = { "ka", "lo", "mi", "ren", "tu", "sta", "ber", "gon", "el", "fi", "dra",
		"pol", "ne", "vis", "om", "ha", "qui", "zer", "wo", "jun", "ac", "pli", "ther", "nd" };
	char *word = vocabulary[number];
	size_t n = 0;
	unsigned v = number, parts = 1 + (number > 30) + (number > 700) + (number > 9000);
	for (unsigned p = 0; p < parts || v; p++, v /= COUNT_OF(syllables))
		n += (size_t)snprintf(word + n, sizeof(vocabulary[0]) - n, "%s", syllables[v % COUNT_OF(syllables)]);
}

void talk_begin(uint64_t seed) {
	dice = seed;
	for (unsigned i = 0; i < VOCABULARY; i++)
		make_word(i);
}

/* Word 0 is the most common: of a hundred words about nine are it. */
static const char *zipf_word(void) {
	double u = (roll(1000000) + 1) / 1e6, x = 1;
	for (unsigned i = 0; i < 24 && u < 0.57; i++, u *= 1.53)
		x *= 1.53;
	unsigned at = (unsigned)(x * (1 + roll(1000) / 1000.0)) - 1 + roll(3);
	return vocabulary[at < VOCABULARY ? at : VOCABULARY - 1];
}

static void make_text(char *out, size_t room, unsigned words) {
	size_t n = 0;
	for (unsigned i = 0; i < words && n + 24 < room; i++)
		n += (size_t)snprintf(out + n, room - n, "%s%s", i ? " " : "", zipf_word());
}

void talk_next(struct talk_turn *t, uint32_t number) {
	unsigned who = roll(PEOPLE);
	bool claims = number % 10 == 0;
	snprintf(t->who, sizeof(t->who), "person_%u", who);
	snprintf(t->session, sizeof(t->session), "session_%u", number / SESSION_TURNS * PEOPLE + who);
	make_text(t->user, sizeof(t->user), 6 + roll(20));
	make_text(t->answer, sizeof(t->answer), 8 + roll(60));
	snprintf(t->key, sizeof(t->key), "%s", claims ? zipf_word() : "");
	snprintf(t->value, sizeof(t->value), "%s", claims ? zipf_word() : "");
	t->trust_ppm = 300000 + roll(700000);
	t->said_ms = (BEGAN_MIN + UINT64_C(1) * number) * 60000;
	t->is_private = number % 3 == 0;
}

/* ---- questions ---- */

static const char *any_word(unsigned from, unsigned to) {
	return vocabulary[from + roll(to - from)];
}

static void ask_common(char *out, size_t room) {
	size_t n = 0;
	for (unsigned i = 0; i < 10; i++)
		n += (size_t)snprintf(out + n, room - n, "%s%s", i ? " " : "", vocabulary[roll(30)]);
}

static void ask_slips(char *out, size_t room) {
	snprintf(out, room, "%s %s", any_word(1000, 9000), any_word(3000, 9000));
	for (size_t i = 2; out[i]; i += 7)
		out[i] = out[i] == ' ' ? ' ' : 'y';
}

void talk_ask(enum talk_question kind, char *out, size_t room) {
	switch (kind) {
	case TALK_RARE:
		snprintf(out, room, "%s %s", any_word(2000, 12000), any_word(4000, 20000));
		break;
	case TALK_COMMON:
		ask_common(out, room);
		break;
	case TALK_MIXED:
		make_text(out, room, 12);
		break;
	case TALK_SLIPS:
		ask_slips(out, room);
		break;
	default:
		snprintf(out, room, "?");
	}
}

const char *talk_question_text(enum talk_question kind) {
	static const char *const texts[] = { "rare", "common", "mixed", "slips", "none" };
	return kind < TALK_QUESTIONS ? texts[kind] : "?";
}
