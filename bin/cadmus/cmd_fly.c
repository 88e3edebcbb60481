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

/*
 * What an interrupted flight leaves behind is put in order: the frozen thawed, the machine ended, the memory that was
 * there before put back.  The machine writes to its journal until it is gone.
 */
#define END_PATIENCE_MS 20000

static volatile sig_atomic_t live_daemon, frozen_process;

/* Its status; one that does not end in time is killed. */
static int await_end(pid_t pid) {
	int status = -1, fd = io_pidfd(pid);
	struct pollfd gone = { .fd = fd, .events = POLLIN };
	if (poll(&gone, 1, END_PATIENCE_MS) != 1)
		kill(pid, SIGKILL);
	waitpid(pid, &status, 0);
	io_close(&fd);
	return status;
}

static void on_interrupt(int number) {
	static const char lost[] = "the state that was there could not be put back: see NAME.journal.before-...\n";
	if (frozen_process > 0)
		kill(frozen_process, SIGCONT);
	if (live_daemon > 0) {
		kill(live_daemon, SIGTERM);
		(void)await_end(live_daemon);
	}
	if (fly_state_back() < 0)
		(void)!write(STDERR_FILENO, lost, sizeof(lost) - 1);
	_exit(128 + number);
}

void fly_note_daemon(pid_t pid) {
	live_daemon = pid;
}

void fly_note_frozen(pid_t pid) {
	frozen_process = pid;
}

static const int interrupts[] = { SIGINT, SIGTERM, SIGHUP, SIGPIPE, SIGQUIT };

static void catch_interrupts(void) {
	struct sigaction a = { .sa_handler = on_interrupt };
	sigfillset(&a.sa_mask);
	for (size_t i = 0; i < COUNT_OF(interrupts); i++)
		sigaction(interrupts[i], &a, NULL);
}

static int fly_steps(struct flight *f) {
	for (unsigned i = 0; i < f->script.count; i++) {
		const struct fly_step *s = &f->script.steps[i];
		fly_begin_step(f, i + 1, s);
		for (unsigned k = 0; k < s->count; k++) {
			const struct fly_action *a = &s->actions[k];
			struct cdm_mono began = clock_mono();
			if (fly_do(f, a)) {
				fly_failed(f, a->kind->name, a->line);
				return 1;
			}
			fly_passed(f, a->kind->name, mono_since(began, clock_mono()));
		}
	}
	return 0;
}

void fly_hold_interrupts(bool hold) {
	sigset_t set;
	sigemptyset(&set);
	for (size_t i = 0; i < COUNT_OF(interrupts); i++)
		sigaddset(&set, interrupts[i]);
	sigprocmask(hold ? SIG_BLOCK : SIG_UNBLOCK, &set, NULL);
}

/* Ask, and wait; a daemon that does not end in 20 s is killed, and that is a failure. */
static int end_machine(struct flight *f) {
	kill(f->daemon, SIGTERM);
	int status = await_end(f->daemon);
	live_daemon = 0;
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
		printf("models wrote %.0f tokens a second on average\n", rate);
	printf("\n%s: %s, %.1f s%s\n", f->script.title, held ? "every step held" : "FAILED", seconds,
			stays ? "; the machine stays live: try `cadmus top`, `cadmus say ...`, `cadmus down`" : "");
}

static void release(struct flight *f) {
	if (f->attached)
		seat_close(&f->seat);
	io_close(&f->start_notes);
	io_close(&f->talk.fd);
	io_close(&f->other.fd);
	cdm_bus_close(&f->witness.bus);
	source_free(&f->source);
	fly_script_free(&f->script);
	json_decref(f->results);
}

/* No signal comes between a rename and what is known of it. */
static int begin_fresh(const struct flight *f) {
	fly_hold_interrupts(true);
	catch_interrupts();
	int code = fly_state_away(f->source.plan->machine);
	const char *kept = fly_state_kept();
	fly_hold_interrupts(false);
	if (code == 0 && kept && !f->context->json)
		fprintf(stderr, "the state that was there is %s meanwhile\n", kept);
	return code;
}

static int end_fresh(const struct flight *f, bool stays) {
	const char *kept = fly_state_kept();
	if (stays && kept)
		fprintf(stderr, "the state is that of the flight; the one that was there before is kept as %s\n", kept);
	if (stays)
		return 0;
	fly_hold_interrupts(true);
	int rc = fly_state_back();
	fly_hold_interrupts(false);
	if (rc < 0 || !f->context->json)
		fly_state_tell(rc);
	return rc;
}

static int read_script(const char *path, struct fly_script *s) {
	char *text = malloc(FLY_TEXT_MAX);
	int n = text ? source_read(path, text, FLY_TEXT_MAX) : -ENOMEM;
	if (n >= 0)
		return fly_script_parse(s, path, text, (size_t)n);
	free(text);
	return verb_failed("fly", n, "cannot read %s: %s", path, source_unread(n, "larger than 256 KiB"));
}

static int fly(struct flight *f, const char *path) {
	if (read_script(path, &f->script) || source_compile("fly", f->script.machine, &f->source))
		return 1;
	if (f->source.plan)
		disk_look(f->source.plan, &f->source.diag);
	if (source_explain(f->context, "fly", &f->source))
		return 1;
	if (f->script.fresh && begin_fresh(f))
		return 1;
	catch_interrupts();
	if (!f->context->json)
		printf("%s  (%s)\n", f->script.title, f->script.machine);
	bool held = fly_steps(f) == 0;
	if (f->attached)
		seat_close(&f->seat);
	f->attached = false;
	if (f->daemon > 0 && !(f->stay && held) && end_machine(f)) {
		held = false;
		verb_failed("fly", -EPIPE, "the machine did not go down in good order");
	}
	conclude(f, held, f->stay && held);
	if (f->script.fresh && end_fresh(f, f->stay && held) < 0)
		return 1;
	return held ? 0 : 1;
}

static int run(const struct verb_context *c, int argc, char **argv) {
	static struct flight f;
	const struct args_option options[] = { { "--stay", ARGS_FLAG, &f.stay, 0, 0 }, { .name = NULL } };
	struct args a = { .verb = "fly", .options = options, .words_min = 1, .words_max = 1,
			.wanted = "give a scenario" };
	if (args_take(&a, argc, argv))
		return 2;
	f.context = c;
	f.talk.fd = f.other.fd = f.seat.fd = f.start_notes = -1;
	f.results = json_array();
	f.began = clock_mono();
	int code = fly(&f, a.words[0]);
	release(&f);
	return code;
}

VERB(fly, "Perform a scenario on a real machine, and judge it", "SCENARIO [--stay]",
		"  --stay   leave the machine live when every step held\n"
		"A scenario is YAML: steps of actions; the man page lists them. The state of the machine\n"
		"named in it is moved aside first, and put back at the end, unless the scenario says\n"
		"`state: keep`; what the flight left is read with --machine NAME.flight. With --stay\n"
		"the state of the flight stays.\n"
		"example:\n"
		"  cadmus fly examples/first-flight.fly.yaml\n",
		run, .exits = "0 every action held, 1 one did not, or it could not begin; 2 wrong usage",
		.no_machine = true);
