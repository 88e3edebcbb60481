/* event_merge_test.c - one row of several rings, in which nobody is forgotten, whatever the others write. */
#include "store/event_merge.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include "base/clock.h"
#include "test/lib/world.h"

enum { CORE, GUARD, CAM, EAR };

static struct world w;
static struct event_writer writers[EAR + 1];
static struct event_merge all;

static void fresh(void) {
	static struct plan_builder b;
	plan_builder_begin(&b, "robot");
	CHECK(plan_builder_process(&b, "camera", PLAN_HOST, 0) == CAM);
	CHECK(plan_builder_process(&b, "ear", PLAN_HOST, 0) == EAR);
	world_open(&w, &b);
	for (uint16_t p = 0; p <= EAR; p++)
		event_writer_open(&writers[p], &w.at[p]);
	event_merge_open(&all, &w.at[CORE], 0, EAR + 1);
}

static void end(void) {
	event_merge_close(&all);
	for (uint16_t p = 0; p <= EAR; p++)
		event_writer_close(&writers[p]);
	world_close(&w);
}

static void tell(uint16_t process, int64_t at, enum event_kind kind) {
	CHECK(event_write(&writers[process], (struct cdm_mono){ at }, kind, 1, (uint64_t)at, 0, NULL));
}

static void note(uint16_t process, int64_t at) {
	tell(process, at, EVENT_DEADLINE);
}

/* Whose is the next? */
static int next(uint64_t *a) {
	struct event_source *s;
	int rc = event_merge_next(&all, &s);
	if (rc < 0)
		return rc;
	*a = s->event.a;
	return s->reader.process;
}

static void goes_by_time(void) {
	uint64_t a = 0;
	fresh();
	CHECK(next(&a) == -EAGAIN && event_merge_wait(&all, NULL, 0) == -ETIMEDOUT);
	note(CAM, 10);
	note(EAR, 5);
	note(CAM, 7); /* in its own order, whatever it says of the time */
	note(EAR, 11);
	CHECK(event_merge_wait(&all, NULL, -1) == 0);
	CHECK(next(&a) == EAR && a == 5);
	CHECK(next(&a) == CAM && a == 10);
	CHECK(event_merge_wait(&all, NULL, 0) == 0); /* what is in hand is no news of a ring */
	CHECK(next(&a) == CAM && a == 7);
	CHECK(next(&a) == EAR && a == 11);
	CHECK(next(&a) == -EAGAIN);
	end();
}

static void skips_what_is_in_hand(void) {
	uint64_t a = 0;
	fresh();
	note(CAM, 1);
	note(EAR, 2);
	CHECK(next(&a) == CAM);
	event_merge_skip(&all);
	CHECK(next(&a) == -EAGAIN && event_merge_missed(&all) == 0);
	end();
}

/* A filter is for all that is given out after it, also for what was in hand already. */
static void filters_what_is_in_hand(void) {
	uint64_t a = 0;
	struct event_source *s;
	fresh();
	tell(CAM, 1, EVENT_NOTED);
	for (int64_t i = 0; i < 3 * (int64_t)LAYOUT_EVENTS; i++)
		tell(EAR, 2 + i, EVENT_NOTED);
	CHECK(next(&a) == CAM && a == 1); /* which took one of the other's in hand, behind a gap */
	uint64_t missed = event_merge_missed(&all);
	CHECK(missed > 0);
	event_merge_filter(&all, UINT64_C(1) << EVENT_STOP, PLAN_NONE);
	CHECK(next(&a) == -EAGAIN);
	tell(EAR, 1000000, EVENT_STOP);
	CHECK(event_merge_next(&all, &s) == 0 && s->event.kind == EVENT_STOP && (uint64_t)s->missed == missed);
	CHECK(s->reader.filtered == 3 * LAYOUT_EVENTS - missed && event_merge_missed(&all) == missed);
	end();
}

static void *writes_soon(void *unused) {
	(void)unused;
	for (int64_t i = 0; i < 3 * (int64_t)LAYOUT_EVENTS; i++)
		tell(CAM, i, EVENT_NOTED);
	tell(EAR, 7, EVENT_STOP);
	return NULL;
}

static void sleeps_until_one_is_wanted(void) {
	uint64_t a = 0;
	pthread_t t;
	fresh();
	event_merge_filter(&all, UINT64_C(1) << EVENT_STOP, PLAN_NONE);
	tell(CAM, 1, EVENT_NOTED);
	CHECK(event_merge_wait(&all, NULL, 0) == -ETIMEDOUT);
	tell(CAM, 2, EVENT_NOTED);
	CHECK(event_merge_wait(&all, NULL, NS_PER_MS) == -ETIMEDOUT);
	CHECK(pthread_create(&t, NULL, writes_soon, NULL) == 0);
	CHECK(event_merge_wait(&all, NULL, -1) == 0 && next(&a) == EAR && a == 7);
	CHECK(pthread_join(t, NULL) == 0);
	end();
}

static void tells_a_sleeper_of_a_ring_that_lies(void) {
	uint64_t a = 0;
	struct event_source *s;
	fresh();
	tell(CAM, 1, EVENT_NOTED);
	CHECK(next(&a) == CAM);
	writers[CAM].ring->head = 0;
	CHECK(event_merge_wait(&all, NULL, -1) == 0);
	CHECK(event_merge_next(&all, &s) == -EPROTO && s->reader.process == CAM);
	CHECK(event_merge_wait(&all, NULL, 0) == -ETIMEDOUT);
	end();
}

static void counts_what_was_missed(void) {
	uint64_t a = 0;
	fresh();
	for (int64_t i = 0; i < 3 * (int64_t)LAYOUT_EVENTS; i++)
		note(CAM, i);
	struct event_source *s;
	CHECK(event_merge_next(&all, &s) == 0 && s->missed > 0 && event_merge_missed(&all) == (uint64_t)s->missed);
	CHECK(next(&a) == CAM && event_merge_missed(&all) == (uint64_t)s->reader.missed);
	end();
}

/* Times are words of those who write. */
static void nobody_is_always_first(void) {
	uint64_t a = 0;
	int of_camera = 0;
	fresh();
	note(EAR, 1000000);
	note(CAM, 0);
	while (next(&a) == CAM) {
		note(CAM, 0);
		CHECK(++of_camera < 1000);
	}
	CHECK(a == 1000000 && of_camera > 1);
	end();
}

static void tells_of_a_ring_that_lies_when_it_has_the_time(void) {
	uint64_t a = 0;
	struct event_source *s;
	fresh();
	note(CAM, 1);
	CHECK(next(&a) == CAM);
	writers[CAM].ring->head = 0; /* it goes back */
	note(EAR, 2);
	CHECK(next(&a) == EAR);
	CHECK(event_merge_next(&all, &s) == -EPROTO && s->reader.process == CAM);
	CHECK(event_merge_next(&all, &s) == -EAGAIN); /* said once */
	end();
}

int main(void) {
	goes_by_time();
	skips_what_is_in_hand();
	filters_what_is_in_hand();
	sleeps_until_one_is_wanted();
	tells_a_sleeper_of_a_ring_that_lies();
	counts_what_was_missed();
	nobody_is_always_first();
	tells_of_a_ring_that_lies_when_it_has_the_time();
	puts("event_merge_test: ok");
}
