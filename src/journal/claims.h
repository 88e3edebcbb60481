/*
 * claims.h - which claims of a key count for whoever asks.
 *
 * One's own, and those of the machine (principal ""); where one has none of one's own, all that one may see.  So
 * nobody is told another's name as his own, and what a sensor saw still stands beside what one said.
 *
 * Pure; any thread.
 */
#ifndef JOURNAL_CLAIMS_H
#define JOURNAL_CLAIMS_H

#include "journal/state.h"

#define CLAIMS_MAX 32 /* of one key that are looked at: the newest */

struct claims_asker {
	const char *owner;   /* whose claims are one's own */
	const char *sees[2]; /* what is shown must be visible to both */
};

/* May `a` see what belongs to `principal` with this visibility? */
bool claims_may_see(const struct claims_asker *a, const char *principal, unsigned visibility);

/*
 * The claims of the key at index `*next` of the state's facts that count for `a` (NULL: for whoever sees all), in the
 * order of their sources; *next moves to the next key.  Their number; 0 also when none may be seen.
 */
unsigned claims_next(const struct journal_state *s, const struct claims_asker *a, unsigned *next,
		const struct state_fact *out[CLAIMS_MAX]);

#endif
