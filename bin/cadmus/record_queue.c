/*
 * record_queue.c - messages on their way to the file: see record.h.
 *
 * Packing a chunk takes milliseconds, and a disk may take seconds.  Meanwhile the histories of fields would run over,
 * so whoever reads them does nothing but copy into this ring, and a thread of its own takes out of it.  When it is
 * full the reader waits: what is missed then the store counts.
 */
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "base/thread.h"
#include "bin/cadmus/record.h"

#define ROOM_BYTES 65536u /* for one message; grows if it must */

struct record_queue {
	struct mcap_writer *writer;
	int failed;
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t filled, emptied;

	/* under lock */
	uint8_t *ring;
	size_t capacity, head, tail; /* tail: where the next one goes; what lies between wraps */
	bool flush, closing;
	int rc;
};

static size_t used(const struct record_queue *q) {
	return q->tail - q->head; /* both only grow */
}

static void copy_in(struct record_queue *q, const void *data, size_t bytes) {
	size_t at = q->tail % q->capacity, first = bytes < q->capacity - at ? bytes : q->capacity - at;
	memcpy(q->ring + at, data, first);
	memcpy(q->ring, (const uint8_t *)data + first, bytes - first);
	q->tail += bytes;
}

static void copy_out(struct record_queue *q, void *out, size_t bytes) {
	size_t at = q->head % q->capacity, first = bytes < q->capacity - at ? bytes : q->capacity - at;
	memcpy(out, q->ring + at, first);
	memcpy((uint8_t *)out + first, q->ring, bytes - first);
	q->head += bytes;
}

/* The next message, its bytes in *room, which grows; false: there are no more, and none will come. */
static bool take(struct record_queue *q, struct mcap_message *m, uint8_t **room, size_t *room_bytes, bool *flush) {
	pthread_mutex_lock(&q->lock);
	while (used(q) == 0 && !q->closing && !q->flush)
		pthread_cond_wait(&q->filled, &q->lock);
	*flush = used(q) == 0 && q->flush; /* what was appended before is on its way */
	bool any = used(q) > 0;
	if (*flush)
		q->flush = false;
	if (any) {
		copy_out(q, m, sizeof(*m));
		if (m->bytes > *room_bytes) {
			free(*room);
			*room_bytes = m->bytes * 2;
			*room = malloc(*room_bytes);
			CHECK(*room); /* a process that cannot have the memory of one message goes no further */
		}
		copy_out(q, *room, m->bytes);
		m->data = *room;
		pthread_cond_signal(&q->emptied);
	}
	pthread_mutex_unlock(&q->lock);
	return any || *flush;
}

static void fail(struct record_queue *q, int rc) {
	uint64_t one = 1;
	pthread_mutex_lock(&q->lock);
	q->rc = rc;
	q->head = q->tail;
	pthread_cond_signal(&q->emptied);
	pthread_mutex_unlock(&q->lock);
	CHECK(write(q->failed, &one, sizeof(one)) == sizeof(one));
}

static void *work(void *self) {
	struct record_queue *q = self;
	struct mcap_message m;
	size_t room_bytes = ROOM_BYTES;
	uint8_t *room = malloc(room_bytes);
	bool flush;
	int rc = room ? 0 : -ENOMEM;
	while (rc == 0 && take(q, &m, &room, &room_bytes, &flush))
		rc = flush ? mcap_write_flush(q->writer) : mcap_write_message(q->writer, &m);
	if (rc < 0)
		fail(q, rc);
	free(room);
	return NULL;
}

int record_queue_open(struct mcap_writer *w, size_t bytes, int failed, struct record_queue **out) {
	struct record_queue *q = calloc(1, sizeof(*q));
	*out = NULL;
	if (!q || !(q->ring = malloc(bytes))) {
		free(q);
		return -ENOMEM;
	}
	q->writer = w;
	q->failed = failed;
	q->capacity = bytes;
	pthread_mutex_init(&q->lock, NULL);
	pthread_cond_init(&q->filled, NULL);
	pthread_cond_init(&q->emptied, NULL);
	int rc = thread_start(&q->thread, work, q);
	if (rc < 0) {
		free(q->ring);
		free(q);
		return rc;
	}
	*out = q;
	return 0;
}

int record_queue_put(struct record_queue *q, const struct mcap_message *m) {
	size_t bytes = sizeof(*m) + m->bytes;
	CHECK(bytes <= q->capacity);
	pthread_mutex_lock(&q->lock);
	while (q->rc == 0 && q->capacity - used(q) < bytes)
		pthread_cond_wait(&q->emptied, &q->lock);
	int rc = q->rc;
	if (rc == 0) {
		copy_in(q, m, sizeof(*m)); /* where its data is now is nobody's business there */
		copy_in(q, m->data, m->bytes);
		pthread_cond_signal(&q->filled);
	}
	pthread_mutex_unlock(&q->lock);
	return rc;
}

void record_queue_flush(struct record_queue *q) {
	pthread_mutex_lock(&q->lock);
	q->flush = true;
	pthread_cond_signal(&q->filled);
	pthread_mutex_unlock(&q->lock);
}

int record_queue_close(struct record_queue **q) {
	struct record_queue *x = *q;
	if (!x)
		return 0;
	pthread_mutex_lock(&x->lock);
	x->closing = true;
	pthread_cond_signal(&x->filled);
	pthread_mutex_unlock(&x->lock);
	CHECK(pthread_join(x->thread, NULL) == 0);
	int rc = x->rc;
	pthread_mutex_destroy(&x->lock);
	pthread_cond_destroy(&x->filled);
	pthread_cond_destroy(&x->emptied);
	free(x->ring);
	free(x);
	*q = NULL;
	return rc;
}
