/*
 * state.h - the state of a machine: the fold of its records, and its hash.
 *
 *	state_init(s);
 *	for each record in order: state_apply(s, record);
 *
 * The same records give the same bytes on every machine: the fold reads nothing but the record,
 * computes in integers, and is bounded.  Where a table is full, the entry that was written longest
 * ago (lowest seq) makes room, of facts and goals among those of whoever holds the most (share.c), and
 * `dropped` says so.  An erased body folds to its header alone:
 * after an erasure the state is what a new replay says.
 *
 * A fact is a claim: what one source says of a key.  The newest claim of a source takes the place of
 * its older one, and late news of it, of a time that it names, changes nothing; claims of several sources
 * stand beside each other, however they disagree.  Who is believed is for the reader to work out
 * (sem/support.h).
 *
 * A state can be written whole (state_encode) and read back (state_decode), so that a fold may begin
 * in the middle: state_shape.c says once what stands in it, for both and for the hash.
 *
 * Values only.  A state is large (see sizeof) and belongs to one thread at a time.
 */
#ifndef JOURNAL_STATE_H
#define JOURNAL_STATE_H

#include "journal/body.h"
#include "journal/record.h"

#define STATE_FOLD_READ 2u /* the earliest fold whose states are written alike: a fold may go on from one */
#define STATE_FOLD 4u /* of the fold: grows when the same records give another state */

#define STATE_FACTS_MAX 4096
#define STATE_TURNS_MAX 64
#define STATE_REQUESTS_MAX 256
#define STATE_EVIDENCE_MAX 1024
#define STATE_SETTINGS_MAX 256
#define STATE_GOALS_MAX 64
#define STATE_SAMPLES_MAX 256
#define STATE_DICTIONARIES_MAX 16
#define STATE_MODELS_MAX 64
#define STATE_COMMANDS_MAX 256
#define STATE_SESSIONS_MAX 256
#define STATE_GAPS_MAX 64
#define STATE_SYMBOLS_MAX 32
#define STATE_ERASED_MAX 256
#define STATE_TEXT_MAX 4096   /* of a turn's user and answer, zero included; longer ones are cut */
#define STATE_ANSWER_MAX 2048 /* of a request's answer, likewise */
#define STATE_SAMPLE_MAX 256  /* bytes of a sample; of a longer one there is the hash */

struct state_fact { /* known by key, principal and source */
	char key[BODY_KEY_MAX + 1], principal[CDM_NAME_MAX];
	char source[CDM_NAME_MAX]; /* who claims it */
	char via[CDM_NAME_MAX];    /* the model that wrote it down, say; "" when there was none */
	char value[BODY_VALUE_MAX + 1];
	uint8_t visibility;
	uint32_t trust_ppm, confidence_ppm; /* at most those of each record that it derives from */
	uint64_t seq;              /* of the record that says so */
	struct body_seqs from;     /* records that it derives from */
	struct cdm_wall seen;      /* when it was so: not later than the oldest of what it derives from */
};

struct state_turn {
	uint64_t seq;
	struct cdm_wall wall;
	char principal[CDM_NAME_MAX], speaker[CDM_NAME_MAX], model[CDM_NAME_MAX];
	char session[BODY_KEY_MAX + 1];
	char user[STATE_TEXT_MAX], answer[STATE_TEXT_MAX], symbols[BODY_SYMBOLS_MAX + 1];
	uint8_t visibility;
	uint8_t cut; /* user or answer is longer in the journal */
	uint32_t trust_ppm;
	struct hash view_hash;
};

struct state_request { /* of a turn; known by principal and id */
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

struct state_goal { /* open ones; known by id and principal */
	char id[BODY_KEY_MAX + 1], principal[CDM_NAME_MAX];
	char text[BODY_VALUE_MAX + 1];
	uint8_t visibility;
	uint32_t weight_ppm;
	uint64_t due_ms, seq;
	struct cdm_wall wall;
};

struct state_sample { /* the last one written down of each field */
	char field[CDM_NAME_MAX], status[CDM_NAME_MAX];
	uint64_t version, epoch, seq;
	uint32_t trust_ppm;
	uint64_t bytes;
	struct hash hash;
	struct cdm_wall seen;
	uint16_t kept; /* bytes in data: all, or 0 */
	uint8_t data[STATE_SAMPLE_MAX];
};

struct state_dictionary { /* known by table */
	char table[CDM_NAME_MAX];
	struct hash hash;
	uint64_t version, changes, seq;
};

struct state_model { /* known by name */
	char name[CDM_NAME_MAX];
	uint8_t loaded;
	uint64_t loads, seq;
};

struct state_command { /* one that has no outcome yet; known by id */
	uint64_t id, seq;
	char principal[CDM_NAME_MAX];
};

struct state_session { /* known by principal and id */
	char principal[CDM_NAME_MAX], id[BODY_KEY_MAX + 1];
	uint64_t first_seq, turns, seq;
	struct cdm_wall wall; /* of its last turn */
};

struct state_gap { /* known by what */
	char what[CDM_NAME_MAX];
	uint64_t count, times, seq;
};

struct state_symbol {
	uint64_t seq;
	char text[BODY_SYMBOLS_MAX + 1], source[CDM_NAME_MAX];
	uint32_t trust_ppm;
	struct cdm_wall wall;
};

struct state_erased {
	uint64_t seq;
};

struct journal_state {
	uint64_t seq, epoch, hlc; /* of the last record applied; all 0 before the first */
	struct hash head;         /* its hash */
	struct hash plan_hash;    /* of the last epoch record */
	uint64_t plan_seq;        /* of the record with the last part of the plan written last; 0: none */
	uint64_t compacted;       /* records up to there may have been let go */
	char active_model[CDM_NAME_MAX];
	uint64_t kinds[JOURNAL_KIND_COUNT + 1]; /* records by kind; the last: of kinds unknown here */
	uint64_t command_id_max;
	uint64_t erased;     /* records whose body is gone */
	uint64_t broken;     /* records whose body was not what its kind says */
	uint64_t duplicates; /* turns whose request had been applied before: not applied again */
	uint64_t dropped;    /* entries that made room in a full table */
	bool touched;        /* no longer all zeros: of no meaning but to state_init() */

	/* Tables: items stand densely, in any order; `order` lists them by their key. */
	uint16_t fact_count, evidence_count, setting_count, goal_count, sample_count, dictionary_count;
	uint16_t model_count, command_count, session_count, gap_count;
	uint16_t fact_order[STATE_FACTS_MAX], evidence_order[STATE_EVIDENCE_MAX];
	uint16_t setting_order[STATE_SETTINGS_MAX], goal_order[STATE_GOALS_MAX];
	uint16_t sample_order[STATE_SAMPLES_MAX], dictionary_order[STATE_DICTIONARIES_MAX];
	uint16_t model_order[STATE_MODELS_MAX], command_order[STATE_COMMANDS_MAX];
	uint16_t session_order[STATE_SESSIONS_MAX], gap_order[STATE_GAPS_MAX];
	struct state_fact facts[STATE_FACTS_MAX];
	struct state_evidence evidence[STATE_EVIDENCE_MAX];
	struct state_setting settings[STATE_SETTINGS_MAX];
	struct state_goal goals[STATE_GOALS_MAX];
	struct state_sample samples[STATE_SAMPLES_MAX];
	struct state_dictionary dictionaries[STATE_DICTIONARIES_MAX];
	struct state_model models[STATE_MODELS_MAX];
	struct state_command commands[STATE_COMMANDS_MAX];
	struct state_session sessions[STATE_SESSIONS_MAX];
	struct state_gap gaps[STATE_GAPS_MAX];

	/* Rings: number n stands in n % MAX; the last MAX of `end` in all are kept. */
	uint64_t turns_end, requests_end, symbols_end, erased_end;
	uint32_t request_tags[STATE_REQUESTS_MAX]; /* hash of principal and id, to look fewer of them up */
	struct state_turn turns[STATE_TURNS_MAX];
	struct state_request requests[STATE_REQUESTS_MAX];
	struct state_symbol symbols[STATE_SYMBOLS_MAX];
	struct state_erased erased_seqs[STATE_ERASED_MAX]; /* whose bodies were erased, as records say */
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
 * not show in it (times, hlc, head), nor does the place of an entry in its table: the same things
 * said in the same order give the same hash.
 */
struct hash state_hash(const struct journal_state *s);

/* ---- whole states ---- */

/* Gets the bytes, in pieces. */
typedef void state_sink(void *user, const void *bytes, size_t count);

/* The same MessagePack with the calendar: all that the fold needs to go on. */
void state_encode(const struct journal_state *s, state_sink *sink, void *user);
/*
 * The state that was encoded, by this fold or STATE_FOLD_READ.  `s` as for state_init(), which this does.
 * -EPROTO: these bytes are none; s is then the state before the first record.
 */
MUST_CHECK int state_decode(struct journal_state *s, const void *bytes, size_t count);
/* The fold that encoded these bytes; 0: they are none. */
uint64_t state_fold(const void *bytes, size_t count);
/* Make `to` (as for state_init()) what `from` is; touches no more memory than it must. */
void state_copy(struct journal_state *to, const struct journal_state *from);
/* Take out all that record `seq` brought, where the record itself cannot be folded anew. */
void state_scrub(struct journal_state *s, uint64_t seq);

/* ---- looking up: NULL when it is not there; borrowed until the next state_apply() ---- */

const struct state_fact *state_fact(const struct journal_state *s, const char *key, const char *principal,
		const char *source);
/* What claims and samples are worth at the least; a sample is sure of itself. */
struct state_worth {
	uint32_t trust_ppm, confidence_ppm;
	struct cdm_wall seen;
};
/* Lower *w to what record `seq` is worth; false: nothing of it is held. */
bool state_hold(const struct journal_state *s, uint64_t seq, struct state_worth *w);
/* Claims of a key stand together: the first of them as an index for state_fact_at(), and their number. */
unsigned state_claims(const struct journal_state *s, const char *key, unsigned *first);
const struct state_evidence *state_evidence(const struct journal_state *s, const char *subject,
		const char *role, const char *dim);
const struct state_setting *state_setting(const struct journal_state *s, const char *field);
const struct state_request *state_request(const struct journal_state *s, const char *principal,
		const char *id);
const struct state_goal *state_goal(const struct journal_state *s, const char *id, const char *principal);
const struct state_sample *state_sample(const struct journal_state *s, const char *field);
const struct state_dictionary *state_dictionary(const struct journal_state *s, const char *table);
const struct state_session *state_session(const struct journal_state *s, const char *principal, const char *id);

/* The i-th by key, i < count; of a ring the one `back` ago (0: the last), NULL when it is not kept. */
const struct state_fact *state_fact_at(const struct journal_state *s, unsigned i);
const struct state_evidence *state_evidence_at(const struct journal_state *s, unsigned i);
const struct state_setting *state_setting_at(const struct journal_state *s, unsigned i);
const struct state_goal *state_goal_at(const struct journal_state *s, unsigned i);
const struct state_sample *state_sample_at(const struct journal_state *s, unsigned i);
const struct state_dictionary *state_dictionary_at(const struct journal_state *s, unsigned i);
const struct state_model *state_model_at(const struct journal_state *s, unsigned i);
const struct state_command *state_command_at(const struct journal_state *s, unsigned i);
const struct state_session *state_session_at(const struct journal_state *s, unsigned i);
const struct state_gap *state_gap_at(const struct journal_state *s, unsigned i);
const struct state_turn *state_turn(const struct journal_state *s, unsigned back);
const struct state_symbol *state_symbol(const struct journal_state *s, unsigned back);

#endif
