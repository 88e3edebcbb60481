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
#define BODY_UTTERANCE_MAX (120u << 10) /* what a person, or a model, says at once */
#define BODY_PPM 1000000u

struct body_text {
	const char *at; /* may be NULL when bytes is 0 */
	size_t bytes;
};

static inline struct body_text body_text(const char *s) {
	return (struct body_text){ s, s ? strlen(s) : 0 };
}

/* 0..1 in millionths, rounded; what is outside, or not a number, is brought inside. */
uint32_t body_ppm(double fraction);

struct body_epoch {
	uint64_t epoch;
	struct hash plan_hash;
};

struct body_fact {
	struct body_text key;   /* 1..BODY_KEY_MAX */
	struct body_text value; /* ..BODY_VALUE_MAX; empty: the fact is forgotten */
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
	struct body_fact facts[BODY_FACTS_MAX];
	struct body_text symbols; /* ..BODY_SYMBOLS_MAX: the symbols it contained */
};

struct body_set {
	struct body_text field; /* 1..BODY_NAME_MAX */
	struct body_text value; /* ..BODY_VALUE_MAX, as `cadmus set` takes it */
};

enum body_what { BODY_LOADED = 1, BODY_UNLOADED, BODY_ACTIVE, BODY_WHAT_COUNT };
/* "loaded", ...; "?" outside the enum. */
const char *body_what_name(unsigned what);

struct body_model {
	struct body_text name; /* 1..BODY_NAME_MAX */
	uint64_t what;         /* enum body_what */
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
};

struct body_outcome {
	uint64_t id;             /* of the command */
	struct body_text what;   /* 1..BODY_NAME_MAX: "done", "aborted", "interrupted" (core died before it was over) */
	struct body_text reason; /* ..BODY_VALUE_MAX */
};

struct body_refusal {
	struct body_text reason; /* 1..BODY_NAME_MAX: machine-readable */
	struct body_text detail; /* ..BODY_VALUE_MAX: for people */
};

struct body_erase {
	uint64_t seq;            /* whose body is gone */
	struct body_text reason; /* ..BODY_VALUE_MAX */
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

#endif
