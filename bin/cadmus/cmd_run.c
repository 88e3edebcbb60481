/* cmd_run.c - make a description live. */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include "base/io.h"
#include "bin/cadmus/args.h"
#include "bin/cadmus/disk.h"
#include "bin/cadmus/json.h"
#include "bin/cadmus/machine.h"
#include "bin/cadmus/output.h"
#include "bin/cadmus/source.h"

static volatile sig_atomic_t asked;

static void on_signal(int number) {
	(void)number;
	asked = 1;
}

/* The daemon was killed: stay with those that follow it.  0, or -errno when the machine did not end in good order. */
static int attend_next(const char *machine) {
	int daemon;
	while ((daemon = machine_daemon(machine)) >= 0) {
		struct pollfd ends = { .fd = daemon, .events = POLLIN };
		fprintf(stderr, "the daemon of %s was killed; another one goes on\n", machine);
		do {
			if (asked && io_pidfd_signal(daemon, SIGTERM) < 0)
				break; /* it has ended meanwhile */
		} while (poll(&ends, 1, -1) < 0 && errno == EINTR);
		io_close(&daemon);
	}
	return daemon == -ENOENT ? 0 : daemon;
}

/* Stay until the machine ends or we are interrupted; then take it down with us. */
static int attend(pid_t pid, const char *machine) {
	struct sigaction a = { .sa_handler = on_signal };
	int status = 0;
	sigaction(SIGINT, &a, NULL);
	sigaction(SIGTERM, &a, NULL);
	sigaction(SIGHUP, &a, NULL);
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		if (asked)
			kill(pid, SIGTERM);
	bool in_order = WIFEXITED(status) && WEXITSTATUS(status) == 0;
	if (in_order || (WIFSIGNALED(status) && attend_next(machine) == 0))
		return 0;
	return verb_failed("run", -EPIPE, "the machine did not end in good order");
}

/* What could not start, a line each. */
static json_t *as_json(const struct plan *p, pid_t pid, char *notes) {
	json_t *list = json_array();
	char *save = NULL;
	for (char *line = strtok_r(notes, "\n", &save); line; line = strtok_r(NULL, "\n", &save))
		json_array_append_new(list, json_string(line));
	return json_pack("{s:s,s:i,s:o}", "machine", p->machine, "pid", (int)pid, "but", list);
}

static void print_notes(char *notes) {
	char *save = NULL;
	for (char *line = strtok_r(notes, "\n", &save); line; line = strtok_r(NULL, "\n", &save))
		printf("  but:   %s\n", line);
}

/* People see that it is live at once; whether all of it is, is known a moment later. */
static void announce(const struct verb_context *c, const struct plan *p, pid_t pid, int *rest, bool detach) {
	char notes[4096];
	if (!c->json)
		printf("%s is live (daemon %d)\n  look:  cadmus top    talk:  cadmus say \"...\"    end:  %s\n",
				p->machine, (int)pid, detach ? "cadmus down" : "Ctrl-C");
	if (output_flush() < 0 && !detach)
		fprintf(stderr, "%s is live (daemon %d)\n", p->machine, (int)pid);
	machine_notes(rest, notes, sizeof(notes));
	output_clean(notes, true);
	if (c->json)
		json_print(as_json(p, pid, notes));
	else
		print_notes(notes);
	output_flush();
}

static int run(const struct verb_context *c, int argc, char **argv) {
	struct source s;
	bool detach = false;
	const struct args_option options[] = { { "--detach", ARGS_FLAG, &detach, 0, 0 }, { .name = NULL } };
	struct args a = { .verb = "run", .options = options, .words_min = 1, .words_max = 1, .wanted = "give a file" };
	if (args_take(&a, argc, argv))
		return 2;
	if (source_compile("run", a.words[0], &s))
		return 1;
	if (s.plan)
		disk_look(s.plan, &s.diag);
	int rest = -1;
	pid_t pid = source_explain(c, "run", &s) == 0 ? machine_start("run", s.plan, detach, detach, &rest) : -1;
	if (pid > 0)
		announce(c, s.plan, pid, &rest, detach);
	int code = pid < 0 ? 1 : detach ? 0 : attend(pid, s.plan->machine);
	source_free(&s);
	return code;
}

VERB(run, "Start the machine that a description describes", "FILE [--detach]",
		"  --detach   return when it is live; `cadmus down` ends it; its log is MACHINE.log by its journal\n"
		"Without it, Ctrl-C takes the machine down.\n"
		"examples:\n"
		"  cadmus run examples/first-flight.cdl.yaml\n"
		"  cadmus run --detach robot.cdl.yaml && cadmus say \"walk three steps\"\n",
		run, .no_machine = true,
		.exits = "0 it is live (--detach), or ended in good order; 1 it did not; 2 wrong usage");
