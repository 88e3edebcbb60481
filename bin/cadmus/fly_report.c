/* fly_report.c - what a flight says while it flies, and its table of latencies. */
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>
#include "base/io.h"
#include "bin/cadmus/fly.h"

static const char *paint(const struct flight *f, const char *code) {
	return f->context->colour ? code : "";
}

#define BOLD "\033[1m"
#define GREEN "\033[32m"
#define RED "\033[31m"
#define DIM "\033[2m"
#define PLAIN "\033[0m"

void fly_measure(struct flight *f, const char *name, double target_ms, double ms) {
	unsigned i = 0;
	while (i < f->measure_count && strcmp(f->measures[i].name, name) != 0)
		i++;
	if (i == FLY_MEASURES)
		return;
	struct fly_measure *m = &f->measures[i];
	if (i == f->measure_count) {
		f->measure_count++;
		snprintf(m->name, sizeof(m->name), "%s", name);
		m->target_ms = target_ms;
	}
	if (m->count < FLY_SAMPLES)
		m->ms[m->count++] = ms;
}

void fly_say(struct flight *f, const char *format, ...) {
	va_list args;
	if (f->note_count == COUNT_OF(f->notes))
		return;
	va_start(args, format);
	vsnprintf(f->notes[f->note_count++], sizeof(f->notes[0]), format, args);
	va_end(args);
}

int fly_fail(struct flight *f, const char *format, ...) {
	va_list args;
	va_start(args, format);
	vsnprintf(f->failure, sizeof(f->failure), format, args);
	va_end(args);
	return 1;
}

void fly_begin_step(struct flight *f, unsigned number, const struct fly_step *s) {
	if (!f->context->json)
		printf("\n%s%u. %s%s  %s%s%s\n", paint(f, BOLD), number, s->name, paint(f, PLAIN), paint(f, DIM),
				s->why, paint(f, PLAIN));
	fflush(stdout);
}

static void record(struct flight *f, const char *action, bool ok, double ms) {
	json_t *notes = json_array();
	for (unsigned i = 0; i < f->note_count; i++)
		json_array_append_new(notes, json_string(f->notes[i]));
	json_array_append_new(f->results, json_pack("{s:s,s:b,s:f,s:o,s:s}", "action", action, "ok", ok, "ms", ms,
			"notes", notes, "failure", ok ? "" : f->failure));
}

void fly_passed(struct flight *f, const char *action, int64_t ns) {
	if (f->context->json)
		record(f, action, true, ns_to_ms(ns));
	else
		printf("  %sok%s %8.1f ms  %-12s %s\n", paint(f, GREEN), paint(f, PLAIN), ns_to_ms(ns), action,
				f->note_count ? f->notes[0] : "");
	for (unsigned i = 1; i < f->note_count && !f->context->json; i++)
		printf("                            %s\n", f->notes[i]);
	fflush(stdout);
	f->note_count = 0;
}

void fly_failed(struct flight *f, const char *action, unsigned line) {
	if (f->context->json)
		record(f, action, false, 0.0);
	else
		printf("  %sFAILED%s       %-12s %s (line %u)\n", paint(f, RED), paint(f, PLAIN), action, f->failure,
				line);
	fflush(stdout);
	f->note_count = 0;
}

/* ---- the table ---- */

static int by_value(const void *a, const void *b) {
	double x = *(const double *)a, y = *(const double *)b;
	return x < y ? -1 : x > y;
}

static double quantile(const struct fly_measure *m, double q) {
	double sorted[FLY_SAMPLES];
	memcpy(sorted, m->ms, m->count * sizeof(double));
	qsort(sorted, m->count, sizeof(double), by_value);
	unsigned i = (unsigned)(q * (double)(m->count - 1) + 0.5);
	return sorted[i];
}

static void cpu_name(char *out, size_t capacity) {
	static char text[16384];
	snprintf(out, capacity, "unknown CPU");
	if (io_read_file("/proc/cpuinfo", text, sizeof(text)) == -E2BIG || !strstr(text, "model name"))
		text[sizeof(text) - 1] = 0;
	const char *line = strstr(text, "model name");
	const char *value = line ? strchr(line, ':') : NULL;
	if (value)
		snprintf(out, capacity, "%.*s", (int)strcspn(value + 2, "\n"), value + 2);
}

/* How many of the samples held the target: shown, never judged, for a busy computer is not a wrong one. */
static unsigned held(const struct fly_measure *m) {
	unsigned n = 0;
	for (unsigned i = 0; i < m->count; i++)
		n += m->ms[i] < m->target_ms;
	return n;
}

/* A hundredth needs a hundred samples to be seen in. */
static void table_line(const struct fly_measure *m) {
	char p99[16] = "-", target[48] = "";
	if (m->count >= 100)
		snprintf(p99, sizeof(p99), "%.2f", quantile(m, 0.99));
	if (m->target_ms > 0.0 && held(m) == m->count)
		snprintf(target, sizeof(target), "< %-4g held by all %u", m->target_ms, m->count);
	else if (m->target_ms > 0.0)
		snprintf(target, sizeof(target), "< %-4g held by %u of %u", m->target_ms, held(m), m->count);
	printf("%-34s %6u %9.2f %9s %9.2f%s%s\n", m->name, m->count, quantile(m, 0.5), p99, quantile(m, 1.0),
			target[0] ? "   " : "", target);
}

json_t *fly_table_json(const struct flight *f) {
	json_t *all = json_array();
	for (unsigned i = 0; i < f->measure_count; i++) {
		const struct fly_measure *m = &f->measures[i];
		json_t *j = json_pack("{s:s,s:i,s:f,s:f}", "name", m->name, "n", (int)m->count, "median_ms",
				quantile(m, 0.5), "max_ms", quantile(m, 1.0));
		if (m->count >= 100)
			json_object_set_new(j, "p99_ms", json_real(quantile(m, 0.99)));
		if (m->target_ms > 0.0) {
			json_object_set_new(j, "target_ms", json_real(m->target_ms));
			json_object_set_new(j, "held_by", json_integer(held(m)));
		}
		json_array_append_new(all, j);
	}
	return all;
}

void fly_table(const struct flight *f) {
	char cpu[128];
	struct utsname u;
	if (f->context->json || f->measure_count == 0)
		return;
	cpu_name(cpu, sizeof(cpu));
	printf("\n%-34s %6s %9s %9s %9s   %s\n", "latency, ms", "n", "median", "p99", "max", "source report");
	for (unsigned i = 0; i < f->measure_count; i++)
		table_line(&f->measures[i]);
	if (uname(&u) == 0)
		printf("measured on %s, %ld cores, Linux %s; nothing removed\n", cpu, sysconf(_SC_NPROCESSORS_ONLN),
				u.release);
	printf("targets are shown, not judged\n");
}
