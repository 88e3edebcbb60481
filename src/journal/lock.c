/* lock.c - see lock_priv.h. */
#include "journal/lock_priv.h"

#include <errno.h>
#include <stdio.h>
#include "journal/message_priv.h"

static int busy(const char *path, long pid, struct cdm_diag *diag) {
	if (pid > 0)
		message_add(diag, MESSAGE_BUSY, "%s is in use by process %ld", path, pid);
	else
		message_add(diag, MESSAGE_BUSY, "%s is in use by another process", path);
	return -EBUSY;
}

int lock_take(const struct env *e, const char *path, struct cdm_diag *diag) {
	char name[PATH_MAX];
	long holder = 0;
	if (snprintf(name, sizeof(name), "%s.lock", path) >= (int)sizeof(name))
		return -E2BIG;
	int handle = e->lock(e, name, &holder);
	if (handle == -EAGAIN)
		return busy(path, holder, diag);
	if (handle >= 0)
		return handle;
	int rc = message_error(-handle);
	message_add(diag, MESSAGE_OPEN, "%s: cannot be opened (%s)", name, err_name(rc));
	return rc;
}
