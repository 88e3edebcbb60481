/* queue.c - see queue_priv.h. */
#include "journal/queue_priv.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static uint64_t load(const uint64_t *p) {
	return __atomic_load_n(p, __ATOMIC_SEQ_CST);
}

static void store(uint64_t *p, uint64_t v) {
	__atomic_store_n(p, v, __ATOMIC_SEQ_CST);
}

static size_t aligned(size_t bytes) {
	return (bytes + QUEUE_ALIGN - 1) / QUEUE_ALIGN * QUEUE_ALIGN;
}

static struct batch *at(const struct queue *q, uint64_t cursor) {
	return (struct batch *)(void *)(q->bytes + cursor % q->capacity);
}

_Static_assert(sizeof(struct batch) <= QUEUE_ALIGN, "a pad fits into every rest");

int queue_init(struct queue *q, size_t capacity) {
	memset(q, 0, sizeof(*q));
	q->capacity = aligned(capacity);
	q->bytes = aligned_alloc(QUEUE_ALIGN, q->capacity);
	return q->bytes ? 0 : -ENOMEM;
}

void queue_fini(struct queue *q) {
	free(q->bytes);
	memset(q, 0, sizeof(*q));
}

size_t queue_need(const struct queue *q, const struct journal_entry *entries, unsigned count) {
	size_t need = sizeof(struct batch) + count * sizeof(struct journal_record);
	for (unsigned i = 0; i < count; i++)
		need += entries[i].body_bytes; /* each at most JOURNAL_BODY_MAX: no overflow */
	need = aligned(need);
	return need <= q->capacity / 2 ? need : 0;
}

struct batch *queue_reserve(struct queue *q, size_t need) {
	uint64_t used = q->pushed - q->taken;
	size_t rest = q->capacity - (size_t)(q->pushed % q->capacity);
	size_t pad = rest < need ? rest : 0;
	if (pad + need > q->capacity - used)
		return NULL;
	if (pad) {
		*at(q, q->pushed) = (struct batch){ .bytes = (uint32_t)pad };
		store(&q->pushed, q->pushed + pad);
	}
	struct batch *b = at(q, q->pushed);
	*b = (struct batch){ .bytes = (uint32_t)need };
	return b;
}

bool queue_push(struct queue *q, const struct batch *b, bool urgent) {
	CHECK(b == at(q, q->pushed) && b->ticket != 0);
	uint64_t end = q->pushed + b->bytes;
	store(&q->pushed, end);
	if (urgent)
		store(&q->urgent, end);
	int asleep = __atomic_load_n(&q->asleep, __ATOMIC_SEQ_CST);
	if (asleep == QUEUE_LINGERING)
		return urgent || end - load(&q->settled) > q->capacity / 2;
	return asleep == QUEUE_IDLE;
}

struct batch *queue_settled(struct queue *q) {
	uint64_t settled = load(&q->settled);
	while (q->taken < settled) {
		struct batch *b = at(q, q->taken);
		if (b->ticket)
			return b;
		q->taken += b->bytes;
	}
	return NULL;
}

void queue_free(struct queue *q, const struct batch *b) {
	CHECK(b == at(q, q->taken));
	q->taken += b->bytes;
}

struct batch *queue_next(const struct queue *q, uint64_t *cursor) {
	uint64_t pushed = load(&q->pushed);
	while (*cursor < pushed) {
		struct batch *b = at(q, *cursor);
		*cursor += b->bytes;
		if (b->ticket)
			return b;
	}
	return NULL;
}

bool queue_pressing(const struct queue *q) {
	return load(&q->urgent) > q->settled || load(&q->pushed) - q->settled > q->capacity / 2;
}

void queue_settle(struct queue *q, uint64_t cursor) {
	store(&q->settled, cursor);
}

/* Idle: nothing at all waits.  Lingering: what waits has time, and company may come. */
bool queue_may_sleep(struct queue *q, enum queue_sleep how) {
	uint64_t cursor = q->settled;
	__atomic_store_n(&q->asleep, (int)how, __ATOMIC_SEQ_CST);
	bool sleep = how == QUEUE_IDLE ? queue_next(q, &cursor) == NULL : !queue_pressing(q);
	if (!sleep)
		queue_awake(q);
	return sleep;
}

void queue_awake(struct queue *q) {
	__atomic_store_n(&q->asleep, QUEUE_AWAKE, __ATOMIC_SEQ_CST);
}
