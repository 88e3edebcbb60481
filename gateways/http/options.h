/*
 * options.h - `options` of a request: types as Ollama wants them, and what of them means something here.
 *
 * Pure.  Any thread.
 */
#ifndef HTTP_OPTIONS_H
#define HTTP_OPTIONS_H

#include <jansson.h>
#include <stddef.h>
#include "base/check.h"
#include "gateways/http/stops.h"

struct options {
	unsigned max_tokens; /* num_predict; 0: not given, or without end */
	struct stops stops;  /* stop */
};

/*
 * Take them; `given` NULL or null: none.  Names that Ollama does not know are passed over, null is as if not
 * given.  -EINVAL with a sentence, in Ollama's words where it has some.
 */
MUST_CHECK int options_take(const json_t *given, struct options *out, char *why, size_t capacity);

#endif
