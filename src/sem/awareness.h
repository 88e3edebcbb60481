/*
 * awareness.h - a field of decaying evidence: how much of something there is just now.
 *
 * A cell is a level and the time it is of.  Between events nothing happens to it; whoever reads it
 * computes a(t) = a * 2^(-(t - t0) / h), exactly, so there is no tick and no drift.  New evidence
 * is added to what is left and the sum saturates: a <- A tanh(a / A) with A = 1, so a level stays
 * within -1..1.
 *
 * Times are of one clock; an event from before the cell's time counts as of the cell's time.
 * Pure; one writer a cell.
 */
#ifndef SEM_AWARENESS_H
#define SEM_AWARENESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "cadmus/types.h"

#define AWARENESS_CEILING 1.0

struct awareness_cell {
	double level; /* at `at` */
	struct cdm_mono at;
};

/* The level now. */
double awareness_level(const struct awareness_cell *c, int64_t half_life_ns, struct cdm_mono now);

/*
 * Add evidence: gain of the rule, trust in the source (0..1), quality of the sample (0..1), and
 * what it says.  Returns the new level.  What is not a finite number is left out.
 */
double awareness_add(struct awareness_cell *c, int64_t half_life_ns, struct cdm_mono now,
		double gain, double trust, double quality, double evidence);

/*
 * Make the level a float, and return it: then what is published is the whole state, and who reads it can go on from
 * there to the byte.  Up or down is drawn from the time, with the odds that keep the mean: rounded to the nearest, what
 * decays by less than half a unit in the last place from one event to the next would stay for ever.  Below 2^-126 it
 * is 0.
 */
float awareness_settle(struct awareness_cell *c);

/* Set to nothing, e.g. the explicit clear of a safety field. */
void awareness_clear(struct awareness_cell *c, struct cdm_mono now);

/* The levels of `count` cells, as a field publishes them. */
void awareness_read(const struct awareness_cell *cells, size_t count, int64_t half_life_ns,
		struct cdm_mono now, float *out);

/*
 * Is a level worth sending to a peer that was last told `sent` at `sent_at`?  Changed by more than
 * `least`, or 1 s old.
 */
bool awareness_changed(double level, double sent, double least, struct cdm_mono sent_at,
		struct cdm_mono now);

#endif
