/*
 * body.h - the bodies of records as C structs, so that nobody writes MessagePack by hand.
 *
 *	struct body_set b = { .field = body_text("speed"), .value = body_text("0.5") };
 *	int bytes = body_build_set(&b, buffer, sizeof(buffer));
 *
 * Equal structs give equal bytes.  Parsed texts point into the parsed bytes and are not zero
 * terminated.  Texts are UTF-8 without zero bytes; each has a bound, given beside it.  Numbers that
 * are fractions in the world are integers here, in millionths (ppm), so that every machine folds
 * them to the same state.
 *
 * Values only; any thread.
 */
#ifndef JOURNAL_BODY_H
#define JOURNAL_BODY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include "base/check.h"
#include "base/hash.h"
#include "journal/record.h"

#define BODY_FACTS_MAX 32
#define BODY_REQUEST_MAX 63  /* bytes of a request id */
#define BODY_NAME_MAX (CDM_NAME_MAX - 1)
#define BODY_KEY_MAX 63
#define BODY_VALUE_MAX 511
#define BODY_SYMBOLS_MAX 255
#define BODY_ASKED_MAX 1023 /* bytes of symbols as they were asked for */
#define BODY_UTTERANCE_MAX (120u << 10) /* what a person, or a model, says at once */
#define BODY_SOURCES_MAX 16  /* records that a fact derives from */
#define BODY_SAMPLE_MAX 4096 /* bytes of a sample; of a longer one the hash is kept */
#define BODY_PART_MAX (240u << 10) /* bytes of a plan in one record */
#define BODY_PPM 1000000u

struct body_text {
	const char *at; /* may be NULL when bytes is 0 */
	size_t bytes;
};

static inline struct body_text body_text(const char *s) {
	return (struct body_text){ s, s ? strlen(s) : 0 };
}

static inline bool body_text_is(struct body_text t, const char *s) {
	return t.bytes == strlen(s) && (t.bytes == 0 || memcmp(t.at, s, t.bytes) == 0);
}

/* As keys of facts and ids of goals are kept, whoever says them: in small letters, as far as ASCII goes, and without
   spaces at the ends, which nobody sees. */
void body_fold_key(char *key);

/* 0..1 in millionths, rounded; what is outside, or not a number, is brought inside. */
uint32_t body_ppm(double fraction);

struct body_epoch {
	uint64_t epoch;
	struct hash plan_hash;
};

struct body_said { /* in a turn: what the speaker claims */
	struct body_text key;   /* 1..BODY_KEY_MAX */
	struct body_text value; /* ..BODY_VALUE_MAX; empty: it is taken back */
	uint32_t trust_ppm;
};

struct body_turn {
	struct body_text request; /* ..BODY_REQUEST_MAX: a retry carries the same one; empty: none */
	struct body_text speaker; /* ..BODY_NAME_MAX: entity that spoke */
	struct body_text model;   /* ..BODY_NAME_MAX: entity that answered */
	struct body_text user;    /* ..BODY_UTTERANCE_MAX */
	struct body_text answer;  /* ..BODY_UTTERANCE_MAX */
	struct hash view_hash;    /* of the view of the state that the model was shown */
	uint32_t trust_ppm;       /* least trust of all that went into it */
	uint32_t fact_count;
	struct body_said facts[BODY_FACTS_MAX];
	struct body_text symbols; /* ..BODY_SYMBOLS_MAX: the symbols it contained */
	struct body_text session; /* ..BODY_KEY_MAX: the conversation that it belongs to */
	uint64_t said_ms;         /* when it was said, milliseconds since 1970; 0: when the record was written */
};

struct body_set {
	struct body_text field; /* 1..BODY_NAME_MAX */
	struct body_text value; /* ..BODY_VALUE_MAX, as `cadmus set` takes it */
	struct body_text request; /* ..BODY_REQUEST_MAX, as of a turn */
};

enum body_what {
	BODY_LOADED = 1, BODY_UNLOADED, BODY_ACTIVE, /* a model */
	BODY_OPEN, BODY_DONE, BODY_DROPPED,          /* a goal */
	BODY_ADOPTED, BODY_ADDED, BODY_CHANGED, BODY_REMOVED, /* a dictionary */
	BODY_WHAT_COUNT
};
/* "loaded", ...; "?" outside the enum. */
const char *body_what_name(unsigned what);

struct body_model {
	struct body_text name; /* 1..BODY_NAME_MAX */
	uint64_t what;         /* BODY_LOADED, BODY_UNLOADED, BODY_ACTIVE */
};

struct body_evidence {
	struct body_text subject; /* 1..BODY_NAME_MAX: about whom */
	struct body_text role;    /* ..BODY_NAME_MAX: in which role */
	struct body_text dim;     /* ..BODY_NAME_MAX: "talent", "training", "temperament" */
	uint64_t p_ppm, n_ppm;    /* evidence for and against, in millionths of one observation */
	uint64_t half_life_ms;    /* earlier evidence of the same key decays by it first; 0: it does not */
};

struct body_command {
	uint64_t id;
	struct body_text verb;   /* 1..BODY_NAME_MAX */
	int64_t number;
	struct body_text source; /* ..BODY_NAME_MAX: where it came from */
	uint32_t trust_ppm;
	struct body_text request; /* ..BODY_REQUEST_MAX, as of a turn */
	struct body_text symbols; /* ..BODY_ASKED_MAX: where it has a request, what that asked for */
};

struct body_outcome {
	uint64_t id;             /* of the command */
	struct body_text what;   /* 1..BODY_NAME_MAX: "done", "aborted", "interrupted" (core died before it was over) */
	struct body_text reason; /* ..BODY_VALUE_MAX */
};

struct body_refusal {
	struct body_text reason; /* 1..BODY_NAME_MAX: machine-readable */
	struct body_text detail; /* ..BODY_VALUE_MAX: for people */
	struct body_text request; /* ..BODY_REQUEST_MAX, as of a turn */
	struct body_text source;  /* ..BODY_NAME_MAX: where it has a request, who asked */
	struct body_text symbols; /* ..BODY_ASKED_MAX, as of a command */
};

struct body_erase {
	uint64_t seq;            /* whose body is gone */
	struct body_text reason; /* ..BODY_VALUE_MAX */
};

/* Records by their seqs. */
struct body_seqs {
	uint32_t count;
	uint64_t at[BODY_SOURCES_MAX];
};

/*
 * A claim: what `source` says of `key`.  The newest claim of a source counts, unless it comes late; those of others
 * stand beside it.
 */
struct body_fact {
	struct body_text request;  /* ..BODY_REQUEST_MAX, as of a turn */
	struct body_text key;      /* 1..BODY_KEY_MAX */
	struct body_text value;    /* ..BODY_VALUE_MAX; empty: the claim is taken back */
	struct body_text source;   /* ..BODY_NAME_MAX: who claims it; empty: the entity that wrote the record */
	struct body_text via;      /* ..BODY_NAME_MAX: through whom */
	uint32_t trust_ppm;        /* in the source, when it was said */
	uint32_t confidence_ppm;   /* of the source in what it says */
	uint64_t seen_ms;          /* when it was so, milliseconds since 1970; 0: when the record was written */
	struct body_seqs from;     /* records that it was made of; none: seen, or heard, first-hand */
	uint64_t held_at; /* trust, confidence, seen_ms were held to `from` in the state after it; 0: they were not */
};

struct body_goal {
	struct body_text request; /* ..BODY_REQUEST_MAX, as of a turn */
	struct body_text id;      /* 1..BODY_KEY_MAX */
	struct body_text text;    /* ..BODY_VALUE_MAX */
	uint64_t what;            /* BODY_OPEN, BODY_DONE, BODY_DROPPED */
	uint32_t weight_ppm;
	uint64_t due_ms;          /* milliseconds since 1970; 0: whenever */
};

struct body_symbol {
	struct body_text text;   /* 1..BODY_SYMBOLS_MAX */
	struct body_text source; /* ..BODY_NAME_MAX: who saw or said them */
	uint32_t trust_ppm;
};

struct body_dictionary {
	struct body_text table; /* 1..BODY_NAME_MAX */
	uint64_t what;          /* BODY_ADOPTED (the whole table), BODY_ADDED, BODY_CHANGED, BODY_REMOVED (a sense) */
	struct body_text form;  /* ..BODY_KEY_MAX, of a sense */
	struct body_text gloss; /* ..BODY_KEY_MAX */
	uint64_t version;       /* of the table, after it */
	struct hash hash;       /* of the table's text */
};

/* Parts of one plan follow each other in one transaction or several; the last one makes it known. */
struct body_plan {
	struct hash hash;
	uint64_t part, parts;  /* 1..parts */
	struct body_text data; /* 1..BODY_PART_MAX; any bytes */
};

struct body_sample {
	struct body_text field;  /* 1..BODY_NAME_MAX */
	uint64_t version, epoch; /* of the sample; of its writer */
	uint64_t seen_ms;        /* its source time on the calendar */
	struct body_text status; /* ..BODY_NAME_MAX: cdm_status_name(): "OK", "STALE", "DEGRADED", "ORPHAN" */
	uint32_t trust_ppm;
	uint64_t bytes;
	struct hash hash;        /* of its bytes */
	struct body_text data;   /* ..BODY_SAMPLE_MAX; empty: it is longer, or nothing */
};

struct body_gap {
	struct body_text what;   /* 1..BODY_NAME_MAX: a kind of record, a field, "time" */
	uint64_t count;          /* how many; of "time" milliseconds */
	struct body_text reason; /* ..BODY_VALUE_MAX */
};

struct body_snapshot {
	uint64_t upto;     /* seq of the last record in it */
	struct hash state; /* state_hash() */
	struct hash image; /* of its bytes in the file */
	uint64_t bytes;
};

struct body_compact {
	uint64_t upto;          /* no record behind it was let go */
	uint64_t removed, kept; /* in all, up to there */
	struct hash digest;     /* over the hashes of those that stay, in order */
	struct hash requests;   /* over the requests that records up to there answered; zeros: it was not said */
	struct body_text kinds; /* ..BODY_VALUE_MAX: names of those that were let go, with blanks between */
};

/*
 * body_build_KIND(struct, out, capacity): bytes written; -E2BIG: a text or the whole is longer than its
 * bound; -EINVAL: a required text is empty, a text holds a zero byte, or an enum is none.
 * body_parse_KIND(bytes, count, struct): 0; -EPROTO: not such a body.  Unknown keys are passed over
 * and missing ones read as empty or 0, so that older and newer programs read each other's records.
 */
#define JOURNAL_KIND(NAME, name, class, text)                                                        \
	MUST_CHECK int body_build_##name(const struct body_##name *b, void *out, size_t capacity);   \
	MUST_CHECK int body_parse_##name(const void *bytes, size_t count, struct body_##name *b);
#include "journal/kind.def"
#undef JOURNAL_KIND

/* The request that a body of this kind, or of one that nobody knows here, has, borrowed from it; empty: it has none.
   -EPROTO: not such a body. */
MUST_CHECK int body_request(unsigned kind, const void *bytes, size_t count, struct body_text *request);

#endif
