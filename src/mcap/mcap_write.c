/*
 * mcap_write.c - see mcap_write.h.
 *
 * Records are built in memory and appended whole.  Schemas and channels stand in the data section itself, ahead of the
 * chunk that needs them, so that a chunk holds messages and nothing else.  What the summary repeats (schemas,
 * channels) or lists (chunks, attachments, metadata) is kept as the bytes that will stand there.
 */
#include "mcap/mcap_write.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>
#include <zstd.h>
#include "base/array.h"
#include "base/crc32.h"
#include "base/err.h"
#include "mcap/bytes_priv.h"

#define MESSAGE_FIXED 22u /* channel, sequence, two times */
#define INDEX_ENTRY 16u   /* time, offset */

/* A message of the chunk that gathers. */
struct entry {
	uint16_t channel;
	uint64_t log_ns;
	size_t offset;
};

/* What is known of a channel. */
struct writer_channel {
	uint64_t count;        /* messages in the file */
	uint32_t here;         /* in the chunk that gathers */
	size_t index_at;       /* while its chunk is written: where its next index entry goes */
	uint64_t index_offset; /* and where its index record stands in the file */
};

struct mcap_writer {
	int fd;
	size_t chunk_bytes;
	bool plain;
	bool broken; /* part of a record stands at the end of the file, and cannot be taken back */
	uint64_t at; /* bytes in the file, all of whole records */
	uint32_t crc; /* of all of them */
	ZSTD_CCtx *zstd;

	struct bytes_out chunk, out; /* records that gather; what is being written */
	struct entry *entries;
	size_t entry_count, entry_capacity;
	uint64_t chunk_start, chunk_end; /* times */

	struct writer_channel *channels; /* by id */
	uint32_t channel_count, schema_count;
	uint64_t messages, start, end; /* in the file */
	uint32_t chunk_count, attachment_count, metadata_count;
	struct bytes_out schemas, channel_records, chunk_indexes, attachment_indexes, metadata_indexes;
};

/* ---- the file ---- */

static int write_all(int fd, const uint8_t *p, size_t bytes) {
	while (bytes > 0) {
		ssize_t n = write(fd, p, bytes);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n < 0 ? err_last() : -EIO;
		p += n;
		bytes -= (size_t)n;
	}
	return 0;
}

/* All of `out` or nothing; it is empty afterwards. */
static int append(struct mcap_writer *w) {
	struct bytes_out *o = &w->out;
	int rc = o->failed ? -ENOMEM : w->broken ? -EIO : write_all(w->fd, o->bytes, o->length);
	if (rc == 0) {
		w->crc = crc32_of(w->crc, o->bytes, o->length);
		w->at += o->length;
	} else if (!o->failed && !w->broken) {
		w->broken = ftruncate(w->fd, (off_t)w->at) < 0 || lseek(w->fd, 0, SEEK_END) != (off_t)w->at;
	}
	o->failed = false;
	o->length = 0;
	return rc;
}

/* Begin a record; its length is filled in by record_end(). */
static size_t record_begin(struct bytes_out *o, enum mcap_opcode opcode) {
	uint8_t code = (uint8_t)opcode;
	bytes_put(o, &code, 1);
	bytes_put_u64(o, 0);
	return o->length;
}

static void record_end(struct bytes_out *o, size_t begin) {
	bytes_set_u64(o, begin - sizeof(uint64_t), o->length - begin);
}

static void put_pairs(struct bytes_out *o, const struct mcap_pair *pairs, uint32_t count) {
	size_t at = o->length;
	bytes_put_u32(o, 0);
	for (uint32_t i = 0; i < count; i++) {
		bytes_put_text(o, pairs[i].key);
		bytes_put_text(o, pairs[i].value);
	}
	bytes_set_u32(o, at, (uint32_t)(o->length - at - sizeof(uint32_t)));
}

int mcap_write_open(int fd, const struct mcap_write_options *options, struct mcap_writer **out) {
	const struct mcap_write_options none = { .plain = false }, *o = options ? options : &none;
	*out = NULL;
	struct mcap_writer *w = calloc(1, sizeof(*w));
	if (!w)
		return -ENOMEM;
	w->fd = fd;
	w->chunk_bytes = o->chunk_bytes ? o->chunk_bytes : MCAP_WRITE_CHUNK_BYTES;
	w->plain = o->plain;
	w->channels = calloc(MCAP_IDS_MAX + 1, sizeof(*w->channels));
	w->zstd = ZSTD_createCCtx();
	int rc = w->channels && w->zstd ? 0 : -ENOMEM;
	if (rc == 0)
		CHECK(!ZSTD_isError(ZSTD_CCtx_setParameter(w->zstd, ZSTD_c_compressionLevel, o->level ? o->level : 1)));
	bytes_put(&w->out, MCAP_MAGIC, MCAP_MAGIC_BYTES);
	size_t begin = record_begin(&w->out, MCAP_HEADER);
	bytes_put_text(&w->out, o->profile ? o->profile : "");
	bytes_put_text(&w->out, o->library ? o->library : "");
	record_end(&w->out, begin);
	if (rc == 0)
		rc = append(w);
	if (rc == 0)
		*out = w;
	else
		mcap_write_abandon(&w);
	return rc;
}

void mcap_write_abandon(struct mcap_writer **w) {
	struct mcap_writer *x = *w;
	if (!x)
		return;
	struct bytes_out *all[] = { &x->chunk, &x->out, &x->schemas, &x->channel_records, &x->chunk_indexes,
		&x->attachment_indexes, &x->metadata_indexes };
	for (size_t i = 0; i < COUNT_OF(all); i++)
		bytes_fini(all[i]);
	ZSTD_freeCCtx(x->zstd);
	free(x->entries);
	free(x->channels);
	free(x);
	*w = NULL;
}

uint64_t mcap_write_bytes(const struct mcap_writer *w) {
	return w->at;
}

uint64_t mcap_write_count(const struct mcap_writer *w, uint16_t channel) {
	return w->channels[channel].count;
}

/* ---- schemas, channels, attachments, metadata ---- */

/* Append what is in `out`, and keep those bytes for the summary. */
static int append_and_keep(struct mcap_writer *w, struct bytes_out *kept) {
	size_t before = kept->length;
	bytes_put(kept, w->out.bytes, w->out.length);
	int rc = kept->failed ? -ENOMEM : append(w);
	if (rc < 0) {
		kept->length = before;
		kept->failed = false;
		w->out.length = 0;
	}
	return rc;
}

int mcap_write_schema(struct mcap_writer *w, const struct mcap_schema *s) {
	if (w->schema_count == MCAP_IDS_MAX)
		return -E2BIG;
	size_t begin = record_begin(&w->out, MCAP_SCHEMA);
	bytes_put_u16(&w->out, (uint16_t)(w->schema_count + 1));
	bytes_put_text(&w->out, s->name);
	bytes_put_text(&w->out, s->encoding);
	bytes_put_blob(&w->out, s->data, s->bytes);
	record_end(&w->out, begin);
	int rc = append_and_keep(w, &w->schemas);
	return rc < 0 ? rc : (int)++w->schema_count;
}

int mcap_write_channel(struct mcap_writer *w, const struct mcap_channel *c) {
	CHECK(c->schema <= w->schema_count);
	if (w->channel_count == MCAP_IDS_MAX)
		return -E2BIG;
	size_t begin = record_begin(&w->out, MCAP_CHANNEL);
	bytes_put_u16(&w->out, (uint16_t)(w->channel_count + 1));
	bytes_put_u16(&w->out, c->schema);
	bytes_put_text(&w->out, c->topic);
	bytes_put_text(&w->out, c->encoding);
	put_pairs(&w->out, c->pairs, c->pair_count);
	record_end(&w->out, begin);
	int rc = append_and_keep(w, &w->channel_records);
	return rc < 0 ? rc : (int)++w->channel_count;
}

int mcap_write_attachment(struct mcap_writer *w, const struct mcap_attachment *a) {
	struct bytes_out *o = &w->out, *x = &w->attachment_indexes;
	uint64_t offset = w->at;
	size_t begin = record_begin(o, MCAP_ATTACHMENT);
	bytes_put_u64(o, a->log_ns);
	bytes_put_u64(o, a->create_ns);
	bytes_put_text(o, a->name);
	bytes_put_text(o, a->media_type);
	bytes_put_u64(o, a->bytes);
	bytes_put(o, a->data, a->bytes);
	bytes_put_u32(o, o->failed ? 0 : crc32_of(0, o->bytes + begin, o->length - begin));
	record_end(o, begin);
	int rc = append(w);
	if (rc < 0)
		return rc;
	begin = record_begin(x, MCAP_ATTACHMENT_INDEX);
	bytes_put_u64(x, offset);
	bytes_put_u64(x, w->at - offset);
	bytes_put_u64(x, a->log_ns);
	bytes_put_u64(x, a->create_ns);
	bytes_put_u64(x, a->bytes);
	bytes_put_text(x, a->name);
	bytes_put_text(x, a->media_type);
	record_end(x, begin);
	w->attachment_count++;
	return 0;
}

int mcap_write_metadata(struct mcap_writer *w, const struct mcap_metadata *m) {
	struct bytes_out *x = &w->metadata_indexes;
	uint64_t offset = w->at;
	size_t begin = record_begin(&w->out, MCAP_METADATA);
	bytes_put_text(&w->out, m->name);
	put_pairs(&w->out, m->pairs, m->pair_count);
	record_end(&w->out, begin);
	int rc = append(w);
	if (rc < 0)
		return rc;
	begin = record_begin(x, MCAP_METADATA_INDEX);
	bytes_put_u64(x, offset);
	bytes_put_u64(x, w->at - offset);
	bytes_put_text(x, m->name);
	record_end(x, begin);
	w->metadata_count++;
	return 0;
}

/* ---- chunks ---- */

/* Into `out`: the chunk record.  -ENOMEM. */
static int put_chunk(struct mcap_writer *w, uint64_t *compressed) {
	struct bytes_out *o = &w->out;
	const char *compression = w->plain ? "" : "zstd";
	size_t begin = record_begin(o, MCAP_CHUNK);
	bytes_put_u64(o, w->chunk_start);
	bytes_put_u64(o, w->chunk_end);
	bytes_put_u64(o, w->chunk.length);
	bytes_put_u32(o, crc32_of(0, w->chunk.bytes, w->chunk.length));
	bytes_put_text(o, compression);
	bytes_put_u64(o, 0);
	size_t records = o->length, most = w->plain ? w->chunk.length : ZSTD_compressBound(w->chunk.length);
	uint8_t *room = bytes_room(o, most);
	if (!room)
		return -ENOMEM;
	size_t n = most;
	if (w->plain)
		memcpy(room, w->chunk.bytes, most);
	else
		n = ZSTD_compress2(w->zstd, room, most, w->chunk.bytes, w->chunk.length);
	if (ZSTD_isError(n))
		return -ENOMEM; /* there is room enough, so nothing else can be wrong */
	o->length = records + n;
	bytes_set_u64(o, records - sizeof(uint64_t), n);
	record_end(o, begin);
	*compressed = n;
	return 0;
}

/* Into `out`, behind the chunk: for each channel with messages in it, where those are.  -ENOMEM. */
static int put_message_indexes(struct mcap_writer *w) {
	struct bytes_out *o = &w->out;
	for (size_t i = 0; i < w->entry_count; i++) {
		struct writer_channel *c = &w->channels[w->entries[i].channel];
		if (c->index_at == 0) { /* the first of its channel */
			c->index_offset = w->at + o->length;
			size_t begin = record_begin(o, MCAP_MESSAGE_INDEX);
			bytes_put_u16(o, w->entries[i].channel);
			bytes_put_u32(o, c->here * INDEX_ENTRY);
			c->index_at = o->length;
			if (!bytes_room(o, c->here * (size_t)INDEX_ENTRY))
				return -ENOMEM;
			record_end(o, begin);
		}
		bytes_set_u64(o, c->index_at, w->entries[i].log_ns);
		bytes_set_u64(o, c->index_at + sizeof(uint64_t), w->entries[i].offset);
		c->index_at += INDEX_ENTRY;
	}
	return o->failed ? -ENOMEM : 0;
}

/* What the summary says of the chunk that stands at `offset`, with indexes from `indexes` on. */
static void keep_chunk_index(struct mcap_writer *w, uint64_t offset, uint64_t indexes, uint64_t compressed) {
	struct bytes_out *x = &w->chunk_indexes;
	size_t begin = record_begin(x, MCAP_CHUNK_INDEX);
	bytes_put_u64(x, w->chunk_start);
	bytes_put_u64(x, w->chunk_end);
	bytes_put_u64(x, offset);
	bytes_put_u64(x, indexes - offset);
	size_t map = x->length;
	bytes_put_u32(x, 0);
	for (uint32_t c = 1; c <= w->channel_count; c++)
		if (w->channels[c].here) {
			bytes_put_u16(x, (uint16_t)c);
			bytes_put_u64(x, w->channels[c].index_offset);
		}
	bytes_set_u32(x, map, (uint32_t)(x->length - map - sizeof(uint32_t)));
	bytes_put_u64(x, w->at - indexes);
	bytes_put_text(x, w->plain ? "" : "zstd");
	bytes_put_u64(x, compressed);
	bytes_put_u64(x, w->chunk.length);
	record_end(x, begin);
}

static void count_chunk(struct mcap_writer *w) {
	w->start = w->messages == 0 || w->chunk_start < w->start ? w->chunk_start : w->start;
	w->end = w->chunk_end > w->end ? w->chunk_end : w->end;
	w->messages += w->entry_count;
	w->chunk_count++;
	for (uint32_t c = 1; c <= w->channel_count; c++)
		w->channels[c].count += w->channels[c].here;
}

int mcap_write_flush(struct mcap_writer *w) {
	if (w->entry_count == 0)
		return 0;
	uint64_t offset = w->at, compressed = 0;
	int rc = put_chunk(w, &compressed);
	uint64_t indexes = offset + w->out.length;
	if (rc == 0)
		rc = put_message_indexes(w);
	if (rc < 0)
		w->out.length = 0, w->out.failed = false;
	else
		rc = append(w);
	if (rc == 0) {
		keep_chunk_index(w, offset, indexes, compressed);
		count_chunk(w);
	}
	for (uint32_t c = 1; c <= w->channel_count; c++)
		w->channels[c].here = 0, w->channels[c].index_at = 0;
	w->entry_count = 0;
	w->chunk.length = 0;
	return rc;
}

static int keep_entry(struct mcap_writer *w, const struct mcap_message *m) {
	struct entry *more = array_grow(w->entries, w->entry_count, &w->entry_capacity, sizeof(*more));
	if (!more)
		return -ENOMEM;
	w->entries = more;
	bool first = w->entry_count == 0;
	w->entries[w->entry_count++] = (struct entry){ m->channel, m->log_ns, w->chunk.length };
	w->chunk_start = first || m->log_ns < w->chunk_start ? m->log_ns : w->chunk_start;
	w->chunk_end = first || m->log_ns > w->chunk_end ? m->log_ns : w->chunk_end;
	w->channels[m->channel].here++;
	return 0;
}

int mcap_write_message(struct mcap_writer *w, const struct mcap_message *m) {
	CHECK(m->channel >= 1 && m->channel <= w->channel_count);
	if (m->bytes > MCAP_WRITE_MESSAGE_MAX)
		return -E2BIG;
	size_t bytes = MCAP_HEAD_BYTES + MESSAGE_FIXED + m->bytes, before = w->chunk.length;
	int rc = before > 0 && before + bytes > w->chunk_bytes ? mcap_write_flush(w) : 0;
	if (rc < 0)
		return rc;
	before = w->chunk.length;
	if (!bytes_room(&w->chunk, bytes)) { /* first, so that nothing has to be undone */
		w->chunk.failed = false;
		return -ENOMEM;
	}
	w->chunk.length = before;
	rc = keep_entry(w, m);
	if (rc < 0)
		return rc;
	size_t begin = record_begin(&w->chunk, MCAP_MESSAGE);
	bytes_put_u16(&w->chunk, m->channel);
	bytes_put_u32(&w->chunk, m->sequence);
	bytes_put_u64(&w->chunk, m->log_ns);
	bytes_put_u64(&w->chunk, m->publish_ns);
	bytes_put(&w->chunk, m->data, m->bytes);
	record_end(&w->chunk, begin);
	return 0;
}

/* ---- the end ---- */

/* A group of the summary, and the record that says where it stands. */
static void put_group(struct mcap_writer *w, enum mcap_opcode opcode, const struct bytes_out *group, uint64_t summary,
		struct bytes_out *offsets) {
	if (group->length == 0)
		return;
	uint8_t code = (uint8_t)opcode;
	size_t begin = record_begin(offsets, MCAP_SUMMARY_OFFSET);
	bytes_put(offsets, &code, 1);
	bytes_put_u64(offsets, summary + w->out.length);
	bytes_put_u64(offsets, group->length);
	record_end(offsets, begin);
	bytes_put(&w->out, group->bytes, group->length);
}

static void put_statistics(const struct mcap_writer *w, struct bytes_out *o) {
	size_t begin = record_begin(o, MCAP_STATISTICS);
	bytes_put_u64(o, w->messages);
	bytes_put_u16(o, (uint16_t)w->schema_count);
	bytes_put_u32(o, w->channel_count);
	bytes_put_u32(o, w->attachment_count);
	bytes_put_u32(o, w->metadata_count);
	bytes_put_u32(o, w->chunk_count);
	bytes_put_u64(o, w->start);
	bytes_put_u64(o, w->end);
	bytes_put_u32(o, w->channel_count * (sizeof(uint16_t) + sizeof(uint64_t)));
	for (uint32_t c = 1; c <= w->channel_count; c++) {
		bytes_put_u16(o, (uint16_t)c);
		bytes_put_u64(o, w->channels[c].count);
	}
	record_end(o, begin);
}

static int append_data_end(struct mcap_writer *w) {
	size_t begin = record_begin(&w->out, MCAP_DATA_END);
	bytes_put_u32(&w->out, w->crc);
	record_end(&w->out, begin);
	return append(w);
}

/* Summary, footer and magic, in one go. */
static int append_summary(struct mcap_writer *w) {
	struct bytes_out statistics = { .bytes = NULL }, offsets = { .bytes = NULL };
	uint64_t summary = w->at;
	put_statistics(w, &statistics);
	put_group(w, MCAP_SCHEMA, &w->schemas, summary, &offsets);
	put_group(w, MCAP_CHANNEL, &w->channel_records, summary, &offsets);
	put_group(w, MCAP_STATISTICS, &statistics, summary, &offsets);
	put_group(w, MCAP_CHUNK_INDEX, &w->chunk_indexes, summary, &offsets);
	put_group(w, MCAP_ATTACHMENT_INDEX, &w->attachment_indexes, summary, &offsets);
	put_group(w, MCAP_METADATA_INDEX, &w->metadata_indexes, summary, &offsets);
	uint64_t offsets_at = summary + w->out.length;
	bytes_put(&w->out, offsets.bytes, offsets.length);
	size_t begin = record_begin(&w->out, MCAP_FOOTER);
	bytes_put_u64(&w->out, summary);
	bytes_put_u64(&w->out, offsets_at);
	bytes_set_u64(&w->out, begin - sizeof(uint64_t),
			w->out.length + sizeof(uint32_t) - begin); /* it is in the sum */
	bytes_put_u32(&w->out, w->out.failed ? 0 : crc32_of(0, w->out.bytes, w->out.length));
	bytes_put(&w->out, MCAP_MAGIC, MCAP_MAGIC_BYTES);
	bool whole = !statistics.failed && !offsets.failed && !w->chunk_indexes.failed &&
		!w->attachment_indexes.failed && !w->metadata_indexes.failed;
	bytes_fini(&statistics);
	bytes_fini(&offsets);
	return whole ? append(w) : -ENOMEM;
}

int mcap_write_end(struct mcap_writer **w) {
	if (!*w)
		return 0;
	int first = mcap_write_flush(*w), rc = append_data_end(*w);
	if (rc == 0)
		rc = append_summary(*w);
	mcap_write_abandon(w);
	return first < 0 ? first : rc;
}
