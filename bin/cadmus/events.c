/*
 * events.c - see events.h.
 *
 * We sleep until one of the rings has something, and every LOOK_MS look for messages of the parent; before one is
 * taken the rings are emptied: it may put a new segment in the place of one that died, and with it go its last words.
 */
#include "bin/cadmus/events.h"

#include <errno.h>
#include <string.h>
#include "base/clock.h"
#include "bin/cadmus/json.h"
#include "bin/cadmus/output.h"
#include "store/event_merge.h"

#define LOOK_MS 200

struct follower {
	const struct verb_context *context;
	struct seat *seat;
	struct event_merge all;
	uint64_t shown, count;
};

/* ---- one event ---- */

/* The name of what an event's a is; NULL: it has none. */
static const char *about(const struct plan *p, uint32_t kind, uint64_t a) {
	switch (event_kind_about(kind)) {
	case EVENT_ABOUT_PROCESS: return a < p->processes.count ? plan_processes(p)[a].name : NULL;
	case EVENT_ABOUT_FIELD: return a < p->fields.count ? plan_fields(p)[a].name : NULL;
	case EVENT_ABOUT_RULE: return a < p->rules.count ? plan_rules(p)[a].name : NULL;
	case EVENT_ABOUT_ENTITY: return a < p->entities.count ? plan_entities(p)[a].name : NULL;
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

const char *events_sentence(const struct plan *p, uint32_t kind, uint64_t a, uint64_t b,
		char out[EVENTS_SENTENCE_MAX]) {
	const char *name = about(p, kind, a), *m = event_kind_meaning(kind);
	size_t n = 0;
	for (; *m && n < EVENTS_SENTENCE_MAX - 64; m++) {
		if (*m != '%')
			out[n++] = *m;
		else if (*++m == 'a')
			n += (size_t)snprintf(out + n, EVENTS_SENTENCE_MAX - n, "%.*s", CDM_NAME_MAX, name
					? name : "?");
		else if (*m == 't')
			n += (size_t)snprintf(out + n, EVENTS_SENTENCE_MAX - n, "%.1f ms", (double)b / 1e6);
		else
			n += (size_t)snprintf(out + n, EVENTS_SENTENCE_MAX - n, "%llu", (unsigned long long)b);
	}
	out[n] = 0;
	return out;
}

static void print(const struct plan *p, const struct event_source *s, const char *process) {
	char time[CLOCK_TEXT_MAX], text[EVENTS_SENTENCE_MAX], own[EVENT_TEXT_MAX];
	const struct event *e = &s->event;
	const char *who = source_name(p, e);
	events_sentence(p, e->kind, e->a, e->b, text);
	memcpy(own, e->text, sizeof(own));
	if (s->missed)
		printf("%-27s %-16s (%d missed)\n", "", process, s->missed);
	printf("%s %-16s %-14s %-16s %s%s%s\n", when(e, time), process, event_kind_text(e->kind), who ? who : "-",
			text, own[0] ? ": " : "", output_clean(own, false));
}

static json_t *as_json(const struct plan *p, const struct event_source *s, const char *process) {
	char time[CLOCK_TEXT_MAX], own[EVENT_TEXT_MAX];
	const struct event *e = &s->event;
	memcpy(own, e->text, sizeof(own));
	return json_pack("{s:s,s:s,s:i,s:I,s:s,s:s?,s:s?,s:I,s:I,s:s,s:i}", "time", when(e, time), "process", process,
			"epoch", (int)s->epoch, "number", (json_int_t)e->number, "kind",
			event_kind_text(e->kind), "source", source_name(p, e), "about", about(p, e->kind, e->a), "a",
			(json_int_t)e->a, "b", (json_int_t)e->b, "text", output_clean(own, false), "missed",
			s->missed);
}

/* < 0: it could not be written. */
static int show(struct follower *f, const struct event_source *s) {
	const struct plan *p = f->seat->plan;
	const char *process = plan_processes(p)[s->reader.process].name;
	f->shown++;
	if (f->context->json)
		return json_print_line(as_json(p, s, process));
	print(p, s, process);
	return output_flush();
}

/* ---- all of them ---- */

static bool enough(const struct follower *f) {
	return f->count && f->shown >= f->count;
}

/* That some memory is not what it must be is an event itself. */
static void tell_broken(struct event_source *s) {
	s->event = (struct event){ .time = clock_mono(), .kind = EVENT_BROKEN, .source = PLAN_NONE,
		.a = s->reader.process };
	s->missed = 0;
}

/* Show what is there; < 0: it could not be written. */
static int drain(struct follower *f) {
	struct event_source *s;
	int rc, written = 0;
	while (written == 0 && !enough(f) && (rc = event_merge_next(&f->all, &s)) != -EAGAIN) {
		if (rc < 0)
			tell_broken(s);
		written = show(f, s);
	}
	return written;
}

/* < 0: the machine is gone. */
static int look_around(struct seat *s) {
	struct seat_event e;
	int rc;
	while ((rc = seat_handle(s, &e)) > 0)
		;
	return rc;
}

int events_follow(const struct verb_context *c, struct seat *s, bool only_new, uint64_t count) {
	static struct follower f;
	bool gone = false;
	f = (struct follower){ .context = c, .seat = s, .count = count };
	event_merge_open(&f.all, &s->peers, 0, s->plan->processes.count);
	if (only_new)
		event_merge_skip(&f.all);
	while (!gone && drain(&f) == 0 && !enough(&f)) { /* what could not be written, main() tells */
		(void)!event_merge_wait(&f.all, NULL, LOOK_MS * NS_PER_MS);
		if (drain(&f) < 0 || enough(&f))
			break;
		gone = look_around(s) < 0;
	}
	bool ended = gone && drain(&f) == 0 && !enough(&f);
	event_merge_close(&f.all);
	return ended ? verb_failed("watch", -EPIPE, "the machine is down") : 0;
}
