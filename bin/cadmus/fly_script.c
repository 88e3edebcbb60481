/* fly_script.c - a scenario's YAML, read strictly: an unknown action or key is an error with its line. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "bin/cadmus/args.h"
#include "bin/cadmus/fly.h"

static unsigned line_of(struct fy_node *n) {
	struct fy_token *t = fy_node_get_scalar_token(n);
	const struct fy_mark *m = t ? fy_token_start_mark(t) : NULL;
	return m ? (unsigned)m->line + 1 : 0;
}

static int wrong(const char *path, unsigned line, const char *what, const char *name) {
	return verb_failed("fly", -EINVAL, "%s:%u: %s '%s'", path, line, what, name);
}

/* Is `word` one of the words in `list`? */
static bool has_word(const char *list, const char *word) {
	size_t n = strlen(word);
	for (const char *p = list; (p = strstr(p, word)); p += n)
		if ((p == list || p[-1] == ' ') && (p[n] == 0 || p[n] == ' '))
			return true;
	return strcmp(word, "title") == 0;
}

static const struct fly_kind *find_kind(const char *name) {
	for (unsigned i = 0; i < fly_kind_count; i++)
		if (strcmp(fly_kinds[i].name, name) == 0)
			return &fly_kinds[i];
	return NULL;
}

/* Keys whose values are numbers: any, or those that count something. */
#define ANY_NUMBER "above below advance_m turn_deg"
#define A_COUNT "within_ms for_ms samples target_ms"

static int check_number(const char *path, const struct fly_action *a, const char *key, struct fy_node *value) {
	const char *text = fy_node_is_scalar(value) ? fy_node_get_scalar0(value) : NULL;
	bool counts = has_word(A_COUNT, key);
	double v = 0.0;
	if (strcmp(key, "title") == 0 || (!counts && !has_word(ANY_NUMBER, key)))
		return 0;
	if (text && args_number(text, &v) && (!counts || (v >= 0.0 && v <= 1e9)))
		return 0;
	return verb_failed("fly", -EINVAL, "%s:%u: %s takes a number%s, not '%s'", path, a->line, key,
			counts ? " from 0 to 1000000000" : "", text ? text : "?");
}

static int check_keys(const char *path, const struct fly_action *a) {
	void *i = NULL;
	struct fy_node_pair *pair;
	while (a->args && fy_node_is_mapping(a->args) && (pair = fy_node_mapping_iterate(a->args, &i))) {
		const char *key = fy_node_get_scalar0(fy_node_pair_key(pair));
		if (!key || !has_word(a->kind->keys, key))
			return wrong(path, a->line, "an unknown key of this action:", key ? key : "?");
		if (check_number(path, a, key, fy_node_pair_value(pair)))
			return 1;
	}
	return 0;
}

/* One item of `do`: a mapping with one pair. */
static int read_action(const char *path, struct fy_node *n, struct fly_action *a) {
	void *i = NULL;
	struct fy_node_pair *pair = fy_node_is_mapping(n) ? fy_node_mapping_iterate(n, &i) : NULL;
	struct fy_node *key = pair ? fy_node_pair_key(pair) : NULL;
	const char *name = key ? fy_node_get_scalar0(key) : NULL;
	if (!name)
		return wrong(path, line_of(n), "an action must look like `name: {...}`:", "?");
	*a = (struct fly_action){ find_kind(name), fy_node_pair_value(pair), line_of(key) };
	if (!a->kind)
		return wrong(path, a->line, "no such action:", name);
	return check_keys(path, a);
}

static int read_step(const char *path, struct fy_node *n, struct fly_step *s) {
	struct fy_node *list = fy_node_mapping_lookup_by_string(n, "do", 2);
	struct fy_node *name = fy_node_mapping_lookup_by_string(n, "step", 4);
	struct fy_node *why = fy_node_mapping_lookup_by_string(n, "why", 3);
	void *i = NULL;
	struct fy_node *item;
	s->name = name ? fy_node_get_scalar0(name) : NULL;
	s->why = why && fy_node_get_scalar0(why) ? fy_node_get_scalar0(why) : "";
	if (!s->name || !list || !fy_node_is_sequence(list))
		return wrong(path, line_of(n), "a step needs", "step, do");
	while ((item = fy_node_sequence_iterate(list, &i))) {
		if (s->count == FLY_ACTIONS_MAX)
			return wrong(path, line_of(item), "too many actions in", s->name);
		if (read_action(path, item, &s->actions[s->count++]))
			return 1;
	}
	return 0;
}

static int read_steps(const char *path, struct fy_node *root, struct fly_script *s) {
	struct fy_node *list = fy_node_mapping_lookup_by_string(root, "steps", 5), *item;
	void *i = NULL;
	if (!list || !fy_node_is_sequence(list))
		return wrong(path, 1, "a scenario needs", "steps");
	while ((item = fy_node_sequence_iterate(list, &i))) {
		if (s->count == FLY_STEPS_MAX)
			return wrong(path, line_of(item), "too many steps:", "32 are allowed");
		if (read_step(path, item, &s->steps[s->count++]))
			return 1;
	}
	return s->count > 0 ? 0 : wrong(path, 1, "a scenario needs", "steps");
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

/* What is wrong is collected, not printed. */
static int parse(const char *path, char *text, size_t bytes, struct fly_script *s) {
	struct fy_diag_cfg quiet;
	fy_diag_cfg_default(&quiet);
	quiet.fp = NULL;
	struct fy_diag *diag = fy_diag_create(&quiet);
	if (!diag)
		return verb_failed("fly", -ENOMEM, "no memory to read %s", path);
	fy_diag_set_collect_errors(diag, true);
	struct fy_parse_cfg cfg = { .diag = diag, .flags = FYPCF_QUIET |
			(FYPCF_DEFAULT_DOC & ~(enum fy_parse_cfg_flags)FYPCF_RESOLVE_DOCUMENT) };
	s->document = fy_document_build_from_string(&cfg, text, bytes);
	int code = s->document ? 0 : not_yaml(path, diag);
	fy_diag_destroy(diag);
	return code;
}

static int load(const char *path, struct fly_script *s) {
	s->text = malloc(FLY_TEXT_MAX);
	int n = s->text ? source_read(path, s->text, FLY_TEXT_MAX) : -ENOMEM;
	if (n < 0)
		return verb_failed("fly", n, "cannot read %s: %s", path, source_unread(n, "larger than 256 KiB"));
	return parse(path, s->text, (size_t)n, s);
}

int fly_script_read(const char *path, struct fly_script *s) {
	memset(s, 0, sizeof(*s));
	if (load(path, s))
		return 1;
	struct fy_node *root = fy_document_root(s->document);
	if (!root || !fy_node_is_mapping(root))
		return verb_failed_hint("fly", -EINVAL, "see examples/first-flight.fly.yaml", "%s is not a scenario",
				path);
	struct fy_node *title = fy_node_mapping_lookup_by_string(root, "flight", 6);
	struct fy_node *machine = fy_node_mapping_lookup_by_string(root, "machine", 7);
	struct fy_node *state = fy_node_mapping_lookup_by_string(root, "state", 5);
	const char *keep = state ? fy_node_get_scalar0(state) : NULL;
	s->title = title && fy_node_get_scalar0(title) ? fy_node_get_scalar0(title) : path;
	if (state && !(keep && strcmp(keep, "keep") == 0))
		return wrong(path, line_of(state), "`state` may only be `keep`, not", keep ? keep : "?");
	s->fresh = !state;
	if (!machine || !fy_node_get_scalar0(machine))
		return wrong(path, 1, "a scenario needs", "machine");
	place_machine(path, fy_node_get_scalar0(machine), s);
	return read_steps(path, root, s);
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
	return a->args && fy_node_is_mapping(a->args) ? fy_node_mapping_lookup_by_string(a->args, key, strlen(key))
			: NULL;
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
