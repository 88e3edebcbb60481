/* queue_test.c - order, bounds, wrapping, and both threads at once (run under ThreadSanitizer). */
#include "journal/queue_priv.h"

#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include "journal/journal_testing.h"

enum { CAPACITY = 64 << 10, MANY = 20000 };

static struct queue q;
static uint8_t body[CAPACITY];

static size_t need_of(size_t bytes) {
	struct journal_entry e = { .body = body, .body_bytes = bytes };
	return queue_need(&q, &e, 1);
}

/* Push one batch whose body is `bytes` long and filled with its ticket's low byte. */
static bool push(uint64_t ticket, size_t bytes, bool urgent, bool *wake) {
	struct batch *b = queue_reserve(&q, need_of(bytes));
	if (!b)
		return false;
	b->ticket = ticket;
	b->count = 1;
	b->records[0].body = memset(&b->records[1], (int)(ticket & 0xff), bytes);
	b->records[0].body_bytes = (uint32_t)bytes;
	*wake = queue_push(&q, b, urgent);
	return true;
}

static void check_batch(const struct batch *b, uint64_t ticket) {
	const uint8_t *at = b->records[0].body;
	uint32_t n = b->records[0].body_bytes;
	CHECK(b->ticket == ticket && at[0] == (ticket & 0xff) && at[n - 1] == (ticket & 0xff));
}

static void bounds(void) {
	bool wake;
	CHECK(queue_init(&q, CAPACITY - 1) == 0 && q.capacity == CAPACITY);
	CHECK(need_of(CAPACITY) == 0 && need_of(CAPACITY / 2 + 1) == 0 &&
			need_of(100) % QUEUE_ALIGN == 0);
	uint64_t pushed = 0, c = 0;
	while (push(pushed + 1, 3000, false, &wake))
		pushed++;
	CHECK(pushed == CAPACITY / need_of(3000));
	CHECK(queue_settled(&q) == NULL); /* nothing is, yet */
	CHECK(queue_next(&q, &c) && queue_next(&q, &c));
	queue_settle(&q, c);
	for (uint64_t t = 1; t <= 2; t++) {
		struct batch *b = queue_settled(&q);
		check_batch(b, t);
		queue_free(&q, b);
	}
	CHECK(queue_settled(&q) == NULL && push(pushed + 1, 3000, false, &wake));
	queue_fini(&q);
	queue_fini(&q); /* accepts a zeroed one */
}

/* Sizes that never divide the capacity: every place of the wrap, and each batch whole. */
static void wraps_at_every_place(void) {
	uint64_t seed = 7, in = 0, out = 0, stored = 0, cursor = 0;
	bool wake;
	CHECK(queue_init(&q, CAPACITY) == 0);
	while (out < MANY) {
		uint64_t dice = testing_random(&seed);
		if (dice % 3 == 0)
			in += push(in + 1, 1 + dice / 3 % (CAPACITY / 2 - 1000), false, &wake);
		struct batch *b = dice % 3 == 1 ? queue_next(&q, &cursor) : NULL;
		if (b) {
			check_batch(b, ++stored);
			queue_settle(&q, cursor);
		}
		b = dice % 3 == 2 ? queue_settled(&q) : NULL;
		if (b) {
			check_batch(b, ++out);
			queue_free(&q, b);
		}
		if (q.pushed == q.taken) /* empty: the largest batch must fit, wherever we are */
			CHECK(push(++in, CAPACITY / 2 - 1000, false, &wake));
	}
	queue_fini(&q);
}

static void wakes_a_sleeper_when_it_must(void) {
	bool wake;
	uint64_t cursor = 0;
	CHECK(queue_init(&q, CAPACITY) == 0);
	CHECK(push(1, 1, false, &wake) && !wake);    /* awake */
	CHECK(!queue_may_sleep(&q, QUEUE_IDLE));     /* something waits */
	CHECK(queue_may_sleep(&q, QUEUE_LINGERING)); /* it has time */
	CHECK(push(2, 1, false, &wake) && !wake);
	CHECK(push(3, 1, true, &wake) && wake && queue_pressing(&q));
	CHECK(!queue_may_sleep(&q, QUEUE_LINGERING));
	while (queue_next(&q, &cursor))
		;
	queue_settle(&q, cursor);
	CHECK(!queue_pressing(&q) && queue_may_sleep(&q, QUEUE_IDLE));
	CHECK(push(4, 1, false, &wake) && wake);
	queue_awake(&q);
	CHECK(queue_may_sleep(&q, QUEUE_LINGERING));
	CHECK(push(5, CAPACITY / 2 - 1000, false, &wake) && !wake);
	CHECK(push(6, 4000, false, &wake) && wake); /* more than half: company enough */
	queue_fini(&q);
}

static void *settle_all(void *unused) {
	uint64_t cursor = 0, seen = 0;
	(void)unused;
	while (seen < MANY) {
		struct batch *b = queue_next(&q, &cursor);
		if (!b) {
			sched_yield();
			continue;
		}
		check_batch(b, ++seen);
		b->rc = (int)(seen % 7);
		b->records[0].seq = 2 * seen;
		queue_settle(&q, cursor);
	}
	return NULL;
}

static void take_some(uint64_t *out) {
	struct batch *b;
	while ((b = queue_settled(&q)) != NULL) {
		check_batch(b, ++*out);
		CHECK(b->rc == (int)(*out % 7) && b->records[0].seq == 2 * *out);
		queue_free(&q, b);
	}
}

static void both_threads_at_once(void) {
	pthread_t t;
	uint64_t in = 0, out = 0, seed = 3;
	bool wake;
	CHECK(queue_init(&q, CAPACITY) == 0 && pthread_create(&t, NULL, settle_all, NULL) == 0);
	while (out < MANY) {
		if (in < MANY && push(in + 1, 1 + testing_random(&seed) % 5000, false, &wake))
			in++;
		else
			sched_yield();
		take_some(&out);
	}
	CHECK(pthread_join(t, NULL) == 0);
	queue_fini(&q);
}

int main(void) {
	bounds();
	wraps_at_every_place();
	wakes_a_sleeper_when_it_must();
	both_threads_at_once();
	puts("queue_test: ok");
}
