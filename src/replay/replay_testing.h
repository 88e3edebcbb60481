/* replay_testing.h - for the tests: recordings made by hand, as spec/recording.md says they are. */
#ifndef REPLAY_REPLAY_TESTING_H
#define REPLAY_REPLAY_TESTING_H

#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include "mcap/mcap_write.h"
#include "schema/plan.h"

#define TESTING_OFFSET_NS INT64_C(1700000000000000000) /* calendar - monotonic */

struct testing_recording {
	int fd;
	struct mcap_writer *w;
	uint16_t channel[64]; /* by field of the plan; 0: it is not recorded */
};

struct testing_bytes {
	uint8_t at[16384];
	size_t n;
};

static inline void testing_varint(struct testing_bytes *o, uint64_t v) {
	for (; v >= 0x80; v >>= 7)
		o->at[o->n++] = (uint8_t)(v | 0x80);
	o->at[o->n++] = (uint8_t)v;
}

static inline void testing_number(struct testing_bytes *o, uint32_t number, uint64_t v) {
	testing_varint(o, (uint64_t)number << 3);
	testing_varint(o, v);
}

static inline void testing_fixed(struct testing_bytes *o, uint32_t number, const void *v, unsigned bytes) {
	testing_varint(o, (uint64_t)number << 3 | (bytes == 8 ? 1 : 5));
	memcpy(o->at + o->n, v, bytes);
	o->n += bytes;
}

static inline void testing_data(struct testing_bytes *o, uint32_t number, const void *v, size_t bytes) {
	testing_varint(o, (uint64_t)number << 3 | 2);
	testing_varint(o, bytes);
	CHECK(o->n + bytes <= sizeof(o->at));
	memcpy(o->at + o->n, v, bytes);
	o->n += bytes;
}

/* `payload`: 1 values, 2 data, 6 a picture. */
static inline void testing_message(struct testing_bytes *o, const struct cdm_info *i, uint32_t missed, uint32_t payload,
		const void *bytes) {
	o->n = 0;
	testing_number(o, 101, i->version);
	testing_number(o, 102, i->epoch);
	testing_fixed(o, 103, &i->source_time.ns, 8);
	testing_fixed(o, 104, &i->publish_time.ns, 8);
	testing_fixed(o, 105, &i->trust, 4);
	testing_number(o, 106, i->status);
	testing_data(o, 107, "somebody", 8);
	testing_number(o, 108, i->source);
	if (missed)
		testing_number(o, 109, missed);
	testing_data(o, payload, bytes, i->bytes);
}

static inline void testing_channel(struct testing_recording *r, const struct plan_field *f, unsigned index) {
	char shape[96] = "";
	size_t n = 0;
	for (unsigned i = 0; i < f->dims; i++)
		n += (size_t)snprintf(shape + n, sizeof(shape) - n, "%s%u", i ? "," : "", f->shape[i]);
	const struct mcap_pair pairs[] = { { "dtype", cdm_dtype_name((enum cdm_dtype)f->dtype) }, { "shape", shape } };
	const struct mcap_channel c = { .schema = 1, .topic = f->name, .encoding = "protobuf", .pairs = pairs,
		.pair_count = 2 };
	int rc = mcap_write_channel(r->w, &c);
	CHECK(rc > 0 && index < 64);
	r->channel[index] = (uint16_t)rc;
}

/* Of the fields whose bit is set.  plan NULL: without one. */
static inline void testing_begin(struct testing_recording *r, const struct plan *plan, const struct plan *attached,
		uint64_t fields) {
	const struct mcap_write_options o = { .profile = "cadmus" };
	char offset[24];
	memset(r, 0, sizeof(*r));
	r->fd = memfd_create("recording", MFD_CLOEXEC);
	CHECK(r->fd >= 0 && mcap_write_open(r->fd, &o, &r->w) == 0);
	snprintf(offset, sizeof(offset), "%lld", (long long)TESTING_OFFSET_NS);
	const struct mcap_pair machine[] = { { "machine", "robot" }, { "calendar_minus_monotonic_ns", offset } };
	const struct mcap_metadata m = { .name = "cadmus.machine", .pairs = machine, .pair_count = 2 };
	CHECK(mcap_write_metadata(r->w, &m) == 0);
	const struct mcap_attachment a = { .name = "plan", .media_type = "", .data = attached,
		.bytes = attached ? attached->bytes : 0 };
	CHECK(!attached || mcap_write_attachment(r->w, &a) == 0);
	const struct mcap_schema s = { .name = "cadmus.SampleF32", .encoding = "protobuf" };
	CHECK(mcap_write_schema(r->w, &s) == 1);
	for (unsigned i = 0; i < plan->fields.count; i++)
		if (fields >> i & 1)
			testing_channel(r, &plan_fields(plan)[i], i);
}

/* `taken_ns`: when its recorder took it, on the machine's clock. */
static inline void testing_sample(struct testing_recording *r, unsigned field, const struct cdm_info *i,
		uint32_t missed, const void *bytes, int64_t taken_ns) {
	static struct testing_bytes o;
	testing_message(&o, i, missed, 1, bytes);
	const struct mcap_message m = { .channel = r->channel[field],
		.log_ns = (uint64_t)(taken_ns + TESTING_OFFSET_NS),
		.data = o.at, .bytes = o.n };
	CHECK(r->channel[field] && mcap_write_message(r->w, &m) == 0);
}

static inline void testing_end(struct testing_recording *r, const char *result) {
	const struct mcap_pair pairs[] = { { "result", result } };
	const struct mcap_metadata m = { .name = "cadmus.result", .pairs = pairs, .pair_count = 1 };
	CHECK(mcap_write_metadata(r->w, &m) == 0 && mcap_write_end(&r->w) == 0);
}

#endif
