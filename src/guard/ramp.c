/* ramp.c - see ramp.h. */
#include "guard/ramp.h"

#include "base/check.h"
#include "base/clock.h"

void ramp_place(struct ramp *r, int32_t cdeg) {
	*r = (struct ramp){ .at = cdeg * RAMP_SCALE, .target_cdeg = cdeg };
}

void ramp_step(struct ramp *r, int64_t elapsed_ns) {
	CHECK(elapsed_ns >= 0 && elapsed_ns <= NS_PER_S);
	int64_t target = r->target_cdeg * RAMP_SCALE, step = r->rate_cdeg_s * elapsed_ns;
	if (target - r->at > step)
		r->at += step;
	else if (r->at - target > step)
		r->at -= step;
	else
		r->at = target;
}

int32_t ramp_cdeg(const struct ramp *r) {
	int64_t half = r->at < 0 ? -RAMP_SCALE / 2 : RAMP_SCALE / 2;
	return (int32_t)((r->at + half) / RAMP_SCALE);
}

bool ramp_is_there(const struct ramp *r) {
	return r->at == r->target_cdeg * RAMP_SCALE;
}
