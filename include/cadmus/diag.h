/*
 * diag.h - what a person must understand.
 *
 * Where a human is at the other end (compile, load, open, configure), the last argument of a
 * function is a struct cdm_diag *, NULL allowed.  The return code is for the program, the diag
 * for the human.  The list is bounded; what does not fit is counted.  What is said of threads has the meaning that it
 * has in client.h.
 */
#ifndef CADMUS_DIAG_H
#define CADMUS_DIAG_H

#include <stddef.h>
#include <stdint.h>
#include "cadmus/types.h"

#ifdef __cplusplus
extern "C" {
#endif

#define CDM_DIAG_MAX 64   /**< messages that a list holds */
#define CDM_DIAG_TEXT 320 /**< bytes of a text, its terminating zero included */

/** Only errors make a description, a file or a request unusable. */
enum cdm_severity {
	CDM_ERROR,   /**< it cannot be used so */
	CDM_WARNING, /**< it can, and is likely not what was meant */
	CDM_NOTE,    /**< good to know */
};

/** One message, and the place in a text that it is about. */
struct cdm_message {
	enum cdm_severity severity; /**< how bad it is */
	char id[8];        /**< stable: "C0412", "" when there is none */
	uint32_t line;     /**< 1-based; 0: no place in a text */
	uint32_t column;   /**< 1-based, in characters */
	uint32_t length;   /**< characters to underline, at least 1 */
	char text[CDM_DIAG_TEXT]; /**< what is wrong */
	char hint[CDM_DIAG_TEXT]; /**< what to do next; may be empty */
};

/** A list of messages.  Zeroed: empty. */
struct cdm_diag {
	uint32_t count;   /**< messages in `at` */
	uint32_t errors;  /**< errors among all that were added */
	uint32_t dropped; /**< that did not fit */
	struct cdm_message at[CDM_DIAG_MAX]; /**< in the order they came */
};

/**
 * Add one message.
 *
 * @param d       the list; NULL: nothing is done
 * @param s       how bad it is
 * @param id      stable, up to 7 bytes; "" or NULL: none
 * @param format  of printf(), with its arguments: what is wrong, up to CDM_DIAG_TEXT - 1 bytes of UTF-8
 * @return the entry, the list's, to add place and hint; NULL when there is no list, or the message did not fit
 * @threads one at a time
 */
CDM_API struct cdm_message *cdm_diag_add(struct cdm_diag *d, enum cdm_severity s, const char *id,
		const char *format, ...) __attribute__((format(printf, 4, 5)));

#ifdef __cplusplus
}
#endif

#endif
