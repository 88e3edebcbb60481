/* clock.c - see clock.h. */
#include "base/clock.h"

#include <stdbool.h>

#include <stdio.h>
#include <time.h>
#include "base/check.h"

static int64_t read_clock(clockid_t id) {
	struct timespec t;
	CHECK(clock_gettime(id, &t) == 0);
	return (int64_t)t.tv_sec * NS_PER_S + t.tv_nsec;
}

struct cdm_mono clock_mono(void) {
	return (struct cdm_mono){ read_clock(CLOCK_MONOTONIC) };
}

int64_t clock_deadline_ns(int64_t timeout_ns) {
	int64_t until_ns;
	bool never = timeout_ns < 0 || __builtin_add_overflow(clock_mono().ns, timeout_ns, &until_ns);
	return never ? INT64_MAX : until_ns;
}

int64_t clock_left_ns(int64_t deadline_ns) {
	if (deadline_ns == INT64_MAX)
		return -1;
	int64_t left = deadline_ns - clock_mono().ns;
	return left > 0 ? left : 0;
}

struct cdm_wall clock_wall(void) {
	return (struct cdm_wall){ read_clock(CLOCK_REALTIME) };
}

/*
 * Days since 1970-01-01 as a date of the Gregorian calendar.  A year that begins in March has its leap day last, so the
 * months before it are whole: 153 days to five of them, and 146097 days to 400 years.  Not gmtime_r(): its first call
 * allocates and reads files, and the guard must not.
 */
static void date_of(int64_t days, unsigned *year, unsigned *month, unsigned *day) {
	int64_t d = days + 719468; /* since 0000-03-01 */
	int64_t cycle = (d >= 0 ? d : d - 146096) / 146097, in_cycle = d - cycle * 146097;
	int64_t y = (in_cycle - in_cycle / 1460 + in_cycle / 36524 - in_cycle / 146096) / 365;
	int64_t in_year = in_cycle - (365 * y + y / 4 - y / 100), m = (5 * in_year + 2) / 153;
	*day = (unsigned)(in_year - (153 * m + 2) / 5 + 1);
	*month = (unsigned)(m < 10 ? m + 3 : m - 9);
	*year = (unsigned)(y + 400 * cycle + (*month <= 2));
}

const char *clock_text(struct cdm_wall t, char out[CLOCK_TEXT_MAX]) {
	const int64_t day_ns = 86400 * NS_PER_S;
	int64_t rest = t.ns % day_ns, days = t.ns / day_ns - (rest < 0);
	int64_t micros = (rest < 0 ? rest + day_ns : rest) / NS_PER_US;
	unsigned year, month, day, second = (unsigned)(micros / 1000000);
	date_of(days, &year, &month, &day);
	snprintf(out, CLOCK_TEXT_MAX, "%04u-%02u-%02uT%02u:%02u:%02u.%06uZ", year % 10000, month % 100, day % 100,
			second / 3600 % 100, second / 60 % 60, second % 60, (unsigned)(micros % 1000000));
	return out;
}
