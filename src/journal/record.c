/* record.c - names, the hybrid clock, and the links of the chain; see record.h. */
#include "journal/record.h"

#include <errno.h>
#include <string.h>
#include "base/clock.h"
#include "base/msgpack.h"

static const struct {
	const char *name;
	enum journal_class class;
} kinds[JOURNAL_KIND_COUNT] = {
#define JOURNAL_KIND(NAME, name, class, text) { #name, JOURNAL_##class },
#include "journal/kind.def"
#undef JOURNAL_KIND
};

static const char *const visibilities[JOURNAL_VISIBILITY_COUNT] = {
#define JOURNAL_VISIBILITY(NAME, name) #name,
#include "journal/visibility.def"
#undef JOURNAL_VISIBILITY
};

static const char *const classes[] = { "D0", "D1", "D2" };

const char *record_kind_name(unsigned kind) {
	return kind < JOURNAL_KIND_COUNT ? kinds[kind].name : "?";
}

enum journal_class record_kind_class(enum journal_kind kind) {
	CHECK(kind < JOURNAL_KIND_COUNT);
	return kinds[kind].class;
}

const char *record_visibility_name(unsigned visibility) {
	return visibility < JOURNAL_VISIBILITY_COUNT ? visibilities[visibility] : "?";
}

const char *record_class_name(unsigned class) {
	return class < COUNT_OF(classes) ? classes[class] : "?";
}

int record_kind_find(const char *name) {
	for (int i = 0; i < JOURNAL_KIND_COUNT; i++)
		if (strcmp(name, kinds[i].name) == 0)
			return i;
	return -ENOENT;
}

int record_visibility_find(const char *name) {
	for (int i = 0; i < JOURNAL_VISIBILITY_COUNT; i++)
		if (strcmp(name, visibilities[i]) == 0)
			return i;
	return -ENOENT;
}

int record_class_find(const char *name) {
	for (unsigned i = 0; i < COUNT_OF(classes); i++)
		if (strcmp(name, classes[i]) == 0)
			return (int)i;
	return -ENOENT;
}

bool record_visible(const char *owner, unsigned visibility, const char *asker) {
	return visibility != JOURNAL_PRIVATE || strcmp(owner, asker) == 0;
}

/* Physical time where it has moved on, else the last stamp and one more. */
uint64_t record_hlc_next(uint64_t last, struct cdm_wall now) {
	uint64_t physical = now.ns > 0 ? (uint64_t)(now.ns / NS_PER_MS) << 16 : 0;
	return physical > last ? physical : last + 1;
}

struct cdm_wall record_hlc_wall(uint64_t hlc) {
	return (struct cdm_wall){ (int64_t)(hlc >> 16) * NS_PER_MS };
}

#define HEADER_MAX (5 * 9 + 2 * (CDM_NAME_MAX + 2) + JOURNAL_KIND_NAME_MAX + 2 + 16 + 4 + 1)

struct hash record_hash(const struct journal_record *r) {
	uint8_t header[HASH_BYTES + HEADER_MAX];
	struct mp_out o;
	mp_begin(&o, header, sizeof(header));
	mp_raw(&o, r->prev.bytes, HASH_BYTES);
	mp_array(&o, 9);
	mp_uint(&o, r->seq);
	mp_uint(&o, r->epoch);
	mp_uint(&o, r->hlc);
	mp_int(&o, r->wall.ns);
	mp_str(&o, r->entity);
	mp_str(&o, r->principal);
	mp_str(&o, record_visibility_name(r->visibility));
	mp_str(&o, r->kind_name);
	mp_str(&o, record_class_name(r->class));
	int bytes = mp_done(&o);
	CHECK(bytes > 0);
	return hash_pair(header, (size_t)bytes, r->body_hash.bytes, HASH_BYTES);
}

int record_check(const struct journal_record *r, uint64_t seq, const struct hash *hash) {
	if (r->seq != seq + 1 || !hash_equal(&r->prev, hash))
		return -EBADMSG;
	if (!r->erased) {
		struct hash body = hash_of(r->body, r->body_bytes);
		if (!hash_equal(&body, &r->body_hash))
			return -EBADMSG;
	}
	struct hash want = record_hash(r);
	return hash_equal(&want, &r->hash) ? 0 : -EBADMSG;
}

bool record_is_whole(const struct journal_record *r) {
	return record_check(r, r->seq - 1, &r->prev) == 0;
}
