/* run_dir.c - see run_dir.h. */
#include "client/run_dir.h"

#include <errno.h>
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
		n = snprintf(out, RUN_DIR_PATH_MAX, "%s/cadmus-%u/%s%s%s", xdg && xdg[0] ? xdg : "/tmp", getuid(), machine,
				slash, leaf ? leaf : "");
	return n > 0 && n < RUN_DIR_PATH_MAX ? 0 : -E2BIG;
}

/* Ours, a real directory, and closed to everybody else. */
static int check_ours(const char *path) {
	struct stat s;
	if (lstat(path, &s) < 0)
		return -errno;
	return S_ISDIR(s.st_mode) && s.st_uid == getuid() && (s.st_mode & 077) == 0 ? 0 : -EACCES;
}

int run_dir_make(const char *machine, char out[RUN_DIR_PATH_MAX]) {
	int rc = run_dir_path(machine, NULL, out);
	if (rc == 0)
		rc = io_make_dirs(out);
	return rc < 0 ? rc : check_ours(out);
}
