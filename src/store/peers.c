/*
 * peers.c - how a peer's memory is exchanged under running readers.
 *
 *      control thread                          a handle
 *      store at[p].now                         load at[p].now
 *      retire the old one                      its users++
 *      ...                                     at[p].now still the same?  else users--, again
 *      no lease in it?  users 0?  unmap        ... use it, with any number of calls
 *                              else empty      users--
 *
 * A handle that counts itself in after we saw 0 finds that `now` has changed, and steps back without
 * having looked inside.  For this the count of a segment outlives its mapping: the struct stays what it
 * is, and is filled anew.  All total: each line of one side pairs with one of the other.
 *
 * A handle that is never used again must not keep the memory of the dead: what is counted but not leased is emptied,
 * and reads as zeros, which no stamp of a sample is.  So a handle that finds nothing, or nonsense, or that has posted
 * a lease, asks peers_is_now() before it believes that.
 *
 * The same order protects the desk of the peer: `now` is stored before the acknowledgement in
 * our head, so whoever has seen the acknowledgement knows that our next look finds his desk.
 */
#include "store/peers.h"

#include <errno.h>
#include <limits.h>
#include <linux/futex.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>
#include "store/desk.h"

#define SPIN 2000u

static bool is_spare(const struct peers *t, const struct segment *s) {
	return (uintptr_t)s - (uintptr_t)t->spares < sizeof(t->spares);
}

static void give_back(struct peers *t, struct segment *s) {
	s->next = t->free;
	t->free = s;
}

void peers_init(struct peers *t, const struct plan *p, uint16_t self) {
	CHECK(self < p->processes.count);
	*t = (struct peers){ .plan = p, .self = self };
	t->spin = sysconf(_SC_NPROCESSORS_ONLN) > 2 ? SPIN : 0;
	for (unsigned i = 0; i < PEERS_SPARES; i++)
		give_back(t, &t->spares[i]);
}

static struct segment *get_one(struct peers *t) {
	struct segment *s = t->free;
	if (!s)
		return calloc(1, sizeof(*s));
	t->free = s->next;
	return s;
}

static void unmap(struct peers *t, struct segment *s) {
	segment_unmap(s);
	give_back(t, s);
}

void peers_fini(struct peers *t) {
	for (uint16_t p = 0; p < PLAN_PROCESSES_MAX; p++) {
		struct peer *q = &t->at[p];
		while (q->retired) {
			struct segment *s = q->retired;
			q->retired = s->next;
			unmap(t, s);
		}
		if (q->now && q->now != &t->own)
			unmap(t, q->now);
		q->now = NULL;
	}
	while (t->free) {
		struct segment *s = t->free;
		t->free = s->next;
		if (!is_spare(t, s))
			free(s);
	}
	segment_unmap(&t->own);
	directory_unmap(&t->directory);
}

static void acknowledge(const struct peers *t, uint16_t process, uint32_t epoch) {
	if (t->own.base)
		__atomic_store_n(&segment_head(&t->own)->desks[process], epoch, __ATOMIC_SEQ_CST); /* T2 */
}

/* In this order: whose desk is acknowledged is looked at (desk.c). */
static void set_now(struct peers *t, uint16_t process, struct segment *s) {
	__atomic_store_n(&t->at[process].now, s, __ATOMIC_SEQ_CST); /* T1 */
	__atomic_fetch_or(&t->mapped, UINT64_C(1) << process, __ATOMIC_SEQ_CST);
	acknowledge(t, process, s->epoch);
}

int peers_own(struct peers *t, uint32_t epoch, const struct segment_files *files) {
	CHECK(!t->own.base);
	int rc = segment_map_writer(&t->own, t->plan, t->self, epoch, files);
	if (rc < 0)
		return rc;
	set_now(t, t->self, &t->own);
	for (uint16_t p = 0; p < t->plan->processes.count; p++)
		if (t->at[p].now)
			acknowledge(t, p, t->at[p].now->epoch);
	return 0;
}

int peers_directory(struct peers *t, int fd) {
	if (!t->directory.shared)
		return directory_map_reader(&t->directory, t->plan, fd);
	int rc = directory_follow(&t->directory, t->plan, fd);
	if (rc == 0)
		peers_interrupt(t); /* who sleeps on a word of the old one sleeps on one of the new */
	return rc;
}

/* Counted in from here on; false: it was replaced meanwhile, and nothing in it may be looked at. */
static bool count_in(const struct peers *t, uint16_t process, struct segment *s) {
	__atomic_fetch_add(&s->users, 1, __ATOMIC_SEQ_CST); /* H2 */
	if (__atomic_load_n(&t->at[process].now, __ATOMIC_SEQ_CST) == s) /* H3 */
		return true;
	__atomic_fetch_sub(&s->users, 1, __ATOMIC_SEQ_CST); /* H4 */
	return false;
}

void peers_drop(const struct segment **held) {
	struct segment *s = (struct segment *)(uintptr_t)*held;
	*held = NULL;
	if (s)
		CHECK(__atomic_fetch_sub(&s->users, 1, __ATOMIC_SEQ_CST) != 0); /* H4 */
}

const struct segment *peers_hold(const struct peers *t, uint16_t process, const struct segment **held) {
	struct segment *now;
	CHECK(process < PLAN_PROCESSES_MAX);
	peers_drop(held);
	do
		now = __atomic_load_n(&t->at[process].now, __ATOMIC_SEQ_CST); /* H1 */
	while (now && !count_in(t, process, now));
	return *held = now;
}

/* How much of it is needed: its memory, its addresses, nothing. */
static bool let_go(const struct peers *t, struct segment *s) {
	uint32_t users = __atomic_load_n(&s->users, __ATOMIC_SEQ_CST); /* T4 */
	if (desk_holds(t, s->process, s->epoch))
		return false;
	if (users != 0 && !s->emptied)
		s->emptied = segment_empty(s) == 0; /* T9; else the next time */
	return users == 0;
}

/* A life that is over stays so, and its desk is void: writers of ours need not look, and who still does finds nothing.
   The next life comes by set_now(). */
static void forget_the_gone(struct peers *t) {
	for (uint16_t p = 0; p < t->plan->processes.count; p++) {
		const struct segment *now = t->at[p].now;
		struct directory_entry e = directory_get(&t->directory, p);
		if (now && (e.epoch > now->epoch || (e.epoch == now->epoch && !directory_is_alive(e.state))))
			__atomic_fetch_and(&t->mapped, ~(UINT64_C(1) << p), __ATOMIC_RELAXED);
	}
}

unsigned peers_tidy(struct peers *t) {
	unsigned kept = 0;
	forget_the_gone(t);
	for (uint16_t p = 0; p < t->plan->processes.count; p++) {
		struct segment **at = &t->at[p].retired;
		while (*at) {
			struct segment *s = *at;
			if (!let_go(t, s)) {
				kept += !s->emptied;
				at = &s->next;
				continue;
			}
			*at = s->next;
			unmap(t, s); /* T6 */
		}
	}
	return kept;
}

/* All but the count of users, which is never begun anew. */
static void fill(struct segment *s, const struct segment *with) {
	s->base = with->base;
	s->bytes = with->bytes;
	s->process = with->process;
	s->writable = with->writable;
	s->parts = with->parts;
	s->desk = with->desk;
	s->tally_count = with->tally_count;
	s->tallies = with->tallies;
	s->emptied = with->emptied;
	s->epoch = with->epoch;
}

int peers_replace(struct peers *t, uint16_t process, uint32_t epoch, const struct segment_files *files) {
	CHECK(process < t->plan->processes.count);
	struct segment *old = t->at[process].now;
	if (process == t->self || (old && epoch <= old->epoch))
		return -ESTALE;
	struct segment fresh, *s = get_one(t);
	if (!s)
		return -ENOMEM;
	int rc = segment_map_reader(&fresh, t->plan, process, epoch, files, t->self);
	if (rc < 0) {
		give_back(t, s);
		return rc;
	}
	fill(s, &fresh);
	set_now(t, process, s);
	if (old) {
		old->next = t->at[process].retired; /* T3 */
		t->at[process].retired = old;
		counter_add(&t->own, COUNTER_replacements, 1);
	}
	peers_tidy(t);
	peers_interrupt(t);
	return 0;
}

const struct segment *peers_get(const struct peers *t, uint16_t process) {
	CHECK(process < PLAN_PROCESSES_MAX);
	return __atomic_load_n(&t->at[process].now, __ATOMIC_SEQ_CST);
}

void peers_interrupt(struct peers *t) {
	__atomic_fetch_add(&t->generation, 1, __ATOMIC_SEQ_CST); /* T7 */
	syscall(SYS_futex, &t->generation, FUTEX_WAKE | FUTEX_PRIVATE_FLAG, INT_MAX, NULL, NULL, 0); /* T8 */
}

unsigned peers_mappings(const struct peers *t) {
	unsigned n = 0;
	for (uint16_t p = 0; p < PLAN_PROCESSES_MAX; p++) {
		n += t->at[p].now != NULL;
		for (const struct segment *s = t->at[p].retired; s; s = s->next)
			n++;
	}
	return n;
}
