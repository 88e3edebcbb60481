/* at.h - what `cadmus at` can be asked about, each in words and as members of a JSON object. */
#ifndef CADMUS_AT_H
#define CADMUS_AT_H

#include <jansson.h>
#include "bin/cadmus/past.h"
#include "journal/claims.h"

struct at {
	const struct past *past;
	const struct moment *moment;
	const struct journal_state *state;
	const struct claims_asker *asker; /* NULL: sees all */
	json_t *into;                     /* NULL: for people */
};

/* 0, or an exit code after explaining; `name` is what was asked about, NULL where nothing was named. */
int at_field(const struct at *a, const char *name);
int at_trust(const struct at *a, const char *name);
int at_fact(const struct at *a, const char *name);
int at_goal(const struct at *a, const char *name);
int at_session(const struct at *a, const char *name);
int at_model(const struct at *a, const char *name);

/* For people: say first of what moment all of it is.  False where it is for programs. */
bool at_begin(const struct at *a);
/* The moment in nanoseconds: as it was asked for; of a record that record's. */
int64_t at_ns(const struct at *a);

#endif
