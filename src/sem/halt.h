/*
 * halt.h - is this text nothing but a wish that everything stops?
 *
 * "Stop!", "emergency stop", "please stop the robot now": at least one word that stops (stop, halt,
 * freeze, the sign TAU, a stop sign), and besides it only words that add nothing to that.  Letters
 * may be large or small, and drawn out ("STOOOP"); punctuation parts words.  Any other word makes
 * it a text for a model: "do not stop", "what does stop mean?", "stop and turn left".
 *
 * No word that negates is among those that add nothing: whoever adds one there breaks this.  In
 * doubt it is a stop: a machine that stops wrongly has done no harm.
 *
 * Pure: no state, no allocation, time linear in the bytes.  Any thread.
 */
#ifndef SEM_HALT_H
#define SEM_HALT_H

#include <stdbool.h>
#include <stddef.h>

#define HALT_WORD_MAX 64 /* bytes with the zero; a text with a longer word is no stop */

/* Is `word`, in small letters as far as ASCII goes, a name that one may call it by? */
typedef bool halt_name(void *self, const char *word);

/* `is_name` may be NULL: then there are no names. */
bool halt_is_asked(const char *text, size_t bytes, halt_name *is_name, void *self);

#endif
