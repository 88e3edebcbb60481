/*
 * phoenician.c - three small layers.  read_point() turns UTF-8 or an escape into a code point;
 * next() turns code points into lexemes (a sign, a digit, a space, something to skip, something
 * bad); the decoder groups lexemes into tokens.  The search for a stop runs on the same lexemes
 * but steps over the bad ones, so what is a sign to one is a sign to the other.
 */
#include "sem/phoenician.h"

#include <ctype.h>
#include <errno.h>
#include <string.h>
#include "base/utf8.h"

#define SIGNS 0x20u

static const struct phoenician_sign signs[SIGNS] = {
#define PHOENICIAN(cp, kind, name, ascii, value, aliases)                                          \
	[cp - PHOENICIAN_FIRST] = { cp, PHOENICIAN_##kind, ascii, value, name, aliases },
#include "sem/phoenician.def"
#undef PHOENICIAN
};

static const char *const code_names[] = {
	"OK",
#define PHOENICIAN_ERROR(id, text) #id,
#include "sem/phoenician_error.def"
#undef PHOENICIAN_ERROR
};

static const char *const code_texts[] = {
	"a text of the script",
#define PHOENICIAN_ERROR(id, text) text,
#include "sem/phoenician_error.def"
#undef PHOENICIAN_ERROR
};

const struct phoenician_sign *phoenician_sign(unsigned sign) {
	return sign < SIGNS && signs[sign].kind ? &signs[sign] : NULL;
}

const char *phoenician_code_name(enum phoenician_code code) {
	return (unsigned)code < COUNT_OF(code_names) ? code_names[code] : "?";
}

const char *phoenician_code_text(enum phoenician_code code) {
	return (unsigned)code < COUNT_OF(code_texts) ? code_texts[code] : "?";
}

/* Is `name` one of the words of `list`, whatever the case? */
static bool listed(const char *list, const char *name, size_t bytes) {
	while (*list) {
		size_t n = strcspn(list, " ");
		if (n == bytes && strncasecmp(list, name, n) == 0)
			return true;
		list += n + (list[n] == ' ');
	}
	return false;
}

int phoenician_find(const char *name) {
	size_t n = strlen(name);
	for (unsigned i = 0; i < SIGNS; i++) {
		if (!signs[i].kind)
			continue;
		if (strcasecmp(signs[i].name, name) == 0 || listed(signs[i].aliases, name, n))
			return (int)i;
	}
	return -ENOENT;
}

/* ---- bytes to code points ---- */

struct cursor {
	const uint8_t *at, *end;
	unsigned flags;
};

/* The unit of "\uXXXX" at p, or -1. */
static int32_t escape_unit(const uint8_t *p, const uint8_t *end) {
	uint32_t v = 0;
	if (end - p < 6 || p[0] != '\\' || p[1] != 'u')
		return -1;
	for (int i = 2; i < 6; i++) {
		if (!isxdigit(p[i]))
			return -1;
		v = v << 4 | (uint32_t)(isdigit(p[i]) ? p[i] - '0' : (p[i] | 0x20) - 'a' + 10);
	}
	return (int32_t)v;
}

static unsigned escape(const struct cursor *c, uint32_t *point) {
	int32_t high = escape_unit(c->at, c->end);
	if (high < 0 || (high >= 0xdc00 && high <= 0xdfff))
		return 0;
	*point = (uint32_t)high;
	if (high < 0xd800 || high > 0xdbff)
		return 6;
	int32_t low = escape_unit(c->at + 6, c->end);
	if (low < 0xdc00 || low > 0xdfff)
		return 0;
	*point = 0x10000u + ((uint32_t)(high - 0xd800) << 10) + (uint32_t)(low - 0xdc00);
	return 12;
}

static unsigned read_point(const struct cursor *c, uint32_t *point, enum phoenician_code *why) {
	bool escaped = *c->at == '\\';
	size_t left = (size_t)(c->end - c->at);
	unsigned n = escaped ? escape(c, point) : (unsigned)utf8_next((const char *)c->at, left, point);
	*why = n ? PHOENICIAN_OK : escaped ? PHOENICIAN_E_BAD_ESCAPE : PHOENICIAN_E_BAD_UTF8;
	return n;
}

/* ---- code points to lexemes ---- */

enum lex { LEX_END, LEX_SIGN, LEX_DIGIT, LEX_SPACE, LEX_SKIP, LEX_BAD };

struct lexeme {
	enum lex kind;
	uint8_t sign; /* of LEX_SIGN; of LEX_DIGIT the digit */
	enum phoenician_code why;
	uint32_t point;
	const uint8_t *at, *end;
};

static bool is_space(uint32_t p) {
	return p == ' ' || (p >= '\t' && p <= '\r') || p == 0x85 || p == 0xa0 || p == 0x1680 ||
	       (p >= 0x2000 && p <= 0x200a) || p == 0x2028 || p == 0x2029 || p == 0x202f ||
	       p == 0x205f || p == 0x3000;
}

static bool is_bidi(uint32_t p) {
	return p == 0x200e || p == 0x200f || p == 0x061c || (p >= 0x202a && p <= 0x202e) ||
	       (p >= 0x2066 && p <= 0x2069);
}

static bool as_script(uint32_t p, struct lexeme *l) {
	if (p < PHOENICIAN_FIRST || !phoenician_sign(p - PHOENICIAN_FIRST))
		return false;
	l->kind = LEX_SIGN;
	l->sign = (uint8_t)(p - PHOENICIAN_FIRST);
	return true;
}

/* Letters beyond ASCII that the literature writes, already composed. */
static uint32_t composed(uint32_t p) {
	static const struct {
		uint32_t point;
		char ascii;
	} other[] = { { 'A', '\'' }, { '`', 'O' }, { 0x2be, '\'' }, { 0x2bf, 'O' }, { 0x1e25, 'H' },
		{ 0x1e6d, 'T' }, { 0x1e63, 'C' }, { 0x161, 'S' } };
	for (size_t i = 0; i < COUNT_OF(other); i++)
		if (other[i].point == p)
			return (uint8_t)other[i].ascii;
	return p;
}

/* A letter and the combining mark after it; 0 when the two do not make another letter. */
static uint32_t compose(uint32_t letter, uint32_t mark) {
	if (mark == 0x323)
		return letter == 'h' ? 'H' : letter == 't' ? 'T' : letter == 's' ? 'C' : 0;
	return mark == 0x30c && letter == 's' ? 'S' : 0;
}

static bool as_latin(uint32_t p, struct lexeme *l, struct cursor *c) {
	enum phoenician_code why;
	uint32_t mark, joined;
	unsigned n = c->at < c->end ? read_point(c, &mark, &why) : 0;
	if (p >= '0' && p <= '9') {
		l->kind = LEX_DIGIT;
		l->sign = (uint8_t)(p - '0');
		return true;
	}
	if (n && (joined = compose(p, mark)) != 0) {
		c->at += n;
		p = joined;
	} else {
		p = composed(p);
	}
	for (unsigned i = 0; i < SIGNS; i++) {
		if (signs[i].ascii && (uint8_t)signs[i].ascii == p) {
			l->kind = LEX_SIGN;
			l->sign = (uint8_t)i;
			return true;
		}
	}
	return false;
}

static struct lexeme next(struct cursor *c) {
	struct lexeme l = { .kind = LEX_END, .at = c->at, .end = c->at };
	if (c->at == c->end)
		return l;
	unsigned n = read_point(c, &l.point, &l.why);
	c->at += n ? n : 1;
	if (n == 0) {
		l.kind = LEX_BAD;
	} else if (is_space(l.point)) {
		l.kind = LEX_SPACE;
	} else if (is_bidi(l.point)) {
		l.kind = LEX_SKIP;
	} else if (c->flags & PHOENICIAN_LATIN ? !as_latin(l.point, &l, c)
					       : !as_script(l.point, &l)) {
		l.kind = LEX_BAD;
		l.why = PHOENICIAN_E_UNKNOWN_SYMBOL;
	}
	l.end = c->at;
	return l;
}

static struct cursor cursor(const char *text, size_t bytes, unsigned flags) {
	const uint8_t *p = (const uint8_t *)text;
	return (struct cursor){ p, p + bytes, flags };
}

static bool is_letter(const struct lexeme *l) {
	return l->kind == LEX_SIGN && signs[l->sign].kind == PHOENICIAN_LETTER;
}

bool phoenician_has_stop(const char *text, size_t bytes, unsigned flags) {
	struct cursor c = cursor(text, bytes, flags);
	bool letters = false, tau_only = true;
	for (;;) {
		struct lexeme l = next(&c);
		if (l.kind == LEX_SKIP)
			continue;
		if (is_letter(&l)) {
			letters = true;
			tau_only = tau_only && l.sign == PHOENICIAN_TAU;
			continue;
		}
		if (letters && tau_only)
			return true;
		if (l.kind == LEX_END)
			return false;
		letters = false;
		tau_only = true;
	}
}

bool phoenician_is_utterance(const char *text, size_t bytes) {
	struct cursor c = cursor(text, bytes, 0);
	bool letters = false;
	for (;;) {
		struct lexeme l = next(&c);
		if (l.kind == LEX_BAD)
			return false;
		if (l.kind == LEX_END)
			return letters;
		letters = letters || is_letter(&l);
	}
}

/* ---- numbers ---- */

/* How many of signs[at...] are `sign`, at most `most`. */
static size_t run_of(const uint8_t *row, size_t count, size_t at, uint8_t sign, size_t most) {
	size_t n = 0;
	while (n < most && at + n < count && row[at + n] == sign)
		n++;
	return n;
}

/* Units: threes, then one two or some ones; 0..9, or -1 for more than nine. */
static int units(const uint8_t *row, size_t count, size_t *at) {
	size_t threes = run_of(row, count, *at, PHOENICIAN_THREE, 4);
	size_t twos = run_of(row, count, *at + threes, PHOENICIAN_TWO, 1);
	size_t ones = twos ? 0 : run_of(row, count, *at + threes, PHOENICIAN_ONE, 10);
	size_t v = 3 * threes + 2 * twos + ones;
	*at += threes + twos + ones;
	return v <= 9 ? (int)v : -1;
}

static int value_of(const uint8_t *row, size_t count) {
	size_t at = 0;
	int u = units(row, count, &at), v = 0;
	if (u < 0)
		return -EINVAL;
	if (at < count && row[at] == PHOENICIAN_HUNDRED) {
		v = 100 * (u ? u : 1);
		at++;
	} else {
		at = 0;
	}
	size_t twenties = run_of(row, count, at, PHOENICIAN_TWENTY, 4);
	at += twenties;
	size_t tens = run_of(row, count, at, PHOENICIAN_TEN, 1);
	at += tens;
	u = units(row, count, &at);
	if (u < 0 || at != count)
		return -EINVAL;
	v += 20 * (int)twenties + 10 * (int)tens + u;
	return v > 0 ? v : -EINVAL;
}

int phoenician_number_value(const uint8_t *row, size_t count, bool strict) {
	uint8_t canonical[PHOENICIAN_NUMBER_SIGNS_MAX];
	int v = value_of(row, count);
	if (v < 0 || !strict)
		return v;
	int n = phoenician_number_signs((unsigned)v, canonical);
	return n == (int)count && memcmp(canonical, row, count) == 0 ? v : -EINVAL;
}

static int put_units(unsigned u, uint8_t *row, int n) {
	for (unsigned i = 0; i < u / 3; i++)
		row[n++] = PHOENICIAN_THREE;
	if (u % 3)
		row[n++] = u % 3 == 2 ? PHOENICIAN_TWO : PHOENICIAN_ONE;
	return n;
}

int phoenician_number_signs(unsigned number, uint8_t *row) {
	int n = 0;
	if (number == 0 || number > PHOENICIAN_NUMBER_MAX)
		return -EINVAL;
	if (number >= 200)
		n = put_units(number / 100, row, n);
	if (number >= 100)
		row[n++] = PHOENICIAN_HUNDRED;
	for (unsigned i = 0; i < number % 100 / 20; i++)
		row[n++] = PHOENICIAN_TWENTY;
	if (number % 20 >= 10)
		row[n++] = PHOENICIAN_TEN;
	return put_units(number % 10, row, n);
}

/* ---- lexemes to tokens ---- */

struct decoder {
	struct phoenician_text *out;
	struct phoenician_error error;
	const uint8_t *start;
	unsigned flags;
	unsigned seen; /* signs and separators so far */
	struct phoenician_token *open;
	bool decimal; /* the open number is written in digits */
	unsigned digits, number;
};

static bool fail(struct decoder *d, enum phoenician_code code, uint32_t at, uint32_t point) {
	d->error = (struct phoenician_error){ code, at, point };
	if (d->open) {
		d->out->sign_count = d->open->first;
		d->out->token_count--;
		d->open = NULL;
	}
	return false;
}

/* A decimal becomes the signs that a canonical text would have. */
static bool close_decimal(struct decoder *d) {
	struct phoenician_token *t = d->open;
	uint8_t row[PHOENICIAN_NUMBER_SIGNS_MAX];
	int n = d->digits > 3 ? -EINVAL : phoenician_number_signs(d->number, row);
	if (n < 0)
		return fail(d, PHOENICIAN_E_NUMERAL, t->at, 0);
	if (d->flags & PHOENICIAN_STRICT && d->digits != 1u + (d->number > 9) + (d->number > 99))
		return fail(d, PHOENICIAN_E_NUMERAL_FORM, t->at, 0);
	if ((d->seen += (unsigned)n) > PHOENICIAN_SIGNS_MAX)
		return fail(d, PHOENICIAN_E_TOO_LONG, t->at, 0);
	memcpy(d->out->signs + t->first, row, (size_t)n);
	d->out->sign_count = (uint16_t)(t->first + n);
	t->count = (uint16_t)n;
	t->number = (uint16_t)d->number;
	d->open = NULL;
	return true;
}

static bool close_token(struct decoder *d) {
	struct phoenician_token *t = d->open;
	if (!t)
		return true;
	if (d->decimal)
		return close_decimal(d);
	if (t->kind == PHOENICIAN_NUMBER) {
		const uint8_t *row = d->out->signs + t->first;
		int v = phoenician_number_value(row, t->count, false);
		if (v < 0)
			return fail(d, PHOENICIAN_E_NUMERAL, t->at, 0);
		if (d->flags & PHOENICIAN_STRICT &&
				phoenician_number_value(row, t->count, true) < 0)
			return fail(d, PHOENICIAN_E_NUMERAL_FORM, t->at, 0);
		t->number = (uint16_t)v;
	}
	d->open = NULL;
	return true;
}

/*
 * The open token of this kind, a new one if another kind was open; NULL when that could not be
 * closed.
 */
static struct phoenician_token *open_token(
		struct decoder *d, unsigned kind, bool decimal, const struct lexeme *l) {
	struct phoenician_text *t = d->out;
	if (d->open && (d->open->kind != kind || d->decimal != decimal) && !close_token(d))
		return NULL;
	if (!d->open) {
		if (t->token_count == PHOENICIAN_SIGNS_MAX) {
			fail(d, PHOENICIAN_E_TOO_LONG, (uint32_t)(l->at - d->start), 0);
			return NULL;
		}
		d->open = &t->tokens[t->token_count++];
		*d->open = (struct phoenician_token){ .kind = (uint8_t)kind,
			.first = t->sign_count,
			.at = (uint32_t)(l->at - d->start) };
		d->decimal = decimal;
		d->digits = d->number = 0;
	}
	d->open->bytes = (uint32_t)(l->end - d->start) - d->open->at;
	return d->open;
}

static bool take_digit(struct decoder *d, const struct lexeme *l) {
	if (!open_token(d, PHOENICIAN_NUMBER, true, l))
		return false;
	if (d->digits < 4) {
		d->digits++;
		d->number = 10 * d->number + l->sign;
	}
	return true;
}

static bool take_sign(struct decoder *d, const struct lexeme *l) {
	unsigned kind = signs[l->sign].kind;
	if (kind == PHOENICIAN_SEPARATOR && !close_token(d))
		return false;
	if (++d->seen > PHOENICIAN_SIGNS_MAX)
		return fail(d, PHOENICIAN_E_TOO_LONG, (uint32_t)(l->at - d->start), 0);
	if (kind == PHOENICIAN_SEPARATOR)
		return true;
	struct phoenician_token *t = open_token(d, kind, false, l);
	if (!t)
		return false;
	d->out->signs[d->out->sign_count++] = l->sign;
	t->count++;
	return true;
}

/* One lexeme; false when decoding is over, well (code OK) or not. */
static bool take(struct decoder *d, const struct lexeme *l) {
	switch (l->kind) {
	case LEX_SIGN:
		return take_sign(d, l);
	case LEX_DIGIT:
		return take_digit(d, l);
	case LEX_SPACE:
		return close_token(d);
	case LEX_SKIP:
		return true;
	case LEX_BAD:
		return close_token(d) && fail(d, l->why, (uint32_t)(l->at - d->start), l->point);
	case LEX_END:
		if (close_token(d) && d->out->token_count == 0)
			fail(d, PHOENICIAN_E_EMPTY, (uint32_t)(l->at - d->start), 0);
		return false;
	}
	return false;
}

int phoenician_decode(const char *text, size_t bytes, unsigned flags, struct phoenician_text *out,
		struct phoenician_error *error) {
	CHECK(bytes <= UINT32_MAX);
	struct cursor c = cursor(text, bytes, flags);
	struct decoder d = { .out = out, .start = c.at, .flags = flags };
	struct lexeme l;
	out->sign_count = out->token_count = 0;
	do
		l = next(&c);
	while (take(&d, &l));
	if (error)
		*error = d.error;
	if (d.error.code == PHOENICIAN_OK)
		return 0;
	return d.error.code == PHOENICIAN_E_TOO_LONG ? -E2BIG : -EPROTO;
}

/* ---- tokens to text ---- */

struct output {
	char *at, *end; /* end: one byte is kept for the zero */
	bool overflow;
};

static void put(struct output *o, const char *bytes, size_t n) {
	if (o->overflow || n > (size_t)(o->end - o->at)) {
		o->overflow = true;
		return;
	}
	memcpy(o->at, bytes, n);
	o->at += n;
}

static void put_sign(struct output *o, unsigned sign, unsigned flags) {
	char latin = signs[sign].ascii,
	     script[4] = { '\xf0', '\x90', '\xa4', (char)(0x80u | sign) };
	if (flags & PHOENICIAN_LATIN)
		put(o, &latin, 1);
	else
		put(o, script, sizeof(script));
}

static void put_decimal(struct output *o, unsigned n) {
	char digits[3];
	size_t count = 0;
	for (unsigned p = 100; p; p /= 10)
		if (n >= p)
			digits[count++] = (char)('0' + n / p % 10);
	put(o, digits, count);
}

static void put_number(struct output *o, unsigned number, unsigned flags) {
	uint8_t row[PHOENICIAN_NUMBER_SIGNS_MAX];
	int n = phoenician_number_signs(number, row);
	CHECK(n > 0);
	if (flags & PHOENICIAN_LATIN) {
		put_decimal(o, number);
		return;
	}
	for (int i = 0; i < n; i++)
		put_sign(o, row[i], flags);
}

static int finish(struct output *o, const char *start) {
	if (o->overflow)
		return -E2BIG;
	*o->at = 0;
	return (int)(o->at - start);
}

int phoenician_encode(
		const struct phoenician_text *text, unsigned flags, char *out, size_t capacity) {
	CHECK(capacity > 0);
	struct output o = { out, out + capacity - 1, false };
	if (flags & PHOENICIAN_ISOLATED)
		put(&o, "\u2068", 3);
	for (unsigned i = 0; i < text->token_count; i++) {
		const struct phoenician_token *t = &text->tokens[i];
		if (i)
			put_sign(&o, PHOENICIAN_WORD_SEPARATOR, flags);
		if (t->kind == PHOENICIAN_NUMBER) {
			put_number(&o, t->number, flags);
			continue;
		}
		for (unsigned k = 0; k < t->count; k++)
			put_sign(&o, text->signs[t->first + k], flags);
	}
	if (flags & PHOENICIAN_ISOLATED)
		put(&o, "\u2069", 3);
	return finish(&o, out);
}

int phoenician_encode_signs(
		const uint8_t *row, size_t count, unsigned flags, char *out, size_t capacity) {
	CHECK(capacity > 0);
	struct output o = { out, out + capacity - 1, false };
	for (size_t i = 0; i < count; i++) {
		const struct phoenician_sign *s = phoenician_sign(row[i]);
		if (!s || s->kind != PHOENICIAN_LETTER)
			return -EINVAL;
		put_sign(&o, row[i], flags);
	}
	return finish(&o, out);
}
