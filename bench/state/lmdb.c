/*
 * lmdb.c - LMDB with its defaults: each commit is on the disk.  Keys are numbers that grow, which it appends.
 *
 * Records that are kept together are one transaction.
 */
#include <lmdb.h>
#include "bench/state/keeper.h"

#define MAP_BYTES ((size_t)16 << 30) /* of addresses, not of disk */

static MDB_env *env;
static MDB_dbi dbi;
static uint32_t record_bytes;
static uint64_t seq;

static void must_lmdb(int rc, const char *what) {
	if (rc)
		die("%s: %s", what, mdb_strerror(rc));
}

static void begin(const char *dir, uint32_t bytes, const char *variant) {
	MDB_txn *t;
	(void)variant;
	record_bytes = bytes;
	must_lmdb(mdb_env_create(&env), "mdb_env_create");
	must_lmdb(mdb_env_set_mapsize(env, MAP_BYTES), "mdb_env_set_mapsize");
	must_lmdb(mdb_env_open(env, dir, 0, 0600), "mdb_env_open");
	must_lmdb(mdb_txn_begin(env, NULL, 0, &t), "mdb_txn_begin");
	must_lmdb(mdb_dbi_open(t, NULL, MDB_INTEGERKEY | MDB_CREATE, &dbi), "mdb_dbi_open");
	must_lmdb(mdb_txn_commit(t), "mdb_txn_commit");
}

static void keep(uint32_t n) {
	MDB_txn *t;
	must_lmdb(mdb_txn_begin(env, NULL, 0, &t), "mdb_txn_begin");
	while (n-- > 0) {
		seq++;
		MDB_val key = { sizeof(seq), &seq };
		MDB_val value = { record_bytes, (void *)(uintptr_t)keeper_record(record_bytes) };
		must_lmdb(mdb_put(t, dbi, &key, &value, MDB_APPEND), "mdb_put");
	}
	must_lmdb(mdb_txn_commit(t), "mdb_txn_commit");
}

static void end(void) {
	mdb_env_close(env);
}

#define TEXT(x) #x
#define VERSION(a, b, c) TEXT(a) "." TEXT(b) "." TEXT(c)
const struct keeper keeper = { .version = VERSION(MDB_VERSION_MAJOR, MDB_VERSION_MINOR, MDB_VERSION_PATCH),
	.begin = begin, .keep = keep, .end = end };
