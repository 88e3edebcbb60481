/*
 * plan_builder.h - small plans for tests, without the compiler: name processes and fields, get a verified plan.
 *
 *      struct plan_builder b;
 *      plan_builder_begin(&b, "robot");                    entities 0 "cadmus" and 1 "operator",
 *                                                          processes 0 "core" and 1 "guard"
 *      uint16_t cam = plan_builder_process(&b, "camera", PLAN_HOST, 0);
 *      uint16_t frame = plan_builder_field(&b, "frame", CDM_U8, 640 * 480, 4, 2, cam, PLAN_BUILDER_ALL);
 *      b.fields[frame].max_age_ns = NS_PER_S;              anything else may be set before finish
 *      struct plan *p = plan_builder_finish(&b);           free() it
 *
 * Offsets, sizes, layouts and hashes are computed by finish.  Wrong use is a CHECK.
 */
#ifndef TEST_LIB_PLAN_BUILDER_H
#define TEST_LIB_PLAN_BUILDER_H

#include "schema/plan.h"

#define PLAN_BUILDER_ALL UINT64_MAX /* readers: every process there is */

enum { PLAN_BUILDER_ENTITIES = 32, PLAN_BUILDER_FIELDS = 160, PLAN_BUILDER_PROCESSES = 16,
	PLAN_BUILDER_RECORDS = 16 };

struct plan_builder {
	struct plan head;
	struct plan_entity entities[PLAN_BUILDER_ENTITIES];
	struct plan_field fields[PLAN_BUILDER_FIELDS];
	struct plan_process processes[PLAN_BUILDER_PROCESSES];
	struct plan_rule rules[PLAN_BUILDER_RECORDS];
	struct plan_actuator actuators[PLAN_BUILDER_RECORDS];
	struct plan_table tables[1];
	struct plan_sense senses[PLAN_BUILDER_RECORDS];
	struct plan_grant grants[PLAN_BUILDER_RECORDS];
	struct plan_option options[PLAN_BUILDER_RECORDS];
};

void plan_builder_begin(struct plan_builder *b, const char *machine);
uint16_t plan_builder_entity(struct plan_builder *b, const char *name, enum plan_class class);
uint16_t plan_builder_process(struct plan_builder *b, const char *name, enum plan_role role, uint16_t lease_quota);
/* One dimension of `count` elements; the source is entity 0. */
uint16_t plan_builder_field(struct plan_builder *b, const char *name, enum cdm_dtype dtype, uint32_t count,
		uint32_t slots, uint32_t leases, uint16_t process, uint64_t readers);
/* One more sense of the only symbol table, which the first one makes. */
void plan_builder_sense(struct plan_builder *b, const char *form, const char *gloss, enum plan_verb verb);
void plan_builder_grant(struct plan_builder *b, uint16_t entity, uint16_t rights, uint16_t field);
void plan_builder_option(struct plan_builder *b, uint16_t entity, const char *key, const char *value);
/* Place, hash and verify.  The plan is the caller's: free() it. */
struct plan *plan_builder_finish(struct plan_builder *b);

#endif
