/*
 * describe.c - who lives in a machine, what they count, which models there are: see cadmus/describe.h.
 *
 * Names and options come from the plan, life from the directory, counters from each process's own segment.
 */
#include "client/client_priv.h"

#include <errno.h>
#include <math.h>
#include <string.h>
#include "base/clock.h"
#include "store/directory.h"
#include "store/error_log.h"
#include "store/field.h"
#include "store/tally.h"

_Static_assert(CDM_PROCESS_CORE == (int)PLAN_CORE && CDM_PROCESS_GUARD == (int)PLAN_GUARD &&
		CDM_PROCESS_HOST == (int)PLAN_HOST && CDM_PROCESS_WORKER == (int)PLAN_WORKER &&
		CDM_PROCESS_GATEWAY == (int)PLAN_GATEWAY && CDM_PROCESS_CLIENT == (int)PLAN_CLIENT,
		"one enum in two places");
_Static_assert(CDM_PROCESS_FREE == (int)DIRECTORY_FREE && CDM_PROCESS_STARTING == (int)DIRECTORY_STARTING &&
		CDM_PROCESS_LIVE == (int)DIRECTORY_LIVE && CDM_PROCESS_DEAD == (int)DIRECTORY_DEAD &&
		CDM_PROCESS_STOPPED == (int)DIRECTORY_STOPPED &&
		CDM_PROCESS_SUSPECT == (int)DIRECTORY_SUSPECT, "one enum in two places");

/* ---- processes ---- */

uint32_t cdm_process_count(const struct cdm_machine *m) {
	return m->seat.plan->processes.count;
}

int cdm_process_at(const struct cdm_machine *m, uint32_t index, struct cdm_process *out) {
	const struct plan *p = m->seat.plan;
	if (index >= p->processes.count)
		return -EINVAL;
	const struct plan_process *q = &plan_processes(p)[index];
	struct directory_entry e = directory_get(&m->seat.peers.directory, (uint16_t)index);
	*out = (struct cdm_process){ .index = index, .role = q->role, .state = e.state, .epoch = e.epoch,
		.restarts = e.restarts, .essential = index == p->core || index == p->guard, .pid = e.pid,
		.started = e.started, .died = e.died };
	memcpy(out->name, q->name, sizeof(out->name));
	if (q->entity != PLAN_NONE)
		memcpy(out->entity, plan_entities(p)[q->entity].name, sizeof(out->entity));
	return 0;
}

const char *cdm_process_role_name(uint32_t role) {
	return plan_role_text(role);
}

const char *cdm_process_state_name(uint32_t state) {
	return directory_state_text(state);
}

/* ---- counters ---- */

uint32_t cdm_counter_count(void) {
	return COUNTER_COUNT;
}

const char *cdm_counter_name(uint32_t counter) {
	return counter_name(counter);
}

const char *cdm_counter_text(uint32_t counter) {
	return counter_text(counter);
}

/* ---- tallies and errors ---- */

_Static_assert(CDM_READS == (int)LAYOUT_READS && CDM_WRITES == (int)LAYOUT_WRITES && CDM_LISTENS == (int)LAYOUT_LISTENS,
		"one enum in two places");
_Static_assert(CDM_ERROR_TEXT == LAYOUT_ERROR_TEXT, "one number in two places");

/* Let `take` read in the memory of a process, until that was not exchanged meanwhile. */
static int look_into(struct cdm_machine *m, uint32_t process,
		int (*take)(const struct segment *s, uint32_t i, void *out), uint32_t i, void *out) {
	struct peers *t = &m->seat.peers;
	const struct segment *held = NULL;
	int rc = -EAGAIN;
	if (process >= m->seat.plan->processes.count)
		return -EINVAL;
	while (peers_hold(t, (uint16_t)process, &held)) {
		rc = take(held, i, out);
		if (peers_is_now(t, (uint16_t)process, held))
			break;
	}
	peers_drop(&held);
	return rc;
}

static int take_counter(const struct segment *s, uint32_t i, void *out) {
	*(uint64_t *)out = counter_get(s, (enum counter)i);
	return 0;
}

static int take_tally(const struct segment *s, uint32_t i, void *out) {
	struct layout_tally t;
	if (!tally_get(s, i, &t))
		return -ENOENT;
	*(struct cdm_tally *)out = (struct cdm_tally){ .doing = tally_doing(t.what), .index = t.what & 0xffff,
		.open = tally_is_open(t.what),
		.taken = t.taken, .leased = t.leased, .missed = t.missed, .laps = t.laps, .retries = t.retries,
		.waits = t.waits, .cursor = t.cursor };
	return 0;
}

static int take_error(const struct segment *s, uint32_t i, void *out) {
	struct cdm_error *e = out;
	struct error_record r;
	if (i >= LAYOUT_ERRORS || !error_get(s, i, &r))
		return -ENOENT;
	*e = (struct cdm_error){ .count = r.count, .first = r.first, .last = r.last };
	memcpy(e->text, r.text, sizeof(e->text));
	return 0;
}

int cdm_counter(struct cdm_machine *m, uint32_t process, uint32_t counter, uint64_t *value) {
	return counter >= COUNTER_COUNT ? -EINVAL : look_into(m, process, take_counter, counter, value);
}

/* Of something that there is? */
static bool is_of_the_plan(const struct cdm_tally *t, const struct plan *p) {
	bool field = t->doing == CDM_READS || t->doing == CDM_WRITES;
	return field ? t->index < p->fields.count : t->doing == CDM_LISTENS && t->index < p->processes.count;
}

int cdm_tally_at(struct cdm_machine *m, uint32_t process, uint32_t i, struct cdm_tally *out) {
	int rc = look_into(m, process, take_tally, i, out);
	if (rc == 0 && !is_of_the_plan(out, m->seat.plan))
		return -EPROTO;
	if (rc == 0 && !directory_is_alive(directory_get(&m->seat.peers.directory, (uint16_t)process).state))
		out->open = 0; /* the dead close nothing */
	return rc;
}

int cdm_error_at(struct cdm_machine *m, uint32_t process, uint32_t i, struct cdm_error *out) {
	return look_into(m, process, take_error, i, out);
}

void cdm_report(struct cdm_machine *m, const char *kind, const char *text) {
	error_note(&m->seat.peers.own, clock_mono(), kind, text);
}

int cdm_field_counts(struct cdm_machine *m, uint32_t field, struct cdm_field_counts *out) {
	struct field f;
	struct field_counts c;
	int rc = field >= m->seat.plan->fields.count ? -EINVAL : field_watch_open(&f, &m->seat.peers, (uint16_t)field);
	if (rc < 0)
		return rc;
	if ((rc = field_counts(&f, &c)) == 0)
		*out = (struct cdm_field_counts){ c.publishes, c.drops, c.wakes, c.degraded };
	field_close(&f);
	return rc;
}

/* ---- entities and models ---- */

double cdm_left(const struct cdm_field *f, const struct cdm_info *info, struct cdm_mono now) {
	int64_t age_ns = (now.ns ? now.ns : clock_mono().ns) - info->publish_time.ns;
	return f->half_life_ns <= 0 || age_ns <= 0 ? 1.0 : exp2(-(double)age_ns / (double)f->half_life_ns);
}

const char *cdm_option(const struct cdm_machine *m, const char *entity, const char *key) {
	uint16_t e = plan_find_entity(m->seat.plan, entity);
	return e == PLAN_NONE ? NULL : plan_find_option(m->seat.plan, e, key);
}

/* The entity of a process that answers in words, else PLAN_NONE. */
static uint16_t language_model(const struct plan *p, const struct plan_process *q) {
	bool speaks = q->role == PLAN_WORKER && q->entity != PLAN_NONE &&
		      plan_entities(p)[q->entity].sort == PLAN_LINGUISTIC;
	return speaks ? q->entity : PLAN_NONE;
}

uint32_t cdm_model_count(const struct cdm_machine *m) {
	const struct plan *p = m->seat.plan;
	uint32_t n = 0;
	for (uint32_t i = 0; i < p->processes.count; i++)
		n += language_model(p, &plan_processes(p)[i]) != PLAN_NONE;
	return n;
}

const char *cdm_model_name(const struct cdm_machine *m, uint32_t index) {
	const struct plan *p = m->seat.plan;
	for (uint32_t i = 0; i < p->processes.count; i++) {
		uint16_t e = language_model(p, &plan_processes(p)[i]);
		if (e != PLAN_NONE && index-- == 0)
			return plan_entities(p)[e].name;
	}
	return NULL;
}
