/* recorded_test.c - messages of recordings: whole, cut, turned, and of other people. */
#include "replay/recorded.h"

#include <errno.h>
#include <math.h>
#include "replay/replay_testing.h"

static const float values[3] = { 0.5f, -1.0f, 2.0f };

static struct cdm_info known(void) {
	return (struct cdm_info){ .version = 7, .epoch = 3, .source_time = { 1000 }, .publish_time = { 2000 },
		.trust = 0.75f, .status = CDM_DEGRADED, .source = 5, .bytes = sizeof(values) };
}

static void whole(void) {
	static struct testing_bytes o;
	struct cdm_info i = known();
	struct recorded s;
	for (uint32_t payload = 1; payload <= 2; payload++) {
		testing_message(&o, &i, 9, payload, values);
		CHECK(recorded_decode(o.at, o.n, false, &s) == 0);
		CHECK(s.info.version == 7 && s.info.epoch == 3 && s.info.source_time.ns == 1000);
		CHECK(s.info.publish_time.ns == 2000 && s.info.trust == 0.75f && s.info.status == CDM_DEGRADED);
		CHECK(s.info.source == 5 && s.missed == 9 && s.info.bytes == sizeof(values));
		CHECK(memcmp(s.bytes, (const uint8_t *)values, sizeof(values)) == 0);
		CHECK(recorded_decode(o.at, o.n, true, &s) == -EBADMSG); /* no picture is in it */
	}
	testing_data(&o, 1, "numbers", 7); /* a small sample is there twice: the bytes count */
	CHECK(recorded_decode(o.at, o.n, false, &s) == 0);
	CHECK(memcmp(s.bytes, (const uint8_t *)values, sizeof(values)) == 0);
	testing_message(&o, &i, 0, 6, values);
	CHECK(recorded_decode(o.at, o.n, true, &s) == 0 && s.info.bytes == sizeof(values) && s.missed == 0);
	CHECK(recorded_decode(o.at, o.n, false, &s) == -EBADMSG);
}

/* What nobody could have published is nothing. */
static void what_cannot_be(void) {
	static struct testing_bytes o;
	struct recorded s;
	struct cdm_info bad[7];
	for (unsigned k = 0; k < COUNT_OF(bad); k++)
		bad[k] = known();
	bad[0].version = 0;
	bad[1].source_time.ns = 2001;
	bad[2].source_time.ns = -1;
	bad[3].trust = 1.5f;
	bad[4].trust = NAN;
	bad[5].status = CDM_ORPHAN + 1;
	bad[6].publish_time.ns = INT64_MIN;
	for (unsigned k = 0; k < COUNT_OF(bad); k++) {
		testing_message(&o, &bad[k], 0, 1, values);
		CHECK(recorded_decode(o.at, o.n, false, &s) == -EBADMSG);
	}
	CHECK(recorded_decode(o.at, 0, false, &s) == -EBADMSG);
}

/* Cut anywhere, and with any byte turned: it ends, and what comes out lies inside. */
static void damaged(void) {
	static struct testing_bytes o;
	struct cdm_info i = known();
	struct recorded s;
	testing_message(&o, &i, 1, 1, values);
	for (size_t n = 0; n < o.n; n++)
		CHECK(recorded_decode(o.at, n, false, &s) == -EBADMSG); /* the payload comes last */
	for (size_t n = 0; n < o.n; n++)
		for (unsigned bit = 0; bit < 8; bit++) {
			o.at[n] ^= (uint8_t)(1u << bit);
			if (recorded_decode(o.at, o.n, false, &s) == 0) {
				const uint8_t *b = s.bytes;
				CHECK(b >= o.at && b + s.info.bytes <= o.at + o.n && s.info.status <= CDM_ORPHAN);
			}
			o.at[n] ^= (uint8_t)(1u << bit);
		}
	const uint8_t long_varint[] = { 0xa8, 0x06, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1 };
	CHECK(recorded_decode(long_varint, sizeof(long_varint), false, &s) == -EBADMSG);
	const uint8_t group[] = { 0x0b }, nothing[] = { 0x00, 0x00 };
	CHECK(recorded_decode(group, 1, false, &s) == -EBADMSG && recorded_decode(nothing, 2, false, &s) == -EBADMSG);
}

/* Fields that are not ours, and ours in another form, are passed over. */
static void of_others(void) {
	static struct testing_bytes o;
	struct cdm_info i = known();
	struct recorded s;
	testing_message(&o, &i, 0, 1, values);
	testing_number(&o, 999, 5);
	testing_number(&o, 105, 5); /* trust is no varint */
	testing_fixed(&o, 101, values, 4);
	testing_number(&o, 2, 5); /* nor data a number */
	CHECK(recorded_decode(o.at, o.n, false, &s) == 0 && s.info.trust == 0.75f && s.info.version == 7);
}

int main(void) {
	whole();
	what_cannot_be();
	damaged();
	of_others();
	return 0;
}
