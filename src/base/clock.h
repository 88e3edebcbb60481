/* clock.h - the only door to the system's clocks.  Pure modules get their time as an argument. */
#ifndef BASE_CLOCK_H
#define BASE_CLOCK_H

#include <stddef.h>
#include "cadmus/types.h"

#define NS_PER_US INT64_C(1000)
#define NS_PER_MS INT64_C(1000000)
#define NS_PER_S INT64_C(1000000000)

struct cdm_mono clock_mono(void);
struct cdm_wall clock_wall(void);

/* "2026-11-23T08:00:00.123456Z" (UTC, microseconds) into out; returns out. */
#define CLOCK_TEXT_MAX 32
const char *clock_text(struct cdm_wall t, char out[CLOCK_TEXT_MAX]);

static inline int64_t mono_since(struct cdm_mono then, struct cdm_mono now) {
	return now.ns - then.ns;
}

/* When a patience of that many ns ends; INT64_MAX: never, which a negative one means. */
int64_t clock_deadline_ns(int64_t timeout_ns);
/* How much of it is left: 0 when it is over, -1 for ever. */
int64_t clock_left_ns(int64_t deadline_ns);

static inline double ns_to_ms(int64_t ns) {
	return (double)ns / 1e6;
}

#endif
