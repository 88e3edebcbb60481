/*
 * field.c - a ring of slots under stamps, with leases.
 *
 *      writer                                     reader by copy
 *      stamp of the next slot = v + 1, odd        slot and v by the head; or where v + 1 will stand
 *      (scan leases: back if it is held)          stamp == v << 1 ?
 *        ... until there is a sample ...          copy payload, info
 *      payload, info                              stamp == v << 1 ?
 *      stamp = v + 1 << 1                         reader by lease
 *      head = slot, v + 1                         post lease; stamp == v << 1, or take it back
 *      (scan waits: wake)
 *      the next slot again
 *
 * The writer claims a slot when it has published the sample before, so that a publish is one burst of
 * stores and a reader that looks at the stamp gets news and sample in one line.  It never takes the slot of
 * the newest sample, so that a kill at any instruction leaves it whole; nor one that a reader
 * holds, so slots do not follow each other strictly, and who does not find the next sample behind the last
 * one searches.
 *
 * Pairs: stamp (writer's total store, desk_is_leased) with lease (desk_post, reader's total load);
 * stamp even (release) with the reader's first look (acquire); payload words (release) with the
 * reader's copy (acquire), see word.h; head (total) with waits, see desk.h.  A loan is filled with
 * plain stores: those come after a total load, and no processor moves a store before such a load;
 * a reader by copy that meets them throws away what it got.  (For the language that is a race, so
 * a large sample of a field with leases is read under a lease even when it is copied.)
 *
 * Fields of a group share the head of one of them, and take the same slots: see group.c.
 */
#include "store/field.h"

#include <errno.h>
#include <limits.h>
#include <math.h>
#include "base/clock.h"
#include "store/field_priv.h"
#include "store/wait.h"
#include "store/word.h"

#define TRIES 16
#define MOVED_ON (-ESTALE) /* inside this file: the writer was faster, look again */

/* ---- what is said of a sample -------------------------------------------------------------------- */

static float clamp_trust(float t) {
	return t >= 1.0f ? 1.0f : t > 0.0f ? t : 0.0f; /* NaN too */
}

struct field_meta field_meta_of(uint16_t source) {
	return (struct field_meta){ .source_time = { INT64_MAX }, .trust = 1.0f, .source = source };
}

static void hold_to(struct field_meta *m, struct cdm_mono source_time, float trust, uint16_t status) {
	if (source_time.ns < m->source_time.ns)
		m->source_time = source_time;
	if (!(trust >= m->trust))
		m->trust = clamp_trust(trust);
	if (status > m->status)
		m->status = status;
}

void field_meta_merge(struct field_meta *m, const struct cdm_info *source) {
	hold_to(m, source->source_time, source->trust, source->status);
}

void field_meta_join(struct field_meta *m, const struct field_meta *sum) {
	hold_to(m, sum->source_time, sum->trust, sum->status);
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

/* Try one slot: odd stamp first, then the desks, and back if somebody holds it. */
static bool claim(struct field_writer *w, uint32_t slot) {
	struct layout_slot *s = field_slot(&w->peers->own, w->plan, slot);
	uint64_t old = word_peek(&s->stamp);

	word_store_total(&s->stamp, (w->version + 1) << 1 | 1);
	if (w->plan->leases == 0) {
		(void)word_load_total(&s->stamp); /* what a loan's plain stores stay behind */
		return true;
	}
	if (!desk_is_leased(w, slot))
		return true;
	word_store(&s->stamp, old); /* untouched: it is still that sample */
	return false;
}

/* The first slot behind the newest that nobody holds, for the next sample; or FIELD_NO_SLOT. */
static void claim_next(struct field_writer *w) {
	uint32_t slots = w->plan->slots;
	CHECK(!w->loaned && w->next == FIELD_NO_SLOT);
	for (uint32_t i = 1; i < slots && w->next == FIELD_NO_SLOT; i++) {
		uint32_t slot = w->newest + i < slots ? w->newest + i : w->newest + i - slots;
		if (claim(w, slot))
			w->next = slot;
	}
}

int field_writer_open(struct field_writer *w, struct peers *t, uint16_t field) {
	CHECK(t->own.writable);
	*w = (struct field_writer){ .peers = t, .index = field, .next = FIELD_NO_SLOT };
	if (field >= t->plan->fields.count)
		return -EINVAL;
	w->plan = &plan_fields(t->plan)[field];
	if (w->plan->process != t->self)
		return -EACCES;
	const struct layout_field *shared = field_shared(&t->own, w->plan);
	w->drops = word_peek(&shared->drops);
	w->wakes = word_peek(&shared->wakes);
	w->degraded = word_peek(&shared->degraded);
	uint32_t newest = (uint32_t)(word_load(&field_leader(t->plan, &t->own, w->plan)->head) >> 32);
	w->version = word_load(&field_slot(&t->own, w->plan, newest)->stamp) >> 1;
	w->newest = w->version ? newest : w->plan->slots - 1;
	if (w->plan->group == field)
		claim_next(w);
	return 0;
}

void field_writer_close(struct field_writer *w) {
	for (uint16_t p = 0; p < PLAN_PROCESSES_MAX; p++)
		peers_drop(&w->desks[p]);
}

void *field_loan(struct field_writer *w) {
	CHECK(!w->loaned && w->plan->group == w->index);
	if (w->next == FIELD_NO_SLOT)
		claim_next(w);
	if (w->next == FIELD_NO_SLOT) {
		word_poke(&field_shared(&w->peers->own, w->plan)->drops, ++w->drops);
		counter_add(&w->peers->own, COUNTER_drops, 1);
		return NULL;
	}
	w->loaned = true;
	return field_payload(&w->peers->own, w->plan, w->next);
}

/* All that is said of the sample in the claimed slot; its stamp, last, makes it one. */
static void stamp(struct field_writer *w, uint32_t bytes, const struct field_meta *m, struct cdm_mono now) {
	struct layout_slot *s = field_slot(&w->peers->own, w->plan, w->next);
	struct saying words = say(m, bytes, now);
	word_store(&s->source_ns, words.source_ns);
	word_store(&s->publish_ns, words.publish_ns);
	word_store(&s->origin, words.origin);
	word_store(&s->extent, words.extent);
	w->newest = w->next;
	w->next = FIELD_NO_SLOT;
	w->loaned = false;
	word_store(&s->stamp, ++w->version << 1);
}

uint64_t field_publish(struct field_writer *w, uint32_t bytes, const struct field_meta *m, struct cdm_mono now) {
	const struct segment *own = &w->peers->own;
	struct layout_field *shared = field_shared(own, w->plan);

	CHECK(w->loaned && bytes <= w->plan->bytes);
	stamp(w, bytes, m, now);
	word_store_total(&shared->head, (uint64_t)w->newest << 32 | (uint32_t)w->version);
	counter_add(own, COUNTER_publishes, 1);
	if (m->status == CDM_DEGRADED)
		word_poke(&shared->degraded, ++w->degraded);
	if (wait_wake(w)) {
		word_poke(&shared->wakes, ++w->wakes);
		counter_add(own, COUNTER_wakes, 1);
	}
	claim_next(w);
	return w->version;
}

void field_abandon(struct field_writer *w) {
	CHECK(w->loaned);
	w->loaned = false; /* the slot stays claimed */
}

int field_write(struct field_writer *w, const void *data, uint32_t bytes, const struct field_meta *m,
		struct cdm_mono now) {
	if (bytes > w->plan->bytes)
		return -E2BIG;
	void *loan = field_loan(w);
	if (!loan)
		return -EAGAIN;
	word_copy_in(loan, data, bytes);
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

static uint64_t stamp_of(const struct field *f, const struct segment *s, uint32_t slot) {
	return word_load(&field_slot(s, f->plan, slot)->stamp);
}

/* Does the slot of the sample we took last still hold it? */
static bool holds_taken(const struct field *f, const struct segment *s) {
	return f->epoch == s->epoch && f->version && stamp_of(f, s, f->slot) == f->version << 1;
}

static int find_latest(struct field *f, struct found *x) {
	const struct segment *s = peers_now(f->peers, f->plan->process, &f->segment);
	if (!s)
		return -EAGAIN;
	uint64_t head = word_load_total(&field_leader(f->peers->plan, s, f->plan)->head);
	*x = (struct found){ .segment = s, .slot = (uint32_t)(head >> 32) };
	if (x->slot >= f->plan->slots)
		return broken(f);
	uint64_t stamp = stamp_of(f, s, x->slot);
	if (head == 0 && stamp <= 3) /* nothing yet, or the first one is being written */
		return -EAGAIN;
	if (stamp & 1 || (uint32_t)(stamp >> 1) != (uint32_t)head)
		return MOVED_ON;
	if (stamp == 0)
		return broken(f);
	x->version = x->newest = stamp >> 1;
	if (f->epoch != s->epoch || x->version >= f->version)
		return 0;
	if (!holds_taken(f, s)) /* a head that lags behind what was taken by its stamp is right, any other is not */
		return broken(f);
	x->slot = f->slot;
	x->version = x->newest = f->version;
	return 0;
}

/* `steps`: up to as many as there are slots. */
static uint32_t slot_before(const struct field *f, uint32_t slot, uint32_t steps) {
	return slot >= steps ? slot - steps : slot + f->plan->slots - steps;
}

/* Samples follow each other slot by slot, but for slots that were held.  x is the newest. */
static bool find_version(const struct field *f, struct found *x, uint64_t version) {
	if (x->newest - version >= f->plan->slots)
		return false;
	uint32_t slot = slot_before(f, x->slot, (uint32_t)(x->newest - version));
	for (uint32_t i = 0; i < f->plan->slots; i++, slot = slot_before(f, slot, 1)) {
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
	uint32_t newest = x->slot;
	for (uint32_t back = f->plan->slots / 2; back > 0; back--) {
		uint32_t slot = slot_before(f, newest, back);
		uint64_t stamp = stamp_of(f, x->segment, slot), version = stamp >> 1;
		if (stamp & 1 || version <= taken || version >= x->newest ||
				version + f->plan->slots / 2 <= x->newest)
			continue;
		x->slot = slot;
		x->version = version;
		return;
	}
}

/* Of a field without company: its next sample, if it stands behind the last one. */
static bool find_behind(struct field *f, struct found *x) {
	const struct segment *s = peers_now(f->peers, f->plan->process, &f->segment);
	if (!s || s->epoch != f->epoch || f->plan->group != f->index || !f->version)
		return false;
	uint32_t slot = f->slot + 1 < f->plan->slots ? f->slot + 1 : 0;
	const struct layout_slot *there = field_slot(s, f->plan, slot);
	if (f->plan->bytes > LAYOUT_LINE - offsetof(struct layout_slot, payload))
		__builtin_prefetch((const unsigned char *)there + LAYOUT_LINE); /* so that both come at once */
	if (word_load(&there->stamp) != (f->version + 1) << 1)
		return false;
	*x = (struct found){ .segment = s, .slot = slot, .version = f->version + 1, .newest = f->version + 1 };
	return true;
}

/* In order.  Between epochs, what was known of the old one and never taken is missed. */
static int find_next(struct field *f, struct found *x) {
	if (find_behind(f, x))
		return 0;
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

static int copy_words(const struct field *f, const struct found *x, void *out, size_t capacity,
		struct cdm_mono now, struct cdm_info *info) {
	const struct layout_slot *s = field_slot(x->segment, f->plan, x->slot);

	if (word_load(&s->stamp) != x->version << 1)
		return MOVED_ON;
	struct saying w = listen(s);
	bool whole = extent_ok(f->plan, w.extent), room = w.extent <= capacity || !out;
	if (whole && room && out)
		word_copy_out(out, field_payload(x->segment, f->plan, x->slot), w.extent);
	if (word_load(&s->stamp) != x->version << 1)
		return MOVED_ON;
	if (!whole)
		return broken(f);
	return room ? tell(f, x, &w, now, info) : -E2BIG;
}

static int borrow(const struct field *f, const struct found *x, struct cdm_mono now, struct field_lease *l) {
	const struct layout_slot *s = field_slot(x->segment, f->plan, x->slot);

	if (!f->plan->leases)
		return -ENOTSUP;
	if (!desk_is_known(f->peers, x->segment))
		return -EAGAIN;
	uint64_t *word = desk_post(f->peers, f->index, x->segment->epoch, x->slot);
	if (!word) {
		count(f, COUNTER_lease_busy, 1);
		return -EBUSY;
	}
	int rc = MOVED_ON;
	if (word_load_total(&s->stamp) == x->version << 1) {
		struct saying w = listen(s);
		rc = extent_ok(f->plan, w.extent) ? tell(f, x, &w, now, &l->info) : broken(f);
	}
	if (rc < 0) {
		desk_clear(word);
		return rc;
	}
	l->word = word;
	l->data = field_payload(x->segment, f->plan, x->slot);
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
		if (rc != -EBUSY && rc != -EAGAIN) /* our quota; or the writer has not heard of us yet */
			return rc;
	}
	return copy_words(f, x, out, capacity, now, info);
}

static void took(struct field *f, const struct found *x) {
	f->epoch = x->segment->epoch;
	f->version = x->version;
	f->known = x->newest;
	f->slot = x->slot;
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
	for (int i = 0; i < TRIES; i++) {
		int rc = q->find(f, x);
		if (rc == 0)
			rc = q->lease ? borrow(f, x, now, q->lease) : copy(f, x, q->out, q->capacity, now, q->info);
		if (rc != MOVED_ON)
			return rc;
		count(f, COUNTER_retries, 1);
	}
	count(f, COUNTER_lapsed, 1);
	return -EAGAIN;
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

/* From the newest back, one by one: the first with source time <= at.  -EAGAIN: history does not reach so far. */
static int find_at(struct field *f, struct found *x) {
	int rc = find_latest(f, x);
	if (rc < 0)
		return rc;
	for (uint32_t i = 0; i < f->plan->slots; i++, x->slot = slot_before(f, x->slot, 1)) {
		const struct layout_slot *s = field_slot(x->segment, f->plan, x->slot);
		if (word_load(&s->stamp) != x->version << 1)
			continue; /* an older one, that somebody holds; or what is being written, at the end */
		if ((int64_t)word_load(&s->source_ns) <= f->at.ns)
			return 0;
		if (--x->version == 0)
			break;
	}
	return -EAGAIN;
}

int field_read_at(struct field *f, struct cdm_mono at, void *out, size_t capacity, struct cdm_mono now,
		struct cdm_info *info) {
	struct found x;
	f->at = at;
	return try_take(f, &(struct request){ .find = find_at, .out = out, .capacity = capacity, .info = info }, now,
			&x);
}

void field_skip(struct field *f) {
	struct found x = { 0 };
	int rc = MOVED_ON;
	for (int i = 0; i < TRIES && rc == MOVED_ON; i++)
		rc = find_latest(f, &x);
	if (rc == 0 || (rc == -EAGAIN && x.segment))
		took(f, &x);
}

int field_counts(struct field *f, struct field_counts *out) {
	const struct segment *s = peers_now(f->peers, f->plan->process, &f->segment);
	const struct layout_field *shared = s ? field_shared(s, f->plan) : NULL;
	if (shared)
		*out = (struct field_counts){ word_peek(&shared->drops), word_peek(&shared->wakes),
			word_peek(&shared->degraded) };
	return shared ? 0 : -EAGAIN;
}

int field_news(struct field *f) {
	struct found x;
	if (find_behind(f, &x))
		return 1;
	int rc = find_latest(f, &x);
	if (rc == 0)
		return x.segment->epoch != f->epoch || x.newest > f->version;
	return rc == -EAGAIN ? 0 : rc == MOVED_ON ? 1 : rc;
}
