/* layout_test.c - nothing overlaps, everything fits, and what cannot be is refused. */
#include "schema/layout.h"

#include <stdio.h>
#include "base/check.h"

static void refuses_fields_that_cannot_be(void) {
	CHECK(layout_field_bytes(2, 8) == 0);
	CHECK(layout_field_bytes(0, 8) == 0);
	CHECK(layout_field_bytes(LAYOUT_SLOTS_MAX + 1, 8) == 0);
	CHECK(layout_field_bytes(3, 0) == 0);
	CHECK(layout_field_bytes(3, 8) != 0);
	CHECK(layout_field_bytes(LAYOUT_SLOTS_MAX, UINT32_MAX) != 0 || sizeof(size_t) < 8);
}

/* Wherever a field starts, its headers and payloads stand in it, in order and apart. */
static void payloads_stand_inside_and_apart(void) {
	static const uint32_t payloads[] = { 1, 8, 24, 25, 87, 88, 89, 128, 4095, 4096, 4097, 8192, 640 * 480 * 3 };
	static const uint32_t slots[] = { 3, 4, 17, 1000 };
	for (size_t i = 0; i < COUNT_OF(payloads) * COUNT_OF(slots); i++) {
		uint32_t bytes = payloads[i % COUNT_OF(payloads)], n = slots[i / COUNT_OF(payloads)];
		for (size_t at = LAYOUT_PAGE; at < 2 * LAYOUT_PAGE; at += LAYOUT_ALIGN) {
			size_t end = at + layout_field_bytes(n, bytes), headers_end = layout_slot_at(at, n);
			size_t first = bytes <= LAYOUT_INLINE ? layout_slot_at(at, 0) : headers_end;
			for (uint32_t s = 0; s < n; s++) {
				size_t payload = layout_payload_at(at, n, bytes, s);
				CHECK(payload >= first && payload + bytes <= end);
				CHECK(payload % (bytes > LAYOUT_LARGE ? LAYOUT_PAGE :
						bytes > LAYOUT_INLINE ? LAYOUT_ALIGN : 8) == 0);
				first = payload + bytes;
			}
		}
	}
}

static void sizes_are_multiples(void) {
	CHECK(layout_round(0, 8) == 0 && layout_round(1, 8) == 8 && layout_round(8, 8) == 8);
	for (uint32_t quota = 0; quota < 70; quota++) {
		CHECK(layout_desk_bytes(quota) % LAYOUT_ALIGN == 0);
		CHECK(layout_desk_bytes(quota) >= sizeof(struct layout_desk) + quota * sizeof(uint64_t));
	}
	CHECK(layout_events_bytes() % LAYOUT_ALIGN == 0);
	for (uint32_t bytes = 1; bytes < 10000; bytes += 7)
		CHECK(layout_field_bytes(3, bytes) % LAYOUT_ALIGN == 0);
}

int main(void) {
	refuses_fields_that_cannot_be();
	payloads_stand_inside_and_apart();
	sizes_are_multiples();
	puts("layout_test: ok");
}
