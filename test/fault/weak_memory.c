/* weak_memory.c - see weak_memory.h: messages at addresses, and what each thread has seen of them. */
#include "test/fault/weak_memory.h"
#undef syscall
#undef munmap
#undef mmap

#include <errno.h>
#include <limits.h>
#include <linux/futex.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <ucontext.h>
#include "base/check.h"

enum { PLACES = 512, THREADS = 8, STACK = 256 << 10, MESSAGES = 1 << 13, GONE = 4096, WATCHED = 4, MAPPINGS = 256 };

/* Of each place, the oldest message that may still be seen; of each thread, how many of its loads are over. */
struct view {
	uint16_t from[PLACES];
	uint32_t loads[THREADS];
};

struct message {
	uint64_t value;
	struct message *before;
	struct view *with; /* what an acquire of it brings; NULL: nothing */
	uint16_t number;   /* 0, 1, 2 ... of its place */
};

static struct place {
	uint64_t at; /* 0: none */
	struct message *newest;
	uint16_t total; /* of the newest seq_cst store */
	struct { const char *by; uint32_t number; } load[THREADS]; /* the last one of each */
} places[PLACES];

static struct thread {
	ucontext_t context;
	struct view view;
	void (*run)(void);
	uint64_t asleep_on[WATCHED]; /* places */
	unsigned watched; /* 0: awake */
	bool ended;
	char *stack;
} threads[THREADS];

static struct message messages[MESSAGES];
static struct view views[MESSAGES];
static struct { const char *from, *to; } gone[GONE];
static struct { const char *from, *to; uint64_t place; } mappings[MAPPINGS]; /* of files; from NULL: free */
static unsigned thread_count, message_count, gone_count;
static uint32_t patience, staleness; /* of a run: how seldom threads change places, how often loads are late; of 100 */
static struct thread *now; /* NULL: nothing is simulated */
static ucontext_t outside;
static uint64_t random_state;

uint32_t weak_draw(uint32_t n) {
	random_state = random_state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return (uint32_t)((random_state >> 33) % n);
}

static bool is_acquire(int order) {
	return order == __ATOMIC_ACQUIRE || order == __ATOMIC_ACQ_REL || order == __ATOMIC_SEQ_CST;
}

static bool is_release(int order) {
	return order == __ATOMIC_RELEASE || order == __ATOMIC_ACQ_REL || order == __ATOMIC_SEQ_CST;
}

static uint64_t peek(const void *p, size_t bytes) {
	uint64_t v = 0;
	memcpy(&v, p, bytes);
	return v;
}

/* Another thread's turn, or still this one's. */
static void step(void) {
	struct thread *me = now;
	unsigned n = 0, awake[THREADS];
	if (!me->ended && !me->watched && weak_draw(100) < patience)
		return;
	for (unsigned i = 0; i < thread_count; i++)
		if (!threads[i].ended && !threads[i].watched)
			awake[n++] = i;
	if (n == 0) {
		swapcontext(&me->context, &outside);
		return;
	}
	struct thread *next = &threads[awake[weak_draw(n)]];
	if (next == me)
		return;
	now = next;
	swapcontext(&me->context, &next->context);
}

static struct message *add_message(struct place *at, uint64_t value, struct message *before) {
	CHECK(message_count < MESSAGES);
	struct message *m = &messages[message_count++];
	*m = (struct message){ .value = value, .before = before, .number = before ? before->number + 1 : 0 };
	return at->newest = m;
}

/* What memory that is: of a file it is the same wherever it is mapped. */
static uint64_t name_of(const void *p) {
	for (unsigned i = 0; i < MAPPINGS; i++)
		if ((const char *)p >= mappings[i].from && (const char *)p < mappings[i].to)
			return mappings[i].place + (uint64_t)((const char *)p - mappings[i].from);
	return (uintptr_t)p;
}

static struct place *place_of(const void *p, size_t bytes) {
	for (unsigned i = 0; i < gone_count; i++)
		CHECK((const char *)p < gone[i].from || (const char *)p >= gone[i].to);
	uint64_t name = name_of(p);
	uint32_t i = (uint32_t)((name ^ name >> 32) >> 2) * 2654435761u % PLACES;
	for (unsigned tries = 0; places[i].at != name; i = (i + 1) % PLACES) {
		CHECK(tries++ < PLACES);
		if (places[i].at)
			continue;
		places[i] = (struct place){ .at = name };
		add_message(&places[i], peek(p, bytes), NULL);
		break;
	}
	return &places[i];
}

static uint16_t *seen(struct place *at) {
	return &now->view.from[at - places];
}

static void join(struct view *v, const struct view *with) {
	for (unsigned i = 0; with && i < PLACES; i++)
		if (with->from[i] > v->from[i])
			v->from[i] = with->from[i];
	for (unsigned i = 0; with && i < THREADS; i++)
		if (with->loads[i] > v->loads[i])
			v->loads[i] = with->loads[i];
}

static uint64_t take(struct place *at, const struct message *m, int order) {
	*seen(at) = m->number;
	if (is_acquire(order))
		join(&now->view, m->with);
	return m->value;
}

/* The newest message, or one of those before it that may still be seen. */
static const struct message *choose(struct place *at, int order) {
	const struct message *m = at->newest;
	uint16_t oldest = *seen(at);
	if (order == __ATOMIC_SEQ_CST && at->total > oldest)
		oldest = at->total;
	for (uint32_t back = weak_draw(100) < staleness ? weak_draw(m->number - oldest + 1u) : 0; back > 0; back--)
		m = m->before;
	return m;
}

uint64_t weak_load(const void *p, size_t bytes, int order) {
	if (!now)
		return peek(p, bytes);
	step();
	struct place *at = place_of(p, bytes);
	at->load[now - threads].by = p;
	at->load[now - threads].number = ++now->view.loads[now - threads];
	return take(at, choose(at, order), order);
}

bool weak_is_read(const void *p, size_t bytes) {
	const char *from = p, *to = from + bytes;
	for (const struct place *at = places; at < places + PLACES; at++)
		for (unsigned i = 0; at->at && i < thread_count; i++)
			if (&threads[i] != now && at->load[i].by >= from && at->load[i].by < to &&
					at->load[i].number > now->view.loads[i])
				return false;
	return true;
}

/* `chain`: a read-modify-write hands on what its predecessor was released with. */
static void leave(struct place *at, void *p, size_t bytes, uint64_t v, int order, bool chain) {
	struct message *before = at->newest, *m = add_message(at, v, before);
	memcpy(p, &v, bytes);
	*seen(at) = m->number;
	if (order == __ATOMIC_SEQ_CST)
		at->total = m->number;
	if (!is_release(order) && !(chain && before->with))
		return;
	m->with = &views[m - messages];
	*m->with = (struct view){ { 0 }, { 0 } };
	if (is_release(order))
		*m->with = now->view;
	if (chain)
		join(m->with, before->with);
}

void weak_store(void *p, size_t bytes, uint64_t v, int order) {
	if (!now) {
		memcpy(p, &v, bytes);
		return;
	}
	step();
	leave(place_of(p, bytes), p, bytes, v, order, false);
}

uint64_t weak_change(void *p, size_t bytes, uint64_t keep, uint64_t v, int order) {
	uint64_t old = peek(p, bytes), fresh;
	struct place *at = NULL;
	if (now) {
		step();
		at = place_of(p, bytes);
		old = take(at, at->newest, order);
	}
	fresh = (old & keep) + v;
	fresh = bytes < 8 ? fresh & ((UINT64_C(1) << 8 * bytes) - 1) : fresh;
	if (now)
		leave(at, p, bytes, fresh, order, true);
	else
		memcpy(p, &fresh, bytes);
	return old;
}

bool weak_compare_exchange(void *p, size_t bytes, void *expected, uint64_t v, int order) {
	if (!now) {
		bool same = memcmp(p, expected, bytes) == 0;
		memcpy(same ? p : expected, same ? (const void *)&v : p, bytes);
		return same;
	}
	step();
	struct place *at = place_of(p, bytes);
	uint64_t old = take(at, at->newest, order), wanted = peek(expected, bytes);
	if (old == wanted)
		leave(at, p, bytes, v, order, true);
	else
		memcpy(expected, &old, bytes);
	return old == wanted;
}

/* ---- the kernel ---------------------------------------------------------------------------------- */

static void wake(uint64_t place) {
	for (unsigned i = 0; i < thread_count; i++)
		for (unsigned k = 0; k < threads[i].watched; k++)
			if (threads[i].asleep_on[k] == place)
				threads[i].watched = 0;
}

/* The kernel looks as a seq_cst load would, and falls asleep in the same step. */
static long sleep_on(const struct futex_waitv *words, unsigned n, bool limited) {
	step();
	CHECK(n <= WATCHED);
	for (unsigned i = 0; i < n; i++) {
		const void *p = (const void *)(uintptr_t)words[i].uaddr;
		struct place *at = place_of(p, sizeof(uint32_t));
		if ((uint32_t)take(at, choose(at, __ATOMIC_SEQ_CST), __ATOMIC_SEQ_CST) != (uint32_t)words[i].val) {
			errno = EAGAIN;
			return -1;
		}
		now->asleep_on[i] = at->at;
	}
	if (limited) {
		errno = ETIMEDOUT;
		return -1;
	}
	now->watched = n;
	step();
	return 0;
}

long weak_syscall(long number, ...) {
	va_list list;
	long a[4];
	va_start(list, number);
	for (int i = 0; i < 4; i++)
		a[i] = va_arg(list, long);
	va_end(list);
	if (!now)
		return 0;
	if (number != SYS_futex) /* futex_waitv */
		return sleep_on((const struct futex_waitv *)(uintptr_t)a[0], (unsigned)a[1], a[3] != 0);
	CHECK((a[1] & FUTEX_CMD_MASK) == FUTEX_WAKE);
	step();
	wake(name_of((const void *)(uintptr_t)a[0]));
	return 0;
}

/* Whole mappings: those of a segment are forgotten together. */
static void forget(const char *from, const char *to) {
	for (unsigned i = 0; i < MAPPINGS; i++)
		if (mappings[i].from && mappings[i].from < to && mappings[i].to > from)
			mappings[i].from = mappings[i].to = NULL;
}

static void remember(const char *from, const char *to, int fd, uint64_t at) {
	struct stat s;
	unsigned i = 0;
	CHECK(fstat(fd, &s) == 0);
	while (i < MAPPINGS && mappings[i].from)
		i++;
	CHECK(i < MAPPINGS);
	mappings[i].from = from;
	mappings[i].to = to;
	mappings[i].place = UINT64_C(1) << 63 | ((uint64_t)s.st_ino & 0x7fffffff) << 32 | at;
}

int weak_munmap(void *p, size_t bytes) {
	forget(p, (const char *)p + bytes);
	if (!now)
		return munmap(p, bytes);
	CHECK(weak_is_read(p, bytes));
	CHECK(gone_count < GONE);
	gone[gone_count].from = p;
	gone[gone_count++].to = (char *)p + bytes;
	return mmap(p, bytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == p ? 0 : -1;
}

void *weak_mmap(void *p, size_t bytes, int protection, int how, int fd, off_t at) {
	bool zeros = now && how & MAP_FIXED && how & MAP_ANONYMOUS;
	if (zeros)
		step();
	char *got = mmap(p, bytes, protection, how & ~MAP_POPULATE, fd, at); /* few pages are looked at */
	if (got == MAP_FAILED)
		return MAP_FAILED;
	forget(got, got + bytes); /* from now on these are addresses where nobody has stored anything */
	if (fd >= 0)
		remember(got, got + bytes, fd, (uint64_t)at);
	for (unsigned i = 0; zeros && i < thread_count; i++)
		join(&threads[i].view, &now->view);
	return got;
}

/* ---- a run --------------------------------------------------------------------------------------- */

static void begin(void) {
	now->run();
	now->ended = true;
	step();
}

static void prepare(struct thread *t, void (*run)(void)) {
	char *stack = t->stack ? t->stack : malloc(STACK);
	CHECK(stack);
	*t = (struct thread){ .run = run, .stack = stack };
	CHECK(getcontext(&t->context) == 0);
	t->context.uc_stack.ss_sp = stack;
	t->context.uc_stack.ss_size = STACK;
	makecontext(&t->context, begin, 0);
}

bool weak_run(uint64_t seed, unsigned count, void (*const *run)(void)) {
	static const uint32_t patiences[] = { 0, 50, 80, 95 }, stalenesses[] = { 20, 60, 95 };
	bool all = true;
	CHECK(count <= THREADS);
	random_state = seed * UINT64_C(0x9e3779b97f4a7c15) + 1;
	weak_draw(2);
	patience = patiences[weak_draw(4)];
	staleness = stalenesses[weak_draw(3)];
	memset(places, 0, sizeof(places));
	message_count = 0;
	thread_count = count;
	for (unsigned i = 0; i < count; i++)
		prepare(&threads[i], run[i]);
	now = &threads[weak_draw(count)];
	CHECK(swapcontext(&outside, &now->context) == 0);
	now = NULL;
	for (unsigned i = 0; i < gone_count; i++) /* they may be used again */
		CHECK(munmap((void *)(uintptr_t)gone[i].from, (size_t)(gone[i].to - gone[i].from)) == 0);
	gone_count = 0;
	for (unsigned i = 0; i < count; i++)
		all &= threads[i].ended;
	return all;
}
