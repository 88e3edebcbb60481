/* cmd_plan.c - what a description becomes: every process, field, right, rate and byte. */
#include "bin/cadmus/json.h"
#include "bin/cadmus/machine.h"
#include "lang/lang.h"

static int run(const struct verb_context *c, int argc, char **argv) {
	struct machine_source s;
	if (argc != 2)
		return verb_wrong("plan", "give one file");
	if (machine_compile("plan", argv[1], &s))
		return 1;
	if (!s.plan || (s.diag.count && !c->json))
		machine_print_diag(c, &s);
	if (s.plan && c->json)
		json_print(lang_plan_json(s.plan));
	else if (s.plan)
		lang_plan_print(stdout, s.plan);
	int code = s.plan ? 0 : 1;
	machine_source_free(&s);
	return code;
}

VERB(plan, "Show the plan that a description compiles to", "FILE",
		"examples:\n"
		"  cadmus plan examples/first-flight.cdl.yaml\n"
		"  cadmus plan --json robot.cdl.yaml | jq .hash\n",
		run);
