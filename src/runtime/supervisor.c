/*
 * supervisor.c - see supervisor.h.
 *
 * One thread, one epoll.  Events: a signal, a program at the attach door, a message or hang-up on a
 * seat socket, the end of a process (pidfd), a deadline.  Going down is a sequence of stages, each
 * over when its processes are gone: gateways and clients, then workers and hosts, then core, then the
 * guard, last, so that what moves is brought to its safe state by someone who is still there.
 */
#include "runtime/supervisor.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <unistd.h>
#include "base/io.h"
#include "base/log.h"
#include "runtime/children.h"
#include "runtime/doors.h"
#include "runtime/greet.h"
#include "runtime/report.h"

enum source { ON_SIGNAL, ON_STARTER, ON_ATTACH, ON_FOLDER, ON_GREETING, ON_SEAT, ON_END, ON_STANDBY };

#define STANDBYS_MAX 16
#define DESCRIPTORS_MAX 4096u

/* A program that takes the place of an external entity when that is free. */
struct standby {
	int fd; /* -1: none */
	pid_t pid;
	uint16_t process;
	uint32_t serial;
};

struct supervisor {
	struct plan *plan; /* our own copy: what we verified cannot change */
	struct children children;
	struct doors doors;
	int epoll, signals;
	struct report report;
	struct greet greet;
	struct standby standby[STANDBYS_MAX];
	uint32_t standbys; /* that there ever were */
	int stage; /* of going down; -1: up */
};

/*
 * Of a process the tag holds the epoch too, and of a greeting its serial: a descriptor that we closed lives on in a
 * child between fork and exec, and so do its events.
 */
static uint64_t tag(enum source s, unsigned index, uint32_t epoch) {
	return (uint64_t)s << 56 | (uint64_t)index << 32 | epoch;
}

static int watch(struct supervisor *s, int fd, enum source source, unsigned index, uint32_t epoch) {
	struct epoll_event e = { .events = EPOLLIN, .data.u64 = tag(source, index, epoch) };
	return epoll_ctl(s->epoll, EPOLL_CTL_ADD, fd, &e) == 0 ? 0 : -errno;
}

/* Watch a child's socket and its end; both vanish from the epoll when they are closed. */
static void watch_child(struct supervisor *s, uint16_t p) {
	const struct child *k = &s->children.at[p];
	if (watch(s, k->socket, ON_SEAT, p, k->epoch) < 0 ||
			(k->pidfd >= 0 && watch(s, k->pidfd, ON_END, p, k->epoch) < 0))
		log_error("cannot watch %s", plan_processes(s->plan)[p].name);
}

/* Those that were started since `before` are not watched yet. */
static void watch_started(struct supervisor *s, uint16_t p, uint32_t before) {
	const struct child *k = &s->children.at[p];
	if (k->epoch != before && k->state == CHILD_STARTING)
		watch_child(s, p);
}

static int start(struct supervisor *s, uint16_t p) {
	int rc = children_start(&s->children, p);
	if (rc == 0)
		watch_child(s, p);
	return rc;
}

/* ---- the plan ---- */

static int take_plan(struct supervisor *s, int fd, struct cdm_diag *diag) {
	int64_t bytes = io_memory_size(fd);
	if (bytes < (int64_t)sizeof(struct plan) || bytes > PLAN_BYTES_MAX) {
		cdm_diag_add(diag, CDM_ERROR, "R0101", "what was handed over is not a sealed plan");
		return -EPROTO;
	}
	s->plan = malloc((size_t)bytes);
	if (!s->plan)
		return -ENOMEM;
	ssize_t n = pread(fd, s->plan, (size_t)bytes, 0);
	return n == bytes ? plan_verify(s->plan, (size_t)bytes, diag) : -EIO;
}

static int open_signals(void) {
	sigset_t set;
	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGHUP);
	sigaddset(&set, SIGCHLD); /* one was stopped, or goes on; an end comes by its pidfd */
	sigaddset(&set, SIGPIPE); /* whoever waited for our start has gone */
	sigprocmask(SIG_BLOCK, &set, NULL);
	sigdelset(&set, SIGPIPE);
	int fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	return fd < 0 ? -errno : fd;
}

/* ---- going down ---- */

static bool is_simulator(const struct plan *plan, uint16_t p) {
	for (uint32_t a = 0; a < plan->actuators.count; a++)
		if (plan_actuators(plan)[a].entity == plan_processes(plan)[p].entity)
			return true;
	return false;
}

/* Core first of all hears that nothing is to move; its end, and the guard's, come when they have no work left. */
static int stage_of(const struct plan *plan, uint16_t p) {
	switch (plan_processes(plan)[p].role) {
	case PLAN_CLIENT:
	case PLAN_GATEWAY: return 0;
	case PLAN_HOST: return is_simulator(plan, p) ? 4 : 1; /* the guard brings it to its safe state first */
	case PLAN_WORKER: return 1;
	case PLAN_CORE: return 2;
	default: return 3; /* the guard */
	}
}

#define STAGES 5

/* End the next stage that has anyone in it; true when all are gone.  Outsiders are told, and nobody waits for them. */
static bool go_down(struct supervisor *s) {
	for (; s->stage < STAGES; s->stage++) {
		bool any = false;
		for (uint16_t p = 0; p < s->plan->processes.count; p++) {
			if (stage_of(s->plan, p) != s->stage)
				continue;
			if (s->children.at[p].state != CHILD_ENDING)
				children_end(&s->children, p);
			any |= s->children.at[p].state != CHILD_FREE && !children_outsider(&s->children, p);
		}
		if (any)
			return false;
	}
	return true;
}

static void begin_down(struct supervisor *s) {
	if (s->stage >= 0)
		return;
	log_info("going down");
	s->stage = 0;
	for (uint16_t p = 0; p < PLAN_PROCESSES_MAX; p++)
		s->children.at[p].wanted = false; /* who dies from now on stays dead */
	const struct child *core = &s->children.at[s->plan->core];
	if (core->socket >= 0 && seat_send_down(core->socket) < 0)
		log_warn("core does not hear that the machine goes down"); /* so the lease of what moves runs out */
}

/* ---- events ---- */

static void on_failed(struct supervisor *s, uint16_t p, const char *why) {
	char text[256];
	snprintf(text, sizeof(text), "%s cannot start: %s", plan_processes(s->plan)[p].name, why);
	log_error("%s", text);
	report_note(&s->report, p, why);
	if (p == s->plan->core || p == s->plan->guard) {
		report_dead(&s->report, text, NULL);
		begin_down(s); /* without these two there is no machine */
	}
}

static void on_core_asks(struct supervisor *s, const struct seat_message *m) {
	uint16_t p = (uint16_t)m->process;
	if (m->kind == SEAT_DOWN)
		begin_down(s);
	if (m->process >= s->plan->processes.count || plan_processes(s->plan)[p].role != PLAN_WORKER)
		return; /* core starts and stops models, and nothing else */
	if (children_outsider(&s->children, p))
		return;
	if (m->kind == SEAT_STOP)
		children_end(&s->children, p);
	else if (m->kind == SEAT_START && s->stage < 0) {
		uint32_t before = s->children.at[p].epoch;
		children_ask(&s->children, p);
		watch_started(s, p, before);
	}
}

static void on_message(struct supervisor *s, uint16_t p, const struct seat_message *m) {
	switch (m->kind) {
	case SEAT_READY:
		if (s->children.at[p].state == CHILD_ENDING)
			break; /* told to end before it was ready */
		if (children_ready(&s->children, p) < 0)
			log_warn("%s said it is ready and is not", plan_processes(s->plan)[p].name);
		else if (p == s->plan->core)
			report_live(&s->report, clock_mono());
		break;
	case SEAT_FAILED: on_failed(s, p, m->text); break;
	case SEAT_REPEAT: children_repeat(&s->children, p, m->value); break;
	case SEAT_LEAVE: s->children.at[p].has_left = children_outsider(&s->children, p); break;
	case SEAT_START:
	case SEAT_STOP:
	case SEAT_DOWN:
		if (p == s->plan->core)
			on_core_asks(s, m);
		break;
	default: log_warn("%s sent a message of unknown kind %u", plan_processes(s->plan)[p].name, m->kind);
	}
}

/* Whoever talks without end is heard again after the others. */
#define MESSAGES_AT_ONCE 64

static void on_seat(struct supervisor *s, uint16_t p) {
	struct child *k = &s->children.at[p];
	struct seat_message m;
	int fds[SEAT_FDS_MAX], rc = 1;
	unsigned n;
	for (unsigned i = 0; i < MESSAGES_AT_ONCE && rc > 0 && k->socket >= 0; i++) {
		rc = seat_receive(k->socket, &m, fds, &n);
		if (rc > 0)
			on_message(s, p, &m);
		for (unsigned f = 0; rc > 0 && f < n; f++)
			io_close(&fds[f]); /* a child has none to give */
	}
	if (k->socket < 0 || rc >= 0)
		return;
	bool gone = rc == -EPIPE || k->pidfd < 0; /* who talks nonsense lives, and holds what it holds */
	if (children_outsider(&s->children, p) && gone)
		children_died(&s->children, p);
	else
		children_hang_up(&s->children, p); /* its end comes by its pidfd */
}

/*
 * A process that we forked holds our descriptors until it calls exec, and the epoll remembers them so long: news of
 * an end may come again after we have closed its handle, or have another one in its place.
 */
static void on_end(struct supervisor *s, uint16_t p) {
	struct pollfd ended = { .fd = s->children.at[p].pidfd, .events = POLLIN };
	if (ended.fd < 0 || poll(&ended, 1, 0) != 1)
		return;
	on_seat(s, p); /* its last words first */
	if (s->children.at[p].state != CHILD_ENDING)
		report_note(&s->report, p, "it ended right after its start; see the log");
	children_died(&s->children, p);
}

static void on_attach(struct supervisor *s) {
	int fd = io_accept(s->doors.fd[DOORS_ATTACH]);
	if (fd < 0)
		return;
	unsigned i = greet_add(&s->greet, fd, clock_mono());
	if (watch(s, fd, ON_GREETING, i, s->greet.at[i].serial) < 0)
		log_warn("cannot watch a client"); /* it is hung up on in its time */
}

static void refuse(int socket, int code, const char *why) {
	if (seat_send(socket, SEAT_FAILED, 0, 0, (uint32_t)-code, why, NULL, 0) < 0)
		log_debug("a refused client was gone already");
	close(socket);
}

/* ---- those who stand by ---- */

static void stand_by(struct supervisor *s, int fd, pid_t pid, uint16_t process) {
	for (unsigned i = 0; i < STANDBYS_MAX; i++) {
		struct standby *b = &s->standby[i];
		if (b->fd >= 0)
			continue;
		*b = (struct standby){ fd, pid, process, ++s->standbys };
		if (watch(s, fd, ON_STANDBY, i, b->serial) == 0)
			return;
		b->fd = -1;
		break;
	}
	refuse(fd, -EBUSY, "too many programs stand by");
}

/* It has nothing to say: it gave up. */
static void on_standby(struct supervisor *s, unsigned i, uint32_t serial) {
	if (i < STANDBYS_MAX && s->standby[i].serial == serial)
		io_close(&s->standby[i].fd);
}

/* The one that has waited longest; NULL: nobody stands by for p. */
static struct standby *first_standby(struct supervisor *s, uint16_t p) {
	struct standby *first = NULL;
	for (struct standby *b = s->standby; b < s->standby + STANDBYS_MAX; b++)
		if (b->fd >= 0 && b->process == p && (!first || b->serial - first->serial > UINT32_MAX / 2))
			first = b;
	return first;
}

static void take_over(struct supervisor *s) {
	struct standby *b;
	for (uint16_t p = 0; p < s->plan->processes.count && s->stage < 0; p++)
		while (s->children.at[p].state == CHILD_FREE && (b = first_standby(s, p))) {
			int fd = b->fd;
			b->fd = -1;
			epoll_ctl(s->epoll, EPOLL_CTL_DEL, fd, NULL);
			if (children_seat(&s->children, p, fd, b->pid) == 0)
				watch_child(s, p);
			else
				close(fd);
		}
}

/* ---- those who come in ---- */

static void seat_one(struct supervisor *s, int fd, pid_t pid, uint16_t p) {
	int rc = children_seat(&s->children, p, fd, pid);
	if (rc < 0)
		return refuse(fd, rc == -EPIPE ? -EPIPE : -ENOMEM, "there is no memory for another process");
	watch_child(s, p);
}

static void seat_entity(struct supervisor *s, int fd, pid_t pid, const struct seat_attach *a) {
	char why[SEAT_TEXT_MAX];
	int p = children_seat_of(&s->children, a->entity);
	if (p == -ENOENT)
		return refuse(fd, p, "the machine has no entity of that name");
	if (p < 0)
		return refuse(fd, p, "the description does not leave that entity to programs (`external`)");
	if (s->children.at[p].state == CHILD_FREE)
		return seat_one(s, fd, pid, (uint16_t)p);
	if (a->flags & SEAT_ATTACH_STAND_BY)
		return stand_by(s, fd, pid, (uint16_t)p);
	snprintf(why, sizeof(why), "process %d is %s already",
			(int)directory_get(&s->children.directory, (uint16_t)p).pid, a->entity);
	refuse(fd, -EBUSY, why);
}

static void seat_client(struct supervisor *s, int fd, pid_t pid) {
	int p = children_free_seat(&s->children);
	if (p < 0)
		return refuse(fd, p, "no seat is free; raise `clients:` in the description");
	seat_one(s, fd, pid, (uint16_t)p);
}

static void refuse_version(int fd, const struct seat_attach *a) {
	char why[SEAT_TEXT_MAX];
	snprintf(why, sizeof(why), a->magic != SEAT_ATTACH_MAGIC ? "this is no attach record"
			: "this machine speaks version %u of the seat protocol, the program version %u: build it anew",
			SEAT_ABI, a->abi);
	refuse(fd, -EPROTO, why);
}

static void on_greeting(struct supervisor *s, unsigned i, uint32_t serial) {
	struct seat_attach a = { .magic = 0 };
	uid_t uid;
	pid_t pid;
	int fd = greet_take(&s->greet, i, serial);
	if (fd < 0)
		return;
	epoll_ctl(s->epoll, EPOLL_CTL_DEL, fd, NULL);
	int rc = seat_receive_attach(fd, &a);
	if (rc == -EPIPE) {
		close(fd);
		return;
	}
	if (rc <= 0)
		return refuse_version(fd, &a);
	if (io_peer(fd, &uid, &pid) < 0 || (uid != getuid() && uid != 0))
		return refuse(fd, -EACCES, "this machine belongs to another user");
	if (s->stage >= 0)
		return refuse(fd, -EBUSY, "the machine is going down");
	if (a.entity[0])
		seat_entity(s, fd, pid, &a);
	else
		seat_client(s, fd, pid);
}

static void on_signal(struct supervisor *s) {
	struct signalfd_siginfo info;
	while (read(s->signals, &info, sizeof(info)) == sizeof(info)) {
		if (info.ssi_signo == SIGCHLD)
			children_look_for_stopped(&s->children);
		else
			begin_down(s);
	}
}

/* Whoever started the machine, to be there as long as it is, is gone. */
static void on_starter(struct supervisor *s) {
	(void)epoll_ctl(s->epoll, EPOLL_CTL_DEL, s->children.starter, NULL);
	begin_down(s);
}

static void on_event(struct supervisor *s, uint64_t data) {
	unsigned index = (unsigned)(data >> 32) & 0xffffffu;
	enum source source = (enum source)(data >> 56);
	uint16_t p = (uint16_t)index;
	if ((source == ON_SEAT || source == ON_END) && s->children.at[p].epoch != (uint32_t)data)
		return; /* of a process before this one */
	switch (source) {
	case ON_SIGNAL: on_signal(s); break;
	case ON_STARTER: on_starter(s); break;
	case ON_ATTACH: on_attach(s); break;
	case ON_FOLDER: doors_heard(&s->doors, clock_mono()); break;
	case ON_GREETING: on_greeting(s, index, (uint32_t)data); break;
	case ON_SEAT: on_seat(s, p); break;
	case ON_END: on_end(s, p); break;
	case ON_STANDBY: on_standby(s, index, (uint32_t)data); break;
	}
}

/* Without core or guard there is no machine: it ends in good order instead of being half there. */
static void look_for_the_needed(struct supervisor *s) {
	const uint16_t needed[] = { s->plan->guard, s->plan->core };
	for (size_t i = 0; i < COUNT_OF(needed) && s->stage < 0; i++) {
		char text[256];
		if (needed[i] >= s->plan->processes.count || !s->children.at[needed[i]].hopeless)
			continue;
		snprintf(text, sizeof(text), "%s died %u times right after its start; without it there is no machine",
				plan_processes(s->plan)[needed[i]].name, CHILDREN_GIVE_UP);
		log_error("%s", text);
		report_dead(&s->report, text, NULL);
		begin_down(s);
	}
}

/* Doors that were made anew go to those who sit behind them. */
static void look_after_doors(struct supervisor *s) {
	if (s->stage >= 0 || doors_next_ns(&s->doors, clock_mono()) != 0)
		return;
	(void)epoll_ctl(s->epoll, EPOLL_CTL_DEL, s->doors.fd[DOORS_ATTACH], NULL); /* core has a copy of it */
	unsigned renewed = doors_tick(&s->doors, clock_mono());
	if (watch(s, s->doors.fd[DOORS_ATTACH], ON_ATTACH, 0, 0) < 0)
		log_error("cannot watch the attach door");
	if (renewed)
		children_doors(&s->children, s->doors.fd);
}

static void tick(struct supervisor *s) {
	uint32_t before[PLAN_PROCESSES_MAX];
	for (uint16_t p = 0; p < PLAN_PROCESSES_MAX; p++)
		before[p] = s->children.at[p].epoch;
	children_tick(&s->children, clock_mono());
	for (uint16_t p = 0; p < PLAN_PROCESSES_MAX; p++) {
		const struct child *k = &s->children.at[p];
		watch_started(s, p, before[p]);
		if (k->behind && k->socket >= 0)
			children_catch_up(&s->children, p);
	}
	take_over(s);
	look_for_the_needed(s);
	look_after_doors(s);
	report_tick(&s->report, &s->children, clock_mono());
	if (greet_tick(&s->greet, clock_mono()) > 0)
		log_debug("somebody at the attach door said nothing");
}

/* The sooner of two; -1 is never. */
static int64_t sooner(int64_t a, int64_t b) {
	return a < 0 || (b >= 0 && b < a) ? b : a;
}

static int patience_ms(const struct supervisor *s) {
	struct cdm_mono now = clock_mono();
	int64_t ns = sooner(children_next_ns(&s->children, now), greet_next_ns(&s->greet, now));
	ns = sooner(ns, report_next_ns(&s->report, now));
	if (s->stage < 0)
		ns = sooner(ns, doors_next_ns(&s->doors, now));
	for (uint16_t p = 0; p < PLAN_PROCESSES_MAX; p++)
		if (s->children.at[p].behind)
			ns = sooner(ns, 100 * NS_PER_MS);
	return ns < 0 ? -1 : (int)((ns + NS_PER_MS - 1) / NS_PER_MS);
}

static void loop(struct supervisor *s) {
	struct epoll_event events[32];
	while (s->stage < 0 || !go_down(s)) {
		int n = epoll_wait(s->epoll, events, COUNT_OF(events), patience_ms(s));
		for (int i = 0; i < n; i++)
			on_event(s, events[i].data.u64);
		tick(s);
	}
}

/* The guard first: before anything can move, someone must be there to stop it. */
static void start_all(struct supervisor *s) {
	static const uint8_t order[] = { PLAN_GUARD, PLAN_CORE, PLAN_HOST, PLAN_WORKER, PLAN_GATEWAY };
	for (size_t i = 0; i < sizeof(order); i++)
		for (uint16_t p = 0; p < s->plan->processes.count && s->stage < 0; p++) {
			const struct plan_process *q = &plan_processes(s->plan)[p];
			if (q->role == order[i] && q->start == PLAN_WITH_MACHINE && start(s, p) < 0)
				on_failed(s, p, "its program is missing or could not be started");
		}
}

static void close_all(struct supervisor *s) {
	children_fini(&s->children);
	io_close(&s->children.starter);
	greet_fini(&s->greet);
	for (unsigned i = 0; i < STANDBYS_MAX; i++)
		io_close(&s->standby[i].fd);
	doors_close(&s->doors);
	io_close(&s->signals);
	io_close(&s->epoll);
	report_close(&s->report);
	free(s->plan);
}

/* Whoever has more seats and parts than the usual 1024: up to what we may, within reason. */
static void allow_descriptors(void) {
	struct rlimit r;
	if (getrlimit(RLIMIT_NOFILE, &r) < 0 || r.rlim_cur >= DESCRIPTORS_MAX)
		return;
	r.rlim_cur = r.rlim_max < DESCRIPTORS_MAX ? r.rlim_max : DESCRIPTORS_MAX;
	(void)!setrlimit(RLIMIT_NOFILE, &r);
}

/* What our children are not to inherit. */
static void keep_to_ourselves(int fd) {
	if (fd >= 0)
		(void)fcntl(fd, F_SETFD, FD_CLOEXEC);
}

static int begin(struct supervisor *s, const struct supervisor_options *o, struct cdm_diag *diag) {
	keep_to_ourselves(o->plan_fd);
	keep_to_ourselves(o->starter_fd);
	int rc = take_plan(s, o->plan_fd, diag);
	if (rc < 0 || (rc = doors_open(&s->doors, s->plan->machine, diag)) < 0)
		return rc;
	rc = children_init(&s->children, s->plan, o->plan_fd, s->doors.fd, o->starter_fd);
	if (rc < 0)
		cdm_diag_add(diag, CDM_ERROR, "R0104", "no memory for the directory: %s", strerror(-rc));
	return rc;
}

/* Go on where another parent was killed. */
static int inherit(struct supervisor *s, int legacy_fd, struct cdm_diag *diag) {
	struct legacy l;
	int rc = legacy_read(&l, legacy_fd, diag);
	close(legacy_fd);
	if (rc < 0 || (rc = take_plan(s, l.plan, diag)) < 0)
		return rc;
	doors_adopt(&s->doors, s->plan->machine, l.doors, clock_mono());
	rc = children_init(&s->children, s->plan, l.plan, s->doors.fd, l.starter);
	for (uint16_t p = 0; rc == 0 && p < s->plan->processes.count; p++)
		children_adopt(&s->children, p, &l.seats[p]);
	return rc;
}

static int watch_all(struct supervisor *s) {
	s->epoll = s->children.epoll = epoll_create1(EPOLL_CLOEXEC);
	if (s->epoll < 0)
		return -errno;
	int rc = watch(s, s->signals, ON_SIGNAL, 0, 0);
	if (rc == 0)
		rc = watch(s, s->doors.fd[DOORS_ATTACH], ON_ATTACH, 0, 0);
	if (rc == 0 && s->doors.notify >= 0)
		rc = watch(s, s->doors.notify, ON_FOLDER, 0, 0);
	if (rc == 0 && s->children.starter >= 0)
		rc = watch(s, s->children.starter, ON_STARTER, 0, 0);
	return rc;
}

/* Signals first: whoever ends us from then on finds no door left behind. */
static int prepare(struct supervisor *s, const struct supervisor_options *o, struct cdm_diag *diag) {
	s->signals = open_signals();
	if (s->signals < 0)
		return s->signals;
	allow_descriptors();
	int rc = o->legacy_fd >= 0 ? inherit(s, o->legacy_fd, diag) : begin(s, o, diag);
	return rc < 0 ? rc : watch_all(s);
}

static void go_on(struct supervisor *s) {
	log_warn("in the place of a daemon that was killed");
	for (uint16_t p = 0; p < s->plan->processes.count; p++)
		if (s->children.at[p].state != CHILD_FREE)
			watch_child(s, p);
	on_seat(s, s->plan->core); /* what it wants, before it is told who is not there */
	children_adopted(&s->children);
	tick(s);
}

static void init(struct supervisor *s, const struct supervisor_options *o) {
	*s = (struct supervisor){ .epoll = -1, .signals = -1, .doors = doors_none(), .stage = -1 };
	report_init(&s->report, o->ready_fd);
	greet_init(&s->greet);
	for (uint16_t p = 0; p < PLAN_PROCESSES_MAX; p++)
		s->children.at[p] = (struct child){ .pidfd = -1, .socket = -1, .segment = segment_no_files() };
	s->children.directory_fd = s->children.starter = s->children.epoll = -1;
	for (unsigned i = 0; i < STANDBYS_MAX; i++)
		s->standby[i].fd = -1;
}

int supervisor_main(const struct supervisor_options *options, struct cdm_diag *diag) {
	static struct supervisor s;
	init(&s, options);
	int rc = prepare(&s, options, diag);
	if (rc == 0) {
		options->legacy_fd >= 0 ? go_on(&s) : start_all(&s);
		loop(&s);
	} else if (diag && diag->count)
		report_dead(&s.report, diag->at[0].text, diag->at[0].hint);
	if (rc < 0 && options->legacy_fd >= 0)
		return rc; /* core, which holds everything, may find another heir: nobody is hung up on */
	doors_remove(&s.doors);
	close_all(&s);
	return rc;
}
