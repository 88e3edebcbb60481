/* cmd_check.c - does a description make a machine, and is what it names on this computer? */
#include "bin/cadmus/args.h"
#include "bin/cadmus/disk.h"
#include "bin/cadmus/json.h"
#include "bin/cadmus/output.h"
#include "bin/cadmus/source.h"
#include "lang/lang.h"

static int judge(const struct verb_context *c, const char *path) {
	struct source s;
	char shown[4096];
	snprintf(shown, sizeof(shown), "%s", path);
	if (source_compile("check", path, &s))
		return 1;
	if (s.plan)
		disk_look(s.plan, &s.diag);
	unsigned warnings = s.diag.count - s.diag.errors;
	if (c->json)
		json_print(lang_diag_json(&s.diag, output_clean(shown, false)));
	else if (s.plan)
		printf("%s: a machine named '%s'%s\n", path, s.plan->machine,
				s.diag.count == 0 ? "" : warnings == 1 ? ", with 1 warning" : ", with warnings");
	if (!c->json)
		source_print(&s);
	int code = s.plan ? 0 : 1;
	source_free(&s);
	return code;
}

static int run(const struct verb_context *c, int argc, char **argv) {
	bool schema = false;
	const struct args_option options[] = { { "--schema", ARGS_FLAG, &schema, 0, 0 }, { .name = NULL } };
	struct args a = { .verb = "check", .options = options, .words_max = 1 };
	if (args_take(&a, argc, argv))
		return 2;
	if (schema == (a.words[0] != NULL))
		return verb_wrong("check", schema ? "--schema takes no file" : "give a file");
	return schema ? json_print(lang_schema_json()) : judge(c, a.words[0]);
}

VERB(check, "Check a description: every error with its place and a hint", "FILE | --schema",
		"  --schema   print the JSON schema of the language, for editors\n"
		"Warns, besides, of models, photographs, drivers and engines that are not on this computer.\n"
		"With --json the messages, errors too, are the result: an object on standard output.\n"
		"examples:\n"
		"  cadmus check examples/first-flight.cdl.yaml\n"
		"  cadmus check --json robot.cdl.yaml | jq '.messages[].code'\n",
		run, .exits = "0 a machine (perhaps with warnings), 1 errors, 2 wrong usage", .no_machine = true);
