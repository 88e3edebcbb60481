/*
 * mcap_read.c - see mcap_read.h; mcap_read_priv.h says how the parts go together.
 *
 * Places are sorted by the earliest time in them.  A heap holds the chunks that are open, by the time of their next
 * message; before one is given, every place that may have an earlier one has been opened.
 */
#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>
#include "base/array.h"
#include "base/err.h"
#include "mcap/mcap_read_priv.h"

/* ---- opening ---- */

static int take_head(struct mcap_reader *r, struct cdm_diag *diag) {
	uint8_t magic[MCAP_MAGIC_BYTES], opcode, *content;
	uint64_t length;
	int rc = mcap_file_read(r, 0, magic, sizeof(magic));
	if (rc == 0 && memcmp(magic, MCAP_MAGIC, sizeof(magic)) != 0)
		rc = -EBADMSG;
	if (rc == 0)
		rc = mcap_file_head(r, MCAP_MAGIC_BYTES, r->size, &opcode, &length);
	if (rc == 0 && opcode != MCAP_HEADER)
		rc = -EBADMSG;
	if (rc == 0)
		rc = mcap_file_content(r, MCAP_MAGIC_BYTES, length, &content);
	if (rc == 0) {
		rc = mcap_records_header(r, (struct bytes_in){ content, content + length, false });
		free(content);
	}
	if (rc == -EBADMSG || rc == -E2BIG) {
		cdm_diag_add(diag, CDM_ERROR, "F0101",
				"it is not an MCAP file of version 0: it does not begin like one");
		return -EPROTO;
	}
	if (rc < 0)
		cdm_diag_add(diag, CDM_ERROR, "F0102", "it cannot be read: %s", err_text(rc));
	return rc;
}

static int no_summary(int rc, struct cdm_diag *diag) {
	cdm_diag_add(diag, CDM_ERROR, "F0104", rc == -E2BIG ? "its summary is larger than the memory allowed: %s"
			: "its summary cannot be read: %s", err_text(rc));
	return rc;
}

/* Forget what a summary said that turned out to be wrong; its texts stay until the end. */
static void forget(struct mcap_reader *r) {
	r->info = (struct mcap_read_info){ .profile = r->info.profile, .library = r->info.library, .bytes = r->size };
	r->place_count = r->used_count = 0;
	r->channel_of.count = r->schema_of.count = 0;
}

static int scan(struct mcap_reader *r, struct cdm_diag *diag) {
	forget(r);
	r->counted = true;
	uint64_t data_end;
	int rc = mcap_scan(r, &data_end), checked = rc == 0 ? mcap_summary_check(r, data_end) : 0;
	if (checked < 0)
		return no_summary(checked, diag);
	if (rc == -ENOTSUP)
		cdm_diag_add(diag, CDM_ERROR, "F0103", "a chunk of it is compressed by %s, which we do not read",
				r->unknown);
	else if (rc < 0)
		cdm_diag_add(diag, CDM_ERROR, "F0102", "it cannot be read: %s", err_text(rc));
	return rc;
}

static int by_start(const void *a, const void *b) {
	const struct place *x = a, *y = b;
	if (x->start != y->start)
		return x->start < y->start ? -1 : 1;
	return (x->offset > y->offset) - (x->offset < y->offset);
}

static int take_file(struct mcap_reader *r, bool scanned, struct cdm_diag *diag) {
	int rc = take_head(r, diag);
	if (rc < 0)
		return rc;
	rc = scanned ? -ENODATA : mcap_summary_load(r);
	if (rc == -ENODATA)
		return scan(r, diag);
	return rc < 0 ? no_summary(rc, diag) : 0;
}

int mcap_read_open(int fd, const struct mcap_read_options *options, struct mcap_reader **out, struct cdm_diag *diag) {
	struct stat st;
	*out = NULL;
	if (fstat(fd, &st) < 0)
		return err_last();
	struct mcap_reader *r = calloc(1, sizeof(*r));
	if (!r)
		return -ENOMEM;
	r->fd = fd;
	r->size = r->info.bytes = st.st_size > 0 ? (uint64_t)st.st_size : 0;
	r->memory_max = options && options->memory_max ? options->memory_max : MCAP_READ_MEMORY_MAX;
	r->arena.left = r->memory_max + ARENA_BLOCK_BYTES;
	int rc = take_file(r, options && options->scan, diag);
	if (rc < 0) {
		mcap_read_close(&r);
		return rc;
	}
	if (r->place_count > 1)
		qsort(r->places, r->place_count, sizeof(r->places[0]), by_start);
	*out = r;
	return 0;
}

static void drop_open(struct mcap_reader *r) {
	for (size_t i = 0; i < r->heap_count; i++)
		mcap_chunk_close(r, r->heap[i]);
	mcap_chunk_close(r, r->spent);
	r->spent = NULL;
	r->heap_count = 0;
}

void mcap_read_close(struct mcap_reader **r) {
	struct mcap_reader *x = *r;
	if (!x)
		return;
	drop_open(x);
	mcap_arena_fini(&x->arena);
	free(x->channels);
	free(x->schemas);
	free(x->channel_of.at);
	free(x->schema_of.at);
	free(x->places);
	free(x->used);
	free(x->metadata);
	free(x->attachments);
	free(x->heap);
	free(x);
	*r = NULL;
}

/* ---- what is known ---- */

const struct mcap_read_info *mcap_read_info(const struct mcap_reader *r) {
	return &r->info;
}

const struct mcap_channel *mcap_read_channel_at(const struct mcap_reader *r, uint32_t i, uint64_t *messages) {
	CHECK(i < r->info.channels);
	if (messages)
		*messages = r->counted ? r->channels[i]->messages : UINT64_MAX;
	return &r->channels[i]->channel;
}

const struct mcap_schema *mcap_read_schema_at(const struct mcap_reader *r, uint32_t i) {
	CHECK(i < r->info.schemas);
	return r->schemas[i];
}

const struct mcap_channel *mcap_read_channel(const struct mcap_reader *r, uint16_t id) {
	struct known_channel *k = by_id_get(&r->channel_of, id);
	return k ? &k->channel : NULL;
}

const struct mcap_schema *mcap_read_schema(const struct mcap_reader *r, uint16_t id) {
	return by_id_get(&r->schema_of, id);
}

const char *mcap_read_pair(const struct mcap_pair *pairs, uint32_t count, const char *key) {
	for (uint32_t i = 0; i < count; i++)
		if (strcmp(pairs[i].key, key) == 0)
			return pairs[i].value;
	return NULL;
}

const char *mcap_read_unknown(const struct mcap_reader *r) {
	return r->unknown;
}

/* ---- messages ---- */

void mcap_read_select(struct mcap_reader *r, uint16_t channel, bool wanted) {
	uint64_t bit = UINT64_C(1) << channel % 64;
	if (wanted)
		r->unwanted[channel / 64] &= ~bit;
	else
		r->unwanted[channel / 64] |= bit;
}

void mcap_read_select_all(struct mcap_reader *r, bool wanted) {
	memset(r->unwanted, wanted ? 0 : 0xff, sizeof(r->unwanted));
}

void mcap_read_seek(struct mcap_reader *r, uint64_t log_ns) {
	drop_open(r);
	r->from = log_ns;
	r->next_place = 0;
}

static uint64_t next_time(const struct open_chunk *c) {
	return c->entries[c->next].log_ns;
}

/* Does `a` have the earlier message?  Of one time: the one that stands before. */
static bool is_before(const struct mcap_reader *r, const struct open_chunk *a, const struct open_chunk *b) {
	if (next_time(a) != next_time(b))
		return next_time(a) < next_time(b);
	return r->places[a->place].offset < r->places[b->place].offset;
}

static void swap(struct open_chunk **a, struct open_chunk **b) {
	struct open_chunk *c = *a;
	*a = *b;
	*b = c;
}

/* Its message at the top has changed. */
static void sift_down(struct mcap_reader *r) {
	for (size_t i = 0;;) {
		size_t first = i;
		for (size_t child = 2 * i + 1; child <= 2 * i + 2 && child < r->heap_count; child++)
			if (is_before(r, r->heap[child], r->heap[first]))
				first = child;
		if (first == i)
			return;
		swap(&r->heap[i], &r->heap[first]);
		i = first;
	}
}

static int push(struct mcap_reader *r, struct open_chunk *c) {
	struct open_chunk **more = array_grow(r->heap, r->heap_count, &r->heap_capacity, sizeof(struct open_chunk *));
	if (!more)
		return -ENOMEM;
	r->heap = more;
	size_t i = r->heap_count++;
	r->heap[i] = c;
	for (; i > 0 && is_before(r, r->heap[i], r->heap[(i - 1) / 2]); i = (i - 1) / 2)
		swap(&r->heap[i], &r->heap[(i - 1) / 2]);
	return 0;
}

/* Can it have messages that are wanted? */
static bool may_have(const struct mcap_reader *r, const struct place *p) {
	if (p->end < r->from)
		return false;
	bool any = p->channel_count == 0;
	for (uint32_t i = 0; i < p->channel_count && !any; i++) {
		uint16_t c = r->used[p->channels + i];
		any = !(r->unwanted[c / 64] >> c % 64 & 1);
	}
	return any;
}

/* Open the next place, if anything of it is wanted. */
static int open_next(struct mcap_reader *r) {
	uint32_t at = (uint32_t)r->next_place++;
	struct open_chunk *c;
	if (!may_have(r, &r->places[at]))
		return 0;
	int rc = mcap_chunk_open(r, &r->places[at], &c);
	if (rc < 0)
		return rc;
	c->place = at;
	if (c->count > 0)
		rc = push(r, c);
	if (c->count == 0 || rc < 0)
		mcap_chunk_close(r, c);
	return rc;
}

int mcap_read_next(struct mcap_reader *r, struct mcap_message *out) {
	mcap_chunk_close(r, r->spent);
	r->spent = NULL;
	while (r->next_place < r->place_count &&
			(r->heap_count == 0 || r->places[r->next_place].start <= next_time(r->heap[0]))) {
		int rc = open_next(r);
		if (rc < 0)
			return rc;
	}
	if (r->heap_count == 0)
		return -ENODATA;
	struct open_chunk *c = r->heap[0];
	mcap_chunk_message(c, c->next, out);
	if (++c->next == c->count) {
		r->spent = c;
		r->heap[0] = r->heap[--r->heap_count];
	}
	sift_down(r);
	return 0;
}
