/*
 * lifecycle.h - what a machine is about as a whole: one of six states, and the moves between them.
 *
 *      BOOT    until the journal is folded and every required process has been ready once
 *      WAKE    live, and nothing is asked of it
 *      FOCUS   a turn or a motion is in the works
 *      REST    no input has changed for a minute, and nothing is asked
 *      DREAM   REST for a minute and more, and there is consolidation to do (a snapshot, compaction), a budget
 *              to do it with, and little load; never while anything is asked
 *      CRISIS  a required process is gone, an emergency stop is latched, the disk refuses records, or C < 0.5 while
 *              an actuator is live
 *
 *                 .------------------- CRISIS <--- from each
 *                 |                      |
 *               BOOT ----------------> WAKE <-----> FOCUS <--- from REST and DREAM
 *                                        ^ |
 *                                        | v
 *                             DREAM <-> REST
 *
 * lifecycle.def is the table of moves; there are no others, because lifecycle_next() can only take a row of it.
 * Nothing flaps: what is entered at once is left late.  CRISIS is entered at C < 0.5 and left at C >= 0.6 and
 * after a second; FOCUS is left after a second; REST takes a minute without a change; DREAM begins at a
 * budget of 0.2 and a load of 0.5 and ends below 0.1 and above 0.85.  In BOOT coherence is no cause: nothing has
 * been heard of yet.
 *
 * What is no number counts against whatever asks for it.  Pure; the caller keeps the state and when it was entered.
 */
#ifndef SEM_LIFECYCLE_H
#define SEM_LIFECYCLE_H

#include <stdbool.h>
#include <stdint.h>
#include "base/check.h"
#include "base/clock.h"

#define LIFECYCLE_QUIET_NS (60 * NS_PER_S)      /* so long without a change is REST */
#define LIFECYCLE_REST_NS (60 * NS_PER_S)       /* so long in REST before DREAM */
#define LIFECYCLE_HOLD_NS NS_PER_S              /* FOCUS and CRISIS last at least so long */
#define LIFECYCLE_COHERENT_AGAIN 0.6            /* C that ends a crisis; COHERENCE_DEGRADED begins it */
#define LIFECYCLE_DREAM_BUDGET 0.2              /* so much must be there to begin */
#define LIFECYCLE_DREAM_BUDGET_LEAST 0.1        /* below that it ends */
#define LIFECYCLE_DREAM_LOAD 0.5
#define LIFECYCLE_DREAM_LOAD_MOST 0.85

enum lifecycle_state {
	LIFECYCLE_BOOT,
	LIFECYCLE_WAKE,
	LIFECYCLE_FOCUS,
	LIFECYCLE_REST,
	LIFECYCLE_DREAM,
	LIFECYCLE_CRISIS,
	LIFECYCLE_STATE_COUNT
};

struct lifecycle_input {
	bool folded;           /* the journal is folded into the state */
	bool ready;            /* each required process has been ready since the start, if only once */
	bool process_gone;     /* one of them has been ready and is not there now */
	bool stop_latched;     /* an emergency stop holds */
	bool disk_refuses;     /* the journal takes no records */
	bool actuator_live;    /* something can be moved now */
	double coherence;      /* C of what would be acted on */
	uint32_t turns, motions; /* in the works */
	uint32_t chores;       /* pieces of consolidation to be done */
	double budget;         /* what is left for chores, 0..1 */
	double load;           /* demand by capacity of the busiest device, 0.. */
	int64_t quiet_ns;      /* since an input last changed, or something was asked */
	int64_t dwell_ns;      /* since the present state was entered */
};

/* Bits: why it is, or would be, CRISIS. */
enum lifecycle_cause {
	LIFECYCLE_PROCESS = 1,
	LIFECYCLE_STOP = 2,
	LIFECYCLE_DISK = 4,
	LIFECYCLE_INCOHERENT = 8,
};

/* The state after this one, which may be the same.  At most one move: call it again when anything is new. */
enum lifecycle_state lifecycle_next(enum lifecycle_state state, const struct lifecycle_input *in);

/* Set of enum lifecycle_cause that hold in this state. */
unsigned lifecycle_causes(enum lifecycle_state state, const struct lifecycle_input *in);

/* Is there such a move?  To stay is none. */
bool lifecycle_is_move(enum lifecycle_state from, enum lifecycle_state to);
/* When it is taken, in words; "?" when there is no such move.  Static. */
const char *lifecycle_move_text(enum lifecycle_state from, enum lifecycle_state to);

/* "WAKE"; "a required process is gone" of a single bit; "?" outside.  Static. */
const char *lifecycle_state_text(unsigned state);
const char *lifecycle_cause_text(unsigned cause);

#endif
