/* cmd_record.c - what the fields of a machine are and what happens in it, into a file that robotics tools read. */
#include <errno.h>
#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>
#include "base/clock.h"
#include "base/err.h"
#include "bin/cadmus/args.h"
#include "bin/cadmus/machine.h"
#include "bin/cadmus/record.h"

struct options {
	const char *output, *info, *compression;
	uint64_t seconds, chunk_kb;
	bool no_events, scan;
};

/* 0, or 2 after explaining. */
static int check(const struct options *o, const struct args *a) {
	if (o->info && (o->output || o->seconds || a->words[0]))
		return verb_wrong("record", "--info shows a file, and records nothing");
	if (!o->info && !o->output)
		return verb_wrong("record", "say into which file: --output FILE");
	if (o->scan && !o->info)
		return verb_wrong("record", "--scan belongs to --info");
	if (strcmp(o->compression, "zstd") != 0 && strcmp(o->compression, "none") != 0)
		return verb_wrong("record", "--compression is zstd or none, not '%s'", o->compression);
	return 0;
}

static bool is_wanted(const char *name, const struct args *a) {
	for (unsigned i = 0; i < ARGS_WORDS_MAX && a->words[i]; i++)
		if (fnmatch(a->words[i], name, 0) == 0)
			return true;
	return !a->words[0];
}

/* Each word must mean a field, or some. */
static int check_words(const struct recorder *r, const struct args *a) {
	for (unsigned i = 0; i < ARGS_WORDS_MAX && a->words[i]; i++) {
		bool any = false;
		for (uint32_t f = 0; f < r->plan->fields.count && !any; f++)
			any = fnmatch(a->words[i], plan_fields(r->plan)[f].name, 0) == 0;
		if (!any)
			return machine_no_field("record", r->plan, a->words[i]);
	}
	return 0;
}

static void choose(struct recorder *r, const struct cdm_field *about) {
	size_t bytes = about->bytes + RECORD_OVERHEAD_MAX;
	r->message_bytes = bytes > r->message_bytes ? bytes : r->message_bytes;
	r->fields[r->count++].about = *about;
}

/* All the fields that are wanted.  What the plan lets no client read is left out; if it was named, that is an error. */
static int choose_fields(struct recorder *r, const struct args *a) {
	uint32_t count = cdm_field_count(r->machine);
	int code = check_words(r, a);
	r->message_bytes = 2 * RECORD_OVERHEAD_MAX; /* of an event */
	r->fields = calloc(count + 1u, sizeof(*r->fields));
	CHECK(r->fields);
	for (uint32_t i = 0; code == 0 && i < count; i++) {
		struct cdm_field f;
		CHECK(cdm_describe(r->machine, i, &f) == 0);
		if (!is_wanted(f.name, a))
			continue;
		if (f.readable)
			choose(r, &f);
		else if (a->words[0] && strcmp(a->words[0], f.name) == 0)
			code = verb_failed("record", -EACCES, "%s: the plan lets no client read it", f.name);
		else
			r->hidden++;
	}
	if (code == 0 && r->count == 0)
		code = verb_failed_hint("record", -ENOENT, "`cadmus plan FILE` shows who reads which",
				"there is no field that a client may read");
	r->payload = malloc(r->message_bytes);
	r->message = malloc(r->message_bytes);
	CHECK(r->payload && r->message);
	return code;
}

/* What writers could not publish: now, or since then. */
static void count_drops(struct recorder *r, bool since) {
	for (uint32_t i = 0; i < r->count; i++) {
		struct cdm_field_counts n = { .drops = 0 };
		if (cdm_field_counts(r->machine, r->fields[i].about.index, &n) < 0)
			continue;
		r->fields[i].drops = since && n.drops >= r->fields[i].drops ? n.drops - r->fields[i].drops : n.drops;
	}
}

static int record(struct recorder *r, const struct options *o, const struct args *a) {
	size_t bytes;
	r->plan = cdm_plan(r->machine, &bytes);
	r->began = clock_mono();
	r->offset_ns = clock_wall().ns - r->began.ns;
	int code = choose_fields(r, a);
	if (code)
		return code;
	int rc = o->no_events ? 0 : cdm_events_open(r->machine, NULL, &r->events);
	if (rc < 0)
		return verb_failed_hint("record", rc, "--no-events records fields alone",
				"events cannot be followed: %s",
				err_text(rc));
	count_drops(r, false);
	code = record_file_open(r);
	if (code)
		return code;
	rc = record_loop(r);
	if (rc < 0) {
		record_file_drop(r);
		return verb_failed("record", rc, "it could not begin: %s", err_text(rc));
	}
	count_drops(r, true);
	return record_file_end(r);
}

static void close_all(struct recorder *r) {
	for (uint32_t i = 0; i < r->count; i++)
		cdm_close(r->fields[i].reader);
	cdm_events_close(r->events);
	cdm_detach(r->machine);
	free(r->fields);
	free(r->payload);
	free(r->message);
}

static int run(const struct verb_context *c, int argc, char **argv) {
	static struct cdm_diag diag;
	struct options o = { .compression = "zstd" };
	struct recorder r = { .context = c, .fd = -1, .failed = -1 };
	const struct args_option options[] = {
		{ "--output", ARGS_TEXT, &o.output, 0, 0 },
		{ "--seconds", ARGS_COUNT, &o.seconds, 1, ARGS_COUNT_MAX },
		{ "--compression", ARGS_TEXT, &o.compression, 0, 0 },
		{ "--chunk-kb", ARGS_COUNT, &o.chunk_kb, 1, 262144 },
		{ "--no-events", ARGS_FLAG, &o.no_events, 0, 0 },
		{ "--info", ARGS_TEXT, &o.info, 0, 0 },
		{ "--scan", ARGS_FLAG, &o.scan, 0, 0 },
		{ .name = NULL },
	};
	struct args a = { .verb = "record", .options = options, .words_max = ARGS_WORDS_MAX };
	char name[CDM_NAME_MAX];
	int code = args_take(&a, argc, argv);
	if (code == 0)
		code = check(&o, &a);
	if (code == 0 && o.info)
		return record_info(c, o.info, o.scan);
	if (code == 0)
		code = machine_name(c, "record", name);
	if (code)
		return code;
	int rc = cdm_attach(name, &r.machine, &diag);
	if (rc < 0)
		return verb_failed_diag("record", rc, &diag, "the machine does not answer");
	r.path = o.output;
	r.seconds = o.seconds;
	r.chunk_bytes = o.chunk_kb * 1024;
	r.plain = strcmp(o.compression, "none") == 0;
	code = record(&r, &o, &a);
	close_all(&r);
	return code;
}

VERB(record, "Record fields and events into an MCAP file, or show what is in one",
		"[FIELD...] --output FILE [--seconds N] | --info FILE [--scan]",
		"  FIELD              which ones, also as patterns ('legs.*'); without: all that a client may read\n"
		"  --output FILE      the file, which must not be there yet; nobody else may read it\n"
		"  --seconds N        end after that time; without it Ctrl-C, or the end of the machine, ends it\n"
		"  --compression zstd|none\n"
		"  --chunk-kb N       size of a chunk, 1 to 262144; 1024\n"
		"  --no-events        fields alone\n"
		"  --info FILE        show what is in a recording, or in any MCAP file\n"
		"  --scan             with --info: go through all of it, and check every sum, and the summary\n"
		"Every sample is in the file, byte by byte, with all that is known of it, and the plan; at the end\n"
		"stands whether it is COMPLETE, and how many samples of each field were missed if it is not. The\n"
		"machine is read, never disturbed. Foxglove and other tools read the file; spec/recording.md says\n"
		"what is in it.\n"
		"examples:\n"
		"  cadmus record --output walk.mcap\n"
		"  cadmus record visual 'legs.*' --output walk.mcap --seconds 60\n"
		"  cadmus record --info walk.mcap --json | jq .result\n",
		run, "0 COMPLETE (or shown), 1 INCOMPLETE, damaged, not done (standard error says why), 2 wrong usage");
