/*
 * fuzz_memory_import.c - any bytes as lines of an import: what becomes an entry is one, and comes out as it came in.
 *
 * The schema's line is given first, so that the bytes are lines.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "memory/lines.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char schema[] = "{\"schema\":\"cadmus.memory\",\"version\":1}";

static struct journal_record record_of(const struct journal_entry *e, void *body) {
	struct journal_record r = { .seq = 1, .wall = { INT64_MAX },
		.kind = (uint16_t)e->kind, .visibility = (uint8_t)e->visibility,
		.body = memcpy(body, e->body, e->body_bytes), .body_bytes = (uint32_t)e->body_bytes };
	CHECK(strlen(e->entity) < sizeof(r.entity) && strlen(e->principal) < sizeof(r.principal));
	strcpy(r.entity, e->entity);
	strcpy(r.principal, e->principal);
	return r;
}

static int ignore(void *user, const struct passage *p) {
	CHECK(p->bytes <= PASSAGE_BYTES_MAX && p->first <= p->bytes);
	++*(unsigned *)user;
	return 0;
}

/* Its line gives the same entry again, and so the same line. */
static void check_entry(struct lines_import *i) {
	static uint8_t body[JOURNAL_BODY_MAX];
	struct hash id, again_id;
	char *line = NULL, *again = NULL;
	unsigned passages = 0;
	CHECK(i->entry.body_bytes > 0 && i->entry.body_bytes <= JOURNAL_BODY_MAX);
	struct journal_record r = record_of(&i->entry, body);
	CHECK(passage_identity(&r, &id) == 0 && passage_each(&r, ignore, &passages) == 0);
	CHECK(lines_of_record(NULL, &r, &line) == 0);
	CHECK(lines_import_line(i, line, strlen(line), NULL) == 1);
	r = record_of(&i->entry, body);
	CHECK(passage_identity(&r, &again_id) == 0 && hash_equal(&id, &again_id));
	CHECK(lines_of_record(NULL, &r, &again) == 0 && strcmp(line, again) == 0);
	free(line);
	free(again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
	static struct cdm_diag diag;
	struct lines_import i;
	diag.count = diag.errors = diag.dropped = 0;
	CHECK(lines_import_begin(&i, NULL) == 0 && lines_import_line(&i, schema, sizeof(schema) - 1, &diag) == 0);
	while (size > 0) {
		const uint8_t *end = memchr(data, '\n', size);
		size_t n = end ? (size_t)(end - data) + 1 : size;
		char *exact = malloc(n); /* so that a read past its end shows */
		CHECK(exact);
		memcpy(exact, data, n);
		int rc = lines_import_line(&i, exact, n, &diag);
		CHECK(rc == 0 || rc == 1 || rc == -EPROTO || rc == -E2BIG || rc == -EINVAL);
		if (rc == 1)
			check_entry(&i);
		free(exact);
		data += n;
		size -= n;
	}
	lines_import_end(&i);
	return 0;
}
