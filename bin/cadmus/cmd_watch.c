/* cmd_watch.c - a field, sample by sample, or the events of all processes, as they come. */
#include <errno.h>
#include "base/clock.h"
#include "base/err.h"
#include "bin/cadmus/args.h"
#include "bin/cadmus/events.h"
#include "bin/cadmus/json.h"
#include "bin/cadmus/machine.h"
#include "bin/cadmus/output.h"
#include "bin/cadmus/sample.h"
#include "store/wait.h"

#define SLICE_NS (500 * NS_PER_MS) /* how often the parent's messages are looked at while nothing comes */

/* New segments of restarted writers; < 0: the machine is gone. */
static int look_around(struct seat *s) {
	struct seat_event e;
	int rc;
	while ((rc = seat_handle(s, &e)) > 0)
		;
	return rc;
}

/* < 0: it could not be written. */
static int show(const struct verb_context *c, const struct sample *x) {
	if (c->json)
		return json_print_line(sample_json(x));
	sample_print(x);
	return output_flush();
}

static int follow(const struct verb_context *c, struct seat *s, struct field *f, uint64_t count) {
	struct sample x;
	for (uint64_t shown = 0; count == 0 || shown < count;) {
		if (look_around(s) < 0)
			return verb_failed("watch", -EPIPE, "the machine is down");
		int rc = wait_field(f, SLICE_NS);
		if (rc == -ETIMEDOUT || rc == -ECANCELED)
			continue;
		if (rc == -EOWNERDEAD) /* shown once more: it is an orphan now */
			rc = 0;
		if (rc < 0 || (sample_take(f, &x) < 0 && x.rc != -EAGAIN))
			return verb_failed("watch", rc < 0 ? rc : x.rc, "%s", err_text(rc < 0 ? rc : x.rc));
		if (x.rc < 0)
			continue;
		if (x.large)
			field_skip(f);
		if (show(c, &x) < 0)
			return 0; /* main() tells */
		shown++;
	}
	return 0;
}

static int watch(const struct verb_context *c, struct seat *s, const char *name, uint64_t count) {
	struct field f;
	uint16_t index = plan_find_field(s->plan, name);
	if (index == PLAN_NONE)
		return machine_no_field("watch", s->plan, name);
	if (field_open(&f, &s->peers, index) < 0)
		return verb_failed("watch", -EACCES, "%s: the plan lets no client read it", name);
	int code = follow(c, s, &f, count);
	field_close(&f);
	return code;
}

struct options {
	bool events, only_new;
	uint64_t count; /* 0: no end */
};

/* 0, or 2 after explaining. */
static int check(const struct options *o, const char *field) {
	if (!field && !o->events)
		return verb_wrong("watch", "give a field, or --events");
	if (field && o->events)
		return verb_wrong("watch", "a field or --events, not both");
	return o->only_new && !o->events ? verb_wrong("watch", "--new belongs to --events") : 0;
}

static int run(const struct verb_context *c, int argc, char **argv) {
	struct seat s = { .fd = -1 };
	struct options o = { 0 };
	const struct args_option options[] = {
		{ "-n", ARGS_COUNT, &o.count, 1, ARGS_COUNT_MAX },
		{ "--events", ARGS_FLAG, &o.events, 0, 0 },
		{ "--new", ARGS_FLAG, &o.only_new, 0, 0 },
		{ .name = NULL },
	};
	struct args a = { .verb = "watch", .options = options, .words_max = 1 };
	int code = args_take(&a, argc, argv);
	if (code == 0)
		code = check(&o, a.words[0]);
	if (code == 0)
		code = machine_attach(c, "watch", &s);
	if (code)
		return code;
	output_interruptible(NULL);
	code = o.events ? events_follow(c, &s, o.only_new, o.count) : watch(c, &s, a.words[0], o.count);
	seat_close(&s);
	return code;
}

VERB(watch, "Follow a field, one line for each sample, or what happens", "FIELD [-n N] | --events [--new] [-n N]",
		"  -n N       end after N lines, 1 to 1000000000; without it Ctrl-C ends it\n"
		"  --events   what happens in all processes: verdicts, stops, models that came and went\n"
		"  --new      begin with what happens from now on, not with what memory still holds\n"
		"Waiting for a sample costs nothing: the writer wakes us. What is too fast to be shown is skipped; of\n"
		"events it is said how many.\n"
		"examples:\n"
		"  cadmus watch visual\n"
		"  cadmus watch kinesthetic -n 10 --json\n"
		"  cadmus watch --events --json | jq 'select(.kind == \"gate\")'\n",
		run);
