/*
 * index_priv.h - the index as SQLite sees it: its schema, its statements, what stands in its one row of position.
 *
 * It is made from the journal and can be thrown away at any time.  -EBADMSG from any function here means that it should
 * be: what it holds cannot be what was written.  One thread.
 */
#ifndef MEMORY_INDEX_PRIV_H
#define MEMORY_INDEX_PRIV_H

#include <sqlite3.h>
#include <stdbool.h>
#include "base/hash.h"
#include "env/env.h"
#include "memory/passage.h"
#include "memory/words.h"

#define INDEX_APPLICATION_ID 0x43444d4d /* "CDMM" */
#define INDEX_FORMAT 3
#define INDEX_BLOCK 64 /* vectors that are stored together */

enum index_query {
	INDEX_BEGIN, INDEX_READ, INDEX_COMMIT, INDEX_LOAD, INDEX_SAVE,
	INDEX_ADD, INDEX_ADD_TEXT, INDEX_ADD_WORDS, INDEX_DROP_WORDS, INDEX_DROP, INDEX_DROP_TEXT, INDEX_OPTIMIZE,
			INDEX_SET_LIVE,
	INDEX_STANDING, INDEX_CLAIMS, INDEX_WORDS_OF,
	INDEX_OF_SEQ, INDEX_SEQ_FROM, INDEX_KNOWN, INDEX_TEXTS, INDEX_ROWS, INDEX_ROW, INDEX_PROBE,
			INDEX_SESSION,
	INDEX_OWN_CLAIM, INDEX_BLOCK_READ, INDEX_BLOCK_WRITE, INDEX_BLOCKS_DROP,
	INDEX_QUERY_COUNT
};

/* How far it is. */
struct index_position {
	uint64_t upto;       /* seq of the last record that was looked at */
	struct hash hash;    /* its hash: another one means another journal */
	int64_t next;        /* id of the next passage */
	int64_t vectors;     /* passages below this id have their vector */
	uint64_t live, words; /* passages that can be found, and the sum of their words */
	bool wipe;           /* erased bytes may still be in the WAL, or between cells */
	char embedder[CDM_NAME_MAX]; /* who made the vectors */
	uint32_t dims;
};

struct index {
	sqlite3 *sql;
	struct words *words;
	sqlite3_stmt *queries[INDEX_QUERY_COUNT];
	struct index_position at;
	bool in_file;
	bool gaps; /* something was erased since they were cleared, perhaps by an owner before */
	bool gaps_doubtful; /* they may read zero, and not be so on the disk */
	int wal_pages; /* after the last commit */
	int busy_ms; /* how long a reader that copies the file, or whoever else has locked it, is waited for */
};

/* Open or make the file, mode 0600.  -EBADMSG; -EACCES, -ENOSPC, -EIO ...: what the file system said. */
MUST_CHECK int index_open(struct index *x, const struct env *e, const char *path, int busy_ms);
/* One in memory, with what is in the file as far as that can be read. */
MUST_CHECK int index_open_private(struct index *x, const struct env *e, const char *path, int busy_ms);
/* Accepts a zeroed one. */
void index_close(struct index *x);
/* Remove the file and what belongs to it; only its owner may. */
void index_remove(const struct env *e, const char *path);

/* A statement, ready to bind; reset it when done, or use index_run(). */
sqlite3_stmt *index_query(struct index *x, enum index_query q);
/* Run a statement that gives no rows. */
MUST_CHECK int index_run(struct index *x, sqlite3_stmt *s);
/* Our errno for what SQLite said last, which was not what was wanted. */
int index_error(struct index *x);

/* The seq of the record with that identity, 0: there is none. */
MUST_CHECK int index_known(struct index *x, const struct hash *identity, uint64_t *seq);

MUST_CHECK int index_begin(struct index *x);
/* With the position as it is now. */
MUST_CHECK int index_commit(struct index *x);
/* The position is again that of the file; -EBADMSG. */
MUST_CHECK int index_rollback(struct index *x);
/* Move what is in the WAL to its place, if it is worth it; the caller has time. */
void index_tidy(struct index *x);
/*
 * Take erased bytes out of the gaps of the file and empty the WAL, if due; it stays due where a reader is in the way.
 */
void index_wipe(struct index *x);

#endif
