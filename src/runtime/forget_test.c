/* forget_test.c - erasing what was said, with all that was made of it; and letting go what nobody will ask for. */
#include "journal/journal_testing.h"
#include "runtime/core_testing.h"

static uint64_t next_id = 1;

static uint64_t tell(const char *key, const char *value, uint64_t from) {
	put(++next_id, (struct question){ .op = "tell", .key = key, .text = value, .from = from });
	CHECK(hear("done") == next_id);
	return heard_number("seq");
}

/* The reply to this question, whichever others come first; is it `ev`? */
static bool told_of(uint64_t id, const char *ev) {
	char kind[16];
	uint64_t of;
	do {
		ssize_t n = control_receive(gate, message, sizeof(message), PATIENCE_MS * NS_PER_MS);
		CHECK(n > 0);
		message_bytes = (size_t)n;
		CHECK(mp_find_str(message, message_bytes, "ev", kind, sizeof(kind)) == 0);
		CHECK(mp_find_uint(message, message_bytes, "id", &of) == 0);
	} while (of != id);
	return strcmp(kind, ev) == 0;
}

static bool knows(const char *key, const char *value) {
	put(++next_id, (struct question){ .op = "read", .key = key });
	return value ? told_of(next_id, "done") && is("value", value)
		     : told_of(next_id, "error") && is("code", "ENOENT");
}

static bool file_holds(const char *ending, const char *secret) {
	char name[120];
	static char all[8 << 20];
	snprintf(name, sizeof(name), "%s%s", journal_path(), ending);
	FILE *f = fopen(name, "rb");
	size_t n = f ? fread(all, 1, sizeof(all), f) : 0;
	if (f)
		fclose(f);
	return memmem(all, n, secret, strlen(secret)) != NULL;
}

/* What lives is what a replay says, after it has died. */
static bool state_is_replay(void) {
	put(++next_id, (struct question){ .op = "state" });
	CHECK(hear("done") == next_id);
	char hex[HASH_TEXT_MAX];
	struct hash h = testing_replay(journal_path(), heard_number("seq"));
	return is("hash", hash_text(&h, 64, hex));
}

static void an_erasure_takes_what_was_made_of_it(void) {
	bool wiped = false;
	begin();
	tell("pin", "0000", 0);
	uint64_t pin = tell("pin", "secret-4711", 0);
	uint64_t hint = tell("hint", "secret-ends-in-11", pin);
	tell("riddle", "secret-is-a-perfume", hint);
	tell("cat", "Tom", 0);
	put(++next_id, (struct question){ .op = "erase", .seq = pin, .text = "asked to" });
	tell("dog", "Rex", 0); /* life goes on meanwhile: its answer comes first, or later */
	while (hear("done") != next_id - 1)
		;
	CHECK(heard_number("erased") == 3 && mp_find_bool(message, message_bytes, "wiped", &wiped) == 0);
	CHECK(knows("pin", "0000") && knows("hint", NULL) && knows("riddle", NULL) && knows("cat", "Tom"));
	CHECK(knows("dog", "Rex") && state_is_replay());
	core_dies();
	CHECK(!file_holds("", "secret") && (!wiped || !file_holds("-wal", "secret")));
	testing_verified(journal_path());
	start();
	CHECK(knows("pin", "0000") && knows("riddle", NULL) && state_is_replay());
	over();
}

/* Said while it is looked for: refused, or found, be it on its way to the disk or made of what was not found yet. */
static void what_is_made_meanwhile_goes_as_well(void) {
	begin();
	for (unsigned i = 0; i < 20; i++) {
		uint64_t pin = tell("pin", "secret-4711", 0);
		uint64_t hint = tell("hint", "secret-ends-in-11", pin);
		put(++next_id, (struct question){ .op = "tell", .key = "early", .text = "secret-1", .from = pin });
		uint64_t erase = ++next_id;
		put(erase, (struct question){ .op = "erase", .seq = pin });
		put(++next_id, (struct question){ .op = "tell", .key = "late", .text = "secret-2", .from = hint });
		put(++next_id, (struct question){ .op = "tell", .key = "copy", .text = "secret-3", .from = pin });
		put(++next_id, (struct question){ .op = "tell", .key = "other", .text = "Rex" });
		CHECK(told_of(next_id - 1, "error") && is("code", "ESTALE")); /* at once: the erasure takes longer */
		CHECK(told_of(erase, "done") && heard_number("erased") >= 3);
		CHECK(knows("pin", NULL) && knows("hint", NULL) && knows("early", NULL));
		CHECK(knows("late", NULL) && knows("copy", NULL) && knows("other", "Rex") && state_is_replay());
	}
	core_dies();
	CHECK(!file_holds("", "secret") && !file_holds("-wal", "secret"));
	testing_verified(journal_path());
	start();
	over();
}

/* The reply to this question; was `other` answered on the way? */
static bool hear_beside(uint64_t id, uint64_t other) {
	bool heard_it = false;
	uint64_t of;
	do {
		ssize_t n = control_receive(gate, message, sizeof(message), PATIENCE_MS * NS_PER_MS);
		CHECK(n > 0 && mp_find_uint(message, (size_t)n, "id", &of) == 0);
		message_bytes = (size_t)n;
		heard_it = heard_it || of == other;
	} while (of != id);
	return heard_it;
}

static void begin_with_much_to_fold(void) {
	begin();
	for (unsigned i = 0; i < 200; i++)
		tell("other", i % 2 ? "Rex" : "Tom", 0);
}

/* "0000" was replaced by record *pin, which is to go: the question that asks for that. */
static uint64_t erase_what_replaced(uint64_t *pin) {
	tell("pin", "0000", 0);
	*pin = tell("pin", "secret-4711", 0);
	put(++next_id, (struct question){ .op = "erase", .seq = *pin });
	return next_id;
}

/* What was replaced comes back with the fold: until then nobody is told that nothing, or something else, is known. */
static void nobody_reads_between(void) {
	unsigned stale = 0;
	begin_with_much_to_fold();
	for (unsigned i = 0; i < 20; i++) {
		uint64_t pin, erase = erase_what_replaced(&pin);
		bool done = false, old = false;
		while (!done || !old) {
			char kind[16], value[16] = "";
			uint64_t level = 1 + next_id % 3;
			put(++next_id, (struct question){ .op = "read", .key = "pin", .level = level, .after = pin });
			done = hear_beside(next_id, erase) || done;
			CHECK(mp_find_str(message, message_bytes, "ev", kind, sizeof(kind)) == 0);
			(void)!mp_find_str(message, message_bytes, "value", value, sizeof(value));
			bool is_stale = strcmp(kind, "error") == 0 && strcmp(heard("code"), "ESTALE") == 0;
			stale += is_stale;
			CHECK(!is_stale || is("cause", "erasing"));
			old = old || strcmp(value, "0000") == 0;
			CHECK(is_stale || strcmp(value, old ? "0000" : "secret-4711") == 0);
		}
	}
	printf("forget_test: %u reads came between\n", stale);
	CHECK(stale > 0); /* else nothing was tried */
	over();
}

/* Who looked while it was gone, and what it had replaced was not back, is shown that afterwards. */
static void a_look_between_misses_nothing(void) {
	unsigned looks = 0;
	begin_with_much_to_fold();
	for (unsigned i = 0; i < 20; i++) {
		uint64_t pin, erase = erase_what_replaced(&pin), look = 0;
		for (bool done = false; !done;) {
			put(++next_id, (struct question){ .op = "view", .max = 4096 });
			done = hear_beside(next_id, erase);
			if (!done && !strstr(heard("view"), "- pin = "))
				look = heard_number("at");
		}
		looks += look > 0;
		put(++next_id, (struct question){ .op = "view", .max = 4096, .after = look });
		CHECK(hear("done") == next_id && strstr(heard("view"), "- pin = 0000 ("));
	}
	printf("forget_test: %u looks came between\n", looks);
	CHECK(looks > 0);
	over();
}

static bool refused(struct question q, const char *code) {
	put(++next_id, q);
	return hear("error") == next_id && is("code", code);
}

static void what_cannot_be_erased_is_said(void) {
	begin();
	CHECK(refused((struct question){ .op = "erase", .seq = 77777 }, "ENOENT"));
	CHECK(refused((struct question){ .op = "erase", .seq = 1 }, "EINVAL")); /* the plan, or the epoch */
	CHECK(refused((struct question){ .op = "erase" }, "EINVAL"));
	CHECK(refused((struct question){ .op = "compact" }, "ENOENT"));
	CHECK(is("text", "there is no snapshot yet that could stand for what would go; it is made when the machine "
			"rests, or with `cadmus down`, after some hundred records: then ask again"));
	over();
}

/* More than a snapshot's worth of life, then nothing but what was said is left of it. */
static void what_nobody_will_ask_for_is_let_go(void) {
	begin();
	core_dies();
	struct journal *j;
	static uint8_t room[JOURNAL_BATCH_MAX][256];
	static struct journal_entry e[JOURNAL_BATCH_MAX];
	struct journal_state *s = testing_state();
	CHECK(journal_open(journal_path(), NULL, &j, NULL) == 0);
	CHECK(journal_tail(j)->seq > 0);
	for (unsigned n = 0; n < 80; n++) {
		uint64_t ticket;
		for (unsigned i = 0; i < COUNT_OF(e); i++) {
			struct body_gap gap = { body_text("evidence"), 1, body_text("") };
			e[i] = testing_entry(JOURNAL_GAP, room[i], body_build_gap(&gap, room[i], sizeof(room[i])));
		}
		CHECK(journal_submit(j, e, COUNT_OF(e), JOURNAL_D2, &ticket) == 0);
		CHECK(testing_settle(j, ticket, NULL) == 0);
	}
	journal_stop(&j);
	free(s);
	start(); /* core finds that a snapshot is due */
	tell("cat", "Tom", 0);
	over();
	begin();
	put(++next_id, (struct question){ .op = "compact" });
	CHECK(hear("done") == next_id && heard_number("removed") >= 80u * JOURNAL_BATCH_MAX);
	CHECK(heard_number("kept") < 20 && heard_number("upto") > 5000);
	uint64_t removed = heard_number("removed");
	CHECK(heard_number("now") == removed);
	for (put(++next_id, (struct question){ .op = "compact" }); !told_of(next_id, "done");) {
		CHECK(is("code", "EBUSY")); /* until what went is off the disk */
		put(++next_id, (struct question){ .op = "compact" });
	}
	CHECK(heard_number("now") == 0 && heard_number("removed") == removed);
	CHECK(heard_number("seq") == 0); /* no second record says so */
	CHECK(knows("cat", "Tom") && state_is_replay());
	put(++next_id, (struct question){ .op = "view", .after = 3000 }); /* since one that is gone: all is shown */
	CHECK(hear("done") == next_id && !strstr(heard("view"), "ince you last looked ("));
	CHECK(strstr(heard("view"), "- cat = Tom ("));
	over();
	struct journal_reader *r;
	struct journal_report report;
	CHECK(journal_read_open(journal_path(), &r, NULL) == 0 && journal_verify(r, &report, NULL) == 0);
	CHECK(report.snapshots >= 1);
	journal_read_close(&r);
}

int main(void) {
	void (*const tests[])(void) = { an_erasure_takes_what_was_made_of_it, what_is_made_meanwhile_goes_as_well,
		nobody_reads_between, a_look_between_misses_nothing,
		what_cannot_be_erased_is_said, what_nobody_will_ask_for_is_let_go };
	return core_tests(tests, COUNT_OF(tests));
}
