/*
 * verify.c - journal_verify(): is everything what was written?
 *
 * One walk over all records.  Each must be sound in itself and follow the one before; where records are missing, a
 * compaction must say so: they lie up to its `upto`, are as many as it says, and those that are left there give its
 * digest.  On the way the state is folded, from the beginning or, where that is gone, from the snapshot that stands for
 * it, and compared with what each record of a snapshot says; each snapshot in the file must have such a record.  The
 * table of requests must be what the records give, and for those that were let go what the compaction says.
 */
#include <errno.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "journal/journal_read_priv.h"

#define SNAPSHOTS_MAX 256 /* far more than are left after thinning */

struct made { /* a snapshot in the file */
	uint64_t upto, seq;
	bool vouched; /* its record has come by */
	bool folded;  /* and so has the last record in it: `state` is the fold's */
	struct hash state;
};

struct verify {
	struct journal_walk walk;
	struct journal_reader *reader;
	struct cdm_diag *diag;
	struct body_compact compact; /* of the newest compaction; upto 0: there was none */
	char kinds[512];
	bool unfolded;       /* nothing is folded yet, as the beginning is gone */
	bool told;           /* what is wrong, and it is no one record */
	uint64_t erased, missing, kept, going; /* going: let go and still there */
	int64_t requests; /* of which the table says what the records do */
	journal_progress *progress; /* or NULL */
	void *user;
	uint64_t last;
	crypto_generichash_state digest;
	unsigned count;
	struct made made[SNAPSHOTS_MAX];
};

static int tell(struct verify *v, enum message m, const char *what, uint64_t upto) {
	v->told = true;
	message_add(v->diag, m, "%s: up to record %llu", what, (unsigned long long)upto);
	return -EBADMSG;
}

/* ---- what there is ---- */

static int take_compact(void *user, const struct journal_record *r) {
	struct verify *v = user;
	struct body_compact b;
	if (r->kind != JOURNAL_COMPACT || r->erased || body_parse_compact(r->body, r->body_bytes, &b) < 0)
		return 0;
	if (b.upto < v->compact.upto || b.kinds.bytes >= sizeof(v->kinds))
		return 0;
	memcpy(v->kinds, b.kinds.at, b.kinds.bytes);
	v->kinds[b.kinds.bytes] = 0;
	v->compact = b;
	return 0;
}

/* Where a compaction is, its record is found; a table that says so without one is found out by the gaps. */
static int find_compact(struct verify *v) {
	struct db_compaction c;
	int rc = db_compaction_find(&v->reader->db, &c);
	if (rc != 1)
		return rc;
	rc = journal_each(v->reader, c.upto, 0, take_compact, v); /* it came after all that it speaks of */
	v->compact.kinds = body_text(v->kinds);
	return rc;
}

static int find_snapshots(struct verify *v) {
	for (uint64_t upto = INT64_MAX;;) {
		struct db_snapshot s;
		sqlite3_stmt *hold;
		int rc = db_snapshot_find(&v->reader->db, upto, &hold, &s);
		sqlite3_finalize(hold);
		if (rc <= 0 || v->count == SNAPSHOTS_MAX)
			return rc < 0 ? rc : 0;
		v->made[v->count++] = (struct made){ .upto = s.upto, .seq = s.seq };
		if (s.upto == 0)
			return 0;
		upto = s.upto - 1;
	}
}

/* ---- the walk ---- */

static bool is_named(const struct verify *v, const char *kind) {
	size_t n = strlen(kind);
	for (const char *at = v->kinds; (at = strstr(at, kind)) != NULL; at += n)
		if ((at == v->kinds || at[-1] == ' ') && (at[n] == 0 || at[n] == ' '))
			return true;
	return false;
}

/* Records before r are missing: may they be? */
static int pass_gap(struct verify *v, const struct journal_record *r) {
	if (r->seq <= v->walk.seq || r->seq - 1 > v->compact.upto)
		return -EBADMSG;
	v->missing += r->seq - 1 - v->walk.seq;
	v->walk.seq = r->seq - 1;
	v->walk.hash = r->prev;
	return 0;
}

static void look_at_snapshots(struct verify *v) {
	for (unsigned i = 0; i < v->count; i++)
		if (v->made[i].upto == v->walk.seq && !v->unfolded) {
			v->made[i].state = state_hash(v->walk.state);
			v->made[i].folded = true;
		}
}

/* Where the beginning is gone, the fold begins with the snapshot that stands for it. */
static int begin_fold(struct verify *v) {
	struct db_snapshot s;
	sqlite3_stmt *hold;
	int rc = db_snapshot_find(&v->reader->db, v->compact.upto, &hold, &s);
	if (rc == 1 && s.upto == v->compact.upto)
		rc = state_decode(v->walk.state, s.state, s.bytes);
	else
		rc = rc < 0 ? rc : -EBADMSG;
	sqlite3_finalize(hold);
	v->unfolded = false;
	if (rc < 0 && rc != -EBADMSG && rc != -EPROTO)
		return rc;
	if (rc == 0 && v->walk.state->seq == v->compact.upto)
		return 0;
	return tell(v, MESSAGE_LOST, "the snapshot that stands for what was let go is damaged", v->compact.upto);
}

/* A record of a snapshot that is still there says what that is. */
static int check_snapshot(struct verify *v, const struct journal_record *r) {
	for (unsigned i = 0; i < v->count; i++) {
		struct db_snapshot s;
		sqlite3_stmt *hold;
		struct hash state;
		if (v->made[i].seq != r->seq)
			continue;
		int rc = db_snapshot_find(&v->reader->db, v->made[i].upto, &hold, &s);
		rc = rc == 1 ? journal_snapshot_vouched(v->reader, &s, &state) : rc < 0 ? rc : -EBADMSG;
		bool comparable = v->made[i].folded && rc == 0 && state_fold(s.state, s.bytes) == STATE_FOLD;
		sqlite3_finalize(hold);
		bool same = rc == 0 && (!comparable || hash_equal(&state, &v->made[i].state));
		v->made[i].vouched = true;
		return same ? 0 : tell(v, MESSAGE_SNAPSHOT, "a snapshot is not what its record says", v->made[i].upto);
	}
	return 0;
}

/*
 * Who asked must find this record; or, from files of format 1, an earlier turn: there two turns may have one request,
 * and the first counts.
 */
static int check_request(struct verify *v, const struct journal_record *r) {
	struct body_text asked;
	char id[BODY_REQUEST_MAX + 1];
	uint64_t seq = 0;
	if (r->erased || body_request(r->kind, r->body, r->body_bytes, &asked) < 0 || asked.bytes == 0)
		return 0;
	snprintf(id, sizeof(id), "%.*s", (int)asked.bytes, asked.at);
	int rc = db_request_find(&v->reader->db, r->principal, id, &seq);
	if (rc < 0 && rc != -EBADMSG)
		return rc;
	v->requests += rc == 1 && seq == r->seq;
	if (rc == 1 && (seq == r->seq || (seq < r->seq && r->kind == JOURNAL_TURN)))
		return 0;
	v->told = true;
	message_add(v->diag, MESSAGE_REQUEST, "the table of requests does not have that of record %llu",
			(unsigned long long)r->seq);
	return -EBADMSG;
}

static void count(struct verify *v, const struct journal_record *r) {
	v->erased += r->erased;
	if (r->seq > v->compact.upto)
		return;
	if (is_named(v, r->kind_name)) {
		v->going++;
	} else {
		crypto_generichash_update(&v->digest, r->hash.bytes, HASH_BYTES);
		v->kept++;
	}
}

static int follow(struct verify *v, const struct journal_record *r) {
	struct journal_state *state = v->walk.state;
	int rc = r->seq == v->walk.seq + 1 ? 0 : pass_gap(v, r);
	if (rc < 0)
		return rc;
	v->walk.state = v->unfolded ? NULL : state;
	rc = journal_walk_step(&v->walk, r);
	v->walk.state = state;
	return rc;
}

static int step(void *user, const struct journal_record *r) {
	struct verify *v = user;
	int rc = v->unfolded && r->seq > v->compact.upto ? begin_fold(v) : 0;
	if (rc == 0)
		rc = follow(v, r);
	if (rc < 0)
		return rc;
	count(v, r);
	if (v->progress)
		v->progress(v->user, r->seq, v->last);
	look_at_snapshots(v);
	if (db_keeps(&v->reader->db) && (rc = check_request(v, r)) < 0)
		return rc;
	return r->kind == JOURNAL_SNAPSHOT ? check_snapshot(v, r) : 0;
}

/* ---- afterwards ---- */

static int check_compaction(struct verify *v) {
	struct hash digest;
	crypto_generichash_final(&v->digest, digest.bytes, HASH_BYTES);
	if (v->compact.upto == 0)
		return 0;
	bool good = v->kept == v->compact.kept && v->missing + v->going == v->compact.removed &&
		    hash_equal(&digest, &v->compact.digest);
	return good ? 0 : tell(v, MESSAGE_CHAIN, "other records are left than a compaction says", v->compact.upto);
}

static int check_vouched(struct verify *v) {
	for (unsigned i = 0; i < v->count; i++)
		if (!v->made[i].vouched)
			return tell(v, MESSAGE_SNAPSHOT, "no record vouches for a snapshot", v->made[i].upto);
	return 0;
}

/* What has no record that gives it was not noted by a journal. */
static int check_requests(struct verify *v) {
	int64_t answered, loose;
	struct hash digest;
	const struct hash *said = &v->compact.requests, unsaid = { { 0 } };
	if (!db_keeps(&v->reader->db))
		return 0;
	int rc = db_request_count(&v->reader->db, v->compact.upto, &answered, &loose);
	if (rc == 0)
		rc = db_request_digest(&v->reader->db, v->compact.upto, &digest);
	if (rc < 0) {
		v->told = true;
		message_add(v->diag, MESSAGE_DAMAGED, "the table of requests cannot be read (%s)",
				sqlite3_errmsg(v->reader->db.sql));
		return rc;
	}
	if (answered != v->requests || loose > 0)
		return tell(v, MESSAGE_REQUEST, "the table of requests has some that no record has", v->walk.seq);
	if (!hash_equal(said, &unsaid) && !hash_equal(said, &digest))
		return tell(v, MESSAGE_REQUEST, "the table of requests is not what a compaction says",
				v->compact.upto);
	return 0;
}

/* SQLite's own check of its pages: "ok", or what it found first. */
static int check_pages(struct journal_reader *r, struct cdm_diag *diag) {
	sqlite3_stmt *s = NULL;
	const char *said = NULL;
	if (sqlite3_prepare_v2(r->db.sql, "PRAGMA integrity_check(1)", -1, &s, NULL) == SQLITE_OK &&
			sqlite3_step(s) == SQLITE_ROW)
		said = (const char *)sqlite3_column_text(s, 0);
	bool good = said && strcmp(said, "ok") == 0;
	if (!good)
		message_add(diag, MESSAGE_DAMAGED, "the state file is damaged: %s",
				said ? said : sqlite3_errmsg(r->db.sql));
	sqlite3_finalize(s);
	return good ? 0 : -EBADMSG;
}

static int verify(struct verify *v) {
	int rc = find_compact(v);
	if (rc == 0)
		rc = find_snapshots(v);
	if (rc == 0)
		rc = journal_last(v->reader, &v->last);
	if (rc < 0)
		return rc;
	v->unfolded = v->compact.upto > 0;
	rc = journal_each(v->reader, 1, 0, step, v);
	if (rc < 0 && !v->told)
		journal_walk_failed(v->reader, &v->walk, rc, v->diag);
	if (rc == 0)
		rc = check_compaction(v);
	if (rc == 0)
		rc = check_vouched(v);
	return rc == 0 ? check_requests(v) : rc;
}

int journal_verify_telling(struct journal_reader *r, struct journal_report *report, struct cdm_diag *diag,
		journal_progress *progress, void *user) {
	struct verify *v = calloc(1, sizeof(*v));
	struct journal_state *state = calloc(1, sizeof(*state));
	*report = (struct journal_report){ .records = 0 };
	int pages = check_pages(r, diag), rc = v && state ? 0 : -ENOMEM;
	if (rc == 0) {
		*v = (struct verify){ .walk.state = state, .reader = r, .diag = diag,
			.progress = progress, .user = user };
		crypto_generichash_init(&v->digest, NULL, 0, HASH_BYTES);
		state_init(state);
		rc = db_run(&r->db, "BEGIN");
	}
	if (rc == 0) {
		rc = verify(v);
		*report = (struct journal_report){ .records = v->walk.seq - v->missing, .erased = v->erased,
			.removed = v->missing, .snapshots = v->count, .head = v->walk.hash,
			.first_bad = rc == -EBADMSG && !v->told ? v->walk.seq + 1 : 0 };
		(void)!db_run(&r->db, "ROLLBACK");
	}
	free(state);
	free(v);
	return rc < 0 ? rc : pages;
}

int journal_verify(struct journal_reader *r, struct journal_report *report, struct cdm_diag *diag) {
	return journal_verify_telling(r, report, diag, NULL, NULL);
}
