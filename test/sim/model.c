/* model.c - see model.h. */
#include "test/sim/model.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { EXTRA_MAX = MODEL_WAITING_MAX * MODEL_BATCH_MAX, UNEXPLAINED_MAX = 64 };

struct walk {
	struct model *m;
	enum model_view view;
	void (*meanwhile)(void *user);
	void *user;

	uint64_t count, erasures; /* of the model when it began */
	uint64_t seq, hlc;
	struct hash hash;
	uint64_t compacted; /* by what was acknowledged before, and what has been passed */
	uint64_t gone;      /* the last one that was missing */
	/* Records beyond those that were acknowledged: */
	struct model_batch *batch; /* the one that is being passed, or NULL */
	unsigned index;            /* in it */
	unsigned next;             /* the next waiting one that may begin */
	uint64_t extra_count;
	struct model_batch *passed[MODEL_WAITING_MAX]; /* found whole */
	unsigned passed_count;
	bool has_forked;
	uint64_t unexplained[UNEXPLAINED_MAX]; /* erased, and nobody has said so yet */
	unsigned unexplained_count;
	struct model_batch *waiting[MODEL_WAITING_MAX]; /* when it began: results may be taken meanwhile */
	unsigned waiting_count;
	struct model_record extra[EXTRA_MAX];
};

static void batch_free(struct model_batch *b) {
	for (unsigned i = 0; i < b->count; i++)
		free(b->entries[i].body);
	free(b);
}

void model_forget(struct model *m) {
	while (m->all) {
		struct model_batch *b = m->all;
		m->all = b->next;
		batch_free(b);
	}
	m->waiting_count = 0;
	m->count = m->epoch = m->erasures = m->compacted = 0;
	m->compaction_count = 0;
	m->scrubbed = false;
}

void model_fini(struct model *m) {
	model_forget(m);
	free(m->records);
	memset(m, 0, sizeof(*m));
}

struct model_batch *model_batch(struct model *m) {
	struct model_batch *b = calloc(1, sizeof(*b));
	CHECK(b != NULL);
	b->epoch = m->epoch;
	return b;
}

void model_waits(struct model *m, struct model_batch *b) {
	CHECK(m->waiting_count < MODEL_WAITING_MAX);
	b->next = m->all;
	m->all = b;
	m->waiting[m->waiting_count++] = b;
	if (!b->compact_upto)
		return;
	CHECK(m->compaction_count < MODEL_COMPACTIONS_MAX);
	m->compactions[m->compaction_count++] = b;
}

void model_drop(struct model_batch *b) {
	batch_free(b);
}

bool model_has_waiting_erasure(const struct model *m) {
	for (unsigned i = 0; i < m->waiting_count; i++)
		if (m->waiting[i]->erase && m->waiting[i]->fate != MODEL_GHOST)
			return true;
	return false;
}

static void append(struct model *m, const struct model_record *r) {
	if (m->count == m->room) {
		m->room = m->room ? 2 * m->room : 256;
		m->records = realloc(m->records, m->room * sizeof(*m->records));
		CHECK(m->records != NULL);
	}
	m->records[m->count++] = *r;
}

/* It is in the file now: what it does to others. */
static void take_effect(struct model *m, const struct model_batch *b) {
	if (b->erase) {
		CHECK(b->erase <= m->count);
		m->records[b->erase - 1].erased = true;
		m->erasures++;
		m->scrubbed = m->scrubbed || b->erase <= m->compacted;
	}
	if (b->compact_upto)
		m->compacted = b->compact_upto;
}

/* Records of a batch, where all up to `compacted` may be gone. */
static unsigned count_of(const struct model_batch *b, uint64_t compacted) {
	return b->erase && b->erase > compacted ? 1 : b->count;
}

/* ---- results ---- */

/* Is the record what was submitted as this entry? */
static bool is_entry(const struct journal_record *r, const struct model_batch *b, unsigned index) {
	const struct model_entry *e = &b->entries[index];
	struct hash body = hash_of(e->body, e->bytes);
	if (r->kind != e->kind || r->visibility != e->visibility || r->class != b->class || r->epoch != b->epoch)
		return false;
	if (strcmp(r->entity, e->entity) != 0 || strcmp(r->principal, e->principal) != 0)
		return false;
	if (e->kind == JOURNAL_SNAPSHOT)
		return !r->erased;
	if (!hash_equal(&r->body_hash, &body))
		return false;
	return r->erased || (r->body_bytes == e->bytes && memcmp(r->body, e->body, e->bytes) == 0);
}

static void acknowledge(struct model *m, struct model_batch *b, const struct journal_result *r) {
	CHECK(r->count == count_of(b, m->compacted));
	for (unsigned i = 0; i < r->count; i++) {
		const struct journal_record *record = &r->records[i];
		const struct model_record *last = m->count ? &m->records[m->count - 1] : NULL;
		struct hash zero = { { 0 } };
		CHECK(record_check(record, m->count, last ? &last->hash : &zero) == 0);
		CHECK(is_entry(record, b, i) && !record->erased);
		CHECK(!last || record->hlc > last->hlc);
		append(m, &(struct model_record){ b, i, false, record->hlc, record->wall, record->hash });
	}
	b->fate = MODEL_ACKNOWLEDGED;
	take_effect(m, b);
}

static void leave_waiting(struct model *m, unsigned at) {
	m->waiting_count--;
	memmove(&m->waiting[at], &m->waiting[at + 1], (m->waiting_count - at) * sizeof(m->waiting[0]));
}

const struct model_batch *model_settle(struct model *m, const struct journal_result *r) {
	unsigned at = 0, failed = 0;
	for (; at < m->waiting_count && m->waiting[at]->fate != MODEL_WAITS; at++)
		failed += m->waiting[at]->fate == MODEL_FAILED;
	CHECK(at < m->waiting_count);
	struct model_batch *b = m->waiting[at];
	CHECK(b->ticket == r->ticket);
	if (r->rc == 0) {
		CHECK(failed == 0); /* nothing is stored after the disk has failed */
		acknowledge(m, b, r);
		while (at > 0)
			leave_waiting(m, --at); /* it was written over the ghosts */
	} else {
		b->fate = r->rc == -EIO && !b->after_failure ? MODEL_FAILED : MODEL_ABSENT;
		CHECK(r->records[0].seq == 0);
	}
	if (b->fate != MODEL_FAILED)
		leave_waiting(m, at);
	return b;
}

/* ---- walking ---- */

/* A record that nobody was told of: the next of a batch, or the first of a later one. */
static int beyond(struct walk *w, const struct journal_record *r) {
	if (!w->batch) {
		while (w->next < w->waiting_count && !is_entry(r, w->waiting[w->next], 0)) {
			const struct model_batch *b = w->waiting[w->next++];
			CHECK(b->may_be_passed || b->fate != MODEL_WAITS || w->view == MODEL_JUDGE);
		}
		CHECK(w->next < w->waiting_count); /* or nobody has ever submitted it */
		w->batch = w->waiting[w->next++];
		w->index = 0;
	}
	CHECK(is_entry(r, w->batch, w->index) && w->extra_count < EXTRA_MAX);
	bool erased = w->view == MODEL_JUDGE && r->erased;
	w->extra[w->extra_count++] = (struct model_record){ w->batch, w->index, erased, r->hlc, r->wall, r->hash };
	if (++w->index == count_of(w->batch, w->compacted)) {
		w->passed[w->passed_count++] = w->batch;
		w->compacted = w->batch->compact_upto ? w->batch->compact_upto : w->compacted;
		w->batch = NULL;
	}
	return 0;
}

/*
 * Where a disk has lied, what was in doubt once may be there instead of what was acknowledged later: of anything that
 * was ever submitted.
 */
static void otherwise(struct walk *w, const struct journal_record *r) {
	bool was_submitted = false;
	for (const struct model_batch *b = w->m->all; b && !was_submitted; b = b->next)
		for (unsigned i = 0; i < b->count && !was_submitted; i++) {
			if (!is_entry(r, b, i))
				continue;
			CHECK(w->extra_count < EXTRA_MAX);
			w->extra[w->extra_count++] = (struct model_record){ b, i, r->erased, r->hlc, r->wall, r->hash };
			was_submitted = true;
		}
	CHECK(was_submitted);
}

static void known(struct walk *w, const struct journal_record *r) {
	struct model_record *have = &w->m->records[r->seq - 1];
	if (w->view == MODEL_JUDGE && !hash_equal(&r->hash, &have->hash)) {
		w->count = r->seq - 1;
		w->has_forked = true;
		otherwise(w, r);
		return;
	}
	CHECK(hash_equal(&r->hash, &have->hash) && r->hlc == have->hlc && is_entry(r, have->batch, have->index));
	if (w->view == MODEL_JUDGE) {
		have->erased = r->erased; /* either is a prefix */
		return;
	}
	/* Who began to walk before an erasure sees what was there. */
	CHECK(r->erased || !have->erased || w->m->erasures > w->erasures);
	if (r->erased && !have->erased) {
		CHECK(w->unexplained_count < UNEXPLAINED_MAX);
		w->unexplained[w->unexplained_count++] = r->seq;
	}
}

static const struct model_entry *entry_of(const struct model_record *r) {
	return &r->batch->entries[r->index];
}

/* Is there a compaction, or may there be one, that lets it go? */
static bool may_be_gone(const struct model *m, uint64_t seq) {
	enum journal_kind kind = entry_of(&m->records[seq - 1])->kind;
	for (unsigned i = 0; i < m->compaction_count; i++) {
		const struct model_batch *b = m->compactions[i];
		if (b->fate != MODEL_ABSENT && b->compact_upto >= seq && b->compact_kinds >> kind & 1)
			return true;
	}
	return false;
}

/* Records before r are missing.  Each was in the list when it was let go, so it says how the chain goes on. */
static int pass_gap(struct walk *w, const struct journal_record *r) {
	if (w->has_forked || r->seq - 1 > w->count) {
		CHECK(w->view == MODEL_JUDGE);
		return w->m->compaction_count ? -ESTALE : -EBADMSG;
	}
	bool may_be = true;
	for (uint64_t seq = w->seq + 1; seq < r->seq; seq++)
		may_be = may_be && may_be_gone(w->m, seq);
	CHECK(may_be || w->view == MODEL_JUDGE);
	if (!may_be)
		return -EBADMSG; /* as the chain is broken there */
	w->gone = w->seq = r->seq - 1;
	w->hash = w->m->records[w->seq - 1].hash;
	return 0;
}

static int visit(void *user, const struct journal_record *r) {
	struct walk *w = user;
	int rc = r->seq > w->seq + 1 ? pass_gap(w, r) : 0;
	if (rc < 0)
		return rc;
	if (record_check(r, w->seq, &w->hash) < 0 || r->hlc <= w->hlc)
		return -EBADMSG;
	if (w->has_forked)
		otherwise(w, r);
	else if (r->seq <= w->count)
		known(w, r);
	else
		beyond(w, r);
	w->seq = r->seq;
	w->hlc = r->hlc;
	w->hash = r->hash;
	if (w->meanwhile)
		w->meanwhile(w->user);
	return 0;
}

/* An erased body whose erasure stands further on, and was not acknowledged. */
static void explain(const struct walk *w) {
	for (unsigned i = 0; i < w->unexplained_count; i++) {
		bool explained = w->m->records[w->unexplained[i] - 1].erased; /* meanwhile */
		for (unsigned k = 0; k < w->passed_count; k++)
			explained = explained || w->passed[k]->erase == w->unexplained[i];
		CHECK(explained);
	}
	for (unsigned k = 0; k < w->passed_count; k++) {
		uint64_t seq = w->passed[k]->erase;
		bool gone = seq == 0 || seq > w->count || may_be_gone(w->m, seq);
		for (unsigned i = 0; i < w->unexplained_count; i++)
			gone = gone || w->unexplained[i] == seq;
		CHECK(gone || w->m->records[seq - 1].erased);
	}
}

static void adopt(struct walk *w) {
	struct model *m = w->m;
	if (w->view == MODEL_JUDGE)
		m->count = w->count < w->seq ? w->count : w->seq;
	for (uint64_t i = 0; i < w->extra_count; i++)
		append(m, &w->extra[i]);
	for (unsigned i = 0; i < w->passed_count; i++) {
		w->passed[i]->fate = MODEL_ACKNOWLEDGED;
		if (w->view != MODEL_JUDGE)
			take_effect(m, w->passed[i]);
	}
	unsigned ghosts = 0;
	for (unsigned i = 0; i < m->waiting_count; i++) {
		struct model_batch *b = m->waiting[i];
		bool found = b->fate == MODEL_ACKNOWLEDGED;
		CHECK(found || !b->promised || w->view == MODEL_JUDGE);
		if (found)
			continue;
		b->fate = MODEL_GHOST;
		m->waiting[ghosts++] = b;
	}
	m->waiting_count = ghosts;
}

int model_walk(struct model *m, struct journal_reader *r, enum model_view view, void (*meanwhile)(void *user),
		void *user, uint64_t *seq) {
	struct walk *w = calloc(1, sizeof(*w));
	CHECK(w != NULL);
	w->m = m, w->view = view, w->compacted = m->compacted, w->meanwhile = meanwhile, w->user = user;
	w->count = m->count, w->erasures = m->erasures, w->waiting_count = m->waiting_count;
	memcpy(w->waiting, m->waiting, sizeof(w->waiting));
	int rc = journal_each(r, 0, 0, visit, w);
	*seq = w->seq;
	if (rc == 0 && view != MODEL_JUDGE) {
		CHECK(w->seq >= w->count); /* nothing acknowledged is lost */
		CHECK(!w->batch);          /* no batch is there in part */
		explain(w);
		/* Nothing goes before it is written that it does. */
		CHECK(w->gone <= w->compacted || w->gone <= m->compacted);
	}
	if (rc == 0 && view != MODEL_LOOK)
		adopt(w);
	free(w);
	return rc;
}

uint64_t model_may_be_compacted(const struct model *m) {
	uint64_t upto = m->compacted;
	for (unsigned i = 0; i < m->waiting_count; i++)
		if (m->waiting[i]->compact_upto > upto)
			upto = m->waiting[i]->compact_upto;
	return upto;
}

uint64_t model_gone(const struct model *m) {
	uint64_t gone = 0;
	for (uint64_t seq = 1; seq <= m->compacted; seq++) {
		enum journal_kind kind = entry_of(&m->records[seq - 1])->kind;
		bool goes = false;
		for (unsigned i = 0; i < m->compaction_count; i++) {
			const struct model_batch *b = m->compactions[i];
			goes = goes || (b->fate == MODEL_ACKNOWLEDGED && b->compact_upto >= seq &&
					       b->compact_kinds >> kind & 1);
		}
		gone += goes;
	}
	return gone;
}

/* ---- the state ---- */

static void apply(const struct model *m, uint64_t seq, bool erased, struct journal_state *s) {
	static uint8_t vouches[160];
	const struct model_record *have = &m->records[seq - 1];
	const struct model_entry *e = entry_of(have);
	struct journal_record r = { .seq = seq, .epoch = have->batch->epoch, .hlc = have->hlc, .wall = have->wall,
		.kind = (uint16_t)e->kind, .visibility = (uint8_t)e->visibility, .erased = erased, .hash = have->hash };
	snprintf(r.entity, sizeof(r.entity), "%s", e->entity);
	snprintf(r.principal, sizeof(r.principal), "%s", e->principal);
	r.body = erased ? NULL : e->body;
	r.body_bytes = erased ? 0 : (uint32_t)e->bytes;
	if (e->kind == JOURNAL_SNAPSHOT) { /* its body is the journal's, and says nothing but that it is one */
		struct body_snapshot b = { .upto = 1, .bytes = 1 };
		int n = body_build_snapshot(&b, vouches, sizeof(vouches));
		CHECK(n > 0);
		r.body = vouches;
		r.body_bytes = (uint32_t)n;
	}
	CHECK(state_apply(s, &r) == 0);
}

/* Where nobody says when it was erased, it was so when it was folded. */
static void note_erased_untold(const struct model *m, bool *erased) {
	for (uint64_t i = 0; i < m->count; i++)
		erased[i] = m->records[i].erased;
	for (uint64_t i = 0; i < m->count; i++)
		if (entry_of(&m->records[i])->kind == JOURNAL_ERASE)
			erased[m->records[i].batch->erase - 1] = false;
}

/*
 * A compaction stands on a snapshot of what was known then; what is erased of that later is taken out of it, while what
 * is erased of the rest has never been.
 */
void model_fold(const struct model *m, uint64_t upto, struct journal_state *out) {
	bool *erased = calloc(m->count + 1, sizeof(*erased));
	CHECK(erased != NULL && upto >= m->compacted && upto <= m->count);
	note_erased_untold(m, erased);
	state_init(out);
	uint64_t folded = 0;
	for (uint64_t i = 0; i < m->count; i++) {
		const struct model_batch *b = m->records[i].batch;
		enum journal_kind kind = entry_of(&m->records[i])->kind;
		if (kind == JOURNAL_ERASE && b->erase <= folded)
			state_scrub(out, b->erase);
		else if (kind == JOURNAL_ERASE)
			erased[b->erase - 1] = m->records[b->erase - 1].erased;
		for (; kind == JOURNAL_COMPACT && folded < b->compact_upto; folded++)
			apply(m, folded + 1, erased[folded], out);
	}
	for (; folded < upto; folded++)
		apply(m, folded + 1, erased[folded], out);
	free(erased);
}

/* The last record of `field`, or NULL; erased ones never were. */
static const struct model_record *last_setting(const struct model *m, const char *field, struct body_set *out,
		uint64_t *seq) {
	for (*seq = m->count; *seq > 0; --*seq) {
		const struct model_record *r = &m->records[*seq - 1];
		const struct model_entry *e = &r->batch->entries[r->index];
		if (e->kind != JOURNAL_SET || r->erased)
			continue;
		CHECK(body_parse_set(e->body, e->bytes, out) == 0);
		if (out->field.bytes == strlen(field) && memcmp(out->field.at, field, out->field.bytes) == 0)
			return r;
	}
	return NULL;
}

void model_check_state(const struct model *m, const struct journal_state *s) {
	uint64_t kinds[JOURNAL_KIND_COUNT] = { 0 }, erased = 0;
	CHECK(s->seq == m->count && s->broken == 0);
	for (uint64_t i = 0; i < m->count; i++) {
		kinds[m->records[i].batch->entries[m->records[i].index].kind]++;
		erased += m->records[i].erased;
	}
	CHECK(memcmp(kinds, s->kinds, sizeof(kinds)) == 0 && s->kinds[JOURNAL_KIND_COUNT] == 0);
	CHECK(m->count == 0 || hash_equal(&s->head, &m->records[m->count - 1].hash));
	CHECK(s->compacted == m->compacted);
	if (m->scrubbed)
		return; /* what was said before that is not in the snapshot, and does not come back */
	CHECK(s->erased == erased);
	for (unsigned i = 0; i < s->setting_count; i++) {
		const struct state_setting *have = state_setting_at(s, i);
		struct body_set want;
		uint64_t seq;
		CHECK(last_setting(m, have->field, &want, &seq) != NULL && seq == have->seq);
		CHECK(strlen(have->value) == want.value.bytes &&
				memcmp(have->value, want.value.at, want.value.bytes) == 0);
	}
	for (uint64_t i = 0; i < m->count; i++) {
		const struct model_record *r = &m->records[i];
		const struct model_entry *e = &r->batch->entries[r->index];
		struct body_set b;
		char field[CDM_NAME_MAX];
		if (e->kind != JOURNAL_SET || r->erased)
			continue;
		CHECK(body_parse_set(e->body, e->bytes, &b) == 0 && b.field.bytes < sizeof(field));
		memcpy(field, b.field.at, b.field.bytes);
		field[b.field.bytes] = 0;
		CHECK(state_setting(s, field) != NULL);
	}
}
