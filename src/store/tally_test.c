/* tally_test.c - each handle counts in a tally of its own, and what it counted outlives it. */
#include "store/tally.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include "test/lib/world.h"

enum { CORE, GUARD, CAM, READER, FEW = 5 };

static uint16_t level, frame;
static struct world w;

static void fresh(uint32_t tallies) {
	static struct plan_builder b;
	plan_builder_begin(&b, "robot");
	CHECK(plan_builder_process(&b, "camera", PLAN_HOST, 4) == CAM);
	CHECK(plan_builder_process(&b, "reader", PLAN_WORKER, 4) == READER);
	if (tallies)
		b.processes[READER].tallies = tallies;
	level = plan_builder_field(&b, "level", CDM_U64, 1, 6, 0, CAM, 1u << READER);
	frame = plan_builder_field(&b, "frame", CDM_U64, 1000, 6, 4, CAM, 1u << READER);
	world_open(&w, &b);
}

static void put(struct field_writer *out, uint64_t times) {
	static const uint64_t words[1000];
	struct field_meta m = field_meta_of(0);
	for (uint64_t i = 0; i < times; i++)
		CHECK(field_write(out, words, out->plan->bytes, &m, clock_mono()) == 0);
}

/* The only tally of `process` that does that with `index`, as the others see it. */
static struct layout_tally seen(uint16_t process, enum layout_doing doing, uint16_t index) {
	const struct segment *s = peers_get(&w.at[CORE], process);
	struct layout_tally t, found = { .what = 0 };
	for (uint32_t i = 0; tally_get(s, i, &t); i++)
		if (tally_doing(t.what) == doing && (t.what & 0xffff) == index) {
			CHECK(found.what == 0);
			found = t;
		}
	return found;
}

static void counts_by_handle(void) {
	struct field_writer out[2];
	struct field in[2];
	struct field_lease l;
	uint64_t word[1000];
	fresh(0);
	CHECK(field_writer_open(&out[0], &w.at[CAM], level) == 0 && field_writer_open(&out[1], &w.at[CAM], frame) == 0);
	CHECK(field_open(&in[0], &w.at[READER], level) == 0 && field_open(&in[1], &w.at[READER], frame) == 0);
	put(&out[0], 2);
	for (int i = 0; i < 2; i++)
		CHECK(field_next(&in[0], word, sizeof(word), clock_mono(), NULL) == 0);
	put(&out[0], 30); /* laps it */
	int missed = field_next(&in[0], word, sizeof(word), clock_mono(), NULL);
	CHECK(missed > 20 && wait_field(&in[0], 0) == 0);
	struct layout_tally t = seen(READER, LAYOUT_READS, level);
	CHECK(t.taken == 3 && t.missed == (uint64_t)missed && t.laps == 1 && t.leased == 0);
	CHECK(t.cursor == in[0].version);
	CHECK(tally_is_open(t.what) && tally_epoch(t.what) == 1);
	put(&out[1], 1);
	CHECK(field_lease(&in[1], clock_mono(), &l) == 0);
	field_release(&l);
	CHECK(field_peek(&in[1], clock_mono(), &(struct cdm_info){ 0 }) == 0); /* takes nothing */
	t = seen(READER, LAYOUT_READS, frame);
	CHECK(t.leased == 1 && t.taken == 0 && t.cursor == 1);
	t = seen(CAM, LAYOUT_WRITES, level);
	CHECK(t.taken == 32 && t.cursor == 32 && t.leased == 0);
	const struct segment *reader = peers_get(&w.at[CORE], READER), *cam = peers_get(&w.at[CORE], CAM);
	CHECK(counter_get(reader, COUNTER_reads) == 3 && counter_get(reader, COUNTER_leases) == 1);
	CHECK(counter_get(cam, COUNTER_publishes) == 33 && counter_get(cam, COUNTER_reads) == 0);
	CHECK(counter_get(reader, COUNTER_missed) == (uint64_t)missed && counter_get(reader, COUNTER_laps) == 1);
	world_close(&w);
}

static void counts_sleeps(void) {
	struct field in;
	fresh(0);
	CHECK(field_open(&in, &w.at[READER], level) == 0 && wait_field(&in, NS_PER_MS) == -ETIMEDOUT);
	CHECK(seen(READER, LAYOUT_READS, level).waits == 1);
	world_close(&w);
}

static void counts_events(void) {
	struct event_writer out;
	struct event_reader in;
	struct event e;
	fresh(0);
	event_writer_open(&out, &w.at[CAM]);
	event_reader_open(&in, &w.at[READER], CAM);
	for (int i = 0; i < 3; i++)
		CHECK(event_write(&out, clock_mono(), EVENT_DEADLINE, 0, 0, 0, NULL));
	CHECK(event_next(&in, &e) == 0 && event_next(&in, &e) == 0);
	struct layout_tally t = seen(READER, LAYOUT_LISTENS, CAM);
	CHECK(t.taken == 2 && t.cursor == 2 && t.missed == 0);
	for (unsigned i = 0; i < 3 * LAYOUT_EVENTS; i++)
		CHECK(event_write(&out, clock_mono(), EVENT_DEADLINE, 0, 0, 0, NULL));
	int missed = event_next(&in, &e);
	t = seen(READER, LAYOUT_LISTENS, CAM);
	CHECK(missed > 0 && t.missed == (uint64_t)missed && t.laps == 1 && t.taken == 3 && t.cursor == in.number);
	event_skip(&in);
	CHECK(seen(READER, LAYOUT_LISTENS, CAM).cursor == 3 + 3 * LAYOUT_EVENTS);
	event_reader_close(&in);
	event_writer_close(&out);
	world_close(&w);
}

/* A handle that is closed leaves its tally to one like it, and to no other. */
static void successors_go_on(void) {
	struct field_writer out;
	struct field in, other;
	uint64_t word;
	fresh(0);
	CHECK(field_writer_open(&out, &w.at[CAM], level) == 0);
	put(&out, 1);
	CHECK(field_open(&in, &w.at[READER], level) == 0);
	CHECK(field_read(&in, &word, sizeof(word), clock_mono(), NULL) == 0);
	struct layout_tally *first = in.tally;
	CHECK(field_open(&other, &w.at[READER], level) == 0 && other.tally != first); /* while it is open */
	field_close(&other);
	field_close(&in);
	field_close(&in);
	CHECK(field_open(&other, &w.at[READER], frame) == 0 && other.tally != first);
	CHECK(!tally_is_open(first->what) && first->taken == 1);
	CHECK(field_open(&in, &w.at[READER], level) == 0 && in.tally == first);
	CHECK(tally_is_open(first->what) && first->cursor == 0); /* it has taken nothing itself */
	CHECK(field_read(&in, &word, sizeof(word), clock_mono(), NULL) == 0 && first->taken == 2);
	field_close(&in);
	field_close(&other);
	world_close(&w);
}

/* More handles than tallies: they work, and it is said that they do not count. */
static void some_are_not_seen(void) {
	struct field_writer out;
	struct field in[FEW + 3];
	uint64_t word;
	fresh(FEW);
	CHECK(field_writer_open(&out, &w.at[CAM], level) == 0);
	put(&out, 1);
	for (int i = 0; i < FEW + 3; i++) {
		CHECK(field_open(&in[i], &w.at[READER], level) == 0);
		CHECK(field_read(&in[i], &word, sizeof(word), clock_mono(), NULL) == 0);
	}
	const struct segment *s = peers_get(&w.at[CORE], READER);
	CHECK(counter_get(s, COUNTER_untallied) == 3 && counter_get(s, COUNTER_reads) == FEW);
	for (int i = 0; i < FEW + 3; i++)
		field_close(&in[i]);
	world_close(&w);
}

/* Without a segment of one's own there is nowhere to count, nor a desk: one looks, copies, and sleeps in slices. */
static void observers_leave_no_trace(void) {
	static struct peers t;
	static uint64_t words[1000];
	struct field in, large;
	struct field_writer out, large_out;
	struct field_lease l;
	struct event_reader events;
	struct event e;
	fresh(0);
	CHECK(field_writer_open(&out, &w.at[CAM], level) == 0 && field_writer_open(&large_out, &w.at[CAM], frame) == 0);
	put(&out, 1);
	put(&large_out, 1);
	peers_init(&t, w.plan, READER);
	CHECK(peers_replace(&t, CAM, 1, &w.files[CAM]) == 0);
	CHECK(field_open(&in, &t, level) == 0 && field_open(&large, &t, frame) == 0);
	event_reader_open(&events, &t, CAM);
	CHECK(field_read(&in, words, sizeof(words), clock_mono(), NULL) == 0);
	CHECK(wait_field(&in, 5 * NS_PER_MS) == -ETIMEDOUT);
	put(&out, 1);
	CHECK(wait_field(&in, NS_PER_S) == 0 && event_next(&events, &e) == -EAGAIN);
	CHECK(field_lease(&large, clock_mono(), &l) == -ENOTSUP && !l.word);
	CHECK(field_next(&large, words, sizeof(words), clock_mono(), NULL) == 0);
	CHECK(field_lease_next(&large, clock_mono(), &l) == -EAGAIN);
	event_reader_close(&events);
	field_close(&in);
	field_close(&large);
	peers_fini(&t);
	world_close(&w);
}

static void *open_and_close(void *unused) {
	struct field in;
	uint64_t word;
	(void)unused;
	for (int i = 0; i < 5000; i++) {
		CHECK(field_open(&in, &w.at[READER], i % 2 ? level : frame) == 0);
		if (i % 2)
			CHECK(field_read(&in, &word, sizeof(word), clock_mono(), NULL) == 0);
		field_close(&in);
	}
	return NULL;
}

/* Threads that come and go: nothing that was counted is lost, since no two have one tally at a time. */
static void threads_share_none(void) {
	pthread_t t[3];
	struct field_writer out;
	fresh(0);
	CHECK(field_writer_open(&out, &w.at[CAM], level) == 0);
	put(&out, 1);
	for (int i = 0; i < 3; i++)
		CHECK(pthread_create(&t[i], NULL, open_and_close, NULL) == 0);
	for (int i = 0; i < 3; i++)
		CHECK(pthread_join(t[i], NULL) == 0);
	const struct segment *s = peers_get(&w.at[CORE], READER);
	CHECK(counter_get(s, COUNTER_reads) == 3 * 2500 && counter_get(s, COUNTER_untallied) == 0);
	world_close(&w);
}

int main(void) {
	counts_by_handle();
	counts_sleeps();
	counts_events();
	successors_go_on();
	some_are_not_seen();
	observers_leave_no_trace();
	threads_share_none();
	puts("tally_test: ok");
}
