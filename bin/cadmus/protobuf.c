/* protobuf.c - see protobuf.h. */
#include "bin/cadmus/protobuf.h"

#include <endian.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#define VARINT 0u /* wire types */
#define FIXED64 1u
#define BYTES 2u
#define FIXED32 5u
#define PART_BYTES 4096 /* of a descriptor's part */

void protobuf_begin(struct protobuf *o, void *buffer, size_t capacity) {
	*o = (struct protobuf){ .bytes = buffer, .capacity = capacity };
}

int64_t protobuf_done(const struct protobuf *o) {
	return o->overflow ? -E2BIG : (int64_t)o->length;
}

static void put(struct protobuf *o, const void *data, size_t bytes) {
	if (o->overflow || bytes > o->capacity - o->length) {
		o->overflow = true;
		return;
	}
	if (bytes)
		memcpy(o->bytes + o->length, data, bytes);
	o->length += bytes;
}

static void put_varint(struct protobuf *o, uint64_t v) {
	uint8_t bytes[10];
	size_t n = 0;
	for (; v >= 0x80; v >>= 7)
		bytes[n++] = (uint8_t)(v | 0x80);
	bytes[n++] = (uint8_t)v;
	put(o, bytes, n);
}

static void put_tag(struct protobuf *o, uint32_t number, uint32_t wire) {
	put_varint(o, number << 3 | wire);
}

void protobuf_varint(struct protobuf *o, uint32_t number, uint64_t v) {
	put_tag(o, number, VARINT);
	put_varint(o, v);
}

void protobuf_fixed64(struct protobuf *o, uint32_t number, uint64_t v) {
	v = htole64(v);
	put_tag(o, number, FIXED64);
	put(o, &v, sizeof(v));
}

void protobuf_fixed32(struct protobuf *o, uint32_t number, uint32_t v) {
	v = htole32(v);
	put_tag(o, number, FIXED32);
	put(o, &v, sizeof(v));
}

void protobuf_float(struct protobuf *o, uint32_t number, float v) {
	uint32_t bits;
	memcpy(&bits, &v, sizeof(bits));
	protobuf_fixed32(o, number, bits);
}

void protobuf_pack_varint(struct protobuf *o, uint64_t v) {
	put_varint(o, v);
}

void protobuf_bytes(struct protobuf *o, uint32_t number, const void *data, size_t bytes) {
	put_tag(o, number, BYTES);
	put_varint(o, bytes);
	put(o, data, bytes);
}

void protobuf_text(struct protobuf *o, uint32_t number, const char *s) {
	protobuf_bytes(o, number, s, strlen(s));
}

void protobuf_timestamp(struct protobuf *o, uint32_t number, int64_t ns) {
	uint8_t room[24];
	struct protobuf t;
	int64_t s = ns / 1000000000, rest = ns % 1000000000;
	protobuf_begin(&t, room, sizeof(room));
	protobuf_varint(&t, 1, (uint64_t)(rest < 0 ? s - 1 : s));
	protobuf_varint(&t, 2, (uint64_t)(rest < 0 ? rest + 1000000000 : rest));
	protobuf_bytes(o, number, t.bytes, t.length);
}

/* ---- descriptors ---- */

/* A part was built on its own: it becomes a field of the whole. */
static void put_part(struct protobuf *o, uint32_t number, const struct protobuf *part) {
	CHECK(!part->overflow);
	protobuf_bytes(o, number, part->bytes, part->length);
}

/* FieldDescriptorProto.  Of proto3, repeated numbers are packed unless they say otherwise. */
static void put_field(struct protobuf *o, const struct protobuf_message *m, const struct protobuf_field *f) {
	uint8_t room[256];
	char inner[128];
	struct protobuf d;
	snprintf(inner, sizeof(inner), ".%s.%s.%s", m->package, m->name, f->type_name ? f->type_name : "");
	protobuf_begin(&d, room, sizeof(room));
	protobuf_text(&d, 1, f->name);
	protobuf_varint(&d, 3, f->number);
	protobuf_varint(&d, 4, f->repeated ? 3 : 1);
	protobuf_varint(&d, 5, f->type);
	if (f->type_name)
		protobuf_text(&d, 6, f->type_name[0] == '.' ? f->type_name : inner);
	put_part(o, 2, &d);
}

/* EnumDescriptorProto. */
static void put_enum(struct protobuf *o, uint32_t number, const struct protobuf_enum *e) {
	uint8_t room[512], value_room[128];
	struct protobuf d, v;
	protobuf_begin(&d, room, sizeof(room));
	protobuf_text(&d, 1, e->name);
	for (uint32_t i = 0; e->values[i]; i++) {
		protobuf_begin(&v, value_room, sizeof(value_room));
		protobuf_text(&v, 1, e->values[i]);
		protobuf_varint(&v, 2, i);
		put_part(&d, 2, &v);
	}
	put_part(o, number, &d);
}

/* FileDescriptorProto of a file with one message. */
static void put_file(struct protobuf *o, const char *file, const char *imported, const struct protobuf_message *m) {
	uint8_t room[PART_BYTES], message_room[PART_BYTES];
	struct protobuf d, message;
	protobuf_begin(&message, message_room, sizeof(message_room));
	protobuf_text(&message, 1, m->name);
	for (size_t t = 0; t < COUNT_OF(m->tables) && m->tables[t]; t++)
		for (const struct protobuf_field *f = m->tables[t]; f->name; f++)
			put_field(&message, m, f);
	if (m->inner)
		put_enum(&message, 4, m->inner);
	protobuf_begin(&d, room, sizeof(room));
	protobuf_text(&d, 1, file);
	protobuf_text(&d, 2, m->package);
	if (imported)
		protobuf_text(&d, 3, imported);
	put_part(&d, 4, &message);
	protobuf_text(&d, 12, "proto3");
	put_part(o, 1, &d);
}

void protobuf_describe(struct protobuf *o, const struct protobuf_message *m) {
	static const char timestamp_file[] = "google/protobuf/timestamp.proto";
	static const struct protobuf_field time[] = { { .name = "seconds", .number = 1, .type = PROTOBUF_INT64 },
		{ .name = "nanos", .number = 2, .type = PROTOBUF_INT32 }, { .name = NULL } };
	static const struct protobuf_message timestamp = { .package = "google.protobuf", .name = "Timestamp",
		.tables = { time } };
	char file[128];
	snprintf(file, sizeof(file), "%s/%s.proto", m->package, m->name);
	put_file(o, timestamp_file, NULL, &timestamp);
	put_file(o, file, timestamp_file, m);
}
