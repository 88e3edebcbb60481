/*
 * worker.h - the process that runs one model.
 *
 *      seat READY -> load the model -> serve until QUIT, or until the parent is gone
 *
 * A model that talks answers requests on the channel to core; one that works on fields makes a sample
 * of each sample.  Core may go and come again: the model stays loaded, and says so on each new channel.
 * A model that cannot be loaded says why on its first channel, and to the parent, and the process ends
 * with 1.  The worker has one thread; its engine computes on plan_process.threads, that one included.
 */
#ifndef MODEL_WORKER_H
#define MODEL_WORKER_H

#include "base/check.h"
#include "client/seat.h"

/* The worker role; `seat` is open and not yet ready.  Exit code of the process. */
MUST_CHECK int worker_main(struct seat *seat);

#endif
