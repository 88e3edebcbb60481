/* fly_script.c - a scenario's YAML, read strictly: what is unknown, or not of its kind, is an error with its line. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "base/utf8.h"
#include "bin/cadmus/args.h"
#include "bin/cadmus/fly.h"
#include "lang/near.h"

/* ---- what there is ---- */

#define TEXT(key) { #key, FLY_IS_TEXT, NULL }
#define NUMBER(key) { #key, FLY_IS_NUMBER, NULL }
#define MS(key) { #key, FLY_IS_MS, NULL }
#define COUNT(key) { #key, FLY_IS_COUNT, NULL }
#define FLAG(key) { #key, FLY_IS_FLAG, NULL }
#define LIST(key) { #key, FLY_IS_LIST, NULL }
#define FACTS(key) { #key, FLY_IS_FACTS, NULL }
#define MEASURE(key) { #key, FLY_IS_MEASURE, NULL }
#define ITEMS(key) { #key, FLY_IS_ITEMS, NULL }
#define WORD(key, word) { #key, FLY_IS_WORD, #word }

#define NONE .names = false
#define NAMES .names = true
#define KEYS(...) .keys = { __VA_ARGS__ }

const struct fly_kind fly_kinds[] = {
#define FLY(name_, arguments, doc) { .name = #name_, arguments },
#include "bin/cadmus/fly.def"
#undef FLY
};

#define END { .name = NULL }

static const struct fly_key root_keys[] = { TEXT(flight), TEXT(machine), WORD(state, keep), ITEMS(steps), END };
static const struct fly_key step_keys[] = { TEXT(step), TEXT(why), ITEMS(do), END };
static const struct fly_key measure_keys[] = { TEXT(name), MS(target_ms), END };

/* ---- places ---- */

static struct fy_node *first_child(struct fy_node *n) {
	void *i = NULL;
	struct fy_node_pair *pair = fy_node_is_mapping(n) ? fy_node_mapping_iterate(n, &i) : NULL;
	return pair ? fy_node_pair_key(pair) : fy_node_is_sequence(n) ? fy_node_sequence_get_by_index(n, 0) : NULL;
}

/* Only scalars know their place; what is empty has that of what it stands in. */
static unsigned line_of(struct fy_node *n, unsigned otherwise) {
	while (n && !fy_node_is_scalar(n))
		n = first_child(n);
	struct fy_token *t = n ? fy_node_get_scalar_token(n) : NULL;
	const struct fy_mark *m = t ? fy_token_start_mark(t) : NULL;
	return m ? (unsigned)m->line + 1 : otherwise;
}

static int wrong(const char *path, unsigned line, const char *what, const char *name) {
	return verb_failed("fly", -EINVAL, "%s:%u: %s '%s'", path, line, what, name);
}

/* As wrong(), with the one of the names that is near. */
static int unknown(const char *path, unsigned line, const char *what, const struct near *near) {
	char hint[128] = "";
	if (near->best)
		snprintf(hint, sizeof(hint), "did you mean '%s'?", near_best(near));
	return verb_failed_hint("fly", -EINVAL, hint, "%s:%u: %s '%s'", path, line, what, near->word);
}

/* ---- values ---- */

/* An alias stands for nothing here. */
static const char *text_of(struct fy_node *n) {
	return n && fy_node_is_scalar(n) && !fy_node_is_alias(n) ? fy_node_get_scalar0(n) : NULL;
}

/* What is empty is in every answer, and checks nothing. */
static bool is_text(struct fy_node *n) {
	const char *t = text_of(n);
	return t && t[0];
}

static bool is_number(struct fy_node *n) {
	double v;
	return is_text(n) && args_number(text_of(n), &v);
}

static bool is_ms(struct fy_node *n) {
	double v;
	return is_text(n) && args_number(text_of(n), &v) && v >= 0.0 && v <= 1e9;
}

static bool is_count(struct fy_node *n) {
	uint64_t v;
	return is_text(n) && args_count(text_of(n), 1, FLY_SAMPLES, &v);
}

static bool is_flag(struct fy_node *n) {
	return is_text(n) && (strcmp(text_of(n), "true") == 0 || strcmp(text_of(n), "false") == 0);
}

static bool is_items(struct fy_node *n) {
	return n && fy_node_is_sequence(n) && fy_node_sequence_item_count(n) > 0;
}

static bool is_list(struct fy_node *n) {
	void *i = NULL;
	struct fy_node *item;
	while (is_items(n) && (item = fy_node_sequence_iterate(n, &i)))
		if (!is_text(item))
			return false;
	return is_items(n);
}

static bool is_map(struct fy_node *n) {
	return n && fy_node_is_mapping(n) && fy_node_mapping_item_count(n) > 0;
}

static bool is_facts(struct fy_node *n) {
	void *i = NULL;
	struct fy_node_pair *pair;
	while (is_map(n) && (pair = fy_node_mapping_iterate(n, &i)))
		if (!is_text(fy_node_pair_key(pair)) || !is_text(fy_node_pair_value(pair)))
			return false;
	return is_map(n);
}

_Static_assert(FLY_SAMPLES == 256, "as is said below");
static const struct {
	bool (*holds)(struct fy_node *n);
	const char *words;
} values[] = {
	[FLY_IS_TEXT] = { is_text, "a text" },
	[FLY_IS_WORD] = { is_text, "a word" },
	[FLY_IS_NUMBER] = { is_number, "a number" },
	[FLY_IS_MS] = { is_ms, "a number from 0 to 1000000000" },
	[FLY_IS_COUNT] = { is_count, "a whole number from 1 to 256" },
	[FLY_IS_FLAG] = { is_flag, "true or false" },
	[FLY_IS_LIST] = { is_list, "a list [...] of at least one text" },
	[FLY_IS_FACTS] = { is_facts, "a map {name: text} of at least one" },
	[FLY_IS_MEASURE] = { is_map, "a map {name, target_ms}" },
	[FLY_IS_ITEMS] = { is_items, "a list of at least one" },
};

static const char *form_of(struct fy_node *n) {
	if (n && fy_node_is_mapping(n))
		return is_map(n) ? "this map" : "an empty map";
	if (n && fy_node_is_sequence(n))
		return is_items(n) ? "this list" : "an empty list";
	return n && fy_node_is_alias(n) ? "an alias" : "nothing";
}

static int wrong_value(const char *path, unsigned line, const char *key, const char *wants, struct fy_node *n) {
	char quoted[80];
	snprintf(quoted, sizeof(quoted), "'%s'", is_text(n) ? text_of(n) : "");
	return verb_failed("fly", -EINVAL, "%s:%u: %s takes %s, not %s", path, line, key, wants,
			is_text(n) ? quoted : form_of(n));
}

/* ---- keys ---- */

static int check_keys(const char *path, unsigned line, struct fy_node *map, const struct fly_key *keys);

static int check_value(const char *path, unsigned line, const struct fly_key *key, struct fy_node *n) {
	char wants[64];
	if (!values[key->value].holds(n))
		return wrong_value(path, line, key->name, values[key->value].words, n);
	snprintf(wants, sizeof(wants), "only `%s`", key->word ? key->word : "");
	const char *text = text_of(n);
	if (key->word && (!text || strcmp(text, key->word) != 0))
		return wrong_value(path, line, key->name, wants, n);
	return key->value == FLY_IS_MEASURE ? check_keys(path, line, n, measure_keys) : 0;
}

static int check_pair(const char *path, unsigned line, struct fy_node_pair *pair, const struct fly_key *keys) {
	const char *name = text_of(fy_node_pair_key(pair));
	struct near near = { .word = name ? name : "?" };
	line = line_of(fy_node_pair_key(pair), line);
	for (; keys->name; keys++) {
		if (strcmp(keys->name, near.word) == 0)
			return check_value(path, line, keys, fy_node_pair_value(pair));
		near_offer(&near, keys->name);
	}
	return unknown(path, line, "no such key:", &near);
}

static int check_keys(const char *path, unsigned line, struct fy_node *map, const struct fly_key *keys) {
	void *i = NULL;
	struct fy_node_pair *pair;
	while ((pair = fy_node_mapping_iterate(map, &i)))
		if (check_pair(path, line, pair, keys))
			return 1;
	return 0;
}

/* ---- actions and steps ---- */

static int check_arguments(const char *path, const struct fly_action *a) {
	struct fy_node *n = a->args;
	if (a->kind->names)
		return is_list(n) ? 0 : wrong_value(path, a->line, a->kind->name, values[FLY_IS_LIST].words, n);
	if (!n || fy_node_is_null(n))
		return 0;
	if (!fy_node_is_mapping(n))
		return wrong_value(path, a->line, a->kind->name, "a map {key: value}", n);
	return check_keys(path, a->line, n, a->kind->keys);
}

static int find_action(const char *path, const char *name, struct fly_action *a) {
	struct near near = { .word = name };
	for (size_t i = 0; i < COUNT_OF(fly_kinds); i++) {
		if (strcmp(fly_kinds[i].name, name) == 0)
			return a->kind = &fly_kinds[i], 0;
		near_offer(&near, fly_kinds[i].name);
	}
	return unknown(path, a->line, "no such action:", &near);
}

/* One item of `do`: a mapping with one pair; a second one would look like a check and be none. */
static int read_action(const char *path, unsigned line, struct fy_node *n, struct fly_action *a) {
	void *i = NULL;
	line = line_of(n, line);
	if (!fy_node_is_mapping(n) || fy_node_mapping_item_count(n) != 1)
		return verb_failed("fly", -EINVAL, "%s:%u: an action is one pair `name: {...}`", path, line);
	struct fy_node_pair *pair = fy_node_mapping_iterate(n, &i);
	const char *name = text_of(fy_node_pair_key(pair));
	*a = (struct fly_action){ .args = fy_node_pair_value(pair), .line = line };
	return find_action(path, name ? name : "?", a) || check_arguments(path, a);
}

static struct fy_node *lookup(struct fy_node *map, const char *key) {
	return fy_node_mapping_lookup_by_string(map, key, strlen(key));
}

static int read_step(const char *path, unsigned line, struct fy_node *n, struct fly_step *s) {
	void *i = NULL;
	struct fy_node *item;
	line = line_of(n, line);
	if (!fy_node_is_mapping(n) || !lookup(n, "step") || !lookup(n, "do"))
		return wrong(path, line, "a step needs", "step, do");
	if (check_keys(path, line, n, step_keys))
		return 1;
	s->name = text_of(lookup(n, "step"));
	s->why = lookup(n, "why") ? text_of(lookup(n, "why")) : "";
	while ((item = fy_node_sequence_iterate(lookup(n, "do"), &i))) {
		if (s->count == FLY_ACTIONS_MAX)
			return wrong(path, line_of(item, line), "too many actions in", s->name);
		if (read_action(path, line, item, &s->actions[s->count++]))
			return 1;
	}
	return 0;
}

static int read_steps(const char *path, struct fy_node *list, struct fly_script *s) {
	void *i = NULL;
	struct fy_node *item;
	while ((item = fy_node_sequence_iterate(list, &i))) {
		if (s->count == FLY_STEPS_MAX)
			return wrong(path, line_of(item, 1), "too many steps:", "32 are allowed");
		if (read_step(path, 1, item, &s->steps[s->count++]))
			return 1;
	}
	return 0;
}

/* The description's path is relative to the scenario's. */
static void place_machine(const char *path, const char *machine, struct fly_script *s) {
	const char *slash = strrchr(path, '/');
	if (machine[0] == '/' || !slash)
		snprintf(s->machine, sizeof(s->machine), "%s", machine);
	else
		snprintf(s->machine, sizeof(s->machine), "%.*s/%s", (int)(slash - path), path, machine);
}

/* libfyaml stopped: the first of what it collected. */
static int not_yaml(const char *path, struct fy_diag *diag) {
	void *seen = NULL;
	struct fy_diag_error *e = fy_diag_errors_iterate(diag, &seen);
	return verb_failed("fly", -EINVAL, "%s:%d:%d: not YAML: %s", path, e ? e->line : 0, e ? e->column : 0,
			e && e->msg ? e->msg : "it cannot be read");
}

/* The only document: what stands in another would look like steps and be none. */
static int load(const char *path, const struct fy_parse_cfg *cfg, struct fly_script *s, size_t bytes) {
	struct fy_parser *fy = fy_parser_create(cfg);
	if (!fy || fy_parser_set_string(fy, s->text, bytes) < 0) {
		fy_parser_destroy(fy);
		return verb_failed("fly", -ENOMEM, "no memory to read %s", path);
	}
	s->document = fy_parse_load_document(fy);
	struct fy_document *more = s->document ? fy_parse_load_document(fy) : NULL;
	bool one = !more;
	fy_parse_document_destroy(fy, more);
	fy_parser_destroy(fy);
	if (fy_diag_got_error(cfg->diag))
		return not_yaml(path, cfg->diag);
	return one ? 0 : verb_failed("fly", -EINVAL, "%s: a scenario is one document, and nothing behind it", path);
}

/* What is wrong is collected, not printed. */
static int parse(const char *path, struct fly_script *s, size_t bytes) {
	struct fy_diag_cfg quiet;
	fy_diag_cfg_default(&quiet);
	quiet.fp = NULL;
	struct fy_diag *diag = fy_diag_create(&quiet);
	if (!diag)
		return verb_failed("fly", -ENOMEM, "no memory to read %s", path);
	fy_diag_set_collect_errors(diag, true);
	struct fy_parse_cfg cfg = { .diag = diag, .flags = FYPCF_QUIET |
			(FYPCF_DEFAULT_DOC & ~(enum fy_parse_cfg_flags)FYPCF_RESOLVE_DOCUMENT) };
	int code = load(path, &cfg, s, bytes);
	fy_diag_destroy(diag);
	return code;
}

int fly_script_parse(struct fly_script *s, const char *path, char *take_text, size_t bytes) {
	*s = (struct fly_script){ .text = take_text };
	if (!utf8_valid(take_text, bytes)) /* libfyaml 0.7.12 comes to no end of it in a directive */
		return verb_failed("fly", -EINVAL, "%s is not valid UTF-8", path);
	if (parse(path, s, bytes))
		return 1;
	struct fy_node *root = s->document ? fy_document_root(s->document) : NULL;
	if (!root || !fy_node_is_mapping(root))
		return verb_failed_hint("fly", -EINVAL, "see examples/first-flight.fly.yaml", "%s is not a scenario",
				path);
	if (check_keys(path, 1, root, root_keys))
		return 1;
	if (!lookup(root, "machine") || !lookup(root, "steps"))
		return wrong(path, 1, "a scenario needs", lookup(root, "machine") ? "steps" : "machine");
	s->title = lookup(root, "flight") ? text_of(lookup(root, "flight")) : path;
	s->fresh = !lookup(root, "state");
	place_machine(path, text_of(lookup(root, "machine")), s);
	return read_steps(path, lookup(root, "steps"), s);
}

void fly_script_free(struct fly_script *s) {
	if (s->document)
		fy_document_destroy(s->document);
	free(s->text);
	s->document = NULL;
	s->text = NULL;
}

/* ---- arguments ---- */

static struct fy_node *arg(const struct fly_action *a, const char *key) {
	return a->args && fy_node_is_mapping(a->args) ? lookup(a->args, key) : NULL;
}

const char *fly_text(const struct fly_action *a, const char *key) {
	struct fy_node *n = arg(a, key);
	return n && fy_node_is_scalar(n) ? fy_node_get_scalar0(n) : NULL;
}

double fly_number(const struct fly_action *a, const char *key, double otherwise) {
	const char *t = fly_text(a, key);
	double v = otherwise;
	return t && args_number(t, &v) ? v : otherwise;
}

bool fly_flag(const struct fly_action *a, const char *key) {
	const char *t = fly_text(a, key);
	return t && strcmp(t, "true") == 0;
}

const char *fly_item(const struct fly_action *a, unsigned n) {
	struct fy_node *item = a->args && fy_node_is_sequence(a->args)
			? fy_node_sequence_get_by_index(a->args, (int)n) : NULL;
	return item && fy_node_is_scalar(item) ? fy_node_get_scalar0(item) : NULL;
}

bool fly_pair(const struct fly_action *a, const char *key, unsigned n, const char **name, const char **value) {
	struct fy_node *list = arg(a, key);
	if (list && fy_node_is_sequence(list)) {
		struct fy_node *item = fy_node_sequence_get_by_index(list, (int)n);
		*name = item ? fy_node_get_scalar0(item) : NULL;
		*value = NULL;
		return *name != NULL;
	}
	void *i = NULL;
	struct fy_node_pair *p = NULL;
	for (unsigned k = 0; list && fy_node_is_mapping(list) && k <= n; k++)
		p = fy_node_mapping_iterate(list, &i);
	if (!p)
		return false;
	*name = fy_node_get_scalar0(fy_node_pair_key(p));
	*value = fy_node_get_scalar0(fy_node_pair_value(p));
	return *name != NULL;
}

bool fly_inner(const struct fly_action *a, const char *key, struct fly_action *out) {
	*out = *a;
	out->args = arg(a, key);
	return out->args && fy_node_is_mapping(out->args);
}

const char *fly_title(const struct fly_action *a, const char *otherwise) {
	const char *t = fly_text(a, "title");
	return t ? t : otherwise;
}
