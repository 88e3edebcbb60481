/*
 * control.h - ask a running machine: one MessagePack map per message, over control.sock or an
 * inherited channel.
 *
 *      request   {"op": ..., "id": uint, ...}
 *      reply     {"id": uint, "ev": "token" | "done" | "error" | ..., ...}
 *
 * A request may have many replies; all with the request's id.  Any thread: messages go whole.  A
 * descriptor may be polled; it is -1 when there is none.
 */
#ifndef CLIENT_CONTROL_H
#define CLIENT_CONTROL_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include "base/check.h"
#include "base/io.h"

#define CONTROL_MESSAGE_MAX IO_MESSAGE_MAX

/* A connection to the machine's control door, never waiting; or -ENOENT, -ECONNREFUSED (not running), -ETIMEDOUT (it
   runs, and too many are at its door), -errno. */
MUST_CHECK int control_connect(const char *machine);

/* Send one message; waits while the other side is full, at most timeout_ns (< 0: for ever).
   0, -ETIMEDOUT, -EPIPE, -E2BIG, -EINVAL (not one map), -errno. */
MUST_CHECK int control_send(int fd, const void *message, size_t bytes, int64_t timeout_ns);
/* Receive one message; its bytes, -ETIMEDOUT, -EPIPE (the machine is gone), -E2BIG, -EPROTO (not one map), -errno. */
MUST_CHECK ssize_t control_receive(int fd, void *message, size_t capacity, int64_t timeout_ns);
/* Send, and receive the first reply with that id; others are dropped.  Errors of both. */
MUST_CHECK ssize_t control_ask(int fd, const void *message, size_t bytes, uint64_t id, void *reply,
		size_t capacity, int64_t timeout_ns);

#endif
