/*
 * memory_testing.h - what the tests of the memory share: a journal that is told things, and questions.
 *
 * For tests only; every failure is a CHECK.
 */
#ifndef MEMORY_MEMORY_TESTING_H
#define MEMORY_MEMORY_TESTING_H

#include <sys/stat.h>
#include "journal/journal_testing.h"
#include "memory/memory.h"

struct told {
	struct testing t;
	struct journal *j;
	struct memory *m;
	uint64_t last; /* seq of the last record */
	struct memory_hit hits[32];
};

static inline void told_begin(struct told *w) {
	memset(w, 0, sizeof(*w));
	w->t = testing_begin();
	w->j = testing_open(&w->t);
}

static inline const char *told_index(const struct told *w, const char *ending) {
	static char name[120];
	snprintf(name, sizeof(name), "%s.memory%s", w->t.path, ending);
	return name;
}

static inline void told_forget(const struct told *w) {
	static const char *const endings[] = { "", "-wal", "-shm", ".lock" };
	for (size_t i = 0; i < COUNT_OF(endings); i++)
		unlink(told_index(w, endings[i]));
}

static inline void told_end(struct told *w) {
	memory_close(&w->m);
	journal_stop(&w->j);
	told_forget(w);
	testing_end(&w->t);
}

static inline uint64_t told_submit(struct told *w, const struct journal_entry *e) {
	uint64_t ticket;
	CHECK(journal_submit(w->j, e, 1, JOURNAL_D2, &ticket) == 0);
	struct journal_result r = testing_result(w->j);
	CHECK(r.rc == 0 && r.ticket == ticket && r.count == 1);
	w->last = r.records[0].seq;
	return w->last;
}

static inline uint64_t told_turn_of(struct told *w, const struct body_turn *b, const char *principal,
		enum journal_visibility v) {
	static uint8_t room[JOURNAL_BODY_MAX];
	struct journal_entry e = testing_entry(JOURNAL_TURN, room, body_build_turn(b, room, sizeof(room)));
	e.principal = principal;
	e.visibility = v;
	return told_submit(w, &e);
}

static inline uint64_t told_turn(struct told *w, const char *principal, const char *session, const char *user,
		const char *answer) {
	struct body_turn b = { .speaker = body_text(principal), .model = body_text("scribe"), .user = body_text(user),
		.answer = body_text(answer), .session = body_text(session), .trust_ppm = 800000 };
	return told_turn_of(w, &b, principal, JOURNAL_MACHINE);
}

static inline uint64_t told_fact_of(struct told *w, const struct body_fact *b, const char *principal,
		enum journal_visibility v) {
	uint8_t room[2048];
	struct journal_entry e = testing_entry(JOURNAL_FACT, room, body_build_fact(b, room, sizeof(room)));
	e.principal = principal;
	e.visibility = v;
	return told_submit(w, &e);
}

static inline uint64_t told_fact(struct told *w, const char *principal, const char *key, const char *value) {
	struct body_fact b = { .key = body_text(key), .value = body_text(value), .source = body_text(principal),
		.trust_ppm = 800000, .confidence_ppm = BODY_PPM };
	return told_fact_of(w, &b, principal, JOURNAL_MACHINE);
}

static inline void told_erase(struct told *w, uint64_t seq) {
	uint8_t room[256];
	uint64_t ticket;
	struct body_erase b = { .seq = seq, .reason = body_text("asked to") };
	struct journal_entry e = testing_entry(JOURNAL_ERASE, room, body_build_erase(&b, room, sizeof(room)));
	CHECK(journal_erase(w->j, seq, &e, &ticket) == 0);
	CHECK(testing_settle(w->j, ticket, NULL) == 0);
	w->last++;
}

/* Open the memory if it is not, and let it know all. */
static inline void told_follow(struct told *w) {
	struct memory_stats s;
	if (!w->m)
		CHECK(memory_open(w->t.path, NULL, &w->m, NULL) == 0);
	CHECK(memory_follow(w->m, 0) >= 0);
	memory_stats(w->m, &s);
	CHECK(s.upto == w->last && s.vectors_behind == 0);
}

static inline unsigned told_ask_as(struct told *w, const char *who, const char *text) {
	struct claims_asker a = { who, { who, who } };
	struct memory_query q = { .text = text, .asker = who ? &a : NULL };
	int n = memory_search(w->m, &q, w->hits, COUNT_OF(w->hits));
	CHECK(n >= 0);
	return (unsigned)n;
}

static inline unsigned told_ask(struct told *w, const char *text) {
	return told_ask_as(w, NULL, text);
}

/* Is it found, by that word of it? */
static inline bool told_has(struct told *w, const char *word) {
	unsigned n = told_ask(w, word);
	for (unsigned i = 0; i < n; i++)
		if (strstr(w->hits[i].text, word))
			return true;
	return false;
}

/* Is the record among the hits that were given last?  Its place from 1, or 0. */
static inline unsigned told_place(const struct told *w, unsigned count, uint64_t seq) {
	for (unsigned i = 0; i < count; i++)
		if (w->hits[i].of.seq == seq)
			return i + 1;
	return 0;
}

#endif
