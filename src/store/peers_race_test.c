/*
 * peers_race_test.c - a peer dies and comes back, again and again, while threads read, borrow and listen.
 *
 * Each life has published a sample and an event before anybody hears of it, so whoever looks finds one, always: of the
 * life before or of this one, whole, and never the zeros of memory that was taken from under an idle handle.
 */
#include "store/peers.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <unistd.h>
#include "base/clock.h"
#include "store/event.h"
#include "test/lib/world.h"

enum { CORE, GUARD, CAM, READER, LIVES = 500, WORDS = 1500, IDLE = 8, ENOUGH = 200 };

static uint16_t bare, leased;
static struct world w;
static uint32_t lives;
static int needed;   /* threads that have not succeeded ENOUGH times yet */

static uint64_t word_at(uint64_t life, uint64_t i) {
	return life * UINT64_C(0x9e3779b97f4a7c15) ^ i * UINT64_C(0xbf58476d1ce4e5b9);
}

static void check_whole(const uint64_t *words, const struct cdm_info *info) {
	CHECK(info->bytes == WORDS * sizeof(uint64_t) && info->version == 1 && info->epoch >= 1);
	for (uint64_t i = 0; i < WORDS; i++)
		CHECK(words[i] == word_at(info->epoch, i));
}

static bool running(void) {
	return __atomic_load_n(&lives, __ATOMIC_RELAXED) < LIVES || __atomic_load_n(&needed, __ATOMIC_RELAXED) > 0;
}

static void succeeded(int *times) {
	if (++*times == ENOUGH)
		__atomic_fetch_sub(&needed, 1, __ATOMIC_RELAXED);
}

static void *copy(void *unused) {
	static _Thread_local uint64_t words[WORDS];
	struct cdm_info info;
	struct field in;
	uint32_t epoch = 0;
	int times = 0;
	(void)unused;
	CHECK(field_open(&in, &w.at[READER], bare) == 0);
	while (running()) {
		CHECK(field_read(&in, words, sizeof(words), clock_mono(), &info) == 0);
		check_whole(words, &info);
		CHECK(info.epoch >= epoch && field_news(&in) >= 0);
		epoch = info.epoch;
		succeeded(&times);
	}
	field_close(&in);
	return NULL;
}

/* Holds its leases for some lives. */
static void *borrow(void *unused) {
	struct field_lease held[3] = { 0 };
	struct field in;
	int times = 0;
	(void)unused;
	CHECK(field_open(&in, &w.at[READER], leased) == 0);
	for (unsigned i = 0; running(); i++) {
		struct field_lease *l = &held[i % COUNT_OF(held)];
		if (l->data)
			check_whole(l->data, &l->info);
		field_release(l);
		CHECK(field_lease(&in, clock_mono(), l) == 0);
		check_whole(l->data, &l->info);
		succeeded(&times);
	}
	for (unsigned i = 0; i < COUNT_OF(held); i++)
		field_release(&held[i]);
	field_close(&in);
	return NULL;
}

/* Looks so often that memory is taken from under it in the middle of a look. */
static void *peek(void *unused) {
	struct field_counts counts;
	struct cdm_info info;
	struct field in;
	int times = 0;
	(void)unused;
	CHECK(field_open(&in, &w.at[READER], bare) == 0);
	while (running()) {
		CHECK(field_peek(&in, clock_mono(), &info) == 0 && info.version == 1);
		CHECK(field_counts(&in, &counts) == 0 && counts.degraded == 1);
		succeeded(&times);
	}
	field_close(&in);
	return NULL;
}

static void *borrow_briefly(void *unused) {
	struct field_lease l;
	struct field in;
	int times = 0;
	(void)unused;
	CHECK(field_open(&in, &w.at[READER], leased) == 0);
	while (running()) {
		CHECK(field_lease(&in, clock_mono(), &l) == 0);
		CHECK(*(const uint64_t *)l.data == word_at(l.info.epoch, 0));
		field_release(&l);
		succeeded(&times);
	}
	field_close(&in);
	return NULL;
}

static void *listen(void *unused) {
	struct event_reader in;
	struct event e;
	int times = 0;
	(void)unused;
	event_reader_open(&in, &w.at[READER], CAM);
	while (running()) {
		int rc = event_next(&in, &e);
		CHECK(rc == 0 || rc == -EAGAIN);
		CHECK(rc < 0 || (e.number == 1 && e.a == in.epoch));
		CHECK(event_news(&in) >= 0);
		succeeded(&times);
	}
	event_reader_close(&in);
	return NULL;
}

static void write_in_life(struct peers *cam, uint16_t field, uint32_t life) {
	static uint64_t words[WORDS];
	struct field_writer out;
	struct field_meta m = field_meta_of(0);
	m.status = CDM_DEGRADED;
	for (uint64_t i = 0; i < WORDS; i++)
		words[i] = word_at(life, i);
	CHECK(field_writer_open(&out, cam, field) == 0);
	CHECK(field_write(&out, words, sizeof(words), &m, clock_mono()) == 0);
	field_writer_close(&out);
}

static void begin_life(uint32_t life) {
	static struct peers cam;
	struct event_writer events;
	struct segment_files files;
	CHECK(segment_create(w.plan, CAM, &files) == 0);
	peers_init(&cam, w.plan, CAM);
	CHECK(peers_own(&cam, life, &files) == 0);
	CHECK(peers_directory(&cam, w.directory_fd) == 0);
	CHECK(peers_replace(&cam, READER, 1, &w.files[READER]) == 0);
	write_in_life(&cam, bare, life);
	write_in_life(&cam, leased, life);
	event_writer_open(&events, &cam);
	CHECK(event_write(&events, clock_mono(), EVENT_DEADLINE, 0, life, 0, NULL));
	event_writer_close(&events);
	CHECK(peers_replace(&w.at[READER], CAM, life, &files) == 0);
	peers_fini(&cam);
	segment_close_files(&files);
}

int main(void) {
	static struct plan_builder b;
	static struct field idle[IDLE]; /* look once, each in another life */
	static void *(*const run[])(void *) = { copy, borrow, peek, peek, borrow_briefly, borrow_briefly, listen };
	pthread_t t[COUNT_OF(run)];
	uint64_t word;
	plan_builder_begin(&b, "robot");
	CHECK(plan_builder_process(&b, "camera", PLAN_HOST, 4) == CAM);
	CHECK(plan_builder_process(&b, "reader", PLAN_WORKER, 8) == READER);
	bare = plan_builder_field(&b, "bare", CDM_U64, WORDS, 3, 0, CAM, 1u << READER);
	leased = plan_builder_field(&b, "leased", CDM_U64, WORDS, 6, 4, CAM, 1u << READER);
	world_open(&w, &b);
	begin_life(2);
	needed = COUNT_OF(run);
	for (size_t i = 0; i < COUNT_OF(run); i++)
		CHECK(pthread_create(&t[i], NULL, run[i], NULL) == 0);
	for (uint32_t life = 3; running(); life++) {
		begin_life(life);
		if (life - 3 < IDLE) {
			CHECK(field_open(&idle[life - 3], &w.at[READER], bare) == 0);
			CHECK(field_read(&idle[life - 3], &word, sizeof(word), clock_mono(), NULL) == -E2BIG);
		}
		__atomic_fetch_add(&lives, 1, __ATOMIC_RELAXED);
	}
	for (size_t i = 0; i < COUNT_OF(run); i++)
		CHECK(pthread_join(t[i], NULL) == 0);
	for (int i = 0; i < IDLE; i++)
		field_close(&idle[i]);
	peers_tidy(&w.at[READER]);
	CHECK(peers_mappings(&w.at[READER]) == 4 && desk_count(&w.at[READER]) == 0);
	CHECK(counter_get(&w.at[READER].own, COUNTER_broken) == 0);
	world_close(&w);
	puts("peers_race_test: ok");
}
