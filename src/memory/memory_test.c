/* memory_test.c - following, finding, forgetting. */
#include <math.h>
#include "memory/memory_testing.h"
#include "test/lib/pace.h"

static struct told w;

static void what_was_told_is_found(void) {
	told_begin(&w);
	uint64_t key = told_turn(&w, "ada", "s1", "where is the key of the shed?", "It hangs behind the door.");
	uint64_t cat = told_turn(&w, "ada", "s1", "my cat is called Tom", "Noted, your cat is Tom.");
	uint64_t fact = told_fact(&w, "ada", "door.state", "locked");
	testing_settle(w.j, testing_submit_set(w.j, "speed", "1", JOURNAL_D2), NULL);
	w.last++;
	told_follow(&w);
	CHECK(told_ask(&w, "the key of the shed") >= 1 && w.hits[0].of.seq == key);
	CHECK(strcmp(w.hits[0].text, "where is the key of the shed?\nIt hangs behind the door.") == 0);
	CHECK(w.hits[0].first == 30 && w.hits[0].bytes == strlen(w.hits[0].text));
	CHECK(strcmp(w.hits[0].of.speaker, "ada") == 0 && strcmp(w.hits[0].of.session, "s1") == 0);
	CHECK(told_ask(&w, "TOM") >= 1 && w.hits[0].of.seq == cat);
	CHECK(told_ask(&w, "is the door locked") >= 1 && w.hits[0].of.seq == fact);
	CHECK(w.hits[0].of.claim == 1 && strcmp(w.hits[0].of.key, "door.state") == 0);
	CHECK(strcmp(w.hits[0].text + w.hits[0].first, "locked") == 0);
	CHECK(told_ask(&w, "xylophone") == 0);
	CHECK(told_ask(&w, "") == 3 && w.hits[0].score.relevance == 1);
	told_end(&w);
}

/* A question is a text: no sign of it means anything to the full text. */
static void questions_are_texts(void) {
	static const char *const hostile[] = { "\"", "\"\"\"", "'", "AND", "OR NOT NEAR(", "text:key", "key*", "^key",
			"-key", "(key",
		"key\" OR \"cat", "{text} : key", "\xff\xfe key", "\xf0\x90\xa4", "a\tb\nc", "; DROP TABLE passage",
				"%_", "\\",
		"\x01\x02", "\xe6\x9d\xb1", "\xcc\x81", "+ - * / key" };
	told_begin(&w);
	uint64_t key = told_turn(&w, "ada", "", "where is the key?", "Behind the door.");
	told_follow(&w);
	for (size_t i = 0; i < COUNT_OF(hostile); i++) {
		unsigned n = told_ask(&w, hostile[i]);
		CHECK(!strstr(hostile[i], "key") || (n == 1 && w.hits[0].of.seq == key));
	}
	static char much[20000];
	for (size_t i = 0; i + 8 < sizeof(much); i += 7)
		snprintf(much + i, 9, "w%05zu ", i);
	CHECK(told_ask(&w, much) == 0);
	memcpy(much, "key ", 4);
	CHECK(told_ask(&w, much) == 1);
	struct memory_query q = { .text = "key and nothing else", .bytes = 2 };
	CHECK(memory_search(w.m, &q, w.hits, 4) == 0); /* "ke" */
	CHECK(memory_search(w.m, &q, w.hits, MEMORY_HITS_MAX + 1) == -EINVAL && memory_search(w.m, &q, w.hits, 0) == 0);
	told_end(&w);
}

#define YESTERDAY_IN "\xe6\x98\xa8\xe6\x97\xa5"
#define TOKYO "\xe6\x9d\xb1\xe4\xba\xac"
#define I_WENT "\xe3\x81\xab\xe8\xa1\x8c\xe3\x81\xa3\xe3\x81\x9f"
#define OSAKA_IS_HOT "\xe5\xa4\xa7\xe9\x98\xaa\xe3\x81\xaf\xe6\x9a\x91\xe3\x81\x84"

static void scripts_without_blanks_are_searched(void) {
	told_begin(&w);
	uint64_t tokyo = told_turn(&w, "ada", "", YESTERDAY_IN TOKYO I_WENT, "");
	told_turn(&w, "ada", "", OSAKA_IS_HOT, "");
	uint64_t cafe = told_turn(&w, "ada", "", "le caf\xc3\xa9 d'\xc3\x89mile", "");
	told_follow(&w);
	CHECK(told_ask(&w, TOKYO) >= 1 && w.hits[0].of.seq == tokyo);
	CHECK(told_ask(&w, "CAFE emile") >= 1 && w.hits[0].of.seq == cafe);
	told_end(&w);
}

static void nobody_gets_what_he_may_not_see(void) {
	struct body_turn b = { .speaker = body_text("ada"), .user = body_text("the secret word is xenon"),
			.trust_ppm = 900000 };
	struct body_fact f = { .key = body_text("safe.code"), .value = body_text("4711"), .source = body_text("ada"),
		.trust_ppm = 900000, .confidence_ppm = BODY_PPM };
	struct claims_asker two = { "ada", { "ada", "bob" } }, other = { "bob", { "bob", "ada" } };
	struct memory_query q = { .text = "secret xenon safe code", .asker = &two };
	told_begin(&w);
	told_turn_of(&w, &b, "ada", JOURNAL_PRIVATE);
	told_fact_of(&w, &f, "ada", JOURNAL_PRIVATE);
	told_follow(&w);
	CHECK(told_ask_as(&w, "ada", q.text) == 2 && told_ask_as(&w, "bob", q.text) == 0 && told_ask_as(&w, "",
			q.text) == 0);
	CHECK(told_ask_as(&w, "bob", "") == 0 && told_ask(&w, q.text) == 2);
	CHECK(memory_search(w.m, &q, w.hits, 4) == 2); /* his own, though both must see it: as claims.h says */
	q.asker = &other;
	CHECK(memory_search(w.m, &q, w.hits, 4) == 0);
	told_end(&w);
}

/* Where one says something oneself, one is not told another's claim for it. */
static void own_claims_come_before_those_of_others(void) {
	told_begin(&w);
	uint64_t ada = told_fact(&w, "ada", "name", "Ada"), bob = told_fact(&w, "bob", "name", "Bob");
	uint64_t machine = told_fact(&w, "", "name", "Cadmus");
	told_follow(&w);
	unsigned n = told_ask_as(&w, "ada", "name");
	CHECK(n == 2 && told_place(&w, n, ada) && told_place(&w, n, machine));
	CHECK(told_ask_as(&w, "eve", "name") == 3 && told_ask(&w, "name") == 3);
	n = told_ask_as(&w, "bob", "name");
	CHECK(n == 2 && told_place(&w, n, bob));
	told_end(&w);
}

static void the_newest_claim_of_a_source_stands(void) {
	told_begin(&w);
	uint64_t first = told_fact(&w, "ada", "home", "Paris"), second = told_fact(&w, "ada", "home", "Venice");
	uint64_t other = told_fact(&w, "bob", "home", "Oslo");
	told_follow(&w);
	CHECK(told_ask(&w, "home") == 2 && !told_place(&w, 2, first) && told_place(&w, 2, second));
	CHECK(told_ask(&w, "Paris") == 0);
	told_erase(&w, second); /* then the one before stands again */
	told_follow(&w);
	CHECK(told_ask(&w, "home") == 2 && told_place(&w, 2, first) && told_place(&w, 2, other));
	CHECK(told_ask(&w, "Paris") == 1 && told_ask(&w, "Venice") == 0);
	told_fact(&w, "ada", "home", ""); /* taken back */
	told_follow(&w);
	CHECK(told_ask(&w, "home") == 1 && w.hits[0].of.seq == other);
	told_erase(&w, w.last);
	told_follow(&w);
	CHECK(told_ask(&w, "Paris") == 1 && w.hits[0].of.seq == first);
	told_end(&w);
}

static const char *const claimers[] = { "ada", "bob" }, *const claimed[] = { "home", "mood", "door" };

/* The claims that can be found are those that the fold holds. */
static void check_standing(struct journal_state *s) {
	struct journal_reader *r;
	told_follow(&w);
	CHECK(journal_read_open(w.t.path, &r, NULL) == 0 && journal_state_at(r, UINT64_MAX, s, NULL) == 0);
	journal_read_close(&r);
	for (size_t k = 0; k < COUNT_OF(claimed); k++) {
		unsigned n = told_ask(&w, claimed[k]), held = 0, found = 0;
		for (unsigned i = 0; i < n; i++) /* those of other keys that are like it are hits as well */
			found += strncmp(w.hits[i].text, claimed[k], strlen(claimed[k])) == 0;
		for (size_t who = 0; who < COUNT_OF(claimers); who++) {
			const struct state_fact *f = state_fact(s, claimed[k], claimers[who], claimers[who]);
			held += f != NULL;
			CHECK(!f || told_place(&w, n, f->seq));
		}
		CHECK(found == held);
	}
}

/* Late ones, later ones, some taken back, some erased: in any order. */
static void what_stands_is_what_the_fold_holds(void) {
	enum { CLAIMS = PACE(1200, 300) };
	static uint64_t told[CLAIMS];
	struct journal_state *s = testing_state();
	uint64_t seed = 11;
	char value[16];
	told_begin(&w);
	for (unsigned n = 0; n < CLAIMS; n++) {
		const char *who = claimers[testing_random(&seed) % 2];
		snprintf(value, sizeof(value), "v%u", n);
		struct body_fact b = { .key = body_text(claimed[testing_random(&seed) % 3]), .source = body_text(who),
			.value = body_text(testing_random(&seed) % 6 ? value : ""), .trust_ppm = 800000,
			.confidence_ppm = BODY_PPM,
			.seen_ms = testing_random(&seed) % 4 ? 1700000000000 + testing_random(&seed) % 2000 : 0 };
		told[n] = told_fact_of(&w, &b, who, JOURNAL_MACHINE);
		uint64_t *one = &told[testing_random(&seed) % (n + 1)];
		if (testing_random(&seed) % 4 == 0 && *one)
			told_erase(&w, *one), *one = 0;
		if (n % 3 == 0)
			check_standing(s);
	}
	check_standing(s);
	free(s);
	told_end(&w);
}

static void claims_in_turns_are_found(void) {
	struct body_turn b = { .speaker = body_text("ada"), .model = body_text("scribe"),
			.user = body_text("call me Countess"),
		.answer = body_text("So be it."), .trust_ppm = 800000, .fact_count = 2 };
	b.facts[0] = (struct body_said){ body_text("title"), body_text("Countess"), 900000 };
	b.facts[1] = (struct body_said){ body_text("mood"), body_text("solemn"), 500000 };
	told_begin(&w);
	uint64_t seq = told_turn_of(&w, &b, "ada", JOURNAL_MACHINE);
	told_follow(&w);
	CHECK(told_ask(&w, "solemn mood") == 1 && w.hits[0].of.seq == seq && w.hits[0].of.claim == 2);
	CHECK(w.hits[0].score.trust == 0.5 && w.hits[0].of.trust_ppm == 500000);
	struct memory_query q = { .text = "countess", .kinds = 1 << PASSAGE_TURN };
	CHECK(memory_search(w.m, &q, w.hits, 4) == 1 && w.hits[0].of.kind == PASSAGE_TURN);
	q.kinds = 1 << PASSAGE_CLAIM;
	CHECK(memory_search(w.m, &q, w.hits, 4) == 1 && w.hits[0].of.claim == 1);
	told_end(&w);
}

static void a_retry_is_one_turn(void) {
	struct body_turn b = { .request = body_text("r-1"), .user = body_text("hello there"),
			.said_ms = 1700000000000 };
	told_begin(&w);
	uint64_t first = told_turn_of(&w, &b, "ada", JOURNAL_MACHINE);
	b.request = body_text("r-2");
	told_turn_of(&w, &b, "ada", JOURNAL_MACHINE);
	told_follow(&w);
	CHECK(told_ask(&w, "hello") == 1 && w.hits[0].of.seq == first);
	told_end(&w);
}

static void long_turns_are_cut_into_passages(void) {
	static char user[100000], answer[60000];
	memset(user, 'a', sizeof(user) - 1);
	for (size_t i = 100; i + 1 < sizeof(user); i += 101)
		user[i] = ' ';
	memcpy(user + 90000, " pomegranate ", 13);
	memset(answer, 'b', sizeof(answer) - 1); /* not a blank in it */
	memcpy(answer + 50000, " quince ", 8);
	told_begin(&w);
	uint64_t seq = told_turn(&w, "ada", "s", user, answer);
	told_follow(&w);
	CHECK(told_ask(&w, "pomegranate") == 1 && w.hits[0].of.seq == seq && w.hits[0].of.part > 40);
	CHECK(strstr(w.hits[0].text, "pomegranate") && w.hits[0].bytes <= PASSAGE_BYTES_MAX);
	CHECK(w.hits[0].first == w.hits[0].bytes); /* all of it the user said */
	CHECK(told_ask(&w, "quince") == 1 && w.hits[0].first == 0 && strstr(w.hits[0].text, "quince"));
	CHECK(memory_session(w.m, NULL, "s", w.hits, 8) == 1);
	told_end(&w);
}

static void sessions_are_told_in_order(void) {
	struct claims_asker bob = { "bob", { "bob", "bob" } };
	struct body_turn hidden = { .speaker = body_text("ada"), .user = body_text("psst"),
			.session = body_text("s1") };
	static const char *const said[] = { "even", "odd", "even again", "odd again" }; /* of one ms all differ */
	uint64_t seq[5];
	told_begin(&w);
	for (unsigned i = 0; i < COUNT_OF(said); i++)
		seq[i] = told_turn(&w, "ada", i == 1 ? "s2" : "s1", said[i], "yes");
	seq[4] = told_turn_of(&w, &hidden, "ada", JOURNAL_PRIVATE);
	told_follow(&w);
	CHECK(memory_session(w.m, NULL, "s1", w.hits, 8) == 4 && w.hits[0].of.seq == seq[0] &&
			w.hits[3].of.seq == seq[4]);
	CHECK(memory_session(w.m, &bob, "s1", w.hits, 2) == 2 && w.hits[0].of.seq == seq[2] &&
			w.hits[1].of.seq == seq[3]);
	CHECK(memory_session(w.m, NULL, "s3", w.hits, 8) == 0 && memory_session(w.m, NULL, "", w.hits, 8) == 0);
	struct memory_query q = { .text = "odd", .session = "s2" };
	CHECK(memory_search(w.m, &q, w.hits, 8) == 1 && w.hits[0].of.seq == seq[1]);
	q.session = "s1";
	CHECK(memory_search(w.m, &q, w.hits, 8) == 1 && w.hits[0].of.seq == seq[3]);
	told_end(&w);
}

/* ---- the parts of a score ---- */

static double attention_of(void *user, const struct memory_source *of) {
	return strcmp(of->speaker, user) == 0 ? 1 : 0;
}

static double no_number(void *user, const struct memory_source *of) {
	(void)user;
	(void)of;
	return NAN;
}

static void parts_make_the_score(void) {
	struct body_turn b = { .speaker = body_text("ada"), .user = body_text("the bridge is open"),
			.trust_ppm = 400000,
		.said_ms = 1700000000000 };
	struct score_weights weights = { 0.35, 1, 1, 1, INT64_C(1000000000) };
	struct memory_query q = { .text = "bridge", .weights = &weights, .now = { INT64_C(1700000002) * 1000000000 },
		.attention = attention_of, .user = (void *)(uintptr_t)"bob" };
	told_begin(&w);
	told_turn_of(&w, &b, "ada", JOURNAL_MACHINE);
	b.speaker = body_text("bob");
	b.said_ms += 1000;
	uint64_t bob = told_turn_of(&w, &b, "bob", JOURNAL_MACHINE);
	told_follow(&w);
	CHECK(memory_search(w.m, &q, w.hits, 4) == 2 && w.hits[0].of.seq == bob && w.hits[1].score.total == 0);
	struct score *s = &w.hits[0].score;
	CHECK(s->recency == 0.5 && s->trust == 0.4 && s->attention == 1);
	CHECK(fabs(s->total - s->relevance * 0.5 * 0.4) < 1e-12 &&
			fabs(s->relevance - 0.65 * s->text - 0.35 * s->vector) < 1e-12);
	q.attention = NULL;
	q.trust = no_number;
	CHECK(memory_search(w.m, &q, w.hits, 4) == 2 && w.hits[0].score.trust == 0 && w.hits[0].score.total == 0);
	CHECK(w.hits[0].of.seq == bob); /* equals: the newer first */
	told_end(&w);
}

/* ---- following ---- */

static void followed_in_steps(void) {
	told_begin(&w);
	CHECK(memory_open(w.t.path, NULL, &w.m, NULL) == 0 && memory_follow(w.m, 10) == 0);
	for (unsigned i = 0; i < 25; i++) {
		char text[32];
		snprintf(text, sizeof(text), "number%u", i);
		told_turn(&w, "ada", "", text, "yes");
	}
	CHECK(memory_follow(w.m, 10) == 10 && told_ask(&w, "number9") >= 1 && strstr(w.hits[0].text, "number9\n"));
	CHECK(memory_follow(w.m, 10) == 10 && memory_follow(w.m, 10) == 5 && memory_follow(w.m, 10) == 0);
	CHECK(told_ask(&w, "number24") >= 1 && strstr(w.hits[0].text, "number24\n"));
	told_end(&w);
}

static void there_must_be_a_journal(void) {
	struct memory *m = NULL;
	struct cdm_diag diag = { 0 };
	struct memory_embedder bad = { .name = "x", .dims = 31 };
	struct memory_options o = { .embedder = &bad };
	CHECK(memory_open("/nonexistent/state", NULL, &m, &diag) == -ENOENT && !m && diag.count == 1);
	told_begin(&w);
	CHECK(memory_open(w.t.path, &o, &m, NULL) == -EINVAL && !m);
	CHECK(memory_open(w.t.path, NULL, &w.m, NULL) == 0);
	char away[120];
	snprintf(away, sizeof(away), "%s.away", w.t.path);
	CHECK(rename(w.t.path, away) == 0 && memory_follow(w.m, 0) == -ENOENT && rename(away, w.t.path) == 0);
	CHECK(memory_follow(w.m, 0) == 0);
	memory_close(&w.m);
	memory_close(&w.m);
	told_end(&w);
}

/* The second works on a copy, and knows what the journal says as well. */
static void two_at_once(void) {
	struct memory *second = NULL;
	struct memory_stats s;
	told_begin(&w);
	told_turn(&w, "ada", "", "the first word", "yes");
	told_follow(&w);
	uint64_t seq = told_turn(&w, "ada", "", "the second thing", "yes");
	CHECK(memory_open(w.t.path, NULL, &second, NULL) == 0 && memory_follow(second, 0) == 1);
	memory_stats(second, &s);
	CHECK(!s.in_file && s.passages == 2 && s.renewed == 0);
	struct memory_query q = { .text = "second" };
	CHECK(memory_search(second, &q, w.hits, 4) == 1 && w.hits[0].of.seq == seq && told_ask(&w, "second") == 0);
	CHECK(memory_claim(second) == -EBUSY && memory_claim(w.m) == 0);
	told_follow(&w);
	CHECK(told_ask(&w, "second") == 1);
	memory_close(&w.m);
	CHECK(memory_claim(second) == 0 && memory_follow(second, 0) == 0); /* now it has the file */
	memory_stats(second, &s);
	CHECK(s.in_file && s.passages == 2 && memory_search(second, &q, w.hits, 4) == 1);
	memory_close(&second);
	told_end(&w);
}

/* ---- another embedder ---- */

static unsigned embedded;
static unsigned shown;
static int embed_rc;

/* What is of fruit lies in one direction, all else in another. */
static int embed(void *user, const char *text, size_t bytes, float *out) {
	char copy[256];
	(void)user;
	shown++;
	snprintf(copy, sizeof(copy), "%.*s", (int)bytes, text);
	memset(out, 0, 32 * sizeof(*out));
	out[strstr(copy, "apple") || strstr(copy, "fruit") ? 3 : 7] = 1;
	embedded += embed_rc == 0;
	return embed_rc;
}

static const struct memory_options hashed_only = { .embedder = &memory_hashed };

static void a_model_may_make_the_vectors(void) {
	static const struct memory_embedder model = { "tiny", 32, 0.2, embed, NULL };
	struct memory_options o = { .embedder = &model };
	struct memory_stats s;
	told_begin(&w);
	uint64_t apple = told_turn(&w, "ada", "", "an apple a day", "good");
	told_turn(&w, "ada", "", "a train to Rome", "good");
	told_follow(&w);
	CHECK(told_ask(&w, "fruit") == 0);
	memory_close(&w.m);
	embed_rc = -EAGAIN;
	CHECK(memory_open(w.t.path, &o, &w.m, NULL) == 0 && memory_follow(w.m, 0) == 0);
	memory_stats(w.m, &s);
	CHECK(s.vectors_behind == 2 && s.passages == 2 && told_ask(&w, "fruit") == 0 && told_ask(&w, "apple") == 1);
	embed_rc = 0;
	CHECK(memory_follow(w.m, 0) == 2 && embedded == 2 && told_ask(&w, "fruit") == 1 && w.hits[0].of.seq == apple);
	CHECK(w.hits[0].score.vector > 0.999 && w.hits[0].score.text == 0);
	memory_close(&w.m);
	CHECK(memory_open(w.t.path, &o, &w.m, NULL) == 0 && memory_follow(w.m, 0) == 0 && embedded == 3);
	embed_rc = -EIO; /* never of this text */
	told_turn(&w, "ada", "", "an apple pie", "good");
	CHECK(memory_follow(w.m, 0) == 1 && told_ask(&w, "pie") == 1);
	memory_close(&w.m);
	CHECK(memory_open(w.t.path, &hashed_only, &w.m, NULL) == 0 && memory_follow(w.m, 0) == 3); /* back to n-grams */
	CHECK(told_ask(&w, "aple") >= 1);
	told_end(&w);
}

static struct memory_stats stats_of(struct memory *m) {
	struct memory_stats s;
	memory_stats(m, &s);
	return s;
}

/* Hashed n-grams until it is known; from then on its vectors stay, also where it is not there. */
static void a_model_may_come_later(void) {
	const struct memory_embedder model = { "late", 0, 0.2, embed, NULL }, other = { "other", 0, 0.2, embed, NULL };
	struct memory_options o = { .embedder = &model }, o2 = { .embedder = &other };
	told_begin(&w);
	uint64_t apple = told_turn(&w, "ada", "", "an apple a day", "good");
	embed_rc = 0;
	CHECK(memory_open(w.t.path, &o, &w.m, NULL) == 0 && memory_follow(w.m, 0) == 1);
	CHECK(strcmp(stats_of(w.m).embedder, memory_hashed.name) == 0 && told_ask(&w, "aples") == 1);
	CHECK(memory_dims(w.m, 31) == -EINVAL && memory_dims(w.m, 32) == 0 && memory_dims(w.m, 32) == 0);
	CHECK(told_ask(&w, "fruit") == 0 && memory_follow(w.m, 0) == 1 && told_ask(&w, "fruit") == 1);
	memory_close(&w.m);
	CHECK(memory_open(w.t.path, &o, &w.m, NULL) == 0); /* now the index says how many numbers they have */
	CHECK(strcmp(stats_of(w.m).embedder, "late") == 0 && told_ask(&w, "fruit") == 1 && w.hits[0].of.seq == apple);
	memory_close(&w.m);
	told_turn(&w, "ada", "", "a fruit of the forest", "good");
	CHECK(memory_open(w.t.path, NULL, &w.m, NULL) == 0 && memory_follow(w.m, 0) == 1); /* whoever looks in */
	CHECK(stats_of(w.m).vectors_behind == 1 && strcmp(stats_of(w.m).embedder, "late") == 0);
	CHECK(told_ask(&w, "forest") == 1 && told_ask(&w, "aples") == 0 && memory_dims(w.m, 32) == -EINVAL);
	memory_close(&w.m);
	unsigned before = embedded;
	CHECK(memory_open(w.t.path, &o, &w.m, NULL) == 0 && memory_follow(w.m, 0) == 1 && embedded == before + 1);
	CHECK(told_ask(&w, "pear fruit") == 2);
	memory_close(&w.m);
	CHECK(memory_open(w.t.path, &o2, &w.m, NULL) == 0); /* another one */
	CHECK(strcmp(stats_of(w.m).embedder, memory_hashed.name) == 0 && memory_follow(w.m, 0) == 2);
	CHECK(told_ask(&w, "aples") == 1);
	told_end(&w);
}

/* It hears of some more than it can do, and of none that there would be no room for. */
static void a_model_is_shown_what_waits(void) {
	struct memory_embedder model = { "tiny", 32, 0.2, embed, NULL };
	struct memory_options o = { .embedder = &model, .vector_bytes = 64 * 32 };
	told_begin(&w);
	for (unsigned i = 0; i < 100; i++) {
		char text[32];
		snprintf(text, sizeof(text), "a cow %u", i);
		told_turn(&w, "ada", "", text, "yes");
	}
	embed_rc = -EAGAIN;
	shown = 0;
	CHECK(memory_open(w.t.path, &o, &w.m, NULL) == 0 && memory_follow(w.m, 0) == 100);
	CHECK(shown == MEMORY_AHEAD && stats_of(w.m).vectors_behind == 64);
	CHECK(memory_follow(w.m, 0) == 0 && shown == 2 * MEMORY_AHEAD && told_ask(&w, "cow") == 32);
	embed_rc = 0;
	embedded = 0;
	CHECK(memory_follow(w.m, 0) == 64 && embedded == 64 && stats_of(w.m).vectors_behind == 0);
	memory_close(&w.m);
	o.vector_bytes = 0; /* room for all of them: those without one are found by their words */
	CHECK(memory_open(w.t.path, &o, &w.m, NULL) == 0 && memory_follow(w.m, 0) == 0 && told_ask(&w, "cow") == 32);
	CHECK(told_ask(&w, "3") >= 1 && stats_of(w.m).renewed == 0);
	told_end(&w);
}

static uint64_t said_again(const char *who, const char *user, const char *answer, unsigned minute) {
	struct body_turn b = { .speaker = body_text(who), .user = body_text(user), .answer = body_text(answer),
		.trust_ppm = 800000, .said_ms = (28333333 + UINT64_C(1) * minute) * 60000 };
	return told_turn_of(&w, &b, who, JOURNAL_MACHINE);
}

/* However often the same was said, what else was said is found; of the same words those that score best. */
static void what_is_said_again_and_again_is_one(void) {
	static const char asked[] = "where is the key of the shed?";
	struct memory_query q = { .text = asked, .quick = true };
	uint64_t newest = 0;
	told_begin(&w);
	uint64_t told = told_turn(&w, "ada", "", "I hung the key behind the stove", "Noted.");
	uint64_t known = said_again("ada", asked, "The key of the shed is behind the stove.", 0);
	for (unsigned i = 1; i < 300; i++)
		newest = said_again(i % 2 ? "ada" : "bob", asked, "I do not know.", i);
	told_fact(&w, "ada", "key of the shed", "behind the stove");
	told_follow(&w);
	int n = memory_search(w.m, &q, w.hits, 16);
	CHECK(n == 16 && !told_place(&w, 16, told));
	q.distinct = true;
	n = memory_search(w.m, &q, w.hits, 16);
	CHECK(n == 3 && told_place(&w, 3, known) && told_place(&w, 3, told) && told_place(&w, 3, w.last));
	q.text = "I do not know";
	n = memory_search(w.m, &q, w.hits, 16);
	CHECK(n > 0 && told_place(&w, (unsigned)n, newest) == 1);
	q.text = "";
	n = memory_search(w.m, &q, w.hits, 16);
	CHECK(n == 3 && told_place(&w, 3, w.last) == 1 && told_place(&w, 3, newest) == 3);
	told_end(&w);
}

/* Of more passages than there is room for in memory the older are found by their words. */
static void memory_is_bounded(void) {
	struct memory_options o = { .vector_bytes = 1 };
	struct memory_stats s;
	told_begin(&w);
	uint64_t old = told_turn(&w, "ada", "", "an armadillo", "yes");
	for (unsigned i = 0; i < 200; i++) { /* the same words in one millisecond would be one turn */
		char text[32];
		snprintf(text, sizeof(text), "%s %u", i % 2 ? "a cow" : "a horse", i);
		told_turn(&w, "ada", "", text, "yes");
	}
	CHECK(memory_open(w.t.path, &o, &w.m, NULL) == 0 && memory_follow(w.m, 0) == 201);
	memory_stats(w.m, &s);
	CHECK(s.in_memory < 64 * 400 && s.passages == 201);
	CHECK(told_ask(&w, "armadillo") == 1 && w.hits[0].of.seq == old && w.hits[0].score.vector == 0);
	CHECK(told_ask_as(&w, "bob", "armadillo") == 1 && told_ask(&w, "cow") == 32);
	memory_close(&w.m);
	CHECK(memory_open(w.t.path, &o, &w.m, NULL) == 0 && told_ask(&w, "armadillo") == 1);
	told_end(&w);
}

int main(void) {
	what_was_told_is_found();
	questions_are_texts();
	scripts_without_blanks_are_searched();
	nobody_gets_what_he_may_not_see();
	own_claims_come_before_those_of_others();
	the_newest_claim_of_a_source_stands();
	what_stands_is_what_the_fold_holds();
	claims_in_turns_are_found();
	a_retry_is_one_turn();
	long_turns_are_cut_into_passages();
	sessions_are_told_in_order();
	parts_make_the_score();
	followed_in_steps();
	there_must_be_a_journal();
	two_at_once();
	a_model_may_make_the_vectors();
	a_model_may_come_later();
	a_model_is_shown_what_waits();
	what_is_said_again_and_again_is_one();
	memory_is_bounded();
	return 0;
}
