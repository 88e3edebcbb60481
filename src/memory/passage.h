/*
 * passage.h - a record of the journal as what can be found: passages of a turn, and claims.
 *
 * A turn that is short is one passage, of what was said and what was answered; a longer one is cut, between words where
 * that is possible, so that a question meets the part that answers it, and what one passage costs is bounded.  Each
 * claim of a turn, or of a fact, is a passage of its own: its key and its value.
 *
 * The passages of a record are the same whoever makes them: the index holds them, and a hit is read anew from the
 * journal.
 *
 * Pure; any thread.
 */
#ifndef MEMORY_PASSAGE_H
#define MEMORY_PASSAGE_H

#include "journal/body.h"
#include "journal/record.h"

#define PASSAGE_BYTES_MAX 2048u

enum passage_kind { PASSAGE_TURN = 1, PASSAGE_CLAIM };

struct passage {
	uint64_t seq;
	uint32_t claim;     /* 0: of the turn itself; else the claim with that number in the record, from 1 */
	uint32_t part;      /* of a turn that was cut, from 0 */
	uint8_t kind, visibility;
	bool taken_back;    /* a claim without a value */
	bool dated;         /* a claim whose source says when it was so: late news, where it has said something later */
	uint32_t trust_ppm; /* of a claim: trust times confidence */
	struct cdm_wall when; /* said, or seen */
	char principal[CDM_NAME_MAX];
	char speaker[CDM_NAME_MAX]; /* who spoke, who claims */
	char model[CDM_NAME_MAX];   /* who answered, through whom */
	char session[BODY_KEY_MAX + 1];
	char key[BODY_KEY_MAX + 1];
	/* of the text; of what was said, or of the key and the sign behind it: the rest is the answer, or the value */
	uint32_t bytes, first;
	char text[PASSAGE_BYTES_MAX];
};

/* Anything but 0 ends the walk and is returned. */
typedef int passage_visit(void *user, const struct passage *p);
/* The passages of a turn or a fact, at least one; of other records, of erased and of broken ones none. */
MUST_CHECK int passage_each(const struct journal_record *r, passage_visit *visit, void *user);

/*
 * What was said, by whom, of when, as a hash: the same in every journal that it stands in, whatever its seq, its
 * request and the seqs that it derives from.  -ENOENT: the record is neither a turn nor a fact that can be read.
 */
MUST_CHECK int passage_identity(const struct journal_record *r, struct hash *out);

/* When a turn was said, or a fact was seen; milliseconds since 1970. */
uint64_t passage_turn_ms(const struct journal_record *r, const struct body_turn *b);
uint64_t passage_fact_ms(const struct journal_record *r, const struct body_fact *b);

#endif
