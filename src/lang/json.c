/* json.c - a plan as JSON: every table, with names instead of indices. */
#include <string.h>
#include "lang/clean.h"
#include "lang/lang_priv.h"

static json_t *text(const char *s) {
	char out[CLEAN_MAX];
	return json_string(clean_text(s, out));
}

static json_t *entity(const struct plan *p, uint16_t e) {
	return e < p->entities.count ? text(plan_entities(p)[e].name) : json_null();
}

static json_t *field(const struct plan *p, uint16_t f) {
	return f < p->fields.count ? text(plan_fields(p)[f].name) : json_null();
}

static json_t *process(const struct plan *p, uint16_t s) {
	return s < p->processes.count ? text(plan_processes(p)[s].name) : json_null();
}

static json_t *whole(uint64_t n) {
	return json_integer((json_int_t)n);
}

static json_t *hex(const struct hash *h) {
	char out[HASH_TEXT_MAX];
	return json_string(hash_text(h, 2 * HASH_BYTES, out));
}

static json_t *entities(const struct plan *p) {
	json_t *list = json_array();
	const struct plan_entity *e = plan_entities(p);
	for (uint32_t i = 0; i < p->entities.count; i++, e++)
		json_array_append_new(list, json_pack("{s:o, s:s, s:s, s:o, s:[fff], s:f, s:o, s:i}",
				"name", text(e->name), "class", plan_class_text(e->class), "type",
				plan_sort_text(e->sort), "process", process(p, e->process), "trust", e->trust[0],
				e->trust[1], e->trust[2], "trust_strength", e->trust_strength, "symbols",
				e->symbols < p->tables.count ? text(plan_tables(p)[e->symbols].name) : json_null(),
				"rights", (int)plan_rights(p, (uint16_t)i)));
	return list;
}

static json_t *readers(const struct plan *p, uint64_t bits) {
	json_t *list = json_array();
	for (uint32_t i = 0; i < p->processes.count; i++)
		if (bits >> i & 1)
			json_array_append_new(list, process(p, (uint16_t)i));
	return list;
}

static json_t *fields(const struct plan *p) {
	static const char *const kinds[] = { "samples", "awareness", "setting" };
	json_t *list = json_array();
	const struct plan_field *f = plan_fields(p);
	for (uint32_t i = 0; i < p->fields.count; i++, f++) {
		json_t *shape = json_array();
		for (unsigned d = 0; d < f->dims; d++)
			json_array_append_new(shape, whole(f->shape[d]));
		json_array_append_new(list, json_pack("{s:o, s:s, s:s, s:o, s:o, s:i, s:i, s:i, s:o, s:o, s:o, "
				"s:i, s:o, s:I, s:I, s:i, s:I}",
				"name", text(f->name), "kind", kinds[f->kind],
				"dtype", cdm_dtype_name((enum cdm_dtype)f->dtype),
				"shape", shape, "unit", text(f->unit),
				"bytes", (int)f->bytes, "slots", (int)f->slots, "leases", (int)f->leases,
				"process", process(p, f->process), "entity", entity(p, f->entity),
				"readers", readers(p, f->readers), "part", f->part, "offset", whole(f->offset),
				"half_life_ns", (json_int_t)f->half_life_ns,
				"max_age_ns", (json_int_t)f->max_age_ns, "durability", f->durability,
				"journal_ms", (json_int_t)f->journal_ms));
	}
	return list;
}

static json_t *parts(const struct plan *p, const struct plan_process *s) {
	json_t *list = json_array();
	for (unsigned k = 0; k < s->part_count; k++)
		json_array_append_new(list, json_pack("{s:o, s:o, s:o}", "at", whole(s->parts[k].at), "bytes",
				whole(plan_part_bytes(s, k)), "readers", readers(p, s->parts[k].readers)));
	return list;
}

static json_t *processes(const struct plan *p) {
	json_t *list = json_array();
	const struct plan_process *s = plan_processes(p);
	for (uint32_t i = 0; i < p->processes.count; i++, s++)
		json_array_append_new(list, json_pack("{s:o, s:s, s:b, s:b, s:b, s:i, s:o, s:i, s:o, s:o, s:o}", "name",
				text(s->name), "role", plan_role_text(s->role), "start",
				s->start == PLAN_WITH_MACHINE, "external", s->start == PLAN_EXTERNAL, "restart",
				s->restart, "threads", s->threads, "entity", entity(p, s->entity), "lease_quota",
				s->lease_quota, "segment_bytes", whole(s->segment_bytes), "memory_bytes",
				whole(s->memory_bytes), "parts", parts(p, s)));
	return list;
}

static json_t *rules(const struct plan *p) {
	json_t *list = json_array();
	const struct plan_rule *r = plan_rules(p);
	for (uint32_t i = 0; i < p->rules.count; i++, r++) {
		json_t *sources = json_array();
		for (unsigned s = 0; s < r->source_count; s++)
			json_array_append_new(sources, field(p, r->sources[s]));
		json_array_append_new(list, json_pack("{s:o, s:s, s:o, s:o, s:o, s:i, s:I, s:f, s:f}", "name",
				text(r->name), "operation", plan_operation_text(r->operation), "sources", sources,
				"target", field(p, r->target), "actuator", entity(p, r->actuator), "line",
				(int)r->line, "max_skew_ns", (json_int_t)r->max_skew_ns, "min_trust", r->min_trust,
				"gain", r->gain));
	}
	return list;
}

static json_t *actuator_limits(const struct plan_actuator *a) {
	static const char *const kinds[3] = { "coxa", "femur", "tibia" };
	json_t *verbs = json_object(), *joints = json_object();
	for (unsigned v = 1; v < PLAN_VERB_COUNT; v++)
		if (a->verb_max[v])
			json_object_set_new(verbs, plan_verb_text(v), json_integer(a->verb_max[v]));
	for (int j = 0; j < 3; j++)
		json_object_set_new(joints, kinds[j], json_pack("{s:f, s:f, s:f}", "min_deg",
				a->joint_min_cdeg[j] / 100.0, "max_deg", a->joint_max_cdeg[j] / 100.0, "rate_deg_s",
				a->joint_rate_cdeg_s[j] / 100.0));
	return json_pack("{s:o, s:o}", "verbs", verbs, "joints", joints);
}

static json_t *actuators(const struct plan *p) {
	json_t *list = json_array();
	const struct plan_actuator *a = plan_actuators(p);
	for (uint32_t i = 0; i < p->actuators.count; i++, a++)
		json_array_append_new(list, json_pack("{s:o, s:o, s:o, s:o, s:o, s:I, s:s, s:i, s:i, s:i, s:o}",
				"entity", entity(p, a->entity), "driver", text(a->driver), "bus", text(a->bus),
				"feedback", field(p, a->feedback), "awareness", field(p, a->awareness), "lease_ns",
				(json_int_t)a->lease_ns, "safe_state", plan_verb_text(a->safe_verb),
				"safety_class", a->safety_class, "joint_count", a->joint_count, "node_base",
				a->node_base, "limits", actuator_limits(a)));
	return list;
}

static json_t *senses(const struct plan *p, const struct plan_table *t) {
	static const char *const numbers[] = { "no", "may", "must" };
	json_t *list = json_array();
	for (uint32_t i = 0; i < t->senses.count; i++) {
		const struct plan_sense *s = &plan_senses(p)[t->senses.at + i];
		json_array_append_new(list, json_pack("{s:o, s:o, s:s, s:i, s:s, s:i, s:f}", "form", text(s->form),
				"gloss", text(s->gloss), "verb", plan_verb_text(s->verb), "safety_class",
				s->safety_class, "number", numbers[s->takes_number], "default",
				(int)s->number_default, "evidence", s->evidence_p));
	}
	return list;
}

static json_t *tables(const struct plan *p) {
	json_t *list = json_array();
	const struct plan_table *t = plan_tables(p);
	for (uint32_t i = 0; i < p->tables.count; i++, t++)
		json_array_append_new(list, json_pack("{s:o, s:o, s:o}", "name", text(t->name), "hash",
				hex(&t->hash), "senses", senses(p, t)));
	return list;
}

static json_t *grants(const struct plan *p) {
	json_t *list = json_array();
	const struct plan_grant *g = plan_grants(p);
	for (uint32_t i = 0; i < p->grants.count; i++, g++)
		json_array_append_new(list, json_pack("{s:o, s:b, s:b, s:b, s:b, s:o}", "to", entity(p, g->entity),
				"say", g->rights & PLAN_MAY_SAY, "actuate", g->rights & PLAN_MAY_ACTUATE, "set",
				g->rights & PLAN_MAY_SET, "control", g->rights & PLAN_MAY_CONTROL, "setting",
				field(p, g->field)));
	return list;
}

static json_t *options_json(const struct plan *p) {
	json_t *list = json_array();
	const struct plan_option *o = plan_options(p);
	for (uint32_t i = 0; i < p->options.count; i++, o++)
		json_array_append_new(list, json_pack("{s:o, s:o, s:o}", "entity", entity(p, o->entity), "key",
				text(o->key), "value", text(o->value)));
	return list;
}

json_t *lang_plan_json(const struct plan *p) {
	return json_pack("{s:o, s:o, s:i, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "machine",
			text(p->machine), "hash", hex(&p->hash), "bytes", (int)p->bytes, "memory_bytes",
			whole(p->memory_bytes), "operator", entity(p, p->operator_entity), "first_model",
			entity(p, p->first_model), "entities", entities(p), "processes", processes(p), "fields",
			fields(p), "rules", rules(p), "actuators", actuators(p), "tables", tables(p), "grants",
			grants(p), "options", options_json(p));
}
