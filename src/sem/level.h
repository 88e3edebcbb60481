/*
 * level.h - how much of a machine's state hangs together: a level of 0 to 4, and what holds it there.
 *
 *      0   no input is live
 *      1   one modality is
 *      2   at least two are, and whether they agree is known, and they do: G >= 0.5
 *      3   2, and a window of history is used, and completeness V >= 0.9
 *      4   3, and coherence C >= 0.8, and there is a goal, and the loop of the actuator is closed
 *
 * A level is a name for these conditions and claims nothing beyond them.  level.def has one line for each reason;
 * the first that holds, from below, is the one that is told.  What is no number does not hold.  Pure; any thread.
 */
#ifndef SEM_LEVEL_H
#define SEM_LEVEL_H

#include <stdbool.h>
#include <stdint.h>
#include "schema/plan.h"

#define LEVEL_TOP 4
#define LEVEL_AGREEMENT_MIN 0.5
#define LEVEL_COMPLETENESS_MIN 0.9
#define LEVEL_TEXT_MAX 96

enum level_reason {
#define LEVEL(id, level, text) LEVEL_##id,
#include "sem/level.def"
#undef LEVEL
	LEVEL_REASON_COUNT
};

struct level_input {
	uint32_t live[PLAN_SORT_COUNT]; /* live inputs, by their consciousness_type: that is the modality */
	bool agreement_known;   /* G is of a test, not 1 for want of a second source */
	double agreement;       /* G, where it is known */
	bool history_used;      /* what is made of the inputs looks back over a window of them */
	double completeness;    /* V of coherence.h */
	double coherence;       /* C of coherence.h */
	uint32_t goals;         /* open ones */
	bool loop_closed;       /* an actuator is live, and was heard of after it was last commanded */
};

struct level {
	uint8_t level;          /* 0..LEVEL_TOP */
	uint8_t reason;         /* enum level_reason */
	double have, need;      /* of the reasons that have numbers; 0 else */
};

struct level level_of(const struct level_input *in);

/* How many modalities are live. */
unsigned level_modalities(const struct level_input *in);

/* "COMPLETENESS"; "?" outside.  Static. */
const char *level_reason_name(unsigned reason);

/* "level 2: completeness is 0.71, 0.9 is needed for 3".  Returns out. */
const char *level_line(const struct level *l, char out[LEVEL_TEXT_MAX]);

#endif
