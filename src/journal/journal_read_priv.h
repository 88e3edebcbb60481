/* journal_read_priv.h - a reader, for those who read in this folder. */
#ifndef JOURNAL_JOURNAL_READ_PRIV_H
#define JOURNAL_JOURNAL_READ_PRIV_H

#include "journal/db_priv.h"
#include "journal/journal_read.h"
#include "journal/message_priv.h"

struct journal_reader {
	struct db db;
	sqlite3_stmt *one;  /* of journal_one(), once it was called */
	sqlite3_stmt *each; /* of journal_each(), when it was called and is not */
	int cancelled; /* by any thread */
	int shm; /* of SQLite's index, for journal_read_busy(), + 1; 0: not opened */
};

/* The last good record of a walk along the chain. */
struct journal_walk {
	struct journal_state *state; /* fold into it, or NULL */
	uint64_t seq, hlc;
	struct hash hash;
};

/* A journal_visit for it: -EBADMSG where the chain is broken. */
int journal_walk_step(void *walk, const struct journal_record *r);
/* Say why the walk ended. */
void journal_walk_failed(struct journal_reader *r, const struct journal_walk *w, int rc, struct cdm_diag *diag);

/* The first record from there on, or the last one of all, without its body: 1; 0: there is none. */
MUST_CHECK int journal_row(struct db *db, uint64_t from, bool last, struct journal_record *out);

/* Is it what its record vouches for?  0, and the hash of the state where `state` is not NULL; -EBADMSG. */
MUST_CHECK int journal_snapshot_vouched(struct journal_reader *r, const struct db_snapshot *s, struct hash *state);

#endif
