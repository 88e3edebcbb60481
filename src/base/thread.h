/* thread.h - a thread of the library's or the program's own, which no signal interrupts. */
#ifndef BASE_THREAD_H
#define BASE_THREAD_H

#include <pthread.h>
#include "base/check.h"

/* Start one in which all signals are blocked: they are the business of whoever had threads before.  -errno. */
MUST_CHECK int thread_start(pthread_t *t, void *(*run)(void *), void *self);

#endif
