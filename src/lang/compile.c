/* compile.c - the list of passes, and the memory they work in. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "lang/lang_priv.h"

static uint32_t at_most(uint32_t a, uint32_t b) {
	return a < b ? a : b;
}

/* Everything in a machine is made of at least one value of the tree, so this is enough for all of it. */
static int machine_init(struct lang *l) {
	struct machine *m = &l->machine;
	m->entity_max = at_most(l->nodes + 2, PLAN_ENTITIES_MAX);
	m->field_max = at_most(3 * l->nodes + 2, PLAN_FIELDS_MAX);
	m->grant_max = at_most(l->nodes + 2, PLAN_ENTITIES_MAX);
	uint32_t rules = at_most(l->nodes + 1, LANG_RULES_MAX);
	for (m->name_capacity = 16; m->name_capacity < 2 * (m->entity_max + m->field_max + 2);)
		m->name_capacity *= 2;
	size_t arrays = (m->entity_max + 1) * sizeof(*m->entities) + m->field_max * sizeof(*m->fields) +
			rules * sizeof(*m->rules) + m->grant_max * sizeof(*m->grants) +
			m->name_capacity * sizeof(*m->names);
	size_t words = 65536 + 2 * l->bytes + (size_t)l->nodes * (PLAN_TEXT_MAX + sizeof(struct option) + 64);
	int rc = arena_init(&l->arena, arrays + words);
	if (rc < 0)
		return rc;
	m->entities = arena_take(&l->arena, (m->entity_max + 1) * sizeof(*m->entities));
	m->fields = arena_take(&l->arena, m->field_max * sizeof(*m->fields));
	m->rules = arena_take(&l->arena, rules * sizeof(*m->rules));
	m->grants = arena_take(&l->arena, m->grant_max * sizeof(*m->grants));
	m->names = arena_take(&l->arena, m->name_capacity * sizeof(*m->names));
	return 0;
}

static void run_passes(struct lang *l) {
	names(l, SECTION_MACHINE);
	types(l, SECTION_MACHINE);
	declare(l);
	refs(l);
	complete(l);
	options(l);
	share(l);
	if (l->errors == 0) /* sums over half a machine would only mislead */
		limits(l);
}

static bool before(const struct cdm_message *a, const struct cdm_message *b) {
	uint32_t x = a->line - 1, y = b->line - 1; /* what has no line comes last */
	return x != y ? x < y : a->column < b->column;
}

/* By line; insertion keeps the order of the passes among equals. */
static void sort(struct cdm_diag *d, uint32_t first) {
	for (uint32_t i = first + 1; d && i < d->count; i++) {
		struct cdm_message m = d->at[i];
		uint32_t k = i;
		for (; k > first && before(&m, &d->at[k - 1]); k--)
			d->at[k] = d->at[k - 1];
		d->at[k] = m;
	}
}

static int compile(struct lang *l, struct plan **out) {
	int rc = parse(l, &l->tree_arena);
	if (rc == 0)
		rc = machine_init(l);
	if (rc < 0)
		return rc;
	run_passes(l);
	return l->errors ? -EINVAL : emit(l, out);
}

int lang_compile(const char *text, size_t bytes, const struct lang_options *opt, struct plan **out,
		struct cdm_diag *diag) {
	*out = NULL;
	struct lang *l = calloc(1, sizeof(*l));
	if (!l)
		return -ENOMEM;
	l->opt = opt;
	l->diag = diag;
	l->first = diag ? diag->count : 0;
	l->text = text;
	l->bytes = bytes;
	int rc = compile(l, out);
	sort(diag, l->first);
	for (uint32_t i = 0; i < l->machine.symbols_count; i++)
		arena_fini(&l->machine.symbols[i].arena);
	arena_fini(&l->arena);
	arena_fini(&l->tree_arena);
	free(l);
	return rc;
}
