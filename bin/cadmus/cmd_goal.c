/* cmd_goal.c - set a goal, say that it is reached or dropped, or show those that are open. */
#include <stdlib.h>
#include <string.h>
#include "base/clock.h"
#include "base/msgpack.h"
#include "bin/cadmus/args.h"
#include "bin/cadmus/json.h"
#include "bin/cadmus/machine.h"
#include "bin/cadmus/output.h"
#include "bin/cadmus/when.h"
#include "client/state_path.h"
#include "journal/journal_read.h"

static int set(const struct verb_context *c, const char *id, const char *text, const char *what, uint64_t due_s) {
	uint8_t message[4096], reply[4096];
	struct mp_out o;
	uint64_t seq = 0;
	mp_begin(&o, message, sizeof(message));
	mp_map(&o, 5 + !!due_s);
	mp_kv_str(&o, "op", "goal");
	mp_kv_uint(&o, "id", 1);
	mp_kv_str(&o, "key", id);
	mp_kv_str(&o, "text", text);
	mp_kv_str(&o, "what", what);
	if (due_s)
		mp_kv_uint(&o, "due_ms", (uint64_t)(clock_wall().ns / NS_PER_MS) + due_s * 1000);
	if (mp_done(&o) < 0)
		return verb_wrong("goal", "that is too long: a name has at most 63 bytes, a goal 511");
	ssize_t n = machine_ask(c, "goal", message, o.length, 1, reply, sizeof(reply));
	if (n < 0 || machine_is_error("goal", reply, (size_t)n))
		return 1;
	(void)!mp_find_uint(reply, (size_t)n, "seq", &seq);
	char kept[BODY_KEY_MAX + 1];
	snprintf(kept, sizeof(kept), "%s", id);
	body_fold_key(kept);
	if (c->json)
		return json_print(json_pack("{s:s,s:s,s:I}", "goal", kept, "what", what, "seq", (json_int_t)seq));
	printf("%s: %s  (record %llu)\n", output_clean(kept, false), what, (unsigned long long)seq);
	return 0;
}

/* "due 2026-11-30 10:05:00.000 +01:00, ", "overdue since ...", or nothing. */
static const char *due_text(uint64_t due_ms, char out[WHEN_TEXT_MAX + 16]) {
	char when[WHEN_TEXT_MAX];
	out[0] = 0;
	struct cdm_wall at = { (int64_t)due_ms * NS_PER_MS };
	if (due_ms && due_ms <= (uint64_t)(INT64_MAX / NS_PER_MS))
		snprintf(out, WHEN_TEXT_MAX + 16, "%s %s, ", at.ns < clock_wall().ns ? "overdue since" : "due",
				when_text(at, when));
	return out;
}

static int print(const struct verb_context *c, const struct journal_state *s) {
	json_t *list = json_array();
	for (unsigned i = 0; i < s->goal_count; i++) {
		const struct state_goal *g = state_goal_at(s, i);
		char id[sizeof(g->id)], text[sizeof(g->text)], who[sizeof(g->principal)], due[WHEN_TEXT_MAX + 16];
		if (c->json)
			json_array_append_new(list, json_pack("{s:s,s:s,s:s,s:f,s:I,s:I}", "goal", g->id, "text",
					g->text, "principal", g->principal, "weight", g->weight_ppm / 1e6, "due_ms",
					(json_int_t)g->due_ms, "seq", (json_int_t)g->seq));
		else
			printf("%-20s %s  (%s, %srecord %llu)\n", output_text(g->id, id, sizeof(id)),
					output_text(g->text, text, sizeof(text)),
					output_text(g->principal, who, sizeof(who)), due_text(g->due_ms, due),
					(unsigned long long)g->seq);
	}
	if (!c->json && s->goal_count == 0)
		puts("no goal is open");
	int code = c->json ? json_print(list) : 0;
	if (!c->json)
		json_decref(list);
	return code;
}

static int show(const struct verb_context *c) {
	static struct cdm_diag diag;
	char name[CDM_NAME_MAX], path[1024];
	struct journal_reader *r = NULL;
	int code = machine_journal(c, "goal", name);
	if (code)
		return code;
	struct journal_state *s = calloc(1, sizeof(*s));
	int rc = s ? state_path(name, path, sizeof(path)) : -1;
	if (rc == 0)
		rc = journal_read_open(path, &r, &diag);
	if (rc == 0)
		rc = journal_state_at(r, UINT64_MAX, s, &diag);
	journal_read_close(&r);
	code = rc < 0 ? verb_failed_diag("goal", rc, &diag, "no state can be read") : print(c, s);
	free(s);
	return code;
}

static int run(const struct verb_context *c, int argc, char **argv) {
	bool done = false, dropped = false;
	uint64_t due_s = 0;
	const struct args_option options[] = {
		{ "--done", ARGS_FLAG, &done, 0, 0 },
		{ "--drop", ARGS_FLAG, &dropped, 0, 0 },
		{ "--in", ARGS_COUNT, &due_s, 1, ARGS_COUNT_MAX },
		{ .name = NULL },
	};
	struct args a = { .verb = "goal", .options = options, .words_max = 2 };
	if (args_take(&a, argc, argv))
		return 2;
	if (!a.words[0])
		return done || dropped || due_s ? verb_wrong("goal", "give the name of a goal") : show(c);
	if (done && dropped)
		return verb_wrong("goal", "a goal is either reached or dropped");
	if (!(a.words[1] && a.words[1][0]) && !done && !dropped)
		return verb_wrong("goal", "say what the goal is, or --done or --drop");
	const char *what = done ? "done" : dropped ? "dropped" : "open";
	return set(c, a.words[0], a.words[1] ? a.words[1] : "", what, due_s);
}

VERB(goal, "Set a goal, say that it is reached or dropped, or show the open ones",
		"[NAME TEXT [--in SECONDS] | NAME --done | NAME --drop]",
		"  NAME TEXT      set it, or put it in other words\n"
		"  --in SECONDS   it is due then\n"
		"  --done         it is reached\n"
		"  --drop         it is not wanted any more\n"
		"Goals are journaled, and shown to models that are asked.\n"
		"examples:\n"
		"  cadmus goal patrol \"look into every room once an hour\" --in 3600\n"
		"  cadmus goal patrol --done\n"
		"  cadmus goal\n",
		run);
