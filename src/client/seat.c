/*
 * seat.c - see seat.h.
 *
 * A message is believed only when all of it fits: magic, kind, process, text, and exactly the
 * descriptors of its kind (the table below).  A plan is verified on a private copy, since its memory file
 * belongs to someone else.
 */
#include "client/seat.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>
#include "base/clock.h"
#include "base/err.h"
#include "base/io.h"
#include "base/log.h"
#include "client/run_dir.h"
#include "store/error_log.h"
#include "store/segment.h"

#define HELLO_PATIENCE_NS (10 * NS_PER_S)
#define SETTLE_PATIENCE_NS (2 * NS_PER_S)

static const struct {
	const char *text;
	uint8_t fds_min, fds_max;
} kinds[SEAT_KIND_COUNT] = {
	[SEAT_HELLO] = { "hello", 3, SEAT_FDS_MAX }, [SEAT_PEER] = { "peer", 1, PLAN_PARTS_MAX },
	[SEAT_CHANNEL] = { "channel", 1, 1 },        [SEAT_DOOR] = { "door", 1, 1 },
	[SEAT_QUIT] = { "quit", 0, 0 },              [SEAT_READY] = { "ready", 0, 0 },
	[SEAT_START] = { "start", 0, 0 },            [SEAT_STOP] = { "stop", 0, 0 },
	[SEAT_FAILED] = { "failed", 0, 0 },          [SEAT_DOWN] = { "down", 0, 0 },
	[SEAT_LEAVE] = { "leave", 0, 0 },            [SEAT_DIRECTORY] = { "directory", 1, 1 },
	[SEAT_KEEP] = { "keep", 1, SEAT_FDS_MAX },   [SEAT_KEEP_DOORS] = { "keep doors", 3, 4 },
	[SEAT_REPEAT] = { "repeat", 0, 0 },          [SEAT_ALL] = { "all", 0, 0 },
};

const char *seat_kind_text(unsigned kind) {
	return kind >= SEAT_HELLO && kind < SEAT_KIND_COUNT ? kinds[kind].text : "?";
}

/* ---- both sides ---- */

int seat_send(int fd, enum seat_kind kind, uint16_t process, uint32_t epoch, uint32_t value, const char *text,
		const int *fds, unsigned fd_count) {
	struct seat_message m = { .magic = SEAT_MAGIC, .kind = kind, .process = process, .epoch = epoch,
		.value = value };
	CHECK(fd_count >= kinds[kind].fds_min && fd_count <= kinds[kind].fds_max);
	if (text)
		snprintf(m.text, sizeof(m.text), "%s", text);
	return io_send(fd, &m, sizeof(m), fds, fd_count, MSG_DONTWAIT);
}

/* Where the value says which descriptors there are, it is right. */
static bool is_counted(const struct seat_message *m, unsigned fd_count) {
	unsigned said = (unsigned)__builtin_popcount(m->value);
	if (m->kind == SEAT_PEER)
		return m->value >> PLAN_PARTS_MAX == 0 && fd_count == said;
	if (m->kind == SEAT_KEEP)
		return (m->value & ~(SEAT_KEEP_SOCKET | SEAT_KEEP_END)) == 0 && fd_count > said &&
		       fd_count <= said + PLAN_PARTS_MAX;
	return true;
}

static bool is_well_formed(const struct seat_message *m, unsigned fd_count) {
	return m->magic == SEAT_MAGIC && m->kind >= SEAT_HELLO && m->kind < SEAT_KIND_COUNT &&
	       m->process < PLAN_PROCESSES_MAX && fd_count >= kinds[m->kind].fds_min &&
	       fd_count <= kinds[m->kind].fds_max && memchr(m->text, 0, sizeof(m->text)) != NULL &&
	       is_counted(m, fd_count);
}

static void close_all(int *fds, unsigned *count) {
	for (unsigned i = 0; i < *count; i++)
		io_close(&fds[i]);
	*count = 0;
}

int seat_receive(int fd, struct seat_message *m, int fds[SEAT_FDS_MAX], unsigned *fd_count) {
	*fd_count = SEAT_FDS_MAX;
	ssize_t n = io_receive(fd, m, sizeof(*m), fds, fd_count, MSG_DONTWAIT);
	if (n == -EAGAIN)
		return 0;
	if (n == 0)
		return -EPIPE;
	if (n < 0 && n != -E2BIG && n != -EMFILE)
		return (int)n;
	if (n == sizeof(*m) && is_well_formed(m, *fd_count))
		return 1;
	close_all(fds, fd_count);
	return -EPROTO;
}

/* ---- parent ---- */

int seat_send_hello(int fd, uint16_t process, uint32_t epoch, int plan, int directory,
		const struct segment_files *segment) {
	int fds[SEAT_FDS_MAX] = { plan, directory };
	unsigned n = 2;
	for (unsigned k = 0; k < PLAN_PARTS_MAX && segment->fd[k] >= 0; k++)
		fds[n++] = segment->fd[k];
	return seat_send(fd, SEAT_HELLO, process, epoch, SEAT_ABI, NULL, fds, n);
}

int seat_send_peer(int fd, uint16_t process, uint32_t epoch, const struct segment_files *segment, uint32_t parts) {
	int fds[PLAN_PARTS_MAX];
	unsigned n = 0;
	for (unsigned k = 0; k < PLAN_PARTS_MAX; k++)
		if (parts >> k & 1)
			fds[n++] = segment->fd[k];
	return seat_send(fd, SEAT_PEER, process, epoch, parts, NULL, fds, n);
}

int seat_send_all(int fd) {
	return seat_send(fd, SEAT_ALL, 0, 0, 0, NULL, NULL, 0);
}

int seat_send_channel(int fd, uint16_t process, int channel) {
	return seat_send(fd, SEAT_CHANNEL, process, 0, 0, NULL, &channel, 1);
}

int seat_send_door(int fd, enum seat_door door, int listener) {
	return seat_send(fd, SEAT_DOOR, 0, 0, door, NULL, &listener, 1);
}

int seat_send_directory(int fd, int directory) {
	return seat_send(fd, SEAT_DIRECTORY, 0, 0, 0, NULL, &directory, 1);
}

int seat_send_keep(int fd, uint16_t process, uint32_t epoch, int socket, int end, const struct segment_files *segment) {
	int fds[SEAT_FDS_MAX];
	unsigned n = 0;
	uint32_t value = (socket >= 0 ? SEAT_KEEP_SOCKET : 0) | (end >= 0 ? SEAT_KEEP_END : 0);
	if (socket >= 0)
		fds[n++] = socket;
	if (end >= 0)
		fds[n++] = end;
	for (unsigned k = 0; k < PLAN_PARTS_MAX && segment->fd[k] >= 0; k++)
		fds[n++] = segment->fd[k];
	return seat_send(fd, SEAT_KEEP, process, epoch, value, NULL, fds, n);
}

int seat_send_keep_doors(int fd, const int doors[3], int starter) {
	const int fds[4] = { doors[0], doors[1], doors[2], starter };
	return seat_send(fd, SEAT_KEEP_DOORS, 0, 0, 0, NULL, fds, starter < 0 ? 3 : 4);
}

int seat_send_quit(int fd) {
	return seat_send(fd, SEAT_QUIT, 0, 0, 0, NULL, NULL, 0);
}

int seat_send_down(int fd) {
	return seat_send(fd, SEAT_DOWN, 0, 0, 0, NULL, NULL, 0);
}

int seat_send_stopped(int fd, uint16_t process) {
	return seat_send(fd, SEAT_STOP, process, 0, 0, NULL, NULL, 0);
}

int seat_receive_attach(int fd, struct seat_attach *a) {
	ssize_t n = io_receive(fd, a, sizeof(*a), NULL, NULL, MSG_DONTWAIT);
	if (n == -EAGAIN)
		return 0;
	if (n == 0)
		return -EPIPE;
	bool right = n == sizeof(*a) && a->magic == SEAT_ATTACH_MAGIC && a->abi == SEAT_ABI &&
			(a->flags & ~SEAT_ATTACH_STAND_BY) == 0 && memchr(a->entity, 0, sizeof(a->entity)) != NULL;
	return right ? 1 : n < 0 && n != -E2BIG ? (int)n : -EPROTO;
}

int seat_plan_file(const struct plan *p) {
	int fd = io_memory("cadmus:plan", p->bytes);
	if (fd < 0)
		return fd;
	ssize_t n = pwrite(fd, p, p->bytes, 0);
	int rc = n == (ssize_t)p->bytes ? io_memory_freeze_writers(fd) : n < 0 ? -errno : -ENOSPC;
	if (rc < 0)
		io_close(&fd);
	return rc < 0 ? rc : fd;
}

const char *seat_env(uint16_t process, int fd, char out[SEAT_ENV_TEXT_MAX]) {
	snprintf(out, SEAT_ENV_TEXT_MAX, SEAT_ENV "=%u:%d", process, fd);
	return out;
}

/* ---- child and client ---- */

static int explain(struct cdm_diag *diag, const char *id, int rc, const char *what) {
	cdm_diag_add(diag, CDM_ERROR, id, "%s: %s", what, err_text(rc));
	return rc;
}

/* A private, verified copy of the plan behind fd. */
static int take_plan(struct seat *s, int fd, struct cdm_diag *diag) {
	int64_t bytes = io_memory_size(fd);
	if (bytes < (int64_t)sizeof(struct plan) || bytes > PLAN_BYTES_MAX)
		return explain(diag, "S0101", -EPROTO, "the plan that was handed over has an impossible size");
	s->plan = malloc((size_t)bytes);
	if (!s->plan)
		return -ENOMEM;
	if (pread(fd, s->plan, (size_t)bytes, 0) != bytes)
		return explain(diag, "S0101", -EIO, "the plan that was handed over cannot be read");
	return plan_verify(s->plan, (size_t)bytes, diag);
}

/* What the parent may answer, and nothing else. */
static int refusal(uint32_t value) {
	static const int known[] = { EACCES, ENOENT, EPROTO, ENOMEM };
	for (size_t i = 0; i < COUNT_OF(known); i++)
		if (value == (uint32_t)known[i])
			return -known[i];
	return -EBUSY;
}

/* Those of the `parts`, in their order.  Borrowed. */
static struct segment_files files_of(uint32_t parts, const int *fds) {
	struct segment_files f = segment_no_files();
	for (unsigned k = 0; k < PLAN_PARTS_MAX; k++)
		if (parts >> k & 1)
			f.fd[k] = *fds++;
	return f;
}

int seat_own(struct seat *s, const struct segment_files *files) {
	int rc = peers_own(&s->peers, s->epoch, files);
	s->pid = getpid();
	return rc < 0 ? rc : io_memory_keep(s->peers.own.base, s->peers.own.bytes);
}

static int refuse_version(uint32_t theirs, struct cdm_diag *diag) {
	cdm_diag_add(diag, CDM_ERROR, "S0103", "the machine speaks version %u of the seat protocol, this program "
			"version %u: build it anew", theirs, SEAT_ABI);
	return -EPROTO;
}

static int take_hello(struct seat *s, const struct seat_message *m, const int *fds, unsigned n,
		struct cdm_diag *diag) {
	if (m->kind == SEAT_FAILED)
		return cdm_diag_add(diag, CDM_ERROR, "S0102", "%s", m->text), refusal(m->value);
	if (m->kind != SEAT_HELLO || m->value != SEAT_ABI)
		return refuse_version(m->kind == SEAT_HELLO ? m->value : 0, diag);
	int rc = take_plan(s, fds[0], diag);
	if (rc < 0)
		return rc;
	s->process = (uint16_t)m->process;
	s->epoch = m->epoch;
	if (s->process >= s->plan->processes.count)
		return explain(diag, "S0104", -EPROTO, "the plan has no such place");
	const struct segment_files own = files_of((1u << (n - 2)) - 1, fds + 2);
	peers_init(&s->peers, s->plan, s->process);
	if ((rc = seat_own(s, &own)) < 0)
		return explain(diag, "S0105", rc, "our segment cannot be used");
	if ((rc = peers_directory(&s->peers, fds[1])) < 0)
		return explain(diag, "S0106", rc, "the directory cannot be used");
	return 0;
}

/* false: it is later than `until_ns`. */
static bool await_message(int fd, int64_t until_ns) {
	struct pollfd p = { .fd = fd, .events = POLLIN };
	int64_t left = until_ns - clock_mono().ns, most = INT64_C(3600) * NS_PER_S;
	return left > 0 && (poll(&p, 1, (int)((left < most ? left : most) / NS_PER_MS) + 1) >= 0 || errno == EINTR);
}

/* -EPIPE is not explained yet. */
static int await_hello(struct seat *s, int64_t until_ns, struct cdm_diag *diag) {
	struct seat_message m;
	int fds[SEAT_FDS_MAX], rc;
	unsigned n;
	while ((rc = seat_receive(s->fd, &m, fds, &n)) == 0)
		if (!await_message(s->fd, until_ns))
			return explain(diag, "S0107", -ETIMEDOUT, "the parent gives us no place");
	if (rc < 0)
		return rc == -EPIPE ? rc : explain(diag, "S0107", rc, "the parent cannot be understood");
	rc = take_hello(s, &m, fds, n, diag);
	close_all(fds, &n);
	return rc;
}

int seat_open_inherited(struct seat *s, struct cdm_diag *diag) {
	const char *text = getenv(SEAT_ENV);
	unsigned process;
	int fd;
	*s = (struct seat){ .fd = -1 };
	if (!text || sscanf(text, "%u:%d", &process, &fd) != 2 || fd < 0)
		return explain(diag, "S0108", -ENOENT, "no seat was inherited; this program is started by cadmusd");
	unsetenv(SEAT_ENV);
	if (fcntl(fd, F_SETFD, FD_CLOEXEC) < 0)
		return explain(diag, "S0108", -ENOENT, "the inherited seat is not open");
	s->fd = fd;
	int rc = await_hello(s, clock_deadline_ns(HELLO_PATIENCE_NS), diag);
	if (rc == -EPIPE)
		explain(diag, "S0107", rc, "the parent hung up");
	else if (rc == 0 && s->process != process)
		rc = explain(diag, "S0104", -EPROTO, "the parent changed its mind about our place");
	if (rc < 0)
		seat_close(s);
	return rc;
}

/* The peers of a client follow its HELLO; what else comes is none of its business. */
static void settle(struct seat *s) {
	struct pollfd p = { .fd = s->fd, .events = POLLIN };
	int64_t left, deadline = clock_mono().ns + SETTLE_PATIENCE_NS;
	struct seat_event e;
	while (!s->told_all && (left = deadline - clock_mono().ns) > 0) {
		int rc = seat_handle(s, &e);
		if (rc > 0)
			io_close(&e.fd);
		bool wait = rc == 0 && !s->told_all;
		if (rc < 0 || (wait && poll(&p, 1, (int)(left / NS_PER_MS) + 1) < 0 && errno != EINTR))
			return;
	}
}

static int not_opened(int rc, struct cdm_diag *diag) {
	bool runs_not = rc == -ENOENT || rc == -ECONNREFUSED;
	const char *what = rc == -EACCES ? "the machine belongs to another user" :
			rc == -ETIMEDOUT ? "the machine does not answer: its daemon is stopped, or has too much to do" :
			rc == -EINVAL ? "that is no name of a machine" :
			runs_not ? "no machine of that name runs" : "the machine's door cannot be reached";
	struct cdm_message *m = cdm_diag_add(diag, CDM_ERROR, "S0109", "%s: %s", what, err_text(rc));
	if (m && runs_not)
		snprintf(m->hint, sizeof(m->hint), "start it with `cadmus run --detach FILE`; then `cadmus ps`");
	return rc;
}

/* Knock at the door with a record in hand. */
static int knock(const char *machine, const struct seat_attach *a, int64_t until_ns, struct cdm_diag *diag) {
	char path[RUN_DIR_PATH_MAX];
	int fd = run_dir_path(machine, RUN_DIR_ATTACH, path);
	if (fd == 0)
		fd = run_dir_connect(path, clock_left_ns(until_ns));
	if (fd < 0)
		return not_opened(fd, diag);
	int rc = io_send(fd, a, sizeof(*a), NULL, 0, MSG_DONTWAIT);
	if (rc == 0 || rc == -EPIPE) /* who has hung up already is heard by whoever waits for his answer */
		return fd;
	io_close(&fd);
	return rc;
}

/* More than one, where one parent ends and the next is about to listen at the same door. */
#define KNOCKS_MAX 8

static int attach(struct seat *s, const char *machine, const struct seat_attach *a, int64_t patience_ns,
		struct cdm_diag *diag) {
	int64_t until_ns = clock_deadline_ns(patience_ns);
	int rc = -EPIPE;
	*s = (struct seat){ .fd = -1 };
	for (unsigned i = 0; i < KNOCKS_MAX && rc == -EPIPE; i++) { /* once even with no patience at all */
		io_close(&s->fd);
		s->fd = knock(machine, a, until_ns, diag);
		if (s->fd < 0)
			return i == 0 || s->fd == -ETIMEDOUT ? s->fd : -ECONNREFUSED; /* it ended while we were there */
		rc = await_hello(s, until_ns, diag);
	}
	if (rc == -EPIPE)
		explain(diag, "S0107", rc, "the parent hung up");
	if (rc == 0)
		rc = seat_ready(s);
	if (rc == 0)
		settle(s);
	else
		seat_close(s);
	return rc == -EPIPE ? -ECONNREFUSED : rc; /* it ended while we stood by */
}

int seat_attach(struct seat *s, const char *machine, struct cdm_diag *diag) {
	const struct seat_attach a = { .magic = SEAT_ATTACH_MAGIC, .abi = SEAT_ABI };
	return attach(s, machine, &a, HELLO_PATIENCE_NS, diag);
}

int seat_attach_as(struct seat *s, const char *machine, const char *entity, int64_t wait_ns, struct cdm_diag *diag) {
	struct seat_attach a = { .magic = SEAT_ATTACH_MAGIC, .abi = SEAT_ABI,
		.flags = wait_ns == 0 ? 0 : SEAT_ATTACH_STAND_BY };
	int n = snprintf(a.entity, sizeof(a.entity), "%s", entity);
	*s = (struct seat){ .fd = -1 };
	if (n <= 0 || n >= (int)sizeof(a.entity))
		return explain(diag, "S0112", -ENOENT, "this is not the name of an entity");
	return attach(s, machine, &a, wait_ns == 0 ? HELLO_PATIENCE_NS : wait_ns, diag);
}

void seat_close(struct seat *s) {
	if (s->plan && s->peers.plan)
		peers_fini(&s->peers);
	io_close(&s->fd);
	free(s->plan);
	*s = (struct seat){ .fd = -1 };
}

static void hear_log(void *self, const char *format, const char *text) {
	error_note(&((struct seat *)self)->peers.own, clock_mono(), format, text);
}

void seat_log(struct seat *s) {
	log_also(hear_log, s);
}

static void take_peer(struct seat *s, const struct seat_message *m, const int *fds) {
	const struct segment_files files = files_of(m->value, fds);
	int rc = -EPROTO;
	if (m->process < s->plan->processes.count)
		rc = peers_replace(&s->peers, (uint16_t)m->process, m->epoch, &files);
	if (rc < 0 && rc != -ESTALE) /* stale: the parent repeats itself after we were slow */
		counter_add(&s->peers.own, COUNTER_broken, 1);
}

static void take_directory(struct seat *s, int fd) {
	int rc = peers_directory(&s->peers, fd);
	if (rc < 0)
		log_warn("the new parent's directory cannot be used: %s", err_text(rc));
}

/* Descriptors for core, which alone keeps them; false: they are closed. */
static bool take_kept(const struct seat *s, const struct seat_message *m, int *fds, unsigned *n,
		struct seat_event *e) {
	if (s->process != s->plan->core || m->process >= s->plan->processes.count) {
		close_all(fds, n);
		return false;
	}
	e->kind = m->kind == SEAT_KEEP ? SEAT_EVENT_KEEP : SEAT_EVENT_KEEP_DOORS;
	e->epoch = m->epoch;
	e->value = m->value;
	e->kept_count = *n;
	memcpy(e->kept, fds, *n * sizeof(*fds));
	return true;
}

/* A descriptor for the caller; false: the message made no sense, and it is closed. */
static bool take_fd(struct seat *s, const struct seat_message *m, int fd, struct seat_event *e) {
	bool right = m->kind == SEAT_DOOR ? m->value >= SEAT_DOOR_CONTROL && m->value < SEAT_DOOR_COUNT
					  : m->process < s->plan->processes.count;
	e->kind = m->kind == SEAT_DOOR ? SEAT_EVENT_DOOR : SEAT_EVENT_CHANNEL;
	e->door = (enum seat_door)m->value;
	e->fd = fd;
	if (!right || fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK) < 0)
		io_close(&e->fd);
	return e->fd >= 0;
}

/* Deal with what concerns us; 1 when there is something for the caller. */
static int take(struct seat *s, const struct seat_message *m, int fds[SEAT_FDS_MAX], unsigned *n,
		struct seat_event *e) {
	*e = (struct seat_event){ .process = (uint16_t)m->process, .fd = -1 };
	switch (m->kind) {
	case SEAT_PEER:
		e->kind = SEAT_EVENT_PEER;
		take_peer(s, m, fds);
		close_all(fds, n);
		return m->process < s->plan->processes.count;
	case SEAT_CHANNEL:
	case SEAT_DOOR: return take_fd(s, m, fds[0], e);
	case SEAT_DIRECTORY:
		take_directory(s, fds[0]);
		close_all(fds, n);
		return 0;
	case SEAT_KEEP:
	case SEAT_KEEP_DOORS: return take_kept(s, m, fds, n, e);
	case SEAT_ALL: s->told_all = true; return 0;
	case SEAT_QUIT: e->kind = SEAT_EVENT_QUIT; return 1;
	case SEAT_DOWN: e->kind = SEAT_EVENT_DOWN; return 1;
	case SEAT_STOP: e->kind = SEAT_EVENT_STOPPED; return m->process < s->plan->processes.count;
	default: close_all(fds, n); return 0;
	}
}

/* It may have come without its descriptors, where we had room for no more: a parent that talks nonsense is no death. */
static void ask_again(struct seat *s, const struct seat_message *m) {
	counter_add(&s->peers.own, COUNTER_broken, 1);
	(void)!seat_send(s->fd, SEAT_REPEAT, s->process, s->epoch, m->kind, NULL, NULL, 0);
}

int seat_handle(struct seat *s, struct seat_event *e) {
	struct seat_message m = { .kind = 0 };
	int fds[SEAT_FDS_MAX], rc;
	unsigned n;
	if (s->fd < 0)
		return -EPIPE;
	while ((rc = seat_receive(s->fd, &m, fds, &n)) > 0 || rc == -EPROTO) {
		if (rc < 0)
			ask_again(s, &m);
		else if (take(s, &m, fds, &n, e))
			return 1;
	}
	return rc;
}

int seat_ready(struct seat *s) {
	return seat_send(s->fd, SEAT_READY, s->process, s->epoch, 0, NULL, NULL, 0);
}

int seat_ask_start(struct seat *s, uint16_t process) {
	return seat_send(s->fd, SEAT_START, process, 0, 0, NULL, NULL, 0);
}

int seat_ask_stop(struct seat *s, uint16_t process) {
	return seat_send(s->fd, SEAT_STOP, process, 0, 0, NULL, NULL, 0);
}

int seat_ask_down(struct seat *s) {
	return seat_send(s->fd, SEAT_DOWN, s->process, 0, 0, NULL, NULL, 0);
}

void seat_leave(struct seat *s) {
	if (s->fd >= 0) /* a parent that does not read takes it for a death */
		(void)!seat_send(s->fd, SEAT_LEAVE, s->process, s->epoch, 0, NULL, NULL, 0);
}

void seat_failed(struct seat *s, const char *format, ...) {
	char text[SEAT_TEXT_MAX];
	va_list args;
	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	if (s->fd >= 0 && seat_send(s->fd, SEAT_FAILED, s->process, s->epoch, 0, text, NULL, 0) < 0)
		fprintf(stderr, "%s\n", text); /* nobody else to tell */
}
