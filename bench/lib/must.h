/* must.h - a call that has to succeed, or the program says what there is not and ends. */
#ifndef BENCH_MUST_H
#define BENCH_MUST_H

#include <stdint.h>
#include <string.h>
#include "bench/lib/die.h"

static inline void must(int64_t rc, const char *what) {
	if (rc < 0)
		die("%s: %s", what, strerror((int)-rc));
}

#endif
