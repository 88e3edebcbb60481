/*
 * lines.h - what was told, as JSON Lines: out of a journal, and into entries for another one (spec/memory.md).
 *
 * A line is known by the hash of what it says (passage_identity), so importing twice, or into the journal that it came
 * from, changes nothing.  What is imported keeps its time: no claim is fresher than it was.  Export of an import gives
 * the same lines again.
 *
 * One thread.
 */
#ifndef MEMORY_LINES_H
#define MEMORY_LINES_H

#include <stdio.h>
#include "cadmus/diag.h"
#include "journal/journal_read.h"
#include "memory/memory.h"

#define LINES_SCHEMA "cadmus.memory"
#define LINES_VERSION 1
#define LINES_BYTES_MAX (2u << 20) /* of one line */

/* ---- out ---- */

struct lines_report {
	uint64_t sessions, turns, facts;
	uint64_t skipped; /* erased, told twice, or not UTF-8 */
};

/*
 * All sessions, turns and facts, in their order.  -EBADMSG: the journal is damaged; -EIO: `out` took no more; -ENOMEM.
 * What waits in `out` at the end is the caller's to flush.
 */
MUST_CHECK int lines_export(struct journal_reader *r, FILE *out, struct lines_report *report);

/*
 * One turn or fact as a line without its end, into *out, which is the caller's to free.  `r` (may be NULL: as if
 * nothing were there) has what a fact derives from.  -ENOENT: it is neither, or erased; -EILSEQ: not UTF-8; -ENOMEM.
 */
MUST_CHECK int lines_of_record(struct journal_reader *r, const struct journal_record *record, char **out);

/* ---- in ---- */

struct lines_import {
	struct memory *memory; /* of the journal that it goes into; NULL: nothing is known */
	bool begun;            /* the line with the schema has been read */
	uint64_t lines, turns, facts, known; /* read; yielded; passed over, as the journal has them */
	struct journal_entry entry; /* what the last line became; borrowed until the next */
	char keys[BODY_FACTS_MAX][BODY_KEY_MAX + 1]; /* in small letters */
	char entity[CDM_NAME_MAX], principal[CDM_NAME_MAX], request[BODY_REQUEST_MAX + 1];
	uint8_t *body;
};

MUST_CHECK int lines_import_begin(struct lines_import *i, struct memory *m);
void lines_import_end(struct lines_import *i);
/*
 * Read the next line (its end may be there).  1: submit i->entry; 0: nothing to do.  -EAGAIN: it derives from a line
 * that may not be in the journal yet: wait for that, memory_follow(), and give the line again.  -EPROTO, -E2BIG,
 * -EINVAL: it is no such line, diag says why; the next one can be read.  -ESTALE: as memory_known(); give the line
 * again.
 */
MUST_CHECK int lines_import_line(struct lines_import *i, const char *line, size_t bytes, struct cdm_diag *diag);

#endif
