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
	sqlite3_stmt *begin, *commit, *insert, *erase; /* of a writer */
	int wal_frames; /* in the WAL after the last commit */
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
/* Set a body to NULL; -ENOENT: no such record. */
MUST_CHECK int db_erase(struct db *db, uint64_t seq);
/* Move the WAL into the file as far as readers allow; `empty`: all of it, or -EBUSY. */
int db_checkpoint(struct db *db, bool empty);

/*
 * Prepare a statement over records from `from` on, in order, or the last one (`last`), and step
 * it: 1: *r is filled, its body borrowed until the next step; 0: no more; -EBADMSG, -EBUSY, -EIO.
 */
MUST_CHECK int db_select(struct db *db, uint64_t from, bool last, sqlite3_stmt **out);
MUST_CHECK int db_step(struct db *db, sqlite3_stmt *s, struct journal_record *r);

/* Our errno for the last thing SQLite said on this connection. */
int db_error(struct db *db);

#endif
