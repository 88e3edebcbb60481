/*
 * log_follow.h - records of a journal as they come.
 *
 * The kernel wakes us when somebody writes the file or its -wal, or when the name gets another file; nothing is asked
 * for in between.  A machine may end and start, checkpoint and reset its WAL meanwhile.  A file that takes the place of
 * the one before is shown from its first record, or from where we were if it is a copy that has that record.
 */
#ifndef CADMUS_LOG_FOLLOW_H
#define CADMUS_LOG_FOLLOW_H

#include "bin/cadmus/log_read.h"
#include "bin/cadmus/verb.h"

/*
 * Show what comes behind record `last` of the journal at `path`, until a visit says no (0), or the folder goes or the
 * file cannot be read (1, explained).  The end of the reader of our output ends the process, as writing to it would.
 */
int log_follow(const struct verb_context *c, const char *path, const struct log_filter *f, uint64_t last,
		journal_visit *show, void *user);

#endif
