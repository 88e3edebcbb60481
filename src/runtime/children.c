/*
 * children.c - see children.h.
 *
 * The order of what a process hears: HELLO, then PEERs for all segments that exist, then, after its
 * READY, its CHANNELs and DOORs.  What others hear of it: one PEER after its READY, so nobody ever
 * maps a segment that is not formatted and frozen.  The directory is written before any message that
 * depends on it.
 */
#include "runtime/children.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>
#include "base/io.h"
#include "base/log.h"
#include "base/program.h"
#include "store/segment.h"

static const struct plan_process *process(const struct children *c, uint16_t p) {
	return &plan_processes(c->plan)[p];
}

int children_init(struct children *c, const struct plan *plan, int plan_fd, const int doors[DOORS_COUNT],
		int starter) {
	*c = (struct children){ .plan = plan, .plan_fd = plan_fd, .directory_fd = -1, .epoll = -1, .starter = starter };
	memcpy(c->doors, doors, sizeof(c->doors));
	for (uint16_t p = 0; p < PLAN_PROCESSES_MAX; p++) {
		c->at[p].pidfd = c->at[p].socket = -1;
		c->at[p].segment = segment_no_files();
		if (p < plan->processes.count)
			c->at[p].wanted = !children_outsider(c, p) && process(c, p)->start == PLAN_WITH_MACHINE;
	}
	c->directory_fd = directory_create();
	return c->directory_fd < 0 ? c->directory_fd
				   : directory_map_writer(&c->directory, plan, c->directory_fd);
}

/* Core has a copy of what we close, so an epoll would go on telling of it. */
static void let_go(const struct children *c, int *fd) {
	if (*fd >= 0 && c->epoll >= 0)
		(void)epoll_ctl(c->epoll, EPOLL_CTL_DEL, *fd, NULL);
	io_close(fd);
}

void children_hang_up(struct children *c, uint16_t p) {
	struct child *k = &c->at[p];
	if (k->socket >= 0)
		(void)shutdown(k->socket, SHUT_RDWR); /* or it would stay connected with that copy */
	let_go(c, &k->socket);
}

static void release(struct children *c, uint16_t p) {
	children_hang_up(c, p);
	let_go(c, &c->at[p].pidfd);
}

void children_fini(struct children *c) {
	for (uint16_t p = 0; p < PLAN_PROCESSES_MAX; p++) {
		release(c, p);
		segment_close_files(&c->at[p].segment);
	}
	directory_unmap(&c->directory);
	io_close(&c->directory_fd);
}

/* ---- telling ---- */

/* What became of a message.  A full socket (stopped, busy) is made good by children_catch_up(). */
static void told(struct children *c, uint16_t to, int rc) {
	bool full = rc == -EAGAIN || rc == -ETOOMANYREFS || rc == -ENOBUFS || rc == -ENOMEM;
	if (full)
		c->at[to].behind = true;
	else if (rc < 0)
		log_debug("%s does not hear: %s", process(c, to)->name, strerror(-rc));
}

static void tell_peer(struct children *c, uint16_t to, uint16_t about) {
	const struct child *k = &c->at[about];
	if (to != about && k->published)
		told(c, to, seat_send_peer(c->at[to].socket, about, k->epoch, &k->segment,
				segment_parts_for(c->plan, about, to)));
}

static void tell_peers(struct children *c, uint16_t to) {
	for (uint16_t other = 0; other < c->plan->processes.count; other++)
		tell_peer(c, to, other);
	if (!c->at[to].behind)
		told(c, to, seat_send_all(c->at[to].socket));
}

static void tell_all_of(struct children *c, uint16_t about) {
	for (uint16_t p = 0; p < c->plan->processes.count; p++)
		if (c->at[p].socket >= 0 && c->at[p].state != CHILD_ENDING)
			tell_peer(c, p, about);
}

/*
 * A fresh connected pair between core and process p, if both are there to use it.  Done when p is
 * started, not when it is ready, so that core hears of an end at any time after the start.
 */
static void connect_with_core(struct children *c, uint16_t p) {
	uint16_t core = c->plan->core;
	uint8_t role = process(c, p)->role;
	int pair[2];
	if (role != PLAN_WORKER && role != PLAN_GATEWAY && role != PLAN_GUARD)
		return;
	bool there = c->at[p].state == CHILD_LIVE || c->at[p].state == CHILD_STARTING;
	if (!there || c->at[core].state != CHILD_LIVE)
		return;
	if (io_pair(pair) < 0) { /* tried again when there may be descriptors */
		c->at[p].apart = c->at[core].behind = true;
		return;
	}
	int other = seat_send_channel(c->at[p].socket, core, pair[1]); /* first: what core has is whole */
	int one = other == 0 ? seat_send_channel(c->at[core].socket, p, pair[0]) : 0;
	told(c, core, one);
	told(c, p, other);
	c->at[p].apart = one < 0 || other < 0; /* half a channel hangs up; the next pair replaces it */
	close(pair[0]);
	close(pair[1]);
}

/* Core waits for the end of a worker: this is how it hears, once, that there is nothing to wait for. */
static void tell_core_gone(struct children *c, uint16_t p) {
	struct child *k = &c->at[p];
	const struct child *core = &c->at[c->plan->core];
	if (process(c, p)->role != PLAN_WORKER || k->core_knows || core->state != CHILD_LIVE || core->socket < 0)
		return;
	int rc = seat_send_stopped(core->socket, p);
	k->core_knows = rc == 0;
	told(c, c->plan->core, rc);
}

/* ---- what core keeps for the parent after us: legacy.h ---- */

static bool keeps(const struct children *c) {
	const struct child *core = &c->at[c->plan->core];
	return core->socket >= 0 && (core->state == CHILD_STARTING || core->state == CHILD_LIVE);
}

static void keep(struct children *c, uint16_t p) {
	uint16_t core = c->plan->core;
	const struct child *k = &c->at[p];
	if (keeps(c) && k->segment.fd[0] >= 0)
		told(c, core, seat_send_keep(c->at[core].socket, p, k->epoch, p == core ? -1 : k->socket, k->pidfd,
				&k->segment));
}

static void keep_doors(struct children *c) {
	if (keeps(c))
		told(c, c->plan->core, seat_send_keep_doors(c->at[c->plan->core].socket, c->doors, c->starter));
}

static void keep_all(struct children *c) {
	for (uint16_t p = 0; p < c->plan->processes.count; p++)
		keep(c, p);
	keep_doors(c); /* last: with them it is whole */
}

static void give_doors(struct children *c, uint16_t p) {
	struct child *k = &c->at[p];
	int rc = 0;
	if (p == c->plan->core)
		rc = seat_send_door(k->socket, SEAT_DOOR_CONTROL, c->doors[DOORS_CONTROL]);
	else if (p == c->plan->guard)
		rc = seat_send_door(k->socket, SEAT_DOOR_STOP, c->doors[DOORS_STOP]);
	k->has_doors = rc == 0;
	told(c, p, rc);
}

void children_doors(struct children *c, const int doors[DOORS_COUNT]) {
	const uint16_t behind_them[] = { c->plan->core, c->plan->guard };
	memcpy(c->doors, doors, sizeof(c->doors));
	for (unsigned i = 0; i < COUNT_OF(behind_them); i++)
		if (behind_them[i] < c->plan->processes.count && c->at[behind_them[i]].state == CHILD_LIVE)
			give_doors(c, behind_them[i]);
	keep_doors(c);
}

static void give_directory(struct children *c, uint16_t p) {
	struct child *k = &c->at[p];
	int rc = seat_send_directory(k->socket, c->directory_fd);
	k->has_directory = rc == 0;
	told(c, p, rc);
}

void children_repeat(struct children *c, uint16_t p, uint32_t kind) {
	struct child *k = &c->at[p];
	k->behind = true;
	k->has_directory &= kind != SEAT_DIRECTORY;
	k->has_doors &= kind != SEAT_DOOR;
	k->apart |= kind == SEAT_CHANNEL;
}

void children_catch_up(struct children *c, uint16_t p) {
	struct child *k = &c->at[p];
	k->behind = false;
	if (!k->has_directory)
		give_directory(c, p);
	tell_peers(c, p);
	if (p == c->plan->core)
		keep_all(c);
	if (k->state == CHILD_LIVE && !k->has_doors)
		give_doors(c, p);
	for (uint16_t other = 0; other < c->plan->processes.count; other++) {
		if (other != p && p != c->plan->core)
			continue;
		if (c->at[other].apart)
			connect_with_core(c, other);
		if (c->at[other].state == CHILD_FREE && !c->at[other].wanted)
			tell_core_gone(c, other);
	}
}

static int greet(struct children *c, uint16_t p) {
	const struct child *k = &c->at[p];
	int rc = seat_send_hello(k->socket, p, k->epoch, c->plan_fd, c->directory_fd, &k->segment);
	if (rc == 0)
		tell_peers(c, p);
	return rc;
}

/* ---- starting ---- */

static int find_program(const struct children *c, uint16_t p, char *path, size_t capacity) {
	const struct plan_process *q = process(c, p);
	if (q->role == PLAN_CORE)
		return program_find(PROGRAM_BINARY, "cadmus-core", path, capacity);
	if (q->role == PLAN_GUARD)
		return program_find(PROGRAM_BINARY, "cadmus-guard", path, capacity);
	if (q->role != PLAN_GATEWAY)
		return program_find(PROGRAM_BINARY, "cadmusd", path, capacity);
	const char *gateway = plan_find_option(c->plan, q->entity, "gateway");
	return gateway ? program_find(PROGRAM_GATEWAY, gateway, path, capacity) : -ENOENT;
}

/* In the child: only async-signal-safe calls until exec. */
static _Noreturn void become(const char *path, const char *role, char *const environment[], int socket) {
	sigset_t none;
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	fcntl(socket, F_SETFD, 0);
	char *const argv[] = { (char *)(uintptr_t)path, (char *)(uintptr_t)"--role", (char *)(uintptr_t)role, NULL };
	execve(path, argv, environment);
	_exit(127);
}

extern char **environ;

/* Our environment with the seat in it; strings are borrowed, `seat_text` included. */
static void make_environment(char *seat_text, char **out, size_t capacity) {
	size_t n = 0;
	out[n++] = seat_text;
	for (char **e = environ; *e && n + 1 < capacity; e++)
		if (strncmp(*e, SEAT_ENV "=", sizeof(SEAT_ENV)) != 0)
			out[n++] = *e;
	out[n] = NULL;
}

static int spawn(struct children *c, uint16_t p, int their_socket) {
	char path[1024], seat_text[SEAT_ENV_TEXT_MAX], *environment[512];
	struct child *k = &c->at[p];
	int rc = find_program(c, p, path, sizeof(path));
	if (rc < 0)
		return rc;
	seat_env(p, their_socket, seat_text);
	make_environment(seat_text, environment, COUNT_OF(environment));
	pid_t pid = fork();
	if (pid < 0)
		return -errno;
	if (pid == 0)
		become(path, plan_role_text(process(c, p)->role), environment, their_socket);
	k->pid = pid;
	k->pidfd = io_pidfd(pid);
	if (k->pidfd >= 0)
		return 0;
	kill(pid, SIGKILL); /* whom we cannot watch we do not keep */
	waitpid(pid, NULL, 0);
	k->pid = 0;
	return k->pidfd;
}

/* A fresh segment of the next epoch, STARTING in the directory; the last one is let go. */
static int renew_segment(struct children *c, uint16_t p, pid_t pid) {
	struct child *k = &c->at[p];
	struct segment_files fresh;
	int rc = segment_create(c->plan, p, &fresh);
	if (rc < 0)
		return rc;
	segment_close_files(&k->segment);
	k->segment = fresh;
	k->published = false;
	k->has_directory = true; /* with its HELLO */
	k->started = clock_mono();
	k->epoch = directory_starting(&c->directory, p, pid, k->started);
	return 0;
}

int children_start(struct children *c, uint16_t p) {
	struct child *k = &c->at[p];
	int pair[2], rc;
	CHECK(k->state == CHILD_FREE && !children_outsider(c, p));
	k->wanted = true;
	k->hopeless = k->core_knows = k->apart = k->behind = k->has_doors = false;
	k->retry_at_ns = 0;
	k->started = clock_mono();
	if ((rc = renew_segment(c, p, 0)) == 0 && (rc = io_pair(pair)) == 0) {
		k->socket = pair[0];
		rc = spawn(c, p, pair[1]);
		close(pair[1]);
	}
	if (rc < 0) {
		log_error("cannot start %s: %s", process(c, p)->name, strerror(-rc));
		release(c, p);
		directory_set(&c->directory, p, DIRECTORY_DEAD, clock_mono());
		return rc;
	}
	k->state = CHILD_STARTING;
	directory_set_pid(&c->directory, p, k->pid);
	if (p != c->plan->core)
		keep(c, p); /* before its HELLO: whom nobody would know is not to begin */
	told(c, p, greet(c, p)); /* if it is gone already, its end comes by its pidfd */
	if (p == c->plan->core)
		keep_all(c);
	connect_with_core(c, p);
	return 0;
}

void children_ask(struct children *c, uint16_t p) {
	struct child *k = &c->at[p];
	k->quick_deaths = 0;
	if (k->state == CHILD_ENDING)
		k->wanted = true;
	if (k->state != CHILD_FREE || children_start(c, p) == 0)
		return;
	k->wanted = false;
	tell_core_gone(c, p);
}

bool children_outsider(const struct children *c, uint16_t p) {
	return process(c, p)->role == PLAN_CLIENT || process(c, p)->start == PLAN_EXTERNAL;
}

int children_seat(struct children *c, uint16_t p, int socket, pid_t pid) {
	struct child *k = &c->at[p];
	CHECK(children_outsider(c, p) && k->state == CHILD_FREE);
	int rc = renew_segment(c, p, pid);
	if (rc < 0)
		return rc;
	k->socket = socket;
	k->pidfd = io_peer_pidfd(socket); /* a socket may live on in a process that it forked */
	k->pid = 0;
	k->behind = k->has_left = false;
	k->state = CHILD_STARTING;
	keep(c, p);
	if (greet(c, p) == 0)
		return 0;
	k->socket = -1; /* it is the caller's, and the seat is free again */
	io_close(&k->pidfd);
	k->state = CHILD_FREE;
	directory_set(&c->directory, p, DIRECTORY_FREE, clock_mono());
	return -EPIPE;
}

int children_free_seat(const struct children *c) {
	for (uint16_t p = 0; p < c->plan->processes.count; p++)
		if (process(c, p)->role == PLAN_CLIENT && c->at[p].state == CHILD_FREE)
			return p;
	return -EBUSY;
}

int children_seat_of(const struct children *c, const char *entity) {
	uint16_t e = plan_find_entity(c->plan, entity);
	if (e == PLAN_NONE)
		return -ENOENT;
	for (uint16_t p = 0; p < c->plan->processes.count; p++)
		if (process(c, p)->entity == e && process(c, p)->start == PLAN_EXTERNAL)
			return p;
	return -EACCES;
}

int children_ready(struct children *c, uint16_t p) {
	struct child *k = &c->at[p];
	if (k->state != CHILD_STARTING || !segment_is_frozen(c->plan, p, &k->segment))
		return -EPROTO;
	k->state = CHILD_LIVE;
	k->suspect = false;
	k->published = true;
	directory_set(&c->directory, p, DIRECTORY_LIVE, clock_mono());
	tell_all_of(c, p);
	give_doors(c, p);
	for (uint16_t other = 0; p == c->plan->core && other < c->plan->processes.count; other++)
		connect_with_core(c, other);
	log_info("%s is live, epoch %u", process(c, p)->name, k->epoch);
	return 0;
}

/* ---- what another parent left ---- */

static bool is_left_alive(const struct legacy_seat *left, bool outsider) {
	return directory_is_alive(left->life.state) && left->epoch == left->life.epoch && left->socket >= 0 &&
	       (left->end >= 0 || outsider);
}

static bool wants_again(const struct children *c, uint16_t p, enum directory_state was) {
	bool never = was == DIRECTORY_FREE && process(c, p)->start == PLAN_WITH_MACHINE;
	bool died = (directory_is_alive(was) || was == DIRECTORY_DEAD) && process(c, p)->restart;
	return !children_outsider(c, p) && (never || died);
}

/* Nobody is there, and perhaps somebody should be. */
static void adopt_gone(struct children *c, uint16_t p, struct directory_entry life) {
	struct child *k = &c->at[p];
	enum directory_state was = life.state;
	release(c, p);
	k->wanted = wants_again(c, p, was);
	k->retry_at_ns = k->wanted ? clock_mono().ns : 0;
	if (directory_is_alive(was)) {
		life.state = process(c, p)->role == PLAN_CLIENT ? DIRECTORY_FREE : DIRECTORY_DEAD;
		life.died = clock_mono();
	}
	directory_restore(&c->directory, p, &life);
}

void children_adopt(struct children *c, uint16_t p, const struct legacy_seat *left) {
	struct child *k = &c->at[p];
	*k = (struct child){ .socket = left->socket, .pidfd = left->end, .segment = left->segment,
		.epoch = left->life.epoch, .started = left->life.started };
	k->published = left->epoch == left->life.epoch && left->segment.fd[0] >= 0 &&
			segment_is_frozen(c->plan, p, &left->segment);
	if (!is_left_alive(left, children_outsider(c, p)))
		return adopt_gone(c, p, left->life);
	k->state = left->life.state == DIRECTORY_STARTING ? CHILD_STARTING : CHILD_LIVE;
	k->suspect = left->life.state == DIRECTORY_SUSPECT;
	k->wanted = !children_outsider(c, p);
	k->apart = !left->joined;
	k->behind = true;
	directory_restore(&c->directory, p, &left->life);
}

void children_adopted(struct children *c) {
	for (uint16_t p = 0; p < c->plan->processes.count; p++)
		if (c->at[p].state == CHILD_STARTING)
			told(c, p, greet(c, p)); /* who has heard that already does not mind */
	if (c->at[c->plan->core].state == CHILD_STARTING && children_ready(c, c->plan->core) < 0)
		log_warn("core is not ready, and goes on");
}

/* ---- ending ---- */

void children_end(struct children *c, uint16_t p) {
	struct child *k = &c->at[p];
	k->wanted = false;
	k->retry_at_ns = 0;
	if (k->state == CHILD_FREE)
		tell_core_gone(c, p);
	if (k->state != CHILD_STARTING && k->state != CHILD_LIVE)
		return;
	if (k->socket >= 0)
		told(c, p, seat_send_quit(k->socket));
	k->state = CHILD_ENDING;
	if (children_outsider(c, p))
		children_hang_up(c, p); /* it is not ours to end, and holds what it borrowed until it does */
	else
		k->end_by_ns = clock_mono().ns + CHILDREN_PATIENCE_NS;
}

static void log_end(const struct children *c, uint16_t p, const siginfo_t *how) {
	if (how->si_code == CLD_EXITED && how->si_status == 0)
		log_info("%s ended", process(c, p)->name);
	else
		log_warn("%s ended: %s %d", process(c, p)->name,
				how->si_code == CLD_EXITED ? "exit code" : "signal", how->si_status);
}

/* When to try again: at once, later and later after quick deaths, and at last not at all. */
static void plan_retry(struct children *c, uint16_t p, struct cdm_mono now) {
	struct child *k = &c->at[p];
	bool quick = mono_since(k->started, now) < CHILDREN_QUICK_NS;
	k->quick_deaths = quick ? k->quick_deaths + 1 : 0;
	if (k->quick_deaths >= CHILDREN_GIVE_UP) {
		log_error("%s died %u times right after its start and is left alone", process(c, p)->name,
				k->quick_deaths);
		k->wanted = false;
		k->hopeless = true;
		tell_core_gone(c, p);
		return;
	}
	unsigned steps = k->quick_deaths > 1 ? k->quick_deaths - 1 : 0;
	k->retry_at_ns = now.ns + (steps ? (50 * NS_PER_MS << steps) : 0);
}

void children_died(struct children *c, uint16_t p) {
	struct child *k = &c->at[p];
	siginfo_t how = { 0 };
	bool asked = k->state == CHILD_ENDING;
	if (k->state == CHILD_FREE)
		return;
	if (k->pid > 0 && waitid(P_PIDFD, (id_t)k->pidfd, &how, WEXITED | WNOHANG) == 0) {
		if (how.si_pid == 0)
			return;
		log_end(c, p, &how);
	}
	release(c, p);
	k->state = CHILD_FREE;
	k->end_by_ns = 0;
	k->pid = 0;
	bool client = process(c, p)->role == PLAN_CLIENT, in_order = asked || k->has_left;
	directory_set(&c->directory, p, client ? DIRECTORY_FREE : in_order ? DIRECTORY_STOPPED : DIRECTORY_DEAD,
			clock_mono());
	if (client)
		return;
	if (k->wanted && asked)
		k->retry_at_ns = clock_mono().ns; /* core changed its mind meanwhile */
	else if (k->wanted && process(c, p)->restart)
		plan_retry(c, p, clock_mono());
	else
		k->wanted = false;
	if (!k->wanted)
		tell_core_gone(c, p);
}

/* ---- running or not ---- */

static void set_suspect(struct children *c, uint16_t p, bool suspect) {
	if (c->at[p].state != CHILD_LIVE || c->at[p].suspect == suspect)
		return;
	c->at[p].suspect = suspect;
	directory_set(&c->directory, p, suspect ? DIRECTORY_SUSPECT : DIRECTORY_LIVE, clock_mono());
	log_warn("%s %s", process(c, p)->name, suspect ? "does not run: somebody stopped it" : "runs again");
}

void children_look_for_stopped(struct children *c) {
	for (uint16_t p = 0; p < c->plan->processes.count; p++) {
		siginfo_t how = { 0 };
		struct child *k = &c->at[p];
		while (k->pid > 0 && waitid(P_PIDFD, (id_t)k->pidfd, &how, WSTOPPED | WCONTINUED | WNOHANG) == 0 &&
				how.si_pid != 0) {
			set_suspect(c, p, how.si_code == CLD_STOPPED || how.si_code == CLD_TRAPPED);
			how.si_pid = 0;
		}
	}
}

/* Of a process that is not our child: `T` and `t` of /proc/PID/stat, behind the name in brackets. */
static bool is_stopped(int32_t pid) {
	char path[32], text[512];
	snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);
	if (fd >= 0)
		close(fd);
	if (n <= 0)
		return false;
	text[n] = 0;
	const char *end = strrchr(text, ')');
	return end && end[1] == ' ' && (end[2] == 'T' || end[2] == 't');
}

/* Outsiders, and the children of the parent before us: of neither a signal tells. */
static void look_at_others(struct children *c, struct cdm_mono now) {
	bool any = false;
	for (uint16_t p = 0; p < c->plan->processes.count; p++) {
		if (c->at[p].pid > 0 || c->at[p].state != CHILD_LIVE)
			continue;
		any = true;
		if (now.ns >= c->look_at_ns)
			set_suspect(c, p, is_stopped(directory_get(&c->directory, p).pid));
	}
	if (!any)
		c->look_at_ns = 0;
	else if (now.ns >= c->look_at_ns)
		c->look_at_ns = now.ns + CHILDREN_LOOK_NS;
}

void children_tick(struct children *c, struct cdm_mono now) {
	look_at_others(c, now);
	for (uint16_t p = 0; p < c->plan->processes.count; p++) {
		struct child *k = &c->at[p];
		if (k->state == CHILD_ENDING && k->end_by_ns && now.ns >= k->end_by_ns) {
			log_warn("%s did not end when asked and is killed", process(c, p)->name);
			k->end_by_ns = 0;
			if (k->pidfd >= 0 && io_pidfd_signal(k->pidfd, SIGKILL) < 0)
				log_debug("%s was gone already", process(c, p)->name);
		}
		if (k->state == CHILD_FREE && k->wanted && k->retry_at_ns && now.ns >= k->retry_at_ns) {
			k->retry_at_ns = 0;
			if (children_start(c, p) < 0)
				plan_retry(c, p, now);
		}
	}
}

int64_t children_next_ns(const struct children *c, struct cdm_mono now) {
	int64_t least = c->look_at_ns ? c->look_at_ns : INT64_MAX;
	for (uint16_t p = 0; p < c->plan->processes.count; p++) {
		const struct child *k = &c->at[p];
		if (k->state == CHILD_ENDING && k->end_by_ns && k->end_by_ns < least)
			least = k->end_by_ns;
		if (k->state == CHILD_FREE && k->wanted && k->retry_at_ns && k->retry_at_ns < least)
			least = k->retry_at_ns;
	}
	if (least == INT64_MAX)
		return -1;
	return least > now.ns ? least - now.ns : 0;
}
