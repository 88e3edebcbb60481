/* names.c - is every key one that its map can have, are those it needs there, and do values have the right form? */
#include <string.h>
#include "lang/lang_priv.h"

static void check_map(struct lang *l, const struct node *map, enum section s);

static void unknown_key(struct lang *l, const struct node *n, enum section s) {
	struct near near = { .word = n->key->text };
	for (unsigned i = 0; i < keys_count; i++)
		if (keys[i].section == s)
			near_offer(&near, keys[i].name);
	say(l, C0201, n->key, n->key->text, section_text(s), near_best(&near), NULL);
}

static bool has_form(const struct node *n, enum form f) {
	switch (f) {
	case FORM_ONE:
		return n->kind == NODE_TEXT;
	case FORM_EITHER:
		return n->kind == NODE_TEXT || n->kind == NODE_LIST;
	case FORM_LIST:
	case FORM_MAPS:
		return n->kind == NODE_LIST;
	case FORM_MAP:
		return n->kind == NODE_MAP;
	}
	return false;
}

static void wrong_form(struct lang *l, const struct node *n, const char *name, const char *needs) {
	say(l, C0203, n, name, node_kind_text(n), needs, NULL);
}

/* The items of a list: scalars, or maps of a section. */
static void check_items(struct lang *l, const struct node *list, const struct key *k) {
	for (const struct node *i = list->first; i; i = i->next) {
		bool maps = type_form(k->type) == FORM_MAPS;
		if (i->kind != (maps ? NODE_MAP : NODE_TEXT))
			wrong_form(l, i, k->name, maps ? "maps as items" : "scalars as items");
		else if (i->kind == NODE_MAP)
			check_map(l, i, (enum section)k->of);
	}
}

static void check_value(struct lang *l, const struct node *n, const struct key *k) {
	if (!has_form(n, type_form(k->type)))
		wrong_form(l, n, k->name, type_text(k->type));
	else if (n->kind == NODE_LIST)
		check_items(l, n, k);
	else if (k->type == TYPE_MAP)
		check_map(l, n, (enum section)k->of);
}

static void check_required(struct lang *l, const struct node *map, enum section s) {
	for (unsigned i = 0; i < keys_count; i++)
		if (keys[i].section == s && keys[i].required && !node_get(map, keys[i].name))
			say(l, C0202, map->first ? map->first->key : map, section_text(s), keys[i].name, NULL);
}

static void check_map(struct lang *l, const struct node *map, enum section s) {
	for (const struct node *n = map->first; n; n = n->next) {
		const struct key *k = key_find(s, n->key->text);
		if (!k)
			unknown_key(l, n, s);
		else if (n->kind != NODE_NONE || k->required)
			check_value(l, n, k);
	}
	check_required(l, map, s);
}

void names(struct lang *l, enum section root) {
	check_map(l, l->root, root);
}
