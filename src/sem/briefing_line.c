/*
 * briefing_line.c - one item of a briefing becomes one line.  All that is foreign goes through put_foreign(), which
 * lets no character through that the frame is made of.  Numbers are written here and not by printf(): they are the same
 * in every locale, and a briefing has hundreds.
 */
#include <string.h>
#include "base/clock.h"
#include "base/utf8.h"
#include "sem/briefing_priv.h"

HOT void put(struct briefing_line *l, const char *s, size_t n) {
	CHECK(n <= sizeof(l->text) - l->bytes);
	memcpy(l->text + l->bytes, s, n);
	l->bytes += n;
}

/* A text of ours, mostly a constant. */
HOT void put_text(struct briefing_line *l, const char *text) {
	put(l, text, strlen(text));
}

void briefing_line_put(struct briefing_line *l, const char *text) {
	put_text(l, text);
}

static bool is_empty(const char *text) {
	return !text || !*text;
}

/* ---- foreign texts ---- */

/* What cannot be seen, or turns what is seen: controls, separators, direction, joins of nothing, tags. */
static bool is_hidden(uint32_t c) {
	static const uint32_t ranges[][2] = { { 0, 0x20 }, { 0x7f, 0xa0 }, { 0xad, 0xad }, { 0x61c, 0x61c },
		{ 0x200b, 0x200b }, { 0x200e, 0x200f }, { 0x2028, 0x202f }, { 0x2060, 0x206f }, { 0xfeff, 0xfeff },
		{ 0xfff0, 0xfffb }, { 0xe0000, 0xe0fff } };
	for (size_t i = 0; i < COUNT_OF(ranges); i++)
		if (c >= ranges[i][0] && c <= ranges[i][1])
			return true;
	return false;
}

/* What stands for a character of ASCII that our frame is made of; NULL: itself. */
static const char *neutral(char c) {
	switch (c) {
	case '(':
	case '[':
	case '{':
	case '<':
		return "‹";
	case ')':
	case ']':
	case '}':
	case '>':
		return "›";
	case '=':
		return ":";
	case ';':
		return ",";
	case '"':
		return "'";
	case '#':
		return "＃";
	default:
		return NULL;
	}
}

#define BIT(c) (UINT64_C(1) << ((c) & 63))

/* ASCII that is shown as it is: neither hidden nor known to neutral().  Bits, because most of all texts are that. */
static bool is_plain(uint8_t c) {
	static const uint64_t frame[2] = { BIT('"') | BIT('#') | BIT('(') | BIT(')') | BIT(';') | BIT('<') | BIT('=') |
			BIT('>'), BIT('[') | BIT(']') | BIT('{') | BIT('}') };
	return c > 0x20 && c < 0x7f && !(frame[c >> 6] >> (c & 63) & 1);
}

/* What is shown of a text in one go: plain letters, or one other character; bare of bytes when that is hidden. */
struct piece {
	const char *shown;
	size_t bytes, read; /* of what is shown, and of the text it stands for */
	bool plain;
};

static struct piece next_piece(const char *s, size_t room) {
	struct piece p = { s, 0, 1, false };
	uint32_t code = (uint8_t)*s;
	while (is_plain((uint8_t)s[p.bytes]) && (p.bytes == 0 || p.bytes < room))
		p.bytes++;
	if (p.bytes > 0) {
		p.plain = true;
		p.read = p.bytes;
	} else if (code >= 0x80 && (p.read = utf8_next(s, strnlen(s, 4), &code)) == 0) {
		p = (struct piece){ "?", 1, 1, false };
	} else if (code < 0x80 && neutral(*s)) {
		p.shown = neutral(*s);
		p.bytes = strlen(p.shown);
	} else if (!is_hidden(code)) {
		p.bytes = p.read;
	}
	return p;
}

/*
 * At most `most` bytes of a text: what is hidden becomes a blank, rows of blanks one, none at the ends.  What is longer
 * is cut before a character and ends in "…".
 */
static void put_foreign(struct briefing_line *l, const char *s, size_t most) {
	static const char cut[] = "…";
	size_t from = l->bytes, safe = from, last = from + most - (sizeof(cut) - 1);
	bool gap = false;
	for (struct piece p; s && *s; s += p.read) {
		size_t begun = l->bytes - from;
		p = next_piece(s, most - begun - (gap && begun < most));
		if (p.bytes == 0) {
			gap = begun > 0;
			continue;
		}
		if (begun + gap + p.bytes > most) {
			l->bytes = safe;
			put(l, cut, sizeof(cut) - 1);
			return;
		}
		if (gap)
			put(l, " ", 1);
		put(l, p.shown, p.bytes);
		if (l->bytes <= last)
			safe = l->bytes;
		else if (p.plain && l->bytes - p.bytes < last) /* between any two letters of it */
			safe = last;
		gap = false;
	}
}

/* ---- numbers ---- */

static void put_count(struct briefing_line *l, uint64_t n) {
	char digits[20];
	size_t at = sizeof(digits);
	do
		digits[--at] = (char)('0' + n % 10);
	while ((n /= 10) > 0);
	put(l, digits + at, sizeof(digits) - at);
}

/* `n` / 10^places, without zeros at the end of the fraction. */
static void put_decimal(struct briefing_line *l, uint64_t n, unsigned places) {
	uint64_t one = 1;
	for (; places > 0 && n % 10 == 0; places--)
		n /= 10;
	for (unsigned i = 0; i < places; i++)
		one *= 10;
	put_count(l, n / one);
	if (places == 0)
		return;
	put(l, ".", 1);
	while ((one /= 10) > 0)
		put(l, &"0123456789"[n / one % 10], 1);
}

static void put_more(struct briefing_line *l, const char *before, uint64_t n) {
	put_text(l, before);
	put_count(l, n);
	put_text(l, " more");
}

/* A share of 0..1 with so many places, rounded. */
static void put_share(struct briefing_line *l, double share, unsigned places) {
	unsigned one = places == 1 ? 10 : 100;
	double part = share >= 1 ? 1 : share > 0 ? share : 0;
	unsigned n = (unsigned)(part * one + 0.5);
	put_count(l, n / one);
	put(l, ".", 1);
	if (places > 1)
		put(l, &"0123456789"[n / 10 % 10], 1);
	put(l, &"0123456789"[n % 10], 1);
}

/* Four digits of a number > 0, 1000..9999, that are worth 10^*exponent each. */
static uint64_t four_digits(double x, int *exponent) {
	int e = 0;
	for (; x >= 1e13; e += 10)
		x /= 1e10;
	for (; x >= 9999.5; e++)
		x /= 10;
	for (; x < 1e-7; e -= 10)
		x *= 1e10;
	for (; x < 999.95; e--)
		x *= 10;
	uint64_t n = (uint64_t)(x + 0.5);
	*exponent = n > 9999 ? e + 1 : e;
	return n > 9999 ? n / 10 : n;
}

/* Four digits that count: 9.81, -0.0012, 21500, 1.5e-09. */
static void put_number(struct briefing_line *l, double x) {
	int e = 0;
	if (x != x || x - x != 0) {
		put_text(l, x != x ? "no number" : x > 0 ? "infinite" : "-infinite");
		return;
	}
	if (x < 0)
		put(l, "-", 1);
	uint64_t n = x == 0 ? 0 : four_digits(x < 0 ? -x : x, &e);
	bool plain = e >= -7 && e <= 3;
	for (; plain && e > 0; e--)
		n *= 10;
	put_decimal(l, n, plain ? (unsigned)-e : 3);
	if (plain)
		return;
	put_text(l, e + 3 < 0 ? "e-" : "e");
	put_count(l, (uint64_t)(e + 3 < 0 ? -(e + 3) : e + 3));
}

/* How long ago, in steps that grow with it, so that the text seldom changes: it never sinks as the age grows. */
static void put_ago(struct briefing_line *l, int64_t age_ns) {
	static const struct {
		int64_t below, step, unit; /* seconds */
		const char *name;
	} scales[] = { { 10, 1, 1, " s ago" }, { 60, 10, 1, " s ago" }, { 600, 60, 60, " min ago" },
		{ 3600, 300, 60, " min ago" }, { 86400, 3600, 3600, " h ago" }, { INT64_MAX, 86400, 86400, " d ago" } };
	int64_t s = age_ns > 0 ? age_ns / NS_PER_S : 0;
	size_t i = 0;
	if (s == 0) {
		put_text(l, "now");
		return;
	}
	while (s >= scales[i].below)
		i++;
	put_count(l, (uint64_t)(s / scales[i].step * scales[i].step / scales[i].unit));
	put_text(l, scales[i].name);
}

/* ---- where it comes from ---- */

/* The brackets behind an item: opened by the first thing that stands in them. */
struct origin {
	struct briefing_line *line;
	bool open;
};

static void next(struct origin *o) {
	put_text(o->line, o->open ? ", " : " (");
	o->open = true;
}

static void say_who(struct origin *o, const char *who) {
	size_t before = o->line->bytes;
	bool was_open = o->open;
	if (is_empty(who))
		return;
	next(o);
	size_t from = o->line->bytes;
	put_foreign(o->line, who, BRIEFING_KEY_MAX);
	if (o->line->bytes == from) { /* nothing that can be seen */
		o->line->bytes = before;
		o->open = was_open;
	}
}

static void say_when(struct origin *o, int64_t age_ns) {
	next(o);
	put_ago(o->line, age_ns);
}

static void say_record(struct origin *o, uint64_t record) {
	if (record == 0)
		return;
	next(o);
	put(o->line, "r", 1);
	put_count(o->line, record);
}

/* `what` and a share; nothing for what is no number. */
static void say_share(struct origin *o, const char *what, double share, unsigned places) {
	if (share != share)
		return;
	next(o);
	put_text(o->line, what);
	put_share(o->line, share, places);
}

static void end(struct origin *o) {
	if (o->open)
		put(o->line, ")", 1);
}

/* ---- items ---- */

static void put_goal(struct briefing_line *l, const struct briefing_goal *g) {
	struct origin o = { l, false };
	put_foreign(l, g->mark.key, BRIEFING_TEXT_MAX);
	if (g->over)
		put_text(l, " is no longer a goal");
	say_who(&o, g->mark.who);
	say_record(&o, g->mark.record);
	end(&o);
}

static void put_word(struct briefing_line *l, const struct briefing_word *w) {
	struct origin o = { l, false };
	put_foreign(l, w->mark.key, BRIEFING_KEY_MAX);
	put_text(l, " = ");
	put_foreign(l, w->meaning, BRIEFING_TEXT_MAX);
	say_who(&o, w->mark.who);
	say_record(&o, w->mark.record);
	end(&o);
}

static void put_rival(struct briefing_line *l, const struct briefing_belief *b) {
	const struct briefing_rival *r = &b->rival;
	struct origin o = { l, true };
	put_text(l, "; ");
	put_foreign(l, is_empty(r->who) ? "another" : r->who, BRIEFING_KEY_MAX);
	put_text(l, " said ");
	put_foreign(l, r->value, BRIEFING_TEXT_MAX);
	put(l, " ", 1);
	put_ago(l, r->age_ns);
	say_share(&o, "", r->confidence, 2);
	say_record(&o, r->record);
	if (b->rivals > 1)
		put_more(l, "; and ", b->rivals - 1);
}

static void put_belief(struct briefing_line *l, const struct briefing_belief *b, bool old) {
	struct origin o = { l, false };
	put_foreign(l, b->mark.key, BRIEFING_KEY_MAX);
	put_text(l, is_empty(b->value) ? " is no longer known" : " = ");
	put_foreign(l, b->value, BRIEFING_TEXT_MAX);
	say_who(&o, b->mark.who);
	if (!old)
		say_when(&o, b->mark.age_ns);
	say_share(&o, "", b->confidence, old ? 1 : 2);
	say_share(&o, "trust ", b->trust, old ? 1 : 2);
	say_record(&o, b->mark.record);
	if (b->rivals > 0)
		put_rival(l, b);
	end(&o);
}

static void put_turn(struct briefing_line *l, const struct briefing_turn *t) {
	struct origin o = { l, true };
	put_foreign(l, is_empty(t->mark.who) ? "somebody" : t->mark.who, BRIEFING_KEY_MAX);
	say_when(&o, t->mark.age_ns);
	say_record(&o, t->mark.record);
	put_text(l, ": \"");
	put_foreign(l, t->user, BRIEFING_TEXT_MAX);
	put_text(l, is_empty(t->answer) ? "\"" : "\" answered \"");
	put_foreign(l, t->answer, BRIEFING_TEXT_MAX);
	put_text(l, is_empty(t->answer) ? "" : "\"");
}

static void put_value(struct briefing_line *l, const struct briefing_field *f) {
	if (f->text) {
		put_foreign(l, f->text, BRIEFING_TEXT_MAX);
		return;
	}
	for (uint32_t i = 0; i < f->number_count && i < BRIEFING_NUMBERS_MAX; i++) {
		put_text(l, i ? ", " : "");
		put_number(l, f->numbers[i]);
	}
}

static void put_field(struct briefing_line *l, const struct briefing_field *f) {
	struct origin o = { l, false };
	put_foreign(l, f->mark.key, BRIEFING_KEY_MAX);
	put_text(l, " = ");
	put_value(l, f);
	if (!is_empty(f->unit) && strcmp(f->unit, "1") != 0) {
		put(l, " ", 1);
		put_foreign(l, f->unit, BRIEFING_KEY_MAX);
	}
	if (!f->text && f->number_count > BRIEFING_NUMBERS_MAX)
		put_more(l, " and ", f->number_count - BRIEFING_NUMBERS_MAX);
	say_who(&o, f->mark.who);
	say_when(&o, f->mark.age_ns);
	say_share(&o, "trust ", f->trust, 2);
	say_record(&o, f->mark.record);
	if (f->status != CDM_OK) {
		next(&o);
		put_text(l, cdm_status_name((enum cdm_status)f->status));
	}
	end(&o);
}

static void put_focus(struct briefing_line *l, const struct briefing_mark *m) {
	struct origin o = { l, false };
	put_foreign(l, m->key, BRIEFING_TEXT_MAX);
	say_who(&o, m->who);
	say_when(&o, m->age_ns);
	say_share(&o, "weight ", m->weight, 2);
	say_record(&o, m->record);
	end(&o);
}

void briefing_line_item(struct briefing_line *l, enum briefing_section section, const struct briefing_mark *mark) {
	const void *item = mark;
	l->bytes = 0;
	put(l, "- ", 2);
	switch (section) {
	case BRIEFING_GOALS:
		put_goal(l, item);
		break;
	case BRIEFING_WORDS:
		put_word(l, item);
		break;
	case BRIEFING_KNOWN:
	case BRIEFING_BELIEVED:
		put_belief(l, item, section == BRIEFING_KNOWN);
		break;
	case BRIEFING_SAID:
		put_turn(l, item);
		break;
	case BRIEFING_SENSED:
		put_field(l, item);
		break;
	case BRIEFING_FOCUS:
		put_focus(l, mark);
		break;
	case BRIEFING_SECTION_COUNT:
		break;
	}
	put(l, "\n", 1);
}

/* ---- the frame ---- */

void briefing_line_since(struct briefing_line *l, const struct briefing *b, size_t shown, size_t left_out) {
	l->bytes = 0;
	put_text(l, shown + left_out == 0 ? "Nothing has changed since you last looked"
						   : "Since you last looked");
	struct origin o = { l, false };
	say_when(&o, b->since_age_ns);
	say_record(&o, b->since_record);
	end(&o);
	put_text(l, shown > 0      ? ", this has changed:\n"
			     : left_out > 0 ? ", more has changed than there is room for.\n"
					    : ".\n");
}

void briefing_line_now(struct briefing_line *l, struct cdm_wall now) {
	char text[CLOCK_TEXT_MAX];
	clock_text(now, text);
	l->bytes = 0;
	put_text(l, "It is ");
	put(l, text, strnlen(text, sizeof("2026-11-23T08:00") - 1));
	put_text(l, "Z.\n");
}
