/*
 * keeper.h - a thread of core's for what takes its time: it reads the journal's file at length, so that nobody waits.
 *
 * One job at a time; its end makes keeper_fd() readable, and keeper_take() hands its result over.  What it works on
 * belongs to it meanwhile.  All functions are the control thread's.
 */
#ifndef RUNTIME_KEEPER_H
#define RUNTIME_KEEPER_H

#include <stdbool.h>
#include "journal/journal_read.h"

enum keeper_work {
	KEEPER_NOTHING,
	KEEPER_FOLD, /* the state after the last record, anew */
	KEEPER_PLAN, /* which records may go */
	KEEPER_KEEP, /* the same, by what is to be kept; -ENOENT: none that is worth it */
	KEEPER_SCAN, /* which facts were made of a record, directly or not */
};

#define KEEPER_SEQS_MAX 1024u

/* What need not be kept: what is older than this; and when the journal holds more than so much, all that may go. */
struct keeper_policy {
	struct cdm_wall since; /* ns 0: it does not matter */
	uint64_t bytes;        /* 0: it does not matter */
	uint64_t after;        /* up to there records have been let go already */
};

struct keeper_job {
	enum keeper_work work;
	uint64_t upto, kinds;            /* of a plan: as journal_plan_compaction(); of a scan: upto is the record */
	struct keeper_policy keep;       /* of a job to keep */
	uint64_t stays;                  /* out, of a job to keep: bytes of what never goes, where there are too many */
	int rc;                          /* out */
	struct journal_state *state;     /* out, of a fold: the caller's to free() */
	struct journal_compaction plan;  /* out, of a plan */
	uint64_t after, last;            /* of a scan: it begins behind that record and `upto`; out: its last one */
	uint64_t seqs[KEEPER_SEQS_MAX];  /* of a scan: found by then, in order; out: and more.  -E2BIG: too many */
	unsigned count;
};

struct keeper;

/* `path`: the journal's file.  -ENOMEM, -errno. */
MUST_CHECK int keeper_open(struct keeper **out, const char *path);
/* The job in hand ends early.  Accepts NULL; sets *k NULL. */
void keeper_close(struct keeper **k);
int keeper_fd(const struct keeper *k);
/* Begin a job; -EBUSY: there is one. */
MUST_CHECK int keeper_begin(struct keeper *k, const struct keeper_job *job);
bool keeper_is_busy(const struct keeper *k);
/* The job in hand, if any, is not wanted now: it ends soon, with -ECANCELED unless it was done. */
void keeper_cancel(struct keeper *k);
/* The job that has ended; -EAGAIN: none. */
MUST_CHECK int keeper_take(struct keeper *k, struct keeper_job *out);

#endif
