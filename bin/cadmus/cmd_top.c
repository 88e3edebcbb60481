/* cmd_top.c - processes and fields at work, from shared memory: also with the daemon dead. */
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "base/clock.h"
#include "bin/cadmus/json.h"
#include "bin/cadmus/machine.h"
#include "bin/cadmus/sample.h"

#define FIELDS_MAX 1024

struct view {
	struct seat seat;
	uint64_t version[FIELDS_MAX];
	struct cdm_mono at;
};

static void process_lines(const struct seat *s) {
	printf("%-20s %-8s %-9s %6s %11s %7s %7s %7s\n", "PROCESS", "ROLE", "STATE", "EPOCH", "publishes", "drops",
			"leases", "broken");
	for (uint16_t p = 0; p < s->plan->processes.count; p++) {
		struct directory_entry e = directory_get(&s->peers.directory, p);
		const struct segment *m = peers_get(&s->peers, p);
		if (e.state == DIRECTORY_FREE)
			continue;
		printf("%-20s %-8s %-9s %6u", plan_processes(s->plan)[p].name,
				plan_role_text(plan_processes(s->plan)[p].role), directory_state_text(e.state), e.epoch);
		if (m)
			printf(" %11llu %7llu %7llu %7llu", (unsigned long long)counter_get(m, COUNTER_publishes),
					(unsigned long long)counter_get(m, COUNTER_drops),
					(unsigned long long)counter_get(m, COUNTER_leases),
					(unsigned long long)counter_get(m, COUNTER_broken));
		putchar('\n');
	}
}

static double rate(struct view *v, uint16_t f, const struct sample *x, double seconds) {
	uint64_t before = v->version[f];
	v->version[f] = x->rc < 0 ? 0 : x->info.version;
	return seconds > 0 && v->version[f] >= before ? (double)(v->version[f] - before) / seconds : 0.0;
}

static void field_lines(struct view *v, double seconds) {
	struct sample x;
	printf("\n%-26s %10s %8s %10s %6s %-9s\n", "FIELD", "value", "Hz", "age ms", "trust", "status");
	for (uint16_t f = 0; f < v->seat.plan->fields.count && f < FIELDS_MAX; f++) {
		if (sample_read(&v->seat, f, &x) < 0)
			continue;
		printf("%-26s %10.4g %8.1f %10.1f %6.2f %-9s\n", x.field->name, sample_number(&x), rate(v, f, &x, seconds),
				ns_to_ms(mono_since(x.info.source_time, x.now)), (double)x.info.trust,
				cdm_status_name((enum cdm_status)x.info.status));
	}
}

static json_t *as_json(struct view *v, double seconds) {
	json_t *processes = json_array(), *fields = json_array();
	const struct seat *s = &v->seat;
	for (uint16_t p = 0; p < s->plan->processes.count; p++) {
		struct directory_entry e = directory_get(&s->peers.directory, p);
		const struct segment *m = peers_get(&s->peers, p);
		if (e.state == DIRECTORY_FREE)
			continue;
		json_t *counters = json_object();
		for (unsigned k = 0; m && k < COUNTER_COUNT; k++)
			json_object_set_new(counters, counter_name(k), json_integer((json_int_t)counter_get(m, (enum counter)k)));
		json_array_append_new(processes, json_pack("{s:s,s:s,s:i,s:o}", "name", plan_processes(s->plan)[p].name,
				"state", directory_state_text(e.state), "epoch", (int)e.epoch, "counters", counters));
	}
	for (uint16_t f = 0; f < s->plan->fields.count && f < FIELDS_MAX; f++) {
		struct sample x;
		if (sample_read(&v->seat, f, &x) < 0)
			continue;
		json_t *j = sample_json(&x);
		json_object_set_new(j, "rate_hz", json_real(rate(v, f, &x, seconds)));
		json_array_append_new(fields, j);
	}
	return json_pack("{s:o,s:o}", "processes", processes, "fields", fields);
}

static void show(const struct verb_context *c, struct view *v, bool clear) {
	struct cdm_mono now = clock_mono();
	double seconds = v->at.ns ? (double)mono_since(v->at, now) / 1e9 : 0.0;
	v->at = now;
	if (c->json) {
		json_print_line(as_json(v, seconds));
		return;
	}
	if (clear)
		printf("\033[H\033[2J");
	printf("%s\n", v->seat.plan->machine);
	process_lines(&v->seat);
	field_lines(v, seconds);
	fflush(stdout);
}

static int run(const struct verb_context *c, int argc, char **argv) {
	static struct view v;
	bool once = argc == 2 && strcmp(argv[1], "--once") == 0;
	if (argc > 1 && !once)
		return verb_wrong("top", "'%s' is not understood", argv[1]);
	if (machine_attach(c, "top", &v.seat))
		return 1;
	for (bool first = true; first || !once; first = false) {
		struct seat_event e;
		struct pollfd p = { .fd = seat_fd(&v.seat), .events = POLLIN };
		while (seat_handle(&v.seat, &e) > 0)
			;
		show(c, &v, c->colour);
		if (!once)
			poll(&p, 1, 1000);
	}
	seat_close(&v.seat);
	return 0;
}

VERB(top, "Show processes, counters and fields at work", "[--once]",
		"  --once   show it once and end\n"
		"Fields read zero Hz the first time: a rate needs two looks.\n"
		"examples:\n"
		"  cadmus top\n"
		"  cadmus top --once --json | jq '.fields[].field'\n",
		run);
