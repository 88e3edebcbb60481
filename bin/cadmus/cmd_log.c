/* cmd_log.c - the journal, record by record. */
#include <stdlib.h>
#include <string.h>
#include "base/clock.h"
#include "bin/cadmus/json.h"
#include "bin/cadmus/machine.h"
#include "client/state_path.h"
#include "journal/journal_read.h"

struct options {
	bool json, verify;
	uint64_t from, limit;
};

static int visit(void *user, const struct journal_record *r) {
	const struct options *o = user;
	char when[CLOCK_TEXT_MAX], hash[HASH_TEXT_MAX];
	json_t *body = r->body ? json_from_msgpack(r->body, r->body_bytes) : json_null();
	clock_text(r->wall, when);
	hash_text(&r->hash, o->json ? 64 : 12, hash);
	if (o->json)
		return json_print_line(json_pack("{s:I,s:I,s:s,s:s,s:s,s:s,s:s,s:s,s:o}", "seq", (json_int_t)r->seq, "epoch",
				(json_int_t)r->epoch, "time", when, "kind", r->kind_name, "class",
				record_class_name(r->class), "entity", r->entity, "principal", r->principal, "hash", hash,
				"body", body));
	char *text = json_dumps(body, JSON_COMPACT | JSON_ENCODE_ANY);
	printf("%6llu %s %-9s %-12s %s  %.220s\n", (unsigned long long)r->seq, when, r->kind_name, r->principal, hash,
			r->erased ? "(erased)" : text);
	free(text);
	json_decref(body);
	return 0;
}

static int verify(const struct verb_context *c, struct journal_reader *r) {
	static struct cdm_diag diag;
	struct journal_report report = { 0 };
	int rc = journal_verify(r, &report, &diag);
	if (c->json)
		json_print(json_pack("{s:b,s:I,s:I,s:I}", "intact", rc == 0, "records", (json_int_t)report.records,
				"erased", (json_int_t)report.erased, "first_bad", (json_int_t)report.first_bad));
	else if (rc == 0)
		printf("%llu records, the chain is whole\n", (unsigned long long)report.records);
	return rc == 0 ? 0 : verb_failed("log", "%s", diag.count ? diag.at[0].text : "the journal is damaged");
}

static int show(const struct verb_context *c, const char *machine, struct options *o) {
	static struct cdm_diag diag;
	char path[1024];
	struct journal_reader *r = NULL;
	uint64_t last = 0;
	int rc = state_path(machine, path, sizeof(path));
	if (rc == 0)
		rc = journal_read_open(path, &r, &diag);
	if (rc < 0)
		return verb_failed("log", "%s; %s", diag.count ? diag.at[0].text : "no journal can be read",
				diag.count ? diag.at[0].hint : "");
	if (o->verify)
		rc = verify(c, r);
	else {
		if (o->from == 0 && journal_last(r, &last) == 0 && last > o->limit)
			o->from = last - o->limit + 1;
		rc = journal_each(r, o->from, o->limit, visit, o) < 0
				? verb_failed("log", "the journal is damaged; `cadmus log --verify` says where") : 0;
	}
	journal_read_close(&r);
	return rc;
}

static int run(const struct verb_context *c, int argc, char **argv) {
	struct options o = { .json = c->json, .limit = 20 };
	char name[CDM_NAME_MAX];
	for (int i = 1; i < argc; i++) {
		if (strcmp(argv[i], "--verify") == 0)
			o.verify = true;
		else if (strcmp(argv[i], "--all") == 0)
			o.from = 1, o.limit = 0;
		else if (strcmp(argv[i], "--from") == 0 && i + 1 < argc)
			o.from = strtoull(argv[++i], NULL, 10);
		else if (strcmp(argv[i], "-n") == 0 && i + 1 < argc)
			o.limit = strtoull(argv[++i], NULL, 10);
		else
			return verb_wrong("log", "'%s' is not understood", argv[i]);
	}
	if (c->machine)
		return show(c, c->machine, &o);
	return machine_name(c, "log", name) ? 1 : show(c, name, &o);
}

VERB(log, "Show the journal: turns, commands, refusals, settings, models", "[-n N] [--from RECORD] [--all] [--verify]",
		"  -n N            the last N records (20)\n"
		"  --from RECORD   from that one on\n"
		"  --all           all of them\n"
		"  --verify        check every page, body and link of the chain\n"
		"Read from the file alone; with --machine NAME also when nothing runs.\n"
		"examples:\n"
		"  cadmus log --all --json | jq 'select(.kind == \"refusal\").body'\n"
		"  cadmus log --machine first_flight --verify\n",
		run);
