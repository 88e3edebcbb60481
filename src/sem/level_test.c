/*
 * level_test.c - every combination of what a level asks for, against the definition written out once more; that one
 * more condition never lowers it; and what people read.
 */
#include "sem/level.h"

#include <math.h>
#include <stdio.h>
#include <string.h>
#include "base/check.h"

static const double parts[] = { 0, 0.5, 0.71, 0.8 - 1e-12, 0.8, 0.9 - 1e-12, 0.9, 1, NAN };

/* The definition, once more. */
static unsigned meant(const struct level_input *in, unsigned modalities) {
	if (modalities == 0)
		return 0;
	if (modalities < 2 || !in->agreement_known || isnan(in->agreement) || in->agreement < 0.5)
		return 1;
	if (!in->history_used || isnan(in->completeness) || in->completeness < 0.9)
		return 2;
	if (isnan(in->coherence) || in->coherence < 0.8 || in->goals == 0 || !in->loop_closed)
		return 3;
	return 4;
}

static struct level_input input_of(unsigned modalities, unsigned bits, double v, double c) {
	struct level_input in = { .agreement_known = bits & 1, .agreement = 0.5, .history_used = bits >> 1 & 1,
		.completeness = v,
		.coherence = c, .goals = bits >> 2 & 1, .loop_closed = bits >> 3 & 1 };
	for (unsigned m = 0; m < modalities; m++)
		in.live[(m * 3 + 1) % PLAN_SORT_COUNT] = 1 + m;
	return in;
}

static void check_one(const struct level_input *in, unsigned modalities, unsigned reasons[LEVEL_REASON_COUNT]) {
	char line[LEVEL_TEXT_MAX], head[16];
	struct level l = level_of(in);
	CHECK(l.level == meant(in, modalities) && level_modalities(in) == modalities);
	snprintf(head, sizeof(head), "level %u: ", (unsigned)l.level);
	CHECK(level_line(&l, line) == line && strncmp(line, head, strlen(head)) == 0);
	CHECK(strlen(line) < sizeof(line) - 1);
	CHECK((l.reason == LEVEL_NOTHING) == (l.level == LEVEL_TOP));
	CHECK((l.need > 0) == (l.reason == LEVEL_AGREEMENT || l.reason == LEVEL_COMPLETENESS ||
			l.reason == LEVEL_COHERENCE));
	CHECK(!(l.have >= l.need) == (l.need > 0));
	reasons[l.reason]++;
}

static void every_combination(void) {
	unsigned reasons[LEVEL_REASON_COUNT] = { 0 };
	for (unsigned modalities = 0; modalities <= PLAN_SORT_COUNT; modalities++)
		for (unsigned bits = 0; bits < 16; bits++)
			for (size_t v = 0; v < COUNT_OF(parts); v++)
				for (size_t c = 0; c < COUNT_OF(parts); c++) {
					struct level_input in = input_of(modalities, bits, parts[v], parts[c]);
					check_one(&in, modalities, reasons);
					in.agreement = parts[(v + c) % COUNT_OF(parts)];
					check_one(&in, modalities, reasons);
				}
	for (unsigned r = 0; r < LEVEL_REASON_COUNT; r++)
		CHECK(reasons[r] > 0);
}

/* Whatever is added, a level does not sink. */
static void more_is_never_less(void) {
	for (unsigned modalities = 0; modalities < PLAN_SORT_COUNT; modalities++)
		for (unsigned bits = 0; bits < 16; bits++) {
			struct level_input in = input_of(modalities, bits, 0.9, 0.8);
			unsigned level = level_of(&in).level;
			struct level_input wider = input_of(modalities + 1, bits, 0.9, 0.8);
			CHECK(level_of(&wider).level >= level);
			for (unsigned b = 0; b < 4; b++) {
				struct level_input fuller = input_of(modalities, bits | 1u << b, 0.9, 0.8);
				CHECK(level_of(&fuller).level >= level);
			}
		}
}

static const char *said(struct level_input in) {
	static char line[LEVEL_TEXT_MAX];
	struct level l = level_of(&in);
	return level_line(&l, line);
}

static void people_read_what_is_missing(void) {
	CHECK(strcmp(said(input_of(0, 15, 1, 1)), "level 0: no input is live; 1 needs one") == 0);
	CHECK(strcmp(said(input_of(1, 15, 1, 1)), "level 1: one modality is live; 2 needs two") == 0);
	struct level_input split = input_of(2, 15, 1, 1);
	split.agreement = 0.499;
	CHECK(strcmp(said(split), "level 1: agreement is 0.49, 0.5 is needed for 2") == 0);
	CHECK(strcmp(said(input_of(2, 15, 0.71, 1)), "level 2: completeness is 0.71, 0.9 is needed for 3") == 0);
	CHECK(strcmp(said(input_of(2, 15, 0.9 - 1e-6, 1)), "level 2: completeness is 0.89, 0.9 is needed for 3") == 0);
	CHECK(strcmp(said(input_of(3, 15, 0.95, 0.29)), "level 3: coherence is 0.29, 0.8 is needed for 4") == 0);
	CHECK(strcmp(said(input_of(3, 11, 1, 1)), "level 3: there is no goal; 4 needs one") == 0);
	CHECK(strcmp(said(input_of(3, 15, 1, 1)), "level 4: nothing holds it back") == 0);
	CHECK(strcmp(level_reason_name(LEVEL_OPEN_LOOP), "OPEN_LOOP") == 0 && strcmp(level_reason_name(99), "?") == 0);
	struct level wild = { .level = 2, .reason = LEVEL_COMPLETENESS, .have = -1e300, .need = 0.9 };
	char line[LEVEL_TEXT_MAX];
	CHECK(strlen(level_line(&wild, line)) == sizeof(line) - 1);
}

int main(void) {
	every_combination();
	more_is_never_less();
	people_read_what_is_missing();
	puts("level_test: ok");
}
