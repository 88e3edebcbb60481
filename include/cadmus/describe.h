/*
 * describe.h - what a machine is made of: its fields, processes, models, and what they count.
 *
 * Part of client.h, which says what is true of all of it: errors, ownership, threads.
 */
#ifndef CADMUS_DESCRIBE_H
#define CADMUS_DESCRIBE_H

#include <stdint.h>
#include "cadmus/diag.h"
#include "cadmus/types.h"

#ifdef __cplusplus
extern "C" {
#endif

struct cdm_machine;

/* ---- fields -------------------------------------------------------------------------------------- */

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
	uint32_t readable;           /**< 1: cdm_open() of it is allowed here */
	int64_t half_life_ns;        /**< 0: does not decay */
	int64_t max_age_ns;          /**< older is CDM_STALE; 0: never */
	uint64_t layout;             /**< hash of dtype, shape, slots and bytes */
	uint64_t reserved[3];        /**< 0 */
};

/**
 * How many fields the machine has.
 *
 * @param m  the machine
 * @return the number; it does not change
 * @threads any
 */
CDM_API uint32_t cdm_field_count(const struct cdm_machine *m);

/**
 * Describe a field by its place.
 *
 * @param m      the machine
 * @param index  from 0, below cdm_field_count()
 * @param out    gets the description
 * @return 0, -EINVAL (no such index)
 * @threads any
 */
CDM_API int cdm_describe(const struct cdm_machine *m, uint32_t index, struct cdm_field *out);

/**
 * Describe a field by its name.
 *
 * @param m     the machine
 * @param name  "battery.level"
 * @param out   gets the description
 * @return 0, -ENOENT (no such field)
 * @threads any
 */
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
 * @threads any
 */
CDM_API int cdm_expect(const struct cdm_machine *m, const char *field, const char *layout, struct cdm_diag *diag);

/**
 * What is left of a sample: awareness fades from its publication on, by half in each half-life, so its values are to be
 * multiplied with this.
 *
 * @param f     description of its field
 * @param info  what is known of it
 * @param now   when; 0: now
 * @return 2^(-(now - info->publish_time) / f->half_life_ns), 0 to 1; 1 for a field that does not fade
 * @threads any
 */
CDM_API double cdm_left(const struct cdm_field *f, const struct cdm_info *info, struct cdm_mono now);

/** What the writer of a field counts of it, in its present life. */
struct cdm_field_counts {
	uint64_t publishes; /**< samples */
	uint64_t drops;     /**< samples that were not published: every slot was borrowed */
	uint64_t wakes;     /**< system calls made to wake readers */
	uint64_t degraded;  /**< samples published DEGRADED */
};

/**
 * What has been counted of a field.
 *
 * @param m      the machine
 * @param field  its index, as in cdm_field
 * @param out    gets the counts
 * @return 0; -EAGAIN: the process that writes it was never started, or was faster many times in a row; -EACCES: we may
 *         not read it; -EPROTO; -EINVAL: no such field
 * @threads any
 */
CDM_API int cdm_field_counts(struct cdm_machine *m, uint32_t field, struct cdm_field_counts *out);

/* ---- entities and models ------------------------------------------------------------------------- */

/**
 * Name of an entity, by its index in the description.
 *
 * @param m       the machine
 * @param entity  the index, as in cdm_info.source
 * @return the name, valid until cdm_detach(); NULL for an index that is none
 * @threads any
 */
CDM_API const char *cdm_entity_name(const struct cdm_machine *m, uint32_t entity);

/**
 * An option of an entity, as its driver, model or gateway gets it.
 *
 * @param m       the machine
 * @param entity  its name
 * @param key     of the option, as the description writes it
 * @return its text, valid until cdm_detach(); NULL when there is no such entity or option
 * @threads any
 */
CDM_API const char *cdm_option(const struct cdm_machine *m, const char *entity, const char *key);

/**
 * How many language models one can talk to.
 *
 * @param m  the machine
 * @return the number; it does not change
 * @threads any
 */
CDM_API uint32_t cdm_model_count(const struct cdm_machine *m);

/**
 * Name of a language model.  It is also the name of its entity: its file is cdm_option(m, name, "file").
 *
 * @param m      the machine
 * @param index  from 0, below cdm_model_count()
 * @return the name, valid until cdm_detach(); NULL outside the range
 * @threads any
 */
CDM_API const char *cdm_model_name(const struct cdm_machine *m, uint32_t index);

/* ---- processes ----------------------------------------------------------------------------------- */

/** What a process is for. */
enum cdm_process_role {
	CDM_PROCESS_CORE = 0,    /**< keeps state and rules, and talks */
	CDM_PROCESS_GUARD = 1,   /**< the last word before the motors */
	CDM_PROCESS_HOST = 2,    /**< one driver */
	CDM_PROCESS_WORKER = 3,  /**< one model */
	CDM_PROCESS_GATEWAY = 4, /**< one way in for others */
	CDM_PROCESS_CLIENT = 5,  /**< a place for a program like this one */
};

/** Does it live? */
enum cdm_process_state {
	CDM_PROCESS_FREE = 0,     /**< never started, or a client's place that nobody has */
	CDM_PROCESS_STARTING = 1, /**< started, and not ready yet */
	CDM_PROCESS_LIVE = 2,     /**< ready, and at work */
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

/**
 * How many processes the machine has, free places for clients among them.
 *
 * @param m  the machine
 * @return the number; it does not change
 * @threads any
 */
CDM_API uint32_t cdm_process_count(const struct cdm_machine *m);

/**
 * Describe a process as it is now.
 *
 * @param m      the machine
 * @param index  from 0, below cdm_process_count()
 * @param out    gets the description
 * @return 0, -EINVAL (no such index)
 * @threads any
 */
CDM_API int cdm_process_at(const struct cdm_machine *m, uint32_t index, struct cdm_process *out);

/**
 * Name of a role.
 *
 * @param role  enum cdm_process_role
 * @return "core", "guard", "host" ...; "?" outside the enum.  Static
 * @threads any, signal
 */
CDM_API const char *cdm_process_role_name(uint32_t role);

/**
 * Name of a state.
 *
 * @param state  enum cdm_process_state
 * @return "live", "dead" ...; "?" outside the enum.  Static
 * @threads any, signal
 */
CDM_API const char *cdm_process_state_name(uint32_t state);

/* ---- what processes count ------------------------------------------------------------------------ */

/**
 * How many counters each process keeps in its memory.
 *
 * @return the number
 * @threads any, signal
 */
CDM_API uint32_t cdm_counter_count(void);

/**
 * Name of a counter.
 *
 * @param counter  from 0, below cdm_counter_count()
 * @return like "drops"; "?" outside the range.  Static
 * @threads any, signal
 */
CDM_API const char *cdm_counter_name(uint32_t counter);

/**
 * What a counter counts.
 *
 * @param counter  from 0, below cdm_counter_count()
 * @return one clause; "?" outside the range.  Static
 * @threads any, signal
 */
CDM_API const char *cdm_counter_text(uint32_t counter);

/**
 * Read a counter of a process, also of a dead one.  It begins at 0 with each start of the process.
 *
 * @param m        the machine
 * @param process  its index
 * @param counter  from 0, below cdm_counter_count()
 * @param value    gets it; its unit is in cdm_counter_text()
 * @return 0, -EAGAIN (the process has no memory that we know of), -EINVAL (no such process or counter)
 * @threads any
 */
CDM_API int cdm_counter(struct cdm_machine *m, uint32_t process, uint32_t counter, uint64_t *value);

/** What a handle of a process does with a field, or with the events of a process. */
enum cdm_doing {
	CDM_READS = 1,   /**< a field */
	CDM_WRITES = 2,  /**< a field */
	CDM_LISTENS = 3, /**< to the events of a process */
};

/** What one handle has done, in this life of its process.  All in samples, or event records, but for the last four. */
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
 * Read a tally of a process: what one of its handles counts, or has counted.
 *
 * @param m        the machine
 * @param process  its index
 * @param i        which one: 0, 1, 2 ...
 * @param out      gets the tally
 * @return 0; -ENOENT: no handle has had that one yet, or ever will (ends the loop); -EAGAIN: the process has no memory
 *         that we know of; -EPROTO: it is of nothing that there is, as the next one
 *         may not be; -EINVAL: no such process
 * @threads any
 */
CDM_API int cdm_tally_at(struct cdm_machine *m, uint32_t process, uint32_t i, struct cdm_tally *out);

#define CDM_ERROR_TEXT 96 /**< bytes of the text of an error, its terminating zero included */

/** One sort of error of a process, and how often it came.  Times are those of cdm_info. */
struct cdm_error {
	uint64_t count;              /**< times */
	struct cdm_mono first, last; /**< when it came */
	char text[CDM_ERROR_TEXT]; /**< of the first one, zero terminated; the word of that process: anything */
};

/**
 * Read an error of a process, also of a dead one.
 *
 * @param m        the machine
 * @param process  its index
 * @param i        which one: 0, 1, 2 ...
 * @param out      gets the error
 * @return 0; -ENOENT: there are no more; -EAGAIN: it has no memory that we know of; -EINVAL: no such process
 * @threads any
 */
CDM_API int cdm_error_at(struct cdm_machine *m, uint32_t process, uint32_t i, struct cdm_error *out);

/**
 * Note an error of this program where `cadmus stat` and others see it.  No lock, no system call.
 *
 * @param m     the machine
 * @param kind  what makes it the same error as another one: a text that does not change with the circumstances
 * @param text  what is shown of the first one, up to 95 bytes of UTF-8
 * @threads any
 */
CDM_API void cdm_report(struct cdm_machine *m, const char *kind, const char *text);

#ifdef __cplusplus
}
#endif

#endif
