/*
 * client_quiet_test.c - what programs do with samples, events and counts by the public calls: while nobody sleeps for
 * it, none makes a system call, allocates, or takes a lock.
 *
 * Each row of `acts` runs in a child, with a machine of its own: see test/lib/quiet.h.  Rows that do one of them on
 * purpose are seen to be counted.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>
#include "base/clock.h"
#include "client/client_priv.h"
#include "client/local_testing.h"
#include "store/desk.h"
#include "test/lib/plan_builder.h"
#include "test/lib/quiet.h"
#include "test/lib/watched.h"

enum { CORE, GUARD, CAM, THINKER, CLIENT, QUOTA = 8, WORDS = 1000, ROUNDS = 200 };

static struct plan *plan;
static struct cdm_machine *camera, *thinker, *client;
static struct cdm_writer *level, *frame, *thought;
static struct cdm_group *pair;
static struct cdm_reader *of_level, *of_frame, *of_left, *of_right, *source;
static struct cdm_events *of_thinker, *of_all;
static uint64_t words[WORDS];
static struct cdm_info info;

static void make_plan(void) {
	static struct plan_builder b;
	const uint64_t all = 1u << THINKER | 1u << CLIENT;
	plan_builder_begin(&b, "robot");
	CHECK(plan_builder_process(&b, "camera", PLAN_HOST, 4) == CAM);
	CHECK(plan_builder_process(&b, "thinker", PLAN_WORKER, 4) == THINKER);
	CHECK(plan_builder_process(&b, "client_0", PLAN_CLIENT, QUOTA) == CLIENT);
	plan_builder_field(&b, "level", CDM_U64, 1, 8, 2, CAM, all);
	uint16_t large = plan_builder_field(&b, "frame", CDM_U64, WORDS, 8, 4, CAM, all);
	uint16_t left = plan_builder_field(&b, "left", CDM_U64, 1, 8, 2, CAM, all);
	uint16_t right = plan_builder_field(&b, "right", CDM_U64, WORDS, 8, 2, CAM, all);
	uint16_t made = plan_builder_field(&b, "thought", CDM_U64, 1, 8, 0, THINKER, all);
	b.fields[left].group = b.fields[right].group = left;
	b.fields[large].max_age_ns = 1; /* so that readers ask for the time, too */
	b.fields[made].derived = 1;
	b.processes[THINKER].event_overflow = PLAN_REFUSE; /* its events look at who listens */
	plan = plan_builder_finish(&b);
}

static void commit(void) {
	void *out[2];
	CHECK(cdm_group_loan(pair, out) == 0 && cdm_group_publish(pair, NULL, NULL) > 0);
}

static void write_all(void) {
	words[0]++;
	CHECK(cdm_write(level, words, 8, NULL) > 0 && cdm_write(frame, words, sizeof(words), NULL) > 0);
	commit();
}

/* Everybody is here and everything open, and something is in each field. */
static void open_all(void) {
	struct cdm_local *l;
	CHECK(cdm_local_open(plan, plan->bytes, &l, NULL) == 0);
	camera = be(l, "camera");
	thinker = be(l, "thinker");
	client = be(l, NULL);
	CHECK(cdm_writer_open(camera, "level", &level) == 0 && cdm_writer_open(camera, "frame", &frame) == 0);
	CHECK(cdm_group_open(camera, "left", &pair) == 0 && cdm_writer_open(thinker, "thought", &thought) == 0);
	CHECK(cdm_open(client, "level", &of_level) == 0 && cdm_open(client, "frame", &of_frame) == 0);
	CHECK(cdm_open(client, "left", &of_left) == 0 && cdm_open(client, "right", &of_right) == 0);
	CHECK(cdm_open(thinker, "level", &source) == 0 && cdm_derive(thought, source) == 0);
	CHECK(cdm_events_open(client, "thinker", &of_thinker) == 0 && cdm_events_open(client, NULL, &of_all) == 0);
	write_all();
	/* A process of its own, as it is by cdm_attach(), has a thread that looks after what is given back. */
	camera->is_local = thinker->is_local = client->is_local = false;
}

/* ---- what is quiet ------------------------------------------------------------------------------- */

static void write_one(void) {
	const struct cdm_meta said = { .trust = 0.5f, .status = CDM_DEGRADED };
	CHECK(cdm_write(level, words, 8, NULL) > 0 && cdm_write(frame, words, sizeof(words), &said) > 0);
	CHECK(cdm_write(level, words, 9, NULL) == -EINVAL);
}

static void lend(void) {
	CHECK(cdm_loan(level) && cdm_publish(level, 8, NULL) > 0);
	CHECK(cdm_loan(frame) && cdm_publish(frame, sizeof(words), NULL) > 0);
	CHECK(cdm_loan(frame));
	cdm_abandon(frame);
}

static void commit_and_abandon(void) {
	void *out[2];
	commit();
	CHECK(cdm_group_loan(pair, out) == 0);
	cdm_group_abandon(pair);
}

static void copy_from(struct cdm_reader *r) {
	CHECK(cdm_peek(r, &info) == 0 && cdm_next(r, words, sizeof(words), &info) == 0);
	CHECK(cdm_read(r, words, sizeof(words), &info) == 0);
	CHECK(cdm_read_at(r, info.source_time, words, sizeof(words), &info) == 0);
	CHECK(cdm_read_version(r, info.version, words, sizeof(words), &info) == 0);
}

static void copy_in_vain(struct cdm_reader *r) {
	CHECK(cdm_next(r, words, sizeof(words), &info) == -EAGAIN && cdm_read(r, words, 1, &info) == -E2BIG);
	CHECK(cdm_read_at(r, (struct cdm_mono){ 1 }, words, sizeof(words), &info) == -EAGAIN);
	CHECK(cdm_read_version(r, info.version + 9, words, sizeof(words), &info) == -EAGAIN);
}

static void copy(void) {
	write_all();
	copy_from(of_level);
	copy_from(of_frame);
	copy_from(of_right);
	copy_in_vain(of_level);
	copy_in_vain(of_frame);
	write_all();
	CHECK(cdm_wait(of_level, 0) == 0 && cdm_wait_any((struct cdm_reader *[]){ of_left, of_right }, 2, -1) >= 0);
	cdm_skip(of_level);
	cdm_skip(of_frame);
	cdm_skip(of_right);
	CHECK(cdm_missed(of_level) == 0);
}

static void borrow_from(struct cdm_reader *r) {
	struct cdm_sample s[2], none;
	CHECK(cdm_lease_next(r, &s[0]) == 0 && cdm_lease(r, &s[1]) == 0 && cdm_lease_next(r, &none) == -EAGAIN);
	cdm_release(&s[0]);
	cdm_release(&s[1]);
}

static void borrow(void) {
	write_all();
	borrow_from(of_level);
	borrow_from(of_frame);
	borrow_from(of_right);
}

/* More than there are words for. */
static void borrow_too_much(void) {
	struct cdm_sample s[QUOTA], none;
	for (int i = 0; i < QUOTA; i++)
		CHECK(cdm_lease(of_frame, &s[i]) == 0);
	CHECK(cdm_lease(of_frame, &none) == -EBUSY);
	for (int i = 0; i < QUOTA; i++)
		cdm_release(&s[i]);
}

static void view(bool borrowed) {
	void *out = borrowed ? NULL : words;
	struct cdm_view_part parts[] = { { .reader = of_level, .out = out, .capacity = 8 },
		{ .reader = of_left, .out = out, .capacity = 8 },
		{ .reader = of_right, .out = out, .capacity = sizeof(words) } };
	struct cdm_view_refusal why;
	write_all();
	CHECK(cdm_view(parts, 3, NULL, NULL) == 0);
	for (int i = 0; i < 3; i++)
		cdm_release(&parts[i].sample);
	CHECK(cdm_view(parts, 3, &(struct cdm_view_terms){ .min_trust = 2 }, &why) == -ESTALE);
}

static void view_copied(void) {
	view(false);
}

static void view_borrowed(void) {
	view(true);
}

static void tell(void) {
	struct cdm_event e;
	CHECK(cdm_note(thinker, 1, 2, "seen") == 0 && cdm_note(camera, 3, 4, NULL) == 0);
	CHECK(cdm_events_next(of_thinker, &e) == 0 && cdm_events_next(of_thinker, &e) == -EAGAIN);
	CHECK(cdm_events_next(of_all, &e) == 0 && cdm_events_wait(of_all, 0) == 0);
	cdm_events_filter(of_all, UINT64_C(1) << e.kind, CDM_NO_INDEX);
	cdm_events_skip(of_all);
	CHECK(cdm_events_missed(of_all) == 0);
}

static void count(void) {
	struct cdm_tally t;
	struct cdm_error error;
	struct cdm_field_counts counts;
	struct cdm_process p;
	uint64_t n;
	cdm_report(camera, "cannot see %s", "cannot see the moon");
	for (uint32_t i = 0; cdm_tally_at(client, CAM, i, &t) == 0; i++)
		CHECK(t.doing == CDM_WRITES);
	CHECK(cdm_counter(client, CAM, 0, &n) == 0 && cdm_process_at(client, CAM, &p) == 0);
	CHECK(cdm_error_at(client, CAM, 0, &error) == 0 && cdm_field_counts(client, 0, &counts) == 0);
}

static void describe(void) {
	struct cdm_field f;
	CHECK(cdm_find(client, "frame", &f) == 0 && cdm_expect(client, "frame", "u64[1000]", NULL) == 0);
	CHECK(cdm_peek(of_frame, &info) == 0 && cdm_left(&f, &info, info.publish_time) == 1.0);
	CHECK(cdm_machine_alive(client) == 1 && cdm_entity_name(client, info.source));
}

static void derive(void) {
	write_all();
	CHECK(cdm_read(source, words, 8, NULL) == 0 && cdm_write(thought, words, 8, NULL) > 0);
}

/* ---- what is not --------------------------------------------------------------------------------- */

static void ask_the_kernel(void) {
	syscall(SYS_getppid);
}

static void allocate(void) {
	void *volatile p = malloc(1); /* or the compiler leaves both out */
	free(p);
}

static void open_and_close(void) {
	struct cdm_reader *r;
	CHECK(cdm_open(client, "level", &r) == 0);
	cdm_close(r);
}

static void lock(void) {
	static pthread_mutex_t m = PTHREAD_MUTEX_INITIALIZER;
	pthread_mutex_lock(&m);
	pthread_mutex_unlock(&m);
}

/* As somebody who sleeps for it has it in his desk. */
static void wake(void) {
	desk_wait_begin(&client->seat.peers, 0);
	CHECK(cdm_write(level, words, 8, NULL) > 0);
	desk_wait_end(&client->seat.peers, 0);
}

static void wake_listener(void) {
	desk_wait_begin(&client->seat.peers, desk_events_of(client->seat.plan, CAM));
	CHECK(cdm_note(camera, 1, 2, NULL) == 0);
	desk_wait_end(&client->seat.peers, desk_events_of(client->seat.plan, CAM));
}

static void wait_for_more(void) {
	cdm_skip(of_level);
	CHECK(cdm_wait(of_level, NS_PER_S / 1000) == -ETIMEDOUT);
}

static struct act {
	const char *name;
	void (*what)(void);
	unsigned expected;
} acts[] = {
	{ "write", write_one, QUIET },
	{ "loan and publish", lend, QUIET },
	{ "a group", commit_and_abandon, QUIET },
	{ "copy", copy, QUIET },
	{ "borrow", borrow, QUIET },
	{ "borrow too much", borrow_too_much, QUIET },
	{ "a view, copied", view_copied, QUIET },
	{ "a view, borrowed", view_borrowed, QUIET },
	{ "events", tell, QUIET },
	{ "counts", count, QUIET },
	{ "descriptions", describe, QUIET },
	{ "a derived sample", derive, QUIET },
	{ "a system call", ask_the_kernel, CALLS },
	{ "an allocation", allocate, ALLOCATES },
	{ "a lock", lock, LOCKS },
	{ "opening", open_and_close, ALLOCATES },
	{ "write, and somebody sleeps", wake, CALLS },
	{ "note, and somebody sleeps", wake_listener, CALLS },
	{ "sleep", wait_for_more, CALLS },
};

static void get_ready(void *of) {
	const struct act *a = of;
	open_all();
	if (a->expected != QUIET)
		a->what(); /* then a sanitizer's allocator has asked the kernel for what it needs */
}

static void act(void *of) {
	const struct act *a = of;
	for (int i = 0; i < (a->expected == QUIET ? ROUNDS : 1); i++)
		a->what();
}

int main(void) {
	unsigned wrong = 0;
	if (IS_WATCHED) {
		puts("skipped: ThreadSanitizer itself makes system calls");
		return 77;
	}
	make_plan();
	for (size_t i = 0; i < COUNT_OF(acts); i++) {
		unsigned what = quiet_seen(get_ready, act, &acts[i]);
		if (what == acts[i].expected)
			continue;
		wrong++;
		fprintf(stderr, "%s:%s%s%s%s\n", acts[i].name, what & CALLS ? " calls the system" : "",
				what & ALLOCATES ? " allocates" : "", what & LOCKS ? " locks" : "",
				what ? "" : " is not seen");
	}
	plan_free(plan);
	CHECK(wrong == 0);
	puts("client_quiet_test: ok");
	return 0;
}
