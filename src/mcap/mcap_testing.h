/* mcap_testing.h - for the tests: files in memory, and messages that a seed decides. */
#ifndef MCAP_MCAP_TESTING_H
#define MCAP_MCAP_TESTING_H

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include "mcap/mcap_read.h"
#include "mcap/mcap_write.h"

static inline int testing_file(void) {
	int fd = memfd_create("mcap", MFD_CLOEXEC);
	CHECK(fd >= 0);
	return fd;
}

static inline int testing_file_of(const void *data, size_t bytes) {
	int fd = testing_file();
	CHECK(write(fd, data, bytes) == (ssize_t)bytes);
	return fd;
}

/* All of it; the caller's. */
static inline uint8_t *testing_content(int fd, size_t *bytes) {
	struct stat st;
	CHECK(fstat(fd, &st) == 0);
	*bytes = (size_t)st.st_size;
	uint8_t *p = malloc(*bytes + 1);
	CHECK(p && pread(fd, p, *bytes, 0) == (ssize_t)*bytes);
	return p;
}

#define TESTING_CHANNELS 3

/* Message i of a row: channel, times and bytes follow from i alone.  Log times grow, some twice the same. */
static inline struct mcap_message testing_message(unsigned i, uint8_t *room, size_t room_bytes) {
	size_t bytes = (i * 7919u) % room_bytes;
	for (size_t k = 0; k < bytes; k++)
		room[k] = (uint8_t)(i + k * (i % 5));
	return (struct mcap_message){ .channel = (uint16_t)(1 + i % TESTING_CHANNELS), .sequence = i,
			.log_ns = 1000 + i / 2,
		.publish_ns = i, .data = room, .bytes = bytes };
}

/* Two schemas and three channels, the last without a schema. */
static inline void testing_channels(struct mcap_writer *w) {
	const struct mcap_pair pairs[] = { { "unit", "m" }, { "", "empty key" }, { "leer", "" } };
	const struct mcap_schema a = { .name = "a", .encoding = "jsonschema", .data = "{}", .bytes = 2 };
	const struct mcap_schema b = { .name = "b", .encoding = "" };
	CHECK(mcap_write_schema(w, &a) == 1 && mcap_write_schema(w, &b) == 2);
	struct mcap_channel c = { .schema = 1, .topic = "one", .encoding = "json", .pairs = pairs, .pair_count = 3 };
	CHECK(mcap_write_channel(w, &c) == 1);
	c = (struct mcap_channel){ .schema = 2, .topic = "two", .encoding = "" };
	CHECK(mcap_write_channel(w, &c) == 2);
	c = (struct mcap_channel){ .schema = 0, .topic = "three", .encoding = "cbor" };
	CHECK(mcap_write_channel(w, &c) == 3);
}

/* A whole file: channels, `count` messages, one attachment and one metadata record among them. */
static inline int testing_write(const struct mcap_write_options *o, unsigned count) {
	static uint8_t room[300];
	const struct mcap_pair pairs[] = { { "state", "COMPLETE" }, { "n", "3" } };
	const struct mcap_metadata meta = { .name = "recording", .pairs = pairs, .pair_count = 2 };
	const struct mcap_attachment plan = { .name = "plan", .media_type = "application/octet-stream", .log_ns = 5,
		.data = "PLAN", .bytes = 4 };
	struct mcap_writer *w;
	int fd = testing_file();
	CHECK(mcap_write_open(fd, o, &w) == 0);
	testing_channels(w);
	for (unsigned i = 0; i < count; i++) {
		struct mcap_message m = testing_message(i, room, sizeof(room));
		CHECK(mcap_write_message(w, &m) == 0);
		if (i == count / 2)
			CHECK(mcap_write_attachment(w, &plan) == 0 && mcap_write_metadata(w, &meta) == 0);
	}
	CHECK(mcap_write_end(&w) == 0 && !w);
	return fd;
}

#endif
