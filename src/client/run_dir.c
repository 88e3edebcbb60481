/* run_dir.c - see run_dir.h. */
#include "client/run_dir.h"

#include <errno.h>
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "base/io.h"
#include "cadmus/types.h"

bool run_dir_name_ok(const char *machine) {
	size_t n = strlen(machine);
	if (n == 0 || n >= CDM_NAME_MAX || machine[0] == '.' || machine[n - 1] == '.')
		return false;
	return strspn(machine, "abcdefghijklmnopqrstuvwxyz0123456789_-.") == n;
}

int run_dir_path(const char *machine, const char *leaf, char out[RUN_DIR_PATH_MAX]) {
	const char *own = getenv("CADMUS_RUN_DIR"), *xdg = getenv("XDG_RUNTIME_DIR");
	const char *slash = leaf ? "/" : "";
	int n;
	if (!run_dir_name_ok(machine))
		return -EINVAL;
	if (own && own[0])
		n = snprintf(out, RUN_DIR_PATH_MAX, "%s/%s%s%s", own, machine, slash, leaf ? leaf : "");
	else
		n = snprintf(out, RUN_DIR_PATH_MAX, "%s/cadmus-%u/%s%s%s", xdg && xdg[0] ? xdg : "/tmp", getuid(),
				machine, slash, leaf ? leaf : "");
	return n > 0 && n < RUN_DIR_PATH_MAX ? 0 : -E2BIG;
}

/* ---- looking for machines ---- */

void run_dir_machine(const char *path, char *out) {
	const char *end = strrchr(path, '/'), *from = end;
	while (from > path && from[-1] != '/')
		from--;
	snprintf(out, CDM_NAME_MAX, "%.*s", from ? (int)(end - from) : 0, from ? from : "");
}

static bool is_listed(char (*list)[RUN_DIR_PATH_MAX], unsigned n, const char *path) {
	for (unsigned i = 0; i < n; i++)
		if (strcmp(list[i], path) == 0)
			return true;
	return false;
}

/* What `folder`/MACHINE/leaf matches; how many there are then. */
static unsigned search(const char *folder, const char *machine, const char *leaf, char (*out)[RUN_DIR_PATH_MAX],
		unsigned n, unsigned max) {
	char pattern[2 * RUN_DIR_PATH_MAX], name[CDM_NAME_MAX];
	glob_t found;
	int bytes = snprintf(pattern, sizeof(pattern), "%s/%s/%s", folder, machine ? machine : "*", leaf);
	if (bytes < 0 || bytes >= (int)sizeof(pattern) || glob(pattern, 0, NULL, &found) != 0)
		return n;
	for (size_t i = 0; i < found.gl_pathc && n < max; i++) {
		run_dir_machine(found.gl_pathv[i], name);
		if (strlen(found.gl_pathv[i]) < RUN_DIR_PATH_MAX && run_dir_name_ok(name) &&
				!is_listed(out, n, found.gl_pathv[i]))
			strcpy(out[n++], found.gl_pathv[i]);
	}
	globfree(&found);
	return n;
}

unsigned run_dir_search(const char *machine, const char *leaf, char (*out)[RUN_DIR_PATH_MAX], unsigned max) {
	const char *own = getenv("CADMUS_RUN_DIR"), *xdg = getenv("XDG_RUNTIME_DIR");
	char folder[RUN_DIR_PATH_MAX];
	unsigned n = 0;
	if (machine && !run_dir_name_ok(machine))
		return 0;
	if (own && own[0])
		return search(own, machine, leaf, out, 0, max);
	if (xdg && xdg[0] && snprintf(folder, sizeof(folder), "%s/cadmus-%u", xdg, getuid()) < (int)sizeof(folder))
		n = search(folder, machine, leaf, out, n, max);
	bool root = getuid() == 0;
	snprintf(folder, sizeof(folder), root ? "/run/user/*/cadmus-*" : "/run/user/%u/cadmus-%u", getuid(), getuid());
	n = search(folder, machine, leaf, out, n, max);
	snprintf(folder, sizeof(folder), root ? "/tmp/cadmus-*" : "/tmp/cadmus-%u", getuid());
	return search(folder, machine, leaf, out, n, max);
}

/* ---- whose they are ---- */

/* Ours, a real directory, and closed to everybody else. */
static int check_ours(const char *path) {
	struct stat s;
	if (lstat(path, &s) < 0)
		return -errno;
	return S_ISDIR(s.st_mode) && s.st_uid == getuid() && (s.st_mode & 077) == 0 ? 0 : -EACCES;
}

int run_dir_make(const char *machine, char out[RUN_DIR_PATH_MAX]) {
	const char *own = getenv("CADMUS_RUN_DIR");
	char above[RUN_DIR_PATH_MAX];
	int rc = run_dir_path(machine, NULL, out);
	if (rc == 0)
		rc = io_make_dirs(out);
	if (rc == 0)
		rc = check_ours(out);
	if (rc < 0 || (own && own[0]))
		return rc;
	snprintf(above, sizeof(above), "%s", out);
	*strrchr(above, '/') = 0; /* whoever owns it could put another RUN in our place */
	return check_ours(above);
}

int run_dir_connect(const char *path) {
	uid_t uid;
	pid_t pid;
	int fd = io_connect(path);
	if (fd < 0)
		return fd;
	int rc = io_peer(fd, &uid, &pid);
	if (rc == 0 && uid != getuid() && uid != 0)
		rc = -EACCES;
	if (rc == 0)
		return fd;
	io_close(&fd);
	return rc;
}
