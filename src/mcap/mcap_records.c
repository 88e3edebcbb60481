/*
 * mcap_records.c - records of a file into what a reader knows of it: see mcap_read_priv.h.
 *
 * Texts are copied, zero terminated, into an arena.  Fields that later versions of the format append to a record are
 * passed over, as it asks.
 */
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>
#include "base/array.h"
#include "base/check.h"
#include "base/crc32.h"
#include "base/err.h"
#include "mcap/mcap_read_priv.h"

#define BLOCK_BYTES 65536u

/* ---- memory ---- */

struct arena_block {
	struct arena_block *next;
	size_t used, capacity;
	_Alignas(16) uint8_t bytes[];
};

void *mcap_arena_take(struct arena *a, size_t bytes) {
	size_t whole = (bytes + 15) & ~(size_t)15;
	if (!a->first || a->first->capacity - a->first->used < whole) {
		size_t capacity = whole > ARENA_BLOCK_BYTES ? whole : ARENA_BLOCK_BYTES;
		struct arena_block *b = capacity <= a->left ? malloc(sizeof(*b) + capacity) : NULL;
		if (!b)
			return NULL;
		a->left -= capacity;
		b->next = a->first;
		b->used = 0;
		b->capacity = capacity;
		a->first = b;
	}
	void *p = a->first->bytes + a->first->used;
	a->first->used += whole;
	return p;
}

void mcap_arena_fini(struct arena *a) {
	while (a->first) {
		struct arena_block *b = a->first;
		a->first = b->next;
		free(b);
	}
}

static int by_id_put(struct by_id *t, uint16_t id, void *item) {
	if (id >= t->count) {
		size_t count = id + 16u;
		void **more = reallocarray(t->at, count, sizeof(*more));
		if (!more)
			return -ENOMEM;
		memset(more + t->count, 0, (count - t->count) * sizeof(*more));
		t->at = more;
		t->count = count;
	}
	t->at[id] = item;
	return 0;
}

/* ---- the file ---- */

int mcap_file_read(const struct mcap_reader *r, uint64_t offset, void *out, size_t bytes) {
	uint8_t *p = out;
	if (offset > r->size || bytes > r->size - offset)
		return -EBADMSG;
	while (bytes > 0) {
		ssize_t n = pread(r->fd, p, bytes, (off_t)offset);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n < 0 ? err_last() : -EBADMSG; /* it became shorter */
		p += n;
		offset += (uint64_t)n;
		bytes -= (size_t)n;
	}
	return 0;
}

int mcap_file_sum(const struct mcap_reader *r, uint64_t offset, uint64_t bytes, uint32_t *crc) {
	uint8_t block[BLOCK_BYTES];
	int rc = 0;
	while (rc == 0 && bytes > 0) {
		size_t n = bytes < sizeof(block) ? bytes : sizeof(block);
		rc = mcap_file_read(r, offset, block, n);
		if (rc == 0)
			*crc = crc32_of(*crc, block, n);
		offset += n;
		bytes -= n;
	}
	return rc;
}

int mcap_file_head(const struct mcap_reader *r, uint64_t offset, uint64_t end, uint8_t *opcode, uint64_t *length) {
	uint8_t head[MCAP_HEAD_BYTES];
	if (offset > end || end - offset < sizeof(head))
		return -EBADMSG;
	int rc = mcap_file_read(r, offset, head, sizeof(head));
	if (rc < 0)
		return rc;
	struct bytes_in in = { head + 1, head + sizeof(head), false };
	*opcode = head[0];
	*length = bytes_u64(&in);
	return *length <= end - offset - sizeof(head) ? 0 : -EBADMSG;
}

int mcap_file_content(const struct mcap_reader *r, uint64_t offset, uint64_t length, uint8_t **out) {
	if (length > r->memory_max)
		return -E2BIG;
	*out = malloc(length + 1); /* not of nothing, which may be NULL */
	if (!*out)
		return -ENOMEM;
	int rc = mcap_file_read(r, offset + MCAP_HEAD_BYTES, *out, length);
	if (rc < 0) {
		free(*out);
		*out = NULL;
	}
	return rc;
}

/* ---- texts and maps ---- */

/* The next text; NULL: no memory, or the cursor is bad. */
static const char *take_text(struct arena *a, struct bytes_in *in) {
	struct bytes_in part = bytes_part(in);
	char *s = part.bad ? NULL : mcap_arena_take(a, bytes_left(&part) + 1);
	if (!s)
		return NULL;
	memcpy(s, part.at, bytes_left(&part));
	s[bytes_left(&part)] = 0;
	return s;
}

uint32_t mcap_records_pairs(struct bytes_in map) {
	uint32_t n = 0;
	while (!map.bad && bytes_left(&map) > 0) {
		bytes_part(&map);
		bytes_part(&map);
		n += !map.bad;
	}
	return n;
}

/* The map that follows; -EBADMSG, -ENOMEM. */
static int take_pairs(struct arena *a, struct bytes_in *in, const struct mcap_pair **pairs, uint32_t *count) {
	struct bytes_in map = bytes_part(in);
	*count = mcap_records_pairs(map);
	struct mcap_pair *p = mcap_arena_take(a, (*count + 1) * sizeof(*p));
	*pairs = p;
	if (!p)
		return -ENOMEM;
	for (uint32_t i = 0; i < *count; i++) {
		p[i].key = take_text(a, &map);
		p[i].value = take_text(a, &map);
		if (!p[i].key || !p[i].value)
			return -ENOMEM; /* all of them are there: mcap_records_pairs() has seen them */
	}
	return map.bad || bytes_left(&map) > 0 ? -EBADMSG : 0;
}

/* What went wrong when a text is missing. */
static int why(const struct bytes_in *in) {
	return in->bad ? -EBADMSG : -ENOMEM;
}

/* ---- records ---- */

int mcap_records_header(struct mcap_reader *r, struct bytes_in in) {
	r->info.profile = take_text(&r->arena, &in);
	r->info.library = take_text(&r->arena, &in);
	return r->info.profile && r->info.library ? 0 : why(&in);
}

/* A later record of the same id says the same, or the file is wrong; the first one counts. */
int mcap_records_schema(struct mcap_reader *r, struct bytes_in in) {
	uint16_t id = bytes_u16(&in);
	if (in.bad || by_id_get(&r->schema_of, id))
		return in.bad ? -EBADMSG : 0;
	struct mcap_schema *s = mcap_arena_take(&r->arena, sizeof(*s)), **more;
	if (!s)
		return -ENOMEM;
	s->id = id;
	s->name = take_text(&r->arena, &in);
	s->encoding = take_text(&r->arena, &in);
	struct bytes_in data = bytes_part(&in);
	if (!s->name || !s->encoding || in.bad)
		return why(&in);
	s->bytes = (uint32_t)bytes_left(&data);
	void *copy = mcap_arena_take(&r->arena, s->bytes + 1);
	if (!copy)
		return -ENOMEM;
	s->data = memcpy(copy, data.at, s->bytes);
	if (id == 0) /* the format says: to be ignored */
		return 0;
	more = array_grow(r->schemas, r->info.schemas, &r->schema_capacity, sizeof(*more));
	if (!more)
		return -ENOMEM;
	r->schemas = more;
	r->schemas[r->info.schemas] = s;
	int rc = by_id_put(&r->schema_of, id, s);
	r->info.schemas += rc == 0;
	return rc;
}

int mcap_records_channel(struct mcap_reader *r, struct bytes_in in) {
	uint16_t id = bytes_u16(&in);
	if (in.bad || by_id_get(&r->channel_of, id))
		return in.bad ? -EBADMSG : 0;
	struct known_channel *k = mcap_arena_take(&r->arena, sizeof(*k)), **more;
	if (!k)
		return -ENOMEM;
	struct mcap_channel *c = &k->channel;
	k->messages = 0;
	c->id = id;
	c->schema = bytes_u16(&in);
	c->topic = take_text(&r->arena, &in);
	c->encoding = take_text(&r->arena, &in);
	if (!c->topic || !c->encoding)
		return why(&in);
	int rc = take_pairs(&r->arena, &in, &c->pairs, &c->pair_count);
	if (rc < 0)
		return rc;
	more = array_grow(r->channels, r->info.channels, &r->channel_capacity, sizeof(*more));
	if (!more)
		return -ENOMEM;
	r->channels = more;
	r->channels[r->info.channels] = k;
	rc = by_id_put(&r->channel_of, id, k);
	r->info.channels += rc == 0;
	return rc;
}

int mcap_records_place(struct mcap_reader *r, const struct place *p) {
	struct place *more = array_grow(r->places, r->place_count, &r->place_capacity, sizeof(*more));
	if (!more)
		return -ENOMEM;
	r->places = more;
	r->places[r->place_count++] = *p;
	return 0;
}

/* Whose messages are in the chunk: the keys of the map of its message indexes. */
static int take_used(struct mcap_reader *r, struct bytes_in map, struct place *p) {
	p->channels = (uint32_t)r->used_count;
	while (bytes_left(&map) > 0) {
		uint16_t channel = bytes_u16(&map);
		bytes_u64(&map);
		if (map.bad || r->used_count == UINT32_MAX)
			return -EBADMSG;
		uint16_t *more = array_grow(r->used, r->used_count, &r->used_capacity, sizeof(*more));
		if (!more)
			return -ENOMEM;
		r->used = more;
		r->used[r->used_count++] = channel;
		p->channel_count++;
	}
	return map.bad ? -EBADMSG : 0;
}

int mcap_records_chunk_index(struct mcap_reader *r, struct bytes_in in, uint64_t data_end) {
	struct place p = { .start = bytes_u64(&in) };
	p.end = bytes_u64(&in);
	p.offset = bytes_u64(&in);
	p.length = bytes_u64(&in);
	struct bytes_in map = bytes_part(&in);
	if (in.bad || p.start > p.end || p.offset < MCAP_MAGIC_BYTES || p.offset > data_end ||
			p.length < MCAP_HEAD_BYTES ||
			p.length > data_end - p.offset)
		return -EBADMSG;
	int rc = take_used(r, map, &p);
	if (rc < 0)
		return rc;
	r->info.chunks++;
	return mcap_records_place(r, &p);
}

int mcap_records_statistics(struct mcap_reader *r, struct bytes_in in) {
	r->info.messages = bytes_u64(&in);
	bytes_take(&in, sizeof(uint16_t) + 4 * sizeof(uint32_t)); /* counts of what the summary lists itself */
	r->info.start_ns = bytes_u64(&in);
	r->info.end_ns = bytes_u64(&in);
	struct bytes_in map = bytes_part(&in);
	if (in.bad)
		return -EBADMSG;
	if (bytes_left(&map) == 0) /* the format says: not available */
		return 0;
	r->counted = true;
	while (!map.bad && bytes_left(&map) > 0) {
		struct known_channel *k = by_id_get(&r->channel_of, bytes_u16(&map)); /* channels stand before */
		uint64_t messages = bytes_u64(&map);
		if (k)
			k->messages = messages;
	}
	return map.bad ? -EBADMSG : 0;
}

int mcap_records_metadata_at(struct mcap_reader *r, uint64_t offset, uint64_t length) {
	struct index_entry *more = array_grow(r->metadata, r->info.metadata, &r->metadata_capacity, sizeof(*more));
	if (!more)
		return -ENOMEM;
	r->metadata = more;
	r->metadata[r->info.metadata++] = (struct index_entry){ offset, length };
	return 0;
}

int mcap_records_attachment_at(struct mcap_reader *r, uint64_t offset, uint64_t length) {
	struct index_entry *more = array_grow(r->attachments, r->info.attachments, &r->attachment_capacity,
			sizeof(*more));
	if (!more)
		return -ENOMEM;
	r->attachments = more;
	r->attachments[r->info.attachments++] = (struct index_entry){ offset, length };
	return 0;
}

void mcap_records_count(struct mcap_reader *r, uint16_t channel, uint64_t log_ns) {
	struct mcap_read_info *n = &r->info;
	n->start_ns = n->messages == 0 || log_ns < n->start_ns ? log_ns : n->start_ns;
	n->end_ns = log_ns > n->end_ns ? log_ns : n->end_ns;
	n->messages++;
	struct known_channel *k = by_id_get(&r->channel_of, channel);
	CHECK(k); /* who gives out a message has looked its channel up */
	k->messages++;
}
