/* node_test.c - one joint in virtual time: rates, leases, order, stops. */
#undef NDEBUG
#include "node.h"

#include <assert.h>
#include <math.h>
#include <stdio.h>

#define MS INT64_C(1000000)

static struct node n;
static struct cdm_mono now;
static uint8_t counter;

static void fresh(void) {
	node_init(&n, 0, 36000);
	now.ns = 1000 * MS;
	counter = 0;
}

static void say(int16_t value, uint8_t rate, uint8_t lease, uint16_t motion) {
	struct cdm_can m = { .kind = CDM_CAN_SETPOINT, .value = value, .rate = rate, .lease = lease,
			.motion = motion, .counter = counter };
	counter = (uint8_t)((counter + 1) % 16);
	node_hear(&n, &m, now);
}

static void pass(int64_t ns) {
	struct cdm_mono then = now;
	now.ns += ns;
	node_step(&n, then, now);
}

static int at(void) {
	return (int)lround(n.at_cdeg);
}

static void goes_at_the_rate_it_is_told(void) {
	fresh();
	say(1000, 25, 20, 1); /* the first of a row is not believed */
	pass(10 * MS);
	assert(at() == 0);
	say(1000, 25, 20, 1); /* 100 degrees a second */
	pass(50 * MS);
	assert(at() == 500);
	pass(100 * MS);
	assert(at() == 1000);
	say(-32768, 255, 20, 1); /* its own limit is 360 */
	pass(100 * MS);
	assert(at() == 1000 - 3600);
	say(0, 0, 20, 1);
	pass(100 * MS);
	assert(at() == 1000 - 3600);
}

static void stops_when_its_lease_ends(void) {
	fresh();
	say(0, 25, 20, 1);
	say(9000, 25, 3, 1);
	pass(1000 * MS); /* 30 ms of it count */
	assert(at() == 300);
	struct cdm_can f = node_feedback(&n, 5, now, 20 * MS);
	assert(f.kind == CDM_CAN_FEEDBACK && f.node == 5 && f.value == 300 && f.motion == 1);
	assert(f.flags == (CDM_CAN_HOLDING | CDM_CAN_FAULT) && f.lease == 0); /* fault: the first of the row */
	say(9000, 25, 0, 1);
	pass(1000 * MS);
	assert(at() == 300);
	say(9000, 25, 255, 1);
	pass(10 * MS);
	f = node_feedback(&n, 5, now, 10 * MS);
	assert(at() == 400 && f.flags == 0 && f.lease == 254 && f.rate == 25 && f.counter == 1);
}

static void refuses_what_is_out_of_order(void) {
	fresh();
	say(0, 25, 20, 1);
	counter = 9;
	say(5000, 25, 20, 1); /* jumped */
	pass(10 * MS);
	assert(at() == 0 && n.fault);
	say(5000, 25, 20, 1);
	pass(10 * MS);
	assert(at() == 100);
	counter = 10;
	say(-5000, 25, 20, 1); /* said again by somebody else */
	pass(10 * MS);
	assert(at() == 200);
}

static void waits_for_another_motion_after_a_stop(void) {
	fresh();
	say(0, 25, 20, 7);
	say(9000, 25, 20, 7);
	pass(10 * MS);
	node_stop(&n);
	pass(100 * MS);
	assert(at() == 100);
	for (int i = 0; i < 20; i++) { /* who goes on as if nothing had happened is not heard */
		say(9000, 25, 20, 7);
		pass(10 * MS);
	}
	struct cdm_can f = node_feedback(&n, 5, now, 20 * MS);
	assert(at() == 100 && f.flags == (CDM_CAN_HOLDING | CDM_CAN_STOPPED | CDM_CAN_FAULT));
	say(9000, 25, 20, 8);
	pass(10 * MS);
	f = node_feedback(&n, 5, now, 20 * MS);
	assert(at() == 200 && f.flags == 0 && f.motion == 8);
}

int main(void) {
	goes_at_the_rate_it_is_told();
	stops_when_its_lease_ends();
	refuses_what_is_out_of_order();
	waits_for_another_motion_after_a_stop();
	puts("node_test: ok");
}
