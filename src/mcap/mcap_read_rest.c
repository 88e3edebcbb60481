/* mcap_read_rest.c - metadata and attachments, each read when it is asked for: see mcap_read.h. */
#include <errno.h>
#include <stdlib.h>
#include "base/crc32.h"
#include "mcap/mcap_read_priv.h"

/* What went wrong when there is nothing to give. */
static int why(const struct bytes_in *in) {
	return in->bad ? -EBADMSG : -ENOMEM;
}

/* Content of the record of that sort that an index points at; freed by the caller. */
static int indexed(struct mcap_reader *r, const struct index_entry *x, enum mcap_opcode wanted, uint8_t **content,
		uint64_t *length) {
	uint8_t opcode;
	int rc = mcap_file_head(r, x->offset, r->size, &opcode, length);
	if (rc == 0 && (opcode != wanted || *length + MCAP_HEAD_BYTES != x->length))
		rc = -EBADMSG;
	return rc == 0 ? mcap_file_content(r, x->offset, *length, content) : rc;
}

/* One block that free() frees: a struct, and what it points to behind it. */
static void *block_of(size_t struct_bytes, size_t texts, size_t count_of_pairs) {
	return malloc(struct_bytes + count_of_pairs * sizeof(struct mcap_pair) + texts);
}

/* A text into *to, which moves behind it. */
static const char *put_text(struct bytes_in part, char **to) {
	char *s = *to;
	if (bytes_left(&part) > 0)
		memcpy(s, part.at, bytes_left(&part));
	s[bytes_left(&part)] = 0;
	*to += bytes_left(&part) + 1;
	return s;
}

int mcap_read_metadata(struct mcap_reader *r, uint32_t i, struct mcap_metadata **out) {
	uint8_t *content = NULL;
	uint64_t length = 0;
	CHECK(i < r->info.metadata);
	*out = NULL;
	int rc = indexed(r, &r->metadata[i], MCAP_METADATA, &content, &length);
	if (rc < 0)
		return rc;
	struct bytes_in in = { content, content + length, false }, name = bytes_part(&in), map = bytes_part(&in);
	uint32_t count = in.bad ? 0 : mcap_records_pairs(map);
	/* each text has lost four bytes of length, and gets one zero */
	struct mcap_metadata *m = in.bad ? NULL : block_of(sizeof(*m), length, count);
	if (m) {
		struct mcap_pair *pairs = (struct mcap_pair *)(m + 1);
		char *to = (char *)(pairs + count);
		m->name = put_text(name, &to);
		m->pairs = pairs;
		m->pair_count = count;
		for (uint32_t k = 0; k < count; k++) {
			pairs[k].key = put_text(bytes_part(&map), &to);
			pairs[k].value = put_text(bytes_part(&map), &to);
		}
		if (bytes_left(&map) > 0)
			in.bad = true;
	}
	free(content);
	if (m && in.bad) {
		free(m);
		m = NULL;
	}
	*out = m;
	return m ? 0 : why(&in);
}

int mcap_read_attachment(struct mcap_reader *r, uint32_t i, struct mcap_attachment **out) {
	uint8_t *content = NULL;
	uint64_t length = 0;
	CHECK(i < r->info.attachments);
	*out = NULL;
	int rc = indexed(r, &r->attachments[i], MCAP_ATTACHMENT, &content, &length);
	if (rc < 0)
		return rc;
	struct bytes_in in = { content, content + length, false };
	struct mcap_attachment a = { .log_ns = bytes_u64(&in) };
	a.create_ns = bytes_u64(&in);
	struct bytes_in name = bytes_part(&in), type = bytes_part(&in);
	a.bytes = bytes_u64(&in);
	a.data = bytes_take(&in, a.bytes);
	size_t summed = (size_t)(in.at - content);
	uint32_t crc = bytes_u32(&in);
	if (!in.bad && crc && crc != crc32_of(0, content, summed))
		in.bad = true;
	struct mcap_attachment *whole = in.bad ? NULL : block_of(sizeof(*whole), length, 0);
	if (whole) {
		char *to = (char *)(whole + 1) + a.bytes;
		*whole = a;
		whole->data = memcpy(whole + 1, a.data, a.bytes);
		whole->name = put_text(name, &to);
		whole->media_type = put_text(type, &to);
	}
	free(content);
	*out = whole;
	return whole ? 0 : why(&in);
}
