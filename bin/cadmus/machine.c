/* machine.c - see machine.h. */
#include "bin/cadmus/machine.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include "base/err.h"
#include "base/io.h"
#include "base/msgpack.h"
#include "base/program.h"
#include "bin/cadmus/output.h"
#include "client/control.h"
#include "client/run_dir.h"
#include "client/state_path.h"
#include "lang/near.h"

/* ---- environment ---- */

static void take_setting(char *line) {
	char *value = strchr(line, '=');
	if (strncmp(line, "CADMUS_", 7) != 0 || !value)
		return;
	*value++ = 0;
	setenv(line, value, 0);
}

void machine_environment(void) {
	char path[1024], text[8192], *save = NULL;
	const char *own = getenv("CADMUS_CACHE"), *xdg = getenv("XDG_CACHE_HOME");
	if (own && own[0])
		snprintf(path, sizeof(path), "%s/env", own);
	else if (xdg && xdg[0])
		snprintf(path, sizeof(path), "%s/cadmus/env", xdg);
	else
		snprintf(path, sizeof(path), "%s/.cache/cadmus/env", state_path_home());
	if (io_read_file(path, text, sizeof(text)) < 0)
		return;
	for (char *line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save))
		take_setting(line);
}

/* ---- finding ---- */

/* Machines are folders beside one another; run_dir_path() of any name tells where. */
static int list_machines(char (*names)[CDM_NAME_MAX], unsigned max) {
	char path[RUN_DIR_PATH_MAX];
	unsigned n = 0;
	if (run_dir_path("x", NULL, path) < 0)
		return 0;
	path[strlen(path) - 2] = 0;
	DIR *d = opendir(path);
	for (struct dirent *e; d && (e = readdir(d)) && n < max;) {
		if (!run_dir_name_ok(e->d_name))
			continue;
		int fd = control_connect(e->d_name);
		if (fd >= 0 || fd == -ETIMEDOUT) /* it lives, and too many ask */
			snprintf(names[n++], CDM_NAME_MAX, "%.*s", CDM_NAME_MAX - 1, e->d_name);
		io_close(&fd);
	}
	if (d)
		closedir(d);
	return (int)n;
}

/* Nothing can run there: no socket of a machine has room in its path. */
static bool is_too_long(const char *machine) {
	char path[RUN_DIR_PATH_MAX];
	return run_dir_path(machine, RUN_DIR_CONTROL, path) == -E2BIG;
}

static int too_long(const char *verb) {
	return verb_failed_hint(verb, -E2BIG, "set CADMUS_RUN_DIR to a shorter one, as for the machine",
			"the paths of sockets would have more than %d bytes", RUN_DIR_PATH_MAX - 1);
}

static int machine_none(const char *verb) {
	if (is_too_long("x"))
		return too_long(verb);
	return verb_failed_hint(verb, -ECONNREFUSED, "start one with: cadmus run FILE", "no machine is running");
}

/* It may be that nothing listens at the doors of `name`: that is said as such. */
static int no_answer(const char *verb, const char *name, int rc, const struct cdm_diag *d) {
	if (rc == -ENOENT || rc == -ECONNREFUSED)
		return verb_failed_hint(verb, -ECONNREFUSED, "start it with: cadmus run FILE",
				"no machine '%s' is running", name);
	if (is_too_long(name))
		return too_long(verb);
	return verb_failed(verb, rc, "%s does not answer: %s", name, d && d->count ? d->at[0].text : err_text(rc));
}

int machine_connect(const char *verb, const char *name) {
	int fd = control_connect(name);
	if (fd < 0)
		no_answer(verb, name, fd, NULL);
	return fd;
}

/* Of who listens at its control door, or did last: that is its daemon.  -ESRCH: it has ended. */
static int handle_of_listener(const char *name) {
	uid_t uid;
	pid_t pid;
	int fd = control_connect(name);
	int rc = fd < 0 ? fd : io_peer(fd, &uid, &pid);
	io_close(&fd);
	int handle = rc < 0 ? rc : io_pidfd(pid);
	struct pollfd ended = { .fd = handle, .events = POLLIN };
	if (handle < 0 || poll(&ended, 1, 0) == 0)
		return handle;
	close(handle);
	return -ESRCH;
}

int machine_daemon(const char *name) {
	struct seat s;
	int handle = handle_of_listener(name);
	if (handle != -ESRCH)
		return handle;
	int rc = seat_attach(&s, name, NULL); /* which waits until the next one is there */
	if (rc == 0)
		seat_close(&s);
	return rc == 0 || rc == -EBUSY ? handle_of_listener(name) : rc;
}

int machine_no_field(const char *verb, const struct plan *p, const char *name) {
	struct near near = { .word = name };
	char hint[128];
	for (uint32_t f = 0; f < p->fields.count; f++)
		near_offer(&near, plan_fields(p)[f].name);
	snprintf(hint, sizeof(hint), near.best ? "did you mean '%s'?" : "`cadmus get` lists them", near_best(&near));
	return verb_failed_hint(verb, -ENOENT, hint, "there is no field '%s'", name);
}

int machine_name(const struct verb_context *c, const char *verb, char *out) {
	char names[16][CDM_NAME_MAX];
	if (c->machine) {
		if (!run_dir_name_ok(c->machine))
			return verb_wrong(verb, "'%s' is not a name of a machine (a-z, 0-9, _, -, inner dots)",
					c->machine);
		snprintf(out, CDM_NAME_MAX, "%s", c->machine);
		return 0;
	}
	int n = list_machines(names, COUNT_OF(names));
	if (n == 0)
		return machine_none(verb);
	if (n > 1)
		return verb_failed_hint(verb, -EINVAL, "say which with --machine NAME",
				"%d machines are running: %s, %s%s", n, names[0], names[1], n > 2 ? " ..." : "");
	snprintf(out, CDM_NAME_MAX, "%s", names[0]);
	return 0;
}

static int machine_count(void) {
	char names[2][CDM_NAME_MAX];
	return list_machines(names, COUNT_OF(names));
}

int machine_journal(const struct verb_context *c, const char *verb, char *out) {
	char path[1024];
	if (!c->machine && machine_count() == 0 && !is_too_long("x"))
		return verb_failed_hint(verb, -ECONNREFUSED,
				"start one with: cadmus run FILE; what one left is read with "
				"--machine NAME", "no machine is running");
	int code = machine_name(c, verb, out);
	if (code || !c->machine || state_path(out, path, sizeof(path)) < 0 || access(path, F_OK) == 0)
		return code;
	return verb_failed_hint(verb, -ENOENT, "start it with: cadmus run FILE",
			"there is no journal of a machine '%s': %s", out, path);
}

/* ---- starting ---- */

#define NOTES_PATIENCE_MS 5000 /* the daemon ends its report after 3 s at most */

/* MACHINE.log beside the journal, for appending; -1 when it cannot be. */
static int open_log(const char *machine) {
	char path[1024];
	if (state_path_make(machine, path, sizeof(path)) < 0)
		return -1;
	char *end = strrchr(path, '.');
	snprintf(end, sizeof(path) - (size_t)(end - path), ".log");
	return open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
}

/* In the child: no handler of ours runs in it, and what was held back for us is not held back for it. */
static void signals_of_its_own(void) {
	struct sigaction a;
	sigset_t none;
	for (int n = 1; n < SIGRTMIN; n++)
		if (sigaction(n, NULL, &a) == 0 && a.sa_handler != SIG_IGN && a.sa_handler != SIG_DFL)
			signal(n, SIG_DFL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
}

/* What a daemon inherits, by the number that it is told. */
enum { PLAN_FD = 3, READY_FD, STARTER_FD };

/* In the child: those descriptors and nothing else of ours. */
static _Noreturn void become_daemon(const char *path, int plan_fd, int ready_fd, int starter_fd, int log_fd) {
	int plan = fcntl(plan_fd, F_DUPFD_CLOEXEC, 10), ready = fcntl(ready_fd, F_DUPFD_CLOEXEC, 10);
	int starter = starter_fd < 0 ? -1 : fcntl(starter_fd, F_DUPFD_CLOEXEC, 10);
	setsid();
	signals_of_its_own();
	if (log_fd >= 0 && (dup2(log_fd, STDERR_FILENO) < 0 || dup2(log_fd, STDOUT_FILENO) < 0))
		_exit(126);
	if (plan < 0 || ready < 0 || dup2(plan, PLAN_FD) < 0 || dup2(ready, READY_FD) < 0)
		_exit(126);
	if (starter_fd >= 0 && dup2(starter, STARTER_FD) < 0)
		_exit(126);
	execl(path, path, "--plan-fd", "3", "--ready-fd", "4", starter_fd < 0 ? NULL : "--starter-fd", "5", NULL);
	_exit(127);
}

/* Until the other side closes, says nothing for NOTES_PATIENCE_MS, or there is no more room. */
static size_t read_all(int fd, char *out, size_t capacity) {
	struct pollfd p = { .fd = fd, .events = POLLIN };
	size_t used = 0;
	ssize_t n = 1;
	while (used < capacity && n != 0 && poll(&p, 1, NOTES_PATIENCE_MS) != 0) {
		n = read(fd, out + used, capacity - used);
		if (n < 0 && errno != EINTR)
			break;
		used += n > 0 ? (size_t)n : 0;
	}
	return used;
}

/* The reason, and on a line of its own what to do about it. */
static pid_t report_failure(const char *verb, pid_t pid, char *text) {
	char *hint = strchr(text, '\n');
	if (hint)
		*hint++ = 0;
	waitpid(pid, NULL, 0);
	verb_failed_hint(verb, -ECANCELED, hint ? hint : "", "the machine did not start: %s",
			text[0] ? text : "its daemon ended at once");
	return -1;
}

pid_t machine_start(const char *verb, const struct plan *plan, bool to_file, bool outlives_us, int *notes) {
	char path[1024], text[512];
	int pipes[2], plan_fd = seat_plan_file(plan);
	if (program_find(PROGRAM_BINARY, "cadmusd", path, sizeof(path)) < 0) {
		verb_failed(verb, -ENOENT, "cadmusd is not installed beside this program");
		return -1;
	}
	if (plan_fd < 0 || pipe2(pipes, O_CLOEXEC) < 0) {
		verb_failed(verb, -ENOMEM, "no memory to hand the plan over");
		return -1;
	}
	int log_fd = to_file ? open_log(plan->machine) : -1;
	int self = outlives_us ? -1 : io_pidfd(getpid());
	pid_t pid = !outlives_us && self < 0 ? -1 : fork();
	if (pid == 0)
		become_daemon(path, plan_fd, pipes[1], self, log_fd);
	io_close(&self);
	io_close(&log_fd);
	close(plan_fd);
	close(pipes[1]);
	/* runtime/report.h: one byte when core is live, or why it did not start. */
	ssize_t first = pid > 0 ? read(pipes[0], text, 1) : 0;
	size_t n = first == 1;
	bool live = n == 1 && text[0] == '1';
	if (!live && n == 1)
		n += read_all(pipes[0], text + 1, sizeof(text) - 2);
	text[n] = 0;
	if (live && notes)
		*notes = pipes[0];
	else
		close(pipes[0]);
	return live ? pid : report_failure(verb, pid, text);
}

void machine_notes(int *notes, char *out, size_t capacity) {
	out[read_all(*notes, out, capacity - 1)] = 0;
	io_close(notes);
}

void machine_notes_look(int *notes, char *out, size_t capacity) {
	struct pollfd p = { .fd = *notes, .events = POLLIN };
	size_t used = strlen(out);
	while (*notes >= 0 && poll(&p, 1, 0) > 0) {
		ssize_t n = read(*notes, out + used, capacity - 1 - used);
		out[used += n > 0 ? (size_t)n : 0] = 0;
		if (n <= 0)
			io_close(notes);
	}
}

/* ---- talking ---- */

int machine_attach(const struct verb_context *c, const char *verb, struct seat *s) {
	static struct cdm_diag diag;
	char name[CDM_NAME_MAX];
	int rc = machine_name(c, verb, name);
	if (rc)
		return rc;
	rc = seat_attach(s, name, &diag);
	return rc == 0 ? 0 : no_answer(verb, name, rc, &diag);
}

ssize_t machine_ask(const struct verb_context *c, const char *verb, const void *message, size_t bytes,
		uint64_t id, void *reply, size_t capacity) {
	char name[CDM_NAME_MAX];
	if (machine_name(c, verb, name))
		return -1;
	int fd = machine_connect(verb, name);
	if (fd < 0)
		return -1;
	ssize_t n = control_ask(fd, message, bytes, id, reply, capacity, 60000000000);
	io_close(&fd);
	if (n < 0)
		verb_failed(verb, (int)n, "%s does not answer: %s", name, err_text((int)n));
	return n;
}

int machine_is_error(const char *verb, const void *reply, size_t bytes) {
	char ev[16] = "", text[512] = "it gave no reason", code[16];
	if (mp_find_str(reply, bytes, "ev", ev, sizeof(ev)) < 0 || strcmp(ev, "error") != 0)
		return 0;
	if (mp_find_str(reply, bytes, "text", text, sizeof(text)) < 0)
		text[0] = 0;
	if (mp_find_str(reply, bytes, "code", code, sizeof(code)) < 0)
		snprintf(code, sizeof(code), "EUNKNOWN");
	return verb_failed_named(verb, code, NULL, text);
}
