/*
 * mcap_scan.c - a file without a good summary: everything that is in it, found by going from record to record.
 *
 * Chunks are unpacked on the way, as schemas and channels may stand in them, and to know their sums and times.  The
 * walk ends with the data section, or where the next record is not all there: that is the end of a recorder that was
 * killed, or a length that was damaged, and nothing tells the two apart.
 */
#include <errno.h>
#include <stdlib.h>
#include "mcap/mcap_read_priv.h"

#define RUN_BYTES_MAX (1u << 20) /* a run of messages outside of chunks is split there */

struct scan {
	struct mcap_reader *r;
	uint64_t at, length; /* of the record: of its head; of its content */
	uint8_t opcode;
	uint32_t crc;        /* of all that was passed */
	struct place run;    /* of the messages just before; length 0: none */
};

/* A record of small things: its content for a moment. */
static int take_content(struct scan *s, int (*take)(struct mcap_reader *r, struct bytes_in in)) {
	uint8_t *content;
	int rc = mcap_file_content(s->r, s->at, s->length, &content);
	if (rc < 0)
		return rc;
	rc = take(s->r, (struct bytes_in){ content, content + s->length, false });
	free(content);
	return rc;
}

static int end_run(struct scan *s) {
	int rc = s->run.length ? mcap_records_place(s->r, &s->run) : 0;
	s->run.length = 0;
	return rc;
}

/* A message outside of chunks. */
static int take_message(struct scan *s) {
	uint8_t head[2 + 4 + 8 + 8];
	struct bytes_in in = { head, head + sizeof(head), false };
	int rc = s->length < sizeof(head) ? -EBADMSG : mcap_file_read(s->r, s->at + MCAP_HEAD_BYTES, head,
			sizeof(head));
	if (rc < 0)
		return rc;
	uint16_t channel = bytes_u16(&in);
	bytes_u32(&in);
	uint64_t log_ns = bytes_u64(&in), whole = MCAP_HEAD_BYTES + s->length;
	if (!by_id_get(&s->r->channel_of, channel))
		return -EBADMSG;
	if (s->run.length + whole > RUN_BYTES_MAX && (rc = end_run(s)) < 0)
		return rc;
	if (s->run.length == 0)
		s->run = (struct place){ .start = log_ns, .end = log_ns, .offset = s->at, .run = true };
	s->run.start = log_ns < s->run.start ? log_ns : s->run.start;
	s->run.end = log_ns > s->run.end ? log_ns : s->run.end;
	s->run.length += whole;
	mcap_records_count(s->r, channel, log_ns);
	return 0;
}

static int take_chunk(struct scan *s) {
	struct place p = { .end = UINT64_MAX, .offset = s->at, .length = MCAP_HEAD_BYTES + s->length };
	struct open_chunk *c;
	struct mcap_message m;
	int rc = mcap_chunk_open(s->r, &p, &c);
	s->r->info.chunks++;
	if (rc < 0)
		return rc;
	for (size_t i = 0; i < c->count; i++) {
		mcap_chunk_message(c, i, &m);
		mcap_records_count(s->r, m.channel, m.log_ns);
	}
	if (c->count > 0) {
		p.start = c->entries[0].log_ns;
		p.end = c->entries[c->count - 1].log_ns;
		rc = mcap_records_place(s->r, &p);
	}
	mcap_chunk_close(s->r, c);
	return rc;
}

static int take_data_end(struct scan *s) {
	uint8_t sum[4];
	struct bytes_in in = { sum, sum + sizeof(sum), false };
	int rc = s->length < sizeof(sum) ? -EBADMSG : mcap_file_read(s->r, s->at + MCAP_HEAD_BYTES, sum, sizeof(sum));
	if (rc < 0)
		return rc;
	uint32_t crc = bytes_u32(&in);
	s->r->info.bad_sum = crc && crc != s->crc;
	return 0;
}

static int take(struct scan *s) {
	uint64_t whole = MCAP_HEAD_BYTES + s->length;
	int rc = s->opcode == MCAP_MESSAGE ? 0 : end_run(s);
	if (rc < 0)
		return rc;
	switch (s->opcode) {
	case MCAP_SCHEMA: return take_content(s, mcap_records_schema);
	case MCAP_CHANNEL: return take_content(s, mcap_records_channel);
	case MCAP_MESSAGE: return take_message(s);
	case MCAP_CHUNK: return take_chunk(s);
	case MCAP_METADATA: return mcap_records_metadata_at(s->r, s->at, whole);
	case MCAP_ATTACHMENT: return mcap_records_attachment_at(s->r, s->at, whole);
	case MCAP_DATA_END: return take_data_end(s);
	default: return 0; /* indexes, and what later versions have */
	}
}

/* Did we come to the end of everything, footer and magic, and not only of what can be read? */
static bool ends_well(const struct scan *s) {
	uint8_t magic[MCAP_MAGIC_BYTES];
	return (s->opcode == MCAP_DATA_END || s->opcode == MCAP_FOOTER) && s->r->size >= s->at + TAIL_BYTES &&
		mcap_file_read(s->r, s->r->size - sizeof(magic), magic, sizeof(magic)) == 0 &&
		memcmp(magic, MCAP_MAGIC, sizeof(magic)) == 0;
}

static void cut_at(struct scan *s) {
	s->r->info.cut = true;
	s->r->info.cut_at = s->at;
}

/* What a damaged record costs is itself: the ones behind it still stand where they stood. */
static bool goes_on(const struct scan *s, int rc) {
	if (rc == -EBADMSG || rc == -E2BIG) {
		s->r->info.damaged++;
		return true;
	}
	return rc == 0;
}

/* A data section has an end, before the footer. */
static uint64_t end_of_data(const struct scan *s) {
	if (s->opcode == MCAP_DATA_END)
		return s->at + MCAP_HEAD_BYTES + s->length;
	s->r->info.damaged++;
	return 0;
}

int mcap_scan(struct mcap_reader *r, uint64_t *data_end) {
	struct scan s = { .r = r, .at = MCAP_MAGIC_BYTES };
	int rc = mcap_file_sum(r, 0, MCAP_MAGIC_BYTES, &s.crc);
	*data_end = 0;
	r->info.scanned = true;
	while (rc == 0) {
		rc = mcap_file_head(r, s.at, r->size, &s.opcode, &s.length);
		if (rc == -EBADMSG || (rc == 0 && s.opcode == 0)) { /* no record has that opcode */
			cut_at(&s);
			return end_run(&s);
		}
		if (rc == 0 && !goes_on(&s, rc = take(&s)))
			return rc;
		if (s.opcode == MCAP_DATA_END || s.opcode == MCAP_FOOTER)
			break;
		rc = mcap_file_sum(r, s.at, MCAP_HEAD_BYTES + s.length, &s.crc);
		s.at += MCAP_HEAD_BYTES + s.length;
	}
	if (rc == 0 || rc == -EBADMSG) {
		*data_end = end_of_data(&s);
		if (!ends_well(&s))
			cut_at(&s);
		rc = end_run(&s);
	}
	return rc;
}
