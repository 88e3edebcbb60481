/*
 * machine.h - what several verbs need: find the machine that runs, start one, ask it.
 *
 * Everything here explains a failure on standard error by itself and returns nonzero; verbs just
 * return 1 then.
 */
#ifndef CADMUS_MACHINE_H
#define CADMUS_MACHINE_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include "bin/cadmus/verb.h"
#include "client/seat.h"
#include "schema/plan.h"

/*
 * What tools/setup left in ${CADMUS_CACHE:-${XDG_CACHE_HOME:-~/.cache}/cadmus}/env (where engines, models and
 * photographs are) becomes part of our environment, and so of every process we start, unless it is set.
 */
void machine_environment(void);

/* Name of the machine meant: --machine, or the only one that runs.  Into out[CDM_NAME_MAX]. */
int machine_name(const struct verb_context *c, const char *verb, char *out);

/* The same for what is read from the journal's file, which needs no machine that runs when --machine names it. */
int machine_journal(const struct verb_context *c, const char *verb, char *out);

/*
 * Start a daemon for the plan, and wait until its core is live.  Its log goes to our standard error, or,
 * with `to_file`, to MACHINE.log beside the journal.  Unless it `outlives_us`, it goes down when we end, however we do.
 * Its pid; < 0 on failure.
 *
 * What could not start although the machine is live comes by `notes`, if it is not NULL: the caller's to read to its
 * end with machine_notes().
 */
pid_t machine_start(const char *verb, const struct plan *plan, bool to_file, bool outlives_us, int *notes);
/* "NAME: WHY" lines, each ended by a newline; waits at most about 3 s; closes `*notes`.  "" when all is well. */
void machine_notes(int *notes, char *out, size_t capacity);
/* Add to the text in `out` those that have come, without waiting; `*notes` is closed (-1) after the last one. */
void machine_notes_look(int *notes, char *out, size_t capacity);

/* A connection to the control door of the machine `name`; < 0 after explaining. */
int machine_connect(const char *verb, const char *name);
/* Attach to the machine meant; seat_close() when done. */
int machine_attach(const struct verb_context *c, const char *verb, struct seat *s);

/*
 * A handle of the daemon of a machine; where one was killed, of the one that is about to take its place.  -ENOENT: the
 * machine has gone in good order; -ECONNREFUSED: it has gone otherwise; -errno.
 */
int machine_daemon(const char *name);

/* "there is no field", with one that is near; returns 1. */
int machine_no_field(const char *verb, const struct plan *p, const char *name);

/* Ask core: a message built by mp_*; the reply map is in `reply`.  Bytes, or < 0 after explaining. */
ssize_t machine_ask(const struct verb_context *c, const char *verb, const void *message, size_t bytes,
		uint64_t id, void *reply, size_t capacity);
/* When a reply is an error, explain it and return 1; else 0. */
int machine_is_error(const char *verb, const void *reply, size_t bytes);

#endif
