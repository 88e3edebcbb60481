/*
 * journal_test.c - the journal on a real file: what it promises to its owner, to readers, and to
 * strangers.
 *
 * What happens when processes die, disks fill and files rot is in test/fault/journal_*.c.
 */
#include "journal/journal.h"

#include <limits.h>
#include <pthread.h>
#include <sqlite3.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include "base/clock.h"
#include "base/utf8.h"
#include "journal/journal_testing.h"

static struct testing t;

static void sql(const char *path, const char *text, int want) {
	sqlite3 *db;
	CHECK(sqlite3_open(path, &db) == SQLITE_OK);
	CHECK(sqlite3_exec(db, text, NULL, NULL, NULL) == want);
	sqlite3_close(db);
}

static bool says(const struct cdm_diag *d, const char *id, const char *text) {
	for (uint32_t i = 0; i < d->count; i++)
		if (strcmp(d->at[i].id, id) == 0 && strstr(d->at[i].text, text) && d->at[i].hint[0])
			return true;
	return false;
}

static void records_come_back_as_they_stand(void) {
	struct journal *j = testing_open(&t);
	CHECK(journal_tail(j)->seq == 0);
	journal_set_epoch(j, 3);
	uint8_t room[2][256];
	struct journal_entry e[2] = { testing_set("speed", "1", room[0], sizeof(room[0])),
		testing_set("light", "on", room[1], sizeof(room[1])) };
	e[1].principal = "";
	e[1].visibility = JOURNAL_PRIVATE;
	uint64_t ticket;
	int64_t before = clock_wall().ns;
	CHECK(journal_submit(j, e, 2, JOURNAL_D2, &ticket) == 0 && ticket == 1);
	memset(room, 0xff, sizeof(room)); /* the journal has its own copy */
	struct journal_result r = testing_result(j);
	CHECK(r.ticket == 1 && r.rc == 0 && r.count == 2);
	const struct journal_record *a = &r.records[0], *b = &r.records[1];
	struct hash zero = { { 0 } };
	CHECK(record_check(a, 0, &zero) == 0 && record_check(b, 1, &a->hash) == 0);
	CHECK(a->kind == JOURNAL_SET && strcmp(a->kind_name, "set") == 0 && a->class == JOURNAL_D2);
	CHECK(a->epoch == 3 && a->visibility == JOURNAL_MACHINE &&
			b->visibility == JOURNAL_PRIVATE);
	CHECK(strcmp(a->entity, "core") == 0 && strcmp(a->principal, "ada") == 0 &&
			b->principal[0] == 0);
	CHECK(a->wall.ns >= before && a->wall.ns <= clock_wall().ns && b->hlc > a->hlc);
	CHECK(journal_take(j, &r) == -EAGAIN);
	journal_stop(&j);
	CHECK(j == NULL);

	j = testing_open(&t); /* and the next owner finds its place */
	CHECK(journal_tail(j)->seq == 2 && journal_tail(j)->epoch == 3);
	testing_submit_set(j, "speed", "2", JOURNAL_D2);
	r = testing_result(j);
	CHECK(r.rc == 0 && r.records[0].seq == 3 && r.records[0].epoch == 3);
	journal_stop(&j);
	CHECK(testing_verified(t.path) == 3);
	testing_remove(&t);
}

static void others_may_not_read_the_file(void) {
	static const char *const endings[] = { "", "-wal", "-shm", ".lock" };
	struct journal *j = testing_open(&t);
	CHECK(testing_settle(j, testing_submit_set(j, "speed", "1", JOURNAL_D2), NULL) == 0);
	for (size_t i = 0; i < COUNT_OF(endings); i++) {
		char name[100];
		struct stat st;
		snprintf(name, sizeof(name), "%s%s", t.path, endings[i]);
		CHECK(stat(name, &st) == 0 && (st.st_mode & 0777) == 0600);
	}
	journal_stop(&j);
	testing_remove(&t);
}

static void wrong_entries_are_refused(void) {
	static uint8_t big[JOURNAL_BODY_MAX + 1];
	char longer[CDM_NAME_MAX + 1];
	memset(longer, 'x', CDM_NAME_MAX);
	longer[CDM_NAME_MAX] = 0;
	struct journal *j = testing_open(&t);
	uint8_t room[256];
	struct journal_entry good = testing_set("speed", "1", room, sizeof(room)), e;
	struct journal_entry many[JOURNAL_BATCH_MAX + 1];
#define REFUSES(change, error)                                                                     \
	do {                                                                                       \
		e = good;                                                                          \
		change;                                                                            \
		CHECK(journal_submit(j, &e, 1, JOURNAL_D2, NULL) == error);                        \
	} while (0)
	REFUSES(e.kind = JOURNAL_KIND_COUNT, -EINVAL);
	REFUSES(e.visibility = JOURNAL_VISIBILITY_COUNT, -EINVAL);
	REFUSES(e.entity = NULL, -EINVAL);
	REFUSES(e.principal = NULL, -EINVAL);
	REFUSES(e.body = NULL, -EINVAL);
	REFUSES(e.body_bytes = 0, -EINVAL);
	REFUSES(e.entity = longer, -E2BIG);
	REFUSES(e.principal = longer, -E2BIG);
	REFUSES((e.body = big, e.body_bytes = sizeof(big)), -E2BIG);
#undef REFUSES
	for (unsigned i = 0; i <= JOURNAL_BATCH_MAX; i++)
		many[i] = good;
	CHECK(journal_submit(j, many, 0, JOURNAL_D2, NULL) == -EINVAL);
	CHECK(journal_submit(j, many, JOURNAL_BATCH_MAX + 1, JOURNAL_D2, NULL) == -E2BIG);
	CHECK(journal_erase(j, 1, &good, NULL) == -EINVAL); /* the note must be of kind erase */
	uint64_t ticket;
	CHECK(journal_submit(j, many, JOURNAL_BATCH_MAX, JOURNAL_D2, &ticket) == 0 && ticket == 1);
	journal_stop(&j);
	CHECK(testing_verified(t.path) == JOURNAL_BATCH_MAX);
	struct journal_options tiny = { .queue_bytes = 100 };
	CHECK(journal_open(t.path, &tiny, &j, NULL) == -EINVAL && j == NULL);
	testing_remove(&t);
}

static void volatile_entries_are_counted_only(void) {
	struct journal *j = testing_open(&t);
	struct journal_stats stats;
	CHECK(testing_submit_set(j, "speed", "1", JOURNAL_D0) == 0);
	CHECK(testing_submit_set(j, "speed", "2", JOURNAL_D2) == 1);
	CHECK(testing_settle(j, 1, NULL) == 0);
	journal_stats(j, &stats);
	CHECK(stats.volatile_entries == 1 && stats.records == 1 && stats.batches == 1 &&
			stats.commits == 1);
	journal_stop(&j);
	CHECK(testing_verified(t.path) == 1);
	testing_remove(&t);
}

/* A window of an hour: D1 waits for company, and a D2 behind it takes it along. */
static void d1_waits_for_company(void) {
	struct journal_options patient = { .window_ns = 3600 * NS_PER_S };
	struct journal_stats stats;
	struct journal *j;
	CHECK(journal_open(t.path, &patient, &j, NULL) == 0);
	for (int i = 0; i < 20; i++)
		testing_submit_set(j, "speed", "1", JOURNAL_D1);
	journal_stats(j, &stats);
	CHECK(stats.batches == 0);
	uint64_t last = testing_submit_set(j, "speed", "2", JOURNAL_D2);
	CHECK(testing_settle(j, last, NULL) == 0);
	journal_stats(j, &stats);
	CHECK(stats.batches == 21 && stats.commits <= 2);
	testing_submit_set(j, "speed", "3", JOURNAL_D1);
	journal_stop(&j); /* does not wait an hour */
	CHECK(testing_verified(t.path) == 22);
	testing_remove(&t);

	j = testing_open(&t); /* the usual window ends by itself */
	CHECK(testing_settle(j, testing_submit_set(j, "speed", "1", JOURNAL_D1), NULL) == 0);
	journal_stop(&j);
	testing_remove(&t);
}

/* Nothing is taken, so nothing makes room, whatever the writer does meanwhile. */
/* Without a thread, nothing happens until it is told to, or stopped. */
static void a_stepped_journal_does_what_it_is_told(void) {
	const struct journal_options o = { .stepped = true, .window_ns = INT64_C(3600) * NS_PER_S };
	struct journal_result r;
	struct journal *j;
	CHECK(journal_open(t.path, &o, &j, NULL) == 0);
	CHECK(!journal_step(j));
	testing_submit_set(j, "speed", "1", JOURNAL_D1);
	CHECK(!journal_step(j) && journal_take(j, &r) == -EAGAIN); /* it waits for company */
	testing_submit_set(j, "speed", "2", JOURNAL_D2);
	CHECK(journal_take(j, &r) == -EAGAIN);
	CHECK(journal_step(j) && !journal_step(j));
	CHECK(journal_take(j, &r) == 0 && r.rc == 0 && r.records[0].seq == 1);
	CHECK(journal_take(j, &r) == 0 && r.rc == 0 && r.records[0].seq == 2);
	testing_submit_set(j, "speed", "3", JOURNAL_D1);
	journal_stop(&j);
	CHECK(testing_verified(t.path) == 3);
	testing_remove(&t);
}

static void a_full_queue_says_so(void) {
	struct journal_options small = { .queue_bytes = 64 << 10 };
	static uint8_t room[4096], big[40 << 10];
	static char value[BODY_VALUE_MAX + 1];
	struct journal_stats stats;
	struct journal *j;
	uint64_t accepted = 0, ticket = 0;
	memset(value, 'v', BODY_VALUE_MAX);
	CHECK(journal_open(t.path, &small, &j, NULL) == 0);
	struct journal_entry e = testing_set("speed", value, room, sizeof(room)), large = e;
	while (journal_submit(j, &e, 1, JOURNAL_D2, &ticket) == 0)
		CHECK(ticket == ++accepted);
	CHECK(accepted > 30 && journal_submit(j, &e, 1, JOURNAL_D2, &ticket) == -EAGAIN);
	CHECK(ticket == accepted); /* not touched */
	CHECK(testing_settle(j, accepted, NULL) == 0);
	struct journal_result r;
	CHECK(journal_take(j, &r) == -EAGAIN); /* gives the last one back, too */
	large.body = big;
	large.body_bytes = sizeof(big);
	CHECK(journal_submit(j, &large, 1, JOURNAL_D2, NULL) == -E2BIG);
	CHECK(journal_submit(j, &e, 1, JOURNAL_D2, &ticket) == 0 && ticket == accepted + 1);
	journal_stats(j, &stats);
	CHECK(stats.queue_full == 2);
	journal_stop(&j);
	CHECK(testing_verified(t.path) == accepted + 1);
	testing_remove(&t);
}

/* ---- one owner ---- */

static void hold_in_child(int ready, int go) {
	struct journal *j = testing_open(&t);
	char c = 'r';
	CHECK(write(ready, &c, 1) == 1 && read(go, &c, 1) == 0);
	journal_stop(&j);
	_exit(0);
}

static void a_second_owner_is_told_who_is_the_first(void) {
	int ready[2], go[2];
	char c, pid_text[32];
	CHECK(pipe(ready) == 0 && pipe(go) == 0);
	pid_t child = fork();
	CHECK(child >= 0);
	if (child == 0) {
		close(go[1]);
		hold_in_child(ready[1], go[0]);
	}
	CHECK(read(ready[0], &c, 1) == 1);
	struct cdm_diag d = { .count = 0 };
	struct journal *j;
	snprintf(pid_text, sizeof(pid_text), "process %ld", (long)child);
	CHECK(journal_open(t.path, NULL, &j, &d) == -EBUSY && j == NULL &&
			says(&d, "J0001", pid_text));
	char alias[100], reader[100];
	snprintf(alias, sizeof(alias), "%s/alias", t.folder);
	CHECK(symlink(t.path, alias) == 0);
	CHECK(journal_open(alias, NULL, &j, NULL) == -EBUSY); /* by any name */
	CHECK(unlink(alias) == 0);
	CHECK(testing_verified(t.path) == 0); /* reading is free */
	snprintf(reader, sizeof(reader), "%s", t.path);
	sql(reader, "SELECT count(*) FROM record", SQLITE_OK);
	close(go[1]);
	CHECK(waitpid(child, NULL, 0) == child);
	j = testing_open(&t);
	journal_stop(&j);
	testing_remove(&t);
	close(ready[0]), close(ready[1]), close(go[0]);
}

static void the_same_process_is_refused_as_well(void) {
	struct journal *j = testing_open(&t), *second;
	CHECK(journal_open(t.path, NULL, &second, NULL) == -EBUSY);
	journal_stop(&j);
	testing_remove(&t);
}

static void strangers_cannot_change_records(void) {
	struct journal *j = testing_open(&t);
	CHECK(testing_settle(j, testing_submit_set(j, "speed", "1", JOURNAL_D2), NULL) == 0);
	sql(t.path, "SELECT * FROM record", SQLITE_OK);
	sql(t.path,
			"INSERT INTO record SELECT seq + 1, epoch, hlc, wall_ns, entity, "
			"principal, visibility,"
			" kind, class, body, body_hash, prev, hash FROM record",
			SQLITE_ERROR);
	sql(t.path, "UPDATE record SET body = NULL", SQLITE_ERROR);
	sql(t.path, "DELETE FROM record", SQLITE_ERROR);
	journal_stop(&j);
	CHECK(testing_verified(t.path) == 1);
	testing_remove(&t);
}

/* Somebody holds the write lock of SQLite itself: the batch is refused, the next one is stored. */
static void a_foreign_lock_refuses_and_passes(void) {
	struct journal *j = testing_open(&t);
	sqlite3 *db;
	CHECK(sqlite3_open(t.path, &db) == SQLITE_OK);
	CHECK(sqlite3_exec(db, "BEGIN IMMEDIATE", NULL, NULL, NULL) == SQLITE_OK);
	CHECK(testing_settle(j, testing_submit_set(j, "speed", "1", JOURNAL_D2), NULL) == -EBUSY);
	CHECK(sqlite3_exec(db, "ROLLBACK", NULL, NULL, NULL) == SQLITE_OK);
	CHECK(testing_settle(j, testing_submit_set(j, "speed", "2", JOURNAL_D2), NULL) == 0);
	sqlite3_close(db);
	journal_stop(&j);
	CHECK(testing_verified(t.path) == 1);
	testing_remove(&t);
}

/* ---- files that are none of ours ---- */

static void open_both_ways(int want_writer, int want_reader, const char *id, const char *text) {
	struct cdm_diag d = { .count = 0 }, d2 = { .count = 0 };
	struct journal *j;
	struct journal_reader *r;
	CHECK(journal_open(t.path, NULL, &j, &d) == want_writer && j == NULL && says(&d, id, text));
	CHECK(journal_read_open(t.path, &r, &d2) == want_reader && r == NULL &&
			says(&d2, id, text));
}

static void other_files_are_refused_unchanged(void) {
	sql(t.path, "CREATE TABLE recipes (cake)", SQLITE_OK);
	open_both_ways(-EPROTO, -EPROTO, "J0002", "not a journal");
	sql(t.path, "SELECT cake FROM recipes", SQLITE_OK);
	testing_remove(&t);
	FILE *f = fopen(t.path, "w");
	CHECK(f && fputs("this is a poem, and not a short one, about nothing in particular\n", f) >
					0);
	for (int i = 0; i < 100; i++)
		fputs("line by line by line\n", f);
	CHECK(fclose(f) == 0);
	open_both_ways(-EPROTO, -EPROTO, "J0002", "not a database");
	testing_remove(&t);
}

static void a_newer_format_is_refused(void) {
	struct journal *j = testing_open(&t);
	journal_stop(&j);
	sql(t.path, "PRAGMA user_version = 4", SQLITE_OK);
	open_both_ways(-EPROTO, -EPROTO, "J0003", "has format 4; this cadmus reads up to 3");
	sql(t.path, "PRAGMA user_version = 3", SQLITE_OK);
	j = testing_open(&t);
	journal_stop(&j);
	testing_remove(&t);
}

static void missing_places_are_named(void) {
	struct cdm_diag d = { .count = 0 };
	struct journal *j;
	struct journal_reader *r;
	CHECK(journal_open("/nonexistent/folder/state", NULL, &j, &d) == -ENOENT &&
			says(&d, "J0005", "/nonexistent"));
	CHECK(journal_read_open(t.path, &r, &d) == -ENOENT && says(&d, "J0007", t.path));
	FILE *f = fopen(t.path, "w"); /* an owner that died while it made the file */
	CHECK(f && fclose(f) == 0 && journal_read_open(t.path, &r, &d) == -ENOENT);
	CHECK(says(&d, "J0007", "is empty"));
	j = testing_open(&t);
	journal_stop(&j);
	testing_remove(&t);
	CHECK(journal_open(t.folder, NULL, &j, NULL) < 0); /* a folder */
	char lock[100];
	snprintf(lock, sizeof(lock), "%s.lock", t.folder);
	unlink(lock);
	CHECK(journal_open("", NULL, &j, NULL) == -ENOENT);
	char deep[5000];
	memset(deep, 'x', sizeof(deep) - 1);
	deep[sizeof(deep) - 1] = 0;
	CHECK(journal_open(deep, NULL, &j, NULL) == -E2BIG &&
			journal_read_open(deep, &r, NULL) == -E2BIG);
	CHECK(journal_open("/dev/null/state", NULL, &j, NULL) == -ENOENT);
	for (size_t at = 0; at + 3 < sizeof(deep); at += 3)
		memcpy(deep + at, "\xe2\x82\xac", 4);
	d.count = 0; /* what is said of it is cut, too, and between two characters */
	CHECK(journal_open(deep, NULL, &j, &d) == -E2BIG && d.count == 1);
	CHECK(strlen(d.at[0].text) > CDM_DIAG_TEXT - 4 && utf8_valid(d.at[0].text, strlen(d.at[0].text)));
}

int __real_fsync(int fd);
int __wrap_fsync(int fd);
static int folders_synced;

/* Every fsync of ours (SQLite's own are its own). */
int __wrap_fsync(int fd) {
	struct stat s;
	if (fstat(fd, &s) == 0 && S_ISDIR(s.st_mode))
		folders_synced++;
	return __real_fsync(fd);
}

/* The name of a new file must survive a power cut, whichever way it is written. */
static void the_folder_of_a_new_file_is_synced(void) {
	char before[PATH_MAX];
	const char *const names[] = { "state", "./state", t.path };
	CHECK(getcwd(before, sizeof(before)) && chdir(t.folder) == 0);
	for (size_t i = 0; i < COUNT_OF(names); i++) {
		struct journal *j;
		folders_synced = 0;
		CHECK(journal_open(names[i], NULL, &j, NULL) == 0 && folders_synced == 1);
		journal_stop(&j);
		testing_remove(&t);
	}
	CHECK(chdir(before) == 0);
}

/* ---- reading ---- */

struct seen {
	uint64_t first, last, count, stop_at;
};

static int see(void *user, const struct journal_record *r) {
	struct seen *s = user;
	s->first = s->first ? s->first : r->seq;
	s->last = r->seq;
	s->count++;
	CHECK(r->body && r->body_bytes > 0);
	return r->seq == s->stop_at ? 42 : 0;
}

static void readers_see_what_they_ask_for(void) {
	struct journal *j = testing_open(&t);
	struct journal_reader *r;
	uint64_t seq;
	CHECK(journal_read_open(t.path, &r, NULL) == 0);
	CHECK(journal_last(r, &seq) == 0 && seq == 0);
	CHECK(journal_seq_at(r, clock_wall(), &seq) == 0 && seq == 0);
	for (int i = 0; i < 10; i++)
		CHECK(testing_settle(j, testing_submit_set(j, "speed", "1", JOURNAL_D2), NULL) ==
				0);
	CHECK(journal_last(r, &seq) == 0 && seq == 10); /* with the writer running */
	struct seen all = { 0 }, some = { 0 }, stopped = { .stop_at = 4 }, none = { 0 };
	CHECK(journal_each(r, 0, 0, see, &all) == 0 && all.first == 1 && all.count == 10);
	CHECK(journal_each(r, 3, 5, see, &some) == 0 && some.first == 3 && some.last == 7 &&
			some.count == 5);
	CHECK(journal_each(r, 2, 0, see, &stopped) == 42 && stopped.last == 4);
	CHECK(journal_each(r, 11, 0, see, &none) == 0 &&
			journal_each(r, UINT64_MAX, 0, see, &none) == 0);
	struct seen one = { .stop_at = 4 };
	CHECK(journal_one(r, 3, see, &one) == 0 && journal_one(r, 4, see, &one) == 42 && journal_one(r, 3, see,
			&one) == 0);
	CHECK(one.count == 3 && one.first == 3 && one.last == 3);
	CHECK(journal_one(r, 0, see, &none) == -ENOENT && journal_one(r, 11, see, &none) == -ENOENT);
	CHECK(journal_one(r, UINT64_MAX, see, &none) == -ENOENT && none.count == 0);
	journal_stop(&j);
	CHECK(journal_last(r, &seq) == 0 && seq == 10); /* and without it */
	journal_read_close(&r);
	journal_read_close(&r); /* accepts NULL */
	testing_remove(&t);
}

struct walks {
	struct journal_reader *r;
	uint64_t inner; /* records that walks within the walk saw */
};

static int walk_within(void *user, const struct journal_record *r) {
	struct walks *w = user;
	struct seen s = { 0 };
	CHECK(journal_each(w->r, r->seq, 2, see, &s) == 0 && s.first == r->seq);
	w->inner += s.count;
	return 0;
}

/* A walk in a walk; and all of one moment, while it is held. */
static void walks_within_walks(void) {
	struct journal *j = testing_open(&t);
	struct walks w = { .inner = 0 };
	struct seen held = { 0 }, then = { 0 }, one = { 0 };
	CHECK(journal_read_open(t.path, &w.r, NULL) == 0);
	for (int i = 0; i < 5; i++)
		CHECK(testing_settle(j, testing_submit_set(j, "speed", "1", JOURNAL_D2), NULL) == 0);
	for (int twice = 0; twice < 2; twice++)
		CHECK(journal_each(w.r, 0, 0, walk_within, &w) == 0 && w.inner == 9u * (twice + 1));
	CHECK(journal_hold(w.r) == 0 && journal_one(w.r, 5, see, &one) == 0);
	CHECK(testing_settle(j, testing_submit_set(j, "speed", "2", JOURNAL_D2), NULL) == 0);
	CHECK(journal_each(w.r, 0, 0, see, &held) == 0 && held.count == 5);
	CHECK(journal_one(w.r, 6, see, &one) == -ENOENT);
	journal_let_go(w.r);
	journal_let_go(w.r); /* nothing is held */
	CHECK(journal_each(w.r, 0, 0, see, &then) == 0 && then.count == 6);
	journal_read_close(&w.r);
	journal_stop(&j);
	testing_remove(&t);
}

struct times {
	int64_t ms[12];
	unsigned count;
};

static int note_time(void *user, const struct journal_record *r) {
	struct times *x = user;
	x->ms[x->count++] = record_hlc_wall(r->hlc).ns / NS_PER_MS;
	return 0;
}

static void set_some(struct journal *j, int count) {
	for (int i = 0; i < count; i++)
		CHECK(testing_settle(j, testing_submit_set(j, "speed", "1", JOURNAL_D2), NULL) == 0);
}

static int note_date(void *user, const struct journal_record *r) {
	((struct cdm_wall *)user)[r->seq] = r->wall;
	return 0;
}

static bool same_ms(struct cdm_wall a, struct cdm_wall b) {
	return a.ns / NS_PER_MS == b.ns / NS_PER_MS;
}

/* An hour ahead for two records; three more, before the calendar comes up with it. */
static void a_clock_was_ahead(void) {
	struct cdm_wall date[10] = { { 0 } };
	struct journal_reader *r;
	uint64_t seq;
	testing_remove(&t);
	struct journal *j = testing_open_at(t.path, 0);
	set_some(j, 3);
	struct cdm_wall before = clock_wall();
	testing_shift_ns = 3600 * NS_PER_S;
	set_some(j, 2);
	testing_shift_ns = 0;
	while (same_ms(before, clock_wall()))
		;
	set_some(j, 3);
	journal_stop(&j);
	CHECK(journal_read_open(t.path, &r, NULL) == 0 && journal_each(r, 0, 0, note_date, date) == 0);
	for (uint64_t i = 1; i <= 8; i++) {
		uint64_t want = i == 4 || i == 5 ? 8 : i; /* what is dated ahead comes after all that is not */
		while (want < 8 && want != 3 && same_ms(date[want + 1], date[i]))
			want++;
		CHECK(journal_seq_dated(r, date[i], &seq) == 0 && seq == want);
	}
	CHECK(journal_seq_dated(r, (struct cdm_wall){ date[6].ns - NS_PER_MS }, &seq) == 0 && seq == 3);
	CHECK(journal_seq_dated(r, (struct cdm_wall){ date[1].ns - NS_PER_MS }, &seq) == 0 && seq == 0);
	CHECK(journal_seq_at(r, date[8], &seq) == 0 && seq == 3);
	journal_read_close(&r);
	testing_remove(&t);
}

static void a_time_leads_to_a_record(void) {
	struct journal *j = testing_open(&t);
	struct journal_reader *r;
	struct times x = { .count = 0 };
	set_some(j, 12);
	journal_stop(&j);
	CHECK(journal_read_open(t.path, &r, NULL) == 0 &&
			journal_each(r, 0, 0, note_time, &x) == 0);
	for (unsigned i = 0; i < x.count; i++)
		for (int64_t off = -1; off <= 1; off++) {
			uint64_t seq, want = 0;
			int64_t when = x.ms[i] + off;
			while (want < x.count && x.ms[want] <= when)
				want++;
			CHECK(journal_seq_at(r, (struct cdm_wall){ when * NS_PER_MS }, &seq) == 0 &&
					seq == want);
		}
	journal_read_close(&r);
	testing_remove(&t);
}

/* A reader's snapshot holds while the writer writes on, and neither waits for the other. */
static int write_meanwhile(void *user, const struct journal_record *r) {
	struct journal *j = user;
	CHECK(testing_settle(j, testing_submit_set(j, "more", "1", JOURNAL_D2), NULL) == 0);
	return r->seq > 5; /* 5 were there when the walk began */
}

static void a_walk_is_a_snapshot(void) {
	struct journal *j = testing_open(&t);
	struct journal_reader *r;
	for (int i = 0; i < 5; i++)
		CHECK(testing_settle(j, testing_submit_set(j, "speed", "1", JOURNAL_D2), NULL) ==
				0);
	CHECK(journal_read_open(t.path, &r, NULL) == 0);
	CHECK(journal_each(r, 0, 0, write_meanwhile, j) == 0);
	journal_read_close(&r);
	journal_stop(&j);
	CHECK(testing_verified(t.path) == 10);
	testing_remove(&t);
}

/* ---- replay ---- */

static struct journal_entry any_entry(uint64_t *seed, uint8_t *room, size_t n) {
	char a[32], b[32];
	uint64_t d = testing_random(seed);
	snprintf(a, sizeof(a), "n%u", (unsigned)(d >> 8 & 63));
	snprintf(b, sizeof(b), "v%u", (unsigned)(d >> 16 & 255));
	struct body_turn turn = { .request = body_text(d & 64 ? a : ""),
		.model = body_text("phi3"),
		.user = body_text(b),
		.answer = body_text(a),
		.fact_count = 1,
		.trust_ppm = 7 };
	turn.facts[0] = (struct body_said){ body_text(a), body_text(d & 1024 ? b : ""), 3 };
	struct body_evidence ev = { body_text(a), body_text("talker"), body_text("talent"), d >> 40,
		5, 1 + (d & 255) };
	struct body_model model = { body_text(a), 1 + d % 3 };
	struct body_command command = { .id = d >> 44, .verb = body_text("walk"), .number = 3, .source = body_text(a) };
	switch (d % 5) {
	case 0:
		return testing_set(a, b, room, n);
	case 1:
		return testing_entry(JOURNAL_TURN, room, body_build_turn(&turn, room, n));
	case 2:
		return testing_entry(JOURNAL_EVIDENCE, room, body_build_evidence(&ev, room, n));
	case 3:
		return testing_entry(JOURNAL_MODEL, room, body_build_model(&model, room, n));
	default:
		return testing_entry(JOURNAL_COMMAND, room, body_build_command(&command, room, n));
	}
}

/* Random batches of every kind and class; at each step of the way, live state = replayed state. */
static void replay_is_the_live_state(void) {
	static uint8_t room[8][2048];
	struct journal *j = testing_open(&t);
	struct journal_state *live = testing_state();
	struct hash marks[40];
	uint64_t seqs[40], seed = 1234, ticket = 0;
	for (int mark = 0; mark < 40; mark++) {
		for (int batch = 0; batch < 10; batch++) {
			struct journal_entry e[8];
			unsigned n = 1 + (unsigned)(testing_random(&seed) % 8);
			for (unsigned i = 0; i < n; i++)
				e[i] = any_entry(&seed, room[i], sizeof(room[i]));
			enum journal_class class = batch == 9 || testing_random(&seed) % 8 == 0
								   ? JOURNAL_D2
								   : JOURNAL_D1;
			CHECK(journal_submit(j, e, n, class, &ticket) == 0);
		}
		CHECK(testing_settle(j, ticket, live) == 0);
		marks[mark] = state_hash(live);
		seqs[mark] = live->seq;
	}
	struct hash now = testing_replay(t.path, UINT64_MAX);
	CHECK(hash_equal(&now, &marks[39])); /* while it runs */
	journal_stop(&j);
	for (int mark = 0; mark < 40; mark++) {
		struct hash then = testing_replay(t.path, seqs[mark]);
		CHECK(hash_equal(&then, &marks[mark]));
	}
	CHECK(live->duplicates > 0 && live->broken == 0 && live->fact_count > 10);
	free(live);
	testing_remove(&t);
}

/* ---- erasing ---- */

static bool file_holds(const char *ending, const char *text) {
	char name[100];
	static char bytes[1 << 20];
	snprintf(name, sizeof(name), "%s%s", t.path, ending);
	FILE *f = fopen(name, "r");
	size_t n = f ? fread(bytes, 1, sizeof(bytes), f) : 0;
	CHECK(n < sizeof(bytes));
	if (f)
		fclose(f);
	return memmem(bytes, n, text, strlen(text)) != NULL;
}

static int settle_one(struct journal *j) {
	return testing_settle(j, testing_submit_set(j, "speed", "1", JOURNAL_D2), NULL);
}

/* Nothing is acknowledged into a file that nobody will find; what is moved back goes on where it was. */
static void a_file_that_is_gone_takes_nothing(void) {
	static const char *const endings[] = { "", "-wal" };
	char name[100], away[100];
	for (size_t i = 0; i < COUNT_OF(endings); i++) {
		struct journal *j = testing_open(&t);
		snprintf(name, sizeof(name), "%s%s", t.path, endings[i]);
		snprintf(away, sizeof(away), "%s.away", t.path);
		CHECK(settle_one(j) == 0 && rename(name, away) == 0);
		CHECK(settle_one(j) == -ESTALE && settle_one(j) == -ESTALE);
		FILE *other = fopen(name, "w"); /* another one in its place is no better */
		CHECK(other && fclose(other) == 0 && settle_one(j) == -ESTALE);
		CHECK(rename(away, name) == 0 && settle_one(j) == 0);
		journal_stop(&j);
		CHECK(testing_verified(t.path) == 2);
		testing_remove(&t);
	}
}

static void a_file_that_is_removed_can_be_left(void) {
	struct journal *j = testing_open(&t);
	CHECK(settle_one(j) == 0);
	testing_remove(&t);
	CHECK(settle_one(j) == -ESTALE);
	journal_stop(&j);
	CHECK(access(t.path, F_OK) < 0);
	j = testing_open(&t); /* and a new one be made */
	CHECK(journal_tail(j)->seq == 0 && settle_one(j) == 0);
	journal_stop(&j);
	CHECK(testing_verified(t.path) == 1);
	testing_remove(&t);
}

static struct journal_entry erase_note(uint64_t seq, uint8_t *room, size_t n) {
	struct body_erase b = { seq, body_text("asked to") };
	return testing_entry(JOURNAL_ERASE, room, body_build_erase(&b, room, n));
}

static uint64_t a_secret(struct journal *j, size_t bytes) {
	static uint8_t room[64 << 10];
	static char user[48 << 10];
	uint64_t ticket;
	memset(user, 'u', bytes);
	memcpy(user + bytes - 12, "my-pin-4711!", 12);
	struct body_turn turn = {
		.user = { user, bytes }, .model = body_text("phi3"), .fact_count = 1
	};
	turn.facts[0] = (struct body_said){ body_text("pin"), body_text("my-pin-4711!"), 1 };
	struct journal_entry e = testing_entry(
			JOURNAL_TURN, room, body_build_turn(&turn, room, sizeof(room)));
	CHECK(journal_submit(j, &e, 1, JOURNAL_D2, &ticket) == 0);
	return ticket;
}

static void erased_is_gone_and_the_chain_holds(size_t bytes) {
	struct journal *j = testing_open(&t);
	struct journal_state *s = testing_state();
	uint8_t room[256];
	uint64_t ticket;
	testing_submit_set(j, "speed", "1", JOURNAL_D2);
	CHECK(testing_settle(j, a_secret(j, bytes), NULL) == 0);
	CHECK(testing_settle(j, testing_submit_set(j, "speed", "2", JOURNAL_D2), NULL) == 0);
	CHECK(file_holds("", "my-pin") || file_holds("-wal", "my-pin"));
	struct journal_entry note = erase_note(2, room, sizeof(room));
	CHECK(journal_erase(j, 2, &note, &ticket) == 0);
	struct journal_result r = testing_result(j);
	CHECK(r.ticket == ticket && r.rc == 0 && r.wiped == 0 && r.records[0].seq == 4);
	CHECK(!file_holds("", "my-pin") && !file_holds("-wal", "my-pin"));
	note = erase_note(99, room, sizeof(room));
	CHECK(journal_erase(j, 99, &note, &ticket) == 0 &&
			testing_settle(j, ticket, NULL) == -ENOENT);
	CHECK(testing_settle(j, testing_submit_set(j, "speed", "3", JOURNAL_D2), NULL) == 0);
	journal_stop(&j);
	struct journal_reader *reader;
	struct journal_report report;
	CHECK(journal_read_open(t.path, &reader, NULL) == 0);
	CHECK(journal_verify(reader, &report, NULL) == 0 && report.records == 5 &&
			report.erased == 1);
	CHECK(journal_state_at(reader, UINT64_MAX, s, NULL) == 0 && s->erased == 1 &&
			s->fact_count == 0);
	CHECK(s->turns_end == 0 && s->kinds[JOURNAL_TURN] == 1 && s->kinds[JOURNAL_ERASE] == 1);
	journal_read_close(&reader);
	free(s);
	testing_remove(&t);
}

/* An erasure that finds nothing fails alone, although others waited beside it. */
static void an_erasure_shares_no_transaction(void) {
	struct journal_options patient = { .window_ns = 3600 * NS_PER_S };
	struct journal *j;
	uint8_t room[256];
	struct journal_entry note = erase_note(99, room, sizeof(room));
	CHECK(journal_open(t.path, &patient, &j, NULL) == 0);
	testing_submit_set(j, "speed", "1", JOURNAL_D1);
	CHECK(journal_erase(j, 99, &note, NULL) == 0);
	CHECK(testing_settle(j, 1, NULL) == 0 && testing_settle(j, 2, NULL) == -ENOENT);
	journal_stop(&j);
	CHECK(testing_verified(t.path) == 1);
	testing_remove(&t);
}

static int erase_meanwhile(void *user, const struct journal_record *r) {
	struct journal *j = user;
	uint8_t room[256];
	uint64_t ticket;
	struct journal_entry note = erase_note(r->seq, room, sizeof(room));
	struct cdm_mono began = clock_mono();
	CHECK(journal_erase(j, r->seq, &note, &ticket) == 0);
	struct journal_result result = testing_result(j);
	CHECK(result.ticket == ticket && result.rc == 0 && result.wiped == -EBUSY && journal_wiped(j) != 0);
	CHECK(testing_settle(j, testing_submit_set(j, "speed", "1", JOURNAL_D2), NULL) == 0);
	CHECK(mono_since(began, clock_mono()) < NS_PER_S); /* nobody waited for the reader */
	return 1;
}

/* Nobody but the journal does anything for it. */
static void await_wiped(struct journal *j) {
	struct journal_result r;
	struct pollfd p = { .fd = journal_event_fd(j), .events = POLLIN };
	while (journal_take(j, &r) == -EAGAIN && journal_wiped(j) != 0)
		CHECK(poll(&p, 1, 30000) == 1);
	CHECK(journal_wiped(j) == 0 && !file_holds("", "my-pin") && !file_holds("-wal", "my-pin"));
}

static void a_reader_that_holds_on_is_reported(void) {
	struct journal *j = testing_open(&t);
	struct journal_reader *r;
	CHECK(testing_settle(j, a_secret(j, 100), NULL) == 0);
	CHECK(journal_read_open(t.path, &r, NULL) == 0);
	CHECK(journal_each(r, 0, 0, erase_meanwhile, j) == 1);
	CHECK(file_holds("-wal", "my-pin"));
	await_wiped(j); /* the walk has ended */
	journal_read_close(&r);
	journal_stop(&j);
	testing_remove(&t);
}

static int erase_and_leave(void *user, const struct journal_record *r) {
	struct journal **j = user;
	(void)!erase_meanwhile(*j, r);
	journal_stop(j);
	return 1;
}

/* Its owner ended before the reader did: the next one sees to it. */
static void what_could_not_be_wiped_is_when_it_is_opened(void) {
	struct journal *j = testing_open(&t);
	struct journal_reader *r;
	CHECK(testing_settle(j, a_secret(j, 100), NULL) == 0);
	CHECK(journal_read_open(t.path, &r, NULL) == 0);
	CHECK(journal_each(r, 0, 0, erase_and_leave, &j) == 1);
	CHECK(file_holds("-wal", "my-pin"));
	j = testing_open(&t);
	await_wiped(j);
	journal_read_close(&r);
	journal_stop(&j);
	testing_remove(&t);
}

/* ---- the rest ---- */

/* More than a WAL may hold: checkpoints happen by themselves, and keep it short. */
static void the_wal_stays_short(void) {
	static uint8_t room[128 << 10];
	static char user[100 << 10];
	struct journal *j = testing_open(&t);
	struct journal_stats stats;
	uint64_t ticket;
	memset(user, 'u', sizeof(user));
	struct body_turn turn = { .user = { user, sizeof(user) } };
	struct journal_entry e = testing_entry(
			JOURNAL_TURN, room, body_build_turn(&turn, room, sizeof(room)));
	for (int i = 0; i < 100; i++) {
		CHECK(journal_submit(j, &e, 1, JOURNAL_D2, &ticket) == 0);
		CHECK(testing_settle(j, ticket, NULL) == 0);
	}
	journal_stats(j, &stats);
	CHECK(stats.wal_frames < 1100 && stats.records == 100 && stats.commit_ns_max > 0);
	journal_stop(&j);
	testing_remove(&t);
}

static void *watch(void *arg) {
	struct journal *j = arg;
	struct journal_stats stats;
	for (uint64_t last = 0; last < 200;) {
		journal_stats(j, &stats);
		CHECK(stats.records >= last && stats.refused == 0);
		last = stats.records;
	}
	return NULL;
}

static void any_thread_may_look(void) {
	struct journal *j = testing_open(&t);
	pthread_t thread;
	CHECK(pthread_create(&thread, NULL, watch, j) == 0);
	for (int i = 0; i < 200; i++)
		testing_submit_set(j, "speed", "1", i % 10 == 9 ? JOURNAL_D2 : JOURNAL_D1);
	CHECK(testing_settle(j, 200, NULL) == 0 && pthread_join(thread, NULL) == 0);
	journal_stop(&j);
	journal_stop(&j); /* accepts NULL */
	testing_remove(&t);
}

int main(void) {
	t = testing_begin();
	records_come_back_as_they_stand();
	others_may_not_read_the_file();
	wrong_entries_are_refused();
	volatile_entries_are_counted_only();
	d1_waits_for_company();
	a_stepped_journal_does_what_it_is_told();
	a_full_queue_says_so();
	a_second_owner_is_told_who_is_the_first();
	the_same_process_is_refused_as_well();
	strangers_cannot_change_records();
	a_foreign_lock_refuses_and_passes();
	other_files_are_refused_unchanged();
	a_newer_format_is_refused();
	missing_places_are_named();
	the_folder_of_a_new_file_is_synced();
	readers_see_what_they_ask_for();
	walks_within_walks();
	a_time_leads_to_a_record();
	a_clock_was_ahead();
	a_walk_is_a_snapshot();
	replay_is_the_live_state();
	a_file_that_is_gone_takes_nothing();
	a_file_that_is_removed_can_be_left();
	erased_is_gone_and_the_chain_holds(100);
	erased_is_gone_and_the_chain_holds(40000); /* overflow pages */
	an_erasure_shares_no_transaction();
	a_reader_that_holds_on_is_reported();
	what_could_not_be_wiped_is_when_it_is_opened();
	the_wal_stays_short();
	any_thread_may_look();
	testing_end(&t);
	puts("journal_test: ok");
}
