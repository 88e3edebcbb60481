/*
 * metrics.c - GET /metrics: what the machine counts, as Prometheus' text format 0.0.4.
 *
 * Everything is read from shared memory while it is written down; nobody is asked and nothing is kept, so a machine
 * whose core hangs is seen as well as any other.  Names and meanings of the counters of processes are those of
 * the machine's own table.
 */
#include <errno.h>
#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include "base/clock.h"
#include "gateways/http/server.h"

struct sheet {
	FILE *out;
	struct cdm_machine *machine;
	struct server *server;
	struct cdm_mono now;
};

static void head(const struct sheet *s, const char *name, const char *type, const char *help) {
	fprintf(s->out, "# HELP cadmus_%s %s\n# TYPE cadmus_%s %s\n", name, help, name, type);
}

/* {name="value",more} with what the format wants escaped. */
static void labels(const struct sheet *s, const char *name, const char *value, const char *more) {
	fprintf(s->out, "{%s=\"", name);
	for (const char *p = value; *p; p++) {
		if (*p == '"' || *p == '\\')
			fputc('\\', s->out);
		if (*p == '\n')
			fputs("\\n", s->out);
		else
			fputc(*p, s->out);
	}
	fprintf(s->out, "\"%s}", more);
}

/* ---- processes ---- */

typedef bool process_value(const struct sheet *s, const struct cdm_process *p, double *value);

/* One that somebody stopped has not died. */
static bool lives(const struct cdm_process *p) {
	return p->state == CDM_PROCESS_LIVE || p->state == CDM_PROCESS_SUSPECT;
}

static bool is_live(const struct sheet *s, const struct cdm_process *p, double *value) {
	(void)s;
	*value = lives(p);
	return true;
}

static bool restarts(const struct sheet *s, const struct cdm_process *p, double *value) {
	(void)s;
	*value = p->restarts;
	return true;
}

static bool epoch(const struct sheet *s, const struct cdm_process *p, double *value) {
	(void)s;
	*value = p->epoch;
	return true;
}

static bool uptime(const struct sheet *s, const struct cdm_process *p, double *value) {
	*value = (double)mono_since(p->started, s->now) / 1e9;
	return lives(p);
}

static const struct {
	const char *name, *type, *help;
	process_value *get;
} of_process[] = {
	{ "process_up", "gauge", "1 while the process lives", is_live },
	{ "process_restarts_total", "counter", "times the process was started again", restarts },
	{ "process_epoch", "gauge", "which life of the process this is", epoch },
	{ "process_uptime_seconds", "gauge", "how long it has lived", uptime },
};

/* Places for clients appear when somebody has taken them. */
static bool shown(const struct cdm_process *p) {
	return p->state != CDM_PROCESS_FREE;
}

static void put_processes(const struct sheet *s) {
	struct cdm_process p;
	double v;
	char role[64];
	for (size_t k = 0; k < COUNT_OF(of_process); k++) {
		head(s, of_process[k].name, of_process[k].type, of_process[k].help);
		for (uint32_t i = 0; cdm_process_at(s->machine, i, &p) == 0; i++) {
			if (!shown(&p) || !of_process[k].get(s, &p, &v))
				continue;
			snprintf(role, sizeof(role), ",role=\"%s\"", cdm_process_role_name(p.role));
			fprintf(s->out, "cadmus_%s", of_process[k].name);
			labels(s, "process", p.name, role);
			fprintf(s->out, " %.9g\n", v);
		}
	}
}

/* One sample for each state there is, 1 for the one it is in. */
static void put_states(const struct sheet *s) {
	struct cdm_process p;
	char state[64];
	head(s, "process_state", "gauge", "1 for the state the process is in");
	for (uint32_t i = 0; cdm_process_at(s->machine, i, &p) == 0; i++)
		for (uint32_t k = CDM_PROCESS_STARTING; shown(&p) && k <= CDM_PROCESS_SUSPECT; k++) {
			snprintf(state, sizeof(state), ",state=\"%s\"", cdm_process_state_name(k));
			fputs("cadmus_process_state", s->out);
			labels(s, "process", p.name, state);
			fprintf(s->out, " %d\n", p.state == k);
		}
}

static void put_counters(const struct sheet *s) {
	struct cdm_process p;
	uint64_t v;
	char name[64];
	for (uint32_t c = 0; c < cdm_counter_count(); c++) {
		snprintf(name, sizeof(name), "process_%s_total", cdm_counter_name(c));
		head(s, name, "counter", cdm_counter_text(c));
		for (uint32_t i = 0; cdm_process_at(s->machine, i, &p) == 0; i++) {
			if (!shown(&p) || cdm_counter(s->machine, i, c, &v) < 0)
				continue;
			fprintf(s->out, "cadmus_%s", name);
			labels(s, "process", p.name, "");
			fprintf(s->out, " %" PRIu64 "\n", v);
		}
	}
}

/* ---- what went wrong ---- */

/* Sorts of errors of a process, and how often they came; false: it has no memory that we know of. */
static bool errors_of(const struct sheet *s, uint32_t process, uint64_t sums[2]) {
	struct cdm_error e;
	int rc;
	sums[0] = sums[1] = 0;
	for (uint32_t i = 0; (rc = cdm_error_at(s->machine, process, i, &e)) == 0; i++) {
		sums[0]++;
		sums[1] += e.count;
	}
	return rc == -ENOENT;
}

static void put_errors(const struct sheet *s) {
	static const struct {
		const char *name, *type, *help;
	} metrics[] = {
		{ "process_error_sorts", "gauge", "different sorts of errors in this life of the process" },
		{ "process_errors_total", "counter", "errors and warnings of all sorts" },
	};
	struct cdm_process p;
	uint64_t sums[2];
	for (unsigned k = 0; k < COUNT_OF(metrics); k++) {
		head(s, metrics[k].name, metrics[k].type, metrics[k].help);
		for (uint32_t i = 0; cdm_process_at(s->machine, i, &p) == 0; i++) {
			if (!shown(&p) || !errors_of(s, i, sums))
				continue;
			fprintf(s->out, "cadmus_%s", metrics[k].name);
			labels(s, "process", p.name, "");
			fprintf(s->out, " %" PRIu64 "\n", sums[k]);
		}
	}
}

/* ---- fields ---- */

enum field_metric { PUBLISHES, AGE, TRUST, STATUS, FIELD_METRICS };

/* Of the world that a sample shows; one that came while we write is not from the future. */
static double age_s(const struct sheet *s, const struct cdm_info *info) {
	int64_t ns = mono_since(info->source_time, s->now);
	return ns > 0 ? (double)ns / 1e9 : 0.0;
}

static void put_field(const struct sheet *s, enum field_metric k, const char *name, const struct cdm_info *info) {
	static const char *const names[] = { "field_publishes_total", "field_age_seconds", "field_trust",
			"field_status" };
	char status[64];
	if (k != STATUS) {
		fprintf(s->out, "cadmus_%s", names[k]);
		labels(s, "field", name, "");
	}
	switch (k) {
	case PUBLISHES: fprintf(s->out, " %" PRIu64 "\n", info->version); break;
	case AGE: fprintf(s->out, " %.9g\n", age_s(s, info)); break;
	case TRUST: fprintf(s->out, " %.6g\n", (double)info->trust); break;
	default:
		for (unsigned i = CDM_OK; i <= CDM_ORPHAN; i++) {
			fprintf(s->out, "cadmus_%s", names[k]);
			snprintf(status, sizeof(status), ",status=\"%s\"", cdm_status_name((enum cdm_status)i));
			labels(s, "field", name, status);
			fprintf(s->out, " %d\n", info->status == i);
		}
	}
}

/* The latest sample of a field, if there is one and we may see it. */
static bool peek(const struct sheet *s, const char *name, struct cdm_info *info) {
	struct cdm_reader *r;
	if (cdm_open(s->machine, name, &r) < 0)
		return false;
	int rc = cdm_peek(r, info);
	cdm_close(r);
	return rc == 0;
}

static void put_fields(const struct sheet *s) {
	static const struct {
		const char *name, *type, *help;
	} metrics[] = {
		{ "field_publishes_total", "counter", "samples published in this life of the writer" },
		{ "field_age_seconds", "gauge", "how long ago the world was like the latest sample" },
		{ "field_trust", "gauge", "lower bound of trust in the latest sample, 0 to 1" },
		{ "field_status", "gauge", "1 for the status of the latest sample" },
	};
	struct cdm_field f;
	struct cdm_info info;
	for (unsigned k = 0; k < FIELD_METRICS; k++) {
		head(s, metrics[k].name, metrics[k].type, metrics[k].help);
		for (uint32_t i = 0; cdm_describe(s->machine, i, &f) == 0; i++)
			if (peek(s, f.name, &info))
				put_field(s, (enum field_metric)k, f.name, &info);
	}
}

static void put_field_counts(const struct sheet *s) {
	static const struct {
		const char *name, *help;
		size_t at;
	} metrics[] = {
		{ "field_drops_total", "samples not published: every slot was borrowed",
			offsetof(struct cdm_field_counts, drops) },
		{ "field_wakes_total", "system calls made to wake readers", offsetof(struct cdm_field_counts, wakes) },
		{ "field_degraded_total", "samples published DEGRADED", offsetof(struct cdm_field_counts, degraded) },
	};
	struct cdm_field f;
	struct cdm_field_counts n;
	for (unsigned k = 0; k < COUNT_OF(metrics); k++) {
		head(s, metrics[k].name, "counter", metrics[k].help);
		for (uint32_t i = 0; cdm_describe(s->machine, i, &f) == 0; i++) {
			if (cdm_field_counts(s->machine, i, &n) < 0)
				continue;
			fprintf(s->out, "cadmus_%s", metrics[k].name);
			labels(s, "field", f.name, "");
			fprintf(s->out, " %" PRIu64 "\n",
					*(const uint64_t *)(const void *)((const char *)&n + metrics[k].at));
		}
	}
}

/* ---- readers ---- */

/* What the handles of a process have done with each field, together: `sums` has one for each field of the machine. */
static void sum_tallies(const struct sheet *s, uint32_t process, struct cdm_tally *sums) {
	struct cdm_tally t;
	for (uint32_t i = 0; cdm_tally_at(s->machine, process, i, &t) == 0; i++) {
		if (t.doing != CDM_READS || t.index >= cdm_field_count(s->machine))
			continue;
		struct cdm_tally *sum = &sums[t.index];
		sum->doing = CDM_READS;
		sum->taken += t.taken;
		sum->leased += t.leased;
		sum->missed += t.missed;
		sum->laps += t.laps;
		sum->retries += t.retries;
		sum->waits += t.waits;
	}
}

/* One metric of one process; `at`: where its number is in a tally. */
static void put_reader(const struct sheet *s, const char *name, size_t at, const struct cdm_process *p,
		const struct cdm_tally *sums) {
	struct cdm_field f;
	char field[CDM_NAME_MAX + 16];
	for (uint32_t i = 0; cdm_describe(s->machine, i, &f) == 0; i++) {
		if (sums[i].doing != CDM_READS)
			continue;
		snprintf(field, sizeof(field), ",field=\"%s\"", f.name);
		fprintf(s->out, "cadmus_%s", name);
		labels(s, "process", p->name, field);
		fprintf(s->out, " %" PRIu64 "\n", *(const uint64_t *)(const void *)((const char *)&sums[i] + at));
	}
}

static void put_readers(const struct sheet *s) {
	static const struct {
		const char *name, *help;
		size_t at;
	} metrics[] = {
		{ "reader_copied_total", "samples that a process read by copy", offsetof(struct cdm_tally, taken) },
		{ "reader_borrowed_total", "samples that a process borrowed", offsetof(struct cdm_tally, leased) },
		{ "reader_missed_total", "samples that went by unread", offsetof(struct cdm_tally, missed) },
		{ "reader_laps_total", "times that some went by unread", offsetof(struct cdm_tally, laps) },
		{ "reader_retries_total", "copies begun again because the writer was faster",
			offsetof(struct cdm_tally, retries) },
		{ "reader_sleeps_total", "times asleep for a sample", offsetof(struct cdm_tally, waits) },
	};
	uint32_t fields = cdm_field_count(s->machine), processes = 0;
	struct cdm_process p;
	while (cdm_process_at(s->machine, processes, &p) == 0)
		processes++;
	struct cdm_tally *sums = calloc((size_t)processes * fields + 1, sizeof(*sums));
	if (!sums)
		return; /* less is said */
	for (uint32_t i = 0; i < processes; i++)
		sum_tallies(s, i, &sums[(size_t)i * fields]);
	for (unsigned k = 0; k < COUNT_OF(metrics); k++) {
		head(s, metrics[k].name, "counter", metrics[k].help);
		for (uint32_t i = 0; i < processes; i++)
			if (cdm_process_at(s->machine, i, &p) == 0 && shown(&p))
				put_reader(s, metrics[k].name, metrics[k].at, &p, &sums[(size_t)i * fields]);
	}
	free(sums);
}

/* ---- this gateway ---- */

static void put_number(const struct sheet *s, const char *name, const char *type, const char *help, uint64_t v) {
	head(s, name, type, help);
	fprintf(s->out, "cadmus_%s %" PRIu64 "\n", name, v);
}

static uint64_t load(const uint64_t *counter) {
	return __atomic_load_n(counter, __ATOMIC_RELAXED);
}

static void put_gateway(const struct sheet *s) {
	const struct server *v = s->server;
	struct door_counts d = door_counts(v->door);
	head(s, "machine_info", "gauge", "which machine this is, and of which version");
	fputs("cadmus_machine_info", s->out);
	labels(s, "machine", cdm_machine_name(s->machine), ",version=\"" CADMUS_VERSION "\"");
	fputs(" 1\n", s->out);
	put_number(s, "http_requests_total", "counter", "requests that came in", load(&v->requests));
	put_number(s, "http_refused_total", "counter", "requests refused for their Host or Origin", load(&v->refused));
	put_number(s, "http_hung_up_total", "counter", "clients that went away before their answer was complete",
			load(&v->hung_up));
	put_number(s, "http_errors_total", "counter", "requests that were answered with an error", load(&v->errors));
	put_number(s, "http_exchanges", "gauge", "requests that core is working on", d.open);
	put_number(s, "http_exchanges_total", "counter", "requests that core was asked", d.begun);
	put_number(s, "http_asked_again_total", "counter", "requests asked again because core had died", d.again);
	put_number(s, "http_connected", "gauge", "1 while core can be asked", d.connected);
}

enum MHD_Result metrics_answer(struct call *c) {
	char *text = NULL;
	size_t bytes;
	struct sheet s = { open_memstream(&text, &bytes), door_machine(c->server->door), c->server, clock_mono() };
	if (!s.out)
		return MHD_NO;
	put_gateway(&s);
	put_processes(&s);
	put_states(&s);
	put_counters(&s);
	put_errors(&s);
	put_fields(&s);
	put_field_counts(&s);
	put_readers(&s);
	bool good = fclose(s.out) == 0;
	enum MHD_Result rc = good ? server_text(c, MHD_HTTP_OK, "text/plain; version=0.0.4; charset=utf-8", text)
			: MHD_NO;
	free(text);
	return rc;
}
