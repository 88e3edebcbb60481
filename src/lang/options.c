/*
 * options.c - what goes to drivers, models and gateways as it is.
 *
 * Keys marked in keys.def become options of their own name: text as it stands, lists joined by
 * commas, paths with their variables filled in.  Beside them, for those who start and run processes:
 *
 *      reads          of a model: the names of the fields it reads, that are started
 *      gateway        of a communication: the program that serves its protocol
 *      trust_anchor   "yes" for those
 *      NAME.min .max .default    of Cadmus itself: the range of the setting NAME
 *      journal.KEY    of Cadmus itself: what `journal` and its `classes` say
 */
#include <stdio.h>
#include <string.h>
#include "lang/lang_priv.h"

static void add(struct lang *l, struct entity *e, const char *key, const char *value) {
	struct option *o = arena_take(&l->arena, sizeof(*o));
	*o = (struct option){ .key = key, .value = value };
	if (e->last_option)
		e->last_option->next = o;
	else
		e->options = o;
	e->last_option = o;
	l->machine.option_count++;
}

static const char *copy(struct lang *l, const char *text) {
	return arena_copy(&l->arena, text, strlen(text));
}

/* One more word of a list; false after saying that it is too long. */
static bool join(struct lang *l, char list[PLAN_TEXT_MAX], const char *word, const struct node *at) {
	size_t used = strlen(list);
	if (used + 1 + strlen(word) >= PLAN_TEXT_MAX) {
		say(l, C0306, at, at->key->text, number_text(l, PLAN_TEXT_MAX - 1), NULL);
		return false;
	}
	snprintf(list + used, PLAN_TEXT_MAX - used, "%s%s", used ? "," : "", word);
	return true;
}

static void add_key(struct lang *l, struct entity *e, const struct key *k, const struct node *n) {
	if (k->type == TYPE_PATH) {
		const char *path = n->kind == NODE_TEXT ? expand_path(l, n) : NULL;
		if (path)
			add(l, e, k->name, path);
		return;
	}
	char list[PLAN_TEXT_MAX] = "";
	for (const struct node *i = node_items(n); i; i = node_next(n, i))
		if (i->kind == NODE_TEXT && !join(l, list, i->text, n))
			return;
	add(l, e, k->name, copy(l, list));
}

static void add_keys(struct lang *l, struct entity *e, enum section s, const struct node *map) {
	for (const struct node *n = map && map->kind == NODE_MAP ? map->first : NULL; n; n = n->next) {
		const struct key *k = key_find(s, n->key->text);
		if (k && k->option && n->kind != NODE_NONE)
			add_key(l, e, k, n);
	}
}

static void add_reads(struct lang *l, struct entity *e) {
	const struct node *reads = node_get(e->map, "reads");
	char list[PLAN_TEXT_MAX] = "";
	for (const struct node *i = node_items(reads); i; i = node_next(reads, i)) {
		const struct name *n = i->kind == NODE_TEXT ? name_find(&l->machine, i->text) : NULL;
		struct field *f = n ? (n->entity ? n->entity->fields : n->field) : NULL;
		for (; f; f = n->entity ? f->next_of_owner : NULL)
			if (!f->command && (!f->owner || f->owner->live) && !join(l, list, f->name, reads))
				return;
	}
	if (list[0])
		add(l, e, "reads", copy(l, list));
}

static void add_further(struct lang *l, struct entity *e) {
	const struct node *map = node_get(e->map, "options");
	for (const struct node *n = map && map->kind == NODE_MAP ? map->first : NULL; n; n = n->next)
		if (n->kind == NODE_TEXT)
			add(l, e, n->key->text, n->text);
}

static void add_gateway(struct lang *l, struct entity *e) {
	static const struct {
		const char *protocol, *gateway, *listen;
	} served[] = {
		{ "ollama_http", "http", "127.0.0.1:11434" },
	};
	const char *protocol = node_text(e->map, "protocol");
	for (size_t i = 0; protocol && i < COUNT_OF(served); i++) {
		if (strcmp(served[i].protocol, protocol) != 0)
			continue;
		add(l, e, "gateway", served[i].gateway);
		if (!node_get(e->map, "listen"))
			add(l, e, "listen", served[i].listen);
	}
}

static void options_of(struct lang *l, struct entity *e) {
	add_keys(l, e, e->section, e->map);
	if (e->class == PLAN_SENSOR)
		add_keys(l, e, SECTION_FRAME, node_get(e->map, "frame"));
	if (e->class == PLAN_MODEL)
		add_reads(l, e);
	if (e->class == PLAN_COMMUNICATION)
		add_gateway(l, e);
	add_further(l, e);
	if (e->anchor)
		add(l, e, "trust_anchor", "yes");
}

static void setting_option(struct lang *l, const struct field *f, const char *which, double value) {
	char key[2 * CDM_NAME_MAX], text[40];
	snprintf(key, sizeof(key), "%s.%s", f->name, which);
	snprintf(text, sizeof(text), "%.17g", value);
	add(l, &l->machine.entities[0], copy(l, key), copy(l, text));
}

static void options_of_settings(struct lang *l) {
	for (uint32_t i = 0; i < l->machine.field_count; i++) {
		const struct field *f = &l->machine.fields[i];
		if (f->kind != PLAN_SETTING)
			continue;
		if (f->has_min)
			setting_option(l, f, "min", f->min);
		if (f->has_max)
			setting_option(l, f, "max", f->max);
		setting_option(l, f, "default", f->initial);
	}
}

/* Under names that no setting's bounds have. */
static void add_journal(struct lang *l, enum section s, const struct node *map) {
	for (const struct node *n = map && map->kind == NODE_MAP ? map->first : NULL; n; n = n->next) {
		const struct key *k = key_find(s, n->key->text);
		char name[2 * CDM_NAME_MAX];
		int bytes = k ? snprintf(name, sizeof(name), "journal.%s", k->name) : 0;
		if (k && k->option && n->kind == NODE_TEXT)
			add(l, &l->machine.entities[0], arena_copy(&l->arena, name, (size_t)bytes), n->text);
	}
}

static void options_of_journal(struct lang *l) {
	const struct node *journal = node_get(l->root, "journal");
	add_journal(l, SECTION_JOURNAL, journal);
	add_journal(l, SECTION_CLASSES, node_get(journal, "classes"));
}

/* The same option twice: a key of CDL, and once more under `options`. */
static void check_twice(struct lang *l, const struct entity *e) {
	const struct node *map = node_get(e->map, "options");
	for (const struct node *n = map && map->kind == NODE_MAP ? map->first : NULL; n; n = n->next) {
		unsigned times = 0;
		for (const struct option *o = e->options; o; o = o->next)
			times += strcmp(o->key, n->key->text) == 0;
		if (times > 1)
			say(l, C0222, n->key, n->key->text, NULL);
	}
}

void options(struct lang *l) {
	struct machine *m = &l->machine;
	add_keys(l, &m->entities[0], SECTION_MACHINE, l->root);
	options_of_journal(l);
	options_of_settings(l);
	for (uint32_t i = 1; i < m->entity_count; i++) {
		options_of(l, &m->entities[i]);
		check_twice(l, &m->entities[i]);
	}
}
