/* plan_builder.c - see plan_builder.h. */
#include "test/lib/plan_builder.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "schema/layout.h"

static void set_name(char out[CDM_NAME_MAX], const char *name) {
	CHECK(strlen(name) < CDM_NAME_MAX);
	memcpy(out, name, strlen(name) + 1);
}

void plan_builder_begin(struct plan_builder *b, const char *machine) {
	memset(b, 0, sizeof(*b));
	memcpy(b->head.magic, "cdmplan", 8);
	b->head.abi = PLAN_ABI;
	set_name(b->head.machine, machine);
	plan_builder_entity(b, "cadmus", PLAN_RUNTIME);
	b->head.operator_entity = plan_builder_entity(b, "operator", PLAN_PERSON);
	b->head.first_model = PLAN_NONE;
	b->head.core = plan_builder_process(b, "core", PLAN_CORE, 8);
	b->head.guard = plan_builder_process(b, "guard", PLAN_GUARD, 0);
}

uint16_t plan_builder_entity(struct plan_builder *b, const char *name, enum plan_class class) {
	CHECK(b->head.entities.count < PLAN_BUILDER_ENTITIES);
	struct plan_entity *e = &b->entities[b->head.entities.count];
	set_name(e->name, name);
	e->class = (uint8_t)class;
	e->process = e->symbols = PLAN_NONE;
	e->trust[0] = e->trust[1] = e->trust[2] = 0.9;
	e->trust_strength = 10;
	return (uint16_t)b->head.entities.count++;
}

uint16_t plan_builder_process(struct plan_builder *b, const char *name, enum plan_role role, uint16_t lease_quota) {
	CHECK(b->head.processes.count < PLAN_BUILDER_PROCESSES);
	struct plan_process *q = &b->processes[b->head.processes.count];
	set_name(q->name, name);
	q->role = (uint8_t)role;
	q->start = role != PLAN_CLIENT;
	q->restart = role != PLAN_CLIENT;
	q->threads = 1;
	q->entity = PLAN_NONE;
	q->lease_quota = lease_quota;
	q->tallies = PLAN_BUILDER_FIELDS + 32;
	return (uint16_t)b->head.processes.count++;
}

uint16_t plan_builder_field(struct plan_builder *b, const char *name, enum cdm_dtype dtype, uint32_t count,
		uint32_t slots, uint32_t leases, uint16_t process, uint64_t readers) {
	CHECK(b->head.fields.count < PLAN_BUILDER_FIELDS);
	struct plan_field *f = &b->fields[b->head.fields.count];
	set_name(f->name, name);
	f->dtype = (uint8_t)dtype;
	f->dims = 1;
	f->shape[0] = count;
	f->bytes = (uint32_t)cdm_dtype_size(dtype) * count;
	f->slots = slots;
	f->leases = leases;
	f->process = process;
	f->readers = readers;
	f->group = (uint16_t)b->head.fields.count;
	return (uint16_t)b->head.fields.count++;
}

void plan_builder_sense(struct plan_builder *b, const char *form, const char *gloss, enum plan_verb verb) {
	CHECK(b->head.senses.count < PLAN_BUILDER_RECORDS);
	struct plan_sense *s = &b->senses[b->head.senses.count++];
	CHECK(strlen(form) < sizeof(s->form) && strlen(gloss) < sizeof(s->gloss));
	strcpy(s->form, form);
	strcpy(s->gloss, gloss);
	s->verb = (uint8_t)verb;
	b->head.tables.count = 1;
	set_name(b->tables[0].name, "letters");
	b->tables[0].senses.count = b->head.senses.count;
	b->tables[0].hash = hash_of(b->senses, sizeof(b->senses));
}

void plan_builder_grant(struct plan_builder *b, uint16_t entity, uint16_t rights, uint16_t field) {
	CHECK(b->head.grants.count < PLAN_BUILDER_RECORDS);
	b->grants[b->head.grants.count++] = (struct plan_grant){ .entity = entity, .rights = rights, .field = field };
}

void plan_builder_option(struct plan_builder *b, uint16_t entity, const char *key, const char *value) {
	CHECK(b->head.options.count < PLAN_BUILDER_RECORDS);
	struct plan_option *o = &b->options[b->head.options.count++];
	CHECK(strlen(key) < sizeof(o->key) && strlen(value) < sizeof(o->value));
	o->entity = entity;
	strcpy(o->key, key);
	strcpy(o->value, value);
}

static void place_processes(struct plan_builder *b, uint64_t next[]) {
	for (uint32_t i = 0; i < b->head.processes.count; i++) {
		struct plan_process *q = &b->processes[i];
		q->desk_offset = LAYOUT_HEAD_BYTES;
		q->tally_offset = q->desk_offset + layout_desk_bytes(q->lease_quota);
		q->event_offset = q->tally_offset + layout_tallies_bytes(q->tallies);
		next[i] = q->event_offset + layout_events_bytes();
	}
}

/* The part of the writer's memory for those readers: found, or begun behind the others. */
static void find_part(struct plan_builder *b, struct plan_field *f) {
	struct plan_process *q = &b->processes[f->process];
	for (f->part = 1; f->part < q->part_count && q->parts[f->part].readers != f->readers; f->part++)
		;
	CHECK(f->part < PLAN_PARTS_MAX);
	if (f->part < q->part_count)
		return;
	q->parts[f->part].readers = f->readers;
	q->part_count++;
}

static void place_fields(struct plan_builder *b, uint16_t process, uint64_t *next) {
	struct plan_process *q = &b->processes[process];
	for (uint32_t part = 1; part < q->part_count; part++) {
		*next = layout_round(*next, LAYOUT_PAGE);
		q->parts[part].at = *next;
		for (uint32_t i = 0; i < b->head.fields.count; i++) {
			struct plan_field *f = &b->fields[i];
			if (f->process != process || f->part != part)
				continue;
			f->offset = *next;
			*next += layout_field_bytes(f->slots, f->bytes);
		}
	}
}

static void place(struct plan_builder *b) {
	uint64_t next[PLAN_BUILDER_PROCESSES], all = (UINT64_C(1) << b->head.processes.count) - 1;
	place_processes(b, next);
	for (uint32_t i = 0; i < b->head.processes.count; i++) {
		b->processes[i].part_count = 1;
		b->processes[i].parts[0].readers = all;
	}
	for (uint32_t i = 0; i < b->head.fields.count; i++) {
		struct plan_field *f = &b->fields[i];
		CHECK(f->process < b->head.processes.count && layout_field_bytes(f->slots, f->bytes) != 0);
		f->readers &= all;
		f->layout = plan_field_layout(f);
		find_part(b, f);
	}
	b->head.memory_bytes = 0;
	for (uint32_t i = 0; i < b->head.processes.count; i++) {
		place_fields(b, (uint16_t)i, &next[i]);
		b->processes[i].segment_bytes = layout_round(next[i], LAYOUT_PAGE);
		b->head.memory_bytes += b->processes[i].segment_bytes + b->processes[i].memory_bytes;
	}
}

static void put(struct plan *p, struct plan_span *span, const void *records, size_t size) {
	span->at = (uint32_t)layout_round(p->bytes, 8);
	if (span->count)
		memcpy((char *)p + span->at, records, span->count * size);
	p->bytes = (uint32_t)layout_round(span->at + span->count * size, 8);
}

struct plan *plan_builder_finish(struct plan_builder *b) {
	static struct cdm_diag diag;
	place(b);
	struct plan *p = calloc(1, sizeof(*b) + 4096);
	CHECK(p != NULL);
	*p = b->head;
	p->bytes = (uint32_t)sizeof(*p);
	put(p, &p->entities, b->entities, sizeof(b->entities[0]));
	put(p, &p->fields, b->fields, sizeof(b->fields[0]));
	put(p, &p->processes, b->processes, sizeof(b->processes[0]));
	put(p, &p->rules, b->rules, sizeof(b->rules[0]));
	put(p, &p->actuators, b->actuators, sizeof(b->actuators[0]));
	put(p, &p->tables, b->tables, sizeof(b->tables[0]));
	put(p, &p->senses, b->senses, sizeof(b->senses[0]));
	put(p, &p->grants, b->grants, sizeof(b->grants[0]));
	put(p, &p->options, b->options, sizeof(b->options[0]));
	p->hash = plan_hash(p);
	memset(&diag, 0, sizeof(diag));
	int rc = plan_verify(p, p->bytes, &diag);
	if (rc < 0)
		fprintf(stderr, "plan_builder: %s\n", diag.count ? diag.at[0].text : "?");
	CHECK(rc == 0);
	return p;
}
