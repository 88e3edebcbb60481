/*
 * utterance.c - a word at a time: cut it into compounds (cut), read it in every way that fits
 * (read_word), then join its readings with those of the words before (join).  A reading writes what
 * it finds straight into a struct utterance_parse, so there is no tree to keep: its shape is text.
 */
#include "sem/utterance.h"

#include <errno.h>
#include <string.h>
#include "sem/phoenician.h"

enum { SCORE_EXACT = 100, SCORE_NEGATION = 90, SCORE_OPERATOR = 80, SCORE_MODIFICATION = 50 };
enum { READ_UNKNOWN = -1, READ_TOO_MUCH = -2 };

/* ---- the table ---- */

static int add_entry(struct utterance_lexicon *l, const char *form, uint32_t sense) {
	struct phoenician_text t;
	if (phoenician_decode(form, strnlen(form, sizeof(l->senses->form)), 0, &t, NULL) < 0)
		return -EPROTO;
	if (t.token_count != 1 || t.tokens[0].kind != PHOENICIAN_LETTER ||
			t.sign_count > UTTERANCE_FORM_MAX)
		return -EPROTO;
	struct utterance_entry *e = &l->entries[l->count];
	*e = (struct utterance_entry){
		.length = (uint8_t)t.sign_count, .sense = (uint16_t)sense, .next = PLAN_NONE
	};
	memcpy(e->signs, t.signs, t.sign_count);
	uint16_t *link = &l->head[e->signs[0]];
	while (*link != PLAN_NONE)
		link = &l->entries[*link].next;
	*link = l->count++;
	return 0;
}

int utterance_lexicon_init(struct utterance_lexicon *l, const struct plan_sense *senses,
		uint32_t first, uint32_t count, uint32_t *bad) {
	memset(l, 0, sizeof(*l));
	memset(l->head, 0xff, sizeof(l->head));
	l->senses = senses;
	if (count > UTTERANCE_SENSES_MAX || first > PLAN_NONE - count)
		return -E2BIG;
	for (uint32_t i = first; i < first + count; i++) {
		int rc = add_entry(l, senses[i].form, i);
		if (rc < 0) {
			if (bad)
				*bad = i;
			return rc;
		}
	}
	return 0;
}

static bool entry_is(const struct utterance_entry *e, const uint8_t *signs, size_t count) {
	return e->length == count && memcmp(e->signs, signs, count) == 0;
}

/* The longest entry that these signs begin with, or PLAN_NONE. */
static uint16_t longest(const struct utterance_lexicon *l, const uint8_t *signs, size_t count) {
	uint16_t best = PLAN_NONE;
	for (uint16_t i = l->head[signs[0]]; i != PLAN_NONE; i = l->entries[i].next) {
		const struct utterance_entry *e = &l->entries[i];
		if (e->length > count || memcmp(e->signs, signs, e->length) != 0)
			continue;
		if (best == PLAN_NONE || e->length > l->entries[best].length)
			best = i;
	}
	return best;
}

/* The n-th entry of the same compound as `entry`, counted around; how many there are. */
static uint16_t nth_sense(
		const struct utterance_lexicon *l, uint16_t entry, unsigned n, unsigned *count) {
	const struct utterance_entry *same = &l->entries[entry];
	uint16_t found[UTTERANCE_PARSES_MAX];
	*count = 0;
	for (uint16_t i = entry; i != PLAN_NONE; i = l->entries[i].next)
		if (*count < UTTERANCE_PARSES_MAX &&
				entry_is(&l->entries[i], same->signs, same->length))
			found[(*count)++] = i;
	CHECK(*count > 0); /* `entry` is one of them */
	return found[n % *count];
}

/* ---- a word in pieces ---- */

struct piece {
	uint8_t first, count; /* signs */
	uint16_t entry;       /* what the table has for them, or PLAN_NONE */
};

struct reader {
	const struct utterance_lexicon *lexicon;
	const uint8_t *signs;
	uint32_t at; /* byte offset of the word */
	unsigned count;
	struct piece pieces[PHOENICIAN_SIGNS_MAX];
	unsigned senses;  /* most senses of one piece */
	unsigned variant; /* which of them this reading takes */
	unsigned unknown; /* piece that the table lacks */
	struct utterance_parse *out;
};

static void cut(struct reader *r, const uint8_t *signs, unsigned count) {
	unsigned senses;
	r->signs = signs;
	r->count = 0;
	r->senses = 1;
	for (unsigned i = 0; i < count;) {
		struct piece *p = &r->pieces[r->count++];
		*p = (struct piece){ (uint8_t)i, 1, longest(r->lexicon, signs + i, count - i) };
		if (p->entry != PLAN_NONE) {
			p->count = r->lexicon->entries[p->entry].length;
			nth_sense(r->lexicon, p->entry, 0, &senses);
			if (senses > r->senses)
				r->senses = senses;
		}
		i += p->count;
	}
}

static bool is_sign(const struct reader *r, unsigned i, uint8_t sign) {
	return r->pieces[i].count == 1 && r->signs[r->pieces[i].first] == sign;
}

/* ---- readings ---- */

static void shape(struct utterance_parse *p, const char *text) {
	size_t have = strlen(p->shape), n = strlen(text), room = sizeof(p->shape) - 1 - have;
	memcpy(p->shape + have, text, n < room ? n : room);
	p->shape[have + (n < room ? n : room)] = 0;
}

static int read_range(struct reader *r, unsigned from, unsigned to, unsigned depth);

static int worst(int a, int b) {
	return a < b ? a : b; /* errors are the worst of all */
}

static int read_piece(struct reader *r, unsigned i) {
	const struct piece *p = &r->pieces[i];
	char text[UTTERANCE_FORM_MAX + 1];
	unsigned senses;
	if (p->entry == PLAN_NONE) {
		r->unknown = i;
		return READ_UNKNOWN;
	}
	const struct utterance_entry *e =
			&r->lexicon->entries[nth_sense(r->lexicon, p->entry, r->variant, &senses)];
	const struct plan_sense *s = &r->lexicon->senses[e->sense];
	if (phoenician_encode_signs(e->signs, e->length, PHOENICIAN_LATIN, text, sizeof(text)) > 0)
		shape(r->out, text);
	if (s->verb == PLAN_VERB_NONE) {
		r->out->acts = false;
		return SCORE_EXACT;
	}
	if (r->out->count == UTTERANCE_INTENTS_MAX)
		return READ_TOO_MUCH;
	r->out->intents[r->out->count++] = (struct utterance_intent){ .verb = s->verb,
		.safety_class = s->safety_class,
		.sense = e->sense,
		.number = s->number_default,
		.at = r->at };
	return SCORE_EXACT;
}

/*
 * Pieces that an operator takes at i, 0 when it is not there.  GAML WAU may be a compound of the
 * table.
 */
static unsigned operator_width(
		const struct reader *r, unsigned i, unsigned to, uint8_t sign, bool with_wau) {
	const uint8_t *s = r->signs + r->pieces[i].first;
	if (!with_wau)
		return is_sign(r, i, sign) ? 1 : 0;
	if (r->pieces[i].count == 2 && s[0] == sign && s[1] == PHOENICIAN_WAU)
		return 1;
	return is_sign(r, i, sign) && i + 1 < to && is_sign(r, i + 1, PHOENICIAN_WAU) ? 2 : 0;
}

/* Where an operator stands between two operands; `to` when it does not. */
static unsigned find_operator(const struct reader *r, unsigned from, unsigned to, uint8_t sign,
		bool with_wau, unsigned *width) {
	for (unsigned i = from + 1; i + 1 < to; i++) {
		*width = operator_width(r, i, to, sign, with_wau);
		if (*width && i + *width < to)
			return i;
	}
	return to;
}

/* name(left,right); a range that is empty is left out. */
static int read_pair(struct reader *r, const char *name, unsigned from, unsigned mid,
		unsigned mid_end, unsigned to, unsigned depth) {
	shape(r->out, name);
	shape(r->out, "(");
	int score = worst(SCORE_OPERATOR, read_range(r, from, mid, depth + 1));
	if (score >= 0 && mid_end < to) {
		shape(r->out, ",");
		score = worst(score, read_range(r, mid_end, to, depth + 1));
	}
	shape(r->out, ")");
	return score;
}

static int read_within(struct reader *r, unsigned from, unsigned to, unsigned depth) {
	unsigned width, inner = find_operator(r, from + 1, to - 1, PHOENICIAN_BET, false, &width);
	r->out->acts = false;
	if (inner == to - 1)
		return read_pair(r, "within", from + 1, to - 1, to, to, depth);
	return read_pair(r, "contains", from + 1, inner, inner + 1, to - 1, depth);
}

static int read_modification(struct reader *r, unsigned from, unsigned to) {
	int score = SCORE_MODIFICATION;
	r->out->acts = false;
	shape(r->out, "modify(");
	for (unsigned i = from; i < to && score >= 0; i++) {
		if (i > from)
			shape(r->out, ",");
		score = worst(score, read_piece(r, i));
	}
	shape(r->out, ")");
	return score;
}

/* Pieces from..to-1 by the first construction that fits. */
static int read_range(struct reader *r, unsigned from, unsigned to, unsigned depth) {
	static const struct {
		uint8_t sign;
		bool with_wau;
		const char *name;
	} operators[] = {
		{ PHOENICIAN_GAML, true, "causes" },
		{ PHOENICIAN_GAML, false, "becomes" },
		{ PHOENICIAN_NUN, false, "emerges" },
		{ PHOENICIAN_MEM, false, "flows" },
		{ PHOENICIAN_WAU, false, "and" },
	};
	if (depth > UTTERANCE_DEPTH_MAX)
		return READ_TOO_MUCH;
	if (to - from == 1)
		return read_piece(r, from);
	if (to - from >= 3 && is_sign(r, from, PHOENICIAN_BET) &&
			is_sign(r, to - 1, PHOENICIAN_BET))
		return read_within(r, from, to, depth);
	for (size_t i = 0; i < COUNT_OF(operators); i++) {
		unsigned width, at = find_operator(r, from, to, operators[i].sign,
						operators[i].with_wau, &width);
		if (at == to)
			continue;
		if (i + 1 < COUNT_OF(operators)) /* the others relate things, and ask for none */
			r->out->acts = false;
		return read_pair(r, operators[i].name, from, at, at + width, to, depth);
	}
	return read_modification(r, from, to);
}

static int read_negation(struct reader *r, unsigned from, unsigned to) {
	unsigned before = r->out->count;
	shape(r->out, "not(");
	int score = worst(SCORE_NEGATION, read_range(r, from, to, 1));
	shape(r->out, ")");
	for (unsigned i = before; i < r->out->count; i++)
		r->out->intents[i].negated = true;
	return score;
}

/*
 * ALF TAU, when the table does not say which: "does not exist" and "is complete" (both in the
 * origin).
 */
static int read_completion(struct reader *r) {
	r->out->acts = false;
	shape(r->out, "complete");
	return SCORE_NEGATION;
}

enum way { WAY_PLAIN, WAY_NEGATED, WAY_LONG_NEGATED, WAY_COMPLETION, WAY_COUNT };

/* Does this way apply at all?  A compound that the table holds whole is nothing but that. */
static bool fits(const struct reader *r, enum way w) {
	unsigned n = r->count;
	bool tau = n >= 2 && is_sign(r, n - 1, PHOENICIAN_TAU), alf = is_sign(r, 0, PHOENICIAN_ALF);
	switch (w) {
	case WAY_PLAIN:
		return !(n == 2 && tau); /* one word and its negation: not a modification */
	case WAY_NEGATED:
		return tau;
	case WAY_LONG_NEGATED:
		return tau && alf && n >= 3;
	case WAY_COMPLETION:
		return tau && alf && n == 2;
	case WAY_COUNT:
		break;
	}
	return false;
}

static int read_way(struct reader *r, enum way w) {
	switch (w) {
	case WAY_PLAIN:
		return read_range(r, 0, r->count, 0);
	case WAY_NEGATED:
		return read_negation(r, 0, r->count - 1);
	case WAY_LONG_NEGATED:
		return read_negation(r, 1, r->count - 1);
	case WAY_COMPLETION:
	case WAY_COUNT:
		break;
	}
	return read_completion(r);
}

struct readings {
	unsigned count;
	int failed; /* READ_UNKNOWN or READ_TOO_MUCH: the last thing that went wrong */
	struct utterance_parse at[UTTERANCE_PARSES_MAX];
};

/* Keep the best ones, best first; of equal ones the earlier. */
static void keep(struct utterance_parse *at, unsigned *count, const struct utterance_parse *p) {
	unsigned i = *count;
	while (i > 0 && at[i - 1].score < p->score)
		i--;
	if (i == UTTERANCE_PARSES_MAX)
		return;
	if (*count < UTTERANCE_PARSES_MAX)
		(*count)++;
	memmove(&at[i + 1], &at[i], (*count - 1 - i) * sizeof(*p));
	at[i] = *p;
}

/* Every reading of the word that was cut last. */
static void read_word(struct reader *r, struct readings *out) {
	out->count = 0;
	out->failed = 0;
	for (int w = 0; w < WAY_COUNT; w++) {
		if (!fits(r, (enum way)w))
			continue;
		for (r->variant = 0; r->variant < r->senses; r->variant++) {
			struct utterance_parse p = { .acts = true };
			r->out = &p;
			int score = read_way(r, (enum way)w);
			if (score < 0) {
				out->failed = score;
				continue;
			}
			p.score = (uint8_t)score;
			keep(out->at, &out->count, &p);
		}
	}
}

/* ---- words in a row ---- */

struct resolver {
	struct reader reader;
	struct utterance *out;
	bool word_before; /* a number here would belong to it */
	uint32_t vague_at,
			idle_at; /* the word with the least margin, the first that moves nothing */
	bool idle;
};

static void refuse(struct utterance *u, enum refusal_code code, uint32_t at, double asked,
		double allowed, const char *what) {
	if (u->refusal.code == REFUSAL_NONE)
		u->refusal = refusal_make(code, at, asked, allowed, what);
}

static void refuse_word(struct resolver *v, const struct phoenician_text *t,
		const struct phoenician_token *k, int failed) {
	const struct piece *p = &v->reader.pieces[v->reader.unknown];
	char text[REFUSAL_WHAT_MAX];
	if (failed == READ_TOO_MUCH) {
		refuse(v->out, REFUSAL_LIMIT, k->at, k->count, UTTERANCE_DEPTH_MAX,
				"nesting or motions of one word");
		return;
	}
	if (phoenician_encode_signs(
			    t->signs + k->first + p->first, p->count, 0, text, sizeof(text)) < 0)
		text[0] = 0;
	refuse(v->out, REFUSAL_UNKNOWN_SYMBOL, k->at, 0, 0, text);
}

/* a, then b; false when there are too many intents. */
static bool append(struct utterance_parse *a, const struct utterance_parse *b) {
	if (a->count + b->count > UTTERANCE_INTENTS_MAX)
		return false;
	memcpy(a->intents + a->count, b->intents, b->count * sizeof(b->intents[0]));
	a->count = (uint8_t)(a->count + b->count);
	a->acts = a->acts && b->acts;
	a->score = (uint8_t)worst(a->score, b->score);
	shape(a, " ");
	shape(a, b->shape);
	return true;
}

/* All parses so far with all readings of one more word. */
static bool join(struct utterance *u, const struct readings *word) {
	struct utterance_parse joined[UTTERANCE_PARSES_MAX + 1];
	unsigned count = 0;
	if (u->parse_count == 0) {
		memcpy(u->parses, word->at, word->count * sizeof(word->at[0]));
		u->parse_count = (uint8_t)word->count;
		return true;
	}
	for (unsigned i = 0; i < u->parse_count; i++) {
		for (unsigned k = 0; k < word->count; k++) {
			struct utterance_parse p = u->parses[i];
			if (!append(&p, &word->at[k]))
				return false;
			keep(joined, &count, &p);
		}
	}
	memcpy(u->parses, joined, count * sizeof(joined[0]));
	u->parse_count = (uint8_t)count;
	return true;
}

static void take_word(struct resolver *v, const struct phoenician_text *t,
		const struct phoenician_token *k) {
	struct readings word;
	v->reader.at = k->at;
	cut(&v->reader, t->signs + k->first, k->count);
	read_word(&v->reader, &word);
	v->word_before = true;
	if (word.failed == READ_TOO_MUCH || word.count == 0) {
		refuse_word(v, t, k, word.failed);
		return;
	}
	int margin = word.count > 1 ? word.at[0].score - word.at[1].score : 100;
	if (margin < v->out->margin) {
		v->out->margin = (uint8_t)margin;
		v->vague_at = k->at;
	}
	if (!word.at[0].acts && !v->idle) {
		v->idle = true;
		v->idle_at = k->at;
	}
	if (!join(v->out, &word))
		refuse(v->out, REFUSAL_LIMIT, k->at, UTTERANCE_INTENTS_MAX + 1,
				UTTERANCE_INTENTS_MAX, "motions");
}

/* A number belongs to the last intent of each parse, if its last word asked for one. */
static void take_number(struct resolver *v, const struct phoenician_token *k) {
	char decimal[5] = { ' ' };
	struct utterance *u = v->out;
	if (!v->word_before) {
		refuse(u, REFUSAL_BAD_NUMBER, k->at, k->number, 0, "a number that follows no word");
		return;
	}
	v->word_before = false;
	for (unsigned p = 100, n = 1; p; p /= 10)
		if (k->number >= p)
			decimal[n++] = (char)('0' + k->number / p % 10);
	for (unsigned i = 0; i < u->parse_count; i++) {
		struct utterance_parse *p = &u->parses[i];
		shape(p, decimal);
		if (p->count && p->acts) {
			p->intents[p->count - 1].number = k->number;
			p->intents[p->count - 1].has_number = true;
		}
	}
}

/* A bare WAU between two words joins them, unless the table binds it to a verb of its own. */
static bool is_joint(const struct resolver *v, const struct phoenician_text *t, unsigned i) {
	const struct utterance_lexicon *l = v->reader.lexicon;
	const struct phoenician_token *k = &t->tokens[i];
	if (i == 0 || i + 1 == t->token_count || k->count != 1 ||
			t->signs[k->first] != PHOENICIAN_WAU)
		return false;
	if (k->kind != PHOENICIAN_LETTER || k[1].kind != PHOENICIAN_LETTER)
		return false;
	uint16_t e = longest(l, t->signs + k->first, 1);
	return e == PLAN_NONE || l->senses[l->entries[e].sense].verb == PLAN_VERB_NONE;
}

static void take_tokens(struct resolver *v, const struct phoenician_text *t) {
	for (unsigned i = 0; i < t->token_count && v->out->refusal.code == REFUSAL_NONE; i++) {
		if (is_joint(v, t, i))
			v->word_before = false;
		else if (t->tokens[i].kind == PHOENICIAN_LETTER)
			take_word(v, t, &t->tokens[i]);
		else
			take_number(v, &t->tokens[i]);
	}
}

static void refuse_text(struct utterance *u, const struct phoenician_error *e) {
	static const uint8_t codes[] = { REFUSAL_NONE, REFUSAL_MALFORMED, REFUSAL_MALFORMED,
		REFUSAL_UNKNOWN_SYMBOL, REFUSAL_BAD_NUMBER, REFUSAL_BAD_NUMBER, REFUSAL_LIMIT,
		REFUSAL_MALFORMED };
	_Static_assert(COUNT_OF(codes) == PHOENICIAN_CODE_COUNT,
			"each error of the script is refused as something");
	bool long_one = e->code == PHOENICIAN_E_TOO_LONG;
	refuse(u, (enum refusal_code)codes[e->code], e->at, long_one ? PHOENICIAN_SIGNS_MAX + 1 : 0,
			long_one ? PHOENICIAN_SIGNS_MAX : 0, phoenician_code_name(e->code));
}

/* Numbers where the table wants them, and nowhere else. */
static void check_number(struct utterance *u, const struct plan_sense *senses,
		const struct utterance_intent *t) {
	const struct plan_sense *s = &senses[t->sense];
	if (t->has_number && s->takes_number == 0)
		refuse(u, REFUSAL_BAD_NUMBER, t->at, t->number, 0, s->gloss);
	if (!t->has_number && s->takes_number == 2)
		refuse(u, REFUSAL_BAD_NUMBER, t->at, 0, PHOENICIAN_NUMBER_MAX, s->gloss);
}

/* The best parse, if it is the only one that counts and asks for motion. */
static void settle(struct resolver *v) {
	struct utterance *u = v->out;
	const struct utterance_parse *best = &u->parses[0];
	unsigned safety = 0;
	if (u->refusal.code != REFUSAL_NONE)
		return;
	for (unsigned i = 0; best->acts && i < best->count; i++)
		if (best->intents[i].safety_class > safety)
			safety = best->intents[i].safety_class;
	if (u->margin < UTTERANCE_MARGIN_MIN || (safety > 0 && u->parse_count > 1))
		refuse(u, REFUSAL_AMBIGUOUS, v->vague_at, u->margin, UTTERANCE_MARGIN_MIN,
				best->shape);
	else if (!best->acts || best->count == 0)
		refuse(u, REFUSAL_NOT_AN_ACTION, v->idle_at, 0, 0, best->shape);
	for (unsigned i = 0; i < best->count; i++)
		check_number(u, v->reader.lexicon->senses, &best->intents[i]);
	if (u->refusal.code != REFUSAL_NONE)
		return;
	u->count = best->count;
	memcpy(u->intents, best->intents, best->count * sizeof(best->intents[0]));
}

void utterance_resolve(const struct utterance_lexicon *l, const char *text, size_t bytes,
		unsigned flags, struct utterance *out) {
	struct phoenician_text t;
	struct phoenician_error e;
	struct resolver v = { .reader = { .lexicon = l }, .out = out };
	memset(out, 0, sizeof(*out));
	out->margin = 100;
	out->stop = phoenician_has_stop(text, bytes, flags);
	if (phoenician_decode(text, bytes, flags, &t, &e) < 0)
		refuse_text(out, &e);
	else
		take_tokens(&v, &t);
	settle(&v);
	for (unsigned i = 0; i < out->parse_count; i++)
		if (!out->parses[i].acts)
			out->parses[i].count = 0;
	if (out->stop) {
		out->count = 1;
		out->intents[0] = (struct utterance_intent){ .verb = PLAN_VERB_STOP,
			.sense = PLAN_NONE };
	}
}
