/*
 * main.c - cadmusd: the parent of a machine, and, started by it with --role, one of its parts.
 *
 *      cadmusd --plan-fd N [--ready-fd N] [--starter-fd N]     the parent: as `cadmus run` starts it
 *      cadmusd --legacy-fd N                  the parent: as core starts it, when the one before was killed
 *      cadmusd --role host|worker             a child: with its seat in CADMUS_SEAT
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/log.h"
#include "model/worker.h"
#include "runtime/host.h"
#include "runtime/role.h"
#include "runtime/supervisor.h"

static int run_role(const char *name) {
	if (strcmp(name, "host") == 0)
		return role_run(name, host_main);
	if (strcmp(name, "worker") == 0)
		return role_run(name, worker_main);
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
	static struct cdm_diag diag;
	log_init("cadmusd");
	if (supervisor_main(&o, &diag) == 0)
		return 0;
	log_diag("cannot run", &diag);
	return 1;
}
