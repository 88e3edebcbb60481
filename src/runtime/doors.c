/* doors.c - see doors.h. */
#include "runtime/doors.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>
#include "base/err.h"
#include "base/io.h"
#include "base/log.h"

#define FOLDER_EVENTS (IN_DELETE | IN_MOVED_FROM | IN_DELETE_SELF | IN_MOVE_SELF | IN_UNMOUNT | IN_ONLYDIR)
#define ABOVE_EVENTS (IN_DELETE_SELF | IN_MOVE_SELF | IN_UNMOUNT | IN_ONLYDIR)

static const char *const names[DOORS_COUNT] = {
	[DOORS_ATTACH] = RUN_DIR_ATTACH,
	[DOORS_CONTROL] = RUN_DIR_CONTROL,
	[DOORS_STOP] = RUN_DIR_STOP,
};

struct doors doors_none(void) {
	return (struct doors){ .fd = { -1, -1, -1 }, .notify = -1, .watching = { -1, -1 } };
}

/* What stands at the path of a door; -errno. */
static int look(const struct doors *d, unsigned which, struct doors_place *out) {
	char path[RUN_DIR_PATH_MAX];
	struct stat s;
	int rc = run_dir_path(d->machine, names[which], path);
	if (rc < 0)
		return rc;
	if (lstat(path, &s) < 0)
		return err_last();
	*out = (struct doors_place){ s.st_dev, s.st_ino };
	return 0;
}

static bool is_ours(const struct doors *d, unsigned which) {
	struct doors_place p = { 0 };
	return d->fd[which] >= 0 && look(d, which, &p) == 0 && p.device == d->place[which].device &&
	       p.inode == d->place[which].inode;
}

static int open_one(struct doors *d, unsigned which) {
	char path[RUN_DIR_PATH_MAX];
	int rc = run_dir_path(d->machine, names[which], path);
	int fd = rc < 0 ? rc : io_listen(path);
	if (fd < 0)
		return fd;
	if ((rc = look(d, which, &d->place[which])) < 0) { /* gone again already */
		close(fd);
		return rc;
	}
	if (which == DOORS_ATTACH && d->fd[which] >= 0)
		(void)shutdown(d->fd[which], SHUT_RDWR); /* core has a copy, and that would look like a machine */
	io_close(&d->fd[which]);
	d->fd[which] = fd;
	return 0;
}

/* ---- the news ---- */

static void watch(struct doors *d, unsigned i, const char *path, uint32_t events) {
	int now = inotify_add_watch(d->notify, path, events);
	if (d->watching[i] >= 0 && now != d->watching[i])
		(void)inotify_rm_watch(d->notify, d->watching[i]); /* of a folder that was moved away */
	d->watching[i] = now;
}

/* Without it a machine runs as well; it is only lost when its folder is. */
static void watch_folders(struct doors *d) {
	char above[RUN_DIR_PATH_MAX];
	if (d->notify < 0)
		return;
	watch(d, 0, d->folder, FOLDER_EVENTS);
	snprintf(above, sizeof(above), "%s", d->folder);
	*strrchr(above, '/') = 0;
	watch(d, 1, above, ABOVE_EVENTS);
}

void doors_heard(struct doors *d, struct cdm_mono now) {
	_Alignas(struct inotify_event) char any[4096];
	while (d->notify >= 0 && read(d->notify, any, sizeof(any)) > 0)
		continue; /* what exactly does not matter: we look */
	int64_t soon = now.ns + DOORS_PAUSE_NS;
	if (d->repair_at_ns == 0 || d->repair_at_ns > soon)
		d->repair_at_ns = soon;
	d->pause_ns = 0;
}

/* ---- opening and closing ---- */

static int explain(const struct doors *d, int rc, struct cdm_diag *diag) {
	bool taken = rc == -EADDRINUSE;
	struct cdm_message *m = cdm_diag_add(diag, CDM_ERROR, "R0102",
			taken ? "a machine named '%s' runs already" : "cannot listen for '%s'", d->machine);
	if (m)
		snprintf(m->hint, sizeof(m->hint), "%s", !taken ? strerror(-rc)
				: "end it with `cadmus down`, or give this one another `machine:` name");
	return rc;
}

/* Is there room for the longest name among them?  Else their folder would be made in vain. */
static int make_folder(struct doors *d, struct cdm_diag *diag) {
	char path[RUN_DIR_PATH_MAX];
	int rc = run_dir_path(d->machine, RUN_DIR_CONTROL, path);
	if (rc == 0)
		rc = run_dir_make(d->machine, d->folder);
	if (rc == -E2BIG) {
		struct cdm_message *m = cdm_diag_add(diag, CDM_ERROR, "R0104", "its sockets would have paths of more "
				"than %d bytes, and the kernel takes no longer ones", RUN_DIR_PATH_MAX - 1);
		if (m)
			snprintf(m->hint, sizeof(m->hint), "set CADMUS_RUN_DIR to a shorter one");
	} else if (rc < 0)
		cdm_diag_add(diag, CDM_ERROR, "R0103", "cannot make the folder of sockets %s: %s", d->folder,
				strerror(-rc));
	return rc;
}

int doors_open(struct doors *d, const char *machine, struct cdm_diag *diag) {
	*d = doors_none();
	d->machine = machine;
	int rc = make_folder(d, diag);
	if (rc < 0)
		return rc;
	d->notify = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
	watch_folders(d);
	for (unsigned i = 0; i < DOORS_COUNT; i++)
		if ((rc = open_one(d, i)) < 0)
			return explain(d, rc, diag);
	if (d->watching[0] < 0)
		log_warn("the kernel will not tell us if %s is deleted", d->folder);
	return 0;
}

void doors_adopt(struct doors *d, const char *machine, const int fds[DOORS_COUNT], struct cdm_mono now) {
	*d = doors_none();
	d->machine = machine;
	d->repair_at_ns = now.ns;
	CHECK(run_dir_path(machine, NULL, d->folder) == 0); /* or there would be no doors */
	d->notify = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
	watch_folders(d);
	for (unsigned i = 0; i < DOORS_COUNT; i++) {
		d->fd[i] = fds[i];
		if (io_listen_again(fds[i]) < 0 || look(d, i, &d->place[i]) < 0)
			d->place[i] = (struct doors_place){ 0 };
	}
}

void doors_close(struct doors *d) {
	for (unsigned i = 0; i < DOORS_COUNT; i++)
		io_close(&d->fd[i]);
	io_close(&d->notify);
}

void doors_remove(struct doors *d) {
	char path[RUN_DIR_PATH_MAX];
	for (unsigned i = 0; i < DOORS_COUNT; i++)
		if (is_ours(d, i) && run_dir_path(d->machine, names[i], path) == 0)
			unlink(path);
	rmdir(d->folder); /* only when it is empty */
}

/* ---- repair ---- */

static void complain(struct doors *d, int rc) {
	if (!d->complained)
		log_error("the doors in %s are gone and cannot be made anew: %s", d->folder,
				rc == -EADDRINUSE ? "another machine stands there" : strerror(-rc));
	d->complained = true;
}

static int repair(struct doors *d, unsigned *renewed) {
	int rc = run_dir_make(d->machine, d->folder);
	if (rc < 0)
		return rc;
	watch_folders(d);
	for (unsigned i = 0; i < DOORS_COUNT; i++) {
		if (is_ours(d, i))
			continue;
		if ((rc = open_one(d, i)) < 0)
			return rc;
		*renewed |= 1u << i;
	}
	return 0;
}

unsigned doors_tick(struct doors *d, struct cdm_mono now) {
	unsigned renewed = 0;
	if (d->repair_at_ns == 0 || now.ns < d->repair_at_ns)
		return 0;
	int rc = repair(d, &renewed);
	if (renewed)
		log_warn("somebody took the doors in %s away; they were made anew", d->folder);
	if (rc < 0) {
		complain(d, rc);
		int64_t longer = d->pause_ns ? 2 * d->pause_ns : DOORS_PAUSE_NS;
		d->pause_ns = longer < DOORS_PAUSE_MAX_NS ? longer : DOORS_PAUSE_MAX_NS;
		d->repair_at_ns = now.ns + d->pause_ns;
		return renewed;
	}
	d->repair_at_ns = d->pause_ns = 0;
	d->complained = false;
	return renewed;
}

int64_t doors_next_ns(const struct doors *d, struct cdm_mono now) {
	if (d->repair_at_ns == 0)
		return -1;
	return d->repair_at_ns > now.ns ? d->repair_at_ns - now.ns : 0;
}
