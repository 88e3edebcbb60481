/*
 * memory_glance_test.c - what is taken in while somebody waits is found at once, and written down later; whatever goes
 * wrong in between, at each operation of the disk, it is found afterwards, and what was erased is not.
 */
#include "env/env_sim.h"
#include "memory/memory_priv.h"
#include "memory/memory_testing.h"
#include "test/lib/pace.h"

static const char path[] = "state";
static const char index_path[] = "state.memory";

static struct env_sim *world;
static struct journal *j;
static struct memory *m;
static struct memory_hit hits[16];
static uint64_t last;

static void settle_one(void) {
	struct journal_result r;
	CHECK(journal_step(j) && journal_take(j, &r) == 0 && r.rc == 0 && r.count == 1);
	last = r.records[0].seq;
}

static uint64_t tell(const char *user) {
	uint8_t room[512];
	struct body_turn b = { .speaker = body_text("ada"), .user = body_text(user), .answer = body_text("yes"),
		.trust_ppm = 800000 };
	struct journal_entry e = testing_entry(JOURNAL_TURN, room, body_build_turn(&b, room, sizeof(room)));
	uint64_t ticket;
	CHECK(journal_submit(j, &e, 1, JOURNAL_D2, &ticket) == 0);
	settle_one();
	return last;
}

static void forget(uint64_t seq) {
	uint8_t room[256];
	struct body_erase b = { .seq = seq, .reason = body_text("asked to") };
	struct journal_entry e = testing_entry(JOURNAL_ERASE, room, body_build_erase(&b, room, sizeof(room)));
	uint64_t ticket;
	CHECK(journal_erase(j, seq, &e, &ticket) == 0);
	settle_one();
}

static int ask(const char *text) {
	struct memory_query q = { .text = text, .quick = true, .distinct = true };
	return memory_search(m, &q, hits, COUNT_OF(hits));
}

static void open_memory(void) {
	const struct memory_options o = { .env = env_sim_env(world, 1), .busy_ms = 1 };
	CHECK(memory_open(path, &o, &m, NULL) == 0);
}

static struct memory_stats stats(void) {
	struct memory_stats s;
	memory_stats(m, &s);
	return s;
}

/* A memory that knows five turns, of which one is a secret. */
static void begin(uint64_t seed) {
	const struct journal_options o = { .stepped = true };
	struct journal_options in = o;
	world = env_sim_create(seed);
	in.env = env_sim_env(world, 0);
	CHECK(journal_open(path, &in, &j, NULL) == 0);
	tell("the secret word is marzipan");
	tell("a cow");
	tell("a horse");
	tell("a goat");
	tell("a hen");
	open_memory();
	CHECK(memory_follow(m, 0) == (int)last && stats().passages == 5);
}

static void end(void) {
	memory_close(&m);
	journal_stop(&j);
	env_sim_destroy(&world);
}

static bool finds(const char *word) {
	int n = ask(word);
	CHECK(n >= 0);
	return n > 0 && strstr(hits[0].text, word);
}

/* All that was said, and nothing that was erased. */
static void check_whole(unsigned turns) {
	CHECK(memory_follow(m, 0) >= 0);
	struct memory_stats s = stats();
	CHECK(s.upto == last && s.passages == turns && s.vectors_behind == 0 && s.in_file);
	CHECK(finds("xylophone") && finds("zebra") && finds("cow") && !finds("marzipan"));
}

static void found_before_it_is_written(void) {
	begin(1);
	uint64_t upto = last;
	tell("a xylophone");
	CHECK(ask("xylophone") == 0);
	CHECK(memory_glance(m) == 1 && ask("xylophone") == 1 && hits[0].of.seq == last && stats().upto == last);
	memory_close(&m); /* not kept: looked at again */
	open_memory();
	CHECK(stats().upto == upto && stats().passages == 5 && ask("xylophone") == 0);
	CHECK(memory_glance(m) == 1 && ask("xylophone") == 1 && memory_keep(m) == 0 && memory_keep(m) == 0);
	memory_close(&m);
	open_memory();
	CHECK(stats().upto == last && ask("xylophone") == 1);
	tell("a zebra");
	CHECK(memory_glance(m) == 1 && memory_follow(m, 0) == 0 && ask("zebra") == 1); /* which keeps it first */
	memory_close(&m);
	open_memory();
	CHECK(stats().upto == last);
	end();
}

static void a_glance_is_not_long(void) {
	begin(2);
	for (unsigned i = 0; i < MEMORY_GLANCE + 10; i++)
		tell("a xylophone"); /* of one millisecond, so it is one turn that was told again */
	CHECK(memory_glance(m) == MEMORY_GLANCE && memory_glance(m) == 10 && memory_glance(m) == 0);
	CHECK(memory_keep(m) == 0 && stats().upto == last && ask("xylophone") == 1);
	end();
}

/* Of an erasure: its words are gone from all files when it is kept, and not called gone before. */
static void what_is_forgotten_at_a_glance(void) {
	begin(3);
	CHECK(env_sim_holds(world, "marzipan", 8));
	forget(1);
	CHECK(memory_glance(m) == 1 && ask("marzipan") == 0 && stats().wipe_due);
	CHECK(memory_keep(m) == 0 && !stats().wipe_due && !env_sim_holds(world, "marzipan", 8));
	end();
}

/* Glance upon glance: all is found, and written down together. */
static void kept_together(void) {
	begin(6);
	uint64_t upto = last;
	tell("a xylophone");
	CHECK(memory_glance(m) == 1 && ask("xylophone") == 1);
	tell("a zebra");
	CHECK(memory_glance(m) == 1 && ask("zebra") == 1 && ask("xylophone") == 1 && memory_glance(m) == 0);
	memory_close(&m);
	open_memory();
	CHECK(stats().upto == upto);
	CHECK(memory_glance(m) == 2);
	forget(last);
	CHECK(memory_glance(m) == 1 && ask("zebra") == 0 && ask("xylophone") == 1 && stats().wipe_due);
	CHECK(memory_keep(m) == 0 && !stats().wipe_due && !env_sim_holds(world, "zebra", 5));
	memory_close(&m);
	open_memory();
	CHECK(stats().upto == last && ask("zebra") == 0 && ask("xylophone") == 1);
	end();
}

/*
 * Something goes wrong with the `at`-th operation (0: nothing does); how many there were.  `upon`: behind a glance that
 * was not kept.
 */
static uint64_t go_wrong(enum env_sim_fault fault, uint64_t at, uint64_t length, bool upon, uint64_t *hits_seen) {
	begin(100 + at);
	tell("a xylophone");
	if (upon)
		CHECK(memory_glance(m) == 1 && ask("xylophone") == 1);
	forget(1);
	tell("a zebra");
	uint64_t before = env_sim_operations(world);
	if (at)
		env_sim_plan(world, fault, at, length);
	(void)(memory_glance(m) < 0 || ask("zebra") < 0 || ask("") < 0);
	(void)!memory_keep(m);
	memory_tidy(m);
	*hits_seen += env_sim_hits(world) > 0;
	uint64_t operations = env_sim_operations(world) - before;
	env_sim_unplan(world);
	check_whole(6);
	memory_close(&m);
	open_memory();
	check_whole(6);
	CHECK(!stats().wipe_due && !env_sim_holds(world, "marzipan", 8));
	end();
	return operations;
}

static void whatever_goes_wrong(void) {
	static const enum env_sim_fault faults[] = { ENV_SIM_FULL, ENV_SIM_FAIL, ENV_SIM_UNREADABLE };
	for (size_t f = 0; f < 2 * COUNT_OF(faults); f++)
		for (uint64_t length = 1; length <= 1000; length += 999) {
			bool upon = f >= COUNT_OF(faults);
			enum env_sim_fault fault = faults[f % COUNT_OF(faults)];
			uint64_t hits_seen = 0, operations = go_wrong(ENV_SIM_FAIL, 0, 0, upon, &hits_seen);
			for (uint64_t at = 1; at <= operations; at += PACE(1, 3))
				(void)go_wrong(fault, at, length, upon, &hits_seen);
			printf("fault %d, %llu operations long, at each of %llu%s: %llu times\n", (int)fault,
					(unsigned long long)length, (unsigned long long)operations,
					upon ? ", upon another glance" : "", (unsigned long long)hits_seen);
			CHECK(hits_seen > operations / PACE(5, 15));
		}
}

/* SQLite ends the transaction then, and what was taken in is not in; nor is it said to be. */
static void a_question_that_cannot_be_answered(bool again) {
	begin(5);
	for (unsigned i = 0; i < 300; i++) {
		char text[32];
		snprintf(text, sizeof(text), "gnu %u", i);
		tell(text);
	}
	CHECK(memory_follow(m, 0) == 300);
	tell("a xylophone");
	forget(1);
	tell("a zebra");
	CHECK(memory_glance(m) == 3);
	sqlite3_db_release_memory(m->index.sql); /* what is asked for is read from the disk */
	const struct env *e = env_sim_env(world, 1);
	env_sim_plan(world, ENV_SIM_UNREADABLE, 1, 1000);
	CHECK(e->make(e, "another") == 0); /* with which it begins */
	CHECK(ask("gnu 17") < 0 && sqlite3_get_autocommit(m->index.sql));
	env_sim_unplan(world);
	tell("a yak");
	CHECK(again ? memory_glance(m) == -EIO : memory_keep(m) == -EIO);
	CHECK(stats().upto == last - 4);
	CHECK(memory_glance(m) == 4 && finds("yak"));
	check_whole(307);
	CHECK(!stats().wipe_due && !env_sim_holds(world, "marzipan", 8));
	end();
}

/* More than the WAL may have is moved, whether there is time or not. */
static void the_wal_has_an_end(void) {
	size_t bytes = 0, most = 0;
	begin(4);
	for (unsigned i = 0; i < 200; i++) {
		char text[32];
		snprintf(text, sizeof(text), "xylophone %u", i);
		tell(text);
		CHECK(memory_glance(m) == 1 && memory_keep(m) == 0);
		CHECK(env_sim_bytes(world, "state.memory-wal", &bytes) != NULL);
		most = bytes > most ? bytes : most;
	}
	printf("the WAL had %zu bytes at most, the index %zu\n", most, bytes);
	CHECK(most > 4 << 20 && most < 10 << 20);
	CHECK(env_sim_bytes(world, index_path, &bytes) && bytes > 100 << 10);
	end();
}

int main(void) {
	found_before_it_is_written();
	a_glance_is_not_long();
	what_is_forgotten_at_a_glance();
	kept_together();
	whatever_goes_wrong();
	a_question_that_cannot_be_answered(false);
	a_question_that_cannot_be_answered(true);
	the_wal_has_an_end();
	return 0;
}
