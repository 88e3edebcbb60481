/* awareness.c - see awareness.h. */
#include "sem/awareness.h"

#include <float.h>
#include <math.h>
#include <string.h>
#include "base/clock.h"
#include "sem/decay.h"

double awareness_level(const struct awareness_cell *c, int64_t half_life_ns, struct cdm_mono now) {
	return c->level * decay_factor(mono_since(c->at, now), half_life_ns);
}

double awareness_add(struct awareness_cell *c, int64_t half_life_ns, struct cdm_mono now,
		double gain, double trust, double quality, double evidence) {
	double level = awareness_level(c, half_life_ns, now),
	       more = gain * trust * quality * evidence;
	if (isfinite(more))
		level = AWARENESS_CEILING * decay_tanh((level + more) / AWARENESS_CEILING);
	c->level = level;
	if (now.ns > c->at.ns)
		c->at = now;
	return level;
}

/* 0..1, of a time: the mixer of splitmix64. */
static double draw(struct cdm_mono t) {
	uint64_t x = (uint64_t)t.ns + UINT64_C(0x9e3779b97f4a7c15);
	x = (x ^ x >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	x = (x ^ x >> 27) * UINT64_C(0x94d049bb133111eb);
	return (double)((x ^ x >> 31) >> 11) * 0x1p-53;
}

/* The float beside f, of the same sign: away from 0, or towards it. */
static float beside(float f, bool away) {
	uint32_t bits;
	memcpy(&bits, &f, sizeof(bits));
	bits += away ? 1u : UINT32_MAX;
	memcpy(&f, &bits, sizeof(f));
	return f;
}

float awareness_settle(struct awareness_cell *c) {
	double size = fabs(c->level);
	float f = (float)size;
	if (size < (double)FLT_MIN)
		f = 0.0f;
	else if ((double)f != size) {
		float low = (double)f > size ? beside(f, false) : f, high = beside(low, true);
		double rest = (size - (double)low) / ((double)high - (double)low);
		f = draw(c->at) < rest ? high : low;
	}
	f = c->level < 0.0 ? -f : f;
	c->level = (double)f;
	return f;
}

void awareness_clear(struct awareness_cell *c, struct cdm_mono now) {
	*c = (struct awareness_cell){ 0, now };
}

void awareness_read(const struct awareness_cell *cells, size_t count, int64_t half_life_ns,
		struct cdm_mono now, float *out) {
	for (size_t i = 0; i < count; i++)
		out[i] = (float)awareness_level(&cells[i], half_life_ns, now);
}

bool awareness_changed(double level, double sent, double least, struct cdm_mono sent_at,
		struct cdm_mono now) {
	double change = level > sent ? level - sent : sent - level;
	return change > least || mono_since(sent_at, now) >= NS_PER_S;
}
