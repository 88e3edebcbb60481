/* run_dir_test.c - where the doors are, and who may have made them. */
#include "client/run_dir.h"

#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include "base/io.h"
#include "client/state_path.h"
#include "client/stop_door.h"

static char base[] = "/tmp/cadmus-run-XXXXXX";

static void takes_only_names_that_stay_inside(void) {
	static const char *const good[] = { "a", "robot", "robot-2", "r_2", "0", "a.b" };
	static const char *const bad[] = { "", ".", "..", "a/b", "../a", "A", "a b", "a\n", ".a", "a.", "é",
		"0123456789012345678901234567890123456789012345678" };
	char path[RUN_DIR_PATH_MAX];
	for (size_t i = 0; i < COUNT_OF(good); i++)
		CHECK(run_dir_name_ok(good[i]) && run_dir_path(good[i], NULL, path) == 0);
	for (size_t i = 0; i < COUNT_OF(bad); i++)
		CHECK(!run_dir_name_ok(bad[i]) && run_dir_path(bad[i], NULL, path) == -EINVAL &&
				run_dir_make(bad[i], path) == -EINVAL);
}

static void follows_the_environment(void) {
	char path[RUN_DIR_PATH_MAX], want[RUN_DIR_PATH_MAX];
	setenv("CADMUS_RUN_DIR", "/x", 1);
	CHECK(run_dir_path("robot", RUN_DIR_STOP, path) == 0 && strcmp(path, "/x/robot/stop.sock") == 0);
	CHECK(run_dir_path("robot", NULL, path) == 0 && strcmp(path, "/x/robot") == 0);
	unsetenv("CADMUS_RUN_DIR");
	setenv("XDG_RUNTIME_DIR", "/y", 1);
	snprintf(want, sizeof(want), "/y/cadmus-%u/robot/attach.sock", getuid());
	CHECK(run_dir_path("robot", RUN_DIR_ATTACH, path) == 0 && strcmp(path, want) == 0);
	unsetenv("XDG_RUNTIME_DIR");
	snprintf(want, sizeof(want), "/tmp/cadmus-%u/robot/control.sock", getuid());
	CHECK(run_dir_path("robot", RUN_DIR_CONTROL, path) == 0 && strcmp(path, want) == 0);
	char deep[200];
	memset(deep, 'd', sizeof(deep));
	deep[0] = '/';
	deep[99] = 0;
	setenv("CADMUS_RUN_DIR", deep, 1);
	CHECK(run_dir_path("robot", RUN_DIR_CONTROL, path) == -E2BIG); /* longer than a socket's address */
}

static void makes_what_is_ours_alone(void) {
	char path[RUN_DIR_PATH_MAX], above[RUN_DIR_PATH_MAX];
	struct stat s;
	setenv("CADMUS_RUN_DIR", base, 1);
	CHECK(run_dir_make("robot", path) == 0);
	CHECK(stat(path, &s) == 0 && S_ISDIR(s.st_mode) && (s.st_mode & 0777) == 0700);
	CHECK(run_dir_make("robot", path) == 0); /* it may be there */
	CHECK(chmod(path, 0755) == 0 && run_dir_make("robot", path) == -EACCES);
	CHECK(rmdir(path) == 0 && symlink("/tmp", path) == 0 && run_dir_make("robot", path) == -EACCES);
	CHECK(unlink(path) == 0);
	/* in a common folder, what stands above counts too */
	unsetenv("CADMUS_RUN_DIR");
	setenv("XDG_RUNTIME_DIR", base, 1);
	CHECK(run_dir_make("robot", path) == 0);
	snprintf(above, sizeof(above), "%s/cadmus-%u", base, getuid());
	CHECK(chmod(above, 0777) == 0 && run_dir_make("robot", path) == -EACCES);
	CHECK(chmod(above, 0700) == 0 && run_dir_make("robot", path) == 0);
	CHECK(rmdir(path) == 0 && rmdir(above) == 0);
}

enum { NOBODY = 65534 };

static _Noreturn void listen_as_nobody(const char *path, int ready) {
	char c;
	int ok = setresuid(NOBODY, NOBODY, NOBODY) == 0 && io_listen(path) >= 0;
	CHECK(write(ready, ok ? "y" : "n", 1) == 1);
	CHECK(read(ready, &c, 1) == 0); /* until we are done with it */
	_exit(0);
}

/* A socket that another user put there, as far as we may become one: only root can. */
static void refuses_anothers(const char *dir) {
	char path[RUN_DIR_PATH_MAX], c;
	int pair[2], status;
	if (getuid() != 0 || chown(dir, NOBODY, NOBODY) != 0 || chmod(base, 0711) != 0)
		return;
	CHECK(run_dir_path("robot", RUN_DIR_CONTROL, path) == 0 && io_pair(pair) == 0);
	pid_t pid = fork();
	CHECK(pid >= 0);
	if (pid == 0) {
		close(pair[0]);
		listen_as_nobody(path, pair[1]);
	}
	close(pair[1]);
	CHECK(read(pair[0], &c, 1) == 1);
	if (c == 'y')
		CHECK(run_dir_connect(path, 0) == -EACCES && unlink(path) == 0);
	close(pair[0]);
	CHECK(waitpid(pid, &status, 0) == pid && status == 0);
	CHECK(chown(dir, 0, 0) == 0 && chmod(base, 0700) == 0);
}

static void connects_to_its_own(void) {
	char path[RUN_DIR_PATH_MAX];
	setenv("CADMUS_RUN_DIR", base, 1);
	CHECK(run_dir_path("robot", RUN_DIR_STOP, path) == 0);
	CHECK(run_dir_connect(path, 0) == -ENOENT);
	char dir[RUN_DIR_PATH_MAX];
	CHECK(run_dir_make("robot", dir) == 0);
	int listener = io_listen(path);
	CHECK(listener >= 0);
	int fd = run_dir_connect(path, 0);
	CHECK(fd >= 0);
	close(fd);
	refuses_anothers(dir);
	close(listener);
	CHECK(run_dir_connect(path, 0) == -ECONNREFUSED);
	CHECK(unlink(path) == 0 && rmdir(dir) == 0);
}

/* ---- what others put into /tmp ---- */

/* A door at /tmp/FOLDER/robot that `uid` has made and listens at; FOLDER is `owner`'s then. */
static void plant(const char *folder, uid_t uid, uid_t owner, int *listener) {
	char path[RUN_DIR_PATH_MAX];
	snprintf(path, sizeof(path), "/tmp/%s/robot", folder);
	CHECK(seteuid(uid) == 0 && io_make_dirs(path) == 0);
	snprintf(path, sizeof(path), "/tmp/%s/robot/%s", folder, RUN_DIR_STOP);
	*listener = io_listen(path);
	CHECK(*listener >= 0 && seteuid(0) == 0);
	snprintf(path, sizeof(path), "/tmp/%s", folder);
	CHECK(chown(path, owner, owner) == 0);
}

/* Of all these only those of 0 and 1000 are what their names say. */
static _Noreturn void look_around(void) {
	enum { OTHER = 1000 };
	struct run_dir_doors d;
	int listener[6];
	if (unshare(CLONE_NEWNS) != 0 || mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0 ||
			mount("tmpfs", "/tmp", "tmpfs", 0, "mode=1777") != 0 ||
			mount("tmpfs", "/run", "tmpfs", 0, "mode=755") != 0)
		_exit(0); /* not in this container */
	unsetenv("CADMUS_RUN_DIR");
	unsetenv("XDG_RUNTIME_DIR");
	plant("cadmus-!", NOBODY, NOBODY, &listener[0]);
	plant("cadmus-65534x", NOBODY, NOBODY, &listener[1]);
	plant("cadmus-1001", NOBODY, NOBODY, &listener[2]);
	plant("cadmus-1000", OTHER, OTHER, &listener[3]);
	plant("cadmus-0", 0, 0, &listener[4]);
	plant("cadmus-65534", NOBODY, NOBODY, &listener[5]);
	CHECK(chmod("/tmp/cadmus-65534", 0777) == 0 && symlink("/tmp/cadmus-!", "/tmp/cadmus-1002") == 0);
	CHECK(run_dir_search(NULL, RUN_DIR_STOP, &d) == 0);
	CHECK(d.count == 2 && d.at[0].owner == 0 && d.at[1].owner == OTHER); /* ours first */
	CHECK(strcmp(d.at[0].path, "/tmp/cadmus-0/robot/stop.sock") == 0);
	struct stop_door doors[] = { { .path = d.at[1].path, .owner = d.at[1].owner },
		{ .path = d.at[1].path, .owner = NOBODY } };
	stop_door_all(doors, 2, 1);
	CHECK(doors[0].rc == -ETIMEDOUT && doors[1].rc == -EACCES); /* heard; not spoken to */
	free(d.at);
	_exit(0);
}

static void looks_where_nobody_else_could_put_it(void) {
	int status;
	if (getuid() != 0)
		return; /* who finds its own alone */
	pid_t pid = fork();
	CHECK(pid >= 0);
	if (pid == 0)
		look_around();
	CHECK(waitpid(pid, &status, 0) == pid && status == 0);
}

static void knows_where_the_journal_is(void) {
	char path[256];
	unsetenv("CADMUS_STATE_DIR");
	setenv("XDG_STATE_HOME", "/s", 1);
	CHECK(state_path("robot", path, sizeof(path)) == 0 && strcmp(path, "/s/cadmus/robot.journal") == 0);
	CHECK(state_path("robot", path, 10) == -E2BIG);
	unsetenv("XDG_STATE_HOME");
	setenv("HOME", "/h", 1);
	CHECK(state_path("robot", path, sizeof(path)) == 0);
	CHECK(strcmp(path, "/h/.local/state/cadmus/robot.journal") == 0);
	for (int set = 0; set < 2; set++) {
		CHECK(set ? setenv("HOME", "", 1) == 0 : unsetenv("HOME") == 0);
		CHECK(state_path_home()[0] == '/' && strcmp(state_path_home(), "/h") != 0);
	}
	setenv("CADMUS_STATE_DIR", "/proc/x", 1);
	CHECK(state_path_make("robot", path, sizeof(path)) < 0 && strcmp(path, "/proc/x") == 0);
	char own[300];
	snprintf(own, sizeof(own), "%s/deep/er", base);
	setenv("CADMUS_STATE_DIR", own, 1);
	CHECK(state_path_make("robot", path, sizeof(path)) == 0);
	struct stat s;
	CHECK(stat(own, &s) == 0 && S_ISDIR(s.st_mode));
	CHECK(rmdir(own) == 0);
	own[strlen(own) - 3] = 0;
	CHECK(rmdir(own) == 0);
}

int main(void) {
	CHECK(mkdtemp(base));
	takes_only_names_that_stay_inside();
	follows_the_environment();
	makes_what_is_ours_alone();
	connects_to_its_own();
	looks_where_nobody_else_could_put_it();
	knows_where_the_journal_is();
	CHECK(rmdir(base) == 0);
	puts("run_dir_test: ok");
}
