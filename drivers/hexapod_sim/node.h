/*
 * node.h - the microcontroller at one joint: it obeys set-points, limits its own rate, and stops by itself.
 *
 * What spec/can.md asks of a node, in virtual time.  It trusts the bus no more than the guard does: a
 * set-point must be in order; it counts as long as its lease byte says and no longer, so that the
 * death of the guard, the bus or the whole machine stops the leg; after an emergency stop it
 * waits for a motion with another number.  Pure.
 */
#ifndef HEXAPOD_SIM_NODE_H
#define HEXAPOD_SIM_NODE_H

#include <stdbool.h>
#include <stdint.h>
#include "cadmus/can.h"
#include "cadmus/types.h"

struct node {
	double at_cdeg, target_cdeg;
	double limit_cdeg_s;         /* what the motor can do */
	double rate_cdeg_s;          /* what the set-point permits */
	int64_t lease_until_ns;      /* the set-point counts until then */
	struct cdm_can_order order;
	uint16_t motion;             /* of the set-point obeyed last */
	bool stopped;                /* by an emergency stop during that motion */
	bool fault;                  /* something was refused since the last feedback */
	double reported_cdeg;
	uint8_t counter;
};

void node_init(struct node *n, double at_cdeg, double limit_cdeg_s);
void node_hear(struct node *n, const struct cdm_can *setpoint, struct cdm_mono now);
void node_stop(struct node *n);
/* Move from `then` to `now`. */
void node_step(struct node *n, struct cdm_mono then, struct cdm_mono now);
/* The next feedback message, `elapsed_ns` after the one before. */
struct cdm_can node_feedback(struct node *n, uint8_t address, struct cdm_mono now, int64_t elapsed_ns);

#endif
