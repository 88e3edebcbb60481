/*
 * limits.c - processes, their segments, and whether the machine can carry them.
 *
 * Cores: a model keeps its threads busy while it works; everything else sleeps between events and
 * counts none.  Of the language models one is active at a time, so they count as the largest of them.
 * Memory: every segment, and what each process needs beyond it, declared or by its role; of the
 * language models again the largest.
 */
#include <stdio.h>
#include <string.h>
#include "lang/lang_priv.h"
#include "schema/layout.h"

#define MIB (UINT64_C(1) << 20)
#define MODEL_MIB 512 /* of a model that does not say */

struct sums {
	unsigned counts[PLAN_CLIENT + 1]; /* processes by role */
	unsigned threads;
	uint64_t segments, needs;
	char threads_text[CDM_DIAG_TEXT], memory_text[CDM_DIAG_TEXT];
};

static uint64_t role_memory(unsigned role) {
	switch (role) {
	case PLAN_CORE:
		return 64 * MIB;
	case PLAN_GUARD:
		return 8 * MIB;
	case PLAN_HOST:
		return 16 * MIB;
	case PLAN_GATEWAY:
		return 32 * MIB;
	default:
		return 0;
	}
}

static uint16_t role_leases(unsigned role) {
	switch (role) {
	case PLAN_CORE:
	case PLAN_GATEWAY:
		return 16;
	case PLAN_WORKER:
	case PLAN_CLIENT:
		return 8;
	default:
		return 4;
	}
}

/* Seats beyond the last are counted, so that the message can say how many there would be. */
static void add_process(struct lang *l, struct sums *s, unsigned role, const char *name, struct entity *e) {
	struct machine *m = &l->machine;
	s->counts[role]++;
	if (m->process_count++ >= PLAN_PROCESSES_MAX)
		return;
	struct process *p = &m->processes[m->process_count - 1];
	bool ours = role != PLAN_CLIENT && !(e && e->external);
	*p = (struct process){ .name = name, .role = (uint8_t)role,
		.start = ours ? PLAN_WITH_MACHINE : role == PLAN_CLIENT ? PLAN_WHEN_ASKED : PLAN_EXTERNAL,
		.restart = ours, .lease_quota = role_leases(role), .entity = e,
		.memory_bytes = role_memory(role) };
	const char *overflow = role == PLAN_HOST || role == PLAN_WORKER ? node_text(e->map, "event_overflow") : NULL;
	p->event_overflow = overflow ? (uint32_t)choice_find(CHOICE_OVERFLOW, overflow) : PLAN_OVERWRITE;
	if (e && e->process == PLAN_NONE)
		e->process = (uint16_t)(m->process_count - 1);
}

static void add_worker(struct lang *l, struct sums *s, struct entity *e) {
	struct machine *m = &l->machine;
	add_process(l, s, PLAN_WORKER, e->name, e);
	if (m->process_count > PLAN_PROCESSES_MAX)
		return;
	struct process *p = &m->processes[m->process_count - 1];
	long mib = node_int_or(e->map, "memory_mb", 0, 1, 16777216);
	if (!mib && !e->external)
		say(l, C0512, e->at, e->name, number_text(l, MODEL_MIB), NULL);
	p->memory_bytes = (uint64_t)(mib || e->external ? mib : MODEL_MIB) * MIB;
	p->threads = (uint8_t)node_int_or(e->map, "threads", !e->external, 1, 64);
	if (e->sort == PLAN_LINGUISTIC && e != m->first_model)
		p->start = PLAN_WHEN_ASKED;
}

static const char *text(struct lang *l, const char *a, const char *b, unsigned n) {
	char out[2 * CDM_NAME_MAX];
	int bytes = b ? snprintf(out, sizeof(out), "%s%s", a, b) : snprintf(out, sizeof(out), "%s%u", a, n);
	return arena_copy(&l->arena, out, (size_t)bytes);
}

/* One pass over the entities for each role keeps processes of a kind together. */
static void add_all(struct lang *l, struct sums *s, unsigned class) {
	struct machine *m = &l->machine;
	for (uint32_t i = 1; i < m->entity_count; i++) {
		struct entity *e = &m->entities[i];
		if (e->class != class || !e->live)
			continue;
		if (class == PLAN_SENSOR) {
			add_process(l, s, PLAN_HOST, e->name, e);
			long mib = node_int_or(e->map, "memory_mb", e->external ? 0 : 16, 1, 16777216);
			if (m->process_count <= PLAN_PROCESSES_MAX)
				m->processes[m->process_count - 1].memory_bytes = (uint64_t)mib * MIB;
		} else if (class == PLAN_ACTUATOR) {
			e->process = 1; /* the guard */
			if (node_get(e->map, "simulator"))
				add_process(l, s, PLAN_HOST, text(l, e->name, ".sim", 0), e);
		} else if (class == PLAN_MODEL) {
			add_worker(l, s, e);
		} else if (class == PLAN_COMMUNICATION) {
			add_process(l, s, PLAN_GATEWAY, e->name, e);
		}
	}
}

static void seat(struct lang *l, struct sums *s) {
	static const uint8_t order[] = { PLAN_SENSOR, PLAN_ACTUATOR, PLAN_MODEL, PLAN_COMMUNICATION };
	struct machine *m = &l->machine;
	add_process(l, s, PLAN_CORE, "core", &m->entities[0]);
	add_process(l, s, PLAN_GUARD, "guard", NULL);
	for (size_t i = 0; i < COUNT_OF(order); i++)
		add_all(l, s, order[i]);
	for (uint32_t i = 0; i < m->clients; i++)
		add_process(l, s, PLAN_CLIENT, text(l, "client_", NULL, i), NULL);
	if (m->process_count <= PLAN_PROCESSES_MAX)
		return;
	char hint[CDM_DIAG_TEXT];
	snprintf(hint, sizeof(hint), "core 1 + guard 1 + hosts %u + models %u + gateways %u + clients %u = %u",
			s->counts[PLAN_HOST], s->counts[PLAN_WORKER], s->counts[PLAN_GATEWAY],
			s->counts[PLAN_CLIENT], m->process_count);
	say(l, C0404, node_key(l->root, "entities"), number_text(l, m->process_count),
			number_text(l, PLAN_PROCESSES_MAX), hint, NULL);
	m->process_count = PLAN_PROCESSES_MAX;
}

/* ---- what one process can look after ---- */

static void check_actuators(struct lang *l) {
	unsigned count = 0;
	for (uint32_t i = 1; i < l->machine.entity_count; i++) {
		const struct entity *e = &l->machine.entities[i];
		if (e->class != PLAN_ACTUATOR || !e->live || count++ != PLAN_ACTUATORS_MAX)
			continue;
		say(l, C0406, e->at, number_text(l, PLAN_ACTUATORS_MAX), "actuators that are started", NULL);
	}
}

/* Core sleeps on the sources of all its rules at once; what moves an actuator comes with what models say. */
static void check_waits(struct lang *l) {
	const struct node *first = NULL; /* too many from here on */
	unsigned count = 0;
	for (uint32_t i = 0; i < l->machine.rule_count; i++) {
		const struct rule *r = &l->machine.rules[i];
		if (r->live && r->target && (count += r->source_count) > PLAN_WAITS_MAX && !first)
			first = node_get(r->map, "source");
	}
	if (first)
		say(l, C0410, first, number_text(l, count), number_text(l, PLAN_WAITS_MAX), NULL);
}

/* ---- who may read what ---- */

static uint64_t readers_by_role(const struct machine *m, const struct field *f) {
	uint64_t bits = 0;
	for (uint32_t p = 0; p < m->process_count; p++) {
		unsigned role = m->processes[p].role;
		if (f->command ? role == PLAN_GUARD : role == PLAN_CORE || role == PLAN_GATEWAY || role == PLAN_CLIENT)
			bits |= UINT64_C(1) << p;
	}
	return bits;
}

static void let_read(struct field *f, uint16_t process) {
	if (process < PLAN_PROCESSES_MAX && !f->command)
		f->readers |= UINT64_C(1) << process;
}

static void declared_readers(struct lang *l) {
	struct machine *m = &l->machine;
	for (uint32_t k = 1; k < m->entity_count; k++) {
		const struct node *list = node_get(m->entities[k].map, "reads");
		for (const struct node *i = node_items(list); i; i = node_next(list, i)) {
			const struct name *n = name_find(m, i->text);
			for (struct field *f = n && n->entity ? n->entity->fields : NULL; f; f = f->next_of_owner)
				let_read(f, m->entities[k].process);
			if (n && n->field)
				let_read(n->field, m->entities[k].process);
		}
	}
}

static void place_readers(struct lang *l) {
	struct machine *m = &l->machine;
	for (uint32_t i = 0; i < m->field_count; i++) {
		struct field *f = &m->fields[i];
		f->process = !f->owner || f->command ? 0 : f->owner->process;
		f->readers = readers_by_role(m, f);
	}
	declared_readers(l);
	for (uint32_t i = 0; i < m->field_count; i++)
		m->fields[i].head->readers |= m->fields[i].readers;
	for (uint32_t i = 0; i < m->field_count; i++)
		m->fields[i].readers = m->fields[i].head->readers; /* who may read one of a group may read it all */
	for (uint32_t i = 0; i < m->field_count; i++)
		if (m->fields[i].process < PLAN_PROCESSES_MAX)
			m->fields[i].readers &= ~(UINT64_C(1) << m->fields[i].process);
}

/* ---- bytes ---- */

static bool is_placed(const struct machine *m, const struct field *f) {
	return (!f->owner || f->owner->live) && f->process < m->process_count;
}

#define TALLIES_MORE 16 /* second handles of the same thing */

/* A handle for each field that it may read or writes, for each event ring, and some. */
static uint32_t tallies_of(const struct machine *m, uint32_t process) {
	uint32_t n = m->process_count + TALLIES_MORE;
	for (uint32_t i = 0; i < m->field_count; i++)
		n += m->fields[i].process == process || m->fields[i].readers >> process & 1;
	return n;
}

/* The first part: head, desk, tallies and events, for everybody. */
static void begin_segments(struct machine *m) {
	for (uint32_t p = 0; p < m->process_count; p++) {
		struct process *s = &m->processes[p];
		s->desk_offset = LAYOUT_HEAD_BYTES;
		s->tally_offset = s->desk_offset + layout_desk_bytes(s->lease_quota);
		s->tallies = tallies_of(m, p);
		s->event_offset = s->tally_offset + layout_tallies_bytes(s->tallies);
		s->segment_bytes = layout_round(s->event_offset + layout_events_bytes(), LAYOUT_PAGE);
		s->part_count = 1;
		s->parts[0].readers = UINT64_MAX >> (64 - m->process_count);
	}
}

/* The part of its writer's memory for its readers: found, or begun behind the others. */
static void find_part(struct lang *l, struct field *f) {
	struct process *s = &l->machine.processes[f->process];
	uint32_t part = 1;
	while (part < s->part_count && s->parts[part].readers != f->readers)
		part++;
	if (part == PLAN_PARTS_MAX) {
		say(l, C0415, f->at, s->name, number_text(l, PLAN_PARTS_MAX - 1), NULL);
		part = 1; /* of a plan that is refused */
	}
	f->part = (uint16_t)part;
	if (part < s->part_count)
		return;
	s->parts[part].readers = f->readers;
	s->part_count++;
}

static void place_fields_of(struct machine *m, uint32_t process) {
	struct process *s = &m->processes[process];
	for (uint32_t part = 1; part < s->part_count; part++) {
		s->parts[part].at = s->segment_bytes;
		for (struct field *f = m->fields; f < m->fields + m->field_count; f++) {
			if (!is_placed(m, f) || f->process != process || f->part != part)
				continue;
			f->offset = s->segment_bytes;
			s->segment_bytes = layout_round(s->segment_bytes + layout_field_bytes(field_slots(f), f->bytes),
					LAYOUT_ALIGN);
		}
		s->segment_bytes = layout_round(s->segment_bytes, LAYOUT_PAGE);
	}
}

static void place_fields(struct lang *l) {
	struct machine *m = &l->machine;
	begin_segments(m);
	for (uint32_t i = 0; i < m->field_count; i++)
		if (is_placed(m, &m->fields[i]))
			find_part(l, &m->fields[i]);
	for (uint32_t p = 0; p < m->process_count; p++)
		place_fields_of(m, p);
}

/* What is written down stands in the state, which has room for so many. */
static void check_durable(struct lang *l) {
	unsigned count = 0;
	for (uint32_t i = 0; i < l->machine.field_count; i++) {
		const struct field *f = &l->machine.fields[i];
		if (is_placed(&l->machine, f) && f->durability != PLAN_VOLATILE && ++count == PLAN_DURABLE_MAX + 1)
			say(l, C0406, f->durable_at, number_text(l, PLAN_DURABLE_MAX), "fields that are written down",
					NULL);
	}
}

/* ---- sums ---- */

#define TERM_MAX 80 /* name, number, and what stands between */

/* "a 1 + b 2 + ..." as far as there is room. */
static void add_term(char sum[CDM_DIAG_TEXT], const char *name, uint64_t number) {
	size_t used = strlen(sum);
	if (used + TERM_MAX < CDM_DIAG_TEXT)
		snprintf(sum + used, CDM_DIAG_TEXT - used, "%s%s %llu", used ? " + " : "", name,
				(unsigned long long)number);
	else if (sum[used - 1] != '.')
		strcpy(sum + used, " + ...");
}

/* May it run at the same time as the others?  Of the language models, the one that takes most. */
static bool counts(const struct machine *m, const struct process *p, bool by_threads) {
	if (p->role != PLAN_WORKER || p->entity->sort != PLAN_LINGUISTIC)
		return true;
	for (const struct process *q = m->processes; q < m->processes + m->process_count; q++) {
		if (q == p || q->role != PLAN_WORKER || q->entity->sort != PLAN_LINGUISTIC)
			continue;
		uint64_t mine = by_threads ? p->threads : p->memory_bytes;
		uint64_t its = by_threads ? q->threads : q->memory_bytes;
		if (its > mine || (its == mine && q < p))
			return false;
	}
	return true;
}

static void add_up(struct lang *l, struct sums *s) {
	struct machine *m = &l->machine;
	for (const struct process *p = m->processes; p < m->processes + m->process_count; p++) {
		m->memory_bytes += p->segment_bytes + p->memory_bytes;
		s->segments += p->segment_bytes;
		if (p->threads && counts(m, p, true)) {
			s->threads += p->threads;
			add_term(s->threads_text, p->name, p->threads);
		}
		if (p->memory_bytes && counts(m, p, false)) {
			s->needs += p->memory_bytes;
			add_term(s->memory_text, p->name, p->memory_bytes / MIB);
		}
	}
	add_term(s->memory_text, "shared", (s->segments + MIB - 1) / MIB);
}

/* In whole MiB: what is needed rounded up, what there is rounded down. */
static void say_memory(struct lang *l, const struct node *at, const struct sums *s, uint64_t need, uint64_t memory) {
	uint64_t need_mib = (need + MIB - 1) / MIB, memory_mib = memory / MIB;
	say(l, C0402, at, number_text(l, (double)need_mib), number_text(l, (double)memory_mib), s->memory_text,
			NULL);
}

static void check_sums(struct lang *l, const struct sums *s) {
	const struct node *budget = node_get(l->root, "budget");
	uint64_t memory = l->opt ? l->opt->memory_bytes : 0;
	unsigned cores = l->opt ? l->opt->cores : 0;
	uint64_t budget_bytes = (uint64_t)node_int_or(budget, "memory_mb", 0, 1, 16777216) * MIB;
	unsigned budget_cores = (unsigned)node_int_or(budget, "cores", 0, 1, 4096);
	const struct node *by_cores = node_key(l->root, "entities"), *by_memory = by_cores; /* or our own budget */
	if (budget_cores && (!cores || budget_cores < cores)) {
		cores = budget_cores;
		by_cores = budget;
	}
	if (budget_bytes && (!memory || budget_bytes < memory)) {
		memory = budget_bytes;
		by_memory = budget;
	}
	if (cores && s->threads > cores)
		say(l, C0401, by_cores, number_text(l, s->threads), number_text(l, cores), s->threads_text, NULL);
	uint64_t need = s->segments + s->needs;
	if (memory && need > memory)
		say_memory(l, by_memory, s, need, memory);
}

void limits(struct lang *l) {
	struct sums s = { 0 };
	seat(l, &s);
	check_actuators(l);
	check_waits(l);
	check_durable(l);
	place_readers(l);
	place_fields(l);
	add_up(l, &s);
	check_sums(l, &s);
}
