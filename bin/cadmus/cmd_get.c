/* cmd_get.c - one field now, or the list of all. */
#include <errno.h>
#include "base/err.h"
#include "bin/cadmus/args.h"
#include "bin/cadmus/json.h"
#include "bin/cadmus/machine.h"
#include "bin/cadmus/sample.h"

static int list(const struct verb_context *c, struct seat *s) {
	json_t *all = json_array();
	for (uint16_t f = 0; f < s->plan->fields.count; f++) {
		struct sample x;
		if (sample_read(s, f, &x) < 0 && x.rc != -EAGAIN)
			continue;
		if (c->json)
			json_array_append_new(all, sample_json(&x));
		else
			sample_print(&x);
	}
	if (c->json)
		json_print(json_incref(all));
	json_decref(all);
	return 0;
}

static int one(const struct verb_context *c, struct seat *s, const char *name) {
	uint16_t f = plan_find_field(s->plan, name);
	struct sample x;
	if (f == PLAN_NONE)
		return machine_no_field("get", s->plan, name);
	if (sample_read(s, f, &x) < 0)
		return verb_failed("get", x.rc, x.rc == -EAGAIN ? "%s: nothing was published yet"
				: x.rc == -EACCES ? "%s: the plan lets no client read it" : "%s: it cannot be read",
				name);
	if (c->json)
		return json_print(sample_json(&x));
	sample_print(&x);
	return 0;
}

static int run(const struct verb_context *c, int argc, char **argv) {
	struct seat s = { .fd = -1 };
	struct args a = { .verb = "get", .words_max = 1 };
	int code = args_take(&a, argc, argv);
	if (code == 0)
		code = machine_attach(c, "get", &s);
	if (code)
		return code;
	code = a.words[0] ? one(c, &s, a.words[0]) : list(c, &s);
	seat_close(&s);
	return code;
}

VERB(get, "Show a field's latest sample with its age, trust and status", "[FIELD]",
		"Without FIELD: all of them. Awareness is shown as it has decayed by now.\n"
		"examples:\n"
		"  cadmus get visual\n"
		"  cadmus get hexapod_legs.feedback --json\n",
		run);
