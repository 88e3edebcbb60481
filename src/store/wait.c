/*
 * wait.c - how nobody sleeps through a sample, and nobody is woken for nothing.
 *
 *      sleeper                                   writer
 *      count in: waits[field]++   (total)        head = new        (total)
 *      news in head?              (total)        waits[field] of each desk?  (total)
 *      sleep while head is what it was           wake if any
 *
 * One of the two sees the other.  If the sleeper's look misses the sample, the writer's look finds
 * the count and its wake-up either finds the sleeper asleep or has changed the word it would
 * fall asleep on.  Beside the heads each sleeper watches a word of its own process that changes when
 * a mapping is replaced, and one of the directory that changes with each death, since a dead writer's head never will.
 *
 * A writer that has not acknowledged our desk does not look at it: until then we sleep in slices.
 */
#include "store/wait.h"

#include <errno.h>
#include <limits.h>
#include <linux/futex.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>
#include "base/clock.h"
#include "store/field_priv.h"
#include "store/word.h"

#define SLICE_NS (2 * NS_PER_MS)
#define FUTEX2_U32 2

#ifndef SYS_futex_waitv
#define SYS_futex_waitv 449
#endif

/* The low half of a head: what changes with each sample. */
static const uint32_t *low_half(const uint64_t *head) {
	return (const uint32_t *)head;
}

unsigned wait_wake(struct field_writer *w) {
	if (!desk_waiting(w))
		return 0;
	syscall(SYS_futex, low_half(w->ring.head), FUTEX_WAKE, INT_MAX, NULL, NULL, 0);
	return 1;
}

static struct timespec timespec_of(int64_t ns) {
	return (struct timespec){ .tv_sec = ns / NS_PER_S, .tv_nsec = ns % NS_PER_S };
}

/* What one sleep watches. */
struct watch {
	struct futex_waitv words[WAIT_FIELDS_MAX + 2]; /* the kernel's limit */
	unsigned count;
	bool sliced; /* something here may change without a wake-up */
};

static void watch_word(struct watch *w, const uint32_t *word, uint32_t value, uint32_t flags) {
	w->words[w->count++] = (struct futex_waitv){ .val = value, .uaddr = (uintptr_t)word,
		.flags = FUTEX2_U32 | flags };
}

/* Is the writer of what we saw last gone, and nobody was told? */
static bool lost_writer(struct field *f) {
	if (!f->segment || f->over_told == f->segment->epoch ||
			!directory_is_over(&f->peers->directory, f->plan->process, f->segment->epoch))
		return false;
	f->over_told = f->segment->epoch;
	return true;
}

/* Index of a field with news, -EAGAIN: none, and *w is ready to sleep on; -EOWNERDEAD, -EPROTO. */
static int look(struct field *const *f, unsigned n, uint32_t generation, struct watch *w) {
	const struct layout_directory *d = f[0]->peers->directory.shared;
	*w = (struct watch){ .count = 0 };
	watch_word(w, &f[0]->peers->generation, generation, FUTEX_PRIVATE_FLAG);
	if (d) /* before lost_writer(), as the heads before field_news() */
		watch_word(w, &d->changes, __atomic_load_n(&d->changes, __ATOMIC_SEQ_CST), 0);
	for (unsigned i = 0; i < n; i++) {
		if (field_look(f[i])) {
			/* before field_news(): if the head moves in between, we do not fall asleep */
			watch_word(w, low_half(f[i]->ring.head), (uint32_t)word_load_total(f[i]->ring.head), 0);
			w->sliced |= !desk_is_known(f[i]->peers, f[i]->segment);
		}
		int rc = field_news(f[i]);
		if (rc != 0)
			return rc < 0 ? rc : (int)i;
	}
	for (unsigned i = 0; i < n; i++)
		if (lost_writer(f[i]))
			return -EOWNERDEAD;
	return -EAGAIN;
}

static void sleep_plain(const struct watch *w, int64_t ns) {
	struct timespec limit = timespec_of(ns < SLICE_NS ? ns : SLICE_NS);
	const struct futex_waitv *one = &w->words[w->count - 1]; /* the last field, if there is one */
	int operation = FUTEX_WAIT | (one->flags & FUTEX_PRIVATE_FLAG ? FUTEX_PRIVATE_FLAG : 0);
	syscall(SYS_futex, (void *)(uintptr_t)one->uaddr, operation, (uint32_t)one->val, &limit, NULL, 0);
}

/* Until one of the words changes, a signal, `until_ns`, or for no reason. */
static void sleep_on(const struct watch *w, bool plain, int64_t now_ns, int64_t until_ns) {
	if (w->sliced && until_ns - now_ns > SLICE_NS)
		until_ns = now_ns + SLICE_NS;
	if (!plain) {
		struct timespec limit = timespec_of(until_ns);
		long rc = syscall(SYS_futex_waitv, w->words, w->count, 0, until_ns == INT64_MAX ? NULL : &limit,
				CLOCK_MONOTONIC);
		if (rc >= 0 || (errno != ENOSYS && errno != EPERM))
			return;
	}
	sleep_plain(w, until_ns - now_ns);
}

static int spin(struct field *const *f, unsigned n) {
	for (uint32_t i = 0; i < f[0]->peers->spin; i++) {
		for (unsigned k = 0; k < n; k++) {
			int rc = field_news(f[k]);
			if (rc != 0)
				return rc < 0 ? rc : (int)k;
		}
#if defined(__x86_64__) || defined(__i386__)
		__builtin_ia32_pause();
#endif
	}
	return -EAGAIN;
}

static int sleep_until(struct field *const *f, unsigned n, int64_t until_ns) {
	struct peers *t = f[0]->peers;
	struct watch w;
	for (;;) {
		uint32_t generation = __atomic_load_n(&t->generation, __ATOMIC_SEQ_CST);
		int rc = look(f, n, generation, &w);
		if (rc != -EAGAIN)
			return rc;
		if (generation != f[0]->generation) {
			f[0]->generation = generation;
			return -ECANCELED;
		}
		int64_t now_ns = clock_mono().ns;
		if (now_ns >= until_ns)
			return -ETIMEDOUT;
		sleep_on(&w, t->plain_futex, now_ns, until_ns);
	}
}

static int64_t deadline(int64_t timeout_ns) {
	int64_t until_ns;
	if (timeout_ns < 0 || __builtin_add_overflow(clock_mono().ns, timeout_ns, &until_ns))
		return INT64_MAX;
	return until_ns;
}

static void count_in(struct field *const *f, unsigned n) {
	counter_add(&f[0]->peers->own, COUNTER_waits, 1);
	for (unsigned i = 0; i < n; i++)
		desk_wait_begin(f[i]->peers, f[i]->plan->group);
}

static void count_out(struct field *const *f, unsigned n) {
	for (unsigned i = 0; i < n; i++)
		desk_wait_end(f[i]->peers, f[i]->plan->group);
}

int wait_any(struct field *const *f, unsigned count, int64_t timeout_ns) {
	CHECK(count > 0);
	struct peers *t = f[0]->peers;
	if (count > WAIT_FIELDS_MAX)
		return -E2BIG;
	int rc = -EAGAIN;
	for (unsigned i = 0; i < count; i++) {
		CHECK(f[i]->peers == t);
		int news = field_news(f[i]);
		if (news != 0)
			return news < 0 ? news : (int)i;
	}
	if (timeout_ns == 0)
		return -ETIMEDOUT;
	int64_t until_ns = deadline(timeout_ns);
	if (t->spin && (rc = spin(f, count)) != -EAGAIN)
		return rc;
	count_in(f, count);
	rc = sleep_until(f, count, until_ns);
	count_out(f, count);
	if (rc == -ETIMEDOUT)
		counter_add(&t->own, COUNTER_timeouts, 1);
	return rc;
}

static int sleep_beside(struct field *const *f, unsigned n, const uint32_t *word, uint32_t value) {
	struct peers *t = f[0]->peers;
	struct watch w;
	for (;;) {
		uint32_t generation = __atomic_load_n(&t->generation, __ATOMIC_SEQ_CST);
		int rc = look(f, n, generation, &w);
		if (rc != -EAGAIN)
			return rc;
		watch_word(&w, word, value, FUTEX_PRIVATE_FLAG);
		if (__atomic_load_n(word, __ATOMIC_SEQ_CST) != value)
			return -EAGAIN;
		sleep_on(&w, t->plain_futex, clock_mono().ns, INT64_MAX);
	}
}

int wait_beside(struct field *const *f, unsigned count, const uint32_t *word, uint32_t value) {
	CHECK(count <= WAIT_BESIDE_MAX);
	if (count == 0) {
		while (__atomic_load_n(word, __ATOMIC_SEQ_CST) == value)
			syscall(SYS_futex, word, FUTEX_WAIT | FUTEX_PRIVATE_FLAG, value, NULL, NULL, 0);
		return -EAGAIN;
	}
	count_in(f, count);
	int rc = sleep_beside(f, count, word, value);
	count_out(f, count);
	return rc;
}

int wait_field(struct field *f, int64_t timeout_ns) {
	int rc = wait_any(&f, 1, timeout_ns);
	return rc < 0 ? rc : 0;
}
