/*
 * lifecycle.c - the table is asked row by row; each guard is one case of holds().  A guard that begins
 * something costly reads `x >= limit`, so that what is no number does not hold; one that ends it reads `!(x >= limit)`.
 */
#include "sem/lifecycle.h"

#include <stddef.h>
#include "sem/coherence.h"

enum guard { IN_DANGER, BOOTED, ASKED, QUIET, DONE, STIRRED, MAY_DREAM, DREAMT, SAFE_TO_BOOT, SAFE };

static const struct {
	uint8_t from, to, guard;
	const char *when;
} moves[] = {
#define MOVE(from, to, guard, when) { LIFECYCLE_##from, LIFECYCLE_##to, guard, when },
#include "sem/lifecycle.def"
#undef MOVE
};

static bool is_booted(const struct lifecycle_input *in) {
	return in->folded && in->ready;
}

static bool is_asked(const struct lifecycle_input *in) {
	return in->turns > 0 || in->motions > 0;
}

static bool is_quiet(const struct lifecycle_input *in) {
	return in->quiet_ns >= LIFECYCLE_QUIET_NS;
}

/* Before the start is over, and in a crisis of that time, nothing has been heard of: C is 0 then and says nothing. */
static bool is_incoherent(enum lifecycle_state state, const struct lifecycle_input *in) {
	double least = state == LIFECYCLE_CRISIS ? LIFECYCLE_COHERENT_AGAIN : COHERENCE_DEGRADED;
	return state != LIFECYCLE_BOOT && is_booted(in) && in->actuator_live && !(in->coherence >= least);
}

unsigned lifecycle_causes(enum lifecycle_state state, const struct lifecycle_input *in) {
	return (in->process_gone ? LIFECYCLE_PROCESS : 0u) | (in->stop_latched ? LIFECYCLE_STOP : 0u) |
	       (in->disk_refuses ? LIFECYCLE_DISK : 0u) | (is_incoherent(state, in) ? LIFECYCLE_INCOHERENT : 0u);
}

static bool may_dream(const struct lifecycle_input *in) {
	return in->chores > 0 && in->dwell_ns >= LIFECYCLE_REST_NS && in->budget >= LIFECYCLE_DREAM_BUDGET &&
	       in->load <= LIFECYCLE_DREAM_LOAD;
}

static bool must_end_dream(const struct lifecycle_input *in) {
	return in->chores == 0 || !(in->budget >= LIFECYCLE_DREAM_BUDGET_LEAST) ||
	       !(in->load <= LIFECYCLE_DREAM_LOAD_MOST);
}

static bool holds(enum guard guard, enum lifecycle_state state, const struct lifecycle_input *in) {
	bool held = in->dwell_ns >= LIFECYCLE_HOLD_NS;
	switch (guard) {
	case IN_DANGER:
		return lifecycle_causes(state, in) != 0;
	case BOOTED:
		return is_booted(in);
	case ASKED:
		return is_asked(in);
	case QUIET:
		return is_quiet(in);
	case DONE:
		return held && !is_asked(in);
	case STIRRED:
		return !is_quiet(in);
	case MAY_DREAM:
		return may_dream(in);
	case DREAMT:
		return must_end_dream(in);
	case SAFE_TO_BOOT:
		return lifecycle_causes(state, in) == 0 && held && !is_booted(in);
	case SAFE:
		return lifecycle_causes(state, in) == 0 && held;
	}
	return false;
}

enum lifecycle_state lifecycle_next(enum lifecycle_state state, const struct lifecycle_input *in) {
	CHECK(state < LIFECYCLE_STATE_COUNT);
	for (size_t i = 0; i < COUNT_OF(moves); i++)
		if (moves[i].from == state && holds((enum guard)moves[i].guard, state, in))
			return (enum lifecycle_state)moves[i].to;
	return state;
}

/* Index into moves, or its length. */
static size_t move_of(enum lifecycle_state from, enum lifecycle_state to) {
	size_t i = 0;
	while (i < COUNT_OF(moves) && (moves[i].from != from || moves[i].to != to))
		i++;
	return i;
}

bool lifecycle_is_move(enum lifecycle_state from, enum lifecycle_state to) {
	return move_of(from, to) < COUNT_OF(moves);
}

const char *lifecycle_move_text(enum lifecycle_state from, enum lifecycle_state to) {
	size_t i = move_of(from, to);
	return i < COUNT_OF(moves) ? moves[i].when : "?";
}

const char *lifecycle_state_text(unsigned state) {
	static const char *const texts[] = { "BOOT", "WAKE", "FOCUS", "REST", "DREAM", "CRISIS" };
	_Static_assert(COUNT_OF(texts) == LIFECYCLE_STATE_COUNT, "one text a state");
	return state < COUNT_OF(texts) ? texts[state] : "?";
}

const char *lifecycle_cause_text(unsigned cause) {
	switch (cause) {
	case LIFECYCLE_PROCESS:
		return "a required process is gone";
	case LIFECYCLE_STOP:
		return "an emergency stop is latched";
	case LIFECYCLE_DISK:
		return "the disk refuses records";
	case LIFECYCLE_INCOHERENT:
		return "the state is incoherent while an actuator is live";
	default:
		return "?";
	}
}
