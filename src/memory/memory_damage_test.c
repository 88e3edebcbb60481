/*
 * memory_damage_test.c - what was erased is gone, what is damaged is made again, and no death leaves more than work
 * to do.
 */
#include <signal.h>
#include <sqlite3.h>
#include <sys/time.h>
#include <sys/wait.h>
#include "memory/memory_testing.h"
#include "test/lib/pace.h"

static struct told w;

struct bytes {
	char *at;
	size_t count;
};

static struct bytes read_all(const char *path) {
	struct bytes b = { NULL, 0 };
	struct stat st;
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return b;
	CHECK(fstat(fd, &st) == 0);
	b.count = (size_t)st.st_size;
	b.at = malloc(b.count + 1);
	CHECK(b.at && read(fd, b.at, b.count) == (ssize_t)b.count);
	close(fd);
	return b;
}

static void write_all(const char *path, const char *at, size_t count) {
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	CHECK(fd >= 0 && write(fd, at, count) == (ssize_t)count);
	close(fd);
}

static bool stands_in(const char *path, const char *word) {
	struct bytes b = read_all(path);
	bool is = b.at && memmem(b.at, b.count, word, strlen(word));
	free(b.at);
	return is;
}

static bool stands_anywhere(const char *word) {
	return stands_in(told_index(&w, ""), word) || stands_in(told_index(&w, "-wal"), word) ||
	       stands_in(told_index(&w, "-shm"), word);
}

static void tell_much(unsigned turns) {
	for (unsigned i = 0; i < turns; i++) {
		char user[64], answer[64];
		snprintf(user, sizeof(user), "the number of this turn is n%u", i);
		snprintf(answer, sizeof(answer), "noted that it is n%u of many", i);
		told_turn(&w, "ada", "s", user, answer);
	}
}

/* As a backup is restored: the file with its name, and nothing beside it. */
static void restore(const struct bytes *backup) {
	char name[120];
	snprintf(name, sizeof(name), "%s-wal", w.t.path);
	unlink(name);
	snprintf(name, sizeof(name), "%s-shm", w.t.path);
	unlink(name);
	snprintf(name, sizeof(name), "%s.backup", w.t.path);
	write_all(name, backup->at, backup->count);
	CHECK(rename(name, w.t.path) == 0);
}

/* ---- erasure ---- */

static const char *const secrets[] = { "zyzzyva", "Kwyjibo", "kwyjibo", "quobbling", "xochitl.note" };

static uint64_t tell_secret(void) {
	struct body_turn b = { .speaker = body_text("ada"), .user = body_text("zyzzyva Kwyjibo"),
		.answer = body_text("quobbling"), .session = body_text("xochitl.session"), .trust_ppm = 800000,
				.fact_count = 1 };
	b.facts[0] = (struct body_said){ body_text("xochitl.note"), body_text("zyzzyva"), 900000 };
	return told_turn_of(&w, &b, "ada", JOURNAL_MACHINE);
}

static void check_gone(void) {
	for (size_t i = 0; i < COUNT_OF(secrets); i++)
		CHECK(!stands_anywhere(secrets[i]));
	CHECK(!stands_anywhere("xochitl") && told_ask(&w, "zyzzyva kwyjibo quobbling") == 0);
	CHECK(memory_session(w.m, NULL, "xochitl.session", w.hits, 4) == 0);
}

/* Its vector is zeros, and those beside it are not: what it was made of could be guessed from it. */
static bool has_vector(int64_t id) {
	enum { DIMS = 256, BLOCK = 64 };
	static const char zeros[DIMS];
	sqlite3 *sql = NULL;
	sqlite3_stmt *s = NULL;
	CHECK(sqlite3_open(told_index(&w, ""), &sql) == SQLITE_OK);
	CHECK(sqlite3_prepare_v2(sql, "SELECT data FROM vectors WHERE block = ?", -1, &s, NULL) == SQLITE_OK);
	CHECK(sqlite3_bind_int64(s, 1, id / BLOCK) == SQLITE_OK && sqlite3_step(s) == SQLITE_ROW);
	CHECK(sqlite3_column_bytes(s, 0) == DIMS * BLOCK);
	bool has = memcmp((const char *)sqlite3_column_blob(s, 0) + id % BLOCK * DIMS, zeros, DIMS) != 0;
	sqlite3_finalize(s);
	CHECK(sqlite3_close(sql) == SQLITE_OK);
	return has;
}

static void erased_words_leave_the_file(void) {
	struct memory_stats s;
	told_begin(&w);
	tell_much(100);
	uint64_t seq = tell_secret();
	tell_much(100);
	told_follow(&w);
	CHECK(told_ask(&w, "zyzzyva kwyjibo") >= 2 && told_ask(&w, "xochitl note") >= 1);
	for (size_t i = 0; i < COUNT_OF(secrets); i++)
		CHECK(stands_anywhere(secrets[i]));
	CHECK(seq == 101 && has_vector(101) && has_vector(102)); /* the turn and its claim */
	told_erase(&w, seq);
	CHECK(told_ask(&w, "zyzzyva") == 0); /* before it is known: the journal has it no more */
	told_follow(&w);
	memory_stats(w.m, &s);
	CHECK(!s.wipe_due && s.renewed == 0 && s.passages == 200);
	check_gone();
	CHECK(has_vector(100) && !has_vector(101) && !has_vector(102) && has_vector(103));
	memory_close(&w.m);
	told_follow(&w);
	check_gone();
	CHECK(told_ask(&w, "n42") >= 1 && strstr(w.hits[0].text, "n42"));
	uint64_t again = tell_secret(); /* and the number of its passage is not taken by another one's vector */
	told_follow(&w);
	CHECK(told_ask(&w, "zyzzyvas kwyjibos") >= 1 && w.hits[0].of.seq == again);
	told_end(&w);
}

static void a_reader_delays_the_wiping(void) {
	struct memory_stats s;
	sqlite3 *reader = NULL;
	told_begin(&w);
	uint64_t seq = tell_secret();
	told_follow(&w);
	CHECK(sqlite3_open(told_index(&w, ""), &reader) == SQLITE_OK);
	CHECK(sqlite3_exec(reader, "BEGIN; SELECT count(*) FROM said", NULL, NULL, NULL) == SQLITE_OK);
	told_erase(&w, seq);
	told_follow(&w);
	memory_stats(w.m, &s);
	CHECK(s.wipe_due);
	CHECK(sqlite3_exec(reader, "COMMIT", NULL, NULL, NULL) == SQLITE_OK && sqlite3_close(reader) == SQLITE_OK);
	CHECK(memory_follow(w.m, 0) == 0);
	memory_stats(w.m, &s);
	CHECK(!s.wipe_due);
	check_gone();
	told_end(&w);
}

/* ---- another journal ---- */

static void another_journal_makes_another_index(void) {
	struct memory_stats s;
	told_begin(&w);
	told_turn(&w, "ada", "", "the old apple", "yes");
	journal_stop(&w.j);
	struct bytes backup = read_all(w.t.path);
	w.j = testing_open(&w.t);
	told_turn(&w, "ada", "", "the lost pear", "yes");
	told_follow(&w);
	journal_stop(&w.j);
	restore(&backup); /* the index is ahead */
	CHECK(memory_follow(w.m, 0) == 1 && !told_has(&w, "pear") && told_has(&w, "apple"));
	memory_stats(w.m, &s);
	CHECK(s.upto == 1 && s.renewed == 1);
	w.j = testing_open(&w.t);
	w.last = 1;
	told_turn(&w, "ada", "", "the new plum", "yes");
	told_follow(&w);
	journal_stop(&w.j);
	memory_close(&w.m);
	restore(&backup);
	w.j = testing_open(&w.t);
	w.last = 1;
	told_turn(&w, "ada", "", "the other quince", "yes"); /* the same seq, another record */
	told_follow(&w);
	CHECK(!told_has(&w, "plum") && told_has(&w, "quince") && told_has(&w, "apple"));
	free(backup.at);
	told_end(&w);
}

/* What a compaction lets go is in the index no more, though the record that says so is the only sign of it. */
static void what_is_let_go_is_let_go(void) {
	sqlite3 *sql = NULL;
	uint8_t room[512];
	told_begin(&w);
	uint64_t gone = told_turn(&w, "ada", "", "an apple", "yes"), stays = told_turn(&w, "ada", "", "a pear", "yes");
	told_follow(&w);
	CHECK(sqlite3_open(w.t.path, &sql) == SQLITE_OK);
	CHECK(sqlite3_exec(sql, "DROP TRIGGER record_delete; DELETE FROM record WHERE seq = 1", NULL, NULL,
			NULL) == SQLITE_OK);
	CHECK(sqlite3_close(sql) == SQLITE_OK && gone == 1);
	CHECK(!told_has(&w, "apple"));
	struct body_compact b = { .upto = 1, .removed = 1, .kinds = body_text("turn") };
	struct journal_entry e = testing_entry(JOURNAL_COMPACT, room, body_build_compact(&b, room, sizeof(room)));
	told_submit(&w, &e);
	told_follow(&w);
	struct memory_stats s;
	memory_stats(w.m, &s);
	CHECK(s.passages == 1 && s.renewed == 0 && told_has(&w, "pear") && w.hits[0].of.seq == stays);
	CHECK(!stands_anywhere("an apple"));
	told_end(&w);
}

/* ---- damage ---- */

enum { TURNS = 120 };

/* Whatever the index is, what is given is what was told. */
static void check_true(unsigned n) {
	for (unsigned i = 0; i < n; i++) {
		char text[160];
		unsigned k = (unsigned)w.hits[i].of.seq - 1;
		snprintf(text, sizeof(text), "the number of this turn is n%u\nnoted that it is n%u of many", k, k);
		CHECK(k < TURNS && strcmp(w.hits[i].text, text) == 0);
	}
}

static int ask(const char *text) {
	struct memory_query q = { .text = text };
	int n = memory_search(w.m, &q, w.hits, COUNT_OF(w.hits));
	if (n == -ESTALE) {
		CHECK(memory_follow(w.m, 0) == TURNS);
		n = memory_search(w.m, &q, w.hits, COUNT_OF(w.hits));
	}
	CHECK(n >= 0);
	check_true((unsigned)n);
	return n;
}

static void open_anyhow(void) {
	CHECK(memory_open(w.t.path, NULL, &w.m, NULL) == 0);
	CHECK(memory_follow(w.m, 0) >= 0);
	CHECK(ask("n7 n77") >= 0 && ask("number turn many") >= 0 && ask("") >= 0);
	CHECK(memory_session(w.m, NULL, "s", w.hits, 8) >= -ESTALE);
}

static void check_whole(void) {
	struct memory_stats s;
	memory_stats(w.m, &s);
	CHECK(s.in_file && s.passages == TURNS && s.vectors_behind == 0);
	CHECK(ask("n7") >= 1 && w.hits[0].of.seq == 8);
	CHECK(ask("n119") >= 1 && w.hits[0].of.seq == TURNS);
}

static void flip_bytes(const struct bytes *good) {
	unsigned renewed = 0;
	for (size_t at = 0; at < good->count; at += at < 200 ? 1 : PACE(389, 997)) {
		struct memory_stats s;
		good->at[at] ^= (char)0xff;
		told_forget(&w);
		write_all(told_index(&w, ""), good->at, good->count);
		good->at[at] ^= (char)0xff;
		open_anyhow();
		memory_stats(w.m, &s);
		renewed += s.renewed > 0;
		memory_close(&w.m);
	}
	printf("bytes flipped: %zu bytes of index, %u times made again\n", good->count, renewed);
	CHECK(renewed > 50);
}

/* What the index cannot be is made again, whole, in the same place. */
static void replace_by(const char *at, size_t count) {
	told_forget(&w);
	write_all(told_index(&w, ""), at, count);
	open_anyhow();
	check_whole();
	memory_close(&w.m);
}

static void cut_and_replace(const struct bytes *good) {
	static char garbage[20000];
	for (size_t i = 0; i < sizeof(garbage); i++)
		garbage[i] = (char)(i * i >> 3);
	replace_by("", 0);
	replace_by(garbage, sizeof(garbage));
	replace_by("SQLite format 3", 16);
	for (size_t cut = 100; cut + 4096 < good->count; cut += good->count / 16)
		replace_by(good->at, cut);
	for (size_t page = 0; page < 12; page++) { /* the schema, the position, roots of tables */
		struct bytes copy = { malloc(good->count), good->count };
		CHECK(copy.at);
		memcpy(copy.at, good->at, good->count);
		memset(copy.at + page * 4096, 0, 4096);
		told_forget(&w);
		write_all(told_index(&w, ""), copy.at, copy.count);
		free(copy.at);
		open_anyhow();
		CHECK(memory_renew(w.m) == 0 && memory_follow(w.m, 0) == TURNS);
		check_whole();
		memory_close(&w.m);
	}
	char *version = good->at + 60; /* user_version, of an older program: sqlite.org/fileformat2.html */
	CHECK(memcmp(version, "\0\0\0\3", 4) == 0);
	version[3] = 2;
	replace_by(good->at, good->count);
	version[3] = 3;
	struct bytes journal = read_all(w.t.path); /* another SQLite file */
	replace_by(journal.at, journal.count);
	free(journal.at);
}

static void damage_is_no_error(void) {
	told_begin(&w);
	tell_much(TURNS);
	journal_stop(&w.j);
	open_anyhow();
	check_whole();
	memory_close(&w.m);
	struct bytes good = read_all(told_index(&w, ""));
	CHECK(good.count > 20 * 4096);
	flip_bytes(&good);
	cut_and_replace(&good);
	free(good.at);
	told_end(&w);
}

static void the_file_may_go_away(void) {
	struct memory_stats s;
	told_begin(&w);
	tell_much(TURNS);
	open_anyhow();
	unlink(told_index(&w, ""));
	unlink(told_index(&w, "-wal"));
	unlink(told_index(&w, "-shm"));
	CHECK(ask("n7") >= 1); /* it is still open */
	CHECK(memory_follow(w.m, 0) == TURNS);
	check_whole();
	memory_stats(w.m, &s);
	CHECK(access(told_index(&w, ""), F_OK) == 0);
	told_end(&w);
}

static void where_no_file_can_be_memory_will_do(void) {
	struct memory_stats s;
	told_begin(&w);
	tell_much(TURNS);
	journal_stop(&w.j);
	CHECK(mkdir(told_index(&w, ""), 0700) == 0); /* root may write anywhere, but not here */
	open_anyhow();
	memory_stats(w.m, &s);
	CHECK(!s.in_file && ask("n7") >= 1 && w.hits[0].of.seq == 8);
	CHECK(memory_claim(w.m) < 0 && ask("n7") >= 1); /* and it keeps what it has */
	CHECK(memory_renew(w.m) == 0 && memory_follow(w.m, 0) == TURNS && ask("n8") >= 1);
	memory_close(&w.m);
	CHECK(rmdir(told_index(&w, "")) == 0);
	told_end(&w);
}

/* ---- death ---- */

/* Dies when the clock says so, in the middle of whatever it does: the alarm's default is death, as SIGKILL is. */
static void work_until_death(long after_us) {
	struct itimerval t = { .it_value = { 0, after_us } };
	signal(SIGALRM, SIG_DFL);
	CHECK(setitimer(ITIMER_REAL, &t, NULL) == 0);
	for (;;) {
		struct memory *m = NULL;
		CHECK(memory_open(w.t.path, NULL, &m, NULL) == 0);
		while (memory_follow(m, 7) == 7)
			;
		CHECK(memory_renew(m) == 0);
		memory_close(&m);
	}
}

static void death_at_any_instant(void) {
	unsigned fresh = 0;
	told_begin(&w);
	tell_much(TURNS);
	journal_stop(&w.j);
	for (long i = 0; i < 60; i++) {
		int status;
		struct memory_stats s;
		pid_t child = fork();
		CHECK(child >= 0);
		if (child == 0)
			work_until_death(500 + i * 977 % 40000);
		CHECK(waitpid(child, &status, 0) == child && WIFSIGNALED(status) && WTERMSIG(status) == SIGALRM);
		open_anyhow();
		check_whole();
		memory_stats(w.m, &s);
		fresh += s.renewed == 0;
		memory_close(&w.m);
	}
	printf("died: 60 times, %u times the index could go on\n", fresh);
	CHECK(fresh == 60); /* no death damages it */
	told_end(&w);
}

int main(void) {
	erased_words_leave_the_file();
	a_reader_delays_the_wiping();
	another_journal_makes_another_index();
	what_is_let_go_is_let_go();
	damage_is_no_error();
	the_file_may_go_away();
	where_no_file_can_be_memory_will_do();
	death_at_any_instant();
	return 0;
}
