/*
 * wish.h - does a person's line ask for just what a model made of it?
 *
 * Models make symbols of any text: of "I said do not walk", of "avoid walking", of a smiley.  So an order is
 * a line of nothing but the words of an order: what calls ("robot, please", "could you"), what is to be done
 * ("take three steps forward"), and little else.  One other word, and it is none: what that word might
 * mean, a negation, a question, a direction, need not be understood.  And the symbols must be of the verbs
 * and the numbers that were said, all of them and no others.
 *
 * A stop is none of this module's business: it is obeyed however it was asked for.  In doubt it is no
 * order: to say it again in plain words costs little.  English only, as halt.h.
 *
 * Pure: no allocation, time linear in the bytes, any bytes.  Any thread.
 */
#ifndef SEM_WISH_H
#define SEM_WISH_H

#include <stdbool.h>
#include <stddef.h>
#include "sem/line.h"
#include "sem/utterance.h"

#define WISH_WHY_MAX REFUSAL_WHAT_MAX

/*
 * Does `said` ask for the intents of `u`, which was resolved?  When it does not, `why` says so in a few words
 * ("a question").  `is_name` tells which words the machine may be called by; NULL: none.
 */
bool wish_asks_for(const char *said, size_t bytes, line_name *is_name, void *self, const struct utterance *u,
		char why[WISH_WHY_MAX]);

#endif
