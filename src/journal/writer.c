/*
 * writer.c - the writer thread: takes what waits in the queue, up to JOURNAL_GROUP_MAX batches, and stores it in one
 * SQLite transaction: one fsync for all.
 *
 * When the disk refuses for want of space, it empties the WAL into the file, which may free some, and then tries each
 * batch by itself, so that a small one need not fail with a large one.  Acknowledgements leave before the checkpoint
 * that a long WAL calls for.  While nothing waits, records that were let go are removed, some at a time.
 *
 * After an erasure the file is looked through for copies and the WAL emptied: at once, or in a large file when no
 * other has followed.  Where a reader is in the way it is tried again, after longer and longer pauses: no batch waits
 * for that, and where nothing is to be done nothing wakes the thread.
 */
#include <errno.h>
#include <poll.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "journal/journal_priv.h"

#define WAL_FRAMES_MAX 1000 /* checkpoint when the WAL is longer: 4 MB */
#define PATIENT_LOOKS 16 /* in vain, some hundred ns each, unless another thread has the processor meanwhile */

#define GAPS_AT_ONCE (16 << 20) /* bytes of a file that are looked through before anything else is done */
#define WIPE_PAUSE_NS (50 * NS_PER_MS) /* then twice as long, and so on */
#define WIPE_PAUSE_MAX_NS (10 * NS_PER_S)
#define WIPE_PATIENCE_NS (1500 * NS_PER_MS) /* from then on it is said that it could not be done */

/* ---- what was erased ---- */

/* `gaps`: something was erased; else nobody knows what is in the WAL. */
void writer_wipe_due(struct journal *j, bool gaps) {
	struct cdm_mono now = j->env->mono(j->env);
	j->wipe = (struct wipe){ .due = true, .gaps = gaps || (j->wipe.due && j->wipe.gaps), .since = now, .next = now,
		.pause_ns = WIPE_PAUSE_NS };
	if (j->wipe.gaps && db_bytes(&j->db) > GAPS_AT_ONCE)
		j->wipe.next.ns += WIPE_PAUSE_NS; /* once for all that are erased one after the other */
	__atomic_store_n(&j->wiped, -EAGAIN, __ATOMIC_RELEASE);
}

/* Time until the next try; -1: there is nothing to be tried. */
static int64_t wipe_left(const struct journal *j) {
	if (!j->wipe.due)
		return -1;
	int64_t left = -mono_since(j->wipe.next, j->env->mono(j->env));
	return left > 0 ? left : 0;
}

/* Where that cannot be written down, the next owner does it again. */
static void note_wiped(struct journal *j) {
	int rc = db_wiped(&j->db);
	if (rc == -EIO || rc == -EBADMSG)
		j->dead = true;
}

static int wipe(struct journal *j) {
	struct wipe *w = &j->wipe;
	int rc = j->dead ? -EIO : db_wipe(&j->db, w->gaps);
	if (rc == 0 && w->gaps)
		note_wiped(j);
	struct cdm_mono now = j->env->mono(j->env);
	bool late = j->dead || mono_since(w->since, now) >= WIPE_PATIENCE_NS;
	int is = rc == 0 || late ? rc : -EAGAIN;
	w->due = rc < 0 && !j->dead;
	w->next.ns = now.ns + w->pause_ns;
	w->pause_ns = w->pause_ns < WIPE_PAUSE_MAX_NS / 2 ? 2 * w->pause_ns : WIPE_PAUSE_MAX_NS;
	if (__atomic_exchange_n(&j->wiped, is, __ATOMIC_ACQ_REL) != is)
		journal_signal(j->event_fd);
	return rc;
}

static bool wipe_when_due(struct journal *j) {
	bool due = wipe_left(j) == 0;
	if (due)
		(void)wipe(j);
	return due;
}

/* ---- batches ---- */

static int store_timed(struct journal *j, struct batch *const *group, unsigned n) {
	if (j->dead)
		return -EIO;
	struct cdm_mono start = j->env->mono(j->env);
	int rc = store_group(j, group, n);
	uint64_t ns = (uint64_t)mono_since(start, j->env->mono(j->env));
	if (ns > j->stats.commit_ns_max)
		__atomic_store_n(&j->stats.commit_ns_max, ns, __ATOMIC_RELAXED);
	if (rc == -EIO || rc == -EBADMSG) {
		j->dead = true;
		log_info("journal: the state file cannot be relied on any more (%s): %s",
				err_name(rc), sqlite3_errmsg(j->db.sql));
	}
	return rc == -EBADMSG ? -EIO : rc;
}

/* What the transaction came to is the result of all; when it was stored, of each what was found on the way. */
static void settle(struct batch *const *group, unsigned n, int rc) {
	for (unsigned i = 0; rc < 0 && i < n; i++)
		group[i]->rc = rc;
}

static void store_each(struct journal *j, struct batch *const *group, unsigned n) {
	db_checkpoint(&j->db, true); /* may free what the WAL holds; if not, each batch finds out */
	for (unsigned i = 0; i < n; i++)
		settle(&group[i], 1, store_timed(j, &group[i], 1));
}

static void note_result(struct journal *j, struct batch *b) {
	int before = j->error;
	bool sound = b->rc == -ENOENT || b->rc == -EEXIST || b->rc == -EINVAL || b->rc == -EBUSY;
	j->error = sound && b->work != BATCH_RECORDS ? 0 : b->rc == -EEXIST ? 0 : b->rc;
	if (b->rc == 0) {
		journal_count(&j->stats.batches, 1);
		journal_count(&j->stats.records, b->count);
		return;
	}
	journal_count(&j->stats.refused, 1);
	for (uint32_t i = 0; i < b->count; i++)
		b->records[i].seq = 0;
	if (b->rc == -ESTALE && before != -ESTALE)
		log_error("journal: %s is gone, or another file has its name: nothing is written until it is back; "
			  "put it back, or end the machine and start it anew", j->db.file.path);
	else if (b->rc != before && j->error)
		log_info("journal: batches are refused (%s: %s)", err_name(b->rc), err_text(b->rc));
}

/* Batches that will share a transaction. */
static unsigned gather(struct journal *j, uint64_t *end) {
	unsigned n = 0;
	uint64_t cursor = j->queue.settled;
	struct batch *b;
	*end = cursor;
	while (n < JOURNAL_GROUP_MAX && (b = queue_next(&j->queue, &cursor)) != NULL) {
		if (b->work != BATCH_RECORDS && n > 0)
			break;
		j->group[n++] = b;
		*end = cursor;
		if (b->work != BATCH_RECORDS)
			break;
	}
	return n;
}

static void commit_group(struct journal *j) {
	uint64_t end;
	unsigned n = gather(j, &end);
	j->company = n;
	int rc = store_timed(j, j->group, n);
	settle(j->group, n, rc);
	if (rc == -ENOSPC)
		store_each(j, j->group, n);
	struct batch *last = j->group[n - 1];
	if (last->work == BATCH_ERASURE && last->rc == 0) {
		writer_wipe_due(j, true);
		last->wiped = wipe_left(j) > 0 ? -EBUSY : wipe(j);
	}
	for (unsigned i = 0; i < n; i++)
		note_result(j, j->group[i]);
	queue_settle(&j->queue, end);
	journal_signal(j->event_fd);
	(void)wipe_when_due(j); /* those who never rest */
	if (j->db.wal_frames > WAL_FRAMES_MAX && !j->dead)
		db_checkpoint(&j->db, false);
	__atomic_store_n(&j->stats.wal_frames, (uint64_t)j->db.wal_frames, __ATOMIC_RELAXED);
}

/* Remove some of the records that are to go; false: there are none, or the disk does not let us. */
static bool let_go(struct journal *j) {
	if (j->dead || j->compaction.done >= j->compaction.upto)
		return false;
	int rc = db_compaction_step(&j->db, &j->compaction, j->let_go);
	if (rc == -EIO || rc == -EBADMSG)
		j->dead = true;
	if (rc < 0)
		log_info("journal: records that were let go stay for now (%s)", err_text(rc));
	if (j->db.wal_frames > WAL_FRAMES_MAX && rc == 0)
		db_checkpoint(&j->db, false);
	return rc == 0;
}

/* Not longer than `ns`, nor than the WAL may wait; -1: neither has a time. */
static void wait_for_wake(struct journal *j, int64_t ns) {
	int64_t wipe_ns = wipe_left(j);
	ns = ns < 0 || (wipe_ns >= 0 && wipe_ns < ns) ? wipe_ns : ns;
	struct pollfd p = { .fd = j->wake_fd, .events = POLLIN };
	struct timespec t = { ns / NS_PER_S, ns % NS_PER_S };
	if (ppoll(&p, 1, ns < 0 ? NULL : &t, NULL) > 0)
		journal_drain(j->wake_fd);
	queue_awake(&j->queue);
}

/* Time that the oldest waiting batch still has; 0: commit now; -1: nothing waits. */
static int64_t time_left(struct journal *j) {
	uint64_t cursor = j->queue.settled;
	const struct batch *b = queue_next(&j->queue, &cursor);
	if (!b)
		return -1;
	int64_t left = j->window_ns - mono_since(b->submitted, j->env->mono(j->env));
	bool now = left <= 0 || queue_pressing(&j->queue) ||
		   __atomic_load_n(&j->stop, __ATOMIC_ACQUIRE);
	return now ? 0 : left;
}

static unsigned waiting(const struct journal *j, unsigned most) {
	uint64_t cursor = j->queue.settled;
	unsigned n = 0;
	while (n < most && queue_next(&j->queue, &cursor))
		n++;
	return n;
}

/*
 * Those who were answered together come again together, one after the other: who commits the first of them alone syncs
 * twice.  So as many as last time are waited for, but not longer than they keep coming.
 */
static void await_company(const struct journal *j) {
	unsigned still = 0, n = waiting(j, j->company);
	while (n < j->company && still < PATIENT_LOOKS) {
		sched_yield();
		unsigned now = waiting(j, j->company);
		still = now > n ? 0 : still + 1;
		n = now;
	}
}

void *writer_main(void *arg) {
	struct journal *j = arg;
	for (;;) {
		bool stop = __atomic_load_n(&j->stop, __ATOMIC_ACQUIRE);
		int64_t left = time_left(j);
		if (left == 0) {
			await_company(j);
			commit_group(j);
		} else if (left < 0 && stop) {
			if (j->wipe.due && j->wipe.gaps)
				(void)wipe(j); /* before its time, as there may be no other owner */
			return NULL;
		}
		else if (wipe_when_due(j) || (left < 0 && let_go(j)))
			continue;
		else if (queue_may_sleep(&j->queue, left < 0 ? QUEUE_IDLE : QUEUE_LINGERING))
			wait_for_wake(j, left);
	}
}

bool writer_commit(struct journal *j) {
	bool due = time_left(j) == 0;
	if (due)
		commit_group(j);
	return due;
}

bool writer_step(struct journal *j) {
	return writer_commit(j) || wipe_when_due(j) || let_go(j);
}

