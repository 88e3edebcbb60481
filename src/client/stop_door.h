/*
 * stop_door.h - the guard's own door, which stops everything that moves: core need not be there.
 *
 * Any thread.
 */
#ifndef CLIENT_STOP_DOOR_H
#define CLIENT_STOP_DOOR_H

#include <stddef.h>
#include <sys/types.h>
#include "base/check.h"

/* Of one machine.  Whoever listens there must be the owner, and we he or root, or be root: else -EACCES. */
struct stop_door {
	const char *path;
	uid_t owner;
	/* 0: every bus has the stop; -ENOENT, -ECONNREFUSED: nobody is there; -EAGAIN: the queue was full to the end;
	   -ETIMEDOUT: no answer; -EPIPE: the guard hung up; -EACCES, -errno */
	int rc;
	int fd; /* of stop_door_all() while it runs */
};

/*
 * Knock at all of them, and then wait for them together, so that none waits for another; where the queue is full, again
 * and again.  Ends when all have answered, or after timeout_ms.
 */
void stop_door_all(struct stop_door *doors, size_t count, int timeout_ms);

#endif
