/*
 * journal.c - the control side of journal.h, and the writer thread.
 *
 * The writer takes what waits in the queue, up to GROUP_MAX batches, and stores it in one SQLite
 * transaction: one fsync for all.  When the disk refuses for want of space, it empties the WAL into
 * the file, which may free some, and then tries each batch by itself, so that a small one need not
 * fail with a large one.  Acknowledgements leave before the checkpoint that a long WAL calls for.
 *
 *	control thread                      writer thread
 *	struct journal but for `db`, `chain`   db, chain, dead, error, group
 *	shared: queue (see queue_priv.h); stop, stats by atomics; two eventfds
 */
#include "journal/journal.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>
#include "base/clock.h"
#include "base/io.h"
#include "base/log.h"
#include "base/thread.h"
#include "env/env.h"
#include "journal/db_priv.h"
#include "journal/lock_priv.h"
#include "journal/message_priv.h"
#include "journal/queue_priv.h"

#define GROUP_MAX 256
#define QUEUE_LEAST (64u << 10)
#define WAL_FRAMES_MAX 1000 /* checkpoint when the WAL is longer: 4 MB */

struct chain { /* the last record in the file */
	uint64_t seq;
	struct hash hash;
};

struct journal {
	const struct env *env;
	struct journal_record tail; /* as found at opening */
	struct queue queue;
	uint64_t epoch, hlc, ticket;
	const struct batch *taken; /* lent to the caller by journal_take() */
	int64_t window_ns;
	int lock, event_fd, wake_fd;
	pthread_t thread;
	bool running; /* the thread */
	bool stepped;

	struct db db;
	struct chain chain;
	bool dead; /* the disk failed in a way that leaves nothing known */
	int error; /* of the last batch; 0: it was stored */
	struct batch *group[GROUP_MAX];

	int stop;
	struct journal_stats stats;
};

static void count(uint64_t *counter, uint64_t n) {
	__atomic_fetch_add(counter, n, __ATOMIC_RELAXED);
}

static void signal_fd(int fd) {
	const uint64_t one = 1;
	while (write(fd, &one, sizeof(one)) < 0 && errno == EINTR)
		;
}

static void drain_fd(int fd) {
	uint64_t n;
	while (read(fd, &n, sizeof(n)) < 0 && errno == EINTR)
		;
}

/* ---- the writer ---- */

static int insert_batch(struct journal *j, struct batch *b, struct chain *c) {
	if (b->erase) {
		int rc = db_erase(&j->db, b->erase);
		if (rc < 0)
			return rc;
	}
	for (uint32_t i = 0; i < b->count; i++) {
		struct journal_record *r = &b->records[i];
		r->seq = c->seq + 1;
		r->prev = c->hash;
		r->body_hash = hash_of(r->body, r->body_bytes);
		r->hash = record_hash(r);
		int rc = db_insert(&j->db, r);
		if (rc < 0)
			return rc;
		*c = (struct chain){ r->seq, r->hash };
	}
	return 0;
}

/* One transaction; the chain moves on only with it. */
static int store(struct journal *j, struct batch *const *group, unsigned n) {
	struct chain c = j->chain;
	int rc = db_begin(&j->db);
	for (unsigned i = 0; rc == 0 && i < n; i++)
		rc = insert_batch(j, group[i], &c);
	if (rc == 0)
		rc = db_in_place(&j->db);
	if (rc == 0)
		rc = db_commit(&j->db);
	if (rc < 0) {
		db_rollback(&j->db);
		return rc;
	}
	j->chain = c;
	count(&j->stats.commits, 1);
	return 0;
}

static int store_timed(struct journal *j, struct batch *const *group, unsigned n) {
	if (j->dead)
		return -EIO;
	struct cdm_mono start = j->env->mono(j->env);
	int rc = store(j, group, n);
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

static void store_each(struct journal *j, struct batch *const *group, unsigned n) {
	db_checkpoint(&j->db, true); /* may free what the WAL holds; if not, each batch finds out */
	for (unsigned i = 0; i < n; i++)
		group[i]->rc = store_timed(j, &group[i], 1);
}

static void note_result(struct journal *j, struct batch *b) {
	int before = j->error;
	j->error = b->rc == -ENOENT ? 0 : b->rc;
	if (b->rc == 0) {
		count(&j->stats.batches, 1);
		count(&j->stats.records, b->count);
		return;
	}
	count(&j->stats.refused, 1);
	for (uint32_t i = 0; i < b->count; i++)
		b->records[i].seq = 0;
	if (b->rc == -ESTALE && before != -ESTALE)
		log_error("journal: %s is gone, or another file has its name: nothing is written until it is back; "
			  "put it back, or end the machine and start it anew", j->db.file.path);
	else if (b->rc != before && b->rc != -ENOENT)
		log_info("journal: batches are refused (%s: %s)", err_name(b->rc), err_text(b->rc));
}

/* Batches that will share a transaction; an erasure shares it with none. */
static unsigned gather(struct journal *j, uint64_t *end) {
	unsigned n = 0;
	uint64_t cursor = j->queue.settled;
	struct batch *b;
	*end = cursor;
	while (n < GROUP_MAX && (b = queue_next(&j->queue, &cursor)) != NULL) {
		if (b->erase && n > 0)
			break;
		j->group[n++] = b;
		*end = cursor;
		if (b->erase)
			break;
	}
	return n;
}

static void commit_group(struct journal *j) {
	uint64_t end;
	unsigned n = gather(j, &end);
	int rc = store_timed(j, j->group, n);
	for (unsigned i = 0; i < n; i++)
		j->group[i]->rc = rc;
	if (rc == -ENOSPC)
		store_each(j, j->group, n);
	struct batch *last = j->group[n - 1];
	if (last->erase && last->rc == 0)
		last->wiped = db_checkpoint(&j->db, true);
	for (unsigned i = 0; i < n; i++)
		note_result(j, j->group[i]);
	queue_settle(&j->queue, end);
	signal_fd(j->event_fd);
	if (j->db.wal_frames > WAL_FRAMES_MAX && !j->dead)
		db_checkpoint(&j->db, false);
	__atomic_store_n(&j->stats.wal_frames, (uint64_t)j->db.wal_frames, __ATOMIC_RELAXED);
}

static void wait_for_wake(struct journal *j, int64_t ns) {
	struct pollfd p = { .fd = j->wake_fd, .events = POLLIN };
	struct timespec t = { ns / NS_PER_S, ns % NS_PER_S };
	if (ppoll(&p, 1, ns < 0 ? NULL : &t, NULL) > 0)
		drain_fd(j->wake_fd);
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

static void *writer(void *arg) {
	struct journal *j = arg;
	for (;;) {
		bool stop = __atomic_load_n(&j->stop, __ATOMIC_ACQUIRE);
		int64_t left = time_left(j);
		if (left == 0)
			commit_group(j);
		else if (left < 0 && stop)
			return NULL;
		else if (queue_may_sleep(&j->queue, left < 0 ? QUEUE_IDLE : QUEUE_LINGERING))
			wait_for_wake(j, left);
	}
}

bool journal_step(struct journal *j) {
	CHECK(j->stepped);
	bool due = time_left(j) == 0;
	if (due)
		commit_group(j);
	return due;
}

/* ---- opening and closing ---- */

/* The one name that all openers of a file agree on.  A file to be made has no other names yet. */
static int canonical(const struct env *e, const char *path, char out[PATH_MAX], struct cdm_diag *diag) {
	int rc = e->full_name(e, path, out);
	if (rc == 0)
		return 0;
	rc = message_error(-rc);
	if (rc == -ENOENT && *path && strlen(path) < PATH_MAX) {
		memcpy(out, path, strlen(path) + 1);
		return 0;
	}
	message_add(diag, MESSAGE_OPEN, "%s: %s", path, err_text(rc));
	return rc;
}

static int start_writer(struct journal *j) {
	int rc = thread_start(&j->thread, writer, j);
	j->running = rc == 0;
	return rc;
}

static int open_parts(
		struct journal *j, const char *path, size_t queue_bytes, struct cdm_diag *diag) {
	char name[PATH_MAX];
	int rc = canonical(j->env, path, name, diag);
	if (rc < 0)
		return rc;
	j->lock = lock_take(j->env, name, diag);
	if (j->lock < 0)
		return j->lock;
	if ((rc = db_open_writer(&j->db, j->env, name, diag)) < 0 ||
			(rc = db_tail(&j->db, &j->tail, diag)) < 0)
		return rc;
	j->chain = (struct chain){ j->tail.seq, j->tail.hash };
	j->epoch = j->tail.epoch;
	j->hlc = j->tail.hlc;
	if ((rc = queue_init(&j->queue, queue_bytes)) < 0)
		return rc;
	j->event_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	j->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (j->event_fd < 0 || j->wake_fd < 0)
		return -errno;
	return j->stepped ? 0 : start_writer(j);
}

int journal_open(const char *path, const struct journal_options *options, struct journal **out,
		struct cdm_diag *diag) {
	struct journal_options o =
			options ? *options : (struct journal_options){ .queue_bytes = 0 };
	*out = NULL;
	if (o.queue_bytes && o.queue_bytes < QUEUE_LEAST)
		return -EINVAL;
	struct journal *j = calloc(1, sizeof(*j));
	if (!j)
		return -ENOMEM;
	j->env = o.env ? o.env : env_real();
	j->stepped = o.stepped;
	j->lock = j->event_fd = j->wake_fd = -1;
	j->window_ns = o.window_ns ? o.window_ns : JOURNAL_WINDOW_NS;
	int rc = open_parts(j, path, o.queue_bytes ? o.queue_bytes : JOURNAL_QUEUE_BYTES, diag);
	if (rc < 0)
		journal_stop(&j);
	*out = j;
	return rc < 0 ? rc : 0;
}

void journal_stop(struct journal **at) {
	struct journal *j = *at;
	*at = NULL;
	if (!j)
		return;
	__atomic_store_n(&j->stop, 1, __ATOMIC_RELEASE);
	while (j->stepped && journal_step(j))
		;
	if (j->running) {
		signal_fd(j->wake_fd);
		CHECK(pthread_join(j->thread, NULL) == 0);
	}
	db_close(&j->db);
	queue_fini(&j->queue);
	io_close(&j->event_fd);
	io_close(&j->wake_fd);
	if (j->lock >= 0)
		j->env->unlock(j->env, j->lock); /* last: now another may open the file */
	free(j);
}

/* ---- the control side ---- */

const struct journal_record *journal_tail(const struct journal *j) {
	return &j->tail;
}

void journal_set_epoch(struct journal *j, uint64_t epoch) {
	CHECK(epoch >= j->epoch && epoch <= INT64_MAX);
	j->epoch = epoch;
}

static int check_entry(const struct journal_entry *e) {
	if (e->kind >= JOURNAL_KIND_COUNT || e->visibility >= JOURNAL_VISIBILITY_COUNT)
		return -EINVAL;
	if (!e->entity || !e->principal || !e->body || e->body_bytes == 0)
		return -EINVAL;
	bool fits = strlen(e->entity) < CDM_NAME_MAX && strlen(e->principal) < CDM_NAME_MAX &&
		    e->body_bytes <= JOURNAL_BODY_MAX;
	return fits ? 0 : -E2BIG;
}

static int check_entries(const struct journal_entry *entries, unsigned n) {
	if (n == 0 || n > JOURNAL_BATCH_MAX)
		return n ? -E2BIG : -EINVAL;
	for (unsigned i = 0; i < n; i++) {
		int rc = check_entry(&entries[i]);
		if (rc < 0)
			return rc;
	}
	return 0;
}

/* What is known of a record before the writer links it into the chain. */
static void fill(struct journal *j, struct journal_record *r, const struct journal_entry *e,
		enum journal_class class, struct cdm_wall now) {
	j->hlc = record_hlc_next(j->hlc, now);
	*r = (struct journal_record){ .epoch = j->epoch,
		.hlc = j->hlc,
		.wall = now,
		.kind = (uint16_t)e->kind,
		.visibility = (uint8_t)e->visibility,
		.class = (uint8_t) class,
		.body_bytes = (uint32_t)e->body_bytes };
	snprintf(r->kind_name, sizeof(r->kind_name), "%s", record_kind_name(e->kind));
	snprintf(r->entity, sizeof(r->entity), "%s", e->entity);
	snprintf(r->principal, sizeof(r->principal), "%s", e->principal);
}

static int enqueue(struct journal *j, const struct journal_entry *entries, unsigned n,
		enum journal_class class, uint64_t erase, uint64_t *ticket) {
	size_t need = queue_need(&j->queue, entries, n);
	if (need == 0)
		return -E2BIG;
	struct batch *b = queue_reserve(&j->queue, need);
	if (!b) {
		count(&j->stats.queue_full, 1);
		return -EAGAIN;
	}
	struct cdm_wall now = j->env->wall(j->env);
	uint8_t *body = (uint8_t *)&b->records[n];
	b->ticket = ++j->ticket;
	b->erase = erase;
	b->submitted = j->env->mono(j->env);
	b->count = n;
	for (unsigned i = 0; i < n; i++) {
		fill(j, &b->records[i], &entries[i], class, now);
		b->records[i].body = memcpy(body, entries[i].body, entries[i].body_bytes);
		body += entries[i].body_bytes;
	}
	if (ticket)
		*ticket = b->ticket;
	if (queue_push(&j->queue, b, class == JOURNAL_D2))
		signal_fd(j->wake_fd);
	return 0;
}

int journal_submit(struct journal *j, const struct journal_entry *entries, unsigned n,
		enum journal_class class, uint64_t *ticket) {
	int rc = check_entries(entries, n);
	if (rc < 0)
		return rc;
	if (class != JOURNAL_D0)
		return enqueue(j, entries, n, class, 0, ticket);
	count(&j->stats.volatile_entries, n);
	if (ticket)
		*ticket = 0;
	return 0;
}

int journal_erase(struct journal *j, uint64_t seq, const struct journal_entry *note,
		uint64_t *ticket) {
	int rc = check_entries(note, 1);
	if (rc < 0)
		return rc;
	if (note->kind != JOURNAL_ERASE || seq == 0 || seq > INT64_MAX)
		return -EINVAL;
	return enqueue(j, note, 1, JOURNAL_D2, seq, ticket);
}

int journal_take(struct journal *j, struct journal_result *out) {
	if (j->taken)
		queue_free(&j->queue, j->taken);
	j->taken = queue_settled(&j->queue);
	if (!j->taken) {
		drain_fd(j->event_fd); /* before the second look: what settles after it signals
					  again */
		j->taken = queue_settled(&j->queue);
	}
	if (!j->taken)
		return -EAGAIN;
	const struct batch *b = j->taken;
	*out = (struct journal_result){ .ticket = b->ticket,
		.rc = b->rc,
		.wiped = b->wiped,
		.count = b->count,
		.records = b->records };
	return 0;
}

int journal_event_fd(const struct journal *j) {
	return j->event_fd;
}

void journal_stats(const struct journal *j, struct journal_stats *out) {
	const struct journal_stats *s = &j->stats;
	*out = (struct journal_stats){
		.records = __atomic_load_n(&s->records, __ATOMIC_RELAXED),
		.batches = __atomic_load_n(&s->batches, __ATOMIC_RELAXED),
		.commits = __atomic_load_n(&s->commits, __ATOMIC_RELAXED),
		.volatile_entries = __atomic_load_n(&s->volatile_entries, __ATOMIC_RELAXED),
		.queue_full = __atomic_load_n(&s->queue_full, __ATOMIC_RELAXED),
		.refused = __atomic_load_n(&s->refused, __ATOMIC_RELAXED),
		.commit_ns_max = __atomic_load_n(&s->commit_ns_max, __ATOMIC_RELAXED),
		.wal_frames = __atomic_load_n(&s->wal_frames, __ATOMIC_RELAXED),
	};
}
