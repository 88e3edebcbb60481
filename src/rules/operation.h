/*
 * operation.h - what rules make of the samples that went in: evidence, 0..1.
 *
 * One operation is one function in the table of operation.c; to add one, add a row to schema/operation.def and a
 * function there.  The same bytes on every machine: no libm but what is exact, no contraction.
 */
#ifndef RULES_OPERATION_H
#define RULES_OPERATION_H

#include "rules/rule.h"

/* Is there a function for it? */
bool operation_is_known(unsigned operation);
/* Of the sources that have something. */
double operation_evidence(const struct rule *r);

#endif
