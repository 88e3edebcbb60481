/*
 * cmd_stop.c - stop everything that moves, through the guards' own doors: nothing else of a machine need be there.
 *
 * Not told which, it stops every machine that it can reach: whoever is afraid has no time to choose.
 */
#include <errno.h>
#include "base/err.h"
#include "base/io.h"
#include "bin/cadmus/args.h"
#include "bin/cadmus/json.h"
#include "bin/cadmus/machine.h"
#include "client/run_dir.h"
#include "client/stop_door.h"

#define DOORS_MAX 64
#define PATIENCE_MS 5000

struct door {
	const char *path;
	char machine[CDM_NAME_MAX];
	int fd, rc; /* rc 0: stopped */
};

/* All are asked before any is waited for.  How many machines there are; a door that nobody sits behind is none. */
static unsigned stop_all(char (*paths)[RUN_DIR_PATH_MAX], unsigned count, struct door *doors) {
	unsigned n = 0;
	for (unsigned i = 0; i < count; i++) {
		struct door *d = &doors[n];
		*d = (struct door){ .path = paths[i], .fd = stop_door_knock(paths[i]) };
		run_dir_machine(paths[i], d->machine);
		d->rc = d->fd < 0 ? d->fd : 0;
		n += d->rc != -ENOENT && d->rc != -ECONNREFUSED && d->rc != -ENOTDIR;
	}
	for (unsigned i = 0; i < n; i++)
		if (doors[i].fd >= 0)
			doors[i].rc = stop_door_wait(&doors[i].fd, PATIENCE_MS);
	return n;
}

static int none(const char *machine) {
	if (machine)
		return verb_failed("stop", -ECONNREFUSED,
				"no guard of a machine '%s' is running: nothing here moves anything", machine);
	return verb_failed_hint("stop", -ECONNREFUSED, "set CADMUS_RUN_DIR as it was when the machine was started",
			"no machine is running in any of the places where they are looked for");
}

static int told(const struct door *d) {
	if (d->rc == 0) {
		printf("%s: stopped; nothing moves until it is asked again\n", d->machine);
		return 0;
	}
	if (d->rc == -ETIMEDOUT)
		return verb_failed("stop", d->rc, "%s: the guard did not confirm; the legs hold by their own time-out",
				d->machine);
	return verb_failed("stop", d->rc, "%s: %s is closed to us: %s; the legs hold by their own time-out",
			d->machine, d->path, err_text(d->rc));
}

static int report(const struct door *doors, unsigned n) {
	int code = 0;
	for (unsigned i = 0; i < n; i++) {
		int one = told(&doors[i]);
		code = one ? one : code;
	}
	return code;
}

static int report_json(const struct door *doors, unsigned n) {
	json_t *list = json_array();
	bool all = true;
	for (unsigned i = 0; i < n; i++) {
		all = all && doors[i].rc == 0;
		json_array_append_new(list, json_pack("{s:s,s:b,s:s}", "machine", doors[i].machine, "stopped",
				doors[i].rc == 0, "error", doors[i].rc ? err_name(doors[i].rc) : ""));
	}
	int code = json_print(json_pack("{s:b,s:o}", "stopped", all, "machines", list));
	return code ? code : all ? 0 : 1;
}

static int run(const struct verb_context *c, int argc, char **argv) {
	char paths[DOORS_MAX][RUN_DIR_PATH_MAX];
	struct door doors[DOORS_MAX];
	struct args a = { .verb = "stop" };
	if (args_take(&a, argc, argv))
		return 2;
	if (c->machine && !run_dir_name_ok(c->machine))
		return machine_name(c, "stop", doors[0].machine); /* which says what is wrong with it */
	unsigned n = stop_all(paths, run_dir_search(c->machine, RUN_DIR_STOP, paths, DOORS_MAX), doors);
	if (n == 0)
		return none(c->machine);
	return c->json ? report_json(doors, n) : report(doors, n);
}

VERB(stop, "Stop every actuator now; always works", "",
		"Stops every machine of this user, and as root every machine of everybody; --machine NAME: that one.\n"
		"The machines stay live; `cadmus down` ends one.\n"
		"examples:\n"
		"  cadmus stop\n"
		"  sudo cadmus stop\n",
		run);
