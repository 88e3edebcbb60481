/* mcap_read_test.c - what was written comes back; cut at every byte, with bits turned, and with lengths that lie. */
#include "mcap/mcap_read.h"

#include <zstd.h>
#include "base/crc32.h"
#include "mcap/bytes_priv.h"
#include "mcap/mcap_testing.h"
#include "test/lib/pace.h"

static struct mcap_reader *opened(int fd, bool scan) {
	const struct mcap_read_options o = { .scan = scan };
	struct mcap_reader *r;
	CHECK(mcap_read_open(fd, &o, &r, NULL) == 0);
	return r;
}

/* Where the summary of a whole file begins. */
static uint64_t summary_of(const uint8_t *p, size_t bytes) {
	uint64_t start;
	memcpy(&start, p + bytes - MCAP_MAGIC_BYTES - 20, sizeof(start));
	return start;
}

/* The rest are messages `from` to `count` of testing_message(), of the channels in the set. */
static void expect_row(struct mcap_reader *r, unsigned from, unsigned count, unsigned channels) {
	static uint8_t room[300];
	struct mcap_message m;
	for (unsigned i = from; i < count; i++) {
		struct mcap_message want = testing_message(i, room, sizeof(room));
		if (!(channels >> want.channel & 1))
			continue;
		CHECK(mcap_read_next(r, &m) == 0);
		CHECK(m.channel == want.channel && m.sequence == i && m.log_ns == want.log_ns && m.publish_ns == i);
		CHECK(m.bytes == want.bytes && memcmp(m.data, room, m.bytes) == 0);
	}
	CHECK(mcap_read_next(r, &m) == -ENODATA && mcap_read_next(r, &m) == -ENODATA);
}

static void expect_channels(const struct mcap_reader *r) {
	uint64_t n;
	const struct mcap_channel *c = mcap_read_channel_at(r, 0, &n);
	CHECK(mcap_read_info(r)->channels == 3 && mcap_read_info(r)->schemas == 2);
	CHECK(c->id == 1 && c->schema == 1 && strcmp(c->topic, "one") == 0 && strcmp(c->encoding, "json") == 0);
	CHECK(c == mcap_read_channel(r, 1) && n == 34 && !mcap_read_channel(r, 9) && !mcap_read_schema(r, 0));
	CHECK(c->pair_count == 3 && strcmp(mcap_read_pair(c->pairs, 3, "unit"), "m") == 0);
	CHECK(strcmp(mcap_read_pair(c->pairs, 3, ""), "empty key") == 0 && !mcap_read_pair(c->pairs, 3, "x"));
	const struct mcap_schema *s = mcap_read_schema(r, 1);
	CHECK(s == mcap_read_schema_at(r, 0) && s->bytes == 2 && memcmp(s->data, "{}", 2) == 0);
}

static void expect_rest(struct mcap_reader *r) {
	struct mcap_metadata *m;
	struct mcap_attachment *a;
	CHECK(mcap_read_metadata(r, 0, &m) == 0 && strcmp(m->name, "recording") == 0 && m->pair_count == 2);
	CHECK(strcmp(mcap_read_pair(m->pairs, 2, "state"), "COMPLETE") == 0);
	CHECK(mcap_read_attachment(r, 0, &a) == 0 && strcmp(a->name, "plan") == 0 && a->log_ns == 5);
	CHECK(a->bytes == 4 && memcmp(a->data, "PLAN", 4) == 0 && strstr(a->media_type, "octet"));
	free(m);
	free(a);
}

static void round_trip(const struct mcap_write_options *o) {
	int fd = testing_write(o, 100);
	for (int scan = 0; scan < 2; scan++) {
		struct mcap_reader *r = opened(fd, scan);
		const struct mcap_read_info *n = mcap_read_info(r);
		CHECK(n->messages == 100 && n->start_ns == 1000 && n->end_ns == 1049 && n->attachments == 1 &&
				n->metadata == 1);
		CHECK(n->scanned == scan && !n->cut && !n->damaged && !n->bad_sum);
		CHECK(n->summary == MCAP_SUMMARY_GOOD && mcap_read_is_whole(n));
		expect_channels(r);
		expect_rest(r);
		expect_row(r, 0, 100, 0xe);
		mcap_read_seek(r, 1031);
		expect_row(r, 62, 100, 0xe);
		mcap_read_select(r, 2, false);
		mcap_read_seek(r, 0);
		expect_row(r, 0, 100, 0xa);
		mcap_read_select_all(r, false);
		mcap_read_select(r, 3, true);
		mcap_read_seek(r, 1010);
		expect_row(r, 20, 100, 0x8);
		mcap_read_seek(r, UINT64_MAX);
		expect_row(r, 0, 0, 0);
		mcap_read_close(&r);
	}
	close(fd);
}

/* However short: what stands before the cut is there, in order, and it is said that it is cut. */
static void cut_anywhere(const struct mcap_write_options *o) {
	static uint8_t room[300];
	size_t bytes;
	struct mcap_reader *r;
	struct mcap_message m;
	uint64_t most = 0;
	int whole = testing_write(o, 20);
	uint8_t *p = testing_content(whole, &bytes);
	for (size_t cut = 0; cut < bytes; cut++) {
		int fd = testing_file_of(p, cut);
		int rc = mcap_read_open(fd, NULL, &r, NULL);
		CHECK(rc == 0 || (rc == -EPROTO && cut < 100 && !r));
		unsigned i = 0;
		for (; rc == 0 && mcap_read_next(r, &m) == 0; i++) {
			struct mcap_message want = testing_message(i, room, sizeof(room));
			CHECK(m.sequence == i && m.bytes == want.bytes && memcmp(m.data, room, m.bytes) == 0);
		}
		if (rc == 0)
			CHECK(mcap_read_info(r)->cut && mcap_read_info(r)->messages == i && i >= most &&
					mcap_read_info(r)->summary == MCAP_SUMMARY_NONE);
		most = i;
		mcap_read_close(&r);
		close(fd);
	}
	CHECK(most == 20);
	free(p);
	close(whole);
}

/* One bit after the other, from the summary on: it is said, with a place in there, and all messages are given.  And of
   the record just before, which ends the data section, that it is not the summary that is wrong. */
static void turned_bits_of_the_summary(bool scan) {
	size_t bytes;
	int whole = testing_write(NULL, 12);
	uint8_t *p = testing_content(whole, &bytes);
	uint64_t start = summary_of(p, bytes);
	int fd = testing_file_of(p, bytes);
	for (size_t bit = (start - 13) * 8; bit < bytes * 8; bit += PACE(1, 3)) {
		struct mcap_reader *r;
		uint8_t turned = p[bit / 8] ^ (uint8_t)(1 << bit % 8);
		CHECK(pwrite(fd, &turned, 1, (off_t)(bit / 8)) == 1);
		const struct mcap_read_options o = { .scan = scan };
		int rc = mcap_read_open(fd, &o, &r, NULL);
		const struct mcap_read_info *n = r ? mcap_read_info(r) : NULL;
		if (bit / 8 >= bytes - MCAP_MAGIC_BYTES) {
			CHECK(rc == 0 && n->cut && n->summary == MCAP_SUMMARY_NONE);
		} else if (bit / 8 >= start) {
			CHECK(rc == 0 && n->scanned && !n->damaged && !n->bad_sum && n->summary == MCAP_SUMMARY_BAD);
			CHECK(!mcap_read_is_whole(n) && n->summary_at >= start && n->summary_at < bytes);
			expect_row(r, 0, 12, 0xe);
		} else {
			CHECK(rc == 0 && n->summary == MCAP_SUMMARY_GOOD && mcap_read_is_whole(n) == !n->scanned);
		}
		mcap_read_close(&r);
		CHECK(pwrite(fd, &p[bit / 8], 1, (off_t)(bit / 8)) == 1);
	}
	free(p);
	close(fd);
	close(whole);
}

/* A change to a whole file without sums of its summary; what is said of it by both ways of reading. */
static void unsummed(size_t back, const void *bytes, size_t count, enum mcap_summary want, uint64_t at) {
	size_t size;
	int whole = testing_write(NULL, 4);
	uint8_t *p = testing_content(whole, &size);
	memset(p + size - 12, 0, 4);
	memcpy(p + size - back, bytes, count);
	int fd = testing_file_of(p, size);
	for (int scan = 0; scan < 2; scan++) {
		struct mcap_reader *r = opened(fd, scan);
		const struct mcap_read_info *n = mcap_read_info(r);
		CHECK(n->summary == want && n->scanned == (scan || want == MCAP_SUMMARY_BAD));
		CHECK(want == MCAP_SUMMARY_GOOD || n->summary_at == at);
		expect_row(r, 0, 4, 0xe);
		mcap_read_close(&r);
	}
	free(p);
	close(fd);
	close(whole);
}

static void summaries_without_a_sum(void) {
	const uint64_t none = 0, endless = UINT64_MAX, before = MCAP_MAGIC_BYTES;
	size_t size;
	int whole = testing_write(NULL, 4);
	uint8_t *p = testing_content(whole, &size);
	uint64_t start = summary_of(p, size), footer = size - 37, first;
	memcpy(&first, p + start + 1, sizeof(first));
	unsummed(12, &none, 4, MCAP_SUMMARY_GOOD, 0);
	unsummed(28, &none, 8, MCAP_SUMMARY_BAD, start);   /* there is one, and the footer says that there is none */
	unsummed(28, &endless, 8, MCAP_SUMMARY_BAD, footer);
	unsummed(28, &before, 8, MCAP_SUMMARY_BAD, footer);
	unsummed(size - start - 1, &endless, 8, MCAP_SUMMARY_BAD, start);
	unsummed(size - start - MCAP_HEAD_BYTES - first - 1, &endless, 8, MCAP_SUMMARY_BAD,
			start + MCAP_HEAD_BYTES + first);
	unsummed(37, &none, 1, MCAP_SUMMARY_BAD, footer);   /* no footer */
	first += MCAP_HEAD_BYTES + start;                   /* it begins with its second record, and that can be read */
	struct mcap_reader *r;
	memset(p + size - 12, 0, 4);
	memcpy(p + size - 28, &first, sizeof(first));
	int fd = testing_file_of(p, size);
	r = opened(fd, true);
	CHECK(mcap_read_info(r)->summary == MCAP_SUMMARY_BAD && mcap_read_info(r)->summary_at == footer);
	mcap_read_close(&r);
	free(p);
	close(fd);
	close(whole);
}

/* What cannot be checked is not called whole. */
static void a_summary_too_large_to_check(void) {
	struct cdm_diag diag = { .count = 0 };
	struct mcap_reader *r;
	int fd = testing_write(&(struct mcap_write_options){ .chunk_bytes = 1, .plain = true }, 100);
	const struct mcap_read_options o = { .memory_max = 2000, .scan = true };
	CHECK(mcap_read_open(fd, &o, &r, &diag) == -E2BIG && !r && diag.errors == 1);
	close(fd);
}

/* One bit after the other: no message comes back changed but where no sum covers it, and nothing breaks. */
static void turned_bits(const struct mcap_write_options *o, bool scan) {
	size_t bytes;
	int whole = testing_write(o, 12);
	uint8_t *p = testing_content(whole, &bytes);
	const struct mcap_read_options options = { .scan = scan, .memory_max = 1 << 20 };
	int fd = testing_file_of(p, bytes);
	for (size_t bit = 0; bit < bytes * 8; bit += scan ? 5 : PACE(1, 3)) {
		static uint8_t room[300];
		struct mcap_reader *r;
		struct mcap_message m;
		uint8_t turned = p[bit / 8] ^ (uint8_t)(1 << bit % 8);
		CHECK(pwrite(fd, &turned, 1, (off_t)(bit / 8)) == 1);
		int rc = mcap_read_open(fd, &options, &r, NULL);
		unsigned given = 0;
		while (r && (rc = mcap_read_next(r, &m)) != -ENODATA) {
			CHECK(rc == 0 || rc == -EBADMSG || rc == -E2BIG || rc == -ENOTSUP);
			if (rc < 0)
				continue;
			if (mcap_read_info(r)->bad_sum) /* an index, or the like, that became a message: it is said */
				continue;
			struct mcap_message want = testing_message(m.sequence, room, sizeof(room));
			CHECK(m.sequence < 12 && m.bytes == want.bytes && memcmp(m.data, room, m.bytes) == 0);
			given++;
		}
		CHECK(r || rc == -EPROTO || rc == -ENOTSUP);
		CHECK(given <= 12);
		mcap_read_close(&r);
		CHECK(pwrite(fd, &p[bit / 8], 1, (off_t)(bit / 8)) == 1);
	}
	free(p);
	close(fd);
	close(whole);
}

/* ---- files of others ---- */

static size_t begin(struct bytes_out *o, enum mcap_opcode opcode) {
	uint8_t code = (uint8_t)opcode;
	bytes_put(o, &code, 1);
	bytes_put_u64(o, 0);
	return o->length;
}

static void end(struct bytes_out *o, size_t at) {
	bytes_set_u64(o, at - 8, o->length - at);
}

static void put_head(struct bytes_out *o) {
	bytes_put(o, MCAP_MAGIC, MCAP_MAGIC_BYTES);
	size_t at = begin(o, MCAP_HEADER);
	bytes_put_text(o, "profile");
	bytes_put_text(o, "others");
	end(o, at);
}

static void put_channel(struct bytes_out *o, uint16_t id, uint16_t schema) {
	size_t at = begin(o, MCAP_CHANNEL);
	bytes_put_u16(o, id);
	bytes_put_u16(o, schema);
	bytes_put_text(o, "topic");
	bytes_put_text(o, "json");
	bytes_put_u32(o, 0);
	bytes_put(o, "later", 5); /* a field of a later version */
	end(o, at);
}

static void put_message(struct bytes_out *o, uint16_t channel, uint32_t sequence, uint64_t log_ns) {
	size_t at = begin(o, MCAP_MESSAGE);
	bytes_put_u16(o, channel);
	bytes_put_u32(o, sequence);
	bytes_put_u64(o, log_ns);
	bytes_put_u64(o, 0);
	bytes_put(o, "x", 1);
	end(o, at);
}

static void put_chunk(struct bytes_out *o, const struct bytes_out *records, uint64_t claimed, const char *compression,
		const void *data, size_t bytes) {
	size_t at = begin(o, MCAP_CHUNK);
	bytes_put_u64(o, 0);
	bytes_put_u64(o, UINT64_MAX);
	bytes_put_u64(o, claimed);
	bytes_put_u32(o, records ? crc32_of(0, records->bytes, records->length) : 0);
	bytes_put_text(o, compression);
	bytes_put_u64(o, bytes);
	bytes_put(o, data, bytes);
	end(o, at);
}

/* Messages outside of chunks, not in the order of time; `indexed`: with a summary that lists the channel alone. */
static int loose_file(bool indexed) {
	struct bytes_out o = { .bytes = NULL };
	put_head(&o);
	put_channel(&o, 0, 0); /* 0 is a channel like any other */
	for (uint32_t i = 0; i < 50; i++)
		put_message(&o, 0, i, 1000 - i);
	size_t at = begin(&o, MCAP_DATA_END);
	bytes_put_u32(&o, 0);
	end(&o, at);
	uint64_t start = o.length;
	if (indexed)
		put_channel(&o, 0, 0);
	at = begin(&o, MCAP_FOOTER);
	bytes_put_u64(&o, indexed ? start : 0);
	bytes_put_u64(&o, 0);
	bytes_set_u64(&o, at - 8, 20);
	bytes_put_u32(&o, indexed ? crc32_of(0, o.bytes + start, o.length - start) : 0);
	end(&o, at);
	bytes_put(&o, MCAP_MAGIC, MCAP_MAGIC_BYTES);
	int fd = testing_file_of(o.bytes, o.length);
	bytes_fini(&o);
	return fd;
}

/* Nothing is wrong with such a file, and it has to be gone through. */
static void loose_messages(bool indexed) {
	struct mcap_message m;
	int fd = loose_file(indexed);
	struct mcap_reader *r = opened(fd, false);
	const struct mcap_read_info *n = mcap_read_info(r);
	CHECK(n->scanned && !n->cut && n->messages == 50 && n->start_ns == 951 && strcmp(n->profile, "profile") == 0);
	CHECK(n->summary == (indexed ? MCAP_SUMMARY_LOOSE : MCAP_SUMMARY_NONE) && mcap_read_is_whole(n));
	for (uint32_t i = 50; i > 0; i--)
		CHECK(mcap_read_next(r, &m) == 0 && m.sequence == i - 1);
	CHECK(mcap_read_next(r, &m) == -ENODATA);
	mcap_read_close(&r);
	close(fd);
}

/* Many chunks of one length of time: those of all are given in the order of time, with ties as in the file. */
static void overlapping_chunks(void) {
	struct bytes_out o = { .bytes = NULL };
	struct mcap_message m, last = { .log_ns = 0 };
	unsigned seen = 0;
	put_head(&o);
	put_channel(&o, 7, 0);
	for (uint32_t c = 0; c < 40; c++) {
		struct bytes_out records = { .bytes = NULL };
		for (uint32_t i = 0; i < 60; i++)
			put_message(&records, 7, c * 1000 + i, (c % 9 * 31 + i * 17) % 200);
		put_chunk(&o, &records, records.length, "", records.bytes, records.length);
		bytes_fini(&records);
	}
	int fd = testing_file_of(o.bytes, o.length);
	struct mcap_reader *r = opened(fd, false);
	CHECK(mcap_read_info(r)->cut && mcap_read_info(r)->damaged == 0 && mcap_read_info(r)->messages == 2400);
	for (; mcap_read_next(r, &m) == 0; seen++, last = m)
		CHECK(m.log_ns > last.log_ns || (m.log_ns == last.log_ns && (seen == 0 || m.sequence > last.sequence)));
	CHECK(seen == 2400);
	mcap_read_close(&r);
	const struct mcap_read_options small = { .memory_max = 30000 }; /* a chunk is 2400 bytes: 12 of them */
	CHECK(mcap_read_open(fd, &small, &r, NULL) == 0);
	int rc, refused = 0;
	while ((rc = mcap_read_next(r, &m)) != -ENODATA)
		refused += rc == -E2BIG;
	CHECK(refused > 10);
	mcap_read_close(&r);
	close(fd);
	bytes_fini(&o);
}

/* One chunk that is not what it says: nothing of it is given, and what stands behind it is. */
static void bad_chunk(uint64_t claimed, const char *compression, const void *data, size_t bytes, int open_rc) {
	struct bytes_out o = { .bytes = NULL }, good = { .bytes = NULL };
	struct cdm_diag diag = { .count = 0 };
	struct mcap_message m;
	struct mcap_reader *r;
	put_head(&o);
	put_channel(&o, 1, 0);
	put_chunk(&o, NULL, claimed, compression, data, bytes);
	put_message(&good, 1, 77, 5);
	put_chunk(&o, &good, good.length, "", good.bytes, good.length);
	int fd = testing_file_of(o.bytes, o.length);
	CHECK(mcap_read_open(fd, NULL, &r, &diag) == open_rc && diag.errors == (open_rc < 0));
	if (open_rc == 0) {
		CHECK(mcap_read_info(r)->damaged == 1 && mcap_read_next(r, &m) == 0 && m.sequence == 77);
		CHECK(mcap_read_next(r, &m) == -ENODATA);
	}
	mcap_read_close(&r);
	close(fd);
	bytes_fini(&o);
	bytes_fini(&good);
}

static void bad_chunks(void) {
	static uint8_t zeros[1 << 22], packed[8192];
	struct bytes_out records = { .bytes = NULL };
	size_t n = ZSTD_compress(packed, sizeof(packed), zeros, sizeof(zeros), 1);
	CHECK(!ZSTD_isError(n));
	bad_chunk(100, "zstd", packed, n, 0);                  /* more in it than it says */
	bad_chunk(sizeof(zeros) + 1, "zstd", packed, n, 0);    /* less */
	bad_chunk(UINT64_MAX, "zstd", packed, n, 0);
	bad_chunk((size_t)1 << 40, "zstd", packed, n, 0);
	bad_chunk(sizeof(zeros), "zstd", packed, n - 1, 0);
	bad_chunk(sizeof(zeros), "zstd", packed, n, 0);        /* zeros: records of opcode 0, and of no length */
	bad_chunk(100, "", zeros, 99, 0);
	bad_chunk(5, "", zeros, 5, 0);
	bad_chunk(4, "lz4", zeros, 4, -ENOTSUP);
	bad_chunk(4, "a-name-that-is-rather-long", zeros, 4, -ENOTSUP);
	put_message(&records, 2, 0, 0); /* a channel that there is not */
	bad_chunk(records.length, "", records.bytes, records.length, 0);
	bytes_set_u64(&records, 1, UINT64_MAX); /* a length that wraps */
	bad_chunk(records.length, "", records.bytes, records.length, 0);
	bytes_fini(&records);
}

/* Numbers in the summary and at the end, each turned into what is too much. */
static void wrong_summary(void) {
	const uint64_t values[] = { 0, 1, 8, 1 << 20, UINT32_MAX, INT64_MAX, UINT64_MAX - 8, UINT64_MAX };
	size_t bytes;
	int whole = testing_write(NULL, 4);
	uint8_t *p = testing_content(whole, &bytes);
	uint64_t start = summary_of(p, bytes);
	memset(p + bytes - 8 - 4, 0, 4); /* no sum */
	for (size_t at = start; at + 8 <= bytes - 8 - 4; at++)
		for (size_t v = 0; v < COUNT_OF(values); v++) {
			uint8_t *copy = malloc(bytes);
			CHECK(copy);
			memcpy(copy, p, bytes);
			memcpy(copy + at, &values[v], 8);
			int fd = testing_file_of(copy, bytes), rc;
			struct mcap_reader *r;
			struct mcap_message m;
			CHECK(mcap_read_open(fd, NULL, &r, NULL) == 0);
			for (unsigned i = 0; (rc = mcap_read_next(r, &m)) != -ENODATA; i++)
				CHECK(i < 100 && (rc == 0 || rc == -EBADMSG || rc == -E2BIG));
			for (uint32_t i = 0; i < mcap_read_info(r)->attachments; i++) {
				struct mcap_attachment *a;
				rc = mcap_read_attachment(r, i, &a);
				free(a);
			}
			for (uint32_t i = 0; i < mcap_read_info(r)->metadata; i++) {
				struct mcap_metadata *d;
				rc = mcap_read_metadata(r, i, &d);
				free(d);
			}
			mcap_read_close(&r);
			close(fd);
			free(copy);
		}
	free(p);
	close(whole);
}

static void no_mcap(void) {
	struct mcap_reader *r;
	struct cdm_diag diag = { .count = 0 };
	int fd = testing_file_of("\x89MCAP1\r\n and so on", 18);
	CHECK(mcap_read_open(fd, NULL, &r, &diag) == -EPROTO && !r && diag.errors == 1);
	close(fd);
	CHECK(mcap_read_open(fd, NULL, &r, NULL) == -EBADF);
	mcap_read_close(&r); /* of NULL */
	fd = testing_write(NULL, 10);
	const struct mcap_read_options tiny = { .memory_max = 60 };
	CHECK(mcap_read_open(fd, &tiny, &r, &diag) < 0 && !r && diag.errors == 2);
	close(fd);
}

int main(void) {
	const struct mcap_write_options all[] = { { .plain = false }, { .plain = true }, { .chunk_bytes = 1,
			.level = 3 },
		{ .chunk_bytes = 700, .plain = true }, { .chunk_bytes = 700 } };
	for (size_t i = 0; i < COUNT_OF(all); i++)
		round_trip(&all[i]);
	cut_anywhere(&all[3]);
	cut_anywhere(&all[4]);
	for (int scan = 0; scan < 2; scan++)
		turned_bits(&all[4], scan);
	for (int scan = 0; scan < 2; scan++)
		turned_bits_of_the_summary(scan);
	summaries_without_a_sum();
	a_summary_too_large_to_check();
	loose_messages(false);
	loose_messages(true);
	overlapping_chunks();
	bad_chunks();
	wrong_summary();
	no_mcap();
	puts("mcap_read_test: ok");
}
