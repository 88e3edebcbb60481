/*
 * wire.h - the messages between core and a worker: one MessagePack map each, over SEQPACKET.
 *
 * wire.def is the protocol; writer, reader and spec/worker.md follow it.  The reader is strict: just
 * the keys of the kind, each once, each of its type and within its range, and nothing behind the map.
 * Both ends come from one build, so there is nothing to be lenient about; and either may have gone mad.
 *
 * Pure: no clock, no allocation.  Any thread.
 */
#ifndef MODEL_WIRE_H
#define MODEL_WIRE_H

#include <stddef.h>
#include <stdbool.h>
#include <stdint.h>
#include "base/check.h"
#include "cadmus/backend.h"

#define WIRE_MESSAGE_MAX 65536
#define WIRE_PROMPT_MAX 60000 /* bytes; leaves room for the rest of a message */
#define WIRE_TEXT_MAX 4096    /* of any other text */

enum wire_kind {
#define WIRE(kind, text, keys) WIRE_##kind,
#include "model/wire.def"
#undef WIRE
	WIRE_KIND_COUNT
};

enum wire_key {
#define WIRE_KEY(key, text, type, member) WIRE_KEY_##key,
#include "model/wire.def"
#undef WIRE_KEY
	WIRE_KEY_COUNT
};

/* Borrowed: from the caller when written, from the message when read.  Not zero terminated. */
struct wire_text {
	const char *at;
	size_t bytes;
};

struct wire_texts {
	uint32_t count;
	struct wire_text at[CDM_STOPS_MAX];
};

/* As texts are; as they stand on the wire: wire_float(). */
struct wire_floats {
	const uint8_t *at;
	uint32_t count;
};

/* Only the members of the kind's keys are meant; the rest is zero after reading. */
struct wire_message {
	enum wire_kind kind;
	uint64_t id;
	struct wire_text prompt, text;
	uint32_t max, seed;
	double temperature;
	struct wire_texts stop;
	int code;                /* negative errno */
	struct cdm_result result;
	struct wire_text backend, architecture, description, quantization, engine;
	uint64_t parameters, bytes, samples;
	uint32_t context, context_trained, vocabulary, threads, dims;
	struct wire_floats vector;
	int64_t load_ns;
};

/* Bytes written, or -E2BIG. */
MUST_CHECK int wire_write(const struct wire_message *m, void *out, size_t capacity);
/* 0, or -EPROTO.  Texts point into `message`. */
MUST_CHECK int wire_read(const void *message, size_t bytes, struct wire_message *m);

/* "end", "stop", "length", "context", "cancelled"; "?" outside the enum. */
const char *wire_finish_text(unsigned finish);

/* One of them, and back. */
float wire_float(const struct wire_floats *f, uint32_t i);
void wire_put_float(float v, uint8_t out[4]);

struct wire_text wire_text_of(const char *s);
/* Copy into a zero terminated array, cut at a code point where it does not fit. */
void wire_text_copy(struct wire_text t, char *out, size_t capacity);

#endif
