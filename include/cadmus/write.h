/*
 * write.h - samples of one's own: the fields that a program's entity writes, alone or several in one commit.
 *
 * Part of client.h, which says what is true of all of it: errors, ownership, threads.
 */
#ifndef CADMUS_WRITE_H
#define CADMUS_WRITE_H

#include <stddef.h>
#include <stdint.h>
#include "cadmus/read.h"
#include "cadmus/types.h"

#ifdef __cplusplus
extern "C" {
#endif

struct cdm_machine;

/**
 * What a writer says of its sample.  Begin with CDM_META_NOW; NULL where one is asked for means the same.
 */
struct cdm_meta {
	struct cdm_mono source_time; /**< when the world was like this; 0 or later than now: now */
	float trust;                 /**< 0..1; never more than the description trusts the writer; NaN counts as 0 */
	uint32_t status;             /**< enum cdm_status: OK, DEGRADED; or passed on, what its source had */
};

/** True now, as trusted as its writer is, CDM_OK. */
#define CDM_META_NOW { { 0 }, 1.0f, CDM_OK }

/* ---- one field ----------------------------------------------------------------------------------- */

/** The writer of one field.  There is one at a time in this program. */
struct cdm_writer;

/**
 * Become the writer of a field.
 *
 * @param m      the machine
 * @param field  name of the field
 * @param out    the writer, yours until cdm_writer_close(); NULL after a failure
 * @return 0, -ENOENT (no such field), -EACCES (the description lets another process write it), -EBUSY (it
 *         is open already), -EINVAL (it is in a group: cdm_group_open()), -ENOMEM
 * @threads any
 */
CDM_API int cdm_writer_open(struct cdm_machine *m, const char *field, struct cdm_writer **out);

/**
 * Close it; a loan is abandoned.
 *
 * @param w  the writer, not yours any more; NULL is allowed
 * @threads one at a time, for the readers of cdm_derive() too, and no other function with `w` meanwhile or later
 */
CDM_API void cdm_writer_close(struct cdm_writer *w);

/**
 * Say that the samples of `w` are made from what `r` gives, copied or borrowed, by whatever call but cdm_peek().  From
 * then on each sample that is published carries the oldest source time, the lowest trust and the worst status (the
 * last in enum cdm_status) of itself and of all that `r` has given since the sample before it, or still lends; or of
 * the last it has given, if there was nothing new.
 * (So what goes into a later sample than the next is to be borrowed, not copied.)  A field
 * that is written by a model needs this for at least one reader: nothing derived is fresher, or more
 * trusted, than what it was made from.
 *
 * Which readers it is made from, the program says; readers that it does not name count for nothing.
 *
 * Ends when the writer is closed; or with the first sample after the reader
 * is, which is still made from what that had given, and after what was borrowed with it has been given back.
 *
 * @param w  the writer
 * @param r  the reader, of the same machine; it stays yours, and may be closed first
 * @return 0 (also for one that was named before), -EINVAL (of two machines), -E2BIG (16 have been named)
 * @threads one at a time, for the writer and for the reader; and from then on, until the writer is closed, the two
 *          count as one with each other, and with all other writers of that reader
 */
CDM_API int cdm_derive(struct cdm_writer *w, struct cdm_reader *r);

/**
 * Borrow the memory of the next sample, to fill it in place; a loan that is out is abandoned.  Then publish or abandon
 * it; cdm_write() abandons it, too.  Nothing waits, allocates or calls the system.
 *
 * @param w  the writer
 * @return cdm_field.bytes of memory with old contents, the library's, yours to write until the sample is published or
 *         abandoned: 8-aligned; 64-aligned above 88 bytes, page-aligned above 4096.  Its elements go there in C order.
 *         NULL: readers borrow all there is, and a drop was counted
 * @threads one at a time
 */
CDM_API void *cdm_loan(struct cdm_writer *w);

/**
 * Make the loan the newest sample, and wake who sleeps for it (one system call if somebody does, none if nobody does).
 *
 * @param w      the writer
 * @param bytes  how many of the loan are valid, up to cdm_field.bytes
 * @param meta   what is said of it; NULL: as CDM_META_NOW
 * @return its version, or -EINVAL: nothing is loaned, too many bytes, a status outside enum cdm_status, or a derived
 *         field whose sources have given nothing; the loan stays out then
 * @threads one at a time
 */
CDM_API int64_t cdm_publish(struct cdm_writer *w, size_t bytes, const struct cdm_meta *meta);

/**
 * Give the loan back as if nothing had been; without one nothing happens.
 *
 * @param w  the writer
 * @threads one at a time
 */
CDM_API void cdm_abandon(struct cdm_writer *w);

/**
 * Loan, copy, publish.
 *
 * @param w      the writer
 * @param data   the sample: elements of the field's type in C order
 * @param bytes  of it, up to cdm_field.bytes
 * @param meta   what is said of it; NULL: as CDM_META_NOW
 * @return its version, -EAGAIN (readers borrow all there is; counted), -EINVAL as cdm_publish()
 * @threads one at a time
 */
CDM_API int64_t cdm_write(struct cdm_writer *w, const void *data, size_t bytes, const struct cdm_meta *meta);

/* ---- several in one commit ----------------------------------------------------------------------- */

/**
 * Several fields of one writer that are published in one commit (`group:` in the description): whoever reads them
 * sees all of a commit or nothing of it.  Arrays have one entry for each field, in the order of cdm_group_field().
 */
struct cdm_group;

/**
 * Become the writer of a group.
 *
 * @param m      the machine
 * @param field  name of one of its fields; a field alone is a group of one
 * @param out    the group, yours until cdm_group_close(); NULL after a failure
 * @return 0, -ENOENT, -EACCES, -EBUSY, -ENOMEM as cdm_writer_open()
 * @threads any
 */
CDM_API int cdm_group_open(struct cdm_machine *m, const char *field, struct cdm_group **out);

/**
 * Close it; a loan is abandoned.
 *
 * @param g  the group, not yours any more; NULL is allowed
 * @threads one at a time, for the readers of cdm_group_derive() too, and no other function with `g` meanwhile or later
 */
CDM_API void cdm_group_close(struct cdm_group *g);

/**
 * How many fields it has.
 *
 * @param g  the group
 * @return 1 to 16
 * @threads any
 */
CDM_API uint32_t cdm_group_count(const struct cdm_group *g);

/**
 * Name of one of its fields.
 *
 * @param g  the group
 * @param i  from 0, below cdm_group_count()
 * @return the name, valid until cdm_group_close(); NULL outside the range
 * @threads any
 */
CDM_API const char *cdm_group_field(const struct cdm_group *g, uint32_t i);

/**
 * Say that all of its samples are made from what `r` gives, as cdm_derive().
 *
 * @param g  the group
 * @param r  the reader, of the same machine; it stays yours, and may be closed first
 * @return 0, -EINVAL, -E2BIG as cdm_derive()
 * @threads one at a time, for the group and for the reader; and from then on as cdm_derive()
 */
CDM_API int cdm_group_derive(struct cdm_group *g, struct cdm_reader *r);

/**
 * Borrow the memory of the next sample of each field, as cdm_loan(); loans that are out are abandoned.
 *
 * @param g    the group
 * @param out  gets cdm_group_count() pointers, each as of cdm_loan()
 * @return 0, -EAGAIN (readers borrow all there is; counted)
 * @threads one at a time
 */
CDM_API int cdm_group_loan(struct cdm_group *g, void *out[]);

/**
 * Publish the loans.
 *
 * @param g      the group
 * @param bytes  how many of each are valid; NULL: all bytes of each
 * @param meta   what is said of each; NULL: as CDM_META_NOW
 * @return their version, or -EINVAL as cdm_publish(); the loans stay out then
 * @threads one at a time
 */
CDM_API int64_t cdm_group_publish(struct cdm_group *g, const size_t bytes[], const struct cdm_meta meta[]);

/**
 * Give the loans back as if nothing had been; without one nothing happens.
 *
 * @param g  the group
 * @threads one at a time
 */
CDM_API void cdm_group_abandon(struct cdm_group *g);

#ifdef __cplusplus
}
#endif

#endif
