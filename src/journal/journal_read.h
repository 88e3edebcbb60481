/*
 * journal_read.h - reading a journal: for `cadmus log`, `at`, `replay`, `verify`, and for recovery.
 *
 * Works on the file alone, with the runtime up, down, or killed, and never hinders it.  A reader sees
 * what is committed at the time of each call.  Belongs to one thread.
 */
#ifndef JOURNAL_JOURNAL_READ_H
#define JOURNAL_JOURNAL_READ_H

#include "cadmus/diag.h"
#include "journal/record.h"
#include "journal/state.h"

struct env;
struct journal_reader;

/* -ENOENT: no file, or nothing in it yet; -EPROTO: no journal, or a newer one; -EBADMSG: damaged; -EACCES, -EIO. */
MUST_CHECK int journal_read_open(const char *path, struct journal_reader **out, struct cdm_diag *diag);
/* The same on another machine than this, borrowed until journal_read_close(). */
MUST_CHECK int journal_read_open_in(const struct env *e, const char *path, struct journal_reader **out,
		struct cdm_diag *diag);
/* Accepts NULL; sets *r NULL. */
void journal_read_close(struct journal_reader **r);

/* Called with each record (borrowed for the call); anything but 0 ends the walk and is returned. */
typedef int journal_visit(void *user, const struct journal_record *record);

/*
 * Visit records from `from_seq` (0 or 1: the first) on, at most `limit` (0: all).  0, what a visit
 * returned, or -EBADMSG: the file is damaged.  The chain is not checked.
 */
MUST_CHECK int journal_each(struct journal_reader *r, uint64_t from_seq, uint64_t limit,
		journal_visit *visit, void *user);

/* The last record's seq, 0 when there is none. */
MUST_CHECK int journal_last(struct journal_reader *r, uint64_t *seq);
/* The last record not later than `when` (by its hybrid clock), 0 when there is none. */
MUST_CHECK int journal_seq_at(struct journal_reader *r, struct cdm_wall when, uint64_t *seq);

/*
 * The state after record `seq` (UINT64_MAX: after the last).  The chain is checked on the way.
 * -EBADMSG: broken, diag names the record, *state is that before it.
 */
MUST_CHECK int journal_state_at(struct journal_reader *r, uint64_t seq, struct journal_state *state,
		struct cdm_diag *diag);

struct journal_report {
	uint64_t records, erased;
	uint64_t first_bad; /* 0: none */
	struct hash head;   /* of the last good record: note it, and a cut tail will show, too */
};

/* Check every page, body and link.  0; -EBADMSG: report->first_bad (0: the file itself is damaged). */
MUST_CHECK int journal_verify(struct journal_reader *r, struct journal_report *report,
		struct cdm_diag *diag);

#endif
