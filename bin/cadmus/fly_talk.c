/*
 * fly_talk.c - requests that outlive core.
 *
 * Each has an id of its own.  When the connection ends, the request is sent again with the same id: if core
 * had answered it, the recorded answer comes back, so asking again never does a thing twice.
 */
#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include "base/err.h"
#include "base/io.h"
#include "base/msgpack.h"
#include "bin/cadmus/fly.h"
#include "client/control.h"

int fly_ask(struct flight *f, struct fly_talk *t) {
	t->asked++;
	t->sent = clock_mono();
	t->open = true;
	t->outcome_seen = false;
	if (t->fd < 0)
		t->fd = control_connect(f->source.plan->machine);
	if (t->fd < 0)
		return fly_fail(f, "nobody answers: %s", err_text(t->fd));
	int rc = control_send(t->fd, t->message, (size_t)t->bytes, 5 * NS_PER_S);
	return rc == 0 || rc == -EPIPE ? 0 : fly_fail(f, "the request could not be sent: %s", err_text(rc));
}

/* Core died with our request: knock again; the door waits for the next core. */
static int again(struct flight *f, struct fly_talk *t) {
	io_close(&t->fd);
	return fly_ask(f, t);
}

const char *fly_reply_text(const struct fly_talk *t, const char *key, char *out, size_t capacity) {
	out[0] = 0;
	if (mp_find_str(t->reply, (size_t)t->reply_bytes, key, out, capacity) < 0)
		out[0] = 0;
	return out;
}

static void take(struct fly_talk *t, const uint8_t *m, int n) {
	char ev[16];
	uint64_t id;
	if (mp_find_str(m, (size_t)n, "ev", ev, sizeof(ev)) < 0 || mp_find_uint(m, (size_t)n, "id", &id) < 0 ||
			id != t->id)
		return;
	if (strcmp(ev, "done") == 0 || strcmp(ev, "error") == 0) {
		memcpy(t->reply, m, (size_t)n);
		t->reply_bytes = n;
		t->open = false;
	}
	if (strcmp(ev, "outcome") == 0 && n <= (int)sizeof(t->outcome)) {
		memcpy(t->outcome, m, (size_t)n);
		t->outcome_bytes = n;
		t->outcome_seen = true;
	}
}

/* One message, while the bus is watched as well; 0, or -EPIPE, -ETIMEDOUT. */
static int turn(struct flight *f, struct fly_talk *t, int64_t timeout_ns) {
	static uint8_t m[FLY_REPLY_MAX];
	int bus = f->witness.bus ? cdm_bus_fd(f->witness.bus) : -1;
	struct pollfd p[2] = { { .fd = t->fd, .events = POLLIN }, { .fd = bus, .events = POLLIN } };
	int rc = poll(p, 2, (int)(timeout_ns / NS_PER_MS) + 1);
	fly_witness_look(f);
	if (rc == 0)
		return -ETIMEDOUT;
	if (rc < 0 || !p[0].revents)
		return 0;
	ssize_t n = io_receive(t->fd, m, sizeof(m), NULL, NULL, MSG_DONTWAIT);
	if (n == -EAGAIN)
		return 0;
	if (n <= 0)
		return -EPIPE;
	take(t, m, (int)n);
	return 0;
}

int fly_await(struct flight *f, struct fly_talk *t, int64_t timeout_ns) {
	struct cdm_mono began = clock_mono();
	while (t->open) {
		int64_t left = timeout_ns - mono_since(began, clock_mono());
		int rc = left > 0 ? turn(f, t, left) : -ETIMEDOUT;
		if (rc == -EPIPE && again(f, t))
			return 1;
		if (rc == -ETIMEDOUT && left <= 0)
			return fly_fail(f, "no answer within %.0f s", (double)timeout_ns / 1e9);
	}
	return 0;
}

int fly_await_outcome(struct flight *f, struct fly_talk *t, int64_t timeout_ns) {
	struct cdm_mono began = clock_mono();
	while (!t->outcome_seen) {
		int64_t left = timeout_ns - mono_since(began, clock_mono());
		int rc = left > 0 ? turn(f, t, left) : -ETIMEDOUT;
		if (rc == -EPIPE)
			return fly_fail(f, "core died in the middle of the motion");
		if (left <= 0)
			return fly_fail(f, "the motion did not end within %.0f s", (double)timeout_ns / 1e9);
	}
	return 0;
}
