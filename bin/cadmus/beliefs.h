/*
 * beliefs.h - of each key: what is believed, how far, by whom it is said, and who says otherwise.
 *
 * A state keeps claims; what is believed is worked out here, as for the models (runtime/view.c has the same few lines,
 * as no lower layer knows both the journal and sem).  One thread.
 */
#ifndef CADMUS_BELIEFS_H
#define CADMUS_BELIEFS_H

#include <jansson.h>
#include "journal/claims.h"
#include "sem/support.h"

struct belief {
	const char *key;
	unsigned count;
	const struct state_fact *claims[CLAIMS_MAX];
	double worth[CLAIMS_MAX];   /* what each supports its value with */
	double recency[CLAIMS_MAX]; /* the part of time in that */
	struct support is;
	bool mixed; /* what one may say in private is weighed with what that one does not see: nobody's own belief */
};

#define BELIEFS_MIXED "weighed with what is private; what one person believes: cadmus why KEY --as WHO"

/* The belief of the key at index *next of the facts, for `a` (NULL: of all claims); false: `a` may see none.  *next
   moves to the next key; its end is s->fact_count. */
bool beliefs_next(const struct journal_state *s, const struct claims_asker *a, unsigned *next, struct belief *out);
/* Of one key; false: there is none. */
bool beliefs_of(const struct journal_state *s, const struct claims_asker *a, const char *key, struct belief *out);
/* How many keys `a` sees something of. */
unsigned beliefs_count(const struct journal_state *s, const struct claims_asker *a);
/* For whoever is called `who`; NULL gives NULL, who sees all. */
const struct claims_asker *beliefs_asker(const char *who, struct claims_asker *room);

/* What a claim's value stands for: it says what is believed. */
bool beliefs_agrees(const struct belief *b, unsigned claim);
/* Claims in the order in which they are shown: those that say what is believed first, then by their worth. */
void beliefs_order(const struct belief *b, unsigned order[CLAIMS_MAX]);

void beliefs_print(const struct belief *b);
/* With who stands against it; `claims` as well if told. */
json_t *beliefs_json(const struct belief *b, bool claims);
json_t *beliefs_claim_json(const struct state_fact *f);

#endif
