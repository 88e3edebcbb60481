/*
 * mcap_read.h - reading an MCAP file, whoever wrote it.
 *
 *     struct mcap_reader *r;
 *     struct mcap_message m;
 *     if (mcap_read_open(fd, NULL, &r, &diag) == 0)
 *             while ((rc = mcap_read_next(r, &m)) == 0)
 *                     ... mcap_read_channel(r, m.channel)->topic ...
 *
 * A file with a summary is opened by that alone.  One without (its writer was killed, or did not write one), one
 * whose summary is damaged, and any file with `options.scan`, is gone through from its begin: chunks that are damaged
 * are left out and counted, and what follows a place that cannot be read is cut off, and said to be.  Whichever way
 * it was read, what its summary is is said.
 *
 * Messages come in the order of their log times, those of one time as they stand in the file; also where chunks
 * overlap.  Only chunks that the present time lies in are in memory.
 *
 * The file is believed in nothing: each length is held against what is there, what a chunk claims to be before it is
 * decompressed against `options.memory_max`, and what has a sum against that.  Chunks without compression, and of
 * zstd; one of lz4, or something else, is -ENOTSUP.
 *
 * The file must not change meanwhile (one that still grows is read as far as it went when it was opened).  All
 * functions belong to one thread.
 */
#ifndef MCAP_MCAP_READ_H
#define MCAP_MCAP_READ_H

#include <stdbool.h>
#include "base/check.h"
#include "cadmus/diag.h"
#include "mcap/mcap.h"

#define MCAP_READ_MEMORY_MAX ((size_t)256 << 20)

struct mcap_reader;

/* Zeros mean the defaults. */
struct mcap_read_options {
	size_t memory_max; /* MCAP_READ_MEMORY_MAX: of the summary, of one record,
			of all chunks that are open at once */
	bool scan;         /* go through all of it, and check every sum, also of the summary that there is */
};

enum mcap_summary {
	MCAP_SUMMARY_NONE,  /* it says that there is none, or is cut */
	MCAP_SUMMARY_GOOD,
	MCAP_SUMMARY_LOOSE, /* good, but messages may stand outside of the chunks that it lists */
	MCAP_SUMMARY_BAD,   /* its sum, a record of it, or the footer that says where it is, is not as it must be */
};

struct mcap_read_info {
	const char *profile, *library; /* as the header says */
	uint64_t bytes;     /* of the file */
	uint64_t messages;
	uint64_t start_ns, end_ns; /* earliest and latest log time; 0: there are no messages */
	uint32_t channels, schemas, chunks, attachments, metadata;
	bool scanned;       /* gone through: all the numbers are of what was found */
	bool cut;           /* it does not end as it should: what was there last may be missing */
	uint64_t cut_at;    /* where it could not be read on */
	uint32_t damaged;   /* of a scan: chunks (and the like) left out, because of their sum or what is in them; the
			end of the data section, where it is not what it must be */
	bool bad_sum;       /* of a scan: the sum over the whole data section is not what the file says */
	enum mcap_summary summary;
	uint64_t summary_at; /* where it begins; BAD: where it is wrong, as far as that is known; NONE: 0 */
};

/* Is nothing of it damaged, or missing, as far as it was looked at? */
static inline bool mcap_read_is_whole(const struct mcap_read_info *n) {
	return !n->cut && !n->damaged && !n->bad_sum && n->summary != MCAP_SUMMARY_BAD;
}

/*
 * `fd` is a file that can be read at any place; it stays the caller's, who keeps it open.  -EPROTO: no MCAP file of
 * version 0; -E2BIG: a summary larger than the memory allowed; -ENOTSUP: a compression that we do not know, where the
 * file has to be gone through; -ENOMEM, -errno.
 */
MUST_CHECK int mcap_read_open(int fd, const struct mcap_read_options *options, struct mcap_reader **out,
		struct cdm_diag *diag);
/* Accepts NULL; sets *r NULL. */
void mcap_read_close(struct mcap_reader **r);

/* What it gives belongs to the reader, and is valid until it is closed. */
const struct mcap_read_info *mcap_read_info(const struct mcap_reader *r);
/* By place, below info.channels, in the order in which the file has them; and how many messages it has (UINT64_MAX:
   the file does not say). */
const struct mcap_channel *mcap_read_channel_at(const struct mcap_reader *r, uint32_t i, uint64_t *messages);
const struct mcap_schema *mcap_read_schema_at(const struct mcap_reader *r, uint32_t i);
/* By id; NULL: there is none. */
const struct mcap_channel *mcap_read_channel(const struct mcap_reader *r, uint16_t id);
const struct mcap_schema *mcap_read_schema(const struct mcap_reader *r, uint16_t id);
/* A value of a channel's metadata; NULL: it has none. */
const char *mcap_read_pair(const struct mcap_pair *pairs, uint32_t count, const char *key);

/*
 * One by its place, below info.metadata, info.attachments, in the order of the file; to be freed with free().
 * -EBADMSG: damaged; -E2BIG: larger than the memory allowed; -ENOMEM, -errno.
 */
MUST_CHECK int mcap_read_metadata(struct mcap_reader *r, uint32_t i, struct mcap_metadata **out);
MUST_CHECK int mcap_read_attachment(struct mcap_reader *r, uint32_t i, struct mcap_attachment **out);

/* Messages of that channel are wanted, or not; at first all are.  Counts from the next mcap_read_seek() on. */
void mcap_read_select(struct mcap_reader *r, uint16_t channel, bool wanted);
void mcap_read_select_all(struct mcap_reader *r, bool wanted);
/* Go on with the first message that was logged at that time or later; 0: with the first of all. */
void mcap_read_seek(struct mcap_reader *r, uint64_t log_ns);

/*
 * The next message; its data is valid until the next call for this reader.  0; -ENODATA: there are no more.
 * -EBADMSG: a chunk is damaged; -ENOTSUP: its compression is one that we do not know; -E2BIG: it, with those that it
 * overlaps with, is larger than the memory allowed; -errno.  That chunk is left out then, and the next call goes on
 * without it.
 */
MUST_CHECK int mcap_read_next(struct mcap_reader *r, struct mcap_message *out);
/* The compression of the chunk that -ENOTSUP was of.  Static until the next call. */
const char *mcap_read_unknown(const struct mcap_reader *r);

#endif
