/*
 * plan_verify.c - may these bytes be used as a plan?
 *
 * Whoever reads a plan indexes with what stands in it, so everything that is an index, a count, an
 * offset, an enum or a string is checked here, once.  The checks come in an order in which each
 * may rely on those before: the head, where the tables lie, then record by record.  The first
 * thing that is wrong ends it with one message.
 *
 * Space in a segment is checked without memory: head, desk, tallies and event ring must stand in that order in its
 * first part, and the fields of each other part in the order of their offsets.
 */
#include "schema/plan.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include "schema/layout.h"

#define MAGIC "cdmplan"
#define TABLES 9

struct verify {
	const struct plan *plan;
	struct cdm_diag *diag;
	uint64_t next[PLAN_PROCESSES_MAX][PLAN_PARTS_MAX]; /* first byte of a part that is not taken yet */
	uint64_t memory;                   /* sum over processes */
};

struct table {
	const char *name;
	struct plan_span span;
	size_t size;
	uint32_t max;
};

/* `what` of table[i] is wrong. */
static int bad(struct verify *v, const char *table, size_t i, const char *what) {
	cdm_diag_add(v->diag, CDM_ERROR, "P0002", "plan: %s %zu: %s", table, i, what);
	return -EPROTO;
}

static int bad_head(struct cdm_diag *diag, const char *what) {
	cdm_diag_add(diag, CDM_ERROR, "P0001", "plan: %s", what);
	return -EPROTO;
}

static bool ends(const char *s, size_t capacity) {
	return memchr(s, 0, capacity) != NULL;
}

/* [a-z][a-z0-9_.]*, ended. */
static bool is_name(const char s[CDM_NAME_MAX]) {
	if (!ends(s, CDM_NAME_MAX) || s[0] < 'a' || s[0] > 'z')
		return false;
	for (; *s; s++)
		if (!((*s >= 'a' && *s <= 'z') || (*s >= '0' && *s <= '9') || *s == '_' || *s == '.'))
			return false;
	return true;
}

static bool within(double x, double low, double high) {
	return isfinite(x) && x >= low && x <= high;
}

static bool index_or_none(uint16_t i, struct plan_span table) {
	return i == PLAN_NONE || i < table.count;
}

/* Names are looked up, so they must be unique: open addressing over their hashes. */
#define BUCKETS 16384u
_Static_assert(BUCKETS >= 4 * PLAN_ENTITIES_MAX, "sparse");
_Static_assert(BUCKETS >= 4 * PLAN_FIELDS_MAX, "sparse");

static size_t duplicate(const void *records, uint32_t count, size_t size) {
	uint16_t seen[BUCKETS];
	memset(seen, 0xff, sizeof(seen));
	for (uint32_t i = 0; i < count; i++) {
		const char *name = (const char *)records + i * size;
		uint32_t h = 2166136261u;
		for (const char *c = name; *c; c++)
			h = (h ^ (uint8_t)*c) * 16777619u;
		for (h %= BUCKETS; seen[h] != 0xffff; h = (h + 1) % BUCKETS)
			if (strcmp((const char *)records + seen[h] * size, name) == 0)
				return i;
		seen[h] = (uint16_t)i;
	}
	return SIZE_MAX;
}

static int check_entities(struct verify *v) {
	const struct plan *p = v->plan;
	const struct plan_entity *e = plan_entities(p);
	for (uint32_t i = 0; i < p->entities.count; i++, e++) {
		if (!is_name(e->name))
			return bad(v, "entity", i, "no proper name");
		if (e->class > PLAN_COMMUNICATION || (e->class == PLAN_RUNTIME) != (i == 0))
			return bad(v, "entity", i, "class");
		if (e->sort >= PLAN_SORT_COUNT)
			return bad(v, "entity", i, "sort");
		if (!index_or_none(e->process, p->processes) || !index_or_none(e->symbols, p->tables))
			return bad(v, "entity", i, "index");
		for (int d = 0; d < 3; d++)
			if (!within(e->trust[d], 0, 1) || e->reserved[d])
				return bad(v, "entity", i, "trust or reserved bytes");
		if (!within(e->trust_strength, 0, 1e9))
			return bad(v, "entity", i, "trust strength");
	}
	size_t twice = duplicate(plan_entities(p), p->entities.count, sizeof(*e));
	return twice == SIZE_MAX ? 0 : bad(v, "entity", twice, "second of its name");
}

static uint64_t part_end(const struct plan_process *s, unsigned part) {
	return s->parts[part].at + plan_part_bytes(s, part);
}

/* One behind the other, the first for everybody, in whole pages. */
static int check_parts(struct verify *v, size_t i, const struct plan_process *s) {
	uint64_t all = UINT64_MAX >> (64 - v->plan->processes.count);
	if (s->part_count == 0 || s->part_count > PLAN_PARTS_MAX)
		return bad(v, "process", i, "number of parts");
	for (unsigned k = 0; k < PLAN_PARTS_MAX; k++) {
		const struct plan_part *q = &s->parts[k];
		if (k >= s->part_count && (q->at || q->readers))
			return bad(v, "process", i, "parts behind the last one");
		if (k >= s->part_count)
			continue;
		bool first = k == 0, follows = first ? q->at == 0 : q->at > s->parts[k - 1].at;
		if (!follows || q->at >= s->segment_bytes || q->at % LAYOUT_PAGE)
			return bad(v, "process", i, "where a part begins");
		if (first ? q->readers != all : (q->readers & ~all) != 0)
			return bad(v, "process", i, "readers of a part");
		v->next[i][k] = q->at;
	}
	return 0;
}

static int check_segment(struct verify *v, size_t i, const struct plan_process *s) {
	uint64_t at = LAYOUT_HEAD_BYTES;
	if (s->segment_bytes > PLAN_SEGMENT_BYTES_MAX || s->segment_bytes % LAYOUT_PAGE)
		return bad(v, "process", i, "segment size");
	int rc = check_parts(v, i, s);
	if (rc < 0)
		return rc;
	if (s->desk_offset < at || s->desk_offset % LAYOUT_ALIGN || s->desk_offset > part_end(s, 0))
		return bad(v, "process", i, "desk offset");
	at = s->desk_offset + layout_desk_bytes(s->lease_quota);
	if (s->tally_offset < at || s->tally_offset % LAYOUT_ALIGN || s->tally_offset > part_end(s, 0) ||
			s->tallies > PLAN_TALLIES_MAX)
		return bad(v, "process", i, "tallies");
	at = s->tally_offset + layout_tallies_bytes(s->tallies);
	if (s->event_offset < at || s->event_offset % LAYOUT_ALIGN || s->event_offset > part_end(s, 0))
		return bad(v, "process", i, "event offset");
	at = s->event_offset + layout_events_bytes();
	if (at > part_end(s, 0))
		return bad(v, "process", i, "segment too small");
	v->next[i][0] = at;
	if (__builtin_add_overflow(v->memory, s->segment_bytes, &v->memory) ||
			__builtin_add_overflow(v->memory, s->memory_bytes, &v->memory))
		return bad(v, "process", i, "memory overflows");
	return 0;
}

static int check_processes(struct verify *v) {
	const struct plan *p = v->plan;
	const struct plan_process *s = plan_processes(p);
	for (uint32_t i = 0; i < p->processes.count; i++, s++) {
		if (!is_name(s->name))
			return bad(v, "process", i, "no proper name");
		if (s->role > PLAN_CLIENT || (s->role == PLAN_CORE) != (i == p->core) ||
				(s->role == PLAN_GUARD) != (i == p->guard))
			return bad(v, "process", i, "role");
		if (s->start > PLAN_EXTERNAL || s->restart > (s->start != PLAN_EXTERNAL) ||
				(s->start == PLAN_EXTERNAL && s->role != PLAN_HOST && s->role != PLAN_WORKER))
			return bad(v, "process", i, "start or restart");
		if (!index_or_none(s->entity, p->entities))
			return bad(v, "process", i, "entity");
		bool ours = s->role == PLAN_CORE || s->role == PLAN_GUARD; /* no reader keeps these two from telling */
		if (s->event_overflow > (ours ? PLAN_OVERWRITE : PLAN_REFUSE) || s->reserved)
			return bad(v, "process", i, "overflow of its events");
		int rc = check_segment(v, i, s);
		if (rc < 0)
			return rc;
	}
	if (v->memory != p->memory_bytes)
		return bad_head(v->diag, "memory is not the sum over its processes");
	size_t twice = duplicate(plan_processes(p), p->processes.count, sizeof(*s));
	return twice == SIZE_MAX ? 0 : bad(v, "process", twice, "second of its name");
}

/* Bytes of one sample by dtype and shape; 0: no such thing. */
static uint32_t sample_bytes(const struct plan_field *f) {
	uint64_t bytes = cdm_dtype_size((enum cdm_dtype)f->dtype);
	for (unsigned i = 0; i < f->dims; i++) {
		bytes *= f->shape[i];
		if (bytes > UINT32_MAX)
			return 0;
	}
	return (uint32_t)bytes;
}

static int check_field_space(struct verify *v, size_t i, const struct plan_field *f) {
	const struct plan_process *s = &plan_processes(v->plan)[f->process];
	uint64_t room = layout_field_bytes(f->slots, f->bytes);
	if (f->part == 0 || f->part >= s->part_count || s->parts[f->part].readers != f->readers)
		return bad(v, "field", i, "its part is not for its readers");
	uint64_t end = part_end(s, f->part), *next = &v->next[f->process][f->part];
	if (room == 0 || f->offset % LAYOUT_ALIGN || f->offset < *next)
		return bad(v, "field", i, "offset, or it overlaps what stands before it");
	if (f->offset > end || room > end - f->offset)
		return bad(v, "field", i, "outside its part");
	*next = f->offset + room;
	return 0;
}

/* What shares a head shares slots, leases and readers. */
static bool is_of_group(const struct plan *p, const struct plan_field *f) {
	if (f->group >= p->fields.count)
		return false;
	const struct plan_field *head = &plan_fields(p)[f->group];
	return head->group == f->group && head->process == f->process && head->slots == f->slots &&
			head->leases == f->leases && head->readers == f->readers;
}

/* Core writes it down, so it may read it; what it does not copy it must be able to borrow. */
static bool durability_ok(const struct plan *p, const struct plan_field *f) {
	if (f->durability > PLAN_FULL || f->journal_ms > PLAN_JOURNAL_MS_MAX || f->reserved[0] || f->reserved[1] ||
			f->reserved[2])
		return false;
	if (f->durability == PLAN_VOLATILE)
		return f->journal_ms == 0;
	bool reads = f->process == p->core || f->readers >> p->core & 1;
	return f->journal_ms > 0 && reads && (f->bytes <= PLAN_DURABLE_WHOLE || f->leases > 0);
}

static int check_field(struct verify *v, size_t i, const struct plan_field *f) {
	const struct plan *p = v->plan;
	if (!is_name(f->name) || !ends(f->unit, sizeof(f->unit)))
		return bad(v, "field", i, "no proper name or unit");
	if (f->kind > PLAN_SETTING || f->dtype >= CDM_DTYPE_COUNT || f->dims > CDM_DIMS_MAX)
		return bad(v, "field", i, "kind, type or dimensions");
	if (f->process >= p->processes.count || f->entity >= p->entities.count)
		return bad(v, "field", i, "index");
	if (f->bytes == 0 || f->bytes != sample_bytes(f))
		return bad(v, "field", i, "bytes do not follow from its type and shape");
	if (f->slots < 3 || f->leases > f->slots - 2 || (f->process == p->guard && f->leases))
		return bad(v, "field", i, "slots or leases");
	if (f->derived > 1 || !is_of_group(p, f))
		return bad(v, "field", i, "group or derived");
	if (p->processes.count < 64 && f->readers >> p->processes.count)
		return bad(v, "field", i, "readers that are no processes");
	if (f->half_life_ns < 0 || (f->half_life_ns > 0) != (f->kind == PLAN_AWARENESS) || f->max_age_ns < 0)
		return bad(v, "field", i, "half-life or age");
	if (!durability_ok(p, f))
		return bad(v, "field", i, "durability, how often it is written down, or reserved bytes");
	if (f->layout != plan_field_layout(f))
		return bad(v, "field", i, "layout hash");
	return check_field_space(v, i, f);
}

static int check_fields(struct verify *v) {
	const struct plan_field *f = plan_fields(v->plan);
	unsigned durable = 0;
	for (uint32_t i = 0; i < v->plan->fields.count; i++) {
		int rc = check_field(v, i, &f[i]);
		if (rc < 0)
			return rc;
		if ((durable += f[i].durability != PLAN_VOLATILE) > PLAN_DURABLE_MAX)
			return bad(v, "field", i, "more than are written down");
	}
	for (uint32_t i = 0; i < v->plan->fields.count; i++)
		if (f[i].group == i && plan_group_size(v->plan, (uint16_t)i) > PLAN_GROUP_MAX)
			return bad(v, "field", i, "too many fields under its head");
	size_t twice = duplicate(f, v->plan->fields.count, sizeof(*f));
	return twice == SIZE_MAX ? 0 : bad(v, "field", twice, "second of its name");
}

static int check_rules(struct verify *v) {
	const struct plan *p = v->plan;
	const struct plan_rule *r = plan_rules(p);
	unsigned waits = 0;
	for (uint32_t i = 0; i < p->rules.count; i++, r++) {
		bool moves = r->operation == PLAN_OP_SYMBOL_TO_MOTION;
		if (!is_name(r->name) || r->operation >= PLAN_OP_COUNT)
			return bad(v, "rule", i, "name or operation");
		if (r->source_count == 0 || r->source_count > PLAN_SOURCES_MAX)
			return bad(v, "rule", i, "number of sources");
		for (int s = 0; s < PLAN_SOURCES_MAX; s++)
			if (s < r->source_count ? r->sources[s] >= p->fields.count : r->sources[s] != PLAN_NONE)
				return bad(v, "rule", i, "sources");
		if (moves ? r->target != PLAN_NONE : r->target >= p->fields.count ||
				plan_fields(p)[r->target].kind != PLAN_AWARENESS)
			return bad(v, "rule", i, "target");
		if (moves ? r->actuator >= p->entities.count || plan_entities(p)[r->actuator].class !=
				PLAN_ACTUATOR : r->actuator != PLAN_NONE)
			return bad(v, "rule", i, "actuator");
		if (r->max_skew_ns < 0 || !within(r->min_trust, 0, 1) || !within(r->gain, 0, 1e9) ||
				r->reserved[0] || r->reserved[1])
			return bad(v, "rule", i, "skew, trust, gain or reserved bytes");
		if ((waits += moves ? 0 : r->source_count) > PLAN_WAITS_MAX)
			return bad(v, "rule", i, "more sources than one thread can wait for");
	}
	return 0;
}

static bool joints_ok(const struct plan_actuator *a) {
	for (int j = 0; j < 3; j++)
		if (a->joint_min_cdeg[j] < -36000 || a->joint_max_cdeg[j] > 36000 ||
				a->joint_min_cdeg[j] >= a->joint_max_cdeg[j] || a->joint_rate_cdeg_s[j] <= 0 ||
				a->joint_rate_cdeg_s[j] > 1000000)
			return false;
	return a->joint_count > 0 && a->joint_count <= PLAN_JOINTS_MAX &&
			a->node_base > 0 && a->node_base + a->joint_count <= 255;
}

/* On one bus; each with its guard's node before those of its joints, and its body's behind them (spec/can.md). */
static bool nodes_meet(const struct plan_actuator *a, const struct plan_actuator *b) {
	return plan_bus_may_be(a->bus, b->bus) && a->node_base - 1 <= b->node_base + b->joint_count &&
			b->node_base - 1 <= a->node_base + a->joint_count;
}

static bool verbs_ok(const struct plan_actuator *a) {
	for (unsigned i = 0; i < COUNT_OF(a->verb_max); i++)
		if (a->verb_max[i] < -1 || a->verb_max[i] > 999 || (i >= PLAN_VERB_COUNT && a->verb_max[i]))
			return false;
	return a->safe_verb < PLAN_VERB_COUNT && a->safe_verb != PLAN_VERB_NONE &&
			a->verb_max[a->safe_verb] == -1;
}

static int check_actuators(struct verify *v) {
	const struct plan *p = v->plan;
	const struct plan_actuator *a = plan_actuators(p);
	for (uint32_t i = 0; i < p->actuators.count; i++, a++) {
		if (a->entity >= p->entities.count || plan_entities(p)[a->entity].class != PLAN_ACTUATOR ||
				a->process != p->guard)
			return bad(v, "actuator", i, "entity or process");
		if (a->feedback >= p->fields.count || plan_fields(p)[a->feedback].process != p->guard ||
				!index_or_none(a->awareness, p->fields))
			return bad(v, "actuator", i, "feedback or awareness field");
		if (!ends(a->driver, sizeof(a->driver)) || !ends(a->bus, sizeof(a->bus)))
			return bad(v, "actuator", i, "text without end");
		if (a->lease_ns <= 0 || a->lease_ns > PLAN_LEASE_NS_MAX || a->safety_class > 3)
			return bad(v, "actuator", i, "lease or safety class");
		if (!joints_ok(a) || !verbs_ok(a))
			return bad(v, "actuator", i, "joints or verbs");
		for (uint32_t k = 0; k < i; k++)
			if (nodes_meet(a, &plan_actuators(p)[k]))
				return bad(v, "actuator", i, "nodes that another one on its bus has");
	}
	return 0;
}

static int check_senses(struct verify *v) {
	const struct plan *p = v->plan;
	const struct plan_table *t = plan_tables(p);
	const struct plan_sense *s = plan_senses(p);
	for (uint32_t i = 0; i < p->tables.count; i++, t++)
		if (!is_name(t->name) || t->senses.at > p->senses.count ||
				t->senses.count > p->senses.count - t->senses.at)
			return bad(v, "table", i, "name or senses");
	t = plan_tables(p);
	for (uint32_t i = 0; i < p->senses.count; i++, s++) {
		if (!ends(s->form, sizeof(s->form)) || !s->form[0] || !ends(s->gloss, sizeof(s->gloss)))
			return bad(v, "sense", i, "form or gloss");
		if (s->table >= p->tables.count || i < t[s->table].senses.at ||
				i - t[s->table].senses.at >= t[s->table].senses.count)
			return bad(v, "sense", i, "not among those of its table");
		if (s->verb >= PLAN_VERB_COUNT || s->safety_class > 3 || s->takes_number > 2 ||
				s->reserved[0] || s->reserved[1] || s->reserved[2])
			return bad(v, "sense", i, "verb, class, number rule or reserved bytes");
		if (s->number_default < 0 || s->number_default > 999 || !within(s->evidence_p, 0, 1e9) ||
				!within(s->evidence_n, 0, 1e9))
			return bad(v, "sense", i, "number or evidence");
	}
	return 0;
}

static int check_grants(struct verify *v) {
	const struct plan *p = v->plan;
	const struct plan_grant *g = plan_grants(p);
	const unsigned all = PLAN_MAY_SAY | PLAN_MAY_ACTUATE | PLAN_MAY_SET | PLAN_MAY_CONTROL;
	for (uint32_t i = 0; i < p->grants.count; i++, g++) {
		if (g->entity >= p->entities.count || g->rights == 0 || (g->rights & ~all) || g->reserved)
			return bad(v, "grant", i, "entity or rights");
		if (g->field != PLAN_NONE && (g->field >= p->fields.count ||
				plan_fields(p)[g->field].kind != PLAN_SETTING))
			return bad(v, "grant", i, "field");
	}
	return 0;
}

static int check_options(struct verify *v) {
	const struct plan *p = v->plan;
	const struct plan_option *o = plan_options(p);
	for (uint32_t i = 0; i < p->options.count; i++, o++)
		if (o->entity >= p->entities.count || o->reserved || !ends(o->key, sizeof(o->key)) ||
				!o->key[0] || !ends(o->value, sizeof(o->value)))
			return bad(v, "option", i, "entity, key or value");
	return 0;
}

/* Every table lies behind the head, inside the block, and apart from the others. */
static int check_tables(const struct plan *p, struct cdm_diag *diag) {
	const struct table t[TABLES] = {
		{ "entities", p->entities, sizeof(struct plan_entity), PLAN_ENTITIES_MAX },
		{ "fields", p->fields, sizeof(struct plan_field), PLAN_FIELDS_MAX },
		{ "processes", p->processes, sizeof(struct plan_process), PLAN_PROCESSES_MAX },
		{ "rules", p->rules, sizeof(struct plan_rule), PLAN_NONE - 1 },
		{ "actuators", p->actuators, sizeof(struct plan_actuator), PLAN_ACTUATORS_MAX },
		{ "tables", p->tables, sizeof(struct plan_table), PLAN_NONE - 1 },
		{ "senses", p->senses, sizeof(struct plan_sense), PLAN_NONE - 1 },
		{ "grants", p->grants, sizeof(struct plan_grant), PLAN_NONE - 1 },
		{ "options", p->options, sizeof(struct plan_option), PLAN_NONE - 1 },
	};
	uint64_t first[TABLES], end[TABLES];
	for (int i = 0; i < TABLES; i++) {
		first[i] = t[i].span.at;
		end[i] = first[i] + (uint64_t)t[i].span.count * t[i].size;
		if (t[i].span.count > t[i].max || first[i] % 8 || first[i] < sizeof(*p) || end[i] > p->bytes)
			return bad_head(diag, t[i].name);
		for (int k = 0; k < i; k++)
			if (first[i] < end[k] && first[k] < end[i])
				return bad_head(diag, "two tables overlap");
	}
	return 0;
}

static int bad_version(struct cdm_diag *diag, uint32_t abi) {
	struct cdm_message *m = cdm_diag_add(diag, CDM_ERROR, "P0001", "the plan is of version %u, this program reads "
			"version %u", abi, PLAN_ABI);
	if (m)
		snprintf(m->hint, sizeof(m->hint), "compile the description anew with the same build: cadmus plan");
	return -EPROTO;
}

static int check_head(const void *bytes, size_t size, struct cdm_diag *diag) {
	const struct plan *p = bytes;
	if (size < sizeof(*p) || size > PLAN_BYTES_MAX || (uintptr_t)bytes % 8)
		return bad_head(diag, "size or alignment");
	if (memcmp(p->magic, MAGIC, sizeof(p->magic)))
		return bad_head(diag, "it is no plan");
	if (p->abi != PLAN_ABI)
		return bad_version(diag, p->abi);
	if (p->bytes != size)
		return bad_head(diag, "it has another size than it says");
	struct hash h = plan_hash(p);
	if (!hash_equal(&h, &p->hash))
		return bad_head(diag, "hash does not match");
	if (!is_name(p->machine))
		return bad_head(diag, "machine has no proper name");
	int rc = check_tables(p, diag);
	if (rc < 0)
		return rc;
	if (p->core >= p->processes.count || p->guard >= p->processes.count ||
			p->entities.count == 0 || p->operator_entity >= p->entities.count ||
			!index_or_none(p->first_model, p->entities))
		return bad_head(diag, "core, guard, operator or first model");
	return 0;
}

int plan_verify(const void *plan, size_t bytes, struct cdm_diag *diag) {
	static int (*const checks[])(struct verify *) = { check_entities, check_processes, check_fields,
		check_rules, check_actuators, check_senses, check_grants, check_options };
	int rc = check_head(plan, bytes, diag);
	struct verify v = { .plan = plan, .diag = diag };
	for (size_t i = 0; rc == 0 && i < COUNT_OF(checks); i++)
		rc = checks[i](&v);
	return rc;
}
