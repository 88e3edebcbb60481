/* role.h - how a program that cadmusd starts takes its seat, and leaves it. */
#ifndef RUNTIME_ROLE_H
#define RUNTIME_ROLE_H

#include "client/seat.h"

/* Open the seat that was inherited, call `run` with it, close it.  Returns the exit code; `name` is for the log until
   the seat tells ours. */
MUST_CHECK int role_run(const char *name, int (*run)(struct seat *seat));

#endif
