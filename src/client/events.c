/*
 * events.c - events of processes for programs: see cadmus/client.h.
 *
 * Each process has a ring and we a reader with one record in hand; the oldest in hand is given out next, so records of
 * one process are in order, and those of several are by their times as far as they have come.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "base/clock.h"
#include "client/client_priv.h"
#include "store/wait.h"

struct source {
	struct event_reader reader;
	struct event event; /* in hand */
	int missed;         /* just before it */
	bool have;
};

struct cdm_events {
	struct cdm_machine *machine;
	uint32_t interrupts; /* of the machine, as the last wait told them */
	uint32_t generation; /* of the peers, likewise */
	const struct source *last; /* whose record was given out last */
	unsigned streak;           /* so many in a row */
	unsigned count;
	struct source at[];
};

_Static_assert(CDM_EVENT_TEXT == EVENT_TEXT_MAX, "one number in two places");
_Static_assert(PLAN_PROCESSES_MAX <= WAIT_FIELDS_MAX, "one wait for all");

int cdm_events_open(struct cdm_machine *m, const char *process, struct cdm_events **out) {
	uint16_t one = process ? plan_find_process(m->seat.plan, process) : 0;
	unsigned count = process ? 1 : m->seat.plan->processes.count;
	*out = NULL;
	if (one == PLAN_NONE)
		return -ENOENT;
	struct cdm_events *e = calloc(1, sizeof(*e) + count * sizeof(e->at[0]));
	if (!e)
		return -ENOMEM;
	e->machine = m;
	e->count = count;
	e->interrupts = __atomic_load_n(&m->interrupts, __ATOMIC_SEQ_CST);
	e->generation = __atomic_load_n(&m->seat.peers.generation, __ATOMIC_SEQ_CST);
	bool seen = true; /* one that a writer is to wait for must be seen by it */
	for (unsigned i = 0; i < count; i++) {
		struct event_reader *r = &e->at[i].reader;
		event_reader_open(r, &m->seat.peers, (uint16_t)(one + i));
		seen &= !r->late || r->tally != &m->seat.peers.unseen;
	}
	client_keep(m);
	if (seen)
		*out = e;
	else
		cdm_events_close(e);
	return seen ? 0 : -EBUSY;
}

void cdm_events_close(struct cdm_events *e) {
	if (!e)
		return;
	for (unsigned i = 0; i < e->count; i++)
		event_reader_close(&e->at[i].reader);
	client_let_go(e->machine);
	free(e);
}

void cdm_events_filter(struct cdm_events *e, uint64_t kinds, uint32_t source) {
	for (unsigned i = 0; i < e->count; i++)
		event_filter(&e->at[i].reader, kinds, source < PLAN_NONE ? (uint16_t)source : PLAN_NONE);
}

void cdm_events_skip(struct cdm_events *e) {
	for (unsigned i = 0; i < e->count; i++) {
		event_skip(&e->at[i].reader);
		e->at[i].have = false;
	}
}

#define STREAK 64u

/* Times are the word of their processes: whoever is always first gives others their turn now and then. */
static bool has_had_its_turn(const struct cdm_events *e, const struct source *s) {
	return s == e->last && e->streak >= STREAK;
}

/* The one with the oldest in hand; NULL: none has any.  < 0 in *rc: a ring that lies. */
static struct source *oldest(struct cdm_events *e, int *rc) {
	struct source *first = NULL;
	for (struct source *s = e->at; s < e->at + e->count; s++) {
		int got = s->have ? 0 : event_next(&s->reader, &s->event);
		if (got < 0 && got != -EAGAIN) {
			*rc = got;
			event_skip(&s->reader); /* go on behind what cannot be, or nobody else's is heard of any more */
		}
		if (!s->have && got >= 0) {
			s->have = true;
			s->missed = got;
		}
		if (s->have && (!first || has_had_its_turn(e, first) ||
				(s->event.time.ns < first->event.time.ns && !has_had_its_turn(e, s))))
			first = s;
	}
	e->streak = first && first == e->last ? e->streak + 1 : 0;
	e->last = first;
	return first;
}

int cdm_events_next(struct cdm_events *e, struct cdm_event *out) {
	int rc = -EAGAIN;
	struct source *s = oldest(e, &rc);
	if (!s)
		return rc;
	*out = (struct cdm_event){ .number = s->event.number, .time = s->event.time, .kind = s->event.kind,
		.process = s->reader.process, .source = s->event.source, .a = s->event.a, .b = s->event.b };
	memcpy(out->text, s->event.text, sizeof(out->text));
	s->have = false;
	return s->missed;
}

uint64_t cdm_events_missed(const struct cdm_events *e) {
	uint64_t n = 0;
	for (unsigned i = 0; i < e->count; i++)
		n += e->at[i].reader.missed;
	return n;
}

int cdm_events_wait(struct cdm_events *e, int64_t timeout_ns) {
	struct event_reader *readers[PLAN_PROCESSES_MAX];
	const struct wait_set all = { .events = readers, .event_count = e->count, .told = &e->generation };
	int64_t until_ns = clock_deadline_ns(timeout_ns);
	for (unsigned i = 0; i < e->count; i++) {
		readers[i] = &e->at[i].reader;
		if (e->at[i].have)
			return 0;
	}
	for (;;) {
		int rc = wait_set(&all, clock_left_ns(until_ns));
		if (rc != -ECANCELED || client_was_interrupted(e->machine, &e->interrupts))
			return rc < 0 ? rc : 0;
	}
}

int cdm_event_kind(const char *name) {
	for (unsigned k = 0; k < EVENT_KIND_COUNT; k++)
		if (strcmp(event_kind_text(k), name) == 0)
			return (int)k;
	return -ENOENT;
}

const char *cdm_event_kind_name(uint32_t kind) {
	return event_kind_text(kind);
}

const char *cdm_event_kind_text(uint32_t kind) {
	return event_kind_meaning(kind);
}

int cdm_note(struct cdm_machine *m, uint64_t a, uint64_t b, const char *text) {
	uint16_t entity = seat_process(&m->seat)->entity;
	return event_write(&m->events, clock_mono(), EVENT_NOTED, entity, a, b, text) ? 0 : -EAGAIN;
}
