/* cmd_ps.c - the processes of a machine, from the directory in shared memory. */
#include "bin/cadmus/json.h"
#include "bin/cadmus/machine.h"
#include "base/clock.h"

static json_t *as_json(const struct plan_process *p, const struct directory_entry *e) {
	return json_pack("{s:s,s:s,s:s,s:i,s:i,s:i,s:f}", "name", p->name, "role", plan_role_text(p->role), "state",
			directory_state_text(e->state), "pid", (int)e->pid, "epoch", (int)e->epoch, "restarts",
			(int)e->restarts, "up_s", e->state == DIRECTORY_LIVE ?
			(double)mono_since(e->started, clock_mono()) / 1e9 : 0.0);
}

static void print(const struct plan_process *p, const struct directory_entry *e) {
	double up = e->state == DIRECTORY_LIVE ? (double)mono_since(e->started, clock_mono()) / 1e9 : 0.0;
	printf("%-20s %-8s %-9s %8d %6u %8u %9.1f\n", p->name, plan_role_text(p->role), directory_state_text(e->state),
			e->pid, e->epoch, e->restarts, up);
}

static int run(const struct verb_context *c, int argc, char **argv) {
	struct seat s = { .fd = -1 };
	(void)argv;
	if (argc != 1)
		return verb_wrong("ps", "it takes no arguments");
	if (machine_attach(c, "ps", &s))
		return 1;
	json_t *all = json_array();
	if (!c->json)
		printf("%-20s %-8s %-9s %8s %6s %8s %9s\n", "PROCESS", "ROLE", "STATE", "PID", "EPOCH", "RESTARTS", "UP s");
	for (uint16_t i = 0; i < s.plan->processes.count; i++) {
		struct directory_entry e = directory_get(&s.peers.directory, i);
		if (e.state == DIRECTORY_FREE)
			continue;
		if (c->json)
			json_array_append_new(all, as_json(&plan_processes(s.plan)[i], &e));
		else
			print(&plan_processes(s.plan)[i], &e);
	}
	if (c->json)
		json_print(json_incref(all));
	json_decref(all);
	seat_close(&s);
	return 0;
}

VERB(ps, "List the processes of a machine", "", "example:\n  cadmus ps --json | jq '.[] | select(.state == \"live\").name'\n",
		run);
