/*
 * memory.h - finding again what a machine was told: turns and claims of its journal, by words and by likeness.
 *
 *	memory_open(path, NULL, &m, diag);
 *	while (memory_follow(m, 1000) == 1000)
 *		;
 *	int n = memory_search(m, &(struct memory_query){ .text = "where is the key?" }, hits, 10);
 *
 * The index stands beside the journal (PATH.memory) and is made from it alone: memory_follow() reads the records
 * behind the last one that it knows, as any reader does.  One that is damaged, or of another journal, is thrown away
 * and made again.  It proposes; what is given as a hit is read from the journal at that moment, whole, and only if it
 * may be seen: so nothing that was erased comes back, and nothing that the journal does not say.
 *
 * One memory owns the file at a time.  Whoever comes second, or may not write there, works on a copy in memory.
 *
 * One thread, that of its owner, calls everything.
 */
#ifndef MEMORY_MEMORY_H
#define MEMORY_MEMORY_H

#include "cadmus/diag.h"
#include "journal/claims.h"
#include "memory/passage.h"
#include "memory/score.h"

#define MEMORY_QUESTION_MAX 4096u     /* bytes of a question that are looked at */
#define MEMORY_QUESTION_WORDS_MAX 32u /* different words of it */
#define MEMORY_HITS_MAX 256u          /* of one search */
#define MEMORY_GLANCE 64u             /* records of memory_glance() */
#define MEMORY_VECTOR_BYTES (64u << 20)

struct env;
struct memory;

#define MEMORY_AHEAD 16u /* passages that an embedder is shown at once */

/* What makes vectors of texts.  Its name is kept in the index: another one makes all vectors anew. */
struct memory_embedder {
	const char *name; /* shorter than CDM_NAME_MAX */
	/*
	 * 32..VECTOR_DIMS_MAX, a multiple of 32.  0: not known yet; then they are those of the index, if that has
	 * vectors of this name, else hashed n-grams serve, until memory_dims() says them.
	 */
	unsigned dims;
	double floor;     /* cosine of texts that have nothing to do with each other */
	/*
	 * 0; -EAGAIN: not now (words alone are searched, and the passage is tried again; the next ones, MEMORY_AHEAD
	 * in all, are shown as well, so that several can be on their way); other: never, of this text.
	 */
	int (*embed)(void *user, const char *text, size_t bytes, float *out);
	void *user;
};

/* Hashed n-grams: vector.h. */
extern const struct memory_embedder memory_hashed;

/* Zeros mean the defaults.  Everything is borrowed until memory_close(). */
struct memory_options {
	const struct env *env; /* this machine */
	/*
	 * NULL: whatever made the vectors that the index has; where that was a model, they stay, no further ones are
	 * made, and words alone are searched.  An index that has none gets hashed n-grams.
	 */
	const struct memory_embedder *embedder;
	/* vectors in memory, MEMORY_VECTOR_BYTES: those of the newest passages; older ones are found by their words */
	size_t vector_bytes;
	int busy_ms; /* how long somebody who has locked the index's file is waited for, 2000 */
};

/*
 * -ENOENT, -EPROTO, -EBADMSG, -EACCES, -EIO: of the journal, as journal_read_open() says; -EINVAL: such an embedder
 * cannot be.  What is wrong with the index is no error.
 */
MUST_CHECK int memory_open(const char *journal, const struct memory_options *o, struct memory **out,
		struct cdm_diag *diag);
/*
 * One that works on a copy takes the index's file where it can be had by now: 0, it has it; else it goes on with its
 * copy: -EBUSY, another has the file; -EACCES and others as index files have them.
 */
MUST_CHECK int memory_claim(struct memory *m);
/* Is there an index beside that journal, of whatever make? */
bool memory_exists(const char *journal);
/* Accepts NULL; sets *m NULL. */
void memory_close(struct memory **m);

/*
 * Look at the next records, at most `budget` (0: all).  How many there were: fewer than the budget, and all is known
 * that the journal had.  -EBADMSG: the journal is damaged; -ENOENT, -EACCES: it is gone; -ENOSPC, -EIO, -EBUSY,
 * -ENOMEM: what was indexed stays, and a later call goes on.
 */
MUST_CHECK int memory_follow(struct memory *m, unsigned budget);
/*
 * The same of MEMORY_GLANCE records while somebody waits for an answer: they can be found from now on, and
 * memory_keep() writes them down, those of several glances together.  How many there were.  Where it fails, nothing of
 * what was not kept is in; it is looked at again.
 */
MUST_CHECK int memory_glance(struct memory *m);
/* As memory_follow(); where it cannot be written down, it is looked at again another time. */
MUST_CHECK int memory_keep(struct memory *m);
/* What makes the index's file shorter, when there is time; some milliseconds. */
void memory_tidy(struct memory *m);

/* Where something stands, and who is behind it. */
struct memory_source {
	uint64_t seq;
	uint32_t claim, part; /* as in struct passage */
	uint8_t kind, visibility;
	uint32_t trust_ppm;
	struct cdm_wall when;
	char principal[CDM_NAME_MAX], speaker[CDM_NAME_MAX], model[CDM_NAME_MAX];
	char session[BODY_KEY_MAX + 1], key[BODY_KEY_MAX + 1];
};

/* 0..1 of a source, and of its names: called for some hundred of one search. */
typedef double memory_weigh(void *user, const struct memory_source *of);

struct memory_query {
	const char *text;                /* anything; NULL or without a word: what is newest */
	size_t bytes;                    /* 0: to its zero byte */
	const struct claims_asker *asker; /* NULL: whoever sees all */
	const char *session;             /* NULL: of any */
	unsigned kinds;                  /* 1 << PASSAGE_TURN and others; 0: all */
	bool quick;                      /* a quarter of the candidates: somebody waits */
	/* of turns in which the same was said the best alone, and of one who said and heard the same the newest */
	bool distinct;
	struct cdm_wall now;             /* 0: by the clock */
	const struct score_weights *weights; /* NULL: score_weights_default */
	memory_weigh *trust;             /* NULL: as it stands in the record */
	memory_weigh *attention;         /* NULL: weight_attention() of all that are ranked (sem/weight.h) */
	void *user;                      /* of both */
};

struct memory_hit {
	struct score score;
	struct memory_source of;
	uint32_t bytes, first;
	char text[PASSAGE_BYTES_MAX + 1]; /* zero terminated */
};

/*
 * The best first; of equal ones the newer.  Of a record that was cut the best passage.  Their number, or -ESTALE: the
 * index was damaged; memory_follow() makes it again, then ask once more.  -ENOMEM, -EINVAL.
 *
 * Of claims those that stand: one that its source has replaced or taken back is history, which the journal has.
 * Where the asker claims something of a key himself, nobody else's claim of it is a hit but the machine's (see
 * claims.h).
 */
MUST_CHECK int memory_search(struct memory *m, const struct memory_query *q, struct memory_hit *hits, unsigned max);

/* The last turns of a session, the oldest of them first; the first passage of each. */
MUST_CHECK int memory_session(struct memory *m, const struct claims_asker *asker, const char *session,
		struct memory_hit *hits, unsigned max);

/* The seq of the turn or fact with that passage_identity(), 0: none is known; -ESTALE as above. */
MUST_CHECK int memory_known(struct memory *m, const struct hash *identity, uint64_t *seq);

/*
 * So many the embedder's vectors have.  -EINVAL: that cannot be, or it is none of a model; others: close it.  What was
 * glanced at is kept first.
 */
MUST_CHECK int memory_dims(struct memory *m, unsigned dims);

/* Throw the index away; memory_follow() makes it again. */
MUST_CHECK int memory_renew(struct memory *m);

struct memory_stats {
	uint64_t upto;      /* seq of the last record that was looked at */
	uint64_t passages;  /* that can be found */
	uint64_t vectors_behind; /* passages that wait for their vector */
	char embedder[CDM_NAME_MAX]; /* whose vectors they are */
	uint64_t in_memory; /* bytes */
	uint64_t renewed;   /* how often the index was thrown away since it was opened */
	bool in_file;       /* false: a copy in memory */
	bool wipe_due;      /* erased words may still be in the index's WAL: a reader holds it */
};
void memory_stats(const struct memory *m, struct memory_stats *out);

#endif
