/*
 * halt.h - does this line ask that everything stops?
 *
 * It does when it holds a sign that stops (TAU, a stop sign, a raised hand), or a word that does (stop, halt,
 * freeze, whoa, abort, and the plain word for it of some other languages) wherever it stands, "stop, there is
 * a child" and "walk on and stop", unless that word is
 *
 *      denied     a negation before it in its clause reaches it: "do not stop", "I did not tell you to stop"
 *      asked of   "what does stop mean?", "when did it stop"; not "what are you doing stop"
 *      a thing    "the bus stop is near", "my stop", "a stop sign"
 *
 * and in any case when a clause is nothing but words that stop and words that add nothing: "please stop
 * the robot now", "that's enough", "hold still", "don't move".  Letters may be large or small, and drawn
 * out ("STOOOP").
 *
 * In doubt it is a stop: a machine that stops wrongly has done no harm.  No word that negates is among
 * those that add nothing: whoever adds one there breaks this.
 *
 * Pure: no state, no allocation, time linear in the bytes.  Any thread.
 */
#ifndef SEM_HALT_H
#define SEM_HALT_H

#include <stdbool.h>
#include <stddef.h>
#include "sem/line.h"

/* `is_name` may be NULL: then there are no names. */
bool halt_is_asked(const char *text, size_t bytes, line_name *is_name, void *self);

#endif
