/*
 * wait_test.c - nobody sleeps through a sample, and nobody is woken for nothing.
 *
 * No test here relies on time: a wake-up that is lost shows as a wait that ends with -ETIMEDOUT after a
 * minute, and everything else ends when it has happened.
 */
#include "store/wait.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include "test/lib/world.h"

enum { CORE, GUARD, LEFT, RIGHT, ROUNDS = 5000, MANY = 100 };

#define MINUTE (60 * NS_PER_S)

static uint16_t ping, pong, many[MANY], large, lent, huge;
static struct world w;

static void fresh(bool plain) {
	static struct plan_builder b;
	plan_builder_begin(&b, "robot");
	CHECK(plan_builder_process(&b, "left", PLAN_HOST, 2) == LEFT);
	CHECK(plan_builder_process(&b, "right", PLAN_WORKER, 2) == RIGHT);
	ping = plan_builder_field(&b, "ping", CDM_U64, 1, 4, 0, LEFT, 1u << RIGHT);
	pong = plan_builder_field(&b, "pong", CDM_U64, 1, 4, 0, RIGHT, 1u << LEFT);
	large = plan_builder_field(&b, "large", CDM_U64, 1, 4, 0, LEFT, 1u << RIGHT);
	lent = plan_builder_field(&b, "lent", CDM_U64, 1, 4, 2, LEFT, 1u << RIGHT);
	huge = plan_builder_field(&b, "huge", CDM_U64, 1000, 4, 2, LEFT, 1u << RIGHT);
	for (int i = 0; i < MANY; i++) {
		char name[CDM_NAME_MAX];
		snprintf(name, sizeof(name), "many%d", i);
		many[i] = plan_builder_field(&b, name, CDM_U64, 1, 3, 0, LEFT, 1u << RIGHT);
	}
	world_open(&w, &b);
	w.at[LEFT].plain_futex = w.at[RIGHT].plain_futex = plain;
}

static void put(struct field_writer *f, uint64_t value) {
	struct field_meta m = field_meta_of(0);
	CHECK(field_write(f, &value, sizeof(value), &m, clock_mono()) == 0);
}

/* Wait for the next value; replacements and interrupts are not meant here. */
static uint64_t get(struct field *f) {
	uint64_t v;
	CHECK(wait_field(f, MINUTE) == 0);
	CHECK(field_next(f, &v, sizeof(v), clock_mono(), NULL) == 0);
	return v;
}

static void *play_right(void *unused) {
	struct field_writer out;
	struct field in;
	(void)unused;
	CHECK(field_writer_open(&out, &w.at[RIGHT], pong) == 0);
	CHECK(field_open(&in, &w.at[RIGHT], ping) == 0);
	for (uint64_t i = 1; i <= ROUNDS; i++) {
		CHECK(get(&in) == i);
		put(&out, i);
	}
	return NULL;
}

/* Each side can only go on when it was woken by the other: one lost wake-up ends it. */
static void loses_no_wake_up(bool plain) {
	pthread_t t;
	struct field_writer out;
	struct field in;
	fresh(plain);
	CHECK(field_writer_open(&out, &w.at[LEFT], ping) == 0);
	CHECK(field_open(&in, &w.at[LEFT], pong) == 0);
	CHECK(pthread_create(&t, NULL, play_right, NULL) == 0);
	for (uint64_t i = 1; i <= ROUNDS; i++) {
		put(&out, i);
		CHECK(get(&in) == i);
	}
	CHECK(pthread_join(t, NULL) == 0);
	CHECK(out.wakes <= ROUNDS);
	world_close(&w);
}

static void publishes_without_system_calls_when_nobody_waits(void) {
	struct field_writer out;
	struct field in;
	fresh(false);
	CHECK(field_writer_open(&out, &w.at[LEFT], ping) == 0);
	CHECK(field_open(&in, &w.at[RIGHT], ping) == 0);
	for (uint64_t i = 1; i <= 10000; i++) {
		put(&out, i);
		CHECK(wait_field(&in, MINUTE) == 0); /* it is there: no sleep */
		field_skip(&in);
	}
	CHECK(out.wakes == 0 && counter_get(&w.at[LEFT].own, COUNTER_wakes) == 0);
	CHECK(counter_get(&w.at[RIGHT].own, COUNTER_waits) == 0);
	desk_wait_begin(&w.at[RIGHT], ping); /* as a sleeper does */
	put(&out, 0);
	CHECK(out.wakes == 1);
	desk_wait_begin(&w.at[RIGHT], large); /* somebody who waits for something else */
	desk_wait_end(&w.at[RIGHT], ping);
	put(&out, 0);
	CHECK(out.wakes == 1);
	directory_set(&w.directory, RIGHT, DIRECTORY_DEAD, clock_mono()); /* the dead do not wait */
	desk_wait_begin(&w.at[RIGHT], ping);
	put(&out, 0);
	CHECK(out.wakes == 1);
	desk_wait_end(&w.at[RIGHT], ping);
	desk_wait_end(&w.at[RIGHT], large);
	world_close(&w);
}

static void ends_in_time(bool plain) {
	struct field in;
	fresh(plain);
	CHECK(field_open(&in, &w.at[RIGHT], ping) == 0);
	in.generation = w.at[RIGHT].generation;
	CHECK(wait_field(&in, 0) == -ETIMEDOUT);
	CHECK(wait_field(&in, 1) == -ETIMEDOUT);
	int64_t begin = clock_mono().ns;
	CHECK(wait_field(&in, 5 * NS_PER_MS) == -ETIMEDOUT);
	CHECK(clock_mono().ns - begin >= 5 * NS_PER_MS);
	CHECK(counter_get(&w.at[RIGHT].own, COUNTER_timeouts) == 2);
	world_close(&w);
}

static void *wake_one_of_many(void *which) {
	struct field_writer out;
	CHECK(field_writer_open(&out, &w.at[LEFT], *(uint16_t *)which) == 0);
	put(&out, 7);
	return NULL;
}

static void waits_for_any_of_many(bool plain) {
	static struct field fields[MANY];
	struct field *in[WAIT_FIELDS_MAX + 1];
	pthread_t t;
	fresh(plain);
	for (unsigned i = 0; i < MANY; i++) {
		CHECK(field_open(&fields[i], &w.at[RIGHT], many[i]) == 0);
		in[i] = &fields[i];
	}
	for (unsigned i = 0; i < MANY; i++) {
		CHECK(pthread_create(&t, NULL, wake_one_of_many, &many[i]) == 0);
		CHECK(wait_any(in, MANY, MINUTE) == (int)i);
		field_skip(in[i]);
		CHECK(pthread_join(t, NULL) == 0);
	}
	CHECK(wait_any(in, MANY, 0) == -ETIMEDOUT);
	for (unsigned i = MANY; i <= WAIT_FIELDS_MAX; i++)
		in[i] = &fields[0];
	CHECK(wait_any(in, WAIT_FIELDS_MAX, 0) == -ETIMEDOUT);
	CHECK(wait_any(in, WAIT_FIELDS_MAX + 1, 0) == -E2BIG);
	for (unsigned i = 0; i < LAYOUT_WAITS; i++) /* nobody is left counted in */
		CHECK(desk_waits(&w.at[RIGHT], (uint16_t)(i % w.plan->fields.count)) == 0);
	world_close(&w);
}

/* Memory that is not what it must be is told of, but keeps nobody from hearing of the others. */
static void hears_of_the_honest_beside_a_liar(void) {
	struct field_writer liar, honest;
	struct field first, second, *in[] = { &first, &second };
	struct cdm_info info;
	fresh(false);
	CHECK(field_writer_open(&liar, &w.at[LEFT], many[0]) == 0);
	CHECK(field_writer_open(&honest, &w.at[LEFT], many[1]) == 0);
	CHECK(field_open(&first, &w.at[RIGHT], many[0]) == 0 && field_open(&second, &w.at[RIGHT], many[1]) == 0);
	*liar.ring.head = UINT64_C(99) << 32 | 5; /* there is no such slot */
	CHECK(wait_any(in, 2, MINUTE) == -EPROTO);
	put(&honest, 1);
	CHECK(wait_any(in, 2, MINUTE) == 1);
	field_skip(&second);
	CHECK(wait_any(in, 2, MINUTE) == -EPROTO && field_peek(&first, clock_mono(), &info) == -EPROTO);
	world_close(&w);
}

static bool quit;

static void *sleep_until_told(void *which) {
	struct field *in = which;
	int rc = 0;
	while (!__atomic_load_n(&quit, __ATOMIC_SEQ_CST)) {
		rc = wait_field(in, MINUTE);
		CHECK(rc == -ECANCELED || rc == 0);
		if (rc == 0)
			field_skip(in);
	}
	return NULL;
}

/* A flag, then an interrupt: whatever the moment, the sleeper sees it. */
static void can_be_interrupted(bool plain) {
	struct field in;
	pthread_t t;
	fresh(plain);
	CHECK(field_open(&in, &w.at[RIGHT], ping) == 0);
	for (int i = 0; i < 500; i++) {
		quit = false;
		CHECK(pthread_create(&t, NULL, sleep_until_told, &in) == 0);
		for (volatile int k = 0; k < i * 100; k++)
			;
		__atomic_store_n(&quit, true, __ATOMIC_SEQ_CST);
		peers_interrupt(&w.at[RIGHT]);
		CHECK(pthread_join(t, NULL) == 0);
	}
	world_close(&w);
}

static void *wait_for_next_life(void *which) {
	struct field *in = which;
	uint64_t v;
	int rc;
	while ((rc = wait_field(in, MINUTE)) == -ECANCELED || rc == -EOWNERDEAD)
		;
	CHECK(rc == 0 && field_next(in, &v, sizeof(v), clock_mono(), NULL) >= 0 && v == 99);
	return NULL;
}

/* A writer dies and comes back elsewhere: sleepers move over to its new memory. */
static void follows_a_writer_into_its_next_life(void) {
	struct field in;
	struct field_writer out;
	pthread_t t;
	fresh(false);
	CHECK(field_open(&in, &w.at[RIGHT], ping) == 0);
	CHECK(field_writer_open(&out, &w.at[LEFT], ping) == 0);
	put(&out, 1);
	field_skip(&in);
	for (int life = 0; life < 50; life++) {
		CHECK(pthread_create(&t, NULL, wait_for_next_life, &in) == 0);
		world_stop(&w, LEFT);
		world_start(&w, LEFT, true);
		CHECK(field_writer_open(&out, &w.at[LEFT], ping) == 0);
		put(&out, 99);
		CHECK(pthread_join(t, NULL) == 0);
	}
	world_close(&w);
}

static void *wait_for_death(void *which) {
	struct field *in = which;
	int rc = wait_field(in, MINUTE);
	CHECK(rc == -EOWNERDEAD);
	return NULL;
}

/* A sleeper hears that nothing more will come, once; what came before is heard first. */
static void tells_of_a_death(void) {
	static const enum directory_state over[] = { DIRECTORY_DEAD, DIRECTORY_STOPPED };
	struct field in;
	struct field_writer out;
	struct cdm_info info;
	pthread_t t;
	fresh(false);
	CHECK(field_open(&in, &w.at[RIGHT], ping) == 0);
	for (int life = 0; life < 50; life++) {
		CHECK(field_writer_open(&out, &w.at[LEFT], ping) == 0);
		put(&out, 1);
		field_skip(&in);
		CHECK(pthread_create(&t, NULL, wait_for_death, &in) == 0);
		while (desk_waits(&w.at[RIGHT], ping) == 0)
			sched_yield();
		for (int k = 0; k < life; k++)
			sched_yield();
		directory_set(&w.directory, LEFT, over[life % 2], clock_mono());
		CHECK(pthread_join(t, NULL) == 0);
		CHECK(wait_field(&in, 0) == -ETIMEDOUT && wait_field(&in, NS_PER_MS) == -ETIMEDOUT);
		CHECK(field_peek(&in, clock_mono(), &info) == 0 && info.status == CDM_ORPHAN);
		world_stop(&w, LEFT);
		world_start(&w, LEFT, true);
		CHECK(wait_field(&in, NS_PER_MS) == -ECANCELED);
	}
	CHECK(field_writer_open(&out, &w.at[LEFT], ping) == 0);
	put(&out, 1);
	directory_set(&w.directory, LEFT, DIRECTORY_DEAD, clock_mono());
	CHECK(wait_field(&in, MINUTE) == 0 && field_read(&in, &(uint64_t){ 0 }, 8, clock_mono(), NULL) == 0);
	CHECK(wait_field(&in, MINUTE) == -EOWNERDEAD);
	world_close(&w);
}

/* Before the writer has heard of us it does not wake us: we look for ourselves. */
/* Whoever wants to borrow and cannot yet, sleeps until he can, and does not turn in circles. */
static void waits_until_it_may_borrow(void) {
	struct field in, watch, copied;
	struct field_lease l;
	struct field_writer out, out_huge;
	uint64_t v;
	fresh(false);
	world_stop(&w, RIGHT);
	world_start(&w, RIGHT, false);
	CHECK(peers_replace(&w.at[RIGHT], LEFT, 1, &w.files[LEFT]) == 0);
	CHECK(field_open(&in, &w.at[RIGHT], lent) == 0);
	CHECK(field_writer_open(&out, &w.at[LEFT], lent) == 0);
	put(&out, 7);
	CHECK(wait_field(&in, 0) == 0);
	CHECK(field_lease(&in, clock_mono(), &l) == -EAGAIN);
	CHECK(wait_field(&in, 0) == -ETIMEDOUT && wait_field(&in, 5 * NS_PER_MS) == -ETIMEDOUT);
	CHECK(field_watch_open(&watch, &w.at[RIGHT], lent) == 0); /* who sleeps for it sleeps as well */
	field_follow(&watch, &in);
	CHECK(field_news(&watch) == 0);
	field_close(&watch);
	CHECK(field_open(&copied, &w.at[RIGHT], huge) == 0); /* and who copies need not */
	CHECK(field_writer_open(&out_huge, &w.at[LEFT], huge) == 0);
	put(&out_huge, 9);
	CHECK(field_read_version(&copied, 1, &v, sizeof(v), clock_mono(), NULL) == 0 && v == 9);
	CHECK(wait_field(&copied, 0) == 0);
	field_close(&copied);
	CHECK(peers_replace(&w.at[LEFT], RIGHT, 2, &w.files[RIGHT]) == 0);
	CHECK(wait_field(&in, MINUTE) == 0 && field_lease(&in, clock_mono(), &l) == 0);
	field_release(&l);
	put(&out, 8);
	CHECK(wait_field(&in, MINUTE) == 0 && field_read(&in, &v, sizeof(v), clock_mono(), NULL) == 0 && v == 8);
	world_close(&w);
}

static void needs_no_acquaintance(void) {
	struct field in;
	struct field_writer out;
	pthread_t t;
	fresh(false);
	world_stop(&w, RIGHT);
	world_start(&w, RIGHT, false);
	CHECK(peers_replace(&w.at[RIGHT], LEFT, 1, &w.files[LEFT]) == 0);
	CHECK(field_open(&in, &w.at[RIGHT], ping) == 0);
	CHECK(field_writer_open(&out, &w.at[LEFT], ping) == 0);
	for (int i = 0; i < 20; i++) {
		CHECK(pthread_create(&t, NULL, wait_for_next_life, &in) == 0);
		while (desk_waits(&w.at[RIGHT], ping) == 0) /* counted in, and about to fall asleep */
			sched_yield();
		for (int k = 0; k < 100; k++)
			sched_yield();
		put(&out, 99);
		CHECK(pthread_join(t, NULL) == 0);
	}
	CHECK(out.wakes == 0);
	world_close(&w);
}

int main(void) {
	for (int plain = 0; plain < 2; plain++) {
		loses_no_wake_up(plain);
		ends_in_time(plain);
		waits_for_any_of_many(plain);
		can_be_interrupted(plain);
	}
	hears_of_the_honest_beside_a_liar();
	publishes_without_system_calls_when_nobody_waits();
	follows_a_writer_into_its_next_life();
	tells_of_a_death();
	waits_until_it_may_borrow();
	needs_no_acquaintance();
	puts("wait_test: ok");
}
