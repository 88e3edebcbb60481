/* thread.c - see thread.h. */
#include "base/thread.h"

#include <signal.h>

int thread_start(pthread_t *t, void *(*run)(void *), void *self) {
	sigset_t all, before;
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	int rc = pthread_create(t, NULL, run, self);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return -rc;
}
