/*
 * main.c - cadmusd: the parent of a machine, and, started by it with --role, one of its parts.
 *
 *      cadmusd --plan-fd N [--ready-fd N] [--starter-fd N]     the parent: as `cadmus run` starts it
 *      cadmusd --legacy-fd N                  the parent: as core starts it, when the one before was killed
 *      cadmusd --role core|host|worker        a child: with its seat in CADMUS_SEAT
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/log.h"
#include "client/seat.h"
#include "model/worker.h"
#include "runtime/core.h"
#include "runtime/host.h"
#include "runtime/supervisor.h"

static const struct {
	const char *name;
	int (*main)(struct seat *seat);
} roles[] = {
	{ "core", core_main },
	{ "host", host_main },
	{ "worker", worker_main },
};

static struct cdm_diag diag;

static int complain(const char *what) {
	for (unsigned i = 0; i < diag.count; i++)
		log_error("%s: %s%s%s", what, diag.at[i].text, diag.at[i].hint[0] ? "; " : "", diag.at[i].hint);
	return 1;
}

static int run_role(const char *name) {
	struct seat seat = { .fd = -1 };
	log_init(name);
	for (size_t i = 0; i < COUNT_OF(roles); i++) {
		if (strcmp(roles[i].name, name) != 0)
			continue;
		if (seat_open_inherited(&seat, &diag) < 0)
			return complain("no seat");
		log_init(seat_process(&seat)->name);
		seat_log(&seat);
		int code = roles[i].main(&seat);
		seat_close(&seat);
		return code;
	}
	fprintf(stderr, "cadmusd: no role '%s'\n", name);
	return 2;
}

static int usage(void) {
	fprintf(stderr, "cadmusd is started by `cadmus run`; see `cadmus run --help`\n");
	return 2;
}

int main(int argc, char **argv) {
	struct supervisor_options o = { .plan_fd = -1, .ready_fd = -1, .starter_fd = -1, .legacy_fd = -1 };
	for (int i = 1; i + 1 < argc; i += 2) {
		if (strcmp(argv[i], "--role") == 0)
			return run_role(argv[i + 1]);
		if (strcmp(argv[i], "--plan-fd") == 0)
			o.plan_fd = atoi(argv[i + 1]);
		else if (strcmp(argv[i], "--ready-fd") == 0)
			o.ready_fd = atoi(argv[i + 1]);
		else if (strcmp(argv[i], "--starter-fd") == 0)
			o.starter_fd = atoi(argv[i + 1]);
		else if (strcmp(argv[i], "--legacy-fd") == 0)
			o.legacy_fd = atoi(argv[i + 1]);
		else
			return usage();
	}
	if (o.plan_fd < 0 && o.legacy_fd < 0)
		return usage();
	log_init("cadmusd");
	return supervisor_main(&o, &diag) == 0 ? 0 : complain("cannot run");
}
