/*
 * can_test.c - the words on the bus.
 *
 * What is written can be read again; the numbers that other implementations rely on stay; and
 * every single changed bit, and every burst of up to eight, is noticed.
 */
#include "cadmus/can.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include "base/check.h"

static const struct cdm_can example = { .kind = CDM_CAN_SETPOINT, .node = 7, .field = 0, .motion = 0x1234,
		.value = -4500, .rate = 75, .lease = 20, .counter = 9, .flags = CDM_CAN_SAFE };

static void reads_what_it_wrote(void) {
	uint32_t seed = 1;
	for (int i = 0; i < 200000; i++) {
		seed = seed * 1664525u + 1013904223u;
		struct cdm_can in = { .kind = (uint8_t)(seed >> 8) % CDM_CAN_KINDS, .node = (uint8_t)(seed >> 16),
				.field = (uint16_t)(seed >> 3 & CDM_CAN_FIELD_MAX), .motion = (uint16_t)(seed >> 9),
				.value = (int16_t)(uint16_t)(seed >> 5), .rate = (uint8_t)(seed >> 11),
				.lease = (uint8_t)(seed >> 13), .counter = seed >> 20 & 15, .flags = seed >> 24 & 15 };
		struct cdm_can out;
		struct cdm_frame f;
		CHECK(cdm_can_encode(&in, &f) == 0);
		CHECK(f.length == 8 && f.flags == CDM_FRAME_EXTENDED && f.id < 1u << 29);
		CHECK(cdm_can_decode(&f, &out) == 0);
		CHECK(memcmp(&in, &out, sizeof(in)) == 0);
	}
}

/* The example of spec/can.md, byte by byte, so that nobody changes the bus by accident. */
static void writes_the_bytes_of_the_specification(void) {
	struct cdm_frame f;
	CHECK(cdm_can_encode(&example, &f) == 0);
	CHECK(f.id == 0x0420e000);
	static const uint8_t expected[8] = { 0x34, 0x12, 0x6c, 0xee, 75, 20, 0x20, 0x19 };
	CHECK(memcmp(f.data, expected, 8) == 0);
	CHECK(cdm_can_id(CDM_CAN_ESTOP, 0, 0) == 0);
	CHECK(cdm_can_id(CDM_CAN_FEEDBACK, 1, 0) == 0x08402000);
	CHECK(cdm_can_id(CDM_CAN_HEARTBEAT, 255, 8191) == 0x109fffff);
}

/* The published check value of CRC-8/AUTOSAR, over "123456789" as id 1234 and bytes 56789. */
static uint8_t plain_crc(const uint8_t *data, size_t n) {
	uint8_t crc = 0xff;
	for (size_t i = 0; i < n; i++) {
		crc ^= data[i];
		for (int b = 0; b < 8; b++)
			crc = (uint8_t)(crc & 0x80 ? crc << 1 ^ 0x2f : crc << 1);
	}
	return crc ^ 0xff;
}

static void computes_the_published_crc(void) {
	CHECK(plain_crc((const uint8_t *)"123456789", 9) == 0xdf);
	const uint8_t data[8] = { 5, 6, 7, 8, 9, 10, 99, 11 };
	const uint8_t flat[11] = { 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11 };
	CHECK(cdm_can_crc(0x04030201, data) == plain_crc(flat, sizeof(flat)));
}

static void flip(struct cdm_frame *f, unsigned bit) {
	if (bit < 29)
		f->id ^= 1u << bit;
	else
		f->data[(bit - 29) / 8] ^= (uint8_t)(1u << (bit - 29) % 8);
}

/* Any 1, 2 or 3 wrong bits among the 29 + 64, at any places. */
static void notices_up_to_three_wrong_bits(void) {
	enum { BITS = 29 + 64 };
	struct cdm_frame good;
	struct cdm_can out;
	CHECK(cdm_can_encode(&example, &good) == 0);
	for (unsigned a = 0; a < BITS; a++)
		for (unsigned b = a; b < BITS; b++)
			for (unsigned c = b; c < BITS; c++) {
				struct cdm_frame f = good;
				flip(&f, a);
				if (b != a)
					flip(&f, b);
				if (c != b)
					flip(&f, c);
				CHECK(cdm_can_decode(&f, &out) < 0);
			}
}

static void refuses_what_is_not_a_message(void) {
	struct cdm_frame good, f;
	struct cdm_can m = example;
	CHECK(cdm_can_encode(&m, &good) == 0);
	f = good, f.length = 7;
	CHECK(cdm_can_decode(&f, &m) == -EPROTO);
	f = good, f.flags = 0;
	CHECK(cdm_can_decode(&f, &m) == -EPROTO);
	f = good, f.flags |= CDM_FRAME_REMOTE;
	CHECK(cdm_can_decode(&f, &m) == -EPROTO);
	f = good, f.id |= 7u << 26; /* a priority that its class does not have */
	CHECK(cdm_can_decode(&f, &m) == -EPROTO);
	f = good, f.id = 5u << 26 | 5u << 21;
	CHECK(cdm_can_decode(&f, &m) == -EPROTO);
	f = good, f.data[6] ^= 1;
	CHECK(cdm_can_decode(&f, &m) == -EBADMSG);

	static const struct cdm_can bad[] = { { .kind = CDM_CAN_KINDS }, { .field = 8192 }, { .counter = 16 },
			{ .flags = 16 } };
	for (size_t i = 0; i < COUNT_OF(bad); i++)
		CHECK(cdm_can_encode(&bad[i], &f) == -EINVAL);
}

static void hears_a_stop_in_any_form(void) {
	struct cdm_frame f = { .id = 0, .flags = CDM_FRAME_EXTENDED };
	CHECK(cdm_can_is_estop(&f));
	f.flags |= CDM_FRAME_REMOTE;
	CHECK(cdm_can_is_estop(&f));
	f.id = cdm_can_id(CDM_CAN_ESTOP, 255, 8191);
	CHECK(cdm_can_is_estop(&f));
	f.id++;
	CHECK(!cdm_can_is_estop(&f));
	f.id = 0, f.flags = 0; /* an 11-bit id is somebody else's message */
	CHECK(!cdm_can_is_estop(&f));
	CHECK(cdm_can_encode(&example, &f) == 0 && !cdm_can_is_estop(&f));
}

static void carries_a_pose(void) {
	static const struct cdm_can_pose in[] = { { 0, 0, 0 }, { -1, 1, -32768 }, { 32767, -32768, 9000 } };
	for (size_t i = 0; i < COUNT_OF(in); i++) {
		struct cdm_can m = { .kind = CDM_CAN_ODOMETRY };
		cdm_can_set_pose(&m, in[i]);
		struct cdm_can_pose out = cdm_can_get_pose(&m);
		CHECK(out.x_mm == in[i].x_mm && out.y_mm == in[i].y_mm && out.heading_cdeg == in[i].heading_cdeg);
	}
}

static void accepts_only_the_next_one(void) {
	struct cdm_can_order o = { 0 };
	CHECK(!cdm_can_in_order(&o, 14)); /* the first tells nothing */
	CHECK(cdm_can_in_order(&o, 15));
	CHECK(cdm_can_in_order(&o, 0));
	CHECK(!cdm_can_in_order(&o, 0));  /* said twice */
	CHECK(cdm_can_in_order(&o, 1));
	CHECK(!cdm_can_in_order(&o, 3));  /* one was lost ... */
	CHECK(cdm_can_in_order(&o, 4));   /* ... and the row goes on */
	for (uint8_t from = 0; from < 16; from++)
		for (uint8_t to = 0; to < 16; to++) {
			struct cdm_can_order p = { .next = (uint8_t)((from + 1) % 16), .known = true };
			CHECK(cdm_can_in_order(&p, to) == (to == (from + 1) % 16));
		}
}

int main(void) {
	reads_what_it_wrote();
	writes_the_bytes_of_the_specification();
	computes_the_published_crc();
	notices_up_to_three_wrong_bits();
	refuses_what_is_not_a_message();
	hears_a_stop_in_any_form();
	carries_a_pose();
	accepts_only_the_next_one();
	puts("can_test: ok");
}
