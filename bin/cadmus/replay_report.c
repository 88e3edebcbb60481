/* replay_report.c - what came out of rules that were run again: see replay.h. */
#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <string.h>
#include "bin/cadmus/json.h"
#include "bin/cadmus/output.h"
#include "bin/cadmus/replay.h"

json_t *replay_value_json(const struct rerun_value *v) {
	return v ? json_pack("{s:o,s:I,s:o,s:s}", "value", json_f32(v->value), "source_ns",
			(json_int_t)v->source_time.ns, "trust", json_f32(v->trust), "status",
			cdm_status_name((enum cdm_status)v->status))
		 : json_null();
}

json_t *replay_unplaced(const struct replay *r) {
	json_t *list = json_array();
	for (unsigned i = 0; i < recording_count(r->rec); i++) {
		const struct recording_field *f = recording_at(r->rec, i);
		uint16_t p = plan_find_field(r->plan, f->name);
		if (p == PLAN_NONE || !recording_fits(f, &plan_fields(r->plan)[p]))
			json_array_append_new(list, json_text(f->name));
	}
	return list;
}

static bool is_recorded(const struct replay *r, uint16_t field) {
	const struct plan_field *f = &plan_fields(r->plan)[field];
	unsigned i = recording_find(r->rec, f->name);
	return i != UINT_MAX && recording_fits(recording_at(r->rec, i), f);
}

/* Sources of rules that the recording does not have. */
static json_t *unrecorded(const struct replay *r, const struct rerun *x) {
	json_t *list = json_array();
	for (uint16_t f = 0; f < r->plan->fields.count; f++)
		if (rerun_is_source(x, f) && !is_recorded(r, f))
			json_array_append_new(list, json_string(plan_fields(r->plan)[f].name));
	return list;
}

/* Sources of rules that it has: what was recorded of them goes in as it was, of a setting as of others. */
static json_t *told(const struct replay *r, const struct rerun *x) {
	json_t *list = json_array();
	for (uint16_t f = 0; f < r->plan->fields.count; f++)
		if (rerun_is_source(x, f) && is_recorded(r, f))
			json_array_append_new(list, json_string(plan_fields(r->plan)[f].name));
	return list;
}

static json_t *run_again(const struct rerun *x) {
	json_t *list = json_array();
	for (unsigned i = 0; i < rerun_targets(x); i++)
		json_array_append_new(list, json_string(rerun_target(x, i)->field->name));
	return list;
}

json_t *replay_not_run(void) {
	static const char *const all[] = { "turns", "settings", "symbols", "verdicts", "motions" };
	json_t *list = json_array();
	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
		json_array_append_new(list, json_string(all[i]));
	return list;
}

void replay_tell(const char *what, json_t *names) {
	size_t i;
	json_t *name;
	if (json_array_size(names) > 0)
		fprintf(stderr, "%s:", what);
	json_array_foreach(names, i, name) {
		char text[CDM_NAME_MAX + 1];
		snprintf(text, sizeof(text), "%s", json_string_value(name));
		fprintf(stderr, "%s %s", i ? "," : "", output_clean(text, false));
	}
	if (json_array_size(names) > 0)
		fputc('\n', stderr);
	json_decref(names);
}

void replay_tell_places(const struct replay *r, const struct rerun *x) {
	if (r->context->json)
		return; /* which are in the result */
	replay_tell("run again, by rules", run_again(x));
	replay_tell("told as recorded, to those", told(r, x));
	replay_tell(REPLAY_NOT_RUN, replay_not_run());
	replay_tell("in the recording, and in another form or not at all in the plan", replay_unplaced(r));
	replay_tell("sources of rules that are not in the recording", unrecorded(r, x));
}

const char *replay_doubt(const struct replay *r) {
	const struct recording_faults *n = recording_faults(r->rec);
	const struct mcap_read_info *file = mcap_read_info(recording_file(r->rec));
	uint64_t missed = 0;
	for (unsigned i = 0; i < recording_count(r->rec); i++)
		missed += recording_at(r->rec, i)->missed;
	if (n->damaged || !(file->cut || mcap_read_is_whole(file)))
		return "parts of the file are damaged";
	if (n->broken)
		return "messages in it are no samples";
	if (n->late)
		return "its recorder was more than 2 s late, so the order of some samples is not known";
	if (missed)
		return "its recorder missed samples";
	if (strcmp(recording_result(r->rec), "COMPLETE") != 0)
		return "it is not complete";
	return NULL;
}

struct sums {
	uint64_t made, compared, same, lives;
	unsigned comparable; /* targets that the recording has, with what their rules read */
	json_t *lacks;
};

static struct sums sum_up(const struct replay *r, const struct rerun *x) {
	struct sums s = { .lacks = replay_lacks(r, x) };
	for (unsigned i = 0; i < rerun_targets(x); i++) {
		const struct rerun_target *t = rerun_target(x, i);
		s.made += t->made;
		s.same += t->count[RERUN_IDENTICAL];
		s.compared += t->count[RERUN_IDENTICAL] + t->count[RERUN_DIFFERENT] + t->count[RERUN_MISSING] +
				t->count[RERUN_ADDITIONAL];
		s.lives += t->lives;
		s.comparable += t->recorded != UINT_MAX && !t->lacks;
	}
	return s;
}

static const char *result_of(const struct sums *s) {
	if (s->compared == 0)
		return "UNCOMPARED";
	if (s->same < s->compared)
		return "DIFFERENT";
	return json_array_size(s->lacks) > 0 ? "PARTIAL" : "IDENTICAL";
}

/* ---- for programs ---- */

static json_t *target_json(const struct rerun_target *t) {
	json_t *j = json_pack("{s:s,s:b,s:I,s:I}", "field", t->field->name, "recorded", t->recorded != UINT_MAX, "made",
			(json_int_t)t->made, "lives", (json_int_t)t->lives);
	for (unsigned v = 0; j && v < RERUN_VERDICTS; v++)
		json_object_set_new(j, rerun_verdict_text((enum rerun_verdict)v),
				json_integer((json_int_t)t->count[v]));
	if (j && t->differs)
		json_object_set_new(j, "first_difference", json_pack("{s:o,s:o}", "made",
				replay_value_json(&t->first_made), "recorded", replay_value_json(&t->first_recorded)));
	return j;
}

static void report_json(const struct replay *r, const struct rerun *x, const struct sums *s, const char *hash,
		bool left) {
	json_t *targets = json_array();
	uint64_t orphans, taken = rerun_taken(x, &orphans);
	for (unsigned i = 0; i < rerun_targets(x); i++)
		json_array_append_new(targets, target_json(rerun_target(x, i)));
	json_print_line(json_pack("{s:s,s:s,s:b,s:s?,s:s,s:I,s:I,s:I,s:o,s:O,s:o,s:o,s:o,s:o}", "file", r->path,
			"result", result_of(s), "left", (int)left, "doubt", replay_doubt(r), "hash", hash, "taken",
			(json_int_t)taken, "orphans", (json_int_t)orphans, "made", (json_int_t)s->made, "targets",
			targets, "not_as_they_were", s->lacks, "unplaced", replay_unplaced(r), "unrecorded",
			unrecorded(r, x), "told", told(r, x), "not_run", replay_not_run()));
}

/* ---- for people ---- */

static void print_difference(const struct replay *r, const struct rerun_target *t) {
	const struct rerun_value *a = &t->first_made, *b = &t->first_recorded;
	printf("%s: the first difference is of %.6f s: made %.9g, trust %g, %s; recorded %.9g, trust %g, %s\n",
			t->field->name, replay_seconds(r, b->source_time), (double)a->value, (double)a->trust,
			cdm_status_name((enum cdm_status)a->status), (double)b->value, (double)b->trust,
			cdm_status_name((enum cdm_status)b->status));
}

static void print_targets(const struct replay *r, const struct rerun *x) {
	printf("%-28s %9s %9s %9s %8s %10s %6s %6s\n", "FIELD", "made", "identical", "different", "missing",
			"additional", "given", "beyond");
	for (unsigned i = 0; i < rerun_targets(x); i++) {
		const struct rerun_target *t = rerun_target(x, i);
		const uint64_t *n = t->count;
		printf("%-28s %9" PRIu64 " ", t->field->name, t->made);
		if (t->recorded == UINT_MAX)
			puts("not in the recording");
		else
			printf("%9" PRIu64 " %9" PRIu64 " %8" PRIu64 " %10" PRIu64 " %6" PRIu64 " %6" PRIu64 "\n",
					n[RERUN_IDENTICAL], n[RERUN_DIFFERENT], n[RERUN_MISSING],
					n[RERUN_ADDITIONAL], n[RERUN_GIVEN], n[RERUN_BEYOND]);
	}
	for (unsigned i = 0; i < rerun_targets(x); i++)
		if (rerun_target(x, i)->differs)
			print_difference(r, rerun_target(x, i));
}

static void print_lacks(const struct sums *s) {
	size_t i;
	json_t *one;
	json_array_foreach(s->lacks, i, one) {
		char field[CDM_NAME_MAX], text[512];
		printf("%s: not run again as it was: %s\n",
				output_text(json_string_value(json_object_get(one, "field")), field, sizeof(field)),
				output_text(json_string_value(json_object_get(one, "text")), text, sizeof(text)));
	}
}

static void print(const struct replay *r, const struct rerun *x, const struct sums *s, const char *hash, bool left) {
	uint64_t orphans, taken = rerun_taken(x, &orphans);
	const char *doubt = replay_doubt(r);
	print_targets(r, x);
	print_lacks(s);
	if (doubt)
		printf("the recording: %s\n", doubt);
	if (orphans)
		printf("%" PRIu64 " source samples were recorded after their writer's death\n", orphans);
	if (s->lives)
		printf("core was restarted within it: its rules began anew there, which the re-run follows\n");
	printf("%s%s: %" PRIu64 " samples made of %" PRIu64 ", hash %s\n", left ? "LEFT before its end: " : "",
			result_of(s), s->made, taken, hash);
}

/* Is it as it was recorded, or, under another description, done?  An exit code, explained unless it is 0. */
static int judge(const struct replay *r, const struct sums *s) {
	const json_t *first = json_array_get(s->lacks, 0);
	if (first)
		return verb_failed_hint("replay", -EBADMSG, json_string_value(json_object_get(first, "hint")),
				"not all was run again as it was; %s: %s",
				json_string_value(json_object_get(first, "field")),
				json_string_value(json_object_get(first, "text")));
	if (s->comparable == 0 && !(r->cdl && s->made > 0))
		return verb_failed_hint("replay", -EBADMSG, "`cadmus record` without names records all fields",
				"nothing was compared: the recording has nothing that rules make with what they read");
	if (r->cdl || s->same == s->compared)
		return 0;
	return verb_failed("replay", -EBADMSG, "%" PRIu64 " of %" PRIu64 " samples are not as recorded",
			s->compared - s->same, s->compared);
}

int replay_report(const struct replay *r, const struct rerun *x, bool left) {
	struct sums s = sum_up(r, x);
	struct hash h = rerun_hash(x);
	char hash[HASH_TEXT_MAX];
	hash_text(&h, 2 * HASH_BYTES, hash);
	if (r->context->json)
		report_json(r, x, &s, hash, left);
	else
		print(r, x, &s, hash, left);
	int code = judge(r, &s);
	json_decref(s.lacks);
	return code ? code : left;
}
