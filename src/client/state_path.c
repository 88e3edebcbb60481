/* state_path.c - see state_path.h. */
#include "client/state_path.h"

#include <errno.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "base/io.h"

/* Never a folder like /tmp, where anybody may have made it first. */
const char *state_path_home(void) {
	const char *set = getenv("HOME");
	const struct passwd *p = set && set[0] ? NULL : getpwuid(getuid());
	return set && set[0] ? set : p && p->pw_dir ? p->pw_dir : "/nonexistent";
}

int state_path(const char *machine, char *out, size_t capacity) {
	const char *own = getenv("CADMUS_STATE_DIR"), *xdg = getenv("XDG_STATE_HOME");
	int n;
	if (own && own[0])
		n = snprintf(out, capacity, "%s/%s.journal", own, machine);
	else if (xdg && xdg[0])
		n = snprintf(out, capacity, "%s/cadmus/%s.journal", xdg, machine);
	else
		n = snprintf(out, capacity, "%s/.local/state/cadmus/%s.journal", state_path_home(), machine);
	return n > 0 && (size_t)n < capacity ? 0 : -E2BIG;
}

int state_path_make(const char *machine, char *out, size_t capacity) {
	int rc = state_path(machine, out, capacity);
	char *slash = rc < 0 ? NULL : strrchr(out, '/');
	if (!slash)
		return rc;
	*slash = 0;
	rc = io_make_dirs(out);
	if (rc == 0)
		*slash = '/';
	return rc;
}
