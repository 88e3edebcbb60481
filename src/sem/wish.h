/*
 * wish.h - does a person's line ask for anything to be done at all?
 *
 * Models make symbols even of "I said do not walk", "should I walk?" and "walk zero steps".  Read here is
 * not what the line wishes, but whether it can be one: no when it
 *
 *      negates        not, never, no, without, don't ...
 *      asks           begins a clause with what, should, is ..., or ends with '?'; but "can you walk" and
 *                     "could you please walk?" are wishes
 *      reports        said, told, asked ... of anybody but "I"; walked, turned
 *      makes a condition   if, unless, when, until, before, after, tomorrow ...
 *      counts none or a part   zero, half, minus, -3, 0.5, 1/2
 *
 * A stop is none of this module's business: it is obeyed however it was asked for.  In doubt it is no
 * wish: to say it again in plain words costs little.  English only, as halt.h.
 *
 * Pure: no allocation, time linear in the bytes, any bytes.  Any thread.
 */
#ifndef SEM_WISH_H
#define SEM_WISH_H

#include <stddef.h>
#include <stdint.h>

#define WISH_NUMBER_MAX 1000000 /* a larger one is read as this */

struct wish {
	const char *unasked; /* why it cannot be one, in a few words ("a question"); static; NULL when it can */
	unsigned numbers;    /* how many it names, in digits or in words ("ninety-nine" is one) */
	uint32_t number;     /* the last of them; 0 when there is none */
};

struct wish wish_read(const char *text, size_t bytes);

#endif
