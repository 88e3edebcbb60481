/* keep_test.c - what core lets go by itself, by age and by size; and that nothing which must stay is. */
#include "journal/journal_testing.h"
#include "runtime/core_testing.h"

static uint64_t next_id = 1;

static uint64_t tell(const char *key, const char *value, uint64_t from) {
	put(++next_id, (struct question){ .op = "tell", .key = key, .text = value, .from = from });
	CHECK(hear("done") == next_id);
	return heard_number("seq");
}

static bool knows(const char *key, const char *value) {
	put(++next_id, (struct question){ .op = "read", .key = key });
	if (!value)
		return hear("error") == next_id && is("code", "ENOENT");
	return hear("done") == next_id && is("value", value);
}

/* What lives is what a replay says, after it has died. */
static bool state_is_replay(void) {
	put(++next_id, (struct question){ .op = "state" });
	CHECK(hear("done") == next_id);
	char hex[HASH_TEXT_MAX];
	struct hash h = testing_replay(journal_path(), heard_number("seq"));
	return is("hash", hash_text(&h, 64, hex));
}

static struct journal_reader *reader;
static struct journal_state *state;

static const struct journal_state *look(void) {
	CHECK(journal_state_at(reader, UINT64_MAX, state, NULL) == 0);
	return state;
}

static int count_gap(void *count, const struct journal_record *r) {
	*(unsigned *)count += r->kind == JOURNAL_GAP;
	return 0;
}

static unsigned gaps_in_file(void) {
	unsigned count = 0;
	CHECK(journal_each(reader, 0, 0, count_gap, &count) == 0);
	return count;
}

static uint64_t bytes_in_file(void) {
	uint64_t used;
	CHECK(journal_used(reader, &used) == 0);
	return used;
}

static void live(void) {
	begin();
	CHECK(journal_read_open(journal_path(), &reader, NULL) == 0);
	state = testing_state();
}

static void die(void) {
	journal_read_close(&reader);
	free(state);
	over();
	testing_verified(journal_path());
}

/* A ping, and so a moment of core's. */
static void pass_time(void) {
	put(++next_id, (struct question){ .op = "ping" });
	CHECK(hear("done") == next_id);
}

static const char *days, *megabytes, *look_ms;

static void with_policy(void) {
	if (days)
		plan_builder_option(&b, 0, "journal.keep_days", days);
	if (megabytes)
		plan_builder_option(&b, 0, "journal.keep_mb", megabytes);
	if (look_ms)
		plan_builder_option(&b, 0, "journal.look_ms", look_ms);
}

static void keep(const char *keep_days, const char *keep_mb, const char *each_ms) {
	days = keep_days;
	megabytes = keep_mb;
	look_ms = each_ms;
	core_more = with_policy;
}

/* What is older than thirty days goes, and nothing younger; what was said stays. */
static void what_is_old_is_let_go(void) {
	struct journal_state *s = testing_state();
	begin();
	tell("cat", "Tom", 0);
	over();
	keep(NULL, NULL, "20");
	CHECK(remove(journal_path()) == 0);
	testing_write_days_ago(journal_path(), s, 40, 6);
	testing_write_days_ago(journal_path(), s, 20, 6);
	live();
	tell("cat", "Tom", 0);
	while (gaps_in_file() >= 12 * JOURNAL_BATCH_MAX)
		pass_time();
	while (gaps_in_file() > 6 * JOURNAL_BATCH_MAX + 1) /* a gap of time */
		pass_time();
	CHECK(look()->compacted == 6 * JOURNAL_BATCH_MAX && state->kinds[JOURNAL_COMPACT] == 1);
	for (int i = 0; i < 50; i++)
		pass_time();
	CHECK(look()->kinds[JOURNAL_COMPACT] == 1); /* and it is not said again and again */
	CHECK(gaps_in_file() == 6 * JOURNAL_BATCH_MAX + 1 && knows("cat", "Tom") && state_is_replay());
	die();
	free(s);
}

static void what_is_old_stays_where_the_plan_says_so(void) {
	struct journal_state *s = testing_state();
	keep("0", NULL, "20");
	testing_write_days_ago(journal_path(), s, 400, 6);
	live();
	for (int i = 0; i < 50; i++)
		pass_time();
	struct cdm_mono began = clock_mono();
	while (mono_since(began, clock_mono()) < 200 * NS_PER_MS)
		pass_time();
	CHECK(look()->compacted == 0 && gaps_in_file() == 6 * JOURNAL_BATCH_MAX + 1);
	die();
	free(s);
}

enum { AT_ONCE = 48 };

/* Set so many values, several at a time. */
static void set_many(unsigned count) {
	uint64_t first = next_id + 1;
	for (unsigned n = 0; n < count + AT_ONCE; n++) {
		if (n < count)
			put(++next_id, (struct question){ .op = "set", .field = "speed", .value = n % 100 });
		if (n >= AT_ONCE)
			CHECK(hear("done") == first++);
	}
}

static void with_speed(void) {
	with_policy();
	uint16_t f = plan_builder_field(&b, "speed", CDM_F64, 1, 8, 0, CORE, PLAN_BUILDER_ALL);
	b.fields[f].kind = PLAN_SETTING;
	plan_builder_grant(&b, b.processes[GATE].entity, PLAN_MAY_SET, PLAN_NONE);
}

/* Months of life in a moment: the file stays as small as it may be, whatever is set, and the state is what it was. */
static void a_long_life_in_a_small_file(void) {
	uint64_t most = 0;
	keep(NULL, "2", NULL);
	core_more = with_speed;
	live();
	tell("cat", "Tom", 0);
	struct question early = { .op = "set", .field = "speed", .value = 1, .request = "early" };
	put(++next_id, early);
	CHECK(hear("done") == next_id);
	for (unsigned i = 0; i < 15; i++) {
		set_many(2000);
		most = bytes_in_file() > most ? bytes_in_file() : most;
	}
	CHECK(look()->kinds[JOURNAL_SET] == 30001 && state->compacted > 15000);
	put(++next_id, early); /* what it was cannot be looked up any more */
	CHECK(hear("error") == next_id && strstr(heard("text"), "was let go by a compaction: use another one"));
	CHECK(most < 4u << 20); /* of what would be six */
	CHECK(knows("cat", "Tom") && state_is_replay());
	die();
}

/* That what must stay is more than the plan has room for, as an event of core's. */
static unsigned times_it_was_said(void) {
	struct event_reader r;
	struct event e;
	unsigned times = 0;
	uint32_t epoch = directory_get(&w.directory, CORE).epoch;
	CHECK(peers_replace(&w.at[GUARD], CORE, epoch, &w.files[CORE]) == 0);
	event_reader_open(&r, &w.at[GUARD], CORE);
	event_filter(&r, UINT64_C(1) << EVENT_JOURNAL, PLAN_NONE);
	while (event_next(&r, &e) >= 0)
		times += e.a > e.b && e.b == 1u << 20;
	event_reader_close(&r);
	return times;
}

/* Who must stay is more than there is to be: nobody is let go for it, and it is said. */
static void what_must_stay_stays(void) {
	static char text[BODY_VALUE_MAX];
	memset(text, 'x', sizeof(text) - 1);
	keep(NULL, "1", NULL);
	core_more = with_speed;
	live();
	for (unsigned i = 0; i < 2000; i++)
		tell("cat", text, 0);
	for (unsigned i = 0; i < 3; i++) { /* it is said once, however often it is looked at */
		uint64_t before = look()->compacted;
		while (look()->compacted == before)
			set_many(500);
	}
	CHECK(state->kinds[JOURNAL_FACT] == 2000 && bytes_in_file() > 1u << 20);
	CHECK(knows("cat", text) && state_is_replay() && times_it_was_said() == 1);
	die();
}

/* Core looks all the time, and at much; who wants something erased waits for that, and is not sent away. */
static void an_erasure_comes_in_between(void) {
	uint64_t seq[20];
	keep(NULL, "1", "1");
	core_more = with_speed;
	live();
	for (unsigned i = 0; i < COUNT_OF(seq); i++)
		seq[i] = tell("cat", "Tom", 0);
	set_many(6000);
	for (unsigned i = 0; i < COUNT_OF(seq); i++) {
		put(++next_id, (struct question){ .op = "erase", .seq = seq[i] });
		CHECK(hear("done") == next_id);
	}
	while (look()->compacted == 0) /* an erasure takes the snapshots away that know of it */
		set_many(100);
	CHECK(knows("cat", NULL) && state_is_replay());
	die();
}

int main(void) {
	void (*const tests[])(void) = { what_is_old_is_let_go, what_is_old_stays_where_the_plan_says_so,
		a_long_life_in_a_small_file, what_must_stay_stays, an_erasure_comes_in_between };
	return core_tests(tests, COUNT_OF(tests));
}
