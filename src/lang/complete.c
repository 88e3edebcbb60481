/*
 * complete.c - what is started, what is left out, and what is assumed because nobody said otherwise.
 *
 * Here stand nearly all warnings.  An entity that cannot run yet is no error: it keeps its name and its
 * place, and the plan does not start it; a rule that has nothing to work on is left out.
 */
#include <string.h>
#include "lang/lang_priv.h"
#include "sem/briefing.h"

static bool has(const struct entity *e, const char *key) {
	return node_get(e->map, key) != NULL;
}

static bool is_live(const struct field *f) {
	return !f->owner || f->owner->live;
}

/* Drivers and models of this build work on one field each. */
static void one_written(struct lang *l, const struct entity *e) {
	if (e->fields && e->fields->next_of_owner)
		say(l, C0524, e->at, e->name, "writes", e->fields->name, NULL);
}

static void one_read(struct lang *l, const struct entity *e) {
	const struct node *reads = node_get(e->map, "reads");
	const struct field *first = NULL;
	unsigned count = 0;
	for (const struct node *i = node_items(reads); i; i = node_next(reads, i)) {
		const struct name *n = i->kind == NODE_TEXT ? name_find(&l->machine, i->text) : NULL;
		const struct field *f = n ? (n->entity ? n->entity->fields : n->field) : NULL;
		for (; f; f = n->entity ? f->next_of_owner : NULL)
			if (!f->command && is_live(f) && count++ == 0)
				first = f;
	}
	if (count > 1)
		say(l, C0524, reads, e->name, "reads", first->name, NULL);
}

static bool says(const struct entity *e, const char *key, const char *word) {
	const char *text = node_text(e->map, key);
	return text && strcmp(text, word) == 0;
}

/* A view is written for it all the same, and leaves less than half of its context for question and answer. */
static void look_at_context(struct lang *l, const struct entity *e) {
	uint32_t least = briefing_frame_tokens() + BRIEFING_LINES_LEAST;
	long context = node_int_or(e->map, "context", 0, 16, 1048576);
	if (context > 0 && context / 2 < (long)least && !says(e, "prompt", "compact"))
		say(l, C0529, node_get(e->map, "context"), e->name, number_text(l, least), number_text(l, 2.0 * least),
				NULL);
}

static void complete_model(struct lang *l, struct entity *e) {
	e->external = says(e, "backend", "external");
	e->live = has(e, "backend") && (e->external || has(e, "file"));
	if (e->external && e->sort == PLAN_LINGUISTIC)
		say(l, C0413, node_get(e->map, "backend"), e->name, NULL);
	if (!has(e, "backend"))
		say(l, C0502, e->at, e->name, NULL);
	else if (!e->live)
		say(l, C0523, e->at, e->name, NULL);
	else if (e->sort != PLAN_LINGUISTIC && !has(e, "writes"))
		say(l, C0518, e->at, e->name, NULL);
	if (e->live && e->sort == PLAN_LINGUISTIC && !l->machine.first_model)
		l->machine.first_model = e;
	if (e->live && e->sort == PLAN_LINGUISTIC)
		look_at_context(l, e);
	if (e->live && !e->external)
		one_written(l, e);
}

static void complete_sensor(struct lang *l, struct entity *e) {
	e->live = has(e, "driver");
	e->external = says(e, "driver", "external");
	if (!e->live)
		say(l, C0503, e->at, e->name, NULL);
	else if (!has(e, "frame") && !has(e, "writes"))
		say(l, C0516, e->at, e->name, NULL);
	else if (!e->external)
		one_written(l, e);
}

static bool may_actuate(const struct machine *m) {
	for (uint32_t i = 0; i < m->grant_count; i++)
		if (m->grants[i].rights & PLAN_MAY_ACTUATE)
			return true;
	return m->grant_count == 0; /* then the operator may */
}

static void complete_actuator(struct lang *l, struct entity *e) {
	const struct node *limits = node_get(e->map, "limits");
	const char *feedback = node_text(e->map, "awareness_feedback");
	e->live = has(e, "driver") && has(e, "bus");
	if (!e->live)
		say(l, C0504, e->at, e->name, has(e, "driver") ? "bus" : has(e, "bus") ? "driver" :
				"driver and no bus", NULL);
	if (!has(e, "safe_state"))
		say(l, C0505, e->at, e->name, NULL);
	if (!e->live)
		return;
	if (!node_get(limits, "joints"))
		say(l, C0513, e->at, e->name, NULL);
	if (!node_get(limits, "walk") && !node_get(limits, "turn") && !node_get(limits, "scan"))
		say(l, C0514, e->at, e->name, NULL);
	if (feedback && choice_find(CHOICE_FEEDBACK, feedback) == 1 && !e->awareness && e->feedback)
		say(l, C0517, e->at, e->feedback->name, NULL);
	if (!may_actuate(&l->machine))
		say(l, C0522, e->at, e->name, NULL);
}

static void complete_communication(struct lang *l, struct entity *e) {
	const struct node *protocol = node_get(e->map, "protocol");
	int served = protocol && protocol->kind == NODE_TEXT ? choice_find(CHOICE_PROTOCOL, protocol->text) : 0;
	e->live = served == 1;
	if (served == 0 && protocol)
		say(l, C0506, protocol, protocol->text, NULL);
}

static void complete_entities(struct lang *l) {
	for (uint32_t i = 1; i < l->machine.entity_count; i++) {
		struct entity *e = &l->machine.entities[i];
		if (e->class == PLAN_MODEL)
			complete_model(l, e);
		else if (e->class == PLAN_SENSOR)
			complete_sensor(l, e);
		else if (e->class == PLAN_ACTUATOR)
			complete_actuator(l, e);
		else if (e->class == PLAN_COMMUNICATION)
			complete_communication(l, e);
	}
	for (uint32_t i = 1; i < l->machine.entity_count; i++)
		if (l->machine.entities[i].live && l->machine.entities[i].class == PLAN_MODEL &&
				!l->machine.entities[i].external)
			one_read(l, &l->machine.entities[i]);
}

/* Which model makes the memory's vectors; runtime/embed.c looks for the option. */
static void complete_embedder(struct lang *l) {
	const struct entity *first = NULL;
	for (uint32_t i = 1; i < l->machine.entity_count; i++) {
		const struct entity *e = &l->machine.entities[i];
		if (e->class != PLAN_MODEL || !says(e, "embeds", "true"))
			continue;
		const struct node *at = node_get(e->map, "embeds");
		if (!e->live || e->external || e->sort != PLAN_LINGUISTIC)
			say(l, C0528, at, e->name, NULL);
		if (first)
			say(l, C0416, at, first->name, e->name, NULL);
		first = first ? first : e;
	}
}

/* The item of a list, or the value itself, that names it. */
static const struct node *item_named(const struct node *value, const char *name) {
	for (const struct node *i = node_items(value); i; i = node_next(value, i))
		if (i->kind == NODE_TEXT && strcmp(i->text, name) == 0)
			return i;
	return NULL;
}

/* What a model answers is evidence for the fields it lists, and for that of its sort (runtime/aware.h). */
static bool speaks_into(const struct entity *e, const struct field *f) {
	if (!e->live || e->class != PLAN_MODEL || e->sort != PLAN_LINGUISTIC)
		return false;
	return item_named(node_get(e->map, "awareness_fields"), f->name) ||
			(f->sort == e->sort && is_standard_awareness(f->name) && strcmp(f->name, "semantic") != 0);
}

/* Does a rule make it, or a model speak into it? */
static bool is_fed(const struct machine *m, const struct field *f) {
	if (f->kind != PLAN_AWARENESS || f->fed)
		return true;
	for (uint32_t i = 1; i < m->entity_count; i++)
		if (speaks_into(&m->entities[i], f))
			return true;
	return false;
}

static bool is_started(const struct machine *m, unsigned sort) {
	for (uint32_t i = 1; i < m->entity_count; i++)
		if (m->entities[i].live && m->entities[i].sort == sort && m->entities[i].class != PLAN_PERSON &&
				m->entities[i].class != PLAN_COMMUNICATION)
			return true;
	return false;
}

static void look_for_writer(struct lang *l, const struct field *f, const struct node *at) {
	if (is_fed(&l->machine, f))
		return;
	if (is_standard_awareness(f->name) && !is_started(&l->machine, f->sort))
		say(l, C0515, at, plan_sort_text(f->sort), f->name, NULL);
	else
		say(l, C0525, at, f->name, NULL);
}

/* Fields that entities list, and that stay empty all the same. */
static void complete_awareness(struct lang *l) {
	for (uint32_t k = 1; k < l->machine.entity_count; k++) {
		const struct node *list = node_get(l->machine.entities[k].map, "awareness_fields");
		for (const struct node *i = node_items(list); i; i = node_next(list, i)) {
			const struct name *n = i->kind == NODE_TEXT ? name_find(&l->machine, i->text) : NULL;
			if (n && n->field && !is_fed(&l->machine, n->field))
				say(l, C0525, i, i->text, NULL);
		}
	}
}

/* Sources that do not run are dropped; too large ones cannot be read. */
static void live_sources(struct lang *l, struct rule *r) {
	uint32_t n = 0;
	for (uint32_t i = 0; i < r->source_count; i++) {
		struct field *f = r->sources[i];
		if (!is_live(f))
			continue;
		if (f->bytes > LANG_RULE_SAMPLE_MAX)
			say(l, C0407, node_get(r->map, "source"), f->name, number_text(l, f->bytes),
					number_text(l, LANG_RULE_SAMPLE_MAX), NULL);
		r->sources[n++] = f;
	}
	r->source_count = n;
}

static void complete_rule(struct lang *l, struct rule *r) {
	const struct node *source = node_get(r->map, "source"), *target = node_get(r->map, "target");
	live_sources(l, r);
	for (uint32_t i = 0; i < r->source_count; i++) {
		const struct node *item = item_named(source, r->sources[i]->name);
		look_for_writer(l, r->sources[i], item ? item : source);
	}
	if (r->source_count == 0)
		say(l, C0507, source, NULL);
	else if (r->actuator && !r->actuator->live)
		say(l, C0508, target, r->actuator->name, NULL);
	else if (r->actuator && !r->actuator->symbols)
		say(l, C0519, target, r->actuator->name, NULL);
	else
		r->live = true;
}

/* Targets first, so that a rule knows whether another one makes its source. */
static void complete_rules(struct lang *l) {
	struct machine *m = &l->machine;
	for (uint32_t i = 0; i < m->rule_count; i++)
		for (uint32_t k = 0; k < m->rules[i].source_count && m->rules[i].target; k++)
			if (is_live(m->rules[i].sources[k]))
				m->rules[i].target->fed = true;
	for (uint32_t i = 0; i < m->rule_count; i++)
		if (!m->rules[i].broken)
			complete_rule(l, &m->rules[i]);
}

/* The person behind the control socket: the one called so, else the first anchor, else the first. */
static struct entity *find_operator(struct machine *m) {
	struct entity *first = NULL, *anchor = NULL;
	for (uint32_t i = 1; i < m->entity_count; i++) {
		struct entity *e = &m->entities[i];
		if (e->class != PLAN_PERSON)
			continue;
		if (strcmp(e->name, "operator") == 0)
			return e;
		if (!anchor && e->anchor)
			anchor = e;
		if (!first)
			first = e;
	}
	return anchor ? anchor : first;
}

static void complete_people(struct lang *l) {
	struct machine *m = &l->machine;
	const struct node *anchors = node_get(l->root, "trust_anchors"), *grants = node_get(l->root, "grants");
	m->operator = find_operator(m);
	if (!m->operator) /* every person has errors of his own */
		return;
	if (!has(m->operator, "trust_strength"))
		m->operator->strength = 50;
	if (!anchors) {
		m->operator->anchor = true;
		say(l, C0510, node_key(l->root, "entities"), m->operator->name, NULL);
	} else if (!node_items(anchors)) {
		say(l, C0521, anchors, m->operator->name, NULL);
	}
	if (!grants) { /* the first of them, so there is room */
		m->grants[m->grant_count++] = (struct grant){ .to = m->operator, .rights = PLAN_MAY_SAY |
			PLAN_MAY_ACTUATE | PLAN_MAY_SET | PLAN_MAY_CONTROL };
		say(l, C0511, node_key(l->root, "entities"), m->operator->name, NULL);
	}
}

void complete(struct lang *l) {
	complete_people(l);
	complete_entities(l);
	complete_embedder(l);
	complete_rules(l);
	complete_awareness(l);
}
