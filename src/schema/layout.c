/*
 * layout.c - the arithmetic of segments: sizes and places, and nothing that looks at memory.
 *
 * Sizes do not depend on where a field starts, so the compiler may place fields in any order: a
 * field with large payloads owns one page more than they need, and they begin on the first page
 * boundary after its slot headers.
 */
#include "schema/layout.h"

size_t layout_round(size_t bytes, size_t to) {
	return (bytes + to - 1) / to * to;
}

/* From one payload to the next; 0 when payloads stand inside their slot headers. */
static uint64_t payload_stride(uint32_t payload) {
	uint64_t to = payload > LAYOUT_LARGE ? LAYOUT_PAGE : LAYOUT_ALIGN;
	return payload <= LAYOUT_INLINE ? 0 : (payload + to - 1) / to * to;
}

static size_t headers_bytes(uint32_t slots) {
	return sizeof(struct layout_field) + (size_t)slots * sizeof(struct layout_slot);
}

size_t layout_field_bytes(uint32_t slots, uint32_t payload) {
	if (slots < LAYOUT_SLOTS_MIN || slots > LAYOUT_SLOTS_MAX || payload == 0)
		return 0;
	/* 2^24 * 4 GiB: far from the end of 64 bits, but maybe not of a size_t */
	uint64_t total = headers_bytes(slots) + slots * payload_stride(payload);
	if (payload > LAYOUT_LARGE)
		total += LAYOUT_PAGE;
	return (size_t)total == total ? (size_t)total : 0;
}

size_t layout_desk_bytes(uint32_t lease_quota) {
	return layout_round(sizeof(struct layout_desk) + (size_t)lease_quota * sizeof(uint64_t), LAYOUT_ALIGN);
}

size_t layout_tallies_bytes(uint32_t count) {
	return layout_round(count * sizeof(struct layout_tally), LAYOUT_ALIGN);
}

size_t layout_events_bytes(void) {
	return sizeof(struct layout_events);
}

size_t layout_slot_at(size_t field_offset, uint32_t i) {
	return field_offset + sizeof(struct layout_field) + (size_t)i * sizeof(struct layout_slot);
}

size_t layout_payload_at(size_t field_offset, uint32_t slots, uint32_t payload, uint32_t i) {
	size_t first = field_offset + headers_bytes(slots);

	if (payload <= LAYOUT_INLINE)
		return layout_slot_at(field_offset, i) + offsetof(struct layout_slot, payload);
	if (payload > LAYOUT_LARGE)
		first = layout_round(first, LAYOUT_PAGE);
	return first + (size_t)(i * payload_stride(payload));
}
