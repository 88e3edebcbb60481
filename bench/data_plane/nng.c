/*
 * nng.c - nng over ipc://: pair for one reader, pub and sub for more.  A message is filled in the library's memory.
 */
#include <nng/nng.h>
#include <nng/protocol/pair0/pair.h>
#include <nng/protocol/pubsub0/pub.h>
#include <nng/protocol/pubsub0/sub.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "bench/data_plane/transport.h"

#define TEXT(x) #x
#define VERSION(a, b, c) TEXT(a) "." TEXT(b) "." TEXT(c)

struct end {
	nng_socket socket;
	nng_msg *message;
	uint32_t bytes;
};

static char folder[80];

static void must(int rc, const char *what) {
	if (rc != 0)
		die("%s: %s", what, nng_strerror(rc));
}

static void begin(const char *dir, const char *as, const char *variant) {
	(void)as, (void)variant;
	snprintf(folder, sizeof(folder), "%s", dir);
}

static struct end *end_new(const struct channel *c, char url[128]) {
	struct end *e = calloc(1, sizeof(*e));
	if (!e)
		die("no memory");
	e->bytes = c->bytes;
	snprintf(url, 128, "ipc://%s/n.%s.%u", folder, c->name, c->bytes);
	return e;
}

static struct end *writer(const struct channel *c) {
	char url[128];
	struct end *e = end_new(c, url);
	must(c->readers == 1 ? nng_pair0_open(&e->socket) : nng_pub0_open(&e->socket), "open");
	must(nng_listen(e->socket, url, NULL, 0), url);
	return e;
}

static struct end *reader(const struct channel *c) {
	char url[128];
	struct end *e = end_new(c, url);
	must(c->readers == 1 ? nng_pair0_open(&e->socket) : nng_sub0_open(&e->socket), "open");
	if (c->readers > 1)
		must(nng_socket_set(e->socket, NNG_OPT_SUB_SUBSCRIBE, "", 0), NNG_OPT_SUB_SUBSCRIBE);
	must(nng_socket_set_size(e->socket, NNG_OPT_RECVMAXSZ, 0), NNG_OPT_RECVMAXSZ); /* 0: no limit */
	must(nng_socket_set_ms(e->socket, NNG_OPT_RECVTIMEO, PATIENCE_MS), NNG_OPT_RECVTIMEO);
	must(nng_dial(e->socket, url, NULL, 0), url);
	return e;
}

static void *loan(struct end *e) {
	must(nng_msg_alloc(&e->message, e->bytes), "nng_msg_alloc");
	return nng_msg_body(e->message);
}

static void send(struct end *e) {
	must(nng_sendmsg(e->socket, e->message, 0), "nng_sendmsg");
}

static const void *receive(struct end *e, bool block) {
	int rc = nng_recvmsg(e->socket, &e->message, block ? 0 : NNG_FLAG_NONBLOCK);
	if (rc == NNG_EAGAIN || rc == NNG_ETIMEDOUT)
		return NULL;
	must(rc, "nng_recvmsg");
	if (nng_msg_len(e->message) != e->bytes)
		die("%zu bytes came for %u", nng_msg_len(e->message), e->bytes);
	return nng_msg_body(e->message);
}

static void release(struct end *e) {
	nng_msg_free(e->message);
}

const struct transport transport = {
	.version = VERSION(NNG_MAJOR_VERSION, NNG_MINOR_VERSION, NNG_PATCH_VERSION), .threads = true, .begin = begin,
	.writer = writer, .reader = reader, .loan = loan, .send = send, .receive = receive, .release = release };
