/* sample.c - see sample.h. */
#include "bin/cadmus/sample.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include "base/clock.h"
#include "base/err.h"
#include "bin/cadmus/columns.h"
#include "bin/cadmus/json.h"
#include "sem/awareness.h"

#define SHOWN_MAX 8 /* elements on a line */

int sample_take(struct field *f, struct sample *x) {
	x->plan = f->peers->plan;
	x->field = f->plan;
	x->now = clock_mono();
	x->large = f->plan->bytes > sizeof(x->bytes);
	x->rc = x->large ? field_peek(f, x->now, &x->info)
			 : field_read(f, x->bytes, sizeof(x->bytes), x->now, &x->info);
	return x->rc;
}

int sample_read(struct seat *s, uint16_t index, struct sample *x) {
	struct field f;
	memset(&x->info, 0, sizeof(x->info));
	x->plan = s->plan;
	x->field = &plan_fields(s->plan)[index];
	x->rc = field_open(&f, &s->peers, index);
	if (x->rc < 0)
		return x->rc;
	sample_take(&f, x);
	field_close(&f);
	return x->rc;
}

double sample_number(const struct sample *x) {
	if (x->rc < 0 || x->large || x->info.bytes < cdm_dtype_size(x->field->dtype))
		return NAN;
	double v = json_element(x->field->dtype, x->bytes, 0);
	struct awareness_cell cell = { v, x->info.publish_time };
	return x->field->kind == PLAN_AWARENESS ? awareness_level(&cell, x->field->half_life_ns, x->now) : v;
}

static const char *source_of(const struct sample *x) {
	return x->info.source < x->plan->entities.count ? plan_entities(x->plan)[x->info.source].name : "?";
}

static void print_list(const json_t *list) {
	const json_t *item;
	size_t i, n = json_array_size(list);
	json_array_foreach(list, i, item)
		if (i < SHOWN_MAX)
			printf("%s%.4g", i ? " " : "[", json_number_value(item));
	printf(n > SHOWN_MAX ? " ... %zu]" : "]", n);
}

/* name=value name=[1 2 3] ... */
static void print_named(json_t *named) {
	const char *key;
	json_t *v;
	json_object_foreach(named, key, v) {
		printf("%s%s=", v == json_object_get(named, "phase") ? "" : " ", key);
		if (json_is_string(v))
			printf("%s", json_string_value(v));
		else if (json_is_integer(v))
			printf("%lld", (long long)json_integer_value(v));
		else if (json_is_real(v))
			printf("%.4g", json_real_value(v));
		if (json_is_array(v))
			print_list(v);
	}
	json_decref(named);
}

static void print_value(const struct sample *x) {
	size_t size = cdm_dtype_size(x->field->dtype), n = size ? x->info.bytes / size : 0;
	if (x->large || n == 0) {
		printf("%u bytes", x->info.bytes);
		return;
	}
	if (n == 1) {
		printf("%.6g", sample_number(x));
		return;
	}
	json_t *named = columns_of(x->plan, x->field, x->bytes, x->info.bytes);
	if (named) {
		print_named(named);
		return;
	}
	printf("[");
	for (size_t i = 0; i < n && i < SHOWN_MAX; i++)
		printf("%s%.4g", i ? " " : "", json_element(x->field->dtype, x->bytes, i));
	printf(n > SHOWN_MAX ? " ... %zu]" : "]", n);
}

void sample_print(const struct sample *x) {
	printf("%-26s ", x->field->name);
	if (x->rc < 0) {
		printf("%s\n", x->rc == -EAGAIN ? "nothing published yet" : err_name(x->rc));
		return;
	}
	print_value(x);
	printf("%s%s  (%s, version %llu, age %.1f ms, trust %.2f, from %s)\n",
			x->field->unit[0] ? " " : "", x->field->unit,
			cdm_status_name((enum cdm_status)x->info.status), (unsigned long long)x->info.version,
			ns_to_ms(mono_since(x->info.source_time, x->now)), (double)x->info.trust,
			source_of(x));
}

json_t *sample_json(const struct sample *x) {
	if (x->rc < 0)
		return json_pack("{s:s,s:n,s:s}", "field", x->field->name, "value", "error", err_name(x->rc));
	json_t *value = x->large ? json_pack("{s:i}", "bytes", (int)x->info.bytes)
			: x->field->kind == PLAN_AWARENESS ? json_real(sample_number(x))
			: json_of_sample(x->field->dtype, x->bytes, x->info.bytes, 512);
	json_t *named = x->large ? NULL : columns_of(x->plan, x->field, x->bytes, x->info.bytes);
	return json_pack("{s:s,s:o,s:o*,s:s,s:s,s:I,s:f,s:o,s:s,s:i}", "field", x->field->name, "value", value,
			"named", named, "unit", x->field->unit, "status",
			cdm_status_name((enum cdm_status)x->info.status), "version", (json_int_t)x->info.version,
			"age_ms", ns_to_ms(mono_since(x->info.source_time, x->now)), "trust",
			json_f32(x->info.trust), "source", source_of(x), "epoch", (int)x->info.epoch);
}
