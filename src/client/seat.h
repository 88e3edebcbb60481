/*
 * seat.h - a process's place in a machine, and the messages between it and the parent.
 *
 * The parent hands each child one SEQPACKET socket; a client gets the same by knocking at
 * attach.sock.  What goes over it is of fixed size, so the parent parses nothing:
 *
 *      parent                                         child
 *        | HELLO  index, epoch; plan, directory, segment |
 *        |---------------------------------------------->|  verifies a private copy of the plan,
 *        |                                         READY |  maps, formats and freezes its segment
 *        |<----------------------------------------------|
 *        | PEER, CHANNEL, DOOR ... QUIT                  |
 *        |---------------------------------------------->|
 *        |               START, STOP, DOWN (core), FAILED |
 *        |<----------------------------------------------|
 *
 * Death has no message: it is the end of the socket, or a pidfd.  A parent that is killed is followed by another
 * one, with the same sockets (runtime/legacy.h): of that a child hears DIRECTORY, and nothing else changes.
 *
 * The first half of this file serves both sides.  A struct seat belongs to one (control) thread;
 * seat.peers is read by data threads as peers.h says.
 */
#ifndef CLIENT_SEAT_H
#define CLIENT_SEAT_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>
#include "base/check.h"
#include "schema/plan.h"
#include "store/peers.h"

#define SEAT_MAGIC 0x74616573u   /* "seat" */
#define SEAT_ATTACH_MAGIC 0x74746163u
#define SEAT_ABI 5u
#define SEAT_ENV "CADMUS_SEAT"   /* "<process index>:<fd>" */
#define SEAT_TEXT_MAX 108
#define SEAT_FDS_MAX (2 + PLAN_PARTS_MAX)

enum seat_kind {
	SEAT_HELLO = 1, /* parent: process, epoch; fds plan, directory, and each part of its segment */
	SEAT_PEER,      /* parent: process, epoch; value: set of the parts that you may read; their fds in order */
	SEAT_CHANNEL,   /* parent: process; fd connected socket */
	SEAT_DOOR,      /* parent: value enum seat_door; fd listening socket; a later one replaces it */
	SEAT_QUIT,      /* parent */
	SEAT_READY,     /* child */
	SEAT_START,     /* core: process */
	SEAT_STOP,      /* core: process; parent to core: it is gone and nobody starts it unless asked */
	SEAT_FAILED,    /* child: text; also the parent's answer to one without a place: value is an errno */
	SEAT_DOWN,      /* core: end the machine; parent to core: it is going down, nothing is to begin */
	SEAT_LEAVE,     /* who is not a child of the parent: it goes in good order */
	SEAT_DIRECTORY, /* parent: another one is here, and this is its directory; fd */
	SEAT_KEEP,      /* parent to core: process, epoch; value: set of SEAT_KEEP_...; fds those, then its parts */
	SEAT_KEEP_DOORS, /* parent to core: fds attach, control, stop, perhaps a handle of who started the machine */
	SEAT_REPEAT,    /* child: value: kind of a message that came without its fds, or made no sense; 0: unknown */
	SEAT_ALL,       /* parent: a PEER was sent of everybody who has memory by now */
	SEAT_KIND_COUNT
};

enum seat_door {
	SEAT_DOOR_CONTROL = 1, /* core: accept control clients here */
	SEAT_DOOR_STOP,        /* guard: the stop door */
	SEAT_DOOR_COUNT
};

/* What core keeps for the parent of each process, so that another parent can go on: runtime/legacy.h. */
#define SEAT_KEEP_SOCKET 1u /* the parent's end of its seat */
#define SEAT_KEEP_END 2u    /* a handle of the process */

struct seat_message {
	uint32_t magic, kind, process, epoch, value;
	char text[SEAT_TEXT_MAX];
};

/* What a program that the parent did not start sends first. */
struct seat_attach {
	uint32_t magic, abi, flags; /* set of SEAT_ATTACH_... */
	char entity[CDM_NAME_MAX];  /* whose place it takes; "": any client's */
};

#define SEAT_ATTACH_STAND_BY 1u /* while somebody else has that place: wait for it */

_Static_assert(sizeof(struct seat_message) == 128, "an ABI");
_Static_assert(sizeof(struct seat_attach) == 12 + CDM_NAME_MAX, "an ABI");

/* ---- both sides: whole messages ------------------------------------------------------------------ */

/*
 * Send one message, never waiting.  fds are borrowed; text may be NULL.
 * 0, -EAGAIN (the other side does not read), -EPIPE, -errno.
 */
MUST_CHECK int seat_send(int fd, enum seat_kind kind, uint16_t process, uint32_t epoch, uint32_t value,
		const char *text, const int *fds, unsigned fd_count);
/*
 * Receive one message that is well-formed: known kind, exactly the fds that its kind has, process in
 * range, text that ends.  1; 0: none now; -EPIPE: the other side is gone; -EPROTO (its fds are
 * closed); -errno.  fds[0 .. *fd_count) are the caller's.
 */
MUST_CHECK int seat_receive(int fd, struct seat_message *m, int fds[SEAT_FDS_MAX], unsigned *fd_count);
const char *seat_kind_text(unsigned kind);

/* ---- parent -------------------------------------------------------------------------------------- */

/* `segment` is all of it: each is sent what it may have. */
MUST_CHECK int seat_send_hello(int fd, uint16_t process, uint32_t epoch, int plan, int directory,
		const struct segment_files *segment);
MUST_CHECK int seat_send_peer(int fd, uint16_t process, uint32_t epoch, const struct segment_files *segment,
		uint32_t parts);
/* After the PEERs of everybody. */
MUST_CHECK int seat_send_all(int fd);
MUST_CHECK int seat_send_channel(int fd, uint16_t process, int channel);
MUST_CHECK int seat_send_door(int fd, enum seat_door door, int listener);
MUST_CHECK int seat_send_directory(int fd, int directory);
/* To core.  socket and end may be -1. */
MUST_CHECK int seat_send_keep(int fd, uint16_t process, uint32_t epoch, int socket, int end,
		const struct segment_files *segment);
/* To core.  starter may be -1. */
MUST_CHECK int seat_send_keep_doors(int fd, const int doors[3], int starter);
MUST_CHECK int seat_send_quit(int fd);
/* To core: the machine is going down; QUIT comes when others have ended. */
MUST_CHECK int seat_send_down(int fd);
/* To core: process is not there, and nobody starts it unless core asks. */
MUST_CHECK int seat_send_stopped(int fd, uint16_t process);
/* The first message of a client.  1; 0: none now; -EPROTO, -EPIPE, -errno. */
MUST_CHECK int seat_receive_attach(int fd, struct seat_attach *a);
/* A sealed memory file with the plan, for HELLO; -errno. */
MUST_CHECK int seat_plan_file(const struct plan *p);
/* "CADMUS_SEAT=<process>:<fd>" for a child's environment. */
#define SEAT_ENV_TEXT_MAX 40
const char *seat_env(uint16_t process, int fd, char out[SEAT_ENV_TEXT_MAX]);

/* ---- child and client ---------------------------------------------------------------------------- */

struct seat {
	int fd;              /* to the parent; poll it for reading, then seat_handle() */
	uint16_t process;
	uint32_t epoch;
	struct plan *plan;   /* verified private copy, owned */
	struct peers peers;  /* own segment and directory are mapped */
	bool told_all;       /* everybody who had memory when we came is mapped, if that can be */
	pid_t pid;           /* whose it is: not that of a child of fork() */
};

enum seat_event_kind {
	SEAT_EVENT_CHANNEL, SEAT_EVENT_DOOR, SEAT_EVENT_QUIT, SEAT_EVENT_PEER, SEAT_EVENT_STOPPED, SEAT_EVENT_DOWN,
	SEAT_EVENT_KEEP, SEAT_EVENT_KEEP_DOORS /* core only */
};

struct seat_event {
	enum seat_event_kind kind;
	uint16_t process;    /* CHANNEL: to whom; PEER: whose segment was replaced; STOPPED: who is gone for good */
	enum seat_door door;
	int fd;              /* CHANNEL, DOOR: the caller's now, non-blocking; else -1 */
	uint32_t epoch, value; /* KEEP: as in the message */
	int kept[SEAT_FDS_MAX]; /* KEEP, KEEP_DOORS: the caller's now */
	unsigned kept_count;
};

/*
 * Take the seat that the parent left us in CADMUS_SEAT (removed from the environment), wait up to
 * 10 s for HELLO, and map everything.  seat_ready() is still to be called.  -ENOENT: there is none;
 * -EPROTO, -ETIMEDOUT, -EPIPE, -errno; all explained in diag.
 */
MUST_CHECK int seat_open_inherited(struct seat *s, struct cdm_diag *diag);
/*
 * Knock at a running machine; ends with READY, and waits up to 2 s for the memory of everybody who has any, the dead
 * among them: what they said last is there.  -ENOENT, -ECONNREFUSED: not running; -EACCES: somebody else's; -EBUSY: no
 * place; -ETIMEDOUT: it does not answer within 10 s.
 */
MUST_CHECK int seat_attach(struct seat *s, const char *machine, struct cdm_diag *diag);
/*
 * The same, to take the place of an external entity; while another program has it, stand by for wait_ns (0: not at
 * all, < 0: for ever).  -ENOENT also: no such entity; -EACCES also: it is not external; -EBUSY: taken;
 * -ETIMEDOUT: taken for all of wait_ns, or no answer in it.
 */
MUST_CHECK int seat_attach_as(struct seat *s, const char *machine, const char *entity, int64_t wait_ns,
		struct cdm_diag *diag);
/* Unmap and close everything; no-op on a zeroed seat with fd -1, or a closed one. */
void seat_close(struct seat *s);

/*
 * Map the segment of s->process, s->epoch, as peers_own(), for this process alone: a child of fork() would be a second
 * writer where the kernel lets nobody else in, and would give back what its parent holds.  The files are borrowed.
 */
MUST_CHECK int seat_own(struct seat *s, const struct segment_files *files);

/* What is logged as a warning or error goes into our segment's error log, too.  The seat outlives all that logs. */
void seat_log(struct seat *s);

static inline int seat_fd(const struct seat *s) {
	return s->fd;
}

static inline const struct plan_process *seat_process(const struct seat *s) {
	return &plan_processes(s->plan)[s->process];
}

/*
 * Process what has come, without waiting, until there is something for the caller.  1 and *e; 0:
 * nothing more now; -EPIPE: the parent is gone (what is mapped stays good); -errno.
 * A PEER that cannot be mapped is counted (COUNTER_broken) and skipped.  So is a message that makes no sense, or came
 * without its descriptors because we may have no more: the parent is asked to say it again.
 */
MUST_CHECK int seat_handle(struct seat *s, struct seat_event *e);

/* 0, -EPIPE, -EAGAIN, -errno. */
MUST_CHECK int seat_ready(struct seat *s);
MUST_CHECK int seat_ask_start(struct seat *s, uint16_t process);
MUST_CHECK int seat_ask_stop(struct seat *s, uint16_t process);
MUST_CHECK int seat_ask_down(struct seat *s);
/* Say that we go: what we wrote is left behind in good order.  seat_close() follows. */
void seat_leave(struct seat *s);
/* Say why we cannot start; the caller exits with 1 then. */
void seat_failed(struct seat *s, const char *format, ...) PRINTF_LIKE(2, 3);

#endif
