/*
 * refs.c - what names refer to: symbol tables, trust anchors, grants, reads, and coherence rules.
 *
 * A name that must exist and does not is an error.  In a rule it is a warning, because a rule may be
 * written before its second camera is bought; its awareness target is then made by the rule.
 */
#include <string.h>
#include "lang/lang_priv.h"

/* The nearest name, while there is still room to say it. */
static const char *nearest(struct lang *l, const char *word, enum plan_class only) {
	struct near near = { .word = word };
	const struct machine *m = &l->machine;
	if (!l->diag || l->diag->count == CDM_DIAG_MAX)
		return "";
	for (uint32_t i = 1; i < m->entity_count; i++)
		if (only == PLAN_RUNTIME || m->entities[i].class == only)
			near_offer(&near, m->entities[i].name);
	for (uint32_t i = 0; i < m->field_count && only == PLAN_RUNTIME; i++)
		near_offer(&near, m->fields[i].name);
	return near_best(&near);
}

static const struct name *must_find(struct lang *l, const struct node *at) {
	const struct name *n = name_find(&l->machine, at->text);
	if (!n)
		say(l, C0208, at, at->text, nearest(l, at->text, PLAN_RUNTIME), NULL);
	return n;
}

static const char *name_text(const struct name *n) {
	static const char *const kinds[] = { "a field", "an awareness field", "a setting" };
	CHECK(n->entity || n->field);
	return n->entity ? entity_text(n->entity) : kinds[n->field->kind];
}

/* Those of actuators first: the plan's first table is the one in which it is commanded. */
static void refs_tables(struct lang *l) {
	struct machine *m = &l->machine;
	for (int others = 0; others < 2; others++)
		for (uint32_t i = 1; i < m->entity_count; i++) {
			const struct node *n = node_get(m->entities[i].map, "symbol_recognition");
			if (n && n->kind == NODE_TEXT && (m->entities[i].class != PLAN_ACTUATOR) == others)
				m->entities[i].symbols = symbols_load(l, n->text, n);
		}
	for (uint32_t i = 1; i < m->entity_count; i++) {
		struct entity *e = &m->entities[i];
		bool speaks = e->class == PLAN_ACTUATOR || (e->class == PLAN_MODEL && e->sort == PLAN_LINGUISTIC);
		if (speaks && !e->symbols && m->symbols_count == 1)
			e->symbols = &m->symbols[0];
	}
}

static void refs_anchors(struct lang *l) {
	const struct node *list = node_get(l->root, "trust_anchors");
	for (const struct node *i = node_items(list); i; i = node_next(list, i)) {
		const struct name *n = i->kind == NODE_TEXT ? must_find(l, i) : NULL;
		if (n && (!n->entity || n->entity->class != PLAN_PERSON))
			say(l, C0220, i, i->text, name_text(n), "a trust anchor", NULL);
		else if (n)
			n->entity->anchor = true;
	}
}

static unsigned read_rights(struct lang *l, const struct node *list) {
	unsigned rights = 0;
	for (const struct node *i = node_items(list); i; i = node_next(list, i)) {
		int right = i->kind == NODE_TEXT ? choice_find(CHOICE_RIGHT, i->text) : -1;
		if (right > 0 && (rights & (unsigned)right))
			say(l, C0222, i, i->text, NULL);
		else if (right > 0)
			rights |= (unsigned)right;
	}
	return rights;
}

static void add_grant(struct lang *l, struct entity *to, struct field *field, unsigned rights) {
	struct machine *m = &l->machine;
	if (rights && m->grant_count == m->grant_max)
		say(l, C0406, node_get(l->root, "grants"), number_text(l, m->grant_max), "grants", NULL);
	else if (rights)
		m->grants[m->grant_count++] = (struct grant){ .to = to, .field = field, .rights = rights };
}

/* One grant for what is not `set`, then one for each setting; or one for all when none is named. */
static void grant_to(struct lang *l, struct entity *to, unsigned rights, const struct node *settings) {
	if (!(rights & PLAN_MAY_SET) || !settings) {
		add_grant(l, to, NULL, rights);
		return;
	}
	add_grant(l, to, NULL, rights & ~(unsigned)PLAN_MAY_SET);
	for (const struct node *i = node_items(settings); i; i = node_next(settings, i)) {
		const struct name *n = i->kind == NODE_TEXT ? must_find(l, i) : NULL;
		if (n && (!n->field || n->field->kind != PLAN_SETTING))
			say(l, C0220, i, i->text, name_text(n), "set", NULL);
		else if (n)
			add_grant(l, to, n->field, PLAN_MAY_SET);
	}
}

static void refs_grants(struct lang *l) {
	const struct node *list = node_get(l->root, "grants");
	for (const struct node *g = node_items(list); g; g = node_next(list, g)) {
		const struct node *to = node_get(g, "to");
		unsigned rights = read_rights(l, node_get(g, "rights"));
		for (const struct node *i = node_items(to); i; i = node_next(to, i)) {
			const struct name *n = i->kind == NODE_TEXT ? must_find(l, i) : NULL;
			bool can = n && n->entity && (n->entity->class == PLAN_PERSON ||
					n->entity->class == PLAN_COMMUNICATION);
			if (n && !can)
				say(l, C0220, i, i->text, name_text(n), "granted a right", NULL);
			else if (n && l->machine.grant_count < l->nodes)
				grant_to(l, n->entity, rights, node_get(g, "settings"));
		}
	}
}

static void refs_reads(struct lang *l) {
	struct machine *m = &l->machine;
	for (uint32_t k = 1; k < m->entity_count; k++) {
		const struct node *list = node_get(m->entities[k].map, "reads");
		for (const struct node *i = node_items(list); i; i = node_next(list, i)) {
			const struct name *n = i->kind == NODE_TEXT ? must_find(l, i) : NULL;
			if (n && ((n->entity && !n->entity->fields) || (n->field && n->field->command)))
				say(l, C0217, i, i->text, n->entity ? "an entity without fields" : "a command", NULL);
		}
	}
}

static void rule_source(struct lang *l, struct rule *r, struct field *f, const struct node *at) {
	for (uint32_t i = 0; i < r->source_count; i++)
		if (r->sources[i] == f)
			return;
	if (r->source_count == PLAN_SOURCES_MAX) {
		if (!r->broken)
			say(l, C0405, at, number_text(l, PLAN_SOURCES_MAX), NULL);
		r->broken = true;
		return;
	}
	r->sources[r->source_count++] = f;
}

/* A source is a field, or an entity: then all it writes. */
static void rule_source_name(struct lang *l, struct rule *r, const struct node *at) {
	const struct name *n = name_find(&l->machine, at->text);
	if (!n && is_standard_awareness(at->text)) {
		struct field *f = awareness_new(l, at->text, at, sort_of_name(at->text));
		if (f)
			rule_source(l, r, f, at);
	} else if (!n) {
		say(l, C0209, at, at->text, nearest(l, at->text, PLAN_RUNTIME), NULL);
	} else if (n->field) {
		if (n->field->command)
			say(l, C0217, at, at->text, "a command", NULL);
		rule_source(l, r, n->field, at);
	} else if (n->entity->class == PLAN_PERSON || n->entity->class == PLAN_COMMUNICATION) {
		say(l, C0217, at, at->text, entity_text(n->entity), NULL);
	} else {
		for (struct field *f = n->entity->fields; f; f = f->next_of_owner)
			if (!f->command)
				rule_source(l, r, f, at);
	}
}

static struct entity *only_actuator(struct lang *l) {
	struct entity *only = NULL;
	for (uint32_t i = 1; i < l->machine.entity_count; i++) {
		struct entity *e = &l->machine.entities[i];
		if (e->class == PLAN_ACTUATOR && only)
			return NULL;
		if (e->class == PLAN_ACTUATOR)
			only = e;
	}
	return only;
}

static void rule_moves(struct lang *l, struct rule *r, const struct node *at) {
	const struct name *n = name_find(&l->machine, at->text);
	if (n && n->entity && n->entity->class == PLAN_ACTUATOR)
		r->actuator = n->entity;
	else if (!n && (r->actuator = only_actuator(l)) != NULL)
		say(l, C0211, at, at->text, r->actuator->name, NULL);
	else
		say(l, C0212, at, at->text, nearest(l, at->text, PLAN_ACTUATOR), NULL);
}

static void rule_makes(struct lang *l, struct rule *r, const struct node *at) {
	const struct name *n = name_find(&l->machine, at->text);
	if (n && (!n->field || n->field->kind != PLAN_AWARENESS)) {
		say(l, C0216, at, at->text, name_text(n), NULL);
	} else if (n) {
		r->target = n->field;
	} else if (!node_is_name(at->text, true)) {
		say(l, C0204, at, at->text, WORD_DOTS, NULL);
	} else {
		unsigned sort = sort_of_name(at->text);
		if (sort == PLAN_SORT_COUNT)
			sort = r->source_count && r->sources[0]->owner ? r->sources[0]->owner->sort : PLAN_SPATIAL;
		r->target = awareness_new(l, at->text, at, sort);
		if (r->target && !is_standard_awareness(at->text))
			say(l, C0210, at, at->text, plan_sort_text(sort), NULL);
	}
}

static void rule_half_life(struct lang *l, struct rule *r) {
	const struct node *n = node_get(r->map, "half_life_ms");
	double ms;
	if (!r->target || !node_number(n, &ms) || ms < 1 || ms > 86400000)
		return;
	int64_t ns = (int64_t)(ms * 1e6);
	if (r->target->half_life_at && r->target->half_life_ns != ns)
		say(l, C0315, n, r->target->name, number_text(l, r->target->half_life_at->line), NULL);
	r->target->half_life_ns = ns;
	r->target->half_life_at = n;
}

/* Several rules may make a target, and all may say the same of it. */
static void rule_endures(struct lang *l, struct rule *r) {
	struct field before;
	if (!r->target)
		return;
	before = *r->target;
	field_endures(l, r->target, r->map);
	if (before.durable_at && (before.durability != r->target->durability ||
			before.journal_ms != r->target->journal_ms))
		say(l, C0319, r->target->durable_at, r->target->name, number_text(l, before.durable_at->line), NULL);
}

/* An actuator is aware of its own motion by the rule that reads its feedback. */
static void rule_feels(struct rule *r) {
	for (uint32_t i = 0; i < r->source_count && r->target; i++) {
		struct entity *e = r->sources[i]->owner;
		if (e && e->class == PLAN_ACTUATOR && r->sources[i] == e->feedback)
			e->awareness = r->target;
	}
}

static void refs_rule(struct lang *l, const struct node *map) {
	struct rule *r = &l->machine.rules[l->machine.rule_count++];
	const struct node *source = node_get(map, "source"), *target = node_get(map, "target");
	const char *text = node_text(map, "operation");
	int operation = text ? word_find(TYPE_OPERATION, 0, text) : -1;
	*r = (struct rule){ .map = map, .broken = operation < 0 || !target || target->kind != NODE_TEXT };
	for (const struct node *i = node_items(source); i; i = node_next(source, i))
		if (i->kind == NODE_TEXT)
			rule_source_name(l, r, i);
	if (r->broken)
		return;
	CHECK(target);
	r->operation = (uint8_t)operation;
	if (operation == PLAN_OP_SYMBOL_TO_MOTION)
		rule_moves(l, r, target);
	else
		rule_makes(l, r, target);
	r->broken = !r->target && !r->actuator;
	rule_half_life(l, r);
	rule_endures(l, r);
	rule_feels(r);
}

static bool waits(const struct rule *r, const struct machine *m, const bool *done) {
	for (uint32_t i = 0; i < r->source_count; i++)
		if (r->sources[i]->kind == PLAN_AWARENESS)
			for (uint32_t k = 0; k < m->rule_count; k++)
				if (!done[k] && m->rules[k].target == r->sources[i])
					return true;
	return false;
}

/* Take away rules all of whose sources are made; what is left when that ends makes itself. */
static void refs_cycles(struct lang *l) {
	struct machine *m = &l->machine;
	bool *done = arena_take(&l->arena, m->rule_count + 1), progress = true;
	while (progress) {
		progress = false;
		for (uint32_t i = 0; i < m->rule_count; i++)
			if (!done[i] && (!m->rules[i].target || !waits(&m->rules[i], m, done)))
				done[i] = progress = true;
	}
	for (uint32_t i = 0; i < m->rule_count; i++)
		if (!done[i])
			say(l, C0218, node_get(m->rules[i].map, "target"), m->rules[i].target->name, NULL);
}

static void refs_rules(struct lang *l) {
	const struct node *list = node_get(l->root, "coherence_rules");
	for (const struct node *i = node_items(list); i; i = node_next(list, i)) {
		if (i->kind != NODE_MAP)
			continue;
		if (l->machine.rule_count == LANG_RULES_MAX) {
			say(l, C0406, i, number_text(l, LANG_RULES_MAX), "rules", NULL);
			break;
		}
		refs_rule(l, i);
	}
	refs_cycles(l);
}

void refs(struct lang *l) {
	refs_tables(l);
	refs_anchors(l);
	refs_grants(l);
	refs_reads(l);
	refs_rules(l);
}
