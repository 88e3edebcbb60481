/* stop_door.c - see stop_door.h. */
#include "client/stop_door.h"

#include <errno.h>
#include <stdbool.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>
#include "base/clock.h"
#include "base/io.h"

/* No event tells when there is room in the queue of a socket that one is not connected to: it has to be tried. */
#define RETRY_MS 10

static const char message[] = "stop"; /* any will do: spec/control.md */

static bool may_listen(uid_t uid, uid_t owner) {
	return uid == 0 || (uid == owner && (uid == getuid() || getuid() == 0));
}

/* Say it to whoever listens at the other end; fd, or closed and -EACCES, -EPIPE, -errno. */
static int say(int fd, uid_t owner) {
	uid_t uid;
	pid_t pid;
	int rc = io_peer(fd, &uid, &pid);
	if (rc == 0 && !may_listen(uid, owner))
		rc = -EACCES;
	if (rc == 0)
		rc = io_send(fd, message, sizeof(message), NULL, 0, MSG_DONTWAIT);
	if (rc == 0)
		return fd;
	io_close(&fd);
	return rc;
}

static int hear(int *fd) {
	char answer[8];
	int rc = io_receive(*fd, answer, sizeof(answer), NULL, NULL, MSG_DONTWAIT) == 1 ? 0 : -EPIPE;
	io_close(fd);
	return rc;
}

static int left_ms(struct cdm_mono end) {
	int64_t ns = mono_since(clock_mono(), end);
	return ns > 0 ? (int)(ns / NS_PER_MS) : 0;
}

/* Full is its queue, or our table of descriptors, until others have answered. */
static bool is_full(int rc) {
	return rc == -EAGAIN || rc == -EMFILE || rc == -ENFILE;
}

static void knock(struct stop_door *d, int epoll) {
	struct epoll_event e = { .events = EPOLLIN, .data.ptr = d };
	int fd = io_connect(d->path), rc = fd < 0 ? fd : say(fd, d->owner);
	d->rc = is_full(rc) ? -EAGAIN : rc;
	if (rc < 0)
		return;
	d->fd = fd;
	d->rc = -ETIMEDOUT; /* until it answers */
	if (epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &e) < 0)
		d->rc = -errno;
}

/* Knock where we did not get in; how many have heard us and not answered yet, and how many have not heard us. */
static void knock_again(struct stop_door *doors, size_t count, int epoll, size_t *heard, size_t *outside) {
	*heard = *outside = 0;
	for (size_t i = 0; i < count; i++) {
		if (doors[i].rc == -EAGAIN)
			knock(&doors[i], epoll);
		*heard += doors[i].rc == -ETIMEDOUT;
		*outside += doors[i].rc == -EAGAIN;
	}
}

static void take_answers(int epoll, int timeout_ms) {
	struct epoll_event e[16];
	int n = epoll_wait(epoll, e, COUNT_OF(e), timeout_ms);
	for (int i = 0; i < n; i++) {
		struct stop_door *d = e[i].data.ptr;
		d->rc = hear(&d->fd);
	}
}

void stop_door_all(struct stop_door *doors, size_t count, int timeout_ms) {
	struct cdm_mono end = { clock_mono().ns + timeout_ms * NS_PER_MS };
	int epoll = epoll_create1(EPOLL_CLOEXEC), left = timeout_ms;
	size_t heard, outside;
	for (size_t i = 0; i < count; i++) {
		doors[i].fd = -1;
		doors[i].rc = -EAGAIN;
	}
	for (;; left = left_ms(end)) {
		knock_again(doors, count, epoll, &heard, &outside);
		if (left == 0 || heard + outside == 0)
			break;
		take_answers(epoll, outside && left > RETRY_MS ? RETRY_MS : left);
	}
	for (size_t i = 0; i < count; i++)
		io_close(&doors[i].fd);
	io_close(&epoll);
}
