/*
 * model_client.h - a model as core sees it: requests go out, events come in; nothing waits.
 *
 * The channel is a SEQPACKET socket to the worker, handed over by the parent.  After (re)connecting
 * the worker speaks first: LOADED once the model can be used, or FAILED before it gives up.  Then
 * one request at a time: TOKEN ... DONE, or EMBEDDING, or ERROR.  When the worker dies, the channel ends
 * (-EPIPE from model_client_next); a request in the works is lost then and may be asked again.
 *
 * One thread at a time per client.
 */
#ifndef MODEL_CLIENT_H
#define MODEL_CLIENT_H

#include <stddef.h>
#include <stdint.h>
#include "base/check.h"
#include "model/wire.h"

struct model_client {
	int fd;       /* borrowed; -1: none */
	uint64_t id;  /* of the newest request */
};

struct model_request {
	const char *prompt; /* UTF-8, at most WIRE_PROMPT_MAX */
	size_t prompt_bytes;
	uint32_t max_tokens;
	double temperature; /* 0: always the likeliest; not below, and finite */
	uint32_t seed;
	unsigned stop_count;
	const char *stop[CDM_STOPS_MAX]; /* zero terminated, 1 to 512 bytes; a backend may take less: llama 64 */
};

struct model_result {
	enum cdm_finish finish; /* wire_finish_text() */
	uint32_t tokens_in, tokens_cached, tokens_out;
	int64_t prompt_ns, eval_ns;
};

enum model_event_kind {
	MODEL_LOADED,
	MODEL_FAILED,
	MODEL_TOKEN,
	MODEL_DONE,
	MODEL_EMBEDDING,
	MODEL_ERROR,
	MODEL_PONG
};

struct model_event {
	enum model_event_kind kind;
	uint64_t id;                  /* of the request; 0: unasked */
	struct wire_text text;        /* TOKEN: of the answer; FAILED, ERROR: for people */
	int code;                     /* ERROR: negative errno */
	struct model_result result;   /* DONE */
	struct wire_floats vector;    /* EMBEDDING */
	struct cdm_model_facts facts; /* LOADED */
	char backend[CDM_NAME_MAX];   /* LOADED */
	int64_t load_ns;              /* LOADED: what loading took */
	uint64_t samples;             /* LOADED: published so far, by a model that works on fields */
};

/* fd is borrowed and must be non-blocking, or not matter. */
void model_client_open(struct model_client *m, int fd);
/*
 * Send one request.  Its id (> 0) in *id.  -EAGAIN: the worker does not read now; -EPIPE: it is gone;
 * -E2BIG: the prompt is too long; -EINVAL: too many, empty or too long stop strings, no such temperature.
 */
MUST_CHECK int model_client_generate(
		struct model_client *m, const struct model_request *rq, uint64_t *id);
/* The same of a text of 1 to WIRE_TEXT_MAX bytes, whose vector is wanted; -EINVAL: of none. */
MUST_CHECK int model_client_embed(struct model_client *m, const char *text, size_t bytes, uint64_t *id);
/* The request ends with DONE, reason "cancelled", or with ERROR, code ECANCELED, if it still runs. */
MUST_CHECK int model_client_cancel(struct model_client *m, uint64_t id);
/* LOADED comes again, with *id. */
MUST_CHECK int model_client_describe(struct model_client *m, uint64_t *id);
/* PONG comes when the worker is not busy, or at its next token. */
MUST_CHECK int model_client_ping(struct model_client *m, uint64_t *id);

/*
 * Take one event.  1; 0: none now; -EPIPE: the worker is gone; -EPROTO: it broke the protocol (drop
 * the channel).  Text and vector point into buffer, which should have WIRE_MESSAGE_MAX bytes.
 */
MUST_CHECK int model_client_next(
		struct model_client *m, void *buffer, size_t capacity, struct model_event *e);

#endif
