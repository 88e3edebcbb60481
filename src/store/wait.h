/*
 * wait.h - sleep until a field has something new.
 *
 * The sleeper is counted in its own desk and sleeps on the head of the field, in memory that it
 * can only read; a publish makes a system call only if somebody is counted in.  Where there are
 * more than two cores it looks for a moment before it sleeps.  Any thread.
 */
#ifndef STORE_WAIT_H
#define STORE_WAIT_H

#include "store/event.h"
#include "store/field.h"

#define WAIT_FIELDS_MAX 126 /* the kernel's limit, less two words of our own */

/*
 * Wait until the field has a sample newer than the last one taken from it.  timeout_ns < 0: for ever;
 * 0: only look.  0, -ETIMEDOUT, -EPROTO; -EOWNERDEAD: it has none, and its writer has died or stopped (told once
 * per life, by the first wait that finds it so); or -ECANCELED: a peer was replaced or peers_interrupt() was
 * called since the last wait of this handle said so; look around and wait again.  (A flag set before
 * peers_interrupt() is therefore never slept through.)
 */
MUST_CHECK int wait_field(struct field *f, int64_t timeout_ns);
/* The same for several fields of the same peers; returns the index of one with news.  -E2BIG: too
   many.  The first one remembers what it was told of interruptions. */
MUST_CHECK int wait_any(struct field *const *f, unsigned count, int64_t timeout_ns);

/*
 * Fields, events and a word of our own at once.  All handles are of the same peers; one thread has them.  Returns the
 * index of one with news, events counted behind the fields; -EAGAIN: the word changed; else as wait_any().
 */
struct wait_set {
	struct field *const *fields;
	unsigned field_count;
	struct event_reader *const *events;
	unsigned event_count;
	const uint32_t *word; /* futex word of this process, or NULL: sleep while it is `value` */
	uint32_t value;
	uint32_t *told;       /* generation of the peers that is known; NULL: interruptions are none of its business */
};

#define WAIT_BESIDE_MAX (WAIT_FIELDS_MAX - 1) /* fields and events beside a word */
MUST_CHECK int wait_set(const struct wait_set *s, int64_t timeout_ns);

/* Wake those who sleep on the head of this writer's field.  The system calls made: 0 or 1. */
unsigned wait_wake(struct field_writer *w);

#endif
