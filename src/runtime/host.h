/*
 * host.h - a process around one driver: a sensor whose samples it publishes, or a simulated device.
 */
#ifndef RUNTIME_HOST_H
#define RUNTIME_HOST_H

#include "base/check.h"
#include "client/seat.h"

/* The host role; `seat` is open and not yet ready.  Exit code of the process. */
MUST_CHECK int host_main(struct seat *seat);

#endif
