/* record_info.c - what is in a recording, or in any MCAP file: `cadmus record --info`. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "base/clock.h"
#include "base/err.h"
#include "base/io.h"
#include "bin/cadmus/json.h"
#include "bin/cadmus/output.h"
#include "bin/cadmus/record.h"
#include "mcap/mcap_read.h"

const char *record_size(uint64_t bytes, char out[RECORD_SIZE_MAX]) {
	static const char *const units[] = { "bytes", "kB", "MB", "GB", "TB", "PB", "EB" };
	double v = (double)bytes;
	size_t unit = 0;
	for (; unit + 1 < COUNT_OF(units) && v >= 1000; unit++)
		v /= 1000;
	if (unit == 0)
		snprintf(out, RECORD_SIZE_MAX, "%.0f bytes", v);
	else
		snprintf(out, RECORD_SIZE_MAX, "%.1f %s", v, units[unit]);
	return out;
}

/* The metadata of that name; NULL: there is none that can be read. */
static struct mcap_metadata *find(struct mcap_reader *r, const char *name) {
	for (uint32_t i = 0; i < mcap_read_info(r)->metadata; i++) {
		struct mcap_metadata *m;
		if (mcap_read_metadata(r, i, &m) < 0)
			continue;
		if (strcmp(m->name, name) == 0)
			return m;
		free(m);
	}
	return NULL;
}

static json_t *pairs_json(const struct mcap_metadata *m) {
	json_t *j = json_object();
	for (uint32_t i = 0; m && i < m->pair_count; i++)
		json_object_set_new(j, m->pairs[i].key, json_text(m->pairs[i].value));
	return j;
}

/* COMPLETE, INCOMPLETE; "UNFINISHED": its recorder did not come to say; "": not by us. */
static const char *result_of(const struct mcap_reader *r, const struct mcap_metadata *result) {
	const char *said = result ? mcap_read_pair(result->pairs, result->pair_count, "result") : NULL;
	const struct mcap_read_info *n = mcap_read_info(r);
	if (strcmp(n->profile, RECORD_PROFILE) != 0)
		return "";
	if (!said)
		return "UNFINISHED";
	return mcap_read_is_whole(n) && strcmp(said, "COMPLETE") == 0 ? "COMPLETE" : "INCOMPLETE";
}

static const char *summary_text(enum mcap_summary s) {
	static const char *const texts[] = { [MCAP_SUMMARY_NONE] = "none", [MCAP_SUMMARY_GOOD] = "whole",
		[MCAP_SUMMARY_LOOSE] = "no index", [MCAP_SUMMARY_BAD] = "damaged" };
	return texts[s];
}

static json_t *channels_json(const struct mcap_reader *r) {
	json_t *list = json_array();
	for (uint32_t i = 0; i < mcap_read_info(r)->channels; i++) {
		uint64_t messages;
		const struct mcap_channel *c = mcap_read_channel_at(r, i, &messages);
		const struct mcap_schema *s = mcap_read_schema(r, c->schema);
		const struct mcap_metadata about = { .pairs = c->pairs, .pair_count = c->pair_count };
		json_array_append_new(list, json_pack("{s:o,s:o,s:o,s:o,s:o}", "topic", json_text(c->topic), "encoding",
				json_text(c->encoding), "schema", json_text(s ? s->name : ""), "messages",
				messages == UINT64_MAX ? json_null() : json_integer((json_int_t)messages), "metadata",
				pairs_json(&about)));
	}
	return list;
}

static int show_json(struct mcap_reader *r, const char *path, const struct mcap_metadata *machine,
		const struct mcap_metadata *result) {
	const struct mcap_read_info *n = mcap_read_info(r);
	return json_print(json_pack("{s:s,s:s,s:o,s:o,s:I,s:I,s:I,s:I,s:i,s:b,s:b,s:I,s:i,s:b,s:s,s:I,s:o,s:o,s:o}",
			"file", path, "result", result_of(r, result), "profile", json_text(n->profile), "library",
			json_text(n->library), "bytes", (json_int_t)n->bytes, "messages", (json_int_t)n->messages,
			"start_ns", (json_int_t)n->start_ns, "end_ns", (json_int_t)n->end_ns, "chunks", (int)n->chunks,
			"scanned", n->scanned, "cut", n->cut, "cut_at", (json_int_t)n->cut_at, "damaged",
			(int)n->damaged, "bad_sum", n->bad_sum, "summary", summary_text(n->summary), "summary_at",
			(json_int_t)n->summary_at, "channels", channels_json(r), "machine", pairs_json(machine), "end",
			pairs_json(result)));
}

static void print_channels(const struct mcap_reader *r) {
	char topic[64], schema[64], count[24] = "?";
	printf("%-32s %12s  %s\n", "TOPIC", "messages", "schema");
	for (uint32_t i = 0; i < mcap_read_info(r)->channels; i++) {
		uint64_t messages;
		const struct mcap_channel *c = mcap_read_channel_at(r, i, &messages);
		const struct mcap_schema *s = mcap_read_schema(r, c->schema);
		if (messages != UINT64_MAX)
			snprintf(count, sizeof(count), "%" PRIu64, messages);
		printf("%-32s %12s  %s\n", output_text(c->topic, topic, sizeof(topic)), count,
				s ? output_text(s->name, schema, sizeof(schema)) : "-");
	}
}

/* Why all of it was gone through although nobody asked for that. */
static void print_why_scanned(const struct mcap_read_info *n) {
	if (n->summary == MCAP_SUMMARY_NONE)
		printf("it has no summary: all of it was gone through\n");
	else if (n->summary == MCAP_SUMMARY_LOOSE)
		printf("its summary does not say where all messages are: all of it was gone through\n");
	else
		printf("its summary cannot be used: all of it was gone through\n");
}

static void print_state(const struct mcap_read_info *n, bool asked) {
	if (n->scanned && !asked)
		print_why_scanned(n);
	if (n->cut)
		printf("cut: what follows byte %" PRIu64 " of %" PRIu64 " cannot be read\n", n->cut_at, n->bytes);
	if (n->damaged)
		printf("damaged: %u chunks or records were left out\n", n->damaged);
	if (n->bad_sum)
		printf("damaged: the sum over all of it is not what the file says\n");
	if (n->summary == MCAP_SUMMARY_BAD)
		printf("damaged: its summary, at byte %" PRIu64 " of %" PRIu64 "\n", n->summary_at, n->bytes);
	if (n->scanned && mcap_read_is_whole(n))
		printf("all of it was gone through, and is whole\n");
}

static void print(struct mcap_reader *r, const char *path, const struct mcap_metadata *machine,
		const struct mcap_metadata *result, bool asked) {
	const struct mcap_read_info *n = mcap_read_info(r);
	const char *name = machine ? mcap_read_pair(machine->pairs, machine->pair_count, "machine") : NULL;
	const char *why = result ? mcap_read_pair(result->pairs, result->pair_count, "why") : NULL;
	char start[CLOCK_TEXT_MAX], text[256], size[RECORD_SIZE_MAX];
	print_channels(r);
	printf("%s: %s%s%" PRIu64 " messages, %s in %u chunks, from %s, %.1f s\n", path,
			name ? output_text(name, text, sizeof(text)) : "", name ? ", " : "", n->messages,
			record_size(n->bytes, size),
			n->chunks, clock_text((struct cdm_wall){ (int64_t)(n->start_ns & INT64_MAX) }, start),
			(double)(n->end_ns - n->start_ns) / 1e9);
	printf("by %s\n", output_text(n->library, text, sizeof(text)));
	print_state(n, asked);
	const char *state = result_of(r, result);
	if (strcmp(state, "UNFINISHED") == 0)
		printf("UNFINISHED: its recorder was killed, or is at work\n");
	else if (state[0])
		printf("%s%s%s\n", state, why && why[0] ? ": " : "",
				why ? output_text(why, text, sizeof(text)) : "");
}

/* An exit code. */
static int judge(const struct mcap_read_info *n, const char *path) {
	if (mcap_read_is_whole(n))
		return 0;
	if (n->cut || n->damaged || n->bad_sum)
		return verb_failed("record", -EBADMSG, "%s is %s", path, n->cut ? "cut" : "damaged");
	return verb_failed_hint("record", -EBADMSG, "all messages are there: what reads it goes through all of it",
			"%s is damaged: its summary, at byte %" PRIu64, path, n->summary_at);
}

int record_info(const struct verb_context *c, const char *path, bool scan) {
	static struct cdm_diag diag;
	const struct mcap_read_options o = { .scan = scan };
	struct mcap_reader *r;
	int fd = open(path, O_RDONLY | O_CLOEXEC), code = 0;
	if (fd < 0)
		return verb_failed("record", err_last(), "%s: %s", path, strerror(errno));
	int rc = mcap_read_open(fd, &o, &r, &diag);
	if (rc < 0) {
		io_close(&fd);
		return verb_failed("record", rc, "%s: %s", path, diag.count ? diag.at[0].text : strerror(-rc));
	}
	struct mcap_metadata *machine = find(r, RECORD_MACHINE), *result = find(r, RECORD_RESULT);
	if (c->json)
		code = show_json(r, path, machine, result);
	else
		print(r, path, machine, result, scan);
	if (code == 0)
		code = judge(mcap_read_info(r), path);
	free(machine);
	free(result);
	mcap_read_close(&r);
	io_close(&fd);
	return code;
}
