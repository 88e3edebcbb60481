/* settings.c - fields that a person writes: journaled first, then published. */
#include <errno.h>
#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/log.h"
#include "runtime/core_priv.h"

/* Bounds are the compiler's options "NAME.min" and "NAME.max" of the runtime entity. */
static double bound(const struct core *c, const char *field, const char *which, double otherwise) {
	char key[28];
	int n = snprintf(key, sizeof(key), "%s.%s", field, which);
	const char *text = n < (int)sizeof(key) ? plan_find_option(c->plan, 0, key) : NULL;
	return text ? strtod(text, NULL) : otherwise;
}

/* A number as the field's element type; its bytes. */
static uint32_t encode(const struct plan_field *f, double v, uint8_t out[8]) {
	float f32 = (float)v;
	int64_t whole = (int64_t)v;
	memset(out, 0, 8);
	if (f->dtype == CDM_F64)
		memcpy(out, &v, sizeof(v));
	else if (f->dtype == CDM_F32)
		memcpy(out, &f32, sizeof(f32));
	else
		memcpy(out, &whole, cdm_dtype_size(f->dtype)); /* little-endian, as plans are */
	return (uint32_t)cdm_dtype_size(f->dtype);
}

/* What the field's element type holds. */
static struct settings_range range_of(unsigned dtype) {
	static const struct settings_range ranges[CDM_DTYPE_COUNT] = {
		[CDM_U8] = { 0, UINT8_MAX }, [CDM_I8] = { INT8_MIN, INT8_MAX }, [CDM_BOOL] = { 0, 1 },
		[CDM_U16] = { 0, UINT16_MAX }, [CDM_I16] = { INT16_MIN, INT16_MAX },
		[CDM_U32] = { 0, UINT32_MAX }, [CDM_I32] = { INT32_MIN, INT32_MAX },
		[CDM_U64] = { 0, 0x1p53 }, [CDM_I64] = { -0x1p53, 0x1p53 }, /* beyond, a double has gaps */
		[CDM_F32] = { -FLT_MAX, FLT_MAX }, [CDM_F64] = { -DBL_MAX, DBL_MAX },
	};
	return dtype < CDM_DTYPE_COUNT ? ranges[dtype] : (struct settings_range){ 0, 0 };
}

struct settings_range settings_range(const struct core *c, uint16_t field) {
	const struct plan_field *f = &plan_fields(c->plan)[field];
	struct settings_range r = range_of(f->dtype);
	double low = bound(c, f->name, "min", r.least), high = bound(c, f->name, "max", r.most);
	return (struct settings_range){ low > r.least ? low : r.least, high < r.most ? high : r.most };
}

static void publish(struct core *c, uint16_t field, double value) {
	uint8_t bytes[8];
	struct field_meta m = field_meta_of(c->plan->operator_entity);
	uint32_t n = encode(&plan_fields(c->plan)[field], value, bytes);
	if (field_write(&c->settings[field], bytes, n, &m, clock_mono()) < 0)
		log_warn("setting %s was not published", plan_fields(c->plan)[field].name);
}

int settings_open(struct core *c) {
	uint32_t n = c->plan->fields.count;
	c->settings = calloc(n ? n : 1, sizeof(*c->settings));
	if (!c->settings)
		return -ENOMEM;
	for (uint16_t f = 0; f < n; f++) {
		if (plan_fields(c->plan)[f].kind != PLAN_SETTING)
			continue;
		int rc = field_writer_open(&c->settings[f], c->peers, f);
		if (rc < 0)
			return rc;
	}
	return 0;
}

/* What the journal says, as far as the plan of today allows it. */
static double restored(const struct core *c, uint16_t field, const char *text) {
	const struct plan_field *f = &plan_fields(c->plan)[field];
	struct settings_range r = settings_range(c, field);
	double said = strtod(text, NULL), v = said;
	if (!isfinite(v))
		v = bound(c, f->name, "default", 0.0);
	v = v < r.least ? r.least : v > r.most ? r.most : v;
	if (!(v == said))
		log_warn("setting %s was %s, which this plan does not allow: it is %g now", f->name, text, v);
	return v;
}

static double wanted(const struct core *c, uint16_t field) {
	const char *name = plan_fields(c->plan)[field].name;
	const struct state_setting *s = state_setting(c->state, name);
	return s ? restored(c, field, s->value) : bound(c, name, "default", 0.0);
}

void settings_restore(struct core *c) {
	for (uint16_t f = 0; f < c->plan->fields.count; f++)
		if (plan_fields(c->plan)[f].kind == PLAN_SETTING)
			publish(c, f, wanted(c, f));
}

static bool is_published(struct core *c, uint16_t field, double value) {
	uint8_t want[8], have[8];
	struct cdm_info info;
	struct field in;
	uint32_t n = encode(&plan_fields(c->plan)[field], value, want);
	bool is = field_open(&in, c->peers, field) == 0 && field_read(&in, have, n, clock_mono(), &info) == 0 &&
		  memcmp(want, have, n) == 0;
	field_close(&in);
	return is;
}

void settings_follow(struct core *c) {
	for (uint16_t f = 0; f < c->plan->fields.count; f++)
		if (plan_fields(c->plan)[f].kind == PLAN_SETTING && !is_published(c, f, wanted(c, f)))
			publish(c, f, wanted(c, f));
}

#define VALUE_TEXT_MAX 32

static const char *value_text(double value, char out[VALUE_TEXT_MAX]) {
	snprintf(out, VALUE_TEXT_MAX, "%.17g", value);
	return out;
}

/* Was the same set with this request before? */
static int compare(void *user, const struct journal_record *r) {
	const struct change *ch = user;
	struct body_set b;
	char text[VALUE_TEXT_MAX];
	if (r->kind != JOURNAL_SET || body_parse_set(r->body, r->body_bytes, &b) < 0)
		return -EEXIST;
	return body_text_is(b.field, ch->name) && body_text_is(b.value, value_text(ch->value, text)) ? 1 : -EEXIST;
}

static void settled(struct core *c, void *who, int rc, uint64_t seq) {
	struct change *ch = who;
	struct mp_out o;
	ch->used = false;
	int before = rc == -EEXIST && c->reader ? journal_one(c->reader, seq, compare, ch) : 0;
	bool repeat = before == 1;
	if (rc == -EEXIST && !repeat)
		return session_used(c, &ch->to, seq);
	if (rc < 0 && !repeat)
		return session_error(c, &ch->to, rc, "the value could not be written down, so it was not set");
	if (!repeat)
		publish(c, ch->field, ch->value);
	session_begin(c, &o, &ch->to, "done", 2);
	mp_kv_uint(&o, "seq", seq);
	mp_kv_bool(&o, "repeat", repeat);
	session_send(c, &o, &ch->to);
}

int settings_set(struct core *c, const struct asked *r) {
	const struct speaker *s = &r->speaker;
	double value = r->q->value;
	uint16_t f = plan_find_field(c->plan, r->q->field);
	char text[VALUE_TEXT_MAX];
	uint8_t body[256];
	if (f == PLAN_NONE || plan_fields(c->plan)[f].kind != PLAN_SETTING)
		return -ENOENT;
	if (!plan_may_set(c->plan, s->principal, f) || !plan_may_set(c->plan, s->entity, f))
		return -EACCES;
	struct settings_range range = settings_range(c, f);
	if (!isfinite(value) || value < range.least || value > range.most)
		return -EINVAL;
	struct change *ch = NULL;
	for (size_t i = 0; i < COUNT_OF(c->changes) && !ch; i++)
		ch = c->changes[i].used ? NULL : &c->changes[i];
	if (!ch)
		return -EBUSY;
	struct body_set b = { body_text(r->q->field), body_text(value_text(value, text)), body_text(r->q->request) };
	int n = body_build_set(&b, body, sizeof(body));
	if (n < 0)
		return n;
	struct journal_entry e = { JOURNAL_SET, JOURNAL_MACHINE, core_entity_name(c, 0),
		core_entity_name(c, s->principal), body, (size_t)n, r->q->request };
	*ch = (struct change){ true, plan_fields(c->plan)[f].name, f, value, r->to };
	int rc = ledger_submit(c, &e, 1, settled, ch);
	if (rc < 0)
		ch->used = false;
	return rc;
}
