/*
 * verb.h - what a verb of the `cadmus` command is.
 *
 * One verb, one file: cmd_x.c defines its options, its help and its function, and ends with
 * VERB(x, ...).  The linker gathers the entries, the build gathers the files: nothing else is
 * touched to add one (but its man page section).
 */
#ifndef CADMUS_VERB_H
#define CADMUS_VERB_H

#include <stdbool.h>
#include <stdio.h>
#include "base/check.h"
#include "cadmus/diag.h"

/* What all verbs understand, taken out of argv before the verb sees it. */
struct verb_context {
	bool json;           /* --json: one JSON value on standard output, nothing else there; errors as JSON, too */
	bool terminal;       /* standard output is one */
	bool colour;         /* ... that takes colours, and NO_COLOR is not set */
	const char *machine; /* --machine NAME, or NULL: the one that runs */
};

/* Exit codes: 0 done, 1 the world said no (explained on standard error), 2 wrong usage. */
struct verb {
	const char *name;
	const char *summary; /* one line of `cadmus help` */
	const char *usage;   /* "FILE [--stay]" */
	const char *help;    /* options and examples, whole lines */
	int (*run)(const struct verb_context *c, int argc, char **argv); /* argv[0] is the verb */
	const char *exits;   /* "0 ..., 1 ..., 2 wrong usage"; NULL: as all do */
	bool no_machine;     /* it asks no running machine, so --machine is wrong usage */
};

#define VERB(id, ...)                                                                                \
	static const struct verb verb_##id = { .name = #id, __VA_ARGS__ };                           \
	__attribute__((used, section("cadmus_verbs"), aligned(sizeof(void *)))) static const struct verb \
			*const verb_entry_##id = &verb_##id

/* All verbs in alphabetical order, and their number. */
const struct verb *const *verb_all(size_t *count);

/* ---- complain.c: errors, on standard error ---- */

/* From now on errors are objects: {"error": {"code", "text", "hint"}}. */
void verb_errors_as_json(void);
/* Wrong usage: what is wrong, and how to learn more; code "USAGE"; returns 2.  verb NULL: of the command itself. */
int verb_wrong(const char *verb, const char *format, ...) PRINTF_LIKE(2, 3);
/* It could not be done; `rc` is a negative errno, its name is the code; returns 1. */
int verb_failed(const char *verb, int rc, const char *format, ...) PRINTF_LIKE(3, 4);
/* The same, with what to do about it (may be NULL or ""). */
int verb_failed_hint(const char *verb, int rc, const char *hint, const char *format, ...) PRINTF_LIKE(4, 5);
/* As core said it: with the name of the errno; `hint` as above. */
int verb_failed_named(const char *verb, const char *code, const char *hint, const char *text);
/* The first message of a diagnosis with its hint, or `otherwise` when it has none. */
int verb_failed_diag(const char *verb, int rc, const struct cdm_diag *d, const char *otherwise);

#endif
