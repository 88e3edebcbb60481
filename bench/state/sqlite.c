/*
 * sqlite.c - SQLite by itself, as one would keep a log in it: WAL, synchronous=FULL, one table, a prepared insert.
 *
 * Records that are kept together are one transaction.
 */
#include <sqlite3.h>
#include "bench/state/keeper.h"

static sqlite3 *db;
static sqlite3_stmt *insert;
static uint32_t record_bytes;

static void run(const char *sql) {
	if (sqlite3_exec(db, sql, NULL, NULL, NULL) != SQLITE_OK)
		die("%s: %s", sql, sqlite3_errmsg(db));
}

static void begin(const char *dir, uint32_t bytes, const char *variant) {
	(void)variant;
	record_bytes = bytes;
	if (sqlite3_open(keeper_path(dir, "log.sqlite"), &db) != SQLITE_OK)
		die("log.sqlite: %s", sqlite3_errmsg(db));
	run("PRAGMA journal_mode=WAL");
	run("PRAGMA synchronous=FULL");
	run("CREATE TABLE log(seq INTEGER PRIMARY KEY, body BLOB NOT NULL)");
	if (sqlite3_prepare_v2(db, "INSERT INTO log(body) VALUES(?1)", -1, &insert, NULL) != SQLITE_OK)
		die("insert: %s", sqlite3_errmsg(db));
}

static void put(void) {
	if (sqlite3_bind_blob(insert, 1, keeper_record(record_bytes), (int)record_bytes, SQLITE_STATIC) != SQLITE_OK ||
			sqlite3_step(insert) != SQLITE_DONE || sqlite3_reset(insert) != SQLITE_OK)
		die("insert: %s", sqlite3_errmsg(db));
}

static void keep(uint32_t n) {
	if (n == 1) {
		put();
		return;
	}
	run("BEGIN");
	while (n-- > 0)
		put();
	run("COMMIT");
}

static void end(void) {
	sqlite3_finalize(insert);
	sqlite3_close(db);
}

const struct keeper keeper = { .version = SQLITE_VERSION, .begin = begin, .keep = keep, .end = end };
