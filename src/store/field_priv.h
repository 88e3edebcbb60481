/* field_priv.h - the parts of a field in a mapping, for those who share field.c's protocol. */
#ifndef STORE_FIELD_PRIV_H
#define STORE_FIELD_PRIV_H

#include <errno.h>
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

#define FIELD_TRIES 16
#define FIELD_MOVED (-ESTALE) /* inside the store: the writer was faster, look again */

/* A sample that was there when we looked. */
struct found {
	uint64_t version, newest;
	uint64_t missed; /* before it, if it is taken in order */
	uint32_t slot;
};

/* The latest; the newest with source time <= f->at.  0, -EAGAIN, FIELD_MOVED, -EPROTO. */
int field_find_latest(struct field *f, struct found *x);
int field_find_at(struct field *f, struct found *x);
/* From the newest, x, to an earlier one; false: it is not there any more. */
bool field_find_version(const struct field *f, struct found *x, uint64_t version);
/* When the world was like that sample says, 0 or later; FIELD_MOVED, -EPROTO. */
int field_source_time(const struct field *f, const struct found *x, struct cdm_mono *out);
/* Copy it (out), borrow it (l), or neither, and say what is known of it.  0, FIELD_MOVED, and what reading gives. */
int field_take_found(struct field *f, const struct found *x, void *out, size_t capacity, struct field_lease *l,
		struct cdm_mono now, struct cdm_info *info);
/* Everything up to the newest of x counts as taken. */
void field_took(struct field *f, const struct found *x);

/* Hold the writer's newest memory, and know where the field is in it.  false: there is none yet. */
bool field_look(struct field *f);

#endif
