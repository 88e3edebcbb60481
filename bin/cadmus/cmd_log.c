/* cmd_log.c - the journal, record by record. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "base/clock.h"
#include "base/err.h"
#include "base/utf8.h"
#include "bin/cadmus/args.h"
#include "bin/cadmus/intact.h"
#include "bin/cadmus/json.h"
#include "bin/cadmus/machine.h"
#include "bin/cadmus/output.h"
#include "client/state_path.h"
#include "journal/journal_read.h"

struct options {
	bool json, verify, all;
	uint64_t from, limit; /* 0: not given */
};

#define LINE_BYTES 220u
#define LIMIT 20 /* records, when nothing says more */

/* Keys whose values are millionths (spec/journal.md), and those that say nothing to people. */
static bool is_ppm(const char *key, const json_t *v) {
	return json_is_integer(v) && (strcmp(key, "trust") == 0 || strcmp(key, "p") == 0 || strcmp(key, "n") == 0);
}

static bool is_noise(const char *key, const json_t *v) {
	bool empty = (json_is_string(v) && json_string_length(v) == 0) || (json_is_array(v) && json_array_size(v) == 0);
	return empty || strcmp(key, "view_hash") == 0;
}

/* For people: {"trust": 870000, "symbols": ""} -> {"trust": 0.87}.  JSON has it all, as it stands in the record. */
static json_t *readable(json_t *body) {
	const char *key;
	json_t *v, *o = json_is_object(body) ? json_object() : json_is_array(body) ? json_array() : json_incref(body);
	size_t i;
	json_object_foreach(body, key, v)
		if (is_ppm(key, v))
			json_object_set_new(o, key, json_real((double)json_integer_value(v) / 1e6));
		else if (!is_noise(key, v))
			json_object_set_new(o, key, readable(v));
	json_array_foreach(body, i, v)
		json_array_append_new(o, readable(v));
	return o;
}

/* One line of at most LINE_BYTES, cut between characters. */
static void print_short(char *text) {
	size_t bytes = strlen(text), n = utf8_cut(text, bytes, LINE_BYTES);
	printf("%.*s%s\n", (int)n, output_clean(text, false), n < bytes ? "..." : "");
}

static int visit(void *user, const struct journal_record *r) {
	const struct options *o = user;
	char when[CLOCK_TEXT_MAX], hash[HASH_TEXT_MAX];
	json_t *body = r->body ? json_from_msgpack(r->body, r->body_bytes) : json_null();
	clock_text(r->wall, when);
	hash_text(&r->hash, o->json ? 64 : 12, hash);
	if (o->json)
		return json_print_line(json_pack("{s:I,s:I,s:s,s:s,s:s,s:s,s:s,s:s,s:o}", "seq", (json_int_t)r->seq,
				"epoch", (json_int_t)r->epoch, "time", when, "kind", r->kind_name, "class",
				record_class_name(r->class), "entity", r->entity, "principal", r->principal, "hash",
				hash, "body", body));
	json_t *shown = readable(body);
	char *text = json_dumps(shown, JSON_COMPACT | JSON_ENCODE_ANY | JSON_REAL_PRECISION(3));
	json_decref(shown);
	json_decref(body);
	printf("%6llu %s %-9s %-12s %s  ", (unsigned long long)r->seq, when, r->kind_name, r->principal, hash);
	print_short(r->erased ? "(erased)" : text ? text : "(damaged)");
	free(text);
	return output_flush();
}

static int walk(struct journal_reader *r, struct options *o) {
	uint64_t last = 0;
	int rc = journal_last(r, &last);
	if (rc == 0 && o->from > last)
		return verb_failed("log", -ENOENT, "there is no record %llu; the last one is %llu",
				(unsigned long long)o->from, (unsigned long long)last);
	if (!o->from && !o->all) {
		o->limit = o->limit ? o->limit : LIMIT;
		o->from = last > o->limit ? last - o->limit + 1 : 1;
	}
	if (rc == 0)
		rc = journal_each(r, o->from, o->limit, visit, o);
	if (rc == -EBADMSG)
		return verb_failed_hint("log", rc, "`cadmus log --verify` says where", "the journal is damaged");
	return rc < 0 && output_flush() == 0 ? verb_failed("log", rc, "the journal cannot be read: %s", err_text(rc))
			: 0;
}

static int show(const struct verb_context *c, const char *machine, struct options *o) {
	static struct cdm_diag diag;
	char path[1024];
	struct journal_reader *r = NULL;
	int rc = state_path(machine, path, sizeof(path));
	if (rc == 0)
		rc = journal_read_open(path, &r, &diag);
	if (rc < 0)
		return verb_failed_diag("log", rc, &diag, "no journal can be read");
	int code = o->verify ? intact_show(c, "log", r) : walk(r, o);
	journal_read_close(&r);
	return code;
}

static int run(const struct verb_context *c, int argc, char **argv) {
	struct options o = { .json = c->json };
	char name[CDM_NAME_MAX];
	const struct args_option options[] = {
		{ "-n", ARGS_COUNT, &o.limit, 1, ARGS_COUNT_MAX },
		{ "--from", ARGS_COUNT, &o.from, 1, INT64_MAX },
		{ "--all", ARGS_FLAG, &o.all, 0, 0 },
		{ "--verify", ARGS_FLAG, &o.verify, 0, 0 },
		{ .name = NULL },
	};
	struct args a = { .verb = "log", .options = options };
	int code = args_take(&a, argc, argv);
	if (code == 0 && o.all + o.verify + (o.from > 0) > 1)
		code = verb_wrong("log", "of --from, --all and --verify only one can be meant");
	if (code == 0 && o.verify && o.limit)
		code = verb_wrong("log", "--verify looks at all records, so -n has no meaning with it");
	if (code == 0)
		code = machine_journal(c, "log", name);
	return code ? code : show(c, name, &o);
}

VERB(log, "Show the journal: turns, commands, refusals, settings, models", "[-n N] [--from RECORD | --all | --verify]",
		"  -n N            so many records, 1 to 1000000000: the last ones; of --from and --all the first\n"
		"                  (the last 20 unless told otherwise)\n"
		"  --from RECORD   from that record on, 1 to the last\n"
		"  --all           all of them\n"
		"  --verify        check every page, body and link of the chain\n"
		"Read from the file alone; with --machine NAME also when nothing runs. With --json a line a record.\n"
		"examples:\n"
		"  cadmus log --all --json | jq 'select(.kind == \"refusal\").body'\n"
		"  cadmus log --machine first_flight --verify\n",
		run);
