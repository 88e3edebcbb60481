/*
 * journal_testing.h - what the tests of the journal share: a folder of their own, entries, waiting.
 *
 * For tests only; every failure is a CHECK.
 */
#ifndef JOURNAL_JOURNAL_TESTING_H
#define JOURNAL_JOURNAL_TESTING_H

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "base/clock.h"
#include "env/env.h"
#include "journal/body.h"
#include "journal/journal.h"
#include "journal/journal_read.h"
#include "journal/state.h"

struct testing {
	char folder[64], path[80];
};

static inline struct testing testing_begin_in(const char *where) {
	struct testing t;
	snprintf(t.folder, sizeof(t.folder), "%s/cadmus-journal-XXXXXX", where);
	CHECK(mkdtemp(t.folder) != NULL);
	snprintf(t.path, sizeof(t.path), "%s/state", t.folder);
	return t;
}

static inline struct testing testing_begin(void) {
	return testing_begin_in("/tmp");
}

/* Remove the state file and all that belongs to it. */
static inline void testing_remove(const struct testing *t) {
	static const char *const endings[] = { "", "-wal", "-shm", ".lock", ".new", ".new-wal",
		".new-shm", ".new-journal" };
	char name[100];
	for (size_t i = 0; i < COUNT_OF(endings); i++) {
		snprintf(name, sizeof(name), "%s%s", t->path, endings[i]);
		unlink(name);
	}
}

static inline void testing_end(const struct testing *t) {
	testing_remove(t);
	CHECK(rmdir(t->folder) == 0);
}

static inline struct journal *testing_open(const struct testing *t) {
	struct journal *j;
	CHECK(journal_open(t->path, NULL, &j, NULL) == 0);
	return j;
}

static int64_t testing_shift_ns;

static inline struct cdm_wall testing_wall(const struct env *e) {
	return (struct cdm_wall){ env_real()->wall(e).ns + testing_shift_ns };
}

/* As if the calendar said something else; one at a time. */
static inline struct journal *testing_open_at(const char *path, int64_t shift_ns) {
	static struct env other;
	struct journal *j;
	other = *env_real();
	other.wall = testing_wall;
	testing_shift_ns = shift_ns;
	CHECK(journal_open(path, &(struct journal_options){ .env = &other }, &j, NULL) == 0);
	return j;
}

/* An entry of a kind whose body stands in `room`. */
static inline struct journal_entry testing_entry(
		enum journal_kind kind, const void *room, int bytes) {
	CHECK(bytes > 0);
	return (struct journal_entry){ .kind = kind,
		.visibility = JOURNAL_MACHINE,
		.entity = "core",
		.principal = "ada",
		.body = room,
		.body_bytes = (size_t)bytes };
}

/* A setting: the simplest record with a value. */
static inline struct journal_entry testing_set(
		const char *field, const char *value, void *room, size_t n) {
	struct body_set b = { body_text(field), body_text(value), { NULL, 0 } };
	return testing_entry(JOURNAL_SET, room, body_build_set(&b, room, n));
}

/* The same, asked for by a request. */
static inline struct journal_entry testing_asked(
		const char *field, const char *value, const char *request, void *room, size_t n) {
	struct body_set b = { body_text(field), body_text(value), body_text(request) };
	struct journal_entry e = testing_entry(JOURNAL_SET, room, body_build_set(&b, room, n));
	e.request = request;
	return e;
}

static inline uint64_t testing_submit_set(
		struct journal *j, const char *field, const char *value, enum journal_class class) {
	uint8_t room[1024];
	uint64_t ticket;
	struct journal_entry e = testing_set(field, value, room, sizeof(room));
	CHECK(journal_submit(j, &e, 1, class, &ticket) == 0);
	return ticket;
}

/* The next result, waited for. */
static inline struct journal_result testing_result(struct journal *j) {
	struct journal_result r;
	struct pollfd p = { .fd = journal_event_fd(j), .events = POLLIN };
	while (journal_take(j, &r) == -EAGAIN)
		CHECK(poll(&p, 1, 30000) == 1);
	return r;
}

/* Take results up to this ticket, fold them into `s` (may be NULL), and return the last one's rc.
 */
static inline int testing_settle(struct journal *j, uint64_t ticket, struct journal_state *s) {
	struct journal_result r;
	do {
		r = testing_result(j);
		for (unsigned i = 0; s && r.rc == 0 && i < r.count; i++)
			CHECK(state_apply(s, &r.records[i]) == 0);
	} while (r.ticket < ticket);
	CHECK(r.ticket == ticket);
	return r.rc;
}

static inline struct journal_state *testing_state(void) {
	struct journal_state *s = calloc(1, sizeof(*s));
	CHECK(s != NULL);
	state_init(s);
	return s;
}

/* The hash of the replayed state after `seq`. */
static inline struct hash testing_replay(const char *path, uint64_t seq) {
	struct journal_reader *r;
	struct journal_state *s = testing_state();
	CHECK(journal_read_open(path, &r, NULL) == 0);
	CHECK(journal_state_at(r, seq, s, NULL) == 0);
	struct hash h = state_hash(s);
	journal_read_close(&r);
	free(s);
	return h;
}

static inline uint64_t testing_verified(const char *path) {
	struct journal_reader *r;
	struct journal_report report;
	CHECK(journal_read_open(path, &r, NULL) == 0);
	CHECK(journal_verify(r, &report, NULL) == 0 && report.first_bad == 0);
	journal_read_close(&r);
	return report.records;
}

/* A random number from a seed: xorshift64*. */
static inline uint64_t testing_random(uint64_t *seed) {
	*seed ^= *seed >> 12;
	*seed ^= *seed << 25;
	*seed ^= *seed >> 27;
	return *seed * UINT64_C(2685821657736338717);
}

/* So many days ago: what need not stay, what must, and a snapshot. */
static inline void testing_write_days_ago(const char *path, struct journal_state *s, int64_t days, unsigned batches) {
	static uint8_t room[JOURNAL_BATCH_MAX][256];
	static struct journal_entry e[JOURNAL_BATCH_MAX];
	struct journal *j = testing_open_at(path, -days * 24 * 3600 * NS_PER_S);
	uint64_t ticket;
	for (unsigned i = 0; i < COUNT_OF(e); i++) {
		struct body_gap gap = { body_text("evidence"), 1, body_text("") };
		e[i] = testing_entry(JOURNAL_GAP, room[i], body_build_gap(&gap, room[i], sizeof(room[i])));
	}
	for (unsigned n = 0; n < batches; n++) {
		CHECK(journal_submit(j, e, COUNT_OF(e), JOURNAL_D2, &ticket) == 0);
		CHECK(testing_settle(j, ticket, s) == 0);
	}
	CHECK(journal_snapshot(j, s, "core", &ticket) == 0 && testing_settle(j, ticket, s) == 0);
	journal_stop(&j);
}

/* Facts `reading N` of two sources in turn, while nobody owns the journal; `principal` NULL: of the machine. */
static inline void testing_write_facts(const char *path, const char *principal, const char *const sources[2],
		unsigned from, unsigned to) {
	static uint8_t room[JOURNAL_BATCH_MAX][256];
	static struct journal_entry e[JOURNAL_BATCH_MAX];
	struct journal *j;
	char key[32];
	uint64_t ticket;
	CHECK(journal_open(path, NULL, &j, NULL) == 0);
	for (unsigned n = from, k; n < to; n += k) {
		for (k = 0; k < COUNT_OF(e) && n + k < to; k++) {
			snprintf(key, sizeof(key), "reading %u", n + k);
			struct body_fact f = { .key = body_text(key), .value = body_text("nothing new"),
				.source = body_text(sources[k % 2]), .trust_ppm = BODY_PPM,
				.confidence_ppm = BODY_PPM };
			int bytes = body_build_fact(&f, room[k], sizeof(room[k]));
			e[k] = testing_entry(JOURNAL_FACT, room[k], bytes);
			if (principal)
				e[k].principal = principal;
		}
		CHECK(journal_submit(j, e, k, JOURNAL_D2, &ticket) == 0 && testing_settle(j, ticket, NULL) == 0);
	}
	journal_stop(&j);
}

#endif
