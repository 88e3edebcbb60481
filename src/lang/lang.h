/*
 * lang.h - the compiler of the Consciousness Description Language: text in, a plan and messages out.
 *
 * Pure: no clock, no file, no environment.  What a text refers to (symbol tables, ${NAME} in paths)
 * comes through two callbacks, and what the machine has (cores, memory) as numbers, so equal
 * arguments give a plan of equal bytes on every machine.
 *
 * Passes, one file each: parse -> names -> types -> references -> completeness -> limits -> emit.
 * Every pass goes on after an error as far as it can, so that one run shows all of them.  Typos and
 * contradictions are errors.  What is left undeclared is a warning, and the plan does not start it.
 *
 * Any thread may compile; a compilation shares nothing with another.
 */
#ifndef LANG_LANG_H
#define LANG_LANG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <jansson.h>
#include "base/check.h"
#include "cadmus/diag.h"
#include "schema/plan.h"

#define LANG_TEXT_MAX (1u << 20)

struct lang_options {
	const char *file;   /* name of the text for messages and the default machine name; NULL: "machine.cdl.yaml" */
	const char *folder; /* relative paths are joined to it; NULL: they stay as written */
	/*
	 * Text of the symbol table `name` ("phoenician_v2", to be found as symbols/NAME.yaml): 0 with
	 * *text from malloc (the compiler frees it) and its bytes, or -ENOENT.  NULL: there are none.
	 */
	int (*symbols)(void *ctx, const char *name, char **text, size_t *bytes);
	/* Value of an environment variable, or NULL; borrowed until the next call.  NULL: none is set. */
	const char *(*environment)(void *ctx, const char *name);
	void *ctx;
	unsigned cores;        /* cores of the machine; 0: do not check */
	uint64_t memory_bytes; /* memory that may be used; 0: do not check */
};

/*
 * Compile.  0 and *out (to be freed with plan_free) when there was no error; -EINVAL when there
 * was, with messages in `diag` sorted by line; -ENOMEM.  opt and diag may be NULL, out not: it is
 * NULL unless 0 is returned.  Every plan that comes out has passed plan_verify().
 */
MUST_CHECK int lang_compile(const char *text, size_t bytes, const struct lang_options *opt, struct plan **out,
		struct cdm_diag *diag);

/* Check the text of a symbol table by itself: 0 or -EINVAL, messages as above. */
MUST_CHECK int lang_check_symbols(const char *text, size_t bytes, struct cdm_diag *diag);

/*
 * Print every message with its line and a caret under the place, in colour or not:
 *
 *      robot.yaml:4:5: error C0201: 'awarness' is not a key of a model
 *          4 |     awarness: [semantic]
 *            |     ^~~~~~~~
 *            hint: did you mean 'awareness_fields'?
 *
 * `text` (may be NULL) is what was compiled.
 */
void lang_print_diag(FILE *to, const struct cdm_diag *diag, const char *text, size_t bytes, const char *file,
		bool colour);
/*
 * {"file", "errors", "dropped", "messages": [{"severity", "code", "line", "column", "length", "text",
 * "hint"}]}; the caller owns it.
 */
json_t *lang_diag_json(const struct cdm_diag *diag, const char *file);

/* The plan for people: processes, fields, rules, rights, and the sums that admission looks at. */
void lang_plan_print(FILE *to, const struct plan *p);
/* The same as JSON; the caller owns it. */
json_t *lang_plan_json(const struct plan *p);

/* The language itself, from its tables: the keys of every section as Markdown, and a JSON schema. */
void lang_print_keys(FILE *to);
json_t *lang_schema_json(void);
/* Every diagnostic: code, severity, text. */
void lang_print_codes(FILE *to);
/* Does this build know the code, and what does it mean?  NULL if not.  Static. */
const char *lang_code_text(const char *code);

#endif
