/*
 * parse.c - text -> tree, by libfyaml's events.
 *
 * Events and not documents: an alias is met before anything could expand it, bounds on depth,
 * number of values and of keys hold while reading, and every value comes with its place.  The text
 * is checked for what YAML would let pass: broken UTF-8, and characters that a terminal would obey.
 */
#include <errno.h>
#include <libfyaml.h>
#include <string.h>
#include "base/utf8.h"
#include "lang/lang_priv.h"

struct parse {
	struct lang *l;
	struct arena *arena;
	struct fy_parser *fy;
	struct fy_diag *diag;
	struct node *stack[LANG_DEPTH_MAX], *last[LANG_DEPTH_MAX]; /* open collections; their last child */
	struct node *key;    /* in a map: met, and waits for its value */
	struct node near;    /* only its place: the last one known, for what has none of its own */
	unsigned depth, documents;
};

static bool is_control(uint32_t c) {
	return c != '\n' && c != '\t' && c != '\r' && utf8_is_control(c);
}

static int check_characters(struct lang *l) {
	struct node at = { .line = 1, .column = 1 };
	for (size_t i = 0, n; i < l->bytes; i += n) {
		uint32_t c;
		n = utf8_next(l->text + i, l->bytes - i, &c);
		if (n == 0)
			return say(l, C0102, &at, NULL), -EINVAL;
		if (is_control(c))
			return say(l, C0103, &at, NULL), -EINVAL;
		at.column++;
		if (c == '\n')
			at.line++, at.column = 1;
	}
	return 0;
}

/* A quoted text can spell what the raw text may not contain, and a variable can hold it. */
bool text_is_clean(const char *s, size_t bytes) {
	for (size_t i = 0, n; i < bytes; i += n) {
		uint32_t c;
		n = utf8_next(s + i, bytes - i, &c);
		if (n == 0 || is_control(c))
			return false;
	}
	return true;
}

static void place(struct parse *p, struct node *n, struct fy_token *t, bool quoted) {
	const struct fy_mark *from = t ? fy_token_start_mark(t) : NULL;
	const struct fy_mark *to = t ? fy_token_end_mark(t) : NULL;
	if (!from || from->line < 0 || from->column < 0)
		return;
	n->line = (uint32_t)from->line + 1;
	n->column = (uint32_t)from->column + 1;
	n->length = 1;
	if (to && to->line == from->line && to->column > from->column)
		n->length = (uint32_t)(to->column - from->column);
	if (quoted && n->column > 1)
		n->column--, n->length += 2;
	p->near = *n;
}

static struct node *new_node(struct parse *p, enum node_kind kind) {
	struct lang *l = p->l;
	if (l->nodes++ == LANG_NODES_MAX)
		return NULL;
	struct node *n = arena_take(p->arena, sizeof(*n));
	n->kind = (uint8_t)kind;
	n->line = p->near.line, n->column = p->near.column, n->length = p->near.length;
	return n;
}

static struct node *key_before(const struct node *map, const char *text) {
	for (struct node *n = map->first; n; n = n->next)
		if (strcmp(n->key->text, text) == 0)
			return n;
	return NULL;
}

/* A map's key: remember it.  -EINVAL when there can be no such key. */
static int take_key(struct parse *p, struct node *n) {
	struct node *map = p->stack[p->depth - 1], *before;
	if (n->kind != NODE_TEXT || n->bytes == 0)
		return say(p->l, C0110, n, NULL), -EINVAL;
	if (map->count == LANG_KEYS_MAX)
		return say(p->l, C0112, n, number_text(p->l, LANG_KEYS_MAX), "keys in one map", NULL), -EINVAL;
	before = key_before(map, n->text);
	if (before)
		say(p->l, C0109, n, n->text, number_text(p->l, before->key->line), NULL);
	p->key = n;
	return 0;
}

/* Put a value where it belongs: under its key, at the end of its list, or at the root. */
static int add(struct parse *p, struct node *n) {
	if (p->depth == 0) {
		p->l->root = n;
		return 0;
	}
	struct node *in = p->stack[p->depth - 1];
	if (in->kind == NODE_MAP && !p->key)
		return take_key(p, n);
	n->key = p->key;
	p->key = NULL;
	if (p->last[p->depth - 1])
		p->last[p->depth - 1]->next = n;
	else
		in->first = n;
	p->last[p->depth - 1] = n;
	in->count++;
	return 0;
}

/* The token of an anchor or alias is its name; the sign before it belongs to it. */
static void no_anchor(struct parse *p, struct fy_token *anchor) {
	struct node at = p->near;
	place(p, &at, anchor, false);
	if (at.column > 1)
		at.column--, at.length++;
	say(p->l, C0105, &at, NULL);
}

static void decorated(struct parse *p, const struct node *n, struct fy_token *anchor, struct fy_token *tag) {
	struct node at = *n;
	if (anchor)
		no_anchor(p, anchor);
	if (tag) {
		place(p, &at, tag, false);
		say(p->l, C0106, &at, NULL);
	}
}

static int too_many(struct parse *p) {
	say(p->l, C0112, &p->near, number_text(p->l, LANG_NODES_MAX), "values", NULL);
	return -EINVAL;
}

static int on_scalar(struct parse *p, struct fy_event *e) {
	struct fy_token *t = e->scalar.value;
	size_t bytes = 0;
	const char *text = t ? fy_token_get_text(t, &bytes) : NULL;
	bool quoted = t && fy_token_scalar_style(t) != FYSS_PLAIN;
	struct node *n = new_node(p, text && (bytes || quoted) ? NODE_TEXT : NODE_NONE);
	if (!n)
		return too_many(p);
	place(p, n, t, quoted);
	n->quoted = quoted;
	n->text = "";
	if (n->kind == NODE_TEXT) {
		if (!text_is_clean(text, bytes))
			return say(p->l, C0103, n, NULL), -EINVAL;
		n->text = arena_copy(p->arena, text, bytes);
		n->bytes = (uint32_t)bytes;
	}
	if (!quoted && (strcmp(n->text, "null") == 0 || strcmp(n->text, "~") == 0))
		n->kind = NODE_NONE;
	decorated(p, n, e->scalar.anchor, e->scalar.tag);
	return add(p, n);
}

static int on_open(struct parse *p, enum node_kind kind, struct fy_token *start, struct fy_token *anchor,
		struct fy_token *tag) {
	struct node *n = new_node(p, kind);
	if (!n)
		return too_many(p);
	place(p, n, start, false);
	decorated(p, n, anchor, tag);
	if (p->depth == LANG_DEPTH_MAX)
		return say(p->l, C0107, n, number_text(p->l, LANG_DEPTH_MAX), NULL), -EINVAL;
	int rc = add(p, n);
	if (rc < 0)
		return rc;
	p->last[p->depth] = NULL;
	p->stack[p->depth++] = n;
	return 0;
}

static int on_document(struct parse *p, struct fy_event *e) {
	struct node at = p->near;
	place(p, &at, e->document_start.document_start, false);
	if (p->documents++)
		return say(p->l, C0108, &at, NULL), -EINVAL;
	struct fy_document_state *s = e->document_start.document_state;
	if (fy_document_state_version_explicit(s) || fy_document_state_tags_explicit(s)) {
		at = (struct node){ .line = 1, .column = 1 };
		return say(p->l, C0113, &at, NULL), -EINVAL;
	}
	return 0;
}

static int on_event(struct parse *p, struct fy_event *e) {
	switch (e->type) {
	case FYET_DOCUMENT_START:
		return on_document(p, e);
	case FYET_ALIAS:
		no_anchor(p, e->alias.anchor);
		return -EINVAL;
	case FYET_SCALAR:
		return on_scalar(p, e);
	case FYET_MAPPING_START:
		return on_open(p, NODE_MAP, e->mapping_start.mapping_start, e->mapping_start.anchor,
				e->mapping_start.tag);
	case FYET_SEQUENCE_START:
		return on_open(p, NODE_LIST, e->sequence_start.sequence_start, e->sequence_start.anchor,
				e->sequence_start.tag);
	case FYET_MAPPING_END:
	case FYET_SEQUENCE_END:
		p->depth--;
		return 0;
	default:
		return 0;
	}
}

/* libfyaml stopped: say what it collected, the first of it. */
static int yaml_error(struct parse *p) {
	void *seen = NULL;
	struct fy_diag_error *e = fy_diag_errors_iterate(p->diag, &seen);
	struct node at = { .line = 1, .column = 1 };
	if (e && e->line > 0 && e->column > 0)
		at.line = (uint32_t)e->line, at.column = (uint32_t)e->column;
	say(p->l, C0104, &at, e && e->msg ? e->msg : "cannot be read", NULL);
	return -EINVAL;
}

static int read_events(struct parse *p) {
	struct fy_event *e;
	int rc = 0;
	while (rc == 0 && (e = fy_parser_parse(p->fy)) != NULL) {
		rc = on_event(p, e);
		fy_parser_event_free(p->fy, e);
	}
	return rc == 0 && fy_parser_get_stream_error(p->fy) ? yaml_error(p) : rc;
}

static int read_text(struct parse *p) {
	struct fy_diag_cfg quiet;
	fy_diag_cfg_default(&quiet);
	quiet.fp = NULL;
	p->diag = fy_diag_create(&quiet);
	if (!p->diag)
		return -ENOMEM;
	fy_diag_set_collect_errors(p->diag, true);
	const struct fy_parse_cfg cfg = { .flags = FYPCF_QUIET | FYPCF_DEFAULT_VERSION_1_2 | FYPCF_JSON_NONE,
		.diag = p->diag };
	p->fy = fy_parser_create(&cfg);
	if (!p->fy || fy_parser_set_string(p->fy, p->l->text, p->l->bytes))
		return -ENOMEM;
	return read_events(p);
}

/* The root must be a map. */
static int check_root(struct lang *l) {
	struct node first = { .line = 1, .column = 1 };
	if (l->root && l->root->kind == NODE_MAP)
		return 0;
	say(l, C0111, l->root && l->root->line ? l->root : &first, l->root ? node_kind_text(l->root) : "empty",
			NULL);
	return -EINVAL;
}

int parse(struct lang *l, struct arena *arena) {
	struct parse p = { .l = l, .arena = arena };
	uint32_t errors = l->errors;
	if (l->bytes > LANG_TEXT_MAX)
		return say(l, C0101, NULL, number_text(l, LANG_TEXT_MAX), NULL), -EINVAL;
	/* Each value takes a byte of text at least, and no escape more than doubles. */
	size_t nodes = l->bytes + 2 < LANG_NODES_MAX ? l->bytes + 2 : LANG_NODES_MAX;
	int rc = arena_init(arena, 4096 + (nodes + 1) * (sizeof(struct node) + 32) + 2 * l->bytes);
	if (rc == 0)
		rc = check_characters(l);
	if (rc == 0 && l->bytes)
		rc = read_text(&p);
	if (p.fy)
		fy_parser_destroy(p.fy);
	if (p.diag)
		fy_diag_destroy(p.diag);
	if (rc == 0)
		rc = check_root(l);
	return rc == 0 && l->errors > errors ? -EINVAL : rc;
}
