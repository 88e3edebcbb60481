/* host.h - a process around a backend, as small as can be: what a worker gives it, for tests. */
#ifndef BACKENDS_TEST_HOST_H
#define BACKENDS_TEST_HOST_H

#include "backends/check.h"
#include "cadmus/backend.h"

/* The module's object; does not return when it cannot be loaded. */
const struct cdm_backend *host_open(const char *path);
/* Options for the next load(): "key", "value", ..., NULL.  Borrowed. */
void host_options(const char *const *pairs);
extern const struct cdm_backend_host host;

/* Threads this process has now. */
unsigned host_threads(void);
/* Returns when it has `count` again: a joined thread stays in /proc a moment longer.  Never more come. */
void host_threads_fall_to(unsigned count);
/* The value of an environment variable that names something that exists, or NULL with the reason printed. */
const char *host_place(const char *variable, const char *what);
/* What a test returns that lacks something: meson counts it as skipped, or as failed where CADMUS_REQUIRE_ENGINES=1. */
int host_skip(void);
/* Is `text` in any message?  Prints the diag when not. */
int host_said(const struct cdm_diag *d, const char *text);
/* A new, empty file name in a folder that host_clean() removes. */
const char *host_file(const char *name);
void host_write(const char *path, const void *data, size_t bytes);

#endif
