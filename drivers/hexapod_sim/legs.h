/*
 * legs.h - where the feet of a hexapod are, and where it goes when it moves them.
 *
 * Frame of the body: x forward, y left, z up, millimetres; origin at the height of the coxa joints.
 * Legs 0..5: left front, left middle, left rear, right front, right middle, right rear.  Joints of
 * leg l: 3l coxa (turns left), 3l+1 femur (lifts), 3l+2 tibia (negative bends the knee), radians.
 * All zero: legs straight out and level.
 *
 * The ground is flat and the body level, so it stands on its lowest feet.  These do not slip:
 * whatever they do in the frame of the body, the body does the opposite on the ground.  Pure.
 */
#ifndef HEXAPOD_SIM_LEGS_H
#define HEXAPOD_SIM_LEGS_H

enum { LEGS = 6, LEG_JOINTS = 3, JOINTS = LEGS * LEG_JOINTS };

struct legs_point {
	double x, y, z;
};

/* The body on the ground; heading in radians, to the left. */
struct legs_pose {
	double x, y, heading;
};

struct legs_point legs_foot(unsigned leg, const double joints[LEG_JOINTS]);
/* Height of the coxa joints above the ground. */
double legs_height(const double joints[JOINTS]);
/* The joints went from `before` to `after`: move the body.  Returns the feet that stood all the while. */
unsigned legs_move(struct legs_pose *p, const double before[JOINTS], const double after[JOINTS]);

#endif
