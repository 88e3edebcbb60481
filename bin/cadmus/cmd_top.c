/* cmd_top.c - processes and fields at work, from shared memory: also with the daemon dead. */
#include <errno.h>
#include <math.h>
#include <poll.h>
#include <signal.h>
#include "base/clock.h"
#include "bin/cadmus/args.h"
#include "bin/cadmus/json.h"
#include "bin/cadmus/machine.h"
#include "bin/cadmus/output.h"
#include "bin/cadmus/sample.h"
#include "store/tally.h"

struct view {
	struct seat seat;
	uint64_t version[PLAN_FIELDS_MAX];
	uint64_t laps[PLAN_FIELDS_MAX], leases[PLAN_FIELDS_MAX]; /* of all who read it */
	struct cdm_mono at;
};

/* Somebody's place in the machine, and not ours, who only look. */
static bool is_shown(const struct seat *s, uint16_t p, struct directory_entry *e) {
	*e = directory_get(&s->peers.directory, p);
	return e->state != DIRECTORY_FREE && p != s->process;
}

static void sum_readers(struct view *v) {
	const struct plan *plan = v->seat.plan;
	memset(v->laps, 0, sizeof(v->laps));
	memset(v->leases, 0, sizeof(v->leases));
	for (uint16_t p = 0; p < plan->processes.count; p++) {
		const struct segment *m = p == v->seat.process ? NULL : peers_get(&v->seat.peers, p);
		struct layout_tally t;
		for (uint32_t i = 0; m && tally_get(m, i, &t); i++) {
			uint32_t field = t.what & 0xffff;
			if (tally_doing(t.what) != LAYOUT_READS || field >= plan->fields.count)
				continue;
			v->laps[field] += t.laps;
			v->leases[field] += t.leased;
		}
	}
}

static void process_lines(const struct seat *s) {
	printf("%-20s %-8s %-9s %6s %11s %7s %7s %7s %7s\n", "PROCESS", "ROLE", "STATE", "EPOCH", "publishes", "drops",
			"leases", "broken", "skewed");
	for (uint16_t p = 0; p < s->plan->processes.count; p++) {
		struct directory_entry e;
		const struct segment *m = peers_get(&s->peers, p);
		if (!is_shown(s, p, &e))
			continue;
		printf("%-20s %-8s %-9s %6u", plan_processes(s->plan)[p].name,
				plan_role_text(plan_processes(s->plan)[p].role), directory_state_text(e.state),
				e.epoch);
		if (m)
			printf(" %11llu %7llu %7llu %7llu %7llu", (unsigned long long)counter_get(m, COUNTER_publishes),
					(unsigned long long)counter_get(m, COUNTER_drops),
					(unsigned long long)counter_get(m, COUNTER_leases),
					(unsigned long long)counter_get(m, COUNTER_broken),
					(unsigned long long)counter_get(m, COUNTER_incoherent));
		putchar('\n');
	}
}

static double rate(struct view *v, uint16_t f, const struct sample *x, double seconds) {
	uint64_t before = v->version[f];
	v->version[f] = x->rc < 0 ? 0 : x->info.version;
	return seconds > 0 && v->version[f] >= before ? (double)(v->version[f] - before) / seconds : 0.0;
}

/* What its writer counts; zeros when that is not to be had. */
static struct field_counts counts_of(struct view *v, uint16_t f) {
	struct field_counts n = { .publishes = 0 };
	struct field r;
	if (field_watch_open(&r, &v->seat.peers, f) < 0)
		return n;
	if (field_counts(&r, &n) < 0)
		n = (struct field_counts){ .publishes = 0 };
	field_close(&r);
	return n;
}

static void field_lines(struct view *v, double seconds) {
	struct sample x;
	printf("\n%-26s %10s %8s %10s %6s %-8s %7s %7s %7s %7s\n", "FIELD", "value", "Hz", "age ms", "trust", "status",
			"drops", "laps", "leases", "wakes");
	for (uint16_t f = 0; f < v->seat.plan->fields.count; f++) {
		if (sample_read(&v->seat, f, &x) < 0)
			continue;
		struct field_counts n = counts_of(v, f);
		char value[16] = "-"; /* a picture has no number */
		if (!isnan(sample_number(&x)))
			snprintf(value, sizeof(value), "%.4g", sample_number(&x));
		printf("%-26s %10s %8.1f %10.1f %6.2f %-8s %7llu %7llu %7llu %7llu\n", x.field->name, value,
				rate(v, f, &x, seconds), ns_to_ms(mono_since(x.info.source_time, x.now)),
				(double)x.info.trust, cdm_status_name((enum cdm_status)x.info.status),
				(unsigned long long)n.drops, (unsigned long long)v->laps[f],
				(unsigned long long)v->leases[f], (unsigned long long)n.wakes);
	}
}

static json_t *as_json(struct view *v, double seconds) {
	json_t *processes = json_array(), *fields = json_array();
	const struct seat *s = &v->seat;
	for (uint16_t p = 0; p < s->plan->processes.count; p++) {
		struct directory_entry e;
		const struct segment *m = peers_get(&s->peers, p);
		if (!is_shown(s, p, &e))
			continue;
		json_t *counters = json_object();
		for (unsigned k = 0; m && k < COUNTER_COUNT; k++)
			json_object_set_new(counters, counter_name(k),
					json_integer((json_int_t)counter_get(m, (enum counter)k)));
		json_array_append_new(processes, json_pack("{s:s,s:s,s:i,s:o}", "name", plan_processes(s->plan)[p].name,
				"state", directory_state_text(e.state), "epoch", (int)e.epoch, "counters", counters));
	}
	for (uint16_t f = 0; f < s->plan->fields.count; f++) {
		struct sample x;
		if (sample_read(&v->seat, f, &x) < 0)
			continue;
		struct field_counts n = counts_of(v, f);
		json_t *j = sample_json(&x);
		json_object_set_new(j, "rate_hz", json_real(rate(v, f, &x, seconds)));
		json_object_update_new(j, json_pack("{s:I,s:I,s:I,s:I,s:I}", "published", (json_int_t)n.publishes,
				"dropped", (json_int_t)n.drops, "laps", (json_int_t)v->laps[f], "borrowed",
				(json_int_t)v->leases[f], "wakes", (json_int_t)n.wakes));
		json_array_append_new(fields, j);
	}
	return json_pack("{s:o,s:o}", "processes", processes, "fields", fields);
}

/* < 0: it could not be written. */
static int show(const struct verb_context *c, struct view *v, bool parent, bool clear) {
	struct cdm_mono now = clock_mono();
	double seconds = v->at.ns ? (double)mono_since(v->at, now) / 1e9 : 0.0;
	v->at = now;
	sum_readers(v);
	if (c->json)
		return json_print_line(as_json(v, seconds));
	if (clear)
		printf("\033[H\033[2J");
	printf("%s%s\n", v->seat.plan->machine, parent ? "" : "  (its daemon is gone; this is what is in memory)");
	process_lines(&v->seat);
	field_lines(v, seconds);
	return output_flush();
}

/* Without its parent nobody is started any more, but those who live go on. */
static bool anybody_lives(const struct seat *s) {
	for (uint16_t p = 0; p < s->plan->processes.count; p++) {
		struct directory_entry e = directory_get(&s->peers.directory, p);
		if (plan_processes(s->plan)[p].role != PLAN_CLIENT && directory_is_alive(e.state) && e.pid > 0 &&
				kill(e.pid, 0) == 0)
			return true;
	}
	return false;
}

/* What came from the parent; false: it is gone. */
static bool look_around(struct seat *s) {
	struct seat_event e;
	int rc;
	while ((rc = seat_handle(s, &e)) > 0)
		;
	return rc == 0;
}

static int follow(const struct verb_context *c, struct view *v, bool once) {
	for (;;) {
		bool parent = look_around(&v->seat);
		if (!parent && !anybody_lives(&v->seat))
			return verb_failed("top", -EPIPE, "the machine is down");
		if (!parent)
			directory_lose(&v->seat.peers.directory); /* whoever wrote that: nobody says that he lives */
		if (show(c, v, parent, c->terminal && !once) < 0 || once)
			return 0;
		struct pollfd p = { .fd = parent ? seat_fd(&v->seat) : -1, .events = POLLIN };
		poll(&p, 1, 1000);
	}
}

static int run(const struct verb_context *c, int argc, char **argv) {
	static struct view v;
	bool once = false;
	const struct args_option options[] = { { "--once", ARGS_FLAG, &once, 0, 0 }, { .name = NULL } };
	struct args a = { .verb = "top", .options = options };
	int code = args_take(&a, argc, argv);
	if (code == 0)
		code = machine_attach(c, "top", &v.seat);
	if (code)
		return code;
	output_interruptible(NULL);
	code = follow(c, &v, once);
	seat_close(&v.seat);
	return code;
}

VERB(top, "Show processes, counters and fields at work", "[--once]",
		"  --once   show it once and end; without it Ctrl-C ends it\n"
		"Fields read zero Hz the first time: a rate needs two looks.\n"
		"examples:\n"
		"  cadmus top\n"
		"  cadmus top --once --json | jq '.fields[].field'\n",
		run);
