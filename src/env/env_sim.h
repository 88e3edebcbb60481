/*
 * env_sim.h - a world from a seed: clocks, dice, processes, and a disk that loses power, fills up, fails and lies.
 *
 *	struct env_sim *w = env_sim_create(seed);
 *	const struct env *e = env_sim_env(w, 0);    process 0 of it
 *	... open journals with e, and let them live ...
 *	env_sim_lights_out(w);                      all of them are dead: what they still do reaches nothing
 *	... let go of their journals ...
 *	env_sim_lights_on(w);                       the disk has what it had for certain, and some of the rest
 *
 * The disk is in memory, below SQLite, with the shared memory that its WAL mode needs.  Of each file it knows what
 * programs see and what is durable: writes are on their way until a sync; a power cut lets a random choice of their
 * 512-byte sectors arrive.  The same with names: what was made, moved or removed is on its way until the folder is
 * synced.
 *
 * Operations (what changes files or names, and syncs) are numbered; a planned fault begins at one of them.  A death
 * does, too: SQLite cannot be dropped in the middle of a call, so from that instant on all that a dead process does
 * fails and has no effect.  Nobody else may do anything until its journals are closed and env_sim_reap() was called.
 *
 * Time goes on by a little at each look, and when it is told to.  The same seed and the same calls give the same bytes.
 * While a world lives, its first process is SQLite's default disk, so that SQLite's own dice are the world's.
 *
 * One thread at a time, of one world at a time; a process is one address space only in name.
 */
#ifndef ENV_ENV_SIM_H
#define ENV_ENV_SIM_H

#include <stdbool.h>
#include "env/env.h"

#define ENV_SIM_PROCESSES 4

enum env_sim_fault {
	ENV_SIM_POWER,  /* the lights go out */
	ENV_SIM_KILL,   /* who does the operation dies of it; a write may have been done in part */
	ENV_SIM_FULL,   /* what needs space finds none */
	ENV_SIM_FAIL,   /* an I/O error, and no effect */
	ENV_SIM_FORGET, /* a sync fails, and what it was to make durable will never be, though it can be read */
	ENV_SIM_LIE,    /* a sync says that all is well, and makes nothing durable */
	ENV_SIM_UNREADABLE, /* reading fails, until the operation `length` later */
	ENV_SIM_INDEX,  /* SQLite's index of the WAL cannot be made longer, likewise */
	ENV_SIM_FAULTS
};

struct env_sim;

struct env_sim *env_sim_create(uint64_t seed);
/* All files must be closed.  Accepts NULL; sets *w NULL. */
void env_sim_destroy(struct env_sim **w);

/* Process i < ENV_SIM_PROCESSES, which signs its locks with i + 1. */
const struct env *env_sim_env(struct env_sim *w, unsigned i);

/* ---- time ---- */

void env_sim_advance(struct env_sim *w, int64_t ns);
/* Somebody sets the calendar: by this much, forward or back. */
void env_sim_set_calendar(struct env_sim *w, int64_t by_ns);

/* ---- what goes wrong ---- */

/* From the `in`-th operation on (1: the next one), for `length` of them.  A few at a time. */
void env_sim_plan(struct env_sim *w, enum env_sim_fault fault, uint64_t in, uint64_t length);
void env_sim_unplan(struct env_sim *w);
/* Operations so far; how many things went wrong. */
uint64_t env_sim_operations(const struct env_sim *w);
uint64_t env_sim_hits(const struct env_sim *w);
uint64_t env_sim_hits_of(const struct env_sim *w, enum env_sim_fault fault);

void env_sim_kill(struct env_sim *w, unsigned i);
bool env_sim_is_dead(const struct env_sim *w, unsigned i);
/* Its files are closed: another may live in its place. */
void env_sim_reap(struct env_sim *w, unsigned i);

void env_sim_lights_out(struct env_sim *w);
bool env_sim_is_out(const struct env_sim *w);
/* All files must be closed.  False: something that a sync had called durable is gone. */
bool env_sim_lights_on(struct env_sim *w);

/* ---- what can be seen from above ---- */

/*
 * Called when process i comes to the disk, before it gets what it wants: to let others run meanwhile, or to kill it.
 * Not called again before it returns.
 */
typedef void env_sim_visit(void *user, unsigned i);
void env_sim_on_visit(struct env_sim *w, env_sim_visit *visit, void *user);

/* Does any file hold these bytes, for those who can read it? */
bool env_sim_holds(const struct env_sim *w, const void *bytes, size_t count);
/* The bytes of a file as programs see them, borrowed until the next operation; NULL: there is none. */
const uint8_t *env_sim_bytes(const struct env_sim *w, const char *path, size_t *count);
/* A number that depends on everything that was done so far, to the byte. */
uint64_t env_sim_trace(const struct env_sim *w);

#endif
