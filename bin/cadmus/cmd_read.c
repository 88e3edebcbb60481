/* cmd_read.c - what is believed of keys, as new and as well supported as is asked for; else why that cannot be had. */
#include <math.h>
#include <string.h>
#include "base/msgpack.h"
#include "bin/cadmus/args.h"
#include "bin/cadmus/json.h"
#include "bin/cadmus/machine.h"
#include "bin/cadmus/output.h"
#include "journal/body.h"

#define KEYS_MAX 8u /* of one state: spec/control.md */
#define CAUSAL 2u

struct options {
	const char *as, *max_age, *min_trust;
	uint64_t level, after;
	double max_age_s, least;
};

/* ---- asking ---- */

static int build(struct mp_out *o, const char *const *keys, unsigned count, const struct options *opt) {
	mp_map(o, 4u + !!opt->as + !!opt->after + !!opt->max_age + !!opt->min_trust);
	mp_kv_str(o, "op", "read");
	mp_kv_uint(o, "id", 1);
	mp_kv_uint(o, "level", opt->level);
	if (opt->as)
		mp_kv_str(o, "as", opt->as);
	if (opt->after)
		mp_kv_uint(o, "after", opt->after);
	if (opt->max_age) /* rounded down, but for what binary fractions lack */
		mp_kv_uint(o, "max_age_ms", (uint64_t)(opt->max_age_s * 1e3 + 1e-6));
	if (opt->min_trust)
		mp_kv_f64(o, "min_trust", opt->least);
	mp_str(o, count == 1 ? "key" : "keys");
	if (count > 1)
		mp_array(o, count);
	for (unsigned i = 0; i < count; i++)
		mp_str(o, keys[i]);
	return mp_done(o);
}

/* ---- what cannot be had ---- */

static const char *text_of(const json_t *j, const char *name, const char *otherwise) {
	const char *text = json_string_value(json_object_get(j, name));
	return text ? text : otherwise;
}

/* Of other causes core says itself what to do. */
static const char *hint_of(const char *cause) {
	static const struct {
		const char *cause, *hint;
	} hints[] = {
		{ "age", "`cadmus tell KEY VALUE` tells it anew, a longer --max-age takes it as it is" },
		{ "trust", "`cadmus why KEY` shows who says so, a lower --min-trust takes it as it is" },
		{ "after", "ask again once it is, or with an earlier record --after" },
		{ "room", "`cadmus recall KEY` finds what was ever said of it" },
		{ "nothing", "`cadmus state` shows what is known, `cadmus tell KEY VALUE` adds to it" },
	};
	for (size_t i = 0; i < COUNT_OF(hints); i++)
		if (strcmp(cause, hints[i].cause) == 0)
			return hints[i].hint;
	return "";
}

static int refused(const json_t *j) {
	return verb_failed_named("read", text_of(j, "code", "EUNKNOWN"), hint_of(text_of(j, "cause", "")),
			text_of(j, "text", "it gave no reason"));
}

static bool is_refused(const json_t *j) {
	return json_object_get(j, "code") != NULL;
}

/* ---- showing ---- */

static const char *age_text(double s, char out[32]) {
	const char *unit = fabs(s) < 60 ? "s" : fabs(s) < 3600 ? "min" : fabs(s) < 172800 ? "h" : "d";
	double of = *unit == 's' ? 1 : *unit == 'm' ? 60 : *unit == 'h' ? 3600 : 86400;
	snprintf(out, 32, "%.1f %s", s / of, unit);
	return out;
}

/* A claim is the words of another: none of them moves the terminal. */
static const char *clean(const json_t *j, const char *name, char *out, size_t capacity) {
	return output_text(text_of(j, name, "?"), out, capacity);
}

static double number(const json_t *j, const char *name) {
	return json_number_value(json_object_get(j, name));
}

static void print_claim(const json_t *j) {
	char value[BODY_VALUE_MAX + 1], source[CDM_NAME_MAX], via[CDM_NAME_MAX], age[32];
	printf("%s  (%.2f, said by %s", clean(j, "value", value, sizeof(value)), number(j, "degree"),
			clean(j, "source", source, sizeof(source)));
	clean(j, "via", via, sizeof(via));
	if (via[0] && strcmp(via, source) != 0)
		printf(", through %s", via);
	if (number(j, "witnesses") > 1)
		printf(" and %.0f more", number(j, "witnesses") - 1);
	printf(", %s old, trust %.2f, confidence %.2f, record %.0f)\n", age_text(number(j, "age_ms") / 1e3, age),
			number(j, "trust"), number(j, "confidence"), number(j, "seq"));
}

/* Its exit code. */
static int print_one(const json_t *j) {
	char key[BODY_KEY_MAX + 1];
	const json_t *against = json_object_get(j, "against");
	if (is_refused(j))
		return refused(j);
	printf("%s = ", clean(j, "key", key, sizeof(key)));
	print_claim(j);
	if (against) {
		printf("  otherwise: ");
		print_claim(against);
	}
	return 0;
}

static int print(const struct verb_context *c, json_t *reply) {
	size_t i;
	json_t *one, *beliefs = json_object_get(reply, "beliefs");
	int code = beliefs ? 0 : print_one(reply);
	json_array_foreach(beliefs, i, one)
		code |= print_one(one);
	double at = number(reply, "at");
	if (c->terminal)
		printf("(the state after record %.0f; --after %.0f asks for that or a later one)\n", at, at);
	return code;
}

/* ---- for programs: the names that `state` and `why` have ---- */

static void take(json_t *out, const json_t *from, const char *name, const char *as) {
	json_t *v = json_object_get(from, name);
	if (v)
		json_object_set(out, as, v);
}

static json_t *claim_json(const json_t *j) {
	static const char *const names[][2] = { { "key", "key" }, { "value", "value" }, { "degree", "support" },
		{ "source", "source" }, { "via", "via" }, { "age_ms", "age_ms" }, { "trust", "trust" },
		{ "confidence", "confidence" }, { "seq", "seq" }, { "witnesses", "witnesses" }, };
	json_t *out = json_object();
	for (size_t i = 0; i < COUNT_OF(names); i++)
		take(out, j, names[i][0], names[i][1]);
	return out;
}

static json_t *one_json(const json_t *j) {
	if (is_refused(j))
		return json_pack("{s:O,s:O,s:s,s:s,s:s}", "key", json_object_get(j, "key"), "code",
				json_object_get(j, "code"), "cause", text_of(j, "cause", ""), "text",
				text_of(j, "text", ""), "hint", hint_of(text_of(j, "cause", "")));
	const json_t *against = json_object_get(j, "against");
	json_t *out = claim_json(j);
	json_object_set_new(out, "against", against ? claim_json(against) : json_null());
	return out;
}

/* One key: a belief.  Several: a list, where what cannot be had has its place, too. */
static int print_json(const json_t *reply) {
	size_t i;
	json_t *one, *beliefs = json_object_get(reply, "beliefs"), *list = json_array();
	json_t *all = beliefs ? json_object() : one_json(reply);
	int code = 0;
	take(all, reply, "at", "at");
	take(all, reply, "epoch", "epoch");
	json_array_foreach(beliefs, i, one) {
		json_array_append_new(list, one_json(one));
		code |= is_refused(one);
	}
	if (beliefs)
		json_object_set(all, "beliefs", list);
	json_decref(list);
	return json_print(all) | code;
}

/* ---- the verb ---- */

static int ask(const struct verb_context *c, const char *const *keys, unsigned count, const struct options *opt) {
	static uint8_t message[4096], reply[65536];
	struct mp_out o;
	mp_begin(&o, message, sizeof(message));
	if (build(&o, keys, count, opt) < 0)
		return verb_wrong("read", "that is too long: a key has at most %d bytes", BODY_KEY_MAX);
	ssize_t n = machine_ask(c, "read", message, o.length, 1, reply, sizeof(reply));
	if (n < 0)
		return 1;
	json_t *j = json_from_msgpack(reply, (size_t)n);
	int code = is_refused(j) || !j ? refused(j) : c->json ? print_json(j) : print(c, j);
	json_decref(j);
	return code;
}

/* 0 where there are so many that they can be of one state. */
static int count_keys(const struct args *a, unsigned *count) {
	while (*count < ARGS_WORDS_MAX && a->words[*count])
		++*count;
	if (*count <= KEYS_MAX)
		return 0;
	return verb_wrong("read", "at most %u keys are read of one state, not %u", KEYS_MAX, *count);
}

static int run(const struct verb_context *c, int argc, char **argv) {
	struct options opt = { .as = NULL };
	unsigned count = 0;
	const struct args_option options[] = {
		{ "--level", ARGS_COUNT, &opt.level, 0, 3 },
		{ "--after", ARGS_COUNT, &opt.after, 1, INT64_MAX },
		{ "--max-age", ARGS_TEXT, &opt.max_age, 0, 0 },
		{ "--min-trust", ARGS_TEXT, &opt.min_trust, 0, 0 },
		{ "--as", ARGS_TEXT, &opt.as, 0, 0 },
		{ .name = NULL },
	};
	struct args a = { .verb = "read", .options = options, .words_min = 1, .words_max = ARGS_WORDS_MAX,
		.wanted = "give a key, or several" };
	if (args_take(&a, argc, argv) || count_keys(&a, &count))
		return 2;
	if (opt.max_age && (!args_number(opt.max_age, &opt.max_age_s) || !(opt.max_age_s >= 0 && opt.max_age_s <= 1e9)))
		return verb_wrong("read", "--max-age is a number of seconds, 0 to 1e9, not '%s'", opt.max_age);
	if (opt.min_trust && (!args_number(opt.min_trust, &opt.least) || !(opt.least >= 0 && opt.least <= 1)))
		return verb_wrong("read", "--min-trust is a number from 0 to 1, not '%s'", opt.min_trust);
	if (opt.level == CAUSAL && !opt.after)
		return verb_wrong("read", "--level 2 is of what you have seen: give --after RECORD");
	return ask(c, a.words, count, &opt);
}

VERB(read, "Read what is believed of a key, as new and as well supported as you ask", "KEY... [--max-age SECONDS] ...",
		"  KEY...             at most 8, all of one state\n"
		"  --max-age SECONDS  seen so long ago at most\n"
		"  --min-trust P      0 to 1: supported so well at least\n"
		"  --after RECORD     of a state that has that record: what a `tell` of yours returned, or what\n"
		"                     you were shown before\n"
		"  --level N          what it promises: 0 what is known now (unless told otherwise), 1 the state\n"
		"                     after one record, 2 that with all you have seen (needs --after), 3 as if\n"
		"                     one answer was given after the other, by the owner of the journal's file\n"
		"  --as WHO           what that one is told, whose private facts count as well\n"
		"What cannot be had like that is no older answer, but an error: ESTALE (too old, or not there\n"
		"yet), EACCES (supported too little), ENOENT (nothing is known). Of several keys, those that can\n"
		"be had are shown all the same; with --json the others stand in the list, with code and text.\n"
		"examples:\n"
		"  cadmus read door --max-age 60\n"
		"  cadmus read door window --level 1 --json | jq .at\n",
		run, "0 all that was asked for is shown, 1 some of it cannot be had, and why is said, 2 wrong usage");
