/*
 * emit.c - the machine -> the bytes of a plan.
 *
 * The block is zeroed first and every table has one place, in a fixed order, so equal machines give
 * equal bytes.  What comes out is verified here already: a plan that the daemon would refuse is a
 * bug of this compiler.
 */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "lang/lang_priv.h"

struct emit {
	struct lang *l;
	struct machine *m;
	struct plan *p;
};

#define TABLE(e, type, plural) ((struct type *)(void *)((char *)(e)->p + (e)->p->plural.at))

static void text_to(char *out, size_t capacity, const char *text) {
	CHECK(strlen(text) < capacity);
	strcpy(out, text);
}

static bool is_emitted(const struct field *f) {
	return !f->owner || f->owner->live;
}

/* ---- where the tables stand ---- */

static struct plan_span span(uint64_t *end, uint32_t count, size_t size) {
	struct plan_span s = { (uint32_t)*end, count };
	*end += (uint64_t)count * size;
	return s;
}

/* Numbers of what is in the plan, and how long it becomes. */
static uint64_t measure(struct machine *m, struct plan *p) {
	uint32_t fields = 0, rules = 0, actuators = 0, senses = 0;
	uint64_t end = sizeof(*p);
	for (uint32_t i = 0; i < m->entity_count; i++) {
		m->entities[i].index = (uint16_t)i;
		actuators += m->entities[i].class == PLAN_ACTUATOR && m->entities[i].live;
	}
	for (uint32_t i = 0; i < m->field_count; i++)
		if (is_emitted(&m->fields[i]))
			m->fields[i].index = (uint16_t)fields++;
	for (uint32_t i = 0; i < m->rule_count; i++)
		rules += m->rules[i].live;
	for (uint32_t i = 0; i < m->symbols_count; i++)
		senses += m->symbols[i].count;
	p->entities = span(&end, m->entity_count, sizeof(struct plan_entity));
	p->fields = span(&end, fields, sizeof(struct plan_field));
	p->processes = span(&end, m->process_count, sizeof(struct plan_process));
	p->rules = span(&end, rules, sizeof(struct plan_rule));
	p->actuators = span(&end, actuators, sizeof(struct plan_actuator));
	p->tables = span(&end, m->symbols_count, sizeof(struct plan_table));
	p->senses = span(&end, senses, sizeof(struct plan_sense));
	p->grants = span(&end, m->grant_count, sizeof(struct plan_grant));
	p->options = span(&end, m->option_count, sizeof(struct plan_option));
	return end;
}

/* ---- the records ---- */

/* Until it has a key of its own, an entity is known by its machine and name. */
static void entity_id(const struct machine *m, const struct entity *e, uint8_t id[HASH_BYTES]) {
	char both[2 * CDM_NAME_MAX];
	int n = snprintf(both, sizeof(both), "%s/%s", m->name, e->name);
	struct hash h = hash_of(both, (size_t)n);
	memcpy(id, h.bytes, HASH_BYTES);
}

static void emit_entities(struct emit *e) {
	struct plan_entity *out = TABLE(e, plan_entity, entities);
	for (uint32_t i = 0; i < e->m->entity_count; i++, out++) {
		const struct entity *in = &e->m->entities[i];
		text_to(out->name, sizeof(out->name), in->name);
		out->class = in->class;
		out->sort = in->sort;
		out->process = in->process;
		entity_id(e->m, in, out->id);
		memcpy(out->trust, in->trust, sizeof(out->trust));
		out->trust_strength = in->strength;
		out->symbols = in->symbols ? in->symbols->index : PLAN_NONE;
	}
}

static void emit_fields(struct emit *e) {
	struct plan_field *out = TABLE(e, plan_field, fields);
	for (uint32_t i = 0; i < e->m->field_count; i++) {
		const struct field *in = &e->m->fields[i];
		if (!is_emitted(in))
			continue;
		text_to(out->name, sizeof(out->name), in->name);
		text_to(out->unit, sizeof(out->unit), in->unit);
		out->kind = in->kind;
		out->dtype = in->dtype;
		out->dims = in->dims;
		out->slots = field_slots(in);
		out->group = in->head->index;
		out->derived = in->owner && in->owner->class == PLAN_MODEL;
		out->process = in->process;
		out->entity = in->owner ? in->owner->index : 0;
		memcpy(out->shape, in->shape, sizeof(out->shape));
		out->bytes = in->bytes;
		out->leases = in->leases;
		out->part = in->part;
		out->offset = in->offset;
		out->readers = in->readers;
		out->half_life_ns = in->half_life_ns;
		out->max_age_ns = in->max_age_ns;
		out->durability = in->durability;
		out->journal_ms = in->journal_ms;
		out->layout = plan_field_layout(out);
		out++;
	}
}

static void emit_processes(struct emit *e) {
	struct plan_process *out = TABLE(e, plan_process, processes);
	for (uint32_t i = 0; i < e->m->process_count; i++, out++) {
		const struct process *in = &e->m->processes[i];
		text_to(out->name, sizeof(out->name), in->name);
		out->role = in->role;
		out->start = in->start;
		out->threads = in->threads;
		out->restart = in->restart;
		out->entity = in->entity ? in->entity->index : PLAN_NONE;
		out->lease_quota = in->lease_quota;
		out->segment_bytes = in->segment_bytes;
		out->memory_bytes = in->memory_bytes;
		out->event_offset = in->event_offset;
		out->desk_offset = in->desk_offset;
		out->tally_offset = in->tally_offset;
		out->tallies = in->tallies;
		out->event_overflow = in->event_overflow;
		out->part_count = in->part_count;
		memcpy(out->parts, in->parts, sizeof(out->parts));
	}
}

static void rule_name(char out[CDM_NAME_MAX], const struct rule *r) {
	char name[2 * CDM_NAME_MAX];
	snprintf(name, sizeof(name), "%s.%s", r->target ? r->target->name : r->actuator->name,
			plan_operation_text(r->operation));
	snprintf(out, CDM_NAME_MAX, "%.*s", CDM_NAME_MAX - 1, name);
}

static void emit_rules(struct emit *e) {
	struct plan_rule *out = TABLE(e, plan_rule, rules);
	for (uint32_t i = 0; i < e->m->rule_count; i++) {
		const struct rule *in = &e->m->rules[i];
		if (!in->live)
			continue;
		rule_name(out->name, in);
		out->operation = in->operation;
		out->source_count = (uint8_t)in->source_count;
		for (uint32_t s = 0; s < PLAN_SOURCES_MAX; s++)
			out->sources[s] = s < in->source_count ? in->sources[s]->index : PLAN_NONE;
		out->target = in->target ? in->target->index : PLAN_NONE;
		out->actuator = in->actuator ? in->actuator->index : PLAN_NONE;
		out->line = in->map->first ? in->map->first->key->line : 0;
		double skew = in->operation == PLAN_OP_STEREO ? 10 : 0;
		out->max_skew_ns = (int64_t)(node_number_or(in->map, "max_skew_ms", skew) * 1e6);
		out->min_trust = node_number_or(in->map, "min_trust", 0);
		out->gain = node_number_or(in->map, "gain", 1);
		out++;
	}
}

static void emit_joints(struct plan_actuator *out, const struct node *joints) {
	static const struct {
		const char *name;
		double min, max;
	} kinds[3] = { { "coxa", -60, 60 }, { "femur", -90, 90 }, { "tibia", -140, 40 } };
	for (int j = 0; j < 3; j++) {
		const struct node *n = node_get(joints, kinds[j].name);
		out->joint_min_cdeg[j] = (int32_t)lround(100 * node_number_or(n, "min", kinds[j].min));
		out->joint_max_cdeg[j] = (int32_t)lround(100 * node_number_or(n, "max", kinds[j].max));
		out->joint_rate_cdeg_s[j] = (int32_t)lround(100 * node_number_or(n, "rate", 200));
	}
}

/* Verbs without a number are always offered; those with one, up to their limit. */
static void emit_verbs(struct plan_actuator *out, const struct node *limits) {
	out->verb_max[PLAN_VERB_STOP] = out->verb_max[PLAN_VERB_STAND] = -1;
	out->verb_max[PLAN_VERB_CROUCH] = out->verb_max[PLAN_VERB_RISE] = -1;
	out->verb_max[PLAN_VERB_WALK] = (int32_t)node_int_or(limits, "walk", 0, 0, 999);
	out->verb_max[PLAN_VERB_TURN] = (int32_t)node_int_or(limits, "turn", 0, 0, 999);
	out->verb_max[PLAN_VERB_SCAN] = (int32_t)node_int_or(limits, "scan", 0, 0, 999);
}

static void emit_actuators(struct emit *e) {
	struct plan_actuator *out = TABLE(e, plan_actuator, actuators);
	for (uint32_t i = 0; i < e->m->entity_count; i++) {
		const struct entity *in = &e->m->entities[i];
		if (in->class != PLAN_ACTUATOR || !in->live)
			continue;
		const struct node *limits = node_get(in->map, "limits");
		const char *safe = node_text(in->map, "safe_state");
		out->entity = in->index;
		out->process = e->p->guard;
		out->feedback = in->feedback->index;
		out->awareness = in->awareness ? in->awareness->index : PLAN_NONE;
		text_to(out->driver, sizeof(out->driver), node_text(in->map, "driver"));
		text_to(out->bus, sizeof(out->bus), node_text(in->map, "bus"));
		out->lease_ns = (int64_t)node_int_or(in->map, "lease_ms", 200, 20, 2550) * 1000000;
		out->safe_verb = (uint8_t)(safe ? choice_find(CHOICE_SAFE, safe) : PLAN_VERB_STOP);
		out->joint_count = (uint8_t)node_int_or(in->map, "joint_count", 18, 1, 18);
		out->node_base = (uint8_t)node_int_or(in->map, "node_base", 1, 1, 236);
		out->safety_class = (uint8_t)node_int_or(in->map, "safety_class", 1, 0, 3);
		emit_joints(out, node_get(limits, "joints"));
		emit_verbs(out, limits);
		out++;
	}
}

static void emit_symbols(struct emit *e) {
	struct plan_table *out = TABLE(e, plan_table, tables);
	struct plan_sense *sense = TABLE(e, plan_sense, senses);
	uint32_t at = 0;
	for (uint32_t i = 0; i < e->m->symbols_count; i++, out++) {
		const struct symbols *in = &e->m->symbols[i];
		text_to(out->name, sizeof(out->name), in->name);
		out->hash = in->hash;
		out->senses = (struct plan_span){ at, in->count };
		at += in->count;
		for (uint32_t k = 0; k < in->count; k++, sense++) {
			const struct sense *s = &in->senses[k];
			text_to(sense->form, sizeof(sense->form), s->form);
			text_to(sense->gloss, sizeof(sense->gloss), s->gloss);
			sense->table = (uint16_t)i;
			sense->verb = s->verb;
			sense->safety_class = s->safety;
			sense->takes_number = s->number;
			sense->number_default = s->initial;
			sense->evidence_p = s->evidence;
		}
	}
}

static void emit_grants(struct emit *e) {
	struct plan_grant *out = TABLE(e, plan_grant, grants);
	for (uint32_t i = 0; i < e->m->grant_count; i++, out++) {
		const struct grant *in = &e->m->grants[i];
		out->entity = in->to->index;
		out->rights = (uint16_t)in->rights;
		out->field = in->field ? in->field->index : PLAN_NONE;
	}
}

static void emit_options(struct emit *e) {
	struct plan_option *out = TABLE(e, plan_option, options);
	for (uint32_t i = 0; i < e->m->entity_count; i++)
		for (const struct option *o = e->m->entities[i].options; o; o = o->next, out++) {
			out->entity = (uint16_t)i;
			text_to(out->key, sizeof(out->key), o->key);
			text_to(out->value, sizeof(out->value), o->value);
		}
}

static void emit_head(struct emit *e, uint32_t bytes) {
	struct plan *p = e->p;
	memcpy(p->magic, "cdmplan", sizeof(p->magic));
	p->abi = PLAN_ABI;
	p->bytes = bytes;
	text_to(p->machine, sizeof(p->machine), e->m->name);
	p->core = 0;
	p->guard = 1;
	p->operator_entity = e->m->operator->index;
	p->first_model = e->m->first_model ? e->m->first_model->index : PLAN_NONE;
	p->memory_bytes = e->m->memory_bytes;
}

int emit(struct lang *l, struct plan **out) {
	static void (*const tables[])(struct emit *) = { emit_entities, emit_fields, emit_processes,
		emit_rules, emit_actuators, emit_symbols, emit_grants, emit_options };
	struct plan head = { 0 };
	uint64_t bytes = measure(&l->machine, &head);
	if (bytes > LANG_PLAN_MAX) {
		say(l, C0408, node_key(l->root, "entities"), number_text(l, LANG_PLAN_MAX), NULL);
		return -EINVAL;
	}
	struct emit e = { l, &l->machine, calloc(1, bytes) };
	if (!e.p)
		return -ENOMEM;
	*e.p = head;
	emit_head(&e, (uint32_t)bytes);
	for (size_t i = 0; i < COUNT_OF(tables); i++)
		tables[i](&e);
	e.p->hash = plan_hash(e.p);
	CHECK(plan_verify(e.p, bytes, NULL) == 0);
	*out = e.p;
	return 0;
}
