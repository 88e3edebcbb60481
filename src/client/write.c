/*
 * write.c - the writing half of the public face: see cadmus/write.h.
 *
 * A derived sample is held to its sources here: between a reader and a writer stands a link, into which each sample
 * is merged that the reader takes.  A sample begins the sum anew if the last one was published since.
 */
#include <errno.h>
#include <stdlib.h>
#include "base/clock.h"
#include "client/client_priv.h"

/* What one or more fields are made of. */
struct lineage {
	unsigned count;
	struct client_link links[CLIENT_LINKS_MAX];
};

struct cdm_writer {
	struct cdm_machine *machine;
	struct field_writer field;
	float ceiling; /* of its trust: what the description says of the one who writes */
	struct lineage lineage;
};

struct cdm_group {
	struct cdm_machine *machine;
	struct field_group fields;
	float ceiling[FIELD_GROUP_MAX];
	struct lineage lineage;
};

static float declared_trust(const struct field_writer *w) {
	const struct plan_entity *e = &plan_entities(w->peers->plan)[w->plan->entity];
	double least = 1.0;
	for (int d = 0; d < 3; d++)
		least = e->trust[d] < least ? e->trust[d] : least;
	return (float)least;
}

static uint64_t bit_of(uint16_t field) {
	return UINT64_C(1) << (field % 64);
}

/* One at a time: two would claim the same slot.  Who may not have it takes it from nobody meanwhile. */
static int take_field(struct cdm_machine *m, uint16_t field, bool alone) {
	int rc = field_may_write(&m->seat.peers, field, alone);
	if (rc < 0)
		return rc;
	uint64_t before = __atomic_fetch_or(&m->written[field / 64], bit_of(field), __ATOMIC_ACQ_REL);
	return before & bit_of(field) ? -EBUSY : 0;
}

static void give_field(struct cdm_machine *m, uint16_t field) {
	__atomic_fetch_and(&m->written[field / 64], ~bit_of(field), __ATOMIC_ACQ_REL);
}

/* ---- what samples are made of ---- */

/* One of a reader that is closed, and of which nothing is left, is free again. */
static struct client_link *free_link(struct lineage *l) {
	for (unsigned i = 0; i < l->count; i++)
		if (!l->links[i].reader && !l->links[i].any)
			return &l->links[i];
	return l->count < CLIENT_LINKS_MAX ? &l->links[l->count++] : NULL;
}

static bool is_named(const struct lineage *l, const struct cdm_reader *r) {
	for (unsigned i = 0; i < l->count; i++)
		if (l->links[i].reader == r)
			return true;
	return false;
}

static int derive(struct lineage *l, const struct cdm_machine *m, struct cdm_reader *r) {
	if (client_machine_of(r) != m)
		return -EINVAL;
	if (is_named(l, r))
		return 0;
	struct client_link *k = free_link(l);
	if (!k)
		return -E2BIG;
	client_link(k, r);
	return 0;
}

static void forget(struct lineage *l) {
	for (unsigned i = 0; i < l->count; i++)
		client_unlink(&l->links[i]);
	l->count = 0;
}

static bool is_known(const struct lineage *l) {
	for (unsigned i = 0; i < l->count; i++)
		if (l->links[i].any)
			return true;
	return false;
}

/* What a sample says of itself, held to what it was made from and to the description's word for its writer. */
static struct field_meta sum_up(const struct field_writer *w, float ceiling, const struct lineage *l,
		const struct cdm_meta *said, struct cdm_mono now) {
	static const struct cdm_meta fresh = CDM_META_NOW;
	const struct cdm_meta *s = said ? said : &fresh;
	struct field_meta m = field_meta_of(w->plan->entity);
	m.source_time = s->source_time.ns > 0 && s->source_time.ns < now.ns ? s->source_time : now;
	m.trust = !(s->trust >= 0.0f) ? 0.0f : s->trust < ceiling ? s->trust : ceiling;
	m.status = (uint16_t)s->status;
	for (unsigned i = 0; i < l->count; i++)
		if (l->links[i].any)
			field_meta_join(&m, &l->links[i].sum);
	return m;
}

/* The sums have gone out with a sample: what is taken from now on begins them anew.  Closed readers take nothing, but
   what they still borrow goes into each sample. */
static void went_out(struct lineage *l, const struct cdm_machine *m) {
	for (struct client_link *k = l->links; k < l->links + l->count; k++) {
		k->published = true;
		if (!k->reader)
			k->any = client_sum_of_loans(m, k->number, &k->sum);
	}
}

/* ---- one field ---- */

int cdm_writer_open(struct cdm_machine *m, const char *field, struct cdm_writer **out) {
	*out = NULL;
	uint16_t index = plan_find_field(m->seat.plan, field);
	if (index == PLAN_NONE)
		return -ENOENT;
	int rc = take_field(m, index, true);
	if (rc < 0)
		return rc;
	struct cdm_writer *w = calloc(1, sizeof(*w));
	if (!w) {
		give_field(m, index);
		return -ENOMEM;
	}
	CHECK(field_writer_open(&w->field, &m->seat.peers, index) == 0);
	w->machine = m;
	w->ceiling = declared_trust(&w->field);
	client_keep(m);
	*out = w;
	return 0;
}

void cdm_writer_close(struct cdm_writer *w) {
	if (!w)
		return;
	forget(&w->lineage);
	field_writer_close(&w->field);
	give_field(w->machine, w->field.index);
	client_let_go(w->machine);
	free(w);
}

int cdm_derive(struct cdm_writer *w, struct cdm_reader *r) {
	return derive(&w->lineage, w->machine, r);
}

void *cdm_loan(struct cdm_writer *w) {
	cdm_abandon(w);
	return field_loan(&w->field);
}

void cdm_abandon(struct cdm_writer *w) {
	if (w->field.loaned)
		field_abandon(&w->field);
}

/* May a sample of that size, of which that is said, go out now? */
static bool may_publish(const struct field_writer *w, const struct lineage *l, size_t bytes,
		const struct cdm_meta *said) {
	return bytes <= w->plan->bytes && (!w->plan->derived || is_known(l)) && (!said || said->status <= CDM_ORPHAN);
}

int64_t cdm_publish(struct cdm_writer *w, size_t bytes, const struct cdm_meta *meta) {
	if (!w->field.loaned || !may_publish(&w->field, &w->lineage, bytes, meta))
		return -EINVAL;
	struct cdm_mono now = clock_mono();
	struct field_meta m = sum_up(&w->field, w->ceiling, &w->lineage, meta, now);
	went_out(&w->lineage, w->machine);
	return (int64_t)field_publish(&w->field, (uint32_t)bytes, &m, now);
}

int64_t cdm_write(struct cdm_writer *w, const void *data, size_t bytes, const struct cdm_meta *meta) {
	if (!may_publish(&w->field, &w->lineage, bytes, meta))
		return -EINVAL;
	struct cdm_mono now = clock_mono();
	struct field_meta m = sum_up(&w->field, w->ceiling, &w->lineage, meta, now);
	cdm_abandon(w);
	int rc = field_write(&w->field, data, (uint32_t)bytes, &m, now);
	if (rc < 0)
		return rc;
	went_out(&w->lineage, w->machine);
	return (int64_t)w->field.version;
}

/* ---- a group ---- */

int cdm_group_open(struct cdm_machine *m, const char *field, struct cdm_group **out) {
	*out = NULL;
	uint16_t index = plan_find_field(m->seat.plan, field);
	if (index == PLAN_NONE)
		return -ENOENT;
	uint16_t head = plan_fields(m->seat.plan)[index].group;
	int rc = take_field(m, head, false);
	if (rc < 0)
		return rc;
	struct cdm_group *g = calloc(1, sizeof(*g));
	if (!g) {
		give_field(m, head);
		return -ENOMEM;
	}
	CHECK(field_group_open(&g->fields, &m->seat.peers, head) == 0);
	g->machine = m;
	for (unsigned i = 0; i < g->fields.count; i++)
		g->ceiling[i] = declared_trust(&g->fields.at[i]);
	client_keep(m);
	*out = g;
	return 0;
}

void cdm_group_close(struct cdm_group *g) {
	if (!g)
		return;
	forget(&g->lineage);
	field_group_close(&g->fields);
	give_field(g->machine, g->fields.at[0].index);
	client_let_go(g->machine);
	free(g);
}

uint32_t cdm_group_count(const struct cdm_group *g) {
	return g->fields.count;
}

const char *cdm_group_field(const struct cdm_group *g, uint32_t i) {
	return i < g->fields.count ? g->fields.at[i].plan->name : NULL;
}

int cdm_group_derive(struct cdm_group *g, struct cdm_reader *r) {
	return derive(&g->lineage, g->machine, r);
}

int cdm_group_loan(struct cdm_group *g, void *out[]) {
	cdm_group_abandon(g);
	return field_group_loan(&g->fields, out) ? 0 : -EAGAIN;
}

void cdm_group_abandon(struct cdm_group *g) {
	if (g->fields.at[0].loaned)
		field_group_abandon(&g->fields);
}

int64_t cdm_group_publish(struct cdm_group *g, const size_t bytes[], const struct cdm_meta meta[]) {
	uint32_t valid[FIELD_GROUP_MAX];
	struct field_meta m[FIELD_GROUP_MAX];
	struct cdm_mono now = clock_mono();
	if (!g->fields.at[0].loaned)
		return -EINVAL;
	for (unsigned i = 0; i < g->fields.count; i++) {
		const struct field_writer *w = &g->fields.at[i];
		size_t n = bytes ? bytes[i] : w->plan->bytes;
		const struct cdm_meta *said = meta ? &meta[i] : NULL;
		if (!may_publish(w, &g->lineage, n, said))
			return -EINVAL;
		valid[i] = (uint32_t)n;
		m[i] = sum_up(w, g->ceiling[i], &g->lineage, said, now);
	}
	went_out(&g->lineage, g->machine);
	return (int64_t)field_group_publish(&g->fields, valid, m, now);
}
