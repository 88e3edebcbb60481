/*
 * view.c - what it costs to write a model's view of the machine, the whole of it and what has changed since a look.
 *
 *     bench-view DIR        commands on stdin, answers as in keep.c:
 *
 *     whole COUNT        so many views of a machine with 4 chunks in focus, 32 fields, 64 beliefs (a third contested),
 *                        16 turns, 4 goals and 16 words, all of them shown
 *     delta COUNT        the same machine, since a look of which an eighth has changed
 *     last               items, bytes and tokens of the last view
 */
#include <math.h>
#include <signal.h>
#include <sys/prctl.h>
#include "base/check.h"
#include "bench/lib/must.h"
#include "bench/lib/samples.h"
#include "bench/lib/ticks.h"
#include "sem/briefing.h"

#define MIN_NS INT64_C(60000000000)

enum { GOALS = 4, WORDS = 16, BELIEFS = 64, TURNS = 16, FIELDS = 32, FOCUS = 4, NUMBERS = 8, NOW_S = 1795651200 };

static char names[BELIEFS][32];
static struct briefing_goal goals[GOALS];
static struct briefing_word words[WORDS];
static struct briefing_belief beliefs[BELIEFS];
static struct briefing_turn turns[TURNS];
static struct briefing_field fields[FIELDS];
static struct briefing_focus focus[FOCUS];
static double numbers[NUMBERS] = { 0.012345, -0.02, 9.80665, 0, 1.5, -22.25, 3, 1013.25 };
static struct briefing_account account;
static char text[64 << 10];

static struct briefing_mark mark(const char *key, const char *who, unsigned i) {
	return (struct briefing_mark){ key, who, 1 + 8 * (i + 1), (int64_t)(i + 1) * 3 * MIN_NS, 1.0 / (1 + i) };
}

static struct briefing furnished(void) {
	static const char *const goal_texts[GOALS] = { "keep the front door shut", "water the plants",
		"be quiet at night", "find Ana's keys" };
	for (unsigned i = 0; i < BELIEFS; i++)
		snprintf(names[i], sizeof(names[i]), "room_%u.thing", i);
	for (unsigned i = 0; i < GOALS; i++)
		goals[i] = (struct briefing_goal){ .mark = mark(goal_texts[i], "ana", i) };
	for (unsigned i = 0; i < WORDS; i++)
		words[i] = (struct briefing_word){ mark(names[i], "phoenician_v2", i), "walk so many steps" };
	for (unsigned i = 0; i < BELIEFS; i++)
		beliefs[i] = (struct briefing_belief){ mark(names[i], "camera_0", i), "open", 0.87, 0.9, i % 3 == 0,
			{ "ana", "locked", (int64_t)(i + 2) * MIN_NS, 0.6, 3 } };
	for (unsigned i = 0; i < TURNS; i++)
		turns[i] = (struct briefing_turn){ mark(NULL, "ana", i), "Where did I put the keys of the shed?",
			"You put them on the shelf beside the door an hour ago." };
	for (unsigned i = 0; i < FIELDS; i++)
		fields[i] = (struct briefing_field){ mark(names[i], "imu_0", i), i % 4 ? NULL : "a face at the door",
			numbers, NUMBERS, "m/s2", 0.92, CDM_OK };
	for (unsigned i = 0; i < FOCUS; i++)
		focus[i] = (struct briefing_focus){ mark("one face at the door", "camera_0", i) };
	return (struct briefing){ .now = { NOW_S * INT64_C(1000000000) }, .budget = 16000, .goals = goals,
		.words = words, .beliefs = beliefs, .turns = turns, .fields = fields, .focus = focus,
		.goal_count = GOALS, .word_count = WORDS, .belief_count = BELIEFS, .turn_count = TURNS,
		.field_count = FIELDS, .focus_count = FOCUS, .asked = &beliefs[BELIEFS / 2].mark };
}

static void render(const struct briefing *b, uint32_t count) {
	double tick = tick_ns();
	samples_begin(count);
	while (sample_count < count) {
		uint64_t from = ticks();
		must(briefing_render(b, text, sizeof(text), &account), "briefing");
		samples[sample_count++] = (double)(ticks() - from) * tick;
	}
	samples_out();
}

static void tell_last(void) {
	unsigned shown = 0;
	for (unsigned s = 0; s < BRIEFING_SECTION_COUNT; s++)
		shown += account.shown[s];
	printf("ok %u %zu %u\n", shown, account.bytes, account.tokens);
}

static void do_line(const char *line) {
	uint32_t n;
	struct briefing b = furnished();
	if (sscanf(line, "whole %u", &n) == 1) {
		render(&b, n);
	} else if (sscanf(line, "delta %u", &n) == 1) {
		b.is_delta = true;
		b.since_record = 1 + 8 * (BELIEFS - BELIEFS / 8);
		b.since_age_ns = 2 * MIN_NS;
		render(&b, n);
	} else if (strcmp(line, "last\n") == 0) {
		tell_last();
	} else {
		die("not understood: %s", line);
	}
}

int main(void) {
	char line[256];
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	printf("ok -\n");
	fflush(stdout);
	while (fgets(line, sizeof(line), stdin)) {
		do_line(line);
		fflush(stdout);
	}
	return 0;
}
