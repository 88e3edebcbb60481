/* events.h - the events of all processes of a machine, in the order of their times: `watch --events`. */
#ifndef CADMUS_VERB_EVENTS_H
#define CADMUS_VERB_EVENTS_H

#include <stdbool.h>
#include <stdint.h>
#include "bin/cadmus/verb.h"
#include "client/seat.h"

#define EVENTS_SENTENCE_MAX 256

/* What a kind means, with the words for `a` and `b` filled in. */
const char *events_sentence(const struct plan *p, uint32_t kind, uint64_t a, uint64_t b,
		char out[EVENTS_SENTENCE_MAX]);

/*
 * Print them as they come, after those that the rings still hold (not if `only_new`), until `count`
 * (0: for ever) were shown or the machine is down.  Restarted processes are followed.  An exit code.
 */
MUST_CHECK int events_follow(const struct verb_context *c, struct seat *s, bool only_new, uint64_t count);

#endif
