/*
 * trace.h - a record, and the records that it derives from, and so on: the chain behind a belief.
 *
 * A record derives from earlier ones alone; one that names itself or a later one is said to be wrong, not followed.  So
 * there are no circles, and depth and number are bounded besides.  One thread.
 */
#ifndef CADMUS_TRACE_H
#define CADMUS_TRACE_H

#include <jansson.h>
#include "bin/cadmus/past.h"
#include "journal/claims.h"

#define TRACE_DEPTH_MAX 8
#define TRACE_RECORDS_MAX 256 /* of one trace; each is shown once */

struct trace {
	const struct past *past;
	const struct claims_asker *asker; /* NULL: sees all */
	uint64_t upto;      /* no record behind it is looked at */
	uint64_t compacted; /* records up to there may have been let go */
	unsigned count;
	uint64_t seen[TRACE_RECORDS_MAX];
};

struct trace trace_begin(const struct past *p, const struct journal_state *s, const struct claims_asker *a);

/*
 * {"seq", "is", "time", "kind", "entity", "principal", "visibility", "body", "from": [the same, ...]}.  "is" says what
 * is there: "whole", "erased", "let go", "hidden" (the asker may not see it), "not there", "not earlier" (than what
 * derives from it), "above" (it is in this trace already) or "too far" (bounds).  What is not known is missing.
 */
json_t *trace_record(struct trace *t, uint64_t seq);
/* Lines for people, indented by so many blanks; `how` stands before the first one. */
void trace_print(const json_t *node, unsigned indent, const char *how);

/* A text of the journal as it is shown: cut, in quotes, without anything that moves the terminal. */
#define TRACE_WORDS_MAX 200
const char *trace_words(const char *text, char out[TRACE_WORDS_MAX]);

#endif
