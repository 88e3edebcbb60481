/*
 * local.c - a machine inside one program, for its tests: see cadmus/client.h.
 *
 * What cadmusd's parent does for processes is done here for threads: memory, lives, and who maps whom.  Whoever joins
 * or leaves is everybody's control thread meanwhile, under one lock.  Whoever gives back what he borrowed is that of
 * his own machine alone, for a moment: so each machine's peers have a lock, which is taken inside the other.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "base/clock.h"
#include "base/io.h"
#include "client/client_priv.h"

struct cdm_local {
	pthread_mutex_t lock;
	struct plan *plan;
	int directory_fd;
	struct directory directory;
	struct segment_files files[PLAN_PROCESSES_MAX]; /* of the newest life of each */
	struct cdm_machine *at[PLAN_PROCESSES_MAX];     /* NULL: nobody is it now */
	unsigned users; /* those, and one until it is closed */
};

static int take_plan(struct cdm_local *l, const void *plan, size_t bytes, struct cdm_diag *diag) {
	if (bytes < sizeof(struct plan) || bytes > PLAN_BYTES_MAX) {
		cdm_diag_add(diag, CDM_ERROR, "S0113", "%s",
				"this is no compiled plan: `cadmus plan --output FILE` makes one");
		return -EPROTO;
	}
	l->plan = malloc(bytes);
	if (!l->plan)
		return -ENOMEM;
	memcpy(l->plan, plan, bytes);
	return plan_verify(l->plan, bytes, diag);
}

/* Under the lock, which is gone afterwards. */
static void let_go(struct cdm_local *l) {
	bool last = --l->users == 0;
	pthread_mutex_unlock(&l->lock);
	if (!last)
		return;
	for (uint16_t p = 0; p < PLAN_PROCESSES_MAX; p++)
		segment_close_files(&l->files[p]);
	directory_unmap(&l->directory);
	io_close(&l->directory_fd);
	free(l->plan);
	pthread_mutex_destroy(&l->lock);
	free(l);
}

void cdm_local_close(struct cdm_local *l) {
	if (!l)
		return;
	pthread_mutex_lock(&l->lock);
	let_go(l);
}

int cdm_local_open(const void *plan, size_t bytes, struct cdm_local **out, struct cdm_diag *diag) {
	*out = NULL;
	struct cdm_local *l = calloc(1, sizeof(*l));
	if (!l)
		return -ENOMEM;
	pthread_mutex_init(&l->lock, NULL);
	l->directory_fd = -1;
	l->users = 1;
	for (uint16_t p = 0; p < PLAN_PROCESSES_MAX; p++)
		l->files[p] = segment_no_files();
	int rc = take_plan(l, plan, bytes, diag);
	if (rc == 0 && (rc = l->directory_fd = directory_create()) >= 0)
		rc = directory_map_writer(&l->directory, l->plan, l->directory_fd);
	if (rc == 0)
		rc = io_memory_keep(l->directory.shared, sizeof(*l->directory.shared));
	if (rc < 0)
		cdm_local_close(l);
	else
		*out = l;
	return rc;
}

/* By the name of a process or of whom it runs; NULL: a client's place that is free. */
static int find(const struct cdm_local *l, const char *who) {
	const struct plan_process *q = plan_processes(l->plan);
	uint16_t entity = who ? plan_find_entity(l->plan, who) : PLAN_NONE;
	uint16_t p = who ? plan_find_process(l->plan, who) : PLAN_NONE;
	for (uint16_t i = 0; p == PLAN_NONE && i < l->plan->processes.count; i++)
		if (who ? entity != PLAN_NONE && q[i].entity == entity : q[i].role == PLAN_CLIENT && !l->at[i])
			p = i;
	return p != PLAN_NONE ? l->at[p] ? -EBUSY : p : who ? -ENOENT : -EBUSY;
}

static int seat_one(struct cdm_local *l, struct cdm_machine *m, uint16_t p) {
	struct seat *s = &m->seat;
	struct segment_files fresh;
	s->plan = malloc(l->plan->bytes);
	if (!s->plan)
		return -ENOMEM;
	memcpy(s->plan, l->plan, l->plan->bytes);
	int rc = segment_create(l->plan, p, &fresh);
	if (rc < 0)
		return rc;
	segment_close_files(&l->files[p]);
	l->files[p] = fresh;
	s->process = p;
	s->epoch = directory_starting(&l->directory, p, getpid(), clock_mono());
	peers_init(&s->peers, s->plan, p);
	rc = seat_own(s, &l->files[p]);
	return rc < 0 ? rc : peers_directory(&s->peers, l->directory_fd);
}

/* What is borrowed in the life before keeps its memory, until local_tidy(). */
static int meet(struct cdm_machine *m, uint16_t other, uint32_t epoch, const struct segment_files *files) {
	pthread_mutex_lock(&m->lock);
	int rc = peers_replace(&m->seat.peers, other, epoch, files);
	m->kept = peers_tidy(&m->seat.peers);
	pthread_mutex_unlock(&m->lock);
	return rc;
}

/* Asked under the lock, so that either we see that something is kept, or meet() that nothing is borrowed any more.  A
   large copy borrows, too, while it is made: what it keeps waits for the next who gives back, or joins. */
void local_tidy(struct cdm_machine *m) {
	pthread_mutex_lock(&m->lock);
	if (m->kept > 0)
		m->kept = peers_tidy(&m->seat.peers);
	pthread_mutex_unlock(&m->lock);
}

/* Let the two know each other's memory; also of those that have left, since what they said last is read. */
static int introduce(struct cdm_local *l, struct cdm_machine *m, uint16_t other) {
	uint16_t p = m->seat.process;
	uint32_t epoch = directory_get(&l->directory, other).epoch;
	struct cdm_machine *o = l->at[other];
	int rc = 0;
	if (other != p && epoch > 0 && segment_is_frozen(l->plan, other, &l->files[other]))
		rc = meet(m, other, epoch, &l->files[other]);
	if (rc == 0 && other != p && o)
		rc = meet(o, p, m->seat.epoch, &l->files[p]);
	return rc;
}

static int join(struct cdm_local *l, struct cdm_machine *m, const char *who) {
	int p = find(l, who), rc = p < 0 ? p : seat_one(l, m, (uint16_t)p);
	for (uint16_t other = 0; rc == 0 && other < l->plan->processes.count; other++)
		rc = introduce(l, m, other);
	if (rc == 0)
		rc = client_begin(m);
	if (p >= 0 && m->seat.epoch > 0)
		directory_set(&l->directory, (uint16_t)p, rc == 0 ? DIRECTORY_LIVE : DIRECTORY_DEAD, clock_mono());
	if (rc == 0) {
		m->local = l;
		l->at[p] = m;
		l->users++;
	}
	return rc;
}

int cdm_local_attach(struct cdm_local *l, const char *who, struct cdm_machine **out) {
	*out = NULL;
	struct cdm_machine *m = client_new();
	if (!m)
		return -ENOMEM;
	m->is_local = true;
	pthread_mutex_lock(&l->lock);
	int rc = join(l, m, who);
	pthread_mutex_unlock(&l->lock);
	if (rc < 0)
		client_let_go(m);
	else
		*out = m;
	return rc;
}

void local_leave(struct cdm_machine *m, bool in_order) {
	struct cdm_local *l = m->local;
	bool client = seat_process(&m->seat)->role == PLAN_CLIENT;
	pthread_mutex_lock(&l->lock);
	l->at[m->seat.process] = NULL;
	directory_set(&l->directory, m->seat.process, client ? DIRECTORY_FREE : in_order ? DIRECTORY_STOPPED :
			DIRECTORY_DEAD, clock_mono());
	let_go(l);
}

void cdm_local_die(struct cdm_machine *m) {
	if (!m)
		return;
	CHECK(m->local);
	local_leave(m, false);
	m->local = NULL;
	client_let_go(m);
}
