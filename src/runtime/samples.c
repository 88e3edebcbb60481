/*
 * samples.c - what fields have is written down, of those for which the plan says so: `durability` and `journal_ms`.
 *
 * A timer fires when one of them is due; without any there is no timer, and core sleeps.  A sample of up to
 * PLAN_DURABLE_WHOLE bytes is copied, and goes to the journal with the others that are due; a longer one is borrowed
 * and hashed, a chunk at a time, with a look at what else core has to do after each.  Where nothing is new nothing is
 * written.
 *
 *      due -> nothing new, or copied -> batch -> settled
 *      due -> wanted -> borrowed, hashed -> batch -> settled
 *
 * Nobody is waited for: what the journal does not take becomes a gap of the field's name.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/timerfd.h>
#include "base/hash.h"
#include "base/io.h"
#include "runtime/core_priv.h"

#define BATCHES_MAX 16u       /* on their way to the disk: the other places are for those who wait */
#define ROOM_BYTES (96u << 10) /* of bodies of one batch */
#define BODY_BYTES (PLAN_DURABLE_WHOLE + 512u)
#define CHUNK_BYTES (256u << 10) /* hashed at once: a quarter of a millisecond */

_Static_assert(PLAN_DURABLE_MAX <= STATE_SAMPLES_MAX, "the state has one of each field");
_Static_assert(PLAN_DURABLE_WHOLE <= BODY_SAMPLE_MAX, "it fits into a record");
_Static_assert(ROOM_BYTES / BODY_BYTES <= JOURNAL_BATCH_MAX, "they are one transaction");

struct watched {
	struct field field;
	struct cdm_mono due;
	bool wanted; /* a long one: to be borrowed */
};

struct batch {
	struct samples *of;
	unsigned count; /* 0: free */
	uint16_t at[JOURNAL_BATCH_MAX];
};

struct hashing {
	bool busy;
	unsigned at; /* whose sample */
	struct field_lease lease;
	struct hash_pieces pieces;
	size_t done;
};

struct samples {
	int timer;
	unsigned count;
	struct hashing hashing;
	struct batch batches[BATCHES_MAX];
	struct journal_entry entries[JOURNAL_BATCH_MAX];
	enum journal_class class; /* of those that are gathered */
	unsigned gathered;
	uint16_t gathered_at[JOURNAL_BATCH_MAX];
	size_t used;
	uint8_t room[ROOM_BYTES];
	struct watched at[];
};

static const char *name_of(const struct samples *s, unsigned at) {
	return s->at[at].field.plan->name;
}

/* ---- to the journal ---- */

static void settled(struct core *c, void *who, int rc, uint64_t seq) {
	struct batch *b = who;
	(void)seq;
	for (unsigned i = 0; rc < 0 && i < b->count; i++)
		gap_add(c, name_of(b->of, b->at[i]), 1, rc);
	b->count = 0;
}

static struct batch *free_batch(struct samples *s) {
	for (size_t i = 0; i < BATCHES_MAX; i++)
		if (s->batches[i].count == 0)
			return &s->batches[i];
	return NULL;
}

static void flush(struct core *c) {
	struct samples *s = c->samples;
	struct batch *b = free_batch(s);
	if (s->gathered == 0)
		return;
	int rc = b ? ledger_submit_as(c, s->entries, s->gathered, s->class, settled, b) : -EAGAIN;
	for (unsigned i = 0; rc < 0 && i < s->gathered; i++)
		gap_add(c, name_of(s, s->gathered_at[i]), 1, rc);
	if (rc == 0) {
		*b = (struct batch){ .of = s, .count = s->gathered };
		memcpy(b->at, s->gathered_at, s->gathered * sizeof(b->at[0]));
	}
	s->gathered = 0;
	s->used = 0;
	s->class = JOURNAL_D1;
}

/* The field's own word, and at least that of its kind. */
static enum journal_class class_of(const struct core *c, const struct plan_field *f) {
	enum journal_class kind = ledger_class(c, JOURNAL_SAMPLE);
	return f->durability == PLAN_FULL || kind == JOURNAL_D2 ? JOURNAL_D2 : JOURNAL_D1;
}

/* A source time on the calendar. */
static uint64_t calendar_ms(struct cdm_mono when) {
	int64_t ns = clock_wall().ns - mono_since(when, clock_mono());
	return ns > 0 ? (uint64_t)(ns / NS_PER_MS) : 0;
}

static void gather(struct core *c, unsigned at, const struct cdm_info *info, const struct hash *h, const void *data,
		size_t kept) {
	struct samples *s = c->samples;
	const struct plan_field *f = s->at[at].field.plan;
	struct body_sample b = { .field = body_text(f->name),
		.version = info->version,
		.epoch = info->epoch,
		.seen_ms = calendar_ms(info->source_time),
		.status = body_text(cdm_status_name((enum cdm_status)info->status)),
		.trust_ppm = body_ppm((double)info->trust),
		.bytes = info->bytes,
		.hash = *h,
		.data = { data, kept } };
	if (ROOM_BYTES - s->used < BODY_BYTES || s->gathered == JOURNAL_BATCH_MAX)
		flush(c);
	int n = body_build_sample(&b, s->room + s->used, ROOM_BYTES - s->used);
	CHECK(n > 0);
	s->entries[s->gathered] = (struct journal_entry){ JOURNAL_SAMPLE, JOURNAL_MACHINE, core_entity_name(c, 0), "",
		s->room + s->used, (size_t)n, NULL };
	s->gathered_at[s->gathered++] = (uint16_t)at;
	s->used += (size_t)n;
	s->class = class_of(c, f) > s->class ? class_of(c, f) : s->class;
}

/* ---- from the fields ---- */

/* What cannot be read is not looked at again. */
static void give_up(struct core *c, unsigned at, int rc) {
	field_skip(&c->samples->at[at].field);
	gap_add(c, name_of(c->samples, at), 1, rc);
}

static void copy(struct core *c, unsigned at, struct cdm_mono now) {
	uint8_t data[PLAN_DURABLE_WHOLE];
	struct cdm_info info;
	int rc = field_read(&c->samples->at[at].field, data, sizeof(data), now, &info);
	if (rc < 0)
		return give_up(c, at, rc);
	struct hash h = hash_of(data, info.bytes);
	gather(c, at, &info, &h, data, info.bytes);
}

static void borrow(struct core *c, unsigned at, struct cdm_mono now) {
	struct samples *s = c->samples;
	struct hashing *h = &s->hashing;
	struct watched *w = &s->at[at];
	w->wanted = false;
	int rc = field_lease(&w->field, now, &h->lease);
	if (rc == -EAGAIN)
		return; /* the next time that it is due the writer has heard of us */
	if (rc < 0)
		return give_up(c, at, rc);
	h->busy = true;
	h->at = at;
	h->done = 0;
	hash_begin(&h->pieces);
}

static void hash_some(struct core *c) {
	struct hashing *h = &c->samples->hashing;
	size_t left = h->lease.info.bytes - h->done, n = left < CHUNK_BYTES ? left : CHUNK_BYTES;
	hash_add(&h->pieces, (const uint8_t *)h->lease.data + h->done, n);
	h->done += n;
	if (h->done < h->lease.info.bytes)
		return;
	struct cdm_info info = h->lease.info;
	struct hash whole = hash_end(&h->pieces);
	field_release(&h->lease);
	h->busy = false;
	gather(c, h->at, &info, &whole, NULL, 0);
}

static void look(struct core *c, unsigned at, struct cdm_mono now) {
	struct watched *w = &c->samples->at[at];
	int64_t period = (int64_t)w->field.plan->journal_ms * NS_PER_MS;
	w->due.ns += period * ((now.ns - w->due.ns) / period + 1); /* a grid: those of one period are due together */
	int news = field_news(&w->field);
	if (news < 0)
		return give_up(c, at, news);
	if (news && w->field.plan->bytes <= PLAN_DURABLE_WHOLE)
		copy(c, at, now);
	else
		w->wanted = news > 0;
}

/* ---- time ---- */

/* At once while there is something to hash, else when the first is due. */
static void arm(struct samples *s) {
	int64_t first = INT64_MAX;
	bool wanted = s->hashing.busy;
	for (unsigned i = 0; i < s->count; i++) {
		wanted = wanted || s->at[i].wanted;
		first = s->at[i].due.ns < first ? s->at[i].due.ns : first;
	}
	first = wanted ? 1 : first;
	struct itimerspec t = { .it_value = { first / NS_PER_S, first % NS_PER_S } };
	CHECK(timerfd_settime(s->timer, TFD_TIMER_ABSTIME, &t, NULL) == 0);
}

void samples_due(struct core *c) {
	struct samples *s = c->samples;
	if (!io_timer_read(s->timer))
		return;
	struct cdm_mono now = clock_mono();
	for (unsigned i = 0; i < s->count; i++)
		if (s->at[i].due.ns <= now.ns)
			look(c, i, now);
	for (unsigned i = 0; i < s->count && !s->hashing.busy; i++)
		if (s->at[i].wanted)
			borrow(c, i, now);
	if (s->hashing.busy)
		hash_some(c);
	flush(c);
	arm(s);
}

/* ---- start and end ---- */

static int open_fields(struct core *c, struct samples *s) {
	int64_t now = clock_mono().ns;
	for (uint16_t f = 0; f < c->plan->fields.count; f++) {
		const struct plan_field *p = &plan_fields(c->plan)[f];
		struct watched *w = &s->at[s->count];
		if (p->durability == PLAN_VOLATILE)
			continue;
		int rc = field_open(&w->field, c->peers, f);
		if (rc < 0)
			return rc;
		w->due.ns = now + (int64_t)p->journal_ms * NS_PER_MS;
		s->count++;
	}
	return 0;
}

int samples_open(struct core *c) {
	unsigned count = 0;
	for (uint32_t f = 0; f < c->plan->fields.count; f++)
		count += plan_fields(c->plan)[f].durability != PLAN_VOLATILE;
	if (count == 0 || ledger_class(c, JOURNAL_SAMPLE) == JOURNAL_D0)
		return 0;
	size_t align = _Alignof(struct samples), bytes = sizeof(struct samples) + count * sizeof(struct watched);
	struct samples *s = aligned_alloc(align, (bytes + align - 1) / align * align);
	if (!s)
		return -ENOMEM;
	memset(s, 0, bytes);
	c->samples = s;
	s->class = JOURNAL_D1;
	s->timer = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	if (s->timer < 0)
		return -errno;
	int rc = open_fields(c, s);
	if (rc == 0)
		rc = core_watch(c, s->timer, CORE_ON_SAMPLES, 0);
	if (rc == 0)
		arm(s);
	return rc;
}

void samples_close(struct core *c) {
	struct samples *s = c->samples;
	if (!s)
		return;
	field_release(&s->hashing.lease);
	for (unsigned i = 0; i < s->count; i++)
		field_close(&s->at[i].field);
	io_close(&s->timer);
	free(s);
	c->samples = NULL;
}
