/*
 * types.c - does every value fit the type of its key?
 *
 * Values of the wrong form, and unknown keys, are passed by: names.c has spoken of them.  One small
 * function per type, in a table.
 */
#include <math.h>
#include <string.h>
#include "lang/lang_priv.h"

static void check_map(struct lang *l, const struct node *map, enum section s);

static bool number(struct lang *l, const struct node *n, const struct key *k, double *out) {
	if (node_number(n, out)) {
		if (k->min == k->max || (*out >= k->min && *out <= k->max))
			return true;
		say(l, C0302, n, k->name, number_text(l, k->min), number_text(l, k->max), NULL);
		return false;
	}
	double x;
	struct node bare = *n;
	bare.quoted = false;
	say(l, C0301, n, k->name, n->text, n->quoted && node_number(&bare, &x) ? "write it without quotes" : "", NULL);
	return false;
}

static void check_number(struct lang *l, const struct node *n, const struct key *k) {
	double x;
	(void)!number(l, n, k, &x);
}

static void check_int(struct lang *l, const struct node *n, const struct key *k) {
	double x;
	if (number(l, n, k, &x) && (x != floor(x) || strpbrk(n->text, ".eE")))
		say(l, C0303, n, k->name, NULL);
}

/* A class that other kinds of records may have: why this one may not. */
static bool is_other_class(struct lang *l, const struct node *n, const struct key *k) {
	if (k->section != SECTION_CLASSES || choice_find(CHOICE_FIELD_DURABILITY, n->text) < 0)
		return false;
	say(l, C0318, n, k->name, n->text, k->of == CHOICE_FIXED ? k->doc :
			"what is not written down is not in the state: group or full", NULL);
	return true;
}

static void check_word_of_list(struct lang *l, const struct node *n, const struct key *k) {
	if (word_find(k->type, k->of, n->text) >= 0 || is_other_class(l, n, k))
		return;
	char all[256] = "";
	struct near near = { .word = n->text };
	const char *w;
	for (unsigned i = 0; (w = word_at(k->type, k->of, i)) != NULL; i++) {
		size_t used = strlen(all);
		if (used + strlen(w) + 3 < sizeof(all))
			snprintf(all + used, sizeof(all) - used, "%s%s", i ? ", " : "", w);
		near_offer(&near, w);
	}
	say(l, C0304, n, n->text, all, near_best(&near), NULL);
}

static void check_name(struct lang *l, const struct node *n, const struct key *k) {
	/* Fields may have dots in their names; entities may not: entity.field must not be one. */
	bool dots = k->section == SECTION_WRITE || k->section == SECTION_SETTING || k->type == TYPE_NAMES;
	if (!node_is_name(n->text, dots))
		say(l, C0204, n, n->text, dots ? WORD_DOTS : WORD_PLAIN, NULL);
	else if (n->bytes >= CDM_NAME_MAX)
		say(l, C0205, n, n->text, number_text(l, CDM_NAME_MAX - 1), NULL);
}

static void check_text(struct lang *l, const struct node *n, const struct key *k) {
	size_t max = k->section == SECTION_SENSE ? sizeof(((struct plan_sense *)0)->gloss) : PLAN_TEXT_MAX;
	if (n->bytes == 0)
		say(l, C0317, n, k->name, NULL);
	else if (n->bytes >= max)
		say(l, C0306, n, k->name, number_text(l, (double)max - 1), NULL);
}

static void check_word(struct lang *l, const struct node *n, const struct key *k) {
	static const char good[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-+/:@";
	if (n->bytes == 0 || strspn(n->text, good) != n->bytes)
		say(l, C0311, n, n->text, NULL);
	else if (n->bytes >= CDM_NAME_MAX)
		say(l, C0306, n, k->name, number_text(l, CDM_NAME_MAX - 1), NULL);
}

static void check_trust(struct lang *l, const struct node *n, const struct key *k) {
	if (n->count != 3)
		say(l, C0305, n, k->name, NULL);
	for (const struct node *i = n->first; i; i = i->next)
		if (i->kind == NODE_TEXT)
			check_number(l, i, k);
}

static void check_shape(struct lang *l, const struct node *n, const struct key *k) {
	if (n->count == 0 || n->count > CDM_DIMS_MAX)
		say(l, C0310, n, number_text(l, CDM_DIMS_MAX), NULL);
	for (const struct node *i = n->first; i; i = i->next)
		if (i->kind == NODE_TEXT)
			check_int(l, i, k);
}

static void check_unit(struct lang *l, const struct node *n, const struct key *k) {
	(void)k;
	size_t good = 0;
	for (; n->text[good] > ' ' && n->text[good] < 0x7f; good++)
		;
	if (n->bytes == 0 || good != n->bytes || n->bytes >= sizeof(((struct plan_field *)0)->unit))
		say(l, C0314, n, n->text, NULL);
}

static bool all_of(const char *s, size_t n, const char *set) {
	for (size_t i = 0; i < n; i++)
		if (!strchr(set, s[i]))
			return false;
	return n > 0;
}

static bool is_port(const char *s, unsigned least) {
	size_t n = strlen(s);
	unsigned port = 0;
	if (n > 5 || !all_of(s, n, "0123456789"))
		return false;
	for (; *s; s++)
		port = 10 * port + (unsigned)(*s - '0');
	return port >= least && port < 65536;
}

/* ADDRESS:PORT, where an IPv6 address stands in brackets; port 0 is for those who let the kernel choose. */
static bool is_address_and_port(const char *s, unsigned least_port) {
	const char *colon = strrchr(s, ':');
	if (!colon || !is_port(colon + 1, least_port) || colon - s > 47)
		return false;
	if (s[0] == '[')
		return colon - s > 2 && colon[-1] == ']' &&
				all_of(s + 1, (size_t)(colon - s) - 2, "0123456789abcdefABCDEF:.");
	return all_of(s, (size_t)(colon - s), "0123456789.abcdefghijklmnopqrstuvwxyz-");
}

static bool is_loopback(const char *address) {
	static const char *const ours[] = { "127.", "[::1]:", "localhost:" };
	for (size_t i = 0; i < COUNT_OF(ours); i++)
		if (strncmp(address, ours[i], strlen(ours[i])) == 0)
			return true;
	return false;
}

static void check_listen(struct lang *l, const struct node *n, const struct key *k) {
	(void)k;
	if (!is_address_and_port(n->text, 0))
		say(l, C0307, n, n->text, NULL);
	else if (!is_loopback(n->text))
		say(l, C0526, n, n->text, NULL);
}

static void check_bus(struct lang *l, const struct node *n, const struct key *k) {
	(void)k;
	const char *can = strncmp(n->text, "socketcan:", 10) == 0 ? n->text + 10 : NULL;
	const char *udp = strncmp(n->text, "udp:", 4) == 0 ? n->text + 4 : NULL;
	bool group = udp && (strcmp(udp, "auto") == 0 || is_address_and_port(udp, 1));
	bool interface = can && strlen(can) < 16 &&
			all_of(can, strlen(can), "abcdefghijklmnopqrstuvwxyz0123456789_-.");
	if (strcmp(n->text, "auto") != 0 && !group && !interface)
		say(l, C0308, n, n->text, NULL);
}

static void check_version(struct lang *l, const struct node *n, const struct key *k) {
	(void)k;
	if (strcmp(n->text, "1.0") != 0 && strcmp(n->text, "1") != 0)
		say(l, C0309, n, n->text, NULL);
}

/* Further options go to the driver as they are: a word, and a scalar of bounded length. */
static void check_options(struct lang *l, const struct node *n, const struct key *k) {
	(void)k;
	for (const struct node *i = n->first; i; i = i->next) {
		if (!node_is_name(i->key->text, true))
			say(l, C0204, i->key, i->key->text, WORD_DOTS, NULL);
		else if (i->key->bytes >= sizeof(((struct plan_option *)0)->key))
			say(l, C0205, i->key, i->key->text,
					number_text(l, sizeof(((struct plan_option *)0)->key) - 1), NULL);
		if (i->kind != NODE_TEXT)
			say(l, C0203, i, i->key->text, node_kind_text(i), "a scalar", NULL);
		else
			check_text(l, i, &(const struct key){ .name = i->key->text });
	}
}

static void check_nothing(struct lang *l, const struct node *n, const struct key *k) {
	(void)l, (void)n, (void)k;
}

static void (*const checks[TYPE_COUNT])(struct lang *, const struct node *, const struct key *) = {
	[TYPE_OPTIONS] = check_options, [TYPE_NAME] = check_name, [TYPE_NAMES] = check_name,
	[TYPE_REF] = check_nothing, [TYPE_REFS] = check_nothing, [TYPE_WORD] = check_word,
	[TYPE_TEXT] = check_text, [TYPE_PATH] = check_text, [TYPE_INT] = check_int,
	[TYPE_NUMBER] = check_number, [TYPE_TRUST] = check_trust, [TYPE_SHAPE] = check_shape,
	[TYPE_UNIT] = check_unit, [TYPE_SORT] = check_word_of_list, [TYPE_OPERATION] = check_word_of_list,
	[TYPE_DTYPE] = check_word_of_list, [TYPE_VERB] = check_word_of_list,
	[TYPE_CHOICE] = check_word_of_list, [TYPE_CHOICES] = check_word_of_list,
	[TYPE_TABLE] = check_nothing, [TYPE_BUS] = check_bus, [TYPE_LISTEN] = check_listen,
	[TYPE_VERSION] = check_version, [TYPE_FORM] = check_nothing,
};

/* Keys that hold maps and lists of them never come here; every other type has its check. */
static void check_one(struct lang *l, const struct node *n, const struct key *k) {
	CHECK(checks[k->type]);
	checks[k->type](l, n, k);
}

static void check_items(struct lang *l, const struct node *list, const struct key *k) {
	for (const struct node *i = list->first; i; i = i->next) {
		if (k->type == TYPE_MAPS && i->kind == NODE_MAP)
			check_map(l, i, (enum section)k->of);
		else if (k->type != TYPE_MAPS && i->kind == NODE_TEXT)
			check_one(l, i, k);
	}
}

/* By the form that the value has, if it is one that its key takes. */
static void check_value(struct lang *l, const struct node *n, const struct key *k) {
	enum form f = type_form(k->type);
	bool whole = k->type == TYPE_TRUST || k->type == TYPE_SHAPE; /* lists whose length matters */
	if (n->kind == NODE_MAP && f == FORM_MAP && k->type == TYPE_OPTIONS)
		check_options(l, n, k);
	else if (n->kind == NODE_MAP && f == FORM_MAP)
		check_map(l, n, (enum section)k->of);
	else if (n->kind == NODE_LIST && f == FORM_LIST && whole)
		check_one(l, n, k);
	else if (n->kind == NODE_LIST && (f == FORM_LIST || f == FORM_MAPS || f == FORM_EITHER))
		check_items(l, n, k);
	else if (n->kind == NODE_TEXT && (f == FORM_ONE || f == FORM_EITHER))
		check_one(l, n, k);
}

static void check_map(struct lang *l, const struct node *map, enum section s) {
	for (const struct node *n = map->first; n; n = n->next) {
		const struct key *k = key_find(s, n->key->text);
		if (k)
			check_value(l, n, k);
	}
}

void types(struct lang *l, enum section root) {
	check_map(l, l->root, root);
}
