/* level.c - reasons are asked for in the order of level.def; the first that holds decides. */
#include "sem/level.h"

#include <math.h>
#include <stdio.h>
#include "base/check.h"
#include "sem/coherence.h"

static const struct {
	const char *name, *text;
	uint8_t level;
} reasons[] = {
#define LEVEL(id, level, text) { #id, text, level },
#include "sem/level.def"
#undef LEVEL
};

unsigned level_modalities(const struct level_input *in) {
	unsigned n = 0;
	for (unsigned s = 0; s < PLAN_SORT_COUNT; s++)
		n += in->live[s] > 0;
	return n;
}

static bool holds_back(const struct level_input *in, enum level_reason r) {
	switch (r) {
	case LEVEL_NO_INPUT:
		return level_modalities(in) == 0;
	case LEVEL_ONE_MODALITY:
		return level_modalities(in) == 1;
	case LEVEL_NO_AGREEMENT:
		return !in->agreement_known;
	case LEVEL_AGREEMENT:
		return !(in->agreement >= LEVEL_AGREEMENT_MIN);
	case LEVEL_NO_HISTORY:
		return !in->history_used;
	case LEVEL_COMPLETENESS:
		return !(in->completeness >= LEVEL_COMPLETENESS_MIN);
	case LEVEL_COHERENCE:
		return !(in->coherence >= COHERENCE_COHERENT);
	case LEVEL_NO_GOAL:
		return in->goals == 0;
	case LEVEL_OPEN_LOOP:
		return !in->loop_closed;
	case LEVEL_NOTHING:
	case LEVEL_REASON_COUNT:
		break;
	}
	return true;
}

struct level level_of(const struct level_input *in) {
	unsigned r = 0;
	while (!holds_back(in, (enum level_reason)r))
		r++;
	struct level l = { .level = reasons[r].level, .reason = (uint8_t)r };
	if (r == LEVEL_AGREEMENT)
		l.have = in->agreement, l.need = LEVEL_AGREEMENT_MIN;
	if (r == LEVEL_COMPLETENESS)
		l.have = in->completeness, l.need = LEVEL_COMPLETENESS_MIN;
	if (r == LEVEL_COHERENCE)
		l.have = in->coherence, l.need = COHERENCE_COHERENT;
	return l;
}

const char *level_reason_name(unsigned reason) {
	return reason < COUNT_OF(reasons) ? reasons[reason].name : "?";
}

const char *level_line(const struct level *l, char out[LEVEL_TEXT_MAX]) {
	const char *text = l->reason < COUNT_OF(reasons) ? reasons[l->reason].text : "?";
	int n = snprintf(out, LEVEL_TEXT_MAX, "level %u: %s", (unsigned)l->level, text);
	CHECK(n > 0 && n < LEVEL_TEXT_MAX);
	size_t room = LEVEL_TEXT_MAX - (size_t)n;
	if (l->need > 0) /* rounded down, or 0.8999 would be 0.90 and yet not enough */
		snprintf(out + n, room, " %.2f, %.1f is needed for %u", floor(l->have * 100 + 1e-9) / 100, l->need,
				l->level + 1u);
	return out;
}
