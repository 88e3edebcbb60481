/*
 * fuzz_when.c - any text as a moment: one that can be said and read again, or a reason that is.
 *
 * The first two bytes choose the zone and what time it is.  Zones are rules: no file is read for them.
 */
#include <errno.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include "base/clock.h"
#include "bin/cadmus/when.h"

#define DAY_S INT64_C(86400)
#define YEAR_2262_S INT64_C(9214646400) /* its first second in UTC; no year from then on is read */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char *const zones[] = { "UTC0", "CET-1CEST,M3.5.0,M10.5.0/3", "EST5EDT,M3.2.0,M11.1.0",
	"<+1030>-10:30<+11>-11,M10.1.0,M4.1.0", "<+14>-14" };

/* 1970 to 2261; also the hours around a change of clocks. */
static struct cdm_wall now_of(uint8_t choice) {
	const int64_t change_s = 1774746000; /* 2026-03-29T01:00:00Z, in Berlin */
	int64_t s = choice < 64 ? change_s + (choice - 32) * INT64_C(900) : (choice - 64) * INT64_C(47900000);
	return (struct cdm_wall){ s * NS_PER_S };
}

/* What is meant is said with its zone, and read again it is the same, but for what is less than a millisecond. */
static void say_again(struct cdm_wall at, struct cdm_wall now) {
	char text[WHEN_TEXT_MAX];
	struct when again;
	const char *why;
	when_text(at, text);
	CHECK(strlen(text) < WHEN_TEXT_MAX - 1);
	int rc = when_parse(text, now, &again, &why);
	if (rc == 0)
		CHECK(again.at.ns == at.ns - at.ns % NS_PER_MS && again.note == WHEN_PLAIN);
	else
		CHECK(at.ns >= (YEAR_2262_S - DAY_S) * NS_PER_S || at.ns < DAY_S * NS_PER_S); /* another year there */
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
	struct when w;
	const char *why = NULL;
	if (size < 2)
		return 0;
	struct cdm_wall now = now_of(data[1]);
	setenv("TZ", zones[data[0] % COUNT_OF(zones)], 1);
	tzset();
	char *text = malloc(size - 1); /* just its size, so that a byte read behind it is seen */
	CHECK(text);
	memcpy(text, data + 2, size - 2);
	text[size - 2] = 0;
	int rc = when_parse(text, now, &w, &why);
	CHECK(rc == 0 || rc == -EINVAL);
	CHECK(why && (rc == 0) == (why[0] == 0));
	if (rc == 0 && w.is_record)
		CHECK(text[0] == '#' && w.at.ns == 0);
	if (rc == 0 && !w.is_record) {
		CHECK(w.at.ns >= 0 && w.seq == 0);
		say_again(w.at, now);
	}
	free(text);
	return 0;
}
