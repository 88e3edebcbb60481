/*
 * queue_priv.h - batches on their way to the disk and back, in one bounded ring of bytes.
 *
 *      taken           settled          pushed
 *      |  to be taken  |  to be stored  |
 *
 * The three cursors only grow; `pushed - taken` bytes are in use.
 *
 *	control thread   owns pushed, taken    copies a batch in, later reads its result and frees it
 *	writer thread    owns settled          stores batches, fills in their records and results
 *
 *	who stores with release   who loads with acquire   what it hands over
 *	pushed   control          writer                   the batch
 *	settled  writer           control                  its result; seq and hashes of its records
 *	urgent   control          writer                   how far something waits that must not
 *
 * The writer's sleep is a Dekker pair of sequentially consistent accesses: it stores `asleep`, then
 * looks at `pushed` and `urgent`; the control thread stores those, then looks at `asleep`.
 *
 * A batch is contiguous: where it would wrap, a pad that fills the rest goes before it.  All lengths
 * are multiples of QUEUE_ALIGN, so a header always fits into the rest.
 */
#ifndef JOURNAL_QUEUE_PRIV_H
#define JOURNAL_QUEUE_PRIV_H

#include "cadmus/types.h"
#include "journal/record.h"

#define QUEUE_ALIGN 128u

enum batch_work { BATCH_RECORDS, BATCH_ERASURE, BATCH_SNAPSHOT, BATCH_COMPACTION };

struct batch {
	uint64_t ticket;   /* 0: a pad */
	uint64_t erase;    /* of an erasure: seq whose body is to go */
	uint64_t existing; /* set by the writer: the record that had the request before */
	struct cdm_mono submitted;
	uint32_t bytes;    /* of the whole, this header included */
	uint32_t count;    /* records that follow; the writer may find that fewer were needed */
	int32_t rc;        /* result, set by the writer */
	int32_t wiped;
	uint32_t work;     /* enum batch_work; all but records share a transaction with nobody */
	uint32_t request_of; /* the record that has the request */
	char request[JOURNAL_REQUEST_MAX]; /* of a client, or "" */
	struct journal_record records[]; /* then their bodies, which the records point at */
};

enum queue_sleep { QUEUE_AWAKE, QUEUE_IDLE, QUEUE_LINGERING };

struct queue {
	uint8_t *bytes;
	size_t capacity;
	uint64_t pushed, taken;  /* control thread */
	uint64_t urgent;         /* control thread: `pushed` after the last D2 batch */
	uint64_t settled;        /* writer thread */
	int asleep;              /* writer thread: enum queue_sleep */
};

/* -ENOMEM.  `capacity` is rounded up to QUEUE_ALIGN. */
MUST_CHECK int queue_init(struct queue *q, size_t capacity);
void queue_fini(struct queue *q);

/* ---- control thread ---- */

/* Bytes of a batch with these entries; 0: larger than half the queue. */
size_t queue_need(const struct queue *q, const struct journal_entry *entries, unsigned count);
/* Room for a batch of `need` bytes, not yet visible to the writer; NULL: full. */
struct batch *queue_reserve(struct queue *q, size_t need);
/* Hand it over.  True: the writer sleeps and must be woken. */
bool queue_push(struct queue *q, const struct batch *b, bool urgent);
/* The oldest settled batch, or NULL; queue_free() gives its room back. */
struct batch *queue_settled(struct queue *q);
void queue_free(struct queue *q, const struct batch *b);

/* ---- writer thread ---- */

/* The first batch at or after *cursor (start with q->settled), *cursor moves behind it; NULL: no more. */
struct batch *queue_next(const struct queue *q, uint64_t *cursor);
/* Does something wait that must be stored now: D2, or half the queue? */
bool queue_pressing(const struct queue *q);
/* All up to `cursor` is settled. */
void queue_settle(struct queue *q, uint64_t cursor);
/* True: go to sleep; false: something came, stay awake.  queue_awake() when awake again. */
bool queue_may_sleep(struct queue *q, enum queue_sleep how);
void queue_awake(struct queue *q);

#endif
