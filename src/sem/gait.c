/*
 * gait.c - progress is counted in steps.  A foot that stands is fixed at some progress f of the
 * ground; when the body is at progress b the foot is seen at f - b steps from its neutral place:
 * ahead when walking, around the middle when turning.  So a phase is: where the standing tripod is
 * fixed, from where to where the other one swings, and how far the body has come.
 *
 * Phase k of n steps (k = 0..n): the standing feet are at k, the others swing from max(k - 1, 0) to
 * min(k + 1, n).  The body goes from max(k - 1/2, 0) to min(k + 1/2, n).
 */
#include "sem/gait.h"

#include <errno.h>
#include <math.h>
#include <string.h>

#define UPRIGHT_RAD 0.06 /* how near to a neutral pose counts as one */
#define SWEEP_PHASES 4
#define TICK_S 0.02 /* phases begin at whole ticks */

const struct gait_body gait_hexapod = {
	.coxa_m = 0.05,
	.femur_m = 0.08,
	.tibia_m = 0.12,
	.mounts = { { 0.10, 0.06, M_PI / 4 }, { 0, 0.08, M_PI / 2 }, { -0.10, 0.06, 3 * M_PI / 4 },
			{ 0.10, -0.06, -M_PI / 4 }, { 0, -0.08, -M_PI / 2 },
			{ -0.10, -0.06, -3 * M_PI / 4 } },
	.reach_m = 0.13,
	.stand_m = 0.10,
	.crouch_m = 0.06,
	.step_m = 0.05,
	.turn_rad = M_PI / 18,
	.lift_m = 0.03,
	.scan_rad = M_PI / 18,
	.step_s = 0.5,
	.settle_rad_s = 1.5,
};

/* ---- one leg ---- */

struct gait_point gait_foot(const struct gait_body *b, unsigned leg, const double joints[3]) {
	CHECK(leg < GAIT_LEGS);
	double turn = b->mounts[leg].angle_rad + joints[0], shin = joints[1] + joints[2];
	double r = b->coxa_m + b->femur_m * cos(joints[1]) + b->tibia_m * cos(shin);
	return (struct gait_point){ b->mounts[leg].x_m + r * cos(turn),
		b->mounts[leg].y_m + r * sin(turn),
		b->femur_m * sin(joints[1]) + b->tibia_m * sin(shin) };
}

bool gait_reach(const struct gait_body *b, unsigned leg, struct gait_point foot, double joints[3]) {
	CHECK(leg < GAIT_LEGS);
	double x = foot.x_m - b->mounts[leg].x_m, y = foot.y_m - b->mounts[leg].y_m, z = foot.z_m;
	double r = hypot(x, y) - b->coxa_m, d = hypot(r, z), f = b->femur_m, t = b->tibia_m;
	if (!(d <= f + t) || d < fabs(f - t) || d <= 0)
		return false;
	joints[0] = remainder(atan2(y, x) - b->mounts[leg].angle_rad, 2 * M_PI);
	joints[1] = atan2(z, r) + acos(fmax(-1, fmin(1, (f * f + d * d - t * t) / (2 * f * d))));
	joints[2] = acos(fmax(-1, fmin(1, (f * f + t * t - d * d) / (2 * f * t)))) - M_PI;
	return true;
}

static struct gait_point neutral_foot(const struct gait_body *b, unsigned leg, double height_m) {
	double a = b->mounts[leg].angle_rad;
	return (struct gait_point){ b->mounts[leg].x_m + b->reach_m * cos(a),
		b->mounts[leg].y_m + b->reach_m * sin(a), -height_m };
}

bool gait_neutral(const struct gait_body *b, double height_m, double joints[GAIT_JOINTS]) {
	for (unsigned leg = 0; leg < GAIT_LEGS; leg++)
		if (!gait_reach(b, leg, neutral_foot(b, leg, height_m), joints + 3 * leg))
			return false;
	return true;
}

/* ---- smoothness ---- */

/* 0..1 to 0..1 with velocity and acceleration 0 at both ends; fastest, in the middle, by 2. */
static double ease(double u) {
	return u - sin(2 * M_PI * u) / (2 * M_PI);
}

/* Steps the body has come, u into phase k of n steps. */
static double progress(unsigned k, double u, unsigned n) {
	if (k == 0)
		return u * u / 2;
	return k < n ? k - 0.5 + u : n - (1 - u) * (1 - u) / 2;
}

/* Of a scan: from the middle to the left, to the right, and back; phases 0..3 of a sweep. */
static double sweep(unsigned k, double u) {
	if (k == 0)
		return ease(u);
	return k == 3 ? ease(u) - 1 : 1 - 2 * ease((k - 1 + u) / 2);
}

struct phase {
	unsigned k; /* of a walk or turn 0..n, of a scan 0..4n - 1 */
	double u;   /* 0..1 within it */
};

static struct phase phase_at(const struct gait *g, double motion_s) {
	double phases = g->verb == PLAN_VERB_SCAN ? SWEEP_PHASES * (double)g->number
						  : g->number + 1.0;
	double at = fmin(fmax(motion_s / g->body->step_s, 0), phases),
	       whole = fmin(floor(at), phases - 1);
	return (struct phase){ (unsigned)whole, at - whole };
}

/* ---- where feet are ---- */

static struct gait_point rotated(struct gait_point p, double by) {
	return (struct gait_point){ p.x_m * cos(by) - p.y_m * sin(by),
		p.x_m * sin(by) + p.y_m * cos(by), p.z_m };
}

/* Legs 0, 2, 4 swing in even phases, 1, 3, 5 in odd ones. */
static bool swings(unsigned leg, unsigned k) {
	return leg % 2 == k % 2;
}

static struct gait_point walking_foot(const struct gait *g, unsigned leg, struct phase p) {
	const struct gait_body *b = g->body;
	struct gait_point foot = neutral_foot(b, leg, b->stand_m);
	double f = p.k;
	if (swings(leg, p.k)) {
		double from = p.k > 0 ? p.k - 1.0 : 0, to = p.k < g->number ? p.k + 1.0 : g->number;
		f = from + (to - from) * ease(p.u);
		foot.z_m += b->lift_m * (1 - cos(2 * M_PI * p.u)) / 2;
	}
	double ahead = f - progress(p.k, p.u, g->number);
	if (g->verb == PLAN_VERB_TURN)
		return rotated(foot, ahead * b->turn_rad);
	foot.x_m += ahead * b->step_m;
	return foot;
}

static void move(const struct gait *g, double motion_s, double joints[GAIT_JOINTS]) {
	struct phase p = phase_at(g, motion_s);
	for (unsigned leg = 0; leg < GAIT_LEGS; leg++) {
		struct gait_point foot;
		if (g->verb == PLAN_VERB_SCAN)
			foot = rotated(neutral_foot(g->body, leg, g->body->stand_m),
					-g->body->scan_rad * sweep(p.k % SWEEP_PHASES, p.u));
		else
			foot = walking_foot(g, leg, p);
		CHECK(gait_reach(g->body, leg, foot,
				joints + 3 * leg)); /* gait_start() has tried the range */
	}
}

static void settle(const struct gait *g, double s, double joints[GAIT_JOINTS]) {
	double e = ease(s / g->settle_s), from[GAIT_JOINTS];
	if (g->upright && gait_neutral(g->body, g->from_m, from) &&
			gait_neutral(g->body, g->from_m + (g->to_m - g->from_m) * e, joints)) {
		for (int i = 0; i < GAIT_JOINTS; i++) /* what was not quite neutral fades */
			joints[i] += (g->start[i] - from[i]) * (1 - e);
		return;
	}
	for (int i = 0; i < GAIT_JOINTS; i++)
		joints[i] = g->start[i] + (g->begin[i] - g->start[i]) * e;
}

/* ---- a motion ---- */

/* The height at which these joints are a neutral pose, or 0. */
static double upright_at(const struct gait_body *b, const double joints[GAIT_JOINTS]) {
	double height = 0, neutral[GAIT_JOINTS];
	for (unsigned leg = 0; leg < GAIT_LEGS; leg++)
		height -= gait_foot(b, leg, joints + 3 * leg).z_m / GAIT_LEGS;
	if (!(height > 0) || !gait_neutral(b, height, neutral))
		return 0;
	for (int i = 0; i < GAIT_JOINTS; i++)
		if (!(fabs(neutral[i] - joints[i]) <= UPRIGHT_RAD))
			return 0;
	return height;
}

/* Can every foot go to the ends of every step, and up? */
static bool body_can(const struct gait_body *b) {
	double joints[3];
	for (unsigned leg = 0; leg < GAIT_LEGS; leg++) {
		struct gait_point p = neutral_foot(b, leg, b->stand_m);
		for (int i = -4; i <= 4; i++) {
			struct gait_point walk = { p.x_m + i / 4.0 * b->step_m, p.y_m, p.z_m };
			struct gait_point turn =
					rotated(p, i / 4.0 * fmax(b->turn_rad, b->scan_rad));
			if (!gait_reach(b, leg, walk, joints) || !gait_reach(b, leg, turn, joints))
				return false;
			walk.z_m += b->lift_m;
			turn.z_m += b->lift_m;
			if (!gait_reach(b, leg, walk, joints) || !gait_reach(b, leg, turn, joints))
				return false;
		}
	}
	return true;
}

static void plan_settling(struct gait *g) {
	double most = 0, height = upright_at(g->body, g->start);
	for (int i = 0; i < GAIT_JOINTS; i++)
		most = fmax(most, fabs(g->begin[i] - g->start[i]));
	g->upright = height > 0;
	g->from_m = height;
	g->settle_s = most < 1e-9 ? 0 : fmax(2 * most / g->body->settle_rad_s, g->body->step_s / 5);
	g->settle_s = ceil(g->settle_s / TICK_S) * TICK_S;
}

static double motion_s(const struct gait *g) {
	switch (g->verb) {
	case PLAN_VERB_WALK:
	case PLAN_VERB_TURN:
		return (g->number + 1.0) * g->body->step_s;
	case PLAN_VERB_SCAN:
		return SWEEP_PHASES * g->body->step_s * g->number;
	default:
		return 0;
	}
}

static bool counts(enum plan_verb v) {
	return v == PLAN_VERB_WALK || v == PLAN_VERB_TURN || v == PLAN_VERB_SCAN;
}

static bool moves(enum plan_verb v) {
	return counts(v) || v == PLAN_VERB_STOP || v == PLAN_VERB_STAND || v == PLAN_VERB_CROUCH ||
	       v == PLAN_VERB_RISE;
}

int gait_start(struct gait *g, const struct gait_body *b, enum plan_verb verb, int number,
		const double start[GAIT_JOINTS]) {
	*g = (struct gait){ .body = b, .verb = (uint8_t)verb };
	if (!moves(verb) || !body_can(b) ||
			(counts(verb) && (number < 1 || number > GAIT_NUMBER_MAX)))
		return -EINVAL;
	g->number = counts(verb) ? (uint16_t)number : 0;
	g->to_m = verb == PLAN_VERB_CROUCH ? b->crouch_m : b->stand_m;
	if (!gait_neutral(b, g->to_m, g->begin) || !gait_neutral(b, b->stand_m, g->start))
		return -EINVAL;
	for (int i = 0; start && i < GAIT_JOINTS; i++) {
		if (!(fabs(start[i]) <= M_PI))
			return -EINVAL;
		g->start[i] = start[i];
	}
	if (verb == PLAN_VERB_STOP) /* stay: no settling, no motion */
		memcpy(g->begin, g->start, sizeof(g->begin));
	plan_settling(g);
	g->motion_s = motion_s(g);
	return 0;
}

bool gait_at(const struct gait *g, int64_t elapsed_ns, double joints[GAIT_JOINTS]) {
	double s = (double)elapsed_ns / 1e9;
	if (s < g->settle_s && s > 0)
		settle(g, s, joints);
	else if (s <= 0)
		memcpy(joints, g->start, sizeof(g->start));
	else if (g->motion_s <= 0)
		memcpy(joints, g->begin, sizeof(g->begin));
	else
		move(g, s - g->settle_s, joints);
	return elapsed_ns >= gait_duration_ns(g);
}

struct gait_pose gait_pose_at(const struct gait *g, int64_t elapsed_ns) {
	double s = (double)elapsed_ns / 1e9 - g->settle_s;
	if (g->motion_s <= 0 || s <= 0)
		return (struct gait_pose){ 0, 0, 0 };
	struct phase p = phase_at(g, s);
	if (g->verb == PLAN_VERB_SCAN)
		return (struct gait_pose){ 0, 0,
			g->body->scan_rad * sweep(p.k % SWEEP_PHASES, p.u) };
	double steps = progress(p.k, p.u, g->number);
	if (g->verb == PLAN_VERB_TURN)
		return (struct gait_pose){ 0, 0, steps * g->body->turn_rad };
	return (struct gait_pose){ steps * g->body->step_m, 0, 0 };
}

int64_t gait_duration_ns(const struct gait *g) {
	return (int64_t)ceil((g->settle_s + g->motion_s) * 1e9);
}
