/*
 * command.h - what core asks of the guard: one record of the field "<actuator>.command" in core's segment.
 *
 * Core writes one every tick (20 ms) while a motion lasts, each with new joints and a new lease; the
 * guard reads all of them in order, checks each again (limits.h), and trusts none.  A *motion* is
 * all records with one command_id.  It ends with RELEASE, or when it is not renewed in time, or
 * by a stop; then only a motion with a higher command_id, issued after that end, is obeyed.
 *
 * A record is sealed with a CRC-32C, so that what a dying core leaves behind is not obeyed.
 * Times are CLOCK_MONOTONIC nanoseconds, which all processes of a machine share.
 */
#ifndef GUARD_COMMAND_H
#define GUARD_COMMAND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MOTION_JOINTS_MAX 18

enum motion_kind {
	MOTION_MOVE = 1,    /* go to these joints; also renews the lease */
	MOTION_RELEASE = 2, /* this motion is done: set-points end, the joints hold */
	MOTION_SAFE = 3,    /* go to the safe pose, under the guard's own control */
	MOTION_STOP = 4,    /* emergency stop, latched: obeyed whatever else the record says */
};

struct motion_command {
	uint64_t command_id;         /* the journal's number of the motion: > 0, grows; the same in all its records */
	uint64_t seq;                /* grows with every record, whatever its kind */
	int64_t issued_ns;           /* when the motion was decided: the same in all its records */
	int64_t valid_until_mono_ns; /* the lease: at most the plan's lease_ns from now */
	int64_t deadline_ns;         /* the motion must be over by then; 0: no such time */
	uint32_t actuator;           /* index in the plan's actuators */
	uint16_t joint_count;        /* the actuator's */
	uint16_t kind;               /* enum motion_kind */
	int32_t joint_cdeg[MOTION_JOINTS_MAX];  /* hundredths of a degree */
	int32_t rate_cdeg_s[MOTION_JOINTS_MAX]; /* no faster than this on the way there; 0: hold */
	float trust;                 /* 0..1: least lower bound of all that stands behind it */
	uint32_t crc;                /* of all bytes before it */
};

_Static_assert(sizeof(struct motion_command) == 200, "an ABI");
_Static_assert(offsetof(struct motion_command, crc) == 196, "no padding");

static inline uint32_t motion_command_crc(const struct motion_command *c) {
	const unsigned char *bytes = (const unsigned char *)c;
	uint32_t crc = UINT32_MAX;
	for (size_t i = 0; i < offsetof(struct motion_command, crc); i++) {
		crc ^= bytes[i];
		for (int bit = 0; bit < 8; bit++)
			crc = crc >> 1 ^ (crc & 1 ? 0x82f63b78u : 0);
	}
	return ~crc;
}

/* Core: the last thing before it is written. */
static inline void motion_command_seal(struct motion_command *c) {
	c->crc = motion_command_crc(c);
}

static inline bool motion_command_is_sealed(const struct motion_command *c) {
	return c->crc == motion_command_crc(c);
}

#endif
