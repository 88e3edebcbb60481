/*
 * event.h - what happened, as small records on a broadcast ring in each process's segment.
 *
 * One process writes, any number of readers follow at their own pace with a cursor of their own.  The
 * ring never waits.  What a slow reader loses is said to it, or to the writer, as the plan has it (PLAN_REFUSE).
 *
 * event_write(): any thread of the owner; two that meet take turns for a moment, then give each other the processor for
 * another one, and if that does not help the record is dropped and counted; one system call if somebody sleeps for it
 * (wait.h).  event_next(): one thread per struct event_reader.
 */
#ifndef STORE_EVENT_H
#define STORE_EVENT_H

#include "store/desk.h"

enum event_kind {
#define EVENT(name, text, about, meaning) EVENT_##name,
#include "store/event.def"
#undef EVENT
	EVENT_KIND_COUNT
};

enum event_about {
	EVENT_ABOUT_NUMBER, /* of a command, or nothing */
	EVENT_ABOUT_PROCESS,
	EVENT_ABOUT_FIELD,
	EVENT_ABOUT_RULE,
	EVENT_ABOUT_ENTITY
};

#define EVENT_TEXT_MAX 24

struct event {
	uint64_t number;      /* 1, 2, 3 ... within an epoch of the process */
	struct cdm_mono time;
	uint16_t kind;        /* enum event_kind */
	uint16_t source;      /* entity, or PLAN_NONE */
	uint32_t reserved;
	uint64_t a, b;        /* event.def says what */
	char text[EVENT_TEXT_MAX]; /* zero terminated, cut on a character */
};

struct event_writer {
	const struct segment *own; /* borrowed */
	struct desk_view desks;    /* of everybody; under `busy` */
	struct layout_events *ring;
	uint32_t busy;             /* atomic: a thread is writing */
	bool refuses;              /* PLAN_REFUSE */
	uint64_t number;           /* of the newest record */
	uint64_t slowest, looked;  /* every listener had come so far when we looked, at that record */
};

struct event_reader {
	struct peers *peers;
	const struct segment *segment; /* of the process, as peers.h lets a handle hold it */
	struct layout_tally *tally;    /* what we count */
	uint16_t process;
	uint32_t epoch;
	uint64_t number;           /* of the last record taken */
	uint64_t missed;           /* in all */
	uint64_t gap;              /* of these, the ones that the next record is to tell of */
	uint64_t filtered;         /* records that were not of the wanted kinds or source, in all */
	uint64_t kinds;            /* set of 1 << enum event_kind that is wanted; all at first */
	uint16_t source;           /* wanted; PLAN_NONE: any, at first */
	bool late;                 /* PLAN_REFUSE: begin half a ring behind */
	uint64_t first;            /* of a life that is new to us: behind it we begin, as our tally tells the writer */
	uint32_t generation;       /* of the peers, as the last wait told it */
};

/* `peers` has its own segment, which outlives w. */
void event_writer_open(struct event_writer *w, const struct peers *t);
/* Let go of what it holds of readers. */
void event_writer_close(struct event_writer *w);
/* text may be NULL.  false: dropped and counted; also where the plan says so and a listener is a whole ring behind. */
bool event_write(struct event_writer *w, struct cdm_mono now, enum event_kind kind, uint16_t source,
		uint64_t a, uint64_t b, const char *text);

/*
 * Begins with record 1, or half of the ring behind the newest when that is gone, or PLAN_REFUSE: what was before
 * counts as missed.
 */
void event_reader_open(struct event_reader *r, struct peers *t, uint16_t process);
/* One that counts nothing, and for which no writer waits: for event_news() alone. */
void event_watch_open(struct event_reader *r, struct peers *t, uint16_t process);
/* Be where another one of the same process is. */
void event_follow(struct event_reader *r, const struct event_reader *other);
/* Let go of the process's memory.  No-op on a zeroed or closed one. */
void event_reader_close(struct event_reader *r);
/* Take only records of these kinds, and, unless PLAN_NONE, of this source; others are passed over and counted. */
void event_filter(struct event_reader *r, uint64_t kinds, uint16_t source);
/* Does it let that record through? */
bool event_is_wanted(const struct event_reader *r, const struct event *e);
/* 1: there is a record that was not looked at.  0, -EPROTO. */
MUST_CHECK int event_news(struct event_reader *r);
/* Take all there is as read. */
void event_skip(struct event_reader *r);
/*
 * Copy the next record.  0 or more: how many were missed just before it; -EAGAIN: none, or no such
 * process yet; -EPROTO.
 */
MUST_CHECK int event_next(struct event_reader *r, struct event *out);
/* The record that event_next() gave, with so many missed before it, is passed over after all, as by the filter. */
void event_pass_over(struct event_reader *r, int missed);

/* The word that changes with each record, in the mapping that the last call held; NULL: none. */
const uint32_t *event_word(const struct event_reader *r);

/* "deadline", and what it means, with %a, %b and %t as event.def says; "?" outside the enum. */
const char *event_kind_text(unsigned kind);
const char *event_kind_meaning(unsigned kind);
/* What the `a` of such an event is; NUMBER outside the enum. */
enum event_about event_kind_about(unsigned kind);

#endif
