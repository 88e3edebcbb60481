/*
 * children_test.c - the life of processes: start, death, back-off, patience, being left alone, clients' seats.
 *
 * The processes are real: this program again, which finds a seat in its environment and then does what CHILD_DOES
 * says, and tells what it hears through a pipe that all of them inherit.  The test is the parent.  Time that passes
 * between tries is ours: children_tick() is told what time it is.
 */
#include "runtime/children.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>
#include "base/io.h"
#include "test/lib/leaks.h"
#include "test/lib/plan_builder.h"

enum { CORE, GUARD, CAMERA, PARROT, GUEST, PROCESSES };

#define PATIENCE_MS 20000
#define SAYS "CHILD_SAYS"
#define DOES "CHILD_DOES"

/* ---- the child ---- */

static void tell(const struct seat *s, const char *what, unsigned number) {
	char line[64];
	int n = snprintf(line, sizeof(line), "%s %s %u\n", seat_process(s)->name, what, number);
	CHECK(write(atoi(getenv(SAYS)), line, (size_t)n) == n);
}

/* What core keeps for the parent after us: nobody follows here. */
static void drop(struct seat_event *e) {
	for (unsigned i = 0; i < e->kept_count; i++)
		io_close(&e->kept[i]);
}

static void hear(struct seat *s) {
	struct pollfd p = { .fd = seat_fd(s), .events = POLLIN };
	struct seat_event e;
	for (;;) {
		int rc = seat_handle(s, &e);
		if (rc < 0)
			exit(9); /* the parent is gone */
		if (rc == 0) {
			poll(&p, 1, -1);
			continue;
		}
		if (e.kind == SEAT_EVENT_QUIT)
			exit(0);
		if (e.kind == SEAT_EVENT_PEER)
			tell(s, "peer", e.process);
		else if (e.kind == SEAT_EVENT_KEEP || e.kind == SEAT_EVENT_KEEP_DOORS)
			drop(&e);
		else
			tell(s, e.kind == SEAT_EVENT_DOOR ? "door"
					: e.kind == SEAT_EVENT_CHANNEL ? "channel" : "stopped",
					e.kind == SEAT_EVENT_DOOR ? e.door : e.process);
		io_close(&e.fd);
	}
}

static int be_child(void) {
	struct seat s;
	const char *does = getenv(DOES);
	signal(SIGTERM, SIG_IGN); /* what ends us must be stronger */
	if (strcmp(does, "die") == 0)
		return 3;
	if (seat_open_inherited(&s, NULL) < 0)
		return 4;
	if (strcmp(does, "fail") == 0) {
		seat_failed(&s, "no %s here", seat_process(&s)->name);
		seat_close(&s);
		return 1;
	}
	if (seat_ready(&s) < 0)
		return 5;
	while (strcmp(does, "be deaf") == 0)
		pause();
	hear(&s);
	return 6;
}

/* ---- the parent ---- */

static struct plan *plan;
static int plan_fd, door, says[2];
static struct children c;
static char heard[1 << 16]; /* what children told since it was looked for last */

static void does(const char *what) {
	CHECK(setenv(DOES, what, 1) == 0);
}

static void fresh(void) {
	static struct plan_builder b;
	char number[16];
	plan_builder_begin(&b, "robot");
	CHECK(plan_builder_process(&b, "camera", PLAN_HOST, 0) == CAMERA);
	CHECK(plan_builder_process(&b, "parrot", PLAN_WORKER, 0) == PARROT);
	CHECK(plan_builder_process(&b, "guest", PLAN_CLIENT, 0) == GUEST);
	for (unsigned p = 0; p < GUEST; p++)
		b.processes[p].start = b.processes[p].restart = 1;
	plan = plan_builder_finish(&b);
	plan_fd = seat_plan_file(plan);
	door = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	CHECK(plan_fd >= 0 && door >= 0 && pipe(says) == 0);
	snprintf(number, sizeof(number), "%d", says[1]);
	CHECK(setenv(SAYS, number, 1) == 0);
	CHECK(children_init(&c, plan, plan_fd, (int[DOORS_COUNT]){ door, door, door }, -1) == 0);
	does("live");
	heard[0] = 0;
}

static const struct child *child(uint16_t p) {
	return &c.at[p];
}

static enum directory_state state(uint16_t p) {
	return directory_get(&c.directory, p).state;
}

/* Its next message. */
static struct seat_message message(uint16_t p) {
	struct pollfd f = { .fd = child(p)->socket, .events = POLLIN };
	struct seat_message m;
	int fds[SEAT_FDS_MAX];
	unsigned n;
	CHECK(poll(&f, 1, PATIENCE_MS) == 1 && seat_receive(f.fd, &m, fds, &n) == 1 && n == 0);
	return m;
}

static bool old; /* who dies now has lived for long; else not, however slow this computer is */

/* Wait until its process has ended, and take note. */
static void died(uint16_t p) {
	struct pollfd f = { .fd = child(p)->pidfd, .events = POLLIN };
	CHECK(poll(&f, 1, PATIENCE_MS) == 1);
	c.at[p].started.ns = clock_mono().ns - (old ? 2 * CHILDREN_QUICK_NS : 0);
	children_died(&c, p);
	CHECK(child(p)->state == CHILD_FREE && child(p)->pid == 0 && child(p)->socket == -1 && child(p)->pidfd == -1);
}

static void start(uint16_t p) {
	uint32_t epoch = child(p)->epoch;
	CHECK(children_start(&c, p) == 0);
	CHECK(child(p)->state == CHILD_STARTING && state(p) == DIRECTORY_STARTING && child(p)->epoch == epoch + 1);
	CHECK(directory_get(&c.directory, p).pid == child(p)->pid);
}

static void live(uint16_t p) {
	CHECK(message(p).kind == SEAT_READY && children_ready(&c, p) == 0);
	CHECK(child(p)->state == CHILD_LIVE && state(p) == DIRECTORY_LIVE);
}

static void end(uint16_t p) {
	children_end(&c, p);
	if (child(p)->state != CHILD_FREE)
		died(p);
	CHECK(!child(p)->wanted);
}

static void over(void) {
	for (uint16_t p = 0; p < PROCESSES; p++)
		end(p);
	CHECK(children_next_ns(&c, clock_mono()) == -1);
	children_fini(&c);
	io_close(&plan_fd);
	io_close(&door);
	io_close(&says[0]);
	io_close(&says[1]);
	free(plan);
}

/* A child tells this line, sooner or later. */
static void until(const char *line) {
	char *at;
	while (!(at = strstr(heard, line))) {
		struct pollfd f = { .fd = says[0], .events = POLLIN };
		size_t have = strlen(heard);
		CHECK(have < sizeof(heard) - 1);
		if (poll(&f, 1, PATIENCE_MS) != 1) {
			fprintf(stderr, "waited in vain for: %safter: %s", line, heard);
			CHECK(false);
		}
		ssize_t n = read(says[0], heard + have, sizeof(heard) - 1 - have);
		CHECK(n > 0);
		heard[have + (size_t)n] = 0;
	}
	memmove(at, at + strlen(line), strlen(at + strlen(line)) + 1);
}

/* ---- the story ---- */

static void lives_and_ends_in_good_order(void) {
	fresh();
	start(CAMERA);
	live(CAMERA);
	CHECK(children_ready(&c, CAMERA) == -EPROTO); /* once */
	children_died(&c, CAMERA);                    /* it lives: nothing happens */
	CHECK(child(CAMERA)->state == CHILD_LIVE);
	children_end(&c, CAMERA);
	CHECK(child(CAMERA)->state == CHILD_ENDING && children_next_ns(&c, clock_mono()) > 0);
	children_end(&c, CAMERA); /* as good as once */
	died(CAMERA);
	CHECK(state(CAMERA) == DIRECTORY_STOPPED && !child(CAMERA)->wanted);
	children_died(&c, CAMERA);
	children_tick(&c, (struct cdm_mono){ INT64_MAX });
	CHECK(child(CAMERA)->state == CHILD_FREE);
	over();
}

/* Ready is who has frozen its memory, whatever else it says. */
static void believes_no_ready_without_frozen_memory(void) {
	fresh();
	does("fail");
	start(CAMERA);
	CHECK(children_ready(&c, CAMERA) == -EPROTO || segment_is_frozen(plan, CAMERA, &child(CAMERA)->segment));
	struct seat_message m = message(CAMERA);
	CHECK(m.kind == SEAT_FAILED && strcmp(m.text, "no camera here") == 0);
	died(CAMERA);
	CHECK(state(CAMERA) == DIRECTORY_DEAD && child(CAMERA)->wanted);
	CHECK(children_ready(&c, CAMERA) == -EPROTO);
	over();
}

static void tells_who_is_there(void) {
	fresh();
	start(PARROT);
	live(PARROT);
	start(CAMERA);
	live(CAMERA);
	until("parrot peer 2\n");
	start(GUARD);
	live(GUARD);
	until("guard door 2\n");
	start(CORE);
	live(CORE);
	until("core door 1\n");
	until("core channel 1\n"); /* of those that were there before it */
	until("core channel 3\n");
	until("guard channel 0\n");
	until("parrot channel 0\n");
	children_doors(&c, (int[DOORS_COUNT]){ door, door, door });
	until("guard door 2\n");
	until("core door 1\n");
	children_end(&c, PARROT);
	died(PARROT);
	until("core stopped 3\n");
	children_end(&c, PARROT); /* once more: core hears nothing new */
	start(PARROT);
	until("core channel 3\n"); /* before it is ready, so that core hears of any end */
	live(PARROT);
	until("core peer 3\n");
	CHECK(!strstr(heard, "core stopped"));
	over();
}

/* A door that is made anew while nobody sits behind it goes to the next one. */
static void keeps_a_door_for_the_next(void) {
	fresh();
	children_doors(&c, (int[DOORS_COUNT]){ plan_fd, plan_fd, plan_fd }); /* any descriptor will do */
	start(CORE);
	children_doors(&c, (int[DOORS_COUNT]){ door, door, door }); /* nor is it live yet */
	live(CORE);
	until("core door 1\n");
	CHECK(child(CORE)->has_doors && c.doors[DOORS_CONTROL] == door && !strstr(heard, "door"));
	over();
}

/* Kill it, and see when it is to be started again: `wait_ns` after its death. */
static void dies_and_waits(uint16_t p, int64_t wait_ns) {
	CHECK(kill(child(p)->pid, SIGKILL) == 0);
	int64_t before = clock_mono().ns;
	died(p);
	int64_t after = clock_mono().ns, at = child(p)->retry_at_ns;
	CHECK(state(p) == DIRECTORY_DEAD && child(p)->wanted && !child(p)->hopeless);
	CHECK(at >= before + wait_ns && at <= after + wait_ns);
	CHECK(children_next_ns(&c, (struct cdm_mono){ at - 5 }) == 5);
	CHECK(children_next_ns(&c, (struct cdm_mono){ at + 5 }) == 0);
	children_tick(&c, (struct cdm_mono){ at - 1 });
	CHECK(child(p)->state == CHILD_FREE);
	children_tick(&c, (struct cdm_mono){ at });
	CHECK(child(p)->state == CHILD_STARTING);
	live(p);
}

static void comes_back_later_and_later(void) {
	static const int64_t waits_ms[] = { 0, 100, 200, 400, 800 };
	fresh();
	start(PARROT);
	live(PARROT);
	for (size_t i = 0; i < COUNT_OF(waits_ms); i++)
		dies_and_waits(PARROT, waits_ms[i] * NS_PER_MS);
	CHECK(child(PARROT)->epoch == 6);
	old = true;
	dies_and_waits(PARROT, 0);
	old = false;
	dies_and_waits(PARROT, 0);
	dies_and_waits(PARROT, 100 * NS_PER_MS);
	over();
}

static void is_left_alone_at_last(void) {
	fresh();
	start(CORE);
	live(CORE);
	does("die");
	start(PARROT);
	for (unsigned i = 1; i < CHILDREN_GIVE_UP; i++) {
		died(PARROT);
		children_tick(&c, (struct cdm_mono){ child(PARROT)->retry_at_ns });
	}
	died(PARROT);
	CHECK(child(PARROT)->hopeless && !child(PARROT)->wanted && state(PARROT) == DIRECTORY_DEAD);
	until("core stopped 3\n");
	CHECK(children_next_ns(&c, clock_mono()) == -1);
	children_tick(&c, (struct cdm_mono){ INT64_MAX });
	CHECK(child(PARROT)->state == CHILD_FREE);
	does("live");
	children_ask(&c, PARROT); /* somebody wants it after all */
	CHECK(!child(PARROT)->hopeless && child(PARROT)->wanted);
	live(PARROT);
	dies_and_waits(PARROT, 0); /* what was before counts no more */
	children_ask(&c, PARROT); /* it is there */
	CHECK(child(PARROT)->state == CHILD_LIVE);
	children_end(&c, PARROT);
	children_ask(&c, PARROT); /* core changes its mind while it ends: it comes back at once */
	died(PARROT);
	CHECK(state(PARROT) == DIRECTORY_STOPPED && child(PARROT)->retry_at_ns > 0);
	children_tick(&c, (struct cdm_mono){ child(PARROT)->retry_at_ns });
	live(PARROT);
	over();
}

/* Who does not end when asked is killed, and not a moment before its patience is over. */
static void is_killed_when_patience_ends(bool stopped) {
	fresh();
	does(stopped ? "live" : "be deaf");
	start(CAMERA);
	live(CAMERA);
	if (stopped)
		CHECK(kill(child(CAMERA)->pid, SIGSTOP) == 0);
	int64_t before = clock_mono().ns;
	children_end(&c, CAMERA);
	int64_t by = child(CAMERA)->end_by_ns;
	CHECK(by >= before + CHILDREN_PATIENCE_NS && by <= clock_mono().ns + CHILDREN_PATIENCE_NS);
	CHECK(children_next_ns(&c, (struct cdm_mono){ by - 7 }) == 7);
	children_tick(&c, (struct cdm_mono){ by - 1 });
	children_died(&c, CAMERA);
	CHECK(child(CAMERA)->state == CHILD_ENDING && child(CAMERA)->end_by_ns == by);
	children_tick(&c, (struct cdm_mono){ by });
	CHECK(child(CAMERA)->end_by_ns == 0 && children_next_ns(&c, (struct cdm_mono){ by }) == -1); /* once */
	died(CAMERA);
	CHECK(state(CAMERA) == DIRECTORY_STOPPED);
	over();
}

/* One that is stopped reads nothing, and its socket fills up; awake again, it hears what it missed. */
static void catches_up(void) {
	fresh();
	start(CORE);
	live(CORE);
	start(CAMERA);
	live(CAMERA);
	until("core peer 2\n");
	CHECK(kill(child(CORE)->pid, SIGSTOP) == 0);
	for (int i = 0; i < 10000 && !child(CORE)->behind; i++)
		children_doors(&c, (int[DOORS_COUNT]){ door, door, door });
	CHECK(child(CORE)->behind && !child(CORE)->has_doors);
	dies_and_waits(CAMERA, 0); /* nobody else waits for it */
	CHECK(kill(child(CORE)->pid, SIGCONT) == 0);
	until("core door 1\n"); /* it reads again */
	for (int i = 0; i < 10000 && child(CORE)->behind; i++) {
		children_catch_up(&c, CORE);
		if (child(CORE)->behind)
			until("core door 1\n");
	}
	CHECK(!child(CORE)->behind && child(CORE)->has_doors);
	until("core peer 2\n");
	over();
}

/* A hand-over that fails is told, and leaves nothing open but the memory that the next start replaces. */
static void cannot_be_greeted(void) {
	fresh();
	c.plan_fd = -1;
	unsigned files = open_files();
	c.at[PARROT].wanted = true;
	CHECK(setenv(SEAT_ENV, "left from somebody else", 1) == 0); /* ours replaces it */
	start(PARROT);
	CHECK(unsetenv(SEAT_ENV) == 0);
	CHECK(kill(child(PARROT)->pid, SIGKILL) == 0);
	died(PARROT);
	CHECK(open_files() == files + 1); /* its last memory */
	over();
}

static int come(int *fd) {
	int pair[2];
	CHECK(io_pair(pair) == 0);
	*fd = pair[0];
	int p = children_free_seat(&c);
	if (p < 0)
		close(pair[1]);
	else
		CHECK(children_seat(&c, (uint16_t)p, pair[1], getpid()) == 0);
	return p;
}

/* One seat for clients: it is had by one at a time, and each has memory and an epoch of its own. */
static void seats_clients(void) {
	int first, second;
	fresh();
	start(CAMERA);
	live(CAMERA);
	CHECK(come(&first) == GUEST && state(GUEST) == DIRECTORY_STARTING && child(GUEST)->epoch == 1);
	CHECK(come(&second) == -EBUSY);
	io_close(&second);
	io_close(&first);
	children_died(&c, GUEST);
	CHECK(state(GUEST) == DIRECTORY_FREE && !child(GUEST)->wanted);
	int pair[2];
	CHECK(io_pair(pair) == 0);
	io_close(&pair[0]); /* hung up before it was greeted */
	CHECK(children_seat(&c, GUEST, pair[1], getpid()) == -EPIPE && state(GUEST) == DIRECTORY_FREE);
	io_close(&pair[1]);
	CHECK(come(&second) == GUEST && child(GUEST)->epoch == 3);
	c.at[GUEST].state = CHILD_LIVE;
	directory_set(&c.directory, GUEST, DIRECTORY_LIVE, clock_mono());
	children_end(&c, GUEST); /* what it borrowed stays borrowed until the kernel says that it is gone */
	struct seat_message m;
	int fds[SEAT_FDS_MAX];
	unsigned n = 0;
	CHECK(seat_receive(second, &m, fds, &n) == 1 && m.kind == SEAT_HELLO);
	for (unsigned i = 0; i < n; i++)
		close(fds[i]);
	while (seat_receive(second, &m, fds, &n) == 1 && (m.kind == SEAT_PEER || m.kind == SEAT_ALL))
		for (unsigned i = 0; i < n; i++)
			close(fds[i]);
	CHECK(m.kind == SEAT_QUIT && seat_receive(second, &m, fds, &n) == -EPIPE);
	CHECK(child(GUEST)->state == CHILD_ENDING && state(GUEST) == DIRECTORY_LIVE && child(GUEST)->pidfd >= 0);
	CHECK(children_next_ns(&c, clock_mono()) == -1); /* nobody waits for it, nor kills it */
	children_died(&c, GUEST);
	CHECK(state(GUEST) == DIRECTORY_FREE);
	io_close(&second);
	over();
}

int main(int argc, char **argv) {
	char folder[64], command[512];
	(void)argc;
	if (getenv(SEAT_ENV))
		return be_child();
	signal(SIGPIPE, SIG_IGN);
	snprintf(folder, sizeof(folder), "/tmp/children_test.%d", (int)getpid());
	snprintf(command, sizeof(command), "mkdir %s && ln -s \"$(realpath '%s')\" %s/cadmusd && "
			"ln -s cadmusd %s/cadmus-core && ln -s cadmusd %s/cadmus-guard",
			folder, argv[0], folder, folder, folder);
	CHECK(system(command) == 0 && setenv("CADMUS_LIBEXEC", folder, 1) == 0);
	unsigned files = open_files();
	lives_and_ends_in_good_order();
	believes_no_ready_without_frozen_memory();
	tells_who_is_there();
	keeps_a_door_for_the_next();
	comes_back_later_and_later();
	is_left_alone_at_last();
	is_killed_when_patience_ends(false);
	is_killed_when_patience_ends(true);
	catches_up();
	cannot_be_greeted();
	seats_clients();
	CHECK(open_files() == files);
	snprintf(command, sizeof(command), "rm -r %s", folder);
	CHECK(system(command) == 0);
	puts("children_test: ok");
	return 0;
}
