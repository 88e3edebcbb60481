/*
 * journal_kill.c - SIGKILL a writing process: nothing acknowledged is lost.
 *
 * At random instants, while a child writes batches of both classes as fast as it can (JOURNAL_KILLS=n times, 400 unless
 * told); and at each single thing that a child does to its files, before it, in the middle of it, and after it (under
 * AddressSanitizer, 30 times and at each third thing).  Then
 *
 *	the file opens, and its chain and pages verify
 *	each record that was acknowledged stands where it was said to stand
 *	each batch is there as a whole or not at all
 *	the file replays to the states that the child had told, and the next owner to its own
 */
#include <signal.h>
#include <sqlite3.h>
#include <sys/wait.h>
#include "env/env.h"
#include "test/fault/journal_child.h"
#include "test/lib/pace.h"

enum { KILLS = PACE(400, 30), STRIDE = PACE(1, 3), A_FILE = 20 /* kills before the next one starts anew */,
	LEAST = PACE(1000, 200) /* of both kinds */ };

static struct testing t;
static struct child_acks acks;

static void at_random_instants(unsigned kills) {
	uint64_t seed = 99;
	size_t acknowledged = 0;
	for (unsigned round = 0; round < kills; round++) {
		size_t before = acks.count;
		child_kill_one(t.path, round, &seed, &acks);
		acknowledged += acks.count - before;
		(void)child_check(t.path, &acks);
		if (round % A_FILE == A_FILE - 1) {
			testing_remove(&t);
			acks.count = 0;
		}
	}
	testing_remove(&t);
	acks.count = 0;
	CHECK(acknowledged > 5 * (size_t)kills);
	printf("journal_kill: %u kills at random instants, %zu records acknowledged, none lost\n", kills, acknowledged);
}

/* ---- at each thing that is done to a file ---- */

enum thing { WAL_HEADER, FRAME_HEADER, FRAME, PAGE, INDEX, CUT, REMOVAL, OPENING, RENAMING, THINGS };

static const char *const thing_names[] = { "header of the WAL", "header of a frame", "frame", "page of the file",
	"index", "truncation", "removal", "opening", "renaming" };

/* Of the child: */
static unsigned things_done, dies_at, dies_after; /* so many thirds of it; 3: all */
static int parent;

static _Noreturn void die(void) {
	kill(getpid(), SIGKILL);
	_exit(1);
}

/* Is this the last thing?  Then die before it, or, if true, when so much of it is done. */
static bool is_last(enum thing what) {
	if (++things_done != dies_at)
		return false;
	struct child_ack last_word = { .seq = 0, .hash = { { (uint8_t)what } } };
	if (write(parent, &last_word, sizeof(last_word)) != sizeof(last_word))
		_exit(1);
	if (dies_after == 0)
		die();
	return true;
}

/* What is written, by its size and place: frames of a WAL follow its header of 32 bytes, each with one of 24. */
static enum thing thing_of(size_t bytes, off_t at) {
	if (bytes == 32 && at == 0)
		return WAL_HEADER;
	if (bytes == 24)
		return FRAME_HEADER;
	if (bytes < 512)
		return INDEX;
	return at % 4096 == 0 ? PAGE : FRAME;
}

static ssize_t last_pwrite(int fd, const void *bytes, size_t n, off_t at) {
	bool last = is_last(thing_of(n, at));
	ssize_t rc = pwrite(fd, bytes, last ? n * dies_after / 3 : n, at);
	if (last)
		die();
	return rc;
}

static int last_ftruncate(int fd, off_t size) {
	bool last = is_last(CUT);
	int rc = ftruncate(fd, size);
	if (last)
		die();
	return rc;
}

static int last_unlink(const char *path) {
	bool last = is_last(REMOVAL);
	int rc = unlink(path);
	if (last)
		die();
	return rc;
}

static int last_open(const char *path, int flags, int mode) {
	bool last = is_last(OPENING);
	int rc = open(path, flags, mode);
	if (last)
		die();
	return rc;
}

static int last_move(const struct env *e, const char *from, const char *to) {
	(void)e;
	bool last = is_last(RENAMING);
	int rc = env_real()->move(env_real(), from, to);
	if (last)
		die();
	return rc;
}

static void watch_what_is_done(void) {
	const struct {
		const char *name;
		sqlite3_syscall_ptr call;
	} calls[] = { { "pwrite", (sqlite3_syscall_ptr)last_pwrite }, { "pwrite64", (sqlite3_syscall_ptr)last_pwrite },
		{ "ftruncate", (sqlite3_syscall_ptr)last_ftruncate }, { "unlink", (sqlite3_syscall_ptr)last_unlink },
		{ "open", (sqlite3_syscall_ptr)last_open } };
	sqlite3_vfs *v = sqlite3_vfs_find(NULL);
	for (size_t i = 0; i < COUNT_OF(calls); i++)
		(void)v->xSetSystemCall(v, calls[i].name, calls[i].call); /* one of the two pwrites is not there */
}

/* Two lives of an owner, who stops in good order after each. */
static _Noreturn void live_twice(unsigned round) {
	struct env here = *env_real();
	here.move = last_move;
	const struct journal_options o = { .env = &here, .stepped = true, .window_ns = 1 };
	uint64_t dice = 7;
	watch_what_is_done();
	for (unsigned life = 0; life < 2; life++) {
		struct journal *j;
		CHECK(journal_open(t.path, &o, &j, NULL) == 0);
		struct journal_state *s = child_state(t.path);
		for (unsigned number = 0; number < 8; number++) {
			testing_random(&dice);
			CHECK(child_submit(j, round, 8 * life + number, dice | 1 << 16) == 0 && journal_step(j));
			child_tell(j, s, parent);
			if (number != 5)
				continue;
			CHECK(journal_snapshot(j, s, "core", NULL) == 0 && journal_step(j));
			child_tell(j, s, parent);
		}
		free(s);
		journal_stop(&j);
	}
	_exit(0);
}

/* Did it die at that thing, and which was it? */
static bool kill_at(unsigned at, unsigned after, enum thing *what) {
	int pipes[2], status;
	CHECK(pipe(pipes) == 0);
	pid_t child = fork();
	CHECK(child >= 0);
	if (child == 0) {
		close(pipes[0]);
		parent = pipes[1];
		dies_at = at;
		dies_after = after;
		live_twice(at);
	}
	close(pipes[1]);
	child_collect(pipes[0], &acks);
	close(pipes[0]);
	CHECK(waitpid(child, &status, 0) == child);
	bool died = WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL;
	CHECK(died || (WIFEXITED(status) && WEXITSTATUS(status) == 0));
	if (died) {
		CHECK(acks.count > 0 && acks.at[acks.count - 1].seq == 0);
		*what = (enum thing)acks.at[--acks.count].hash.bytes[0];
	}
	return died;
}

/* And the next owner can go on, with a state that is the replay. */
static void go_on(void) {
	struct journal *j = testing_open(&t);
	struct journal_state *s = child_state(t.path);
	CHECK(testing_settle(j, testing_submit_set(j, "kill", "0 0 0 1", JOURNAL_D2), s) == 0);
	struct hash live = state_hash(s), replayed = testing_replay(t.path, UINT64_MAX);
	CHECK(hash_equal(&live, &replayed));
	free(s);
	journal_stop(&j);
	(void)child_check(t.path, &acks);
}

static unsigned at_each_thing(void) {
	unsigned kills = 0, of[THINGS] = { 0 };
	for (unsigned after = 0; after <= 3; after++) {
		enum thing what;
		for (unsigned at = 1 + after % STRIDE; kill_at(at, after, &what); at += STRIDE) {
			(void)child_check(t.path, &acks);
			go_on();
			testing_remove(&t);
			acks.count = 0;
			of[what]++;
			kills++;
		}
		testing_remove(&t);
		acks.count = 0;
	}
	printf("journal_kill: %u kills at each thing that is done to a file:", kills);
	for (unsigned i = 0; i < THINGS; i++) {
		CHECK(of[i] > 0);
		printf("%s %u %s", i ? "," : "", of[i], thing_names[i]);
	}
	puts("");
	return kills;
}

int main(void) {
	const char *told = getenv("JOURNAL_KILLS");
	unsigned kills = told ? (unsigned)strtoul(told, NULL, 10) : KILLS;
	child_acks_init(&acks, 1u << 20);
	setvbuf(stdout, NULL, _IOLBF, 0);
	t = testing_begin();
	at_random_instants(kills);
	testing_end(&t);
	/* What a process leaves to the kernel is there for the next one, so the disk need not be waited for. */
	t = testing_begin_in(access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
	kills += at_each_thing();
	CHECK(told || kills >= LEAST);
	testing_end(&t);
	child_acks_fini(&acks);
	puts("journal_kill: ok");
}
