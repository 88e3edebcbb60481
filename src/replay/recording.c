/* recording.c - see recording.h. */
#include "replay/recording.h"

#include <errno.h>
#include <limits.h>
#include <stdalign.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/array.h"

#define PROFILE "cadmus"
#define MACHINE "cadmus.machine"
#define RESULT "cadmus.result"
#define PLAN "plan"
#define EVENTS "/cadmus/events"
#define IMAGE "foxglove.RawImage"

/* A sample that is held back, aligned as in shared memory, with its message behind it. */
struct held {
	struct recording_sample x;
	uint64_t order; /* in the file */
	size_t bytes;
	alignas(64) uint8_t payload[]; /* then the message */
};

struct recording {
	struct mcap_reader *file;
	struct plan *plan;
	struct mcap_metadata *result;
	int64_t offset_ns;
	struct recording_field *fields;
	unsigned count;
	struct held **heap; /* the one that was published first at its top */
	size_t heap_count, heap_room, held_bytes;
	struct held *given; /* by the last call */
	uint64_t order;
	int64_t newest_ns, last_ns; /* recorded; published, of the last one given */
	bool ended;
	struct recording_faults faults;
};

/* ---- opening ---- */

static int no_recording(struct cdm_diag *diag, int rc, const char *why) {
	struct cdm_message *m = cdm_diag_add(diag, CDM_ERROR, "F0201", "it is no recording of a machine: %s", why);
	if (m)
		snprintf(m->hint, sizeof(m->hint), "`cadmus record --output FILE` makes one");
	return rc;
}

static struct mcap_metadata *find_metadata(struct mcap_reader *f, const char *name) {
	for (uint32_t i = 0; i < mcap_read_info(f)->metadata; i++) {
		struct mcap_metadata *m;
		if (mcap_read_metadata(f, i, &m) < 0)
			continue;
		if (strcmp(m->name, name) == 0)
			return m;
		free(m);
	}
	return NULL;
}

static int take_machine(struct recording *r, struct cdm_diag *diag) {
	struct mcap_metadata *m = find_metadata(r->file, MACHINE);
	const char *offset = m ? mcap_read_pair(m->pairs, m->pair_count, "calendar_minus_monotonic_ns") : NULL;
	long long ns = 0;
	char rest;
	bool known = offset && sscanf(offset, "%lld%c", &ns, &rest) == 1 && ns >= 0;
	free(m);
	if (strcmp(mcap_read_info(r->file)->profile, PROFILE) != 0 || !known)
		return no_recording(diag, -EPROTO, "nothing in it says of which machine");
	r->offset_ns = ns;
	r->result = find_metadata(r->file, RESULT);
	return 0;
}

static int copy_plan(struct recording *r, const struct mcap_attachment *a, struct cdm_diag *diag) {
	if (a->bytes > PLAN_BYTES_MAX)
		return no_recording(diag, -EPROTO, "the plan in it is too large");
	r->plan = malloc(a->bytes + 1);
	if (!r->plan)
		return -ENOMEM;
	memcpy(r->plan, a->data, a->bytes);
	return plan_verify(r->plan, a->bytes, diag);
}

static int take_plan(struct recording *r, struct cdm_diag *diag) {
	for (uint32_t i = 0; i < mcap_read_info(r->file)->attachments; i++) {
		struct mcap_attachment *a;
		if (mcap_read_attachment(r->file, i, &a) < 0)
			continue;
		bool found = strcmp(a->name, PLAN) == 0;
		int rc = found ? copy_plan(r, a, diag) : 0;
		free(a);
		if (found)
			return rc;
	}
	return no_recording(diag, -ENOENT, "there is no plan in it");
}

static const char *pair(const struct mcap_channel *c, const char *key) {
	const char *s = mcap_read_pair(c->pairs, c->pair_count, key);
	return s ? s : "";
}

static int take_fields(struct recording *r) {
	uint32_t channels = mcap_read_info(r->file)->channels;
	r->fields = calloc(channels + 1u, sizeof(*r->fields));
	if (!r->fields)
		return -ENOMEM;
	for (uint32_t i = 0; i < channels; i++) {
		struct recording_field *f = &r->fields[r->count];
		const struct mcap_channel *c = mcap_read_channel_at(r->file, i, &f->messages);
		const struct mcap_schema *s = mcap_read_schema(r->file, c->schema);
		if (strcmp(c->topic, EVENTS) == 0 || strcmp(c->encoding, "protobuf") != 0 || !s)
			continue;
		f->name = c->topic;
		f->dtype = pair(c, "dtype");
		f->shape = pair(c, "shape");
		f->writer = pair(c, "writer");
		f->channel = c->id;
		f->image = strcmp(s->name, IMAGE) == 0;
		r->count++;
	}
	mcap_read_select_all(r->file, false);
	return 0;
}

int recording_open(int fd, struct recording **out, struct cdm_diag *diag) {
	struct recording *r = calloc(1, sizeof(*r));
	*out = NULL;
	if (!r)
		return -ENOMEM;
	int rc = mcap_read_open(fd, NULL, &r->file, diag);
	if (rc == 0)
		rc = take_machine(r, diag);
	if (rc == 0)
		rc = take_plan(r, diag);
	if (rc == 0)
		rc = take_fields(r);
	if (rc < 0) {
		recording_close(&r);
		return rc;
	}
	recording_seek(r, (struct cdm_mono){ 0 });
	*out = r;
	return 0;
}

static void let_go(struct recording *r) {
	for (size_t i = 0; i < r->heap_count; i++)
		free(r->heap[i]);
	free(r->given);
	r->given = NULL;
	r->heap_count = r->held_bytes = 0;
}

void recording_close(struct recording **out) {
	struct recording *r = *out;
	*out = NULL;
	if (!r)
		return;
	let_go(r);
	free(r->heap);
	free(r->fields);
	free(r->result);
	free(r->plan);
	mcap_read_close(&r->file);
	free(r);
}

/* ---- what is in it ---- */

const struct plan *recording_plan(const struct recording *r) {
	return r->plan;
}

const struct mcap_reader *recording_file(const struct recording *r) {
	return r->file;
}

const char *recording_result(const struct recording *r) {
	const struct mcap_read_info *n = mcap_read_info(r->file);
	const char *said = r->result ? mcap_read_pair(r->result->pairs, r->result->pair_count, "result") : NULL;
	if (!said)
		return "UNFINISHED";
	return mcap_read_is_whole(n) && strcmp(said, "COMPLETE") == 0 ? "COMPLETE" : "INCOMPLETE";
}

int64_t recording_offset_ns(const struct recording *r) {
	return r->offset_ns;
}

static int64_t mono_of(const struct recording *r, uint64_t calendar_ns) {
	int64_t ns = calendar_ns > INT64_MAX ? INT64_MAX : (int64_t)calendar_ns - r->offset_ns;
	return ns > 0 ? ns : 0;
}

void recording_span(const struct recording *r, struct cdm_mono *first, struct cdm_mono *last) {
	first->ns = mono_of(r, mcap_read_info(r->file)->start_ns);
	last->ns = mono_of(r, mcap_read_info(r->file)->end_ns);
}

unsigned recording_count(const struct recording *r) {
	return r->count;
}

const struct recording_field *recording_at(const struct recording *r, unsigned i) {
	CHECK(i < r->count);
	return &r->fields[i];
}

unsigned recording_find(const struct recording *r, const char *name) {
	for (unsigned i = 0; i < r->count; i++)
		if (strcmp(r->fields[i].name, name) == 0)
			return i;
	return UINT_MAX;
}

bool recording_fits(const struct recording_field *f, const struct plan_field *p) {
	char shape[CDM_DIMS_MAX * 11 + 1] = "";
	size_t n = 0;
	for (uint32_t i = 0; i < p->dims; i++)
		n += (size_t)snprintf(shape + n, sizeof(shape) - n, "%s%u", i ? "," : "", p->shape[i]);
	return strcmp(f->dtype, cdm_dtype_name((enum cdm_dtype)p->dtype)) == 0 && strcmp(f->shape, shape) == 0;
}

const struct recording_faults *recording_faults(const struct recording *r) {
	return &r->faults;
}

/* ---- samples ---- */

void recording_select(struct recording *r, unsigned field, bool wanted) {
	CHECK(field < r->count);
	mcap_read_select(r->file, r->fields[field].channel, wanted);
}

void recording_seek(struct recording *r, struct cdm_mono from) {
	int64_t log_ns;
	let_go(r);
	r->newest_ns = r->last_ns = INT64_MIN;
	r->ended = false;
	r->faults = (struct recording_faults){ .late = 0 };
	for (unsigned i = 0; i < r->count; i++)
		r->fields[i].given = r->fields[i].missed = 0;
	if (from.ns <= 0 || __builtin_add_overflow(from.ns, r->offset_ns, &log_ns))
		log_ns = from.ns <= 0 ? 0 : INT64_MAX;
	mcap_read_seek(r->file, (uint64_t)log_ns);
}

static bool is_before(const struct held *a, const struct held *b) {
	int64_t x = a->x.sample.info.publish_time.ns, y = b->x.sample.info.publish_time.ns;
	if (x != y)
		return x < y;
	return a->x.field != b->x.field ? a->x.field < b->x.field : a->order < b->order;
}

static void swap(struct held **a, struct held **b) {
	struct held *t = *a;
	*a = *b;
	*b = t;
}

static void push(struct recording *r, struct held *h) {
	size_t i = r->heap_count++;
	r->heap[i] = h;
	r->held_bytes += h->bytes;
	for (; i > 0 && is_before(r->heap[i], r->heap[(i - 1) / 2]); i = (i - 1) / 2)
		swap(&r->heap[i], &r->heap[(i - 1) / 2]);
}

static struct held *pop(struct recording *r) {
	struct held *first = r->heap[0];
	r->heap[0] = r->heap[--r->heap_count];
	r->held_bytes -= first->bytes;
	for (size_t i = 0, least = 0;; i = least) {
		for (size_t child = 2 * i + 1; child <= 2 * i + 2; child++)
			if (child < r->heap_count && is_before(r->heap[child], r->heap[least]))
				least = child;
		if (least == i)
			return first;
		swap(&r->heap[i], &r->heap[least]);
	}
}

static unsigned field_of(const struct recording *r, uint16_t channel) {
	for (unsigned i = 0; i < r->count; i++)
		if (r->fields[i].channel == channel)
			return i;
	return UINT_MAX;
}

static struct held *hold(struct recording *r, const struct mcap_message *m, unsigned field, const struct recorded *s) {
	size_t bytes = (sizeof(struct held) + s->info.bytes + m->bytes + 63) & ~(size_t)63;
	struct held *h = aligned_alloc(64, bytes);
	if (!h)
		return NULL;
	uint8_t *message = h->payload + s->info.bytes;
	*h = (struct held){ .x = { .field = field, .sample = *s, .log_ns = m->log_ns, .message = message,
		.message_bytes = m->bytes }, .order = r->order++, .bytes = bytes };
	h->x.sample.bytes = h->payload;
	memcpy(h->payload, s->bytes, s->info.bytes);
	memcpy(message, m->data, m->bytes);
	return h;
}

/* One message of the file into the heap; at the end r->ended. */
static int read_one(struct recording *r) {
	struct mcap_message m;
	struct recorded s;
	int rc = mcap_read_next(r->file, &m);
	if (rc == -ENODATA) {
		r->ended = true;
		return 0;
	}
	if (rc == -EBADMSG || rc == -ENOTSUP || rc == -E2BIG) {
		r->faults.damaged++;
		return 0;
	}
	if (rc < 0)
		return rc;
	unsigned field = field_of(r, m.channel);
	int64_t now = mono_of(r, m.log_ns);
	r->newest_ns = now > r->newest_ns ? now : r->newest_ns;
	if (field == UINT_MAX)
		return 0;
	if (recorded_decode(m.data, m.bytes, r->fields[field].image, &s) < 0) {
		r->faults.broken++;
		return 0;
	}
	struct held **more = array_grow(r->heap, r->heap_count, &r->heap_room, sizeof(*more));
	if (more)
		r->heap = more;
	struct held *h = more ? hold(r, &m, field, &s) : NULL;
	if (h)
		push(r, h);
	return h ? 0 : -ENOMEM;
}

static bool is_first_known(const struct recording *r) {
	if (r->heap_count == 0)
		return r->ended;
	return r->ended || r->held_bytes > RECORDING_HELD_MAX ||
			r->newest_ns - RECORDING_LAG_NS >= r->heap[0]->x.sample.info.publish_time.ns;
}

int recording_next(struct recording *r, struct recording_sample *out) {
	int rc = 0;
	free(r->given);
	r->given = NULL;
	while (rc == 0 && !is_first_known(r))
		rc = read_one(r);
	if (rc < 0)
		return rc;
	if (r->heap_count == 0)
		return -ENODATA;
	r->given = pop(r);
	*out = r->given->x;
	struct recording_field *f = &r->fields[out->field];
	f->given++;
	f->missed += out->sample.missed;
	if (out->sample.info.publish_time.ns < r->last_ns)
		r->faults.late++;
	else
		r->last_ns = out->sample.info.publish_time.ns;
	return 0;
}
