/* env_sim_test.c - a world from a seed: the same one twice, its locks, and what its disk keeps when things go wrong. */
#include "env/env_sim.h"

#include <errno.h>
#include <sqlite3.h>
#include <stdio.h>
#include <string.h>

static sqlite3 *open_db(struct env_sim *w, unsigned process) {
	sqlite3 *db;
	int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE;
	CHECK(sqlite3_open_v2("state", &db, flags, env_sim_env(w, process)->disk) == SQLITE_OK);
	return db;
}

static int run(sqlite3 *db, const char *sql) {
	return sqlite3_exec(db, sql, NULL, NULL, NULL);
}

static void must(sqlite3 *db, const char *sql) {
	CHECK(run(db, sql) == SQLITE_OK);
}

/* How many rows there are; -1: none can be read. */
static int rows(sqlite3 *db) {
	sqlite3_stmt *s;
	int n = -1;
	if (sqlite3_prepare_v2(db, "SELECT count(*) FROM t", -1, &s, NULL) != SQLITE_OK)
		return -1;
	if (sqlite3_step(s) == SQLITE_ROW)
		n = sqlite3_column_int(s, 0);
	sqlite3_finalize(s);
	return n;
}

static sqlite3 *make(struct env_sim *w) {
	sqlite3 *db = open_db(w, 0);
	must(db, "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; CREATE TABLE t (a)");
	return db;
}

static const char insert[] = "INSERT INTO t VALUES (zeroblob(3000))";

static uint64_t one_life(uint64_t seed) {
	struct env_sim *w = env_sim_create(seed);
	const struct env *e = env_sim_env(w, 0);
	sqlite3 *db = make(w);
	must(db, insert);
	must(db, "INSERT INTO t VALUES (randomblob(3000))");
	CHECK(e->mono(e).ns > 0);
	env_sim_lights_out(w);
	CHECK(run(db, insert) != SQLITE_OK);
	sqlite3_close(db);
	CHECK(env_sim_lights_on(w));
	db = open_db(w, 1);
	CHECK(rows(db) == 2);
	sqlite3_close(db);
	uint64_t trace = env_sim_trace(w);
	env_sim_destroy(&w);
	return trace;
}

static void the_same_seed_is_the_same_world(void) {
	uint64_t first = one_life(1);
	CHECK(one_life(1) == first && one_life(2) != first);
}

static void time_goes_on_and_the_calendar_jumps(void) {
	struct env_sim *w = env_sim_create(1);
	const struct env *e = env_sim_env(w, 0), *other = env_sim_env(w, 3);
	struct cdm_mono then = e->mono(e);
	struct cdm_wall day = e->wall(e);
	env_sim_advance(w, 1000000000);
	CHECK(other->mono(other).ns >= then.ns + 1000000000 && other->mono(other).ns < then.ns + 1000100000);
	env_sim_set_calendar(w, -5000000000);
	CHECK(other->wall(other).ns < day.ns - 3000000000);
	env_sim_destroy(&w);
}

/* What one process has written another reads, and two do not write at once. */
static void processes_share_a_file(void) {
	struct env_sim *w = env_sim_create(3);
	sqlite3 *a = make(w), *b = open_db(w, 1);
	must(a, insert);
	CHECK(rows(b) == 1);
	must(a, "BEGIN IMMEDIATE");
	must(a, insert);
	CHECK(run(b, insert) == SQLITE_BUSY && rows(b) == 1);
	must(a, "COMMIT");
	must(b, insert);
	CHECK(rows(a) == 3);
	sqlite3_close(a);
	sqlite3_close(b);
	env_sim_destroy(&w);
}

/* Who dies in the middle of a transaction leaves no lock and no part of it; what it does dying, nobody sees. */
static void the_dead_have_no_effect(void) {
	struct env_sim *w = env_sim_create(4);
	sqlite3 *a = make(w), *b = open_db(w, 1);
	must(a, insert);
	CHECK(rows(b) == 1);
	must(a, "BEGIN IMMEDIATE");
	must(a, insert);
	env_sim_kill(w, 0);
	CHECK(env_sim_is_dead(w, 0) && run(a, "COMMIT") != SQLITE_OK);
	CHECK(sqlite3_close(a) == SQLITE_OK);
	env_sim_reap(w, 0);
	CHECK(!env_sim_is_dead(w, 0) && rows(b) == 1);
	must(b, insert);
	a = open_db(w, 0);
	CHECK(rows(a) == 2);
	sqlite3_close(a);
	sqlite3_close(b);
	env_sim_destroy(&w);
}

/* Killed at each operation of a commit: before the last write of it, it is not there; what was there, is. */
static void kills_at_each_operation_leave_what_was_committed(void) {
	bool was_whole = false;
	for (uint64_t at = 1; !was_whole; at++) {
		struct env_sim *w = env_sim_create(at);
		sqlite3 *a = make(w);
		must(a, insert);
		env_sim_plan(w, ENV_SIM_KILL, at, 1);
		was_whole = run(a, insert) == SQLITE_OK;
		CHECK(was_whole == (env_sim_hits(w) == 0));
		env_sim_kill(w, 0);
		sqlite3_close(a);
		env_sim_reap(w, 0);
		a = open_db(w, 0);
		int n = rows(a);
		CHECK(n == 1 || n == 2);
		CHECK(!was_whole || n == 2);
		sqlite3_close(a);
		env_sim_destroy(&w);
		CHECK(at < 100);
	}
}

static void a_full_disk_refuses_and_recovers(void) {
	struct env_sim *w = env_sim_create(5);
	sqlite3 *a = make(w);
	env_sim_plan(w, ENV_SIM_FULL, 1, 2);
	CHECK(run(a, insert) == SQLITE_FULL && env_sim_hits(w) > 0);
	env_sim_unplan(w);
	must(a, insert);
	CHECK(rows(a) == 1);
	env_sim_plan(w, ENV_SIM_FAIL, 1, 1);
	CHECK(run(a, insert) == SQLITE_IOERR);
	env_sim_plan(w, ENV_SIM_UNREADABLE, 1, 1);
	must(a, insert);
	sqlite3_close(a);
	env_sim_destroy(&w);
}

/* A sync that lies is found out by the next power cut, at least by some; one that forgets says so at once. */
static void lies_and_forgetfulness(void) {
	unsigned lost = 0, kept = 0;
	for (uint64_t seed = 1; seed <= 40; seed++) {
		struct env_sim *w = env_sim_create(seed);
		sqlite3 *a = make(w);
		env_sim_plan(w, ENV_SIM_LIE, 1, 1000);
		must(a, insert);
		env_sim_lights_out(w);
		sqlite3_close(a);
		CHECK(!env_sim_lights_on(w));
		a = open_db(w, 0);
		lost += rows(a) == 0;
		kept += rows(a) == 1;
		env_sim_plan(w, ENV_SIM_FORGET, 1, 1000);
		CHECK(run(a, insert) == SQLITE_IOERR);
		env_sim_unplan(w);
		sqlite3_close(a);
		env_sim_destroy(&w);
	}
	CHECK(lost > 0 && kept > 0 && lost + kept == 40);
}

static void names_are_durable_when_the_folder_is(void) {
	struct env_file first, second;
	unsigned kept = 0;
	for (uint64_t seed = 1; seed <= 40; seed++) {
		struct env_sim *w = env_sim_create(seed);
		const struct env *e = env_sim_env(w, 2);
		CHECK(e->may(e, "a", ENV_EXISTS) == -ENOENT && e->make(e, "a") == 0 && e->make(e, "a") == -EEXIST);
		CHECK(e->look(e, "a", &first) == 0 && e->move(e, "a", "b") == 0 && e->move(e, "a", "b") == -ENOENT);
		CHECK(e->look(e, "b", &second) == 0 && first.number == second.number);
		CHECK(e->make(e, "c") == 0);
		env_sim_lights_out(w);
		CHECK(e->may(e, "b", ENV_EXISTS) == -EIO && e->make(e, "d") == -EIO && e->remove(e, "b") == -EIO);
		CHECK(env_sim_lights_on(w));
		CHECK(e->may(e, "a", ENV_EXISTS) == -ENOENT && e->look(e, "b", &second) == 0);
		CHECK(first.number == second.number);
		kept += e->may(e, "c", ENV_EXISTS) == 0;
		CHECK(e->remove(e, "b") == 0);
		CHECK(e->remove(e, "b") == -ENOENT);
		env_sim_destroy(&w);
	}
	CHECK(kept > 0 && kept < 40);
}

static void a_lock_dies_with_its_holder(void) {
	struct env_sim *w = env_sim_create(6);
	const struct env *a = env_sim_env(w, 0), *b = env_sim_env(w, 1);
	long holder = 0;
	int lock = a->lock(a, "l", &holder);
	CHECK(lock >= 0 && b->lock(b, "l", &holder) == -EAGAIN && holder == 1);
	env_sim_kill(w, 0);
	a->unlock(a, lock);
	env_sim_reap(w, 0);
	lock = b->lock(b, "l", &holder);
	CHECK(lock >= 0 && a->lock(a, "l", &holder) == -EAGAIN && holder == 2);
	b->unlock(b, lock);
	lock = a->lock(a, "l", &holder);
	CHECK(lock >= 0);
	a->unlock(a, lock);
	env_sim_destroy(&w);
}

struct guest {
	sqlite3 *db;
	unsigned calls;
};

static void drop_in(void *user, unsigned i) {
	struct guest *g = user;
	CHECK(i == 0);
	g->calls++;
	int n = rows(g->db);
	CHECK(n == 0 || n == 2);
}

/* Others run while one is in the middle of a commit, and see all of it or nothing. */
static void others_run_meanwhile(void) {
	struct env_sim *w = env_sim_create(7);
	sqlite3 *a = make(w);
	struct guest g = { .db = open_db(w, 1) };
	CHECK(rows(g.db) == 0);
	env_sim_on_visit(w, drop_in, &g);
	must(a, "BEGIN; INSERT INTO t VALUES (1); INSERT INTO t VALUES (2); COMMIT");
	env_sim_on_visit(w, NULL, NULL);
	CHECK(g.calls > 3 && rows(g.db) == 2);
	size_t n;
	CHECK(env_sim_bytes(w, "state-wal", &n) && n > 4096 && !env_sim_bytes(w, "other", &n));
	CHECK(env_sim_holds(w, "CREATE TABLE t", 14) && !env_sim_holds(w, "CREATE TABLE u", 14));
	sqlite3_close(a);
	sqlite3_close(g.db);
	env_sim_destroy(&w);
}

int main(void) {
	the_same_seed_is_the_same_world();
	time_goes_on_and_the_calendar_jumps();
	processes_share_a_file();
	the_dead_have_no_effect();
	kills_at_each_operation_leave_what_was_committed();
	a_full_disk_refuses_and_recovers();
	lies_and_forgetfulness();
	names_are_durable_when_the_folder_is();
	a_lock_dies_with_its_holder();
	others_run_meanwhile();
	puts("env_sim_test: ok");
}
