/*
 * io.h - sockets that carry whole messages and file descriptors, memory files, process handles.
 *
 * All local sockets are AF_UNIX SOCK_SEQPACKET: a message arrives whole or not at all, and the
 * end of the peer is an event.  Everything is close-on-exec; what a child inherits is named
 * explicitly (see client/seat.h).  Calls retry on EINTR.
 */
#ifndef BASE_IO_H
#define BASE_IO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include "base/check.h"
#include "cadmus/types.h"

#define IO_FDS_MAX 16
#define IO_MESSAGE_MAX 65536

/* A connected pair; -errno. */
MUST_CHECK int io_pair(int fds[2]);
/*
 * Listen at `path` (an old socket file there is replaced if nobody answers on it: else -EADDRINUSE).
 * Its folder is locked meanwhile, so of several who try at once one gets it.
 */
MUST_CHECK int io_listen(const char *path);
/* Go on listening at a socket that another process opened: who connects is told that it is us, from now on. */
MUST_CHECK int io_listen_again(int fd);
/* Connect, never waiting; -ENOENT or -ECONNREFUSED when nobody is there, -EAGAIN when its queue is full. */
MUST_CHECK int io_connect(const char *path);
/* Connect, and while its queue is full wait for room in it; -ETIMEDOUT: there was none (timeout_ns < 0: for ever). */
MUST_CHECK int io_connect_within(const char *path, int64_t timeout_ns);
/* Accept one, non-blocking and close-on-exec; -EAGAIN. */
MUST_CHECK int io_accept(int listener);

/*
 * Send one message with fds (borrowed; none: NULL, 0).  `flags` as for sendmsg; MSG_NOSIGNAL is
 * always set.  0, or -EAGAIN (full and MSG_DONTWAIT), -EPIPE, -errno.
 */
MUST_CHECK int io_send(int fd, const void *data, size_t bytes, const int *fds, unsigned fd_count, int flags);
/*
 * Receive one message.  Returns its bytes (0: the peer is gone, or said nothing), -EAGAIN, -E2BIG (longer than
 * capacity; dropped), -EMFILE (fds of it found no room here: all are closed, the data are there), -errno.  Received
 * fds are owned by the caller; *fd_count holds the room on entry and the number on return (further ones are closed).
 * fds NULL: all are closed.
 */
MUST_CHECK ssize_t io_receive(int fd, void *data, size_t capacity, int *fds, unsigned *fd_count, int flags);

/* uid and pid at the other end of a connected AF_UNIX socket. */
MUST_CHECK int io_peer(int fd, uid_t *uid, pid_t *pid);

/* An anonymous memory file of `bytes`, sealed against any change of size; -errno. */
MUST_CHECK int io_memory(const char *name, size_t bytes);
/* No mapping made from now on can be writable (existing ones stay so), and no seal can be added. */
MUST_CHECK int io_memory_freeze_writers(int fd);
/* Was that done, for it or for all writing? */
bool io_memory_is_frozen(int fd);
/* Its sealed size, or -EPROTO when its size could still change. */
MUST_CHECK int64_t io_memory_size(int fd);

/* What is mapped there is this process's alone: a child of fork() does not have it, and faults. */
MUST_CHECK int io_memory_keep(void *at, size_t bytes);

/* A handle that becomes readable when the process ends; -errno. */
MUST_CHECK int io_pidfd(pid_t pid);
/* A handle to the process at the other end of a Unix socket; -errno. */
MUST_CHECK int io_peer_pidfd(int fd);
/* Send a signal through such a handle: never to a recycled pid. */
MUST_CHECK int io_pidfd_signal(int pidfd, int signal);

/* A timer that expires every `period_ns` from now on, non-blocking; -errno. */
MUST_CHECK int io_timer(int64_t period_ns);
/* Expirations since the last call; 0 when none. */
uint64_t io_timer_read(int fd);

/* Close *fd if it is one (>= 0) and set it to -1. */
void io_close(int *fd);

/* Read a whole small file, zero terminated; bytes, -E2BIG when it does not fit, -errno. */
MUST_CHECK int io_read_file(const char *path, char *out, size_t capacity);
/* Create a directory and its parents, 0700; 0 or -errno. */
MUST_CHECK int io_make_dirs(const char *path);

#endif
