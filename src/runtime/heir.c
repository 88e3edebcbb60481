/*
 * heir.c - core finds another parent when its own was killed; see legacy.h.
 *
 * What core was about to be told, or had asked for, may be lost with the parent: so it asks again for every model that
 * is on its way, and for the end, if that had begun.  All of these may be said twice.
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <sys/epoll.h>
#include <unistd.h>
#include "base/err.h"
#include "base/io.h"
#include "base/log.h"
#include "base/program.h"
#include "runtime/children.h"
#include "runtime/core_priv.h"

#define PARENT_ENDS_MS 1000
#define HEIRS_QUICK_NS (2 * NS_PER_S)
#define HEIRS_QUICK CHILDREN_GIVE_UP /* in a row: then something is wrong that another one does not mend */

void heir_know_parent(struct core *c, pid_t pid) {
	io_close(&c->parent_end);
	c->parent_end = io_pidfd(pid); /* without it nobody follows, and core ends with its parent */
}

/* Who hangs up because it is killed ends a moment later; one that lives and hung up on us wants us gone. */
static bool parent_is_dead(const struct core *c) {
	struct pollfd p = { .fd = c->parent_end, .events = POLLIN };
	if (c->parent_end == -ESRCH) /* it was killed before we had its handle */
		return true;
	return p.fd >= 0 && poll(&p, 1, PARENT_ENDS_MS) == 1;
}

/* Is there a channel between us and process p? */
static bool is_joined(const struct core *c, uint16_t p) {
	const struct plan_process *q = &plan_processes(c->plan)[p];
	if (q->role == PLAN_GUARD)
		return c->guard_channel >= 0;
	if (q->role == PLAN_WORKER)
		return c->models[p].channel >= 0;
	for (unsigned i = 0; q->role == PLAN_GATEWAY && i < CORE_SESSIONS; i++)
		if (c->sessions[i].fd >= 0 && c->sessions[i].entity == q->entity)
			return true;
	return false;
}

/* What only we know: who lives, who is joined to us, and we ourselves, with a new seat whose far end is `socket`. */
static void complete(struct core *c, int socket) {
	struct legacy *l = &c->legacy;
	for (uint16_t p = 0; p < c->plan->processes.count; p++) {
		l->seats[p].life = directory_get(&c->peers->directory, p);
		l->seats[p].joined = is_joined(c, p);
	}
	struct legacy_seat *self = &l->seats[c->seat->process];
	io_close(&self->socket);
	io_close(&self->end);
	self->epoch = c->seat->epoch;
	self->socket = socket;
	self->end = io_pidfd(getpid());
	io_close(&l->plan);
	l->plan = seat_plan_file(c->plan);
}

/* With nothing blocked, and its children its own business.  -errno. */
static int set_signals(posix_spawnattr_t *how) {
	sigset_t none, own;
	sigemptyset(&none);
	sigemptyset(&own);
	sigaddset(&own, SIGCHLD);
	int rc = posix_spawnattr_setflags(how, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
	if (rc == 0)
		rc = posix_spawnattr_setsigmask(how, &none);
	return -(rc ? rc : posix_spawnattr_setsigdefault(how, &own));
}

/* A spawn copies none of our pages, as a fork would: what moves waits for our next set-point.  Its pid, or -errno. */
static pid_t start_next(const char *path, const struct legacy *l, int file) {
	char number[16], *arguments[] = { (char *)(uintptr_t)path, "--legacy-fd", number, NULL };
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t how;
	pid_t pid = -1;
	snprintf(number, sizeof(number), "%d", file);
	posix_spawn_file_actions_init(&actions); /* as glibc has them, these two do not fail */
	posix_spawnattr_init(&how);
	int rc = legacy_pass_on(l, &actions);
	if (rc == 0)
		rc = -posix_spawn_file_actions_adddup2(&actions, file, file);
	if (rc == 0)
		rc = set_signals(&how);
	if (rc == 0)
		rc = -posix_spawn(&pid, path, &actions, &how, arguments, environ);
	posix_spawnattr_destroy(&how);
	posix_spawn_file_actions_destroy(&actions);
	return rc < 0 ? rc : pid;
}

static int spawn(struct core *c) {
	char path[1024];
	int rc = program_find(PROGRAM_BINARY, "cadmusd", path, sizeof(path));
	int file = rc < 0 ? rc : legacy_write(&c->legacy);
	if (file < 0)
		return file;
	signal(SIGCHLD, SIG_IGN); /* its end is none of our business: our seat tells */
	pid_t pid = start_next(path, &c->legacy, file);
	if (pid > 0)
		heir_know_parent(c, pid);
	close(file);
	return pid < 0 ? pid : 0;
}

static void ask_again(struct core *c) {
	for (uint16_t p = 0; p < c->plan->processes.count; p++)
		models_ask_again(c, p);
	if ((c->going_down || c->asked_down) && seat_ask_down(c->seat) < 0)
		log_error("the new parent does not hear that the machine is to end");
}

/* From now on this is our end of the seat. */
static int sit_down(struct core *c, int fd) {
	int old = c->seat->fd;
	(void)epoll_ctl(c->epoll, EPOLL_CTL_DEL, old, NULL);
	c->seat->fd = fd;
	close(old);
	return core_watch(c, fd, CORE_ON_SEAT, 0);
}

int heir_find(struct core *c) {
	struct cdm_mono now = clock_mono();
	int pair[2];
	if (!legacy_is_whole(&c->legacy) || !parent_is_dead(c))
		return -EPIPE;
	c->heirs = c->heirs && mono_since(c->heir_came, now) < HEIRS_QUICK_NS ? c->heirs + 1 : 1;
	c->heir_came = now;
	if (c->heirs > HEIRS_QUICK)
		return -EAGAIN;
	int rc = io_pair(pair);
	if (rc < 0)
		return rc;
	complete(c, pair[1]);
	rc = sit_down(c, pair[0]);
	ask_again(c); /* it waits for the next one, who reads it before he says anything */
	if (rc == 0)
		rc = spawn(c);
	io_close(&c->legacy.seats[c->seat->process].socket);
	if (rc == 0)
		log_warn("the daemon was killed: another one goes on");
	return rc;
}
