/* program.h - where our other programs and loadable modules are. */
#ifndef BASE_PROGRAM_H
#define BASE_PROGRAM_H

#include <stddef.h>
#include "base/check.h"

enum program_kind { PROGRAM_BINARY, PROGRAM_GATEWAY, PROGRAM_DRIVER, PROGRAM_BACKEND };

/*
 * Path of "cadmusd", of gateway "cadmus-http", of driver "photos" (cadmus-driver-photos.so), of
 * backend "llama" (cadmus-backend-llama.so).  Looked for in $CADMUS_LIBEXEC, beside this program,
 * in ../libexec/cadmus from it, and in the build tree this program runs from; nowhere else, so that
 * nothing is loaded because of the current folder.  -ENOENT; -EINVAL: not a bare name.
 */
MUST_CHECK int program_find(enum program_kind kind, const char *name, char *out, size_t capacity);

#endif
