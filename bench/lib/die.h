/* die.h - a measurement does not go on after an error: the reason is the answer, and the program ends. */
#ifndef BENCH_DIE_H
#define BENCH_DIE_H

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

__attribute__((format(printf, 1, 2), noreturn)) static inline void die(const char *format, ...) {
	va_list a;
	printf("no ");
	va_start(a, format);
	vprintf(format, a);
	va_end(a);
	printf("\n");
	fflush(stdout);
	exit(1);
}

#endif
