/*
 * cmd_stop.c - stop everything that moves, through the guards' own doors: nothing else of a machine need be there.
 *
 * Not told which, it stops every machine that it can reach: whoever is afraid has no time to choose.
 */
#include <errno.h>
#include <stdlib.h>
#include <sys/resource.h>
#include "base/err.h"
#include "base/io.h"
#include "bin/cadmus/args.h"
#include "bin/cadmus/json.h"
#include "bin/cadmus/machine.h"
#include "client/run_dir.h"
#include "client/stop_door.h"

#define PATIENCE_MS 5000

/* One descriptor a door: as many as the system allows us. */
static void raise_limit(void) {
	struct rlimit r;
	if (getrlimit(RLIMIT_NOFILE, &r) == 0) {
		r.rlim_cur = r.rlim_max;
		setrlimit(RLIMIT_NOFILE, &r);
	}
}

/* All are asked before any is waited for.  How many machines there are; a door that nobody sits behind is none. */
static size_t stop_all(const struct run_dir_doors *found, struct stop_door *doors) {
	size_t n = 0;
	for (size_t i = 0; i < found->count; i++)
		doors[i] = (struct stop_door){ .path = found->at[i].path, .owner = found->at[i].owner };
	raise_limit();
	stop_door_all(doors, found->count, PATIENCE_MS);
	for (size_t i = 0; i < found->count; i++)
		if (doors[i].rc != -ENOENT && doors[i].rc != -ECONNREFUSED && doors[i].rc != -ENOTDIR)
			doors[n++] = doors[i];
	return n;
}

static int none(const char *machine) {
	if (machine)
		return verb_failed("stop", -ECONNREFUSED,
				"no guard of a machine '%s' is running: nothing here moves anything", machine);
	return verb_failed_hint("stop", -ECONNREFUSED, "set CADMUS_RUN_DIR as it was when the machine was started",
			"no machine is running in any of the places where they are looked for");
}

static int told(const struct stop_door *d) {
	char machine[CDM_NAME_MAX];
	run_dir_machine(d->path, machine);
	switch (d->rc) {
	case 0: printf("%s: stopped; nothing moves until it is asked again\n", machine); return 0;
	case -ETIMEDOUT:
	case -EPIPE:
		return verb_failed("stop", d->rc, "%s: the guard did not confirm; the legs hold by their own time-out",
				machine);
	case -EAGAIN:
		return verb_failed("stop", d->rc, "%s: NOT STOPPED: so many stand at its guard's door that we did not "
				"get in; ask again, or cut the power of the legs", machine);
	default:
		return verb_failed("stop", d->rc, "%s: NOT STOPPED: %s is closed to us: %s", machine, d->path,
				d->rc == -EACCES ? "whoever listens there is not its owner" : err_text(d->rc));
	}
}

static int report(const struct stop_door *doors, size_t n) {
	int code = 0;
	for (size_t i = 0; i < n; i++) {
		int one = told(&doors[i]);
		code = one ? one : code;
	}
	return code;
}

static int report_json(const struct stop_door *doors, size_t n) {
	char machine[CDM_NAME_MAX];
	json_t *list = json_array();
	bool all = true;
	for (size_t i = 0; i < n; i++) {
		all = all && doors[i].rc == 0;
		run_dir_machine(doors[i].path, machine);
		json_array_append_new(list, json_pack("{s:s,s:b,s:s}", "machine", machine, "stopped",
				doors[i].rc == 0, "error", doors[i].rc ? err_name(doors[i].rc) : ""));
	}
	int code = json_print(json_pack("{s:b,s:o}", "stopped", all, "machines", list));
	return code ? code : all ? 0 : 1;
}

/* `rc`: of the search.  What it found is stopped, whatever it did not find. */
static int stop_found(const struct verb_context *c, const struct run_dir_doors *found, int rc) {
	struct stop_door *doors = calloc(found->count + 1, sizeof(*doors));
	if (!doors)
		return verb_failed("stop", -ENOMEM, "no memory");
	size_t n = stop_all(found, doors);
	int code = 0;
	if (n > 0)
		code = c->json ? report_json(doors, n) : report(doors, n);
	else if (rc == 0)
		code = none(c->machine);
	if (rc < 0)
		code = verb_failed("stop", rc, "there may be more machines: no memory to look for them");
	free(doors);
	return code;
}

static int run(const struct verb_context *c, int argc, char **argv) {
	char name[CDM_NAME_MAX];
	struct run_dir_doors found;
	struct args a = { .verb = "stop" };
	if (args_take(&a, argc, argv))
		return 2;
	if (c->machine && !run_dir_name_ok(c->machine))
		return machine_name(c, "stop", name); /* which says what is wrong with it */
	int rc = run_dir_search(c->machine, RUN_DIR_STOP, &found);
	int code = stop_found(c, &found, rc);
	free(found.at);
	return code;
}

VERB(stop, "Stop every actuator now; always works", "",
		"Stops every machine of this user, and as root every machine of everybody; --machine NAME: that one.\n"
		"The machines stay live; `cadmus down` ends one. The guards know nothing of the journal: `cadmus\n"
		"watch --events` shows that they stopped, `cadmus log` what was said or asked of core.\n"
		"examples:\n"
		"  cadmus stop\n"
		"  sudo cadmus stop\n",
		run);
