/*
 * legs.c - forward kinematics, and the rigid motion that keeps standing feet where they are.
 *
 * With p the standing feet in the body's frame before, and q after, the body must turn by the angle
 * that best maps q - mean(q) onto p - mean(p), and shift by what is then left (least squares; in the
 * plane the best angle is that of the summed cross and dot products).
 */
#include "legs.h"

#include <math.h>
#include <stdbool.h>

/* A foot this much above the lowest one still carries: feet are soft, and joints quantized. */
#define CONTACT_MM 0.5

/* The animal of the default machine; millimetres and radians. */
static const double coxa_mm = 50, femur_mm = 80, tibia_mm = 120;
static const struct {
	double x, y, angle;
} mounts[LEGS] = {
	{ 100, 60, M_PI / 4 }, { 0, 80, M_PI / 2 }, { -100, 60, 3 * M_PI / 4 },
	{ 100, -60, -M_PI / 4 }, { 0, -80, -M_PI / 2 }, { -100, -60, -3 * M_PI / 4 },
};

struct legs_point legs_foot(unsigned leg, const double joints[LEG_JOINTS]) {
	double turn = mounts[leg].angle + joints[0], shin = joints[1] + joints[2];
	double reach = coxa_mm + femur_mm * cos(joints[1]) + tibia_mm * cos(shin);
	return (struct legs_point){
		.x = mounts[leg].x + reach * cos(turn),
		.y = mounts[leg].y + reach * sin(turn),
		.z = femur_mm * sin(joints[1]) + tibia_mm * sin(shin),
	};
}

static double all_feet(const double joints[JOINTS], struct legs_point feet[LEGS]) {
	double lowest = 0;
	for (unsigned l = 0; l < LEGS; l++) {
		feet[l] = legs_foot(l, joints + l * LEG_JOINTS);
		lowest = l == 0 ? feet[l].z : fmin(lowest, feet[l].z);
	}
	return lowest;
}

double legs_height(const double joints[JOINTS]) {
	struct legs_point feet[LEGS];
	return -all_feet(joints, feet);
}

unsigned legs_move(struct legs_pose *pose, const double before[JOINTS], const double after[JOINTS]) {
	struct legs_point p[LEGS], q[LEGS], pm = { 0 }, qm = { 0 };
	double p_low = all_feet(before, p), q_low = all_feet(after, q), cross = 0, dot = 0;
	bool stands[LEGS];
	unsigned n = 0;

	for (unsigned l = 0; l < LEGS; l++) {
		stands[l] = p[l].z <= p_low + CONTACT_MM && q[l].z <= q_low + CONTACT_MM;
		if (!stands[l])
			continue;
		n++;
		pm.x += p[l].x, pm.y += p[l].y;
		qm.x += q[l].x, qm.y += q[l].y;
	}
	if (n == 0) /* it fell from one set of feet onto another */
		return 0;
	pm.x /= n, pm.y /= n, qm.x /= n, qm.y /= n;
	for (unsigned l = 0; l < LEGS; l++)
		if (stands[l]) {
			double px = p[l].x - pm.x, py = p[l].y - pm.y, qx = q[l].x - qm.x, qy = q[l].y - qm.y;
			cross += qx * py - qy * px;
			dot += qx * px + qy * py;
		}
	double turn = n > 1 ? atan2(cross, dot) : 0;
	double dx = pm.x - (qm.x * cos(turn) - qm.y * sin(turn));
	double dy = pm.y - (qm.x * sin(turn) + qm.y * cos(turn));
	pose->x += dx * cos(pose->heading) - dy * sin(pose->heading);
	pose->y += dx * sin(pose->heading) + dy * cos(pose->heading);
	pose->heading += turn;
	return n;
}
