/*
 * recorded.h - a message of a recording, taken apart: the other half of what `cadmus record` writes.
 *
 * Messages are Protocol Buffers; which numbers mean what, spec/recording.md says.  Nothing is believed: whatever the
 * bytes are, what comes out is a sample that a writer could have published.  Pure.
 */
#ifndef REPLAY_RECORDED_H
#define REPLAY_RECORDED_H

#include <stdbool.h>
#include "base/check.h"
#include "cadmus/types.h"

struct recorded {
	struct cdm_info info;
	uint64_t missed;   /* that its recorder had missed just before it */
	const void *bytes; /* info.bytes of it, inside the message; unaligned */
};

/* `image`: its schema is foxglove.RawImage.  -EBADMSG: no such message, or nothing that a sample can be. */
MUST_CHECK int recorded_decode(const void *message, size_t bytes, bool image, struct recorded *out);

#endif
