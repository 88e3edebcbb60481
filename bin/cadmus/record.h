/*
 * record.h - what the parts of `cadmus record` share; spec/recording.md says what is in a file.
 *
 *     cmd_record.c      options, and which fields
 *     record_loop.c     follow fields and events until the end
 *     record_message.c  samples and events as Protocol Buffers
 *     record_queue.c    messages on their way to the file, by a thread of its own
 *     record_file.c     what is in the file besides messages; how it ends
 *     record_info.c     `cadmus record --info`
 */
#ifndef CADMUS_RECORD_H
#define CADMUS_RECORD_H

#include <stdbool.h>
#include <stdint.h>
#include "bin/cadmus/verb.h"
#include "cadmus/client.h"
#include "mcap/mcap_write.h"

#define RECORD_PROFILE "cadmus"
#define RECORD_EVENTS "/cadmus/events" /* its topic; names of fields have no slash */
#define RECORD_MACHINE "cadmus.machine" /* names of metadata */
#define RECORD_RESULT "cadmus.result"
#define RECORD_PLAN "plan"              /* name of the attachment */
#define RECORD_DESCRIPTOR_MAX 4096
#define RECORD_OVERHEAD_MAX 1024        /* bytes of a message besides the payload */

/* ---- record_message.c ---- */

/* How the samples of a field are written. */
enum record_form {
	RECORD_VALUES, /* cadmus.SampleF32 and the like: the payload is its packed numbers, as it stands */
	RECORD_DATA,   /* cadmus.SampleU8 and the like: the payload as bytes; of small ones the numbers, too */
	RECORD_IMAGE,  /* foxglove.RawImage, and what is known of the sample */
};

struct record_type {
	enum record_form form;
	char name[64];               /* of its schema */
	uint8_t descriptor[RECORD_DESCRIPTOR_MAX];
	uint32_t descriptor_bytes;
};

void record_type_of(const struct cdm_field *f, struct record_type *out);
void record_type_of_events(struct record_type *out);

/* Into `out`, RECORD_OVERHEAD_MAX more than the payload and the numbers of a small one need.  Bytes. */
size_t record_sample(const struct cdm_field *f, enum record_form form, const struct cdm_info *info, const char *source,
		uint64_t missed, int64_t offset_ns, const void *payload, void *out, size_t capacity);
/* `process`, `source`, `sentence`: words for it.  Bytes. */
size_t record_event(const struct cdm_event *e, const char *process, const char *source, const char *sentence,
		uint32_t missed, int64_t offset_ns, void *out, size_t capacity);

/* ---- record_queue.c ---- */

struct record_queue;

/* Messages go to `w` from now on, by a thread that has it alone until record_queue_close().  `bytes` may wait.
   `failed`: an eventfd that becomes readable when one could not be written.  -ENOMEM, -EAGAIN. */
MUST_CHECK int record_queue_open(struct mcap_writer *w, size_t bytes, int failed, struct record_queue **out);
/* Append a message, waiting for room; -errno of the file, which takes nothing any more. */
MUST_CHECK int record_queue_put(struct record_queue *q, const struct mcap_message *m);
/* What was appended so far is to be on its way to the file soon. */
void record_queue_flush(struct record_queue *q);
/* Let all of it be written, end the thread.  0, or the first -errno of the file.  Accepts NULL; sets *q NULL. */
MUST_CHECK int record_queue_close(struct record_queue **q);

/* ---- the recorder ---- */

struct record_field {
	struct cdm_reader *reader; /* NULL: not yet; or its writer's memory is broken */
	struct cdm_field about;
	enum record_form form;
	uint16_t channel;
	struct cdm_info begin;         /* the newest sample when it was opened; version 0: there was none */
	uint64_t taken, missed, bytes; /* samples, and their payload */
	uint64_t written;              /* in the file, at the end */
	uint64_t drops;                /* that its writer could not publish, since the recording began */
};

enum record_end {
	RECORD_ASKED,   /* Ctrl-C, SIGTERM, --seconds */
	RECORD_MACHINE_ENDED,
	RECORD_FAILED,  /* rc says why */
};

struct recorder {
	const struct verb_context *context;
	const char *path;
	int fd;
	struct cdm_machine *machine;
	const struct plan *plan;
	struct record_field *fields;
	uint32_t count, hidden; /* hidden: that no client may read */
	struct cdm_events *events; /* NULL: not wanted */
	uint16_t event_channel;
	uint64_t event_taken, event_missed, event_written;
	bool heard[64];         /* processes whose events have been seen: what was before is no loss */
	int64_t offset_ns;      /* calendar - monotonic, when the recording began */
	struct cdm_mono began, ended;
	uint64_t seconds;       /* 0: no end */
	bool plain;
	size_t chunk_bytes;
	struct mcap_writer *writer;
	struct record_queue *queue;
	uint8_t *payload, *message;
	size_t message_bytes;
	int failed;             /* eventfd */
	enum record_end end;
	int rc;                 /* of the file: 0, -errno */
};

/* Follow everything until the end; r->end, r->rc say why.  < 0: it could not begin. */
MUST_CHECK int record_loop(struct recorder *r);

/* ---- record_file.c ---- */

/* The schema of a type, and the channel of a field with all that is known of it: its id, or -errno of the file. */
MUST_CHECK int record_type_write(struct mcap_writer *w, const struct record_type *t);
MUST_CHECK int record_channel_write(struct mcap_writer *w, const struct cdm_field *f, uint16_t schema);

/* Open the file, write what stands before the messages.  An exit code; explained. */
MUST_CHECK int record_file_open(struct recorder *r);
/* There is nothing in it: remove it. */
void record_file_drop(struct recorder *r);
/* The result, the summary, the disk; then what is said of it.  An exit code. */
MUST_CHECK int record_file_end(struct recorder *r);
/* Why the recording is not complete; NULL: it is. */
const char *record_why(const struct recorder *r);

/* ---- record_info.c ---- */

#define RECORD_SIZE_MAX 24
/* "12.3 MB" into out; returns it. */
const char *record_size(uint64_t bytes, char out[RECORD_SIZE_MAX]);

/* Show what is in a recording, or in any MCAP file.  An exit code. */
MUST_CHECK int record_info(const struct verb_context *c, const char *path, bool scan);

#endif
