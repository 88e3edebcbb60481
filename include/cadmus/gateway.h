/*
 * gateway.h - what a gateway uses: a program that the machine starts, and that lets others in.
 *
 * A description names it (`communications:` with a `protocol`); the daemon starts the program and leaves it a place in
 * the machine.  All of client.h works on it.  Beside that it may ask core, as the entity that it is: what
 * that entity was granted is all that anybody gets through it.
 *
 *     struct cdm_machine *m;
 *     struct cdm_control *c;
 *
 *     if (cdm_gateway_open(&m, NULL) < 0)
 *         return 1;                       // somebody else started us
 *     if (listen_somewhere(cdm_option(m, cdm_gateway_entity(m), "listen")) < 0)
 *         return cdm_gateway_failed(m, "cannot listen"), 1;
 *     cdm_gateway_ready(m);
 *     ...                                 // in a thread: while (cdm_gateway_channel(m, &c, -1) == 0) talk(c);
 *     cdm_gateway_wait(m);                // until the machine wants us to end
 *     pthread_join(that_thread, NULL);    // talk() ends, too: its connection says -EPIPE, or is told to
 *     cdm_detach(m);
 *
 * Errors, ownership and threads are those of client.h.  Functions other than the first want a machine that it gave.
 */
#ifndef CADMUS_GATEWAY_H
#define CADMUS_GATEWAY_H

#include "cadmus/client.h"

#ifdef __cplusplus
extern "C" {
#endif

/**
 * Take the place that the daemon left to this process.
 *
 * @param out   the machine, yours until cdm_detach(); NULL after a failure
 * @param diag  gets what a person must understand; may be NULL
 * @return 0, -ENOENT (nobody left us one), -EPROTO, -ETIMEDOUT, -EPIPE, -ENOMEM, -errno
 * @threads one at a time, once in the life of the program, before it has other threads: it changes the environment
 */
CDM_API int cdm_gateway_open(struct cdm_machine **out, struct cdm_diag *diag);

/**
 * The entity that this gateway is.
 *
 * @param m  the machine
 * @return its name, valid until cdm_detach(); NULL: it is none
 * @threads any
 */
CDM_API const char *cdm_gateway_entity(const struct cdm_machine *m);

/**
 * Say that others can come in now.
 *
 * @param m  the machine
 * @return 0, -EPIPE (the daemon is gone), -EAGAIN (it does not read: say it again)
 * @threads any
 */
CDM_API int cdm_gateway_ready(struct cdm_machine *m);

/**
 * Say why it cannot start; then end the process with 1.
 *
 * @param m    the machine
 * @param why  one line of UTF-8, of which 107 bytes are kept
 * @threads any
 */
CDM_API void cdm_gateway_failed(struct cdm_machine *m, const char *why);

/**
 * Wait for the next connection to core.  There is one at a time; when core is restarted the old one ends (-EPIPE) and
 * another one comes.  Its messages are those of cdm_control_open().
 *
 * @param m           the machine
 * @param out         the connection, yours until cdm_control_close(); NULL after a failure
 * @param timeout_ns  how long, in nanoseconds; 0: do not sleep; negative: for ever
 * @return 0, -ETIMEDOUT, -ECANCELED (the machine wants us to end), -ENOMEM
 * @threads any; two that wait get each a connection of their own
 */
CDM_API int cdm_gateway_channel(struct cdm_machine *m, struct cdm_control **out, int64_t timeout_ns);

/**
 * Wait until the machine wants us to end, or is gone.
 *
 * @param m  the machine
 * @threads any
 */
CDM_API void cdm_gateway_wait(struct cdm_machine *m);

#ifdef __cplusplus
}
#endif

#endif
