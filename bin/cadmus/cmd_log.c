/* cmd_log.c - the journal, record by record: which ones, and how they are shown. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "base/clock.h"
#include "base/err.h"
#include "base/utf8.h"
#include "bin/cadmus/args.h"
#include "bin/cadmus/intact.h"
#include "bin/cadmus/json.h"
#include "bin/cadmus/log_follow.h"
#include "bin/cadmus/output.h"
#include "bin/cadmus/past.h"

struct options {
	bool json, verify, all, follow;
	uint64_t from, limit; /* 0: not given */
	const char *kinds, *since, *until;
	struct log_filter filter;
};

#define LINE_BYTES 220u
#define LIMIT 20 /* records, when nothing says more */

/* Keys whose values are millionths (spec/journal.md), and those that say nothing to people. */
static bool is_ppm(const char *key, const json_t *v) {
	static const char *const keys[] = { "trust", "p", "n", "confidence", "weight" };
	for (size_t i = 0; json_is_integer(v) && i < COUNT_OF(keys); i++)
		if (strcmp(keys[i], key) == 0)
			return true;
	return false;
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
	struct options *o = user;
	char when[CLOCK_TEXT_MAX], hash[HASH_TEXT_MAX];
	bool whole = record_is_whole(r);
	json_t *body = r->body ? json_from_msgpack(r->body, r->body_bytes) : json_null();
	clock_text(r->wall, when);
	hash_text(&r->hash, o->json ? 64 : 12, hash);
	if (o->json)
		return json_print_line(json_pack("{s:I,s:I,s:s,s:s,s:s,s:s,s:s,s:s,s:s,s:b,s:o}", "seq",
				(json_int_t)r->seq, "epoch", (json_int_t)r->epoch, "time", when, "kind", r->kind_name,
				"class", record_class_name(r->class), "entity", r->entity, "principal", r->principal,
				"visibility", record_visibility_name(r->visibility), "hash", hash, "damaged",
				(int)!whole, "body", body));
	json_t *shown = readable(body);
	char *text = json_dumps(shown, JSON_COMPACT | JSON_ENCODE_ANY | JSON_REAL_PRECISION(3));
	json_decref(shown);
	json_decref(body);
	char kind[sizeof(r->kind_name)], who[sizeof(r->principal)];
	printf("%6llu %s %-9s %-12s %s  ", (unsigned long long)r->seq, when,
			output_text(r->kind_name, kind, sizeof(kind)), output_text(r->principal, who, sizeof(who)),
			hash);
	printf("%s", whole ? "" : "(not the record that was written) ");
	print_short(r->erased ? "(erased)" : text ? text : "(damaged)");
	free(text);
	return output_flush();
}

/* ---- which ones ---- */

/* The records from *from to *to, and how many of them: of the beginning, or, by another *from, of the end. */
static int choose(const struct past *p, struct options *o, const struct when when[2], uint64_t *from, uint64_t *to) {
	struct moment since = { .seq = 0 }, until;
	struct when before = when[0];
	if (o->since && !before.is_record && !before.is_now)
		before.at.ns--; /* what is of that very moment belongs to it */
	int code = past_find(p, &when[1], &until);
	if (code == 0 && o->since)
		code = past_find(p, &before, &since);
	if (code)
		return code;
	*to = until.seq;
	*from = o->from ? o->from : since.seq + 1;
	if (o->from > *to)
		return verb_failed("log", -ENOENT, "there is no record %llu; the last one is %llu",
				(unsigned long long)o->from, (unsigned long long)*to);
	if (o->from || o->all || o->since)
		return 0;
	int rc = log_read_from(p->reader, &o->filter, *to, o->limit ? o->limit : LIMIT, from);
	o->limit = 0;
	return rc == 0 ? 0 : verb_failed("log", rc, "the journal cannot be read: %s", err_text(rc));
}

static bool is_filtered(const struct options *o) {
	return o->kinds || o->filter.session || o->filter.principal || o->filter.entity;
}

/* What a compaction took has no line, and is not missing without a word; nor is it nothing where no record is such. */
static int show_rest(const struct past *p, const struct options *o, const struct log_walked *w) {
	uint64_t kinds = 0;
	bool known = !w->gone || journal_kinds_gone(p->reader, &kinds) == 0, filtered = is_filtered(o);
	bool gone = w->gone && (!known || !o->filter.kinds || o->filter.kinds & kinds);
	if (!o->json && filtered && !w->shown && !o->follow)
		printf("there is no such record%s\n", gone ? " any more" : "");
	if (!o->json && gone)
		printf("%llu %s: a snapshot stands for them (`cadmus state verify`)\n", (unsigned long long)w->gone,
				filtered ? "on the way were let go, whatever they were" : "more of these were let go");
	return output_flush();
}

static int walk(const struct verb_context *c, struct past *p, struct options *o, const struct when when[2]) {
	uint64_t from, to;
	struct log_walked walked;
	int code = choose(p, o, when, &from, &to);
	if (code)
		return code;
	int rc = log_read(p->reader, &o->filter, from, to, o->limit, visit, o, &walked);
	if (rc == -EBADMSG)
		return verb_failed_hint("log", rc, "`cadmus log --verify` says where", "the journal is damaged");
	if (rc < 0)
		return output_flush() == 0 ? verb_failed("log", rc, "the journal cannot be read: %s", err_text(rc)) : 0;
	if (show_rest(p, o, &walked) < 0 || !o->follow)
		return 0;
	journal_read_close(&p->reader);
	return log_follow(c, p->path, &o->filter, to, visit, o);
}

/* ---- arguments ---- */

static int check(const struct options *o) {
	if (o->all + o->verify + (o->from > 0) + (o->since != NULL) > 1)
		return verb_wrong("log", "of --from, --since, --all and --verify only one can be meant");
	if (o->verify && o->limit)
		return verb_wrong("log", "--verify looks at all records, so -n has no meaning with it");
	if (o->verify && (is_filtered(o) || o->until || o->follow))
		return verb_wrong("log", "--verify looks at all records, so nothing else has a meaning with it");
	if (o->follow && o->until)
		return verb_wrong("log", "--follow has no end, so --until has no meaning with it");
	if (o->follow && o->limit && (o->from || o->since || o->all))
		return verb_wrong("log",
				"with --follow, -n says how many of the last come first: --from, --since and --all say "
				"it otherwise");
	return 0;
}

static int take_moments(const struct past *p, const struct options *o, struct when when[2]) {
	when[0] = (struct when){ .is_record = true };
	when[1] = (struct when){ .is_now = true, .at = p->now };
	int code = o->since ? past_when(p, "--since", o->since, &when[0]) : 0;
	return code == 0 && o->until ? past_when(p, "--until", o->until, &when[1]) : code;
}

static int run(const struct verb_context *c, int argc, char **argv) {
	struct options o = { .json = c->json };
	struct past p = past_begin("log");
	struct when when[2];
	const struct args_option options[] = {
		{ "-n", ARGS_COUNT, &o.limit, 1, ARGS_COUNT_MAX },
		{ "--from", ARGS_COUNT, &o.from, 1, INT64_MAX },
		{ "--since", ARGS_TEXT, &o.since, 0, 0 },
		{ "--until", ARGS_TEXT, &o.until, 0, 0 },
		{ "--kind", ARGS_TEXT, &o.kinds, 0, 0 },
		{ "--session", ARGS_TEXT, &o.filter.session, 0, 0 },
		{ "--principal", ARGS_TEXT, &o.filter.principal, 0, 0 },
		{ "--entity", ARGS_TEXT, &o.filter.entity, 0, 0 },
		{ "--follow", ARGS_FLAG, &o.follow, 0, 0 },
		{ "--all", ARGS_FLAG, &o.all, 0, 0 },
		{ "--verify", ARGS_FLAG, &o.verify, 0, 0 },
		{ .name = NULL },
	};
	struct args a = { .verb = "log", .options = options };
	int code = args_take(&a, argc, argv);
	if (code == 0)
		code = check(&o);
	if (code == 0 && o.kinds)
		code = log_filter_kinds(o.kinds, &o.filter.kinds);
	if (code == 0)
		code = take_moments(&p, &o, when);
	if (code == 0)
		code = past_open(c, &p);
	if (code == 0)
		code = o.verify ? intact_show(c, "log", p.reader) : walk(c, &p, &o, when);
	past_close(&p);
	return code;
}

VERB(log, "Show the journal: turns, commands, refusals, settings, models",
		"[-n N] [--from RECORD | --since WHEN | --all | --verify] [--until WHEN] [--kind K,...]\n"
		"                  [--session ID] [--principal NAME] [--entity NAME] [--follow]",
		"  -n N              so many records, 1 to 1000000000: the last ones; of --from, --since and --all\n"
		"                    the first (the last 20 unless told otherwise)\n"
		"  --from RECORD     from that record on, 1 to the last\n"
		"  --since WHEN      from that moment on, as `cadmus at` takes it; --until WHEN: up to it\n"
		"  --all             all of them\n"
		"  --kind K,...      those of these kinds: epoch, turn, set, model, evidence, command, outcome,\n"
		"                    refusal, erase, fact, goal, symbol, dictionary, plan, sample, gap, snapshot,\n"
		"                    compact\n"
		"  --session ID      turns of that conversation\n"
		"  --principal NAME  on whose behalf; --entity NAME: who wrote them\n"
		"  --follow          go on with what comes, until Ctrl-C; through restarts, and in another file\n"
		"  --verify          check every page, body and link of the chain, as `cadmus state verify`\n"
		"Read from the file alone; with --machine NAME also when nothing runs. With --json a line a record.\n"
		"examples:\n"
		"  cadmus log --all --json | jq 'select(.kind == \"refusal\").body'\n"
		"  cadmus log --follow --kind turn,command\n"
		"  cadmus log --machine first_flight --verify\n",
		run);
