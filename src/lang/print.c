/* print.c - a plan for people. */
#include <inttypes.h>
#include <string.h>
#include "lang/clean.h"
#include "lang/lang_priv.h"

#define KIB 1024.0
#define MIB (1024.0 * 1024.0)

static const char *entity_name(const struct plan *p, uint16_t e) {
	return e < p->entities.count ? plan_entities(p)[e].name : "-";
}

static const char *field_name(const struct plan *p, uint16_t f) {
	return f < p->fields.count ? plan_fields(p)[f].name : "-";
}

/* "f32[8,6]" */
static void type_name(const struct plan_field *f, char *out, size_t capacity) {
	size_t used = (size_t)snprintf(out, capacity, "%s", cdm_dtype_name((enum cdm_dtype)f->dtype));
	for (unsigned i = 0; i < f->dims && used < capacity; i++)
		used += (size_t)snprintf(out + used, capacity - used, "%s%u", i ? "," : "[", f->shape[i]);
	if (f->dims && used < capacity)
		snprintf(out + used, capacity - used, "]");
}

static const char *starts(const struct plan_process *s) {
	static const char *const texts[] = { [PLAN_WHEN_ASKED] = "asked", [PLAN_WITH_MACHINE] = "yes",
		[PLAN_EXTERNAL] = "itself" };
	return s->role == PLAN_CLIENT ? "-" : texts[s->start];
}

static void print_processes(FILE *to, const struct plan *p) {
	const struct plan_process *s = plan_processes(p);
	unsigned clients = 0;
	fprintf(to, "\nprocesses                    role     starts  cores  shared KiB  memory MiB\n");
	for (uint32_t i = 0; i < p->processes.count; i++) {
		if (s[i].role == PLAN_CLIENT && clients++)
			continue;
		fprintf(to, "  %-26s %-8s %-6s %6u %11.0f %11.0f\n", s[i].role == PLAN_CLIENT ? "client_0 ..." :
				s[i].name, plan_role_text(s[i].role), starts(&s[i]), s[i].threads,
				(double)s[i].segment_bytes / KIB,
				(double)s[i].memory_bytes / MIB);
	}
	if (clients)
		fprintf(to, "  %u seats for clients\n", clients);
}

/* Names of the readers; clients are said as one. */
static void print_readers(FILE *to, const struct plan *p, uint64_t readers) {
	unsigned clients = 0;
	for (uint32_t i = 0; i < p->processes.count; i++) {
		if (!(readers >> i & 1))
			continue;
		if (plan_processes(p)[i].role == PLAN_CLIENT)
			clients++;
		else
			fprintf(to, " %s", plan_processes(p)[i].name);
	}
	if (clients)
		fprintf(to, " clients");
	fputc('\n', to);
}

static void print_fields(FILE *to, const struct plan *p) {
	fprintf(to, "\nfields                       type              bytes  slots  lent  written by    read by\n");
	const struct plan_field *f = plan_fields(p);
	for (uint32_t i = 0; i < p->fields.count; i++, f++) {
		char type[128], unit[CLEAN_MAX];
		type_name(f, type, sizeof(type));
		fprintf(to, "  %-26s %-14s %8u %6u %5u  %-12s ", f->name, type, f->bytes, f->slots, f->leases,
				plan_processes(p)[f->process].name);
		print_readers(to, p, f->readers);
		if (f->unit[0])
			fprintf(to, "  %-26s   in %s\n", "", clean_text(f->unit, unit));
		if (f->durability != PLAN_VOLATILE)
			fprintf(to, "  %-26s   written down each %u ms, %s\n", "", f->journal_ms,
					f->durability == PLAN_FULL ? "full" : "group");
	}
}

static void print_rules(FILE *to, const struct plan *p) {
	const struct plan_rule *r = plan_rules(p);
	if (p->rules.count)
		fprintf(to, "\nrules\n");
	for (uint32_t i = 0; i < p->rules.count; i++, r++) {
		fprintf(to, "  line %u:", r->line);
		for (unsigned s = 0; s < r->source_count; s++)
			fprintf(to, " %s", field_name(p, r->sources[s]));
		fprintf(to, " -> %s -> %s", plan_operation_text(r->operation),
				r->target != PLAN_NONE ? field_name(p, r->target) : entity_name(p, r->actuator));
		if (r->target != PLAN_NONE)
			fprintf(to, "; half-life %.10g ms, gain %.10g",
					(double)plan_fields(p)[r->target].half_life_ns / 1e6, r->gain);
		if (r->min_trust > 0)
			fprintf(to, "; trust at least %.10g", r->min_trust);
		if (r->max_skew_ns)
			fprintf(to, "; skew at most %.10g ms", (double)r->max_skew_ns / 1e6);
		fputc('\n', to);
	}
}

static void print_actuators(FILE *to, const struct plan *p) {
	const struct plan_actuator *a = plan_actuators(p);
	if (p->actuators.count)
		fprintf(to, "\nactuators\n");
	for (uint32_t i = 0; i < p->actuators.count; i++, a++) {
		char driver[CLEAN_MAX], bus[CLEAN_MAX];
		fprintf(to, "  %s: %s on %s, class %u; lease %.10g ms; in doubt: %s\n   ", entity_name(p, a->entity),
				clean_text(a->driver, driver), clean_text(a->bus, bus), a->safety_class,
				(double)a->lease_ns / 1e6, plan_verb_text(a->safe_verb));
		for (unsigned v = 0; v < PLAN_VERB_COUNT; v++) {
			if (a->verb_max[v] < 0)
				fprintf(to, " %s", plan_verb_text(v));
			else if (a->verb_max[v] > 0)
				fprintf(to, " %s[%d]", plan_verb_text(v), a->verb_max[v]);
		}
		fprintf(to, "\n    joints %u from node %u:", a->joint_count, a->node_base);
		for (int j = 0; j < 3; j++)
			fprintf(to, " %.10g to %.10g at %.10g deg/s%s", a->joint_min_cdeg[j] / 100.0,
					a->joint_max_cdeg[j] / 100.0, a->joint_rate_cdeg_s[j] / 100.0,
					j < 2 ? "," : "\n");
	}
}

static void print_rights(FILE *to, unsigned rights) {
	static const struct {
		unsigned right;
		const char *text;
	} all[] = { { PLAN_MAY_SAY, "say" }, { PLAN_MAY_ACTUATE, "actuate" }, { PLAN_MAY_SET, "set" },
		{ PLAN_MAY_CONTROL, "control" } };
	for (size_t i = 0; i < COUNT_OF(all); i++)
		if (rights & all[i].right)
			fprintf(to, " %s", all[i].text);
}

static void print_people(FILE *to, const struct plan *p) {
	const struct plan_entity *e = plan_entities(p);
	fprintf(to, "\nentities                     class          type         trust            strength  rights\n");
	for (uint32_t i = 0; i < p->entities.count; i++, e++) {
		fprintf(to, "  %-26s %-14s %-12s %4.2f %4.2f %4.2f %10.10g ", e->name, plan_class_text(e->class),
				plan_sort_text(e->sort), e->trust[0], e->trust[1], e->trust[2], e->trust_strength);
		print_rights(to, plan_rights(p, (uint16_t)i));
		fprintf(to, "%s\n", i == p->operator_entity ? " (holds the control socket)" : "");
	}
}

static void print_tables(FILE *to, const struct plan *p) {
	const struct plan_table *t = plan_tables(p);
	if (p->tables.count)
		fprintf(to, "\nsymbol tables\n");
	for (uint32_t i = 0; i < p->tables.count; i++, t++) {
		char hash[HASH_TEXT_MAX];
		unsigned acting = 0;
		for (uint32_t k = 0; k < t->senses.count; k++)
			acting += plan_senses(p)[t->senses.at + k].verb != PLAN_VERB_NONE;
		fprintf(to, "  %s@%s: %u senses, %u of them act\n", t->name, hash_text(&t->hash, 16, hash),
				t->senses.count, acting);
	}
}

static void print_options(FILE *to, const struct plan *p) {
	const struct plan_option *o = plan_options(p);
	if (p->options.count)
		fprintf(to, "\noptions\n");
	for (uint32_t i = 0; i < p->options.count; i++, o++) {
		char key[CLEAN_MAX], value[CLEAN_MAX];
		fprintf(to, "  %s %s = %s\n", entity_name(p, o->entity), clean_text(o->key, key),
				clean_text(o->value, value));
	}
}

/* What is live at once: of the language models one, so they are shown apart. */
static void print_sums(FILE *to, const struct plan *p) {
	uint64_t shared = 0, asked = 0, all = 0;
	unsigned cores = 0;
	for (uint32_t i = 0; i < p->processes.count; i++) {
		const struct plan_process *s = &plan_processes(p)[i];
		shared += s->segment_bytes;
		all += s->memory_bytes;
		cores += s->start != PLAN_WHEN_ASKED ? s->threads : 0;
		asked += s->start == PLAN_WHEN_ASKED && s->role == PLAN_WORKER ? s->memory_bytes : 0;
	}
	fprintf(to, "\nmemory: %.1f MiB shared + %.1f MiB of processes = %.1f MiB, %.1f of them for models that start "
			"when asked\ncores: %u kept busy by the models that start\n", (double)shared / MIB,
			(double)all / MIB, (double)(shared + all) / MIB, (double)asked / MIB, cores);
}

void lang_plan_print(FILE *to, const struct plan *p) {
	char hash[HASH_TEXT_MAX];
	fprintf(to, "machine %s, plan %s, %u bytes\n", p->machine, hash_text(&p->hash, 16, hash), p->bytes);
	print_people(to, p);
	print_processes(to, p);
	print_fields(to, p);
	print_rules(to, p);
	print_actuators(to, p);
	print_tables(to, p);
	print_options(to, p);
	print_sums(to, p);
}
