/* journal_read.c - see journal_read.h. */
#include "journal/journal_read.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "env/env.h"
#include "journal/db_priv.h"
#include "journal/message_priv.h"

struct journal_reader {
	struct db db;
};

int journal_read_open_in(const struct env *e, const char *path, struct journal_reader **out,
		struct cdm_diag *diag) {
	struct journal_reader *r = calloc(1, sizeof(*r));
	*out = NULL;
	if (!r)
		return -ENOMEM;
	int rc = db_open_reader(&r->db, e, path, diag);
	if (rc < 0)
		journal_read_close(&r);
	*out = r;
	return rc < 0 ? rc : 0;
}

int journal_read_open(const char *path, struct journal_reader **out, struct cdm_diag *diag) {
	return journal_read_open_in(env_real(), path, out, diag);
}

void journal_read_close(struct journal_reader **r) {
	if (!*r)
		return;
	db_close(&(*r)->db);
	free(*r);
	*r = NULL;
}

int journal_each(struct journal_reader *r, uint64_t from_seq, uint64_t limit, journal_visit *visit,
		void *user) {
	struct journal_record record;
	sqlite3_stmt *s = NULL;
	int rc = db_select(&r->db, from_seq, false, &s);
	for (uint64_t n = 0; rc == 0 && (limit == 0 || n < limit); n++) {
		rc = db_step(&r->db, s, &record);
		if (rc <= 0)
			break;
		rc = visit(user, &record);
	}
	sqlite3_finalize(s);
	return rc;
}

static int one_record(struct db *db, uint64_t from, bool last, struct journal_record *out) {
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
	int rc = one_record(&r->db, 0, true, &tail);
	*seq = rc == 1 ? tail.seq : 0;
	return rc < 0 ? rc : 0;
}

/* Hybrid clocks grow with seq, and seqs have no gaps: halve. */
int journal_seq_at(struct journal_reader *r, struct cdm_wall when, uint64_t *seq) {
	uint64_t low = 0, high; /* low: 0 or a record not later; high + 1: later, or none */
	int rc = journal_last(r, &high);
	while (rc == 0 && low < high) {
		struct journal_record record;
		uint64_t middle = low + (high - low + 1) / 2;
		rc = one_record(&r->db, middle, false, &record);
		if (rc < 0)
			break;
		bool later = rc == 0 || record_hlc_wall(record.hlc).ns > when.ns;
		rc = 0;
		if (later)
			high = middle - 1;
		else
			low = middle;
	}
	*seq = low;
	return rc;
}

/* ---- walking the chain ---- */

struct walk {
	struct journal_state *state; /* fold into it, or NULL */
	uint64_t seq, hlc, erased;   /* of the last good record; how many were erased */
	struct hash hash;
};

static int step(void *user, const struct journal_record *r) {
	struct walk *w = user;
	if (record_check(r, w->seq, &w->hash) < 0 || r->hlc <= w->hlc)
		return -EBADMSG;
	if (w->state)
		state_apply(w->state, r); /* a body that its kind does not allow is counted there */
	w->seq = r->seq;
	w->hlc = r->hlc;
	w->hash = r->hash;
	w->erased += r->erased;
	return 0;
}

/* Over the first `limit` records, 0: over all. */
static int walk(struct journal_reader *r, uint64_t limit, struct walk *w, struct cdm_diag *diag) {
	int rc = journal_each(r, 1, limit, step, w);
	if (rc == -EBADMSG)
		message_add(diag, MESSAGE_CHAIN, "record %llu is not the one that was written",
				(unsigned long long)w->seq + 1);
	else if (rc < 0)
		message_add(diag, MESSAGE_DAMAGED,
				"the journal cannot be read after record %llu (%s)",
				(unsigned long long)w->seq, sqlite3_errmsg(r->db.sql));
	return rc;
}

int journal_state_at(struct journal_reader *r, uint64_t seq, struct journal_state *state,
		struct cdm_diag *diag) {
	struct walk w = { .state = state };
	state_init(state);
	if (seq == 0)
		return 0;
	return walk(r, seq == UINT64_MAX ? 0 : seq, &w, diag);
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

int journal_verify(struct journal_reader *r, struct journal_report *report, struct cdm_diag *diag) {
	struct walk w = { .seq = 0 };
	int pages = check_pages(r, diag);
	int rc = walk(r, 0, &w, diag);
	*report = (struct journal_report){ .records = w.seq,
		.erased = w.erased,
		.head = w.hash,
		.first_bad = rc == -EBADMSG ? w.seq + 1 : 0 };
	return rc < 0 ? rc : pages;
}
