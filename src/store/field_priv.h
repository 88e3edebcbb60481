/* field_priv.h - the parts of a field in a mapping, for those who share field.c's protocol. */
#ifndef STORE_FIELD_PRIV_H
#define STORE_FIELD_PRIV_H

#include "store/field.h"

static inline struct layout_slot *ring_slot(const struct field_ring *r, uint32_t slot) {
	CHECK(slot < r->count);
	return &r->slots[slot];
}

static inline void *ring_payload(const struct field_ring *r, uint32_t slot) {
	CHECK(slot < r->count);
	return r->payloads + slot * r->stride;
}

struct layout_field *field_shared(const struct segment *s, const struct plan_field *f);
struct field_ring field_ring(const struct plan *p, const struct segment *s, const struct plan_field *f);

/* Hold the writer's newest memory, and know where the field is in it.  false: there is none yet. */
bool field_look(struct field *f);

#endif
