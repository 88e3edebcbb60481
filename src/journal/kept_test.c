/*
 * kept_test.c - what is kept beside the records: snapshots, requests, what may go, copies, and files of format 1
 * and of earlier folds.
 *
 * usage: kept_test FORMAT1 FOLD2 FOLD3     a state file as the first format made it, and as those folds did
 */
#include <signal.h>
#include <sqlite3.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include "base/clock.h"
#include "journal/db_priv.h"
#include "journal/journal_testing.h"

static struct testing t;
static struct journal_state *live;
static uint8_t room[8][4096];

/* ---- help ---- */

static int settle(struct journal *j, uint64_t ticket) {
	return testing_settle(j, ticket, live);
}

/* A turn with a fact, and a record that may be let go; its ticket. */
static uint64_t submit(struct journal *j, unsigned number, const char *secret, enum journal_class class) {
	char text[64], key[32];
	uint64_t ticket;
	snprintf(text, sizeof(text), "line %u %s", number, secret);
	snprintf(key, sizeof(key), "key %u", number % 50);
	struct body_turn b = { .user = body_text(text), .answer = body_text("yes"), .speaker = body_text("ada"),
		.fact_count = 1 };
	b.facts[0] = (struct body_said){ body_text(key), body_text(text), 900000 };
	struct body_gap gap = { body_text("evidence"), 1, body_text("") };
	int n = body_build_turn(&b, room[0], sizeof(room[0])), k = body_build_gap(&gap, room[1], sizeof(room[1]));
	struct journal_entry e[2] = { testing_entry(JOURNAL_TURN, room[0], n), testing_entry(JOURNAL_GAP, room[1], k) };
	CHECK(journal_submit(j, e, 2, class, &ticket) == 0);
	return ticket;
}

static void say(struct journal *j, unsigned number, const char *secret) {
	CHECK(settle(j, submit(j, number, secret, JOURNAL_D2)) == 0);
}

static void say_many(struct journal *j, unsigned count) {
	for (unsigned i = 0; i < count; i++) {
		uint64_t ticket = submit(j, i, "", i + 1 == count ? JOURNAL_D2 : JOURNAL_D1);
		if (i + 1 == count)
			CHECK(settle(j, ticket) == 0);
	}
}

static void snapshot(struct journal *j) {
	uint64_t ticket;
	CHECK(journal_snapshot(j, live, "core", &ticket) == 0);
	CHECK(journal_snapshot(j, live, "core", NULL) == -EAGAIN); /* one at a time */
	CHECK(settle(j, ticket) == 0);
}

static void sql(const char *text) {
	sqlite3 *db;
	sqlite3_stmt *s;
	CHECK(sqlite3_open(t.path, &db) == SQLITE_OK);
	CHECK(sqlite3_exec(db, "PRAGMA writable_schema = ON; DELETE FROM sqlite_schema WHERE type = 'trigger'",
			NULL, NULL, NULL) == SQLITE_OK);
	sqlite3_close(db);
	CHECK(sqlite3_open(t.path, &db) == SQLITE_OK);
	CHECK(sqlite3_prepare_v2(db, text, -1, &s, NULL) == SQLITE_OK && sqlite3_step(s) == SQLITE_DONE);
	sqlite3_finalize(s);
	sqlite3_close(db);
}

static int64_t number(const char *query) {
	sqlite3 *db;
	sqlite3_stmt *s;
	CHECK(sqlite3_open(t.path, &db) == SQLITE_OK);
	CHECK(sqlite3_prepare_v2(db, query, -1, &s, NULL) == SQLITE_OK && sqlite3_step(s) == SQLITE_ROW);
	int64_t n = sqlite3_column_int64(s, 0);
	sqlite3_finalize(s);
	sqlite3_close(db);
	return n;
}

static char said[8]; /* by the last one: the id of what was found first, or "" */

static struct journal_report verified(int want) {
	struct journal_reader *r;
	struct journal_report report;
	static struct cdm_diag diag;
	memset(&diag, 0, sizeof(diag));
	CHECK(journal_read_open(t.path, &r, NULL) == 0);
	int rc = journal_verify(r, &report, &diag);
	if (rc != want)
		fprintf(stderr, "verify: %d, %s\n", rc, diag.count ? diag.at[0].text : "");
	CHECK(rc == want && (rc == 0) == (diag.count == 0));
	snprintf(said, sizeof(said), "%s", diag.count ? diag.at[0].id : "");
	journal_read_close(&r);
	return report;
}

static bool replays(void) {
	struct hash a = testing_replay(t.path, UINT64_MAX), b = state_hash(live);
	return hash_equal(&a, &b);
}

static struct journal *begin(void) {
	const struct journal_options eager = { .window_ns = 1 };
	struct journal *j;
	CHECK(journal_open(t.path, &eager, &j, NULL) == 0);
	state_init(live);
	journal_set_epoch(j, 1);
	return j;
}

static void end(struct journal **j) {
	journal_stop(j);
	testing_remove(&t);
}

/* ---- snapshots ---- */

static void a_replay_begins_with_a_snapshot(void) {
	struct journal *j = begin();
	for (unsigned i = 0; i < 40; i++) {
		say(j, i, "");
		if (i % 10 == 9)
			snapshot(j);
	}
	CHECK(replays() && verified(0).snapshots == 4);
	struct journal_reader *r;
	uint64_t upto, seq;
	CHECK(journal_read_open(t.path, &r, NULL) == 0);
	CHECK(journal_snapshot_at(r, UINT64_MAX, &upto) == 0 && upto == 83 && journal_last(r, &seq) == 0 && seq == 84);
	CHECK(journal_snapshot_at(r, 82, &upto) == 0 && upto == 62);
	CHECK(journal_snapshot_at(r, 19, &upto) == 0 && upto == 0);
	journal_read_close(&r);
	struct hash before[100];
	for (uint64_t s = 1; s <= seq; s++)
		before[s] = testing_replay(t.path, s);
	journal_stop(&j);
	sql("DELETE FROM snapshot"); /* with none of them it is the same */
	for (uint64_t s = 1; s <= seq; s++) {
		struct hash h = testing_replay(t.path, s);
		CHECK(hash_equal(&h, &before[s]));
	}
	verified(0);
	testing_remove(&t);
}

/* The image is rotten: an older one will do, and verify() says so. */
static void a_rotten_snapshot_is_passed_over(void) {
	struct journal *j = begin();
	for (unsigned i = 0; i < 30; i++) {
		say(j, i, "");
		if (i % 10 == 9)
			snapshot(j);
	}
	journal_stop(&j);
	sql("UPDATE snapshot SET state = zeroblob(length(state)) WHERE upto = (SELECT max(upto) FROM snapshot)");
	CHECK(replays() && verified(-EBADMSG).first_bad == 0);
	sql("UPDATE snapshot SET upto = upto + 1 WHERE upto = (SELECT min(upto) FROM snapshot)");
	CHECK(replays());
	sql("DELETE FROM snapshot");
	CHECK(replays());
	verified(0);
	testing_remove(&t);
}

/* Somebody made another state, with a hash that fits: its record does not. */
static void a_forged_snapshot_is_found_out(void) {
	struct journal *j = begin();
	say(j, 1, "");
	snapshot(j);
	say(j, 2, "");
	journal_stop(&j);
	sql("UPDATE snapshot SET image = zeroblob(32)");
	CHECK(replays());
	verified(-EBADMSG);
	testing_remove(&t);
	j = begin();
	say(j, 1, "");
	struct journal_state *lie = testing_state();
	uint64_t ticket;
	state_copy(lie, live);
	lie->facts[0].value[0] = 'L';
	CHECK(journal_snapshot(j, lie, "core", &ticket) == 0 && settle(j, ticket) == 0);
	journal_stop(&j);
	verified(-EBADMSG); /* the record vouches for it; the fold does not */
	free(lie);
	testing_remove(&t);
}

static void few_snapshots_are_left_of_many(void) {
	struct journal *j = begin();
	for (unsigned i = 0; i < 300; i++) {
		say(j, i, "");
		snapshot(j);
	}
	int64_t left = number("SELECT count(*) FROM snapshot");
	CHECK(left >= 8 && left <= 24 && number("SELECT min(upto) FROM snapshot") == 2);
	CHECK(number("SELECT count(*) FROM snapshot WHERE number > 296") == 4);
	CHECK(replays() && verified(0).snapshots == (uint64_t)left);
	end(&j);
}

/* ---- requests ---- */

static int ask(struct journal *j, const char *principal, const char *id, uint64_t *existing) {
	struct journal_entry e[2] = { testing_set("speed", "1", room[0], sizeof(room[0])),
		testing_asked("light", "1", id, room[1], sizeof(room[1])) };
	uint64_t ticket;
	e[0].principal = e[1].principal = principal;
	CHECK(journal_submit(j, e, 2, JOURNAL_D2, &ticket) == 0);
	struct journal_result r = testing_result(j);
	for (unsigned i = 0; r.rc == 0 && i < r.count; i++)
		CHECK(state_apply(live, &r.records[i]) == 0);
	*existing = r.existing;
	return r.rc;
}

static void a_request_is_answered_once(void) {
	struct journal *j = begin();
	uint64_t existing;
	CHECK(ask(j, "ada", "r1", &existing) == 0 && existing == 0);
	CHECK(ask(j, "ada", "r1", &existing) == -EEXIST && existing == 2);
	CHECK(ask(j, "bob", "r1", &existing) == 0 && ask(j, "ada", "", &existing) == 0 &&
			ask(j, "ada", "", &existing) == 0);
	for (unsigned i = 0; i < 2; i++)
		say_many(j, STATE_REQUESTS_MAX); /* more than any state remembers */
	journal_stop(&j);
	j = testing_open(&t);
	CHECK(ask(j, "ada", "r1", &existing) == -EEXIST && existing == 2);
	struct journal_entry e[2] = { testing_asked("a", "1", "two", room[0], sizeof(room[0])),
		testing_asked("b", "1", "two", room[1], sizeof(room[1])) };
	CHECK(journal_submit(j, e, 2, JOURNAL_D2, NULL) == -EINVAL); /* one a batch */
	e[1] = testing_set("b", "1", room[1], sizeof(room[1]));
	e[0].request = "other"; /* than its body says */
	CHECK(journal_submit(j, e, 2, JOURNAL_D2, NULL) == -EINVAL);
	static const char longer[] = "0123456789012345678901234567890123456789012345678901234567890123";
	e[0].request = longer;
	CHECK(journal_submit(j, e, 2, JOURNAL_D2, NULL) == -E2BIG);
	struct journal_reader *r;
	uint64_t seq;
	CHECK(journal_read_open(t.path, &r, NULL) == 0);
	CHECK(journal_request(r, "bob", "r1", &seq) == 0 && seq == 4);
	CHECK(journal_request(r, "eve", "r1", &seq) == -ENOENT);
	journal_read_close(&r);
	CHECK(replays() && verified(0).records == 2 * (4 + 2 * STATE_REQUESTS_MAX));
	end(&j);
}

/* Two that wait together: the first one counts, and others beside them are not hurt. */
static void two_of_one_request_in_one_group(void) {
	struct journal_options patient = { .window_ns = 3600 * NS_PER_S };
	struct journal *j;
	uint64_t tickets[3];
	CHECK(journal_open(t.path, &patient, &j, NULL) == 0);
	state_init(live);
	for (unsigned i = 0; i < 3; i++) {
		struct journal_entry e = testing_asked("speed", i == 2 ? "3" : "1", i == 2 ? "other" : "same", room[i],
				sizeof(room[i]));
		CHECK(journal_submit(j, &e, 1, i == 2 ? JOURNAL_D2 : JOURNAL_D1, &tickets[i]) == 0);
	}
	CHECK(settle(j, tickets[0]) == 0 && settle(j, tickets[1]) == -EEXIST && settle(j, tickets[2]) == 0);
	CHECK(live->seq == 2 && replays());
	end(&j);
}

/* One byte of the table is another: what is asked again would be done again. */
static void a_request_that_is_not_its_records_is_found_out(void) {
	static const char *const harm[] = { "UPDATE request SET id = 'r3' WHERE id = 'r1'",
		"UPDATE request SET principal = 'adb' WHERE id = 'r1'", "UPDATE request SET seq = 3 WHERE id = 'r1'",
		"UPDATE request SET seq = 900 WHERE id = 'r2'", "DELETE FROM request WHERE id = 'r2'",
		"INSERT INTO request VALUES ('ada', 'r9', 1)", "INSERT INTO request VALUES ('ada', 'r9', 900)" };
	for (unsigned i = 0; i < COUNT_OF(harm); i++) {
		struct journal *j = begin();
		uint64_t existing;
		CHECK(ask(j, "ada", "r1", &existing) == 0 && ask(j, "ada", "r2", &existing) == 0);
		journal_stop(&j);
		verified(0);
		sql(harm[i]);
		verified(-EBADMSG);
		CHECK(strcmp(said, "J0010") == 0 && replays());
		testing_remove(&t);
	}
}

/* ---- compaction ---- */

#define KINDS ((UINT64_C(1) << JOURNAL_GAP) | (UINT64_C(1) << JOURNAL_EVIDENCE))

static int compact(struct journal *j, uint64_t upto, uint64_t kinds) {
	struct journal_reader *r;
	struct journal_compaction plan;
	uint64_t ticket;
	CHECK(journal_read_open(t.path, &r, NULL) == 0);
	int rc = journal_plan_compaction(r, upto, kinds, &plan);
	journal_read_close(&r);
	if (rc < 0)
		return rc;
	struct journal_entry e = testing_entry(JOURNAL_COMPACT, room[0],
			body_build_compact(&plan.body, room[0], sizeof(room[0])));
	CHECK(journal_compact(j, &e, &ticket) == 0);
	return settle(j, ticket);
}

static struct journal *a_long_life(void) {
	struct journal *j = begin();
	for (unsigned i = 0; i < 7; i++) {
		say_many(j, 100);
		snapshot(j);
	}
	return j;
}

static void wait_until_gone(struct journal **j) {
	journal_stop(j);
	struct journal_options stepped = { .stepped = true };
	CHECK(journal_open(t.path, &stepped, j, NULL) == 0);
	while (journal_step(*j))
		;
	journal_stop(j);
	*j = testing_open(&t);
}

/* "A snapshot with its hash stands for what was compacted", and no answer changes. */
static void what_was_let_go_changes_no_answer(void) {
	struct journal *j = a_long_life();
	uint64_t last = live->seq, horizon = 0;
	static struct hash before[2000];
	struct journal_reader *r;
	CHECK(journal_read_open(t.path, &r, NULL) == 0);
	CHECK(journal_snapshot_at(r, 1000, &horizon) == 0 && horizon > 800);
	journal_read_close(&r);
	for (uint64_t s = horizon; s <= last; s += 7)
		before[s] = testing_replay(t.path, s);
	CHECK(compact(j, 1000, KINDS) == 0);
	CHECK(compact(j, 1000, KINDS) == -EBUSY || number("SELECT count(*) FROM record WHERE kind = 'gap'") < 600);
	verified(0); /* also while they are being removed */
	wait_until_gone(&j);
	CHECK(number("SELECT count(*) FROM record WHERE kind = 'gap' AND seq < 800") == 0);
	CHECK(number("SELECT count(*) FROM record WHERE kind = 'turn'") == 700);
	struct journal_report report = verified(0);
	CHECK(report.removed == 400 && report.records + report.removed == live->seq && replays());
	for (uint64_t s = horizon; s <= last; s += 7) {
		struct hash h = testing_replay(t.path, s);
		CHECK(hash_equal(&h, &before[s]));
	}
	struct journal_state *s = testing_state();
	static struct cdm_diag diag;
	CHECK(journal_read_open(t.path, &r, NULL) == 0);
	CHECK(journal_state_at(r, horizon - 1, s, &diag) == -ESTALE && strcmp(diag.at[0].id, "J0008") == 0);
	CHECK(journal_state_at(r, horizon, s, NULL) == 0 && s->seq == horizon);
	journal_read_close(&r);
	free(s);
	for (unsigned i = 0; i < 3; i++) { /* and again, later */
		say_many(j, 100);
		snapshot(j);
	}
	CHECK(compact(j, UINT64_MAX, KINDS) == 0);
	wait_until_gone(&j);
	CHECK(verified(0).removed > report.removed && replays());
	end(&j);
}

/* A second compaction up to the same snapshot names other kinds: the newest counts, and a plan waits for the first. */
static void two_up_to_the_same_snapshot(void) {
	struct journal *j = begin();
	for (unsigned i = 0; i < 20; i++)
		say(j, i, "");
	snapshot(j);
	journal_stop(&j);
	const struct journal_options stepped = { .stepped = true, .let_go = 7 };
	struct journal_reader *r;
	struct journal_compaction plan;
	uint64_t ticket;
	CHECK(journal_open(t.path, &stepped, &j, NULL) == 0 && journal_read_open(t.path, &r, NULL) == 0);
	for (unsigned i = 0; i < 2; i++) {
		uint64_t kinds = UINT64_C(1) << (i ? JOURNAL_TURN : JOURNAL_GAP);
		CHECK(journal_plan_compaction(r, UINT64_MAX, kinds, &plan) == 0 && plan.going == 20);
		struct journal_entry e = testing_entry(JOURNAL_COMPACT, room[0],
				body_build_compact(&plan.body, room[0], sizeof(room[0])));
		CHECK(journal_compact(j, &e, &ticket) == 0 && journal_compact(j, &e, NULL) == -EAGAIN);
		CHECK(journal_step(j) && settle(j, ticket) == 0);
		while (journal_step(j)) {
			int rc = journal_plan_compaction(r, UINT64_MAX, kinds, &plan);
			CHECK(rc == -EBUSY || (rc == 0 && plan.going == 0));
			CHECK(verified(0).removed > 0);
		}
	}
	CHECK(verified(0).removed == 40 && replays());
	journal_read_close(&r);
	end(&j);
}

/* Their records are gone: what the compaction said of them is left. */
static void requests_of_what_was_let_go(void) {
	struct journal *j = begin();
	uint64_t existing;
	CHECK(ask(j, "ada", "r1", &existing) == 0);
	snapshot(j);
	CHECK(ask(j, "ada", "r2", &existing) == 0 && compact(j, UINT64_MAX, UINT64_C(1) << JOURNAL_SET) == 0);
	wait_until_gone(&j);
	CHECK(ask(j, "ada", "r1", &existing) == -EEXIST && existing == 2 && ask(j, "ada", "r3", &existing) == 0);
	journal_stop(&j);
	CHECK(verified(0).removed == 2);
	sql("UPDATE request SET id = 'r4' WHERE id = 'r1'");
	verified(-EBADMSG);
	CHECK(strcmp(said, "J0010") == 0);
	sql("UPDATE request SET id = 'r1', seq = 1 WHERE id = 'r4'");
	verified(-EBADMSG);
	CHECK(strcmp(said, "J0010") == 0);
	sql("UPDATE request SET seq = 2 WHERE id = 'r1'");
	verified(0);
	testing_remove(&t);
}

/* Records and hints must not be blamed for it, and what is newer can be had where a newer snapshot is whole. */
static void the_snapshot_for_what_was_let_go_is_rotten(void) {
	static struct cdm_diag diag;
	struct journal_reader *r;
	struct journal *j = begin();
	say_many(j, 5);
	snapshot(j);
	CHECK(compact(j, UINT64_MAX, KINDS) == 0);
	wait_until_gone(&j);
	say(j, 1, "");
	snapshot(j);
	say(j, 2, "");
	journal_stop(&j);
	sql("UPDATE snapshot SET state = zeroblob(length(state)) WHERE upto = (SELECT min(upto) FROM snapshot)");
	CHECK(replays());
	verified(-EBADMSG);
	CHECK(strcmp(said, "J0011") == 0);
	sql("UPDATE snapshot SET state = zeroblob(length(state))");
	CHECK(journal_read_open(t.path, &r, NULL) == 0);
	CHECK(journal_state_at(r, UINT64_MAX, live, &diag) == -EBADMSG && diag.count == 1);
	CHECK(strcmp(diag.at[0].id, "J0011") == 0 && strstr(diag.at[0].text, "up to record 10"));
	memset(&diag, 0, sizeof(diag));
	CHECK(journal_state_at(r, 4, live, &diag) == -ESTALE && strcmp(diag.at[0].id, "J0008") == 0);
	journal_read_close(&r);
	testing_remove(&t);
}

static void what_must_stay_stays(void) {
	struct journal *j = begin();
	say(j, 1, "");
	CHECK(compact(j, UINT64_MAX, KINDS) == -ENOENT); /* no snapshot */
	snapshot(j);
	CHECK(compact(j, UINT64_MAX, UINT64_C(1) << JOURNAL_EPOCH) == -EINVAL && compact(j, UINT64_MAX, 0) == -EINVAL);
	CHECK(compact(j, UINT64_MAX, UINT64_C(1) << JOURNAL_COMPACT) == -EINVAL);
	struct body_compact b = { .upto = 1, .kinds = body_text("gap") };
	struct journal_entry e = testing_entry(JOURNAL_COMPACT, room[0], body_build_compact(&b, room[0], 512));
	uint64_t ticket;
	CHECK(journal_compact(j, &e, &ticket) == 0 && settle(j, ticket) == -ENOENT); /* no snapshot just there */
	e.kind = JOURNAL_GAP;
	CHECK(journal_compact(j, &e, &ticket) == -EINVAL);
	CHECK(replays());
	verified(0);
	end(&j);
}

static void more_gone_than_was_said_is_found_out(void) {
	struct journal *j = a_long_life();
	CHECK(compact(j, 1000, KINDS) == 0);
	wait_until_gone(&j);
	journal_stop(&j);
	verified(0);
	sql("DELETE FROM record WHERE seq = (SELECT min(seq) FROM record WHERE kind = 'turn' AND seq > 100)");
	verified(-EBADMSG);
	testing_remove(&t);
	j = a_long_life();
	journal_stop(&j);
	sql("DELETE FROM record WHERE seq BETWEEN 10 AND 20"); /* with no compaction at all */
	CHECK(verified(-EBADMSG).first_bad == 10);
	testing_remove(&t);
}

/* ---- erasure ---- */

static int erase_alone(struct journal *j, uint64_t seq) {
	struct body_erase b = { seq, body_text("asked to") };
	struct journal_entry e = testing_entry(JOURNAL_ERASE, room[0], body_build_erase(&b, room[0], sizeof(room[0])));
	uint64_t ticket;
	CHECK(journal_erase(j, seq, &e, &ticket) == 0);
	return testing_settle(j, ticket, NULL);
}

static int erase(struct journal *j, uint64_t seq) {
	int rc = erase_alone(j, seq);
	struct journal_reader *r;
	CHECK(journal_read_open(t.path, &r, NULL) == 0);
	CHECK(journal_state_at(r, UINT64_MAX, live, NULL) == 0);
	journal_read_close(&r);
	return rc;
}

static bool file_holds(const char *ending, const char *secret) {
	char name[100];
	snprintf(name, sizeof(name), "%s%s", t.path, ending);
	FILE *f = fopen(name, "rb");
	if (!f)
		return false;
	static char all[32 << 20];
	size_t n = fread(all, 1, sizeof(all), f);
	fclose(f);
	return memmem(all, n, secret, strlen(secret)) != NULL;
}

static void an_erasure_reaches_snapshots(void) {
	struct journal *j = begin();
	say(j, 7, "pin-4711");
	for (unsigned i = 10; i < 30; i++) {
		say(j, i, "");
		if (i % 5 == 4)
			snapshot(j);
	}
	CHECK(file_holds("", "pin-4711") || file_holds("-wal", "pin-4711"));
	CHECK(erase(j, 1) == 0 && live->erased == 1);
	CHECK(!file_holds("", "pin-4711") && !file_holds("-wal", "pin-4711"));
	CHECK(number("SELECT count(*) FROM snapshot") == 0);
	say(j, 31, "");
	snapshot(j);
	CHECK(replays());
	verified(0);
	end(&j);
}

/* What cannot be folded anew any more is taken out of the snapshot that stands for it. */
static void an_erasure_reaches_what_was_let_go(void) {
	struct journal *j = begin();
	say(j, 47, "pin-4711");
	say_many(j, 20);
	snapshot(j);
	say(j, 30, "pin-0815");
	snapshot(j);
	CHECK(compact(j, 43, KINDS | UINT64_C(1) << JOURNAL_TURN) == 0);
	wait_until_gone(&j);
	CHECK(number("SELECT count(*) FROM record WHERE seq = 1") == 0 && verified(0).removed > 40);
	CHECK(state_fact(live, "key 47", "ada", "ada") && file_holds("", "pin-4711"));
	CHECK(erase(j, 1) == 0);
	CHECK(!file_holds("", "pin-4711") && !file_holds("-wal", "pin-4711") && file_holds("", "pin-0815"));
	CHECK(!state_fact(live, "key 47", "ada", "ada") && state_fact(live, "key 11", "ada", "ada"));
	verified(0);
	say(j, 31, "");
	snapshot(j);
	CHECK(replays() && erase(j, 44) == 0 && !file_holds("", "pin-0815"));
	verified(0);
	end(&j);
}

/* The claim before it stands again, but where a compaction leaves only the last one of a source. */
static void what_was_replaced_comes_back(void) {
	for (int compacted = 0; compacted < 2; compacted++) {
		struct journal *j = begin();
		say(j, 47, "open"), say(j, 97, "locked"); /* both of key 47 */
		say_many(j, 20);
		snapshot(j);
		if (compacted) {
			CHECK(compact(j, UINT64_MAX, KINDS) == 0);
			wait_until_gone(&j);
		}
		CHECK(strstr(state_fact(live, "key 47", "ada", "ada")->value, "locked") && erase(j, 3) == 0);
		const struct state_fact *f = state_fact(live, "key 47", "ada", "ada");
		CHECK(compacted ? !f : f && strstr(f->value, "open"));
		verified(0);
		end(&j);
	}
}

/* ---- what is due to the file ---- */

/* The owner ends while a reader is in the way, who ends last, and takes the WAL away. */
static void what_is_due_outlives_its_owner(bool let_go) {
	struct journal *j = begin();
	sqlite3 *reader;
	uint64_t seq = 1;
	say(j, 1, "secret");
	if (let_go) { /* what is erased then is in the snapshot alone */
		struct body_gap gap = { body_text("secret"), 1, body_text("") };
		int bytes = body_build_gap(&gap, room[0], sizeof(room[0]));
		struct journal_entry e = testing_entry(JOURNAL_GAP, room[0], bytes);
		uint64_t ticket;
		CHECK(journal_submit(j, &e, 1, JOURNAL_D2, &ticket) == 0 && settle(j, ticket) == 0);
		seq = live->seq;
		snapshot(j);
		CHECK(compact(j, UINT64_MAX, KINDS) == 0);
		wait_until_gone(&j);
		CHECK(erase(j, 1) == 0);
	}
	CHECK(sqlite3_open(t.path, &reader) == SQLITE_OK);
	CHECK(sqlite3_exec(reader, "BEGIN; SELECT count(*) FROM record", NULL, NULL, NULL) == SQLITE_OK);
	CHECK(erase(j, seq) == 0 && journal_wiped(j) == -EAGAIN);
	journal_stop(&j);
	CHECK(sqlite3_exec(reader, "COMMIT", NULL, NULL, NULL) == SQLITE_OK && sqlite3_close(reader) == SQLITE_OK);
	char wal[100];
	snprintf(wal, sizeof(wal), "%s-wal", t.path);
	CHECK(access(wal, F_OK) < 0 && number("SELECT count(*) FROM due") == 1);
	struct journal_options stepped = { .stepped = true };
	CHECK(journal_open(t.path, &stepped, &j, NULL) == 0 && journal_wiped(j) == -EAGAIN);
	while (journal_step(j))
		;
	CHECK(journal_wiped(j) == 0 && number("SELECT count(*) FROM due") == 0 && !file_holds("", "secret"));
	end(&j);
}

/* A large file is looked through once, when the last one that was asked for is gone. */
static void a_large_file_is_wiped_later(void) {
	static char text[100 << 10];
	static uint8_t body[sizeof(text) + 1024];
	struct journal *j = begin();
	uint64_t ticket;
	memset(text, 'x', sizeof(text) - 1);
	for (unsigned i = 0; i < 230; i++) {
		snprintf(text, sizeof(text), "secret %u", i);
		text[strlen(text)] = ' ';
		struct body_turn b = { .user = body_text(text) };
		struct journal_entry e = testing_entry(JOURNAL_TURN, body, body_build_turn(&b, body, sizeof(body)));
		CHECK(journal_submit(j, &e, 1, JOURNAL_D2, &ticket) == 0 && settle(j, ticket) == 0);
	}
	CHECK(erase_alone(j, 7) == 0 && journal_wiped(j) == -EAGAIN);
	CHECK(erase_alone(j, 9) == 0 && journal_wiped(j) == -EAGAIN);
	struct pollfd p = { .fd = journal_event_fd(j), .events = POLLIN };
	struct journal_result none;
	while (journal_wiped(j) == -EAGAIN) {
		CHECK(poll(&p, 1, 30000) == 1);
		CHECK(journal_take(j, &none) == -EAGAIN);
	}
	CHECK(journal_wiped(j) == 0 && !file_holds("", "secret 6 ") && !file_holds("", "secret 8 ") &&
			file_holds("", "secret 10 "));
	CHECK(number("SELECT count(*) FROM due") == 0);
	end(&j);
}

/* ---- copies, and what came before ---- */

/* Killed by the system, as its file becomes too long. */
static void die_in_a_backup(const char *copy) {
	struct rlimit small = { 32 << 10, 32 << 10 };
	struct journal_reader *r;
	int status;
	pid_t pid = fork();
	CHECK(pid >= 0);
	if (pid == 0) {
		CHECK(journal_read_open(t.path, &r, NULL) == 0 && setrlimit(RLIMIT_FSIZE, &small) == 0);
		_exit(journal_backup(r, copy, NULL));
	}
	CHECK(waitpid(pid, &status, 0) == pid && WIFSIGNALED(status) && WTERMSIG(status) == SIGXFSZ);
}

static void a_backup_is_whole_or_not_there(void) {
	struct journal *j = a_long_life();
	struct journal_reader *r;
	char copy[100], part[110];
	snprintf(copy, sizeof(copy), "%s/copy", t.folder);
	snprintf(part, sizeof(part), "%s.part", copy);
	die_in_a_backup(copy);
	CHECK(access(copy, F_OK) < 0);
	CHECK(journal_read_open(t.path, &r, NULL) == 0 && journal_backup(r, copy, NULL) == 0);
	journal_read_close(&r);
	CHECK(testing_verified(copy) == live->seq && access(part, F_OK) < 0 && unlink(copy) == 0);
	end(&j);
}

static void a_backup_is_a_journal(void) {
	struct journal *j = a_long_life();
	struct journal_reader *r;
	char copy[100];
	snprintf(copy, sizeof(copy), "%s/copy", t.folder);
	CHECK(journal_read_open(t.path, &r, NULL) == 0);
	CHECK(journal_backup(r, copy, NULL) == 0 && journal_backup(r, copy, NULL) == -EEXIST);
	CHECK(journal_backup(r, "/nowhere/copy", NULL) == -ENOENT);
	journal_read_close(&r);
	struct hash a = testing_replay(copy, UINT64_MAX), b = state_hash(live);
	struct testing of_copy = t;
	snprintf(of_copy.path, sizeof(of_copy.path), "%.70s", copy);
	CHECK(hash_equal(&a, &b) && testing_verified(copy) == live->seq);
	say(j, 1, ""); /* the machine goes on meanwhile, and the copy as well */
	struct journal *k = testing_open(&of_copy);
	CHECK(journal_tail(k)->seq + 2 == live->seq);
	CHECK(testing_settle(k, testing_submit_set(k, "speed", "1", JOURNAL_D2), NULL) == 0);
	journal_stop(&k);
	testing_remove(&of_copy);
	end(&j);
}

static void copy_file(const char *from, const char *to) {
	static char all[1 << 20];
	FILE *in = fopen(from, "rb"), *out = fopen(to, "wb");
	CHECK(in && out);
	size_t n = fread(all, 1, sizeof(all), in);
	CHECK(n > 0 && fwrite(all, 1, n, out) == n && fclose(out) == 0);
	fclose(in);
}

/* Of format1.state, by fold 4, wherever and with whatever this was compiled: the oracle in Python says the same. */
#define FORMAT1_HASH "044f5ea8c4aa46d12c4ab8274d5a8f093d4522036703ca7bd5854f2e24b2a239"

static void the_first_format_is_read_and_brought_up(const char *first) {
	struct journal_reader *r;
	uint64_t seq, existing;
	copy_file(first, t.path);
	struct hash as_it_was = testing_replay(t.path, UINT64_MAX); /* by a reader, which changes nothing */
	char hex[HASH_TEXT_MAX];
	if (strcmp(hash_text(&as_it_was, 64, hex), FORMAT1_HASH) != 0)
		fprintf(stderr, "the hash of the state is %s\n", hex);
	CHECK(strcmp(hex, FORMAT1_HASH) == 0);
	CHECK(testing_verified(t.path) == 17 && number("PRAGMA user_version") == 1);
	CHECK(journal_read_open(t.path, &r, NULL) == 0 && journal_request(r, "ada", "r1", &seq) == -ENOENT);
	CHECK(journal_snapshot_at(r, UINT64_MAX, &seq) == 0 && seq == 0);
	CHECK(journal_state_at(r, UINT64_MAX, live, NULL) == 0);
	CHECK(live->fact_count == 2 && live->erased == 1 && live->command_count == 0 && live->duplicates == 1);
	CHECK(strcmp(state_fact(live, "name", "ada", "ada")->value, "Ada") == 0);
	journal_read_close(&r);
	struct journal *j = testing_open(&t);
	CHECK(journal_tail(j)->seq == 17 && number("PRAGMA user_version") == 3);
	CHECK(number("SELECT count(*) FROM migration") == 3 && number("SELECT count(*) FROM request") == 3);
	CHECK(ask(j, "ada", "r1", &existing) == -EEXIST && existing == 2);
	struct hash now = testing_replay(t.path, UINT64_MAX);
	CHECK(hash_equal(&now, &as_it_was));
	say(j, 1, "");
	snapshot(j);
	CHECK(replays());
	verified(0);
	end(&j);
}

/*
 * Records 3 and 4 are gone, and a snapshot of fold 2 stands for them: only there a fold begins with what another one
 * made.  Record 7 is made of 1, and was surer than it in the snapshot after it.
 */
static void snapshots_of_another_fold_are_passed_over(const char *second) {
	struct journal_compaction plan;
	struct journal_reader *r;
	copy_file(second, t.path);
	CHECK(verified(0).records == 7);
	CHECK(journal_read_open(t.path, &r, NULL) == 0 && journal_state_at(r, 3, live, NULL) == -ESTALE);
	CHECK(journal_state_at(r, UINT64_MAX, live, NULL) == 0 && live->seq == 9 && live->fact_count == 3);
	CHECK(state_fact(live, "lamp", "ada", "ada")->confidence_ppm == 100000);
	CHECK(state_fact(live, "room", "ada", "ada")->confidence_ppm == BODY_PPM);
	CHECK(state_fact(live, "hall", "ada", "ada")->confidence_ppm == 100000);
	CHECK(journal_plan_compaction(r, 7, UINT64_C(1) << JOURNAL_GAP, &plan) == -ENOENT);
	struct journal *j = testing_open(&t);
	say(j, 1, "");
	snapshot(j);
	CHECK(replays());
	verified(0);
	uint64_t upto;
	CHECK(journal_snapshot_at(r, UINT64_MAX, &upto) == 0 && upto == 11);
	CHECK(journal_plan_compaction(r, upto, UINT64_C(1) << JOURNAL_GAP, &plan) == 0 && plan.body.upto == upto);
	journal_read_close(&r);
	end(&j);
}

/* Fold 3 took late news for news: so it stays where its snapshot stands for what was let go, and not behind that. */
static void what_an_earlier_fold_made_of_late_news(const char *third) {
	struct journal_reader *r;
	copy_file(third, t.path);
	CHECK(verified(0).records == 10);
	CHECK(journal_read_open(t.path, &r, NULL) == 0 && journal_state_at(r, UINT64_MAX, live, NULL) == 0);
	CHECK(live->seq == 12 && strcmp(state_fact(live, "door", "ada", "ada")->value, "locked") == 0);
	CHECK(strcmp(state_fact(live, "lamp", "ada", "ada")->value, "on") == 0);
	journal_read_close(&r);
}

int main(int argc, char **argv) {
	CHECK(argc == 4);
	t = testing_begin();
	live = testing_state();
	a_replay_begins_with_a_snapshot();
	a_rotten_snapshot_is_passed_over();
	a_forged_snapshot_is_found_out();
	few_snapshots_are_left_of_many();
	a_request_is_answered_once();
	two_of_one_request_in_one_group();
	a_request_that_is_not_its_records_is_found_out();
	what_was_let_go_changes_no_answer();
	two_up_to_the_same_snapshot();
	requests_of_what_was_let_go();
	the_snapshot_for_what_was_let_go_is_rotten();
	what_must_stay_stays();
	more_gone_than_was_said_is_found_out();
	an_erasure_reaches_snapshots();
	an_erasure_reaches_what_was_let_go();
	what_was_replaced_comes_back();
	what_is_due_outlives_its_owner(false);
	what_is_due_outlives_its_owner(true);
	a_large_file_is_wiped_later();
	a_backup_is_a_journal();
	a_backup_is_whole_or_not_there();
	the_first_format_is_read_and_brought_up(argv[1]);
	snapshots_of_another_fold_are_passed_over(argv[2]);
	what_an_earlier_fold_made_of_late_news(argv[3]);
	free(live);
	testing_end(&t);
	puts("kept_test: ok");
}
