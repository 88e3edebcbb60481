/* event_merge.c - see event_merge.h: a reader for each process, with one record in hand; the oldest in hand is next. */
#include "store/event_merge.h"

#include <errno.h>
#include "base/clock.h"

#define STREAK 64u

_Static_assert(PLAN_PROCESSES_MAX <= WAIT_FIELDS_MAX, "one wait for all");

void event_merge_open(struct event_merge *m, struct peers *t, uint16_t process, unsigned count) {
	CHECK(process + count <= t->plan->processes.count);
	*m = (struct event_merge){ .count = count };
	for (unsigned i = 0; i < count; i++)
		event_reader_open(&m->at[i].reader, t, (uint16_t)(process + i));
}

void event_merge_close(struct event_merge *m) {
	for (unsigned i = 0; i < m->count; i++)
		event_reader_close(&m->at[i].reader);
}

void event_merge_filter(struct event_merge *m, uint64_t kinds, uint16_t source) {
	for (struct event_source *s = m->at; s < m->at + m->count; s++) {
		event_filter(&s->reader, kinds, source);
		if (s->have && !event_is_wanted(&s->reader, &s->event)) {
			event_pass_over(&s->reader, s->missed);
			s->have = false;
		}
	}
}

void event_merge_skip(struct event_merge *m) {
	for (unsigned i = 0; i < m->count; i++) {
		event_skip(&m->at[i].reader);
		m->at[i].have = false;
	}
}

static void look(struct event_source *s) {
	if (s->have)
		return;
	int rc = event_next(&s->reader, &s->event);
	s->have = rc >= 0;
	s->epoch = s->reader.epoch;
	s->missed = rc;
	if (rc < 0 && rc != -EAGAIN) {
		s->broken = true;
		event_skip(&s->reader); /* go on behind what cannot be, or nobody else's is heard of any more */
	}
}

static bool has_had_its_turn(const struct event_merge *m, const struct event_source *s) {
	return s == m->last && m->streak >= STREAK;
}

static struct event_source *oldest(struct event_merge *m) {
	struct event_source *first = NULL;
	for (struct event_source *s = m->at; s < m->at + m->count; s++) {
		look(s);
		if (s->have && (!first || has_had_its_turn(m, first) ||
				(s->event.time.ns < first->event.time.ns && !has_had_its_turn(m, s))))
			first = s;
	}
	m->streak = first && first == m->last ? m->streak + 1 : 0;
	m->last = first;
	return first;
}

int event_merge_next(struct event_merge *m, struct event_source **out) {
	*out = oldest(m);
	if (*out) {
		(*out)->have = false;
		return 0;
	}
	for (unsigned i = 0; i < m->count && !*out; i++)
		if (m->at[i].broken)
			*out = &m->at[i];
	if (!*out)
		return -EAGAIN;
	(*out)->broken = false;
	return -EPROTO;
}

uint64_t event_merge_missed(const struct event_merge *m) {
	uint64_t n = 0;
	for (unsigned i = 0; i < m->count; i++)
		n += m->at[i].reader.missed;
	return n;
}

bool event_merge_news(struct event_merge *m) {
	bool news = false;
	for (struct event_source *s = m->at; s < m->at + m->count && !news; s++)
		news = s->have || s->broken || event_news(&s->reader) != 0;
	return news;
}

/* Is there something for event_merge_next() to say?  What the filter keeps back is passed over here. */
static bool has_next(struct event_merge *m) {
	bool has = false;
	for (struct event_source *s = m->at; s < m->at + m->count; s++) {
		look(s);
		has |= s->have || s->broken;
	}
	return has;
}

int event_merge_wait(struct event_merge *m, uint32_t *told, int64_t timeout_ns) {
	struct event_reader *readers[PLAN_PROCESSES_MAX];
	const struct wait_set set = { .events = readers, .event_count = m->count, .told = told };
	int64_t until_ns = clock_deadline_ns(timeout_ns), left_ns = timeout_ns;
	for (unsigned i = 0; i < m->count; i++)
		readers[i] = &m->at[i].reader;
	for (bool over = false; !has_next(m); over = left_ns == 0) {
		if (over) /* who writes without end what is not wanted does not hold us */
			return -ETIMEDOUT;
		left_ns = clock_left_ns(until_ns);
		int rc = wait_set(&set, left_ns);
		if (rc < 0 && rc != -EPROTO) /* which the next look finds, and passes over */
			return rc;
	}
	return 0;
}
