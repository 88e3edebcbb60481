/*
 * record_file.c - what is in a recording besides messages, and how it ends: see record.h and spec/recording.md.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "base/clock.h"
#include "base/err.h"
#include "base/io.h"
#include "bin/cadmus/json.h"
#include "bin/cadmus/record.h"
#include "schema/plan.h"

#define NUMBER_MAX 24
#define PAIRS_MAX 12

/* Texts of a map in the making. */
struct pairs {
	struct mcap_pair at[PAIRS_MAX];
	char numbers[PAIRS_MAX][NUMBER_MAX];
	uint32_t count;
};

static void add(struct pairs *p, const char *key, const char *value) {
	CHECK(p->count < PAIRS_MAX);
	p->at[p->count++] = (struct mcap_pair){ key, value };
}

static void add_number(struct pairs *p, const char *key, int64_t v) {
	CHECK(p->count < PAIRS_MAX);
	char *text = p->numbers[p->count];
	snprintf(text, NUMBER_MAX, "%" PRId64, v);
	add(p, key, text);
}

/* ---- the begin ---- */

static const char *kind_text(uint32_t kind) {
	static const char *const texts[] = { "samples", "awareness", "setting" };
	return kind < COUNT_OF(texts) ? texts[kind] : "?";
}

int record_type_write(struct mcap_writer *w, const struct record_type *t) {
	const struct mcap_schema s = { .name = t->name, .encoding = "protobuf", .data = t->descriptor,
		.bytes = t->descriptor_bytes };
	return mcap_write_schema(w, &s);
}

int record_channel_write(struct mcap_writer *w, const struct cdm_field *f, uint16_t schema) {
	struct pairs p = { .count = 0 };
	char shape[CDM_DIMS_MAX * 11 + 1] = "", layout[2 + 16 + 1];
	size_t n = 0;
	for (uint32_t i = 0; i < f->dims; i++)
		n += (size_t)snprintf(shape + n, sizeof(shape) - n, "%s%u", i ? "," : "", f->shape[i]);
	snprintf(layout, sizeof(layout), "0x%016" PRIx64, f->layout);
	add(&p, "dtype", cdm_dtype_name((enum cdm_dtype)f->dtype));
	add(&p, "shape", shape);
	add(&p, "unit", f->unit);
	add(&p, "kind", kind_text(f->kind));
	add(&p, "entity", f->entity);
	add(&p, "writer", f->writer);
	add(&p, "layout", layout);
	add_number(&p, "bytes", f->bytes);
	add_number(&p, "slots", f->slots);
	add_number(&p, "half_life_ns", f->half_life_ns);
	add_number(&p, "max_age_ns", f->max_age_ns);
	const struct mcap_channel c = { .schema = schema, .topic = f->name, .encoding = "protobuf",
		.pairs = p.at, .pair_count = p.count };
	return mcap_write_channel(w, &c);
}

static int write_field(struct recorder *r, struct record_field *f, uint16_t schema) {
	int rc = record_channel_write(r->writer, &f->about, schema);
	f->channel = (uint16_t)(rc < 0 ? 0 : rc);
	return rc;
}

/* Schemas that several fields share are written once. */
static int write_fields(struct recorder *r) {
	static struct record_type t;
	static char names[64][sizeof(t.name)];
	int count = 0, rc = 0;
	for (uint32_t i = 0; rc >= 0 && i < r->count; i++) {
		record_type_of(&r->fields[i].about, &t);
		r->fields[i].form = t.form;
		int schema = 0;
		while (schema < count && strcmp(names[schema], t.name) != 0)
			schema++;
		if (schema == count) {
			CHECK(count < (int)COUNT_OF(names));
			memcpy(names[count++], t.name, sizeof(t.name));
			rc = record_type_write(r->writer, &t);
		}
		if (rc >= 0)
			rc = write_field(r, &r->fields[i], (uint16_t)(schema + 1));
	}
	return rc;
}

static int write_events(struct recorder *r) {
	static struct record_type t;
	record_type_of_events(&t);
	int rc = record_type_write(r->writer, &t);
	const struct mcap_channel c = { .schema = (uint16_t)(rc < 0 ? 0 : rc), .topic = RECORD_EVENTS,
		.encoding = "protobuf" };
	if (rc >= 0)
		rc = mcap_write_channel(r->writer, &c);
	r->event_channel = (uint16_t)(rc < 0 ? 0 : rc);
	return rc;
}

static int write_machine(struct recorder *r) {
	struct pairs p = { .count = 0 };
	char began[CLOCK_TEXT_MAX], hash[HASH_TEXT_MAX];
	add(&p, "machine", cdm_machine_name(r->machine));
	add(&p, "plan", hash_text(&r->plan->hash, 2 * HASH_BYTES, hash));
	add(&p, "cadmus", CADMUS_VERSION);
	add(&p, "format", "1");
	add(&p, "began", clock_text((struct cdm_wall){ r->began.ns + r->offset_ns }, began));
	add_number(&p, "calendar_minus_monotonic_ns", r->offset_ns);
	add_number(&p, "fields", r->count);
	add_number(&p, "fields_hidden", r->hidden);
	const struct mcap_metadata m = { .name = RECORD_MACHINE, .pairs = p.at, .pair_count = p.count };
	return mcap_write_metadata(r->writer, &m);
}

static int write_plan(struct recorder *r) {
	size_t bytes;
	const void *plan = cdm_plan(r->machine, &bytes);
	uint64_t now = (uint64_t)(r->began.ns + r->offset_ns);
	const struct mcap_attachment a = { .name = RECORD_PLAN, .media_type = "application/octet-stream", .log_ns = now,
		.create_ns = now, .data = plan, .bytes = bytes };
	return mcap_write_attachment(r->writer, &a);
}

static int write_begin(struct recorder *r) {
	const struct mcap_write_options o = { .plain = r->plain, .chunk_bytes = r->chunk_bytes,
			.profile = RECORD_PROFILE,
		.library = "cadmus " CADMUS_VERSION };
	int rc = mcap_write_open(r->fd, &o, &r->writer);
	if (rc >= 0)
		rc = write_machine(r);
	if (rc >= 0)
		rc = write_plan(r);
	if (rc >= 0)
		rc = write_fields(r);
	if (rc >= 0 && r->events)
		rc = write_events(r);
	return rc < 0 ? rc : 0;
}

void record_file_drop(struct recorder *r) {
	mcap_write_abandon(&r->writer);
	io_close(&r->fd);
	unlink(r->path);
}

int record_file_open(struct recorder *r) {
	signal(SIGXFSZ, SIG_IGN); /* a file that may not grow is like a disk that is full */
	r->fd = open(r->path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (r->fd < 0 && errno == EEXIST)
		return verb_failed_hint("record", -EEXIST, "give another name, or remove it first",
				"%s is there already",
				r->path);
	if (r->fd < 0)
		return verb_failed("record", err_last(), "%s: %s", r->path, strerror(errno));
	int rc = write_begin(r);
	if (rc < 0) {
		record_file_drop(r);
		return verb_failed("record", rc, "%s cannot be written: %s", r->path, strerror(-rc));
	}
	return 0;
}

/* ---- the end ---- */

const char *record_why(const struct recorder *r) {
	uint64_t missed = r->event_missed, unwritten = r->event_taken - r->event_written;
	for (uint32_t i = 0; i < r->count; i++) {
		missed += r->fields[i].missed;
		unwritten += r->fields[i].taken - r->fields[i].written;
	}
	if (r->rc == -ENOSPC || r->rc == -EDQUOT)
		return "the disk is full";
	if (r->rc == -EFBIG)
		return "the file may not become larger";
	if (r->rc < 0 || unwritten)
		return "the file could not be written";
	return missed ? "samples or events were missed" : NULL;
}

static void count_written(struct recorder *r) {
	for (uint32_t i = 0; i < r->count; i++)
		r->fields[i].written = mcap_write_count(r->writer, r->fields[i].channel);
	if (r->events)
		r->event_written = mcap_write_count(r->writer, r->event_channel);
}

/* The map of the result: what is true of the whole, then of each field. */
struct result {
	struct mcap_pair *pairs;
	char (*texts)[2][CDM_NAME_MAX + NUMBER_MAX]; /* key and number */
	uint32_t count;
};

static void add_count(struct result *x, const char *field, const char *what, uint64_t v) {
	char *key = x->texts[x->count][0], *value = x->texts[x->count][1];
	snprintf(key, sizeof(x->texts[0][0]), "%s:%s", field, what);
	snprintf(value, sizeof(x->texts[0][0]), "%" PRIu64, v);
	x->pairs[x->count++] = (struct mcap_pair){ key, value };
}

static const char *end_text(const struct recorder *r) {
	static const char *const texts[] = { "asked to end", "the machine ended", "it failed" };
	return texts[r->end];
}

static int write_result(struct recorder *r) {
	size_t most = 4 + 4 * ((size_t)r->count + 1);
	char ended[CLOCK_TEXT_MAX];
	const char *why = record_why(r);
	struct result x = { calloc(most, sizeof(*x.pairs)), calloc(most, sizeof(*x.texts)), 0 };
	int rc = -ENOMEM;
	if (x.pairs && x.texts) {
		x.pairs[x.count++] = (struct mcap_pair){ "result", why ? "INCOMPLETE" : "COMPLETE" };
		x.pairs[x.count++] = (struct mcap_pair){ "why", why ? why : "" };
		x.pairs[x.count++] = (struct mcap_pair){ "end", end_text(r) };
		x.pairs[x.count++] = (struct mcap_pair){ "ended",
			clock_text((struct cdm_wall){ r->ended.ns + r->offset_ns }, ended) };
		for (uint32_t i = 0; i < r->count; i++) {
			const struct record_field *f = &r->fields[i];
			add_count(&x, f->about.name, "samples", f->written);
			add_count(&x, f->about.name, "missed", f->missed + (f->taken - f->written));
			add_count(&x, f->about.name, "bytes", f->bytes);
			add_count(&x, f->about.name, "drops", f->drops);
		}
		if (r->events) {
			add_count(&x, RECORD_EVENTS, "samples", r->event_written);
			add_count(&x, RECORD_EVENTS, "missed", r->event_missed + (r->event_taken - r->event_written));
		}
		const struct mcap_metadata m = { .name = RECORD_RESULT, .pairs = x.pairs, .pair_count = x.count };
		rc = mcap_write_metadata(r->writer, &m);
	}
	free(x.pairs);
	free(x.texts);
	return rc;
}

static json_t *as_json(const struct recorder *r, uint64_t bytes) {
	json_t *fields = json_array();
	const char *why = record_why(r);
	for (uint32_t i = 0; i < r->count; i++) {
		const struct record_field *f = &r->fields[i];
		json_array_append_new(fields, json_pack("{s:s,s:I,s:I,s:I,s:I}", "field", f->about.name, "samples",
				(json_int_t)f->written, "missed", (json_int_t)(f->missed + f->taken - f->written),
				"bytes", (json_int_t)f->bytes, "drops", (json_int_t)f->drops));
	}
	return json_pack("{s:s,s:s,s:s?,s:s,s:f,s:I,s:o,s:o}", "file", r->path, "result", why
			? "INCOMPLETE" : "COMPLETE",
			"why", why, "end", end_text(r), "seconds", (double)mono_since(r->began, r->ended) / 1e9,
			"bytes",
			(json_int_t)bytes, "fields", fields, "events", json_pack("{s:I,s:I}", "samples",
			(json_int_t)r->event_written, "missed",
			(json_int_t)(r->event_missed + r->event_taken - r->event_written)));
}

static void print(const struct recorder *r, uint64_t bytes) {
	uint64_t samples = 0;
	char size[RECORD_SIZE_MAX];
	const char *why = record_why(r);
	printf("%-32s %12s %10s %14s\n", "FIELD", "samples", "missed", "bytes");
	for (uint32_t i = 0; i < r->count; i++) {
		const struct record_field *f = &r->fields[i];
		samples += f->written;
		printf("%-32s %12" PRIu64 " %10" PRIu64 " %14" PRIu64 "\n", f->about.name, f->written,
				f->missed + f->taken - f->written, f->bytes);
	}
	if (r->events)
		printf("%-32s %12" PRIu64 " %10" PRIu64 " %14s\n", "(events)", r->event_written,
				r->event_missed + r->event_taken - r->event_written, "");
	printf("%s%s%s: %" PRIu64 " samples of %u fields and %" PRIu64 " events in %.1f s, %s: %s\n",
			why ? "INCOMPLETE" : "COMPLETE", why ? ", " : "", why ? why : "", samples, r->count,
			r->event_written, (double)mono_since(r->began, r->ended) / 1e9, record_size(bytes, size),
			r->path);
}

int record_file_end(struct recorder *r) {
	int rc = mcap_write_flush(r->writer);
	r->rc = r->rc < 0 ? r->rc : rc;
	count_written(r);
	rc = write_result(r);
	r->rc = r->rc < 0 ? r->rc : rc;
	rc = mcap_write_end(&r->writer);
	r->rc = r->rc < 0 ? r->rc : rc;
	if (r->rc == 0 && fsync(r->fd) < 0 && errno != EINVAL) /* EINVAL: no disk behind it */
		r->rc = err_last();
	off_t at = lseek(r->fd, 0, SEEK_END);
	uint64_t bytes = at < 0 ? 0 : (uint64_t)at;
	io_close(&r->fd);
	const char *why = record_why(r);
	if (r->context->json)
		json_print(as_json(r, bytes));
	else
		print(r, bytes);
	if (!why)
		return 0;
	return r->rc < 0 ? verb_failed_hint("record", r->rc, "what was written until then can be read", "%s: %s",
			r->path, why)
			 : verb_failed("record", -ENODATA, "%s is not complete: %s", r->path, why);
}
