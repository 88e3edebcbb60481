/* cmd_at.c - a machine as it was at a moment: the state whole, or one thing in it. */
#include <stdlib.h>
#include <string.h>
#include "base/clock.h"
#include "bin/cadmus/args.h"
#include "bin/cadmus/at.h"
#include "bin/cadmus/beliefs.h"
#include "bin/cadmus/json.h"
#include "bin/cadmus/old_plan.h"
#include "bin/cadmus/parts.h"
#include "lang/near.h"

static const struct what {
	const char *name;
	int (*show)(const struct at *a, const char *name);
	const char *wants; /* what must be named, NULL: may be left out */
} whats[] = {
	{ "field", at_field, "which field" }, { "fact", at_fact, "which fact" }, { "trust", at_trust, "about whom" },
	{ "goal", at_goal, NULL }, { "session", at_session, NULL }, { "model", at_model, NULL },
};

int64_t at_ns(const struct at *a) {
	return a->moment->when.is_record ? past_time(a->past, a->state).ns : a->moment->when.at.ns;
}

bool at_begin(const struct at *a) {
	if (!a->into)
		past_print(a->past, a->moment, a->state);
	return !a->into;
}

static const struct what *find(const char *name) {
	for (size_t i = 0; i < COUNT_OF(whats); i++)
		if (strcmp(whats[i].name, name) == 0)
			return &whats[i];
	return NULL;
}

static int unknown(const char *name) {
	struct near n = { .word = name };
	for (size_t i = 0; i < COUNT_OF(whats); i++)
		near_offer(&n, whats[i].name);
	return verb_wrong("at", "one cannot ask about '%s'; there are: field, fact, trust, goal, session, model%s%s%s",
			name, n.best ? "; did you mean '" : "", n.best ? n.best : "", n.best ? "'?" : "");
}

/* What follows the moment: nothing, or WHAT and a name, which may have blanks. */
static int take_what(const char *const *words, unsigned count, const struct what **what, char *name, size_t capacity) {
	size_t n = 0;
	*what = count ? find(words[0]) : NULL;
	name[0] = 0;
	if (count && !*what)
		return unknown(words[0]);
	for (unsigned i = 1; i < count && n < capacity; i++)
		n += (size_t)snprintf(name + n, capacity - n, "%s%s", i > 1 ? " " : "", words[i]);
	if (count && (*what)->wants && !name[0])
		return verb_wrong("at", "%s: say %s", words[0], (*what)->wants);
	return 0;
}

static int show(const struct verb_context *c, struct at *a, const struct what *what, const char *name) {
	if (c->json)
		a->into = past_json(a->past, a->moment, a->state);
	int code = what ? what->show(a, name[0] ? name : NULL) : 0;
	if (!what && a->into)
		parts_json(a->state, a->asker, a->into);
	else if (!what && at_begin(a))
		parts_print(a->state, a->asker);
	if (a->into && code == 0)
		code = json_print(json_incref(a->into));
	json_decref(a->into);
	return code;
}

static int look_back(const struct verb_context *c, const struct past *p, const struct when *when, const char *as,
		const struct what *what, const char *name) {
	struct claims_asker room;
	struct moment m;
	int code = past_find(p, when, &m);
	if (code)
		return code;
	struct journal_state *s = past_state(p, &m);
	struct at at = { p, &m, s, beliefs_asker(as, &room), NULL };
	code = s ? old_plan_has(p, s, as) : 1;
	if (code == 0)
		code = show(c, &at, what, name);
	free(s);
	return code;
}

static int run(const struct verb_context *c, int argc, char **argv) {
	const char *as = NULL;
	const struct what *what = NULL;
	struct past p = past_begin("at");
	struct when when;
	char name[256];
	unsigned used = 0, count = 0;
	const struct args_option options[] = { { "--as", ARGS_TEXT, &as, 0, 0 }, { .name = NULL } };
	struct args a = { .verb = "at", .options = options, .words_min = 1, .words_max = ARGS_WORDS_MAX,
		.wanted = "say when: " WHEN_FORMS };
	int code = args_take(&a, argc, argv);
	while (code == 0 && count < ARGS_WORDS_MAX && a.words[count])
		count++;
	if (code == 0)
		code = past_words(&p, a.words, count, &when, &used);
	if (code == 0)
		code = take_what(a.words + used, count - used, &what, name, sizeof(name));
	if (code == 0)
		code = past_open(c, &p);
	if (code == 0)
		code = look_back(c, &p, &when, as, what, name);
	past_close(&p);
	return code;
}

VERB(at, "Show the machine as it was at a moment",
		"WHEN [field NAME|fact KEY|trust NAME|goal [ID]|session [ID]|model [NAME]] [--as WHO]",
		"  WHEN        now, 10:05, yesterday 10:05:07, 2026-11-30 10:05, 2026-11-30T10:05:07Z,\n"
		"              -5min, 2 h ago, or #123: after that record of the journal\n"
		"  field NAME  the sample that was written down last, by its type, and the setting\n"
		"  fact KEY    what was believed of it, and all that was claimed\n"
		"  trust NAME  the evidence about somebody, decayed to that moment, and the plan's word\n"
		"  goal, session, model: those that were; with a name that one, of a session what was said in it\n"
		"  --as WHO    what that person or gateway may see\n"
		"Without more: the whole state, as `cadmus state` shows it. Read from the journal alone; with\n"
		"--machine NAME also when nothing runs.\n"
		"examples:\n"
		"  cadmus at 10:05 fact door\n"
		"  cadmus at yesterday 17:00\n"
		"  cadmus at '#123' trust oracle --json\n",
		run);
