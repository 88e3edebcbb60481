/* cmd_run.c - make a description live. */
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include "bin/cadmus/json.h"
#include "bin/cadmus/machine.h"

static volatile sig_atomic_t asked;

static void on_signal(int number) {
	(void)number;
	asked = 1;
}

/* Stay until the machine ends or we are interrupted; then take it down with us. */
static int attend(pid_t pid) {
	struct sigaction a = { .sa_handler = on_signal };
	int status = 0;
	sigaction(SIGINT, &a, NULL);
	sigaction(SIGTERM, &a, NULL);
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		if (asked)
			kill(pid, SIGTERM);
	return WIFEXITED(status) && WEXITSTATUS(status) == 0 ? 0 : 1;
}

static void announce(const struct verb_context *c, const struct plan *p, pid_t pid, bool detach) {
	if (c->json) {
		json_print_line(json_pack("{s:s,s:i}", "machine", p->machine, "pid", (int)pid));
		return;
	}
	printf("%s is live (daemon %d)\n", p->machine, (int)pid);
	printf("  look:  cadmus top    talk:  cadmus say \"...\"    end:  %s\n", detach ? "cadmus down" : "Ctrl-C");
	fflush(stdout);
}

static int run(const struct verb_context *c, int argc, char **argv) {
	struct machine_source s;
	const char *path = NULL;
	bool detach = false;
	for (int i = 1; i < argc; i++) {
		if (strcmp(argv[i], "--detach") == 0)
			detach = true;
		else if (argv[i][0] == '-' || path)
			return verb_wrong("run", "'%s' is not understood", argv[i]);
		else
			path = argv[i];
	}
	if (!path)
		return verb_wrong("run", "give a file");
	if (machine_compile("run", path, &s))
		return 1;
	if (!s.plan || (s.diag.count && !c->json))
		machine_print_diag(c, &s);
	pid_t pid = s.plan ? machine_start("run", s.plan, detach) : -1;
	if (pid > 0)
		announce(c, s.plan, pid, detach);
	machine_source_free(&s);
	return pid < 0 ? 1 : detach ? 0 : attend(pid);
}

VERB(run, "Start the machine that a description describes", "FILE [--detach]",
		"  --detach   return when it is live; `cadmus down` ends it. Its log is MACHINE.log beside the journal\n"
		"Without it, Ctrl-C takes the machine down.\n"
		"examples:\n"
		"  cadmus run examples/first-flight.cdl.yaml\n"
		"  cadmus run --detach robot.cdl.yaml && cadmus say \"walk three steps\"\n",
		run);
