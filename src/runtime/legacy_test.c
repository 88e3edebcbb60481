/* legacy_test.c - what one parent leaves is what the next one finds, and nothing else stays open. */
#include "runtime/legacy.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include "base/io.h"
#include "test/lib/leaks.h"

static struct legacy l, next;

static int any(void) {
	int fd = io_memory("cadmus:any", 4096);
	CHECK(fd >= 0);
	return fd;
}

static struct seat_event kept(uint16_t process, uint32_t epoch, uint32_t value, unsigned count) {
	struct seat_event e = { .kind = SEAT_EVENT_KEEP, .process = process, .epoch = epoch, .value = value,
		.kept_count = count };
	for (unsigned i = 0; i < count; i++)
		e.kept[i] = any();
	return e;
}

static void keep_doors(unsigned count) {
	struct seat_event e = kept(0, 0, 0, count);
	e.kind = SEAT_EVENT_KEEP_DOORS;
	legacy_keep(&l, &e);
}

static void keeps_the_newest(void) {
	unsigned before = open_files();
	legacy_init(&l);
	CHECK(!legacy_is_whole(&l));
	struct seat_event e = kept(3, 1, SEAT_KEEP_SOCKET | SEAT_KEEP_END, 4);
	legacy_keep(&l, &e);
	CHECK(l.seats[3].epoch == 1 && l.seats[3].socket == e.kept[0] && l.seats[3].end == e.kept[1]);
	CHECK(l.seats[3].segment.fd[0] == e.kept[2] && l.seats[3].segment.fd[1] == e.kept[3]);
	CHECK(l.seats[3].segment.fd[2] == -1 && open_files() == before + 4);
	e = kept(3, 2, SEAT_KEEP_END, 2); /* the next life, with less */
	legacy_keep(&l, &e);
	CHECK(l.seats[3].epoch == 2 && l.seats[3].socket == -1 && l.seats[3].end == e.kept[0]);
	CHECK(l.seats[3].segment.fd[0] == e.kept[1] && l.seats[3].segment.fd[1] == -1 && open_files() == before + 2);
	keep_doors(4);
	CHECK(legacy_is_whole(&l) && l.starter >= 0 && open_files() == before + 6);
	keep_doors(3);
	CHECK(legacy_is_whole(&l) && l.starter == -1 && open_files() == before + 5);
	legacy_fini(&l);
	CHECK(!legacy_is_whole(&l) && open_files() == before);
}

static bool is_closed_by_exec(int fd) {
	return (fcntl(fd, F_GETFD) & FD_CLOEXEC) != 0;
}

static bool all_are_closed_by_exec(const struct legacy *of) {
	return is_closed_by_exec(of->plan) && is_closed_by_exec(of->starter) && is_closed_by_exec(of->doors[2]) &&
			is_closed_by_exec(of->seats[5].socket) && is_closed_by_exec(of->seats[5].end) &&
			is_closed_by_exec(of->seats[5].segment.fd[13]);
}

/* Is all of it open in a program that is started with it?  That is this one, see main(). */
static bool is_found_by_the_next(int file) {
	char number[16], *arguments[] = { "legacy_test", number, NULL };
	posix_spawn_file_actions_t actions;
	int status;
	pid_t pid;
	snprintf(number, sizeof(number), "%d", file);
	CHECK(posix_spawn_file_actions_init(&actions) == 0 && legacy_pass_on(&l, &actions) == 0);
	CHECK(posix_spawn_file_actions_adddup2(&actions, file, file) == 0);
	CHECK(posix_spawn(&pid, "/proc/self/exe", &actions, NULL, arguments, environ) == 0);
	posix_spawn_file_actions_destroy(&actions);
	CHECK(waitpid(pid, &status, 0) == pid);
	return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

static void is_what_it_was(void) {
	legacy_init(&l);
	struct seat_event e = kept(5, 7, SEAT_KEEP_SOCKET | SEAT_KEEP_END, 16);
	legacy_keep(&l, &e);
	keep_doors(4);
	l.plan = any();
	l.seats[5].life = (struct directory_entry){ .state = DIRECTORY_LIVE, .epoch = 7, .pid = 99, .restarts = 3 };
	int file = legacy_write(&l);
	CHECK(file >= 0 && is_closed_by_exec(l.plan));
	CHECK(is_found_by_the_next(file) && all_are_closed_by_exec(&l));
	CHECK(legacy_read(&next, file, NULL) == 0 && memcmp(&l, &next, sizeof(l)) == 0);
	close(l.seats[5].segment.fd[4]); /* one was not inherited */
	struct cdm_diag diag = { .count = 0 };
	CHECK(legacy_read(&next, file, &diag) == -EPROTO && diag.count == 1);
	l.seats[5].segment.fd[4] = -1;
	l.abi++;
	CHECK(pwrite(file, &l, sizeof(l), 0) == sizeof(l) && legacy_read(&next, file, NULL) == -EPROTO);
	CHECK(!legacy_is_whole(&next) && next.plan == -1); /* nothing in it is believed */
	close(file);
	CHECK((file = any()) >= 0 && legacy_read(&next, file, NULL) == -EPROTO);
	close(file);
	CHECK(legacy_read(&next, -1, NULL) == -EPROTO);
	legacy_fini(&l);
}

int main(int argc, char **argv) {
	if (argc > 1) /* the next parent */
		return legacy_read(&next, atoi(argv[1]), NULL) == 0 && next.seats[5].life.pid == 99 &&
				all_are_closed_by_exec(&next) ? 0 : 1;
	keeps_the_newest();
	is_what_it_was();
	puts("legacy_test: ok");
}
