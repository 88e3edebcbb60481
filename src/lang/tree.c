/* tree.c - looking into the tree. */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "lang/lang_priv.h"

const struct node *node_get(const struct node *map, const char *key) {
	if (!map || map->kind != NODE_MAP)
		return NULL;
	for (const struct node *n = map->first; n; n = n->next)
		if (strcmp(n->key->text, key) == 0)
			return n->kind == NODE_NONE ? NULL : n;
	return NULL;
}

const struct node *node_key(const struct node *map, const char *key) {
	const struct node *n = node_get(map, key);
	return n ? n->key : map && map->first ? map->first->key : map;
}

const char *node_text(const struct node *map, const char *key) {
	const struct node *n = node_get(map, key);
	return n && n->kind == NODE_TEXT ? n->text : NULL;
}

const struct node *node_items(const struct node *n) {
	if (!n || n->kind == NODE_NONE)
		return NULL;
	return n->kind == NODE_LIST ? n->first : n;
}

const struct node *node_next(const struct node *list, const struct node *item) {
	return list->kind == NODE_LIST ? item->next : NULL;
}

bool node_number(const struct node *n, double *out) {
	if (!n || n->kind != NODE_TEXT || n->quoted || n->bytes == 0 || n->bytes > 40)
		return false;
	if (strspn(n->text, "+-.0123456789eE") != n->bytes)
		return false;
	char *end;
	double x = strtod(n->text, &end);
	if (*end || !isfinite(x))
		return false;
	*out = x;
	return true;
}

double node_number_or(const struct node *map, const char *key, double otherwise) {
	double x;
	return node_number(node_get(map, key), &x) ? x : otherwise;
}

long node_int_or(const struct node *map, const char *key, long otherwise, long min, long max) {
	double x = node_number_or(map, key, (double)otherwise);
	return x >= (double)min && x <= (double)max ? (long)x : otherwise;
}

const char *node_kind_text(const struct node *n) {
	static const char *const texts[] = { "empty", "a scalar", "a map", "a list" };
	return texts[n->kind];
}

bool node_is_name(const char *text, bool dots) {
	if (*text < 'a' || *text > 'z')
		return false;
	for (const char *c = text; *c; c++)
		if (!((*c >= 'a' && *c <= 'z') || (*c >= '0' && *c <= '9') || *c == '_' || (dots && *c == '.')))
			return false;
	return true;
}
