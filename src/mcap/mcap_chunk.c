/*
 * mcap_chunk.c - one chunk in memory: read, decompressed, checked, its messages in the order of their times.
 *
 * The message indexes of the file are not used: they are as much to read as the records themselves are to walk, and
 * what they say would have to be checked against those.
 */
#include <errno.h>
#include <stdlib.h>
#include <zstd.h>
#include "base/array.h"
#include "base/crc32.h"
#include "mcap/mcap_read_priv.h"

#define MESSAGE_FIXED 22u

/* A chunk record as it stands in the file. */
struct packed {
	uint64_t start, end, bytes; /* bytes: once decompressed */
	uint32_t crc;
	struct bytes_in compression;
	const uint8_t *data;
	uint64_t data_bytes;
};

static int parse(struct bytes_in in, struct packed *p) {
	p->start = bytes_u64(&in);
	p->end = bytes_u64(&in);
	p->bytes = bytes_u64(&in);
	p->crc = bytes_u32(&in);
	p->compression = bytes_part(&in);
	p->data_bytes = bytes_u64(&in);
	p->data = bytes_take(&in, p->data_bytes);
	return in.bad ? -EBADMSG : 0;
}

static bool is_text(struct bytes_in part, const char *text) {
	return bytes_left(&part) == strlen(text) && memcmp(part.at, text, strlen(text)) == 0;
}

/* The records of the chunk into `out`, which has room for them. */
static int unpack(struct mcap_reader *r, const struct packed *p, uint8_t *out) {
	if (is_text(p->compression, "")) {
		if (p->data_bytes != p->bytes)
			return -EBADMSG;
		memcpy(out, p->data, p->bytes);
	} else if (is_text(p->compression, "zstd")) {
		size_t n = ZSTD_decompress(out, p->bytes, p->data, p->data_bytes);
		if (ZSTD_isError(n) || n != p->bytes)
			return -EBADMSG;
	} else {
		size_t n = bytes_left(&p->compression);
		n = n < sizeof(r->unknown) ? n : sizeof(r->unknown) - 1;
		memcpy(r->unknown, p->compression.at, n);
		r->unknown[n] = 0;
		return -ENOTSUP;
	}
	return p->crc && p->crc != crc32_of(0, out, p->bytes) ? -EBADMSG : 0;
}

/* Is there memory for that many bytes more of open chunks? */
static bool fits(const struct mcap_reader *r, uint64_t bytes) {
	return bytes <= r->memory_max && r->memory <= r->memory_max - bytes;
}

/* Records of a chunk into c->records; times are what the chunk says. */
static int load_chunk(struct mcap_reader *r, const struct place *p, struct open_chunk *c) {
	uint8_t opcode, *content = NULL;
	uint64_t length;
	struct packed packed;
	int rc = mcap_file_head(r, p->offset, p->offset + p->length, &opcode, &length);
	if (rc == 0 && (opcode != MCAP_CHUNK || length + MCAP_HEAD_BYTES != p->length))
		rc = -EBADMSG;
	if (rc == 0)
		rc = mcap_file_content(r, p->offset, length, &content);
	if (rc < 0)
		return rc;
	rc = parse((struct bytes_in){ content, content + length, false }, &packed);
	if (rc == 0 && !fits(r, packed.bytes))
		rc = -E2BIG;
	if (rc == 0 && !(c->records = malloc(packed.bytes + 1)))
		rc = -ENOMEM;
	if (rc == 0) {
		c->bytes = packed.bytes;
		r->memory += c->bytes;
		rc = unpack(r, &packed, c->records);
	}
	free(content);
	return rc;
}

/* A run of messages is in the file as it is. */
static int load_run(struct mcap_reader *r, const struct place *p, struct open_chunk *c) {
	if (!fits(r, p->length))
		return -E2BIG;
	c->records = malloc(p->length + 1);
	if (!c->records)
		return -ENOMEM;
	c->bytes = p->length;
	r->memory += c->bytes;
	return mcap_file_read(r, p->offset, c->records, c->bytes);
}

/* ---- its messages ---- */

static bool wanted(const struct mcap_reader *r, uint16_t channel) {
	return !(r->unwanted[channel / 64] >> channel % 64 & 1);
}

static int take_message(struct mcap_reader *r, const struct place *p, struct bytes_in in, size_t at,
		struct open_chunk *c, size_t *capacity) {
	uint16_t channel = bytes_u16(&in);
	bytes_u32(&in);
	uint64_t log_ns = bytes_u64(&in);
	bytes_u64(&in);
	if (in.bad || !by_id_get(&r->channel_of, channel) || log_ns < p->start || log_ns > p->end)
		return -EBADMSG;
	if (log_ns < r->from || !wanted(r, channel))
		return 0;
	struct message_entry *more = array_grow(c->entries, c->count, capacity, sizeof(*more));
	if (!more)
		return -ENOMEM;
	c->entries = more;
	c->entries[c->count++] = (struct message_entry){ log_ns, at };
	return 0;
}

/* Go through its records. */
static int walk(struct mcap_reader *r, const struct place *p, struct open_chunk *c) {
	struct bytes_in in = { c->records, c->records + c->bytes, false };
	size_t capacity = 0;
	int rc = 0;
	while (rc == 0 && bytes_left(&in) > 0) {
		size_t at = (size_t)(in.at - c->records);
		const uint8_t *opcode = bytes_take(&in, 1);
		uint64_t length = bytes_u64(&in);
		const uint8_t *content = bytes_take(&in, length);
		if (!content)
			return -EBADMSG;
		struct bytes_in record = { content, content + length, false };
		if (*opcode == MCAP_SCHEMA)
			rc = mcap_records_schema(r, record);
		else if (*opcode == MCAP_CHANNEL)
			rc = mcap_records_channel(r, record);
		else if (*opcode == MCAP_MESSAGE)
			rc = take_message(r, p, record, at, c, &capacity);
	}
	return rc;
}

static int by_time(const void *a, const void *b) {
	const struct message_entry *x = a, *y = b;
	if (x->log_ns != y->log_ns)
		return x->log_ns < y->log_ns ? -1 : 1;
	return (x->at > y->at) - (x->at < y->at);
}

static void sort(struct open_chunk *c) {
	for (size_t i = 1; i < c->count; i++)
		if (c->entries[i - 1].log_ns > c->entries[i].log_ns) {
			qsort(c->entries, c->count, sizeof(c->entries[0]), by_time);
			return;
		}
}

int mcap_chunk_open(struct mcap_reader *r, const struct place *p, struct open_chunk **out) {
	struct open_chunk *c = calloc(1, sizeof(*c));
	*out = NULL;
	if (!c)
		return -ENOMEM;
	int rc = p->run ? load_run(r, p, c) : load_chunk(r, p, c);
	if (rc == 0)
		rc = walk(r, p, c);
	if (rc < 0) {
		mcap_chunk_close(r, c);
		return rc;
	}
	sort(c);
	*out = c;
	return 0;
}

void mcap_chunk_close(struct mcap_reader *r, struct open_chunk *c) {
	if (!c)
		return;
	r->memory -= c->bytes;
	free(c->records);
	free(c->entries);
	free(c);
}

void mcap_chunk_message(const struct open_chunk *c, size_t entry, struct mcap_message *out) {
	const uint8_t *head = c->records + c->entries[entry].at + 1;
	struct bytes_in in = { head, c->records + c->bytes, false };
	uint64_t length = bytes_u64(&in);
	out->channel = bytes_u16(&in);
	out->sequence = bytes_u32(&in);
	out->log_ns = bytes_u64(&in);
	out->publish_ns = bytes_u64(&in);
	out->bytes = length - MESSAGE_FIXED;
	out->data = bytes_take(&in, out->bytes);
	CHECK(!in.bad); /* walk() has seen all of it */
}
