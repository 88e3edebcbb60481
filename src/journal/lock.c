/* lock.c - see lock_priv.h. */
#include "journal/lock_priv.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <unistd.h>
#include "journal/message_priv.h"

static long holder(int fd) {
	char text[24] = "";
	ssize_t n = pread(fd, text, sizeof(text) - 1, 0);
	return n > 0 ? strtol(text, NULL, 10) : 0;
}

static int busy(int fd, const char *path, struct cdm_diag *diag) {
	long pid = holder(fd);
	if (pid > 0)
		message_add(diag, MESSAGE_BUSY, "%s is in use by process %ld", path, pid);
	else
		message_add(diag, MESSAGE_BUSY, "%s is in use by another process", path);
	return -EBUSY;
}

/* A full disk costs the name, not the lock. */
static void sign(int fd) {
	char text[24];
	int n = snprintf(text, sizeof(text), "%ld\n", (long)getpid());
	if (ftruncate(fd, 0) == 0)
		(void)!pwrite(fd, text, (size_t)n, 0);
}

int lock_take(const char *path, struct cdm_diag *diag) {
	char name[PATH_MAX];
	if (snprintf(name, sizeof(name), "%s.lock", path) >= (int)sizeof(name))
		return -E2BIG;
	int fd = open(name, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0) {
		int rc = message_error(errno);
		message_add(diag, MESSAGE_OPEN, "%s: cannot be opened (%s)", name, err_name(rc));
		return rc;
	}
	int rc = 0;
	if (flock(fd, LOCK_EX | LOCK_NB) < 0)
		rc = errno == EWOULDBLOCK ? busy(fd, path, diag) : message_error(errno);
	else
		sign(fd);
	if (rc == 0)
		return fd;
	close(fd);
	return rc;
}
