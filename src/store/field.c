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
 * plain stores: those come after a total load (of a lease, or in word_store_first), and no processor moves a
 * store before such a load; a reader by copy that meets them throws away what it got.  (For the language that is
 * a race, so a large sample of a field with leases is read under a lease even when it is copied.)
 *
 * Fields of a group share the head of one of them, and take the same slots.  The writer's half is field_write.c.
 * W1, R1, L1 ...: the steps of the models in test/model.
 */
#include "store/field.h"

#include <errno.h>
#include <limits.h>
#include "base/clock.h"
#include "store/field_priv.h"
#include "store/tally.h"
#include "store/wait.h"
#include "store/word.h"

#define TRIES FIELD_TRIES
#define MOVED_ON FIELD_MOVED

struct layout_field *field_shared(const struct segment *s, const struct plan_field *f) {
	return (struct layout_field *)(void *)(s->base + f->offset);
}

/* The head is that of the group, which is the field's own when it is alone. */
struct field_ring field_ring(const struct plan *p, const struct segment *s, const struct plan_field *f) {
	size_t first = layout_payload_at(f->offset, f->slots, f->bytes, 0);
	return (struct field_ring){
		.head = &field_shared(s, &plan_fields(p)[f->group])->head,
		.slots = (struct layout_slot *)(void *)(s->base + layout_slot_at(f->offset, 0)),
		.payloads = s->base + first,
		.stride = layout_payload_at(f->offset, f->slots, f->bytes, 1) - first,
		.count = f->slots,
	};
}

/* The words of a slot header between its stamp and its payload. */
struct saying {
	uint64_t source_ns, publish_ns, origin, extent;
};

static struct saying listen(const struct layout_slot *s) {
	return (struct saying){ word_load(&s->source_ns), word_load(&s->publish_ns), word_load(&s->origin),
		word_load(&s->extent) };
}

/* ---- finding a sample ---------------------------------------------------------------------------- */

int field_watch_open(struct field *f, struct peers *t, uint16_t field) {
	*f = (struct field){ .peers = t, .index = field,
		.generation = __atomic_load_n(&t->generation, __ATOMIC_SEQ_CST) };
	if (field >= t->plan->fields.count)
		return -EINVAL;
	f->plan = &plan_fields(t->plan)[field];
	f->grouped = plan_group_size(t->plan, f->plan->group) > 1;
	if (f->plan->process != t->self && !(f->plan->readers >> t->self & 1))
		return -EACCES;
	f->tally = &t->unseen;
	return 0;
}

int field_open(struct field *f, struct peers *t, uint16_t field) {
	int rc = field_watch_open(f, t, field);
	if (rc == 0)
		f->tally = tally_take(t, LAYOUT_READS, field);
	return rc;
}

/* Its mark first: the word may be somebody else's lease in the next moment. */
static void drop_ahead(struct field *f) {
	if (!f->ahead)
		return;
	desk_mark_ahead(f->peers, f->ahead, false);
	desk_clear(f->ahead);
	f->ahead = NULL;
}

void field_close(struct field *f) {
	drop_ahead(f);
	tally_leave(f->peers, f->tally);
	f->tally = NULL;
	peers_drop(&f->segment);
}

static bool look_anew(struct field *f) {
	const struct segment *s = peers_hold(f->peers, f->plan->process, &f->segment);
	if (s)
		f->ring = field_ring(f->peers->plan, s, f->plan);
	return s != NULL;
}

HOT bool look(struct field *f) {
	const struct segment *now = __atomic_load_n(&f->peers->at[f->plan->process].now, __ATOMIC_SEQ_CST);
	return now == f->segment ? now != NULL : look_anew(f);
}

bool field_look(struct field *f) {
	return look(f);
}

static void count(const struct field *f, enum counter c, uint64_t n) {
	counter_add(&f->peers->own, c, n);
}

/* What was found wanting may have been the zeros of a life that was replaced (peers.c). */
static int unless_replaced(const struct field *f, int rc) {
	return peers_is_now(f->peers, f->plan->process, f->segment) ? rc : MOVED_ON;
}

static int broken(const struct field *f) {
	int rc = unless_replaced(f, -EPROTO);
	if (rc == -EPROTO)
		count(f, COUNTER_broken, 1);
	return rc;
}

static uint64_t stamp_of(const struct field *f, uint32_t slot) {
	return word_load(&ring_slot(&f->ring, slot)->stamp);
}

/* Was our last sample of this life of the writer? */
static bool same_epoch(const struct field *f) {
	return f->epoch == f->segment->epoch;
}

static uint32_t slot_behind(const struct field *f) {
	return f->slot + 1 < f->ring.count ? f->slot + 1 : 0;
}

/* The head says that nothing is new, and may lag behind a stamp by which field_news() said otherwise. */
static int prefer_behind(const struct field *f, struct found *x) {
	uint64_t version = f->version + 1;
	if (f->grouped || version == 1)
		return 0;
	uint64_t stamp = stamp_of(f, slot_behind(f)); /* R1 */
	if (stamp >> 1 > version) /* the writer has been all round since we saw the head */
		return MOVED_ON;
	if (stamp == version << 1)
		*x = (struct found){ .slot = slot_behind(f), .version = version, .newest = version };
	return 0;
}

HOT int find_latest(struct field *f, struct found *x) {
	*x = (struct found){ .version = 0 };
	if (!look(f))
		return -EAGAIN;
	uint64_t head = word_load_total(f->ring.head); /* R2 */
	x->slot = (uint32_t)(head >> 32);
	if (x->slot >= f->ring.count)
		return broken(f);
	uint64_t stamp = stamp_of(f, x->slot); /* R3 */
	if (head == 0 && stamp <= 3) /* nothing yet, or the first one is being written */
		return unless_replaced(f, -EAGAIN);
	if (stamp & 1 || (uint32_t)(stamp >> 1) != (uint32_t)head)
		return MOVED_ON;
	if (stamp == 0)
		return broken(f);
	x->version = x->newest = stamp >> 1;
	if (x->version > f->version || !same_epoch(f))
		return 0;
	if (x->version == f->version)
		return prefer_behind(f, x);
	/* A head that lags behind what was taken by its stamp is right; one that we slept over, for a lap, is old. */
	if (stamp_of(f, f->slot) != f->version << 1) /* R4 */
		return word_load_total(f->ring.head) == head ? broken(f) : MOVED_ON;
	x->slot = f->slot;
	x->version = x->newest = f->version;
	return 0;
}

/* `steps`: up to as many as there are slots. */
static uint32_t slot_before(const struct field *f, uint32_t slot, uint32_t steps) {
	return slot >= steps ? slot - steps : slot + f->ring.count - steps;
}

/* Samples follow each other slot by slot, but for slots that were held.  x is the newest. */
bool field_find_version(const struct field *f, struct found *x, uint64_t version) {
	if (x->newest - version >= f->ring.count)
		return false;
	uint32_t slot = slot_before(f, x->slot, (uint32_t)(x->newest - version));
	for (uint32_t i = 0; i < f->ring.count; i++, slot = slot_before(f, slot, 1)) {
		if (stamp_of(f, slot) != version << 1) /* R5 */
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
	for (uint32_t back = f->ring.count / 2; back > 0; back--) {
		uint32_t slot = slot_before(f, newest, back);
		uint64_t stamp = stamp_of(f, slot), version = stamp >> 1; /* R6 */
		if (stamp & 1 || version <= taken || version >= x->newest ||
				version + f->ring.count / 2 <= x->newest)
			continue;
		x->slot = slot;
		x->version = version;
		return;
	}
}

/*
 * In order, by the stamp where the next sample will stand: 0, it does; -EAGAIN, it is claimed for it and there is
 * none yet; MOVED_ON, ask the head, which polling therefore leaves in the cache of the writer.  Samples of a group
 * are told by the head alone.
 */
HOT int find_behind(struct field *f, struct found *x) {
	if (!look(f) || !same_epoch(f) || f->grouped || !f->version)
		return MOVED_ON;
	uint32_t slot = slot_behind(f);
	const struct layout_slot *there = ring_slot(&f->ring, slot);
	if (f->plan->bytes > LAYOUT_LINE - offsetof(struct layout_slot, payload))
		__builtin_prefetch((const unsigned char *)there + LAYOUT_LINE); /* so that both come at once */
	uint64_t stamp = word_load(&there->stamp), version = f->version + 1; /* R1 */
	*x = (struct found){ .slot = slot, .version = version, .newest = version };
	return stamp == version << 1 ? 0 : stamp == (version << 1 | 1) ? -EAGAIN : MOVED_ON;
}

/* In order, by the head.  Between epochs, what was known of the old one and never taken is missed. */
static int find_after(struct field *f, struct found *x) {
	int rc = find_latest(f, x);
	if (rc < 0)
		return rc;
	bool same = same_epoch(f);
	uint64_t taken = same ? f->version : 0, lost = same || !f->epoch ? 0 : f->known - f->version;
	if (x->newest == taken)
		return -EAGAIN;
	if (!field_find_version(f, x, taken + 1))
		find_half_lap(f, x, taken);
	x->missed = f->epoch ? lost + (x->version - taken - 1) : 0;
	return 0;
}

HOT int find_next(struct field *f, struct found *x) {
	int rc = find_behind(f, x);
	return rc == MOVED_ON ? find_after(f, x) : rc;
}

/* ---- taking it ----------------------------------------------------------------------------------- */

/* One way to find with one way to take. */
struct request {
	int (*find)(struct field *f, struct found *x);
	struct field_lease *lease; /* by lease */
	void *out;                 /* by copy; NULL: what is said of it is enough */
	size_t capacity;
	struct cdm_mono now;
	struct cdm_info *info;     /* not NULL */
};

#define ONE_AS_BITS 0x3f800000u /* 1.0f; floats from +0 to it are in the order of their bits */

/* Can a writer that keeps the rules have said this? */
HOT bool credible(const struct field *f, const struct saying *w) {
	return (uint32_t)w->origin <= ONE_AS_BITS && (w->origin >> 48) <= CDM_ORPHAN &&
			(uint16_t)(w->origin >> 32) < f->peers->plan->entities.count &&
			w->source_ns <= w->publish_ns && w->publish_ns <= INT64_MAX &&
			w->extent <= f->plan->bytes; /* its upper half names a memory kind: 0 is all there is */
}

static uint16_t status_of(const struct field *f, const struct saying *w, struct cdm_mono now) {
	uint16_t said = (uint16_t)(w->origin >> 48);
	if (directory_is_orphan(&f->peers->directory, f->plan->process, f->segment->epoch))
		return CDM_ORPHAN;
	bool stale = f->plan->max_age_ns && (int64_t)w->source_ns < now.ns - f->plan->max_age_ns;
	return stale && said < CDM_STALE ? CDM_STALE : said;
}

HOT void tell(const struct field *f, const struct found *x, const struct saying *w, const struct request *q) {
	uint32_t trust = (uint32_t)w->origin;
	struct cdm_info *i = q->info;
	i->version = x->version;
	i->source_time.ns = (int64_t)w->source_ns;
	i->publish_time.ns = (int64_t)w->publish_ns;
	memcpy(&i->trust, &trust, sizeof(i->trust));
	i->source = (uint16_t)(w->origin >> 32);
	i->status = status_of(f, w, q->now);
	i->epoch = f->segment->epoch;
	i->bytes = (uint32_t)w->extent;
}

HOT int copy_words(const struct field *f, const struct found *x, const struct request *q) {
	const struct layout_slot *s = ring_slot(&f->ring, x->slot);

	if (word_load(&s->stamp) != x->version << 1) /* R7 */
		return MOVED_ON;
	struct saying w = listen(s); /* R8 */
	bool whole = credible(f, &w), room = w.extent <= q->capacity || !q->out;
	if (whole && room && q->out)
		word_copy_out(q->out, ring_payload(&f->ring, x->slot), w.extent);
	if (word_load(&s->stamp) != x->version << 1) /* R9 */
		return MOVED_ON;
	if (!whole)
		return broken(f);
	if (!room)
		return -E2BIG;
	tell(f, x, &w, q);
	return 0;
}

/* ---- leases ahead: a lease for the sample that comes next stands already when it comes --- */

static uint64_t *post(struct field *f, uint32_t slot, uint64_t version) {
	uint64_t *word = f->ahead;
	if (word && f->ahead_slot == slot && f->ahead_version == version && f->ahead_epoch == f->segment->epoch) {
		f->ahead = NULL;
		desk_mark_ahead(f->peers, word, false);
		return word;
	}
	drop_ahead(f);
	return desk_post(f->peers, f->index, f->segment->epoch, slot, version); /* L2 */
}

/* Nothing new: be ready for version + 1 where it will most likely stand.  Not with the last words: they are for what is
   borrowed, by whichever reader. */
static void post_ahead(struct field *f) {
	uint64_t version = f->version + 1;
	if (!f->segment || !same_epoch(f) || !f->plan->leases || !desk_is_known(f->peers, f->segment) ||
			(f->ahead && f->ahead_version == version && f->ahead_epoch == f->epoch))
		return;
	drop_ahead(f);
	if (!desk_has_plenty(f->peers))
		return;
	f->ahead_slot = slot_behind(f);
	f->ahead_version = version;
	f->ahead_epoch = f->epoch;
	f->ahead = desk_post(f->peers, f->index, f->epoch, f->ahead_slot, version); /* L0 */
	if (f->ahead)
		desk_mark_ahead(f->peers, f->ahead, true);
}

/* The sample under our lease; MOVED_ON: it was gone before the lease stood. */
static int look_under(const struct field *f, const struct found *x, const struct request *q) {
	const struct layout_slot *s = ring_slot(&f->ring, x->slot);
	if (word_load_total(&s->stamp) != x->version << 1 || unless_replaced(f, 0) != 0) /* L3, H5 */
		return MOVED_ON;
	struct saying w = listen(s);
	if (!credible(f, &w))
		return broken(f);
	tell(f, x, &w, q);
	return 0;
}

static int borrow(struct field *f, const struct found *x, const struct request *q, struct field_lease *l) {
	if (!f->plan->leases || !f->peers->own.base)
		return -ENOTSUP;
	if (!desk_is_heard(f->peers, f->segment)) { /* L1; one that is over overwrites nothing */
		f->unheard |= q->lease != NULL; /* a copy can be had */
		return unless_replaced(f, -EAGAIN);
	}
	uint64_t *word = post(f, x->slot, x->version);
	if (!word) {
		count(f, COUNTER_lease_busy, 1);
		return -EBUSY;
	}
	int rc = look_under(f, x, q);
	if (rc < 0) {
		desk_clear(word);
		return rc;
	}
	l->word = word;
	l->data = ring_payload(&f->ring, x->slot);
	return 0;
}

/* A large sample is copied under a lease, if one is to be had: a desk, our quota, a writer that has heard of us. */
static int copy_large(struct field *f, const struct found *x, const struct request *q) {
	struct field_lease l = { 0 };
	int rc = borrow(f, x, q, &l);
	if (rc == -EBUSY || rc == -EAGAIN || rc == -ENOTSUP)
		return copy_words(f, x, q);
	if (!l.word)
		return rc;
	if (q->info->bytes <= q->capacity)
		memcpy(q->out, l.data, q->info->bytes);
	else
		rc = -E2BIG;
	field_release(&l);
	return rc;
}

HOT int take_one(struct field *f, const struct found *x, const struct request *q) {
	if (q->lease)
		return borrow(f, x, q, q->lease);
	if (q->out && f->plan->leases && f->plan->bytes > LAYOUT_LARGE)
		return copy_large(f, x, q);
	return copy_words(f, x, q);
}

/* Until it is had, or the writer has been faster too often. */
HOT int try_take(struct field *f, const struct request *q, struct found *x) {
	for (int i = 0; i < TRIES; i++) {
		int rc = q->find(f, x);
		if (rc == 0)
			rc = take_one(f, x, q);
		if (rc != MOVED_ON)
			return rc;
		tally_add(&f->tally->retries, 1);
	}
	count(f, COUNTER_lapsed, 1);
	return -EAGAIN;
}

void field_took(struct field *f, const struct found *x) {
	if (!same_epoch(f)) {
		tally_begin_life(f->tally, f->segment->epoch, 0);
		f->known = 0;
	}
	f->epoch = f->segment->epoch;
	f->version = x->version;
	f->slot = x->slot;
	f->unheard = false;
	if (x->newest > f->known)
		f->known = x->newest;
	word_poke(&f->tally->cursor, x->version);
}

static int count_missed(struct field *f, uint64_t missed) {
	f->missed += missed;
	tally_add(&f->tally->laps, 1);
	tally_add(&f->tally->missed, missed);
	return missed < INT_MAX ? (int)missed : INT_MAX;
}

HOT int take(struct field *f, const struct request *q) {
	struct found x;
	int rc = try_take(f, q, &x);
	if (rc < 0)
		return rc;
	field_took(f, &x);
	tally_add(q->lease ? &f->tally->leased : &f->tally->taken, 1);
	return x.missed ? count_missed(f, x.missed) : 0;
}

int field_read(struct field *f, void *out, size_t capacity, struct cdm_mono now, struct cdm_info *info) {
	struct cdm_info own;
	const struct request q = { .find = find_latest, .out = out, .capacity = capacity, .now = now,
		.info = info ? info : &own };
	return take(f, &q);
}

int field_next(struct field *f, void *out, size_t capacity, struct cdm_mono now, struct cdm_info *info) {
	struct cdm_info own;
	const struct request q = { .find = find_next, .out = out, .capacity = capacity, .now = now,
		.info = info ? info : &own };
	return take(f, &q);
}

int field_peek(struct field *f, struct cdm_mono now, struct cdm_info *info) {
	struct found x;
	const struct request q = { .find = find_latest, .now = now, .info = info };
	return try_take(f, &q, &x);
}

/* A failed lease leaves nothing held, whatever stood in *l before. */
int field_lease(struct field *f, struct cdm_mono now, struct field_lease *l) {
	const struct request q = { .find = find_latest, .lease = l, .now = now, .info = &l->info };
	*l = (struct field_lease){ 0 };
	return take(f, &q);
}

int field_lease_next(struct field *f, struct cdm_mono now, struct field_lease *l) {
	const struct request q = { .find = find_next, .lease = l, .now = now, .info = &l->info };
	*l = (struct field_lease){ 0 };
	int rc = take(f, &q);
	if (rc == -EAGAIN)
		post_ahead(f);
	return rc;
}

void field_release(struct field_lease *l) {
	if (l->word)
		desk_clear(l->word); /* L5 */
	l->word = NULL;
	l->data = NULL;
}

int field_source_time(const struct field *f, const struct found *x, struct cdm_mono *out) {
	const struct layout_slot *s = ring_slot(&f->ring, x->slot);
	uint64_t source_ns = word_load(&s->source_ns);
	if (word_load(&s->stamp) != x->version << 1)
		return MOVED_ON;
	if (source_ns > INT64_MAX) /* nobody's clock says so, and times are subtracted */
		return broken(f);
	out->ns = (int64_t)source_ns;
	return 0;
}

/* From the newest back, one by one: the first with source time <= at.  -EAGAIN: history does not reach so far. */
int field_find_at(struct field *f, struct found *x) {
	int rc = find_latest(f, x);
	if (rc < 0)
		return rc;
	for (uint32_t i = 0; i < f->ring.count; i++, x->slot = slot_before(f, x->slot, 1)) {
		struct cdm_mono t = { 0 };
		if (stamp_of(f, x->slot) != x->version << 1)
			continue; /* an older one, that somebody holds; or what is being written, at the end */
		rc = field_source_time(f, x, &t);
		if (rc < 0 || t.ns <= f->at.ns)
			return rc;
		if (--x->version == 0)
			break;
	}
	return unless_replaced(f, -EAGAIN);
}

int field_read_at(struct field *f, struct cdm_mono at, void *out, size_t capacity, struct cdm_mono now,
		struct cdm_info *info) {
	struct cdm_info own;
	struct found x;
	const struct request q = { .find = field_find_at, .out = out, .capacity = capacity, .now = now,
		.info = info ? info : &own };
	f->at = at;
	return try_take(f, &q, &x);
}

static int find_wanted(struct field *f, struct found *x) {
	int rc = find_latest(f, x);
	if (rc < 0)
		return rc;
	if (f->wanted > x->newest)
		return -EAGAIN;
	return f->wanted > 0 && field_find_version(f, x, f->wanted) ? 0 : unless_replaced(f, -ENOENT);
}

int field_read_version(struct field *f, uint64_t version, void *out, size_t capacity, struct cdm_mono now,
		struct cdm_info *info) {
	struct cdm_info own;
	struct found x;
	const struct request q = { .find = find_wanted, .out = out, .capacity = capacity, .now = now,
		.info = info ? info : &own };
	f->wanted = version;
	return try_take(f, &q, &x);
}

int field_find_latest(struct field *f, struct found *x) {
	return find_latest(f, x);
}

int field_take_found(struct field *f, const struct found *x, void *out, size_t capacity, struct field_lease *l,
		struct cdm_mono now, struct cdm_info *info) {
	const struct request q = { .lease = l, .out = out, .capacity = capacity, .now = now, .info = info };
	int rc = take_one(f, x, &q);
	if (rc == 0)
		tally_add(l ? &f->tally->leased : &f->tally->taken, 1);
	return rc;
}

void field_skip(struct field *f) {
	struct found x = { 0 };
	int rc = MOVED_ON;
	for (int i = 0; i < TRIES && rc == MOVED_ON; i++)
		rc = find_latest(f, &x);
	if (rc == 0 || (rc == -EAGAIN && f->segment))
		field_took(f, &x);
}

void field_follow(struct field *f, const struct field *other) {
	CHECK(f->index == other->index && f->peers == other->peers);
	f->epoch = other->epoch;
	f->version = other->version;
	f->known = other->known;
	f->slot = other->slot;
	f->unheard = other->unheard;
}

int field_counts(struct field *f, struct field_counts *out) {
	struct found x;
	int rc = MOVED_ON;
	for (int i = 0; i < TRIES && rc == MOVED_ON; i++) {
		rc = find_latest(f, &x);
		if (!f->segment)
			return -EAGAIN;
		const struct layout_field *shared = field_shared(f->segment, f->plan);
		*out = (struct field_counts){ x.newest, word_peek(&shared->drops), word_peek(&shared->wakes),
			word_peek(&shared->degraded) };
		if (rc == -EAGAIN) /* nothing was published, and that is known */
			rc = 0;
		if (rc == 0)
			rc = unless_replaced(f, 0);
	}
	return rc == MOVED_ON ? -EAGAIN : rc;
}

int field_news(struct field *f) {
	struct found x;
	if (f->unheard && look(f) && !desk_is_heard(f->peers, f->segment))
		return 0; /* what cannot be borrowed yet is no news to who wants to */
	int rc = find_behind(f, &x);
	for (int i = 0; i < TRIES && rc == MOVED_ON; i++) /* a life that was replaced meanwhile is no news */
		rc = find_latest(f, &x);
	if (rc == 0)
		return x.newest > f->version || !same_epoch(f);
	return rc == -EAGAIN ? 0 : rc == MOVED_ON ? 1 : rc;
}
