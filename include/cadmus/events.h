/*
 * events.h - what happens in the processes of a machine, and telling the others.
 *
 * Part of client.h, which says what is true of all of it: errors, ownership, threads.
 */
#ifndef CADMUS_EVENTS_H
#define CADMUS_EVENTS_H

#include <stdint.h>
#include "cadmus/types.h"

#ifdef __cplusplus
extern "C" {
#endif

struct cdm_machine;

#define CDM_EVENT_TEXT 24 /**< bytes of the text of an event, its terminating zero included */

/** A small record of what happened: in a process, for everybody. */
struct cdm_event {
	uint64_t number;      /**< 1, 2, 3 ... within a life of the process (`epoch`): a gap is what was missed */
	struct cdm_mono time; /**< when */
	uint32_t kind;        /**< see cdm_event_kind_name() */
	uint32_t process;     /**< in whose memory it stands: index of cdm_process_at() */
	uint32_t source;      /**< entity it is of, or CDM_NO_INDEX */
	uint32_t epoch;       /**< of the process: grows each time it is started, and numbers begin anew */
	uint64_t a;           /**< what the kind says of it */
	uint64_t b;           /**< what the kind says of it */
	char text[CDM_EVENT_TEXT]; /**< ended by a zero; the word of that process: it may hold anything */
};

/** Reads the events of one process, or of all. */
struct cdm_events;

/**
 * Begin with what memory still holds: all records of a process, up to 1024; once the first are gone, or where it says
 * `event_overflow: refuse`, the last 512 of them, and what was before counts as missed.  See cdm_events_skip().  A
 * process that says `refuse` waits for this reader from now on, or once it has heard of us.
 *
 * @param m        the machine
 * @param process  its name; NULL: all of them
 * @param out      the reader, yours until cdm_events_close(); NULL after a failure
 * @return 0, -ENOENT (no such process), -ENOMEM, -EBUSY (one that says `event_overflow: refuse` could not see this
 *         reader: too many of this program are open)
 * @threads any
 */
CDM_API int cdm_events_open(struct cdm_machine *m, const char *process, struct cdm_events **out);

/**
 * Close it.
 *
 * @param e  the reader, not yours any more; NULL is allowed
 * @threads one at a time, and no other function with `e` meanwhile or later
 */
CDM_API void cdm_events_close(struct cdm_events *e);

/**
 * Take only these from now on; the others are passed over, also those that came before this call.
 *
 * @param e       the reader
 * @param kinds   set: the sum of UINT64_C(1) << kind; UINT64_MAX: all
 * @param source  index of an entity; CDM_NO_INDEX: any
 * @threads one at a time
 */
CDM_API void cdm_events_filter(struct cdm_events *e, uint64_t kinds, uint32_t source);

/**
 * Go on with what happens from now on.
 *
 * @param e  the reader
 * @threads one at a time
 */
CDM_API void cdm_events_skip(struct cdm_events *e);

/**
 * Take the next one.  Those of one process come in their order; those of several by their times, as far as they are
 * there.
 *
 * @param e    the reader
 * @param out  gets the event
 * @return how many of that process were missed just before it (0: none); -EAGAIN: there are no more now; -EPROTO: some
 *         process's memory is not what it must be, and what it had was passed over
 * @threads one at a time
 */
CDM_API int cdm_events_next(struct cdm_events *e, struct cdm_event *out);

/**
 * How many were missed in all.
 *
 * @param e  the reader
 * @return the number, of all processes together
 * @threads one at a time
 */
CDM_API uint64_t cdm_events_missed(const struct cdm_events *e);

/**
 * Sleep until there is one that the filter lets through.
 *
 * @param e           the reader
 * @param timeout_ns  how long, in nanoseconds; 0: do not sleep; negative: for ever
 * @return 0, -ETIMEDOUT, -ECANCELED (cdm_interrupt()), -ECONNREFUSED (there is none, and the machine has ended).
 *         0 also where cdm_events_next() has -EPROTO to say
 * @threads one at a time
 */
CDM_API int cdm_events_wait(struct cdm_events *e, int64_t timeout_ns);

/**
 * A descriptor for poll(), epoll and event loops, as cdm_fd(): readable while cdm_events_next() may have something, and
 * for good when the machine has ended (cdm_machine_alive()).  What the filter keeps back makes it readable, too, until
 * cdm_events_next() has passed it over.
 *
 * @param e  the reader
 * @return the descriptor, the same each time, the reader's until cdm_events_close(); -ENOMEM, -errno
 * @threads one at a time
 */
CDM_API int cdm_events_fd(struct cdm_events *e);

/**
 * The number of a kind.
 *
 * @param name  "stop", "gate", "noted" ...
 * @return its number, 0 to 63; -ENOENT: no such kind
 * @threads any, signal
 */
CDM_API int cdm_event_kind(const char *name);

/**
 * Name of a kind.
 *
 * @param kind  its number
 * @return like "stop"; "?" outside the range.  Static
 * @threads any, signal
 */
CDM_API const char *cdm_event_kind_name(uint32_t kind);

/**
 * What a kind means.
 *
 * @param kind  its number
 * @return one clause, with %a and %b for the numbers; "?" outside the range.  Static
 * @threads any, signal
 */
CDM_API const char *cdm_event_kind_text(uint32_t kind);

/**
 * Tell all who listen: an event of kind "noted", of this program's own process.  No system call unless somebody sleeps
 * for it, or threads of this program that tell something meet.
 *
 * @param m     the machine
 * @param a     whatever the program means by it
 * @param b     whatever the program means by it
 * @param text  up to 23 bytes of UTF-8; NULL: none
 * @return 0; -EAGAIN: it was not written, and is counted: a listener is a whole ring behind, and the description says
 *         `event_overflow: refuse`; or other threads wrote for too long
 * @threads any
 */
CDM_API int cdm_note(struct cdm_machine *m, uint64_t a, uint64_t b, const char *text);

#ifdef __cplusplus
}
#endif

#endif
