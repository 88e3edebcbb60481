/*
 * unit.h - one actuator of this guard: its bus, its fields, and the struct guard between them.
 *
 * unit_step() is the only thing that happens to it: take what the bus and core have to say, let the
 * guard decide, send, publish.  One thread; nothing is allocated after unit_open().
 */
#ifndef CADMUS_GUARD_UNIT_H
#define CADMUS_GUARD_UNIT_H

#include "client/seat.h"
#include "guard/guard.h"
#include "store/event.h"
#include "store/field.h"

#define UNIT_PENDING (2 * GUARD_FRAMES_MAX)

struct unit {
	struct guard guard;
	struct cdm_bus *bus;
	struct field command;
	struct field_writer feedback, state;
	struct event_writer *events; /* shared by all units of the process */
	const char *name;            /* of the entity; in the plan */
	uint16_t entity;
	uint32_t index;              /* in the plan's actuators */
	float trust;                 /* what the plan says of its word */
	uint32_t published[STATE_COUNT];
	uint64_t told_command;
	uint32_t told_refusals, told_foreign;
	bool warned_foreign;
	enum guard_refusal told_refusal;
	bool bus_is_down, bus_is_full;
	struct cdm_frame pending[UNIT_PENDING]; /* what the bus had no room for, oldest first */
	unsigned pending_count;
	enum guard_phase pending_phase; /* in which it was meant, and for which motion */
	uint64_t pending_command;
};

MUST_CHECK int unit_open(struct unit *u, struct seat *s, uint32_t index, struct event_writer *events,
		struct cdm_diag *diag);
void unit_close(struct unit *u);
void unit_step(struct unit *u);
/* What core has written so far was written to a guard before this one. */
void unit_skip_commands(struct unit *u);

/* What happened, passed on to the guard at the time of now. */
void unit_stop(struct unit *u);
/* Has the bus taken the newest stop?  If not, each step tries again. */
bool unit_stop_is_said(const struct unit *u);
void unit_quit(struct unit *u);
void unit_core_lost(struct unit *u);
void unit_core_started(struct unit *u);

#endif
