/*
 * ours.h - the journal as core uses it: submit, wait, take, fold; and records like those of a machine.
 *
 * All that the bench knows of the journal's functions stands here and in restart.c.  One thread.
 */
#ifndef BENCH_STATE_OURS_H
#define BENCH_STATE_OURS_H

#include "journal/journal.h"
#include "journal/state.h"

struct ours {
	struct journal *journal;
	struct journal_state *state;
	uint64_t snapped; /* the last record in the newest snapshot */
};

/* Open or make the state file `path`; the state is that of an empty one. */
void ours_open(struct ours *o, const char *path);
/* Take what is settled and fold it, with a snapshot now and then; false: there was nothing.  *ticket: the last one
 * settled. */
bool ours_take(struct ours *o, uint64_t *ticket);
/* The same until that ticket is settled; sleeps meanwhile. */
void ours_await(struct ours *o, uint64_t ticket);
/* Sleep until something is settled. */
void ours_sleep(struct ours *o);

/* Each is good until the next call of the same function. */
struct journal_entry ours_turn(uint32_t body_bytes, uint64_t number); /* a turn whose body has about so many bytes */
struct journal_entry ours_evidence(uint64_t number);
struct journal_entry ours_command(uint64_t id);
struct journal_entry ours_outcome(uint64_t id);

#endif
