/*
 * control.h - talking to a machine: the control protocol, spec/control.md.
 *
 * Part of client.h, which says what is true of all of it: errors, ownership, threads.
 */
#ifndef CADMUS_CONTROL_H
#define CADMUS_CONTROL_H

#include <stddef.h>
#include <stdint.h>
#include "cadmus/diag.h"
#include "cadmus/types.h"

#ifdef __cplusplus
extern "C" {
#endif

/** A connection. */
struct cdm_control;

/** Longest message of the control protocol, in bytes. */
#define CDM_CONTROL_MESSAGE_MAX 65536

/**
 * Open a connection to the machine's control door.  Messages are single MessagePack maps:
 * requests {"op": ..., "id": uint, ...}, replies {"id": uint, "ev": ...}; `spec/control.md`
 * lists them.  Needs no cdm_attach().  You speak as the machine's operator.
 *
 * @param machine  its name
 * @param out      the connection, yours until cdm_control_close(); NULL after a failure
 * @param diag     gets what a person must understand; may be NULL
 * @return 0, -ENOENT or -ECONNREFUSED (it does not run), -EACCES, -EINVAL, -ENOMEM, -ETIMEDOUT (too many are at its
 *         door), -errno
 * @threads any
 */
CDM_API int cdm_control_open(const char *machine, struct cdm_control **out, struct cdm_diag *diag);

/**
 * Close it.
 *
 * @param c  the connection, not yours any more; NULL is allowed
 * @threads one at a time, and no other function with `c` meanwhile or later
 */
CDM_API void cdm_control_close(struct cdm_control *c);

/**
 * Its descriptor, for poll() and the like: readable when a message waits.  Do not read from it.
 *
 * @param c  the connection
 * @return the descriptor, the connection's until cdm_control_close()
 * @threads any
 */
CDM_API int cdm_control_fd(const struct cdm_control *c);

/**
 * Send one message.
 *
 * @param c           the connection
 * @param message     one MessagePack map
 * @param bytes       of it, up to CDM_CONTROL_MESSAGE_MAX
 * @param timeout_ns  how long to wait for room, in nanoseconds; 0: do not sleep; negative: for ever
 * @return 0, -ETIMEDOUT (the machine does not read), -EPIPE, -E2BIG, -EINVAL (not one map)
 * @threads any; messages are sent whole
 */
CDM_API int cdm_control_send(struct cdm_control *c, const void *message, size_t bytes, int64_t timeout_ns);

/**
 * Receive one message.
 *
 * @param c           the connection
 * @param out         `capacity` bytes for it
 * @param capacity    room in `out`; CDM_CONTROL_MESSAGE_MAX always suffice
 * @param timeout_ns  how long to wait for one, in nanoseconds; 0: do not sleep; negative: for ever
 * @return its bytes, -ETIMEDOUT, -EPIPE (the machine has ended), -E2BIG (it was dropped), -EPROTO (not one map)
 * @threads any, beside those that send; two that receive get each a message of their own
 */
CDM_API int64_t cdm_control_receive(struct cdm_control *c, void *out, size_t capacity, int64_t timeout_ns);

#ifdef __cplusplus
}
#endif

#endif
