/*
 * db.c - see db_priv.h; the schema is explained in spec/journal.md.
 *
 * The owner of the file is kept apart from others by lock.c.  That a stray `sqlite3` cannot change
 * records by accident is the work of triggers that call a function which nobody defines; the owner's connection has
 * no triggers, as each of them would cost more than what it lets through.
 */
#include "journal/db_priv.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/clock.h"
#include "base/err.h"
#include "env/gaps.h"
#include "journal/body.h"
#include "journal/message_priv.h"

#define BUSY_MS 2000 /* how long a foreign writer, or a reader's recovery, is waited for */

static int note_old_requests(struct db *db);

/* Step n brings a file from version n to n + 1.  Append only. */
static const struct {
	const char *sql;
	int (*then)(struct db *db); /* what SQL has no words for; NULL: nothing */
} migrations[] = {
	{ "CREATE TABLE migration (version INTEGER PRIMARY KEY, wall_ns INTEGER NOT NULL,"
	" program TEXT NOT NULL) STRICT;"
	"CREATE TABLE record (seq INTEGER PRIMARY KEY, epoch INTEGER NOT NULL, hlc INTEGER NOT "
	"NULL,"
	" wall_ns INTEGER NOT NULL, entity TEXT NOT NULL, principal TEXT NOT NULL,"
	" visibility TEXT NOT NULL, kind TEXT NOT NULL, class TEXT NOT NULL, body BLOB,"
	" body_hash BLOB NOT NULL, prev BLOB NOT NULL, hash BLOB NOT NULL) STRICT;"
	"CREATE TRIGGER record_insert BEFORE INSERT ON record BEGIN SELECT cadmus_owner(); END;"
	"CREATE TRIGGER record_delete BEFORE DELETE ON record BEGIN"
	" SELECT RAISE(ABORT, 'the journal is append-only'); END;"
	"CREATE TRIGGER record_update BEFORE UPDATE ON record BEGIN SELECT cadmus_owner(); END;", NULL },
	{ "CREATE TABLE snapshot (upto INTEGER PRIMARY KEY, seq INTEGER NOT NULL, number INTEGER NOT NULL,"
	" image BLOB NOT NULL, state BLOB NOT NULL) STRICT;"
	"CREATE TABLE request (principal TEXT NOT NULL, id TEXT NOT NULL, seq INTEGER NOT NULL,"
	" PRIMARY KEY (principal, id)) STRICT, WITHOUT ROWID;"
	"CREATE TABLE compaction (upto INTEGER PRIMARY KEY, kinds TEXT NOT NULL, done INTEGER NOT NULL) STRICT;"
	"DROP TRIGGER record_delete;"
	"CREATE TRIGGER record_delete BEFORE DELETE ON record BEGIN SELECT cadmus_owner(); END;"
	"CREATE TRIGGER snapshot_insert BEFORE INSERT ON snapshot BEGIN SELECT cadmus_owner(); END;"
	"CREATE TRIGGER snapshot_delete BEFORE DELETE ON snapshot BEGIN SELECT cadmus_owner(); END;"
	"CREATE TRIGGER snapshot_update BEFORE UPDATE ON snapshot BEGIN SELECT cadmus_owner(); END;"
	"CREATE TRIGGER request_insert BEFORE INSERT ON request BEGIN SELECT cadmus_owner(); END;"
	"CREATE TRIGGER request_delete BEFORE DELETE ON request BEGIN SELECT cadmus_owner(); END;"
	"CREATE TRIGGER request_update BEFORE UPDATE ON request BEGIN SELECT cadmus_owner(); END;", note_old_requests },
	{ "CREATE TABLE due (what TEXT PRIMARY KEY) STRICT, WITHOUT ROWID;"
	"INSERT INTO due SELECT 'look' WHERE EXISTS (SELECT 1 FROM record);" /* nobody looked into the gaps before */
	"CREATE TRIGGER due_insert BEFORE INSERT ON due BEGIN SELECT cadmus_owner(); END;"
	"CREATE TRIGGER due_update BEFORE UPDATE ON due BEGIN SELECT cadmus_owner(); END;"
	"CREATE TRIGGER due_delete BEFORE DELETE ON due BEGIN SELECT cadmus_owner(); END;", NULL },
};

#define VERSION ((int)COUNT_OF(migrations))

#define COLUMNS                                                                                    \
	"seq, epoch, hlc, wall_ns, entity, principal, visibility, kind, class, body, body_hash, "  \
	"prev, hash"
enum column {
	SEQ,
	EPOCH,
	HLC,
	WALL,
	ENTITY,
	PRINCIPAL,
	VISIBILITY,
	KIND,
	CLASS,
	BODY,
	BODY_HASH,
	PREV,
	HASH
};

/* ---- errors ---- */

/* SQLite passes the number on from most statements, but not from COMMIT: there, errno still has it.
 */
static int system_error(struct db *db) {
	int e = errno;
	return sqlite3_system_errno(db->sql) ? sqlite3_system_errno(db->sql) : e;
}

int db_error(struct db *db) {
	int code = sqlite3_extended_errcode(db->sql);
	switch (code & 0xff) {
	case SQLITE_OK:
	case SQLITE_ROW:
	case SQLITE_DONE:
		return 0;
	case SQLITE_FULL:
		return -ENOSPC;
	case SQLITE_BUSY:
	case SQLITE_LOCKED:
		return -EBUSY;
	case SQLITE_NOTADB:
		return -EPROTO;
	case SQLITE_CORRUPT:
	case SQLITE_CONSTRAINT:
	case SQLITE_MISMATCH:
		return -EBADMSG;
	case SQLITE_READONLY:
	case SQLITE_PERM:
		return -EACCES;
	case SQLITE_INTERRUPT:
		return -ECANCELED;
	case SQLITE_NOMEM:
		return -ENOMEM;
	case SQLITE_CANTOPEN:
		return message_error(sqlite3_system_errno(db->sql));
	case SQLITE_IOERR:
		/* A failed write took nothing from what was there; after a failed sync nobody
		 * knows. */
		if (code == SQLITE_IOERR_WRITE || code == SQLITE_IOERR_SHMSIZE)
			return message_error(system_error(db));
		return -EIO;
	default:
		return -EIO;
	}
}

static int explain(struct db *db, const char *path, struct cdm_diag *diag) {
	int rc = db_error(db);
	enum message m = rc == -EPROTO    ? MESSAGE_FOREIGN
			 : rc == -EBADMSG ? MESSAGE_DAMAGED
			 : rc == -ENOENT  ? MESSAGE_MISSING
					  : MESSAGE_OPEN;
	message_add(diag, m, "%s: %s", path, rc == -ENOSPC ? err_text(rc) : sqlite3_errmsg(db->sql));
	return rc ? rc : -EIO;
}

int db_run(struct db *db, const char *sql) {
	errno = 0;
	return sqlite3_exec(db->sql, sql, NULL, NULL, NULL) == SQLITE_OK ? 0 : db_error(db);
}

int db_query(struct db *db, const char *sql, int64_t *out) {
	sqlite3_stmt *s;
	int rc = 0;
	if (sqlite3_prepare_v2(db->sql, sql, -1, &s, NULL) != SQLITE_OK)
		return db_error(db);
	if (sqlite3_step(s) == SQLITE_ROW)
		*out = sqlite3_column_int64(s, 0);
	else
		rc = db_error(db) ? db_error(db) : -EPROTO;
	sqlite3_finalize(s);
	return rc;
}

/* ---- opening ---- */

/* 1: an empty file; 0: one of ours, at *version; -EPROTO: neither, or too new. */
static int identify(struct db *db, const char *path, int64_t *version, struct cdm_diag *diag) {
	int64_t id = 0, objects = 0;
	if (db_query(db, "PRAGMA application_id", &id) < 0 ||
			db_query(db, "PRAGMA user_version", version) < 0 ||
			db_query(db, "SELECT count(*) FROM sqlite_schema", &objects) < 0)
		return explain(db, path, diag);
	db->version = (int)*version;
	if (id == 0 && *version == 0 && objects == 0)
		return 1;
	if (id != DB_APPLICATION_ID) {
		message_add(diag, MESSAGE_FOREIGN, "%s is not a journal of cadmus", path);
		return -EPROTO;
	}
	if (*version > VERSION) {
		message_add(diag, MESSAGE_NEWER, "%s has format %lld; this cadmus reads up to %d",
				path, (long long)*version, VERSION);
		return -EPROTO;
	}
	return 0;
}

static int migrate_step(struct db *db, int version) {
	char sql[256];
	int rc = db_run(db, "BEGIN IMMEDIATE");
	if (rc == 0)
		rc = db_run(db, migrations[version].sql);
	if (rc == 0 && migrations[version].then)
		rc = migrations[version].then(db);
	snprintf(sql, sizeof(sql),
			"INSERT INTO migration VALUES (%d, %lld, 'cadmus %s');"
			"PRAGMA application_id = %d; PRAGMA user_version = %d; COMMIT",
			version + 1, (long long)db->env->wall(db->env).ns, CADMUS_VERSION, DB_APPLICATION_ID,
			version + 1);
	rc = rc == 0 ? db_run(db, sql) : rc;
	db->version = rc == 0 ? version + 1 : db->version;
	return rc;
}

static int migrate(struct db *db, const char *path, int64_t version, struct cdm_diag *diag) {
	for (int v = (int)version; v < VERSION; v++)
		if (migrate_step(db, v) < 0) {
			int rc = explain(db, path, diag);
			db_rollback(db);
			return rc;
		}
	return 0;
}

static int on_commit(void *user, sqlite3 *sql, const char *name, int frames) {
	struct db *db = user;
	(void)sql, (void)name;
	db->wal_frames = frames;
	db->gaps_known = false;
	return SQLITE_OK;
}

static int prepare_writer(struct db *db) {
	static const char settings[] =
			"PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA "
			"secure_delete = ON;"
			"PRAGMA trusted_schema = OFF; PRAGMA cell_size_check = ON; PRAGMA "
			"mmap_size = 0;"
			"PRAGMA wal_autocheckpoint = 0; PRAGMA journal_size_limit = 8388608";
	int rc = db_run(db, settings);
	if (rc < 0)
		return rc;
	sqlite3_db_config(db->sql, SQLITE_DBCONFIG_ENABLE_TRIGGER, 0, NULL);
	sqlite3_wal_hook(db->sql, on_commit, db);
	return 0;
}

static int prepare_statements(struct db *db) {
	const struct {
		sqlite3_stmt **at;
		const char *sql;
	} all[] = {
		{ &db->begin, "BEGIN IMMEDIATE" },
		{ &db->commit, "COMMIT" },
		{ &db->insert, "INSERT INTO record (" COLUMNS
			       ") VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?)" },
		{ &db->erase, "UPDATE record SET body = NULL WHERE seq = ? AND kind NOT IN ('snapshot', 'compact')" },
		{ &db->note, "INSERT INTO request VALUES (?, ?, ?) ON CONFLICT DO NOTHING" },
	};
	for (size_t i = 0; i < COUNT_OF(all); i++) {
		int rc = sqlite3_prepare_v3(db->sql, all[i].sql, -1, SQLITE_PREPARE_PERSISTENT,
				all[i].at, NULL);
		if (rc != SQLITE_OK)
			return db_error(db);
	}
	return 0;
}

static void forget_statements(struct db *db) {
	sqlite3_stmt **const all[] = { &db->begin, &db->commit, &db->insert, &db->erase, &db->known, &db->note };
	for (size_t i = 0; i < COUNT_OF(all); i++) {
		sqlite3_finalize(*all[i]);
		*all[i] = NULL;
	}
}

static int open_sql(struct db *db, const char *path, int flags) {
	flags |= SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE;
	int rc = sqlite3_open_v2(path, &db->sql, flags, db->env->disk);
	if (!db->sql)
		return -ENOMEM;
	if (rc != SQLITE_OK)
		return db_error(db);
	sqlite3_busy_timeout(db->sql, BUSY_MS);
	return 0;
}

/*
 * Unless told otherwise, SQLite moves the WAL into the file when its last user closes it.  It must not while we do not
 * know what of the WAL is on the disk: with a part of it in the file, the rest may be gone after a power cut.
 */
static void distrust_wal(struct db *db, bool distrust) {
	sqlite3_db_config(db->sql, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, (int)distrust, NULL);
}

/* Open what is there, be it empty, and bring it to our format. */
static int open_current(struct db *db, const char *path, struct cdm_diag *diag) {
	int64_t version = 0;
	int rc = open_sql(db, path, SQLITE_OPEN_READWRITE);
	if (rc == -ENOMEM)
		return rc;
	if (rc < 0)
		return explain(db, path, diag);
	distrust_wal(db, true);
	rc = identify(db, path, &version, diag);
	if (rc < 0)
		return rc;
	if (prepare_writer(db) < 0)
		return explain(db, path, diag);
	return migrate(db, path, version, diag);
}

static int note_request(struct db *db, const struct journal_record *r, struct body_text request) {
	char id[BODY_REQUEST_MAX + 1];
	uint64_t before;
	snprintf(id, sizeof(id), "%.*s", (int)request.bytes, request.at);
	return db_request_note(db, r->principal, id, r->seq, &before);
}

/* Requests had no table of their own before format 2; the first turn that has one answered it. */
static int note_old_requests(struct db *db) {
	struct journal_record r;
	struct body_turn b;
	sqlite3_stmt *s = NULL;
	int rc = prepare_statements(db);
	if (rc == 0)
		rc = db_select(db, 0, false, &s);
	while (rc >= 0 && (rc = db_step(db, s, &r)) == 1) {
		bool asked = r.kind == JOURNAL_TURN && !r.erased && body_parse_turn(r.body, r.body_bytes, &b) == 0;
		rc = asked && b.request.bytes ? note_request(db, &r, b.request) : 0;
	}
	sqlite3_finalize(s);
	forget_statements(db);
	return rc;
}

/* What a file that is no more, or never was, may have left beside it. */
static void remove_remains(const struct env *e, const char *path) {
	static const char *const endings[] = { "-wal", "-shm", "-journal" };
	char name[PATH_MAX];
	for (size_t i = 0; i < COUNT_OF(endings); i++)
		if (snprintf(name, sizeof(name), "%s%s", path, endings[i]) < PATH_MAX)
			(void)e->remove(e, name);
}

/* What env says of a file, in our list. */
static int said(int rc) {
	return rc < 0 ? message_error(-rc) : 0;
}

/*
 * Make the file under another name and rename it, so that nobody, dying or reading meanwhile, meets
 * one that is half made.  The lock keeps other makers away.
 */
static int create(const struct env *e, const char *path, struct cdm_diag *diag) {
	char name[PATH_MAX];
	struct db db = { .env = e };
	if (snprintf(name, sizeof(name), "%s.new", path) >= PATH_MAX)
		return -E2BIG;
	(void)e->remove(e, name);
	remove_remains(e, name);
	remove_remains(e, path);
	int rc = said(e->make(e, name)); /* 0600, which SQLite gives to its other files, too */
	if (rc < 0)
		message_add(diag, MESSAGE_OPEN, "%s: cannot be made (%s)", name, err_text(rc));
	else
		rc = open_current(&db, name, diag);
	if (rc == 0 && (rc = db_checkpoint(&db, true)) < 0)
		explain(&db, name, diag);
	if (rc == 0)
		distrust_wal(&db, false); /* so that it leaves nothing beside it */
	db_close(&db);
	if (rc == 0 && (rc = said(e->move(e, name, path))) < 0)
		message_add(diag, MESSAGE_OPEN, "%s: cannot be made (%s)", path, err_text(rc));
	return rc;
}

/* The file that has the name now.  One that cannot be looked at is not watched over. */
static void place_note(const struct env *e, struct db_place *p, const char *path, const char *ending) {
	bool fits = snprintf(p->path, sizeof(p->path), "%s%s", path, ending) < PATH_MAX;
	if (!fits || e->look(e, p->path, &p->file) < 0)
		p->file = (struct env_file){ 0 };
}

static bool place_holds(const struct env *e, const struct db_place *p) {
	struct env_file now;
	if (p->file.number == 0)
		return true;
	int rc = e->look(e, p->path, &now);
	if (rc < 0)
		return rc != -ENOENT && rc != -ENOTDIR;
	return now.device == p->file.device && now.number == p->file.number;
}

int db_in_place(const struct db *db) {
	return place_holds(db->env, &db->file) && place_holds(db->env, &db->wal) ? 0 : -ESTALE;
}

/* Write all of an open file again, with what it holds, and sync it; -EIO. */
static int write_again(sqlite3_file *f) {
	uint8_t part[4096];
	sqlite3_int64 size = 0;
	int rc = f->pMethods->xFileSize(f, &size);
	for (sqlite3_int64 at = 0; rc == SQLITE_OK && at < size; at += (sqlite3_int64)sizeof(part)) {
		sqlite3_int64 rest = size - at;
		int n = rest < (sqlite3_int64)sizeof(part) ? (int)rest : (int)sizeof(part);
		rc = f->pMethods->xRead(f, part, n, at);
		if (rc == SQLITE_OK)
			rc = f->pMethods->xWrite(f, part, n, at);
	}
	if (rc == SQLITE_OK && size > 0)
		rc = f->pMethods->xSync(f, SQLITE_SYNC_NORMAL);
	return rc == SQLITE_OK ? 0 : rc == SQLITE_FULL ? -ENOSPC : -EIO;
}

/* Where sqlite.org/walformat.html has its locks, and what stands in the log. */
enum { LOCK_OF_CHECKPOINTS = 1, LOG_HEADER = 32, FRAME_HEADER = 24 };

static uint32_t number_at(const uint8_t *at) {
	return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
}

static int write_page_again(sqlite3_file *f, uint8_t *page, uint32_t bytes, uint32_t number) {
	sqlite3_int64 size = 0, at = (sqlite3_int64)(number - 1) * bytes;
	int rc = f->pMethods->xFileSize(f, &size);
	if (rc != SQLITE_OK || number == 0 || at + bytes > size)
		return rc;
	rc = f->pMethods->xRead(f, page, (int)bytes, at);
	return rc == SQLITE_OK ? f->pMethods->xWrite(f, page, (int)bytes, at) : rc;
}

/* All pages that the log has: a checkpoint may have written some of them, and none is copied twice. */
static int write_pages_of_log_again(sqlite3_file *f, sqlite3_file *wal) {
	static const uint32_t most = 65536;
	uint8_t header[LOG_HEADER], frame[FRAME_HEADER];
	sqlite3_int64 size = 0;
	int rc = wal->pMethods->xFileSize(wal, &size);
	if (rc != SQLITE_OK || size < LOG_HEADER)
		return rc;
	rc = wal->pMethods->xRead(wal, header, LOG_HEADER, 0);
	uint32_t bytes = number_at(header + 8), last = 0;
	if (rc != SQLITE_OK || bytes < 512 || bytes > most)
		return rc;
	uint8_t *page = malloc(bytes);
	if (!page)
		return SQLITE_NOMEM;
	for (sqlite3_int64 at = LOG_HEADER; rc == SQLITE_OK && at + FRAME_HEADER <= size; at += FRAME_HEADER + bytes) {
		rc = wal->pMethods->xRead(wal, frame, FRAME_HEADER, at);
		if (rc == SQLITE_OK && number_at(frame) != last)
			rc = write_page_again(f, page, bytes, number_at(frame));
		last = number_at(frame);
	}
	free(page);
	return rc == SQLITE_OK ? f->pMethods->xSync(f, SQLITE_SYNC_NORMAL) : rc;
}

/*
 * Where the sync of a checkpoint failed, what it wrote to the file may not be there, though it can be read; and what an
 * earlier one wrote, that a reader kept from coming to its end, is not copied again, as the log's index counts it as
 * done.  So before the log is emptied all that stands in it is written again.  Under the lock of a writer.
 */
static int make_copied_durable(struct db *db) {
	sqlite3_file *f = NULL, *wal = NULL;
	const int lock = SQLITE_SHM_LOCK | SQLITE_SHM_EXCLUSIVE, unlock = SQLITE_SHM_UNLOCK | SQLITE_SHM_EXCLUSIVE;
	sqlite3_file_control(db->sql, "main", SQLITE_FCNTL_FILE_POINTER, &f);
	sqlite3_file_control(db->sql, "main", SQLITE_FCNTL_JOURNAL_POINTER, &wal);
	if (!f || !f->pMethods || !wal || !wal->pMethods)
		return 0;
	int rc = f->pMethods->xShmLock(f, LOCK_OF_CHECKPOINTS, 1, lock);
	if (rc != SQLITE_OK)
		return (rc & 0xff) == SQLITE_BUSY ? -EBUSY : -EIO;
	rc = write_pages_of_log_again(f, wal);
	(void)f->pMethods->xShmLock(f, LOCK_OF_CHECKPOINTS, 1, unlock);
	return rc == SQLITE_OK ? 0 : rc == SQLITE_NOMEM ? -ENOMEM : rc == SQLITE_FULL ? -ENOSPC : -EIO;
}

/* 0: what was copied into the file is there. */
static int copied_is_durable(struct db *db) {
	if (!db->copy_doubtful)
		return 0;
	int rc = db_begin(db);
	if (rc < 0)
		return rc;
	rc = make_copied_durable(db);
	db_rollback(db);
	db->copy_doubtful = rc < 0;
	return rc;
}

/*
 * After a sync that failed, the system takes for written what it may not have written, and no later sync will write it.
 * The owner who met it is gone and told nobody of that batch, but we find it in the WAL, and what we add stands
 * upon it.  Nobody else changes the WAL while we hold the lock of a writer.
 */
static int make_wal_durable(struct db *db) {
	sqlite3_file *wal = NULL;
	sqlite3_int64 size = 0;
	int rc = db_begin(db);
	if (rc < 0)
		return rc;
	sqlite3_file_control(db->sql, "main", SQLITE_FCNTL_JOURNAL_POINTER, &wal);
	bool there = wal && wal->pMethods;
	rc = there ? write_again(wal) : 0;
	db->wal_found = there && wal->pMethods->xFileSize(wal, &size) == SQLITE_OK && size > 0;
	if (rc == 0 && db->wal_found)
		db->copy_doubtful = make_copied_durable(db) < 0; /* then no checkpoint before it can be done */
	db_rollback(db);
	return rc;
}

int db_open_writer(struct db *db, const struct env *e, const char *path, struct cdm_diag *diag) {
	memset(db, 0, sizeof(*db));
	db->env = e;
	int rc = e->may(e, path, ENV_EXISTS) == 0 ? 0 : create(e, path, diag);
	if (rc == 0)
		rc = open_current(db, path, diag);
	if (rc < 0)
		return rc;
	if (prepare_statements(db) < 0)
		return explain(db, path, diag);
	if ((rc = make_wal_durable(db)) < 0) {
		message_add(diag, MESSAGE_OPEN, "%s-wal: %s", path, err_text(rc));
		return rc;
	}
	distrust_wal(db, false);
	place_note(e, &db->file, path, "");
	place_note(e, &db->wal, path, "-wal");
	return 0;
}

/* A medium that cannot be written has no room for SQLite's shared index, and needs none. */
static int open_immutable(struct db *db, const char *path, struct cdm_diag *diag) {
	char uri[3 * PATH_MAX + 32];
	size_t n = (size_t)snprintf(uri, sizeof(uri), "file:");
	db_close(db);
	for (const char *c = path; *c && n < 3 * PATH_MAX; c++)
		n += (size_t)snprintf(uri + n, sizeof(uri) - n,
				strchr("?#% ", *c) ? "%%%02x" : "%c", (unsigned char)*c);
	snprintf(uri + n, sizeof(uri) - n, "?immutable=1");
	int rc = open_sql(db, uri, SQLITE_OPEN_READONLY | SQLITE_OPEN_URI);
	if (rc == -ENOMEM)
		return rc;
	int64_t version = 0;
	return rc < 0 ? explain(db, path, diag) : identify(db, path, &version, diag);
}

static bool has_wal(const struct env *e, const char *path) {
	char wal[PATH_MAX];
	snprintf(wal, sizeof(wal), "%s-wal", path);
	return e->may(e, wal, ENV_EXISTS) == 0;
}

static bool folder_is_writable(const struct env *e, const char *path) {
	char folder[PATH_MAX];
	return e->may(e, env_folder_of(path, folder), ENV_WRITABLE) == 0;
}

int db_open_reader(struct db *db, const struct env *e, const char *path, struct cdm_diag *diag) {
	int64_t version = 0;
	memset(db, 0, sizeof(*db));
	db->env = e;
	int rc = said(e->may(e, path, ENV_READABLE));
	if (rc < 0) {
		enum message m = rc == -ENOENT ? MESSAGE_MISSING : MESSAGE_OPEN;
		message_add(diag, m, "%s: %s", path, err_text(rc));
		return rc;
	}
	rc = open_sql(db, path, SQLITE_OPEN_READONLY);
	if (rc == -ENOMEM)
		return rc;
	if (rc < 0)
		return explain(db, path, diag);
	bool fixed = !has_wal(e, path) && !folder_is_writable(e, path);
	rc = fixed ? open_immutable(db, path, diag) : identify(db, path, &version, diag);
	if (rc == 1) { /* its owner died before it was made */
		message_add(diag, MESSAGE_MISSING, "%s is empty", path);
		return -ENOENT;
	}
	if (rc < 0)
		return rc;
	return db_run(db, "PRAGMA trusted_schema = OFF; PRAGMA cell_size_check = ON; PRAGMA mmap_size "
		       "= 0");
}

void db_close(struct db *db) {
	if (db->copy_doubtful)
		distrust_wal(db, true); /* the next owner finds the log, and does it */
	forget_statements(db);
	sqlite3_close(db->sql);
	*db = (struct db){ .env = db->env };
}

/* ---- writing ---- */

int db_finish(struct db *db, sqlite3_stmt *s) {
	errno = 0;
	int rc = sqlite3_step(s) == SQLITE_DONE ? 0 : db_error(db);
	sqlite3_reset(s);
	return rc;
}

int db_begin(struct db *db) {
	return db_finish(db, db->begin);
}

/*
 * SQLite writes and syncs the frames first and makes its index of them longer then.  What fails at that leaves a batch
 * that the next owner finds: it is in doubt, not refused.
 */
int db_commit(struct db *db) {
	int rc = db_finish(db, db->commit), code = sqlite3_extended_errcode(db->sql);
	bool in_doubt = code == SQLITE_IOERR_SHMSIZE || code == SQLITE_IOERR_SHMMAP || (code & 0xff) == SQLITE_NOMEM;
	return rc < 0 && in_doubt ? -EIO : rc;
}

/* Some errors have rolled back already. */
void db_rollback(struct db *db) {
	if (!sqlite3_get_autocommit(db->sql))
		(void)!db_run(db, "ROLLBACK");
}

int db_insert(struct db *db, const struct journal_record *r) {
	sqlite3_stmt *s = db->insert;
	sqlite3_bind_int64(s, 1 + SEQ, (int64_t)r->seq);
	sqlite3_bind_int64(s, 1 + EPOCH, (int64_t)r->epoch);
	sqlite3_bind_int64(s, 1 + HLC, (int64_t)r->hlc);
	sqlite3_bind_int64(s, 1 + WALL, r->wall.ns);
	sqlite3_bind_text(s, 1 + ENTITY, r->entity, -1, SQLITE_STATIC);
	sqlite3_bind_text(s, 1 + PRINCIPAL, r->principal, -1, SQLITE_STATIC);
	sqlite3_bind_text(s, 1 + VISIBILITY, record_visibility_name(r->visibility), -1,
			SQLITE_STATIC);
	sqlite3_bind_text(s, 1 + KIND, r->kind_name, -1, SQLITE_STATIC);
	sqlite3_bind_text(s, 1 + CLASS, record_class_name(r->class), -1, SQLITE_STATIC);
	sqlite3_bind_blob(s, 1 + BODY, r->body, (int)r->body_bytes, SQLITE_STATIC);
	sqlite3_bind_blob(s, 1 + BODY_HASH, r->body_hash.bytes, HASH_BYTES, SQLITE_STATIC);
	sqlite3_bind_blob(s, 1 + PREV, r->prev.bytes, HASH_BYTES, SQLITE_STATIC);
	sqlite3_bind_blob(s, 1 + HASH, r->hash.bytes, HASH_BYTES, SQLITE_STATIC);
	return db_finish(db, s);
}

int db_erase(struct db *db, uint64_t seq) {
	sqlite3_bind_int64(db->erase, 1, (int64_t)seq);
	int rc = db_finish(db, db->erase);
	return rc == 0 && sqlite3_changes(db->sql) == 0 ? -ENOENT : rc;
}

int db_note_wipe(struct db *db) {
	return db_run(db, "INSERT OR IGNORE INTO due VALUES ('wipe')");
}

int db_checkpoint(struct db *db, bool empty) {
	int left = 0, mode = empty ? SQLITE_CHECKPOINT_TRUNCATE : SQLITE_CHECKPOINT_PASSIVE;
	int rc = copied_is_durable(db);
	if (rc < 0)
		return rc;
	sqlite3_busy_timeout(db->sql, 0); /* batches wait */
	rc = sqlite3_wal_checkpoint_v2(db->sql, NULL, mode, &left, NULL) == SQLITE_OK ? 0 : db_error(db);
	sqlite3_busy_timeout(db->sql, BUSY_MS);
	db->copy_doubtful = rc == -EIO;
	if (rc < 0)
		return rc;
	if (left >= 0)
		db->wal_frames = left;
	return 0;
}

int db_wipe(struct db *db, bool gaps) {
	int rc = copied_is_durable(db);
	if (rc == 0 && gaps && !db->gaps_known) {
		sqlite3_busy_timeout(db->sql, 0);
		rc = gaps_clear(db->sql, db->gaps_doubtful);
		sqlite3_busy_timeout(db->sql, BUSY_MS);
		db->gaps_known = rc == 0;
		db->copy_doubtful = rc == -EIO;
		db->gaps_doubtful = rc < 0 && (db->gaps_doubtful || rc == -EIO);
	}
	return rc < 0 ? rc : db_checkpoint(db, true); /* where a reader is in the way of that, the gaps stay known */
}

int db_wipe_due(struct db *db, bool *due) {
	int64_t count = 0, begun = 0;
	int rc = db_query(db, "SELECT count(*) FROM due", &count);
	if (rc == 0)
		rc = db_query(db, "SELECT count(*) FROM due WHERE what = 'wipe'", &begun);
	*due = count > 0;
	db->gaps_doubtful = begun > 0; /* who was to do it may have died in the middle */
	return rc;
}

int db_wiped(struct db *db) {
	return db_run(db, "DELETE FROM due");
}

int64_t db_bytes(struct db *db) {
	sqlite3_file *f = NULL;
	sqlite3_int64 bytes = 0;
	bool known = sqlite3_file_control(db->sql, "main", SQLITE_FCNTL_FILE_POINTER, &f) == SQLITE_OK && f &&
		     f->pMethods && f->pMethods->xFileSize(f, &bytes) == SQLITE_OK;
	return known ? bytes : 0;
}

/* ---- reading ---- */

int db_select(struct db *db, uint64_t from, bool last, sqlite3_stmt **out) {
	const char *sql = last ? "SELECT " COLUMNS " FROM record ORDER BY seq DESC LIMIT 1"
			       : "SELECT " COLUMNS " FROM record WHERE seq >= ? ORDER BY seq";
	if (sqlite3_prepare_v2(db->sql, sql, -1, out, NULL) != SQLITE_OK)
		return db_error(db);
	if (!last)
		sqlite3_bind_int64(*out, 1, from <= INT64_MAX ? (int64_t)from : INT64_MAX);
	return 0;
}

static bool take_text(sqlite3_stmt *s, enum column c, char *out, size_t capacity) {
	const void *text = sqlite3_column_text(s, c);
	size_t n = (size_t)sqlite3_column_bytes(s, c);
	if (!text || n >= capacity || memchr(text, 0, n))
		return false;
	memcpy(out, text, n);
	out[n] = 0;
	return true;
}

bool db_take_hash(sqlite3_stmt *s, int c, struct hash *out) {
	const void *data = sqlite3_column_blob(s, c);
	if (!data || sqlite3_column_bytes(s, c) != HASH_BYTES)
		return false;
	memcpy(out->bytes, data, HASH_BYTES);
	return true;
}

bool db_take_number(sqlite3_stmt *s, int c, uint64_t *out) {
	int64_t v = sqlite3_column_int64(s, c);
	*out = (uint64_t)v;
	return sqlite3_column_type(s, c) == SQLITE_INTEGER && v >= 0;
}

static bool take_names(sqlite3_stmt *s, struct journal_record *r) {
	char visibility[16], class[8];
	if (!take_text(s, VISIBILITY, visibility, sizeof(visibility)) ||
			!take_text(s, CLASS, class, sizeof(class)) ||
			!take_text(s, KIND, r->kind_name, sizeof(r->kind_name)))
		return false;
	int v = record_visibility_find(visibility), c = record_class_find(class),
	    k = record_kind_find(r->kind_name);
	r->visibility = (uint8_t)v;
	r->class = (uint8_t)c;
	r->kind = (uint16_t)(k < 0 ? JOURNAL_KIND_COUNT : k);
	return v >= 0 && c > JOURNAL_D0;
}

static bool take_body(sqlite3_stmt *s, struct journal_record *r) {
	int bytes = sqlite3_column_bytes(s, BODY);
	r->erased = sqlite3_column_type(s, BODY) == SQLITE_NULL;
	r->body = sqlite3_column_blob(s, BODY);
	r->body_bytes = (uint32_t)bytes;
	return r->erased || (r->body && bytes > 0 && bytes <= (int)JOURNAL_BODY_MAX);
}

static bool take_row(sqlite3_stmt *s, struct journal_record *r) {
	r->wall.ns = sqlite3_column_int64(s, WALL);
	return db_take_number(s, SEQ, &r->seq) && db_take_number(s, EPOCH, &r->epoch) &&
	       db_take_number(s, HLC, &r->hlc) && take_text(s, ENTITY, r->entity, sizeof(r->entity)) &&
	       take_text(s, PRINCIPAL, r->principal, sizeof(r->principal)) && take_names(s, r) &&
	       take_body(s, r) && db_take_hash(s, BODY_HASH, &r->body_hash) &&
	       db_take_hash(s, PREV, &r->prev) && db_take_hash(s, HASH, &r->hash);
}

int db_step(struct db *db, sqlite3_stmt *s, struct journal_record *r) {
	int rc = sqlite3_step(s);
	if (rc == SQLITE_DONE)
		return 0;
	if (rc != SQLITE_ROW)
		return db_error(db);
	return take_row(s, r) ? 1 : -EBADMSG;
}

int db_tail(struct db *db, struct journal_record *tail, struct cdm_diag *diag) {
	sqlite3_stmt *s = NULL;
	memset(tail, 0, sizeof(*tail));
	int rc = db_select(db, 0, true, &s);
	if (rc == 0)
		rc = db_step(db, s, tail);
	if (rc == 1)
		rc = record_check(tail, tail->seq - 1, &tail->prev);
	if (rc < 0)
		message_add(diag, MESSAGE_DAMAGED, "the last record cannot be read (%s)",
				err_name(rc));
	tail->body = NULL;
	tail->body_bytes = 0;
	sqlite3_finalize(s);
	return rc;
}
