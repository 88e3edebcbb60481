/* report.c - see report.h. */
#include "hal/report.h"

#include <string.h>

#define MIB (1024.0 * 1024)
#define GIB (1024.0 * MIB)

/* ---- for people ---- */

static void print_bytes(FILE *out, uint64_t bytes) {
	if (bytes >= 1u << 30)
		fprintf(out, "%.1f GiB", (double)bytes / GIB);
	else if (bytes >= 1u << 20)
		fprintf(out, "%.4g MiB", (double)bytes / MIB);
	else
		fprintf(out, "%.0f KiB", (double)bytes / 1024);
}

static void print_processors(const struct hal_processors *p, FILE *out) {
	fprintf(out, "processors     %s%s%u threads on %u cores, %u package%s, %u NUMA node%s\n",
			p->model, p->model[0] ? ": " : "", p->threads, p->cores, p->packages,
			p->packages == 1 ? "" : "s", p->nodes, p->nodes == 1 ? "" : "s");
	if (hal_usable_threads(p) < p->threads)
		fprintf(out, "               of which this process may keep %u busy\n",
				hal_usable_threads(p));
	for (uint32_t k = 0; k < p->cache_count; k++) {
		fprintf(out, "               cache L%u%c: %u of ", p->caches[k].level,
				p->caches[k].type == 'u' ? ' ' : p->caches[k].type, p->caches[k].count);
		print_bytes(out, p->caches[k].bytes);
		fputc('\n', out);
	}
	for (uint32_t n = 0; p->nodes > 1 && n < p->nodes && n < HAL_NODES_MAX; n++) {
		fprintf(out, "               NUMA node %u: ", n);
		print_bytes(out, p->node_bytes[n]);
		fputc('\n', out);
	}
}

static void print_memory(const struct hal_memory_facts *m, FILE *out) {
	fprintf(out, "memory         ");
	print_bytes(out, m->bytes);
	fprintf(out, ", ");
	print_bytes(out, m->available);
	fprintf(out, " available");
	if (m->limit) {
		fprintf(out, "; the control group allows ");
		print_bytes(out, m->limit);
	}
	if (m->huge_free) {
		fprintf(out, "; %llu free huge pages of ", (unsigned long long)m->huge_free);
		print_bytes(out, m->huge_page);
	}
	fputc('\n', out);
}

static void print_device(const struct hal_device *d, FILE *out) {
	fprintf(out, "  %-14s %s", d->node[0] ? d->node : d->driver, d->name);
	if (d->node[0] && d->driver[0])
		fprintf(out, " (%s)", d->driver);
	if (d->has_value)
		fprintf(out, ": %.4g %s", d->value, strcmp(d->unit, "Cel") == 0 ? "°C" : d->unit);
	if (d->detail[0])
		fprintf(out, ", %s", d->detail);
	if (d->problem[0])
		fprintf(out, " [%s]", d->problem);
	fputc('\n', out);
}

void hal_print(const struct hal_inventory *i, FILE *out) {
	print_processors(&i->processors, out);
	print_memory(&i->memory, out);
	for (unsigned kind = 0; kind < HAL_KIND_COUNT; kind++) {
		uint32_t n = hal_count(i, (enum hal_kind)kind);
		fprintf(out, "%s%s\n", hal_kind_heading(kind), n ? "" : ": none");
		for (uint32_t k = 0; k < i->count; k++)
			if (i->devices[k].kind == kind)
				print_device(&i->devices[k], out);
	}
	if (i->dropped)
		fprintf(out, "and %u more that are not listed\n", i->dropped);
}

/* ---- for programs ---- */

static json_t *json_processors(const struct hal_processors *p) {
	json_t *caches = json_array(), *nodes = json_array();
	for (uint32_t k = 0; k < p->cache_count; k++)
		json_array_append_new(caches,
				json_pack("{s:i, s:s#, s:i, s:I}", "level", (int)p->caches[k].level,
						"type", &p->caches[k].type, 1, "count",
						(int)p->caches[k].count, "bytes",
						(json_int_t)p->caches[k].bytes));
	for (uint32_t n = 0; n < p->nodes && n < HAL_NODES_MAX; n++)
		json_array_append_new(nodes, json_integer((json_int_t)p->node_bytes[n]));
	return json_pack("{s:s, s:i, s:i, s:i, s:i, s:o, s:o}", "model", p->model, "threads",
			(int)p->threads, "cores", (int)p->cores, "packages", (int)p->packages,
			"usable_threads", (int)hal_usable_threads(p), "caches", caches,
			"numa_node_bytes", nodes);
}

static json_t *json_memory(const struct hal_memory_facts *m) {
	return json_pack("{s:I, s:I, s:o, s:I, s:I}", "bytes", (json_int_t)m->bytes, "available",
			(json_int_t)m->available, "limit",
			m->limit ? json_integer((json_int_t)m->limit) : json_null(), "huge_page",
			(json_int_t)m->huge_page, "huge_free", (json_int_t)m->huge_free);
}

static json_t *text_or_null(const char *s) {
	return s[0] ? json_string(s) : json_null();
}

static json_t *json_device(const struct hal_device *d) {
	json_t *j = json_pack("{s:s, s:s, s:o, s:o, s:o, s:o, s:o}", "kind", hal_kind_text(d->kind),
			"name", d->name, "node", text_or_null(d->node), "driver",
			text_or_null(d->driver), "place", text_or_null(d->place), "detail",
			text_or_null(d->detail), "problem", text_or_null(d->problem));
	json_object_set_new(j, "numa", d->numa >= 0 ? json_integer(d->numa) : json_null());
	if (d->unit[0]) {
		json_object_set_new(j, "value", d->has_value ? json_real(d->value) : json_null());
		json_object_set_new(j, "unit", json_string(d->unit));
	}
	return j;
}

json_t *hal_json(const struct hal_inventory *i) {
	json_t *devices = json_array();
	for (uint32_t k = 0; k < i->count; k++)
		json_array_append_new(devices, json_device(&i->devices[k]));
	return json_pack("{s:o, s:o, s:o, s:i}", "processors", json_processors(&i->processors),
			"memory", json_memory(&i->memory), "devices", devices, "dropped",
			(int)i->dropped);
}
