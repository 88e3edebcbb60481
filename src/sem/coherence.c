/* coherence.c - see coherence.h. */
#include "sem/coherence.h"

#include "base/check.h"
#include "sem/decay.h"

static double least(double a, double b) {
	return b < a ? b : a;
}

static double completeness_of(const struct coherence_input *i) {
	uint32_t most = i->missing_max ? i->missing_max : 1;
	return i->missing >= most ? 0 : 1 - (double)i->missing / most;
}

static double agreement_of(double p) {
	return p >= COHERENCE_ALPHA ? 1 : p > 0 ? p / COHERENCE_ALPHA : 0;
}

static enum coherence_part limiting_of(const struct coherence *c) {
	const double parts[] = { 1, c->freshness, c->completeness, c->agreement, c->integrity };
	unsigned worst = COHERENCE_NOTHING;
	for (unsigned i = 1; i < COUNT_OF(parts); i++)
		if (parts[i] < parts[worst])
			worst = i;
	return (enum coherence_part)worst;
}

struct coherence coherence_of(const struct coherence_input *inputs, size_t count, double p) {
	struct coherence c = { 1, 1, agreement_of(p), 1, 0, 0, 0 };
	if (count == 0)
		c.freshness = 0;
	for (size_t i = 0; i < count; i++) {
		c.freshness = least(c.freshness,
				decay_factor(inputs[i].age_ns, inputs[i].half_life_ns));
		c.completeness = least(c.completeness, completeness_of(&inputs[i]));
		if (!inputs[i].intact)
			c.integrity = 0;
	}
	c.score = decay_root3(c.freshness * c.completeness * c.agreement) * c.integrity;
	c.limiting = (uint8_t)limiting_of(&c);
	c.state = (uint8_t)coherence_state(c.score);
	return c;
}

enum coherence_state coherence_state(double score) {
	if (score >= COHERENCE_COHERENT)
		return COHERENCE_IS_COHERENT;
	return score >= COHERENCE_DEGRADED ? COHERENCE_IS_DEGRADED : COHERENCE_IS_INCOHERENT;
}

const char *coherence_state_text(unsigned state) {
	static const char *const texts[] = { "INCOHERENT", "DEGRADED", "COHERENT" };
	return state < COUNT_OF(texts) ? texts[state] : "?";
}

const char *coherence_part_text(unsigned part) {
	static const char *const texts[] = { "nothing", "freshness", "completeness", "agreement",
		"integrity" };
	return part < COUNT_OF(texts) ? texts[part] : "?";
}
