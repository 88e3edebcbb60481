/*
 * view_test.c - several fields at one time: what is had is of one moment, and what is not has a reason.
 */
#include "store/view.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include "store/field_priv.h"
#include "store/wait.h"
#include "store/word.h"
#include "test/lib/world.h"

enum { CORE, GUARD, EYE, EAR, READER, FIELDS = 3, ROUNDS = 20000 };

static uint16_t fields[FIELDS], pair[2];
static struct world w;
static struct field_writer out[FIELDS];
static struct field in[FIELDS];
static struct view_part parts[FIELDS];
static uint64_t values[FIELDS];
static struct view_refusal why;
static const struct view_terms any;

static void fresh(void) {
	static struct plan_builder b;
	plan_builder_begin(&b, "robot");
	CHECK(plan_builder_process(&b, "eye", PLAN_HOST, 4) == EYE);
	CHECK(plan_builder_process(&b, "ear", PLAN_HOST, 4) == EAR);
	CHECK(plan_builder_process(&b, "reader", PLAN_WORKER, 4) == READER);
	fields[0] = plan_builder_field(&b, "seen", CDM_U64, 1, 9, 0, EYE, 1u << READER);
	fields[1] = plan_builder_field(&b, "heard", CDM_U64, 1, 5, 0, EAR, 1u << READER);
	fields[2] = plan_builder_field(&b, "frame", CDM_U64, 1000, 6, 3, EYE, 1u << READER);
	pair[0] = plan_builder_field(&b, "position", CDM_U64, 1, 9, 0, EYE, 1u << READER);
	pair[1] = plan_builder_field(&b, "speed", CDM_U64, 1, 9, 0, EYE, 1u << READER);
	b.fields[pair[0]].group = b.fields[pair[1]].group = pair[0];
	world_open(&w, &b);
	for (int i = 0; i < FIELDS; i++) {
		CHECK(field_writer_open(&out[i], &w.at[plan_fields(w.plan)[fields[i]].process], fields[i]) == 0);
		CHECK(field_open(&in[i], &w.at[READER], fields[i]) == 0);
		parts[i] = (struct view_part){ .field = &in[i], .out = i < 2 ? &values[i] : NULL, .capacity = 8 };
	}
}

static void over(void) {
	for (int i = 0; i < FIELDS; i++) {
		field_close(&in[i]);
		field_writer_close(&out[i]);
	}
	world_close(&w);
}

static struct cdm_mono at(int64_t ns) {
	return (struct cdm_mono){ ns };
}

static void put_as(struct field_writer *o, int64_t ns, float trust) {
	struct field_meta m = { .source_time = at(ns), .trust = trust };
	uint64_t *loan = field_loan(o);
	CHECK(loan);
	__atomic_store_n(loan, (uint64_t)ns, __ATOMIC_RELEASE);
	field_publish(o, 8, &m, at(INT64_MAX / 2));
}

static void put(int i, int64_t ns) {
	put_as(&out[i], ns, 1.0f);
}

static int view(unsigned n, const struct view_terms *terms, int64_t now) {
	return view_take(parts, n, terms, at(now), &why);
}

static void speaks_of_the_latest_time_that_all_know(void) {
	fresh();
	CHECK(view(2, &any, 1) == -ESTALE && why.reason == VIEW_EMPTY && why.part == 0);
	put(0, 100);
	CHECK(view(2, &any, 1) == -ESTALE && why.reason == VIEW_EMPTY && why.part == 1);
	put(1, 90);
	CHECK(view(2, &any, 200) == -ESTALE && why.reason == VIEW_HISTORY && why.part == 0); /* seen begins at 100 */
	put(1, 130);
	CHECK(view(2, &any, 200) == 0 && values[0] == 100 && values[1] == 90);
	for (int64_t t = 110; t <= 160; t += 10)
		put(0, t);
	CHECK(view(2, &any, 200) == 0 && values[0] == 130 && values[1] == 130 && why.reason == VIEW_COHERENT);
	CHECK(parts[0].info.version == 4 && parts[1].info.version == 2 && parts[0].info.status == CDM_OK);
	struct view_terms then = { .at = at(125) };
	CHECK(view(2, &then, 200) == 0 && values[0] == 120 && values[1] == 90);
	then.at = at(95);
	CHECK(view(2, &then, 200) == -ESTALE && why.reason == VIEW_HISTORY && why.part == 0);
	over();
}

static void keeps_its_terms(void) {
	fresh();
	put(0, 100);
	put(1, 70);
	put(1, 145);
	struct view_terms t = { .max_skew_ns = 30 };
	CHECK(view(2, &t, 200) == 0 && values[0] == 100 && values[1] == 70);
	t.max_skew_ns = 29;
	CHECK(view(2, &t, 200) == -ESTALE && why.reason == VIEW_SKEW && why.part == 1 && why.ns == 30);
	t = (struct view_terms){ .max_age_ns = 130 };
	CHECK(view(2, &t, 200) == 0);
	CHECK(view(2, &t, 201) == -ESTALE && why.reason == VIEW_AGE && why.part == 1 && why.ns == 131);
	put_as(&out[0], 150, 0.25f);
	put(1, 150);
	t = (struct view_terms){ .min_trust = 0.25f };
	CHECK(view(2, &t, 200) == 0 && values[0] == 150);
	t.min_trust = 0.5f;
	CHECK(view(2, &t, 200) == -ESTALE && why.reason == VIEW_TRUST && why.part == 0 && why.trust == 0.25f);
	over();
}

static void borrows_what_is_large(void) {
	fresh();
	for (int i = 0; i < FIELDS; i++)
		put(i, 50);
	CHECK(view(3, &any, 60) == 0 && *(const uint64_t *)parts[2].lease.data == 50);
	CHECK(desk_count(&w.at[READER]) == 1 && parts[2].lease.info.version == 1);
	for (int64_t t = 51; t < 80; t++)
		put(2, t);
	CHECK(*(const uint64_t *)parts[2].lease.data == 50);
	field_release(&parts[2].lease);
	/* what is refused has borrowed nothing */
	put_as(&out[0], 100, 0.1f);
	put(1, 100);
	put(2, 100);
	struct view_terms t = { .min_trust = 0.5f };
	CHECK(view(3, &t, 200) == -ESTALE && desk_count(&w.at[READER]) == 0 && !parts[2].lease.data);
	parts[0].capacity = 4;
	CHECK(view(3, &any, 200) == -E2BIG && desk_count(&w.at[READER]) == 0);
	over();
}

/* Who has looked sleeps until there is something that he has not seen. */
static void counts_as_taken(void) {
	struct field *both[2] = { &in[0], &in[1] };
	fresh();
	put(0, 10);
	put(1, 10);
	CHECK(wait_any(both, 2, 0) == 0 && view(2, &any, 20) == 0 && wait_any(both, 2, 0) == -ETIMEDOUT);
	put(1, 30);
	struct view_terms t = { .max_skew_ns = 1, .at = at(40) };
	CHECK(wait_any(both, 2, 0) == 1 && view(2, &t, 40) == -ESTALE && wait_any(both, 2, 0) == -ETIMEDOUT);
	over();
}

static bool stop;

static void *commit(void *group) {
	struct field_group *g = group;
	for (int64_t n = 1; n <= ROUNDS; n++) {
		void *slots[FIELD_GROUP_MAX];
		const uint32_t bytes[2] = { 8, 8 };
		/* the second of them is older by an amount that changes, so that times alone would take two commits */
		const struct field_meta m[2] = { { .source_time = at(100 * n), .trust = 1 },
			{ .source_time = at(100 * n - n % 250), .trust = 1 } };
		CHECK(field_group_loan(g, slots));
		for (int i = 0; i < 2; i++)
			__atomic_store_n((uint64_t *)slots[i], (uint64_t)n, __ATOMIC_RELEASE);
		field_group_publish(g, bytes, m, at(INT64_MAX / 2));
	}
	__atomic_store_n(&stop, true, __ATOMIC_SEQ_CST);
	return NULL;
}

static void takes_a_group_from_one_commit(void) {
	struct field f[2];
	struct field_group g;
	struct view_part p[2];
	uint64_t v[2], had = 0;
	pthread_t t;
	fresh();
	CHECK(field_group_open(&g, &w.at[EYE], pair[0]) == 0);
	for (int i = 0; i < 2; i++) {
		CHECK(field_open(&f[i], &w.at[EYE], pair[i]) == 0);
		p[i] = (struct view_part){ .field = &f[i], .out = &v[i], .capacity = 8 };
	}
	stop = false;
	CHECK(pthread_create(&t, NULL, commit, &g) == 0);
	while (!__atomic_load_n(&stop, __ATOMIC_SEQ_CST) || had == 0) {
		int rc = view_take(p, 2, &any, at(1), &why);
		CHECK(rc == 0 || rc == -EAGAIN || rc == -ESTALE);
		if (rc < 0)
			continue;
		CHECK(v[0] == v[1] && p[0].info.version == p[1].info.version);
		had++;
	}
	CHECK(pthread_join(t, NULL) == 0);
	for (int i = 0; i < 2; i++)
		field_close(&f[i]);
	field_group_close(&g);
	over();
}

static void commit_at(struct field_group *g, int64_t first, int64_t second) {
	void *slots[FIELD_GROUP_MAX];
	const uint32_t bytes[2] = { 8, 8 };
	const struct field_meta m[2] = { { .source_time = at(first), .trust = 1 },
		{ .source_time = at(second), .trust = 1 } };
	CHECK(field_group_loan(g, slots));
	for (int i = 0; i < 2; i++)
		*(uint64_t *)slots[i] = g->at[0].version + 1;
	field_group_publish(g, bytes, m, at(1000));
}

/* What was derived may be older in a later commit: nothing of a view is after the moment that was asked for. */
static void looks_at_each_commit_of_a_group(void) {
	struct field f[2];
	struct field_group g;
	struct view_part p[2];
	const struct view_terms then = { .at = at(500) }, later = { .at = at(900) };
	uint64_t v[2];
	fresh();
	CHECK(field_group_open(&g, &w.at[EYE], pair[0]) == 0);
	for (int i = 0; i < 2; i++) {
		CHECK(field_open(&f[i], &w.at[EYE], pair[i]) == 0);
		p[i] = (struct view_part){ .field = &f[i], .out = &v[i], .capacity = 8 };
	}
	commit_at(&g, 900, 100);
	commit_at(&g, 100, 900);
	CHECK(view_take(p, 2, &then, at(1000), &why) == -ESTALE && why.reason == VIEW_HISTORY);
	CHECK(view_take(p, 2, &later, at(1000), &why) == 0 && v[0] == 2 && v[1] == 2);
	commit_at(&g, 300, 400);
	commit_at(&g, 900, 100);
	commit_at(&g, 100, 900);
	CHECK(view_take(p, 2, &then, at(1000), &why) == 0 && v[0] == 3 && v[1] == 3);
	for (int i = 3; i < 20; i++) /* until that one is gone */
		commit_at(&g, i % 2 ? 900 : 100, i % 2 ? 100 : 900);
	CHECK(view_take(p, 2, &then, at(1000), &why) == -ESTALE && why.reason == VIEW_HISTORY);
	for (int i = 0; i < 2; i++)
		field_close(&f[i]);
	field_group_close(&g);
	over();
}

static void *publish(void *unused) {
	(void)unused;
	for (int64_t t = 1; t <= ROUNDS; t++)
		for (int i = 0; i < 2; i++)
			put(i, 10 * t + i);
	__atomic_store_n(&stop, true, __ATOMIC_SEQ_CST);
	return NULL;
}

/* Against two fields that run: what is had keeps its terms, and each value is that of its time. */
static void never_lies(void) {
	struct view_terms t = { .max_skew_ns = 10 };
	uint64_t had = 0, last = 0;
	pthread_t thread;
	fresh();
	for (int i = 0; i < 2; i++) { /* one process, one mapping: for ThreadSanitizer */
		field_close(&in[i]);
		CHECK(field_open(&in[i], &w.at[plan_fields(w.plan)[fields[i]].process], fields[i]) == 0);
	}
	stop = false;
	CHECK(pthread_create(&thread, NULL, publish, NULL) == 0);
	while (!__atomic_load_n(&stop, __ATOMIC_SEQ_CST) || had == 0) {
		int rc = view(2, &t, INT64_MAX / 2);
		CHECK(rc == 0 || rc == -EAGAIN || rc == -ESTALE);
		if (rc < 0)
			continue;
		uint64_t apart = values[0] > values[1] ? values[0] - values[1] : values[1] - values[0];
		CHECK(apart <= 10 && values[0] == (uint64_t)parts[0].info.source_time.ns && values[0] >= last);
		last = values[0];
		had++;
	}
	CHECK(pthread_join(thread, NULL) == 0);
	over();
}

/* Says one time and then another of the same sample, which no honest writer does. */
static void *waver(void *unused) {
	uint64_t *time = &ring_slot(&out[1].ring, out[1].newest)->source_ns;
	(void)unused;
	while (!__atomic_load_n(&stop, __ATOMIC_SEQ_CST)) {
		word_store(time, 1000);
		word_store(time, 900000);
	}
	return NULL;
}

static void holds_the_writer_to_one_time(void) {
	const struct view_terms t = { .max_skew_ns = 10, .at = at(1000000) };
	pthread_t thread;
	int had = 0;
	fresh();
	put(0, 1000);
	put(1, 1000);
	stop = false;
	CHECK(pthread_create(&thread, NULL, waver, NULL) == 0);
	for (int i = 0; i < ROUNDS || had == 0; i++) {
		if (view(2, &t, 1000000) < 0)
			continue;
		had++;
		CHECK(parts[0].info.source_time.ns == 1000 && parts[1].info.source_time.ns == 1000);
	}
	__atomic_store_n(&stop, true, __ATOMIC_SEQ_CST);
	CHECK(pthread_join(thread, NULL) == 0);
	over();
}

static void names_who_is_broken(void) {
	fresh();
	put(0, 1000);
	put(1, 1000);
	uint64_t *time = &ring_slot(&out[1].ring, out[1].newest)->source_ns;
	word_store(time, UINT64_C(1) << 63); /* would be before all that ever was */
	CHECK(view(2, &any, 2000) == -EPROTO && why.reason == VIEW_BROKEN && why.part == 1);
	word_store(time, 1000);
	CHECK(view(2, &any, 2000) == 0 && why.reason == VIEW_COHERENT && why.part == 0);
	over();
}

int main(void) {
	speaks_of_the_latest_time_that_all_know();
	keeps_its_terms();
	borrows_what_is_large();
	counts_as_taken();
	takes_a_group_from_one_commit();
	looks_at_each_commit_of_a_group();
	never_lies();
	holds_the_writer_to_one_time();
	names_who_is_broken();
	CHECK(strcmp(view_reason_text(VIEW_SKEW), "skew") == 0 && strcmp(view_reason_text(99), "?") == 0);
	puts("view_test: ok");
}
