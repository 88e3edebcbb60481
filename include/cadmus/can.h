/*
 * can.h - the words that are spoken on an actuator's bus: spec/can.md in C.
 *
 * Every message is one extended frame of 8 bytes.  Its id says how urgent it is, what it is, and
 * which node it is for or from; a CRC over id and payload and a counter show corruption, loss,
 * repetition and a second speaker; a lease says how long a set-point counts.
 *
 *      bit   28..26  25..21  20..13  12..0            byte  0 1     2 3    4     5      6     7
 *      id    | prio | class | node  | field |         data | motion | value | rate | lease | crc | ctr, flags |
 *
 * Pure functions on the caller's memory.  What is said of threads has the meaning that it has in client.h.
 */
#ifndef CADMUS_CAN_H
#define CADMUS_CAN_H

#include <stdbool.h>
#include <stdint.h>
#include "cadmus/bus.h"

#ifdef __cplusplus
extern "C" {
#endif

/** What a message is.  Values are the bus's; a lower priority value wins arbitration. */
enum cdm_can_kind {
	CDM_CAN_ESTOP = 0,     /**< priority 0: every node on the bus holds, at once */
	CDM_CAN_SETPOINT = 1,  /**< priority 1: guard -> joint node */
	CDM_CAN_FEEDBACK = 2,  /**< priority 2: joint node -> guard: where the joint is */
	CDM_CAN_ODOMETRY = 3,  /**< priority 3: body node -> guard: where the body is */
	CDM_CAN_HEARTBEAT = 4, /**< priority 4: "I am here, in this state" */
	CDM_CAN_KINDS          /**< how many there are */
};

/** What a message says of its sender; a set. */
enum cdm_can_flag {
	CDM_CAN_SAFE = 1,    /**< guard: this moves to, or holds, the safe pose */
	CDM_CAN_HOLDING = 2, /**< node: no lease; it holds its position */
	CDM_CAN_STOPPED = 4, /**< an emergency stop is latched here */
	CDM_CAN_FAULT = 8,   /**< node: it refused something, or cannot do it */
};

#define CDM_CAN_VALUE_CDEG_MAX 32767    /**< set-points and positions: hundredths of a degree */
#define CDM_CAN_RATE_UNIT_CDEG_S 400    /**< rates: 4 degrees per second */
#define CDM_CAN_LEASE_UNIT_NS 10000000  /**< leases: 10 ms */
#define CDM_CAN_FIELD_MAX 8191u /**< largest field number */
#define CDM_CAN_COUNTERS 16u    /**< counters go from 0 to one less, and begin anew */

/** A message of ours, as values. */
struct cdm_can {
	uint8_t kind;   /**< enum cdm_can_kind */
	uint8_t node;   /**< number of the joint or body */
	uint16_t field; /**< 0: position; others are free */
	uint16_t motion; /**< number of the motion this belongs to, as the guard counts them */
	int16_t value;  /**< hundredths of a degree */
	uint8_t rate;   /**< at most, in CDM_CAN_RATE_UNIT_CDEG_S */
	uint8_t lease;  /**< how long it is good for, in CDM_CAN_LEASE_UNIT_NS */
	uint8_t counter; /**< 0..15, one more than in the message before with the same id */
	uint8_t flags;   /**< set of enum cdm_can_flag */
};

/**
 * Make a frame of a message.
 *
 * @param m  the message
 * @param f  gets the frame
 * @return 0; -EINVAL: kind, field, counter or flags are out of range
 * @threads any
 */
int cdm_can_encode(const struct cdm_can *m, struct cdm_frame *f) __attribute__((warn_unused_result));

/**
 * Make a message of a frame.
 * An emergency stop is never refused for its payload: ask cdm_can_is_estop() first.
 *
 * @param f  the frame
 * @param m  gets the message
 * @return 0; -EPROTO: not one of these messages (flags, id, priority or length); -EBADMSG: the CRC does not match
 * @threads any
 */
int cdm_can_decode(const struct cdm_frame *f, struct cdm_can *m) __attribute__((warn_unused_result));

/**
 * Is it an emergency stop?  Whatever its payload, length or CRC.
 *
 * @param f  the frame
 * @return true: every node holds
 * @threads any
 */
bool cdm_can_is_estop(const struct cdm_frame *f);

/**
 * The id of a message of that kind.
 *
 * @param kind   what it is
 * @param node   number of the joint or body
 * @param field  0: position; up to CDM_CAN_FIELD_MAX
 * @return 29 bits, as in cdm_frame.id
 * @threads any
 */
uint32_t cdm_can_id(enum cdm_can_kind kind, uint8_t node, uint16_t field);

/**
 * The checksum of a message, CRC8H2F of AUTOSAR's Specification of CRC Library: polynomial 0x2f, start and final
 * xor 0xff, most significant bit first; over id and payload as spec/can.md says.
 *
 * @param id    of the frame
 * @param data  its 8 bytes, of which the one for the checksum does not count
 * @return the checksum
 * @threads any
 */
uint8_t cdm_can_crc(uint32_t id, const uint8_t data[8]);

/** Where the body is, modulo 65.536 m and 655.36 degrees; receivers add up differences. */
struct cdm_can_pose {
	int16_t x_mm;         /**< forward of where it began, millimetres */
	int16_t y_mm;         /**< to the left of that, millimetres */
	int16_t heading_cdeg; /**< counter-clockwise, hundredths of a degree */
};

/**
 * Put a pose into a message: odometry uses motion, value, rate and lease for its three numbers.
 *
 * @param m  the message
 * @param p  the pose
 * @threads any
 */
void cdm_can_set_pose(struct cdm_can *m, struct cdm_can_pose p);

/**
 * The pose in a message.
 *
 * @param m  the message, of odometry
 * @return its three numbers
 * @threads any
 */
struct cdm_can_pose cdm_can_get_pose(const struct cdm_can *m);

/** What a receiver remembers of one id.  Zeroed: nothing yet. */
struct cdm_can_order {
	uint8_t next; /**< counter that continues the row */
	bool known;   /**< there is a row */
};

/**
 * May this message be used?  Only one that continues the count.  The first of a row, and one after
 * a loss, a repetition or a stranger, is refused but remembered, so that its successor counts.
 *
 * @param o        what is remembered of its id
 * @param counter  of the message
 * @return true: use it
 * @threads any; one at a time for the same `o`
 */
bool cdm_can_in_order(struct cdm_can_order *o, uint8_t counter);

#ifdef __cplusplus
}
#endif

#endif
