/*
 * keeper.c - see keeper.h.
 *
 *	control thread: `busy`, and `job` while it is not     keeper's thread: `job` while it is
 *	`reader`, `quit`: under `lock`
 *	`begun` (control to keeper) and `ended` (keeper to control) are eventfds: reading and writing them orders `job`
 */
#include "runtime/keeper.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>
#include "base/io.h"
#include "base/log.h"
#include "base/thread.h"

struct keeper {
	char path[1024];
	pthread_t thread;
	bool running, busy;
	int begun, ended;
	pthread_mutex_t lock;          /* of `reader` and `quit`, for who wants it to end early */
	struct journal_reader *reader; /* of the job in hand */
	bool quit, cancelled;          /* for good; the job in hand */
	struct keeper_job job;
};

static void ring(int fd) {
	const uint64_t one = 1;
	while (write(fd, &one, sizeof(one)) < 0 && errno == EINTR)
		;
}

/* False: nothing rang, of an eventfd that does not block. */
static bool listen_to(int fd) {
	uint64_t n;
	ssize_t got;
	while ((got = read(fd, &n, sizeof(n))) < 0 && errno == EINTR)
		;
	return got == sizeof(n);
}

static int fold(struct journal_reader *r, struct keeper_job *job) {
	job->state = calloc(1, sizeof(*job->state));
	return job->state ? journal_state_at(r, UINT64_MAX, job->state, NULL) : -ENOMEM;
}

/* False: it is to end. */
static bool lend(struct keeper *k, struct journal_reader *r) {
	pthread_mutex_lock(&k->lock);
	k->reader = r;
	bool goes_on = !k->quit && !k->cancelled;
	pthread_mutex_unlock(&k->lock);
	return goes_on;
}

static bool is_among(const struct keeper_job *job, uint64_t seq) {
	for (unsigned i = 0; i < job->count; i++)
		if (job->seqs[i] == seq)
			return true;
	return seq == job->upto;
}

/* A fact derives from records before it, so one walk finds also what was made of what was made of it. */
static int scan_record(void *user, const struct journal_record *r) {
	struct keeper_job *job = user;
	struct body_fact b;
	job->last = r->seq;
	if (r->kind != JOURNAL_FACT || r->erased || body_parse_fact(r->body, r->body_bytes, &b) < 0)
		return 0;
	for (uint32_t i = 0; i < b.from.count; i++) {
		if (!is_among(job, b.from.at[i]))
			continue;
		if (job->count == KEEPER_SEQS_MAX)
			return -E2BIG;
		job->seqs[job->count++] = r->seq;
		break;
	}
	return 0;
}

static int scan(struct journal_reader *r, struct keeper_job *job) {
	job->last = job->after > job->upto ? job->after : job->upto;
	return journal_each(r, job->last + 1, 0, scan_record, job);
}

#define WORTH_IT 256u /* records: a compaction is a record itself, and stays */

/* How far records may go: up to the one before what is young enough, or all of them where there are too many. */
static int find_upto(struct journal_reader *r, struct keeper_job *job) {
	const struct keeper_policy *k = &job->keep;
	uint64_t used = 0, goes = 0;
	int rc = k->bytes ? journal_used(r, &used) : 0;
	bool full = used > k->bytes;
	if (rc == 0 && full)
		rc = journal_used_by(r, job->kinds, &goes);
	job->stays = used > goes && full ? used - goes : 0;
	job->upto = full ? UINT64_MAX : 0;
	if (rc == 0 && !full && k->since.ns > 0)
		rc = journal_seq_at(r, k->since, &job->upto);
	return rc;
}

static int plan_to_keep(struct journal_reader *r, struct keeper_job *job) {
	uint64_t snapshot = 0;
	int rc = find_upto(r, job);
	if (rc == 0)
		rc = journal_snapshot_at(r, job->upto, &snapshot);
	if (rc < 0 || snapshot <= job->keep.after)
		return rc < 0 ? rc : -ENOENT;
	rc = journal_plan_compaction(r, snapshot, job->kinds, &job->plan);
	return rc == 0 && job->plan.going < WORTH_IT ? -ENOENT : rc;
}

static int do_work(struct journal_reader *r, struct keeper_job *job) {
	switch (job->work) {
	case KEEPER_FOLD: return fold(r, job);
	case KEEPER_PLAN: return journal_plan_compaction(r, job->upto, job->kinds, &job->plan);
	case KEEPER_KEEP: return plan_to_keep(r, job);
	case KEEPER_SCAN: return scan(r, job);
	case KEEPER_NOTHING: break;
	}
	return -EINVAL;
}

static void work(struct keeper *k) {
	struct journal_reader *r = NULL;
	struct keeper_job *job = &k->job;
	job->rc = journal_read_open(k->path, &r, NULL);
	if (job->rc == 0 && !lend(k, r))
		job->rc = -ECANCELED;
	if (job->rc == 0)
		job->rc = do_work(r, job);
	(void)lend(k, NULL);
	journal_read_close(&r);
	if (job->rc < 0) {
		free(job->state);
		job->state = NULL;
	}
}

static void *keep(void *arg) {
	struct keeper *k = arg;
	while (listen_to(k->begun) && k->job.work != KEEPER_NOTHING) {
		work(k);
		ring(k->ended);
	}
	return NULL;
}

int keeper_open(struct keeper **out, const char *path) {
	struct keeper *k = calloc(1, sizeof(*k));
	*out = NULL;
	if (!k)
		return -ENOMEM;
	pthread_mutex_init(&k->lock, NULL);
	snprintf(k->path, sizeof(k->path), "%s", path);
	k->begun = eventfd(0, EFD_CLOEXEC);
	k->ended = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	int rc = k->begun < 0 || k->ended < 0 ? -errno : thread_start(&k->thread, keep, k);
	k->running = rc == 0;
	*out = k;
	if (rc < 0)
		keeper_close(out);
	return rc;
}

/* What it reads is not wanted any more. */
static void end_early(struct keeper *k, bool *why) {
	pthread_mutex_lock(&k->lock);
	*why = true;
	if (k->reader)
		journal_read_cancel(k->reader);
	pthread_mutex_unlock(&k->lock);
}

void keeper_close(struct keeper **at) {
	struct keeper *k = *at;
	struct keeper_job job;
	*at = NULL;
	if (!k)
		return;
	end_early(k, &k->quit);
	struct pollfd p = { .fd = k->ended, .events = POLLIN };
	while (k->busy)
		if (keeper_take(k, &job) == 0)
			free(job.state);
		else
			(void)!poll(&p, 1, -1);
	if (k->running) {
		k->job.work = KEEPER_NOTHING;
		ring(k->begun);
		CHECK(pthread_join(k->thread, NULL) == 0);
	}
	pthread_mutex_destroy(&k->lock);
	io_close(&k->begun);
	io_close(&k->ended);
	free(k);
}

int keeper_fd(const struct keeper *k) {
	return k->ended;
}

bool keeper_is_busy(const struct keeper *k) {
	return k->busy;
}

void keeper_cancel(struct keeper *k) {
	if (k->busy)
		end_early(k, &k->cancelled);
}

int keeper_begin(struct keeper *k, const struct keeper_job *job) {
	if (k->busy)
		return -EBUSY;
	k->job = *job;
	k->job.state = NULL;
	k->cancelled = false; /* its thread waits to begin */
	k->busy = true;
	ring(k->begun);
	return 0;
}

int keeper_take(struct keeper *k, struct keeper_job *out) {
	if (!k->busy || !listen_to(k->ended))
		return -EAGAIN;
	*out = k->job;
	out->plan.body.kinds = body_text(out->plan.kinds);
	k->busy = false;
	return 0;
}
