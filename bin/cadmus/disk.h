/* disk.h - what a plan names and this computer does not have. */
#ifndef CADMUS_DISK_H
#define CADMUS_DISK_H

#include "cadmus/diag.h"
#include "schema/plan.h"

/*
 * Add a warning for each model's file, sensor's source, driver, backend and gateway that is not there, or is not what
 * it must be (D0101 ...): the compiler itself looks at no disk.
 */
void disk_look(const struct plan *p, struct cdm_diag *d);

#endif
