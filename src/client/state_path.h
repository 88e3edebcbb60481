/* state_path.h - where the durable state of a machine is: its journal. */
#ifndef CLIENT_STATE_PATH_H
#define CLIENT_STATE_PATH_H

#include <stddef.h>
#include "base/check.h"

/* What ~ stands for: HOME, or where it is not set what the system says of this user.  Not from two threads at once. */
const char *state_path_home(void);
/* ${CADMUS_STATE_DIR:-${XDG_STATE_HOME:-~/.local/state}/cadmus}/MACHINE.journal; without HOME, ~ is what the system
   says of this user.  0 or -E2BIG. */
MUST_CHECK int state_path(const char *machine, char *out, size_t capacity);
/* The same, its folder made (0700) when it is not there; -errno: `out` is the folder then. */
MUST_CHECK int state_path_make(const char *machine, char *out, size_t capacity);

#endif
