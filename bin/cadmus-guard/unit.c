/* unit.c - see unit.h. */
#include "unit.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include "base/err.h"
#include "base/log.h"

/* Looked at in one step; what is left is looked at in the next, after the clock. */
enum { FRAMES_PER_STEP = 64, COMMANDS_PER_STEP = 16 };

/* So many frames of another guard are no accident. */
#define FOREIGN_FRAMES 3u

/* ---- opening --------------------------------------------------------------------------------- */

/* The index of "<actuator>.<leaf>". */
static uint16_t find_field(const struct unit *u, const struct plan *p, const char *leaf) {
	char name[2 * CDM_NAME_MAX];
	snprintf(name, sizeof(name), "%s.%s", u->name, leaf);
	return plan_find_field(p, name);
}

static int refuse(const struct unit *u, const char *leaf, int rc, struct cdm_diag *diag) {
	cdm_diag_add(diag, CDM_ERROR, "G0201", "field '%s.%s' cannot be used: %s", u->name, leaf,
			rc < 0 ? err_text(rc) : "it has not the size that the guard needs");
	return rc < 0 ? rc : -EINVAL;
}

static int open_writer(struct unit *u, struct seat *s, struct field_writer *w, const char *leaf, size_t bytes,
		struct cdm_diag *diag) {
	int rc = field_writer_open(w, &s->peers, find_field(u, s->plan, leaf));
	return rc < 0 || w->plan->bytes != bytes ? refuse(u, leaf, rc, diag) : 0;
}

static int open_fields(struct unit *u, struct seat *s, struct cdm_diag *diag) {
	int rc = open_writer(u, s, &u->feedback, "feedback", FEEDBACK_COUNT * sizeof(float), diag);
	if (rc == 0)
		rc = open_writer(u, s, &u->state, "state", STATE_COUNT * sizeof(uint32_t), diag);
	if (rc < 0)
		return rc;
	rc = field_open(&u->command, &s->peers, find_field(u, s->plan, "command"));
	return rc < 0 || u->command.plan->bytes < sizeof(struct motion_command) ? refuse(u, "command", rc, diag) : 0;
}

static float least_trust(const struct plan_entity *e) {
	double least = 1;
	for (int d = 0; d < 3; d++)
		least = e->trust[d] < least ? e->trust[d] : least;
	return (float)least;
}

int unit_open(struct unit *u, struct seat *s, uint32_t index, struct event_writer *events,
		struct cdm_diag *diag) {
	const struct plan_actuator *a = &plan_actuators(s->plan)[index];
	const struct plan_entity *e = &plan_entities(s->plan)[a->entity];
	struct cdm_mono now = clock_mono();
	*u = (struct unit){ .events = events, .name = e->name, .entity = a->entity, .index = index,
			.trust = least_trust(e) };
	/* Milliseconds since boot: hardly the number that the joints of a stopped robot remember. */
	int rc = guard_init(&u->guard, a, index, now, (uint16_t)(now.ns >> 20), diag);
	if (rc == 0)
		rc = open_fields(u, s, diag);
	if (rc == 0)
		rc = cdm_bus_open(&u->bus, a->bus, s->plan->machine, diag);
	if (rc < 0)
		return rc;
	log_info("%s: %s, nodes %u to %u", u->name, cdm_bus_address(u->bus), a->node_base,
			a->node_base + a->joint_count - 1u);
	return 0;
}

void unit_close(struct unit *u) {
	cdm_bus_close(&u->bus);
}

/* ---- publishing ------------------------------------------------------------------------------ */

static void tell(struct unit *u, enum event_kind kind, uint64_t b, const char *text) {
	(void)event_write(u->events, u->guard.now, kind, u->entity, u->entity, b, text);
}

static void tell_phase(struct unit *u) {
	enum guard_phase before = (enum guard_phase)u->published[STATE_PHASE], now = u->guard.phase;
	const char *why = phase_reason_text(u->guard.reason);
	if (before == PHASE_ESTOP && now != PHASE_ESTOP)
		tell(u, EVENT_RELEASED, u->guard.command_id, NULL);
	if (now == PHASE_MOVING && (before != now || u->guard.command_id != u->told_command)) {
		tell(u, EVENT_COMMAND, u->guard.command_id, "obeyed");
		u->told_command = u->guard.command_id;
		u->told_refusal = REFUSE_NONE;
	}
	if (u->guard.stops != u->published[STATE_STOPS])
		tell(u, EVENT_STOP, u->guard.command_id, why);
	if (before == now || now != PHASE_SAFE)
		return;
	if (u->guard.reason == REASON_LEASE)
		tell(u, EVENT_LEASE, u->guard.command_id, NULL);
	tell(u, EVENT_SAFE, u->guard.command_id, why);
	log_warn("%s goes to its safe state: %s", u->name, why);
}

/* One event for a row of refusals with one reason, not one for each of 50 a second. */
static void tell_refusals(struct unit *u) {
	const struct guard *g = &u->guard;
	if (g->refusals == u->told_refusals)
		return;
	if (g->last_refusal != u->told_refusal)
		tell(u, EVENT_COMMAND, g->refusals, limits_refusal_text(g->last_refusal));
	u->told_refusals = g->refusals;
	u->told_refusal = g->last_refusal;
}

/*
 * Another machine with our ids on our bus: both feel the other's joints, and one's motion ends the other's.  It goes on
 * 20 times a second, so it is told once; a frame or two may be what a guard before us left in the bus.
 */
static void tell_foreign(struct unit *u) {
	uint32_t foreign = u->guard.foreign;
	counter_add(&u->feedback.peers->own, COUNTER_foreign, foreign - u->told_foreign);
	u->told_foreign = foreign;
	if (foreign < FOREIGN_FRAMES || u->warned_foreign)
		return;
	u->warned_foreign = true;
	tell(u, EVENT_FOREIGN, foreign, NULL);
	log_warn("%s: another machine drives %s too; give one of them another `bus:`", u->name,
			cdm_bus_address(u->bus));
}

static struct field_meta meta(const struct unit *u, struct cdm_mono source) {
	struct field_meta m = field_meta_of(u->entity);
	m.source_time = source;
	m.trust = u->trust;
	return m;
}

static void publish(struct unit *u) {
	float feedback[FEEDBACK_COUNT];
	uint32_t state[STATE_COUNT];
	struct cdm_mono source;
	if (guard_take_feedback(&u->guard, feedback, &source)) {
		struct field_meta m = meta(u, source);
		(void)!field_write(&u->feedback, feedback, sizeof(feedback), &m, u->guard.now); /* drops are counted */
	}
	guard_get_state(&u->guard, state);
	tell_refusals(u);
	if (u->guard.foreign != u->told_foreign)
		tell_foreign(u);
	if (u->state.version != 0 && memcmp(state, u->published, sizeof(state)) == 0)
		return;
	struct field_meta m = meta(u, u->guard.now);
	tell_phase(u);
	(void)!field_write(&u->state, state, sizeof(state), &m, u->guard.now);
	memcpy(u->published, state, sizeof(state));
}

/* ---- a step ---------------------------------------------------------------------------------- */

static void note_bus(struct unit *u, int rc) {
	bool down = rc < 0 && rc != -EAGAIN;
	if (down != u->bus_is_down)
		log_warn("%s: its bus is %s", u->name, down ? "down" : "up again");
	u->bus_is_down = down;
}

/* false: the bus has no room for it now.  One that is down loses it: what is said later says more. */
static bool send(struct unit *u, const struct cdm_frame *f) {
	int rc = cdm_bus_send(u->bus, f);
	note_bus(u, rc);
	if (rc < 0 && rc != -EAGAIN)
		guard_unsent(&u->guard, f);
	return rc != -EAGAIN;
}

static void forget_all(struct unit *u) {
	for (unsigned i = 0; i < u->pending_count; i++)
		guard_unsent(&u->guard, &u->pending[i]);
	u->pending_count = 0;
}

/* A stop goes before everything, and makes what waits void. */
static void send_stop(struct unit *u, const struct cdm_frame *f) {
	forget_all(u);
	if (!send(u, f))
		guard_unsent(&u->guard, f);
}

/*
 * The queue of a CAN interface may be shorter than a round of set-points (Linux makes it 10 frames long).  What it has
 * no room for goes first the next time, in order, or the last joints would never hear anything.
 */
static void send_pending(struct unit *u) {
	unsigned n = 0;
	while (n < u->pending_count && send(u, &u->pending[n]))
		n++;
	u->pending_count -= n;
	memmove(u->pending, u->pending + n, u->pending_count * sizeof(u->pending[0]));
	if (u->pending_count == 0)
		u->bus_is_full = false;
}

/* What is left of two rounds ago is too old to be said. */
static void forget_oldest(struct unit *u) {
	guard_unsent(&u->guard, &u->pending[0]);
	memmove(u->pending, u->pending + 1, --u->pending_count * sizeof(u->pending[0]));
	if (!u->bus_is_full)
		log_warn("%s: its bus cannot take all that is said; "
			 "a longer queue helps (ip link set CAN txqueuelen 100)", u->name);
	u->bus_is_full = true;
}

static void put(struct unit *u, const struct cdm_frame *f) {
	if (u->pending_count == 0 && send(u, f))
		return;
	if (u->pending_count == UNIT_PENDING)
		forget_oldest(u);
	u->pending[u->pending_count++] = *f;
}

static void decide(struct unit *u, const struct motion_command *c, const struct cdm_frame *rx, unsigned n) {
	struct cdm_frame tx[GUARD_FRAMES_MAX];
	unsigned out = guard_step(&u->guard, clock_mono(), c, rx, n, tx), i = 0;
	if (out > 0 && cdm_can_is_estop(&tx[0]))
		send_stop(u, &tx[i++]);
	if (u->guard.phase != u->pending_phase || u->guard.command_id != u->pending_command)
		forget_all(u); /* nothing moves because of a motion that is over */
	u->pending_phase = u->guard.phase;
	u->pending_command = u->guard.command_id;
	send_pending(u);
	for (; i < out; i++)
		put(u, &tx[i]);
}

static unsigned listen_to_bus(struct unit *u, struct cdm_frame rx[FRAMES_PER_STEP]) {
	unsigned n = 0;
	int rc = 0;
	while (n < FRAMES_PER_STEP && (rc = cdm_bus_receive(u->bus, &rx[n])) == 0)
		n++;
	if (rc < 0 && rc != -EAGAIN)
		note_bus(u, rc);
	return n;
}

/* All that core has written since, in order, each with its own decision. */
static void take_commands(struct unit *u) {
	struct motion_command c;
	struct cdm_info info;
	for (int i = 0; i < COMMANDS_PER_STEP; i++) {
		if (field_next(&u->command, &c, sizeof(c), clock_mono(), &info) < 0)
			return;
		if (info.bytes == sizeof(c))
			decide(u, &c, NULL, 0);
	}
}

void unit_step(struct unit *u) {
	struct cdm_frame rx[FRAMES_PER_STEP];
	decide(u, NULL, rx, listen_to_bus(u, rx));
	take_commands(u);
	publish(u);
}

void unit_stop(struct unit *u) {
	guard_stop(&u->guard, clock_mono(), REASON_STOP_DOOR);
	decide(u, NULL, NULL, 0); /* on the bus before anything else */
	publish(u);
}

void unit_skip_commands(struct unit *u) {
	field_skip(&u->command);
}

bool unit_stop_is_said(const struct unit *u) {
	return guard_stop_is_said(&u->guard);
}

void unit_quit(struct unit *u) {
	guard_quit(&u->guard, clock_mono());
}

void unit_core_lost(struct unit *u) {
	guard_core_lost(&u->guard, clock_mono());
}

void unit_core_started(struct unit *u) {
	guard_core_started(&u->guard, clock_mono());
}
