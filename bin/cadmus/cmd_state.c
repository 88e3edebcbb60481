/* cmd_state.c - what a machine knows: the fold of its journal, read from the file, daemon or not. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "bin/cadmus/args.h"
#include "bin/cadmus/json.h"
#include "bin/cadmus/machine.h"
#include "bin/cadmus/output.h"
#include "client/state_path.h"
#include "journal/journal_read.h"

static json_t *as_json(const struct journal_state *s, const char *machine, const char *hash) {
	json_t *facts = json_array(), *settings = json_object();
	for (unsigned i = 0; i < s->fact_count; i++) {
		const struct state_fact *f = state_fact_at(s, i);
		json_array_append_new(facts, json_pack("{s:s,s:s,s:s,s:s,s:f,s:I}", "key", f->key, "value", f->value,
				"principal", f->principal, "source", f->source, "trust", f->trust_ppm / 1e6, "seq",
				(json_int_t)f->seq));
	}
	for (unsigned i = 0; i < s->setting_count; i++) {
		const struct state_setting *v = state_setting_at(s, i);
		json_object_set_new(settings, v->field, json_string(v->value));
	}
	return json_pack("{s:s,s:s,s:I,s:I,s:I,s:s,s:o,s:o}", "machine", machine, "hash", hash, "seq",
			(json_int_t)s->seq, "epoch", (json_int_t)s->epoch, "turns", (json_int_t)s->turns_end,
			"model", s->active_model, "facts", facts, "settings", settings);
}

/* Facts are the words of others: none of them moves the terminal. */
static void print_fact(const struct state_fact *f) {
	char key[sizeof(f->key)], value[sizeof(f->value)];
	snprintf(key, sizeof(key), "%s", f->key);
	snprintf(value, sizeof(value), "%s", f->value);
	printf("  %-20s = %-24s  said by %s, through %s, trust %.2f, record %llu\n", output_clean(key, false),
			output_clean(value, false), f->principal, f->source, f->trust_ppm / 1e6,
			(unsigned long long)f->seq);
}

static void print(const struct journal_state *s, const char *machine, const char *hash) {
	printf("%s  state %.16s  record %llu  epoch %llu\n", machine, hash, (unsigned long long)s->seq,
			(unsigned long long)s->epoch);
	printf("turns %llu  model %s\n", (unsigned long long)s->turns_end,
			s->active_model[0] ? s->active_model : "-");
	for (unsigned i = 0; i < s->fact_count; i++)
		print_fact(state_fact_at(s, i));
	for (unsigned i = 0; i < s->setting_count; i++)
		printf("  setting %-12s = %s\n", state_setting_at(s, i)->field, state_setting_at(s, i)->value);
}

static int show(const struct verb_context *c, const char *machine, uint64_t seq) {
	static struct cdm_diag diag;
	char path[1024], hex[HASH_TEXT_MAX];
	struct journal_reader *r = NULL;
	struct journal_state *s = calloc(1, sizeof(*s));
	uint64_t last = UINT64_MAX;
	int rc = s ? state_path(machine, path, sizeof(path)) : -ENOMEM;
	if (rc == 0)
		rc = journal_read_open(path, &r, &diag);
	if (rc == 0 && seq)
		rc = journal_last(r, &last);
	if (rc == 0 && seq > last)
		cdm_diag_add(&diag, CDM_ERROR, "", "there is no record %llu; the last one is %llu",
				(unsigned long long)seq, (unsigned long long)last), rc = -ENOENT;
	if (rc == 0)
		rc = journal_state_at(r, seq ? seq : UINT64_MAX, s, &diag);
	journal_read_close(&r);
	if (rc < 0) {
		free(s);
		return verb_failed_diag("state", rc, &diag, "no state can be read");
	}
	struct hash h = state_hash(s);
	hash_text(&h, 64, hex);
	if (c->json)
		json_print(as_json(s, machine, hex));
	else
		print(s, machine, hex);
	free(s);
	return 0;
}

static int run(const struct verb_context *c, int argc, char **argv) {
	char name[CDM_NAME_MAX];
	uint64_t seq = 0;
	const struct args_option options[] = { { "--at", ARGS_COUNT, &seq, 1, INT64_MAX }, { .name = NULL } };
	struct args a = { .verb = "state", .options = options };
	int code = args_take(&a, argc, argv);
	if (code == 0)
		code = machine_journal(c, "state", name);
	return code ? code : show(c, name, seq);
}

VERB(state, "Show what the machine knows, and the hash of it", "[--at RECORD]",
		"  --at RECORD   the state after that record of the journal, 1 to the last\n"
		"Read from the journal alone; with --machine NAME also when nothing runs.\n"
		"examples:\n"
		"  cadmus state\n"
		"  cadmus state --machine first_flight --at 12 --json\n",
		run);
