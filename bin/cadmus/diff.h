/* diff.h - what is different in two states of one machine, as JSON: for `cadmus diff`. */
#ifndef CADMUS_DIFF_H
#define CADMUS_DIFF_H

#include <jansson.h>
#include "journal/claims.h"

/*
 * {"beliefs": [{"old": item or null, "new": item or null, "why": text}, ...], "claims": ..., } with a list for each
 * part (parts.h) that differs, in the order of parts.def and of the keys; "why" stands with beliefs alone.
 */
json_t *diff_parts(const struct journal_state *a, const struct journal_state *b, const struct claims_asker *asker);
/* {"turn": 3, ...}: records between them by kind, in the order of kind.def; those of unknown kinds as "?". */
json_t *diff_records(const struct journal_state *a, const struct journal_state *b);

#endif
