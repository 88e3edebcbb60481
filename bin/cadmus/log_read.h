/*
 * log_read.h - records of a journal for `cadmus log`: which ones, and a walk that holds nothing while they are shown.
 *
 * A reader in the middle of a walk keeps the WAL from shrinking, and who shows records may stand still for hours (a
 * pager, a full pipe).  So some are copied at a time, and shown when the walk is over.  One thread.
 */
#ifndef CADMUS_LOG_READ_H
#define CADMUS_LOG_READ_H

#include "journal/journal_read.h"

struct log_filter {
	uint64_t kinds; /* set of bits 1 << enum journal_kind; 0: all, those of newer programs too */
	const char *session, *principal, *entity; /* NULL: any */
};

/* "turn,command" into the set; 0, or 2 after explaining. */
int log_filter_kinds(const char *list, uint64_t *kinds);
bool log_filter_takes(const struct log_filter *f, const struct journal_record *r);

struct log_walked {
	uint64_t last;  /* record that was looked at */
	uint64_t shown; /* records */
	uint64_t gone;  /* that are not there: they were let go */
};

/* Of those between `from` and `to` that the filter takes, show the first `limit` (0: all).  0, what a visit returned,
   or < 0. */
int log_read(struct journal_reader *r, const struct log_filter *f, uint64_t from, uint64_t to, uint64_t limit,
		journal_visit *show, void *user, struct log_walked *out);
/* Where to begin so that log_read() up to `to` shows the last `count`. */
int log_read_from(struct journal_reader *r, const struct log_filter *f, uint64_t to, uint64_t count, uint64_t *from);

#endif
