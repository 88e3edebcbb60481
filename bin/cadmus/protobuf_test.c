/* protobuf_test.c - bytes that others write for the same values, buffers that are too small, descriptors. */
#include "bin/cadmus/protobuf.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static void is(const struct protobuf *o, const char *bytes, size_t count) {
	CHECK(protobuf_done(o) == (int64_t)count && memcmp(o->bytes, bytes, count) == 0);
}

/* The examples of the encoding guide of Protocol Buffers, and the ends of each range. */
static void known_bytes(void) {
	uint8_t room[64];
	struct protobuf o;
	protobuf_begin(&o, room, sizeof(room));
	protobuf_varint(&o, 1, 150);
	is(&o, "\x08\x96\x01", 3);
	protobuf_begin(&o, room, sizeof(room));
	protobuf_text(&o, 2, "testing");
	is(&o, "\x12\x07testing", 9);
	protobuf_begin(&o, room, sizeof(room));
	protobuf_varint(&o, 1, UINT64_MAX);
	is(&o, "\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", 11);
	protobuf_begin(&o, room, sizeof(room));
	protobuf_varint(&o, 101, 0); /* a tag of two bytes */
	is(&o, "\xa8\x06\x00", 3);
	protobuf_begin(&o, room, sizeof(room));
	protobuf_fixed64(&o, 1, 1);
	protobuf_fixed32(&o, 2, 2);
	protobuf_float(&o, 3, 1.0f);
	is(&o, "\x09\x01\0\0\0\0\0\0\0\x15\x02\0\0\0\x1d\0\0\x80\x3f", 19);
	protobuf_begin(&o, room, sizeof(room));
	protobuf_pack_varint(&o, 3);
	protobuf_pack_varint(&o, 270);
	protobuf_pack_varint(&o, 86942);
	is(&o, "\x03\x8e\x02\x9e\xa7\x05", 6);
}

static void times(void) {
	uint8_t room[64];
	struct protobuf o;
	protobuf_begin(&o, room, sizeof(room));
	protobuf_timestamp(&o, 1, 1500000002);
	is(&o, "\x0a\x08\x08\x01\x10\x82\xca\xb5\xee\x01", 10);
	protobuf_begin(&o, room, sizeof(room));
	protobuf_timestamp(&o, 1, -1); /* nanoseconds count forward also before 1970 */
	is(&o, "\x0a\x11\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01\x10\xff\x93\xeb\xdc\x03", 19);
	protobuf_begin(&o, room, sizeof(room));
	protobuf_timestamp(&o, 1, INT64_MIN);
	CHECK(protobuf_done(&o) > 0);
}

static void too_small(void) {
	uint8_t room[8];
	for (size_t capacity = 0; capacity < sizeof(room); capacity++) {
		struct protobuf o;
		memset(room, 0x55, sizeof(room));
		protobuf_begin(&o, room, capacity);
		protobuf_text(&o, 1, "abcdef"); /* 8 bytes */
		protobuf_varint(&o, 1, 1);
		CHECK(protobuf_done(&o) == -E2BIG);
		for (size_t i = capacity; i < sizeof(room); i++)
			CHECK(room[i] == 0x55);
	}
}

/* Whether others understand it, test/scenario/mcap_test.mjs tells; here that it is whole and names what it must. */
static void descriptors(void) {
	static const char *const values[] = { "NO", "YES", NULL };
	static const struct protobuf_enum answer = { "Answer", values };
	static const struct protobuf_field fields[] = { { .name = "said", .number = 1, .type = PROTOBUF_ENUM,
			.type_name = "Answer" }, { .name = "at", .number = 2, .type = PROTOBUF_MESSAGE,
			.type_name = ".google.protobuf.Timestamp" }, { .name = NULL } };
	const struct protobuf_message m = { .package = "p", .name = "M", .tables = { fields }, .inner = &answer };
	uint8_t room[1024], small[100];
	struct protobuf o;
	protobuf_begin(&o, room, sizeof(room));
	protobuf_describe(&o, &m);
	int64_t n = protobuf_done(&o);
	CHECK(n > 100 && room[0] == 0x0a);
	CHECK(memmem(room, (size_t)n, ".p.M.Answer", 11) && memmem(room, (size_t)n, ".google.protobuf.Timestamp", 26));
	CHECK(memmem(room, (size_t)n, "p/M.proto", 9) && memmem(room, (size_t)n, "proto3", 6));
	protobuf_begin(&o, small, sizeof(small));
	protobuf_describe(&o, &m);
	CHECK(protobuf_done(&o) == -E2BIG);
}

int main(void) {
	known_bytes();
	times();
	too_small();
	descriptors();
	puts("protobuf_test: ok");
}
