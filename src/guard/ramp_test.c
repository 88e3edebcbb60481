/* ramp_test.c - no rate is exceeded, none is lost, and every target is reached and kept. */
#include "guard/ramp.h"

#include <stdio.h>
#include "base/check.h"
#include "base/clock.h"

static void goes_there_at_its_rate(int32_t from, int32_t to, int32_t rate, int64_t step_ns) {
	struct ramp r;
	int64_t elapsed = 0, way = to > from ? (int64_t)to - from : (int64_t)from - to;
	ramp_place(&r, from);
	CHECK(ramp_is_there(&r) && ramp_cdeg(&r) == from);
	r.target_cdeg = to;
	r.rate_cdeg_s = rate;
	for (int i = 0; !ramp_is_there(&r); i++) {
		int64_t before = r.at;
		ramp_step(&r, step_ns);
		elapsed += step_ns;
		int64_t gone = r.at > before ? r.at - before : before - r.at;
		CHECK(gone <= rate * step_ns);
		CHECK(i < 10000000);
	}
	CHECK(ramp_cdeg(&r) == to);
	int64_t ideal = way * NS_PER_S / rate;
	CHECK(elapsed >= ideal && elapsed <= ideal + step_ns + NS_PER_MS);
	ramp_step(&r, NS_PER_S);
	CHECK(ramp_cdeg(&r) == to);
}

int main(void) {
	static const int32_t rates[] = { 1, 3, 399, 400, 18000, 102000 };
	static const int64_t steps[] = { 1, 20 * NS_PER_MS, NS_PER_S };
	for (size_t i = 0; i < COUNT_OF(rates); i++)
		for (size_t s = 1; s < COUNT_OF(steps); s++) {
			goes_there_at_its_rate(0, 9000, rates[i], steps[s]);
			goes_there_at_its_rate(32767, -32767, rates[i], steps[s]);
			goes_there_at_its_rate(-5, -5, rates[i], steps[s]);
		}
	goes_there_at_its_rate(0, 1, 102000, steps[0]);

	struct ramp still;
	ramp_place(&still, 100);
	still.target_cdeg = 200; /* rate 0: it does not go */
	ramp_step(&still, NS_PER_S);
	CHECK(ramp_cdeg(&still) == 100 && !ramp_is_there(&still));
	puts("ramp_test: ok");
}
