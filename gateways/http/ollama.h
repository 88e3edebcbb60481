/*
 * ollama.h - Ollama's JSON: requests taken apart, answers put together.
 *
 * Pure: text and values in, text and values out; no clock, no socket.  Any thread.
 */
#ifndef HTTP_OLLAMA_H
#define HTTP_OLLAMA_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "base/check.h"
#include "gateways/http/options.h"

#define OLLAMA_MODEL_MAX 96
#define OLLAMA_TEXT_MAX 8191 /* bytes of a prompt that core takes: spec/control.md */

enum ollama_call { OLLAMA_GENERATE, OLLAMA_CHAT };

struct ollama_request {
	enum ollama_call call;
	char asked[OLLAMA_MODEL_MAX]; /* the model as the client names it, which answers repeat */
	char model[OLLAMA_MODEL_MAX]; /* without a tag ":latest" */
	char *text;                   /* the prompt, or the last user message; NULL: none, load only.  free() */
	bool stream;                  /* true unless said otherwise */
	bool unload;                  /* keep_alive 0 */
	struct options options;
};

/* 0, or -EINVAL with a sentence in why[]; free the text. */
MUST_CHECK int ollama_parse(enum ollama_call call, const char *body, size_t bytes, struct ollama_request *r,
		char *why, size_t capacity);

/* What is known when an answer is over; durations in nanoseconds. */
struct ollama_counts {
	int64_t total_ns, load_ns, prompt_ns, eval_ns;
	uint64_t tokens_in, tokens_out;
	const char *reason; /* "stop", "length", "load", "unload" */
};

/* One line of a stream: a piece of the answer. */
json_t *ollama_piece(enum ollama_call call, const char *model, const char *created_at, const char *text);
/* The last line, or with `text` the whole answer of a request that does not stream. */
json_t *ollama_end(enum ollama_call call, const char *model, const char *created_at, const char *text,
		const struct ollama_counts *c);
json_t *ollama_error(const char *text);

/* What the machine adds to the last object: `done` is core's reply, taken apart by mp_json(). */
json_t *ollama_verdict(const json_t *done);

struct ollama_model {
	const char *name, *modified_at, *digest, *format, *family;
	uint64_t bytes;
};

/* One entry of /api/tags. */
json_t *ollama_model(const struct ollama_model *m);

#endif
