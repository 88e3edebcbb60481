/*
 * bell.c - a descriptor for those who must poll: see cdm_fd() and cdm_events_fd().
 *
 * One thread of the machine sleeps for all readers that have a descriptor and are armed.  When there is news it
 * makes the descriptor readable and lets that reader rest: nobody is woken for it again until it has taken what there
 * is.  Taking arms it anew and then looks once more, so that a sample which came in between is not slept through:
 *
 *      reader's thread                           the bell's
 *      take; make the descriptor unreadable      sleep for those that are armed
 *      armed, from what was taken on             news, and armed?  not armed; readable
 *      news?  readable
 *
 * The thread has handles of its own, for one field or the events of one or all processes; a bell that was closed is
 * freed by it, since it may be sleeping on it.
 *
 * One sleep takes WAIT_BESIDE_MAX handles, and of a process's events one for all: who is armed was looked at under the
 * same lock, and had no news, so all of them are at the same record.  With more it sleeps for others each time, and not
 * for long: it looks at all that are armed whenever it wakes up.
 */
#include <errno.h>
#include <limits.h>
#include <linux/futex.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/syscall.h>
#include <unistd.h>
#include "base/clock.h"
#include "base/io.h"
#include "base/thread.h"
#include "client/client_priv.h"
#include "store/wait.h"

#define SLICE_NS (2 * NS_PER_MS) /* how late it may look at one that no sleep has room for */

struct bell {
	struct bell *next;
	struct field field;          /* the thread's, as the next one; under the lock while it is not armed */
	struct event_reader *events; /* `count` of them, and no field; NULL: the field */
	unsigned count;
	int fd;
	uint32_t end_told;  /* the thread's: the life of the writer whose end it rang for last */
	bool armed, closed; /* under the lock */
};

_Static_assert(PLAN_PROCESSES_MAX <= WAIT_BESIDE_MAX, "there is room for any bell in a sleep");

static void ring(const struct bell *b) {
	uint64_t one = 1;
	(void)!write(b->fd, &one, sizeof(one)); /* full: it is readable already */
}

static void silence(const struct bell *b) {
	uint64_t any;
	(void)!read(b->fd, &any, sizeof(any)); /* EAGAIN: it was */
}

/* Something changed that the thread must know of. */
static void call(struct bells *t) {
	__atomic_fetch_add(&t->word, 1, __ATOMIC_SEQ_CST);
	syscall(SYS_futex, &t->word, FUTEX_WAKE | FUTEX_PRIVATE_FLAG, INT_MAX, NULL, NULL, 0);
}

/* ---- the thread ---- */

static void dispose(struct bell *b) {
	for (unsigned i = 0; b->events && i < b->count; i++)
		event_reader_close(&b->events[i]);
	free(b->events);
	field_close(&b->field);
	io_close(&b->fd);
	free(b);
}

static void free_closed(struct bells *t) {
	for (struct bell **at = &t->first; *at;) {
		struct bell *b = *at;
		if (!b->closed) {
			at = &b->next;
			continue;
		}
		*at = b->next;
		dispose(b);
	}
}

/* What one sleep is for. */
struct sleep {
	struct field *fields[WAIT_BESIDE_MAX];
	struct event_reader *events[WAIT_BESIDE_MAX];
	unsigned field_count, event_count;
	uint64_t processes; /* whose events are among them */
	unsigned bells;
	bool full; /* there was no room for somebody */
};

static bool is_among(const struct sleep *s, const struct event_reader *r) {
	return s->processes >> r->process & 1;
}

static unsigned more_with(const struct sleep *s, const struct bell *b) {
	unsigned more = b->events ? 0 : 1;
	for (unsigned i = 0; i < b->count && b->events; i++)
		more += !is_among(s, &b->events[i]);
	return more;
}

static void add(struct sleep *s, struct bell *b) {
	if (s->full || s->field_count + s->event_count + more_with(s, b) > WAIT_BESIDE_MAX) {
		s->full = true;
		return;
	}
	if (!b->events)
		s->fields[s->field_count++] = &b->field;
	for (unsigned i = 0; i < b->count && b->events; i++) {
		if (is_among(s, &b->events[i]))
			continue;
		s->processes |= UINT64_C(1) << b->events[i].process;
		s->events[s->event_count++] = &b->events[i];
	}
	s->bells++;
}

/* Of those that are armed as many as there is room for, first who had none the last time. */
static void gather(struct bells *t, struct sleep *s) {
	unsigned at = 0;
	*s = (struct sleep){ .field_count = 0 };
	for (struct bell *b = t->first; b; b = b->next)
		if (b->armed && at++ >= t->turn)
			add(s, b);
	unsigned skipped = t->turn < at ? t->turn : at;
	for (struct bell *b = t->first; b && skipped > 0; b = b->next)
		if (b->armed) {
			add(s, b);
			skipped--;
		}
	t->turn = s->full && at > 0 ? (t->turn + s->bells) % at : 0;
}

static bool has_news(struct bell *b) {
	bool news = !b->events && field_news(&b->field) != 0;
	for (unsigned i = 0; b->events && i < b->count && !news; i++)
		news = event_news(&b->events[i]) != 0;
	return news;
}

/* Was the wait told that the writer of this one has ended, and nobody rang for it? */
static bool take_end(struct bell *b) {
	bool ended = b->end_told != b->field.over_told;
	b->end_told = b->field.over_told;
	return ended;
}

/* A death, or memory that is broken, is something to look at as well: for its own readers, once. */
static void ring_those_with_news(struct bells *t) {
	for (struct bell *b = t->first; b; b = b->next)
		if (b->armed && (take_end(b) || has_news(b))) {
			b->armed = false;
			ring(b);
		}
}

static void *wait_and_ring(void *self) {
	struct bells *t = self;
	struct sleep s;
	pthread_mutex_lock(&t->lock);
	for (;;) {
		ring_those_with_news(t);
		if (t->quit)
			break;
		uint32_t word = __atomic_load_n(&t->word, __ATOMIC_SEQ_CST);
		free_closed(t);
		gather(t, &s);
		pthread_mutex_unlock(&t->lock);
		(void)!wait_set(&(struct wait_set){ .fields = s.fields, .field_count = s.field_count,
				.events = s.events, .event_count = s.event_count, .word = &t->word, .value = word },
				s.full ? SLICE_NS : -1);
		pthread_mutex_lock(&t->lock);
	}
	pthread_mutex_unlock(&t->lock);
	return NULL;
}

/* ---- beginning and end ---- */

static int start(struct bells *t) {
	if (t->running)
		return 0;
	int rc = thread_start(&t->thread, wait_and_ring, t);
	t->running = rc == 0;
	return rc;
}

void bells_init(struct bells *t) {
	*t = (struct bells){ .first = NULL };
	pthread_mutex_init(&t->lock, NULL);
}

void bells_fini(struct bells *t) {
	pthread_mutex_lock(&t->lock);
	t->quit = true;
	call(t);
	pthread_mutex_unlock(&t->lock);
	if (t->running)
		CHECK(pthread_join(t->thread, NULL) == 0);
	for (struct bell *b = t->first; b; b = b->next)
		b->closed = true;
	free_closed(t);
	pthread_mutex_destroy(&t->lock);
}

void bells_end(struct bells *t) {
	pthread_mutex_lock(&t->lock);
	t->ended = true;
	for (struct bell *b = t->first; b; b = b->next)
		ring(b);
	pthread_mutex_unlock(&t->lock);
}

/* Its handles are open, or `rc` says why not. */
static int finish_opening(struct bells *t, struct bell *b, int rc) {
	b->fd = rc == 0 ? eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK) : -1;
	if (rc == 0 && b->fd < 0)
		rc = -errno;
	pthread_mutex_lock(&t->lock);
	if (rc == 0)
		rc = start(t);
	if (rc == 0) {
		b->next = t->first;
		t->first = b;
	}
	pthread_mutex_unlock(&t->lock);
	if (rc < 0)
		dispose(b);
	return rc;
}

int bell_open(struct bells *t, struct field *of, struct bell **out) {
	struct bell *b = calloc(1, sizeof(*b));
	if (!b)
		return -ENOMEM;
	b->count = 1;
	int rc = finish_opening(t, b, field_watch_open(&b->field, of->peers, of->index));
	if (rc < 0)
		return rc;
	*out = b;
	bell_arm(t, b, of);
	return 0;
}

int bell_open_events(struct bells *t, struct event_merge *of, struct bell **out) {
	struct bell *b = calloc(1, sizeof(*b));
	struct event_reader *events = calloc(of->count, sizeof(*events));
	if (!b || !events) {
		free(b);
		free(events);
		return -ENOMEM;
	}
	b->events = events;
	b->count = of->count;
	for (unsigned i = 0; i < of->count; i++)
		event_watch_open(&events[i], of->at[i].reader.peers, of->at[i].reader.process);
	int rc = finish_opening(t, b, 0);
	if (rc < 0)
		return rc;
	*out = b;
	bell_arm_events(t, b, of);
	return 0;
}

int bell_fd(const struct bell *b) {
	return b->fd;
}

void bell_arm(struct bells *t, struct bell *b, struct field *of) {
	silence(b);
	pthread_mutex_lock(&t->lock);
	if (!b->armed) { /* else the thread sleeps on it, from an older sample on, and rings in any case */
		field_follow(&b->field, of);
		b->armed = true;
		call(t);
	}
	bool ended = t->ended;
	pthread_mutex_unlock(&t->lock);
	if (ended || field_news(of) != 0)
		ring(b);
}

void bell_arm_events(struct bells *t, struct bell *b, struct event_merge *of) {
	silence(b);
	pthread_mutex_lock(&t->lock);
	if (!b->armed) {
		for (unsigned i = 0; i < b->count; i++)
			event_follow(&b->events[i], &of->at[i].reader);
		b->armed = true;
		call(t);
	}
	bool ended = t->ended;
	pthread_mutex_unlock(&t->lock);
	if (ended || event_merge_news(of))
		ring(b);
}

void bell_close(struct bells *t, struct bell *b) {
	pthread_mutex_lock(&t->lock);
	b->closed = true;
	b->armed = false;
	call(t);
	pthread_mutex_unlock(&t->lock);
}
