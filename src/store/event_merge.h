/*
 * event_merge.h - the events of several processes as one row.
 *
 * Records of one process come in their order; those of several by their times, as far as they are there.  Times are the
 * word of their processes: one that is always first gives the others their turn now and then.
 *
 * One thread at a time.
 */
#ifndef STORE_EVENT_MERGE_H
#define STORE_EVENT_MERGE_H

#include "store/event.h"
#include "store/wait.h"

struct event_source {
	struct event_reader reader;
	struct event event; /* the next of it, when `have` */
	uint32_t epoch;     /* of the process, when it wrote that */
	int missed;         /* just before that */
	bool have;
	bool broken;        /* something in its memory cannot be, and was passed over; nobody was told yet */
};

struct event_merge {
	unsigned count;
	const struct event_source *last; /* who had the last turn */
	unsigned streak;                 /* so many in a row */
	struct event_source at[PLAN_PROCESSES_MAX];
};

/* Of `count` processes, the first of them `process`. */
void event_merge_open(struct event_merge *m, struct peers *t, uint16_t process, unsigned count);
/* Let all of them go. */
void event_merge_close(struct event_merge *m);
/* As event_filter() of each, and of what is in hand. */
void event_merge_filter(struct event_merge *m, uint64_t kinds, uint16_t source);
/* Take all there is as read. */
void event_merge_skip(struct event_merge *m);
/*
 * The next one: 0, and it stands in (*out)->event, until the next call.  -EAGAIN: there are no more now; -EPROTO: there
 * are none, and *out is one whose memory is not what it must be; this is said once.
 */
MUST_CHECK int event_merge_next(struct event_merge *m, struct event_source **out);
/* How many were missed in all. */
uint64_t event_merge_missed(const struct event_merge *m);
/* May there be something for event_merge_next() to say?  The filter is not asked. */
bool event_merge_news(struct event_merge *m);
/*
 * Sleep until there is one that the filter lets through, or somebody's memory is not what it must be: 0, and
 * event_merge_next() says which.  Else as wait_set().
 */
MUST_CHECK int event_merge_wait(struct event_merge *m, uint32_t *told, int64_t timeout_ns);

#endif
