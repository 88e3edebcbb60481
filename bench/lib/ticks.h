/*
 * ticks.h - the clock of the measurements: what the processor counts, or CLOCK_MONOTONIC where we know no better.
 *
 * Reading it waits for what was asked of memory before, as the kernel's own clock does.
 */
#ifndef BENCH_TICKS_H
#define BENCH_TICKS_H

#include <stdint.h>
#include <time.h>

static inline uint64_t mono_ns(void) {
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

#if defined(__x86_64__)
static inline uint64_t ticks(void) {
	uint32_t low, high;
	__asm__ volatile("lfence\n\trdtsc" : "=a"(low), "=d"(high) : : "memory");
	return (uint64_t)high << 32 | low;
}
#else
static inline uint64_t ticks(void) {
	return mono_ns();
}
#endif

/* Nanoseconds of one tick: counted for 20 ms. */
static inline double tick_ns(void) {
	uint64_t ns = mono_ns(), from = ticks(), now_ns;
	while ((now_ns = mono_ns()) - ns < 20000000u)
		;
	return (double)(now_ns - ns) / (double)(ticks() - from);
}

#endif
