/*
 * fuzz_mcap.c - any bytes as an MCAP file: read by its summary and by going through it.
 *
 * Sums would keep a fuzzer out of everything behind them, so a file that begins with 'S' is the rest of it sealed: the
 * sums of its chunks and of its summary are put right where they stand in a whole file.
 *
 * Held: messages come in the order of their times, of known channels, those of a seek are not before it; nothing is
 * larger than the memory allowed.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include "base/crc32.h"
#include "mcap/mcap_read.h"

#define MEMORY_MAX ((size_t)1 << 20)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void put_u32(uint8_t *p, uint32_t v) {
	memcpy(p, &v, sizeof(v));
}

/* Records from `at` on: each chunk's sum is made 0 (none is checked); the summary's, too. */
static void seal(uint8_t *p, size_t size) {
	uint64_t length;
	for (size_t at = MCAP_MAGIC_BYTES; at + MCAP_HEAD_BYTES <= size; at += MCAP_HEAD_BYTES + (size_t)length) {
		memcpy(&length, p + at + 1, sizeof(length));
		if (length > size - at - MCAP_HEAD_BYTES)
			break;
		if (p[at] == MCAP_CHUNK && length >= 28)
			put_u32(p + at + MCAP_HEAD_BYTES + 24, 0);
	}
	if (size >= 12)
		put_u32(p + size - 12, 0);
}

static void read_rest(struct mcap_reader *r) {
	const struct mcap_read_info *n = mcap_read_info(r);
	for (uint32_t i = 0; i < n->metadata && i < 50; i++) {
		struct mcap_metadata *m;
		int rc = mcap_read_metadata(r, i, &m);
		CHECK((rc == 0) == (m != NULL));
		for (uint32_t k = 0; m && k < m->pair_count; k++)
			CHECK(strlen(m->pairs[k].key) < MEMORY_MAX && strlen(m->pairs[k].value) < MEMORY_MAX);
		free(m);
	}
	for (uint32_t i = 0; i < n->attachments && i < 50; i++) {
		struct mcap_attachment *a;
		int rc = mcap_read_attachment(r, i, &a);
		CHECK((rc == 0) == (a != NULL));
		if (a)
			CHECK(strlen(a->name) < MEMORY_MAX && a->bytes < MEMORY_MAX);
		free(a);
	}
}

/* How many messages there are from that time on; *whole: nothing was left out. */
static uint64_t read_messages(struct mcap_reader *r, uint64_t from, bool *whole) {
	struct mcap_message m;
	uint64_t count = 0, last = from;
	int rc;
	*whole = true;
	while ((rc = mcap_read_next(r, &m)) != -ENODATA) {
		CHECK(rc == 0 || rc == -EBADMSG || rc == -E2BIG || rc == -ENOTSUP);
		*whole = *whole && rc == 0;
		if (rc < 0)
			continue;
		CHECK(m.log_ns >= last && mcap_read_channel(r, m.channel) && m.bytes <= MEMORY_MAX);
		last = m.log_ns;
		count++;
	}
	return count;
}

static void read_file(int fd, bool scan) {
	const struct mcap_read_options o = { .memory_max = MEMORY_MAX, .scan = scan };
	static struct cdm_diag diag;
	struct mcap_reader *r;
	diag.count = diag.errors = diag.dropped = 0;
	int rc = mcap_read_open(fd, &o, &r, &diag);
	CHECK((rc == 0) == (r != NULL) && (rc < 0) == (diag.errors > 0));
	if (rc < 0)
		return;
	const struct mcap_read_info *n = mcap_read_info(r);
	uint64_t sum = 0, messages, middle = n->start_ns / 2 + n->end_ns / 2;
	for (uint32_t i = 0; i < n->channels; i++) {
		const struct mcap_channel *c = mcap_read_channel_at(r, i, &messages);
		CHECK(mcap_read_channel(r, c->id) == c && strlen(c->topic) <= MEMORY_MAX);
		sum += n->scanned ? messages : 0;
	}
	CHECK(!n->scanned || sum == n->messages);
	read_rest(r);
	bool whole, late_whole;
	uint64_t all = read_messages(r, 0, &whole);
	CHECK(!n->scanned || !whole || all == n->messages);
	mcap_read_seek(r, middle);
	CHECK(read_messages(r, middle, &late_whole) <= all || !whole);
	mcap_read_select_all(r, false);
	mcap_read_seek(r, 0);
	CHECK(read_messages(r, 0, &whole) == 0);
	mcap_read_close(&r);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
	bool sealed = size > 0 && data[0] == 'S';
	uint8_t *copy = malloc(size + 1);
	CHECK(copy);
	if (sealed)
		data++, size--;
	memcpy(copy, data, size);
	if (sealed)
		seal(copy, size);
	int fd = memfd_create("fuzz", MFD_CLOEXEC);
	CHECK(fd >= 0 && write(fd, copy, size) == (ssize_t)size);
	free(copy);
	read_file(fd, false);
	read_file(fd, true);
	close(fd);
	return 0;
}
