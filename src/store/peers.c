/*
 * peers.c - how a peer's memory is exchanged under running readers.
 *
 *      control thread                          data thread
 *      store at[p].now                         users++
 *      retire the old one                      load at[p].now, use the mapping
 *      ...                                     (post a lease)
 *      each shard of users 0 at some time?     users--
 *      no lease in it?  unmap
 *
 * A thread that enters after the store finds the new mapping, so once each shard has been empty at
 * some time after it, nobody who found the old one is left; then only leases can hold it, and those
 * were posted before their threads left.  All total: each line of one side pairs with one of the other.
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

static void keep(struct peers *t, struct segment *s) {
	s->next = t->free;
	t->free = s;
}

static void give_back(struct peers *t, struct segment *s) {
	if (is_spare(t, s))
		keep(t, s);
	else
		free(s);
}

void peers_init(struct peers *t, const struct plan *p, uint16_t self) {
	CHECK(self < p->processes.count);
	*t = (struct peers){ .plan = p, .self = self };
	t->spin = sysconf(_SC_NPROCESSORS_ONLN) > 2 ? SPIN : 0;
	for (unsigned i = 0; i < PEERS_SPARES; i++)
		keep(t, &t->spares[i]);
}

static struct segment *get_one(struct peers *t) {
	struct segment *s = t->free;
	if (!s)
		return malloc(sizeof(*s));
	t->free = s->next;
	return s;
}

static void drop(struct peers *t, struct segment *s) {
	segment_unmap(s);
	give_back(t, s);
}

void peers_fini(struct peers *t) {
	for (uint16_t p = 0; p < PLAN_PROCESSES_MAX; p++) {
		struct peer *q = &t->at[p];
		while (q->retired) {
			struct segment *s = q->retired;
			q->retired = s->next;
			drop(t, s);
		}
		if (q->now && q->now != &t->own)
			drop(t, q->now);
		q->now = NULL;
	}
	segment_unmap(&t->own);
	directory_unmap(&t->directory);
}

static void acknowledge(const struct peers *t, uint16_t process, uint32_t epoch) {
	if (t->own.base)
		__atomic_store_n(&segment_head(&t->own)->desks[process], epoch, __ATOMIC_SEQ_CST);
}

static void set_now(struct peers *t, uint16_t process, struct segment *s) {
	__atomic_store_n(&t->at[process].now, s, __ATOMIC_SEQ_CST);
	acknowledge(t, process, s->epoch);
}

int peers_own(struct peers *t, uint32_t epoch, int fd) {
	CHECK(!t->own.base);
	int rc = segment_map_writer(&t->own, t->plan, t->self, epoch, fd);
	if (rc < 0)
		return rc;
	set_now(t, t->self, &t->own);
	for (uint16_t p = 0; p < t->plan->processes.count; p++)
		if (t->at[p].now)
			acknowledge(t, p, t->at[p].now->epoch);
	return 0;
}

int peers_directory(struct peers *t, int fd) {
	CHECK(!t->directory.shared);
	return directory_map_reader(&t->directory, t->plan, fd);
}

/* Which thread counts where: any spread is right, an even one is fast. */
static struct peers_users *users_of(struct peers *t) {
	static uint32_t threads;
	static _Thread_local uint32_t mine;
	if (mine == 0)
		mine = __atomic_add_fetch(&threads, 1, __ATOMIC_RELAXED) % PEERS_SHARDS + 1;
	return &t->users[mine - 1];
}

void peers_enter(struct peers *t) {
	__atomic_fetch_add(&users_of(t)->count, 1, __ATOMIC_SEQ_CST);
}

void peers_leave(struct peers *t) {
	uint32_t before = __atomic_fetch_sub(&users_of(t)->count, 1, __ATOMIC_SEQ_CST);
	CHECK(before != 0);
}

static uint32_t empty_shards(const struct peers *t) {
	uint32_t empty = 0;
	for (unsigned i = 0; i < PEERS_SHARDS; i++)
		if (__atomic_load_n(&t->users[i].count, __ATOMIC_SEQ_CST) == 0)
			empty |= 1u << i;
	return empty;
}

void peers_tidy(struct peers *t) {
	uint32_t empty = empty_shards(t);
	for (uint16_t p = 0; p < t->plan->processes.count; p++) {
		struct segment **at = &t->at[p].retired;
		while (*at) {
			struct segment *s = *at;
			s->idle |= empty;
			if (s->idle != (1u << PEERS_SHARDS) - 1 || desk_holds(t, p, s->epoch)) {
				at = &s->next;
				continue;
			}
			*at = s->next;
			drop(t, s);
		}
	}
}

int peers_replace(struct peers *t, uint16_t process, uint32_t epoch, int fd) {
	CHECK(process < t->plan->processes.count);
	struct segment *old = t->at[process].now;
	if (process == t->self || (old && epoch <= old->epoch))
		return -ESTALE;
	struct segment *s = get_one(t);
	if (!s)
		return -ENOMEM;
	int rc = segment_map_reader(s, t->plan, process, epoch, fd);
	if (rc < 0) {
		give_back(t, s);
		return rc;
	}
	set_now(t, process, s);
	if (old) {
		old->next = t->at[process].retired;
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
	__atomic_fetch_add(&t->generation, 1, __ATOMIC_SEQ_CST);
	syscall(SYS_futex, &t->generation, FUTEX_WAKE | FUTEX_PRIVATE_FLAG, INT_MAX, NULL, NULL, 0);
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
