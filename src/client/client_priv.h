/*
 * client_priv.h - an attached machine, as the files of the public functions share it.
 *
 * A gateway is a machine that was inherited instead of knocked at; it alone uses the part at the end.  A local machine
 * has no follower: whoever joins or gives something back looks after its peers.
 */
#ifndef CLIENT_CLIENT_PRIV_H
#define CLIENT_CLIENT_PRIV_H

#include <pthread.h>
#include "cadmus/client.h"
#include "client/seat.h"
#include "store/event_merge.h"
#include "store/field.h"

struct bell;

/* The readers of a machine that have a descriptor, of fields and of events, and the thread that looks after them. */
struct bells {
	pthread_mutex_t lock;
	pthread_t thread;
	bool running, quit;
	uint32_t word; /* atomic futex word: something changed that the thread must know of */
	unsigned turn; /* the thread's: so many of those that are armed wait for their turn in a sleep */
	bool ended;    /* under lock: the machine has, and all of them stay readable */
	struct bell *first;
};

void bells_init(struct bells *t);
/* Ends the thread and closes all descriptors. */
void bells_fini(struct bells *t);
/* The machine has ended: nobody hears of that by what he follows. */
void bells_end(struct bells *t);
/* A bell for a reader of that field, armed.  Descriptor and bell live until bell_close().  -ENOMEM, -errno. */
MUST_CHECK int bell_open(struct bells *t, struct field *of, struct bell **out);
/* The same for events. */
MUST_CHECK int bell_open_events(struct bells *t, struct event_merge *of, struct bell **out);
int bell_fd(const struct bell *b);
/* The reader has taken something: readable again when there is more than that. */
void bell_arm(struct bells *t, struct bell *b, struct field *of);
void bell_arm_events(struct bells *t, struct bell *b, struct event_merge *of);
void bell_close(struct bells *t, struct bell *b);

/* A borrowed sample: who holds it, and what anything made of it is held to.  All atomic: any thread may release. */
struct client_loan {
	uint32_t shares;            /* who holds it besides the first */
	uint32_t said;              /* its status */
	uint64_t by;                /* number of the reader; 0: nobody holds it */
	uint64_t source_ns, trust;  /* trust: bits of the float */
};

struct cdm_machine {
	struct seat seat;
	struct bells bells;
	pthread_t follower;
	struct cdm_local *local; /* NULL: another program's machine */
	int quit;            /* eventfd: the follower shall end */
	uint32_t alive;      /* atomic */
	uint32_t interrupts; /* atomic: grows with each cdm_interrupt() */
	uint32_t users;      /* atomic */
	uint64_t readers;    /* atomic: opened so far */
	uint64_t written[PLAN_FIELDS_MAX / 64]; /* atomic: fields that have a writer open */
	struct event_writer events; /* any thread */
	struct client_loan *loans; /* one for each lease word of our desk */
	bool follows;        /* the follower was started */

	pthread_mutex_t lock;
	bool is_local;       /* for good, also when `local` is NULL again; its peers are looked after under lock */
	unsigned kept;       /* of a local one, under lock: memory of lives that are over, for what is borrowed in it */

	bool is_gateway;
	pthread_cond_t changed;
	int channel;         /* under lock: the newest one to core that nobody has taken; -1: none */
	bool over;           /* under lock: told to end, or without a parent */
};

struct cdm_control {
	int fd;
};

#define CLIENT_LINKS_MAX 16

/* From a reader to a writer whose samples are made of what it takes. */
struct client_link {
	struct cdm_reader *reader;  /* NULL: it was closed */
	uint64_t number;            /* of the reader */
	struct client_link *next;   /* of the same reader */
	struct field_meta sum;      /* of what was taken since the last sample was published */
	bool any, published;        /* something was taken at all; the sum has been published */
};

struct cdm_machine *client_machine_of(const struct cdm_reader *r);
/* Both ends are the caller's to keep in place until client_unlink(); closing the reader keeps the sum. */
void client_link(struct client_link *k, struct cdm_reader *r);
void client_unlink(struct client_link *k);
/* What that reader, closed or not, still borrows may become part of any sample to come.  False: nothing. */
bool client_sum_of_loans(const struct cdm_machine *m, uint64_t reader, struct field_meta *sum);

/* Hold a borrowed sample once more; cdm_release() each. */
void client_share(const struct cdm_sample *s);

/* One user more, one less: the last one takes the machine down. */
void client_keep(struct cdm_machine *m);
void client_let_go(struct cdm_machine *m);

/* How long to sleep for news: no longer than a look when the machine has ended, for then nothing comes. */
int64_t client_patience(bool ended, int64_t timeout_ns);

/* Was it the program that interrupted a wait, or only a process that came back?  *told: of the last time. */
bool client_was_interrupted(const struct cdm_machine *m, uint32_t *told);

/* A machine without a seat yet, and one user; NULL: no memory. */
struct cdm_machine *client_new(void);
/* Its segment and directory are mapped: what a program needs besides.  -ENOMEM. */
MUST_CHECK int client_begin(struct cdm_machine *m);
/* Begin, and follow the seat socket until the last user goes.  -errno. */
MUST_CHECK int client_follow(struct cdm_machine *m, struct cdm_diag *diag);

/* Its place in the machine of its own program is free again. */
void local_leave(struct cdm_machine *m, bool in_order);
/* Something borrowed in a local machine was given back: let go of the memory that was kept for it. */
void local_tidy(struct cdm_machine *m);

/* The follower's news for a gateway: a channel to core (its own now), and the end. */
void gateway_channel(struct cdm_machine *m, int fd);
void gateway_over(struct cdm_machine *m);

#endif
