/* cmd_watch.c - a field, sample by sample, as they come. */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include "base/clock.h"
#include "base/err.h"
#include "bin/cadmus/json.h"
#include "bin/cadmus/machine.h"
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

static int follow(const struct verb_context *c, struct seat *s, struct field *f, unsigned long count) {
	struct sample x;
	for (unsigned long shown = 0; count == 0 || shown < count;) {
		if (look_around(s) < 0)
			return verb_failed("watch", "the machine is down");
		int rc = wait_field(f, SLICE_NS);
		if (rc == -ETIMEDOUT || rc == -ECANCELED)
			continue;
		if (rc < 0 || (sample_take(f, &x) < 0 && x.rc != -EAGAIN))
			return verb_failed("watch", "%s", err_text(rc < 0 ? rc : x.rc));
		if (x.rc < 0)
			continue;
		if (x.large)
			field_skip(f);
		if (c->json)
			json_print_line(sample_json(&x));
		else
			sample_print(&x);
		fflush(stdout);
		shown++;
	}
	return 0;
}

static int run(const struct verb_context *c, int argc, char **argv) {
	struct seat s = { .fd = -1 };
	struct field f;
	unsigned long count = 0;
	const char *name = NULL;
	for (int i = 1; i < argc; i++) {
		if (strcmp(argv[i], "-n") == 0 && i + 1 < argc)
			count = strtoul(argv[++i], NULL, 10);
		else if (!name && argv[i][0] != '-')
			name = argv[i];
		else
			return verb_wrong("watch", "'%s' is not understood", argv[i]);
	}
	if (!name)
		return verb_wrong("watch", "give a field");
	if (machine_attach(c, "watch", &s))
		return 1;
	uint16_t index = plan_find_field(s.plan, name);
	int code = index == PLAN_NONE ? verb_failed("watch", "there is no field '%s'; `cadmus get` lists them", name)
			: field_open(&f, &s.peers, index) < 0 ? verb_failed("watch", "%s may not be read by clients", name)
			: follow(c, &s, &f, count);
	seat_close(&s);
	return code;
}

VERB(watch, "Follow a field: one line for each sample", "FIELD [-n N]",
		"  -n N   end after N samples\n"
		"Waiting costs nothing: the writer wakes us. What is too fast to be shown is skipped.\n"
		"examples:\n"
		"  cadmus watch visual\n"
		"  cadmus watch kinesthetic -n 10 --json\n",
		run);
