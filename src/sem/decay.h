/*
 * decay.h - 2^x for x <= 0 and what is made of it, with the same bytes on every machine.
 *
 * Only additions and multiplications of binary64 in a written order, no libm and no contraction
 * (the module is compiled with -ffp-contract=off), so that a fold of the journal gives the same
 * state everywhere.  Relative error below 4e-16.  Pure; any thread.
 */
#ifndef SEM_DECAY_H
#define SEM_DECAY_H

#include <stdint.h>

/* 2^x, for x <= 0; 1 above and for NaN, 0 where the result would be below 2^-1000. */
double decay_exp2(double x);

/*
 * 2^(-age / half_life).  1 when age <= 0 (a clock that went back makes nothing fresher) or
 * half_life <= 0 (never decays).
 */
double decay_factor(int64_t age_ns, int64_t half_life_ns);

/* tanh(x), for saturation; error below 1e-15. */
double decay_tanh(double x);

/* The cube root of x in 0..1; 0 below, 1 above. */
double decay_root3(double x);

#endif
