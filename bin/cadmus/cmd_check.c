/* cmd_check.c - does a description make a machine? */
#include <string.h>
#include "bin/cadmus/json.h"
#include "bin/cadmus/machine.h"
#include "lang/lang.h"

static int run(const struct verb_context *c, int argc, char **argv) {
	struct machine_source s;
	if (argc == 2 && strcmp(argv[1], "--schema") == 0)
		return json_print(lang_schema_json());
	if (argc != 2)
		return verb_wrong("check", "give one file");
	if (machine_compile("check", argv[1], &s))
		return 1;
	machine_print_diag(c, &s);
	unsigned warnings = s.diag.count - s.diag.errors;
	if (!c->json && s.plan)
		printf("%s: a machine named '%s'%s\n", argv[1], s.plan->machine,
				s.diag.count == 0 ? "" : warnings == 1 ? ", with 1 warning" : ", with warnings");
	int code = s.plan ? 0 : 1;
	machine_source_free(&s);
	return code;
}

VERB(check, "Check a description: every error with its place and a hint", "FILE | --schema",
		"  --schema   print the JSON schema of the language, for editors\n"
		"examples:\n"
		"  cadmus check examples/first-flight.cdl.yaml\n"
		"  cadmus check --json robot.cdl.yaml | jq '.messages[].code'\n"
		"exit: 0 a machine (perhaps with warnings), 1 errors, 2 wrong usage\n",
		run);
