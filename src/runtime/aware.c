/* aware.c - see aware.h. */
#include "runtime/aware.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "base/clock.h"
#include "sem/awareness.h"
#include "store/field.h"

#define EVIDENCE 1.0

struct one {
	struct field_writer writer;
	struct awareness_cell cell;
};

struct aware {
	const struct plan *plan;
	unsigned count;
	struct one at[];
};

static bool is_made_by_a_rule(const struct plan *p, uint16_t field) {
	for (uint32_t r = 0; r < p->rules.count; r++)
		if (plan_rules(p)[r].target == field)
			return true;
	return false;
}

static bool is_ours(const struct peers *t, uint16_t field) {
	const struct plan_field *f = &plan_fields(t->plan)[field];
	return f->kind == PLAN_AWARENESS && f->process == t->self && f->dtype == CDM_F32 &&
			f->bytes == sizeof(float) && !is_made_by_a_rule(t->plan, field);
}

int aware_open(struct aware **out, struct peers *peers) {
	uint16_t fields = (uint16_t)peers->plan->fields.count;
	unsigned count = 0;
	*out = NULL;
	for (uint16_t f = 0; f < fields; f++)
		count += is_ours(peers, f);
	if (count == 0)
		return 0;
	struct aware *a = calloc(1, sizeof(*a) + count * sizeof(a->at[0]));
	if (!a)
		return -ENOMEM;
	a->plan = peers->plan;
	for (uint16_t f = 0; f < fields; f++) {
		int rc = is_ours(peers, f) ? field_writer_open(&a->at[a->count].writer, peers, f) : 1;
		a->count += rc == 0;
		if (rc >= 0)
			continue;
		free(a);
		return rc;
	}
	*out = a;
	return 0;
}

void aware_close(struct aware **a) {
	free(*a);
	*a = NULL;
}

/* "a,b,c" */
static bool lists(const char *list, const char *name) {
	size_t n = strlen(name);
	for (const char *at = list; at && *at; at = strchr(at, ',') ? strchr(at, ',') + 1 : NULL)
		if (strncmp(at, name, n) == 0 && (at[n] == 0 || at[n] == ','))
			return true;
	return false;
}

/* "linguistic", or "linguistic_consciousness" */
static bool is_of_sort(const char *name, const char *sort) {
	size_t n = strlen(sort);
	return strncmp(name, sort, n) == 0 && (name[n] == 0 || strcmp(name + n, "_consciousness") == 0);
}

static bool feeds(const struct plan *p, uint16_t model, const char *field) {
	return lists(plan_find_option(p, model, "awareness_fields"), field) ||
			is_of_sort(field, plan_sort_text(plan_entities(p)[model].sort));
}

void aware_heard(struct aware *a, uint16_t model, double trust, struct cdm_mono when) {
	struct field_meta m = field_meta_of(model);
	if (!a || model >= a->plan->entities.count)
		return;
	m.source_time = when;
	m.trust = (float)trust;
	for (unsigned i = 0; i < a->count; i++) {
		struct one *o = &a->at[i];
		if (!feeds(a->plan, model, o->writer.plan->name))
			continue;
		float level = (float)awareness_add(&o->cell, o->writer.plan->half_life_ns, when, 1.0,
				trust, 1.0, EVIDENCE);
		if (field_write(&o->writer, &level, sizeof(level), &m, clock_mono()) < 0)
			continue; /* every slot leased: counted by the store */
	}
}
