/* events.c - events of processes for programs: see cadmus/events.h. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "base/clock.h"
#include "client/client_priv.h"

struct cdm_events {
	struct cdm_machine *machine;
	uint32_t interrupts; /* of the machine, as the last wait told them */
	uint32_t generation; /* of the peers, likewise */
	struct bell *bell;   /* its descriptor, if it was asked for one */
	struct event_merge all;
};

_Static_assert(CDM_EVENT_TEXT == EVENT_TEXT_MAX, "one number in two places");

int cdm_events_open(struct cdm_machine *m, const char *process, struct cdm_events **out) {
	uint16_t one = process ? plan_find_process(m->seat.plan, process) : 0;
	unsigned count = process ? 1 : m->seat.plan->processes.count;
	*out = NULL;
	if (one == PLAN_NONE)
		return -ENOENT;
	struct cdm_events *e = calloc(1, sizeof(*e));
	if (!e)
		return -ENOMEM;
	e->machine = m;
	e->interrupts = __atomic_load_n(&m->interrupts, __ATOMIC_SEQ_CST);
	e->generation = __atomic_load_n(&m->seat.peers.generation, __ATOMIC_SEQ_CST);
	event_merge_open(&e->all, &m->seat.peers, one, count);
	client_keep(m);
	bool seen = true; /* one that a writer is to wait for must be seen by it, and begins now */
	for (unsigned i = 0; i < count; i++) {
		struct event_reader *r = &e->all.at[i].reader;
		seen &= !r->late || r->tally != &m->seat.peers.unseen;
		(void)!event_news(r);
	}
	if (seen)
		*out = e;
	else
		cdm_events_close(e);
	return seen ? 0 : -EBUSY;
}

void cdm_events_close(struct cdm_events *e) {
	if (!e)
		return;
	if (e->bell)
		bell_close(&e->machine->bells, e->bell);
	event_merge_close(&e->all);
	client_let_go(e->machine);
	free(e);
}

int cdm_events_fd(struct cdm_events *e) {
	int rc = e->bell ? 0 : bell_open_events(&e->machine->bells, &e->all, &e->bell);
	return rc < 0 ? rc : bell_fd(e->bell);
}

static void arm(struct cdm_events *e) {
	if (e->bell)
		bell_arm_events(&e->machine->bells, e->bell, &e->all);
}

void cdm_events_filter(struct cdm_events *e, uint64_t kinds, uint32_t source) {
	event_merge_filter(&e->all, kinds, source < PLAN_NONE ? (uint16_t)source : PLAN_NONE);
	arm(e);
}

void cdm_events_skip(struct cdm_events *e) {
	event_merge_skip(&e->all);
	arm(e);
}

int cdm_events_next(struct cdm_events *e, struct cdm_event *out) {
	struct event_source *s;
	int rc = event_merge_next(&e->all, &s);
	arm(e);
	if (rc < 0)
		return rc;
	*out = (struct cdm_event){ .number = s->event.number, .time = s->event.time, .kind = s->event.kind,
		.process = s->reader.process, .source = s->event.source, .epoch = s->epoch,
		.a = s->event.a, .b = s->event.b };
	memcpy(out->text, s->event.text, sizeof(out->text));
	return s->missed;
}

uint64_t cdm_events_missed(const struct cdm_events *e) {
	return event_merge_missed(&e->all);
}

int cdm_events_wait(struct cdm_events *e, int64_t timeout_ns) {
	int64_t until_ns = clock_deadline_ns(timeout_ns);
	for (;;) {
		bool ended = !cdm_machine_alive(e->machine);
		int rc = event_merge_wait(&e->all, &e->generation, client_patience(ended, clock_left_ns(until_ns)));
		if (rc == -ETIMEDOUT && ended)
			return -ECONNREFUSED;
		if (rc != -ECANCELED || client_was_interrupted(e->machine, &e->interrupts))
			return rc;
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
