/*
 * declare.c - the entities and fields that the text declares, and the table of their names.
 *
 * Entities and fields share one space of names, because a rule's source may be either.
 */
#include <stdio.h>
#include <string.h>
#include "lang/lang_priv.h"

#define MS INT64_C(1000000)
#define HISTORY_MAX 16000000
#define HISTORY 8       /* samples that a small field keeps, */
#define HISTORY_LARGE 2 /* and a large one: beside those that are lent */
#define SMALL 4096u /* bytes of a sample up to which history is cheap and borrowing not worth it */

static uint32_t name_hash(const char *s) {
	uint32_t h = 2166136261u;
	for (; *s; s++)
		h = (h ^ (uint8_t)*s) * 16777619u;
	return h;
}

static struct name *name_slot(const struct machine *m, const char *name) {
	uint32_t i = name_hash(name) & (m->name_capacity - 1);
	while (m->names[i].text && strcmp(m->names[i].text, name) != 0)
		i = (i + 1) & (m->name_capacity - 1);
	return &m->names[i];
}

const struct name *name_find(const struct machine *m, const char *name) {
	const struct name *n = name_slot(m, name);
	return n->text ? n : NULL;
}

const char *entity_text(const struct entity *e) {
	return e->class == PLAN_RUNTIME ? "Cadmus itself" : section_text(e->section);
}

/* Say that a name is taken, and by whom. */
static void taken(struct lang *l, const struct name *by, const char *name, const struct node *at) {
	CHECK(by->entity || by->field);
	const struct node *first = by->entity ? by->entity->at : by->field->at;
	const char *line = first && first->line ? number_text(l, first->line) : "";
	if (by->field && by->field->owner)
		say(l, C0219, at, name, by->field->owner->name, line, NULL);
	else
		say(l, C0206, at, name, by->entity ? entity_text(by->entity) : "a field", line, NULL);
}

static struct entity *entity_new(struct lang *l, enum section section, unsigned class, const char *name) {
	struct machine *m = &l->machine;
	struct entity *e = &m->entities[m->entity_count++];
	*e = (struct entity){ .name = name, .section = section, .class = (uint8_t)class,
		.trust = { 0.5, 0.5, 0.5 }, .strength = 10, .process = PLAN_NONE,
		.sort = class == PLAN_PERSON ? PLAN_LINGUISTIC : PLAN_CONTROL };
	*name_slot(m, name) = (struct name){ .text = name, .entity = e };
	return e;
}

struct field *field_new(struct lang *l, const char *name, const struct node *at, struct entity *owner) {
	struct machine *m = &l->machine;
	const struct name *by = name_find(m, name);
	if (by) {
		taken(l, by, name, at);
		return NULL;
	}
	if (strlen(name) >= CDM_NAME_MAX) {
		say(l, C0205, at, name, number_text(l, CDM_NAME_MAX - 1), NULL);
		return NULL;
	}
	if (m->field_count == m->field_max) {
		say(l, C0406, at, number_text(l, m->field_max), "fields", NULL);
		return NULL;
	}
	struct field *f = &m->fields[m->field_count++];
	*f = (struct field){ .name = name, .at = at, .owner = owner, .history = HISTORY,
		.head = f };
	*name_slot(m, name) = (struct name){ .text = name, .field = f };
	if (owner) {
		struct field **last = &owner->fields;
		while (*last)
			last = &(*last)->next_of_owner;
		*last = f;
	}
	return f;
}

void field_shape(struct lang *l, struct field *f, unsigned dtype, unsigned dims, const uint32_t *shape) {
	uint64_t bytes = cdm_dtype_size((enum cdm_dtype)dtype);
	f->dtype = (uint8_t)dtype;
	f->dims = (uint8_t)dims;
	for (unsigned i = 0; i < dims && bytes <= LANG_SAMPLE_MAX; i++) {
		f->shape[i] = shape[i];
		bytes *= shape[i];
	}
	if (bytes > LANG_SAMPLE_MAX)
		say(l, C0403, f->at, f->name, number_text(l, LANG_SAMPLE_MAX), NULL);
	f->bytes = (uint32_t)(bytes <= LANG_SAMPLE_MAX ? bytes : 1);
}

unsigned sort_of_name(const char *name) {
	for (unsigned s = 0; s < PLAN_SORT_COUNT; s++) {
		size_t n = strlen(plan_sort_text(s));
		if (strncmp(name, plan_sort_text(s), n) == 0 && (name[n] == 0 || name[n] == '_'))
			return s;
	}
	return strcmp(name, "semantic") == 0 ? PLAN_LINGUISTIC : PLAN_SORT_COUNT;
}

bool is_standard_awareness(const char *name) {
	unsigned s = sort_of_name(name);
	if (s == PLAN_SORT_COUNT)
		return false;
	const char *rest = strchr(name, '_');
	return !rest || strcmp(rest, "_consciousness") == 0;
}

struct field *awareness_new(struct lang *l, const char *name, const struct node *at, unsigned sort) {
	static const int64_t half_life_ms[] = {
#define PLAN_SORT(name, text, half_life_ms) half_life_ms,
#include "schema/sort.def"
#undef PLAN_SORT
	};
	struct field *f = field_new(l, name, at, NULL);
	if (!f)
		return NULL;
	f->kind = PLAN_AWARENESS;
	f->sort = (uint8_t)sort;
	f->half_life_ns = half_life_ms[sort] * MS;
	field_shape(l, f, CDM_F32, 1, (const uint32_t[]){ 1 });
	return f;
}

static int64_t ms_to_ns(double ms) {
	return (int64_t)(ms * 1e6);
}

#define JOURNAL_MS 1000

void field_endures(struct lang *l, struct field *f, const struct node *map) {
	const char *text = node_text(map, "durability");
	const struct node *ms = node_get(map, "journal_ms");
	int durability = text ? choice_find(CHOICE_FIELD_DURABILITY, text) : PLAN_VOLATILE;
	if (durability > PLAN_VOLATILE) {
		f->durability = (uint8_t)durability;
		f->journal_ms = (uint32_t)node_int_or(map, "journal_ms", JOURNAL_MS, 1, PLAN_JOURNAL_MS_MAX);
		f->durable_at = node_get(map, "durability");
	} else if (durability == PLAN_VOLATILE && ms)
		say(l, C0527, ms, f->name, NULL);
}

/* Those that others may borrow, and one that core does, who writes down of a large one what it hashes to. */
static uint32_t lent(const struct field *f, long asked) {
	return (uint32_t)asked + (f->durability != PLAN_VOLATILE && f->bytes > PLAN_DURABLE_WHOLE);
}

/* What is asked for, or by size. */
static void field_keeps(struct field *f, const struct node *map) {
	f->leases = lent(f, node_int_or(map, "leases", f->bytes > SMALL ? 2 : 0, 0, 64));
	f->history = (uint32_t)node_int_or(map, "history", f->bytes > SMALL ? HISTORY_LARGE : HISTORY, 2, HISTORY_MAX);
}

static const char *join(struct lang *l, const char *a, const char *b) {
	char out[2 * PLAN_TEXT_MAX];
	int n = snprintf(out, sizeof(out), "%s%s", a, b);
	return arena_copy(&l->arena, out, n < (int)sizeof(out) ? (size_t)n : sizeof(out) - 1);
}

/* max_age_ms, or five periods of the one who writes it. */
static int64_t max_age(const struct entity *e, const struct node *map) {
	double rate = e->class == PLAN_SENSOR ? node_number_or(e->map, "rate_hz", 0) : 0;
	double ms = node_number_or(map, "max_age_ms", rate > 0 ? 5000 / rate : 0);
	return ms > 0 && ms <= 86400000 ? ms_to_ns(ms) : 0;
}

static void declare_frame(struct lang *l, struct entity *e, const struct node *frame) {
	if (frame->kind != NODE_MAP)
		return;
	const char *format = node_text(frame, "format");
	int channels = format ? choice_find(CHOICE_FORMAT, format) : 3;
	long w = node_int_or(frame, "width", 1, 1, 16384), h = node_int_or(frame, "height", 1, 1, 16384);
	struct field *f = field_new(l, join(l, e->name, ".frame"), frame->key, e);
	if (!f || channels < 1)
		return;
	const uint32_t shape[3] = { (uint32_t)h, (uint32_t)w, (uint32_t)channels };
	field_shape(l, f, CDM_U8, channels > 1 ? 3 : 2, shape);
	field_endures(l, f, frame);
	f->leases = lent(f, node_int_or(frame, "leases", 2, 0, 64));
	f->history = HISTORY_LARGE;
	f->max_age_ns = max_age(e, frame);
}

static void copy_unit(struct field *f, const struct node *map) {
	const char *unit = node_text(map, "unit");
	if (unit && strlen(unit) < sizeof(f->unit))
		strcpy(f->unit, unit);
}

/* Those before it in the text that are published with it share slots: each keeps and lends as much as any of them. */
static void join_group(struct lang *l, struct field *f, const struct node *group) {
	unsigned count = 1;
	if (!group || group->kind != NODE_TEXT)
		return;
	f->group = group;
	for (struct field *o = f->owner->fields; o && o != f; o = o->next_of_owner) {
		if (!o->group || strcmp(o->group->text, group->text) != 0)
			continue;
		f->head = o->head;
		o->history = f->history = o->history > f->history ? o->history : f->history;
		o->leases = f->leases = o->leases > f->leases ? o->leases : f->leases;
		count++;
	}
	if (count == PLAN_GROUP_MAX + 1)
		say(l, C0414, group, group->text, number_text(l, PLAN_GROUP_MAX), NULL);
}

static void declare_write(struct lang *l, struct entity *e, const struct node *w) {
	const struct node *name = node_get(w, "field"), *shape = node_get(w, "shape");
	const char *dtype = node_text(w, "dtype");
	int type = dtype ? word_find(TYPE_DTYPE, 0, dtype) : -1;
	if (!name || name->kind != NODE_TEXT || !node_is_name(name->text, true))
		return;
	struct field *f = field_new(l, name->text, name, e);
	uint32_t sizes[CDM_DIMS_MAX] = { 0 }, dims = 0;
	for (const struct node *i = node_items(shape); i && dims < CDM_DIMS_MAX; i = node_next(shape, i)) {
		double x;
		if (node_number(i, &x) && x >= 1 && x <= 16777216)
			sizes[dims++] = (uint32_t)x;
	}
	if (!f || type < 0)
		return;
	field_shape(l, f, (unsigned)type, dims, sizes);
	field_endures(l, f, w);
	field_keeps(f, w);
	join_group(l, f, node_get(w, "group"));
	copy_unit(f, w);
	f->max_age_ns = max_age(e, w);
}

static void declare_command(struct lang *l, struct entity *e) {
	struct field *f = field_new(l, join(l, e->name, ".command"), e->at, e);
	if (f) {
		field_shape(l, f, CDM_BYTES, 1, (const uint32_t[]){ 256 });
		f->command = true;
	}
	e->feedback = field_new(l, join(l, e->name, ".feedback"), e->at, e);
	if (e->feedback) {
		field_shape(l, e->feedback, CDM_F32, 1, (const uint32_t[]){ 24 });
		e->feedback->max_age_ns = 250 * MS;
	}
	f = field_new(l, join(l, e->name, ".state"), e->at, e);
	if (f)
		field_shape(l, f, CDM_U32, 1, (const uint32_t[]){ 9 });
}

static void check_joints(struct lang *l, const struct entity *e) {
	const struct node *joints = node_get(node_get(e->map, "limits"), "joints");
	for (const struct node *j = joints && joints->kind == NODE_MAP ? joints->first : NULL; j; j = j->next) {
		double min, max;
		if (node_number(node_get(j, "min"), &min) && node_number(node_get(j, "max"), &max) && min >= max)
			say(l, C0312, node_get(j, "min"), NULL);
	}
}

static void read_trust(struct entity *e) {
	const struct node *v = node_get(e->map, "trust_vector");
	unsigned d = 0;
	for (const struct node *i = node_items(v); i && d < 3; i = node_next(v, i))
		if (node_number(i, &e->trust[d]))
			d++;
	e->strength = node_number_or(e->map, "trust_strength", e->strength);
}

static void read_sort(struct lang *l, struct entity *e) {
	static const uint8_t assumed[] = { [PLAN_MODEL] = PLAN_LINGUISTIC, [PLAN_SENSOR] = PLAN_VISUAL,
		[PLAN_ACTUATOR] = PLAN_KINESTHETIC };
	if (e->class != PLAN_MODEL && e->class != PLAN_SENSOR && e->class != PLAN_ACTUATOR)
		return;
	const char *text = node_text(e->map, "consciousness_type");
	int sort = text ? word_find(TYPE_SORT, 0, text) : -1;
	e->sort = sort >= 0 ? (uint8_t)sort : assumed[e->class];
	if (!node_get(e->map, "consciousness_type"))
		say(l, C0520, e->at, e->name, plan_sort_text(e->sort), NULL);
}

static void declare_fields(struct lang *l, struct entity *e) {
	const struct node *frame = node_get(e->map, "frame"), *writes = node_get(e->map, "writes");
	if (e->class == PLAN_ACTUATOR) {
		declare_command(l, e);
		check_joints(l, e);
	}
	if (e->class == PLAN_SENSOR && frame)
		declare_frame(l, e, frame);
	if ((e->class == PLAN_SENSOR || e->class == PLAN_MODEL) && writes)
		for (const struct node *w = node_items(writes); w; w = node_next(writes, w))
			if (w->kind == NODE_MAP)
				declare_write(l, e, w);
}

static bool is_reserved(const char *name, unsigned class) {
	return strcmp(name, "core") == 0 || strcmp(name, "guard") == 0 || strcmp(name, "cadmus") == 0 ||
			strncmp(name, "client_", 7) == 0 || (strcmp(name, "operator") == 0 && class != PLAN_PERSON);
}

static void declare_entity(struct lang *l, const struct node *map, enum section section, unsigned class) {
	struct machine *m = &l->machine;
	const struct node *at = node_get(map, "id");
	if (!at && class == PLAN_COMMUNICATION)
		at = node_get(map, "protocol");
	if (!at || at->kind != NODE_TEXT || !node_is_name(at->text, false) || at->bytes >= CDM_NAME_MAX)
		return;
	const struct name *by = name_find(m, at->text);
	if (is_reserved(at->text, class)) {
		say(l, C0207, at, at->text, NULL);
	} else if (by) {
		taken(l, by, at->text, at);
	} else if (m->entity_count == m->entity_max) {
		say(l, C0406, at, number_text(l, m->entity_max), "entities", NULL);
	} else {
		struct entity *e = entity_new(l, section, class, at->text);
		e->map = map;
		e->at = at;
		read_trust(e);
		read_sort(l, e);
		declare_fields(l, e);
	}
}

static void declare_entities(struct lang *l) {
	static const struct {
		const char *key;
		enum section section;
		unsigned class;
	} groups[] = {
		{ "people", SECTION_PERSON, PLAN_PERSON },
		{ "models", SECTION_MODEL, PLAN_MODEL },
		{ "sensors", SECTION_SENSOR, PLAN_SENSOR },
		{ "actuators", SECTION_ACTUATOR, PLAN_ACTUATOR },
		{ "communications", SECTION_COMMUNICATION, PLAN_COMMUNICATION },
	};
	const struct node *entities = node_get(l->root, "entities");
	for (size_t g = 0; g < COUNT_OF(groups); g++) {
		const struct node *list = node_get(entities, groups[g].key);
		for (const struct node *i = node_items(list); i; i = node_next(list, i))
			if (i->kind == NODE_MAP)
				declare_entity(l, i, groups[g].section, groups[g].class);
	}
}

/* Cadmus first: entity 0.  Nobody else: then whoever owns the daemon is the operator. */
static void declare_assumed(struct lang *l) {
	struct machine *m = &l->machine;
	for (uint32_t i = 1; i < m->entity_count; i++)
		if (m->entities[i].class == PLAN_PERSON)
			return;
	struct entity *e = entity_new(l, SECTION_PERSON, PLAN_PERSON, "operator");
	e->trust[0] = e->trust[1] = e->trust[2] = 0.99;
	e->strength = 50;
	say(l, C0509, node_get(l->root, "entities") ? node_get(l->root, "entities")->key : NULL, NULL);
}

static bool is_number_type(unsigned dtype) {
	return dtype != CDM_BYTES && dtype != CDM_BOOL && dtype != CDM_F16 && dtype != CDM_BF16;
}

static void setting_range(struct lang *l, struct field *f, const struct node *map) {
	const struct node *low = node_get(map, "min"), *high = node_get(map, "max");
	f->has_min = node_number(low, &f->min);
	f->has_max = node_number(high, &f->max);
	if (f->has_min && f->has_max && f->min >= f->max) {
		say(l, C0312, low, NULL);
		return;
	}
	double zero = f->has_min && f->min > 0 ? f->min : f->has_max && f->max < 0 ? f->max : 0;
	f->initial = node_number_or(map, "default", zero);
	if ((f->has_min && f->initial < f->min) || (f->has_max && f->initial > f->max))
		say(l, C0313, node_get(map, "default"), number_text(l, f->initial),
				f->has_min ? number_text(l, f->min) : "any",
				f->has_max ? number_text(l, f->max) : "any", NULL);
}

static void declare_setting(struct lang *l, const struct node *map) {
	const struct node *id = node_get(map, "id"), *type = node_get(map, "dtype");
	int dtype = type && type->kind == NODE_TEXT ? word_find(TYPE_DTYPE, 0, type->text) : CDM_F32;
	if (!id || id->kind != NODE_TEXT || !node_is_name(id->text, true) || dtype < 0)
		return;
	if (!is_number_type((unsigned)dtype)) {
		say(l, C0316, type, type->text, NULL);
		return;
	}
	/* Its bounds are options called NAME.default and so on. */
	size_t room = sizeof(((struct plan_option *)0)->key) - sizeof(".default");
	if (id->bytes > room)
		say(l, C0205, id, id->text, number_text(l, (double)room), "a setting's bounds are kept under names "
				"like its own with .default behind it, and those have 27 bytes", NULL);
	struct field *f = field_new(l, id->text, id, NULL);
	if (!f)
		return;
	f->kind = PLAN_SETTING;
	field_shape(l, f, (unsigned)dtype, 1, (const uint32_t[]){ 1 });
	copy_unit(f, map);
	setting_range(l, f, map);
}

static void declare_settings(struct lang *l) {
	const struct node *list = node_get(l->root, "settings");
	for (const struct node *i = node_items(list); i; i = node_next(list, i))
		if (i->kind == NODE_MAP)
			declare_setting(l, i);
}

/* awareness_fields: names of fields that an entity may add evidence to. */
static void declare_awareness(struct lang *l) {
	struct machine *m = &l->machine;
	for (uint32_t k = 1; k < m->entity_count; k++) {
		const struct node *list = node_get(m->entities[k].map, "awareness_fields");
		for (const struct node *i = node_items(list); i; i = node_next(list, i)) {
			if (i->kind != NODE_TEXT || !node_is_name(i->text, true) || i->bytes >= CDM_NAME_MAX)
				continue;
			const struct name *by = name_find(m, i->text);
			unsigned sort = sort_of_name(i->text);
			if (!by)
				awareness_new(l, i->text, i, sort < PLAN_SORT_COUNT ? sort : m->entities[k].sort);
			else if (!by->field || by->field->kind != PLAN_AWARENESS)
				taken(l, by, i->text, i);
		}
	}
}

static void name_machine(struct lang *l) {
	const struct node *n = node_get(l->root, "machine");
	l->machine.name = "machine";
	if (n && n->kind == NODE_TEXT && node_is_name(n->text, false) && n->bytes < CDM_NAME_MAX) {
		l->machine.name = n->text;
		return;
	}
	if (n)
		return; /* types.c has said so */
	const char *file = l->opt && l->opt->file ? l->opt->file : "machine", *slash = strrchr(file, '/');
	char name[CDM_NAME_MAX];
	size_t bytes = 0;
	for (file = slash ? slash + 1 : file; *file && *file != '.' && bytes < sizeof(name) - 1; file++)
		name[bytes++] = *file == '-' ? '_' : *file;
	name[bytes] = 0;
	if (node_is_name(name, false))
		l->machine.name = arena_copy(&l->arena, name, bytes);
	say(l, C0501, l->root->first ? l->root->first->key : NULL, l->machine.name, NULL);
}

void declare(struct lang *l) {
	struct machine *m = &l->machine;
	struct entity *self = entity_new(l, SECTION_NONE, PLAN_RUNTIME, "cadmus");
	self->trust[0] = self->trust[1] = self->trust[2] = 0.99;
	self->strength = 50;
	self->live = true;
	name_machine(l);
	declare_entities(l);
	declare_assumed(l);
	declare_settings(l);
	declare_awareness(l);
	m->clients = (uint32_t)node_int_or(l->root, "clients", 8, 0, 32);
}
