/*
 * model.h - what a journal must hold, as a plain list: batches in the order in which they were submitted.
 *
 * A batch waits until its result is taken; then it is acknowledged, and its records have their place for ever, or it is
 * refused and must be absent.  Who dies leaves batches in doubt: the next owner finds some of them, whole, in their
 * order and without gaps, and the others never were.  What a compaction lets go may be missing from the file, and stays
 * in the list: what the state says of it must not change.
 *
 * What was acknowledged, and where it must stand, is decided without the journal's own code but record_check(), which
 * follows the chain.  The fold of the list is the journal's: test/fault/journal_oracle.py folds the same lives without
 * it.  Failures are CHECKs.
 */
#ifndef TEST_SIM_MODEL_H
#define TEST_SIM_MODEL_H

#include "journal/journal.h"
#include "journal/journal_read.h"

enum { MODEL_BATCH_MAX = 6, MODEL_WAITING_MAX = 256, MODEL_MARK = 24, MODEL_COMPACTIONS_MAX = 256 };

struct model_entry {
	enum journal_kind kind;
	enum journal_visibility visibility;
	char entity[16], principal[16];
	char mark[MODEL_MARK]; /* a text that this body alone contains */
	char request[MODEL_MARK]; /* "": none; one of a batch has one */
	uint8_t *body;
	size_t bytes;
};

enum model_fate {
	MODEL_WAITS,
	MODEL_ACKNOWLEDGED,
	MODEL_ABSENT, /* refused, or its owner died and the next one did not find it */
	MODEL_FAILED, /* the disk failed: it may be there or not */
	/*
	 * Its owner died and the next one did not find it; and yet, until that one commits, it may be found later.
	 * SQLite's index of the WAL, which outlives an owner where somebody reads, may lack the last commit; and a WAL
	 * that was removed may come back with the next power cut.
	 */
	MODEL_GHOST
};

struct model_batch {
	struct model_batch *next; /* of all there ever were, to free them */
	uint64_t ticket, epoch, erase;
	uint64_t compact_upto, compact_kinds; /* of a compaction; 0: it is none */
	uint64_t again; /* the record that has answered its request: it must be refused; 0: it is no retry */
	enum journal_class class;
	enum model_fate fate;
	bool promised;      /* its owner stopped in good order: it must be there */
	bool after_failure; /* its owner had said that the disk failed: it can only be refused */
	bool may_be_passed; /* something went wrong while it waited: a later one may be there without it */
	uint64_t hits;      /* things that had gone wrong in the world when it was submitted */
	unsigned count; /* of an erasure two, of which the second is there where a snapshot stands for what is erased */
	struct model_entry entries[MODEL_BATCH_MAX];
};

struct model_record {
	const struct model_batch *batch;
	unsigned index;
	bool erased;
	uint64_t hlc;
	struct cdm_wall wall;
	struct hash hash;
};

struct model {
	struct model_batch *all;
	struct model_batch *waiting[MODEL_WAITING_MAX]; /* and those in doubt; the oldest first */
	unsigned waiting_count;
	struct model_record *records; /* of seq i at i - 1 */
	uint64_t count, room;
	uint64_t epoch;    /* the last one that was used */
	uint64_t erasures; /* that were acknowledged or found */
	const struct model_batch *compactions[MODEL_COMPACTIONS_MAX]; /* that were submitted */
	unsigned compaction_count;
	uint64_t compacted; /* up to there records have been let go, by what was acknowledged or found */
	bool scrubbed;      /* of those something was erased */
};

void model_fini(struct model *m);
/* The file is gone: begin anew. */
void model_forget(struct model *m);

/* A batch to be filled and submitted; model_waits() when it was taken, model_drop() when it was not. */
struct model_batch *model_batch(struct model *m);
void model_waits(struct model *m, struct model_batch *b);
void model_drop(struct model_batch *b);

/* What journal_take() said of the oldest one that waits; returns it. */
const struct model_batch *model_settle(struct model *m, const struct journal_result *r);
/* Is a batch of this kind waiting, or in doubt? */
bool model_has_waiting_erasure(const struct model *m);

/* ---- what is found ---- */

enum model_view {
	MODEL_LOOK,  /* a reader beside a living owner: all that is acknowledged, and some of what waits */
	MODEL_ADOPT, /* the next owner: what is found becomes the truth, the rest never was */
	MODEL_JUDGE, /* the disk has lied: any prefix, and then what was in doubt, perhaps long ago */
};

/*
 * Walk all records and compare them.  0: they are as they must be, *seq is the last; -errno: what the journal said, and
 * all before it is as it must be; -ESTALE: of what a lying disk has left nobody can tell any more, as it was let go.
 * `meanwhile` is called now and then.
 */
int model_walk(struct model *m, struct journal_reader *r, enum model_view view, void (*meanwhile)(void *user),
		void *user, uint64_t *seq);

/* Up to there records have been let go, or have been without anybody being told yet. */
uint64_t model_may_be_compacted(const struct model *m);
/* How many records must be gone once all that may go has gone. */
uint64_t model_gone(const struct model *m);

/* The state after record `upto` >= m->compacted: a fold of the whole list, whatever of it is in the file. */
void model_fold(const struct model *m, uint64_t upto, struct journal_state *out);

/* The parts of the state that can be told without folding as the journal does. */
void model_check_state(const struct model *m, const struct journal_state *s);

#endif
