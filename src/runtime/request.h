/*
 * request.h - one message of the control protocol, taken apart: spec/control.md.
 *
 * Pure: bytes in, values out; nothing of the input is referred to afterwards.  Any thread.
 */
#ifndef RUNTIME_REQUEST_H
#define RUNTIME_REQUEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "base/check.h"
#include "cadmus/types.h"
#include "journal/body.h"

#define REQUEST_TEXT_MAX 8192
#define REQUEST_SYMBOLS_MAX 1024
#define REQUEST_ID_MAX 64 /* of the client's own id for retries, zero included */
#define REQUEST_KEYS_MAX 8u
#define REQUEST_WORD_MAX 16 /* of `what`, zero included */
#define REQUEST_TOKENS_DEFAULT 128u
#define REQUEST_TOKENS_MAX 4096u

enum request_key {
	REQUEST_TEXT = 1,
	REQUEST_SYMBOLS = 2,
	REQUEST_FIELD = 4,
	REQUEST_VALUE = 8,
	REQUEST_MODEL = 16,
	REQUEST_AS = 32,
	REQUEST_TARGET = 64,
	REQUEST_KEY = 128,
	REQUEST_SEQ = 256,
	REQUEST_KEYS = 512,
};

enum request_op {
#define REQUEST(name, right, keys) REQUEST_OP_##name,
#include "runtime/request.def"
#undef REQUEST
	REQUEST_OP_COUNT
};

struct request {
	uint64_t id, target;
	enum request_op op;
	unsigned has; /* set of enum request_key */
	char text[REQUEST_TEXT_MAX], symbols[REQUEST_SYMBOLS_MAX];
	char field[CDM_NAME_MAX], model[CDM_NAME_MAX], as[CDM_NAME_MAX];
	char request[REQUEST_ID_MAX]; /* "" when there is none */
	char key[BODY_KEY_MAX + 1], session[BODY_KEY_MAX + 1];
	char keys[REQUEST_KEYS_MAX][BODY_KEY_MAX + 1]; /* of a `read` of several; none is blank */
	unsigned key_count;
	char what[REQUEST_WORD_MAX];
	double value;
	double confidence, weight, min_trust; /* 0..1; confidence and weight: 1 when they are not there */
	uint64_t seq, after, level, seen_ms, due_ms;
	uint64_t max_age_ms; /* UINT64_MAX when it is not there */
	struct body_seqs from;
	bool blind;
	unsigned max;
	bool has_max; /* it was said */
	char wrong[64]; /* a sentence, where one of them is wrong */
};

/*
 * 0; -EPROTO: no map, or broken (the peer is not one of ours); -ENOTSUP: an op we do not know; -EINVAL:
 * a key is missing, too long or of the wrong type.  After the last two `id` and *why, a sentence that lives as long as
 * *out, say what to answer.
 */
MUST_CHECK int request_parse(const void *message, size_t bytes, struct request *out, const char **why);
const char *request_op_name(enum request_op op);
unsigned request_op_right(enum request_op op);

#endif
