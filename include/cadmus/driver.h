/*
 * driver.h - a way to reach a device: what a shared module cadmus-driver-NAME.so exports.
 *
 * A host process loads one driver for one entity of the machine.  The module exports one object,
 *
 *     CDM_DRIVER_EXPORT const struct cdm_driver cdm_driver = { .abi = CDM_DRIVER_ABI, .name = "photos", ... };
 *
 * and includes nothing of Cadmus but cadmus/ headers.  What it needs of the process (time, log,
 * options) comes in struct cdm_driver_config.  There are two sorts:
 *
 *     sensor  fill()  the host lends it the memory of the next sample, in the segment where readers
 *                     will find it; the driver fills it in place.  The host sets the pace.
 *     device  poll()  stands in for hardware (a simulated robot on a bus): it publishes nothing, and is
 *                     called when its fd is readable and at the pace of `rate_hz`.
 *
 * Threads: every call comes from one thread.  After open() a driver should not allocate.
 * Errors are negative errno values of Cadmus; what a person must understand goes to the diag of open(),
 * and later to log().
 */
#ifndef CADMUS_DRIVER_H
#define CADMUS_DRIVER_H

#include <stddef.h>
#include <stdint.h>
#include "cadmus/diag.h"
#include "cadmus/types.h"

#ifdef __cplusplus
extern "C" {
#endif

#define CDM_DRIVER_ABI 1u              /**< version of this interface */
#define CDM_DRIVER_SYMBOL "cdm_driver" /**< name of the object that a module exports */
/** Marks that object. */
#define CDM_DRIVER_EXPORT __attribute__((visibility("default")))

/** What a driver is for. */
enum cdm_driver_sort {
	CDM_DRIVER_SENSOR = 1, /**< it fills a field */
	CDM_DRIVER_DEVICE = 2, /**< it is polled, and has a bus of its own */
};

/** What the process offers.  Functions are valid until close(); strings and shape inside open() only. */
struct cdm_driver_config {
	struct cdm_mono (*now)(void); /**< the clock of the machine */
	/** One line for people, without a newline. */
	void (*log)(void *of, enum cdm_severity severity, const char *text);
	/** The value of an option in the machine's description, or NULL.  Only inside open(). */
	const char *(*option)(void *of, const char *key);
	void *of;            /**< first argument of log() and option() */
	const char *machine; /**< its name */
	const char *entity;  /**< whom the driver is */
	enum cdm_dtype dtype;         /**< of the field that a sensor fills; this and the rest zero for a device */
	uint32_t dims;                /**< 0: a scalar */
	uint32_t shape[CDM_DIMS_MAX]; /**< outermost first */
	size_t bytes;                 /**< of the largest sample */
	double rate_hz; /**< how often it will be called; 0: the driver's own choice */
};

/** One option, for `cadmus check` and people.  A table ends with key NULL. */
struct cdm_driver_option {
	const char *key;      /**< as in the description */
	const char *fallback; /**< what is taken when it is not given; NULL: it must be given */
	const char *summary;  /**< one line */
};

/** What a module exports under the name CDM_DRIVER_SYMBOL.  Its functions are called by one thread. */
struct cdm_driver {
	uint32_t abi;        /**< CDM_DRIVER_ABI */
	uint32_t sort;       /**< enum cdm_driver_sort */
	const char *name;    /**< as in cadmus-driver-NAME.so */
	const char *summary; /**< one line */
	const struct cdm_driver_option *options; /**< what may be set in a description; NULL: nothing */

	/** Make *self of cfg, ready to be called; *self is NULL after a failure, the reason in diag. */
	int (*open)(void **self, const struct cdm_driver_config *cfg, struct cdm_diag *diag);
	/** Accepts NULL. */
	void (*close)(void *self);

	/**
	 * Sensor: fill the `bytes` at `slot` with the sample of now.  *info comes with source_time and
	 * bytes zero, status CDM_OK, trust 1; the driver sets source_time (when the world was like this,
	 * not when it was done) and bytes.  0: publish it.  -EAGAIN: nothing new.  -EBADMSG, -EIO: this
	 * sample could not be had; try again later.  Others: the device is lost, the host ends.
	 */
	int (*fill)(void *self, void *slot, size_t bytes, struct cdm_info *info);

	/** Device: do all that is due.  0, or an error: the host ends. */
	int (*poll)(void *self, struct cdm_mono now);
	/** Device: readable when poll() has something to do before its time; -1: none.  May be NULL. */
	int (*fd)(void *self);
};

#ifdef __cplusplus
}
#endif

#endif
