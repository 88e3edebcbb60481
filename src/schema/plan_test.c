/*
 * plan_test.c - is a good plan accepted, and everything in it that could mislead a reader refused?
 *
 * One small whole plan is built by hand.  Each test changes one thing of it, seals it again with a right
 * hash, and expects a refusal: so it is the check of that thing that speaks, and not the hash.
 */
#include "schema/plan.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "schema/layout.h"

enum { ENTITIES = 4, FIELDS = 5, PROCESSES = 3, RULES = 2 };

struct whole {
	struct plan head;
	struct plan_entity entities[ENTITIES];
	struct plan_field fields[FIELDS];
	struct plan_process processes[PROCESSES];
	struct plan_rule rules[RULES], more_rules[PLAN_WAITS_MAX / PLAN_SOURCES_MAX + 1]; /* counted in by a test */
	struct plan_actuator actuators[1], more[PLAN_ACTUATORS_MAX];
	struct plan_table tables[1];
	struct plan_sense senses[2];
	struct plan_grant grants[2];
	struct plan_option options[1];
};

static struct whole w;
static struct cdm_diag diag;

#define SPAN(member) ((struct plan_span){ offsetof(struct whole, member), COUNT_OF(w.member) })

static void entity(unsigned i, const char *name, unsigned class, unsigned sort, uint16_t process) {
	struct plan_entity *e = &w.entities[i];
	strcpy(e->name, name);
	e->class = (uint8_t)class;
	e->sort = (uint8_t)sort;
	e->process = process;
	e->trust[0] = e->trust[1] = e->trust[2] = 0.9;
	e->trust_strength = 10;
	e->symbols = PLAN_NONE;
}

static void process(unsigned i, const char *name, unsigned role) {
	struct plan_process *s = &w.processes[i];
	strcpy(s->name, name);
	s->role = (uint8_t)role;
	s->start = s->restart = role != PLAN_CLIENT;
	s->entity = i == 0 ? 0 : PLAN_NONE;
	s->lease_quota = 4;
	s->desk_offset = LAYOUT_HEAD_BYTES;
	s->tally_offset = s->desk_offset + layout_desk_bytes(4);
	s->tallies = 4;
	s->event_offset = s->tally_offset + layout_tallies_bytes(4);
	s->segment_bytes = layout_round(s->event_offset + layout_events_bytes(), LAYOUT_PAGE);
	s->parts[s->part_count++].readers = 7;
	s->memory_bytes = 1000;
}

/* In the last part of the writer's memory, or one behind it. */
static void field(unsigned i, const char *name, unsigned kind, uint16_t writer, uint16_t source) {
	struct plan_field *f = &w.fields[i];
	struct plan_process *s = &w.processes[writer];
	strcpy(f->name, name);
	f->kind = (uint8_t)kind;
	f->dtype = CDM_F32;
	f->dims = 2;
	f->slots = 4;
	f->group = (uint16_t)i;
	f->process = writer;
	f->entity = source;
	f->shape[0] = 3;
	f->shape[1] = 2;
	f->bytes = 24;
	f->leases = writer == 1 ? 0 : 2;
	f->readers = i == 2 ? 3 : 7;
	f->half_life_ns = kind == PLAN_AWARENESS ? 1000 : 0;
	f->layout = plan_field_layout(f);
	if (s->part_count == 1 || s->parts[s->part_count - 1].readers != f->readers) {
		s->segment_bytes = layout_round(s->segment_bytes, LAYOUT_PAGE);
		s->parts[s->part_count++] = (struct plan_part){ s->segment_bytes, f->readers };
	}
	f->part = (uint16_t)(s->part_count - 1);
	f->offset = s->segment_bytes;
	s->segment_bytes = layout_round(f->offset + layout_field_bytes(4, 24), LAYOUT_ALIGN);
}

static void rules(void) {
	for (int i = 0; i < RULES; i++) {
		struct plan_rule *r = &w.rules[i];
		strcpy(r->name, i ? "legs.symbol_to_motion" : "visual.max");
		r->operation = i ? PLAN_OP_SYMBOL_TO_MOTION : PLAN_OP_MAX;
		r->source_count = 1;
		for (int s = 0; s < PLAN_SOURCES_MAX; s++)
			r->sources[s] = s ? PLAN_NONE : (uint16_t)(i ? 0 : 4);
		r->target = i ? PLAN_NONE : 0;
		r->actuator = i ? 3 : PLAN_NONE;
		r->gain = 1;
	}
}

static void actuator(void) {
	struct plan_actuator *a = w.actuators;
	a->entity = 3;
	a->process = 1;
	a->feedback = 3;
	a->awareness = 0;
	strcpy(a->driver, "hexapod_can");
	strcpy(a->bus, "auto");
	a->lease_ns = 200000000;
	a->safe_verb = PLAN_VERB_STOP;
	a->joint_count = 18;
	a->node_base = 1;
	a->safety_class = 1;
	for (int j = 0; j < 3; j++) {
		a->joint_min_cdeg[j] = -1000;
		a->joint_max_cdeg[j] = 1000;
		a->joint_rate_cdeg_s[j] = 1000;
	}
	a->verb_max[PLAN_VERB_STOP] = -1;
	a->verb_max[PLAN_VERB_WALK] = 20;
}

static void symbols(void) {
	strcpy(w.tables[0].name, "letters");
	w.tables[0].senses = (struct plan_span){ 0, 2 };
	for (int i = 0; i < 2; i++) {
		strcpy(w.senses[i].form, i ? "b" : "a");
		strcpy(w.senses[i].gloss, "gloss");
		w.senses[i].verb = i ? PLAN_VERB_WALK : PLAN_VERB_NONE;
		w.senses[i].takes_number = (uint8_t)i;
		w.senses[i].evidence_p = 20;
	}
}

static void seal(void) {
	w.head.hash = plan_hash(&w.head);
}

static void sum_up(void) {
	w.head.memory_bytes = 0;
	for (int i = 0; i < PROCESSES; i++) {
		w.processes[i].segment_bytes = layout_round(w.processes[i].segment_bytes, LAYOUT_PAGE);
		w.head.memory_bytes += w.processes[i].segment_bytes + w.processes[i].memory_bytes;
	}
}

static void fresh(void) {
	memset(&w, 0, sizeof(w));
	memset(&diag, 0, sizeof(diag));
	w.head = (struct plan){ .magic = "cdmplan", .abi = PLAN_ABI, .bytes = sizeof(w), .machine = "m",
		.entities = SPAN(entities), .fields = SPAN(fields), .processes = SPAN(processes),
		.rules = SPAN(rules), .actuators = SPAN(actuators), .tables = SPAN(tables),
		.senses = SPAN(senses), .grants = SPAN(grants), .options = SPAN(options), .core = 0, .guard = 1,
		.operator_entity = 1, .first_model = PLAN_NONE };
	entity(0, "cadmus", PLAN_RUNTIME, PLAN_CONTROL, 0);
	entity(1, "ana", PLAN_PERSON, PLAN_LINGUISTIC, PLAN_NONE);
	entity(2, "eye", PLAN_SENSOR, PLAN_VISUAL, 2);
	entity(3, "legs", PLAN_ACTUATOR, PLAN_KINESTHETIC, 1);
	w.entities[3].symbols = 0;
	process(0, "core", PLAN_CORE);
	process(1, "guard", PLAN_GUARD);
	process(2, "eye", PLAN_HOST);
	field(0, "visual", PLAN_AWARENESS, 0, 0);
	field(1, "goal", PLAN_SETTING, 0, 0);
	field(2, "legs.command", PLAN_SAMPLES, 0, 3);
	field(3, "legs.feedback", PLAN_SAMPLES, 1, 3);
	field(4, "eye.frame", PLAN_SAMPLES, 2, 2);
	rules();
	actuator();
	symbols();
	w.grants[0] = (struct plan_grant){ .entity = 1, .rights = PLAN_MAY_SAY, .field = PLAN_NONE };
	w.grants[1] = (struct plan_grant){ .entity = 1, .rights = PLAN_MAY_SET, .field = 1 };
	w.options[0] = (struct plan_option){ .entity = 2, .key = "driver", .value = "photos" };
	sum_up();
	seal();
}

static int verify(void) {
	return plan_verify(&w, sizeof(w), &diag);
}

/* Change one thing; the plan must be refused, with one message. */
#define REFUSED(change) \
	do { \
		fresh(); \
		(void)(change); \
		seal(); \
		CHECK(verify() == -EPROTO && diag.count == 1 && diag.errors == 1); \
	} while (0)

#define ACCEPTED(change) \
	do { \
		fresh(); \
		(void)(change); \
		seal(); \
		CHECK(verify() == 0); \
	} while (0)

static void accepts_a_whole_plan(void) {
	fresh();
	CHECK(verify() == 0 && diag.count == 0);
	CHECK(plan_verify(&w, sizeof(w), NULL) == 0);
	ACCEPTED(w.head.first_model = 3);
	ACCEPTED(w.actuators[0].awareness = PLAN_NONE);
	ACCEPTED(w.fields[4].unit[0] = 'm');
}

static void refuses_a_bad_head(void) {
	fresh();
	w.entities[1].trust[0] = 0.8; /* and not sealed again */
	CHECK(verify() == -EPROTO);
	fresh();
	CHECK(plan_verify(&w, sizeof(w) - 8, NULL) == -EPROTO);
	CHECK(plan_verify(&w, 8, NULL) == -EPROTO && plan_verify(&w, 0, NULL) == -EPROTO);
	CHECK(plan_verify((char *)&w + 4, sizeof(w) - 4, NULL) == -EPROTO);
	REFUSED(w.head.magic[7] = 'x');
	REFUSED(w.head.abi++);
	REFUSED(strcpy(w.head.machine, ""));
	REFUSED(strcpy(w.head.machine, "Robot"));
	REFUSED(strcpy(w.head.machine, "../robot"));
	REFUSED(memset(w.head.machine, 'a', sizeof(w.head.machine)));
	REFUSED(w.head.core = PROCESSES);
	REFUSED(w.head.core = 1);
	REFUSED(w.head.guard = 0);
	REFUSED(w.head.operator_entity = ENTITIES);
	REFUSED(w.head.operator_entity = PLAN_NONE);
	REFUSED(w.head.first_model = ENTITIES);
	REFUSED(w.head.memory_bytes++);
}

static void refuses_tables_outside_or_over_one_another(void) {
	REFUSED(w.head.entities.at = 0);
	REFUSED(w.head.entities.at += 4);
	REFUSED(w.head.entities.at = UINT32_MAX - 7);
	REFUSED(w.head.entities.count = UINT32_MAX);
	REFUSED(w.head.entities.count = 0);
	REFUSED(w.head.entities.count = PLAN_ENTITIES_MAX + 1);
	REFUSED(w.head.fields.at = w.head.entities.at);
	REFUSED(w.head.options.count = 2);
	REFUSED(w.head.options.at = sizeof(w));
	REFUSED(w.head.processes.count = 65);
	ACCEPTED((w.head.options.count = 0, w.head.options.at = sizeof(w)));
}

static void refuses_bad_entities(void) {
	REFUSED(strcpy(w.entities[1].name, "eye"));
	REFUSED(strcpy(w.entities[1].name, "\033[31m"));
	REFUSED(memset(w.entities[1].name, 'a', CDM_NAME_MAX));
	REFUSED(w.entities[1].class = PLAN_COMMUNICATION + 1);
	REFUSED(w.entities[0].class = PLAN_PERSON);
	REFUSED(w.entities[1].class = PLAN_RUNTIME);
	REFUSED(w.entities[1].sort = PLAN_SORT_COUNT);
	REFUSED(w.entities[1].process = PROCESSES);
	REFUSED(w.entities[1].symbols = 1);
	REFUSED(w.entities[1].trust[2] = 1.01);
	REFUSED(w.entities[1].trust[2] = -0.01);
	REFUSED(w.entities[1].trust[0] = (double)NAN);
	REFUSED(w.entities[1].trust_strength = (double)INFINITY);
	REFUSED(w.entities[1].trust_strength = -1);
	REFUSED(w.entities[1].reserved[1] = 1);
}

static void refuses_bad_processes(void) {
	REFUSED(strcpy(w.processes[2].name, "core"));
	REFUSED(w.processes[2].name[0] = 0);
	REFUSED(w.processes[2].role = PLAN_CLIENT + 1);
	REFUSED(w.processes[2].role = PLAN_CORE);
	REFUSED(w.processes[2].role = PLAN_GUARD);
	REFUSED(w.processes[2].start = 2);
	REFUSED(w.processes[2].restart = 2);
	REFUSED(w.processes[2].entity = ENTITIES);
	REFUSED(w.processes[2].desk_offset = 0);
	REFUSED(w.processes[2].desk_offset += 8);
	REFUSED(w.processes[2].desk_offset = UINT64_MAX - LAYOUT_ALIGN + 1);
	REFUSED(w.processes[2].tally_offset -= LAYOUT_ALIGN);
	REFUSED(w.processes[2].tally_offset += 8);
	REFUSED(w.processes[2].tally_offset = UINT64_MAX - LAYOUT_ALIGN + 1);
	REFUSED(w.processes[2].tallies++);
	REFUSED(w.processes[2].tallies = PLAN_TALLIES_MAX + 1);
	REFUSED(w.processes[2].tallies = UINT32_MAX);
	REFUSED(w.processes[2].event_offset = w.processes[2].desk_offset);
	REFUSED(w.processes[2].event_offset = w.processes[2].segment_bytes);
	REFUSED(w.processes[2].event_offset = UINT64_MAX - LAYOUT_ALIGN + 1);
	REFUSED(w.processes[2].lease_quota = UINT16_MAX);
	REFUSED((w.processes[2].segment_bytes -= 8, w.head.memory_bytes -= 8));
	REFUSED((w.processes[2].segment_bytes = PLAN_SEGMENT_BYTES_MAX + LAYOUT_PAGE));
	REFUSED(w.processes[2].memory_bytes = UINT64_MAX);
	ACCEPTED(w.processes[2].event_overflow = PLAN_REFUSE);
	REFUSED(w.processes[2].event_overflow = PLAN_REFUSE + 1);
	REFUSED(w.processes[0].event_overflow = PLAN_REFUSE);
	REFUSED(w.processes[2].reserved = 1);
}

static void refuses_bad_parts(void) {
	struct plan_process *s = &w.processes[0];
	fresh();
	CHECK(s->parts[2].at == w.fields[2].offset && s->part_count == 3);
	REFUSED(s->part_count = 0);
	REFUSED(s->part_count = 2);
	REFUSED(s->part_count = 4);
	REFUSED(s->part_count = PLAN_PARTS_MAX + 1);
	REFUSED(s->part_count = UINT32_MAX);
	REFUSED(s->parts[0].at = LAYOUT_PAGE);
	REFUSED(s->parts[0].readers = 3); /* everybody sees desks and events */
	REFUSED(s->parts[0].readers = 15);
	REFUSED(s->parts[1].readers = 15);
	REFUSED(s->parts[1].at = 0);
	REFUSED(s->parts[1].at += 8);
	REFUSED(s->parts[1].at = s->parts[2].at);
	REFUSED(s->parts[1].at -= LAYOUT_PAGE); /* the event ring is there */
	REFUSED(s->parts[2].at -= LAYOUT_PAGE);
	REFUSED(s->parts[2].at += LAYOUT_PAGE);
	REFUSED(s->parts[2].at = s->segment_bytes);
	REFUSED(s->parts[2].at = UINT64_MAX - LAYOUT_PAGE + 1);
	REFUSED(s->parts[3].at = s->segment_bytes);
	REFUSED(s->parts[PLAN_PARTS_MAX - 1].readers = 1);
}

static void refuses_bad_fields(void) {
	REFUSED(strcpy(w.fields[1].name, "visual"));
	REFUSED(strcpy(w.fields[1].name, "a b"));
	REFUSED(memset(w.fields[1].unit, 'm', sizeof(w.fields[1].unit)));
	REFUSED(w.fields[1].kind = PLAN_SETTING + 1);
	REFUSED((w.fields[1].dtype = CDM_DTYPE_COUNT, w.fields[1].layout = plan_field_layout(&w.fields[1])));
	REFUSED((w.fields[1].dims = 9));
	REFUSED((w.fields[1].shape[0] = 4, w.fields[1].layout = plan_field_layout(&w.fields[1])));
	REFUSED((w.fields[1].shape[0] = 0, w.fields[1].bytes = 0,
			w.fields[1].layout = plan_field_layout(&w.fields[1])));
	REFUSED((w.fields[1].shape[0] = 0x80000000u, w.fields[1].shape[1] = 0x80000000u));
	REFUSED((w.fields[1].slots = 2, w.fields[1].layout = plan_field_layout(&w.fields[1])));
	REFUSED(w.fields[1].leases = 3);
	REFUSED(w.fields[3].leases = 1); /* of the guard: copy only */
	REFUSED(w.fields[1].group = FIELDS);
	REFUSED(w.fields[1].group = 3);       /* of another process */
	REFUSED(w.fields[1].group = PLAN_NONE);
	REFUSED(w.fields[1].derived = 2);
	REFUSED(w.fields[1].process = PROCESSES);
	REFUSED(w.fields[1].entity = ENTITIES);
	REFUSED(w.fields[1].readers = 8);
	REFUSED(w.fields[1].readers = 3); /* their part is another */
	REFUSED(w.fields[1].layout++);
	REFUSED(w.fields[0].half_life_ns = 0);
	REFUSED(w.fields[1].half_life_ns = 1);
	REFUSED(w.fields[1].max_age_ns = -1);
	ACCEPTED((w.fields[1].durability = PLAN_GROUP, w.fields[1].journal_ms = 1));
	ACCEPTED((w.fields[1].durability = PLAN_FULL, w.fields[1].journal_ms = PLAN_JOURNAL_MS_MAX));
	REFUSED((w.fields[1].durability = PLAN_FULL + 1, w.fields[1].journal_ms = 1));
	REFUSED((w.fields[1].durability = PLAN_GROUP, w.fields[1].journal_ms = PLAN_JOURNAL_MS_MAX + 1));
	REFUSED(w.fields[1].durability = PLAN_GROUP);
	REFUSED(w.fields[1].journal_ms = 1000);
	ACCEPTED(w.fields[3].readers = w.processes[1].parts[1].readers = 6);
	REFUSED((w.fields[3].readers = w.processes[1].parts[1].readers = 6, w.fields[3].durability = PLAN_GROUP,
			w.fields[3].journal_ms = 1)); /* core cannot read it */
	REFUSED(w.fields[1].reserved[2] = 1);
}

static void refuses_fields_in_the_wrong_place(void) {
	REFUSED(w.fields[1].offset = w.fields[0].offset);
	REFUSED(w.fields[1].offset -= LAYOUT_ALIGN);
	REFUSED(w.fields[1].offset += 8);
	REFUSED(w.fields[0].offset = LAYOUT_HEAD_BYTES);
	REFUSED(w.fields[2].offset = w.processes[0].segment_bytes);
	REFUSED(w.fields[2].offset = UINT64_MAX - LAYOUT_ALIGN + 1);
	REFUSED(w.fields[4].process = 1); /* does not fit in there */
	REFUSED(w.fields[1].part = 0);
	REFUSED(w.fields[1].part = 2);
	REFUSED(w.fields[2].part = 1);
	REFUSED(w.fields[2].part = 3);
	REFUSED(w.fields[1].part = PLAN_PARTS_MAX);
}

/* So many sources, of the first rule and others like it. */
static void wait_for(unsigned sources) {
	for (unsigned left = sources - w.rules[0].source_count, n; left > 0; left -= n) {
		struct plan_rule *r = &w.more_rules[w.head.rules.count++ - RULES];
		n = left < PLAN_SOURCES_MAX ? left : PLAN_SOURCES_MAX;
		*r = w.rules[0];
		r->source_count = (uint8_t)n;
		for (unsigned s = 0; s < PLAN_SOURCES_MAX; s++)
			r->sources[s] = s < n ? 4 : PLAN_NONE;
	}
}

static void refuses_bad_rules(void) {
	REFUSED(w.rules[0].name[0] = 0);
	REFUSED(w.rules[0].operation = PLAN_OP_COUNT);
	REFUSED(w.rules[0].source_count = 0);
	REFUSED(w.rules[0].source_count = PLAN_SOURCES_MAX + 1);
	REFUSED(w.rules[0].source_count = 2); /* the second is no field */
	REFUSED(w.rules[0].sources[0] = FIELDS);
	REFUSED(w.rules[0].sources[7] = 0);
	REFUSED(w.rules[0].target = 1); /* a setting */
	REFUSED(w.rules[0].target = PLAN_NONE);
	REFUSED(w.rules[0].actuator = 3);
	REFUSED(w.rules[1].actuator = 2); /* a sensor */
	REFUSED(w.rules[1].actuator = ENTITIES);
	REFUSED(w.rules[1].target = 0);
	REFUSED(w.rules[0].max_skew_ns = -1);
	REFUSED(w.rules[0].min_trust = 2);
	REFUSED(w.rules[0].gain = (double)NAN);
	REFUSED(w.rules[0].reserved[0] = 1);
	REFUSED(wait_for(PLAN_WAITS_MAX + 1));
	ACCEPTED(wait_for(PLAN_WAITS_MAX));
}

static void refuses_bad_actuators(void) {
	REFUSED(w.actuators[0].entity = 2);
	REFUSED(w.actuators[0].entity = ENTITIES);
	REFUSED(w.actuators[0].process = 0);
	REFUSED(w.actuators[0].feedback = FIELDS);
	REFUSED(w.actuators[0].feedback = 4); /* not the guard's */
	REFUSED(w.actuators[0].awareness = FIELDS);
	REFUSED(memset(w.actuators[0].driver, 'x', sizeof(w.actuators[0].driver)));
	REFUSED(memset(w.actuators[0].bus, 'x', sizeof(w.actuators[0].bus)));
	REFUSED(w.actuators[0].lease_ns = 0);
	REFUSED(w.actuators[0].lease_ns = PLAN_LEASE_NS_MAX + 1);
	REFUSED(w.actuators[0].safety_class = 4);
	REFUSED(w.actuators[0].joint_count = 0);
	REFUSED(w.actuators[0].joint_count = PLAN_JOINTS_MAX + 1);
	REFUSED(w.actuators[0].node_base = 0);
	REFUSED(w.actuators[0].node_base = 238);
	REFUSED(w.actuators[0].node_base = 255);
	REFUSED(w.actuators[0].joint_min_cdeg[1] = 1000);
	REFUSED(w.actuators[0].joint_max_cdeg[2] = INT32_MAX);
	REFUSED(w.actuators[0].joint_min_cdeg[2] = INT32_MIN);
	REFUSED(w.actuators[0].joint_rate_cdeg_s[0] = 0);
	REFUSED(w.actuators[0].verb_max[PLAN_VERB_WALK] = -2);
	REFUSED(w.actuators[0].verb_max[PLAN_VERB_WALK] = 1000);
	REFUSED(w.actuators[0].verb_max[15] = 1);
	REFUSED(w.actuators[0].safe_verb = PLAN_VERB_NONE);
	REFUSED(w.actuators[0].safe_verb = PLAN_VERB_WALK); /* needs a number */
	REFUSED(w.actuators[0].safe_verb = PLAN_VERB_CROUCH); /* not offered */
	REFUSED(w.actuators[0].safe_verb = 200);
}

/* `n` actuators, each behind the other on one bus. */
static void limbs(unsigned n) {
	for (unsigned i = 1; i < n; i++) {
		w.more[i - 1] = w.actuators[0];
		w.more[i - 1].node_base = (uint8_t)(1 + 20 * i);
	}
	w.head.actuators.count = n;
}

static void refuses_nodes_of_two(void) {
	ACCEPTED(limbs(PLAN_ACTUATORS_MAX));
	REFUSED(limbs(PLAN_ACTUATORS_MAX + 1));
	REFUSED((limbs(2), w.more[0].node_base = 1));
	REFUSED((limbs(2), w.more[0].node_base = 20)); /* its guard has the node of the other's body */
	REFUSED((limbs(2), w.actuators[0].node_base = 40)); /* the other way round */
	REFUSED((limbs(3), w.more[1].node_base = 1));
	ACCEPTED((limbs(2), w.more[0].node_base = 1, strcpy(w.more[0].bus, "socketcan:can1")));
	ACCEPTED((limbs(2), w.more[0].node_base = 1, strcpy(w.more[0].bus, "udp:239.74.163.2:43113")));
	REFUSED((limbs(2), w.more[0].node_base = 1, strcpy(w.more[0].bus, "udp:auto")));
	REFUSED((limbs(2), w.more[0].node_base = 1, strcpy(w.actuators[0].bus, "socketcan:can0")));
	ACCEPTED((limbs(2), w.more[0].node_base = 1, strcpy(w.actuators[0].bus, "udp:auto"),
			strcpy(w.more[0].bus, "socketcan:can0")));
}

static void refuses_bad_symbols(void) {
	REFUSED(w.tables[0].name[0] = 'A');
	REFUSED(w.tables[0].senses.count = 3);
	REFUSED(w.tables[0].senses.at = UINT32_MAX);
	REFUSED(w.tables[0].senses.at = 1);
	REFUSED(w.tables[0].senses.count = 1); /* the second belongs to nobody */
	REFUSED(w.senses[0].table = 1);
	REFUSED(w.senses[0].form[0] = 0);
	REFUSED(memset(w.senses[0].form, 'a', sizeof(w.senses[0].form)));
	REFUSED(memset(w.senses[0].gloss, 'a', sizeof(w.senses[0].gloss)));
	REFUSED(w.senses[0].verb = PLAN_VERB_COUNT);
	REFUSED(w.senses[0].safety_class = 4);
	REFUSED(w.senses[0].takes_number = 3);
	REFUSED(w.senses[0].number_default = -1);
	REFUSED(w.senses[0].number_default = 1000);
	REFUSED(w.senses[0].evidence_p = -1);
	REFUSED(w.senses[0].evidence_n = (double)NAN);
	REFUSED(w.senses[0].reserved[2] = 1);
}

static void refuses_bad_grants_and_options(void) {
	REFUSED(w.grants[0].entity = ENTITIES);
	REFUSED(w.grants[0].rights = 0);
	REFUSED(w.grants[0].rights = 16);
	REFUSED(w.grants[0].reserved = 1);
	REFUSED(w.grants[1].field = FIELDS);
	REFUSED(w.grants[1].field = 0); /* no setting */
	REFUSED(w.options[0].entity = ENTITIES);
	REFUSED(w.options[0].reserved = 1);
	REFUSED(w.options[0].key[0] = 0);
	REFUSED(memset(w.options[0].key, 'k', sizeof(w.options[0].key)));
	REFUSED(memset(w.options[0].value, 'v', sizeof(w.options[0].value)));
}

static void looks_things_up(void) {
	fresh();
	const struct plan *p = &w.head;
	CHECK(plan_find_entity(p, "legs") == 3 && plan_find_entity(p, "arms") == PLAN_NONE);
	CHECK(plan_find_field(p, "goal") == 1 && plan_find_field(p, "") == PLAN_NONE);
	CHECK(plan_find_process(p, "guard") == 1 && plan_find_process(p, "legs") == PLAN_NONE);
	CHECK(strcmp(plan_find_option(p, 2, "driver"), "photos") == 0);
	CHECK(!plan_find_option(p, 2, "rate") && !plan_find_option(p, 1, "driver"));
	CHECK(plan_rights(p, 1) == (PLAN_MAY_SAY | PLAN_MAY_SET) && plan_rights(p, 2) == 0);
	CHECK(plan_may_set(p, 1, 1) && !plan_may_set(p, 2, 1));
	CHECK(!plan_may_set(p, 1, 0) && !plan_may_set(p, 1, FIELDS) && !plan_may_set(p, 1, PLAN_NONE));
	w.grants[1].field = PLAN_NONE; /* all settings, and still nothing that is none */
	CHECK(plan_may_set(p, 1, 1) && !plan_may_set(p, 1, 0));
	w.grants[1].rights = PLAN_MAY_CONTROL;
	CHECK(!plan_may_set(p, 1, 1));
}

static void names_its_words(void) {
	CHECK(strcmp(plan_class_text(PLAN_SENSOR), "sensor") == 0 && strcmp(plan_class_text(99), "?") == 0);
	CHECK(strcmp(plan_sort_text(PLAN_VISUAL), "visual") == 0 && strcmp(plan_sort_text(PLAN_SORT_COUNT), "?") == 0);
	CHECK(strcmp(plan_role_text(PLAN_WORKER), "worker") == 0 && strcmp(plan_role_text(6), "?") == 0);
	CHECK(strcmp(plan_operation_text(PLAN_OP_MAX), "max") == 0);
	CHECK(strcmp(plan_operation_text(PLAN_OP_COUNT), "?") == 0);
	CHECK(strcmp(plan_verb_text(PLAN_VERB_STAND), "stand") == 0);
	CHECK(strcmp(plan_verb_text(PLAN_VERB_COUNT), "?") == 0);
}

/* Both sides of a field must agree on its form, and on nothing else. */
static void hashes_what_both_sides_must_agree_on(void) {
	fresh();
	struct plan_field a = w.fields[0], b = a;
	b.readers = b.offset = b.entity = 9;
	b.shape[5] = 77; /* beyond its dimensions */
	CHECK(plan_field_layout(&a) == plan_field_layout(&b));
	b.slots++;
	CHECK(plan_field_layout(&a) != plan_field_layout(&b));
	b = a;
	b.shape[0] = 2, b.shape[1] = 3;
	CHECK(plan_field_layout(&a) != plan_field_layout(&b));
	b = a;
	b.dtype = CDM_I32;
	CHECK(plan_field_layout(&a) != plan_field_layout(&b));
}

/* Every byte of the head and of the first records, wrong in several ways and sealed: an answer, no harm. */
static void survives_every_wrong_byte(void) {
	static const uint8_t wrong[] = { 0x00, 0x01, 0x7f, 0x80, 0xff };
	unsigned char *bytes = (unsigned char *)&w;
	for (size_t i = 0; i < sizeof(w); i += i < 2048 ? 1 : 3) {
		for (size_t k = 0; k < sizeof(wrong); k++) {
			fresh();
			bytes[i] = wrong[k];
			if (w.head.bytes == sizeof(w)) /* else the hash would reach outside */
				seal();
			int rc = plan_verify(&w, sizeof(w), NULL);
			CHECK(rc == 0 || rc == -EPROTO);
		}
	}
}

/* Who plays, who does not, and that the body is another one. */
static void externalizes(void) {
	static struct whole other;
	struct plan *x = &other.head;
	fresh();
	w.fields[4].derived = w.fields[3].derived = 1;
	w.options[0] = (struct plan_option){ .entity = 3, .key = "bus", .value = "auto" };
	seal();
	CHECK(plan_externalize(&w.head, "m_replay", 1u << 2, x, &diag) == 0 && diag.count == 0);
	CHECK(strcmp(x->machine, "m_replay") == 0 && !hash_equal(&x->hash, &w.head.hash));
	CHECK(plan_processes(x)[2].start == PLAN_EXTERNAL && plan_processes(x)[2].restart == 0);
	CHECK(plan_processes(x)[0].start == w.processes[0].start && plan_processes(x)[1].restart == 1);
	CHECK(plan_fields(x)[4].derived == 0 && plan_fields(x)[3].derived == 1);
	CHECK(strncmp(plan_actuators(x)[0].bus, "udp:239.74.163.3:", 17) == 0);
	CHECK(strcmp(plan_find_option(x, 3, "bus"), plan_actuators(x)[0].bus) == 0);
	CHECK(plan_verify(x, x->bytes, NULL) == 0 && strcmp(w.head.machine, "m") == 0);

	limbs(3); /* two on one bus, one with the same nodes on another */
	strcpy(w.more[0].bus, "udp:auto");
	strcpy(w.more[1].bus, "socketcan:can1");
	w.more[1].node_base = w.actuators[0].node_base;
	seal();
	CHECK(plan_externalize(&w.head, "m", 0, x, &diag) == 0);
	const struct plan_actuator *a = plan_actuators(x);
	CHECK(strcmp(a[0].bus, a[1].bus) == 0 && strcmp(a[0].bus, a[2].bus) != 0);

	static const char longer[] = "a_name_that_is_much_longer_than_any_name_of_a_machine";
	CHECK(plan_externalize(&w.head, longer, 0, x, &diag) == -E2BIG);
	CHECK(plan_externalize(&w.head, "Not-A-Name", 0, x, &diag) == -EPROTO);
	CHECK(plan_externalize(&w.head, "m", 1, x, NULL) == -EPROTO); /* core is nobody else's */
}

static void frees_nothing(void) {
	plan_free(NULL);
	struct plan *p = malloc(sizeof(*p));
	CHECK(p);
	plan_free(p);
}

int main(void) {
	accepts_a_whole_plan();
	refuses_a_bad_head();
	refuses_tables_outside_or_over_one_another();
	refuses_bad_entities();
	refuses_bad_processes();
	refuses_bad_parts();
	refuses_bad_fields();
	refuses_fields_in_the_wrong_place();
	refuses_bad_rules();
	refuses_bad_actuators();
	refuses_nodes_of_two();
	refuses_bad_symbols();
	refuses_bad_grants_and_options();
	looks_things_up();
	names_its_words();
	hashes_what_both_sides_must_agree_on();
	survives_every_wrong_byte();
	externalizes();
	frees_nothing();
	puts("plan_test: ok");
}
