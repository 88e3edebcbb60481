/* shelf.c - see shelf_priv.h. */
#include "memory/shelf_priv.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "base/array.h"
#include "base/check.h"
#include "memory/vector.h"

void shelf_init(struct shelf *s, unsigned dims, size_t bytes) {
	size_t room = bytes / dims / INDEX_BLOCK * INDEX_BLOCK;
	*s = (struct shelf){ .dims = dims, .room = room ? room : INDEX_BLOCK };
}

void shelf_clear(struct shelf *s) {
	free(s->slots);
	free(s->vectors);
	free(s->signs);
	free(s->owners);
	recent_clear(&s->recent);
	*s = (struct shelf){ .dims = s->dims, .room = s->room };
}

struct shelf_slot *shelf_slot(const struct shelf *s, int64_t id) {
	return id >= s->first && id < s->first + (int64_t)s->count ? &s->slots[id - s->first] : NULL;
}

static void put_signs(struct shelf *s, size_t at, const int8_t *v) {
	vector_signs(v, s->dims, s->signs + at / VECTOR_LANES * VECTOR_LANES * s->dims / 8, at % VECTOR_LANES);
}

void shelf_forget(struct shelf *s, struct shelf_slot *slot) {
	size_t at = (size_t)(slot - s->slots);
	int8_t *v = memset(s->vectors + at * s->dims, 0, s->dims);
	put_signs(s, at, v);
	recent_forget(&s->recent, s->first + (int64_t)at);
	*slot = (struct shelf_slot){ .live = false };
}

const int8_t *shelf_vector(const struct shelf *s, const struct shelf_slot *slot) {
	return s->vectors + (size_t)(slot - s->slots) * s->dims;
}

uint32_t shelf_session_tag(const char *session) {
	return session[0] ? (uint32_t)words_hash(session, strlen(session)) | 1 : 0;
}

/* ---- room ---- */

static int grow(struct shelf *s, size_t held) {
	struct shelf_slot *slots = realloc(s->slots, held * sizeof(*slots));
	if (!slots)
		return -ENOMEM;
	s->slots = slots;
	int8_t *vectors = realloc(s->vectors, held * s->dims);
	if (!vectors)
		return -ENOMEM;
	s->vectors = vectors;
	uint8_t *signs = realloc(s->signs, held * s->dims / 8);
	if (!signs)
		return -ENOMEM;
	s->signs = signs;
	s->held = held;
	return 0;
}

/* The oldest go, a good part of them at once, so that it happens seldom. */
static void drop_oldest(struct shelf *s) {
	size_t gone = (s->count / 8 / VECTOR_LANES + 1) * VECTOR_LANES;
	memmove(s->slots, s->slots + gone, (s->count - gone) * sizeof(s->slots[0]));
	memmove(s->vectors, s->vectors + gone * s->dims, (s->count - gone) * s->dims);
	memmove(s->signs, s->signs + gone * s->dims / 8, (s->count - gone) * s->dims / 8);
	s->count -= gone;
	s->first += (int64_t)gone;
}

/* An empty slot behind the last. */
static int push(struct shelf *s) {
	CHECK(s->room > 0);
	if (s->count == s->room)
		drop_oldest(s);
	if (s->count == s->held) {
		size_t more = (s->held + s->held / 2 + 4 * INDEX_BLOCK) / INDEX_BLOCK * INDEX_BLOCK;
		int rc = grow(s, more < s->room ? more : s->room);
		if (rc < 0)
			return rc;
	}
	memset(&s->slots[s->count], 0, sizeof(s->slots[0]));
	memset(s->vectors + s->count * s->dims, 0, s->dims);
	if (s->count % VECTOR_LANES == 0)
		memset(s->signs + s->count * s->dims / 8, 0, VECTOR_LANES * s->dims / 8);
	s->count++;
	return 0;
}

/* ---- names ---- */

static int find_owner(struct shelf *s, const char *name, uint32_t *out) {
	for (uint32_t i = 0; i < s->owner_count; i++) {
		*out = (s->last_owner + i) % s->owner_count;
		if (strcmp(s->owners[*out], name) == 0) {
			s->last_owner = *out;
			return 0;
		}
	}
	char(*more)[CDM_NAME_MAX] = array_grow(s->owners, s->owner_count, &s->owner_room, sizeof(*more));
	if (!more)
		return -ENOMEM;
	s->owners = more;
	*out = s->owner_count++;
	strncpy(s->owners[*out], name, CDM_NAME_MAX - 1)[CDM_NAME_MAX - 1] = 0;
	return 0;
}

/* ---- loading ---- */

static int take_row(struct shelf *s, sqlite3_stmt *row) {
	const char *principal = (const char *)sqlite3_column_text(row, 7);
	const char *session = (const char *)sqlite3_column_text(row, 8);
	int64_t id = sqlite3_column_int64(row, 0);
	if (!principal || !session)
		return -EBADMSG;
	if (s->count == 0)
		s->first = id;
	/* Ids grow by one; those of erased passages are holes, a file that says otherwise is damaged. */
	if (id < s->first + (int64_t)s->count || id - s->first - (int64_t)s->count > INT64_C(1) << 20)
		return -EBADMSG;
	int rc = 0;
	while (rc == 0 && s->first + (int64_t)s->count <= id)
		rc = push(s);
	if (rc < 0)
		return rc;
	struct shelf_slot *slot = &s->slots[s->count - 1];
	slot->seq = (uint64_t)sqlite3_column_int64(row, 1);
	slot->when_ns = sqlite3_column_int64(row, 2);
	slot->trust = (float)((double)sqlite3_column_int64(row, 3) / BODY_PPM);
	slot->visibility = (uint8_t)sqlite3_column_int(row, 4);
	slot->kind = (uint8_t)sqlite3_column_int(row, 5);
	slot->live = sqlite3_column_int(row, 6) != 0;
	slot->whole = (uint64_t)sqlite3_column_int64(row, 9);
	slot->session = shelf_session_tag(session);
	rc = find_owner(s, principal, &slot->owner);
	return rc < 0 ? rc : recent_put(&s->recent, id, sqlite3_column_blob(row, 10), sqlite3_column_bytes(row, 10));
}

static int load_rows(struct shelf *s, struct index *x) {
	sqlite3_stmt *row = index_query(x, INDEX_ROWS);
	int64_t from = s->count ? s->first + (int64_t)s->count : x->at.next - (int64_t)s->room;
	sqlite3_bind_int64(row, 1, from);
	int step, rc = 0;
	while (rc == 0 && (step = sqlite3_step(row)) == SQLITE_ROW)
		rc = take_row(s, row);
	if (rc == 0 && step != SQLITE_DONE)
		rc = index_error(x);
	sqlite3_reset(row);
	return rc;
}

static void take_block(struct shelf *s, int64_t block, const int8_t *data, int64_t end) {
	for (int64_t i = 0; i < INDEX_BLOCK; i++) {
		struct shelf_slot *slot = shelf_slot(s, block * INDEX_BLOCK + i);
		if (!slot || block * INDEX_BLOCK + i >= end)
			continue;
		const int8_t *v = data + (size_t)i * s->dims;
		memcpy(s->vectors + (size_t)(slot - s->slots) * s->dims, v, s->dims);
		put_signs(s, (size_t)(slot - s->slots), v);
		slot->inverse_length = vector_inverse_length(v, s->dims);
	}
}

static int load_vectors(struct shelf *s, struct index *x, int64_t from) {
	sqlite3_stmt *q = index_query(x, INDEX_BLOCK_READ);
	int rc = 0;
	from = from > s->first ? from : s->first;
	int64_t end = from < x->at.vectors ? (x->at.vectors + INDEX_BLOCK - 1) / INDEX_BLOCK : 0;
	for (int64_t block = from / INDEX_BLOCK; block < end && rc == 0; block++) {
		sqlite3_bind_int64(q, 1, block);
		int step = sqlite3_step(q);
		if (step == SQLITE_ROW && sqlite3_column_bytes(q, 0) == (int)(INDEX_BLOCK * s->dims))
			take_block(s, block, sqlite3_column_blob(q, 0), x->at.vectors);
		else if (step != SQLITE_DONE) /* none: of passages that were too old to get a vector */
			rc = step == SQLITE_ROW ? -EBADMSG : index_error(x);
		sqlite3_reset(q);
	}
	return rc;
}

int shelf_load(struct shelf *s, struct index *x, int64_t vectors) {
	int rc = load_rows(s, x);
	return rc < 0 || s->count == 0 ? rc : load_vectors(s, x, vectors);
}
