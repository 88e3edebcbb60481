/*
 * journal.h - the durable log of one machine: its writing side.
 *
 * One SQLite file (WAL, synchronous=FULL) has one owner at a time.  The owner's control thread submits
 * small batches of entries; each batch is one transaction, whole or not at all, and gets a ticket.
 * A writer thread of the journal's own commits them in the order of their tickets, several in one go
 * where they wait together.  journal_submit() copies into a bounded queue: no disk, no lock, no waiting.
 *
 * When something has been settled, journal_event_fd() becomes readable; then
 *
 *	while (journal_take(j, &done) == 0)
 *		for each of done.records: state_apply(state, record);
 *
 * gives back what is now in the file, in its order and with its sequence numbers and hashes, so the
 * live state is folded from the very records that a replay will read.  What is not taken keeps its
 * place in the queue.
 *
 * A full disk refuses batches one by one (-ENOSPC in their result) and loses nothing else; when
 * space returns, the journal goes on.  After any other error of the disk (-EIO) nobody knows what it holds:
 * all later batches are refused until the journal is opened again, and the batch that met the
 * error may then be found in it or not.  A file that is removed or replaced under its owner takes nothing
 * any more (-ESTALE); where it is moved back, the journal goes on.
 *
 * All functions belong to one thread (the control thread) unless they say otherwise.
 */
#ifndef JOURNAL_JOURNAL_H
#define JOURNAL_JOURNAL_H

#include "cadmus/diag.h"
#include "journal/record.h"
#include "journal/state.h"

#define JOURNAL_QUEUE_BYTES (4u << 20)
#define JOURNAL_WINDOW_NS INT64_C(50000000) /* a D1 batch waits this long for company; then it is committed */

struct env;
struct journal;

/* Zeros mean the defaults above. */
struct journal_options {
	size_t queue_bytes; /* >= 64 KiB; a batch may take half of it */
	int64_t window_ns;
	const struct env *env; /* NULL: this machine.  Borrowed until journal_stop() */
	bool stepped; /* no writer thread: journal_step() does its work when the caller says */
	unsigned let_go; /* records that are looked at in one go when those of a compaction are removed; 0: 512 */
};

/*
 * Open or create the state file at `path`, own it, and start the writer.
 * -EBUSY: another process owns it (diag says which); -EPROTO: not a journal, or a newer one;
 * -EBADMSG: damaged; -EACCES, -ENOENT, -ENOSPC, -EIO: what the file system said.
 */
MUST_CHECK int journal_open(const char *path, const struct journal_options *options, struct journal **out,
		struct cdm_diag *diag);
/* Commit what waits, stop the writer, give the file up.  Waits for the disk.  Accepts NULL; sets *j NULL. */
void journal_stop(struct journal **j);

/* What the writer would do now, of a stepped journal: commit what waits and is due.  False: nothing was. */
bool journal_step(struct journal *j);

/* The last record in the file when it was opened: seq, epoch, hlc and hash (zeros: an empty journal). */
const struct journal_record *journal_tail(const struct journal *j);
/* The epoch that later entries carry; it starts as that of the tail and may only grow. */
void journal_set_epoch(struct journal *j, uint64_t epoch);

/*
 * Submit `count` entries (1..JOURNAL_BATCH_MAX) as one transaction.  *ticket grows by 1 with every
 * batch accepted for storage; where an entry has a request that another of the same principal had before, nothing
 * of the batch is stored and its result is -EEXIST.  JOURNAL_D0 is counted, not stored, and gets ticket 0 (ticket may
 * be NULL).
 * -EAGAIN: the queue is full, nothing was taken (journal_take() makes room); -E2BIG: larger than half
 * the queue or a bound in record.h; -EINVAL: an entry cannot be right.
 */
MUST_CHECK int journal_submit(struct journal *j, const struct journal_entry *entries, unsigned count,
		enum journal_class class, uint64_t *ticket);
/*
 * Erase the body of record `seq` and append `note` (kind erase), in one transaction of class D2.  The
 * result is -ENOENT when there is no such record, or it is a snapshot or a compaction.  The old bytes are overwritten
 * in the file, what SQLite left of it between cells as well, and the WAL is emptied before the ticket is settled, where
 * no reader holds on to the old pages, nobody is waited for, and the file has at most 16 MiB (else 50 ms after the last
 * one).  `wiped` of the result says if that was not done (-EBUSY); it is tried again until it is, by a later owner as
 * well: see journal_wiped().  State must be replayed afterwards.
 */
MUST_CHECK int journal_erase(struct journal *j, uint64_t seq, const struct journal_entry *note,
		uint64_t *ticket);

/*
 * Store `state` whole beside the records, so that neither a start nor a look at the past need fold what is before
 * it; a record of kind snapshot, of `entity`, vouches for it.  The state is copied.  D1.  -EAGAIN: the queue is full,
 * or the one before is still on its way, or an erasure is, which `state` may know nothing of; -ENOMEM.
 */
MUST_CHECK int journal_snapshot(struct journal *j, const struct journal_state *state, const char *entity,
		uint64_t *ticket);
/*
 * Let records go: `note` (kind compact) as journal_plan_compaction() made it says which.  D2: once it is settled they
 * are removed, some at a time while nothing else waits, also by a later owner.  The result is -ENOENT when there is no
 * snapshot up to that record, -EBUSY while those of the compaction before are still being removed.  -EAGAIN: the queue
 * is full, or the one before is still on its way.
 */
MUST_CHECK int journal_compact(struct journal *j, const struct journal_entry *note, uint64_t *ticket);

struct journal_result {
	uint64_t ticket;
	int rc;       /* 0: durable.  -ENOSPC, -EIO, -EBUSY (a foreign writer), -ESTALE (its name is gone),
			-ENOENT: not in the file, -EEXIST: its request has been answered */
	uint64_t existing; /* with -EEXIST: the record that has the request */
	int wiped;    /* of an erasure: 0, or why old pages were still there then: -EBUSY, -ENOSPC, -EIO */
	unsigned count;
	const struct journal_record *records; /* borrowed until the next journal_take() */
};

/* The next settled batch in the order of tickets; -EAGAIN: none. */
MUST_CHECK int journal_take(struct journal *j, struct journal_result *out);

/*
 * Is all that was erased gone from the file and its WAL?  0; -EAGAIN: not yet, and it is tried each moment; -EBUSY (a
 * reader), -ENOSPC, -EIO: not for a second and more, and it is tried now and then.  What makes it another one also
 * makes journal_event_fd() readable.  Any thread.
 */
int journal_wiped(const struct journal *j);

/* Readable when there may be something to take, or journal_wiped() is another; reset by journal_take()'s -EAGAIN. */
int journal_event_fd(const struct journal *j);

/* Is the file still where it was opened?  0, or -ESTALE: what is written now, nobody will find. */
MUST_CHECK int journal_in_place(const struct journal *j);

struct journal_stats {
	uint64_t records;     /* stored since opening */
	uint64_t batches;     /* stored */
	uint64_t commits;     /* transactions that carried them */
	uint64_t volatile_entries; /* D0 */
	uint64_t queue_full;  /* submits answered -EAGAIN */
	uint64_t refused;     /* batches that were settled with an error */
	uint64_t commit_ns_max;    /* slowest commit */
	uint64_t wal_frames;  /* pages in the WAL; grows while a reader keeps its snapshot */
};

/* Any thread; values of different fields may be of slightly different instants. */
void journal_stats(const struct journal *j, struct journal_stats *out);

#endif
