/*
 * mcap_peer.c - src/mcap as a program, for the test against @mcap/core (mcap_test.mjs).
 *
 *     mcap_peer write FILE CHUNK_BYTES zstd|plain COUNT    messages that follow from their number
 *     mcap_peer read FILE [scan]                           everything that is in it, a JSON object a line
 */
#include <fcntl.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "mcap/mcap_read.h"
#include "mcap/mcap_testing.h"

static int write_file(const char *path, const char *chunk, const char *compression, const char *count) {
	const struct mcap_write_options o = { .chunk_bytes = strtoull(chunk, NULL, 10),
		.plain = strcmp(compression, "plain") == 0, .profile = "test", .library = "mcap_peer" };
	size_t bytes;
	int from = testing_write(&o, (unsigned)strtoul(count, NULL, 10));
	int to = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	uint8_t *p = testing_content(from, &bytes);
	CHECK(to >= 0 && write(to, p, bytes) == (ssize_t)bytes);
	free(p);
	close(from);
	return close(to);
}

static json_t *hex(const void *data, size_t bytes) {
	static const char digits[] = "0123456789abcdef";
	const uint8_t *p = data;
	char *text = malloc(2 * bytes + 1);
	CHECK(text);
	for (size_t i = 0; i < bytes; i++) {
		text[2 * i] = digits[p[i] >> 4];
		text[2 * i + 1] = digits[p[i] & 15];
	}
	json_t *j = json_stringn(text, 2 * bytes);
	free(text);
	return j;
}

static void say(json_t *j) {
	CHECK(j && json_dumpf(j, stdout, JSON_COMPACT) == 0);
	putchar('\n');
	json_decref(j);
}

static json_t *pairs_of(const struct mcap_pair *pairs, uint32_t count) {
	json_t *j = json_object();
	for (uint32_t i = 0; i < count; i++)
		json_object_set_new(j, pairs[i].key, json_string(pairs[i].value));
	return j;
}

static void say_channels(struct mcap_reader *r) {
	const struct mcap_read_info *n = mcap_read_info(r);
	for (uint32_t i = 0; i < n->schemas; i++) {
		const struct mcap_schema *s = mcap_read_schema_at(r, i);
		say(json_pack("{s:s,s:i,s:s,s:s,s:o}", "record", "schema", "id", s->id, "name", s->name, "encoding",
				s->encoding,
				"data", hex(s->data, s->bytes)));
	}
	for (uint32_t i = 0; i < n->channels; i++) {
		uint64_t messages;
		const struct mcap_channel *c = mcap_read_channel_at(r, i, &messages);
		say(json_pack("{s:s,s:i,s:i,s:s,s:s,s:o,s:I}", "record", "channel", "id", c->id, "schema",
				c->schema, "topic",
				c->topic, "encoding", c->encoding, "metadata", pairs_of(c->pairs, c->pair_count),
				"messages",
				(json_int_t)messages));
	}
}

static void say_rest(struct mcap_reader *r) {
	for (uint32_t i = 0; i < mcap_read_info(r)->attachments; i++) {
		struct mcap_attachment *a;
		CHECK(mcap_read_attachment(r, i, &a) == 0);
		say(json_pack("{s:s,s:s,s:s,s:I,s:o}", "record", "attachment", "name", a->name, "type",
				a->media_type, "log",
				(json_int_t)a->log_ns, "data", hex(a->data, a->bytes)));
		free(a);
	}
	for (uint32_t i = 0; i < mcap_read_info(r)->metadata; i++) {
		struct mcap_metadata *m;
		CHECK(mcap_read_metadata(r, i, &m) == 0);
		say(json_pack("{s:s,s:s,s:o}", "record", "metadata", "name", m->name, "pairs", pairs_of(m->pairs,
				m->pair_count)));
		free(m);
	}
}

static int read_file(const char *path, bool scan) {
	const struct mcap_read_options o = { .scan = scan };
	static struct cdm_diag diag;
	struct mcap_reader *r;
	struct mcap_message m;
	int fd = open(path, O_RDONLY | O_CLOEXEC), rc = mcap_read_open(fd, &o, &r, &diag);
	if (rc < 0) {
		fprintf(stderr, "%s: %s\n", path, diag.at[0].text);
		return 1;
	}
	const struct mcap_read_info *n = mcap_read_info(r);
	say(json_pack("{s:s,s:s,s:s,s:I,s:i,s:b,s:b,s:i,s:b,s:b}", "record", "info", "profile", n->profile, "library",
			n->library,
			"messages", (json_int_t)n->messages, "chunks", (int)n->chunks, "scanned", n->scanned, "cut",
			n->cut,
			"damaged", (int)n->damaged, "bad_sum", n->bad_sum, "whole", mcap_read_is_whole(n)));
	say_channels(r);
	say_rest(r);
	while ((rc = mcap_read_next(r, &m)) == 0)
		say(json_pack("{s:s,s:i,s:I,s:I,s:I,s:o}", "record", "message", "channel", m.channel, "sequence",
				(json_int_t)m.sequence, "log", (json_int_t)m.log_ns, "publish",
				(json_int_t)m.publish_ns, "data",
				hex(m.data, m.bytes)));
	mcap_read_close(&r);
	close(fd);
	return rc == -ENODATA ? 0 : 1;
}

int main(int argc, char **argv) {
	if (argc == 6 && strcmp(argv[1], "write") == 0)
		return write_file(argv[2], argv[3], argv[4], argv[5]);
	if (argc >= 3 && strcmp(argv[1], "read") == 0)
		return read_file(argv[2], argc > 3);
	fputs("usage: mcap_peer write FILE CHUNK_BYTES zstd|plain COUNT | read FILE [scan]\n", stderr);
	return 2;
}
