/*
 * journal_priv.h - one journal: what its control thread and its writer thread have of it.
 *
 *	control thread                      writer thread
 *	tail, epoch, hlc, ticket, taken,    db, chain, dead, error, group, company, compaction, wipe
 *	imaging, compacting; image until it is submitted   image until that batch is settled
 *	shared: queue (see queue_priv.h); stop, wiped, stats by atomics; two eventfds
 */
#ifndef JOURNAL_JOURNAL_PRIV_H
#define JOURNAL_JOURNAL_PRIV_H

#include <errno.h>
#include <pthread.h>
#include <unistd.h>
#include "env/env.h"
#include "journal/db_priv.h"
#include "journal/journal.h"
#include "journal/queue_priv.h"

#define JOURNAL_GROUP_MAX 256

struct chain { /* the last record in the file */
	uint64_t seq;
	struct hash hash;
};

/* What was erased is still in the WAL, or between cells: that is to be taken out. */
struct wipe {
	bool due, gaps; /* something was erased, which may stand between cells as well */
	struct cdm_mono since, next; /* when it became so; the next try */
	int64_t pause_ns;            /* before the one after that */
};

struct journal {
	const struct env *env;
	struct journal_record tail; /* as found at opening */
	struct queue queue;
	uint64_t epoch, hlc, ticket;
	const struct batch *taken; /* lent to the caller by journal_take() */
	struct journal_state *image; /* a copy of the state, on its way to the file */
	bool imaging, compacting;
	unsigned erasing; /* erasures that are on their way */
	int64_t window_ns;
	int lock, event_fd, wake_fd;
	pthread_t thread;
	bool running; /* the thread */
	bool stepped;

	struct db db;
	struct chain chain;
	bool dead; /* the disk failed in a way that leaves nothing known */
	int error; /* of the last batch; 0: it was stored */
	struct batch *group[JOURNAL_GROUP_MAX];
	unsigned let_go; /* records that are looked at in one go */
	unsigned company; /* batches that were committed together last time */
	struct db_compaction compaction; /* done < upto: records are still to be let go */
	struct wipe wipe;

	int stop;
	int wiped; /* journal_wiped() */
	struct journal_stats stats;
};

/* The thread: until it is told to stop and nothing waits. */
void *writer_main(void *journal);
/* Once what it would do now, or of that only to commit what waits; false: nothing was due. */
bool writer_step(struct journal *j);
bool writer_commit(struct journal *j);

/* It is due from now on; before the thread begins, or on it. */
void writer_wipe_due(struct journal *j, bool gaps);

/* store.c, on the writer's thread: one transaction; the chain moves on only with it. */
MUST_CHECK int store_group(struct journal *j, struct batch *const *group, unsigned n);

static inline void journal_count(uint64_t *counter, uint64_t n) {
	__atomic_fetch_add(counter, n, __ATOMIC_RELAXED);
}

static inline void journal_signal(int fd) {
	const uint64_t one = 1;
	while (write(fd, &one, sizeof(one)) < 0 && errno == EINTR)
		;
}

static inline void journal_drain(int fd) {
	uint64_t n;
	while (read(fd, &n, sizeof(n)) < 0 && errno == EINTR)
		;
}

#endif
