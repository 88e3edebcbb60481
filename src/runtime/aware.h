/*
 * aware.h - what models say as evidence: the awareness fields that no rule makes.
 *
 * A model's answer that counts (it is on the disk) is evidence 1 for the fields that the model lists
 * in its awareness_fields, and for that of its own sort (linguistic, linguistic_consciousness),
 * weighted by the trust of speaker and model.  So such a field says how much was talked just now, and
 * decays by its half-life; it does not say what was said.
 *
 * Control thread only.  The rules thread has the fields that rules make.
 */
#ifndef RUNTIME_AWARE_H
#define RUNTIME_AWARE_H

#include "base/check.h"
#include "store/peers.h"

struct aware;

/* `peers` is borrowed and outlives it.  *a is NULL when there is no such field, or after a failure. */
MUST_CHECK int aware_open(struct aware **a, struct peers *peers);
/* Accepts NULL; sets *a NULL. */
void aware_close(struct aware **a);

/* `model` (entity) was heard at `when`, with that much trust behind it.  `a` may be NULL. */
void aware_heard(struct aware *a, uint16_t model, double trust, struct cdm_mono when);

#endif
