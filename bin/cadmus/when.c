/* when.c - see when.h. */
#include "bin/cadmus/when.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include "base/clock.h"

#define DAY_S INT64_C(86400)
#define YEAR_MIN 1970
#define YEAR_MAX 2261 /* the last whole one in 64 bits of nanoseconds */

static const char not_a_moment[] = "is no moment";
static const char no_such_time[] = "is no time of a day: hours go from 0 to 23, minutes and seconds to 59";
static const char no_such_day[] = "is no day of the calendar, or not one from 1970 to 2261";
static const char too_far[] = "lies before 1970";
static const char no_such_zone[] = "has a zone that is none: Z, UTC, +01, +0100 and +01:00 are";
static const char no_such_unit[] = "has a unit that is none: ms, s, min, h, d and w are";

/* ---- reading ---- */

static bool is_digit(char c) {
	return c >= '0' && c <= '9';
}

/* A number of min to max digits; NULL: there is none. */
static const char *take_digits(const char *p, unsigned min, unsigned max, int64_t *out) {
	unsigned n = 0;
	for (*out = 0; n < max && is_digit(*p); n++)
		*out = *out * 10 + (*p++ - '0');
	return n >= min && !is_digit(*p) ? p : NULL;
}

/* ".25" in nanoseconds; digits behind the ninth are dropped. */
static const char *take_fraction(const char *p, int64_t unit_ns, int64_t *ns) {
	int64_t place = unit_ns;
	*ns = 0;
	if (*p != '.' || !is_digit(p[1]))
		return p;
	for (p++; is_digit(*p); p++) {
		place /= 10;
		*ns += place * (*p - '0');
	}
	return p;
}

static const char *skip_word(const char *p, const char *word) {
	size_t n = strlen(word);
	return strncmp(p, word, n) == 0 && (p[n] == 0 || p[n] == ' ') ? p + n : NULL;
}

static const char *skip_blanks(const char *p) {
	while (*p == ' ')
		p++;
	return p;
}

/* ---- calendars ---- */

struct civil {
	int64_t year, month, day;
	int64_t ns;    /* of the day */
	bool has_day, has_time, has_zone;
	int64_t zone_s; /* east of UTC */
};

static bool is_leap(int64_t y) {
	return y % 4 == 0 && (y % 100 != 0 || y % 400 == 0);
}

static bool is_day(const struct civil *c) {
	static const int8_t days[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
	if (c->year < YEAR_MIN || c->year > YEAR_MAX || c->month < 1 || c->month > 12 || c->day < 1)
		return false;
	return c->day <= days[c->month - 1] + (c->month == 2 && is_leap(c->year));
}

/* Days since 1970-01-01; see date_of() in base/clock.c for the other way. */
static int64_t days_of(const struct civil *c) {
	int64_t y = c->year - (c->month <= 2), m = c->month > 2 ? c->month - 3 : c->month + 9;
	return y * 365 + y / 4 - y / 100 + y / 400 + (153 * m + 2) / 5 + c->day - 1 - 719468;
}

static int64_t local_zone_s(int64_t utc_s) {
	time_t t = (time_t)utc_s;
	struct tm tm;
	return localtime_r(&t, &tm) ? tm.tm_gmtoff : 0;
}

/* The day that it is at `utc_s` in a zone. */
static void set_day(struct civil *c, int64_t utc_s, int64_t zone_s) {
	time_t t = (time_t)(utc_s + zone_s);
	struct tm tm;
	if (!gmtime_r(&t, &tm))
		return;
	c->year = tm.tm_year + INT64_C(1900);
	c->month = tm.tm_mon + 1;
	c->day = tm.tm_mday;
}

/* Of two moments with different zones: the first second that has the zone of the later one. */
static int64_t leap_between(int64_t low, int64_t high) {
	int64_t after = local_zone_s(high);
	while (high - low > 1) {
		int64_t middle = low + (high - low) / 2;
		if (local_zone_s(middle) == after)
			high = middle;
		else
			low = middle;
	}
	return high;
}

/* Seconds since 1970 at which the local clock shows `shown` (the same, were it UTC). */
static int64_t local_s(int64_t shown, enum when_note *note) {
	int64_t before = local_zone_s(shown - DAY_S), after = local_zone_s(shown + DAY_S);
	int64_t by_before = shown - before, by_after = shown - after;
	bool is_before = local_zone_s(by_before) == before, is_after = local_zone_s(by_after) == after;
	*note = WHEN_PLAIN;
	if (is_before && is_after && by_before != by_after)
		*note = WHEN_TWICE;
	if (is_before)
		return by_before; /* summer time ends: that zone came first */
	if (is_after)
		return by_after;
	*note = WHEN_SKIPPED;
	return leap_between(by_after < by_before ? by_after : by_before, by_after < by_before ? by_before : by_after);
}

static int64_t seconds_of(const struct civil *c, enum when_note *note) {
	int64_t shown = days_of(c) * DAY_S + c->ns / NS_PER_S;
	*note = WHEN_PLAIN;
	return c->has_zone ? shown - c->zone_s : local_s(shown, note);
}

/* ---- the forms ---- */

static int say(const char **why, const char *what) {
	*why = what;
	return -EINVAL;
}

/* 10:05[:07[.25]] */
static const char *take_time(const char *p, struct civil *c, bool *is_time) {
	int64_t hour, minute, second = 0, fraction = 0;
	const char *q = take_digits(p, 1, 2, &hour);
	*is_time = q && *q == ':';
	if (!*is_time || !(q = take_digits(q + 1, 2, 2, &minute)))
		return NULL;
	if (*q == ':' && (q = take_digits(q + 1, 2, 2, &second)))
		q = take_fraction(q, NS_PER_S, &fraction);
	if (!q || hour > 23 || minute > 59 || second > 59)
		return NULL;
	c->ns = ((hour * 60 + minute) * 60 + second) * NS_PER_S + fraction;
	c->has_time = true;
	return q;
}

/* Z, UTC, +01, +0100, +01:00 */
static const char *take_zone(const char *p, struct civil *c) {
	int64_t hour, minute = 0, sign = *p == '-' ? -1 : 1;
	c->has_zone = true;
	if (*p == 'Z' || *p == 'z')
		return p + 1;
	if (skip_word(p, "UTC"))
		return p + 3;
	if (*p != '+' && *p != '-')
		return NULL;
	const char *q = take_digits(p + 1, 2, 2, &hour);
	if (q && *q == ':')
		q = take_digits(q + 1, 2, 2, &minute);
	else if (!q && (q = take_digits(p + 1, 4, 4, &hour))) {
		minute = hour % 100;
		hour /= 100;
	}
	c->zone_s = sign * (hour * 60 + minute) * 60;
	return hour > 14 || minute > 59 ? NULL : q;
}

/* today, yesterday, 2026-11-30 */
static const char *take_day(const char *p, struct cdm_wall now, struct civil *c) {
	int64_t now_s = now.ns / NS_PER_S;
	const char *q = skip_word(p, "today");
	bool yesterday = !q && (q = skip_word(p, "yesterday")) != NULL;
	c->has_day = true;
	if (q) {
		set_day(c, now_s, local_zone_s(now_s));
		if (yesterday)
			set_day(c, (days_of(c) - 1) * DAY_S, 0);
		return q;
	}
	if (!(q = take_digits(p, 4, 4, &c->year)) || *q != '-' || !(q = take_digits(q + 1, 2, 2, &c->month)) ||
			*q != '-' || !(q = take_digits(q + 1, 2, 2, &c->day)))
		c->has_day = false;
	return c->has_day ? q : NULL;
}

/* A time of day alone is the last one that was. */
static int64_t without_day(struct civil *c, struct cdm_wall now, enum when_note *note) {
	int64_t now_s = now.ns / NS_PER_S;
	set_day(c, now_s, c->has_zone ? c->zone_s : local_zone_s(now_s));
	int64_t s = seconds_of(c, note);
	if (s * NS_PER_S + c->ns % NS_PER_S <= now.ns)
		return s;
	set_day(c, (days_of(c) - 1) * DAY_S, 0);
	return seconds_of(c, note);
}

/* What is left of the text is a time and a zone, each or none. */
static int take_rest(const char *p, bool with_day, struct civil *c, const char **why) {
	bool is_time = true;
	if (!with_day || *p) {
		p = take_time(p, c, &is_time);
		if (!p)
			return say(why, is_time ? no_such_time : not_a_moment);
	}
	const char *zone = skip_blanks(p);
	if (*zone && !(p = take_zone(zone, c)))
		return say(why, no_such_zone);
	return *p ? say(why, not_a_moment) : 0;
}

static int take_calendar(const char *text, struct cdm_wall now, struct when *out, const char **why) {
	struct civil c = { .has_day = false };
	const char *p = take_day(text, now, &c);
	if (p && !is_day(&c))
		return say(why, no_such_day);
	bool more = p && *p;
	if (more) {
		p = *p == 'T' || *p == 't' ? p + 1 : skip_blanks(p);
		if (!is_digit(*p))
			return say(why, not_a_moment);
	}
	int rc = take_rest(p ? p : text, p != NULL, &c, why);
	if (rc < 0)
		return rc;
	int64_t s = c.has_day ? seconds_of(&c, &out->note) : without_day(&c, now, &out->note);
	out->at.ns = s * NS_PER_S + (out->note == WHEN_SKIPPED ? 0 : c.ns % NS_PER_S);
	return out->at.ns < 0 ? say(why, too_far) : 0;
}

static const struct unit {
	const char *name;
	int64_t ns;
} units[] = {
	{ "ms", NS_PER_MS }, { "s", NS_PER_S }, { "sec", NS_PER_S }, { "second", NS_PER_S }, { "seconds", NS_PER_S },
	{ "m", 60 * NS_PER_S }, { "min", 60 * NS_PER_S }, { "minute", 60 * NS_PER_S }, { "minutes", 60 * NS_PER_S },
	{ "h", 3600 * NS_PER_S }, { "hour", 3600 * NS_PER_S }, { "hours", 3600 * NS_PER_S },
	{ "d", DAY_S * NS_PER_S }, { "day", DAY_S * NS_PER_S }, { "days", DAY_S * NS_PER_S },
	{ "w", 7 * DAY_S * NS_PER_S }, { "week", 7 * DAY_S * NS_PER_S }, { "weeks", 7 * DAY_S * NS_PER_S },
};

static const char *take_unit(const char *p, int64_t *ns) {
	size_t n = strspn(p, "abcdefghijklmnopqrstuvwxyz");
	for (size_t i = 0; n && i < COUNT_OF(units); i++)
		if (strlen(units[i].name) == n && memcmp(units[i].name, p, n) == 0) {
			*ns = units[i].ns;
			return p + n;
		}
	return NULL;
}

/* 1h30min, 1.5 h: their sum.  NULL: it is no span of time, *why says in what. */
static const char *take_span(const char *p, int64_t *sum, const char **why) {
	*sum = 0;
	do {
		int64_t whole, part, unit;
		const char *number = p, *digits = take_digits(p, 1, 12, &whole);
		if (!digits)
			return *why = not_a_moment, NULL;
		p = skip_blanks(take_fraction(digits, NS_PER_S, &part));
		if (!(p = take_unit(p, &unit)))
			return *why = no_such_unit, NULL;
		(void)!take_fraction(digits, unit, &part);
		if (__builtin_mul_overflow(whole, unit, &whole) || __builtin_add_overflow(*sum, whole + part, sum))
			return *why = too_far, NULL;
		CHECK(p > number);
	} while (is_digit(*p));
	return p;
}

static int take_relative(const char *text, struct cdm_wall now, struct when *out, const char **why) {
	bool minus = *text == '-';
	int64_t span;
	const char *p = take_span(text + minus, &span, why);
	if (!p)
		return -EINVAL;
	p = skip_blanks(p);
	if (strcmp(p, minus ? "" : "ago") != 0)
		return say(why, not_a_moment);
	out->at.ns = now.ns - span;
	return span > now.ns ? say(why, too_far) : 0;
}

static int take_record(const char *text, struct when *out, const char **why) {
	int64_t seq;
	const char *p = take_digits(text + 1, 1, 18, &seq);
	out->is_record = true;
	out->seq = p ? (uint64_t)seq : 0;
	return p && !*p ? 0 : say(why, "is no number of a record");
}

/* Digits, then no ':' and no '-', as in "5 min ago". */
static bool looks_relative(const char *text) {
	size_t digits = strspn(text, "0123456789.");
	return text[0] == '-' || (digits && text[digits] && text[digits] != ':' && text[digits] != '-');
}

int when_parse(const char *text, struct cdm_wall now, struct when *out, const char **why) {
	*out = (struct when){ .is_record = false };
	*why = "";
	if (strcmp(text, "now") == 0) {
		out->is_now = true;
		out->at = now;
		return 0;
	}
	if (text[0] == '#')
		return take_record(text, out, why);
	return looks_relative(text) ? take_relative(text, now, out, why) : take_calendar(text, now, out, why);
}

/* ---- saying ---- */

const char *when_text(struct cdm_wall t, char out[WHEN_TEXT_MAX]) {
	int64_t rest = t.ns % NS_PER_S, s = t.ns / NS_PER_S - (rest < 0);
	int64_t ms = (rest < 0 ? rest + NS_PER_S : rest) / NS_PER_MS, zone = local_zone_s(s);
	time_t shown = (time_t)(s + zone);
	struct tm tm;
	char date[32] = "?";
	if (gmtime_r(&shown, &tm))
		strftime(date, sizeof(date), "%Y-%m-%d %H:%M:%S", &tm);
	int64_t minutes = (zone < 0 ? -zone : zone) / 60;
	snprintf(out, WHEN_TEXT_MAX, "%s.%03d %c%02d:%02d", date, (int)ms, zone < 0 ? '-' : '+',
			(int)(minutes / 60 % 100), (int)(minutes % 60));
	return out;
}

const char *when_note_text(enum when_note n) {
	return n == WHEN_TWICE ? "the clock showed that time twice; the first is meant (a zone tells them apart)"
			: n == WHEN_SKIPPED
			? "the clock never showed that time; the moment when it was put forward is meant" : "";
}
