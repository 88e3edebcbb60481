/*
 * greet.h - clients that came through the attach door and have yet to say their attach record.
 *
 * Whoever connects may say nothing, so each has one second, and makes place when GREET_MAX others have come
 * meanwhile.  A greeting is known by its index and serial: what the epoll tells of
 * an earlier one with the same index is not believed.
 *
 * One thread.  Time comes as an argument.
 */
#ifndef RUNTIME_GREET_H
#define RUNTIME_GREET_H

#include <stdint.h>
#include "base/clock.h"

#define GREET_MAX 16
#define GREET_PATIENCE_NS NS_PER_S

struct greeting {
	int socket;        /* -1: free */
	uint32_t serial;
	int64_t until_ns;
};

struct greet {
	struct greeting at[GREET_MAX];
	uint32_t serial;
};

void greet_init(struct greet *g);
/* Hang up on all. */
void greet_fini(struct greet *g);
/* Take a connected socket in; there is always place.  Its index, whose serial the caller may note. */
unsigned greet_add(struct greet *g, int socket, struct cdm_mono now);
/* It has something to say: its socket is the caller's, and its place is free.  -1: that one is gone. */
int greet_take(struct greet *g, unsigned index, uint32_t serial);
/* Hang up on those who said nothing in time; how many. */
unsigned greet_tick(struct greet *g, struct cdm_mono now);
/* Nanoseconds until greet_tick() has something to do; -1: nothing. */
int64_t greet_next_ns(const struct greet *g, struct cdm_mono now);

#endif
