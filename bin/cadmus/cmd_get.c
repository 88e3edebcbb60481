/* cmd_get.c - one field now, or the list of all. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "base/clock.h"
#include "base/err.h"
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
		return verb_failed("get", "there is no field '%s'; `cadmus get` lists them", name);
	if (sample_read(s, f, &x) < 0)
		return verb_failed("get", "%s: %s", name, x.rc == -EAGAIN ? "nothing was published yet" : err_text(x.rc));
	if (c->json)
		return json_print(sample_json(&x));
	sample_print(&x);
	return 0;
}

static int run(const struct verb_context *c, int argc, char **argv) {
	struct seat s = { .fd = -1 };
	if (argc > 2)
		return verb_wrong("get", "give one field, or none to see all");
	if (machine_attach(c, "get", &s))
		return 1;
	int code = argc == 2 ? one(c, &s, argv[1]) : list(c, &s);
	seat_close(&s);
	return code;
}

VERB(get, "Show a field's latest sample with its age, trust and status", "[FIELD]",
		"Without FIELD: all of them. Awareness is shown as it has decayed by now.\n"
		"examples:\n"
		"  cadmus get visual\n"
		"  cadmus get hexapod_legs.feedback --json\n",
		run);
