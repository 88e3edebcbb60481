/*
 * replay_output.c - a re-run as a recording: what went in, as it stood in the file, and what was made of it.
 *
 * Nothing in it is of the present: the same re-run gives the same file, byte by byte.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "base/err.h"
#include "base/io.h"
#include "bin/cadmus/record.h"
#include "bin/cadmus/replay.h"

#define MESSAGE_MAX (RECORD_OVERHEAD_MAX + 64)

struct replay_output {
	struct mcap_writer *w;
	const struct recording *rec;
	const struct plan *plan;
	int fd, rc;
	uint16_t *schema_of;  /* by id in the file that is read; 0: not written yet */
	uint16_t *source;     /* channels, by place in the recording */
	uint16_t *target;     /* by field of the plan */
	char written[64]; /* name of the type of targets that was written last */
	uint16_t written_id;
	uint8_t message[MESSAGE_MAX];
};

/* ---- the begin ---- */

static void describe(const struct plan *p, uint16_t index, struct cdm_field *out) {
	const struct plan_field *f = &plan_fields(p)[index];
	*out = (struct cdm_field){ .index = index, .kind = f->kind, .dtype = f->dtype, .dims = f->dims,
		.bytes = f->bytes, .slots = f->slots, .half_life_ns = f->half_life_ns, .max_age_ns = f->max_age_ns,
		.layout = f->layout };
	memcpy(out->name, f->name, sizeof(out->name));
	memcpy(out->unit, f->unit, sizeof(out->unit));
	memcpy(out->shape, f->shape, sizeof(out->shape));
	memcpy(out->writer, plan_processes(p)[f->process].name, sizeof(out->writer));
	memcpy(out->entity, plan_entities(p)[f->entity].name, sizeof(out->entity));
}

static int copy_channel(struct replay_output *o, unsigned i) {
	const struct mcap_reader *file = recording_file(o->rec);
	struct mcap_channel c = *mcap_read_channel(file, recording_at(o->rec, i)->channel);
	const struct mcap_schema *s = mcap_read_schema(file, c.schema);
	if (s && !o->schema_of[s->id]) {
		int id = mcap_write_schema(o->w, s);
		if (id < 0)
			return id;
		o->schema_of[s->id] = (uint16_t)id;
	}
	c.schema = s ? o->schema_of[s->id] : 0;
	int rc = mcap_write_channel(o->w, &c);
	o->source[i] = (uint16_t)(rc < 0 ? 0 : rc);
	return rc;
}

static int write_target(struct replay_output *o, uint16_t field) {
	static struct record_type t;
	struct cdm_field f;
	describe(o->plan, field, &f);
	record_type_of(&f, &t);
	if (strcmp(o->written, t.name) != 0) { /* which all awareness shares */
		int schema = record_type_write(o->w, &t);
		if (schema < 0)
			return schema;
		o->written_id = (uint16_t)schema;
		snprintf(o->written, sizeof(o->written), "%s", t.name);
	}
	int rc = record_channel_write(o->w, &f, o->written_id);
	o->target[field] = (uint16_t)(rc < 0 ? 0 : rc);
	return rc;
}

static int write_machine(struct replay_output *o) {
	char hash[HASH_TEXT_MAX], offset[24];
	snprintf(offset, sizeof(offset), "%" PRId64, recording_offset_ns(o->rec));
	const struct mcap_pair pairs[] = { { "machine", o->plan->machine },
		{ "plan", hash_text(&o->plan->hash, 2 * HASH_BYTES, hash) },
		{ "cadmus", CADMUS_VERSION }, { "format", "1" },
		{ "calendar_minus_monotonic_ns", offset }, { "replay", "rules" } };
	const struct mcap_metadata m = { .name = RECORD_MACHINE, .pairs = pairs, .pair_count = COUNT_OF(pairs) };
	const struct mcap_attachment a = { .name = RECORD_PLAN, .media_type = "application/octet-stream",
		.data = o->plan, .bytes = o->plan->bytes };
	int rc = mcap_write_metadata(o->w, &m);
	return rc < 0 ? rc : mcap_write_attachment(o->w, &a);
}

static int write_begin(struct replay_output *o, const struct rerun *x) {
	const struct mcap_write_options options = { .profile = RECORD_PROFILE, .library = "cadmus " CADMUS_VERSION };
	int rc = mcap_write_open(o->fd, &options, &o->w);
	if (rc >= 0)
		rc = write_machine(o);
	for (uint16_t f = 0; rc >= 0 && f < o->plan->fields.count; f++) {
		unsigned i = rerun_is_source(x, f) ? recording_find(o->rec, plan_fields(o->plan)[f].name) : UINT32_MAX;
		if (i != UINT32_MAX && recording_fits(recording_at(o->rec, i), &plan_fields(o->plan)[f]))
			rc = copy_channel(o, i);
	}
	for (unsigned i = 0; rc >= 0 && i < rerun_targets(x); i++)
		rc = write_target(o, (uint16_t)(rerun_target(x, i)->field - plan_fields(o->plan)));
	return rc < 0 ? rc : 0;
}

static void let_go(struct replay_output **o) {
	mcap_write_abandon(&(*o)->w);
	io_close(&(*o)->fd);
	free((*o)->schema_of);
	free((*o)->source);
	free((*o)->target);
	free(*o);
	*o = NULL;
}

int replay_output_open(const struct replay *r, const struct rerun *x, struct replay_output **out) {
	struct replay_output *o = calloc(1, sizeof(*o));
	CHECK(o);
	o->rec = r->rec;
	o->plan = r->plan;
	o->schema_of = calloc(MCAP_IDS_MAX + 1, sizeof(*o->schema_of));
	o->source = calloc(recording_count(r->rec) + 1u, sizeof(*o->source));
	o->target = calloc(r->plan->fields.count + 1u, sizeof(*o->target));
	CHECK(o->schema_of && o->source && o->target);
	o->fd = open(r->output, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
	int rc = o->fd < 0 ? err_last() : write_begin(o, x);
	if (rc == 0) {
		*out = o;
		return 0;
	}
	if (o->fd >= 0)
		unlink(r->output);
	let_go(&o);
	if (rc == -EEXIST)
		return verb_failed_hint("replay", rc, "give another name, or remove it first", "%s is there already",
				r->output);
	return verb_failed("replay", rc, "%s cannot be written: %s", r->output, strerror(-rc));
}

/* ---- messages ---- */

static void put(struct replay_output *o, uint16_t channel, uint64_t number, const struct cdm_mono times[2],
		const void *data, size_t bytes) {
	int64_t offset = recording_offset_ns(o->rec);
	const struct mcap_message m = { .channel = channel, .sequence = (uint32_t)number,
		.log_ns = (uint64_t)times[1].ns + (uint64_t)offset,
		.publish_ns = (uint64_t)times[0].ns + (uint64_t)offset, .data = data, .bytes = bytes };
	int rc = channel ? mcap_write_message(o->w, &m) : 0;
	o->rc = o->rc < 0 ? o->rc : rc;
}

void replay_output_took(struct replay_output *o, const struct recording_sample *x) {
	const struct cdm_info *i = &x->sample.info;
	const struct cdm_mono times[2] = { i->source_time, i->publish_time };
	put(o, o->source[x->field], i->version, times, x->message, x->message_bytes);
}

void replay_output_made(struct replay_output *o, const struct rerun_target *t, const struct rerun_value *v,
		struct cdm_mono published) {
	uint16_t field = (uint16_t)(t->field - plan_fields(o->plan));
	const struct cdm_mono times[2] = { v->source_time, published };
	const struct cdm_info info = { .version = t->made, .epoch = 1, .source_time = v->source_time,
		.publish_time = published, .trust = v->trust, .status = v->status, .bytes = sizeof(v->value) };
	struct cdm_field f;
	describe(o->plan, field, &f);
	size_t n = record_sample(&f, RECORD_VALUES, &info, plan_entities(o->plan)[0].name, 0,
			recording_offset_ns(o->rec), &v->value, o->message, sizeof(o->message));
	put(o, o->target[field], info.version, times, o->message, n);
}

/* ---- the end ---- */

int replay_output_end(const struct replay *r, struct replay_output **out) {
	struct replay_output *o = *out;
	if (!o)
		return 0;
	const char *doubt = replay_doubt(r);
	const struct mcap_pair pairs[] = { { "result", doubt ? "INCOMPLETE" : "COMPLETE" },
		{ "why", doubt ? doubt : "" },
		{ "end", "replayed" } };
	const struct mcap_metadata m = { .name = RECORD_RESULT, .pairs = pairs, .pair_count = COUNT_OF(pairs) };
	int rc = mcap_write_metadata(o->w, &m), ended;
	rc = o->rc < 0 ? o->rc : rc;
	ended = mcap_write_end(&o->w);
	rc = rc < 0 ? rc : ended;
	let_go(out);
	if (rc == 0 && !r->context->json)
		fprintf(stderr, "written: %s\n", r->output);
	return rc < 0 ? verb_failed("replay", rc, "%s could not be written: %s", r->output, strerror(-rc)) : 0;
}
