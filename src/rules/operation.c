/* operation.c - see operation.h. */
#include "rules/operation.h"

#include <math.h>
#include <string.h>

#define ELEMENT(type) \
	do { \
		type v; \
		memcpy(&v, bytes + i * sizeof(v), sizeof(v)); \
		return (double)v; \
	} while (0)

/* What has no number (halves, raw bytes) counts as nothing. */
static double element(const struct rule_source *s, const uint8_t *bytes, uint32_t i) {
	switch ((enum cdm_dtype)s->plan->dtype) {
	case CDM_F32: ELEMENT(float);
	case CDM_F64: ELEMENT(double);
	case CDM_U8:
	case CDM_BOOL: ELEMENT(uint8_t);
	case CDM_I8: ELEMENT(int8_t);
	case CDM_U16: ELEMENT(uint16_t);
	case CDM_I16: ELEMENT(int16_t);
	case CDM_U32: ELEMENT(uint32_t);
	case CDM_I32: ELEMENT(int32_t);
	case CDM_U64: ELEMENT(uint64_t);
	case CDM_I64: ELEMENT(int64_t);
	default: return 0.0;
	}
}

static uint32_t elements(const struct rule_source *s) {
	size_t size = cdm_dtype_size(s->plan->dtype);
	return size ? (uint32_t)(s->info.bytes / size) : 0;
}

/* Of detections [n, 6] the scores count; of anything else every element. */
static double largest(const struct rule_source *s) {
	bool detections = s->plan->dims == 2 && s->plan->shape[1] == 6;
	double most = 0.0;
	for (uint32_t i = detections ? 4 : 0; i < elements(s); i += detections ? 6 : 1)
		most = fmax(most, element(s, s->bytes, i));
	return fmin(most, 1.0);
}

static double op_max(const struct rule *r) {
	double most = 0.0;
	for (unsigned i = 0; i < r->plan->source_count; i++)
		if (r->sources[i].have)
			most = fmax(most, largest(&r->sources[i]));
	return most;
}

static double op_weighted_mean(const struct rule *r) {
	double sum = 0.0, weight = 0.0;
	for (unsigned i = 0; i < r->plan->source_count; i++) {
		const struct rule_source *s = &r->sources[i];
		if (!s->have)
			continue;
		sum += (double)s->info.trust * largest(s);
		weight += (double)s->info.trust;
	}
	return weight > 0.0 ? sum / weight : 0.0;
}

/* How far the fastest joint (degrees) went since the last sample, against 1 degree: 50 degrees a second at 50 Hz. */
static double op_motion(const struct rule *r) {
	const struct rule_source *s = &r->sources[0];
	double most = 0.0;
	uint32_t joints = elements(s) < 18 ? elements(s) : 18;
	if (!s->have || s->samples < 2)
		return 0.0; /* where a joint is says nothing of whether it moves */
	for (uint32_t i = 0; i < joints; i++)
		most = fmax(most, fabs(element(s, s->bytes, i) - element(s, s->before, i)));
	return fmin(most, 1.0);
}

/* Both views must agree: the lesser of what they see. */
static double op_stereo(const struct rule *r) {
	double least = 1.0;
	for (unsigned i = 0; i < r->plan->source_count; i++)
		least = fmin(least, r->sources[i].have ? largest(&r->sources[i]) : 0.0);
	return least;
}

static double (*const operations[PLAN_OP_COUNT])(const struct rule *r) = {
	[PLAN_OP_MAX] = op_max,
	[PLAN_OP_WEIGHTED_MEAN] = op_weighted_mean,
	[PLAN_OP_MOTION] = op_motion,
	[PLAN_OP_STEREO] = op_stereo,
};

bool operation_is_known(unsigned operation) {
	return operation < PLAN_OP_COUNT && operations[operation];
}

double operation_evidence(const struct rule *r) {
	return operations[r->plan->operation](r);
}
