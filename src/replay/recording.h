/*
 * recording.h - a file of `cadmus record`, read: the plan in it, its fields, and their samples as they were published.
 *
 *     recording_open(fd, &r, &diag);
 *     recording_select(r, i, true); ...
 *     recording_seek(r, 0);
 *     while ((rc = recording_next(r, &x)) == 0)
 *             ... x.field, x.sample ...
 *
 * The file has messages in the order in which the recorder took them; they are given in the order in which they
 * were published, those of one time (of one commit) in the order of the fields in the file.  For that a sample is
 * held back until the recorder's clock is RECORDING_LAG_NS past it, or RECORDING_HELD_MAX bytes are held; what comes
 * later than that is given late, and counted.
 *
 * Nothing in the file is believed.  One thread.
 */
#ifndef REPLAY_RECORDING_H
#define REPLAY_RECORDING_H

#include "mcap/mcap_read.h"
#include "replay/recorded.h"
#include "schema/plan.h"

#define RECORDING_LAG_NS INT64_C(2000000000)
#define RECORDING_HELD_MAX ((size_t)64 << 20)

struct recording_field {
	const char *name;     /* its topic */
	const char *dtype, *shape, *writer; /* as the file says; "" if it does not */
	uint16_t channel;     /* in the file */
	bool image;
	uint64_t messages;    /* UINT64_MAX: the file does not say */
	uint64_t given, missed; /* samples; missed by the recorder: of those that recording_next() gave so far */
};

struct recording_sample {
	unsigned field;
	struct recorded sample;  /* its bytes are aligned for anything */
	uint64_t log_ns;       /* calendar: when it was recorded */
	const void *message;   /* as it stands in the file */
	size_t message_bytes;
};

struct recording_faults {
	uint64_t late;    /* samples given after one that was published later */
	uint64_t broken;  /* messages that are no samples */
	uint64_t damaged; /* chunks that could not be read */
};

struct recording;

/* `fd` stays the caller's.  -EPROTO: it is no recording of a machine, or its plan is none; -ENOENT: no plan is in it;
   else as mcap_read_open(). */
MUST_CHECK int recording_open(int fd, struct recording **out, struct cdm_diag *diag);
/* Accepts NULL; sets *r NULL. */
void recording_close(struct recording **r);

/* All of this belongs to the recording. */
const struct plan *recording_plan(const struct recording *r);
const struct mcap_reader *recording_file(const struct recording *r);
/* "COMPLETE", "INCOMPLETE"; "UNFINISHED": its recorder did not come to say. */
const char *recording_result(const struct recording *r);
/* Calendar less monotonic, of the machine that was recorded. */
int64_t recording_offset_ns(const struct recording *r);
/* When the first and the last message were recorded, on the clock of that machine. */
void recording_span(const struct recording *r, struct cdm_mono *first, struct cdm_mono *last);
unsigned recording_count(const struct recording *r);
const struct recording_field *recording_at(const struct recording *r, unsigned i);
/* By name; UINT_MAX: there is none. */
unsigned recording_find(const struct recording *r, const char *name);
/* Is it the same sort of thing as that field of a plan? */
bool recording_fits(const struct recording_field *f, const struct plan_field *p);
const struct recording_faults *recording_faults(const struct recording *r);

/* Which fields are wanted, from the next seek on; at first none is. */
void recording_select(struct recording *r, unsigned field, bool wanted);
/* Go on with what was recorded at that time of the machine's clock, or later. */
void recording_seek(struct recording *r, struct cdm_mono from);
/* The next sample; valid until the next call.  -ENODATA: there are no more; -ENOMEM, -errno. */
MUST_CHECK int recording_next(struct recording *r, struct recording_sample *out);

#endif
