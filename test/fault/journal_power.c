/*
 * journal_power.c - the lights go out, a process dies, the disk fills or fails, at every single operation of a run
 * (under AddressSanitizer, at every seventh).
 *
 * A run creates a journal and writes batches to it until told otherwise by the simulated disk of src/env.  What
 * journal_take() reported as durable must be found afterwards, at its place and with its hash, on what such a disk
 * would keep; batches are whole; the chain verifies; and the next owner can go on.
 */
#include <sqlite3.h>
#include "env/env_sim.h"
#include "journal/journal_testing.h"
#include "test/lib/pace.h"

enum { STRIDE = PACE(1, 7) };
enum { BATCHES = 24, CHOICES = 2 /* of what arrived, for each instant */, OPENING = 3, CLOSING = 12 };

static const char path[] = "state";

static struct env_sim *world;
static struct hash acked[16384]; /* by seq; batches do not overtake each other */
static uint64_t acked_seq, acked_batches, refused;
static bool is_killed; /* each life ends without a last checkpoint */
static unsigned lives = 2;
static bool in_doubt; /* the disk failed: the batch that was refused then may be there or not */

static void begin(uint64_t seed) {
	env_sim_destroy(&world);
	world = env_sim_create(seed);
}

static int open_journal(struct journal **j) {
	const struct journal_options o = { .env = env_sim_env(world, 0), .stepped = true };
	return journal_open(path, &o, j, NULL);
}

static struct journal_reader *open_reader(void) {
	struct journal_reader *r;
	CHECK(journal_read_open_in(env_sim_env(world, 1), path, &r, NULL) == 0);
	return r;
}

static uint64_t verified(void) {
	struct journal_reader *r = open_reader();
	struct journal_report report;
	CHECK(journal_verify(r, &report, NULL) == 0 && report.first_bad == 0);
	journal_read_close(&r);
	return report.records;
}

static bool is_over(void) {
	return env_sim_is_out(world) || env_sim_is_dead(world, 0);
}

static int write_batch(struct journal *j, unsigned number, uint64_t *seed) {
	static uint8_t room[4][9000];
	static char user[8000];
	struct journal_entry e[4];
	uint64_t ticket, dice = testing_random(seed);
	unsigned n = 1 + (unsigned)(dice % 4);
	memset(user, 'u', sizeof(user));
	for (unsigned i = 0; i < n; i++) {
		char text[32];
		snprintf(text, sizeof(text), "%u %u %u", number, i, n);
		struct body_turn turn = { .session = body_text(text),
			.user = { user, dice >> (4 + 8 * i) & 8191 & (i ? 255 : 8191) } };
		if (turn.user.bytes > sizeof(user))
			turn.user.bytes = sizeof(user);
		e[i] = testing_entry(JOURNAL_TURN, room[i],
				body_build_turn(&turn, room[i], sizeof(room[i])));
	}
	CHECK(journal_submit(j, e, n, JOURNAL_D2, &ticket) == 0);
	struct journal_result r;
	CHECK(journal_step(j) && journal_take(j, &r) == 0 && r.ticket == ticket);
	if (r.rc < 0) {
		refused++;
		in_doubt = in_doubt || r.rc == -EIO;
		return r.rc;
	}
	CHECK(r.records[0].seq == acked_seq + 1); /* a refused batch leaves no gap */
	for (unsigned i = 0; i < r.count; i++)
		acked[r.records[i].seq] = r.records[i].hash;
	acked_seq += r.count;
	acked_batches++;
	return 0;
}

/* What the next owner finds is what was acknowledged, and one batch more only after a failure. */
static void compare_tail(const struct journal *j) {
	uint64_t found = journal_tail(j)->seq;
	CHECK(found == acked_seq || (in_doubt && found > acked_seq && found <= acked_seq + 4));
	while (acked_seq < found)
		acked[++acked_seq] = (struct hash){ { 0 } };
	in_doubt = false;
}

/* One machine, from its first start on; with a restart in the middle, as closing writes, too. */
static int run(void) {
	uint64_t seed = 11;
	int rc = 0;
	acked_seq = acked_batches = refused = 0;
	in_doubt = false;
	for (unsigned life = 0; life < lives && !is_over(); life++) {
		struct journal *j;
		rc = open_journal(&j);
		if (rc == 0)
			compare_tail(j);
		for (unsigned i = 0; rc == 0 && i < BATCHES / 2; i++) {
			bool failed = in_doubt;
			int said = write_batch(j, life * (BATCHES / 2) + i, &seed);
			CHECK(said == 0 || said == -ENOSPC || said == -EIO);
			CHECK(!failed || said == -EIO); /* until it is opened again */
		}
		if (is_killed)
			env_sim_kill(world, 0);
		journal_stop(&j);
		if (is_killed)
			env_sim_reap(world, 0);
	}
	return rc;
}

static int whole(void *user, const struct journal_record *r) {
	unsigned *next = user, number, index, size;
	struct body_turn b;
	char text[BODY_REQUEST_MAX + 1];
	CHECK(body_parse_turn(r->body, r->body_bytes, &b) == 0);
	snprintf(text, sizeof(text), "%.*s", (int)b.session.bytes, b.session.at);
	CHECK(sscanf(text, "%u %u %u", &number, &index, &size) == 3 && index == *next);
	*next = index + 1 == size ? 0 : index + 1;
	static const struct hash unknown;
	if (r->seq <= acked_seq && !hash_equal(&acked[r->seq], &unknown))
		CHECK(hash_equal(&r->hash, &acked[r->seq]));
	return 0;
}

/* All that was acknowledged is there, and works as the beginning of more. */
static void check_what_is_left(void) {
	struct journal *j;
	unsigned next = 0;
	if (acked_seq > 0) {
		uint64_t found = verified();
		CHECK(found == acked_seq ||
				(in_doubt && found > acked_seq && found <= acked_seq + 4));
		struct journal_reader *r = open_reader();
		CHECK(journal_each(r, 0, 0, whole, &next) == 0 && next == 0);
		journal_read_close(&r);
	}
	CHECK(open_journal(&j) == 0);
	compare_tail(j);
	struct journal_result done;
	testing_submit_set(j, "speed", "1", JOURNAL_D2);
	CHECK(journal_step(j) && journal_take(j, &done) == 0 && done.rc == 0);
	journal_stop(&j);
	CHECK(verified() > acked_seq);
}

static uint64_t operations_of_a_sound_run(void) {
	begin(1);
	CHECK(run() == 0 && refused == 0 && acked_batches == BATCHES);
	uint64_t n = env_sim_operations(world);
	check_what_is_left();
	CHECK(n > 3 * BATCHES);
	return n;
}

/* Every instant, and for each some choices of what the disk still wrote. */
static void power_cuts(uint64_t operations) {
	uint64_t instants = 0, kept = 0;
	for (uint64_t at = 1; at <= operations; at += STRIDE)
		for (unsigned choice = 0; choice < CHOICES; choice++) {
			begin(at * 1000 + choice);
			env_sim_plan(world, ENV_SIM_POWER, at, 1);
			(void)run();
			env_sim_lights_out(world);
			CHECK(env_sim_lights_on(world));
			instants++;
			kept += acked_seq;
			check_what_is_left();
		}
	printf("journal_power: %llu power cuts, %llu acknowledged records, none lost\n",
			(unsigned long long)instants, (unsigned long long)kept);
}

/* The same with a process that dies: what it wrote is there, synced or not, and the last write perhaps in part. */
static void kills(uint64_t operations) {
	uint64_t instants = 0, kept = 0;
	for (uint64_t at = 1; at <= operations; at += STRIDE)
		for (unsigned choice = 0; choice < CHOICES; choice++) {
			begin(at * 1000 + choice);
			env_sim_plan(world, ENV_SIM_KILL, at, 1);
			(void)run();
			env_sim_kill(world, 0);
			env_sim_reap(world, 0);
			env_sim_unplan(world);
			instants++;
			kept += acked_seq;
			in_doubt = true; /* its frames may be there, though nobody was told */
			check_what_is_left();
		}
	printf("journal_power: %llu kills, %llu acknowledged records, none lost\n", (unsigned long long)instants,
			(unsigned long long)kept);
}

/* A disk that is full for a while: batches are refused during it, and none after it. */
static void full_for_a_while(uint64_t operations) {
	uint64_t refusals = 0;
	for (uint64_t at = 1; at <= operations; at += STRIDE) {
		begin(at);
		env_sim_plan(world, ENV_SIM_FULL, at, 1 + at % 40);
		int rc = run();
		CHECK(rc == 0 || rc == -ENOSPC); /* when there is no file yet, or no WAL */
		refusals += refused;
		env_sim_unplan(world);
		check_what_is_left();
	}
	CHECK(refusals > 0);
	printf("journal_power: full at %llu operations, %llu batches refused\n",
			(unsigned long long)operations, (unsigned long long)refusals);
}

/* One error: whatever is refused after it, what was acknowledged is there. */
static void one_failure(uint64_t operations) {
	uint64_t refusals = 0;
	for (uint64_t at = 1; at <= operations; at += STRIDE) {
		begin(at);
		env_sim_plan(world, ENV_SIM_FAIL, at, 1);
		(void)run();
		refusals += refused;
		env_sim_unplan(world);
		check_what_is_left();
	}
	CHECK(refusals > 0);
	printf("journal_power: failed at %llu operations, %llu batches refused\n",
			(unsigned long long)operations, (unsigned long long)refusals);
}

/*
 * A sync fails and the system forgets what it was to write; the next owner reads it all the same, builds upon it, and
 * then the lights go out.
 */
static void forgotten_syncs(uint64_t operations) {
	uint64_t kept = 0, failures = 0;
	is_killed = true;
	for (uint64_t at = 1; at <= operations; at += STRIDE) {
		begin(at);
		env_sim_plan(world, ENV_SIM_FORGET, at, 1);
		(void)run();
		failures += env_sim_hits(world);
		env_sim_lights_out(world);
		CHECK(env_sim_lights_on(world));
		kept += acked_seq;
		check_what_is_left();
	}
	is_killed = false;
	CHECK(failures > 0);
	printf("journal_power: %llu syncs failed and forgot, %llu acknowledged records, none lost\n",
			(unsigned long long)failures, (unsigned long long)kept);
}

/* A sync fails at `at`, the next owner meets an error when it opens, and `then` the lights go out.  False: no sync. */
static bool forgotten_and_failed(uint64_t at, uint64_t fail, uint64_t then) {
	struct journal *j;
	begin(at * 1000 + fail * 100 + then);
	env_sim_plan(world, ENV_SIM_FORGET, at, 1);
	(void)run();
	if (env_sim_hits(world) == 0)
		return false;
	env_sim_plan(world, ENV_SIM_FAIL, fail, 1);
	env_sim_plan(world, ENV_SIM_POWER, fail + then, 1);
	(void)!open_journal(&j);
	journal_stop(&j);
	env_sim_lights_out(world);
	CHECK(env_sim_lights_on(world));
	check_what_is_left();
	return true;
}

/* What the failed owner leaves to SQLite must not be half a transaction in the file, with the WAL gone. */
static void forgotten_syncs_and_failed_openings(uint64_t operations) {
	uint64_t cuts = 0;
	lives = 1;
	is_killed = true;
	for (uint64_t at = 1; at <= operations / 2; at += STRIDE)
		for (uint64_t fail = 1; fail <= OPENING; fail++)
			for (uint64_t then = 1; then <= CLOSING && forgotten_and_failed(at, fail, then); then++)
				cuts++;
	lives = 2;
	is_killed = false;
	CHECK(cuts > 0);
	printf("journal_power: %llu power cuts after openings that failed after syncs that failed, nothing lost\n",
			(unsigned long long)cuts);
}

/*
 * A reader holds its snapshot, so the WAL grows beyond the first page of its index, and there is no room for the
 * second.  SQLite has written and synced the batch by then: it is in doubt, and the next owner may find it.
 */
static void no_room_for_the_index(void) {
	sqlite3 *reader;
	uint64_t seed = 3;
	struct journal *j;
	begin(1);
	env_sim_plan(world, ENV_SIM_INDEX, 1, UINT32_MAX);
	CHECK(open_journal(&j) == 0);
	acked_seq = acked_batches = refused = 0;
	in_doubt = false;
	CHECK(write_batch(j, 0, &seed) == 0);
	const char *disk = env_sim_env(world, 1)->disk;
	CHECK(sqlite3_open_v2(path, &reader, SQLITE_OPEN_READWRITE, disk) == SQLITE_OK);
	CHECK(sqlite3_exec(reader, "BEGIN; SELECT count(*) FROM record", NULL, NULL, NULL) == SQLITE_OK);
	int rc = 0;
	while (rc == 0 && acked_seq + 4 < COUNT_OF(acked))
		rc = write_batch(j, 0, &seed);
	CHECK(rc == -EIO && in_doubt && refused == 1);
	CHECK(write_batch(j, 0, &seed) == -EIO); /* until it is opened again */
	journal_stop(&j);
	sqlite3_close(reader);
	env_sim_unplan(world);
	in_doubt = true;
	CHECK(open_journal(&j) == 0);
	compare_tail(j);
	journal_stop(&j);
}

int main(void) {
	setvbuf(stdout, NULL, _IOLBF, 0);
	uint64_t operations = operations_of_a_sound_run();
	power_cuts(operations);
	kills(operations);
	full_for_a_while(operations);
	one_failure(operations);
	forgotten_syncs(operations);
	forgotten_syncs_and_failed_openings(operations);
	no_room_for_the_index();
	env_sim_destroy(&world);
	puts("journal_power: ok");
}
