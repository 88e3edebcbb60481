/* intact.h - is a journal what was written?  For `state verify`, `state backup` and `log --verify`. */
#ifndef CADMUS_INTACT_H
#define CADMUS_INTACT_H

#include "bin/cadmus/verb.h"
#include "journal/journal_read.h"

/* Check all of it; how far it is stands on standard error while that is a terminal.  0, or 1 after explaining. */
int intact_check(const struct verb_context *c, const char *verb, struct journal_reader *r, struct journal_report *out);
/* The same, and say what was found: for people, or as one JSON value. */
int intact_show(const struct verb_context *c, const char *verb, struct journal_reader *r);

#endif
