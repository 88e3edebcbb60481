/*
 * door.h - the machine as this gateway sees it: requests to core, many at once, over one channel.
 *
 * One reader thread takes replies and hands each to the exchange with its id.  When core dies, the
 * parent hands over a new channel; what was open is asked again with the same request id, so nothing is
 * done twice.  A request that comes while there is no core waits for one.
 *
 * door_open, door_serve, door_close: main thread.  All else: any thread; one thread per exchange.
 */
#ifndef HTTP_DOOR_H
#define HTTP_DOOR_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "base/clock.h"
#include "cadmus/gateway.h"

struct door;
struct exchange;

/* Take the seat that the parent left us.  NULL after saying why on standard error. */
struct door *door_open(void);
/* Say to the parent why we cannot serve. */
void door_failed(struct door *d, const char *why);
/* Serve until the parent tells us to end, or is gone.  Then every exchange is over, and no new one begins. */
void door_serve(struct door *d);
/* Accepts NULL.  All exchanges have ended. */
void door_close(struct door *d);

/* An option of this gateway's entity in the description, or NULL. */
const char *door_option(const struct door *d, const char *key);
struct cdm_machine *door_machine(const struct door *d);

struct door_counts {
	bool connected;     /* to core, now */
	unsigned open;      /* exchanges */
	uint64_t begun;
	uint64_t again;     /* asked again because core had died */
};
struct door_counts door_counts(struct door *d);

/* What to ask: `text` of `model`; text NULL: load it and nothing else, or unload it. */
struct door_request {
	const char *model, *text;
	bool unload;
	unsigned max_tokens; /* 0: core's default */
	const char *key;     /* the client's own id for retries; NULL: none */
};

/* Begin.  NULL: no memory, or the machine is going down. */
struct exchange *door_ask(struct door *d, const struct door_request *r);

enum door_kind {
	DOOR_TOKEN,
	DOOR_AGAIN, /* tokens begin anew */
	DOOR_DONE,
	DOOR_ERROR,
	DOOR_OTHER,
};

struct door_reply {
	enum door_kind kind;
	json_t *body; /* the caller's: the whole message */
};

/*
 * Does core answer?  Asks it, and waits for at most DOOR_PING_NS.  One question at a time is on its way, whoever
 * asks: all who ask meanwhile share its answer, and one that is overdue is their answer at once.
 */
#define DOOR_PING_NS (1000 * NS_PER_MS)
bool door_answers(struct door *d);

/* Is the machine going down? */
bool door_is_over(struct door *d);
/* The next reply; waits at most timeout_ns.  false: none came, or the machine is going down. */
bool door_next(struct exchange *e, struct door_reply *r, int64_t timeout_ns);
/* Accepts NULL.  What core has not yet done of it is taken back. */
void door_end(struct exchange *e);

#endif
