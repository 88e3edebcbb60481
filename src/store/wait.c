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
#include "store/tally.h"
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
	if (!desk_waiting(&w->desks, w->readers, w->plan->group))
		return 0;
	syscall(SYS_futex, low_half(w->ring.head), FUTEX_WAKE, INT_MAX, NULL, NULL, 0); /* W9 */
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

/* Is the writer of what we saw last gone, and nobody was told?  Now somebody is. */
static bool take_end(struct field *f) {
	if (!f->segment || f->over_told == f->segment->epoch ||
			!directory_is_orphan(&f->peers->directory, f->plan->process, f->segment->epoch))
		return false;
	f->over_told = f->segment->epoch;
	return true;
}

static struct peers *peers_of(const struct wait_set *s) {
	return s->field_count ? s->fields[0]->peers : s->events[0]->peers;
}

/* Index of one with news, -EAGAIN: none.  -EPROTO: none, and some memory is not what it must be; one that lies keeps
   nobody from hearing of the others. */
static int find_news(const struct wait_set *s) {
	int none = -EAGAIN;
	for (unsigned i = 0; i < s->field_count + s->event_count; i++) {
		int rc = i < s->field_count ? field_news(s->fields[i]) : event_news(s->events[i - s->field_count]);
		if (rc > 0)
			return (int)i;
		if (rc < 0)
			none = rc;
	}
	return none;
}

/* The words are loaded before we look for news: if one changes in between, we do not fall asleep. */
static void watch_all(const struct wait_set *s, uint32_t generation, struct watch *w) {
	const struct peers *t = peers_of(s);
	const struct layout_directory *d = t->directory.shared;
	*w = (struct watch){ .count = 0 };
	watch_word(w, &t->generation, generation, FUTEX_PRIVATE_FLAG);
	if (s->word)
		watch_word(w, s->word, s->value, FUTEX_PRIVATE_FLAG);
	if (d)
		watch_word(w, &d->changes, __atomic_load_n(&d->changes, __ATOMIC_SEQ_CST), 0);
	for (unsigned i = 0; i < s->event_count; i++) {
		if (event_news(s->events[i]) < 0 || !event_word(s->events[i])) /* which holds the mapping */
			continue;
		const uint32_t *word = event_word(s->events[i]);
		watch_word(w, word, __atomic_load_n(word, __ATOMIC_SEQ_CST), 0);
		w->sliced |= !desk_is_heard(t, s->events[i]->segment);
	}
	for (unsigned i = 0; i < s->field_count; i++) {
		struct field *f = s->fields[i];
		if (!field_look(f))
			continue;
		watch_word(w, low_half(f->ring.head), (uint32_t)word_load_total(f->ring.head), 0); /* S3 */
		w->sliced |= !desk_is_heard(t, f->segment); /* S4 */
	}
}

/* find_news(); and where there is nothing, whether one will have none any more. */
static int find_news_or_end(const struct wait_set *s) {
	int rc = find_news(s); /* S5 */
	for (unsigned i = 0; rc == -EAGAIN && i < s->field_count; i++)
		if (take_end(s->fields[i]))
			return -EOWNERDEAD;
	return rc;
}

/* -EAGAIN: nothing, and *w is ready to sleep on. */
static int look(const struct wait_set *s, uint32_t generation, struct watch *w) {
	watch_all(s, generation, w);
	return find_news_or_end(s);
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

static int spin(const struct wait_set *s) {
	int rc = -EAGAIN;
	for (uint32_t i = 0; i < peers_of(s)->spin && rc == -EAGAIN; i++) {
		rc = find_news(s);
		word_pause();
	}
	return rc;
}

static bool word_changed(const struct wait_set *s) {
	return s->word && __atomic_load_n(s->word, __ATOMIC_SEQ_CST) != s->value;
}

static int sleep_until(const struct wait_set *s, int64_t until_ns) {
	struct peers *t = peers_of(s);
	struct watch w;
	for (;;) {
		uint32_t generation = __atomic_load_n(&t->generation, __ATOMIC_SEQ_CST); /* S2 */
		int rc = look(s, generation, &w);
		if (rc != -EAGAIN || word_changed(s))
			return rc;
		if (s->told && generation != *s->told) {
			*s->told = generation;
			return -ECANCELED;
		}
		int64_t now_ns = clock_mono().ns;
		if (now_ns >= until_ns)
			return -ETIMEDOUT;
		sleep_on(&w, t->plain_futex, now_ns, until_ns); /* S6 */
	}
}

/* Who has no segment has no desk either, and sleeps in slices. */
static void count_in(const struct wait_set *s) {
	if (!peers_of(s)->own.base)
		return;
	for (unsigned i = 0; i < s->field_count; i++) {
		desk_wait_begin(s->fields[i]->peers, s->fields[i]->plan->group);
		tally_add(&s->fields[i]->tally->waits, 1);
	}
	for (unsigned i = 0; i < s->event_count; i++) {
		const struct event_reader *r = s->events[i];
		desk_wait_begin(r->peers, desk_events_of(r->peers->plan, r->process));
		tally_add(&r->tally->waits, 1);
	}
}

static void count_out(const struct wait_set *s) {
	if (!peers_of(s)->own.base)
		return;
	for (unsigned i = 0; i < s->field_count; i++)
		desk_wait_end(s->fields[i]->peers, s->fields[i]->plan->group);
	for (unsigned i = 0; i < s->event_count; i++)
		desk_wait_end(s->events[i]->peers, desk_events_of(s->events[i]->peers->plan, s->events[i]->process));
}

static int wait_for_word(const struct wait_set *s) {
	while (!word_changed(s))
		syscall(SYS_futex, s->word, FUTEX_WAIT | FUTEX_PRIVATE_FLAG, s->value, NULL, NULL, 0);
	return -EAGAIN;
}

int wait_set(const struct wait_set *s, int64_t timeout_ns) {
	if (s->field_count + s->event_count > (s->word ? WAIT_BESIDE_MAX : WAIT_FIELDS_MAX))
		return -E2BIG;
	if (s->field_count + s->event_count == 0) {
		CHECK(s->word && timeout_ns < 0);
		return wait_for_word(s);
	}
	const struct peers *t = peers_of(s);
	int rc = timeout_ns == 0 ? find_news_or_end(s) : find_news(s);
	if (rc != -EAGAIN)
		return rc;
	if (timeout_ns == 0)
		return -ETIMEDOUT;
	int64_t until_ns = clock_deadline_ns(timeout_ns);
	if (t->spin && (rc = spin(s)) != -EAGAIN)
		return rc;
	counter_add(&t->own, COUNTER_waits, 1);
	count_in(s);
	rc = sleep_until(s, until_ns);
	count_out(s);
	if (rc == -ETIMEDOUT)
		counter_add(&t->own, COUNTER_timeouts, 1);
	return rc;
}

int wait_any(struct field *const *f, unsigned count, int64_t timeout_ns) {
	CHECK(count > 0);
	for (unsigned i = 1; i < count && i < WAIT_FIELDS_MAX; i++)
		CHECK(f[i]->peers == f[0]->peers);
	return wait_set(&(struct wait_set){ .fields = f, .field_count = count, .told = &f[0]->generation }, timeout_ns);
}

int wait_field(struct field *f, int64_t timeout_ns) {
	int rc = wait_any(&f, 1, timeout_ns);
	return rc < 0 ? rc : 0;
}
