/*
 * client.h - libcadmus: look into a running machine, and talk to it.
 *
 * A program of yours attaches to a machine that runs on this computer under your user, and then
 * reads its fields where they stand, in shared memory: no copy on the way, no daemon on the
 * way, and no influence on those who write.  Reading goes on when the daemon is gone.
 *
 *     struct cdm_machine *m;
 *     struct cdm_reader *r;
 *     float level;
 *     struct cdm_info info;
 *
 *     if (cdm_attach("robot", &m, NULL) == 0 && cdm_open(m, "battery.level", &r) == 0)
 *         while (cdm_wait(r, -1) == 0 && cdm_read(r, &level, sizeof(level), &info) == 0)
 *             printf("%g, trust %g, %s\n", level, info.trust, cdm_status_name((enum cdm_status)info.status));
 *
 * Link with -lcadmus.
 *
 * ## Fields, samples, readers
 *
 * A *field* is a named tensor with one writer: element type, shape and unit are fixed for the
 * life of the machine (cdm_describe()).  Samples are in C order, little-endian, without
 * padding.  A *reader* is your place in the samples of one field: what it has taken is not new
 * any more.
 *
 * ## Errors
 *
 * Functions return 0 or more, or a negative errno value with the meaning given here:
 *
 *     -EAGAIN        no (new) sample; or the writer was faster than us many times in a row
 *     -EPROTO        the writer's memory is broken; it was not followed
 *     -E2BIG         your buffer is smaller than the sample, or too many of something
 *     -ENOENT        no such name; no such machine
 *     -ECONNREFUSED  the machine has ended
 *     -EACCES        the machine is another user's, or the plan does not let clients read this field
 *     -EBUSY         all places for clients are taken; all leases of this client are out
 *     -ENOTSUP       samples of this field cannot be borrowed, only copied
 *     -ETIMEDOUT     not within its time
 *     -ECANCELED     cdm_interrupt() was called
 *     -EPIPE         the other side is gone
 *     -ESTALE        there is no view under these terms
 *     -EOWNERDEAD    the writer of what is waited for is gone
 *     -ENOMEM, -EINVAL, and errno values of the operating system
 *
 * ## Time
 *
 * Durations are nanoseconds; a negative timeout is for ever, 0 only looks.  struct cdm_mono is
 * CLOCK_MONOTONIC of this computer.
 *
 * ## Threads
 *
 * Functions on a struct cdm_machine may be called by any thread at any time, but for
 * cdm_attach() and cdm_detach() of the same one.  A struct cdm_reader, and a struct
 * cdm_control, belong to one thread at a time; open as many as you like.  A sample may be
 * released in another thread than it was borrowed in.  The library runs one thread of its own
 * per machine, and a second one once a descriptor was asked for, with all signals blocked; they
 * sleep unless a process of the machine is restarted, or a descriptor has news.
 *
 * After fork() the child must not use what the parent has opened, nor close or release it: it does
 * not have the memory that the parent writes, and faults there instead of writing, or giving
 * back, in its parent's name.  cdm_detach() does nothing in a child.  It may attach for itself.
 */
#ifndef CADMUS_CLIENT_H
#define CADMUS_CLIENT_H

#include <stddef.h>
#include <stdint.h>
#include "cadmus/diag.h"
#include "cadmus/types.h"

#ifdef __cplusplus
extern "C" {
#endif

struct cdm_machine;
struct cdm_reader;
struct cdm_control;

/** Grows when a program that was built before must be built anew; libcadmus.so.N has N for its soname. */
#define CDM_ABI_VERSION 1

/** CDM_ABI_VERSION as the library was built with: for programs that load it by hand, to be asked first. */
CDM_API uint32_t cdm_abi_version(void);

/* ---- a machine ----------------------------------------------------------------------------------- */

/**
 * Attach to the machine of that name.
 *
 * @param machine  its name in its description, as `cadmus ps` shows it
 * @param out      the machine, yours until cdm_detach(); NULL after a failure
 * @param diag     gets what a person must understand; may be NULL
 * @return 0, -ENOENT or -ECONNREFUSED (it does not run), -EACCES, -EBUSY (raise `clients:` in its
 *         description), -EINVAL (no proper name), -EPROTO (of another version), -ENOMEM, -ETIMEDOUT (it does not
 *         answer within 10 s: its daemon is stopped)
 */
CDM_API int cdm_attach(const char *machine, struct cdm_machine **out, struct cdm_diag *diag);

/**
 * Attach as one of the machine's own: a model or sensor that the description leaves to a program like this one
 * (`backend: external`, `driver: external`).  Its fields are written by this program from then on, and are orphans
 * when this program ends.
 *
 * @param machine  name of the machine
 * @param entity   its name
 * @param wait_ns  how long to stand by while another program is it; this one takes over when that one ends.  0: not
 *                 at all; negative: for ever
 * @param out      the machine, as that entity sees it; yours until cdm_detach()
 * @param diag     gets what a person must understand; may be NULL
 * @return as cdm_attach(), but -ENOENT also: no such entity; -EACCES also: it is not left to programs; -EBUSY: another
 *         program is it; -ETIMEDOUT: that still is after `wait_ns`, or the machine has not answered in that time
 */
CDM_API int cdm_attach_as(const char *machine, const char *entity, int64_t wait_ns, struct cdm_machine **out,
		struct cdm_diag *diag);

/**
 * Leave it.  Readers and borrowed samples that are still out stay good until they are closed and
 * released; with the last of them the library's thread ends, and the place in the machine is free.  NULL is allowed.
 */
CDM_API void cdm_detach(struct cdm_machine *m);

/** Its name; valid until cdm_detach(). */
CDM_API const char *cdm_machine_name(const struct cdm_machine *m);

/**
 * 1 while its daemon is there.  0 afterwards: samples can still be read, and are orphans.
 */
CDM_API int cdm_machine_alive(const struct cdm_machine *m);

/**
 * Make every cdm_wait(), cdm_wait_any() and cdm_events_wait() of this machine return -ECANCELED once,
 * those that sleep and those to come that would.  May be called by a signal handler: a signal alone ends no wait.
 */
CDM_API void cdm_interrupt(struct cdm_machine *m);

/**
 * Name of an entity (struct cdm_info.source), or NULL for an index that is none; valid until
 * cdm_detach().
 */
CDM_API const char *cdm_entity_name(const struct cdm_machine *m, uint32_t entity);

/* ---- a machine inside this program ---------------------------------------------------------------- */

/** A machine without processes, for tests: everybody in it is a part of this program.  Any thread. */
struct cdm_local;

/**
 * Make one of a compiled description, which `cadmus plan --output FILE` writes.  Nobody is in it, and nothing of it is
 * outside this program: no socket, no file, no daemon.
 *
 * @param plan   `bytes` of it; it is copied
 * @param bytes  of the plan
 * @param out    the machine, yours until cdm_local_close()
 * @param diag   why not; may be NULL
 * @return 0, -EPROTO (no plan of this version), -ENOMEM, -errno; *out is NULL then
 */
CDM_API int cdm_local_open(const void *plan, size_t bytes, struct cdm_local **out, struct cdm_diag *diag);

/** Who is in it stays, and nobody can come any more.  NULL is allowed. */
CDM_API void cdm_local_close(struct cdm_local *l);

/**
 * Be somebody in it: all that can be done with a machine of cdm_attach() can be done with this one, but talking.  Each
 * thread may be somebody else, and one thread several.  A place is free again when who had it was detached, and his
 * last reader, writer and sample are closed and given back.
 *
 * @param l    the machine
 * @param who  name of an entity or process: "camera", "core"; NULL: a client
 * @param out  the machine as that one sees it, yours until cdm_detach()
 * @return 0, -ENOENT (there is no such one), -EBUSY (somebody is it, or all places of clients are taken), -ENOMEM,
 *         -errno
 */
CDM_API int cdm_local_attach(struct cdm_local *l, const char *who, struct cdm_machine **out);

/**
 * Leave as one who dies, instead of cdm_detach(); of cdm_local_attach() only.  At once, what it wrote is an ORPHAN, and
 * who waits for it is told.
 */
CDM_API void cdm_local_die(struct cdm_machine *m);

/* ---- descriptions -------------------------------------------------------------------------------- */

/** How the samples of a field come about. */
enum cdm_field_kind {
	CDM_FIELD_SAMPLES = 0,   /**< what a sensor, a model or the guard publishes */
	CDM_FIELD_AWARENESS = 1, /**< made by a rule; fades with half_life_ns: see cdm_left() */
	CDM_FIELD_SETTING = 2,   /**< written by people */
};

/** What is fixed about a field. */
struct cdm_field {
	char name[CDM_NAME_MAX];     /**< "battery.level" */
	char unit[16];               /**< UCUM: "m", "rad", "1"; "" when none is declared */
	char writer[CDM_NAME_MAX];   /**< process that writes it */
	char entity[CDM_NAME_MAX];   /**< source that its samples name unless they are derived */
	uint32_t index;              /**< in this machine, from 0 */
	uint32_t kind;               /**< enum cdm_field_kind */
	uint32_t dtype;              /**< enum cdm_dtype */
	uint32_t dims;               /**< 0: a scalar */
	uint32_t shape[CDM_DIMS_MAX]; /**< outermost first; 0 beyond dims */
	uint32_t bytes;              /**< of the largest sample */
	uint32_t slots;              /**< samples that its history can hold */
	uint32_t leases;             /**< samples that all readers together may borrow; 0: copy only */
	uint32_t readable;           /**< 1: this client may read it */
	int64_t half_life_ns;        /**< 0: does not decay */
	int64_t max_age_ns;          /**< older is CDM_STALE; 0: never */
	uint64_t layout;             /**< hash of dtype, shape, slots and bytes */
	uint64_t reserved[3];        /**< 0 */
};

/** How many fields the machine has. */
CDM_API uint32_t cdm_field_count(const struct cdm_machine *m);

/**
 * What is left of a sample: awareness fades from its publication on, by half in each half-life, so its values are to be
 * multiplied with this.
 *
 * @param f     description of its field
 * @param info  what is known of it
 * @param now   when; 0: now
 * @return 2^(-(now - info->publish_time) / f->half_life_ns), 0 to 1; 1 for a field that does not fade.  Any thread
 */
CDM_API double cdm_left(const struct cdm_field *f, const struct cdm_info *info, struct cdm_mono now);

/** Describe field `index`.  0, or -EINVAL. */
CDM_API int cdm_describe(const struct cdm_machine *m, uint32_t index, struct cdm_field *out);

/** Describe a field by name.  0, or -ENOENT. */
CDM_API int cdm_find(const struct cdm_machine *m, const char *name, struct cdm_field *out);

/**
 * Is a field what the program was written for?  To be asked before its bytes are given a meaning.
 *
 * @param m       the machine
 * @param field   name of the field
 * @param layout  as a description writes it: "u8[480,640,3]", "f64", and with a space before it the unit, "f32[3] rad";
 *                without a unit any will do
 * @param diag    gets both, where they differ; may be NULL
 * @return 0; -EPROTO: it is something else, and `diag` shows both; -ENOENT: no such field; -EINVAL: `layout` is none
 */
CDM_API int cdm_expect(const struct cdm_machine *m, const char *field, const char *layout, struct cdm_diag *diag);

/* ---- processes, entities, models ----------------------------------------------------------------- */

/** What a process is for. */
enum cdm_process_role {
	CDM_PROCESS_CORE = 0,
	CDM_PROCESS_GUARD = 1,   /**< the last word before the motors */
	CDM_PROCESS_HOST = 2,    /**< one driver */
	CDM_PROCESS_WORKER = 3,  /**< one model */
	CDM_PROCESS_GATEWAY = 4, /**< one way in for others */
	CDM_PROCESS_CLIENT = 5,  /**< a place for a program like this one */
};

/** Does it live? */
enum cdm_process_state {
	CDM_PROCESS_FREE = 0,     /**< never started, or a client's place that nobody has */
	CDM_PROCESS_STARTING = 1,
	CDM_PROCESS_LIVE = 2,
	CDM_PROCESS_DEAD = 3,     /**< ended without being told to */
	CDM_PROCESS_STOPPED = 4,  /**< ended in good order */
	CDM_PROCESS_SUSPECT = 5,  /**< was live and does not run (SIGSTOP): it keeps all that it has */
};

/** A process as it is now: known from the kernel, kept by the daemon in shared memory. */
struct cdm_process {
	char name[CDM_NAME_MAX];   /**< "core", "camera" ... */
	char entity[CDM_NAME_MAX]; /**< whom it runs; "" for none */
	uint32_t index;            /**< in this machine, from 0 */
	uint32_t role;             /**< enum cdm_process_role */
	uint32_t state;            /**< enum cdm_process_state */
	uint32_t epoch;            /**< how often it was started; 0: never */
	uint32_t restarts;         /**< how often it was started after a death */
	uint32_t essential;        /**< 1: without it the machine does not do its work (core, guard) */
	int32_t pid;               /**< 0: none */
	uint32_t pad;              /**< 0 */
	struct cdm_mono started, died; /**< of its last time; 0: never */
	uint64_t reserved[4];      /**< 0 */
};

/** How many processes, free places for clients among them, the machine has. */
CDM_API uint32_t cdm_process_count(const struct cdm_machine *m);

/** Describe process `index`.  0, or -EINVAL. */
CDM_API int cdm_process_at(const struct cdm_machine *m, uint32_t index, struct cdm_process *out);

/** "core", "guard", "host" ...; "?" outside the enum.  Static. */
CDM_API const char *cdm_process_role_name(uint32_t role);

/** "live", "dead" ...; "?" outside the enum.  Static. */
CDM_API const char *cdm_process_state_name(uint32_t state);

/** How many counters each process keeps in its memory. */
CDM_API uint32_t cdm_counter_count(void);

/** Name of a counter, like "drops"; "?" outside the range.  Static. */
CDM_API const char *cdm_counter_name(uint32_t counter);

/** What it counts, as one clause.  Static. */
CDM_API const char *cdm_counter_text(uint32_t counter);

/**
 * Read a counter of a process.  It begins at 0 with each start of the process.
 *
 * @return 0, -EAGAIN (the process has no memory that we know of), -EINVAL
 */
CDM_API int cdm_counter(struct cdm_machine *m, uint32_t process, uint32_t counter, uint64_t *value);

/** What a handle of a process does with a field, or with the events of a process. */
enum cdm_doing { CDM_READS = 1, CDM_WRITES = 2, CDM_LISTENS = 3 };

/** What one handle has done, in this life of its process.  All in samples, or event records, but for the last three. */
struct cdm_tally {
	uint32_t doing;   /**< enum cdm_doing */
	uint32_t index;   /**< of the field; of CDM_LISTENS, of the process whose events it reads */
	uint32_t open;    /**< 1: a handle has it now; 0: it was closed, and the next one like it goes on with it */
	uint32_t reserved; /**< 0 */
	uint64_t taken;   /**< read by copy; published; read, of events */
	uint64_t leased;  /**< borrowed */
	uint64_t missed;  /**< that went by unread */
	uint64_t laps;    /**< times that some were missed */
	uint64_t retries; /**< copies begun again because the writer was faster */
	uint64_t waits;   /**< times asleep for it */
	uint64_t cursor;  /**< version, or number, of the last one that the present handle took or published; 0: none */
};

/**
 * Read tally `i` = 0, 1, 2 ... of a process: what one of its handles counts, or has counted.
 *
 * @return 0; -ENOENT: no handle has had that one yet, or ever will (ends the loop); -EAGAIN: the process has no memory
 *         that we know of; -EPROTO: it is of nothing that there is, as the next one
 *         may not be; -EINVAL: no such process
 */
CDM_API int cdm_tally_at(struct cdm_machine *m, uint32_t process, uint32_t i, struct cdm_tally *out);

/** What the writer of a field counts of it, in its present life. */
struct cdm_field_counts {
	uint64_t publishes; /**< samples */
	uint64_t drops;     /**< samples that were not published: every slot was borrowed */
	uint64_t wakes;     /**< system calls made to wake readers */
	uint64_t degraded;  /**< samples published DEGRADED */
};

/** @return 0; -EAGAIN: nobody has written it yet; -EACCES: we may not read it; -EPROTO; -EINVAL: no such field */
CDM_API int cdm_field_counts(struct cdm_machine *m, uint32_t field, struct cdm_field_counts *out);

#define CDM_ERROR_TEXT 96 /**< bytes of the text of an error, its terminating zero included */

/** One sort of error of a process, and how often it came.  Times are those of cdm_info. */
struct cdm_error {
	uint64_t count;              /**< times */
	struct cdm_mono first, last; /**< when it came */
	char text[CDM_ERROR_TEXT]; /**< of the first one, zero terminated; the word of that process: anything */
};

/**
 * Read error `i` = 0, 1, 2 ... of a process, also of a dead one.
 *
 * @return 0; -ENOENT: there are no more; -EAGAIN: it has no memory that we know of; -EINVAL: no such process
 */
CDM_API int cdm_error_at(struct cdm_machine *m, uint32_t process, uint32_t i, struct cdm_error *out);

/**
 * Note an error of this program where `cadmus stat` and others see it.  No lock, no system call.  Any thread.
 *
 * @param m     the machine
 * @param kind  what makes it the same error as another one: a text that does not change with the circumstances
 * @param text  what is shown of the first one, up to 95 bytes of UTF-8
 */
CDM_API void cdm_report(struct cdm_machine *m, const char *kind, const char *text);

/**
 * An option of an entity, as its driver, model or gateway gets it.  NULL when there is no such
 * entity or option; valid until cdm_detach().
 */
CDM_API const char *cdm_option(const struct cdm_machine *m, const char *entity, const char *key);

/** How many language models one can talk to. */
CDM_API uint32_t cdm_model_count(const struct cdm_machine *m);

/**
 * Name of language model `index`, NULL outside the range; valid until cdm_detach().  It is also
 * the name of its entity: its file is cdm_option(m, name, "file").
 */
CDM_API const char *cdm_model_name(const struct cdm_machine *m, uint32_t index);

/* ---- reading ------------------------------------------------------------------------------------- */

/**
 * A reader of one field.  The field need not have a writer yet.
 *
 * @return 0, -ENOENT (no such field), -EACCES, -ENOMEM; *out is NULL then
 */
CDM_API int cdm_open(struct cdm_machine *m, const char *field, struct cdm_reader **out);

/** Close it.  Samples borrowed with it stay borrowed.  NULL is allowed. */
CDM_API void cdm_close(struct cdm_reader *r);

/**
 * Copy the latest sample.
 *
 * @param r         the reader
 * @param out       `capacity` bytes for it; not NULL: what is known of a sample without its bytes, cdm_peek() says
 * @param capacity  room in `out`; cdm_field.bytes always suffice
 * @param info      gets what is known of it; may be NULL.  info->bytes of `out` are valid.
 *                  info->status is the worst of what the writer said, CDM_STALE (older than
 *                  max_age_ns) and CDM_ORPHAN (its writer is gone).
 * @return 0, -EAGAIN, -E2BIG, -EPROTO, -EINVAL (`out` is NULL: nothing was taken)
 */
CDM_API int cdm_read(struct cdm_reader *r, void *out, size_t capacity, struct cdm_info *info);

/**
 * What is known of the latest sample, without its bytes.  Takes nothing.
 *
 * @param r     the reader
 * @param info  gets it; NULL: is there one at all?
 * @return 0, -EAGAIN, -EPROTO
 */
CDM_API int cdm_peek(struct cdm_reader *r, struct cdm_info *info);

/**
 * Copy the next sample in order.  A new reader begins with sample 1, or half of the history
 * behind the newest when that is gone; after a restart of the writer, with its first sample
 * (info->epoch tells).
 *
 * @return how many samples were missed just before this one, because we were slower than the
 *         history is long; -EAGAIN (nothing new), -E2BIG, -EPROTO, -EINVAL (`out` is NULL)
 */
CDM_API int cdm_next(struct cdm_reader *r, void *out, size_t capacity, struct cdm_info *info);

/**
 * Copy the newest sample whose source_time is not after `at`: what was known of that moment.
 * Takes nothing.
 *
 * @return 0, -EAGAIN (also when the history does not reach that far), -E2BIG, -EPROTO, -EINVAL (`out` is NULL)
 */
CDM_API int cdm_read_at(struct cdm_reader *r, struct cdm_mono at, void *out, size_t capacity, struct cdm_info *info);

/**
 * Copy that very sample of the present life of the writer.  Takes nothing.
 *
 * @param version  as in cdm_info, from 1 on
 * @return 0, -ENOENT (it is not there any more), -EAGAIN (it is not there yet), -E2BIG, -EPROTO, -EINVAL (`out` is
 *         NULL)
 */
CDM_API int cdm_read_version(struct cdm_reader *r, uint64_t version, void *out, size_t capacity, struct cdm_info *info);

/** Count what is there as taken: cdm_next() and cdm_wait() go on with what comes after. */
CDM_API void cdm_skip(struct cdm_reader *r);

/** Samples that cdm_next() had to skip since cdm_open(). */
CDM_API uint64_t cdm_missed(const struct cdm_reader *r);

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
 * Borrow the latest sample without copying it.  Give it back soon with cdm_release(): a writer
 * whose slots are all borrowed drops samples (and counts them).  Data of a writer that is
 * broken or hostile may change under you: check what you would index with.  A writer lends to those it has heard of:
 * for some milliseconds after cdm_attach() there may be a sample and -EAGAIN, and cdm_wait() then sleeps until there
 * is one to be had.
 *
 * @return 0, -EAGAIN (also shortly after cdm_attach(), until the writer has heard of us), -EBUSY
 *         (too many borrowed), -ENOTSUP (copy only), -EPROTO; nothing is held then
 */
CDM_API int cdm_lease(struct cdm_reader *r, struct cdm_sample *out);

/** Borrow the next sample in order; returns as cdm_next(). */
CDM_API int cdm_lease_next(struct cdm_reader *r, struct cdm_sample *out);

/** Give it back.  A sample that holds nothing, all zero, is allowed.  In a machine of cdm_local_open(): a lock. */
CDM_API void cdm_release(struct cdm_sample *s);

/**
 * The sample as a tensor of DLPack 1, for programs that exchange those: a `struct DLManagedTensorVersioned *` of its
 * dlpack.h.  Its deleter gives it back, in any thread; it stays good whatever becomes of `s`, which stays yours.
 *
 * @param s     a borrowed sample: the tensor holds it too, and is marked read-only.  Or one with `data` and `info` of
 *              yours and nothing in `hold`: that is copied
 * @param f     description of its field
 * @param copy  1: copy a borrowed one too.  A copied tensor may be written
 * @param out   the tensor, yours until its deleter was called
 * @return 0, -EINVAL (its bytes are not whole rows of the field's shape), -ENOMEM; *out is NULL then
 */
CDM_API int cdm_dlpack(const struct cdm_sample *s, const struct cdm_field *f, int copy, void **out);

/**
 * Sleep until there is a sample that this reader has not taken.  Costs the writer one system
 * call per sample while somebody sleeps, and nothing else.  Where there are more than two processors it looks two
 * thousand times (some ten microseconds) before it falls asleep.
 *
 * @return 0, -ETIMEDOUT, -ECANCELED, -EPROTO; -EOWNERDEAD: there is none, and its writer has ended or died.  This is
 *         said once for each life of a writer; wait again for the first sample of the next.  -ECONNREFUSED: there is
 *         none, and the machine has ended
 */
CDM_API int cdm_wait(struct cdm_reader *r, int64_t timeout_ns);

/**
 * Sleep until one of several readers, all of one machine, has news.
 *
 * @return its index, -ETIMEDOUT, -ECANCELED, -EPROTO and -EOWNERDEAD (none has news, and one of them is to blame:
 *         cdm_peek() tells which, by -EPROTO or CDM_ORPHAN), -ECONNREFUSED, -E2BIG (more than 126), -EINVAL (none, or
 *         of two machines)
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
 * @return the descriptor, the same each time, until cdm_close(); -ENOMEM, -EMFILE ...
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
	CDM_VIEW_COHERENT = 0,
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
 * @param parts  the fields, and where what they had goes
 * @param count  of parts, 1 to 64
 * @param terms  what it must be; NULL: anything
 * @param why    why there is none; may be NULL
 * @return 0; -ESTALE (none under these terms: *why names the field), -EPROTO (*why names it, too), -EAGAIN (the
 *         writers were faster many times in a row, or one has not heard of us yet), -EINVAL (none, more than 64,
 *         or of two machines), and what reading gives; nothing is borrowed then.
 *         What stood in `sample` before is overwritten, whatever comes out (but for a count that is none): release
 *         it first
 */
CDM_API int cdm_view(struct cdm_view_part *parts, uint32_t count, const struct cdm_view_terms *terms,
		struct cdm_view_refusal *why);

/** "skew", "age" ...; "?" outside the enum.  Static. */
CDM_API const char *cdm_view_reason_name(uint32_t reason);

/* ---- writing ------------------------------------------------------------------------------------- */

struct cdm_writer;

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

/**
 * The writer of one field; it belongs to one thread at a time.  There is one at a time in this program.
 *
 * @return 0, -ENOENT (no such field), -EACCES (the description lets another process write it), -EBUSY (it
 *         is open already), -EINVAL (it is in a group: cdm_group_open()), -ENOMEM; *out is NULL then
 */
CDM_API int cdm_writer_open(struct cdm_machine *m, const char *field, struct cdm_writer **out);

/** Close it; a loan is abandoned.  NULL is allowed. */
CDM_API void cdm_writer_close(struct cdm_writer *w);

/**
 * Say that the samples of `w` are made from what `r` takes, by whatever call.  From then on each sample that is
 * published carries the oldest source time, the lowest trust and the worst status of itself and of all that
 * `r` has taken since the sample before it, or still borrows; or of the last it has taken, if there was nothing new.
 * (So what goes into a later sample than the next is to be borrowed, not copied.)  A field
 * that is written by a model needs this for at least one reader: nothing derived is fresher, or more
 * trusted, than what it was made from.
 *
 * Which readers it is made from, the program says; readers that it does not name count for nothing.
 *
 * Both belong to one thread from then on.  Ends when the writer is closed; or with the first sample after the reader
 * is, which is still made from what that had taken, and after what was borrowed with it has been given back.
 *
 * @return 0 (also for one that was named before), -EINVAL (of two machines), -E2BIG (16 have been named)
 */
CDM_API int cdm_derive(struct cdm_writer *w, struct cdm_reader *r);

/**
 * Borrow the memory of the next sample, cdm_field.bytes of it with old contents, to fill it in place: 8-aligned;
 * 64-aligned above 88 bytes, page-aligned above 4096.  Then publish or abandon it; a loan that is out is abandoned by
 * this and by cdm_write().  NULL: readers borrow all there
 * is, and a drop was counted.  Nothing waits, allocates or calls the system.
 */
CDM_API void *cdm_loan(struct cdm_writer *w);

/**
 * Make the loan the newest sample, with `bytes` of it valid, and wake who sleeps for it (one system call if
 * somebody does, none if nobody does).
 *
 * @return its version, or -EINVAL: nothing is loaned, too many bytes, a status outside enum cdm_status, or a derived
 *         field whose sources have given nothing; the loan stays out then
 */
CDM_API int64_t cdm_publish(struct cdm_writer *w, size_t bytes, const struct cdm_meta *meta);

/** Give the loan back as if nothing had been. */
CDM_API void cdm_abandon(struct cdm_writer *w);

/** Loan, copy, publish.  The version, -EAGAIN (readers borrow all there is; counted), -EINVAL as cdm_publish(). */
CDM_API int64_t cdm_write(struct cdm_writer *w, const void *data, size_t bytes, const struct cdm_meta *meta);

/**
 * Several fields of one writer that are published in one commit (`group:` in the description): whoever reads them
 * sees all of a commit or nothing of it.  Rules are those of a writer; arrays have one entry for each field, in the
 * order of cdm_group_field().
 */
struct cdm_group;

/** Of the group that the field is in; a field alone is a group of one.  Errors as cdm_writer_open(). */
CDM_API int cdm_group_open(struct cdm_machine *m, const char *field, struct cdm_group **out);

/** Close it; a loan is abandoned.  NULL is allowed. */
CDM_API void cdm_group_close(struct cdm_group *g);

/** How many fields it has, up to 16. */
CDM_API uint32_t cdm_group_count(const struct cdm_group *g);

/** Name of its field `i`, NULL outside the range; valid until cdm_group_close(). */
CDM_API const char *cdm_group_field(const struct cdm_group *g, uint32_t i);

/** Say that all of its samples are made from what `r` takes, as cdm_derive(). */
CDM_API int cdm_group_derive(struct cdm_group *g, struct cdm_reader *r);

/** Borrow the memory of the next sample of each field.  0, or -EAGAIN: readers borrow all there is (counted). */
CDM_API int cdm_group_loan(struct cdm_group *g, void *out[]);

/**
 * Publish the loans, `bytes[i]` of each (NULL: all bytes of each); meta[i] says what is said of it (NULL: as
 * CDM_META_NOW).
 *
 * @return their version, or -EINVAL as cdm_publish()
 */
CDM_API int64_t cdm_group_publish(struct cdm_group *g, const size_t bytes[], const struct cdm_meta meta[]);

/** Give the loans back as if nothing had been. */
CDM_API void cdm_group_abandon(struct cdm_group *g);

/* ---- events -------------------------------------------------------------------------------------- */

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

/** Reads the events of one process, or of all.  One thread at a time. */
struct cdm_events;

/**
 * Begin with what memory still holds, up to 1024 records of each process; see cdm_events_skip().  A process that says
 * `event_overflow: refuse` waits for this reader from now on, or once it has heard of us.
 *
 * @param m        the machine
 * @param process  its name; NULL: all of them
 * @param out      the reader, yours until cdm_events_close(); NULL after a failure
 * @return 0, -ENOENT (no such process), -ENOMEM, -EBUSY (one that says `event_overflow: refuse` could not see this
 *         reader: too many of this program are open)
 */
CDM_API int cdm_events_open(struct cdm_machine *m, const char *process, struct cdm_events **out);

/** NULL is allowed. */
CDM_API void cdm_events_close(struct cdm_events *e);

/**
 * Take only these from now on; the others are passed over, also those that came before this call.
 *
 * @param e       the reader
 * @param kinds   set: the sum of UINT64_C(1) << kind; UINT64_MAX: all
 * @param source  index of an entity; CDM_NO_INDEX: any
 */
CDM_API void cdm_events_filter(struct cdm_events *e, uint64_t kinds, uint32_t source);

/** Go on with what happens from now on. */
CDM_API void cdm_events_skip(struct cdm_events *e);

/**
 * Take the next one.  Those of one process come in their order; those of several by their times, as far as they are
 * there.
 *
 * @return how many of that process were missed just before it (0: none); -EAGAIN: there are no more now; -EPROTO: some
 *         process's memory is not what it must be, and what it had was passed over
 */
CDM_API int cdm_events_next(struct cdm_events *e, struct cdm_event *out);

/** How many were missed in all. */
CDM_API uint64_t cdm_events_missed(const struct cdm_events *e);

/**
 * Sleep until there is one that the filter lets through.
 *
 * @param e           the reader
 * @param timeout_ns  0: do not sleep; negative: for ever
 * @return 0, -ETIMEDOUT, -ECANCELED (cdm_interrupt()), -ECONNREFUSED (there is none, and the machine has ended).
 *         0 also where cdm_events_next() has -EPROTO to say
 */
CDM_API int cdm_events_wait(struct cdm_events *e, int64_t timeout_ns);

/**
 * A descriptor for poll(), epoll and event loops, as cdm_fd(): readable while cdm_events_next() may have something, and
 * for good when the machine has ended (cdm_machine_alive()).  What the filter keeps back makes it readable, too, until
 * cdm_events_next() has passed it over.
 *
 * @return the descriptor, the same each time, until cdm_events_close(); -ENOMEM, -EMFILE ...
 */
CDM_API int cdm_events_fd(struct cdm_events *e);

/** The number of a kind by its name: "stop", "gate", "noted" ...  -ENOENT: no such kind. */
CDM_API int cdm_event_kind(const char *name);

/** "?" outside the range.  Static. */
CDM_API const char *cdm_event_kind_name(uint32_t kind);

/** What it means, with %a and %b for the numbers; "?" outside the range.  Static. */
CDM_API const char *cdm_event_kind_text(uint32_t kind);

/**
 * Tell all who listen: an event of kind "noted", of this program's own process.  No system call unless somebody sleeps
 * for it.  Any thread.
 *
 * @param m     the machine
 * @param a, b  whatever the program means by them
 * @param text  up to 23 bytes of UTF-8; NULL: none
 * @return 0; -EAGAIN: it was not written, and is counted: a listener is a whole ring behind, and the description says
 *         `event_overflow: refuse`; or other threads wrote for too long
 */
CDM_API int cdm_note(struct cdm_machine *m, uint64_t a, uint64_t b, const char *text);

/* ---- talking ------------------------------------------------------------------------------------- */

/** Longest message of the control protocol. */
#define CDM_CONTROL_MESSAGE_MAX 65536

/**
 * Open a connection to the machine's control door.  Messages are single MessagePack maps:
 * requests {"op": ..., "id": uint, ...}, replies {"id": uint, "ev": ...}; `spec/control.md`
 * lists them.  Needs no cdm_attach().  You speak as the machine's operator.
 *
 * @return 0, -ENOENT or -ECONNREFUSED (it does not run), -EACCES, -EINVAL, -ENOMEM, -ETIMEDOUT (too many are at its
 *         door); *out is NULL then
 */
CDM_API int cdm_control_open(const char *machine, struct cdm_control **out, struct cdm_diag *diag);

/** Close it.  NULL is allowed. */
CDM_API void cdm_control_close(struct cdm_control *c);

/** Its descriptor, for poll() and the like: readable when a message waits.  Do not read from it. */
CDM_API int cdm_control_fd(const struct cdm_control *c);

/**
 * Send one message.  0, -ETIMEDOUT (the machine does not read), -EPIPE, -E2BIG, -EINVAL (not one
 * map).
 */
CDM_API int cdm_control_send(struct cdm_control *c, const void *message, size_t bytes, int64_t timeout_ns);

/**
 * Receive one message.  Its bytes, -ETIMEDOUT, -EPIPE (the machine has ended), -E2BIG (dropped),
 * -EPROTO (not one map).
 */
CDM_API int64_t cdm_control_receive(struct cdm_control *c, void *out, size_t capacity, int64_t timeout_ns);

#ifdef __cplusplus
}
#endif

#endif
