/*
 * gait.h - a hexapod's geometry and how its legs move: pure functions of time.
 *
 * Frame of the body: x forward, y left, z up, metres; origin at the height of the coxa joints.
 * Legs 0..5: left front, left middle, left rear, right front, right middle, right rear.  Joints of
 * leg l: 3l coxa (about z, positive turns left), 3l+1 femur (positive lifts), 3l+2 tibia (negative
 * bends the knee), radians.  All joints zero: legs straight out and level.
 *
 * Walking is a tripod gait.  n steps are n + 1 phases: in each, three feet stand and three swing.
 * The body gathers speed in the first phase (half a step), keeps it, and loses it in the last one,
 * so n steps advance it by exactly n times step_m with no jump of velocity, and every foot ends
 * where it stood in the stand pose.  Turning is the same about z, 10 degrees a step.
 *
 * A motion may start from any joints: it first moves slowly to where it begins, straight up or down
 * when the legs stand in a neutral pose, else joint by joint.  Stand, rise and crouch are nothing
 * but that.  Joints change smoothly: position and velocity have no jumps.  Pure; a struct gait is a
 * value.
 */
#ifndef SEM_GAIT_H
#define SEM_GAIT_H

#include <stdbool.h>
#include <stdint.h>
#include "base/check.h"
#include "schema/plan.h"

#define GAIT_LEGS 6
#define GAIT_JOINTS 18
#define GAIT_NUMBER_MAX 999

struct gait_point {
	double x_m, y_m, z_m;
};

struct gait_pose {
	double x_m, y_m, yaw_rad;
};

/* The animal.  gait_hexapod is the default. */
struct gait_body {
	double coxa_m, femur_m, tibia_m;
	struct {
		double x_m, y_m, angle_rad; /* where the coxa sits, and where it points at zero */
	} mounts[GAIT_LEGS];
	double reach_m; /* from coxa joint to foot, along the ground, in all poses */
	double stand_m; /* height of the coxa joints above the ground */
	double crouch_m;
	double step_m;       /* one step forward */
	double turn_rad;     /* one step of a turn */
	double lift_m;       /* of a swinging foot */
	double scan_rad;     /* a sweep goes this far to either side */
	double step_s;       /* one phase */
	double settle_rad_s; /* fastest joint while moving to where a motion begins */
};

extern const struct gait_body gait_hexapod;

struct gait {
	const struct gait_body *body; /* borrowed */
	uint8_t verb;                 /* enum plan_verb */
	uint16_t number;
	bool upright;        /* `start` is a neutral pose: settle by height, no foot slips */
	double from_m, to_m; /* heights at the beginning, and of `begin` */
	double start[GAIT_JOINTS], begin[GAIT_JOINTS];
	double settle_s, motion_s; /* first from `start` to `begin`, then the motion itself */
};

/* Joints of the neutral pose at a height above the ground; false when it is out of reach. */
bool gait_neutral(const struct gait_body *b, double height_m, double joints[GAIT_JOINTS]);

/* Foot of one leg in the frame of the body. */
struct gait_point gait_foot(const struct gait_body *b, unsigned leg, const double joints[3]);
/* Joints that put it there, knee up, coxa within half a turn of its zero; false: out of reach. */
bool gait_reach(const struct gait_body *b, unsigned leg, struct gait_point foot, double joints[3]);

/*
 * Begin a motion.  `number`: steps, tens of degrees, sweeps (1..999), ignored by the others.
 * `start`: where the joints are, NULL for the stand pose.  -EINVAL: no such motion or number.
 * PLAN_VERB_STOP keeps the joints where they are and is done at once.
 */
MUST_CHECK int gait_start(struct gait *g, const struct gait_body *b, enum plan_verb verb,
		int number, const double start[GAIT_JOINTS]);

/* Joints `elapsed_ns` after the beginning; true once the motion is over (they then stay). */
bool gait_at(const struct gait *g, int64_t elapsed_ns, double joints[GAIT_JOINTS]);
/* Where the body is, relative to its beginning. */
struct gait_pose gait_pose_at(const struct gait *g, int64_t elapsed_ns);
int64_t gait_duration_ns(const struct gait *g);

#endif
