/*
 * record.h - what the journal keeps: entries as they are submitted, records as they stand in the file.
 *
 * Records form a chain: hash = BLAKE2b-256(prev || header || body_hash), where header is the
 * canonical MessagePack array of all other columns and body_hash the hash of the body.  So a body
 * can be erased, and the chain still verifies.  spec/journal.md is the format.
 *
 * Values only; any thread.
 */
#ifndef JOURNAL_RECORD_H
#define JOURNAL_RECORD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "base/check.h"
#include "base/hash.h"
#include "cadmus/types.h"

#define JOURNAL_BODY_MAX (256u << 10) /* bytes of one body */
#define JOURNAL_BATCH_MAX 64u         /* entries of one submit, which is one transaction */
#define JOURNAL_KIND_NAME_MAX 16
#define JOURNAL_REQUEST_MAX 64        /* bytes of a request's id, zero included */

enum journal_kind {
#define JOURNAL_KIND(NAME, name, class, text) JOURNAL_##NAME,
#include "journal/kind.def"
#undef JOURNAL_KIND
	JOURNAL_KIND_COUNT /* also: a kind that a newer program wrote */
};

enum journal_visibility {
#define JOURNAL_VISIBILITY(NAME, name) JOURNAL_##NAME,
#include "journal/visibility.def"
#undef JOURNAL_VISIBILITY
	JOURNAL_VISIBILITY_COUNT
};

enum journal_class {
	JOURNAL_D0, /* volatile: counted, not stored */
	JOURNAL_D1, /* group commit: on the disk within 100 ms */
	JOURNAL_D2, /* on the disk before it is acknowledged */
};

/* What a submitter says.  Everything is borrowed for the call. */
struct journal_entry {
	enum journal_kind kind;
	enum journal_visibility visibility;
	const char *entity;    /* who wrote it down: a name of the plan, shorter than CDM_NAME_MAX */
	const char *principal; /* on whose behalf: the same; "" for the machine itself */
	const void *body;      /* one MessagePack map, see body.h */
	size_t body_bytes;     /* 1..JOURNAL_BODY_MAX */
	const char *request;   /* what a client calls its request, so that a retry changes nothing; NULL or "": nothing.
				  One entry of a batch may have one, and its body says the same */
};

struct journal_record {
	uint64_t seq;   /* 1, 2, 3 ... without gaps */
	uint64_t epoch; /* of the runtime that wrote it */
	uint64_t hlc;   /* hybrid logical clock: 48 bits of milliseconds since 1970, 16 of a counter; grows */
	struct cdm_wall wall; /* when it was submitted; may go backwards with the clock */
	uint16_t kind;        /* enum journal_kind; JOURNAL_KIND_COUNT: see kind_name */
	uint8_t visibility;   /* enum journal_visibility */
	uint8_t class;        /* enum journal_class, D1 or D2 */
	bool erased;          /* body is NULL and stays so */
	char kind_name[JOURNAL_KIND_NAME_MAX];
	char entity[CDM_NAME_MAX], principal[CDM_NAME_MAX];
	const void *body;     /* borrowed as the function that filled this says */
	uint32_t body_bytes;
	struct hash body_hash, prev, hash;
};

/* "turn", "private", "D2"; "?" outside the enum.  Static. */
const char *record_kind_name(unsigned kind);
const char *record_visibility_name(unsigned visibility);
const char *record_class_name(unsigned class);
/* The class that kind.def gives a kind. */
enum journal_class record_kind_class(enum journal_kind kind);
/* By name; -ENOENT. */
MUST_CHECK int record_kind_find(const char *name);
MUST_CHECK int record_visibility_find(const char *name);
MUST_CHECK int record_class_find(const char *name);

/* May `asker` see what belongs to `owner` with this visibility? */
bool record_visible(const char *owner, unsigned visibility, const char *asker);

/* The next stamp of a hybrid clock whose last one was `last`. */
uint64_t record_hlc_next(uint64_t last, struct cdm_wall now);
/* The milliseconds in a stamp, as a time. */
struct cdm_wall record_hlc_wall(uint64_t hlc);

/* The hash that the chain wants of r, from its prev, header and body_hash. */
struct hash record_hash(const struct journal_record *r);
/* Does r follow a record with `seq` and `hash` (0 and zeros: the first)?  0, or -EBADMSG. */
MUST_CHECK int record_check(const struct journal_record *r, uint64_t seq, const struct hash *hash);
/* Is it, by its own hash, the one that was written?  That it stands where it should is another question. */
bool record_is_whole(const struct journal_record *r);

#endif
