/* stop_door.c - see stop_door.h. */
#include "client/stop_door.h"

#include <errno.h>
#include <poll.h>
#include <sys/types.h>
#include <unistd.h>
#include "base/clock.h"
#include "base/io.h"

#define QUEUE_PATIENCE_MS 1000

static const char message[] = "stop"; /* any will do: spec/control.md */

int stop_door_knock(const char *path) {
	uid_t uid;
	pid_t pid;
	int fd = io_connect_within(path, QUEUE_PATIENCE_MS);
	if (fd < 0)
		return fd;
	int rc = io_peer(fd, &uid, &pid);
	if (rc == 0 && uid != getuid() && uid != 0 && getuid() != 0)
		rc = -EACCES;
	if (rc == 0)
		rc = io_send(fd, message, sizeof(message), NULL, 0, 0);
	if (rc == 0)
		return fd;
	io_close(&fd);
	return rc;
}

int stop_door_wait(int *fd, int timeout_ms) {
	struct pollfd p = { .fd = *fd, .events = POLLIN };
	struct cdm_mono end = { clock_mono().ns + timeout_ms * NS_PER_MS };
	char answer[8];
	int rc;
	do
		rc = poll(&p, 1, (int)(mono_since(clock_mono(), end) / NS_PER_MS));
	while (rc < 0 && errno == EINTR && mono_since(clock_mono(), end) > 0);
	rc = rc != 1 ? -ETIMEDOUT : io_receive(*fd, answer, sizeof(answer), NULL, NULL, 0) == 1 ? 0 : -EPIPE;
	io_close(fd);
	return rc;
}
