/* cmd_ps.c - the processes of a machine, and the programs that are attached, from the directory in shared memory. */
#include <string.h>
#include "base/clock.h"
#include "base/io.h"
#include "bin/cadmus/args.h"
#include "bin/cadmus/json.h"
#include "bin/cadmus/machine.h"
#include "bin/cadmus/output.h"

#define PROGRAM_BYTES 256

struct row {
	const struct plan_process *process;
	struct directory_entry entry;
	double up_s;
	char program[PROGRAM_BYTES]; /* of a client: its command line; else "" */
};

/* The command line of a process, words that end with zeros; of its first word the last part. */
static void find_program(int pid, char out[PROGRAM_BYTES]) {
	char path[64], text[4096];
	snprintf(path, sizeof(path), "/proc/%d/cmdline", pid);
	int n = io_read_file(path, text, sizeof(text));
	const char *slash = n > 0 ? strrchr(text, '/') : NULL;
	size_t skip = slash ? (size_t)(slash + 1 - text) : 0;
	for (int i = 0; i < n - 1; i++)
		text[i] = text[i] ? text[i] : ' ';
	snprintf(out, PROGRAM_BYTES, "%.*s", PROGRAM_BYTES - 1, n > 0 ? text + skip : "");
	output_clean(out, false);
}

/* false: nobody has ever been there, or it is our own seat, which ends with this look. */
static bool fill(struct row *r, const struct seat *s, uint16_t i) {
	r->process = &plan_processes(s->plan)[i];
	r->entry = directory_get(&s->peers.directory, i);
	if (!directory_is_alive(r->entry.state))
		r->entry.pid = 0; /* what ended has no process: its number may be anybody's by now */
	r->program[0] = 0;
	r->up_s = directory_is_alive(r->entry.state) ? (double)mono_since(r->entry.started, clock_mono()) / 1e9 : 0.0;
	if (r->process->role == PLAN_CLIENT)
		find_program(r->entry.pid, r->program);
	return r->entry.state != DIRECTORY_FREE && i != s->process;
}

static json_t *as_json(const struct row *r) {
	return json_pack("{s:s,s:s,s:s,s:i,s:i,s:i,s:f,s:s*}", "name", r->process->name, "role",
			plan_role_text(r->process->role), "state", directory_state_text(r->entry.state), "pid",
			(int)r->entry.pid, "epoch", (int)r->entry.epoch, "restarts", (int)r->entry.restarts, "up_s",
			r->up_s, "program", r->process->role == PLAN_CLIENT ? r->program : NULL);
}

static void print(const struct row *r) {
	char pid[16] = "-";
	if (r->entry.pid > 0)
		snprintf(pid, sizeof(pid), "%d", r->entry.pid);
	printf("%-20s %-8s %-9s %8s ", r->process->name, plan_role_text(r->process->role),
			directory_state_text(r->entry.state), pid);
	if (r->process->role == PLAN_CLIENT) /* a seat that others had before: nothing was restarted */
		printf("%6s %8s %9.1f  %.60s\n", "-", "-", r->up_s, r->program);
	else
		printf("%6u %8u %9.1f\n", r->entry.epoch, r->entry.restarts, r->up_s);
}

/* A guard hears frames that only it may send. */
static void print_foreign(const struct seat *s) {
	const struct segment *guard = peers_get(&s->peers, s->plan->guard);
	if (guard && counter_get(guard, COUNTER_foreign) > 0)
		puts("Another machine drives the bus of this one: give one of them another `bus:`.");
}

static int run(const struct verb_context *c, int argc, char **argv) {
	struct seat s = { .fd = -1 };
	struct args a = { .verb = "ps" };
	struct row r;
	int code = args_take(&a, argc, argv);
	if (code == 0)
		code = machine_attach(c, "ps", &s);
	if (code)
		return code;
	json_t *all = json_array();
	if (!c->json)
		printf("%-20s %-8s %-9s %8s %6s %8s %9s\n", "PROCESS", "ROLE", "STATE", "PID", "EPOCH", "RESTARTS",
				"UP s");
	for (uint16_t i = 0; i < s.plan->processes.count; i++) {
		if (!fill(&r, &s, i))
			continue;
		if (c->json)
			json_array_append_new(all, as_json(&r));
		else
			print(&r);
	}
	if (c->json)
		json_print(json_incref(all));
	else
		print_foreign(&s);
	json_decref(all);
	seat_close(&s);
	return 0;
}

VERB(ps, "List the processes of a machine, and who is attached to it", "",
		"A client's seat shows the program that has it; our own is left out.\n"
		"example:\n"
		"  cadmus ps --json | jq '.[] | select(.state == \"live\").name'\n",
		run);
