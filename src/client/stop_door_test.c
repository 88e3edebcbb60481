/* stop_door_test.c - a guard that answers, one that hangs up, one that says nothing, and none. */
#include "client/stop_door.h"

#include <errno.h>
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

static void knocks(void) {
	char path[RUN_DIR_PATH_MAX], said[16];
	int door = door_of("robot", path);
	int fd = stop_door_knock(path), guard = io_accept(door);
	CHECK(fd >= 0 && guard >= 0 && io_receive(guard, said, sizeof(said), NULL, NULL, 0) > 0);
	CHECK(io_send(guard, "", 1, NULL, 0, 0) == 0 && stop_door_wait(&fd, 5000) == 0 && fd == -1);
	io_close(&guard);
	fd = stop_door_knock(path), guard = io_accept(door);
	io_close(&guard);
	CHECK(stop_door_wait(&fd, 5000) == -EPIPE && fd == -1);
	fd = stop_door_knock(path), guard = io_accept(door);
	CHECK(stop_door_wait(&fd, 1) == -ETIMEDOUT && fd == -1);
	io_close(&guard);
	io_close(&door);
	CHECK(stop_door_knock(path) == -ECONNREFUSED && unlink(path) == 0 && stop_door_knock(path) == -ENOENT);
}

static bool holds(char (*paths)[RUN_DIR_PATH_MAX], unsigned n, const char *path) {
	unsigned times = 0;
	for (unsigned i = 0; i < n; i++)
		times += strcmp(paths[i], path) == 0;
	CHECK(times <= 1);
	return times == 1;
}

/* A full queue is waited for; whoever is taken from it makes place. */
static void waits_in_the_queue(void) {
	char path[RUN_DIR_PATH_MAX];
	int door = door_of("robot", path), in_queue[1024], fd;
	unsigned n = 0;
	while (n < COUNT_OF(in_queue) && (fd = io_connect(path)) >= 0)
		in_queue[n++] = fd;
	CHECK(n < COUNT_OF(in_queue) && fd == -EAGAIN && stop_door_knock(path) == -EAGAIN);
	int taken = io_accept(door);
	fd = stop_door_knock(path);
	CHECK(taken >= 0 && fd >= 0);
	io_close(&taken);
	io_close(&fd);
	while (n > 0)
		io_close(&in_queue[--n]);
	io_close(&door);
	CHECK(unlink(path) == 0);
}

/* A machine that was started with one setting is found with another. */
static void finds_machines(void) {
	char paths[64][RUN_DIR_PATH_MAX], one[RUN_DIR_PATH_MAX], two[RUN_DIR_PATH_MAX], name[CDM_NAME_MAX];
	int doors[] = { door_of("a", one), door_of("b.c", two) };
	unsigned n = run_dir_search(NULL, RUN_DIR_STOP, paths, 64);
	CHECK(n == 2 && holds(paths, n, one) && holds(paths, n, two));
	CHECK(run_dir_search("a", RUN_DIR_STOP, paths, 64) == 1 && strcmp(paths[0], one) == 0);
	CHECK(run_dir_search("*", RUN_DIR_STOP, paths, 64) == 0 && run_dir_search("z", RUN_DIR_STOP, paths, 64) == 0);
	CHECK(run_dir_search(NULL, RUN_DIR_STOP, paths, 1) == 1);
	run_dir_machine(two, name);
	CHECK(strcmp(name, "b.c") == 0);
	run_dir_machine("nothing", name);
	CHECK(name[0] == 0);
	for (unsigned i = 0; i < 2; i++)
		io_close(&doors[i]);
	unsetenv("CADMUS_RUN_DIR");
	setenv("XDG_RUNTIME_DIR", base, 1);
	int door = door_of("robot", one);
	CHECK(holds(paths, run_dir_search("robot", RUN_DIR_STOP, paths, 64), one));
	io_close(&door);
	unsetenv("XDG_RUNTIME_DIR");
	snprintf(name, sizeof(name), "stop-test-%d", (int)getpid());
	door = door_of(name, one); /* in /tmp */
	setenv("XDG_RUNTIME_DIR", base, 1);
	CHECK(run_dir_search(name, RUN_DIR_STOP, paths, 64) == 1 && strcmp(paths[0], one) == 0);
	io_close(&door);
	CHECK(unlink(one) == 0);
	*strrchr(one, '/') = 0;
	CHECK(rmdir(one) == 0);
}

int main(void) {
	char command[64];
	CHECK(mkdtemp(base));
	setenv("CADMUS_RUN_DIR", base, 1);
	unsetenv("XDG_RUNTIME_DIR");
	knocks();
	waits_in_the_queue();
	finds_machines();
	snprintf(command, sizeof(command), "rm -r %s", base);
	CHECK(system(command) == 0);
	puts("stop_door_test: ok");
}
