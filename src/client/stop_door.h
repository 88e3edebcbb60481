/*
 * stop_door.h - the guard's own door, which stops everything that moves: core need not be there.
 *
 * Knock at all doors first and wait then, so that no machine waits for another.  Any thread.
 */
#ifndef CLIENT_STOP_DOOR_H
#define CLIENT_STOP_DOOR_H

#include <stdbool.h>
#include "base/check.h"

/*
 * Ask the guard behind the socket `path` to stop.  The descriptor to wait at; -ENOENT, -ECONNREFUSED: nobody is there;
 * -EACCES: the door is neither ours nor root's, and we are not root; -EPIPE, -errno; -EAGAIN: its queue was full for a
 * second.
 */
MUST_CHECK int stop_door_knock(const char *path);
/* 0 when every bus has the stop; -ETIMEDOUT; -EPIPE: the guard hung up.  Closes *fd in any case. */
MUST_CHECK int stop_door_wait(int *fd, int timeout_ms);

#endif
