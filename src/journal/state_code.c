/*
 * state_code.c - a state as canonical MessagePack: written, hashed as it is written, and read back.
 *
 * The whole is one array: a head, counts, then an array for each part in the order of enum state_part;
 * an item is an array of its members.  The hash is over the same without the calendar: without hlc and
 * head, and without members that are of it.  No item is larger than the buffer, which is passed on
 * after each.
 */
#include <errno.h>
#include <sodium.h>
#include <string.h>
#include "base/msgpack.h"
#include "journal/state_priv.h"

struct writer {
	state_sink *sink;
	void *user;
	bool calendar;
	struct mp_out out;
	uint8_t buffer[3 * STATE_TEXT_MAX];
};

/* ---- writing ---- */

static void pass_on(struct writer *w) {
	int bytes = mp_done(&w->out);
	CHECK(bytes >= 0);
	w->sink(w->user, w->buffer, (size_t)bytes);
	mp_begin(&w->out, w->buffer, sizeof(w->buffer));
}

/* Only kinds that occurred: a kind that a newer program adds changes no hash of older records. */
static void put_kinds(struct mp_out *o, const struct journal_state *s) {
	uint32_t seen = 0;
	for (unsigned k = 0; k < COUNT_OF(s->kinds); k++)
		seen += s->kinds[k] > 0;
	mp_map(o, seen);
	for (unsigned k = 0; k < COUNT_OF(s->kinds); k++)
		if (s->kinds[k])
			mp_kv_uint(o, record_kind_name(k), s->kinds[k]);
}

#define HEAD_MEMBERS 9u  /* without the calendar */
#define HEAD_CALENDAR 2u

static void put_head(struct writer *w, const struct journal_state *s) {
	const uint64_t counts[] = { s->erased, s->broken, s->duplicates, s->dropped, s->turns_end, s->requests_end,
		s->symbols_end, s->erased_end, s->compacted };
	struct mp_out *o = &w->out;
	mp_array(o, HEAD_MEMBERS + (w->calendar ? HEAD_CALENDAR : 0) + PART_COUNT);
	mp_uint(o, STATE_FOLD);
	mp_uint(o, s->seq);
	mp_uint(o, s->epoch);
	if (w->calendar) {
		mp_uint(o, s->hlc);
		mp_bin(o, s->head.bytes, HASH_BYTES);
	}
	mp_bin(o, s->plan_hash.bytes, HASH_BYTES);
	mp_uint(o, s->plan_seq);
	mp_str(o, s->active_model);
	mp_uint(o, s->command_id_max);
	put_kinds(o, s);
	mp_array(o, COUNT_OF(counts));
	for (size_t i = 0; i < COUNT_OF(counts); i++)
		mp_uint(o, counts[i]);
	pass_on(w);
}

static void put_seqs(struct mp_out *o, const struct body_seqs *q) {
	mp_array(o, q->count);
	for (uint32_t i = 0; i < q->count; i++)
		mp_uint(o, q->at[i]);
}

static uint64_t u64_at(const char *at) {
	uint64_t v;
	memcpy(&v, at, sizeof(v));
	return v;
}

static void put_member(struct mp_out *o, const struct member *m, const void *item) {
	const char *at = (const char *)item + m->at;
	switch (m->type) {
	case MEMBER_TEXT: mp_str(o, at); break;
	case MEMBER_U64: mp_uint(o, u64_at(at)); break;
	case MEMBER_U32: mp_uint(o, *(const uint32_t *)(const void *)at); break;
	case MEMBER_BOOL: mp_bool(o, *(const uint8_t *)at); break;
	case MEMBER_VISIBILITY: mp_str(o, record_visibility_name(*(const uint8_t *)at)); break;
	case MEMBER_HASH: mp_bin(o, at, HASH_BYTES); break;
	case MEMBER_WALL: mp_int(o, (int64_t)u64_at(at)); break;
	case MEMBER_SEQS: put_seqs(o, (const struct body_seqs *)(const void *)at); break;
	case MEMBER_DATA: mp_bin(o, at + sizeof(uint16_t), *(const uint16_t *)(const void *)at); break;
	}
}

static bool is_written(const struct writer *w, const struct member *m) {
	return w->calendar || !m->calendar;
}

static void put_part(struct writer *w, const struct journal_state *s, enum state_part part) {
	const struct shape *shape = &state_shapes[part];
	unsigned members = 0, items = state_items(s, part);
	for (unsigned m = 0; m < shape->count; m++)
		members += is_written(w, &shape->members[m]);
	mp_array(&w->out, items);
	for (unsigned i = 0; i < items; i++) {
		const void *item = state_item(s, part, i);
		mp_array(&w->out, members);
		for (unsigned m = 0; m < shape->count; m++)
			if (is_written(w, &shape->members[m]))
				put_member(&w->out, &shape->members[m], item);
		pass_on(w);
	}
	pass_on(w);
}

static void put_state(const struct journal_state *s, struct writer *w) {
	mp_begin(&w->out, w->buffer, sizeof(w->buffer));
	put_head(w, s);
	for (unsigned part = 0; part < PART_COUNT; part++)
		put_part(w, s, (enum state_part)part);
}

void state_encode(const struct journal_state *s, state_sink *sink, void *user) {
	struct writer w;
	w.sink = sink;
	w.user = user;
	w.calendar = true;
	put_state(s, &w);
}

static void into_hash(void *user, const void *bytes, size_t count) {
	crypto_generichash_update(user, bytes, count);
}

struct hash state_hash(const struct journal_state *s) {
	crypto_generichash_state hash;
	struct writer w;
	struct hash h;
	CHECK(crypto_generichash_init(&hash, NULL, 0, HASH_BYTES) == 0);
	w.sink = into_hash;
	w.user = &hash;
	w.calendar = false;
	put_state(s, &w);
	CHECK(crypto_generichash_final(&hash, h.bytes, HASH_BYTES) == 0);
	return h;
}

/* ---- reading ---- */

static int get_text(struct mp_in *in, char *out, size_t capacity) {
	const char *text;
	size_t bytes;
	if (mp_get_str(in, &text, &bytes) < 0 || bytes >= capacity || (bytes && memchr(text, 0, bytes)))
		return -EPROTO;
	if (bytes)
		memcpy(out, text, bytes);
	out[bytes] = 0;
	return 0;
}

static int get_hash(struct mp_in *in, void *out) {
	const void *data;
	size_t bytes;
	if (mp_get_bin(in, &data, &bytes) < 0 || bytes != HASH_BYTES)
		return -EPROTO;
	memcpy(out, data, HASH_BYTES);
	return 0;
}

static int get_u64(struct mp_in *in, char *at) {
	uint64_t v;
	if (mp_get_uint(in, &v) < 0)
		return -EPROTO;
	memcpy(at, &v, sizeof(v));
	return 0;
}

static int get_u32(struct mp_in *in, char *at) {
	uint64_t v;
	if (mp_get_uint(in, &v) < 0 || v > UINT32_MAX)
		return -EPROTO;
	memcpy(at, &(uint32_t){ (uint32_t)v }, sizeof(uint32_t));
	return 0;
}

static int get_bool(struct mp_in *in, char *at) {
	bool v;
	if (mp_get_bool(in, &v) < 0)
		return -EPROTO;
	*at = v;
	return 0;
}

static int get_visibility(struct mp_in *in, char *at) {
	char name[16];
	if (get_text(in, name, sizeof(name)) < 0)
		return -EPROTO;
	int v = record_visibility_find(name);
	*at = (char)v;
	return v < 0 ? -EPROTO : 0;
}

static int get_wall(struct mp_in *in, char *at) {
	int64_t v;
	if (mp_get_int(in, &v) < 0)
		return -EPROTO;
	memcpy(at, &v, sizeof(v));
	return 0;
}

static int get_seqs(struct mp_in *in, char *at) {
	struct body_seqs q = { .count = 0 };
	if (mp_get_array(in, &q.count) < 0 || q.count > COUNT_OF(q.at))
		return -EPROTO;
	for (uint32_t i = 0; i < q.count; i++)
		if (mp_get_uint(in, &q.at[i]) < 0)
			return -EPROTO;
	memcpy(at, &q, sizeof(q));
	return 0;
}

static int get_data(struct mp_in *in, char *at, size_t capacity) {
	const void *data;
	size_t bytes;
	if (mp_get_bin(in, &data, &bytes) < 0 || bytes > capacity)
		return -EPROTO;
	memcpy(at, &(uint16_t){ (uint16_t)bytes }, sizeof(uint16_t));
	if (bytes)
		memcpy(at + sizeof(uint16_t), data, bytes);
	return 0;
}

static int get_member(struct mp_in *in, const struct member *m, void *item) {
	char *at = (char *)item + m->at;
	switch (m->type) {
	case MEMBER_TEXT: return get_text(in, at, m->bytes);
	case MEMBER_U64: return get_u64(in, at);
	case MEMBER_U32: return get_u32(in, at);
	case MEMBER_BOOL: return get_bool(in, at);
	case MEMBER_VISIBILITY: return get_visibility(in, at);
	case MEMBER_HASH: return get_hash(in, at);
	case MEMBER_WALL: return get_wall(in, at);
	case MEMBER_SEQS: return get_seqs(in, at);
	case MEMBER_DATA: return get_data(in, at, m->bytes);
	}
	return -EPROTO;
}

static int get_item(struct mp_in *in, const struct shape *shape, void *item) {
	uint32_t members;
	if (mp_get_array(in, &members) < 0 || members != shape->count)
		return -EPROTO;
	for (unsigned m = 0; m < shape->count; m++)
		if (get_member(in, &shape->members[m], item) < 0)
			return -EPROTO;
	return 0;
}

/* Items came by key, so each new one goes to the end; one that does not is no encoding of ours. */
static int get_table(struct mp_in *in, struct journal_state *s, enum state_part part, uint32_t items) {
	_Alignas(uint64_t) char room[sizeof(struct state_fact)]; /* the largest item of a table */
	_Static_assert(sizeof(room) >= sizeof(struct state_sample) && sizeof(room) >= sizeof(struct state_goal) &&
			sizeof(room) >= sizeof(struct state_setting) && sizeof(room) >= sizeof(struct state_session),
			"any item fits");
	const struct shape *shape = &state_shapes[part];
	struct table t = state_table(s, part);
	if (items > shape->max)
		return -EPROTO;
	for (uint32_t i = 0; i < items; i++) {
		bool evicted;
		memset(room, 0, sizeof(room));
		if (get_item(in, shape, room) < 0)
			return -EPROTO;
		memcpy(table_put(&t, room, &evicted), room, shape->item_bytes);
		if (*t.count != i + 1 || t.order[i] != i)
			return -EPROTO;
	}
	return 0;
}

/* The end of the ring is known from the head: how many there are follows from it. */
static int get_ring(struct mp_in *in, struct journal_state *s, enum state_part part, uint32_t items) {
	const struct shape *shape = &state_shapes[part];
	uint64_t end = *(const uint64_t *)(const void *)((const char *)s + shape->count_at);
	if (items != state_items(s, part))
		return -EPROTO;
	for (uint64_t n = end - items; n < end; n++)
		if (get_item(in, shape, (char *)s + shape->items_at + n % shape->max * shape->item_bytes) < 0)
			return -EPROTO;
	return 0;
}

static int get_kinds(struct mp_in *in, struct journal_state *s) {
	uint32_t pairs;
	if (mp_get_map(in, &pairs) < 0)
		return -EPROTO;
	while (pairs-- > 0) {
		char name[JOURNAL_KIND_NAME_MAX];
		uint64_t n;
		if (get_text(in, name, sizeof(name)) < 0 || mp_get_uint(in, &n) < 0)
			return -EPROTO;
		int k = record_kind_find(name);
		s->kinds[k < 0 ? JOURNAL_KIND_COUNT : k] += n;
	}
	return 0;
}

static int get_counts(struct mp_in *in, struct journal_state *s) {
	uint64_t *const counts[] = { &s->erased, &s->broken, &s->duplicates, &s->dropped, &s->turns_end,
		&s->requests_end, &s->symbols_end, &s->erased_end, &s->compacted };
	uint32_t n;
	if (mp_get_array(in, &n) < 0 || n != COUNT_OF(counts))
		return -EPROTO;
	for (size_t i = 0; i < COUNT_OF(counts); i++)
		if (mp_get_uint(in, counts[i]) < 0)
			return -EPROTO;
	return 0;
}

static int get_head(struct mp_in *in, struct journal_state *s) {
	uint32_t n;
	uint64_t fold;
	bool good = mp_get_array(in, &n) == 0 && n == HEAD_MEMBERS + HEAD_CALENDAR + PART_COUNT &&
		    mp_get_uint(in, &fold) == 0 && fold >= STATE_FOLD_READ && fold <= STATE_FOLD &&
		    mp_get_uint(in, &s->seq) == 0 && mp_get_uint(in, &s->epoch) == 0 &&
		    mp_get_uint(in, &s->hlc) == 0 && get_hash(in, &s->head) == 0 &&
		    get_hash(in, &s->plan_hash) == 0 && mp_get_uint(in, &s->plan_seq) == 0 &&
		    get_text(in, s->active_model, sizeof(s->active_model)) == 0 &&
		    mp_get_uint(in, &s->command_id_max) == 0 && get_kinds(in, s) == 0 && get_counts(in, s) == 0;
	return good ? 0 : -EPROTO;
}

static int get_part(struct mp_in *in, struct journal_state *s, enum state_part part) {
	uint32_t items;
	if (mp_get_array(in, &items) < 0)
		return -EPROTO;
	return part < PART_RINGS ? get_table(in, s, part, items) : get_ring(in, s, part, items);
}

static void tag_requests(struct journal_state *s) {
	for (unsigned i = 0; i < state_items(s, PART_REQUESTS); i++)
		s->request_tags[i] = state_tag(s->requests[i].principal, s->requests[i].id);
}

int state_decode(struct journal_state *s, const void *bytes, size_t count) {
	struct mp_in in;
	state_init(s);
	s->touched = true;
	mp_open(&in, bytes, count);
	int rc = get_head(&in, s);
	for (unsigned part = 0; rc == 0 && part < PART_COUNT; part++)
		rc = get_part(&in, s, (enum state_part)part);
	if (rc == 0 && in.at != in.end)
		rc = -EPROTO;
	if (rc < 0)
		state_init(s);
	else
		tag_requests(s);
	return rc;
}

uint64_t state_fold(const void *bytes, size_t count) {
	struct mp_in in;
	uint32_t n;
	uint64_t fold;
	mp_open(&in, bytes, count);
	return mp_get_array(&in, &n) == 0 && mp_get_uint(&in, &fold) == 0 ? fold : 0;
}

/* ---- copying ---- */

void state_copy(struct journal_state *to, const struct journal_state *from) {
	state_init(to);
	memcpy(to, from, offsetof(struct journal_state, fact_order)); /* the head, and how many there are of each */
	memcpy(&to->turns_end, &from->turns_end, offsetof(struct journal_state, turns) -
			offsetof(struct journal_state, turns_end));
	for (unsigned part = 0; part < PART_COUNT; part++) {
		const struct shape *shape = &state_shapes[part];
		unsigned items = state_items(from, (enum state_part)part);
		memcpy((char *)to + shape->items_at, (const char *)from + shape->items_at,
				(size_t)items * shape->item_bytes);
		if (part < PART_RINGS)
			memcpy((char *)to + shape->order_at, (const char *)from + shape->order_at,
					items * sizeof(uint16_t));
	}
}
