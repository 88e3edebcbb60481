/* columns.c - see columns.h.  What stands where: guard/guard.h. */
#include "bin/cadmus/columns.h"

#include <stdio.h>
#include <string.h>
#include "bin/cadmus/json.h"
#include "guard/guard.h"

_Static_assert(STATE_COUNT == 9 && FEEDBACK_COUNT == 24, "what is new gets its name below");

static json_t *state_of(const uint32_t v[STATE_COUNT]) {
	uint64_t command = (uint64_t)v[STATE_COMMAND_HIGH] << 32 | v[STATE_COMMAND_LOW];
	return json_pack("{s:s,s:s,s:I,s:I,s:I,s:I,s:I,s:I}", "phase", phase_text(v[STATE_PHASE]), "reason",
			phase_reason_text(v[STATE_REASON]), "command", (json_int_t)command, "refusals",
			(json_int_t)v[STATE_REFUSALS], "frames_sent", (json_int_t)v[STATE_SENT], "frames_bad",
			(json_int_t)v[STATE_BAD], "frames_foreign", (json_int_t)v[STATE_FOREIGN], "stops",
			(json_int_t)v[STATE_STOPS]);
}

static json_t *feedback_of(const struct plan_actuator *a, const float v[FEEDBACK_COUNT]) {
	json_t *joints = json_array();
	for (unsigned j = 0; j < a->joint_count && j < FEEDBACK_X_M; j++)
		json_array_append_new(joints, json_f32(v[FEEDBACK_JOINT + j]));
	float said = v[FEEDBACK_PHASE];
	unsigned phase = said >= 0 && said < (float)PHASE_COUNT ? (unsigned)said : PHASE_COUNT;
	return json_pack("{s:s,s:o,s:o,s:o,s:o,s:o,s:o}", "phase", phase_text(phase), "x_m", json_f32(v[FEEDBACK_X_M]),
			"y_m", json_f32(v[FEEDBACK_Y_M]), "heading_deg", json_f32(v[FEEDBACK_HEADING_DEG]),
			"speed_deg_s", json_f32(v[FEEDBACK_SPEED_DEG_S]), "age_ms", json_f32(v[FEEDBACK_AGE_MS]),
			"joints_deg", joints);
}

json_t *columns_of(const struct plan *p, const struct plan_field *f, const void *data, size_t bytes) {
	char state[CDM_NAME_MAX + 8];
	for (uint32_t i = 0; i < p->actuators.count; i++) {
		const struct plan_actuator *a = &plan_actuators(p)[i];
		snprintf(state, sizeof(state), "%s.state", plan_entities(p)[a->entity].name);
		if (f == &plan_fields(p)[a->feedback] && f->dtype == CDM_F32 && bytes == FEEDBACK_COUNT * sizeof(float))
			return feedback_of(a, data);
		if (strcmp(f->name, state) == 0 && f->dtype == CDM_U32 && bytes == STATE_COUNT * sizeof(uint32_t))
			return state_of(data);
	}
	return NULL;
}
