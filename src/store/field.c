/*
 * field.c - a ring of slots under stamps, with leases.
 *
 *      writer                                     reader by copy
 *      stamp = version << 1 | 1                   head -> version, slot
 *      (scan leases: step back if it is held)     stamp == version << 1 ?
 *      payload, info                              copy payload, info
 *      stamp = version << 1                       stamp == version << 1 ?
 *      head = version, slot                       reader by lease
 *      (scan waits: wake)                         post lease; stamp == version << 1, or take it back
 *
 * The writer never takes the slot of the newest sample, so that a kill at any instruction leaves
 * it whole; nor one that a reader holds, so slots do not follow each other strictly and a reader
 * in order looks for the version it wants, beginning behind the slot of the last one.
 *
 * Pairs: stamp (writer's total store, desk_leased) with lease (desk_post, reader's total load);
 * stamp even (release) with the reader's first look (acquire); payload words (release) with the
 * reader's copy (acquire), see word.h; head (total) with waits, see desk.h.  A loan is filled with
 * plain stores: those come after a total load, and no processor moves a store before such a load;
 * a reader by copy that meets them throws away what it got.  (For the language that is a race, so
 * a large sample of a field with leases is read under a lease even when it is copied.)
 */
#include "store/field.h"

#include <errno.h>
#include <limits.h>
#include <math.h>
#include "base/clock.h"
#include "store/wait.h"
#include "store/word.h"

#define TRIES 16
#define VERSION_BITS 56
#define VERSION_MASK ((UINT64_C(1) << VERSION_BITS) - 1)

static struct layout_field *shared_in(const struct segment *s, const struct plan_field *f) {
	return (struct layout_field *)(void *)(s->base + f->offset);
}

static struct layout_slot *slot_in(const struct segment *s, const struct plan_field *f, uint32_t slot) {
	CHECK(slot < f->slots);
	return (struct layout_slot *)(void *)(s->base + layout_slot_at(f->offset, slot));
}

static void *payload_in(const struct segment *s, const struct plan_field *f, uint32_t slot) {
	CHECK(slot < f->slots);
	return s->base + layout_payload_at(f->offset, f->slots, f->bytes, slot);
}

/* ---- what is said of a sample -------------------------------------------------------------------- */

static float clamp_trust(float t) {
	return t >= 1.0f ? 1.0f : t > 0.0f ? t : 0.0f; /* NaN too */
}

struct field_meta field_meta_of(uint16_t source) {
	return (struct field_meta){ .source_time = { INT64_MAX }, .trust = 1.0f, .source = source };
}

void field_meta_merge(struct field_meta *m, const struct cdm_info *source) {
	if (source->source_time.ns < m->source_time.ns)
		m->source_time = source->source_time;
	if (!(source->trust >= m->trust))
		m->trust = clamp_trust(source->trust);
	if (source->status > m->status)
		m->status = source->status;
}

/* The words of a slot header between its stamp and its payload. */
struct saying {
	uint64_t source_ns, publish_ns, origin, extent;
};

/* Within 0..now: the clock begins at 0, so ages that readers compute cannot overflow. */
static uint64_t clamp_time(struct cdm_mono t, struct cdm_mono now) {
	return (uint64_t)(t.ns < 0 ? 0 : t.ns < now.ns ? t.ns : now.ns);
}

static struct saying say(const struct field_meta *m, uint32_t bytes, struct cdm_mono now) {
	uint32_t trust;
	float clamped = clamp_trust(m->trust);

	CHECK(m->status <= CDM_ORPHAN);
	memcpy(&trust, &clamped, sizeof(trust));
	return (struct saying){
		.source_ns = clamp_time(m->source_time, now),
		.publish_ns = (uint64_t)now.ns,
		.origin = trust | (uint64_t)m->source << 32 | (uint64_t)m->status << 48,
		.extent = bytes,
	};
}

static struct saying listen(const struct layout_slot *s) {
	return (struct saying){ word_load(&s->source_ns), word_load(&s->publish_ns), word_load(&s->origin),
		word_load(&s->extent) };
}

static bool extent_ok(const struct plan_field *f, uint64_t extent) {
	return extent <= f->bytes; /* the upper half names a memory kind: 0 is all there is */
}

/* ---- writing ------------------------------------------------------------------------------------- */

int field_writer_open(struct field_writer *w, struct peers *t, uint16_t field) {
	CHECK(t->own.writable);
	*w = (struct field_writer){ .peers = t, .index = field, .loaned = -1, .newest = -1 };
	if (field >= t->plan->fields.count)
		return -EINVAL;
	w->plan = &plan_fields(t->plan)[field];
	if (w->plan->process != t->self)
		return -EACCES;
	const struct layout_field *shared = shared_in(&t->own, w->plan);
	uint64_t head = word_load(&shared->head);
	w->drops = word_peek(&shared->drops);
	w->wakes = word_peek(&shared->wakes);
	w->degraded = word_peek(&shared->degraded);
	w->version = head & VERSION_MASK;
	if (w->version)
		w->newest = (int)(head >> VERSION_BITS);
	return 0;
}

void field_writer_close(struct field_writer *w) {
	for (uint16_t p = 0; p < PLAN_PROCESSES_MAX; p++)
		peers_drop(&w->desks[p]);
}

/* Try one slot: odd stamp first, then the desks, and back if somebody holds it. */
static bool claim(struct field_writer *w, uint32_t slot, struct desk_slots *leased) {
	struct layout_slot *s = slot_in(&w->peers->own, w->plan, slot);
	uint64_t old = word_peek(&s->stamp);

	word_store_total(&s->stamp, (w->version + 1) << 1 | 1);
	if (w->plan->leases == 0) {
		(void)word_load_total(&s->stamp); /* what a loan's plain stores stay behind */
		return true;
	}
	desk_leased(w, leased);
	if (!desk_slots_has(leased, slot))
		return true;
	word_store(&s->stamp, old); /* untouched: it is still that sample */
	return false;
}

static int claim_any(struct field_writer *w) {
	struct desk_slots leased = { { 0 } };
	uint32_t slots = w->plan->slots;

	CHECK(w->loaned < 0 && w->version < VERSION_MASK);
	for (uint32_t i = 1; i <= slots; i++) {
		uint32_t slot = ((uint32_t)(w->newest + (int)slots) + i) % slots;
		if ((int)slot == w->newest || desk_slots_has(&leased, slot))
			continue;
		if (claim(w, slot, &leased))
			return w->loaned = (int)slot;
	}
	w->drops++;
	word_poke(&shared_in(&w->peers->own, w->plan)->drops, w->drops);
	counter_add(&w->peers->own, COUNTER_drops, 1);
	return -1;
}

void *field_loan(struct field_writer *w) {
	int slot = claim_any(w);
	return slot < 0 ? NULL : payload_in(&w->peers->own, w->plan, (uint32_t)slot);
}

uint64_t field_publish(struct field_writer *w, uint32_t bytes, const struct field_meta *m, struct cdm_mono now) {
	const struct segment *own = &w->peers->own;
	struct layout_field *shared = shared_in(own, w->plan);

	CHECK(w->loaned >= 0 && bytes <= w->plan->bytes);
	struct layout_slot *s = slot_in(own, w->plan, (uint32_t)w->loaned);
	struct saying words = say(m, bytes, now);
	word_store(&s->source_ns, words.source_ns);
	word_store(&s->publish_ns, words.publish_ns);
	word_store(&s->origin, words.origin);
	word_store(&s->extent, words.extent);
	w->version++;
	w->newest = w->loaned;
	w->loaned = -1;
	word_store(&s->stamp, w->version << 1);
	word_store_total(&shared->head, w->version | (uint64_t)w->newest << VERSION_BITS);
	counter_add(own, COUNTER_publishes, 1);
	if (m->status == CDM_DEGRADED)
		word_poke(&shared->degraded, ++w->degraded);
	if (wait_wake(w)) {
		word_poke(&shared->wakes, ++w->wakes);
		counter_add(own, COUNTER_wakes, 1);
	}
	return w->version;
}

void field_abandon(struct field_writer *w) {
	CHECK(w->loaned >= 0);
	w->loaned = -1; /* its stamp stays odd: no sample */
}

int field_write(struct field_writer *w, const void *data, uint32_t bytes, const struct field_meta *m,
		struct cdm_mono now) {
	if (bytes > w->plan->bytes)
		return -E2BIG;
	int slot = claim_any(w);
	if (slot < 0)
		return -EAGAIN;
	word_copy_in(payload_in(&w->peers->own, w->plan, (uint32_t)slot), data, bytes);
	field_publish(w, bytes, m, now);
	return 0;
}

/* ---- finding a sample ---------------------------------------------------------------------------- */

int field_open(struct field *f, struct peers *t, uint16_t field) {
	*f = (struct field){ .peers = t, .index = field,
		.generation = __atomic_load_n(&t->generation, __ATOMIC_SEQ_CST) };
	if (field >= t->plan->fields.count)
		return -EINVAL;
	f->plan = &plan_fields(t->plan)[field];
	bool ours = f->plan->process == t->self || f->plan->readers >> t->self & 1;
	return ours ? 0 : -EACCES;
}

void field_close(struct field *f) {
	peers_drop(&f->segment);
}

/* A sample that was there when we looked. */
struct found {
	const struct segment *segment;
	uint64_t version, newest;
	uint64_t missed; /* before it, if it is taken in order */
	uint32_t slot;
};

static void count(const struct field *f, enum counter c, uint64_t n) {
	counter_add(&f->peers->own, c, n);
}

static int broken(const struct field *f) {
	count(f, COUNTER_broken, 1);
	return -EPROTO;
}

static int find_latest(struct field *f, struct found *x) {
	const struct segment *s = peers_now(f->peers, f->plan->process, &f->segment);
	if (!s)
		return -EAGAIN;
	uint64_t head = word_load_total(&shared_in(s, f->plan)->head);
	*x = (struct found){ .segment = s, .version = head & VERSION_MASK, .newest = head & VERSION_MASK,
		.slot = (uint32_t)(head >> VERSION_BITS) };
	if (x->slot >= f->plan->slots || (f->epoch == s->epoch && x->newest < f->version))
		return broken(f);
	return x->newest ? 0 : -EAGAIN;
}

static uint64_t stamp_of(const struct field *f, const struct segment *s, uint32_t slot) {
	return word_load(&slot_in(s, f->plan, slot)->stamp);
}

static bool find_version(const struct field *f, struct found *x, uint64_t version) {
	for (uint32_t i = 1; i <= f->plan->slots; i++) {
		uint32_t slot = (f->slot + i) % f->plan->slots;
		if (stamp_of(f, x->segment, slot) != version << 1)
			continue;
		x->slot = slot;
		x->version = version;
		return true;
	}
	return false;
}

/* Lapped: the oldest sample after `taken` that is at most half a lap behind the newest.  x is the newest. */
static void find_half_lap(const struct field *f, struct found *x, uint64_t taken) {
	for (uint32_t slot = 0; slot < f->plan->slots; slot++) {
		uint64_t stamp = stamp_of(f, x->segment, slot), version = stamp >> 1;
		if (stamp & 1 || version <= taken || version >= x->version ||
				version + f->plan->slots / 2 <= x->newest)
			continue;
		x->slot = slot;
		x->version = version;
	}
}

/* In order.  Between epochs, what was known of the old one and never taken is missed. */
static int find_next(struct field *f, struct found *x) {
	int rc = find_latest(f, x);
	if (rc < 0)
		return rc;
	bool same = f->epoch == x->segment->epoch;
	uint64_t taken = same ? f->version : 0, lost = same || !f->epoch ? 0 : f->known - f->version;
	if (x->newest == taken)
		return -EAGAIN;
	if (!find_version(f, x, taken + 1))
		find_half_lap(f, x, taken);
	x->missed = f->epoch ? lost + (x->version - taken - 1) : 0;
	return 0;
}

/* ---- taking it ----------------------------------------------------------------------------------- */

static int tell(const struct field *f, const struct found *x, const struct saying *w, struct cdm_mono now,
		struct cdm_info *info) {
	uint32_t trust_bits = (uint32_t)w->origin;
	struct cdm_info i = { .version = x->version, .source_time = { (int64_t)w->source_ns },
		.publish_time = { (int64_t)w->publish_ns }, .source = (uint16_t)(w->origin >> 32),
		.status = (uint16_t)(w->origin >> 48), .epoch = x->segment->epoch, .bytes = (uint32_t)w->extent };

	memcpy(&i.trust, &trust_bits, sizeof(i.trust));
	if (!(i.trust >= 0.0f && i.trust <= 1.0f) || i.status > CDM_ORPHAN ||
			i.source >= f->peers->plan->entities.count || i.source_time.ns < 0 ||
			i.source_time.ns > i.publish_time.ns)
		return broken(f);
	if (f->plan->max_age_ns && i.status < CDM_STALE &&
			i.source_time.ns < now.ns - f->plan->max_age_ns)
		i.status = CDM_STALE;
	if (directory_is_over(&f->peers->directory, f->plan->process, x->segment->epoch))
		i.status = CDM_ORPHAN;
	if (info)
		*info = i;
	return 0;
}

/* -EAGAIN: the writer was faster. */
static int copy_words(const struct field *f, const struct found *x, void *out, size_t capacity,
		struct cdm_mono now, struct cdm_info *info) {
	const struct layout_slot *s = slot_in(x->segment, f->plan, x->slot);

	if (word_load(&s->stamp) != x->version << 1)
		return -EAGAIN;
	struct saying w = listen(s);
	bool whole = extent_ok(f->plan, w.extent), room = w.extent <= capacity || !out;
	if (whole && room && out)
		word_copy_out(out, payload_in(x->segment, f->plan, x->slot), w.extent);
	if (word_load(&s->stamp) != x->version << 1)
		return -EAGAIN;
	if (!whole)
		return broken(f);
	return room ? tell(f, x, &w, now, info) : -E2BIG;
}

static int borrow(const struct field *f, const struct found *x, struct cdm_mono now, struct field_lease *l) {
	const struct layout_slot *s = slot_in(x->segment, f->plan, x->slot);

	if (!f->plan->leases)
		return -ENOTSUP;
	if (!desk_is_known(f->peers, x->segment))
		return -EAGAIN;
	uint64_t *word = desk_post(f->peers, f->index, x->segment->epoch, x->slot, x->version);
	if (!word) {
		count(f, COUNTER_lease_busy, 1);
		return -EBUSY;
	}
	int rc = -EAGAIN;
	if (word_load_total(&s->stamp) == x->version << 1) {
		struct saying w = listen(s);
		rc = extent_ok(f->plan, w.extent) ? tell(f, x, &w, now, &l->info) : broken(f);
	}
	if (rc < 0) {
		desk_clear(word);
		return rc;
	}
	l->word = word;
	l->data = payload_in(x->segment, f->plan, x->slot);
	count(f, COUNTER_leases, 1);
	return 0;
}

static int copy_lease(const struct field *f, const struct found *x, void *out, size_t capacity,
		struct cdm_mono now, struct cdm_info *info) {
	struct field_lease l = { 0 };
	int rc = borrow(f, x, now, &l);
	if (rc < 0)
		return rc;
	if (l.info.bytes <= capacity) {
		memcpy(out, l.data, l.info.bytes);
		if (info)
			*info = l.info;
	} else {
		rc = -E2BIG;
	}
	field_release(&l);
	return rc;
}

static int copy(const struct field *f, const struct found *x, void *out, size_t capacity, struct cdm_mono now,
		struct cdm_info *info) {
	if (out && f->plan->leases && f->plan->bytes > LAYOUT_LARGE) {
		int rc = copy_lease(f, x, out, capacity, now, info);
		bool known = desk_is_known(f->peers, x->segment);
		if (rc != -EBUSY && (rc != -EAGAIN || known))
			return rc;
	}
	return copy_words(f, x, out, capacity, now, info);
}

static void took(struct field *f, const struct found *x) {
	f->epoch = x->segment->epoch;
	f->version = x->version;
	f->known = x->newest;
	f->slot = (uint8_t)x->slot;
}

/* One way to find with one way to take, until both hold or the writer has been faster too often. */
struct request {
	int (*find)(struct field *f, struct found *x);
	struct field_lease *lease; /* by lease */
	void *out;                 /* by copy */
	size_t capacity;
	struct cdm_info *info;
};

static int try_take(struct field *f, const struct request *q, struct cdm_mono now, struct found *x) {
	int rc = -EAGAIN;
	for (int i = 0; i < TRIES && rc == -EAGAIN; i++) {
		rc = q->find(f, x);
		if (rc < 0)
			return rc;
		rc = q->lease ? borrow(f, x, now, q->lease) : copy(f, x, q->out, q->capacity, now, q->info);
		if (rc == -EAGAIN)
			count(f, COUNTER_retries, 1);
	}
	if (rc == -EAGAIN)
		count(f, COUNTER_lapsed, 1);
	return rc;
}

static int take(struct field *f, const struct request *q, struct cdm_mono now) {
	struct found x;
	int rc = try_take(f, q, now, &x);
	if (rc == 0)
		took(f, &x);
	if (rc < 0)
		return rc;
	if (!q->lease)
		count(f, COUNTER_reads, 1);
	if (!x.missed)
		return 0;
	f->missed += x.missed;
	count(f, COUNTER_laps, 1);
	count(f, COUNTER_missed, x.missed);
	return x.missed < INT_MAX ? (int)x.missed : INT_MAX;
}

int field_read(struct field *f, void *out, size_t capacity, struct cdm_mono now, struct cdm_info *info) {
	return take(f, &(struct request){ .find = find_latest, .out = out, .capacity = capacity, .info = info }, now);
}

int field_next(struct field *f, void *out, size_t capacity, struct cdm_mono now, struct cdm_info *info) {
	return take(f, &(struct request){ .find = find_next, .out = out, .capacity = capacity, .info = info }, now);
}

int field_peek(struct field *f, struct cdm_mono now, struct cdm_info *info) {
	struct found x;
	int rc = try_take(f, &(struct request){ .find = find_latest, .info = info }, now, &x);
	return rc;
}

/* A failed lease leaves nothing held, whatever stood in *l before. */
static int lease(struct field *f, int (*find)(struct field *, struct found *), struct cdm_mono now,
		struct field_lease *l) {
	*l = (struct field_lease){ 0 };
	return take(f, &(struct request){ .find = find, .lease = l }, now);
}

int field_lease(struct field *f, struct cdm_mono now, struct field_lease *l) {
	return lease(f, find_latest, now, l);
}

int field_lease_next(struct field *f, struct cdm_mono now, struct field_lease *l) {
	return lease(f, find_next, now, l);
}

void field_release(struct field_lease *l) {
	if (l->word)
		desk_clear(l->word);
	l->word = NULL;
	l->data = NULL;
}

/* The newest of those with source time <= at; -EAGAIN: none. */
static int find_at(struct field *f, struct cdm_mono at, struct found *x) {
	int rc = find_latest(f, x);
	int64_t best = INT64_MIN;
	if (rc < 0)
		return rc;
	x->version = 0;
	for (uint32_t slot = 0; slot < f->plan->slots; slot++) {
		uint64_t stamp = stamp_of(f, x->segment, slot), version = stamp >> 1;
		int64_t source = (int64_t)word_load(&slot_in(x->segment, f->plan, slot)->source_ns);
		if (stamp & 1 || version == 0 || version > x->newest || source > at.ns ||
				stamp_of(f, x->segment, slot) != stamp)
			continue;
		if (x->version && (source < best || (source == best && version < x->version)))
			continue;
		best = source;
		x->version = version;
		x->slot = slot;
	}
	return x->version ? 0 : -EAGAIN;
}

static int try_take_at(struct field *f, struct cdm_mono at, const struct request *q, struct cdm_mono now) {
	struct found x;
	for (int i = 0; i < TRIES; i++) {
		int rc = find_at(f, at, &x);
		if (rc < 0)
			return rc;
		rc = copy(f, &x, q->out, q->capacity, now, q->info);
		if (rc != -EAGAIN)
			return rc;
		count(f, COUNTER_retries, 1);
	}
	count(f, COUNTER_lapsed, 1);
	return -EAGAIN;
}

int field_read_at(struct field *f, struct cdm_mono at, void *out, size_t capacity, struct cdm_mono now,
		struct cdm_info *info) {
	int rc = try_take_at(f, at, &(struct request){ .out = out, .capacity = capacity, .info = info }, now);
	return rc;
}

void field_skip(struct field *f) {
	struct found x = { 0 };
	int rc = find_latest(f, &x);
	if (rc == 0 || (rc == -EAGAIN && x.segment))
		took(f, &x);
}

int field_counts(struct field *f, struct field_counts *out) {
	const struct segment *s = peers_now(f->peers, f->plan->process, &f->segment);
	const struct layout_field *shared = s ? shared_in(s, f->plan) : NULL;
	if (shared)
		*out = (struct field_counts){ word_peek(&shared->drops), word_peek(&shared->wakes),
			word_peek(&shared->degraded) };
	return shared ? 0 : -EAGAIN;
}

int field_news(struct field *f) {
	struct found x;
	int rc = find_latest(f, &x);
	if (rc == 0)
		rc = x.segment->epoch != f->epoch || x.newest > f->version;
	return rc == -EAGAIN ? 0 : rc;
}
