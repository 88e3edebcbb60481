/*
 * db_priv.h - the state file as SQLite sees it: its identity, schema, settings and statements.
 *
 * A db belongs to one thread at a time; it may be opened on one and used on another.
 */
#ifndef JOURNAL_DB_PRIV_H
#define JOURNAL_DB_PRIV_H

#include <limits.h>
#include <sqlite3.h>
#include "cadmus/diag.h"
#include "env/env.h"
#include "journal/record.h"

#define DB_APPLICATION_ID 0x43444d4a /* "CDMJ" */

/* Which file it is that has a name. */
struct db_place {
	char path[PATH_MAX];
	struct env_file file; /* zeros: not known */
};

struct db {
	const struct env *env;
	sqlite3 *sql;
	int version; /* of the file */
	sqlite3_stmt *begin, *commit, *insert, *erase, *note; /* of a writer */
	sqlite3_stmt *known; /* since a request was looked up */
	int wal_frames; /* in the WAL after the last commit */
	bool gaps_known; /* to be empty: nothing was committed since */
	bool copy_doubtful; /* a checkpoint failed: what was copied from the log may not be on the disk */
	bool gaps_doubtful; /* they may read zero, and not be so on the disk */
	bool wal_found; /* there was one when it was opened; of a writer */
	struct db_place file, wal; /* of a writer: as they were opened */
};

/* Open for writing, creating or migrating as needed; errors as journal_open().  `path` is canonical. */
MUST_CHECK int db_open_writer(struct db *db, const struct env *e, const char *path, struct cdm_diag *diag);
/* Open for reading; errors as journal_read_open(). */
MUST_CHECK int db_open_reader(struct db *db, const struct env *e, const char *path, struct cdm_diag *diag);
/* Accepts a zeroed db. */
void db_close(struct db *db);

/* The last record, without its body; seq 0 when there is none.  -EBADMSG: it is not sound. */
MUST_CHECK int db_tail(struct db *db, struct journal_record *tail, struct cdm_diag *diag);

MUST_CHECK int db_begin(struct db *db);
MUST_CHECK int db_commit(struct db *db);
/* -ESTALE: the name of the file, or of its WAL, is gone or leads elsewhere: what is written now, nobody will find. */
MUST_CHECK int db_in_place(const struct db *db);
void db_rollback(struct db *db);
MUST_CHECK int db_insert(struct db *db, const struct journal_record *r);
/* Set a body to NULL; -ENOENT: no such record, or one that what was let go or folded stands on. */
MUST_CHECK int db_erase(struct db *db, uint64_t seq);
/* Move the WAL into the file as far as readers allow, who are not waited for; `empty`: all of it, or -EBUSY. */
int db_checkpoint(struct db *db, bool empty);

/*
 * Take out what was erased: of the WAL, and, if `gaps`, of what is not allocated in the file, which takes a tenth of a
 * millisecond a megabyte and more.  -EBUSY: a reader holds on to it.
 */
MUST_CHECK int db_wipe(struct db *db, bool gaps);
/* Of the transaction that erases something: until db_wiped() whoever owns the file has to. */
MUST_CHECK int db_note_wipe(struct db *db);
/* Was something erased, and db_wiped() not called since?  By this owner or one before. */
MUST_CHECK int db_wipe_due(struct db *db, bool *due);
MUST_CHECK int db_wiped(struct db *db);
int64_t db_bytes(struct db *db); /* of the file without its WAL; 0: not known */

/*
 * Prepare a statement over records from `from` on, in order, or the last one (`last`), and step
 * it: 1: *r is filled, its body borrowed until the next step; 0: no more; -EBADMSG, -EBUSY, -EIO.
 */
MUST_CHECK int db_select(struct db *db, uint64_t from, bool last, sqlite3_stmt **out);
MUST_CHECK int db_step(struct db *db, sqlite3_stmt *s, struct journal_record *r);

/* ---- db_kept.c: what is kept beside the records; a reader finds nothing in a file of format 1 ---- */

bool db_keeps(const struct db *db); /* is it of a later format? */

/* 1: the record that has this request, 0: there is none. */
MUST_CHECK int db_request_find(struct db *db, const char *principal, const char *id, uint64_t *seq);
/* 0: noted; 1: that record had it before, and still has. */
MUST_CHECK int db_request_note(struct db *db, const char *principal, const char *id, uint64_t seq, uint64_t *before);
/* BLAKE2b-256 over the requests that records up to there answered, by principal and id. */
MUST_CHECK int db_request_digest(struct db *db, uint64_t upto, struct hash *digest);
/* How many are of records that have their bodies, and how many of none, behind `upto`. */
MUST_CHECK int db_request_count(struct db *db, uint64_t upto, int64_t *answered, int64_t *loose);

struct db_snapshot {
	uint64_t upto;     /* seq of the last record in it */
	uint64_t seq;      /* of the record that vouches for it */
	uint64_t number;   /* 1, 2 ... in the order in which they were made */
	struct hash image; /* of its bytes */
	const void *state; /* state_encode() */
	size_t bytes;
};

/* Put it there, in the place of one of the same `upto`, with the next number. */
MUST_CHECK int db_snapshot_put(struct db *db, const struct db_snapshot *s);
/* Let those go that stand too close to each other: what is left grows with the logarithm of how many there were. */
MUST_CHECK int db_snapshot_thin(struct db *db);
/* Let those go whose `upto` is at least `from` and at most `to`. */
MUST_CHECK int db_snapshot_drop(struct db *db, uint64_t from, uint64_t to);
/* The one with the largest `upto` up to there: 1, and *s with its state borrowed until *hold is finalized; 0: none. */
MUST_CHECK int db_snapshot_find(struct db *db, uint64_t upto, sqlite3_stmt **hold, struct db_snapshot *s);

/* Records up to `upto` of `kinds` (names with blanks between) are to be let go; `done`: how far they have been. */
struct db_compaction {
	uint64_t upto, done;
	char kinds[512];
};

MUST_CHECK int db_compaction_begin(struct db *db, const struct db_compaction *c);
/* The newest one: 1; 0: there was none. */
MUST_CHECK int db_compaction_find(struct db *db, struct db_compaction *c);
/* Look at the next `count` records and let go what is to go, in a transaction of its own; c->done moves on. */
MUST_CHECK int db_compaction_step(struct db *db, struct db_compaction *c, unsigned count);

/* ---- for db.c and db_kept.c ---- */

MUST_CHECK int db_run(struct db *db, const char *sql);
/* The one integer that a query answers. */
MUST_CHECK int db_query(struct db *db, const char *sql, int64_t *out);
/* Run a prepared statement to its end; SQLite's answer as ours. */
MUST_CHECK int db_finish(struct db *db, sqlite3_stmt *s);
bool db_take_number(sqlite3_stmt *s, int column, uint64_t *out);
bool db_take_hash(sqlite3_stmt *s, int column, struct hash *out);

/* Our errno for the last thing SQLite said on this connection. */
int db_error(struct db *db);

#endif
