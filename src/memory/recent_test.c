/*
 * recent_test.c - what is found by the words of the newest passages, in memory, is what the full text finds: nothing
 * that is asked is answered otherwise without them, whatever was superseded, erased, read anew, or is private.
 */
#include "memory/bag_priv.h"
#include "memory/memory_priv.h"
#include "memory/memory_testing.h"
#include "memory/recent_priv.h"

static struct told w;

/* ---- by itself ---- */

static void bag(struct bag *b, const char *text) {
	static struct words *words;
	static sqlite3 *sql;
	if (!words)
		CHECK(sqlite3_open(":memory:", &sql) == SQLITE_OK && words_register(sql, &words) == 0);
	CHECK(bag_of(b, words, text, strlen(text)) == 0);
}

static void put(struct recent *r, int64_t id, const char *text) {
	static struct bag b;
	bag(&b, text);
	CHECK(recent_put(r, id, b.at, bag_bytes(&b)) == 0);
}

static void the_newest_are_there(void) {
	static struct recent r;
	uint32_t key = bag_tag("key", 3), door = bag_tag("door", 4);
	CHECK(r.first == r.end && !recent_has(&r, 0, key) && !recent_has(&r, 7, key));
	put(&r, 7, "the key of the door");
	CHECK(r.first == 7 && r.end == 8 && recent_has(&r, 7, key) && recent_has(&r, 7, door));
	put(&r, 9, "a key"); /* 8 was erased */
	CHECK(r.first == 7 && r.end == 10 && !recent_has(&r, 8, key));
	CHECK(recent_has(&r, 9, key) && !recent_has(&r, 9, door));
	recent_forget(&r, 9);
	recent_forget(&r, 9 + RECENT); /* which has the same place */
	CHECK(!recent_has(&r, 9, key) && recent_has(&r, 7, key));
	put(&r, 7 + RECENT, "door");
	CHECK(r.first == 8 && r.end == 8 + RECENT);
	CHECK(recent_has(&r, 7 + RECENT, door) && !recent_has(&r, 7 + RECENT, key));
	CHECK(!recent_has(&r, 7, key));
	const struct recent_bag *b = &r.at[7]; /* which had four words, and has one */
	for (int i = b->bytes; i < b->room; i++)
		CHECK(((const char *)b->bag)[i] == 0);
	put(&r, 8 + 3 * RECENT, "");
	CHECK(r.first == 9 + 2 * RECENT && !recent_has(&r, 8 + 2 * RECENT, key));
	recent_clear(&r);
	CHECK(r.first == r.end && !recent_has(&r, 7 + RECENT, door));
}

/* ---- beside the full text ---- */

static uint32_t seed = 1;

static unsigned any(unsigned n) {
	seed = seed * 1664525 + 1013904223;
	return (seed >> 8) % n;
}

/* Some are in most texts, most in few. */
static const char *any_word(void) {
	static const char *const words[] = { "the", "is", "of", "door", "key", "lamp", "kitchen", "garden", "saw",
		"cat", "train", "blue", "folder", "leg", "battery", "obrigado" };
	unsigned a = any(COUNT_OF(words)), b = any(COUNT_OF(words)), c = any(COUNT_OF(words));
	unsigned least = a < b ? a : b;
	return words[least < c ? least : c];
}

static const char *any_text(unsigned count) {
	static char text[256];
	text[0] = 0;
	for (unsigned i = 0, n = 1 + any(count); i < n; i++) {
		strcat(text, i ? " " : "");
		strcat(text, any_word());
	}
	return text;
}

static uint64_t tell_any(void) {
	static const char *const who[] = { "ada", "bob" }, *const keys[] = { "door", "lamp", "cat", "leg" };
	struct body_turn b = { .speaker = body_text("ada"), .user = body_text(any_text(8)), .answer = body_text("the"),
		.trust_ppm = 800000 };
	switch (any(4)) {
	case 0: /* and what that source claimed before can be found no more */
		return told_fact(&w, who[any(2)], keys[any(4)], any_text(3));
	case 1:
		return told_turn_of(&w, &b, who[any(2)], JOURNAL_PRIVATE);
	default:
		return told_turn(&w, who[any(2)], "", any_text(8), "yes");
	}
}

static void ask(const char *text, bool quick, const char *who, struct memory_hit *hits, int *count) {
	const struct claims_asker a = { who, { who, who } };
	struct memory_query q = { .text = text, .asker = &a, .quick = quick, .distinct = quick,
		.now = { INT64_C(2000000000) * NS_PER_S } };
	*count = memory_search(w.m, &q, hits, MEMORY_HITS_MAX);
	CHECK(*count >= 0);
}

struct asked {
	char text[256];
	bool quick;
	const char *who;
	struct memory_hit hits[MEMORY_HITS_MAX];
	int count;
};

static void ask_many(struct asked *all, size_t n) {
	static const char *const who[] = { "ada", "bob", "eve" };
	for (size_t i = 0; i < n; i++) {
		struct asked *a = &all[i];
		snprintf(a->text, sizeof(a->text), "%s", any_text(6));
		a->quick = any(2);
		a->who = who[any(3)];
		ask(a->text, a->quick, a->who, a->hits, &a->count);
	}
}

static void has_same_answer(const struct asked *a) {
	static struct memory_hit hits[MEMORY_HITS_MAX];
	int count;
	ask(a->text, a->quick, a->who, hits, &count);
	if (count != a->count)
		fprintf(stderr, "\"%s\": %d hits, and %d by the full text alone\n", a->text, a->count, count);
	CHECK(count == a->count);
	for (int i = 0; i < count; i++)
		CHECK(hits[i].of.seq == a->hits[i].of.seq && hits[i].of.claim == a->hits[i].of.claim &&
				hits[i].score.total == a->hits[i].score.total);
}

static void the_full_text_says_the_same(void) {
	static struct asked all[40];
	uint64_t told[600];
	unsigned found = 0;
	told_begin(&w);
	for (unsigned life = 0; life < 4; life++) {
		for (unsigned i = 0; i < COUNT_OF(told); i++) {
			told[i] = tell_any();
			if (any(50) == 0)
				told_follow(&w); /* what ends to stand, or is erased, is in there, or comes with it */
			if (any(100) == 0)
				told_erase(&w, told[any(i + 1)]);
		}
		told_follow(&w);
		CHECK(w.m->shelf.recent.end - w.m->shelf.recent.first == RECENT);
		if (life % 2) { /* as it is loaded when it is opened */
			memory_close(&w.m);
			told_follow(&w);
			CHECK(w.m->shelf.recent.end - w.m->shelf.recent.first == RECENT);
		}
		ask_many(all, COUNT_OF(all));
		recent_clear(&w.m->shelf.recent);
		for (size_t i = 0; i < COUNT_OF(all); i++) {
			has_same_answer(&all[i]);
			found += (unsigned)all[i].count;
		}
		memory_close(&w.m);
	}
	CHECK(found > 1000);
	told_end(&w);
}

static void nothing_stays_of_what_was_erased(void) {
	uint32_t secret = bag_tag("secret", 6);
	told_begin(&w);
	uint64_t seq = told_turn(&w, "ada", "", "a secret", "yes");
	told_follow(&w);
	const struct recent *r = &w.m->shelf.recent;
	CHECK(r->end == r->first + 1 && recent_has(r, r->first, secret));
	told_erase(&w, seq);
	told_follow(&w);
	const uint32_t *words = r->at[r->first % RECENT].bag;
	CHECK(!recent_has(r, r->first, secret) && words && words[0] == 0 && words[1] == 0);
	told_end(&w);
}

int main(void) {
	the_newest_are_there();
	nothing_stays_of_what_was_erased();
	the_full_text_says_the_same();
	puts("recent_test: ok");
	return 0;
}
