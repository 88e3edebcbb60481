/* cmd_state.c - what a machine knows: the fold of its journal, read from the file, daemon or not. */
#include <stdlib.h>
#include <string.h>
#include "bin/cadmus/json.h"
#include "bin/cadmus/machine.h"
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

static void print(const struct journal_state *s, const char *machine, const char *hash) {
	printf("%s  state %.16s  record %llu  epoch %llu\n", machine, hash, (unsigned long long)s->seq,
			(unsigned long long)s->epoch);
	printf("turns %llu  model %s\n", (unsigned long long)s->turns_end,
			s->active_model[0] ? s->active_model : "-");
	for (unsigned i = 0; i < s->fact_count; i++) {
		const struct state_fact *f = state_fact_at(s, i);
		printf("  %-20s = %-24s  said by %s, through %s, trust %.2f, record %llu\n", f->key, f->value,
				f->principal, f->source, f->trust_ppm / 1e6, (unsigned long long)f->seq);
	}
	for (unsigned i = 0; i < s->setting_count; i++)
		printf("  setting %-12s = %s\n", state_setting_at(s, i)->field, state_setting_at(s, i)->value);
}

static int show(const struct verb_context *c, const char *machine, uint64_t seq) {
	static struct cdm_diag diag;
	char path[1024], hex[HASH_TEXT_MAX];
	struct journal_reader *r = NULL;
	struct journal_state *s = calloc(1, sizeof(*s));
	int rc = s ? state_path(machine, path, sizeof(path)) : -1;
	if (rc == 0)
		rc = journal_read_open(path, &r, &diag);
	if (rc == 0)
		rc = journal_state_at(r, seq, s, &diag);
	journal_read_close(&r);
	if (rc < 0) {
		free(s);
		return verb_failed("state", "%s; %s", diag.count ? diag.at[0].text : "no state can be read",
				diag.count ? diag.at[0].hint : "");
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
	uint64_t seq = UINT64_MAX;
	if (argc == 3 && strcmp(argv[1], "--at") == 0)
		seq = strtoull(argv[2], NULL, 10);
	else if (argc != 1)
		return verb_wrong("state", "'%s' is not understood", argv[1]);
	if (c->machine) {
		snprintf(name, sizeof(name), "%s", c->machine);
		return show(c, name, seq);
	}
	return machine_name(c, "state", name) ? 1 : show(c, name, seq);
}

VERB(state, "Show what the machine knows, and the hash of it", "[--at RECORD]",
		"  --at RECORD   the state after that record of the journal\n"
		"Read from the journal alone; with --machine NAME also when nothing runs.\n"
		"examples:\n"
		"  cadmus state\n"
		"  cadmus state --machine first_flight --at 12 --json\n",
		run);
