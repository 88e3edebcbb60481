/* check.h - what the tests of backends state; a backend itself reports, it does not stop. */
#ifndef BACKENDS_CHECK_H
#define BACKENDS_CHECK_H

#include <stdio.h>
#include <stdlib.h>

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))
#define CHECK(cond) \
	((cond) ? (void)0 : (fprintf(stderr, "%s:%d: not true: %s\n", __FILE__, __LINE__, #cond), abort()))

#endif
