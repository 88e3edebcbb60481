/*
 * main.c - cadmus-guard: the last word before the motors, in a process of its own.
 *
 * It is started by cadmusd, opens its buses and fields, locks its memory, and then waits for six things on
 * one epoll: a tick of 10 ms, its buses, its parent, core's bell, its stop door, and those
 * who have come through that door.  Whatever happens, each actuator then takes one step (unit.h).
 *
 *      the parent says QUIT, or is gone    safe state, then end
 *      core hangs up                       safe state, and wait for another core
 *      a message through the stop door     emergency stop on every bus, then one byte in answer
 *
 * Signals that a terminal or a shutdown sends to everybody are ignored: the parent decides when there
 * is nothing left to guard.
 */
#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>
#include "base/err.h"
#include "base/io.h"
#include "base/log.h"
#include "frozen.h"
#include "unit.h"

#define QUIT_NS (2500 * NS_PER_MS) /* the parent's patience is 3 s */

enum { UNITS_MAX = PLAN_ACTUATORS_MAX, CALLERS_MAX = 8, CALLER_MESSAGE_MAX = 64, BELLS_PER_CALL = 64, PRIORITY = 20 };

enum source { ON_TICK, ON_SEAT, ON_BELL, ON_DOOR, ON_BUS, ON_CALLER };

struct program {
	struct seat seat;
	struct event_writer events;
	struct unit units[UNITS_MAX];
	unsigned count;
	int epoll, tick, bell, door;
	int callers[CALLERS_MAX]; /* have come through the stop door; -1: free */
	bool waits[CALLERS_MAX];  /* has asked for a stop that is not on every bus yet */
	unsigned next_caller;
	uint32_t core_epoch;
	bool quitting;
	int64_t quit_by_ns;
};

static int watch(const struct program *p, int fd, enum source source, unsigned index) {
	struct epoll_event e = { .events = EPOLLIN, .data.u64 = (uint64_t)index << 32 | source };
	return epoll_ctl(p->epoll, EPOLL_CTL_ADD, fd, &e) == 0 ? 0 : -errno;
}

/* ---- start ----------------------------------------------------------------------------------- */

static int open_units(struct program *p, struct cdm_diag *diag) {
	event_writer_open(&p->events, &p->seat.peers);
	for (uint32_t i = 0; i < p->seat.plan->actuators.count; i++) {
		if (plan_actuators(p->seat.plan)[i].process != p->seat.process)
			continue;
		CHECK(p->count < UNITS_MAX);
		int rc = unit_open(&p->units[p->count++], &p->seat, i, &p->events, diag);
		if (rc < 0)
			return rc;
	}
	return 0;
}

static int open_loop(struct program *p) {
	p->epoll = epoll_create1(EPOLL_CLOEXEC);
	if (p->epoll < 0)
		return -errno;
	int rc = watch(p, seat_fd(&p->seat), ON_SEAT, 0);
	if (rc == 0 && p->count > 0) /* a machine that moves nothing has nothing to look after in time */
		rc = p->tick = io_timer(GUARD_TICK_NS);
	if (rc >= 0 && p->tick >= 0)
		rc = watch(p, p->tick, ON_TICK, 0);
	for (unsigned i = 0; rc == 0 && i < p->count; i++)
		rc = watch(p, cdm_bus_fd(p->units[i].bus), ON_BUS, i);
	return rc;
}

static void note(int rc, const char *what) {
	if (rc < 0)
		log_info("not allowed here: %s (%s)", what, strerror(errno));
}

static int spare_from_oom_killer(void) {
	int fd = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return -1;
	ssize_t n = write(fd, "-1000", 5);
	close(fd);
	return n == 5 ? 0 : -1;
}

/* Be there when the machine is short of memory or time.  All of it is a help, none a condition. */
static void harden(void) {
	const struct sched_param sched = { .sched_priority = PRIORITY };
	malloc_trim(0); /* what is locked is what is used */
	note(mlockall(MCL_CURRENT), "to lock memory");
	note(sched_setscheduler(0, SCHED_FIFO | SCHED_RESET_ON_FORK, &sched), "to run before others (SCHED_FIFO)");
	note(spare_from_oom_killer(), "to be spared when memory runs out");
}

static int start(struct program *p, struct cdm_diag *diag) {
	int rc = open_units(p, diag);
	if (rc == 0)
		rc = open_loop(p);
	if (rc < 0)
		return rc;
	harden();
	return seat_ready(&p->seat);
}

/* ---- what happens ---------------------------------------------------------------------------- */

static void for_all(struct program *p, void (*what)(struct unit *u)) {
	for (unsigned i = 0; i < p->count; i++)
		what(&p->units[i]);
}

static void quit(struct program *p) {
	if (p->quitting)
		return;
	p->quitting = true;
	p->quit_by_ns = clock_mono().ns + QUIT_NS;
	for_all(p, unit_quit);
}

/* A new core begins to count anew; whatever the old one was doing is over. */
static void look_for_core(struct program *p) {
	const struct segment *core = peers_get(&p->seat.peers, p->seat.plan->core);
	if (!core || core->epoch == p->core_epoch)
		return;
	if (p->core_epoch == 0) /* it is we who are new; a stop that was asked meanwhile waits at the door */
		for_all(p, unit_skip_commands);
	p->core_epoch = core->epoch;
	for_all(p, unit_core_started);
}

/* What is closed here may be open elsewhere (a door is, in the parent), and the epoll would remember it. */
static void replace(struct program *p, int *at, int fd, enum source source) {
	if (*at >= 0)
		(void)epoll_ctl(p->epoll, EPOLL_CTL_DEL, *at, NULL);
	io_close(at);
	if (watch(p, fd, source, 0) < 0)
		io_close(&fd);
	*at = fd;
}

static void on_event(struct program *p, struct seat_event *e) {
	if (e->kind == SEAT_EVENT_QUIT)
		quit(p);
	else if (e->kind == SEAT_EVENT_PEER)
		look_for_core(p);
	else if (e->kind == SEAT_EVENT_CHANNEL && e->process == p->seat.plan->core)
		replace(p, &p->bell, e->fd, ON_BELL);
	else if (e->kind == SEAT_EVENT_DOOR && e->door == SEAT_DOOR_STOP)
		replace(p, &p->door, e->fd, ON_DOOR);
	else
		io_close(&e->fd);
}

static void on_seat(struct program *p) {
	struct seat_event e;
	int rc;
	while ((rc = seat_handle(&p->seat, &e)) > 0)
		on_event(p, &e);
	if (rc == 0)
		return;
	log_warn("the parent is gone: %s", err_text(rc));
	(void)epoll_ctl(p->epoll, EPOLL_CTL_DEL, seat_fd(&p->seat), NULL);
	quit(p);
}

/* Core rings so that we look now; what it rings with has no meaning.  Its end has. */
static void on_bell(struct program *p) {
	char any[CALLER_MESSAGE_MAX];
	for (int i = 0; p->bell >= 0 && i < BELLS_PER_CALL; i++) {
		ssize_t n = io_receive(p->bell, any, sizeof(any), NULL, NULL, MSG_DONTWAIT);
		if (n == -EAGAIN)
			return;
		if (n > 0 || n == -E2BIG)
			continue;
		io_close(&p->bell);
		for_all(p, unit_core_lost);
		return;
	}
}

/* ---- the stop door --------------------------------------------------------------------------- */

/* Whoever asked for a stop hears so when every bus has it: now, or after one of the next steps. */
static void answer_callers(struct program *p) {
	bool said = true;
	for (unsigned i = 0; i < p->count; i++)
		said &= unit_stop_is_said(&p->units[i]);
	for (unsigned i = 0; said && i < CALLERS_MAX; i++) {
		if (p->callers[i] < 0 || !p->waits[i])
			continue;
		(void)!io_send(p->callers[i], "", 1, NULL, 0, MSG_DONTWAIT);
		io_close(&p->callers[i]);
	}
}

static void on_caller(struct program *p, unsigned i) {
	char reason[CALLER_MESSAGE_MAX];
	if (p->callers[i] < 0 || p->waits[i])
		return; /* served already, in this very round */
	ssize_t n = io_receive(p->callers[i], reason, CALLER_MESSAGE_MAX, NULL, NULL, MSG_DONTWAIT);
	if (n == -EAGAIN)
		return;
	if (n > 0 || n == -E2BIG) {
		for_all(p, unit_stop);
		log_warn("emergency stop");
		(void)epoll_ctl(p->epoll, EPOLL_CTL_DEL, p->callers[i], NULL); /* it has nothing more to say */
		p->waits[i] = true;
		answer_callers(p);
	} else
		io_close(&p->callers[i]);
}

/* Places are given in turn: whoever says nothing makes place for the eighth after him, so the door is never shut. */
static void on_door(struct program *p) {
	int fd = io_accept(p->door);
	if (fd < 0)
		return;
	unsigned i = p->next_caller++ % CALLERS_MAX;
	io_close(&p->callers[i]);
	p->callers[i] = fd;
	p->waits[i] = false;
	if (watch(p, fd, ON_CALLER, i) < 0)
		log_warn("a caller at the stop door cannot be watched");
	on_caller(p, i); /* most have spoken already */
}

/* ---- the loop -------------------------------------------------------------------------------- */

static void handle(struct program *p, enum source source, unsigned index) {
	switch (source) {
	case ON_TICK:
		(void)io_timer_read(p->tick);
		break;
	case ON_SEAT:
		on_seat(p);
		break;
	case ON_BELL:
		on_bell(p);
		break;
	case ON_DOOR:
		on_door(p);
		break;
	case ON_CALLER:
		on_caller(p, index);
		break;
	case ON_BUS:
		break; /* every step listens */
	}
}

static bool is_over(const struct program *p) {
	bool settled = true;
	for (unsigned i = 0; i < p->count; i++)
		settled &= guard_is_settled(&p->units[i].guard);
	return p->quitting && (settled || clock_mono().ns >= p->quit_by_ns);
}

static void run(struct program *p) {
	struct epoll_event events[UNITS_MAX + CALLERS_MAX + 4];
	while (!is_over(p)) {
		int n = epoll_wait(p->epoll, events, COUNT_OF(events), -1);
		CHECK(n >= 0 || errno == EINTR);
		for (int i = 0; i < n; i++)
			handle(p, (enum source)(uint32_t)events[i].data.u64, (unsigned)(events[i].data.u64 >> 32));
		for_all(p, unit_step);
		answer_callers(p);
	}
}

int main(void) {
	static const int ignored[] = { SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGPIPE };
	static struct program p = { .epoll = -1, .tick = -1, .bell = -1, .door = -1 };
	static struct cdm_diag diag;
	for (size_t i = 0; i < COUNT_OF(ignored); i++)
		signal(ignored[i], SIG_IGN);
	for (unsigned i = 0; i < CALLERS_MAX; i++)
		p.callers[i] = -1;
	log_init("guard");
	int rc = seat_open_inherited(&p.seat, &diag);
	if (rc == 0)
		rc = start(&p, &diag);
	if (rc < 0) {
		log_error("%s", diag.count ? diag.at[0].text : err_text(rc));
		seat_failed(&p.seat, "%s", diag.count ? diag.at[0].text : err_text(rc));
		return 1;
	}
	seat_log(&p.seat);
	frozen_begin();
	run(&p);
	frozen_end();
	for_all(&p, unit_close);
	seat_close(&p.seat);
	return 0;
}
