/*
 * door.c - see door.h.
 *
 *      HTTP threads          door.lock                         reader thread
 *      door_ask   ---------> list of exchanges <-------------- a reply: into the inbox with its id
 *      door_next  <--------- inbox                             a new channel: ask all of them again
 *
 * Nobody waits for a peer while holding the lock: core's socket is written without waiting, and an exchange that
 * does not fit into it any more is told that the server is busy.
 */
#include "gateways/http/door.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>
#include "base/check.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/msgpack.h"
#include "gateways/lib/mp_json.h"

#define REQUEST_MAX 64 /* bytes of a request id with its zero: spec/control.md */
#define SALT_BYTES 12
#define HUNG_UP_NS (5 * NS_PER_S)
#define BUSY "server busy, please try again.  maximum pending requests exceeded" /* Ollama's words */

struct exchange {
	struct door *door;
	struct exchange *next;
	uint64_t id;
	size_t bytes;      /* of the request */
	bool sent;         /* to some core */
	bool settled;      /* its last reply is in the inbox, or was */
	json_t *inbox;     /* array of replies */
	pthread_cond_t changed;
	uint8_t request[]; /* as it is sent, now and again */
};

struct door {
	struct cdm_machine *machine;
	char salt[2 * SALT_BYTES + 1]; /* makes our request ids other than those of our last life */
	pthread_t reader;
	int stop;                      /* eventfd: the reader shall end */
	uint32_t epoch;                /* of the core that the reader was connected with last; 0: none yet */
	pthread_mutex_t lock;
	/* under lock: */
	struct cdm_control *core;      /* NULL: none */
	struct exchange *exchanges;
	struct door_counts counts;
	uint64_t last_id;
	uint64_t ping;                 /* id of the one that is on its way; 0: none is */
	int64_t ping_ns;               /* since when */
	uint64_t pongs;
	pthread_cond_t pinged;         /* one was answered, or will not be */
	bool over;
};

/* ---- start and end ---- */

/* Its timeouts are by the clock that does not jump. */
static void init_cond(pthread_cond_t *c) {
	pthread_condattr_t monotonic;
	pthread_condattr_init(&monotonic);
	pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
	pthread_cond_init(c, &monotonic);
	pthread_condattr_destroy(&monotonic);
}

struct door *door_open(void) {
	static struct cdm_diag diag;
	uint8_t salt[SALT_BYTES];
	struct door *d = calloc(1, sizeof(*d));
	if (!d || sodium_init() < 0)
		return free(d), NULL;
	d->stop = eventfd(0, EFD_CLOEXEC);
	if (d->stop < 0 || cdm_gateway_open(&d->machine, &diag) < 0) {
		fprintf(stderr, "cadmus-http: %s\n", diag.count ? diag.at[0].text : "cannot start");
		if (d->stop >= 0)
			close(d->stop);
		return free(d), NULL;
	}
	randombytes_buf(salt, sizeof(salt));
	sodium_bin2hex(d->salt, sizeof(d->salt), salt, sizeof(salt));
	pthread_mutex_init(&d->lock, NULL);
	init_cond(&d->pinged);
	return d;
}

void door_failed(struct door *d, const char *why) {
	cdm_gateway_failed(d->machine, why);
}

void door_close(struct door *d) {
	if (!d)
		return;
	CHECK(!d->exchanges);
	cdm_detach(d->machine);
	pthread_cond_destroy(&d->pinged);
	pthread_mutex_destroy(&d->lock);
	close(d->stop);
	free(d);
}

const char *door_option(const struct door *d, const char *key) {
	return cdm_option(d->machine, cdm_gateway_entity(d->machine), key);
}

struct cdm_machine *door_machine(const struct door *d) {
	return d->machine;
}

struct door_counts door_counts(struct door *d) {
	pthread_mutex_lock(&d->lock);
	struct door_counts c = d->counts;
	c.connected = d->core != NULL;
	pthread_mutex_unlock(&d->lock);
	return c;
}

/* ---- replies, all under the lock ---- */

static enum door_kind kind_of(const json_t *body) {
	static const char *const words[] = { [DOOR_TOKEN] = "token", [DOOR_AGAIN] = "again", [DOOR_DONE] = "done",
		[DOOR_ERROR] = "error" };
	const char *ev = json_string_value(json_object_get(body, "ev"));
	for (unsigned i = 0; ev && i < COUNT_OF(words); i++)
		if (strcmp(ev, words[i]) == 0)
			return (enum door_kind)i;
	return DOOR_OTHER;
}

static void deliver(struct exchange *e, json_t *take_body) {
	enum door_kind kind = kind_of(take_body);
	e->settled = e->settled || kind == DOOR_DONE || kind == DOOR_ERROR;
	if (json_array_append_new(e->inbox, take_body) < 0)
		log_error("no memory for a reply");
	pthread_cond_signal(&e->changed);
}

static void send_request(struct exchange *e) {
	int rc = cdm_control_send(e->door->core, e->request, e->bytes, 0);
	e->sent = true;
	if (rc < 0 && rc != -EPIPE) /* that one is asked again when there is another core */
		deliver(e, json_pack("{s:s,s:s,s:s}", "ev", "error", "code", "EBUSY", "text", BUSY));
}

static void end_ping(struct door *d) {
	d->ping = 0;
	pthread_cond_broadcast(&d->pinged);
}

static void take_reply(struct door *d, const uint8_t *message, size_t bytes) {
	uint64_t id;
	if (mp_find_uint(message, bytes, "id", &id) < 0)
		return;
	pthread_mutex_lock(&d->lock);
	if (d->ping && d->ping == id) {
		d->pongs++;
		end_ping(d);
	}
	struct exchange *e = d->exchanges;
	while (e && e->id != id)
		e = e->next;
	json_t *body = e ? mp_json(message, bytes) : NULL; /* else its client is gone */
	if (body)
		deliver(e, body);
	pthread_mutex_unlock(&d->lock);
}

/* ---- the reader thread ---- */

/* Of the core that lives now; 0: none does. */
static uint32_t core_epoch(const struct door *d) {
	struct cdm_process p;
	for (uint32_t i = 0; cdm_process_at(d->machine, i, &p) == 0; i++)
		if (p.role == CDM_PROCESS_CORE)
			return p.state == CDM_PROCESS_LIVE ? p.epoch : 0;
	return 0;
}

/*
 * No channel came for a while.  If core is the one that we had, it has hung up on us because we did not read (we were
 * stopped, say), and only a new start of ours brings another channel.
 */
static void check_hung_up(const struct door *d) {
	if (!d->epoch || core_epoch(d) != d->epoch)
		return;
	log_error("core has hung up on us; starting anew");
	_exit(1);
}

static void connect_with(struct door *d, struct cdm_control *core) {
	d->epoch = core_epoch(d);
	pthread_mutex_lock(&d->lock);
	d->core = core;
	for (struct exchange *e = d->exchanges; e; e = e->next) {
		if (e->settled)
			continue;
		if (e->sent) {
			deliver(e, json_pack("{s:s}", "ev", "again"));
			d->counts.again++;
		}
		send_request(e);
	}
	pthread_mutex_unlock(&d->lock);
	log_info("connected with core");
}

static void disconnect(struct door *d, struct cdm_control *core) {
	pthread_mutex_lock(&d->lock);
	d->core = NULL;
	end_ping(d);
	pthread_mutex_unlock(&d->lock);
	cdm_control_close(core);
}

/* Wait for something to read; false: we shall end. */
static bool await(const struct door *d, struct cdm_control *core) {
	struct pollfd p[2] = { { .fd = cdm_control_fd(core), .events = POLLIN }, { .fd = d->stop, .events = POLLIN } };
	while (poll(p, 2, -1) < 0)
		if (errno != EINTR)
			return false;
	return p[1].revents == 0;
}

/* Until core hangs up, or we shall end.  A message that makes no sense was consumed, and is left out. */
static void read_from(struct door *d, struct cdm_control *core) {
	static uint8_t message[CDM_CONTROL_MESSAGE_MAX];
	while (await(d, core)) {
		int64_t n = cdm_control_receive(core, message, sizeof(message), 0);
		if (n > 0)
			take_reply(d, message, (size_t)n);
		else if (n != -ETIMEDOUT && n != -E2BIG && n != -EPROTO)
			return;
	}
}

static void *read_replies(void *self) {
	struct door *d = self;
	struct cdm_control *core;
	int rc;
	while ((rc = cdm_gateway_channel(d->machine, &core, HUNG_UP_NS)) != -ECANCELED) {
		if (rc < 0) {
			check_hung_up(d);
			continue;
		}
		connect_with(d, core);
		read_from(d, core);
		disconnect(d, core);
	}
	return NULL;
}

void door_serve(struct door *d) {
	uint64_t one = 1;
	CHECK(pthread_create(&d->reader, NULL, read_replies, d) == 0);
	if (cdm_gateway_ready(d->machine) == 0)
		cdm_gateway_wait(d->machine);
	CHECK(write(d->stop, &one, sizeof(one)) == sizeof(one));
	pthread_mutex_lock(&d->lock);
	d->over = true;
	for (struct exchange *e = d->exchanges; e; e = e->next)
		pthread_cond_signal(&e->changed);
	pthread_cond_broadcast(&d->pinged);
	pthread_mutex_unlock(&d->lock);
	CHECK(pthread_join(d->reader, NULL) == 0);
}

/* ---- exchanges ---- */

/* The client's key makes a repetition of its request one for core, too; else each request is new. */
static void put_request_id(struct mp_out *o, const struct door *d, const struct door_request *r, uint64_t id) {
	char text[REQUEST_MAX];
	if (r->key)
		snprintf(text, sizeof(text), "k.%s", r->key);
	else
		snprintf(text, sizeof(text), "%s.%llu", d->salt, (unsigned long long)id);
	mp_kv_str(o, "request", text);
}

static int encode(const struct door *d, const struct door_request *r, uint64_t id, uint8_t *out, size_t capacity) {
	struct mp_out o;
	mp_begin(&o, out, capacity);
	mp_map(&o, r->text ? 5 + (r->max_tokens > 0) : 3);
	mp_kv_str(&o, "op", r->text ? "say" : r->unload ? "unload" : "load");
	mp_kv_uint(&o, "id", id);
	mp_kv_str(&o, "model", r->model);
	if (r->text) {
		mp_kv_str(&o, "text", r->text);
		put_request_id(&o, d, r, id);
		if (r->max_tokens)
			mp_kv_uint(&o, "max", r->max_tokens);
	}
	return mp_done(&o);
}

static struct exchange *new_exchange(struct door *d, size_t capacity) {
	struct exchange *e = calloc(1, sizeof(*e) + capacity);
	if (!e || !(e->inbox = json_array()))
		return free(e), NULL;
	init_cond(&e->changed);
	e->door = d;
	return e;
}

static void free_exchange(struct exchange *e) {
	pthread_cond_destroy(&e->changed);
	json_decref(e->inbox);
	free(e);
}

struct exchange *door_ask(struct door *d, const struct door_request *r) {
	size_t capacity = 512 + (r->text ? strlen(r->text) : 0);
	struct exchange *e = new_exchange(d, capacity);
	if (!e)
		return NULL;
	pthread_mutex_lock(&d->lock);
	e->id = ++d->last_id;
	int n = encode(d, r, e->id, e->request, capacity);
	bool begun = n > 0 && !d->over;
	if (begun) {
		e->bytes = (size_t)n;
		e->next = d->exchanges;
		d->exchanges = e;
		d->counts.begun++;
		d->counts.open++;
		if (d->core)
			send_request(e);
	}
	pthread_mutex_unlock(&d->lock);
	if (begun)
		return e;
	free_exchange(e);
	return NULL;
}

/* ---- does it live? ---- */

static bool send_ping(struct door *d) {
	uint8_t room[64];
	struct mp_out o;
	mp_begin(&o, room, sizeof(room));
	mp_map(&o, 2);
	mp_kv_str(&o, "op", "ping");
	mp_kv_uint(&o, "id", ++d->last_id);
	if (!d->core || cdm_control_send(d->core, room, (size_t)mp_done(&o), 0) < 0)
		return false;
	d->ping = d->last_id;
	d->ping_ns = clock_mono().ns;
	return true;
}

bool door_answers(struct door *d) {
	bool in_time = true;
	pthread_mutex_lock(&d->lock);
	bool asked = d->ping || send_ping(d);
	uint64_t ping = d->ping, pongs = d->pongs;
	int64_t until = d->ping_ns + DOOR_PING_NS;
	struct timespec t = { until / NS_PER_S, until % NS_PER_S };
	while (asked && d->ping == ping && !d->over && in_time)
		in_time = pthread_cond_timedwait(&d->pinged, &d->lock, &t) != ETIMEDOUT;
	bool answered = asked && d->pongs != pongs;
	pthread_mutex_unlock(&d->lock);
	return answered;
}

bool door_is_over(struct door *d) {
	pthread_mutex_lock(&d->lock);
	bool over = d->over;
	pthread_mutex_unlock(&d->lock);
	return over;
}

bool door_next(struct exchange *e, struct door_reply *r, int64_t timeout_ns) {
	struct door *d = e->door;
	int64_t until = clock_mono().ns + timeout_ns;
	struct timespec t = { until / NS_PER_S, until % NS_PER_S };
	bool in_time = true;
	pthread_mutex_lock(&d->lock);
	while (json_array_size(e->inbox) == 0 && !d->over && in_time)
		in_time = pthread_cond_timedwait(&e->changed, &d->lock, &t) != ETIMEDOUT;
	r->body = json_incref(json_array_get(e->inbox, 0));
	if (r->body)
		json_array_remove(e->inbox, 0);
	pthread_mutex_unlock(&d->lock);
	if (r->body)
		r->kind = kind_of(r->body);
	return r->body != NULL;
}

/* Its client is gone.  A cancel that does not fit into the socket is not missed: it only saves work. */
static void cancel(struct door *d, const struct exchange *e) {
	uint8_t room[64];
	struct mp_out o;
	mp_begin(&o, room, sizeof(room));
	mp_map(&o, 3);
	mp_kv_str(&o, "op", "cancel");
	mp_kv_uint(&o, "id", ++d->last_id);
	mp_kv_uint(&o, "target", e->id);
	if (cdm_control_send(d->core, room, (size_t)mp_done(&o), 0) < 0)
		log_debug("a request without a client goes on");
}

void door_end(struct exchange *e) {
	if (!e)
		return;
	struct door *d = e->door;
	pthread_mutex_lock(&d->lock);
	if (e->sent && !e->settled && d->core && !d->over)
		cancel(d, e);
	struct exchange **at = &d->exchanges;
	while (*at != e)
		at = &(*at)->next;
	*at = e->next;
	d->counts.open--;
	pthread_mutex_unlock(&d->lock);
	free_exchange(e);
}
