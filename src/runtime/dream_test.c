/*
 * dream_test.c - consolidation: begun when nothing is asked, ended when somebody stirs, and done at any time where it
 * is overdue.  The lifecycle's clock runs two thousand times as fast: two minutes of rest are sixty milliseconds.
 */
#include "journal/journal_testing.h"
#include "runtime/core_testing.h"
#include "runtime/keeper.h"

#define FAST "200000" /* percent */

static uint64_t next_id = 1;
static const char *pace, *load, *look_ms;

static void with_options(void) {
	plan_builder_option(&b, 0, "lifecycle.pace", pace);
	plan_builder_option(&b, 0, "lifecycle.load", load);
	plan_builder_option(&b, 0, "journal.look_ms", look_ms);
}

static struct journal_reader *reader;
static struct journal_state *state;

static void live(const char *as_fast, const char *as_busy, const char *looks) {
	pace = as_fast;
	load = as_busy;
	look_ms = looks;
	core_more = with_options;
	begin();
	directory_set(&w.directory, GUARD, DIRECTORY_LIVE, clock_mono());
	CHECK(journal_read_open(journal_path(), &reader, NULL) == 0);
	state = testing_state();
}

static void die(void) {
	journal_read_close(&reader);
	free(state);
	over();
	testing_verified(journal_path());
}

static const struct journal_state *look(void) {
	CHECK(journal_state_at(reader, UINT64_MAX, state, NULL) == 0);
	return state;
}

enum { AT_ONCE = 32 };

/* One stirs: so many are told, and no dream is between them. */
static void tell_many(unsigned count) {
	uint64_t first = next_id + 1;
	for (unsigned n = 0; n < count + AT_ONCE; n++) {
		if (n < count)
			put(++next_id, (struct question){ .op = "tell", .key = "cat", .text = "Tom" });
		if (n >= AT_ONCE && n - AT_ONCE < count)
			CHECK(hear("done") == first++);
	}
}

/* To look at it does not stir it. */
static bool lifecycle_is(const char *want) {
	put(++next_id, (struct question){ .op = "state" });
	CHECK(hear("done") == next_id);
	return strcmp(heard("lifecycle"), want) == 0;
}

static void until_lifecycle_is(const char *want) {
	struct cdm_mono began = clock_mono();
	while (!lifecycle_is(want))
		CHECK(mono_since(began, clock_mono()) < PATIENCE_MS * NS_PER_MS);
}

static void until_snapshots_are(uint64_t count) {
	struct cdm_mono began = clock_mono();
	while (look()->kinds[JOURNAL_SNAPSHOT] < count)
		CHECK(mono_since(began, clock_mono()) < PATIENCE_MS * NS_PER_MS);
	CHECK(state->kinds[JOURNAL_SNAPSHOT] == count);
}

/* Nobody asks anything, not even for the state: core wakes by itself. */
static void at_rest_there_is_a_snapshot(void) {
	live(FAST, "0", "3600000");
	tell_many(300);
	until_snapshots_are(1);
	until_lifecycle_is("REST"); /* with nothing left to do */
	tell_many(300);
	until_snapshots_are(2);
	die();
}

/* What is little is no chore: where nobody was at rest for so many there is none. */
static void a_few_records_are_no_chore(void) {
	live(FAST, "0", "3600000");
	tell_many(100);
	until_lifecycle_is("REST");
	struct cdm_mono began = clock_mono();
	while (mono_since(began, clock_mono()) < 200 * NS_PER_MS)
		CHECK(!lifecycle_is("DREAM"));
	CHECK(look()->kinds[JOURNAL_SNAPSHOT] == 0);
	die();
}

/* A busy computer has no time for it; what is overdue is done all the same. */
static void a_busy_computer_does_not_dream(void) {
	live(FAST, "90", "3600000");
	tell_many(300);
	until_lifecycle_is("REST");
	struct cdm_mono began = clock_mono();
	while (mono_since(began, clock_mono()) < 200 * NS_PER_MS)
		CHECK(!lifecycle_is("DREAM"));
	CHECK(look()->kinds[JOURNAL_SNAPSHOT] == 0);
	tell_many(4096);
	until_snapshots_are(1);
	die();
}

/* With its own clock it is a minute before there is rest at all. */
static void a_minute_is_a_minute(void) {
	live("100", "0", "3600000");
	tell_many(300);
	CHECK(lifecycle_is("WAKE") && look()->kinds[JOURNAL_SNAPSHOT] == 0);
	die();
}

/* What was forty days ago: what need not be kept, and a snapshot that stands for it. */
static void write_long_ago(unsigned batches) {
	struct journal_state *s = testing_state();
	testing_write_days_ago(journal_path(), s, 40, batches);
	free(s);
}

static void until_it_is_let_go(unsigned batches) {
	struct cdm_mono began = clock_mono();
	while (look()->compacted < batches * JOURNAL_BATCH_MAX)
		CHECK(mono_since(began, clock_mono()) < PATIENCE_MS * NS_PER_MS);
}

/* Long before it would be overdue, which is after 24 looks. */
static void at_rest_what_is_old_is_let_go(void) {
	write_long_ago(6);
	live(FAST, "0", "2000");
	until_it_is_let_go(6);
	CHECK(state->kinds[JOURNAL_COMPACT] == 1);
	die();
}

/* The same for a computer that never rests. */
static void what_is_overdue_is_let_go_at_any_time(void) {
	write_long_ago(6);
	live(FAST, "90", "5");
	until_it_is_let_go(6);
	die();
}

/* A turn that comes into a dream is answered, and what was begun is done in another one. */
static void who_stirs_comes_first(void) {
	write_long_ago(200);
	live(FAST, "0", "50");
	model_comes(LARK);
	until_lifecycle_is("DREAM");
	put(++next_id, (struct question){ .op = "say", .text = "hello", .model = "lark" });
	uint64_t said = next_id, id = generate(LARK);
	CHECK(lifecycle_is("FOCUS"));
	model_says(LARK, id, "hi");
	CHECK(hear("done") == said);
	until_it_is_let_go(200);
	die();
}

/* ---- the keeper ---- */

static int ended(struct keeper *k) {
	static struct keeper_job job;
	struct pollfd p = { .fd = keeper_fd(k), .events = POLLIN };
	CHECK(poll(&p, 1, PATIENCE_MS) == 1 && keeper_take(k, &job) == 0);
	free(job.state);
	return job.rc;
}

/* What it reads at length ends when it is not wanted, and only that. */
static void the_keeper_is_interrupted(void) {
	struct keeper *k;
	struct keeper_job job = { .work = KEEPER_PLAN, .upto = UINT64_MAX, .kinds = UINT64_C(1) << JOURNAL_GAP };
	write_long_ago(100);
	CHECK(keeper_open(&k, journal_path()) == 0);
	keeper_cancel(k); /* nothing is in hand */
	CHECK(keeper_begin(k, &job) == 0 && ended(k) == 0);
	do {
		CHECK(keeper_begin(k, &job) == 0);
		keeper_cancel(k);
	} while (ended(k) != -ECANCELED);
	CHECK(keeper_begin(k, &job) == 0 && ended(k) == 0);
	keeper_close(&k);
}

int main(void) {
	void (*const tests[])(void) = { at_rest_there_is_a_snapshot, a_few_records_are_no_chore,
		a_busy_computer_does_not_dream, a_minute_is_a_minute, at_rest_what_is_old_is_let_go,
		what_is_overdue_is_let_go_at_any_time, who_stirs_comes_first, the_keeper_is_interrupted };
	return core_tests(tests, COUNT_OF(tests));
}
