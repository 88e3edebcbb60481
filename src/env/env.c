/* env.c - see env.h: this machine. */
#include "env/env.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>
#include "base/clock.h"

static struct cdm_mono real_mono(const struct env *e) {
	(void)e;
	return clock_mono();
}

static struct cdm_wall real_wall(const struct env *e) {
	(void)e;
	return clock_wall();
}

static void real_random(const struct env *e, void *out, size_t bytes) {
	(void)e;
	for (size_t n = 0; n < bytes;) {
		ssize_t got = getrandom((uint8_t *)out + n, bytes - n, 0);
		CHECK(got > 0 || errno == EINTR);
		n += got > 0 ? (size_t)got : 0;
	}
}

/* ---- names ---- */

const char *env_folder_of(const char *path, char out[PATH_MAX]) {
	snprintf(out, PATH_MAX, "%s", path);
	char *slash = strrchr(out, '/');
	if (!slash)
		return strcpy(out, ".");
	slash[slash == out] = 0;
	return out;
}

static int real_full_name(const struct env *e, const char *path, char out[PATH_MAX]) {
	(void)e;
	return realpath(path, out) ? 0 : -errno;
}

static int real_may(const struct env *e, const char *path, enum env_access how) {
	(void)e;
	int mode = how == ENV_READABLE ? R_OK : how == ENV_WRITABLE ? W_OK : F_OK;
	return access(path, mode) == 0 ? 0 : -errno;
}

/* Filters of system calls that are older than statx() forbid it. */
static int look_by_stat(const char *path, struct env_file *out) {
	struct stat st;
	if (stat(path, &st) < 0)
		return -errno;
	*out = (struct env_file){ .device = st.st_dev, .number = st.st_ino };
	return 0;
}

/*
 * Not stat(): where a file's times were looked at, Linux (6.13 and later) gives its next write a time of its own, which
 * fdatasync() then writes as well.  Before each commit that made it a third slower.
 */
static int real_look(const struct env *e, const char *path, struct env_file *out) {
	struct statx st;
	(void)e;
	if (statx(AT_FDCWD, path, 0, STATX_INO, &st) < 0)
		return errno == EPERM ? look_by_stat(path, out) : -errno;
	*out = (struct env_file){ .device = makedev(st.stx_dev_major, st.stx_dev_minor), .number = st.stx_ino };
	return 0;
}

static int real_make(const struct env *e, const char *path) {
	(void)e;
	int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return -errno;
	close(fd);
	return 0;
}

static int real_remove(const struct env *e, const char *path) {
	(void)e;
	return unlink(path) == 0 ? 0 : -errno;
}

/* A file system that syncs no folders says EINVAL. */
static int sync_folder(const char *path) {
	char folder[PATH_MAX];
	int fd = open(env_folder_of(path, folder), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int rc = fd < 0 || (fsync(fd) < 0 && errno != EINVAL) ? -errno : 0;
	if (fd >= 0)
		close(fd);
	return rc;
}

static int real_move(const struct env *e, const char *from, const char *to) {
	(void)e;
	int fd = open(from, O_RDONLY | O_CLOEXEC);
	int rc = fd < 0 || fsync(fd) < 0 || rename(from, to) < 0 ? -errno : 0;
	if (fd >= 0)
		close(fd);
	return rc == 0 ? sync_folder(to) : rc;
}

/* ---- locks ---- */

static long signature(int fd) {
	char text[24] = "";
	ssize_t n = pread(fd, text, sizeof(text) - 1, 0);
	return n > 0 ? strtol(text, NULL, 10) : 0;
}

/* A full disk costs the name, not the lock. */
static void sign(int fd) {
	char text[24];
	int n = snprintf(text, sizeof(text), "%ld\n", (long)getpid());
	if (ftruncate(fd, 0) == 0)
		(void)!pwrite(fd, text, (size_t)n, 0);
}

/* The kernel lets an flock go when its holder dies, however it dies. */
static int real_lock(const struct env *e, const char *path, long *holder) {
	(void)e;
	int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return -errno;
	if (flock(fd, LOCK_EX | LOCK_NB) == 0) {
		sign(fd);
		return fd;
	}
	int rc = -errno;
	*holder = rc == -EAGAIN ? signature(fd) : 0;
	close(fd);
	return rc;
}

static void real_unlock(const struct env *e, int handle) {
	(void)e;
	close(handle);
}

static const struct env real = { NULL, real_mono, real_wall, real_random, real_full_name, real_may, real_look,
	real_make, real_remove, real_move, real_lock, real_unlock };

const struct env *env_real(void) {
	return &real;
}
