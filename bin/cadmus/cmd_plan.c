/* cmd_plan.c - what a description becomes: every process, field, right, rate and byte. */
#include <errno.h>
#include <stdio.h>
#include "bin/cadmus/args.h"
#include "bin/cadmus/json.h"
#include "bin/cadmus/source.h"
#include "lang/lang.h"

/* The compiled plan as it is, for cdm_local_open(). */
static int write_plan(const struct plan *p, const char *path) {
	FILE *f = fopen(path, "wbe");
	if (!f)
		return verb_failed("plan", -errno, "cannot write %s", path);
	bool whole = fwrite(p, p->bytes, 1, f) == 1;
	whole = fclose(f) == 0 && whole;
	return whole ? 0 : verb_failed("plan", -EIO, "cannot write all of %s", path);
}

static int run(const struct verb_context *c, int argc, char **argv) {
	struct source s;
	const char *output = NULL;
	const struct args_option options[] = { { "--output", ARGS_TEXT, &output, 0, 0 }, { .name = NULL } };
	struct args a = { .verb = "plan", .options = options, .words_min = 1, .words_max = 1, .wanted = "give a file" };
	if (args_take(&a, argc, argv))
		return 2;
	if (source_compile("plan", a.words[0], &s))
		return 1;
	int code = source_explain(c, "plan", &s);
	if (s.plan && output)
		code = write_plan(s.plan, output);
	else if (s.plan && c->json)
		json_print(lang_plan_json(s.plan));
	else if (s.plan)
		lang_plan_print(stdout, s.plan);
	source_free(&s);
	return code;
}

VERB(plan, "Show the plan that a description compiles to", "FILE [--output PLAN]",
		"  --output PLAN   write it compiled, as programs take it that test themselves (cdm_local_open)\n"
		"examples:\n"
		"  cadmus plan examples/first-flight.cdl.yaml\n"
		"  cadmus plan --json robot.cdl.yaml | jq .hash\n"
		"  cadmus plan robot.cdl.yaml --output robot.plan\n",
		run, .no_machine = true);
