/* replay_lacks.c - targets that a re-run could not make as they were made then, and why not: see replay.h. */
#include <limits.h>
#include <string.h>
#include "bin/cadmus/json.h"
#include "bin/cadmus/replay.h"
#include "rules/rule.h"

#define FORM_MAX 160 /* "f32 [4,6]" */

struct lacks {
	const struct replay *r;
	const struct rerun *x;
	json_t *list;
};

/* NULL: none. */
static const struct recording_field *recorded(const struct replay *r, const char *name) {
	unsigned i = recording_find(r->rec, name);
	return i == UINT_MAX ? NULL : recording_at(r->rec, i);
}

static const char *form_of_plan(const struct plan_field *f, char out[FORM_MAX]) {
	size_t n = (size_t)snprintf(out, FORM_MAX, "%s", cdm_dtype_name((enum cdm_dtype)f->dtype));
	for (uint32_t i = 0; i < f->dims; i++)
		n += (size_t)snprintf(out + n, FORM_MAX - n, "%s%u", i ? "," : " [", f->shape[i]);
	if (f->dims)
		snprintf(out + n, FORM_MAX - n, "]");
	return out;
}

static const char *form_recorded(const struct recording_field *f, char out[FORM_MAX]) {
	bool scalar = !f->shape[0];
	snprintf(out, FORM_MAX, "%.30s%s%.90s%s", f->dtype, scalar ? "" : " [", f->shape, scalar ? "" : "]");
	return out;
}

/* One more; `needs` NULL: it is the target itself. */
static void add(struct lacks *l, const char *field, const char *needs, const char *why, const char *text) {
	const char *cdl = l->r->cdl;
	char hint[512];
	if (strcmp(why, "unrecorded") == 0)
		snprintf(hint, sizeof(hint), "record it, too: `cadmus record` without names records all fields");
	else if (strcmp(why, "unbegun") == 0)
		snprintf(hint, sizeof(hint), "record longer, or from the begin of the machine on");
	else if (cdl)
		snprintf(hint, sizeof(hint), "there %.300s differs from the description that was recorded; "
				"without --cdl that is what is run", cdl);
	else
		snprintf(hint, sizeof(hint), "the file contradicts the plan in it");
	json_array_append_new(l->list, json_pack("{s:s,s:s?,s:s,s:o,s:o}", "field", field, "needs", needs, "why", why,
			"text", json_text(text), "hint", json_text(hint)));
}

static void add_form(struct lacks *l, const char *target, const struct plan_field *f, const char *that) {
	char was[FORM_MAX], is[FORM_MAX], text[512];
	snprintf(text, sizeof(text), "%s%s was recorded as %s, and is %s now", f->name, that,
			form_recorded(recorded(l->r, f->name), was), form_of_plan(f, is));
	add(l, target, f->name, "form", text);
}

/* A field that the rules of a target read. */
static void add_source(struct lacks *l, const char *target, const struct plan_field *f) {
	bool known = plan_find_field(recording_plan(l->r->rec), f->name) != PLAN_NONE;
	char text[256];
	if (recorded(l->r, f->name)) {
		add_form(l, target, f, ", which its rules read,");
		return;
	}
	snprintf(text, sizeof(text), "%s, which its rules read, %s", f->name,
			known ? "is not in the recording" : "is no field of the machine that was recorded");
	add(l, target, f->name, known ? "unrecorded" : "unknown", text);
}

/* A target of the plan.  One of which nothing was recorded was not to be compared. */
static void add_target(struct lacks *l, unsigned i) {
	const struct rerun_target *t = rerun_target(l->x, i);
	const struct recording_field *f = recorded(l->r, t->field->name);
	char text[128];
	if (!f || f->messages == 0)
		return;
	if (t->recorded == UINT_MAX)
		add_form(l, t->field->name, t->field, "");
	for (uint16_t s = 0; s < l->r->plan->fields.count; s++)
		if (rerun_lacks(l->x, i, s))
			add_source(l, t->field->name, &plan_fields(l->r->plan)[s]);
	if (!rerun_never_began(t))
		return;
	snprintf(text, sizeof(text), "none of %llu recorded samples is one to go on from",
			(unsigned long long)t->count[RERUN_GIVEN]);
	add(l, t->field->name, NULL, "unbegun", text);
}

static bool makes(const struct plan *p, const char *name) {
	for (uint32_t i = 0; i < p->rules.count; i++)
		if (rule_is_run(&plan_rules(p)[i]) &&
				strcmp(plan_fields(p)[plan_rules(p)[i].target].name, name) == 0)
			return true;
	return false;
}

json_t *replay_lacks(const struct replay *r, const struct rerun *x) {
	struct lacks l = { r, x, json_array() };
	const struct plan *own = recording_plan(r->rec);
	for (unsigned i = 0; i < rerun_targets(x); i++)
		add_target(&l, i);
	for (uint16_t f = 0; f < own->fields.count; f++) {
		const char *name = plan_fields(own)[f].name;
		const struct recording_field *was = recorded(r, name);
		if (was && was->messages && makes(own, name) && !makes(r->plan, name))
			add(&l, name, NULL, "unmade", "rules made it, and no rule makes it now");
	}
	return l.list;
}
