/* events.h - the events of all processes of a machine, in the order of their times: `watch --events`. */
#ifndef CADMUS_EVENTS_H
#define CADMUS_EVENTS_H

#include <stdbool.h>
#include <stdint.h>
#include "bin/cadmus/verb.h"
#include "client/seat.h"

/*
 * Print them as they come, after those that the rings still hold (not if `only_new`), until `count`
 * (0: for ever) were shown or the machine is down.  Restarted processes are followed.  An exit code.
 */
MUST_CHECK int events_follow(const struct verb_context *c, struct seat *s, bool only_new, uint64_t count);

#endif
