/* env_test.c - this machine, through the table: what its comments say of names, files and locks. */
#include "env/env.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include "base/clock.h"

static char folder[] = "/tmp/cadmus-env-XXXXXX", a[64], b[64];

static void the_clocks_are_the_machine_s(const struct env *e) {
	struct cdm_mono before = clock_mono(), now = e->mono(e);
	CHECK(now.ns >= before.ns && now.ns <= clock_mono().ns);
	struct cdm_wall day = clock_wall();
	CHECK(e->wall(e).ns >= day.ns);
	uint8_t some[64] = { 0 }, more[64] = { 0 };
	e->random(e, some, sizeof(some));
	e->random(e, more, sizeof(more));
	CHECK(memcmp(some, more, sizeof(some)) != 0);
	CHECK(e->disk == NULL);
}

static void files_are_made_moved_and_removed(const struct env *e) {
	struct env_file first, second;
	struct stat st;
	CHECK(e->may(e, a, ENV_EXISTS) == -ENOENT && e->look(e, a, &first) == -ENOENT);
	CHECK(e->make(e, a) == 0);
	CHECK(e->make(e, a) == -EEXIST);
	CHECK(stat(a, &st) == 0 && (st.st_mode & 0777) == 0600);
	CHECK(e->may(e, a, ENV_EXISTS) == 0 && e->may(e, a, ENV_READABLE) == 0 && e->may(e, a, ENV_WRITABLE) == 0);
	CHECK(e->look(e, a, &first) == 0 && e->move(e, a, b) == 0 && e->look(e, b, &second) == 0);
	CHECK(first.device == second.device && first.number == second.number);
	CHECK(e->may(e, a, ENV_EXISTS) == -ENOENT && e->move(e, a, b) == -ENOENT);
	CHECK(e->make(e, a) == 0 && e->look(e, a, &second) == 0 && first.number != second.number);
	CHECK(e->remove(e, a) == 0 && e->remove(e, b) == 0);
	CHECK(e->remove(e, a) == -ENOENT);
	CHECK(e->make(e, "/nonexistent/file") == -ENOENT);
}

static void a_file_has_one_name(const struct env *e) {
	char name[PATH_MAX], other[80];
	CHECK(e->full_name(e, a, name) == -ENOENT);
	CHECK(e->make(e, a) == 0);
	snprintf(other, sizeof(other), "%s/./a", folder);
	CHECK(e->full_name(e, other, name) == 0 && strcmp(name, a) == 0);
	CHECK(e->remove(e, a) == 0);
	CHECK(strcmp(env_folder_of("/a/b", name), "/a") == 0 && strcmp(env_folder_of("/a", name), "/") == 0);
	CHECK(strcmp(env_folder_of("a", name), ".") == 0);
}

static void a_lock_has_one_holder_and_dies_with_it(const struct env *e) {
	long holder = 0;
	int lock = e->lock(e, a, &holder);
	CHECK(lock >= 0);
	CHECK(e->lock(e, a, &holder) == -EAGAIN && holder == getpid());
	e->unlock(e, lock);
	pid_t child = fork();
	CHECK(child >= 0);
	if (child == 0)
		_exit(e->lock(e, a, &holder) >= 0 ? 0 : 1);
	int status;
	CHECK(waitpid(child, &status, 0) == child && WIFEXITED(status) && WEXITSTATUS(status) == 0);
	lock = e->lock(e, a, &holder);
	CHECK(lock >= 0);
	e->unlock(e, lock);
	CHECK(e->remove(e, a) == 0 && e->lock(e, "/nonexistent/lock", &holder) == -ENOENT);
}

int main(void) {
	const struct env *e = env_real();
	CHECK(mkdtemp(folder) != NULL);
	snprintf(a, sizeof(a), "%s/a", folder);
	snprintf(b, sizeof(b), "%s/b", folder);
	the_clocks_are_the_machine_s(e);
	files_are_made_moved_and_removed(e);
	a_file_has_one_name(e);
	a_lock_has_one_holder_and_dies_with_it(e);
	CHECK(rmdir(folder) == 0);
	puts("env_test: ok");
}
