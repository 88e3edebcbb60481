/*
 * mcap_summary.c - the summary of a file: taken in instead of the file, or, when that was gone through, checked.
 *
 * The footer says where it begins, and its sum is of all from there to the sum, so one that is right is believed.
 */
#include <errno.h>
#include <stdlib.h>
#include "mcap/mcap_read_priv.h"

#define SUM_BYTES 4u /* of the footer, the last ones of it */

struct footer {
	uint64_t at, start; /* where it is itself, 0: the file has no end; where the summary is, 0: there is none */
	uint32_t crc;       /* 0: nobody knows */
};

static void bad_at(struct mcap_reader *r, uint64_t at) {
	r->info.summary = MCAP_SUMMARY_BAD;
	r->info.summary_at = at;
}

/* -EBADMSG: there is no good one, and r->info says which; -errno. */
static int take_footer(struct mcap_reader *r, struct footer *f) {
	uint8_t tail[TAIL_BYTES];
	struct bytes_in in = { tail + 1, tail + sizeof(tail), false };
	r->info.summary = MCAP_SUMMARY_NONE;
	if (r->size < MCAP_MAGIC_BYTES + TAIL_BYTES)
		return -EBADMSG;
	int rc = mcap_file_read(r, r->size - TAIL_BYTES, tail, sizeof(tail));
	if (rc < 0)
		return rc;
	if (memcmp(tail + sizeof(tail) - MCAP_MAGIC_BYTES, MCAP_MAGIC, MCAP_MAGIC_BYTES) != 0)
		return -EBADMSG; /* it is cut */
	f->at = r->size - TAIL_BYTES;
	bool known = tail[0] == MCAP_FOOTER && bytes_u64(&in) == FOOTER_BYTES;
	f->start = known ? bytes_u64(&in) : 0;
	bytes_u64(&in);
	f->crc = bytes_u32(&in);
	if (!known || (f->start && (f->start < MCAP_MAGIC_BYTES || f->start > f->at)))
		bad_at(r, f->at);
	return f->start && r->info.summary == MCAP_SUMMARY_NONE ? 0 : -EBADMSG;
}

/* One record of it. */
static int take_record(struct mcap_reader *r, uint8_t opcode, struct bytes_in in, uint64_t start) {
	switch (opcode) {
	case MCAP_SCHEMA: return mcap_records_schema(r, in);
	case MCAP_CHANNEL: return mcap_records_channel(r, in);
	case MCAP_CHUNK_INDEX: return mcap_records_chunk_index(r, in, start);
	case MCAP_STATISTICS: return mcap_records_statistics(r, in);
	case MCAP_METADATA_INDEX:
	case MCAP_ATTACHMENT_INDEX: {
		uint64_t offset = bytes_u64(&in), length = bytes_u64(&in);
		if (in.bad || offset < MCAP_MAGIC_BYTES || offset > start || length < MCAP_HEAD_BYTES ||
				length > start - offset)
			return -EBADMSG;
		return opcode == MCAP_METADATA_INDEX ? mcap_records_metadata_at(r, offset, length)
						     : mcap_records_attachment_at(r, offset, length);
	}
	default: return 0;
	}
}

/* All of them.  -EBADMSG: r->info.summary_at says of which. */
static int take_records(struct mcap_reader *r, struct bytes_in in, uint64_t start) {
	const uint8_t *begin = in.at;
	int rc = 0;
	while (rc == 0 && bytes_left(&in) > 0) {
		r->info.summary_at = start + (uint64_t)(in.at - begin);
		const uint8_t *opcode = bytes_take(&in, 1);
		uint64_t length = bytes_u64(&in);
		const uint8_t *content = bytes_take(&in, length);
		if (!content)
			return -EBADMSG;
		rc = take_record(r, *opcode, (struct bytes_in){ content, content + length, false }, start);
	}
	return rc;
}

static int take_summary(struct mcap_reader *r, const struct footer *f) {
	uint64_t bytes = f->at - f->start;
	uint32_t crc = 0;
	int rc = f->crc ? mcap_file_sum(r, f->start, bytes + MCAP_HEAD_BYTES + FOOTER_BYTES - SUM_BYTES, &crc) : 0;
	r->info.summary_at = f->start;
	if (rc < 0 || crc != f->crc)
		return rc < 0 ? rc : -EBADMSG;
	if (bytes > r->memory_max)
		return -E2BIG;
	uint8_t *summary = malloc(bytes + 1);
	if (!summary)
		return -ENOMEM;
	rc = mcap_file_read(r, f->start, summary, bytes);
	if (rc == 0)
		rc = take_records(r, (struct bytes_in){ summary, summary + bytes, false }, f->start);
	free(summary);
	return rc;
}

static int load(struct mcap_reader *r, struct footer *f) {
	int rc = take_footer(r, f);
	if (rc < 0)
		return rc == -EBADMSG ? -ENODATA : rc;
	rc = take_summary(r, f);
	if (rc == -EBADMSG)
		bad_at(r, r->info.summary_at);
	if (rc < 0)
		return rc == -EBADMSG ? -ENODATA : rc;
	/* messages outside of chunks are in no index; without statistics nobody knows that there are none */
	bool indexed = r->info.chunks > 0 || (r->counted && r->info.messages == 0);
	r->info.summary = indexed ? MCAP_SUMMARY_GOOD : MCAP_SUMMARY_LOOSE;
	r->info.summary_at = f->start;
	return indexed ? 0 : -ENODATA;
}

int mcap_summary_load(struct mcap_reader *r) {
	struct footer f = { .at = 0 };
	return load(r, &f);
}

/* The summary does not begin where the data section ends.  Its sum tells which of the two is wrong. */
static void misplaced(struct mcap_reader *r, const struct footer *f, uint64_t data_end) {
	bool bad = r->info.summary == MCAP_SUMMARY_BAD;
	if (!f->start && !bad)
		bad_at(r, data_end);
	else if (f->start && (bad || !f->crc))
		bad_at(r, f->at);
	else if (!bad)
		r->info.damaged++;
}

int mcap_summary_check(struct mcap_reader *r, uint64_t data_end) {
	struct footer f = { .at = 0 };
	struct mcap_reader *other = calloc(1, sizeof(*other)); /* what it says must not become what was found */
	if (!other)
		return -ENOMEM;
	other->fd = r->fd;
	other->size = r->size;
	other->memory_max = r->memory_max;
	other->arena.left = r->memory_max + ARENA_BLOCK_BYTES;
	int rc = load(other, &f);
	r->info.summary = other->info.summary;
	r->info.summary_at = other->info.summary_at;
	mcap_read_close(&other);
	if (data_end && f.at && data_end != (f.start ? f.start : f.at))
		misplaced(r, &f, data_end);
	return rc == -ENODATA || r->info.summary == MCAP_SUMMARY_BAD ? 0 : rc;
}
