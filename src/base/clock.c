/* clock.c - see clock.h. */
#include "base/clock.h"

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

struct cdm_wall clock_wall(void) {
	return (struct cdm_wall){ read_clock(CLOCK_REALTIME) };
}

const char *clock_text(struct cdm_wall t, char out[CLOCK_TEXT_MAX]) {
	time_t seconds = (time_t)(t.ns / NS_PER_S);
	unsigned micros = (unsigned)(t.ns % NS_PER_S / NS_PER_US) % 1000000u;
	struct tm utc;
	char date[20];
	CHECK(gmtime_r(&seconds, &utc) != NULL);
	strftime(date, sizeof(date), "%Y-%m-%dT%H:%M:%S", &utc);
	snprintf(out, CLOCK_TEXT_MAX, "%s.%06uZ", date, micros);
	return out;
}
