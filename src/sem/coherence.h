/*
 * coherence.h - may a state be acted on: C = (F V G)^(1/3) I, and which part holds it back.
 *
 *      F freshness     the least 2^(-age / half-life) of the inputs
 *      V completeness  1 - missing / most that may be missing, the least of the inputs
 *      G agreement     min(1, p / 0.05) for the p-value of a test that redundant sources agree; 1
 * when there is one source: nothing disagrees I integrity     1 when every input is intact
 * (checksum, layout, epoch), else 0
 *
 * With no input at all nothing is known and C is 0.  All parts are in 0..1 and are shown with C,
 * never C alone.  Pure; any thread.
 */
#ifndef SEM_COHERENCE_H
#define SEM_COHERENCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define COHERENCE_ALPHA 0.05
#define COHERENCE_COHERENT 0.8
#define COHERENCE_DEGRADED 0.5

struct coherence_input {
	int64_t age_ns, half_life_ns; /* half-life 0: never grows old */
	uint32_t missing;             /* versions that are known to exist and are not here */
	uint32_t missing_max;         /* so many, or more, are worth nothing; 0 counts as 1 */
	bool intact;
};

enum coherence_part {
	COHERENCE_NOTHING, /* nothing holds it back */
	COHERENCE_FRESHNESS,
	COHERENCE_COMPLETENESS,
	COHERENCE_AGREEMENT,
	COHERENCE_INTEGRITY,
};

enum coherence_state { COHERENCE_IS_INCOHERENT, COHERENCE_IS_DEGRADED, COHERENCE_IS_COHERENT };

struct coherence {
	double freshness, completeness, agreement, integrity;
	double score;
	uint8_t limiting; /* enum coherence_part: the least part; of equal ones the first */
	uint8_t state;    /* enum coherence_state */
};

/* `p`: of the test of agreement, 1 for a single source; what is no number counts as 0. */
struct coherence coherence_of(const struct coherence_input *inputs, size_t count, double p);

/* >= 0.8 COHERENT, >= 0.5 DEGRADED, else INCOHERENT. */
enum coherence_state coherence_state(double score);
/* "COHERENT", "freshness"; "?" outside.  Static. */
const char *coherence_state_text(unsigned state);
const char *coherence_part_text(unsigned part);

#endif
