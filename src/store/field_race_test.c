/*
 * field_race_test.c - a writer, readers of every sort, sleepers and the control thread at once.
 *
 * All are threads of one process and use one mapping, so ThreadSanitizer sees both sides.  A sample's
 * words are computed from its version: a mixture of two samples is found wherever it was made.  FIELD_RACES says how
 * many samples are to be looked at, at least.
 */
#include "store/wait.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include "test/lib/pace.h"
#include "test/lib/watched.h"
#include "test/lib/world.h"

enum { CORE, GUARD, CAM, OTHER, SMALL_WORDS = 40, LARGE_WORDS = 1500, SMALL_MANY = 50000, LARGE_MANY = 5000,
	ENOUGH = 500 };

static uint16_t small, large;
static struct world w;
static int writers;  /* still running */
static uint64_t checks, least; /* samples that were looked at; that must be */
static int needed;   /* threads that have not succeeded ENOUGH times yet: the writers go on for them */

static uint64_t word_at(uint64_t version, uint64_t i) {
	return (version + 1) * UINT64_C(0x9e3779b97f4a7c15) ^ i * UINT64_C(0xbf58476d1ce4e5b9);
}

static void fill(uint64_t *words, uint64_t version, uint32_t count) {
	for (uint32_t i = 0; i < count; i++)
		words[i] = word_at(version, i);
}

static void check_whole(const uint64_t *words, const struct cdm_info *info, uint32_t count) {
	uint32_t valid = count - (uint32_t)(info->version % 3);
	CHECK(info->bytes == valid * sizeof(uint64_t));
	for (uint32_t i = 0; i < valid; i++)
		CHECK(words[i] == word_at(info->version, i));
	CHECK(info->source_time.ns == (int64_t)info->version && info->publish_time.ns >= info->source_time.ns);
	CHECK(info->trust <= 1.0f && info->source == info->version % 2);
	__atomic_fetch_add(&checks, 1, __ATOMIC_RELAXED);
}

static struct field_meta meta(uint64_t version) {
	return (struct field_meta){ .source_time = { (int64_t)version }, .trust = (float)(version % 100) / 100.0f,
		.source = (uint16_t)(version % 2) };
}

static bool more_is_needed(uint64_t version, uint64_t many) {
	return version <= many || __atomic_load_n(&needed, __ATOMIC_RELAXED) > 0 ||
	       __atomic_load_n(&checks, __ATOMIC_RELAXED) < least;
}

static void succeeded(int *times) {
	if (++*times == ENOUGH)
		__atomic_fetch_sub(&needed, 1, __ATOMIC_RELAXED);
}

static bool running(void) {
	return __atomic_load_n(&writers, __ATOMIC_ACQUIRE) > 0;
}

static void *write_small(void *unused) {
	struct field_writer out;
	uint64_t words[SMALL_WORDS];
	(void)unused;
	CHECK(field_writer_open(&out, &w.at[CAM], small) == 0);
	for (uint64_t v = 1; more_is_needed(v, SMALL_MANY); v++) {
		struct field_meta m = meta(v);
		fill(words, v, SMALL_WORDS);
		CHECK(field_write(&out, words, (uint32_t)((SMALL_WORDS - v % 3) * 8), &m, clock_mono()) == 0);
	}
	field_writer_close(&out);
	__atomic_fetch_sub(&writers, 1, __ATOMIC_RELEASE);
	return NULL;
}

static void *write_large(void *unused) {
	struct field_writer out;
	(void)unused;
	CHECK(field_writer_open(&out, &w.at[CAM], large) == 0);
	while (more_is_needed(out.version, LARGE_MANY)) {
		uint64_t v = out.version + 1, *words = field_loan(&out);
		if (!words)
			continue; /* all leased: counted in out.drops */
		struct field_meta m = meta(v);
		fill(words, v, LARGE_WORDS);
		if (v % 50 == 0) {
			field_abandon(&out);
			words = field_loan(&out);
			if (!words)
				continue;
			fill(words, v, LARGE_WORDS);
		}
		CHECK(field_publish(&out, (uint32_t)((LARGE_WORDS - v % 3) * 8), &m, clock_mono()) == v);
	}
	field_writer_close(&out);
	__atomic_fetch_sub(&writers, 1, __ATOMIC_RELEASE);
	return NULL;
}

static void *read_latest(void *which) {
	uint16_t index = *(uint16_t *)which;
	uint32_t count = index == small ? SMALL_WORDS : LARGE_WORDS;
	uint64_t words[LARGE_WORDS], last = 0;
	struct cdm_info info;
	struct field in;
	int times = 0;
	CHECK(field_open(&in, &w.at[CAM], index) == 0);
	while (running()) {
		int rc = field_read(&in, words, sizeof(words), clock_mono(), &info);
		CHECK(rc == 0 || rc == -EAGAIN);
		if (rc < 0)
			continue;
		check_whole(words, &info, count);
		CHECK(info.version >= last);
		last = info.version;
		succeeded(&times);
	}
	field_close(&in);
	return NULL;
}

static void *read_in_order(void *which) {
	uint16_t index = *(uint16_t *)which;
	uint32_t count = index == small ? SMALL_WORDS : LARGE_WORDS;
	uint64_t words[LARGE_WORDS], taken = 0, before = 0;
	struct cdm_info info;
	struct field in;
	int times = 0;
	CHECK(field_open(&in, &w.at[CAM], index) == 0);
	for (bool more = true; more;) {
		more = running();
		int rc = wait_field(&in, NS_PER_MS);
		CHECK(rc == 0 || rc == -ETIMEDOUT || rc == -ECANCELED);
		while ((rc = field_next(&in, words, sizeof(words), clock_mono(), &info)) >= 0) {
			check_whole(words, &info, count);
			CHECK(taken == 0 || info.version == before + 1 + (uint64_t)rc);
			before = info.version;
			taken++;
			succeeded(&times);
		}
		CHECK(rc == -EAGAIN);
	}
	field_close(&in);
	return NULL;
}

static void *borrow(void *which) {
	struct field_lease l;
	struct field in;
	bool in_order = which != NULL;
	int times = 0;
	CHECK(field_open(&in, &w.at[CAM], large) == 0);
	while (running()) {
		int rc = in_order ? field_lease_next(&in, clock_mono(), &l) : field_lease(&in, clock_mono(), &l);
		CHECK(rc >= 0 || rc == -EAGAIN);
		if (rc < 0)
			continue;
		check_whole(l.data, &l.info, LARGE_WORDS);
		check_whole(l.data, &l.info, LARGE_WORDS); /* still */
		field_release(&l);
		succeeded(&times);
	}
	field_close(&in);
	return NULL;
}

/* A peer that is born again and again while its desk is looked at. */
static void *replace_peer(void *unused) {
	uint32_t epoch = 2;
	int times = 0;
	(void)unused;
	while (running()) {
		struct segment s;
		struct segment_files files;
		CHECK(segment_create(w.plan, OTHER, &files) == 0);
		CHECK(segment_map_writer(&s, w.plan, OTHER, epoch, &files) == 0);
		CHECK(peers_replace(&w.at[CAM], OTHER, epoch, &files) == 0);
		segment_unmap(&s);
		segment_close_files(&files);
		epoch++;
		succeeded(&times);
	}
	return NULL;
}

int main(void) {
	static struct plan_builder b;
	pthread_t t[10];
	static const struct { void *(*run)(void *); void *arg; } threads[] = {
		{ write_small, NULL }, { write_large, NULL }, { read_latest, &small }, { read_latest, &large },
		{ read_in_order, &small }, { read_in_order, &large }, { borrow, NULL }, { borrow, &large },
		{ replace_peer, NULL },
	};
	plan_builder_begin(&b, "robot");
	CHECK(plan_builder_process(&b, "camera", PLAN_HOST, 16) == CAM);
	CHECK(plan_builder_process(&b, "other", PLAN_WORKER, 16) == OTHER);
	small = plan_builder_field(&b, "small", CDM_U64, SMALL_WORDS, 5, 0, CAM, 1u << OTHER);
	large = plan_builder_field(&b, "large", CDM_U64, LARGE_WORDS, 8, 5, CAM, 1u << OTHER);
	world_open(&w, &b);
	const char *told = getenv("FIELD_RACES");
	least = told ? strtoull(told, NULL, 10) : IS_WATCHED ? 10000 : PACE(1000000, 10000);
	writers = 2;
	needed = COUNT_OF(threads) - writers;
	for (size_t i = 0; i < COUNT_OF(threads); i++)
		CHECK(pthread_create(&t[i], NULL, threads[i].run, threads[i].arg) == 0);
	for (size_t i = 0; i < COUNT_OF(threads); i++)
		CHECK(pthread_join(t[i], NULL) == 0);
	peers_tidy(&w.at[CAM]);
	CHECK(peers_mappings(&w.at[CAM]) == 4 && counter_get(&w.at[CAM].own, COUNTER_replacements) >= ENOUGH);
	CHECK(desk_count(&w.at[CAM]) == 0);
	CHECK(counter_get(&w.at[CAM].own, COUNTER_leases) > 0 && counter_get(&w.at[CAM].own, COUNTER_reads) > 0);
	CHECK(counter_get(&w.at[CAM].own, COUNTER_broken) == 0);
	world_close(&w);
	CHECK(checks >= least);
	printf("field_race_test: ok, %llu samples were looked at\n", (unsigned long long)checks);
}
