/*
 * wanted.h - texts whose vectors are wanted, between the thread that wants them and the one that asks a model.
 *
 *      FREE -> WAITING -> ASKED -> MADE -> FREE
 *                 ^         |
 *                 +---------+   the model went away, or had something better to do
 *
 * Two kinds: passages of the memory, which are there as long as a pass over the memory asks for them, and questions,
 * each from when it is put until it is dropped.  Questions come first.  One text is ASKED at a time.
 *
 * Locked within; nothing here waits for anything.
 */
#ifndef RUNTIME_WANTED_H
#define RUNTIME_WANTED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "base/check.h"
#include "model/wire.h"

struct wanted;

struct wanted_text {
	size_t bytes;
	char text[WIRE_TEXT_MAX];
};

/* -ENOMEM. */
MUST_CHECK int wanted_create(struct wanted **out);
/* Accepts NULL; sets *w NULL. */
void wanted_destroy(struct wanted **w);

/* ---- who asks the model ---- */

/* It is there, and its vectors have so many numbers; 0: it is not.  What it was asked waits again. */
void wanted_model(struct wanted *w, unsigned dims);
/* `id` > 0, the caller's.  False: there is no model, or no room. */
bool wanted_put(struct wanted *w, uint64_t id, const char *text, size_t bytes);
/* WAITING -> ASKED: the next one, of questions alone where not `any`; false: none. */
bool wanted_next(struct wanted *w, bool any, struct wanted_text *out);
/* Does a question wait for what matters less: a passage, or a question that was dropped? */
bool wanted_hurries(struct wanted *w);
/*
 * What became of the one that is asked: 0 and its vector; -EAGAIN: it is to be asked again; other: never.  True: the
 * other thread has something to do now.
 */
MUST_CHECK bool wanted_made(struct wanted *w, int rc, const struct wire_floats *v);

/* ---- who wants them ---- */

/* As the model said them last, also where it went away since; 0: it was never there. */
unsigned wanted_dims(struct wanted *w);
/* A pass over the memory is over; what it has taken, or did not ask for, is dropped. */
void wanted_pass(struct wanted *w);
/*
 * The vector into dims numbers (those it does not have are 0), or why there is none; -EAGAIN: not now, and from now on
 * it is wanted if `want`.
 */
MUST_CHECK int wanted_get(struct wanted *w, const char *text, size_t bytes, bool want, float *out, unsigned dims);
/* Is there something that the model could be asked, and is not? */
bool wanted_any(struct wanted *w);
/* Is a question on its way? */
bool wanted_comes(struct wanted *w, uint64_t id);
void wanted_drop(struct wanted *w, uint64_t id);

#endif
