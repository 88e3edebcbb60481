/* cmd_stat.c - who reads and writes what, how much, how far behind, and what went wrong: from shared memory. */
#include <errno.h>
#include "base/clock.h"
#include "bin/cadmus/args.h"
#include "bin/cadmus/json.h"
#include "bin/cadmus/machine.h"
#include "bin/cadmus/output.h"
#include "bin/cadmus/sample.h"
#include "store/error_log.h"
#include "store/tally.h"

/* Tallies of everybody that do that with `index`, one by one. */
struct cursor {
	struct seat *seat;
	enum layout_doing doing;
	uint16_t index, process; /* whose `tally` is */
	uint32_t next;
	struct layout_tally tally;
};

static bool next(struct cursor *c) {
	for (; c->process < c->seat->plan->processes.count; c->process++, c->next = 0) {
		bool ourselves = c->process == c->seat->process;
		const struct segment *s = ourselves ? NULL : peers_get(&c->seat->peers, c->process);
		bool over = s && directory_is_over(&c->seat->peers.directory, c->process, s->epoch);
		while (s && tally_get(s, c->next++, &c->tally)) {
			if (over) /* the dead close nothing */
				tally_mark_closed(&c->tally);
			if (tally_doing(c->tally.what) == c->doing && (c->tally.what & 0xffff) == c->index)
				return true;
		}
	}
	return false;
}

static const char *process_name(const struct seat *s, uint16_t p) {
	return plan_processes(s->plan)[p].name;
}

/* How far behind `newest` somebody is who has taken anything of this life of the writer. */
static uint64_t behind(const struct cursor *c, uint64_t newest) {
	const struct layout_tally *t = &c->tally;
	const struct plan *p = c->seat->plan;
	uint16_t writer = c->doing == LAYOUT_LISTENS ? c->index : plan_fields(p)[c->index].process;
	const struct segment *s = peers_get(&c->seat->peers, writer);
	bool counts = tally_is_open(t->what) && t->cursor > 0 && s && tally_epoch(t->what) == (s->epoch & 0xffff);
	return counts && newest > t->cursor ? newest - t->cursor : 0;
}

/* ---- lines ---- */

static void reader_lines(struct cursor *c, uint64_t newest) {
	char name[CDM_NAME_MAX + 16];
	while (next(c)) {
		snprintf(name, sizeof(name), "    %s%s", process_name(c->seat, c->process),
				tally_is_open(c->tally.what) ? "" : " (closed)");
		printf("%-30s %10llu %9llu %9llu %7llu %8llu %8llu %8llu\n", name, (unsigned long long)c->tally.taken,
				(unsigned long long)c->tally.leased, (unsigned long long)c->tally.missed,
				(unsigned long long)c->tally.laps, (unsigned long long)c->tally.retries,
				(unsigned long long)c->tally.waits, (unsigned long long)behind(c, newest));
	}
}

#define READER_HEAD "    READER                           copied  borrowed    missed    laps  retries   sleeps   behind"

/* What is known of a field without any of its readers. */
struct about {
	struct field_counts counts;
	bool has_age;   /* it has a sample */
	double age_ms;  /* since that was published */
};

static void field_lines(struct seat *s, uint16_t index, const struct about *a) {
	const struct plan_field *f = &plan_fields(s->plan)[index];
	const struct field_counts *n = &a->counts;
	printf("%-30s by %s: %llu published, %llu dropped, %llu degraded, %llu wake-ups", f->name,
			process_name(s, f->process), (unsigned long long)n->publishes, (unsigned long long)n->drops,
			(unsigned long long)n->degraded, (unsigned long long)n->wakes);
	if (a->has_age)
		printf(", the last %.1f ms ago", a->age_ms);
	putchar('\n');
	reader_lines(&(struct cursor){ .seat = s, .doing = LAYOUT_READS, .index = index }, n->publishes);
}

static void error_line(const struct seat *s, uint16_t p, struct error_record *e) {
	int64_t ns; /* as it says */
	double ago = __builtin_sub_overflow(clock_mono().ns, e->last.ns, &ns) ? 0.0 : ns_to_ms(ns) / 1e3;
	printf("%-20s %6llu times, last %.1f s ago: %s\n", process_name(s, p), (unsigned long long)e->count, ago,
			output_clean(e->text, false));
}

/* ---- JSON ---- */

static json_t *readers_json(struct cursor *c, uint64_t newest) {
	json_t *list = json_array();
	while (next(c))
		json_array_append_new(list, json_pack("{s:s,s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:b}", "process",
				process_name(c->seat, c->process), "copied", (json_int_t)c->tally.taken, "borrowed",
				(json_int_t)c->tally.leased, "missed", (json_int_t)c->tally.missed, "laps",
				(json_int_t)c->tally.laps, "retries", (json_int_t)c->tally.retries, "sleeps",
				(json_int_t)c->tally.waits, "behind", (json_int_t)behind(c, newest), "open",
				tally_is_open(c->tally.what)));
	return list;
}

static json_t *field_json(struct seat *s, uint16_t index, const struct about *a) {
	const struct plan_field *f = &plan_fields(s->plan)[index];
	const struct field_counts *n = &a->counts;
	struct cursor c = { .seat = s, .doing = LAYOUT_READS, .index = index };
	return json_pack("{s:s,s:s,s:I,s:I,s:I,s:I,s:o,s:o}", "field", f->name, "writer", process_name(s, f->process),
			"published", (json_int_t)n->publishes, "dropped", (json_int_t)n->drops, "degraded",
			(json_int_t)n->degraded, "wakes", (json_int_t)n->wakes, "age_ms",
			a->has_age ? json_real(a->age_ms) : json_null(), "readers", readers_json(&c, n->publishes));
}

static json_t *error_json(const struct seat *s, uint16_t p, struct error_record *e) {
	return json_pack("{s:s,s:I,s:I,s:I,s:s}", "process", process_name(s, p), "count", (json_int_t)e->count,
			"first_ns", (json_int_t)e->first.ns, "last_ns", (json_int_t)e->last.ns, "text",
			output_clean(e->text, false));
}

/* ---- all of it ---- */

static void put(json_t *list, json_t *one) {
	json_array_append_new(list, one);
}

/* `list` NULL: as lines. */
static void show_field(struct seat *s, uint16_t index, json_t *list) {
	struct field f;
	struct about a = { .has_age = false };
	struct cdm_info last;
	if (field_watch_open(&f, &s->peers, index) < 0)
		return; /* not for clients */
	bool there = field_counts(&f, &a.counts) == 0;
	a.has_age = there && field_peek(&f, clock_mono(), &last) == 0;
	if (a.has_age)
		a.age_ms = ns_to_ms(mono_since(last.publish_time, clock_mono()));
	field_close(&f);
	if (list)
		put(list, field_json(s, index, &a));
	else if (there)
		field_lines(s, index, &a);
}

static void show_events(struct seat *s, uint16_t p, json_t *list) {
	const struct segment *own = peers_get(&s->peers, p);
	uint64_t written = own ? counter_get(own, COUNTER_events) : 0;
	struct cursor c = { .seat = s, .doing = LAYOUT_LISTENS, .index = p };
	if (!own || written == 0)
		return;
	if (list) {
		put(list, json_pack("{s:s,s:I,s:I,s:o}", "process", process_name(s, p), "written", (json_int_t)written,
				"dropped", (json_int_t)counter_get(own, COUNTER_event_drops), "readers",
				readers_json(&c, written)));
		return;
	}
	printf("%-30s events: %llu written, %llu dropped\n", process_name(s, p), (unsigned long long)written,
			(unsigned long long)counter_get(own, COUNTER_event_drops));
	reader_lines(&c, written);
}

static unsigned show_errors(const struct seat *s, json_t *list) {
	unsigned shown = 0;
	for (uint16_t p = 0; p < s->plan->processes.count; p++) {
		const struct segment *own = peers_get(&s->peers, p);
		struct error_record e;
		for (unsigned i = 0; own && i < LAYOUT_ERRORS; i++) {
			if (!error_get(own, i, &e))
				continue;
			if (!list && shown++ == 0)
				puts("\nERRORS of processes as they live now, each sort once");
			if (list)
				put(list, error_json(s, p, &e));
			else
				error_line(s, p, &e);
		}
	}
	return shown;
}

static int show_all(const struct verb_context *c, struct seat *s) {
	json_t *fields = c->json ? json_array() : NULL, *events = c->json ? json_array() : NULL;
	json_t *errors = c->json ? json_array() : NULL;
	if (!c->json)
		puts("FIELD\n" READER_HEAD);
	for (uint16_t f = 0; f < s->plan->fields.count; f++)
		show_field(s, f, fields);
	for (uint16_t p = 0; p < s->plan->processes.count; p++)
		show_events(s, p, events);
	show_errors(s, errors);
	if (!c->json)
		return 0;
	return json_print(json_pack("{s:o,s:o,s:o}", "fields", fields, "events", events, "errors", errors));
}

static int show_one(const struct verb_context *c, struct seat *s, const char *name) {
	uint16_t f = plan_find_field(s->plan, name);
	if (f == PLAN_NONE)
		return machine_no_field("stat", s->plan, name);
	if (!(plan_fields(s->plan)[f].readers >> s->process & 1))
		return verb_failed("stat", -EACCES, "%s: the plan lets no client read it", name);
	json_t *list = c->json ? json_array() : NULL;
	if (!c->json)
		puts("FIELD\n" READER_HEAD);
	show_field(s, f, list);
	int code = c->json ? json_print(json_incref(json_array_get(list, 0))) : 0;
	json_decref(list);
	return code;
}

static int run(const struct verb_context *c, int argc, char **argv) {
	struct seat s = { .fd = -1 };
	bool errors = false;
	const struct args_option options[] = { { "--errors", ARGS_FLAG, &errors, 0, 0 }, { .name = NULL } };
	struct args a = { .verb = "stat", .options = options, .words_max = 1 };
	int code = args_take(&a, argc, argv);
	if (code == 0 && errors && a.words[0])
		code = verb_wrong("stat", "errors are those of processes: a field or --errors, not both");
	if (code == 0)
		code = machine_attach(c, "stat", &s);
	if (code)
		return code;
	if (errors && c->json) {
		json_t *list = json_array();
		show_errors(&s, list);
		code = json_print(list);
	} else if (errors) {
		if (show_errors(&s, NULL) == 0)
			puts("no errors");
	} else
		code = a.words[0] ? show_one(c, &s, a.words[0]) : show_all(c, &s);
	seat_close(&s);
	return code;
}

VERB(stat, "Show who reads and writes each field, how much, how far behind; and errors", "[FIELD] [--errors]",
		"  --errors   only what went wrong, each sort once with its count\n"
		"All counts are of the present lives of processes. A reader is one handle of a process; what a closed\n"
		"one has counted stays, and its successor goes on with it.\n"
		"examples:\n"
		"  cadmus stat\n"
		"  cadmus stat camera.frame --json | jq '.readers[] | {process, missed}'\n"
		"  cadmus stat --errors\n",
		run);
