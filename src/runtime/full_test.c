/*
 * full_test.c - a core that takes the place of another one on a disk without room comes up, and writes later.  Files
 * that may not grow are such a disk.
 */
#include <sys/resource.h>
#include <sys/stat.h>
#include "journal/journal_testing.h"
#include "runtime/core_testing.h"

static uint64_t next_id = 1;

static bool tell(const char *key, const char *value) {
	put(++next_id, (struct question){ .op = "tell", .key = key, .text = value });
	char kind[16];
	ssize_t n = control_receive(gate, message, sizeof(message), PATIENCE_MS * NS_PER_MS);
	CHECK(n > 0);
	message_bytes = (size_t)n;
	CHECK(mp_find_str(message, message_bytes, "ev", kind, sizeof(kind)) == 0);
	return strcmp(kind, "done") == 0;
}

static bool knows(const char *key, const char *value) {
	put(++next_id, (struct question){ .op = "read", .key = key });
	return hear("done") == next_id && is("value", value);
}

static size_t size_of(const char *ending) {
	char path[128];
	struct stat s;
	snprintf(path, sizeof(path), "%s%s", journal_path(), ending);
	return stat(path, &s) == 0 ? (size_t)s.st_size : 0;
}

static rlim_t room; /* that the next core finds */

static void finds_room(void) {
	struct rlimit l;
	CHECK(signal(SIGXFSZ, SIG_IGN) != SIG_ERR && getrlimit(RLIMIT_FSIZE, &l) == 0);
	l.rlim_cur = room;
	CHECK(setrlimit(RLIMIT_FSIZE, &l) == 0);
}

static void a_core_comes(rlim_t bytes) {
	room = bytes;
	core_born = finds_room;
	start_core();
}

static void make_room(void) {
	struct rlimit l;
	CHECK(prlimit(pid, RLIMIT_FSIZE, NULL, &l) == 0);
	l.rlim_cur = l.rlim_max;
	CHECK(prlimit(pid, RLIMIT_FSIZE, &l, NULL) == 0);
}

static unsigned epochs;

static int follow(void *before, const struct journal_record *r) {
	uint64_t *epoch = before;
	CHECK(r->epoch == *epoch || r->kind == JOURNAL_EPOCH || r->kind == JOURNAL_PLAN);
	*epoch = r->epoch;
	epochs += r->kind == JOURNAL_EPOCH;
	return 0;
}

/* So many epochs, each begun by its record; the live state is what is there. */
static void journal_has(unsigned count) {
	struct journal_reader *r;
	uint64_t epoch = 0;
	char hex[HASH_TEXT_MAX];
	epochs = 0;
	CHECK(journal_read_open(journal_path(), &r, NULL) == 0 && journal_each(r, 0, 0, follow, &epoch) == 0);
	journal_read_close(&r);
	CHECK(epochs == count);
	put(++next_id, (struct question){ .op = "state" });
	CHECK(hear("done") == next_id);
	struct hash h = testing_replay(journal_path(), heard_number("seq"));
	CHECK(is("hash", hash_text(&h, 64, hex)));
}

/* A file, and a log of it, of which both are longer than SQLite's index, so that a limit may meet them alone. */
static void long_files(void) {
	static char text[BODY_VALUE_MAX];
	memset(text, 'x', sizeof(text) - 1);
	begin();
	for (int i = 0; i < 200; i++)
		CHECK(tell("dog", text));
	over();
	CHECK(size_of("") > 160 << 10 && size_of("-wal") == 0);
	begin();
	while (size_of("-wal") < 80 << 10)
		CHECK(tell("dog", text));
	CHECK(tell("cat", "Tom"));
}

static void a_core_comes_up_and_writes_later(void) {
	long_files();
	core_dies();
	a_core_comes(size_of("-wal"));
	comes_up();
	CHECK(knows("cat", "Tom"));
	CHECK(!tell("cat", "Max") && is("code", "ENOSPC") && strstr(heard("text"), "make room"));
	put(++next_id, (struct question){ .op = "say", .text = "stop" });
	CHECK(hear("error") == next_id && is("code", "ENOSPC") && strstr(heard("text"), "it is stopped"));
	CHECK(is_stopped());
	put(++next_id, (struct question){ .op = "erase", .seq = 3 });
	CHECK(hear("error") == next_id && is("code", "ENOSPC"));
	journal_has(2); /* and is read meanwhile */
	make_room();
	while (!tell("cat", "Max"))
		CHECK(is("code", "ENOSPC"));
	CHECK(knows("cat", "Max"));
	journal_has(3);
	over();
	testing_verified(journal_path());
}

/* Killed again before it could write: the next one is no worse off. */
static void and_so_does_the_next_one(void) {
	long_files();
	for (int i = 0; i < 3; i++) {
		core_dies();
		a_core_comes(size_of("-wal"));
		comes_up();
		CHECK(knows("cat", "Tom") && !tell("cat", "Max"));
	}
	make_room();
	while (!tell("cat", "Max"))
		CHECK(is("code", "ENOSPC"));
	journal_has(3);
	over();
	testing_verified(journal_path());
}

/* It has tried: SQLite begins with an index of no size. */
static void cannot_open(void) {
	size_t index = size_of("-shm");
	struct cdm_mono began = clock_mono();
	a_core_comes(8 << 10);
	struct pollfd p = { .fd = parent, .events = POLLIN };
	while (size_of("-shm") >= index)
		CHECK(mono_since(began, clock_mono()) < PATIENCE_MS * NS_PER_MS && poll(&p, 1, 1) == 0);
	asks_nothing_of_parent();
}

/* SQLite cannot even make its index: core waits, and hears its parent meanwhile. */
static void one_that_cannot_open_waits(void) {
	long_files();
	core_dies();
	cannot_open();
	make_room();
	comes_up();
	CHECK(knows("cat", "Tom") && tell("cat", "Max"));
	journal_has(3);
	core_dies();
	cannot_open();
	over(); /* it ends when it is told to, and in good order */
	testing_verified(journal_path());
}

/* ---- an erasure ---- */

#define CHILDREN 6u

static uint64_t told(unsigned round, unsigned child, uint64_t from) {
	char key[16];
	snprintf(key, sizeof(key), "r%u-%u", round, child);
	put(++next_id, (struct question){ .op = "tell", .key = key, .text = "4711", .from = from });
	CHECK(hear("done") == next_id);
	return heard_number("seq");
}

static unsigned still_known(unsigned round) {
	unsigned n = 0;
	for (unsigned i = 0; i <= CHILDREN; i++) {
		char key[16], kind[16];
		snprintf(key, sizeof(key), "r%u-%u", round, i);
		put(++next_id, (struct question){ .op = "read", .key = key });
		ssize_t got = control_receive(gate, message, sizeof(message), PATIENCE_MS * NS_PER_MS);
		CHECK(got > 0 && mp_find_str(message, (size_t)got, "ev", kind, sizeof(kind)) == 0);
		n += strcmp(kind, "done") == 0;
	}
	return n;
}

static void leave_room(size_t bytes) {
	struct rlimit l;
	CHECK(prlimit(pid, RLIMIT_FSIZE, NULL, &l) == 0);
	l.rlim_cur = bytes;
	CHECK(prlimit(pid, RLIMIT_FSIZE, &l, NULL) == 0);
}

/* Within a walk: while that is open the log cannot be emptied, and each erasure makes it longer. */
struct held {
	unsigned round;
	bool halfway; /* out */
};

static int fills_halfway(void *user, const struct journal_record *r) {
	struct held *h = user;
	(void)r;
	uint64_t root = told(h->round, 0, 0), last = root;
	for (unsigned i = 1; i <= CHILDREN; i++)
		last = told(h->round, i, last); /* each made of the one before */
	leave_room(size_of("-wal") + h->round * 16 * 1024);
	put(++next_id, (struct question){ .op = "erase", .seq = root });
	CHECK(hear("error") == next_id && is("code", "ENOSPC"));
	unsigned left = still_known(h->round);
	h->halfway = left > 0 && left <= CHILDREN;
	put(++next_id, (struct question){ .op = "state" });
	CHECK(hear("done") == next_id);
	char hex[HASH_TEXT_MAX];
	struct hash folded = testing_replay(journal_path(), heard_number("seq"));
	CHECK(is("hash", hash_text(&folded, 64, hex)));
	make_room();
	put(++next_id, (struct question){ .op = "erase", .seq = root });
	CHECK(hear("done") == next_id && heard_number("erased") == left);
	CHECK(still_known(h->round) == 0);
	return 1;
}

static void an_erasure_that_ends_halfway(void) {
	unsigned halfway = 0;
	CHECK(signal(SIGXFSZ, SIG_IGN) != SIG_ERR); /* which core inherits */
	for (unsigned round = 1; round <= 3; round++) {
		struct held h = { .round = round };
		struct journal_reader *r;
		begin();
		CHECK(journal_read_open(journal_path(), &r, NULL) == 0);
		CHECK(journal_each(r, 0, 0, fills_halfway, &h) == 1);
		journal_read_close(&r);
		halfway += h.halfway;
		over();
		testing_verified(journal_path());
	}
	CHECK(halfway > 0);
}

int main(void) {
	void (*const tests[])(void) = { a_core_comes_up_and_writes_later, and_so_does_the_next_one,
		one_that_cannot_open_waits, an_erasure_that_ends_halfway };
	return core_tests(tests, COUNT_OF(tests));
}
