/*
 * gait_test.c - the legs against themselves: forward and inverse kinematics agree, joints stay
 * inside limits and rates, and the way of the body is not believed but integrated from the feet
 * that stand, which must not slip.
 */
#include "sem/gait.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/clock.h"

#define TICK (20 * NS_PER_MS)
#define DEG (M_PI / 180)
#define RATE_MAX (200 * DEG) /* what a CDL that says nothing allows */

static const struct gait_body *const body = &gait_hexapod;
static const double joint_min[3] = { -60 * DEG, -90 * DEG, -135 * DEG },
		    joint_max[3] = { 60 * DEG, 90 * DEG, 10 * DEG };

/* The most that any motion in this program used. */
static double least_seen[3] = { 9, 9, 9 }, most_seen[3] = { -9, -9, -9 }, fastest;

static double distance(struct gait_point a, struct gait_point b) {
	return hypot(hypot(a.x_m - b.x_m, a.y_m - b.y_m), a.z_m - b.z_m);
}

static void kinematics_agree(void) {
	double worst = 0;
	unsigned reached = 0; /* of 31,000 poses */
	for (unsigned leg = 0; leg < GAIT_LEGS; leg++) {
		for (int c = -60; c <= 60; c += 6) {
			for (int f = -90; f <= 90; f += 5) {
				for (int t = -134; t <= -1; t += 7) {
					double q[3] = { c * DEG, f * DEG, t * DEG }, back[3];
					struct gait_point foot = gait_foot(body, leg, q);
					double past_femur = body->femur_m * cos(q[1]) +
							    body->tibia_m * cos(q[1] + q[2]);
					/* behind the coxa: seen from there it points elsewhere */
					if (body->coxa_m + past_femur < 1e-6)
						continue;
					CHECK(gait_reach(body, leg, foot, back));
					worst = fmax(worst,
							distance(foot, gait_foot(body, leg, back)));
					reached++;
					for (int i = 0; i < 3; i++)
						CHECK(fabs(back[i] - q[i]) < 1e-6);
				}
			}
		}
	}
	CHECK(worst < 1e-12 && reached > 10000);
}

static void unreachable_is_said(void) {
	double q[3];
	for (unsigned leg = 0; leg < GAIT_LEGS; leg++) {
		double a = body->mounts[leg].angle_rad;
		struct gait_point p = { body->mounts[leg].x_m + 0.2499 * cos(a),
			body->mounts[leg].y_m + 0.2499 * sin(a), 0 };
		CHECK(gait_reach(body, leg, p, q)); /* 0.05 + 0.08 + 0.12 straight out */
		p.x_m += 0.001 * cos(a);
		p.y_m += 0.001 * sin(a);
		CHECK(!gait_reach(body, leg, p, q));
		p = (struct gait_point){ body->mounts[leg].x_m + 0.05 * cos(a),
			body->mounts[leg].y_m + 0.05 * sin(a), -0.03 };
		CHECK(!gait_reach(body, leg, p, q)); /* nearer than the knee can fold */
		p.z_m = NAN;
		CHECK(!gait_reach(body, leg, p, q));
	}
	double all[GAIT_JOINTS];
	CHECK(!gait_neutral(body, 0.3, all) && gait_neutral(body, 0.1, all));
}

static void stand(double joints[GAIT_JOINTS]) {
	CHECK(gait_neutral(body, body->stand_m, joints));
}

static void note(const double q[GAIT_JOINTS]) {
	for (int i = 0; i < GAIT_JOINTS; i++) {
		least_seen[i % 3] = fmin(least_seen[i % 3], q[i]);
		most_seen[i % 3] = fmax(most_seen[i % 3], q[i]);
	}
}

/*
 * Every joint inside its limits, no step of a tick beyond the rate, no jump of velocity, at rest at
 * both ends.
 */
static void is_gentle(const struct gait *g) {
	const int64_t fine = NS_PER_MS;
	double before[GAIT_JOINTS], now[GAIT_JOINTS], speed[GAIT_JOINTS] = { 0 }, tick[GAIT_JOINTS];
	int64_t end = gait_duration_ns(g);
	gait_at(g, 0, before);
	memcpy(tick, before, sizeof(tick));
	for (int64_t t = fine; t <= end + 2 * TICK; t += fine) {
		bool done = gait_at(g, t, now);
		CHECK(done == (t >= end));
		for (int i = 0; i < GAIT_JOINTS; i++) {
			double v = (now[i] - before[i]) / 1e-3;
			CHECK(now[i] >= joint_min[i % 3] && now[i] <= joint_max[i % 3]);
			/* at most 80 rad/s^2, where a jump would be rad/s at once */
			CHECK(fabs(v - speed[i]) < 0.08);
			speed[i] = v;
		}
		if (t % TICK == 0) {
			for (int i = 0; i < GAIT_JOINTS; i++) {
				fastest = fmax(fastest, fabs(now[i] - tick[i]) / 0.02);
				CHECK(fabs(now[i] - tick[i]) <= RATE_MAX * 0.02);
			}
			memcpy(tick, now, sizeof(tick));
		}
		memcpy(before, now, sizeof(before));
		note(now);
	}
	for (int i = 0; i < GAIT_JOINTS; i++)
		CHECK(fabs(speed[i]) < 1e-9);
}

/* ---- the way of the body, from the feet that stand ---- */

struct step {
	struct gait_point feet[GAIT_LEGS];
	bool stands[GAIT_LEGS];
};

static struct step look(const struct gait *g, int64_t t) {
	struct step s;
	double q[GAIT_JOINTS], ground = INFINITY;
	gait_at(g, t, q);
	for (unsigned leg = 0; leg < GAIT_LEGS; leg++) {
		s.feet[leg] = gait_foot(body, leg, q + 3 * leg);
		ground = fmin(ground, s.feet[leg].z_m);
	}
	for (unsigned leg = 0; leg < GAIT_LEGS; leg++)
		s.stands[leg] = s.feet[leg].z_m - ground < 1e-9;
	return s;
}

/*
 * Is the middle of the body over the polygon of the standing feet?  Some triangle of them must hold
 * it.
 */
static bool is_supported(const struct step *s) {
	for (int i = 0; i < GAIT_LEGS; i++) {
		for (int j = i + 1; j < GAIT_LEGS; j++) {
			for (int k = j + 1; k < GAIT_LEGS; k++) {
				const struct gait_point *a = &s->feet[i], *b = &s->feet[j],
							*c = &s->feet[k];
				double u = a->x_m * b->y_m - a->y_m * b->x_m,
				       v = b->x_m * c->y_m - b->y_m * c->x_m;
				double w = c->x_m * a->y_m - c->y_m * a->x_m;
				if (s->stands[i] && s->stands[j] && s->stands[k] &&
						((u > 0 && v > 0 && w > 0) ||
								(u < 0 && v < 0 && w < 0)))
					return true;
			}
		}
	}
	return false;
}

/*
 * Add the rigid motion that carries the feet standing at both times from where they are seen now to
 * where they were.
 */
static void follow(struct gait_pose *at, const struct step *was, const struct step *is) {
	double n = 0, px = 0, py = 0, qx = 0, qy = 0, dot = 0, cross = 0;
	for (int i = 0; i < GAIT_LEGS; i++)
		if (was->stands[i] && is->stands[i]) {
			px += was->feet[i].x_m;
			py += was->feet[i].y_m;
			qx += is->feet[i].x_m;
			qy += is->feet[i].y_m;
			n++;
		}
	CHECK(n >= 3);
	px /= n, py /= n, qx /= n, qy /= n;
	for (int i = 0; i < GAIT_LEGS; i++)
		if (was->stands[i] && is->stands[i]) {
			double ax = is->feet[i].x_m - qx, ay = is->feet[i].y_m - qy;
			double bx = was->feet[i].x_m - px, by = was->feet[i].y_m - py;
			dot += ax * bx + ay * by;
			cross += ax * by - ay * bx;
		}
	double turn = atan2(cross, dot), dx = px - (qx * cos(turn) - qy * sin(turn)),
	       dy = py - (qx * sin(turn) + qy * cos(turn));
	for (int i = 0; i < GAIT_LEGS; i++)
		if (was->stands[i] && is->stands[i]) { /* a foot that stands does not slip */
			double x = is->feet[i].x_m * cos(turn) - is->feet[i].y_m * sin(turn) + dx;
			double y = is->feet[i].x_m * sin(turn) + is->feet[i].y_m * cos(turn) + dy;
			CHECK(hypot(x - was->feet[i].x_m, y - was->feet[i].y_m) < 1e-9);
		}
	at->x_m += dx * cos(at->yaw_rad) - dy * sin(at->yaw_rad);
	at->y_m += dx * sin(at->yaw_rad) + dy * cos(at->yaw_rad);
	at->yaw_rad += turn;
}

static struct gait_pose integrated(const struct gait *g) {
	struct gait_pose at = { 0, 0, 0 };
	/*
	 * a divisor of a phase, so that at both ends of each interval the same three feet stand at
	 * least
	 */
	int64_t end = gait_duration_ns(g), dt = 5 * NS_PER_MS;
	struct step was = look(g, 0);
	for (int64_t t = dt; t <= end + dt; t += dt) {
		struct step is = look(g, t);
		int standing = 0;
		for (int i = 0; i < GAIT_LEGS; i++)
			standing += is.stands[i];
		CHECK(standing >= 3 && is_supported(&is));
		follow(&at, &was, &is);
		struct gait_pose said = gait_pose_at(g, t);
		CHECK(fabs(said.x_m - at.x_m) < 1e-6 && fabs(said.y_m - at.y_m) < 1e-6 &&
				fabs(said.yaw_rad - at.yaw_rad) < 1e-6);
		was = is;
	}
	return at;
}

static void ends_in_the_stand_pose(const struct gait *g) {
	double want[GAIT_JOINTS], q[GAIT_JOINTS];
	stand(want);
	gait_at(g, 0, q);
	for (int i = 0; i < GAIT_JOINTS; i++)
		CHECK(fabs(q[i] - want[i]) < 1e-12);
	CHECK(gait_at(g, gait_duration_ns(g), q));
	for (int i = 0; i < GAIT_JOINTS; i++)
		CHECK(fabs(q[i] - want[i]) < 1e-9);
}

static void walks_as_many_steps_as_asked(void) {
	static const int counts[] = { 1, 2, 3, 4, 7, 10, 25 };
	struct gait g;
	for (size_t i = 0; i < COUNT_OF(counts); i++) {
		CHECK(gait_start(&g, body, PLAN_VERB_WALK, counts[i], NULL) == 0);
		CHECK(gait_duration_ns(&g) == (counts[i] + 1) * 500 * NS_PER_MS);
		struct gait_pose at = integrated(&g);
		double want = counts[i] * body->step_m;
		CHECK(fabs(at.x_m - want) <= 0.02 * want && fabs(at.y_m) < 1e-6 &&
				fabs(at.yaw_rad) < 1e-6);
		is_gentle(&g);
		ends_in_the_stand_pose(&g);
	}
	CHECK(gait_start(&g, body, PLAN_VERB_WALK, 999, NULL) == 0);
	CHECK(fabs(gait_pose_at(&g, gait_duration_ns(&g)).x_m - 999 * body->step_m) < 1e-9);
}

static void turns_by_tens_of_degrees(void) {
	static const int counts[] = { 1, 2, 5, 9, 18, 36 };
	struct gait g;
	for (size_t i = 0; i < COUNT_OF(counts); i++) {
		CHECK(gait_start(&g, body, PLAN_VERB_TURN, counts[i], NULL) == 0);
		struct gait_pose at = integrated(&g);
		double want = counts[i] * 10 * DEG;
		CHECK(fabs(at.yaw_rad - want) <= 0.03 * want && hypot(at.x_m, at.y_m) < 1e-6);
		is_gentle(&g);
		ends_in_the_stand_pose(&g);
	}
}

static void scans_and_comes_back(void) {
	struct gait g;
	double left = 0, right = 0;
	CHECK(gait_start(&g, body, PLAN_VERB_SCAN, 2, NULL) == 0);
	struct gait_pose at = integrated(&g);
	CHECK(fabs(at.yaw_rad) < 1e-6 && hypot(at.x_m, at.y_m) < 1e-6);
	for (int64_t t = 0; t < gait_duration_ns(&g); t += TICK) {
		struct step s = look(&g, t);
		for (int i = 0; i < GAIT_LEGS; i++)
			CHECK(s.stands[i]);
		left = fmax(left, gait_pose_at(&g, t).yaw_rad);
		right = fmin(right, gait_pose_at(&g, t).yaw_rad);
	}
	CHECK(fabs(left - body->scan_rad) < 1e-3 && fabs(right + body->scan_rad) < 1e-3);
	is_gentle(&g);
	ends_in_the_stand_pose(&g);
}

static double height(const double q[GAIT_JOINTS]) {
	return -gait_foot(body, 3, q + 9).z_m;
}

/* Crouch and rise: straight down and up, all feet where they are. */
static void crouches_and_rises(void) {
	struct gait g;
	double q[GAIT_JOINTS], low[GAIT_JOINTS];
	CHECK(gait_start(&g, body, PLAN_VERB_CROUCH, 0, NULL) == 0);
	CHECK(hypot(integrated(&g).x_m, integrated(&g).y_m) < 1e-9);
	is_gentle(&g);
	CHECK(gait_at(&g, gait_duration_ns(&g), low) && fabs(height(low) - body->crouch_m) < 1e-9);
	static const enum plan_verb up[] = { PLAN_VERB_RISE, PLAN_VERB_STAND };
	for (size_t i = 0; i < COUNT_OF(up); i++) {
		CHECK(gait_start(&g, body, up[i], 0, low) == 0);
		CHECK(hypot(integrated(&g).x_m, integrated(&g).y_m) < 1e-9);
		is_gentle(&g);
		CHECK(gait_at(&g, gait_duration_ns(&g), q) &&
				fabs(height(q) - body->stand_m) < 1e-9);
	}
	CHECK(gait_start(&g, body, PLAN_VERB_WALK, 2, low) == 0); /* up first */
	CHECK(fabs(integrated(&g).x_m - 2 * body->step_m) < 1e-6);
	is_gentle(&g);
	CHECK(gait_start(&g, body, PLAN_VERB_STAND, 0, NULL) == 0 && gait_duration_ns(&g) == 0);
	CHECK(gait_at(&g, 0, q) && fabs(height(q) - body->stand_m) < 1e-9);
}

/*
 * From anywhere within the limits - a motion cut off, legs moved by hand - gently into the motion.
 */
static void starts_from_anywhere(void) {
	static const enum plan_verb verbs[] = { PLAN_VERB_STAND, PLAN_VERB_CROUCH, PLAN_VERB_WALK };
	struct gait g, cut;
	double q[GAIT_JOINTS], end[GAIT_JOINTS], want[GAIT_JOINTS];
	unsigned seed = 5;
	for (int i = 0; i < 12; i++) {
		for (int k = 0; k < GAIT_JOINTS; k++) {
			seed = seed * 1664525 + 1013904223;
			q[k] = joint_min[k % 3] +
			       (joint_max[k % 3] - joint_min[k % 3]) * (seed >> 8) / (1 << 24);
		}
		CHECK(gait_start(&g, body, verbs[i % 3], 1, q) == 0);
		is_gentle(&g);
		CHECK(gait_at(&g, gait_duration_ns(&g), end));
		CHECK(gait_neutral(body, i % 3 == 1 ? body->crouch_m : body->stand_m, want));
		for (int k = 0; k < GAIT_JOINTS; k++)
			CHECK(fabs(end[k] - want[k]) < 1e-9);
	}
	CHECK(gait_start(&cut, body, PLAN_VERB_WALK, 4, NULL) == 0);
	for (int64_t t = 0; t < gait_duration_ns(&cut); t += 130 * NS_PER_MS) {
		gait_at(&cut, t, q);
		CHECK(gait_start(&g, body, PLAN_VERB_TURN, 1, q) == 0);
		is_gentle(&g);
	}
	stand(q);
	for (int k = 0; k < GAIT_JOINTS; k++)
		q[k] += k % 2 ? 0.015 : -0.015; /* what joints report is never quite neutral */
	CHECK(gait_start(&g, body, PLAN_VERB_CROUCH, 0, q) == 0 && g.upright);
	is_gentle(&g);
}

static void a_stop_stays_where_it_is(void) {
	struct gait g;
	double q[GAIT_JOINTS], at[GAIT_JOINTS];
	CHECK(gait_start(&g, body, PLAN_VERB_WALK, 4, NULL) == 0);
	gait_at(&g, 730 * NS_PER_MS, q);
	CHECK(gait_start(&g, body, PLAN_VERB_STOP, 0, q) == 0 && gait_duration_ns(&g) == 0);
	for (int64_t t = -NS_PER_S; t < NS_PER_S; t += 100 * NS_PER_MS) {
		CHECK(gait_at(&g, t, at) == (t >= 0));
		CHECK(memcmp(at, q, sizeof(q)) == 0);
	}
}

static void refuses_what_it_cannot_do(void) {
	struct gait g;
	double q[GAIT_JOINTS] = { 0 };
	static const enum plan_verb counted[] = { PLAN_VERB_WALK, PLAN_VERB_TURN, PLAN_VERB_SCAN };
	static const int bad[] = { 0, -1, 1000, INT32_MIN, INT32_MAX };
	for (size_t i = 0; i < COUNT_OF(counted); i++)
		for (size_t k = 0; k < COUNT_OF(bad); k++)
			CHECK(gait_start(&g, body, counted[i], bad[k], NULL) == -EINVAL);
	CHECK(gait_start(&g, body, PLAN_VERB_NONE, 1, NULL) == -EINVAL);
	CHECK(gait_start(&g, body, PLAN_VERB_COUNT, 1, NULL) == -EINVAL);
	q[7] = NAN;
	CHECK(gait_start(&g, body, PLAN_VERB_STAND, 0, q) == -EINVAL);
	q[7] = 4;
	CHECK(gait_start(&g, body, PLAN_VERB_STAND, 0, q) == -EINVAL);
	struct gait_body far = gait_hexapod, tall = gait_hexapod;
	far.step_m = 0.3;
	tall.crouch_m = 0.3;
	CHECK(gait_start(&g, &far, PLAN_VERB_WALK, 1, NULL) == -EINVAL);
	CHECK(gait_start(&g, &tall, PLAN_VERB_CROUCH, 0, NULL) == -EINVAL);
}

int main(void) {
	kinematics_agree();
	unreachable_is_said();
	walks_as_many_steps_as_asked();
	turns_by_tens_of_degrees();
	scans_and_comes_back();
	crouches_and_rises();
	a_stop_stays_where_it_is();
	refuses_what_it_cannot_do();
	fprintf(stderr,
			"gait_test: used coxa %.1f..%.1f femur %.1f..%.1f tibia %.1f..%.1f deg, "
			"fastest %.0f deg/s\n",
			least_seen[0] / DEG, most_seen[0] / DEG, least_seen[1] / DEG,
			most_seen[1] / DEG, least_seen[2] / DEG, most_seen[2] / DEG, fastest / DEG);
	starts_from_anywhere();
	puts("gait_test: ok");
}
