/*
 * protobuf.h - Protocol Buffers in a fixed buffer, and the descriptors that make them readable for others.
 *
 * What does not fit is remembered and reported once, by protobuf_done().  One thread.
 */
#ifndef CADMUS_PROTOBUF_H
#define CADMUS_PROTOBUF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "base/check.h"

struct protobuf {
	uint8_t *bytes;
	size_t length, capacity;
	bool overflow;
};

void protobuf_begin(struct protobuf *o, void *buffer, size_t capacity);
/* Bytes written, or -E2BIG when they did not fit. */
MUST_CHECK int64_t protobuf_done(const struct protobuf *o);

void protobuf_varint(struct protobuf *o, uint32_t number, uint64_t v);
void protobuf_fixed64(struct protobuf *o, uint32_t number, uint64_t v);
void protobuf_fixed32(struct protobuf *o, uint32_t number, uint32_t v);
void protobuf_float(struct protobuf *o, uint32_t number, float v);
/* A text, bytes, a message that is already encoded, or packed numbers. */
void protobuf_bytes(struct protobuf *o, uint32_t number, const void *data, size_t bytes);
/* One of packed numbers, which protobuf_bytes() takes when all are there. */
void protobuf_pack_varint(struct protobuf *o, uint64_t v);
void protobuf_text(struct protobuf *o, uint32_t number, const char *s);
/* google.protobuf.Timestamp. */
void protobuf_timestamp(struct protobuf *o, uint32_t number, int64_t ns);

/* ---- descriptors ---- */

/* Numbers as descriptor.proto has them. */
enum protobuf_type {
	PROTOBUF_DOUBLE = 1,
	PROTOBUF_FLOAT = 2,
	PROTOBUF_INT64 = 3,
	PROTOBUF_UINT64 = 4,
	PROTOBUF_INT32 = 5,
	PROTOBUF_FIXED64 = 6,
	PROTOBUF_FIXED32 = 7,
	PROTOBUF_BOOL = 8,
	PROTOBUF_STRING = 9,
	PROTOBUF_MESSAGE = 11,
	PROTOBUF_BYTES = 12,
	PROTOBUF_UINT32 = 13,
	PROTOBUF_ENUM = 14,
	PROTOBUF_SFIXED32 = 15,
	PROTOBUF_SFIXED64 = 16,
	PROTOBUF_SINT32 = 17,
};

struct protobuf_field {
	const char *name; /* NULL ends a table */
	uint32_t number;
	enum protobuf_type type;
	bool repeated;          /* packed, if they are numbers */
	const char *type_name;  /* of MESSAGE and ENUM: ".google.protobuf.Timestamp"; without a dot: the inner one */
};

struct protobuf_enum {
	const char *name;
	const char *const *values; /* 0, 1, 2 ...; NULL ends them */
};

/* One message of a file, and the enum that stands in it. */
struct protobuf_message {
	const char *package, *name;
	const struct protobuf_field *tables[3]; /* its fields: those of all tables; NULL ends them */
	const struct protobuf_enum *inner;      /* NULL: none */
};

/* A FileDescriptorSet with that message, and google.protobuf.Timestamp, which it may use. */
void protobuf_describe(struct protobuf *o, const struct protobuf_message *m);

#endif
