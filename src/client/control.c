/* control.c - see control.h. */
#include "client/control.h"

#include <errno.h>
#include <poll.h>
#include <sys/socket.h>
#include "base/clock.h"
#include "base/msgpack.h"
#include "client/run_dir.h"

int control_connect(const char *machine) {
	char path[RUN_DIR_PATH_MAX];
	int rc = run_dir_path(machine, RUN_DIR_CONTROL, path);
	return rc < 0 ? rc : run_dir_connect(path, 0);
}

/* Wait for `events`; 0, -ETIMEDOUT, -errno. */
static int wait_for(int fd, short events, int64_t deadline_ns) {
	for (;;) {
		struct pollfd p = { .fd = fd, .events = events };
		int64_t left = clock_left_ns(deadline_ns);
		if (left > INT64_C(3600) * NS_PER_S)
			left = INT64_C(3600) * NS_PER_S; /* poll() counts in int; we come back */
		int rc = poll(&p, 1, left < 0 ? -1 : (int)((left + NS_PER_MS - 1) / NS_PER_MS));
		if (rc > 0)
			return 0;
		if (rc == 0 && clock_mono().ns >= deadline_ns)
			return -ETIMEDOUT;
		if (rc < 0 && errno != EINTR)
			return -errno;
	}
}

static bool is_one_map(const void *message, size_t bytes) {
	struct mp_in i;
	mp_open(&i, message, bytes);
	return mp_peek(&i) == MP_MAP && mp_skip(&i) == 0 && i.at == i.end;
}

int control_send(int fd, const void *message, size_t bytes, int64_t timeout_ns) {
	int64_t deadline = clock_deadline_ns(timeout_ns);
	if (bytes > CONTROL_MESSAGE_MAX)
		return -E2BIG;
	if (!is_one_map(message, bytes))
		return -EINVAL;
	for (;;) {
		int rc = io_send(fd, message, bytes, NULL, 0, MSG_DONTWAIT);
		if (rc != -EAGAIN)
			return rc;
		if ((rc = wait_for(fd, POLLOUT, deadline)) < 0)
			return rc;
	}
}

ssize_t control_receive(int fd, void *message, size_t capacity, int64_t timeout_ns) {
	int64_t deadline = clock_deadline_ns(timeout_ns);
	for (;;) {
		ssize_t n = io_receive(fd, message, capacity, NULL, NULL, MSG_DONTWAIT);
		if (n == 0)
			return -EPIPE;
		if (n > 0)
			return is_one_map(message, (size_t)n) ? n : -EPROTO;
		if (n != -EAGAIN)
			return n;
		int rc = wait_for(fd, POLLIN, deadline);
		if (rc < 0)
			return rc;
	}
}

ssize_t control_ask(int fd, const void *message, size_t bytes, uint64_t id, void *reply, size_t capacity,
		int64_t timeout_ns) {
	int64_t deadline = clock_deadline_ns(timeout_ns);
	int rc = control_send(fd, message, bytes, timeout_ns);
	while (rc == 0) {
		ssize_t n = control_receive(fd, reply, capacity, clock_left_ns(deadline));
		uint64_t got;
		if (n < 0 || (mp_find_uint(reply, (size_t)n, "id", &got) == 0 && got == id))
			return n;
	}
	return rc;
}
