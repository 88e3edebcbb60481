/*
 * gateway.c - the place of a gateway: see cadmus/gateway.h.
 *
 * The machine's follower (client.c) reads the seat socket and leaves what it finds here: the newest channel
 * to core, and the end.
 */
#include "cadmus/gateway.h"

#include <errno.h>
#include <stdlib.h>
#include <time.h>
#include "base/clock.h"
#include "base/io.h"
#include "client/client_priv.h"

/* ---- the follower's side ---- */

void gateway_channel(struct cdm_machine *m, int fd) {
	pthread_mutex_lock(&m->lock);
	io_close(&m->channel); /* nobody took it, and core has another now */
	m->channel = fd;
	pthread_cond_broadcast(&m->changed);
	pthread_mutex_unlock(&m->lock);
}

void gateway_over(struct cdm_machine *m) {
	pthread_mutex_lock(&m->lock);
	m->over = true;
	pthread_cond_broadcast(&m->changed);
	pthread_mutex_unlock(&m->lock);
}

/* ---- the program's side ---- */

static int take_seat(struct cdm_machine *m, struct cdm_diag *diag) {
	int rc = seat_open_inherited(&m->seat, diag);
	if (rc == 0 && seat_process(&m->seat)->role == PLAN_GATEWAY && seat_process(&m->seat)->entity != PLAN_NONE)
		return 0;
	if (rc == 0)
		cdm_diag_add(diag, CDM_ERROR, "S0111", "the place that was left to us is not that of a gateway");
	return rc == 0 ? -EPROTO : rc;
}

int cdm_gateway_open(struct cdm_machine **out, struct cdm_diag *diag) {
	*out = NULL;
	struct cdm_machine *m = client_new();
	if (!m)
		return -ENOMEM;
	m->is_gateway = true;
	int rc = take_seat(m, diag);
	if (rc == 0)
		rc = client_follow(m, diag);
	if (rc < 0) {
		client_let_go(m);
		return rc;
	}
	*out = m;
	return 0;
}

const char *cdm_gateway_entity(const struct cdm_machine *m) {
	uint16_t entity = seat_process(&m->seat)->entity;
	return entity == PLAN_NONE ? NULL : plan_entities(m->seat.plan)[entity].name;
}

int cdm_gateway_ready(struct cdm_machine *m) {
	return seat_ready(&m->seat);
}

void cdm_gateway_failed(struct cdm_machine *m, const char *why) {
	seat_failed(&m->seat, "%s", why);
}

/* Sleep until something changed.  false: it is `deadline_ns`. */
static bool wait_until(struct cdm_machine *m, int64_t deadline_ns) {
	if (deadline_ns == INT64_MAX)
		return pthread_cond_wait(&m->changed, &m->lock) == 0;
	struct timespec t = { deadline_ns / NS_PER_S, deadline_ns % NS_PER_S };
	return pthread_cond_timedwait(&m->changed, &m->lock, &t) != ETIMEDOUT;
}

int cdm_gateway_channel(struct cdm_machine *m, struct cdm_control **out, int64_t timeout_ns) {
	int64_t deadline_ns = clock_deadline_ns(timeout_ns);
	bool in_time = true;
	*out = NULL;
	struct cdm_control *c = malloc(sizeof(*c));
	if (!c)
		return -ENOMEM;
	pthread_mutex_lock(&m->lock);
	while (m->channel < 0 && !m->over && in_time)
		in_time = wait_until(m, deadline_ns);
	bool over = m->over;
	c->fd = over ? -1 : m->channel;
	if (!over)
		m->channel = -1;
	pthread_mutex_unlock(&m->lock);
	if (c->fd >= 0) {
		*out = c;
		return 0;
	}
	free(c);
	return over ? -ECANCELED : -ETIMEDOUT;
}

void cdm_gateway_wait(struct cdm_machine *m) {
	pthread_mutex_lock(&m->lock);
	while (!m->over)
		pthread_cond_wait(&m->changed, &m->lock);
	pthread_mutex_unlock(&m->lock);
}
