/* transform.c - see transform.h. */
#include "model/transform.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/clock.h"
#include "base/err.h"

/* ---- which fields ---- */

static const char *option(const struct transform *t, const char *key) {
	return plan_find_option(t->loader->plan, t->loader->entity, key);
}

/* The first name of "a,b,c". */
static void first_name(const char *list, char out[CDM_NAME_MAX]) {
	snprintf(out, CDM_NAME_MAX, "%.*s", (int)strcspn(list, ","), list);
}

static uint16_t find_source(const struct transform *t, uint16_t self) {
	const struct plan *p = t->loader->plan;
	const char *named = option(t, "source") ? option(t, "source") : option(t, "reads");
	char name[CDM_NAME_MAX];
	if (named) {
		first_name(named, name);
		return plan_find_field(p, name);
	}
	for (uint16_t f = 0; f < p->fields.count; f++)
		if (plan_fields(p)[f].process != self && (plan_fields(p)[f].readers >> self & 1))
			return f;
	return PLAN_NONE;
}

static uint16_t find_target(const struct plan *p, uint16_t self) {
	for (uint16_t f = 0; f < p->fields.count; f++)
		if (plan_fields(p)[f].process == self)
			return f;
	return PLAN_NONE;
}

static int open_fields(struct transform *t, struct peers *peers, struct cdm_diag *diag) {
	uint16_t source = find_source(t, peers->self),
		 target = find_target(t->loader->plan, peers->self);
	int rc = source == PLAN_NONE ? -EINVAL : field_open(&t->source, peers, source);
	if (rc < 0) {
		cdm_diag_add(diag, CDM_ERROR, "M0201", "the model reads no field: %s",
				source == PLAN_NONE ? "`reads` names none that there is" : err_text(rc));
		return -EINVAL;
	}
	rc = target == PLAN_NONE ? -EINVAL : field_writer_open(&t->target, peers, target);
	if (rc < 0)
		cdm_diag_add(diag, CDM_ERROR, "M0202", "the model writes no field");
	return rc;
}

/* ---- settings ---- */

static float own_trust(const struct transform *t) {
	const struct plan_entity *e = &plan_entities(t->loader->plan)[t->loader->entity];
	double least = 1;
	for (int i = 0; i < 3; i++)
		if (e->trust[i] < least)
			least = e->trust[i];
	return (float)least;
}

static int read_rate(struct transform *t, struct cdm_diag *diag) {
	const char *text = option(t, "rate_hz");
	char *end;
	if (!text)
		return 0;
	double hz = strtod(text, &end);
	if (*text && !*end && hz >= 1e-3 && hz <= 1e6) {
		t->period_ns = (int64_t)(1e9 / hz);
		return 0;
	}
	cdm_diag_add(diag, CDM_ERROR, "M0203",
			"rate_hz must be a number from 0.001 to 1000000, not \"%.40s\"", text);
	return -EINVAL;
}

static struct cdm_tensor tensor_of(const struct plan_field *f) {
	struct cdm_tensor x = {
		.bytes = f->bytes, .dtype = (enum cdm_dtype)f->dtype, .dims = f->dims
	};
	memcpy(x.shape, f->shape, sizeof(x.shape));
	return x;
}

static int make_copy_room(struct transform *t, struct cdm_diag *diag) {
	int rc = 0;
	if (t->source.plan->leases == 0)
		rc = hal_allocate(HAL_MEMORY_PINNED, t->source.plan->bytes, 0, &t->copy);
	if (rc == 0 && t->copy.reason[0])
		cdm_diag_add(diag, CDM_NOTE, "M0205", "input is kept in %s memory: %s",
				hal_memory_text(t->copy.got), t->copy.reason);
	if (rc < 0)
		cdm_diag_add(diag, CDM_ERROR, "M0204", "no memory for a sample of %u bytes",
				t->source.plan->bytes);
	return rc;
}

int transform_open(
		struct transform *t, struct loader *l, struct peers *peers, struct cdm_diag *diag) {
	*t = (struct transform){ .loader = l };
	t->trust = own_trust(t);
	int rc = open_fields(t, peers, diag);
	if (rc == 0)
		rc = read_rate(t, diag);
	if (rc == 0)
		rc = make_copy_room(t, diag);
	if (rc == 0) {
		struct cdm_tensor in = tensor_of(t->source.plan), out = tensor_of(t->target.plan);
		rc = l->backend->prepare(l->model, &in, &out, diag);
	}
	if (rc < 0)
		transform_close(t);
	return rc;
}

void transform_close(struct transform *t) {
	hal_free(&t->copy);
}

/* ---- at work ---- */

int64_t transform_wait_ns(const struct transform *t, struct cdm_mono now) {
	int64_t left = t->next.ns - now.ns;
	return t->period_ns && left > 0 ? left : 0;
}

/* Compute into the loaned slot; 1 when the sample is out. */
static int compute(struct transform *t, const struct cdm_info *info, const void *data, void *slot) {
	struct cdm_tensor in = tensor_of(t->source.plan), out = tensor_of(t->target.plan);
	in.data = (void *)(uintptr_t)data;
	in.info = *info;
	out.data = slot;
	out.info = (struct cdm_info){ .trust = 1, .status = CDM_OK };
	int rc = t->loader->backend->transform(t->loader->model, &in, &out);
	if (rc < 0) {
		field_abandon(&t->target);
		t->failures++;
		return rc;
	}
	struct field_meta m = field_meta_of(t->loader->entity);
	field_meta_merge(&m, info);
	if (!(out.info.trust >= m.trust))
		m.trust = out.info.trust;
	if (t->trust < m.trust)
		m.trust = t->trust;
	if (out.info.status > m.status && out.info.status <= CDM_ORPHAN)
		m.status = out.info.status;
	field_publish(&t->target, t->target.plan->bytes, &m, clock_mono());
	t->samples++;
	return 1;
}

static int step_by_lease(struct transform *t, struct cdm_mono now) {
	struct field_lease l;
	int rc = field_lease(&t->source, now, &l);
	if (rc < 0)
		return rc == -EPROTO ? rc : 0; /* the rest passes: nothing new, or not known to the writer yet */
	void *slot = l.info.bytes == t->source.plan->bytes ? field_loan(&t->target) : NULL;
	rc = slot ? compute(t, &l.info, l.data, slot) : 0;
	field_release(&l);
	return rc;
}

static int step_by_copy(struct transform *t, struct cdm_mono now) {
	struct cdm_info info;
	int rc = field_read(&t->source, t->copy.at, t->copy.bytes, now, &info);
	if (rc < 0)
		return rc == -EPROTO ? rc : 0;
	void *slot = info.bytes == t->source.plan->bytes ? field_loan(&t->target) : NULL;
	return slot ? compute(t, &info, t->copy.at, slot) : 0;
}

int transform_step(struct transform *t) {
	struct cdm_mono now = clock_mono();
	int rc = field_news(&t->source);
	if (rc <= 0)
		return rc;
	t->next.ns = (t->next.ns + t->period_ns > now.ns ? t->next.ns : now.ns) + t->period_ns;
	return t->copy.at ? step_by_copy(t, now) : step_by_lease(t, now);
}
