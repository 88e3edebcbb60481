/*
 * state.h - the state of a machine: the fold of its records, and its hash.
 *
 *	state_init(s);
 *	for each record in order: state_apply(s, record);
 *
 * The same records give the same bytes on every machine: the fold reads nothing but the record,
 * computes in integers, and is bounded.  Where a table is full, the entry that was written longest
 * ago (lowest seq) makes room, and `dropped` says so.  An erased body folds to its header alone:
 * after an erasure the state is what a new replay says.
 *
 * Values only.  A state is large (see sizeof) and belongs to one thread at a time.
 */
#ifndef JOURNAL_STATE_H
#define JOURNAL_STATE_H

#include "journal/body.h"
#include "journal/record.h"

#define STATE_FACTS_MAX 1024
#define STATE_TURNS_MAX 64
#define STATE_REQUESTS_MAX 256
#define STATE_EVIDENCE_MAX 1024
#define STATE_SETTINGS_MAX 256
#define STATE_TEXT_MAX 4096   /* of a turn's user and answer, zero included; longer ones are cut */
#define STATE_ANSWER_MAX 2048 /* of a request's answer, likewise */

struct state_fact { /* known by principal and key */
	char key[BODY_KEY_MAX + 1], principal[CDM_NAME_MAX];
	char value[BODY_VALUE_MAX + 1];
	char source[CDM_NAME_MAX]; /* the model that proposed it; the writing entity when there was none */
	uint8_t visibility;
	uint32_t trust_ppm;
	uint64_t seq; /* of the record that says so */
	struct cdm_wall wall;
};

struct state_turn {
	uint64_t seq;
	struct cdm_wall wall;
	char principal[CDM_NAME_MAX], speaker[CDM_NAME_MAX], model[CDM_NAME_MAX];
	char user[STATE_TEXT_MAX], answer[STATE_TEXT_MAX], symbols[BODY_SYMBOLS_MAX + 1];
	uint8_t visibility;
	uint8_t cut; /* user or answer is longer in the journal */
	uint32_t trust_ppm;
	struct hash view_hash;
};

struct state_request { /* known by principal and id */
	char id[BODY_REQUEST_MAX + 1], principal[CDM_NAME_MAX];
	uint64_t seq; /* of the turn that answered it */
	uint8_t cut;  /* the whole answer is in that record */
	char answer[STATE_ANSWER_MAX];
};

struct state_evidence { /* known by subject, role and dim */
	char subject[CDM_NAME_MAX], role[CDM_NAME_MAX], dim[CDM_NAME_MAX];
	uint64_t p_ppm, n_ppm; /* sums, decayed up to at_ms */
	uint64_t at_ms;        /* hybrid clock of the last evidence */
	uint64_t count, seq;
};

struct state_setting { /* known by field */
	char field[CDM_NAME_MAX], value[BODY_VALUE_MAX + 1];
	char principal[CDM_NAME_MAX];
	uint64_t seq;
	struct cdm_wall wall;
};

struct journal_state {
	uint64_t seq, epoch, hlc; /* of the last record applied; all 0 before the first */
	struct hash head;         /* its hash */
	struct hash plan_hash;    /* of the last epoch record */
	char active_model[CDM_NAME_MAX];
	uint64_t kinds[JOURNAL_KIND_COUNT + 1]; /* records by kind; the last: of kinds unknown here */
	uint64_t command_id_max;
	uint64_t erased;     /* records whose body is gone */
	uint64_t broken;     /* records whose body was not what its kind says */
	uint64_t duplicates; /* turns whose request had been applied before: not applied again */
	uint64_t dropped;    /* entries that made room in a full table */

	/* Tables: items stand anywhere, `order` lists them by their key. */
	uint16_t fact_count, evidence_count, setting_count;
	uint16_t fact_order[STATE_FACTS_MAX], evidence_order[STATE_EVIDENCE_MAX];
	uint16_t setting_order[STATE_SETTINGS_MAX];
	struct state_fact facts[STATE_FACTS_MAX];
	struct state_evidence evidence[STATE_EVIDENCE_MAX];
	struct state_setting settings[STATE_SETTINGS_MAX];

	/* Rings: number n stands in n % MAX; the last MAX of `end` in all are kept. */
	uint64_t turns_end, requests_end;
	uint32_t request_tags[STATE_REQUESTS_MAX]; /* hash of principal and id, to look fewer of them up */
	struct state_turn turns[STATE_TURNS_MAX];
	struct state_request requests[STATE_REQUESTS_MAX];
};

/* The state before the first record.  The memory is from calloc(), or has been a state before. */
void state_init(struct journal_state *s);

/*
 * Fold one record in.  0; -ESTALE: it, or a later one, has been applied (nothing changes);
 * -EPROTO: its body is not what its kind says (only position and counts change).
 */
int state_apply(struct journal_state *s, const struct journal_record *r);

/*
 * BLAKE2b-256 over the canonical MessagePack of the whole state (spec/journal.md).  The calendar does
 * not show in it (wall, hlc, head), nor does the place of an entry in its table: the same things
 * said in the same order give the same hash.
 */
struct hash state_hash(const struct journal_state *s);

/* Look up; NULL when it is not there.  Borrowed until the next state_apply(). */
const struct state_fact *state_fact(const struct journal_state *s, const char *principal, const char *key);
const struct state_evidence *state_evidence(const struct journal_state *s, const char *subject,
		const char *role, const char *dim);
const struct state_setting *state_setting(const struct journal_state *s, const char *field);
const struct state_request *state_request(const struct journal_state *s, const char *principal,
		const char *id);

/* The i-th by key, i < count; the turn `back` turns ago (0: the last), NULL when it is not kept. */
const struct state_fact *state_fact_at(const struct journal_state *s, unsigned i);
const struct state_evidence *state_evidence_at(const struct journal_state *s, unsigned i);
const struct state_setting *state_setting_at(const struct journal_state *s, unsigned i);
const struct state_turn *state_turn(const struct journal_state *s, unsigned back);

#endif
