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
 * What there is, by subject, each in a header that this one includes:
 *
 *     describe.h  which fields, processes and models a machine has, and what they count
 *     read.h      samples: by copy, by borrowing, in order, of several fields at one time; waiting for them
 *     write.h     samples of one's own, alone or several in one commit
 *     events.h    what happens in the processes of a machine
 *     control.h   talking: the control protocol
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
 *     -EBUSY         somebody else has it; all places for clients are taken; all leases of this client are out
 *     -ENOTSUP       samples of this field cannot be borrowed, only copied
 *     -ETIMEDOUT     not within its time
 *     -ECANCELED     cdm_interrupt() was called
 *     -EPIPE         the other side is gone
 *     -ESTALE        there is no view under these terms
 *     -EOWNERDEAD    the writer of what is waited for is gone
 *     -EINVAL        there can be no such thing: a name, an index, a size outside what is said of it
 *     -ENOMEM        no memory
 *     -errno         what the operating system said: -EMFILE, -EAGAIN where no thread can be had ...
 *
 * Each function names those it returns.  Where one is named without a word, it means what stands here.
 *
 * ## Time
 *
 * Durations are nanoseconds; a negative timeout is for ever, 0 only looks.  struct cdm_mono is
 * CLOCK_MONOTONIC of this computer.
 *
 * ## Ownership
 *
 * What a function gives by a `struct ... **out` is yours until you give it to the function that is named there.  What
 * you pass stays yours; text and bytes are not looked at after the call.  Text that is returned belongs to the library,
 * and is valid as long as its function says: "static" is for ever.
 *
 * ## Threads
 *
 * Each function says who may call it:
 *
 *     any             any thread, at any time, together with all others; but what works on a machine, a reader ... not
 *                     before it was given, nor once the function that takes it back was called
 *     any, signal     and a signal handler, too
 *     one at a time   any thread, but no two at one time for the same reader, writer ...: for what its first argument
 *                     is, and what else is named there.  Open as many as you like
 *
 * The library runs one thread of its own per machine (none for one of cdm_local_open()), and a second one once a
 * descriptor was asked for, with all signals blocked.  The first sleeps unless a process of the machine is restarted,
 * and looks twice a second while memory of a life that is over is still borrowed; what the second costs, cdm_fd() says.
 *
 * After fork() the child must not use what the parent has opened, nor close or release it: it does
 * not have the memory that the parent writes, and faults there instead of writing, or giving
 * back, in its parent's name.  cdm_detach() does nothing in a child.  It may attach for itself.
 */
#ifndef CADMUS_CLIENT_H
#define CADMUS_CLIENT_H

#include <stddef.h>
#include <stdint.h>
#include "cadmus/control.h"
#include "cadmus/describe.h"
#include "cadmus/diag.h"
#include "cadmus/events.h"
#include "cadmus/read.h"
#include "cadmus/types.h"
#include "cadmus/write.h"

#ifdef __cplusplus
extern "C" {
#endif

/** A machine that this program is in. */
struct cdm_machine;

/** Grows when a program that was built before must be built anew; libcadmus.so.N has N for its soname. */
#define CDM_ABI_VERSION 1

/**
 * CDM_ABI_VERSION as the library was built with: for programs that load it by hand, to be asked first.
 *
 * @return that number
 * @threads any, signal
 */
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
 *         answer within 10 s: its daemon is stopped), -errno
 * @threads any
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
 * @param out      the machine, as that entity sees it; yours until cdm_detach(); NULL after a failure
 * @param diag     gets what a person must understand; may be NULL
 * @return as cdm_attach(), but -ENOENT also: no such entity; -EACCES also: it is not left to programs; -EBUSY: another
 *         program is it; -ETIMEDOUT: that still is after `wait_ns`, or the machine has not answered in that time
 * @threads any
 */
CDM_API int cdm_attach_as(const char *machine, const char *entity, int64_t wait_ns, struct cdm_machine **out,
		struct cdm_diag *diag);

/**
 * Leave it.  Readers, writers and borrowed samples that are still out stay good until they are closed and
 * released; with the last of them the library's thread ends, and the place in the machine is free.
 *
 * @param m  the machine, not yours any more; NULL is allowed
 * @threads one at a time, and no other function with `m` meanwhile or later
 */
CDM_API void cdm_detach(struct cdm_machine *m);

/**
 * Its name.
 *
 * @param m  the machine
 * @return it; valid until cdm_detach()
 * @threads any
 */
CDM_API const char *cdm_machine_name(const struct cdm_machine *m);

/**
 * Its compiled description, as `cadmus plan --output FILE` writes it: for cdm_local_open(), or to be put beside what
 * was recorded of the machine.
 *
 * @param m      the machine
 * @param bytes  gets how many there are
 * @return its first byte; valid until cdm_detach()
 * @threads any
 */
CDM_API const void *cdm_plan(const struct cdm_machine *m, size_t *bytes);

/**
 * Is its daemon there?  When it is not, samples can still be read, and are orphans.
 *
 * @param m  the machine
 * @return 1: it is; 0: it was
 * @threads any, signal
 */
CDM_API int cdm_machine_alive(const struct cdm_machine *m);

/**
 * End the sleep of everybody in cdm_wait(), cdm_wait_any() and cdm_events_wait() of this machine, with -ECANCELED; and
 * of those to come that would sleep, the first for each reader that has not been told so.  A signal alone ends no wait.
 *
 * @param m  the machine
 * @threads any, signal
 */
CDM_API void cdm_interrupt(struct cdm_machine *m);

/* ---- a machine inside this program ---------------------------------------------------------------- */

/** A machine without processes, for tests: everybody in it is a part of this program. */
struct cdm_local;

/**
 * Make one of a compiled description, which `cadmus plan --output FILE` writes.  Nobody is in it, and nothing of it is
 * outside this program: no socket, no file, no daemon.
 *
 * @param plan   `bytes` of it; it is copied
 * @param bytes  of the plan
 * @param out    the machine, yours until cdm_local_close(); NULL after a failure
 * @param diag   why not; may be NULL
 * @return 0, -EPROTO (no plan of this version), -ENOMEM, -errno
 * @threads any
 */
CDM_API int cdm_local_open(const void *plan, size_t bytes, struct cdm_local **out, struct cdm_diag *diag);

/**
 * Close it: who is in it stays, and nobody can come any more.
 *
 * @param l  the machine, not yours any more; NULL is allowed
 * @threads one at a time, and no other function with `l` meanwhile or later
 */
CDM_API void cdm_local_close(struct cdm_local *l);

/**
 * Be somebody in it: all that can be done with a machine of cdm_attach() can be done with this one, but talking.  Each
 * thread may be somebody else, and one thread several.  A place is free again when who had it was detached, and all
 * that he has opened and borrowed is closed and given back.
 *
 * @param l    the machine
 * @param who  name of an entity or process: "camera", "core"; NULL: a client
 * @param out  the machine as that one sees it, yours until cdm_detach() or cdm_local_die(); NULL after a failure
 * @return 0, -ENOENT (there is no such one), -EBUSY (somebody is it, or all places of clients are taken), -ENOMEM,
 *         -errno
 * @threads any
 */
CDM_API int cdm_local_attach(struct cdm_local *l, const char *who, struct cdm_machine **out);

/**
 * Leave as one who dies, instead of cdm_detach().  At once, what it wrote is an ORPHAN, and who waits for it is told.
 * What is still open of it is good for nothing but to be closed and given back: others write over what it borrowed.
 *
 * @param m  a machine of cdm_local_attach() and no other, not yours any more; NULL is allowed
 * @threads one at a time, and no other function with `m` meanwhile or later
 */
CDM_API void cdm_local_die(struct cdm_machine *m);

#ifdef __cplusplus
}
#endif

#endif
