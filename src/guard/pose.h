/*
 * pose.h - the safe poses, as numbers.
 *
 * The guard does not compute with legs: it must be small, and must not share a mistake with what
 * computes the gait.  These are the neutral poses of the default hexapod of sem/gait (coxa, femur,
 * tibia; all zero is straight out and level, up is positive): feet 0.13 m from the coxa joints,
 * which are 0.10 m (stand) or 0.06 m (crouch) above the ground.
 */
#ifndef GUARD_POSE_H
#define GUARD_POSE_H

#include <stddef.h>
#include <stdint.h>
#include "schema/plan.h"

/* coxa, femur, tibia of every leg in hundredths of a degree; NULL: hold where the joints are. */
static inline const int32_t *pose_of(enum plan_verb safe) {
	static const int32_t stand[3] = { 0, 1446, -10325 }, crouch[3] = { 0, 4595, -12423 };
	switch (safe) {
	case PLAN_VERB_STAND:
	case PLAN_VERB_RISE:
		return stand;
	case PLAN_VERB_CROUCH:
		return crouch;
	default:
		return NULL;
	}
}

#endif
