/* event_test.c - records in order, what is missed is counted, and a ring that lies. */
#include "store/event.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include "test/lib/world.h"

enum { CORE, GUARD, CAM, THREADS = 3, MANY = 100000 };

static struct world w;
static struct event_writer writer;
static struct event_reader reader;

static void fresh(void) {
	static struct plan_builder b;
	plan_builder_begin(&b, "robot");
	CHECK(plan_builder_process(&b, "camera", PLAN_HOST, 0) == CAM);
	world_open(&w, &b);
	event_writer_open(&writer, &w.at[CAM]);
	event_reader_open(&reader, &w.at[CORE], CAM);
}

static void fresh_that_refuses(void) {
	static struct plan_builder b;
	plan_builder_begin(&b, "robot");
	CHECK(plan_builder_process(&b, "camera", PLAN_HOST, 0) == CAM);
	b.processes[CAM].event_overflow = PLAN_REFUSE;
	world_open(&w, &b);
}

static void note(uint64_t a) {
	CHECK(event_write(&writer, (struct cdm_mono){ (int64_t)a }, EVENT_DEADLINE, 1, a, ~a, "text"));
}

static void carries_records_in_order(void) {
	struct event e;
	fresh();
	CHECK(event_next(&reader, &e) == -EAGAIN);
	for (uint64_t i = 1; i < 5000; i++) {
		note(i);
		CHECK(event_next(&reader, &e) == 0);
		CHECK(e.number == i && e.a == i && e.b == ~i && e.time.ns == (int64_t)i && e.source == 1);
		CHECK(e.kind == EVENT_DEADLINE && strcmp(e.text, "text") == 0);
		CHECK(event_next(&reader, &e) == -EAGAIN);
	}
	CHECK(reader.missed == 0 && counter_get(&w.at[CAM].own, COUNTER_events) == 4999);
	world_close(&w);
}

static void counts_what_a_slow_reader_missed(void) {
	struct event e;
	fresh();
	for (uint64_t i = 1; i <= LAYOUT_EVENTS; i++)
		note(i);
	CHECK(event_next(&reader, &e) == 0 && e.number == 1);
	for (uint64_t i = 0; i < 5000; i++)
		note(i);
	int missed = event_next(&reader, &e);
	CHECK(missed == 5000 + LAYOUT_EVENTS / 2 - 1 && reader.missed == (uint64_t)missed);
	CHECK(e.number == 5000 + LAYOUT_EVENTS / 2 + 1);
	CHECK(counter_get(&w.at[CORE].own, COUNTER_event_missed) == (uint64_t)missed);
	event_skip(&reader);
	CHECK(event_next(&reader, &e) == -EAGAIN);
	event_reader_open(&reader, &w.at[CORE], CAM); /* one who comes late */
	CHECK(event_next(&reader, &e) == 5000 + LAYOUT_EVENTS / 2 && e.number == 5000 + LAYOUT_EVENTS / 2 + 1);
	world_close(&w);
}

static void cuts_text_on_a_character(void) {
	struct event e;
	fresh();
	static const struct { const char *in, *out; } texts[] = {
		{ NULL, "" }, { "", "" }, { "12345678901234567890123", "12345678901234567890123" },
		{ "123456789012345678901234567", "12345678901234567890123" },
		{ "1234567890123456789012é", "1234567890123456789012" },
		{ "12345678901234567890𐤕", "12345678901234567890" },
		{ "1234567890123456789𐤕", "1234567890123456789𐤕" },
	};
	for (size_t i = 0; i < COUNT_OF(texts); i++) {
		CHECK(event_write(&writer, clock_mono(), EVENT_STOP, PLAN_NONE, 0, 0, texts[i].in));
		CHECK(event_next(&reader, &e) == 0 && strcmp(e.text, texts[i].out) == 0);
	}
	CHECK(strcmp(event_kind_text(EVENT_STOP), "stop") == 0 && strcmp(event_kind_text(9999), "?") == 0);
	CHECK(strcmp(event_kind_meaning(EVENT_STOP), "an emergency stop of %a was latched") == 0);
	CHECK(strcmp(event_kind_meaning(EVENT_KIND_COUNT), "?") == 0);
	CHECK(event_kind_about(EVENT_STOP) == EVENT_ABOUT_ENTITY);
	CHECK(event_kind_about(EVENT_COHERENT) == EVENT_ABOUT_RULE);
	CHECK(event_kind_about(EVENT_KIND_COUNT) == EVENT_ABOUT_NUMBER);
	world_close(&w);
}

static void begins_anew_with_a_new_epoch(void) {
	struct event e;
	fresh();
	note(1);
	note(2);
	CHECK(event_next(&reader, &e) == 0 && e.number == 1);
	world_stop(&w, CAM);
	world_start(&w, CAM, true);
	CHECK(event_next(&reader, &e) == -EAGAIN);
	event_writer_open(&writer, &w.at[CAM]);
	note(11);
	CHECK(event_next(&reader, &e) == 0 && e.number == 1 && e.a == 11 && reader.epoch == 2);
	world_close(&w);
}

static void drops_and_counts_when_the_ring_is_busy(void) {
	struct event e;
	fresh();
	writer.busy = 1; /* a thread that was put to sleep in the middle */
	CHECK(!event_write(&writer, clock_mono(), EVENT_STOP, 0, 0, 0, NULL));
	CHECK(counter_get(&w.at[CAM].own, COUNTER_event_drops) == 1 && writer.ring->drops == 1);
	writer.busy = 0;
	CHECK(event_write(&writer, clock_mono(), EVENT_STOP, 0, 0, 0, NULL));
	CHECK(event_next(&reader, &e) == 0 && e.number == 1);
	world_close(&w);
}

static bool stays;

/* In the ring, and not asleep: somebody else has its processor. */
static void *stays_for_a_while(void *unused) {
	struct cdm_mono since = clock_mono();
	(void)unused;
	writer.busy = 1;
	__atomic_store_n(&stays, true, __ATOMIC_SEQ_CST);
	while (mono_since(since, clock_mono()) < NS_PER_MS)
		continue;
	__atomic_store_n(&writer.busy, 0, __ATOMIC_SEQ_CST);
	return NULL;
}

/* A thread that lost its processor in the middle gets it back from the one who waits for it there. */
static void waits_for_who_waits_for_its_processor(void) {
	cpu_set_t before, one;
	pthread_t t;
	fresh();
	CHECK(sched_getaffinity(0, sizeof(before), &before) == 0);
	CPU_ZERO(&one);
	CPU_SET((size_t)sched_getcpu(), &one);
	CHECK(sched_setaffinity(0, sizeof(one), &one) == 0);
	for (int i = 0; i < 50; i++) {
		stays = false;
		CHECK(pthread_create(&t, NULL, stays_for_a_while, NULL) == 0); /* on the same processor */
		while (!__atomic_load_n(&stays, __ATOMIC_SEQ_CST))
			sched_yield();
		note(1);
		CHECK(pthread_join(t, NULL) == 0);
	}
	CHECK(writer.ring->drops == 0 && sched_setaffinity(0, sizeof(before), &before) == 0);
	world_close(&w);
}

static void survives_a_ring_that_lies(void) {
	struct event e;
	uint64_t seed = 42;
	fresh();
	for (int round = 0; round < 20000; round++) {
		seed = seed * 6364136223846793005u + 1442695040888963407u;
		uint64_t *words = (uint64_t *)writer.ring;
		size_t at = seed >> 33 & 7 ? (seed >> 40) % (sizeof(*writer.ring) / 8) : 0;
		words[at] = seed >> 20 & 1 ? seed : seed & 0xfff;
		int rc = event_next(&reader, &e);
		CHECK(rc >= 0 || rc == -EAGAIN || rc == -EPROTO);
		CHECK(rc < 0 || memchr(e.text, 0, sizeof(e.text)));
		if (round % 16 == 0)
			reader.number = 0;
	}
	writer.ring->head = 5;
	reader.number = 9;
	CHECK(event_next(&reader, &e) == -EPROTO);
	CHECK(counter_get(&w.at[CORE].own, COUNTER_broken) > 0);
	world_close(&w);
}

static void *write_many(void *who) {
	uint64_t thread = (uint64_t)(uintptr_t)who;
	for (uint64_t i = 1; i <= MANY;)
		if (event_write(&writer, (struct cdm_mono){ (int64_t)i }, EVENT_SYMBOL, 0, thread << 32 | i,
				~(thread << 32 | i), NULL))
			i++;
	return NULL;
}

static bool written;

/* Reads where the writers overwrite: never a mixture. */
static void *read_at_the_edge(void *unused) {
	struct event_reader r;
	struct event e;
	(void)unused;
	event_reader_open(&r, &w.at[CAM], CAM);
	while (!__atomic_load_n(&written, __ATOMIC_ACQUIRE)) {
		uint64_t head = __atomic_load_n(&writer.ring->head, __ATOMIC_ACQUIRE);
		r.number = head > LAYOUT_EVENTS ? head - LAYOUT_EVENTS : 0;
		int rc = event_next(&r, &e);
		CHECK(rc == -EAGAIN || (rc >= 0 && e.b == ~e.a && e.time.ns == (int64_t)(uint32_t)e.a));
	}
	return NULL;
}

/* Several threads write, one reads its own process's ring: one mapping, for ThreadSanitizer. */
static void holds_when_all_run(void) {
	pthread_t t[THREADS], edge;
	struct event e;
	uint64_t last[THREADS] = { 0 }, seen = 0;
	fresh();
	event_reader_open(&reader, &w.at[CAM], CAM);
	for (uintptr_t i = 0; i < THREADS; i++)
		CHECK(pthread_create(&t[i], NULL, write_many, (void *)i) == 0);
	CHECK(pthread_create(&edge, NULL, read_at_the_edge, NULL) == 0);
	while (seen + reader.missed < THREADS * MANY) {
		int rc = event_next(&reader, &e);
		if (rc == -EAGAIN)
			continue;
		CHECK(rc >= 0 && e.b == ~e.a && e.time.ns == (int64_t)(uint32_t)e.a);
		CHECK((uint32_t)e.a > last[e.a >> 32]); /* whole, and each thread's in order */
		last[e.a >> 32] = (uint32_t)e.a;
		seen++;
	}
	for (int i = 0; i < THREADS; i++)
		CHECK(pthread_join(t[i], NULL) == 0);
	__atomic_store_n(&written, true, __ATOMIC_RELEASE);
	CHECK(pthread_join(edge, NULL) == 0);
	CHECK(seen > 0);
	world_close(&w);
}

static void takes_only_what_is_wanted(void) {
	struct event e;
	fresh();
	event_filter(&reader, UINT64_C(1) << EVENT_STOP, PLAN_NONE);
	for (uint64_t i = 1; i <= 20; i++) {
		note(i);
		CHECK(event_write(&writer, clock_mono(), EVENT_STOP, (uint16_t)(i % 2), i, 0, NULL));
	}
	for (uint64_t i = 1; i <= 20; i++)
		CHECK(event_next(&reader, &e) == 0 && e.kind == EVENT_STOP && e.a == i);
	CHECK(event_next(&reader, &e) == -EAGAIN && reader.filtered == 20 && reader.missed == 0);
	event_filter(&reader, UINT64_MAX, 1);
	CHECK(event_write(&writer, clock_mono(), EVENT_STOP, 0, 1, 0, NULL));
	CHECK(event_news(&reader) == 1 && event_next(&reader, &e) == -EAGAIN && event_news(&reader) == 0);
	note(7); /* source 1 */
	CHECK(event_next(&reader, &e) == 0 && e.a == 7 && reader.filtered == 21);
	/* what was lost is counted although what was left is not wanted */
	event_filter(&reader, UINT64_C(1) << EVENT_SAFE, PLAN_NONE);
	for (uint64_t i = 0; i < 3 * LAYOUT_EVENTS; i++)
		note(i);
	CHECK(event_next(&reader, &e) == -EAGAIN && reader.missed > LAYOUT_EVENTS);
	event_reader_close(&reader);
	event_writer_close(&writer);
	world_close(&w);
}

enum { PINGS = LAYOUT_EVENTS - 100 }; /* no reader is lapped */

static struct event_reader asleep;

static void *wait_for_each(void *unused) {
	struct event_reader *in = &asleep;
	const struct wait_set s = { .events = &in, .event_count = 1, .told = &in->generation };
	struct event e;
	(void)unused;
	for (uint64_t i = 1; i <= PINGS;) {
		int rc = event_next(in, &e);
		if (rc == -EAGAIN) {
			rc = wait_set(&s, 60 * NS_PER_S);
			CHECK(rc == 0);
			continue;
		}
		CHECK(rc == 0 && e.a == i);
		i++;
	}
	return NULL;
}

/* Nobody sleeps through a record, and nobody is called for who does not sleep. */
static void wakes_who_waits(void) {
	pthread_t t;
	fresh();
	event_reader_open(&asleep, &w.at[CAM], CAM); /* one mapping: for ThreadSanitizer */
	CHECK(pthread_create(&t, NULL, wait_for_each, NULL) == 0);
	for (uint64_t i = 1; i <= PINGS; i++) {
		note(i);
		for (volatile uint64_t k = 0; k < i % 300; k++)
			continue;
	}
	CHECK(pthread_join(t, NULL) == 0);
	uint64_t calls = counter_get(&w.at[CAM].own, COUNTER_wakes);
	note(1);
	CHECK(counter_get(&w.at[CAM].own, COUNTER_wakes) == calls);
	event_reader_close(&asleep);
	world_close(&w);
}

/* Where the plan says so, nobody who listens loses a record, and the writer is told. */
static void refuses_when_somebody_is_slow(void) {
	struct event_writer out;
	struct event_reader slow, other;
	struct event e;
	fresh_that_refuses();
	event_writer_open(&out, &w.at[CAM]);
	for (uint64_t n = 1; n <= 3 * LAYOUT_EVENTS; n++) /* nobody listens: nobody is waited for */
		CHECK(event_write(&out, clock_mono(), EVENT_DEADLINE, 0, n, 0, NULL));
	event_reader_open(&slow, &w.at[CORE], CAM);
	CHECK(event_next(&slow, &e) > 0 && e.a == 3 * LAYOUT_EVENTS - LAYOUT_EVENTS / 2 + 1);
	uint64_t there = 3 * LAYOUT_EVENTS, first = e.a, drops = out.ring->drops;
	while (event_write(&out, clock_mono(), EVENT_DEADLINE, 0, there + 1, 0, NULL))
		there++;
	CHECK(there == first + LAYOUT_EVENTS && out.ring->drops == drops + 1);
	CHECK(!event_write(&out, clock_mono(), EVENT_DEADLINE, 0, 0, 0, NULL));
	CHECK(counter_get(&w.at[CAM].own, COUNTER_event_drops) == 2);
	CHECK(event_next(&slow, &e) == 0 && e.a == first + 1); /* room for one */
	CHECK(event_write(&out, clock_mono(), EVENT_DEADLINE, 0, ++there, 0, NULL));
	CHECK(!event_write(&out, clock_mono(), EVENT_DEADLINE, 0, 0, 0, NULL));
	for (uint64_t n = first + 2; n <= there; n++)
		CHECK(event_next(&slow, &e) == 0 && e.a == n);
	CHECK(event_next(&slow, &e) == -EAGAIN && slow.missed == first - 1);
	/* one that has not looked yet holds nobody up, nor does a closed one, nor one of a dead process */
	event_reader_open(&other, &w.at[GUARD], CAM);
	event_reader_close(&slow);
	for (uint64_t n = 0; n < 3 * LAYOUT_EVENTS; n++)
		CHECK(event_write(&out, clock_mono(), EVENT_DEADLINE, 0, n, 0, NULL));
	CHECK(event_news(&other) == 1); /* and one that has looked does, though it has taken nothing */
	for (there = 0; event_write(&out, clock_mono(), EVENT_DEADLINE, 0, 0, 0, NULL); there++)
		CHECK(there < LAYOUT_EVENTS);
	CHECK(there >= LAYOUT_EVENTS / 2 && event_next(&other, &e) > 0);
	directory_set(&w.directory, GUARD, DIRECTORY_DEAD, clock_mono());
	for (uint64_t n = 0; n < 3 * LAYOUT_EVENTS; n++)
		CHECK(event_write(&out, clock_mono(), EVENT_DEADLINE, 0, n, 0, NULL));
	event_reader_close(&other);
	event_writer_close(&out);
	world_close(&w);
}

/* Who waits at an empty ring loses nothing, nor who had taken all of the life before. */
/* Who only looks whether there is something is not waited for, and goes where its reader is. */
static void a_watch_holds_nobody_up(void) {
	struct event_writer out;
	struct event_reader watch, in;
	struct event e;
	fresh_that_refuses();
	event_writer_open(&out, &w.at[CAM]);
	event_watch_open(&watch, &w.at[CORE], CAM);
	CHECK(event_news(&watch) == 0);
	for (uint64_t n = 1; n <= 3 * LAYOUT_EVENTS; n++)
		CHECK(event_write(&out, clock_mono(), EVENT_DEADLINE, 0, n, 0, NULL) && event_news(&watch) == 1);
	event_reader_open(&in, &w.at[CORE], CAM);
	while (event_next(&in, &e) >= 0)
		continue;
	CHECK(event_news(&watch) == 1);
	event_follow(&watch, &in);
	CHECK(event_news(&watch) == 0);
	event_reader_close(&watch);
	event_reader_close(&in);
	event_writer_close(&out);
	world_close(&w);
}

static void refuses_for_those_who_wait(void) {
	struct event_writer out;
	struct event_reader in;
	struct event e;
	fresh_that_refuses();
	event_writer_open(&out, &w.at[CAM]);
	event_reader_open(&in, &w.at[CORE], CAM);
	CHECK(event_next(&in, &e) == -EAGAIN);
	for (int life = 1; life <= 3; life++) {
		uint64_t there = 0;
		while (event_write(&out, clock_mono(), EVENT_DEADLINE, 0, there + 1, 0, NULL))
			there++;
		CHECK(there == LAYOUT_EVENTS);
		for (uint64_t n = 1; n <= there; n++)
			CHECK(event_next(&in, &e) == 0 && e.a == n);
		CHECK(event_next(&in, &e) == -EAGAIN && in.missed == 0);
		event_writer_close(&out);
		world_stop(&w, CAM);
		world_start(&w, CAM, true);
		event_writer_open(&out, &w.at[CAM]);
	}
	event_reader_close(&in);
	event_writer_close(&out);
	world_close(&w);
}

/* A listener whom the writer does not know is not waited for: it hears nothing until then, and then loses nothing. */
static void refuses_for_whom_it_knows(void) {
	struct event_writer out;
	struct event_reader in;
	struct event e;
	fresh_that_refuses();
	event_writer_open(&out, &w.at[CAM]);
	world_stop(&w, CORE);
	world_start(&w, CORE, false);
	CHECK(peers_replace(&w.at[CORE], CAM, w.at[CAM].own.epoch, &w.files[CAM]) == 0);
	event_reader_open(&in, &w.at[CORE], CAM);
	CHECK(event_write(&out, clock_mono(), EVENT_DEADLINE, 0, 0, 0, NULL));
	CHECK(event_next(&in, &e) == -EAGAIN && event_news(&in) == 0);
	for (uint64_t n = 0; n < 3 * LAYOUT_EVENTS; n++)
		CHECK(event_write(&out, clock_mono(), EVENT_DEADLINE, 0, n, 0, NULL));
	CHECK(event_next(&in, &e) == -EAGAIN && in.missed == 0);
	CHECK(peers_replace(&w.at[CAM], CORE, w.at[CORE].own.epoch, &w.files[CORE]) == 0);
	CHECK(event_next(&in, &e) > 0);
	uint64_t missed = in.missed, taken = 1, there = 3 * LAYOUT_EVENTS + 1;
	while (event_write(&out, clock_mono(), EVENT_DEADLINE, 0, 0, 0, NULL))
		there++;
	while (event_next(&in, &e) >= 0)
		taken++;
	CHECK(in.missed == missed && missed + taken == there);
	directory_set(&w.directory, CAM, DIRECTORY_DEAD, clock_mono()); /* nor need the dead know anybody */
	world_stop(&w, CORE);
	world_start(&w, CORE, false);
	CHECK(peers_replace(&w.at[CORE], CAM, w.at[CAM].own.epoch, &w.files[CAM]) == 0);
	event_reader_open(&in, &w.at[CORE], CAM);
	CHECK(event_next(&in, &e) > 0);
	event_reader_close(&in);
	event_writer_close(&out);
	world_close(&w);
}

int main(void) {
	carries_records_in_order();
	counts_what_a_slow_reader_missed();
	cuts_text_on_a_character();
	begins_anew_with_a_new_epoch();
	drops_and_counts_when_the_ring_is_busy();
	waits_for_who_waits_for_its_processor();
	survives_a_ring_that_lies();
	holds_when_all_run();
	takes_only_what_is_wanted();
	wakes_who_waits();
	refuses_when_somebody_is_slow();
	a_watch_holds_nobody_up();
	refuses_for_those_who_wait();
	refuses_for_whom_it_knows();
	puts("event_test: ok");
}
