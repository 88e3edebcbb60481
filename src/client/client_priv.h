/*
 * client_priv.h - an attached machine, as client.c, describe.c and gateway.c share it.
 *
 * A gateway is a machine that was inherited instead of knocked at; it alone uses the part at the end.
 */
#ifndef CLIENT_CLIENT_PRIV_H
#define CLIENT_CLIENT_PRIV_H

#include <pthread.h>
#include "cadmus/client.h"
#include "client/seat.h"

struct cdm_machine {
	struct seat seat;
	pthread_t follower;
	int quit;            /* eventfd: the follower shall end */
	uint32_t alive;      /* atomic */
	uint32_t interrupts; /* atomic: grows with each cdm_interrupt() */
	uint32_t users;      /* atomic */

	bool is_gateway;
	pthread_mutex_t lock;
	pthread_cond_t changed;
	int channel;         /* under lock: the newest one to core that nobody has taken; -1: none */
	bool over;           /* under lock: told to end, or without a parent */
};

struct cdm_control {
	int fd;
};

/* A machine without a seat yet, and one user; NULL: no memory. */
struct cdm_machine *client_new(void);
/* Begin to follow the seat socket; cdm_detach() ends it.  -errno. */
MUST_CHECK int client_follow(struct cdm_machine *m);
/* Let go of one that nobody follows. */
void client_drop(struct cdm_machine *m);

/* The follower's news for a gateway: a channel to core (its own now), and the end. */
void gateway_channel(struct cdm_machine *m, int fd);
void gateway_over(struct cdm_machine *m);

#endif
