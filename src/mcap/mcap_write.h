/*
 * mcap_write.h - writing an MCAP file, from its begin to its end, without ever going back.
 *
 *     struct mcap_writer *w;
 *     if (mcap_write_open(fd, NULL, &w) == 0) {
 *             int schema = mcap_write_schema(w, ...), channel = mcap_write_channel(w, ...);
 *             mcap_write_message(w, &message); ...
 *             rc = mcap_write_end(&w);
 *     }
 *
 * Messages gather in a chunk; a full one (and that of mcap_write_flush()) is compressed and written in one go.  So what
 * is in the file is whole up to its last chunk, whenever its writer dies.  Schemas, channels, attachments and metadata
 * are written at once.
 *
 * What cannot be written is taken back to the end of the last whole record, where the file is one that can be cut: a
 * full disk leaves a file that can be read, and the call may be tried again.  A chunk that could not be written is
 * gone, and mcap_write_count() does not count its messages.
 *
 * Memory: a chunk, twice; about 200 bytes for each chunk that was written, which the summary lists.
 * All functions belong to one thread.
 */
#ifndef MCAP_MCAP_WRITE_H
#define MCAP_MCAP_WRITE_H

#include <stdbool.h>
#include "base/check.h"
#include "mcap/mcap.h"

#define MCAP_WRITE_CHUNK_BYTES (1u << 20)
#define MCAP_WRITE_MESSAGE_MAX (1u << 30)

struct mcap_writer;

/* Zeros mean the defaults. */
struct mcap_write_options {
	size_t chunk_bytes;  /* MCAP_WRITE_CHUNK_BYTES; a message that is larger has a chunk of its own */
	bool plain;          /* do not compress; else zstd */
	int level;           /* of zstd: 1, the fastest of its usual ones */
	const char *profile; /* "" */
	const char *library; /* "": which program wrote the file */
};

/*
 * Begin: magic and header go to `fd`, which stays the caller's, stands at the end of what is in it, and must be written
 * by nobody else.  -ENOMEM, -errno.
 */
MUST_CHECK int mcap_write_open(int fd, const struct mcap_write_options *options, struct mcap_writer **out);

/* A schema: its id (from 1 on).  s->id is not looked at.  -E2BIG: no more ids; -ENOMEM, -errno. */
MUST_CHECK int mcap_write_schema(struct mcap_writer *w, const struct mcap_schema *s);
/* A channel: its id (from 1 on).  c->id is not looked at; c->schema: 0, or one that was written. */
MUST_CHECK int mcap_write_channel(struct mcap_writer *w, const struct mcap_channel *c);
/* A message of a channel that was written.  0, -E2BIG (MCAP_WRITE_MESSAGE_MAX), -ENOMEM, -errno: of the chunk before */
MUST_CHECK int mcap_write_message(struct mcap_writer *w, const struct mcap_message *m);
MUST_CHECK int mcap_write_attachment(struct mcap_writer *w, const struct mcap_attachment *a);
MUST_CHECK int mcap_write_metadata(struct mcap_writer *w, const struct mcap_metadata *m);
/* Write the chunk that gathers now, if anything is in it. */
MUST_CHECK int mcap_write_flush(struct mcap_writer *w);

/* Bytes in the file; messages of a channel in it (those that gather are not), and their payload. */
uint64_t mcap_write_bytes(const struct mcap_writer *w);
uint64_t mcap_write_count(const struct mcap_writer *w, uint16_t channel);

/*
 * Flush, write the summary, and let go of the writer, whatever comes out; accepts NULL, sets *w NULL.  The first thing
 * that failed: -ENOMEM, -errno; then the file may have no summary, and is to be read by going through it.
 */
MUST_CHECK int mcap_write_end(struct mcap_writer **w);
/* Let go of the writer; the file stays as it is.  Accepts NULL. */
void mcap_write_abandon(struct mcap_writer **w);

#endif
