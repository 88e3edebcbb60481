/*
 * memory_speed.c - how fast the memory is: a journal of many varied turns, indexed, then asked a thousand questions.
 *
 * The turns come from a seed: words of syllables, some said all the time and most seldom (Zipf), by twenty people in
 * sessions.  Questions are of rare words, of common ones, of both, of words with a slip of the finger, of none.
 *
 * usage: memory_speed [TURNS [FOLDER]]     100000 unless told; the journal is made in a folder in that one, /tmp
 * unless told
 */
#include <sys/resource.h>
#include <sys/stat.h>
#include "base/clock.h"
#include "journal/journal_testing.h"
#include "memory/memory.h"

enum { VOCABULARY = 30000, PEOPLE = 20, QUESTIONS = 250, MAX_HITS = 10 };

static uint64_t dice = 42;
static char vocabulary[VOCABULARY][20];
static struct memory_hit hits[MAX_HITS];

static uint32_t roll(uint32_t below) {
	dice = dice * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return (uint32_t)((dice >> 33) % below);
}

static void make_vocabulary(void) {
	static const char *const syllables[] = { "ka", "lo", "mi", "ren", "tu", "sta", "ber", "gon", "el", "fi",
			"dra", "pol",
		"ne", "vis", "om", "ha", "qui", "zer", "wo", "jun", "ac", "pli", "ther", "nd" };
	for (unsigned i = 0; i < VOCABULARY; i++) {
		unsigned v = i, parts = 1 + (i > 30) + (i > 700) + (i > 9000);
		for (unsigned p = 0; p < parts || v; p++, v /= COUNT_OF(syllables)) {
			size_t n = strlen(vocabulary[i]);
			snprintf(vocabulary[i] + n, sizeof(vocabulary[i]) - n, "%s",
					syllables[v % COUNT_OF(syllables)]);
		}
	}
}

/* Word 0 is the most common: of a hundred words about nine are it. */
static const char *zipf_word(void) {
	double u = (roll(1000000) + 1) / 1e6, x = 1;
	for (unsigned i = 0; i < 24 && u < 0.57; i++, u *= 1.53)
		x *= 1.53;
	unsigned at = (unsigned)(x * (1 + roll(1000) / 1000.0)) - 1 + roll(3);
	return vocabulary[at < VOCABULARY ? at : VOCABULARY - 1];
}

static size_t make_text(char *out, size_t room, unsigned words) {
	size_t n = 0;
	for (unsigned i = 0; i < words && n + 24 < room; i++)
		n += (size_t)snprintf(out + n, room - n, "%s%s", i ? " " : "", zipf_word());
	return n;
}

static struct journal_entry make_turn(unsigned i, uint8_t *room, size_t bytes) {
	static char people[PEOPLE][16], session[32];
	static char user[2048], answer[4096];
	unsigned who = roll(PEOPLE);
	snprintf(people[who], sizeof(people[who]), "person_%u", who);
	snprintf(session, sizeof(session), "session_%u", i / 40 * PEOPLE + who);
	make_text(user, sizeof(user), 6 + roll(20));
	make_text(answer, sizeof(answer), 8 + roll(60));
	struct body_turn b = { .speaker = body_text(people[who]), .model = body_text("scribe"), .user = body_text(user),
		.answer = body_text(answer), .session = body_text(session), .trust_ppm = 300000 + roll(700000),
		.fact_count = i % 10 == 0, .said_ms = UINT64_C(1700000000000) + (uint64_t)i * 60000 };
	b.facts[0] = (struct body_said){ body_text(zipf_word()), body_text(zipf_word()), 800000 };
	struct journal_entry e = testing_entry(JOURNAL_TURN, room, body_build_turn(&b, room, bytes));
	e.principal = people[who];
	e.visibility = i % 3 ? JOURNAL_MACHINE : JOURNAL_PRIVATE;
	return e;
}

static void build(const struct testing *t, unsigned turns) {
	static uint8_t room[JOURNAL_BATCH_MAX][8192];
	struct journal_entry entries[JOURNAL_BATCH_MAX];
	struct journal *j = testing_open(t);
	uint64_t ticket = 0;
	for (unsigned i = 0; i < turns;) {
		unsigned n = 0;
		for (; n < JOURNAL_BATCH_MAX && i < turns; n++, i++)
			entries[n] = make_turn(i, room[n], sizeof(room[n]));
		CHECK(journal_submit(j, entries, n, JOURNAL_D2, &ticket) == 0);
		CHECK(testing_settle(j, ticket, NULL) == 0);
	}
	journal_stop(&j);
}

/* ---- asking ---- */

static const char *any_word(unsigned from, unsigned to) {
	return vocabulary[from + roll(to - from)];
}

static void ask_rare(char *out, size_t room) {
	snprintf(out, room, "%s %s", any_word(2000, 12000), any_word(4000, 20000));
}

static void ask_common(char *out, size_t room) {
	size_t n = 0;
	for (unsigned i = 0; i < 10; i++)
		n += (size_t)snprintf(out + n, room - n, "%s ", vocabulary[roll(30)]);
}

static void ask_mixed(char *out, size_t room) {
	make_text(out, room, 12);
}

static void ask_slips(char *out, size_t room) {
	snprintf(out, room, "%s %s", any_word(1000, 9000), any_word(3000, 9000));
	for (size_t i = 2; out[i]; i += 7)
		out[i] = out[i] == ' ' ? ' ' : 'y';
}

static void ask_nothing(char *out, size_t room) {
	snprintf(out, room, "%s", "?");
}

static const struct {
	const char *name;
	void (*ask)(char *out, size_t room);
} kinds[] = { { "rare", ask_rare }, { "common", ask_common }, { "mixed", ask_mixed }, { "slips", ask_slips },
	{ "none", ask_nothing } };

static int by_size(const void *a, const void *b) {
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
	return (x > y) - (x < y);
}

struct times {
	int64_t took[COUNT_OF(kinds) * QUESTIONS];
	unsigned count, hits;
};

static void report(const char *what, struct times *t) {
	qsort(t->took, t->count, sizeof(t->took[0]), by_size);
	printf("%-7s %5u  p50 %7.3f ms  p99 %7.3f ms  max %7.3f ms  %u hits\n", what, t->count,
			ns_to_ms(t->took[t->count / 2]), ns_to_ms(t->took[t->count * 99 / 100]),
			ns_to_ms(t->took[t->count - 1]), t->hits);
}

static void ask_one(struct memory *m, struct times *t, const char *text, const struct claims_asker *asker) {
	struct memory_query q = { .text = text, .asker = asker,
		.now = { INT64_C(1700000000000000000) + INT64_C(8640000000000000) } };
	struct cdm_mono then = clock_mono();
	int n = memory_search(m, &q, hits, MAX_HITS);
	t->took[t->count++] = mono_since(then, clock_mono());
	CHECK(n >= 0);
	t->hits += (unsigned)n;
}

static void ask_all(struct memory *m) {
	static struct times all;
	static const struct claims_asker asker = { "person_3", { "person_3", "person_3" } };
	for (unsigned k = 0; k < COUNT_OF(kinds); k++) {
		static struct times own;
		own.count = own.hits = 0;
		for (unsigned i = 0; i < QUESTIONS; i++) {
			char text[512];
			kinds[k].ask(text, sizeof(text));
			ask_one(m, &own, text, i % 2 ? &asker : NULL);
		}
		memcpy(all.took + all.count, own.took, own.count * sizeof(own.took[0]));
		all.count += own.count;
		all.hits += own.hits;
		report(kinds[k].name, &own);
	}
	report("all", &all);
}

static double mib(const char *path, const char *ending) {
	char name[160];
	struct stat st = { .st_size = 0 };
	snprintf(name, sizeof(name), "%s%s", path, ending);
	return stat(name, &st) == 0 ? (double)st.st_size / 1048576 : 0;
}

static void index_all(const struct testing *t, struct memory **m) {
	struct memory_stats s;
	struct cdm_mono then = clock_mono();
	CHECK(memory_open(t->path, NULL, m, NULL) == 0 && memory_follow(*m, 0) > 0);
	int64_t took = mono_since(then, clock_mono());
	memory_close(m);
	printf("index    %7.3f s  journal %.1f MiB, index %.1f MiB\n", (double)took / 1e9, mib(t->path, ""),
			mib(t->path, ".memory"));
	then = clock_mono();
	CHECK(memory_open(t->path, NULL, m, NULL) == 0 && memory_follow(*m, 0) == 0);
	took = mono_since(then, clock_mono());
	memory_stats(*m, &s);
	struct rusage u;
	CHECK(getrusage(RUSAGE_SELF, &u) == 0);
	printf("open     %7.3f ms  %llu passages, %.1f MiB of them in memory, %.1f MiB resident at most\n",
			ns_to_ms(took),
			(unsigned long long)s.passages, (double)s.in_memory / 1048576, (double)u.ru_maxrss / 1024);
}

int main(int argc, char **argv) {
	unsigned turns = argc > 1 ? (unsigned)strtoul(argv[1], NULL, 10) : 100000;
	struct testing t = testing_begin_in(argc > 2 ? argv[2] : "/tmp");
	struct memory *m = NULL;
	char name[100];
	make_vocabulary();
	build(&t, turns);
	index_all(&t, &m);
	ask_all(m);
	memory_close(&m);
	snprintf(name, sizeof(name), "%s.memory", t.path);
	unlink(name);
	snprintf(name, sizeof(name), "%s.memory.lock", t.path);
	unlink(name);
	testing_end(&t);
}
