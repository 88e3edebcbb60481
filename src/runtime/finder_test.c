/*
 * finder_test.c - what the finder took in for a question can be found until it can be written down, however long the
 * disk does not let it; and what another number of vectors, or a disk that comes back, asks it to do again, it does.
 */
#include "runtime/finder.h"

#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <sys/resource.h>
#include "base/clock.h"
#include "memory/memory_testing.h"

enum { PATIENCE_MS = 20000 };

static struct told w;
static struct finder *f;

static bool is_late(struct cdm_mono began) {
	return mono_since(began, clock_mono()) > PATIENCE_MS * NS_PER_MS;
}

static void begin(const char *embedder) {
	told_begin(&w);
	CHECK(finder_open(&f, w.t.path, embedder) == 0);
}

static void end(void) {
	finder_close(&f);
	told_end(&w);
}

/* Until it has what the journal has. */
static void taken_in(void) {
	struct pollfd p = { .fd = finder_fd(f), .events = POLLIN };
	while (finder_await(f, w.last) < 0) {
		CHECK(poll(&p, 1, PATIENCE_MS) == 1);
		CHECK(finder_answer(f) == NULL);
	}
}

/* Does an answer to that question say so? */
static bool finds(const char *question, const char *what) {
	static struct finder_question q;
	struct pollfd p = { .fd = finder_fd(f), .events = POLLIN };
	const struct finder_answer *a;
	bool found = false;
	snprintf(q.text, sizeof(q.text), "%s", question);
	q.id++;
	CHECK(finder_ask(f, &q) == 0);
	while (!(a = finder_answer(f)))
		CHECK(poll(&p, 1, PATIENCE_MS) == 1);
	CHECK(a->id == q.id);
	for (unsigned i = 0; i < a->count; i++)
		found = found || strstr(a->hits[i].text, what);
	finder_taken(f);
	return found;
}

static uint64_t tell(const char *text) {
	uint64_t seq = told_turn(&w, "ada", "", text, "Noted.");
	finder_follow(f);
	return seq;
}

/* No file grows: what is in the index's log has no room to become longer, and that of the journal is shorter. */
static void let_no_file_grow(bool yes) {
	static struct rlimit before;
	struct stat index;
	if (!yes) {
		CHECK(setrlimit(RLIMIT_FSIZE, &before) == 0);
		return;
	}
	CHECK(stat(told_index(&w, "-wal"), &index) == 0 && index.st_size > 0);
	CHECK(getrlimit(RLIMIT_FSIZE, &before) == 0);
	struct rlimit now = { (rlim_t)index.st_size, before.rlim_max };
	CHECK(setrlimit(RLIMIT_FSIZE, &now) == 0);
}

static void what_cannot_be_written_can_be_found(void) {
	begin(NULL);
	tell("the lamp is in the attic");
	taken_in();
	uint64_t seq = told_turn(&w, "ada", "", "the key is behind the stove", "Noted.");
	let_no_file_grow(true);
	finder_follow(f);
	CHECK(finds("where is the key?", "stove"));
	struct cdm_mono began = clock_mono();
	while (finder_trouble(f) == 0) /* that it could not be written is known 50 ms later */
		CHECK(!is_late(began) && sched_yield() == 0);
	for (unsigned i = 0; i < 3; i++) {
		CHECK(finds("where is the key?", "stove") && finds("where is the lamp?", "attic"));
		CHECK(finder_trouble(f) < 0); /* which no answer makes good */
	}
	let_no_file_grow(false);
	for (began = clock_mono(); finder_trouble(f) < 0;) /* it tries again by itself */
		CHECK(!is_late(began) && sched_yield() == 0);
	CHECK(finds("where is the key?", "stove"));
	finder_close(&f);
	CHECK(memory_open(w.t.path, NULL, &w.m, NULL) == 0);
	struct memory_stats s;
	memory_stats(w.m, &s);
	CHECK(s.upto == seq && s.in_file);
	end();
}

/* Nobody asks for it, and nobody waits for it. */
static void it_is_written_down_soon(void) {
	struct memory_stats s;
	begin(NULL);
	tell("the lamp is in the attic");
	taken_in();
	tell("the key is behind the stove");
	CHECK(finds("where is the key?", "stove"));
	finder_close(&f); /* at the latest then */
	CHECK(memory_open(w.t.path, NULL, &w.m, NULL) == 0);
	memory_stats(w.m, &s);
	CHECK(s.upto == w.last && s.passages == 2);
	end();
}

/* The index begins anew while something is in it that is not written down. */
static void a_model_that_comes_takes_nothing_away(void) {
	begin("embedder");
	tell("the lamp is in the attic");
	taken_in();
	for (unsigned dims = 64; dims <= 256; dims += 32) {
		char text[64], what[32];
		snprintf(what, sizeof(what), "stove %u", dims);
		snprintf(text, sizeof(text), "the key is behind the %s", what);
		tell(text);
		CHECK(finds("where is the key?", what));
		finder_model(f, dims);
		CHECK(finds("where is the key?", what) && finds("where is the lamp?", "attic"));
	}
	taken_in();
	end();
}

int main(void) {
	CHECK(signal(SIGXFSZ, SIG_IGN) != SIG_ERR);
	what_cannot_be_written_can_be_found();
	it_is_written_down_soon();
	a_model_that_comes_takes_nothing_away();
	puts("finder_test: ok");
	return 0;
}
