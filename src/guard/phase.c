/* phase.c - the table beside the drawing of phase.h. */
#include "guard/phase.h"

#include "base/check.h"

static const bool moves[PHASE_COUNT][PHASE_COUNT] = {
	[PHASE_IDLE] = { [PHASE_MOVING] = true, [PHASE_SAFE] = true, [PHASE_ESTOP] = true },
	[PHASE_MOVING] = { [PHASE_IDLE] = true, [PHASE_MOVING] = true, [PHASE_SAFE] = true, [PHASE_ESTOP] = true },
	[PHASE_SAFE] = { [PHASE_MOVING] = true, [PHASE_ESTOP] = true },
	[PHASE_ESTOP] = { [PHASE_MOVING] = true, [PHASE_ESTOP] = true },
};

bool phase_may(enum guard_phase from, enum guard_phase to) {
	CHECK(from < PHASE_COUNT && to < PHASE_COUNT);
	return moves[from][to];
}

const char *phase_text(unsigned phase) {
	static const char *const texts[PHASE_COUNT] = { "idle", "moving", "safe", "estop" };
	return phase < PHASE_COUNT ? texts[phase] : "?";
}

const char *phase_reason_text(unsigned reason) {
	static const char *const texts[] = {
#define REASON(name, text, meaning) text,
#include "guard/reason.def"
#undef REASON
	};
	return reason < COUNT_OF(texts) ? texts[reason] : "?";
}
