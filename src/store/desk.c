/* desk.c - see desk.h for the two Dekker pairs; layout.h for the words. */
#include "store/desk.h"

#include "store/tally.h"

static uint64_t lease_word(uint16_t field, uint32_t epoch, uint32_t slot, uint64_t version) {
	return (version & 0xff) << 56 | (uint64_t)slot << 32 | (uint64_t)(epoch & 0xffff) << 16 |
			(uint16_t)(field + 1);
}

static uint32_t lease_epoch(uint64_t word) {
	return (uint32_t)(word >> 16) & 0xffff;
}

static uint32_t quota_of(const struct peers *t, uint16_t process) {
	return plan_processes(t->plan)[process].lease_quota;
}

bool desk_is_known(const struct peers *t, const struct segment *writer) {
	return t->own.base && __atomic_load_n(&segment_head(writer)->desks[t->self], __ATOMIC_SEQ_CST) ==
			t->own.epoch;
}

bool desk_is_heard(const struct peers *t, const struct segment *writer) {
	return desk_is_known(t, writer) || directory_is_over(&t->directory, writer->process, writer->epoch);
}

uint64_t *desk_post(const struct peers *t, uint16_t field, uint32_t epoch, uint32_t slot, uint64_t version) {
	uint64_t word = lease_word(field, epoch, slot, version), *leases = t->own.desk->leases;

	CHECK(t->own.writable && slot < LAYOUT_SLOTS_MAX); /* 24 bits */
	for (uint32_t i = 0; i < quota_of(t, t->self); i++) {
		uint64_t none = 0;
		/* pairs with the load in desk_is_leased(); total: the slot's stamp is looked at next */
		if (word_peek(&leases[i]) == 0 && __atomic_compare_exchange_n(&leases[i], &none, word, false,
				__ATOMIC_SEQ_CST, __ATOMIC_RELAXED))
			return &leases[i];
	}
	return NULL;
}

void desk_clear(uint64_t *lease) {
	CHECK(word_peek(lease) != 0);
	word_store(lease, 0); /* our loads of the sample come before the writer's next stores to it */
}

unsigned desk_index(const struct peers *t, const uint64_t *lease) {
	unsigned i = (unsigned)(lease - t->own.desk->leases);
	CHECK(i < quota_of(t, t->self));
	return i;
}

static bool is_ahead(const struct peers *t, uint32_t i) {
	return __atomic_load_n(&t->ahead[i / 64], __ATOMIC_SEQ_CST) >> (i % 64) & 1; /* T5 */
}

void desk_mark_ahead(struct peers *t, const uint64_t *lease, bool ahead) {
	unsigned i = desk_index(t, lease);
	uint64_t bit = UINT64_C(1) << (i % 64);
	if (ahead)
		__atomic_fetch_or(&t->ahead[i / 64], bit, __ATOMIC_SEQ_CST);
	else
		__atomic_fetch_and(&t->ahead[i / 64], ~bit, __ATOMIC_SEQ_CST); /* L2 */
}

bool desk_holds(const struct peers *t, uint16_t process, uint32_t epoch) {
	if (!t->own.base)
		return false;
	const uint64_t *leases = t->own.desk->leases;
	for (uint32_t i = 0; i < quota_of(t, t->self); i++) {
		uint64_t word = word_load_total(&leases[i]); /* T5 */
		uint32_t field = (uint32_t)(word & 0xffff) - 1;
		if (word && !is_ahead(t, i) && field < t->plan->fields.count &&
				plan_fields(t->plan)[field].process == process && lease_epoch(word) == (epoch & 0xffff))
			return true;
	}
	return false;
}

unsigned desk_count(const struct peers *t) {
	unsigned n = 0;
	for (uint32_t i = 0; t->own.base && i < quota_of(t, t->self); i++)
		n += word_peek(&t->own.desk->leases[i]) != 0;
	return n;
}

bool desk_has_plenty(const struct peers *t) {
	return 2 * desk_count(t) + 1 < quota_of(t, t->self);
}

static uint32_t *wait_word(const struct segment *s, uint32_t what) {
	return &s->desk->waits[what % LAYOUT_WAITS];
}

void desk_wait_begin(const struct peers *t, uint32_t what) {
	CHECK(t->own.writable);
	__atomic_fetch_add(wait_word(&t->own, what), 1, __ATOMIC_SEQ_CST); /* S1 */
}

void desk_wait_end(const struct peers *t, uint32_t what) {
	uint32_t before = __atomic_fetch_sub(wait_word(&t->own, what), 1, __ATOMIC_SEQ_CST); /* S7 */
	CHECK(before != 0);
}

uint32_t desk_waits(const struct peers *t, uint32_t what) {
	return __atomic_load_n(wait_word(&t->own, what), __ATOMIC_SEQ_CST);
}

void desk_view_drop(struct desk_view *v) {
	for (uint16_t p = 0; p < PLAN_PROCESSES_MAX; p++)
		peers_drop(&v->held[p]);
}

/* The next reader whose desk counts, in the order of their bits; NULL: no more. */
static const struct segment *next_reader(struct desk_view *v, uint64_t *readers) {
	while (*readers) {
		uint16_t p = (uint16_t)__builtin_ctzll(*readers);
		*readers &= *readers - 1;
		const struct segment *s = peers_now(v->peers, p, &v->held[p]);
		if (s && !directory_is_over(&v->peers->directory, p, s->epoch)) /* D2 */
			return s;
	}
	return NULL;
}

/* Of these, who is here: a seat that nobody took, or that somebody has left, costs nothing.  Pairs with set_now() in
   peers.c: whoever is not seen here was acknowledged after it, and finds what we did before by the stamp or head. */
static uint64_t present(const struct desk_view *v, uint64_t readers) {
	return readers & __atomic_load_n(&v->peers->mapped, __ATOMIC_SEQ_CST);
}

bool desk_is_leased(struct desk_view *v, uint64_t readers, uint16_t field, uint32_t slot, uint64_t version) {
	uint64_t word = lease_word(field, v->peers->own.epoch, slot, version);
	readers = present(v, readers);
	for (const struct segment *s; (s = next_reader(v, &readers));) {
		const uint64_t *leases = s->desk->leases;
		for (uint32_t i = 0; i < quota_of(v->peers, s->process); i++)
			if (word_load_total(&leases[i]) == word) /* W2 */
				return true;
	}
	return false;
}

/* Of one process, so far as it listens to this life of ours. */
static uint64_t slowest_in(const struct desk_view *v, const struct segment *s, uint64_t slowest) {
	const struct segment *own = &v->peers->own;
	uint64_t ours = (uint64_t)LAYOUT_LISTENS << 16 | own->process, what, cursor;
	for (uint32_t i = 0; i < s->tally_count; i++) {
		what = word_load(&s->tallies[i].what);
		if ((uint32_t)what != ours || !tally_is_open(what) || tally_epoch(what) == 0)
			continue; /* one that has never looked */
		cursor = word_load(&s->tallies[i].cursor); /* what it took is read to its end */
		if (tally_epoch(what) != (own->epoch & 0xffff))
			cursor = 0; /* it has not seen this life yet, and begins with record 1 */
		if (cursor < slowest)
			slowest = cursor;
	}
	return slowest;
}

uint64_t desk_slowest_listener(struct desk_view *v, uint64_t newest) {
	uint64_t readers = present(v, UINT64_MAX);
	for (const struct segment *s; (s = next_reader(v, &readers));)
		newest = slowest_in(v, s, newest);
	return newest;
}

bool desk_waiting(struct desk_view *v, uint64_t readers, uint32_t what) {
	readers = present(v, readers);
	for (const struct segment *s; (s = next_reader(v, &readers));)
		if (__atomic_load_n(wait_word(s, what), __ATOMIC_SEQ_CST) != 0) /* W8 */
			return true;
	return false;
}
