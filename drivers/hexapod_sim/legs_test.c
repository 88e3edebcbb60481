/*
 * legs_test.c - feet against another way to compute them, and walks whose result is known.
 *
 * The reference multiplies 3D rotations along the leg, and solves the inverse problem by geometry; legs.c
 * does neither.
 */
#undef NDEBUG
#include "legs.h"

#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const double mount_x[LEGS] = { 100, 0, -100, 100, 0, -100 };
static const double mount_y[LEGS] = { 60, 80, 60, -60, -80, -60 };
static const double mount_deg[LEGS] = { 45, 90, 135, -45, -90, -135 };
static const double COXA = 50, FEMUR = 80, TIBIA = 120;

struct vec {
	double v[3];
};

static struct vec about_z(struct vec p, double a) {
	return (struct vec){ { p.v[0] * cos(a) - p.v[1] * sin(a), p.v[0] * sin(a) + p.v[1] * cos(a), p.v[2] } };
}

/* Positive lifts the x axis. */
static struct vec about_y(struct vec p, double a) {
	return (struct vec){ { p.v[0] * cos(a) - p.v[2] * sin(a), p.v[1], p.v[0] * sin(a) + p.v[2] * cos(a) } };
}

static struct vec foot_by_rotations(unsigned leg, const double j[3]) {
	struct vec p = { { TIBIA, 0, 0 } };
	p = about_y(p, j[2]);
	p.v[0] += FEMUR;
	p = about_y(p, j[1]);
	p.v[0] += COXA;
	p = about_z(p, j[0]);
	p = about_z(p, mount_deg[leg] * M_PI / 180);
	p.v[0] += mount_x[leg];
	p.v[1] += mount_y[leg];
	return p;
}

static double random_angle(void) {
	return (rand() / (double)RAND_MAX * 2 - 1) * M_PI;
}

static void finds_the_feet(void) {
	for (int i = 0; i < 100000; i++) {
		unsigned leg = (unsigned)i % LEGS;
		double j[3] = { random_angle(), random_angle(), random_angle() };
		struct legs_point a = legs_foot(leg, j);
		struct vec b = foot_by_rotations(leg, j);
		assert(fabs(a.x - b.v[0]) < 1e-9 && fabs(a.y - b.v[1]) < 1e-9 && fabs(a.z - b.v[2]) < 1e-9);
	}
	const double flat[3] = { 0, 0, 0 };
	struct legs_point f = legs_foot(1, flat); /* left middle, straight out */
	assert(fabs(f.x) < 1e-9 && fabs(f.y - 330) < 1e-9 && fabs(f.z) < 1e-9);
}

/* Joints that put a foot there, knee up. */
static void reach(unsigned leg, double x, double y, double z, double *j) {
	double a = mount_deg[leg] * M_PI / 180, dx = x - mount_x[leg], dy = y - mount_y[leg];
	double r = hypot(dx, dy) - COXA, d = hypot(r, z);
	j[0] = remainder(atan2(dy, dx) - a, 2 * M_PI);
	double knee = acos((FEMUR * FEMUR + TIBIA * TIBIA - d * d) / (2.0 * FEMUR * TIBIA));
	j[2] = knee - M_PI;
	j[1] = atan2(z, r) + atan2(TIBIA * sin(M_PI - knee), FEMUR + TIBIA * cos(M_PI - knee));
	struct vec there = foot_by_rotations(leg, j);
	assert(fabs(there.v[0] - x) < 1e-6 && fabs(there.v[1] - y) < 1e-6 && fabs(there.v[2] - z) < 1e-6);
}

/* All feet at their neutral places, moved by (dx, dy) and turned by `turn` in the body's frame. */
static void place(double j[JOINTS], unsigned set, double dx, double dy, double turn, double z) {
	for (unsigned l = 0; l < LEGS; l++) {
		if (!(set >> l & 1))
			continue;
		double a = mount_deg[l] * M_PI / 180;
		double x = mount_x[l] + 130 * cos(a), y = mount_y[l] + 130 * sin(a);
		reach(l, x * cos(turn) - y * sin(turn) + dx, x * sin(turn) + y * cos(turn) + dy, z, j + 3 * l);
	}
}

enum { ALL = 63, TRIPOD = 1 | 4 | 16 }; /* left front, left rear, right middle */

static void move(struct legs_pose *p, double joints[JOINTS], const double next[JOINTS], unsigned feet) {
	assert(legs_move(p, joints, next) == feet);
	memcpy(joints, next, JOINTS * sizeof(double));
}

/* Three feet push back by 40 mm while three swing ahead; then the others.  As a tripod gait does. */
static void walks(unsigned steps, double dx, double dy, double turn, struct legs_pose *p) {
	enum { PARTS = 100 };
	double joints[JOINTS], next[JOINTS];
	place(joints, ALL, 0, 0, 0, -100);
	for (unsigned s = 0; s < steps; s++) {
		unsigned standing = s % 2 ? TRIPOD : ALL & ~TRIPOD;
		for (int i = 1; i <= PARTS; i++) {
			double f = i / (double)PARTS, lift = -100 + 30 * sin(M_PI * f);
			double back = s == 0 ? -f : 1 - 2 * f; /* of half a step */
			double ahead = s == 0 ? f : -1 + 2 * f;
			place(next, standing, back * dx / 2, back * dy / 2, back * turn / 2, -100);
			place(next, ALL & ~standing, ahead * dx / 2, ahead * dy / 2, ahead * turn / 2, lift);
			(void)legs_move(p, joints, next);
			memcpy(joints, next, sizeof(joints));
		}
	}
}

static void goes_as_far_as_its_feet_push(void) {
	struct legs_pose p = { 0, 0, 0 };
	walks(11, 40, 0, 0, &p); /* half a step, then ten */
	assert(fabs(p.x - 420) < 1e-6 && fabs(p.y) < 1e-6 && fabs(p.heading) < 1e-6);
	p = (struct legs_pose){ 0, 0, M_PI / 2 };
	walks(11, 40, 0, 0, &p);
	assert(fabs(p.y - 420) < 1e-6 && fabs(p.x) < 1e-6);
	p = (struct legs_pose){ 0, 0, 0 };
	walks(11, 0, -30, 0, &p); /* sideways */
	assert(fabs(p.y + 315) < 1e-6 && fabs(p.x) < 1e-6);
	p = (struct legs_pose){ 0, 0, 0 };
	walks(11, 0, 0, M_PI / 18, &p);
	assert(fabs(p.heading - 10.5 * M_PI / 18) < 1e-6 && hypot(p.x, p.y) < 1e-6);
}

/* Exact where it must be: all feet stand, one small push. */
static void pushes_exactly(void) {
	double a[JOINTS], b[JOINTS];
	struct legs_pose p = { 10, 20, 1 };
	place(a, ALL, 0, 0, 0, -90);
	place(b, ALL, -3, 4, 0, -90);
	move(&p, a, b, LEGS);
	assert(fabs(p.x - (10 + 3 * cos(1) + 4 * sin(1))) < 1e-6);
	assert(fabs(p.y - (20 + 3 * sin(1) - 4 * cos(1))) < 1e-6 && fabs(p.heading - 1) < 1e-9);
	place(a, ALL, 0, 0, 0, -90);
	place(b, ALL, 0, 0, -0.1, -90);
	move(&p, a, b, LEGS);
	assert(fabs(p.heading - 1.1) < 1e-9);
	assert(fabs(legs_height(a) - 90) < 1e-6);
}

static void stays_when_nothing_pushes(void) {
	double a[JOINTS], b[JOINTS];
	struct legs_pose p = { 0, 0, 0 };
	place(a, ALL, 0, 0, 0, -100);
	memcpy(b, a, sizeof(b));
	place(b, TRIPOD, 0, 0, 0, -70); /* three feet in the air wave about */
	move(&p, a, b, 3);
	place(b, TRIPOD, 30, 10, 0, -70);
	move(&p, a, b, 3);
	assert(hypot(p.x, p.y) < 1e-9 && fabs(p.heading) < 1e-9);
	place(b, ALL, 0, 0, 0, -60); /* it crouches */
	place(a, ALL, 0, 0, 0, -100);
	move(&p, a, b, LEGS);
	assert(hypot(p.x, p.y) < 1e-6);
	place(a, TRIPOD, 0, 0, 0, -50), place(a, ALL & ~TRIPOD, 0, 0, 0, -90);
	place(b, TRIPOD, 9, 0, 0, -90), place(b, ALL & ~TRIPOD, 9, 0, 0, -50);
	move(&p, a, b, 0); /* from one tripod onto the other at once: nothing held */
	assert(hypot(p.x, p.y) < 1e-6);
}

int main(void) {
	srand(1);
	finds_the_feet();
	pushes_exactly();
	stays_when_nothing_pushes();
	goes_as_far_as_its_feet_push();
	puts("legs_test: ok");
}
