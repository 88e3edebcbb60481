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

/* What is being read ends with -ECANCELED soon, and so does all that is begun later.  Any thread. */
void journal_read_cancel(struct journal_reader *r);

/* Called with each record (borrowed for the call); anything but 0 ends the walk and is returned. */
typedef int journal_visit(void *user, const struct journal_record *record);

/*
 * Visit records from `from_seq` (0 or 1: the first) on, at most `limit` (0: all).  0, what a visit
 * returned, or -EBADMSG: the file is damaged.  The chain is not checked.
 */
MUST_CHECK int journal_each(struct journal_reader *r, uint64_t from_seq, uint64_t limit,
		journal_visit *visit, void *user);

/*
 * Is somebody in the middle of a transaction?  Who watches the file sees it written before a reader can see what was
 * written, as SQLite makes that known last, and without a trace in the file.  So after each change ask this, then read,
 * and again until it was false: all that was written before can be read then.  Locks nothing.
 */
bool journal_read_busy(struct journal_reader *r);

/*
 * Visit the record `seq` alone: what the visit returned, or -ENOENT.  Cheaper than journal_each(), for who looks up
 * many; the visit may not call it again.
 */
MUST_CHECK int journal_one(struct journal_reader *r, uint64_t seq, journal_visit *visit, void *user);

/*
 * All that journal_each() and journal_one() visit until journal_let_go() is of one moment, and a dozen looks cost half
 * as much.  For milliseconds: meanwhile the journal's log cannot be emptied.  A hold is not held twice, and no other
 * function is called in it.
 */
MUST_CHECK int journal_hold(struct journal_reader *r);
void journal_let_go(struct journal_reader *r);

/* The last record's seq, 0 when there is none. */
MUST_CHECK int journal_last(struct journal_reader *r, uint64_t *seq);
/* The last record not later than `when` (by its hybrid clock), 0 when there is none. */
MUST_CHECK int journal_seq_at(struct journal_reader *r, struct cdm_wall when, uint64_t *seq);
/* The same by the calendar, to the millisecond: the last record that was dated so.  Where the clock was ahead for a
   while and was set back, hybrid clocks stand still until the calendar has come up: what happens meanwhile is found by
   this alone.  It looks at all records after that: 0.2 s a million. */
MUST_CHECK int journal_seq_dated(struct journal_reader *r, struct cdm_wall when, uint64_t *seq);

/* Kinds of which compactions let records go, as bits 1 << enum journal_kind. */
MUST_CHECK int journal_kinds_gone(struct journal_reader *r, uint64_t *kinds);
/* The record that answered this request; -ENOENT: none did. */
MUST_CHECK int journal_request(struct journal_reader *r, const char *principal, const char *id, uint64_t *seq);

/*
 * The state after record `seq` (UINT64_MAX: after the last).  The chain is checked on the way.
 * -EBADMSG: broken, diag names the record, *state is that before it.
 */
MUST_CHECK int journal_state_at(struct journal_reader *r, uint64_t seq, struct journal_state *state,
		struct cdm_diag *diag);

/* The last record in the newest snapshot that is not behind `seq`; 0: there is none. */
MUST_CHECK int journal_snapshot_at(struct journal_reader *r, uint64_t seq, uint64_t *upto);

/*
 * A copy of the file as it is now, of what is committed, at a path where nothing is yet; the machine may go on
 * meanwhile.  -EEXIST, -EACCES, -ENOENT, -ENOSPC, -EIO, -E2BIG.  It has this name once it is whole and on the
 * disk; who is killed before leaves PATH.part, and the next one takes that away.
 */
MUST_CHECK int journal_backup(struct journal_reader *r, const char *path, struct cdm_diag *diag);

/* How much the file holds, in bytes: pages in use, not those that were given back. */
MUST_CHECK int journal_used(struct journal_reader *r, uint64_t *used);
/* And how much of that are, by and large, records of the kinds in the set.  Looks at all records. */
MUST_CHECK int journal_used_by(struct journal_reader *r, uint64_t kinds, uint64_t *used);

/* What a compaction would do: for the note of journal_compact().  `body` points into it. */
struct journal_compaction {
	struct body_compact body;
	uint64_t going; /* records that would go now */
	char kinds[512];
};

/*
 * Records of the kinds in the set (bit k: enum journal_kind k) may go, up to the newest snapshot that is not behind
 * `upto`: body.upto.  -ENOENT: there is no such snapshot; -EINVAL: epochs, erasures, snapshots and compactions stay;
 * -EBUSY: those of the compaction before are still being removed; -EBADMSG.  Reads all records up to there.  The plan
 * is good until the next compaction.
 */
MUST_CHECK int journal_plan_compaction(struct journal_reader *r, uint64_t upto, uint64_t kinds,
		struct journal_compaction *out);

struct journal_report {
	uint64_t records, erased;
	uint64_t removed;   /* let go */
	uint64_t snapshots; /* of them all as their records say, and as the fold says where it can be made */
	uint64_t first_bad; /* 0: none */
	struct hash head;   /* of the last good record: note it, and a cut tail will show, too */
};

/*
 * Check every page, body and link, every snapshot, and that nothing is missing but what a compaction says.  0;
 * -EBADMSG: report->first_bad (0: no one record is to blame).
 */
MUST_CHECK int journal_verify(struct journal_reader *r, struct journal_report *report,
		struct cdm_diag *diag);
/* The same; `progress` hears of each record, and of the last one there is. */
typedef void journal_progress(void *user, uint64_t seq, uint64_t last);
MUST_CHECK int journal_verify_telling(struct journal_reader *r, struct journal_report *report,
		struct cdm_diag *diag, journal_progress *progress, void *user);

#endif
