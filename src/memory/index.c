/* index.c - see index_priv.h; spec/memory.md explains the schema. */
#include "memory/index_priv.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include "env/gaps.h"

#define WAL_PAGES 256        /* that are worth a checkpoint, when there is time */
#define WAL_PAGES_MAX 2048   /* ... whether there is or not; journal_size_limit */

static const char schema[] =
		"CREATE TABLE position (one INTEGER PRIMARY KEY CHECK (one = 1), upto INTEGER NOT NULL,"
		" hash BLOB NOT NULL,"
		" next INTEGER NOT NULL, vectors INTEGER NOT NULL, live INTEGER NOT NULL, words INTEGER NOT NULL,"
		" wipe INTEGER NOT NULL, embedder TEXT NOT NULL, dims INTEGER NOT NULL) STRICT;"
		"INSERT INTO position VALUES (1, 0, zeroblob(32), 1, 1, 0, 0, 0, '', 0);"
		"CREATE TABLE passage (id INTEGER PRIMARY KEY, seq INTEGER NOT NULL, claim INTEGER NOT NULL,"
		" part INTEGER NOT NULL, kind INTEGER NOT NULL, live INTEGER NOT NULL, when_ns INTEGER NOT NULL,"
		" trust INTEGER NOT NULL, visibility INTEGER NOT NULL, principal TEXT NOT NULL, speaker TEXT NOT NULL,"
		" model TEXT NOT NULL, session TEXT NOT NULL, key TEXT NOT NULL, identity BLOB, bag BLOB NOT NULL,"
		" taken_back INTEGER NOT NULL, asked INTEGER NOT NULL, whole INTEGER NOT NULL,"
		" dated INTEGER NOT NULL) STRICT;"
		"CREATE TABLE said (id INTEGER PRIMARY KEY, text TEXT NOT NULL) STRICT;"
		"CREATE INDEX passage_seq ON passage (seq);"
		"CREATE INDEX passage_session ON passage (session, seq) WHERE kind = 1 AND part = 0;"
		"CREATE INDEX passage_identity ON passage (identity) WHERE identity IS NOT NULL;"
		"CREATE INDEX passage_claim ON passage (key, principal, speaker, seq) WHERE kind = 2;"
		"CREATE INDEX passage_standing ON passage (key, principal, speaker) WHERE kind = 2 AND live = 1;"
		"CREATE VIRTUAL TABLE words USING fts5(text, content = 'said', content_rowid = 'id', detail = none,"
		" columnsize = 0, tokenize = 'cadmus');"
		"CREATE TABLE vectors (block INTEGER PRIMARY KEY, data BLOB NOT NULL) STRICT;"
		"PRAGMA application_id = 0x43444d4d; PRAGMA user_version = 3";

static const char *const queries[INDEX_QUERY_COUNT] = {
	[INDEX_BEGIN] = "BEGIN IMMEDIATE",
	[INDEX_READ] = "BEGIN",
	[INDEX_COMMIT] = "COMMIT",
	[INDEX_LOAD] = "SELECT upto, hash, next, vectors, live, words, wipe, embedder, dims FROM position",
	[INDEX_SAVE] = "UPDATE position SET upto = ?, hash = ?, next = ?, vectors = ?, live = ?, words = ?, wipe = ?,"
		       " embedder = ?, dims = ?",
	[INDEX_ADD] = "INSERT INTO passage VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)",
	[INDEX_ADD_TEXT] = "INSERT INTO said VALUES (?, ?)",
	[INDEX_ADD_WORDS] = "INSERT INTO words (rowid, text) VALUES (?, ?)",
	[INDEX_DROP_WORDS] = "INSERT INTO words (words, rowid, text) VALUES ('delete', ?, ?)",
	[INDEX_DROP] = "DELETE FROM passage WHERE id = ?",
	[INDEX_DROP_TEXT] = "DELETE FROM said WHERE id = ?",
	[INDEX_OPTIMIZE] = "INSERT INTO words (words) VALUES ('optimize')",
	[INDEX_SET_LIVE] = "UPDATE passage SET live = ? WHERE id = ?",
	[INDEX_OF_SEQ] = "SELECT id, live, text, bag, kind, key, principal, speaker FROM passage JOIN said USING (id)"
			 " WHERE seq = ? LIMIT 1",
	[INDEX_SEQ_FROM] = "SELECT seq FROM passage WHERE seq >= ? ORDER BY seq LIMIT 1",
	[INDEX_STANDING] = "SELECT id, when_ns FROM passage WHERE key = ? AND principal = ? AND speaker = ? AND"
			   " kind = 2 AND live = 1",
	[INDEX_CLAIMS] = "SELECT id, when_ns, dated, taken_back FROM passage WHERE key = ? AND principal = ? AND"
			 " speaker = ? AND kind = 2 ORDER BY seq, claim",
	[INDEX_WORDS_OF] = "SELECT text, bag FROM passage JOIN said USING (id) WHERE id = ?",
	[INDEX_KNOWN] = "SELECT seq FROM passage WHERE identity = ? LIMIT 1",
	[INDEX_TEXTS] = "SELECT id, text FROM said WHERE id >= ? ORDER BY id LIMIT ?",
	[INDEX_ROWS] = "SELECT id, seq, when_ns, trust, visibility, kind, live, principal, session, whole, bag"
		       " FROM passage WHERE id >= ? ORDER BY id",
	[INDEX_ROW] = "SELECT seq, claim, part, kind, live, when_ns, trust, visibility, principal, speaker, model,"
		      " session, key, bag, asked FROM passage WHERE id = ?",
	[INDEX_PROBE] = "SELECT rowid FROM words WHERE words MATCH ? AND rowid < ? ORDER BY rowid DESC",
	[INDEX_SESSION] = "SELECT seq, principal, visibility FROM passage WHERE session = ? AND kind = 1 AND part = 0"
			  " ORDER BY seq DESC",
	[INDEX_OWN_CLAIM] = "SELECT 1 FROM passage WHERE key = ? AND principal = ? AND kind = 2 AND live = 1 LIMIT 1",
	[INDEX_BLOCK_READ] = "SELECT data FROM vectors WHERE block = ?",
	[INDEX_BLOCK_WRITE] = "INSERT OR REPLACE INTO vectors VALUES (?, ?)",
	[INDEX_BLOCKS_DROP] = "DELETE FROM vectors",
};

/* ---- errors ---- */

int index_error(struct index *x) {
	switch (sqlite3_errcode(x->sql) & 0xff) {
	case SQLITE_FULL:
		return -ENOSPC;
	case SQLITE_BUSY:
	case SQLITE_LOCKED:
		return -EBUSY;
	case SQLITE_NOMEM:
		return -ENOMEM;
	case SQLITE_CANTOPEN:
		return -EACCES;
	case SQLITE_IOERR:
		return -EIO;
	default: /* SQLITE_CORRUPT, SQLITE_NOTADB; SQLITE_ERROR: a table that is not there, or not as we made it;
		    SQLITE_READONLY: a header that asks for a newer program */
		return -EBADMSG;
	}
}

static int run_text(struct index *x, const char *sql) {
	return sqlite3_exec(x->sql, sql, NULL, NULL, NULL) == SQLITE_OK ? 0 : index_error(x);
}

/* ---- opening ---- */

static int query_number(struct index *x, const char *sql, int64_t *out) {
	sqlite3_stmt *s = NULL;
	int rc = sqlite3_prepare_v2(x->sql, sql, -1, &s, NULL) == SQLITE_OK && sqlite3_step(s) == SQLITE_ROW ? 0 : -1;
	if (rc == 0)
		*out = sqlite3_column_int64(s, 0);
	else
		rc = index_error(x);
	sqlite3_finalize(s);
	return rc;
}

/* The position as it stands in the file. */
static int load(struct index *x) {
	struct index_position *at = &x->at;
	sqlite3_stmt *s = index_query(x, INDEX_LOAD);
	int rc = sqlite3_step(s) == SQLITE_ROW ? 0 : index_error(x);
	const void *hash = rc == 0 ? sqlite3_column_blob(s, 1) : NULL;
	if (rc == 0 && (!hash || sqlite3_column_bytes(s, 1) != HASH_BYTES))
		rc = -EBADMSG;
	if (rc == 0) {
		at->upto = (uint64_t)sqlite3_column_int64(s, 0);
		memcpy(at->hash.bytes, hash, HASH_BYTES);
		at->next = sqlite3_column_int64(s, 2);
		at->vectors = sqlite3_column_int64(s, 3);
		at->live = (uint64_t)sqlite3_column_int64(s, 4);
		at->words = (uint64_t)sqlite3_column_int64(s, 5);
		at->wipe = sqlite3_column_int(s, 6) != 0;
		x->gaps = x->gaps || at->wipe;
		x->gaps_doubtful = x->gaps_doubtful || at->wipe;
		snprintf(at->embedder, sizeof(at->embedder), "%s", (const char *)sqlite3_column_text(s, 7));
		at->dims = (uint32_t)sqlite3_column_int(s, 8);
		if (at->next < 1 || at->vectors < 1 || at->vectors > at->next || at->next > INT64_C(1) << 40)
			rc = -EBADMSG;
	}
	sqlite3_reset(s);
	return rc;
}

/* Our schema, or nothing yet; then it is made. */
static int identify(struct index *x) {
	int64_t id = 0, format = 0, objects = 0;
	int rc = query_number(x, "PRAGMA application_id", &id);
	if (rc == 0)
		rc = query_number(x, "PRAGMA user_version", &format);
	if (rc == 0)
		rc = query_number(x, "SELECT count(*) FROM sqlite_schema", &objects);
	if (rc < 0)
		return rc;
	if (id == 0 && objects == 0)
		return (rc = run_text(x, "BEGIN IMMEDIATE")) < 0 || (rc = run_text(x, schema)) < 0 ?
				rc : run_text(x, "COMMIT");
	return id == INDEX_APPLICATION_ID && format == INDEX_FORMAT ? 0 : -EBADMSG;
}

static int prepare(struct index *x) {
	int rc = identify(x);
	for (int q = 0; q < INDEX_QUERY_COUNT && rc == 0; q++)
		if (sqlite3_prepare_v3(x->sql, queries[q], -1, SQLITE_PREPARE_PERSISTENT, &x->queries[q],
				NULL) != SQLITE_OK)
			rc = index_error(x);
	return rc < 0 ? rc : load(x);
}

static int connect_to(struct index *x, const struct env *e, const char *name, int flags) {
	flags |= SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE;
	int rc = sqlite3_open_v2(name, &x->sql, flags, e->disk);
	if (!x->sql)
		return -ENOMEM;
	if (rc != SQLITE_OK)
		return index_error(x);
	sqlite3_busy_timeout(x->sql, x->busy_ms);
	return words_register(x->sql, &x->words);
}

/* As far as readers let us. */
static void move_wal(struct index *x) {
	int there = 0, moved = 0;
	if (sqlite3_wal_checkpoint_v2(x->sql, NULL, SQLITE_CHECKPOINT_PASSIVE, &there, &moved) == SQLITE_OK)
		x->wal_pages = there - moved;
}

static int on_commit(void *user, sqlite3 *sql, const char *name, int pages) {
	struct index *x = user;
	(void)sql, (void)name;
	x->wal_pages = pages;
	if (pages >= WAL_PAGES_MAX)
		move_wal(x);
	return SQLITE_OK;
}

void index_tidy(struct index *x) {
	if (x->in_file && x->wal_pages >= WAL_PAGES)
		move_wal(x);
}

int index_open(struct index *x, const struct env *e, const char *path, int busy_ms) {
	*x = (struct index){ .in_file = true, .busy_ms = busy_ms };
	int rc = e->make(e, path); /* 0600, which SQLite gives to its other files, too */
	if (rc < 0 && rc != -EEXIST)
		return rc;
	rc = connect_to(x, e, path, SQLITE_OPEN_READWRITE);
	if (rc == 0) /* what a power cut takes from a derived file is made again */
		rc = run_text(x, "PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA secure_delete = ON;"
				 "PRAGMA trusted_schema = OFF; PRAGMA cell_size_check = ON; PRAGMA mmap_size = 0;"
				 "PRAGMA journal_size_limit = 8388608;"
				 "PRAGMA cache_size = -8192");
	if (rc == 0)
		sqlite3_wal_hook(x->sql, on_commit, x);
	return rc < 0 ? rc : prepare(x);
}

/* What another owner has indexed spares us the work; where it cannot be read, it is done again. */
static void seed(struct index *x, const struct env *e, const char *path) {
	sqlite3 *file = NULL;
	if (sqlite3_open_v2(path, &file, SQLITE_OPEN_READONLY | SQLITE_OPEN_NOMUTEX, e->disk) == SQLITE_OK) {
		sqlite3_busy_timeout(file, x->busy_ms);
		sqlite3_backup *b = sqlite3_backup_init(x->sql, "main", file, "main");
		if (b)
			(void)sqlite3_backup_step(b, -1);
		(void)sqlite3_backup_finish(b);
	}
	sqlite3_close(file);
}

int index_open_private(struct index *x, const struct env *e, const char *path, int busy_ms) {
	int rc = -EBADMSG;
	for (int with_seed = path != NULL; with_seed >= 0 && rc == -EBADMSG; with_seed--) {
		index_close(x);
		x->busy_ms = busy_ms;
		rc = connect_to(x, e, ":memory:", SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE);
		if (rc == 0 && with_seed)
			seed(x, e, path);
		if (rc == 0)
			rc = prepare(x);
	}
	return rc;
}

void index_close(struct index *x) {
	for (int q = 0; q < INDEX_QUERY_COUNT; q++)
		sqlite3_finalize(x->queries[q]);
	sqlite3_close(x->sql);
	*x = (struct index){ .sql = NULL };
}

void index_remove(const struct env *e, const char *path) {
	static const char *const endings[] = { "", "-wal", "-shm", "-journal" };
	char name[PATH_MAX];
	for (size_t i = 0; i < COUNT_OF(endings); i++)
		if (snprintf(name, sizeof(name), "%s%s", path, endings[i]) < PATH_MAX)
			(void)e->remove(e, name);
}

/* ---- statements ---- */

sqlite3_stmt *index_query(struct index *x, enum index_query q) {
	return x->queries[q];
}

int index_run(struct index *x, sqlite3_stmt *s) {
	int rc = sqlite3_step(s) == SQLITE_DONE ? 0 : index_error(x);
	sqlite3_reset(s);
	return rc;
}

int index_known(struct index *x, const struct hash *identity, uint64_t *seq) {
	sqlite3_stmt *s = index_query(x, INDEX_KNOWN);
	sqlite3_bind_blob(s, 1, identity->bytes, HASH_BYTES, SQLITE_STATIC);
	int step = sqlite3_step(s);
	*seq = step == SQLITE_ROW ? (uint64_t)sqlite3_column_int64(s, 0) : 0;
	int rc = step == SQLITE_ROW || step == SQLITE_DONE ? 0 : index_error(x);
	sqlite3_reset(s);
	return rc;
}

int index_begin(struct index *x) {
	return index_run(x, index_query(x, INDEX_BEGIN));
}

static int save(struct index *x) {
	const struct index_position *at = &x->at;
	sqlite3_stmt *s = index_query(x, INDEX_SAVE);
	sqlite3_bind_int64(s, 1, (int64_t)at->upto);
	sqlite3_bind_blob(s, 2, at->hash.bytes, HASH_BYTES, SQLITE_STATIC);
	sqlite3_bind_int64(s, 3, at->next);
	sqlite3_bind_int64(s, 4, at->vectors);
	sqlite3_bind_int64(s, 5, (int64_t)at->live);
	sqlite3_bind_int64(s, 6, (int64_t)at->words);
	sqlite3_bind_int(s, 7, at->wipe);
	sqlite3_bind_text(s, 8, at->embedder, -1, SQLITE_STATIC);
	sqlite3_bind_int(s, 9, (int)at->dims);
	return index_run(x, s);
}

int index_commit(struct index *x) {
	if (sqlite3_get_autocommit(x->sql)) /* an error has ended the transaction: the position is that of nothing */
		return -EIO;
	int rc = save(x);
	return rc < 0 ? rc : index_run(x, index_query(x, INDEX_COMMIT));
}

int index_rollback(struct index *x) {
	int rc = sqlite3_get_autocommit(x->sql) ? 0 : run_text(x, "ROLLBACK");
	return rc < 0 ? rc : load(x);
}

void index_wipe(struct index *x) {
	if (!x->at.wipe || !x->in_file)
		return;
	int rc = x->gaps ? gaps_clear(x->sql, x->gaps_doubtful) : 0;
	x->gaps_doubtful = x->gaps_doubtful || rc == -EIO;
	if (rc < 0 || sqlite3_wal_checkpoint_v2(x->sql, NULL, SQLITE_CHECKPOINT_TRUNCATE, NULL, NULL) != SQLITE_OK)
		return;
	x->at.wipe = x->gaps = x->gaps_doubtful = false;
	if (index_begin(x) < 0 || index_commit(x) < 0)
		x->at.wipe = true;
}
