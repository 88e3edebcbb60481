/*
 * frozen_abort.c - see frozen.h: any allocation while frozen is a bug, and ends the process.
 *
 * malloc and friends are defined here, so what the C library allocates for itself is seen as well.  A build with a
 * sanitizer, which has its own, sees what our objects ask for (FROZEN_WRAP, --wrap).
 */
#include "frozen.h"

#include <stdbool.h>
#include <stddef.h>
#include "base/check.h"

#ifdef FROZEN_WRAP
#define OURS(name) __wrap_##name
#define REAL(name) __real_##name
#else
#define OURS(name) name
#define REAL(name) __libc_##name
#endif

void *REAL(malloc)(size_t bytes);
void *REAL(calloc)(size_t count, size_t bytes);
void *REAL(realloc)(void *old, size_t bytes);
void REAL(free)(void *old);
void *OURS(malloc)(size_t bytes);
void *OURS(calloc)(size_t count, size_t bytes);
void *OURS(realloc)(void *old, size_t bytes);
void OURS(free)(void *old);

static bool frozen;

void frozen_begin(void) {
	frozen = true;
}

void frozen_end(void) {
	frozen = false;
}

/* Whoever complains of it may allocate. */
static void must_be(bool allowed) {
	bool bug = frozen && !allowed;
	frozen = frozen && !bug;
	CHECK(!bug);
}

void *OURS(malloc)(size_t bytes) {
	must_be(false);
	return REAL(malloc)(bytes);
}

void *OURS(calloc)(size_t count, size_t bytes) {
	must_be(false);
	return REAL(calloc)(count, bytes);
}

void *OURS(realloc)(void *old, size_t bytes) {
	must_be(false);
	return REAL(realloc)(old, bytes);
}

void OURS(free)(void *old) {
	must_be(!old);
	REAL(free)(old);
}
