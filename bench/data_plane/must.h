/* must.h - a call that has to succeed, or the program says what there is not and ends. */
#ifndef BENCH_MUST_H
#define BENCH_MUST_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static inline void must(int64_t rc, const char *what) {
	if (rc >= 0)
		return;
	printf("no %s: %s\n", what, strerror((int)-rc));
	fflush(stdout);
	exit(1);
}

#endif
