/* memory_priv.h - what the parts of a memory share; each function belongs to the thread of its owner. */
#ifndef MEMORY_MEMORY_PRIV_H
#define MEMORY_MEMORY_PRIV_H

#include "env/env.h"
#include "journal/journal_read.h"
#include "memory/index_priv.h"
#include "memory/memory.h"
#include "memory/shelf_priv.h"

/* What a batch changes of passages that are on the shelf already; done when it is committed, or can be searched. */
struct memory_change {
	int64_t id;
	bool live, erased;
};

struct memory {
	const struct env *env;
	struct memory_embedder asked;    /* by the owner; name NULL: that of the index */
	struct memory_embedder embedder; /* of the vectors that there are; embed NULL: hashed n-grams */
	char asked_name[CDM_NAME_MAX], kept_name[CDM_NAME_MAX];
	size_t vector_bytes;
	char journal[PATH_MAX], path[PATH_MAX], lock_path[PATH_MAX];
	struct journal_reader *reader;
	struct env_file journal_file, index_file; /* what was opened */
	int busy_ms;
	int lock;        /* < 0: somebody else owns the index's file, or nobody can */
	struct index index;
	struct shelf shelf;
	uint64_t renewed, unmerged;
	bool loose; /* the last batch is in a transaction that is open */
	unsigned yielded; /* entries of an import that the index has not seen yet */

	struct memory_change *changes;
	size_t change_count, change_room;
	bool erased; /* something was, in this batch */

	int8_t *block;   /* the vectors that are being written */
	int64_t block_at; /* its number, < 0: none */
	float *floats;   /* of an embedder */
	struct search *search; /* scratch of search.c, NULL until the first one */
};

/* ---- fill.c ---- */

/* Take one record into the index, in the transaction that is open.  -EBADMSG and others as index_error(). */
MUST_CHECK int fill_record(struct memory *m, const struct journal_record *r);
/* Make at most `limit` vectors; how many. */
MUST_CHECK int fill_vectors(struct memory *m, unsigned limit);
/* The vector of a text as a passage has it; -EAGAIN; 0 also when it has none (all zeros). */
MUST_CHECK int fill_vector_of(struct memory *m, const char *text, size_t bytes, int8_t *out);

/* ---- search.c ---- */

void search_free(struct search **s);

/* ---- hit.c ---- */

/* Read it from the journal: 0: *h is filled; -ENOENT: the journal has it no more, or `asker` may not see it; -errno. */
MUST_CHECK int hit_read(struct memory *m, const struct claims_asker *asker, struct memory_hit *h);
/* What the rules of claims.h say of a record of `principal`. */
bool hit_is_seen(const struct claims_asker *asker, const char *principal, unsigned visibility);

#endif
