/*
 * types.h - the words that every part of Cadmus, and everyone who builds on it, shares.
 *
 * A *field* is a named tensor in shared memory with one writer and any number of readers.
 * A *sample* is one value of a field; `struct cdm_info` is what is known about it besides
 * its bytes.  Times come in two kinds that the compiler keeps apart: struct cdm_mono counts
 * nanoseconds of CLOCK_MONOTONIC on this machine, struct cdm_wall those of the calendar.
 * What is said of threads has the meaning that it has in client.h.
 */
#ifndef CADMUS_TYPES_H
#define CADMUS_TYPES_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/** Marks what libcadmus.so exports; everything else of it is hidden. */
#define CDM_API __attribute__((visibility("default")))

#define CDM_NAME_MAX 48 /**< bytes of any name, its terminating zero included */
#define CDM_DIMS_MAX 8  /**< dimensions of a field */
#define CDM_NO_INDEX 0xffffu /**< "none" where an entity, field or process is meant */

/** A moment on CLOCK_MONOTONIC of this computer. */
struct cdm_mono {
	int64_t ns; /**< nanoseconds */
};

/** A moment of the calendar, on CLOCK_REALTIME. */
struct cdm_wall {
	int64_t ns; /**< nanoseconds since 1970-01-01 UTC */
};

/** Element types.  Values are an ABI: they stand in shared memory and in plans. */
enum cdm_dtype {
/** One line of dtype.def. */
#define CDM_DTYPE(name, text, bytes) CDM_##name,
#include "cadmus/dtype.def"
#undef CDM_DTYPE
	CDM_DTYPE_COUNT /**< how many there are */
};

/** What a sample is worth before one looks at its trust. */
enum cdm_status {
	CDM_OK = 0,       /**< nothing is known against it */
	CDM_STALE = 1,    /**< older than its reader, or its rule, allows */
	CDM_DEGRADED = 2, /**< made although a declared condition did not hold */
	CDM_ORPHAN = 3,   /**< its writer is dead; this is the last it said */
};

/** What is known of a sample.  Everything derived takes the oldest source_time and the lowest trust. */
struct cdm_info {
	uint64_t version;            /**< 1, 2, 3 ... within an epoch of the writer */
	struct cdm_mono source_time; /**< when the world was like this: the stamp of the first sensor */
	struct cdm_mono publish_time; /**< when its writer published it */
	float trust;          /**< 0..1: lower bound of trust in all it was made from */
	uint16_t source;      /**< entity index in the plan */
	uint16_t status;      /**< enum cdm_status */
	uint32_t epoch;       /**< grows each time the writing process is started */
	uint32_t bytes;       /**< bytes of payload that are valid */
};

/**
 * Size of an element type.
 *
 * @param t  enum cdm_dtype, or any other number
 * @return bytes of one element; 0 for an unknown type
 * @threads any, signal
 */
CDM_API size_t cdm_dtype_size(enum cdm_dtype t);

/**
 * Name of an element type.
 *
 * @param t  enum cdm_dtype, or any other number
 * @return "f32", "u8", ...; "?" for an unknown type.  Static
 * @threads any, signal
 */
CDM_API const char *cdm_dtype_name(enum cdm_dtype t);

/**
 * Name of a status.
 *
 * @param s  enum cdm_status, or any other number
 * @return "OK", "STALE", ...; "?" outside the enum.  Static
 * @threads any, signal
 */
CDM_API const char *cdm_status_name(enum cdm_status s);

#ifdef __cplusplus
}
#endif

#endif
