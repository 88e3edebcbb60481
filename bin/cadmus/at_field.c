/* at_field.c - a field as the journal had it: the sample written down last, by its type, and the setting. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "base/clock.h"
#include "bin/cadmus/at.h"
#include "bin/cadmus/columns.h"
#include "bin/cadmus/json.h"
#include "bin/cadmus/old_plan.h"
#include "bin/cadmus/output.h"
#include "lang/near.h"

struct bytes {
	uint64_t seq;
	size_t count;
	uint8_t at[BODY_SAMPLE_MAX] __attribute__((aligned(8)));
};

static int take_bytes(void *user, const struct journal_record *r) {
	struct bytes *b = user;
	struct body_sample sample;
	if (r->seq == b->seq && r->kind == JOURNAL_SAMPLE && !r->erased &&
			body_parse_sample(r->body, r->body_bytes, &sample) == 0 && sample.data.bytes <= sizeof(b->at)) {
		memcpy(b->at, sample.data.at, sample.data.bytes);
		b->count = sample.data.bytes;
	}
	return 0;
}

/* A state keeps short ones; the record has longer ones, and of the longest nobody has more than the hash. */
static void fetch(const struct at *a, const struct state_sample *s, struct bytes *out) {
	*out = (struct bytes){ .seq = s->seq, .count = s->kept };
	memcpy(out->at, s->data, s->kept);
	if (s->kept < s->bytes)
		(void)!past_each(a->past, s->seq, s->seq, take_bytes, out);
}

static json_t *hex_of(const struct bytes *b) {
	char *text = malloc(2 * b->count + 1);
	json_t *j = NULL;
	for (size_t i = 0; text && i < b->count; i++)
		snprintf(text + 2 * i, 3, "%02x", b->at[i]);
	if (text && b->count)
		j = json_stringn(text, 2 * b->count);
	free(text);
	return j;
}

/* The value by its type, and by name where its elements have names. */
static void decode(const struct plan *plan, const char *field, const struct bytes *b, json_t *into) {
	uint16_t f = plan ? plan_find_field(plan, field) : PLAN_NONE;
	const struct plan_field *pf = f == PLAN_NONE ? NULL : &plan_fields(plan)[f];
	size_t size = pf ? cdm_dtype_size(pf->dtype) : 0;
	if (b->count == 0)
		return;
	if (!pf || !size || b->count > pf->bytes || b->count % size) {
		json_object_set_new(into, "hex", hex_of(b));
		return;
	}
	json_t *named = columns_of(plan, pf, b->at, b->count), *value = json_of_sample(pf->dtype, b->at, b->count, 512);
	json_object_set_new(into, "value", value);
	json_object_set_new(into, "unit", json_string(pf->unit));
	if (json_is_object(value))
		json_object_set_new(into, "hex", hex_of(b));
	if (named)
		json_object_set_new(into, "named", named);
}

static json_t *sample_of(const struct at *a, const struct state_sample *s) {
	char hash[HASH_TEXT_MAX], seen[CLOCK_TEXT_MAX];
	struct plan *plan = old_plan(a->past, a->state);
	struct bytes b;
	json_t *j = json_pack("{s:s,s:s,s:I,s:I,s:f,s:s,s:I,s:s,s:I,s:b}", "field", s->field, "status", s->status,
			"version", (json_int_t)s->version, "epoch", (json_int_t)s->epoch, "trust", s->trust_ppm / 1e6,
			"seen", clock_text(s->seen, seen), "bytes", (json_int_t)s->bytes, "hash", hash_text(&s->hash,
			64, hash), "seq", (json_int_t)s->seq, "plan_known", plan != NULL);
	fetch(a, s, &b);
	if (j)
		decode(plan, s->field, &b, j);
	free(plan);
	return j;
}

static void print_sample(const struct state_sample *s, json_t *j) {
	char seen[WHEN_TEXT_MAX], field[sizeof(s->field)], status[sizeof(s->status)];
	json_t *value = json_object_get(j, "named");
	value = value ? value : json_object_get(j, "value");
	value = value && !(json_is_object(value) && json_object_get(value, "bytes")) ? value
			: json_object_get(j, "hex");
	char *text = value ? json_dumps(value, JSON_ENCODE_ANY | JSON_REAL_PRECISION(6)) : NULL;
	const char *unit = json_string_value(json_object_get(j, "unit"));
	printf("  %s = %s%s%s\n", output_text(s->field, field, sizeof(field)),
			text ? text : "(longer than what is written down)", unit && unit[0] ? " " : "",
			unit ? unit : "");
	printf("    %s, version %llu, epoch %llu, seen %s, trust %.2f, record %llu\n",
			output_text(s->status, status, sizeof(status)),
			(unsigned long long)s->version, (unsigned long long)s->epoch, when_text(s->seen, seen),
			s->trust_ppm / 1e6, (unsigned long long)s->seq);
	printf("    %llu bytes, hash %s%s\n", (unsigned long long)s->bytes,
			json_string_value(json_object_get(j, "hash")),
			json_is_true(json_object_get(j, "plan_known")) ? ""
			: "; nobody has the plan of then, so it is not decoded");
	free(text);
}

static json_t *setting_of(const struct state_setting *v) {
	char at[CLOCK_TEXT_MAX];
	return json_pack("{s:s,s:s,s:s,s:s,s:I}", "field", v->field, "value", v->value, "principal", v->principal,
			"time", clock_text(v->wall, at), "seq", (json_int_t)v->seq);
}

static void print_setting(const struct state_setting *v) {
	char at[WHEN_TEXT_MAX], field[sizeof(v->field)], value[sizeof(v->value)], who[sizeof(v->principal)];
	printf("  %s = %s  (set by %s at %s, record %llu)\n", output_text(v->field, field, sizeof(field)),
			output_text(v->value, value, sizeof(value)), output_text(v->principal, who, sizeof(who)),
			when_text(v->wall, at), (unsigned long long)v->seq);
}

static int unknown(const struct at *a, const char *name) {
	struct near n = { .word = name };
	char hint[128] = "`cadmus diff '#0' WHEN` shows which were";
	for (unsigned i = 0; i < a->state->sample_count; i++)
		near_offer(&n, state_sample_at(a->state, i)->field);
	for (unsigned i = 0; i < a->state->setting_count; i++)
		near_offer(&n, state_setting_at(a->state, i)->field);
	if (n.best)
		snprintf(hint, sizeof(hint), "did you mean '%s'?", n.best);
	return verb_failed_hint("at", -ENOENT, hint, "of a field '%s' nothing was written down by then", name);
}

int at_field(const struct at *a, const char *name) {
	const struct state_sample *s = state_sample(a->state, name);
	const struct state_setting *v = state_setting(a->state, name);
	if (!s && !v)
		return unknown(a, name);
	json_t *sample = s ? sample_of(a, s) : NULL;
	if (a->into) {
		json_object_set_new(a->into, "sample", s ? json_incref(sample) : json_null());
		json_object_set_new(a->into, "setting", v ? setting_of(v) : json_null());
	} else if (at_begin(a)) {
		if (v)
			print_setting(v);
		if (sample)
			print_sample(s, sample);
	}
	json_decref(sample);
	return 0;
}
