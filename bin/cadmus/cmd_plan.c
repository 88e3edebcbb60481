/* cmd_plan.c - what a description becomes: every process, field, right, rate and byte. */
#include "bin/cadmus/args.h"
#include "bin/cadmus/json.h"
#include "bin/cadmus/source.h"
#include "lang/lang.h"

static int run(const struct verb_context *c, int argc, char **argv) {
	struct source s;
	struct args a = { .verb = "plan", .words_min = 1, .words_max = 1, .wanted = "give a file" };
	if (args_take(&a, argc, argv))
		return 2;
	if (source_compile("plan", a.words[0], &s))
		return 1;
	int code = source_explain(c, "plan", &s);
	if (s.plan && c->json)
		json_print(lang_plan_json(s.plan));
	else if (s.plan)
		lang_plan_print(stdout, s.plan);
	source_free(&s);
	return code;
}

VERB(plan, "Show the plan that a description compiles to", "FILE",
		"examples:\n"
		"  cadmus plan examples/first-flight.cdl.yaml\n"
		"  cadmus plan --json robot.cdl.yaml | jq .hash\n",
		run, .no_machine = true);
