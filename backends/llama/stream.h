/*
 * stream.h - bytes from a model become text for people: whole code points, and no stop strings.
 *
 * A token may be a part of a code point, and a stop string may come in several tokens.  So what
 * could still become either is held back.  Bytes that are not UTF-8 come out as U+FFFD.
 */
#ifndef LLAMA_STREAM_H
#define LLAMA_STREAM_H

#include <stdbool.h>
#include <stddef.h>
#include "cadmus/backend.h"

#define STREAM_STOP_BYTES_MAX 64
#define STREAM_HELD_MAX 512

struct stream {
	const struct cdm_request *to;
	char held[STREAM_HELD_MAX];     /* valid UTF-8 that may be the start of a stop string */
	size_t held_bytes;
	unsigned char part[4];          /* the start of a code point */
	size_t part_bytes;
	bool stopped;                   /* a stop string came: nothing more will be said */
	bool cancelled;                 /* the receiver said so */
};

/* -EINVAL: too many stop strings, an empty one, or one longer than STREAM_STOP_BYTES_MAX. */
int stream_init(struct stream *s, const struct cdm_request *to);
/* More bytes of the answer; what can be said is said. */
void stream_push(struct stream *s, const char *bytes, size_t count);
/* No more will come: say what was held back. */
void stream_end(struct stream *s);

/* Is all of it valid UTF-8? */
bool stream_is_utf8(const char *text, size_t bytes);

#endif
