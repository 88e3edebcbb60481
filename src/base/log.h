/*
 * log.h - rare lines for people, on standard error: "time level role: text".
 *
 * CADMUS_LOG=error|warn|info|debug (warn unless told).  The data path never logs: it counts.
 * Safe from any thread; a line is one write(2).  It never waits: a line that has no place is left out, and
 * the next one says how many were.
 */
#ifndef BASE_LOG_H
#define BASE_LOG_H

#include "base/check.h"
#include "cadmus/diag.h"

enum log_level { LOG_ERROR, LOG_WARN, LOG_INFO, LOG_DEBUG };

/* Name this process in its lines; borrowed for ever.  Reads CADMUS_LOG. */
void log_init(const char *role);
/* From now on, and before any other thread logs: each warning and error is told to `hear` too, written or not. */
void log_also(void (*hear)(void *self, const char *format, const char *text), void *self);
void log_line(enum log_level level, const char *format, ...) PRINTF_LIKE(2, 3);
/* All that it says, a line for each message, as errors: `what` went wrong. */
void log_diag(const char *what, const struct cdm_diag *diag);

#define log_error(...) log_line(LOG_ERROR, __VA_ARGS__)
#define log_warn(...) log_line(LOG_WARN, __VA_ARGS__)
#define log_info(...) log_line(LOG_INFO, __VA_ARGS__)
#define log_debug(...) log_line(LOG_DEBUG, __VA_ARGS__)

#endif
