/*
 * talk.h - made-up talk, the same each time: what twenty people said to a machine, and what they ask afterwards.
 *
 * Words are of syllables; a few are said all the time and most seldom (Zipf).  One thread.
 */
#ifndef BENCH_STATE_TALK_H
#define BENCH_STATE_TALK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct talk_turn {
	char who[16], session[32], user[2048], answer[4096];
	char key[24], value[24]; /* of a claim; "": there is none */
	uint32_t trust_ppm;
	uint64_t said_ms;
	bool is_private; /* seen by who said it alone */
};

enum talk_question { TALK_RARE, TALK_COMMON, TALK_MIXED, TALK_SLIPS, TALK_NONE, TALK_QUESTIONS };

/* Begin anew; the same seed, the same talk. */
void talk_begin(uint64_t seed);
/* The next turn, and its number from 0. */
void talk_next(struct talk_turn *t, uint32_t number);
/* Two rare words, ten of the most common ones, twelve as they come, two with a slip of the finger, no word at all. */
void talk_ask(enum talk_question kind, char *out, size_t room);
const char *talk_question_text(enum talk_question kind);

#endif
