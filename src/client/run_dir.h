/*
 * run_dir.h - where the doors of a running machine are.
 *
 * RUN = ${CADMUS_RUN_DIR:-${XDG_RUNTIME_DIR:-/tmp}/cadmus-<uid>}/MACHINE/, 0700 and ours, with
 * attach.sock, control.sock and stop.sock.  Any thread.
 */
#ifndef CLIENT_RUN_DIR_H
#define CLIENT_RUN_DIR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include "base/check.h"

#define RUN_DIR_PATH_MAX 108 /* what a socket address can hold, its zero included */

#define RUN_DIR_ATTACH "attach.sock"
#define RUN_DIR_CONTROL "control.sock"
#define RUN_DIR_STOP "stop.sock"

/* [a-z0-9_-] and inner dots, shorter than CDM_NAME_MAX: nothing that could leave the directory. */
bool run_dir_name_ok(const char *machine);
/* RUN/leaf, or RUN itself without a slash for NULL.  0, -EINVAL (name), -E2BIG. */
MUST_CHECK int run_dir_path(const char *machine, const char *leaf, char out[RUN_DIR_PATH_MAX]);
/* Make RUN and what leads to it; -EACCES when RUN, or cadmus-<uid> above it, is not a directory of ours that is
   closed to others. */
MUST_CHECK int run_dir_make(const char *machine, char out[RUN_DIR_PATH_MAX]);
/* One that was found, and whose it is: the owner of the folder that it is in, where nobody else can put anything. */
struct run_dir_door {
	char path[RUN_DIR_PATH_MAX];
	uid_t owner;
};

/* free(at). */
struct run_dir_doors {
	struct run_dir_door *at;
	size_t count, room;
};

/*
 * Where a socket `leaf` of any machine may be, in order: in RUN as it is set here, and where it would be had other
 * settings been made when it was started (XDG_RUNTIME_DIR, /run/user/<uid>, /tmp); for root, everybody's behind its
 * own.  `machine` NULL: of all.  Each once into *out, however many there are.  A folder cadmus-<uid> is looked into
 * only if it is that user's and nobody else can write there.  Whether anybody listens is not looked at.  0, or
 * -ENOMEM: there may be more of them.
 */
MUST_CHECK int run_dir_search(const char *machine, const char *leaf, struct run_dir_doors *out);
/* The name of the machine whose door `path` is, into `out` of CDM_NAME_MAX. */
void run_dir_machine(const char *path, char *out);
/* Connect to a socket there, if it is one of ours (or root's) that answers: -EACCES else; -ENOENT, -ECONNREFUSED,
   -ETIMEDOUT as io_connect_within(), -errno.  In a folder like /tmp anybody may have put it. */
MUST_CHECK int run_dir_connect(const char *path, int64_t timeout_ns);

#endif
