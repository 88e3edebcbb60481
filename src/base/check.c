/* check.c - the last words of a process that found itself wrong. */
#include "base/check.h"

#include <stdio.h>
#include <stdlib.h>

void check_failed(const char *file, int line, const char *func, const char *cond) {
	fprintf(stderr, "%s:%d: %s: not true: %s\n", file, line, func, cond);
	abort();
}
