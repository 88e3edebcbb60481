/* run_dir.c - see run_dir.h. */
#include "client/run_dir.h"

#include <errno.h>
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "base/array.h"
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

/* A folder, no link to one, where nobody but its owner can put anything. */
static bool is_private(const char *folder, uid_t *owner) {
	struct stat s;
	if (lstat(folder, &s) < 0)
		return false;
	*owner = s.st_uid;
	return S_ISDIR(s.st_mode) && (s.st_mode & 022) == 0;
}

/* The owner of the folder that `path` is in, if that is his alone. */
static bool find_owner(const char *path, uid_t *owner) {
	char folder[RUN_DIR_PATH_MAX];
	snprintf(folder, sizeof(folder), "%.*s", (int)(strrchr(path, '/') - path), path);
	return is_private(folder, owner);
}

static bool is_socket(const char *path) {
	struct stat s;
	return lstat(path, &s) == 0 && S_ISSOCK(s.st_mode);
}

static int add(struct run_dir_doors *d, const char *path, uid_t owner) {
	struct run_dir_door *more = array_grow(d->at, d->count, &d->room, sizeof(*more));
	if (!more)
		return -ENOMEM;
	d->at = more;
	d->at[d->count].owner = owner;
	strcpy(d->at[d->count++].path, path);
	return 0;
}

static int find(const char *pattern, glob_t *found) {
	int rc = glob(pattern, 0, NULL, found);
	return rc == 0 || rc == GLOB_NOMATCH ? 0 : -ENOMEM;
}

/* What `folder`/MACHINE/leaf matches. */
static int search(const char *folder, const char *machine, const char *leaf, struct run_dir_doors *out) {
	char pattern[2 * RUN_DIR_PATH_MAX], name[CDM_NAME_MAX];
	glob_t found = { 0 };
	uid_t owner;
	int bytes = snprintf(pattern, sizeof(pattern), "%s/%s/%s", folder, machine ? machine : "*", leaf);
	if (bytes < 0 || bytes >= (int)sizeof(pattern))
		return 0; /* longer than a socket's address */
	int rc = find(pattern, &found);
	for (size_t i = 0; i < found.gl_pathc && rc == 0; i++) {
		const char *path = found.gl_pathv[i];
		run_dir_machine(path, name);
		if (strlen(path) < RUN_DIR_PATH_MAX && run_dir_name_ok(name) && is_socket(path) &&
				find_owner(path, &owner))
			rc = add(out, path, owner);
	}
	globfree(&found);
	return rc;
}

static bool is_listed(char (*list)[RUN_DIR_PATH_MAX], unsigned n, const char *folder) {
	for (unsigned i = 0; i < n; i++)
		if (strcmp(list[i], folder) == 0)
			return true;
	return false;
}

/* Where this user's machines may be, whatever the settings were. */
#define OWN_FOLDERS 3

static unsigned own_folders(char (*out)[RUN_DIR_PATH_MAX]) {
	const char *xdg = getenv("XDG_RUNTIME_DIR");
	unsigned n = 0, uid = getuid();
	if (xdg && xdg[0] && snprintf(out[n], RUN_DIR_PATH_MAX, "%s/cadmus-%u", xdg, uid) < RUN_DIR_PATH_MAX)
		n++;
	snprintf(out[n], RUN_DIR_PATH_MAX, "/run/user/%u/cadmus-%u", uid, uid);
	n += !is_listed(out, n, out[n]);
	snprintf(out[n], RUN_DIR_PATH_MAX, "/tmp/cadmus-%u", uid);
	return n + !is_listed(out, n, out[n]);
}

/* "/tmp/cadmus-1000", if it is that user's: in /tmp anybody may have made it. */
static bool is_users(const char *folder) {
	const char *digits = strrchr(folder, '-') + 1;
	char *end;
	uid_t owner;
	unsigned long uid = strtoul(digits, &end, 10);
	return *digits >= '0' && *digits <= '9' && !*end && is_private(folder, &owner) && owner == uid;
}

/* Of everybody; what is ours was looked at already. */
static int search_all(const char *pattern, const char *machine, const char *leaf, struct run_dir_doors *out) {
	char own[OWN_FOLDERS][RUN_DIR_PATH_MAX];
	unsigned n = own_folders(own);
	glob_t found = { 0 };
	int rc = find(pattern, &found);
	for (size_t i = 0; i < found.gl_pathc && rc == 0; i++)
		if (!is_listed(own, n, found.gl_pathv[i]) && is_users(found.gl_pathv[i]))
			rc = search(found.gl_pathv[i], machine, leaf, out);
	globfree(&found);
	return rc;
}

int run_dir_search(const char *machine, const char *leaf, struct run_dir_doors *out) {
	const char *set = getenv("CADMUS_RUN_DIR");
	char own[OWN_FOLDERS][RUN_DIR_PATH_MAX];
	int rc = 0;
	*out = (struct run_dir_doors){ NULL, 0, 0 };
	if (machine && !run_dir_name_ok(machine))
		return 0;
	if (set && set[0])
		return search(set, machine, leaf, out);
	unsigned n = own_folders(own);
	for (unsigned i = 0; i < n && rc == 0; i++)
		rc = is_users(own[i]) ? search(own[i], machine, leaf, out) : 0;
	if (rc == 0 && getuid() == 0)
		rc = search_all("/run/user/*/cadmus-*", machine, leaf, out);
	if (rc == 0 && getuid() == 0)
		rc = search_all("/tmp/cadmus-*", machine, leaf, out);
	return rc;
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

int run_dir_connect(const char *path, int64_t timeout_ns) {
	uid_t uid;
	pid_t pid;
	int fd = io_connect_within(path, timeout_ns);
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
