/*
 * journal_oracle.c - write a journal with one of everything and print the hash of its state.
 *
 * usage: journal_oracle PATH     for journal_oracle.py, which reads the file by spec/journal.md
 * alone
 */
#include "journal/journal_testing.h"

static uint8_t room[JOURNAL_BATCH_MAX][2048];
static struct journal_entry entries[JOURNAL_BATCH_MAX];
static unsigned count;

static void add(enum journal_kind kind, int bytes) {
	CHECK(count < JOURNAL_BATCH_MAX);
	entries[count] = testing_entry(kind, room[count], bytes);
	count++;
}

#define ADD(KIND, kind, ...)                                                                       \
	do {                                                                                       \
		struct body_##kind b = { __VA_ARGS__ };                                            \
		add(JOURNAL_##KIND, body_build_##kind(&b, room[count], sizeof(room[count])));      \
	} while (0)

static void add_turn(const char *request, const char *user, const char *key, const char *value) {
	struct body_turn b = { .request = body_text(request),
		.speaker = body_text("ada"),
		.model = body_text("phi3"),
		.user = body_text(user),
		.answer = body_text("Yes, \xc3\xa9t\xc3\xa9."),
		.view_hash = hash_of(user, strlen(user)),
		.trust_ppm = 540000,
		.fact_count = key != NULL,
		.session = body_text(key ? "s1" : ""),
		.symbols = body_text("\xf0\x90\xa4\x80") };
	b.facts[0] = (struct body_said){ body_text(key), body_text(value), 300000 };
	add(JOURNAL_TURN, body_build_turn(&b, room[count], sizeof(room[count])));
}

static void add_everything(void) {
	ADD(EPOCH, epoch, 1, hash_of("plan", 4));
	add_turn("r1", "call me Ada", "name", "Ada");
	add_turn("r1", "call me Ada", "name", "Eve"); /* a duplicate */
	add_turn("", "it is warm", "mood", "warm");
	add_turn("r2", "forget the mood", "mood", "");
	add_turn("r3", "my cat is Tom", "cat", "Tom");
	ADD(SET, set, body_text("speed"), body_text("1"), body_text("rq"));
	ADD(SET, set, body_text("light"), body_text("on"), body_text("rq"));
	ADD(SET, set, body_text("speed"), body_text("0.5"), body_text("rq"));
	ADD(MODEL, model, body_text("phi3"), BODY_LOADED);
	ADD(MODEL, model, body_text("phi3"), BODY_ACTIVE);
	ADD(EVIDENCE, evidence, body_text("phi3"), body_text("talker"), body_text("talent"),
			1000000, 5, 0);
	ADD(EVIDENCE, evidence, body_text("phi3"), body_text("talker"), body_text("talent"), 70000,
			300, 0);
	ADD(COMMAND, command, 41, body_text("walk"), -70000, body_text("control"), 540000, body_text(""),
			body_text(""));
	ADD(OUTCOME, outcome, 41, body_text("done"), body_text(""));
	ADD(COMMAND, command, 42, body_text("turn"), 1, body_text("control"), 540000, body_text("rc"), body_text("xy"));
	ADD(REFUSAL, refusal, body_text("trust"), body_text("0.3 < 0.5"), body_text("rq"), body_text("ana"),
			body_text("xy"));
}

static void add_facts(void) {
	ADD(FACT, fact, .key = body_text("door"), .value = body_text("locked"), .source = body_text("ana"),
			.trust_ppm = 900000, .confidence_ppm = 800000);
	ADD(FACT, fact, .key = body_text("door"), .value = body_text("open"), .source = body_text("camera"),
			.trust_ppm = 700000, .confidence_ppm = BODY_PPM, .seen_ms = 1700000000000);
	ADD(FACT, fact, .key = body_text("light"), .value = body_text("on"), .trust_ppm = 1);
	ADD(FACT, fact, .key = body_text("light"), .value = body_text(""), .trust_ppm = 1);
	ADD(SAMPLE, sample, body_text("faces"), 9, 1, 1600000000000, body_text("ok"), 600000, 3, hash_of("abc", 3),
			body_text("abc"));
	ADD(FACT, fact, .key = body_text("safe"), .value = body_text("no"), .source = body_text("core"),
			.trust_ppm = BODY_PPM, .confidence_ppm = BODY_PPM, .from = { 3, { 20, 21, 24 } });
	ADD(FACT, fact, .key = body_text("lost"), .value = body_text("?"), .trust_ppm = 5, .from = { 1, { 1 } });
	ADD(FACT, fact, .key = body_text("gone"), .value = body_text("?"), .trust_ppm = BODY_PPM, .from = { 1, { 4 } });
	ADD(FACT, fact, .key = body_text("afar"), .value = body_text("?"), .trust_ppm = BODY_PPM, .from = { 1, { 0 } });
	ADD(FACT, fact, .key = body_text("kept"), .value = body_text("?"), .trust_ppm = 5, .from = { 2, { 1, 20 } },
			.confidence_ppm = BODY_PPM, .held_at = 19);
}

/* More than the state holds, by several: goals of one batch, and claims of whoever `principal` is. */
static void overflow(struct journal *j, struct journal_state *s) {
	static const char *const people[] = { "ana", "bob", "eve", "" };
	char text[16];
	uint64_t ticket = 0, seed = 5;
	for (unsigned batch = 0; batch < 4; batch++) {
		count = 0;
		for (unsigned i = 0; i < JOURNAL_BATCH_MAX; i++) {
			unsigned who = (unsigned)(testing_random(&seed) % 7);
			snprintf(text, sizeof(text), "g%u", (unsigned)(testing_random(&seed) % 60));
			ADD(GOAL, goal, .id = body_text(text), .what = BODY_OPEN);
			entries[count - 1].principal = people[who < 4 ? who : 2];
		}
		CHECK(journal_submit(j, entries, count, JOURNAL_D2, &ticket) == 0);
		CHECK(testing_settle(j, ticket, s) == 0);
	}
	for (unsigned batch = 0; batch < 3; batch++) {
		count = 0;
		for (unsigned i = 0; i < JOURNAL_BATCH_MAX; i++) {
			struct body_turn b = { .speaker = body_text(testing_random(&seed) % 3 ? "eye" : "ear") };
			unsigned who = (unsigned)(testing_random(&seed) % 7);
			static char keys[BODY_FACTS_MAX][16];
			for (; b.fact_count < BODY_FACTS_MAX; b.fact_count++) {
				char *key = keys[b.fact_count];
				snprintf(key, sizeof(keys[0]), "k%u", (unsigned)(testing_random(&seed) % 2000));
				b.facts[b.fact_count] = (struct body_said){ body_text(key), body_text("v"),
					(uint32_t)(testing_random(&seed) % 3) };
			}
			add(JOURNAL_TURN, body_build_turn(&b, room[count], sizeof(room[0])));
			entries[count - 1].principal = people[who < 4 ? who : 2];
		}
		CHECK(journal_submit(j, entries, count, JOURNAL_D2, &ticket) == 0);
		CHECK(testing_settle(j, ticket, s) == 0);
	}
	CHECK(s->fact_count == STATE_FACTS_MAX && s->goal_count == STATE_GOALS_MAX && s->dropped > 500);
}

/* Claims of few keys, of now and of any time before, told in any order. */
static void tell_late(struct journal *j, struct journal_state *s) {
	static const char *const keys[] = { "door", "lamp", "cat" }, *const sources[] = { "eye", "ear" };
	uint64_t ticket, seed = 6;
	count = 0;
	for (unsigned i = 0; i < JOURNAL_BATCH_MAX; i++) {
		struct body_fact b = { .key = body_text(keys[testing_random(&seed) % 3]),
			.value = body_text(testing_random(&seed) % 5 ? "is so" : ""),
			.source = body_text(sources[testing_random(&seed) % 2]), .trust_ppm = i,
			.confidence_ppm = BODY_PPM,
			.seen_ms = testing_random(&seed) % 5 ? 1700000000000 + testing_random(&seed) % 20 : 0 };
		if (testing_random(&seed) % 4 == 0 && s->fact_count)
			b.from = (struct body_seqs){ 1, { state_fact_at(s, 0)->seq } };
		add(JOURNAL_FACT, body_build_fact(&b, room[count], sizeof(room[0])));
	}
	CHECK(journal_submit(j, entries, count, JOURNAL_D2, &ticket) == 0);
	CHECK(testing_settle(j, ticket, s) == 0);
}

static void add_the_rest(void) {
	static uint8_t long_sample[300];
	ADD(GOAL, goal, .id = body_text("patrol"), .text = body_text("look"), .what = BODY_OPEN, .weight_ppm = 5);
	ADD(GOAL, goal, .id = body_text("rest"), .text = body_text("sleep"), .what = BODY_OPEN, .due_ms = 170000000000);
	ADD(GOAL, goal, .id = body_text("rest"), .what = BODY_DONE);
	ADD(SYMBOL, symbol, body_text("\xf0\x90\xa4\x80"), body_text(""), 7);
	ADD(DICTIONARY, dictionary, body_text("v2"), BODY_ADOPTED, body_text(""), body_text(""), 3, hash_of("t", 1));
	ADD(DICTIONARY, dictionary, body_text("v2"), BODY_ADDED, body_text("ab"), body_text("cd"), 4, hash_of("u", 1));
	ADD(PLAN, plan, hash_of("p", 1), 1, 2, body_text("abc"));
	ADD(PLAN, plan, hash_of("p", 1), 2, 2, body_text("def"));
	ADD(SAMPLE, sample, body_text("picture"), 9, 1, 0, body_text("ok"), 600000, sizeof(long_sample),
			hash_of(long_sample, sizeof(long_sample)), { (char *)long_sample, sizeof(long_sample) });
	ADD(GAP, gap, body_text("evidence"), 5, body_text("the queue was full"));
	ADD(GAP, gap, body_text("evidence"), 2, body_text(""));
	ADD(MODEL, model, body_text("phi3"), BODY_UNLOADED);
}

int main(int argc, char **argv) {
	struct journal *j;
	struct journal_state *s = testing_state();
	uint64_t ticket;
	char hex[HASH_TEXT_MAX];
	CHECK(argc == 2 && journal_open(argv[1], NULL, &j, NULL) == 0);
	journal_set_epoch(j, 1);
	add_everything();
	add_facts();
	add_the_rest();
	entries[5].visibility = JOURNAL_PRIVATE;
	entries[5].principal = "bob";
	CHECK(journal_submit(j, entries, count, JOURNAL_D2, &ticket) == 0);
	CHECK(testing_settle(j, ticket, s) == 0);
	overflow(j, s);
	tell_late(j, s);
	count = 0;
	ADD(ERASE, erase, 4, body_text("asked to"));
	CHECK(journal_erase(j, 4, &entries[0], &ticket) == 0 &&
			testing_settle(j, ticket, NULL) == 0);
	journal_stop(&j);
	struct hash h = testing_replay(argv[1], UINT64_MAX);
	puts(hash_text(&h, 64, hex));
	free(s);
}
