/*
 * db_kept.c - what stands in the file beside the records: snapshots of the state, requests that were answered, and what
 * is to be let go.  See db_priv.h.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include "journal/db_priv.h"

#define FORMAT_KEPT 2 /* the first one that has these tables */

bool db_keeps(const struct db *db) {
	return db->version >= FORMAT_KEPT;
}

/* Prepare, bind up to two numbers, run; for what is rare. */
static int change(struct db *db, const char *sql, uint64_t a, uint64_t b) {
	sqlite3_stmt *s = NULL;
	if (sqlite3_prepare_v2(db->sql, sql, -1, &s, NULL) != SQLITE_OK)
		return db_error(db);
	sqlite3_bind_int64(s, 1, (int64_t)a);
	if (sqlite3_bind_parameter_count(s) > 1)
		sqlite3_bind_int64(s, 2, (int64_t)b);
	int rc = db_finish(db, s);
	sqlite3_finalize(s);
	return rc;
}

/* ---- requests ---- */

static void bind_request(sqlite3_stmt *s, const char *principal, const char *id) {
	sqlite3_bind_text(s, 1, principal, -1, SQLITE_STATIC);
	sqlite3_bind_text(s, 2, id, -1, SQLITE_STATIC);
}

static int step_request(struct db *db, sqlite3_stmt *s, uint64_t *seq) {
	int rc = sqlite3_step(s);
	if (rc == SQLITE_DONE)
		return 0;
	if (rc != SQLITE_ROW)
		return db_error(db);
	return db_take_number(s, 0, seq) ? 1 : -EBADMSG;
}

int db_request_find(struct db *db, const char *principal, const char *id, uint64_t *seq) {
	static const char sql[] = "SELECT seq FROM request WHERE principal = ? AND id = ?";
	if (!db->known && !db_keeps(db))
		return 0;
	if (!db->known && sqlite3_prepare_v3(db->sql, sql, -1, SQLITE_PREPARE_PERSISTENT, &db->known, NULL) !=
				  SQLITE_OK)
		return db_error(db);
	bind_request(db->known, principal, id);
	int rc = step_request(db, db->known, seq);
	sqlite3_reset(db->known);
	return rc;
}

int db_request_note(struct db *db, const char *principal, const char *id, uint64_t seq, uint64_t *before) {
	bind_request(db->note, principal, id);
	sqlite3_bind_int64(db->note, 3, (int64_t)seq);
	int rc = db_finish(db, db->note);
	return rc < 0 || sqlite3_changes(db->sql) > 0 ? rc : db_request_find(db, principal, id, before);
}

static void digest_request(struct hash_pieces *h, sqlite3_stmt *s) {
	uint8_t seq[8];
	for (int column = 0; column < 2; column++) {
		const void *text = sqlite3_column_text(s, column);
		hash_add(h, text, (size_t)sqlite3_column_bytes(s, column));
		hash_add(h, "", 1);
	}
	for (unsigned i = 0; i < sizeof(seq); i++)
		seq[i] = (uint8_t)((uint64_t)sqlite3_column_int64(s, 2) >> 8 * i);
	hash_add(h, seq, sizeof(seq));
}

int db_request_digest(struct db *db, uint64_t upto, struct hash *digest) {
	static const char sql[] = "SELECT principal, id, seq FROM request WHERE seq <= ? ORDER BY principal, id";
	struct hash_pieces h;
	sqlite3_stmt *s = NULL;
	int step;
	if (sqlite3_prepare_v2(db->sql, sql, -1, &s, NULL) != SQLITE_OK)
		return db_error(db);
	sqlite3_bind_int64(s, 1, (int64_t)upto);
	hash_begin(&h);
	while ((step = sqlite3_step(s)) == SQLITE_ROW)
		digest_request(&h, s);
	*digest = hash_end(&h);
	sqlite3_finalize(s);
	return step == SQLITE_DONE ? 0 : db_error(db);
}

int db_request_count(struct db *db, uint64_t upto, int64_t *answered, int64_t *loose) {
	char sql[256];
	int rc = db_query(db, "SELECT count(*) FROM request q JOIN record r ON r.seq = q.seq WHERE r.body IS NOT NULL",
			answered);
	snprintf(sql, sizeof(sql), "SELECT count(*) FROM request q WHERE seq > %lld"
		 " AND NOT EXISTS (SELECT 1 FROM record r WHERE r.seq = q.seq)", (long long)upto);
	return rc < 0 ? rc : db_query(db, sql, loose);
}

/* ---- snapshots ---- */

int db_snapshot_put(struct db *db, const struct db_snapshot *snapshot) {
	static const char sql[] = "INSERT OR REPLACE INTO snapshot"
				  " SELECT ?, ?, 1 + coalesce(max(number), 0), ?, ? FROM snapshot";
	sqlite3_stmt *s = NULL;
	if (sqlite3_prepare_v2(db->sql, sql, -1, &s, NULL) != SQLITE_OK)
		return db_error(db);
	sqlite3_bind_int64(s, 1, (int64_t)snapshot->upto);
	sqlite3_bind_int64(s, 2, (int64_t)snapshot->seq);
	sqlite3_bind_blob(s, 3, snapshot->image.bytes, HASH_BYTES, SQLITE_STATIC);
	sqlite3_bind_blob(s, 4, snapshot->state, (int)snapshot->bytes, SQLITE_STATIC);
	int rc = db_finish(db, s);
	sqlite3_finalize(s);
	return rc;
}

/*
 * With d for how many were made after it, the last four stay, and of those with d in 4..7 each second, in 8..15 each
 * fourth ...: who stays among these stayed among those, so thinning early and late gives the same.  The oldest stays
 * always: records before it may be gone.
 */
int db_snapshot_thin(struct db *db) {
	int64_t newest;
	int rc = db_query(db, "SELECT coalesce(max(number), 0) FROM snapshot", &newest);
	for (int64_t from = 4, step = 2; rc == 0 && from <= newest; from *= 2, step *= 2) {
		char sql[256];
		snprintf(sql, sizeof(sql), "DELETE FROM snapshot WHERE number > ? AND number <= ?"
			 " AND number %% %lld <> 0 AND upto > (SELECT min(upto) FROM snapshot)", (long long)step);
		uint64_t last = (uint64_t)(newest - from);
		uint64_t first = newest > 2 * from ? (uint64_t)(newest - 2 * from) : 0;
		rc = change(db, sql, first, last);
	}
	return rc;
}

int db_snapshot_drop(struct db *db, uint64_t from, uint64_t to) {
	return change(db, "DELETE FROM snapshot WHERE upto BETWEEN ? AND ?", from, to <= INT64_MAX ? to : INT64_MAX);
}

static bool take_snapshot(sqlite3_stmt *s, struct db_snapshot *out) {
	out->state = sqlite3_column_blob(s, 4);
	out->bytes = (size_t)sqlite3_column_bytes(s, 4);
	return db_take_number(s, 0, &out->upto) && db_take_number(s, 1, &out->seq) &&
	       db_take_number(s, 2, &out->number) && db_take_hash(s, 3, &out->image) && out->state;
}

int db_snapshot_find(struct db *db, uint64_t upto, sqlite3_stmt **hold, struct db_snapshot *out) {
	static const char sql[] = "SELECT upto, seq, number, image, state FROM snapshot WHERE upto <= ?"
				  " ORDER BY upto DESC LIMIT 1";
	*hold = NULL;
	if (!db_keeps(db))
		return 0;
	if (sqlite3_prepare_v2(db->sql, sql, -1, hold, NULL) != SQLITE_OK)
		return db_error(db);
	sqlite3_bind_int64(*hold, 1, upto <= INT64_MAX ? (int64_t)upto : INT64_MAX);
	int rc = sqlite3_step(*hold);
	if (rc == SQLITE_DONE)
		return 0;
	if (rc != SQLITE_ROW)
		return db_error(db);
	return take_snapshot(*hold, out) ? 1 : -EBADMSG;
}

/* ---- compaction ---- */

int db_compaction_begin(struct db *db, const struct db_compaction *c) {
	static const char sql[] = "INSERT OR REPLACE INTO compaction VALUES (?, ?, 0)";
	sqlite3_stmt *s = NULL;
	if (sqlite3_prepare_v2(db->sql, sql, -1, &s, NULL) != SQLITE_OK)
		return db_error(db);
	sqlite3_bind_int64(s, 1, (int64_t)c->upto);
	sqlite3_bind_text(s, 2, c->kinds, -1, SQLITE_STATIC);
	int rc = db_finish(db, s);
	sqlite3_finalize(s);
	return rc;
}

static int take_compaction(sqlite3_stmt *s, struct db_compaction *c) {
	const void *kinds = sqlite3_column_text(s, 1);
	size_t bytes = (size_t)sqlite3_column_bytes(s, 1);
	if (!db_take_number(s, 0, &c->upto) || !db_take_number(s, 2, &c->done) || !kinds || bytes >= sizeof(c->kinds))
		return -EBADMSG;
	memcpy(c->kinds, kinds, bytes);
	c->kinds[bytes] = 0;
	return 1;
}

int db_compaction_find(struct db *db, struct db_compaction *c) {
	sqlite3_stmt *s = NULL;
	*c = (struct db_compaction){ .upto = 0 };
	if (!db_keeps(db))
		return 0;
	if (sqlite3_prepare_v2(db->sql, "SELECT upto, kinds, done FROM compaction ORDER BY upto DESC LIMIT 1", -1, &s,
			    NULL) != SQLITE_OK)
		return db_error(db);
	int rc = sqlite3_step(s);
	rc = rc == SQLITE_ROW ? take_compaction(s, c) : rc == SQLITE_DONE ? 0 : db_error(db);
	sqlite3_finalize(s);
	return rc;
}

/* Kinds are compared as words of the list, so that no name is a part of another. */
static int remove_some(struct db *db, const struct db_compaction *c, uint64_t upto) {
	static const char sql[] = "DELETE FROM record WHERE seq > ? AND seq <= ?"
				  " AND instr(' ' || ? || ' ', ' ' || kind || ' ') > 0";
	sqlite3_stmt *s = NULL;
	if (sqlite3_prepare_v2(db->sql, sql, -1, &s, NULL) != SQLITE_OK)
		return db_error(db);
	sqlite3_bind_int64(s, 1, (int64_t)c->done);
	sqlite3_bind_int64(s, 2, (int64_t)upto);
	sqlite3_bind_text(s, 3, c->kinds, -1, SQLITE_STATIC);
	int rc = db_finish(db, s);
	sqlite3_finalize(s);
	return rc;
}

int db_compaction_step(struct db *db, struct db_compaction *c, unsigned count) {
	uint64_t upto = c->upto - c->done > count ? c->done + count : c->upto;
	int rc = db_begin(db);
	if (rc == 0)
		rc = remove_some(db, c, upto);
	if (rc == 0)
		rc = change(db, "UPDATE compaction SET done = ? WHERE upto = ?", upto, c->upto);
	if (rc == 0)
		rc = db_in_place(db);
	if (rc == 0)
		rc = db_commit(db);
	if (rc < 0)
		db_rollback(db);
	else
		c->done = upto;
	return rc;
}
