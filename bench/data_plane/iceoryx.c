/*
 * iceoryx.c - iceoryx (1) by its C binding: chunks that are loaned, published, taken and released; RouDi must run.
 *
 * A subscriber that is attached to a wait set has its publisher signal a semaphore for each chunk, so it is attached
 * only while its reader blocks.
 */
#include <iceoryx_binding_c/publisher.h>
#include <iceoryx_binding_c/runtime.h>
#include <iceoryx_binding_c/subscriber.h>
#include <iceoryx_binding_c/wait_set.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "bench/data_plane/transport.h"

struct end {
	iox_pub_storage_t pub_storage;
	iox_sub_storage_t sub_storage;
	iox_ws_storage_t ws_storage;
	iox_pub_t pub;
	iox_sub_t sub;
	iox_ws_t ws;
	bool attached;
	uint32_t bytes;
	void *loaned;
	const void *taken;
};

static void begin(const char *dir, const char *as, const char *variant) {
	(void)dir, (void)variant;
	char name[64];
	snprintf(name, sizeof(name), "bench_%.20s_%d", as, (int)getpid());
	iox_runtime_init(name);
}

static struct end *end_new(const struct channel *c, char text[16]) {
	struct end *e = calloc(1, sizeof(*e));
	if (!e)
		die("no memory");
	e->bytes = c->bytes;
	snprintf(text, 16, "%u", c->bytes);
	return e;
}

static struct end *writer(const struct channel *c) {
	char size[16];
	iox_pub_options_t o;
	struct end *e = end_new(c, size);
	iox_pub_options_init(&o);
	e->pub = iox_pub_init(&e->pub_storage, "bench", c->name, size, &o);
	return e;
}

static struct end *reader(const struct channel *c) {
	char size[16];
	iox_sub_options_t o;
	struct end *e = end_new(c, size);
	iox_sub_options_init(&o);
	o.queueCapacity = 16; /* of what is on its way; more would hold more of the largest samples */
	e->sub = iox_sub_init(&e->sub_storage, "bench", c->name, size, &o);
	e->ws = iox_ws_init(&e->ws_storage);
	return e;
}

static void *loan(struct end *e) {
	int rc = (int)iox_pub_loan_chunk(e->pub, &e->loaned, e->bytes);
	if (rc != AllocationResult_SUCCESS)
		die("loan of %u bytes: result %d", e->bytes, rc);
	return e->loaned;
}

static void send(struct end *e) {
	iox_pub_publish_chunk(e->pub, e->loaned);
}

static void attach(struct end *e, bool on) {
	int rc = WaitSetResult_SUCCESS;
	if (on)
		rc = (int)iox_ws_attach_subscriber_state(e->ws, e->sub, SubscriberState_HAS_DATA, 1, NULL);
	else
		iox_ws_detach_subscriber_state(e->ws, e->sub, SubscriberState_HAS_DATA);
	if (rc != WaitSetResult_SUCCESS)
		die("cannot attach to the wait set");
	e->attached = on;
}

static bool take(struct end *e) {
	int rc = (int)iox_sub_take_chunk(e->sub, &e->taken);
	if (rc != ChunkReceiveResult_SUCCESS && rc != ChunkReceiveResult_NO_CHUNK_AVAILABLE)
		die("take: result %d", rc);
	return rc == ChunkReceiveResult_SUCCESS;
}

static const void *receive(struct end *e, bool block) {
	if (e->attached != block)
		attach(e, block);
	if (take(e))
		return e->taken;
	if (!block)
		return NULL;
	iox_notification_info_t news[1];
	uint64_t missed;
	struct timespec patience = { .tv_sec = PATIENCE_MS / 1000 };
	iox_ws_timed_wait(e->ws, patience, news, 1, &missed);
	return take(e) ? e->taken : NULL;
}

static void release(struct end *e) {
	iox_sub_release_chunk(e->sub, e->taken);
}

const struct transport transport = { .version = PEER_VERSION, .begin = begin, .writer = writer, .reader = reader,
	.loan = loan, .send = send, .receive = receive, .release = release };
