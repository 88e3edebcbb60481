/* event_merge_test.c - one row of several rings, in which nobody is forgotten, whatever the others write. */
#include "store/event_merge.h"

#include <errno.h>
#include <stdio.h>
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

static void note(uint16_t process, int64_t at) {
	CHECK(event_write(&writers[process], (struct cdm_mono){ at }, EVENT_DEADLINE, 1, (uint64_t)at, 0, NULL));
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
	counts_what_was_missed();
	nobody_is_always_first();
	tells_of_a_ring_that_lies_when_it_has_the_time();
	puts("event_merge_test: ok");
}
