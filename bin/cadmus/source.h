/*
 * source.h - a description: read, compiled, and what is to be said about it.
 *
 * What goes wrong is explained on standard error; verbs just return 1 then.  One thread.
 */
#ifndef CADMUS_SOURCE_H
#define CADMUS_SOURCE_H

#include <stddef.h>
#include "base/check.h"
#include "bin/cadmus/verb.h"
#include "cadmus/diag.h"
#include "schema/plan.h"

/* A description and what became of it. */
struct source {
	char *text;
	size_t bytes;
	const char *path;
	struct cdm_diag diag;
	struct plan *plan; /* NULL: there were errors */
};

/*
 * Read and compile `path`; messages stay in s->diag.  0 when the file could be read, also when it
 * has errors (plan NULL).  Release with source_free().
 */
int source_compile(const char *verb, const char *path, struct source *s);
void source_free(struct source *s);
/* The cores that we may use, as the workers that are started from here: what a description is admitted by. */
unsigned source_cores(void);
/* Read what must be a regular file into out, as io_read_file(); -EISDIR, or -EINVAL for a pipe and its like. */
MUST_CHECK int source_read(const char *path, char *out, size_t capacity);
/* Why not, in words; `bound` is said of -E2BIG.  Borrowed. */
const char *source_unread(int rc, const char *bound);
/* Print its messages on standard error, with their places. */
void source_print(const struct source *s);
/* For verbs that want the plan: say what is wrong or doubtful.  0 when there is a plan, else 1. */
int source_explain(const struct verb_context *c, const char *verb, const struct source *s);

#endif
