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

/*
 * Ask the guard behind the socket `path` to stop.  The descriptor to wait at; -ENOENT, -ECONNREFUSED: nobody is there;
 * -EACCES: the door is neither ours nor root's, and we are not root; -EPIPE, -errno; -EAGAIN: its queue was full for a
 * second.
 */
MUST_CHECK int stop_door_knock(const char *path);
/* 0 when every bus has the stop; -ETIMEDOUT; -EPIPE: the guard hung up.  Closes *fd in any case. */
MUST_CHECK int stop_door_wait(int *fd, int timeout_ms);

/* One of many.  Whoever listens must be the owner, or root: -EACCES. */
struct stop_door {
	const char *path;
	uid_t owner;
	int rc; /* 0: every bus has the stop; -EAGAIN: the queue was full to the end; all else as above */
	int fd; /* of stop_door_all() while it runs */
};

/*
 * Knock at all of them, and then wait for them together, so that none waits for another; where the queue is full, again
 * and again.  Ends when all have answered, or after timeout_ms.
 */
void stop_door_all(struct stop_door *doors, size_t count, int timeout_ms);

#endif
