/* plan_externalize.c - a plan of the same machine whose sources are played by a program: see plan.h. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include "schema/plan.h"

/* The tables of a copy that is being changed. */
#define CHANGE(type, p, span) ((struct type *)(void *)((char *)(p) + (p)->span.at))

/* Played samples carry their lineage; who plays them reads nothing. */
static void leave_to_programs(struct plan *p, uint64_t processes) {
	struct plan_process *s = CHANGE(plan_process, p, processes);
	struct plan_field *f = CHANGE(plan_field, p, fields);
	for (uint32_t i = 0; i < p->processes.count; i++)
		if (processes >> i & 1) {
			s[i].start = PLAN_EXTERNAL;
			s[i].restart = 0;
		}
	for (uint32_t i = 0; i < p->fields.count; i++)
		if (processes >> f[i].process & 1)
			f[i].derived = 0;
}

/* Its simulator reads it from there. */
static void set_option(struct plan *p, uint16_t entity, const char *key, const char *value) {
	struct plan_option *o = CHANGE(plan_option, p, options);
	for (uint32_t i = 0; i < p->options.count; i++)
		if (o[i].entity == entity && strcmp(o[i].key, key) == 0)
			snprintf(o[i].value, sizeof(o[i].value), "%s", value);
}

/* The same port for one name, another one for others; what had one bus has one bus. */
static void own_buses(struct plan *p) {
	struct plan_actuator *a = CHANGE(plan_actuator, p, actuators);
	char before[PLAN_ACTUATORS_MAX][PLAN_TEXT_MAX];
	struct hash h = hash_of(p->machine, strlen(p->machine));
	unsigned port = 20000 + (h.bytes[0] | (unsigned)h.bytes[1] << 8) % 10000;
	for (uint32_t i = 0; i < p->actuators.count; i++) {
		memcpy(before[i], a[i].bus, sizeof(before[i]));
		uint32_t first = 0;
		while (!plan_bus_may_be(before[first], before[i])) /* itself at the latest */
			first++;
		snprintf(a[i].bus, sizeof(a[i].bus), "udp:239.74.163.%u:%u", 3 + first, port);
		set_option(p, a[i].entity, "bus", a[i].bus);
	}
}

int plan_externalize(const struct plan *p, const char *machine, uint64_t processes, struct plan *copy,
		struct cdm_diag *diag) {
	if (strlen(machine) >= CDM_NAME_MAX)
		return -E2BIG;
	memcpy(copy, p, p->bytes);
	memset(copy->machine, 0, sizeof(copy->machine));
	memcpy(copy->machine, machine, strlen(machine));
	leave_to_programs(copy, processes);
	own_buses(copy);
	copy->hash = plan_hash(copy);
	return plan_verify(copy, copy->bytes, diag);
}
