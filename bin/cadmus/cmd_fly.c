/* cmd_fly.c - perform a scenario on a real machine. */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include "base/io.h"
#include "bin/cadmus/args.h"
#include "bin/cadmus/disk.h"
#include "bin/cadmus/fly.h"
#include "bin/cadmus/json.h"
#include "client/control.h"
#include "client/state_path.h"
#include "journal/journal.h"

/* Nobody may be using the state that a fresh flight moves aside: neither a machine nor anyone who has the file. */
static int check_unused(const char *machine, const char *path) {
	static struct cdm_diag diag;
	struct journal *j = NULL;
	int fd = control_connect(machine);
	bool runs = fd >= 0;
	io_close(&fd);
	if (runs)
		return verb_failed_hint("fly", -EBUSY, "end it with: cadmus down",
				"a machine named '%s' is running already", machine);
	if (access(path, F_OK) < 0)
		return 0;
	int rc = journal_open(path, NULL, &j, &diag);
	journal_stop(&j);
	return rc == -EBUSY ? verb_failed_diag("fly", rc, &diag, "its journal is in use") : 0;
}

/* A fresh flight begins without memory; what was there is moved aside under a name of its own, never deleted. */
static int move_state_aside(const char *machine, bool json) {
	char path[1024], from[1100], to[1200], when[CLOCK_TEXT_MAX];
	static const char *const ends[] = { "", "-wal", "-shm" };
	if (state_path(machine, path, sizeof(path)) < 0 || check_unused(machine, path))
		return 1;
	clock_text(clock_wall(), when);
	for (size_t i = 0; i < COUNT_OF(ends); i++) {
		snprintf(from, sizeof(from), "%s%s", path, ends[i]);
		snprintf(to, sizeof(to), "%s.before-%s%s", path, when, ends[i]);
		if (rename(from, to) < 0 && errno != ENOENT)
			return verb_failed("fly", -errno, "the old state could not be moved aside: %s",
					strerror(errno));
		if (!json && i == 0 && access(to, F_OK) == 0)
			fprintf(stderr, "the state that was there is kept as %s\n", to);
	}
	return 0;
}

/* What an interrupted flight leaves behind is put in order: the frozen thawed, the machine told to end. */
static volatile sig_atomic_t live_daemon, frozen_process;

static void on_interrupt(int number) {
	if (frozen_process > 0)
		kill(frozen_process, SIGCONT);
	if (live_daemon > 0)
		kill(live_daemon, SIGTERM);
	_exit(128 + number);
}

void fly_note_daemon(pid_t pid) {
	live_daemon = pid;
}

void fly_note_frozen(pid_t pid) {
	frozen_process = pid;
}

static void catch_interrupts(void) {
	static const int numbers[] = { SIGINT, SIGTERM, SIGHUP, SIGPIPE };
	struct sigaction a = { .sa_handler = on_interrupt };
	for (size_t i = 0; i < COUNT_OF(numbers); i++)
		sigaction(numbers[i], &a, NULL);
}

static int fly_steps(struct flight *f) {
	for (unsigned i = 0; i < f->script.count; i++) {
		const struct fly_step *s = &f->script.steps[i];
		fly_begin_step(f, i + 1, s);
		for (unsigned k = 0; k < s->count; k++) {
			const struct fly_action *a = &s->actions[k];
			struct cdm_mono began = clock_mono();
			if (a->kind->run(f, a)) {
				fly_failed(f, a->kind->name, a->line);
				return 1;
			}
			fly_passed(f, a->kind->name, mono_since(began, clock_mono()));
		}
	}
	return 0;
}

/* Ask, and wait; a daemon that does not end in 20 s is killed, and that is a failure. */
static int end_machine(struct flight *f) {
	int status = 0, fd = io_pidfd(f->daemon);
	struct pollfd gone = { .fd = fd, .events = POLLIN };
	kill(f->daemon, SIGTERM);
	if (poll(&gone, 1, 20000) != 1)
		kill(f->daemon, SIGKILL);
	waitpid(f->daemon, &status, 0);
	io_close(&fd);
	return WIFEXITED(status) && WEXITSTATUS(status) == 0 ? 0 : 1;
}

static void conclude(struct flight *f, bool held, bool stays) {
	double seconds = (double)mono_since(f->began, clock_mono()) / 1e9;
	double rate = 0.0;
	unsigned n = f->rates < COUNT_OF(f->tokens_per_s) ? f->rates : COUNT_OF(f->tokens_per_s);
	for (unsigned i = 0; i < n; i++)
		rate += f->tokens_per_s[i] / n;
	fly_table(f);
	if (f->context->json) {
		json_print(json_pack("{s:s,s:b,s:f,s:f,s:O,s:o}", "flight", f->script.title, "held", held, "seconds",
				seconds, "tokens_per_s", rate, "actions", f->results, "latency", fly_table_json(f)));
		return;
	}
	if (n)
		printf("models wrote %.0f tokens a second on average (small models of our own: see models/README.md)\n",
				rate);
	printf("\n%s: %s, %.1f s%s\n", f->script.title, held ? "every step held" : "FAILED", seconds,
			stays ? "; the machine stays live: try `cadmus top`, `cadmus say ...`, `cadmus down`" : "");
}

static void release(struct flight *f) {
	if (f->attached)
		seat_close(&f->seat);
	io_close(&f->talk.fd);
	io_close(&f->other.fd);
	cdm_bus_close(&f->witness.bus);
	source_free(&f->source);
	fly_script_free(&f->script);
	json_decref(f->results);
}

static int fly(struct flight *f, const char *path, bool stay) {
	if (fly_script_read(path, &f->script) || source_compile("fly", f->script.machine, &f->source))
		return 1;
	if (f->source.plan)
		disk_look(f->source.plan, &f->source.diag);
	if (source_explain(f->context, "fly", &f->source))
		return 1;
	if (f->script.fresh && move_state_aside(f->source.plan->machine, f->context->json))
		return 1;
	catch_interrupts();
	if (!f->context->json)
		printf("%s  (%s)\n", f->script.title, f->script.machine);
	bool held = fly_steps(f) == 0;
	if (f->attached)
		seat_close(&f->seat);
	f->attached = false;
	if (f->daemon > 0 && !(stay && held) && end_machine(f)) {
		held = false;
		verb_failed("fly", -EPIPE, "the machine did not go down in good order");
	}
	conclude(f, held, stay && held);
	return held ? 0 : 1;
}

static int run(const struct verb_context *c, int argc, char **argv) {
	static struct flight f;
	bool stay = false;
	const struct args_option options[] = { { "--stay", ARGS_FLAG, &stay, 0, 0 }, { .name = NULL } };
	struct args a = { .verb = "fly", .options = options, .words_min = 1, .words_max = 1,
			.wanted = "give a scenario" };
	if (args_take(&a, argc, argv))
		return 2;
	f.context = c;
	f.talk.fd = f.other.fd = f.seat.fd = -1;
	f.results = json_array();
	f.began = clock_mono();
	int code = fly(&f, a.words[0], stay);
	release(&f);
	return code;
}

VERB(fly, "Perform a scenario on a real machine, and judge it", "SCENARIO [--stay]",
		"  --stay   leave the machine live when every step held\n"
		"A scenario is YAML: steps of actions; the man page lists them. The state of the machine\n"
		"named in it is moved aside first, unless the scenario says `state: keep`.\n"
		"example:\n"
		"  cadmus fly examples/first-flight.fly.yaml\n",
		run, .exits = "0 every action held, 1 one did not, or it could not begin; 2 wrong usage",
		.no_machine = true);
