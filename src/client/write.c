/*
 * write.c - the writing half of the public face: see cadmus/client.h.
 *
 * A derived sample is held to its sources here: between a reader and a writer stands a link, into which each sample
 * is merged that the reader takes.  A sample begins the sum anew if the last one was published since.
 */
#include <errno.h>
#include <stdlib.h>
#include "base/clock.h"
#include "client/client_priv.h"

struct cdm_writer {
	struct cdm_machine *machine;
	struct field_writer field;
	float ceiling; /* of trust: the description's word for who writes */
	unsigned link_count;
	struct client_link links[CLIENT_LINKS_MAX];
};

static float declared_trust(const struct plan *p, uint16_t entity) {
	const struct plan_entity *e = &plan_entities(p)[entity];
	double least = 1.0;
	for (int d = 0; d < 3; d++)
		least = e->trust[d] < least ? e->trust[d] : least;
	return (float)least;
}

static uint64_t bit_of(uint16_t field) {
	return UINT64_C(1) << (field % 64);
}

/* One at a time: two would claim the same slot. */
static int take_field(struct cdm_machine *m, uint16_t field) {
	uint64_t before = __atomic_fetch_or(&m->written[field / 64], bit_of(field), __ATOMIC_ACQ_REL);
	return before & bit_of(field) ? -EBUSY : 0;
}

static void give_field(struct cdm_machine *m, uint16_t field) {
	__atomic_fetch_and(&m->written[field / 64], ~bit_of(field), __ATOMIC_ACQ_REL);
}

int cdm_writer_open(struct cdm_machine *m, const char *field, struct cdm_writer **out) {
	*out = NULL;
	uint16_t index = plan_find_field(m->seat.plan, field);
	if (index == PLAN_NONE)
		return -ENOENT;
	if (plan_fields(m->seat.plan)[index].process != m->seat.process)
		return -EACCES;
	struct cdm_writer *w = calloc(1, sizeof(*w));
	if (!w)
		return -ENOMEM;
	int rc = take_field(m, index);
	if (rc < 0) {
		free(w);
		return rc;
	}
	CHECK(field_writer_open(&w->field, &m->seat.peers, index) == 0);
	w->machine = m;
	w->ceiling = declared_trust(m->seat.plan, w->field.plan->entity);
	client_keep(m);
	*out = w;
	return 0;
}

void cdm_writer_close(struct cdm_writer *w) {
	if (!w)
		return;
	for (unsigned i = 0; i < w->link_count; i++)
		client_unlink(&w->links[i]);
	field_writer_close(&w->field);
	give_field(w->machine, w->field.index);
	client_let_go(w->machine);
	free(w);
}

int cdm_derive(struct cdm_writer *w, struct cdm_reader *r) {
	if (client_machine_of(r) != w->machine)
		return -EINVAL;
	if (w->link_count == CLIENT_LINKS_MAX)
		return -E2BIG;
	client_link(&w->links[w->link_count++], r);
	return 0;
}

void *cdm_loan(struct cdm_writer *w) {
	if (w->field.loaned)
		field_abandon(&w->field);
	return field_loan(&w->field);
}

void cdm_abandon(struct cdm_writer *w) {
	if (w->field.loaned)
		field_abandon(&w->field);
}

/* What it says of itself, held to what it was made from.  false: nothing that it was made from is known. */
static bool sum_up(struct cdm_writer *w, const struct cdm_meta *said, struct cdm_mono now, struct field_meta *m) {
	static const struct cdm_meta fresh = CDM_META_NOW;
	const struct cdm_meta *s = said ? said : &fresh;
	*m = field_meta_of(w->field.plan->entity);
	m->source_time = s->source_time.ns > 0 && s->source_time.ns < now.ns ? s->source_time : now;
	m->trust = s->trust < w->ceiling || !(s->trust >= 0.0f) ? s->trust : w->ceiling;
	m->status = s->status == CDM_DEGRADED ? CDM_DEGRADED : CDM_OK;
	bool any = !w->field.plan->derived;
	for (unsigned i = 0; i < w->link_count; i++) {
		struct client_link *k = &w->links[i];
		if (!k->any)
			continue;
		field_meta_join(m, &k->sum);
		k->published = any = true;
	}
	return any;
}

int64_t cdm_publish(struct cdm_writer *w, size_t bytes, const struct cdm_meta *meta) {
	struct cdm_mono now = clock_mono();
	struct field_meta m;
	if (!w->field.loaned || bytes > w->field.plan->bytes || !sum_up(w, meta, now, &m))
		return -EINVAL;
	return (int64_t)field_publish(&w->field, (uint32_t)bytes, &m, now);
}

int64_t cdm_write(struct cdm_writer *w, const void *data, size_t bytes, const struct cdm_meta *meta) {
	struct cdm_mono now = clock_mono();
	struct field_meta m;
	if (bytes > w->field.plan->bytes || !sum_up(w, meta, now, &m))
		return -EINVAL;
	if (w->field.loaned)
		field_abandon(&w->field);
	int rc = field_write(&w->field, data, (uint32_t)bytes, &m, now);
	return rc < 0 ? rc : (int64_t)w->field.version;
}
