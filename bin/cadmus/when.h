/*
 * when.h - a moment as people write it: `10:05`, `yesterday 10:05`, `2026-11-30 10:05:07.25`, `-5min`, `#123`.
 *
 *      now                       after all that there is, also where the clock was set back since
 *      #123                      after record 123; #0: before the first one
 *      -5min   1h30min ago       so long before now: ms, s, min, h, d (24 h), w, also in words
 *      10:05[:07[.25]]           today, or yesterday where that is still to come
 *      today, yesterday, 2026-11-30, each with a time behind it or meaning its first moment
 *      2026-11-30T10:05:07+01:00 any of these times with a zone: Z, UTC, +01, +0100, +01:00
 *
 * Without a zone a time is that of TZ.  A local time that the clock showed twice (summer time ends) is the first of the
 * two; one that it never showed (summer time begins) is the moment at which it was put forward.  Both are noted, so
 * that whoever answers can say what was meant.  Years go from 1970 to 2261.
 *
 * No clock is read; the time zone is that of the C library.  One thread.
 */
#ifndef CADMUS_WHEN_H
#define CADMUS_WHEN_H

#include <stdbool.h>
#include <stdint.h>
#include "base/check.h"
#include "cadmus/types.h"

#define WHEN_FORMS "now, 10:05, 'yesterday 10:05:07', '2026-11-30 10:05', 2026-11-30T10:05:07Z, -5min, '2 h ago', #123"
#define WHEN_TEXT_MAX 48

enum when_note {
	WHEN_PLAIN,
	WHEN_TWICE,   /* the clock showed this time twice: the first is meant */
	WHEN_SKIPPED, /* it never showed it: the moment of the leap is meant */
};

struct when {
	bool is_record, is_now;
	uint64_t seq;      /* of a record: the moment after it; 0: before the first */
	struct cdm_wall at; /* else */
	enum when_note note;
};

/* 0; -EINVAL: it is none, or none that can be; *why says which, static. */
MUST_CHECK int when_parse(const char *text, struct cdm_wall now, struct when *out, const char **why);

/* "2026-11-30 10:05:07.250 +01:00" in the zone of TZ, into out; returns out. */
const char *when_text(struct cdm_wall t, char out[WHEN_TEXT_MAX]);
/* What is to be said of a note, "" for a plain one.  Static. */
const char *when_note_text(enum when_note n);

#endif
