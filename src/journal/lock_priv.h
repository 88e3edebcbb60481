/*
 * lock_priv.h - one owner for a state file: an flock on PATH.lock, which names its holder.
 *
 * The kernel lets the lock go when its holder dies, however it dies; the file itself stays and
 * means nothing.  It is a file of its own because closing any descriptor of the state file would
 * drop SQLite's own locks on it.
 */
#ifndef JOURNAL_LOCK_PRIV_H
#define JOURNAL_LOCK_PRIV_H

#include "base/check.h"
#include "cadmus/diag.h"
#include "env/env.h"

/* A handle for e->unlock(); -EBUSY: held, diag says by which process; -errno. */
MUST_CHECK int lock_take(const struct env *e, const char *path, struct cdm_diag *diag);

#endif
