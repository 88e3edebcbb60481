/*
 * guard.h - the last word before a motor: a pure step function.
 *
 *      commands of core --.                        .--> frames for the bus
 *      frames of the bus --+--> guard_step(now) ---+--> feedback and state to publish
 *      stop, quit, deaths -'                       '--> (fixed memory, nothing else)
 *
 * One struct guard looks after one actuator.  It has fixed memory, reads no clock, allocates nothing
 * and cannot fail, so that what it does depends on its inputs alone and each path can be tested.
 *
 * What must always be true:
 *   - no set-point outside the plan's angles is sent, except on the way back in from a joint that
 *     is found outside; none that moves faster than the plan's rates;
 *   - after a stop, a lost lease, a restart of guard or core, nothing moves because of a command that
 *     was issued before it; only the way to the safe pose is the guard's own;
 *   - an emergency stop is obeyed in every phase, at once, and is on the bus before it is acknowledged;
 *   - it never starts a motion without knowing where all joints are.
 *
 * Threads: none; a struct guard belongs to its caller.
 */
#ifndef GUARD_GUARD_H
#define GUARD_GUARD_H

#include <stdbool.h>
#include <stdint.h>
#include "base/clock.h"
#include "cadmus/can.h"
#include "guard/command.h"
#include "guard/limits.h"
#include "guard/phase.h"
#include "guard/ramp.h"
#include "schema/plan.h"

#define GUARD_TICK_NS (10 * NS_PER_MS)     /* call guard_step() at least this often */
#define GUARD_SETPOINT_NS (20 * NS_PER_MS) /* 50 Hz */
#define GUARD_HEARTBEAT_NS (50 * NS_PER_MS) /* 20 Hz; also between repetitions of a stop */
#define GUARD_FEEDBACK_MAX_NS (100 * NS_PER_MS) /* a joint silent for longer is blind motion */
#define GUARD_STOP_FRAMES 3  /* an emergency stop is said so often */
#define GUARD_FRAMES_MAX (MOTION_JOINTS_MAX + 2) /* most that one step sends */

/* "<actuator>.feedback": f32[24]. */
enum guard_feedback {
	FEEDBACK_JOINT = 0,    /* .. 17: degrees */
	FEEDBACK_X_M = 18,     /* of the body, from where its node began; left is y, turns to the left are positive */
	FEEDBACK_Y_M,
	FEEDBACK_HEADING_DEG,
	FEEDBACK_SPEED_DEG_S,  /* of the fastest joint */
	FEEDBACK_AGE_MS,       /* of the oldest position in it */
	FEEDBACK_PHASE,        /* enum guard_phase */
	FEEDBACK_COUNT
};

/* "<actuator>.state": u32[9]. */
enum guard_state {
	STATE_PHASE,       /* enum guard_phase */
	STATE_REASON,      /* enum guard_reason */
	STATE_COMMAND_LOW, /* newest motion obeyed, low and high half */
	STATE_COMMAND_HIGH,
	STATE_REFUSALS,    /* commands refused; the last one's reason is in the event */
	STATE_SENT,        /* frames */
	STATE_BAD,         /* frames refused: checksum or order */
	STATE_STOPS,       /* emergency stops */
	STATE_FOREIGN,     /* frames with ids that only we send: another machine drives this bus */
	STATE_COUNT
};

struct guard_joint {
	struct ramp ramp;
	int32_t seen_cdeg;
	struct cdm_mono seen; /* ns 0: never */
	uint8_t speed;        /* CDM_CAN_RATE_UNIT_CDEG_S */
	bool fresh;           /* since the last feedback was taken */
	struct cdm_can_order order;
	uint8_t counter;
};

struct guard_body {
	int64_t x_mm, y_mm, heading_cdeg;
	struct cdm_can_pose last;
	struct cdm_can_order order;
};

struct guard {
	struct limits limits;
	int32_t pose_cdeg[MOTION_JOINTS_MAX]; /* the safe one */
	bool pose_is_hold;
	uint8_t node_base;
	struct guard_joint joints[MOTION_JOINTS_MAX];
	struct guard_body body;

	enum guard_phase phase;
	enum guard_reason reason;
	struct cdm_mono now;
	int64_t barrier_ns;     /* motions must be issued after it; INT64_MAX: a stop is not on the bus yet */
	uint64_t command_id, seq;
	int64_t valid_until_ns, deadline_ns;
	uint16_t motion;        /* number of motions and safe states, as the bus counts them */
	unsigned stop_frames;   /* still to be sent */
	uint8_t stop_counter, heartbeat_counter;
	bool quitting;
	int64_t next_setpoint_ns, next_heartbeat_ns, next_stop_ns, stepped_ns;

	enum guard_refusal last_refusal;
	uint32_t refusals, sent, bad, stops, foreign;
};

/*
 * `index`: of `a` in the plan's actuators.  `first_motion`: any number that is likely not the one on
 * the bus before a restart.  -EINVAL with the reason in diag: limits or nodes that cannot be.
 */
MUST_CHECK int guard_init(struct guard *g, const struct plan_actuator *a, uint32_t index,
		struct cdm_mono now, uint16_t first_motion, struct cdm_diag *diag);

/*
 * One step: hear `rx`, obey or refuse `command` (NULL: none), watch, and put what is to be sent into
 * tx, which has room for GUARD_FRAMES_MAX.  Returns the number of frames.  `now` never goes back.
 */
unsigned guard_step(struct guard *g, struct cdm_mono now, const struct motion_command *command,
		const struct cdm_frame *rx, unsigned rx_count, struct cdm_frame tx[GUARD_FRAMES_MAX]);

/* Emergency stop.  It may be acknowledged once guard_stop_is_said(). */
void guard_stop(struct guard *g, struct cdm_mono now, enum guard_reason reason);
/* The bus did not take `f` of the last step: a stop is said again at the next one, and until then it is not said. */
void guard_unsent(struct guard *g, const struct cdm_frame *f);
/* Is the newest stop on the bus? */
bool guard_stop_is_said(const struct guard *g);
/* Core is dead; and: core is there (again), and counts its commands anew. */
void guard_core_lost(struct guard *g, struct cdm_mono now);
void guard_core_started(struct guard *g, struct cdm_mono now);
/* Go to the safe state and take no more commands; then, is it reached? */
void guard_quit(struct guard *g, struct cdm_mono now);
bool guard_is_settled(const struct guard *g);

/* A whole set of positions, if there is a new one since the last call; `source`: of its oldest. */
bool guard_take_feedback(struct guard *g, float out[FEEDBACK_COUNT], struct cdm_mono *source);
void guard_get_state(const struct guard *g, uint32_t out[STATE_COUNT]);

#endif
