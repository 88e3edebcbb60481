/* gaps_test.c - rows come and go in trees that are distributed anew: of those that went nothing is left in the file. */
#include "env/gaps.h"

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "env/env_sim.h"
#include "test/lib/pace.h"

enum { ROWS = 400, ROUNDS = PACE(30, 9), ROW_MAX = 900 };

static char path[] = "/tmp/cadmus-gaps-XXXXXX";
static sqlite3 *sql, *other;
static bool there[ROWS], ever[ROWS];
static uint64_t seed = 3;
static unsigned remains; /* found before anything was cleared */

static unsigned roll(unsigned below) {
	seed ^= seed >> 12, seed ^= seed << 25, seed ^= seed >> 27;
	return (unsigned)(seed * UINT64_C(2685821657736338717) >> 33) % below;
}

static void run(sqlite3 *on, const char *text) {
	if (sqlite3_exec(on, text, NULL, NULL, NULL) != SQLITE_OK)
		fprintf(stderr, "%s: %s\n", text, sqlite3_errmsg(on));
	CHECK(sqlite3_errcode(on) == SQLITE_OK);
}

/* What row i says, all over: whatever part of it is left can be told. */
static void say(unsigned i, char out[ROW_MAX]) {
	size_t n = 30 + i * 37 % (ROW_MAX - 31);
	for (size_t at = 0; at < n; at += 8)
		snprintf(out + at, ROW_MAX - at, "row%04u.", i);
	out[n] = 0;
}

static void put(unsigned i) {
	char text[ROW_MAX], query[ROW_MAX + 100];
	say(i, text);
	snprintf(query, sizeof(query), "INSERT INTO t VALUES (%u, '%s')", i, text);
	run(sql, query);
	there[i] = ever[i] = true;
}

static void take(unsigned i) {
	char query[60];
	snprintf(query, sizeof(query), "%s WHERE id = %u", roll(3) ? "DELETE FROM t" : "UPDATE t SET text = NULL", i);
	run(sql, query);
	snprintf(query, sizeof(query), "DELETE FROM t WHERE id = %u AND text IS NULL AND %u", i, roll(2));
	run(sql, query);
	there[i] = false;
}

/* Rows that were taken away, and of which there is something in the file. */
static unsigned count_remains(void) {
	static uint8_t all[8 << 20];
	FILE *f = fopen(path, "rb");
	CHECK(f);
	size_t n = fread(all, 1, sizeof(all), f);
	CHECK(n > 0 && n < sizeof(all));
	fclose(f);
	unsigned found = 0;
	for (unsigned i = 0; i < ROWS; i++) {
		char mark[16];
		snprintf(mark, sizeof(mark), "row%04u.", i);
		found += ever[i] && !there[i] && memmem(all, n, mark, 8);
	}
	return found;
}

static int check_row(void *user, int columns, char **values, char **names) {
	char text[ROW_MAX];
	unsigned i = (unsigned)atoi(values[0]), *count = user;
	(void)columns, (void)names;
	say(i, text);
	CHECK(i < ROWS && there[i] && strcmp(values[1], text) == 0);
	(*count)++;
	return 0;
}

static int is_ok(void *user, int columns, char **values, char **names) {
	(void)user, (void)columns, (void)names;
	CHECK(strcmp(values[0], "ok") == 0);
	return 0;
}

/* Everything else is there, for us and for others, whatever they remember. */
static void check_rows(sqlite3 *on) {
	unsigned count = 0, want = 0;
	for (unsigned i = 0; i < ROWS; i++)
		want += there[i];
	CHECK(sqlite3_exec(on, "SELECT id, text FROM t WHERE text IS NOT NULL", check_row, &count, NULL) == SQLITE_OK);
	CHECK(count == want && sqlite3_exec(on, "PRAGMA integrity_check", is_ok, NULL, NULL) == SQLITE_OK);
}

static void checkpoint(void) {
	CHECK(sqlite3_wal_checkpoint_v2(sql, NULL, SQLITE_CHECKPOINT_TRUNCATE, NULL, NULL) == SQLITE_OK);
}

static void come_and_go(void) {
	run(sql, "BEGIN");
	for (unsigned n = 0; n < 60; n++) {
		unsigned i = roll(ROWS);
		if (there[i])
			take(i);
		else if (!ever[i])
			put(i);
	}
	run(sql, "COMMIT");
	checkpoint();
}

static void clear(void) {
	remains += count_remains();
	CHECK(gaps_clear(sql, roll(4) == 0) == 0 && count_remains() == 0);
	check_rows(sql);
	check_rows(other);
	run(sql, "PRAGMA user_version = 1"); /* what was remembered does not come back */
	checkpoint();
	CHECK(count_remains() == 0);
}

static sqlite3 *open_one(void) {
	sqlite3 *s;
	CHECK(sqlite3_open(path, &s) == SQLITE_OK);
	return s;
}

/* ---- on a disk that fails, and loses its power ---- */

static struct env_sim *world;

static void open_in_world(void) {
	const int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX;
	CHECK(sqlite3_open_v2("gaps", &sql, flags, env_sim_env(world, 0)->disk) == SQLITE_OK);
	run(sql, "PRAGMA journal_mode = WAL; PRAGMA secure_delete = ON; PRAGMA synchronous = FULL");
}

static void power_cut(void) {
	env_sim_lights_out(world);
	sqlite3_close(sql);
	CHECK(env_sim_lights_on(world));
}

static unsigned count_remains_in_world(void) {
	unsigned found = 0;
	for (unsigned i = 0; i < ROWS; i++) {
		char mark[16];
		snprintf(mark, sizeof(mark), "row%04u.", i);
		found += ever[i] && !there[i] && env_sim_holds(world, mark, 8);
	}
	return found;
}

/* Until a row that is gone has left something in the file. */
static void leave_something(void) {
	memset(there, 0, sizeof(there));
	memset(ever, 0, sizeof(ever));
	open_in_world();
	run(sql, "DROP TABLE IF EXISTS t; CREATE TABLE t (id INTEGER PRIMARY KEY, text TEXT)");
	for (unsigned n = 0; n < 30 && (n < 10 || count_remains_in_world() == 0); n++)
		come_and_go();
}

/* What is cleared is so on the disk; and where its sync has failed, what reads zero need not be. */
static void cleared_is_durable(void) {
	enum { WORLDS = PACE(60, 20) };
	unsigned left = 0, deceived = 0;
	for (unsigned n = 1; n <= WORLDS; n++) {
		world = env_sim_create(n);
		leave_something();
		left += count_remains_in_world() > 0;
		if (n % 2) {
			env_sim_plan(world, ENV_SIM_FORGET, 1, 1000);
			CHECK(gaps_clear(sql, false) == -EIO);
			env_sim_unplan(world);
		}
		CHECK(gaps_clear(sql, n % 2) == 0 && count_remains_in_world() == 0);
		checkpoint();
		run(sql, "PRAGMA user_version = 7"); /* its sync is that of the log, which was emptied */
		power_cut();
		deceived += count_remains_in_world() > 0;
		open_in_world();
		sqlite3_close(sql);
		env_sim_destroy(&world);
	}
	printf("gaps_test: %u worlds of %d had left something\n", left, WORLDS);
	CHECK(left > WORLDS / 10 && deceived == 0);
}

int main(void) {
	int fd = mkstemp(path);
	char beside[60];
	CHECK(fd >= 0 && close(fd) == 0);
	for (unsigned round = 0; round < ROUNDS; round++) {
		memset(there, 0, sizeof(there));
		memset(ever, 0, sizeof(ever));
		sql = open_one();
		run(sql, round % 3 == 0 ? "PRAGMA page_size = 512" : round % 3 == 1 ? "PRAGMA page_size = 4096"
									       : "PRAGMA page_size = 65536");
		if (round % 4 == 3)
			run(sql, "PRAGMA auto_vacuum = INCREMENTAL"); /* then there are maps */
		run(sql, "PRAGMA journal_mode = WAL; PRAGMA secure_delete = ON; PRAGMA synchronous = OFF");
		run(sql, round % 2 ? "CREATE TABLE t (id INTEGER PRIMARY KEY, text TEXT)"
				   : "CREATE TABLE t (id INTEGER PRIMARY KEY, text TEXT); CREATE INDEX u ON t (text)");
		other = open_one();
		for (unsigned n = 0; n < 20; n++) {
			come_and_go();
			if (n % 5 == 4)
				clear();
		}
		sqlite3_close(other);
		sqlite3_close(sql);
		unlink(path);
	}
	snprintf(beside, sizeof(beside), "%s-wal", path);
	unlink(beside);
	printf("gaps_test: %u rows had left something before\n", remains);
	cleared_is_durable();
	CHECK(remains > ROUNDS); /* else there would be nothing to do */
	puts("gaps_test: ok");
}
