/* clock_test.c - dates as the C library has them, before and after 1970 and in leap years. */
#include "base/clock.h"

#include <stdio.h>
#include <string.h>
#include <time.h>
#include "base/check.h"

static void is_as_the_library_has_it(int64_t seconds, int64_t micros) {
	char ours[CLOCK_TEXT_MAX], theirs[64], whole[128];
	time_t t = (time_t)seconds;
	struct tm utc;
	CHECK(gmtime_r(&t, &utc) && strftime(theirs, sizeof(theirs), "%Y-%m-%dT%H:%M:%S", &utc) > 0);
	snprintf(whole, sizeof(whole), "%s.%06dZ", theirs, (int)micros);
	clock_text((struct cdm_wall){ seconds * NS_PER_S + micros * NS_PER_US }, ours);
	if (strcmp(ours, whole) != 0)
		fprintf(stderr, "%lld: %s is not %s\n", (long long)seconds, ours, whole);
	CHECK(strcmp(ours, whole) == 0);
}

int main(void) {
	/* All that 64 bits of nanoseconds reach: 1677 to 2262. */
	const int64_t most = INT64_MAX / NS_PER_S - 1;
	for (int64_t t = -most; t < most; t += 86400 * 7 + 12345)
		is_as_the_library_has_it(t, (t & 0xfffff) % 1000000);
	for (int64_t t = -4 * 366 * 86400; t < 8 * 366 * 86400; t += 43200)
		is_as_the_library_has_it(t, 0), is_as_the_library_has_it(t - 1, 999999);
	is_as_the_library_has_it(951782400, 1); /* 2000-02-29 */
	puts("clock_test: ok");
}
