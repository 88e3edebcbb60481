/*
 * zeromq.c - ZeroMQ over ipc://: PAIR for one reader, PUB and SUB for more.  A message is filled in the library's
 * memory.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zmq.h>
#include "bench/data_plane/transport.h"

struct end {
	void *socket;
	zmq_msg_t message;
	uint32_t bytes;
};

static char folder[80];
static void *context;

static void must(int rc, const char *what) {
	if (rc < 0)
		die("%s: %s", what, zmq_strerror(zmq_errno()));
}

static void begin(const char *dir, const char *as, const char *variant) {
	(void)as, (void)variant;
	snprintf(folder, sizeof(folder), "%s", dir);
	context = zmq_ctx_new();
	if (!context)
		die("zmq_ctx_new: %s", zmq_strerror(zmq_errno()));
}

static struct end *end_new(const struct channel *c, int one, int many, char url[128]) {
	int none = 0, patience_ms = PATIENCE_MS;
	struct end *e = calloc(1, sizeof(*e));
	if (!e)
		die("no memory");
	e->bytes = c->bytes;
	e->socket = zmq_socket(context, c->readers == 1 ? one : many);
	if (!e->socket)
		die("zmq_socket: %s", zmq_strerror(zmq_errno()));
	must(zmq_setsockopt(e->socket, ZMQ_SNDHWM, &none, sizeof(none)), "ZMQ_SNDHWM"); /* 0: no limit */
	must(zmq_setsockopt(e->socket, ZMQ_RCVHWM, &none, sizeof(none)), "ZMQ_RCVHWM");
	must(zmq_setsockopt(e->socket, ZMQ_LINGER, &none, sizeof(none)), "ZMQ_LINGER");
	must(zmq_setsockopt(e->socket, ZMQ_RCVTIMEO, &patience_ms, sizeof(patience_ms)), "ZMQ_RCVTIMEO");
	snprintf(url, 128, "ipc://%s/z.%s.%u", folder, c->name, c->bytes);
	return e;
}

static struct end *writer(const struct channel *c) {
	char url[128];
	struct end *e = end_new(c, ZMQ_PAIR, ZMQ_PUB, url);
	must(zmq_bind(e->socket, url), url);
	return e;
}

static struct end *reader(const struct channel *c) {
	char url[128];
	struct end *e = end_new(c, ZMQ_PAIR, ZMQ_SUB, url);
	if (c->readers > 1)
		must(zmq_setsockopt(e->socket, ZMQ_SUBSCRIBE, "", 0), "ZMQ_SUBSCRIBE");
	must(zmq_connect(e->socket, url), url);
	return e;
}

static void *loan(struct end *e) {
	must(zmq_msg_init_size(&e->message, e->bytes), "zmq_msg_init_size");
	return zmq_msg_data(&e->message);
}

static void send(struct end *e) {
	must(zmq_msg_send(&e->message, e->socket, 0), "zmq_msg_send");
}

static const void *receive(struct end *e, bool block) {
	must(zmq_msg_init(&e->message), "zmq_msg_init");
	int rc = zmq_msg_recv(&e->message, e->socket, block ? 0 : ZMQ_DONTWAIT);
	if (rc == (int)e->bytes)
		return zmq_msg_data(&e->message);
	if (rc >= 0)
		die("%d bytes came for %u", rc, e->bytes);
	if (zmq_errno() != EAGAIN)
		must(rc, "zmq_msg_recv");
	return NULL;
}

static void release(struct end *e) {
	must(zmq_msg_close(&e->message), "zmq_msg_close");
}

const struct transport transport = { .version = PEER_VERSION, .threads = true, .begin = begin, .writer = writer,
	.reader = reader, .loan = loan, .send = send, .receive = receive, .release = release };
