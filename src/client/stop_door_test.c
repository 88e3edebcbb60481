/* stop_door_test.c - a guard that answers, one that hangs up, one that says nothing, and none. */
#include "client/stop_door.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "base/io.h"
#include "client/run_dir.h"
#include "cadmus/types.h"

static char base[] = "/tmp/cadmus-stop-XXXXXX";

static int door_of(const char *machine, char path[RUN_DIR_PATH_MAX]) {
	char dir[RUN_DIR_PATH_MAX];
	CHECK(run_dir_make(machine, dir) == 0 && run_dir_path(machine, RUN_DIR_STOP, path) == 0);
	int listener = io_listen(path);
	CHECK(listener >= 0);
	return listener;
}

static void await(int fd) {
	struct pollfd p = { .fd = fd, .events = POLLIN };
	CHECK(poll(&p, 1, 20000) == 1);
}

struct guard {
	int door;
	bool confirms; /* else it hangs up */
};

static void *guard_once(void *arg) {
	const struct guard *g = arg;
	char said[16];
	await(g->door);
	int fd = io_accept(g->door);
	CHECK(fd >= 0);
	await(fd);
	CHECK(io_receive(fd, said, sizeof(said), NULL, NULL, 0) > 0);
	CHECK(!g->confirms || io_send(fd, "", 1, NULL, 0, 0) == 0);
	io_close(&fd);
	return NULL;
}

static int stop_at(const char *path, int timeout_ms) {
	struct stop_door door = { .path = path, .owner = getuid() };
	stop_door_all(&door, 1, timeout_ms);
	return door.rc;
}

static int stop_with(const char *path, int door, bool confirms) {
	struct guard g = { door, confirms };
	pthread_t thread;
	CHECK(pthread_create(&thread, NULL, guard_once, &g) == 0);
	int rc = stop_at(path, 20000);
	CHECK(pthread_join(thread, NULL) == 0);
	return rc;
}

static void knocks(void) {
	char path[RUN_DIR_PATH_MAX];
	int door = door_of("robot", path);
	CHECK(stop_with(path, door, true) == 0);
	CHECK(stop_with(path, door, false) == -EPIPE);
	CHECK(stop_at(path, 1) == -ETIMEDOUT);
	io_close(&door);
	CHECK(stop_at(path, 20000) == -ECONNREFUSED && unlink(path) == 0 && stop_at(path, 20000) == -ENOENT);
}

static bool holds(const struct run_dir_doors *d, const char *path) {
	unsigned times = 0;
	for (size_t i = 0; i < d->count; i++)
		times += strcmp(d->at[i].path, path) == 0 && d->at[i].owner == getuid();
	CHECK(times <= 1);
	return times == 1;
}

/* Search for the doors of `machine`: how many there are, and whether `path` (NULL: whatever) is one of them. */
static size_t found(const char *machine, const char *path) {
	struct run_dir_doors d;
	CHECK(run_dir_search(machine, RUN_DIR_STOP, &d) == 0);
	size_t n = d.count;
	CHECK(!path || holds(&d, path));
	free(d.at);
	return n;
}

/* Stand in the queue before a door until it is full; how many we are. */
static unsigned fill_queue(const char *path, int *out, unsigned max) {
	unsigned n = 0;
	int fd;
	while (n < max && (fd = io_connect(path)) >= 0) {
		CHECK(io_send(fd, "x", 1, NULL, 0, 0) == 0);
		out[n++] = fd;
	}
	CHECK(n < max && fd == -EAGAIN);
	return n;
}

/* Hang up on those of fill_queue() until somebody comes with another message, and confirm that. */
static void confirm_next(int door) {
	char said[16];
	ssize_t n;
	do {
		await(door);
		int fd = io_accept(door);
		CHECK(fd >= 0);
		await(fd);
		n = io_receive(fd, said, sizeof(said), NULL, NULL, 0);
		CHECK(n > 0 && (n == 1 || io_send(fd, "", 1, NULL, 0, 0) == 0));
		io_close(&fd);
	} while (n == 1);
}

/* The guard behind the full door makes room only when the one behind the other has got the stop. */
static void *guard_both(void *doors) {
	confirm_next(((int *)doors)[1]);
	confirm_next(((int *)doors)[0]);
	return NULL;
}

static void one_full_queue_delays_nobody(void) {
	char full[RUN_DIR_PATH_MAX], open[RUN_DIR_PATH_MAX], gone[RUN_DIR_PATH_MAX];
	int listeners[] = { door_of("a", full), door_of("b", open), door_of("c", gone) }, in_queue[1024];
	struct stop_door doors[] = { { .path = full, .owner = getuid() }, { .path = open, .owner = getuid() },
		{ .path = gone, .owner = getuid() } };
	pthread_t guards;
	io_close(&listeners[2]);
	unsigned n = fill_queue(full, in_queue, COUNT_OF(in_queue));
	CHECK(pthread_create(&guards, NULL, guard_both, listeners) == 0);
	stop_door_all(doors, COUNT_OF(doors), 20000);
	CHECK(doors[0].rc == 0 && doors[1].rc == 0 && doors[2].rc == -ECONNREFUSED);
	CHECK(pthread_join(guards, NULL) == 0);
	while (n > 0)
		io_close(&in_queue[--n]);
	n = fill_queue(full, in_queue, COUNT_OF(in_queue));
	stop_door_all(doors, 2, 1); /* nobody takes anybody in: one has not heard us, one does not answer */
	CHECK(doors[0].rc == -EAGAIN && doors[1].rc == -ETIMEDOUT);
	while (n > 0)
		io_close(&in_queue[--n]);
	doors[1].owner = getuid() + 1;
	if (getuid() != 0) { /* root may listen anywhere */
		stop_door_all(&doors[1], 1, 20000);
		CHECK(doors[1].rc == -EACCES);
	}
	io_close(&listeners[0]);
	io_close(&listeners[1]);
	CHECK(unlink(full) == 0 && unlink(open) == 0 && unlink(gone) == 0);
}

/* A machine that was started with one setting is found with another. */
static void finds_machines(void) {
	char one[RUN_DIR_PATH_MAX], two[RUN_DIR_PATH_MAX], name[CDM_NAME_MAX];
	int doors[] = { door_of("a", one), door_of("b.c", two) };
	CHECK(found(NULL, one) == 2 && found(NULL, two) == 2);
	CHECK(found("a", one) == 1 && found("*", NULL) == 0 && found("z", NULL) == 0);
	run_dir_machine(two, name);
	CHECK(strcmp(name, "b.c") == 0);
	run_dir_machine("nothing", name);
	CHECK(name[0] == 0);
	for (unsigned i = 0; i < 2; i++)
		io_close(&doors[i]);
	unsetenv("CADMUS_RUN_DIR");
	setenv("XDG_RUNTIME_DIR", base, 1);
	int door = door_of("robot", one);
	CHECK(found("robot", one) >= 1);
	io_close(&door);
	unsetenv("XDG_RUNTIME_DIR");
	snprintf(name, sizeof(name), "stop-test-%d", (int)getpid());
	door = door_of(name, one); /* in /tmp */
	setenv("XDG_RUNTIME_DIR", base, 1);
	CHECK(found(name, one) == 1);
	setenv("XDG_RUNTIME_DIR", "/tmp", 1);
	CHECK(found(name, one) == 1);
	io_close(&door);
	CHECK(unlink(one) == 0);
	*strrchr(one, '/') = 0;
	CHECK(rmdir(one) == 0);
}

/* As many as there are: each of them may be the one that moves. */
static void finds_them_all(void) {
	char path[RUN_DIR_PATH_MAX], name[CDM_NAME_MAX];
	snprintf(path, sizeof(path), "%s/many", base);
	setenv("CADMUS_RUN_DIR", path, 1);
	for (unsigned i = 0; i < 100; i++) {
		snprintf(name, sizeof(name), "many-%u", i);
		int door = door_of(name, path);
		io_close(&door);
		CHECK(found(NULL, path) == i + 1);
	}
}

int main(void) {
	char command[64];
	CHECK(mkdtemp(base));
	setenv("CADMUS_RUN_DIR", base, 1);
	unsetenv("XDG_RUNTIME_DIR");
	knocks();
	one_full_queue_delays_nobody();
	finds_machines();
	finds_them_all();
	snprintf(command, sizeof(command), "rm -r %s", base);
	CHECK(system(command) == 0);
	puts("stop_door_test: ok");
}
