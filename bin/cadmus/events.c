/*
 * events.c - see events.h.
 *
 * Each process has a ring and we a reader with one record in hand; the oldest in hand is shown next.
 * We sleep until one of the rings has something, and every LOOK_MS look for messages of the parent; before one is
 * taken the rings are emptied: it may put a new segment in the place of one that died, and with it go its last words.
 */
#include "bin/cadmus/events.h"

#include <errno.h>
#include <string.h>
#include "base/clock.h"
#include "bin/cadmus/json.h"
#include "bin/cadmus/output.h"
#include "store/wait.h"

#define LOOK_MS 200
#define SENTENCE_MAX 256

struct source {
	struct event_reader reader;
	struct event event; /* in hand */
	int missed;         /* just before it */
	bool have;
};

struct follower {
	const struct verb_context *context;
	struct seat *seat;
	struct source at[PLAN_PROCESSES_MAX];
	uint64_t shown, count;
};

/* ---- one event ---- */

/* The name of what e->a is; NULL: it has none. */
static const char *about(const struct plan *p, const struct event *e) {
	switch (event_kind_about(e->kind)) {
	case EVENT_ABOUT_PROCESS: return e->a < p->processes.count ? plan_processes(p)[e->a].name : NULL;
	case EVENT_ABOUT_FIELD: return e->a < p->fields.count ? plan_fields(p)[e->a].name : NULL;
	case EVENT_ABOUT_RULE: return e->a < p->rules.count ? plan_rules(p)[e->a].name : NULL;
	case EVENT_ABOUT_ENTITY: return e->a < p->entities.count ? plan_entities(p)[e->a].name : NULL;
	case EVENT_ABOUT_NUMBER: break;
	}
	return NULL;
}

static const char *source_name(const struct plan *p, const struct event *e) {
	return e->source < p->entities.count ? plan_entities(p)[e->source].name : NULL;
}

/* When it was, by the calendar of now. */
static const char *when(const struct event *e, char out[CLOCK_TEXT_MAX]) {
	int64_t ago, wall;
	if (__builtin_sub_overflow(clock_mono().ns, e->time.ns, &ago) ||
			__builtin_sub_overflow(clock_wall().ns, ago, &wall))
		wall = 0;
	return clock_text((struct cdm_wall){ wall }, out);
}

/* The meaning of the kind with its words filled in. */
static void sentence(const struct plan *p, const struct event *e, char out[SENTENCE_MAX]) {
	const char *name = about(p, e), *m = event_kind_meaning(e->kind);
	size_t n = 0;
	for (; *m && n < SENTENCE_MAX - 64; m++) {
		if (*m != '%')
			out[n++] = *m;
		else if (*++m == 'a')
			n += (size_t)snprintf(out + n, SENTENCE_MAX - n, "%.*s", CDM_NAME_MAX, name ? name : "?");
		else if (*m == 't')
			n += (size_t)snprintf(out + n, SENTENCE_MAX - n, "%.1f ms", (double)e->b / 1e6);
		else
			n += (size_t)snprintf(out + n, SENTENCE_MAX - n, "%llu", (unsigned long long)e->b);
	}
	out[n] = 0;
}

static void print(const struct plan *p, const struct source *s, const char *process) {
	char time[CLOCK_TEXT_MAX], text[SENTENCE_MAX], own[EVENT_TEXT_MAX];
	const struct event *e = &s->event;
	const char *who = source_name(p, e);
	sentence(p, e, text);
	memcpy(own, e->text, sizeof(own));
	if (s->missed)
		printf("%-27s %-16s (%d missed)\n", "", process, s->missed);
	printf("%s %-16s %-14s %-16s %s%s%s\n", when(e, time), process, event_kind_text(e->kind), who ? who : "-",
			text, own[0] ? ": " : "", output_clean(own, false));
}

static json_t *as_json(const struct plan *p, const struct source *s, const char *process) {
	char time[CLOCK_TEXT_MAX], own[EVENT_TEXT_MAX];
	const struct event *e = &s->event;
	memcpy(own, e->text, sizeof(own));
	return json_pack("{s:s,s:s,s:i,s:I,s:s,s:s?,s:s?,s:I,s:I,s:s,s:i}", "time", when(e, time), "process", process,
			"epoch", (int)s->reader.epoch, "number", (json_int_t)e->number, "kind",
			event_kind_text(e->kind), "source", source_name(p, e), "about", about(p, e), "a",
			(json_int_t)e->a, "b", (json_int_t)e->b, "text", output_clean(own, false), "missed",
			s->missed);
}

/* < 0: it could not be written. */
static int show(struct follower *f, const struct source *s) {
	const struct plan *p = f->seat->plan;
	const char *process = plan_processes(p)[s->reader.process].name;
	f->shown++;
	if (f->context->json)
		return json_print_line(as_json(p, s, process));
	print(p, s, process);
	return output_flush();
}

/* ---- all of them ---- */

static void look(struct source *s) {
	if (s->have)
		return;
	s->missed = event_next(&s->reader, &s->event);
	s->have = s->missed >= 0;
	if (s->missed != -EPROTO)
		return;
	event_skip(&s->reader); /* go on behind what cannot be; that it was so is an event itself */
	s->event = (struct event){ .time = clock_mono(), .kind = EVENT_BROKEN, .source = PLAN_NONE,
		.a = s->reader.process };
	s->missed = 0;
	s->have = true;
}

static struct source *oldest(struct follower *f) {
	struct source *best = NULL;
	for (uint16_t i = 0; i < f->seat->plan->processes.count; i++) {
		struct source *s = &f->at[i];
		look(s);
		if (s->have && (!best || s->event.time.ns < best->event.time.ns))
			best = s;
	}
	return best;
}

static bool enough(const struct follower *f) {
	return f->count && f->shown >= f->count;
}

/* Show what is there; < 0: it could not be written. */
static int drain(struct follower *f) {
	int rc = 0;
	for (struct source *s; rc == 0 && !enough(f) && (s = oldest(f));) {
		rc = show(f, s);
		s->have = false;
	}
	return rc;
}

/* < 0: the machine is gone. */
static int look_around(struct seat *s) {
	struct seat_event e;
	int rc;
	while ((rc = seat_handle(s, &e)) > 0)
		;
	return rc;
}

static void sleep_for_news(struct follower *f) {
	struct event_reader *readers[PLAN_PROCESSES_MAX];
	uint16_t n = (uint16_t)f->seat->plan->processes.count;
	for (uint16_t i = 0; i < n; i++)
		readers[i] = &f->at[i].reader;
	const struct wait_set set = { .events = readers, .event_count = n };
	(void)!wait_set(&set, LOOK_MS * NS_PER_MS);
}

int events_follow(const struct verb_context *c, struct seat *s, bool only_new, uint64_t count) {
	static struct follower f;
	bool gone = false;
	f = (struct follower){ .context = c, .seat = s, .count = count };
	for (uint16_t i = 0; i < s->plan->processes.count; i++) {
		event_reader_open(&f.at[i].reader, &s->peers, i);
		if (only_new)
			event_skip(&f.at[i].reader);
	}
	while (drain(&f) == 0 && !enough(&f)) { /* what could not be written, main() tells */
		if (gone)
			return verb_failed("watch", -EPIPE, "the machine is down");
		sleep_for_news(&f);
		if (drain(&f) < 0 || enough(&f))
			break;
		gone = look_around(s) < 0;
	}
	return 0;
}
