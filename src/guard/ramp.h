/*
 * ramp.h - a set-point on its way to a target, no faster than a rate.
 *
 * Positions are kept in billionths of a hundredth of a degree: a rate in hundredths of a degree per
 * second times nanoseconds is exactly that, so slow rates lose nothing.  Pure.
 */
#ifndef GUARD_RAMP_H
#define GUARD_RAMP_H

#include <stdbool.h>
#include <stdint.h>

#define RAMP_SCALE INT64_C(1000000000)

struct ramp {
	int64_t at; /* RAMP_SCALE to the hundredth of a degree */
	int32_t target_cdeg, rate_cdeg_s;
};

/* Stand still there. */
void ramp_place(struct ramp *r, int32_t cdeg);
/* One step of `elapsed_ns`, 0 to 1 s. */
void ramp_step(struct ramp *r, int64_t elapsed_ns);
/* The set-point, rounded to the nearest. */
int32_t ramp_cdeg(const struct ramp *r);
bool ramp_is_there(const struct ramp *r);

#endif
