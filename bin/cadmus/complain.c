/*
 * complain.c - errors of verbs on standard error: a line for people, or with --json an object.
 *
 *      cadmus get: there is no field 'visuall'; did you mean 'visual'?
 *      {"error":{"code":"ENOENT","text":"there is no field 'visuall'","hint":"did you mean 'visual'?"}}
 */
#include <jansson.h>
#include <stdarg.h>
#include <stdlib.h>
#include "base/err.h"
#include "bin/cadmus/output.h"
#include "bin/cadmus/verb.h"

static bool as_json;

void verb_errors_as_json(void) {
	as_json = true;
}

static void print_json(const char *code, const char *text, const char *hint) {
	json_t *j = json_pack("{s:{s:s,s:s,s:s}}", "error", "code", code, "text", text, "hint", hint);
	char *line = j ? json_dumps(j, JSON_COMPACT) : NULL;
	fprintf(stderr, "%s\n", line ? line : "{\"error\":{\"code\":\"ENOMEM\",\"text\":\"no memory\",\"hint\":\"\"}}");
	free(line);
	json_decref(j);
}

static void tell(const char *verb, const char *code, const char *hint, const char *join, char *text) {
	char what_to_do[512];
	snprintf(what_to_do, sizeof(what_to_do), "%s", hint ? hint : "");
	output_clean(text, false);
	output_clean(what_to_do, false);
	output_flush(); /* what it could still say stands before this */
	if (as_json)
		print_json(code, text, what_to_do);
	else
		fprintf(stderr, "cadmus%s%s: %s%s%s\n", verb ? " " : "", verb ? verb : "", text,
				what_to_do[0] ? join : "", what_to_do);
}

__attribute__((format(printf, 5, 0))) static void complain(const char *verb, const char *code, const char *hint,
		const char *join, const char *format, va_list args) {
	char text[2048];
	vsnprintf(text, sizeof(text), format, args);
	tell(verb, code, hint, join, text);
}

int verb_wrong(const char *verb, const char *format, ...) {
	char hint[64];
	va_list args;
	snprintf(hint, sizeof(hint), "try: cadmus %s%s--help", verb ? verb : "", verb ? " " : "");
	va_start(args, format);
	complain(verb, "USAGE", hint, "\n", format, args);
	va_end(args);
	return 2;
}

int verb_failed(const char *verb, int rc, const char *format, ...) {
	va_list args;
	va_start(args, format);
	complain(verb, err_name(rc), NULL, "", format, args);
	va_end(args);
	return 1;
}

int verb_failed_hint(const char *verb, int rc, const char *hint, const char *format, ...) {
	va_list args;
	va_start(args, format);
	complain(verb, err_name(rc), hint, "; ", format, args);
	va_end(args);
	return 1;
}

int verb_failed_named(const char *verb, const char *code, const char *hint, const char *text) {
	char copy[2048];
	snprintf(copy, sizeof(copy), "%s", text);
	tell(verb, code, hint, "; ", copy);
	return 1;
}

int verb_failed_diag(const char *verb, int rc, const struct cdm_diag *d, const char *otherwise) {
	const struct cdm_message *m = d->count ? &d->at[0] : NULL;
	return verb_failed_hint(verb, rc, m ? m->hint : NULL, "%s", m ? m->text : otherwise);
}
