/* cmd_why.c - what is believed of a key and why; why something moved. */
#include <stdlib.h>
#include <string.h>
#include "bin/cadmus/args.h"
#include "bin/cadmus/beliefs.h"
#include "bin/cadmus/old_plan.h"
#include "bin/cadmus/why.h"

struct asked {
	const char *at, *as;
	struct when when;
	char key[256]; /* words with blanks between */
	bool is_command;
	uint64_t command;
};

/* "command 17" as two words is a command; in quotes it is a key like any other. */
static int take_words(const struct args *a, struct asked *q) {
	size_t n = 0;
	q->is_command = a->words[1] && !a->words[2] && strcmp(a->words[0], "command") == 0 &&
			args_count(a->words[1], 0, INT64_MAX, &q->command);
	for (unsigned i = 0; i < ARGS_WORDS_MAX && a->words[i] && n < sizeof(q->key); i++)
		n += (size_t)snprintf(q->key + n, sizeof(q->key) - n, "%s%s", i ? " " : "", a->words[i]);
	body_fold_key(q->key);
	return q->key[0] ? 0 : verb_wrong("why", "a key is not empty");
}

static int explain(const struct verb_context *c, const struct past *p, const struct asked *q) {
	struct claims_asker room;
	struct moment m;
	int code = past_find(p, &q->when, &m);
	if (code)
		return code;
	struct journal_state *s = past_state(p, &m);
	struct why w = { c, p, &m, s, beliefs_asker(q->as, &room) };
	code = s ? old_plan_has(p, s, q->as) : 1;
	if (code == 0)
		code = q->is_command ? why_command(&w, q->command) : why_key(&w, q->key);
	free(s);
	return code;
}

static int run(const struct verb_context *c, int argc, char **argv) {
	struct asked q = { .at = NULL };
	struct past p = past_begin("why");
	const struct args_option options[] = {
		{ "--at", ARGS_TEXT, &q.at, 0, 0 },
		{ "--as", ARGS_TEXT, &q.as, 0, 0 },
		{ .name = NULL },
	};
	struct args a = { .verb = "why", .options = options, .words_min = 1, .words_max = ARGS_WORDS_MAX,
		.wanted = "say of which key, or `command` and its number" };
	int code = args_take(&a, argc, argv);
	q.when = (struct when){ .is_now = true, .at = p.now };
	if (code == 0)
		code = take_words(&a, &q);
	if (code == 0 && q.at)
		code = past_when(&p, "--at", q.at, &q.when);
	if (code == 0)
		code = past_open(c, &p);
	if (code == 0)
		code = explain(c, &p, &q);
	past_close(&p);
	return code;
}

VERB(why, "Show why something is believed, or was done", "KEY [--at WHEN] [--as WHO] | command NUMBER",
		"  --at WHEN       as it was then: what `cadmus at` takes\n"
		"  --as WHO        what that person or gateway may see\n"
		"  command NUMBER  what was said, what the gate said of it, and how it ended\n"
		"Of a key: what is believed, and of each claim what it counts and why, its record, the words it came\n"
		"from, the records that it derives from, and what its source said before. + says what is believed, -\n"
		"says otherwise. Read from the journal alone; with --machine NAME also when nothing runs.\n"
		"examples:\n"
		"  cadmus why door\n"
		"  cadmus why 'front door' --at 10:05 --json\n"
		"  cadmus why command 17\n",
		run);
