/*
 * doors_test.c - doors in a folder of our own that is deleted, moved, spoiled and taken by others.
 *
 * The folder and the news of the kernel are real; time is ours.
 */
#include "runtime/doors.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "base/io.h"

#define ALL (1u << DOORS_ATTACH | 1u << DOORS_CONTROL | 1u << DOORS_STOP)
#define PATIENCE_MS 20000

static const char *const leaf[] = { RUN_DIR_ATTACH, RUN_DIR_CONTROL, RUN_DIR_STOP };
static char run[64], above[80];
static struct doors d;
static struct cdm_mono now;

static void shell(const char *format, ...) __attribute__((format(printf, 1, 2)));

static void shell(const char *format, ...) {
	char text[256];
	va_list args;
	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	CHECK(system(text) == 0);
}

static void fresh(void) {
	snprintf(run, sizeof(run), "/tmp/doors_test.%d", (int)getpid());
	snprintf(above, sizeof(above), "%s/above", run);
	CHECK(setenv("CADMUS_RUN_DIR", above, 1) == 0);
	now.ns = 1000 * NS_PER_S;
	CHECK(doors_open(&d, "robot", NULL) == 0);
	CHECK(doors_tick(&d, now) == 0 && doors_next_ns(&d, now) == -1);
}

static void over(void) {
	doors_remove(&d);
	doors_close(&d);
	shell("rm -rf %s", run);
}

/* Whoever knocks at that path is heard by us. */
static bool is_heard(enum doors_which which) {
	char path[RUN_DIR_PATH_MAX];
	CHECK(run_dir_path("robot", leaf[which], path) == 0);
	int caller = io_connect(path), fd = caller < 0 ? -1 : io_accept(d.fd[which]);
	bool heard = fd >= 0;
	io_close(&caller);
	io_close(&fd);
	return heard;
}

static void all_are_heard(void) {
	for (unsigned i = 0; i < DOORS_COUNT; i++)
		CHECK(is_heard(i));
}

/* The kernel's news, and then the moment that we wait: which doors are new? */
static unsigned after_the_news(void) {
	struct pollfd p = { .fd = d.notify, .events = POLLIN };
	CHECK(poll(&p, 1, PATIENCE_MS) == 1);
	doors_heard(&d, now);
	CHECK(doors_tick(&d, now) == 0 && doors_next_ns(&d, now) == DOORS_PAUSE_NS);
	now.ns += DOORS_PAUSE_NS;
	CHECK(doors_next_ns(&d, now) == 0);
	return doors_tick(&d, now);
}

/* What we do ourselves makes news too; at last there are none. */
static void settle(void) {
	struct pollfd p = { .fd = d.notify, .events = POLLIN };
	while (poll(&p, 1, 0) == 1)
		CHECK(after_the_news() == 0);
	CHECK(doors_next_ns(&d, now) == -1);
}

static void makes_anew_what_is_deleted(void) {
	fresh();
	all_are_heard();
	shell("rm -rf %s/robot", above);
	CHECK(after_the_news() == ALL);
	all_are_heard();
	settle();
	for (unsigned i = 0; i < DOORS_COUNT; i++) {
		shell("rm %s/robot/%s", above, leaf[i]);
		CHECK(after_the_news() == 1u << i);
		all_are_heard();
		settle();
	}
	shell("rm -rf %s", run);
	CHECK(after_the_news() == ALL);
	all_are_heard();
	struct stat s;
	CHECK(stat(d.folder, &s) == 0 && (s.st_mode & 0777) == 0700);
	over();
}

static void makes_anew_what_is_moved(void) {
	fresh();
	shell("mv %s/robot %s/robber", above, above);
	CHECK(after_the_news() == ALL);
	all_are_heard();
	settle();
	shell("rm -rf %s/robber", above); /* is no business of ours any more */
	settle();
	shell("mv %s %s/away", above, run);
	CHECK(after_the_news() == ALL);
	all_are_heard();
	settle();
	shell("mv %s/robot/%s %s/", above, RUN_DIR_STOP, run);
	CHECK(after_the_news() == 1u << DOORS_STOP);
	all_are_heard();
	over();
}

/* Many deletions are one repair, and it is not put off by the later ones. */
static void does_not_wait_for_ever(void) {
	fresh();
	shell("rm %s/robot/%s", above, RUN_DIR_STOP);
	doors_heard(&d, now);
	for (int i = 0; i < 5; i++) {
		now.ns += DOORS_PAUSE_NS / 10;
		doors_heard(&d, now);
	}
	CHECK(doors_next_ns(&d, now) == DOORS_PAUSE_NS / 2);
	now.ns += DOORS_PAUSE_NS / 2;
	CHECK(doors_tick(&d, now) == 1u << DOORS_STOP);
	over();
}

/* Another machine of our name has come meanwhile: its door stays its own, until it goes. */
static void leaves_what_is_anothers(void) {
	char path[RUN_DIR_PATH_MAX];
	fresh();
	CHECK(run_dir_path("robot", RUN_DIR_CONTROL, path) == 0);
	shell("rm -rf %s/robot && mkdir -m 700 %s/robot", above, above);
	int other = io_listen(path);
	CHECK(other >= 0);
	CHECK(after_the_news() == 1u << DOORS_ATTACH);
	CHECK(is_heard(DOORS_ATTACH) && !is_heard(DOORS_CONTROL));
	int64_t pause = DOORS_PAUSE_NS;
	for (int i = 0; i < 12; i++) {
		CHECK(doors_next_ns(&d, now) == pause);
		now.ns += pause;
		CHECK(doors_tick(&d, now) == 0);
		pause = 2 * pause < DOORS_PAUSE_MAX_NS ? 2 * pause : DOORS_PAUSE_MAX_NS;
	}
	CHECK(pause == DOORS_PAUSE_MAX_NS);
	io_close(&other);
	shell("rm %s", path);
	CHECK(after_the_news() == (1u << DOORS_CONTROL | 1u << DOORS_STOP)); /* at once, not after the long pause */
	all_are_heard();
	over();
}

/* A folder that others could write to is not used, and neither is a file in its place. */
static void uses_no_folder_of_others(void) {
	fresh();
	shell("rm -rf %s/robot && mkdir -m 777 %s/robot && chmod 777 %s/robot", above, above, above);
	CHECK(after_the_news() == 0);
	CHECK(doors_next_ns(&d, now) == DOORS_PAUSE_NS);
	shell("rmdir %s/robot && touch %s/robot", above, above);
	now.ns += DOORS_PAUSE_NS;
	CHECK(doors_tick(&d, now) == 0);
	shell("rm %s/robot", above);
	now.ns += DOORS_PAUSE_MAX_NS;
	CHECK(doors_tick(&d, now) == ALL);
	all_are_heard();
	over();
}

static void removes_only_its_own(void) {
	char path[RUN_DIR_PATH_MAX];
	fresh();
	CHECK(run_dir_path("robot", RUN_DIR_STOP, path) == 0);
	shell("rm %s && touch %s", path, path);
	doors_remove(&d);
	CHECK(access(path, F_OK) == 0);
	CHECK(run_dir_path("robot", RUN_DIR_ATTACH, path) == 0 && access(path, F_OK) < 0);
	doors_close(&d);
	doors_close(&d);
	shell("rm -rf %s", run);
}

static void a_second_one_is_refused(void) {
	static struct cdm_diag diag;
	struct doors second;
	fresh();
	CHECK(doors_open(&second, "robot", &diag) == -EADDRINUSE);
	CHECK(diag.count == 1 && strstr(diag.at[0].text, "runs already"));
	doors_close(&second);
	all_are_heard();
	shell("rm -rf %s && touch %s", run, run);
	CHECK(doors_open(&second, "robot", &diag) < 0);
	CHECK(diag.count == 2 && strstr(diag.at[1].text, "cannot make the folder"));
	doors_close(&second);
	over();
}

int main(void) {
	makes_anew_what_is_deleted();
	makes_anew_what_is_moved();
	does_not_wait_for_ever();
	leaves_what_is_anothers();
	uses_no_folder_of_others();
	removes_only_its_own();
	a_second_one_is_refused();
	puts("doors_test: ok");
	return 0;
}
