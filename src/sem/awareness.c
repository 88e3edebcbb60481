/* awareness.c - see awareness.h. */
#include "sem/awareness.h"

#include <math.h>
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
