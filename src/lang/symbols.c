/*
 * symbols.c - symbol tables: what the letters mean, as data.
 *
 * A table is a file of its own, read and checked by the same passes (parse, names, types).  Its hash
 * is that of its text, so a machine can pin it, and the journal can say which meaning was meant.  A
 * form may stand there twice with different glosses: then it is ambiguous.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "lang/lang_priv.h"

#define SENSES_MAX 512u
#define FORM_LETTERS_MAX 15u

/* Letters U+10900 to U+10915 and nothing else: F0 90 A4 80 to F0 90 A4 95. */
static bool is_form(const char *s, size_t bytes) {
	const unsigned char *u = (const unsigned char *)s;
	if (bytes == 0 || bytes % 4 || bytes > 4 * FORM_LETTERS_MAX)
		return false;
	for (; *u; u += 4)
		if (u[0] != 0xf0 || u[1] != 0x90 || u[2] != 0xa4 || u[3] < 0x80 || u[3] > 0x95)
			return false;
	return true;
}

static void read_sense(struct sense *s, const struct node *map) {
	const char *verb = node_text(map, "verb"), *number = node_text(map, "number");
	int v = verb ? word_find(TYPE_VERB, 0, verb) : PLAN_VERB_NONE;
	int n = number ? choice_find(CHOICE_NUMBER, number) : 0;
	s->map = map;
	s->form = node_text(map, "form");
	s->gloss = node_text(map, "gloss");
	s->verb = (uint8_t)(v > 0 ? v : PLAN_VERB_NONE);
	s->number = (uint8_t)(n > 0 ? n : 0);
	s->safety = (uint8_t)node_int_or(map, "safety", 0, 0, 3);
	s->initial = (int32_t)node_int_or(map, "default", s->number ? 1 : 0, 0, 999);
	s->evidence = node_number_or(map, "evidence", s->verb ? 20 : 0);
}

static bool counts(unsigned verb) {
	return verb == PLAN_VERB_WALK || verb == PLAN_VERB_TURN || verb == PLAN_VERB_SCAN;
}

static void check_sense(struct lang *l, const struct sense *s) {
	const struct node *number = node_get(s->map, "number"), *safety = node_get(s->map, "safety");
	const struct node *form = node_get(s->map, "form");
	if (!is_form(form->text, form->bytes))
		say(l, C0602, form, form->text, NULL);
	if (s->number && !counts(s->verb))
		say(l, C0605, number, s->gloss, NULL);
	if (s->verb == PLAN_VERB_STOP && s->safety)
		say(l, C0606, safety, NULL);
	if (s->verb && s->verb != PLAN_VERB_STOP && !safety)
		say(l, C0607, node_get(s->map, "verb"), s->form, NULL);
}

static int by_form(const void *a, const void *b) {
	const struct sense *const *x = a, *const *y = b;
	int order = strcmp((*x)->form, (*y)->form);
	return order ? order : (*x < *y ? -1 : 1);
}

/* A pair of senses of one form, `first` being the earlier in the text. */
static void check_pair(struct lang *l, const struct sense *first, const struct sense *second) {
	const struct node *at = node_get(second->map, "form"), *before = node_get(first->map, "form");
	if (strcmp(first->gloss, second->gloss) == 0)
		say(l, C0603, at, second->form, second->gloss, number_text(l, before->line), NULL);
	else if (first->verb || second->verb)
		say(l, C0604, at, second->form, number_text(l, before->line), NULL);
}

static void check_pairs(struct lang *l, struct symbols *s) {
	struct sense **order = arena_take(&s->arena, (s->count + 1) * sizeof(*order));
	for (uint32_t i = 0; i < s->count; i++)
		order[i] = &s->senses[i];
	qsort(order, s->count, sizeof(*order), by_form);
	for (uint32_t i = 1; i < s->count; i++)
		if (strcmp(order[i - 1]->form, order[i]->form) == 0)
			check_pair(l, order[i - 1], order[i]);
}

void symbols_build(struct lang *l, struct symbols *s) {
	const struct node *list = node_get(l->root, "senses");
	uint32_t room = list && list->kind == NODE_LIST ? list->count : 0;
	if (room > SENSES_MAX) {
		say(l, C0112, list->key, number_text(l, SENSES_MAX), "senses", NULL);
		room = SENSES_MAX;
	}
	s->senses = arena_take(&s->arena, (room + 1) * sizeof(*s->senses));
	for (const struct node *i = room ? list->first : NULL; i && s->count < room; i = i->next) {
		if (!node_text(i, "form") || !node_text(i, "gloss"))
			continue; /* names.c has said so */
		read_sense(&s->senses[s->count], i);
		check_sense(l, &s->senses[s->count++]);
	}
	check_pairs(l, s);
}

/* All passes of a table's text.  Its tree stays in s->arena, where its senses point into it. */
static int build(struct lang *l, struct symbols *s) {
	int rc = parse(l, &s->arena);
	if (rc < 0)
		return rc;
	names(l, SECTION_TABLE);
	types(l, SECTION_TABLE);
	symbols_build(l, s);
	return l->errors ? -EINVAL : 0;
}

int lang_check_symbols(const char *text, size_t bytes, struct cdm_diag *diag) {
	struct lang l = { .text = text, .bytes = bytes, .diag = diag };
	struct symbols s = { 0 };
	int rc = build(&l, &s);
	arena_fini(&s.arena);
	return rc;
}

/* The table is another text: its first error is said where it is referred to. */
static int build_apart(struct lang *l, struct symbols *s, const char *text, size_t bytes, const struct node *at) {
	struct cdm_diag *diag = calloc(1, sizeof(*diag));
	struct lang own = { .text = text, .bytes = bytes, .diag = diag };
	int rc = diag ? build(&own, s) : -ENOMEM;
	const char *table = rc == 0 ? node_text(own.root, "table") : NULL;
	for (uint32_t i = 0; rc < 0 && diag && i < diag->count; i++)
		if (diag->at[i].severity == CDM_ERROR) {
			say(l, C0608, at, s->name, number_text(l, diag->at[i].line), diag->at[i].text, NULL);
			break;
		}
	if (table && strcmp(table, s->name) != 0) {
		say(l, C0601, at, table, s->name, NULL);
		rc = -EINVAL;
	}
	free(diag);
	return rc;
}

static bool is_hex(const char *s) {
	return strspn(s, "0123456789abcdef") == strlen(s) && strlen(s) >= 8;
}

/* NAME@HASH: the beginning of the hash, 8 digits at least. */
static void check_pin(struct lang *l, const struct symbols *s, const char *pin, const struct node *at) {
	char text[HASH_TEXT_MAX];
	hash_text(&s->hash, 64, text);
	if (is_hex(pin) && strlen(pin) <= 64 && strncmp(text, pin, strlen(pin)) == 0)
		return;
	text[16] = 0;
	say(l, C0214, at, s->name, text, pin, NULL);
}

static bool may_name_a_table(struct lang *l, const char *name, const struct node *at) {
	bool proper = node_is_name(name, false);
	if (proper && strlen(name) < CDM_NAME_MAX)
		return true;
	if (proper)
		say(l, C0205, at, name, number_text(l, CDM_NAME_MAX - 1), NULL);
	else
		say(l, C0204, at, name, WORD_PLAIN, NULL);
	return false;
}

static struct symbols *load(struct lang *l, const char *name, const struct node *at) {
	struct machine *m = &l->machine;
	const struct lang_options *opt = l->opt;
	char *text = NULL;
	size_t bytes = 0;
	if (!may_name_a_table(l, name, at))
		return NULL;
	if (!opt || !opt->symbols || opt->symbols(opt->ctx, name, &text, &bytes) < 0) {
		say(l, C0213, at, name, NULL);
		return NULL;
	}
	struct symbols *s = &m->symbols[m->symbols_count];
	*s = (struct symbols){ .name = name, .hash = hash_of(text, bytes), .index = (uint16_t)m->symbols_count };
	int rc = build_apart(l, s, text, bytes, at);
	free(text);
	m->symbols_count++; /* a broken one too, so that it is not read again */
	s->broken = rc < 0;
	return s;
}

struct symbols *symbols_load(struct lang *l, const char *reference, const struct node *at) {
	struct machine *m = &l->machine;
	const char *pin = strchr(reference, '@');
	const char *name = arena_copy(&l->arena, reference, pin ? (size_t)(pin - reference) : strlen(reference));
	struct symbols *s = NULL;
	for (uint32_t i = 0; i < m->symbols_count && !s; i++)
		if (strcmp(m->symbols[i].name, name) == 0)
			s = &m->symbols[i];
	if (!s && m->symbols_count == LANG_TABLES_MAX)
		say(l, C0406, at, number_text(l, LANG_TABLES_MAX), "symbol tables", NULL);
	else if (!s)
		s = load(l, name, at);
	if (s && pin)
		check_pin(l, s, pin + 1, at);
	return s && s->broken ? NULL : s;
}
