/*
 * field_write.c - the writer's half of a field: claim, fill, publish.  See field.c for the whole protocol.
 *
 * A group is a chain of writers that begins with the one whose head they share: they claim the same slot, all or
 * none of them, and the head moves once, when each of them has its sample.  A field alone is a chain of one.
 */
#include <errno.h>
#include <math.h>
#include "store/field_priv.h"
#include "store/tally.h"
#include "store/wait.h"
#include "store/word.h"

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

/* Within 0..now: the clock begins at 0, so ages that readers compute cannot overflow. */
static uint64_t clamp_time(struct cdm_mono t, struct cdm_mono now) {
	return (uint64_t)(t.ns < 0 ? 0 : t.ns < now.ns ? t.ns : now.ns);
}

static void say(struct layout_slot *s, const struct field_meta *m, uint32_t bytes, struct cdm_mono now) {
	uint32_t trust;
	float clamped = clamp_trust(m->trust);

	CHECK(m->status <= CDM_ORPHAN);
	memcpy(&trust, &clamped, sizeof(trust));
	word_store(&s->source_ns, clamp_time(m->source_time, now)); /* W5 */
	word_store(&s->publish_ns, (uint64_t)now.ns);
	word_store(&s->origin, trust | (uint64_t)m->source << 32 | (uint64_t)m->status << 48);
	word_store(&s->extent, bytes);
}

/* ---- claiming ------------------------------------------------------------------------------------ */

/* The same in each of a chain, for the sample of the same version. */
static void mark(struct field_writer *w, uint32_t slot) {
	uint64_t odd = (w->version + 1) << 1 | 1;
	for (struct field_writer *m = w; m; m = m->company) {
		uint64_t *stamp = &ring_slot(&m->ring, slot)->stamp;
		if (m->plan->leases == 0) {
			word_store_first(stamp, odd); /* W1 */
			continue;
		}
		word_store_total(stamp, odd); /* W1 */
		(void)word_load_total(stamp); /* what a loan's plain stores stay behind, if no desk is looked at */
	}
}

static bool is_held(struct field_writer *w, uint32_t slot, uint64_t version) {
	for (struct field_writer *m = w; m; m = m->company)
		if (m->plan->leases && desk_is_leased(&m->desks, m->readers, m->index, slot, version))
			return true;
	return false;
}

/* Try one slot: odd stamps first, then the desks, and back if somebody holds what stands there. */
static bool claim(struct field_writer *w, uint32_t slot) {
	uint64_t old = word_peek(&ring_slot(&w->ring, slot)->stamp);
	mark(w, slot);
	if (old & 1 || !is_held(w, slot, old >> 1))
		return true;
	for (struct field_writer *m = w; m; m = m->company)
		word_store(&ring_slot(&m->ring, slot)->stamp, old); /* W3, untouched: it is still that sample */
	return false;
}

/* The first slot behind the newest that nobody holds, for the next sample; or FIELD_NO_SLOT. */
static void claim_next(struct field_writer *w) {
	uint32_t slots = w->ring.count, next = FIELD_NO_SLOT;
	CHECK(!w->loaned && w->next == FIELD_NO_SLOT);
	for (uint32_t i = 1; i < slots && next == FIELD_NO_SLOT; i++) {
		uint32_t slot = w->newest + i < slots ? w->newest + i : w->newest + i - slots;
		if (claim(w, slot))
			next = slot;
	}
	for (struct field_writer *m = w; m; m = m->company)
		m->next = next;
}

/* ---- opening ------------------------------------------------------------------------------------- */

static void open_one(struct field_writer *w, struct peers *t, uint16_t field) {
	const struct plan_field *plan = &plan_fields(t->plan)[field];
	*w = (struct field_writer){ .peers = t, .index = field, .plan = plan, .next = FIELD_NO_SLOT,
		.desks = { .peers = t }, .readers = plan->readers | UINT64_C(1) << t->self,
		.shared = field_shared(&t->own, plan), .ring = field_ring(t->plan, &t->own, plan) };
	w->drops = word_peek(&w->shared->drops);
	w->wakes = word_peek(&w->shared->wakes);
	w->degraded = word_peek(&w->shared->degraded);
	uint64_t head = word_load(w->ring.head);
	w->newest = head ? (uint32_t)(head >> 32) : w->ring.count - 1;
	w->version = head ? word_load(&ring_slot(&w->ring, w->newest)->stamp) >> 1 : 0;
	w->tally = tally_take(t, LAYOUT_WRITES, field);
}

int field_may_write(const struct peers *t, uint16_t field, bool alone) {
	const struct plan_field *f = plan_fields(t->plan);
	CHECK(t->own.writable);
	if (field >= t->plan->fields.count)
		return -EINVAL;
	if (f[field].process != t->self)
		return -EACCES;
	return alone && plan_group_size(t->plan, f[field].group) > 1 ? -EINVAL : 0;
}

int field_writer_open(struct field_writer *w, struct peers *t, uint16_t field) {
	*w = (struct field_writer){ .index = field };
	int rc = field_may_write(t, field, true);
	if (rc < 0)
		return rc;
	open_one(w, t, field);
	claim_next(w);
	return 0;
}

void field_writer_close(struct field_writer *w) {
	desk_view_drop(&w->desks);
	tally_leave(w->peers, w->tally);
	w->tally = NULL;
}

int field_group_open(struct field_group *g, struct peers *t, uint16_t field) {
	*g = (struct field_group){ .count = 0 };
	int rc = field_may_write(t, field, false);
	if (rc < 0)
		return rc;
	const struct plan_field *f = plan_fields(t->plan);
	uint16_t group = f[field].group;
	open_one(&g->at[g->count++], t, group); /* first the one whose head it is */
	for (uint16_t i = 0; i < t->plan->fields.count; i++)
		if (f[i].group == group && i != group) {
			CHECK(g->count < FIELD_GROUP_MAX);
			open_one(&g->at[g->count], t, i);
			g->at[g->count - 1].company = &g->at[g->count];
			g->count++;
		}
	claim_next(&g->at[0]);
	return 0;
}

void field_group_close(struct field_group *g) {
	for (unsigned i = 0; i < g->count; i++)
		field_writer_close(&g->at[i]);
}

/* ---- publishing ---------------------------------------------------------------------------------- */

/* Is there a claimed slot?  Else a drop is counted, for each field that loses a sample. */
static bool have_slot(struct field_writer *w) {
	CHECK(!w->loaned);
	if (w->next == FIELD_NO_SLOT)
		claim_next(w);
	for (struct field_writer *m = w; m && w->next == FIELD_NO_SLOT; m = m->company) {
		word_poke(&m->shared->drops, ++m->drops);
		counter_add(&m->peers->own, COUNTER_drops, 1);
	}
	w->loaned = w->next != FIELD_NO_SLOT;
	return w->loaned;
}

void *field_loan(struct field_writer *w) {
	return have_slot(w) ? ring_payload(&w->ring, w->next) : NULL;
}

bool field_group_loan(struct field_group *g, void *out[]) {
	bool have = have_slot(&g->at[0]);
	for (unsigned i = 0; i < g->count; i++)
		out[i] = have ? ring_payload(&g->at[i].ring, g->at[i].next) : NULL;
	return have;
}

/* All that is said of the sample in the claimed slot; its stamp, last, makes it one. */
static void stamp(struct field_writer *w, uint32_t bytes, const struct field_meta *m, struct cdm_mono now) {
	struct layout_slot *s = ring_slot(&w->ring, w->next);
	CHECK(bytes <= w->plan->bytes);
	say(s, m, bytes, now);
	w->newest = w->next;
	w->next = FIELD_NO_SLOT;
	word_store(&s->stamp, ++w->version << 1); /* W6 */
	tally_add(&w->tally->taken, 1);
	word_poke(&w->tally->cursor, w->version);
	if (m->status == CDM_DEGRADED)
		word_poke(&w->shared->degraded, ++w->degraded);
}

/* Every sample of the chain has its stamp: show them, and be ready for the next ones. */
static uint64_t commit(struct field_writer *w) {
	word_store_total(w->ring.head, (uint64_t)w->newest << 32 | (uint32_t)w->version); /* W7 */
	if (wait_wake(w)) {
		word_poke(&w->shared->wakes, ++w->wakes);
		counter_add(&w->peers->own, COUNTER_wakes, 1);
	}
	w->loaned = false;
	claim_next(w);
	return w->version;
}

uint64_t field_publish(struct field_writer *w, uint32_t bytes, const struct field_meta *m, struct cdm_mono now) {
	CHECK(w->loaned);
	stamp(w, bytes, m, now);
	return commit(w);
}

uint64_t field_group_publish(struct field_group *g, const uint32_t bytes[], const struct field_meta m[],
		struct cdm_mono now) {
	CHECK(g->at[0].loaned);
	for (unsigned i = 0; i < g->count; i++)
		stamp(&g->at[i], bytes[i], &m[i], now);
	return commit(&g->at[0]);
}

void field_abandon(struct field_writer *w) {
	CHECK(w->loaned);
	w->loaned = false; /* the slot stays claimed */
}

void field_group_abandon(struct field_group *g) {
	field_abandon(&g->at[0]);
}

int field_write(struct field_writer *w, const void *data, uint32_t bytes, const struct field_meta *m,
		struct cdm_mono now) {
	if (bytes > w->plan->bytes)
		return -E2BIG;
	void *loan = field_loan(w);
	if (!loan)
		return -EAGAIN;
	word_copy_in(loan, data, bytes); /* W4 */
	field_publish(w, bytes, m, now);
	return 0;
}
