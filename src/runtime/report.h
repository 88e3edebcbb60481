/*
 * report.h - what whoever started a machine is told about its start, over the pipe that they left us.
 *
 *      1                                 core is live: so is the machine (written at once)
 *      http: port 8420 is in use \n      and then a line for each process that could not start
 *      (end of file)                     all that starts with the machine is there, or has said why not
 *
 *      a text that does not begin with 1, and perhaps a second line with a hint: it did not start
 *
 * Nobody is waited for longer than 3 s after core is live.  A model says that it is there before it loads its file,
 * so where models start with the machine they have half a second to say that they cannot.
 *
 * One thread.  Time comes as an argument.  SIGPIPE is blocked by the caller: whoever started us may have gone.
 */
#ifndef RUNTIME_REPORT_H
#define RUNTIME_REPORT_H

#include <stdbool.h>
#include "runtime/children.h"

#define REPORT_MODELS_NS (500 * NS_PER_MS)
#define REPORT_PATIENCE_NS (3 * NS_PER_S)

struct report {
	int fd;          /* -1: nobody asks, or all is said */
	int64_t live_ns; /* core has been live since; 0: not yet */
	char why[PLAN_PROCESSES_MAX][SEAT_TEXT_MAX]; /* process p could not start; "" */
};

/* `fd` is taken; -1: nobody asks. */
void report_init(struct report *r, int fd);
void report_close(struct report *r);

/* Process p could not start.  Of several reasons the first one counts. */
void report_note(struct report *r, uint16_t p, const char *why);
/* Core is live. */
void report_live(struct report *r, struct cdm_mono now);
/* The machine did not start; `hint` may be NULL or "".  All is said. */
void report_dead(struct report *r, const char *why, const char *hint);
/* Say the rest when it is known, or nobody waits any longer. */
void report_tick(struct report *r, const struct children *c, struct cdm_mono now);
/* Nanoseconds until report_tick() is due even if nothing happens; -1: never. */
int64_t report_next_ns(const struct report *r, struct cdm_mono now);

#endif
