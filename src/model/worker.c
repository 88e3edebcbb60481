/* worker.c - see worker.h. */
#include "model/worker.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/clock.h"
#include "base/err.h"
#include "base/io.h"
#include "base/log.h"
#include "model/serve.h"
#include "model/transform.h"
#include "store/wait.h"

#define LOOK_NS (100 * NS_PER_MS)  /* how long a wait for a sample may keep us from seat and channel */
#define AGAIN_NS (2 * NS_PER_MS)   /* before a sample that could not be had is tried again */
#define FAILED_NS (2 * NS_PER_S)   /* how long one who cannot load waits for a channel to say so */

struct worker {
	struct seat *seat;
	struct loader loader;
	struct serve serve;
	struct transform transform;
	struct cdm_diag diag;
	bool quit;
};

/* ---- seat ---- */

static void take_event(struct worker *w, const struct seat_event *e) {
	int fd = e->fd;
	if (e->kind == SEAT_EVENT_QUIT)
		w->quit = true;
	else if (e->kind == SEAT_EVENT_CHANNEL && e->process == w->seat->plan->core)
		serve_channel(&w->serve, fd);
	else
		io_close(&fd);
}

/* Handle what the parent said; nonzero: the worker must end. */
static int look_at_seat(void *self) {
	struct worker *w = self;
	struct seat_event e;
	int rc = 0;
	while (!w->quit && (rc = seat_handle(w->seat, &e)) > 0)
		take_event(w, &e);
	if (rc < 0)
		w->quit = true; /* without a parent nobody would end us */
	return w->quit;
}

/* Sleep until the seat or the channel has something, or `ns` have passed (< 0: for ever); then handle it. */
static void wait_and_look(struct worker *w, int64_t ns) {
	struct pollfd p[2] = { { .fd = w->seat->fd, .events = POLLIN },
		{ .fd = w->serve.channel, .events = POLLIN } };
	struct timespec t = { ns / NS_PER_S, ns % NS_PER_S };
	int n = ppoll(p, 2, ns < 0 ? NULL : &t, NULL);
	if (n <= 0)
		return;
	if (p[0].revents)
		look_at_seat(w);
	if (!w->quit && p[1].revents)
		serve_readable(&w->serve);
}

/* ---- the two ways to work ---- */

static void talk(struct worker *w) {
	while (!w->quit)
		wait_and_look(w, -1);
}

/* Say a repeated failure once, and then when it has doubled. */
static void note_failure(const struct worker *w, int rc) {
	uint64_t n = w->transform.failures;
	if (rc == -EPROTO)
		log_warn("the source field is not what it should be");
	else if ((n & (n - 1)) == 0)
		log_warn("the model failed on a sample (%llu times): %s", (unsigned long long)n,
				err_text(rc));
}

static void perceive(struct worker *w) {
	struct transform *t = &w->transform;
	bool broken = false, again = false;
	while (!w->quit) {
		int64_t rest = transform_wait_ns(t, clock_mono());
		wait_and_look(w, broken ? LOOK_NS : again && rest < AGAIN_NS ? AGAIN_NS : rest);
		if (w->quit || transform_wait_ns(t, clock_mono()) > 0)
			continue;
		int rc = wait_field(&t->source, LOOK_NS);
		bool was_broken = broken, waiting = rc == 0;
		if (waiting)
			rc = transform_step(t);
		again = waiting && rc == 0;
		broken = rc == -EPROTO;
		w->serve.samples = t->samples;
		if (rc < 0 && rc != -ETIMEDOUT && rc != -ECANCELED && rc != -EOWNERDEAD && !(broken && was_broken))
			note_failure(w, rc);
	}
}

/* ---- beginning and end ---- */

static bool works_on_fields(const struct worker *w) {
	const struct plan *p = w->seat->plan;
	if (!w->loader.backend->transform)
		return false;
	if (!w->loader.backend->generate)
		return true;
	for (uint16_t f = 0; f < p->fields.count; f++)
		if (plan_fields(p)[f].process == w->seat->process)
			return true;
	return false;
}

/* Say why on the first channel that comes, if one comes soon, and to the parent. */
static int cannot(struct worker *w) {
	const char *why = "no reason was given";
	for (uint32_t i = 0; i < w->diag.count; i++)
		if (w->diag.at[i].severity == CDM_ERROR) {
			why = w->diag.at[i].text;
			break;
		}
	log_error("cannot run the model: %s", why);
	struct cdm_mono start = clock_mono();
	int64_t left;
	while (!w->quit && w->serve.channel < 0 &&
			(left = FAILED_NS - mono_since(start, clock_mono())) > 0) {
		struct pollfd p = { .fd = w->seat->fd, .events = POLLIN };
		if (poll(&p, 1, (int)(left / NS_PER_MS) + 1) > 0)
			look_at_seat(w);
	}
	serve_failed(&w->serve, why);
	seat_failed(w->seat, "%s", why);
	return 1;
}

static int open_all(struct worker *w) {
	const struct plan_process *p = seat_process(w->seat);
	if (p->entity == PLAN_NONE) {
		cdm_diag_add(&w->diag, CDM_ERROR, "M0301", "process %s runs no entity", p->name);
		return -EINVAL;
	}
	int rc = loader_open(&w->loader, w->seat->plan, p->entity, p->threads, &w->diag);
	if (rc == 0 && works_on_fields(w))
		rc = transform_open(&w->transform, &w->loader, &w->seat->peers, &w->diag);
	return rc;
}

int worker_main(struct seat *seat) {
	struct worker *w = calloc(1, sizeof(*w));
	if (!w || seat_ready(seat) < 0) {
		free(w);
		return 1;
	}
	w->seat = seat;
	serve_open(&w->serve, &w->loader);
	int code = 0;
	if (open_all(w) < 0) {
		loader_close(&w->loader);
		code = cannot(w);
	} else {
		w->serve.look = look_at_seat;
		w->serve.self = w;
		log_info("%s with %s, loaded in %.0f ms", w->loader.facts.description,
				w->loader.facts.engine, ns_to_ms(w->loader.load_ns));
		look_at_seat(w);
		works_on_fields(w) ? perceive(w) : talk(w);
	}
	serve_close(&w->serve);
	transform_close(&w->transform);
	loader_close(&w->loader);
	free(w);
	return code;
}
