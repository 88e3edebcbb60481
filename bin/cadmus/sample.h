/* sample.h - a field's latest sample for people and programs: `get`, `watch`, `top`, `fly`. */
#ifndef CADMUS_SAMPLE_H
#define CADMUS_SAMPLE_H

#include <jansson.h>
#include "cadmus/types.h"
#include "client/seat.h"
#include "store/field.h"

#define SAMPLE_BYTES_MAX 4096 /* larger ones are described, not copied */

struct sample {
	const struct plan *plan;
	const struct plan_field *field;
	int rc; /* 0, or why there is none: -EAGAIN nothing yet, -EACCES, -EPROTO */
	bool large;
	struct cdm_info info;
	struct cdm_mono now;
	unsigned char bytes[SAMPLE_BYTES_MAX] __attribute__((aligned(8)));
};

/* Read field f; returns x->rc. */
int sample_read(struct seat *s, uint16_t f, struct sample *x);
/* The same through an open field, so that one can wait on it. */
int sample_take(struct field *f, struct sample *x);
/* The first element, awareness decayed to x->now; NAN when there is no number. */
double sample_number(const struct sample *x);
void sample_print(const struct sample *x);
json_t *sample_json(const struct sample *x);

#endif
