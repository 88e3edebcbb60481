/* journal_read.c - see journal_read.h. */
#include "journal/journal_read.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "base/clock.h"
#include "env/env.h"
#include "journal/journal_read_priv.h"

static int stop_if_cancelled(void *reader) {
	return __atomic_load_n(&((struct journal_reader *)reader)->cancelled, __ATOMIC_RELAXED);
}

#define CANCEL_STEPS 1000 /* of SQLite's machine, some microseconds, between two looks */

void journal_read_cancel(struct journal_reader *r) {
	__atomic_store_n(&r->cancelled, 1, __ATOMIC_RELAXED);
}

int journal_read_open_in(const struct env *e, const char *path, struct journal_reader **out,
		struct cdm_diag *diag) {
	struct journal_reader *r = calloc(1, sizeof(*r));
	*out = NULL;
	if (!r)
		return -ENOMEM;
	int rc = db_open_reader(&r->db, e, path, diag);
	if (rc < 0)
		journal_read_close(&r);
	else
		sqlite3_progress_handler(r->db.sql, CANCEL_STEPS, stop_if_cancelled, r);
	*out = r;
	return rc < 0 ? rc : 0;
}

int journal_read_open(const char *path, struct journal_reader **out, struct cdm_diag *diag) {
	return journal_read_open_in(env_real(), path, out, diag);
}

void journal_read_close(struct journal_reader **r) {
	if (!*r)
		return;
	sqlite3_finalize((*r)->one);
	sqlite3_finalize((*r)->each);
	db_close(&(*r)->db);
	if ((*r)->shm)
		close((*r)->shm - 1); /* after SQLite: closing any descriptor of a file lets our locks on it go */
	free(*r);
	*r = NULL;
}

int journal_each(struct journal_reader *r, uint64_t from_seq, uint64_t limit, journal_visit *visit,
		void *user) {
	struct journal_record record;
	sqlite3_stmt *s = r->each;
	r->each = NULL; /* a visit may call us: then it gets one of its own */
	int rc = s ? 0 : db_select(&r->db, from_seq, false, &s);
	if (rc == 0)
		sqlite3_bind_int64(s, 1, from_seq <= INT64_MAX ? (int64_t)from_seq : INT64_MAX);
	for (uint64_t n = 0; rc == 0 && (limit == 0 || n < limit); n++) {
		rc = db_step(&r->db, s, &record);
		if (rc <= 0)
			break;
		rc = visit(user, &record);
	}
	sqlite3_reset(s);
	if (r->each)
		sqlite3_finalize(s);
	else
		r->each = s;
	return rc;
}

int journal_hold(struct journal_reader *r) {
	return db_run(&r->db, "BEGIN");
}

void journal_let_go(struct journal_reader *r) {
	db_rollback(&r->db);
}

/* The byte of the -shm that a writer locks for the time of its transaction: sqlite.org/walformat.html. */
#define WAL_WRITE_LOCK 120

static int open_index(struct journal_reader *r) {
	const char *path = sqlite3_db_filename(r->db.sql, "main");
	char name[PATH_MAX];
	if (!path || snprintf(name, sizeof(name), "%s-shm", path) >= PATH_MAX)
		return -1;
	return open(name, O_RDONLY | O_CLOEXEC);
}

bool journal_read_busy(struct journal_reader *r) {
	struct flock l = { .l_type = F_RDLCK, .l_whence = SEEK_SET, .l_start = WAL_WRITE_LOCK, .l_len = 1 };
	if (!r->shm)
		r->shm = open_index(r) + 1;
	return r->shm && fcntl(r->shm - 1, F_OFD_GETLK, &l) == 0 && l.l_type != F_UNLCK;
}

int journal_one(struct journal_reader *r, uint64_t seq, journal_visit *visit, void *user) {
	struct journal_record record;
	int rc = r->one ? 0 : db_select(&r->db, seq, false, &r->one);
	if (rc < 0)
		return rc;
	sqlite3_bind_int64(r->one, 1, seq <= INT64_MAX ? (int64_t)seq : INT64_MAX);
	rc = db_step(&r->db, r->one, &record);
	if (rc >= 0)
		rc = rc == 1 && record.seq == seq ? visit(user, &record) : -ENOENT;
	sqlite3_reset(r->one);
	return rc;
}

int journal_row(struct db *db, uint64_t from, bool last, struct journal_record *out) {
	sqlite3_stmt *s = NULL;
	*out = (struct journal_record){ 0 };
	int rc = db_select(db, from, last, &s);
	if (rc == 0)
		rc = db_step(db, s, out);
	sqlite3_finalize(s);
	out->body = NULL;
	return rc;
}

int journal_last(struct journal_reader *r, uint64_t *seq) {
	struct journal_record tail;
	int rc = journal_row(&r->db, 0, true, &tail);
	*seq = rc == 1 ? tail.seq : 0;
	return rc < 0 ? rc : 0;
}

/* Hybrid clocks grow with seq: halve. */
int journal_seq_at(struct journal_reader *r, struct cdm_wall when, uint64_t *seq) {
	uint64_t low = 0, high; /* low: 0 or a record not later; high + 1: later, or none */
	int rc = journal_last(r, &high);
	while (rc == 0 && low < high) {
		struct journal_record record;
		uint64_t middle = low + (high - low + 1) / 2;
		rc = journal_row(&r->db, middle, false, &record);
		if (rc < 0)
			break;
		bool later = rc == 0 || record_hlc_wall(record.hlc).ns > when.ns;
		rc = 0;
		if (later)
			high = middle - 1;
		else
			low = record.seq; /* the first that is there from the middle on */
	}
	*seq = low;
	return rc;
}

/* No record is of a later millisecond than its hybrid clock: those up to where that leads are not too late. */
int journal_seq_dated(struct journal_reader *r, struct cdm_wall when, uint64_t *seq) {
	static const char sql[] = "SELECT seq FROM record WHERE seq > ? AND wall_ns <= ? ORDER BY seq DESC LIMIT 1";
	sqlite3_stmt *s = NULL;
	int rc = journal_seq_at(r, when, seq);
	if (rc < 0)
		return rc;
	if (sqlite3_prepare_v2(r->db.sql, sql, -1, &s, NULL) != SQLITE_OK)
		return db_error(&r->db);
	sqlite3_bind_int64(s, 1, (int64_t)*seq);
	sqlite3_bind_int64(s, 2, when.ns - when.ns % NS_PER_MS + NS_PER_MS - 1);
	int step = sqlite3_step(s);
	if (step == SQLITE_ROW)
		*seq = (uint64_t)sqlite3_column_int64(s, 0);
	rc = step == SQLITE_ROW || step == SQLITE_DONE ? 0 : db_error(&r->db);
	sqlite3_finalize(s);
	return rc;
}

int journal_request(struct journal_reader *r, const char *principal, const char *id, uint64_t *seq) {
	*seq = 0;
	int rc = db_request_find(&r->db, principal, id, seq);
	return rc < 0 ? rc : rc == 1 ? 0 : -ENOENT;
}

/* ---- walking the chain ---- */

int journal_walk_step(void *user, const struct journal_record *r) {
	struct journal_walk *w = user;
	if (record_check(r, w->seq, &w->hash) < 0 || r->hlc <= w->hlc)
		return -EBADMSG;
	if (w->state)
		state_apply(w->state, r); /* a body that its kind does not allow is counted there */
	w->seq = r->seq;
	w->hlc = r->hlc;
	w->hash = r->hash;
	return 0;
}

void journal_walk_failed(struct journal_reader *r, const struct journal_walk *w, int rc, struct cdm_diag *diag) {
	if (rc == -EBADMSG)
		message_add(diag, MESSAGE_CHAIN, "record %llu is not the one that was written",
				(unsigned long long)w->seq + 1);
	else
		message_add(diag, MESSAGE_DAMAGED, "the journal cannot be read after record %llu (%s)",
				(unsigned long long)w->seq, sqlite3_errmsg(r->db.sql));
}

/* ---- the state at a time ---- */

int journal_snapshot_vouched(struct journal_reader *r, const struct db_snapshot *s, struct hash *state) {
	struct journal_record record;
	struct body_snapshot body;
	struct hash image = hash_of(s->state, s->bytes);
	sqlite3_stmt *hold = NULL;
	int rc = db_select(&r->db, s->seq, false, &hold);
	if (rc >= 0)
		rc = db_step(&r->db, hold, &record);
	bool good = rc == 1 && record.seq == s->seq && record.kind == JOURNAL_SNAPSHOT && !record.erased &&
		    record_check(&record, record.seq - 1, &record.prev) == 0 &&
		    body_parse_snapshot(record.body, record.body_bytes, &body) == 0 && body.upto == s->upto &&
		    hash_equal(&body.image, &image) && hash_equal(&s->image, &image);
	if (good && state)
		*state = body.state;
	sqlite3_finalize(hold);
	return rc < 0 ? rc : good ? 0 : -EBADMSG;
}

/* What another fold made is not what the records give: only where they are gone there is nothing else. */
static int may_begin_at(struct journal_reader *r, const struct db_snapshot *s) {
	struct db_compaction c;
	if (state_fold(s->state, s->bytes) == STATE_FOLD)
		return 0;
	int rc = db_compaction_find(&r->db, &c);
	return rc < 0 ? rc : rc == 1 && c.upto == s->upto ? 0 : -EPROTO;
}

/* 0: it is folded into w; -EBADMSG, -EPROTO: it is rotten, or of another fold. */
static int begin_at(struct journal_reader *r, const struct db_snapshot *s, struct journal_walk *w) {
	int rc = journal_snapshot_vouched(r, s, NULL);
	if (rc == 0)
		rc = may_begin_at(r, s);
	if (rc == 0)
		rc = state_decode(w->state, s->state, s->bytes);
	if (rc < 0)
		return rc;
	w->seq = w->state->seq;
	w->hlc = w->state->hlc;
	w->hash = w->state->head;
	return 0;
}

/* From the newest snapshot up to `seq` that can be relied on; else an older one will do, or the records themselves. */
static int begin_at_snapshot(struct journal_reader *r, uint64_t seq, struct journal_walk *w) {
	for (uint64_t upto = seq;;) {
		struct db_snapshot s;
		sqlite3_stmt *hold;
		int found = db_snapshot_find(&r->db, upto, &hold, &s);
		int rc = found == 1 ? begin_at(r, &s, w) : 0;
		sqlite3_finalize(hold);
		if (found != 1)
			return found == -EBADMSG ? 0 : found;
		if (rc != -EBADMSG && rc != -EPROTO)
			return rc;
		if (s.upto == 0)
			return 0;
		upto = s.upto - 1;
	}
}

/*
 * Of a walk that came to its end: is that because the next record was let go?  Then the state asked for lies before the
 * snapshot that stands for it, or that cannot be read.
 */
static int let_go(struct journal_reader *r, const struct journal_walk *w, uint64_t seq, struct cdm_diag *diag) {
	struct db_compaction c;
	struct journal_record next;
	if (journal_row(&r->db, w->seq + 1, false, &next) != 1 || next.seq == w->seq + 1)
		return 0;
	if (db_compaction_find(&r->db, &c) != 1 || w->seq >= c.upto)
		return 0;
	if (seq < c.upto) {
		message_add(diag, MESSAGE_LET_GO, "what was before record %llu was let go; the earliest state is that "
			    "after it", (unsigned long long)c.upto);
		return -ESTALE;
	}
	message_add(diag, MESSAGE_LOST, "the snapshot up to record %llu, which stands for what was let go, is damaged",
			(unsigned long long)c.upto);
	return -EBADMSG;
}

static int fold_up_to(struct journal_reader *r, uint64_t seq, struct journal_walk *w, struct cdm_diag *diag) {
	int rc = begin_at_snapshot(r, seq, w);
	if (rc < 0)
		return rc;
	uint64_t from = w->seq + 1, limit = seq == UINT64_MAX ? 0 : seq - w->seq;
	if (seq != UINT64_MAX && limit == 0)
		return 0;
	rc = journal_each(r, from, limit, journal_walk_step, w);
	int gone = rc == -EBADMSG ? let_go(r, w, seq, diag) : 0;
	if (gone < 0)
		return gone;
	if (rc < 0)
		journal_walk_failed(r, w, rc, diag);
	return rc;
}

int journal_state_at(struct journal_reader *r, uint64_t seq, struct journal_state *state,
		struct cdm_diag *diag) {
	struct journal_walk w = { .state = state };
	state_init(state);
	if (seq == 0)
		return 0;
	int rc = db_run(&r->db, "BEGIN"); /* one moment, for snapshot and records */
	if (rc == 0)
		rc = fold_up_to(r, seq, &w, diag);
	(void)!db_run(&r->db, "ROLLBACK");
	return rc;
}

int journal_snapshot_at(struct journal_reader *r, uint64_t seq, uint64_t *upto) {
	struct db_snapshot s;
	sqlite3_stmt *hold;
	int rc = db_snapshot_find(&r->db, seq, &hold, &s);
	*upto = rc == 1 ? s.upto : 0;
	sqlite3_finalize(hold);
	return rc < 0 ? rc : 0;
}

/* ---- copies ---- */

/* Make it anew, with what the journal holds now, and give it its name. */
static int write_copy(struct journal_reader *r, const char *part, const char *path) {
	const struct env *e = r->db.env;
	sqlite3_stmt *s = NULL;
	int rc = sqlite3_prepare_v2(r->db.sql, "VACUUM INTO ?", -1, &s, NULL) == SQLITE_OK ? 0 : db_error(&r->db);
	if (rc == 0) {
		sqlite3_bind_text(s, 1, part, -1, SQLITE_STATIC);
		rc = db_finish(&r->db, s);
	}
	sqlite3_finalize(s);
	if (rc == 0)
		rc = e->may(e, path, ENV_EXISTS) == 0 ? -EEXIST : e->move(e, part, path); /* which makes it durable */
	return rc;
}

int journal_backup(struct journal_reader *r, const char *path, struct cdm_diag *diag) {
	const struct env *e = r->db.env;
	char part[PATH_MAX];
	if (snprintf(part, sizeof(part), "%s.part", path) >= PATH_MAX)
		return -E2BIG;
	if (e->may(e, path, ENV_EXISTS) == 0)
		return -EEXIST;
	(void)e->remove(e, part); /* of one that was killed */
	int rc = e->make(e, part);
	if (rc < 0) {
		message_add(diag, MESSAGE_OPEN, "%s: cannot be made (%s)", part, err_text(message_error(-rc)));
		return message_error(-rc);
	}
	rc = write_copy(r, part, path);
	if (rc < 0) {
		message_add(diag, MESSAGE_OPEN, "%s: cannot be written (%s)", path, sqlite3_errmsg(r->db.sql));
		(void)e->remove(e, part);
	}
	return rc;
}

/* ---- what may go ---- */

static int add_kind(char *out, size_t capacity, const char *name) {
	size_t n = strlen(out);
	int more = snprintf(out + n, capacity - n, "%s%s", n ? " " : "", name);
	return more < 0 || (size_t)more >= capacity - n ? -E2BIG : 0;
}

static int name_kinds(uint64_t kinds, char *out, size_t capacity) {
	int rc = 0;
	out[0] = 0;
	for (unsigned k = 0; rc == 0 && k < JOURNAL_KIND_COUNT; k++)
		if (kinds >> k & 1)
			rc = add_kind(out, capacity, record_kind_name(k));
	return rc;
}

int journal_kinds_gone(struct journal_reader *r, uint64_t *kinds) {
	int rc = 0;
	*kinds = 0;
	for (unsigned k = 0; rc == 0 && k < JOURNAL_KIND_COUNT && db_keeps(&r->db); k++) {
		char sql[128];
		int64_t n = 0;
		snprintf(sql, sizeof(sql), "SELECT count(*) FROM compaction"
			 " WHERE instr(' ' || kinds || ' ', ' %s ') > 0", record_kind_name(k));
		rc = db_query(&r->db, sql, &n);
		*kinds |= (uint64_t)(n > 0) << k;
	}
	return rc;
}

#define ROW_BYTES 160 /* of a record beside its body: three hashes, four numbers, a few words */

int journal_used(struct journal_reader *r, uint64_t *used) {
	int64_t pages = 0, free = 0, size = 0;
	int rc = db_query(&r->db, "PRAGMA page_count", &pages);
	if (rc == 0)
		rc = db_query(&r->db, "PRAGMA freelist_count", &free);
	if (rc == 0)
		rc = db_query(&r->db, "PRAGMA page_size", &size);
	*used = rc == 0 ? (uint64_t)((pages - free) * size) : 0;
	return rc;
}

int journal_used_by(struct journal_reader *r, uint64_t kinds, uint64_t *used) {
	char names[512], sql[1024];
	int64_t bytes = 0;
	int rc = name_kinds(kinds, names, sizeof(names));
	snprintf(sql, sizeof(sql), "SELECT CAST(total(length(body) + %d) AS INTEGER) FROM record"
		 " WHERE instr(' %s ', ' ' || kind || ' ') > 0", ROW_BYTES, names);
	if (rc == 0)
		rc = db_query(&r->db, sql, &bytes);
	*used = rc == 0 && bytes > 0 ? (uint64_t)bytes : 0;
	return rc;
}

/* Those that stay, of the records up to there: how many, and a hash over theirs. */
static int digest(struct journal_reader *r, uint64_t upto, const char *kinds, struct body_compact *b, uint64_t *going) {
	static const char sql[] = "SELECT hash, instr(' ' || ?2 || ' ', ' ' || kind || ' ') > 0 FROM record"
				  " WHERE seq <= ?1 ORDER BY seq";
	crypto_generichash_state h;
	sqlite3_stmt *s = NULL;
	if (sqlite3_prepare_v2(r->db.sql, sql, -1, &s, NULL) != SQLITE_OK)
		return db_error(&r->db);
	sqlite3_bind_int64(s, 1, (int64_t)upto);
	sqlite3_bind_text(s, 2, kinds, -1, SQLITE_STATIC);
	crypto_generichash_init(&h, NULL, 0, HASH_BYTES);
	int step, rc = 0;
	b->kept = *going = 0;
	while (rc == 0 && (step = sqlite3_step(s)) == SQLITE_ROW) {
		struct hash hash;
		if (sqlite3_column_int(s, 1)) {
			++*going;
			continue;
		}
		if (!db_take_hash(s, 0, &hash))
			rc = -EBADMSG;
		crypto_generichash_update(&h, hash.bytes, HASH_BYTES);
		b->kept++;
	}
	if (rc == 0 && step != SQLITE_DONE)
		rc = db_error(&r->db);
	sqlite3_finalize(s);
	crypto_generichash_final(&h, b->digest.bytes, HASH_BYTES);
	b->removed = upto - b->kept;
	return rc;
}

int journal_plan_compaction(struct journal_reader *r, uint64_t upto, uint64_t kinds, struct journal_compaction *out) {
	struct db_snapshot s;
	sqlite3_stmt *hold = NULL;
	struct db_compaction c;
	out->going = 0;
	if (name_kinds(kinds, out->kinds, sizeof(out->kinds)) < 0)
		return -E2BIG;
	if (kinds >> JOURNAL_EPOCH & 1 || kinds >> JOURNAL_ERASE & 1 || kinds >> JOURNAL_SNAPSHOT & 1 ||
			kinds >> JOURNAL_COMPACT & 1 || kinds == 0)
		return -EINVAL;
	int rc = db_compaction_find(&r->db, &c);
	if (rc < 0 || c.done < c.upto)
		return rc < 0 ? rc : -EBUSY;
	rc = db_snapshot_find(&r->db, upto, &hold, &s);
	if (rc == 1)
		rc = s.upto > 0 && state_fold(s.state, s.bytes) == STATE_FOLD ? journal_snapshot_vouched(r, &s, NULL)
									      : -ENOENT;
	else if (rc == 0)
		rc = -ENOENT;
	out->body = (struct body_compact){ .upto = rc == 0 ? s.upto : 0, .kinds = body_text(out->kinds) };
	sqlite3_finalize(hold);
	if (rc == 0)
		rc = db_request_digest(&r->db, out->body.upto, &out->body.requests);
	return rc == 0 ? digest(r, out->body.upto, out->kinds, &out->body, &out->going) : rc;
}
