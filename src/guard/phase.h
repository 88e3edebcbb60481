/*
 * phase.h - what the guard is doing, and the only ways from one to another.
 *
 *                 a new motion
 *         .--------------------------.
 *         |         done             v
 *      +------+ <--------------- +--------+ --.
 *      | IDLE |                  | MOVING |   | renewed
 *      +------+                  +--------+ <-'
 *       |    |  asked,  lease, limit,  |  ^  ^
 *       |    |  quit    feedback ...   |  |  |
 *       |    |        +------+ <-------'  |  |
 *       |    '------> | SAFE | -----------'  |   a new motion, issued after the
 *       |             +------+               |   stop was acknowledged on the bus
 *       | stop          | stop               |
 *       |               v                    |
 *       '-----------> +-------+ -------------'
 *     (from MOVING,   | ESTOP | --.
 *      too)           +-------+ <-' stop again
 *
 * IDLE    no set-points are sent; the joints hold where they are
 * MOVING  set-points go from where the joints are to where core says, at limited rates
 * SAFE    set-points go to the safe pose, at half the limit, and stay there
 * ESTOP   the joints hold where they are, and nothing but a new motion ends that
 */
#ifndef GUARD_PHASE_H
#define GUARD_PHASE_H

#include <stdbool.h>

enum guard_phase { PHASE_IDLE, PHASE_MOVING, PHASE_SAFE, PHASE_ESTOP, PHASE_COUNT };

enum guard_reason {
#define REASON(name, text, meaning) REASON_##name,
#include "guard/reason.def"
#undef REASON
	REASON_COUNT
};

bool phase_may(enum guard_phase from, enum guard_phase to);
const char *phase_text(unsigned phase);
const char *phase_reason_text(unsigned reason);

#endif
