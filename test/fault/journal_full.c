/*
 * journal_full.c - a disk without space: what does not fit is refused and said so, the rest stands.
 *
 * Twice: with a limit on the size of files (RLIMIT_FSIZE, in a child), and on a tiny file system of
 * its own where the machine lets us mount one.  And there, too: one that cannot be written at all
 * can still be read.
 */
#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include "journal/journal_testing.h"

enum { SKIPPED = 77, BIG = 40 << 10 };

static struct testing t;

static uint64_t submit_big(struct journal *j, enum journal_class class) {
	static uint8_t room[BIG + 1024];
	static char user[BIG];
	uint64_t ticket;
	memset(user, 'u', sizeof(user));
	struct body_turn turn = { .user = { user, sizeof(user) }, .model = body_text("phi3") };
	struct journal_entry e = testing_entry(
			JOURNAL_TURN, room, body_build_turn(&turn, room, sizeof(room)));
	CHECK(journal_submit(j, &e, 1, class, &ticket) == 0);
	return ticket;
}

/* Write until the disk says no; returns how many were stored. */
static unsigned fill(struct journal *j, struct journal_state *s) {
	unsigned n = 0;
	int rc;
	while ((rc = testing_settle(j, submit_big(j, JOURNAL_D2), s)) == 0)
		CHECK(++n < 10000);
	CHECK(rc == -ENOSPC);
	return n;
}

/* Small batches around a large one that cannot fit: it is refused alone. */
static void a_large_one_does_not_take_small_ones_along(struct journal *j, struct journal_state *s) {
	struct journal_result r;
	unsigned stored = 0, refused = 0;
	testing_submit_set(j, "speed", "1", JOURNAL_D1);
	submit_big(j, JOURNAL_D1);
	uint64_t last = testing_submit_set(j, "speed", "2", JOURNAL_D2);
	do {
		r = testing_result(j);
		stored += r.rc == 0;
		refused += r.rc == -ENOSPC;
		CHECK(r.rc == 0 || r.records[0].seq == 0);
		for (unsigned i = 0; r.rc == 0 && i < r.count; i++)
			CHECK(state_apply(s, &r.records[i]) == 0);
	} while (r.ticket < last);
	CHECK(stored == 2 && refused == 1);
}

static void survives_a_full_disk(void (*more_space)(void)) {
	struct journal_options patient = {
		.window_ns = INT64_C(3600000000000)
	}; /* D1 waits for the next D2 */
	struct journal *j;
	struct journal_state *s = testing_state();
	CHECK(journal_open(t.path, &patient, &j, NULL) == 0);
	unsigned stored = fill(j, s);
	CHECK(stored > 1 && s->seq == stored);
	a_large_one_does_not_take_small_ones_along(j, s);
	CHECK(fill(j, s) == 0);
	struct hash before = state_hash(s), replayed = testing_replay(t.path, UINT64_MAX);
	CHECK(hash_equal(&before, &replayed)); /* what was refused left no trace */
	more_space();
	for (int i = 0; i < 3; i++)
		CHECK(testing_settle(j, submit_big(j, JOURNAL_D2), s) == 0);
	struct journal_stats stats;
	journal_stats(j, &stats);
	CHECK(stats.refused >= 3 && stats.records == s->seq);
	journal_stop(&j);
	before = state_hash(s);
	replayed = testing_replay(t.path, UINT64_MAX);
	CHECK(hash_equal(&before, &replayed) && testing_verified(t.path) == s->seq);
	free(s);
}

/* ---- a limit on the size of files ---- */

static void set_limit(rlim_t bytes) {
	struct rlimit l;
	CHECK(getrlimit(RLIMIT_FSIZE, &l) == 0);
	l.rlim_cur = bytes;
	CHECK(setrlimit(RLIMIT_FSIZE, &l) == 0);
}

static void lift_limit(void) {
	set_limit(64 << 20);
}

static void with_a_limit(void) {
	signal(SIGXFSZ, SIG_IGN);
	set_limit(1 << 20);
	survives_a_full_disk(lift_limit);
}

/* No room for the file itself: an error that says so, and no crash. */
static void with_no_room_at_all(void) {
	struct cdm_diag d = { .count = 0 };
	struct journal *j;
	signal(SIGXFSZ, SIG_IGN);
	set_limit(5000);
	CHECK(journal_open(t.path, NULL, &j, &d) == -ENOSPC && j == NULL && d.errors > 0);
	lift_limit();
	j = testing_open(&t);
	CHECK(testing_settle(j, testing_submit_set(j, "speed", "1", JOURNAL_D2), NULL) == 0);
	journal_stop(&j);
}

/* ---- a file system of two megabytes ---- */

static void put_line(const char *path, const char *line) {
	FILE *f = fopen(path, "w");
	if (!f || fputs(line, f) < 0 || fclose(f) != 0)
		_exit(SKIPPED);
}

static void may_mount(void) {
	uid_t uid = getuid();
	gid_t gid = getgid();
	char line[64];
	if (uid == 0 && unshare(CLONE_NEWNS) == 0)
		return;
	if (unshare(CLONE_NEWUSER | CLONE_NEWNS) < 0)
		_exit(SKIPPED);
	put_line("/proc/self/setgroups", "deny");
	snprintf(line, sizeof(line), "%u %u 1", (unsigned)uid, (unsigned)uid);
	put_line("/proc/self/uid_map", line);
	snprintf(line, sizeof(line), "%u %u 1", (unsigned)gid, (unsigned)gid);
	put_line("/proc/self/gid_map", line);
}

static char ballast[100];

static void drop_ballast(void) {
	CHECK(unlink(ballast) == 0);
}

static void on_a_tiny_disk(void) {
	static char zeros[256 << 10];
	may_mount();
	if (mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
			mount("tiny", t.folder, "tmpfs", 0, "size=2m") < 0)
		_exit(SKIPPED);
	snprintf(ballast, sizeof(ballast), "%s/ballast", t.folder);
	int fd = open(ballast, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	for (int i = 0; i < 4; i++)
		CHECK(write(fd, zeros, sizeof(zeros)) == sizeof(zeros));
	close(fd);
	survives_a_full_disk(drop_ballast);
}

static void on_a_disk_for_reading(void) {
	may_mount();
	if (mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
			mount("tiny", t.folder, "tmpfs", 0, "size=2m") < 0)
		_exit(SKIPPED);
	struct journal *j = testing_open(&t);
	CHECK(testing_settle(j, testing_submit_set(j, "speed", "1", JOURNAL_D2), NULL) == 0);
	journal_stop(&j);
	CHECK(mount("tiny", t.folder, NULL, MS_REMOUNT | MS_RDONLY, NULL) == 0);
	CHECK(testing_verified(t.path) == 1);
	struct cdm_diag d = { .count = 0 };
	CHECK(journal_open(t.path, NULL, &j, &d) == -EACCES && j == NULL);
	CHECK(d.errors == 1 && strcmp(d.at[0].id, "J0005") == 0);
}

static void in_a_child(const char *what, void (*test)(void)) {
	int status;
	pid_t child = fork();
	CHECK(child >= 0);
	if (child == 0) {
		test();
		_exit(0);
	}
	CHECK(waitpid(child, &status, 0) == child && WIFEXITED(status));
	CHECK(WEXITSTATUS(status) == 0 || WEXITSTATUS(status) == SKIPPED);
	printf("journal_full: %s: %s\n", what,
			WEXITSTATUS(status) ? "skipped, no mount allowed" : "ok");
	testing_remove(&t);
}

int main(void) {
	t = testing_begin();
	setvbuf(stdout, NULL, _IOLBF, 0);
	in_a_child("limit on files", with_a_limit);
	in_a_child("no room at all", with_no_room_at_all);
	in_a_child("tiny disk", on_a_tiny_disk);
	in_a_child("disk for reading", on_a_disk_for_reading);
	testing_end(&t);
}
