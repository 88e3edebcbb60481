/*
 * record_message.c - samples and events as Protocol Buffers, with the descriptors that stand in the file.
 *
 * What is known of a sample has the same field numbers in all types, above 100, so that one reader finds it everywhere
 * and the types of other people (foxglove.RawImage, foxglove.Log) keep their own.  Packed numbers of fixed size are, on
 * the wire, the very bytes of a sample: nothing is converted, and tools plot them.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include "bin/cadmus/json.h"
#include "bin/cadmus/output.h"
#include "bin/cadmus/protobuf.h"
#include "bin/cadmus/record.h"

#define SHOWN_MAX 64 /* numbers of a sample that are written a second time, for people */
#define PICTURE_MIN 8 /* rows and columns: what is smaller is a matrix */

/* What is known of a sample, in every type. */
enum known {
	KNOWN_VERSION = 101,
	KNOWN_EPOCH,
	KNOWN_SOURCE_NS,
	KNOWN_PUBLISH_NS,
	KNOWN_TRUST,
	KNOWN_STATUS,
	KNOWN_SOURCE,
	KNOWN_SOURCE_INDEX,
	KNOWN_MISSED,
};

#define VALUES 1u /* of our own types */
#define DATA 2u

static const char *const statuses[] = { "OK", "STALE", "DEGRADED", "ORPHAN", NULL };
static const struct protobuf_enum status_enum = { "Status", statuses };

/* The enum stands in each type, so its full name is the type's. */
static const struct protobuf_field known_fields[] = {
	{ .name = "version", .number = KNOWN_VERSION, .type = PROTOBUF_UINT64 },
	{ .name = "epoch", .number = KNOWN_EPOCH, .type = PROTOBUF_UINT32 },
	{ .name = "source_ns", .number = KNOWN_SOURCE_NS, .type = PROTOBUF_SFIXED64 },
	{ .name = "publish_ns", .number = KNOWN_PUBLISH_NS, .type = PROTOBUF_SFIXED64 },
	{ .name = "trust", .number = KNOWN_TRUST, .type = PROTOBUF_FLOAT },
	{ .name = "status", .number = KNOWN_STATUS, .type = PROTOBUF_ENUM, .type_name = "Status" },
	{ .name = "source", .number = KNOWN_SOURCE, .type = PROTOBUF_STRING },
	{ .name = "source_index", .number = KNOWN_SOURCE_INDEX, .type = PROTOBUF_UINT32 },
	{ .name = "missed", .number = KNOWN_MISSED, .type = PROTOBUF_UINT64 },
	{ .name = NULL },
};

/* How elements are written: as they stand, packed; or as bytes, and few of them besides as numbers (BYTES: never). */
static const struct {
	enum protobuf_type type;
	bool as_they_stand;
} elements[CDM_DTYPE_COUNT] = {
	[CDM_U8] = { PROTOBUF_UINT32, false }, [CDM_I8] = { PROTOBUF_SINT32, false },
	[CDM_U16] = { PROTOBUF_UINT32, false }, [CDM_I16] = { PROTOBUF_SINT32, false },
	[CDM_U32] = { PROTOBUF_FIXED32, true }, [CDM_I32] = { PROTOBUF_SFIXED32, true },
	[CDM_U64] = { PROTOBUF_FIXED64, true }, [CDM_I64] = { PROTOBUF_SFIXED64, true },
	[CDM_F16] = { PROTOBUF_BYTES, false }, [CDM_BF16] = { PROTOBUF_BYTES, false },
	[CDM_F32] = { PROTOBUF_FLOAT, true }, [CDM_F64] = { PROTOBUF_DOUBLE, true },
	[CDM_BOOL] = { PROTOBUF_UINT32, false }, [CDM_BYTES] = { PROTOBUF_BYTES, false },
};

/* ---- types ---- */

/* u8[h,w], u8[h,w,1], [h,w,3], [h,w,4]: what Foxglove calls its pixels; NULL: no picture. */
static const char *pixels(const struct cdm_field *f) {
	if (f->dtype != CDM_U8 || f->dims < 2 || f->dims > 3 || f->shape[0] < PICTURE_MIN || f->shape[1] < PICTURE_MIN)
		return NULL;
	if (f->dims == 2 || f->shape[2] == 1)
		return "mono8";
	return f->shape[2] == 3 ? "rgb8" : f->shape[2] == 4 ? "rgba8" : NULL;
}

static void describe(const struct protobuf_message *m, struct record_type *out) {
	struct protobuf o;
	protobuf_begin(&o, out->descriptor, sizeof(out->descriptor));
	protobuf_describe(&o, m);
	int64_t n = protobuf_done(&o);
	CHECK(n > 0);
	out->descriptor_bytes = (uint32_t)n;
	snprintf(out->name, sizeof(out->name), "%s.%s", m->package, m->name);
}

static void describe_image(struct record_type *out) {
	static const struct protobuf_field image[] = {
		{ .name = "timestamp", .number = 1, .type = PROTOBUF_MESSAGE,
				.type_name = ".google.protobuf.Timestamp" },
		{ .name = "width", .number = 2, .type = PROTOBUF_FIXED32 },
		{ .name = "height", .number = 3, .type = PROTOBUF_FIXED32 },
		{ .name = "encoding", .number = 4, .type = PROTOBUF_STRING },
		{ .name = "step", .number = 5, .type = PROTOBUF_FIXED32 },
		{ .name = "data", .number = 6, .type = PROTOBUF_BYTES },
		{ .name = "frame_id", .number = 7, .type = PROTOBUF_STRING },
		{ .name = NULL },
	};
	const struct protobuf_message m = { .package = "foxglove", .name = "RawImage", .tables = { image,
			known_fields },
		.inner = &status_enum };
	out->form = RECORD_IMAGE;
	describe(&m, out);
}

void record_type_of(const struct cdm_field *f, struct record_type *out) {
	if (pixels(f)) {
		describe_image(out);
		return;
	}
	CHECK(f->dtype < CDM_DTYPE_COUNT);
	const struct protobuf_field payload[] = {
		{ .name = "values", .number = VALUES, .type = elements[f->dtype].type, .repeated = true },
		{ .name = "data", .number = DATA, .type = PROTOBUF_BYTES },
		{ .name = NULL },
	};
	char name[32], text[8];
	snprintf(text, sizeof(text), "%s", cdm_dtype_name((enum cdm_dtype)f->dtype));
	for (char *p = text; *p; p++)
		*p = *p >= 'a' && *p <= 'z' ? (char)(*p - 'a' + 'A') : *p;
	snprintf(name, sizeof(name), "Sample%s", text);
	const struct protobuf_message m = { .package = "cadmus", .name = name,
		.tables = { elements[f->dtype].type == PROTOBUF_BYTES ? payload + 1 : payload, known_fields },
		.inner = &status_enum };
	out->form = elements[f->dtype].as_they_stand ? RECORD_VALUES : RECORD_DATA;
	describe(&m, out);
}

void record_type_of_events(struct record_type *out) {
	static const char *const levels[] = { "UNKNOWN", "DEBUG", "INFO", "WARNING", "ERROR", "FATAL", NULL };
	static const struct protobuf_enum level = { "Level", levels };
	static const struct protobuf_field log[] = {
		{ .name = "timestamp", .number = 1, .type = PROTOBUF_MESSAGE,
				.type_name = ".google.protobuf.Timestamp" },
		{ .name = "level", .number = 2, .type = PROTOBUF_ENUM, .type_name = "Level" },
		{ .name = "message", .number = 3, .type = PROTOBUF_STRING },
		{ .name = "name", .number = 4, .type = PROTOBUF_STRING },
		{ .name = "file", .number = 5, .type = PROTOBUF_STRING },
		{ .name = "line", .number = 6, .type = PROTOBUF_UINT32 },
		{ .name = NULL },
	};
	static const struct protobuf_field event[] = {
		{ .name = "number", .number = 101, .type = PROTOBUF_UINT64 },
		{ .name = "epoch", .number = 102, .type = PROTOBUF_UINT32 },
		{ .name = "time_ns", .number = 103, .type = PROTOBUF_SFIXED64 },
		{ .name = "kind", .number = 104, .type = PROTOBUF_STRING },
		{ .name = "process", .number = 105, .type = PROTOBUF_STRING },
		{ .name = "source", .number = 106, .type = PROTOBUF_STRING },
		{ .name = "a", .number = 107, .type = PROTOBUF_UINT64 },
		{ .name = "b", .number = 108, .type = PROTOBUF_UINT64 },
		{ .name = "text", .number = 109, .type = PROTOBUF_BYTES },
		{ .name = "missed", .number = 110, .type = PROTOBUF_UINT32 },
		{ .name = NULL },
	};
	static const struct protobuf_message m = { .package = "foxglove", .name = "Log", .tables = { log, event },
		.inner = &level };
	describe(&m, out);
}

/* ---- samples ---- */

static void put_known(struct protobuf *o, const struct cdm_info *info, const char *source, uint64_t missed) {
	protobuf_varint(o, KNOWN_VERSION, info->version);
	protobuf_varint(o, KNOWN_EPOCH, info->epoch);
	protobuf_fixed64(o, KNOWN_SOURCE_NS, (uint64_t)info->source_time.ns);
	protobuf_fixed64(o, KNOWN_PUBLISH_NS, (uint64_t)info->publish_time.ns);
	protobuf_float(o, KNOWN_TRUST, info->trust);
	protobuf_varint(o, KNOWN_STATUS, info->status);
	protobuf_text(o, KNOWN_SOURCE, source);
	protobuf_varint(o, KNOWN_SOURCE_INDEX, info->source);
	if (missed)
		protobuf_varint(o, KNOWN_MISSED, missed);
}

static void put_image(struct protobuf *o, const struct cdm_field *f, const struct cdm_info *info, int64_t offset_ns,
		const void *payload) {
	uint32_t depth = f->dims == 3 ? f->shape[2] : 1;
	protobuf_timestamp(o, 1, info->source_time.ns + offset_ns);
	protobuf_fixed32(o, 2, f->shape[1]);
	protobuf_fixed32(o, 3, f->shape[0]);
	protobuf_text(o, 4, pixels(f));
	protobuf_fixed32(o, 5, f->shape[1] * depth);
	protobuf_bytes(o, 6, payload, info->bytes);
	protobuf_text(o, 7, f->entity);
}

/* The numbers of a small sample whose elements have no fixed size in Protocol Buffers. */
static void put_numbers(struct protobuf *o, const struct cdm_field *f, const void *payload, size_t count) {
	uint8_t room[SHOWN_MAX * 5];
	struct protobuf packed;
	protobuf_begin(&packed, room, sizeof(room));
	for (size_t i = 0; i < count; i++) {
		double v = json_element((enum cdm_dtype)f->dtype, payload, i);
		if (elements[f->dtype].type == PROTOBUF_SINT32)
			protobuf_pack_varint(&packed, v < 0 ? (uint64_t)(-2 * v) - 1 : (uint64_t)(2 * v)); /* zigzag */
		else
			protobuf_pack_varint(&packed, (uint64_t)v);
	}
	CHECK(!packed.overflow);
	protobuf_bytes(o, VALUES, packed.bytes, packed.length);
}

size_t record_sample(const struct cdm_field *f, enum record_form form, const struct cdm_info *info, const char *source,
		uint64_t missed, int64_t offset_ns, const void *payload, void *out, size_t capacity) {
	size_t element = cdm_dtype_size((enum cdm_dtype)f->dtype), count = info->bytes / element;
	struct protobuf o;
	protobuf_begin(&o, out, capacity);
	put_known(&o, info, source, missed);
	if (form == RECORD_IMAGE)
		put_image(&o, f, info, offset_ns, payload);
	else if (form == RECORD_VALUES && info->bytes % element == 0)
		protobuf_bytes(&o, VALUES, payload, info->bytes);
	else {
		bool shown = form == RECORD_DATA && elements[f->dtype].type != PROTOBUF_BYTES;
		if (shown && count <= SHOWN_MAX && info->bytes % element == 0)
			put_numbers(&o, f, payload, count);
		protobuf_bytes(&o, DATA, payload, info->bytes);
	}
	int64_t n = protobuf_done(&o);
	CHECK(n > 0);
	return (size_t)n;
}

/* ---- events ---- */

size_t record_event(const struct cdm_event *e, const char *process, const char *source, const char *sentence,
		uint32_t missed, int64_t offset_ns, void *out, size_t capacity) {
	char text[CDM_EVENT_TEXT], message[512];
	struct protobuf o;
	memcpy(text, e->text, sizeof(text));
	text[sizeof(text) - 1] = 0;
	size_t own = strlen(text);
	snprintf(message, sizeof(message), "%s: %s%s%s", cdm_event_kind_name(e->kind), sentence, own ? ": " : "",
			output_clean(text, false));
	protobuf_begin(&o, out, capacity);
	protobuf_timestamp(&o, 1, e->time.ns + offset_ns);
	protobuf_varint(&o, 2, 2); /* INFO */
	protobuf_text(&o, 3, message);
	protobuf_text(&o, 4, process);
	protobuf_varint(&o, 101, e->number);
	protobuf_varint(&o, 102, e->epoch);
	protobuf_fixed64(&o, 103, (uint64_t)e->time.ns);
	protobuf_text(&o, 104, cdm_event_kind_name(e->kind));
	protobuf_text(&o, 105, process);
	if (source)
		protobuf_text(&o, 106, source);
	protobuf_varint(&o, 107, e->a);
	protobuf_varint(&o, 108, e->b);
	protobuf_bytes(&o, 109, e->text, own);
	if (missed)
		protobuf_varint(&o, 110, missed);
	int64_t n = protobuf_done(&o);
	CHECK(n > 0);
	return (size_t)n;
}
