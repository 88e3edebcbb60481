/*
 * gone.h - what ceased to be known of late, for views that tell what changed: the state has only what there is.
 *
 * Of this life of core; belongs to the control thread.
 */
#ifndef RUNTIME_GONE_H
#define RUNTIME_GONE_H

#include <stdbool.h>
#include "journal/body.h"
#include "journal/record.h"
#include "journal/state.h"

#define GONE_MAX 64u

struct gone_thing {
	uint64_t seq; /* of the record that took it away */
	struct cdm_wall when;
	bool is_goal;
	uint8_t visibility;
	char key[BODY_KEY_MAX + 1]; /* of a fact; the id of a goal */
	char who[CDM_NAME_MAX], principal[CDM_NAME_MAX];
};

struct gone {
	struct gone_thing at[GONE_MAX]; /* number n in n % GONE_MAX */
	uint64_t end;  /* so many there were */
	uint64_t from; /* what the records up to there took away is not known */
	uint32_t there; /* which claims of the record that is looked at, by their numbers, take something away */
};

/* All that there was before this record is unknown. */
void gone_begin(struct gone *g, uint64_t seq);
/* A record that is about to be folded into `s`. */
void gone_look(struct gone *g, const struct journal_state *s, const struct journal_record *r);
/* And now it was: `s` is the state after it, and had `dropped` entries before. */
void gone_note(struct gone *g, const struct journal_state *s, const struct journal_record *r, uint64_t dropped);
/* The newest is 0; NULL: there are no more behind `since`. */
const struct gone_thing *gone_back(const struct gone *g, unsigned back, uint64_t since);

#endif
