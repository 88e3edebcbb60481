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

/* What all verbs understand, taken out of argv before the verb sees it. */
struct verb_context {
	bool json;           /* --json: one JSON value on standard output, nothing else there */
	bool colour;         /* standard output is a terminal and NO_COLOR is not set */
	const char *machine; /* --machine NAME, or NULL: the one that runs */
};

/* Exit codes: 0 done, 1 the world said no (explained on standard error), 2 wrong usage. */
struct verb {
	const char *name;
	const char *summary; /* one line of `cadmus help` */
	const char *usage;   /* "FILE [--stay]" */
	const char *help;    /* options and examples, whole lines */
	int (*run)(const struct verb_context *c, int argc, char **argv); /* argv[0] is the verb */
};

#define VERB(id, ...)                                                                                \
	static const struct verb verb_##id = { #id, __VA_ARGS__ };                                   \
	__attribute__((used, section("cadmus_verbs"), aligned(sizeof(void *)))) static const struct verb \
			*const verb_entry_##id = &verb_##id

/* All verbs in alphabetical order, and their number. */
const struct verb *const *verb_all(size_t *count);
/* Say how the verb is used, on `to`. */
void verb_usage(const struct verb *v, FILE *to);
/* "cadmus x: text" and how to learn more on standard error; returns 2. */
int verb_wrong(const char *verb, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* "cadmus x: text" on standard error; returns 1. */
int verb_failed(const char *verb, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
