/* replay_offline.c - the rules of a plan run again on a recording: `cadmus replay` without --live. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "base/err.h"
#include "bin/cadmus/json.h"
#include "bin/cadmus/output.h"
#include "bin/cadmus/replay.h"

#define SHOWN_MAX 8 /* elements of a sample */

struct offline {
	struct replay *r;
	struct replay_output *output;
	bool lost; /* standard output is */
	bool left; /* before its end */
};

static void say_json(struct offline *o, json_t *line) {
	if (!o->lost)
		o->lost = json_print_line(line) < 0;
	else
		json_decref(line);
}

/* ---- step by step, for people ---- */

static void show_took(const struct offline *o, const struct plan_field *f, const struct recording_sample *x) {
	const struct cdm_info *i = &x->sample.info;
	json_t *v = json_of_sample((enum cdm_dtype)f->dtype, x->sample.bytes, i->bytes, SHOWN_MAX);
	char *text = v ? json_dumps(v, JSON_ENCODE_ANY | JSON_COMPACT | JSON_REAL_PRECISION(9)) : NULL;
	printf("%12.6f s  %s = %s, trust %g, %s\n", replay_seconds(o->r, i->publish_time), f->name, text ? text : "?",
			(double)i->trust, cdm_status_name((enum cdm_status)i->status));
	free(text);
	json_decref(v);
}

static void show_value(const char *before, const struct rerun_value *v) {
	printf("%s%.9g, trust %g, %s", before, (double)v->value, (double)v->trust,
			cdm_status_name((enum cdm_status)v->status));
}

static void show_settled(const struct rerun_target *t, enum rerun_verdict v, const struct rerun_value *made,
		const struct rerun_value *recorded) {
	if (v == RERUN_UNCOMPARED)
		return;
	printf("%16s%s: %s", "", t->field->name, rerun_verdict_text(v));
	if (v != RERUN_IDENTICAL && made)
		show_value("; made ", made);
	if (v != RERUN_IDENTICAL && recorded)
		show_value("; recorded ", recorded);
	putchar('\n');
}

/* ---- hooks ---- */

static void on_took(void *ctx, const struct plan_field *f, const struct recording_sample *x) {
	struct offline *o = ctx;
	if (o->output)
		replay_output_took(o->output, x);
	if (o->r->step && !o->r->context->json)
		show_took(o, f, x);
	if (o->r->step && o->r->context->json)
		say_json(o, json_pack("{s:s,s:I,s:I,s:o}", "took", f->name, "version",
				(json_int_t)x->sample.info.version, "source_ns",
				(json_int_t)x->sample.info.source_time.ns, "value", json_of_sample(
				(enum cdm_dtype)f->dtype, x->sample.bytes, x->sample.info.bytes, SHOWN_MAX)));
}

static void on_made(void *ctx, const struct rerun_target *t, const struct rerun_value *v, struct cdm_mono published) {
	struct offline *o = ctx;
	if (o->output)
		replay_output_made(o->output, t, v, published);
	if (!o->r->step || o->r->context->json)
		return;
	printf("%16s-> %s = ", "", t->field->name);
	show_value("", v);
	putchar('\n');
}

static void on_settled(void *ctx, const struct rerun_target *t, enum rerun_verdict verdict,
		const struct rerun_value *made, const struct rerun_value *recorded) {
	struct offline *o = ctx;
	if (o->r->context->json)
		say_json(o, json_pack("{s:s,s:s,s:o,s:o}", "field", t->field->name, "verdict",
				rerun_verdict_text(verdict), "made", replay_value_json(made), "recorded",
				replay_value_json(recorded)));
	else if (o->r->step)
		show_settled(t, verdict, made, recorded);
}

/* ---- running ---- */

/* To the end, or until nobody wants more; -ENODATA, -errno. */
static int run(struct offline *o, struct rerun *x) {
	int rc = 0;
	while (rc >= 0 && !o->lost) {
		rc = rerun_step(x);
		if (rc == 1 && o->r->step && (output_flush() < 0 || !replay_enter())) {
			o->left = true;
			return -ENODATA;
		}
	}
	return o->lost ? -EPIPE : rc;
}

static int explain(int rc) {
	if (rc == -ELOOP)
		return verb_failed("replay", rc, "rules of its plan make themselves");
	return verb_failed("replay", rc, "the recording cannot be read on: %s", err_text(rc));
}

int replay_offline(struct replay *r) {
	struct offline o = { .r = r };
	struct rerun *x;
	const struct rerun_hooks hooks = { &o, on_took, on_made, on_settled };
	int rc = rerun_open(&x, r->rec, r->plan, &r->stretch, &hooks);
	if (rc < 0)
		return explain(rc);
	int code = 0;
	if (rerun_targets(x) == 0)
		code = verb_failed_hint("replay", -ENOENT,
				"`cadmus replay --live` plays it as the sources of a machine",
				"there are no rules in its plan that could be run again");
	if (code == 0 && r->output)
		code = replay_output_open(r, x, &o.output);
	if (code == 0) {
		replay_tell_places(r, x);
		rc = run(&o, x);
		code = rc == -ENODATA ? replay_report(r, x, o.left) : rc == -EPIPE ? 1 : explain(rc);
	}
	if (replay_output_end(r, &o.output) && code == 0)
		code = 1;
	rerun_close(&x);
	return code;
}
