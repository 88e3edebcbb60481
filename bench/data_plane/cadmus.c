/*
 * cadmus.c - our own: fields of a machine that runs, through the public interface alone (cadmus/client.h).
 *
 * Variant "copy" writes with cdm_write() and reads with cdm_next(); "lease" fills the sample in place and borrows it.
 * The driver has started a machine with an external sensor ROLE_VARIANT for each that writes; its fields are called
 * ROLE_VARIANT_BYTES.  A sensor reads nothing, so who reads is also attached as a client.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "cadmus/client.h"
#include "bench/data_plane/transport.h"

struct end {
	struct cdm_writer *out;
	struct cdm_reader *in;
	struct cdm_sample sample;
	uint32_t bytes;
	unsigned char *buffer;
};

static struct cdm_machine *machine; /* as a client, who may read */
static struct cdm_machine *written; /* as one of the machine's own, who writes */
static bool by_lease;

static void begin(const char *dir, const char *as, const char *variant) {
	(void)dir;
	by_lease = strcmp(variant, "lease") == 0;
	char entity[CDM_NAME_MAX];
	snprintf(entity, sizeof(entity), "%s_%s", as, variant);
	int rc = cdm_attach("bench", &machine, NULL);
	if (rc == 0 && strncmp(as, "reader", 6) != 0)
		rc = cdm_attach_as("bench", entity, 0, &written, NULL);
	if (rc < 0)
		die("cannot attach as %s: %s", entity, strerror(-rc));
}

static struct end *fresh(const struct channel *c, char name[CDM_NAME_MAX]) {
	struct end *e = calloc(1, sizeof(*e));
	if (!e || !(e->buffer = calloc(1, c->bytes)))
		die("no memory");
	e->bytes = c->bytes;
	snprintf(name, CDM_NAME_MAX, "%s_%s_%u", c->name, by_lease ? "lease" : "copy", c->bytes);
	return e;
}

static struct end *writer(const struct channel *c) {
	char name[CDM_NAME_MAX];
	struct end *e = fresh(c, name);
	int rc = cdm_writer_open(written, name, &e->out);
	if (rc < 0)
		die("cannot write %s: %s", name, strerror(-rc));
	return e;
}

static struct end *reader(const struct channel *c) {
	char name[CDM_NAME_MAX];
	struct end *e = fresh(c, name);
	int rc = cdm_open(machine, name, &e->in);
	if (rc < 0)
		die("cannot read %s: %s", name, strerror(-rc));
	return e;
}

static void *loan(struct end *e) {
	return by_lease ? cdm_loan(e->out) : e->buffer;
}

static void send(struct end *e) {
	int64_t rc = by_lease ? cdm_publish(e->out, e->bytes, NULL) : cdm_write(e->out, e->buffer, e->bytes, NULL);
	if (rc < 0)
		die("publish: %s", strerror((int)-rc));
}

static const void *receive(struct end *e, bool block) {
	int rc = block ? cdm_wait(e->in, PATIENCE_MS * INT64_C(1000000)) : 0;
	if (rc == 0)
		rc = by_lease ? cdm_lease_next(e->in, &e->sample) : cdm_next(e->in, e->buffer, e->bytes, NULL);
	if (rc == 0)
		return by_lease ? e->sample.data : e->buffer;
	if (rc > 0)
		die("%d samples were missed", rc);
	if (rc != -EAGAIN && rc != -ETIMEDOUT)
		die("cannot receive: %s", strerror(-rc));
	return NULL;
}

static void release(struct end *e) {
	if (by_lease)
		cdm_release(&e->sample);
}

const struct transport transport = { .version = CADMUS_VERSION, .begin = begin, .writer = writer, .reader = reader,
	.loan = loan, .send = send, .receive = receive, .release = release };
