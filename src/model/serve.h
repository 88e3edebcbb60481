/*
 * serve.h - the worker's end of its channel to core: requests in, answers out.
 *
 * One request at a time, one thread.  While a model computes, the channel is looked at from within
 * the computation (the backend's poll), so that a cancel, or a channel to a new core, is heard.
 */
#ifndef MODEL_SERVE_H
#define MODEL_SERVE_H

#include <stdbool.h>
#include <stdint.h>
#include "model/loader.h"
#include "model/wire.h"

struct serve {
	struct loader *loader;
	int channel;             /* owned; -1: core is not there */
	uint64_t samples;        /* told with LOADED; counted by a model that works on fields */
	/* Asked now and then during a computation, NULL allowed: nonzero ends it (the worker must quit). */
	int (*look)(void *self);
	void *self;
	/* The request in the works: */
	uint64_t id;             /* 0: none */
	uint32_t channel_serial; /* grows with each channel; answers go to the one that asked */
	uint32_t asked_serial;
	bool cancelled;
	struct cdm_mono looked;
	uint8_t in[WIRE_MESSAGE_MAX], out[WIRE_MESSAGE_MAX];
};

void serve_open(struct serve *s, struct loader *l);
void serve_close(struct serve *s);
/* Core (another one, perhaps) is at `fd`, owned from now on: say LOADED.  A request of the old one ends. */
void serve_channel(struct serve *s, int fd);
/* Handle what has come; returns when there is nothing more.  Drops the channel when core is gone or mad. */
void serve_readable(struct serve *s);
/* Say that the model cannot be used. */
void serve_failed(struct serve *s, const char *text);

#endif
