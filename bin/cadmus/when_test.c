/* when_test.c - moments as people write them: what is meant, at a fixed now, in several zones; and what is refused. */
#include "bin/cadmus/when.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include "base/clock.h"

/* Rules instead of names, so that no file of zones is needed: that of Berlin, of New York, and one without summer. */
#define BERLIN "CET-1CEST,M3.5.0,M10.5.0/3"
#define NEW_YORK "EST5EDT,M3.2.0,M11.1.0"

static struct cdm_wall now;

static void zone(const char *tz) {
	setenv("TZ", tz, 1);
	tzset();
}

/* "2026-11-30T10:05:00.250000Z" */
static void means_with(const char *text, const char *utc, enum when_note note) {
	struct when w;
	const char *why;
	char got[CLOCK_TEXT_MAX] = "";
	int rc = when_parse(text, now, &w, &why);
	if (rc == 0)
		clock_text(w.at, got);
	if (rc < 0 || strcmp(got, utc) != 0 || w.note != note)
		fprintf(stderr, "%s: %s %s, not %s\n", text, got, rc < 0 ? why : "", utc);
	CHECK(rc == 0 && strcmp(got, utc) == 0 && !w.is_record && w.note == note);
}

static void means(const char *text, const char *utc) {
	means_with(text, utc, WHEN_PLAIN);
}

static void is_none(const char *text, const char *words) {
	struct when w;
	const char *why = NULL;
	int rc = when_parse(text, now, &w, &why);
	if (rc == 0 || !strstr(why, words))
		fprintf(stderr, "'%s': %d %s\n", text, rc, why);
	CHECK(rc == -EINVAL && strstr(why, words));
}

static void at(const char *utc) {
	struct when w;
	const char *why;
	CHECK(when_parse(utc, (struct cdm_wall){ 0 }, &w, &why) == 0);
	now = w.at;
}

static void relative(void) {
	at("2026-11-30T12:00:00.500Z");
	means("now", "2026-11-30T12:00:00.500000Z");
	means("-5min", "2026-11-30T11:55:00.500000Z");
	means("5 min ago", "2026-11-30T11:55:00.500000Z");
	means("5 minutes ago", "2026-11-30T11:55:00.500000Z");
	means("-1.5h", "2026-11-30T10:30:00.500000Z");
	means("1h30min ago", "2026-11-30T10:30:00.500000Z");
	means("-500ms", "2026-11-30T12:00:00.000000Z");
	means("-0.25 s", "2026-11-30T12:00:00.250000Z");
	means("-1d", "2026-11-29T12:00:00.500000Z");
	means("2 weeks ago", "2026-11-16T12:00:00.500000Z");
	is_none("-", "is no moment");
	is_none("5", "is no moment");
	is_none("5 min", "is no moment");
	is_none("-5", "unit");
	is_none("-5 parsecs", "unit");
	is_none("-5min ago", "is no moment");
	is_none("-100000w", "before 1970");
	is_none("-999999999999w", "before 1970");
	is_none("-999999999999w999999999999w", "before 1970");
	is_none("-9999999999999s", "is no moment");
	is_none("--5min", "is no moment");
}

static void records(void) {
	struct when w;
	const char *why;
	CHECK(when_parse("#123", now, &w, &why) == 0 && w.is_record && w.seq == 123);
	CHECK(when_parse("#0", now, &w, &why) == 0 && w.is_record && w.seq == 0);
	is_none("#", "number of a record");
	is_none("#-1", "number of a record");
	is_none("# 1", "number of a record");
	is_none("#12x", "number of a record");
	is_none("#9999999999999999999", "number of a record");
}

static void calendars(void) {
	zone(BERLIN);
	at("2026-11-30T12:00:00Z");
	means("10:05", "2026-11-30T09:05:00.000000Z");
	means("9:05", "2026-11-30T08:05:00.000000Z");
	means("10:05:30.25", "2026-11-30T09:05:30.250000Z");
	means("13:00", "2026-11-30T12:00:00.000000Z"); /* just now */
	means("13:01", "2026-11-29T12:01:00.000000Z"); /* still to come: yesterday's */
	means("today 13:01", "2026-11-30T12:01:00.000000Z");
	means("today", "2026-11-29T23:00:00.000000Z");
	means("yesterday", "2026-11-28T23:00:00.000000Z");
	means("yesterday 10:05", "2026-11-29T09:05:00.000000Z");
	means("2026-11-30", "2026-11-29T23:00:00.000000Z");
	means("2026-11-30 10:05", "2026-11-30T09:05:00.000000Z");
	means("2026-11-30T10:05:07", "2026-11-30T09:05:07.000000Z");
	means("2026-07-01 10:05", "2026-07-01T08:05:00.000000Z");
	means("2026-11-30T10:05:07Z", "2026-11-30T10:05:07.000000Z");
	means("2026-11-30T10:05:07.123456789+05:30", "2026-11-30T04:35:07.123456Z");
	means("2026-11-30 10:05 -0800", "2026-11-30T18:05:00.000000Z");
	means("2026-11-30 10:05 UTC", "2026-11-30T10:05:00.000000Z");
	means("10:05+01", "2026-11-30T09:05:00.000000Z");
	means("23:30+14", "2026-11-30T09:30:00.000000Z"); /* there it is the next day already */
	means("1970-01-01T00:00:00Z", "1970-01-01T00:00:00.000000Z");
	means("2261-12-31T23:59:59Z", "2261-12-31T23:59:59.000000Z");
	means("2024-02-29 00:00Z", "2024-02-29T00:00:00.000000Z");
	at("2026-03-01T00:10:00Z"); /* 01:10 in Berlin, on a first of March */
	means("yesterday 10:05", "2026-02-28T09:05:00.000000Z");
	means("23:00", "2026-02-28T22:00:00.000000Z");
}

static void what_is_none(void) {
	static const char *const times[] = { "24:00", "10:60", "10:05:60", "10:5", "10:", "10:05:", "10:05:7", "10:005",
		"2026-11-30T25:00" };
	static const char *const days[] = { "2026-02-29", "2026-13-01", "2026-00-10", "2026-04-31", "1969-12-31",
			"2262-01-01",
		"0000-01-01", "2100-02-29 10:00" };
	static const char *const zones[] = { "10:05+", "10:05+1", "10:05+15", "10:05+01:60", "10:05+01:5", "10:05 CET",
		"10:05Zulu", "2026-11-30 10:05 +01:00:00", "10:05.5", "10:05x", "10:05+99999" };
	static const char *const others[] = { "", " ", "10", "noon", "tomorrow", "Now", "now ", " now", "today10:05",
		"2026-11-30x", "2026-11-30Z", "2026-11-30T", "2026-11-30 ", "2026-11-30 Z", "2026-11-3010:05",
		"10:05Z ", "2026-1-1", "yesterday yesterday", "\xff\xfe", "１０:05" };
	for (size_t i = 0; i < COUNT_OF(times); i++)
		is_none(times[i], "time of a day");
	for (size_t i = 0; i < COUNT_OF(days); i++)
		is_none(days[i], "day of the calendar");
	for (size_t i = 0; i < COUNT_OF(zones); i++)
		is_none(zones[i], "");
	for (size_t i = 0; i < COUNT_OF(others); i++)
		is_none(others[i], "");
	zone(BERLIN);
	is_none("1970-01-01", "before 1970"); /* 1969 in UTC */
}

/* 2026 in Berlin: 29 March 02:00 -> 03:00, 25 October 03:00 -> 02:00. */
static void summer_time(void) {
	char text[WHEN_TEXT_MAX];
	zone(BERLIN);
	at("2026-11-30T12:00:00Z");
	means("2026-03-29 01:59:59", "2026-03-29T00:59:59.000000Z");
	means_with("2026-03-29 02:00", "2026-03-29T01:00:00.000000Z", WHEN_SKIPPED);
	means_with("2026-03-29 02:30:15.5", "2026-03-29T01:00:00.000000Z", WHEN_SKIPPED);
	means("2026-03-29 03:00", "2026-03-29T01:00:00.000000Z");
	means("2026-10-25 01:59", "2026-10-24T23:59:00.000000Z");
	means_with("2026-10-25 02:30:15.5", "2026-10-25T00:30:15.500000Z", WHEN_TWICE);
	means("2026-10-25 02:30:15.5+01:00", "2026-10-25T01:30:15.500000Z"); /* the second one */
	means("2026-10-25 03:00", "2026-10-25T02:00:00.000000Z");
	zone(NEW_YORK);
	means_with("2026-03-08 02:30", "2026-03-08T07:00:00.000000Z", WHEN_SKIPPED);
	means_with("2026-11-01 01:30", "2026-11-01T05:30:00.000000Z", WHEN_TWICE);
	means("2026-11-01 02:30", "2026-11-01T07:30:00.000000Z");
	at("2026-03-08T12:00:00Z"); /* 08:00 on that day */
	means_with("02:30", "2026-03-08T07:00:00.000000Z", WHEN_SKIPPED);
	CHECK(strcmp(when_text(now, text), "2026-03-08 08:00:00.000 -04:00") == 0);
	CHECK(when_note_text(WHEN_TWICE)[0] && when_note_text(WHEN_SKIPPED)[0] && !when_note_text(WHEN_PLAIN)[0]);
	zone("UTC0");
	CHECK(strcmp(when_text((struct cdm_wall){ -1 }, text), "1969-12-31 23:59:59.999 +00:00") == 0);
	zone("<+0545>-5:45");
	CHECK(strcmp(when_text((struct cdm_wall){ 0 }, text), "1970-01-01 05:45:00.000 +05:45") == 0);
	means("2026-03-08 05:45", "2026-03-08T00:00:00.000000Z");
}

/* The whole of two years, a quarter of an hour at a time: what is written is what was meant, but where it is noted. */
static void there_and_back(void) {
	unsigned noted = 0;
	zone(BERLIN);
	for (int64_t s = 1767222000; s < 1767222000 + 2 * 365 * 86400; s += 900) {
		char text[WHEN_TEXT_MAX];
		struct when w;
		const char *why;
		when_text((struct cdm_wall){ s * NS_PER_S }, text);
		CHECK(when_parse(text, now, &w, &why) == 0 && w.at.ns == s * NS_PER_S && w.note == WHEN_PLAIN);
		text[strlen("2026-11-30 10:05:07.250")] = 0; /* without its zone */
		CHECK(when_parse(text, now, &w, &why) == 0);
		CHECK(w.at.ns == s * NS_PER_S || (w.note == WHEN_TWICE && w.at.ns == (s - 3600) * NS_PER_S));
		noted += w.note != WHEN_PLAIN;
	}
	CHECK(noted == 16); /* an hour, twice shown, in each of two years */
}

int main(void) {
	zone("UTC0");
	relative();
	records();
	calendars();
	what_is_none();
	summer_time();
	there_and_back();
	puts("when_test: ok");
}
