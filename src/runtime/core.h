/*
 * core.h - the process that decides: turns, settings, symbols, motion, rules, and the journal of it all.
 *
 * One control thread (epoll) and one data thread (rules).  What it must not lose stands in the
 * journal before anybody hears of it; all else it makes anew after a restart.
 */
#ifndef RUNTIME_CORE_H
#define RUNTIME_CORE_H

#include "base/check.h"
#include "client/seat.h"

#define CORE_TURNS 64 /* turns that wait or are worked on; one more is -EBUSY */

/* The core role; `seat` is open and not yet ready.  Exit code of the process. */
MUST_CHECK int core_main(struct seat *seat);

#endif
