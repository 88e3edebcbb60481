/* mcap_write_test.c - what stands in a file, chunks of every size, files that end early, disks that are full. */
#include "mcap/mcap_write.h"

#include <signal.h>
#include <sys/resource.h>
#include "mcap/mcap_testing.h"

/* Records of a file, from its begin to its end: how many there are of each sort. */
static void tally(const uint8_t *p, size_t bytes, unsigned counts[16]) {
	memset(counts, 0, 16 * sizeof(counts[0]));
	CHECK(bytes >= 16 && memcmp(p, MCAP_MAGIC, 8) == 0);
	for (size_t at = 8; at + 8 < bytes || memcmp(p + at, MCAP_MAGIC, 8) != 0;) {
		uint64_t length;
		CHECK(at + MCAP_HEAD_BYTES <= bytes && p[at] < 16);
		memcpy(&length, p + at + 1, sizeof(length));
		CHECK(length <= bytes - at - MCAP_HEAD_BYTES);
		counts[p[at]]++;
		at += MCAP_HEAD_BYTES + length;
	}
}

static void nothing(void) {
	struct mcap_writer *w;
	size_t bytes;
	unsigned counts[16];
	int fd = testing_file();
	CHECK(mcap_write_open(fd, NULL, &w) == 0 && mcap_write_flush(w) == 0 && mcap_write_end(&w) == 0);
	CHECK(mcap_write_end(&w) == 0); /* of NULL */
	uint8_t *p = testing_content(fd, &bytes);
	tally(p, bytes, counts);
	CHECK(counts[MCAP_HEADER] == 1 && counts[MCAP_DATA_END] == 1 && counts[MCAP_STATISTICS] == 1);
	CHECK(counts[MCAP_CHUNK] == 0 && counts[MCAP_SUMMARY_OFFSET] == 1 && counts[MCAP_FOOTER] == 1);
	free(p);
	close(fd);
}

static void records(void) {
	const struct mcap_write_options o = { .chunk_bytes = 1000, .plain = true, .library = "test" };
	size_t bytes;
	unsigned counts[16];
	int fd = testing_write(&o, 100);
	uint8_t *p = testing_content(fd, &bytes);
	tally(p, bytes, counts);
	CHECK(counts[MCAP_CHUNK] > 10 && counts[MCAP_CHUNK_INDEX] == counts[MCAP_CHUNK]);
	CHECK(counts[MCAP_MESSAGE] == 0 && counts[MCAP_MESSAGE_INDEX] > counts[MCAP_CHUNK]);
	CHECK(counts[MCAP_SCHEMA] == 4 && counts[MCAP_CHANNEL] == 6); /* again in the summary */
	CHECK(counts[MCAP_ATTACHMENT] == 1 && counts[MCAP_ATTACHMENT_INDEX] == 1);
	CHECK(counts[MCAP_METADATA] == 1 && counts[MCAP_METADATA_INDEX] == 1 && counts[MCAP_SUMMARY_OFFSET] == 6);
	free(p);
	close(fd);
}

/* A message that is larger than a chunk has its own, and a chunk is no larger than it may be. */
static void large_messages(void) {
	static uint8_t room[5000];
	const struct mcap_write_options o = { .chunk_bytes = 1000, .plain = true };
	struct mcap_message m = { .channel = 1, .data = room, .bytes = sizeof(room) };
	struct mcap_writer *w;
	size_t bytes;
	unsigned counts[16];
	int fd = testing_file();
	CHECK(mcap_write_open(fd, &o, &w) == 0);
	testing_channels(w);
	CHECK(mcap_write_message(w, &m) == 0 && mcap_write_message(w, &m) == 0);
	CHECK(mcap_write_count(w, 1) == 1); /* the second one gathers */
	m.bytes = 1000 - 31;
	CHECK(mcap_write_message(w, &m) == 0 && mcap_write_flush(w) == 0 && mcap_write_count(w, 1) == 3);
	m.bytes = MCAP_WRITE_MESSAGE_MAX + 1;
	CHECK(mcap_write_message(w, &m) == -E2BIG);
	uint64_t before = mcap_write_bytes(w);
	CHECK(mcap_write_flush(w) == 0 && mcap_write_bytes(w) == before && mcap_write_end(&w) == 0);
	uint8_t *p = testing_content(fd, &bytes);
	tally(p, bytes, counts);
	CHECK(counts[MCAP_CHUNK] == 3);
	free(p);
	close(fd);
}

/* A disk with room for `limit` bytes: what is in the file can be read, and count() says how many those are. */
static void full_disk(rlim_t limit) {
	const struct mcap_write_options o = { .chunk_bytes = 2000, .plain = true };
	static uint8_t room[300];
	struct mcap_writer *w;
	struct mcap_reader *r;
	struct rlimit small = { limit, RLIM_INFINITY }, none = { RLIM_INFINITY, RLIM_INFINITY };
	int fd = testing_file(), rc;
	CHECK(mcap_write_open(fd, &o, &w) == 0);
	testing_channels(w);
	CHECK(setrlimit(RLIMIT_FSIZE, &small) == 0);
	unsigned i = 0;
	do {
		struct mcap_message m = testing_message(i++, room, sizeof(room));
		rc = mcap_write_message(w, &m);
	} while (rc == 0);
	CHECK(rc == -EFBIG && mcap_write_bytes(w) <= limit);
	uint64_t written = mcap_write_count(w, 1) + mcap_write_count(w, 2) + mcap_write_count(w, 3);
	CHECK(written > 0);
	rc = mcap_write_end(&w);
	CHECK(setrlimit(RLIMIT_FSIZE, &none) == 0);
	CHECK(mcap_read_open(fd, NULL, &r, NULL) == 0);
	CHECK(mcap_read_info(r)->messages == written && mcap_read_info(r)->cut == (rc < 0));
	mcap_read_close(&r);
	close(fd);
}

/* When there is room again, the same call succeeds. */
static void room_again(void) {
	const struct mcap_pair pair = { "key", "value" };
	const struct mcap_metadata meta = { .name = "m", .pairs = &pair, .pair_count = 1 };
	const struct mcap_schema s = { .name = "s", .encoding = "" };
	struct rlimit small = { 40, RLIM_INFINITY }, none = { RLIM_INFINITY, RLIM_INFINITY };
	struct mcap_writer *w;
	struct mcap_reader *r;
	int fd = testing_file();
	CHECK(mcap_write_open(fd, NULL, &w) == 0);
	CHECK(setrlimit(RLIMIT_FSIZE, &small) == 0);
	CHECK(mcap_write_metadata(w, &meta) == -EFBIG && mcap_write_schema(w, &s) == -EFBIG);
	CHECK(setrlimit(RLIMIT_FSIZE, &none) == 0);
	CHECK(mcap_write_metadata(w, &meta) == 0 && mcap_write_schema(w, &s) == 1 && mcap_write_end(&w) == 0);
	CHECK(mcap_read_open(fd, NULL, &r, NULL) == 0);
	CHECK(mcap_read_info(r)->metadata == 1 && mcap_read_info(r)->schemas == 1 && !mcap_read_info(r)->cut);
	mcap_read_close(&r);
	close(fd);
}

/* What cannot be cut cannot be written on. */
static void broken_pipe(void) {
	struct mcap_writer *w;
	int fds[2];
	const struct mcap_schema s = { .name = "s", .encoding = "" };
	CHECK(pipe(fds) == 0 && mcap_write_open(fds[1], NULL, &w) == 0);
	close(fds[0]);
	CHECK(mcap_write_schema(w, &s) == -EPIPE && mcap_write_schema(w, &s) == -EIO && mcap_write_end(&w) == -EIO);
	CHECK(mcap_write_open(fds[1], NULL, &w) == -EPIPE && !w);
	close(fds[1]);
}

int main(void) {
	signal(SIGXFSZ, SIG_IGN);
	signal(SIGPIPE, SIG_IGN);
	nothing();
	records();
	large_messages();
	for (rlim_t limit = 3000; limit < 9000; limit += 97)
		full_disk(limit);
	room_again();
	broken_pipe();
	puts("mcap_write_test: ok");
}
