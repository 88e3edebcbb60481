/*
 * read.h - samples of others: by copy, by borrowing, in order, of several fields at one time; and waiting for them.
 *
 * Part of client.h, which says what is true of all of it: errors, ownership, threads.
 */
#ifndef CADMUS_READ_H
#define CADMUS_READ_H

#include <stddef.h>
#include <stdint.h>
#include "cadmus/describe.h"
#include "cadmus/types.h"

#ifdef __cplusplus
extern "C" {
#endif

struct cdm_machine;

/** Your place in the samples of one field. */
struct cdm_reader;

/**
 * A reader of one field.  The field need not have a writer yet.
 *
 * @param m      the machine
 * @param field  name of the field
 * @param out    the reader, yours until cdm_close(); NULL after a failure
 * @return 0, -ENOENT (no such field), -EACCES, -ENOMEM
 * @threads any
 */
CDM_API int cdm_open(struct cdm_machine *m, const char *field, struct cdm_reader **out);

/**
 * Close it.  Samples borrowed with it stay borrowed.
 *
 * @param r  the reader, not yours any more; NULL is allowed
 * @threads one at a time, for the writers that cdm_derive() has named it to as well; and no other function with `r`
 *          meanwhile or later
 */
CDM_API void cdm_close(struct cdm_reader *r);

/* ---- by copy ------------------------------------------------------------------------------------- */

/**
 * Copy the latest sample.
 *
 * @param r         the reader
 * @param out       `capacity` bytes for it; not NULL: what is known of a sample without its bytes, cdm_peek() says.
 *                  It gets elements of the field's type in C order, as cdm_describe() has their type and shape
 * @param capacity  room in `out`; cdm_field.bytes always suffice
 * @param info      gets what is known of it; may be NULL.  info->bytes of `out` are valid.
 *                  info->status is the worst, that is the last in enum cdm_status, of what the writer said, CDM_STALE
 *                  (older than max_age_ns) and CDM_ORPHAN (its writer is gone).
 * @return 0, -EAGAIN, -E2BIG, -EPROTO, -EINVAL (`out` is NULL: nothing was taken)
 * @threads one at a time
 */
CDM_API int cdm_read(struct cdm_reader *r, void *out, size_t capacity, struct cdm_info *info);

/**
 * What is known of the latest sample, without its bytes.  Takes nothing.
 *
 * @param r     the reader
 * @param info  gets it; NULL: is there one at all?
 * @return 0, -EAGAIN, -EPROTO
 * @threads one at a time
 */
CDM_API int cdm_peek(struct cdm_reader *r, struct cdm_info *info);

/**
 * Copy the next sample in order.  A new reader begins with sample 1, or half of the history
 * behind the newest when that is gone; after a restart of the writer, with its first sample
 * (info->epoch tells).
 *
 * @param r         the reader
 * @param out       `capacity` bytes for it, as cdm_read()
 * @param capacity  room in `out`
 * @param info      gets what is known of it, as cdm_read(); may be NULL
 * @return how many samples were missed just before this one, because we were slower than the
 *         history is long; -EAGAIN (nothing new), -E2BIG, -EPROTO, -EINVAL (`out` is NULL)
 * @threads one at a time
 */
CDM_API int cdm_next(struct cdm_reader *r, void *out, size_t capacity, struct cdm_info *info);

/**
 * Copy the newest sample whose source_time is not after `at`: what was known of that moment.
 * It does not count as taken.
 *
 * @param r         the reader
 * @param at        the moment
 * @param out       `capacity` bytes for it, as cdm_read()
 * @param capacity  room in `out`
 * @param info      gets what is known of it, as cdm_read(); may be NULL
 * @return 0, -EAGAIN (also when the history does not reach that far), -E2BIG, -EPROTO, -EINVAL (`out` is NULL)
 * @threads one at a time
 */
CDM_API int cdm_read_at(struct cdm_reader *r, struct cdm_mono at, void *out, size_t capacity, struct cdm_info *info);

/**
 * Copy that very sample of the present life of the writer.  It does not count as taken.
 *
 * @param r         the reader
 * @param version   as in cdm_info, from 1 on
 * @param out       `capacity` bytes for it, as cdm_read()
 * @param capacity  room in `out`
 * @param info      gets what is known of it, as cdm_read(); may be NULL
 * @return 0, -ENOENT (it is not there any more), -EAGAIN (it is not there yet), -E2BIG, -EPROTO, -EINVAL (`out` is
 *         NULL)
 * @threads one at a time
 */
CDM_API int cdm_read_version(struct cdm_reader *r, uint64_t version, void *out, size_t capacity, struct cdm_info *info);

/**
 * Count what is there as taken: cdm_next() and cdm_wait() go on with what comes after.
 *
 * @param r  the reader
 * @threads one at a time
 */
CDM_API void cdm_skip(struct cdm_reader *r);

/**
 * How many samples cdm_next() and cdm_lease_next() had to pass over since cdm_open().
 *
 * @param r  the reader
 * @return the number
 * @threads one at a time
 */
CDM_API uint64_t cdm_missed(const struct cdm_reader *r);

/* ---- by borrowing -------------------------------------------------------------------------------- */

/**
 * A borrowed sample: `data` points into the memory of its writer, who does not touch it meanwhile.  8-aligned;
 * 64-aligned where the field's samples may have more than 88 bytes, page-aligned above 4096.
 */
struct cdm_sample {
	const void *data;     /**< info.bytes of it, read-only */
	struct cdm_info info; /**< what is known of it */
	void *hold[2];        /**< the library's */
};

/**
 * Borrow the latest sample without copying it.  Give it back soon: a writer
 * whose slots are all borrowed drops samples (and counts them).  Data of a writer that is
 * broken or hostile may change under you: check what you would index with.  A writer that lives lends to those it has
 * heard of: for some milliseconds after cdm_attach() there may be a sample and -EAGAIN, and cdm_wait() then sleeps
 * until there is one to be had.
 *
 * @param r    the reader
 * @param out  gets the sample, yours until cdm_release(); all zero after a failure.  What stood there is overwritten:
 *             release it first
 * @return 0, -EAGAIN (also shortly after cdm_attach(), until the writer has heard of us), -EBUSY
 *         (all leases of this program are out, with those that cdm_lease_next() keeps ready), -ENOTSUP (copy only),
 *         -EPROTO
 * @threads one at a time
 */
CDM_API int cdm_lease(struct cdm_reader *r, struct cdm_sample *out);

/**
 * Borrow the next sample in order.  A reader that asked in vain keeps a lease ready for the next sample, until it has
 * that or is closed; all readers of a program together at the most half of its leases.
 *
 * @param r    the reader
 * @param out  gets the sample, as cdm_lease()
 * @return how many samples were missed just before this one, as cdm_next(); -EAGAIN, -EBUSY, -ENOTSUP, -EPROTO as
 *         cdm_lease()
 * @threads one at a time
 */
CDM_API int cdm_lease_next(struct cdm_reader *r, struct cdm_sample *out);

/**
 * Give a borrowed sample back.  In a machine of cdm_local_open() this takes a lock.
 *
 * @param s  the sample, all zero afterwards; one that holds nothing, all zero, is allowed
 * @threads any, also another one than it was borrowed in; one at a time for the same sample
 */
CDM_API void cdm_release(struct cdm_sample *s);

/**
 * The sample as a tensor of DLPack 1, for programs that exchange those: a `struct DLManagedTensorVersioned *` of its
 * dlpack.h.  Its deleter gives it back, in any thread; it stays good whatever becomes of `s`, which stays yours.
 *
 * @param s     a borrowed sample: the tensor holds it too, and is marked read-only.  Or one with `data` and `info` of
 *              yours and nothing in `hold`: that is copied
 * @param f     description of its field: its element type and shape are the tensor's
 * @param copy  1: copy a borrowed one too.  A copied tensor may be written
 * @param out   the tensor, yours until its deleter was called; NULL after a failure
 * @return 0, -EINVAL (its bytes are not whole rows of the field's shape), -ENOMEM
 * @threads any; one at a time for the same sample
 */
CDM_API int cdm_dlpack(const struct cdm_sample *s, const struct cdm_field *f, int copy, void **out);

/* ---- waiting ------------------------------------------------------------------------------------- */

/**
 * Sleep until there is a sample that this reader has not taken.  Costs the writer one system
 * call per sample while somebody sleeps, and nothing else.  Where there are more than two processors it looks two
 * thousand times (some ten microseconds) before it falls asleep.
 *
 * @param r           the reader
 * @param timeout_ns  how long, in nanoseconds; 0: do not sleep; negative: for ever
 * @return 0, -ETIMEDOUT, -ECANCELED, -EPROTO; -EOWNERDEAD: there is none, and its writer has ended or died, or nobody
 *         would know, as the machine has ended.  This is said once for each life of a writer; wait again for the first
 *         sample of the next.  -ECONNREFUSED: there is none, and the machine has ended
 * @threads one at a time
 */
CDM_API int cdm_wait(struct cdm_reader *r, int64_t timeout_ns);

/**
 * Sleep until one of several readers, all of one machine, has news.
 *
 * @param r           `count` readers
 * @param count       1 to 126
 * @param timeout_ns  how long, in nanoseconds; 0: do not sleep; negative: for ever
 * @return the index of one that has, -ETIMEDOUT, -ECANCELED, -EPROTO and -EOWNERDEAD (none has news, and one of them is
 *         to blame: cdm_peek() tells which, by -EPROTO or CDM_ORPHAN), -ECONNREFUSED, -E2BIG (more than 126), -EINVAL
 *         (none, or of two machines)
 * @threads one at a time, for each of the readers
 */
CDM_API int cdm_wait_any(struct cdm_reader *const *r, uint32_t count, int64_t timeout_ns);

/**
 * A descriptor for poll(), epoll and event loops: readable while the reader has news, or its writer has ended since it
 * looked last; and for good when the machine has ended (cdm_machine_alive()), like a stream at its end.  Do not read
 * from it: what takes a sample, or asks for one in vain, sets it.  It costs a thread of the
 * library, shared by all readers of a machine, and each such call some system calls; cdm_wait() is cheaper.  With more
 * than 125 of a machine waiting, each process whose events are followed being one, that thread looks every 2 ms, and is
 * so much later at the most.
 *
 * @param r  the reader
 * @return the descriptor, the same each time, the reader's until cdm_close(); -ENOMEM, -errno
 * @threads one at a time
 */
CDM_API int cdm_fd(struct cdm_reader *r);

/* ---- several fields at one time -------------------------------------------------------------------- */

/** What a view must be; all zero: anything. */
struct cdm_view_terms {
	int64_t max_skew_ns; /**< between the oldest and the newest source time; 0: any */
	int64_t max_age_ns;  /**< of the oldest; 0: any */
	struct cdm_mono at;  /**< the moment that is asked for; 0: the latest that all fields can speak of */
	float min_trust;     /**< of each */
	uint32_t reserved;   /**< 0 */
};

/** Why there is no view. */
enum cdm_view_reason {
	CDM_VIEW_COHERENT = 0, /**< there is one */
	CDM_VIEW_EMPTY = 1,   /**< the field has no sample yet */
	CDM_VIEW_HISTORY = 2, /**< its history does not reach back to that moment */
	CDM_VIEW_SKEW = 3,    /**< it is the oldest, and too far from the newest */
	CDM_VIEW_AGE = 4,     /**< it is the oldest, and too old */
	CDM_VIEW_TRUST = 5,   /**< it is trusted the least, and too little */
	CDM_VIEW_BROKEN = 6,  /**< its writer's memory is not what it must be (-EPROTO) */
};

/** One field of a view. */
struct cdm_view_part {
	struct cdm_reader *reader; /**< in: each reader once */
	void *out;                 /**< in: `capacity` bytes for a copy; NULL: it is borrowed, into `sample` */
	size_t capacity;           /**< in: bytes of `out` */
	struct cdm_info info;      /**< out */
	struct cdm_sample sample;  /**< out, where `out` is NULL: cdm_release() it; else, or failed: zero */
};

/** Why there is no view, and the field that it is due to. */
struct cdm_view_refusal {
	uint32_t reason; /**< enum cdm_view_reason */
	uint32_t part;   /**< index of the one it is due to */
	int64_t ns;      /**< the skew or age that was found */
	float trust;     /**< that was found */
	uint32_t reserved; /**< 0 */
};

/**
 * Several fields of one machine as they were at one moment: of each the newest sample whose source_time is not after
 * it.  Fields of one group come from one commit.  There is a view that keeps the terms, or a reason; never a mixture
 * that looks like one.  Counts what the fields had as taken, as cdm_skip().
 *
 * @param parts  the fields, and where what they had goes.
 *               What stood in `sample` before is overwritten, whatever comes out (but for a count that is none):
 *               release it first
 * @param count  of parts, 1 to 64
 * @param terms  what it must be; NULL: anything
 * @param why    why there is none; may be NULL
 * @return 0; -ESTALE (none under these terms: *why names the field), -EPROTO (*why names it, too), -EAGAIN (the
 *         writers were faster many times in a row, or one has not heard of us yet), -EINVAL (none, more than 64,
 *         or of two machines), and what reading gives; nothing is borrowed then
 * @threads one at a time, for each of the readers
 */
CDM_API int cdm_view(struct cdm_view_part *parts, uint32_t count, const struct cdm_view_terms *terms,
		struct cdm_view_refusal *why);

/**
 * Name of a reason.
 *
 * @param reason  enum cdm_view_reason
 * @return "skew", "age" ...; "?" outside the enum.  Static
 * @threads any, signal
 */
CDM_API const char *cdm_view_reason_name(uint32_t reason);

#ifdef __cplusplus
}
#endif

#endif
