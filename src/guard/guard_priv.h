/* guard_priv.h - the parts of a step, each in its own file. */
#ifndef GUARD_GUARD_PRIV_H
#define GUARD_GUARD_PRIV_H

#include "guard/guard.h"

/* guard.c: the only way to change the phase; the drawing of phase.h is checked here. */
void guard_enter(struct guard *g, enum guard_phase to, enum guard_reason why);
/* Control the way to the safe pose ourselves, from where the joints are. */
void guard_enter_safe(struct guard *g, enum guard_reason why);
bool guard_feedback_is_fresh(const struct guard *g);

/* guard_hear.c: one frame of the bus. */
void guard_hear(struct guard *g, const struct cdm_frame *f);
/* guard_speak.c: what is due now. */
unsigned guard_speak(struct guard *g, struct cdm_frame tx[GUARD_FRAMES_MAX]);

#endif
