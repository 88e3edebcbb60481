/*
 * journal.c - the control side of journal.h: opening, submitting, taking.  The other side is writer.c.
 */
#include "journal/journal_priv.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include "base/clock.h"
#include "base/io.h"
#include "base/thread.h"
#include "journal/lock_priv.h"
#include "journal/message_priv.h"

#define QUEUE_LEAST (64u << 10)
#define LET_GO_AT_ONCE 512u
#define SNAPSHOT_BODY 160u /* bytes that the body of a snapshot may take */

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
	int rc = thread_start(&j->thread, writer_main, j);
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
	if ((rc = db_compaction_find(&j->db, &j->compaction)) < 0) {
		message_add(diag, MESSAGE_DAMAGED, "%s: the table of compactions cannot be read", name);
		return rc;
	}
	j->chain = (struct chain){ j->tail.seq, j->tail.hash };
	j->epoch = j->tail.epoch;
	j->hlc = j->tail.hlc;
	if ((rc = queue_init(&j->queue, queue_bytes)) < 0)
		return rc;
	j->event_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	j->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (j->event_fd < 0 || j->wake_fd < 0)
		return -errno;
	bool erased = false;
	if ((rc = db_wipe_due(&j->db, &erased)) < 0) {
		message_add(diag, MESSAGE_DAMAGED, "%s: the table of what is due cannot be read", name);
		return rc;
	}
	if (j->db.wal_found || erased) /* nobody knows what is in it; or an owner before was not done with it */
		writer_wipe_due(j, erased);
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
	j->let_go = o.let_go ? o.let_go : LET_GO_AT_ONCE;
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
	while (j->stepped && writer_commit(j))
		;
	if (j->running) {
		journal_signal(j->wake_fd);
		CHECK(pthread_join(j->thread, NULL) == 0);
	}
	db_close(&j->db);
	queue_fini(&j->queue);
	io_close(&j->event_fd);
	io_close(&j->wake_fd);
	if (j->lock >= 0)
		j->env->unlock(j->env, j->lock); /* last: now another may open the file */
	free(j->image);
	free(j);
}

bool journal_step(struct journal *j) {
	CHECK(j->stepped);
	return writer_step(j);
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
		    e->body_bytes <= JOURNAL_BODY_MAX && (!e->request || strlen(e->request) < JOURNAL_REQUEST_MAX);
	return fits ? 0 : -E2BIG;
}

static bool has_request(const struct journal_entry *e) {
	return e->request && e->request[0];
}

/* The table of requests follows from the bodies: state verify compares them. */
static bool body_says_so(const struct journal_entry *e) {
	struct body_text in;
	return !has_request(e) || (body_request(e->kind, e->body, e->body_bytes, &in) == 0 && in.bytes > 0 &&
				   in.bytes == strlen(e->request) && memcmp(in.at, e->request, in.bytes) == 0);
}

static int check_entries(const struct journal_entry *entries, unsigned n) {
	if (n == 0 || n > JOURNAL_BATCH_MAX)
		return n ? -E2BIG : -EINVAL;
	unsigned requests = 0;
	for (unsigned i = 0; i < n; i++) {
		int rc = check_entry(&entries[i]);
		if (rc < 0)
			return rc;
		if (!body_says_so(&entries[i]))
			return -EINVAL;
		requests += has_request(&entries[i]);
	}
	return requests > 1 ? -EINVAL : 0;
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

/* What is to be done with them. */
struct order {
	enum batch_work work;
	enum journal_class class;
	uint64_t erase;
};

static void keep_request(struct batch *b, const struct journal_entry *entries, unsigned n) {
	for (unsigned i = 0; i < n; i++)
		if (has_request(&entries[i])) {
			b->request_of = i;
			snprintf(b->request, sizeof(b->request), "%s", entries[i].request);
		}
}

static int enqueue(struct journal *j, const struct journal_entry *entries, unsigned n, struct order order,
		uint64_t *ticket) {
	size_t need = queue_need(&j->queue, entries, n);
	if (need == 0)
		return -E2BIG;
	struct batch *b = queue_reserve(&j->queue, need);
	if (!b) {
		journal_count(&j->stats.queue_full, 1);
		return -EAGAIN;
	}
	struct cdm_wall now = j->env->wall(j->env);
	uint8_t *body = (uint8_t *)&b->records[n];
	b->ticket = ++j->ticket;
	b->work = order.work;
	b->erase = order.erase;
	b->submitted = j->env->mono(j->env);
	b->count = n;
	for (unsigned i = 0; i < n; i++) {
		fill(j, &b->records[i], &entries[i], order.class, now);
		b->records[i].body = memcpy(body, entries[i].body, entries[i].body_bytes);
		body += entries[i].body_bytes;
	}
	keep_request(b, entries, n);
	if (ticket)
		*ticket = b->ticket;
	if (queue_push(&j->queue, b, order.class == JOURNAL_D2))
		journal_signal(j->wake_fd);
	return 0;
}

int journal_submit(struct journal *j, const struct journal_entry *entries, unsigned n,
		enum journal_class class, uint64_t *ticket) {
	int rc = check_entries(entries, n);
	if (rc < 0)
		return rc;
	if (class != JOURNAL_D0)
		return enqueue(j, entries, n, (struct order){ BATCH_RECORDS, class, 0 }, ticket);
	journal_count(&j->stats.volatile_entries, n);
	if (ticket)
		*ticket = 0;
	return 0;
}

/* Of a record that vouches for a snapshot: its body is written when that is known. */
static struct journal_entry snapshot_entry(const char *entity) {
	static const uint8_t room[SNAPSHOT_BODY];
	return (struct journal_entry){ JOURNAL_SNAPSHOT, JOURNAL_MACHINE, entity, "", room, sizeof(room), NULL };
}

int journal_erase(struct journal *j, uint64_t seq, const struct journal_entry *note,
		uint64_t *ticket) {
	int rc = check_entries(note, 1);
	if (rc < 0)
		return rc;
	if (note->kind != JOURNAL_ERASE || seq == 0 || seq > INT64_MAX)
		return -EINVAL;
	const struct journal_entry both[] = { *note, snapshot_entry(note->entity) };
	rc = enqueue(j, both, 2, (struct order){ BATCH_ERASURE, JOURNAL_D2, seq }, ticket);
	j->erasing += rc == 0;
	return rc;
}

int journal_snapshot(struct journal *j, const struct journal_state *state, const char *entity, uint64_t *ticket) {
	const struct journal_entry e = snapshot_entry(entity);
	if (j->imaging || j->erasing)
		return -EAGAIN;
	if (!j->image && !(j->image = calloc(1, sizeof(*j->image))))
		return -ENOMEM;
	state_copy(j->image, state);
	int rc = check_entries(&e, 1);
	if (rc == 0)
		rc = enqueue(j, &e, 1, (struct order){ BATCH_SNAPSHOT, JOURNAL_D1, 0 }, ticket);
	j->imaging = rc == 0;
	return rc;
}

int journal_compact(struct journal *j, const struct journal_entry *note, uint64_t *ticket) {
	struct body_compact b;
	int rc = check_entries(note, 1);
	if (rc < 0)
		return rc;
	if (note->kind != JOURNAL_COMPACT || body_parse_compact(note->body, note->body_bytes, &b) < 0 || b.upto == 0 ||
			b.upto > INT64_MAX)
		return -EINVAL;
	if (j->compacting)
		return -EAGAIN;
	rc = enqueue(j, note, 1, (struct order){ BATCH_COMPACTION, JOURNAL_D2, 0 }, ticket);
	j->compacting = rc == 0;
	return rc;
}

int journal_take(struct journal *j, struct journal_result *out) {
	if (j->taken)
		queue_free(&j->queue, j->taken);
	j->taken = queue_settled(&j->queue);
	if (!j->taken) {
		journal_drain(j->event_fd); /* before the second look: what settles after it signals
					  again */
		j->taken = queue_settled(&j->queue);
	}
	if (!j->taken)
		return -EAGAIN;
	const struct batch *b = j->taken;
	j->imaging = j->imaging && b->work != BATCH_SNAPSHOT;
	j->compacting = j->compacting && b->work != BATCH_COMPACTION;
	j->erasing -= b->work == BATCH_ERASURE;
	*out = (struct journal_result){ .ticket = b->ticket,
		.rc = b->rc,
		.wiped = b->wiped,
		.existing = b->rc == -EEXIST ? b->existing : 0,
		.count = b->count,
		.records = b->records };
	return 0;
}

int journal_in_place(const struct journal *j) {
	return db_in_place(&j->db);
}

int journal_wiped(const struct journal *j) {
	return __atomic_load_n(&j->wiped, __ATOMIC_ACQUIRE);
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
