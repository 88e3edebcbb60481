/* frozen_abort.c - see frozen.h: any allocation while frozen is a bug, and ends the process. */
#include "frozen.h"

#include <stdbool.h>
#include <stddef.h>
#include "base/check.h"

void *__real_malloc(size_t bytes);
void *__real_calloc(size_t count, size_t bytes);
void *__real_realloc(void *old, size_t bytes);
void __real_free(void *old);
void *__wrap_malloc(size_t bytes);
void *__wrap_calloc(size_t count, size_t bytes);
void *__wrap_realloc(void *old, size_t bytes);
void __wrap_free(void *old);

static bool frozen;

void frozen_begin(void) {
	frozen = true;
}

void frozen_end(void) {
	frozen = false;
}

void *__wrap_malloc(size_t bytes) {
	CHECK(!frozen);
	return __real_malloc(bytes);
}

void *__wrap_calloc(size_t count, size_t bytes) {
	CHECK(!frozen);
	return __real_calloc(count, bytes);
}

void *__wrap_realloc(void *old, size_t bytes) {
	CHECK(!frozen);
	return __real_realloc(old, bytes);
}

void __wrap_free(void *old) {
	CHECK(!frozen || !old);
	__real_free(old);
}
