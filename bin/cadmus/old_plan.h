/*
 * old_plan.h - the plan that was in force at a moment: as the journal has it, or that of the machine that runs, if it
 * is the same one.
 *
 * One thread.
 */
#ifndef CADMUS_OLD_PLAN_H
#define CADMUS_OLD_PLAN_H

#include "bin/cadmus/past.h"
#include "schema/plan.h"

/* The caller's to free(); NULL: nobody has it any more. */
struct plan *old_plan(const struct past *p, const struct journal_state *s);

/* 0: the plan of then names `who`, or something was told by them, or nobody knows; NULL: nobody was named. */
int old_plan_has(const struct past *p, const struct journal_state *s, const char *who);

#endif
