/* control_test.c - messages that are one map, in time, or an error that says why not. */
#include "client/control.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include "base/clock.h"
#include "base/msgpack.h"
#include "client/run_dir.h"

static int ours, theirs;

static void fresh(void) {
	int pair[2];
	CHECK(io_pair(pair) == 0);
	ours = pair[0];
	theirs = pair[1];
}

static void done(void) {
	io_close(&ours);
	io_close(&theirs);
}

static size_t message(uint8_t *out, size_t capacity, uint64_t id, const char *ev) {
	struct mp_out o;
	mp_begin(&o, out, capacity);
	mp_map(&o, 2);
	mp_kv_uint(&o, "id", id);
	mp_kv_str(&o, "ev", ev);
	int n = mp_done(&o);
	CHECK(n > 0);
	return (size_t)n;
}

static void carries_one_map(void) {
	static uint8_t big[CONTROL_MESSAGE_MAX + 1];
	uint8_t m[64], back[64];
	fresh();
	size_t n = message(m, sizeof(m), 7, "done");
	CHECK(control_send(ours, m, n, 0) == 0);
	CHECK(control_receive(theirs, back, sizeof(back), 0) == (ssize_t)n && memcmp(m, back, n) == 0);
	CHECK(control_send(ours, m, n - 1, 0) == -EINVAL); /* cut */
	memcpy(m + n, "\x01", 1);
	CHECK(control_send(ours, m, n + 1, 0) == -EINVAL); /* one map and something */
	CHECK(control_send(ours, "\x01", 1, 0) == -EINVAL);
	CHECK(control_send(ours, "", 0, 0) == -EINVAL);
	CHECK(control_send(ours, big, sizeof(big), 0) == -E2BIG);
	CHECK(io_send(ours, "\x93\x01", 2, NULL, 0, 0) == 0);
	CHECK(control_receive(theirs, back, sizeof(back), 0) == -EPROTO);
	CHECK(control_send(ours, m, n, 0) == 0);
	CHECK(control_receive(theirs, back, n - 1, 0) == -E2BIG);
	done();
}

static void ends_in_time(void) {
	uint8_t m[64];
	fresh();
	size_t n = message(m, sizeof(m), 1, "token");
	CHECK(control_receive(ours, m, sizeof(m), 0) == -ETIMEDOUT);
	int64_t begin = clock_mono().ns;
	CHECK(control_receive(ours, m, sizeof(m), 3 * NS_PER_MS) == -ETIMEDOUT);
	CHECK(clock_mono().ns - begin >= 3 * NS_PER_MS);
	int rc;
	n = message(m, sizeof(m), 1, "token");
	while ((rc = control_send(ours, m, n, 0)) == 0) /* until the other side is full */
		;
	CHECK(rc == -ETIMEDOUT && control_send(ours, m, n, 2 * NS_PER_MS) == -ETIMEDOUT);
	io_close(&theirs);
	CHECK(control_send(ours, m, n, -1) == -EPIPE);
	CHECK(control_receive(ours, m, sizeof(m), -1) == -EPIPE);
	CHECK(control_receive(ours, m, sizeof(m), INT64_MAX) == -EPIPE);
	done();
}

static void *answer(void *unused) {
	uint8_t m[64];
	(void)unused;
	ssize_t n = control_receive(theirs, m, sizeof(m), -1);
	CHECK(n > 0);
	for (uint64_t id = 1; id <= 9; id++) {
		size_t k = message(m, sizeof(m), id, id == 9 ? "done" : "token");
		CHECK(control_send(theirs, m, k, -1) == 0);
	}
	return NULL;
}

static void asks_and_finds_its_answer(void) {
	uint8_t m[64], reply[64];
	char ev[16];
	pthread_t t;
	fresh();
	size_t n = message(m, sizeof(m), 9, "x");
	CHECK(pthread_create(&t, NULL, answer, NULL) == 0);
	ssize_t got = control_ask(ours, m, n, 9, reply, sizeof(reply), -1);
	CHECK(got > 0 && mp_find_str(reply, (size_t)got, "ev", ev, sizeof(ev)) == 0 && strcmp(ev, "done") == 0);
	CHECK(pthread_join(t, NULL) == 0);
	CHECK(control_ask(ours, m, n, 9, reply, sizeof(reply), NS_PER_MS) == -ETIMEDOUT);
	CHECK(control_ask(ours, m, n - 1, 9, reply, sizeof(reply), -1) == -EINVAL);
	io_close(&theirs);
	CHECK(control_ask(ours, m, n, 9, reply, sizeof(reply), -1) == -EPIPE);
	done();
}

static void finds_the_door(void) {
	char dir[] = "/tmp/cadmus-control-XXXXXX", path[RUN_DIR_PATH_MAX], run[RUN_DIR_PATH_MAX];
	CHECK(mkdtemp(dir) && setenv("CADMUS_RUN_DIR", dir, 1) == 0);
	CHECK(control_connect("robot") == -ENOENT && control_connect("../x") == -EINVAL);
	CHECK(run_dir_make("robot", run) == 0 && run_dir_path("robot", RUN_DIR_CONTROL, path) == 0);
	int listener = io_listen(path);
	CHECK(listener >= 0);
	int fd = control_connect("robot");
	CHECK(fd >= 0);
	close(fd);
	close(listener);
	CHECK(control_connect("robot") == -ECONNREFUSED);
	CHECK(unlink(path) == 0 && rmdir(run) == 0 && rmdir(dir) == 0);
}

int main(void) {
	carries_one_map();
	ends_in_time();
	asks_and_finds_its_answer();
	finds_the_door();
	puts("control_test: ok");
}
