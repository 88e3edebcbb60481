/*
 * supervisor.h - the parent of a machine: starts, watches and restarts its processes, hands out memory.
 *
 * One that is killed is followed by another, which core starts (legacy.h).
 *
 * It is off the data path: no sample, command or request goes through it.  It parses nothing but
 * fixed-size seat messages of its children and one fixed-size attach record of each client.
 */
#ifndef RUNTIME_SUPERVISOR_H
#define RUNTIME_SUPERVISOR_H

#include "base/check.h"
#include "cadmus/diag.h"

struct supervisor_options {
	int plan_fd;  /* sealed memory file with the plan; taken; -1: another parent left it */
	int ready_fd; /* hears how the start went, as report.h says; taken; -1: nobody asks */
	int starter_fd; /* a handle of the program with which the machine ends; taken; -1: it stays */
	int legacy_fd; /* what another parent left (legacy.h), to go on with it; taken; -1: begin */
};

/*
 * Run the machine until it is taken down (SIGTERM, SIGINT, or core asks).  0, or -errno with the
 * reason in diag: -EADDRINUSE when a machine of this name runs already, -EPROTO for a bad plan.
 */
MUST_CHECK int supervisor_main(const struct supervisor_options *options, struct cdm_diag *diag);

#endif
