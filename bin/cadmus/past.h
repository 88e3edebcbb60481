/*
 * past.h - a machine as it was: its journal opened for a verb, moments in it, and the state at each.
 *
 * The file alone is read, whether the machine is up or down.  Everything here explains a failure on standard error by
 * itself and returns an exit code; verbs just return it then.  One thread.
 */
#ifndef CADMUS_PAST_H
#define CADMUS_PAST_H

#include <jansson.h>
#include "bin/cadmus/verb.h"
#include "bin/cadmus/when.h"
#include "journal/journal_read.h"

struct past {
	const char *verb;
	char machine[CDM_NAME_MAX], path[1024];
	struct journal_reader *reader;
	struct cdm_wall now; /* what is relative is relative to that */
};

/* Nothing is opened yet; now is now. */
struct past past_begin(const char *verb);
/* The journal of the machine meant. */
int past_open(const struct verb_context *c, struct past *p);
void past_close(struct past *p);

/* A moment as it was asked for, and the last record not later than it: 0, there was none yet. */
struct moment {
	struct when when;
	uint64_t seq;
};

/* Wrong usage where `text` is no moment; `what` names what it was given for: "--since", or NULL. */
int past_when(const struct past *p, const char *what, const char *text, struct when *out);
/*
 * As many of the words at the beginning as make one moment, so that nobody need quote "yesterday 10:05"; *used of them.
 * Where the first word makes none, that is explained.
 */
int past_words(const struct past *p, const char *const *words, unsigned count, struct when *out, unsigned *used);
/* The record that a moment follows; -ENOENT where there is none of that number. */
int past_find(const struct past *p, const struct when *when, struct moment *out);
/* The state then; the caller's to free().  NULL after explaining. */
struct journal_state *past_state(const struct past *p, const struct moment *m);

/* Time of the last record of a state. */
struct cdm_wall past_time(const struct past *p, const struct journal_state *s);
/* "small at 2026-11-30 10:05:00.000 +01:00: after record 17, of 2026-11-30 10:04:58.120 +01:00, epoch 3" */
void past_print(const struct past *p, const struct moment *m, const struct journal_state *s);
/* The same: machine, asked (null of a record), note, record, time (null before the first), epoch, hash. */
json_t *past_json(const struct past *p, const struct moment *m, const struct journal_state *s);
/* Walk all records from `from` to `to`; explained when it fails. */
int past_each(const struct past *p, uint64_t from, uint64_t to, journal_visit *visit, void *user);

#endif
