/* why.h - what `cadmus why` can be asked about.  0, or an exit code after explaining. */
#ifndef CADMUS_WHY_H
#define CADMUS_WHY_H

#include "bin/cadmus/past.h"
#include "journal/claims.h"

struct why {
	const struct verb_context *c;
	const struct past *past;
	const struct moment *moment;
	const struct journal_state *state;
	const struct claims_asker *asker; /* NULL: sees all */
};

int why_key(const struct why *w, const char *key);
int why_command(const struct why *w, uint64_t id);

#endif
