/*
 * motion.c - an allowed utterance becomes set-points: 50 times a second, each with a new lease.
 *
 * Core computes where the joints should be (sem/gait) and renews the guard's lease with every record; if
 * core dies or stalls, the lease runs out and the guard takes over.  The guard's own state field
 * tells when a motion was ended by something else: then it is aborted here, with the guard's reason.
 * What the guard has not said lately it has not said: a motion lasts while its words are fresh, and is
 * done when it has said that it let go, and where the joints were after that.
 */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include "base/io.h"
#include "base/log.h"
#include "client/run_dir.h"
#include "guard/command.h"
#include "guard/guard.h"
#include "runtime/core_priv.h"
#include "sem/trust.h"

#define MOTION_TICK_NS (20 * NS_PER_MS)
#define MOTION_ACCEPT_NS (500 * NS_PER_MS) /* the guard must show that it moves within this */
#define MOTION_LET_GO_NS (500 * NS_PER_MS) /* and within this, that it ended what we have released */
#define MOTION_OVERDUE_NS NS_PER_S /* a motion that lasts so much longer than its trajectory is ended by the guard */
#define MOTION_SILENT_NS (250 * NS_PER_MS) /* it publishes every 20 ms; what is older than this is not its word */
#define RAD_TO_CDEG (18000.0 / 3.14159265358979323846)

static const char silent[] = "the guard is silent";

/* Of the motion that is, or was last. */
static const struct plan_actuator *actuator(const struct core *c) {
	return &plan_actuators(c->plan)[c->motion.actuator];
}

static struct limb *limb(struct core *c) {
	return &c->limbs[c->motion.actuator];
}

static int open_limb(struct core *c, uint16_t index) {
	char name[CDM_NAME_MAX + 16];
	struct limb *l = &c->limbs[index];
	const struct plan_actuator *a = &plan_actuators(c->plan)[index];
	snprintf(name, sizeof(name), "%s.command", core_entity_name(c, a->entity));
	int rc = field_writer_open(&l->command, c->peers, plan_find_field(c->plan, name));
	if (rc < 0)
		return rc;
	snprintf(name, sizeof(name), "%s.state", core_entity_name(c, a->entity));
	if ((rc = field_open(&l->state, c->peers, plan_find_field(c->plan, name))) < 0)
		return rc;
	return field_open(&l->feedback, c->peers, a->feedback);
}

int motion_open(struct core *c) {
	int rc = 0;
	CHECK(c->plan->actuators.count <= CORE_LIMBS);
	for (uint16_t i = 0; rc == 0 && i < c->plan->actuators.count; i++)
		rc = open_limb(c, i);
	return rc;
}

/* One byte of no meaning: the guard looks at the command field now, not at its next tick. */
static void ring(const struct core *c) {
	if (c->guard_channel >= 0 && io_send(c->guard_channel, "", 1, NULL, 0, MSG_DONTWAIT) < 0)
		log_debug("the guard does not hear the bell");
}

static void send_to(struct core *c, uint16_t index, enum motion_kind kind, const double joints[GAIT_JOINTS]) {
	const struct plan_actuator *a = &plan_actuators(c->plan)[index];
	struct cdm_mono now = clock_mono();
	struct field_meta m = field_meta_of(a->entity);
	struct motion_command k = { .command_id = c->motion.command,
		.seq = ++c->motion.sequence,
		.issued_ns = c->motion.issued.ns,
		.valid_until_mono_ns = now.ns + a->lease_ns,
		.deadline_ns = kind == MOTION_MOVE ? c->motion.began.ns + gait_duration_ns(&c->motion.gait) +
				MOTION_OVERDUE_NS : 0,
		.actuator = index,
		.joint_count = a->joint_count,
		.kind = (uint16_t)kind,
		.trust = (float)c->motion.trust };
	for (unsigned i = 0; i < a->joint_count && i < MOTION_JOINTS_MAX; i++) {
		k.joint_cdeg[i] = joints ? (int32_t)lround(joints[i] * RAD_TO_CDEG) : 0;
		k.rate_cdeg_s[i] = a->joint_rate_cdeg_s[i % 3];
	}
	motion_command_seal(&k);
	m.trust = k.trust;
	if (field_write(&c->limbs[index].command, &k, sizeof(k), &m, now) < 0)
		log_warn("a set-point could not be published");
	ring(c);
}

static void send_command(struct core *c, enum motion_kind kind, const double joints[GAIT_JOINTS]) {
	send_to(c, c->motion.actuator, kind, joints);
}

static bool read_feedback(struct core *c, float out[FEEDBACK_COUNT]) {
	struct cdm_info info;
	return field_read(&limb(c)->feedback, out, FEEDBACK_COUNT * sizeof(float), clock_mono(), &info) == 0 &&
			info.bytes == FEEDBACK_COUNT * sizeof(float);
}

/* ---- the end of a motion ---- */

static void record_outcome(struct core *c, const char *what, const char *reason, bool counts) {
	uint8_t room[1024], more[512];
	struct body_outcome b = { c->motion.command, body_text(what), body_text(reason) };
	bool good = strcmp(what, "done") == 0;
	struct body_evidence v = { .subject = body_text(core_entity_name(c, actuator(c)->entity)),
		.role = body_text(trust_role_text(TRUST_DRIVER)),
		.dim = body_text("temperament"),
		.p_ppm = good ? BODY_PPM : 0,
		.n_ppm = good ? 0 : (uint64_t)(TRUST_KAPPA * BODY_PPM),
		.half_life_ms = (uint64_t)(trust_half_life_ns(TRUST_DRIVER) / NS_PER_MS) };
	int n = body_build_outcome(&b, room, sizeof(room)), k = body_build_evidence(&v, more, sizeof(more));
	const char *self = core_entity_name(c, 0), *who = core_entity_name(c, c->motion.speaker.principal);
	if (n < 0 || k < 0)
		return;
	struct journal_entry e[2] = { { JOURNAL_OUTCOME, JOURNAL_MACHINE, self, who, room, (size_t)n, NULL },
		{ JOURNAL_EVIDENCE, JOURNAL_MACHINE, self, who, more, (size_t)k, NULL } };
	ledger_note(c, e, counts ? 2 : 1);
}

/* How far it came along its own first heading, and how much it turned, by the odometry. */
static void reply_outcome(struct core *c, const char *what, const char *reason) {
	float f[FEEDBACK_COUNT] = { 0 };
	struct mp_out o;
	bool have = read_feedback(c, f);
	double dx = have ? (double)(f[FEEDBACK_X_M] - c->motion.from_x) : 0.0;
	double dy = have ? (double)(f[FEEDBACK_Y_M] - c->motion.from_y) : 0.0;
	double turned = have ? (double)(f[FEEDBACK_HEADING_DEG] - c->motion.from_heading) : 0.0;
	double heading = (double)c->motion.from_heading * 3.14159265358979323846 / 180.0;
	session_begin(c, &o, &c->motion.to, "outcome", 5);
	mp_kv_uint(&o, "command", c->motion.command);
	mp_kv_str(&o, "what", what);
	mp_kv_str(&o, "reason", reason);
	mp_kv_f64(&o, "advance_m", dx * cos(heading) + dy * sin(heading));
	mp_kv_f64(&o, "turn_rad", turned * 3.14159265358979323846 / 180.0);
	session_send(c, &o, &c->motion.to);
}

/* `counts`: it says something of the actuator.  That somebody stopped it does not. */
static void end(struct core *c, const char *what, const char *reason, bool counts) {
	if (!c->motion.moving)
		return;
	c->motion.moving = false;
	core_tick_at(c, 0);
	record_outcome(c, what, reason, counts);
	reply_outcome(c, what, reason);
}

/* ---- its course ---- */

static bool begin_intent(struct core *c) {
	const struct utterance_intent *i = &c->motion.intents[c->motion.intent_next++];
	float f[FEEDBACK_COUNT];
	double from[GAIT_JOINTS];
	bool have = read_feedback(c, f);
	for (int j = 0; have && j < GAIT_JOINTS; j++)
		from[j] = (double)f[FEEDBACK_JOINT + j] * 100.0 / RAD_TO_CDEG;
	c->motion.began = clock_mono();
	return gait_start(&c->motion.gait, &gait_hexapod, (enum plan_verb)i->verb, i->number, have ? from : NULL) == 0;
}

/* Between the verdict and now the disk had its time: is it still meant? */
static const char *overtaken(const struct core *c, const struct verdict *v) {
	if (c->going_down)
		return MOTION_GOING_DOWN;
	if (v->at.ns <= c->stopped.ns)
		return "stopped";
	return clock_mono().ns > v->deadline.ns ? "deadline" : NULL;
}

void motion_start(struct core *c, const struct speaker *s, const struct utterance *u, const struct verdict *v,
		double trust, const struct reply_to *to) {
	float f[FEEDBACK_COUNT] = { 0 };
	struct motion *m = &c->motion;
	act_dropped(c, v); /* kept from here on by m->moving */
	if (u->stop || u->count == 0)
		return;
	c->vital.stopped = false; /* what is allowed to move releases it */
	CHECK(!m->moving);
	uint64_t sequence = m->sequence;
	*m = (struct motion){ .moving = true, .actuator = v->actuator, .command = v->command, .sequence = sequence,
			.issued = v->at,
		.started = clock_mono(), .intent_count = u->count, .to = *to, .speaker = *s, .trust = trust };
	memcpy(m->intents, u->intents, sizeof(m->intents));
	if (read_feedback(c, f)) {
		m->from_x = f[FEEDBACK_X_M];
		m->from_y = f[FEEDBACK_Y_M];
		m->from_heading = f[FEEDBACK_HEADING_DEG];
	}
	const char *why = overtaken(c, v);
	if (!why && !begin_intent(c))
		why = "no such motion";
	if (why)
		return end(c, "aborted", why, false);
	limb(c)->commanded = m->started;
	core_tick_at(c, MOTION_TICK_NS);
	motion_tick(c);
}

static bool is_silent(const struct cdm_info *i, struct cdm_mono now) {
	return i->status == CDM_ORPHAN || mono_since(i->source_time, now) > MOTION_SILENT_NS;
}

static bool feels_nothing(struct core *c, struct cdm_mono now) {
	struct cdm_info info;
	return field_peek(&limb(c)->feedback, now, &info) < 0 || is_silent(&info, now);
}

/* What its state, which is fresh, says: NULL while all is well, else why our motion is over. */
static const char *state_objects(struct motion *m, const uint32_t s[STATE_COUNT], struct cdm_mono now) {
	bool ours = ((uint64_t)s[STATE_COMMAND_HIGH] << 32 | s[STATE_COMMAND_LOW]) == m->command;
	bool moving = ours && s[STATE_PHASE] == PHASE_MOVING;
	m->seen_moving |= moving;
	m->let_go = m->released.ns && ours && s[STATE_PHASE] == PHASE_IDLE;
	if (m->let_go)
		return NULL;
	if (m->seen_moving && !moving)
		return phase_reason_text(s[STATE_REASON]);
	if (m->released.ns)
		return mono_since(m->released, now) > MOTION_LET_GO_NS ? "the guard did not let go" : NULL;
	return !moving && mono_since(m->started, now) > MOTION_ACCEPT_NS ? "the guard refused it" : NULL;
}

static const char *guard_objects(struct core *c) {
	uint32_t s[STATE_COUNT];
	struct cdm_info info;
	struct cdm_mono now = clock_mono();
	if (field_read(&limb(c)->state, s, sizeof(s), now, &info) < 0 || info.status == CDM_ORPHAN)
		return "the guard is gone";
	if (is_silent(&info, now))
		return silent;
	const char *why = state_objects(&c->motion, s, now);
	return !why && feels_nothing(c, now) ? silent : why;
}

/* Did the actuator fail, rather than somebody want it to end, or the guard say nothing of it? */
static bool has_failed(const char *why) {
	static const enum guard_reason asked[] = { REASON_ASKED, REASON_QUIT, REASON_STOP_DOOR, REASON_STOP_CORE,
		REASON_STOP_BUS };
	for (size_t i = 0; i < COUNT_OF(asked); i++)
		if (why == phase_reason_text(asked[i]))
			return false;
	return why != silent;
}

/* Released, and the guard says so: done, once it is known where that was. */
static void see_it_end(struct core *c) {
	struct cdm_info info;
	struct motion *m = &c->motion;
	if (m->let_go && field_peek(&limb(c)->feedback, clock_mono(), &info) == 0 &&
			info.source_time.ns > m->released.ns)
		end(c, "done", "", true);
}

void motion_tick(struct core *c) {
	double joints[GAIT_JOINTS];
	struct motion *m = &c->motion;
	if (!m->moving)
		return;
	const char *why = guard_objects(c);
	if (why)
		return end(c, "aborted", why, has_failed(why));
	if (m->released.ns)
		return see_it_end(c);
	bool over = gait_at(&m->gait, mono_since(m->began, clock_mono()), joints);
	send_command(c, MOTION_MOVE, joints);
	if (!over)
		return;
	if (m->intent_next < m->intent_count && begin_intent(c))
		return;
	if (!m->seen_moving)
		return; /* it is short, and the guard has not obeyed yet: done is what was done */
	send_command(c, MOTION_RELEASE, NULL);
	m->released = clock_mono();
}

void motion_stop(struct core *c, const char *reason) {
	if (!c->motion.moving)
		return;
	send_command(c, MOTION_SAFE, NULL);
	end(c, "aborted", reason, false);
}

/* Through both doors: the command field, which is fast, and the guard's own, which needs no field. */
void motion_estop(struct core *c) {
	char path[RUN_DIR_PATH_MAX];
	c->stopped = clock_mono();
	c->vital.stopped = c->plan->actuators.count > 0;
	for (uint16_t i = 0; i < c->plan->actuators.count; i++) {
		send_to(c, i, MOTION_STOP, NULL);
		c->limbs[i].commanded = c->stopped;
	}
	int fd = run_dir_path(c->plan->machine, RUN_DIR_STOP, path) == 0 ? io_connect(path) : -1;
	if (fd >= 0 && io_send(fd, "core", 5, NULL, 0, MSG_DONTWAIT) < 0)
		log_error("the guard's stop door does not answer");
	io_close(&fd);
	end(c, "aborted", "stopped", false);
}
