/* io_test.c - sockets with descriptors, sealed memory, process handles: the real ones. */
#include "base/io.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>
#include "base/clock.h"
#include "base/err.h"
#include "base/hash.h"

static void carries_whole_messages_and_descriptors(void) {
	int pair[2], got[2], memory = io_memory("test", 4096);
	unsigned n = 2;
	char text[8];
	CHECK(memory >= 0 && io_pair(pair) == 0);
	CHECK(io_send(pair[0], "hello", 5, &memory, 1, 0) == 0);
	CHECK(io_receive(pair[1], text, sizeof(text), got, &n, 0) == 5 && n == 1);
	CHECK(memcmp(text, "hello", 5) == 0 && io_memory_size(got[0]) == 4096);
	close(got[0]);
	n = 2;
	CHECK(io_receive(pair[1], text, sizeof(text), got, &n, MSG_DONTWAIT) == -EAGAIN && n == 0);
	CHECK(io_send(pair[0], "longer than eight", 17, &memory, 1, 0) == 0);
	n = 2;
	CHECK(io_receive(pair[1], text, sizeof(text), got, &n, 0) == -E2BIG && n == 0);
	io_close(&pair[0]);
	CHECK(io_receive(pair[1], text, sizeof(text), NULL, NULL, 0) == 0);
	CHECK(io_send(pair[1], "x", 1, NULL, 0, 0) == -EPIPE);
	io_close(&pair[1]);
	io_close(&memory);
	CHECK(memory == -1);
}

/* Who ends with mail unread is still heard to the end. */
static void hears_last_words(void) {
	int pair[2];
	char text[8];
	CHECK(io_pair(pair) == 0);
	CHECK(io_send(pair[0], "unread", 6, NULL, 0, 0) == 0 && io_send(pair[1], "last", 4, NULL, 0, 0) == 0);
	io_close(&pair[1]);
	CHECK(io_receive(pair[0], text, sizeof(text), NULL, NULL, 0) == 4 && memcmp(text, "last", 4) == 0);
	CHECK(io_receive(pair[0], text, sizeof(text), NULL, NULL, 0) == 0);
	io_close(&pair[0]);
}

/* Descriptors that nobody asked for are closed, not leaked. */
static void closes_descriptors_it_has_no_room_for(void) {
	int pair[2], out[3], memory = io_memory("test", 4096);
	unsigned n = 1;
	char text[4];
	CHECK(memory >= 0 && io_pair(pair) == 0);
	int many[3] = { memory, memory, memory };
	CHECK(io_send(pair[0], "x", 1, many, 3, 0) == 0);
	CHECK(io_receive(pair[1], text, sizeof(text), out, &n, 0) == 1 && n == 1);
	int next = dup(memory); /* lowest free number: right behind the one we kept */
	CHECK(next == out[0] + 1);
	close(next), close(out[0]), close(memory), close(pair[0]), close(pair[1]);
}

/* An empty message reads like an end, so nobody would look for descriptors in it. */
static void closes_what_an_empty_message_brings(void) {
	int pair[2], out[1], memory = io_memory("test", 4096);
	unsigned n = 1;
	char text[4];
	CHECK(memory >= 0 && io_pair(pair) == 0);
	CHECK(io_send(pair[0], "", 0, &memory, 1, 0) == 0);
	CHECK(io_receive(pair[1], text, sizeof(text), out, &n, 0) == 0 && n == 0);
	int next = dup(memory);
	CHECK(next == pair[1] + 1);
	close(next), close(memory), close(pair[0]), close(pair[1]);
}

static int late_writer;

/* The twentieth interruption brings what is waited for. */
static void interrupt(int signal) {
	static int ticks;
	(void)signal;
	if (++ticks == 20 && write(late_writer, "late", 4) == 4)
		close(late_writer);
}

static void reads_on_when_interrupted(void) {
	struct sigaction interrupting = { .sa_handler = interrupt }, before;
	struct itimerval often = { { 0, 1000 }, { 0, 1000 } }, never = { { 0, 0 }, { 0, 0 } };
	char dir[] = "/tmp/cadmus-io-XXXXXX", path[64], text[8];
	CHECK(mkdtemp(dir) != NULL);
	snprintf(path, sizeof(path), "%s/pipe", dir);
	CHECK(mkfifo(path, 0600) == 0 && (late_writer = open(path, O_RDWR)) >= 0);
	CHECK(sigaction(SIGALRM, &interrupting, &before) == 0 && setitimer(ITIMER_REAL, &often, NULL) == 0);
	CHECK(io_read_file(path, text, sizeof(text)) == 4 && strcmp(text, "late") == 0);
	CHECK(setitimer(ITIMER_REAL, &never, NULL) == 0 && sigaction(SIGALRM, &before, NULL) == 0);
	CHECK(unlink(path) == 0 && rmdir(dir) == 0);
}

static void memory_cannot_change_size_or_gain_writers(void) {
	int fd = io_memory("test", 8192);
	CHECK(fd >= 0 && io_memory_size(fd) == 8192);
	CHECK(ftruncate(fd, 4096) < 0 && errno == EPERM);
	char *mine = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	CHECK(mine != MAP_FAILED && io_memory_freeze_writers(fd) == 0);
	mine[0] = 'x';
	CHECK(mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0) == MAP_FAILED);
	CHECK(write(fd, "y", 1) < 0);
	char *theirs = mmap(NULL, 8192, PROT_READ, MAP_SHARED, fd, 0);
	CHECK(theirs != MAP_FAILED && theirs[0] == 'x');
	munmap(mine, 8192), munmap(theirs, 8192), close(fd);
	int plain = memfd_create("plain", MFD_CLOEXEC);
	CHECK(io_memory_size(plain) == -EPROTO);
	close(plain);
}

static void knows_death_from_the_kernel(void) {
	pid_t child = fork();
	if (child == 0) {
		pause();
		_exit(0);
	}
	int fd = io_pidfd(child);
	struct pollfd p = { .fd = fd, .events = POLLIN };
	CHECK(fd >= 0 && poll(&p, 1, 0) == 0);
	CHECK(io_pidfd_signal(fd, SIGKILL) == 0);
	CHECK(poll(&p, 1, 10000) == 1);
	CHECK(waitpid(child, NULL, 0) == child);
	CHECK(io_pidfd_signal(fd, SIGKILL) < 0);
	close(fd);
}

static void listens_where_the_last_owner_died(void) {
	char dir[] = "/tmp/cadmus-io-XXXXXX", path[64], deep[80];
	CHECK(mkdtemp(dir) != NULL);
	snprintf(deep, sizeof(deep), "%s/a/b", dir);
	CHECK(io_make_dirs(deep) == 0 && io_make_dirs(deep) == 0);
	snprintf(path, sizeof(path), "%s/a/b/s", dir);
	CHECK(io_connect(path) == -ENOENT);
	int a = io_listen(path);
	CHECK(a >= 0 && io_listen(path) == -EADDRINUSE);
	int c = io_connect(path);
	while (io_accept(a) >= 0)
		; /* what io_listen asked, and ours */
	uid_t uid;
	pid_t pid;
	CHECK(c >= 0 && io_peer(c, &uid, &pid) == 0 && uid == getuid() && pid == getpid());
	close(a), close(c);
	CHECK(io_connect(path) == -ECONNREFUSED);
	int b = io_listen(path);
	CHECK(b >= 0);
	close(b);
	char command[128];
	CHECK(unlink(path) == 0);
	snprintf(command, sizeof(command), "%s/a/b", dir), rmdir(command);
	snprintf(command, sizeof(command), "%s/a", dir), rmdir(command);
	CHECK(rmdir(dir) == 0);
}

static void *connect_patiently(void *path) {
	return (void *)(intptr_t)io_connect_within(path, 60 * NS_PER_S);
}

static void nothing(int signal) {
	(void)signal;
}

/* A queue with no room in it: who connects waits for as long as he says, whatever signals come. */
static void waits_for_room_in_a_queue(void) {
	const struct sigaction act = { .sa_handler = nothing };
	char dir[] = "/tmp/cadmus-io-XXXXXX", path[64];
	pthread_t t;
	void *fd;
	int first, rc;
	CHECK(mkdtemp(dir) != NULL && sigaction(SIGUSR1, &act, NULL) == 0);
	snprintf(path, sizeof(path), "%s/s", dir);
	CHECK(io_connect_within(path, -1) == -ENOENT);
	int listener = io_listen(path);
	CHECK(listener >= 0 && (first = io_connect_within(path, 0)) >= 0);
	while ((rc = io_connect(path)) >= 0)
		close(rc); /* it keeps its place in the queue */
	CHECK(rc == -EAGAIN && io_connect_within(path, 0) == -ETIMEDOUT);
	CHECK(io_connect_within(path, 20 * NS_PER_MS) == -ETIMEDOUT);
	CHECK(pthread_create(&t, NULL, connect_patiently, path) == 0);
	for (int i = 0; i < 100; i++)
		CHECK(pthread_kill(t, SIGUSR1) == 0 && sched_yield() == 0);
	rc = io_accept(listener);
	CHECK(rc >= 0 && pthread_join(t, &fd) == 0 && (int)(intptr_t)fd >= 0);
	close(rc), close((int)(intptr_t)fd), close(first);
	CHECK(pthread_create(&t, NULL, connect_patiently, path) == 0); /* and one whose daemon ends */
	close(listener);
	CHECK(pthread_join(t, &fd) == 0 && (int)(intptr_t)fd == -ECONNREFUSED);
	CHECK(unlink(path) == 0 && rmdir(dir) == 0);
}

enum { HEIRS = 6 };

/* Listen at `path` when all do, and hold on to it until all have tried. */
static _Noreturn void inherit(const char *path, int start[2], int tried[2], int end[2]) {
	char any = 0;
	close(start[1]), close(end[1]);
	(void)!read(start[0], &any, 1);
	int fd = io_listen(path);
	bool said = write(tried[1], &any, 1) == 1;
	(void)!read(end[0], &any, 1);
	_exit(!said || (fd < 0 && fd != -EADDRINUSE) ? 2 : fd >= 0);
}

/* Several find the socket of a dead one at the same time: one gets the place, and the others hear so. */
static void one_heir(void) {
	char dir[] = "/tmp/cadmus-io-XXXXXX", path[64], any;
	CHECK(mkdtemp(dir) != NULL);
	snprintf(path, sizeof(path), "%s/s", dir);
	for (int round = 0; round < 100; round++) {
		int start[2], tried[2], end[2], dead = io_listen(path), heirs = 0, status;
		CHECK(dead >= 0 && pipe(start) == 0 && pipe(tried) == 0 && pipe(end) == 0);
		io_close(&dead);
		for (int i = 0; i < HEIRS; i++)
			if (fork() == 0)
				inherit(path, start, tried, end);
		close(start[0]), close(start[1]);
		for (int i = 0; i < HEIRS; i++)
			CHECK(read(tried[0], &any, 1) == 1);
		close(tried[0]), close(tried[1]), close(end[0]), close(end[1]);
		for (int i = 0; i < HEIRS; i++) {
			CHECK(wait(&status) > 0 && WIFEXITED(status) && WEXITSTATUS(status) < 2);
			heirs += WEXITSTATUS(status);
		}
		CHECK(heirs == 1 && unlink(path) == 0);
	}
	CHECK(rmdir(dir) == 0);
}

static void tells_time_and_names(void) {
	char text[CLOCK_TEXT_MAX], hex[HASH_TEXT_MAX];
	CHECK(strcmp(clock_text((struct cdm_wall){ 0 }, text), "1970-01-01T00:00:00.000000Z") == 0);
	CHECK(clock_mono().ns <= clock_mono().ns);
	CHECK(strcmp(err_name(-ESTALE), "ESTALE") == 0 && strcmp(err_name(-9999), "EUNKNOWN") == 0);
	CHECK(strcmp(err_name(0), "OK") == 0);
	errno = EPIPE;
	CHECK(err_last() == -EPIPE);
	errno = 0;
	CHECK(err_last() == -EIO);
	/* BLAKE2b-256 of nothing and of "abc": published values. */
	struct hash h = hash_of("", 0);
	CHECK(strcmp(hash_text(&h, 16, hex), "0e5751c026e543b2") == 0);
	h = hash_pair("a", 1, "bc", 2);
	CHECK(strcmp(hash_text(&h, 16, hex), "bddd813c63423972") == 0);
}

int main(void) {
	carries_whole_messages_and_descriptors();
	hears_last_words();
	closes_descriptors_it_has_no_room_for();
	closes_what_an_empty_message_brings();
	reads_on_when_interrupted();
	memory_cannot_change_size_or_gain_writers();
	knows_death_from_the_kernel();
	listens_where_the_last_owner_died();
	waits_for_room_in_a_queue();
	one_heir();
	tells_time_and_names();
	puts("io_test: ok");
}
