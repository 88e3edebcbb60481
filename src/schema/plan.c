/* plan.c - looking things up in a plan, and the words for what is in it.  See plan.h. */
#include "schema/plan.h"

#include <stdlib.h>
#include <string.h>

#define FNV_OFFSET UINT64_C(0xcbf29ce484222325)
#define FNV_PRIME UINT64_C(0x100000001b3)

static uint64_t fnv(uint64_t h, uint64_t value, unsigned bytes) {
	for (unsigned i = 0; i < bytes; i++)
		h = (h ^ ((value >> (8 * i)) & 0xff)) * FNV_PRIME;
	return h;
}

uint64_t plan_field_layout(const struct plan_field *f) {
	uint64_t h = fnv(FNV_OFFSET, f->dtype, 1);
	h = fnv(h, f->dims, 1);
	for (unsigned i = 0; i < CDM_DIMS_MAX; i++)
		h = fnv(h, i < f->dims ? f->shape[i] : 0, 4);
	h = fnv(h, f->slots, 4);
	return fnv(h, f->bytes, 4);
}

uint64_t plan_part_bytes(const struct plan_process *s, unsigned part) {
	CHECK(part < s->part_count);
	return (part + 1 < s->part_count ? s->parts[part + 1].at : s->segment_bytes) - s->parts[part].at;
}

struct hash plan_hash(const struct plan *p) {
	struct plan head = *p;
	memset(&head.hash, 0, sizeof(head.hash));
	return hash_pair(&head, sizeof(head), p + 1, p->bytes - sizeof(head));
}

void plan_free(struct plan *p) {
	free(p);
}

uint16_t plan_find_entity(const struct plan *p, const char *name) {
	const struct plan_entity *e = plan_entities(p);
	for (uint32_t i = 0; i < p->entities.count; i++)
		if (strcmp(e[i].name, name) == 0)
			return (uint16_t)i;
	return PLAN_NONE;
}

unsigned plan_group_size(const struct plan *p, uint16_t group) {
	const struct plan_field *f = plan_fields(p);
	unsigned n = 0;
	for (uint32_t i = 0; i < p->fields.count; i++)
		n += f[i].group == group;
	return n;
}

uint16_t plan_find_field(const struct plan *p, const char *name) {
	const struct plan_field *f = plan_fields(p);
	for (uint32_t i = 0; i < p->fields.count; i++)
		if (strcmp(f[i].name, name) == 0)
			return (uint16_t)i;
	return PLAN_NONE;
}

uint16_t plan_find_process(const struct plan *p, const char *name) {
	const struct plan_process *s = plan_processes(p);
	for (uint32_t i = 0; i < p->processes.count; i++)
		if (strcmp(s[i].name, name) == 0)
			return (uint16_t)i;
	return PLAN_NONE;
}

const char *plan_find_option(const struct plan *p, uint16_t entity, const char *key) {
	const struct plan_option *o = plan_options(p);
	for (uint32_t i = 0; i < p->options.count; i++)
		if (o[i].entity == entity && strcmp(o[i].key, key) == 0)
			return o[i].value;
	return NULL;
}

/* What "auto" may become (bus/bus.c). */
static bool auto_may_be(const char *bus) {
	static const char *const all[] = { "auto", "udp:auto", "socketcan:can0", "socketcan:vcan0" };
	for (size_t i = 0; i < COUNT_OF(all); i++)
		if (strcmp(bus, all[i]) == 0)
			return true;
	return false;
}

bool plan_bus_may_be(const char *a, const char *b) {
	return strcmp(a, b) == 0 || (strcmp(a, "auto") == 0 && auto_may_be(b)) ||
			(strcmp(b, "auto") == 0 && auto_may_be(a));
}

unsigned plan_rights(const struct plan *p, uint16_t entity) {
	const struct plan_grant *g = plan_grants(p);
	unsigned rights = 0;
	for (uint32_t i = 0; i < p->grants.count; i++)
		if (g[i].entity == entity)
			rights |= g[i].rights;
	return rights;
}

bool plan_may_set(const struct plan *p, uint16_t entity, uint16_t field) {
	const struct plan_grant *g = plan_grants(p);
	if (field >= p->fields.count || plan_fields(p)[field].kind != PLAN_SETTING)
		return false;
	for (uint32_t i = 0; i < p->grants.count; i++)
		if (g[i].entity == entity && (g[i].rights & PLAN_MAY_SET) &&
				(g[i].field == PLAN_NONE || g[i].field == field))
			return true;
	return false;
}

const char *plan_class_text(unsigned c) {
	static const char *const names[] = { "runtime", "person", "model", "sensor", "actuator",
		"communication" };
	return c < COUNT_OF(names) ? names[c] : "?";
}

const char *plan_sort_text(unsigned s) {
	static const char *const names[] = {
#define PLAN_SORT(name, text, half_life_ms) text,
#include "schema/sort.def"
#undef PLAN_SORT
	};
	return s < COUNT_OF(names) ? names[s] : "?";
}

const char *plan_role_text(unsigned r) {
	static const char *const names[] = { "core", "guard", "host", "worker", "gateway", "client" };
	return r < COUNT_OF(names) ? names[r] : "?";
}

const char *plan_operation_text(unsigned o) {
	static const char *const names[] = {
#define PLAN_OPERATION(name, text, summary) text,
#include "schema/operation.def"
#undef PLAN_OPERATION
	};
	return o < COUNT_OF(names) ? names[o] : "?";
}

const char *plan_verb_text(unsigned v) {
	static const char *const names[] = {
#define PLAN_VERB(name, text, unit) text,
#include "schema/verb.def"
#undef PLAN_VERB
	};
	return v < COUNT_OF(names) ? names[v] : "?";
}
