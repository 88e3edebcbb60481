/* err.h - negative errno values carry our meanings; numbers stay in the process, names travel. */
#ifndef BASE_ERR_H
#define BASE_ERR_H

#include <errno.h>

/* "ESTALE" for -ESTALE; "OK" for >= 0; "EUNKNOWN" outside the list.  Static. */
const char *err_name(int rc);
/* What it means here, as one clause.  Static. */
const char *err_text(int rc);

/* -errno of a call that just failed, and never 0, whatever that call left there. */
static inline int err_last(void) {
	return errno > 0 ? -errno : -EIO;
}

#endif
