/*
 * env.h - the world as what must be simulated sees it: its clocks, its dice, its disk.
 *
 * A table of functions.  env_real() is this machine; env_sim.h makes worlds from a seed.  What is kept in files
 * with SQLite opens them through the VFS `disk`, and does the little that SQLite has no words for with the rest.
 *
 * Errors are -errno as the system says them.  Any thread, for the real one.
 */
#ifndef ENV_ENV_H
#define ENV_ENV_H

#include <limits.h>
#include <stddef.h>
#include <stdint.h>
#include "base/check.h"
#include "cadmus/types.h"

/* Which file it is that has a name: two with the same numbers are one. */
struct env_file {
	uint64_t device, number;
};

enum env_access { ENV_EXISTS, ENV_READABLE, ENV_WRITABLE };

struct env {
	const char *disk; /* name of a VFS that SQLite knows; NULL: its own */

	struct cdm_mono (*mono)(const struct env *e);
	struct cdm_wall (*wall)(const struct env *e);
	void (*random)(const struct env *e, void *out, size_t bytes);

	/* The one name that all openers of a file agree on; -ENOENT: there is no such file. */
	int (*full_name)(const struct env *e, const char *path, char out[PATH_MAX]);
	int (*may)(const struct env *e, const char *path, enum env_access how);
	int (*look)(const struct env *e, const char *path, struct env_file *out);
	/* An empty file that nobody else may read; -EEXIST. */
	int (*make)(const struct env *e, const char *path);
	int (*remove)(const struct env *e, const char *path);
	/* Make the file durable, then give it this name, for good: the folder is synced, too. */
	int (*move)(const struct env *e, const char *from, const char *to);

	/*
	 * Take the lock file `path`, made if need be, which is let go with unlock() or with the death of the process.
	 * A handle >= 0; -EAGAIN: *holder has it, 0: a process that did not sign.
	 */
	int (*lock)(const struct env *e, const char *path, long *holder);
	void (*unlock)(const struct env *e, int handle);
};

/* This machine. */
const struct env *env_real(void);

/* The folder that a file stands in, into out; returns out. */
const char *env_folder_of(const char *path, char out[PATH_MAX]);

#endif
