/* rule.c - see rule.h. */
#include "rules/rule.h"

#include <errno.h>
#include <string.h>
#include "rules/operation.h"

bool rule_is_run(const struct plan_rule *p) {
	return operation_is_known(p->operation) && p->target != PLAN_NONE && p->source_count > 0;
}

int rule_open(struct rule *r, const struct plan *plan, const struct plan_rule *p, struct rule_target *target) {
	memset(r, 0, sizeof(*r));
	r->plan = p;
	r->field = &plan_fields(plan)[p->target];
	r->target = target;
	for (unsigned i = 0; i < p->source_count; i++) {
		r->sources[i].plan = &plan_fields(plan)[p->sources[i]];
		if (r->sources[i].plan->bytes > RULE_SAMPLE_MAX)
			return -E2BIG;
	}
	return 0;
}

void rule_gone(struct rule *r, unsigned source, bool gone) {
	CHECK(source < r->plan->source_count);
	r->sources[source].gone = gone;
}

static void take(struct rule_source *s, const void *bytes, const struct cdm_info *info) {
	CHECK(info->bytes <= s->plan->bytes);
	if (s->samples && info->epoch != s->info.epoch)
		s->samples = 0; /* a writer that was restarted continues nothing */
	if (s->samples)
		memcpy(s->before, s->bytes, sizeof(s->before));
	memcpy(s->bytes, bytes, info->bytes);
	s->samples += s->samples < 2;
	s->info = *info;
}

/* In float, as it was written: 0.7 is not less than 0.7. */
static bool is_usable(const struct rule *r, const struct rule_source *s) {
	return s->samples && !s->gone && s->info.trust >= (float)r->plan->min_trust;
}

/* What is known of a sample at that time; of its status, what its writer said, and what its age says. */
static struct cdm_info info_as_of(const struct rule_source *s, struct cdm_mono at) {
	struct cdm_info info = s->info;
	int64_t age_max = s->plan->max_age_ns;
	if (info.status == CDM_ORPHAN)
		info.status = CDM_OK;
	if (info.status < CDM_STALE && age_max && info.source_time.ns < at.ns - age_max)
		info.status = CDM_STALE;
	return info;
}

/* Which sources go in: their number, and between which times they are. */
static unsigned choose(struct rule *r, struct cdm_mono *oldest, struct cdm_mono *newest) {
	unsigned n = 0;
	for (unsigned i = 0; i < r->plan->source_count; i++) {
		struct rule_source *s = &r->sources[i];
		struct cdm_mono t = s->info.source_time;
		s->have = is_usable(r, s);
		if (!s->have)
			continue;
		*oldest = n == 0 || t.ns < oldest->ns ? t : *oldest;
		*newest = n == 0 || t.ns > newest->ns ? t : *newest;
		n++;
	}
	return n;
}

static void merge(const struct rule *r, struct cdm_mono at, struct field_meta *m) {
	for (unsigned i = 0; i < r->plan->source_count; i++) {
		struct cdm_info info = info_as_of(&r->sources[i], at);
		if (r->sources[i].have)
			field_meta_merge(m, &info);
	}
}

/* No evidence: what is left of the target, as old and as trusted as it was. */
static double step_apart(struct rule *r, struct cdm_mono at, struct field_meta *m) {
	const struct rule_target *t = r->target;
	if (t->said.trust > 0.0f)
		*m = t->said;
	m->status = CDM_DEGRADED;
	if (at.ns < t->cell.at.ns)
		at = t->cell.at;
	return awareness_level(&t->cell, r->field->half_life_ns, at);
}

static double step_together(struct rule *r, struct cdm_mono at, const struct field_meta *m) {
	r->target->said = *m;
	(void)awareness_add(&r->target->cell, r->field->half_life_ns, at, r->plan->gain, (double)m->trust, 1.0,
			operation_evidence(r));
	return (double)awareness_settle(&r->target->cell);
}

bool rule_step(struct rule *r, unsigned source, const void *bytes, const struct cdm_info *info,
		struct rule_result *out) {
	struct cdm_mono oldest, newest;
	CHECK(source < r->plan->source_count);
	take(&r->sources[source], bytes, info);
	if (choose(r, &oldest, &newest) == 0)
		return false;
	*out = (struct rule_result){ .meta = field_meta_of(0), .skew_ns = (uint64_t)newest.ns - (uint64_t)oldest.ns };
	merge(r, newest, &out->meta);
	out->apart = r->plan->max_skew_ns > 0 && out->skew_ns > (uint64_t)r->plan->max_skew_ns;
	out->value = (float)(out->apart ? step_apart(r, newest, &out->meta) : step_together(r, newest, &out->meta));
	return true;
}

void rule_continue(struct rule *r, float level, const struct cdm_info *info) {
	struct cdm_mono oldest, newest = info->source_time;
	(void)choose(r, &oldest, &newest);
	if (newest.ns < r->target->cell.at.ns)
		newest = r->target->cell.at;
	r->target->cell = (struct awareness_cell){ (double)level, newest };
	r->target->said = (struct field_meta){ .source_time = info->source_time, .trust = info->trust };
}
