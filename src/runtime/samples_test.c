/*
 * samples_test.c - fields that are written down: what, how often, how much of it; and what becomes of it when the
 * journal has no room.
 */
#include <sqlite3.h>
#include <sys/resource.h>
#include "journal/journal_testing.h"
#include "runtime/core_testing.h"

enum { LIGHT, SOUND, PICTURE, DARK, PLAIN }; /* fields, all written by FINCH */
enum { PICTURE_BYTES = 700000 }; /* several chunks of it */
enum { OFTEN_MS = 5, RARELY_MS = 3600000 };

static uint64_t next_id = 1;
static struct field_writer writers[PLAIN + 1];
static struct journal_reader *reader;
static struct journal_state *state;

static void add(uint16_t index, const char *name, uint32_t bytes, uint32_t leases, unsigned durability, uint32_t ms) {
	CHECK(plan_builder_field(&b, name, CDM_U8, bytes, leases + 4, leases, FINCH, PLAN_BUILDER_ALL) == index);
	b.fields[index].durability = (uint8_t)durability;
	b.fields[index].journal_ms = ms;
}

static void eyes_and_ears(void) {
	add(LIGHT, "light", 4, 0, PLAN_GROUP, OFTEN_MS);
	add(SOUND, "sound", 4096, 0, PLAN_FULL, OFTEN_MS);
	add(PICTURE, "picture", PICTURE_BYTES, 2, PLAN_GROUP, OFTEN_MS);
	add(DARK, "dark", 4, 0, PLAN_GROUP, RARELY_MS);
	add(PLAIN, "plain", 4, 0, PLAN_VOLATILE, 0);
}

static void nothing_written_down(void) {
	eyes_and_ears();
	plan_builder_option(&b, 0, "journal.sample", "volatile");
}

static void live(void (*more)(void)) {
	core_more = more;
	begin();
	neighbour_comes(FINCH);
	for (uint16_t f = 0; f <= PLAIN; f++)
		CHECK(field_writer_open(&writers[f], &w.at[FINCH], f) == 0);
	CHECK(journal_read_open(journal_path(), &reader, NULL) == 0);
	state = testing_state();
}

static void die(void) {
	journal_read_close(&reader);
	free(state);
	for (uint16_t f = 0; f <= PLAIN; f++)
		field_writer_close(&writers[f]);
	over();
}

static void publish(uint16_t f, uint8_t value) {
	static uint8_t data[PICTURE_BYTES];
	struct field_meta m = field_meta_of(0);
	m.trust = 0.5f;
	memset(data, value, sizeof(data));
	CHECK(field_write(&writers[f], data, plan_fields(w.plan)[f].bytes, &m, clock_mono()) == 0);
}

/* What the file says now; a request before that sees to it that core lives. */
static const struct journal_state *look(void) {
	put(++next_id, (struct question){ .op = "ping" });
	CHECK(hear("done") == next_id);
	CHECK(journal_state_at(reader, UINT64_MAX, state, NULL) == 0);
	return state;
}

static bool late(struct cdm_mono since) {
	return mono_since(since, clock_mono()) > PATIENCE_MS * NS_PER_MS;
}

static const struct state_sample *written(const char *field, uint64_t version) {
	const struct state_sample *s;
	struct cdm_mono began = clock_mono();
	while (!(s = state_sample(look(), field)) || s->version < version)
		CHECK(!late(began));
	return s;
}

static void is_written_down(void) {
	static uint8_t picture[PICTURE_BYTES];
	live(eyes_and_ears);
	publish(LIGHT, 7);
	const struct state_sample *s = written("light", 1);
	CHECK(s->version == 1 && s->bytes == 4 && s->kept == 4 && s->data[0] == 7 && s->trust_ppm == 500000);
	CHECK(strcmp(s->status, "OK") == 0 && s->epoch == w.at[FINCH].own.epoch);
	int64_t age_ns = clock_wall().ns - s->seen.ns;
	CHECK(age_ns >= 0 && age_ns < PATIENCE_MS * NS_PER_MS);
	publish(SOUND, 9);
	s = written("sound", 1);
	CHECK(s->bytes == 4096 && s->kept == 0); /* of so long a one the state has the hash, the record all */
	struct hash h = hash_of(memset(picture, 9, 4096), 4096);
	CHECK(hash_equal(&s->hash, &h));
	/* Of the picture the hash; whoever had not heard of core has by the second one. */
	uint64_t version = 0;
	struct cdm_mono began = clock_mono();
	while (!(s = state_sample(look(), "picture"))) {
		publish(PICTURE, 11);
		version++;
		CHECK(!late(began));
	}
	h = hash_of(memset(picture, 11, sizeof(picture)), sizeof(picture));
	CHECK(s->version <= version && s->bytes == PICTURE_BYTES && s->kept == 0 && hash_equal(&s->hash, &h));
	for (int i = 0; i < 8; i++)
		publish(PICTURE, 12); /* core has given back what it borrowed */
	CHECK(!state_sample(look(), "dark") && !state_sample(look(), "plain"));
	die();
	testing_verified(journal_path());
}

struct classes {
	unsigned light, sound;
	bool light_whole, sound_whole;
};

static int note_class(void *user, const struct journal_record *r) {
	struct classes *k = user;
	struct body_sample b_;
	if (r->kind != JOURNAL_SAMPLE)
		return 0;
	CHECK(body_parse_sample(r->body, r->body_bytes, &b_) == 0);
	if (b_.field.bytes == 5 && memcmp(b_.field.at, "light", 5) == 0)
		*k = (struct classes){ r->class, k->sound, b_.data.bytes == 4, k->sound_whole };
	if (b_.field.bytes == 5 && memcmp(b_.field.at, "sound", 5) == 0)
		*k = (struct classes){ k->light, r->class, k->light_whole, b_.data.bytes == 4096 };
	return 0;
}

/* Each as its field says. */
static void as_durable_as_the_field_says(void) {
	struct classes k = { 0, 0, false, false };
	live(eyes_and_ears);
	publish(LIGHT, 1);
	written("light", 1);
	publish(SOUND, 2);
	written("sound", 1);
	CHECK(journal_each(reader, 0, 0, note_class, &k) == 0);
	CHECK(k.light == JOURNAL_D1 && k.sound == JOURNAL_D2 && k.light_whole && k.sound_whole);
	die();
}

/* Much faster than it is written down: the newest each time, in their order, and not more often than it says. */
static void not_more_often_than_it_says(void) {
	live(eyes_and_ears);
	struct cdm_mono began = clock_mono();
	uint64_t published = 0;
	do {
		publish(LIGHT, (uint8_t)++published);
		look();
	} while (state->kinds[JOURNAL_SAMPLE] < 20);
	int64_t took_ms = mono_since(began, clock_mono()) / NS_PER_MS;
	CHECK((int64_t)state->kinds[JOURNAL_SAMPLE] <= took_ms / OFTEN_MS + 1);
	CHECK(state_sample(state, "light")->version <= published);
	/* Nothing new: nothing more is written. */
	written("light", published);
	uint64_t before = look()->kinds[JOURNAL_SAMPLE];
	publish(SOUND, 1);
	written("sound", 1);
	CHECK(state->kinds[JOURNAL_SAMPLE] == before + 1);
	die();
}

static void where_the_plan_says_none(void) {
	live(nothing_written_down);
	publish(LIGHT, 1);
	publish(SOUND, 1);
	for (int i = 0; i < 20; i++)
		CHECK(look()->kinds[JOURNAL_SAMPLE] == 0);
	die();
}

/* ---- no room ---- */

static uint64_t lost(const char *what) {
	for (unsigned i = 0; i < state->gap_count; i++)
		if (strcmp(state_gap_at(state, i)->what, what) == 0)
			return state_gap_at(state, i)->count;
	return 0;
}

static uint64_t written_or_lost(void) {
	look();
	return state->kinds[JOURNAL_SAMPLE] + lost("light") + lost("sound");
}

/* The disk takes no more than it has: what does not fit is counted, and written down once there is room. */
static void a_full_disk(void) {
	struct rlimit old, none;
	live(eyes_and_ears);
	publish(SOUND, 1);
	written("sound", 1);
	CHECK(prlimit(pid, RLIMIT_FSIZE, NULL, &old) == 0);
	none = (struct rlimit){ 256 << 10, old.rlim_max };
	CHECK(prlimit(pid, RLIMIT_FSIZE, &none, NULL) == 0);
	struct cdm_mono began = clock_mono();
	bool refused = false;
	while (!refused) { /* until what somebody tells does not fit, neither */
		publish(SOUND, 2);
		put(++next_id, (struct question){ .op = "tell", .key = "cat", .text = "Tom" });
		char kind[16];
		ssize_t n = control_receive(gate, message, sizeof(message), PATIENCE_MS * NS_PER_MS);
		CHECK(n > 0 && mp_find_str(message, (size_t)n, "ev", kind, sizeof(kind)) == 0);
		refused = strcmp(kind, "error") == 0;
		CHECK(!late(began));
	}
	none.rlim_cur = 0; /* nor when the log begins anew */
	CHECK(prlimit(pid, RLIMIT_FSIZE, &none, NULL) == 0);
	uint64_t before = look()->kinds[JOURNAL_SAMPLE];
	for (int i = 0; i < 50; i++) {
		publish(SOUND, 3);
		CHECK(look()->kinds[JOURNAL_SAMPLE] == before);
	}
	began = clock_mono(); /* all that was published has been looked at */
	while (mono_since(began, clock_mono()) < 20 * OFTEN_MS * NS_PER_MS)
		CHECK(look()->kinds[JOURNAL_SAMPLE] == before);
	CHECK(prlimit(pid, RLIMIT_FSIZE, &old, NULL) == 0);
	began = clock_mono();
	while (look(), lost("sound") == 0)
		CHECK(!late(began));
	publish(SOUND, 4);
	written("sound", writers[SOUND].version);
	CHECK(written_or_lost() <= writers[SOUND].version);
	die();
	testing_verified(journal_path());
}

/* Nothing gets through to the disk, for so long that no more may wait for it; nobody else is kept waiting. */
static void a_full_queue(void) {
	live(eyes_and_ears);
	publish(LIGHT, 1);
	written("light", 1);
	sqlite3 *other;
	CHECK(sqlite3_open(journal_path(), &other) == SQLITE_OK);
	CHECK(sqlite3_busy_timeout(other, PATIENCE_MS) == SQLITE_OK); /* a sample shows before its writer is done */
	CHECK(sqlite3_exec(other, "BEGIN IMMEDIATE", NULL, NULL, NULL) == SQLITE_OK);
	uint64_t before = look()->kinds[JOURNAL_SAMPLE];
	struct cdm_mono began = clock_mono();
	while (mono_since(began, clock_mono()) < 100 * OFTEN_MS * NS_PER_MS) {
		publish(LIGHT, 2);
		CHECK(look()->kinds[JOURNAL_SAMPLE] == before);
	}
	CHECK(sqlite3_exec(other, "ROLLBACK", NULL, NULL, NULL) == SQLITE_OK && sqlite3_close(other) == SQLITE_OK);
	while (look(), lost("light") == 0)
		CHECK(!late(began));
	publish(LIGHT, 3);
	written("light", writers[LIGHT].version);
	CHECK(written_or_lost() <= writers[LIGHT].version);
	die();
	testing_verified(journal_path());
}

int main(void) {
	void (*const tests[])(void) = { is_written_down, as_durable_as_the_field_says, not_more_often_than_it_says,
		where_the_plan_says_none, a_full_disk, a_full_queue };
	CHECK(signal(SIGXFSZ, SIG_IGN) != SIG_ERR);
	int rc = core_tests(tests, COUNT_OF(tests));
	puts("samples_test: ok");
	return rc;
}
