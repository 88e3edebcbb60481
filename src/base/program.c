/* program.c - see program.h. */
#include "base/program.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PATH_ROOM 1024

/* What stands before and after the bare name in the name of the file. */
static const struct {
	const char *before, *after;
} file_name[] = {
	[PROGRAM_BINARY] = { "", "" },
	[PROGRAM_GATEWAY] = { "cadmus-", "" },
	[PROGRAM_DRIVER] = { "cadmus-driver-", ".so" },
	[PROGRAM_BACKEND] = { "cadmus-backend-", ".so" },
};

/* The folder of a kind in a build tree; its sub-folder is the bare name. */
static const char *const tree_folder[] = {
	[PROGRAM_BINARY] = "bin",
	[PROGRAM_GATEWAY] = "gateways",
	[PROGRAM_DRIVER] = "drivers",
	[PROGRAM_BACKEND] = "backends",
};

static int found(char *out, size_t capacity, const char *folder, const char *middle, const char *file) {
	int n = snprintf(out, capacity, "%s%s/%s", folder, middle, file);
	return n > 0 && (size_t)n < capacity && access(out, R_OK) == 0;
}

static void cut_last(char *path) {
	char *slash = strrchr(path, '/');
	if (slash)
		*slash = 0;
}

/* The nearest folder above `path` that is a build tree; 1 if there is one. */
static int climb_to_build(char *path) {
	char probe[PATH_ROOM];
	while (path[0]) {
		if (found(probe, sizeof(probe), path, "", "meson-info"))
			return 1;
		cut_last(path);
	}
	return 0;
}

int program_find(enum program_kind kind, const char *name, char *out, size_t capacity) {
	char self[PATH_ROOM], file[128], middle[128];
	const char *libexec = getenv("CADMUS_LIBEXEC");
	if (strchr(name, '/') || name[0] == '.')
		return -EINVAL;
	snprintf(file, sizeof(file), "%s%s%s", file_name[kind].before, name, file_name[kind].after);
	if (libexec && found(out, capacity, libexec, "", file))
		return 0;
	ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);
	if (n < 0)
		return -errno;
	self[n] = 0;
	cut_last(self);
	if (found(out, capacity, self, "", file) || found(out, capacity, self, "/../libexec/cadmus", file))
		return 0;
	snprintf(middle, sizeof(middle), "/%s/%s", tree_folder[kind], name);
	return climb_to_build(self) && found(out, capacity, self, middle, file) ? 0 : -ENOENT;
}
