/*
 * journal_damage.c - rotten, cut and forged files: a clear error or a true prefix, and never a
 * crash.
 */
#include <sqlite3.h>
#include "journal/journal_testing.h"
#include "test/lib/pace.h"

enum { RECORDS = 120, FLIPS = PACE(600, 200), BYTES_MAX = 1 << 20 };

static struct testing t;
static struct hash heads[RECORDS + 1]; /* of the sound journal, by seq */
static uint8_t file[BYTES_MAX], wal[BYTES_MAX];
static size_t file_bytes, wal_bytes;

static void name(char out[100], const char *ending) {
	snprintf(out, 100, "%s%s", t.path, ending);
}

static size_t load(const char *ending, uint8_t *out) {
	char path[100];
	name(path, ending);
	FILE *f = fopen(path, "r");
	size_t n = f ? fread(out, 1, BYTES_MAX, f) : 0;
	CHECK(n < BYTES_MAX);
	if (f)
		fclose(f);
	return n;
}

static void save(const char *ending, const uint8_t *bytes, size_t n) {
	char path[100];
	name(path, ending);
	FILE *f = fopen(path, "w");
	CHECK(f && fwrite(bytes, 1, n, f) == n && fclose(f) == 0);
}

static void write_journal(struct journal *j, unsigned from, unsigned to) {
	for (unsigned i = from; i <= to; i++) {
		char value[200];
		memset(value, 'a' + (int)(i % 26), sizeof(value));
		value[i] = 0;
		uint64_t ticket = testing_submit_set(j, "speed", value, JOURNAL_D2);
		struct journal_result r = testing_result(j);
		CHECK(r.ticket == ticket && r.rc == 0);
		heads[i] = r.records[0].hash;
	}
}

/* Half of the records in the file, the other half in the WAL, as a kill would leave them. */
static void make_sound_copy(void) {
	struct journal *j = testing_open(&t);
	write_journal(j, 1, RECORDS / 2);
	journal_stop(&j);
	j = testing_open(&t);
	write_journal(j, RECORDS / 2 + 1, RECORDS);
	file_bytes = load("", file);
	wal_bytes = load("-wal", wal);
	journal_stop(&j);
	CHECK(file_bytes > 20000 && wal_bytes > 20000);
}

static void put_back(const uint8_t *f, size_t f_bytes, const uint8_t *w, size_t w_bytes) {
	testing_remove(&t);
	save("", f, f_bytes);
	save("-wal", w, w_bytes);
}

/* Whatever stands there: an error with a message for people, or a prefix of what was written. */
static uint64_t judge(int *rc) {
	struct cdm_diag d = { .count = 0 };
	struct journal_reader *r;
	struct journal_report report = { 0 };
	*rc = journal_read_open(t.path, &r, &d);
	if (*rc < 0) {
		CHECK(r == NULL && d.errors > 0 && d.at[0].text[0] && d.at[0].hint[0]);
		return 0;
	}
	*rc = journal_verify(r, &report, &d);
	CHECK(*rc == 0 || d.errors > 0);
	CHECK(report.records <= RECORDS && hash_equal(&report.head, &heads[report.records]));
	struct journal_state *s = testing_state();
	int folded = journal_state_at(r, UINT64_MAX, s, NULL);
	CHECK(folded < 0 || s->seq >= report.records);
	CHECK(s->seq <= RECORDS && hash_equal(&s->head, &heads[s->seq]));
	free(s);
	journal_read_close(&r);
	return report.records;
}

/* The next owner gets a journal that works, or an error; never one that forks the chain. */
static void reopen(void) {
	struct cdm_diag d = { .count = 0 };
	struct journal *j;
	int rc = journal_open(t.path, NULL, &j, &d);
	CHECK(rc < 0 ? d.errors > 0 : d.errors == 0);
	if (rc == 0) {
		CHECK(journal_tail(j)->seq <= RECORDS);
		testing_settle(j, testing_submit_set(j, "speed", "1", JOURNAL_D2), NULL);
	}
	journal_stop(&j);
}

static void the_sound_copy_is_sound(void) {
	int rc;
	put_back(file, file_bytes, wal, wal_bytes);
	CHECK(judge(&rc) == RECORDS && rc == 0);
}

static void a_cut_wal_is_a_prefix(void) {
	int rc;
	for (size_t n = 0; n < wal_bytes; n += 997) {
		put_back(file, file_bytes, wal, n);
		CHECK(judge(&rc) >= RECORDS / 2 && rc == 0);
	}
	reopen();
}

static void a_cut_file_is_noticed(void) {
	int rc;
	for (size_t n = 0; n < file_bytes; n += 1499) {
		put_back(file, n, wal, 0);
		(void)judge(&rc);
		CHECK(rc < 0 && (n > 0 || rc == -ENOENT)); /* nothing at all: not made yet */
		reopen();
	}
}

/* Somebody removed the file but not what stood beside it: the new one must not swallow that. */
static void old_remains_do_not_reach_a_new_file(void) {
	testing_remove(&t);
	save("-wal", wal, wal_bytes);
	save("-journal", file, file_bytes);
	save(".new", file, 100);
	struct journal *j = testing_open(&t);
	CHECK(journal_tail(j)->seq == 0);
	write_journal(j, 1, 3);
	journal_stop(&j);
	CHECK(testing_verified(t.path) == 3);
}

static void flipped_bits_are_noticed(void) {
	uint64_t seed = 5;
	unsigned noticed = 0, harmless = 0;
	for (unsigned i = 0; i < FLIPS; i++) {
		bool in_wal = i % 2;
		uint8_t *bytes = in_wal ? wal : file;
		size_t at = testing_random(&seed) % (in_wal ? wal_bytes : file_bytes);
		if (i < 200 && !in_wal)
			at = i; /* the header of the file, byte by byte */
		uint8_t was = bytes[at];
		bytes[at] ^= (uint8_t)(1u << testing_random(&seed) % 8);
		put_back(file, file_bytes, wal, wal_bytes);
		int rc;
		uint64_t found = judge(&rc);
		if (rc < 0 || found < RECORDS)
			noticed++;
		else
			harmless++; /* in free space, or in a page that the WAL replaces */
		if (i % 4 == 0)
			reopen();
		bytes[at] = was;
	}
	printf("journal_damage: %u of %u flips noticed, the others changed nothing\n", noticed,
			noticed + harmless);
	CHECK(noticed > FLIPS / 4);
}

/* ---- forgers who know SQLite ---- */

static void forge(const char *sql) {
	sqlite3 *db;
	put_back(file, file_bytes, wal, wal_bytes);
	CHECK(sqlite3_open(t.path, &db) == SQLITE_OK);
	CHECK(sqlite3_exec(db,
			      "DROP TRIGGER record_insert; DROP TRIGGER record_update;"
			      "DROP TRIGGER record_delete",
			      NULL, NULL, NULL) == SQLITE_OK);
	CHECK(sqlite3_exec(db, sql, NULL, NULL, NULL) == SQLITE_OK);
	sqlite3_close(db);
}

static void names_first_bad(const char *sql, uint64_t first_bad) {
	struct cdm_diag d = { .count = 0 };
	struct journal_reader *r;
	struct journal_report report;
	char text[64];
	forge(sql);
	CHECK(journal_read_open(t.path, &r, NULL) == 0);
	CHECK(journal_verify(r, &report, &d) == -EBADMSG && report.first_bad == first_bad);
	CHECK(report.records == first_bad - 1 && hash_equal(&report.head, &heads[first_bad - 1]));
	snprintf(text, sizeof(text), "record %llu ", (unsigned long long)first_bad);
	CHECK(d.errors == 1 && strcmp(d.at[0].id, "J0006") == 0 && strstr(d.at[0].text, text));
	struct journal_state *s = testing_state();
	CHECK(journal_state_at(r, UINT64_MAX, s, NULL) == -EBADMSG && s->seq == first_bad - 1);
	CHECK(journal_state_at(r, first_bad - 1, s, NULL) == 0 && s->seq == first_bad - 1);
	free(s);
	journal_read_close(&r);
}

static void forgeries_are_named(void) {
	names_first_bad("UPDATE record SET body = x'80' WHERE seq = 7", 7);
	names_first_bad("UPDATE record SET principal = 'eve' WHERE seq = 1", 1);
	names_first_bad("UPDATE record SET body = NULL, body_hash = zeroblob(32) WHERE seq = 9", 9);
	names_first_bad("DELETE FROM record WHERE seq = 50", 50);
	names_first_bad("DELETE FROM record WHERE seq = 1", 1);
	names_first_bad("UPDATE record SET seq = 1000 WHERE seq = 120", 120);
	names_first_bad("UPDATE record SET visibility = 'everyone' WHERE seq = 12", 12);
	names_first_bad("UPDATE record SET kind = 'a kind with a name that is too long' WHERE seq "
			"= 12",
			12);
	names_first_bad("UPDATE record SET hash = x'00' WHERE seq = 13", 13);
	names_first_bad("UPDATE record SET class = 'D0' WHERE seq = 14", 14);
	names_first_bad("UPDATE record SET body = zeroblob(300000) WHERE seq = 15", 15);
	names_first_bad("UPDATE record SET epoch = -1 WHERE seq = 16", 16);
	names_first_bad("UPDATE record SET entity = '' WHERE seq = 17", 17);
}

static int copy_record(void *user, const struct journal_record *r) {
	*(struct journal_record *)user = *r;
	return 0;
}

/* A forger who computes hashes as well: what cannot be is still refused. */
static void a_clock_that_stands_still_is_refused(void) {
	struct journal_reader *r;
	struct journal_record last;
	struct journal_report report;
	char sql[300], hex[HASH_TEXT_MAX];
	put_back(file, file_bytes, wal, wal_bytes);
	CHECK(journal_read_open(t.path, &r, NULL) == 0);
	CHECK(journal_each(r, RECORDS, 1, copy_record, &last) == 0);
	journal_read_close(&r);
	last.hlc = 5;
	struct hash h = record_hash(&last);
	snprintf(sql, sizeof(sql), "UPDATE record SET hlc = 5, hash = x'%s' WHERE seq = %d",
			hash_text(&h, 64, hex), RECORDS);
	forge(sql);
	CHECK(journal_read_open(t.path, &r, NULL) == 0);
	CHECK(journal_verify(r, &report, NULL) == -EBADMSG && report.first_bad == RECORDS);
	journal_read_close(&r);
}

/* An unsound last record: the next owner must not build upon it. */
static void a_forged_tail_is_not_continued(void) {
	struct cdm_diag d = { .count = 0 };
	struct journal *j;
	forge("UPDATE record SET wall_ns = 1 WHERE seq = 120");
	CHECK(journal_open(t.path, NULL, &j, &d) == -EBADMSG && j == NULL &&
			strcmp(d.at[0].id, "J0004") == 0);
}

int main(void) {
	t = testing_begin();
	make_sound_copy();
	the_sound_copy_is_sound();
	a_cut_wal_is_a_prefix();
	a_cut_file_is_noticed();
	flipped_bits_are_noticed();
	forgeries_are_named();
	a_clock_that_stands_still_is_refused();
	a_forged_tail_is_not_continued();
	old_remains_do_not_reach_a_new_file();
	testing_end(&t);
	puts("journal_damage: ok");
}
