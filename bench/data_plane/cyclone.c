/*
 * cyclone.c - Eclipse Cyclone DDS over loopback UDP: a sequence of bytes, reliable, keep last 16.
 */
#include <dds/dds.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "bench/data_plane/transport.h"
#include "sample.h"

struct end {
	dds_entity_t entity, waitset;
	uint32_t bytes;
	bench_Sample sample; /* the writer's */
	void *taken[1];
};

static dds_entity_t participant;

static dds_entity_t must(dds_entity_t rc, const char *what) {
	if (rc < 0)
		die("%s: %s", what, dds_strretcode(rc));
	return rc;
}

/* Runs that do not share a folder do not hear each other. */
static dds_domainid_t domain_of(const char *dir) {
	uint32_t h = 2166136261u;
	for (; *dir; dir++)
		h = (h ^ (unsigned char)*dir) * 16777619u;
	return 1 + h % 100;
}

static void begin(const char *dir, const char *as, const char *variant) {
	(void)as, (void)variant;
	participant = must(dds_create_participant(domain_of(dir), NULL, NULL), "participant");
}

static struct end *end_new(const struct channel *c, dds_entity_t *topic, dds_qos_t **qos) {
	char name[64];
	struct end *e = calloc(1, sizeof(*e));
	if (!e || !(e->sample.bytes._buffer = calloc(1, c->bytes)))
		die("no memory");
	e->bytes = e->sample.bytes._length = e->sample.bytes._maximum = c->bytes;
	snprintf(name, sizeof(name), "%s_%u", c->name, c->bytes);
	*topic = must(dds_create_topic(participant, &bench_Sample_desc, name, NULL, NULL), "topic");
	*qos = dds_create_qos();
	dds_qset_reliability(*qos, DDS_RELIABILITY_RELIABLE, DDS_SECS(10));
	dds_qset_history(*qos, DDS_HISTORY_KEEP_LAST, 16);
	return e;
}

static struct end *writer(const struct channel *c) {
	dds_entity_t topic;
	dds_qos_t *qos;
	struct end *e = end_new(c, &topic, &qos);
	e->entity = must(dds_create_writer(participant, topic, qos, NULL), "writer");
	dds_delete_qos(qos);
	return e;
}

static struct end *reader(const struct channel *c) {
	dds_entity_t topic;
	dds_qos_t *qos;
	struct end *e = end_new(c, &topic, &qos);
	e->entity = must(dds_create_reader(participant, topic, qos, NULL), "reader");
	dds_delete_qos(qos);
	e->waitset = must(dds_create_waitset(participant), "waitset");
	dds_entity_t any = must(dds_create_readcondition(e->entity, DDS_ANY_STATE), "condition");
	must(dds_waitset_attach(e->waitset, any, 0), "attach");
	return e;
}

static void *loan(struct end *e) {
	return e->sample.bytes._buffer;
}

static void send(struct end *e) {
	must(dds_write(e->entity, &e->sample), "write");
}

static const void *receive(struct end *e, bool block) {
	dds_sample_info_t info;
	if (block && must(dds_waitset_wait(e->waitset, NULL, 0, DDS_MSECS(PATIENCE_MS)), "wait") == 0)
		return NULL;
	e->taken[0] = NULL;
	int n = must(dds_take(e->entity, e->taken, &info, 1, 1), "take");
	if (n == 0)
		return NULL;
	const bench_Sample *s = e->taken[0];
	if (!info.valid_data || s->bytes._length != e->bytes)
		die("what came is no sample of %u bytes", e->bytes);
	return s->bytes._buffer;
}

static void release(struct end *e) {
	must(dds_return_loan(e->entity, e->taken, 1), "return loan");
}

const struct transport transport = { .version = PEER_VERSION, .threads = true, .begin = begin, .writer = writer,
	.reader = reader, .loan = loan, .send = send, .receive = receive, .release = release };
