/* cmd_diff.c - what changed between two moments. */
#include <stdlib.h>
#include <string.h>
#include "bin/cadmus/args.h"
#include "bin/cadmus/beliefs.h"
#include "bin/cadmus/diff.h"
#include "bin/cadmus/json.h"
#include "bin/cadmus/old_plan.h"
#include "bin/cadmus/output.h"
#include "bin/cadmus/parts.h"
#include "bin/cadmus/past.h"

/* ---- for people ---- */

static void print_item(const struct verb_context *c, bool is_new, const struct part *p, const json_t *item) {
	char line[PARTS_LINE_MAX];
	if (!item || json_is_null(item))
		return;
	parts_line(p, item, line);
	printf("%s%c %s%s\n", !c->colour ? "" : is_new ? "\033[32m" : "\033[31m", is_new ? '+' : '-', line,
			c->colour ? "\033[0m" : "");
}

static void print_part(const struct verb_context *c, const struct part *p, const json_t *changes) {
	const json_t *one;
	char why[512];
	size_t i;
	if (json_array_size(changes))
		printf("%s\n", p->name);
	json_array_foreach(changes, i, one) {
		const char *reason = json_string_value(json_object_get(one, "why"));
		print_item(c, false, p, json_object_get(one, "old"));
		print_item(c, true, p, json_object_get(one, "new"));
		snprintf(why, sizeof(why), "%s", reason ? reason : "");
		if (why[0])
			printf("    %s\n", output_clean(why, false));
	}
}

static void print_records(const struct journal_state *a, const struct journal_state *b, const json_t *records) {
	const char *kind;
	json_t *count;
	printf("%llu records", (unsigned long long)(b->seq - a->seq));
	unsigned n = 0;
	json_object_foreach((json_t *)(uintptr_t)records, kind, count)
		printf("%s%lld %s", n++ ? ", " : ": ", (long long)json_integer_value(count), kind);
	printf("\n");
}

/* ---- both ---- */

static int show(const struct verb_context *c, const struct past *p, const struct moment m[2],
		struct journal_state *const s[2], const struct claims_asker *asker) {
	json_t *changes = diff_parts(s[0], s[1], asker), *records = diff_records(s[0], s[1]);
	if (c->json)
		return json_print(json_pack("{s:o,s:o,s:o,s:o}", "from", past_json(p, &m[0], s[0]), "to",
				past_json(p, &m[1], s[1]), "records", records, "changes", changes));
	printf("- ");
	past_print(p, &m[0], s[0]);
	printf("+ ");
	past_print(p, &m[1], s[1]);
	print_records(s[0], s[1], records);
	for (unsigned i = 0; i < PARTS_COUNT; i++)
		print_part(c, &parts[i], json_object_get(changes, parts[i].name));
	if (json_object_size(changes) == 0)
		printf("nothing changed\n");
	json_decref(changes);
	json_decref(records);
	return 0;
}

static int compare(const struct verb_context *c, const struct past *p, const struct when when[2], const char *as) {
	struct claims_asker room;
	struct moment m[2];
	struct journal_state *s[2] = { NULL, NULL };
	int code = past_find(p, &when[0], &m[0]);
	if (code == 0)
		code = past_find(p, &when[1], &m[1]);
	if (code)
		return code;
	if (m[0].seq > m[1].seq) { /* time goes forward */
		struct moment later = m[0];
		m[0] = m[1];
		m[1] = later;
	}
	s[0] = past_state(p, &m[0]);
	s[1] = s[0] ? past_state(p, &m[1]) : NULL;
	code = s[1] ? old_plan_has(p, s[1], as) : 1;
	if (code == 0)
		code = show(c, p, m, s, beliefs_asker(as, &room));
	free(s[0]);
	free(s[1]);
	return code;
}

/* One moment, and another or now; each may be several words, the first as many as it can. */
static int take_moments(const struct past *p, const struct args *a, struct when when[2]) {
	unsigned used = 0, more = 0, count = 0;
	while (count < ARGS_WORDS_MAX && a->words[count])
		count++;
	if (count == 2) { /* two words are two moments: "yesterday 10:05" is one where it is quoted */
		int code = past_when(p, NULL, a->words[0], &when[0]);
		return code ? code : past_when(p, NULL, a->words[1], &when[1]);
	}
	int code = past_words(p, a->words, count, &when[0], &used);
	when[1] = (struct when){ .is_now = true, .at = p->now };
	if (code == 0 && used < count)
		code = past_words(p, a->words + used, count - used, &when[1], &more);
	if (code == 0 && used + more < count)
		code = verb_wrong("diff", "'%s' is one argument too many", a->words[used + more]);
	return code;
}

static int run(const struct verb_context *c, int argc, char **argv) {
	const char *as = NULL;
	struct past p = past_begin("diff");
	struct when when[2];
	const struct args_option options[] = { { "--as", ARGS_TEXT, &as, 0, 0 }, { .name = NULL } };
	struct args a = { .verb = "diff", .options = options, .words_min = 1, .words_max = ARGS_WORDS_MAX,
		.wanted = "say from when: " WHEN_FORMS };
	int code = args_take(&a, argc, argv);
	if (code == 0)
		code = take_moments(&p, &a, when);
	if (code == 0)
		code = past_open(c, &p);
	if (code == 0)
		code = compare(c, &p, when, as);
	past_close(&p);
	return code;
}

VERB(diff, "Show what changed between two moments", "WHEN [WHEN] [--as WHO]",
		"  WHEN      as `cadmus at` takes it, one with blanks quoted; without a second one: now\n"
		"  --as WHO  what that person or gateway may see\n"
		"Lines with - are of the earlier moment, those with + of the later one: beliefs and why they changed,\n"
		"claims, settings, goals, sessions, open commands, models, dictionaries, evidence, samples, gaps and\n"
		"counters. "
		"Read from the journal alone; with --machine NAME also when nothing runs.\n"
		"examples:\n"
		"  cadmus diff -10min\n"
		"  cadmus diff 'yesterday 10:05' 10:05\n"
		"  cadmus diff '#0' now --json\n",
		run);
