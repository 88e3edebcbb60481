/*
 * record_loop.c - follow fields and events until the end: see record.h.
 *
 * Everything that may happen is a descriptor of one epoll.  Samples are copied, never borrowed, so no writer waits for
 * a slot of ours whatever becomes of us; they are in the order of each field, and what the library says was missed is
 * counted.
 */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <unistd.h>
#include "base/clock.h"
#include "base/err.h"
#include "base/io.h"
#include "bin/cadmus/events.h"
#include "bin/cadmus/output.h"
#include "bin/cadmus/record.h"

#define TURN_MAX 256     /* samples of one field before others have their turn */
#define QUEUE_BYTES ((size_t)32 << 20)
#define TICK_NS NS_PER_S /* what gathers goes to the file at least so often */

enum { WAKE_EVENTS = 1 << 16, WAKE_SIGNAL, WAKE_TICK, WAKE_FAILED };

struct loop {
	struct recorder *r;
	int epoll, signals, tick;
	sigset_t before; /* signals that were blocked */
	bool over;
};

static uint64_t calendar(const struct recorder *r, int64_t mono_ns) {
	int64_t ns;
	return __builtin_add_overflow(mono_ns, r->offset_ns, &ns) || ns < 0 ? 0 : (uint64_t)ns;
}

static void end(struct loop *l, enum record_end how, int rc) {
	if (l->over)
		return;
	l->over = true;
	l->r->end = how;
	l->r->rc = rc;
}

static void put(struct loop *l, uint16_t channel, uint64_t number, int64_t source_ns, size_t bytes) {
	struct recorder *r = l->r;
	const struct mcap_message m = { .channel = channel, .sequence = (uint32_t)number,
		.log_ns = calendar(r, clock_mono().ns), .publish_ns = calendar(r, source_ns), .data = r->message,
		.bytes = bytes };
	int rc = record_queue_put(r->queue, &m);
	if (rc < 0)
		end(l, RECORD_FAILED, rc);
}

/* ---- fields ---- */

static void give_up(struct record_field *f) {
	f->missed++; /* nobody knows how many */
	cdm_close(f->reader); /* its descriptor leaves the epoll with it */
	f->reader = NULL;
}

/* What was published since it was opened, and was gone before the first look. */
static uint64_t missed_at_first(const struct record_field *f, const struct cdm_info *first) {
	uint64_t before = f->begin.epoch == first->epoch ? f->begin.version : 0;
	return first->version > before + 1 ? first->version - before - 1 : 0;
}

/* The next sample; false: there is none now, or it is of after `until`. */
static bool take(struct loop *l, struct record_field *f, struct cdm_mono until) {
	struct recorder *r = l->r;
	struct cdm_info info;
	int rc = f->reader ? cdm_next(f->reader, r->payload, r->message_bytes, &info) : -EAGAIN;
	if (rc == -EAGAIN)
		return false;
	if (rc < 0) {
		give_up(f);
		return false;
	}
	const char *source = cdm_entity_name(r->machine, info.source);
	uint64_t missed = f->taken ? (uint64_t)rc : missed_at_first(f, &info);
	size_t n = record_sample(&f->about, f->form, &info, source ? source : "", missed, r->offset_ns,
			r->payload,
			r->message, r->message_bytes);
	f->missed += missed;
	f->taken++;
	f->bytes += info.bytes;
	put(l, f->channel, info.version, info.source_time.ns, n);
	return !l->over && info.publish_time.ns <= until.ns;
}

static void take_some(struct loop *l, struct record_field *f) {
	const struct cdm_mono never = { INT64_MAX };
	for (unsigned i = 0; i < TURN_MAX && take(l, f, never); i++)
		;
}

/* ---- events ---- */

/* The next event; false: there is none now, or it is of after `until`. */
static bool take_event(struct loop *l, struct cdm_mono until) {
	struct recorder *r = l->r;
	struct cdm_event e;
	struct cdm_process p;
	char sentence[EVENTS_SENTENCE_MAX];
	int missed = r->events ? cdm_events_next(r->events, &e) : -EAGAIN;
	if (missed < 0) {
		r->event_missed += missed == -EPROTO; /* nobody knows how many */
		return missed == -EPROTO;
	}
	if (cdm_process_at(r->machine, e.process, &p) < 0)
		return true;
	if (!r->heard[e.process % COUNT_OF(r->heard)])
		missed = 0; /* what was before the recording is not lost to it */
	r->heard[e.process % COUNT_OF(r->heard)] = true;
	size_t n = record_event(&e, p.name, cdm_entity_name(r->machine, e.source),
			events_sentence(r->plan, e.kind, e.a, e.b, sentence), (uint32_t)missed, r->offset_ns,
			r->message,
			r->message_bytes);
	r->event_missed += (uint32_t)missed;
	r->event_taken++;
	put(l, r->event_channel, e.number, e.time.ns, n);
	return !l->over && e.time.ns <= until.ns;
}

static void take_some_events(struct loop *l) {
	const struct cdm_mono never = { INT64_MAX };
	for (unsigned i = 0; i < TURN_MAX && take_event(l, never); i++)
		;
}

/* ---- waiting ---- */

static void progress(const struct recorder *r) {
	uint64_t samples = 0, missed = r->event_missed;
	for (uint32_t i = 0; i < r->count; i++) {
		samples += r->fields[i].taken;
		missed += r->fields[i].missed;
	}
	fprintf(stderr, "\r%6.0f s  %llu samples  %llu events  %llu missed\033[K",
			(double)mono_since(r->began, clock_mono()) / 1e9, (unsigned long long)samples,
			(unsigned long long)r->event_taken, (unsigned long long)missed);
}

static void on_tick(struct loop *l) {
	struct recorder *r = l->r;
	io_timer_read(l->tick);
	record_queue_flush(r->queue);
	if (output_colour(STDERR_FILENO) && !r->context->json)
		progress(r);
	if (r->seconds && mono_since(r->began, clock_mono()) >= (int64_t)r->seconds * NS_PER_S)
		end(l, RECORD_ASKED, 0);
}

/* It is taken, or it would end us once it is not blocked any more, as the next one shall. */
static void on_signal(struct loop *l) {
	struct signalfd_siginfo s;
	if (read(l->signals, &s, sizeof(s)) == sizeof(s))
		end(l, RECORD_ASKED, 0);
}

static void on_wake(struct loop *l, uint32_t who) {
	switch (who) {
	case WAKE_EVENTS: take_some_events(l); break;
	case WAKE_SIGNAL: on_signal(l); break;
	case WAKE_TICK: on_tick(l); break;
	case WAKE_FAILED: end(l, RECORD_FAILED, record_queue_close(&l->r->queue)); break;
	default: take_some(l, &l->r->fields[who]); break;
	}
}

static int watch(const struct loop *l, int fd, uint32_t who) {
	struct epoll_event e = { .events = EPOLLIN, .data.u32 = who };
	if (fd < 0)
		return fd;
	return epoll_ctl(l->epoll, EPOLL_CTL_ADD, fd, &e) < 0 ? err_last() : 0;
}

/* Open a field, and at once take what is there: history is short, and what is opened is not to be missed. */
static int open_field(struct loop *l, uint32_t i) {
	struct record_field *f = &l->r->fields[i];
	int rc = cdm_open(l->r->machine, f->about.name, &f->reader);
	if (rc < 0)
		return rc;
	if (cdm_peek(f->reader, &f->begin) < 0)
		f->begin.version = 0; /* if it is broken, the first look tells */
	take_some(l, f);
	return f->reader ? watch(l, cdm_fd(f->reader), i) : 0;
}

static int open_all(struct loop *l) {
	struct recorder *r = l->r;
	size_t bytes = QUEUE_BYTES > 4 * r->message_bytes ? QUEUE_BYTES : 4 * r->message_bytes;
	int rc = record_queue_open(r->writer, bytes, r->failed, &r->queue);
	for (uint32_t i = 0; rc == 0 && i < r->count; i++)
		rc = open_field(l, i);
	if (rc == 0)
		record_queue_flush(r->queue); /* so that one can see in the file that it has begun */
	return rc;
}

/* Each field has a descriptor, and a machine may have more of them than programs are used to. */
static void allow_descriptors(void) {
	struct rlimit limit;
	if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
		limit.rlim_cur = limit.rlim_max;
		setrlimit(RLIMIT_NOFILE, &limit); /* if it fails, so will what needs it, and that is explained */
	}
}

/* Descriptors of everything; -errno. */
static int begin(struct loop *l) {
	struct recorder *r = l->r;
	sigset_t ends;
	allow_descriptors();
	sigemptyset(&ends);
	sigaddset(&ends, SIGINT);
	sigaddset(&ends, SIGTERM);
	sigprocmask(SIG_BLOCK, &ends, &l->before);
	l->epoll = epoll_create1(EPOLL_CLOEXEC);
	l->signals = signalfd(-1, &ends, SFD_CLOEXEC | SFD_NONBLOCK);
	l->tick = io_timer(TICK_NS);
	r->failed = eventfd(0, EFD_CLOEXEC);
	int rc = l->epoll < 0 || l->signals < 0 || r->failed < 0 ? err_last() : watch(l, l->tick, WAKE_TICK);
	if (rc == 0)
		rc = watch(l, l->signals, WAKE_SIGNAL);
	if (rc == 0)
		rc = watch(l, r->failed, WAKE_FAILED);
	if (rc == 0 && r->events)
		rc = watch(l, cdm_events_fd(r->events), WAKE_EVENTS);
	return rc == 0 ? open_all(l) : rc;
}

static void finish(struct loop *l) {
	io_close(&l->epoll);
	io_close(&l->signals);
	io_close(&l->tick);
	io_close(&l->r->failed);
	sigprocmask(SIG_SETMASK, &l->before, NULL);
}

/* What was published before the end is in the recording, too. */
static void take_rest(struct loop *l) {
	struct recorder *r = l->r;
	l->over = false;
	for (uint32_t i = 0; i < r->count; i++)
		while (take(l, &r->fields[i], r->ended))
			;
	while (take_event(l, r->ended))
		;
}

static void follow(struct loop *l) {
	struct epoll_event woken[64];
	while (!l->over) {
		bool alive = cdm_machine_alive(l->r->machine); /* before looking: what it said last is taken */
		int n = epoll_wait(l->epoll, woken, COUNT_OF(woken), -1);
		for (int i = 0; i < n && !l->over; i++)
			on_wake(l, woken[i].data.u32);
		if (!alive)
			end(l, RECORD_MACHINE_ENDED, 0);
	}
}

int record_loop(struct recorder *r) {
	struct loop l = { .r = r, .epoll = -1, .signals = -1, .tick = -1 };
	int rc = begin(&l);
	if (rc == 0) {
		follow(&l);
		r->ended = clock_mono();
		if (r->end != RECORD_FAILED)
			take_rest(&l);
		if (output_colour(STDERR_FILENO) && !r->context->json)
			fputc('\n', stderr);
	}
	int queued = record_queue_close(&r->queue);
	if (queued < 0) {
		r->end = RECORD_FAILED;
		r->rc = queued;
	}
	finish(&l);
	return rc;
}
