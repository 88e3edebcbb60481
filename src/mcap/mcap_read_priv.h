/*
 * mcap_read_priv.h - what the parts of the reader share.
 *
 *     mcap_read.c       open, give back, the merge of chunks
 *     mcap_read_rest.c  metadata and attachments, when they are asked for
 *     mcap_records.c    records into what is known of the file
 *     mcap_chunk.c      one chunk: read, checked, decompressed, in the order of time
 *     mcap_summary.c    the summary, taken in or checked
 *     mcap_scan.c       a file without a (good) summary
 *
 * A *place* is where messages stand: a chunk, or a run of messages that stand in no chunk, which is treated as a
 * chunk that is not compressed.
 */
#ifndef MCAP_MCAP_READ_PRIV_H
#define MCAP_MCAP_READ_PRIV_H

#include "mcap/bytes_priv.h"
#include "mcap/mcap_read.h"

#define FOOTER_BYTES 20u /* without its head */
#define TAIL_BYTES (MCAP_HEAD_BYTES + FOOTER_BYTES + MCAP_MAGIC_BYTES)

#define ARENA_BLOCK_BYTES 8192u

/* Memory that lives as long as the reader; what is in it does not move. */
struct arena {
	struct arena_block *first;
	size_t left; /* so much may still be taken from the system */
};

struct place {
	uint64_t start, end;         /* log times of its messages */
	uint64_t offset, length;     /* of the record, or of the run */
	uint32_t channels, channel_count; /* in reader.used: whose messages are in it; count 0: it is not known */
	bool run;
};

struct index_entry {
	uint64_t offset, length; /* of the record */
};

struct message_entry {
	uint64_t log_ns;
	size_t at; /* of the record, in the chunk */
};

/* A chunk in memory. */
struct open_chunk {
	uint32_t place;
	uint8_t *records;
	size_t bytes;
	struct message_entry *entries; /* in the order they are given in */
	size_t count, next;
};

struct known_channel {
	struct mcap_channel channel;
	uint64_t messages;
};

/* Things by their ids: a table as long as the largest of them. */
struct by_id {
	void **at;
	size_t count;
};

struct mcap_reader {
	int fd;
	uint64_t size;
	size_t memory_max, memory; /* memory: of the chunks that are open */
	struct arena arena;
	struct mcap_read_info info;
	char unknown[16];

	struct known_channel **channels; /* by place; info.channels of them */
	struct mcap_schema **schemas;
	size_t channel_capacity, schema_capacity;
	struct by_id channel_of, schema_of;
	bool counted;            /* `messages` of channels is known */

	struct place *places; /* place_count of them; sorted by start once all are known */
	size_t place_count, place_capacity;
	uint16_t *used;
	size_t used_count, used_capacity;
	struct index_entry *metadata, *attachments;
	size_t metadata_capacity, attachment_capacity;

	uint64_t unwanted[(MCAP_IDS_MAX + 1) / 64]; /* set of channels */
	uint64_t from;           /* where the last seek went */
	size_t next_place;       /* the first that was not looked at since */
	struct open_chunk **heap; /* by the time of their next message */
	size_t heap_count, heap_capacity;
	struct open_chunk *spent; /* what was given last is in it, and there is no more */
};

/* ---- mcap_records.c ---- */

/* NULL: no memory. */
void *mcap_arena_take(struct arena *a, size_t bytes);
void mcap_arena_fini(struct arena *a);

static inline void *by_id_get(const struct by_id *t, uint16_t id) {
	return id < t->count ? t->at[id] : NULL;
}

/* `bytes` at `offset`; -EBADMSG: they are not all there; -errno. */
MUST_CHECK int mcap_file_read(const struct mcap_reader *r, uint64_t offset, void *out, size_t bytes);
/* Add what stands there to the sum; as above. */
MUST_CHECK int mcap_file_sum(const struct mcap_reader *r, uint64_t offset, uint64_t bytes, uint32_t *crc);
/* The head of a record that all fits before `end`; -EBADMSG. */
MUST_CHECK int mcap_file_head(const struct mcap_reader *r, uint64_t offset, uint64_t end, uint8_t *opcode,
		uint64_t *length);
/* What follows the head: malloced, to be freed; -E2BIG, -ENOMEM, -EBADMSG, -errno. */
MUST_CHECK int mcap_file_content(const struct mcap_reader *r, uint64_t offset, uint64_t length, uint8_t **out);

/* Take in one record.  0, -EBADMSG, -ENOMEM. */
MUST_CHECK int mcap_records_header(struct mcap_reader *r, struct bytes_in in);
MUST_CHECK int mcap_records_schema(struct mcap_reader *r, struct bytes_in in);
MUST_CHECK int mcap_records_channel(struct mcap_reader *r, struct bytes_in in);
MUST_CHECK int mcap_records_chunk_index(struct mcap_reader *r, struct bytes_in in, uint64_t data_end);
MUST_CHECK int mcap_records_statistics(struct mcap_reader *r, struct bytes_in in);
/* A metadata or attachment record stands there. */
MUST_CHECK int mcap_records_metadata_at(struct mcap_reader *r, uint64_t offset, uint64_t length);
MUST_CHECK int mcap_records_attachment_at(struct mcap_reader *r, uint64_t offset, uint64_t length);
MUST_CHECK int mcap_records_place(struct mcap_reader *r, const struct place *p);
/* Pairs of texts in a map, up to one that is not whole. */
uint32_t mcap_records_pairs(struct bytes_in map);
/* One more message of that channel was found. */
void mcap_records_count(struct mcap_reader *r, uint16_t channel, uint64_t log_ns);

/* ---- mcap_chunk.c ---- */

/* Read what is at that place, and put its messages from r->from on in order.  Schemas and channels in it are taken in.
   `out` is the caller's until mcap_chunk_close(). */
MUST_CHECK int mcap_chunk_open(struct mcap_reader *r, const struct place *p, struct open_chunk **out);
void mcap_chunk_close(struct mcap_reader *r, struct open_chunk *c);
/* The message of an entry. */
void mcap_chunk_message(const struct open_chunk *c, size_t entry, struct mcap_message *out);

/* ---- mcap_summary.c ---- */

/* Take in the summary.  -ENODATA: the file has to be gone through, as r->info.summary says; -E2BIG, -ENOMEM, -errno. */
MUST_CHECK int mcap_summary_load(struct mcap_reader *r);
/* Of a file that was gone through: what its summary is, into r->info, and nothing else.  `data_end`: where the data
   section ends, 0: that is not known.  -E2BIG: it is larger than the memory allowed; -ENOMEM, -errno. */
MUST_CHECK int mcap_summary_check(struct mcap_reader *r, uint64_t data_end);

/* ---- mcap_scan.c ---- */

/* *data_end: where what follows the data section begins; 0: its end was not found. */
MUST_CHECK int mcap_scan(struct mcap_reader *r, uint64_t *data_end);

#endif
