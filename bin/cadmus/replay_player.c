/* replay_player.c - see replay_player.h. */
#include "bin/cadmus/replay_player.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "base/clock.h"

/* A commit of fields that are published together, as far as it is there. */
struct commit {
	struct cdm_group *group; /* NULL: not opened */
	uint32_t count, there; /* fields; that have their sample of `version` */
	uint64_t version;
	uint32_t epoch;
	void *out[PLAN_GROUP_MAX];
	size_t bytes[PLAN_GROUP_MAX];
	struct cdm_meta meta[PLAN_GROUP_MAX];
};

struct replay_player {
	struct cdm_machine *machine;
	const struct plan *plan;
	struct cdm_writer **writers; /* by field; NULL: not opened, or of a group */
	struct commit *commits;      /* by the field whose head they share */
	uint64_t *said, *published;  /* by field */
};

int replay_player_open(struct replay_player **out, const char *machine, const char *entity, struct cdm_diag *diag) {
	struct replay_player *p = calloc(1, sizeof(*p));
	size_t bytes;
	*out = NULL;
	if (!p)
		return -ENOMEM;
	int rc = cdm_attach_as(machine, entity, 0, &p->machine, diag);
	if (rc == 0) {
		p->plan = cdm_plan(p->machine, &bytes);
		p->writers = calloc(p->plan->fields.count + 1u, sizeof(*p->writers));
		p->commits = calloc(p->plan->fields.count + 1u, sizeof(*p->commits));
		p->said = calloc(p->plan->fields.count + 1u, sizeof(*p->said));
		p->published = calloc(p->plan->fields.count + 1u, sizeof(*p->published));
		rc = p->writers && p->commits && p->said && p->published ? 0 : -ENOMEM;
	}
	*out = p;
	if (rc < 0)
		replay_player_close(out);
	return rc;
}

void replay_player_close(struct replay_player **out) {
	struct replay_player *p = *out;
	*out = NULL;
	if (!p)
		return;
	for (uint32_t i = 0; p->writers && i < p->plan->fields.count; i++)
		cdm_writer_close(p->writers[i]);
	for (uint32_t i = 0; p->commits && i < p->plan->fields.count; i++)
		cdm_group_close(p->commits[i].group);
	free(p->writers);
	free(p->commits);
	free(p->said);
	free(p->published);
	cdm_detach(p->machine);
	free(p);
}

/* STALE and ORPHAN are what its reader found; the writer did not say so. */
static struct cdm_meta meta_of(const struct cdm_info *i, struct cdm_mono now) {
	int64_t age = mono_since(i->source_time, i->publish_time);
	return (struct cdm_meta){ .source_time = { now.ns - age > 0 ? now.ns - age : 1 }, .trust = i->trust,
		.status = i->status == CDM_DEGRADED ? CDM_DEGRADED : CDM_OK };
}

/* ---- fields of a group ---- */

/* NULL: it cannot be had now. */
static struct commit *commit_of(struct replay_player *p, uint16_t head) {
	struct commit *c = &p->commits[head];
	if (!c->group && cdm_group_open(p->machine, plan_fields(p->plan)[head].name, &c->group) < 0)
		return NULL;
	c->count = cdm_group_count(c->group);
	return c;
}

static uint32_t place_in(const struct commit *c, const char *name) {
	uint32_t i = 0;
	while (i < c->count && strcmp(cdm_group_field(c->group, i), name) != 0)
		i++;
	CHECK(i < c->count);
	return i;
}

/* Of those before that never became whole nothing goes out. */
static bool begin_commit(struct commit *c, const struct cdm_info *i) {
	if (c->there > 0 && c->version == i->version && c->epoch == i->epoch)
		return true;
	c->there = 0;
	c->version = i->version;
	c->epoch = i->epoch;
	return cdm_group_loan(c->group, c->out) == 0;
}

static void count_commit(struct replay_player *p, uint16_t head) {
	for (uint16_t i = 0; i < p->plan->fields.count; i++)
		p->published[i] += plan_fields(p->plan)[i].group == head;
}

static void say_in_group(struct replay_player *p, uint16_t field, const struct recorded *s) {
	const struct plan_field *f = &plan_fields(p->plan)[field];
	struct commit *c = commit_of(p, f->group);
	if (!c || !begin_commit(c, &s->info))
		return;
	uint32_t at = place_in(c, f->name);
	memcpy(c->out[at], s->bytes, s->info.bytes);
	c->bytes[at] = s->info.bytes;
	c->meta[at] = meta_of(&s->info, clock_mono());
	if (++c->there < c->count)
		return;
	if (cdm_group_publish(c->group, c->bytes, c->meta) >= 0)
		count_commit(p, f->group);
	c->there = 0;
}

/* ---- */

void replay_player_say(struct replay_player *p, uint16_t field, const struct recorded *s) {
	const struct plan_field *f = &plan_fields(p->plan)[field];
	p->said[field]++;
	if (s->info.bytes > f->bytes)
		return;
	if (plan_group_size(p->plan, f->group) > 1) {
		say_in_group(p, field, s);
		return;
	}
	if (!p->writers[field] && cdm_writer_open(p->machine, f->name, &p->writers[field]) < 0)
		return;
	const struct cdm_meta meta = meta_of(&s->info, clock_mono());
	p->published[field] += cdm_write(p->writers[field], s->bytes, s->info.bytes, &meta) >= 0;
}

void replay_player_counts(const struct replay_player *p, uint16_t field, uint64_t *published, uint64_t *lost) {
	*published = p->published[field];
	*lost = p->said[field] - p->published[field];
}
