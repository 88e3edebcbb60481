/* field_priv.h - where the plan puts the parts of a field, for those who share field.c's protocol. */
#ifndef STORE_FIELD_PRIV_H
#define STORE_FIELD_PRIV_H

#include "store/segment.h"

static inline struct layout_field *field_shared(const struct segment *s, const struct plan_field *f) {
	return (struct layout_field *)(void *)(s->base + f->offset);
}

/* The field whose head tells of f's samples. */
static inline struct layout_field *field_leader(const struct plan *p, const struct segment *s,
		const struct plan_field *f) {
	return field_shared(s, &plan_fields(p)[f->group]);
}

static inline struct layout_slot *field_slot(const struct segment *s, const struct plan_field *f, uint32_t slot) {
	CHECK(slot < f->slots);
	return (struct layout_slot *)(void *)(s->base + layout_slot_at(f->offset, slot));
}

static inline void *field_payload(const struct segment *s, const struct plan_field *f, uint32_t slot) {
	CHECK(slot < f->slots);
	return s->base + layout_payload_at(f->offset, f->slots, f->bytes, slot);
}

#endif
