/* io.c - see io.h. */
#include "base/io.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/timerfd.h>
#include <sys/un.h>
#include <unistd.h>
#include "base/clock.h"

#define SEQPACKET (SOCK_SEQPACKET | SOCK_CLOEXEC)

int io_pair(int fds[2]) {
	return socketpair(AF_UNIX, SEQPACKET, 0, fds) == 0 ? 0 : -errno;
}

static int address(const char *path, struct sockaddr_un *a) {
	memset(a, 0, sizeof(*a));
	a->sun_family = AF_UNIX;
	if (strlen(path) >= sizeof(a->sun_path))
		return -E2BIG;
	memcpy(a->sun_path, path, strlen(path) + 1);
	return 0;
}

int io_connect(const char *path) {
	struct sockaddr_un a;
	int rc = address(path, &a);
	if (rc < 0)
		return rc;
	int fd = socket(AF_UNIX, SEQPACKET | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return -errno;
	if (connect(fd, (struct sockaddr *)&a, sizeof(a)) == 0 && fcntl(fd, F_SETFL, 0) == 0)
		return fd;
	rc = -errno;
	close(fd);
	return rc;
}

/* Nothing can be polled for room in a queue: connect() itself waits for it, with the patience of one who sends. */
static int limit_sending(int fd, int64_t left_ns) {
	int64_t us = left_ns < 0 ? 0 : left_ns / NS_PER_US + 1; /* 0: for ever */
	const struct timeval limit = { .tv_sec = us / 1000000, .tv_usec = us % 1000000 };
	return setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit)) == 0 ? 0 : -errno;
}

static int connect_until(int fd, const struct sockaddr_un *a, int64_t until_ns) {
	int64_t left_ns;
	int rc = -EAGAIN;
	while ((rc == -EAGAIN || rc == -EINTR) && (left_ns = clock_left_ns(until_ns)) != 0) {
		rc = limit_sending(fd, left_ns);
		if (rc == 0 && connect(fd, (const struct sockaddr *)a, sizeof(*a)) < 0)
			rc = -errno;
	}
	if (rc == -EAGAIN || rc == -EINTR)
		return -ETIMEDOUT;
	return rc < 0 ? rc : limit_sending(fd, -1);
}

int io_connect_within(const char *path, int64_t timeout_ns) {
	int64_t until_ns = clock_deadline_ns(timeout_ns);
	struct sockaddr_un a;
	int fd = io_connect(path);
	if (fd != -EAGAIN)
		return fd;
	int rc = address(path, &a);
	if (rc < 0)
		return rc;
	fd = socket(AF_UNIX, SEQPACKET, 0);
	if (fd < 0)
		return -errno;
	rc = connect_until(fd, &a, until_ns);
	if (rc < 0)
		io_close(&fd);
	return rc < 0 ? rc : fd;
}

#define BACKLOG 32

static int bind_at(const char *path, const struct sockaddr_un *a) {
	int other = io_connect(path);
	if (other >= 0)
		close(other);
	if (other >= 0 || other == -EAGAIN)
		return -EADDRINUSE;
	if (other == -ECONNREFUSED)
		unlink(path); /* its owner died without a chance to */
	int fd = socket(AF_UNIX, SEQPACKET | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return -errno;
	if (bind(fd, (const struct sockaddr *)a, sizeof(*a)) == 0 && chmod(path, 0600) == 0 &&
			listen(fd, BACKLOG) == 0)
		return fd;
	int rc = -errno;
	close(fd);
	return rc;
}

/* The folder of `path`, locked: of those who find a dead socket there, one at a time takes its place. */
static int lock_folder(const char *path) {
	char folder[sizeof(((struct sockaddr_un *)0)->sun_path) + 2];
	const char *slash = strrchr(path, '/');
	snprintf(folder, sizeof(folder), "%.*s.", slash ? (int)(slash + 1 - path) : 0, path);
	int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	while (flock(fd, LOCK_EX) < 0 && errno == EINTR)
		; /* where there are no locks, there is nothing better */
	return fd;
}

int io_listen_again(int fd) {
	return listen(fd, BACKLOG) == 0 ? 0 : -errno;
}

int io_listen(const char *path) {
	struct sockaddr_un a;
	int rc = address(path, &a);
	if (rc < 0)
		return rc;
	int folder = lock_folder(path);
	if (folder < 0)
		return folder;
	rc = bind_at(path, &a);
	close(folder);
	return rc;
}

int io_accept(int listener) {
	int fd;
	do
		fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	while (fd < 0 && errno == EINTR);
	return fd >= 0 ? fd : errno == EWOULDBLOCK ? -EAGAIN : -errno;
}

union control {
	struct cmsghdr align;
	char bytes[CMSG_SPACE(IO_FDS_MAX * sizeof(int))];
};

int io_send(int fd, const void *data, size_t bytes, const int *fds, unsigned fd_count, int flags) {
	CHECK(fd_count <= IO_FDS_MAX);
	union control c;
	struct iovec v = { (void *)(uintptr_t)data, bytes };
	struct msghdr m = { .msg_iov = &v, .msg_iovlen = 1 };
	memset(&c, 0, sizeof(c));
	if (fd_count) {
		m.msg_control = c.bytes;
		m.msg_controllen = CMSG_SPACE(fd_count * sizeof(int));
		struct cmsghdr *h = CMSG_FIRSTHDR(&m);
		h->cmsg_level = SOL_SOCKET;
		h->cmsg_type = SCM_RIGHTS;
		h->cmsg_len = CMSG_LEN(fd_count * sizeof(int));
		memcpy(CMSG_DATA(h), fds, fd_count * sizeof(int));
	}
	ssize_t n;
	do
		n = sendmsg(fd, &m, flags | MSG_NOSIGNAL);
	while (n < 0 && errno == EINTR);
	if (n >= 0)
		return 0;
	return errno == ECONNRESET ? -EPIPE : -errno;
}

/* Hand the received descriptors over; close those there is no room for. */
static void take_fds(struct msghdr *m, int *fds, unsigned *fd_count) {
	unsigned room = fds && fd_count ? *fd_count : 0, got = 0;
	for (struct cmsghdr *h = CMSG_FIRSTHDR(m); h; h = CMSG_NXTHDR(m, h)) {
		if (h->cmsg_level != SOL_SOCKET || h->cmsg_type != SCM_RIGHTS)
			continue;
		size_t count = (h->cmsg_len - CMSG_LEN(0)) / sizeof(int);
		for (size_t i = 0; i < count; i++) {
			int one;
			memcpy(&one, CMSG_DATA(h) + i * sizeof(int), sizeof(int));
			if (got < room)
				fds[got++] = one;
			else
				close(one);
		}
	}
	if (fd_count)
		*fd_count = got;
}

ssize_t io_receive(int fd, void *data, size_t capacity, int *fds, unsigned *fd_count, int flags) {
	union control c;
	struct iovec v = { data, capacity };
	struct msghdr m = { .msg_iov = &v, .msg_iovlen = 1, .msg_control = c.bytes,
			.msg_controllen = sizeof(c.bytes) };
	ssize_t n;
	int resets = 0; /* a peer that ended with mail unread: the error comes first, then what it said */
	do
		n = recvmsg(fd, &m, flags | MSG_CMSG_CLOEXEC);
	while (n < 0 && (errno == EINTR || (errno == ECONNRESET && resets++ == 0)));
	if (n < 0) {
		if (fd_count)
			*fd_count = 0;
		return errno == EWOULDBLOCK ? -EAGAIN : errno == ECONNRESET ? 0 : -errno;
	}
	take_fds(&m, fds, fd_count);
	int cut = m.msg_flags & MSG_TRUNC ? -E2BIG : fds && m.msg_flags & MSG_CTRUNC ? -EMFILE : 0;
	if (n > 0 && !cut)
		return n;
	for (unsigned i = 0; fds && fd_count && i < *fd_count; i++)
		close(fds[i]);
	if (fd_count)
		*fd_count = 0;
	return cut;
}

int io_peer(int fd, uid_t *uid, pid_t *pid) {
	struct ucred u;
	socklen_t n = sizeof(u);
	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &u, &n) < 0)
		return -errno;
	*uid = u.uid;
	*pid = u.pid;
	return 0;
}

#ifndef MFD_NOEXEC_SEAL
#define MFD_NOEXEC_SEAL 8U
#endif
#ifndef F_SEAL_FUTURE_WRITE
#define F_SEAL_FUTURE_WRITE 0x0010
#endif

static int create_memory(const char *name) {
	int fd = memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING | MFD_NOEXEC_SEAL);
	if (fd < 0 && errno == EINVAL) /* before Linux 6.3 */
		fd = memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING);
	return fd < 0 ? -errno : fd;
}

int io_memory(const char *name, size_t bytes) {
	int fd = create_memory(name);
	if (fd < 0)
		return fd;
	if (ftruncate(fd, (off_t)bytes) == 0 && fcntl(fd, F_ADD_SEALS, F_SEAL_GROW | F_SEAL_SHRINK) == 0)
		return fd;
	int rc = -errno;
	close(fd);
	return rc;
}

int io_memory_freeze_writers(int fd) {
	return fcntl(fd, F_ADD_SEALS, F_SEAL_FUTURE_WRITE | F_SEAL_SEAL) == 0 ? 0 : -errno;
}

bool io_memory_is_frozen(int fd) {
	int seals = fcntl(fd, F_GET_SEALS);
	return seals >= 0 && (seals & (F_SEAL_FUTURE_WRITE | F_SEAL_WRITE)) != 0;
}

int64_t io_memory_size(int fd) {
	struct stat s;
	int seals = fcntl(fd, F_GET_SEALS);
	if (seals < 0 || (seals & (F_SEAL_GROW | F_SEAL_SHRINK)) != (F_SEAL_GROW | F_SEAL_SHRINK))
		return -EPROTO;
	return fstat(fd, &s) == 0 ? (int64_t)s.st_size : -errno;
}

int io_memory_keep(void *at, size_t bytes) {
	return madvise(at, bytes, MADV_DONTFORK) == 0 ? 0 : -errno;
}

int io_pidfd(pid_t pid) {
	int fd = (int)syscall(SYS_pidfd_open, pid, 0);
	return fd >= 0 ? fd : -errno;
}

#ifndef SO_PEERPIDFD
#define SO_PEERPIDFD 77
#endif

int io_peer_pidfd(int fd) {
	uid_t uid = 0;
	pid_t pid = 0;
	int pidfd;
	socklen_t n = sizeof(pidfd);
	if (getsockopt(fd, SOL_SOCKET, SO_PEERPIDFD, &pidfd, &n) == 0)
		return fcntl(pidfd, F_SETFD, FD_CLOEXEC) == 0 ? pidfd : -errno;
	int rc = io_peer(fd, &uid, &pid); /* Linux before 6.5: the number may have been given to another by now */
	return rc < 0 ? rc : io_pidfd(pid);
}

int io_pidfd_signal(int pidfd, int signal) {
	return syscall(SYS_pidfd_send_signal, pidfd, signal, NULL, 0) == 0 ? 0 : -errno;
}

int io_timer(int64_t period_ns) {
	int fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	if (fd < 0)
		return -errno;
	struct timespec t = { period_ns / NS_PER_S, period_ns % NS_PER_S };
	struct itimerspec s = { t, t };
	if (timerfd_settime(fd, 0, &s, NULL) == 0)
		return fd;
	int rc = -errno;
	close(fd);
	return rc;
}

uint64_t io_timer_read(int fd) {
	uint64_t n;
	return read(fd, &n, sizeof(n)) == sizeof(n) ? n : 0;
}

void io_close(int *fd) {
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

int io_read_file(const char *path, char *out, size_t capacity) {
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	size_t have = 0;
	ssize_t n;
	do {
		n = read(fd, out + have, capacity - have);
		have += n > 0 ? (size_t)n : 0;
	} while (have < capacity && (n > 0 || (n < 0 && errno == EINTR)));
	int rc = n < 0 ? -errno : have == capacity ? -E2BIG : (int)have;
	close(fd);
	if (rc >= 0)
		out[have] = 0;
	return rc;
}

int io_make_dirs(const char *path) {
	char part[512];
	size_t n = strlen(path);
	if (n >= sizeof(part))
		return -E2BIG;
	memcpy(part, path, n + 1);
	for (size_t i = 1; i <= n; i++) {
		if (part[i] != '/' && part[i] != 0)
			continue;
		char keep = part[i];
		part[i] = 0;
		if (mkdir(part, 0700) < 0 && errno != EEXIST)
			return -errno;
		part[i] = keep;
	}
	return 0;
}
