/* samples.h - what was measured, one double each, and how the driver (nodes.py) gets it. */
#ifndef BENCH_SAMPLES_H
#define BENCH_SAMPLES_H

#include <stdint.h>
#include <string.h>
#include "bench/lib/die.h"

static double *samples;
static uint32_t sample_count, sample_room;

static inline void samples_begin(uint32_t room) {
	if (room > sample_room) {
		samples = realloc(samples, room * sizeof(*samples));
		if (!samples)
			die("no memory for %u samples", room);
		memset(samples, 0, room * sizeof(*samples)); /* no page is new while it counts */
		sample_room = room;
	}
	sample_count = 0;
}

static inline void samples_out(void) {
	printf("samples %u\n", sample_count);
	fwrite(samples, sizeof(*samples), sample_count, stdout);
}

#endif
