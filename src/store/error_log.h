/*
 * error_log.h - what went wrong in a process, each sort once with its count, in its own segment: also when it is dead.
 *
 * A sort is named by its kind, a text that does not change with the circumstances ("cannot open %s"); shown is the text
 * of the first one.  Any thread of the owner notes, anybody gets; no lock, no system call, nothing allocated.
 */
#ifndef STORE_ERROR_LOG_H
#define STORE_ERROR_LOG_H

#include <stdbool.h>
#include "cadmus/types.h"
#include "store/segment.h"

struct error_record {
	uint64_t count;
	struct cdm_mono first, last;
	char text[LAYOUT_ERROR_TEXT]; /* zero terminated; its owner's word: it may hold anything */
};

/* Without a segment of our own nothing is noted; when there are LAYOUT_ERRORS sorts already, a further one is counted
   (COUNTER_errors_untold). */
void error_note(const struct segment *own, struct cdm_mono now, const char *kind, const char *text);
/* Record i < LAYOUT_ERRORS; false: there is none. */
bool error_get(const struct segment *s, unsigned i, struct error_record *out);

#endif
