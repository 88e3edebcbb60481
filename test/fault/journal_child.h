/*
 * journal_child.h - a process that writes a journal until it is killed, and what it said before.
 *
 * For each batch that journal_take() reports as durable the child sends the place and hash of its records to the
 * parent, and the hash of the state that it has folded itself, as core does: the replay of what the kill left must say
 * the same.  Its batches are of several kinds, each record saying in which batch it is, which of how many; there are
 * snapshots between them.  Failures are CHECKs.
 */
#ifndef TEST_FAULT_JOURNAL_CHILD_H
#define TEST_FAULT_JOURNAL_CHILD_H

#include "journal/journal_testing.h"

enum { CHILD_BATCH_MOST = 5 };

struct child_ack {
	uint64_t seq;
	struct hash hash;
	bool ends_batch;
	struct hash state; /* after the last one of a batch */
};

/* Acknowledgements of one file, in order. */
struct child_acks {
	struct child_ack *at;
	size_t count, room;
};

void child_acks_init(struct child_acks *a, size_t room);
void child_acks_fini(struct child_acks *a);

/* What an owner knows as it begins; free() it. */
struct journal_state *child_state(const char *path);
/* A batch whose records `child_visit` recognizes. */
MUST_CHECK int child_submit(struct journal *j, unsigned round, unsigned number, uint64_t dice);
/* Take what is settled, fold it, and tell the parent of it. */
void child_tell(struct journal *j, struct journal_state *s, int to);

/*
 * Start a child that writes to `path` as fast as it can, kill it at a random instant, at times while it still creates
 * or opens the file, and collect what it said.
 */
void child_kill_one(const char *path, unsigned round, uint64_t *seed, struct child_acks *acks);
/* The rest of what a dead child has said. */
void child_collect(int from, struct child_acks *acks);

/* A walk over all records: whole batches, and what was acknowledged at its place.  The last one is `last`. */
struct child_walk {
	const struct child_acks *acks;
	size_t found;
	unsigned round, number, next, size; /* of the batch that is being passed; next == size: none */
	uint64_t last;
};
int child_visit(void *user, const struct journal_record *r);
/*
 * The file opens, holds all that was acknowledged, in whole batches, verifies, and replays to the states that were
 * told; or it was never made.  Its last seq.
 */
uint64_t child_check(const char *path, const struct child_acks *acks);

#endif
