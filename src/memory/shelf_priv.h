/*
 * shelf_priv.h - what every search looks at, in memory: the vector of each passage, whether it may be shown, and of the
 * newest the words.
 *
 * Passages stand in the order of their ids, the newest `room` of them.  One thread.
 */
#ifndef MEMORY_SHELF_PRIV_H
#define MEMORY_SHELF_PRIV_H

#include "journal/claims.h"
#include "memory/index_priv.h"
#include "memory/recent_priv.h"

struct shelf_slot {
	uint64_t seq;
	uint64_t whole; /* a hash of its text */
	int64_t when_ns;
	float inverse_length; /* of its vector; 0: it has none */
	float trust;
	uint32_t owner;   /* a number for its principal */
	uint32_t session; /* a hash; 0: none */
	uint8_t kind, visibility;
	bool live;
};

struct shelf {
	unsigned dims;
	int64_t first;       /* id of the slot 0 */
	size_t count, held, room; /* slots in use, allocated, at most */
	struct shelf_slot *slots;
	int8_t *vectors;
	uint8_t *signs; /* of the vectors, in groups */
	char (*owners)[CDM_NAME_MAX];
	uint32_t owner_count;
	size_t owner_room;
	uint32_t last_owner;
	struct recent recent;
};

void shelf_init(struct shelf *s, unsigned dims, size_t bytes);
void shelf_clear(struct shelf *s);

/* Take in what the index has that is not here; vectors of passages from `vectors` on, too. */
MUST_CHECK int shelf_load(struct shelf *s, struct index *x, int64_t vectors);

/* The slot of a passage, or NULL. */
struct shelf_slot *shelf_slot(const struct shelf *s, int64_t id);
/* Nothing of the passage stays. */
void shelf_forget(struct shelf *s, struct shelf_slot *slot);
const int8_t *shelf_vector(const struct shelf *s, const struct shelf_slot *slot);

uint32_t shelf_session_tag(const char *session);

#endif
